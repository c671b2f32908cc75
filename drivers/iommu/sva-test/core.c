// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test driver for Shared Virtual Addressing
 *
 * /dev/sva-test<N> lets a process bind its address space to a PASID of an
 * emulated DMA engine, and tells that engine what to access. A front end for
 * the bus finds the device and calls this file. What user space asks for comes
 * in through file.c.
 *
 * Open files can outlive the device. Everything that uses the device or its
 * IOMMU holds st->sem for reading and checks that the device is not gone.
 * Removing or resetting the device stops the engine and then takes st->sem for
 * writing.
 */
#include <linux/bitops.h>
#include <linux/cdev.h>
#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/pm.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/uacce.h>
#include <linux/wait.h>

#include "internal.h"
#include "sva-test.h"

#define SVA_TEST_MINORS		64

static dev_t sva_test_devt;
static DEFINE_IDA(sva_test_ida);

/* The device as a whole */

/* Stop the engine, either for a while or permanently. */
static void sva_test_halt(struct sva_test *st, enum sva_test_state state)
{
	guard(spinlock_irq)(&st->lock);
	if (st->state == SVA_TEST_GONE)
		return;
	st->state = state;
	sva_test_stop_ops(st, NULL, NULL);
}

static void sva_test_resume(struct sva_test *st)
{
	guard(spinlock_irq)(&st->lock);
	if (st->state == SVA_TEST_GONE)
		return;
	/* Clear the interrupts of operations that were stopped. */
	sva_test_set(st, SVA_TEST_IRQ_STATUS, ~0ULL);
	sva_test_set(st, SVA_TEST_IRQ_ENABLE,
		     GENMASK_ULL(SVA_TEST_NR_CHANNELS - 1, 0));
	st->state = SVA_TEST_RUNNING;
}

/**
 * sva_test_reset_prepare() - stop the device before its bus resets it
 * @st: the device
 *
 * Operations are stopped, and new users of the device wait until
 * sva_test_reset_done(). Bonds stay.
 */
void sva_test_reset_prepare(struct sva_test *st)
{
	sva_test_halt(st, SVA_TEST_RESETTING);
	down_write(&st->sem);
}

/**
 * sva_test_reset_done() - use the device again after a reset
 * @st: the device
 */
void sva_test_reset_done(struct sva_test *st)
{
	sva_test_resume(st);
	up_write(&st->sem);
}

/*
 * User space is frozen, so no ioctl is in progress. Bonds stay: the bus and the
 * IOMMU driver have to keep their part of the state.
 */
static int sva_test_pm_suspend(struct device *dev)
{
	struct sva_test *st = dev_get_drvdata(dev);

	sva_test_halt(st, SVA_TEST_RESETTING);
	sva_test_set(st, SVA_TEST_IRQ_ENABLE, 0);
	return 0;
}

/*
 * Reset the device, so that it is in the same state whether it lost it or not.
 */
static int sva_test_pm_resume(struct device *dev)
{
	struct sva_test *st = dev_get_drvdata(dev);

	sva_test_set(st, SVA_TEST_RESET, 1);
	sva_test_resume(st);
	return 0;
}

DEFINE_SIMPLE_DEV_PM_OPS(sva_test_pm_ops, sva_test_pm_suspend,
			 sva_test_pm_resume);

int sva_test_reset(struct sva_test *st)
{
	/* Nobody holds st->sem for long once the operations have ended. */
	sva_test_halt(st, SVA_TEST_RESETTING);
	guard(rwsem_write)(&st->sem);
	if (st->state == SVA_TEST_GONE)
		return -ENODEV;
	/* The device may have been reset again meanwhile. */
	sva_test_halt(st, SVA_TEST_RESETTING);
	sva_test_set(st, SVA_TEST_RESET, 1);
	sva_test_resume(st);
	return 0;
}

/* Functions for the front ends */

static void sva_test_dev_release(struct device *dev)
{
	struct sva_test *st = container_of(dev, struct sva_test, dev);

	kfree(st);
}

static const struct class sva_test_class = {
	.name = "sva-test",
	.dev_release = sva_test_dev_release,
};

static int sva_test_name(struct sva_test *st)
{
	int id = ida_alloc_max(&sva_test_ida, SVA_TEST_MINORS - 1, GFP_KERNEL);
	int ret;

	if (id < 0)
		return id;
	st->dev.devt = MKDEV(MAJOR(sva_test_devt), id);
	ret = dev_set_name(&st->dev, "sva-test%d", id);
	if (ret)
		ida_free(&sva_test_ida, id);
	return ret;
}

/**
 * sva_test_create() - set up a device that a front end has found
 * @hw: the device, copied
 *
 * The device must not be used yet: sva_test_start() comes after its interrupt
 * was requested.
 *
 * Return: the device for the other calls, or an ERR_PTR
 */
