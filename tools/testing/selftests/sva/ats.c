// SPDX-License-Identifier: GPL-2.0-only
/*
 * When ATS is on, and what the device can reach then
 *
 * ATS is on while there is a user of it: an address space for requests without
 * a PASID, or a PASID that is attached. Memory that is not translated (identity)
 * is no such address space. A device that needs ATS has it with identity, too.
 *
 * Off means that the device has ATS disabled, and that the IOMMU refuses what a
 * device claims to be translated already.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#include "test_dev.h"
#include "test_pci.h"

#define LEN	TEST_WORKS_LEN
#define USERS	2
#define CHANNEL	(SVA_TEST_NR_CHANNELS - 1)	/* one that the driver leaves alone */

/* What requests without a PASID are for */
enum rid {
	RID_BLOCKED,
	RID_IDENTITY,
	RID_DMA,
};

#define REFUSED		SVA_TEST_CAUSE_REFUSED
#define DENIED		SVA_TEST_CAUSE_ATS_DENIED
#define NO_ACCESS	SVA_TEST_CAUSE_ATS_NO_ACCESS

/*
 * How requests without a PASID end, whose address is the physical one of a page
 * that the DMA API has not mapped. There is one enable of ATS for each device:
 * with any user a request that claims to be translated gets through.
 */
static const struct state {
	enum rid rid;
	bool needs_ats;		/* the device */
	bool pasids;		/* at least one is attached */
	bool ats;
	int untranslated;
	int request;		/* of a translation */
	int translated;
} states[] = {
	{ RID_BLOCKED, false, false, false, REFUSED, DENIED, REFUSED },
	{ RID_BLOCKED, false, true, true, REFUSED, DENIED, 0 },
	{ RID_IDENTITY, false, false, false, 0, DENIED, REFUSED },
	{ RID_IDENTITY, false, true, true, 0, 0, 0 },
	{ RID_DMA, false, false, true, REFUSED, NO_ACCESS, 0 },
	{ RID_DMA, false, true, true, REFUSED, NO_ACCESS, 0 },
	{ RID_BLOCKED, true, false, false, REFUSED, DENIED, REFUSED },
	{ RID_BLOCKED, true, true, true, REFUSED, DENIED, 0 },
	{ RID_IDENTITY, true, false, true, 0, 0, 0 },
	{ RID_IDENTITY, true, true, true, 0, 0, 0 },
	{ RID_DMA, true, false, true, REFUSED, NO_ACCESS, 0 },
	{ RID_DMA, true, true, true, REFUSED, NO_ACCESS, 0 },
};

static const struct state *find_state(enum rid rid, bool needs_ats, bool pasids)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(states); i++)
		if (states[i].rid == rid && states[i].needs_ats == needs_ats &&
		    states[i].pasids == pasids)
			return &states[i];
	return NULL;
}

/* pci=noats: nothing turns ATS on */
static bool no_ats_option(void)
{
	char line[4096] = "";
	FILE *f = fopen("/proc/cmdline", "re");

	if (f) {
		if (!fgets(line, sizeof(line), f))
			line[0] = '\0';
		fclose(f);
	}
	return strstr(line, "noats");
}

/* A process that has the device, and does what it is told */
struct user {
	struct test_hand hand;
	bool there;
};

#define BIND	'b'
#define WORK	'w'
#define UNBIND	'u'
#define EXIT	'e'

/* matrix: 28 30 */
FIXTURE(states)
{
	struct test_dev t;
	struct user users[USERS];
	int nr_users;
	char name[32];
	char type[128];		/* path of the group's */
	bool off;		/* never on */
	uint8_t *mem;		/* a page that was touched */
	uint64_t physical;	/* its address */
	struct test_regs regs;
};

FIXTURE_VARIANT(states)
{
	enum rid rid;
	bool needs_ats;
};

FIXTURE_VARIANT_ADD(states, blocked)
{
	.rid = RID_BLOCKED,
};

FIXTURE_VARIANT_ADD(states, identity)
{
	.rid = RID_IDENTITY,
};

FIXTURE_VARIANT_ADD(states, dma)
{
	.rid = RID_DMA,
};

/* matrix: 29 */
FIXTURE_VARIANT_ADD(states, blocked_needs)
{
	.rid = RID_BLOCKED,
	.needs_ats = true,
};

