// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that do what they should not do, or at a time when they should not.
 * The IOMMU and the kernel must stay in control, and others must not be
 * affected.
 */
#include <fcntl.h>
#include <signal.h>

#include "test_dev.h"
#include "test_pci.h"

#define LEN	TEST_WORKS_LEN

static void behave(struct sva *sva)
{
	sva_set_knobs(sva, 0);
	sva_reset(sva);
	sva_close(sva);
}

static uint32_t state_of(struct sva *sva, struct sva_test_op *op)
{
	return sva_peek(sva, op) ? SVA_TEST_ERROR : op->state;
}

/* The device is slow to notice that its page request or stall was answered. */
FIXTURE(hold)
{
	struct test_dev t;
	size_t size;
	uint8_t *mem;		/* two pages, the second one was touched */
	uint8_t buf[LEN];
	struct sva_test_op op;	/* writes to the first */
};

FIXTURE_VARIANT(hold)
{
	uint32_t mode;
	uint32_t on;
};

FIXTURE_VARIANT_ADD(hold, pri)
{
	.mode = SVA_TEST_MODE_ATS | SVA_TEST_PAGE_REQUEST,
	.on = SVA_TEST_PRI_ON,
};

FIXTURE_VARIANT_ADD(hold, stall)
{
	.mode = SVA_TEST_MODE_UNTRANSLATED,
	.on = SVA_TEST_STALL_ON,
};

static struct sva_test_op write_op(const struct sva_as *as, void *mem,
				   uint8_t *buf)
{
	struct sva_test_op op = sva_op(as, SVA_TEST_OP_WRITE, mem, LEN);

	op.buf = (uintptr_t)buf;
	op.buf_len = LEN;
	return op;
}

FIXTURE_SETUP(hold)
{
	test_bind_on(_metadata, &self->t, variant->on, variant->mode);
	self->size = sva_page_size();
	self->mem = sva_pages(2);
	sva_pattern(self->mem + self->size, self->size, 1);
	sva_pattern(self->buf, LEN, 5);
	self->op = write_op(&self->t.as, self->mem, self->buf);
	ASSERT_EQ(0, sva_counters_clear(&self->t.sva));
}

FIXTURE_TEARDOWN(hold)
{
	behave(&self->t.sva);
}

TEST_F(hold, delay)
{
	struct sva_test_knobs how = { .delay_us = 200000 };
	uint64_t start = now_us();

	ASSERT_EQ(0, sva_misbehave(&self->t.sva, how));
	ASSERT_CAUSE(0, sva_do(&self->t.sva, &self->op));
	EXPECT_LE(start + how.delay_us, now_us());
	EXPECT_EQ(1, self->op.faults);
	EXPECT_TRUE(sva_is_pattern(self->mem, LEN, 5));
}

/* Start the operation, and come back when the fault has been handled */
static void hold(struct __test_metadata *_metadata, TEST_SELF(hold),
		 struct sva *sva)
{
	ASSERT_EQ(0, sva_set_knobs(sva, SVA_TEST_KNOB_HOLD));
	ASSERT_EQ(0, sva_submit(sva, &self->op));
	ASSERT_TRUE(SOON(10000, state_of(sva, &self->op) & SVA_TEST_HELD));
	EXPECT_NE(0, sva_pfn(self->mem));
	EXPECT_TRUE(sva_is_byte(self->mem, LEN, 0));
}

/* Only this operation waits. Others go on, and in the end it does as well. */
TEST_F(hold, others_go_on)
{
	struct test_hand h;

	hold(_metadata, self, &self->t.sva);
	EXPECT_TRUE(test_works(&self->t.as, self->mem + self->size));
	if (!test_fork(_metadata, &h)) {
		struct sva_as as = self->t.as;

		CHILD_CHECK(!sva_open_path(as.sva, self->t.sva.path));
		CHILD_CHECK(!sva_bind(as.sva, &as.bond, &as.pasid));
		CHILD_CHECK(test_works(&as, self->mem + self->size));
		CHILD_CHECK(!sva_unbind(as.sva, as.bond));
		_exit(0);
	}
	test_join(_metadata, &h);
	EXPECT_EQ(SVA_TEST_BUSY | SVA_TEST_HELD,
		  state_of(&self->t.sva, &self->op));

	ASSERT_EQ(0, sva_set_knobs(&self->t.sva, 0));
	ASSERT_CAUSE(0, sva_wait(&self->t.sva, &self->op));
	EXPECT_TRUE(sva_is_pattern(self->mem, LEN, 5));
}

