// SPDX-License-Identifier: GPL-2.0-only
/*
 * When the CPU's page tables change, so must what the device can reach
 *
 * Each access must first succeed, so that its translation is cached wherever
 * that is possible. Then the memory that the device must not reach any more
 * gets other contents, and the access is tried again.
 */
#include "test_dev.h"

#define LEN	64

FIXTURE(unmap)
{
	struct test_dev t;
	size_t size;
	uint8_t *mem;		/* four pages, the device has used them all */
	uint8_t buf[LEN];
	int denied;
	uint64_t stale;		/* the knob that keeps old translations */
};

FIXTURE_VARIANT(unmap)
{
	uint32_t mode;
	uint64_t stale;
};

FIXTURE_VARIANT_ADD(unmap, untranslated)
{
	.mode = SVA_TEST_MODE_UNTRANSLATED,
	.stale = SVA_TEST_KNOB_STALE_IOTLB,
};

FIXTURE_VARIANT_ADD(unmap, ats)
{
	.mode = SVA_TEST_MODE_ATS,
	.stale = SVA_TEST_KNOB_STALE_ATC,
};

/* Use every page, for reading and for writing */
static void use_pages(struct __test_metadata *_metadata,
		      TEST_SELF(unmap))
{
	uint8_t *p;

	for (p = self->mem; p < self->mem + 4 * self->size; p += self->size) {
		sva_pattern(p, LEN, 1);
		ASSERT_CAUSE(0, sva_read(&self->t.as, p, self->buf, LEN));
		ASSERT_TRUE(sva_is_pattern(self->buf, LEN, 1));
		sva_pattern(self->buf, LEN, 2);
		ASSERT_CAUSE(0, sva_write(&self->t.as, p, self->buf, LEN));
		ASSERT_TRUE(sva_is_pattern(p, LEN, 2));
	}
}

FIXTURE_SETUP(unmap)
{
	sva_stay_on_this_cpu();
	test_bind(_metadata, &self->t, variant->mode);
	self->size = sva_page_size();
	self->mem = sva_pages(4);
	self->denied = test_denied(variant->mode);
	use_pages(_metadata, self);
}

FIXTURE_TEARDOWN(unmap)
{
	/* Also empties what the device has cached */
	sva_set_knobs(&self->t.sva, 0);
	sva_reset(&self->t.sva);
	sva_close(&self->t.sva);
}

static void expect_gone_from(struct __test_metadata *_metadata,
			     TEST_SELF(unmap), const struct sva_as *as,
			     uint8_t *addr)
{
	sva_pattern(self->buf, LEN, 3);
	EXPECT_CAUSE(self->denied, sva_read(as, addr, self->buf, LEN));
	EXPECT_TRUE(sva_is_pattern(self->buf, LEN, 3));
	EXPECT_CAUSE(self->denied, sva_write(as, addr, self->buf, LEN));
	EXPECT_CAUSE(self->denied, sva_fill(as, addr, 0xee, LEN));
}

static void expect_gone(struct __test_metadata *_metadata,
			TEST_SELF(unmap), uint8_t *addr)
{
	expect_gone_from(_metadata, self, &self->t.as, addr);
}

static void expect_there(struct __test_metadata *_metadata,
			 TEST_SELF(unmap), uint8_t *addr)
{
	EXPECT_CAUSE(0, sva_read(&self->t.as, addr, self->buf, LEN));
	EXPECT_EQ(0, memcmp(self->buf, addr, LEN));
}

/* The freed page has a new use: the device neither reads nor changes it */
/* matrix: 7 */
TEST_F(unmap, page_used_again)
{
	uint8_t *page = self->mem + self->size, *again;

	again = sva_reuse_page(page);
	ASSERT_NE(NULL, again)
		TH_LOG("the freed page did not come again");
	sva_pattern(again, self->size, 4);

	expect_gone(_metadata, self, page);
	EXPECT_TRUE(sva_is_pattern(again, self->size, 4));
	expect_there(_metadata, self, page - self->size);
	expect_there(_metadata, self, page + self->size);
}

