/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What sysfs and configuration space say of a PCI device, by its name in sysfs
 */
#ifndef SVA_TEST_PCI_H
#define SVA_TEST_PCI_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

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
