// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests that an IOMMU has received, but that software cannot see yet. A
 * slow IOMMU shows errors that a fast one hides.
 */
#include <sched.h>

#include "test_dev.h"

/* matrix: 5 21 */
FIXTURE(late)
{
	struct test_dev t;
	struct sva_as as;	/* its raw PASID, not stopped by an unbind */
	uint8_t *mem;		/* never touched, but for the first page */
};

FIXTURE_VARIANT(late)
{
	size_t pages;
	bool one_cpu;
	int priority;	/* while the bond ends, if not 0 */
};

FIXTURE_VARIANT_ADD(late, few)
{
	.pages = 4,
};

/* The thread cannot run before the bond has ended, unless it is waited for. */
FIXTURE_VARIANT_ADD(late, unreported)
{
	.pages = 4,
	.one_cpu = true,
	.priority = 99,
};

/* More than the queue has room for, all of them sent at once */
FIXTURE_VARIANT_ADD(late, overflow)
{
	.pages = 4096,
};

/*
 * The thread has a higher priority, so it has put the queue in order before the
 * drain sees that it was not.
 */
FIXTURE_VARIANT_ADD(late, overflow_unnoticed)
{
	.pages = 4096,
	.one_cpu = true,
};

FIXTURE_SETUP(late)
{
	cpu_set_t set;

	/* Where the IOMMU's thread runs, too, whose priority is 50 */
	if (variant->one_cpu) {
		CPU_ZERO(&set);
		CPU_SET(0, &set);
		ASSERT_EQ(0, sched_setaffinity(0, sizeof(set), &set));
	}
	test_bind_on(_metadata, &self->t, SVA_TEST_PRI_ON, SVA_TEST_MODE_ATS);
	if (variant->one_cpu && !test_move_irqs(_metadata, &self->t, "1"))
		SKIP(return, "no interrupt thread of the IOMMU's to move");
	self->as = test_forged(&self->t, self->t.as.pasid);
	self->mem = sva_pages(1 + variant->pages);
	ASSERT_TRUE(test_works(&self->t.as, self->mem));
}

FIXTURE_TEARDOWN(late)
{
	sva_restore_files();
	sva_reset(&self->t.sva);
	sva_close(&self->t.sva);
}

static bool armed(struct sva *sva, struct sva_test_op *op)
{
	return !sva_peek(sva, op) && op->state & SVA_TEST_ARMED;
}

/*
 * Have the device ask when the PASID is blocked. A copy on write, or an
 * invalidation for another device, can trigger this too early, so try again.
 */
static void arm(struct __test_metadata *_metadata, TEST_SELF(late),
		struct sva_test_op *op, size_t pages)
{
	struct sva *sva = &self->t.sva;
	int tries = 8;

	sva_own_stack();
	do {
		*op = sva_op(&self->as, SVA_TEST_OP_FLOOD,
			     self->mem + sva_page_size(),
			     pages * sva_page_size());
		op->mode = SVA_TEST_MODE_ATS | SVA_TEST_TRIGGER_ATC <<
			   SVA_TEST_TRIGGER_SHIFT;
		ASSERT_EQ(0, sva_counters_clear(sva));
		ASSERT_EQ(0, sva_submit(sva, op));
		if (armed(sva, op))
			return;
		sva_wait(sva, op);
	} while (--tries);
	ASSERT_TRUE(false)
		TH_LOG("the step came before its time");
}

/*
 * When the bond has ended, every request must have been answered, and the
 * device must have received the answer. A later one could be taken for an
 * answer to the next owner.
 */
TEST_F(late, all_answered_when_unbound)
{
	struct sva *sva = &self->t.sva;
	struct sva_test_counters c;
	const struct sched_param normal = {};
	const struct sched_param high = {
		.sched_priority = variant->priority,
	};
	struct sva_test_op op;
	size_t i;

	arm(_metadata, self, &op, variant->pages);
	if (variant->priority)
		ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &high));
	ASSERT_EQ(0, sva_unbind(sva, self->t.as.bond));
	ASSERT_EQ(0, sva_counters(sva, self->as.pasid, &c));
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_OTHER, &normal));
	EXPECT_FALSE(armed(sva, &op));
	EXPECT_EQ(variant->pages, c.page_requests);
	EXPECT_EQ(variant->pages, c.page_responses);
	EXPECT_CAUSE(0, sva_wait(sva, &op));
	for (i = 1; i <= variant->pages; i++)
		EXPECT_EQ(0, sva_pfn(self->mem + i * sva_page_size()));
}

TEST_HARNESS_MAIN
