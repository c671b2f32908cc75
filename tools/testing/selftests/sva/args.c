// SPDX-License-Identifier: GPL-2.0-only
/* How the driver refuses requests that are invalid or not allowed */
#include "test_dev.h"

FIXTURE(args)
{
	struct test_dev t;
	uint8_t *mem;
	uint8_t buf[64];
};

FIXTURE_SETUP(args)
{
	test_bind(_metadata, &self->t, SVA_TEST_MODE_UNTRANSLATED);
	self->mem = sva_pages(1);
	sva_pattern(self->mem, sizeof(self->buf), 1);
	memset(self->buf, 0, sizeof(self->buf));
}

FIXTURE_TEARDOWN(args)
{
	sva_close(&self->t.sva);
}

/* A valid request, which the tests then make invalid */
static struct sva_test_op good(TEST_SELF(args))
{
	struct sva_test_op op = sva_op(&self->t.as, SVA_TEST_OP_READ,
				       self->mem, 16);

	op.buf = (uintptr_t)self->buf;
	op.buf_len = 16;
	return op;
}

static int run(TEST_SELF(args), struct sva_test_op *op)
{
	return sva_ioctl(&self->t.sva, SVA_TEST_IOC_RUN, op);
}

#define EXPECT_RUN(err, change) do { \
	struct sva_test_op op = good(self); \
	change; \
	EXPECT_EQ(err, run(self, &op)) \
		TH_LOG("%s", #change); \
	EXPECT_TRUE(sva_is_byte(self->buf, sizeof(self->buf), 0)); \
} while (0)

TEST_F(args, op)
{
	EXPECT_RUN(-EINVAL, op.op = SVA_TEST_OP_ABORT);
	EXPECT_RUN(-EINVAL, op.op = SVA_TEST_OP_FLOOD + 1);
	EXPECT_RUN(-EINVAL, op.op = 0x101);
	EXPECT_RUN(-EINVAL, op.mode = SVA_TEST_MODE);
	EXPECT_RUN(-EINVAL, op.mode = SVA_TEST_WITH_PASID);
	EXPECT_RUN(-EINVAL, op.mode = 0x10000);
	EXPECT_RUN(-EINVAL, op.as = SVA_TEST_AS_RID + 1);
	EXPECT_RUN(-EINVAL, op.timeout_ms = SVA_TEST_MAX_TIMEOUT_MS + 1);
	EXPECT_RUN(-EINVAL, (op.as = SVA_TEST_AS_PASID, op.pasid = 1 << 20));
	EXPECT_RUN(-ENOENT, op.bond = 0);
	EXPECT_RUN(-ENOENT, op.bond++);
}

TEST_F(args, buffer)
{
	EXPECT_RUN(-EINVAL, op.len = 17);
	EXPECT_RUN(-EINVAL, op.local = 1);
	EXPECT_RUN(-EINVAL, op.len = UINT64_MAX);
	EXPECT_RUN(-EINVAL, op.local = UINT32_MAX);
	EXPECT_RUN(-EINVAL, op.buf_len = SVA_TEST_LOCAL_SIZE + 1);
	EXPECT_RUN(-EFAULT, op.buf = 0);
	EXPECT_RUN(-EFAULT, op.buf = UINTPTR_MAX - 4095);
}

/* Errors that only the device finds */
TEST_F(args, command)
{
	struct sva_test_op op = good(self);
	uint64_t old;

	op.len = 0;
	EXPECT_CAUSE(SVA_TEST_CAUSE_COMMAND, sva_do(&self->t.sva, &op));
	EXPECT_CAUSE(SVA_TEST_CAUSE_COMMAND,
		     sva_cas(&self->t.as, (uint64_t *)(self->mem + 4), 0, 1,
			     &old));
	op = sva_op(&self->t.as, SVA_TEST_OP_FILL, (void *)(UINTPTR_MAX - 4),
		    100);
	EXPECT_CAUSE(SVA_TEST_CAUSE_COMMAND, sva_do(&self->t.sva, &op));
	EXPECT_TRUE(sva_is_pattern(self->mem, sizeof(self->buf), 1));
	/* After that everything works as before. */
	EXPECT_CAUSE(0, sva_read(&self->t.as, self->mem, self->buf, 16));
	EXPECT_TRUE(sva_is_pattern(self->buf, 16, 1));
}

