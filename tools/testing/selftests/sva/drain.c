// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bonds that end while page requests are under way: in the IOMMU's queue, on
 * their way to it, or more of them than it holds. They are answered, and by
 * nobody but the address space that they were meant for. The next owner of the
 * PASID, who may come at once, never hears of them.
 */
#include <ctype.h>
#include <dirent.h>
#include <poll.h>
#include <sched.h>
#include <time.h>

#include "test_dev.h"

#define HOG_MS		400	/* how long the reporting of faults is held up */
#define PATIENCE_MS	10000	/* for what takes no time */
#define FLOOD_PAGES	32

FIXTURE(drain)
{
	struct test_dev t;
	size_t size;
	uint8_t *mem;		/* pages that neither process has touched */
};

FIXTURE_VARIANT(drain)
{
	uint32_t mode;
	uint32_t on;
	int denied;
};

FIXTURE_VARIANT_ADD(drain, pri)
{
	.mode = SVA_TEST_MODE_ATS | SVA_TEST_PAGE_REQUEST,
	.on = SVA_TEST_PRI_ON,
	.denied = SVA_TEST_CAUSE_PAGE_INVALID,
};

FIXTURE_VARIANT_ADD(drain, stall)
{
	.mode = SVA_TEST_MODE_UNTRANSLATED,
	.on = SVA_TEST_STALL_ON,
	.denied = SVA_TEST_CAUSE_STALL_ABORT,
};

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int stay_on(pid_t pid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(pid, sizeof(set), &set);
}

/* The interrupt by which the IOMMU reports faults, if @pid is its thread */
static int irq_of(const char *pid)
{
	char path[300], comm[64] = "";
	int irq = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	f = fopen(path, "r");
	if (!f)
		return -1;
	if (fgets(comm, sizeof(comm), f) &&
	    (strstr(comm, "dmar") || strstr(comm, "arm-smmu")))
		sscanf(comm, "irq/%d-", &irq);
	fclose(f);
	return irq;
}

/* The IOMMU's interrupts go to CPU 1 only. Returns how many there are. */
static int move_irqs(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	char path[64];
	int irq, nr = 0;

	while (dir && (entry = readdir(dir))) {
		irq = isdigit(entry->d_name[0]) ? irq_of(entry->d_name) : -1;
		if (irq < 0)
			continue;
		/* The thread moves with it, before it is woken up next */
		snprintf(path, sizeof(path), "/proc/irq/%d/smp_affinity", irq);
		nr += !sva_write_file(path, "2");
	}
	if (dir)
		closedir(dir);
	return nr;
}

/* Take CPU 1 from everybody, interrupt threads included, for @ms */
static __noreturn void hog(struct test_hand *h, long ms)
{
	const struct sched_param p = { .sched_priority = 99 };
	long end;

	CHILD_CHECK(!stay_on(0, 1));
	CHILD_CHECK(!sched_setscheduler(0, SCHED_FIFO, &p));
	test_say(h);
	end = now_ms() + ms;
	while (now_ms() < end)
		;
	_exit(0);
}

FIXTURE_SETUP(drain)
{
	test_open_on(_metadata, &self->t, variant->on);
	test_mode(_metadata, &self->t, variant->mode);
	if (stay_on(0, 1) || stay_on(0, 0))
		SKIP(return, "one CPU");
	ASSERT_LT(0, move_irqs());
	self->size = sva_page_size();
	self->mem = sva_pages(FLOOD_PAGES);
}

FIXTURE_TEARDOWN(drain)
{
	sva_close(&self->t.sva);
}

static void bind_again(struct __test_metadata *_metadata, TEST_SELF(drain))
{
	ASSERT_EQ(0, sva_bind_private(&self->t.sva, &self->t.as.bond,
				      &self->t.as.pasid));
	self->t.as.as = SVA_TEST_AS_BOND;
	ASSERT_EQ(0, sva_counters_clear(&self->t.sva));
}

/* The device goes on with it whatever becomes of the bond */
static struct sva_test_op stubborn(TEST_SELF(drain), uint32_t what, size_t len)
{
	struct sva_as as = test_forged(&self->t, self->t.as.pasid);
	struct sva_test_op op = sva_op(&as, what, self->mem, len);

	op.data = 0x5a;
	return op;
}

