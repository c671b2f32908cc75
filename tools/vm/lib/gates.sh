# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What has to hold for each patch, or for the whole, and what is known of that from
# before. Sourced after lib.sh and repo.sh.

# known <key> <command...>: once it was fine, it is, where the key is the same. The key
# has to have all that the verdict depends on.
known() {
	local mark=$cache/check/$1

	[ ! -e "$mark" ] || return 0
	"${@:2}" || return 1
	mkdir -p "$cache/check"
	touch "$mark"
}

# key_of <function> <file...>: what it does, and to what
key_of() {
	{ declare -f "$1"; cat -- "${@:2}"; } | sha256sum | cut -c1-24
}

# What commit $1 has of the files that the series touches
touched_of() {
	# shellcheck disable=SC2046
	tgit ls-tree -r --full-tree "$1" -- $(tgit diff --name-only --no-renames base HEAD)
}

# small_repository <folder> <commit>: a repository with one commit, "base", that has
# of <commit> the files that the series touches
small_repository() {
	local id

	rm -rf "$1"
	mkdir -p "$(dirname "$1")"
	bare_git init -q -b main "$1"
	tgit rev-parse --path-format=absolute --git-path objects \
		>"$1/.git/objects/info/alternates"
	touched_of "$2" | bare_git -C "$1" update-index --index-info || return 1
	id=$(GIT_AUTHOR_NAME=base GIT_AUTHOR_EMAIL=base@localhost \
		GIT_COMMITTER_NAME=base GIT_COMMITTER_EMAIL=base@localhost \
		bare_git -C "$1" commit-tree -m base "$(bare_git -C "$1" write-tree)") &&
		bare_git -C "$1" reset -q --hard "$id" && bare_git -C "$1" tag base
}

# Applying the patches to the base gives the tree and the messages that they
# came from. A patch needs only the files that it touches: git am is asked in a
# repository that has no others, with the whole tree it takes seconds a patch.
round_trip() {
	local topic p all=() d=$build/check/$1

	repo_use "$1"
	for topic in $(topics); do
		for p in "$pdir/$topic"/*.patch; do
			[ ! -e "$p" ] || all+=("$p")
		done
	done
	small_repository "$d" base || return 1
	GIT_COMMITTER_NAME=check GIT_COMMITTER_EMAIL=check@localhost \
		bare_git -C "$d" am -q --keep-cr --no-gpg-sign "${all[@]}" || return 1
	diff <(bare_git -C "$d" ls-tree -r HEAD) <(touched_of HEAD) ||
		{ echo "the tree from patches is not ${tree#"$top"/}"; return 1; }
	diff <(bare_git -C "$d" log --format=%an%n%ae%n%ad%n%B base..) \
		<(tgit log --format=%an%n%ae%n%ad%n%B --invert-grep \
			--grep='^cover: ' base..) || return 1
	rm -rf "$d"
}

# What a round trip depends on
trip_key() {
	repo_use "$1"
	{
		declare -f round_trip small_repository touched_of
		patches_key
		tgit rev-parse base HEAD
		git --version
	} | sha256sum | cut -c1-24
}

# Each Fixes: tag of patch $1 names a commit that there is, by the subject that it has
fixes_real() {
	local tag id subject rc=0

	while read -r tag; do
		[[ $tag =~ ^([0-9a-f]{12,40})\ \(\"(.*)\"\)$ ]] ||
			{ echo "not like 123456789abc (\"subject\"): Fixes: $tag"; rc=1; continue; }
		id=${BASH_REMATCH[1]} subject=${BASH_REMATCH[2]}
		grep -xF -- "${id:0:12} $subject" "$data/fixes" >/dev/null ||
			{ echo "tools/vm/data/fixes has no such commit: Fixes: $tag"; rc=1; }
	done < <(sed -n '/^---$/q; s/^Fixes: *//p' "$1")
	return $rc
}

# What the list says is what the history says, where there is one
fixes_in_history() {
	local id subject had rc=0

	while read -r id subject; do
		had=$(bare_git -C "$1" log -1 --format=%s "$id" 2>/dev/null) ||
			{ echo "$1 has no commit $id"; rc=1; continue; }
		[ "$had" = "$subject" ] ||
			{ echo "$id is \"$had\", not \"$subject\""; rc=1; }
	done < <(grep '^[^#]' "$data/fixes")
	return $rc
}

# A .c file that patch $1 adds leaves it to the compiler what to inline
no_inline() {
	awk '
	/^--- / { new = $2 == "/dev/null" }
	/^\+\+\+ / { file = substr($2, 3) }
	/^\+(.*[ \t])?static (__always_)?inline[ \t]/ && new && file ~ /\.c$/ {
		print file ": " substr($0, 2); bad = 1
	}
	END { exit bad }' "$1"
}

# selftests_listed <folder>: each program and script is built or installed by the
# Makefile, what is built is in .gitignore, and both name nothing else
selftests_listed() {
	local d=$1 f name rc=0 programs scripts ignored

	programs=$(sed -nE 's/^TEST_GEN_PROGS(_EXTENDED)? *[:+]?= *//p' "$d/Makefile" | tr ' ' '\n' | sort)
	scripts=$(sed -nE 's/^TEST_PROGS(_EXTENDED)? *[:+]?= *//p' "$d/Makefile" | tr ' ' '\n' | sort)
	ignored=$(grep '^[^#]' "$d/.gitignore" | sort)
	for f in "$d"/*.c; do
		name=$(basename "$f" .c)
		if grep -E '^(int main\(|TEST_HARNESS_MAIN)' "$f" >/dev/null &&
		   ! grep -xF -- "$name" <<<"$programs" >/dev/null; then
			echo "$name.c is a program that the Makefile does not build"
			rc=1
		fi
	done
	for f in "$d"/*.sh; do
		[ ! -e "$f" ] || grep -xF -- "$(basename "$f")" <<<"$scripts" >/dev/null ||
			{ echo "$(basename "$f") is not in the Makefile"; rc=1; }
	done
	for name in $programs $scripts; do
		[ -e "$d/$name.c" ] || [ -e "$d/$name" ] ||
			{ echo "the Makefile names $name, and there is no such file"; rc=1; }
	done
	for name in $(comm -23 <(echo "$programs") <(echo "$ignored")); do
		echo "$name is built, and not in .gitignore"
		rc=1
	done
	for name in $(comm -13 <(echo "$programs") <(echo "$ignored")); do
		echo "$name is in .gitignore, and not built"
		rc=1
	done
	return $rc
}
