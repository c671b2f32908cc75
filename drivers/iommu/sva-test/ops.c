// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations that user space asks the SVA test device for
 */
#include <linux/capability.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "internal.h"
#include "sva-test.h"

#define SVA_TEST_TIMEOUT_MS	10000	/* if the caller gives no timeout */

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

static int sva_test_collect(struct sva_test *st, struct sva_test_chan *chan,
			    struct sva_test_op *op)
{
	scoped_guard(spinlock_irq, &st->lock)
		sva_test_report(chan, op);
	return sva_test_store(st, chan, op);
}

int sva_test_run(struct sva_test_file *file, struct sva_test_op *op)
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

int sva_test_submit(struct sva_test_file *file, struct sva_test_op *op)
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

int sva_test_wait(struct sva_test_file *file, struct sva_test_op *op)
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

int sva_test_abort(struct sva_test_file *file, struct sva_test_op *op)
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

int sva_test_peek(struct sva_test_file *file, struct sva_test_op *op)
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
