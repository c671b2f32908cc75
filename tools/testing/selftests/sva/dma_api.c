// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASIDs for the DMA API's address space, which drivers use for work that the
 * kernel submits
 */
#include "test_dma_api.h"

FIXTURE(dma_api)
{
	struct test_dma d;
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

FIXTURE_SETUP(dma_api)
{
	test_dma_open(_metadata, &self->d, variant->mode);
	if (self->d.t.info.domain == SVA_DOMAIN_PT)
		SKIP(_exit(KSFT_SKIP), "the device's memory is not translated");
	ASSERT_EQ(0, test_dma_attach(&self->d.t.sva, &self->d.as.pasid,
				     &self->d.as.bond));
	test_dma_alloc(_metadata, &self->d);
}

FIXTURE_TEARDOWN(dma_api)
{
	sva_close(&self->d.t.sva);
}

/* Requests with the PASID and without one reach the same memory. */
TEST_F(dma_api, both)
{
	test_dma_works(_metadata, &self->d, &self->d.as);
	test_dma_works(_metadata, &self->d, &self->d.rid);
}

/*
 * dma_unmap_*() can leave the invalidation to a timer. It is the same one for
 * both ways.
 */
static void wait_for_flush(TEST_SELF(dma_api))
{
	void *iova = test_dma_iova(&self->d);
	uint8_t buf[DMA_LEN];
	int i;

	if (!(self->d.t.info.domain & SVA_DOMAIN_DMA_FQ))
		return;
	for (i = 0; i < 1000; i++) {
		if (sva_read(&self->d.as, iova, buf, DMA_LEN) &&
		    sva_read(&self->d.rid, iova, buf, DMA_LEN))
			return;
		usleep(10000);
	}
}

/*
 * The buffer is unmapped but not freed. Neither kind of request may reach it.
 */
TEST_F(dma_api, unmapped)
{
	int denied = test_denied(variant->mode);

	test_dma_works(_metadata, &self->d, &self->d.as);
	test_dma_works(_metadata, &self->d, &self->d.rid);
	ASSERT_EQ(0, sva_ioctl(&self->d.t.sva, SVA_TEST_IOC_DMA_UNMAP,
			       &self->d.dma));
	wait_for_flush(self);
	test_dma_fails(_metadata, &self->d, &self->d.as, denied);
	test_dma_fails(_metadata, &self->d, &self->d.rid, denied);
}

static void read_line(const char *path, char *line, size_t len)
{
	FILE *f = fopen(path, "r");

	line[0] = 0;
	if (!f)
		return;
	if (fgets(line, len, f))
		line[strcspn(line, "\n")] = 0;
	fclose(f);
}

/*
 * Lazy or strict: what the tests above go by is what the device has, and what
 * was asked for if anything was.
 */
TEST_F(dma_api, as_asked)
{
	bool lazy = self->d.t.info.domain & SVA_DOMAIN_DMA_FQ;
	char path[256], line[4096];

	ASSERT_EQ(0, sva_sysfs(&self->d.t.sva, "iommu_group/type", path,
			       sizeof(path)));
	read_line(path, line, sizeof(line));
	EXPECT_STREQ(lazy ? "DMA-FQ" : "DMA", line);
	read_line("/proc/cmdline", line, sizeof(line));
	if (strstr(line, "iommu.strict=0"))
		EXPECT_TRUE(lazy);
	if (strstr(line, "iommu.strict=1"))
		EXPECT_FALSE(lazy);
}

TEST_F(dma_api, detached)
{
	struct sva_as forged = test_forged(&self->d.t, self->d.as.pasid);

	test_dma_works(_metadata, &self->d, &self->d.as);
	test_dma_works(_metadata, &self->d, &forged);
	ASSERT_EQ(0, sva_unbind(&self->d.t.sva, self->d.as.bond));
	test_dma_fails(_metadata, &self->d, &forged, test_no_pasid(variant->mode));
	test_dma_works(_metadata, &self->d, &self->d.rid);
}

TEST_F(dma_api, other_pasid)
{
	struct sva_as other = test_forged(&self->d.t,
					  self->d.t.info.max_pasids - 1);

	ASSERT_NE(self->d.as.pasid, other.pasid);
	test_dma_fails(_metadata, &self->d, &other, test_no_pasid(variant->mode));
}

/* A PASID that the caller has chosen */
TEST_F(dma_api, chosen_pasid)
{
	uint32_t pasid = self->d.t.info.max_pasids - 1, bond;
	struct sva_as as = self->d.as;

	ASSERT_EQ(0, test_dma_attach(&self->d.t.sva, &pasid, &as.bond));
	EXPECT_EQ(self->d.t.info.max_pasids - 1, pasid);
	as.pasid = pasid;
	test_dma_works(_metadata, &self->d, &as);
	test_dma_works(_metadata, &self->d, &self->d.as);
	EXPECT_EQ(-EBUSY, test_dma_attach(&self->d.t.sva, &pasid, &bond));
	pasid = self->d.t.info.max_pasids;
	EXPECT_EQ(-EINVAL, test_dma_attach(&self->d.t.sva, &pasid, &bond));
	EXPECT_EQ(0, sva_unbind(&self->d.t.sva, as.bond));
}

/* A process on the same device: each PASID has its own address space. */
TEST_F(dma_api, beside_a_process)
{
	uint8_t *mem = sva_pages(1), buf[DMA_LEN];
	struct sva_as sva = self->d.t.as, crossed;

	sva_pattern(mem, DMA_LEN, 9);
	ASSERT_EQ(0, sva_bind(&self->d.t.sva, &sva.bond, &sva.pasid));
	ASSERT_NE(sva.pasid, self->d.as.pasid);
	test_dma_works(_metadata, &self->d, &self->d.as);
	EXPECT_CAUSE(0, sva_read(&sva, mem, buf, DMA_LEN));
	EXPECT_TRUE(sva_is_pattern(buf, DMA_LEN, 9));

	/* Use the process's address with the DMA API's PASID, and vice versa */
	EXPECT_CAUSE(test_denied(variant->mode),
		     sva_write(&self->d.as, mem, self->d.buf, DMA_LEN));
	EXPECT_TRUE(sva_is_pattern(mem, DMA_LEN, 9));
	crossed = sva;
	test_dma_fails(_metadata, &self->d, &crossed, test_denied(variant->mode));
}

TEST_HARNESS_MAIN