/* The bond ends before the device has noticed the answer. */
/* matrix: 21 */
TEST_F(hold, unbind)
{
	struct sva *sva = &self->t.sva;

	hold(_metadata, self, sva);
	ASSERT_EQ(0, sva_unbind(sva, self->t.as.bond));
	EXPECT_CAUSE(SVA_TEST_CAUSE_ABORTED, sva_wait(sva, &self->op));
	ASSERT_EQ(0, sva_set_knobs(sva, 0));
	EXPECT_TRUE(sva_is_byte(self->mem, LEN, 0));
	test_expect_no_pasid(_metadata, &self->t, self->t.as.pasid,
			     self->mem + self->size);

	ASSERT_EQ(0, sva_bind(sva, &self->t.as.bond, &self->t.as.pasid));
	EXPECT_TRUE(test_works(&self->t.as, self->mem + self->size));
}

/* The page is unmapped again before the device has noticed the answer. */
TEST_F(hold, munmap)
{
	int cause = variant->on == SVA_TEST_STALL_ON ?
		    SVA_TEST_CAUSE_STALL_ABORT : test_denied(variant->mode);

	hold(_metadata, self, &self->t.sva);
	ASSERT_EQ(0, munmap(self->mem, self->size));
	ASSERT_EQ(0, sva_set_knobs(&self->t.sva, 0));
	EXPECT_CAUSE(cause, sva_wait(&self->t.sva, &self->op));
	EXPECT_EQ(0, self->op.bytes);
}

/* matrix: 19 */
TEST_F(hold, kill)
{
	uint32_t *pasid = test_shared(sizeof(*pasid));
	struct test_hand h;

	ASSERT_NE(NULL, pasid);
	if (!test_fork(_metadata, &h)) {
		struct sva sva;

		CHILD_CHECK(!sva_open_path(&sva, self->t.sva.path));
		CHILD_CHECK(!sva_bind(&sva, &self->op.bond, pasid));
		hold(_metadata, self, &sva);
		test_say(&h);
		test_wait_go(&h);
		_exit(1);
	}
	test_heard(_metadata, &h);
	ASSERT_EQ(0, kill(h.pid, SIGKILL));
	ASSERT_EQ(128 + SIGKILL, test_reap(h.pid));
	ASSERT_EQ(0, sva_set_knobs(&self->t.sva, 0));
	test_expect_no_pasid(_metadata, &self->t, *pasid,
			     self->mem + self->size);
	EXPECT_TRUE(test_works(&self->t.as, self->mem + self->size));
}

/* More page requests than the device was allowed to make */
/* matrix: 5 */
FIXTURE(flood)
{
	struct test_dev t;
	struct sva_as as;	/* whose PASID it floods with */
	size_t size;
	uint8_t *mem;
};

FIXTURE_VARIANT(flood)
{
	bool bound;
	size_t pages;
};

FIXTURE_VARIANT_ADD(flood, bound)
{
	.bound = true,
	.pages = 1024,
};

FIXTURE_VARIANT_ADD(flood, unbound)
{
	.pages = 1024,
};

#define QUEUE	2048	/* entries of the VT-d driver's page request queue */

FIXTURE_VARIANT_ADD(flood, overflow)
{
	.pages = 4 * QUEUE,
};

FIXTURE_SETUP(flood)
{
	struct test_dev other = {};

	test_open_nr(_metadata, &other, 1);
	sva_close(&other.sva);
	test_bind_on(_metadata, &self->t, SVA_TEST_PRI_ON, SVA_TEST_MODE_ATS |
		     SVA_TEST_PAGE_REQUEST);
	self->size = sva_page_size();
	self->mem = sva_pages(variant->pages);
	self->as = variant->bound ? self->t.as :
		   test_forged(&self->t, self->t.info.max_pasids - 1);
	self->as.mode = SVA_TEST_MODE_ATS;
	ASSERT_EQ(0, sva_counters_clear(&self->t.sva));
}

FIXTURE_TEARDOWN(flood)
{
	behave(&self->t.sva);
}