/* On each device that the process is bound to, with the same PASID on both */
/* matrix: 7 9 */
TEST_F(unmap, two_devices)
{
	uint8_t *page = self->mem + self->size, *again;
	struct test_dev other = {};
	struct sva_as as;

	test_open_nr(_metadata, &other, 1);
	/* It may have made a process, and then a page that is written to faults */
	use_pages(_metadata, self);
	test_mode(_metadata, &other, variant->mode);
	ASSERT_EQ(0, test_bind_as(&other.sva, &as, variant->mode));
	ASSERT_EQ(self->t.as.pasid, as.pasid);
	ASSERT_CAUSE(0, sva_read(&as, page, self->buf, LEN));
	ASSERT_CAUSE(0, sva_write(&as, page, self->buf, LEN));

	again = sva_reuse_page(page);
	ASSERT_NE(NULL, again)
		TH_LOG("the freed page did not come again");
	sva_pattern(again, self->size, 4);
	expect_gone_from(_metadata, self, &as, page);
	expect_gone(_metadata, self, page);
	EXPECT_TRUE(sva_is_pattern(again, self->size, 4));
	sva_close(&other.sva);
}

/*
 * Show that the first of these tests can fail: if a device or an IOMMU keeps
 * its translation, the same accesses must reach the page in its new use.
 */
/* matrix: 7 32 */
TEST_F(unmap, stale_is_noticed)
{
	uint8_t *page = self->mem + self->size, *again;
	int ret = sva_set_knobs(&self->t.sva, variant->stale);

	ASSERT_EQ(0, ret)
		TH_LOG("the device has no such knob");
	use_pages(_metadata, self);
	again = sva_reuse_page(page);
	ASSERT_NE(NULL, again);
	sva_pattern(again, self->size, 4);

	EXPECT_CAUSE(0, sva_read(&self->t.as, page, self->buf, LEN));
	EXPECT_TRUE(sva_is_pattern(self->buf, LEN, 4));
	EXPECT_CAUSE(0, sva_fill(&self->t.as, page, 0xee, LEN));
	EXPECT_TRUE(sva_is_byte(again, LEN, 0xee));

	/* When it has dropped the translation, the access is refused. */
	ASSERT_EQ(0, sva_set_knobs(&self->t.sva, 0));
	ASSERT_EQ(0, sva_reset(&self->t.sva));
	expect_gone(_metadata, self, page);
	EXPECT_TRUE(sva_is_byte(again, LEN, 0xee));
}

/* matrix: 7 */
TEST_F(unmap, all_pages)
{
	int i;

	ASSERT_EQ(0, munmap(self->mem, 4 * self->size));
	for (i = 0; i < 4; i++)
		expect_gone(_metadata, self, self->mem + i * self->size);
}

/* More pages than are invalidated one by one */
/* matrix: 7 */
TEST_F(unmap, many_pages)
{
	const size_t nr = 1500;
	uint8_t *many = sva_pages(nr);
	size_t i;

	for (i = 0; i < nr; i += 50) {
		many[i * self->size] = 1;
		ASSERT_CAUSE(0, sva_read(&self->t.as, many + i * self->size,
					 self->buf, LEN));
	}
	ASSERT_EQ(0, munmap(many, nr * self->size));
	for (i = 0; i < nr; i += 50)
		expect_gone(_metadata, self, many + i * self->size);
	expect_there(_metadata, self, self->mem);
}

/* Pages to unmap, on both sides of an address that is aligned to more of them */
static const struct {
	size_t before, after;
} ranges[] = { { 1, 1 }, { 3, 1 }, { 1, 3 } };

/*
 * The invalidation of a range may cover the next larger power of two. The first
 * and the last page of the range must be covered all the same, so the range
 * starts or ends next to an aligned address. The neighbouring pages stay
 * mapped, because freeing page tables would invalidate more.
 */
/* matrix: 7 */
TEST_F(unmap, both_ends)
{
	const size_t align = 512 * self->size;
	uint8_t *middle, *first, *end, *p;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		middle = sva_pages(3 * 512);
		middle += 2 * align - (uintptr_t)middle % align;
		first = middle - ranges[i].before * self->size;
		end = middle + ranges[i].after * self->size;
		for (p = first - self->size; p <= end; p += self->size)
			ASSERT_TRUE(test_works(&self->t.as, p));

		ASSERT_EQ(0, munmap(first, end - first));
		for (p = first; p < end; p += self->size)
			expect_gone(_metadata, self, p);
		expect_there(_metadata, self, first - self->size);
		expect_there(_metadata, self, end);
	}
}

