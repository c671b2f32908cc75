// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of how PASIDs are attached, reset and drained, for machines
 * without an AMD IOMMU and for emulators, whose AMD IOMMU has no PASIDs. The
 * hardware is replaced by memory: the driver finds its commands completed, and
 * nothing else happens.
 */
#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/mm_types.h>
#include <linux/mmap_lock.h>
#include <linux/pci.h>
#include <linux/pci-ats.h>
#include <linux/sched/mm.h>
#include <linux/vmstat.h>
#include <linux/workqueue.h>
#include <asm/iommu.h>

#include "amd_iommu.h"
#include "../iommu-priv.h"

#define LONG_TIME	(10 * HZ)	/* for what should end at once */
#define SHORT_TIME	(HZ / 10)	/* for what must not end yet */
#define MAX_PASIDS	8
#define TEST_PASID	3		/* the global space may be full */
#define MANY_PASIDS	BIT(20)		/* enough for a table of three levels */
#define NR_RESETS	1000
/* A device ID that no device of the machine has */
#define TEST_SEGMENT	0xffff
#define TEST_INDEX	1000

/* A device that is on no bus, and the IOMMU that it is behind */
struct amd_mock {
	struct pci_dev		 pdev;
	struct device		*dev;
	struct iommu_dev_data	 data;
	struct amd_iommu	 iommu;
	struct pci_dev		 iommu_pdev;
	struct amd_iommu_pci_seg seg;
	u16			 alias;
	u64			 cmd_sem;
};

static void *amd_zalloc(struct kunit *test, size_t size)
{
	void *p = kunit_kzalloc(test, size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	return p;
}

static void amd_mock_release(struct device *dev)
{
}

static void amd_mock_exit(void *data)
{
	struct iommu_domain *blocked = amd_iommu_ops.blocked_domain;
	struct amd_mock *m = data;

	blocked->ops->attach_dev(blocked, m->dev, NULL);
	amd_iommu_iopf_uninit(&m->iommu);
	/* This frees dev->iommu */
	iommu_group_remove_device(m->dev);
	device_unregister(m->dev);
}

static void amd_mock_iommu(struct kunit *test, struct amd_mock *m)
{
	struct amd_iommu *iommu = &m->iommu;

	m->seg.id = TEST_SEGMENT;
	m->seg.dev_table = amd_zalloc(test, SZ_4K);
	m->seg.alias_table = &m->alias;
	/* Makes all future commands look complete */
	m->cmd_sem = S64_MAX;
	raw_spin_lock_init(&iommu->lock);
	mutex_init(&iommu->ppr_lock);
	iommu->index = TEST_INDEX;
	iommu->max_glx = 2;
	iommu->dev = &m->iommu_pdev;
	iommu->pci_seg = &m->seg;
	iommu->cmd_sem = &m->cmd_sem;
	iommu->cmd_buf = amd_zalloc(test, CMD_BUFFER_SIZE);
	iommu->ppr_log = amd_zalloc(test, amd_iommu_pprlog_size);
	iommu->mmio_base = (u8 __iomem __force *)amd_zalloc(test, SZ_16K);
	iommu->iommu.ops = &amd_iommu_ops;
	iommu->iommu.dev = m->dev;
}

static void amd_mock_device(struct kunit *test, struct amd_mock *m,
			    u32 max_pasids)
{
	m->dev = &m->pdev.dev;
	m->pdev.ats_cap = 1;
	m->dev->init_name = "amd-iommu-mock";
	m->dev->release = amd_mock_release;
	KUNIT_ASSERT_EQ(test, 0, device_register(m->dev));

	mutex_init(&m->data.mutex);
	spin_lock_init(&m->data.dte_lock);
	spin_lock_init(&m->data.gcr3_info.lock);
	m->data.dev = m->dev;
	m->data.max_pasids = max_pasids;
	m->data.flags = AMD_IOMMU_DEVICE_FLAG_PASID_SUP;
	m->data.pasid_enabled = 1;
}

/*
 * Attach the RID to the identity domain, with a new GCR3 table. Don't use the
 * group for this, because a group without a default domain cannot be detached.
 */
static void amd_mock_attach_rid(struct kunit *test, struct amd_mock *m)
{
	struct iommu_domain *identity = amd_iommu_ops.identity_domain;

	KUNIT_ASSERT_EQ(test, 0,
			identity->ops->attach_dev(identity, m->dev, NULL));
}

static int amd_mock_begin_reset(struct amd_mock *m)
{
	return pci_dev_reset_iommu_prepare(&m->pdev);
}

static void amd_mock_end_reset(struct kunit *test, struct amd_mock *m)
{
	/* The core does this first if the group has a domain. */
	amd_mock_attach_rid(test, m);
	pci_dev_reset_iommu_done(&m->pdev);
}

/* The state after probing the device, with DMA that is not translated */
static struct amd_mock *amd_mock_init(struct kunit *test, u32 max_pasids)
{
	struct amd_mock *m = amd_zalloc(test, sizeof(*m));
	struct iommu_group *group;

	/* The driver does this only if it has found an IOMMU. */
	if (!amd_iommu_ops.identity_domain->owner)
		amd_iommu_init_identity_domain();

	amd_mock_device(test, m, max_pasids);
	amd_mock_iommu(test, m);
	m->dev->iommu = kzalloc_obj(*m->dev->iommu);
	KUNIT_ASSERT_NOT_NULL(test, m->dev->iommu);
	mutex_init(&m->dev->iommu->lock);
	m->dev->iommu->iommu_dev = &m->iommu.iommu;
	m->dev->iommu->max_pasids = max_pasids;
	m->dev->iommu->priv = &m->data;

	group = iommu_group_alloc();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, group);
	KUNIT_ASSERT_EQ(test, 0, iommu_group_add_device(group, m->dev));
	/* Now the device holds the reference. */
	iommu_group_put(group);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, amd_mock_exit, m));
	amd_mock_attach_rid(test, m);
	return m;
}