static void stop(struct __test_metadata *_metadata, TEST_SELF(drain),
		 struct sva_test_op *op)
{
	EXPECT_EQ(0, sva_abort(&self->t.sva, op));
	sva_wait(&self->t.sva, op);
}

static uint64_t nr_faults(TEST_SELF(drain), uint64_t *answered)
{
	struct sva_test_counters c = {};

	sva_counters(&self->t.sva, self->t.as.pasid, &c);
	*answered = c.page_responses;
	return c.page_requests + c.stalls;
}

/* The device has asked for a page, or was stalled */
static bool has_asked(TEST_SELF(drain))
{
	long end = now_ms() + PATIENCE_MS;
	uint64_t answered;

	while (!nr_faults(self, &answered)) {
		if (now_ms() > end)
			return false;
		usleep(1000);
	}
	return true;
}

/* In a child: have the PASID as soon as it is free, and the same addresses */
static __noreturn void next_owner(TEST_SELF(drain), struct test_hand *h)
{
	struct sva sva;
	struct sva_as as = {
		.sva = &sva,
		.mode = self->t.as.mode,
		.pasid = self->t.as.pasid,
	};
	size_t i;

	CHILD_CHECK(!sva_open_path(&sva, self->t.sva.path));
	test_wait_go(h);
	CHILD_CHECK(!sva_bind_private(&sva, &as.bond, &as.pasid));
	CHILD_CHECK(as.pasid == self->t.as.pasid);
	test_say(h);

	/* What was asked before has been answered by now, but not from here */
	test_wait_go(h);
	for (i = 0; i < FLOOD_PAGES; i++)
		CHILD_CHECK(!sva_pfn(self->mem + i * self->size));
	CHILD_CHECK(test_works(&as, self->mem));
	CHILD_CHECK(!sva_unbind(&sva, as.bond));
	_exit(0);
}

/* End the bond, while nobody reports faults, and let the next owner have it */
static void hand_over(struct __test_metadata *_metadata, TEST_SELF(drain),
		      struct test_hand *next)
{
	ASSERT_EQ(0, sva_unbind(&self->t.sva, self->t.as.bond));
	test_go(_metadata, next);
	test_heard(_metadata, next);
}

static void start_hog(struct __test_metadata *_metadata, struct test_hand *h,
		      long ms)
{
	if (!test_fork(_metadata, h))
		hog(h, ms);
	test_heard(_metadata, h);
}

/* The request is in the queue when the bond ends, and reported much later */
TEST_F(drain, late_report)
{
	struct test_hand next, busy;
	struct sva_test_counters c;
	struct sva_test_op op;

	bind_again(_metadata, self);
	if (!test_fork(_metadata, &next))
		next_owner(self, &next);
	start_hog(_metadata, &busy, HOG_MS);
	op = stubborn(self, SVA_TEST_OP_FILL, 64);
	ASSERT_EQ(0, sva_submit(&self->t.sva, &op));
	ASSERT_TRUE(has_asked(self));

	hand_over(_metadata, self, &next);
	test_join(_metadata, &busy);
	EXPECT_CAUSE(variant->denied, sva_wait(&self->t.sva, &op));
	ASSERT_EQ(0, sva_counters(&self->t.sva, self->t.as.pasid, &c));
	EXPECT_EQ(1, c.page_requests + c.stalls);
	EXPECT_EQ(1, c.page_failures + c.refused);
	EXPECT_EQ(0, sva_pfn(self->mem));
	test_go(_metadata, &next);
	test_join(_metadata, &next);
}

/* The device asks when the IOMMU carries out a given step of the unbind */
static bool ask_at(struct __test_metadata *_metadata, TEST_SELF(drain),
		   uint32_t trigger, uint32_t skip)
{
	long end = now_ms() + PATIENCE_MS;
	struct test_hand next, busy;
	struct sva_test_op op;
	uint64_t asked, answered;

	bind_again(_metadata, self);
	if (!test_fork(_metadata, &next))
		next_owner(self, &next);
	op = stubborn(self, SVA_TEST_OP_FLOOD, self->size);
	op.mode = trigger << SVA_TEST_TRIGGER_SHIFT;
	op.skip = skip;
	start_hog(_metadata, &busy, HOG_MS / 2);
	ASSERT_EQ(0, sva_submit(&self->t.sva, &op));

	ASSERT_EQ(0, sva_unbind(&self->t.sva, self->t.as.bond));
	/* If the step has not come yet, what comes now is another's */
	stop(_metadata, self, &op);
	test_go(_metadata, &next);
	test_heard(_metadata, &next);
	test_join(_metadata, &busy);
	do {
		asked = nr_faults(self, &answered);
	} while (answered < asked && now_ms() < end);
	EXPECT_EQ(asked, answered);
	test_go(_metadata, &next);
	test_join(_metadata, &next);
	return asked;
}

