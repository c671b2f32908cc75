// SPDX-License-Identifier: GPL-2.0-only
/*
 * The system is suspended while processes are bound to the device. Afterwards
 * each PASID must lead to the same process as before, and nowhere else.
 *
 * A real suspend resets the device and the IOMMU. If the firmware does not
 * support it, /sys/power/pm_test makes the kernel go part of the way: callbacks
 * are called, but the hardware keeps its state.
 */
#include <time.h>

#include "test_dev.h"

#define LEN		TEST_WORKS_LEN
#define ASLEEP_S	3	/* plus several times the way there */

#define PM		"/sys/power/"
#define RTC		"/sys/class/rtc/rtc0/"

/* matrix: 22 */
FIXTURE(suspend)
{
	struct test_dev t;	/* its bond: by the driver's choice of PASID */
	struct sva_as global;	/* the other kind, of the same process */
	uint32_t gone;		/* a PASID that was bound */
	size_t size;
	uint8_t *mem;		/* pages that were used, and untouched ones */
	struct test_hand other;	/* a process at the same addresses */
	struct sva_test_op op;	/* something that has no end */
};

#define PAGES		8
#define UNTOUCHED	4	/* the first of these */
#define OURS		1
#define THEIRS		2

FIXTURE_VARIANT(suspend)
{
	uint32_t mode;
	uint32_t on;
	int denied;
};

FIXTURE_VARIANT_ADD(suspend, untranslated)
{
	.mode = SVA_TEST_MODE_UNTRANSLATED,
	.denied = SVA_TEST_CAUSE_REFUSED,
};

FIXTURE_VARIANT_ADD(suspend, pri)
{
	.mode = SVA_TEST_MODE_ATS | SVA_TEST_PAGE_REQUEST,
	.on = SVA_TEST_PRI_ON,
	.denied = SVA_TEST_CAUSE_PAGE_INVALID,
};

FIXTURE_VARIANT_ADD(suspend, stall)
{
	.mode = SVA_TEST_MODE_UNTRANSLATED,
	.on = SVA_TEST_STALL_ON,
	.denied = SVA_TEST_CAUSE_STALL_ABORT,
};

static bool file_has(const char *path, const char *word)
{
	char line[256] = "";
	FILE *f = fopen(path, "r");

	if (!f)
		return false;
	if (!fgets(line, sizeof(line), f))
		line[0] = 0;
	fclose(f);
	return strstr(line, word);
}

/* Return why the test is not possible, or NULL. */
static const char *lacking(bool to_ram)
{
	if (to_ram && !file_has(PM "mem_sleep", "[deep]"))
		return "no suspend to RAM";
	if (to_ram && access(RTC "wakealarm", W_OK))
		return "no alarm clock";
	if (access(PM "pm_test", W_OK))
		return "no /sys/power/pm_test";
	return NULL;
}

static long successes(void)
{
	FILE *f = fopen(PM "suspend_stats/success", "r");
	long nr = -1;

	if (f && fscanf(f, "%ld", &nr) != 1)
		nr = -1;
	if (f)
		fclose(f);
	return nr;
}

static time_t now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec;
}

/* Suspend as far as @level, and resume at once. */
static void as_far_as(struct __test_metadata *_metadata, const char *level)
{
	ASSERT_EQ(0, sva_change_file("/sys/module/suspend/parameters/pm_test_delay",
				     "0"));
	ASSERT_EQ(0, sva_change_file(PM "pm_test", level));
	EXPECT_EQ(0, sva_write_file(PM "state", "mem"));
	ASSERT_EQ(0, sva_change_file(PM "pm_test", "none"));
}

/*
 * An alarm that goes off on the way to sleep does not wake up the system. So
 * first measure how long most of the way takes, which depends on the load of
 * the host.
 */
static int long_enough(struct __test_metadata *_metadata)
{
	time_t start = now_s();

	as_far_as(_metadata, "core");
	return ASLEEP_S + 4 * (now_s() - start + 1);
}

/* For real, until the alarm goes off */
static void to_ram(struct __test_metadata *_metadata, int seconds)
{
	long before = successes();
	char alarm[16];

	/* Clear an alarm that has gone off unnoticed. */
	ASSERT_EQ(0, sva_write_file(RTC "wakealarm", "0"));
	snprintf(alarm, sizeof(alarm), "+%d", seconds);
	ASSERT_EQ(0, sva_write_file(RTC "wakealarm", alarm));
	ASSERT_EQ(0, sva_write_file(PM "state", "mem"));
	EXPECT_EQ(before + 1, successes());
}

