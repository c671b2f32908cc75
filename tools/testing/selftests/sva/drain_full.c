// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bonds that end while more page requests are sent, or more transactions are
 * stalled, than the IOMMU's queue can hold or than are ever answered
 */
#include <poll.h>

#include "test_drain.h"

#define FLOOD_MS	40000	/* for what takes several passes over a queue */
#define PRQ_ENTRIES	2048	/* of the VT-d driver's page request queue */

/* matrix: 21 */
FIXTURE(drain_full)
{
	struct test_drain d;
};

FIXTURE_VARIANT(drain_full)
{
	uint32_t mode;
	uint32_t on;
	int denied;
};

FIXTURE_VARIANT_ADD(drain_full, pri)
{
	.mode = SVA_TEST_MODE_ATS | SVA_TEST_PAGE_REQUEST,
	.on = SVA_TEST_PRI_ON,
	.denied = SVA_TEST_CAUSE_PAGE_INVALID,
};

/* matrix: 6 */
FIXTURE_VARIANT_ADD(drain_full, stall)
{
	.mode = SVA_TEST_MODE_UNTRANSLATED,
	.on = SVA_TEST_STALL_ON,
	.denied = SVA_TEST_CAUSE_STALL_ABORT,
};

FIXTURE_SETUP(drain_full)
{
	test_drain_open(_metadata, &self->d, variant->on, variant->mode);
}

FIXTURE_TEARDOWN(drain_full)
{
	test_drain_close(&self->d);
}

/* In a child: stall all other devices as often as possible. */
static __noreturn void crowd(struct test_drain *d, struct test_hand *h)
{
	static struct sva_test_op ops[TEST_MAX_DEVS][SVA_TEST_NR_CHANNELS];
	struct test_dev t[TEST_MAX_DEVS];
	struct sva_test_counters c = {};
	struct test_dev *dev = t;
	int nr = 0, nr_devs;
	size_t i;

	while (test_next(dev, &nr)) {
		if (!strcmp(dev->sva.path, d->t.sva.path) ||
		    !(dev->info.on & SVA_TEST_STALL_ON)) {
			sva_close(&dev->sva);
			continue;
		}
		CHILD_CHECK(!test_bind_as(&dev->sva, &dev->as, 0));
		CHILD_CHECK(!sva_counters_clear(&dev->sva));
		dev++;
	}
	nr_devs = dev - t;
	test_say(h);
	test_wait_go(h);
	for (nr = 0; nr < nr_devs; nr++) {
		uint8_t *mem = sva_pages(SVA_TEST_NR_CHANNELS);

		for (i = 0; i < SVA_TEST_NR_CHANNELS; i++) {
			ops[nr][i] = sva_op(&t[nr].as, SVA_TEST_OP_FILL,
					    mem + i * d->size, 8);
			ops[nr][i].data = 0x5a;
			CHILD_CHECK(!sva_submit(&t[nr].sva, &ops[nr][i]));
		}
		while (c.stalls < i)
			CHILD_CHECK(!sva_counters(&t[nr].sva, t[nr].as.pasid,
						  &c));
		c.stalls = 0;
	}
	test_say(h);

	/* Finally all of these must have been handled. */
	test_wait_go(h);
	for (nr = 0; nr < nr_devs; nr++) {
		for (i = 0; i < SVA_TEST_NR_CHANNELS; i++) {
			CHILD_CHECK(!sva_wait(&t[nr].sva, &ops[nr][i]));
			CHILD_CHECK(*(uint8_t *)(uintptr_t)ops[nr][i].addr ==
				    0x5a);
		}
	}
	_exit(0);
}

/* Ask for more pages than the queue can hold, or stall as often as possible. */
static void fill_queue(struct __test_metadata *_metadata, struct test_drain *d,
		       bool pri)
{
	size_t i;

	if (pri) {
		d->ops[0] = stubborn(d, SVA_TEST_OP_FLOOD,
				     2 * PRQ_ENTRIES * d->size);
		ASSERT_EQ(0, sva_submit(&d->t.sva, &d->ops[0]));
		ASSERT_TRUE(has_asked(d, 2 * PRQ_ENTRIES));
	} else {
		for (i = 0; i < SVA_TEST_NR_CHANNELS; i++)
			ASSERT_EQ(0, submit(d, i, 0, 0));
		ASSERT_TRUE(has_asked(d, i));
	}
}

/* No fault is reported, and the queue has no room for all of them. */
/* matrix: 5 */
TEST_F(drain_full, full_queue)
{
	struct test_drain *d = &self->d;
	const bool pri = variant->on == SVA_TEST_PRI_ON;
	struct test_hand next, others, busy;
	size_t i;

	bind_again(_metadata, d);
	if (!test_fork(_metadata, &next))
		next_owner(d, &next);
	if (!test_fork(_metadata, &others))
		crowd(d, &others);
	test_heard(_metadata, &others);
	start_hog(_metadata, d, &busy);
	fill_queue(_metadata, d, pri);
	test_go(_metadata, &others);
	test_heard(_metadata, &others);

	hand_over(_metadata, d, &next);
	end_hog(_metadata, d, &busy);
	if (pri)
		expect_answers(_metadata, d);
	for (i = 0; !pri && i < SVA_TEST_NR_CHANNELS; i++)
		EXPECT_TRUE(was_denied(_metadata, d, i, variant->denied));
	end_next(_metadata, d, &next);
	test_go(_metadata, &others);
	test_join(_metadata, &others);
}

