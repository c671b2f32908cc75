// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that have one PASID to give, or three
 */
#include "test_dev.h"

#define LEN		TEST_WORKS_LEN
#define MOST		3	/* Maximum number of PASIDs of the variants */

FIXTURE(few)
{
	struct test_dev t;
	uint8_t *mem;
	struct test_hand h[MOST];
};

FIXTURE_VARIANT(few)
{
	uint32_t usable;	/* PASIDs, without PASID 0 */
};

FIXTURE_VARIANT_ADD(few, one)
{
	.usable = 1,
};

FIXTURE_VARIANT_ADD(few, three)
{
	.usable = 3,
};

/* A PASID is freed with the last reference to the mm. */
static int bind_soon(struct sva *sva, struct sva_as *as)
{
	int i, ret = -ENOSPC;

	for (i = 0; i < 100 && ret == -ENOSPC; i++) {
		test_stir_cpus();
		ret = test_bind_as(sva, as, 0);
	}
	return ret;
}

FIXTURE_SETUP(few)
{
	if (test_find(&self->t, 0, variant->usable + 1))
		SKIP(_exit(KSFT_SKIP), "no device with %u PASIDs",
		     variant->usable);
	self->t.as = (struct sva_as) { .sva = &self->t.sva };
	self->mem = sva_pages(1);
	sva_pattern(self->mem, LEN, 1);
	/* Wait until PASIDs of processes of other tests are free. */
	test_stir_cpus();
}

FIXTURE_TEARDOWN(few)
{
	sva_close(&self->t.sva);
}

/*
 * Start a process for each PASID. It binds and uses the PASID, may unbind it,
 * and stays alive until it is told to exit.
 */
static void bound_processes(struct __test_metadata *_metadata, TEST_SELF(few),
			    uint32_t nr, bool unbind)
{
	struct sva sva;
	struct sva_as as;
	uint32_t i;

	for (i = 0; i < nr; i++) {
		if (!test_fork(_metadata, &self->h[i])) {
			CHILD_CHECK(!sva_open_path(&sva, self->t.sva.path));
			CHILD_CHECK(!bind_soon(&sva, &as));
			CHILD_CHECK(as.pasid >= 1 && as.pasid <= nr);
			CHILD_CHECK(test_works(&as, self->mem));
			if (unbind)
				CHILD_CHECK(!sva_unbind(&sva, as.bond));
			test_say(&self->h[i]);
			test_wait_go(&self->h[i]);
			_exit(0);
		}
		test_heard(_metadata, &self->h[i]);
	}
}

static void end_process(struct __test_metadata *_metadata, TEST_SELF(few),
			uint32_t nr)
{
	test_go(_metadata, &self->h[nr]);
	test_join(_metadata, &self->h[nr]);
}

/* All PASIDs are in use, so the next process has to wait until one is freed. */
/* matrix: 16 */
TEST_F(few, all_in_use)
{
	struct sva_as as;
	uint32_t i;

	bound_processes(_metadata, self, variant->usable, false);
	EXPECT_EQ(-ENOSPC, test_bind_as(&self->t.sva, &as, 0));
	for (i = 1; i < variant->usable; i++)
		end_process(_metadata, self, i);
	end_process(_metadata, self, 0);
	ASSERT_EQ(0, bind_soon(&self->t.sva, &as));
	EXPECT_TRUE(test_works(&as, self->mem));
}

/*
 * No PASID is in use, and still none is left: because of ENQCMD a process keeps
 * the number that iommu_sva_bind_device() has allocated for it for the rest of
 * its life. The test records this behavior, it does not demand it: a device
 * that does not know ENQCMD becomes useless for other processes.
 */
TEST_F(few, kept_after_unbind)
{
	uint8_t buf[LEN];
	struct sva_as as;
	uint32_t i;

	bound_processes(_metadata, self, variant->usable, true);
	for (i = 1; i <= variant->usable; i++) {
		as = test_forged(&self->t, i);
		EXPECT_CAUSE(SVA_TEST_CAUSE_REFUSED,
			     sva_read(&as, self->mem, buf, LEN));
	}
	EXPECT_EQ(-ENOSPC, test_bind_as(&self->t.sva, &as, 0));
	end_process(_metadata, self, 0);
	ASSERT_EQ(0, bind_soon(&self->t.sva, &as));
	EXPECT_TRUE(test_works(&as, self->mem));
	for (i = 1; i < variant->usable; i++)
		end_process(_metadata, self, i);
}

