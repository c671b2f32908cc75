// SPDX-License-Identifier: GPL-2.0-only
/*
 * Channels of the SVA test device: each runs one operation at a time
 */
#include <linux/bitops.h>
#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/string.h>
#include <linux/wait.h>

#include "internal.h"
#include "sva-test.h"

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

void __iomem *sva_test_chan_local(struct sva_test *st,
				  struct sva_test_chan *chan)
{
	return st->hw.local + sva_test_chan_nr(st, chan) * SVA_TEST_LOCAL_SIZE;
}

void sva_test_chan_result(struct sva_test *st, struct sva_test_chan *chan)
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
void sva_test_chan_stop(struct sva_test *st, struct sva_test_chan *chan)
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
void sva_test_stop_ops(struct sva_test *st, struct sva_test_file *file,
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

/* Free a channel whose operation has never started or has ended. */
void sva_test_chan_free(struct sva_test *st, struct sva_test_chan *chan)
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

struct sva_test_chan *sva_test_chan_claim(struct sva_test_file *file)
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

int sva_test_chan_start(struct sva_test *st, struct sva_test_chan *chan,
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

void sva_test_report(const struct sva_test_chan *chan, struct sva_test_op *op)
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