static bool all_sent(struct sva *sva, uint32_t pasid, uint64_t nr)
{
	struct sva_test_counters c;

	return !sva_counters(sva, pasid, &c) && c.page_requests == nr;
}

static bool groups_answered(struct sva *sva, uint32_t pasid, uint64_t nr,
			    uint64_t groups)
{
	struct sva_test_counters c;

	return !sva_counters(sva, pasid, &c) && c.page_requests == nr &&
	       c.page_responses == groups;
}

static bool all_answered(struct sva *sva, uint32_t pasid, uint64_t nr)
{
	return groups_answered(sva, pasid, nr, nr);
}

/*
 * The faults of another process, on another device that only shares the IOMMU's
 * queue, must be handled meanwhile. While the queue overflows the IOMMU answers
 * all requests with success, and the device has to ask again (VT-d 7.4.1).
 */
static void fault_in_child(struct __test_metadata *_metadata, TEST_SELF(flood),
			   struct test_hand *h, bool overflow)
{
	struct sva_as as = self->t.as;
	uint8_t *mem;

	if (test_fork(_metadata, h))
		return;
	mem = sva_pages(4);
	CHILD_CHECK(!sva_open(as.sva, 1));
	CHILD_CHECK(!sva_bind(as.sva, &as.bond, &as.pasid));
	test_say(h);
	test_wait_go(h);
	CHILD_CHECK(SOON(overflow ? 10000 : 0,
			 !sva_fill(&as, mem, 0x5a, 4 * self->size)));
	CHILD_CHECK(sva_is_byte(mem, 4 * self->size, 0x5a));
	_exit(0);
}

TEST_F(flood, is_answered)
{
	struct sva *sva = &self->t.sva;
	struct sva_test_op op = sva_op(&self->as, SVA_TEST_OP_FLOOD, self->mem,
				       variant->pages * self->size);
	struct sva_test_counters c;
	const bool overflow = variant->pages > QUEUE;
	struct test_hand h;
	size_t i, there = 0;

	fault_in_child(_metadata, self, &h, overflow);
	test_heard(_metadata, &h);
	ASSERT_EQ(0, sva_submit(sva, &op));
	test_go(_metadata, &h);
	ASSERT_CAUSE(0, sva_wait(sva, &op));
	EXPECT_TRUE(SOON(20000, all_answered(sva, self->as.pasid,
					     variant->pages)));
	test_join(_metadata, &h);

	/* A PASID without a bond must not get anything. */
	ASSERT_EQ(0, sva_counters(sva, self->as.pasid, &c));
	for (i = 0; i < variant->pages; i++)
		there += sva_pfn(self->mem + i * self->size) != 0;
	EXPECT_EQ(variant->bound ? variant->pages : 0, there);
	EXPECT_LE(variant->bound || overflow ? 0 : variant->pages,
		  c.page_failures);
	EXPECT_GE(variant->bound ? 0 : variant->pages - overflow,
		  c.page_failures);

	/* After that everything must work again. */
	EXPECT_CAUSE(0, sva_fill(&self->t.as, sva_pages(1), 1, LEN));
}

/*
 * The queue overflows in the middle of a group. The IOMMU answers its last
 * request, and the others must be dropped. If they were kept, they would be
 * handled with the next group that has the same index.
 */
/* matrix: 5 */
TEST(overflow_cuts_group)
{
	const size_t group = 8, pages = 2 * QUEUE, indices = 512;
	struct test_dev t = {};
	struct sva_test_op op;
	uint8_t *mem = sva_pages(pages), *used = sva_pages(indices);
	size_t i, size = sva_page_size(), there = 0;

	test_bind_on(_metadata, &t, SVA_TEST_PRI_ON, SVA_TEST_MODE_ATS |
		     SVA_TEST_PAGE_REQUEST);
	ASSERT_EQ(0, sva_counters_clear(&t.sva));
	op = sva_op(&t.as, SVA_TEST_OP_FLOOD, mem, pages * size);
	op.mode = SVA_TEST_MODE_ATS;
	op.group = group;
	ASSERT_CAUSE(0, sva_do(&t.sva, &op));
	ASSERT_TRUE(SOON(20000, groups_answered(&t.sva, t.as.pasid, pages,
						pages / group)));
	/* One entry of the queue is never used: it has no room for whole groups */
	for (i = 0; i < pages; i++)
		there += sva_pfn(mem + i * size) != 0;
	ASSERT_EQ((QUEUE - 1) / group * group, there);
	/* It takes requests again */
	ASSERT_TRUE(SOON(10000, !sva_fill(&t.as, sva_pages(1), 1, LEN)));

	/* Each index once, for memory that is there */
	memset(used, 0, indices * size);
	ASSERT_EQ(0, sva_counters_clear(&t.sva));
	op = sva_op(&t.as, SVA_TEST_OP_FLOOD, used, indices * size);
	op.mode = SVA_TEST_MODE_ATS;
	ASSERT_CAUSE(0, sva_do(&t.sva, &op));
	EXPECT_TRUE(SOON(20000, all_answered(&t.sva, t.as.pasid, indices)));
	for (i = 0; i < pages; i++)
		there -= sva_pfn(mem + i * size) != 0;
	EXPECT_EQ(0, there);
	behave(&t.sva);
}

