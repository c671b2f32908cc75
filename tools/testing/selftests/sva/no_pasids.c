// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device that has no PASIDs, or whose IOMMU has none. It can use the DMA API,
 * and binding must fail with a clear error.
 */
#include "test_dev.h"

#define LEN	256

FIXTURE(no_pasids)
{
	struct test_dev t;
	struct sva_as rid;
	struct sva_test_dma dma;
	uint8_t buf[LEN];
};

FIXTURE_SETUP(no_pasids)
{
	struct test_dev *t = &self->t;
	int nr = 0;

	for (;;) {
		if (!test_next(t, &nr))
			SKIP(_exit(KSFT_SKIP), "no device without PASIDs");
		/* PASID 0 alone is none */
		if (t->info.max_pasids <= 1)
			break;
		sva_close(&t->sva);
	}
	if (t->info.domain == SVA_DOMAIN_PT)
		SKIP(_exit(KSFT_SKIP), "the device's memory is not translated");
	self->rid.sva = &t->sva;
	self->rid.as = SVA_TEST_AS_RID;
}

FIXTURE_TEARDOWN(no_pasids)
{
	sva_close(&self->t.sva);
}

static void alloc(struct __test_metadata *_metadata, TEST_SELF(no_pasids))
{
	self->dma = (struct sva_test_dma) { .len = sva_page_size() };
	ASSERT_EQ(0, sva_ioctl(&self->t.sva, SVA_TEST_IOC_DMA_ALLOC,
			       &self->dma));
	self->dma.len = LEN;
	self->dma.buf = (uintptr_t)self->buf;
}

/* The contents before and after the access of the device */
static void put(struct __test_metadata *_metadata, TEST_SELF(no_pasids),
		uint32_t seed)
{
	sva_pattern(self->buf, LEN, seed);
	ASSERT_EQ(0, sva_ioctl(&self->t.sva, SVA_TEST_IOC_DMA_PUT, &self->dma));
}

static bool holds(TEST_SELF(no_pasids), uint32_t seed)
{
	return !sva_ioctl(&self->t.sva, SVA_TEST_IOC_DMA_GET, &self->dma) &&
	       sva_is_pattern(self->buf, LEN, seed);
}

static void *iova(TEST_SELF(no_pasids))
{
	return (void *)(uintptr_t)self->dma.iova;
}

static void expect_works(struct __test_metadata *_metadata,
			 TEST_SELF(no_pasids))
{
	put(_metadata, self, 1);
	memset(self->buf, 0, LEN);
	EXPECT_CAUSE(0, sva_read(&self->rid, iova(self), self->buf, LEN));
	EXPECT_TRUE(sva_is_pattern(self->buf, LEN, 1));
	sva_pattern(self->buf, LEN, 2);
	EXPECT_CAUSE(0, sva_write(&self->rid, iova(self), self->buf, LEN));
	EXPECT_TRUE(holds(self, 2));
}

/* As @as, neither reading nor writing may move anything. */
static void expect_fails(struct __test_metadata *_metadata,
			 TEST_SELF(no_pasids), const struct sva_as *as,
			 int cause)
{
	put(_metadata, self, 3);
	sva_pattern(self->buf, LEN, 4);
	EXPECT_CAUSE(cause, sva_read(as, iova(self), self->buf, LEN));
	EXPECT_TRUE(sva_is_pattern(self->buf, LEN, 4));
	EXPECT_CAUSE(cause, sva_write(as, iova(self), self->buf, LEN));
	EXPECT_TRUE(holds(self, 3));
}

TEST_F(no_pasids, dma)
{
	alloc(_metadata, self);
	expect_works(_metadata, self);
}

/* dma_unmap_*() can leave the invalidation to a timer, so wait for that. */
TEST_F(no_pasids, unmapped)
{
	int i;

	alloc(_metadata, self);
	expect_works(_metadata, self);
	ASSERT_EQ(0, sva_ioctl(&self->t.sva, SVA_TEST_IOC_DMA_UNMAP,
			       &self->dma));
	for (i = 0; i < 1000 && self->t.info.domain & SVA_DOMAIN_DMA_FQ; i++) {
		if (sva_read(&self->rid, iova(self), self->buf, LEN))
			break;
		usleep(10000);
	}
	expect_fails(_metadata, self, &self->rid, SVA_TEST_CAUSE_REFUSED);
}

