/* SPDX-License-Identifier: GPL-2.0-only */
/* Queues of uacce, with the test device as an accelerator */
#ifndef SVA_TEST_UACCE_H
#define SVA_TEST_UACCE_H

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>

#include <misc/uacce/uacce.h>

#include "test_dev.h"

#define QUEUE_WAIT_MS	20000

/* The path of the accelerator that the device is. -ENOENT: it is none. */
static int __maybe_unused queue_path(struct sva *sva, char *path, size_t len)
{
	int ret = -ENOENT;
	char dir[128];
	struct dirent *e;
	DIR *d;

	if (sva_sysfs(sva, "uacce", dir, sizeof(dir)))
		return -ENOENT;
	d = opendir(dir);
	if (!d)
		return -ENOENT;
	while (ret && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, len, "/dev/%.40s", e->d_name);
		ret = 0;
	}
	closedir(d);
	return ret;
}

static int __maybe_unused queue_ioctl(int q, unsigned long cmd, void *arg)
{
	return ioctl(q, cmd, arg) ? -errno : 0;
}

/* An open queue, or -errno */
static int __maybe_unused queue_open(const char *path)
{
	int q = open(path, O_RDWR);

	return q < 0 ? -errno : q;
}

static int __maybe_unused queue_start(int q)
{
	return queue_ioctl(q, UACCE_CMD_START_Q, NULL);
}

static int __maybe_unused queue_put(int q)
{
	return queue_ioctl(q, UACCE_CMD_PUT_Q, NULL);
}

static int __maybe_unused queue_submit(int q, struct sva_test_op *op)
{
	return queue_ioctl(q, SVA_TEST_IOC_SUBMIT, op);
}

static int __maybe_unused queue_peek(int q, struct sva_test_op *op)
{
	return queue_ioctl(q, SVA_TEST_IOC_PEEK, op);
}

static uint32_t __maybe_unused queue_pasid(int q)
{
	struct sva_test_op op = {};

	return queue_peek(q, &op) ? 0 : op.pasid;
}

static struct sva_test_op __maybe_unused
queue_op(uint32_t mode, uint32_t what, const void *addr, size_t len)
{
	return (struct sva_test_op) {
		.op = what,
		.mode = mode,
		.addr = (uintptr_t)addr,
		.len = len,
	};
}

/* Wait for the end of the operation: 0, -errno, or its cause */
static int __maybe_unused queue_wait(int q, struct sva_test_op *op)
{
	struct pollfd p = { .fd = q, .events = POLLIN };
	int ret = poll(&p, 1, QUEUE_WAIT_MS);

	if (ret <= 0)
		return ret ? -errno : -ETIMEDOUT;
	return queue_peek(q, op) ?: sva_outcome(op);
}

static int __maybe_unused queue_do(int q, struct sva_test_op *op)
{
	return queue_submit(q, op) ?: queue_wait(q, op);
}

static int __maybe_unused queue_fill(int q, uint32_t mode, void *addr,
				     uint8_t byte, size_t len)
{
	struct sva_test_op op = queue_op(mode, SVA_TEST_OP_FILL, addr, len);

	memset(&op.data, byte, sizeof(op.data));
	return queue_do(q, &op);
}

static int __maybe_unused queue_copy(int q, uint32_t mode, void *to,
				     const void *from, size_t len)
{
	struct sva_test_op op = queue_op(mode, SVA_TEST_OP_COPY, from, len);

	op.addr2 = (uintptr_t)to;
	return queue_do(q, &op);
}

/* What goes on until somebody stops it. It has begun when this returns. */
static int __maybe_unused queue_run_freely(int q, uint32_t mode, void *addr,
					   size_t len)
{
	struct sva_test_op op = queue_op(mode | SVA_TEST_REPEAT,
					 SVA_TEST_OP_FILL, addr, len);
	int i, ret;

	op.data = 0x5a5a5a5a5a5a5a5a;
	op.interval_us = 100;
	ret = queue_submit(q, &op);
	for (i = 0; !ret && i < QUEUE_WAIT_MS; i++) {
		ret = queue_peek(q, &op);
		if (!ret && op.rounds)
			return op.state == SVA_TEST_BUSY ? 0 : -EPROTO;
		usleep(1000);
	}
	return ret ?: -ETIMEDOUT;
}

#endif /* SVA_TEST_UACCE_H */
