// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a driver binds processes to PASIDs of its device's own
 *
 * This is all that it takes. The numbers belong to the device alone: the same
 * one on another device is another PASID.
 */
#include <linux/err.h>
#include <linux/idr.h>
#include <linux/iommu.h>

#include "internal.h"

/**
 * sva_test_bind_private - let a device work on an address space
 * @dev: the device
 * @pasids: the PASIDs that are in use on @dev
 * @mm: the address space
 * @first: smallest PASID that may be taken, at least 1
 * @last: largest, at most dev->iommu->max_pasids - 1
 *
 * Context: may sleep.
 * Return: the bond, which sva_test_unbind_private() ends, or an ERR_PTR.
 */
struct iommu_sva *sva_test_bind_private(struct device *dev, struct ida *pasids,
					struct mm_struct *mm, u32 first,
					u32 last)
{
	struct iommu_sva *bond;
	int pasid;

	pasid = ida_alloc_range(pasids, first, last, GFP_KERNEL);
	if (pasid < 0)
		return ERR_PTR(pasid);
	bond = iommu_sva_bind_device_pasid(dev, mm, pasid);
	if (IS_ERR(bond))
		ida_free(pasids, pasid);
	return bond;
}

/**
 * sva_test_unbind_private - end a bond
 * @pasids: the PASIDs that are in use on the device
 * @bond: the bond, freed here
 *
 * The driver has stopped the device's use of the PASID before.
 *
 * Context: may sleep, waits for page faults of the device.
 */
void sva_test_unbind_private(struct ida *pasids, struct iommu_sva *bond)
{
	u32 pasid = iommu_sva_get_pasid(bond);

	iommu_sva_unbind_device(bond);
	/* Not earlier: until here, nobody else can be bound to it */
	ida_free(pasids, pasid);
}
