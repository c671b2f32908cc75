// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of PASIDs and SVA on an SMMU that consists of memory only. The
 * driver finds each command consumed at once. The tests read the tables and the
 * commands that a real SMMU would act on.
 */
#include <kunit/device.h>
#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <kunit/test-bug.h>
#include <linux/iommu.h>
#include <linux/mmu_notifier.h>
#include <linux/rbtree.h>
#include <linux/sched/mm.h>

#include "arm-smmu-v3.h"
#include "../../iommu-priv.h"

#define MAX_PASIDS	8
#define SSID_BITS	3
#define CMDQ_SHIFT	10
#define EVTQ_SHIFT	4
#define ADDR		0x7f0012345000UL

struct smmu_mock {
	struct arm_smmu_device	smmu;
	struct iommu_ops	ops;
	struct iommu_group	*group;
	struct arm_smmu_ste	stes[2];
	/* PROD and CONS in one, so that every command has been consumed */
	u32			cmdq_reg;
	u32			evtq_reg;
	u32			seen;	/* read index of the commands */
	bool			has_ats;	/* device and SMMU */
	bool			ats;		/* enabled in the device */
	unsigned int		nr_ats_changes;
};

static void *smmu_zalloc(struct kunit *test, size_t size)
{
	void *p = kunit_kzalloc(test, size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	return p;
}

static void smmu_mock_free_iopf(void *queue)
{
	iopf_queue_free(queue);
}

static void smmu_mock_queues(struct kunit *test, struct smmu_mock *m)
{
	struct arm_smmu_queue *cmdq = &m->smmu.cmdq.q;
	struct arm_smmu_evtq *evtq = &m->smmu.evtq;

	cmdq->llq.max_n_shift = CMDQ_SHIFT;
	cmdq->ent_dwords = CMDQ_ENT_DWORDS;
	cmdq->base = smmu_zalloc(test, CMDQ_ENT_DWORDS * 8 << CMDQ_SHIFT);
	cmdq->prod_reg = (u32 __iomem __force *)&m->cmdq_reg;
	cmdq->cons_reg = cmdq->prod_reg;
	m->smmu.cmdq.valid_map = smmu_zalloc(test, BIT(CMDQ_SHIFT) / 8);

	mutex_init(&evtq->lock);
	evtq->q.llq.max_n_shift = EVTQ_SHIFT;
	evtq->q.ent_dwords = EVTQ_ENT_DWORDS;
	evtq->q.base = smmu_zalloc(test, EVTQ_ENT_DWORDS * 8 << EVTQ_SHIFT);
	evtq->q.prod_reg = (u32 __iomem __force *)&m->evtq_reg;
	evtq->q.cons_reg = evtq->q.prod_reg;
	evtq->iopf = iopf_queue_alloc("arm-smmu-v3-mock");
	KUNIT_ASSERT_NOT_NULL(test, evtq->iopf);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, smmu_mock_free_iopf,
						  evtq->iopf));
}

static void smmu_mock_put_group(void *group)
{
	iommu_group_put(group);
}

/* Create an SMMU with @features, and a group for the devices behind it. */
static struct smmu_mock *smmu_mock_init(struct kunit *test, u32 features)
{
	struct smmu_mock *m = smmu_zalloc(test, sizeof(*m));
	int i;

	m->ops = arm_smmu_ops;
	m->ops.owner = NULL;
	m->smmu.dev = kunit_device_register(test, "smmu");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, m->smmu.dev);
	m->smmu.features = ARM_SMMU_FEAT_SVA | ARM_SMMU_FEAT_COHERENCY |
			   features;
	m->smmu.asid_bits = 16;
	m->smmu.ssid_bits = SSID_BITS;
	m->smmu.iommu.ops = &m->ops;
	m->smmu.iommu.dev = m->smmu.dev;
	mutex_init(&m->smmu.streams_mutex);
	m->smmu.strtab_cfg.linear.table = m->stes;
	m->smmu.strtab_cfg.linear.num_ents = ARRAY_SIZE(m->stes);
	for (i = 0; i < ARRAY_SIZE(m->stes); i++)
		arm_smmu_make_abort_ste(&m->stes[i]);
	smmu_mock_queues(test, m);

	m->group = iommu_group_alloc();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, m->group);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, smmu_mock_put_group,
						  m->group));
	return m;
}

static bool smmu_mock_less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct arm_smmu_stream, node)->id <
	       rb_entry(b, struct arm_smmu_stream, node)->id;
}

static void smmu_mock_release(void *data)
{
	struct device *dev = data;

	if (dev->iommu_group)
		iommu_group_forget_domain(dev->iommu_group);
	/* This calls the driver's release_device(), which frees the master. */
	iommu_group_remove_device(dev);
}

/* Set up what probing a device with StreamID @sid leaves behind. */
static struct arm_smmu_master *
smmu_mock_add(struct kunit *test, struct smmu_mock *m, const char *name, u32 sid)
{
	struct dev_iommu *param = kzalloc_obj(*param);
	struct iommu_fwspec *fwspec = kzalloc_flex(*fwspec, ids, 1);
	struct arm_smmu_master *master = kzalloc_obj(*master);
	struct device *dev = kunit_device_register(test, name);

	KUNIT_ASSERT_NOT_NULL(test, param);
	KUNIT_ASSERT_NOT_NULL(test, fwspec);
	KUNIT_ASSERT_NOT_NULL(test, master);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	master->dev = dev;
	master->smmu = &m->smmu;
	master->ssid_bits = SSID_BITS;
	master->num_streams = 1;
	master->streams = kzalloc_obj(*master->streams);
	master->build_invs = arm_smmu_invs_alloc(3);
	KUNIT_ASSERT_NOT_NULL(test, master->streams);
	KUNIT_ASSERT_NOT_NULL(test, master->build_invs);
	master->streams->id = sid;
	master->streams->master = master;
	rb_add(&master->streams->node, &m->smmu.streams, smmu_mock_less);

	fwspec->num_ids = 1;
	fwspec->ids[0] = sid;
	mutex_init(&param->lock);
	param->fwspec = fwspec;
	param->iommu_dev = &m->smmu.iommu;
	param->max_pasids = MAX_PASIDS;
	param->priv = master;
	dev->iommu = param;
	KUNIT_ASSERT_EQ(test, 0, iommu_group_add_device(m->group, dev));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, smmu_mock_release,
						  dev));
	return master;
}

