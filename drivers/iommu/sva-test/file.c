// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open files of the SVA test driver, and the ioctls that they take
 */
#include <linux/capability.h>
#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/xarray.h>

#include "internal.h"
#include "sva-test.h"

/* The device as a whole */

static int sva_test_info(struct sva_test_file *file, struct sva_test_info *info)
{
	struct sva_test *st = file->st;
	struct device *dev = st->hw.dev;
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	strscpy_pad(info->name, dev_name(dev));
	info->caps = sva_test_get(st, SVA_TEST_CAPS);
	scoped_guard(spinlock_irq, &st->lock)
		info->interrupts = st->irqs;
	info->on = st->hw.enabled(dev);
	info->max_pasids = iommu_max_pasids(st->hw.dev);
	info->enqcmd_pasid = mm_get_enqcmd_pasid(current->mm);
	info->domain = domain ? domain->type : 0;
	info->has_sva = mm_has_sva(current->mm);
	return 0;
}

static int sva_test_counters(struct sva_test_file *file,
			     struct sva_test_counters *cnt)
{
	struct sva_test *st = file->st;

	if (cnt->reserved || cnt->select > SVA_TEST_CNT_TOTAL)
		return -EINVAL;

	guard(spinlock_irq)(&st->lock);
	sva_test_set(st, SVA_TEST_CNT_SELECT, cnt->select);
	cnt->attempts = sva_test_get(st, SVA_TEST_CNT_ATTEMPTS);
	cnt->answered = sva_test_get(st, SVA_TEST_CNT_ANSWERED);
	cnt->refused = sva_test_get(st, SVA_TEST_CNT_REFUSED);
	cnt->bytes_read = sva_test_get(st, SVA_TEST_CNT_BYTES_READ);
	cnt->bytes_written = sva_test_get(st, SVA_TEST_CNT_BYTES_WRITTEN);
	cnt->ats_requests = sva_test_get(st, SVA_TEST_CNT_ATS_REQUESTS);
	cnt->ats_denied = sva_test_get(st, SVA_TEST_CNT_ATS_DENIED);
	cnt->atc_hits = sva_test_get(st, SVA_TEST_CNT_ATC_HITS);
	cnt->invalidations = sva_test_get(st, SVA_TEST_CNT_INVALIDATIONS);
	cnt->page_requests = sva_test_get(st, SVA_TEST_CNT_PAGE_REQUESTS);
	cnt->page_responses = sva_test_get(st, SVA_TEST_CNT_PAGE_RESPONSES);
	cnt->page_failures = sva_test_get(st, SVA_TEST_CNT_PAGE_FAILURES);
	cnt->stalls = sva_test_get(st, SVA_TEST_CNT_STALLS);
	return 0;
}

static int sva_test_counters_clear(struct sva_test_file *file)
{
	sva_test_set(file->st, SVA_TEST_CNT_CLEAR, 1);
	return 0;
}

static int sva_test_knobs(struct sva_test_file *file,
			  struct sva_test_knobs *arg)
{
	struct sva_test *st = file->st;

	if (arg->reserved)
		return -EINVAL;
	if (arg->set) {
		if (!capable(CAP_SYS_RAWIO))
			return -EPERM;
		sva_test_set(st, SVA_TEST_KNOBS, arg->knobs);
		sva_test_set(st, SVA_TEST_DELAY, arg->delay_us);
		sva_test_set(st, SVA_TEST_PASID_OFFSET, arg->pasid_offset);
	}
	arg->knobs = sva_test_get(st, SVA_TEST_KNOBS);
	arg->delay_us = sva_test_get(st, SVA_TEST_DELAY);
	arg->pasid_offset = sva_test_get(st, SVA_TEST_PASID_OFFSET);
	return 0;
}

/* Files */

static int sva_test_open(struct inode *inode, struct file *filp)
{
	struct sva_test *st = container_of(inode->i_cdev, struct sva_test,
					   cdev);
	struct sva_test_file *file;

	file = kzalloc_obj(*file);
	if (!file)
		return -ENOMEM;
	file->st = st;
	xa_init_flags(&file->bonds, XA_FLAGS_ALLOC1);
	mutex_init(&file->lock);
	xa_init_flags(&file->buffers, XA_FLAGS_ALLOC1);
	scoped_guard(mutex, &st->files_lock)
		list_add(&file->node, &st->files);
	filp->private_data = file;
	return nonseekable_open(inode, filp);
}

/* End everything that the file uses of the device. It has no ioctl running. */
void sva_test_file_end(struct sva_test_file *file)
{
	struct sva_test *st = file->st;
	struct sva_test_buffer *buffer;
	struct sva_test_bond *bond;
	unsigned long id;
	int i;

	scoped_guard(spinlock_irq, &st->lock)
		sva_test_stop_ops(st, file, NULL);
	for (i = 0; i < SVA_TEST_NR_CHANNELS; i++)
		if (st->chans[i].file == file)
			sva_test_chan_free(st, &st->chans[i]);
	xa_for_each(&file->bonds, id, bond) {
		xa_erase(&file->bonds, id);
		sva_test_bond_end(st, bond);
	}
	xa_for_each(&file->buffers, id, buffer) {
		xa_erase(&file->buffers, id);
		sva_test_buffer_free(st, buffer);
	}
}

/*
 * Called for every close(). A mapping keeps the file open after the last
 * close(), and a page fault that waits keeps the mapping after its process has
 * exited. So release such faults here.
 */
static int sva_test_flush(struct file *filp, fl_owner_t id)
{
	struct sva_test_file *file = filp->private_data;

	sva_test_slow_release(&file->st->slow, filp);
	return 0;
}