/*
 * The device asks for an invalid address, or with privileges. Each time it must
 * be refused and get nothing. After that valid requests must succeed.
 */
/* matrix: 4 */
FIXTURE(malformed)
{
	struct test_dev t;
	uint8_t *mem;
};

FIXTURE_VARIANT(malformed)
{
	uint64_t addr;
	uint64_t flags;
};

FIXTURE_VARIANT_ADD(malformed, not_canonical)
{
	.addr = 1ULL << 62,
};

FIXTURE_VARIANT_ADD(malformed, privileged)
{
	.flags = SVA_TEST_FLOOD_PRIVILEGED,
};

FIXTURE_VARIANT_ADD(malformed, execute)
{
	.flags = SVA_TEST_FLOOD_EXECUTE,
};

#define BAD_PAGES	4

FIXTURE_SETUP(malformed)
{
	test_bind_on(_metadata, &self->t, SVA_TEST_PRI_ON, SVA_TEST_MODE_ATS |
		     SVA_TEST_PAGE_REQUEST);
	self->mem = sva_pages(BAD_PAGES);
	ASSERT_EQ(0, sva_counters_clear(&self->t.sva));
}

FIXTURE_TEARDOWN(malformed)
{
	behave(&self->t.sva);
}

TEST_F(malformed, is_refused)
{
	struct sva *sva = &self->t.sva;
	size_t i, size = sva_page_size();
	struct sva_test_op op = sva_op(&self->t.as, SVA_TEST_OP_FLOOD,
				       self->mem, BAD_PAGES * size);
	struct sva_test_counters c;

	op.mode = SVA_TEST_MODE_ATS;
	op.data = variant->flags;
	if (variant->addr)
		op.addr = variant->addr;
	ASSERT_CAUSE(0, sva_do(sva, &op));
	EXPECT_TRUE(SOON(10000, all_answered(sva, self->t.as.pasid,
					     BAD_PAGES)));
	ASSERT_EQ(0, sva_counters(sva, self->t.as.pasid, &c));
	EXPECT_EQ(BAD_PAGES, c.page_failures);
	for (i = 0; i < BAD_PAGES; i++)
		EXPECT_EQ(0, sva_pfn(self->mem + i * size));
	EXPECT_CAUSE(0, sva_fill(&self->t.as, self->mem, 1, BAD_PAGES * size));
}

/*
 * The bond is ended after the device sent the requests, while they are handled.
 * The drain waits for the ones in progress, and later ones find nothing
 * attached. The device uses the raw PASID, because the driver would stop
 * operations that use the bond. It cannot send them later, because the last
 * unbind may disable page requests.
 */
/* matrix: 21 */
TEST(flood_unbind)
{
	const size_t pages = 1024;
	struct sva_test_op op;
	struct test_dev t = {};
	struct sva_as as;
	uint8_t *mem = sva_pages(1 + pages);

	test_bind_on(_metadata, &t, SVA_TEST_PRI_ON, SVA_TEST_MODE_ATS);
	as = test_forged(&t, t.as.pasid);
	mem[0] = 0;
	op = sva_op(&as, SVA_TEST_OP_FLOOD, mem + sva_page_size(),
		    pages * sva_page_size());
	ASSERT_EQ(0, sva_counters_clear(&t.sva));
	ASSERT_EQ(0, sva_submit(&t.sva, &op));
	ASSERT_TRUE(SOON(10000, all_sent(&t.sva, as.pasid, pages)));
	ASSERT_EQ(0, sva_unbind(&t.sva, t.as.bond));
	ASSERT_CAUSE(0, sva_wait(&t.sva, &op));
	EXPECT_TRUE(SOON(20000, all_answered(&t.sva, as.pasid, pages)));
	test_expect_no_pasid(_metadata, &t, as.pasid, mem);
	behave(&t.sva);
}

