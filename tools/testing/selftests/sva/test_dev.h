/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Set-up for the test programs: a device, a bond, a way to make requests
 *
 * The reasons for which a test is skipped are part of the interface: whoever
 * runs the tests may list the expected ones.
 */
#ifndef SVA_TEST_DEV_H
#define SVA_TEST_DEV_H

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/capability.h>

#include "kselftest_harness.h"
#include "sva_lib.h"

struct test_dev {
	struct sva sva;
	struct sva_test_info info;
	struct sva_as as;	/* the bond of this process */
};

/* The parameter by which helpers of a fixture get its data */
#define TEST_SELF(fixture) struct _test_data_##fixture *self

static uint64_t __maybe_unused now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000ULL + ts.tv_nsec / 1000;
}

static uint64_t __maybe_unused now_ms(void)
{
	return now_us() / 1000;
}

/* Whether @cond becomes true within @ms */
#define SOON(ms, cond) ({ \
	uint64_t __end = now_us() + (ms) * 1000ULL; \
	bool __good; \
	while (!(__good = (cond)) && now_us() < __end) \
		usleep(1000); \
	__good; \
})

/*
 * Nearly all tests forge requests or look up physical addresses, which needs
 * root, and does not work in a container.
 */
static void __attribute__((constructor)) test_is_privileged(void)
{
	const uint32_t needed = 1u << CAP_SYS_ADMIN | 1u << CAP_SYS_RAWIO;
	struct __user_cap_header_struct hdr = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = {};

	syscall(SYS_capget, &hdr, data);
	if ((data[0].effective & needed) != needed)
		ksft_exit_skip("no CAP_SYS_ADMIN and CAP_SYS_RAWIO\n");
}

/*
 * What is enabled while a PASID is attached, which is what a test is about. A
 * device whose own DMA is not translated need not have ATS and PRI before. A
 * child binds, so that the caller is a process that never did.
 */
static void __maybe_unused test_info(struct test_dev *t)
{
	struct sva_test_info info = {};
	uint32_t bond, pasid = 0;
	struct sva sva;
	int status = 0;
	pid_t pid;

	if (t->info.domain != SVA_DOMAIN_PT || !t->info.max_pasids ||
	    !(t->info.caps & SVA_TEST_CAPS_ATS) ||
	    t->info.on & SVA_TEST_ATS_ON)
		return;
	pid = fork();
	if (!pid) {
		if (!sva_open_path(&sva, t->sva.path) &&
		    !sva_bind_private(&sva, &bond, &pasid))
			sva_info(&sva, &info);
		_exit(info.on);
	}
	if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status))
		t->info.on |= WEXITSTATUS(status);
}

/* Open device @nr. Skip the test if it has no PASIDs. */
static void __maybe_unused test_open_nr(struct __test_metadata *_metadata,
					struct test_dev *t, int nr)
{
	int ret = sva_open(&t->sva, nr);

	if (ret == -ENOENT || ret == -ENXIO)
		SKIP(_exit(KSFT_SKIP), "no device %s", sva_path(nr));
	ASSERT_EQ(0, ret)
		TH_LOG("%s: %s", sva_path(nr), strerror(-ret));
	ASSERT_EQ(0, sva_info(&t->sva, &t->info));
	test_info(t);
	if (!t->info.max_pasids)
		SKIP(_exit(KSFT_SKIP), "no PASIDs");
}

static void __maybe_unused test_open(struct __test_metadata *_metadata,
				     struct test_dev *t)
{
	test_open_nr(_metadata, t, 0);
}

#define TEST_MAX_DEVS	64

/* Open the device after number @nr - 1, and set @nr to what follows it */
static bool __maybe_unused test_next(struct test_dev *t, int *nr)
{
	char path[64];

	while (*nr < TEST_MAX_DEVS) {
		snprintf(path, sizeof(path), "/dev/sva-test%d", (*nr)++);
		if (sva_open_path(&t->sva, path))
			continue;
		if (!sva_info(&t->sva, &t->info)) {
			test_info(t);
			return true;
		}
		sva_close(&t->sva);
	}
	return false;
}

/*
 * Open the first device that has PASIDs and all of @on, SVA_TEST_*_ON, and if
 * @max_pasids is not 0 just that many. -ENODEV: there is none.
 */
static int __maybe_unused test_find(struct test_dev *t, uint32_t on,
				    uint32_t max_pasids)
{
	int nr = 0;

	while (test_next(t, &nr)) {
		if (t->info.max_pasids && (t->info.on & on) == on &&
		    (!max_pasids || t->info.max_pasids == max_pasids))
			return 0;
		sva_close(&t->sva);
	}
	return -ENODEV;
}

