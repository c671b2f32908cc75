# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# Work is never lost: what is in a tree, in patches/, or in a copy stays until its
# owner says otherwise. Sourced by all.

# A colleague's change: other words, or another patch's other line
newer_patches() {
	sed -i 's/^Why it is wrong\.$/Why it was wrong./' \
		"$house"/patches/0-fixes/0020-*.patch
}

patch_files() {
	(cd "$house" && find patches drivers MAINTAINERS -type f | sort | xargs sha256sum)
}

subjects() {
	git -C "$linux" log --reverse --format=%s base.. | tr '\n' '|'
}

t_both_changed_is_named() {
	local before

	new_house both || return 1
	sed -i 's/^e$/E/' "$linux/drivers/one.c"
	commit "one: Fix e"
	newer_patches
	before=$(patch_files)
	one_line vm tree kernel && says 'patches has changed since .0-fixes/0020-one-Fix-g.patch.: make tree REBASE=1' ||
		return 1
	one_line vm export kernel && says 'an export would undo that' || return 1
	[ "$(patch_files)" = "$before" ] && vm tree kernel --keep &&
		git -C "$linux" log --format=%s | grep -x 'one: Fix e' >/dev/null
}

t_rebase_takes_both() {
	new_house rebase_both || return 1
	sed -i 's/^e$/E/' "$linux/drivers/one.c"
	commit "one: Fix e" "Mine."
	newer_patches
	REBASE=1 vm tree kernel >/dev/null 2>&1 || return 1
	grep -x E "$linux/drivers/one.c" >/dev/null &&
		messages | grep -x 'Why it was wrong.' >/dev/null &&
		messages | grep -x 'Mine.' >/dev/null && vm export kernel &&
		grep -x 'Why it was wrong.' "$house"/patches/0-fixes/0020-*.patch >/dev/null &&
		[ -e "$house/patches/1-more/0020-one-Fix-e.patch" ]
}

# rewrite <command>: git rebase -i base, with its list edited by sed
rewrite() {
	git -C "$linux" -c sequence.editor="sed -i '$1'" rebase -q -i base >/dev/null 2>&1
}

# I amend, insert and drop; the colleague changes another patch and adds one
t_rebase_merges_series() {
	new_house rebase_merge || return 1
	rewrite '/Fix b$/s/^pick/edit/'
	sed -i 's/^B$/BB/' "$linux/drivers/one.c"
	git -C "$linux" commit -q -a --amend -m "one: Fix b" -m "Better."
	printf 'new\n' >"$linux/drivers/three.c"
	commit "three: Add it"
	git -C "$linux" rebase --continue >/dev/null 2>&1 || return 1
	newer_patches
	cp "$house/patches/1-more/0010-two-Add-it.patch" \
		"$house/patches/1-more/0020-four-Add-it.patch"
	sed -i -e 's/two/four/g; s/TWO/FOUR/' -e '/^diff.*MAINTAINERS/,/^diff/{/^diff.*drivers/!d}' \
		-e 's/^ MAINTAINERS.*//' "$house/patches/1-more/0020-four-Add-it.patch"
	echo '/* new */' >"$house/drivers/four.c"
	REBASE=1 vm tree kernel >"$work/out" 2>&1 || { cat "$work/out"; return 1; }
	[ "$(subjects)" = "cover: 0-fixes: Fixes|one: Fix b|three: Add it|one: Fix g|cover: 1-more: More|two: Add it|four: Add it|" ] ||
		{ echo "# $(subjects)"; return 1; }
	grep -x BB "$linux/drivers/one.c" >/dev/null &&
		messages | grep -x 'Better.' >/dev/null &&
		messages | grep -x 'Why it was wrong.' >/dev/null && vm export kernel
}

# Both have changed the same line: git's conflict, in the tree, until it is solved
# or aborted; aborted is as it was before
t_rebase_conflict() {
	local before was

	new_house rebase_conflict || return 1
	rewrite '/Fix g$/s/^pick/edit/'
	sed -i 's/^G$/MINE/' "$linux/drivers/one.c"
	git -C "$linux" commit -q -a --amend --no-edit
	git -C "$linux" rebase --continue >/dev/null 2>&1 || return 1
	sed -i 's/^+G$/+THEIRS/' "$house"/patches/0-fixes/0020-*.patch
	before=$(patch_files)
	was=$(git -C "$linux" rev-parse main)
	REBASE=1 vm tree kernel >/dev/null 2>"$work/said" && return 1
	tail -n 1 "$work/said" | grep 'both sides have changed drivers/one.c: solve it there' >/dev/null &&
		one_line vm export kernel && says 'a rebase is not at its end' || return 1
	git -C "$linux" rebase --abort
	[ "$(git -C "$linux" rev-parse HEAD main | uniq)" = "$was" ] &&
		one_line vm export kernel && says 'an export would undo that' &&
		[ "$(patch_files)" = "$before" ] || return 1
	# Once more, and solved
	REBASE=1 vm tree kernel >/dev/null 2>&1 && return 1
	printf '%s\n' a B c d e f BOTH h >"$linux/drivers/one.c"
	git -C "$linux" add -A
	GIT_EDITOR=true git -C "$linux" rebase --continue >/dev/null 2>&1 || return 1
	vm export kernel && grep -x '+BOTH' "$house"/patches/0-fixes/0020-*.patch >/dev/null &&
		[ "$(subjects)" = "cover: 0-fixes: Fixes|one: Fix b|one: Fix g|cover: 1-more: More|two: Add it|" ]
}

