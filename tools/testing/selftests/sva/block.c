// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a device without a driver can reach
 *
 * The device goes on by itself whatever the kernel does to it, with an address
 * that is the physical one of a page of this process. With iommu.block_unbound=all
 * nothing must get through while it has no driver. Without that it is seen what
 * can get through. With a driver it is the same either way.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>

#include "test_dma_api.h"
#include "test_pci.h"
#include "test_trace.h"

#define LEN	TEST_WORKS_LEN
#define CHANNEL	(SVA_TEST_NR_CHANNELS - 1)	/* one that the driver leaves alone */

/* The value of a kernel parameter, or "" */
static void parameter(const char *name, char *value, size_t len)
{
	char line[4096] = "", *p;
	FILE *f = fopen("/proc/cmdline", "re");

	if (f) {
		if (!fgets(line, sizeof(line), f))
			line[0] = '\0';
		fclose(f);
	}
	value[0] = '\0';
	p = strstr(line, name);
	if (p && p[strlen(name)] == '=')
		snprintf(value, len, "%.*s", (int)strcspn(p + strlen(name) + 1,
							  "\n "),
			 p + strlen(name) + 1);
}

/* It is behind a port that leads out of the machine. */
static bool is_untrusted(const char *name)
{
	char text[16];

	pci_read(name, "removable", text, sizeof(text));
	return !strcmp(text, "removable");
}

/* Is the device to be blocked while it has no driver? */
static bool blocks(const char *name)
{
	char value[16];

	parameter("iommu.block_unbound", value, sizeof(value));
	return !strcmp(value, "all") ||
	       (!strcmp(value, "untrusted") && is_untrusted(name));
}

/* The number of the device's group */
static int group_of(const char *name)
{
	char path[128], link[128];
	ssize_t len;

	pci_path(name, "iommu_group", path, sizeof(path));
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0)
		return -1;
	link[len] = '\0';
	return atoi(strrchr(link, '/') + 1);
}

/* The trace is on from boot on. */
static bool is_traced(void)
{
	char value[64];

	if (access(TRACEFS "/events", F_OK))
		mount("tracefs", TRACEFS, "tracefs", 0, NULL);
	parameter("trace_event", value, sizeof(value));
	return !strcmp(value, "iommu:group_dma_state");
}

/*
 * The state of @group by its last event, in the words of sysfs, or "". Returns the
 * number of events.
 */
static unsigned int last_traced(int group, char *text, size_t len)
{
	FILE *f = fopen(TRACEFS "/trace", "re");
	char line[512], start[64], state[32], reason[32], *at;
	unsigned int nr = 0;

	text[0] = '\0';
	if (!f)
		return 0;
	snprintf(start, sizeof(start), ": group_dma_state: IOMMU: groupID=%d ",
		 group);
	while (fgets(line, sizeof(line), f)) {
		at = strstr(line, start);
		if (!at || sscanf(at + strlen(start),
				  "dma_state=%31s reason=%31s", state, reason) != 2)
			continue;
		nr++;
		snprintf(text, len, strcmp(reason, "none") ? "%s %s" : "%s",
			 state, reason);
	}
	fclose(f);
	return nr;
}

#define EXPECT_STATE_OF(name, state) do { \
	const char *__name = (name), *__state = (state); \
	char __text[64]; \
	pci_read(__name, "iommu_group/dma_state", __text, sizeof(__text)); \
	EXPECT_STREQ(__state, __text); \
	if (is_traced()) { \
		last_traced(group_of(__name), __text, sizeof(__text)); \
		EXPECT_STREQ(__state, __text) \
			TH_LOG("that is the last event"); \
	} \
} while (0)

FIXTURE(unbound)
{
	struct test_dev t;
	struct test_regs regs;
	uint8_t *mem;		/* a page that was touched */
	uint64_t physical;	/* its address */
	char name[32];
	char driver[16];	/* the one that is bound, if any */
};

FIXTURE_VARIANT(unbound)
{
	uint64_t command;
};

