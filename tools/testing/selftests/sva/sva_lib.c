// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the SVA tests and the sva tool share
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest.h"
#include "sva_lib.h"

const char *sva_path(int nr)
{
	const char *path = getenv(nr ? "SVA_TEST_DEV2" : "SVA_TEST_DEV");

	if (path && *path)
		return path;
	return nr ? "/dev/sva-test1" : "/dev/sva-test0";
}

int sva_open_path(struct sva *sva, const char *path)
{
	/* To open it once more, it may be the path that is there */
	if (path != sva->path)
		snprintf(sva->path, sizeof(sva->path), "%s", path);
	sva->fd = open(path, O_RDWR | O_CLOEXEC);
	return sva->fd < 0 ? -errno : 0;
}

int sva_open(struct sva *sva, int nr)
{
	return sva_open_path(sva, sva_path(nr));
}

void sva_close(struct sva *sva)
{
	if (sva->fd >= 0)
		close(sva->fd);
	sva->fd = -1;
}

int sva_ioctl(struct sva *sva, unsigned long cmd, void *arg)
{
	return ioctl(sva->fd, cmd, arg) ? -errno : 0;
}

int sva_info(struct sva *sva, struct sva_test_info *info)
{
	return sva_ioctl(sva, SVA_TEST_IOC_INFO, info);
}

int sva_bind(struct sva *sva, uint32_t *bond, uint32_t *pasid)
{
	struct sva_test_bind arg = {};
	int ret;

	ret = sva_ioctl(sva, SVA_TEST_IOC_BIND, &arg);
	*bond = arg.bond;
	if (pasid)
		*pasid = arg.pasid;
	return ret;
}

int sva_bind_private(struct sva *sva, uint32_t *bond, uint32_t *pasid)
{
	struct sva_test_bind arg = {
		.flags = SVA_TEST_BIND_PRIVATE,
		.pasid = *pasid,
	};
	int ret;

	ret = sva_ioctl(sva, SVA_TEST_IOC_BIND, &arg);
	*bond = arg.bond;
	*pasid = arg.pasid;
	return ret;
}

int sva_unbind(struct sva *sva, uint32_t bond)
{
	struct sva_test_unbind arg = { .bond = bond };

	return sva_ioctl(sva, SVA_TEST_IOC_UNBIND, &arg);
}

int sva_counters(struct sva *sva, uint32_t select, struct sva_test_counters *c)
{
	memset(c, 0, sizeof(*c));
	c->select = select;
	return sva_ioctl(sva, SVA_TEST_IOC_COUNTERS, c);
}

int sva_counters_clear(struct sva *sva)
{
	return sva_ioctl(sva, SVA_TEST_IOC_COUNTERS_CLEAR, NULL);
}

int sva_set_knobs(struct sva *sva, uint64_t knobs)
{
	return sva_misbehave(sva, (struct sva_test_knobs) { .knobs = knobs });
}

int sva_misbehave(struct sva *sva, struct sva_test_knobs how)
{
	struct sva_test_knobs arg = how;
	int ret;

	arg.set = 1;
	ret = sva_ioctl(sva, SVA_TEST_IOC_KNOBS, &arg);
	/* Features that the device does not have read as zero. */
	if (!ret && (arg.knobs != how.knobs || arg.delay_us != how.delay_us ||
		     arg.pasid_offset != how.pasid_offset))
		ret = -EOPNOTSUPP;
	return ret;
}

int sva_reset(struct sva *sva)
{
	return sva_ioctl(sva, SVA_TEST_IOC_RESET, NULL);
}

struct sva_test_op sva_op(const struct sva_as *as, uint32_t op,
			  const void *addr, size_t len)
{
	return (struct sva_test_op) {
		.op = op,
		.mode = as->mode,
		.as = as->as,
		.bond = as->bond,
		.pasid = as->pasid,
		.addr = (uintptr_t)addr,
		.len = len,
	};
}

int sva_outcome(const struct sva_test_op *op)
{
	if (op->state == SVA_TEST_ERROR)
		return op->cause ?: -EPROTO;
	return op->state == SVA_TEST_DONE ? 0 : -EPROTO;
}

int sva_do(struct sva *sva, struct sva_test_op *op)
{
	return sva_ioctl(sva, SVA_TEST_IOC_RUN, op) ?: sva_outcome(op);
}

