// SPDX-License-Identifier: GPL-2.0
/*
 * Counts what binding processes to a device costs, in instructions
 *
 * count <device> <marker device> [<operation>...]
 *
 * For a VM with one CPU under -icount shift=0,sleep=off: the CPU's counter then is
 * the number of instructions that the guest has executed, as long as the CPU is
 * never idle, so this program never sleeps. Each line of output is
 *
 *   <number> <operation> <call> <bonds> <instructions>
 *
 * and the IOMMU's commands that belong to it are those in QEMU's trace between the
 * two markers with that number: what the marker device is told there, it cannot do.
 *
 * Two ways to count: across a call, after a tick of the timer, so that there is
 * none within; and from one tick to another that is much later, where what this
 * program spends on waiting is taken away, and what the kernel needs anyhow. That
 * has what the kernel does later on as well.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sva-test.h"

#define TICK		4000000		/* instructions between ticks: HZ=250 */
#define SETTLE		400000		/* what a tick brings with it */
#define REPEAT		11		/* an odd number, for the median */
#define WINDOWS		3		/* the same for what takes long */
#define LATER		8		/* ticks until all that was put off is done */
#define MANY		16		/* see pairs_16 */
#define PAGE		sysconf(_SC_PAGESIZE)
#define HUGE		(2 << 20)
#define MAX_BONDS	1000

enum call { NEW, OLD };
static const char * const call_names[] = { "new", "old" };

static int dev;				/* the device that is looked at */
static const char *dev_path;
static volatile uint64_t *marker;	/* registers of the other one */
static unsigned int *next_number;	/* of the next line, for all processes */
static bool marking;			/* its commands are those from here on */
static uint64_t loop_cost, rounds;	/* of waiting */

static void die(const char *what)
{
	fprintf(stderr, "count: %s: %s\n", what, strerror(errno));
	exit(1);
}

static inline uint64_t now(void)
{
#ifdef __x86_64__
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a" (lo), "=d" (hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
#else
	uint64_t t;

	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r" (t) : : "memory");
	return t;
#endif
}

/* Spin until @end. Returns how often it went round; each time costs the same. */
static uint64_t __attribute__((noinline)) spin(uint64_t end)
{
	uint64_t n = 0;

	while (now() < end)
		n++;
	rounds += n;
	return n;
}

/* Spin until an interrupt has come and gone, and what it has woken up is done */
static void after_tick(void)
{
	uint64_t last = now(), t;

	for (;;) {
		t = now();
		if (t - last > 300)
			break;
		last = t;
	}
	spin(now() + SETTLE);
}

static void learn_loop_cost(void)
{
	uint64_t from, n;

	after_tick();
	from = now();
	n = spin(from + 1000000);
	loop_cost = (now() - from + n / 2) / n;
}

/* The driver of the marker device has enabled its interrupts: not wanted here */
static void open_marker(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource0", name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	marker = mmap(NULL, SVA_TEST_REGS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd < 0 || marker == MAP_FAILED)
		die(path);
	close(fd);
	marker[SVA_TEST_IRQ_ENABLE / 8] = 0;
}

static void mark(void)
{
	volatile uint64_t *c = marker + SVA_TEST_CHANNEL(SVA_TEST_NR_CHANNELS - 1) / 8;

	if (!marking)
		return;
	c[SVA_TEST_ADDR / 8] = *next_number;
	c[SVA_TEST_COMMAND / 8] = SVA_TEST_OP;		/* there is no such operation */
}

static void report(const char *op, const char *call, unsigned int bonds, int64_t count)
{
	printf("%u %s %s %u %lld\n", *next_number, op, call, bonds, (long long)count);
	++*next_number;
}

static int bind(int fd, enum call call, uint32_t pasid, uint32_t *bond)
{
	struct sva_test_bind arg = {
		.flags = call == NEW ? SVA_TEST_BIND_PRIVATE : 0,
		.pasid = call == NEW ? pasid : 0,
	};

	if (ioctl(fd, SVA_TEST_IOC_BIND, &arg))
		return -1;
	*bond = arg.bond;
	return 0;
}

static int unbind(int fd, uint32_t bond)
{
	struct sva_test_unbind arg = { .bond = bond };

	return ioctl(fd, SVA_TEST_IOC_UNBIND, &arg);
}