FIXTURE_VARIANT_ADD(unbound, untranslated)
{
	.command = SVA_TEST_MODE_UNTRANSLATED,
};

FIXTURE_VARIANT_ADD(unbound, with_pasid)
{
	.command = SVA_TEST_MODE_UNTRANSLATED | SVA_TEST_WITH_PASID,
};

FIXTURE_VARIANT_ADD(unbound, ats)
{
	.command = SVA_TEST_MODE_ATS,
};

FIXTURE_VARIANT_ADD(unbound, translated)
{
	.command = SVA_TEST_MODE_TRANSLATED,
};

static void let_run(TEST_SELF(unbound), uint64_t command)
{
	run_free(&self->regs, self->physical, LEN, 0xee, command);
}

static void try_driver(struct __test_metadata *_metadata, TEST_SELF(unbound),
		       const char *driver)
{
	pci_write(self->name, "enable", "0");
	ASSERT_EQ(0, pci_write(self->name, "driver_override", driver));
	sva_write_file("/sys/bus/pci/drivers_probe", self->name);
}

static void bind_driver(struct __test_metadata *_metadata, TEST_SELF(unbound),
			const char *driver)
{
	try_driver(_metadata, self, driver);
	ASSERT_TRUE(SOON(10000, !sva_open_path(&self->t.sva,
					       self->t.sva.path)));
	ASSERT_EQ(0, sva_info(&self->t.sva, &self->t.info));
	ASSERT_STREQ(self->name, self->t.info.name);
	strcpy(self->driver, driver);
}

/* Registers can be read without a driver, too. */
static void unbind_driver(struct __test_metadata *_metadata,
			  TEST_SELF(unbound))
{
	sva_close(&self->t.sva);
	ASSERT_EQ(0, pci_write(self->name, "driver/unbind", self->name));
	ASSERT_EQ(0, pci_write(self->name, "enable", "1"));
	self->driver[0] = '\0';
}

FIXTURE_SETUP(unbound)
{
	char path[128];

	test_open(_metadata, &self->t);
	if (sva_sysfs(&self->t.sva, "resource0", path, sizeof(path)))
		SKIP(_exit(KSFT_SKIP), "not a PCI device");
	if (!(self->t.info.caps & SVA_TEST_CAPS_ATS))
		SKIP(_exit(KSFT_SKIP), "no ATS");
	strcpy(self->name, self->t.info.name);
	strcpy(self->driver, "sva-test");
	self->mem = sva_pages(1);
	sva_pattern(self->mem, LEN, 1);
	self->physical = sva_pfn(self->mem) * sva_page_size();
	ASSERT_NE(0, self->physical);
	self->regs.channel = CHANNEL;
	self->regs.select = SVA_TEST_CNT_TOTAL;
	ASSERT_EQ(0, map_registers(&self->regs, self->name));
}

FIXTURE_TEARDOWN(unbound)
{
	sva_write_file("/sys/bus/pci/drivers_autoprobe", "1");
	if (!strcmp(self->driver, "sva-test-owner"))
		unbind_driver(_metadata, self);
	set_reg(&self->regs, SVA_TEST_RESET, 1);
	if (!self->driver[0]) {
		pci_write(self->name, "enable", "0");
		pci_write(self->name, "iommu_group/type", "auto");
		pci_write(self->name, "driver_override", "\n");
		sva_write_file("/sys/bus/pci/drivers_probe", self->name);
	}
	EXPECT_TRUE(SOON(10000, !access(self->t.sva.path, R_OK | W_OK)));
}

/*
 * Does what the device does get through? It is the address of memory which the
 * DMA API has not mapped for it.
 */
static bool gets_through(TEST_SELF(unbound), uint64_t command)
{
	char state[64], type[16];

	pci_read(self->name, "iommu_group/dma_state", state, sizeof(state));
	pci_read(self->name, "iommu_group/type", type, sizeof(type));
	if (!strcmp(state, "blocked") || !strcmp(state, "owned"))
		return false;
	if (command == SVA_TEST_MODE_UNTRANSLATED)
		return !strcmp(type, "identity");
	/* With ATS whatever claims to be translated does. */
	return command == SVA_TEST_MODE_TRANSLATED && strcmp(type, "identity") &&
	       !is_untrusted(self->name);
}

