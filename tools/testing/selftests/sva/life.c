// SPDX-License-Identifier: GPL-2.0-only
/* Bonds from bind to unbind, and all ways in which a process or bond can end */
#include <signal.h>

#include "test_dev.h"

#define LEN	TEST_WORKS_LEN

FIXTURE(life)
{
	struct test_dev t;
	uint8_t *mem;		/* a page that was touched */
	uint8_t buf[LEN];
};

FIXTURE_VARIANT(life)
{
	uint32_t mode;
};

FIXTURE_VARIANT_ADD(life, untranslated)
{
	.mode = SVA_TEST_MODE_UNTRANSLATED,
};

FIXTURE_VARIANT_ADD(life, ats)
{
	.mode = SVA_TEST_MODE_ATS,
};

FIXTURE_SETUP(life)
{
	test_open(_metadata, &self->t);
	test_mode(_metadata, &self->t, variant->mode);
	self->mem = sva_pages(1);
	sva_pattern(self->mem, sva_page_size(), 1);
}

FIXTURE_TEARDOWN(life)
{
	sva_close(&self->t.sva);
}

TEST_F(life, unbind)
{
	struct sva_as as;
	int i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, test_bind_as(&self->t.sva, &as, variant->mode));
		EXPECT_TRUE(test_works(&as, self->mem));
		ASSERT_EQ(0, sva_unbind(&self->t.sva, as.bond));
		EXPECT_EQ(-ENOENT, sva_read(&as, self->mem, self->buf, LEN));
		test_expect_no_pasid(_metadata, &self->t, as.pasid, self->mem);
	}
}

/* An mm has one global PASID, and one shared bond per device. */
/* matrix: 10 */
TEST_F(life, bonds_are_shared)
{
	struct sva_as a, b, c;
	struct sva second;

	ASSERT_EQ(0, sva_open(&second, 0));
	ASSERT_EQ(0, test_bind_as(&self->t.sva, &a, variant->mode));
	ASSERT_EQ(0, test_bind_as(&self->t.sva, &b, variant->mode));
	ASSERT_EQ(0, test_bind_as(&second, &c, variant->mode));
	EXPECT_NE(a.bond, b.bond);
	EXPECT_EQ(a.pasid, b.pasid);
	EXPECT_EQ(a.pasid, c.pasid);

	ASSERT_EQ(0, sva_unbind(&self->t.sva, a.bond));
	EXPECT_EQ(-ENOENT, sva_read(&a, self->mem, self->buf, LEN));
	EXPECT_TRUE(test_works(&b, self->mem));
	EXPECT_TRUE(test_works(&c, self->mem));
	ASSERT_EQ(0, sva_unbind(&self->t.sva, b.bond));
	EXPECT_TRUE(test_works(&c, self->mem));
	sva_close(&second);
	test_expect_no_pasid(_metadata, &self->t, a.pasid, self->mem);
}

/* matrix: 9 */
TEST_F(life, two_devices)
{
	struct test_dev other = {};
	struct sva_as a, b;

	test_open_nr(_metadata, &other, 1);
	test_mode(_metadata, &other, variant->mode);
	ASSERT_EQ(0, test_bind_as(&self->t.sva, &a, variant->mode));
	ASSERT_EQ(0, test_bind_as(&other.sva, &b, variant->mode));
	EXPECT_EQ(a.pasid, b.pasid);
	EXPECT_TRUE(test_works(&a, self->mem));
	EXPECT_TRUE(test_works(&b, self->mem));

	ASSERT_EQ(0, sva_unbind(&self->t.sva, a.bond));
	test_expect_no_pasid(_metadata, &self->t, a.pasid, self->mem);
	EXPECT_TRUE(test_works(&b, self->mem));
	ASSERT_EQ(0, sva_unbind(&other.sva, b.bond));
	test_expect_no_pasid(_metadata, &other, b.pasid, self->mem);
}