/* Add the only device, with the RID attached to @rid. */
static struct arm_smmu_master *
smmu_mock_device(struct kunit *test, struct smmu_mock *m,
		 struct iommu_domain *rid)
{
	struct arm_smmu_master *master = smmu_mock_add(test, m, "dev", 0);

	KUNIT_ASSERT_EQ(test, 0, iommu_attach_group(rid, m->group));
	return master;
}

static int smmu_mock_iopf(struct iopf_group *group)
{
	return -EINVAL;
}

static void smmu_mock_free_domain(void *data)
{
	struct iommu_domain *domain = data;

	domain->ops->free(domain);
}

static struct mmu_notifier *smmu_notifier(struct iommu_domain *domain)
{
	return &to_smmu_domain(domain)->mmu_notifier;
}

/* Create an SVA domain like iommu_sva_domain_alloc(), once per test. */
static struct iommu_domain *smmu_mock_sva(struct kunit *test,
					  struct smmu_mock *m,
					  struct arm_smmu_master *master)
{
	struct iommu_domain *domain;

	KUNIT_ASSERT_EQ(test, 0, kunit_attach_mm());
	domain = m->ops.domain_alloc_sva(master->dev, current->mm);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, domain);
	domain->mm = current->mm;
	domain->owner = &m->ops;
	domain->iopf_handler = smmu_mock_iopf;
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, smmu_mock_free_domain,
						  domain));
	return domain;
}

static void smmu_attach(struct kunit *test, struct iommu_domain *domain,
			struct arm_smmu_master *master, ioasid_t pasid)
{
	struct iommu_attach_handle *handle = smmu_zalloc(test, sizeof(*handle));

	handle->domain = domain;
	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(domain, master->dev, pasid,
						  handle));
}

static int smmu_attach_error(struct kunit *test, struct iommu_domain *domain,
			     struct arm_smmu_master *master, ioasid_t pasid)
{
	struct iommu_attach_handle *handle = smmu_zalloc(test, sizeof(*handle));
	int ret;

	handle->domain = domain;
	ret = iommu_attach_device_pasid(domain, master->dev, pasid, handle);
	if (!ret)
		iommu_detach_device_pasid(domain, master->dev, pasid);
	return ret;
}

/* Read the next command that was queued. Return false if there is none. */
static bool smmu_next_cmd(struct smmu_mock *m, struct arm_smmu_cmd *cmd)
{
	struct arm_smmu_queue *q = &m->smmu.cmdq.q;
	__le64 *ent = Q_ENT(q, m->seen);

	if (m->seen == m->cmdq_reg)
		return false;
	cmd->data[0] = le64_to_cpu(ent[0]);
	cmd->data[1] = le64_to_cpu(ent[1]);
	m->seen = (m->seen + 1) & (BIT(CMDQ_SHIFT + 1) - 1);
	return true;
}

static u8 smmu_cmd_op(struct arm_smmu_cmd *cmd)
{
	return FIELD_GET(CMDQ_0_OP, cmd->data[0]);
}

static void smmu_forget_cmds(struct smmu_mock *m)
{
	m->seen = m->cmdq_reg;
}

static u64 smmu_cd(struct arm_smmu_master *master, u32 ssid)
{
	return le64_to_cpu(master->cd_table.linear.table[ssid].data[0]);
}

/* The process has exited: none of its PASIDs may be translated any more. */
/* matrix: 19 */
static void smmu_test_exit_ends_all(struct kunit *test)
{
	struct smmu_mock *m = smmu_mock_init(test, 0);
	struct arm_smmu_master *master =
		smmu_mock_device(test, m, m->ops.blocked_domain);
	struct iommu_domain *domain = smmu_mock_sva(test, m, master);
	struct mmu_notifier *mn = smmu_notifier(domain);
	unsigned long told = 0, all = GENMASK(3, 1);
	struct arm_smmu_cmd cmd;
	bool flushed = false;
	u32 pasid;

	for (pasid = 1; pasid <= 3; pasid++)
		smmu_attach(test, domain, master, pasid);
	for (pasid = 1; pasid <= 3; pasid++)
		KUNIT_EXPECT_FALSE(test, smmu_cd(master, pasid) &
				   CTXDESC_CD_0_TCR_EPD0);
	smmu_forget_cmds(m);
	mn->ops->release(mn, mn->mm);

	for (pasid = 1; pasid <= 3; pasid++) {
		KUNIT_EXPECT_TRUE(test, smmu_cd(master, pasid) &
				  CTXDESC_CD_0_V);
		KUNIT_EXPECT_TRUE(test, smmu_cd(master, pasid) &
				  CTXDESC_CD_0_TCR_EPD0);
	}
	while (smmu_next_cmd(m, &cmd)) {
		if (smmu_cmd_op(&cmd) == CMDQ_OP_CFGI_CD)
			told |= BIT(FIELD_GET(CMDQ_CFGI_0_SSID, cmd.data[0]));
		/* After this nothing may be added to the TLB. */
		if (smmu_cmd_op(&cmd) == CMDQ_OP_TLBI_NH_ASID) {
			KUNIT_EXPECT_EQ(test, told, all);
			flushed = true;
		}
	}
	KUNIT_EXPECT_EQ(test, told, all);
	KUNIT_EXPECT_TRUE(test, flushed);
	for (pasid = 1; pasid <= 3; pasid++)
		iommu_detach_device_pasid(domain, master->dev, pasid);
}

/* The size of one command's range in bytes, see IHI 0070, 4.4.1.1 */
static unsigned long smmu_tlbi_len(struct arm_smmu_cmd *cmd)
{
	u8 tg = FIELD_GET(CMDQ_TLBI_1_TG, cmd->data[1]);
	u8 scale = FIELD_GET(CMDQ_TLBI_0_SCALE, cmd->data[0]);
	u8 num = FIELD_GET(CMDQ_TLBI_0_NUM, cmd->data[0]);

	/* The command covers any page or block at the address. */
	if (!tg)
		return PAGE_SIZE;
	return (num + 1UL) << scale << (tg * 2 + 10);
}