/* It keeps trying from now on, and either nothing moves, or something does. */
static void expect_tries(struct __test_metadata *_metadata, TEST_SELF(unbound),
			 uint64_t command, bool passes)
{
	const uint32_t tries = (command & SVA_TEST_MODE) == SVA_TEST_MODE_ATS ?
			       SVA_TEST_CNT_ATS_REQUESTS : SVA_TEST_CNT_ATTEMPTS;
	uint64_t attempts;

	sva_pattern(self->mem, LEN, 1);
	set_reg(&self->regs, SVA_TEST_CNT_CLEAR, 1);
	ASSERT_TRUE(SOON(10000, counter(&self->regs, tries) > 20));
	attempts = counter(&self->regs, SVA_TEST_CNT_ATTEMPTS);
	EXPECT_LE(attempts,
		  counter(&self->regs, passes ? SVA_TEST_CNT_ANSWERED :
						SVA_TEST_CNT_REFUSED));
	EXPECT_EQ(0, counter(&self->regs, passes ? SVA_TEST_CNT_REFUSED :
						   SVA_TEST_CNT_ANSWERED));
	EXPECT_EQ(passes,
		  counter(&self->regs, SVA_TEST_CNT_BYTES_WRITTEN) != 0);
	EXPECT_EQ(0, counter(&self->regs, SVA_TEST_CNT_BYTES_READ));
	EXPECT_EQ(passes, sva_is_byte(self->mem, LEN, 0xee));
	EXPECT_EQ(!passes, sva_is_pattern(self->mem, LEN, 1));
}

/* With no driver: blocked, or as it is without the parameter */
static void expect_unbound(struct __test_metadata *_metadata,
			   TEST_SELF(unbound), uint64_t command)
{
	EXPECT_STATE_OF(self->name, blocks(self->name) ? "blocked" : "default");
	if (blocks(self->name))
		EXPECT_FALSE(ats_enabled(self->name));
	expect_tries(_metadata, self, command, gets_through(self, command));
}

static void expect_bound(struct __test_metadata *_metadata, TEST_SELF(unbound),
			 uint64_t command)
{
	EXPECT_STATE_OF(self->name, "driver");
	expect_tries(_metadata, self, command, gets_through(self, command));
}

/* What drivers do with the device works: with a PASID, and in the usual way. */
static void expect_works(struct __test_metadata *_metadata, TEST_SELF(unbound))
{
	struct test_dma d = { .t = self->t };
	struct sva_as as;

	/* VT-d has no SVA without ATS, which a device from outside may not have. */
	if (!is_untrusted(self->name)) {
		ASSERT_EQ(0, test_bind_as(&self->t.sva, &as, 0));
		EXPECT_TRUE(test_works(&as, self->mem + LEN));
		ASSERT_EQ(0, sva_unbind(&self->t.sva, as.bond));
	}

	d.t.as = (struct sva_as) { .sva = &self->t.sva };
	d.rid = d.t.as;
	d.rid.as = SVA_TEST_AS_RID;
	test_dma_alloc(_metadata, &d);
	test_dma_works(_metadata, &d, &d.rid);
}

/* The device goes on when its driver is gone, and when the next one has come. */
/* matrix: 26 27 */
TEST_F(unbound, driver_goes)
{
	let_run(self, variant->command);
	expect_bound(_metadata, self, variant->command);
	unbind_driver(_metadata, self);
	expect_unbound(_metadata, self, variant->command);

	bind_driver(_metadata, self, "sva-test");
	expect_works(_metadata, self);
	let_run(self, variant->command);
	expect_bound(_metadata, self, variant->command);
	unbind_driver(_metadata, self);
	expect_unbound(_metadata, self, variant->command);
}

