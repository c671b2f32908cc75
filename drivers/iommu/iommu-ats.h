/* SPDX-License-Identifier: GPL-2.0 */
/*
 * When a device may use ATS. The IOMMU drivers ask here and have no answer of
 * their own.
 */
#ifndef __IOMMU_ATS_H
#define __IOMMU_ATS_H

#include <linux/iommu.h>

/**
 * enum iommu_ats_rid - what requests without a PASID are attached to
 * @IOMMU_ATS_RID_BLOCKED: nothing
 * @IOMMU_ATS_RID_IDENTITY: they are not translated
 * @IOMMU_ATS_RID_PAGING: a page table of the kernel
 * @IOMMU_ATS_RID_NESTED: a page table of a guest on top of one of the kernel
 */
enum iommu_ats_rid {
	IOMMU_ATS_RID_BLOCKED,
	IOMMU_ATS_RID_IDENTITY,
	IOMMU_ATS_RID_PAGING,
	IOMMU_ATS_RID_NESTED,
};

/**
 * struct iommu_ats_state - the state that a device is about to have
 * @rid: what its RID will be attached to
 * @nr_pasids: how many of its PASIDs will be attached to anything
 * @untrusted: somebody may have plugged it into a port outside of the machine
 * @capable: the device and the IOMMU have ATS, and it is not switched off
 * @required: the device does not work without ATS, see pci_ats_required()
 * @in_reset: it is between pci_dev_reset_iommu_prepare() and the reset
 * @guest_off: a guest owns the first stage and has ATS off, so that it does not
 *	       invalidate what the device caches. Only with IOMMU_ATS_RID_NESTED
 */
struct iommu_ats_state {
	enum iommu_ats_rid rid;
	unsigned int nr_pasids;
	bool untrusted;
	bool capable;
	bool required;
	bool in_reset;
	bool guest_off;
};

/*
 * Why ATS is off or on. The order matters only in that IOMMU_ATS_ON_RID is the
 * first of those that mean that it is on. Unknown is what no driver has told.
 */
enum iommu_ats_reason {
	IOMMU_ATS_UNKNOWN,
	IOMMU_ATS_OFF_UNTRUSTED,
	IOMMU_ATS_OFF_INCAPABLE,
	IOMMU_ATS_OFF_GUEST,
	IOMMU_ATS_OFF_RESET,
	IOMMU_ATS_OFF_BLOCKED,
	IOMMU_ATS_OFF_IDENTITY,
	IOMMU_ATS_OFF_TIMEOUT,
	IOMMU_ATS_ON_RID,
	IOMMU_ATS_ON_PASID,
	IOMMU_ATS_ON_REQUIRED,
};

struct seq_file;

enum iommu_ats_reason iommu_ats_decide(const struct iommu_ats_state *target);
void iommu_ats_report(struct device *dev, enum iommu_ats_reason reason);
void iommu_ats_show(struct seq_file *s, struct device *dev);
bool iommu_device_in_reset(struct device *dev);
const char *iommu_ats_refusal(struct device *dev);

static inline bool iommu_ats_is_on(enum iommu_ats_reason reason)
{
	return reason >= IOMMU_ATS_ON_RID;
}

/* NULL: nothing was attached yet */
static inline enum iommu_ats_rid
iommu_ats_rid(const struct iommu_domain *domain)
{
	if (!domain)
		return IOMMU_ATS_RID_BLOCKED;

	switch (domain->type) {
	case IOMMU_DOMAIN_BLOCKED:
		return IOMMU_ATS_RID_BLOCKED;
	case IOMMU_DOMAIN_IDENTITY:
		return IOMMU_ATS_RID_IDENTITY;
	case IOMMU_DOMAIN_NESTED:
		return IOMMU_ATS_RID_NESTED;
	default:
		return IOMMU_ATS_RID_PAGING;
	}
}

#endif /* __IOMMU_ATS_H */
