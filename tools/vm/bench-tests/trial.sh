# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# make trial: the series on another kernel. Sourced by all.

# another <name>: $other is the base of the house's series, with a history
another() {
	new_house "$1" || return 1
	other=$work/other-$1
	mkdir -p "$other"
	git -C "$linux" archive base | tar -x -C "$other"
	printf 'VERSION = 7\nPATCHLEVEL = 4\nSUBLEVEL = 0\nEXTRAVERSION = -rc1\n' >"$other/Makefile"
	git -C "$other" init -q -b main
	git -C "$other" add -A
	git -C "$other" commit -q -m "Linux 7.4-rc1"
}

verdicts() {
	awk '/^[0-9]-/ { print $2 }' <<<"$said" | tr '\n' ' '
}

t_trial_applies() {
	another trial || return 1
	said=$(KERNEL_SRC=$other vm trial) || { echo "$said"; return 1; }
	[ "$(verdicts)" = 'applies applies applies ' ] &&
		[ "$(tail -n 1 <<<"$said")" = 'Linux 7.4.0-rc1: 3 apply, 0 merge, 0 in conflict' ] &&
		[ -z "$(git -C "$other" status --porcelain)" ] && [ ! -e "$house/build/check/trial" ] ||
		{ echo "$said"; return 1; }
	# A tarball likewise
	tar -C "$work" -cJf "$work/other.tar.xz" "$(basename "$other")"
	[ "$(KERNEL_SRC=$work/other.tar.xz vm trial)" = "$said" ]
}

# b is changed by the first patch, g by the second; c is only beside b
t_trial_names_the_conflict() {
	another trial_conflict || return 1
	sed -i 's/^g$/other/' "$other/drivers/one.c"
	git -C "$other" commit -q -a -m "one: Call it other"
	said=$(KERNEL_SRC=$other vm trial) && { echo "$said"; return 1; }
	[ "$(verdicts)" = 'applies CONFLICT applies ' ] &&
		grep "^    drivers/one.c $(git -C "$other" rev-parse --short HEAD) (\"one: Call it other\")$" \
			<<<"$said" >/dev/null &&
		[ "$(tail -n 1 <<<"$said")" = 'Linux 7.4.0-rc1: 2 apply, 0 merge, 1 in conflict' ] ||
		{ echo "$said"; return 1; }
	# The one after it is judged as if it was solved: a file that is gone stops both
	git -C "$other" rm -q drivers/one.c
	git -C "$other" commit -q -m "one: Remove it"
	said=$(KERNEL_SRC=$other vm trial) && { echo "$said"; return 1; }
	[ "$(verdicts)" = 'CONFLICT CONFLICT applies ' ] || { echo "$said"; return 1; }
}

t_trial_merges() {
	another trial_merges || return 1
	# What surrounds the change is another, the line itself is not
	sed -i 's/^d$/dd/' "$other/drivers/one.c"
	git -C "$other" commit -q -a -m "one: Double d"
	said=$(KERNEL_SRC=$other vm trial) || { echo "$said"; return 1; }
	[[ $(verdicts) == *merges* ]] || { echo "$said"; return 1; }
}

t_trial_bad_input() {
	new_house trial_bad || return 1
	one_line vm trial && says 'KERNEL_SRC= names the kernel' &&
		KERNEL_SRC=/no/such one_line vm trial && says 'no such file' &&
		mkdir "$work/empty" && KERNEL_SRC=$work/empty one_line vm trial &&
		says 'neither a source tree nor a tarball'
}
