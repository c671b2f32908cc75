// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracepoints of iommu_sva: as many events as the device has counted, with
 * the device's name, PASIDs, addresses and what it was told.
 */
#include <poll.h>

#include "test_trace.h"

#define PAGES		8
#define HOLD_MS		200
#define PATIENCE_MS	10000

/* Bonds, on whatever device there is */

FIXTURE(bonds)
{
	struct test_dev t;
	struct trace tr;
};

FIXTURE_SETUP(bonds)
{
	test_open(_metadata, &self->t);
	trace_begin(_metadata, &self->tr, &self->t);
}

FIXTURE_TEARDOWN(bonds)
{
	trace_end(&self->tr);
	sva_close(&self->t.sva);
}

TEST_F(bonds, private)
{
	struct trace *tr = &self->tr;
	uint32_t bond, pasid = 0;

	ASSERT_EQ(0, sva_bind_private(&self->t.sva, &bond, &pasid));
	trace_read(_metadata, tr);
	EXPECT_EVENTS(1, tr, "iommu_sva_bind",
		      "pasid=%u private users=1", pasid);
	EXPECT_TOTAL(0, tr, "iommu_sva_unbind");

	ASSERT_EQ(0, sva_unbind(&self->t.sva, bond));
	trace_read(_metadata, tr);
	EXPECT_EVENTS(1, tr, "iommu_sva_unbind", "pasid=%u private users=0",
		      pasid);
	EXPECT_TOTAL(1, tr, "iommu_sva_bind");
	EXPECT_TOTAL(1, tr, "iommu_sva_unbind");
}

/* One bond that two calls share */
TEST_F(bonds, global)
{
	struct trace *tr = &self->tr;
	uint32_t bond[2], pasid[2];
	int i;

	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, sva_bind(&self->t.sva, &bond[i], &pasid[i]));
	ASSERT_EQ(pasid[0], pasid[1]);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, sva_unbind(&self->t.sva, bond[i]));
	trace_read(_metadata, tr);
	for (i = 0; i < 2; i++) {
		EXPECT_EVENTS(1, tr, "iommu_sva_bind",
			      "pasid=%u global users=%d", pasid[0],
			      1 + i);
		EXPECT_EVENTS(1, tr, "iommu_sva_unbind",
			      "pasid=%u global users=%d", pasid[0], i);
	}
	EXPECT_TOTAL(2, tr, "iommu_sva_bind");
	EXPECT_TOTAL(2, tr, "iommu_sva_unbind");
}

/* The file's last user ends them, which here is a process that exits */
TEST_F(bonds, exit)
{
	struct trace *tr = &self->tr;
	struct sva own;
	uint32_t bond, pasid = 0;
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		CHILD_CHECK(!sva_open_path(&own, self->t.sva.path));
		CHILD_CHECK(!sva_bind_private(&own, &bond, &pasid));
		_exit(0);
	}
	ASSERT_EQ(0, test_reap(pid));
	trace_read(_metadata, tr);
	pasid = trace_value(trace_next(tr, NULL, "iommu_sva_bind", ""),
			    " pasid=");
	EXPECT_EVENTS(1, tr, "iommu_sva_bind",
		      "pasid=%u private users=1", pasid);
	EXPECT_EVENTS(1, tr, "iommu_sva_unbind", "pasid=%u private users=0",
		      pasid);
}

/* What was refused is no bond. It is reported once, with its code and reason. */
TEST_F(bonds, refused)
{
	struct sva_test_bind none = {
		.flags = SVA_TEST_BIND_PRIVATE | SVA_TEST_BIND_UNCHECKED,
	};
	struct sva_test_bind large = none;
	struct trace *tr = &self->tr;
	uint32_t bond, other, pasid = 0;

	large.pasid = self->t.info.max_pasids;
	ASSERT_EQ(0, sva_bind_private(&self->t.sva, &bond, &pasid));
	EXPECT_EQ(-EBUSY, sva_bind_private(&self->t.sva, &other, &pasid));
	EXPECT_EQ(-EINVAL, sva_ioctl(&self->t.sva, SVA_TEST_IOC_BIND, &none));
	EXPECT_EQ(-EINVAL, sva_ioctl(&self->t.sva, SVA_TEST_IOC_BIND, &large));
	trace_read(_metadata, tr);
	EXPECT_EVENTS(1, tr, "iommu_sva_bind", "pasid=%u private users=1",
		      pasid);
	EXPECT_TOTAL(1, tr, "iommu_sva_bind");
	EXPECT_TOTAL(0, tr, "iommu_sva_unbind");
	EXPECT_EVENTS(1, tr, "iommu_sva_refused",
		      "pasid=%u code=%d reason=TAKEN_PRIVATE", pasid, -EBUSY);
	EXPECT_EVENTS(1, tr, "iommu_sva_refused",
		      "pasid=0 code=%d reason=PASID_ZERO", -EINVAL);
	EXPECT_EVENTS(1, tr, "iommu_sva_refused",
		      "pasid=%u code=%d reason=PASID_LIMIT",
		      self->t.info.max_pasids, -EINVAL);
	EXPECT_TOTAL(3, tr, "iommu_sva_refused");
	EXPECT_EQ(0, sva_unbind(&self->t.sva, bond));
}