TEST_F(args, bind)
{
	struct sva_test_bind arg = { .flags = 2 };

	EXPECT_EQ(-EINVAL, sva_ioctl(&self->t.sva, SVA_TEST_IOC_BIND, &arg));
	arg = (struct sva_test_bind) { .mm_of = 1 };
	EXPECT_EQ(-EINVAL, sva_ioctl(&self->t.sva, SVA_TEST_IOC_BIND, &arg));
	/* The caller cannot choose a global PASID. */
	arg = (struct sva_test_bind) { .pasid = 1 };
	EXPECT_EQ(-EINVAL, sva_ioctl(&self->t.sva, SVA_TEST_IOC_BIND, &arg));

	EXPECT_EQ(-ENOENT, sva_unbind(&self->t.sva, self->t.as.bond + 1));
	EXPECT_EQ(0, sva_unbind(&self->t.sva, self->t.as.bond));
	EXPECT_EQ(-ENOENT, sva_unbind(&self->t.sva, self->t.as.bond));
}

/* A bond can only be used with the file that created it. */
TEST_F(args, other_file)
{
	struct sva_as as = self->t.as;
	struct sva other;

	ASSERT_EQ(0, sva_open(&other, 0));
	as.sva = &other;
	EXPECT_EQ(-ENOENT, sva_read(&as, self->mem, self->buf, 16));
	EXPECT_EQ(-ENOENT, sva_unbind(&other, as.bond));
	sva_close(&other);
	EXPECT_CAUSE(0, sva_read(&self->t.as, self->mem, self->buf, 16));
}

TEST_F(args, submitted)
{
	struct sva_test_op op, none = { .id = 0x7fffffff };
	struct sva *sva = &self->t.sva, other;
	uint32_t ids[SVA_TEST_NR_CHANNELS];
	int i;

	EXPECT_EQ(-ENOENT, sva_ioctl(sva, SVA_TEST_IOC_WAIT, &none));
	EXPECT_EQ(-ENOENT, sva_abort(sva, &none));
	EXPECT_EQ(-ENOENT, sva_peek(sva, &none));
	none.id = 0;
	EXPECT_EQ(-ENOENT, sva_peek(sva, &none));
	EXPECT_EQ(-ENOENT, sva_ioctl(sva, SVA_TEST_IOC_WAIT, &none));

	/* They occupy all channels, whether they have ended or not. */
	for (i = 0; i < SVA_TEST_NR_CHANNELS; i++) {
		op = good(self);
		ASSERT_EQ(0, sva_ioctl(sva, SVA_TEST_IOC_SUBMIT, &op));
		ids[i] = op.id;
	}
	op = good(self);
	EXPECT_EQ(-EBUSY, sva_ioctl(sva, SVA_TEST_IOC_SUBMIT, &op));
	op.timeout_ms = 10;
	EXPECT_EQ(-EBUSY, sva_ioctl(sva, SVA_TEST_IOC_RUN, &op));

	ASSERT_EQ(0, sva_open(&other, 0));
	none.id = ids[0];
	EXPECT_EQ(-ENOENT, sva_ioctl(&other, SVA_TEST_IOC_WAIT, &none));
	EXPECT_EQ(-ENOENT, sva_peek(&other, &none));
	sva_close(&other);

	for (i = 0; i < SVA_TEST_NR_CHANNELS; i++) {
		op = good(self);
		op.id = ids[i];
		memset(self->buf, 0, sizeof(self->buf));
		/* PEEK must not consume the result or change the buffer. */
		EXPECT_EQ(0, sva_peek(sva, &op));
		EXPECT_TRUE(sva_is_byte(self->buf, sizeof(self->buf), 0));
		ASSERT_EQ(0, sva_ioctl(sva, SVA_TEST_IOC_WAIT, &op));
		EXPECT_CAUSE(0, sva_outcome(&op));
		EXPECT_TRUE(sva_is_pattern(self->buf, 16, 1));
		EXPECT_EQ(-ENOENT, sva_ioctl(sva, SVA_TEST_IOC_WAIT, &op));
	}
	op = good(self);
	EXPECT_EQ(0, run(self, &op));
}

