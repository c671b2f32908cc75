# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# The gates of make check: each lets a good sample pass, and one defect not. Sourced
# by all.

# gate <function> <arguments>: of the house's copy of the scripts
gate() {
	bash -c '. "$0/tools/vm/lib/lib.sh"
		. "$0/tools/vm/lib/repo.sh"
		. "$0/tools/vm/lib/gates.sh"
		repo_use kernel
		"$@"' "${house:-$top}" "$@"
}

# gate_red <pattern> <gate...>: it fails, and says so
gate_red() {
	said=$(gate "${@:2}" 2>&1) && { echo "# $*: is green"; return 1; }
	[[ $said =~ $1 ]] || { echo "# $*: said: $said"; return 1; }
}

a_patch() {
	cat >"$work/a.patch"
}

t_gate_fixes() {
	local id subject

	new_house gate_fixes || return 1
	id=0123456789ab
	printf '# head\n%s iommu: Add it\n' $id >"$house/tools/vm/data/fixes"
	a_patch <<<$'Subject: x\n\nFixes: 0123456789ab ("iommu: Add it")\n---\nFixes: nonsense'
	gate fixes_real "$work/a.patch" || return 1
	a_patch <<<$'Subject: x\n\nFixes: 0123456789ab ("iommu: Add that")\n---'
	gate_red 'no such commit' fixes_real "$work/a.patch" || return 1
	a_patch <<<$'Subject: x\n\nFixes: 0123456789ac ("iommu: Add it")\n---'
	gate_red 'no such commit' fixes_real "$work/a.patch" || return 1
	a_patch <<<$'Subject: x\n\nFixes: 01234567 ("iommu: Add it")\n---'
	gate_red 'not like' fixes_real "$work/a.patch" || return 1
	# Against a history
	id=$(git -C "$linux" rev-parse --short=12 base)
	subject=$(git -C "$linux" log -1 --format=%s base)
	echo "$id $subject" >"$house/tools/vm/data/fixes"
	gate fixes_in_history "$linux" || return 1
	echo "$id Another" >"$house/tools/vm/data/fixes"
	gate_red "is \"$subject\", not \"Another\"" fixes_in_history "$linux" || return 1
	echo "0123456789ab $subject" >"$house/tools/vm/data/fixes"
	gate_red 'has no commit 0123456789ab' fixes_in_history "$linux"
}

t_gate_fixes_of_the_series() {
	local p

	unset house
	for p in "$top"/patches/*/*.patch; do
		gate fixes_real "$p" || return 1
	done
}

t_gate_round_trip() {
	local p

	new_house gate_trip || return 1
	gate round_trip kernel || return 1
	p=$(ls "$house"/patches/0-fixes/0020-*.patch)
	cp "$p" "$work/kept.patch"
	sed -i 's/^+G$/+H/' "$p"
	gate_red 'the tree from patches is not' round_trip kernel || return 1
	sed 's/^Why it is wrong/Why it was wrong/' "$work/kept.patch" >"$p"
	gate_red 'Why it was wrong' round_trip kernel || return 1
	sed 's/^-g$/-q/' "$work/kept.patch" >"$p"
	gate_red 'patch does not apply' round_trip kernel || return 1
	cp "$work/kept.patch" "$p"
	# What is known of it is about these patches and this tree
	[ "$(gate trip_key kernel)" = "$(gate trip_key kernel)" ] || return 1
	p=$(gate trip_key kernel)
	echo >>"$house/patches/0-fixes/cover-letter"
	[ "$(gate trip_key kernel)" != "$p" ]
}

t_gate_inline() {
	unset house
	a_patch <<-'END'
		--- /dev/null
		+++ b/drivers/iommu/new.c
		+static int fine(void)
		--- /dev/null
		+++ b/drivers/iommu/new.h
		+static inline int fine(void)
		--- a/drivers/iommu/old.c
		+++ b/drivers/iommu/old.c
		+static inline int as_its_neighbours(void)
	END
	gate no_inline "$work/a.patch" || return 1
	sed 's/new\.h/new_too.c/' "$work/a.patch" >"$work/b.patch"
	gate_red 'new_too.c: static inline int fine' no_inline "$work/b.patch"
}

t_gate_selftests() {
	local d=$work/selftests

	unset house
	mkdir -p "$d"
	printf 'TEST_GEN_PROGS := %s\nTEST_GEN_PROGS_EXTENDED += tool\nTEST_PROGS := it.sh\n' one >"$d/Makefile"
	printf '# SPDX\n%s\n' one tool >"$d/.gitignore"
	echo 'TEST_HARNESS_MAIN' >"$d/one.c"
	echo 'int main(void)' >"$d/tool.c"
	echo 'int helper(void)' >"$d/lib.c"
	: >"$d/it.sh"
	gate selftests_listed "$d" || return 1
	sed -i '/^one$/d' "$d/.gitignore"
	gate_red '^one is built, and not in .gitignore$' selftests_listed "$d" || return 1
	echo one >>"$d/.gitignore"
	echo TEST_HARNESS_MAIN >"$d/two.c"
	gate_red '^two.c is a program that the Makefile does not build$' selftests_listed "$d" || return 1
	rm "$d/two.c"
	: >"$d/more.sh"
	gate_red '^more.sh is not in the Makefile$' selftests_listed "$d" || return 1
	rm "$d/more.sh" "$d/it.sh"
	gate_red 'names it.sh, and there is no such file' selftests_listed "$d"
}

# What was fine is not asked again, what was not is; another file, or another checker
# that is called the same, is another question
t_gate_known() {
	local n

	new_house gate_known || return 1
	echo a >"$work/a.patch"
	cat >>"$house/tools/vm/lib/gates.sh" <<-'END'
		count_me() { echo x >>"$cache/../asked"; [ "$(cat "$1")" != bad ]; }
		ask() { known "$(key_of count_me "$1")" count_me "$1"; }
	END
	n=$XDG_CACHE_HOME/asked
	mkdir -p "$XDG_CACHE_HOME/iommu-sva"
	gate ask "$work/a.patch" && gate ask "$work/a.patch" && [ "$(wc -l <"$n")" = 1 ] || return 1
	echo bad >"$work/a.patch"
	! gate ask "$work/a.patch" && ! gate ask "$work/a.patch" && [ "$(wc -l <"$n")" = 3 ] || return 1
	echo a >"$work/a.patch"
	sed -i 's/!= bad/!= evil/' "$house/tools/vm/lib/gates.sh"
	gate ask "$work/a.patch" && [ "$(wc -l <"$n")" = 4 ]
}
