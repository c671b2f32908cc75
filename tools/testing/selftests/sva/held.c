// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device that does not complete the invalidation of its TLB, for some time or
 * for ever. Who unmaps memory waits for it, but not for ever; and when the memory
 * is free, the device must not reach it.
 */
#include "test_dev.h"
#include "test_pci.h"

#define LEN		TEST_WORKS_LEN
#define PAGES		4
#define SHORT_MS	300	/* the IOMMU waits longer for a device */
#define BOUND_MS	20000

FIXTURE(held)
{
	struct test_dev t;
	uint8_t *mem;		/* pages that the device has translations of */
	size_t size;
};

static uint8_t *page(TEST_SELF(held), int nr)
{
	return self->mem + nr * self->size;
}

FIXTURE_SETUP(held)
{
	int i;

	sva_stay_on_this_cpu();
	test_bind(_metadata, &self->t, SVA_TEST_MODE_ATS);
	self->size = sva_page_size();
	self->mem = sva_pages(PAGES);
	for (i = 0; i < PAGES; i++) {
		page(self, i)[0] = 0;
		ASSERT_TRUE(test_works(&self->t.as, page(self, i)));
	}
}

/* A reset ends all of it, for the next test as well. */
FIXTURE_TEARDOWN(held)
{
	sva_set_knobs(&self->t.sva, 0);
	EXPECT_EQ(0, pci_write(self->t.info.name, "reset", "1"));
	EXPECT_TRUE(test_works(&self->t.as, page(self, PAGES - 1)));
	sva_close(&self->t.sva);
}

/* How long it takes to unmap the page */
static uint64_t unmap(struct __test_metadata *_metadata, TEST_SELF(held), int nr)
{
	uint64_t begin = now_ms();

	EXPECT_EQ(0, munmap(page(self, nr), self->size));
	return now_ms() - begin;
}

/* The first unmap waits for the device. What comes then doesn't. */
TEST_F_TIMEOUT(held, ends, 120)
{
	ASSERT_EQ(0, sva_set_knobs(&self->t.sva, SVA_TEST_KNOB_HOLD_ATC));
	EXPECT_GT(BOUND_MS, unmap(_metadata, self, 0));
	EXPECT_GT(BOUND_MS, unmap(_metadata, self, 1));
}

static bool refuses(void)
{
#ifdef __x86_64__
	return true;
#else
	return false;
#endif
}

/* The device has a translation, but it is of no use. */
static void expect_stale_refused(struct __test_metadata *_metadata,
				 TEST_SELF(held), int nr)
{
	struct sva_test_counters c;
	uint8_t buf[LEN];

	sva_pattern(buf, LEN, 5);
	ASSERT_EQ(0, sva_counters_clear(&self->t.sva));
	EXPECT_CAUSE(SVA_TEST_CAUSE_REFUSED,
		     sva_read(&self->t.as, page(self, nr), buf, LEN));
	EXPECT_CAUSE(SVA_TEST_CAUSE_REFUSED,
		     sva_write(&self->t.as, page(self, nr), buf, LEN));
	EXPECT_TRUE(sva_is_pattern(buf, LEN, 5));
	ASSERT_EQ(0, sva_counters(&self->t.sva, self->t.as.pasid, &c));
	EXPECT_EQ(0, c.bytes_read + c.bytes_written);
	EXPECT_EQ(0, c.answered);
	EXPECT_EQ(2, c.refused);
	EXPECT_EQ(2, c.atc_hits);
}

TEST_F_TIMEOUT(held, refused, 120)
{
	struct sva_as plain = self->t.as;
	uint64_t took;

	if (!refuses())
		SKIP(return, "SMMUv3 does not say whose invalidation it was");
	ASSERT_EQ(0, sva_set_knobs(&self->t.sva, SVA_TEST_KNOB_HOLD_ATC));
	EXPECT_GT(BOUND_MS, unmap(_metadata, self, 0));
	expect_stale_refused(_metadata, self, 0);
	/* Nor is what is there still: the IOMMU cannot tell them apart. */
	expect_stale_refused(_metadata, self, 1);
	/* Without its TLB the device works, and does not delay anybody. */
	plain.mode = SVA_TEST_MODE_UNTRANSLATED;
	EXPECT_TRUE(test_works(&plain, page(self, 1)));
	took = unmap(_metadata, self, 1);
	EXPECT_GT(SHORT_MS, took);
	EXPECT_CAUSE(SVA_TEST_CAUSE_REFUSED,
		     sva_fill(&plain, page(self, 1), 1, LEN));
	EXPECT_TRUE(test_works(&plain, page(self, 2)));
}

