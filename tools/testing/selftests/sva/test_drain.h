/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests of bonds that end while page requests or stalls are in progress:
 * the device, a process that keeps the IOMMU's interrupt thread from running,
 * and one that gets the PASID next
 */
#ifndef SVA_TEST_DRAIN_H
#define SVA_TEST_DRAIN_H

#include <sched.h>

#include "test_dev.h"

#define HOG_MS		400	/* how long the reporting of faults is held up */
#define PATIENCE_MS	10000	/* for what takes no time */
#define FLOOD_PAGES	32

/* Pattern seeds of the two processes that successively own the PASID */
#define OURS		1
#define THEIRS		101

struct test_drain {
	struct test_dev t;
	size_t size;
	uint8_t *mem;		/* pages that neither process has touched */
	int *cpu1;		/* HOLD, COUNT_DOWN or LET_GO, shared */
	long hog_ms;		/* how long it is held after COUNT_DOWN */
	struct sva_test_op ops[SVA_TEST_NR_CHANNELS];
	uint8_t bufs[SVA_TEST_NR_CHANNELS][TEST_WORKS_LEN];
};

static int stay_on(pid_t pid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(pid, sizeof(set), &set);
}

/* What the process that occupies CPU 1 is told to do */
enum { HOLD, COUNT_DOWN, LET_GO };

static void tell_hog(struct test_drain *d, int what)
{
	__atomic_store_n(d->cpu1, what, __ATOMIC_RELAXED);
}

/*
 * Keep everybody, including interrupt threads, from running on CPU 1 until told
 * to let go, or for @ms after being told to count down. It is an error if
 * neither happens.
 */
