#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Does the administrator's page about iommu.block_unbound= say what is so? Its lines
# are run as they are, on devices of the test driver, and so is its script. And does
# block_check.sh say which devices are open?

cd "$(dirname "$0")" || exit 1
here=$PWD
page=$here/iommu-block-unbound.rst
[ -e "$page" ] || page=$here/../../../../Documentation/admin-guide/iommu-block-unbound.rst
dev=0000:00:02.0
pci=/sys/bus/pci/devices
work=$(mktemp -d)
failed=0
n=0

skip_all()
{
	printf 'TAP version 13\n1..0 # SKIP %s\n' "$1"
	exit 4
}

[ "$(id -u)" = 0 ] || skip_all "not root"
[ -e $pci/$dev/iommu_group/dma_state ] || skip_all "no dma_state"
[ "$(basename "$(readlink $pci/$dev/driver)")" = sva-test ] ||
	skip_all "$dev is not a test device"
driver=$(readlink -f $pci/$dev/driver)

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

state()
{
	cat "$pci/$dev/iommu_group/dma_state"
}

bound()
{
	[ ! -e "$pci/$dev/driver" ] || basename "$(readlink "$pci/$dev/driver")"
}

# expect <name> <state> <driver, or nothing> [<output>]
expect()
{
	is="$(state) $(bound)"
	[ "$is" = "$2 $3" ] && good=1 || good=0
	result "$1" "$good" "$is, not $2 $3; $4"
}

# The page's line that begins like this, run
line()
{
	command=$(grep -F -m 1 "	$1" "$page")
	[ -n "$command" ] || echo "the page has no line '$1'"
	eval "$command"
}

# The page's line that ends like this
line_to()
{
	command=$(grep -E -m 1 "^	echo .*$1\$" "$page")
	[ -n "$command" ] || echo "the page has no line to '$1'"
	eval "$command"
}

find_anew()
{
	echo 1 > $pci/$dev/remove
	echo 1 > /sys/bus/pci/rescan
}

# The script, as it is in the page
script()
{
	awk '/^\t#!\/bin\/sh$/ { on = 1 }
	     on && /^[^\t]/ { exit }
	     on { sub(/^\t/, ""); print }' "$page"
}

accept()
{
	out=$(POLICY=$work/policy sh "$work/accept-dma" "$1" 2>&1)
}

# says <device> <what, or nothing>: block_check.sh says that of the device
says()
{
	said=$("$here/block_check.sh")
	status=$?
	of=$(echo "$said" | grep "^$1: ")
	[ "$of" = "${2:+$1: $2}" ] && good=1 || good=0
	# Its last line and its status are about all of them
	last=$(echo "$said" | tail -n 1)
	case "$status $(echo "$said" | grep -c -v protected:)-$last" in
	"0 0-protected: 0 open, "* | "1 "[1-9]*"-not protected: "*)	;;
	*)	good=0 ;;
	esac
	[ $good = 1 ] || out="status $status: $said"
}

finish()
{
	rm -rf "$work"
	[ "$(bound)" = sva-test ] || echo $dev > "$driver/bind"
	echo 1 > /sys/bus/pci/drivers_autoprobe
	echo "1..$n"
	exit $failed
}

echo "TAP version 13"
script > "$work/accept-dma"
entry=$(grep -E -m 1 "^	$dev [0-9a-f]{4}:[0-9a-f]{4}\$" "$page" | tr -d '\t')

# Where nothing is blocked, nothing is accepted
if ! grep -q "iommu.block_unbound=all" /proc/cmdline; then
	line_to "drivers_autoprobe"
	find_anew
	echo "$entry" > "$work/policy"
	accept $dev
	expect not_accepted default "" "$out"
	says $dev "not to be blocked, see iommu.block_unbound="
	result check_not_blocked $good "$out"
	finish
fi

# By hand
says $dev ""
result check_bound $good "$out"
line_to "drivers_autoprobe"
find_anew
[ "$(line "cat /sys/bus/pci")" = blocked ] && good=1 || good=0
result shown $good "$(state)"
expect found_anew blocked ""
says $dev ""
result check_blocked $good "$out"
line_to "drivers_probe"
expect accepted_by_hand driver sva-test
line_to "driver/unbind"
expect taken_back blocked ""

# By policy
accept $dev
expect no_policy blocked "" "$out"
echo "$dev 1234:ffff" > "$work/policy"
accept $dev
expect other_ids blocked "" "$out"
echo "0000:00:1f.7 ${entry#* }" > "$work/policy"
accept $dev
expect other_place blocked "" "$out"
echo "$entry" > "$work/policy"
accept $dev
expect accepted_by_policy driver sva-test "$out"
accept 0000:00:1f.7
case $out in *"no such device"*) good=1 ;; *) good=0 ;; esac
result no_such_device $good "$out"

# What the check says of other states: as seen by it, of a tree like sysfs
fake=$work/sys
mkdir -p "$fake/kernel/iommu_groups/7/devices" "$fake/bus/pci/devices/0000:00:07.0"
ln -s "$fake/bus/pci/devices/0000:00:07.0" "$fake/kernel/iommu_groups/7/devices/"
ln -s "$fake/kernel/iommu_groups/7" "$fake/bus/pci/devices/0000:00:07.0/iommu_group"
# seen <name> <state> <what the check says> <status>
seen()
{
	echo "$2" > "$fake/kernel/iommu_groups/7/dma_state"
	said=$(SYS=$fake "$here/block_check.sh")
	status=$?
	[ "$status $(echo "$said" | grep "^0000")" = "$4 $3" ] && good=1 || good=0
	result "check_$1" $good "status $status: $said"
}
seen default_domain default "0000:00:07.0: not to be blocked, see iommu.block_unbound=" 1
seen exempt "exempt direct" "0000:00:07.0: its group cannot be blocked: direct" 1
seen owned_by_user owned "0000:00:07.0: user space has its group" 1
seen new_word other "0000:00:07.0: unknown state 'other'" 1
seen nothing_open blocked "" 0
mkdir -p "$fake/bus/pci/devices/0000:00:08.0" "$fake/bus/pci/drivers/some"
ln -s ../../drivers/some "$fake/bus/pci/devices/0000:00:08.0/driver"
ln -s "$fake/bus/pci/devices/0000:00:08.0" "$fake/kernel/iommu_groups/7/devices/"
seen shared driver "0000:00:07.0: 0000:00:08.0 has the driver some" 1
rm "$fake/bus/pci/devices/0000:00:07.0/iommu_group"
seen no_iommu blocked "0000:00:07.0: no IOMMU" 1
rm "$fake/kernel/iommu_groups/7/dma_state"
said=$(SYS=$fake "$here/block_check.sh")
[ $? = 2 ] && good=1 || good=0
result check_old_kernel $good "$said"

finish
