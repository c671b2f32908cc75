// SPDX-License-Identifier: GPL-2.0-only
/* Accesses that the page tables do not allow */
#include "test_dev.h"

#define LEN	64

FIXTURE(fault)
{
	struct test_dev t;
	uint8_t *mem;		/* four pages, all of them touched */
	size_t size;		/* of a page */
	uint8_t buf[LEN];
	int denied;
};

FIXTURE_VARIANT(fault)
{
	uint32_t mode;
	uint32_t on;
};

FIXTURE_VARIANT_ADD(fault, untranslated)
{
	.mode = SVA_TEST_MODE_UNTRANSLATED,
};

FIXTURE_VARIANT_ADD(fault, ats)
{
	.mode = SVA_TEST_MODE_ATS,
};

FIXTURE_VARIANT_ADD(fault, pri)
{
	.mode = SVA_TEST_MODE_ATS | SVA_TEST_PAGE_REQUEST,
	.on = SVA_TEST_PRI_ON,
};

/* matrix: 6 */
FIXTURE_VARIANT_ADD(fault, stall)
{
	.mode = SVA_TEST_MODE_UNTRANSLATED,
	.on = SVA_TEST_STALL_ON,
};

FIXTURE_SETUP(fault)
{
	test_bind_on(_metadata, &self->t, variant->on, variant->mode);
	self->size = sva_page_size();
	self->mem = sva_pages(4);
	sva_pattern(self->mem, 4 * self->size, 1);
	sva_pattern(self->buf, LEN, 2);
	self->denied = variant->on == SVA_TEST_STALL_ON ?
		       SVA_TEST_CAUSE_STALL_ABORT : test_denied(variant->mode);
}

FIXTURE_TEARDOWN(fault)
{
	sva_close(&self->t.sva);
}

/* Every kind of access to @addr ends with @cause and moves nothing */
static void expect_none(struct __test_metadata *_metadata,
			TEST_SELF(fault), struct sva_as *as,
			void *addr, int cause)
{
	uint64_t old;

	EXPECT_CAUSE(cause, sva_read(as, addr, self->buf, LEN));
	EXPECT_CAUSE(cause, sva_write(as, addr, self->buf, LEN));
	EXPECT_CAUSE(cause, sva_fill(as, addr, 0xee, LEN));
	EXPECT_CAUSE(cause, sva_copy(as, self->mem, addr, LEN));
	EXPECT_CAUSE(cause, sva_cas(as, addr, 0, 1, &old));
	EXPECT_TRUE(sva_is_pattern(self->buf, LEN, 2));
}

/* The same, counted: as many attempts as operations, each of them refused */
static void expect_counted_none(struct __test_metadata *_metadata,
				TEST_SELF(fault), struct sva_as *as,
				void *addr, int cause)
{
	struct sva_test_counters c;

	ASSERT_EQ(0, sva_counters_clear(&self->t.sva));
	expect_none(_metadata, self, as, addr, cause);
	ASSERT_EQ(0, sva_counters(&self->t.sva, as->pasid, &c));
	EXPECT_EQ(0, c.answered);
	EXPECT_EQ(0, c.bytes_read);
	EXPECT_EQ(0, c.bytes_written);
	if (cause == SVA_TEST_CAUSE_REFUSED ||
	    cause == SVA_TEST_CAUSE_STALL_ABORT) {
		EXPECT_EQ(5, c.attempts);
		EXPECT_EQ(5, c.refused);
	}
	EXPECT_EQ(cause == SVA_TEST_CAUSE_STALL_ABORT ? 5 : 0, c.stalls);
	if (cause == SVA_TEST_CAUSE_ATS_DENIED) {
		EXPECT_EQ(5, c.ats_requests);
		EXPECT_EQ(5, c.ats_denied);
	}
	if (cause == SVA_TEST_CAUSE_PAGE_INVALID) {
		EXPECT_EQ(5, c.page_requests);
		EXPECT_EQ(5, c.page_responses);
		EXPECT_EQ(5, c.page_failures);
	}
}

/* matrix: 4 */
TEST_F(fault, unmapped)
{
	uint8_t *hole = self->mem + 3 * self->size;

	ASSERT_EQ(0, munmap(hole, self->size));
	expect_counted_none(_metadata, self, &self->t.as, hole, self->denied);
	EXPECT_TRUE(sva_is_pattern(self->mem, 3 * self->size, 1));
}

/* matrix: 4 */
TEST_F(fault, prot_none)
{
	ASSERT_EQ(0, mprotect(self->mem + self->size, self->size, PROT_NONE));
	expect_counted_none(_metadata, self, &self->t.as,
			    self->mem + self->size, self->denied);
	ASSERT_EQ(0, mprotect(self->mem + self->size, self->size, PROT_READ));
	EXPECT_TRUE(sva_is_pattern(self->mem, 4 * self->size, 1));
}

/* matrix: 4 */
TEST_F(fault, read_only)
{
	uint8_t *page = self->mem + self->size;
	uint64_t old;

	ASSERT_EQ(0, mprotect(page, self->size, PROT_READ));
	EXPECT_CAUSE(self->denied,
		     sva_write(&self->t.as, page, self->buf, LEN));
	EXPECT_CAUSE(self->denied, sva_fill(&self->t.as, page, 0xee, LEN));
	EXPECT_CAUSE(self->denied, sva_copy(&self->t.as, page, self->mem, LEN));
	EXPECT_CAUSE(self->denied,
		     sva_cas(&self->t.as, (uint64_t *)page, 0, 1, &old));
	EXPECT_TRUE(sva_is_pattern(self->mem, 4 * self->size, 1));

	/* Reading must still be possible. */
	EXPECT_CAUSE(0, sva_read(&self->t.as, page, self->buf, LEN));
	EXPECT_EQ(0, memcmp(self->buf, page, LEN));
}

