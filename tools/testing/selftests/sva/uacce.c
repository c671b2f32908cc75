// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues of uacce: whose memory they reach, with which PASID, and what is left
 * of them when they, their process or the device come to an end
 */
#include <setjmp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "test_uacce.h"

#define LEN		TEST_WORKS_LEN
#define LOCAL		SVA_TEST_LOCAL_SIZE
#define DUS_OFFSET	(UACCE_QFRT_DUS * sva_page_size())
#define AFTER_EXEC	"SVA_TEST_QUEUE"

FIXTURE(uacce)
{
	struct test_dev t;
	char path[64];
	uint8_t *mem;		/* a page that was touched */
};

FIXTURE_VARIANT(uacce)
{
	uint32_t mode;
	uint32_t on;
};

/* A PCI function, without page faults */
FIXTURE_VARIANT_ADD(uacce, pci)
{
	.mode = SVA_TEST_MODE_UNTRANSLATED,
};

/* One that asks for pages */
FIXTURE_VARIANT_ADD(uacce, pri)
{
	.mode = SVA_TEST_MODE_ATS | SVA_TEST_PAGE_REQUEST,
	.on = SVA_TEST_PRI_ON,
};

/* A platform device, whose accesses wait for pages */
FIXTURE_VARIANT_ADD(uacce, stall)
{
	.mode = SVA_TEST_MODE_UNTRANSLATED,
	.on = SVA_TEST_STALL_ON,
};

FIXTURE_SETUP(uacce)
{
	test_open_on(_metadata, &self->t, variant->on);
	test_mode(_metadata, &self->t, variant->mode);
	if (queue_path(&self->t.sva, self->path, sizeof(self->path)))
		SKIP(_exit(KSFT_SKIP), "no uacce");
	self->mem = sva_pages(1);
	sva_pattern(self->mem, sva_page_size(), 1);
	ASSERT_EQ(0, sva_counters_clear(&self->t.sva));
}

FIXTURE_TEARDOWN(uacce)
{
	sva_restore_files();
	sva_close(&self->t.sva);
}

static int open_started(const char *path)
{
	int q = queue_open(path);
	int ret;

	if (q < 0)
		return q;
	ret = queue_start(q);
	if (!ret)
		return q;
	close(q);
	return ret;
}

/* The device fills @mem with the help of the queue, and what is beside it not */
static bool works(int q, uint32_t mode, uint8_t *mem)
{
	sva_pattern(mem, 2 * LEN, 2);
	return !queue_fill(q, mode, mem, 0x3c, LEN) &&
	       sva_is_byte(mem, LEN, 0x3c) &&
	       !queue_copy(q, mode, mem, mem + LEN, LEN) &&
	       !memcmp(mem, mem + LEN, LEN);
}

static int available(const char *path)
{
	char attr[128];
	int nr = -1;
	FILE *f;

	snprintf(attr, sizeof(attr), "/sys/class/uacce/%s/available_instances",
		 path + strlen("/dev/"));
	f = fopen(attr, "r");
	if (!f)
		return -1;
	if (fscanf(f, "%d", &nr) != 1)
		nr = -1;
	fclose(f);
	return nr;
}

/* @pasid stands for nobody, and no queue has kept what it had */
static void expect_gone(struct __test_metadata *_metadata, TEST_SELF(uacce),
			uint32_t pasid)
{
	test_expect_no_pasid(_metadata, &self->t, pasid, self->mem);
	EXPECT_EQ(SVA_TEST_NR_CHANNELS, available(self->path));
}

TEST_F(uacce, open)
{
	struct sva_test_op op;
	uint32_t pasid;
	int q;

	EXPECT_EQ(SVA_TEST_NR_CHANNELS, available(self->path));
	q = queue_open(self->path);
	ASSERT_LE(0, q);
	EXPECT_EQ(SVA_TEST_NR_CHANNELS - 1, available(self->path));
	pasid = queue_pasid(q);
	EXPECT_LE(1, pasid);
	EXPECT_GT(self->t.info.max_pasids, pasid);
	/* It is not one for ENQCMD */
	EXPECT_EQ(SVA_NO_PASID, test_enqcmd_pasid(&self->t.sva));

	op = queue_op(variant->mode, SVA_TEST_OP_FILL, self->mem, LEN);
	EXPECT_EQ(-EINVAL, queue_submit(q, &op));
	EXPECT_EQ(-ENOTTY, queue_ioctl(q, SVA_TEST_IOC_RESET, NULL));
	EXPECT_TRUE(sva_is_pattern(self->mem, LEN, 1));
	close(q);
	expect_gone(_metadata, self, pasid);
}

