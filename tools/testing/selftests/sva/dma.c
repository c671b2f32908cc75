// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether the device moves exactly the bytes that it was told to
 */
#include "test_dev.h"

#define GUARD		32	/* bytes on each side of the data */
#define GUARD_BYTE	0xa5
#define MAX_LEN		(2 * 4096 + 5)

/* Sizes around those at which engine, IOMMU or page tables may split */
static const size_t sizes[] = { 1, 2, 3, 7, 8, 9, 64, 4095, 4096, 4097, MAX_LEN };
/* Offsets into the first of three pages: odd ones, and ones near its end */
static const size_t offsets[] = { 0, 1, 7, 4096 - 8, 4096 - 3, 4096 - 1, 4096 };

FIXTURE(dma)
{
	struct test_dev t;
	uint8_t *area;		/* a guard page, four pages, a guard page */
	uint8_t *mem;		/* the first of the four */
	size_t area_len;
	uint8_t *buf;		/* for the device's local memory */
};

FIXTURE_VARIANT(dma)
{
	uint32_t mode;
};

FIXTURE_VARIANT_ADD(dma, untranslated)
{
	.mode = SVA_TEST_MODE_UNTRANSLATED,
};

FIXTURE_VARIANT_ADD(dma, ats)
{
	.mode = SVA_TEST_MODE_ATS,
};

FIXTURE_SETUP(dma)
{
	test_bind(_metadata, &self->t, variant->mode);
	self->area_len = 8 * sva_page_size();
	self->area = sva_pages(8);
	self->mem = self->area + 2 * sva_page_size();
	self->buf = malloc(MAX_LEN + 2 * GUARD);
	ASSERT_NE(NULL, self->buf);
	memset(self->area, GUARD_BYTE, self->area_len);
}

FIXTURE_TEARDOWN(dma)
{
	free(self->buf);
	sva_close(&self->t.sva);
}

/* Check that all of @buf except [at, at + len) is unchanged. */
static bool untouched(const uint8_t *buf, size_t size, size_t at, size_t len)
{
	return sva_is_byte(buf, at, GUARD_BYTE) &&
	       sva_is_byte(buf + at + len, size - at - len, GUARD_BYTE);
}

#define NR_SHAPES	(ARRAY_SIZE(offsets) * ARRAY_SIZE(sizes))

/* Each size at each offset, for @i from 0 to NR_SHAPES - 1 */
static void shape(size_t i, size_t *offset, size_t *len)
{
	*offset = offsets[i / ARRAY_SIZE(sizes)];
	*len = sizes[i % ARRAY_SIZE(sizes)];
}

/* An operation whose local data lies between two guards in self->buf */
static struct sva_test_op guarded(TEST_SELF(dma), uint32_t op,
				  void *addr, size_t len)
{
	struct sva_test_op arg = sva_op(&self->t.as, op, addr, len);

	arg.buf = (uintptr_t)self->buf;
	arg.buf_len = len + 2 * GUARD;
	arg.local = GUARD;
	return arg;
}

/* matrix: 1 */
TEST_F(dma, read)
{
	size_t offset, len, i;

	for (i = 0; i < NR_SHAPES; i++) {
		struct sva_test_op op;

		shape(i, &offset, &len);
		op = guarded(self, SVA_TEST_OP_READ, self->mem + offset, len);

		sva_pattern(self->mem + offset, len, offset + len);
		memset(self->buf, GUARD_BYTE, len + 2 * GUARD);
		ASSERT_CAUSE(0, sva_do(&self->t.sva, &op));
		ASSERT_EQ(len, op.bytes);
		ASSERT_TRUE(sva_is_pattern(self->buf + GUARD, len,
					   offset + len))
			TH_LOG("%zu bytes from offset %zu", len, offset);
		ASSERT_TRUE(untouched(self->buf, len + 2 * GUARD, GUARD, len));
		ASSERT_TRUE(sva_is_pattern(self->mem + offset, len,
					   offset + len));
		memset(self->mem + offset, GUARD_BYTE, len);
	}
}