/*
 * Expect commands for each page from @start to @end, in order, and for at most
 * one page beyond.
 */
static void smmu_expect_tlbi(struct kunit *test, struct smmu_mock *m, u16 asid,
			     unsigned long start, unsigned long end)
{
	struct arm_smmu_cmd cmd = {};
	unsigned long next = start;
	u8 op = 0;

	while (smmu_next_cmd(m, &cmd)) {
		op = smmu_cmd_op(&cmd);
		if (op == CMDQ_OP_CMD_SYNC)
			continue;
		KUNIT_EXPECT_EQ(test, asid,
				FIELD_GET(CMDQ_TLBI_0_ASID, cmd.data[0]));
		if (op == CMDQ_OP_TLBI_NH_ASID) {
			next = end;
			continue;
		}
		KUNIT_EXPECT_EQ(test, op, CMDQ_OP_TLBI_NH_VA);
		KUNIT_EXPECT_FALSE(test, cmd.data[1] & CMDQ_TLBI_1_LEAF);
		KUNIT_EXPECT_EQ(test, cmd.data[1] & CMDQ_TLBI_1_VA_MASK, next);
		next += smmu_tlbi_len(&cmd);
	}
	KUNIT_EXPECT_EQ(test, op, CMDQ_OP_CMD_SYNC);
	KUNIT_EXPECT_GE_MSG(test, next, end, "%lu pages from %lx",
			    (end - start) / PAGE_SIZE, start);
	KUNIT_EXPECT_LE_MSG(test, next, end + PAGE_SIZE, "%lu pages from %lx",
			    (end - start) / PAGE_SIZE, start);
}

static void smmu_test_ranges(struct kunit *test, u32 features)
{
	static const unsigned long nr_pages[] = {
		1, 2, 3, 4, 5, 7, 8, 15, 16, 31, 32, 33, 34, 63, 64, 65, 127,
		255, 257, 510, 511, 512, 513, 1023, 1025, 4097, 262143, 262145,
	};
	struct smmu_mock *m = smmu_mock_init(test, features);
	struct arm_smmu_master *master =
		smmu_mock_device(test, m, m->ops.blocked_domain);
	struct iommu_domain *domain = smmu_mock_sva(test, m, master);
	struct mmu_notifier *mn = smmu_notifier(domain);
	u16 asid = to_smmu_domain(domain)->cd.asid;
	unsigned long start, end;
	int i, offset;

	smmu_attach(test, domain, master, 1);
	for (i = 0; i < ARRAY_SIZE(nr_pages); i++) {
		/* Test all alignments up to 16 pages. */
		for (offset = 0; offset < 16; offset++) {
			start = ALIGN(ADDR, 16 * PAGE_SIZE) +
				offset * PAGE_SIZE;
			end = start + nr_pages[i] * PAGE_SIZE;
			smmu_forget_cmds(m);
			mn->ops->arch_invalidate_secondary_tlbs(mn, mn->mm,
								start, end);
			smmu_expect_tlbi(test, m, asid, start, end);
		}
	}
	iommu_detach_device_pasid(domain, master->dev, 1);
}

/* Every page of an unmapped range must be invalidated. */
/* matrix: 7 */
static void smmu_test_range_by_page(struct kunit *test)
{
	smmu_test_ranges(test, 0);
}

/* matrix: 7 */
static void smmu_test_range_by_range(struct kunit *test)
{
	smmu_test_ranges(test, ARM_SMMU_FEAT_RANGE_INV);
}

static void smmu_expect_s1dss(struct kunit *test, struct smmu_mock *m,
			      unsigned int s1dss)
{
	const __le64 *ste = m->stes[0].data;

	KUNIT_EXPECT_EQ(test, STRTAB_STE_0_CFG_S1_TRANS,
			FIELD_GET(STRTAB_STE_0_CFG, le64_to_cpu(ste[0])));
	KUNIT_EXPECT_EQ(test, s1dss,
			FIELD_GET(STRTAB_STE_1_S1DSS, le64_to_cpu(ste[1])));
}

static void smmu_expect_cfg(struct kunit *test, struct smmu_mock *m,
			    unsigned int cfg)
{
	KUNIT_EXPECT_EQ(test, cfg,
			FIELD_GET(STRTAB_STE_0_CFG,
				  le64_to_cpu(m->stes[0].data[0])));
}

static void smmu_move_rid(struct kunit *test, struct smmu_mock *m,
			  struct iommu_domain *to)
{
	KUNIT_EXPECT_EQ(test, 0, iommu_group_move_domain(m->group, to));
}

/* Attaching a PASID must not change requests without a PASID. */
static void smmu_test_s1dss(struct kunit *test, bool identity)
{
	struct smmu_mock *m = smmu_mock_init(test, 0);
	struct iommu_domain *blocked = m->ops.blocked_domain;
	struct iommu_domain *bypass = m->ops.identity_domain;
	struct iommu_domain *rid = identity ? bypass : blocked;
	struct iommu_domain *other = identity ? blocked : bypass;
	unsigned int cfg = identity ? STRTAB_STE_0_CFG_BYPASS :
				      STRTAB_STE_0_CFG_ABORT;
	unsigned int dss = identity ? STRTAB_STE_1_S1DSS_BYPASS :
				      STRTAB_STE_1_S1DSS_TERMINATE;
	unsigned int other_dss = identity ? STRTAB_STE_1_S1DSS_TERMINATE :
					    STRTAB_STE_1_S1DSS_BYPASS;
	struct arm_smmu_master *master = smmu_mock_device(test, m, rid);
	struct iommu_domain *domain = smmu_mock_sva(test, m, master);

	smmu_expect_cfg(test, m, cfg);
	smmu_attach(test, domain, master, 1);
	smmu_expect_s1dss(test, m, dss);
	smmu_attach(test, domain, master, 2);
	smmu_move_rid(test, m, other);
	smmu_expect_s1dss(test, m, other_dss);
	smmu_move_rid(test, m, rid);
	smmu_expect_s1dss(test, m, dss);
	iommu_detach_device_pasid(domain, master->dev, 1);
	smmu_expect_s1dss(test, m, dss);
	iommu_detach_device_pasid(domain, master->dev, 2);
	smmu_expect_cfg(test, m, cfg);
}

