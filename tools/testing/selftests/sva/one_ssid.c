// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device that has one PASID, and many processes, each of which wants to use
 * it for a while. Others have taken all numbers of the global PASID space.
 */
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>

#include "test_uacce.h"

#define LEN		TEST_WORKS_LEN
#define MAX_GLOBAL	65536	/* that are worth the time */
#define NO_PASID	10		/* how a process ends that gets none */

FIXTURE(one_ssid)
{
	struct test_dev t, other;
	char path[64];
	uint8_t *mem;		/* three pages that were never touched */
	uint32_t pasid;		/* of private bonds, 0 leaves it to the driver */
};

FIXTURE_VARIANT(one_ssid)
{
	const char *what;
	/* Has the device fill the first page, and copy the second to the third */
	int (*turn)(TEST_SELF(one_ssid));
	unsigned int turns;
	bool served;
};

static uint8_t byte_of_process(void)
{
	return getpid() * 37;
}

/* The first page comes by a fault, the third as well */
static int use_bond(TEST_SELF(one_ssid), const struct sva_as *as)
{
	size_t size = sva_page_size();

	return sva_fill(as, self->mem, byte_of_process(), size) ?:
	       sva_copy(as, self->mem + 2 * size, self->mem + size, size);
}

static int turn_bond(TEST_SELF(one_ssid),
		     int (*bind)(struct sva *sva, uint32_t *bond,
				 uint32_t *pasid))
{
	struct sva sva;
	struct sva_as as = {
		.sva = &sva,
		.mode = self->t.as.mode,
		.pasid = self->pasid,
	};
	int ret;

	ret = sva_open_path(&sva, self->t.sva.path);
	if (ret)
		return ret;
	ret = bind(&sva, &as.bond, &as.pasid);
	if (!ret)
		ret = use_bond(self, &as) ?: sva_unbind(&sva, as.bond);
	sva_close(&sva);
	return ret;
}

static int turn_private(TEST_SELF(one_ssid))
{
	return turn_bond(self, sva_bind_private);
}

static int turn_old(TEST_SELF(one_ssid))
{
	return turn_bond(self, sva_bind);
}

static int turn_uacce(TEST_SELF(one_ssid))
{
	const uint32_t mode = self->t.as.mode;
	size_t size = sva_page_size();
	int q = queue_open(self->path);
	int ret;

	if (q < 0)
		return q;
	ret = queue_start(q) ?:
	      queue_fill(q, mode, self->mem, byte_of_process(), size) ?:
	      queue_copy(q, mode, self->mem + 2 * size, self->mem + size, size);
	close(q);
	return ret;
}

FIXTURE_VARIANT_ADD(one_ssid, driver_chosen)
{
	.what = "the driver's choice",
	.turn = turn_private,
	.turns = 1000,
	.served = true,
};

FIXTURE_VARIANT_ADD(one_ssid, uacce)
{
	.what = "uacce",
	.turn = turn_uacce,
	.turns = 250,
	.served = true,
};

FIXTURE_VARIANT_ADD(one_ssid, old_call)
{
	.what = "the old call",
	.turn = turn_old,
	.turns = 1000,
};

FIXTURE_SETUP(one_ssid)
{
	if (!test_find(&self->t, SVA_TEST_PRI_ON, 2))
		self->t.as.mode = SVA_TEST_MODE_ATS | SVA_TEST_PAGE_REQUEST;
	else if (test_find(&self->t, SVA_TEST_STALL_ON, 2))
		SKIP(_exit(KSFT_SKIP), "no device with one PASID");
	if (test_find(&self->other, 0, 0) || self->other.info.max_pasids <= 2)
		SKIP(_exit(KSFT_SKIP), "no device with more PASIDs");
	if (variant->turn == turn_uacce &&
	    queue_path(&self->t.sva, self->path, sizeof(self->path)))
		SKIP(_exit(KSFT_SKIP), "no uacce");
	self->mem = sva_pages(3);
}

FIXTURE_TEARDOWN(one_ssid)
{
	sva_close(&self->other.sva);
	sva_close(&self->t.sva);
}

