// SPDX-License-Identifier: GPL-2.0-only
/*
 * A page fault of the device that takes as long as user space likes: the page is
 * of a file system in user space, FUSE, that does not answer. The bond ends
 * meanwhile. That waits for the fault, and nobody else does.
 */
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <time.h>

#include "test_dev.h"

#define PATIENCE_MS	10000
#define SEED		7

FIXTURE(slow)
{
	struct test_dev t;
	char path[64];		/* the file, which is its file system's root */
	int fuse;
	uint8_t *mem;		/* the address at which its owner has it */
	size_t size;
	struct test_hand server;
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

/* The file system: one file of one page, which is read when the test says so */

static void answer(int fuse, uint64_t unique, int error, void *data, size_t len)
{
	struct fuse_out_header out = {
		.len = sizeof(out) + len,
		.error = error,
		.unique = unique,
	};
	struct iovec iov[] = { { &out, sizeof(out) }, { data, len } };

	CHILD_CHECK(writev(fuse, iov, len ? 2 : 1) == out.len);
}

static void answer_init(int fuse, uint64_t unique)
{
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_write = 4096,
	};

	answer(fuse, unique, 0, &init, sizeof(init));
}

static void answer_attr(int fuse, uint64_t unique, size_t size)
{
	struct fuse_attr_out attr = {
		.attr_valid = 1000,
		.attr = {
			.ino = FUSE_ROOT_ID,
			.size = size,
			.mode = S_IFREG | 0600,
			.nlink = 1,
		},
	};

	answer(fuse, unique, 0, &attr, sizeof(attr));
}

static void answer_read(int fuse, uint64_t unique, size_t size,
			struct test_hand *h)
{
	uint8_t page[size];

	sva_pattern(page, size, SEED);
	test_say(h);
	test_wait_go(h);
	answer(fuse, unique, 0, page, size);
}

static void serve(int fuse, struct fuse_in_header *in, size_t size,
		  struct test_hand *h)
{
	struct fuse_open_out open = {};

	switch (in->opcode) {
	case FUSE_INIT:
		return answer_init(fuse, in->unique);
	case FUSE_GETATTR:
		return answer_attr(fuse, in->unique, size);
	case FUSE_OPEN:
		return answer(fuse, in->unique, 0, &open, sizeof(open));
	case FUSE_READ:
		return answer_read(fuse, in->unique, size, h);
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return;
	default:
		return answer(fuse, in->unique, -ENOSYS, NULL, 0);
	}
}

/* In a child, until the file system is unmounted. Its end ends all faults. */
static __noreturn void server(TEST_SELF(slow), struct test_hand *h)
{
	static uint8_t buf[1 << 17] __attribute__((aligned(8)));

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(self->fuse, buf, sizeof(buf)) > 0)
		serve(self->fuse, (void *)buf, self->size, h);
	_exit(0);
}

static void mount_file(struct __test_metadata *_metadata, TEST_SELF(slow))
{
	char options[128];
	int fd;

	self->fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (self->fuse < 0)
		SKIP(_exit(KSFT_SKIP), "no FUSE");
	strcpy(self->path, "/tmp/sva-slow.XXXXXX");
	fd = mkstemp(self->path);
	ASSERT_LE(0, fd);
	close(fd);
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=100600,user_id=0,group_id=0", self->fuse);
	ASSERT_EQ(0, mount("sva-slow", self->path, "fuse",
			   MS_NOSUID | MS_NODEV, options));
	if (!test_fork(_metadata, &self->server))
		server(self, &self->server);
	/* Its end must be the end of the file system */
	close(self->fuse);
}