/* Make everything that can be cached be cached, and check that it is right. */
static bool uses(const struct sva_as *as, uint8_t *mem, uint32_t seed)
{
	uint8_t buf[LEN];

	return !sva_read(as, mem, buf, LEN) && sva_is_pattern(buf, LEN, seed) &&
	       !sva_write(as, mem + LEN, buf, LEN) &&
	       sva_is_pattern(mem + LEN, LEN, seed);
}

static __noreturn void neighbour(TEST_SELF(suspend))
{
	struct sva sva;
	struct sva_as as = { .sva = &sva, .mode = self->t.as.mode };
	struct test_hand *h = &self->other;

	CHILD_CHECK(!sva_open_path(&sva, self->t.sva.path));
	CHILD_CHECK(!sva_bind_private(&sva, &as.bond, &as.pasid));
	sva_pattern(self->mem, self->size, THEIRS);
	CHILD_CHECK(uses(&as, self->mem, THEIRS));
	test_say(h);
	test_wait_go(h);
	CHILD_CHECK(uses(&as, self->mem, THEIRS));
	CHILD_CHECK(sva_is_pattern(self->mem, LEN, THEIRS));
	CHILD_CHECK(!sva_unbind(&sva, as.bond));
	_exit(0);
}

FIXTURE_SETUP(suspend)
{
	struct sva *sva = &self->t.sva;
	size_t i;

	test_open_on(_metadata, &self->t, variant->on);
	test_mode(_metadata, &self->t, variant->mode);
	self->size = sva_page_size();
	self->mem = sva_pages(PAGES);
	if (sva_bind_private(sva, &self->t.as.bond, &self->t.as.pasid) ==
	    -EOPNOTSUPP)
		SKIP(return, "no iommu_sva_bind_device_pasid()");
	if (!test_fork(_metadata, &self->other))
		neighbour(self);
	test_heard(_metadata, &self->other);

	ASSERT_EQ(0, test_bind_as(sva, &self->global, variant->mode));
	for (i = 0; i < UNTOUCHED; i++)
		sva_pattern(self->mem + i * self->size, self->size, OURS);
	EXPECT_TRUE(uses(&self->t.as, self->mem, OURS));
	EXPECT_TRUE(uses(&self->global, self->mem, OURS));
	self->op = sva_op(&self->t.as, SVA_TEST_OP_FILL,
			  self->mem + 3 * self->size, self->size);
	self->op.mode |= SVA_TEST_REPEAT;
}

FIXTURE_TEARDOWN(suspend)
{
	sva_restore_files();
	sva_close(&self->t.sva);
}

/* A PASID that was in use and has been freed */
static void bind_and_unbind(struct __test_metadata *_metadata,
			    TEST_SELF(suspend))
{
	struct sva_as as = { .sva = &self->t.sva, .mode = self->t.as.mode };

	ASSERT_EQ(0, sva_bind_private(as.sva, &as.bond, &as.pasid));
	EXPECT_TRUE(uses(&as, self->mem, OURS));
	ASSERT_EQ(0, sva_unbind(as.sva, as.bond));
	self->gone = as.pasid;
}

/* Page faults must reach the process, and the answers must reach the device. */
static void expect_faults(struct __test_metadata *_metadata,
			  TEST_SELF(suspend), const struct sva_as *as,
			  uint8_t *page)
{
	struct sva_test_counters c;

	ASSERT_EQ(0, sva_counters_clear(as->sva));
	EXPECT_CAUSE(0, sva_fill(as, page, 0x5a, LEN));
	EXPECT_TRUE(sva_is_byte(page, LEN, 0x5a));
	ASSERT_EQ(0, sva_counters(as->sva, as->pasid, &c));
	EXPECT_EQ(1, c.page_requests + c.stalls);
	EXPECT_EQ(c.page_requests, c.page_responses);
}

/* Unmapped memory can be used again, and must be out of the device's reach. */
static void expect_unmapped(struct __test_metadata *_metadata,
			    TEST_SELF(suspend), const struct sva_as *as,
			    uint8_t *page, int denied)
{
	uint8_t buf[LEN] = {}, *again;

	EXPECT_TRUE(uses(as, page, OURS));
	/*
	 * This may fail, because others allocate memory when the system wakes
	 * up.
	 */
	again = sva_reuse_page(page);
	if (again)
		sva_pattern(again, self->size, 4);
	EXPECT_CAUSE(denied, sva_read(as, page, buf, LEN));
	EXPECT_CAUSE(denied, sva_fill(as, page, 0xee, LEN));
	EXPECT_TRUE(sva_is_byte(buf, LEN, 0));
	EXPECT_TRUE(!again || sva_is_pattern(again, self->size, 4));
}

