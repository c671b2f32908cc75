// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that have one PASID to give, or three
 */
#include <sched.h>

#include "test_dev.h"

#define LEN		TEST_WORKS_LEN
#define MOST		3	/* PASIDs, of any of the variants */

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

/* An idle CPU keeps the mm that it ran last: give each of them another one */
static void stir_cpus(void)
{
	int i, nr = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;
	pid_t pid;

	for (i = 0; i < nr; i++) {
		pid = fork();
		if (pid) {
			test_reap(pid);
			continue;
		}
		CPU_ZERO(&set);
		CPU_SET(i, &set);
		sched_setaffinity(0, sizeof(set), &set);
		_exit(0);
	}
}

/* A PASID comes back with the last reference to the mm */
static int bind_soon(struct sva *sva, struct sva_as *as)
{
	int i, ret = -ENOSPC;

	for (i = 0; i < 100 && ret == -ENOSPC; i++) {
		stir_cpus();
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
	/* What processes of other tests had is to be free */
	stir_cpus();
}

FIXTURE_TEARDOWN(few)
{
	sva_close(&self->t.sva);
}

/*
 * A process for each PASID: it is bound and used, perhaps unbound as well, and
 * then the process lives on until it is told to go.
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

/* All are in use: whoever comes next has to wait for one to end */
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
 * None is in use, and still there is none left: a process keeps the number that
 * iommu_sva_bind_device() took for it as long as it lives, for the sake of
 * ENQCMD. This says how things are, not how they should be: a device that does
 * not know ENQCMD is as good as lost to everybody else.
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
 * A process that is bound to another device, with a number that this one has
 * as well. If it got a larger one, it makes room for another process.
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
		stir_cpus();
	}
	ASSERT_TRUE(false) TH_LOG("no PASID up to %u for another device", usable);
}

/*
 * Nor need they have been bound to this device: the numbers are those of all
 * devices. And one that is taken beyond what this device has is of no use here.
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
 * The same with PASIDs that the driver chooses: a number is free when its bond
 * is gone, whatever numbers processes have for ENQCMD.
 */
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

		/* And at once somebody else's, while this process lives on */
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
