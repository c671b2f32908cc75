/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory of the DMA API, and two ways of the device to it: with a PASID and without */
#ifndef TEST_DMA_API_H
#define TEST_DMA_API_H

#include "test_dev.h"

#define DMA_LEN	256

struct test_dma {
	struct test_dev t;
	struct sva_as rid;	/* no PASID */
	struct sva_as as;	/* a PASID of the DMA API's */
	struct sva_test_dma dma;
	uint8_t buf[DMA_LEN];
};

/* @pasid: 0 if the driver is to choose one */
static int __maybe_unused test_dma_attach(struct sva *sva, uint32_t *pasid,
					  uint32_t *bond)
{
	struct sva_test_bind arg = { .pasid = *pasid };
	int ret = sva_ioctl(sva, SVA_TEST_IOC_ATTACH_DMA, &arg);

	*pasid = arg.pasid;
	*bond = arg.bond;
	return ret;
}

static void __maybe_unused test_dma_open(struct __test_metadata *_metadata,
					 struct test_dma *d, uint32_t mode)
{
	test_open(_metadata, &d->t);
	test_mode(_metadata, &d->t, mode);
	d->rid = d->t.as;
	d->rid.as = SVA_TEST_AS_RID;
	d->as = d->t.as;
}

static void __maybe_unused test_dma_alloc(struct __test_metadata *_metadata,
					  struct test_dma *d)
{
	d->dma.len = sva_page_size();
	ASSERT_EQ(0, sva_ioctl(&d->t.sva, SVA_TEST_IOC_DMA_ALLOC, &d->dma));
	d->dma.len = DMA_LEN;
	d->dma.buf = (uintptr_t)d->buf;
}

/* The CPU's side of the buffer */
static void test_dma_put(struct __test_metadata *_metadata, struct test_dma *d,
			 uint32_t seed)
{
	sva_pattern(d->buf, DMA_LEN, seed);
	ASSERT_EQ(0, sva_ioctl(&d->t.sva, SVA_TEST_IOC_DMA_PUT, &d->dma));
}

static void test_dma_holds(struct __test_metadata *_metadata,
			   struct test_dma *d, uint32_t seed)
{
	ASSERT_EQ(0, sva_ioctl(&d->t.sva, SVA_TEST_IOC_DMA_GET, &d->dma));
	EXPECT_TRUE(sva_is_pattern(d->buf, DMA_LEN, seed));
}

static void *test_dma_iova(struct test_dma *d)
{
	return (void *)(uintptr_t)d->dma.iova;
}

static void __maybe_unused test_dma_works(struct __test_metadata *_metadata,
					  struct test_dma *d,
					  const struct sva_as *as)
{
	test_dma_put(_metadata, d, 1);
	memset(d->buf, 0, DMA_LEN);
	EXPECT_CAUSE(0, sva_read(as, test_dma_iova(d), d->buf, DMA_LEN));
	EXPECT_TRUE(sva_is_pattern(d->buf, DMA_LEN, 1));
	sva_pattern(d->buf, DMA_LEN, 2);
	EXPECT_CAUSE(0, sva_write(as, test_dma_iova(d), d->buf, DMA_LEN));
	test_dma_holds(_metadata, d, 2);
}

static void __maybe_unused test_dma_fails(struct __test_metadata *_metadata,
					  struct test_dma *d,
					  const struct sva_as *as, int cause)
{
	test_dma_put(_metadata, d, 3);
	sva_pattern(d->buf, DMA_LEN, 4);
	EXPECT_CAUSE(cause, sva_read(as, test_dma_iova(d), d->buf, DMA_LEN));
	EXPECT_TRUE(sva_is_pattern(d->buf, DMA_LEN, 4));
	EXPECT_CAUSE(cause, sva_write(as, test_dma_iova(d), d->buf, DMA_LEN));
	test_dma_holds(_metadata, d, 3);
}

#endif /* TEST_DMA_API_H */