/* matrix: 30 */
static void smmu_test_s1dss_identity(struct kunit *test)
{
	smmu_test_s1dss(test, true);
}

/* matrix: 30 */
static void smmu_test_s1dss_blocked(struct kunit *test)
{
	smmu_test_s1dss(test, false);
}

/* The core knows the capability, the driver what could be enabled. */
static void smmu_test_bounds(struct kunit *test)
{
	struct smmu_mock *m = smmu_mock_init(test, 0);
	struct arm_smmu_master *master =
		smmu_mock_device(test, m, m->ops.blocked_domain);
	struct iommu_domain *domain = smmu_mock_sva(test, m, master);
	static const ioasid_t beyond[] = { 4, 5, MAX_PASIDS - 1 };
	int i;

	master->ssid_bits = 0;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			smmu_attach_error(test, domain, master, 1));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			smmu_attach_error(test, domain, master, MAX_PASIDS - 1));

	master->ssid_bits = 2;
	for (i = 0; i < ARRAY_SIZE(beyond); i++) {
		KUNIT_EXPECT_EQ(test, -EINVAL,
				smmu_attach_error(test, domain, master,
						  beyond[i]));
	}
	KUNIT_EXPECT_EQ(test, 0, smmu_attach_error(test, domain, master, 3));
	KUNIT_EXPECT_EQ(test, 4, master->cd_table.linear.num_ents);
	KUNIT_EXPECT_EQ(test, 0, master->cd_table.used_ssids);
}

/* The device that could have the domain must not be touched for that. */
static void smmu_expect_untouched(struct kunit *test, struct smmu_mock *m,
				  struct iommu_domain *domain,
				  struct arm_smmu_master *first,
				  ioasid_t pasid, int error)
{
	/* Another SMMU is only good for being refused. */
	KUNIT_ASSERT_EQ(test, error,
			smmu_attach_error(test, domain, first, pasid));
	KUNIT_EXPECT_EQ(test, m->seen, m->cmdq_reg);
	KUNIT_EXPECT_FALSE(test, arm_smmu_cdtab_allocated(&first->cd_table));
	KUNIT_EXPECT_EQ(test, 0, first->iopf_refcount);
	KUNIT_EXPECT_TRUE(test, list_empty(&to_smmu_domain(domain)->devices));
}

/* What the second device of a group can never have */
static void smmu_test_refused(struct kunit *test)
{
	struct smmu_mock *m = smmu_mock_init(test, ARM_SMMU_FEAT_STALLS);
	struct arm_smmu_master *first =
		smmu_mock_device(test, m, m->ops.blocked_domain);
	struct arm_smmu_master *second = smmu_mock_add(test, m, "second", 1);
	struct iommu_domain *domain = smmu_mock_sva(test, m, first);
	struct arm_smmu_domain *smmu_domain = to_smmu_domain(domain);
	struct arm_smmu_device *other = smmu_zalloc(test, sizeof(*other));

	/* The device was added after the blocking domain. */
	smmu_move_rid(test, m, m->ops.identity_domain);
	first->stall_enabled = true;
	second->stall_enabled = true;
	smmu_forget_cmds(m);

	second->num_streams = 2;
	smmu_expect_untouched(test, m, domain, first, 1, -EOPNOTSUPP);
	second->num_streams = 1;

	second->ssid_bits = 0;
	smmu_expect_untouched(test, m, domain, first, 1, -EOPNOTSUPP);
	second->ssid_bits = 2;
	smmu_expect_untouched(test, m, domain, first, 4, -EINVAL);
	second->ssid_bits = SSID_BITS;

	other->features = ARM_SMMU_FEAT_SVA;
	second->smmu = other;
	smmu_expect_untouched(test, m, domain, first, 1, -EINVAL);
	other->features = 0;
	smmu_expect_untouched(test, m, domain, first, 1, -EOPNOTSUPP);
	second->smmu = &m->smmu;

	dev_iommu_fwspec_get(first->dev)->flags = IOMMU_FWSPEC_PCI_RC_CANWBS;
	smmu_domain->enforce_cache_coherency = true;
	smmu_expect_untouched(test, m, domain, first, 1, -EINVAL);
	smmu_domain->enforce_cache_coherency = false;

	KUNIT_EXPECT_EQ(test, 0, smmu_attach_error(test, domain, first, 1));
	KUNIT_EXPECT_NE(test, m->seen, m->cmdq_reg);
}

static bool smmu_in_fault_queue(struct arm_smmu_master *master)
{
	struct iommu_fault_param *param;

	/* Only the test attaches and detaches. */
	param = rcu_dereference_check(master->dev->iommu->fault_param, true);
	return param && !list_empty(&param->queue_list);
}

/* A device must be on the fault queue from its first PASID to its last. */
static void smmu_test_fault_queue(struct kunit *test)
{
	struct smmu_mock *m = smmu_mock_init(test, ARM_SMMU_FEAT_STALLS);
	struct arm_smmu_master *master =
		smmu_mock_device(test, m, m->ops.identity_domain);
	struct iommu_domain *domain = smmu_mock_sva(test, m, master);

	master->stall_enabled = true;
	smmu_attach(test, domain, master, 1);
	smmu_attach(test, domain, master, 2);
	KUNIT_EXPECT_EQ(test, 2, master->iopf_refcount);
	/* A refused attach must not be counted. */
	KUNIT_EXPECT_NE(test, 0, smmu_attach_error(test, domain, master, 2));
	KUNIT_EXPECT_EQ(test, 2, master->iopf_refcount);
	iommu_detach_device_pasid(domain, master->dev, 1);
	KUNIT_EXPECT_EQ(test, 1, master->iopf_refcount);
	KUNIT_EXPECT_TRUE(test, smmu_in_fault_queue(master));
	iommu_detach_device_pasid(domain, master->dev, 2);
	KUNIT_EXPECT_EQ(test, 0, master->iopf_refcount);
	KUNIT_EXPECT_FALSE(test, smmu_in_fault_queue(master));
	/* Do it once more from the beginning. */
	KUNIT_EXPECT_EQ(test, 0, smmu_attach_error(test, domain, master, 3));
	KUNIT_EXPECT_EQ(test, 0, master->iopf_refcount);
	KUNIT_EXPECT_FALSE(test, smmu_in_fault_queue(master));
}

