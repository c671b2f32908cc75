/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Decisions of the CPU side of Shared Virtual Addressing. These functions can
 * be called on CPUs without ENQCMD and LAM, see
 * drivers/iommu/iommu-sva-kunit.c.
 */
#ifndef _ASM_X86_SVA_H
#define _ASM_X86_SVA_H

#include <linux/iommu.h>
#include <linux/mm_types.h>
#include <asm/mmu.h>
#include <asm/msr-index.h>

/*
 * Return the value of IA32_PASID with which a task of @mm can submit by ENQCMD,
 * or 0 if it must not use ENQCMD. It must not if @mm has no global PASID, even
 * if it is bound to a PASID that a driver has chosen for its device.
 */
static inline u64 enqcmd_ia32_pasid(struct mm_struct *mm)
{
	u32 pasid = mm_get_enqcmd_pasid(mm);

	if (pasid == IOMMU_PASID_INVALID)
		return 0;
	return pasid | MSR_IA32_PASID_VALID;
}

/*
 * Devices walk the page table of @mm without knowing about tagged addresses,
 * whichever PASID they use. Return whether LAM may be enabled despite that.
 */
static inline bool sva_allows_lam(struct mm_struct *mm)
{
	return !mm_has_sva(mm) ||
	       test_bit(MM_CONTEXT_FORCE_TAGGED_SVA, &mm->context.flags);
}

#endif /* _ASM_X86_SVA_H */
