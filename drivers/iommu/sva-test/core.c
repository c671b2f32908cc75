// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test driver for Shared Virtual Addressing
 *
 * /dev/sva-test<N> lets a process bind its address space to a PASID of an
 * emulated DMA engine, and tells that engine what to access. A front end for
 * the bus finds the device; everything else is here.
 *
 * Open files can outlive the device. Everything that uses the device or its
 * IOMMU holds st->sem for reading and checks that the device is not gone.
 * Removing or resetting the device stops the engine and then takes st->sem for
 * writing.
 */
#include <linux/bitops.h>
#include <linux/capability.h>
#include <linux/cdev.h>
#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/iopoll.h>
#include <linux/kref.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/pm.h>
#include <linux/poll.h>
#include <linux/rwsem.h>
#include <linux/sched/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uacce.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <linux/xarray.h>
#include <uapi/linux/iommufd.h>

#include "internal.h"
#include "sva-test.h"

#define SVA_TEST_MINORS		64
#define SVA_TEST_TIMEOUT_MS	10000	/* if the caller gives no timeout */
#define SVA_TEST_DMA_MAX	SZ_1M

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

/* A buffer that the DMA API mapped. Unmapping it does not free its pages. */
struct sva_test_buffer {
	void *cpu;
	size_t len;
	dma_addr_t iova;
	bool mapped;
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
 * @sem: see the top of this file
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

static dev_t sva_test_devt;
static DEFINE_IDA(sva_test_ida);

static u64 sva_test_get(struct sva_test *st, u32 reg)
{
	return readq(st->hw.regs + reg);
}

static void sva_test_set(struct sva_test *st, u32 reg, u64 val)
{
	writeq(val, st->hw.regs + reg);
}

/* Channels */

static u32 sva_test_chan_nr(struct sva_test *st, struct sva_test_chan *chan)
{
	return chan - st->chans;
}

static u32 sva_test_chan_reg(struct sva_test *st, struct sva_test_chan *chan,
			     u32 reg)
{
	return SVA_TEST_CHANNEL(sva_test_chan_nr(st, chan)) + reg;
}

static u64 sva_test_chan_get(struct sva_test *st, struct sva_test_chan *chan,
			     u32 reg)
{
	return sva_test_get(st, sva_test_chan_reg(st, chan, reg));
}

static void sva_test_chan_set(struct sva_test *st, struct sva_test_chan *chan,
			      u32 reg, u64 val)
{
	sva_test_set(st, sva_test_chan_reg(st, chan, reg), val);
}

static void __iomem *sva_test_chan_local(struct sva_test *st,
					 struct sva_test_chan *chan)
{
	return st->hw.local + sva_test_chan_nr(st, chan) * SVA_TEST_LOCAL_SIZE;
}

static void sva_test_chan_result(struct sva_test *st,
				 struct sva_test_chan *chan)
{
	struct sva_test_result *res = &chan->result;

	lockdep_assert_held(&st->lock);

	res->status = sva_test_chan_get(st, chan, SVA_TEST_STATUS);
	res->bytes = sva_test_chan_get(st, chan, SVA_TEST_BYTES);
	res->fault_addr = sva_test_chan_get(st, chan, SVA_TEST_FAULT_ADDR);
	res->old = sva_test_chan_get(st, chan, SVA_TEST_OLD);
	res->faults = sva_test_chan_get(st, chan, SVA_TEST_FAULTS);
	res->rounds = sva_test_chan_get(st, chan, SVA_TEST_ROUNDS);
}

/* The operation has ended. Save its registers, because a reset clears them. */
static void sva_test_chan_ended(struct sva_test *st, struct sva_test_chan *chan)
{
	sva_test_chan_result(st, chan);
	chan->busy = false;
	wake_up_all(&st->wait);
	if (chan->queue)
		wake_up_all(chan->queue);
}

/*
 * Stop the channel's operation. When this returns, the device makes no more
 * requests for it, as iommu_sva_unbind_device() requires.
 */
static void sva_test_chan_stop(struct sva_test *st, struct sva_test_chan *chan)
{
	u64 status;

	lockdep_assert_held(&st->lock);

	if (!chan->busy)
		return;
	sva_test_chan_set(st, chan, SVA_TEST_COMMAND, SVA_TEST_OP_ABORT);
	if (read_poll_timeout_atomic(sva_test_chan_get, status,
				     (status & SVA_TEST_STATE) != SVA_TEST_BUSY,
				     1, USEC_PER_MSEC, false, st, chan,
				     SVA_TEST_STATUS))
		dev_err(&st->dev, "channel %u does not stop\n",
			sva_test_chan_nr(st, chan));
	sva_test_chan_ended(st, chan);
}

/*
 * Stop the operations of the file, or those that use the bond, or all of them.
 */
static void sva_test_stop_ops(struct sva_test *st, struct sva_test_file *file,
			      struct sva_test_bond *bond)
{
	int i;