static void start_flood(struct __test_metadata *_metadata, struct test_drain *d,
			bool pri)
{
	size_t i;

	if (pri) {
		d->ops[0] = stubborn(d, SVA_TEST_OP_FLOOD,
				     FLOOD_PAGES * d->size);
		d->ops[0].mode = SVA_TEST_REPEAT;
		ASSERT_EQ(0, sva_submit(&d->t.sva, &d->ops[0]));
	} else {
		for (i = 0; i < SVA_TEST_NR_CHANNELS; i++)
			ASSERT_EQ(0, submit(d, i, SVA_TEST_REPEAT, 0));
	}
	ASSERT_TRUE(has_asked(d, 1));
}

/* The bond must end although more requests are sent than are ever answered. */
/* matrix: 5 */
TEST_F_TIMEOUT(drain_full, flood, 90)
{
	struct test_drain *d = &self->d;
	const bool pri = variant->on == SVA_TEST_PRI_ON;
	struct test_hand next;
	uint64_t start;
	size_t i;

	bind_again(_metadata, d);
	if (!test_fork(_metadata, &next))
		next_owner(d, &next);
	start_flood(_metadata, d, pri);

	start = now_ms();
	ASSERT_EQ(0, sva_unbind(&d->t.sva, d->t.as.bond));
	EXPECT_GT(FLOOD_MS, now_ms() - start);
	for (i = 0; i < (pri ? 1 : SVA_TEST_NR_CHANNELS); i++)
		stop(_metadata, d, &d->ops[i]);
	if (pri)
		expect_answers(_metadata, d);
	test_go(_metadata, &next);
	test_heard(_metadata, &next);
	test_go(_metadata, &next);
	test_join(_metadata, &next);
}

/* In a child: stop the device if the bond does not end otherwise. */
static __noreturn void stop_late(struct test_drain *d, struct test_hand *h)
{
	struct pollfd go = { .fd = h->down[0], .events = POLLIN };
	bool ended;

	CHILD_CHECK(!stay_on(0, 0));
	ended = poll(&go, 1, PATIENCE_MS) == 1;
	if (!ended)
		sva_abort(&d->t.sva, &d->ops[1]);
	test_wait_go(h);
	CHILD_CHECK(ended);
	_exit(0);
}

/*
 * The device asks for each page, and then for the first one again whenever it
 * gets an answer, so that there is always a request for the PASID in the queue.
 */
static void keep_asking(struct __test_metadata *_metadata, struct test_drain *d)
{
	d->ops[1] = stubborn(d, SVA_TEST_OP_FLOOD, d->size);
	d->ops[1].mode = SVA_TEST_REPEAT |
			    SVA_TEST_TRIGGER_RESPONSE << SVA_TEST_TRIGGER_SHIFT;
	ASSERT_EQ(0, sva_submit(&d->t.sva, &d->ops[1]));
	d->ops[0] = stubborn(d, SVA_TEST_OP_FLOOD, FLOOD_PAGES * d->size);
	EXPECT_CAUSE(0, sva_do(&d->t.sva, &d->ops[0]));
	ASSERT_TRUE(has_asked(d, 10 * FLOOD_PAGES));
}

/*
 * The requests so far may all be with the fault handler, and the queue empty,
 * when the unbind looks at it. So the device asks for each page once more when
 * the PASID is invalidated. There is no handler for it then, and the interrupt
 * thread answers each request before it looks at the next one.
 */
static void end_amid(struct __test_metadata *_metadata, struct test_drain *d)
{
	struct sva_test_info info;
	struct test_hand late;
	uint64_t asked, answered;

	d->ops[2] = stubborn(d, SVA_TEST_OP_FLOOD, FLOOD_PAGES * d->size);
	d->ops[2].mode = SVA_TEST_TRIGGER_PASID << SVA_TEST_TRIGGER_SHIFT;
	ASSERT_EQ(0, sva_submit(&d->t.sva, &d->ops[2]));
	if (!test_fork(_metadata, &late))
		stop_late(d, &late);
	EXPECT_EQ(0, sva_unbind(&d->t.sva, d->t.as.bond));
	EXPECT_CAUSE(0, sva_wait(&d->t.sva, &d->ops[2]));
	test_go(_metadata, &late);
	test_join(_metadata, &late);
	/* It would go on, unless this was all that it had ATS for. */
	asked = nr_faults(d, &answered);
	ASSERT_EQ(0, sva_info(&d->t.sva, &info));
	if (info.on & (SVA_TEST_ATS_ON | SVA_TEST_STALL_ON))
		EXPECT_TRUE(has_asked(d, asked + 10 * FLOOD_PAGES));
	stop(_metadata, d, &d->ops[1]);
	expect_answers(_metadata, d);
}

/*
 * The tail and head are read separately and may look equal, so try again. On
 * the thread's own CPU the process only comes to look when there are requests.
 */
TEST_F_TIMEOUT(drain_full, asks_again, 60)
{
	struct test_drain *d = &self->d;
	struct test_hand next;
	int i;

	if (variant->on != SVA_TEST_PRI_ON)
		SKIP(return, "without a CD nothing is stalled again");
	for (i = 0; i < 4; i++) {
		bind_again(_metadata, d);
		keep_asking(_metadata, d);
		ASSERT_EQ(0, stay_on(0, i % 2));
		end_amid(_metadata, d);
		ASSERT_EQ(0, stay_on(0, 0));
	}
	if (!test_fork(_metadata, &next))
		next_owner(d, &next);
	test_go(_metadata, &next);
	test_heard(_metadata, &next);
	end_next(_metadata, d, &next);
}

TEST_HARNESS_MAIN