int sva_submit(struct sva *sva, struct sva_test_op *op)
{
	return sva_ioctl(sva, SVA_TEST_IOC_SUBMIT, op);
}

int sva_peek(struct sva *sva, struct sva_test_op *op)
{
	return sva_ioctl(sva, SVA_TEST_IOC_PEEK, op);
}

int sva_wait(struct sva *sva, struct sva_test_op *op)
{
	return sva_ioctl(sva, SVA_TEST_IOC_WAIT, op) ?: sva_outcome(op);
}

int sva_abort(struct sva *sva, struct sva_test_op *op)
{
	return sva_ioctl(sva, SVA_TEST_IOC_ABORT, op);
}

/* An operation that must move as many bytes as it was asked to */
static int sva_do_all(const struct sva_as *as, struct sva_test_op *op)
{
	int ret = sva_do(as->sva, op);

	if (!ret && op->bytes != op->len)
		return -EIO;
	return ret;
}

int sva_read(const struct sva_as *as, const void *addr, void *buf,
	     size_t len)
{
	struct sva_test_op op = sva_op(as, SVA_TEST_OP_READ, addr, len);

	op.buf = (uintptr_t)buf;
	op.buf_len = len;
	return sva_do_all(as, &op);
}

int sva_write(const struct sva_as *as, void *addr, const void *buf,
	      size_t len)
{
	struct sva_test_op op = sva_op(as, SVA_TEST_OP_WRITE, addr, len);
	void *copy = malloc(len);
	int ret;

	if (!copy)
		return -ENOMEM;
	/* The driver stores the device's buffer back: it must be the same */
	memcpy(copy, buf, len);
	op.buf = (uintptr_t)copy;
	op.buf_len = len;
	ret = sva_do_all(as, &op);
	if (memcmp(copy, buf, len))
		ret = -EBADMSG;
	free(copy);
	return ret;
}

int sva_fill(const struct sva_as *as, void *addr, uint8_t byte,
	     size_t len)
{
	struct sva_test_op op = sva_op(as, SVA_TEST_OP_FILL, addr, len);

	memset(&op.data, byte, sizeof(op.data));
	return sva_do_all(as, &op);
}

int sva_copy(const struct sva_as *as, void *to,
	     const void *from, size_t len)
{
	struct sva_test_op op = sva_op(as, SVA_TEST_OP_COPY, from, len);

	op.addr2 = (uintptr_t)to;
	return sva_do_all(as, &op);
}

int sva_cas(const struct sva_as *as, uint64_t *addr, uint64_t compare,
	    uint64_t data, uint64_t *old)
{
	struct sva_test_op op = sva_op(as, SVA_TEST_OP_CAS, addr, sizeof(data));
	int ret;

	op.compare = compare;
	op.data = data;
	ret = sva_do(as->sva, &op);
	*old = op.old;
	return ret;
}

const char *sva_cause(int cause)
{
	static const char * const names[] = {
		[0] = "done",
		[SVA_TEST_CAUSE_COMMAND] = "malformed command",
		[SVA_TEST_CAUSE_REFUSED] = "request refused",
		[SVA_TEST_CAUSE_ATS_DENIED] = "translation request denied",
		[SVA_TEST_CAUSE_ATS_NO_ACCESS] = "translation grants no access",
		[SVA_TEST_CAUSE_PAGE_INVALID] = "page request invalid",
		[SVA_TEST_CAUSE_PAGE_FAILURE] = "page request failed",
		[SVA_TEST_CAUSE_PAGE_UNSENT] = "page request not possible",
		[SVA_TEST_CAUSE_STALL_ABORT] = "stall ended by an abort",
		[SVA_TEST_CAUSE_ABORTED] = "operation aborted",
		[SVA_TEST_CAUSE_NO_PROGRESS] = "page responses do not help",
	};

	if (cause < 0)
		return strerror(-cause);
	if ((size_t)cause >= ARRAY_SIZE(names))
		return "unknown cause";
	return names[cause];
}

const char *sva_op_name(uint32_t op)
{
	static const char * const names[] = {
		[SVA_TEST_OP_ABORT] = "abort",
		[SVA_TEST_OP_READ] = "read",
		[SVA_TEST_OP_WRITE] = "write",
		[SVA_TEST_OP_COPY] = "copy",
		[SVA_TEST_OP_FILL] = "fill",
		[SVA_TEST_OP_CAS] = "cas",
	};

	return op < ARRAY_SIZE(names) ? names[op] : "?";
}

