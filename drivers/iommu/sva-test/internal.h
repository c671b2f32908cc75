/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the SVA test driver share */
#ifndef SVA_TEST_INTERNAL_H
#define SVA_TEST_INTERNAL_H

#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/io.h>
#include <linux/irqreturn.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "sva-test-hw.h"

struct dev_pm_ops;
struct file;
struct file_operations;
struct iommu_domain;
struct iommu_sva;
struct mm_struct;
struct pci_driver;
struct platform_driver;
struct sva_test_bind;
struct sva_test_buffer;
struct sva_test_dma;
struct sva_test_op;
struct sva_test_unbind;
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

/**
 * struct sva_test_bond - a PASID and the address space that it stands for
 * @ref: held by the open file and by each channel that uses the bond
 * @mm: only compared with current->mm. NULL for the DMA API's address space
 * @handle: of an SVA bond
 * @domain: of the DMA API
 * @pasid: the PASID
 * @allocated: @pasid has to be freed to the global space
 * @private: @handle is from sva_test_bind_private()
 * @rid: @domain is attached to the RID and has to be freed
 * @gone: no operation may start any more, protected by st->lock
 */
struct sva_test_bond {
	struct kref ref;
	struct mm_struct *mm;
	struct iommu_sva *handle;
	struct iommu_domain *domain;
	u32 pasid;
	bool allocated;
	bool private;
	bool rid;
	bool gone;
};

struct sva_test_result {
	u64 status;
	u64 bytes;
	u64 fault_addr;
	u64 old;
	u64 faults;
	u64 rounds;
};

/**
 * struct sva_test_chan - an operation in progress, from claim to release
 * @file: the file that it belongs to
 * @queue: for a queue of uacce: wait queue for the end of operations. If both
 *	   are NULL, the channel is free
 * @bond: the bond whose PASID it uses, or NULL
 * @id: the id for WAIT and ABORT, 0 if it was not submitted. For a queue: 0 if
 *	its end was seen
 * @waited: somebody waits for it and will free it
 * @loaded: size of the image in the local memory
 * @busy: it was started, and its end has not been seen
 * @result: valid when it is not @busy any more
 */
struct sva_test_chan {
	struct sva_test_file *file;
	wait_queue_head_t *queue;
	struct sva_test_bond *bond;
	u32 id;
	u32 loaded;
	bool waited;
	bool busy;
	struct sva_test_result result;
};

enum sva_test_state {
	SVA_TEST_RUNNING,
	SVA_TEST_RESETTING,
	SVA_TEST_GONE,
};

/**
 * struct sva_test - one device
 * @dev: the class device, which also counts the references
 * @cdev: /dev/sva-test<N>
 * @hw: the device that does the DMA
 * @sem: see the top of core.c
 * @lock: protects the channels, the registers with side effects and @state
 * @state: whether operations may begin
 * @chans: the channels
 * @next_id: for the next operation to be submitted
 * @irqs: number of interrupts
 * @wait: woken when a channel becomes idle or free
 * @files_lock: protects @files
 * @files: the open files
 * @uacce: the device as an accelerator of uacce, or NULL
 * @slow: memory of mappings of the open files
 */
struct sva_test {
	struct device dev;
	struct cdev cdev;
	struct sva_test_hw hw;
	struct rw_semaphore sem;
	spinlock_t lock;		/* guards channels, registers, state */
	enum sva_test_state state;
	struct sva_test_chan chans[SVA_TEST_NR_CHANNELS];
	u32 next_id;
	u64 irqs;
	wait_queue_head_t wait;
	struct mutex files_lock;	/* protects the list of files */
	struct list_head files;
	struct uacce_device *uacce;
	struct sva_test_slow slow;
};

/**
 * struct sva_test_file - an open file
 * @st: its device
 * @node: in @st's list of files
 * @bonds: struct sva_test_bond by id
 * @lock: protects what is in @buffers
 * @buffers: struct sva_test_buffer by id
 */
struct sva_test_file {
	struct sva_test *st;
	struct list_head node;
	struct xarray bonds;
	struct mutex lock;		/* protects buffers from FREE */
	struct xarray buffers;
};

static inline u64 sva_test_get(struct sva_test *st, u32 reg)
{
	return readq(st->hw.regs + reg);
}