/* It is found anew, and no driver is bound to it. */
/* matrix: 25 27 */
TEST_F(unbound, never_bound)
{
	unbind_driver(_metadata, self);
	let_run(self, variant->command);
	ASSERT_EQ(0, sva_write_file("/sys/bus/pci/drivers_autoprobe", "0"));
	ASSERT_EQ(0, pci_write(self->name, "remove", "1"));
	/* Whoever it had reached before, it does not from here on. */
	usleep(20000);
	sva_pattern(self->mem, LEN, 1);
	usleep(20000);
	EXPECT_TRUE(sva_is_pattern(self->mem, LEN, 1));

	ASSERT_EQ(0, sva_write_file("/sys/bus/pci/rescan", "1"));
	if (blocks(self->name))
		EXPECT_TRUE(sva_is_pattern(self->mem, LEN, 1));
	ASSERT_EQ(0, pci_write(self->name, "enable", "1"));
	ASSERT_EQ(0, map_registers(&self->regs, self->name));
	expect_unbound(_metadata, self, variant->command);

	/* The administrator has looked at it, and has a driver bound. */
	bind_driver(_metadata, self, "sva-test");
	expect_works(_metadata, self);
	let_run(self, variant->command);
	expect_bound(_metadata, self, variant->command);
}

/* It is reset, without a driver, and does not mind. */
/* matrix: 26 27 */
TEST_F(unbound, reset)
{
	int i;

	unbind_driver(_metadata, self);
	let_run(self, variant->command);
	for (i = 0; i < 2; i++) {
		expect_unbound(_metadata, self, variant->command);
		ASSERT_EQ(0, pci_write(self->name, "reset", "1"));
	}
	expect_unbound(_metadata, self, variant->command);
	bind_driver(_metadata, self, "sva-test");
	ASSERT_EQ(0, pci_write(self->name, "reset", "1"));
	expect_works(_metadata, self);
}

/* Its default domain is changed while it has no driver, and both ways. */
/* matrix: 26 27 */
TEST_F(unbound, type)
{
	static const char * const types[] = { "DMA", "identity", "DMA" };
	bool identity, refused;
	char type[16];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		unbind_driver(_metadata, self);
		let_run(self, variant->command);
		identity = !strcmp(types[i], "identity");
		refused = identity && is_untrusted(self->name);
		EXPECT_EQ(refused, !!pci_write(self->name, "iommu_group/type",
					       types[i]));
		pci_read(self->name, "iommu_group/type", type, sizeof(type));
		EXPECT_EQ(refused, !!strcmp(type, types[i]));
		expect_unbound(_metadata, self, variant->command);
		bind_driver(_metadata, self, "sva-test");
		EXPECT_EQ(identity && !refused,
			  self->t.info.domain == SVA_DOMAIN_PT);
		expect_works(_metadata, self);
		let_run(self, variant->command);
		expect_bound(_metadata, self, variant->command);
	}
}

/* The IOMMU translates interrupts, too. */
static bool translates_interrupts(void)
{
#ifdef __aarch64__
	return true;
#else
	return false;
#endif
}

/*
 * Somebody like VFIO has it, which is blocked in any case, and gives it back.
 * Unlike VFIO this driver wants interrupts before it has attached anything. Where
 * the IOMMU translates them it could have none, and the irqchip of 7.3.4 loses
 * those that it had reserved until then.
 */
/* matrix: 26 27 */
TEST_F(unbound, owner)
{
	if (blocks(self->name) && translates_interrupts())
		SKIP(_exit(KSFT_SKIP), "the driver would have no interrupts");
	unbind_driver(_metadata, self);
	bind_driver(_metadata, self, "sva-test-owner");
	EXPECT_STATE_OF(self->name, "owned");
	let_run(self, variant->command);
	expect_tries(_metadata, self, variant->command, false);
	unbind_driver(_metadata, self);
	expect_unbound(_metadata, self, variant->command);
}

