// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bonds that end while page requests or stalled transactions are in progress:
 * others must not wait for that, and those that end at the same time must all
 * be woken up.
 */
#include <poll.h>

#include "test_drain.h"

#define WQ_CPUS		"/sys/devices/virtual/workqueue/cpumask"
/* Nanoseconds of each second that are reserved for normal threads */
#define FAIR_SHARE	"/sys/kernel/debug/sched/fair_server/cpu1/runtime"

/* matrix: 21 */
FIXTURE(drain_others)
{
	struct test_drain d;
};

FIXTURE_VARIANT(drain_others)
{
	uint32_t mode;
	uint32_t on;
	int denied;
};

FIXTURE_VARIANT_ADD(drain_others, pri)
{
	.mode = SVA_TEST_MODE_ATS | SVA_TEST_PAGE_REQUEST,
	.on = SVA_TEST_PRI_ON,
	.denied = SVA_TEST_CAUSE_PAGE_INVALID,
};

/* matrix: 6 */
FIXTURE_VARIANT_ADD(drain_others, stall)
{
	.mode = SVA_TEST_MODE_UNTRANSLATED,
	.on = SVA_TEST_STALL_ON,
	.denied = SVA_TEST_CAUSE_STALL_ABORT,
};

FIXTURE_SETUP(drain_others)
{
	test_drain_open(_metadata, &self->d, variant->on, variant->mode);
}

FIXTURE_TEARDOWN(drain_others)
{
	test_drain_close(&self->d);
}

/* Open another device of the same kind, and return whether there is one. */
static bool find_another(struct test_drain *d, struct test_dev *t, uint32_t on)
{
	int nr = 0;

	while (test_next(t, &nr)) {
		if (strcmp(t->sva.path, d->t.sva.path) && t->info.on & on)
			return true;
		sva_close(&t->sva);
	}
	return false;
}

/* In a child: bind to another device of the same kind, and unbind. */
static __noreturn void bind_another(struct test_drain *d, struct test_hand *h,
				    uint32_t on, bool awaited)
{
	struct test_dev t = {};

	CHILD_CHECK(find_another(d, &t, on));
	test_say(h);
	test_wait_go(h);
	usleep(HOG_MS * 1000 / 4);
	CHILD_CHECK(!sva_bind_private(&t.sva, &t.as.bond, &t.as.pasid));
	CHILD_CHECK(!sva_unbind(&t.sva, t.as.bond));
	/* Our unbind waits for CPU 1, and therefore for this process. */
	if (awaited)
		tell_hog(d, LET_GO);
	test_say(h);
	_exit(0);
}

/*
 * Both processes end a bond, and the other one must not wait for ours. If
 * @awaited, ours ends when the other one has released CPU 1; if not, neither
 * waits for that.
 */
static void unbind_both(struct __test_metadata *_metadata, struct test_drain *d,
			struct test_hand *other, struct test_hand *busy,
			bool awaited)
{
	test_go(_metadata, other);
	EXPECT_EQ(0, sva_unbind(&d->t.sva, d->t.as.bond));
	if (awaited)
		EXPECT_EQ(LET_GO, *d->cpu1);
	test_heard(_metadata, other);
	end_hog(_metadata, d, busy);
	test_join(_metadata, other);
}

/*
 * Another process binds to another device while the fault of this device is not
 * reported. With PRI our unbind waits for the report. On SMMUv3 it handles the
 * event queue itself.
 */
TEST_F(drain_others, others_go_on)
{
	struct test_drain *d = &self->d;
	const bool pri = variant->on == SVA_TEST_PRI_ON;
	struct test_hand other, busy;
	struct test_dev second = {};
	struct sva_test_op op;

	if (!find_another(d, &second, variant->on))
		SKIP(return, "no second device");
	sva_close(&second.sva);
	bind_again(_metadata, d);
	if (!test_fork(_metadata, &other))
		bind_another(d, &other, variant->on, pri);
	test_heard(_metadata, &other);
	start_hog(_metadata, d, &busy);
	op = stubborn(d, SVA_TEST_OP_FILL, 64);
	ASSERT_EQ(0, sva_submit(&d->t.sva, &op));
	ASSERT_TRUE(has_asked(d, 1));

	unbind_both(_metadata, d, &other, &busy, pri);
	sva_wait(&d->t.sva, &op);
}

/*
 * The fault was reported, but its handler does not get a CPU. Nobody may wait
 * for it, because a fault that nobody has begun to handle is cancelled.
 */
TEST_F(drain_others, not_begun)
{
	struct test_drain *d = &self->d;
	struct test_hand other, busy;
	struct test_dev second = {};
	struct sva_as stays = {};
	struct sva_test_op op;
	int ret;

	if (!find_another(d, &second, variant->on))
		SKIP(return, "no second device");
	sva_close(&second.sva);
	ASSERT_TRUE(test_move_irqs(_metadata, &d->t, "1"));
	ASSERT_EQ(0, sva_change_file(WQ_CPUS, "2"));
	ret = sva_change_file(FAIR_SHARE, "0");
	if (ret == -ENOENT && access("/sys/kernel/debug/sched", F_OK))
		SKIP(return, "no debugfs");
	ASSERT_TRUE(!ret || ret == -ENOENT);
	/* Another PASID keeps the device on the fault queue. */
	ASSERT_EQ(0, sva_bind_private(&d->t.sva, &stays.bond, &stays.pasid));
	bind_again(_metadata, d);
	if (!test_fork(_metadata, &other))
		bind_another(d, &other, variant->on, false);
	test_heard(_metadata, &other);
	start_hog(_metadata, d, &busy);
	op = stubborn(d, SVA_TEST_OP_FILL, 64);
	ASSERT_EQ(0, sva_submit(&d->t.sva, &op));
	ASSERT_TRUE(has_asked(d, 1));
	usleep(HOG_MS * 1000 / 8);

	unbind_both(_metadata, d, &other, &busy, false);
	EXPECT_CAUSE(variant->denied, sva_wait(&d->t.sva, &op));
	EXPECT_EQ(0, sva_pfn(d->mem));
	EXPECT_EQ(0, sva_unbind(&d->t.sva, stays.bond));
}

/* In a child: end a bond whose page request nobody has reported yet */
static __noreturn void end_one(struct test_drain *d, struct test_hand *h,
			       int nr)
{
	struct test_drain own = *d;
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
/* matrix: 20 */
TEST_F_TIMEOUT(drain_others, two_at_once, 60)
{
	struct test_drain *d = &self->d;
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
			end_one(d, &ends[i], i);
		test_heard(_metadata, &ends[i]);
	}
	start_hog(_metadata, d, &busy);
	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		test_go(_metadata, &ends[i]);
		test_heard(_metadata, &ends[i]);
	}
	tell_hog(d, COUNT_DOWN);
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
	d->t.as.pasid = 1;
	op = stubborn(d, SVA_TEST_OP_FILL, 64);
	EXPECT_EQ(0, sva_submit(&d->t.sva, &op));
	sva_wait(&d->t.sva, &op);
	for (i = 0; i < ARRAY_SIZE(ends); i++)
		test_join(_metadata, &ends[i]);
}

TEST_HARNESS_MAIN