/*
 * A device that joins the group does not have the PASIDs that are attached
 * already, and must not lose them for others. The same is true for a device
 * that could not be attached again at the end of a reset.
 */
/* matrix: 22 */
static void smmu_test_joined_late(struct kunit *test)
{
	struct smmu_mock *m = smmu_mock_init(test, ARM_SMMU_FEAT_STALLS);
	struct arm_smmu_master *first =
		smmu_mock_device(test, m, m->ops.identity_domain);
	struct iommu_domain *domain = smmu_mock_sva(test, m, first);
	struct arm_smmu_master *late;
	struct arm_smmu_invs *invs;

	first->stall_enabled = true;
	smmu_attach(test, domain, first, 1);
	smmu_attach(test, domain, first, 2);
	late = smmu_mock_add(test, m, "late", 1);
	late->stall_enabled = true;

	iommu_detach_device_pasid(domain, first->dev, 1);
	KUNIT_EXPECT_EQ(test, 1, first->iopf_refcount);
	KUNIT_EXPECT_EQ(test, 0, late->iopf_refcount);
	/* The ASID is still in use and must go on being invalidated. */
	KUNIT_EXPECT_FALSE(test, list_empty(&to_smmu_domain(domain)->devices));
	invs = rcu_dereference_protected(to_smmu_domain(domain)->invs, true);
	KUNIT_EXPECT_EQ(test, 1, invs->num_invs);

	/* From now on both devices are attached. */
	smmu_attach(test, domain, first, 3);
	KUNIT_EXPECT_EQ(test, 2, first->iopf_refcount);
	KUNIT_EXPECT_EQ(test, 1, late->iopf_refcount);
	iommu_detach_device_pasid(domain, first->dev, 3);
	iommu_detach_device_pasid(domain, first->dev, 2);
	KUNIT_EXPECT_EQ(test, 0, first->iopf_refcount);
	KUNIT_EXPECT_EQ(test, 0, late->iopf_refcount);
	KUNIT_EXPECT_FALSE(test, smmu_in_fault_queue(first));
	KUNIT_EXPECT_FALSE(test, smmu_in_fault_queue(late));
}

/* The device that leaves is freed, and the group goes on without it. */
/* matrix: 22 */
static void smmu_test_leaves_early(struct kunit *test)
{
	struct smmu_mock *m = smmu_mock_init(test, ARM_SMMU_FEAT_STALLS);
	struct arm_smmu_master *stays =
		smmu_mock_device(test, m, m->ops.identity_domain);
	struct arm_smmu_master *leaves = smmu_mock_add(test, m, "leaves", 1);
	struct iommu_domain *domain = smmu_mock_sva(test, m, stays);
	struct arm_smmu_domain *smmu_domain = to_smmu_domain(domain);
	struct mmu_notifier *mn = smmu_notifier(domain);

	stays->stall_enabled = true;
	leaves->stall_enabled = true;
	smmu_attach(test, domain, stays, 1);
	smmu_attach(test, domain, stays, 2);
	KUNIT_EXPECT_EQ(test, 4, list_count_nodes(&smmu_domain->devices));
	kunit_release_action(test, smmu_mock_release, leaves->dev);
	KUNIT_ASSERT_EQ(test, 2, list_count_nodes(&smmu_domain->devices));
	KUNIT_EXPECT_EQ(test, 2, stays->iopf_refcount);
	/* This walks the list of devices. */
	mn->ops->release(mn, mn->mm);
	iommu_detach_device_pasid(domain, stays->dev, 1);
	iommu_detach_device_pasid(domain, stays->dev, 2);
	KUNIT_EXPECT_EQ(test, 0, stays->iopf_refcount);
	KUNIT_EXPECT_TRUE(test, list_empty(&smmu_domain->devices));
}

/* Return the response to a stall whose fault was answered with @code. */
static u64 smmu_resume(struct kunit *test, struct smmu_mock *m,
		       struct arm_smmu_master *master, ioasid_t pasid,
		       enum iommu_page_response_code code)
{
	struct iommu_page_response resp = {
		.pasid = pasid,
		.grpid = 7,
		.code = code,
	};
	struct arm_smmu_cmd cmd = {};

	smmu_forget_cmds(m);
	m->ops.page_response(master->dev, NULL, &resp);
	KUNIT_EXPECT_TRUE(test, smmu_next_cmd(m, &cmd));
	KUNIT_EXPECT_EQ(test, CMDQ_OP_RESUME, smmu_cmd_op(&cmd));
	KUNIT_EXPECT_EQ(test, 7, FIELD_GET(CMDQ_RESUME_1_STAG, cmd.data[1]));
	return FIELD_GET(CMDQ_RESUME_0_RESP, cmd.data[0]);
}

/* A stall must not be retried if it could find the next owner's CD. */
/* matrix: 6 */
static void smmu_test_no_late_retry(struct kunit *test)
{
	struct smmu_mock *m = smmu_mock_init(test, ARM_SMMU_FEAT_STALLS);
	struct arm_smmu_master *master =
		smmu_mock_device(test, m, m->ops.blocked_domain);
	struct iommu_domain *domain = smmu_mock_sva(test, m, master);
	const enum iommu_page_response_code good = IOMMU_PAGE_RESP_SUCCESS;

	master->stall_enabled = true;
	smmu_attach(test, domain, master, 1);
	smmu_attach(test, domain, master, 2);
	KUNIT_EXPECT_EQ(test, CMDQ_RESUME_0_RESP_RETRY,
			smmu_resume(test, m, master, 1, good));
	KUNIT_EXPECT_EQ(test, CMDQ_RESUME_0_RESP_ABORT,
			smmu_resume(test, m, master, 1,
				    IOMMU_PAGE_RESP_INVALID));
	iommu_detach_device_pasid(domain, master->dev, 1);
	KUNIT_EXPECT_EQ(test, CMDQ_RESUME_0_RESP_ABORT,
			smmu_resume(test, m, master, 1, good));
	KUNIT_EXPECT_EQ(test, CMDQ_RESUME_0_RESP_RETRY,
			smmu_resume(test, m, master, 2, good));
	iommu_detach_device_pasid(domain, master->dev, 2);
}

