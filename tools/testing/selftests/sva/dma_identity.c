// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PASID that stands for the DMA API's address space where that is all of the
 * memory (iommu.passthrough=1). VT-d attaches it and reaches everything, SMMUv3
 * cannot: requests without a PASID bypass it, those with one need a page table.
 */
#include "test_dma_api.h"

FIXTURE(dma_identity)
{
	struct test_dma d;
	uint32_t pasid;		/* chosen by us */
	int error;		/* what attaching it came to */
};

FIXTURE_VARIANT(dma_identity)
{
	uint32_t mode;
};

FIXTURE_VARIANT_ADD(dma_identity, untranslated)
{
	.mode = SVA_TEST_MODE_UNTRANSLATED,
};

FIXTURE_VARIANT_ADD(dma_identity, ats)
{
	.mode = SVA_TEST_MODE_ATS,
};

FIXTURE_SETUP(dma_identity)
{
	struct test_dma *d = &self->d;

	test_dma_open(_metadata, d, variant->mode);
	if (d->t.info.domain != SVA_DOMAIN_PT)
		SKIP(_exit(KSFT_SKIP), "the device's memory is translated");
	test_dma_alloc(_metadata, d);
	self->pasid = d->t.info.max_pasids - 1;
	d->as.pasid = self->pasid;
	self->error = test_dma_attach(&d->t.sva, &d->as.pasid, &d->as.bond);
}

FIXTURE_TEARDOWN(dma_identity)
{
	sva_close(&self->d.t.sva);
}

static void skip_if_refused(struct __test_metadata *_metadata,
			    TEST_SELF(dma_identity))
{
	if (self->error == -EOPNOTSUPP)
		SKIP(_exit(KSFT_SKIP), "identity cannot have a PASID");
	ASSERT_EQ(0, self->error);
}

TEST_F(dma_identity, both)
{
	skip_if_refused(_metadata, self);
	test_dma_works(_metadata, &self->d, &self->d.as);
	test_dma_works(_metadata, &self->d, &self->d.rid);
}

/* Nobody takes anything away from either of the two */
TEST_F(dma_identity, unmapped)
{
	skip_if_refused(_metadata, self);
	ASSERT_EQ(0, sva_ioctl(&self->d.t.sva, SVA_TEST_IOC_DMA_UNMAP,
			       &self->d.dma));
	test_dma_works(_metadata, &self->d, &self->d.as);
	test_dma_works(_metadata, &self->d, &self->d.rid);
}

/* Without a PASID ATS can be off. */
TEST_F(dma_identity, detached)
{
	struct sva_as forged = test_forged(&self->d.t, self->pasid);

	skip_if_refused(_metadata, self);
	test_dma_works(_metadata, &self->d, &forged);
	ASSERT_EQ(0, sva_unbind(&self->d.t.sva, self->d.as.bond));
	test_dma_fails(_metadata, &self->d, &forged,
		       test_no_pasid(variant->mode));
	self->d.rid.mode = SVA_TEST_MODE_UNTRANSLATED;
	test_dma_works(_metadata, &self->d, &self->d.rid);
}

/* Refused, and nothing is left of it: the number is good for a process */
TEST_F(dma_identity, refused)
{
	struct sva_as as = test_forged(&self->d.t, self->pasid);
	uint8_t *mem = sva_pages(1);
	uint32_t bond;

	if (!self->error)
		SKIP(return, "identity can have a PASID");
	ASSERT_EQ(-EOPNOTSUPP, self->error);
	test_dma_fails(_metadata, &self->d, &as, test_no_pasid(variant->mode));
	self->d.rid.mode = SVA_TEST_MODE_UNTRANSLATED;
	test_dma_works(_metadata, &self->d, &self->d.rid);
	ASSERT_EQ(0, sva_bind_private(&self->d.t.sva, &bond, &self->pasid));
	EXPECT_TRUE(test_works(&as, mem));
	ASSERT_EQ(0, sva_unbind(&self->d.t.sva, bond));
}

TEST_HARNESS_MAIN
