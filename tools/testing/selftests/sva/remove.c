// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device is reset, loses its driver, or goes away, while it is in use
 */
#include <pthread.h>

#include "test_dev.h"

#define LEN	TEST_WORKS_LEN

/* matrix: 22 */
FIXTURE(remove)
{
	struct test_dev t;
	uint8_t *mem;
	struct sva_test_op op;	/* something that has no end */
	char name[32];
};

FIXTURE_VARIANT(remove)
{
	uint32_t mode;
	bool private;		/* to a PASID of the device's own */
};

FIXTURE_VARIANT_ADD(remove, untranslated)
{
	.mode = SVA_TEST_MODE_UNTRANSLATED,
};

FIXTURE_VARIANT_ADD(remove, ats)
{
	.mode = SVA_TEST_MODE_ATS,
};

FIXTURE_VARIANT_ADD(remove, private)
{
	.mode = SVA_TEST_MODE_UNTRANSLATED,
	.private = true,
};

FIXTURE_VARIANT_ADD(remove, private_ats)
{
	.mode = SVA_TEST_MODE_ATS,
	.private = true,
};

static void bind_as(struct __test_metadata *_metadata, struct test_dev *t,
		    uint32_t on, uint32_t mode, bool private)
{
	int ret;

	test_open_on(_metadata, t, on);
	test_mode(_metadata, t, mode);
	if (private) {
		ret = sva_bind_private(&t->sva, &t->as.bond, &t->as.pasid);
		if (ret == -EOPNOTSUPP)
			SKIP(_exit(KSFT_SKIP),
			     "no iommu_sva_bind_device_pasid()");
		ASSERT_EQ(0, ret);
	} else {
		ASSERT_EQ(0, test_bind_as(&t->sva, &t->as, mode));
	}
}

FIXTURE_SETUP(remove)
{
	void *way = sva_long_way(TEST_LONG_MIB);

	ASSERT_NE(NULL, way);
	bind_as(_metadata, &self->t, 0, variant->mode, variant->private);
	self->mem = sva_pages(1);
	sva_pattern(self->mem, LEN, 1);
	self->op = sva_op(&self->t.as, SVA_TEST_OP_FILL, way, TEST_LONG_LEN);
	self->op.mode |= SVA_TEST_REPEAT;
	strcpy(self->name, self->t.info.name);
}

FIXTURE_TEARDOWN(remove)
{
	sva_close(&self->t.sva);
}

/* The PASID of the process must lead nowhere, whoever opens the device. */
static void expect_no_pasid(struct __test_metadata *_metadata,
			    TEST_SELF(remove))
{
	struct test_dev fresh = {};
	struct sva_as as;

	test_open(_metadata, &fresh);
	fresh.as.mode = self->t.as.mode;
	test_expect_no_pasid(_metadata, &fresh, self->t.as.pasid, self->mem);

	/* A new bond must work. */
	ASSERT_EQ(0, test_bind_as(&fresh.sva, &as, fresh.as.mode));
	EXPECT_TRUE(test_works(&as, self->mem));
	sva_close(&fresh.sva);
}

static void expect_aborted(struct __test_metadata *_metadata,
			   TEST_SELF(remove))
{
	EXPECT_CAUSE(SVA_TEST_CAUSE_ABORTED,
		     sva_wait(&self->t.sva, &self->op));
}

/* The bond must work as before, including page faults. */
static void expect_alive(struct __test_metadata *_metadata, TEST_SELF(remove))
{
	struct sva_as as = self->t.as;
	struct sva_test_info info;
	uint8_t *untouched = sva_pages(1);

	ASSERT_EQ(0, sva_info(&self->t.sva, &info));
	EXPECT_EQ(self->t.info.on, info.on);
	EXPECT_TRUE(test_works(&as, self->mem));
	if (as.mode != SVA_TEST_MODE_ATS || !(info.on & SVA_TEST_PRI_ON))
		return;
	as.mode |= SVA_TEST_PAGE_REQUEST;
	EXPECT_CAUSE(0, sva_fill(&as, untouched, 0x5a, LEN));
	EXPECT_TRUE(sva_is_byte(untouched, LEN, 0x5a));
}