/* A bind is refused, and for the reason that would have been given before */
static void smmu_expect_refused(struct kunit *test,
				struct arm_smmu_master *master, ioasid_t pasid,
				int code, enum iommu_sva_reason reason,
				enum iommu_sva_reason obstacle)
{
	struct iommu_sva *bond;
	ioasid_t last_pasid;
	int last_code;

	KUNIT_EXPECT_EQ(test, iommu_sva_obstacle(master->dev, true), obstacle);
	bond = iommu_sva_bind_device_pasid(master->dev, current->mm, pasid);
	KUNIT_EXPECT_PTR_EQ(test, bond, ERR_PTR(code));
	KUNIT_EXPECT_EQ(test, iommu_sva_last_refusal(master->dev, &last_pasid,
						     &last_code), reason);
	KUNIT_EXPECT_EQ(test, last_pasid, pasid);
	KUNIT_EXPECT_EQ(test, last_code, code);
	if (!IS_ERR(bond))
		iommu_sva_unbind_device(bond);
}

static void smmu_expect_obstacle(struct kunit *test,
				 struct arm_smmu_master *master,
				 enum iommu_sva_reason reason)
{
	smmu_expect_refused(test, master, 1, -EOPNOTSUPP, reason, reason);
}

/* What the SMMU lacks, beginning with an SMMU that lacks everything */
static void smmu_test_reasons(struct kunit *test)
{
	struct smmu_mock *m = smmu_mock_init(test, 0);
	struct arm_smmu_master *master =
		smmu_mock_device(test, m, m->ops.blocked_domain);
	struct arm_smmu_device *smmu = &m->smmu;
	struct iommu_sva *bond;

	KUNIT_ASSERT_EQ(test, 0, kunit_attach_mm());
	smmu->features = 0;
	smmu->asid_bits = 0;
	smmu_expect_obstacle(test, master, IOMMU_SVA_NO_FIRST_STAGE);
	smmu->features = ARM_SMMU_FEAT_TRANS_S1;
	smmu_expect_obstacle(test, master, IOMMU_SVA_NO_COHERENCY);
	/* What the CPUs have of the others is for them to say, see below */
	smmu->features = ~ARM_SMMU_FEAT_SVA;
	smmu_expect_obstacle(test, master, IOMMU_SVA_PAGE_SIZE);
	smmu->pgsize_bitmap = PAGE_SIZE;
	smmu_expect_obstacle(test, master, IOMMU_SVA_OAS);
	smmu->oas = 52;
	smmu_expect_obstacle(test, master, IOMMU_SVA_ASID_BITS);
	smmu->asid_bits = 16;
	KUNIT_EXPECT_EQ(test, arm_smmu_sva_check(smmu), IOMMU_SVA_OK);

	smmu->features = ARM_SMMU_FEAT_SVA | ARM_SMMU_FEAT_COHERENCY;
	master->ssid_bits = 0;
	smmu_expect_obstacle(test, master, IOMMU_SVA_PASIDS_OFF);
	master->ssid_bits = 2;
	smmu_expect_refused(test, master, 4, -EINVAL, IOMMU_SVA_PASID_LIMIT,
			    IOMMU_SVA_OK);
	master->ssid_bits = SSID_BITS;
	smmu->asid_bits = 0;
	smmu_expect_refused(test, master, 1, -ENOSPC, IOMMU_SVA_NO_ASID,
			    IOMMU_SVA_OK);
	smmu->asid_bits = 16;

	bond = iommu_sva_bind_device_pasid(master->dev, current->mm, 1);
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, bond);
	if (!IS_ERR(bond))
		iommu_sva_unbind_device(bond);
}

/* Features that the CPUs of this machine may not have */
static void smmu_test_missing(struct kunit *test)
{
	static const struct {
		u32 missing;
		enum iommu_sva_reason reason;
	} expected[] = {
		{ 0, IOMMU_SVA_OK },
		{ ARM_SMMU_FEAT_TRANS_S1, IOMMU_SVA_NO_FIRST_STAGE },
		{ ARM_SMMU_FEAT_COHERENCY, IOMMU_SVA_NO_COHERENCY },
		{ ARM_SMMU_FEAT_VAX, IOMMU_SVA_VA_RANGE },
		{ ARM_SMMU_FEAT_BBML2, IOMMU_SVA_NO_BBML2 },
		{ ARM_SMMU_FEAT_HAFT, IOMMU_SVA_NO_HAFT },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(expected); i++)
		KUNIT_EXPECT_EQ(test, arm_smmu_sva_missing(expected[i].missing),
				expected[i].reason);
}

static bool smmu_stub_ats_supported(struct arm_smmu_master *master)
{
	return container_of(master->smmu, struct smmu_mock, smmu)->has_ats;
}

static bool smmu_eats(struct smmu_mock *m)
{
	return FIELD_GET(STRTAB_STE_1_EATS, le64_to_cpu(m->stes[0].data[1])) ==
	       STRTAB_STE_1_EATS_TRANS;
}

/* The SMMU must accept what the device may send, before, while and after. */
static void smmu_stub_set_pci_ats(struct arm_smmu_master *master, bool enable)
{
	struct smmu_mock *m = container_of(master->smmu, struct smmu_mock, smmu);
	struct kunit *test = kunit_get_current_test();

	KUNIT_EXPECT_NE(test, m->ats, enable);
	KUNIT_EXPECT_TRUE(test, smmu_eats(m));
	m->ats = enable;
	m->nr_ats_changes++;
}

enum smmu_rid { SMMU_BLOCKED, SMMU_IDENTITY, SMMU_PAGING, SMMU_NR_RIDS };

/* A device in one of the states between which it is moved */
struct smmu_ats {
	struct smmu_mock	*m;
	struct arm_smmu_master	*master;
	struct iommu_domain	*rids[SMMU_NR_RIDS];
	struct iommu_domain	*sva;
	enum smmu_rid		rid;
	unsigned int		nr_pasids;
	/* Commands of the last move */
	unsigned int		nr_ste, nr_cd, nr_atc, nr_tlbi;
};