/* The kernel was built without the new call, so there is nothing to count */
static bool has(enum call call)
{
	uint32_t bond;

	if (bind(dev, call, 1, &bond)) {
		if (errno == EOPNOTSUPP && call == NEW)
			return false;
		die("bind");
	}
	unbind(dev, bond);
	return true;
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static int64_t median(int64_t *v, int n)
{
	qsort(v, n, sizeof(*v), by_size);
	return v[n / 2];
}

/* From here to the end of the call, between two markers if it is the last of them */
#define COUNT(i, result, expression) do {		\
	uint64_t from_;					\
							\
	marking = (i) == REPEAT - 1;			\
	mark();						\
	from_ = now();					\
	if (expression)					\
		die(#expression);			\
	(result) = now() - from_;			\
	mark();						\
} while (0)

static int64_t empty_call(void)
{
	struct sva_test_unbind arg = { .reserved = 1 };
	int64_t v[REPEAT];
	uint64_t from;
	int i;

	for (i = 0; i < REPEAT; i++) {
		after_tick();
		from = now();
		ioctl(dev, SVA_TEST_IOC_UNBIND, &arg);
		v[i] = now() - from;
	}
	return median(v, REPEAT);
}

/*
 * Bonds that are there meanwhile: of this process, or of as many processes with
 * one each. PASIDs from 2 on.
 */
static uint32_t others[MAX_BONDS];
static pid_t processes[MAX_BONDS];

static void add_bonds(unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (bind(dev, NEW, 2 + i, &others[i]))
			die("bind beside others");
}

static void end_bonds(unsigned int n)
{
	while (n--)
		unbind(dev, others[n]);
}

static void add_process(unsigned int i, enum call call)
{
	int ready[2], fd;
	uint32_t bond;
	char c;

	if (pipe(ready))
		die("pipe");
	processes[i] = fork();
	if (!processes[i]) {
		fd = open(dev_path, O_RDWR | O_CLOEXEC);
		if (bind(fd, call, 2 + i, &bond))
			die("bind of another process");
		if (write(ready[1], "", 1) != 1)
			die("pipe");
		for (;;)
			pause();
	}
	if (processes[i] < 0 || read(ready[0], &c, 1) != 1)
		die("another process");
	close(ready[0]);
	close(ready[1]);
}

static void end_processes(unsigned int n)
{
	while (n--) {
		kill(processes[n], SIGKILL);
		waitpid(processes[n], NULL, 0);
	}
}

/* A bind and an unbind */
static void pair(const char *ops[2], enum call call, unsigned int bonds, int64_t empty)
{
	int64_t v[2][REPEAT];
	uint32_t bond;
	int i;

	for (i = 0; i < 5; i++)
		if (bind(dev, call, 1, &bond) || unbind(dev, bond))
			die("bind");
	for (i = 0; i < REPEAT; i++) {
		after_tick();
		COUNT(i, v[0][i], bind(dev, call, 1, &bond));
		++*next_number;
		COUNT(i, v[1][i], unbind(dev, bond));
		--*next_number;
	}
	report(ops[0], call_names[call], bonds, median(v[0], REPEAT) - empty);
	report(ops[1], call_names[call], bonds, median(v[1], REPEAT) - empty);
}

static void op_bind(enum call call)
{
	pair((const char *[]){ "bind", "unbind" }, call, 0, empty_call());
}

static void op_many_pasids(enum call call)
{
	static const unsigned int sizes[] = { 1, 10, 100, 1000 };
	int64_t empty = empty_call();
	unsigned int i;

	if (call == OLD)	/* it has one for each process */
		return;
	for (i = 0; i < 4; i++) {
		add_bonds(sizes[i]);
		pair((const char *[]){ "bind_pasids", "unbind_pasids" }, call, sizes[i], empty);
		end_bonds(sizes[i]);
	}
}

static void op_many_processes(enum call call)
{
	static const unsigned int sizes[] = { 1, 10, 100, 1000 };
	int64_t empty = empty_call();
	unsigned int i, n = 0;

	for (i = 0; i < 4; i++) {
		while (n < sizes[i])
			add_process(n++, call);
		pair((const char *[]){ "bind_processes", "unbind_processes" }, call, sizes[i],
		     empty);
	}
	end_processes(n);
}

/* The first bind of a process, which has to be told its IOMMU state, too */
static void op_first(enum call call)
{
	int64_t *v = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int64_t empty = empty_call();
	uint32_t bond;
	pid_t pid;
	int i, fd, status;

	for (i = 0; i < REPEAT; i++) {
		pid = fork();
		if (!pid) {
			fd = open(dev_path, O_RDWR | O_CLOEXEC);
			after_tick();
			COUNT(i, v[i], bind(fd, call, 1, &bond));
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			die("first bind");
	}
	report("first_bind", call_names[call], 0, median(v, REPEAT) - empty);
	munmap(v, PAGE);
}

/*
 * Memory that was touched, and a page behind it that stays, so that the table of a
 * single page is not freed with it
 */
static char *touched(size_t size, char **room)
{
	char *p = mmap(NULL, HUGE * 3, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *start = (char *)(((uintptr_t)p + HUGE - 1) & ~(uintptr_t)(HUGE - 1));
	size_t i;

	if (p == MAP_FAILED || madvise(p, HUGE * 3, MADV_NOHUGEPAGE))
		die("mmap");
	for (i = 0; i < size + PAGE; i += PAGE)
		start[i] = 1;
	*room = p;
	return start;
}

static void unmaps(const char *op, const char *call, unsigned int bonds, size_t size)
{
	int64_t v[REPEAT];
	char *p, *room;
	int i;

	for (i = 0; i < REPEAT; i++) {
		p = touched(size, &room);
		after_tick();
		COUNT(i, v[i], munmap(p, size));
		munmap(room, HUGE * 3);
	}
	report(op, call, bonds, median(v, REPEAT));
}

static void op_munmap(enum call call)
{
	static const unsigned int sizes[] = { 1, 10, 100 };
	uint32_t bond;
	unsigned int i;

	if (call == OLD) {
		unmaps("munmap_page", "none", 0, PAGE);
		unmaps("munmap_2M", "none", 0, HUGE);
		if (bind(dev, call, 0, &bond))
			die("bind");
		unmaps("munmap_page", call_names[call], 1, PAGE);
		unmaps("munmap_2M", call_names[call], 1, HUGE);
		unbind(dev, bond);
		return;
	}
	for (i = 0; i < 3; i++) {
		add_bonds(sizes[i]);
		unmaps("munmap_page", call_names[call], sizes[i], PAGE);
		unmaps("munmap_2M", call_names[call], sizes[i], HUGE);
		end_bonds(sizes[i]);
	}
}

/*
 * What the kernel executes from a tick to the one that is LATER later: all but this
 * program's waiting
 */
static int64_t all_of(void (*work)(enum call call), enum call call)
{
	uint64_t from, before, t;

	after_tick();
	before = rounds;
	from = now();
	mark();
	if (work)
		work(call);
	spin(from + (uint64_t)LATER * TICK);
	t = now();
	mark();
	return t - from - (rounds - before) * loop_cost;
}

/* How much more than without, or than with something else */
static int64_t more_than(void (*other)(enum call call), void (*work)(enum call call),
			 enum call call)
{
	int64_t with[WINDOWS], without[WINDOWS];
	int i;

	for (i = 0; i < WINDOWS; i++) {
		marking = false;
		without[i] = all_of(other, call);
		marking = i == WINDOWS - 1;
		with[i] = all_of(work, call);
	}
	return median(with, WINDOWS) - median(without, WINDOWS);
}

/* Binds and unbinds, and all that the kernel has put off */
static void many_pairs(enum call call)
{
	uint32_t bond;
	int i;

	for (i = 0; i < MANY; i++)
		if (bind(dev, call, 1, &bond) || unbind(dev, bond))
			die("bind");
}

static void op_all(enum call call)
{
	report("pairs_16", call_names[call], 0, more_than(NULL, many_pairs, call));
}

/* A page of the process that the device asks for: request, handling, response */
static uint32_t fault_bond, fault_mode;
static char *fault_page;

static void one_fault(enum call call)
{
	struct sva_test_op op = {
		.op = SVA_TEST_OP_FILL,
		.mode = fault_mode,
		.as = SVA_TEST_AS_BOND,
		.bond = fault_bond,
		.timeout_ms = 10000,
		.addr = (uintptr_t)fault_page,
		.len = 8,
	};

	(void)call;
	madvise(fault_page, PAGE, MADV_DONTNEED);
	if (ioctl(dev, SVA_TEST_IOC_SUBMIT, &op))
		die("submit");
	spin(now() + TICK * 3);
	if (ioctl(dev, SVA_TEST_IOC_WAIT, &op) || op.state != SVA_TEST_DONE)
		die("page fault");
}

static void op_fault(enum call call)
{
	struct sva_test_info info;

	if (ioctl(dev, SVA_TEST_IOC_INFO, &info))
		die("info");
	if (!(info.on & (SVA_TEST_PRI_ON | SVA_TEST_STALL_ON)))
		return;
	if (info.on & SVA_TEST_PRI_ON)
		fault_mode = SVA_TEST_MODE_ATS | SVA_TEST_PAGE_REQUEST;
	fault_page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (bind(dev, call, 1, &fault_bond))
		die("bind");
	report("fault", call_names[call], 1, more_than(NULL, one_fault, call));
	unbind(dev, fault_bond);
}

/* A process that waits for the word to end, with a bond or without one */
static int go[2];

static pid_t waiting_process(enum call call, bool bound)
{
	int ready[2], fd;
	uint32_t bond;
	pid_t pid;
	char c;

	if (pipe(go) || pipe(ready))
		die("pipe");
	pid = fork();
	if (!pid) {
		fd = open(dev_path, O_RDWR | O_CLOEXEC);
		if (bound && bind(fd, call, 1, &bond))
			die("bind");
		if (write(ready[1], "", 1) != 1 || read(go[0], &c, 1) != 1)
			die("pipe");
		_exit(0);
	}
	if (pid < 0 || read(ready[0], &c, 1) != 1)
		die("process");
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void let_go(enum call call)
{
	(void)call;
	if (write(go[1], "", 1) != 1)
		die("pipe");
}

static int64_t one_exit(enum call call, bool bound)
{
	pid_t pid = waiting_process(call, bound);
	int64_t all = all_of(let_go, call);
	int status;

	if (waitpid(pid, &status, 0) != pid || status)
		die("exit");
	close(go[0]);
	close(go[1]);
	return all;
}

static void op_exit(enum call call)
{
	int64_t with[WINDOWS], without[WINDOWS];
	int i;

	for (i = 0; i < WINDOWS; i++) {
		marking = false;
		without[i] = one_exit(call, false);
		marking = i == WINDOWS - 1;
		with[i] = one_exit(call, true);
	}
	report("exit", call_names[call], 1, median(with, WINDOWS) - median(without, WINDOWS));
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t len = strlen(text), n = fd < 0 ? -1 : write(fd, text, len);

	if (fd >= 0)
		close(fd);
	return n != len;
}

/* Are devices blocked that have no driver? */
static bool blocks_unbound(void)
{
	char line[4096] = "";
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, line, sizeof(line) - 1) < 0)
		die("/proc/cmdline");
	close(fd);
	return strstr(line, "iommu.block_unbound=all");
}

/* The driver is unbound from the device, and bound to it again. */
static void op_driver(enum call call)
{
	const char *when = blocks_unbound() ? "blocked" : "none";
	char path[128], dir[PATH_MAX], driver[PATH_MAX], file[PATH_MAX + 16];
	int64_t v[2][REPEAT];
	const char *name;
	int i;

	if (call == OLD)	/* it has nothing to do with that */
		return;
	close(dev);
	snprintf(path, sizeof(path), "/sys/class/sva-test/%s/device", strrchr(dev_path, '/') + 1);
	if (!realpath(path, dir))
		die(path);
	snprintf(path, sizeof(path), "/sys/class/sva-test/%s/device/driver",
		 strrchr(dev_path, '/') + 1);
	if (!realpath(path, driver))
		die(path);
	name = strrchr(dir, '/') + 1;
	for (i = 0; i < REPEAT; i++) {
		snprintf(file, sizeof(file), "%s/unbind", driver);
		after_tick();
		COUNT(i, v[0][i], write_text(file, name));
		++*next_number;
		snprintf(file, sizeof(file), "%s/bind", driver);
		COUNT(i, v[1][i], write_text(file, name));
		--*next_number;
	}
	report("driver_unbind", when, 0, median(v[0], REPEAT));
	report("driver_bind", when, 0, median(v[1], REPEAT));
	/* Wait for the file to be there again. */
	while (access(dev_path, R_OK | W_OK))
		;
}

static const struct {
	const char *name;
	void (*run)(enum call call);
} operations[] = {
	{ "bind", op_bind },
	{ "first_bind", op_first },
	{ "munmap", op_munmap },
	{ "all", op_all },
	{ "fault", op_fault },
	{ "exit", op_exit },
	{ "driver", op_driver },
	{ "pasids", op_many_pasids },
	{ "processes", op_many_processes },
};

static bool wanted(const char *name, int argc, char **argv)
{
	int i;

	for (i = 3; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return argc <= 3;
}

/* In a process of its own, so that nothing depends on what was counted before */
static void in_a_process(void (*run)(enum call call), enum call call)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		dev = open(dev_path, O_RDWR | O_CLOEXEC);
		if (dev < 0)
			die(dev_path);
		learn_loop_cost();
		if (has(call))
			run(call);
		exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die("process");
	if (status)
		exit(1);
}

int main(int argc, char **argv)
{
	enum call call;
	size_t i;

	if (argc < 3) {
		fprintf(stderr, "usage: count <device> <marker device> [<operation>...]\n");
		return 2;
	}
	/* Addresses, and with them page tables, are to be the same each time */
	if (!(personality(0xffffffff) & ADDR_NO_RANDOMIZE)) {
		personality(ADDR_NO_RANDOMIZE);
		execv("/proc/self/exe", argv);
		die("exec");
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	next_number = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	dev_path = argv[1];
	open_marker(argv[2]);
	for (call = NEW; call <= OLD; call++)
		for (i = 0; i < sizeof(operations) / sizeof(*operations); i++)
			if (wanted(operations[i].name, argc, argv))
				in_a_process(operations[i].run, call);
	return 0;
}