static uint8_t sva_pattern_byte(size_t i, uint32_t seed)
{
	uint32_t x = (uint32_t)i * 0x9e3779b1u ^ seed * 0x85ebca6bu;

	return (x ^ x >> 15) * 0x2c1b3c6du >> 24;
}

void sva_pattern(void *buf, size_t len, uint32_t seed)
{
	uint8_t *p = buf;
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = sva_pattern_byte(i, seed);
}

bool sva_is_pattern(const void *buf, size_t len, uint32_t seed)
{
	const uint8_t *p = buf;
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] != sva_pattern_byte(i, seed))
			return false;
	return true;
}

bool sva_is_byte(const void *buf, size_t len, uint8_t byte)
{
	const uint8_t *p = buf;
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] != byte)
			return false;
	return true;
}

size_t sva_page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

void *sva_pages(size_t nr)
{
	size_t len = nr * sva_page_size();
	void *p;

	p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	/* This fails if the kernel has no huge pages, which is fine. */
	madvise(p, len, MADV_NOHUGEPAGE);
	return p;
}

/* Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_PRESENT	0x8000000000000000ULL
#define PAGEMAP_SWAPPED	0x4000000000000000ULL
#define PAGEMAP_PFN	((1ULL << 55) - 1)

static uint64_t sva_pagemap(const void *addr)
{
	off_t offset = (uintptr_t)addr / sva_page_size() * sizeof(uint64_t);
	uint64_t entry = 0;
	int fd;

	fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (pread(fd, &entry, sizeof(entry), offset) != sizeof(entry))
		entry = 0;
	close(fd);
	return entry;
}

uint64_t sva_pfn(const void *addr)
{
	uint64_t entry = sva_pagemap(addr);

	return entry & PAGEMAP_PRESENT ? entry & PAGEMAP_PFN : 0;
}

bool sva_swapped(const void *addr)
{
	return sva_pagemap(addr) & PAGEMAP_SWAPPED;
}

/*
 * A CPU keeps the pages that it frees in its own list, so a freed page can only
 * be allocated again on the same CPU.
 */
void sva_stay_on_this_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

void sva_own_stack(void)
{
	uint8_t below[16384];

	memset(below, 0, sizeof(below));
	asm("" : : "r" (below) : "memory");
}

void *sva_reuse_page(void *old)
{
	const size_t nr = 4096, size = sva_page_size();
	uint64_t pfn = sva_pfn(old);
	char *arena = sva_pages(nr);
	size_t i;

	munmap(old, size);
	for (i = 0; pfn && i < nr; i++) {
		arena[i * size] = 1;
		if (sva_pfn(arena + i * size) == pfn)
			return arena + i * size;
	}
	return NULL;
}