static void expect_as_before(struct __test_metadata *_metadata,
			     TEST_SELF(suspend), bool faults, int denied)
{
	struct sva_test_info info;

	ASSERT_EQ(0, sva_info(&self->t.sva, &info));
	EXPECT_EQ(self->t.info.on, info.on);
	EXPECT_TRUE(uses(&self->t.as, self->mem, OURS));
	EXPECT_TRUE(uses(&self->global, self->mem, OURS));
	if (faults) {
		expect_faults(_metadata, self, &self->t.as,
			      self->mem + UNTOUCHED * self->size);
		expect_faults(_metadata, self, &self->global,
			      self->mem + (UNTOUCHED + 1) * self->size);
	}
	expect_unmapped(_metadata, self, &self->t.as, self->mem + self->size,
			denied);
	expect_unmapped(_metadata, self, &self->global,
			self->mem + 2 * self->size, denied);
	test_go(_metadata, &self->other);
	test_join(_metadata, &self->other);
}

static void expect_end(struct __test_metadata *_metadata, TEST_SELF(suspend))
{
	struct sva *sva = &self->t.sva;
	uint8_t *mem = self->mem + 3 * self->size;
	const struct sva_as *bonds[] = { &self->t.as, &self->global };
	struct sva_as as;
	size_t i;

	test_expect_no_pasid(_metadata, &self->t, self->gone, mem);
	for (i = 0; i < ARRAY_SIZE(bonds); i++) {
		ASSERT_EQ(0, sva_unbind(sva, bonds[i]->bond));
		test_expect_no_pasid(_metadata, &self->t, bonds[i]->pasid, mem);
	}
	as = self->t.as;
	ASSERT_EQ(0, sva_bind_private(sva, &as.bond, &as.pasid));
	EXPECT_EQ(self->t.as.pasid, as.pasid);
	EXPECT_TRUE(test_works(&as, mem));
	ASSERT_EQ(0, sva_unbind(sva, as.bond));
}

/* Something is under way when it happens */
static void before(struct __test_metadata *_metadata, TEST_SELF(suspend))
{
	bind_and_unbind(_metadata, self);
	sva_stay_on_this_cpu();
	ASSERT_EQ(0, sva_submit(&self->t.sva, &self->op));
}

static void after(struct __test_metadata *_metadata, TEST_SELF(suspend),
		  bool faults, int denied)
{
	EXPECT_CAUSE(SVA_TEST_CAUSE_ABORTED,
		     sva_wait(&self->t.sva, &self->op));
	expect_as_before(_metadata, self, faults, denied);
	expect_end(_metadata, self);
}

TEST_F_TIMEOUT(suspend, to_ram, 120)
{
	int seconds;

	if (lacking(true))
		SKIP(return, "%s", lacking(true));
	seconds = long_enough(_metadata);
	before(_metadata, self);
	to_ram(_metadata, seconds);
	after(_metadata, self, variant->on, variant->denied);
}

/* Again and again, with the same bonds */
TEST_F_TIMEOUT(suspend, to_ram_twice, 120)
{
	int seconds;

	if (lacking(true))
		SKIP(return, "%s", lacking(true));
	seconds = long_enough(_metadata);
	before(_metadata, self);
	to_ram(_metadata, seconds);
	to_ram(_metadata, seconds);
	after(_metadata, self, variant->on, variant->denied);
}

/* CPUs are offline, the IOMMU's syscore callbacks are called */
TEST_F(suspend, core)
{
	if (lacking(true))
		SKIP(return, "%s", lacking(true));
	before(_metadata, self);
	as_far_as(_metadata, "core");
	after(_metadata, self, variant->on, variant->denied);
}

/* All callbacks of devices are called, suspending to idle goes no further */
TEST_F(suspend, platform)
{
	if (lacking(false))
		SKIP(return, "%s", lacking(false));
	before(_metadata, self);
	as_far_as(_metadata, "platform");
	after(_metadata, self, variant->on, variant->denied);
}

TEST_F(suspend, devices)
{
	if (lacking(false))
		SKIP(return, "%s", lacking(false));
	before(_metadata, self);
	as_far_as(_metadata, "devices");
	after(_metadata, self, variant->on, variant->denied);
}

TEST_HARNESS_MAIN
