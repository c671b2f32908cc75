// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bonds that end while page requests or stalled transactions are in progress:
 * in the IOMMU's queue, or on their way to it. All must be answered, and only
 * in the address space that they were meant for. They must not affect the next
 * owner of the PASID, who may bind at once.
 */
#include "test_drain.h"

#define SLOW_US		20000	/* the device takes to notice an answer */
#define NR_OPS		8	/* at a time */

/* matrix: 21 */
FIXTURE(drain)
{
	struct test_drain d;
};

FIXTURE_VARIANT(drain)
{
	uint32_t mode;
	uint32_t on;
	int denied;
};

FIXTURE_VARIANT_ADD(drain, pri)
{
	.mode = SVA_TEST_MODE_ATS | SVA_TEST_PAGE_REQUEST,
	.on = SVA_TEST_PRI_ON,
	.denied = SVA_TEST_CAUSE_PAGE_INVALID,
};

/* matrix: 6 */
FIXTURE_VARIANT_ADD(drain, stall)
{
	.mode = SVA_TEST_MODE_UNTRANSLATED,
	.on = SVA_TEST_STALL_ON,
	.denied = SVA_TEST_CAUSE_STALL_ABORT,
};

FIXTURE_SETUP(drain)
{
	test_drain_open(_metadata, &self->d, variant->on, variant->mode);
}

FIXTURE_TEARDOWN(drain)
{
	test_drain_close(&self->d);
}

/* The request is in the queue when the bond ends, and is reported much later */
TEST_F(drain, late_report)
{
	struct test_drain *d = &self->d;
	struct test_hand next, busy;
	struct sva_test_counters c;
	struct sva_test_op op;

	bind_again(_metadata, d);
	if (!test_fork(_metadata, &next))
		next_owner(d, &next);
	start_hog(_metadata, d, &busy);
	op = stubborn(d, SVA_TEST_OP_FILL, 64);
	ASSERT_EQ(0, sva_submit(&d->t.sva, &op));
	ASSERT_TRUE(has_asked(d, 1));

	hand_over(_metadata, d, &next);
	end_hog(_metadata, d, &busy);
	EXPECT_CAUSE(variant->denied, sva_wait(&d->t.sva, &op));
	ASSERT_EQ(0, sva_counters(&d->t.sva, d->t.as.pasid, &c));
	EXPECT_EQ(1, c.page_requests + c.stalls);
	EXPECT_EQ(1, c.page_failures + c.refused);
	EXPECT_EQ(0, sva_pfn(d->mem));
	end_next(_metadata, d, &next);
}

/*
 * SVA_TEST_TRIGGER_*, which decides when the device asks. Once the SMMU has
 * dropped the CD it refuses accesses instead of stalling them, so the last
 * trigger is the one before that.
 */
static const struct step {
	const char *name;
	uint32_t trigger;
	uint32_t on;		/* only if there is such a step */
	uint32_t asks;		/* only if requests are possible then */
	bool alone;		/* with nothing to wait for before */
} steps[] = {
	{ "PASID, early", SVA_TEST_TRIGGER_PASID_EARLY,
	  SVA_TEST_PRI_ON | SVA_TEST_STALL_ON,
	  SVA_TEST_PRI_ON | SVA_TEST_STALL_ON },
	{ "PASID", SVA_TEST_TRIGGER_PASID,
	  SVA_TEST_PRI_ON | SVA_TEST_STALL_ON, SVA_TEST_PRI_ON },
	{ "ATC", SVA_TEST_TRIGGER_ATC, SVA_TEST_PRI_ON, SVA_TEST_PRI_ON },
	{ "IOTLB", SVA_TEST_TRIGGER_IOTLB,
	  SVA_TEST_PRI_ON | SVA_TEST_STALL_ON, SVA_TEST_PRI_ON },
	{ "SYNC", SVA_TEST_TRIGGER_SYNC,
	  SVA_TEST_PRI_ON | SVA_TEST_STALL_ON, SVA_TEST_PRI_ON },
	{ "DRAIN", SVA_TEST_TRIGGER_DRAIN, SVA_TEST_PRI_ON, SVA_TEST_PRI_ON },
	{ "DRAIN, alone", SVA_TEST_TRIGGER_DRAIN,
	  SVA_TEST_PRI_ON, SVA_TEST_PRI_ON, .alone = true },
	{ "RESPONSE", SVA_TEST_TRIGGER_RESPONSE,
	  SVA_TEST_PRI_ON | SVA_TEST_STALL_ON, SVA_TEST_PRI_ON },
};

/*
 * One request, or none, is pending from the start. Others are sent at a given
 * step of the unbind: some that the device waits for and, with PRI, one that it
 * does not wait for.
 */
