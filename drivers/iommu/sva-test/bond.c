// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bonds of the SVA test driver: PASIDs that stand for address spaces
 */
#include <linux/capability.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/kref.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include <uapi/linux/iommufd.h>

#include "internal.h"
#include "sva-test.h"

static void sva_test_bond_free(struct kref *ref)
{
	kfree(container_of(ref, struct sva_test_bond, ref));
}

void sva_test_bond_put(struct sva_test_bond *bond)
{
	if (bond)
		kref_put(&bond->ref, sva_test_bond_free);
}

struct sva_test_bond *sva_test_bond_get(struct sva_test_file *file, u32 id)
{
	struct sva_test_bond *bond;

	xa_lock(&file->bonds);
	bond = xa_load(&file->bonds, id);
	if (!bond)
		bond = ERR_PTR(-ENOENT);
	else if (bond->mm && bond->mm != current->mm)
		/*
		 * The file was inherited by fork() or exec(), or was passed on.
		 */
		bond = ERR_PTR(-EPERM);
	else
		kref_get(&bond->ref);
	xa_unlock(&file->bonds);
	return bond;
}

static int sva_test_bond_add(struct sva_test_file *file,
			     struct sva_test_bond *bond, u32 *id)
{
	return xa_alloc(&file->bonds, id, bond, xa_limit_31b, GFP_KERNEL);
}

static int sva_test_bond_sva(struct sva_test *st, struct sva_test_bond *bond)
{
	bond->handle = iommu_sva_bind_device(st->hw.dev, bond->mm);
	if (IS_ERR(bond->handle))
		return PTR_ERR(bond->handle);
	bond->pasid = iommu_sva_get_pasid(bond->handle);
	return 0;
}

static int sva_test_bond_private(struct sva_test *st,
				 struct sva_test_bond *bond)
{
	bond->handle = sva_test_bind_private(st->hw.dev, bond->mm);
	if (IS_ERR(bond->handle))
		return PTR_ERR(bond->handle);
	bond->private = true;
	bond->pasid = iommu_sva_get_pasid(bond->handle);
	return 0;
}

/*
 * Pass the user's PASID, and with UNCHECKED also the mm, to the IOMMU core as
 * they are, and let it find the errors. Real drivers should not do this.
 */
static int sva_test_bond_chosen(struct sva_test *st,
				struct sva_test_bond *bond)
{
	bond->handle = iommu_sva_bind_device_pasid(st->hw.dev, bond->mm,
						   bond->pasid);
	return PTR_ERR_OR_ZERO(bond->handle);
}

static int sva_test_bond_dma(struct sva_test *st, struct sva_test_bond *bond)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(st->hw.dev);
	int ret;

	if (!domain)
		return -ENODEV;
	if (!bond->pasid) {
		bond->pasid = iommu_alloc_global_pasid(st->hw.dev);
		if (bond->pasid == IOMMU_PASID_INVALID)
			return -ENOSPC;
		bond->allocated = true;
	}
	ret = iommu_attach_device_pasid(domain, st->hw.dev, bond->pasid, NULL);
	if (ret) {
		if (bond->allocated)
			iommu_free_global_pasid(bond->pasid);
		return ret;
	}
	bond->domain = domain;
	return 0;
}

/* Allocate a domain of the kind that @flags ask for, and attach the RID. */
static int sva_test_bond_rid(struct sva_test *st, struct sva_test_bond *bond,
			     unsigned int flags)
{
	struct iommu_domain *domain;
	int ret;

	domain = iommu_paging_domain_alloc_flags(st->hw.dev, flags);
	if (IS_ERR(domain))
		return PTR_ERR(domain);
	ret = iommu_attach_device(domain, st->hw.dev);
	if (ret) {
		iommu_domain_free(domain);
		return ret;
	}
	bond->domain = domain;
	bond->rid = true;
	return 0;
}

static int sva_test_bond_paging(struct sva_test *st, struct sva_test_bond *bond)
{
	return sva_test_bond_rid(st, bond, 0);
}

/* A domain that a first stage can be nested on */
static int sva_test_bond_stage2(struct sva_test *st, struct sva_test_bond *bond)
{
	return sva_test_bond_rid(st, bond, IOMMU_HWPT_ALLOC_NEST_PARENT);
}

static void sva_test_bond_detach(struct sva_test *st,
				 struct sva_test_bond *bond)
{
	if (bond->rid) {
		iommu_detach_device(bond->domain, st->hw.dev);
		iommu_domain_free(bond->domain);
	} else {
		iommu_detach_device_pasid(bond->domain, st->hw.dev,
					  bond->pasid);
	}
}

/* The caller has already removed the bond from the file. */
void sva_test_bond_end(struct sva_test *st, struct sva_test_bond *bond)
{
	scoped_guard(spinlock_irq, &st->lock) {
		bond->gone = true;
		sva_test_stop_ops(st, NULL, bond);
	}
	if (bond->private)
		sva_test_unbind_private(bond->handle);
	else if (bond->handle)
		iommu_sva_unbind_device(bond->handle);
	else
		sva_test_bond_detach(st, bond);
	if (bond->allocated)
		iommu_free_global_pasid(bond->pasid);
	sva_test_bond_put(bond);
}

