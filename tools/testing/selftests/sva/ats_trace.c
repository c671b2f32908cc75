// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel tells of ATS: an event each time that it goes on or off, and
 * the state and the reason in debugfs. Both are compared with the enable bit in
 * the device.
 */
#include "test_trace.h"
#include "test_pci.h"

#define PATIENCE_MS	10000

/* What requests without a PASID are for */
enum rid {
	RID_BLOCKED,
	RID_IDENTITY,
	RID_DMA,
};

FIXTURE(ats_trace)
{
	struct test_dev t;
	struct trace tr;
	char name[32];
	char file[128];		/* in debugfs */
	bool on;		/* what was expected last */
	unsigned int nr[2];	/* events, off and on */
};

FIXTURE_VARIANT(ats_trace)
{
	enum rid rid;
	bool needs_ats;
	bool on;		/* without a PASID */
	const char *reason;
};

FIXTURE_VARIANT_ADD(ats_trace, blocked)
{
	.rid = RID_BLOCKED,
	.reason = "BLOCKED",
};

FIXTURE_VARIANT_ADD(ats_trace, identity)
{
	.rid = RID_IDENTITY,
	.reason = "IDENTITY",
};

FIXTURE_VARIANT_ADD(ats_trace, dma)
{
	.rid = RID_DMA,
	.on = true,
	.reason = "RID",
};

FIXTURE_VARIANT_ADD(ats_trace, blocked_needs)
{
	.rid = RID_BLOCKED,
	.needs_ats = true,
	.reason = "BLOCKED",
};

FIXTURE_VARIANT_ADD(ats_trace, identity_needs)
{
	.rid = RID_IDENTITY,
	.needs_ats = true,
	.on = true,
	.reason = "REQUIRED",
};

FIXTURE_VARIANT_ADD(ats_trace, dma_needs)
{
	.rid = RID_DMA,
	.needs_ats = true,
	.on = true,
	.reason = "RID",
};

/* Some device that is as wanted */
static bool find(struct test_dev *t, bool needs)
{
	int nr = 0;

	while (test_next(t, &nr)) {
		if (t->info.on & SVA_TEST_ATS_ON && t->info.max_pasids > 2 &&
		    dev_needs_ats(t->info.name) == needs)
			return true;
		sva_close(&t->sva);
	}
	return false;
}

static void change_driver(TEST_SELF(ats_trace), const char *driver,
			  const char *type)
{
	char path[128];

	sva_close(&self->t.sva);
	pci_path(self->name, "iommu_group/type", path, sizeof(path));
	pci_write(self->name, "driver/unbind", self->name);
	if (type)
		sva_write_file(path, type);
	pci_write(self->name, "driver_override", driver);
	sva_write_file("/sys/bus/pci/drivers_probe", self->name);
}

static void expect_device(struct __test_metadata *_metadata,
			  TEST_SELF(ats_trace))
{
	ASSERT_TRUE(SOON(PATIENCE_MS, !sva_open_path(&self->t.sva, self->t.sva.path)));
	ASSERT_EQ(0, sva_info(&self->t.sva, &self->t.info));
	ASSERT_STREQ(self->name, self->t.info.name);
}

FIXTURE_SETUP(ats_trace)
{
	static const char * const types[] = {
		[RID_BLOCKED] = NULL,
		[RID_IDENTITY] = "identity",
		[RID_DMA] = "DMA",
	};

	if (!find(&self->t, variant->needs_ats))
		SKIP(_exit(KSFT_SKIP), "no ATS");
	strcpy(self->name, self->t.info.name);
	snprintf(self->file, sizeof(self->file),
		 "/sys/kernel/debug/iommu-sva/pci:%s", self->name);
	if (access(self->file, R_OK))
		SKIP(_exit(KSFT_SKIP), "no /sys/kernel/debug/iommu-sva");

	change_driver(self, variant->rid == RID_BLOCKED ? "sva-test-owner" :
							  "sva-test",
		      types[variant->rid]);
	expect_device(_metadata, self);
	self->on = ats_enabled(self->name);
	trace_begin(_metadata, &self->tr, &self->t);
}

FIXTURE_TEARDOWN(ats_trace)
{
	trace_end(&self->tr);
	change_driver(self, "\n", "auto");
	EXPECT_TRUE(SOON(PATIENCE_MS, !access(self->t.sva.path, R_OK | W_OK)));
}

