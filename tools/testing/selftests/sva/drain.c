// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bonds that end while page requests or stalled transactions are in progress:
 * in the IOMMU's queue, on their way to it, or more of them than it can hold.
 * All must be answered, and only in the address space that they were meant for.
 * They must not affect the next owner of the PASID, who may bind at once.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <time.h>

#include "test_dev.h"

#define HOG_MS		400	/* how long the reporting of faults is held up */
#define PATIENCE_MS	10000	/* for what takes no time */
#define FLOOD_MS	40000	/* for what takes several passes over a queue */
#define FLOOD_PAGES	32
#define SLOW_US		20000	/* the device takes to notice an answer */
#define NR_OPS		8	/* at a time */
#define PRQ_ENTRIES	2048	/* of the VT-d driver's page request queue */
#define WQ_CPUS		"/sys/devices/virtual/workqueue/cpumask"
/* Nanoseconds of each second that are reserved for normal threads */
#define FAIR_SHARE	"/sys/kernel/debug/sched/fair_server/cpu1/runtime"

/* Pattern seeds of the two processes that successively own the PASID */
#define OURS		1
#define THEIRS		101

FIXTURE(drain)
{
	struct test_dev t;
	size_t size;
	uint8_t *mem;		/* pages that neither process has touched */
	int *cpu1;		/* HOLD, COUNT_DOWN or LET_GO, shared */
	long hog_ms;		/* how long it is held after COUNT_DOWN */
	struct sva_test_op ops[SVA_TEST_NR_CHANNELS];
	uint8_t bufs[SVA_TEST_NR_CHANNELS][TEST_WORKS_LEN];
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

/* What the process that occupies CPU 1 is told to do */
enum { HOLD, COUNT_DOWN, LET_GO };

static void tell_hog(TEST_SELF(drain), int what)
{
	__atomic_store_n(self->cpu1, what, __ATOMIC_RELAXED);
}

/*
 * Keep everybody, including interrupt threads, from running on CPU 1 until told
 * to let go, or for @ms after being told to count down. It is an error if
 * neither happens.
 */
static __noreturn void hog(TEST_SELF(drain), struct test_hand *h, long ms)
{
	const struct sched_param p = { .sched_priority = 99 };
	int told = HOLD, what;
	long end;

	CHILD_CHECK(!stay_on(0, 1));
	CHILD_CHECK(!sched_setscheduler(0, SCHED_FIFO, &p));
	test_say(h);
	end = now_ms() + PATIENCE_MS;
	while (told != LET_GO && now_ms() < end) {
		what = __atomic_load_n(self->cpu1, __ATOMIC_RELAXED);
		if (what == COUNT_DOWN && told == HOLD)
			end = now_ms() + ms;
		told = what;
	}
	CHILD_CHECK(told != HOLD);
	_exit(0);
}

/* Map memory with patterns from @seed on, of which no page was touched yet. */
static uint8_t *own_memory(void *at, uint32_t seed)
{
	int fd = memfd_create("drain", MFD_CLOEXEC);
	size_t i, size = sva_page_size();
	uint8_t page[size], *p;

	for (i = 0; i < FLOOD_PAGES; i++) {
		sva_pattern(page, size, seed + i);
		if (pwrite(fd, page, size, i * size) != size)
			return MAP_FAILED;
	}
	p = mmap(at, FLOOD_PAGES * size, PROT_READ | PROT_WRITE,
		 MAP_SHARED | (at ? MAP_FIXED : 0), fd, 0);
	close(fd);
	return p;
}

static bool untouched(TEST_SELF(drain))
{
	size_t i;

	for (i = 0; i < FLOOD_PAGES; i++)
		if (sva_pfn(self->mem + i * self->size))
			return false;
	return true;
}

static bool unchanged(TEST_SELF(drain), uint32_t seed)
{
	size_t i;

	for (i = 0; i < FLOOD_PAGES; i++)
		if (!sva_is_pattern(self->mem + i * self->size, self->size,
				    seed + i))
			return false;
	return true;
}

FIXTURE_SETUP(drain)
{
	test_open_on(_metadata, &self->t, variant->on);
	test_mode(_metadata, &self->t, variant->mode);
	if (stay_on(0, 1) || stay_on(0, 0))
		SKIP(return, "one CPU");
	if (!sva_move_irqs("2"))
		SKIP(return, "no interrupt thread of the IOMMU's to move");
	self->size = sva_page_size();
	/* With PRI, unbinding waits until faults can be reported again. */
	self->hog_ms = variant->on == SVA_TEST_PRI_ON ? HOG_MS : PATIENCE_MS;
	self->cpu1 = test_shared(sizeof(*self->cpu1));
	ASSERT_NE(NULL, self->cpu1);
	self->mem = own_memory(NULL, OURS);
	ASSERT_NE(MAP_FAILED, self->mem);
}

FIXTURE_TEARDOWN(drain)
{
	sva_restore_files();
	sva_misbehave(&self->t.sva, (struct sva_test_knobs) {});
	sva_close(&self->t.sva);
}

static void bind_again(struct __test_metadata *_metadata, TEST_SELF(drain))
{
	ASSERT_EQ(0, sva_bind_private(&self->t.sva, &self->t.as.bond,
				      &self->t.as.pasid));
	self->t.as.as = SVA_TEST_AS_BOND;
	ASSERT_EQ(0, sva_counters_clear(&self->t.sva));
	/* Checking that a page is unchanged touches it. */
	ASSERT_EQ(self->mem, own_memory(self->mem, OURS));
}

/* The operation uses the raw PASID, so that it does not end with the bond. */
static struct sva_test_op stubborn(TEST_SELF(drain), uint32_t what, size_t len)
{
	struct sva_as as = test_forged(&self->t, self->t.as.pasid);
	struct sva_test_op op = sva_op(&as, what, self->mem, len);

	op.data = 0x5a;
	return op;
}

/* The same on page @i, which is read or written */
static int submit(TEST_SELF(drain), size_t i, uint32_t mode, uint32_t skip)
{
	struct sva_test_op *op = &self->ops[i];

	*op = stubborn(self, i % 2 ? SVA_TEST_OP_READ : SVA_TEST_OP_FILL,
		       TEST_WORKS_LEN);
	op->addr += i * self->size;
	op->mode |= mode;
	op->skip = skip;
	if (i % 2) {
		memset(self->bufs[i], 0xa5, TEST_WORKS_LEN);
		op->buf = (uintptr_t)self->bufs[i];
		op->buf_len = TEST_WORKS_LEN;
	}
	return sva_submit(&self->t.sva, op);
}

/* Expect the operation to end. Return false if it has succeeded. */
static bool was_denied(struct __test_metadata *_metadata, TEST_SELF(drain),
		       size_t i, int denied)
{
	int cause = sva_wait(&self->t.sva, &self->ops[i]);

	if ((cause == denied || cause == test_no_pasid(self->t.as.mode)) &&
	    (i % 2 == 0 || sva_is_byte(self->bufs[i], TEST_WORKS_LEN, 0xa5)))
		return true;
	TH_LOG("operation %zu: %s", i, sva_cause(cause));
	return false;
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

/* Wait until the device has sent @nr page requests or was stalled as often. */
static bool has_asked(TEST_SELF(drain), uint64_t nr)
{
	long end = now_ms() + PATIENCE_MS;
	uint64_t answered;

	while (nr_faults(self, &answered) < nr) {
		if (now_ms() > end)
			return false;
		usleep(1000);
	}
	return true;
}

/* In a child: bind to the PASID as soon as it is free, at the same addresses */
static __noreturn void next_owner(TEST_SELF(drain), struct test_hand *h)
{
	struct sva sva;
	struct sva_as as = {
		.sva = &sva,
		.mode = self->t.as.mode,
		.pasid = self->t.as.pasid,
	};
	uint8_t buf[TEST_WORKS_LEN];

	CHILD_CHECK(own_memory(self->mem, THEIRS) == self->mem);
	CHILD_CHECK(!sva_open_path(&sva, self->t.sva.path));
	test_wait_go(h);
	CHILD_CHECK(!sva_bind_private(&sva, &as.bond, &as.pasid));
	CHILD_CHECK(as.pasid == self->t.as.pasid);
	test_say(h);

	/*
	 * Old requests must have been answered by now, but not from this
	 * process.
	 */
	test_wait_go(h);
	CHILD_CHECK(untouched(self));
	CHILD_CHECK(!sva_read(&as, self->mem, buf, sizeof(buf)));
	CHILD_CHECK(sva_is_pattern(buf, sizeof(buf), THEIRS));
	CHILD_CHECK(unchanged(self, THEIRS));
	CHILD_CHECK(test_works(&as, self->mem));
	CHILD_CHECK(!sva_unbind(&sva, as.bond));
	_exit(0);
}

/* End the bond while no fault is reported, and let the next owner bind. */
static void hand_over(struct __test_metadata *_metadata, TEST_SELF(drain),
		      struct test_hand *next)
{
	tell_hog(self, COUNT_DOWN);
	ASSERT_EQ(0, sva_unbind(&self->t.sva, self->t.as.bond));
	test_go(_metadata, next);
	test_heard(_metadata, next);
}

/* Now the next owner checks. Our memory must be unchanged. */
static void end_next(struct __test_metadata *_metadata, TEST_SELF(drain),
		     struct test_hand *next)
{
	test_go(_metadata, next);
	test_join(_metadata, next);
	EXPECT_TRUE(unchanged(self, OURS));
}

static void start_hog(struct __test_metadata *_metadata, TEST_SELF(drain),
		      struct test_hand *h)
{
	tell_hog(self, HOLD);
	if (!test_fork(_metadata, h))
		hog(self, h, self->hog_ms);
	test_heard(_metadata, h);
}

static void end_hog(struct __test_metadata *_metadata, TEST_SELF(drain),
		    struct test_hand *h)
{
	tell_hog(self, LET_GO);
	test_join(_metadata, h);
}

/* The request is in the queue when the bond ends, and is reported much later */
TEST_F(drain, late_report)
{
	struct test_hand next, busy;
	struct sva_test_counters c;
	struct sva_test_op op;

	bind_again(_metadata, self);
	if (!test_fork(_metadata, &next))
		next_owner(self, &next);
	start_hog(_metadata, self, &busy);
	op = stubborn(self, SVA_TEST_OP_FILL, 64);
	ASSERT_EQ(0, sva_submit(&self->t.sva, &op));
	ASSERT_TRUE(has_asked(self, 1));

	hand_over(_metadata, self, &next);
	end_hog(_metadata, self, &busy);
	EXPECT_CAUSE(variant->denied, sva_wait(&self->t.sva, &op));
	ASSERT_EQ(0, sva_counters(&self->t.sva, self->t.as.pasid, &c));
	EXPECT_EQ(1, c.page_requests + c.stalls);
	EXPECT_EQ(1, c.page_failures + c.refused);
	EXPECT_EQ(0, sva_pfn(self->mem));
	end_next(_metadata, self, &next);
}

/*
 * SVA_TEST_TRIGGER_*, which decides when the device asks. Once the SMMU has
 * dropped the CD it refuses accesses instead of stalling them, so the last
 * trigger is the one before that.
 */
static const struct step {
	const char *name;
	uint32_t trigger;
	uint32_t on;		/* only if there is such a step */
	uint32_t asks;		/* only if requests are possible then */
	bool alone;		/* with nothing to wait for before */
} steps[] = {
	{ "PASID, early", SVA_TEST_TRIGGER_PASID_EARLY,
	  SVA_TEST_PRI_ON | SVA_TEST_STALL_ON,
	  SVA_TEST_PRI_ON | SVA_TEST_STALL_ON },
	{ "PASID", SVA_TEST_TRIGGER_PASID,
	  SVA_TEST_PRI_ON | SVA_TEST_STALL_ON, SVA_TEST_PRI_ON },
	{ "ATC", SVA_TEST_TRIGGER_ATC, SVA_TEST_PRI_ON, SVA_TEST_PRI_ON },
	{ "IOTLB", SVA_TEST_TRIGGER_IOTLB,
	  SVA_TEST_PRI_ON | SVA_TEST_STALL_ON, SVA_TEST_PRI_ON },
	{ "SYNC", SVA_TEST_TRIGGER_SYNC,
	  SVA_TEST_PRI_ON | SVA_TEST_STALL_ON, SVA_TEST_PRI_ON },
	{ "DRAIN", SVA_TEST_TRIGGER_DRAIN, SVA_TEST_PRI_ON, SVA_TEST_PRI_ON },
	{ "DRAIN, alone", SVA_TEST_TRIGGER_DRAIN,
	  SVA_TEST_PRI_ON, SVA_TEST_PRI_ON, .alone = true },
	{ "RESPONSE", SVA_TEST_TRIGGER_RESPONSE,
	  SVA_TEST_PRI_ON | SVA_TEST_STALL_ON, SVA_TEST_PRI_ON },
};

/*
 * One request, or none, is pending from the start. Others are sent at a given
 * step of the unbind: some that the device waits for and, with PRI, one that it
 * does not wait for.
 */
static void ask_at(struct __test_metadata *_metadata, TEST_SELF(drain),
		   bool pri, const struct step *step, uint32_t skip)
{
	const uint32_t trigger = step->trigger << SVA_TEST_TRIGGER_SHIFT;
	struct sva_test_op *flood = &self->ops[NR_OPS - 1];
	size_t i;

	/* A copy on write, since we have children, may look like such a step */
	memset(self->ops, 0, sizeof(self->ops));
	memset(self->bufs, 0, sizeof(self->bufs));
	for (i = 1; i < NR_OPS - pri; i++)
		ASSERT_EQ(0, submit(self, i, trigger, skip));
	if (pri) {
		*flood = stubborn(self, SVA_TEST_OP_FLOOD, self->size);
		flood->addr += i * self->size;
		flood->mode = trigger;
		flood->skip = skip;
		ASSERT_EQ(0, sva_submit(&self->t.sva, flood));
	}
	if (step->alone)
		return;
	ASSERT_EQ(0, submit(self, 0, 0, 0));
	ASSERT_TRUE(has_asked(self, 1));
}

/* The device has noticed the answer to its first request */
static void await_first(TEST_SELF(drain))
{
	long end = now_ms() + PATIENCE_MS;

	do {
		if (sva_peek(&self->t.sva, &self->ops[0]))
			return;
	} while ((self->ops[0].state & SVA_TEST_STATE) == SVA_TEST_BUSY &&
		 now_ms() < end);
}

/* If the step has not come yet, stop: later ones belong to something else. */
static size_t stop_armed(struct __test_metadata *_metadata, TEST_SELF(drain))
{
	size_t i, nr = 0;

	for (i = 1; i < NR_OPS; i++) {
		ASSERT_EQ(0, sva_peek(&self->t.sva, &self->ops[i]));
		if (!(self->ops[i].state & SVA_TEST_ARMED))
			continue;
		EXPECT_EQ(0, sva_abort(&self->t.sva, &self->ops[i]));
		EXPECT_CAUSE(SVA_TEST_CAUSE_ABORTED,
			     sva_wait(&self->t.sva, &self->ops[i]));
		self->ops[i].id = 0;
		nr++;
	}
	return nr;
}

/* Each page request has been answered */
static void expect_answers(struct __test_metadata *_metadata, TEST_SELF(drain))
{
	long end = now_ms() + PATIENCE_MS;
	uint64_t asked, answered;

	do {
		asked = nr_faults(self, &answered);
	} while (answered < asked && now_ms() < end);
	EXPECT_EQ(asked, answered);
}

static void expect_all_denied(struct __test_metadata *_metadata,
			      TEST_SELF(drain), bool pri, int denied)
{
	size_t i;

	for (i = 0; i < NR_OPS - pri; i++)
		EXPECT_TRUE(!self->ops[i].id ||
			    was_denied(_metadata, self, i, denied));
	if (!pri)
		return;
	if (self->ops[i].id)
		EXPECT_CAUSE(0, sva_wait(&self->t.sva, &self->ops[i]));
	expect_answers(_metadata, self);
}

/* Return how often the device has asked, 0 if the step did not come. */
static size_t end_at(struct __test_metadata *_metadata, TEST_SELF(drain),
		     bool pri, int denied, const struct step *step,
		     uint32_t skip)
{
	struct test_hand next, busy;
	size_t armed;
	uint64_t asked, answered;

	bind_again(_metadata, self);
	if (!test_fork(_metadata, &next))
		next_owner(self, &next);
	start_hog(_metadata, self, &busy);
	ask_at(_metadata, self, pri, step, skip);

	tell_hog(self, COUNT_DOWN);
	ASSERT_EQ(0, sva_unbind(&self->t.sva, self->t.as.bond));
	if (step->trigger == SVA_TEST_TRIGGER_RESPONSE)
		await_first(self);
	armed = stop_armed(_metadata, self);
	asked = nr_faults(self, &answered);
	test_go(_metadata, &next);
	test_heard(_metadata, &next);
	end_hog(_metadata, self, &busy);
	expect_all_denied(_metadata, self, pri, denied);
	end_next(_metadata, self, &next);
	return armed == NR_OPS - 1 ? 0 : asked;
}

/* The device is slow to notice answers, and asks between any two steps. */
TEST_F_TIMEOUT(drain, at_each_step, 200)
{
	const struct sva_test_knobs slow = { .delay_us = SLOW_US };
	const bool pri = variant->on == SVA_TEST_PRI_ON;
	size_t i, asked, more;
	uint32_t skip;

	ASSERT_EQ(0, sva_misbehave(&self->t.sva, slow));
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		if (!(steps[i].on & variant->on))
			continue;
		more = 0;
		for (skip = 0; skip < 8; skip++) {
			asked = end_at(_metadata, self, pri, variant->denied,
				       &steps[i], skip);
			if (!asked)
				break;
			more += asked - !steps[i].alone;
		}
		TH_LOG("%s: %u times, %zu requests", steps[i].name, skip, more);
		EXPECT_NE(0, skip);
		EXPECT_TRUE(more || !(steps[i].asks & variant->on));
	}
}

/* Open another device of the same kind, and return whether there is one. */
static bool find_another(TEST_SELF(drain), struct test_dev *t, uint32_t on)
{
	int nr = 0;

	while (test_next(t, &nr)) {
		if (strcmp(t->sva.path, self->t.sva.path) && t->info.on & on)
			return true;
		sva_close(&t->sva);
	}
	return false;
}

/* In a child: stall all other devices as often as possible. */
static __noreturn void crowd(TEST_SELF(drain), struct test_hand *h)
{
	static struct sva_test_op ops[TEST_MAX_DEVS][SVA_TEST_NR_CHANNELS];
	struct test_dev t[TEST_MAX_DEVS];
	struct sva_test_counters c = {};
	struct test_dev *dev = t;
	int nr = 0, nr_devs;
	size_t i;

	while (test_next(dev, &nr)) {
		if (!strcmp(dev->sva.path, self->t.sva.path) ||
		    !(dev->info.on & SVA_TEST_STALL_ON)) {
			sva_close(&dev->sva);
			continue;
		}
		CHILD_CHECK(!test_bind_as(&dev->sva, &dev->as, 0));
		CHILD_CHECK(!sva_counters_clear(&dev->sva));
		dev++;
	}
	nr_devs = dev - t;
	test_say(h);
	test_wait_go(h);
	for (nr = 0; nr < nr_devs; nr++) {
		uint8_t *mem = sva_pages(SVA_TEST_NR_CHANNELS);

		for (i = 0; i < SVA_TEST_NR_CHANNELS; i++) {
			ops[nr][i] = sva_op(&t[nr].as, SVA_TEST_OP_FILL,
					    mem + i * self->size, 8);
			ops[nr][i].data = 0x5a;
			CHILD_CHECK(!sva_submit(&t[nr].sva, &ops[nr][i]));
		}
		while (c.stalls < i)
			CHILD_CHECK(!sva_counters(&t[nr].sva, t[nr].as.pasid,
						  &c));
		c.stalls = 0;
	}
	test_say(h);

	/* Finally all of these must have been handled. */
	test_wait_go(h);
	for (nr = 0; nr < nr_devs; nr++) {
		for (i = 0; i < SVA_TEST_NR_CHANNELS; i++) {
			CHILD_CHECK(!sva_wait(&t[nr].sva, &ops[nr][i]));
			CHILD_CHECK(*(uint8_t *)(uintptr_t)ops[nr][i].addr ==
				    0x5a);
		}
	}
	_exit(0);
}

/* Ask for more pages than the queue can hold, or stall as often as possible. */
static void fill_queue(struct __test_metadata *_metadata, TEST_SELF(drain),
		       bool pri)
{
	size_t i;

	if (pri) {
		self->ops[0] = stubborn(self, SVA_TEST_OP_FLOOD,
					2 * PRQ_ENTRIES * self->size);
		ASSERT_EQ(0, sva_submit(&self->t.sva, &self->ops[0]));
		ASSERT_TRUE(has_asked(self, 2 * PRQ_ENTRIES));
	} else {
		for (i = 0; i < SVA_TEST_NR_CHANNELS; i++)
			ASSERT_EQ(0, submit(self, i, 0, 0));
		ASSERT_TRUE(has_asked(self, i));
	}
}

/* No fault is reported, and the queue has no room for all of them. */
TEST_F(drain, full_queue)
{
	const bool pri = variant->on == SVA_TEST_PRI_ON;
	struct test_hand next, others, busy;
	size_t i;

	bind_again(_metadata, self);
	if (!test_fork(_metadata, &next))
		next_owner(self, &next);
	if (!test_fork(_metadata, &others))
		crowd(self, &others);
	test_heard(_metadata, &others);
	start_hog(_metadata, self, &busy);
	fill_queue(_metadata, self, pri);
	test_go(_metadata, &others);
	test_heard(_metadata, &others);

	hand_over(_metadata, self, &next);
	end_hog(_metadata, self, &busy);
	if (pri)
		expect_answers(_metadata, self);
	for (i = 0; !pri && i < SVA_TEST_NR_CHANNELS; i++)
		EXPECT_TRUE(was_denied(_metadata, self, i, variant->denied));
	end_next(_metadata, self, &next);
	test_go(_metadata, &others);
	test_join(_metadata, &others);
}

static void start_flood(struct __test_metadata *_metadata, TEST_SELF(drain),
			bool pri)
{
	size_t i;

	if (pri) {
		self->ops[0] = stubborn(self, SVA_TEST_OP_FLOOD,
					FLOOD_PAGES * self->size);
		self->ops[0].mode = SVA_TEST_REPEAT;
		ASSERT_EQ(0, sva_submit(&self->t.sva, &self->ops[0]));
	} else {
		for (i = 0; i < SVA_TEST_NR_CHANNELS; i++)
			ASSERT_EQ(0, submit(self, i, SVA_TEST_REPEAT, 0));
	}
	ASSERT_TRUE(has_asked(self, 1));
}

/* The bond must end although more requests are sent than are ever answered. */
TEST_F_TIMEOUT(drain, flood, 90)
{
	const bool pri = variant->on == SVA_TEST_PRI_ON;
	struct test_hand next;
	long start;
	size_t i;

	bind_again(_metadata, self);
	if (!test_fork(_metadata, &next))
		next_owner(self, &next);
	start_flood(_metadata, self, pri);

	start = now_ms();
	ASSERT_EQ(0, sva_unbind(&self->t.sva, self->t.as.bond));
	EXPECT_GT(FLOOD_MS, now_ms() - start);
	for (i = 0; i < (pri ? 1 : SVA_TEST_NR_CHANNELS); i++)
		stop(_metadata, self, &self->ops[i]);
	if (pri)
		expect_answers(_metadata, self);
	test_go(_metadata, &next);
	test_heard(_metadata, &next);
	test_go(_metadata, &next);
	test_join(_metadata, &next);
}

/* In a child: stop the device if the bond does not end otherwise. */
static __noreturn void stop_late(TEST_SELF(drain), struct test_hand *h)
{
	struct pollfd go = { .fd = h->down[0], .events = POLLIN };
	bool ended;

	CHILD_CHECK(!stay_on(0, 0));
	ended = poll(&go, 1, PATIENCE_MS) == 1;
	if (!ended)
		sva_abort(&self->t.sva, &self->ops[1]);
	test_wait_go(h);
	CHILD_CHECK(ended);
	_exit(0);
}

/*
 * The device asks for each page, and then for the first one again whenever it
 * gets an answer, so that there is always a request for the PASID in the queue.
 */
static void keep_asking(struct __test_metadata *_metadata, TEST_SELF(drain))
{
	self->ops[1] = stubborn(self, SVA_TEST_OP_FLOOD, self->size);
	self->ops[1].mode = SVA_TEST_REPEAT |
			    SVA_TEST_TRIGGER_RESPONSE << SVA_TEST_TRIGGER_SHIFT;
	ASSERT_EQ(0, sva_submit(&self->t.sva, &self->ops[1]));
	self->ops[0] = stubborn(self, SVA_TEST_OP_FLOOD,
				FLOOD_PAGES * self->size);
	EXPECT_CAUSE(0, sva_do(&self->t.sva, &self->ops[0]));
	ASSERT_TRUE(has_asked(self, 10 * FLOOD_PAGES));
}

static void end_amid(struct __test_metadata *_metadata, TEST_SELF(drain))
{
	struct test_hand late;
	uint64_t asked, answered;

	if (!test_fork(_metadata, &late))
		stop_late(self, &late);
	EXPECT_EQ(0, sva_unbind(&self->t.sva, self->t.as.bond));
	test_go(_metadata, &late);
	test_join(_metadata, &late);
	asked = nr_faults(self, &answered);
	EXPECT_TRUE(has_asked(self, asked + 10 * FLOOD_PAGES));
	stop(_metadata, self, &self->ops[1]);
	expect_answers(_metadata, self);
}

/*
 * The tail and head are read separately and may look equal, so try again. On the
 * thread's own CPU the process only comes to look when there are requests.
 */
TEST_F_TIMEOUT(drain, asks_again, 60)
{
	struct test_hand next;
	int i;

	if (variant->on != SVA_TEST_PRI_ON)
		SKIP(return, "without a CD nothing is stalled again");
	for (i = 0; i < 4; i++) {
		bind_again(_metadata, self);
		keep_asking(_metadata, self);
		ASSERT_EQ(0, stay_on(0, i % 2));
		end_amid(_metadata, self);
		ASSERT_EQ(0, stay_on(0, 0));
	}
	if (!test_fork(_metadata, &next))
		next_owner(self, &next);
	test_go(_metadata, &next);
	test_heard(_metadata, &next);
	end_next(_metadata, self, &next);
}

/* In a child: bind to another device of the same kind, and unbind. */
static __noreturn void bind_another(TEST_SELF(drain), struct test_hand *h,
				    uint32_t on, bool awaited)
{
	struct test_dev t = {};

	CHILD_CHECK(find_another(self, &t, on));
	test_say(h);
	test_wait_go(h);
	usleep(HOG_MS * 1000 / 4);
	CHILD_CHECK(!sva_bind_private(&t.sva, &t.as.bond, &t.as.pasid));
	CHILD_CHECK(!sva_unbind(&t.sva, t.as.bond));
	/* Our unbind waits for CPU 1, and therefore for this process. */
	if (awaited)
		tell_hog(self, LET_GO);
	test_say(h);
	_exit(0);
}

/*
 * Both processes end a bond, and the other one must not wait for ours. If
 * @awaited, ours ends when the other one has released CPU 1; if not, neither
 * waits for that.
 */
static void unbind_both(struct __test_metadata *_metadata, TEST_SELF(drain),
			struct test_hand *other, struct test_hand *busy,
			bool awaited)
{
	test_go(_metadata, other);
	EXPECT_EQ(0, sva_unbind(&self->t.sva, self->t.as.bond));
	if (awaited)
		EXPECT_EQ(LET_GO, *self->cpu1);
	test_heard(_metadata, other);
	end_hog(_metadata, self, busy);
	test_join(_metadata, other);
}

/*
 * Another process binds to another device while the fault of this device is not
 * reported. With PRI our unbind waits for the report. On SMMUv3 it handles the
 * event queue itself.
 */
TEST_F(drain, others_go_on)
{
	const bool pri = variant->on == SVA_TEST_PRI_ON;
	struct test_hand other, busy;
	struct test_dev second = {};
	struct sva_test_op op;

	if (!find_another(self, &second, variant->on))
		SKIP(return, "no second device");
	sva_close(&second.sva);
	bind_again(_metadata, self);
	if (!test_fork(_metadata, &other))
		bind_another(self, &other, variant->on, pri);
	test_heard(_metadata, &other);
	start_hog(_metadata, self, &busy);
	op = stubborn(self, SVA_TEST_OP_FILL, 64);
	ASSERT_EQ(0, sva_submit(&self->t.sva, &op));
	ASSERT_TRUE(has_asked(self, 1));

	unbind_both(_metadata, self, &other, &busy, pri);
	sva_wait(&self->t.sva, &op);
}

/*
 * The fault was reported, but its handler does not get a CPU. Nobody may wait
 * for it, because a fault that nobody has begun to handle is cancelled.
 */
TEST_F(drain, not_begun)
{
	struct test_hand other, busy;
	struct test_dev second = {};
	struct sva_as stays = {};
	struct sva_test_op op;
	int ret;

	if (!find_another(self, &second, variant->on))
		SKIP(return, "no second device");
	sva_close(&second.sva);
	ASSERT_LT(0, sva_move_irqs("1"));
	ASSERT_EQ(0, sva_change_file(WQ_CPUS, "2"));
	ret = sva_change_file(FAIR_SHARE, "0");
	if (ret == -ENOENT && access("/sys/kernel/debug/sched", F_OK))
		SKIP(return, "no debugfs");
	ASSERT_TRUE(!ret || ret == -ENOENT);
	/* Another PASID keeps the device on the fault queue. */
	ASSERT_EQ(0, sva_bind_private(&self->t.sva, &stays.bond,
				      &stays.pasid));
	bind_again(_metadata, self);
	/* The thread moves when it is woken up to handle this fault. */
	EXPECT_CAUSE(0, sva_fill(&self->t.as, self->mem + self->size, 0, 8));
	ASSERT_EQ(0, sva_counters_clear(&self->t.sva));
	if (!test_fork(_metadata, &other))
		bind_another(self, &other, variant->on, false);
	test_heard(_metadata, &other);
	start_hog(_metadata, self, &busy);
	op = stubborn(self, SVA_TEST_OP_FILL, 64);
	ASSERT_EQ(0, sva_submit(&self->t.sva, &op));
	ASSERT_TRUE(has_asked(self, 1));
	usleep(HOG_MS * 1000 / 8);

	unbind_both(_metadata, self, &other, &busy, false);
	EXPECT_CAUSE(variant->denied, sva_wait(&self->t.sva, &op));
	EXPECT_EQ(0, sva_pfn(self->mem));
	EXPECT_EQ(0, sva_unbind(&self->t.sva, stays.bond));
}

/* In a child: end a bond whose page request nobody has reported yet */
static __noreturn void end_one(TEST_SELF(drain), struct test_hand *h, int nr)
{
	struct _test_data_drain own = *self;
	struct sva_test_op op;

	CHILD_CHECK(!sva_open(&own.t.sva, nr));
	own.t.as.sva = &own.t.sva;
	CHILD_CHECK(!sva_bind_private(&own.t.sva, &own.t.as.bond,
				      &own.t.as.pasid));
	CHILD_CHECK(!sva_counters_clear(&own.t.sva));
	test_say(h);

	test_wait_go(h);
	op = stubborn(&own, SVA_TEST_OP_FILL, 64);
	CHILD_CHECK(!sva_submit(&own.t.sva, &op));
	CHILD_CHECK(has_asked(&own, 1));
	test_say(h);

	test_wait_go(h);
	CHILD_CHECK(!sva_unbind(&own.t.sva, own.t.as.bond));
	test_say(h);
	sva_wait(&own.t.sva, &op);
	_exit(0);
}

/* Two bonds on two devices end at the same time, and both must be woken up. */
TEST_F_TIMEOUT(drain, two_at_once, 60)
{
	struct test_hand ends[2], busy;
	struct sva_test_op op;
	struct pollfd done;
	size_t i;

	if (variant->on != SVA_TEST_PRI_ON)
		SKIP(return, "SMMUv3 does not wait for the thread");
	if (access(sva_path(1), F_OK))
		SKIP(return, "no second device");
	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		if (!test_fork(_metadata, &ends[i]))
			end_one(self, &ends[i], i);
		test_heard(_metadata, &ends[i]);
	}
	start_hog(_metadata, self, &busy);
	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		test_go(_metadata, &ends[i]);
		test_heard(_metadata, &ends[i]);
	}
	tell_hog(self, COUNT_DOWN);
	for (i = 0; i < ARRAY_SIZE(ends); i++)
		test_go(_metadata, &ends[i]);
	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		done = (struct pollfd) {
			.fd = ends[i].up[0], .events = POLLIN
		};
		EXPECT_EQ(1, poll(&done, 1, PATIENCE_MS));
	}
	test_join(_metadata, &busy);

	/* Cause another report for a process that may still be waiting. */
	self->t.as.pasid = 1;
	op = stubborn(self, SVA_TEST_OP_FILL, 64);
	EXPECT_EQ(0, sva_submit(&self->t.sva, &op));
	sva_wait(&self->t.sva, &op);
	for (i = 0; i < ARRAY_SIZE(ends); i++)
		test_join(_metadata, &ends[i]);
}

TEST_HARNESS_MAIN