/* mm_get_enqcmd_pasid(): none, the bond's, and none again in a child */
/* matrix: 17 18 */
TEST_F(life, enqcmd_pasid)
{
	struct sva_as as;
	pid_t pid;

	EXPECT_EQ(SVA_NO_PASID, test_enqcmd_pasid(&self->t.sva));
	ASSERT_EQ(0, test_bind_as(&self->t.sva, &as, variant->mode));
	EXPECT_EQ(as.pasid, test_enqcmd_pasid(&self->t.sva));
	pid = fork();
	if (!pid) {
		CHILD_CHECK(test_enqcmd_pasid(&self->t.sva) == SVA_NO_PASID);
		_exit(0);
	}
	EXPECT_EQ(0, test_reap(pid));
	EXPECT_EQ(as.pasid, test_enqcmd_pasid(&self->t.sva));
}

/* Closing the file ends the bond. */
TEST_F(life, close)
{
	struct sva second;
	struct sva_as as;

	ASSERT_EQ(0, sva_open(&second, 0));
	ASSERT_EQ(0, test_bind_as(&second, &as, variant->mode));
	EXPECT_TRUE(test_works(&as, self->mem));
	sva_close(&second);
	test_expect_no_pasid(_metadata, &self->t, as.pasid, self->mem);
}

/* Threads of one mm come and go, each sees its own page */
/* matrix: 20 */
TEST_F(life, threads)
{
	const test_bind_t bind = test_bind_as;

	test_threads(_metadata, &self->t, &bind, 1);
	test_expect_no_pasid(_metadata, &self->t,
			     test_enqcmd_pasid(&self->t.sva), self->mem);
}

/* A child inherits the file, but neither the parent's bond nor its PASID. */
/* matrix: 18 */
TEST_F(life, fork)
{
	struct sva_as as, own;
	pid_t pid;

	ASSERT_EQ(0, test_bind_as(&self->t.sva, &as, variant->mode));
	pid = fork();
	if (!pid) {
		CHILD_CHECK(sva_read(&as, self->mem, self->buf, LEN) == -EPERM);
		CHILD_CHECK(sva_unbind(&self->t.sva, as.bond) == -EPERM);
		CHILD_CHECK(!test_bind_as(&self->t.sva, &own, variant->mode));
		CHILD_CHECK(own.pasid != as.pasid);
		CHILD_CHECK(test_works(&own, self->mem));
		CHILD_CHECK(!sva_unbind(&self->t.sva, own.bond));
		_exit(0);
	}
	EXPECT_EQ(0, test_reap(pid));
	EXPECT_TRUE(test_works(&as, self->mem));
}

/*
 * After a fork, parent and child share the page until one of them writes. The
 * device, which uses the parent's page table, must not write to the child's.
 */
/* matrix: 8 */
TEST_F(life, copy_on_write)
{
	uint8_t *seen = test_shared(1);
	struct sva_as as;
	int go[2];
	char c;
	pid_t pid;

	ASSERT_NE(NULL, seen);
	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(0, test_bind_as(&self->t.sva, &as, variant->mode));
	ASSERT_TRUE(test_works(&as, self->mem));
	sva_pattern(self->mem, LEN, 1);
	pid = fork();
	if (!pid) {
		close(go[1]);
		CHILD_CHECK(read(go[0], &c, 1) == 0);
		CHILD_CHECK(sva_is_pattern(self->mem, LEN, 1));
		_exit(0);
	}

	sva_pattern(self->buf, LEN, 2);
	EXPECT_CAUSE(test_denied(variant->mode),
		     sva_write(&as, self->mem, self->buf, LEN));
	EXPECT_TRUE(sva_is_pattern(self->mem, LEN, 1));
	EXPECT_CAUSE(0, sva_read(&as, self->mem, self->buf, LEN));
	EXPECT_TRUE(sva_is_pattern(self->buf, LEN, 1));

	/*
	 * The parent writes and gets its own copy, which the device must then
	 * use.
	 */
	sva_pattern(self->mem, LEN, 3);
	EXPECT_CAUSE(0, sva_read(&as, self->mem, self->buf, LEN));
	EXPECT_TRUE(sva_is_pattern(self->buf, LEN, 3));
	sva_pattern(self->buf, LEN, 4);
	EXPECT_CAUSE(0, sva_write(&as, self->mem, self->buf, LEN));
	EXPECT_TRUE(sva_is_pattern(self->mem, LEN, 4));

	close(go[1]);
	EXPECT_EQ(0, test_reap(pid));
}