	lockdep_assert_held(&st->lock);

	for (i = 0; i < SVA_TEST_NR_CHANNELS; i++) {
		struct sva_test_chan *chan = &st->chans[i];

		if ((!file || chan->file == file) &&
		    (!bond || chan->bond == bond))
			sva_test_chan_stop(st, chan);
	}
}

static void sva_test_bond_free(struct kref *ref)
{
	kfree(container_of(ref, struct sva_test_bond, ref));
}

static void sva_test_bond_put(struct sva_test_bond *bond)
{
	if (bond)
		kref_put(&bond->ref, sva_test_bond_free);
}

/* Free a channel whose operation has never started or has ended. */
static void sva_test_chan_free(struct sva_test *st, struct sva_test_chan *chan)
{
	struct sva_test_bond *bond;

	scoped_guard(spinlock_irq, &st->lock) {
		bond = chan->bond;
		memset(chan, 0, sizeof(*chan));
		wake_up_all(&st->wait);
	}
	sva_test_bond_put(bond);
}

static bool sva_test_chan_is_free(const struct sva_test_chan *chan)
{
	return !chan->file && !chan->queue;
}

static struct sva_test_chan *sva_test_chan_claim_for(struct sva_test *st,
						     struct sva_test_file *file,
						     wait_queue_head_t *queue)
{
	int i;

	guard(spinlock_irq)(&st->lock);
	for (i = 0; i < SVA_TEST_NR_CHANNELS; i++) {
		if (sva_test_chan_is_free(&st->chans[i])) {
			st->chans[i].file = file;
			st->chans[i].queue = queue;
			return &st->chans[i];
		}
	}
	return NULL;
}

static struct sva_test_chan *sva_test_chan_claim(struct sva_test_file *file)
{
	return sva_test_chan_claim_for(file->st, file, NULL);
}

static void sva_test_chan_program(struct sva_test *st,
				  struct sva_test_chan *chan,
				  const struct sva_test_op *op, u32 pasid)
{
	u64 command = op->op | op->mode;

	if (op->as != SVA_TEST_AS_RID)
		command |= SVA_TEST_WITH_PASID;

	sva_test_chan_set(st, chan, SVA_TEST_PASID, pasid);
	sva_test_chan_set(st, chan, SVA_TEST_ADDR, op->addr);
	sva_test_chan_set(st, chan, SVA_TEST_ADDR2, op->addr2);
	sva_test_chan_set(st, chan, SVA_TEST_LEN, op->len);
	sva_test_chan_set(st, chan, SVA_TEST_LOCAL, op->local);
	sva_test_chan_set(st, chan, SVA_TEST_DATA, op->data);
	sva_test_chan_set(st, chan, SVA_TEST_COMPARE, op->compare);
	sva_test_chan_set(st, chan, SVA_TEST_INTERVAL, op->interval_us);
	sva_test_chan_set(st, chan, SVA_TEST_SKIP, op->skip);
	sva_test_chan_set(st, chan, SVA_TEST_GROUP, op->group);
	/* An earlier operation may have been stopped while it was ending. */
	sva_test_set(st, SVA_TEST_IRQ_STATUS,
		     BIT_ULL(sva_test_chan_nr(st, chan)));
	sva_test_chan_set(st, chan, SVA_TEST_COMMAND, command);
}

static int sva_test_chan_start(struct sva_test *st, struct sva_test_chan *chan,
			       struct sva_test_op *op)
{
	guard(spinlock_irq)(&st->lock);

	if (st->state == SVA_TEST_GONE)
		return -ENODEV;
	if (st->state == SVA_TEST_RESETTING)
		return -EBUSY;
	/* The bond was ended since it was looked up. */
	if (chan->bond && chan->bond->gone)
		return -ENOENT;