static inline void sva_test_set(struct sva_test *st, u32 reg, u64 val)
{
	writeq(val, st->hw.regs + reg);
}

/* core.c */
struct sva_test *sva_test_create(const struct sva_test_hw *hw);
int sva_test_start(struct sva_test *st);
void sva_test_stop(struct sva_test *st);
void sva_test_destroy(struct sva_test *st);

void sva_test_reset_prepare(struct sva_test *st);
void sva_test_reset_done(struct sva_test *st);
int sva_test_reset(struct sva_test *st);

/* For devices whose driver data is their struct sva_test */
extern const struct dev_pm_ops sva_test_pm_ops;

/* file.c */
void sva_test_file_end(struct sva_test_file *file);
extern const struct file_operations sva_test_fops;

/* chan.c */
irqreturn_t sva_test_irq(int irq, void *data);
void __iomem *sva_test_chan_local(struct sva_test *st,
				  struct sva_test_chan *chan);
void sva_test_chan_result(struct sva_test *st, struct sva_test_chan *chan);
void sva_test_chan_stop(struct sva_test *st, struct sva_test_chan *chan);
void sva_test_stop_ops(struct sva_test *st, struct sva_test_file *file,
		       struct sva_test_bond *bond);
void sva_test_chan_free(struct sva_test *st, struct sva_test_chan *chan);
struct sva_test_chan *sva_test_chan_claim(struct sva_test_file *file);
int sva_test_chan_start(struct sva_test *st, struct sva_test_chan *chan,
			struct sva_test_op *op);
void sva_test_report(const struct sva_test_chan *chan, struct sva_test_op *op);

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

/* ops.c */
int sva_test_run(struct sva_test_file *file, struct sva_test_op *op);
int sva_test_submit(struct sva_test_file *file, struct sva_test_op *op);
int sva_test_wait(struct sva_test_file *file, struct sva_test_op *op);
int sva_test_abort(struct sva_test_file *file, struct sva_test_op *op);
int sva_test_peek(struct sva_test_file *file, struct sva_test_op *op);

/* bond.c */
void sva_test_bond_put(struct sva_test_bond *bond);
struct sva_test_bond *sva_test_bond_get(struct sva_test_file *file, u32 id);
void sva_test_bond_end(struct sva_test *st, struct sva_test_bond *bond);
int sva_test_bind(struct sva_test_file *file, struct sva_test_bind *arg);
int sva_test_attach_dma(struct sva_test_file *file, struct sva_test_bind *arg);
int sva_test_attach_stage2(struct sva_test_file *file,
			   struct sva_test_bind *arg);
int sva_test_attach_paging(struct sva_test_file *file,
			   struct sva_test_bind *arg);
int sva_test_unbind(struct sva_test_file *file, struct sva_test_unbind *arg);

/* dma.c */
void sva_test_buffer_free(struct sva_test *st, struct sva_test_buffer *buffer);
int sva_test_dma_alloc(struct sva_test_file *file, struct sva_test_dma *arg);
int sva_test_dma_unmap(struct sva_test_file *file, struct sva_test_dma *arg);
int sva_test_dma_free(struct sva_test_file *file, struct sva_test_dma *arg);
int sva_test_dma_copy(struct sva_test_file *file, struct sva_test_dma *arg,
		      bool put);

/* sample.c */
struct iommu_sva *sva_test_bind_private(struct device *dev,
					struct mm_struct *mm);
void sva_test_unbind_private(struct iommu_sva *bond);

/* slow.c */
void sva_test_slow_init(struct sva_test_slow *slow);
int sva_test_slow_hold(struct sva_test_slow *slow, const struct file *filp);
int sva_test_slow_release(struct sva_test_slow *slow, const struct file *filp);
void sva_test_slow_end(struct sva_test_slow *slow);
__poll_t sva_test_slow_poll(struct sva_test_slow *slow, struct file *filp,
			    poll_table *wait);
int sva_test_slow_mmap(struct sva_test_slow *slow, struct vm_area_struct *vma);

/* uacce.c */
struct uacce_device *sva_test_uacce_add(struct sva_test *st,
					struct device *dev);

/* pci.c */
extern struct pci_driver sva_test_pci_driver;
extern struct pci_driver sva_test_owner_driver;

/* platform.c */
extern struct platform_driver sva_test_platform_driver;

#endif /* SVA_TEST_INTERNAL_H */
