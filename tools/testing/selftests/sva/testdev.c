// SPDX-License-Identifier: GPL-2.0-only
/*
 * A domain that one device of a group cannot have: nothing may be moved to find
 * that out. A group of two functions is given to VFIO, the second one has no
 * PRI, and the domain has a handler for page faults. Counted are the commands
 * that the kernel writes to the queue of VT-d, and the attaches.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>

#include "test_dev.h"
#include "test_pci.h"

#define TRACEFS		"/sys/kernel/tracing"
#define PCI		"/sys/bus/pci"
#define NR		2

/* A function of the group, and what VFIO has opened of it */
struct member {
	char pci[32];
	int cdev;
	__u32 dev_id;
};

FIXTURE(testdev)
{
	struct member member[NR];
	int iommu;
	__u32 ioas, fault_hwpt, plain_hwpt;
	int fault_fd;
	char trace[96];
};

/* Give the function to @driver, or with "" to the one that it had before. */
static void give_to(struct member *m, const char *driver)
{
	pci_write(m->pci, "driver/unbind", m->pci);
	pci_write(m->pci, "driver_override", *driver ? driver : "\n");
}

static void probe(struct member *m)
{
	sva_write_file(PCI "/drivers_probe", m->pci);
}

/* Functions of the first group that has two test devices, in order of the bus */
static int find_group(TEST_SELF(testdev))
{
	char path[128], group[NR][128];
	int nr = 0, i = 0, len;
	struct test_dev t;

	while (nr < NR && test_next(&t, &i)) {
		sva_sysfs(&t.sva, "iommu_group", path, sizeof(path));
		len = readlink(path, group[nr], sizeof(group[nr]) - 1);
		snprintf(self->member[nr].pci, sizeof(self->member[nr].pci),
			 "%s", t.info.name);
		sva_close(&t.sva);
		if (len < 0)
			continue;
		group[nr][len] = 0;
		if (nr && strcmp(group[0], group[1])) {
			memcpy(group[0], group[1], sizeof(group[0]));
			self->member[0] = self->member[1];
			nr = 0;
		}
		nr++;
	}
	if (nr == NR && strcmp(self->member[0].pci, self->member[1].pci) > 0) {
		struct member second = self->member[0];

		self->member[0] = self->member[1];
		self->member[1] = second;
	}
	return nr;
}

static int open_cdev(struct member *m)
{
	char path[320];
	struct dirent *entry;
	int fd = -1;
	DIR *dir;

	snprintf(path, sizeof(path), PCI "/devices/%s/vfio-dev", m->pci);
	dir = opendir(path);
	if (!dir)
		return -1;
	while (fd < 0 && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/dev/vfio/devices/%s",
			 entry->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC);
	}
	closedir(dir);
	return fd;
}

static void bind_vfio(struct __test_metadata *_metadata, struct member *m,
		      int iommu)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = iommu,
	};

	probe(m);
	m->cdev = open_cdev(m);
	ASSERT_LE(0, m->cdev)
		TH_LOG("%s: no VFIO device", m->pci);
	ASSERT_EQ(0, ioctl(m->cdev, VFIO_DEVICE_BIND_IOMMUFD, &bind))
		TH_LOG("%s: %s", m->pci, strerror(errno));
	m->dev_id = bind.out_devid;
}

/* Returns -errno */
static int attach(struct member *m, __u32 pt_id)
{
	struct vfio_device_attach_iommufd_pt arg = {
		.argsz = sizeof(arg),
		.pt_id = pt_id,
	};

	return ioctl(m->cdev, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &arg) ? -errno : 0;
}

static void detach(struct member *m)
{
	struct vfio_device_detach_iommufd_pt arg = { .argsz = sizeof(arg) };

	ioctl(m->cdev, VFIO_DEVICE_DETACH_IOMMUFD_PT, &arg);
}

static int alloc_hwpt(TEST_SELF(testdev), __u32 fault_id, __u32 *hwpt)
{
	struct iommu_hwpt_alloc arg = {
		.size = sizeof(arg),
		.flags = fault_id ? IOMMU_HWPT_FAULT_ID_VALID : 0,
		.dev_id = self->member[0].dev_id,
		.pt_id = self->ioas,
		.fault_id = fault_id,
	};
	int ret = ioctl(self->iommu, IOMMU_HWPT_ALLOC, &arg);

	*hwpt = arg.out_hwpt_id;
	return ret;
}

static void trace_write(TEST_SELF(testdev), const char *leaf, const char *text)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", self->trace, leaf);
	sva_write_file(path, text);
}

/* An instance of its own, for what this task does */
static void trace_setup(struct __test_metadata *_metadata, TEST_SELF(testdev))
{
	char pid[16];

	if (access(TRACEFS "/events", F_OK))
		mount("tracefs", TRACEFS, "tracefs", 0, NULL);
	ASSERT_EQ(0, access(TRACEFS "/events/intel_iommu/qi_submit", F_OK));
	snprintf(self->trace, sizeof(self->trace), TRACEFS "/instances/dev-%d",
		 getpid());
	ASSERT_EQ(0, mkdir(self->trace, 0700));
	snprintf(pid, sizeof(pid), "%d", getpid());
	trace_write(self, "set_event_pid", pid);
}

