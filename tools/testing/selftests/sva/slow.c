// SPDX-License-Identifier: GPL-2.0-only
/*
 * A page fault of the device that takes as long as user space likes: the page
 * belongs to the test driver, which waits until it is told to go on. The bond
 * ends meanwhile. This waits for the fault, but nobody else may.
 */
#include <poll.h>

#include "test_dev.h"

#define PATIENCE_MS	10000
#define SEED		7

FIXTURE(slow)
{
	struct test_dev t;	/* whose file holds the page */
	uint8_t *mem;		/* the address at which its owner has it */
	size_t size;
	struct test_hand owner;	/* of the bond that ends */
};

FIXTURE_VARIANT(slow)
{
	uint32_t mode;
	uint32_t on;
	int denied;
};

FIXTURE_VARIANT_ADD(slow, pri)
{
	.mode = SVA_TEST_MODE_ATS | SVA_TEST_PAGE_REQUEST,
	.on = SVA_TEST_PRI_ON,
	.denied = SVA_TEST_CAUSE_PAGE_INVALID,
};

FIXTURE_VARIANT_ADD(slow, stall)
{
	.mode = SVA_TEST_MODE_UNTRANSLATED,
	.on = SVA_TEST_STALL_ON,
	.denied = SVA_TEST_CAUSE_STALL_ABORT,
};

/* Bind, let the device ask for the page, and on request end the bond */
static __noreturn void owner(TEST_SELF(slow), struct test_hand *h, int denied)
{
	uint8_t buf[TEST_WORKS_LEN];
	struct test_dev own = self->t;
	struct sva_test_op op;
	struct sva_as as;

	CHILD_CHECK(!sva_open_path(&own.sva, self->t.sva.path));
	CHILD_CHECK(mmap(self->mem, self->size, PROT_READ,
			 MAP_SHARED | MAP_FIXED, own.sva.fd, 0) == self->mem);
	own.as.sva = &own.sva;
	CHILD_CHECK(!sva_bind_private(&own.sva, &own.as.bond, &own.as.pasid));
	CHILD_CHECK(write(h->up[1], &own.as.pasid, sizeof(own.as.pasid)) ==
		    sizeof(own.as.pasid));

	/*
	 * The operation uses the raw PASID, so that it does not end with the
	 * bond.
	 */
	as = test_forged(&own, own.as.pasid);
	memset(buf, 0xa5, sizeof(buf));
	op = sva_op(&as, SVA_TEST_OP_READ, self->mem, sizeof(buf));
	op.buf = (uintptr_t)buf;
	op.buf_len = sizeof(buf);
	op.timeout_ms = 4 * PATIENCE_MS;
	CHILD_CHECK(!sva_submit(&own.sva, &op));
	test_wait_go(h);
	CHILD_CHECK(!sva_unbind(&own.sva, own.as.bond));
	test_say(h);

	/* The page must not be reported to a device whose bond is ending. */
	CHILD_CHECK(sva_wait(&own.sva, &op) == denied);
	CHILD_CHECK(sva_is_byte(buf, sizeof(buf), 0xa5));
	_exit(0);
}

static bool is_readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1 && p.revents & POLLIN;
}

static bool heard_in_time(struct test_hand *h, int ms)
{
	char c;

	return is_readable(h->up[0], ms) && read(h->up[0], &c, 1) == 1;
}

/* The page has not arrived yet. Let it arrive now. */
static void let_go(struct __test_metadata *_metadata, TEST_SELF(slow))
{
	EXPECT_TRUE(is_readable(self->t.sva.fd, 0));
	ASSERT_EQ(0, sva_ioctl(&self->t.sva, SVA_TEST_IOC_SLOW_RELEASE, NULL));
}

/* A process has a bond, and a fault that is being handled */
FIXTURE_SETUP(slow)
{
	test_open_on(_metadata, &self->t, variant->on);
	test_mode(_metadata, &self->t, variant->mode);
	self->size = sva_page_size();
	self->mem = sva_pages(1);
	ASSERT_EQ(0, sva_ioctl(&self->t.sva, SVA_TEST_IOC_SLOW_HOLD, NULL));
	if (!test_fork(_metadata, &self->owner))
		owner(self, &self->owner, variant->denied);
	ASSERT_EQ(sizeof(self->t.as.pasid),
		  read(self->owner.up[0], &self->t.as.pasid,
		       sizeof(self->t.as.pasid)));
	ASSERT_TRUE(is_readable(self->t.sva.fd, PATIENCE_MS));
}

FIXTURE_TEARDOWN(slow)
{
	/* This releases the page, if the test did not. */
	sva_close(&self->t.sva);
}

