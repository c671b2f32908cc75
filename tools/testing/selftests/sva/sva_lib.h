/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the SVA tests and the sva tool share
 *
 * Calls return 0 for success and -errno for what went wrong on this side of the
 * device. sva_do() and what is built on it return the SVA_TEST_CAUSE_* for an
 * operation that the device, or the IOMMU, ended with an error.
 */
#ifndef SVA_LIB_H
#define SVA_LIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sva-test.h"

#define SVA_NO_PASID	0xffffffffu	/* IOMMU_PASID_INVALID */

/* iommu_domain.type in enum of include/linux/iommu.h */
#define SVA_DOMAIN_PAGING	0x1
#define SVA_DOMAIN_DMA_API	0x2
#define SVA_DOMAIN_PT		0x4
#define SVA_DOMAIN_DMA_FQ	0x8

struct sva {
	int fd;
	char path[64];
};

/* With which bond or PASID a request is made, and how */
struct sva_as {
	struct sva *sva;
	uint32_t as;		/* SVA_TEST_AS_* */
	uint32_t bond;
	uint32_t pasid;
	uint32_t mode;		/* SVA_TEST_MODE_*, SVA_TEST_PAGE_REQUEST */
};

/* $SVA_TEST_DEV or /dev/sva-test0, $SVA_TEST_DEV2 or /dev/sva-test1 */
const char *sva_path(int nr);
int sva_open_path(struct sva *sva, const char *path);
int sva_open(struct sva *sva, int nr);
void sva_close(struct sva *sva);
int sva_ioctl(struct sva *sva, unsigned long cmd, void *arg);

int sva_info(struct sva *sva, struct sva_test_info *info);
int sva_bind(struct sva *sva, uint32_t *bond, uint32_t *pasid);
/* @pasid: in: 0 if the driver is to choose one; out: which it is */
int sva_bind_private(struct sva *sva, uint32_t *bond, uint32_t *pasid);
int sva_unbind(struct sva *sva, uint32_t bond);
int sva_counters(struct sva *sva, uint32_t select, struct sva_test_counters *c);
int sva_counters_clear(struct sva *sva);
int sva_set_knobs(struct sva *sva, uint64_t knobs);
/* The same for the knobs that make it misbehave */
int sva_misbehave(struct sva *sva, struct sva_test_knobs how);
int sva_reset(struct sva *sva);

/* Makes a request as @as: complete it, then hand it to sva_do() or SUBMIT */
struct sva_test_op sva_op(const struct sva_as *as, uint32_t op,
			  const void *addr, size_t len);
int sva_do(struct sva *sva, struct sva_test_op *op);
/* Start, peek, and wait for the end. WAIT returns the same as sva_do(). */
int sva_submit(struct sva *sva, struct sva_test_op *op);
int sva_peek(struct sva *sva, struct sva_test_op *op);
int sva_wait(struct sva *sva, struct sva_test_op *op);
int sva_abort(struct sva *sva, struct sva_test_op *op);
/* The outcome of an operation that has ended: 0 or its cause */
int sva_outcome(const struct sva_test_op *op);

/* @buf is the device's buffer: memory -> @buf, and @buf -> memory */
int sva_read(const struct sva_as *as, const void *addr, void *buf,
	     size_t len);
int sva_write(const struct sva_as *as, void *addr, const void *buf,
	      size_t len);
int sva_fill(const struct sva_as *as, void *addr, uint8_t byte,
	     size_t len);
int sva_copy(const struct sva_as *as, void *to,
	     const void *from, size_t len);
int sva_cas(const struct sva_as *as, uint64_t *addr, uint64_t compare,
	    uint64_t data, uint64_t *old);

const char *sva_cause(int cause);
const char *sva_op_name(uint32_t op);

/* Bytes that depend on @seed and position; so that shifted data is noticed */
void sva_pattern(void *buf, size_t len, uint32_t seed);
bool sva_is_pattern(const void *buf, size_t len, uint32_t seed);
bool sva_is_byte(const void *buf, size_t len, uint8_t byte);

size_t sva_page_size(void);
/* Anonymous pages, none of them touched and none of them huge. Exits if none. */
void *sva_pages(size_t nr);
/* Frame number of the page at @addr, 0: not present (needs CAP_SYS_ADMIN) */
uint64_t sva_pfn(const void *addr);
/* The page at @addr is in a swap space */
bool sva_swapped(const void *addr);
/* Do copies on write of the stack that is shared since a fork() now. */
void sva_own_stack(void);
/* Before the page that sva_reuse_page() is given was touched */
void sva_stay_on_this_cpu(void);
/*
 * munmap() the page at @old, and allocate pages until one of them is the same
 * physical page. Nothing is mapped at @old then. Returns NULL if it was not
 * found.
 */
void *sva_reuse_page(void *old);

/*
 * Map @nr MiB of present memory, all of which is the same MiB, so that an
 * operation on it takes long. Returns NULL if there is no room for it.
 */
void *sva_long_way(size_t nr);

/* Writes a word to a file in sysfs or procfs */
int sva_write_file(const char *path, const char *text);
/*
 * The same, but sva_restore_files() writes back what was there before any
 * process of the program changed it. The first process does so before each
 * test, and when it exits or is terminated, also for processes that were
 * killed.
 */
int sva_change_file(const char *path, const char *text);
void sva_restore_files(void);
/* Moves the IOMMU's interrupts to @cpus until then. Returns their number. */
int sva_move_irqs(const char *cpus);
/* Have all of them moved? On x86 that takes interrupts, see test_move_irqs(). */
bool sva_irqs_moved(const char *cpus);
/* /sys path of the device that does the DMA, such as a PCI function */
int sva_sysfs(struct sva *sva, const char *leaf, char *path, size_t len);
/* The debugfs file on why a device, by its /sys path, refuses processes */
int sva_why_path(const char *dev, char *path, size_t len);

#endif /* SVA_LIB_H */