/* An address that nobody has mapped, and memory of this process */
TEST_F(no_pasids, unknown_address)
{
	uint8_t *mem = sva_pages(1);

	alloc(_metadata, self);
	sva_pattern(mem, LEN, 5);
	sva_pattern(self->buf, LEN, 6);
	EXPECT_CAUSE(SVA_TEST_CAUSE_REFUSED,
		     sva_read(&self->rid, mem, self->buf, LEN));
	EXPECT_TRUE(sva_is_pattern(self->buf, LEN, 6));
	EXPECT_CAUSE(SVA_TEST_CAUSE_REFUSED,
		     sva_write(&self->rid, mem, self->buf, LEN));
	EXPECT_TRUE(sva_is_pattern(mem, LEN, 5));
	self->dma.iova += 16 * sva_page_size();
	sva_pattern(self->buf, LEN, 6);
	EXPECT_CAUSE(SVA_TEST_CAUSE_REFUSED,
		     sva_read(&self->rid, iova(self), self->buf, LEN));
	EXPECT_TRUE(sva_is_pattern(self->buf, LEN, 6));
}

/* A request with a PASID, if the device can make one */
TEST_F(no_pasids, forged)
{
	struct sva_as forged = test_forged(&self->t, 1);

	alloc(_metadata, self);
	expect_fails(_metadata, self, &forged,
		     self->t.info.caps & SVA_TEST_CAPS_PASID_BITS ?
		     SVA_TEST_CAUSE_REFUSED : SVA_TEST_CAUSE_COMMAND);
	expect_works(_metadata, self);
}

static int bind_number(struct sva *sva, uint32_t flags, uint32_t pasid)
{
	struct sva_test_bind arg = { .flags = flags, .pasid = pasid };

	return sva_ioctl(sva, SVA_TEST_IOC_BIND, &arg);
}

/* Binding must fail, and must leave the device as it was. */
/* matrix: 11 */
TEST_F(no_pasids, bind)
{
	uint32_t unchecked = SVA_TEST_BIND_PRIVATE | SVA_TEST_BIND_UNCHECKED;
	struct sva *sva = &self->t.sva;

	alloc(_metadata, self);
	EXPECT_EQ(-ENOSPC, bind_number(sva, 0, 0));
	EXPECT_EQ(-EOPNOTSUPP, bind_number(sva, unchecked, 1));
	EXPECT_EQ(SVA_NO_PASID, test_enqcmd_pasid(sva));
	expect_works(_metadata, self);
}

/* Its DMA is blocked meanwhile, and comes back */
TEST_F(no_pasids, function_level_reset)
{
	char path[128];

	alloc(_metadata, self);
	ASSERT_EQ(0, sva_sysfs(&self->t.sva, "reset", path, sizeof(path)));
	ASSERT_EQ(0, sva_write_file(path, "1"));
	expect_works(_metadata, self);
}

TEST_F(no_pasids, driver_unbound)
{
	struct sva_test_info info;
	char path[128];
	int i;

	alloc(_metadata, self);
	ASSERT_EQ(0, sva_sysfs(&self->t.sva, "driver/unbind", path,
			       sizeof(path)));
	ASSERT_EQ(0, sva_write_file(path, self->t.info.name));
	EXPECT_EQ(-ENODEV, sva_info(&self->t.sva, &info));
	ASSERT_EQ(0, sva_write_file("/sys/bus/pci/drivers/sva-test/bind",
				    self->t.info.name));
	strcpy(path, self->t.sva.path);
	sva_close(&self->t.sva);
	for (i = 0; i < 1000 && sva_open_path(&self->t.sva, path); i++)
		usleep(10000);
	ASSERT_LT(i, 1000);
	alloc(_metadata, self);
	expect_works(_metadata, self);
}

TEST_HARNESS_MAIN