TEST_F(remove, reset_register)
{
	EXPECT_TRUE(test_works(&self->t.as, self->mem));
	ASSERT_EQ(0, sva_submit(&self->t.sva, &self->op));
	ASSERT_EQ(0, sva_reset(&self->t.sva));
	expect_aborted(_metadata, self);
	expect_alive(_metadata, self);
}

static void function_level_reset(struct __test_metadata *_metadata,
				 TEST_SELF(remove))
{
	char path[128], method[32] = "";
	FILE *f;

	ASSERT_EQ(0, sva_sysfs(&self->t.sva, "reset_method", path,
			       sizeof(path)));
	f = fopen(path, "r");
	ASSERT_NE(NULL, f);
	ASSERT_NE(NULL, fgets(method, sizeof(method), f));
	fclose(f);
	ASSERT_EQ(0, strncmp("flr", method, 3));
	ASSERT_EQ(0, sva_sysfs(&self->t.sva, "reset", path, sizeof(path)));
	ASSERT_EQ(0, sva_write_file(path, "1"));
}

/* The bond must survive a function level reset, operations must not. */
TEST_F(remove, function_level_reset)
{
	EXPECT_TRUE(test_works(&self->t.as, self->mem));
	ASSERT_EQ(0, sva_submit(&self->t.sva, &self->op));
	function_level_reset(_metadata, self);
	expect_aborted(_metadata, self);
	expect_alive(_metadata, self);
	ASSERT_EQ(0, sva_unbind(&self->t.sva, self->t.as.bond));
	expect_no_pasid(_metadata, self);
}

/* In a child: bind, through a file that others have open, and exit */
static __noreturn void bind_and_exit(TEST_SELF(remove), struct test_hand *h,
				     bool private)
{
	struct sva_as as = self->t.as;

	as.pasid = 0;
	if (private)
		CHILD_CHECK(!sva_bind_private(as.sva, &as.bond, &as.pasid));
	else
		CHILD_CHECK(!sva_bind(as.sva, &as.bond, &as.pasid));
	CHILD_CHECK(test_works(&as, self->mem));
	CHILD_CHECK(write(h->up[1], &as.pasid, sizeof(as.pasid)) ==
		    sizeof(as.pasid));
	_exit(0);
}

/* A reset must not attach the page table of a process that has exited. */
/* matrix: 19 */
TEST_F(remove, reset_after_exit)
{
	struct test_hand h;
	uint32_t pasid;
	int i;

	if (!test_fork(_metadata, &h))
		bind_and_exit(self, &h, variant->private);
	ASSERT_EQ(sizeof(pasid), read(h.up[0], &pasid, sizeof(pasid)));
	test_join(_metadata, &h);
	ASSERT_NE(self->t.as.pasid, pasid);
	for (i = 0; i < 2; i++) {
		function_level_reset(_metadata, self);
		test_expect_no_pasid(_metadata, &self->t, pasid, self->mem);
		expect_alive(_metadata, self);
	}
	/* The last one to have the file ends its bond */
	sva_close(&self->t.sva);
	expect_no_pasid(_metadata, self);
}

static void *wait_in_ioctl(void *arg)
{
	TEST_SELF(remove) = arg;

	return (void *)(intptr_t)sva_do(&self->t.sva, &self->op);
}

static void expect_dead(struct __test_metadata *_metadata,
			TEST_SELF(remove))
{
	struct sva_test_info info;
	uint32_t bond, pasid;
	char c;

	EXPECT_EQ(-ENODEV, sva_info(&self->t.sva, &info));
	EXPECT_EQ(-ENODEV, sva_read(&self->t.as, self->mem, &c, 1));
	EXPECT_EQ(-ENODEV, sva_bind(&self->t.sva, &bond, &pasid));
	EXPECT_EQ(-ENODEV, sva_unbind(&self->t.sva, self->t.as.bond));
	EXPECT_EQ(-ENODEV, sva_reset(&self->t.sva));
	EXPECT_EQ(-ENODEV, sva_ioctl(&self->t.sva, SVA_TEST_IOC_WAIT,
				     &self->op));
}

/* Wait until the path of the device is what it was before, or is gone */
static bool device_comes_back(void)
{
	int i;

	for (i = 0; i < 1000; i++) {
		if (!access(sva_path(0), R_OK | W_OK))
			return true;
		usleep(10000);
	}
	return false;
}