TEST_F_TIMEOUT(drain, at_each_step, 100)
{
	static const struct {
		const char *name;
		uint32_t trigger;
	} steps[] = {
		{ "ATC", SVA_TEST_TRIGGER_ATC },
		{ "IOTLB", SVA_TEST_TRIGGER_IOTLB },
		{ "PASID", SVA_TEST_TRIGGER_PASID },
		{ "SYNC", SVA_TEST_TRIGGER_SYNC },
		{ "DRAIN", SVA_TEST_TRIGGER_DRAIN },
	};
	uint32_t skip;
	size_t i;

	/* Without a CD nothing is stalled: there are no steps after that */
	if (variant->on != SVA_TEST_PRI_ON)
		SKIP(return, "no PRI");
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		for (skip = 0; skip < 8; skip++)
			if (!ask_at(_metadata, self, steps[i].trigger, skip))
				break;
		TH_LOG("%s: %u times", steps[i].name, skip);
		EXPECT_NE(0, skip);
	}
}

/* More requests than are ever answered: the bond ends none the less */
TEST_F(drain, flood)
{
	struct test_hand next;
	struct sva_test_op op;
	long start;

	if (variant->on != SVA_TEST_PRI_ON)
		SKIP(return, "no PRI");
	bind_again(_metadata, self);
	if (!test_fork(_metadata, &next))
		next_owner(self, &next);
	op = stubborn(self, SVA_TEST_OP_FLOOD, FLOOD_PAGES * self->size);
	op.mode = SVA_TEST_REPEAT;
	ASSERT_EQ(0, sva_submit(&self->t.sva, &op));
	ASSERT_TRUE(has_asked(self));

	start = now_ms();
	ASSERT_EQ(0, sva_unbind(&self->t.sva, self->t.as.bond));
	EXPECT_GT(PATIENCE_MS, now_ms() - start);
	stop(_metadata, self, &op);
	test_go(_metadata, &next);
	test_heard(_metadata, &next);
	test_go(_metadata, &next);
	test_join(_metadata, &next);
}

/* Another process binds to another device while this one's unbind waits */
TEST_F(drain, others_go_on)
{
	struct test_hand other, busy;
	struct sva_test_op op;
	struct pollfd done;
	long start;

	if (variant->on != SVA_TEST_PRI_ON)
		SKIP(return, "SMMUv3 does not wait for the thread");
	bind_again(_metadata, self);
	if (!test_fork(_metadata, &other)) {
		struct sva_as as = {};
		struct sva sva;

		CHILD_CHECK(!sva_open(&sva, 1));
		test_wait_go(&other);
		usleep(HOG_MS * 1000 / 4);
		CHILD_CHECK(!sva_bind_private(&sva, &as.bond, &as.pasid));
		CHILD_CHECK(!sva_unbind(&sva, as.bond));
		test_say(&other);
		_exit(0);
	}
	start_hog(_metadata, &busy, HOG_MS * 4);
	op = stubborn(self, SVA_TEST_OP_FILL, 64);
	ASSERT_EQ(0, sva_submit(&self->t.sva, &op));
	ASSERT_TRUE(has_asked(self));

	start = now_ms();
	test_go(_metadata, &other);
	ASSERT_EQ(0, sva_unbind(&self->t.sva, self->t.as.bond));
	done = (struct pollfd) { .fd = other.up[0], .events = POLLIN };
	EXPECT_EQ(1, poll(&done, 1, 0));
	EXPECT_EQ(POLLIN, done.revents & POLLIN);
	EXPECT_LT(HOG_MS, now_ms() - start);
	test_join(_metadata, &busy);
	test_join(_metadata, &other);
	sva_wait(&self->t.sva, &op);
}

TEST_HARNESS_MAIN
