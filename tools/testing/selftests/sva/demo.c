// SPDX-License-Identifier: GPL-2.0-only
/*
 * A story for readers: what a bond gives to a device, and what it must not give
 *
 * Processes A and B each have a device. The first process of this program tells
 * the story: it asks A and B to do something and prints the result. Everything
 * that a line shows was read back from a device's buffer, a process's memory, a
 * register or the kernel. If a value is not as it should be, the line says
 * FAIL, and the exit status is 1.
 *
 * demo [stale-tlb | ats-on]: use a device that ignores invalidations while memory
 * is unmapped, or leave ATS on for a device that has no use for it.
 *
 * demo driver: another story, of a device that has no driver. It ends well with
 * iommu.block_unbound=all.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest.h"
#include "sva_lib.h"
#include "test_pci.h"

#define LEN		32
/* Free in a static program on x86_64 and arm64 */
#define ADDRESS		((char *)0x200000000000)
/* How many pages a process allocates to find one that was freed */
#define NR_SEARCH	4096
#define NR_TRIES	8

/* What a process is asked to do, and the result */
struct request {
	int (*act)(struct request *rq);
	int dev;
	uint32_t flags;		/* of the bind */
	uint32_t mode;		/* of the device's request */
	uint32_t bond;		/* out of the bind */
	uint32_t pasid;		/* out, of a private bind in as well */
	void *addr;
	uint64_t pfn;
	int ret;		/* -errno or, of the device, SVA_TEST_CAUSE_* */
	char text[LEN];		/* in and out */
};

struct process {
	const char *name;
	pid_t pid;
	int to, from;		/* one byte for "go", one for "done" */
	struct request *rq;	/* shared with it */
};

static struct sva devs[3];	/* each process has its own */
static struct sva_test_info infos[3];
static char stalling[32];	/* the third, if it is there */
static int nr_used = 2;		/* each process opens so many of them */
static int told, failed;	/* lines */

/* Printing the lines */

/* The short name of a device */
static const char *dev_name(int nr)
{
	const char *name = strrchr(sva_path(nr), '/');

	return name ? name + 1 : sva_path(nr);
}

static void __printf(3, 4) tell(const char *act, bool good,
				const char *fmt, ...)
{
	va_list args;

	printf("%-4s %-7s ", good ? "ok" : "FAIL", act);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	told++;
	failed += !good;
}

/* Something fails without which the story cannot go on. */
static __noreturn void __printf(1, 2) give_up(const char *fmt, ...)
{
	va_list args;

	printf("FAIL %-7s ", "stopped");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	exit(1);
}

/* The text that was read back, with unprintable bytes replaced */
static const char *quoted(const char *text)
{
	static char out[4][LEN + 3];
	static int turn;
	char *p = out[turn++ % ARRAY_SIZE(out)], *to = p;
	int i;

	*to++ = '"';
	for (i = 0; i < LEN && text[i]; i++)
		*to++ = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	*to++ = '"';
	*to = '\0';
	return p;
}

static const char *pasid_name(uint32_t pasid)
{
	static char out[4][16];
	static int turn;
	char *p = out[turn++ % ARRAY_SIZE(out)];

	if (pasid == SVA_NO_PASID)
		return "none";
	snprintf(p, sizeof(out[0]), "%u", pasid);
	return p;
}

static bool same(const char *text, const char *expected)
{
	char buf[LEN] = "";

	strncpy(buf, expected, LEN - 1);
	return !memcmp(text, buf, LEN);
}

static bool is_refused(int ret)
{
	return ret == SVA_TEST_CAUSE_REFUSED ||
	       ret == SVA_TEST_CAUSE_ATS_DENIED ||
	       ret == SVA_TEST_CAUSE_ATS_NO_ACCESS;
}

/* The requests that processes A and B understand */

static struct sva_as as_bond(const struct request *rq)
{
	return (struct sva_as) {
		.sva = &devs[rq->dev],
		.as = SVA_TEST_AS_BOND,
		.bond = rq->bond,
		.mode = rq->mode,
	};
}

static int act_bind(struct request *rq)
{
	struct sva_test_bind arg = { .flags = rq->flags };
	int ret;

	if (rq->flags & SVA_TEST_BIND_PRIVATE)
		arg.pasid = rq->pasid;

	ret = sva_ioctl(&devs[rq->dev], SVA_TEST_IOC_BIND, &arg);
	rq->bond = arg.bond;
	rq->pasid = arg.pasid;
	return ret;
}

static int act_unbind(struct request *rq)
{
	return sva_unbind(&devs[rq->dev], rq->bond);
}