static int sva_test_bond_new(struct sva_test_file *file,
			     struct sva_test_bind *arg, struct mm_struct *mm,
			     int (*attach)(struct sva_test *st,
					   struct sva_test_bond *bond))
{
	struct sva_test_bond *bond;
	int ret;

	bond = kzalloc_obj(*bond);
	if (!bond)
		return -ENOMEM;
	kref_init(&bond->ref);
	bond->mm = mm;
	bond->pasid = arg->pasid;
	ret = attach(file->st, bond);
	if (ret) {
		sva_test_bond_put(bond);
		return ret;
	}
	arg->pasid = bond->pasid;
	ret = sva_test_bond_add(file, bond, &arg->bond);
	if (ret)
		sva_test_bond_end(file->st, bond);
	return ret;
}

/* Return the mm of a bond. The bond keeps the mm_struct. */
static struct mm_struct *sva_test_mm_of(struct sva_test_file *file, u32 id)
{
	struct sva_test_bond *bond;
	struct mm_struct *mm = NULL;

	xa_lock(&file->bonds);
	bond = xa_load(&file->bonds, id);
	if (bond && bond->mm) {
		mm = bond->mm;
		mmgrab(mm);
	}
	xa_unlock(&file->bonds);
	return mm;
}

static int sva_test_bind_unchecked(struct sva_test_file *file,
				   struct sva_test_bind *arg)
{
	struct mm_struct *mm;
	int ret;

	if (arg->mm_of && arg->flags & SVA_TEST_BIND_NO_MM)
		return -EINVAL;
	if (!capable(CAP_SYS_RAWIO))
		return -EPERM;
	if (!arg->mm_of)
		return sva_test_bond_new(file, arg,
					 arg->flags & SVA_TEST_BIND_NO_MM ?
					 NULL : current->mm,
					 sva_test_bond_chosen);
	mm = sva_test_mm_of(file, arg->mm_of);
	if (!mm)
		return -ENOENT;
	ret = sva_test_bond_new(file, arg, mm, sva_test_bond_chosen);
	mmdrop(mm);
	return ret;
}

#define UNCHECKED	(SVA_TEST_BIND_PRIVATE | SVA_TEST_BIND_UNCHECKED)

int sva_test_bind(struct sva_test_file *file, struct sva_test_bind *arg)
{
	switch (arg->flags) {
	case 0:
		if (arg->pasid || arg->mm_of)
			return -EINVAL;
		return sva_test_bond_new(file, arg, current->mm,
					 sva_test_bond_sva);
	case SVA_TEST_BIND_PRIVATE:
		if (arg->mm_of)
			return -EINVAL;
		return sva_test_bond_new(file, arg, current->mm,
					 arg->pasid ? sva_test_bond_chosen :
						      sva_test_bond_private);
	case UNCHECKED:
	case UNCHECKED | SVA_TEST_BIND_NO_MM:
		return sva_test_bind_unchecked(file, arg);
	default:
		return -EINVAL;
	}
}

int sva_test_attach_dma(struct sva_test_file *file, struct sva_test_bind *arg)
{
	if (arg->mm_of || arg->flags)
		return -EINVAL;
	if (!capable(CAP_SYS_RAWIO))
		return -EPERM;
	return sva_test_bond_new(file, arg, NULL, sva_test_bond_dma);
}

static int sva_test_attach_rid(struct sva_test_file *file,
			       struct sva_test_bind *arg,
			       int (*attach)(struct sva_test *st,
					     struct sva_test_bond *bond))
{
	if (arg->mm_of || arg->flags || arg->pasid)
		return -EINVAL;
	if (!capable(CAP_SYS_RAWIO))
		return -EPERM;
	return sva_test_bond_new(file, arg, NULL, attach);
}

int sva_test_attach_stage2(struct sva_test_file *file,
			   struct sva_test_bind *arg)
{
	return sva_test_attach_rid(file, arg, sva_test_bond_stage2);
}

int sva_test_attach_paging(struct sva_test_file *file,
			   struct sva_test_bind *arg)
{
	return sva_test_attach_rid(file, arg, sva_test_bond_paging);
}

int sva_test_unbind(struct sva_test_file *file, struct sva_test_unbind *arg)
{
	struct sva_test_bond *bond;
	bool mine;

	if (arg->reserved)
		return -EINVAL;
	bond = sva_test_bond_get(file, arg->bond);
	if (IS_ERR(bond))
		return PTR_ERR(bond);
	mine = xa_cmpxchg(&file->bonds, arg->bond, bond, NULL, 0) == bond;
	if (mine)
		sva_test_bond_end(file->st, bond);
	sva_test_bond_put(bond);
	return mine ? 0 : -ENOENT;
}
