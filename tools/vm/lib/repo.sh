# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The two git trees that patches are worked on in. Sourced after lib.sh.
#
#   kernel: build/linux    <-> patches/<topic>/*.patch, and copies of new files
#   qemu:   build/qemu-src <-> tools/qemu/patches/*.patch
#
# The tree's branch main is: the base commit (tag "base"), then the patches. In
# the kernel's tree each topic starts with an empty commit whose message is its
# cover letter. refs/bench/synced is the commit that equals patches/ as they were
# when it was made or exported; .git/patches-list says how that was.

# repo_use <kernel|qemu>
repo_use() {
	repo=$1
	case $repo in
	kernel)
		tree=$build/linux
		pdir=$top/patches
		source_override=${KERNEL_SRC:-}
		base_name="Linux 7.3.4"
		blobs=$data/base-blobs
		;;
	qemu)
		tree=$build/qemu-src
		pdir=$top/tools/qemu/patches
		source_override=${QEMU_SRC:-}
		base_name="QEMU 10.2.2"
		blobs=$top/tools/qemu/base-blobs
		;;
	*)	die "$repo: no such tree (kernel or qemu)" ;;
	esac
	# A source of the user's own gets a tree of its own beside ours.
	if [ -n "$source_override" ]; then
		[ -e "$source_override" ] ||
			die "${repo^^}_SRC=$source_override: no such file or folder"
		source_override=$(realpath "$source_override")
		tree=$build/$repo-$(echo "$source_override" | sha256sum | cut -c1-8)
	fi
	# A mutant's tree has the same name in a folder of its own: ccache, which
	# sees relative paths, takes the one for the other.
	[ "${MUTANT_TREE:-}" != "$repo" ] || tree=$MUTANT_DIR/$(basename "$tree")
	where=${tree#"$top"/}
	patches=${pdir#"$top"/}
}

# What the tree is made of, for the reader: the pinned base, or the user's source
# with the version that it says it has.
source_name() {
	local version

	[ -n "$source_override" ] || { echo "$base_name"; return; }
	if [ "$repo" = qemu ]; then
		version=QEMU\ $(tgit show base:VERSION 2>/dev/null || echo '?')
	else
		version=Linux\ $(tgit show base:Makefile 2>/dev/null | awk '
			/^(VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION) *=/ { v[$1] = $3 }
			END { printf "%s.%s.%s%s", v["VERSION"], v["PATCHLEVEL"],
				v["SUBLEVEL"], v["EXTRAVERSION"] }') || true
	fi
	echo "$version ($source_override)"
}

tgit() {
	bare_git -C "$tree" "$@"
}

# The state of the user's own source: a folder's names, sizes and times
override_id() {
	if [ -d "$source_override" ]; then
		(cd "$source_override" && find . -name .git -prune -o \
			-printf '%P %y %s %T@ %l\n') | sort
	else
		stat -c '%s %y' "$source_override"
	fi
}

# Identifies what the base commit is made of.
base_key() {
	{
		if [ -n "$source_override" ]; then
			echo "$source_override"
			override_id
		elif [ "$repo" = kernel ]; then
			awk '$1 == "linux" { print $1, $6 }' "$data/sources"
			cat "$data/debian-to-upstream.patch"
		else
			awk '$1 ~ /^qemu/ { print $1, $6 }' "$data/sources"
		fi
	} | sha256sum
}

base_changed() {
	[ "$(cat "$tree/.git/base-key" 2>/dev/null)" != "$(base_key)" ]
}

topics() {
	if [ "$repo" = qemu ]; then
		echo .
	else
		sed 's/#.*//; /^$/d' "$pdir/series"
	fi
}

# The patches, and the hash of each.
patches_list() {
	(cd "$pdir" && find . -type f ! -name '.*' -print0 |
		sort -z | xargs -0 sha256sum)
}

patches_key() {
	patches_list 2>/dev/null | sha256sum | cut -d' ' -f1
}

# Were patches/ changed since they and the tree were last the same?
patches_changed() {
	local was

	was=$(cat "$tree/.git/patches-key" 2>/dev/null || true)
	[ "$was" != "$(patches_key)" ]
}

# Which they are, for a line
changed_patches() {
	{ diff "$tree/.git/patches-list" <(patches_list) 2>/dev/null || true; } |
		sed -n 's,^[<>] [0-9a-f]*  \./,,p' | sort -u | one_line 3
}

# The tree as it stands, uncommitted changes included, as a git tree id. What is
# built or taken from a cache goes by it: no id is an error, whoever asks.
tree_id() {
	local index id=

	index=$(mktemp) || die "cannot make a temporary file in ${TMPDIR:-/tmp}"
	cp "$(tgit rev-parse --absolute-git-dir)/index" "$index" &&
		id=$(export GIT_INDEX_FILE=$index &&
			tgit add -A && tgit write-tree) || true
	rm -f "$index" "$index.lock"
	[[ $id =~ ^[0-9a-f]{40}$ ]] ||
		die "git cannot tell the state of $where (is ${TMPDIR:-/tmp} full?)"
	echo "$id"
}

# Or in git am, which is rebase's older half
in_rebase() {
	[ -d "$tree/.git/rebase-apply" ] || [ -d "$tree/.git/rebase-merge" ]
}

is_dirty() {
	local changes

	changes=$(tgit status --porcelain) || die "git status fails in $where"
	[ -n "$changes" ] || in_rebase
}

# commit_of <name>: its id, or nothing
commit_of() {
	tgit rev-parse -q --verify "$1^{commit}" || true
}

on_main() {
	[ "$(tgit symbolic-ref -q --short HEAD || true)" = main ]
}

# Do commits and files equal what was last imported from or exported to patches?
is_synced() {
	local synced

	synced=$(commit_of refs/bench/synced)
	! is_dirty && [ -n "$synced" ] && [ "$synced" = "$(commit_of HEAD)" ]
}

# Is there anything that making the tree anew would take from branch main?
has_work() {
	local main

	main=$(commit_of main)
	! is_synced || { [ -n "$main" ] && [ "$main" != "$(commit_of refs/bench/synced)" ]; }
}

# State of the tree against patches/: missing, same, patches-newer (safe to make
# anew), unexported, both (unexported, and patches/ has changed meanwhile).
tree_state() {
	local state=same

	[ -d "$tree/.git" ] || { echo missing; return; }
	settle_rebase
	! patches_changed || state=patches-newer
	if has_work; then
		[ $state = same ] && state=unexported || state=both
	fi
	echo $state
}

# remember <ref> <suffix>: that commit and patches/ as they are belong together
remember() {
	tgit update-ref "$1" HEAD
	patches_key >"$tree/.git/patches-key$2"
	patches_list >"$tree/.git/patches-list$2"
}

mark_synced() {
	remember refs/bench/synced ''
}

# A rebase onto new patches may stop in a conflict, and somebody ends it later: the
# tree belongs to the new patches if it came to its end.
settle_rebase() {
	local f

	if [ -z "$(commit_of refs/bench/next)" ] || in_rebase; then
		return
	fi
	if [ -n "$(commit_of refs/bench/rebased)" ]; then
		tgit update-ref refs/bench/synced refs/bench/next
		for f in patches-key patches-list; do
			mv "$tree/.git/$f-next" "$tree/.git/$f"
		done
		tgit update-ref -d refs/bench/rebased
	fi
	tgit update-ref -d refs/bench/next
}

# The work trees of the tree: <users>, or those that the bench made for itself
work_trees() {
	local d here

	here=$(realpath "$build")
	while read -r d; do
		case ${d#"$here"/} in
		"$(basename "$tree")")	;;
		base/*|bisect/*|mutants/*|topics/*|check-*|linux-base|linux-bisect)
			[ "$1" = users ] || echo "$d" ;;
		*)	[ "$1" != users ] || echo "$d" ;;
		esac
	done < <(tgit worktree list --porcelain | sed -n 's/^worktree //p')
}

# What a user keeps in the tree besides main, on one line: it would go with it.
own_work() {
	{
		tgit for-each-ref --format='branch %(refname:short)' refs/heads
		tgit for-each-ref --format='tag %(refname:short)' refs/tags
		tgit stash list --format='%gd (%s)'
		work_trees users | sed 's/^/work tree /'
	} | awk '
		$0 == "branch main" || $0 == "tag base" { next }
		{ printf "%s%s", (n++ ? ", " : ""), $0 }'
}

# Remove the tree, and the work trees that the bench made of it.
remove_tree() {
	local d

	while read -r d; do
		rm -rf "$d"
	done < <(work_trees ours)
	rm -rf "$tree"
}

# ---- copies of the files that the series adds

# Where copies of the kernel's files may be; ours are never there.
kernel_dirs=(arch block crypto Documentation drivers fs include init ipc kernel
	lib mm net samples scripts security sound tools/testing virt)

present_copies() {
	local d

	for d in "${kernel_dirs[@]}"; do
		[ ! -d "$top/$d" ] || (cd "$top" && find "$d" -type f)
	done | sort
}

# The sections that <commit> adds to MAINTAINERS, as a file of their own.
maintainers_of() {
	echo "Sections that the series adds to the kernel's MAINTAINERS"
	echo
	tgit diff --no-renames -U0 base "$1" -- MAINTAINERS |
		sed -n -e '/^+++/d' -e 's/^+//p'
}

# The files that <commit> adds to the base: blob and path
added_by() {
	tgit diff --raw --no-abbrev --no-renames --diff-filter=A base "$1" |
		awk -F'[ \t]' '{ print $4, $6 }'
}

# Copies that somebody edited here, where nobody builds them: they are neither
# as they were exported nor as the tree has them. One a line.
edited_copies() {
	local synced

	synced=$(commit_of refs/bench/synced)
	# Newer patches come with copies of theirs
	if [ -z "$synced" ] || patches_changed; then
		return
	fi
	present_copies >"$tree/.git/copies"
	{
		added_by "$synced"
		echo HEAD
		added_by HEAD
		echo present
		(cd "$top" && bare_git hash-object --no-filters --stdin-paths) \
			<"$tree/.git/copies" | paste -d' ' - "$tree/.git/copies"
	} | awk '
		NF == 1 { from = $1; next }
		from != "present" { known[$0] = 1 }
		from == "" { path[$2] = 1 }
		from != "present" { next }
		{ delete path[$2]; if (!($0 in known)) print $2 }
		END { for (p in path) print p }' | sort
	cmp -s "$top/MAINTAINERS" <(maintainers_of "$synced") ||
		cmp -s "$top/MAINTAINERS" <(maintainers_of HEAD) || echo MAINTAINERS
}

# one_line <n>: the first n lines of standard input as a list, and how many more
one_line() {
	awk -v n="$1" '
		NR <= n { printf "%s%s", (NR > 1 ? ", " : ""), $0 }
		END { if (NR > n) printf " and %d more", NR - n }'
}