/* matrix: 7 8 */
TEST_F(unmap, huge_page)
{
	const size_t huge = 2 << 20;
	uint8_t *p;

	p = mmap(NULL, 2 * huge, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, p);
	p = (uint8_t *)(((uintptr_t)p + huge - 1) & ~(huge - 1));
	if (madvise(p, huge, MADV_HUGEPAGE))
		SKIP(return, "no transparent huge pages");
	p[0] = 1;
	ASSERT_CAUSE(0, sva_read(&self->t.as, p + huge / 2, self->buf, LEN));

	/* A part of it, then the rest */
	ASSERT_EQ(0, munmap(p + huge / 2, self->size));
	expect_gone(_metadata, self, p + huge / 2);
	expect_there(_metadata, self, p);
	ASSERT_EQ(0, munmap(p, huge / 2));
	expect_gone(_metadata, self, p);
}

/* Only the permission to write is lost. */
/* matrix: 8 */
TEST_F(unmap, mprotect_read)
{
	uint8_t *page = self->mem + self->size;

	ASSERT_EQ(0, mprotect(page, self->size, PROT_READ));
	sva_pattern(self->buf, LEN, 3);
	EXPECT_CAUSE(self->denied,
		     sva_write(&self->t.as, page, self->buf, LEN));
	EXPECT_TRUE(sva_is_pattern(page, LEN, 2));
	expect_there(_metadata, self, page);
	expect_there(_metadata, self, page + self->size);
}

/* matrix: 8 32 */
TEST_F(unmap, mprotect_stale_is_noticed)
{
	uint8_t *page = self->mem + self->size;

	ASSERT_EQ(0, sva_set_knobs(&self->t.sva, variant->stale));
	use_pages(_metadata, self);
	ASSERT_EQ(0, mprotect(page, self->size, PROT_READ));
	sva_pattern(self->buf, LEN, 3);
	EXPECT_CAUSE(0, sva_write(&self->t.as, page, self->buf, LEN));
	EXPECT_TRUE(sva_is_pattern(page, LEN, 3));
}

/* matrix: 8 */
TEST_F(unmap, mprotect_none)
{
	uint8_t *page = self->mem + self->size;

	ASSERT_EQ(0, mprotect(page, self->size, PROT_NONE));
	expect_gone(_metadata, self, page);
	ASSERT_EQ(0, mprotect(page, self->size, PROT_READ));
	EXPECT_TRUE(sva_is_pattern(page, LEN, 2));
}

/* matrix: 7 */
TEST_F(unmap, dontneed)
{
	uint8_t *page = self->mem + self->size;

	ASSERT_EQ(0, madvise(page, self->size, MADV_DONTNEED));
	expect_gone(_metadata, self, page);
	EXPECT_TRUE(sva_is_byte(page, LEN, 0));
}

/* The page moves. Nothing is left at its old address, it is at the new one. */
/* matrix: 8 */
TEST_F(unmap, mremap)
{
	uint8_t *page = self->mem + self->size, *to = sva_pages(1);

	ASSERT_EQ(to, mremap(page, self->size, self->size,
			     MREMAP_MAYMOVE | MREMAP_FIXED, to));
	expect_gone(_metadata, self, page);
	EXPECT_TRUE(sva_is_pattern(to, LEN, 2));
	expect_there(_metadata, self, to);
}

/* Another page appears at the same address, and the device must use that. */
/* matrix: 7 */
TEST_F(unmap, mapped_anew)
{
	uint8_t *page = self->mem + self->size, *p;

	p = mmap(page, self->size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	ASSERT_EQ(page, p);
	sva_pattern(page, LEN, 6);
	EXPECT_CAUSE(0, sva_read(&self->t.as, page, self->buf, LEN));
	EXPECT_TRUE(sva_is_pattern(self->buf, LEN, 6));
	sva_pattern(self->buf, LEN, 7);
	EXPECT_CAUSE(0, sva_write(&self->t.as, page, self->buf, LEN));
	EXPECT_TRUE(sva_is_pattern(page, LEN, 7));
}

TEST_HARNESS_MAIN