static int sva_test_release(struct inode *inode, struct file *filp)
{
	struct sva_test_file *file = filp->private_data;
	struct sva_test *st = file->st;

	/* An ioctl may have held them again after the last close() had begun */
	sva_test_slow_release(&st->slow, filp);
	scoped_guard(rwsem_read, &st->sem) {
		scoped_guard(mutex, &st->files_lock)
			list_del(&file->node);
		/* If the device is gone, this has been done already. */
		sva_test_file_end(file);
	}
	xa_destroy(&file->bonds);
	xa_destroy(&file->buffers);
	kfree(file);
	return 0;
}

union sva_test_arg {
	struct sva_test_info info;
	struct sva_test_bind bind;
	struct sva_test_unbind unbind;
	struct sva_test_op op;
	struct sva_test_dma dma;
	struct sva_test_counters counters;
	struct sva_test_knobs knobs;
};

static int sva_test_command(struct sva_test_file *file, unsigned int cmd,
			    union sva_test_arg *arg)
{
	switch (cmd) {
	case SVA_TEST_IOC_INFO:
		return sva_test_info(file, &arg->info);
	case SVA_TEST_IOC_BIND:
		return sva_test_bind(file, &arg->bind);
	case SVA_TEST_IOC_ATTACH_DMA:
		return sva_test_attach_dma(file, &arg->bind);
	case SVA_TEST_IOC_ATTACH_STAGE2:
		return sva_test_attach_stage2(file, &arg->bind);
	case SVA_TEST_IOC_ATTACH_PAGING:
		return sva_test_attach_paging(file, &arg->bind);
	case SVA_TEST_IOC_UNBIND:
		return sva_test_unbind(file, &arg->unbind);
	case SVA_TEST_IOC_RUN:
		return sva_test_run(file, &arg->op);
	case SVA_TEST_IOC_SUBMIT:
		return sva_test_submit(file, &arg->op);
	case SVA_TEST_IOC_WAIT:
		return sva_test_wait(file, &arg->op);
	case SVA_TEST_IOC_ABORT:
		return sva_test_abort(file, &arg->op);
	case SVA_TEST_IOC_DMA_ALLOC:
		return sva_test_dma_alloc(file, &arg->dma);
	case SVA_TEST_IOC_DMA_UNMAP:
		return sva_test_dma_unmap(file, &arg->dma);
	case SVA_TEST_IOC_DMA_FREE:
		return sva_test_dma_free(file, &arg->dma);
	case SVA_TEST_IOC_DMA_GET:
		return sva_test_dma_copy(file, &arg->dma, false);
	case SVA_TEST_IOC_DMA_PUT:
		return sva_test_dma_copy(file, &arg->dma, true);
	case SVA_TEST_IOC_COUNTERS:
		return sva_test_counters(file, &arg->counters);
	case SVA_TEST_IOC_COUNTERS_CLEAR:
		return sva_test_counters_clear(file);
	case SVA_TEST_IOC_KNOBS:
		return sva_test_knobs(file, &arg->knobs);
	case SVA_TEST_IOC_PEEK:
		return sva_test_peek(file, &arg->op);
	default:
		return -ENOTTY;
	}
}

static int sva_test_locked_command(struct sva_test_file *file,
				   unsigned int cmd, union sva_test_arg *arg)
{
	struct sva_test *st = file->st;

	guard(rwsem_read)(&st->sem);
	/* GONE is final, and is set before st->sem is taken for writing. */
	if (READ_ONCE(st->state) == SVA_TEST_GONE)
		return -ENODEV;
	return sva_test_command(file, cmd, arg);
}

static int sva_test_any_command(struct file *filp, unsigned int cmd,
				union sva_test_arg *arg)
{
	struct sva_test_file *file = filp->private_data;
	struct sva_test *st = file->st;

	switch (cmd) {
	case SVA_TEST_IOC_RESET:
		return sva_test_reset(st);
	case SVA_TEST_IOC_SLOW_HOLD:
		return sva_test_slow_hold(&st->slow, filp);
	case SVA_TEST_IOC_SLOW_RELEASE:
		return sva_test_slow_release(&st->slow, filp);
	default:
		return sva_test_locked_command(file, cmd, arg);
	}
}

static long sva_test_ioctl(struct file *filp, unsigned int cmd,
			   unsigned long uarg)
{
	void __user *user = (void __user *)uarg;
	size_t size = _IOC_SIZE(cmd);
	union sva_test_arg arg = {};
	int ret;

	if (_IOC_TYPE(cmd) != SVA_TEST_IOC_MAGIC || size > sizeof(arg))
		return -ENOTTY;
	if (_IOC_DIR(cmd) & _IOC_WRITE && copy_from_user(&arg, user, size))
		return -EFAULT;
	ret = sva_test_any_command(filp, cmd, &arg);
	if (ret)
		return ret;
	if (_IOC_DIR(cmd) & _IOC_READ && copy_to_user(user, &arg, size))
		return -EFAULT;
	return 0;
}

static int sva_test_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct sva_test_file *file = filp->private_data;

	return sva_test_slow_mmap(&file->st->slow, vma);
}

static __poll_t sva_test_poll(struct file *filp, poll_table *wait)
{
	struct sva_test_file *file = filp->private_data;

	return sva_test_slow_poll(&file->st->slow, filp, wait);
}

const struct file_operations sva_test_fops = {
	.owner = THIS_MODULE,
	.open = sva_test_open,
	.flush = sva_test_flush,
	.release = sva_test_release,
	.unlocked_ioctl = sva_test_ioctl,
	.mmap = sva_test_mmap,
	.poll = sva_test_poll,
};
