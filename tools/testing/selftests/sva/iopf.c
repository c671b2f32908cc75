// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page faults of devices that the kernel resolves. For every kind of memory the
 * device must find what the process would find, and the process must find what
 * the device has written. Some devices ask for pages by PRI, others are stalled
 * by the SMMU until the page is present.
 */
#include <fcntl.h>
#include <sys/swap.h>

#include "test_dev.h"

#define PAGES	8

FIXTURE(iopf)
{
	struct test_dev t;
	size_t size;
	uint8_t *mem;		/* PAGES pages that were never touched */
	uint8_t *buf;
	int zram;		/* number of what we swap to, -1: none */
};

FIXTURE_VARIANT(iopf)
{
	uint32_t mode;
	uint32_t on;
	int denied;
};

FIXTURE_VARIANT_ADD(iopf, pri)
{
	.mode = SVA_TEST_MODE_ATS | SVA_TEST_PAGE_REQUEST,
	.on = SVA_TEST_PRI_ON,
	.denied = SVA_TEST_CAUSE_PAGE_INVALID,
};

/* matrix: 6 */
FIXTURE_VARIANT_ADD(iopf, stall)
{
	.mode = SVA_TEST_MODE_UNTRANSLATED,
	.on = SVA_TEST_STALL_ON,
	.denied = SVA_TEST_CAUSE_STALL_ABORT,
};

FIXTURE_SETUP(iopf)
{
	test_bind_on(_metadata, &self->t, variant->on, variant->mode);
	self->size = sva_page_size();
	self->mem = sva_pages(PAGES);
	self->buf = malloc(PAGES * self->size);
	ASSERT_NE(NULL, self->buf);
	sva_pattern(self->buf, PAGES * self->size, 5);
	self->zram = -1;
	ASSERT_EQ(0, sva_counters_clear(&self->t.sva));
}

static void swap_off(TEST_SELF(iopf));

FIXTURE_TEARDOWN(iopf)
{
	swap_off(self);
	sva_restore_files();
	free(self->buf);
	sva_close(&self->t.sva);
}

/* Check the number of faults since the counters under @select were cleared. */
static void expect_faults_of(struct __test_metadata *_metadata,
			     TEST_SELF(iopf), uint32_t select, uint64_t nr,
			     uint64_t failed)
{
	bool pri = self->t.as.mode & SVA_TEST_PAGE_REQUEST;
	struct sva_test_counters c;

	ASSERT_EQ(0, sva_counters(&self->t.sva, select, &c));
	EXPECT_EQ(pri ? nr : 0, c.page_requests);
	EXPECT_EQ(pri ? nr : 0, c.page_responses);
	EXPECT_EQ(pri ? failed : 0, c.page_failures);
	EXPECT_EQ(pri ? 0 : nr, c.stalls);
	EXPECT_EQ(pri ? 0 : failed, c.refused);
}

static void expect_faults(struct __test_metadata *_metadata, TEST_SELF(iopf),
			  uint64_t nr, uint64_t failed)
{
	expect_faults_of(_metadata, self, self->t.as.pasid, nr, failed);
	expect_faults_of(_metadata, self, SVA_TEST_CNT_TOTAL, nr, failed);
}

/* Write the device's buffer to @addr, without touching it before. */
static struct sva_test_op write_op(TEST_SELF(iopf), void *addr, size_t len)
{
	struct sva_test_op op = sva_op(&self->t.as, SVA_TEST_OP_WRITE, addr,
				       len);

	op.buf = (uintptr_t)self->buf;
	op.buf_len = len;
	return op;
}

/* matrix: 3 */
TEST_F(iopf, write)
{
	struct sva_test_op op = write_op(self, self->mem + 100, 200);

	ASSERT_EQ(0, sva_pfn(self->mem));
	ASSERT_CAUSE(0, sva_do(&self->t.sva, &op));
	EXPECT_EQ(1, op.faults);
	expect_faults(_metadata, self, 1, 0);
	EXPECT_NE(0, sva_pfn(self->mem));
	EXPECT_TRUE(sva_is_pattern(self->mem + 100, 200, 5));
	EXPECT_TRUE(sva_is_byte(self->mem, 100, 0));
}