/*
 * The same with a device that is stalled at each page, and stops when one is
 * refused
 */
/* matrix: 6 21 */
TEST(stall_unbind)
{
	const size_t pages = 4096, len = pages * sva_page_size();
	uint8_t *untouched = sva_pages(pages), *mem = sva_pages(1);
	struct test_dev t = {};
	struct sva_test_op op;
	struct sva_as as;
	int i, cause;

	test_bind_on(_metadata, &t, SVA_TEST_STALL_ON, 0);
	for (i = 0; i < 10; i++) {
		as = test_forged(&t, t.as.pasid);
		op = sva_op(&as, SVA_TEST_OP_FILL, untouched, len);
		ASSERT_EQ(0, sva_submit(&t.sva, &op));
		ASSERT_TRUE(SOON(10000, sva_pfn(untouched + i * sva_page_size())));
		ASSERT_EQ(0, sva_unbind(&t.sva, t.as.bond));
		cause = sva_wait(&t.sva, &op);
		EXPECT_TRUE(cause == SVA_TEST_CAUSE_REFUSED ||
			    cause == SVA_TEST_CAUSE_STALL_ABORT)
			TH_LOG("%s", sva_cause(cause));
		EXPECT_GT(len, op.bytes);
		test_expect_no_pasid(_metadata, &t, as.pasid, mem);
		ASSERT_EQ(0, madvise(untouched, len, MADV_DONTNEED));
		ASSERT_EQ(0, test_bind_as(&t.sva, &t.as, 0));
	}
	EXPECT_TRUE(test_works(&t.as, mem));
	behave(&t.sva);
}

/* The device acts at a given step while the kernel takes a page away. */
/* matrix: 7 */
FIXTURE(munmap)
{
	struct test_dev t;
	uint8_t *mem;		/* a page that was touched */
	uint8_t buf[LEN];
};

FIXTURE_VARIANT(munmap)
{
	uint32_t trigger;
	uint32_t mode;
};

FIXTURE_VARIANT_ADD(munmap, iotlb)
{
	.trigger = SVA_TEST_TRIGGER_IOTLB,
};

FIXTURE_VARIANT_ADD(munmap, sync)
{
	.trigger = SVA_TEST_TRIGGER_SYNC,
};

FIXTURE_VARIANT_ADD(munmap, atc)
{
	.trigger = SVA_TEST_TRIGGER_ATC,
	.mode = SVA_TEST_MODE_ATS,
};

FIXTURE_SETUP(munmap)
{
	test_bind(_metadata, &self->t, variant->mode);
	self->mem = sva_pages(1);
	sva_pattern(self->buf, LEN, 5);
	/* Whatever can be cached is */
	ASSERT_TRUE(test_works(&self->t.as, self->mem));
}

FIXTURE_TEARDOWN(munmap)
{
	behave(&self->t.sva);
}

/*
 * Have @op done at the step. A copy on write would be such a step as well, so
 * do it before. The invalidation for another device can still come first; if
 * that has changed no memory, the test can be repeated.
 */
static void arm(struct __test_metadata *_metadata, struct sva *sva,
		uint32_t trigger, struct sva_test_op *op)
{
	int tries = op->op == SVA_TEST_OP_FLOOD ? 8 : 1;

	op->mode |= trigger << SVA_TEST_TRIGGER_SHIFT;
	sva_own_stack();
	do {
		ASSERT_EQ(0, sva_submit(sva, op));
		if (state_of(sva, op) & SVA_TEST_ARMED)
			return;
		sva_wait(sva, op);
		ASSERT_EQ(0, sva_counters_clear(sva));
	} while (--tries);
	ASSERT_TRUE(false)
		TH_LOG("the step came before its time");
}

/*
 * By then the page table and the IOTLB have changed. The device can only see
 * the new state, and no other state later.
 */
