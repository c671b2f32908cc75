// SPDX-License-Identifier: GPL-2.0-only
/* Bonds on PASIDs that the driver of the device has chosen */
#include <sched.h>

#include "test_dev.h"

#define LEN	TEST_WORKS_LEN

#define UNCHECKED	(SVA_TEST_BIND_PRIVATE | SVA_TEST_BIND_UNCHECKED)

FIXTURE(private)
{
	struct test_dev t;
	uint8_t *mem;		/* a page that was touched */
	uint32_t low, high;	/* the smallest and the largest PASID */
	uint8_t buf[LEN];
};

FIXTURE_VARIANT(private)
{
	uint32_t mode;
};

FIXTURE_VARIANT_ADD(private, untranslated)
{
	.mode = SVA_TEST_MODE_UNTRANSLATED,
};

FIXTURE_VARIANT_ADD(private, ats)
{
	.mode = SVA_TEST_MODE_ATS,
};

/* An older kernel does not have the call, and there is nothing to test. */
static void private_open(struct __test_metadata *_metadata,
			 struct test_dev *t, uint32_t mode)
{
	struct sva_as as;
	int ret;

	test_open(_metadata, t);
	test_mode(_metadata, t, mode);
	as = t->as;
	ret = sva_bind_private(&t->sva, &as.bond, &as.pasid);
	if (ret == -EOPNOTSUPP)
		SKIP(_exit(KSFT_SKIP), "no iommu_sva_bind_device_pasid()");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, sva_unbind(&t->sva, as.bond));
}

FIXTURE_SETUP(private)
{
	private_open(_metadata, &self->t, variant->mode);
	self->mem = sva_pages(1);
	sva_pattern(self->mem, sva_page_size(), 1);
	self->low = 1;
	self->high = self->t.info.max_pasids - 1;
	/* Tests want some numbers that differ */
	if (self->high <= 8)
		SKIP(return, "no more than %u PASIDs", self->high);
}

FIXTURE_TEARDOWN(private)
{
	sva_close(&self->t.sva);
}

/* A bond on @pasid, or if that is 0 on one that the driver takes */
static int bind_to(struct sva *sva, struct sva_as *as, uint32_t mode,
		   uint32_t pasid)
{
	*as = (struct sva_as) { .sva = sva, .mode = mode, .pasid = pasid };
	return sva_bind_private(sva, &as->bond, &as->pasid);
}

/* Bypass the checks of the driver, so that the IOMMU core has to find errors */
static int unchecked(struct sva *sva, struct sva_test_bind arg)
{
	arg.flags |= UNCHECKED;
	return sva_ioctl(sva, SVA_TEST_IOC_BIND, &arg);
}

static int unchecked_pasid(struct sva *sva, uint32_t pasid)
{
	return unchecked(sva, (struct sva_test_bind) { .pasid = pasid });
}

TEST_F(private, unbind)
{
	struct sva_as as;
	int i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, bind_to(&self->t.sva, &as, variant->mode, 0));
		EXPECT_LE(self->low, as.pasid);
		EXPECT_GE(self->high, as.pasid);
		EXPECT_TRUE(test_works(&as, self->mem));
		ASSERT_EQ(0, sva_unbind(&self->t.sva, as.bond));
		EXPECT_EQ(-ENOENT, sva_read(&as, self->mem, self->buf, LEN));
		test_expect_no_pasid(_metadata, &self->t, as.pasid, self->mem);
	}
}

/* The number that was asked for is the one that the device uses */
/* matrix: 11 18 */
TEST_F(private, chosen_number)
{
	uint32_t numbers[] = { self->low, 5, self->high };
	struct sva_test_counters c;
	struct sva_as as, forged;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		ASSERT_EQ(0, bind_to(&self->t.sva, &as, variant->mode,
				     numbers[i]));
		EXPECT_EQ(numbers[i], as.pasid);
		ASSERT_EQ(0, sva_counters_clear(&self->t.sva));
		EXPECT_TRUE(test_works(&as, self->mem));
		ASSERT_EQ(0, sva_counters(&self->t.sva, numbers[i], &c));
		EXPECT_EQ(LEN, c.bytes_read);
		EXPECT_EQ(LEN, c.bytes_written);
		forged = test_forged(&self->t, numbers[i]);
		EXPECT_TRUE(test_works(&forged, self->mem));
		ASSERT_EQ(0, sva_unbind(&self->t.sva, as.bond));
		test_expect_no_pasid(_metadata, &self->t, numbers[i],
				     self->mem);
	}
}