/* Reading maps the zero page, so writing later takes another fault. */
/* matrix: 3 */
TEST_F(iopf, read_then_write)
{
	ASSERT_CAUSE(0, sva_read(&self->t.as, self->mem, self->buf, 200));
	EXPECT_TRUE(sva_is_byte(self->buf, 200, 0));
	expect_faults(_metadata, self, 1, 0);

	sva_pattern(self->buf, 200, 6);
	ASSERT_CAUSE(0, sva_write(&self->t.as, self->mem, self->buf, 200));
	expect_faults(_metadata, self, 2, 0);
	EXPECT_TRUE(sva_is_pattern(self->mem, 200, 6));
}

/* matrix: 3 */
TEST_F(iopf, several_pages)
{
	size_t len = 6 * self->size + 2;
	struct sva_test_op op = write_op(self, self->mem + self->size - 1, len);

	ASSERT_CAUSE(0, sva_do(&self->t.sva, &op));
	EXPECT_EQ(8, op.faults);
	expect_faults(_metadata, self, 8, 0);
	EXPECT_TRUE(sva_is_pattern(self->mem + self->size - 1, len, 5));
	EXPECT_TRUE(sva_is_byte(self->mem, self->size - 1, 0));
	EXPECT_TRUE(sva_is_byte(self->mem + 7 * self->size + 1, self->size - 1,
				0));
}

/* matrix: 3 */
TEST_F(iopf, copy)
{
	sva_pattern(self->mem, self->size, 7);
	ASSERT_CAUSE(0, sva_copy(&self->t.as, self->mem + 4 * self->size,
				 self->mem, self->size));
	expect_faults(_metadata, self, 1, 0);
	EXPECT_TRUE(sva_is_pattern(self->mem + 4 * self->size, self->size, 7));
}

/* matrix: 3 */
TEST_F(iopf, cas)
{
	uint64_t old = 1, *word = (uint64_t *)(self->mem + 8);

	ASSERT_CAUSE(0, sva_cas(&self->t.as, word, 0, 0x1234, &old));
	EXPECT_EQ(0, old);
	EXPECT_EQ(0x1234, *word);
	expect_faults(_metadata, self, 1, 0);
}

/* The request is refused, and the device asks only for pages that need it. */
/* matrix: 4 */
TEST_F(iopf, into_a_hole)
{
	struct sva_test_op op = write_op(self, self->mem, 2 * self->size);

	ASSERT_EQ(0, munmap(self->mem + self->size, self->size));
	ASSERT_CAUSE(variant->denied, sva_do(&self->t.sva, &op));
	EXPECT_EQ(2, op.faults);
	EXPECT_EQ(self->size, op.bytes);
	EXPECT_EQ((uintptr_t)self->mem + self->size, op.fault_addr);
	expect_faults(_metadata, self, 2, 1);
	EXPECT_TRUE(sva_is_pattern(self->mem, self->size, 5));
}

/* Memory that was never touched must be denied as well. */
/* matrix: 4 */
TEST_F(iopf, read_only)
{
	struct sva_test_op op = write_op(self, self->mem, 200);

	ASSERT_EQ(0, mprotect(self->mem, self->size, PROT_READ));
	ASSERT_CAUSE(variant->denied, sva_do(&self->t.sva, &op));
	expect_faults(_metadata, self, 1, 1);
	EXPECT_EQ(0, sva_pfn(self->mem));
	ASSERT_CAUSE(0, sva_read(&self->t.as, self->mem, self->buf, 200));
	EXPECT_TRUE(sva_is_byte(self->buf, 200, 0));
	expect_faults(_metadata, self, 2, 1);
}