static void trace_on(TEST_SELF(testdev), const char *on)
{
	trace_write(self, "events/intel_iommu/qi_submit/enable", on);
	trace_write(self, "events/iommu/attach_device_to_domain/enable", on);
}

static void trace_begin(TEST_SELF(testdev))
{
	char path[160];
	FILE *f;

	/* Truncating it empties the buffer. */
	snprintf(path, sizeof(path), "%s/trace", self->trace);
	f = fopen(path, "w");
	if (f)
		fclose(f);
	trace_on(self, "1");
}

struct counted {
	unsigned int commands, attaches;
};

static struct counted trace_end(TEST_SELF(testdev))
{
	struct counted c = {};
	char line[512];
	FILE *f;

	trace_on(self, "0");
	snprintf(line, sizeof(line), "%s/trace", self->trace);
	f = fopen(line, "r");
	while (f && fgets(line, sizeof(line), f)) {
		c.commands += !!strstr(line, ": qi_submit:");
		c.attaches += !!strstr(line, ": attach_device_to_domain:");
	}
	if (f)
		fclose(f);
	return c;
}

FIXTURE_SETUP(testdev)
{
	struct iommu_ioas_alloc ioas = { .size = sizeof(ioas) };
	struct iommu_fault_alloc fault = { .size = sizeof(fault) };
	int i;

	if (find_group(self) < NR)
		SKIP(_exit(KSFT_SKIP), "no group of two devices");
	for (i = 0; i < NR; i++)
		give_to(&self->member[i], "vfio-pci");
	self->iommu = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->iommu);
	ASSERT_EQ(0, ioctl(self->iommu, IOMMU_IOAS_ALLOC, &ioas));
	self->ioas = ioas.out_ioas_id;
	ASSERT_EQ(0, ioctl(self->iommu, IOMMU_FAULT_QUEUE_ALLOC, &fault));
	self->fault_fd = fault.out_fault_fd;

	for (i = 0; i < NR; i++)
		bind_vfio(_metadata, &self->member[i], self->iommu);
	ASSERT_EQ(0, alloc_hwpt(self, 0, &self->plain_hwpt));
	ASSERT_EQ(0, alloc_hwpt(self, fault.out_fault_id, &self->fault_hwpt));
	trace_setup(_metadata, self);
}

FIXTURE_TEARDOWN(testdev)
{
	int i;

	rmdir(self->trace);
	for (i = 0; i < NR; i++)
		close(self->member[i].cdev);
	close(self->fault_fd);
	close(self->iommu);
	for (i = 0; i < NR; i++)
		give_to(&self->member[i], "");
	for (i = 0; i < NR; i++)
		probe(&self->member[i]);
}

static void expect_refused(struct __test_metadata *_metadata,
			   TEST_SELF(testdev), struct member *m)
{
	struct counted c;

	trace_begin(self);
	EXPECT_EQ(-ENODEV, attach(m, self->fault_hwpt));
	c = trace_end(self);
	TH_LOG("refused: %u commands, %u attaches", c.commands, c.attaches);
	EXPECT_EQ(0, c.commands);
	EXPECT_EQ(0, c.attaches);
}

/* What can be attached costs commands, or the count above would say nothing. */
static void expect_attached(struct __test_metadata *_metadata,
			    TEST_SELF(testdev), __u32 pt_id)
{
	struct counted c;

	trace_begin(self);
	EXPECT_EQ(0, attach(&self->member[0], pt_id));
	c = trace_end(self);
	TH_LOG("attached: %u commands, %u attaches", c.commands, c.attaches);
	EXPECT_LT(0, c.commands);
	EXPECT_EQ(NR, c.attaches);
}

/* In place of a domain that both devices have */
TEST_F(testdev, replace)
{
	int i;

	for (i = 0; i < NR; i++)
		ASSERT_EQ(0, attach(&self->member[i], self->ioas));
	for (i = 0; i < NR; i++)
		expect_refused(_metadata, self, &self->member[i]);
	expect_attached(_metadata, self, self->plain_hwpt);
	for (i = 0; i < NR; i++)
		detach(&self->member[i]);
}

/* In place of the blocking domain of the owner */
TEST_F(testdev, attach)
{
	expect_refused(_metadata, self, &self->member[0]);
	expect_refused(_metadata, self, &self->member[1]);
	trace_begin(self);
	EXPECT_EQ(0, attach(&self->member[0], self->plain_hwpt));
	EXPECT_EQ(NR, trace_end(self).attaches);
	expect_refused(_metadata, self, &self->member[0]);
	detach(&self->member[0]);
}

TEST_HARNESS_MAIN