/* The table in the kernel-doc: what a caller can get wrong */
/* matrix: 11 */
TEST_F(private, wrong_arguments)
{
	struct sva *sva = &self->t.sva;
	struct sva_test_bind no_mm = {
		.flags = SVA_TEST_BIND_NO_MM,
		.pasid = self->high,
	};
	struct sva_as as;

	EXPECT_EQ(-EINVAL, unchecked_pasid(sva, 0));
	EXPECT_EQ(-EINVAL, unchecked_pasid(sva, SVA_NO_PASID));
	EXPECT_EQ(-EINVAL, unchecked_pasid(sva, self->t.info.max_pasids));
	EXPECT_EQ(-EINVAL, unchecked_pasid(sva, 0x7fffffff));
	EXPECT_EQ(-EINVAL, unchecked_pasid(sva, 0x80000000));
	EXPECT_EQ(-EINVAL, unchecked(sva, no_mm));
	EXPECT_EQ(-EINVAL, bind_to(sva, &as, 0, self->t.info.max_pasids));
	EXPECT_EQ(-EINVAL, bind_to(sva, &as, 0, SVA_NO_PASID));

	/* None of the errors may leave anything behind. */
	EXPECT_EQ(SVA_NO_PASID, test_enqcmd_pasid(sva));
	ASSERT_EQ(0, bind_to(sva, &as, variant->mode, self->high));
	EXPECT_TRUE(test_works(&as, self->mem));
}

/* Bypassing the driver's checks needs a capability. */
TEST_F(private, capability)
{
	struct sva_as as;

	ASSERT_EQ(0, seteuid(1));
	EXPECT_EQ(-EPERM, unchecked_pasid(&self->t.sva, self->high));
	ASSERT_EQ(0, bind_to(&self->t.sva, &as, variant->mode, self->high));
	EXPECT_TRUE(test_works(&as, self->mem));
}

/* One mm on two devices, with a different number on each */
/* matrix: 12 */
TEST_F(private, two_devices)
{
	struct test_dev other = {};
	struct sva_as a, b;

	test_open_nr(_metadata, &other, 1);
	test_mode(_metadata, &other, variant->mode);
	ASSERT_EQ(0, bind_to(&self->t.sva, &a, variant->mode, 3));
	ASSERT_EQ(0, bind_to(&other.sva, &b, variant->mode, 7));
	EXPECT_EQ(3, a.pasid);
	EXPECT_EQ(7, b.pasid);
	EXPECT_TRUE(test_works(&a, self->mem));
	EXPECT_TRUE(test_works(&b, self->mem));
	/* Neither device may use the number of the other. */
	test_expect_no_pasid(_metadata, &self->t, 7, self->mem);
	test_expect_no_pasid(_metadata, &other, 3, self->mem);

	ASSERT_EQ(0, sva_unbind(&self->t.sva, a.bond));
	test_expect_no_pasid(_metadata, &self->t, 3, self->mem);
	EXPECT_TRUE(test_works(&b, self->mem));
	ASSERT_EQ(0, sva_unbind(&other.sva, b.bond));
	test_expect_no_pasid(_metadata, &other, 7, self->mem);
}

/* Two PASIDs of one mm on one device. Ending one must not affect the other. */
/* matrix: 14 */
TEST_F(private, two_pasids)
{
	void *mem = sva_long_way(TEST_LONG_MIB);
	struct sva_test_op op;
	struct sva_as a, b;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, bind_to(&self->t.sva, &a, variant->mode, 0));
	ASSERT_EQ(0, bind_to(&self->t.sva, &b, variant->mode, 0));
	EXPECT_NE(a.pasid, b.pasid);
	EXPECT_TRUE(test_works(&a, self->mem));
	EXPECT_TRUE(test_works(&b, self->mem));

	ASSERT_EQ(0, test_begin_long(&b, mem, &op));
	ASSERT_EQ(0, sva_unbind(&self->t.sva, a.bond));
	test_expect_no_pasid(_metadata, &self->t, a.pasid, self->mem);
	EXPECT_CAUSE(0, sva_wait(&self->t.sva, &op));
	EXPECT_EQ(TEST_LONG_LEN, op.bytes);
	EXPECT_TRUE(test_works(&b, self->mem));
	ASSERT_EQ(0, sva_unbind(&self->t.sva, b.bond));
	test_expect_no_pasid(_metadata, &self->t, b.pasid, self->mem);
}