/* matrix: 4 */
TEST_F(iopf, prot_none)
{
	ASSERT_EQ(0, mprotect(self->mem, self->size, PROT_NONE));
	EXPECT_CAUSE(variant->denied,
		     sva_read(&self->t.as, self->mem, self->buf, 200));
	EXPECT_CAUSE(variant->denied,
		     sva_fill(&self->t.as, self->mem, 0xee, 200));
	expect_faults(_metadata, self, 2, 2);
	EXPECT_EQ(0, sva_pfn(self->mem));
	EXPECT_TRUE(sva_is_pattern(self->buf, 200, 5));
}

/*
 * The page was given back to the kernel. It is requested again, and is empty.
 */
/* matrix: 3 8 */
TEST_F(iopf, after_dontneed)
{
	ASSERT_CAUSE(0, sva_write(&self->t.as, self->mem, self->buf, 64));
	expect_faults(_metadata, self, 1, 0);
	ASSERT_EQ(0, madvise(self->mem, self->size, MADV_DONTNEED));
	ASSERT_CAUSE(0, sva_read(&self->t.as, self->mem, self->buf, 64));
	expect_faults(_metadata, self, 2, 0);
	EXPECT_TRUE(sva_is_byte(self->buf, 64, 0));
}

/* The device writes to a page that is shared since a fork: it is copied */
/* matrix: 8 */
TEST_F(iopf, copy_on_write)
{
	uint8_t *mem = self->mem;
	int go[2];
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(go));
	sva_pattern(mem, self->size, 1);
	pid = fork();
	if (!pid) {
		close(go[1]);
		CHILD_CHECK(read(go[0], &c, 1) == 0);
		CHILD_CHECK(sva_is_pattern(mem, self->size, 1));
		_exit(0);
	}
	EXPECT_CAUSE(0, sva_write(&self->t.as, mem, self->buf, 64));
	expect_faults(_metadata, self, 1, 0);
	EXPECT_TRUE(sva_is_pattern(mem, 64, 5));
	close(go[1]);
	EXPECT_EQ(0, test_reap(pid));
}

/* Somewhere to swap to: a zram device of our own */
static bool swap_on(TEST_SELF(iopf))
{
	const size_t pages = 4096;
	uint8_t *header = self->buf;
	uint32_t *version = (uint32_t *)(header + 1024), *last = version + 1;
	char path[64];
	bool done;
	FILE *f;
	int fd;

	f = fopen("/sys/class/zram-control/hot_add", "r");
	if (!f)
		return false;
	if (fscanf(f, "%d", &self->zram) != 1)
		self->zram = -1;
	fclose(f);
	snprintf(path, sizeof(path), "/sys/block/zram%d/disksize", self->zram);
	if (sva_write_file(path, "16M"))
		return false;

	/* union swap_header of include/linux/swap.h */
	memset(header, 0, self->size);
	*version = 1;
	*last = pages - 1;
	memcpy(header + self->size - 10, "SWAPSPACE2", 10);
	snprintf(path, sizeof(path), "/dev/zram%d", self->zram);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	done = write(fd, header, self->size) == (ssize_t)self->size;
	close(fd);
	return done && !swapon(path, 0);
}

static void swap_off(TEST_SELF(iopf))
{
	char path[64], nr[16];

	if (self->zram < 0)
		return;
	snprintf(path, sizeof(path), "/dev/zram%d", self->zram);
	swapoff(path);
	snprintf(nr, sizeof(nr), "%d", self->zram);
	sva_write_file("/sys/class/zram-control/hot_remove", nr);
	self->zram = -1;
}

/* All of @len bytes have gone to the swap space */
static bool swap_out(TEST_SELF(iopf), uint8_t *mem, size_t len)
{
	size_t i;
	int try;

	for (try = 0; try < 1000; try++) {
		/* The CPU that handled a fault may still hold on to the page */
		sva_write_file("/proc/sys/vm/drop_caches", "1");
		if (madvise(mem, len, MADV_PAGEOUT))
			return false;
		for (i = 0; i < len; i += self->size)
			if (!sva_swapped(mem + i))
				break;
		if (i >= len)
			return true;
		usleep(10000);
	}
	return false;
}

