// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device that uio_pci_generic_sva has: user space tells it what to access.
 * Whose memory that is, and what is left when files or the device are gone
 */
#include <fcntl.h>
#include <glob.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "test_dev.h"
#include "test_pci.h"

#define LEN	TEST_WORKS_LEN
#define DRIVERS	"/sys/bus/pci/drivers"

FIXTURE(uio)
{
	char name[32];
	char dev[32];		/* /dev/uio<N> */
	uint8_t *mem;		/* a page that was touched */
	struct test_regs regs;
};

/* The device is bound to uio: which one is it? */
static int find_uio(TEST_SELF(uio))
{
	char pattern[128];
	int ret = -ENOENT;
	glob_t g;

	snprintf(pattern, sizeof(pattern),
		 "/sys/bus/pci/devices/%s/uio/uio*", self->name);
	if (glob(pattern, 0, NULL, &g))
		return -ENOENT;
	if (g.gl_pathc == 1) {
		snprintf(self->dev, sizeof(self->dev), "/dev/%.20s",
			 strrchr(g.gl_pathv[0], '/') + 1);
		ret = 0;
	}
	globfree(&g);
	return ret;
}

static void bind_uio(struct __test_metadata *_metadata, TEST_SELF(uio))
{
	ASSERT_EQ(0, sva_write_file(DRIVERS "/uio_pci_sva/bind", self->name));
	ASSERT_EQ(0, find_uio(self));
}

FIXTURE_SETUP(uio)
{
	struct test_dev t;
	char path[128];

	test_open(_metadata, &t);
	if (sva_sysfs(&t.sva, "resource0", path, sizeof(path)))
		SKIP(_exit(KSFT_SKIP), "not a PCI device");
	if (access(DRIVERS "/uio_pci_sva", F_OK))
		SKIP(_exit(KSFT_SKIP), "no uio_pci_generic_sva");
	strcpy(self->name, t.info.name);
	sva_close(&t.sva);
	self->mem = sva_pages(1);
	sva_pattern(self->mem, sva_page_size(), 1);

	ASSERT_EQ(0, pci_write(self->name, "driver/unbind", self->name));
	ASSERT_EQ(0, pci_write(self->name, "driver_override", "uio_pci_sva"));
	bind_uio(_metadata, self);
	ASSERT_EQ(0, map_registers(&self->regs, self->name));
}

FIXTURE_TEARDOWN(uio)
{
	pci_write(self->name, "driver/unbind", self->name);
	ASSERT_EQ(0, pci_write(self->name, "driver_override", "\n"));
	ASSERT_EQ(0, sva_write_file(DRIVERS "/sva-test/bind", self->name));
}

/* Have the device fill memory with @byte: 0 or the cause why it did not */
static int fill(TEST_SELF(uio), uint32_t pasid, uint8_t byte)
{
	uint64_t data, status;
	int i;

	memset(&data, byte, sizeof(data));
	channel(&self->regs, SVA_TEST_PASID, pasid);
	channel(&self->regs, SVA_TEST_ADDR, (uintptr_t)self->mem);
	channel(&self->regs, SVA_TEST_LEN, LEN);
	channel(&self->regs, SVA_TEST_DATA, data);
	channel(&self->regs, SVA_TEST_COMMAND,
		SVA_TEST_OP_FILL | SVA_TEST_WITH_PASID);
	for (i = 0; i < 20000; i++) {
		status = get_reg(&self->regs,
				 SVA_TEST_CHANNEL(0) + SVA_TEST_STATUS);
		if ((status & SVA_TEST_STATE) != SVA_TEST_BUSY)
			return (status & SVA_TEST_CAUSE) >>
			       SVA_TEST_CAUSE_SHIFT;
		usleep(1000);
	}
	return -ETIMEDOUT;
}

static uint32_t pasid_of(TEST_SELF(uio))
{
	char path[128];
	unsigned int pasid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/pasid",
		 self->name);
	f = fopen(path, "r");
	if (!f)
		return SVA_NO_PASID;
	if (fscanf(f, "%u", &pasid) != 1)
		pasid = SVA_NO_PASID;
	fclose(f);
	return pasid;
}