	if (!++st->next_id)
		st->next_id++;
	op->id = st->next_id;
	if (chan->queue)
		chan->id = op->id;
	chan->busy = true;
	sva_test_chan_program(st, chan, op,
			      chan->bond ? chan->bond->pasid : op->pasid);
	return 0;
}

irqreturn_t sva_test_irq(int irq, void *data)
{
	struct sva_test *st = data;
	unsigned long ended;
	int i;

	guard(spinlock)(&st->lock);

	ended = sva_test_get(st, SVA_TEST_IRQ_STATUS);
	/* All bits are set if the device is no longer there. */
	if (!ended || ended == ~0UL)
		return IRQ_NONE;
	sva_test_set(st, SVA_TEST_IRQ_STATUS, ended);

	st->irqs++;
	for_each_set_bit(i, &ended, SVA_TEST_NR_CHANNELS)
		if (st->chans[i].busy)
			sva_test_chan_ended(st, &st->chans[i]);
	return IRQ_HANDLED;
}

/* Operations */

static int sva_test_op_check(const struct sva_test_op *op)
{
	u64 local_end = (u64)op->local + op->len;

	if (op->op < SVA_TEST_OP_READ || op->op > SVA_TEST_OP_FLOOD)
		return -EINVAL;
	if (op->mode & ~SVA_TEST_OP_MODES ||
	    (op->mode & SVA_TEST_MODE) == SVA_TEST_MODE)
		return -EINVAL;
	if (op->as > SVA_TEST_AS_RID ||
	    op->timeout_ms > SVA_TEST_MAX_TIMEOUT_MS ||
	    op->buf_len > SVA_TEST_LOCAL_SIZE)
		return -EINVAL;
	if (op->as == SVA_TEST_AS_PASID && op->pasid >= SVA_TEST_CNT_NO_PASID)
		return -EINVAL;
	/*
	 * The caller must provide all data that the device moves, and sees all
	 * of it.
	 */
	if (op->op <= SVA_TEST_OP_WRITE &&
	    (op->len > op->buf_len || local_end > op->buf_len))
		return -EINVAL;

	if ((op->as != SVA_TEST_AS_BOND ||
	     (op->mode & SVA_TEST_MODE) == SVA_TEST_MODE_TRANSLATED) &&
	    !capable(CAP_SYS_RAWIO))
		return -EPERM;
	return 0;
}

static struct sva_test_bond *sva_test_bond_get(struct sva_test_file *file,
					       u32 id)
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

static int sva_test_load(struct sva_test *st, struct sva_test_chan *chan,
			 const struct sva_test_op *op)
{
	void *image;

	if (!op->buf_len)
		return 0;
	image = vmemdup_user(u64_to_user_ptr(op->buf), op->buf_len);
	if (IS_ERR(image))
		return PTR_ERR(image);
	memcpy_toio(sva_test_chan_local(st, chan), image, op->buf_len);
	chan->loaded = op->buf_len;
	kvfree(image);
	return 0;
}

static int sva_test_store(struct sva_test *st, struct sva_test_chan *chan,
			  const struct sva_test_op *op)
{
	size_t len = min(op->buf_len, chan->loaded);
	void *image;
	int ret = 0;

	if (!len)
		return 0;
	image = kvmalloc(len, GFP_KERNEL);
	if (!image)
		return -ENOMEM;
	memcpy_fromio(image, sva_test_chan_local(st, chan), len);
	if (copy_to_user(u64_to_user_ptr(op->buf), image, len))
		ret = -EFAULT;
	kvfree(image);
	return ret;
}

/* Load the channel and start it. The caller frees the channel on errors. */
static int sva_test_launch(struct sva_test_file *file,
			   struct sva_test_chan *chan, struct sva_test_op *op)
{
	struct sva_test_bond *bond;
	int ret;

	if (op->as == SVA_TEST_AS_BOND) {
		bond = sva_test_bond_get(file, op->bond);
		if (IS_ERR(bond))
			return PTR_ERR(bond);
		chan->bond = bond;
		/* This value means "no PASID". */
		if (bond->rid)
			return -EINVAL;
	}
	ret = sva_test_load(file->st, chan, op);
	if (ret)
		return ret;
	return sva_test_chan_start(file->st, chan, op);
}

static long sva_test_timeout(const struct sva_test_op *op)
{
	return msecs_to_jiffies(op->timeout_ms ?: SVA_TEST_TIMEOUT_MS);
}

static int sva_test_await(struct sva_test *st, struct sva_test_chan *chan,
			  const struct sva_test_op *op)
{
	long left;

	left = wait_event_killable_timeout(st->wait, !READ_ONCE(chan->busy),
					   sva_test_timeout(op));
	if (left < 0)
		return -EINTR;
	return left ? 0 : -ETIMEDOUT;
}

static void sva_test_report(const struct sva_test_chan *chan,
			    struct sva_test_op *op)
{
	const struct sva_test_result *res = &chan->result;