/* All numbers that the other device can have, which are those of this one, too */
static void take_global_pasids(struct __test_metadata *_metadata,
			       TEST_SELF(one_ssid))
{
	struct sva_test_bind arg;
	uint32_t nr = 0;
	int ret;

	do {
		arg = (struct sva_test_bind) {};
		ret = sva_ioctl(&self->other.sva, SVA_TEST_IOC_ATTACH_DMA,
				&arg);
	} while (!ret && ++nr < MAX_GLOBAL);
	ASSERT_EQ(-ENOSPC, ret);
	/* Nobody else has any: that one is the SSID of ours */
	ASSERT_EQ(self->other.info.max_pasids - 1, nr);
}

/* The memory of a process is what it and its device have made of it */
static bool is_mine(TEST_SELF(one_ssid))
{
	size_t size = sva_page_size();

	return sva_is_byte(self->mem, size, byte_of_process()) &&
	       sva_is_pattern(self->mem + size, size, getpid()) &&
	       sva_is_pattern(self->mem + 2 * size, size, getpid());
}

/* A process has its turn and stays until the one after it had, too */
static __noreturn void live(TEST_SELF(one_ssid), struct test_hand *h,
			    int (*turn)(TEST_SELF(one_ssid)))
{
	size_t size = sva_page_size();
	int ret;

	sva_pattern(self->mem + size, size, getpid());
	ret = turn(self);
	if (ret == -ENOSPC)
		_exit(NO_PASID);
	CHILD_CHECK(!ret);
	CHILD_CHECK(is_mine(self));
	test_say(h);
	test_wait_go(h);
	CHILD_CHECK(is_mine(self));
	_exit(0);
}

static void end_process(struct __test_metadata *_metadata, struct test_hand *h)
{
	test_go(_metadata, h);
	test_join(_metadata, h);
}

/* matrix: 16 */
TEST_F_TIMEOUT(one_ssid, processes, 240)
{
	struct test_hand h[2];
	unsigned int i, served = 0;
	bool waiting = false;
	char c;

	take_global_pasids(_metadata, self);
	/* The test driver has both kinds of bonds, and no space of its own */
	self->pasid = 1;
	for (i = 0; i < variant->turns; i++) {
		if (!test_fork(_metadata, &h[i % 2]))
			live(self, &h[i % 2], variant->turn);
		if (read(h[i % 2].up[0], &c, 1) == 1) {
			served++;
			if (waiting)
				end_process(_metadata, &h[!(i % 2)]);
			waiting = true;
			continue;
		}
		ASSERT_EQ(NO_PASID, test_reap(h[i % 2].pid));
		close(h[i % 2].up[0]);
		close(h[i % 2].down[1]);
		if (waiting)
			end_process(_metadata, &h[!(i % 2)]);
		waiting = false;
	}
	if (waiting)
		end_process(_metadata, &h[!(i % 2)]);
	TH_LOG("%s: %u of %u processes served", variant->what, served,
	       variant->turns);
	EXPECT_EQ(variant->served ? variant->turns : 0, served);
}

#define BY_TURNS	200	/* of each process */

static __noreturn void hammer(TEST_SELF(one_ssid), struct test_hand *h,
			      int (*turn)(TEST_SELF(one_ssid)))
{
	size_t size = sva_page_size();
	time_t end;
	int i, ret;

	sva_pattern(self->mem + size, size, getpid());
	test_wait_go(h);
	for (i = 0; i < BY_TURNS; i++) {
		end = time(NULL) + 60;
		do {
			ret = turn(self);
		} while (ret == -ENOSPC && time(NULL) < end);
		CHILD_CHECK(!ret);
		CHILD_CHECK(is_mine(self));
	}
	_exit(0);
}

/*
 * Two that cannot wait. Whoever gets the number at the moment in which it is
 * given back must be able to use it: -ENOSPC or the device, and nothing else.
 */
/* matrix: 16 20 */
TEST_F_TIMEOUT(one_ssid, at_once, 240)
{
	struct test_hand h[2];
	int i;

	if (!variant->served)
		SKIP(return, "the number stays with one process");
	for (i = 0; i < 2; i++)
		if (!test_fork(_metadata, &h[i]))
			hammer(self, &h[i], variant->turn);
	for (i = 0; i < 2; i++)
		test_go(_metadata, &h[i]);
	for (i = 0; i < 2; i++)
		test_join(_metadata, &h[i]);
}

TEST_HARNESS_MAIN