/* matrix: 29 */
FIXTURE_VARIANT_ADD(states, identity_needs)
{
	.rid = RID_IDENTITY,
	.needs_ats = true,
};

/* matrix: 29 */
FIXTURE_VARIANT_ADD(states, dma_needs)
{
	.rid = RID_DMA,
	.needs_ats = true,
};

static bool is_busy(struct sva *sva, struct sva_test_op *op)
{
	return !sva_peek(sva, op) &&
	       (op->state & SVA_TEST_STATE) == SVA_TEST_BUSY;
}

/*
 * As sva_do(). Where requests without a PASID are blocked interrupts can be, so
 * don't wait for one.
 */
static int run(struct sva *sva, struct sva_test_op *op)
{
	int ret = sva_submit(sva, op);

	if (ret)
		return ret;
	(void)SOON(10000, !is_busy(sva, op));
	sva_abort(sva, op);
	return sva_wait(sva, op);
}

/* Some device that is as wanted, not yet touched */
static bool find(struct test_dev *t, bool needs)
{
	int nr = 0;

	while (test_next(t, &nr)) {
		if (t->info.caps & SVA_TEST_CAPS_ATS && t->info.max_pasids > USERS &&
		    dev_needs_ats(t->info.name) == needs)
			return true;
		sva_close(&t->sva);
	}
	return false;
}

/* A page that was touched, and is not copied when processes are made */
static uint8_t *own_page(void)
{
	uint8_t *mem = sva_pages(1);

	madvise(mem, sva_page_size(), MADV_DONTFORK);
	mem[0] = 0;
	return mem;
}

static void change_driver(TEST_SELF(states), const char *driver, const char *type)
{
	sva_close(&self->t.sva);
	pci_write(self->name, "driver/unbind", self->name);
	if (type)
		sva_write_file(self->type, type);
	pci_write(self->name, "driver_override", driver);
	sva_write_file("/sys/bus/pci/drivers_probe", self->name);
}

static void expect_device(struct __test_metadata *_metadata, TEST_SELF(states))
{
	ASSERT_TRUE(SOON(10000, !sva_open_path(&self->t.sva, self->t.sva.path)));
	ASSERT_EQ(0, sva_info(&self->t.sva, &self->t.info));
	ASSERT_STREQ(self->name, self->t.info.name);
}

FIXTURE_SETUP(states)
{
	static const char * const types[] = {
		[RID_BLOCKED] = NULL,
		[RID_IDENTITY] = "identity",
		[RID_DMA] = "DMA",
	};
	static const uint32_t domains[] = {
		[RID_BLOCKED] = 0,
		[RID_IDENTITY] = SVA_DOMAIN_PT,
		[RID_DMA] = SVA_DOMAIN_PAGING | SVA_DOMAIN_DMA_API,
	};

	if (!find(&self->t, variant->needs_ats))
		SKIP(_exit(KSFT_SKIP), "no device with ATS");
	self->off = no_ats_option();
	if (!self->off && !(self->t.info.on & SVA_TEST_ATS_ON))
		SKIP(_exit(KSFT_SKIP), "no ATS");

	strcpy(self->name, self->t.info.name);
	pci_path(self->name, "iommu_group/type", self->type,
		 sizeof(self->type));
	self->mem = own_page();
	self->physical = sva_pfn(self->mem) * sva_page_size();
	ASSERT_NE(0, self->physical);

	change_driver(self, variant->rid == RID_BLOCKED ? "sva-test-owner" :
							  "sva-test",
		      types[variant->rid]);
	expect_device(_metadata, self);
	ASSERT_EQ(domains[variant->rid],
		  self->t.info.domain & ~SVA_DOMAIN_DMA_FQ);
	self->regs.channel = CHANNEL;
	self->regs.select = SVA_TEST_CNT_NO_PASID;
	ASSERT_EQ(0, map_registers(&self->regs, self->name));
}

FIXTURE_TEARDOWN(states)
{
	change_driver(self, "\n", "auto");
	EXPECT_TRUE(SOON(10000, !access(self->t.sva.path, R_OK | W_OK)));
}

static struct state expected(TEST_SELF(states), enum rid rid, bool needs_ats)
{
	struct state s = *find_state(rid, needs_ats, self->nr_users);

	if (self->off) {
		s.ats = false;
		s.request = DENIED;
		s.translated = REFUSED;
	}
	return s;
}