/* A new program in the same process is another mm, too */
/* matrix: 18 */
TEST_F(life, exec)
{
	struct sva_as as;
	pid_t pid;

	pid = fork();
	if (!pid) {
		CHILD_CHECK(!test_bind_as(&self->t.sva, &as, variant->mode));
		CHILD_CHECK(test_works(&as, self->mem));
		test_exec(&as);
	}
	EXPECT_EQ(0, test_reap(pid));
}

/* How a process with a bond ends, with or without DMA in progress */
/* matrix: 19 */
FIXTURE(end)
{
	struct test_dev t;
	struct sva_as as;	/* a bond of the parent, which must survive */
	uint8_t *mem;		/* at the same address in parent and child */
	struct {
		uint32_t pasid;
		bool ready;
	} *child;
};

FIXTURE_VARIANT(end)
{
	uint32_t mode;
};

FIXTURE_VARIANT_ADD(end, untranslated)
{
	.mode = SVA_TEST_MODE_UNTRANSLATED,
};

FIXTURE_VARIANT_ADD(end, ats)
{
	.mode = SVA_TEST_MODE_ATS,
};

FIXTURE_SETUP(end)
{
	test_bind(_metadata, &self->t, variant->mode);
	self->mem = sva_pages(1);
	sva_pattern(self->mem, LEN, 1);
	self->child = test_shared(sizeof(*self->child));
	ASSERT_NE(NULL, self->child);
}

FIXTURE_TEARDOWN(end)
{
	sva_close(&self->t.sva);
}

/* In the child: a bond of its own, on a file of its own, that works */
static void child_bind(TEST_SELF(end), struct sva *sva,
		       struct sva_as *as)
{
	CHILD_CHECK(!sva_open(sva, 0));
	CHILD_CHECK(!test_bind_as(sva, as, self->t.as.mode));
	CHILD_CHECK(test_works(as, self->mem));
	self->child->pasid = as->pasid;
}

/* In a child: bind, tell the parent, and stay until it closes its end. */
static void bind_and_stay(TEST_SELF(end), int up[2], int go[2])
{
	struct sva sva;
	struct sva_as as;
	char c = 0;

	close(go[1]);
	child_bind(self, &sva, &as);
	CHILD_CHECK(write(up[1], &c, 1) == 1);
	CHILD_CHECK(read(go[0], &c, 1) == 0);
	_exit(0);
}

/*
 * Return whether one of @pasid + 1 processes, which get the lowest numbers,
 * gets @pasid.
 */
static bool someone_gets(struct __test_metadata *_metadata, TEST_SELF(end),
			 uint32_t pasid)
{
	pid_t pid[pasid + 1];
	uint32_t i, nr = 0;
	bool got = false;
	int up[2], go[2];
	char c;

	ASSERT_EQ(0, pipe(up));
	ASSERT_EQ(0, pipe(go));
	while (!got && nr <= pasid) {
		pid[nr] = fork();
		if (!pid[nr])
			bind_and_stay(self, up, go);
		nr++;
		ASSERT_EQ(1, read(up[0], &c, 1));
		got = self->child->pasid == pasid;
	}
	close(go[1]);
	for (i = 0; i < nr; i++)
		EXPECT_EQ(0, test_reap(pid[i]));
	close(go[0]);
	close(up[0]);
	close(up[1]);
	return got;
}

/*
 * The number must go to another process when the last reference to the old mm
 * is dropped, which is not before its bond has ended, and soon after that.
 */
