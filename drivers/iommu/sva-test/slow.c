// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of the SVA test driver whose page faults user space can delay
 *
 * mmap() of /dev/sva-test<N> gives pages of zeroes. While an open file of that
 * device holds them, a page fault on a page that is not present waits.
 *
 * A fault of a device is handled by a workqueue of the IOMMU core, which calls
 * handle_mm_fault() with mmap_lock held for reading and does not allow it to be
 * dropped (FAULT_FLAG_ALLOW_RETRY). A slow file system sleeps there for as long
 * as it takes, and this is a stand-in for one.
 *
 * Nothing here needs the device or takes st->sem. The holder of st->sem may be
 * ending a bond, which waits for the faults.
 */
#include <linux/cleanup.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "internal.h"
#include "sva-test.h"

void sva_test_slow_init(struct sva_test_slow *slow)
{
	spin_lock_init(&slow->lock);
	init_waitqueue_head(&slow->wait);
}

int sva_test_slow_hold(struct sva_test_slow *slow, const struct file *filp)
{
	guard(spinlock)(&slow->lock);
	if (slow->gone)
		return -ENODEV;
	/* Faults that were released must not find that they are held again. */
	if (slow->holder || slow->waiting)
		return -EBUSY;
	WRITE_ONCE(slow->holder, filp);
	return 0;
}

int sva_test_slow_release(struct sva_test_slow *slow, const struct file *filp)
{
	guard(spinlock)(&slow->lock);
	if (slow->holder != filp)
		return -ENOENT;
	WRITE_ONCE(slow->holder, NULL);
	wake_up_all(&slow->wait);
	return 0;
}

/**
 * sva_test_slow_end() - let all faults go, for good
 * @slow: the memory
 *
 * It remains what it is, but nobody can hold it any more.
 */
void sva_test_slow_end(struct sva_test_slow *slow)
{
	guard(spinlock)(&slow->lock);
	WRITE_ONCE(slow->gone, true);
	WRITE_ONCE(slow->holder, NULL);
	wake_up_all(&slow->wait);
}

/* A file is readable while a fault waits. */
__poll_t sva_test_slow_poll(struct sva_test_slow *slow, struct file *filp,
			    poll_table *wait)
{
	poll_wait(filp, &slow->wait, wait);
	if (READ_ONCE(slow->gone))
		return EPOLLHUP;
	return READ_ONCE(slow->waiting) ? EPOLLIN | EPOLLRDNORM : 0;
}

/* Return whether the fault must wait. If so, it was counted. */
static bool sva_test_slow_enter(struct sva_test_slow *slow)
{
	guard(spinlock)(&slow->lock);
	if (!slow->holder)
		return false;
	WRITE_ONCE(slow->waiting, slow->waiting + 1);
	wake_up_all(&slow->wait);
	return true;
}

static void sva_test_slow_leave(struct sva_test_slow *slow)
{
	guard(spinlock)(&slow->lock);
	WRITE_ONCE(slow->waiting, slow->waiting - 1);
}

/* Return false if this took too long or if the process was killed. */
static bool sva_test_slow_wait(struct sva_test_slow *slow)
{
	long left;

	if (!sva_test_slow_enter(slow))
		return true;
	left = wait_event_killable_timeout(slow->wait,
					   !READ_ONCE(slow->holder),
					   msecs_to_jiffies(SVA_TEST_SLOW_MS));
	sva_test_slow_leave(slow);
	return left > 0;
}

static vm_fault_t sva_test_slow_fault(struct vm_fault *vmf)
{
	if (!sva_test_slow_wait(vmf->vma->vm_private_data))
		return VM_FAULT_SIGBUS;
	vmf->page = alloc_page(GFP_USER | __GFP_ZERO);
	return vmf->page ? 0 : VM_FAULT_OOM;
}

static const struct vm_operations_struct sva_test_slow_vm_ops = {
	.fault = sva_test_slow_fault,
};

/* The mapping keeps the file open, which keeps @slow. */
int sva_test_slow_mmap(struct sva_test_slow *slow, struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	/*
	 * The pages exist only in this mapping, and core dumps must not wait
	 * for them.
	 */
	vm_flags_set(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = slow;
	vma->vm_ops = &sva_test_slow_vm_ops;
	return 0;
}