TEST_F(munmap, at)
{
	struct sva *sva = &self->t.sva;
	struct sva_test_op op = write_op(&self->t.as, self->mem, self->buf);
	int denied = test_denied(variant->mode);

	arm(_metadata, sva, variant->trigger, &op);
	ASSERT_EQ(0, munmap(self->mem, sva_page_size()));
	EXPECT_FALSE(state_of(sva, &op) & SVA_TEST_ARMED);
	EXPECT_CAUSE(denied, sva_wait(sva, &op));
	EXPECT_CAUSE(denied, sva_read(&self->t.as, self->mem, self->buf, LEN));
}

/* The same when the bond ends and everything is taken away */
FIXTURE(step)
{
	struct test_dev t;
	uint8_t *mem;		/* a page that was touched, and some that were not */
	size_t size;
	uint8_t buf[LEN];
};

#define STEP_PAGES	16

FIXTURE_VARIANT(step)
{
	uint32_t trigger;
	uint32_t mode;
	uint32_t on;
	bool early;		/* the IOTLB may still have the translation */
};

FIXTURE_VARIANT_ADD(step, pasid_cache)
{
	.trigger = SVA_TEST_TRIGGER_PASID,
	.early = true,
};

FIXTURE_VARIANT_ADD(step, iotlb)
{
	.trigger = SVA_TEST_TRIGGER_IOTLB,
};

FIXTURE_VARIANT_ADD(step, sync)
{
	.trigger = SVA_TEST_TRIGGER_SYNC,
	.early = true,
};

FIXTURE_VARIANT_ADD(step, atc)
{
	.trigger = SVA_TEST_TRIGGER_ATC,
	.mode = SVA_TEST_MODE_ATS,
};

FIXTURE_VARIANT_ADD(step, drain)
{
	.trigger = SVA_TEST_TRIGGER_DRAIN,
	.mode = SVA_TEST_MODE_ATS,
	.on = SVA_TEST_PRI_ON,
};

FIXTURE_SETUP(step)
{
	test_bind_on(_metadata, &self->t, variant->on, variant->mode);
	self->size = sva_page_size();
	self->mem = sva_pages(1 + STEP_PAGES);
	sva_pattern(self->mem, self->size, 1);
	sva_pattern(self->buf, LEN, 5);
	/* Whatever can be cached is */
	ASSERT_TRUE(test_works(&self->t.as, self->mem));
	sva_pattern(self->mem, self->size, 1);
	ASSERT_EQ(0, sva_counters_clear(&self->t.sva));
}

FIXTURE_TEARDOWN(step)
{
	behave(&self->t.sva);
}

/*
 * Once the translation was removed from the IOTLB, no access may succeed.
 * Before that it may, and reaches the same memory as before. When the unbind
 * has returned, none may succeed.
 */
/* matrix: 7 */
TEST_F(step, unbind)
{
	/* Use the raw PASID, so that the driver does not stop it. */
	struct sva_as as = test_forged(&self->t, self->t.as.pasid);
	struct sva_test_op op = write_op(&as, self->mem, self->buf);
	int cause = test_no_pasid(variant->mode), got;

	arm(_metadata, &self->t.sva, variant->trigger, &op);
	ASSERT_EQ(0, sva_unbind(&self->t.sva, self->t.as.bond));
	EXPECT_FALSE(state_of(&self->t.sva, &op) & SVA_TEST_ARMED);
	got = sva_wait(&self->t.sva, &op);
	EXPECT_TRUE(got == cause || (variant->early && !got))
		TH_LOG("%s", sva_cause(got));
	EXPECT_TRUE(sva_is_pattern(self->mem, LEN, got ? 1 : 5));
	test_expect_no_pasid(_metadata, &self->t, as.pasid, self->mem);
}

/* Page requests that come that late are answered, and unbind returns */
/* matrix: 21 */
TEST_F(step, unbind_page_request)
{
	struct sva_as as = test_forged(&self->t, self->t.as.pasid);
	struct sva_test_op op = sva_op(&as, SVA_TEST_OP_FLOOD,
				       self->mem + self->size,
				       STEP_PAGES * self->size);

	if (!(self->t.info.on & SVA_TEST_PRI_ON))
		SKIP(return, "no PRI");
	arm(_metadata, &self->t.sva, variant->trigger, &op);
	ASSERT_EQ(0, sva_unbind(&self->t.sva, self->t.as.bond));
	EXPECT_FALSE(state_of(&self->t.sva, &op) & SVA_TEST_ARMED);
	EXPECT_CAUSE(0, sva_wait(&self->t.sva, &op));
	EXPECT_TRUE(SOON(10000, all_answered(&self->t.sva, as.pasid,
					     STEP_PAGES)));
	test_expect_no_pasid(_metadata, &self->t, as.pasid, self->mem);
}