static void expect_pasid_again(struct __test_metadata *_metadata,
			       TEST_SELF(end), uint32_t pasid)
{
	int i;

	for (i = 0; i < 500; i++) {
		if (someone_gets(_metadata, self, pasid))
			return;
		/* An idle CPU can keep an mm for a while */
		usleep(20000);
	}
	EXPECT_TRUE(false)
		TH_LOG("PASID %u does not come back", pasid);
}

/* Nothing of the child may be left, and the parent must not be affected. */
static void expect_only_child_gone(struct __test_metadata *_metadata,
				   TEST_SELF(end))
{
	uint32_t pasid = self->child->pasid;

	ASSERT_NE(0, pasid);
	ASSERT_NE(self->t.as.pasid, pasid);
	test_expect_no_pasid(_metadata, &self->t, pasid, self->mem);
	EXPECT_TRUE(test_works(&self->t.as, self->mem));
	expect_pasid_again(_metadata, self, pasid);
}

TEST_F(end, exit)
{
	struct sva sva;
	struct sva_as as;
	pid_t pid = fork();

	if (!pid) {
		child_bind(self, &sva, &as);
		_exit(0);
	}
	ASSERT_EQ(0, test_reap(pid));
	expect_only_child_gone(_metadata, self);
}

/*
 * The child had several PASIDs on the device. Another process has the file
 * open, so the bonds still exist, but all of the PASIDs must lead nowhere.
 */
TEST_F(end, exit_several)
{
	uint32_t pasid[4], high = self->t.info.max_pasids - 1;
	struct sva *sva = &self->t.sva;
	struct sva_as as;
	struct test_hand h;
	size_t i;

	pasid[0] = high;
	if (sva_bind_private(sva, &as.bond, &pasid[0]) == -EOPNOTSUPP)
		SKIP(return, "no iommu_sva_bind_device_pasid()");
	ASSERT_EQ(0, sva_unbind(sva, as.bond));

	for (i = 0; i < ARRAY_SIZE(pasid); i++)
		pasid[i] = high - i;
	if (!test_fork(_metadata, &h)) {
		for (i = 0; i < ARRAY_SIZE(pasid); i++) {
			as = (struct sva_as) { .sva = sva,
					       .mode = variant->mode };
			CHILD_CHECK(!sva_bind_private(sva, &as.bond,
						      &pasid[i]));
			CHILD_CHECK(test_works(&as, self->mem));
		}
		_exit(0);
	}
	test_join(_metadata, &h);
	for (i = 0; i < ARRAY_SIZE(pasid); i++)
		test_expect_exited(_metadata, &self->t, pasid[i], self->mem);
	EXPECT_TRUE(test_works(&self->t.as, self->mem));
}

TEST_F(end, kill)
{
	struct sva sva;
	struct sva_as as;
	pid_t pid = fork();

	if (!pid) {
		child_bind(self, &sva, &as);
		self->child->ready = true;
		for (;;)
			pause();
	}
	while (!self->child->ready)
		usleep(1000);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(128 + SIGKILL, test_reap(pid));
	expect_only_child_gone(_metadata, self);
}

/* In the child: have DMA under way, on several channels */
static void child_begin(TEST_SELF(end))
{
	void *mem = sva_long_way(TEST_LONG_MIB);
	struct sva_test_counters c;
	struct sva_test_op op;
	struct sva sva;
	struct sva_as as;
	int i;

	CHILD_CHECK(mem);
	child_bind(self, &sva, &as);
	for (i = 0; i < 4; i++)
		CHILD_CHECK(!test_begin_endless(&as, mem, &op));
	/* The device may be slow to start. */
	do {
		CHILD_CHECK(!sva_counters(&sva, as.pasid, &c));
	} while (c.bytes_written <= 2 * LEN);
	self->child->ready = true;
}