/* matrix: 1 */
TEST_F(dma, write)
{
	size_t offset, len, i;

	for (i = 0; i < NR_SHAPES; i++) {
		struct sva_test_op op;

		shape(i, &offset, &len);
		op = guarded(self, SVA_TEST_OP_WRITE, self->mem + offset, len);

		memset(self->buf, GUARD_BYTE, len + 2 * GUARD);
		sva_pattern(self->buf + GUARD, len, offset * 3 + len);
		ASSERT_CAUSE(0, sva_do(&self->t.sva, &op));
		ASSERT_EQ(len, op.bytes);
		ASSERT_TRUE(sva_is_pattern(self->mem + offset, len,
					   offset * 3 + len))
			TH_LOG("%zu bytes to offset %zu", len, offset);
		ASSERT_TRUE(untouched(self->area, self->area_len,
				      self->mem + offset - self->area, len));
		memset(self->mem + offset, GUARD_BYTE, len);
	}
}

/* matrix: 1 */
TEST_F(dma, fill)
{
	const uint64_t data = 0x0123456789abcdef;
	size_t offset, len, i, j;

	for (i = 0; i < NR_SHAPES; i++) {
		struct sva_test_op op;

		shape(i, &offset, &len);
		op = guarded(self, SVA_TEST_OP_FILL, self->mem + offset, len);

		op.data = data;
		ASSERT_CAUSE(0, sva_do(&self->t.sva, &op));
		ASSERT_EQ(len, op.bytes);
		for (j = 0; j < len; j++)
			ASSERT_EQ((uint8_t)(data >> j % 8 * 8),
				  self->mem[offset + j]);
		ASSERT_TRUE(untouched(self->area, self->area_len,
				      self->mem + offset - self->area, len));
		memset(self->mem + offset, GUARD_BYTE, len);
	}
}

/* matrix: 1 */
TEST_F(dma, copy)
{
	uint8_t *from = (uint8_t *)sva_pages(4) + 5;
	size_t offset, len, i;

	/* Source and destination cross pages at different places. */
	for (i = 0; i < NR_SHAPES; i++) {
		shape(i, &offset, &len);
		sva_pattern(from, len, offset + len * 5);
		ASSERT_CAUSE(0, sva_copy(&self->t.as, self->mem + offset, from,
					 len));
		ASSERT_TRUE(sva_is_pattern(self->mem + offset, len,
					   offset + len * 5))
			TH_LOG("%zu bytes to offset %zu", len, offset);
		ASSERT_TRUE(sva_is_pattern(from, len, offset + len * 5));
		ASSERT_TRUE(untouched(self->area, self->area_len,
				      self->mem + offset - self->area, len));
		memset(self->mem + offset, GUARD_BYTE, len);
	}
}

/* matrix: 1 */
TEST_F(dma, cas)
{
	const uint64_t a = 0x1111222233334444, b = 0x5555666677778888;
	uint64_t *word, old;
	size_t offset;

	for (offset = 0; offset <= 4096; offset += 4096 / 8) {
		word = (uint64_t *)(self->mem + offset);
		*word = a;

		ASSERT_CAUSE(0, sva_cas(&self->t.as, word, b, ~a, &old));
		EXPECT_EQ(a, old);
		EXPECT_EQ(a, *word);

		ASSERT_CAUSE(0, sva_cas(&self->t.as, word, a, b, &old));
		EXPECT_EQ(a, old);
		EXPECT_EQ(b, *word);

		ASSERT_TRUE(untouched(self->area, self->area_len,
				      (uint8_t *)word - self->area,
				      sizeof(*word)));
		memset(word, GUARD_BYTE, sizeof(*word));
	}
}

/* The whole local memory of a channel at once */
/* matrix: 1 */
TEST_F(dma, longest)
{
	size_t len = SVA_TEST_LOCAL_SIZE;
	uint8_t *mem = sva_pages(len / sva_page_size() + 2), *buf = malloc(len);

	ASSERT_NE(NULL, buf);
	mem += 123;
	sva_pattern(mem, len, 1);
	ASSERT_CAUSE(0, sva_read(&self->t.as, mem, buf, len));
	EXPECT_TRUE(sva_is_pattern(buf, len, 1));
	sva_pattern(buf, len, 2);
	ASSERT_CAUSE(0, sva_write(&self->t.as, mem, buf, len));
	EXPECT_TRUE(sva_is_pattern(mem, len, 2));
	free(buf);
}

static bool both_ways(struct sva_as *as, uint8_t *mem, size_t len)
{
	uint8_t *buf = malloc(len);
	bool good;

	sva_pattern(mem, len, 3);
	good = !sva_read(as, mem, buf, len) && sva_is_pattern(buf, len, 3);
	sva_pattern(buf, len, 4);
	good = good && !sva_write(as, mem, buf, len) &&
	       sva_is_pattern(mem, len, 4);
	free(buf);
	return good;
}

