// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several processes at a time, each with a pattern of its own at the same
 * virtual address
 */
#include <pthread.h>

#include "test_dev.h"

#define NR		6
#define ROUNDS		15
#define LEN		(3 * 4096 / 2)
/* Free in a static program on x86_64 and arm64; crosses a page */
#define ADDRESS		((uint8_t *)0x200000000000 - 2048)

FIXTURE(multi)
{
	struct test_dev t;
	struct shared {
		pthread_barrier_t barrier;
		uint32_t pasid[NR];
	} *shared;
};

FIXTURE_VARIANT(multi)
{
	uint32_t mode;
};

FIXTURE_VARIANT_ADD(multi, untranslated)
{
	.mode = SVA_TEST_MODE_UNTRANSLATED,
};

FIXTURE_VARIANT_ADD(multi, ats)
{
	.mode = SVA_TEST_MODE_ATS,
};

FIXTURE_SETUP(multi)
{
	pthread_barrierattr_t attr;

	test_open(_metadata, &self->t);
	test_mode(_metadata, &self->t, variant->mode);
	self->shared = test_shared(sizeof(*self->shared));
	ASSERT_NE(NULL, self->shared);
	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	ASSERT_EQ(0, pthread_barrier_init(&self->shared->barrier, &attr, NR));
}

FIXTURE_TEARDOWN(multi)
{
	sva_close(&self->t.sva);
}

static uint32_t seed(int rank, int round)
{
	return 1 + rank * 1000 + round;
}

/* The device reads this process's pattern, and writes one here that stays */
static void one_round(const struct sva_as *as, int rank, int round)
{
	uint8_t buf[LEN];

	sva_pattern(ADDRESS, LEN, seed(rank, round));
	memset(buf, 0, LEN);
	CHILD_CHECK(!sva_read(as, ADDRESS, buf, LEN));
	CHILD_CHECK(sva_is_pattern(buf, LEN, seed(rank, round)));

	sva_pattern(buf, LEN, ~seed(rank, round));
	CHILD_CHECK(!sva_write(as, ADDRESS, buf, LEN));
	sched_yield();
	CHILD_CHECK(sva_is_pattern(ADDRESS, LEN, ~seed(rank, round)));
}

/* Odd numbered processes exit in the middle, with or without an unbind. */
static void child(TEST_SELF(multi), int rank, uint32_t mode)
{
	struct sva sva;
	struct sva_as as = { .sva = &sva, .mode = mode };
	size_t size = sva_page_size();
	int round;
	void *p;

	CHILD_CHECK(!sva_open(&sva, 0));
	CHILD_CHECK(!sva_bind(&sva, &as.bond, &as.pasid));
	self->shared->pasid[rank] = as.pasid;
	p = mmap(ADDRESS + 2048 - 2 * size, 4 * size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	CHILD_CHECK(p != MAP_FAILED);

	pthread_barrier_wait(&self->shared->barrier);
	for (round = 0; round < ROUNDS; round++) {
		if (rank % 2 && round == ROUNDS / 2)
			break;
		one_round(&as, rank, round);
	}
	if (rank % 3 == 0)
		CHILD_CHECK(!sva_unbind(&sva, as.bond));
	_exit(0);
}

/* matrix: 1 */
TEST_F(multi, same_address)
{
	pid_t pid[NR];
	int i, j;

	for (i = 0; i < NR; i++) {
		pid[i] = fork();
		ASSERT_LE(0, pid[i]);
		if (!pid[i])
			child(self, i, variant->mode);
	}
	for (i = 0; i < NR; i++)
		EXPECT_EQ(0, test_reap(pid[i]));
	for (i = 0; i < NR; i++) {
		EXPECT_NE(0, self->shared->pasid[i]);
		for (j = 0; j < i; j++)
			EXPECT_NE(self->shared->pasid[i],
				  self->shared->pasid[j]);
	}
}

/*
 * With the PASID of another process the device must reach that memory, so it is
 * the PASID that decides.
 */
TEST_F(multi, pasid_decides)
{
	uint32_t *shared = test_shared(4096);
	uint8_t *mem = sva_pages(1), buf[64];
	struct sva_as own = self->t.as, other;
	int go[2], done[2];
	pid_t pid;
	char c = 0;

	ASSERT_NE(NULL, shared);
	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(0, pipe(done));
	pid = fork();
	if (!pid) {
		struct sva sva;
		struct sva_as as = { .sva = &sva, .mode = variant->mode };

		sva_pattern(mem, sizeof(buf), 2);
		CHILD_CHECK(!sva_open(&sva, 0));
		CHILD_CHECK(!sva_bind(&sva, &as.bond, &as.pasid));
		*shared = as.pasid;
		CHILD_CHECK(write(done[1], &c, 1) == 1);
		CHILD_CHECK(read(go[0], &c, 1) == 1);
		CHILD_CHECK(sva_is_byte(mem, sizeof(buf), 0x22));
		_exit(0);
	}

	sva_pattern(mem, sizeof(buf), 1);
	ASSERT_EQ(0, sva_bind(&self->t.sva, &own.bond, &own.pasid));
	close(done[1]);
	ASSERT_EQ(1, read(done[0], &c, 1));
	other = test_forged(&self->t, *shared);
	EXPECT_CAUSE(0, sva_read(&own, mem, buf, sizeof(buf)));
	EXPECT_TRUE(sva_is_pattern(buf, sizeof(buf), 1));
	EXPECT_CAUSE(0, sva_read(&other, mem, buf, sizeof(buf)));
	EXPECT_TRUE(sva_is_pattern(buf, sizeof(buf), 2));
	EXPECT_CAUSE(0, sva_fill(&other, mem, 0x22, sizeof(buf)));
	EXPECT_TRUE(sva_is_pattern(mem, sizeof(buf), 1));
	ASSERT_EQ(1, write(go[1], &c, 1));
	EXPECT_EQ(0, test_reap(pid));
}

TEST_HARNESS_MAIN