/*
 * mm_get_enqcmd_pasid() must be the PASID of the global bond, whatever other
 * bonds there are, and each bond must have the PASID of its call.
 */
/* matrix: 17 18 */
TEST_F(private, private_then_global)
{
	struct sva *sva = &self->t.sva;
	struct sva_as global, private;

	EXPECT_EQ(SVA_NO_PASID, test_enqcmd_pasid(sva));
	ASSERT_EQ(0, bind_to(sva, &private, variant->mode, self->high));
	EXPECT_EQ(SVA_NO_PASID, test_enqcmd_pasid(sva));
	EXPECT_TRUE(test_works(&private, self->mem));

	ASSERT_EQ(0, test_bind_as(sva, &global, variant->mode));
	EXPECT_EQ(global.pasid, test_enqcmd_pasid(sva));
	EXPECT_NE(self->high, global.pasid);
	EXPECT_EQ(self->high, private.pasid);
	EXPECT_TRUE(test_works(&global, self->mem));
	EXPECT_TRUE(test_works(&private, self->mem));

	ASSERT_EQ(0, sva_unbind(sva, private.bond));
	EXPECT_EQ(global.pasid, test_enqcmd_pasid(sva));
	test_expect_no_pasid(_metadata, &self->t, private.pasid, self->mem);
	EXPECT_TRUE(test_works(&global, self->mem));
	ASSERT_EQ(0, sva_unbind(sva, global.bond));
	/* The process keeps the global PASID, as before. */
	EXPECT_EQ(global.pasid, test_enqcmd_pasid(sva));
	test_expect_no_pasid(_metadata, &self->t, global.pasid, self->mem);
}

/* matrix: 17 18 */
TEST_F(private, global_then_private)
{
	struct sva *sva = &self->t.sva;
	struct sva_as global, private, again;

	ASSERT_EQ(0, test_bind_as(sva, &global, variant->mode));
	EXPECT_EQ(global.pasid, test_enqcmd_pasid(sva));
	ASSERT_EQ(0, bind_to(sva, &private, variant->mode, 0));
	EXPECT_EQ(global.pasid, test_enqcmd_pasid(sva));
	EXPECT_NE(global.pasid, private.pasid);
	EXPECT_TRUE(test_works(&global, self->mem));
	EXPECT_TRUE(test_works(&private, self->mem));

	/* The old call still shares its bond */
	ASSERT_EQ(0, test_bind_as(sva, &again, variant->mode));
	EXPECT_EQ(global.pasid, again.pasid);
	ASSERT_EQ(0, sva_unbind(sva, global.bond));
	EXPECT_TRUE(test_works(&again, self->mem));
	EXPECT_TRUE(test_works(&private, self->mem));

	ASSERT_EQ(0, sva_unbind(sva, again.bond));
	EXPECT_EQ(global.pasid, test_enqcmd_pasid(sva));
	test_expect_no_pasid(_metadata, &self->t, global.pasid, self->mem);
	EXPECT_TRUE(test_works(&private, self->mem));
	ASSERT_EQ(0, sva_unbind(sva, private.bond));
	test_expect_no_pasid(_metadata, &self->t, private.pasid, self->mem);
}

/* A number in use must be refused, whoever uses it. */
/* matrix: 10 */
TEST_F(private, in_use_by_self)
{
	struct sva *sva = &self->t.sva;
	struct sva_as as, second;

	ASSERT_EQ(0, bind_to(sva, &as, variant->mode, self->high));
	EXPECT_EQ(-EBUSY, unchecked_pasid(sva, self->high));
	EXPECT_EQ(-EBUSY, bind_to(sva, &second, variant->mode, self->high));
	EXPECT_TRUE(test_works(&as, self->mem));
	ASSERT_EQ(0, sva_unbind(sva, as.bond));
	test_expect_no_pasid(_metadata, &self->t, self->high, self->mem);
	EXPECT_EQ(0, unchecked_pasid(sva, self->high));
}

