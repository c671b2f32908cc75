#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# why.sh <REASON> [<code>]: all devices refuse processes for the same reason, or
# take them if it is OK. Is that what the kernel says before, does it say so when
# it refuses, and what does the sva tool make of it?

cd "$(dirname "$0")" || exit 1
PATH=$PWD:$PATH
want=$1
dev=${SVA_TEST_DEV:-/dev/sva-test0}
sys=/sys/class/sva-test/${dev#/dev/}/device
failed=0
n=0

skip_all()
{
	printf 'TAP version 13\n1..0 # SKIP %s\n' "$1"
	exit 4
}

[ "$(id -u)" = 0 ] || skip_all "not root"
[ -e "$dev" ] || skip_all "no device $dev"
[ -n "$want" ] || skip_all "no reason to expect"

name=$(basename "$(readlink -f "$sys")")
bus=$(basename "$(readlink -f "$sys/subsystem")")
file=/sys/kernel/debug/iommu-sva/$bus:$name

# result <name> <good?> <output if not>
result()
{
	n=$((n + 1))
	if [ "$2" = 1 ]; then
		echo "ok $n $1"
	else
		echo "$3" | sed 's/^/#   /'
		echo "not ok $n $1"
		failed=1
	fi
}

# has <text> <pattern>
has()
{
	case $1 in
	# A pattern, on purpose
	# shellcheck disable=SC2254
	$2)	echo 1 ;;
	*)	echo 0 ;;
	esac
}

echo "TAP version 13"
echo "1..3"

# What stands in the way before anyone tries
said=$(cat "$file" 2>&1)
case $want in
NO_IOMMU)	good=$(has "$said" "*No such file*") ;;
*)		good=$(has "$said" "iommu_sva_bind_device_pasid $want: *") ;;
esac
case $want in
ATS_OFF_UNTRUSTED)		ats="off UNTRUSTED" ;;
ATS_OFF_* | IOMMU_NO_ATS)	ats="off INCAPABLE" ;;
OK | IOMMU_NO_PASIDS)		ats="on RID" ;;
*)				ats= ;;
esac
[ -z "$ats" ] || [ "$(has "$said" "*ATS $ats: *")" = 1 ] || good=0
result said "$good" "$said"

# What becomes of it
if [ "$want" = OK ]; then
	out=$(sva -d "$dev" --private 1 read hello 2>&1)
	result refused "$(has "$out" "*PASID 1: done*")" "$out"
else
	out=$(sva -d "$dev" --private 1 bind 2>&1 </dev/null)
	case $want in
	NO_IOMMU)	text="*bind: No such device*" ;;
	*)		text="*bind: Operation not supported*"
	esac
	good=$(has "$out" "$text")
	said=$(cat "$file" 2>&1)
	[ "$want" = NO_IOMMU ] ||
		good=$good$(has "$said" "*last refused: pasid 1 code -95 $want: *")
	case $good in
	*0*)	good=0 ;;
	*)	good=1 ;;
	esac
	result refused "$good" "$out
$said"
fi

# And in a sentence
out=$(sva why "$name" 2>&1)
status=$?
echo "$out" | sed 's/^/# /'
if [ "$want" = OK ]; then
	good=$(has "$status $out" "0 $name takes processes*")
else
	good=$(has "$status $out" "2 $name refuses *, because *\[$want\]*")
fi
result sentence "$good" "exit status $status"
exit $failed
