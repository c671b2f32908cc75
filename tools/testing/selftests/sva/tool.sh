#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Does the sva tool say what the device did?

cd "$(dirname "$0")" || exit 1
PATH=$PWD:$PATH
n=0
failed=0
dev=${SVA_TEST_DEV:-/dev/sva-test0}

skip_all()
{
	printf 'TAP version 13\n1..0 # SKIP %s\n' "$1"
	exit 4
}

[ "$(id -u)" = 0 ] || skip_all "not root"
[ -e "$dev" ] || skip_all "no device $dev"

# check <name> <status> <text that the output must hold> <command>...
check()
{
	name=$1 status=$2 text=$3
	shift 3
	n=$((n + 1))
	out=$("$@" 2>&1 < /dev/null)
	got=$?
	case $got-$out in
	"$status"-*"$text"*)
		echo "ok $n $name"
		;;
	*)
		echo "# exit status $got, not $status; output:"
		echo "$out" | sed 's/^/#   /'
		echo "not ok $n $name"
		failed=1
		;;
	esac
}

echo "TAP version 13"
echo "1..20"

check help 0 "Usage: sva" sva --help
check info 0 "-bit PASID" sva info
check no_device 1 "sva: /dev/none: no such device" sva -d /dev/none info
check no_command 1 "sva: no command 'dance'" sva dance
check bad_number 1 "sva: --len: not a number: 'x'" sva --len x read
# "hello" in ASCII, where the device read it or put it
check read 0 "68 65 6c 6c 6f" sva read hello
check write 0 "68 65 6c 6c 6f" sva write hello
check copy 0 "68 65 6c 6c 6f" sva copy hello
check fill 0 "2a 2a 2a 2a" sva --len 4 fill 0x2a
check cas 0 "found 0" sva cas 0 1
check refused 2 "refused" sva --pasid 1 --addr 0x1000 read
check needs_addr 1 "need --addr" sva --pasid 1 read
check counters 0 "attempts        0" sh -c 'sva counters clear && sva counters'
check bind 0 "until end of input" sva bind
check knobs 0 "0xc hold free-run delay=5 offset=2" \
	sva knobs hold free-run delay=5 offset=2
check knobs_off 0 "0 delay=0 offset=0" sva knobs 0
check repeat 0 " rounds" sva repeat
check why_no_device 1 "no device 'none'" sva why none

case $(sva --private 0 read 2>&1) in
*"bind: Operation not supported"*)
	for name in private private_number; do
		n=$((n + 1))
		echo "ok $n $name # SKIP no iommu_sva_bind_device_pasid()"
	done
	;;
*)
	check private 0 "68 65 6c 6c 6f" sva --private 0 read hello
	check private_number 0 "PASID 5, ENQCMD PASID -1" sva --private 5 bind
	;;
esac

exit $failed
