// SPDX-License-Identifier: GPL-2.0-only
/*
 * sva: the SVA test device from the command line
 */
#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest.h"
#include "sva_lib.h"

static struct {
	const char *device;
	struct sva_as as;
	bool pasid, rid, private, addr_given;
	uint32_t number;	/* of --private */
	uint64_t addr, to;
	size_t len;
	struct sva sva;
} opt = { .len = 64 };

static __noreturn __printf(1, 2) void die(const char *fmt, ...)
{
	va_list ap;

	fputs("sva: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static void check(int ret, const char *what)
{
	if (ret < 0)
		die("%s: %s", what, strerror(-ret));
}

static uint64_t parse(const char *text, const char *what)
{
	uint64_t n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-')
		die("%s: not a number: '%s'", what, text);
	return n;
}

static void open_device(void)
{
	int ret = sva_open_path(&opt.sva, opt.device ?: sva_path(0));

	if (ret == -ENOENT)
		die("%s: no such device (is the driver loaded, has the machine an sva-test?)",
		    opt.sva.path);
	check(ret, opt.sva.path);
	opt.as.sva = &opt.sva;
}

/* Requests are made in the name of this process unless an option says else */
static void bind_self(void)
{
	if (opt.pasid || opt.rid)
		return;
	opt.as.pasid = opt.number;
	if (opt.private)
		check(sva_bind_private(&opt.sva, &opt.as.bond, &opt.as.pasid),
		      "bind");
	else
		check(sva_bind(&opt.sva, &opt.as.bond, &opt.as.pasid), "bind");
	opt.as.as = SVA_TEST_AS_BOND;
}

/* The address of requests: --addr, or memory of this process */
static void *target(void)
{
	void *p;

	if (opt.addr_given)
		return (void *)(uintptr_t)opt.addr;
	if (opt.pasid || opt.rid)
		die("--pasid and --rid need --addr");
	p = sva_pages(opt.len / sva_page_size() + 1);
	/* Present, unless the device is to ask for it */
	if (!(opt.as.mode & SVA_TEST_PAGE_REQUEST))
		memset(p, 0, opt.len ?: 1);
	return p;
}

static void dump(const void *data, size_t len)
{
	const uint8_t *p = data;
	size_t i;

	for (i = 0; i < len; i++)
		printf("%02x%s", p[i], i % 16 == 15 || i + 1 == len ? "\n" : " ");
}

/* Exit status 0: done, 2: refused. The result is printed in both cases. */
static int report(const char *what, const void *addr, int ret)
{
	check(ret, what);
	printf("%s %p, %zu bytes", what, addr, opt.len);
	if (opt.as.as == SVA_TEST_AS_RID)
		printf(", no PASID");
	else
		printf(", PASID %u", opt.as.pasid);
	printf(": %s\n", sva_cause(ret));
	return ret ? 2 : 0;
}

static int cmd_info(int argc, char **argv)
{
	struct sva_test_info info;
	uint32_t bits;

	(void)argc;
	(void)argv;
	check(sva_info(&opt.sva, &info), "info");
	bits = info.caps & SVA_TEST_CAPS_PASID_BITS;
	printf("device       %s\n", info.name);
	printf("capabilities %u-bit PASID%s%s%s\n", bits,
	       info.caps & SVA_TEST_CAPS_ATS ? ", ATS" : "",
	       info.caps & SVA_TEST_CAPS_PRI ? ", PRI" : "",
	       info.caps & SVA_TEST_CAPS_STALL ? ", stall" : "");
	printf("enabled now  %s%s%s%s%s\n", info.on ? "" : "nothing",
	       info.on & SVA_TEST_PASID_ON ? "PASID " : "",
	       info.on & SVA_TEST_ATS_ON ? "ATS " : "",
	       info.on & SVA_TEST_PRI_ON ? "PRI" : "",
	       info.on & SVA_TEST_STALL_ON ? "stall" : "");
	printf("PASIDs       0 to %d\n", (int)info.max_pasids - 1);
	printf("DMA API      domain type %#x\n", info.domain);
	printf("interrupts   %llu\n", (unsigned long long)info.interrupts);
	return 0;
}

static int cmd_bind(int argc, char **argv)
{
	struct sva_test_info info;
	char *mem = target();
	char line[8];

	(void)argc;
	(void)argv;
	bind_self();
	check(sva_info(&opt.sva, &info), "info");
	sva_pattern(mem, opt.len, getpid());
	printf("pid %d has PASID %u, ENQCMD PASID %d, %zu bytes at %p:\n",
	       getpid(), opt.as.pasid, (int)info.enqcmd_pasid, opt.len, mem);
	dump(mem, opt.len);
	printf("until end of input (^D)\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		;
	printf("they are now:\n");
	dump(mem, opt.len);
	return 0;
}

static int cmd_read(int argc, char **argv)
{
	void *addr, *buf = calloc(1, opt.len ?: 1);
	int ret;

	if (argc > 1)
		opt.len = strlen(argv[1]);
	addr = target();
	if (argc > 1)
		memcpy(addr, argv[1], opt.len);
	bind_self();
	buf = realloc(buf, opt.len ?: 1);
	if (!buf)
		die("no memory");
	ret = report("read", addr, sva_read(&opt.as, addr, buf, opt.len));
	if (!ret)
		dump(buf, opt.len);
	return ret;
}

static int cmd_write(int argc, char **argv)
{
	void *addr;
	int ret;

	if (argc < 2)
		die("write: what? (sva write <text>)");
	opt.len = strlen(argv[1]);
	addr = target();
	bind_self();
	ret = report("write", addr,
		     sva_write(&opt.as, addr, argv[1], opt.len));
	if (!ret && !opt.addr_given)
		dump(addr, opt.len);
	return ret;
}

static int cmd_fill(int argc, char **argv)
{
	uint64_t byte = parse(argc > 1 ? argv[1] : "0", "fill");
	void *addr = target();
	int ret;

	if (byte > 255)
		die("fill: %s is not a byte", argv[1]);
	bind_self();
	ret = report("fill", addr, sva_fill(&opt.as, addr, byte, opt.len));
	if (!ret && !opt.addr_given)
		dump(addr, opt.len);
	return ret;
}

static int cmd_copy(int argc, char **argv)
{
	void *from, *to = (void *)(uintptr_t)opt.to;
	int ret;

	if (argc > 1)
		opt.len = strlen(argv[1]);
	from = target();
	if (argc > 1)
		memcpy(from, argv[1], opt.len);
	if (!to)
		to = target();
	bind_self();
	ret = report("copy", from, sva_copy(&opt.as, to, from, opt.len));
	if (!ret && !opt.to)
		dump(to, opt.len);
	return ret;
}

static int cmd_cas(int argc, char **argv)
{
	uint64_t compare, data, old, *addr;
	int ret;

	if (argc < 3)
		die("cas: of what? (sva cas <compare> <new>)");
	compare = parse(argv[1], "cas");
	data = parse(argv[2], "cas");
	opt.len = sizeof(data);
	addr = target();
	bind_self();
	ret = report("cas", addr, sva_cas(&opt.as, addr, compare, data, &old));
	if (!ret)
		printf("found %#llx\n", (unsigned long long)old);
	return ret;
}

static int cmd_counters(int argc, char **argv)
{
	uint32_t select = opt.rid ? SVA_TEST_CNT_NO_PASID :
			  opt.pasid ? opt.as.pasid : SVA_TEST_CNT_TOTAL;
	struct sva_test_counters c;

	if (argc > 1 && strcmp(argv[1], "clear"))
		die("counters: '%s'? (clear, or nothing)", argv[1]);
	if (argc > 1) {
		check(sva_counters_clear(&opt.sva), "counters");
		return 0;
	}
	check(sva_counters(&opt.sva, select, &c), "counters");
#define SHOW(name) \
	printf("%-15s %llu\n", #name, (unsigned long long)c.name)
	SHOW(attempts);
	SHOW(answered);
	SHOW(refused);
	SHOW(bytes_read);
	SHOW(bytes_written);
	SHOW(ats_requests);
	SHOW(ats_denied);
	SHOW(atc_hits);
	SHOW(invalidations);
	SHOW(page_requests);
	SHOW(page_responses);
	SHOW(page_failures);
	SHOW(stalls);
	return 0;
}

static const struct name {
	const char *name;
	uint64_t value;
} knobs[] = {
	{ "stale-atc", SVA_TEST_KNOB_STALE_ATC },
	{ "stale-iotlb", SVA_TEST_KNOB_STALE_IOTLB },
	{ "hold", SVA_TEST_KNOB_HOLD },
	{ "free-run", SVA_TEST_KNOB_FREE_RUN },
}, triggers[] = {
	{ "atc", SVA_TEST_TRIGGER_ATC },
	{ "iotlb", SVA_TEST_TRIGGER_IOTLB },
	{ "response", SVA_TEST_TRIGGER_RESPONSE },
	{ "device", SVA_TEST_TRIGGER_DEVICE },
	{ "pasid", SVA_TEST_TRIGGER_PASID },
	{ "sync", SVA_TEST_TRIGGER_SYNC },
	{ "drain", SVA_TEST_TRIGGER_DRAIN },
};

static uint64_t parse_name(const char *text, const struct name *names,
			   size_t nr, const char *what)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (!strcmp(text, names[i].name))
			return names[i].value;
	return parse(text, what);
}

static int cmd_knobs(int argc, char **argv)
{
	struct sva_test_knobs arg = {};
	size_t i;
	int n;

	for (n = 1; n < argc; n++) {
		arg.set = 1;
		if (!strncmp(argv[n], "delay=", 6))
			arg.delay_us = parse(argv[n] + 6, "delay");
		else if (!strncmp(argv[n], "offset=", 7))
			arg.pasid_offset = parse(argv[n] + 7, "offset");
		else
			arg.knobs |= parse_name(argv[n], knobs,
						ARRAY_SIZE(knobs), "knobs");
	}
	check(sva_ioctl(&opt.sva, SVA_TEST_IOC_KNOBS, &arg), "knobs");
	printf("%#llx", (unsigned long long)arg.knobs);
	for (i = 0; i < ARRAY_SIZE(knobs); i++)
		if (arg.knobs & knobs[i].value)
			printf(" %s", knobs[i].name);
	printf(" delay=%u offset=%u\n", arg.delay_us, arg.pasid_offset);
	return 0;
}

static int cmd_flood(int argc, char **argv)
{
	uint64_t nr = parse(argc > 1 ? argv[1] : "16", "flood");
	struct sva_test_op op;
	void *addr;

	opt.len = nr * sva_page_size();
	opt.as.mode |= SVA_TEST_MODE_ATS | SVA_TEST_PAGE_REQUEST;
	addr = target();
	bind_self();
	op = sva_op(&opt.as, SVA_TEST_OP_FLOOD, addr, opt.len);
	op.mode &= ~SVA_TEST_PAGE_REQUEST;
	return report("flood", addr, sva_do(&opt.sva, &op));
}

/* For a while, whatever becomes of it */
static int cmd_repeat(int argc, char **argv)
{
	uint64_t ms = parse(argc > 1 ? argv[1] : "100", "repeat");
	void *addr = target();
	struct sva_test_op op;

	bind_self();
	op = sva_op(&opt.as, SVA_TEST_OP_FILL, addr, opt.len);
	op.mode |= SVA_TEST_REPEAT;
	op.interval_us = 1000;
	check(sva_submit(&opt.sva, &op), "repeat");
	usleep(ms * 1000);
	check(sva_peek(&opt.sva, &op), "repeat");
	check(sva_abort(&opt.sva, &op), "repeat");
	printf("%llu rounds\n", (unsigned long long)op.rounds);
	return report("fill", addr, op.cause);
}

static int cmd_reset(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	check(sva_reset(&opt.sva), "reset");
	return 0;
}

/* One line of what the kernel says: <about> <REASON>: <text> */
struct why {
	char about[64];
	char reason[32];
	char text[128];
};

static bool parse_why(char *line, struct why *why)
{
	char *text, *reason;

	line[strcspn(line, "\n")] = '\0';
	/* The name of the reason has no colon before it, PASIDs have none */
	text = strstr(line, ": ");
	if (text && !strncmp(line, "last refused", 12))
		text = strstr(text + 2, ": ");
	if (!text)
		return false;
	*text = '\0';
	reason = strrchr(line, ' ');
	if (!reason)
		return false;
	*reason = '\0';
	snprintf(why->about, sizeof(why->about), "%s", line);
	snprintf(why->reason, sizeof(why->reason), "%s", reason + 1);
	snprintf(why->text, sizeof(why->text), "%s", text + 2);
	return true;
}

static void say_why(const char *name, const char *what, const struct why *why)
{
	if (strcmp(why->reason, "OK"))
		printf("%s refuses %s, because %s [%s]\n", name, what,
		       why->text, why->reason);
	else
		printf("%s takes %s\n", name, what);
}

/* Both calls, in one sentence if they are alike. Exit status 2: one refuses. */
static int say_calls(const char *name, const struct why call[2])
{
	char what[80];
	int i;

	if (!strcmp(call[0].reason, call[1].reason)) {
		say_why(name, "processes", call);
	} else {
		for (i = 0; i < 2; i++) {
			snprintf(what, sizeof(what), "%s()", call[i].about);
			say_why(name, what, call + i);
		}
	}
	return strcmp(call[0].reason, "OK") || strcmp(call[1].reason, "OK") ?
	       2 : 0;
}

static bool has_iommu(const char *dev)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%.*s/iommu", PATH_MAX - 8, dev);
	return !access(path, F_OK);
}

/* /sys path of a device, by its name on any bus or by that of a test device */
static void find_device(const char *name, char *dev, size_t len)
{
	char pattern[PATH_MAX];
	size_t i = 0;
	glob_t g;

	if (!strncmp(name, "/dev/", 5))
		snprintf(pattern, sizeof(pattern), "/sys/class/sva-test/%s/device",
			 name + 5);
	else
		snprintf(pattern, sizeof(pattern), "/sys/bus/*/devices/%s",
			 name);
	if (glob(pattern, 0, NULL, &g))
		die("why: no device '%s'", name);
	/* A platform device and what ACPI knows of it have the same name */
	while (i + 1 < g.gl_pathc && !has_iommu(g.gl_pathv[i]))
		i++;
	snprintf(dev, len, "%s", g.gl_pathv[i]);
	globfree(&g);
}

static int no_iommu(const char *name, const char *dev)
{
	const struct why why = {
		.reason = "NO_IOMMU",
		.text = "no IOMMU translates its DMA",
	};

	if (has_iommu(dev))
		die("why: %s: cannot read /sys/kernel/debug/iommu-sva (is it mounted, has\n"
		    "the kernel CONFIG_DEBUG_FS, are you root?). When a driver tries to bind a\n"
		    "process, the tracepoint iommu_sva:iommu_sva_refused tells why it cannot.",
		    name);
	say_why(name, "processes", &why);
	return 2;
}

static int cmd_why(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : opt.device ?: sva_path(0);
	char dev[PATH_MAX], real[PATH_MAX], path[128], line[256];
	struct why call[2] = {}, why;
	int nr = 0, ret;
	FILE *f;

	find_device(name, dev, sizeof(dev));
	if (realpath(dev, real))
		name = strrchr(real, '/') + 1;
	if (sva_why_path(dev, path, sizeof(path)))
		return no_iommu(name, dev);
	f = fopen(path, "re");
	if (!f)
		die("why: %s: %s", path, strerror(errno));
	while (nr < 2 && fgets(line, sizeof(line), f))
		nr += parse_why(line, &call[nr]);
	if (nr < 2)
		die("why: %s: not understood", path);
	ret = say_calls(name, call);
	while (fgets(line, sizeof(line), f))
		if (parse_why(line, &why))
			printf("  %s: %s [%s]\n", why.about, why.text,
			       why.reason);
	fclose(f);
	return ret;
}

static const struct command {
	const char *name, *args, *help;
	int (*run)(int argc, char **argv);
	bool any_device;	/* not just test devices */
} commands[] = {
	{ "info", "", "what the device can do and what is enabled", cmd_info },
	{ "bind", "", "bind, show memory to aim at, and wait", cmd_bind },
	{ "read", "[text]", "let the device read memory (that holds the text)", cmd_read },
	{ "write", "<text>", "let it write the text", cmd_write },
	{ "fill", "[byte]", "let it fill memory", cmd_fill },
	{ "copy", "[text]", "let it copy memory, --addr to --to", cmd_copy },
	{ "cas", "<compare> <new>", "let it compare and swap eight bytes", cmd_cas },
	{ "counters", "[clear]", "of --pasid, of --rid, or of everything", cmd_counters },
	{ "flood", "[pages]", "let it request pages without end", cmd_flood },
	{ "repeat", "[ms]", "let it fill memory again and again", cmd_repeat },
	{ "knobs", "[how]...", "how it misbehaves, 0: not at all; see below", cmd_knobs },
	{ "reset", "", "write its reset register", cmd_reset },
	{ "why", "[device]", "why this device, or any other, refuses processes", cmd_why, true },
};

static void usage(void)
{
	size_t i;

	puts("Usage: sva [option]... <command> [argument]...\n\n"
	     "Makes the SVA test device access memory. By default that is a page of the\n"
	     "calling process, which is bound to the device for it.\n");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-8s %-16s %s\n", commands[i].name, commands[i].args,
		       commands[i].help);
	puts("\n"
	     "  -d, --device <path>   default: $SVA_TEST_DEV, else /dev/sva-test0\n"
	     "  -a, --ats             translate by ATS\n"
	     "  -p, --page-request    by ATS, and ask for pages that are not there\n"
	     "  -b, --private <n>     bind to this PASID of the device, 0: to a free one\n"
	     "  -P, --pasid <n>       with any PASID (CAP_SYS_RAWIO), needs --addr\n"
	     "  -R, --rid             without a PASID (CAP_SYS_RAWIO), needs --addr\n"
	     "  -A, --addr <address>  where to\n"
	     "  -T, --to <address>    where to, of copy\n"
	     "  -n, --len <bytes>     how much, default 64\n"
	     "  -t, --trigger <step>  wait for a step of an IOMMU's: atc, iotlb, response,\n"
	     "                        device, pasid, sync, drain\n"
	     "  -h, --help\n\n"
	     "Knobs: stale-atc stale-iotlb hold free-run delay=<us> offset=<of PASIDs>\n\n"
	     "Exit status: 0 done, 1 it could not be tried, 2 the device was refused.");
}

static const struct option options[] = {
	{ "device", required_argument, NULL, 'd' },
	{ "ats", no_argument, NULL, 'a' },
	{ "page-request", no_argument, NULL, 'p' },
	{ "private", required_argument, NULL, 'b' },
	{ "pasid", required_argument, NULL, 'P' },
	{ "rid", no_argument, NULL, 'R' },
	{ "addr", required_argument, NULL, 'A' },
	{ "to", required_argument, NULL, 'T' },
	{ "len", required_argument, NULL, 'n' },
	{ "trigger", required_argument, NULL, 't' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

static void option(int c)
{
	switch (c) {
	case 'd':
		opt.device = optarg;
		break;
	case 'a':
		opt.as.mode |= SVA_TEST_MODE_ATS;
		break;
	case 'p':
		opt.as.mode |= SVA_TEST_MODE_ATS | SVA_TEST_PAGE_REQUEST;
		break;
	case 'b':
		opt.private = true;
		opt.number = parse(optarg, "--private");
		break;
	case 'P':
		opt.pasid = true;
		opt.as.as = SVA_TEST_AS_PASID;
		opt.as.pasid = parse(optarg, "--pasid");
		break;
	case 'R':
		opt.rid = true;
		opt.as.as = SVA_TEST_AS_RID;
		break;
	case 'A':
		opt.addr_given = true;
		opt.addr = parse(optarg, "--addr");
		break;
	case 'T':
		opt.to = parse(optarg, "--to");
		break;
	case 'n':
		opt.len = parse(optarg, "--len");
		if (opt.len > SVA_TEST_LOCAL_SIZE)
			die("--len: %d at most", SVA_TEST_LOCAL_SIZE);
		break;
	case 't':
		opt.as.mode |= parse_name(optarg, triggers, ARRAY_SIZE(triggers),
					  "--trigger") <<
			       SVA_TEST_TRIGGER_SHIFT;
		break;
	case 'h':
		usage();
		exit(0);
	default:
		die("see sva --help");
	}
}

int main(int argc, char **argv)
{
	size_t i;
	int c;

	while ((c = getopt_long(argc, argv, "+d:apb:P:RA:T:n:t:h", options,
				NULL)) != -1)
		option(c);
	if (optind == argc)
		die("no command, see sva --help");
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(argv[optind], commands[i].name)) {
			if (!commands[i].any_device)
				open_device();
			return commands[i].run(argc - optind, argv + optind);
		}
	}
	die("no command '%s', see sva --help", argv[optind]);
}
