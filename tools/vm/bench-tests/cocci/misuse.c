// SPDX-License-Identifier: GPL-2.0
/*
 * What scripts/coccinelle/api/iommu_sva.cocci has to find: the lines that are
 * marked, and no others. Never compiled.
 */
#include <linux/idr.h>
#include <linux/iommu.h>

struct bond {
	struct iommu_sva *handle;
	u32 pasid, queue;
	void *priv;
};

/* Given back before the bond has ended */

static void free_first(struct dev *d, struct bond *b)
{
	ida_free(&d->pasids, b->pasid);	/* FOUND */
	iommu_sva_unbind_device(b->handle);
}

static void free_first_global(struct bond *b, u32 n)
{
	iommu_free_global_pasid(n);	/* FOUND */
	iommu_sva_unbind_device(b->handle);
}

static void free_first_of_bond(struct dev *d, struct iommu_sva *handle)
{
	xa_erase(&d->users, iommu_sva_get_pasid(handle));	/* FOUND */
	iommu_sva_unbind_device(handle);
}

static int free_first_on_error(struct dev *d, struct bond *b, int n)
{
	b->handle = iommu_sva_bind_device_pasid(d->dev, current->mm, n);
	if (IS_ERR(b->handle))
		return PTR_ERR(b->handle);
	if (start(d, n))
		goto err;
	return 0;
err:
	ida_free(&d->numbers, n);	/* FOUND */
	iommu_sva_unbind_device(b->handle);
	return -EIO;
}

static void free_after(struct dev *d, struct bond *b)
{
	ida_free(&d->queues, b->queue);
	iommu_sva_unbind_device(b->handle);
	ida_free(&d->pasids, b->pasid);
}

static int free_on_error(struct dev *d, struct bond *b)
{
	int pasid = ida_alloc_range(&d->pasids, 1, 255, GFP_KERNEL);

	if (pasid < 0)
		return pasid;
	b->handle = iommu_sva_bind_device_pasid(d->dev, current->mm, pasid);
	if (IS_ERR(b->handle)) {
		ida_free(&d->pasids, pasid);
		return PTR_ERR(b->handle);
	}
	return 0;
}

/* Used after its end */

static void get_after(struct dev *d, struct bond *b)
{
	iommu_sva_unbind_device(b->handle);
	ida_free(&d->pasids, iommu_sva_get_pasid(b->handle));	/* FOUND */
}

static void end_twice(struct bond *b, bool failed)
{
	iommu_sva_unbind_device(b->handle);
	if (failed)
		iommu_sva_unbind_device(b->handle);	/* FOUND */
}

static void stop_after(struct dev *d, struct bond *b)
{
	u32 pasid = iommu_sva_get_pasid(b->handle);

	iommu_sva_unbind_device(b->handle);
	writel(pasid, d->base + STOP);	/* FOUND */
	ida_free(&d->pasids, pasid);
}

static void stop_before(struct dev *d, struct bond *b)
{
	u32 pasid = iommu_sva_get_pasid(b->handle);

	writel(pasid, d->base + STOP);
	iommu_sva_unbind_device(b->handle);
	dev_dbg(d->dev, "%u is free\n", pasid);
	ida_free(&d->pasids, pasid);
}

static int bind_again(struct dev *d, struct bond *b)
{
	iommu_sva_unbind_device(b->handle);
	b->handle = iommu_sva_bind_device(d->dev, current->mm);
	if (IS_ERR(b->handle))
		return PTR_ERR(b->handle);
	return iommu_sva_get_pasid(b->handle);
}

/* No PASID */

static struct iommu_sva *zero(struct dev *d)
{
	return iommu_sva_bind_device_pasid(d->dev, current->mm, 0);	/* FOUND */
}

static struct iommu_sva *none(struct dev *d, struct mm_struct *mm)
{
	return iommu_sva_bind_device_pasid(d->dev, mm, IOMMU_NO_PASID);	/* FOUND */
}