TEST_F(args, abort)
{
	void *mem = sva_long_way(64);
	struct sva_test_op op = sva_op(&self->t.as, SVA_TEST_OP_FILL, mem,
				       64 << 20);

	ASSERT_NE(NULL, mem);
	op.mode |= SVA_TEST_REPEAT;
	ASSERT_EQ(0, sva_ioctl(&self->t.sva, SVA_TEST_IOC_SUBMIT, &op));
	op.timeout_ms = 1;
	EXPECT_EQ(-ETIMEDOUT, sva_ioctl(&self->t.sva, SVA_TEST_IOC_WAIT, &op));
	EXPECT_EQ(0, sva_ioctl(&self->t.sva, SVA_TEST_IOC_ABORT, &op));
	EXPECT_EQ(0, sva_ioctl(&self->t.sva, SVA_TEST_IOC_WAIT, &op));
	EXPECT_CAUSE(SVA_TEST_CAUSE_ABORTED, sva_outcome(&op));

	/* The same for a caller whose timeout is shorter from the start */
	op = sva_op(&self->t.as, SVA_TEST_OP_FILL, mem, 64 << 20);
	op.mode |= SVA_TEST_REPEAT;
	op.timeout_ms = 1;
	EXPECT_EQ(-ETIMEDOUT, run(self, &op));
	EXPECT_CAUSE(0, sva_read(&self->t.as, self->mem, self->buf, 16));
}

TEST_F(args, others)
{
	struct sva_test_counters c = { .select = SVA_TEST_CNT_TOTAL + 1 };
	struct sva_test_dma dma = { .len = 0 };
	struct sva *sva = &self->t.sva;

	EXPECT_EQ(-EINVAL, sva_ioctl(sva, SVA_TEST_IOC_COUNTERS, &c));
	EXPECT_EQ(-EINVAL, sva_ioctl(sva, SVA_TEST_IOC_DMA_ALLOC, &dma));
	dma.len = UINT32_MAX;
	EXPECT_EQ(-EINVAL, sva_ioctl(sva, SVA_TEST_IOC_DMA_ALLOC, &dma));
	dma.buffer = 77;
	EXPECT_EQ(-ENOENT, sva_ioctl(sva, SVA_TEST_IOC_DMA_FREE, &dma));
	EXPECT_EQ(-ENOENT, sva_ioctl(sva, SVA_TEST_IOC_DMA_UNMAP, &dma));
	EXPECT_EQ(-ENOENT, sva_ioctl(sva, SVA_TEST_IOC_DMA_GET, &dma));
	EXPECT_EQ(-ENOTTY, sva_ioctl(sva, _IO(SVA_TEST_IOC_MAGIC, 99), NULL));
	EXPECT_EQ(-ENOTTY, sva_ioctl(sva, _IO('x', 1), NULL));
	EXPECT_EQ(-EFAULT, sva_ioctl(sva, SVA_TEST_IOC_INFO, (void *)8));
	EXPECT_EQ(-EFAULT, sva_ioctl(sva, SVA_TEST_IOC_BIND, (void *)8));
}

static int drop_rawio(void)
{
	struct __user_cap_header_struct hdr = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &hdr, data))
		return -errno;
	data[0].effective &= ~(1u << CAP_SYS_RAWIO);
	return syscall(SYS_capset, &hdr, data) ? -errno : 0;
}

/*
 * Everything that can reach more than the caller's own memory needs
 * CAP_SYS_RAWIO.
 */
TEST_F(args, capability)
{
	struct sva_test_bind bind = {};

	ASSERT_EQ(0, drop_rawio());
	EXPECT_RUN(-EPERM, op.as = SVA_TEST_AS_PASID);
	EXPECT_RUN(-EPERM, op.as = SVA_TEST_AS_RID);
	EXPECT_RUN(-EPERM, op.mode = SVA_TEST_MODE_TRANSLATED);
	EXPECT_EQ(-EPERM, sva_set_knobs(&self->t.sva, 0));
	EXPECT_EQ(-EPERM,
		  sva_ioctl(&self->t.sva, SVA_TEST_IOC_ATTACH_DMA, &bind));
	/* Access to the caller's own memory does not need it. */
	EXPECT_CAUSE(0, sva_read(&self->t.as, self->mem, self->buf, 16));
	EXPECT_TRUE(sva_is_pattern(self->buf, 16, 1));
}

TEST_HARNESS_MAIN