static void unbind_driver(struct __test_metadata *_metadata,
			  TEST_SELF(remove))
{
	char path[128];

	ASSERT_EQ(0, sva_sysfs(&self->t.sva, "driver/unbind", path,
			       sizeof(path)));
	ASSERT_EQ(0, sva_write_file(path, self->name));
}

static void bind_driver(struct __test_metadata *_metadata,
			TEST_SELF(remove))
{
	ASSERT_EQ(0, sva_write_file("/sys/bus/pci/drivers/sva-test/bind",
				    self->name));
	ASSERT_TRUE(device_comes_back());
}

TEST_F(remove, driver_unbound)
{
	EXPECT_TRUE(test_works(&self->t.as, self->mem));
	ASSERT_EQ(0, sva_submit(&self->t.sva, &self->op));
	unbind_driver(_metadata, self);
	expect_dead(_metadata, self);
	EXPECT_NE(0, access(sva_path(0), F_OK));
	bind_driver(_metadata, self);
	expect_dead(_metadata, self);
	expect_no_pasid(_metadata, self);
}

/* A process is in the driver, waiting for the device. */
TEST_F(remove, driver_unbound_in_ioctl)
{
	pthread_t thread;
	void *ret;

	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_in_ioctl, self));
	usleep(500);
	unbind_driver(_metadata, self);
	pthread_join(thread, &ret);
	/* It came too late, or was stopped */
	EXPECT_TRUE((intptr_t)ret == -ENODEV ||
		    (intptr_t)ret == SVA_TEST_CAUSE_ABORTED)
		TH_LOG("%s", sva_cause((intptr_t)ret));
	bind_driver(_metadata, self);
	expect_no_pasid(_metadata, self);
}

/* A platform device, in the midst of waiting for one page after the other */
static void unbind_platform(struct __test_metadata *_metadata, bool private)
{
	uint8_t *mem = sva_pages(1), *untouched = sva_pages(4096);
	char path[128], unbind[160];
	struct test_dev t = {};
	struct sva_test_op op;

	bind_as(_metadata, &t, SVA_TEST_STALL_ON, SVA_TEST_MODE_UNTRANSLATED,
		private);
	EXPECT_TRUE(test_works(&t.as, mem));
	op = sva_op(&t.as, SVA_TEST_OP_FILL, untouched, 4096 * sva_page_size());
	ASSERT_EQ(0, sva_submit(&t.sva, &op));
	ASSERT_EQ(0, sva_sysfs(&t.sva, "driver", path, sizeof(path)));
	snprintf(unbind, sizeof(unbind), "%s/unbind", path);
	ASSERT_EQ(0, sva_write_file(unbind, t.info.name));
	EXPECT_EQ(-ENODEV, sva_info(&t.sva, &t.info));
	EXPECT_NE(0, access(t.sva.path, F_OK));

	ASSERT_EQ(0, sva_write_file("/sys/bus/platform/drivers/sva-test/bind",
				    t.info.name));
	sva_close(&t.sva);
	ASSERT_EQ(0, sva_open_path(&t.sva, t.sva.path));
	test_expect_no_pasid(_metadata, &t, t.as.pasid, mem);
	ASSERT_EQ(0, test_bind_as(&t.sva, &t.as, t.as.mode));
	EXPECT_TRUE(test_works(&t.as, mem));
	sva_close(&t.sva);
}

/* matrix: 22 */
TEST(platform_driver_unbound)
{
	unbind_platform(_metadata, false);
}

/* matrix: 22 */
TEST(platform_driver_unbound_private)
{
	unbind_platform(_metadata, true);
}

TEST_F(remove, unplugged)
{
	char path[128];

	EXPECT_TRUE(test_works(&self->t.as, self->mem));
	ASSERT_EQ(0, sva_submit(&self->t.sva, &self->op));
	ASSERT_EQ(0, sva_sysfs(&self->t.sva, "remove", path, sizeof(path)));
	ASSERT_EQ(0, sva_write_file(path, "1"));
	expect_dead(_metadata, self);
	ASSERT_EQ(0, sva_write_file("/sys/bus/pci/rescan", "1"));
	ASSERT_TRUE(device_comes_back());
	expect_dead(_metadata, self);
	expect_no_pasid(_metadata, self);
}

TEST_HARNESS_MAIN
