/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the CPU side of Shared Virtual Addressing is decided by. Neither ENQCMD
 * nor LAM is needed to call these, see drivers/iommu/iommu-sva-kunit.c.
 */
#ifndef _ASM_X86_SVA_H
#define _ASM_X86_SVA_H

#include <linux/iommu.h>
#include <linux/mm_types.h>
#include <asm/mmu.h>
#include <asm/msr-index.h>

/*
 * The value of IA32_PASID that lets a task of @mm submit with ENQCMD, or 0 if
 * it may not: without a global PASID there is nothing that a device could make
 * of the submission. A bond alone, on a PASID of its device's, does not do.
 */
static inline u64 enqcmd_ia32_pasid(struct mm_struct *mm)
{
	u32 pasid = mm_get_enqcmd_pasid(mm);

	if (pasid == IOMMU_PASID_INVALID)
		return 0;
	return pasid | MSR_IA32_PASID_VALID;
}

/*
 * May LAM be enabled for @mm, as far as devices go? They walk the page table
 * without knowing of tagged addresses, whichever PASID they use for it.
 */
static inline bool sva_allows_lam(struct mm_struct *mm)
{
	return !mm_has_sva(mm) ||
	       test_bit(MM_CONTEXT_FORCE_TAGGED_SVA, &mm->context.flags);
}

#endif /* _ASM_X86_SVA_H */