struct sva_test *sva_test_create(const struct sva_test_hw *hw)
{
	u64 id = readq(hw->regs + SVA_TEST_ID);
	struct sva_test *st;

	if (lower_32_bits(id) != SVA_TEST_ID_MAGIC ||
	    id >> SVA_TEST_ID_VERSION_SHIFT != SVA_TEST_VERSION) {
		dev_err(hw->dev, "unknown device %#llx\n", id);
		return ERR_PTR(-ENODEV);
	}
	st = kzalloc_obj(*st);
	if (!st)
		return ERR_PTR(-ENOMEM);
	st->hw = *hw;
	init_rwsem(&st->sem);
	spin_lock_init(&st->lock);
	st->state = SVA_TEST_RESETTING;
	init_waitqueue_head(&st->wait);
	mutex_init(&st->files_lock);
	INIT_LIST_HEAD(&st->files);
	sva_test_slow_init(&st->slow);

	device_initialize(&st->dev);
	st->dev.class = &sva_test_class;
	st->dev.parent = hw->dev;
	cdev_init(&st->cdev, &sva_test_fops);
	st->cdev.owner = THIS_MODULE;
	return st;
}

/**
 * sva_test_start() - make the device available to user space
 * @st: the device, returned by sva_test_create()
 *
 * Return: 0 or a negative error code
 */
int sva_test_start(struct sva_test *st)
{
	int ret;

	ret = sva_test_name(st);
	if (ret)
		return ret;
	sva_test_set(st, SVA_TEST_RESET, 1);
	sva_test_resume(st);
	ret = cdev_device_add(&st->cdev, &st->dev);
	if (ret) {
		sva_test_halt(st, SVA_TEST_GONE);
		ida_free(&sva_test_ida, MINOR(st->dev.devt));
		return ret;
	}
	st->uacce = sva_test_uacce_add(st, st->hw.dev);
	return 0;
}

/**
 * sva_test_stop() - take the device away from user space
 * @st: a device that was started
 *
 * When this returns, the device is idle, no PASID is attached to it and none
 * of the files that are still open will touch it again.
 */
void sva_test_stop(struct sva_test *st)
{
	struct sva_test_file *file;

	/* Bonds that end would wait for these faults. */
	sva_test_slow_end(&st->slow);
	/*
	 * This stops and frees the channels of uacce's queues and ends their
	 * bonds.
	 */
	uacce_remove(st->uacce);
	cdev_device_del(&st->cdev, &st->dev);
	ida_free(&sva_test_ida, MINOR(st->dev.devt));
	sva_test_halt(st, SVA_TEST_GONE);
	guard(rwsem_write)(&st->sem);
	/* An open() that started earlier may still add its file. */
	guard(mutex)(&st->files_lock);
	list_for_each_entry(file, &st->files, node)
		sva_test_file_end(file);
	sva_test_set(st, SVA_TEST_IRQ_ENABLE, 0);
}

/**
 * sva_test_destroy() - undo sva_test_create()
 * @st: a device that was never started, or was stopped
 *
 * Open files keep the memory, and nothing else.
 */
void sva_test_destroy(struct sva_test *st)
{
	put_device(&st->dev);
}

static int __init sva_test_init(void)
{
	int ret;

	ret = class_register(&sva_test_class);
	if (ret)
		return ret;
	ret = alloc_chrdev_region(&sva_test_devt, 0, SVA_TEST_MINORS,
				  "sva-test");
	if (ret)
		goto err_class;
	ret = pci_register_driver(&sva_test_pci_driver);
	if (ret)
		goto err_chrdev;
	ret = pci_register_driver(&sva_test_owner_driver);
	if (ret)
		goto err_pci;
	ret = platform_driver_register(&sva_test_platform_driver);
	if (ret)
		goto err_owner;
	return 0;

err_owner:
	pci_unregister_driver(&sva_test_owner_driver);
err_pci:
	pci_unregister_driver(&sva_test_pci_driver);
err_chrdev:
	unregister_chrdev_region(sva_test_devt, SVA_TEST_MINORS);
err_class:
	class_unregister(&sva_test_class);
	return ret;
}
module_init(sva_test_init);

static void __exit sva_test_exit(void)
{
	platform_driver_unregister(&sva_test_platform_driver);
	pci_unregister_driver(&sva_test_owner_driver);
	pci_unregister_driver(&sva_test_pci_driver);
	unregister_chrdev_region(sva_test_devt, SVA_TEST_MINORS);
	class_unregister(&sva_test_class);
}
module_exit(sva_test_exit);

MODULE_DESCRIPTION("Test driver for Shared Virtual Addressing");
MODULE_LICENSE("GPL");