/* matrix: 15 */
TEST_F(private, in_use_by_other)
{
	struct sva_as as;
	struct test_hand h;

	ASSERT_EQ(0, bind_to(&self->t.sva, &as, variant->mode, self->high));
	if (!test_fork(_metadata, &h)) {
		struct sva sva;
		struct sva_as own;

		CHILD_CHECK(!sva_open(&sva, 0));
		CHILD_CHECK(unchecked_pasid(&sva, self->high) == -EBUSY);
		CHILD_CHECK(bind_to(&sva, &own, variant->mode, self->high) ==
			    -EBUSY);
		CHILD_CHECK(test_enqcmd_pasid(&sva) == SVA_NO_PASID);
		test_say(&h);
		test_wait_go(&h);
		CHILD_CHECK(!unchecked_pasid(&sva, self->high));
		_exit(0);
	}
	test_heard(_metadata, &h);
	EXPECT_TRUE(test_works(&as, self->mem));
	ASSERT_EQ(0, sva_unbind(&self->t.sva, as.bond));
	test_go(_metadata, &h);
	test_join(_metadata, &h);
}

/* matrix: 15 */
TEST_F(private, in_use_by_global)
{
	struct sva *sva = &self->t.sva;
	struct sva_as global, as;
	struct test_hand h;

	ASSERT_EQ(0, test_bind_as(sva, &global, variant->mode));
	EXPECT_EQ(-EBUSY, unchecked_pasid(sva, global.pasid));
	EXPECT_EQ(-EBUSY, bind_to(sva, &as, variant->mode, global.pasid));
	if (!test_fork(_metadata, &h)) {
		CHILD_CHECK(!sva_open(sva, 0));
		CHILD_CHECK(unchecked_pasid(sva, global.pasid) == -EBUSY);
		CHILD_CHECK(bind_to(sva, &as, variant->mode, global.pasid) ==
			    -EBUSY);
		_exit(0);
	}
	test_join(_metadata, &h);
	EXPECT_TRUE(test_works(&global, self->mem));
}

static int attach_dma(struct sva *sva, uint32_t pasid, uint32_t *bond)
{
	struct sva_test_bind arg = { .pasid = pasid };
	int ret = sva_ioctl(sva, SVA_TEST_IOC_ATTACH_DMA, &arg);

	*bond = arg.bond;
	return ret;
}

/* matrix: 15 */
TEST_F(private, in_use_by_dma_api)
{
	struct sva *sva = &self->t.sva;
	struct sva_as as;
	uint32_t bond;

	if (self->t.info.domain == SVA_DOMAIN_PT)
		SKIP(return, "the device's memory is not translated");
	ASSERT_EQ(0, attach_dma(sva, self->high, &bond));
	EXPECT_EQ(-EBUSY, unchecked_pasid(sva, self->high));
	EXPECT_EQ(-EBUSY, bind_to(sva, &as, variant->mode, self->high));
	ASSERT_EQ(0, sva_unbind(sva, bond));

	ASSERT_EQ(0, bind_to(sva, &as, variant->mode, self->high));
	EXPECT_EQ(-EBUSY, attach_dma(sva, self->high, &bond));
	EXPECT_TRUE(test_works(&as, self->mem));
}

/*
 * The old call only shares its own bonds. It must fail while the driver uses
 * the number for something else, even for the same mm.
 */
/* matrix: 10 15 */
TEST_F(private, never_shared)
{
	struct sva *sva = &self->t.sva;
	struct sva_as global, as;

	ASSERT_EQ(0, test_bind_as(sva, &global, variant->mode));
	ASSERT_EQ(0, sva_unbind(sva, global.bond));
	ASSERT_EQ(0, bind_to(sva, &as, variant->mode, global.pasid));
	EXPECT_EQ(-EBUSY, test_bind_as(sva, &global, variant->mode));
	EXPECT_TRUE(test_works(&as, self->mem));
	ASSERT_EQ(0, sva_unbind(sva, as.bond));
	test_expect_no_pasid(_metadata, &self->t, as.pasid, self->mem);

	ASSERT_EQ(0, test_bind_as(sva, &global, variant->mode));
	EXPECT_EQ(as.pasid, global.pasid);
	EXPECT_TRUE(test_works(&global, self->mem));
}

