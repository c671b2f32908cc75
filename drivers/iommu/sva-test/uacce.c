// SPDX-License-Identifier: GPL-2.0-only
/*
 * The SVA test device as an accelerator of uacce
 *
 * uacce binds the processes, as for any accelerator. This file lets a channel
 * of the device work with the resulting PASID.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/uacce.h>
#include <linux/uaccess.h>

#include "internal.h"
#include "sva-test.h"

static int sva_test_uacce_available(struct uacce_device *uacce)
{
	return sva_test_queues_left(uacce->priv);
}

static int sva_test_uacce_get_queue(struct uacce_device *uacce,
				    unsigned long arg, struct uacce_queue *q)
{
	q->priv = sva_test_queue_claim(uacce->priv, &q->wait);
	return q->priv ? 0 : -EBUSY;
}

static void sva_test_uacce_put_queue(struct uacce_queue *q)
{
	sva_test_queue_free(q->uacce->priv, q->priv);
}

static int sva_test_uacce_start_queue(struct uacce_queue *q)
{
	return 0;
}

static void sva_test_uacce_stop_queue(struct uacce_queue *q)
{
	sva_test_queue_stop(q->uacce->priv, q->priv);
}

static int sva_test_uacce_is_updated(struct uacce_queue *q)
{
	return sva_test_queue_updated(q->uacce->priv, q->priv);
}

static int sva_test_uacce_mmap(struct uacce_queue *q,
			       struct vm_area_struct *vma,
			       struct uacce_qfile_region *qfr)
{
	size_t size = vma->vm_end - vma->vm_start;
	phys_addr_t phys;

	if (qfr->type != UACCE_QFRT_DUS || size > SVA_TEST_LOCAL_SIZE ||
	    !(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	phys = sva_test_queue_local(q->uacce->priv, q->priv);
	vma->vm_page_prot = pgprot_noncached(vma->vm_page_prot);
	return remap_pfn_range(vma, vma->vm_start, PHYS_PFN(phys), size,
			       vma->vm_page_prot);
}

static bool sva_test_uacce_op_is_good(const struct sva_test_op *op)
{
	if (op->op < SVA_TEST_OP_READ || op->op > SVA_TEST_OP_CAS ||
	    op->mode & ~SVA_TEST_QUEUE_MODES)
		return false;
	if (op->as || op->bond || op->pasid || op->buf || op->buf_len ||
	    op->skip || op->group)
		return false;
	/* READ and WRITE stay within the slice of their channel. */
	return op->op > SVA_TEST_OP_WRITE ||
	       (op->len <= SVA_TEST_LOCAL_SIZE &&
		op->local <= SVA_TEST_LOCAL_SIZE - op->len);
}

static long sva_test_uacce_submit(struct uacce_queue *q, void __user *arg)
{
	struct sva_test_op op;

	if (q->state != UACCE_Q_STARTED)
		return -EINVAL;
	if (copy_from_user(&op, arg, sizeof(op)))
		return -EFAULT;
	if (!sva_test_uacce_op_is_good(&op))
		return -EINVAL;
	op.pasid = q->pasid;
	return sva_test_queue_submit(q->uacce->priv, q->priv, &op);
}

static long sva_test_uacce_peek(struct uacce_queue *q, void __user *arg)
{
	struct sva_test_op op = { .pasid = q->pasid };

	sva_test_queue_peek(q->uacce->priv, q->priv, &op);
	return copy_to_user(arg, &op, sizeof(op)) ? -EFAULT : 0;
}

static long sva_test_uacce_ioctl(struct uacce_queue *q, unsigned int cmd,
				 unsigned long arg)
{
	switch (cmd) {
	case SVA_TEST_IOC_SUBMIT:
		return sva_test_uacce_submit(q, (void __user *)arg);
	case SVA_TEST_IOC_PEEK:
		return sva_test_uacce_peek(q, (void __user *)arg);
	default:
		return -ENOTTY;
	}
}

static const struct uacce_ops sva_test_uacce_ops = {
	.get_available_instances = sva_test_uacce_available,
	.get_queue = sva_test_uacce_get_queue,
	.put_queue = sva_test_uacce_put_queue,
	.start_queue = sva_test_uacce_start_queue,
	.stop_queue = sva_test_uacce_stop_queue,
	.is_q_updated = sva_test_uacce_is_updated,
	.mmap = sva_test_uacce_mmap,
	.ioctl = sva_test_uacce_ioctl,
};

/**
 * sva_test_uacce_add - register a device with uacce, if that is there
 * @st: the device, started
 * @dev: the device that does DMA
 *
 * The device also works without uacce.
 *
 * Return: the device for uacce_remove(), NULL if it is no accelerator
 */
struct uacce_device *sva_test_uacce_add(struct sva_test *st, struct device *dev)
{
	struct uacce_interface interface = {
		.name = "sva_test",
		.flags = UACCE_DEV_SVA,
		.ops = &sva_test_uacce_ops,
	};
	struct uacce_device *uacce;
	int ret;

	uacce = uacce_alloc(dev, &interface);
	if (IS_ERR(uacce))
		return NULL;
	uacce->priv = st;
	uacce->algs = "copy\n";
	uacce->api_ver = "sva_test";
	uacce->qf_pg_num[UACCE_QFRT_DUS] = PHYS_PFN(SVA_TEST_LOCAL_SIZE);
	ret = uacce_register(uacce);
	if (ret) {
		dev_warn(dev, "no accelerator: %d\n", ret);
		uacce_remove(uacce);
		return NULL;
	}
	return uacce;
}