/* The operation ended in the middle, after some requests, and sends no more. */
static void expect_cut_short(struct __test_metadata *_metadata,
			     TEST_SELF(end))
{
	struct sva_test_counters c, later;

	ASSERT_EQ(0, sva_counters(&self->t.sva, self->child->pasid, &c));
	EXPECT_LT(2 * LEN, c.bytes_written);
	usleep(20000);
	ASSERT_EQ(0, sva_counters(&self->t.sva, self->child->pasid, &later));
	EXPECT_EQ(c.attempts, later.attempts);
}

TEST_F(end, exit_in_flight)
{
	pid_t pid;

	ASSERT_EQ(0, sva_counters_clear(&self->t.sva));
	pid = fork();
	if (!pid) {
		child_begin(self);
		_exit(0);
	}
	ASSERT_EQ(0, test_reap(pid));
	expect_cut_short(_metadata, self);
	expect_only_child_gone(_metadata, self);
}

TEST_F(end, kill_in_flight)
{
	pid_t pid;

	ASSERT_EQ(0, sva_counters_clear(&self->t.sva));
	pid = fork();
	if (!pid) {
		child_begin(self);
		for (;;)
			pause();
	}
	while (!self->child->ready)
		usleep(1000);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(128 + SIGKILL, test_reap(pid));
	expect_cut_short(_metadata, self);
	expect_only_child_gone(_metadata, self);
}

/* The killed process waits in the driver for the operation to end */
TEST_F(end, kill_in_ioctl)
{
	struct sva_test_op op;
	struct sva sva;
	struct sva_as as;
	pid_t pid;
	void *mem;

	ASSERT_EQ(0, sva_counters_clear(&self->t.sva));
	pid = fork();
	if (!pid) {
		mem = sva_long_way(TEST_LONG_MIB);
		CHILD_CHECK(mem);
		child_bind(self, &sva, &as);
		op = sva_op(&as, SVA_TEST_OP_FILL, mem, TEST_LONG_LEN);
		self->child->ready = true;
		for (;;)
			CHILD_CHECK(!sva_do(&sva, &op));
	}
	while (!self->child->ready)
		usleep(1000);
	usleep(5000);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(128 + SIGKILL, test_reap(pid));
	expect_only_child_gone(_metadata, self);
}

/* matrix: 21 */
TEST_F(end, unbind_in_flight)
{
	test_unbind_in_flight(_metadata, &self->t.as);
}

/* One of two bonds of an mm ends. Operations of the other one must go on. */
/* matrix: 14 */
TEST_F(end, unbind_the_other)
{
	struct sva_test_op op;
	struct sva_as other;
	void *mem = sva_long_way(TEST_LONG_MIB);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, test_bind_as(&self->t.sva, &other, variant->mode));
	ASSERT_EQ(0, test_begin_long(&self->t.as, mem, &op));
	ASSERT_EQ(0, sva_unbind(&self->t.sva, other.bond));
	EXPECT_CAUSE(0, sva_wait(&self->t.sva, &op));
	EXPECT_EQ(TEST_LONG_LEN, op.bytes);
}

/* Memory is unmapped while the device uses it. It must stop at the hole. */
/* matrix: 7 */
TEST_F(end, munmap_in_flight)
{
	struct sva_test_op op;
	int cause, tries = 10;
	char *mem;

	/* On a busy machine it may have ended before. */
	do {
		mem = sva_long_way(TEST_LONG_MIB);
		ASSERT_NE(NULL, mem);
		ASSERT_EQ(0, test_begin_long(&self->t.as, mem, &op));
		ASSERT_EQ(0, munmap(mem + TEST_LONG_LEN / 2,
				    TEST_LONG_LEN / 2));
		cause = sva_wait(&self->t.sva, &op);
	} while (!cause && --tries);
	EXPECT_CAUSE(test_denied(variant->mode), cause);
	EXPECT_LE(TEST_LONG_LEN / 2, op.bytes);
	EXPECT_GT(TEST_LONG_LEN, op.bytes);
	EXPECT_EQ((uintptr_t)mem + op.bytes, op.fault_addr);
}

TEST_HARNESS_MAIN