/* In one process: check that a bond on @pasid can read and write @mem. */
static bool own_pattern(const struct sva_as *as, uint8_t *mem, uint32_t seed)
{
	uint8_t buf[LEN] = {};

	sva_pattern(mem, LEN, seed);
	if (sva_read(as, mem, buf, LEN) || !sva_is_pattern(buf, LEN, seed))
		return false;
	sva_pattern(buf, LEN, seed + 1);
	if (sva_write(as, mem, buf, LEN))
		return false;
	sched_yield();
	return sva_is_pattern(mem, LEN, seed + 1);
}

/*
 * Two processes with one number, on a device each, and one virtual address. Each
 * device reads and writes the memory of its own process.
 */
/* matrix: 13 */
TEST_F(private, same_number)
{
	struct test_dev other = {};
	struct sva_as as, theirs;
	struct test_hand h;
	int i;

	test_open_nr(_metadata, &other, 1);
	test_mode(_metadata, &other, variant->mode);
	if (!test_fork(_metadata, &h)) {
		CHILD_CHECK(!bind_to(&other.sva, &as, variant->mode, 5));
		sva_pattern(self->mem, LEN, 2);
		test_say(&h);
		test_wait_go(&h);
		/* Only the child's own device may have accessed this. */
		CHILD_CHECK(sva_is_byte(self->mem, LEN, 0x77));
		test_say(&h);
		test_wait_go(&h);
		for (i = 0; i < 50; i++)
			CHILD_CHECK(own_pattern(&as, self->mem, 1000 + i));
		_exit(0);
	}

	ASSERT_EQ(0, bind_to(&self->t.sva, &as, variant->mode, 5));
	sva_pattern(self->mem, LEN, 1);
	test_heard(_metadata, &h);
	/*
	 * Check from the parent, so that the result does not depend on the
	 * child.
	 */
	theirs = test_forged(&other, 5);
	EXPECT_CAUSE(0, sva_read(&as, self->mem, self->buf, LEN));
	EXPECT_TRUE(sva_is_pattern(self->buf, LEN, 1));
	EXPECT_CAUSE(0, sva_read(&theirs, self->mem, self->buf, LEN));
	EXPECT_TRUE(sva_is_pattern(self->buf, LEN, 2));
	EXPECT_CAUSE(0, sva_fill(&theirs, self->mem, 0x77, LEN));
	EXPECT_TRUE(sva_is_pattern(self->mem, LEN, 1));
	EXPECT_CAUSE(0, sva_fill(&as, self->mem, 0x33, LEN));
	EXPECT_TRUE(sva_is_byte(self->mem, LEN, 0x33));
	test_go(_metadata, &h);
	test_heard(_metadata, &h);

	/* Both at the same time */
	test_go(_metadata, &h);
	for (i = 0; i < 50; i++)
		EXPECT_TRUE(own_pattern(&as, self->mem, 5000 + i));
	test_join(_metadata, &h);
	EXPECT_TRUE(test_works(&as, self->mem));
}

/* Several processes on one device, at one virtual address */
TEST_F(private, same_address)
{
	struct sva *sva = &self->t.sva;
	struct test_hand h[4];
	struct sva_as as;
	size_t i, round;

	for (i = 0; i < ARRAY_SIZE(h); i++) {
		if (test_fork(_metadata, &h[i]))
			continue;
		CHILD_CHECK(!sva_open(sva, 0));
		CHILD_CHECK(!bind_to(sva, &as, variant->mode, 0));
		test_say(&h[i]);
		test_wait_go(&h[i]);
		for (round = 0; round < 25; round++)
			CHILD_CHECK(own_pattern(&as, self->mem,
						1000 * i + 2 * round));
		_exit(0);
	}
	for (i = 0; i < ARRAY_SIZE(h); i++)
		test_heard(_metadata, &h[i]);
	for (i = 0; i < ARRAY_SIZE(h); i++)
		test_go(_metadata, &h[i]);
	for (i = 0; i < ARRAY_SIZE(h); i++)
		test_join(_metadata, &h[i]);
}