static void smmu_ats_init(struct kunit *test, struct smmu_ats *a, bool required)
{
	struct smmu_mock *m = smmu_mock_init(test, ARM_SMMU_FEAT_TRANS_S1);

	m->smmu.pgsize_bitmap = SZ_4K | SZ_2M | SZ_1G;
	m->smmu.oas = 48;
	m->has_ats = true;
	kunit_activate_static_stub(test, arm_smmu_ats_supported,
				   smmu_stub_ats_supported);
	kunit_activate_static_stub(test, arm_smmu_set_pci_ats,
				   smmu_stub_set_pci_ats);

	a->m = m;
	a->rids[SMMU_BLOCKED] = m->ops.blocked_domain;
	a->rids[SMMU_IDENTITY] = m->ops.identity_domain;
	a->master = smmu_mock_device(test, m, m->ops.blocked_domain);
	a->rids[SMMU_PAGING] = m->ops.domain_alloc_paging_flags(a->master->dev,
								0, NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, a->rids[SMMU_PAGING]);
	a->rids[SMMU_PAGING]->owner = &m->ops;
	a->sva = smmu_mock_sva(test, m, a->master);
	/* As the probe does for a device that requires ATS: a CD table */
	smmu_attach(test, a->sva, a->master, 1);
	iommu_detach_device_pasid(a->sva, a->master->dev, 1);
	a->master->ats_always_on = required;
	smmu_forget_cmds(m);
	m->nr_ats_changes = 0;
}

static void smmu_ats_exit(struct kunit *test, struct smmu_ats *a)
{
	smmu_move_rid(test, a->m, a->rids[SMMU_BLOCKED]);
	a->rids[SMMU_PAGING]->ops->free(a->rids[SMMU_PAGING]);
}

static void smmu_ats_count(struct smmu_ats *a)
{
	struct arm_smmu_cmd cmd;

	a->nr_ste = 0;
	a->nr_cd = 0;
	a->nr_atc = 0;
	a->nr_tlbi = 0;
	while (smmu_next_cmd(a->m, &cmd)) {
		switch (smmu_cmd_op(&cmd)) {
		case CMDQ_OP_CFGI_STE:
			a->nr_ste++;
			break;
		case CMDQ_OP_CFGI_CD:
			a->nr_cd++;
			break;
		case CMDQ_OP_ATC_INV:
			a->nr_atc++;
			break;
		case CMDQ_OP_CMD_SYNC:
			break;
		default:
			a->nr_tlbi++;
		}
	}
}

/* Move to a state that differs in the RID, or by one PASID. */
static void smmu_ats_move(struct kunit *test, struct smmu_ats *a,
			  enum smmu_rid rid, unsigned int nr_pasids)
{
	struct smmu_mock *m = a->m;
	bool moves = rid != a->rid || nr_pasids != a->nr_pasids;
	bool had = m->ats;
	bool has = rid == SMMU_PAGING || nr_pasids ||
		   (rid == SMMU_IDENTITY && a->master->ats_always_on);

	m->nr_ats_changes = 0;
	smmu_forget_cmds(m);
	if (rid != a->rid)
		smmu_move_rid(test, m, a->rids[rid]);
	else if (nr_pasids > a->nr_pasids)
		smmu_attach(test, a->sva, a->master, nr_pasids);
	else if (nr_pasids < a->nr_pasids)
		iommu_detach_device_pasid(a->sva, a->master->dev, a->nr_pasids);
	smmu_ats_count(a);

	KUNIT_EXPECT_EQ_MSG(test, has, m->ats,
			    "RID %d -> %d, PASIDs %u -> %u, required %d",
			    a->rid, rid, a->nr_pasids, nr_pasids,
			    a->master->ats_always_on);
	KUNIT_EXPECT_EQ(test, has, smmu_eats(m));
	KUNIT_EXPECT_EQ(test, has, (bool)a->master->ats_enabled);
	KUNIT_EXPECT_EQ(test, had != has, m->nr_ats_changes);
	/* The device's TLB must not keep anything from before. */
	if (moves && (had || has))
		KUNIT_EXPECT_LE(test, 1, a->nr_atc);
	else
		KUNIT_EXPECT_EQ(test, 0, a->nr_atc);
	a->rid = rid;
	a->nr_pasids = nr_pasids;
}

/* Each step from each state, there and back */
static void smmu_ats_walk(struct kunit *test, bool required)
{
	struct smmu_ats a = {};
	unsigned int nr, to, rid;

	smmu_ats_init(test, &a, required);
	for (nr = 0; nr <= 2; nr++) {
		for (rid = 0; rid < SMMU_NR_RIDS; rid++) {
			for (to = 0; to < SMMU_NR_RIDS; to++) {
				if (to == rid)
					continue;
				smmu_ats_move(test, &a, rid, nr);
				smmu_ats_move(test, &a, to, nr);
				smmu_ats_move(test, &a, rid, nr);
			}
			smmu_ats_move(test, &a, rid, nr + 1);
			smmu_ats_move(test, &a, rid, nr);
		}
		smmu_ats_move(test, &a, SMMU_BLOCKED, nr);
		smmu_ats_move(test, &a, SMMU_BLOCKED, nr + 1);
	}
	while (a.nr_pasids)
		smmu_ats_move(test, &a, SMMU_BLOCKED, a.nr_pasids - 1);
	smmu_ats_exit(test, &a);
}

/* matrix: 28 */
static void smmu_test_ats_on_demand(struct kunit *test)
{
	smmu_ats_walk(test, false);
}

/* matrix: 29 */
static void smmu_test_ats_required(struct kunit *test)
{
	smmu_ats_walk(test, true);
}

/* Never, whatever is attached, if the device or the SMMU has no ATS */
/* matrix: 28 */
static void smmu_test_ats_none(struct kunit *test)
{
	struct smmu_ats a = {};
	enum smmu_rid rid;

	smmu_ats_init(test, &a, true);
	a.m->has_ats = false;
	smmu_attach(test, a.sva, a.master, 1);
	for (rid = 0; rid < SMMU_NR_RIDS; rid++) {
		smmu_move_rid(test, a.m, a.rids[rid]);
		KUNIT_EXPECT_FALSE(test, smmu_eats(a.m));
	}
	iommu_detach_device_pasid(a.sva, a.master->dev, 1);
	for (rid = 0; rid < SMMU_NR_RIDS; rid++) {
		smmu_move_rid(test, a.m, a.rids[rid]);
		KUNIT_EXPECT_FALSE(test, smmu_eats(a.m));
	}
	KUNIT_EXPECT_EQ(test, 0, a.m->nr_ats_changes);
	smmu_ats_exit(test, &a);
}

