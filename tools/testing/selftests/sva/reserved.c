// SPDX-License-Identifier: GPL-2.0-only
/*
 * The address to which a device writes for an interrupt is reserved, but not
 * for requests with a PASID. Those reach the memory of the process.
 */
#include <endian.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "test_dev.h"

#define ROUNDS		20

/* Documentation/PCI/msi-howto.rst, include/uapi/linux/pci_regs.h */
#define PCI_STATUS_CAPS	0x34
#define PCI_ID_MSI	0x05
#define MSI_FLAGS	2
#define MSI_64BIT	0x80
#define MSI_ADDR	4

FIXTURE(reserved)
{
	struct test_dev t;
	uint64_t addr;		/* of the interrupt */
	uint32_t data;
};

FIXTURE_VARIANT(reserved)
{
	uint32_t mode;
};

FIXTURE_VARIANT_ADD(reserved, untranslated)
{
	.mode = SVA_TEST_MODE_UNTRANSLATED,
};

FIXTURE_VARIANT_ADD(reserved, ats)
{
	.mode = SVA_TEST_MODE_ATS,
};

/* What the kernel has told the device to write for an interrupt, and where */
static int read_msi(TEST_SELF(reserved))
{
	uint8_t config[256], *msi, pos;
	uint32_t word;
	char path[128];
	int fd, len;

	if (sva_sysfs(&self->t.sva, "config", path, sizeof(path)))
		return -ENOENT;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read(fd, config, sizeof(config));
	close(fd);
	if (len != sizeof(config))
		return -EIO;
	for (pos = config[PCI_STATUS_CAPS]; pos; pos = config[pos + 1])
		if (config[pos] == PCI_ID_MSI)
			break;
	if (!pos)
		return -ENOENT;
	msi = config + pos;
	if (!(msi[MSI_FLAGS] & MSI_64BIT))
		return -ENOENT;
	memcpy(&self->addr, msi + MSI_ADDR, sizeof(self->addr));
	self->addr = le64toh(self->addr);
	memcpy(&word, msi + MSI_ADDR + sizeof(self->addr), sizeof(word));
	self->data = le32toh(word) & 0xffff;
	return 0;
}

FIXTURE_SETUP(reserved)
{
	test_bind(_metadata, &self->t, variant->mode);
	ASSERT_EQ(0, read_msi(self));
	ASSERT_NE(0, self->addr);
}

FIXTURE_TEARDOWN(reserved)
{
	sva_close(&self->t.sva);
}

/* Interrupts of the device so far, on all CPUs, whoever has caused them */
static long count_irqs(TEST_SELF(reserved))
{
	char line[512], *p, *end;
	long sum = -1, n;
	FILE *f = fopen("/proc/interrupts", "r");

	while (f && sum < 0 && fgets(line, sizeof(line), f)) {
		p = strchr(line, ':');
		if (!p || !strstr(line, self->t.info.name))
			continue;
		sum = 0;
		for (p++; n = strtol(p, &end, 10), end != p &&
		     (*end == ' '); p = end)
			sum += n;
	}
	if (f)
		fclose(f);
	return sum;
}

/*
 * Have the device repeatedly write what causes an interrupt, and return how
 * many interrupts there were.
 */
static long write_interrupts(struct __test_metadata *_metadata,
			     TEST_SELF(reserved), const struct sva_as *as)
{
	struct sva_test_op op;
	long before, came;
	int i;

	op = sva_op(as, SVA_TEST_OP_FILL, (void *)self->addr,
		    sizeof(self->data));
	op.data = self->data;
	op.mode |= SVA_TEST_REPEAT;
	op.interval_us = 1000;
	before = count_irqs(self);
	ASSERT_LE(0, before);
	ASSERT_EQ(0, sva_submit(as->sva, &op));
	for (i = 0; i < 20000; i++) {
		ASSERT_EQ(0, sva_peek(as->sva, &op));
		if (op.rounds >= ROUNDS)
			break;
		usleep(1000);
	}
	EXPECT_LE(ROUNDS, op.rounds);
	/* A round that ends is no reason for an interrupt, an abort is one */
	came = count_irqs(self) - before;
	ASSERT_EQ(0, sva_abort(as->sva, &op));
	sva_wait(as->sva, &op);
	return came;
}

TEST_F(reserved, interrupt_address)
{
	struct sva_as rid = {
		.sva = &self->t.sva,
		.as = SVA_TEST_AS_RID,
	};
	size_t size = sva_page_size();
	void *page = (void *)(self->addr & ~(size - 1));
	uint32_t *mem = (void *)self->addr;

	ASSERT_EQ(page, mmap(page, size, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			     MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
	memset(page, 0xee, size);

	/* With a PASID it is the memory of this process, and nothing else */
	EXPECT_EQ(0, write_interrupts(_metadata, self, &self->t.as));
	EXPECT_EQ(self->data, *mem);

	/* Without one it is an interrupt, and nothing else. One is of the abort. */
	*mem = 0xeeeeeeee;
	EXPECT_LT(1, write_interrupts(_metadata, self, &rid));
	EXPECT_EQ(0xeeeeeeee, *mem);
}

TEST_HARNESS_MAIN
