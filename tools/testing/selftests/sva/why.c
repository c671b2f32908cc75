// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is the reason for which a process is not bound the one that debugfs gives
 * before anyone tries? The tests look for a device of each kind among all that
 * there are.
 */
#include <poll.h>
#include <signal.h>
#include <sys/time.h>

#include "test_dev.h"

#define MAX_LINES	64
#define MANY_VMAS	2000
#define PATIENCE_MS	10000

/* What the kernel says about one device */
struct said {
	char line[MAX_LINES][200];
	int nr;
};

FIXTURE(why)
{
	struct test_dev t;
	struct said said;
};

FIXTURE_SETUP(why)
{
	char path[128];

	test_open(_metadata, &self->t);
	ASSERT_EQ(0, sva_sysfs(&self->t.sva, "", path, sizeof(path)));
	sva_close(&self->t.sva);
	if (access("/sys/kernel/debug/iommu-sva", F_OK))
		SKIP(_exit(KSFT_SKIP), "no /sys/kernel/debug/iommu-sva");
}

FIXTURE_TEARDOWN(why)
{
	sva_close(&self->t.sva);
}

static void ask(struct __test_metadata *_metadata, TEST_SELF(why))
{
	struct said *said = &self->said;
	char dev[128], path[128];
	FILE *f;

	ASSERT_EQ(0, sva_sysfs(&self->t.sva, "", dev, sizeof(dev)));
	ASSERT_EQ(0, sva_why_path(dev, path, sizeof(path)));
	f = fopen(path, "re");
	ASSERT_NE(NULL, f);
	said->nr = 0;
	while (said->nr < MAX_LINES &&
	       fgets(said->line[said->nr], sizeof(said->line[0]), f))
		said->nr++;
	fclose(f);
}

static bool has_line(const struct said *said, const char *start)
{
	int i;

	for (i = 0; i < said->nr; i++)
		if (!strncmp(said->line[i], start, strlen(start)))
			return true;
	return false;
}

/* One line that begins with the format, and what follows it is not asked for */
#define EXPECT_SAID(...) do { \
	char start[200]; \
	snprintf(start, sizeof(start), __VA_ARGS__); \
	EXPECT_TRUE(has_line(&self->said, start)) { \
		int i; \
		TH_LOG("expected '%s', not", start); \
		for (i = 0; i < self->said.nr; i++) \
			TH_LOG("%s", self->said.line[i]); \
	} \
} while (0)

/* Before anybody tries, by each of the calls */
static void expect_obstacles(struct __test_metadata *_metadata, TEST_SELF(why),
			     const char *private, const char *shared)
{
	ask(_metadata, self);
	EXPECT_SAID("iommu_sva_bind_device_pasid %s: ", private);
	EXPECT_SAID("iommu_sva_bind_device %s: ", shared);
}

static int bind_number(struct sva *sva, uint32_t pasid)
{
	struct sva_test_bind arg = {
		.flags = SVA_TEST_BIND_PRIVATE | SVA_TEST_BIND_UNCHECKED,
		.pasid = pasid,
	};
	int ret = sva_ioctl(sva, SVA_TEST_IOC_BIND, &arg);

	return ret ?: sva_unbind(sva, arg.bond);
}

static void expect_last(struct __test_metadata *_metadata, TEST_SELF(why),
			uint32_t pasid, int code, const char *reason)
{
	ask(_metadata, self);
	EXPECT_SAID("last refused: pasid %d code %d %s: ", (int)pasid, code,
		    reason);
}

/* With a PASID of the driver's */
static void expect_refused(struct __test_metadata *_metadata, TEST_SELF(why),
			   uint32_t pasid, int code, const char *reason)
{
	EXPECT_EQ(code, bind_number(&self->t.sva, pasid));
	expect_last(_metadata, self, pasid, code, reason);
}

/* With one of the global space, of which the process gets none */
static void expect_shared_refused(struct __test_metadata *_metadata,
				  TEST_SELF(why), int code, const char *reason)
{
	struct sva_as as;

	EXPECT_EQ(code, test_bind_as(&self->t.sva, &as, 0));
	expect_last(_metadata, self, SVA_NO_PASID, code, reason);
}

static bool find(struct test_dev *t, bool (*wanted)(struct test_dev *t))
{
	int nr = 0;

	while (test_next(t, &nr)) {
		if (wanted(t))
			return true;
		sva_close(&t->sva);
	}
	return false;
}

static bool pasids_on(struct test_dev *t)
{
	return t->info.on & SVA_TEST_PASID_ON ||
	       !(t->info.caps & SVA_TEST_CAPS_PASID_BITS);
}

static bool is_pci(struct test_dev *t)
{
	return !strncmp(t->info.name, "0000:", 5);
}

