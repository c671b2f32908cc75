# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# Each reason for which a bind is refused is named by a test, or is listed with why
# it is not. Sourced by all.

# reasons_of <header>
reasons_of() {
	sed -n 's/^IOMMU_SVA_REASON(\([A-Z_0-9]*\),.*/\1/p' "$1"
}

# is_tested <reason>: by KUnit, in a VM by the program why, or on a machine of its own
is_tested() {
	local drivers=$top/drivers/iommu

	grep -qw "IOMMU_SVA_$1" "$drivers/iommu-sva-kunit.c" \
		"$drivers/amd/amd-iommu-kunit.c" \
		"$drivers/arm/arm-smmu-v3/arm-smmu-v3-sva-test.c" ||
		grep -q "\"$1\"" "$top/tools/testing/selftests/sva/why.c" ||
		grep -q "/why\.sh $1\$" "$data/suites"
}

# unlisted_reasons <header>: what is wrong, a line each
unlisted_reasons() {
	local list=$data/untested-reasons reason listed

	for reason in $(reasons_of "$1"); do
		listed=$(grep -c "^$reason  *# ..*" "$list")
		if is_tested "$reason"; then
			[ "$listed" = 0 ] || echo "$reason is tested, and in untested-reasons"
		elif [ "$listed" != 1 ]; then
			echo "$reason has no test"
		fi
	done
	for reason in $(sed -n 's/^\([A-Z_0-9]*\) *#.*/\1/p' "$list"); do
		reasons_of "$1" | grep -qx "$reason" || echo "$reason is no reason"
	done
}

t_each_reason_is_tested() {
	local said

	said=$(unlisted_reasons "$top/drivers/iommu/iommu-sva-reasons.h")
	[ -z "$said" ] || { echo "$said"; return 1; }
}

t_reason_without_test_is_noticed() {
	local said header=$work/reasons.h

	sed 's/^IOMMU_SVA_REASON(PRI_OFF,.*/IOMMU_SVA_REASON(NEW_ONE, "it is new")/' \
		"$top/drivers/iommu/iommu-sva-reasons.h" >"$header"
	said=$(unlisted_reasons "$header")
	[ "$said" = $'NEW_ONE has no test\nPRI_OFF is no reason' ] || { echo "$said"; return 1; }
}