/* Nothing comes while nobody wants it, and then only what is wanted */
TEST_F(bonds, off)
{
	struct trace *tr = &self->tr;
	uint32_t bond, pasid = 0;

	trace_write(tr, "events/iommu_sva/enable", "0");
	ASSERT_EQ(0, sva_bind_private(&self->t.sva, &bond, &pasid));
	ASSERT_EQ(0, sva_unbind(&self->t.sva, bond));
	trace_read(_metadata, tr);
	EXPECT_TOTAL(0, tr, "iommu_sva_bind");
	EXPECT_TOTAL(0, tr, "iommu_sva_unbind");
	trace_write(tr, "events/iommu_sva/iommu_sva_unbind/enable", "1");
	ASSERT_EQ(0, sva_bind_private(&self->t.sva, &bond, &pasid));
	ASSERT_EQ(0, sva_unbind(&self->t.sva, bond));
	trace_read(_metadata, tr);
	EXPECT_TOTAL(0, tr, "iommu_sva_bind");
	EXPECT_TOTAL(1, tr, "iommu_sva_unbind");
}

/* Page faults, of a device whose faults the kernel handles */

FIXTURE(faults)
{
	struct test_dev t;
	struct trace tr;
	size_t size;
	uint8_t *mem;		/* PAGES pages that were never touched */
	uint8_t *buf;
};

FIXTURE_VARIANT(faults)
{
	uint32_t mode;
	uint32_t on;
	int denied;
};

FIXTURE_VARIANT_ADD(faults, pri)
{
	.mode = SVA_TEST_MODE_ATS | SVA_TEST_PAGE_REQUEST,
	.on = SVA_TEST_PRI_ON,
	.denied = SVA_TEST_CAUSE_PAGE_INVALID,
};

FIXTURE_VARIANT_ADD(faults, stall)
{
	.mode = SVA_TEST_MODE_UNTRANSLATED,
	.on = SVA_TEST_STALL_ON,
	.denied = SVA_TEST_CAUSE_STALL_ABORT,
};

FIXTURE_SETUP(faults)
{
	test_open_on(_metadata, &self->t, variant->on);
	test_mode(_metadata, &self->t, variant->mode);
	ASSERT_EQ(0, sva_bind_private(&self->t.sva, &self->t.as.bond,
				      &self->t.as.pasid));
	self->t.as.as = SVA_TEST_AS_BOND;
	self->size = sva_page_size();
	self->mem = sva_pages(PAGES);
	self->buf = malloc(PAGES * self->size);
	ASSERT_NE(NULL, self->buf);
	sva_pattern(self->buf, PAGES * self->size, 5);
	ASSERT_EQ(0, sva_counters_clear(&self->t.sva));
	trace_begin(_metadata, &self->tr, &self->t);
}

FIXTURE_TEARDOWN(faults)
{
	trace_end(&self->tr);
	free(self->buf);
	sva_close(&self->t.sva);
}

/* What the device has counted is what was traced: so many, so many in vain */
static void expect_as_counted(struct __test_metadata *_metadata,
			      TEST_SELF(faults), uint32_t pasid, uint64_t nr,
			      uint64_t failed)
{
	bool pri = self->t.as.mode & SVA_TEST_PAGE_REQUEST;
	struct trace *tr = &self->tr;
	struct sva_test_counters c;

	ASSERT_EQ(0, sva_counters(&self->t.sva, pasid, &c));
	EXPECT_EQ(nr, pri ? c.page_requests : c.stalls);
	EXPECT_EQ(failed, pri ? c.page_failures : c.refused);
	trace_read(_metadata, tr);
	EXPECT_EVENTS(nr, tr, "iommu_page_request", "pasid=%u", pasid);
	EXPECT_EVENTS(nr, tr, "iommu_page_response", "pasid=%u", pasid);
	EXPECT_EVENTS(failed, tr, "iommu_page_response", "code=invalid");
	EXPECT_EVENTS(nr - failed, tr, "iommu_page_response", "code=success");
	EXPECT_TOTAL(nr, tr, "iommu_page_request");
	EXPECT_TOTAL(nr, tr, "iommu_page_response");
}