static struct sva_test_op op_at(TEST_SELF(states), uint32_t op, uint32_t mode,
				uint64_t addr)
{
	struct sva_as as = {
		.sva = &self->t.sva,
		.as = SVA_TEST_AS_RID,
		.mode = mode,
	};

	return sva_op(&as, op, (void *)(uintptr_t)addr, LEN);
}

/* What the device has counted of one request that ended with @cause */
static void expect_counted(struct __test_metadata *_metadata, TEST_SELF(states),
			   uint32_t mode, int cause)
{
	struct sva_test_counters c;

	ASSERT_EQ(0, sva_counters(&self->t.sva, SVA_TEST_CNT_NO_PASID, &c));
	EXPECT_EQ(cause ? 0 : LEN, c.bytes_written + c.bytes_read);
	EXPECT_EQ(!cause, c.answered);
	EXPECT_EQ(cause == REFUSED, c.refused);
	EXPECT_EQ(mode == SVA_TEST_MODE_ATS, c.ats_requests + c.atc_hits);
	EXPECT_EQ(cause == DENIED, c.ats_denied);
}

/* Write to the page */
static void attempt(struct __test_metadata *_metadata, TEST_SELF(states),
		    uint32_t mode, int cause)
{
	struct sva_test_op op = op_at(self, SVA_TEST_OP_FILL, mode,
				      self->physical);

	memset(&op.data, 0xee, sizeof(op.data));
	sva_pattern(self->mem, LEN, 1);
	ASSERT_EQ(0, sva_counters_clear(&self->t.sva));
	EXPECT_CAUSE(cause, run(&self->t.sva, &op));
	EXPECT_EQ(!cause, sva_is_byte(self->mem, LEN, 0xee));
	EXPECT_EQ(!!cause, sva_is_pattern(self->mem, LEN, 1));
	expect_counted(_metadata, self, mode, cause);
}

/* Read what nobody has mapped for the device, and what must not be changed */
static void attempt_read(struct __test_metadata *_metadata, TEST_SELF(states),
			 uint64_t addr, uint32_t mode, int cause)
{
	struct sva_test_op op = op_at(self, SVA_TEST_OP_READ, mode, addr);
	uint8_t buf[LEN];

	op.buf = (uintptr_t)buf;
	op.buf_len = LEN;
	ASSERT_EQ(0, sva_counters_clear(&self->t.sva));
	EXPECT_CAUSE(cause, run(&self->t.sva, &op));
	expect_counted(_metadata, self, mode, cause);
}

static void expect_state(struct __test_metadata *_metadata, TEST_SELF(states),
			 struct state s)
{
	EXPECT_EQ(s.ats, ats_enabled(self->name));
	attempt(_metadata, self, SVA_TEST_MODE_UNTRANSLATED, s.untranslated);
	attempt(_metadata, self, SVA_TEST_MODE_ATS, s.request);
	attempt(_metadata, self, SVA_TEST_MODE_TRANSLATED, s.translated);
}

/* The same for all that lies at @addr */
static void expect_reads(struct __test_metadata *_metadata, TEST_SELF(states),
			 uint64_t addr, struct state s)
{
	attempt_read(_metadata, self, addr, SVA_TEST_MODE_UNTRANSLATED,
		     s.untranslated);
	attempt_read(_metadata, self, addr, SVA_TEST_MODE_ATS, s.request);
	attempt_read(_metadata, self, addr, SVA_TEST_MODE_TRANSLATED,
		     s.translated);
}

#define EXPECT_STATE() \
	expect_state(_metadata, self, \
		     expected(self, variant->rid, variant->needs_ats))

/* The user's side */

static bool user_works(struct sva_as as, uint32_t mode, uint8_t *mem)
{
	struct sva_test_op op;

	as.mode = mode;
	op = sva_op(&as, SVA_TEST_OP_FILL, mem, LEN);
	memset(&op.data, 0x5a, sizeof(op.data));
	sva_pattern(mem, LEN, 1);
	return !run(as.sva, &op) && sva_is_byte(mem, LEN, 0x5a);
}

