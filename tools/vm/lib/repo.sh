# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The two git trees that patches are worked on in. Sourced after lib.sh.
#
#   kernel: build/linux    <-> patches/<topic>/*.patch, and copies of new files
#   qemu:   build/qemu-src <-> tools/qemu/patches/*.patch
#
# The tree's branch is: the base commit (tag "base"), then the patches. In the
# kernel's tree each topic starts with an empty commit whose message is its
# cover letter. refs/bench/synced is the commit that equals patches/.

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
	# A mutant's tree has the same name in a folder of its own: ccache, which
	# sees relative paths, takes the one for the other.
	[ "${MUTANT_TREE:-}" != "$repo" ] || tree=$MUTANT_DIR/$(basename "$tree")
	# A source of the user's own gets a tree of its own beside ours.
	if [ -n "$source_override" ]; then
		[ -e "$source_override" ] ||
			die "${repo^^}_SRC=$source_override: no such file or folder"
		source_override=$(realpath "$source_override")
		tree=$build/$repo-$(echo "$source_override" | sha256sum | cut -c1-8)
	fi
}

tgit() {
	bare_git -C "$tree" "$@"
}

topics() {
	if [ "$repo" = qemu ]; then
		echo .
	else
		sed 's/#.*//; /^$/d' "$pdir/series"
	fi
}

# The content of the patches, as one hash.
patches_key() {
	(cd "$pdir" 2>/dev/null && find . -type f ! -name '.*' -print0 |
		sort -z | xargs -0 sha256sum) | sha256sum | cut -d' ' -f1
}

# The tree as it stands, uncommitted changes included, as a git tree id.
tree_id() {
	local index id

	index=$(mktemp)
	cp "$(tgit rev-parse --absolute-git-dir)/index" "$index"
	id=$(export GIT_INDEX_FILE=$index &&
		tgit add -A && tgit write-tree)
	rm -f "$index" "$index.lock"
	echo "$id"
}

# Or in git am, which is rebase's older half
in_rebase() {
	[ -d "$tree/.git/rebase-apply" ] || [ -d "$tree/.git/rebase-merge" ]
}

is_dirty() {
	[ -n "$(tgit status --porcelain | head -n 1)" ] || in_rebase
}

# Do commits and files equal what was last imported from or exported to patches?
is_synced() {
	! is_dirty && [ "$(tgit rev-parse -q --verify refs/bench/synced)" = \
		"$(tgit rev-parse HEAD)" ]
}

# State of the tree against patches/: missing, same, patches-newer (safe to make
# anew), unexported.
tree_state() {
	local was

	[ -d "$tree/.git" ] || { echo missing; return; }
	was=$(cat "$tree/.git/patches-key" 2>/dev/null || true)
	if ! is_synced; then
		echo unexported
	elif [ "$was" != "$(patches_key)" ]; then
		echo patches-newer
	else
		echo same
	fi
}

mark_synced() {
	tgit update-ref refs/bench/synced HEAD
	patches_key >"$tree/.git/patches-key"
}