static uint8_t in_data[5000] = { 1 };

/* Every kind of memory must work. */
/* matrix: 2 */
TEST_F(dma, kinds_of_memory)
{
	const size_t len = 5000, huge = 2 << 20;
	uint8_t in_stack[5000], *p;
	int fd;

	EXPECT_TRUE(both_ways(&self->t.as, in_data, len));
	EXPECT_TRUE(both_ways(&self->t.as, in_stack, len));

	p = malloc(len);
	EXPECT_TRUE(both_ways(&self->t.as, p, len));
	free(p);

	p = test_shared(len);
	ASSERT_NE(NULL, p);
	EXPECT_TRUE(both_ways(&self->t.as, p, len));

	fd = memfd_create("sva", 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, len));
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_TRUE(both_ways(&self->t.as, p, len));
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_TRUE(both_ways(&self->t.as, p, len));

	p = mmap(NULL, 2 * huge, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, p);
	p = (uint8_t *)(((uintptr_t)p + huge - 1) & ~(huge - 1));
	/*
	 * This fails if the kernel has no huge pages, and then tests one kind
	 * less.
	 */
	madvise(p, huge, MADV_HUGEPAGE);
	EXPECT_TRUE(both_ways(&self->t.as, p + huge / 2 + 777, len));
}

/* Every operation ends with one interrupt, and every request is counted */
TEST_F(dma, counted)
{
	bool ats = (variant->mode & SVA_TEST_MODE) == SVA_TEST_MODE_ATS;
	struct sva_test_counters c, total;
	struct sva_test_info before, after;
	size_t size = sva_page_size();

	ASSERT_EQ(0, sva_info(&self->t.sva, &before));
	ASSERT_EQ(0, sva_counters_clear(&self->t.sva));
	/* 1000 bytes in one page, then 3000 in three: four requests */
	ASSERT_CAUSE(0, sva_read(&self->t.as, self->mem, self->buf, 1000));
	ASSERT_CAUSE(0, sva_write(&self->t.as, self->mem + size - 1, self->buf,
				  size + 2));
	ASSERT_EQ(0, sva_counters(&self->t.sva, self->t.as.pasid, &c));
	ASSERT_EQ(0, sva_counters(&self->t.sva, SVA_TEST_CNT_TOTAL, &total));
	ASSERT_EQ(0, sva_info(&self->t.sva, &after));

	EXPECT_EQ(before.interrupts + 2, after.interrupts);
	EXPECT_EQ(4, c.attempts);
	EXPECT_EQ(4, c.answered);
	EXPECT_EQ(0, c.refused);
	EXPECT_EQ(1000, c.bytes_read);
	EXPECT_EQ(size + 2, c.bytes_written);
	/* The first page is translated for reading and perhaps for writing */
	if (ats) {
		EXPECT_LE(3, c.ats_requests);
		EXPECT_GE(4, c.ats_requests);
	} else {
		EXPECT_EQ(0, c.ats_requests);
	}
	EXPECT_EQ(0, c.ats_denied);
	EXPECT_EQ(0, c.page_requests);

	EXPECT_EQ(c.attempts, total.attempts);
	EXPECT_EQ(c.bytes_written, total.bytes_written);
	ASSERT_EQ(0, sva_counters(&self->t.sva, SVA_TEST_CNT_NO_PASID, &c));
	EXPECT_EQ(0, c.attempts);
}

FIXTURE(atc)
{
	struct test_dev t;
	uint64_t *mem;
};

FIXTURE_SETUP(atc)
{
	test_bind(_metadata, &self->t, SVA_TEST_MODE_ATS);
	self->mem = sva_pages(1);
	*self->mem = 1;
}

FIXTURE_TEARDOWN(atc)
{
	sva_close(&self->t.sva);
}

/* A translation must be requested once and kept until it is invalidated. */
TEST_F(atc, hits)
{
	struct sva_test_counters c;
	uint64_t word = 0;
	int i;

	ASSERT_EQ(0, sva_counters_clear(&self->t.sva));
	for (i = 0; i < 10; i++)
		ASSERT_CAUSE(0, sva_write(&self->t.as, self->mem, &word, 8));
	ASSERT_EQ(0, sva_counters(&self->t.sva, self->t.as.pasid, &c));
	EXPECT_EQ(10, c.attempts);
	EXPECT_EQ(1, c.ats_requests);
	EXPECT_EQ(9, c.atc_hits);
}

TEST_HARNESS_MAIN