/* One fault for each page brings it back as it was */
/* matrix: 8 */
TEST_F(iopf, swapped_out)
{
	size_t len = PAGES * self->size;
	uint8_t *want = malloc(len);

	ASSERT_NE(NULL, want);
	if (access("/sys/class/zram-control", F_OK))
		SKIP(return, "no zram");
	ASSERT_TRUE(swap_on(self));
	sva_pattern(self->mem, len, 1);
	sva_pattern(want, len, 1);

	ASSERT_TRUE(swap_out(self, self->mem, len));
	ASSERT_CAUSE(0, sva_fill(&self->t.as, self->mem + 100, 0x77, 200));
	memset(want + 100, 0x77, 200);
	expect_faults(_metadata, self, 1, 0);

	/* Data that the device has written must be swapped out as well. */
	ASSERT_TRUE(swap_out(self, self->mem, len));
	ASSERT_EQ(0, sva_counters_clear(&self->t.sva));
	ASSERT_CAUSE(0, sva_read(&self->t.as, self->mem, self->buf, len));
	expect_faults(_metadata, self, PAGES, 0);
	EXPECT_EQ(0, memcmp(want, self->buf, len));
	EXPECT_EQ(0, memcmp(want, self->mem, len));
	free(want);
}

/* Check that all @len bytes are contiguous and aligned like a huge page. */
static bool is_huge(TEST_SELF(iopf), uint8_t *mem, size_t len)
{
	uint64_t first = sva_pfn(mem), nr = len / self->size;

	return first && !(first % nr) &&
	       sva_pfn(mem + len - self->size) == first + nr - 1;
}

/* Of a size that is in a file of sysfs, in bytes */
static size_t huge_size(void)
{
	FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size",
			"r");
	size_t len;

	if (!f)
		return 0;
	if (fscanf(f, "%zu", &len) != 1)
		len = 0;
	fclose(f);
	return len;
}

static bool huge_pages_are_off(void)
{
	FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "r");
	char text[64] = "";
	bool off;

	off = !f || !fgets(text, sizeof(text), f) || strstr(text, "[never]");
	if (f)
		fclose(f);
	return off;
}

/* matrix: 2 */
TEST_F(iopf, huge_page)
{
	size_t len = huge_size();
	uint8_t *page, *mem;

	if (!len || huge_pages_are_off())
		SKIP(return, "no transparent huge pages");
	mem = sva_pages(2 * len / self->size);
	mem += -(uintptr_t)mem % len;
	page = mem + len / 2;
	ASSERT_EQ(0, madvise(mem, len, MADV_HUGEPAGE));
	ASSERT_CAUSE(0, sva_fill(&self->t.as, page, 1, 1));
	expect_faults(_metadata, self, 1, 0);
	ASSERT_TRUE(is_huge(self, mem, len));

	ASSERT_CAUSE(0, sva_fill(&self->t.as, mem, 0x5a, len));
	expect_faults(_metadata, self, 1, 0);
	EXPECT_TRUE(sva_is_byte(mem, len, 0x5a));

	/* It is split when one of its pages gets other attributes. */
	ASSERT_EQ(0, mprotect(page, self->size, PROT_READ));
	EXPECT_CAUSE(variant->denied,
		     sva_fill(&self->t.as, page - 8, 0xa5, 16));
	EXPECT_TRUE(sva_is_byte(page - 8, 8, 0xa5));
	EXPECT_TRUE(sva_is_byte(page, self->size, 0x5a));
	EXPECT_CAUSE(0, sva_fill(&self->t.as, page + self->size, 0xa5, 16));
	EXPECT_TRUE(sva_is_byte(page + self->size, 16, 0xa5));
}

#define HUGETLB_LEN	(2UL << 20)