/* Let the device send page requests. */
static void amd_mock_enable_pri(struct kunit *test, struct amd_mock *m)
{
	m->data.pri_enabled = 1;
	KUNIT_ASSERT_EQ(test, 0, amd_iommu_iopf_init(&m->iommu));
	KUNIT_ASSERT_EQ(test, 0,
			amd_iommu_iopf_add_device(&m->iommu, &m->data));
}

/* Return how many page responses the IOMMU was told to send. */
static unsigned int amd_mock_answers(struct amd_mock *m)
{
	struct iommu_cmd *cmds = (struct iommu_cmd *)m->iommu.cmd_buf;
	unsigned int i, n = 0;

	for (i = 0; i < m->iommu.cmd_buf_tail / sizeof(*cmds); i++)
		n += cmds[i].data[1] >> 28 == CMD_COMPLETE_PPR;
	return n;
}

static void amd_put_mm(void *mm)
{
	mmput(mm);
}

/* An mm that is alive, for as long as the test runs */
static struct mm_struct *live_mm(struct kunit *test)
{
	struct mm_struct *mm = mm_alloc();

	KUNIT_ASSERT_NOT_NULL(test, mm);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, amd_put_mm, mm));
	return mm;
}

static u64 gcr3_of(struct mm_struct *mm)
{
	return iommu_virt_to_phys(mm->pgd) | GCR3_VALID;
}

/* For a table of one level, as with few PASIDs */
static void expect_gcr3(struct kunit *test, struct amd_mock *m, u64 entry)
{
	KUNIT_ASSERT_NOT_NULL(test, m->data.gcr3_info.gcr3_tbl);
	KUNIT_ASSERT_EQ(test, m->data.gcr3_info.glx, 0);
	KUNIT_EXPECT_EQ(test, m->data.gcr3_info.gcr3_tbl[TEST_PASID], entry);
}

/* Handle a fault once the test has released mmap_lock. */
static void amd_handle_fault(struct work_struct *work)
{
	struct iopf_group *group = container_of(work, struct iopf_group, work);
	struct mm_struct *mm = group->attach_handle->domain->mm;

	mmap_read_lock(mm);
	mmap_read_unlock(mm);
	iopf_group_response(group, IOMMU_PAGE_RESP_SUCCESS);
	iopf_free_group(group);
}

static int amd_queue_fault(struct iopf_group *group)
{
	struct iommu_fault_param *param = group->fault_param;

	guard(mutex)(&param->lock);
	INIT_WORK(&group->work, amd_handle_fault);
	return queue_work(param->queue->wq, &group->work) ? 0 : -EBUSY;
}