# A new cover letter of theirs, and one of mine
t_rebase_cover_letters() {
	new_house covers || return 1
	rewrite '/cover: 0-fixes/s/^pick/edit/'
	git -C "$linux" commit -q --amend --allow-empty -m "cover: 0-fixes: Fixes" -m "My words."
	git -C "$linux" rebase --continue >/dev/null 2>&1 || return 1
	echo "Their words." >>"$house/patches/1-more/cover-letter"
	REBASE=1 vm tree kernel >/dev/null 2>&1 && vm export kernel &&
		grep -x 'My words.' "$house/patches/0-fixes/cover-letter" >/dev/null &&
		grep -x 'Their words.' "$house/patches/1-more/cover-letter" >/dev/null
}

t_export_refuses_other_branch() {
	local before

	new_house branch || return 1
	before=$(patch_files)
	git -C "$linux" checkout -q --detach HEAD~2
	one_line vm export kernel && says 'not on its branch main' || return 1
	git -C "$linux" checkout -q -b half
	one_line vm export kernel && says 'git switch main' &&
		[ "$(patch_files)" = "$before" ]
}

# main holds a commit, another branch is checked out, the patches are newer
t_tree_keeps_main_behind_a_branch() {
	new_house behind || return 1
	git -C "$linux" branch other
	commit "one: Only on main"
	git -C "$linux" checkout -q other
	newer_patches
	one_line vm tree kernel && says 'work that is not in' || return 1
	FORCE=1 vm tree kernel 2>/dev/null &&
		git -C "$linux" log --format=%s --branches='kept/*' |
			grep -x 'one: Only on main' >/dev/null
}

# What a rebase has stopped in is work, too
t_tree_keeps_half_a_rebase() {
	new_house half || return 1
	rewrite '/Fix b$/s/^pick/edit/'
	echo half >>"$linux/drivers/one.c"
	FORCE=1 vm tree kernel 2>/dev/null &&
		git -C "$linux" log -p --branches='kept/*' | grep -x '+half' >/dev/null
}

# another_base: as if another kernel were pinned
another_base() {
	sed -i 's/^\(linux.*\)[0-9a-f]$/\1x/' "$house/tools/vm/data/sources"
}

t_tree_keeps_branches_and_stashes() {
	new_house stash || return 1
	git -C "$linux" branch mine HEAD~1
	echo stashed >>"$linux/drivers/one.c"
	git -C "$linux" stash -q
	another_base
	one_line vm tree kernel --keep && says 'branch mine, stash@.0. ' || return 1
	one_line make -C "$house" distclean && says 'holds branch mine, stash@.0. ' ||
		return 1
	[ -e "$linux/.git" ] && FORCE=1 vm distclean 2>/dev/null && [ ! -e "$house/build" ]
}

t_comment_does_not_remake_tree() {
	new_house comment || return 1
	git -C "$linux" branch mine
	echo "# A word more" >>"$house/tools/vm/data/sources"
	vm tree kernel --keep && git -C "$linux" rev-parse -q --verify mine >/dev/null || return 1
	# while another source does
	another_base
	one_line vm tree kernel --keep
}

t_edited_copy_is_named() {
	new_house edited || return 1
	echo '/* better */' >>"$house/drivers/two.c"
	touch "$house/drivers/stray.c"
	one_line vm export kernel && says 'undo what was edited .*: drivers/stray.c, drivers/two.c: make adopt' ||
		return 1
	# At once, before anything is built
	stub_commands deps build
	said=$(vm setup kernel 2>&1 >/dev/null)
	says 'not tested, .*: drivers/stray.c, drivers/two.c: make adopt' || return 1
	CI=1 vm setup kernel >/dev/null 2>&1 && return 1
	# Whoever edits both trees alike has nothing to fear
	rm "$house/drivers/stray.c"
	cp "$house/drivers/two.c" "$linux/drivers/two.c"
	commit "two: Better"
	vm export kernel
}