static __noreturn void hog(struct test_drain *d, struct test_hand *h, long ms)
{
	const struct sched_param p = { .sched_priority = 99 };
	int told = HOLD, what;
	uint64_t end;

	CHILD_CHECK(!stay_on(0, 1));
	CHILD_CHECK(!sched_setscheduler(0, SCHED_FIFO, &p));
	test_say(h);
	end = now_ms() + PATIENCE_MS;
	while (told != LET_GO && now_ms() < end) {
		what = __atomic_load_n(d->cpu1, __ATOMIC_RELAXED);
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

static bool untouched(struct test_drain *d)
{
	size_t i;

	for (i = 0; i < FLOOD_PAGES; i++)
		if (sva_pfn(d->mem + i * d->size))
			return false;
	return true;
}

static bool unchanged(struct test_drain *d, uint32_t seed)
{
	size_t i;

	for (i = 0; i < FLOOD_PAGES; i++)
		if (!sva_is_pattern(d->mem + i * d->size, d->size, seed + i))
			return false;
	return true;
}

static void test_drain_open(struct __test_metadata *_metadata,
			    struct test_drain *d, uint32_t on, uint32_t mode)
{
	test_open_on(_metadata, &d->t, on);
	test_mode(_metadata, &d->t, mode);
	if (stay_on(0, 1) || stay_on(0, 0))
		SKIP(return, "one CPU");
	if (!test_move_irqs(_metadata, &d->t, "2"))
		SKIP(return, "no interrupt thread of the IOMMU's to move");
	d->size = sva_page_size();
	/* With PRI, unbinding waits until faults can be reported again. */
	d->hog_ms = on == SVA_TEST_PRI_ON ? HOG_MS : PATIENCE_MS;
	d->cpu1 = test_shared(sizeof(*d->cpu1));
	ASSERT_NE(NULL, d->cpu1);
	d->mem = own_memory(NULL, OURS);
	ASSERT_NE(MAP_FAILED, d->mem);
}

static void test_drain_close(struct test_drain *d)
{
	sva_restore_files();
	sva_misbehave(&d->t.sva, (struct sva_test_knobs) {});
	sva_close(&d->t.sva);
}

static void bind_again(struct __test_metadata *_metadata, struct test_drain *d)
{
	ASSERT_EQ(0, sva_bind_private(&d->t.sva, &d->t.as.bond,
				      &d->t.as.pasid));
	d->t.as.as = SVA_TEST_AS_BOND;
	ASSERT_EQ(0, sva_counters_clear(&d->t.sva));
	/* Checking that a page is unchanged touches it. */
	ASSERT_EQ(d->mem, own_memory(d->mem, OURS));
}

/* The operation uses the raw PASID, so that it does not end with the bond. */
static struct sva_test_op stubborn(struct test_drain *d, uint32_t what,
				   size_t len)
{
	struct sva_as as = test_forged(&d->t, d->t.as.pasid);
	struct sva_test_op op = sva_op(&as, what, d->mem, len);

	op.data = 0x5a;
	return op;
}

/* The same on page @i, which is read or written */
static int __maybe_unused
submit(struct test_drain *d, size_t i, uint32_t mode, uint32_t skip)
{
	struct sva_test_op *op = &d->ops[i];

	*op = stubborn(d, i % 2 ? SVA_TEST_OP_READ : SVA_TEST_OP_FILL,
		       TEST_WORKS_LEN);
	op->addr += i * d->size;
	op->mode |= mode;
	op->skip = skip;
	if (i % 2) {
		memset(d->bufs[i], 0xa5, TEST_WORKS_LEN);
		op->buf = (uintptr_t)d->bufs[i];
		op->buf_len = TEST_WORKS_LEN;
	}
	return sva_submit(&d->t.sva, op);
}

/* Expect the operation to end. Return false if it has succeeded. */
static bool __maybe_unused
was_denied(struct __test_metadata *_metadata, struct test_drain *d, size_t i,
	   int denied)
{
	int cause = sva_wait(&d->t.sva, &d->ops[i]);

	if ((cause == denied || cause == test_no_pasid(d->t.as.mode)) &&
	    (i % 2 == 0 || sva_is_byte(d->bufs[i], TEST_WORKS_LEN, 0xa5)))
		return true;
	TH_LOG("operation %zu: %s", i, sva_cause(cause));
	return false;
}

static void __maybe_unused stop(struct __test_metadata *_metadata,
				struct test_drain *d, struct sva_test_op *op)
{
	EXPECT_EQ(0, sva_abort(&d->t.sva, op));
	sva_wait(&d->t.sva, op);
}

static uint64_t nr_faults(struct test_drain *d, uint64_t *answered)
{
	struct sva_test_counters c = {};

	sva_counters(&d->t.sva, d->t.as.pasid, &c);
	*answered = c.page_responses;
	return c.page_requests + c.stalls;
}

/* Wait until the device has sent @nr page requests or was stalled as often. */
static bool has_asked(struct test_drain *d, uint64_t nr)
{
	uint64_t end = now_ms() + PATIENCE_MS;
	uint64_t answered;

	while (nr_faults(d, &answered) < nr) {
		if (now_ms() > end)
			return false;
		usleep(1000);
	}
	return true;
}

/* In a child: bind to the PASID as soon as it is free, at the same addresses */
static __noreturn void __maybe_unused
next_owner(struct test_drain *d, struct test_hand *h)
{
	struct sva sva;
	struct sva_as as = {
		.sva = &sva,
		.mode = d->t.as.mode,
		.pasid = d->t.as.pasid,
	};
	uint8_t buf[TEST_WORKS_LEN];

	CHILD_CHECK(own_memory(d->mem, THEIRS) == d->mem);
	CHILD_CHECK(!sva_open_path(&sva, d->t.sva.path));
	test_wait_go(h);
	CHILD_CHECK(!sva_bind_private(&sva, &as.bond, &as.pasid));
	CHILD_CHECK(as.pasid == d->t.as.pasid);
	test_say(h);

	/*
	 * Old requests must have been answered by now, but not from this
	 * process.
	 */
	test_wait_go(h);
	CHILD_CHECK(untouched(d));
	CHILD_CHECK(!sva_read(&as, d->mem, buf, sizeof(buf)));
	CHILD_CHECK(sva_is_pattern(buf, sizeof(buf), THEIRS));
	CHILD_CHECK(unchanged(d, THEIRS));
	CHILD_CHECK(test_works(&as, d->mem));
	CHILD_CHECK(!sva_unbind(&sva, as.bond));
	_exit(0);
}

/* End the bond while no fault is reported, and let the next owner bind. */
static void __maybe_unused
hand_over(struct __test_metadata *_metadata, struct test_drain *d,
	  struct test_hand *next)
{
	tell_hog(d, COUNT_DOWN);
	ASSERT_EQ(0, sva_unbind(&d->t.sva, d->t.as.bond));
	test_go(_metadata, next);
	test_heard(_metadata, next);
}

/* Now the next owner checks. Our memory must be unchanged. */
static void __maybe_unused
end_next(struct __test_metadata *_metadata, struct test_drain *d,
	 struct test_hand *next)
{
	test_go(_metadata, next);
	test_join(_metadata, next);
	EXPECT_TRUE(unchanged(d, OURS));
}

static void __maybe_unused
start_hog(struct __test_metadata *_metadata, struct test_drain *d,
	  struct test_hand *h)
{
	tell_hog(d, HOLD);
	if (!test_fork(_metadata, h))
		hog(d, h, d->hog_ms);
	test_heard(_metadata, h);
}

static void __maybe_unused
end_hog(struct __test_metadata *_metadata, struct test_drain *d,
	struct test_hand *h)
{
	tell_hog(d, LET_GO);
	test_join(_metadata, h);
}

/* Each page request has been answered */
static void __maybe_unused
expect_answers(struct __test_metadata *_metadata, struct test_drain *d)
{
	uint64_t end = now_ms() + PATIENCE_MS;
	uint64_t asked, answered;

	do {
		asked = nr_faults(d, &answered);
	} while (answered < asked && now_ms() < end);
	EXPECT_EQ(asked, answered);
}

#endif /* SVA_TEST_DRAIN_H */