static void amd_free_domain(void *domain)
{
	iommu_domain_free(domain);
}

/* The kind of domain that iommu_sva_bind_device() attaches */
static struct iommu_domain *amd_sva_domain(struct kunit *test,
					   struct amd_mock *m,
					   struct mm_struct *mm)
{
	struct iommu_domain *domain = amd_iommu_domain_alloc_sva(m->dev, mm);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, domain);
	mmgrab(mm);
	domain->mm = mm;
	domain->cookie_type = IOMMU_COOKIE_SVA;
	domain->owner = &amd_iommu_ops;
	domain->iopf_handler = amd_queue_fault;
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, amd_free_domain,
						  domain));
	return domain;
}

/* Attach the page table of @mm to the PASID. */
static struct iommu_domain *amd_attach(struct kunit *test, struct amd_mock *m,
				       struct mm_struct *mm)
{
	struct iommu_attach_handle *handle = amd_zalloc(test, sizeof(*handle));
	struct iommu_domain *domain = amd_sva_domain(test, m, mm);

	KUNIT_ASSERT_EQ(test, 0, iommu_attach_device_pasid(domain, m->dev,
							   TEST_PASID, handle));
	expect_gcr3(test, m, gcr3_of(mm));
	return domain;
}

static void amd_detach(struct amd_mock *m, struct iommu_domain *domain)
{
	iommu_detach_device_pasid(domain, m->dev, TEST_PASID);
}

static void amd_test_bind(struct kunit *test)
{
	struct amd_mock *m = amd_mock_init(test, MAX_PASIDS);
	struct iommu_domain *domain = amd_attach(test, m, live_mm(test));

	amd_detach(m, domain);
	expect_gcr3(test, m, 0);
}

/* A reset frees the table and creates it again, including the PASID's entry. */
static void amd_test_reset(struct kunit *test)
{
	struct amd_mock *m = amd_mock_init(test, MAX_PASIDS);
	struct mm_struct *mm = live_mm(test);
	struct iommu_domain *domain = amd_attach(test, m, mm);

	KUNIT_ASSERT_EQ(test, 0, amd_mock_begin_reset(m));
	KUNIT_EXPECT_NULL(test, m->data.gcr3_info.gcr3_tbl);
	amd_mock_end_reset(test, m);
	expect_gcr3(test, m, gcr3_of(mm));

	amd_detach(m, domain);
	expect_gcr3(test, m, 0);
}

static void amd_test_unbind_in_reset(struct kunit *test)
{
	struct amd_mock *m = amd_mock_init(test, MAX_PASIDS);
	struct iommu_domain *domain = amd_attach(test, m, live_mm(test));

	KUNIT_ASSERT_EQ(test, 0, amd_mock_begin_reset(m));
	amd_detach(m, domain);
	amd_mock_end_reset(test, m);
	expect_gcr3(test, m, 0);
}

/* Replacing an address space is refused and must change nothing. */
static void amd_test_replace(struct kunit *test)
{
	struct amd_mock *m = amd_mock_init(test, MAX_PASIDS);
	struct iommu_attach_handle *handle = amd_zalloc(test, sizeof(*handle));
	struct mm_struct *exiting = mm_alloc();
	struct iommu_domain *old, *new;

	KUNIT_ASSERT_NOT_NULL(test, exiting);
	old = amd_attach(test, m, exiting);
	new = amd_sva_domain(test, m, live_mm(test));
	KUNIT_EXPECT_EQ(test, iommu_replace_device_pasid(new, m->dev,
							 TEST_PASID, handle),
			-EOPNOTSUPP);
	expect_gcr3(test, m, gcr3_of(exiting));
	mmput(exiting);
	expect_gcr3(test, m, 0);
	amd_detach(m, old);
}

