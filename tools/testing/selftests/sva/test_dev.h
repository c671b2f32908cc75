/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Setting up for the test programs: a device, a bond, a way to make requests
 *
 * The reasons for which a test is skipped are part of the interface: whoever
 * runs the tests may list the ones that he expects.
 */
#ifndef SVA_TEST_DEV_H
#define SVA_TEST_DEV_H

#include <string.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "sva_lib.h"

struct test_dev {
	struct sva sva;
	struct sva_test_info info;
	struct sva_as as;	/* the bond of this process */
};

/* The parameter by which helpers of a fixture get its data */
#define TEST_SELF(fixture) struct _test_data_##fixture *self

/* Open device @nr. A test of SVA has nothing to test without PASIDs. */
static void __maybe_unused test_open_nr(struct __test_metadata *_metadata,
					struct test_dev *t, int nr)
{
	int ret = sva_open(&t->sva, nr);

	if (ret == -ENOENT || ret == -ENXIO)
		SKIP(_exit(KSFT_SKIP), "no device %s", sva_path(nr));
	ASSERT_EQ(0, ret)
		TH_LOG("%s: %s", sva_path(nr), strerror(-ret));
	ASSERT_EQ(0, sva_info(&t->sva, &t->info));
	if (!t->info.max_pasids)
		SKIP(_exit(KSFT_SKIP), "no PASIDs");
}

static void __maybe_unused test_open(struct __test_metadata *_metadata,
				     struct test_dev *t)
{
	test_open_nr(_metadata, t, 0);
}

/* Make @mode usable, or say why it is not */
static void __maybe_unused test_mode(struct __test_metadata *_metadata,
				     struct test_dev *t, uint32_t mode)
{
	if (mode & SVA_TEST_PAGE_REQUEST && !(t->info.on & SVA_TEST_PRI_ON))
		SKIP(_exit(KSFT_SKIP), "no PRI");
	if ((mode & SVA_TEST_MODE) == SVA_TEST_MODE_ATS &&
	    !(t->info.on & SVA_TEST_ATS_ON))
		SKIP(_exit(KSFT_SKIP), "no ATS");
	t->as.sva = &t->sva;
	t->as.mode = mode;
}

static void __maybe_unused test_bind(struct __test_metadata *_metadata,
				     struct test_dev *t, uint32_t mode)
{
	test_open(_metadata, t);
	test_mode(_metadata, t, mode);
	ASSERT_EQ(0, sva_bind(&t->sva, &t->as.bond, &t->as.pasid));
	t->as.as = SVA_TEST_AS_BOND;
}

/* A PASID that nothing is attached to, in the way of @t */
static struct sva_as __maybe_unused test_forged(struct test_dev *t,
						uint32_t pasid)
{
	return (struct sva_as) {
		.sva = &t->sva,
		.as = SVA_TEST_AS_PASID,
		.pasid = pasid,
		.mode = t->as.mode,
	};
}

/*
 * How an access ends that the page tables do not allow. PCIe: a translation
 * completion without the permission asked for tells the device to go no
 * further; a request that was not translated is completed with UR or CA.
 */
static int __maybe_unused test_denied(uint32_t mode)
{
	if (mode & SVA_TEST_PAGE_REQUEST)
		return SVA_TEST_CAUSE_PAGE_INVALID;
	if ((mode & SVA_TEST_MODE) == SVA_TEST_MODE_ATS)
		return SVA_TEST_CAUSE_ATS_NO_ACCESS;
	return SVA_TEST_CAUSE_REFUSED;
}

/* How one ends whose PASID has no address space */
static int __maybe_unused test_no_pasid(uint32_t mode)
{
	if ((mode & SVA_TEST_MODE) == SVA_TEST_MODE_ATS)
		return SVA_TEST_CAUSE_ATS_DENIED;
	return SVA_TEST_CAUSE_REFUSED;
}

#define EXPECT_CAUSE(cause, call) do { \
	int __cause = (call); \
	EXPECT_EQ(cause, __cause) \
		TH_LOG("%s: %s", #call, sva_cause(__cause)); \
} while (0)

#define ASSERT_CAUSE(cause, call) do { \
	int __cause = (call); \
	ASSERT_EQ(cause, __cause) \
		TH_LOG("%s: %s", #call, sva_cause(__cause)); \
} while (0)

#define TEST_WORKS_LEN	64

/* The device can use @mem, to and fro, and nothing else happens to it */
static bool __maybe_unused test_works(const struct sva_as *as, uint8_t *mem)
{
	uint8_t buf[TEST_WORKS_LEN];

	sva_pattern(mem, sizeof(buf), 8);
	if (sva_read(as, mem, buf, sizeof(buf)) ||
	    !sva_is_pattern(buf, sizeof(buf), 8))
		return false;
	sva_pattern(buf, sizeof(buf), 9);
	return !sva_write(as, mem, buf, sizeof(buf)) &&
	       sva_is_pattern(mem, sizeof(buf), 9);
}

/* Nothing answers to @pasid, neither for reading nor for writing */
static void __maybe_unused
test_expect_no_pasid(struct __test_metadata *_metadata, struct test_dev *t,
		     uint32_t pasid, uint8_t *mem)
{
	struct sva_as forged = test_forged(t, pasid);
	int cause = test_no_pasid(t->as.mode);
	struct sva_test_counters c;
	uint8_t buf[TEST_WORKS_LEN];

	sva_pattern(mem, sizeof(buf), 10);
	sva_pattern(buf, sizeof(buf), 11);
	ASSERT_EQ(0, sva_counters_clear(&t->sva));
	EXPECT_CAUSE(cause, sva_read(&forged, mem, buf, sizeof(buf)));
	EXPECT_CAUSE(cause, sva_write(&forged, mem, buf, sizeof(buf)));
	EXPECT_TRUE(sva_is_pattern(mem, sizeof(buf), 10));
	EXPECT_TRUE(sva_is_pattern(buf, sizeof(buf), 11));
	ASSERT_EQ(0, sva_counters(&t->sva, pasid, &c));
	EXPECT_EQ(0, c.answered);
	EXPECT_EQ(2, cause == SVA_TEST_CAUSE_ATS_DENIED ? c.ats_denied :
							  c.refused);
}

/* mm_get_enqcmd_pasid() of the caller */
static uint32_t __maybe_unused test_enqcmd_pasid(struct sva *sva)
{
	struct sva_test_info info = {};

	return sva_info(sva, &info) ? 0 : info.enqcmd_pasid;
}

/* Children of a test: what they find is the exit status, 0 is good */

static int __maybe_unused test_reap(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* End a child with a line that says where and why */
#define CHILD_CHECK(cond) do { \
	if (!(cond)) { \
		fprintf(TH_LOG_STREAM, "# child: %s:%d: %s\n", \
			__FILE__, __LINE__, #cond); \
		_exit(1); \
	} \
} while (0)

/* Memory that the processes of a test share, zeroed */
static void __maybe_unused *test_shared(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

#endif /* SVA_TEST_DEV_H */