/* The file by which VFIO gives the device away */
static int open_vfio(const char *name)
{
	char path[300];
	struct dirent *entry;
	int fd = -1;
	DIR *dir;

	pci_path(name, "vfio-dev", path, sizeof(path));
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, "vfio", 4))
			continue;
		snprintf(path, sizeof(path), "/dev/vfio/devices/%s",
			 entry->d_name);
		SOON(10000, !access(path, R_OK | W_OK));
		fd = open(path, O_RDWR | O_CLOEXEC);
		break;
	}
	if (dir)
		closedir(dir);
	return fd;
}

/* Map the page where the device looks for it, at its physical address. */
static int map_page(TEST_SELF(unbound), int iommufd, uint32_t *ioas)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.user_va = (uintptr_t)self->mem,
		.length = sva_page_size(),
		.iova = self->physical,
	};

	if (ioctl(iommufd, IOMMU_IOAS_ALLOC, &alloc))
		return -errno;
	*ioas = map.ioas_id = alloc.out_ioas_id;
	return ioctl(iommufd, IOMMU_IOAS_MAP, &map) ? -errno : 0;
}

/*
 * VFIO has it. It is blocked until user space has attached a domain, then it
 * reaches what is mapped there, and it is blocked again after that.
 */
/* matrix: 26 27 */
TEST_F(unbound, vfio)
{
	const char *idle = blocks(self->name) ? "blocked" : "default";
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind) };
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
	};
	struct vfio_device_detach_iommufd_pt detach = {
		.argsz = sizeof(detach),
	};
	bool pasid = variant->command & SVA_TEST_WITH_PASID;
	bool ats = variant->command == SVA_TEST_MODE_ATS;
	int vfio;

	bind.iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	if (bind.iommufd < 0)
		SKIP(return, "no /dev/iommu");
	unbind_driver(_metadata, self);
	try_driver(_metadata, self, "vfio-pci");
	EXPECT_STATE_OF(self->name, idle);
	vfio = open_vfio(self->name);
	ASSERT_LE(0, vfio);
	ASSERT_EQ(0, ioctl(vfio, VFIO_DEVICE_BIND_IOMMUFD, &bind));
	EXPECT_STATE_OF(self->name, "owned");
	let_run(self, variant->command);
	expect_tries(_metadata, self, variant->command, false);

	ASSERT_EQ(0, map_page(self, bind.iommufd, &attach.pt_id));
	ASSERT_EQ(0, ioctl(vfio, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach));
	EXPECT_STATE_OF(self->name, "owned");
	/* With ATS it asks once, and no more. */
	if (!ats && !(is_untrusted(self->name) && variant->command))
		expect_tries(_metadata, self, variant->command, !pasid);
	ASSERT_EQ(0, ioctl(vfio, VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach));
	expect_tries(_metadata, self, variant->command, false);
	close(vfio);
	close(bind.iommufd);
	EXPECT_STATE_OF(self->name, idle);
	ASSERT_EQ(0, pci_write(self->name, "driver/unbind", self->name));
	ASSERT_EQ(0, pci_write(self->name, "enable", "1"));
	let_run(self, variant->command);
	expect_unbound(_metadata, self, variant->command);
	bind_driver(_metadata, self, "sva-test");
	expect_works(_metadata, self);
}

/* The driver cannot be bound, and the device stays blocked. */
TEST_F(unbound, no_such_driver)
{
	unbind_driver(_metadata, self);
	try_driver(_metadata, self, "no-such-driver");
	ASSERT_EQ(0, pci_write(self->name, "enable", "1"));
	let_run(self, variant->command);
	expect_unbound(_metadata, self, variant->command);
}