static struct iommu_sva *invalid(struct dev *d, struct mm_struct *mm)
{
	return iommu_sva_bind_device_pasid(d->dev, mm, IOMMU_PASID_INVALID);	/* FOUND */
}

static struct iommu_sva *from_zero(struct dev *d)
{
	int pasid = ida_alloc(&d->pasids, GFP_KERNEL);

	if (pasid < 0)
		return ERR_PTR(pasid);
	return iommu_sva_bind_device_pasid(d->dev, current->mm, pasid);	/* FOUND */
}

static struct iommu_sva *from_zero_on(struct dev *d, struct bond *b)
{
	b->pasid = ida_alloc_range(&d->pasids, 0, 255, GFP_KERNEL);
	return iommu_sva_bind_device_pasid(d->dev, current->mm, b->pasid);	/* FOUND */
}

static struct iommu_sva *from_one(struct dev *d)
{
	int pasid = ida_alloc_min(&d->pasids, 1, GFP_KERNEL);

	if (pasid < 0)
		return ERR_PTR(pasid);
	return iommu_sva_bind_device_pasid(d->dev, current->mm, pasid);
}

/* An ERR_PTR */

static int compared_with_null(struct dev *d, struct bond *b)
{
	b->handle = iommu_sva_bind_device(d->dev, current->mm);
	if (!b->handle)	/* FOUND */
		return -ENODEV;
	return 0;
}

static u32 untested(struct dev *d, struct bond *b)
{
	b->handle = iommu_sva_bind_device(d->dev, current->mm);
	return iommu_sva_get_pasid(b->handle);	/* FOUND */
}

static int untested_ever(struct dev *d, struct bond *b)
{
	b->handle = iommu_sva_bind_device_pasid(d->dev, current->mm, b->pasid);	/* FOUND */
	return 0;
}

static struct iommu_sva *tested_by_caller(struct dev *d)
{
	struct iommu_sva *handle;

	handle = iommu_sva_bind_device(d->dev, current->mm);
	return handle;
}

static int tested_in_one(struct dev *d, struct bond *b)
{
	b->handle = iommu_sva_bind_device(d->dev, current->mm);
	return PTR_ERR_OR_ZERO(b->handle);
}

/* mmap_lock */

static struct iommu_sva *locked(struct dev *d, struct mm_struct *mm)
{
	struct iommu_sva *handle;

	mmap_read_lock(mm);
	handle = iommu_sva_bind_device(d->dev, mm);	/* FOUND */
	mmap_read_unlock(mm);
	return handle;
}

static int locked_killable(struct mm_struct *mm, struct bond *b)
{
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	iommu_sva_unbind_device(b->handle);	/* FOUND */
	mmap_write_unlock(mm);
	return 0;
}

static struct iommu_sva *unlocked(struct dev *d, struct mm_struct *mm)
{
	mmap_read_lock(mm);
	d->flags = look(mm);
	mmap_read_unlock(mm);
	return iommu_sva_bind_device(d->dev, mm);
}

static int dev_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct bond *b = file->private_data;

	b->handle = iommu_sva_bind_device(b->priv, vma->vm_mm);	/* FOUND */
	return PTR_ERR_OR_ZERO(b->handle);
}

static const struct file_operations dev_fops = {
	.open = dev_open,
	.mmap = dev_mmap,
};

static void dev_vma_close(struct vm_area_struct *vma)
{
	struct bond *b = vma->vm_private_data;

	iommu_sva_unbind_device(b->handle);	/* FOUND */
}

static const struct vm_operations_struct dev_vm_ops = {
	.close = dev_vma_close,
};

static void dev_mm_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct bond *b = container_of(mn, struct bond, notifier);

	iommu_sva_unbind_device(b->handle);	/* FOUND */
}

static const struct mmu_notifier_ops dev_mn_ops = {
	.release = dev_mm_release,
};