static int act_enqcmd_pasid(struct request *rq)
{
	struct sva_test_info info;
	int ret = sva_info(&devs[rq->dev], &info);

	rq->pasid = info.enqcmd_pasid;
	return ret;
}

static int act_map(struct request *rq)
{
	size_t size = sva_page_size();

	if (!rq->addr) {
		rq->addr = sva_pages(1);
		return 0;
	}
	if (mmap(rq->addr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		 MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != rq->addr)
		return -errno;
	return 0;
}

static int act_unmap(struct request *rq)
{
	return munmap(rq->addr, sva_page_size()) ? -errno : 0;
}

static int act_pfn(struct request *rq)
{
	rq->pfn = sva_pfn(rq->addr);
	return 0;
}

static int act_store(struct request *rq)
{
	memcpy(rq->addr, rq->text, LEN);
	return 0;
}

static int act_load(struct request *rq)
{
	memcpy(rq->text, rq->addr, LEN);
	return 0;
}

static int act_device_read(struct request *rq)
{
	struct sva_as as = as_bond(rq);

	return sva_read(&as, rq->addr, rq->text, LEN);
}

static int act_device_write(struct request *rq)
{
	struct sva_as as = as_bond(rq);

	return sva_write(&as, rq->addr, rq->text, LEN);
}

/* Allocate pages until one of them is the physical page @pfn. */
static int act_take_frame(struct request *rq)
{
	size_t size = sva_page_size(), i;
	char *arena = sva_pages(NR_SEARCH);

	for (i = 0; i < NR_SEARCH; i++) {
		arena[i * size] = 1;
		if (sva_pfn(arena + i * size) == rq->pfn) {
			rq->addr = arena + i * size;
			return 0;
		}
	}
	munmap(arena, NR_SEARCH * size);
	return -ENOENT;
}

/* Serve requests until there is one to exit. */
static __noreturn void live(struct process *p)
{
	char c;
	int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0; i < nr_used; i++)
		if (sva_open(&devs[i], i))
			_exit(1);
	if (*stalling && sva_open_path(&devs[2], stalling))
		_exit(1);
	while (read(p->to, &c, 1) == 1 && p->rq->act) {
		p->rq->ret = p->rq->act(p->rq);
		if (write(p->from, &c, 1) != 1)
			break;
	}
	/* Exiting ends the bond, an unbind is not needed. */
	_exit(0);
}

static struct process *begin(const char *name)
{
	struct process *p = calloc(1, sizeof(*p));
	int to[2], from[2];

	p->name = name;
	p->rq = mmap(NULL, sizeof(*p->rq), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p->rq == MAP_FAILED ||
	    pipe(to) || pipe(from))
		give_up("process %s: %s", name, strerror(errno));
	p->pid = fork();
	if (p->pid < 0)
		give_up("process %s: %s", name, strerror(errno));
	p->to = to[!!p->pid];
	p->from = from[!p->pid];
	close(to[!p->pid]);
	close(from[!!p->pid]);
	if (!p->pid)
		live(p);
	return p;
}

static void finish(struct process *p)
{
	char c = 0;

	p->rq->act = NULL;
	if (write(p->to, &c, 1) != 1 || waitpid(p->pid, NULL, 0) != p->pid)
		give_up("process %s does not end", p->name);
}

/* Let @p carry out @rq. The result is in @rq and is returned. */
static int ask(struct process *p, int (*act)(struct request *rq),
	       struct request *rq)
{
	char c = 0;

	rq->act = act;
	*p->rq = *rq;
	if (write(p->to, &c, 1) != 1 || read(p->from, &c, 1) != 1)
		give_up("process %s is gone", p->name);
	*rq = *p->rq;
	return rq->ret;
}

/* The same for a request that must succeed for the story to go on */
static void must(struct process *p, int (*act)(struct request *rq),
		 struct request *rq, const char *what)
{
	int ret = ask(p, act, rq);

	if (ret)
		give_up("process %s: %s: %s", p->name, what,
			ret < 0 ? strerror(-ret) : sva_cause(ret));
}

static void ask_text(struct process *p, int (*act)(struct request *rq),
		     struct request *rq, const char *text)
{
	memset(rq->text, 0, LEN);
	strncpy(rq->text, text, LEN - 1);
	ask(p, act, rq);
}

static void put(struct process *p, struct request *rq, const char *text)
{
	ask_text(p, act_store, rq, text);
}

/* What the CPU reads there */
static const char *get(struct process *p, struct request *rq)
{
	ask(p, act_load, rq);
	return rq->text;
}

/*
 * Make a request that must be refused. The device's buffer holds the text
 * before it.
 */