static void ask_at(struct __test_metadata *_metadata, struct test_drain *d,
		   bool pri, const struct step *step, uint32_t skip)
{
	const uint32_t trigger = step->trigger << SVA_TEST_TRIGGER_SHIFT;
	struct sva_test_op *flood = &d->ops[NR_OPS - 1];
	size_t i;

	/* A copy on write, since we have children, may look like such a step */
	memset(d->ops, 0, sizeof(d->ops));
	memset(d->bufs, 0, sizeof(d->bufs));
	for (i = 1; i < NR_OPS - pri; i++)
		ASSERT_EQ(0, submit(d, i, trigger, skip));
	if (pri) {
		*flood = stubborn(d, SVA_TEST_OP_FLOOD, d->size);
		flood->addr += i * d->size;
		flood->mode = trigger;
		flood->skip = skip;
		ASSERT_EQ(0, sva_submit(&d->t.sva, flood));
	}
	if (step->alone)
		return;
	ASSERT_EQ(0, submit(d, 0, 0, 0));
	ASSERT_TRUE(has_asked(d, 1));
}

/* The device has noticed the answer to its first request */
static void await_first(struct test_drain *d)
{
	uint64_t end = now_ms() + PATIENCE_MS;

	do {
		if (sva_peek(&d->t.sva, &d->ops[0]))
			return;
	} while ((d->ops[0].state & SVA_TEST_STATE) == SVA_TEST_BUSY &&
		 now_ms() < end);
}

/* If the step has not come yet, stop: later ones belong to something else. */
static size_t stop_armed(struct __test_metadata *_metadata,
			 struct test_drain *d)
{
	size_t i, nr = 0;

	for (i = 1; i < NR_OPS; i++) {
		ASSERT_EQ(0, sva_peek(&d->t.sva, &d->ops[i]));
		if (!(d->ops[i].state & SVA_TEST_ARMED))
			continue;
		EXPECT_EQ(0, sva_abort(&d->t.sva, &d->ops[i]));
		EXPECT_CAUSE(SVA_TEST_CAUSE_ABORTED,
			     sva_wait(&d->t.sva, &d->ops[i]));
		d->ops[i].id = 0;
		nr++;
	}
	return nr;
}

static void expect_all_denied(struct __test_metadata *_metadata,
			      struct test_drain *d, bool pri, int denied)
{
	size_t i;

	for (i = 0; i < NR_OPS - pri; i++)
		EXPECT_TRUE(!d->ops[i].id ||
			    was_denied(_metadata, d, i, denied));
	if (!pri)
		return;
	if (d->ops[i].id)
		EXPECT_CAUSE(0, sva_wait(&d->t.sva, &d->ops[i]));
	expect_answers(_metadata, d);
}

/* Return how often the device has asked, 0 if the step did not come. */
static size_t end_at(struct __test_metadata *_metadata, struct test_drain *d,
		     bool pri, int denied, const struct step *step,
		     uint32_t skip)
{
	struct test_hand next, busy;
	size_t armed;
	uint64_t asked, answered;

	bind_again(_metadata, d);
	if (!test_fork(_metadata, &next))
		next_owner(d, &next);
	start_hog(_metadata, d, &busy);
	ask_at(_metadata, d, pri, step, skip);

	tell_hog(d, COUNT_DOWN);
	ASSERT_EQ(0, sva_unbind(&d->t.sva, d->t.as.bond));
	if (step->trigger == SVA_TEST_TRIGGER_RESPONSE)
		await_first(d);
	armed = stop_armed(_metadata, d);
	asked = nr_faults(d, &answered);
	test_go(_metadata, &next);
	test_heard(_metadata, &next);
	end_hog(_metadata, d, &busy);
	expect_all_denied(_metadata, d, pri, denied);
	end_next(_metadata, d, &next);
	return armed == NR_OPS - 1 ? 0 : asked;
}

/* The device is slow to notice answers, and asks between any two steps. */
TEST_F_TIMEOUT(drain, at_each_step, 200)
{
	struct test_drain *d = &self->d;
	const struct sva_test_knobs slow = { .delay_us = SLOW_US };
	const bool pri = variant->on == SVA_TEST_PRI_ON;
	size_t i, asked, more;
	uint32_t skip;

	ASSERT_EQ(0, sva_misbehave(&d->t.sva, slow));
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		if (!(steps[i].on & variant->on))
			continue;
		more = 0;
		for (skip = 0; skip < 8; skip++) {
			asked = end_at(_metadata, d, pri, variant->denied,
				       &steps[i], skip);
			if (!asked)
				break;
			more += asked - !steps[i].alone;
		}
		TH_LOG("%s: %u times, %zu requests", steps[i].name, skip, more);
		EXPECT_NE(0, skip);
		EXPECT_TRUE(more || !(steps[i].asks & variant->on));
	}
}

TEST_HARNESS_MAIN