# Two patches' lines in one file, edited in the copy: a fixup! for each
t_adopt() {
	new_house adopt || return 1
	printf 'int %s;\n' one two three four five six >"$linux/drivers/two.c"
	git -C "$linux" commit -q -a --amend --no-edit
	printf 'int %s;\n' seven eight nine ten >>"$linux/drivers/two.c"
	commit "two: Say more"
	vm export kernel || return 1
	sed -i -e 's/int two/long two/' -e 's/int nine/long nine/' "$house/drivers/two.c"
	echo "int eleven;" >>"$house/drivers/two.c"
	cp "$house/drivers/two.c" "$work/edited.c"
	vm adopt 2>/dev/null || return 1
	git -C "$linux" log --format=%s | grep -c '^fixup! ' | grep -x 2 >/dev/null || return 1
	git -C "$linux" -c sequence.editor=true rebase -q -i --autosquash base >/dev/null 2>&1 &&
		vm export kernel && cmp "$house/drivers/two.c" "$work/edited.c" &&
		grep -x '+long two;' "$house"/patches/1-more/0010-*.patch >/dev/null &&
		grep -x '+long nine;' "$house"/patches/1-more/0020-*.patch >/dev/null
}

t_adopt_says_why_not() {
	new_house adopt_not || return 1
	one_line vm adopt && says 'no copy was edited' || return 1
	printf '/* new */\nint one;\n' >"$linux/drivers/two.c"
	commit "two: Say more"
	vm export kernel || return 1
	echo "all else" >"$house/drivers/two.c"
	touch "$house/drivers/stray.c"
	vm adopt 2>"$work/said" && return 1
	grep "drivers/two.c:1: several patches' lines" "$work/said" >/dev/null &&
		grep 'drivers/stray.c: added or removed' "$work/said" >/dev/null &&
		grep 'all else' "$house/drivers/two.c" >/dev/null
}

# Its path is not enough: what is in it counts
t_kernel_src_changes() {
	local d

	new_house changing || return 1
	stub_commands deps build
	git -C "$linux" archive --prefix=src/ base | tar -x -C "$house"
	printf 'VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 9\nEXTRAVERSION =\n' >"$house/src/Makefile"
	export KERNEL_SRC=$house/src
	vm tree kernel --keep || return 1
	d=$(ls -d "$house"/build/kernel-*)
	echo later >"$house/src/drivers/later.c"
	vm setup kernel | grep -F "Linux 7.3.9 ($house/src) + patches" >/dev/null &&
		[ -e "$d/drivers/later.c" ] || return 1
	# Own work in its tree stays
	echo mine >>"$d/drivers/one.c"
	touch "$house/src/drivers/latest.c"
	vm setup kernel 2>&1 | grep 'has changed since' >/dev/null &&
		grep mine "$d/drivers/one.c" >/dev/null
}

t_clean_leaves_the_trees() {
	local d

	new_house clean || return 1
	(cd "$house/build" && mkdir -p check/kernel/.git obj out{,-base,-debug} results{,-base} mutants vm log \
		series series-a1 mail bisect/obj && touch series/all.mbx)
	for d in base bisect mutants topics; do
		git -C "$linux" worktree add -q --detach "$house/build/$d/linux" base || return 1
	done
	git -C "$linux" worktree add -q --detach "$house/build/check-kernel" base || return 1
	make -s -C "$house" clean || return 1
	[ "$(cd "$house/build" && echo *)" = linux ] ||
		{ echo "# $(ls "$house/build")"; return 1; }
	# and it is made again where it was
	git -C "$linux" worktree add -q --detach "$house/build/base/linux" base
}

# A work tree of the user's is his, wherever it lies
t_clean_keeps_users_work_trees() {
	new_house work_trees || return 1
	mkdir -p "$house/build/obj" "$house/build/mine"
	git -C "$linux" worktree add -q -b topic "$house/build/mine/topic" main || return 1
	git -C "$linux" worktree add -q --detach "$house/build/base/linux" base || return 1
	echo work >"$house/build/mine/topic/new.c"
	make -s -C "$house" clean
	[ "$(cd "$house/build" && echo *)" = 'linux mine' ] &&
		[ -e "$house/build/mine/topic/new.c" ] || { ls "$house/build"; return 1; }
	git -C "$linux" worktree add -q --detach "$house/build/base/linux" base || return 1
	one_line make -C "$house" distclean && says 'work tree .*/build/mine/topic' || return 1
	git -C "$linux" worktree remove --force "$house/build/mine/topic" &&
		git -C "$linux" branch -q -D topic && vm distclean 2>/dev/null && [ ! -e "$house/build" ]
}