/*
 * Start a process that is bound to another device, with a number that this
 * device has as well. If it gets a larger number, replace it by another
 * process.
 */
static void bound_elsewhere(struct __test_metadata *_metadata, TEST_SELF(few),
			    struct test_hand *h, struct sva *other,
			    uint32_t usable)
{
	struct sva_as as;
	int tries;
	char c;

	for (tries = 0; tries < 50; tries++) {
		if (!test_fork(_metadata, h)) {
			CHILD_CHECK(!sva_open_path(other, other->path));
			CHILD_CHECK(!test_bind_as(other, &as, 0));
			if (as.pasid > usable)
				_exit(0);
			test_say(h);
			test_wait_go(h);
			_exit(0);
		}
		if (read(h->up[0], &c, 1) == 1)
			return;
		test_join(_metadata, h);
		test_stir_cpus();
	}
	ASSERT_TRUE(false) TH_LOG("no PASID up to %u for another device", usable);
}

/*
 * The processes need not even have been bound to this device, because all
 * devices share the numbers. Numbers that are too large for this device do not
 * matter.
 */
TEST_F(few, kept_for_other_device)
{
	struct test_dev other = {};
	struct sva_as as;
	uint32_t i;

	if (test_find(&other, 0, 0) ||
	    other.info.max_pasids <= variant->usable + 1)
		SKIP(return, "no device with more PASIDs");
	for (i = 0; i < variant->usable; i++)
		bound_elsewhere(_metadata, self, &self->h[i], &other.sva,
				variant->usable);
	EXPECT_EQ(-ENOSPC, test_bind_as(&self->t.sva, &as, 0));
	ASSERT_EQ(0, test_bind_as(&other.sva, &as, 0));
	EXPECT_LT(variant->usable, as.pasid);
	EXPECT_TRUE(test_works(&as, self->mem));
	EXPECT_EQ(-EOVERFLOW, test_bind_as(&self->t.sva, &as, 0));
	for (i = 0; i < variant->usable; i++)
		end_process(_metadata, self, i);
	sva_close(&other.sva);
}

/*
 * The same with PASIDs that the driver chooses. A number must be free when its
 * bond has ended, whatever numbers the processes keep for ENQCMD.
 */
/* matrix: 16 */
TEST_F(few, private_is_free)
{
	struct sva *sva = &self->t.sva;
	struct test_hand h;
	struct sva_as as;
	uint32_t i;

	as = (struct sva_as) { .sva = sva, .pasid = 1 };
	if (sva_bind_private(sva, &as.bond, &as.pasid) == -EOPNOTSUPP)
		SKIP(return, "no iommu_sva_bind_device_pasid()");
	ASSERT_EQ(0, sva_unbind(sva, as.bond));

	bound_processes(_metadata, self, variant->usable, true);
	EXPECT_EQ(-ENOSPC, test_bind_as(sva, &as, 0));
	for (i = 1; i <= variant->usable; i++) {
		as = (struct sva_as) { .sva = sva, .pasid = i };
		ASSERT_EQ(0, sva_bind_private(sva, &as.bond, &as.pasid));
		EXPECT_EQ(i, as.pasid);
		EXPECT_TRUE(test_works(&as, self->mem));
		ASSERT_EQ(0, sva_unbind(sva, as.bond));
		test_expect_no_pasid(_metadata, &self->t, i, self->mem);

		/*
		 * Another process can use it at once, while this process stays
		 * alive.
		 */
		if (!test_fork(_metadata, &h)) {
			CHILD_CHECK(!sva_open_path(sva, sva->path));
			CHILD_CHECK(!sva_bind_private(sva, &as.bond,
						      &as.pasid));
			CHILD_CHECK(as.pasid == i);
			CHILD_CHECK(test_works(&as, self->mem));
			_exit(0);
		}
		test_join(_metadata, &h);
	}
	for (i = 0; i < variant->usable; i++)
		end_process(_metadata, self, i);
}

TEST_HARNESS_MAIN
