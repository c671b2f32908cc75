/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A PCI device by its name in sysfs, with whatever driver or none: what sysfs
 * and configuration space say of it, and its registers
 */
#ifndef SVA_TEST_PCI_H
#define SVA_TEST_PCI_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "sva_lib.h"

#define EXT_CAP_ATS		0x0f
#define ATS_CTRL		6
#define ATS_CTRL_ENABLE		0x8000
#define EXT_CAP_DVSEC		0x23
#define DVSEC_VENDOR		4
#define DVSEC_ID		8
#define CXL_VENDOR		0x1e98
#define CXL_DEVICE		0
#define CXL_CAP			10
#define CXL_CAP_CACHE		0x1

static int __maybe_unused pci_path(const char *name, const char *leaf,
				   char *path, size_t len)
{
	return snprintf(path, len, "/sys/bus/pci/devices/%s/%s", name, leaf);
}

static int __maybe_unused pci_write(const char *name, const char *leaf,
				    const char *text)
{
	char path[128];

	pci_path(name, leaf, path, sizeof(path));
	return sva_write_file(path, text);
}

/* What a file in sysfs says of the device, without the end of the line, or "" */
static void __maybe_unused pci_read(const char *name, const char *leaf,
				    char *text, size_t len)
{
	char path[128];
	FILE *f;

	text[0] = '\0';
	pci_path(name, leaf, path, sizeof(path));
	f = fopen(path, "re");
	if (!f)
		return;
	if (!fgets(text, len, f))
		text[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	fclose(f);
}

static uint32_t __maybe_unused config_word(int fd, int pos, size_t len)
{
	uint32_t word = 0;

	return pread(fd, &word, len, pos) == (ssize_t)len ? word : 0;
}

/* The first such extended capability at @pos or later, or 0 */
static int __maybe_unused ext_cap(int fd, uint16_t id, int pos)
{
	uint32_t header;

	while (pos) {
		header = config_word(fd, pos, 4);
		if ((header & 0xffff) == id)
			break;
		pos = header >> 20;
	}
	return pos;
}

static int __maybe_unused open_config(const char *name)
{
	char path[128];

	pci_path(name, "config", path, sizeof(path));
	return open(path, O_RDONLY | O_CLOEXEC);
}

static bool __maybe_unused ats_enabled(const char *name)
{
	int fd = open_config(name);
	int pos = ext_cap(fd, EXT_CAP_ATS, 0x100);
	uint32_t ctrl = pos ? config_word(fd, pos + ATS_CTRL, 2) : 0;

	close(fd);
	return ctrl & ATS_CTRL_ENABLE;
}

/* The registers of the test device, and which of them are in use */
struct test_regs {
	uint64_t *map;
	unsigned int channel;
	uint64_t select;	/* whose accesses are counted */
};

static int __maybe_unused map_registers(struct test_regs *regs,
					const char *name)
{
	char path[128];
	void *map;
	int fd;

	pci_path(name, "resource0", path, sizeof(path));
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	map = mmap(NULL, SVA_TEST_REGS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		   fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return -errno;
	if (regs->map)
		munmap(regs->map, SVA_TEST_REGS_SIZE);
	regs->map = map;
	return 0;
}

static uint64_t __maybe_unused get_reg(struct test_regs *regs, uint32_t reg)
{
	return __atomic_load_n(&regs->map[reg / 8], __ATOMIC_RELAXED);
}

static void __maybe_unused set_reg(struct test_regs *regs, uint32_t reg,
				   uint64_t val)
{
	__atomic_store_n(&regs->map[reg / 8], val, __ATOMIC_RELAXED);
}

static void __maybe_unused channel(struct test_regs *regs, uint32_t reg,
				   uint64_t val)
{
	set_reg(regs, SVA_TEST_CHANNEL(regs->channel) + reg, val);
}

static uint64_t __maybe_unused counter(struct test_regs *regs, uint32_t reg)
{
	set_reg(regs, SVA_TEST_CNT_SELECT, regs->select);
	return get_reg(regs, reg);
}

/*
 * The device writes @byte to @addr until it is reset, as one does whose firmware
 * is broken, or does what it was told to before its driver was removed.
 */
static void __maybe_unused run_free(struct test_regs *regs, uint64_t addr,
				    uint64_t len, uint8_t byte,
				    uint64_t command)
{
	set_reg(regs, SVA_TEST_KNOBS, SVA_TEST_KNOB_FREE_RUN);
	set_reg(regs, SVA_TEST_CNT_CLEAR, 1);
	channel(regs, SVA_TEST_PASID, 1);
	channel(regs, SVA_TEST_ADDR, addr);
	channel(regs, SVA_TEST_LEN, len);
	channel(regs, SVA_TEST_DATA, byte * 0x0101010101010101ULL);
	channel(regs, SVA_TEST_INTERVAL, 1000);
	channel(regs, SVA_TEST_COMMAND,
		SVA_TEST_OP_FILL | SVA_TEST_REPEAT | command);
}

/* The device can have CXL.cache, which works with physical addresses */
static bool __maybe_unused dev_needs_ats(const char *name)
{
	int fd = open_config(name);
	int pos = ext_cap(fd, EXT_CAP_DVSEC, 0x100);
	bool needs;

	needs = pos && config_word(fd, pos + DVSEC_VENDOR, 2) == CXL_VENDOR &&
		config_word(fd, pos + DVSEC_ID, 2) == CXL_DEVICE &&
		config_word(fd, pos + CXL_CAP, 2) & CXL_CAP_CACHE;
	close(fd);
	return needs;
}

#endif /* SVA_TEST_PCI_H */