/* matrix: 2 */
TEST_F(iopf, hugetlb)
{
	uint8_t *mem;

	sva_change_file("/proc/sys/vm/nr_hugepages", "2");
	mem = mmap(NULL, HUGETLB_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		   MAP_ANONYMOUS | MAP_HUGETLB | (21 << MAP_HUGE_SHIFT), -1, 0);
	if (mem == MAP_FAILED)
		SKIP(return, "no huge pages of 2 MiB");
	ASSERT_CAUSE(0, sva_fill(&self->t.as, mem + HUGETLB_LEN / 2, 1, 1));
	expect_faults(_metadata, self, 1, 0);
	EXPECT_TRUE(is_huge(self, mem, HUGETLB_LEN));

	ASSERT_CAUSE(0, sva_fill(&self->t.as, mem, 0x5a, HUGETLB_LEN));
	expect_faults(_metadata, self, 1, 0);
	EXPECT_TRUE(sva_is_byte(mem, HUGETLB_LEN, 0x5a));
	ASSERT_EQ(0, munmap(mem, HUGETLB_LEN));
}

/* A file of PAGES pages, pattern 1, none of them mapped by @flags's mapping */
static uint8_t *map_file(struct __test_metadata *_metadata, TEST_SELF(iopf),
			 int flags, int *fd)
{
	size_t len = PAGES * self->size;
	uint8_t *mem, *text = malloc(len);
	FILE *f = tmpfile();

	ASSERT_NE(NULL, f);
	ASSERT_NE(NULL, text);
	*fd = fileno(f);
	sva_pattern(text, len, 1);
	ASSERT_EQ(len, pwrite(*fd, text, len, 0));
	free(text);
	mem = mmap(NULL, len, PROT_READ | PROT_WRITE, flags, *fd, 0);
	ASSERT_NE(MAP_FAILED, mem);
	return mem;
}

/* What read(2) finds in page @nr of the file is @want */
static void expect_file(struct __test_metadata *_metadata, TEST_SELF(iopf),
			int fd, size_t nr, const uint8_t *want)
{
	uint8_t text[64];

	ASSERT_EQ(sizeof(text), pread(fd, text, sizeof(text), nr * self->size));
	EXPECT_EQ(0, memcmp(want, text, sizeof(text)));
}

/* The device must see the contents of the file. */
/* matrix: 2 */
TEST_F(iopf, shared_file)
{
	uint8_t text[64], other[64], *mem;
	int fd;

	mem = map_file(_metadata, self, MAP_SHARED, &fd);
	ASSERT_EQ(sizeof(other), pread(fd, other, sizeof(other), self->size));
	ASSERT_CAUSE(0, sva_write(&self->t.as, mem + 3 * self->size, self->buf,
				  64));
	expect_faults(_metadata, self, 1, 0);
	expect_file(_metadata, self, fd, 3, self->buf);
	expect_file(_metadata, self, fd, 1, other);

	ASSERT_CAUSE(0, sva_read(&self->t.as, mem + self->size, text, 64));
	expect_faults(_metadata, self, 2, 0);
	EXPECT_EQ(0, memcmp(other, text, sizeof(text)));

	/* Data that are written to the file now must be read at once. */
	ASSERT_EQ(64, pwrite(fd, self->buf + 64, 64, 3 * self->size));
	ASSERT_CAUSE(0, sva_read(&self->t.as, mem + 3 * self->size, text, 64));
	EXPECT_EQ(0, memcmp(self->buf + 64, text, sizeof(text)));
}

/* The device writes to the process's copy of the page, never to the file */
/* matrix: 2 */
TEST_F(iopf, private_file)
{
	uint8_t text[64], *mem;
	int fd;

	mem = map_file(_metadata, self, MAP_PRIVATE, &fd);
	ASSERT_EQ(sizeof(text), pread(fd, text, sizeof(text), 3 * self->size));
	ASSERT_CAUSE(0, sva_write(&self->t.as, mem + 3 * self->size, self->buf,
				  64));
	expect_faults(_metadata, self, 1, 0);
	EXPECT_EQ(0, memcmp(mem + 3 * self->size, self->buf, 64));
	expect_file(_metadata, self, fd, 3, text);
}

