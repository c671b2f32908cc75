// SPDX-License-Identifier: GPL-2.0-only
/*
 * With iommu.block_unbound=all, fail every allocation of binding and unbinding a
 * driver once. Whatever becomes of the call, the device is blocked if it has no
 * driver. The number of injection points is printed.
 */
#include "test_dev.h"
#include "test_pci.h"

#define LEN		64
#define MAX_POINTS	2000
#define DRIVER		"/sys/bus/pci/drivers/sva-test/"

FIXTURE(block_fail)
{
	struct test_dev t;
	struct test_regs regs;
	uint8_t *mem;
	uint64_t physical;	/* its address */
	char name[32];
};

static bool is_bound(TEST_SELF(block_fail))
{
	char path[128];

	pci_path(self->name, "driver", path, sizeof(path));
	return !access(path, F_OK);
}

FIXTURE_SETUP(block_fail)
{
	char state[32];

	if (access("/proc/thread-self/fail-nth", W_OK) ||
	    sva_change_file("/sys/kernel/debug/failslab/ignore-gfp-wait", "N"))
		SKIP(_exit(KSFT_SKIP), "no fault injection");
	sva_change_file("/sys/kernel/debug/failslab/verbose", "0");
	sva_change_file("/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait",
			"N");
	sva_change_file("/sys/kernel/debug/fail_page_alloc/verbose", "0");
	test_open(_metadata, &self->t);
	strcpy(self->name, self->t.info.name);
	sva_close(&self->t.sva);
	/* One that the driver leaves alone */
	self->regs.channel = SVA_TEST_NR_CHANNELS - 1;
	self->regs.select = SVA_TEST_CNT_TOTAL;
	ASSERT_EQ(0, map_registers(&self->regs, self->name));
	self->mem = sva_pages(1);
	sva_pattern(self->mem, LEN, 1);
	self->physical = sva_pfn(self->mem) * sva_page_size();
	ASSERT_NE(0, self->physical);

	/* What it does untranslated reaches memory, unless it is blocked. */
	ASSERT_EQ(0, pci_write(self->name, "driver/unbind", self->name));
	pci_read(self->name, "iommu_group/dma_state", state, sizeof(state));
	ASSERT_STREQ("blocked", state);
	ASSERT_EQ(0, pci_write(self->name, "iommu_group/type", "identity"));
}

FIXTURE_TEARDOWN(block_fail)
{
	sva_restore_files();
	if (is_bound(self))
		pci_write(self->name, "driver/unbind", self->name);
	set_reg(&self->regs, SVA_TEST_RESET, 1);
	pci_write(self->name, "enable", "0");
	pci_write(self->name, "iommu_group/type", "auto");
	sva_write_file(DRIVER "bind", self->name);
	EXPECT_TRUE(SOON(10000, !access(self->t.sva.path, R_OK | W_OK)));
}

/* Write the device's name while the @nth allocation fails. Was there that many? */
static bool write_failing(struct __test_metadata *_metadata,
			  TEST_SELF(block_fail), const char *path,
			  unsigned int nth, bool *failed)
{
	int fail = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	int file = open(path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(self->name);
	char text[16] = "";

	ASSERT_LE(0, fail);
	ASSERT_LE(0, file);
	snprintf(text, sizeof(text), "%u", nth);
	ASSERT_EQ(strlen(text), write(fail, text, strlen(text)));
	*failed = write(file, self->name, len) != (ssize_t)len;
	memset(text, 0, sizeof(text));
	ASSERT_LT(0, pread(fail, text, sizeof(text) - 1, 0));
	ASSERT_EQ(1, pwrite(fail, "0", 1, 0));
	close(file);
	close(fail);
	return !atoi(text);
}

static void expect_state(struct __test_metadata *_metadata,
			 TEST_SELF(block_fail), unsigned int nth,
			 const char *state)
{
	char text[64];

	pci_read(self->name, "iommu_group/dma_state", text, sizeof(text));
	EXPECT_STREQ(state, text) TH_LOG("allocation %u", nth);
}

/* The device goes on by itself, and nothing moves. */
static void expect_blocked(struct __test_metadata *_metadata,
			   TEST_SELF(block_fail), unsigned int nth)
{
	expect_state(_metadata, self, nth, "blocked");
	ASSERT_EQ(0, pci_write(self->name, "enable", "1"));
	set_reg(&self->regs, SVA_TEST_CNT_CLEAR, 1);
	/* It may have been written to while there was a driver. */
	sva_pattern(self->mem, LEN, 1);
	run_free(&self->regs, self->physical, LEN, 0xee,
		 SVA_TEST_MODE_UNTRANSLATED);
	EXPECT_TRUE(SOON(10000,
			 counter(&self->regs, SVA_TEST_CNT_REFUSED) >= 3 ||
			 counter(&self->regs, SVA_TEST_CNT_ANSWERED)));
	EXPECT_LE(3, counter(&self->regs, SVA_TEST_CNT_REFUSED));
	EXPECT_EQ(0, counter(&self->regs, SVA_TEST_CNT_ANSWERED));
	EXPECT_TRUE(sva_is_pattern(self->mem, LEN, 1))
		TH_LOG("allocation %u", nth);
	/* It goes on from here, while a driver is bound and unbound. */
	ASSERT_EQ(0, pci_write(self->name, "enable", "0"));
}

static void sweep_bind(struct __test_metadata *_metadata, TEST_SELF(block_fail))
{
	unsigned int nth, failed = 0;
	bool more = true, fails;

	for (nth = 1; nth < MAX_POINTS && more; nth++) {
		more = write_failing(_metadata, self, DRIVER "bind", nth,
				     &fails);
		if (is_bound(self)) {
			expect_state(_metadata, self, nth, "driver");
			EXPECT_FALSE(fails);
			ASSERT_EQ(0, pci_write(self->name, "driver/unbind",
					       self->name));
		} else {
			failed++;
			EXPECT_TRUE(more);
		}
		expect_blocked(_metadata, self, nth);
	}
	EXPECT_FALSE(more);
	TH_LOG("bind: %u points, %u fail, %u do not", nth - 2, failed,
	       nth - 2 - failed);
	EXPECT_LT(2, failed);
}

/* Unbinding cannot fail, once it has begun. */
static void sweep_unbind(struct __test_metadata *_metadata,
			 TEST_SELF(block_fail))
{
	unsigned int nth, failed = 0;
	bool more = true, fails;

	for (nth = 1; nth < MAX_POINTS && more; nth++) {
		ASSERT_EQ(0, sva_write_file(DRIVER "bind", self->name));
		more = write_failing(_metadata, self, DRIVER "unbind", nth,
				     &fails);
		EXPECT_EQ(fails, is_bound(self));
		if (is_bound(self)) {
			failed++;
			expect_state(_metadata, self, nth, "driver");
			ASSERT_EQ(0, pci_write(self->name, "driver/unbind",
					       self->name));
		}
		expect_blocked(_metadata, self, nth);
	}
	EXPECT_FALSE(more);
	TH_LOG("unbind: %u points, with %u of them it does not begin", nth - 2,
	       failed);
	EXPECT_GE(1, failed);
}

/* matrix: 24 27 */
TEST_F_TIMEOUT(block_fail, bind_and_unbind, 600)
{
	sweep_bind(_metadata, self);
	sweep_unbind(_metadata, self);
}

TEST_HARNESS_MAIN