/* Each page asked for once, each answer with the number of the request */
static void expect_pages(struct __test_metadata *_metadata, TEST_SELF(faults),
			 const char *perm)
{
	struct trace *tr = &self->tr;
	const char *at = NULL, *answer = NULL;
	int i;

	for (i = 0; i < PAGES; i++) {
		EXPECT_EVENTS(1, tr, "iommu_page_request",
			      "pasid=%u addr=0x%lx perm=%s", self->t.as.pasid,
			      (unsigned long)self->mem + i * self->size, perm);
		/* The device has one request at a time */
		at = trace_next(tr, at, "iommu_page_request", "");
		answer = trace_next(tr, answer, "iommu_page_response", "");
		EXPECT_EQ(trace_value(at, " grpid="),
			  trace_value(answer, " grpid="));
		EXPECT_EQ(1, trace_value(at, " last="));
		EXPECT_EQ(1, trace_value(answer, " requests="));
		EXPECT_NE(0, trace_value(answer, " waited="));
		EXPECT_NE(0, trace_value(answer, " handled="));
		EXPECT_GT(PATIENCE_MS * 1000000ULL,
			  trace_value(answer, " handled="));
	}
}

TEST_F(faults, read)
{
	ASSERT_CAUSE(0, sva_read(&self->t.as, self->mem, self->buf,
				 PAGES * self->size));
	expect_as_counted(_metadata, self, self->t.as.pasid, PAGES, 0);
	expect_pages(_metadata, self, "r");
}

TEST_F(faults, write)
{
	ASSERT_CAUSE(0, sva_write(&self->t.as, self->mem, self->buf,
				  PAGES * self->size));
	expect_as_counted(_metadata, self, self->t.as.pasid, PAGES, 0);
	expect_pages(_metadata, self, "w");
}

TEST_F(faults, denied)
{
	ASSERT_EQ(0, munmap(self->mem + 2 * self->size, self->size));
	ASSERT_CAUSE(variant->denied, sva_write(&self->t.as, self->mem,
						self->buf, 3 * self->size));
	expect_as_counted(_metadata, self, self->t.as.pasid, 3, 1);
	EXPECT_EVENTS(1, &self->tr, "iommu_page_request", "addr=0x%lx",
		      (unsigned long)self->mem + 2 * self->size);
}

/* With a PASID that has nobody the SMMU does not ask the kernel */
TEST_F(faults, nobody)
{
	struct sva_as forged = test_forged(&self->t,
					   self->t.info.max_pasids - 1);
	struct sva_test_counters c;

	ASSERT_NE(self->t.as.pasid, forged.pasid);
	ASSERT_NE(0, sva_read(&forged, self->mem, self->buf, 8));
	ASSERT_EQ(0, sva_counters(&self->t.sva, forged.pasid, &c));
	EXPECT_EQ(0, c.page_requests);
	EXPECT_EQ(0, c.stalls);
	trace_read(_metadata, &self->tr);
	EXPECT_TOTAL(0, &self->tr, "iommu_page_request");
	EXPECT_TOTAL(0, &self->tr, "iommu_page_response");
}

/* Page requests as they are by PRI, of a device that asks without being refused */
static void flood(struct __test_metadata *_metadata, TEST_SELF(faults),
		  uint32_t pasid, uint32_t group)
{
	struct sva_as as = test_forged(&self->t, pasid);
	struct sva_test_counters c = {};
	struct sva_test_op op;
	int i;

	if (!(self->t.info.on & SVA_TEST_PRI_ON))
		SKIP(_exit(KSFT_SKIP), "no PRI");
	op = sva_op(&as, SVA_TEST_OP_FLOOD, self->mem, PAGES * self->size);
	op.mode = SVA_TEST_MODE_ATS;
	op.group = group;
	ASSERT_CAUSE(0, sva_do(&self->t.sva, &op));
	for (i = 0; i < PATIENCE_MS / 10 && c.page_responses < PAGES / group;
	     i++) {
		usleep(10000);
		ASSERT_EQ(0, sva_counters(&self->t.sva, pasid, &c));
	}
	EXPECT_EQ(PAGES, c.page_requests);
	EXPECT_EQ(PAGES / group, c.page_responses);
	trace_read(_metadata, &self->tr);
}

TEST_F(faults, forged)
{
	uint32_t pasid = self->t.info.max_pasids - 1;
	struct trace *tr = &self->tr;

	flood(_metadata, self, pasid, 1);
	EXPECT_EVENTS(PAGES, tr, "iommu_page_request", "pasid=%u", pasid);
	EXPECT_EVENTS(PAGES, tr, "iommu_page_response",
		      "requests=0 code=invalid waited=0 ns handled=0 ns");
	EXPECT_TOTAL(PAGES, tr, "iommu_page_request");
	EXPECT_TOTAL(PAGES, tr, "iommu_page_response");
}

