# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Guest side of the suites `boot` and `amd.boot`: is this the machine that the
# other suites believe to run on? If not, their results mean nothing.

n=0
test_pci=0x1234:0x11f0
machine=$(uname -m)
! grep -q AuthenticAMD /proc/cpuinfo || machine=amd

# check <name> <command...>; what the command prints is shown if it fails
check() {
	name=$1
	shift
	n=$((n + 1))
	if out=$("$@" 2>&1); then
		echo "ok $n $name"
	else
		echo "$out" | sed 's/^/# /'
		echo "not ok $n $name"
	fi
}

# expect <what> <wanted> <found>
expect() {
	[ "$2" = "$3" ] || { echo "$1 is '$3', not '$2'"; false; }
}

functions() {
	for d in /sys/bus/pci/devices/*; do
		[ "$(cat "$d/vendor"):$(cat "$d/device")" != $test_pci ] || echo "$d"
	done
}

release() {
	uname -r | grep '^7\.3\.[0-9]*-sva' || { uname -r; false; }
}

cpus() {
	expect "number of CPUs" 2 "$(nproc)"
}

# What is known to be reported: Linux wants a southbridge where AMD's model says
# that the I/O APIC is, and does without interrupt remapping
known_errors() {
	case $machine in
	amd)	grep -v -e 'No southbridge IOAPIC' -e 'Disabling interrupt remapping' ;;
	*)	cat ;;
	esac
}

# Level 3 is an error
no_errors() {
	! dmesg -r | grep '^<[0-3]>' | known_errors | grep .
}

iommu() {
	case $machine in
	x86_64)
		# Extended capabilities that SVA stands on: scalable mode (43),
		# PASID (40), first stage (47), PRI (29), device TLB (2)
		ecap=$(cat /sys/class/iommu/dmar0/intel-iommu/ecap)
		want=$((1 << 43 | 1 << 40 | 1 << 47 | 1 << 29 | 1 << 2))
		expect "ecap $ecap & what SVA needs" $want $((0x$ecap & want))
		;;
	aarch64)
		# Features that Linux found: SVA is bit 17 (ARM_SMMU_FEAT_SVA)
		f=$(dmesg | sed -n 's/.*arm-smmu-v3.*(features \(0x[0-9a-f]*\)).*/\1/p')
		expect "features $f & SVA" 1 $((f >> 17 & 1))
		;;
	amd)
		# The model offers guest translation (4) and page requests (1), but
		# no bits of PASIDs (36-32), nor what Linux asks for besides (48,
		# GIOSup; 50, EPHSup)
		f=$(cut -d: -f1 /sys/class/iommu/ivhd0/amd-iommu/features)
		expect "features $f & what SVA needs" 0 \
			$((0x$f & (0x1f << 32 | 1 << 48 | 1 << 50))) &&
			expect "AMD IOMMUs" /sys/class/iommu/ivhd0 "$(echo /sys/class/iommu/ivhd*)"
		;;
	esac
}

# VT-d: the devices have PASID tables, as only scalable mode has; without one
# the kernel shows PASID -1
scalable_mode() {
	for f in $(functions); do
		grep "^${f##*/0000:}.*[[:space:]]0[[:space:]]*0x" \
			/sys/kernel/debug/iommu/intel/dmar_translation_struct ||
			{ cat /sys/kernel/debug/iommu/intel/dmar_translation_struct; return 1; }
	done
}

# The test devices' interrupts pass the IOMMU's or the ITS's tables
interrupts() {
	case $machine in
	x86_64)		msi=IR-PCI-MSI ;;
	aarch64)	msi=ITS-PCI-MSI ;;
	amd)		msi=PCI-MSI ;;
	esac
	expect "lines of $msi" 2 "$(functions | sed 's,.*/,,' |
		grep -c -F -f - /proc/interrupts)" &&
		expect "other lines" "" "$(functions | sed 's,.*/,,' |
			grep -F -f - /proc/interrupts | grep -v "$msi")"
}

devices() {
	expect "number of test devices" 2 "$(functions | wc -l)" &&
		expect "device nodes" "/dev/sva-test0 /dev/sva-test1" "$(echo /dev/sva-test*)"
}

# Each is alone in its group, and its DMA goes through page tables
groups() {
	devices && for f in $(functions); do
		expect "$f: devices in the group" 1 "$(echo "$f"/iommu_group/devices/* | wc -w)" &&
			grep '^DMA' "$f/iommu_group/type" || return 1
	done
}

# What a driver could turn on, as seen by the test driver
enabled() {
	case $machine in
	x86_64)		want="PASID ATS PRI" ;;
	aarch64)	want="PASID ATS" ;;
	amd)		want="nothing" ;;
	esac
	for d in /dev/sva-test*; do
		sva -d "$d" info | grep -x "enabled now  $want *" ||
			{ sva -d "$d" info; return 1; }
	done
}

# A CPU reads the registers that it means to read
memory_map() {
	# shellcheck disable=SC2046 # two paths without blanks
	memory-map $(functions)
}

# skip <name>: a topic by itself has no driver to ask; the whole series has, and
# a skip is a failure there
skip() {
	n=$((n + 1))
	echo "ok $n $1 # SKIP no test driver"
}

for t in release cpus no_errors iommu memory_map; do
	check $t $t
done
for t in interrupts devices groups enabled; do
	if [ -d /sys/bus/pci/drivers/sva-test ]; then
		check $t $t
	else
		skip $t
	fi
done
[ $machine != x86_64 ] || check scalable_mode scalable_mode
echo "1..$n"
