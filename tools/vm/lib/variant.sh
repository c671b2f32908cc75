# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Which kernel is meant: BASE=1 is 7.3.4 with the topics that need only its
# API, DEBUG=1 has KASAN, lockdep and kmemleak. Sourced after repo.sh.

base_topic=1-selftests	# the last of them in patches/series

# The commit before the first topic beyond the base's.
base_commit_of_series() {
	local next

	next=$(tgit log --reverse --first-parent --format='%H %s' base..HEAD |
		awk -v t="$base_topic:" '$2 == "cover:" {
			if (seen++ == 1)
				print $1
			else if ($3 != t)
				seen = 0
		}')
	if [ -n "$next" ]; then
		tgit rev-parse "$next^"
	else
		tgit rev-parse HEAD
	fi
}

# variant_suffix <kernel|qemu>: the ending of the folders of what was asked for
variant_suffix() {
	local name of ending

	while read -r name of ending; do
		[ "$of" != "$1" ] || [ -z "${!name:-}" ] || printf '%s' "$ending"
	done <"$data/variants"
}

# work_place <folder>: a tree of its own and its objects lie there as ours do in
# build/, so that ccache, which sees relative paths, takes the one for the other.
# Sets place, ktree (the source) and objs (where objects' folders are).
work_place() {
	place=$1
	ktree=$place/$(basename "$tree")
	objs=$place/obj
}

# The same for the kernel that was asked for, whether it is there or not
variant_tree() {
	repo_use kernel
	work_place "$(dirname "$tree")${BASE:+/base}"
}

# kernel_variant: sets kobj (the folder of the objects below $objs) besides, for
# $arch, and makes the tree.
kernel_variant() {
	variant_tree
	kobj=$arch
	[ -z "$source_override" ] || kobj=$arch-$(basename "$tree")
	[ -e "$tree/.git" ] || die "${tree#"$top"/} does not exist: make tree"
	if [ -n "${BASE:-}" ]; then
		worktree "$ktree" "$(base_commit_of_series)"
	fi
	kobj+=$(variant_suffix kernel)
}

# worktree <folder> <commit>: a work tree of its own, moved only if need be.
worktree() {
	if [ ! -e "$1/.git" ]; then
		tgit worktree prune
		tgit worktree add -q --detach "$1" "$2"
	elif [ "$(bare_git -C "$1" rev-parse HEAD)" != "$2" ]; then
		bare_git -C "$1" checkout -q -f --detach "$2"
	fi
}

ktree_id() {
	if [ "$ktree" = "$tree" ]; then
		tree_id
	else
		bare_git -C "$ktree" rev-parse 'HEAD^{tree}'
	fi
}

# The configuration's lines: of several for a symbol the last one counts
fragments() {
	{
		fragments_of_variant
		config_wanted
	} | awk '
		/^(# )?CONFIG_/ {
			symbol = $0
			sub(/^# /, "", symbol)
			sub(/[ =].*/, "", symbol)
			if (!(symbol in line))
				order[++n] = symbol
			line[symbol] = $0
		}
		END { for (i = 1; i <= n; i++) print line[order[i]] }'
}

# The kernel's selftests that are run
collections=(iommu sva)

# What they need they say themselves; the bench's own files have the rest. A tree
# that is a part of the series gets what all of it needs, so that variants differ in
# nothing else.
fragments_of_variant() {
	local c place

	{
		for c in "${collections[@]}"; do
			for place in "$tree" "$build/linux"; do
				[ -e "$place/tools/testing/selftests/$c/config" ] || continue
				cat "$place/tools/testing/selftests/$c/config"
				break
			done
		done
		cat "$data/config/common.config" "$data/config/$arch.config" \
			"$data/config/topic2.config"
		[ -z "${DEBUG:-}" ] || cat "$data/config/debug.config"
		[ -z "${GDB:-}" ] || cat "$data/config/gdb.config"
	} | grep -vwF -f <(absent_symbols; echo "no such line")
}

# symbols_added <commit>: those that the series has added to Kconfig files there
symbols_added() {
	tgit diff base "$1" -- '*Kconfig*' |
		sed -nE 's/^\+(menu)?config ([A-Z0-9_]+)$/CONFIG_\2/p' | sort -u
}

# Symbols of the series that $ktree, if it is a part of the series, does not have
absent_symbols() {
	[ "$ktree" != "$tree" ] || [ "${MUTANT_TREE:-}" = kernel ] || return 0
	comm -23 <(symbols_added main) \
		<(symbols_added "$(bare_git -C "$ktree" rev-parse HEAD)")
}