TEST_F(uacce, start_and_put)
{
	struct sva_test_counters c, later;
	struct sva_test_op op;
	uint32_t pasid;
	int q;

	q = open_started(self->path);
	ASSERT_LE(0, q);
	EXPECT_EQ(-EINVAL, queue_start(q));
	EXPECT_TRUE(works(q, variant->mode, self->mem));
	pasid = queue_pasid(q);

	/* What is under way ends, and nothing can begin */
	ASSERT_EQ(0, queue_run_freely(q, variant->mode, self->mem, LEN));
	op = queue_op(variant->mode, SVA_TEST_OP_FILL, self->mem, LEN);
	EXPECT_EQ(-EBUSY, queue_submit(q, &op));
	ASSERT_EQ(0, queue_put(q));
	ASSERT_EQ(0, sva_counters(&self->t.sva, pasid, &c));
	EXPECT_CAUSE(SVA_TEST_CAUSE_ABORTED, queue_wait(q, &op));
	EXPECT_EQ(-EINVAL, queue_submit(q, &op));
	ASSERT_EQ(0, sva_counters(&self->t.sva, pasid, &later));
	EXPECT_LT(0, c.attempts);
	EXPECT_EQ(c.attempts, later.attempts);

	ASSERT_EQ(0, queue_start(q));
	EXPECT_EQ(pasid, queue_pasid(q));
	EXPECT_TRUE(works(q, variant->mode, self->mem));
	close(q);
	expect_gone(_metadata, self, pasid);
}

static void *map(int q, size_t len, int flags)
{
	return mmap(NULL, len, PROT_READ | PROT_WRITE, flags, q, DUS_OFFSET);
}

/* The device's own memory: words, which any mapping of it can do */
static void put_words(uint64_t *to, const void *from, size_t len)
{
	const uint64_t *words = from;
	size_t i;

	for (i = 0; i < len / sizeof(*words); i++)
		__atomic_store_n(&to[i], words[i], __ATOMIC_RELAXED);
}

static bool same_words(uint64_t *mapped, const void *mem, size_t len)
{
	const uint64_t *words = mem;
	size_t i;

	for (i = 0; i < len / sizeof(*words); i++)
		if (__atomic_load_n(&mapped[i], __ATOMIC_RELAXED) != words[i])
			return false;
	return true;
}

TEST_F(uacce, mmap)
{
	uint64_t pattern[LEN / 8], zero[LEN / 8] = {};
	uint64_t *dus;
	struct sva_test_op op;
	int q;

	q = open_started(self->path);
	ASSERT_LE(0, q);
	EXPECT_EQ(MAP_FAILED, map(q, 2 * LOCAL, MAP_SHARED));
	EXPECT_EQ(MAP_FAILED, map(q, LOCAL, MAP_PRIVATE));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, LOCAL, PROT_READ, MAP_SHARED, q,
				   UACCE_QFRT_MMIO));
	dus = map(q, LOCAL, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, dus);
	EXPECT_EQ(MAP_FAILED, map(q, LOCAL, MAP_SHARED));
	EXPECT_EQ(EEXIST, errno);
	EXPECT_TRUE(same_words(dus, zero, LEN));
	EXPECT_TRUE(same_words(dus + (LOCAL - LEN) / 8, zero, LEN));

	/* Memory -> the end of the region, the start of it -> memory */
	op = queue_op(variant->mode, SVA_TEST_OP_READ, self->mem, LEN);
	op.local = LOCAL - LEN;
	EXPECT_CAUSE(0, queue_do(q, &op));
	EXPECT_TRUE(same_words(dus + (LOCAL - LEN) / 8, self->mem, LEN));
	sva_pattern(pattern, LEN, 3);
	put_words(dus, pattern, LEN);
	op = queue_op(variant->mode, SVA_TEST_OP_WRITE, self->mem, LEN);
	EXPECT_CAUSE(0, queue_do(q, &op));
	EXPECT_TRUE(sva_is_pattern(self->mem, LEN, 3));
	op.local = LOCAL - LEN + 1;
	EXPECT_EQ(-EINVAL, queue_submit(q, &op));

	/* It can be mapped again, and the next user finds nothing of it */
	ASSERT_EQ(0, munmap(dus, LOCAL));
	dus = map(q, LOCAL, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, dus);
	EXPECT_TRUE(same_words(dus, pattern, LEN));
	ASSERT_EQ(0, munmap(dus, LOCAL));
	close(q);
	q = queue_open(self->path);
	ASSERT_LE(0, q);
	dus = map(q, LOCAL, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, dus);
	EXPECT_TRUE(same_words(dus, zero, LEN));
}