static __noreturn void user_main(TEST_SELF(states), struct test_hand *h)
{
	struct sva sva;
	struct sva_as as = { .sva = &sva };
	uint8_t *mem = sva_pages(1);
	char c;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	CHILD_CHECK(!sva_open_path(&sva, self->t.sva.path));
	while (read(h->down[0], &c, 1) == 1) {
		if (c == EXIT)
			_exit(0);
		if (c == BIND)
			CHILD_CHECK(!test_bind_as(&sva, &as, 0));
		if (c == UNBIND) {
			CHILD_CHECK(!sva_unbind(&sva, as.bond));
		} else {
			CHILD_CHECK(user_works(as, SVA_TEST_MODE_UNTRANSLATED,
					       mem));
			CHILD_CHECK(user_works(as, SVA_TEST_MODE_ATS, mem) ||
				    self->off);
		}
		test_say(h);
	}
	_exit(1);
}

/* The test's side */

static void tell(struct __test_metadata *_metadata, TEST_SELF(states), int nr,
		 char what)
{
	ASSERT_EQ(1, write(self->users[nr].hand.down[1], &what, 1));
	test_heard(_metadata, &self->users[nr].hand);
}

static void begin(struct __test_metadata *_metadata, TEST_SELF(states), int nr)
{
	struct user *u = &self->users[nr];

	if (!u->there && !test_fork(_metadata, &u->hand))
		user_main(self, &u->hand);
	u->there = true;
	tell(_metadata, self, nr, BIND);
	self->nr_users++;
}

static void end(struct __test_metadata *_metadata, TEST_SELF(states), int nr)
{
	tell(_metadata, self, nr, UNBIND);
	self->nr_users--;
}

