// SPDX-License-Identifier: GPL-2.0
/*
 * The policy for ATS
 *
 * A device with ATS enabled may send translated requests: it says that an
 * address is a physical one, and the IOMMU believes it. Each device that has ATS
 * enabled is one more that has to be trusted with all memory, and one more that
 * unmapping has to wait for. So it is on only while something uses it.
 */
#include <linux/export.h>
#include <linux/pci.h>
#include <linux/pci-ats.h>

#include "iommu-ats.h"

/**
 * iommu_ats_decide() - Say whether a device is to have ATS enabled, and why
 * @target: the state that the device is about to have
 *
 * ATS is for a device that has something to translate: its RID is attached to a
 * page table, or one of its PASIDs is attached to anything. A device that cannot
 * work without ATS has it with an identity domain, too. If the RID is blocked
 * while PASIDs are attached, ATS stays on for these, and then cannot be refused
 * to the RID alone: both architectures have one switch for the two.
 *
 * During a reset the core detaches everything, first the RID and then the
 * PASIDs. ATS is off when the last of them has gone.
 *
 * This only computes. The caller passes the state after the change that it is
 * about to make, and makes the device and the IOMMU agree with the answer: ATS
 * is off if it is disabled in the device *and* the IOMMU refuses translated
 * requests and translation requests.
 *
 * Context: any.
 * Return: the reason, iommu_ats_is_on() tells what it means.
 */
enum iommu_ats_reason iommu_ats_decide(const struct iommu_ats_state *target)
{
	bool nested = target->rid == IOMMU_ATS_RID_NESTED;

	if (target->untrusted)
		return IOMMU_ATS_OFF_UNTRUSTED;
	if (!target->capable)
		return IOMMU_ATS_OFF_INCAPABLE;
	/* The PASIDs are the guest's, too. */
	if (nested && target->guest_off)
		return IOMMU_ATS_OFF_GUEST;

	if (!target->in_reset &&
	    (nested || target->rid == IOMMU_ATS_RID_PAGING))
		return IOMMU_ATS_ON_RID;
	if (target->nr_pasids)
		return IOMMU_ATS_ON_PASID;

	if (target->in_reset)
		return IOMMU_ATS_OFF_RESET;
	if (target->rid == IOMMU_ATS_RID_BLOCKED)
		return IOMMU_ATS_OFF_BLOCKED;
	return target->required ? IOMMU_ATS_ON_REQUIRED : IOMMU_ATS_OFF_IDENTITY;
}
EXPORT_SYMBOL_GPL(iommu_ats_decide);

/**
 * iommu_ats_refusal() - Say why a device that needs ATS may not have it
 * @dev: the device
 *
 * Such a device would let a driver bind and then fail in ways of its own. If
 * ATS is off for all devices the administrator has asked for it, and is only
 * warned.
 *
 * Context: any, the device has an IOMMU.
 * Return: the reason, NULL if the device does not need ATS, or may have it.
 */
const char *iommu_ats_refusal(struct device *dev)
{
	struct pci_dev *pdev;

	if (!dev_is_pci(dev))
		return NULL;
	pdev = to_pci_dev(dev);
	if (!pci_needs_ats(pdev))
		return NULL;

	if (pci_ats_disabled()) {
		pci_warn(pdev, "needs ATS, which pci=noats has switched off\n");
		return NULL;
	}
	if (pdev->untrusted)
		return "the device is not trusted";
	/* Without the capability, whatever it does is not ATS. */
	if (pci_ats_supported(pdev) &&
	    !device_iommu_capable(dev, IOMMU_CAP_PCI_ATS_SUPPORTED))
		return "its IOMMU does not support that";
	return NULL;
}