	op->state = res->status & SVA_TEST_STATE;
	if (op->state == SVA_TEST_BUSY)
		op->state |= res->status & (SVA_TEST_ARMED | SVA_TEST_HELD);
	op->cause = (res->status & SVA_TEST_CAUSE) >> SVA_TEST_CAUSE_SHIFT;
	op->bytes = res->bytes;
	op->fault_addr = res->fault_addr;
	op->old = res->old;
	op->faults = res->faults;
	op->rounds = res->rounds;
}

static int sva_test_collect(struct sva_test *st, struct sva_test_chan *chan,
			    struct sva_test_op *op)
{
	scoped_guard(spinlock_irq, &st->lock)
		sva_test_report(chan, op);
	return sva_test_store(st, chan, op);
}

static int sva_test_run(struct sva_test_file *file, struct sva_test_op *op)
{
	struct sva_test *st = file->st;
	struct sva_test_chan *chan;
	long left;
	int ret;

	ret = sva_test_op_check(op);
	if (ret)
		return ret;
	left = wait_event_killable_timeout(st->wait,
					   (chan = sva_test_chan_claim(file)),
					   sva_test_timeout(op));
	if (left <= 0)
		return left ? -EINTR : -EBUSY;

	ret = sva_test_launch(file, chan, op);
	if (!ret) {
		ret = sva_test_await(st, chan, op);
		scoped_guard(spinlock_irq, &st->lock)
			sva_test_chan_stop(st, chan);
		if (!ret)
			ret = sva_test_collect(st, chan, op);
	}
	sva_test_chan_free(st, chan);
	return ret;
}

static int sva_test_submit(struct sva_test_file *file, struct sva_test_op *op)
{
	struct sva_test *st = file->st;
	struct sva_test_chan *chan;
	int ret;

	ret = sva_test_op_check(op);
	if (ret)
		return ret;
	chan = sva_test_chan_claim(file);
	if (!chan)
		return -EBUSY;
	ret = sva_test_launch(file, chan, op);
	if (ret) {
		sva_test_chan_free(st, chan);
		return ret;
	}
	scoped_guard(spinlock_irq, &st->lock)
		chan->id = op->id;
	return 0;
}

static struct sva_test_chan *sva_test_chan_find(struct sva_test_file *file,
						u32 id)
{
	struct sva_test *st = file->st;
	int i;

	lockdep_assert_held(&st->lock);

	for (i = 0; id && i < SVA_TEST_NR_CHANNELS; i++)
		if (st->chans[i].file == file && st->chans[i].id == id)
			return &st->chans[i];
	return NULL;
}

static struct sva_test_chan *sva_test_wait_begin(struct sva_test_file *file,
						 u32 id)
{
	struct sva_test_chan *chan;

	guard(spinlock_irq)(&file->st->lock);
	chan = sva_test_chan_find(file, id);
	if (!chan)
		return ERR_PTR(-ENOENT);
	if (chan->waited)
		return ERR_PTR(-EBUSY);
	chan->waited = true;
	return chan;
}

static int sva_test_wait(struct sva_test_file *file, struct sva_test_op *op)
{
	struct sva_test *st = file->st;
	struct sva_test_chan *chan;
	int ret;

	if (op->timeout_ms > SVA_TEST_MAX_TIMEOUT_MS)
		return -EINVAL;
	chan = sva_test_wait_begin(file, op->id);
	if (IS_ERR(chan))
		return PTR_ERR(chan);

	ret = sva_test_await(st, chan, op);
	if (ret) {
		scoped_guard(spinlock_irq, &st->lock)
			chan->waited = false;
		return ret;
	}
	ret = sva_test_collect(st, chan, op);
	sva_test_chan_free(st, chan);
	return ret;
}

static int sva_test_abort(struct sva_test_file *file, struct sva_test_op *op)
{
	struct sva_test *st = file->st;
	struct sva_test_chan *chan;

	guard(spinlock_irq)(&st->lock);
	chan = sva_test_chan_find(file, op->id);
	if (!chan)
		return -ENOENT;
	sva_test_chan_stop(st, chan);
	return 0;
}

static int sva_test_peek(struct sva_test_file *file, struct sva_test_op *op)
{
	struct sva_test *st = file->st;
	struct sva_test_chan *chan;

	guard(spinlock_irq)(&st->lock);
	chan = sva_test_chan_find(file, op->id);
	if (!chan)
		return -ENOENT;
	if (chan->busy)
		sva_test_chan_result(st, chan);
	sva_test_report(chan, op);
	return 0;
}

/* Queues of uacce, which calls each of these with a lock of its own held */

struct sva_test_chan *sva_test_queue_claim(struct sva_test *st,
					   wait_queue_head_t *wait)
{
	struct sva_test_chan *chan = sva_test_chan_claim_for(st, NULL, wait);

	/* The memory will be mapped, so clear the data of other users. */
	if (chan)
		memset_io(sva_test_chan_local(st, chan), 0,
			  SVA_TEST_LOCAL_SIZE);
	return chan;
}

void sva_test_queue_free(struct sva_test *st, struct sva_test_chan *chan)
{
	sva_test_chan_free(st, chan);
}

unsigned int sva_test_queues_left(struct sva_test *st)
{
	unsigned int i, nr = 0;

	guard(spinlock_irq)(&st->lock);
	for (i = 0; i < SVA_TEST_NR_CHANNELS; i++)
		nr += sva_test_chan_is_free(&st->chans[i]);
	return nr;
}

phys_addr_t sva_test_queue_local(struct sva_test *st,
				 struct sva_test_chan *chan)
{
	return st->hw.local_phys +
	       sva_test_chan_nr(st, chan) * SVA_TEST_LOCAL_SIZE;
}

/* @op->pasid is the PASID of the queue. */
int sva_test_queue_submit(struct sva_test *st, struct sva_test_chan *chan,
			  struct sva_test_op *op)
{
	/* From now on only the interrupt handler changes this. */
	if (READ_ONCE(chan->busy))
		return -EBUSY;
	return sva_test_chan_start(st, chan, op);
}

void sva_test_queue_stop(struct sva_test *st, struct sva_test_chan *chan)
{
	guard(spinlock_irq)(&st->lock);
	sva_test_chan_stop(st, chan);
}

/* Report the state of the operation, or the result of the last one. */
void sva_test_queue_peek(struct sva_test *st, struct sva_test_chan *chan,
			 struct sva_test_op *op)
{
	guard(spinlock_irq)(&st->lock);
	if (chan->busy)
		sva_test_chan_result(st, chan);
	else
		chan->id = 0;
	sva_test_report(chan, op);
}

/* Return whether an operation has ended and its result was not read yet. */
bool sva_test_queue_updated(struct sva_test *st, struct sva_test_chan *chan)
{
	guard(spinlock_irq)(&st->lock);
	return chan->id && !chan->busy;
}

/* Bonds */

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

/* Allocate a domain that a first stage can be nested on, and attach the RID. */
static int sva_test_bond_stage2(struct sva_test *st, struct sva_test_bond *bond)
{
	struct iommu_domain *domain;
	int ret;

	domain = iommu_paging_domain_alloc_flags(st->hw.dev,
						 IOMMU_HWPT_ALLOC_NEST_PARENT);
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
static void sva_test_bond_end(struct sva_test *st, struct sva_test_bond *bond)
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

static int sva_test_bind(struct sva_test_file *file, struct sva_test_bind *arg)
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

static int sva_test_attach_dma(struct sva_test_file *file,
			       struct sva_test_bind *arg)
{
	if (arg->mm_of || arg->flags)
		return -EINVAL;
	if (!capable(CAP_SYS_RAWIO))
		return -EPERM;
	return sva_test_bond_new(file, arg, NULL, sva_test_bond_dma);
}

static int sva_test_attach_stage2(struct sva_test_file *file,
				  struct sva_test_bind *arg)
{
	if (arg->mm_of || arg->flags || arg->pasid)
		return -EINVAL;
	if (!capable(CAP_SYS_RAWIO))
		return -EPERM;
	return sva_test_bond_new(file, arg, NULL, sva_test_bond_stage2);
}

static int sva_test_unbind(struct sva_test_file *file,
			   struct sva_test_unbind *arg)
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

/* Buffers of the DMA API */

static void sva_test_buffer_unmap(struct sva_test *st,
				  struct sva_test_buffer *buffer)
{
	if (!buffer->mapped)
		return;
	dma_unmap_single(st->hw.dev, buffer->iova, buffer->len,
			 DMA_BIDIRECTIONAL);
	buffer->mapped = false;
}

static void sva_test_buffer_free(struct sva_test *st,
				 struct sva_test_buffer *buffer)
{
	sva_test_buffer_unmap(st, buffer);
	free_pages_exact(buffer->cpu, buffer->len);
	kfree(buffer);
}

static struct sva_test_buffer *sva_test_buffer_new(struct sva_test *st,
						   size_t len)
{
	struct sva_test_buffer *buffer;

	buffer = kzalloc_obj(*buffer);
	if (!buffer)
		return NULL;
	buffer->len = len;
	buffer->cpu = alloc_pages_exact(len, GFP_KERNEL | __GFP_ZERO);
	if (!buffer->cpu)
		goto err_free;
	buffer->iova = dma_map_single(st->hw.dev, buffer->cpu, len,
				      DMA_BIDIRECTIONAL);
	if (dma_mapping_error(st->hw.dev, buffer->iova))
		goto err_free_pages;
	buffer->mapped = true;
	return buffer;

err_free_pages:
	free_pages_exact(buffer->cpu, len);
err_free:
	kfree(buffer);
	return NULL;
}

static int sva_test_dma_alloc(struct sva_test_file *file,
			      struct sva_test_dma *arg)
{
	struct sva_test_buffer *buffer;
	int ret;

	if (!arg->len || arg->len > SVA_TEST_DMA_MAX)
		return -EINVAL;
	arg->len = PAGE_ALIGN(arg->len);
	buffer = sva_test_buffer_new(file->st, arg->len);
	if (!buffer)
		return -ENOMEM;
	ret = xa_alloc(&file->buffers, &arg->buffer, buffer, xa_limit_31b,
		       GFP_KERNEL);
	if (ret) {
		sva_test_buffer_free(file->st, buffer);
		return ret;
	}
	arg->iova = buffer->iova;
	return 0;
}

static int sva_test_dma_unmap(struct sva_test_file *file,
			      struct sva_test_dma *arg)
{
	struct sva_test_buffer *buffer;

	guard(mutex)(&file->lock);
	buffer = xa_load(&file->buffers, arg->buffer);
	if (!buffer)
		return -ENOENT;
	sva_test_buffer_unmap(file->st, buffer);
	return 0;
}

static int sva_test_dma_free(struct sva_test_file *file,
			     struct sva_test_dma *arg)
{
	struct sva_test_buffer *buffer;

	guard(mutex)(&file->lock);
	buffer = xa_erase(&file->buffers, arg->buffer);
	if (!buffer)
		return -ENOENT;
	sva_test_buffer_free(file->st, buffer);
	return 0;
}

static int sva_test_dma_copy(struct sva_test_file *file,
			     struct sva_test_dma *arg, bool put)
{
	struct device *dev = file->st->hw.dev;
	void __user *user = u64_to_user_ptr(arg->buf);
	struct sva_test_buffer *buffer;
	bool fault;

	guard(mutex)(&file->lock);
	buffer = xa_load(&file->buffers, arg->buffer);
	if (!buffer)
		return -ENOENT;
	if (arg->offset > buffer->len ||
	    arg->len > buffer->len - arg->offset)
		return -EINVAL;

	if (buffer->mapped)
		dma_sync_single_for_cpu(dev, buffer->iova, buffer->len,
					DMA_BIDIRECTIONAL);
	if (put)
		fault = copy_from_user(buffer->cpu + arg->offset, user,
				       arg->len);
	else
		fault = copy_to_user(user, buffer->cpu + arg->offset, arg->len);
	if (buffer->mapped)
		dma_sync_single_for_device(dev, buffer->iova, buffer->len,
					   DMA_BIDIRECTIONAL);
	return fault ? -EFAULT : 0;
}

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

static int sva_test_reset(struct sva_test *st)
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
static void sva_test_file_end(struct sva_test_file *file)
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

static const struct file_operations sva_test_fops = {
	.owner = THIS_MODULE,
	.open = sva_test_open,
	.flush = sva_test_flush,
	.release = sva_test_release,
	.unlocked_ioctl = sva_test_ioctl,
	.mmap = sva_test_mmap,
	.poll = sva_test_poll,
};

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
	ret = platform_driver_register(&sva_test_platform_driver);
	if (ret)
		goto err_pci;
	return 0;

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
	pci_unregister_driver(&sva_test_pci_driver);
	unregister_chrdev_region(sva_test_devt, SVA_TEST_MINORS);
	class_unregister(&sva_test_class);
}
module_exit(sva_test_exit);

MODULE_DESCRIPTION("Test driver for Shared Virtual Addressing");
MODULE_LICENSE("GPL");