static bool read_refused(struct process *p, struct request *rq)
{
	ask_text(p, act_device_read, rq, "nothing");
	return is_refused(rq->ret) && same(rq->text, "nothing");
}

/* The acts */

static struct process *A, *B;
static struct request a, a_old, b;	/* their bonds */

static const char *driver_of_iommu(char *name, size_t len)
{
	char path[128], link[256];
	ssize_t n;

	sva_sysfs(&devs[0], "iommu", path, sizeof(path));
	n = readlink(path, link, sizeof(link) - 1);
	if (n < 0)
		give_up("%s has no IOMMU: %s", sva_path(0), strerror(errno));
	link[n] = '\0';
	snprintf(name, len, "%s", strrchr(link, '/') + 1);
	if (!strncmp(name, "dmar", 4))
		return "Intel VT-d";
	return strncmp(name, "smmu3", 5) ? "an IOMMU" : "Arm SMMUv3";
}

/* A device whose accesses the SMMU can stall, if there is one */
static void find_stalling(void)
{
	int nr;

	for (nr = 0; nr < 8; nr++) {
		snprintf(stalling, sizeof(stalling), "/dev/sva-test%d", nr);
		if (sva_open_path(&devs[2], stalling))
			continue;
		if (!sva_info(&devs[2], &infos[2]) &&
		    infos[2].on & SVA_TEST_STALL_ON &&
		    infos[2].max_pasids > 2)
			return;
		sva_close(&devs[2]);
	}
	*stalling = '\0';
}

static void open_devices(void)
{
	int i, ret;

	for (i = 0; i < 2; i++) {
		ret = sva_open(&devs[i], i);
		if (!ret)
			ret = sva_info(&devs[i], &infos[i]);
		if (ret)
			give_up("%s: %s", sva_path(i), strerror(-ret));
	}
}

static void show_machine(void)
{
	char iommu[64];
	struct utsname uts;
	const char *kind;

	uname(&uts);
	kind = driver_of_iommu(iommu, sizeof(iommu));
	printf("%s (%s), Linux %s, %s\n", kind, iommu, uts.release,
	       uts.machine);
	tell("devices", infos[0].on & SVA_TEST_PASID_ON &&
	     infos[0].on == infos[1].on &&
	     infos[0].max_pasids == infos[1].max_pasids,
	     "%s, %s: %u PASIDs each, ATS %s, PRI %s",
	     infos[0].name, infos[1].name, infos[0].max_pasids,
	     infos[0].on & SVA_TEST_ATS_ON ? "on" : "off",
	     infos[0].on & SVA_TEST_PRI_ON ? "on" : "off");
}

static struct request request_of(int dev)
{
	return (struct request) {
		.dev = dev,
		.mode = infos[dev].on & SVA_TEST_ATS_ON ?
			SVA_TEST_MODE_ATS : SVA_TEST_MODE_UNTRANSLATED,
	};
}

/* Bind to PASID 128 + @nr of the device, or to less if it has fewer PASIDs. */
static struct request private_request(int dev, uint32_t nr)
{
	struct request rq = request_of(dev);

	rq.flags = SVA_TEST_BIND_PRIVATE;
	rq.pasid = infos[dev].max_pasids / 2 + nr;
	return rq;
}

static uint32_t enqcmd_pasid(struct process *p)
{
	struct request rq = request_of(0);

	must(p, act_enqcmd_pasid, &rq, "PASID for ENQCMD");
	return rq.pasid;
}

/* Both kinds of bind. ENQCMD may only use the PASID of the old one. */
static void show_bind(void)
{
	uint32_t enqcmd[3];

	a = private_request(0, 0);
	a_old = request_of(0);
	b = private_request(1, 0);

	enqcmd[0] = enqcmd_pasid(A);
	must(A, act_bind, &a, "bind to a PASID of the driver's");
	enqcmd[1] = enqcmd_pasid(A);
	tell("bind", a.pasid && a.pasid < infos[0].max_pasids,
	     "process A on %s: PASID %u, chosen by the driver",
	     dev_name(0), a.pasid);
	must(B, act_bind, &b, "bind to a PASID of the driver's");
	tell("bind", b.pasid == a.pasid,
	     "process B on %s: PASID %u, same number, other device",
	     dev_name(1), b.pasid);
	must(A, act_bind, &a_old, "iommu_sva_bind_device()");
	enqcmd[2] = enqcmd_pasid(A);
	tell("bind", a_old.pasid && a_old.pasid != a.pasid,
	     "process A on %s: PASID %u as well, from the old call",
	     dev_name(0), a_old.pasid);
	tell("ENQCMD", enqcmd[0] == SVA_NO_PASID && enqcmd[1] == SVA_NO_PASID &&
	     enqcmd[2] == a_old.pasid,
	     "A's PASID for it: %s; after binding %u: %s; after binding %u: %s",
	     pasid_name(enqcmd[0]), a.pasid, pasid_name(enqcmd[1]),
	     a_old.pasid, pasid_name(enqcmd[2]));
}