/* Bind, let the device ask for the page, and on request end the bond */
static __noreturn void owner(TEST_SELF(slow), struct test_hand *h, int denied)
{
	int fd = open(self->path, O_RDONLY | O_CLOEXEC);
	uint8_t buf[TEST_WORKS_LEN];
	struct test_dev own = self->t;
	struct sva_test_op op;
	struct sva_as as;

	CHILD_CHECK(fd >= 0);
	CHILD_CHECK(mmap(self->mem, self->size, PROT_READ,
			 MAP_SHARED | MAP_FIXED, fd, 0) == self->mem);
	CHILD_CHECK(!sva_open_path(&own.sva, self->t.sva.path));
	own.as.sva = &own.sva;
	CHILD_CHECK(!sva_bind_private(&own.sva, &own.as.bond, &own.as.pasid));
	CHILD_CHECK(write(h->up[1], &own.as.pasid, sizeof(own.as.pasid)) ==
		    sizeof(own.as.pasid));

	/* The device goes on with it whatever becomes of the bond */
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

	/* What the handler found was not for a device that is gone */
	CHILD_CHECK(sva_wait(&own.sva, &op) == denied);
	CHILD_CHECK(sva_is_byte(buf, sizeof(buf), 0xa5));
	_exit(0);
}

static bool heard_in_time(struct test_hand *h, int ms)
{
	struct pollfd said = { .fd = h->up[0], .events = POLLIN };
	char c;

	return poll(&said, 1, ms) == 1 && read(h->up[0], &c, 1) == 1;
}

/* A process has a bond, and a fault that is being handled */
FIXTURE_SETUP(slow)
{
	test_open_on(_metadata, &self->t, variant->on);
	test_mode(_metadata, &self->t, variant->mode);
	self->size = sva_page_size();
	self->mem = sva_pages(1);
	mount_file(_metadata, self);
	if (!test_fork(_metadata, &self->owner))
		owner(self, &self->owner, variant->denied);
	ASSERT_EQ(sizeof(self->t.as.pasid),
		  read(self->owner.up[0], &self->t.as.pasid,
		       sizeof(self->t.as.pasid)));
	ASSERT_TRUE(heard_in_time(&self->server, PATIENCE_MS));
}

FIXTURE_TEARDOWN(slow)
{
	umount2(self->path, MNT_DETACH);
	unlink(self->path);
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

	test_go(_metadata, &self->server);
	EXPECT_TRUE(heard_in_time(&self->owner, PATIENCE_MS));
	test_go(_metadata, &other);
	test_join(_metadata, &other);
	test_join(_metadata, &self->owner);
}

/* In a child: have the PASID when it is free, and a secret at that address */
static __noreturn void next_owner(TEST_SELF(slow), struct test_hand *h)
{
	struct sva sva;
	struct sva_as as = {
		.sva = &sva,
		.mode = self->t.as.mode & ~SVA_TEST_PAGE_REQUEST,
		.pasid = self->t.as.pasid,
	};

	sva_pattern(self->mem, self->size, SEED + 1);
	CHILD_CHECK(!sva_open_path(&sva, self->t.sva.path));
	test_wait_go(h);
	CHILD_CHECK(!sva_bind_private(&sva, &as.bond, &as.pasid));
	CHILD_CHECK(as.pasid == self->t.as.pasid);
	test_say(h);

	test_wait_go(h);
	CHILD_CHECK(sva_is_pattern(self->mem, self->size, SEED + 1));
	CHILD_CHECK(test_works(&as, self->mem));
	CHILD_CHECK(!sva_unbind(&sva, as.bond));
	_exit(0);
}

/*
 * What the device has asked for is refused, though the page has come. Else it
 * would ask again, when the PASID has another owner: an SMMU may take its time
 * to retry, which QEMU's does with x-late-retry=on.
 */
TEST_F_TIMEOUT(slow, next_owner, 60)
{
	uint8_t *mem = sva_pages(1);
	struct test_hand next;

	if (!test_fork(_metadata, &next))
		next_owner(self, &next);
	test_go(_metadata, &self->owner);
	EXPECT_TRUE(is_blocked(self, mem));
	test_go(_metadata, &self->server);
	EXPECT_TRUE(heard_in_time(&self->owner, PATIENCE_MS));

	test_go(_metadata, &next);
	EXPECT_TRUE(heard_in_time(&next, PATIENCE_MS));
	test_join(_metadata, &self->owner);
	test_go(_metadata, &next);
	test_join(_metadata, &next);
}

TEST_HARNESS_MAIN