/* The line of debugfs begins with that. */
static bool is_said(TEST_SELF(ats_trace), bool on, const char *reason)
{
	char line[256], start[64];
	bool said = false;
	FILE *f = fopen(self->file, "re");

	if (!f)
		return false;
	snprintf(start, sizeof(start), "ATS %s %s: ", on ? "on" : "off",
		 reason);
	while (fgets(line, sizeof(line), f))
		said |= !strncmp(line, start, strlen(start));
	fclose(f);
	return said;
}

/* The last event of the device is that. */
static bool is_last(struct trace *tr, bool on, const char *reason)
{
	const char *next = NULL, *last, *found;
	char what[64];

	do {
		last = next;
		next = trace_next(tr, last, "iommu_ats", "");
	} while (next);
	snprintf(what, sizeof(what), " on=%d reason=%s (", on, reason);
	found = last ? strstr(last, what) : NULL;
	return found && found < last + strcspn(last, "\n");
}

/* As many events as there were changes, and none of another device */
static void expect_events(struct __test_metadata *_metadata,
			  TEST_SELF(ats_trace))
{
	const char *at = self->tr.text;
	unsigned int all = 0;
	int on;

	trace_read(_metadata, &self->tr);
	for (on = 0; on < 2; on++)
		EXPECT_EVENTS(self->nr[on], &self->tr, "iommu_ats", "on=%d", on);
	while ((at = strstr(at, ": iommu_ats: "))) {
		all++;
		at++;
	}
	EXPECT_EQ(self->nr[0] + self->nr[1], all);
}

/* ATS has got this state. A change of it has the reason @event. */
static void expect_ats_for(struct __test_metadata *_metadata,
			   TEST_SELF(ats_trace), bool on, const char *reason,
			   const char *event)
{
	bool changed = on != self->on;

	self->nr[on] += changed;
	self->on = on;
	EXPECT_EQ(on, ats_enabled(self->name));
	EXPECT_TRUE(is_said(self, on, reason))
		TH_LOG("not 'ATS %s %s'", on ? "on" : "off", reason);
	expect_events(_metadata, self);
	if (changed)
		EXPECT_TRUE(is_last(&self->tr, on, event))
			TH_LOG("'on=%d reason=%s' is not the last of:\n%s", on,
			       event, self->tr.text);
}

static void expect_ats(struct __test_metadata *_metadata, TEST_SELF(ats_trace),
		       bool on, const char *reason)
{
	expect_ats_for(_metadata, self, on, reason, reason);
}

/* Without a PASID */
#define EXPECT_BARE() \
	expect_ats(_metadata, self, variant->on, variant->reason)

/* With one: a translation of requests without a PASID is a reason of its own */
#define WITH_PASID() (variant->rid == RID_DMA ? "RID" : "PASID")
#define EXPECT_PASID() expect_ats(_metadata, self, true, WITH_PASID())

static uint32_t bind_one(struct __test_metadata *_metadata,
			 TEST_SELF(ats_trace))
{
	uint32_t bond, pasid = 0;

	EXPECT_EQ(0, sva_bind_private(&self->t.sva, &bond, &pasid));
	return bond;
}

/* matrix: 28 29 */
TEST_F(ats_trace, bind)
{
	uint32_t first, second;

	EXPECT_BARE();
	first = bind_one(_metadata, self);
	EXPECT_PASID();
	second = bind_one(_metadata, self);
	EXPECT_PASID();
	ASSERT_EQ(0, sva_unbind(&self->t.sva, first));
	EXPECT_PASID();
	ASSERT_EQ(0, sva_unbind(&self->t.sva, second));
	EXPECT_BARE();
	bind_one(_metadata, self);
	EXPECT_PASID();
}

/* A bind that is refused changes nothing. */
TEST_F(ats_trace, refused)
{
	struct sva_test_bind arg = {
		.flags = SVA_TEST_BIND_PRIVATE | SVA_TEST_BIND_UNCHECKED,
		.pasid = self->t.info.max_pasids,
	};

	EXPECT_EQ(-EINVAL, sva_ioctl(&self->t.sva, SVA_TEST_IOC_BIND, &arg));
	EXPECT_BARE();
}

