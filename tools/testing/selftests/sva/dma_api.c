// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PASID that stands for the DMA API's address space, as a driver uses one for
 * work that the kernel submits
 */
#include "test_dev.h"

#define LEN	256

FIXTURE(dma_api)
{
	struct test_dev t;
	struct sva_as rid;	/* no PASID */
	struct sva_as as;	/* a PASID of the DMA API's */
	struct sva_test_dma dma;
	uint8_t buf[LEN];
};

FIXTURE_VARIANT(dma_api)
{
	uint32_t mode;
};

FIXTURE_VARIANT_ADD(dma_api, untranslated)
{
	.mode = SVA_TEST_MODE_UNTRANSLATED,
};

FIXTURE_VARIANT_ADD(dma_api, ats)
{
	.mode = SVA_TEST_MODE_ATS,
};

static int attach(struct sva *sva, uint32_t *pasid, uint32_t *bond)
{
	struct sva_test_bind arg = { .pasid = *pasid };
	int ret = sva_ioctl(sva, SVA_TEST_IOC_ATTACH_DMA, &arg);

	*pasid = arg.pasid;
	*bond = arg.bond;
	return ret;
}

FIXTURE_SETUP(dma_api)
{
	struct sva *sva = &self->t.sva;

	test_open(_metadata, &self->t);
	test_mode(_metadata, &self->t, variant->mode);
	if (self->t.info.domain == SVA_DOMAIN_PT)
		SKIP(_exit(KSFT_SKIP), "the device's memory is not translated");
	self->rid = self->t.as;
	self->rid.as = SVA_TEST_AS_RID;
	self->as = self->t.as;
	ASSERT_EQ(0, attach(sva, &self->as.pasid, &self->as.bond));
	self->dma.len = sva_page_size();
	ASSERT_EQ(0, sva_ioctl(sva, SVA_TEST_IOC_DMA_ALLOC, &self->dma));
	self->dma.len = LEN;
	self->dma.buf = (uintptr_t)self->buf;
}

FIXTURE_TEARDOWN(dma_api)
{
	sva_close(&self->t.sva);
}

/* The CPU's side of the buffer */
static void put(struct __test_metadata *_metadata, TEST_SELF(dma_api),
		uint32_t seed)
{
	sva_pattern(self->buf, LEN, seed);
	ASSERT_EQ(0, sva_ioctl(&self->t.sva, SVA_TEST_IOC_DMA_PUT, &self->dma));
}

static void expect_holds(struct __test_metadata *_metadata,
			 TEST_SELF(dma_api), uint32_t seed)
{
	ASSERT_EQ(0, sva_ioctl(&self->t.sva, SVA_TEST_IOC_DMA_GET, &self->dma));
	EXPECT_TRUE(sva_is_pattern(self->buf, LEN, seed));
}

static void *iova(TEST_SELF(dma_api))
{
	return (void *)(uintptr_t)self->dma.iova;
}

static void expect_works(struct __test_metadata *_metadata,
			 TEST_SELF(dma_api), const struct sva_as *as)
{
	put(_metadata, self, 1);
	memset(self->buf, 0, LEN);
	EXPECT_CAUSE(0, sva_read(as, iova(self), self->buf, LEN));
	EXPECT_TRUE(sva_is_pattern(self->buf, LEN, 1));
	sva_pattern(self->buf, LEN, 2);
	EXPECT_CAUSE(0, sva_write(as, iova(self), self->buf, LEN));
	expect_holds(_metadata, self, 2);
}

static void expect_fails(struct __test_metadata *_metadata,
			 TEST_SELF(dma_api), const struct sva_as *as,
			 int cause)
{
	put(_metadata, self, 3);
	sva_pattern(self->buf, LEN, 4);
	EXPECT_CAUSE(cause, sva_read(as, iova(self), self->buf, LEN));
	EXPECT_TRUE(sva_is_pattern(self->buf, LEN, 4));
	EXPECT_CAUSE(cause, sva_write(as, iova(self), self->buf, LEN));
	expect_holds(_metadata, self, 3);
}