/* A driver that chooses PASIDs must learn which errors are its own fault. */
static void amd_test_errors(struct kunit *test)
{
	struct amd_mock *m = amd_mock_init(test, MAX_PASIDS);
	struct iommu_domain *blocked = amd_iommu_ops.blocked_domain;
	struct iommu_domain *domain = amd_sva_domain(test, m, live_mm(test));
	int (*set)(struct iommu_domain *domain, struct device *dev,
		   ioasid_t pasid, struct iommu_domain *old);

	set = domain->ops->set_dev_pasid;
	KUNIT_EXPECT_EQ(test, set(domain, m->dev, 0, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, set(domain, m->dev, MAX_PASIDS, NULL), -EINVAL);
	m->data.pasid_enabled = 0;
	KUNIT_EXPECT_EQ(test, set(domain, m->dev, TEST_PASID, NULL),
			-EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, set(domain, m->dev, 0, NULL), -EINVAL);
	m->data.pasid_enabled = 1;
	/* The domain of the RID has no table. */
	blocked->ops->attach_dev(blocked, m->dev, NULL);
	KUNIT_EXPECT_EQ(test, set(domain, m->dev, TEST_PASID, NULL),
			-EOPNOTSUPP);
}

#ifdef CONFIG_FAILSLAB
/*
 * Fail each allocation in turn. Allocations that may sleep fail only if
 * failslab's ignore-gfp-wait is off, which cannot be set at boot: run the suite
 * again with it. (A test that is skipped at boot would remain skipped.)
 */
static void amd_test_no_memory(struct kunit *test)
{
	struct amd_mock *m = amd_mock_init(test, MAX_PASIDS);
	struct iommu_domain *domain = amd_sva_domain(test, m, live_mm(test));
	unsigned int nth, left;
	int ret;

	for (nth = 1, left = 0; !left; nth++) {
		current->fail_nth = nth;
		ret = iommu_attach_device_pasid(domain, m->dev, TEST_PASID,
						NULL);
		left = current->fail_nth;
		current->fail_nth = 0;
		if (!ret) {
			amd_detach(m, domain);
			continue;
		}
		KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
		expect_gcr3(test, m, 0);
	}
}
#endif

/* A process can exit before its PASIDs are detached. */
static void amd_test_exit(struct kunit *test)
{
	struct amd_mock *m = amd_mock_init(test, MAX_PASIDS);
	struct mm_struct *exiting = mm_alloc();
	struct iommu_domain *domain;

	KUNIT_ASSERT_NOT_NULL(test, exiting);
	domain = amd_attach(test, m, exiting);
	mmput(exiting);
	expect_gcr3(test, m, 0);
	amd_detach(m, domain);
	expect_gcr3(test, m, 0);
}

/* The process exits during a reset, whose end must not attach it again. */
static void amd_test_exit_in_reset(struct kunit *test)
{
	struct amd_mock *m = amd_mock_init(test, MAX_PASIDS);
	struct mm_struct *exiting = mm_alloc();
	struct iommu_domain *domain;

	KUNIT_ASSERT_NOT_NULL(test, exiting);
	domain = amd_attach(test, m, exiting);
	KUNIT_ASSERT_EQ(test, 0, amd_mock_begin_reset(m));
	mmput(exiting);
	amd_mock_end_reset(test, m);
	expect_gcr3(test, m, 0);

	/* A second reset must not attach it either. */
	KUNIT_ASSERT_EQ(test, 0, amd_mock_begin_reset(m));
	amd_mock_end_reset(test, m);
	expect_gcr3(test, m, 0);
	amd_detach(m, domain);
	expect_gcr3(test, m, 0);
}

/*
 * The kernel's count of memory used by IOMMUs. Unlike global_node_page_state()
 * this does not turn a negative count into 0.
 */
static long iommu_pages(void)
{
	return atomic_long_read(&vm_node_stat[NR_IOMMU_PAGES]);
}

/*
 * All levels of the table must be freed and accounted for. Others allocate as
 * well, and small differences stay in per-CPU counters, so use many tables.
 */
static void amd_test_levels(struct kunit *test)
{
	struct amd_mock *m = amd_mock_init(test, MANY_PASIDS);
	struct iommu_attach_handle *handle = amd_zalloc(test, sizeof(*handle));
	struct iommu_domain *domain = amd_sva_domain(test, m, live_mm(test));
	long before = iommu_pages();
	int i;

	KUNIT_ASSERT_EQ(test, m->data.gcr3_info.glx, 2);
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_device_pasid(domain, m->dev,
							   MANY_PASIDS - 1,
							   handle));
	for (i = 0; i < NR_RESETS; i++) {
		if (amd_mock_begin_reset(m))
			break;
		amd_mock_end_reset(test, m);
		/* The hardware has read its commands. */
		m->iommu.cmd_buf_head = m->iommu.cmd_buf_tail;
	}
	KUNIT_EXPECT_EQ(test, i, NR_RESETS);
	iommu_detach_device_pasid(domain, m->dev, MANY_PASIDS - 1);
	KUNIT_EXPECT_GT(test, iommu_pages() - before, -NR_RESETS / 2);
	KUNIT_EXPECT_LT(test, iommu_pages() - before, NR_RESETS / 2);
}

