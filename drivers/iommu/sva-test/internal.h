/* SPDX-License-Identifier: GPL-2.0-only */
/* Interface between the core of the SVA test driver and its front ends */
#ifndef SVA_TEST_INTERNAL_H
#define SVA_TEST_INTERNAL_H

#include <linux/irqreturn.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

struct dev_pm_ops;
struct device;
struct file;
struct iommu_sva;
struct mm_struct;
struct pci_driver;
struct platform_driver;
struct sva_test;
struct sva_test_chan;
struct sva_test_op;
struct uacce_device;
struct vm_area_struct;

/**
 * struct sva_test_hw - what a front end provides for its device
 * @dev: the device that does DMA
 * @regs: region 0, mapped
 * @local: region 1, mapped
 * @local_phys: where region 1 is, for mappings of user space
 * @enabled: returns the SVA_TEST_*_ON flags of what is enabled
 */
struct sva_test_hw {
	struct device *dev;
	void __iomem *regs;
	void __iomem *local;
	phys_addr_t local_phys;
	u32 (*enabled)(struct device *dev);
};

struct sva_test *sva_test_create(const struct sva_test_hw *hw);
int sva_test_start(struct sva_test *st);
void sva_test_stop(struct sva_test *st);
void sva_test_destroy(struct sva_test *st);
irqreturn_t sva_test_irq(int irq, void *data);

void sva_test_reset_prepare(struct sva_test *st);
void sva_test_reset_done(struct sva_test *st);

/* For devices whose driver data is their struct sva_test */
extern const struct dev_pm_ops sva_test_pm_ops;

struct iommu_sva *sva_test_bind_private(struct device *dev,
					struct mm_struct *mm);
void sva_test_unbind_private(struct iommu_sva *bond);

/* A channel that serves one queue of uacce while that queue exists */
struct sva_test_chan *sva_test_queue_claim(struct sva_test *st,
					   wait_queue_head_t *wait);
void sva_test_queue_free(struct sva_test *st, struct sva_test_chan *chan);
unsigned int sva_test_queues_left(struct sva_test *st);
phys_addr_t sva_test_queue_local(struct sva_test *st,
				 struct sva_test_chan *chan);
int sva_test_queue_submit(struct sva_test *st, struct sva_test_chan *chan,
			  struct sva_test_op *op);
void sva_test_queue_stop(struct sva_test *st, struct sva_test_chan *chan);
void sva_test_queue_peek(struct sva_test *st, struct sva_test_chan *chan,
			 struct sva_test_op *op);
bool sva_test_queue_updated(struct sva_test *st, struct sva_test_chan *chan);

struct uacce_device *sva_test_uacce_add(struct sva_test *st,
					struct device *dev);

/**
 * struct sva_test_slow - memory whose page faults user space can delay
 * @lock: protects the fields after @wait
 * @wait: woken when a fault starts to wait, or may continue
 * @holder: the open file that delays the faults, or NULL
 * @waiting: number of faults that wait
 * @gone: the device is gone
 */
struct sva_test_slow {
	spinlock_t lock;		/* see above */
	wait_queue_head_t wait;
	const struct file *holder;
	unsigned int waiting;
	bool gone;
};

void sva_test_slow_init(struct sva_test_slow *slow);
int sva_test_slow_hold(struct sva_test_slow *slow, const struct file *filp);
int sva_test_slow_release(struct sva_test_slow *slow, const struct file *filp);
void sva_test_slow_end(struct sva_test_slow *slow);
__poll_t sva_test_slow_poll(struct sva_test_slow *slow, struct file *filp,
			    poll_table *wait);
int sva_test_slow_mmap(struct sva_test_slow *slow, struct vm_area_struct *vma);

extern struct pci_driver sva_test_pci_driver;
extern struct platform_driver sva_test_platform_driver;

#endif /* SVA_TEST_INTERNAL_H */