/* What handles the page faults of a device: VT-d by PRI, SMMUv3 by stalls */
static void __maybe_unused test_open_on(struct __test_metadata *_metadata,
					struct test_dev *t, uint32_t on)
{
	if (!on)
		test_open(_metadata, t);
	else if (test_find(t, on, 0))
		SKIP(_exit(KSFT_SKIP), "no %s",
		     on & SVA_TEST_PRI_ON ? "PRI" : "stalls");
}

/* Make @mode usable, or skip the test with a reason. */
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

/*
 * Move the interrupts by which the IOMMU reports faults, and their threads, to
 * @cpu, a mask. On x86 a move waits until the one before is over, and continues
 * when the next interrupt comes. The thread follows when it is woken up after
 * that. So cause faults until both are done. Return false if there is no such
 * interrupt.
 */
static bool __maybe_unused test_move_irqs(struct __test_metadata *_metadata,
					  struct test_dev *t, const char *cpu)
{
	struct sva_as as = {
		.sva = &t->sva,
		.as = SVA_TEST_AS_BOND,
		.mode = t->info.on & SVA_TEST_PRI_ON ?
			SVA_TEST_MODE_ATS | SVA_TEST_PAGE_REQUEST :
			SVA_TEST_MODE_UNTRANSLATED,
	};
	size_t i, nr = 16, size = sva_page_size();
	bool moved = false;
	uint8_t *mem;

	if (!sva_move_irqs(cpu))
		return false;
	mem = sva_pages(nr);
	ASSERT_EQ(0, sva_bind_private(&t->sva, &as.bond, &as.pasid));
	for (i = 0; i < nr && !moved; i++) {
		moved = sva_irqs_moved(cpu);
		ASSERT_EQ(0, sva_fill(&as, mem + i * size, 0, 8));
		/* The vector before is given back by a timer. */
		usleep(10000);
	}
	EXPECT_TRUE(moved);
	ASSERT_EQ(0, sva_unbind(&t->sva, as.bond));
	munmap(mem, nr * size);
	return true;
}

static void __maybe_unused test_bind_on(struct __test_metadata *_metadata,
					struct test_dev *t, uint32_t on,
					uint32_t mode)
{
	int ret;

	test_open_on(_metadata, t, on);
	test_mode(_metadata, t, mode);
	ret = sva_bind(&t->sva, &t->as.bond, &t->as.pasid);
	if (ret == -ENODEV || ret == -EOPNOTSUPP)
		SKIP(_exit(KSFT_SKIP), "no SVA");
	ASSERT_EQ(0, ret);
	t->as.as = SVA_TEST_AS_BOND;
}

static void __maybe_unused test_bind(struct __test_metadata *_metadata,
				     struct test_dev *t, uint32_t mode)
{
	test_bind_on(_metadata, t, 0, mode);
}