/* The device reads the memory of @p at ADDRESS, and writes to it. */
static void both_ways(const char *act, struct process *p, struct request *rq,
		      const char *memory, const char *written)
{
	char seen[LEN], found[LEN];
	int ret;

	rq->addr = ADDRESS;
	put(p, rq, memory);
	ask_text(p, act_device_read, rq, "nothing");
	ret = rq->ret;
	memcpy(seen, rq->text, LEN);
	ask_text(p, act_device_write, rq, written);
	ret = ret ?: rq->ret;
	memcpy(found, get(p, rq), LEN);
	tell(act, !ret && same(seen, memory) && same(found, written),
	     "%s at %p: reads %s, %s gets %s", dev_name(rq->dev), rq->addr,
	     quoted(seen), p->name, quoted(found));
}

static int forge(int dev, uint32_t pasid, void *addr, char *text)
{
	struct request rq = request_of(dev);
	struct sva_as as = {
		.sva = &devs[dev],
		.as = SVA_TEST_AS_PASID,
		.pasid = pasid,
		.mode = rq.mode,
	};

	return sva_read(&as, addr, text, LEN);
}

static void show_dma(void)
{
	struct request old = a_old;
	char text[LEN] = "nothing";
	int ret;

	a.addr = ADDRESS;
	b.addr = ADDRESS;
	must(A, act_map, &a, "mmap");
	must(B, act_map, &b, "mmap");
	both_ways("DMA", A, &a, "A's memory", "hello A");
	both_ways("DMA", B, &b, "B's memory", "hello B");

	old.addr = ADDRESS;
	ask_text(A, act_device_read, &old, "nothing");
	tell("DMA", !old.ret && same(old.text, "hello A"),
	     "%s with PASID %u: reads %s, too", dev_name(0), old.pasid,
	     quoted(old.text));
	ret = forge(1, a_old.pasid, ADDRESS, text);
	tell("DMA", is_refused(ret) && same(text, "nothing"),
	     "%s with PASID %u, not bound on it: %s", dev_name(1),
	     a_old.pasid, ret ? sva_cause(ret) : quoted(text));
}

/* Without page requests a device cannot reach memory that has no page yet. */
static void show_refused_page(struct request *rq)
{
	int ret;

	ask_text(A, act_device_write, rq, "paged in");
	ret = rq->ret;
	ask(A, act_pfn, rq);
	tell("page in", is_refused(ret) && !rq->pfn, "untouched %p: %s, %s",
	     rq->addr, sva_cause(ret), rq->pfn ? "but a page came" :
	     "and no page came");
}

static void show_requested_page(struct request *rq)
{
	struct sva_test_counters old, new;
	int ret;

	rq->mode |= SVA_TEST_PAGE_REQUEST;
	sva_counters(&devs[0], rq->pasid, &old);
	ask_text(A, act_device_write, rq, "paged in");
	ret = rq->ret;
	sva_counters(&devs[0], rq->pasid, &new);
	new.page_requests -= old.page_requests;
	new.page_responses -= old.page_responses;
	new.page_failures -= old.page_failures;
	get(A, rq);
	tell("page in", !ret && new.page_requests && !new.page_failures &&
	     new.page_responses == new.page_requests &&
	     same(rq->text, "paged in"),
	     "untouched %p: page requests %llu, answered %llu: %s", rq->addr,
	     (unsigned long long)new.page_requests,
	     (unsigned long long)new.page_responses, quoted(rq->text));
}

/* The SMMU holds the access until the kernel has brought the page */
static void show_stalled_page(void)
{
	struct sva_test_counters cnt;
	struct request rq = private_request(2, 0);
	int ret;

	must(A, act_bind, &rq, "bind to a PASID of the driver's");
	must(A, act_map, &rq, "mmap");
	ask(A, act_pfn, &rq);
	if (rq.pfn)
		give_up("new memory has a page already");
	ask_text(A, act_device_write, &rq, "paged in");
	ret = rq.ret;
	sva_counters(&devs[2], rq.pasid, &cnt);
	get(A, &rq);
	tell("page in", !ret && cnt.stalls == 1 && !cnt.refused &&
	     same(rq.text, "paged in"),
	     "%s, untouched %p: stalls %llu: %s", strrchr(stalling, '/') + 1,
	     rq.addr, (unsigned long long)cnt.stalls, quoted(rq.text));
}

