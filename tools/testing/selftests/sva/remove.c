// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device is reset, loses its driver, or goes away, while it is in use
 */
#include <pthread.h>

#include "test_dev.h"

#define LEN		64
#define LONG_MIB	64

FIXTURE(remove)
{
	struct test_dev t;
	uint8_t *mem;
	struct sva_test_op op;	/* something that takes the device long */
	char name[32];
};

FIXTURE_VARIANT(remove)
{
	uint32_t mode;
};

FIXTURE_VARIANT_ADD(remove, untranslated)
{
	.mode = SVA_TEST_MODE_UNTRANSLATED,
};

FIXTURE_VARIANT_ADD(remove, ats)
{
	.mode = SVA_TEST_MODE_ATS,
};

FIXTURE_SETUP(remove)
{
	void *way = sva_long_way(LONG_MIB);

	ASSERT_NE(NULL, way);
	test_bind(_metadata, &self->t, variant->mode);
	self->mem = sva_pages(1);
	sva_pattern(self->mem, LEN, 1);
	self->op = sva_op(&self->t.as, SVA_TEST_OP_FILL, way, LONG_MIB << 20);
	strcpy(self->name, self->t.info.name);
}

FIXTURE_TEARDOWN(remove)
{
	sva_close(&self->t.sva);
}

static bool works(const struct sva_as *as, uint8_t *mem)
{
	uint8_t buf[LEN];

	sva_pattern(mem, LEN, 8);
	if (sva_read(as, mem, buf, LEN) || !sva_is_pattern(buf, LEN, 8))
		return false;
	sva_pattern(buf, LEN, 9);
	return !sva_write(as, mem, buf, LEN) && sva_is_pattern(mem, LEN, 9);
}

/* Nobody answers to the PASID of the process, for whoever opens the device */
static void expect_no_pasid(struct __test_metadata *_metadata,
			    TEST_SELF(remove))
{
	int cause = test_no_pasid(self->t.as.mode);
	struct test_dev fresh = {};
	uint8_t buf[LEN] = {};
	struct sva_as as;

	test_open(_metadata, &fresh);
	fresh.as.mode = self->t.as.mode;
	as = test_forged(&fresh, self->t.as.pasid);
	EXPECT_CAUSE(cause, sva_read(&as, self->mem, buf, LEN));
	EXPECT_CAUSE(cause, sva_write(&as, self->mem, buf, LEN));
	EXPECT_TRUE(sva_is_byte(buf, LEN, 0));

	/* And it is as good as new for who binds to it */
	as = fresh.as;
	as.sva = &fresh.sva;
	ASSERT_EQ(0, sva_bind(&fresh.sva, &as.bond, &as.pasid));
	EXPECT_TRUE(works(&as, self->mem));
	sva_close(&fresh.sva);
}

static void expect_aborted(struct __test_metadata *_metadata,
			   TEST_SELF(remove))
{
	ASSERT_EQ(0, sva_ioctl(&self->t.sva, SVA_TEST_IOC_WAIT, &self->op));
	EXPECT_CAUSE(SVA_TEST_CAUSE_ABORTED, sva_outcome(&self->op));
	EXPECT_GT(LONG_MIB << 20, self->op.bytes);
}

TEST_F(remove, reset_register)
{
	EXPECT_TRUE(works(&self->t.as, self->mem));
	ASSERT_EQ(0, sva_ioctl(&self->t.sva, SVA_TEST_IOC_SUBMIT, &self->op));
	ASSERT_EQ(0, sva_reset(&self->t.sva));
	expect_aborted(_metadata, self);
	EXPECT_TRUE(works(&self->t.as, self->mem));
}

/* The bond survives a function level reset, what was under way does not */
TEST_F(remove, function_level_reset)
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

	EXPECT_TRUE(works(&self->t.as, self->mem));
	ASSERT_EQ(0, sva_ioctl(&self->t.sva, SVA_TEST_IOC_SUBMIT, &self->op));
	ASSERT_EQ(0, sva_sysfs(&self->t.sva, "reset", path, sizeof(path)));
	ASSERT_EQ(0, sva_write_file(path, "1"));
	expect_aborted(_metadata, self);
	EXPECT_TRUE(works(&self->t.as, self->mem));
	ASSERT_EQ(0, sva_unbind(&self->t.sva, self->t.as.bond));
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

	for (i = 0; i < 300; i++) {
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
	EXPECT_TRUE(works(&self->t.as, self->mem));
	ASSERT_EQ(0, sva_ioctl(&self->t.sva, SVA_TEST_IOC_SUBMIT, &self->op));
	unbind_driver(_metadata, self);
	expect_dead(_metadata, self);
	EXPECT_NE(0, access(sva_path(0), F_OK));
	bind_driver(_metadata, self);
	expect_dead(_metadata, self);
	expect_no_pasid(_metadata, self);
}

/* Somebody is in the driver, waiting for the device */
TEST_F(remove, driver_unbound_in_ioctl)
{
	pthread_t thread;
	void *ret;

	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_in_ioctl, self));
	usleep(5000);
	unbind_driver(_metadata, self);
	pthread_join(thread, &ret);
	/* It came too late, or was stopped */
	EXPECT_TRUE((intptr_t)ret == -ENODEV ||
		    (intptr_t)ret == SVA_TEST_CAUSE_ABORTED)
		TH_LOG("%s", sva_cause((intptr_t)ret));
	bind_driver(_metadata, self);
	expect_no_pasid(_metadata, self);
}

TEST_F(remove, unplugged)
{
	char path[128];

	EXPECT_TRUE(works(&self->t.as, self->mem));
	ASSERT_EQ(0, sva_ioctl(&self->t.sva, SVA_TEST_IOC_SUBMIT, &self->op));
	ASSERT_EQ(0, sva_sysfs(&self->t.sva, "remove", path, sizeof(path)));
	ASSERT_EQ(0, sva_write_file(path, "1"));
	expect_dead(_metadata, self);
	ASSERT_EQ(0, sva_write_file("/sys/bus/pci/rescan", "1"));
	ASSERT_TRUE(device_comes_back());
	expect_dead(_metadata, self);
	expect_no_pasid(_metadata, self);
}

TEST_HARNESS_MAIN