/* Nobody unbinds: the process exits. */
TEST_F(ats_trace, exit)
{
	struct test_hand h;

	if (!test_fork(_metadata, &h)) {
		uint32_t bond, pasid = 0;
		struct sva sva;

		CHILD_CHECK(!sva_open_path(&sva, self->t.sva.path));
		CHILD_CHECK(!sva_bind_private(&sva, &bond, &pasid));
		test_say(&h);
		test_wait_go(&h);
		_exit(0);
	}
	test_heard(_metadata, &h);
	EXPECT_PASID();
	test_go(_metadata, &h);
	test_join(_metadata, &h);
	EXPECT_BARE();
}

/* Requests without a PASID get an address space, and lose it. */
TEST_F(ats_trace, rid)
{
	struct sva_test_bind arg = {};
	uint32_t bond;

	ASSERT_EQ(0, sva_ioctl(&self->t.sva, SVA_TEST_IOC_ATTACH_PAGING, &arg));
	expect_ats(_metadata, self, true, "RID");
	bond = bind_one(_metadata, self);
	expect_ats(_metadata, self, true, "RID");
	ASSERT_EQ(0, sva_unbind(&self->t.sva, arg.bond));
	EXPECT_PASID();
	ASSERT_EQ(0, sva_unbind(&self->t.sva, bond));
	EXPECT_BARE();
}

/* While a reset is under way it is off, for @reason. */
static void reset(struct __test_metadata *_metadata, TEST_SELF(ats_trace),
		  const char *reason)
{
	struct test_hand h;

	if (!test_fork(_metadata, &h)) {
		test_wait_go(&h);
		CHILD_CHECK(!pci_write(self->name, "reset", "1"));
		_exit(0);
	}
	test_go(_metadata, &h);
	EXPECT_TRUE(SOON(PATIENCE_MS, is_said(self, false, reason)));
	test_join(_metadata, &h);
}

/*
 * If it was on it goes off and on. Where nothing is attached, the reset changes
 * nothing.
 */
TEST_F_TIMEOUT(ats_trace, reset, 60)
{
	reset(_metadata, self,
	      variant->rid == RID_BLOCKED ? "BLOCKED" : "RESET");
	self->on = false;
	self->nr[0] += variant->on;
	EXPECT_BARE();
	EXPECT_EVENTS(variant->on, &self->tr, "iommu_ats",
		      "on=0 reason=RESET");

	bind_one(_metadata, self);
	EXPECT_PASID();
	reset(_metadata, self, "RESET");
	self->on = false;
	self->nr[0]++;
	/* Requests without a PASID are the first to be attached again. */
	expect_ats_for(_metadata, self, true, WITH_PASID(),
		       variant->on ? variant->reason : "PASID");
	EXPECT_EVENTS(1 + variant->on, &self->tr, "iommu_ats",
		      "on=0 reason=RESET");
}

/* Another driver, another type of domain */
TEST_F(ats_trace, drivers)
{
	EXPECT_BARE();
	change_driver(self, "sva-test", "DMA");
	expect_device(_metadata, self);
	expect_ats(_metadata, self, true, "RID");
	change_driver(self, "sva-test", "identity");
	expect_device(_metadata, self);
	expect_ats(_metadata, self, variant->needs_ats,
		   variant->needs_ats ? "REQUIRED" : "IDENTITY");
	change_driver(self, "sva-test-owner", NULL);
	expect_device(_metadata, self);
	expect_ats(_metadata, self, false, "BLOCKED");
}

/*
 * The kernel forgets the device. An owner of the DMA leaves it to the DMA API
 * before. When the device was found again, it has the domain of all others.
 */
TEST_F(ats_trace, removed)
{
	bool owned = variant->rid == RID_BLOCKED;

	ASSERT_EQ(0, pci_write(self->name, "remove", "1"));
	EXPECT_NE(0, access(self->file, F_OK));
	self->nr[1] += owned;
	self->nr[0] += variant->on || owned;
	expect_events(_metadata, self);
	if (self->nr[0])
		EXPECT_TRUE(is_last(&self->tr, false, "BLOCKED"));
	sva_close(&self->t.sva);
	self->on = false;
	ASSERT_EQ(0, sva_write_file("/sys/bus/pci/rescan", "1"));
	expect_device(_metadata, self);
	expect_ats(_metadata, self, true, "RID");
}

TEST_HARNESS_MAIN