static void show_page_in(void)
{
	struct request rq = a;

	rq.addr = NULL;
	must(A, act_map, &rq, "mmap");
	ask(A, act_pfn, &rq);
	if (rq.pfn)
		give_up("new memory has a page already");
	if (infos[0].on & SVA_TEST_PRI_ON)
		show_requested_page(&rq);
	else
		show_refused_page(&rq);
	if (*stalling)
		show_stalled_page();
}

/* A page of A that the device has used goes to B. */
static bool hand_over(struct request *rq, struct request *next)
{
	int ret;

	rq->addr = NULL;
	must(A, act_map, rq, "mmap");
	put(A, rq, "A's secret");
	ask(A, act_pfn, rq);
	/* Also write to it, so that the device caches a writable translation */
	ask_text(A, act_device_write, rq, "A's secret");
	ret = rq->ret;
	ask_text(A, act_device_read, rq, "nothing");
	ret = ret ?: rq->ret;
	next->pfn = rq->pfn;
	must(A, act_unmap, rq, "munmap");
	rq->ret = ret;
	return rq->pfn && !ask(B, act_take_frame, next);
}

/* The device can neither read nor change what B has there. */
static void show_out_of_reach(struct request *rq, struct request *next)
{
	bool denied, kept;

	denied = read_refused(A, rq);
	if (denied) {
		ask_text(A, act_device_write, rq, "overwritten");
		denied = is_refused(rq->ret);
		tell("munmap", denied, "%s retries %p: %s", dev_name(0),
		     rq->addr, sva_cause(rq->ret));
	} else {
		tell("munmap", false, "%s reads %p, freed frame %#llx: %s",
		     dev_name(0), rq->addr, (unsigned long long)rq->pfn,
		     quoted(rq->text));
		ask_text(A, act_device_write, rq, "overwritten");
	}
	get(B, next);
	kept = same(next->text, "B's secret");
	tell("munmap", kept, "B's page in frame %#llx %s: %s",
	     (unsigned long long)next->pfn,
	     kept ? "is as it was" : "was written to", quoted(next->text));
}

static void show_munmap(bool stale)
{
	struct sva_test_knobs knobs = { .set = 1 };
	struct request rq = a, next = b;
	int tries = NR_TRIES;
	bool came;

	if (stale) {
		knobs.knobs = infos[0].on & SVA_TEST_ATS_ON ?
			SVA_TEST_KNOB_STALE_ATC : SVA_TEST_KNOB_STALE_IOTLB;
		if (sva_set_knobs(&devs[0], knobs.knobs))
			give_up("%s has no such knob", dev_name(0));
	}
	do {
		came = hand_over(&rq, &next);
	} while (!came && --tries);
	if (!came)
		give_up("munmap: the freed page did not come again");

	tell("munmap", !rq.ret && same(rq.text, "A's secret"),
	     "%s reads %p: %s in frame %#llx", dev_name(0), rq.addr,
	     quoted(rq.text), (unsigned long long)rq.pfn);
	put(B, &next, "B's secret");
	ask(B, act_pfn, &next);
	get(B, &next);
	tell("munmap", next.pfn == rq.pfn && same(next.text, "B's secret"),
	     "A unmaps it, frame %#llx goes to B: %s",
	     (unsigned long long)next.pfn, quoted(next.text));
	show_out_of_reach(&rq, &next);
	/* A reset ends the misbehavior of the device. Bonds stay. */
	if (sva_reset(&devs[0]))
		give_up("%s cannot be reset", dev_name(0));
}

/*
 * The device asks for a page of A while the bond is being ended. The request is
 * answered, but not for B, which has the PASID next and has memory at that
 * address.
 */