void *sva_long_way(size_t nr)
{
	const size_t len = 1 << 20;
	char *p = sva_pages(nr * len / sva_page_size());
	int fd = memfd_create("sva", MFD_CLOEXEC);
	size_t i;

	if (fd < 0 || ftruncate(fd, len))
		return NULL;
	for (i = 0; i < nr; i++)
		if (mmap(p + i * len, len, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
			return NULL;
	/* Mark it as written, because not every device can mark a page dirty */
	if (madvise(p, nr * len, MADV_POPULATE_WRITE))
		return NULL;
	close(fd);
	return p;
}

int sva_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* Files that were changed. Shared, because tests run in child processes. */
static struct {
	size_t nr;
	struct {
		char path[96];
		char text[96];
	} file[64];
} *changes;

/* The first process, which has a child for each test */
static pid_t first;

/* A test that was killed, by its timeout for instance, has restored nothing. */
static void sva_before_fork(void)
{
	if (getpid() == first)
		sva_restore_files();
}

static void sva_terminated(int sig)
{
	if (getpid() == first)
		sva_restore_files();
	signal(sig, SIG_DFL);
	raise(sig);
}

static void __attribute__((constructor)) sva_prepare_changes(void)
{
	static const int ends[] = { SIGHUP, SIGINT, SIGTERM };
	size_t i;

	first = getpid();
	changes = mmap(NULL, sizeof(*changes), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (changes == MAP_FAILED || atexit(sva_restore_files) ||
	    pthread_atfork(sva_before_fork, NULL, NULL)) {
		fputs("out of memory\n", stderr);
		exit(1);
	}
	for (i = 0; i < ARRAY_SIZE(ends); i++)
		if (signal(ends[i], sva_terminated) == SIG_IGN)
			signal(ends[i], SIG_IGN);
}

/* One line; of a choice such as "a [b] c" what is chosen */
static int sva_read_word(const char *path, char *text, size_t len)
{
	FILE *f = fopen(path, "re");
	char *start, *end;
	bool good;

	if (!f)
		return -errno;
	good = fgets(text, len, f);
	fclose(f);
	if (!good)
		return -EIO;
	text[strcspn(text, "\n")] = '\0';
	start = strchr(text, '[');
	end = start ? strchr(start, ']') : NULL;
	if (end) {
		*end = '\0';
		memmove(text, start + 1, end - start);
	}
	return 0;
}

int sva_change_file(const char *path, const char *text)
{
	size_t i = changes->nr;
	int ret;

	while (i-- && strcmp(changes->file[i].path, path))
		;
	if (i != (size_t)-1)
		return sva_write_file(path, text);
	i = changes->nr;
	if (i == ARRAY_SIZE(changes->file) ||
	    strlen(path) >= sizeof(changes->file[i].path))
		return -ENOSPC;
	ret = sva_read_word(path, changes->file[i].text,
			    sizeof(changes->file[i].text));
	if (ret)
		return ret;
	strcpy(changes->file[i].path, path);
	changes->nr++;
	return sva_write_file(path, text);
}

void sva_restore_files(void)
{
	size_t i = changes->nr;

	while (i--)
		sva_write_file(changes->file[i].path, changes->file[i].text);
	changes->nr = 0;
}

/* Return the IOMMU's fault interrupt if @pid is its thread, or -1. */
static int irq_of(const char *pid)
{
	char path[300], comm[64] = "";
	int irq = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	f = fopen(path, "r");
	if (!f)
		return -1;
	if (fgets(comm, sizeof(comm), f) &&
	    (strstr(comm, "dmar") || strstr(comm, "arm-smmu")))
		sscanf(comm, "irq/%d-", &irq);
	fclose(f);
	return irq;
}

int sva_move_irqs(const char *cpus)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	char path[64];
	int irq, nr = 0;

	while (dir && (entry = readdir(dir))) {
		irq = isdigit(entry->d_name[0]) ? irq_of(entry->d_name) : -1;
		if (irq < 0)
			continue;
		/*
		 * The thread moves with the interrupt, when it is woken up
		 * next.
		 */
		snprintf(path, sizeof(path), "/proc/irq/%d/smp_affinity", irq);
		nr += !sva_change_file(path, cpus);
	}
	if (dir)
		closedir(dir);
	return nr;
}

bool sva_irqs_moved(const char *cpus)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	char path[64], now[64];
	bool moved = true;
	FILE *f;
	int irq;

	while (dir && (entry = readdir(dir))) {
		irq = isdigit(entry->d_name[0]) ? irq_of(entry->d_name) : -1;
		if (irq < 0)
			continue;
		snprintf(path, sizeof(path), "/proc/irq/%d/effective_affinity",
			 irq);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fgets(now, sizeof(now), f))
			moved &= strtoul(now, NULL, 16) ==
				 strtoul(cpus, NULL, 16);
		fclose(f);
	}
	if (dir)
		closedir(dir);
	return moved;
}

int sva_sysfs(struct sva *sva, const char *leaf, char *path, size_t len)
{
	const char *name = strrchr(sva->path, '/');

	snprintf(path, len, "/sys/class/sva-test/%s/device/%s",
		 name ? name + 1 : sva->path, leaf);
	return access(path, F_OK) ? -errno : 0;
}

int sva_why_path(const char *dev, char *path, size_t len)
{
	char link[PATH_MAX], real[PATH_MAX], bus[PATH_MAX];

	snprintf(link, sizeof(link), "%s/subsystem", dev);
	if (!realpath(dev, real) || !realpath(link, bus))
		return -errno;
	snprintf(path, len, "/sys/kernel/debug/iommu-sva/%s:%s",
		 strrchr(bus, '/') + 1, strrchr(real, '/') + 1);
	return access(path, R_OK) ? -errno : 0;
}