/* The kernel's range, which the page tables may map, but not for users */
/* matrix: 4 */
TEST_F(fault, kernel_address)
{
	expect_counted_none(_metadata, self, &self->t.as,
			    (void *)(UINTPTR_MAX - 2 * self->size + 1),
			    self->denied);
}

/*
 * An address that cannot exist. VT-d treats it as an error of the device, not
 * as a missing page. For SMMUv3 it is a normal translation fault, which stalls,
 * or which is answered with no access if it was a translation request.
 */
/* matrix: 4 */
TEST_F(fault, impossible_address)
{
#ifdef __x86_64__
	int cause = test_no_pasid(variant->mode);
#else
	int cause = self->denied;
#endif

	expect_counted_none(_metadata, self, &self->t.as, (void *)(1ULL << 60),
			    cause);
}

/*
 * Data before the hole must move, data behind it must not, and the position
 * must be reported.
 */
/* matrix: 4 */
TEST_F(fault, partial)
{
	uint8_t *hole = self->mem + 2 * self->size, big[100];
	struct sva_test_op op = sva_op(&self->t.as, SVA_TEST_OP_READ, hole - 40,
				       sizeof(big));

	ASSERT_EQ(0, munmap(hole, self->size));
	memset(big, 0xa5, sizeof(big));
	op.buf = (uintptr_t)big;
	op.buf_len = sizeof(big);
	ASSERT_CAUSE(self->denied, sva_do(&self->t.sva, &op));
	EXPECT_EQ(40, op.bytes);
	EXPECT_EQ((uintptr_t)hole, op.fault_addr);
	EXPECT_EQ(0, memcmp(big, hole - 40, 40));
	EXPECT_TRUE(sva_is_byte(big + 40, sizeof(big) - 40, 0xa5));

	op = sva_op(&self->t.as, SVA_TEST_OP_FILL, hole - 40, sizeof(big));
	ASSERT_CAUSE(self->denied, sva_do(&self->t.sva, &op));
	EXPECT_EQ(40, op.bytes);
	EXPECT_EQ((uintptr_t)hole, op.fault_addr);
	EXPECT_TRUE(sva_is_byte(hole - 40, 40, 0));
	EXPECT_TRUE(sva_is_pattern(self->mem, 2 * self->size - 40, 1));
}

/* A PASID that nobody was given */
TEST_F(fault, unbound_pasid)
{
	struct sva_as as = test_forged(&self->t, self->t.info.max_pasids - 1);

	ASSERT_NE(self->t.as.pasid, as.pasid);
	expect_counted_none(_metadata, self, &as, self->mem,
			    test_no_pasid(variant->mode));
	EXPECT_TRUE(sva_is_pattern(self->mem, 4 * self->size, 1));
}

/* A virtual address means nothing without its PASID */
TEST_F(fault, without_pasid)
{
	struct sva_as as = self->t.as;

	if (self->t.info.domain == SVA_DOMAIN_PT)
		SKIP(return, "the device's memory is not translated");
	as.as = SVA_TEST_AS_RID;
	as.pasid = SVA_TEST_CNT_NO_PASID;
	/* A page request needs a PASID that can be bound to an mm */
	as.mode &= ~SVA_TEST_PAGE_REQUEST;
	expect_counted_none(_metadata, self, &as, self->mem,
			    variant->on == SVA_TEST_STALL_ON ?
			    self->denied : test_denied(as.mode));
	EXPECT_TRUE(sva_is_pattern(self->mem, 4 * self->size, 1));
}

/*
 * A physical address in a request that claims to be translated. A device with
 * ATS is trusted with this. From a device without ATS the IOMMU must refuse it.
 */
/* matrix: 30 on SMMUv3 */
TEST(forged_translation)
{
	size_t size = sva_page_size();
	uint8_t *mem = sva_pages(1), buf[LEN];
	struct sva_test_counters c;
	struct test_dev t = {};
	void *physical;
	struct sva_as as;
	int cause;

	test_open(_metadata, &t);
	sva_pattern(mem, size, 1);
	sva_pattern(buf, LEN, 2);
	physical = (void *)(uintptr_t)(sva_pfn(mem) * size);
	ASSERT_NE(NULL, physical);
	as = (struct sva_as) {
		.sva = &t.sva,
		.as = SVA_TEST_AS_RID,
		.mode = SVA_TEST_MODE_TRANSLATED,
	};
	/* Nothing is attached but what the RID has. */
	ASSERT_EQ(0, sva_info(&t.sva, &t.info));
	cause = t.info.on & SVA_TEST_ATS_ON ? 0 : SVA_TEST_CAUSE_REFUSED;

	ASSERT_EQ(0, sva_counters_clear(&t.sva));
	EXPECT_CAUSE(cause, sva_read(&as, physical, buf, LEN));
	EXPECT_TRUE(sva_is_pattern(buf, LEN, cause ? 2 : 1));
	sva_pattern(buf, LEN, 3);
	EXPECT_CAUSE(cause, sva_write(&as, physical, buf, LEN));
	EXPECT_TRUE(sva_is_pattern(mem, LEN, cause ? 1 : 3));
	ASSERT_EQ(0, sva_counters(&t.sva, SVA_TEST_CNT_NO_PASID, &c));
	EXPECT_EQ(2, c.attempts);
	EXPECT_EQ(cause ? 2 : 0, c.refused);
	sva_close(&t.sva);
}

TEST_HARNESS_MAIN