TEST_F(uacce, untouched_memory)
{
	uint8_t *untouched = sva_pages(1);
	struct sva_test_counters c;
	int q, cause;

	q = open_started(self->path);
	ASSERT_LE(0, q);
	cause = variant->on ? 0 : SVA_TEST_CAUSE_REFUSED;
	EXPECT_CAUSE(cause,
		     queue_fill(q, variant->mode, untouched, 0x5a, LEN));
	ASSERT_EQ(0, sva_counters(&self->t.sva, queue_pasid(q), &c));
	EXPECT_EQ(variant->on == SVA_TEST_PRI_ON, c.page_requests);
	EXPECT_EQ(c.page_requests, c.page_responses);
	EXPECT_EQ(variant->on == SVA_TEST_STALL_ON, c.stalls);
	EXPECT_EQ(!variant->on, c.refused);
	EXPECT_TRUE(sva_is_byte(untouched, LEN, variant->on ? 0x5a : 0));
	EXPECT_EQ(0, untouched[LEN]);
}

/* All queues of a process have one PASID, and it ends with the last of them */
TEST_F(uacce, queues_share)
{
	uint32_t pasid;
	int a, b, c;

	a = open_started(self->path);
	b = open_started(self->path);
	ASSERT_LE(0, a);
	ASSERT_LE(0, b);
	pasid = queue_pasid(a);
	EXPECT_EQ(pasid, queue_pasid(b));
	EXPECT_TRUE(works(a, variant->mode, self->mem));
	EXPECT_TRUE(works(b, variant->mode, self->mem));
	close(a);
	EXPECT_TRUE(works(b, variant->mode, self->mem));
	c = open_started(self->path);
	ASSERT_LE(0, c);
	EXPECT_EQ(pasid, queue_pasid(c));
	close(b);
	EXPECT_TRUE(works(c, variant->mode, self->mem));
	close(c);
	expect_gone(_metadata, self, pasid);
}

/* When the device has no more of them to give, the process has lost nothing */
TEST_F(uacce, too_many_queues)
{
	int q[SVA_TEST_NR_CHANNELS], i;
	uint32_t pasid;

	for (i = 0; i < SVA_TEST_NR_CHANNELS; i++) {
		q[i] = open_started(self->path);
		ASSERT_LE(0, q[i]);
	}
	EXPECT_EQ(-EBUSY, queue_open(self->path));
	EXPECT_EQ(-EBUSY, queue_open(self->path));
	pasid = queue_pasid(q[0]);
	for (i = 1; i < SVA_TEST_NR_CHANNELS; i++) {
		EXPECT_EQ(pasid, queue_pasid(q[i]));
		close(q[i]);
	}
	EXPECT_TRUE(works(q[0], variant->mode, self->mem));
	close(q[0]);
	expect_gone(_metadata, self, pasid);
}

