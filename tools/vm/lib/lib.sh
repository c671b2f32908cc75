# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the scripts share. Sourced, never run.

# A command that fails within $( ) fails the assignment, too.
set -euo pipefail
shopt -s inherit_errexit

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
commands=$top/tools/vm/commands
data=$top/tools/vm/data
build=$top/build
python=/usr/bin/python3

die() {
	echo "${prog:-$(basename "$0")}: $*" >&2
	exit 1
}

note() {
	echo "${prog:-$(basename "$0")}: $*" >&2
}

# Everything starts from the same environment: who the caller is, how he reaches
# the network, and what data/variables lets him set. The rest stays outside: git's
# variables (a hook has them), compilers and their flags, what a make hands down.
known_environment() {
	local v ours

	ours=" $(sed -n 's/^\([A-Z_]*\)=.*/\1/p' "$data/variables" | tr '\n' ' ')"
	for v in $(compgen -e); do
		[[ $ours != *" $v "* ]] || continue
		case $v in
		PATH|PWD|OLDPWD|SHLVL|_|HOME|USER|LOGNAME|SHELL|TMPDIR|XDG_CACHE_HOME) ;;
		TERM|COLUMNS|LINES|NO_COLOR|CI|DEBIAN_FRONTEND|LD_*) ;;
		*_proxy|*_PROXY|SSL_CERT_*|CURL_CA_BUNDLE) ;;
		GIT_AUTHOR_*|GIT_COMMITTER_*) ;;
		# Between our own scripts
		VM_OUT|VM_RESULTS|MUTANT_DIR|MUTANT_TREE|GDB) ;;
		# Read-only
		BASHOPTS|SHELLOPTS) ;;
		*)	unset "$v" ;;
		esac
	done
	# Text must not depend on the user's language, nor must what ccache finds:
	# it tells apart what was compiled with another LANG.
	export LANG=C.UTF-8 LC_ALL=C.UTF-8
	# Whoever owns the clone: what is in it is run anyhow.
	export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
	[ -d "${HOME:-}" ] || HOME=$(getent passwd "$(id -u)" | cut -d: -f6) || true
	[ -n "${HOME:-}" ] || HOME=$build
	export HOME
	[ -d "${TMPDIR:-/tmp}" ] && [ -w "${TMPDIR:-/tmp}" ] || TMPDIR=/tmp
	[ -w "${TMPDIR:-/tmp}" ] || die "cannot write to /tmp; set TMPDIR to another folder"
}

# Kbuild cannot have some characters in a path, QEMU's options others.
usable_path() {
	case $2 in
	*[[:space:]:,\'\"\`\\\$\#%\&\;\|\<\>\(\)\*\?\[\]\{\}]*)
		die "$1 '$2': make and QEMU take no space, comma or punctuation in a path" ;;
	esac
}

# Run git with nobody's configuration but the repository's own.
bare_git() {
	GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 git "$@"
}

# Free space in MiB of the file system that holds $1 (which need not exist).
free_mib() {
	local d=$1

	while [ ! -e "$d" ]; do
		d=$(dirname "$d")
	done
	df -Pm "$d" | awk 'NR == 2 { print $4 }'
}

# need_disk <dir> <MiB> <what for>: end the run before it fills the disk.
need_disk() {
	local have d=$1

	have=$(free_mib "$d")
	[ "$have" -ge "$2" ] ||
		die "$3 needs $2 MiB free at $1, there are $have"
	mkdir -p "$d" 2>/dev/null && [ -w "$d" ] ||
		die "cannot write to $d (read-only or not yours)"
}

# The architectures that there are, one a line
archs_known() {
	sed -n 's/^\[\([a-z0-9_]*\)\]$/\1/p' "$data/machines" | sort
}

# The architectures that ARCH asks for: one, or all.
archs_wanted() {
	local known

	known=$(archs_known)
	if [ -z "${ARCH:-}" ]; then
		echo $known
	else
		grep -x -e "$ARCH" <<<"$known" ||
			die "ARCH=$ARCH: neither $(sed 's/ / nor /g' <<<"$(echo $known)")"
	fi
}

# fact <arch> <key>: what data/machines says, in a value of one line
fact() {
	awk -v arch="[$1]" -v key="$2" '
		/^\[/ { here = $0 == arch }
		here && $1 == key && $2 == "=" { sub(/^[^=]*= */, ""); print }' \
		"$data/machines"
}

# CONFIG='IOMMU_DEBUG=y FOO=n' as lines of a configuration
config_wanted() {
	local c words

	read -ra words <<<"${CONFIG:-}"
	for c in "${words[@]}"; do
		[[ $c =~ ^(CONFIG_)?[A-Z0-9_]+=.+$ ]] ||
			die "CONFIG: '$c' is not like FTRACE=y"
		echo "CONFIG_${c#CONFIG_}"
	done
}

known_environment
cache=${XDG_CACHE_HOME:-$HOME/.cache}/iommu-sva
usable_path "the clone's folder" "$top"
usable_path "the cache's folder" "$cache"