TEST_F(faults, groups)
{
	struct trace *tr = &self->tr;

	flood(_metadata, self, self->t.as.pasid, 4);
	EXPECT_EVENTS(PAGES, tr, "iommu_page_request", "perm=r|w");
	EXPECT_EVENTS(PAGES / 4, tr, "iommu_page_request", "last=1");
	EXPECT_EVENTS(PAGES / 4, tr, "iommu_page_response",
		      "requests=4 code=success");
	EXPECT_TOTAL(PAGES, tr, "iommu_page_request");
	EXPECT_TOTAL(PAGES / 4, tr, "iommu_page_response");
}

static bool is_readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1 && p.revents & POLLIN;
}

/* In a child: bind, ask for a page that its parent holds, unbind when told to */
static __noreturn void slow_owner(TEST_SELF(faults), struct test_hand *h,
				  uint8_t *there, int cause)
{
	struct test_dev own = self->t;
	struct sva_test_op op;
	struct sva_as as;
	uint8_t c;

	/* What its parent looks whether it is blocked with is no page fault */
	*there = 2;
	CHILD_CHECK(!sva_open_path(&own.sva, self->t.sva.path));
	CHILD_CHECK(mmap(self->mem, self->size, PROT_READ,
			 MAP_SHARED | MAP_FIXED, own.sva.fd, 0) == self->mem);
	own.as.pasid = 0;
	own.as.sva = &own.sva;
	CHILD_CHECK(!sva_bind_private(&own.sva, &own.as.bond, &own.as.pasid));
	as = test_forged(&own, own.as.pasid);
	op = sva_op(&as, SVA_TEST_OP_READ, self->mem, sizeof(c));
	op.buf = (uintptr_t)&c;
	op.buf_len = sizeof(c);
	op.timeout_ms = 4 * PATIENCE_MS;
	CHILD_CHECK(!sva_submit(&own.sva, &op));
	/* A success is one, if the bond is there until the page has come */
	if (cause) {
		test_wait_go(h);
		CHILD_CHECK(!sva_unbind(&own.sva, own.as.bond));
	}
	CHILD_CHECK(sva_wait(&own.sva, &op) == cause);
	_exit(0);
}

/* Until the PASID of @as, for which @mem was there, is not translated any more */
static bool is_blocked(struct sva_as as, uint8_t *mem)
{
	uint8_t c;
	int i;

	as.mode &= ~SVA_TEST_PAGE_REQUEST;
	for (i = 0; i < PATIENCE_MS / 10; i++) {
		if (sva_read(&as, mem, &c, 1) == test_no_pasid(as.mode))
			return true;
		usleep(10000);
	}
	return false;
}

static void slow(struct __test_metadata *_metadata, TEST_SELF(faults),
		 int cause, const char *code)
{
	struct trace *tr = &self->tr;
	uint8_t *there = sva_pages(1);
	struct test_hand h;
	const char *at;
	uint32_t pasid;

	ASSERT_EQ(0, sva_ioctl(&self->t.sva, SVA_TEST_IOC_SLOW_HOLD, NULL));
	if (!test_fork(_metadata, &h))
		slow_owner(self, &h, there, cause);
	ASSERT_TRUE(is_readable(self->t.sva.fd, PATIENCE_MS));
	trace_read(_metadata, tr);
	pasid = trace_value(trace_next(tr, NULL, "iommu_page_request", ""),
			    " pasid=");
	EXPECT_TOTAL(0, tr, "iommu_page_response");
	if (cause) {
		test_go(_metadata, &h);
		EXPECT_TRUE(is_blocked(test_forged(&self->t, pasid), there));
	}
	usleep(HOLD_MS * 1000);
	ASSERT_EQ(0, sva_ioctl(&self->t.sva, SVA_TEST_IOC_SLOW_RELEASE, NULL));
	test_join(_metadata, &h);

	trace_read(_metadata, tr);
	EXPECT_EVENTS(1, tr, "iommu_page_response",
		      "requests=1 code=%s", code);
	at = trace_next(tr, NULL, "iommu_page_response", code);
	EXPECT_EQ(pasid, trace_value(at, " pasid="));
	EXPECT_LE(HOLD_MS * 1000000ULL, trace_value(at, " handled="));
	EXPECT_GT(PATIENCE_MS * 1000000ULL, trace_value(at, " handled="));
}

/* The time is that of the handler */
TEST_F_TIMEOUT(faults, slow, 60)
{
	slow(_metadata, self, 0, "success");
}

/* The handler has the page, the bond has ended: the answer is another one */
TEST_F_TIMEOUT(faults, slow_unbind, 60)
{
	slow(_metadata, self, variant->denied, "invalid");
}

TEST_HARNESS_MAIN