/* It is for the device to be refused until it is reset, whoever has it then. */
TEST_F_TIMEOUT(held, until_reset, 120)
{
	struct sva_as other = { .sva = &self->t.sva, .mode = SVA_TEST_MODE_ATS };
	struct sva_as rid = {
		.sva = &self->t.sva,
		.as = SVA_TEST_AS_RID,
		.mode = SVA_TEST_MODE_TRANSLATED,
	};
	uint64_t physical = sva_pfn(page(self, 2)) * self->size;

	if (!refuses())
		SKIP(return, "SMMUv3 does not say whose invalidation it was");
	ASSERT_EQ(0, sva_set_knobs(&self->t.sva, SVA_TEST_KNOB_HOLD_ATC));
	EXPECT_GT(BOUND_MS, unmap(_metadata, self, 0));
	ASSERT_EQ(0, sva_set_knobs(&self->t.sva, 0));
	ASSERT_EQ(0, sva_unbind(&self->t.sva, self->t.as.bond));
	ASSERT_EQ(0, sva_bind_private(&self->t.sva, &other.bond, &other.pasid));
	EXPECT_CAUSE(SVA_TEST_CAUSE_ATS_DENIED,
		     sva_fill(&other, page(self, 2), 1, LEN));
	/* That was the device, which need not obey. This is the IOMMU. */
	ASSERT_NE(0, physical);
	EXPECT_CAUSE(SVA_TEST_CAUSE_REFUSED,
		     sva_fill(&rid, (void *)(uintptr_t)physical, 1, LEN));
	ASSERT_EQ(0, pci_write(self->t.info.name, "reset", "1"));
	EXPECT_TRUE(test_works(&other, page(self, 2)));
	self->t.as = other;
}

/* Another device of the process has its pages unmapped, and keeps ATS. */
TEST_F_TIMEOUT(held, others, 120)
{
	struct test_dev other = {};
	struct sva_as gone;
	int nr = 0;

	while (test_next(&other, &nr) &&
	       (!strcmp(other.info.name, self->t.info.name) ||
		!(other.info.on & SVA_TEST_ATS_ON)))
		sva_close(&other.sva);
	ASSERT_LE(0, other.sva.fd);
	ASSERT_EQ(0, test_bind_as(&other.sva, &other.as, SVA_TEST_MODE_ATS));
	EXPECT_TRUE(test_works(&other.as, page(self, 0)));
	ASSERT_EQ(0, sva_set_knobs(&self->t.sva, SVA_TEST_KNOB_HOLD_ATC));
	EXPECT_GT(BOUND_MS, unmap(_metadata, self, 0));
	gone = other.as;
	EXPECT_CAUSE(SVA_TEST_CAUSE_ATS_NO_ACCESS,
		     sva_fill(&gone, page(self, 0), 1, LEN));
	EXPECT_TRUE(test_works(&other.as, page(self, 1)));
	sva_close(&other.sva);
}

/* A device that is late is not refused. */
TEST_F_TIMEOUT(held, late, 120)
{
	struct test_hand h;
	cpu_set_t set;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "one CPU");
	if (!test_fork(_metadata, &h)) {
		/* The other CPU is busy with waiting. */
		CPU_ZERO(&set);
		CPU_SET(!sched_getcpu(), &set);
		CHILD_CHECK(!sched_setaffinity(0, sizeof(set), &set));
		test_say(&h);
		test_wait_go(&h);
		usleep(SHORT_MS * 1000);
		CHILD_CHECK(!sva_set_knobs(&self->t.sva, 0));
		_exit(0);
	}
	test_heard(_metadata, &h);
	ASSERT_EQ(0, sva_set_knobs(&self->t.sva, SVA_TEST_KNOB_HOLD_ATC));
	test_go(_metadata, &h);
	unmap(_metadata, self, 0);
	test_join(_metadata, &h);
	EXPECT_TRUE(test_works(&self->t.as, page(self, 1)));
}

TEST_HARNESS_MAIN