/*
 * The number goes to another process at once. Requests that the device has made
 * for the old process must not be carried out for the new one.
 */
/* matrix: 16 */
TEST_F(step, next_in_line)
{
	struct sva *sva = &self->t.sva;
	struct sva_test_op op;
	struct sva_as as;
	struct test_hand h;
	uint32_t pasid = self->t.info.max_pasids - 1;
	uint32_t bond;
	size_t i;

	if (!(self->t.info.on & SVA_TEST_PRI_ON))
		SKIP(return, "no PRI");
	if (sva_bind_private(sva, &bond, &pasid) == -EOPNOTSUPP)
		SKIP(return, "no iommu_sva_bind_device_pasid()");
	if (!test_fork(_metadata, &h)) {
		CHILD_CHECK(!sva_open_path(sva, sva->path));
		test_wait_go(&h);
		CHILD_CHECK(!sva_bind_private(sva, &bond, &pasid));
		test_say(&h);
		test_wait_go(&h);
		for (i = 1; i <= STEP_PAGES; i++)
			CHILD_CHECK(!sva_pfn(self->mem + i * self->size));
		_exit(0);
	}

	as = test_forged(&self->t, pasid);
	op = sva_op(&as, SVA_TEST_OP_FLOOD, self->mem + self->size,
		    STEP_PAGES * self->size);
	arm(_metadata, &self->t.sva, variant->trigger, &op);
	ASSERT_EQ(0, sva_unbind(sva, bond));
	test_go(_metadata, &h);
	test_heard(_metadata, &h);
	EXPECT_CAUSE(0, sva_wait(sva, &op));
	EXPECT_TRUE(SOON(10000, all_answered(sva, pasid, STEP_PAGES)));
	test_go(_metadata, &h);
	test_join(_metadata, &h);
}

/* The PASID in the request differs from the one that the driver has given. */
TEST(wrong_pasid)
{
	struct sva_test_knobs how = { .pasid_offset = 1 };
	uint8_t *mem = sva_pages(1), buf[LEN];
	struct sva_test_counters c;
	struct test_dev t = {};
	int cause;

	test_bind(_metadata, &t, SVA_TEST_MODE_UNTRANSLATED);
	cause = test_no_pasid(t.as.mode);
	sva_pattern(mem, LEN, 1);
	sva_pattern(buf, LEN, 2);
	ASSERT_EQ(0, sva_misbehave(&t.sva, how));
	ASSERT_EQ(0, sva_counters_clear(&t.sva));
	EXPECT_CAUSE(cause, sva_read(&t.as, mem, buf, LEN));
	EXPECT_CAUSE(cause, sva_write(&t.as, mem, buf, LEN));
	EXPECT_TRUE(sva_is_pattern(mem, LEN, 1));
	EXPECT_TRUE(sva_is_pattern(buf, LEN, 2));
	ASSERT_EQ(0, sva_counters(&t.sva, t.as.pasid, &c));
	EXPECT_EQ(0, c.attempts);
	ASSERT_EQ(0, sva_counters(&t.sva, t.as.pasid + 1, &c));
	EXPECT_EQ(2, c.attempts);
	EXPECT_EQ(2, c.refused);
	EXPECT_EQ(0, c.answered);
	ASSERT_EQ(0, sva_misbehave(&t.sva, (struct sva_test_knobs) {}));
	EXPECT_TRUE(test_works(&t.as, mem));
	behave(&t.sva);
}

/*
 * The device does DMA without a driver, because its firmware was told to before
 * the driver was removed, or is broken. The test acts as the firmware.
 */
FIXTURE(free_run)
{
	struct test_dev t;
	struct test_regs regs;
	uint8_t *mem;		/* a page that was touched */
	uint64_t physical;	/* its address */
	char name[32];
	bool ats;		/* enabled without the driver */
};

FIXTURE_VARIANT(free_run)
{
	uint64_t command;
};

FIXTURE_VARIANT_ADD(free_run, untranslated)
{
	.command = SVA_TEST_MODE_UNTRANSLATED,
};