static bool healthy(struct test_dev *t)
{
	bool ats = true;

#ifdef __x86_64__
	ats = t->info.on & SVA_TEST_ATS_ON;
#endif
	return t->info.max_pasids > 8 && ats;
}

/* Whatever is said, it must be so: both calls, each device */
TEST_F(why, all_as_said)
{
	int nr = 0, nr_ok = 0;
	struct sva_as as;
	bool ok;

	while (test_next(&self->t, &nr)) {
		ask(_metadata, self);
		ok = has_line(&self->said, "iommu_sva_bind_device_pasid OK:");
		EXPECT_EQ(ok, !bind_number(&self->t.sva, 1));
		/* A process that has just exited may still have the only one */
		if (!self->t.info.max_pasids || self->t.info.max_pasids > 8) {
			ok = has_line(&self->said, "iommu_sva_bind_device OK:");
			EXPECT_EQ(ok, !test_bind_as(&self->t.sva, &as, 0));
			nr_ok += ok;
		}
		sva_close(&self->t.sva);
	}
	EXPECT_GE(nr, 1);
	EXPECT_GE(nr_ok, 1);
}

TEST_F(why, nothing)
{
	uint32_t bond, pasid = 0;
	struct sva_as as;

	ASSERT_TRUE(find(&self->t, healthy));
	expect_obstacles(_metadata, self, "OK", "OK");
	ASSERT_EQ(0, sva_bind_private(&self->t.sva, &bond, &pasid));
	ASSERT_EQ(0, test_bind_as(&self->t.sva, &as, 0));
	expect_obstacles(_metadata, self, "OK", "OK");
	EXPECT_SAID("pasid %u TAKEN_PRIVATE: ", pasid);
	EXPECT_SAID("pasid %u TAKEN_SHARED: ", as.pasid);
}

static bool no_capability(struct test_dev *t)
{
	return !(t->info.caps & SVA_TEST_CAPS_PASID_BITS) && is_pci(t);
}

TEST_F(why, no_capability)
{
	if (!find(&self->t, no_capability))
		SKIP(return, "no device without PASIDs");
	expect_obstacles(_metadata, self, "NO_PASID_CAP", "NO_PASID_CAP");
	expect_refused(_metadata, self, 1, -EOPNOTSUPP, "NO_PASID_CAP");
	expect_refused(_metadata, self, 0, -EOPNOTSUPP, "NO_PASID_CAP");
	expect_shared_refused(_metadata, self, -ENOSPC, "NO_PASID_CAP");
}

static bool no_acs(struct test_dev *t)
{
	return !pasids_on(t) && is_pci(t);
}

/* It is the function itself that has none */
TEST_F(why, no_acs)
{
	int i;

	if (!find(&self->t, no_acs))
		SKIP(return, "no device whose PASIDs cannot be enabled");
	expect_obstacles(_metadata, self, "NO_ACS", "NO_ACS");
	for (i = 0; i < 2; i++)
		EXPECT_NE(NULL, strstr(self->said.line[i],
				       self->t.info.name));
	expect_refused(_metadata, self, 1, -EOPNOTSUPP, "NO_ACS");
	expect_shared_refused(_metadata, self, -ENOSPC, "NO_ACS");
}

static bool no_ats(struct test_dev *t)
{
	return t->info.max_pasids && !(t->info.caps & SVA_TEST_CAPS_ATS) &&
	       is_pci(t);
}

TEST_F(why, no_ats)
{
	struct sva_as as;

	if (!find(&self->t, no_ats))
		SKIP(return, "no device without ATS");
#ifdef __x86_64__
	expect_obstacles(_metadata, self, "NO_ATS", "NO_ATS");
	expect_refused(_metadata, self, 1, -EOPNOTSUPP, "NO_ATS");
	EXPECT_EQ(-EOPNOTSUPP, test_bind_as(&self->t.sva, &as, 0));
	/* The process has a PASID from this call, if nothing else */
	expect_last(_metadata, self, test_enqcmd_pasid(&self->t.sva),
		    -EOPNOTSUPP, "NO_ATS");
#else
	/* SMMUv3 does not need it */
	expect_obstacles(_metadata, self, "OK", "OK");
	EXPECT_EQ(0, bind_number(&self->t.sva, 1));
	EXPECT_EQ(0, test_bind_as(&self->t.sva, &as, 0));
#endif
}

TEST_F(why, bad_number)
{
	uint32_t max;

	ASSERT_TRUE(find(&self->t, healthy));
	max = self->t.info.max_pasids;
	expect_refused(_metadata, self, 0, -EINVAL, "PASID_ZERO");
	expect_refused(_metadata, self, max, -EINVAL, "PASID_LIMIT");
	expect_refused(_metadata, self, SVA_NO_PASID, -EINVAL, "PASID_LIMIT");
	/* That is no fault of the device's */
	expect_obstacles(_metadata, self, "OK", "OK");
	EXPECT_EQ(0, bind_number(&self->t.sva, max - 1));
}