/* Requests in the log whose interrupt has not been handled yet */
static void amd_test_drain_log(struct kunit *test)
{
	struct amd_mock *m = amd_mock_init(test, MAX_PASIDS);
	u8 __iomem *mmio = m->iommu.mmio_base;
	struct iommu_domain *domain;
	u64 *log;

	amd_mock_enable_pri(test, m);
	domain = amd_attach(test, m, live_mm(test));

	log = (u64 *)m->iommu.ppr_log;
	log[0] = (u64)PPR_REQ_FAULT << 60;
	writel(PPRLOG_ENTRY_SIZE, mmio + MMIO_PPR_TAIL_OFFSET);
	amd_detach(m, domain);
	KUNIT_EXPECT_EQ(test, readl(mmio + MMIO_PPR_HEAD_OFFSET),
			PPRLOG_ENTRY_SIZE);
}

/* Runs in a work, because the test does not want to wait for it itself */
struct amd_unbind {
	struct work_struct	 work;
	struct completion	 done;
	struct amd_mock		*mock;
	struct iommu_domain	*domain;
	unsigned int		 answers;
};

static void amd_unbind_work(struct work_struct *work)
{
	struct amd_unbind *u = container_of(work, struct amd_unbind, work);

	amd_detach(u->mock, u->domain);
	u->answers = amd_mock_answers(u->mock);
	complete(&u->done);
}

/* A request that was reported must be answered before the PASID is free. */
static void amd_test_drain_handled(struct kunit *test)
{
	struct amd_mock *m = amd_mock_init(test, MAX_PASIDS);
	struct mm_struct *mm = live_mm(test);
	struct amd_unbind *u = amd_zalloc(test, sizeof(*u));
	struct iopf_fault fault = {};

	amd_mock_enable_pri(test, m);
	u->mock = m;
	u->domain = amd_attach(test, m, mm);
	init_completion(&u->done);
	INIT_WORK(&u->work, amd_unbind_work);

	fault.fault.type = IOMMU_FAULT_PAGE_REQ;
	fault.fault.prm.pasid = TEST_PASID;
	fault.fault.prm.flags = IOMMU_FAULT_PAGE_REQUEST_PASID_VALID |
				IOMMU_FAULT_PAGE_REQUEST_LAST_PAGE;
	mmap_write_lock(mm);
	iommu_report_device_fault(m->dev, &fault);
	queue_work(system_dfl_wq, &u->work);
	/* Detaching must wait, unless nobody had begun to handle the request */
	wait_for_completion_timeout(&u->done, SHORT_TIME);
	mmap_write_unlock(mm);
	flush_work(&u->work);
	KUNIT_EXPECT_EQ(test, u->answers, 1);
}

/* A bind is refused, and for the reason that was given before */
static void expect_obstacle(struct kunit *test, struct amd_mock *m,
			    struct mm_struct *mm, enum iommu_sva_reason reason)
{
	struct iommu_sva *bond;
	ioasid_t pasid;
	int code;

	KUNIT_EXPECT_EQ(test, iommu_sva_obstacle(m->dev, true), reason);
	bond = iommu_sva_bind_device_pasid(m->dev, mm, TEST_PASID);
	KUNIT_EXPECT_PTR_EQ(test, bond, ERR_PTR(-EOPNOTSUPP));
	KUNIT_EXPECT_EQ(test, iommu_sva_last_refusal(m->dev, &pasid, &code),
			reason);
	KUNIT_EXPECT_EQ(test, pasid, TEST_PASID);
	KUNIT_EXPECT_EQ(test, code, -EOPNOTSUPP);
	if (!IS_ERR(bond))
		iommu_sva_unbind_device(bond);
}