static void kill_user(struct __test_metadata *_metadata, TEST_SELF(states),
		      int nr)
{
	struct user *u = &self->users[nr];

	ASSERT_EQ(0, kill(u->hand.pid, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, test_reap(u->hand.pid));
	u->there = false;
	self->nr_users--;
}

TEST_F(states, first_in_first_out)
{
	EXPECT_STATE();
	begin(_metadata, self, 0);
	EXPECT_STATE();
	begin(_metadata, self, 1);
	EXPECT_STATE();
	end(_metadata, self, 0);
	EXPECT_STATE();
	tell(_metadata, self, 1, WORK);
	end(_metadata, self, 1);
	EXPECT_STATE();
	begin(_metadata, self, 1);
	EXPECT_STATE();
}

TEST_F(states, last_in_first_out)
{
	begin(_metadata, self, 0);
	begin(_metadata, self, 1);
	EXPECT_STATE();
	end(_metadata, self, 1);
	EXPECT_STATE();
	tell(_metadata, self, 0, WORK);
	end(_metadata, self, 0);
	EXPECT_STATE();
}

TEST_F(states, killed)
{
	begin(_metadata, self, 0);
	begin(_metadata, self, 1);
	kill_user(_metadata, self, 0);
	EXPECT_STATE();
	tell(_metadata, self, 1, WORK);
	kill_user(_metadata, self, 1);
	EXPECT_STATE();
}

/* The reset clears the enable bit in the device. */
static void reset(struct __test_metadata *_metadata, TEST_SELF(states))
{
	ASSERT_EQ(0, pci_write(self->name, "reset", "1"));
}

TEST_F_TIMEOUT(states, reset, 60)
{
	reset(_metadata, self);
	EXPECT_STATE();
	begin(_metadata, self, 0);
	reset(_metadata, self);
	EXPECT_STATE();
	tell(_metadata, self, 0, WORK);
	begin(_metadata, self, 1);
	reset(_metadata, self);
	EXPECT_STATE();
	end(_metadata, self, 0);
	reset(_metadata, self);
	tell(_metadata, self, 1, WORK);
	end(_metadata, self, 1);
	EXPECT_STATE();
}

/* A device that goes on in spite of a reset */

static void let_run(TEST_SELF(states))
{
	run_free(&self->regs, self->physical, LEN, 0xee,
		 SVA_TEST_MODE_TRANSLATED);
}

static void expect_reset_stops(struct __test_metadata *_metadata,
			       TEST_SELF(states), bool passes)
{
	const uint32_t usual = passes ? SVA_TEST_CNT_ANSWERED :
					SVA_TEST_CNT_REFUSED;
	uint64_t answered, refused;

	let_run(self);
	EXPECT_TRUE(SOON(10000, counter(&self->regs, usual) > 10));
	refused = counter(&self->regs, SVA_TEST_CNT_REFUSED);
	EXPECT_EQ(passes, !refused);
	reset(_metadata, self);
	EXPECT_GT(counter(&self->regs, SVA_TEST_CNT_REFUSED), refused);
	answered = counter(&self->regs, SVA_TEST_CNT_ANSWERED);
	refused = counter(&self->regs, SVA_TEST_CNT_REFUSED);
	EXPECT_TRUE(SOON(10000, counter(&self->regs, SVA_TEST_CNT_ATTEMPTS) >
				answered + refused + 10));
	EXPECT_EQ(passes,
		  counter(&self->regs, SVA_TEST_CNT_ANSWERED) != answered);
	EXPECT_EQ(passes,
		  counter(&self->regs, SVA_TEST_CNT_REFUSED) == refused);
	EXPECT_EQ(passes, answered != 0);
	channel(&self->regs, SVA_TEST_COMMAND, SVA_TEST_OP_ABORT);
	set_reg(&self->regs, SVA_TEST_KNOBS, 0);
}

TEST_F_TIMEOUT(states, in_reset, 60)
{
	struct state s;

	s = expected(self, variant->rid, variant->needs_ats);
	expect_reset_stops(_metadata, self, !s.translated);
	begin(_metadata, self, 0);
	s = expected(self, variant->rid, variant->needs_ats);
	expect_reset_stops(_metadata, self, !s.translated);
	tell(_metadata, self, 0, WORK);
}

/*
 * Requests without a PASID get an address space in which nothing is mapped, and
 * lose it again, while PASIDs are attached.
 */
TEST_F_TIMEOUT(states, rid_changes, 60)
{
	struct sva_test_bind arg;
	int i;

	for (i = 0; i <= USERS; i++) {
		if (i)
			begin(_metadata, self, i - 1);
		arg = (struct sva_test_bind) {};
		ASSERT_EQ(0, sva_ioctl(&self->t.sva, SVA_TEST_IOC_ATTACH_PAGING,
				       &arg));
		expect_state(_metadata, self,
			     expected(self, RID_DMA, variant->needs_ats));
		if (i)
			tell(_metadata, self, i - 1, WORK);
		ASSERT_EQ(0, sva_unbind(&self->t.sva, arg.bond));
		EXPECT_STATE();
		if (i)
			tell(_metadata, self, i - 1, WORK);
	}
}

/* The PASID comes and goes while requests without one have that. */
TEST_F_TIMEOUT(states, user_while_rid_changed, 60)
{
	struct sva_test_bind arg = {};

	ASSERT_EQ(0, sva_ioctl(&self->t.sva, SVA_TEST_IOC_ATTACH_PAGING, &arg));
	begin(_metadata, self, 0);
	reset(_metadata, self);
	expect_state(_metadata, self,
		     expected(self, RID_DMA, variant->needs_ats));
	end(_metadata, self, 0);
	expect_state(_metadata, self,
		     expected(self, RID_DMA, variant->needs_ats));
	begin(_metadata, self, 0);
	ASSERT_EQ(0, sva_unbind(&self->t.sva, arg.bond));
	EXPECT_STATE();
	end(_metadata, self, 0);
	EXPECT_STATE();
}

/* Another device must not notice. */
TEST_F_TIMEOUT(states, other_device, 60)
{
	struct test_dev other = {};
	struct sva_test_counters c;
	uint8_t *mem = own_page();
	struct sva_test_op op;
	uint64_t rounds;
	int i, nr = 0;

	while (test_next(&other, &nr) &&
	       (!strcmp(other.info.name, self->name) || !other.info.max_pasids))
		sva_close(&other.sva);
	ASSERT_LE(0, other.sva.fd);
	ASSERT_EQ(0, test_bind_as(&other.sva, &other.as,
				  self->off ? SVA_TEST_MODE_UNTRANSLATED :
					      SVA_TEST_MODE_ATS));
	op = sva_op(&other.as, SVA_TEST_OP_FILL, mem, LEN);
	op.mode |= SVA_TEST_REPEAT;
	op.interval_us = 200;
	ASSERT_EQ(0, sva_counters_clear(&other.sva));
	ASSERT_EQ(0, sva_submit(&other.sva, &op));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, sva_peek(&other.sva, &op));
		rounds = op.rounds;
		begin(_metadata, self, 0);
		begin(_metadata, self, 1);
		end(_metadata, self, i % 2);
		reset(_metadata, self);
		end(_metadata, self, !(i % 2));
		EXPECT_TRUE(SOON(10000, sva_peek(&other.sva, &op) ||
				 op.rounds > rounds + 10));
		EXPECT_EQ(SVA_TEST_BUSY, op.state & SVA_TEST_STATE);
	}
	sva_abort(&other.sva, &op);
	ASSERT_EQ(0, sva_counters(&other.sva, other.as.pasid, &c));
	EXPECT_EQ(0, c.refused);
	EXPECT_EQ(0, c.ats_denied);
	sva_close(&other.sva);
}

