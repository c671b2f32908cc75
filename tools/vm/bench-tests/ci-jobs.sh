# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# The job files of doc/ci say to make what it knows. Sourced by all.

t_job_files_are_current() {
	local f word targets known=' '

	targets=" $(sed -n '/^\.PHONY:/,/[^\\]$/p' "$top/Makefile" | tr -s ' \t\n\\' ' ')"
	known+="CI $(sed -n 's/^\([A-Z_]*\)=.*/\1/p' "$data/variables" | tr '\n' ' ')"
	for f in "$top"/doc/ci/*.yml; do
		grep '^[^#]*make test' "$f" >/dev/null && grep '^[^#]*make merge' "$f" >/dev/null ||
			{ echo "# $f: does not test, or not all in one"; return 1; }
		while read -r word; do
			case $word in
			*=*)	[[ $known == *" ${word%%=*} "* ]] ;;
			*)	[[ $targets == *" $word "* ]] ;;
			esac || { echo "# $f: make knows no $word"; return 1; }
		done < <(sed -n 's/^[^#]* make \([a-z].*\)$/\1/p' "$f" | grep -v '^[^ ]*$\| install ' |
			tr ' ' '\n')
	done
	# As many numbers as the division has
	f=$top/doc/ci/github-actions.yml
	[ "$(sed -n 's/^ *shard: \[\(.*\)\]$/\1/p' "$f" | tr -d ' ')" = \
		"$(seq -s, "$(sed -n 's,^ *SHARD: \${{ matrix.shard }}/\([0-9]*\)$,\1,p' "$f")")" ]
}

# What a job leaves is what the next one reads
t_job_files_pass_results_on() {
	local f

	for f in "$top"/doc/ci/*.yml; do
		grep '[ /]build/shards$' "$f" >/dev/null &&
			grep 'SHARDS=build/shards$' "$f" >/dev/null &&
			grep 'build/results' "$f" >/dev/null &&
			grep 'build/merged' "$f" >/dev/null || { echo "# $f"; return 1; }
	done
}