/* The same address, a PASID each, and no byte goes astray */
TEST_F(uacce, processes)
{
	struct test_hand h;
	uint32_t pasid;
	int q;

	q = open_started(self->path);
	ASSERT_LE(0, q);
	pasid = queue_pasid(q);
	if (!test_fork(_metadata, &h)) {
		close(q);
		q = open_started(self->path);
		CHILD_CHECK(q >= 0);
		CHILD_CHECK(queue_pasid(q) && queue_pasid(q) != pasid);
		sva_pattern(self->mem, LEN, 4);
		test_say(&h);
		test_wait_go(&h);
		CHILD_CHECK(sva_is_pattern(self->mem, LEN, 4));
		CHILD_CHECK(!queue_fill(q, variant->mode, self->mem, 0x11,
					LEN));
		CHILD_CHECK(sva_is_byte(self->mem, LEN, 0x11));
		_exit(0);
	}
	test_heard(_metadata, &h);
	/* A page of its own as well */
	sva_pattern(self->mem, LEN, 5);
	ASSERT_CAUSE(0, queue_fill(q, variant->mode, self->mem, 0x22, LEN));
	test_go(_metadata, &h);
	test_join(_metadata, &h);
	EXPECT_TRUE(sva_is_byte(self->mem, LEN, 0x22));

	/* The number of one that has ended is the next one's */
	if (!test_fork(_metadata, &h)) {
		close(q);
		q = open_started(self->path);
		CHILD_CHECK(q >= 0);
		CHILD_CHECK(queue_pasid(q) == (pasid == 1 ? 2 : 1));
		_exit(0);
	}
	test_join(_metadata, &h);
}

/*
 * A child that has inherited a queue has the parent's: it can use it, and it is
 * the parent's memory that it reaches. Nothing is mapped for it.
 */
TEST_F(uacce, fork)
{
	struct test_hand h;
	uint32_t pasid;
	void *dus;
	int q, own;

	q = open_started(self->path);
	ASSERT_LE(0, q);
	pasid = queue_pasid(q);
	dus = map(q, LOCAL, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, dus);
	if (!test_fork(_metadata, &h)) {
		CHILD_CHECK(msync(dus, LOCAL, MS_ASYNC) && errno == ENOMEM);
		CHILD_CHECK(map(q, LOCAL, MAP_SHARED) == MAP_FAILED);
		CHILD_CHECK(queue_pasid(q) == pasid);
		own = open_started(self->path);
		CHILD_CHECK(own >= 0 && queue_pasid(own) != pasid);
		sva_pattern(self->mem, LEN, 4);
		test_say(&h);
		test_wait_go(&h);
		CHILD_CHECK(!queue_fill(q, variant->mode, self->mem, 0x33,
					LEN));
		CHILD_CHECK(sva_is_pattern(self->mem, LEN, 4));
		CHILD_CHECK(!queue_put(q) && !queue_start(q));
		_exit(0);
	}
	test_heard(_metadata, &h);
	/* The parent's page is its own again */
	sva_pattern(self->mem, LEN, 5);
	test_go(_metadata, &h);
	test_join(_metadata, &h);
	EXPECT_TRUE(sva_is_byte(self->mem, LEN, 0x33));
	EXPECT_TRUE(works(q, variant->mode, self->mem));
	munmap(dus, LOCAL);
	close(q);
	expect_gone(_metadata, self, pasid);
}

/* In a process whose parent is gone: it has the queue @q, and @mem like him */
static void use_orphaned(int q, uint32_t mode, uint8_t *mem)
{
	sva_pattern(mem, LEN, 6);
	CHILD_CHECK(queue_fill(q, mode, mem, 0x44, LEN) > 0);
	CHILD_CHECK(sva_is_pattern(mem, LEN, 6));
	close(q);
}

/* The queue of a parent that is gone is good for nothing, and hurts nobody */
TEST_F(uacce, outlives_parent)
{
	uint32_t *pasid = test_shared(sizeof(*pasid));
	int q, alive[2], done[2];
	pid_t pid;
	char c;

	ASSERT_NE(NULL, pasid);
	ASSERT_EQ(0, pipe(done));
	pid = fork();
	if (!pid) {
		q = open_started(self->path);
		CHILD_CHECK(q >= 0);
		*pasid = queue_pasid(q);
		CHILD_CHECK(works(q, variant->mode, self->mem));
		CHILD_CHECK(!pipe(alive));
		if (fork())
			_exit(0);
		/* A process closes its files when it has left its mm */
		close(alive[1]);
		CHILD_CHECK(read(alive[0], &c, 1) == 0);
		use_orphaned(q, variant->mode, self->mem);
		CHILD_CHECK(write(done[1], "", 1) == 1);
		_exit(0);
	}
	close(done[1]);
	ASSERT_EQ(0, test_reap(pid));
	ASSERT_EQ(1, read(done[0], &c, 1));
	expect_gone(_metadata, self, *pasid);
}