/* There is nothing behind the end of a file, nor behind a truncated end. */
/* matrix: 4 */
TEST_F(iopf, end_of_file)
{
	uint8_t *mem, *last;
	int fd;

	mem = map_file(_metadata, self, MAP_SHARED, &fd);
	last = mem + (PAGES - 1) * self->size;
	ASSERT_CAUSE(0, sva_fill(&self->t.as, last, 0x77, 64));
	expect_faults(_metadata, self, 1, 0);
	ASSERT_EQ(0, ftruncate(fd, (PAGES - 1) * self->size));
	EXPECT_CAUSE(variant->denied, sva_fill(&self->t.as, last, 0x78, 64));
	EXPECT_CAUSE(variant->denied,
		     sva_read(&self->t.as, last, self->buf, 64));
	expect_faults(_metadata, self, 3, 2);
	EXPECT_TRUE(sva_is_pattern(self->buf, 64, 5));
	ASSERT_EQ(0, ftruncate(fd, PAGES * self->size));
	ASSERT_CAUSE(0, sva_read(&self->t.as, last, self->buf, 64));
	EXPECT_TRUE(sva_is_byte(self->buf, 64, 0));
}

#define BURST_PROCS	4
#define BURST_OPS	3

/* In one of the processes: several operations at once, each page is a fault */
static bool burst(const struct sva_as *as, uint32_t seed)
{
	size_t i, len = PAGES * sva_page_size();
	uint8_t *mem = sva_pages(BURST_OPS * PAGES), *buf[BURST_OPS];
	struct sva_test_op op[BURST_OPS];
	bool good = true;

	for (i = 0; i < BURST_OPS; i++) {
		buf[i] = malloc(len);
		sva_pattern(buf[i], len, seed + i);
		op[i] = sva_op(as, SVA_TEST_OP_WRITE, mem + i * len, len);
		op[i].buf = (uintptr_t)buf[i];
		op[i].buf_len = len;
		if (sva_submit(as->sva, &op[i]))
			return false;
	}
	for (i = 0; i < BURST_OPS; i++) {
		good &= !sva_wait(as->sva, &op[i]);
		good &= sva_is_pattern(mem + i * len, len, seed + i);
		free(buf[i]);
	}
	return good;
}

/* Faults of several processes at a time: each gets its own pages, all of them */
/* matrix: 3 */
TEST_F(iopf, burst)
{
	struct sva_as as = self->t.as;
	struct test_hand h[BURST_PROCS];
	uint32_t *pasid = test_shared(sizeof(*pasid) * BURST_PROCS);
	uint32_t i, nr = BURST_PROCS;

	ASSERT_NE(NULL, pasid);
	/* One is this process's */
	if (nr > self->t.info.max_pasids - 2)
		nr = self->t.info.max_pasids - 2;
	if (!nr)
		SKIP(return, "one PASID only");
	for (i = 0; i < nr; i++) {
		if (test_fork(_metadata, &h[i]))
			continue;
		CHILD_CHECK(!sva_open_path(as.sva, self->t.sva.path));
		CHILD_CHECK(!sva_bind(as.sva, &as.bond, &pasid[i]));
		test_say(&h[i]);
		test_wait_go(&h[i]);
		CHILD_CHECK(burst(&as, 1000 * (i + 1)));
		_exit(0);
	}
	for (i = 0; i < nr; i++)
		test_heard(_metadata, &h[i]);
	for (i = 0; i < nr; i++)
		test_go(_metadata, &h[i]);
	EXPECT_TRUE(burst(&as, 1));
	for (i = 0; i < nr; i++)
		test_join(_metadata, &h[i]);

	for (i = 0; i < nr; i++)
		expect_faults_of(_metadata, self, pasid[i], BURST_OPS * PAGES,
				 0);
	expect_faults_of(_metadata, self, as.pasid, BURST_OPS * PAGES, 0);
}

TEST_HARNESS_MAIN
