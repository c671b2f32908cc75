#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Are all devices that have no driver kept from memory? Says of each that is not why,
# and then "protected" or "not protected". Exit status: 0 protected, 1 not, 2 this
# kernel does not tell. What it reads is described in
# Documentation/ABI/testing/sysfs-kernel-iommu_groups.

sys=${SYS:-/sys}
open=0
bound=0
blocked=0

# A driver of the group, and the device that has it
driver_in()
{
	for member in "$1"/devices/*; do
		[ -e "$member/driver" ] || continue
		driver=$(readlink "$member/driver")
		echo "${member##*/} has the driver ${driver##*/}"
		return
	done
	echo "a driver uses its group"
}

# Why is the device not blocked? Nothing: it is.
why_open()
{
	group=$1/iommu_group

	[ -e "$group" ] || { echo "no IOMMU"; return; }
	state=$(cat "$group/dma_state")
	case $state in
	blocked)	;;
	driver)		driver_in "$group" ;;
	owned)		echo "user space has its group" ;;
	default)	echo "not to be blocked, see iommu.block_unbound=" ;;
	exempt*)	echo "its group cannot be blocked: ${state#exempt }" ;;
	*)		echo "unknown state '$state'" ;;
	esac
}

look_at()
{
	if [ -e "$1/driver" ]; then
		bound=$((bound + 1))
		return
	fi
	why=$(why_open "$1")
	if [ -z "$why" ]; then
		blocked=$((blocked + 1))
		return
	fi
	echo "${1##*/}: $why"
	open=$((open + 1))
}

for group in "$sys"/kernel/iommu_groups/*; do
	if [ -e "$group" ] && [ ! -e "$group/dma_state" ]; then
		echo "this kernel has no dma_state"
		exit 2
	fi
done
# PCI devices in any case, others if they have an IOMMU
for dev in "$sys"/bus/pci/devices/*; do
	[ ! -e "$dev" ] || look_at "$dev"
done
for dev in "$sys"/kernel/iommu_groups/*/devices/*; do
	[ ! -e "$dev" ] || [ -e "$sys/bus/pci/devices/${dev##*/}" ] || look_at "$dev"
done
[ $open = 0 ] && is=protected || is="not protected"
echo "$is: $open open, $blocked blocked, $bound with a driver"
[ $open = 0 ]
