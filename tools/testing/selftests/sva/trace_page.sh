#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Do the lines of the documentation about tracing do what it says of them? They
# are taken from the page and run as they are. What the device does meanwhile are
# tests of the program trace.

cd "$(dirname "$0")" || exit 1
here=$PWD
PATH=$here:$PATH
page=$here/iommu-sva.rst
[ -e "$page" ] || page=$here/../../../../Documentation/driver-api/iommu-sva.rst
tracefs=/sys/kernel/tracing
response=$tracefs/events/iommu_sva/iommu_page_response
dev=0000:00:01.0
failed=0
n=0

skip_all()
{
	printf 'TAP version 13\n1..0 # SKIP %s\n' "$1"
	exit 4
}

[ "$(id -u)" = 0 ] || skip_all "not root"
[ -e /dev/sva-test0 ] || skip_all "no device /dev/sva-test0"
[ -e $tracefs/events ] || mount -t tracefs none $tracefs 2>/dev/null
[ -e $tracefs/events/iommu_sva ] || skip_all "no tracepoints"

# The paragraphs of the section with lines behind them, by number. Without one: how
# many there are
lines()
{
	awk -v want="$1" '
		/^Tracing$/	{ on = 1 }
		/^Functions$/	{ exit }
		on && /^[^.].*::$/ { nr++ }
		on && want && nr == want && /^\t/ { print substr($0, 2) }
		END		{ if (!want) print nr }' "$page"
}

# What there is to see: on each device a bond and a number that is too large for
# one; page faults, one of them slow
work()
{
	for d in /dev/sva-test*; do
		sva -d "$d" --private 0 bind </dev/null
		sva -d "$d" --private 0x100000 bind </dev/null
	done
	"$here/trace" -r faults.pri.denied -r faults.stall.denied \
		-r faults.pri.slow -r faults.stall.slow
} >/dev/null 2>&1

# The lines look at the trace with this. It is quiet while nobody works
cat()
{
	work
	case $1 in
	trace_pipe)	timeout 2 cat trace_pipe ;;
	*)		command cat "$1" ;;
	esac
}

# check <name> <number of the lines> <text that must be in what they print>...
# A text that begins with ! must not.
check()
{
	name=$1
	n=$((n + 1))
	lines "$2" >/tmp/trace_page.$$
	shift 2
	if grep -q hist: /tmp/trace_page.$$ && [ ! -e "$response/hist" ]; then
		echo "ok $n $name # SKIP no histograms"
		return
	fi
	good=1
	cd $tracefs || exit 1
	echo >trace
	# shellcheck disable=SC1090
	out=$(. /tmp/trace_page.$$ 2>&1)
	if echo "$out" | grep -q -e "^[^ ]*sh: " -e "^[^ ]*: can't " -e "rror:"; then
		good=0
		echo "# a line failed:"
	fi
	for text; do
		case $text in
		!*)	! echo "$out" | grep -q -e "${text#!}" ;;
		*)	echo "$out" | grep -q -e "$text" ;;
		esac || { good=0; echo "# '$text' in:"; }
	done
	if [ $good = 1 ]; then
		echo "ok $n $name"
	else
		sed 's/^/#   /' /tmp/trace_page.$$
		echo "$out" | sed 's/^/#   /'
		echo "not ok $n $name"
		failed=1
	fi
	cd "$here" || exit 1
	rm /tmp/trace_page.$$
}

# Nothing is left on, and nothing is filtered
is_off()
{
	cd $tracefs/events/iommu_sva || return 1
	[ "$(command cat enable)" = 0 ] &&
		! grep -qv '^none' ./*/filter && ! grep -qv '^#' ./*/trigger
}

echo "TAP version 13"
echo "1..9"

group=$(basename "$(readlink /sys/bus/pci/devices/$dev/iommu_group)")
check one_device 1 "iommu_sva_bind: device=$dev group=$group pasid=" \
	"iommu_sva_unbind: group=$group pasid=.* users=0" \
	'!device=0000:00:02.0' "!unbind: group=[^$group]"
check off 2 '!.'
check codes 3 "device: .*, code: *0 *} hitcount: " \
	"device: .*, code: *1 *} hitcount: *[1-9]"
check times 4 "pasid: .*, handled: ~ 2^[1-9][0-9]* *} hitcount: *[1-9]" \
	"handled: ~ 2^2[789]"
check slow 5 "iommu_page_response: .* handled=[2-9][0-9]\{8\} ns" \
	"!handled=[0-9]\{1,6\} ns"
echo 0 >$tracefs/events/iommu_sva/enable
echo 0 >$tracefs/events/iommu_sva/filter
check stack 6 "=> iommu_sva_bind_device_pasid" "=> .*ioctl"

check refused 7 "device=$dev pasid=1048576 code=-22 reason=PASID_LIMIT (.*)" \
	'!iommu_sva_bind: '
check reasons 8 "reason: PASID_LIMIT *} hitcount: *[1-9]"

# All of them but the last, which are for other programs
n=$((n + 1))
if (is_off) && [ "$(lines)" = 9 ] && ! lines 9 | grep -qv '^trace-cmd \|^perf '; then
	echo "ok $n all"
else
	echo "# $(lines) groups of lines, or something is on"
	grep -v -e '^none' -e '^#' $tracefs/events/iommu_sva/*/filter \
		$tracefs/events/iommu_sva/*/trigger | sed 's/^/#   /'
	echo "not ok $n all"
	failed=1
fi
exit $failed