static void __attribute__((constructor)) after_exec(void)
{
	const char *env = getenv(AFTER_EXEC);
	unsigned long addr;
	uint32_t mode;
	uint8_t *mem;
	int q;

	if (!env)
		return;
	if (sscanf(env, "%d %u %lx", &q, &mode, &addr) != 3)
		_exit(2);
	mem = mmap((void *)addr, sva_page_size(), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (mem != (void *)addr)
		_exit(3);
	sva_pattern(mem, LEN, 7);
	if (!queue_pasid(q))
		_exit(4);
	_exit(queue_fill(q, mode, mem, 0x55, LEN) <= 0 ? 5 :
	      !sva_is_pattern(mem, LEN, 7));
}

/* A new program in the process is another mm: the queue does not reach it */
TEST_F(uacce, exec)
{
	char env[64], *argv[] = { "test", NULL }, *envp[] = { env, NULL };
	/* Free in a static program on x86_64 and arm64 */
	void *addr = (void *)0x200000000000;
	uint32_t *pasid = test_shared(sizeof(*pasid));
	pid_t pid;
	int q;

	ASSERT_NE(NULL, pasid);
	pid = fork();
	if (!pid) {
		q = open_started(self->path);
		CHILD_CHECK(q >= 0);
		*pasid = queue_pasid(q);
		CHILD_CHECK(mmap(addr, sva_page_size(), PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS |
				 MAP_FIXED_NOREPLACE, -1, 0) == addr);
		CHILD_CHECK(works(q, variant->mode, addr));
		snprintf(env, sizeof(env), AFTER_EXEC "=%d %u %lx", q,
			 variant->mode, (unsigned long)addr);
		execve("/proc/self/exe", argv, envp);
		_exit(6);
	}
	EXPECT_EQ(0, test_reap(pid));
	expect_gone(_metadata, self, *pasid);
}

/* What the device does for a process would go on for ever, and ends with it */
static void end_by(struct __test_metadata *_metadata, TEST_SELF(uacce),
		   uint32_t mode, int sig)
{
	struct sva_test_counters c, later;
	struct test_hand h;
	uint32_t pasid;
	int q, second;

	/* So that the child's is known: it is the lowest */
	if (!test_fork(_metadata, &h)) {
		q = open_started(self->path);
		second = open_started(self->path);
		CHILD_CHECK(q >= 0 && second >= 0);
		CHILD_CHECK(queue_pasid(q) == 1);
		sva_pattern(self->mem, LEN, 8);
		CHILD_CHECK(map(q, LOCAL, MAP_SHARED) != MAP_FAILED);
		CHILD_CHECK(!queue_run_freely(q, mode, self->mem, LEN));
		CHILD_CHECK(!queue_run_freely(second, mode, self->mem, LEN));
		test_say(&h);
		test_wait_go(&h);
		_exit(0);
	}
	pasid = 1;
	test_heard(_metadata, &h);
	ASSERT_EQ(0, sva_counters(&self->t.sva, pasid, &c));
	EXPECT_LT(0, c.attempts);
	ASSERT_EQ(0, sig ? kill(h.pid, sig) : 0);
	if (!sig)
		test_go(_metadata, &h);
	ASSERT_EQ(sig ? 128 + sig : 0, test_reap(h.pid));
	ASSERT_EQ(0, sva_counters(&self->t.sva, pasid, &c));
	ASSERT_EQ(0, sva_counters(&self->t.sva, pasid, &later));
	EXPECT_EQ(c.attempts, later.attempts);
	EXPECT_TRUE(sva_is_pattern(self->mem, LEN, 1));
	expect_gone(_metadata, self, pasid);

	/* And the number is good for somebody else */
	q = open_started(self->path);
	ASSERT_LE(0, q);
	EXPECT_EQ(pasid, queue_pasid(q));
	EXPECT_TRUE(works(q, mode, self->mem));
}

/* matrix: 19 */
TEST_F(uacce, exit)
{
	end_by(_metadata, self, variant->mode, 0);
}

/* matrix: 19 */
TEST_F(uacce, kill)
{
	end_by(_metadata, self, variant->mode, SIGKILL);
}

static sigjmp_buf after_bus_error;

static void bus_error(int sig)
{
	siglongjmp(after_bus_error, 1);
}

static bool is_bus_error(uint64_t *p)
{
	struct sigaction sa = { .sa_handler = bus_error }, old;
	int caught;

	sigaction(SIGBUS, &sa, &old);
	caught = sigsetjmp(after_bus_error, 1);
	if (!caught)
		__atomic_load_n(p, __ATOMIC_SEQ_CST);
	sigaction(SIGBUS, &old, NULL);
	return caught;
}

static void write_name(struct __test_metadata *_metadata, const char *folder,
		       const char *leaf, const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", folder, leaf);
	ASSERT_EQ(0, sva_write_file(path, name)) TH_LOG("%s", path);
}

static void expect_dead(struct __test_metadata *_metadata, int q)
{
	struct pollfd p = { .fd = q, .events = POLLIN };
	struct sva_test_op op = {};

	EXPECT_EQ(-ENXIO, queue_peek(q, &op));
	EXPECT_EQ(-ENXIO, queue_start(q));
	EXPECT_EQ(-ENXIO, queue_put(q));
	EXPECT_EQ(MAP_FAILED, map(q, LOCAL, MAP_SHARED));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_EQ(0, poll(&p, 1, 0));
}

/* The device is taken away from queues that are in use */
/* matrix: 22 */
TEST_F(uacce, remove)
{
	char link[128], *driver;
	uint64_t *dus;
	uint32_t pasid;
	int a, b;

	ASSERT_EQ(0, sva_sysfs(&self->t.sva, "driver", link, sizeof(link)));
	/* That link is gone when it is needed again */
	driver = realpath(link, NULL);
	ASSERT_NE(NULL, driver);
	a = open_started(self->path);
	b = open_started(self->path);
	ASSERT_LE(0, a);
	ASSERT_LE(0, b);
	pasid = queue_pasid(a);
	dus = map(a, LOCAL, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, dus);
	EXPECT_FALSE(is_bus_error(dus));
	ASSERT_EQ(0, queue_run_freely(a, variant->mode, self->mem, LEN));

	write_name(_metadata, driver, "unbind", self->t.info.name);
	EXPECT_NE(0, access(self->path, F_OK));
	EXPECT_TRUE(is_bus_error(dus));
	expect_dead(_metadata, a);
	expect_dead(_metadata, b);
	close(b);

	write_name(_metadata, driver, "bind", self->t.info.name);
	expect_dead(_metadata, a);
	munmap(dus, LOCAL);
	close(a);
	sva_close(&self->t.sva);
	ASSERT_EQ(0, sva_open_path(&self->t.sva, self->t.sva.path));
	ASSERT_EQ(0, queue_path(&self->t.sva, self->path, sizeof(self->path)));
	expect_gone(_metadata, self, pasid);
	a = open_started(self->path);
	ASSERT_LE(0, a);
	EXPECT_TRUE(works(a, variant->mode, self->mem));
	free(driver);
}

/* Each allocation of an open fails once: it says so, and leaves nothing */

#define MAX_POINTS	300
#define FAIL_NTH	"/proc/thread-self/fail-nth"

/* How a child ends, unless something is wrong */
enum { POINT_FAILED = 10, POINT_IGNORED, NO_MORE_POINTS };

static bool can_fail(void)
{
	if (access(FAIL_NTH, W_OK) ||
	    sva_change_file("/sys/kernel/debug/failslab/ignore-gfp-wait", "N"))
		return false;
	sva_change_file("/sys/kernel/debug/failslab/verbose", "0");
	sva_change_file("/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait",
			"N");
	sva_change_file("/sys/kernel/debug/fail_page_alloc/verbose", "0");
	return true;
}

static int fail_open_at(unsigned int nth, const char *path, int *q)
{
	int fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	char text[16] = "";
	int len;

	CHILD_CHECK(fd >= 0);
	len = snprintf(text, sizeof(text), "%u", nth);
	CHILD_CHECK(write(fd, text, len) == len);
	*q = queue_open(path);
	memset(text, 0, sizeof(text));
	CHILD_CHECK(pread(fd, text, sizeof(text) - 1, 0) > 0);
	CHILD_CHECK(pwrite(fd, "0", 1, 0) == 1);
	close(fd);
	if (atoi(text))
		return NO_MORE_POINTS;
	return *q < 0 ? POINT_FAILED : POINT_IGNORED;
}

/* In a child, so that each is the first open of its mm. @had: a queue it has */
static __noreturn void fail_attempt(TEST_SELF(uacce), uint32_t mode,
				    unsigned int nth, bool had)
{
	int q, end, first = -1;

	if (had) {
		first = queue_open(self->path);
		CHILD_CHECK(first >= 0);
	}
	end = fail_open_at(nth, self->path, &q);
	CHILD_CHECK(q >= 0 || q == -ENOMEM);
	CHILD_CHECK(available(self->path) ==
		    SVA_TEST_NR_CHANNELS - had - (q >= 0));
	/* Not so for the next one */
	if (q < 0)
		q = queue_open(self->path);
	CHILD_CHECK(q >= 0 && queue_pasid(q) == 1 && !queue_start(q));
	CHILD_CHECK(works(q, mode, self->mem));
	close(q);
	if (had)
		CHILD_CHECK(queue_pasid(first) == 1);
	_exit(end);
}

static void sweep(struct __test_metadata *_metadata, TEST_SELF(uacce),
		  uint32_t mode, bool had)
{
	unsigned int nth, failed = 0;
	int end;

	if (!can_fail())
		SKIP(return, "no fault injection");
	for (nth = 1; nth < MAX_POINTS; nth++) {
		pid_t pid = fork();

		if (!pid)
			fail_attempt(self, mode, nth, had);
		end = test_reap(pid);
		if (end == NO_MORE_POINTS)
			break;
		ASSERT_TRUE(end == POINT_FAILED || end == POINT_IGNORED)
			TH_LOG("allocation %u", nth);
		failed += end == POINT_FAILED;
	}
	ASSERT_GT(MAX_POINTS, nth);
	TH_LOG("%u points: %u fail the open, %u do not", nth - 1, failed,
	       nth - 1 - failed);
	/* The queue; and for a first one the bond, its number, the bind */
	EXPECT_LE(had ? 1 : 4, failed);
	expect_gone(_metadata, self, 1);
}

/* matrix: 24 */
TEST_F(uacce, fail_first_open)
{
	sweep(_metadata, self, variant->mode, false);
}

/* matrix: 24 */
TEST_F(uacce, fail_second_open)
{
	sweep(_metadata, self, variant->mode, true);
}

/* Nothing that close() would like to allocate keeps a PASID alive */
/* matrix: 24 */
TEST_F(uacce, fail_close)
{
	unsigned int nth;
	char text[16];
	int fd, q;

	if (!can_fail())
		SKIP(return, "no fault injection");
	fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	for (nth = 1; nth < MAX_POINTS; nth++) {
		q = queue_open(self->path);
		ASSERT_LE(0, q);
		EXPECT_EQ(1, queue_pasid(q));
		snprintf(text, sizeof(text), "%u", nth);
		ASSERT_LT(0, write(fd, text, strlen(text)));
		close(q);
		memset(text, 0, sizeof(text));
		ASSERT_LT(0, pread(fd, text, sizeof(text) - 1, 0));
		ASSERT_EQ(1, pwrite(fd, "0", 1, 0));
		if (atoi(text))
			break;
	}
	ASSERT_GT(MAX_POINTS, nth);
	TH_LOG("%u points", nth - 1);
	close(fd);
	expect_gone(_metadata, self, 1);
}

TEST_HARNESS_MAIN
