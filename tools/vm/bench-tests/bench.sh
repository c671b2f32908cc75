# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# make bench: what it makes of what the guest and QEMU's trace say. Sourced by all.

# traced <number> <command>...: a marker, these commands, and the marker again
traced() {
	local number=$1 c
	local marker="sva_test_start channel 15 command 0xf pasid 0x0 addr 0x$number len 0x0"

	shift
	echo "$marker"
	for c; do
		case $c in
		vtd:*)	echo "vtd_inv_desc invalidate desc type ${c#vtd:} high 0x0 low 0x1" ;;
		*)	echo "smmuv3_cmdq_opcode <--- SMMU_CMD_$c" ;;
		esac
	done
	echo "$marker"
}

# counted <python>: with `counts`, and `merge`, which takes a kernel and what a guest said
counted() {
	"$python" -B -c '
import sys
sys.path.insert(0, sys.argv[1] + "/tools/vm/lib")
import dataclasses
import counts, machines, screen
def merge(kernel, text, arch="arm64"):
    return list(counts.merged(arch, kernel, list(counts.read_output(text)),
                              counts.read_trace(sys.argv[2])))
try:
    exec(sys.argv[3])
except machines.Error as e:
    sys.exit("bench: " + str(e))
' "$top" "$work/trace" "$1"
}

two_calls() {
	{
		# What lies between two pairs belongs to none
		echo 'smmuv3_cmdq_opcode <--- SMMU_CMD_CFGI_STE'
		traced 0 CFGI_CD SYNC CFGI_CD SYNC
		echo 'smmuv3_cmdq_opcode <--- SMMU_CMD_SYNC'
		traced 1 TLBI_NH_ASID SYNC
	} >"$work/trace"
}

t_bench_counts_between_markers() {
	local got

	two_calls
	got=$(counted '
for row in merge("now", "device pci\n0 bind new 0 100\n1 unbind new 0 50\n"):
    print(row.iommu, row.device, row.operation, row.instructions, row.in_words())') || return 1
	[ "$got" = 'SMMUv3 pci bind 100 2 CFGI_CD, 2 SYNC
SMMUv3 pci unbind 50 1 SYNC, 1 TLBI_NH_ASID' ] || { echo "$got"; return 1; }
	traced 0 'vtd:page group response' vtd:wait >"$work/trace"
	got=$(counted 'print(merge("now", "device pci\n0 fault new 1 9\n", "x86_64")[0].in_words())')
	[ "$got" = '1 page_group_response, 1 wait' ] || { echo "$got"; return 1; }
}

# Nothing is shown that does not belong together
t_bench_refuses_what_does_not_fit() {
	two_calls
	one_line counted 'merge("now", "device pci\n0 bind new 0 100\n")' &&
		says '1 lines of the guest, 2 pairs' &&
		one_line counted 'merge("now", "device pci\n0 bind new 0 1\n2 unbind new 0 1\n")' &&
		one_line counted 'merge("now", "device pci\ncount: bind: No space left\n")' &&
		says 'the guest said: count: bind' || return 1
	sed -i '$s/addr 0x1/addr 0x2/' "$work/trace"
	one_line counted 'merge("now", "device pci\n0 bind new 0 1\n1 unbind new 0 1\n")' &&
		says 'marker 1 ends with 2'
}

t_bench_compares_with_the_base() {
	local got

	two_calls
	got=$(counted '
base = merge("7.3.4", "device pci\n0 bind old 0 1000\n1 unbind old 0 1000\n")
ours = merge("now", "device pci\n0 bind old 0 900\n1 unbind old 0 1000\n")
new = merge("now", "device pci\n0 bind new 0 1100\n1 unbind new 0 1000\n")
ours[1] = dataclasses.replace(ours[1], commands=(("SYNC", 1),))
new[0] = dataclasses.replace(new[0], commands=(("CFGI_CD", 2), ("SYNC", 4)))
counts.table(screen.Screen(), base + ours + new)') || { echo "$got"; return 1; }
	grep 'bind  *0  *1,000  *900  *-10.0%  *1,100  *+10.0%$' <<<"$got" >/dev/null &&
		grep ' now old: 1 SYNC (1 fewer)$' <<<"$got" >/dev/null &&
		grep ' now new: 2 CFGI_CD, 4 SYNC (2 more)$' <<<"$got" >/dev/null &&
		[ "$(tail -n 1 <<<"$got")" = \
			"against 7.3.4: 1 better, 1 worse, of 4 counts of instructions, which are no time; commands: 1 fewer, 1 more" ] ||
		{ echo "$got"; return 1; }
}

t_bench_writes_a_version() {
	two_calls
	counted 'counts.write_csv(sys.argv[2] + ".csv",
                 merge("now", "device pci\n0 bind new 0 100\n1 unbind new 0 50\n"))' || return 1
	diff - "$work/trace.csv" <<-'END'
		# make bench, format 1
		iommu,device,kernel,operation,call,bonds,instructions,commands
		SMMUv3,pci,now,bind,new,0,100,CFGI_CD=2 SYNC=2
		SMMUv3,pci,now,unbind,new,0,50,SYNC=1 TLBI_NH_ASID=1
	END
}

# budget <line>...: what the tests say to these budgets and to the two calls above
budget() {
	printf '%s\n' "$@" >"$work/budgets"
	counted 'counts.DATA = sys.argv[2].rpartition("/")[0]
sys.exit(counts.tap("arm64", merge("now", "device pci\n0 bind new 0 100\n1 unbind new 0 50\n")))'
}

t_bench_budgets() {
	local got

	two_calls
	got=$(budget 'SMMUv3 pci bind new 0 100: 2*CFGI_CD 2*SYNC' \
		'SMMUv3 pci unbind new 0 60: 1*SYNC 1*TLBI_NH_ASID' 'VT-d pci bind new 0 1: 1*wait') ||
		{ echo "$got"; return 1; }
	[ "$got" = '1..2
ok 1 pci.bind.new_0
ok 2 pci.unbind.new_0' ] || { echo "$got"; return 1; }
	# More instructions, other commands, and what is not counted any more
	got=$(budget 'SMMUv3 pci bind new 0 99: 2*CFGI_CD 2*SYNC') && return 1
	grep '^# 100 instructions, the budget is 99$' <<<"$got" >/dev/null || return 1
	got=$(budget 'SMMUv3 pci bind new 0 100: 2*CFGI_CD 1*SYNC') && return 1
	grep '^# commands 2\*CFGI_CD 2\*SYNC, not 2\*CFGI_CD 1\*SYNC$' <<<"$got" >/dev/null || return 1
	got=$(budget 'SMMUv3 pci bind old 0 100:') && return 1
	grep '^not ok 1 pci.bind.old_0$' <<<"$got" >/dev/null || return 1
	one_line budget 'SMMUv3 pci bind new 0' && says 'budgets:1: not'
}

t_bench_bad_operation() {
	one_line make -C "$top" bench T='bind nothing' && says 'no operation nothing'
}