static void show_unbind(void)
{
	const bool stalls = *stalling;
	struct request rq = private_request(stalls ? 2 : 0, 1);
	struct sva *sva = &devs[rq.dev];
	struct sva_as as = { .sva = sva, .as = SVA_TEST_AS_PASID };
	struct sva_test_counters cnt;
	struct sva_test_op op;
	struct request next;
	int cause;

	rq.addr = ADDRESS + 16 * sva_page_size();
	next = rq;
	must(A, act_bind, &rq, "bind to a PASID of the driver's");
	must(A, act_map, &rq, "mmap");
	/* Let the IOMMU cache the entry of the PASID. */
	next.bond = rq.bond;
	next.addr = ADDRESS;
	must(A, act_device_read, &next, "DMA");
	next.addr = rq.addr;
	as.pasid = rq.pasid;
	as.mode = rq.mode;
	op = sva_op(&as, stalls ? SVA_TEST_OP_FILL : SVA_TEST_OP_FLOOD, rq.addr,
		    sva_page_size());
	op.mode |= (stalls ? SVA_TEST_TRIGGER_PASID_EARLY :
		    SVA_TEST_TRIGGER_DRAIN) << SVA_TEST_TRIGGER_SHIFT;
	if (sva_counters_clear(sva) || sva_submit(sva, &op))
		give_up("%s cannot wait for an unbind", infos[rq.dev].name);
	must(A, act_unbind, &rq, "unbind");
	must(B, act_bind, &next, "bind to a PASID of the driver's");
	must(B, act_map, &next, "mmap");
	cause = sva_wait(sva, &op);
	sva_counters(sva, rq.pasid, &cnt);
	ask(B, act_pfn, &next);
	tell("unbind", next.pasid == rq.pasid && !next.pfn &&
	     (stalls ? cnt.stalls == 1 && cnt.refused == 1 && cause :
	      cnt.page_requests == 1 && cnt.page_responses == 1),
	     "A ends %u, amid it %s %llu, answered %llu; B gets %u, %s page",
	     rq.pasid, stalls ? "stalls" : "page requests",
	     (unsigned long long)(cnt.stalls + cnt.page_requests),
	     (unsigned long long)(cnt.refused + cnt.page_responses),
	     next.pasid, next.pfn ? "a" : "no");
}

/* When A has exited its PASID is free, and its memory is out of reach. */
static void show_exit(void)
{
	char text[LEN] = "nothing";
	struct request c = private_request(0, 0);
	struct process *C;
	int ret;

	finish(A);
	ret = forge(0, a.pasid, ADDRESS, text);
	C = begin("C");
	must(C, act_bind, &c, "bind to a PASID of the driver's");
	tell("exit", is_refused(ret) && same(text, "nothing") &&
	     c.pasid == a.pasid,
	     "A exits: PASID %u %s; process C binds: PASID %u at once", a.pasid,
	     is_refused(ret) ? "refused" : quoted(text), c.pasid);
	c.addr = ADDRESS;
	must(C, act_map, &c, "mmap");
	both_ways("exit", C, &c, "C's memory", "hello C");
	ask_text(B, act_device_read, &b, "nothing");
	tell("exit", !b.ret && same(b.text, "hello B"),
	     "%s with PASID %u: still reads %s", dev_name(1), b.pasid,
	     quoted(b.text));
	finish(C);
	finish(B);
}

/* Give the device to @driver, and wait until it has it. */
static void change_driver(int dev, const char *driver)
{
	const char *name = infos[dev].name;
	int i, ret = -ENOENT;

	sva_close(&devs[dev]);
	pci_write(name, "driver/unbind", name);
	pci_write(name, "driver_override", driver);
	sva_write_file("/sys/bus/pci/drivers_probe", name);
	for (i = 0; i < 1000 && ret; i++) {
		usleep(1000);
		ret = sva_open(&devs[dev], dev);
	}
	if (ret)
		give_up("%s: no driver: %s", name, strerror(-ret));
}

/* The reason that debugfs gives for the state of ATS */
static const char *ats_reason(const char *name)
{
	static char reason[32];
	char line[256];
	FILE *f;

	snprintf(line, sizeof(line), "/sys/kernel/debug/iommu-sva/pci:%s", name);
	f = fopen(line, "re");
	strcpy(reason, "?");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "ATS %*s %31[A-Z]", reason);
	if (f)
		fclose(f);
	return reason;
}

/*
 * Write to physical memory by a request that claims to be translated already.
 * There may be no interrupt at its end, which would be a request as well.
 */
static int write_translated(int dev, uint64_t addr, const char *text)
{
	struct sva_as as = {
		.sva = &devs[dev],
		.as = SVA_TEST_AS_RID,
		.mode = SVA_TEST_MODE_TRANSLATED,
	};
	struct sva_test_op op = sva_op(&as, SVA_TEST_OP_WRITE,
				       (void *)(uintptr_t)addr, LEN);
	char buf[LEN] = "";
	int i;

	strncpy(buf, text, LEN - 1);
	op.buf = (uintptr_t)buf;
	op.buf_len = LEN;
	if (sva_submit(as.sva, &op))
		give_up("%s takes no commands", dev_name(dev));
	for (i = 0; i < 1000 && !sva_peek(as.sva, &op) &&
	     (op.state & SVA_TEST_STATE) == SVA_TEST_BUSY; i++)
		usleep(1000);
	sva_abort(as.sva, &op);
	return sva_wait(as.sva, &op);
}