/*
 * The number goes to another process as soon as it is free. From then on it
 * must lead to the memory of that process, whatever the device and the IOMMU
 * have cached.
 */
/* matrix: 16 */
TEST_F(private, reused_at_once)
{
	struct sva_as as, forged = test_forged(&self->t, self->high);
	struct test_hand h;
	int i;

	if (!test_fork(_metadata, &h)) {
		struct sva sva;

		CHILD_CHECK(!sva_open(&sva, 0));
		for (i = 0; i < 5; i++) {
			test_wait_go(&h);
			sva_pattern(self->mem, LEN, 20 + i);
			CHILD_CHECK(!bind_to(&sva, &as, variant->mode,
					     self->high));
			test_say(&h);
			test_wait_go(&h);
			CHILD_CHECK(sva_is_byte(self->mem, LEN, i));
			CHILD_CHECK(!sva_unbind(&sva, as.bond));
			test_say(&h);
		}
		_exit(0);
	}

	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, bind_to(&self->t.sva, &as, variant->mode,
				     self->high));
		EXPECT_TRUE(test_works(&as, self->mem));
		sva_pattern(self->mem, LEN, 10 + i);
		ASSERT_EQ(0, sva_unbind(&self->t.sva, as.bond));
		test_go(_metadata, &h);
		test_heard(_metadata, &h);

		EXPECT_CAUSE(0, sva_read(&forged, self->mem, self->buf, LEN));
		EXPECT_TRUE(sva_is_pattern(self->buf, LEN, 20 + i));
		EXPECT_CAUSE(0, sva_fill(&forged, self->mem, i, LEN));
		EXPECT_TRUE(sva_is_pattern(self->mem, LEN, 10 + i));
		test_go(_metadata, &h);
		test_heard(_metadata, &h);
	}
	test_join(_metadata, &h);
	test_expect_no_pasid(_metadata, &self->t, self->high, self->mem);
}

/* A child has the file, but not the parent's bond */
/* matrix: 18 */
TEST_F(private, fork)
{
	struct sva_as as, own;
	struct test_hand h;

	ASSERT_EQ(0, bind_to(&self->t.sva, &as, variant->mode, 0));
	if (!test_fork(_metadata, &h)) {
		struct sva *sva = &self->t.sva;

		CHILD_CHECK(sva_read(&as, self->mem, self->buf, LEN) == -EPERM);
		CHILD_CHECK(sva_unbind(sva, as.bond) == -EPERM);
		CHILD_CHECK(test_enqcmd_pasid(sva) == SVA_NO_PASID);
		CHILD_CHECK(!bind_to(sva, &own, variant->mode, 0));
		CHILD_CHECK(own.pasid != as.pasid);
		CHILD_CHECK(own_pattern(&own, self->mem, 1));
		CHILD_CHECK(!sva_unbind(sva, own.bond));
		_exit(0);
	}
	test_join(_metadata, &h);
	EXPECT_TRUE(test_works(&as, self->mem));
}

/* A new program in the same process is another mm */
/* matrix: 18 */
TEST_F(private, exec)
{
	struct test_hand h;
	struct sva_as as;

	if (!test_fork(_metadata, &h)) {
		CHILD_CHECK(!bind_to(&self->t.sva, &as, variant->mode, 0));
		CHILD_CHECK(test_works(&as, self->mem));
		test_exec(&as);
	}
	test_join(_metadata, &h);
}

/*
 * The process exits before its bond ends, because another process has the file
 * open. The PASID must lead nowhere, and must still be in use.
 */
/* matrix: 19 */
TEST_F(private, exit_before_unbind)
{
	struct sva *sva = &self->t.sva;
	uint32_t *bond = test_shared(sizeof(*bond));
	struct sva_as as;
	struct test_hand h;

	ASSERT_NE(NULL, bond);
	if (!test_fork(_metadata, &h)) {
		CHILD_CHECK(!bind_to(sva, &as, variant->mode, self->high));
		CHILD_CHECK(test_works(&as, self->mem));
		*bond = as.bond;
		_exit(0);
	}
	test_join(_metadata, &h);
	test_expect_exited(_metadata, &self->t, self->high, self->mem);
	EXPECT_EQ(-EPERM, sva_unbind(sva, *bond));
	EXPECT_EQ(-EBUSY, unchecked_pasid(sva, self->high));

	/* Closing the file ends the bond. */
	sva_close(sva);
	ASSERT_EQ(0, sva_open(sva, 0));
	ASSERT_EQ(0, bind_to(sva, &as, variant->mode, self->high));
	EXPECT_TRUE(test_works(&as, self->mem));
}