/* matrix: 15 */
TEST_F(why, number_in_use)
{
	struct sva_test_bind dma = {};
	uint32_t bond, pasid = 0;
	struct sva_as as;
	int ret;

	ASSERT_TRUE(find(&self->t, healthy));
	ASSERT_EQ(0, sva_bind_private(&self->t.sva, &bond, &pasid));
	expect_refused(_metadata, self, pasid, -EBUSY, "TAKEN_PRIVATE");
	EXPECT_SAID("pasid %u TAKEN_PRIVATE: ", pasid);
	ASSERT_EQ(0, sva_unbind(&self->t.sva, bond));
	EXPECT_EQ(0, bind_number(&self->t.sva, pasid));
	ask(_metadata, self);
	EXPECT_FALSE(has_line(&self->said, "pasid "));

	ASSERT_EQ(0, test_bind_as(&self->t.sva, &as, 0));
	expect_refused(_metadata, self, as.pasid, -EBUSY, "TAKEN_SHARED");
	EXPECT_SAID("pasid %u TAKEN_SHARED: ", as.pasid);

	/* SMMUv3 has none where the DMA API does not translate */
	ret = sva_ioctl(&self->t.sva, SVA_TEST_IOC_ATTACH_DMA, &dma);
	if (ret && self->t.info.domain == SVA_DOMAIN_PT)
		return;
	ASSERT_EQ(0, ret);
	expect_refused(_metadata, self, dma.pasid, -EBUSY, "TAKEN_DOMAIN");
	EXPECT_SAID("pasid %u TAKEN_DOMAIN: ", dma.pasid);
}

/* The device has one PASID, which is taken; and a process has a larger one */
/* matrix: 16 */
TEST_F(why, limit)
{
	uint32_t bond, pasid = 0;
	struct test_dev other;
	struct sva_as as;
	int i;

	if (test_find(&self->t, 0, 2))
		SKIP(return, "no device with one PASID");
	/* It may be that of a process that has just exited */
	for (i = 0; i < 100; i++) {
		test_stir_cpus();
		if (!sva_bind_private(&self->t.sva, &bond, &pasid))
			break;
	}
	ASSERT_EQ(1, pasid);
	expect_obstacles(_metadata, self, "OK", "GLOBAL_TAKEN");
	expect_shared_refused(_metadata, self, -ENOSPC, "GLOBAL_TAKEN");

	ASSERT_TRUE(find(&other, healthy));
	ASSERT_EQ(0, test_bind_as(&other.sva, &as, 0));
	EXPECT_EQ(-EOVERFLOW, test_bind_as(&self->t.sva, &as, 0));
	expect_last(_metadata, self, test_enqcmd_pasid(&self->t.sva),
		    -EOVERFLOW, "PROCESS_LIMIT");
	sva_close(&other.sva);
}

/* In a child: a bond that ends while the device waits for a page of the parent */
static __noreturn void ending(TEST_SELF(why), struct test_hand *h, void *mem)
{
	struct sva_test_bind bond = {
		.flags = SVA_TEST_BIND_PRIVATE | SVA_TEST_BIND_UNCHECKED,
		.pasid = 1,
	};
	struct test_dev own = self->t;
	struct sva_test_op op;
	struct sva_as as;
	uint8_t c;

	CHILD_CHECK(!sva_open_path(&own.sva, self->t.sva.path));
	CHILD_CHECK(mmap(mem, sva_page_size(), PROT_READ,
			 MAP_SHARED | MAP_FIXED, own.sva.fd, 0) == mem);
	CHILD_CHECK(!sva_ioctl(&own.sva, SVA_TEST_IOC_BIND, &bond));
	own.as.sva = &own.sva;
	own.as.mode = own.info.on & SVA_TEST_PRI_ON ?
		      SVA_TEST_MODE_ATS | SVA_TEST_PAGE_REQUEST :
		      SVA_TEST_MODE_UNTRANSLATED;
	/* By the raw PASID, so that the operation does not end with the bond */
	as = test_forged(&own, bond.pasid);
	op = sva_op(&as, SVA_TEST_OP_READ, mem, sizeof(c));
	op.buf = (uintptr_t)&c;
	op.buf_len = sizeof(c);
	op.timeout_ms = 4 * PATIENCE_MS;
	CHILD_CHECK(!sva_submit(&own.sva, &op));
	test_wait_go(h);
	CHILD_CHECK(!sva_unbind(&own.sva, bond.bond));
	CHILD_CHECK(sva_wait(&own.sva, &op));
	_exit(0);
}