/*
 * The driver of this device has taken its DMA, as VFIO does, and attaches nothing.
 * The device lies to reach the memory of a process that never heard of it.
 */
static void show_no_user(bool ats_on)
{
	const char *name = infos[1].name;
	struct sva_test_bind empty = {};
	struct request rq = { .dev = 0 };
	struct process *D;
	bool on, kept;
	int ret;

	change_driver(1, "sva-test-owner");
	D = begin("D");
	must(D, act_map, &rq, "mmap");
	put(D, &rq, "D's secret");
	must(D, act_pfn, &rq, "frame");
	/* An address space in which nothing is mapped */
	if (ats_on && sva_ioctl(&devs[1], SVA_TEST_IOC_ATTACH_PAGING, &empty))
		give_up("%s: no address space", dev_name(1));
	on = ats_enabled(name);
	tell("no user", !on && !strcmp(ats_reason(name), "BLOCKED"),
	     "%s, nothing attached to it: ATS %s, because %s", dev_name(1),
	     on ? "on" : "off", ats_reason(name));
	ret = write_translated(1, rq.pfn * sva_page_size(), "overwritten");
	tell("no user", is_refused(ret),
	     "%s writes to frame %#llx as translated: %s", dev_name(1),
	     (unsigned long long)rq.pfn, ret ? sva_cause(ret) : "written");
	get(D, &rq);
	kept = same(rq.text, "D's secret");
	tell("no user", kept, "D's page in frame %#llx %s: %s",
	     (unsigned long long)rq.pfn,
	     kept ? "is as it was" : "was written to", quoted(rq.text));
	finish(D);
	change_driver(1, "\n");
}

/* A device with one PASID, if there is one */
static bool find_lone(struct sva *sva)
{
	struct sva_test_info info;
	char path[32];
	int nr;

	for (nr = 0; nr < 8; nr++) {
		snprintf(path, sizeof(path), "/dev/sva-test%d", nr);
		if (sva_open_path(sva, path))
			continue;
		if (!sva_info(sva, &info) && info.max_pasids == 2)
			return true;
		sva_close(sva);
	}
	return false;
}

/* Let the device fill a page with a value that only this process uses. */
static __noreturn void use_lone(const char *path, uint32_t flags)
{
	/*
	 * A private bond is on a number of its own device, not of the global
	 * space.
	 */
	struct sva_test_bind arg = { .flags = flags, .pasid = !!flags };
	uint8_t byte = getpid(), *mem = sva_pages(1);
	struct sva sva;
	struct sva_as as = { .sva = &sva };

	memset(mem, ~byte, LEN);
	if (sva_open_path(&sva, path) ||
	    sva_ioctl(&sva, SVA_TEST_IOC_BIND, &arg))
		_exit(1);
	as.bond = arg.bond;
	_exit(arg.pasid != 1 || sva_fill(&as, mem, byte, LEN) ||
	      !sva_is_byte(mem, LEN, byte));
}

/* Count how many of @nr processes can use the device, one after the other. */
static int lone_serves(const char *path, uint32_t flags, int nr)
{
	int status, served = 0;
	pid_t pid;

	while (nr--) {
		pid = fork();
		if (!pid)
			use_lone(path, flags);
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			give_up("fork: %s", strerror(errno));
		served += !status;
	}
	return served;
}

/* Others hold all global PASIDs, and the device has a single PASID. */
static void show_one_ssid(void)
{
	const int nr = 100;
	struct sva_test_bind arg;
	const char *name;
	struct sva lone;
	int ret, served;

	if (!find_lone(&lone))
		return;
	name = strrchr(lone.path, '/') + 1;
	do {
		arg = (struct sva_test_bind) {};
		ret = sva_ioctl(&devs[0], SVA_TEST_IOC_ATTACH_DMA, &arg);
	} while (!ret);
	served = lone_serves(lone.path, 0, nr);
	tell("1 SSID", ret == -ENOSPC && !served,
	     "%s: others hold all %u PASIDs, old call serves %d of %d", name,
	     infos[0].max_pasids - 1, served, nr);
	served = lone_serves(lone.path, SVA_TEST_BIND_PRIVATE, nr);
	tell("1 SSID", served == nr,
	     "%s: its driver's own PASID 1 serves %d of %d in turn", name,
	     served, nr);
	sva_close(&lone);
}

/*
 * The device writes to the page of @p meanwhile. Do its writes @arrive? Compare
 * that with what the kernel says of its group.
 */