/* With the PASID and without one, the device is at the same place */
TEST_F(dma_api, both)
{
	expect_works(_metadata, self, &self->as);
	expect_works(_metadata, self, &self->rid);
}

/* dma_unmap_*() can leave the invalidation to a timer: wait for that */
static void wait_for_flush(TEST_SELF(dma_api), const struct sva_as *as)
{
	int i;

	if (!(self->t.info.domain & SVA_DOMAIN_DMA_FQ))
		return;
	for (i = 0; i < 1000 && !sva_read(as, iova(self), self->buf, LEN); i++)
		usleep(10000);
}

/* The buffer is unmapped, and keeps its memory: neither way leads there now */
TEST_F(dma_api, unmapped)
{
	int denied = test_denied(variant->mode);

	expect_works(_metadata, self, &self->as);
	expect_works(_metadata, self, &self->rid);
	ASSERT_EQ(0, sva_ioctl(&self->t.sva, SVA_TEST_IOC_DMA_UNMAP,
			       &self->dma));
	wait_for_flush(self, &self->as);
	expect_fails(_metadata, self, &self->as, denied);
	wait_for_flush(self, &self->rid);
	expect_fails(_metadata, self, &self->rid, denied);
}

TEST_F(dma_api, detached)
{
	struct sva_as forged = test_forged(&self->t, self->as.pasid);

	expect_works(_metadata, self, &self->as);
	expect_works(_metadata, self, &forged);
	ASSERT_EQ(0, sva_unbind(&self->t.sva, self->as.bond));
	expect_fails(_metadata, self, &forged, test_no_pasid(variant->mode));
	expect_works(_metadata, self, &self->rid);
}

TEST_F(dma_api, other_pasid)
{
	struct sva_as other = test_forged(&self->t,
					  self->t.info.max_pasids - 1);

	ASSERT_NE(self->as.pasid, other.pasid);
	expect_fails(_metadata, self, &other, test_no_pasid(variant->mode));
}

/* A PASID of the caller's choosing */
TEST_F(dma_api, chosen_pasid)
{
	uint32_t pasid = self->t.info.max_pasids - 1, bond;
	struct sva_as as = self->as;

	ASSERT_EQ(0, attach(&self->t.sva, &pasid, &as.bond));
	EXPECT_EQ(self->t.info.max_pasids - 1, pasid);
	as.pasid = pasid;
	expect_works(_metadata, self, &as);
	expect_works(_metadata, self, &self->as);
	EXPECT_EQ(-EBUSY, attach(&self->t.sva, &pasid, &bond));
	pasid = self->t.info.max_pasids;
	EXPECT_EQ(-EINVAL, attach(&self->t.sva, &pasid, &bond));
	EXPECT_EQ(0, sva_unbind(&self->t.sva, as.bond));
}

/* Next to a process on the same device: each PASID has its address space */
TEST_F(dma_api, beside_a_process)
{
	uint8_t *mem = sva_pages(1), buf[LEN];
	struct sva_as sva = self->t.as, crossed;

	sva_pattern(mem, LEN, 9);
	ASSERT_EQ(0, sva_bind(&self->t.sva, &sva.bond, &sva.pasid));
	ASSERT_NE(sva.pasid, self->as.pasid);
	expect_works(_metadata, self, &self->as);
	EXPECT_CAUSE(0, sva_read(&sva, mem, buf, LEN));
	EXPECT_TRUE(sva_is_pattern(buf, LEN, 9));

	/* The process's address by the DMA API's PASID, and the reverse */
	EXPECT_CAUSE(test_denied(variant->mode),
		     sva_write(&self->as, mem, self->buf, LEN));
	EXPECT_TRUE(sva_is_pattern(mem, LEN, 9));
	crossed = sva;
	expect_fails(_metadata, self, &crossed, test_denied(variant->mode));
}

TEST_HARNESS_MAIN