/* A PASID is in use until the last page request with it has been answered */
TEST_F_TIMEOUT(why, ending, 60)
{
	struct pollfd p = { .events = POLLIN };
	void *mem = sva_pages(1);
	struct test_hand child;
	bool seen = false;
	int i;

	if (test_find(&self->t, SVA_TEST_PRI_ON, 0) &&
	    test_find(&self->t, SVA_TEST_STALL_ON, 0))
		SKIP(return, "no PRI");
	ASSERT_EQ(0, sva_ioctl(&self->t.sva, SVA_TEST_IOC_SLOW_HOLD, NULL));
	if (!test_fork(_metadata, &child))
		ending(self, &child, mem);
	p.fd = self->t.sva.fd;
	ASSERT_EQ(1, poll(&p, 1, PATIENCE_MS));
	expect_refused(_metadata, self, 1, -EBUSY, "TAKEN_PRIVATE");

	test_go(_metadata, &child);
	for (i = 0; i < PATIENCE_MS / 10 && !seen; i++) {
		usleep(10000);
		ask(_metadata, self);
		seen = has_line(&self->said, "pasid 1 TAKEN_ENDING: ");
	}
	EXPECT_SAID("pasid 1 TAKEN_ENDING: ");
	expect_refused(_metadata, self, 1, -EBUSY, "TAKEN_ENDING");
	ASSERT_EQ(0, sva_ioctl(&self->t.sva, SVA_TEST_IOC_SLOW_RELEASE, NULL));
	test_join(_metadata, &child);
	EXPECT_EQ(0, bind_number(&self->t.sva, 1));
	ask(_metadata, self);
	EXPECT_FALSE(has_line(&self->said, "pasid "));
}

static void on_alarm(int sig)
{
	(void)sig;
}

static int bind_shared(struct sva *sva)
{
	uint32_t bond, pasid;

	return sva_bind(sva, &bond, &pasid) ?: sva_unbind(sva, bond);
}

/* Bind and unbind while signals come. PASID 0: by the call that shares bonds */
static int bind_until_signal(struct sva *sva, uint32_t pasid)
{
	const struct itimerval often = {
		.it_interval.tv_usec = 1000,
		.it_value.tv_usec = 1000,
	}, never = {};
	int i, ret = 0;

	setitimer(ITIMER_REAL, &often, NULL);
	for (i = 0; i < 1000 && !ret; i++)
		ret = pasid ? bind_number(sva, pasid) : bind_shared(sva);
	setitimer(ITIMER_REAL, &never, NULL);
	return ret;
}

/* The more there is in the address space, the longer does a first bond take */
TEST_F_TIMEOUT(why, signal, 60)
{
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	uint8_t *mem = sva_pages(2 * MANY_VMAS);
	size_t size = sva_page_size();
	int i;

	ASSERT_TRUE(find(&self->t, healthy));
	for (i = 0; i < MANY_VMAS; i++)
		ASSERT_EQ(0, mprotect(mem + 2 * i * size, size, PROT_READ));
	ASSERT_EQ(0, sigaction(SIGALRM, &sa, NULL));
	EXPECT_EQ(-EINTR, bind_until_signal(&self->t.sva, 1));
	expect_last(_metadata, self, 1, -EINTR, "SIGNAL");
	EXPECT_EQ(-EINTR, bind_until_signal(&self->t.sva, 0));
	expect_last(_metadata, self, test_enqcmd_pasid(&self->t.sva), -EINTR,
		    "SIGNAL");
	/* It was about the moment */
	expect_obstacles(_metadata, self, "OK", "OK");
	EXPECT_EQ(0, bind_number(&self->t.sva, 1));
}

/* VT-d has a table of PASIDs beside any domain, SMMUv3 has not */
TEST_F(why, rid_on_stage2)
{
	struct sva_test_bind arg = {};
	int ret;

	ASSERT_TRUE(find(&self->t, healthy));
	ret = sva_ioctl(&self->t.sva, SVA_TEST_IOC_ATTACH_STAGE2, &arg);
	if (ret == -EOPNOTSUPP)
		SKIP(return, "the IOMMU cannot nest");
	ASSERT_EQ(0, ret);
#ifdef __x86_64__
	expect_obstacles(_metadata, self, "OK", "OK");
	EXPECT_EQ(0, bind_number(&self->t.sva, 1));
#else
	expect_obstacles(_metadata, self, "RID_STAGE2", "RID_STAGE2");
	expect_refused(_metadata, self, 1, -EOPNOTSUPP, "RID_STAGE2");
#endif
	ASSERT_EQ(0, sva_unbind(&self->t.sva, arg.bond));
	expect_obstacles(_metadata, self, "OK", "OK");
}

TEST_HARNESS_MAIN