/* A bond on @sva, by iommu_sva_bind_device() */
static int __maybe_unused test_bind_as(struct sva *sva, struct sva_as *as,
				       uint32_t mode)
{
	*as = (struct sva_as) { .sva = sva, .mode = mode };
	return sva_bind(sva, &as->bond, &as->pasid);
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
 * How an access ends that the page tables do not allow. On PCIe a translation
 * completion without the requested permission tells the device to stop, and an
 * untranslated request is completed with UR or CA.
 */
static int __maybe_unused test_denied(uint32_t mode)
{
	if (mode & SVA_TEST_PAGE_REQUEST)
		return SVA_TEST_CAUSE_PAGE_INVALID;
	if ((mode & SVA_TEST_MODE) == SVA_TEST_MODE_ATS)
		return SVA_TEST_CAUSE_ATS_NO_ACCESS;
	return SVA_TEST_CAUSE_REFUSED;
}

/* How an access ends whose PASID has no address space */
static int __maybe_unused test_no_pasid(uint32_t mode)
{
	if ((mode & SVA_TEST_MODE) == SVA_TEST_MODE_ATS)
		return SVA_TEST_CAUSE_ATS_DENIED;
	return SVA_TEST_CAUSE_REFUSED;
}

/*
 * How an access ends once the process has exited, as long as the bond has not
 * ended. VT-d detaches the PASID then. SMMUv3 keeps its CD, but takes the page
 * table away, which is a translation fault as for any address.
 */
static int __maybe_unused test_exited(uint32_t mode)
{
#ifdef __x86_64__
	return test_no_pasid(mode);
#else
	return test_denied(mode);
#endif
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

/*
 * Check that the device can read and write @mem, and that nothing else changes.
 */
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

/*
 * Check that @pasid leads nowhere, neither for reading nor for writing, and that
 * both end with @cause.
 */
static void __maybe_unused
test_expect_nowhere(struct __test_metadata *_metadata, struct test_dev *t,
		    uint32_t pasid, uint8_t *mem, int cause)
{
	struct sva_as forged = test_forged(t, pasid);
	struct sva_test_counters c;
	uint8_t buf[TEST_WORKS_LEN];
	uint64_t counted;

	sva_pattern(mem, sizeof(buf), 10);
	sva_pattern(buf, sizeof(buf), 11);
	ASSERT_EQ(0, sva_counters_clear(&t->sva));
	EXPECT_CAUSE(cause, sva_read(&forged, mem, buf, sizeof(buf)));
	EXPECT_CAUSE(cause, sva_write(&forged, mem, buf, sizeof(buf)));
	EXPECT_TRUE(sva_is_pattern(mem, sizeof(buf), 10));
	EXPECT_TRUE(sva_is_pattern(buf, sizeof(buf), 11));
	ASSERT_EQ(0, sva_counters(&t->sva, pasid, &c));
	EXPECT_EQ(0, c.answered);
	if (cause == SVA_TEST_CAUSE_ATS_NO_ACCESS)
		counted = c.ats_requests;
	else if (cause == SVA_TEST_CAUSE_ATS_DENIED)
		counted = c.ats_denied;
	else
		counted = c.refused;
	EXPECT_EQ(2, counted);
}

static void __maybe_unused
test_expect_no_pasid(struct __test_metadata *_metadata, struct test_dev *t,
		     uint32_t pasid, uint8_t *mem)
{
	test_expect_nowhere(_metadata, t, pasid, mem,
			    test_no_pasid(t->as.mode));
}

/* The same for a bond that is left when its process has exited */
static void __maybe_unused
test_expect_exited(struct __test_metadata *_metadata, struct test_dev *t,
		   uint32_t pasid, uint8_t *mem)
{
	test_expect_nowhere(_metadata, t, pasid, mem, test_exited(t->as.mode));
}

/* mm_get_enqcmd_pasid() of the caller */
static uint32_t __maybe_unused test_enqcmd_pasid(struct sva *sva)
{
	struct sva_test_info info = {};

	return sva_info(sva, &info) ? 0 : info.enqcmd_pasid;
}

/* Children of a test return their result as exit status, 0 for success. */

static int __maybe_unused test_reap(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/*
 * An idle CPU keeps a reference to its last mm, so run something else on each.
 */
static void __maybe_unused test_stir_cpus(void)
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

/* End a child with a line that says where and why */
#define CHILD_CHECK(cond) do { \
	if (!(cond)) { \
		fprintf(TH_LOG_STREAM, "# child: %s:%d: %s\n", \
			__FILE__, __LINE__, #cond); \
		_exit(1); \
	} \
} while (0)

/* A child that works in lockstep with the test */
struct test_hand {
	pid_t pid;
	int up[2], down[2];
};

static pid_t __maybe_unused test_fork(struct __test_metadata *_metadata,
				      struct test_hand *h)
{
	ASSERT_EQ(0, pipe(h->up));
	ASSERT_EQ(0, pipe(h->down));
	h->pid = fork();
	ASSERT_LE(0, h->pid);
	/* Each side must notice when the other one exits. */
	close(h->pid ? h->up[1] : h->up[0]);
	close(h->pid ? h->down[0] : h->down[1]);
	return h->pid;
}

/* The child's side */
static void __maybe_unused test_say(struct test_hand *h)
{
	CHILD_CHECK(write(h->up[1], "", 1) == 1);
}

static void __maybe_unused test_wait_go(struct test_hand *h)
{
	char c;

	CHILD_CHECK(read(h->down[0], &c, 1) == 1);
}

/* The parent's side */
static void __maybe_unused test_heard(struct __test_metadata *_metadata,
				      struct test_hand *h)
{
	char c;

	ASSERT_EQ(1, read(h->up[0], &c, 1));
}

static void __maybe_unused test_go(struct __test_metadata *_metadata,
				   struct test_hand *h)
{
	ASSERT_EQ(1, write(h->down[1], "", 1));
}

static void __maybe_unused test_join(struct __test_metadata *_metadata,
				     struct test_hand *h)
{
	EXPECT_EQ(0, test_reap(h->pid));
	close(h->up[0]);
	close(h->down[1]);
}

#define TEST_EXEC_ENV	"SVA_TEST_AFTER_EXEC"

/*
 * In a child: execute this program again. It has another mm, so the file of @as
 * is open, but its bond and PASID must be useless.
 */
static __noreturn void __maybe_unused test_exec(const struct sva_as *as)
{
	char env[64], *argv[] = { "test", NULL }, *envp[] = { env, NULL };

	snprintf(env, sizeof(env), TEST_EXEC_ENV "=%d %u", dup(as->sva->fd),
		 as->bond);
	execve("/proc/self/exe", argv, envp);
	_exit(1);
}

static void __attribute__((constructor)) test_after_exec(void)
{
	const char *env = getenv(TEST_EXEC_ENV);
	struct sva sva = {};
	struct sva_as as = { .sva = &sva };
	char c;

	if (!env)
		return;
	_exit(sscanf(env, "%d %u", &sva.fd, &as.bond) != 2 ||
	      sva_read(&as, &c, &c, 1) != -EPERM ||
	      sva_unbind(&sva, as.bond) != -EPERM ||
	      test_enqcmd_pasid(&sva) != SVA_NO_PASID);
}

/* Threads that bind, use and unbind; each has a page, they share the mm */

typedef int (*test_bind_t)(struct sva *sva, struct sva_as *as, uint32_t mode);

struct test_worker {
	struct sva *sva;
	uint32_t mode;
	test_bind_t bind;
	uint8_t *mem;
	pthread_t thread;
	bool good;
};

static void __maybe_unused *test_work(void *arg)
{
	struct test_worker *w = arg;
	struct sva_as as;
	int i;

	for (i = 0; i < 25; i++) {
		if (w->bind(w->sva, &as, w->mode) || !test_works(&as, w->mem) ||
		    sva_unbind(w->sva, as.bond))
			return NULL;
	}
	w->good = true;
	return NULL;
}

/* Six of them, which take turns with the @nr ways to bind */
static void __maybe_unused test_threads(struct __test_metadata *_metadata,
					struct test_dev *t,
					const test_bind_t *bind, size_t nr)
{
	struct test_worker w[6];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(w); i++) {
		w[i] = (struct test_worker) {
			.sva = &t->sva,
			.mode = t->as.mode,
			.bind = bind[i % nr],
			.mem = sva_pages(1),
		};
		ASSERT_EQ(0, pthread_create(&w[i].thread, NULL, test_work,
					    &w[i]));
	}
	for (i = 0; i < ARRAY_SIZE(w); i++) {
		pthread_join(w[i].thread, NULL);
		EXPECT_TRUE(w[i].good);
	}
}

/* Something that takes the device long */

#define TEST_LONG_MIB	64
#define TEST_LONG_LEN	(TEST_LONG_MIB << 20)

static int __maybe_unused test_begin_long(const struct sva_as *as, void *mem,
					  struct sva_test_op *op)
{
	*op = sva_op(as, SVA_TEST_OP_FILL, mem, TEST_LONG_LEN);
	op->data = 0x5a5a5a5a5a5a5a5a;
	op->timeout_ms = 20000;
	return sva_submit(as->sva, op);
}

/* Something that has no end, however busy the machine is */
static int __maybe_unused test_begin_endless(const struct sva_as *as, void *mem,
					     struct sva_test_op *op)
{
	*op = sva_op(as, SVA_TEST_OP_FILL, mem, TEST_LONG_LEN);
	op->mode |= SVA_TEST_REPEAT;
	return sva_submit(as->sva, op);
}

/* Unbinding must stop operations in progress and wake up who waits for them. */
static void __maybe_unused
test_unbind_in_flight(struct __test_metadata *_metadata,
		      const struct sva_as *as)
{
	struct sva_test_counters c, later;
	void *mem = sva_long_way(TEST_LONG_MIB);
	struct sva_test_op op;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, sva_counters_clear(as->sva));
	ASSERT_EQ(0, test_begin_endless(as, mem, &op));
	ASSERT_EQ(0, sva_unbind(as->sva, as->bond));
	ASSERT_EQ(0, sva_counters(as->sva, as->pasid, &c));
	EXPECT_CAUSE(SVA_TEST_CAUSE_ABORTED, sva_wait(as->sva, &op));
	ASSERT_EQ(0, sva_counters(as->sva, as->pasid, &later));
	EXPECT_EQ(c.attempts, later.attempts);
	EXPECT_EQ(0, c.refused);
}

/* Memory that the processes of a test share, zeroed */
static void __maybe_unused *test_shared(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

#endif /* SVA_TEST_DEV_H */