/* A process that has a PASID does not notice what happens to another device. */
/* matrix: 25 */
TEST(pasid_of_another)
{
	struct test_dev t = {}, other = {};
	uint8_t *mem = sva_pages(1);
	char path[128], name[32];
	int i;

	test_open(_metadata, &other);
	if (sva_sysfs(&other.sva, "resource0", path, sizeof(path)))
		SKIP(_exit(KSFT_SKIP), "not a PCI device");
	strcpy(name, other.info.name);
	sva_close(&other.sva);
	test_open_nr(_metadata, &t, 1);
	ASSERT_EQ(0, test_bind_as(&t.sva, &t.as, 0));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, pci_write(name, "driver/unbind", name));
		EXPECT_TRUE(test_works(&t.as, mem));
		ASSERT_EQ(0, sva_write_file("/sys/bus/pci/drivers_probe",
					    name));
		EXPECT_TRUE(test_works(&t.as, mem));
	}
	EXPECT_TRUE(SOON(10000, !access(other.sva.path, R_OK | W_OK)));
}

/* The device is a bridge of PCI, by its class. */
static bool is_bridge(const char *name)
{
	char class[16];

	pci_read(name, "class", class, sizeof(class));
	return !strncmp(class, "0x0604", 6);
}

/*
 * The driver of ports takes no ownership of DMA. It does none, but the interrupts
 * that it takes are DMA where the IOMMU translates them: on arm64.
 */
/* matrix: 27 */
TEST(ports)
{
	const char *blocked = translates_interrupts() ? "exempt interrupts" :
							 "blocked";
	struct dirent *entry;
	int nr = 0;
	DIR *dir;

	dir = opendir("/sys/bus/pci/devices");
	ASSERT_NE(NULL, dir);
	while ((entry = readdir(dir))) {
		if (!is_bridge(entry->d_name))
			continue;
		nr++;
		EXPECT_STATE_OF(entry->d_name,
				blocks(entry->d_name) ? blocked : "default");
	}
	closedir(dir);
	EXPECT_LT(0, nr);
}

/* What was traced last of each group, from boot on, is what sysfs says. */
/* matrix: 27 */
TEST(traced_from_boot)
{
	char path[300], state[64], traced[64];
	struct dirent *entry;
	int nr = 0;
	DIR *dir;
	FILE *f;

	if (!is_traced())
		SKIP(return, "no trace");
	dir = opendir("/sys/kernel/iommu_groups");
	ASSERT_NE(NULL, dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path),
			 "/sys/kernel/iommu_groups/%s/dma_state", entry->d_name);
		f = fopen(path, "re");
		ASSERT_NE(NULL, f);
		ASSERT_NE(NULL, fgets(state, sizeof(state), f));
		fclose(f);
		state[strcspn(state, "\n")] = '\0';
		last_traced(atoi(entry->d_name), traced, sizeof(traced));
		EXPECT_STREQ(state, traced) TH_LOG("group %s", entry->d_name);
		nr++;
	}
	closedir(dir);
	EXPECT_LT(2, nr);
}

/* One event for each change, and none for what is only on the way to it */
/* matrix: 27 */
TEST(traced_once)
{
	struct test_dev t = {};
	char text[64], name[32], path[128];
	unsigned int nr;
	int i, group;

	if (!is_traced())
		SKIP(return, "no trace");
	test_open(_metadata, &t);
	if (sva_sysfs(&t.sva, "resource0", path, sizeof(path)))
		SKIP(return, "not a PCI device");
	strcpy(name, t.info.name);
	sva_close(&t.sva);
	group = group_of(name);
	nr = last_traced(group, text, sizeof(text));
	EXPECT_LT(0, nr);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, pci_write(name, "driver/unbind", name));
		EXPECT_EQ(++nr, last_traced(group, text, sizeof(text)));
		EXPECT_STATE_OF(name, blocks(name) ? "blocked" : "default");
		ASSERT_EQ(0, pci_write(name, "reset", "1"));
		EXPECT_EQ(nr, last_traced(group, text, sizeof(text)));
		ASSERT_EQ(0, sva_write_file("/sys/bus/pci/drivers_probe",
					    name));
		EXPECT_TRUE(SOON(10000, !access(t.sva.path, R_OK | W_OK)));
		EXPECT_EQ(++nr, last_traced(group, text, sizeof(text)));
		EXPECT_STATE_OF(name, "driver");
	}
}

TEST_HARNESS_MAIN
