/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Why a process cannot be bound to a device. Whoever refuses a bind has one of
 * these for it: an error code stands for too many things to act on it.
 */
#ifndef __IOMMU_SVA_REASON_H
#define __IOMMU_SVA_REASON_H

#include <linux/iommu.h>
#include <linux/mm_types.h>

struct pci_dev;

enum iommu_sva_reason {
#define IOMMU_SVA_REASON(name, ...)	IOMMU_SVA_##name,
#include "iommu-sva-reasons.h"
	IOMMU_SVA_NR_REASONS
};

#ifdef CONFIG_IOMMU_MM_DATA
/**
 * iommu_sva_refuse - leave the reason why an address space is not attached
 * @mm: the address space that the driver of an IOMMU has been given
 * @code: the error, returned
 * @reason: why
 *
 * For domain_alloc_sva(). Another domain may do: it is for the core to tell
 * anybody, and in whose name.
 *
 * Context: any. The lock of the SVA data of @mm is held where it matters. After
 *	    a reset it is not, and nobody asks for the reason.
 */
static inline int iommu_sva_refuse(struct mm_struct *mm, int code,
				   enum iommu_sva_reason reason)
{
	struct iommu_mm_data *iommu_mm = mm->iommu_mm;

	if (iommu_mm)
		WRITE_ONCE(iommu_mm->refused, reason);
	return code;
}
#else
static inline int iommu_sva_refuse(struct mm_struct *mm, int code,
				   enum iommu_sva_reason reason)
{
	return code;
}
#endif

/* The same for set_dev_pasid(), where the domain may be of another kind */
static inline int iommu_sva_refuse_domain(struct iommu_domain *domain, int code,
					  enum iommu_sva_reason reason)
{
	if (domain->type != IOMMU_DOMAIN_SVA || !domain->mm)
		return code;
	return iommu_sva_refuse(domain->mm, code, reason);
}

/* What the core has got to say itself, see there */
enum iommu_sva_reason iommu_no_pasids_reason(struct device *dev,
					     struct pci_dev **gap);
bool iommu_global_pasid_left(struct device *dev);
enum iommu_sva_reason iommu_group_sva_obstacle(struct device *dev);
enum iommu_sva_reason iommu_group_pasid_owner(struct iommu_group *group,
					      ioasid_t pasid);
bool iommu_group_next_pasid(struct iommu_group *group, ioasid_t *pasid);

#ifdef CONFIG_IOMMU_SVA
enum iommu_sva_reason iommu_sva_obstacle(struct device *dev, bool private);
int iommu_sva_refused(struct device *dev, ioasid_t pasid, int code,
		      enum iommu_sva_reason reason);
const char *iommu_sva_reason_name(enum iommu_sva_reason reason);
const char *iommu_sva_reason_text(enum iommu_sva_reason reason);
enum iommu_sva_reason iommu_sva_last_refusal(struct device *dev,
					     ioasid_t *pasid, int *code);
#endif

#if defined(CONFIG_IOMMU_SVA) && defined(CONFIG_DEBUG_FS)
void iommu_sva_debugfs_add(struct device *dev);
void iommu_sva_debugfs_remove(struct device *dev);
#else
static inline void iommu_sva_debugfs_add(struct device *dev) {}
static inline void iommu_sva_debugfs_remove(struct device *dev) {}
#endif

#endif /* __IOMMU_SVA_REASON_H */