static int open_uio(TEST_SELF(uio))
{
	int fd = open(self->dev, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static bool reaches(TEST_SELF(uio), uint32_t pasid)
{
	sva_pattern(self->mem, LEN, 2);
	return !fill(self, pasid, 0x3c) && sva_is_byte(self->mem, LEN, 0x3c);
}

/* Neither is there a PASID for anybody, nor does the old one reach anything */
static void expect_closed(struct __test_metadata *_metadata, TEST_SELF(uio),
			  uint32_t pasid)
{
	sva_pattern(self->mem, LEN, 3);
	EXPECT_EQ(0, pasid_of(self));
	EXPECT_CAUSE(SVA_TEST_CAUSE_REFUSED, fill(self, pasid, 0x4d));
	EXPECT_TRUE(sva_is_pattern(self->mem, LEN, 3));
}

TEST_F(uio, open)
{
	uint32_t pasid;
	int fd, i;

	EXPECT_EQ(0, pasid_of(self));
	for (i = 0; i < 3; i++) {
		fd = open_uio(self);
		ASSERT_LE(0, fd);
		pasid = pasid_of(self);
		EXPECT_LE(1, pasid);
		EXPECT_TRUE(reaches(self, pasid));
		close(fd);
		expect_closed(_metadata, self, pasid);
	}
}

/* The bond is there until both are closed, whichever is the first */
static void two_opens(struct __test_metadata *_metadata, TEST_SELF(uio),
		      int first)
{
	uint32_t pasid;
	int fd[2];

	fd[0] = open_uio(self);
	ASSERT_LE(0, fd[0]);
	pasid = pasid_of(self);
	fd[1] = open_uio(self);
	ASSERT_LE(0, fd[1]);
	EXPECT_EQ(pasid, pasid_of(self));
	EXPECT_TRUE(reaches(self, pasid));
	close(fd[first]);
	EXPECT_EQ(pasid, pasid_of(self));
	EXPECT_TRUE(reaches(self, pasid));
	close(fd[!first]);
	expect_closed(_metadata, self, pasid);
}

TEST_F(uio, two_opens)
{
	two_opens(_metadata, self, 0);
}

TEST_F(uio, two_opens_reversed)
{
	two_opens(_metadata, self, 1);
}

/* What the device does is for the first, as long as that has it open */
TEST_F(uio, another_process)
{
	struct test_hand h;
	uint32_t pasid;
	int fd;

	fd = open_uio(self);
	ASSERT_LE(0, fd);
	pasid = pasid_of(self);
	if (!test_fork(_metadata, &h)) {
		sva_pattern(self->mem, LEN, 4);
		CHILD_CHECK(open_uio(self) == -EBUSY);
		CHILD_CHECK(pasid_of(self) == pasid);
		CHILD_CHECK(!close(fd));
		test_say(&h);
		test_wait_go(&h);
		CHILD_CHECK(sva_is_pattern(self->mem, LEN, 4));
		CHILD_CHECK(open_uio(self) >= 0);
		CHILD_CHECK(reaches(self, pasid_of(self)));
		_exit(0);
	}
	test_heard(_metadata, &h);
	sva_pattern(self->mem, LEN, 5);
	EXPECT_EQ(pasid, pasid_of(self));
	EXPECT_TRUE(reaches(self, pasid));
	close(fd);
	expect_closed(_metadata, self, pasid);
	test_go(_metadata, &h);
	test_join(_metadata, &h);
	EXPECT_TRUE(sva_is_pattern(self->mem, LEN, 3));
	EXPECT_EQ(0, pasid_of(self));
}

/* The driver goes away from files that are open, and comes back */
/* matrix: 22 */
TEST_F(uio, remove)
{
	uint32_t pasid;
	int fd[2], i;

	for (i = 0; i < 2; i++) {
		fd[0] = open_uio(self);
		fd[1] = open_uio(self);
		ASSERT_LE(0, fd[0]);
		ASSERT_LE(0, fd[1]);
		pasid = pasid_of(self);
		EXPECT_TRUE(reaches(self, pasid));
		ASSERT_EQ(0, pci_write(self->name, "driver/unbind", self->name));
		sva_pattern(self->mem, LEN, 3);
		EXPECT_NE(0, fill(self, pasid, 0x4d));
		EXPECT_TRUE(sva_is_pattern(self->mem, LEN, 3));
		close(fd[0]);
		bind_uio(_metadata, self);
		EXPECT_EQ(0, pasid_of(self));
		close(fd[1]);
		expect_closed(_metadata, self, pasid);
	}
}

TEST_HARNESS_MAIN