/* Until the PASID is not translated any more */
static bool is_blocked(TEST_SELF(slow), uint8_t *mem)
{
	struct sva_as as = test_forged(&self->t, self->t.as.pasid);
	uint8_t buf[TEST_WORKS_LEN];
	int i;

	as.mode &= ~SVA_TEST_PAGE_REQUEST;
	for (i = 0; i < PATIENCE_MS / 10; i++) {
		if (sva_read(&as, mem, buf, sizeof(buf)) ==
		    test_no_pasid(as.mode))
			return true;
		usleep(10000);
	}
	return false;
}

/* In a child: bind to the same device, use it, unbind */
static __noreturn void bind_too(TEST_SELF(slow), struct test_hand *h)
{
	struct sva sva;
	struct sva_as as = {
		.sva = &sva,
		.mode = self->t.as.mode & ~SVA_TEST_PAGE_REQUEST,
	};
	uint32_t bond, pasid = self->t.as.pasid;
	uint8_t *mem = sva_pages(1);

	CHILD_CHECK(!sva_open_path(&sva, self->t.sva.path));
	test_wait_go(h);
	CHILD_CHECK(!sva_bind_private(&sva, &as.bond, &as.pasid));
	CHILD_CHECK(test_works(&as, mem));
	CHILD_CHECK(!sva_unbind(&sva, as.bond));
	/* The number is in use for as long as the fault takes */
	CHILD_CHECK(sva_bind_private(&sva, &bond, &pasid) == -EBUSY);
	test_say(h);

	test_wait_go(h);
	as.pasid = self->t.as.pasid;
	CHILD_CHECK(!sva_bind_private(&sva, &as.bond, &as.pasid));
	CHILD_CHECK(test_works(&as, mem));
	CHILD_CHECK(!sva_unbind(&sva, as.bond));
	_exit(0);
}

/* matrix: 21 */
TEST_F_TIMEOUT(slow, unbind, 60)
{
	uint8_t *mem = sva_pages(1);
	struct test_hand other;

	if (!test_fork(_metadata, &other))
		bind_too(self, &other);
	test_go(_metadata, &self->owner);
	EXPECT_TRUE(is_blocked(self, mem));
	test_go(_metadata, &other);
	EXPECT_TRUE(heard_in_time(&other, PATIENCE_MS));
	EXPECT_FALSE(heard_in_time(&self->owner, 0));

	let_go(_metadata, self);
	EXPECT_TRUE(heard_in_time(&self->owner, PATIENCE_MS));
	test_go(_metadata, &other);
	test_join(_metadata, &other);
	test_join(_metadata, &self->owner);
}

/*
 * In a child: bind to the PASID when it is free, with a secret at that address.
 */
static __noreturn void next_owner(TEST_SELF(slow), struct test_hand *h)
{
	struct sva sva;
	struct sva_as as = {
		.sva = &sva,
		.mode = self->t.as.mode & ~SVA_TEST_PAGE_REQUEST,
		.pasid = self->t.as.pasid,
	};

	sva_pattern(self->mem, self->size, SEED);
	CHILD_CHECK(!sva_open_path(&sva, self->t.sva.path));
	test_wait_go(h);
	CHILD_CHECK(!sva_bind_private(&sva, &as.bond, &as.pasid));
	CHILD_CHECK(as.pasid == self->t.as.pasid);
	test_say(h);

	test_wait_go(h);
	CHILD_CHECK(sva_is_pattern(self->mem, self->size, SEED));
	CHILD_CHECK(test_works(&as, self->mem));
	CHILD_CHECK(!sva_unbind(&sva, as.bond));
	_exit(0);
}

/*
 * The device must be refused what it asked for, although the page has arrived.
 * Otherwise it would ask again when the PASID has another owner: an SMMU may
 * retry late, as QEMU's does with x-late-retry=on.
 */
/* matrix: 16 21 */
TEST_F_TIMEOUT(slow, next_owner, 60)
{
	uint8_t *mem = sva_pages(1);
	struct test_hand next;

	if (!test_fork(_metadata, &next))
		next_owner(self, &next);
	test_go(_metadata, &self->owner);
	EXPECT_TRUE(is_blocked(self, mem));
	let_go(_metadata, self);
	EXPECT_TRUE(heard_in_time(&self->owner, PATIENCE_MS));

	test_go(_metadata, &next);
	EXPECT_TRUE(heard_in_time(&next, PATIENCE_MS));
	test_join(_metadata, &self->owner);
	test_go(_metadata, &next);
	test_join(_metadata, &next);
}

TEST_HARNESS_MAIN
