# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the scripts share. Sourced, never run.

set -euo pipefail

# A sub-make must not inherit the flags of the make that runs us, and text
# must not depend on the user's language. Nor must what ccache finds: it tells
# apart what was compiled with another LANG.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL GREP_OPTIONS CDPATH
unset LC_CTYPE LC_MESSAGES
export LANG=C.UTF-8 LC_ALL=C.UTF-8

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
commands=$top/tools/vm/commands
data=$top/tools/vm/data
build=$top/build
cache=${XDG_CACHE_HOME:-$HOME/.cache}/iommu-sva
python=/usr/bin/python3

die() {
	echo "${prog:-$(basename "$0")}: $*" >&2
	exit 1
}

note() {
	echo "${prog:-$(basename "$0")}: $*" >&2
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

# The architectures that ARCH asks for: one, or both.
archs_wanted() {
	case ${ARCH:-} in
	'')		echo "arm64 x86_64" ;;
	arm64|x86_64)	echo "$ARCH" ;;
	*)		die "ARCH=$ARCH: neither arm64 nor x86_64" ;;
	esac
}