/*
 * A process cannot be bound once it is exiting. This error comes after those
 * for wrong PASIDs and before the one for a PASID in use.
 */
/* matrix: 19 */
TEST_F(private, exiting)
{
	struct sva *sva = &self->t.sva;
	uint32_t *bond = test_shared(sizeof(*bond));
	struct sva_test_bind arg = {};
	struct sva_as as;
	struct test_hand h;

	ASSERT_NE(NULL, bond);
	if (!test_fork(_metadata, &h)) {
		CHILD_CHECK(!bind_to(sva, &as, variant->mode, 5));
		*bond = as.bond;
		test_say(&h);
		test_wait_go(&h);
		_exit(0);
	}
	test_heard(_metadata, &h);
	arg.mm_of = *bond;
	/* It can be done while the child lives */
	arg.pasid = 6;
	EXPECT_EQ(0, unchecked(sva, arg));
	EXPECT_EQ(-EBUSY, unchecked(sva, arg));
	test_go(_metadata, &h);
	test_join(_metadata, &h);

	EXPECT_EQ(-ESRCH, unchecked(sva, arg));
	arg.pasid = 7;
	EXPECT_EQ(-ESRCH, unchecked(sva, arg));
	arg.pasid = self->high;
	EXPECT_EQ(-ESRCH, unchecked(sva, arg));
	arg.pasid = self->t.info.max_pasids;
	EXPECT_EQ(-EINVAL, unchecked(sva, arg));
	arg.pasid = 0;
	EXPECT_EQ(-EINVAL, unchecked(sva, arg));
}

static int bind_any(struct sva *sva, struct sva_as *as, uint32_t mode)
{
	return bind_to(sva, as, mode, 0);
}

/* Threads of one mm make and end bonds of both kinds */
/* matrix: 20 */
TEST_F(private, threads)
{
	const test_bind_t bind[] = { bind_any, bind_any, test_bind_as };

	test_threads(_metadata, &self->t, bind, ARRAY_SIZE(bind));
}

/*
 * Unbinding stops operations in progress. No more requests with the number may
 * be counted.
 */
/* matrix: 21 */
TEST_F(private, unbind_in_flight)
{
	struct sva_as as;

	ASSERT_EQ(0, bind_to(&self->t.sva, &as, variant->mode, 0));
	test_unbind_in_flight(_metadata, &as);
}

/* Page requests must find the mm by the number of the bond. */
TEST(page_request)
{
	struct test_dev t = {};
	struct sva_as a, b;
	uint8_t buf[LEN], *mem = sva_pages(2);
	struct sva_test_counters c;

	private_open(_metadata, &t, SVA_TEST_MODE_ATS | SVA_TEST_PAGE_REQUEST);
	ASSERT_EQ(0, bind_to(&t.sva, &a, t.as.mode, 3));
	ASSERT_EQ(0, bind_to(&t.sva, &b, t.as.mode, 4));
	ASSERT_EQ(0, sva_counters_clear(&t.sva));
	sva_pattern(buf, LEN, 1);
	EXPECT_CAUSE(0, sva_write(&a, mem, buf, LEN));
	EXPECT_TRUE(sva_is_pattern(mem, LEN, 1));
	EXPECT_CAUSE(0, sva_write(&b, mem + sva_page_size(), buf, LEN));
	EXPECT_TRUE(sva_is_pattern(mem + sva_page_size(), LEN, 1));
	ASSERT_EQ(0, sva_counters(&t.sva, 3, &c));
	EXPECT_LE(1, c.page_requests);
	ASSERT_EQ(0, sva_counters(&t.sva, 4, &c));
	EXPECT_LE(1, c.page_requests);
	sva_close(&t.sva);
}

TEST_HARNESS_MAIN
