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
#include <linux/seq_file.h>

#include "iommu-ats.h"

#define CREATE_TRACE_POINTS
#include <trace/events/iommu_ats.h>

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

/* A name, which does not change, and what comes after "because" */
static const struct {
	const char *name, *text;
} reasons[] = {
	[IOMMU_ATS_UNKNOWN] = {
		"UNKNOWN", "the driver of its IOMMU does not tell" },
	[IOMMU_ATS_OFF_UNTRUSTED] = {
		"UNTRUSTED", "the device is not trusted" },
	[IOMMU_ATS_OFF_INCAPABLE] = {
		"INCAPABLE", "the device or its IOMMU lacks it, or it is switched off" },
	[IOMMU_ATS_OFF_GUEST] = {
		"GUEST", "the guest that has the device does not use it" },
	[IOMMU_ATS_OFF_RESET] = {
		"RESET", "the device is being reset" },
	[IOMMU_ATS_OFF_BLOCKED] = {
		"BLOCKED", "nothing is attached to the device" },
	[IOMMU_ATS_OFF_IDENTITY] = {
		"IDENTITY", "the device works with physical addresses" },
	[IOMMU_ATS_OFF_TIMEOUT] = {
		"TIMEOUT", "the device does not invalidate its TLB" },
	[IOMMU_ATS_ON_RID] = {
		"RID", "its requests without a PASID are translated" },
	[IOMMU_ATS_ON_PASID] = {
		"PASID", "one of its PASIDs is attached" },
	[IOMMU_ATS_ON_REQUIRED] = {
		"REQUIRED", "the device does not work without it" },
};

/* What the device itself has been told, whatever the reason is */
static bool ats_is_enabled(struct device *dev)
{
	return to_pci_dev(dev)->ats_enabled;
}

/**
 * iommu_ats_report() - Tell people why a device has ATS, or has none
 * @dev: the device
 * @reason: what iommu_ats_decide() says of the state that the device has now
 *
 * The driver of an IOMMU calls this at the end of each change of what is
 * attached to the device, when ATS is enabled or disabled already. It leaves the
 * reason for debugfs. If ATS was enabled or disabled since the last call, it
 * traces that.
 *
 * Context: the group's mutex is held, or the device has left its group.
 */
void iommu_ats_report(struct device *dev, enum iommu_ats_reason reason)
{
	bool on;

	if (!dev_is_pci(dev))
		return;
	on = ats_is_enabled(dev);
	WRITE_ONCE(dev->iommu->ats_reason, reason);
	if (on == dev->iommu->ats_reported)
		return;
	dev->iommu->ats_reported = on;
	trace_iommu_ats(dev, on, reasons[reason].name, reasons[reason].text);
}
EXPORT_SYMBOL_GPL(iommu_ats_report);

/*
 * The line of debugfs about the device. What it says is on is on in the device,
 * even if the policy has another opinion.
 */
void iommu_ats_show(struct seq_file *s, struct device *dev)
{
	enum iommu_ats_reason reason = READ_ONCE(dev->iommu->ats_reason);

	if (dev_is_pci(dev))
		seq_printf(s, "ATS %s %s: %s\n",
			   ats_is_enabled(dev) ? "on" : "off",
			   reasons[reason].name, reasons[reason].text);
}