FIXTURE_VARIANT_ADD(free_run, with_pasid)
{
	.command = SVA_TEST_MODE_UNTRANSLATED | SVA_TEST_WITH_PASID,
};

FIXTURE_VARIANT_ADD(free_run, ats)
{
	.command = SVA_TEST_MODE_ATS,
};

/*
 * With ATS a request with a physical address that claims to be translated is
 * accepted. A device whose DMA is not translated has no use for ATS. One that
 * has no driver keeps the domain of the DMA API, with a page table and ATS: the
 * test records that the request reaches any memory then, it does not demand it.
 */
FIXTURE_VARIANT_ADD(free_run, translated)
{
	.command = SVA_TEST_MODE_TRANSLATED,
};

/* Take the driver away, and map the registers */
FIXTURE_SETUP(free_run)
{
	char path[128];

	test_open(_metadata, &self->t);
	if (sva_sysfs(&self->t.sva, "resource0", path, sizeof(path)))
		SKIP(_exit(KSFT_SKIP), "not a PCI device");
	if (variant->command & SVA_TEST_MODE &&
	    !(self->t.info.on & SVA_TEST_ATS_ON))
		SKIP(_exit(KSFT_SKIP), "no ATS");
	if (variant->command == SVA_TEST_MODE_UNTRANSLATED &&
	    self->t.info.domain == SVA_DOMAIN_PT)
		SKIP(_exit(KSFT_SKIP), "the device's memory is not translated");
	strcpy(self->name, self->t.info.name);
	self->mem = sva_pages(1);
	sva_pattern(self->mem, LEN, 1);
	self->physical = sva_pfn(self->mem) * sva_page_size();
	ASSERT_NE(0, self->physical);

	ASSERT_EQ(0, pci_write(self->name, "driver/unbind", self->name));
	ASSERT_EQ(0, pci_write(self->name, "enable", "1"));
	self->regs.select = SVA_TEST_CNT_TOTAL;
	ASSERT_EQ(0, map_registers(&self->regs, self->name));
	self->ats = ats_enabled(self->name);
}

FIXTURE_TEARDOWN(free_run)
{
	set_reg(&self->regs, SVA_TEST_RESET, 1);
	pci_write(self->name, "enable", "0");
	sva_write_file("/sys/bus/pci/drivers/sva-test/bind", self->name);
	EXPECT_TRUE(SOON(10000, !access(sva_path(0), R_OK | W_OK)));
	sva_close(&self->t.sva);
}

/* It keeps trying and is refused each time, and memory does not change. */
TEST_F(free_run, no_driver)
{
	const uint32_t tries = (variant->command & SVA_TEST_MODE) ==
			       SVA_TEST_MODE_ATS ? SVA_TEST_CNT_ATS_REQUESTS :
						   SVA_TEST_CNT_ATTEMPTS;
	const bool passes = self->ats &&
			    variant->command == SVA_TEST_MODE_TRANSLATED;
	uint64_t before;

	EXPECT_EQ(self->t.info.on & SVA_TEST_ATS_ON &&
		  self->t.info.domain != SVA_DOMAIN_PT, self->ats);
	run_free(&self->regs, self->physical, LEN, 0xee, variant->command);
	ASSERT_EQ(SVA_TEST_KNOB_FREE_RUN, get_reg(&self->regs, SVA_TEST_KNOBS));
	ASSERT_TRUE(SOON(10000, counter(&self->regs, tries) > 10));
	before = counter(&self->regs, tries);
	EXPECT_TRUE(SOON(10000, counter(&self->regs, tries) > before + 10));
	channel(&self->regs, SVA_TEST_COMMAND, SVA_TEST_OP_ABORT);
	EXPECT_EQ(counter(&self->regs, SVA_TEST_CNT_ATTEMPTS),
		  counter(&self->regs, passes ? SVA_TEST_CNT_ANSWERED :
						SVA_TEST_CNT_REFUSED));
	EXPECT_EQ(passes,
		  counter(&self->regs, SVA_TEST_CNT_BYTES_WRITTEN) != 0);
	EXPECT_EQ(passes, sva_is_byte(self->mem, LEN, 0xee));
	EXPECT_EQ(!passes, sva_is_pattern(self->mem, LEN, 1));
}

TEST_HARNESS_MAIN