/*
 * What a change costs. An STE that is replaced in one write takes one CFGI_STE,
 * see arm_smmu_write_entry().
 */
/* matrix: 9 */
static void smmu_test_ats_commands(struct kunit *test)
{
	static const struct {
		enum smmu_rid rid;
		unsigned int nr_pasids;
		bool required;
		unsigned int ste, cd, atc;
	} moves[] = {
		/* Nobody uses ATS */
		{ SMMU_IDENTITY, 0, false, 1, 0, 0 },
		{ SMMU_BLOCKED, 0, false, 1, 0, 0 },
	};
	struct smmu_ats a = {};
	int i;

	smmu_ats_init(test, &a, false);
	for (i = 0; i < ARRAY_SIZE(moves); i++) {
		a.master->ats_always_on = moves[i].required;
		smmu_ats_move(test, &a, moves[i].rid, moves[i].nr_pasids);
		KUNIT_EXPECT_EQ_MSG(test, a.nr_ste, moves[i].ste, "move %d", i);
		KUNIT_EXPECT_EQ_MSG(test, a.nr_cd, moves[i].cd, "move %d", i);
		KUNIT_EXPECT_EQ_MSG(test, a.nr_atc, moves[i].atc, "move %d", i);
	}
	smmu_ats_exit(test, &a);
}

/* Expect @nr_cd times a CFGI_CD for @ssid and a SYNC, and nothing else. */
static void smmu_expect_cfgi_cd(struct kunit *test, struct smmu_mock *m,
				u32 ssid, unsigned int nr_cd)
{
	struct arm_smmu_cmd cmd;
	unsigned int i;

	for (i = 0; i < nr_cd; i++) {
		KUNIT_ASSERT_TRUE(test, smmu_next_cmd(m, &cmd));
		KUNIT_EXPECT_EQ(test, CMDQ_OP_CFGI_CD, smmu_cmd_op(&cmd));
		KUNIT_EXPECT_EQ(test, ssid,
				FIELD_GET(CMDQ_CFGI_0_SSID, cmd.data[0]));
		KUNIT_ASSERT_TRUE(test, smmu_next_cmd(m, &cmd));
		KUNIT_EXPECT_EQ(test, CMDQ_OP_CMD_SYNC, smmu_cmd_op(&cmd));
	}
	KUNIT_EXPECT_FALSE(test, smmu_next_cmd(m, &cmd));
}

/*
 * The SMMU may read the words of a CD in any order. What it is not to see
 * together takes a SYNC in between: a new page table and V. A CD that becomes
 * invalid has nothing else to be seen.
 */
/* matrix: 9 */
static void smmu_test_cd_commands(struct kunit *test)
{
	struct smmu_mock *m = smmu_mock_init(test, 0);
	struct arm_smmu_master *master =
		smmu_mock_device(test, m, m->ops.blocked_domain);
	struct iommu_domain *domain = smmu_mock_sva(test, m, master);
	__le64 *cd;

	/* The first PASID brings the CD table into use, see nr_ste above. */
	smmu_attach(test, domain, master, 2);
	smmu_forget_cmds(m);

	smmu_attach(test, domain, master, 1);
	smmu_expect_cfgi_cd(test, m, 1, 2);
	KUNIT_EXPECT_EQ(test, 2, master->cd_table.used_ssids);
	iommu_detach_device_pasid(domain, master->dev, 1);
	smmu_expect_cfgi_cd(test, m, 1, 1);
	KUNIT_EXPECT_EQ(test, 0, smmu_cd(master, 1));
	KUNIT_EXPECT_EQ(test, 1, master->cd_table.used_ssids);

	/* The same page table again */
	smmu_attach(test, domain, master, 1);
	smmu_expect_cfgi_cd(test, m, 1, 1);
	iommu_detach_device_pasid(domain, master->dev, 1);
	smmu_expect_cfgi_cd(test, m, 1, 1);

	/* As if another one had been there */
	cd = master->cd_table.linear.table[1].data;
	cd[1] ^= cpu_to_le64(PAGE_SIZE);
	smmu_attach(test, domain, master, 1);
	smmu_expect_cfgi_cd(test, m, 1, 2);
	KUNIT_EXPECT_EQ(test, master->cd_table.linear.table[2].data[1], cd[1]);
	iommu_detach_device_pasid(domain, master->dev, 1);
	smmu_expect_cfgi_cd(test, m, 1, 1);

	iommu_detach_device_pasid(domain, master->dev, 2);
}

static struct kunit_case smmu_test_cases[] = {
	KUNIT_CASE(smmu_test_exit_ends_all),
	KUNIT_CASE(smmu_test_range_by_page),
	KUNIT_CASE(smmu_test_range_by_range),
	KUNIT_CASE(smmu_test_s1dss_identity),
	KUNIT_CASE(smmu_test_s1dss_blocked),
	KUNIT_CASE(smmu_test_bounds),
	KUNIT_CASE(smmu_test_refused),
	KUNIT_CASE(smmu_test_fault_queue),
	KUNIT_CASE(smmu_test_joined_late),
	KUNIT_CASE(smmu_test_leaves_early),
	KUNIT_CASE(smmu_test_no_late_retry),
	KUNIT_CASE(smmu_test_reasons),
	KUNIT_CASE(smmu_test_missing),
	KUNIT_CASE(smmu_test_ats_on_demand),
	KUNIT_CASE(smmu_test_ats_required),
	KUNIT_CASE(smmu_test_ats_none),
	KUNIT_CASE(smmu_test_ats_commands),
	KUNIT_CASE(smmu_test_cd_commands),
	{}
};

static struct kunit_suite smmu_test_suite = {
	.name = "arm-smmu-v3-sva",
	.test_cases = smmu_test_cases,
};

kunit_test_suite(smmu_test_suite);

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_DESCRIPTION("KUnit tests of PASIDs and SVA in the arm-smmu-v3 driver");
MODULE_LICENSE("GPL");
