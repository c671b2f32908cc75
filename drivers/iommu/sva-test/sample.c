// SPDX-License-Identifier: GPL-2.0-only
/*
 * Example of how a driver binds processes to PASIDs of its choice
 *
 * This is all the code that is needed. The driver also has bonds by
 * iommu_sva_bind_device(), which uses numbers of the global space, so it has to
 * take its own numbers from there as well. A driver that has no bonds of that
 * kind takes them from an ida of its device, with ida_alloc_range() and
 * ida_free() in the same places. Its numbers then belong to the device alone.
 */
#include <linux/err.h>
#include <linux/iommu.h>

#include "internal.h"

/**
 * sva_test_bind_private - let a device work on an address space
 * @dev: the device
 * @mm: the address space
 *
 * Context: may sleep.
 * Return: the bond, which sva_test_unbind_private() ends, or an ERR_PTR.
 */
struct iommu_sva *sva_test_bind_private(struct device *dev,
					struct mm_struct *mm)
{
	struct iommu_sva *bond;
	ioasid_t pasid;

	pasid = iommu_alloc_global_pasid(dev);
	if (pasid == IOMMU_PASID_INVALID)
		return ERR_PTR(-ENOSPC);
	bond = iommu_sva_bind_device_pasid(dev, mm, pasid);
	if (IS_ERR(bond))
		iommu_free_global_pasid(pasid);
	return bond;
}

/**
 * sva_test_unbind_private - end a bond
 * @bond: the bond, freed here
 *
 * The driver has stopped the device's use of the PASID before.
 *
 * Context: may sleep, waits for page faults of the device.
 */
void sva_test_unbind_private(struct iommu_sva *bond)
{
	ioasid_t pasid = iommu_sva_get_pasid(bond);

	iommu_sva_unbind_device(bond);
	/* Don't free it earlier: the PASID is in use until here. */
	iommu_free_global_pasid(pasid);
}
