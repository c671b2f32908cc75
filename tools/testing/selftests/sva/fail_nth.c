// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fail every allocation of a bind or unbind once. The call must return an error
 * or succeed without it, and must leave nothing behind. Each attempt is the
 * first bond of a new process. The number of injection points is printed.
 */
#include <fcntl.h>

#include "test_dev.h"

#define MAX_POINTS	200
#define FAIL_NTH	"/proc/thread-self/fail-nth"

/* How a child ends, unless something is wrong */
enum { POINT_FAILED = 10, POINT_IGNORED, NO_MORE_POINTS };

/* matrix: 24 */
FIXTURE(fail_nth)
{
	struct test_dev t;
};

FIXTURE_SETUP(fail_nth)
{
	if (access(FAIL_NTH, W_OK) ||
	    sva_change_file("/sys/kernel/debug/failslab/ignore-gfp-wait", "N"))
		SKIP(_exit(KSFT_SKIP), "no fault injection");
	sva_change_file("/sys/kernel/debug/failslab/verbose", "0");
	sva_change_file("/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait",
			"N");
	sva_change_file("/sys/kernel/debug/fail_page_alloc/verbose", "0");
	test_open(_metadata, &self->t);
	test_mode(_metadata, &self->t, SVA_TEST_MODE_UNTRANSLATED);
}

FIXTURE_TEARDOWN(fail_nth)
{
	sva_restore_files();
	sva_close(&self->t.sva);
}

/* A call under test, which can be made again if it failed */
typedef int call_fn(struct sva_as *as);

static int call_bind(struct sva_as *as)
{
	return sva_bind(as->sva, &as->bond, &as->pasid);
}

static int call_bind_private(struct sva_as *as)
{
	as->pasid = 0;
	return sva_bind_private(as->sva, &as->bond, &as->pasid);
}

static int call_bind_and_unbind(struct sva_as *as)
{
	int ret = call_bind_private(as);

	return ret ?: sva_unbind(as->sva, as->bond);
}

/* Two bonds at once: the second one finds the domain of the first */
static int call_bind_second(struct sva_as *as)
{
	uint32_t first = as->bond;
	int ret = call_bind_private(as);

	if (!ret)
		sva_unbind(as->sva, first);
	return ret;
}

static int call_unbind(struct sva_as *as)
{
	return sva_unbind(as->sva, as->bond);
}

/* Fail the @nth allocation of @call, and return the result. */
static int fail_at(unsigned int nth, call_fn *call, struct sva_as *as, int *ret)
{
	int fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	char text[16] = "";
	int len;

	CHILD_CHECK(fd >= 0);
	len = snprintf(text, sizeof(text), "%u", nth);
	CHILD_CHECK(write(fd, text, len) == len);
	*ret = call(as);
	memset(text, 0, sizeof(text));
	CHILD_CHECK(pread(fd, text, sizeof(text) - 1, 0) > 0);
	CHILD_CHECK(pwrite(fd, "0", 1, 0) == 1);
	close(fd);
	/* If the count is not 0, the call has fewer injection points. */
	if (atoi(text))
		return NO_MORE_POINTS;
	return *ret ? POINT_FAILED : POINT_IGNORED;
}

static bool has_sva(struct sva *sva)
{
	struct sva_test_info info;

	CHILD_CHECK(!sva_info(sva, &info));
	return info.has_sva;
}

/* In a child, whose mm has no bonds except those that @before creates */
static __noreturn void attempt(const char *path, unsigned int nth,
			       call_fn *before, call_fn *call, bool bound)
{
	uint8_t *mem = sva_pages(1);
	struct sva sva;
	struct sva_as as = { .sva = &sva, .as = SVA_TEST_AS_BOND };
	int ret, end;
	bool had;

	CHILD_CHECK(!sva_open_path(&sva, path));
	CHILD_CHECK(!before || !before(&as));
	had = has_sva(&sva);
	end = fail_at(nth, call, &as, &ret);
	CHILD_CHECK(!ret || ret == -ENOMEM);
	/* A global PASID may stay with the process even if the bind fails. */
	CHILD_CHECK(!ret || call == call_bind || has_sva(&sva) == had);
	/* Not so for the next one */
	CHILD_CHECK(!ret || !call(&as));
	if (bound) {
		CHILD_CHECK(test_works(&as, mem));
		CHILD_CHECK(!sva_unbind(&sva, as.bond));
	}
	sva_close(&sva);
	_exit(end);
}

static void sweep(struct __test_metadata *_metadata, TEST_SELF(fail_nth),
		  call_fn *before, call_fn *call, bool bound)
{
	unsigned int nth, failed = 0;
	int end;

	for (nth = 1; nth < MAX_POINTS; nth++) {
		pid_t pid = fork();

		if (!pid)
			attempt(self->t.sva.path, nth, before, call, bound);
		end = test_reap(pid);
		if (end == NO_MORE_POINTS)
			break;
		ASSERT_TRUE(end == POINT_FAILED || end == POINT_IGNORED)
			TH_LOG("allocation %u", nth);
		failed += end == POINT_FAILED;
	}
	ASSERT_GT(MAX_POINTS, nth);
	TH_LOG("%u points: %u fail the call, %u do not", nth - 1, failed,
	       nth - 1 - failed);
	EXPECT_LT(0, nth - 1);
}

TEST_F(fail_nth, bind)
{
	sweep(_metadata, self, NULL, call_bind, true);
}

TEST_F(fail_nth, bind_private)
{
	sweep(_metadata, self, NULL, call_bind_private, true);
}

TEST_F(fail_nth, bind_second)
{
	sweep(_metadata, self, call_bind_private, call_bind_second, true);
}

TEST_F(fail_nth, bind_beside_global)
{
	sweep(_metadata, self, call_bind, call_bind_second, true);
}

TEST_F(fail_nth, bind_and_unbind)
{
	sweep(_metadata, self, NULL, call_bind_and_unbind, false);
}

/* Unbinding must not fail, whatever it allocates. */
TEST_F(fail_nth, unbind)
{
	struct sva_as as = { .sva = &self->t.sva };
	unsigned int nth;
	int ret;

	for (nth = 1; nth < MAX_POINTS; nth++) {
		ASSERT_EQ(0, call_bind_private(&as));
		if (fail_at(nth, call_unbind, &as, &ret) == NO_MORE_POINTS)
			break;
		ASSERT_EQ(0, ret);
	}
	EXPECT_EQ(0, ret);
	TH_LOG("%u points", nth - 1);
}

TEST_HARNESS_MAIN