static void show_writes(const char *when, struct test_regs *regs,
			struct process *p, struct request *page, bool arrive)
{
	const char *text = "E's secret", *state = arrive ? "driver" : "blocked";
	uint64_t arrived, refused;
	char said[64];
	int i;

	put(p, page, text);
	set_reg(regs, SVA_TEST_CNT_CLEAR, 1);
	for (i = 0; i < 5000 && counter(regs, SVA_TEST_CNT_ATTEMPTS) < 20; i++)
		usleep(1000);
	arrived = counter(regs, SVA_TEST_CNT_ANSWERED);
	refused = counter(regs, SVA_TEST_CNT_REFUSED);
	get(p, page);
	pci_read(infos[1].name, "iommu_group/dma_state", said, sizeof(said));
	tell("driver", !strcmp(said, state) && arrived + refused > 10 &&
	     same(page->text, arrive ? "!!!!!!!!!!" : text) &&
	     !(arrive ? refused : arrived),
	     "%s: dma_state %s, %llu of %llu writes arrive: %s", when, said,
	     (unsigned long long)arrived,
	     (unsigned long long)(arrived + refused), quoted(page->text));
}

/* The device is removed and found again, and nobody binds a driver to it. */
static void find_anew(const char *name, struct test_regs *regs, char *type,
		      size_t len)
{
	int ret;

	sva_close(&devs[1]);
	sva_write_file("/sys/bus/pci/drivers_autoprobe", "0");
	pci_write(name, "remove", "1");
	sva_write_file("/sys/bus/pci/rescan", "1");
	sva_write_file("/sys/bus/pci/drivers_autoprobe", "1");
	pci_write(name, "iommu_group/type", "identity");
	pci_read(name, "iommu_group/type", type, len);
	pci_write(name, "enable", "1");
	ret = map_registers(regs, name);
	if (ret)
		give_up("%s: no registers: %s", name, strerror(-ret));
}

/*
 * A device whose DMA is not translated writes to the memory of a process by
 * itself, with and without a driver, and has never been told to.
 */
static void show_driver(void)
{
	const char *name = infos[1].name;
	struct request rq = { .dev = 0 };
	struct test_regs regs = {
		/* One that the driver leaves alone */
		.channel = SVA_TEST_NR_CHANNELS - 1,
		.select = SVA_TEST_CNT_TOTAL,
	};
	struct process *E;
	char type[16];
	uint64_t addr;

	nr_used = 0;
	E = begin("E");
	must(E, act_map, &rq, "mmap");
	put(E, &rq, "E's secret");
	must(E, act_pfn, &rq, "frame");
	addr = rq.pfn * sva_page_size();

	find_anew(name, &regs, type, sizeof(type));
	run_free(&regs, addr, 10, '!', SVA_TEST_MODE_UNTRANSLATED);
	tell("driver", !strcmp(type, "identity"),
	     "%s, %s, writes to E's frame %#llx without end", name, type,
	     (unsigned long long)rq.pfn);
	show_writes("no driver", &regs, E, &rq, false);
	/* The driver enables the device by itself. */
	pci_write(name, "enable", "0");
	change_driver(1, "sva-test");
	/* It has reset the device, too. */
	run_free(&regs, addr, 10, '!', SVA_TEST_MODE_UNTRANSLATED);
	show_writes("bound", &regs, E, &rq, true);
	sva_close(&devs[1]);
	pci_write(name, "driver/unbind", name);
	pci_write(name, "enable", "1");
	show_writes("unbound", &regs, E, &rq, false);
	finish(E);
}

int main(int argc, char **argv)
{
	bool stale = argc == 2 && !strcmp(argv[1], "stale-tlb");
	bool ats_on = argc == 2 && !strcmp(argv[1], "ats-on");
	bool driver = argc == 2 && !strcmp(argv[1], "driver");

	if (argc > 1 && !stale && !ats_on && !driver) {
		fprintf(stderr, "usage: %s [stale-tlb | ats-on | driver]\n",
			argv[0]);
		return 2;
	}
	/* A process that has exited is reported like other errors. */
	signal(SIGPIPE, SIG_IGN);
	/* A freed page goes to the next allocation on the same CPU. */
	sva_stay_on_this_cpu();
	open_devices();
	if (driver) {
		show_driver();
	} else {
		show_machine();
		find_stalling();
		A = begin("A");
		B = begin("B");
		show_bind();
		show_dma();
		show_page_in();
		show_munmap(stale);
		show_unbind();
		show_exit();
		show_no_user(ats_on);
		show_one_ssid();
	}
	/* Make clear that the story is not complete. */
	printf("%d lines, %d failed\n", told, failed);
	return !!failed;
}