/* The address at which a line of /proc/iomem that ends with @name begins */
static uint64_t find_memory(const char *name)
{
	unsigned long long start = 0, end;
	uint64_t found = 0;
	FILE *f = fopen("/proc/iomem", "re");
	char line[256];

	while (f && !found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (strlen(line) < strlen(name) ||
		    strcmp(line + strlen(line) - strlen(name), name))
			continue;
		if (sscanf(line, " %llx-%llx", &start, &end) == 2)
			found = start;
	}
	if (f)
		fclose(f);
	return found;
}

static void expect_reads_by_users(struct __test_metadata *_metadata,
				  TEST_SELF(states),
				  const struct _fixture_variant_states *variant,
				  uint64_t addr)
{
	ASSERT_NE(0, addr);
	expect_reads(_metadata, self, addr,
		     expected(self, variant->rid, variant->needs_ats));
	begin(_metadata, self, 0);
	expect_reads(_metadata, self, addr,
		     expected(self, variant->rid, variant->needs_ats));
	end(_metadata, self, 0);
	expect_reads(_metadata, self, addr,
		     expected(self, variant->rid, variant->needs_ats));
}

/* What holds for the memory of a process holds for the kernel's. */
TEST_F_TIMEOUT(states, kernel_memory, 60)
{
	expect_reads_by_users(_metadata, self, variant,
			      find_memory("Kernel code"));
}

/* Registers of another device */
TEST_F_TIMEOUT(states, other_registers, 60)
{
	char path[128], line[64] = "";
	struct test_dev other = {};
	int fd, nr = 0;

	while (test_next(&other, &nr) &&
	       (!strcmp(other.info.name, self->name) ||
		sva_sysfs(&other.sva, "resource", path, sizeof(path))))
		sva_close(&other.sva);
	ASSERT_LE(0, other.sva.fd);
	sva_close(&other.sva);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LT(0, read(fd, line, sizeof(line) - 1));
	close(fd);
	expect_reads_by_users(_metadata, self, variant,
			      strtoull(line, NULL, 16));
}

/*
 * The driver is gone, then the kernel forgets the device, and it goes on. Once
 * it was forgotten nothing is attached to it, whatever it had before. What it
 * has counted meanwhile is read when it was found again, without its driver.
 */
TEST_F_TIMEOUT(states, removed, 60)
{
	uint64_t refused;

	sva_close(&self->t.sva);
	ASSERT_EQ(0, pci_write(self->name, "driver/unbind", self->name));
	ASSERT_EQ(0, pci_write(self->name, "enable", "1"));
	let_run(self);
	EXPECT_TRUE(SOON(10000,
			 counter(&self->regs, SVA_TEST_CNT_ATTEMPTS) > 10));
	ASSERT_EQ(0, sva_write_file("/sys/bus/pci/drivers_autoprobe", "0"));
	ASSERT_EQ(0, pci_write(self->name, "remove", "1"));
	usleep(20000);
	sva_pattern(self->mem, LEN, 1);
	usleep(100000);
	EXPECT_TRUE(sva_is_pattern(self->mem, LEN, 1));

	ASSERT_EQ(0, sva_write_file("/sys/bus/pci/rescan", "1"));
	ASSERT_EQ(0, sva_write_file("/sys/bus/pci/drivers_autoprobe", "1"));
	ASSERT_EQ(0, pci_write(self->name, "enable", "1"));
	ASSERT_EQ(0, map_registers(&self->regs, self->name));
	refused = counter(&self->regs, SVA_TEST_CNT_REFUSED);
	EXPECT_LT(10, refused);
	set_reg(&self->regs, SVA_TEST_RESET, 1);
	pci_write(self->name, "enable", "0");
}

TEST_HARNESS_MAIN