static void amd_test_reasons(struct kunit *test)
{
	struct amd_mock *m = amd_mock_init(test, MAX_PASIDS);
	struct iommu_domain *blocked = amd_iommu_ops.blocked_domain;
	struct mm_struct *mm = live_mm(test);
	enum iommu_sva_reason machine = amd_iommu_pasid_check();
	struct iommu_sva *bond;

	KUNIT_EXPECT_EQ(test, iommu_sva_obstacle(m->dev, true), IOMMU_SVA_OK);
	bond = iommu_sva_bind_device_pasid(m->dev, mm, TEST_PASID);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bond);
	iommu_sva_unbind_device(bond);

	m->data.pasid_enabled = 0;
	expect_obstacle(test, m, mm, IOMMU_SVA_PASIDS_OFF);
	m->data.pasid_enabled = 1;
	/* What the machine's IOMMUs, if it has any, do not have */
	m->data.max_pasids = 0;
	expect_obstacle(test, m, mm, machine ?: IOMMU_SVA_PASIDS_OFF);
	m->data.max_pasids = MAX_PASIDS;

	/* Its reset is the reason, and not what comes with it */
	KUNIT_ASSERT_EQ(test, 0, amd_mock_begin_reset(m));
	KUNIT_EXPECT_EQ(test, iommu_sva_obstacle(m->dev, true),
			IOMMU_SVA_RESET);
	amd_mock_end_reset(test, m);
	KUNIT_EXPECT_EQ(test, iommu_sva_obstacle(m->dev, true), IOMMU_SVA_OK);

	blocked->ops->attach_dev(blocked, m->dev, NULL);
	expect_obstacle(test, m, mm, IOMMU_SVA_RID_NO_TABLE);
}

/* What all IOMMUs of a machine lack, of which this has none */
static void amd_test_reasons_machine(struct kunit *test)
{
	struct amd_mock *m = amd_mock_init(test, MAX_PASIDS);
	struct mm_struct *mm = live_mm(test);

	if (amd_iommu_efr || cpu_feature_enabled(X86_FEATURE_LA57))
		kunit_skip(test, "the machine has an IOMMU of AMD, or LA57");

	m->data.max_pasids = 0;
	expect_obstacle(test, m, mm, IOMMU_SVA_NO_FIRST_STAGE);
	amd_iommu_efr = FEATURE_GIOSUP | FEATURE_GT | FEATURE_PPR |
			FEATURE_EPHSUP;
	expect_obstacle(test, m, mm, IOMMU_SVA_PASIDS_OFF);
	amd_iommu_snp_en = true;
	expect_obstacle(test, m, mm, IOMMU_SVA_SNP);
	amd_iommu_snp_mode0_sup = true;
	expect_obstacle(test, m, mm, IOMMU_SVA_PASIDS_OFF);
	amd_iommu_snp_mode0_sup = false;
	amd_iommu_snp_en = false;
	amd_iommu_efr = 0;
	m->data.max_pasids = MAX_PASIDS;
}

static struct kunit_case amd_iommu_test_cases[] = {
	KUNIT_CASE(amd_test_bind),
	KUNIT_CASE(amd_test_reset),
	KUNIT_CASE(amd_test_unbind_in_reset),
	KUNIT_CASE(amd_test_replace),
	KUNIT_CASE(amd_test_errors),
	KUNIT_CASE(amd_test_reasons),
	KUNIT_CASE(amd_test_reasons_machine),
#ifdef CONFIG_FAILSLAB
	KUNIT_CASE(amd_test_no_memory),
#endif
	KUNIT_CASE(amd_test_exit),
	KUNIT_CASE(amd_test_exit_in_reset),
	KUNIT_CASE_SLOW(amd_test_levels),
	KUNIT_CASE(amd_test_drain_log),
	KUNIT_CASE(amd_test_drain_handled),
	{},
};

static struct kunit_suite amd_iommu_test_suite = {
	.name = "amd-iommu",
	.test_cases = amd_iommu_test_cases,
};

kunit_test_suite(amd_iommu_test_suite);

MODULE_DESCRIPTION("KUnit tests for the AMD IOMMU driver");
MODULE_LICENSE("GPL");
