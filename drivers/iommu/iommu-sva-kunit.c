// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of SVA. Those of the CPU side test when ENQCMD may be used, and
 * when an address space may have tagged addresses. The others test bonds on an
 * IOMMU that only does what the test wants, for cases that are rare on a real
 * machine.
 */
#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/mm_types.h>
#include <linux/mmu_notifier.h>
#include <linux/pci.h>
#include <linux/pci-ats.h>
#include <linux/property.h>
#include <linux/sched/mm.h>

#ifdef CONFIG_X86
#include <asm/sva.h>
#endif

#include "iommu-priv.h"
#include "iommu-sva-reason.h"

#define GLOBAL_PASID	5

struct sva_test {
	struct mm_struct	mm;
	struct iommu_mm_data	iommu_mm;
};

static int sva_test_init(struct kunit *test)
{
	struct sva_test *t;

	/* This mm is never seen by the mm code, and never bound to anything. */
	t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	if (!t)
		return -ENOMEM;

	t->iommu_mm.listed.mm = &t->mm;
	t->iommu_mm.pasid = IOMMU_PASID_INVALID;
	test->priv = t;
	return 0;
}

/* The state after a first bond on a PASID that the driver has chosen */
static struct mm_struct *mm_with_private_bond(struct kunit *test)
{
	struct sva_test *t = test->priv;

	t->mm.iommu_mm = &t->iommu_mm;
	t->iommu_mm.nr_bonds = 1;
	return &t->mm;
}

/* The state after that bond has ended, or could not be created */
static struct mm_struct *mm_without_bond_left(struct kunit *test)
{
	struct sva_test *t = test->priv;

	t->mm.iommu_mm = &t->iommu_mm;
	t->iommu_mm.nr_bonds = 0;
	return &t->mm;
}

/* The state after iommu_sva_bind_device(). The PASID outlives the bond. */
static struct mm_struct *mm_with_global_pasid(struct kunit *test)
{
	struct sva_test *t = test->priv;

	t->iommu_mm.pasid = GLOBAL_PASID;
	return mm_without_bond_left(test);
}

static struct mm_struct *mm_without_bond(struct kunit *test)
{
	struct sva_test *t = test->priv;

	return &t->mm;
}

/* matrix: 17 */
static void sva_test_enqcmd_pasid(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, mm_get_enqcmd_pasid(mm_without_bond(test)),
			IOMMU_PASID_INVALID);
	KUNIT_EXPECT_EQ(test, mm_get_enqcmd_pasid(mm_with_private_bond(test)),
			IOMMU_PASID_INVALID);
	KUNIT_EXPECT_EQ(test, mm_get_enqcmd_pasid(mm_with_global_pasid(test)),
			GLOBAL_PASID);
}

static void sva_test_has_sva(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, mm_has_sva(mm_without_bond(test)));
	KUNIT_EXPECT_TRUE(test, mm_has_sva(mm_with_private_bond(test)));
	KUNIT_EXPECT_FALSE(test, mm_has_sva(mm_without_bond_left(test)));
	KUNIT_EXPECT_TRUE(test, mm_has_sva(mm_with_global_pasid(test)));
}

#ifdef CONFIG_X86
/* The #GP handler must not write IOMMU_PASID_INVALID into the MSR. */
/* matrix: 17 */
static void sva_test_x86_enqcmd(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, enqcmd_ia32_pasid(mm_without_bond(test)), 0);
	KUNIT_EXPECT_EQ(test, enqcmd_ia32_pasid(mm_with_private_bond(test)), 0);
	KUNIT_EXPECT_EQ(test, enqcmd_ia32_pasid(mm_with_global_pasid(test)),
			GLOBAL_PASID | MSR_IA32_PASID_VALID);
}

static void sva_test_x86_lam(struct kunit *test)
{
	struct mm_struct *mm;

	KUNIT_EXPECT_TRUE(test, sva_allows_lam(mm_without_bond(test)));
	mm = mm_with_private_bond(test);
	KUNIT_EXPECT_FALSE(test, sva_allows_lam(mm));
	mm = mm_without_bond_left(test);
	KUNIT_EXPECT_TRUE(test, sva_allows_lam(mm));
	mm = mm_with_global_pasid(test);
	KUNIT_EXPECT_FALSE(test, sva_allows_lam(mm));

	/* ARCH_FORCE_TAGGED_SVA overrides the check. */
	set_bit(MM_CONTEXT_FORCE_TAGGED_SVA, &mm->context.flags);
	KUNIT_EXPECT_TRUE(test, sva_allows_lam(mm));
}
#endif

/* An IOMMU and a device behind it that is alone in its group */

#define MAX_PASIDS	8
#define NR_LEAKS	16	/* kmemleak may miss one that is lost */
#define LONG_TIME	(20 * HZ)
#define KVA_START	PAGE_OFFSET
#define KVA_END		(PAGE_OFFSET + 3 * PAGE_SIZE)

struct sva_mock {
	struct device		*dev;
	struct iommu_group	*group;
	struct iommu_device	iommu;
	struct iommu_ops	ops;
	struct dev_iommu	*param;
	struct iommu_domain	*attached[MAX_PASIDS];
	unsigned int		nr_domains;
	/* A letter a call of the driver: alloc, set, block, free, release, pass */
	char			calls[16];
	unsigned int		nr_calls;
	/* PASIDs that were attached when the device was released */
	unsigned int		nr_left;
	int			alloc_error;
	int			set_error;
	/* Said about these errors, and about what stands in the way */
	enum iommu_sva_reason	alloc_reason;
	enum iommu_sva_reason	set_reason;
	enum iommu_sva_reason	obstacle;
	/* LAM is enabled while a domain is allocated */
	bool			lam_in_alloc;
	/* Free kernel page tables during an attach, and whether it was told */
	bool			kva_in_set;
	bool			told_in_set;
	/* Makes the hardware take as long as the test wants */
	bool			slow;
	struct completion	draining;
	struct completion	drained;
	struct mmu_notifier	notifier;
	unsigned int		nr_kva_invalidations;
};

static unsigned int kva_invalidations(struct sva_mock *m)
{
	m->nr_kva_invalidations = 0;
	iommu_sva_invalidate_kva_range(KVA_START, KVA_END);
	return m->nr_kva_invalidations;
}

static void sva_mock_call(struct sva_mock *m, char call)
{
	if (m->nr_calls < sizeof(m->calls) - 1)
		m->calls[m->nr_calls++] = call;
}

static int sva_mock_set(struct iommu_domain *domain, struct device *dev,
			ioasid_t pasid, struct iommu_domain *old)
{
	struct sva_mock *m = dev_iommu_priv_get(dev);

	sva_mock_call(m, 'S');
	if (m->set_error && m->set_reason)
		iommu_sva_refuse_domain(domain, m->set_error, m->set_reason);
	if (m->set_error)
		return m->set_error;
	if (m->kva_in_set)
		m->told_in_set = kva_invalidations(m);
	m->attached[pasid] = domain;
	return 0;
}

static int sva_mock_block(struct iommu_domain *domain, struct device *dev,
			  ioasid_t pasid, struct iommu_domain *old)
{
	struct sva_mock *m = dev_iommu_priv_get(dev);

	sva_mock_call(m, 'B');
	/* The domain that is detached must be the one that was attached. */
	if (m->attached[pasid] != old)
		return -EINVAL;
	m->attached[pasid] = NULL;
	complete(&m->draining);
	if (m->slow)
		wait_for_completion_timeout(&m->drained, LONG_TIME);
	return 0;
}

static int sva_mock_block_rid(struct iommu_domain *domain, struct device *dev,
			      struct iommu_domain *old)
{
	return 0;
}

struct sva_mock_domain {
	struct iommu_domain	domain;
	struct sva_mock		*mock;
};

static void sva_mock_free(struct iommu_domain *domain)
{
	struct sva_mock_domain *d =
		container_of(domain, struct sva_mock_domain, domain);

	sva_mock_call(d->mock, 'F');
	d->mock->nr_domains--;
	kfree(d);
}

static const struct iommu_domain_ops sva_mock_domain_ops = {
	.set_dev_pasid = sva_mock_set,
	.free = sva_mock_free,
};

static struct iommu_domain sva_mock_blocked = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &(const struct iommu_domain_ops) {
		.attach_dev = sva_mock_block_rid,
		.set_dev_pasid = sva_mock_block,
	},
};

static int sva_mock_pass(struct iommu_domain *domain, struct device *dev,
			 struct iommu_domain *old)
{
	sva_mock_call(dev_iommu_priv_get(dev), 'P');
	return 0;
}

static struct iommu_domain sva_mock_identity = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &(const struct iommu_domain_ops) {
		.attach_dev = sva_mock_pass,
	},
};

static struct iommu_domain *sva_mock_alloc(struct device *dev,
					   struct mm_struct *mm)
{
	struct sva_mock *m = dev_iommu_priv_get(dev);
	struct sva_mock_domain *d;

	sva_mock_call(m, 'A');
	if (m->alloc_error && m->alloc_reason)
		iommu_sva_refuse(mm, m->alloc_error, m->alloc_reason);
	if (m->alloc_error)
		return ERR_PTR(m->alloc_error);
	d = kzalloc_obj(*d);
	if (!d)
		return ERR_PTR(-ENOMEM);
	d->domain.ops = &sva_mock_domain_ops;
	d->mock = m;
	m->nr_domains++;
#ifdef CONFIG_ADDRESS_MASKING
	/* No CPU will ever run on this mm. */
	if (m->lam_in_alloc)
		mm->context.lam_cr3_mask = 1;
#endif
	return &d->domain;
}

static void sva_mock_release(struct device *dev)
{
	struct sva_mock *m = dev_iommu_priv_get(dev);
	int i;

	sva_mock_call(m, 'R');
	for (i = 0; i < MAX_PASIDS; i++)
		m->nr_left += !!m->attached[i];
}

static enum iommu_sva_reason sva_mock_obstacle(struct device *dev)
{
	struct sva_mock *m = dev_iommu_priv_get(dev);

	return m->obstacle;
}

static const struct iommu_ops sva_mock_ops = {
	.domain_alloc_sva = sva_mock_alloc,
	.sva_obstacle = sva_mock_obstacle,
	.blocked_domain = &sva_mock_blocked,
	.identity_domain = &sva_mock_identity,
	.release_device = sva_mock_release,
};

static void sva_mock_exit(void *data)
{
	struct sva_mock *m = data;

	/* This frees @param */
	iommu_group_remove_device(m->dev);
}

/* Put the device behind the IOMMU, into @group or a new one */
static void sva_mock_add(struct kunit *test, struct sva_mock *m,
			 struct iommu_group *group, u32 max_pasids)
{
	m->param = kzalloc_obj(*m->param);
	KUNIT_ASSERT_NOT_NULL(test, m->param);
	m->ops = sva_mock_ops;
	init_completion(&m->draining);
	init_completion(&m->drained);
	m->iommu.ops = &m->ops;
	m->iommu.dev = m->dev;
	m->param->iommu_dev = &m->iommu;
	m->param->max_pasids = max_pasids;
	m->param->priv = m;
	m->dev->iommu = m->param;

	m->group = group ?: iommu_group_alloc();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, m->group);
	KUNIT_ASSERT_EQ(test, 0, iommu_group_add_device(m->group, m->dev));
	/* Now the device holds the reference. */
	if (!group)
		iommu_group_put(m->group);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, sva_mock_exit, m));
}

static struct sva_mock *sva_mock_init(struct kunit *test, const char *name,
				      struct iommu_group *group)
{
	struct sva_mock *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, m);
	m->dev = kunit_device_register(test, name);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, m->dev);
	sva_mock_add(test, m, group, MAX_PASIDS);
	return m;
}

static int sva_bind_error(struct sva_mock *m, struct mm_struct *mm,
			  ioasid_t pasid)
{
	struct iommu_sva *bond;

	bond = iommu_sva_bind_device_pasid(m->dev, mm, pasid);
	if (IS_ERR(bond))
		return PTR_ERR(bond);
	iommu_sva_unbind_device(bond);
	return 0;
}

/* An mm that is alive, for as long as the test runs */
static struct mm_struct *live_mm(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, kunit_attach_mm());
	return current->mm;
}

/*
 * An mm that belongs to the test and looks alive to the core. The test calls
 * mm_pasid_drop() itself, it is not called with the last reference to the mm.
 */
static struct mm_struct *own_mm(struct kunit *test)
{
	struct mm_struct *mm = mm_without_bond(test);

	atomic_set(&mm->mm_users, 1);
	atomic_set(&mm->mm_count, 1);
	return mm;
}

static void own_mm_exits(struct kunit *test, struct mm_struct *mm)
{
	KUNIT_EXPECT_EQ(test, atomic_read(&mm->mm_users), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&mm->mm_count), 1);
	mm_pasid_drop(mm);
	mm->iommu_mm = NULL;
}

static void expect_calls(struct kunit *test, struct sva_mock *m,
			 const char *calls)
{
	KUNIT_EXPECT_STREQ(test, m->calls, calls);
	memset(m->calls, 0, sizeof(m->calls));
	m->nr_calls = 0;
}

/* A domain of the mock's IOMMU, such as iommufd would attach */
static struct iommu_domain *sva_mock_other_domain(struct kunit *test,
						  struct sva_mock *m)
{
	struct iommu_domain *domain = kunit_kzalloc(test, sizeof(*domain),
						    GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, domain);
	domain->type = IOMMU_DOMAIN_UNMANAGED;
	domain->ops = &sva_mock_domain_ops;
	domain->owner = &m->ops;
	return domain;
}

/* What iommu_max_pasids() returns with and without an IOMMU */
/* matrix: 11 */
static void sva_test_max_pasids(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct device *none;

	KUNIT_EXPECT_EQ(test, iommu_max_pasids(m->dev), MAX_PASIDS);
	m->param->max_pasids = 0;
	KUNIT_EXPECT_EQ(test, iommu_max_pasids(m->dev), 0);

	none = kunit_device_register(test, "sva-mock-no-iommu");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, none);
	KUNIT_EXPECT_EQ(test, iommu_max_pasids(none), 0);
}

/* Each error of the table must take precedence over those below it. */

/* matrix: 11 */
static void sva_test_error_no_iommu(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct mm_struct *mm = live_mm(test);
	struct sva_mock no_group = {};

	m->param->iommu_dev = NULL;
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 1), -ENODEV);
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, NULL, 0), -ENODEV);
	m->dev->iommu = NULL;
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 1), -ENODEV);
	m->dev->iommu = m->param;
	m->param->iommu_dev = &m->iommu;

	no_group.dev = kunit_device_register(test, "sva-mock-no-group");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, no_group.dev);
	KUNIT_EXPECT_EQ(test, sva_bind_error(&no_group, mm, 1), -ENODEV);
	KUNIT_EXPECT_EQ(test, sva_bind_error(&no_group, NULL, 0), -ENODEV);
}

static void sva_test_error_no_mm(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);

	KUNIT_EXPECT_EQ(test, sva_bind_error(m, NULL, 1), -EINVAL);
	m->param->max_pasids = 0;
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, NULL, 1), -EINVAL);
}

/* matrix: 11 */
static void sva_test_error_no_pasids(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct mm_struct *mm = live_mm(test);

	m->param->max_pasids = 0;
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 1), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 0), -EOPNOTSUPP);
	/* PASID 0 cannot be bound to. */
	m->param->max_pasids = 1;
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 1), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 0), -EOPNOTSUPP);
	m->param->max_pasids = MAX_PASIDS;
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 1), 0);

	m->ops.domain_alloc_sva = NULL;
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 1), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 0), -EOPNOTSUPP);
}

/* Devices of a group share their PASIDs, so neither of two drivers owns them */
static void sva_test_error_group(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct sva_mock *n = sva_mock_init(test, "sva-mock-2", m->group);
	struct mm_struct *mm = live_mm(test);

	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 1), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, sva_bind_error(n, mm, 1), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, sva_bind_error(n, mm, 0), -EOPNOTSUPP);
	/* A device without PASIDs does not count. */
	n->param->max_pasids = 0;
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 1), 0);
}

/* Wrong numbers, and an mm that is exiting, whose mm_users is 0 */
/* matrix: 11 */
static void sva_test_error_pasid(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct mm_struct *dead = mm_without_bond(test);
	struct mm_struct *mm = live_mm(test);
	static const ioasid_t wrong[] = {
		0, MAX_PASIDS, MAX_PASIDS + 1, S32_MAX, IOMMU_PASID_INVALID,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, wrong[i]), -EINVAL);
		KUNIT_EXPECT_EQ(test, sva_bind_error(m, dead, wrong[i]),
				-EINVAL);
	}
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 1), 0);
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, MAX_PASIDS - 1), 0);
}

#ifdef CONFIG_ADDRESS_MASKING
static void sva_test_error_lam(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct mm_struct *mm = mm_without_bond(test);

	/* No CPU will ever run on this mm. */
	mm->context.lam_cr3_mask = 1;
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, MAX_PASIDS), -EINVAL);
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 1), -EOPNOTSUPP);
	KUNIT_EXPECT_PTR_EQ(test, iommu_sva_bind_device(m->dev, mm),
			    ERR_PTR(-EBUSY));
	KUNIT_EXPECT_NULL(test, mm->iommu_mm);
	/* Now it is allowed, and the next error is that the mm is exiting. */
	set_bit(MM_CONTEXT_FORCE_TAGGED_SVA, &mm->context.flags);
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 1), -ESRCH);
}

/*
 * LAM is enabled after the bind has checked for it, but before enabling LAM
 * could have seen the bond.
 */
static void sva_test_error_lam_meanwhile(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct mm_struct *mm = own_mm(test);
	struct iommu_sva *bond;

	m->lam_in_alloc = true;
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 1), -EOPNOTSUPP);
	expect_calls(test, m, "AF");
	KUNIT_EXPECT_FALSE(test, mm_has_sva(mm));
	mm->context.lam_cr3_mask = 0;
	bond = iommu_sva_bind_device(m->dev, mm);
	KUNIT_EXPECT_PTR_EQ(test, bond, ERR_PTR(-EBUSY));
	if (!IS_ERR(bond))
		iommu_sva_unbind_device(bond);
	expect_calls(test, m, "AF");
	own_mm_exits(test, mm);
}
#endif

/* matrix: 19 */
static void sva_test_error_exiting(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct mm_struct *dead = mm_without_bond(test);
	struct mm_struct *mm = live_mm(test);
	struct iommu_sva *bond;

	KUNIT_EXPECT_EQ(test, sva_bind_error(m, dead, 1), -ESRCH);
	KUNIT_EXPECT_NULL(test, dead->iommu_mm);
	KUNIT_EXPECT_EQ(test, atomic_read(&dead->mm_users), 0);

	bond = iommu_sva_bind_device_pasid(m->dev, mm, 1);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bond);
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, dead, 1), -ESRCH);
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 1), -EBUSY);
	iommu_sva_unbind_device(bond);
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 1), 0);
}

#ifdef CONFIG_PCI_ATS
static void sva_mock_pci_release(struct device *dev)
{
}

static void sva_mock_pci_unregister(void *dev)
{
	device_unregister(dev);
}

/* While a device of the group is reset, as by pci_reset_function() */
/* matrix: 22 */
static void sva_test_error_reset(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct mm_struct *dead = mm_without_bond(test);
	struct mm_struct *mm = live_mm(test);
	struct sva_mock *n = kunit_kzalloc(test, sizeof(*n), GFP_KERNEL);
	struct pci_dev *pdev = kunit_kzalloc(test, sizeof(*pdev), GFP_KERNEL);
	struct iommu_domain *other = sva_mock_other_domain(test, m);

	KUNIT_ASSERT_NOT_NULL(test, n);
	KUNIT_ASSERT_NOT_NULL(test, pdev);
	pdev->ats_cap = 1;
	pdev->dev.init_name = "sva-mock-pci";
	pdev->dev.release = sva_mock_pci_release;
	KUNIT_ASSERT_EQ(test, 0, device_register(&pdev->dev));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, sva_mock_pci_unregister,
						  &pdev->dev));
	n->dev = &pdev->dev;
	sva_mock_add(test, n, m->group, 0);

	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 1), 0);
	KUNIT_ASSERT_EQ(test, 0, pci_dev_reset_iommu_prepare(pdev));
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 1), -EAGAIN);
	KUNIT_EXPECT_FALSE(test, mm_has_sva(mm));
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, dead, 1), -ESRCH);
	/* These calls return -EBUSY for both. */
	KUNIT_EXPECT_PTR_EQ(test, iommu_sva_bind_device(m->dev, mm),
			    ERR_PTR(-EBUSY));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_attach_device_pasid(other, m->dev, 1, NULL));
	pci_dev_reset_iommu_done(pdev);
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 1), 0);
}
#endif

/* Errors of the IOMMU driver are passed on, and nothing is left behind. */
/* matrix: 11 */
static void sva_test_error_driver(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct mm_struct *mm = live_mm(test);
	int users = atomic_read(&mm->mm_users);

	m->alloc_error = -ENOMEM;
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 1), -ENOMEM);
	m->alloc_error = -EOPNOTSUPP;
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 1), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, atomic_read(&mm->mm_users), users);
	KUNIT_EXPECT_EQ(test, mm_get_enqcmd_pasid(mm), IOMMU_PASID_INVALID);

	m->alloc_error = 0;
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 1), 0);
	KUNIT_EXPECT_EQ(test, m->nr_domains, 0);
}

/* Wherever a private bind fails, the CPU side sees the mm as it was before. */
/* matrix: 24 */
static void sva_test_failed_bind(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct mm_struct *mm = own_mm(test);
	struct iommu_attach_handle taken = {};
	struct iommu_sva *bond;

	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(sva_mock_other_domain(test, m),
						  m->dev, 2, &taken));
	m->alloc_error = -ENOMEM;
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 1), -ENOMEM);
	KUNIT_EXPECT_FALSE(test, mm_has_sva(mm));
	m->alloc_error = 0;
	m->set_error = -ENOMEM;
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 1), -ENOMEM);
	KUNIT_EXPECT_FALSE(test, mm_has_sva(mm));
	m->set_error = 0;
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 2), -EBUSY);
	KUNIT_EXPECT_FALSE(test, mm_has_sva(mm));

	/*
	 * Now there is a bond, and another bind that fails does not change
	 * that.
	 */
	bond = iommu_sva_bind_device_pasid(m->dev, mm, 1);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bond);
	KUNIT_EXPECT_TRUE(test, mm_has_sva(mm));
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 1), -EBUSY);
	m->set_error = -ENOMEM;
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 3), -ENOMEM);
	m->set_error = 0;
	KUNIT_EXPECT_TRUE(test, mm_has_sva(mm));
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 3), 0);
	KUNIT_EXPECT_TRUE(test, mm_has_sva(mm));
	iommu_sva_unbind_device(bond);
	KUNIT_EXPECT_FALSE(test, mm_has_sva(mm));

	iommu_detach_device_pasid(taken.domain, m->dev, 2);
	own_mm_exits(test, mm);
}

/* The reasons behind the errors */

static void expect_last(struct kunit *test, struct sva_mock *m, ioasid_t pasid,
			int code, enum iommu_sva_reason reason)
{
	enum iommu_sva_reason last_reason;
	ioasid_t last_pasid;
	int last_code;

	last_reason = iommu_sva_last_refusal(m->dev, &last_pasid, &last_code);
	KUNIT_EXPECT_EQ(test, last_pasid, pasid);
	KUNIT_EXPECT_EQ(test, last_code, code);
	KUNIT_EXPECT_EQ(test, last_reason, reason);
}

static void expect_refused(struct kunit *test, struct sva_mock *m,
			   struct mm_struct *mm, ioasid_t pasid, int code,
			   enum iommu_sva_reason reason)
{
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, pasid), code);
	expect_last(test, m, pasid, code, reason);
}

/* By iommu_sva_bind_device(), to a process that has @pasid then, if any */
static void expect_shared_refused(struct kunit *test, struct sva_mock *m,
				  struct mm_struct *mm, ioasid_t pasid,
				  int code, enum iommu_sva_reason reason)
{
	struct iommu_sva *bond = iommu_sva_bind_device(m->dev, mm);

	KUNIT_EXPECT_PTR_EQ(test, bond, ERR_PTR(code));
	expect_last(test, m, pasid, code, reason);
	if (!IS_ERR(bond))
		iommu_sva_unbind_device(bond);
}

static void expect_obstacles(struct kunit *test, struct sva_mock *m,
			     enum iommu_sva_reason private,
			     enum iommu_sva_reason shared)
{
	KUNIT_EXPECT_EQ(test, iommu_sva_obstacle(m->dev, true), private);
	KUNIT_EXPECT_EQ(test, iommu_sva_obstacle(m->dev, false), shared);
}

/* Nobody is told of both kinds of bind what is not so, before and after */
static void expect_no_pasids(struct kunit *test, struct sva_mock *m,
			     struct mm_struct *mm, enum iommu_sva_reason reason)
{
	expect_obstacles(test, m, reason, reason);
	expect_refused(test, m, mm, 1, -EOPNOTSUPP, reason);
	expect_shared_refused(test, m, mm, IOMMU_PASID_INVALID, -ENOSPC,
			      reason);
}

/* Where the PASIDs are that it has not */
/* What firmware says of the device, until sva_mock_forget_property() */
static struct fwnode_handle *
sva_mock_set_property(struct kunit *test, struct sva_mock *m,
		      const struct property_entry *property)
{
	struct fwnode_handle *fwnode = fwnode_create_software_node(property, NULL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, fwnode);
	set_secondary_fwnode(m->dev, fwnode);
	return fwnode;
}

static void sva_mock_forget_property(struct sva_mock *m,
				     struct fwnode_handle *fwnode)
{
	set_secondary_fwnode(m->dev, NULL);
	fwnode_remove_software_node(fwnode);
}

static void sva_test_reason_pasids(struct kunit *test)
{
	static const struct property_entry one[] = {
		PROPERTY_ENTRY_U32("pasid-num-bits", 0),
		{}
	}, some[] = {
		PROPERTY_ENTRY_U32("pasid-num-bits", 3),
		{}
	};
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct mm_struct *mm = own_mm(test);
	struct fwnode_handle *fwnode;

	expect_obstacles(test, m, IOMMU_SVA_OK, IOMMU_SVA_OK);
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 1), 0);
	expect_last(test, m, 0, 0, IOMMU_SVA_OK);

	m->param->max_pasids = 0;
	expect_no_pasids(test, m, mm, IOMMU_SVA_NO_PASID_PROPERTY);
	fwnode = sva_mock_set_property(test, m, one);
	m->param->max_pasids = 1;
	expect_no_pasids(test, m, mm, IOMMU_SVA_ONE_PASID);
	sva_mock_forget_property(m, fwnode);
	fwnode = sva_mock_set_property(test, m, some);
	expect_no_pasids(test, m, mm, IOMMU_SVA_IOMMU_NO_PASIDS);
	/* All is well now, but was not when the device was probed */
	m->iommu.max_pasids = MAX_PASIDS;
	expect_no_pasids(test, m, mm, IOMMU_SVA_PASIDS_OFF);
	sva_mock_forget_property(m, fwnode);
	own_mm_exits(test, mm);
}

static void sva_test_reason_device(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct mm_struct *dead = mm_without_bond(test);
	struct mm_struct *mm = live_mm(test);
	struct sva_mock *n;

	expect_refused(test, m, NULL, 1, -EINVAL, IOMMU_SVA_NO_MM);
	expect_refused(test, m, mm, 0, -EINVAL, IOMMU_SVA_PASID_ZERO);
	expect_refused(test, m, mm, MAX_PASIDS, -EINVAL, IOMMU_SVA_PASID_LIMIT);
	expect_refused(test, m, dead, 1, -ESRCH, IOMMU_SVA_EXITING);
	expect_obstacles(test, m, IOMMU_SVA_OK, IOMMU_SVA_OK);

	m->param->iommu_dev = NULL;
	expect_refused(test, m, mm, 1, -ENODEV, IOMMU_SVA_NO_IOMMU);
	m->param->iommu_dev = &m->iommu;

	m->ops.domain_alloc_sva = NULL;
	expect_obstacles(test, m, IOMMU_SVA_IOMMU_NO_SVA,
			 IOMMU_SVA_IOMMU_NO_SVA);
	expect_refused(test, m, mm, 1, -EOPNOTSUPP, IOMMU_SVA_IOMMU_NO_SVA);
	m->ops.domain_alloc_sva = sva_mock_alloc;
	m->ops.blocked_domain = NULL;
	expect_obstacles(test, m, IOMMU_SVA_IOMMU_NO_SVA,
			 IOMMU_SVA_IOMMU_NO_SVA);
	expect_refused(test, m, mm, 1, -EOPNOTSUPP, IOMMU_SVA_IOMMU_NO_SVA);
	m->ops.blocked_domain = &sva_mock_blocked;

	/* Devices of a group share their PASIDs: so do processes, with one call */
	n = sva_mock_init(test, "sva-mock-2", m->group);
	expect_obstacles(test, m, IOMMU_SVA_MIXED_GROUP, IOMMU_SVA_OK);
	expect_refused(test, m, mm, 1, -EOPNOTSUPP, IOMMU_SVA_MIXED_GROUP);
	n->obstacle = IOMMU_SVA_OAS;
	expect_obstacles(test, m, IOMMU_SVA_MIXED_GROUP, IOMMU_SVA_OAS);
	n->param->max_pasids = 0;
	expect_obstacles(test, m, IOMMU_SVA_OK, IOMMU_SVA_OK);
}

/* The device has one PASID, and each process has none or a larger one */
static void sva_test_reason_global(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct sva_mock *n = sva_mock_init(test, "sva-mock-2", NULL);
	struct mm_struct *mm = own_mm(test);
	ioasid_t taken = iommu_alloc_global_pasid(m->dev);
	struct iommu_sva *bond;

	KUNIT_ASSERT_EQ(test, taken, 1);
	m->param->max_pasids = 2;
	expect_obstacles(test, m, IOMMU_SVA_OK, IOMMU_SVA_GLOBAL_TAKEN);
	expect_shared_refused(test, m, mm, IOMMU_PASID_INVALID, -ENOSPC,
			      IOMMU_SVA_GLOBAL_TAKEN);

	bond = iommu_sva_bind_device(n->dev, mm);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bond);
	expect_shared_refused(test, m, mm, mm_get_enqcmd_pasid(mm), -EOVERFLOW,
			      IOMMU_SVA_PROCESS_LIMIT);
	iommu_sva_unbind_device(bond);
	iommu_free_global_pasid(taken);
	expect_obstacles(test, m, IOMMU_SVA_OK, IOMMU_SVA_OK);
	own_mm_exits(test, mm);
}

/* Who has the PASID */
/* matrix: 15 */
static void sva_test_reason_taken(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct iommu_domain *other = sva_mock_other_domain(test, m);
	struct iommu_attach_handle handle = { .domain = other };
	struct mm_struct *own = own_mm(test);
	struct mm_struct *mm = live_mm(test);
	struct iommu_sva *bond;
	ioasid_t pasid;

	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(other, m->dev, 3, NULL));
	expect_refused(test, m, mm, 3, -EBUSY, IOMMU_SVA_TAKEN_DOMAIN);
	iommu_detach_device_pasid(other, m->dev, 3);
	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(other, m->dev, 3, &handle));
	expect_refused(test, m, mm, 3, -EBUSY, IOMMU_SVA_TAKEN_DOMAIN);
	iommu_detach_device_pasid(other, m->dev, 3);

	bond = iommu_sva_bind_device(m->dev, own);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bond);
	pasid = iommu_sva_get_pasid(bond);
	expect_refused(test, m, mm, pasid, -EBUSY, IOMMU_SVA_TAKEN_SHARED);
	expect_refused(test, m, own, pasid, -EBUSY, IOMMU_SVA_TAKEN_SHARED);
	iommu_sva_unbind_device(bond);

	/* The number that the process has is that of a private bond, or worse */
	bond = iommu_sva_bind_device_pasid(m->dev, own, pasid);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bond);
	expect_refused(test, m, mm, pasid, -EBUSY, IOMMU_SVA_TAKEN_PRIVATE);
	expect_shared_refused(test, m, own, pasid, -EBUSY,
			      IOMMU_SVA_TAKEN_PRIVATE);
	iommu_sva_unbind_device(bond);
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_device_pasid(other, m->dev, pasid,
							   &handle));
	expect_shared_refused(test, m, own, pasid, -EBUSY,
			      IOMMU_SVA_TAKEN_DOMAIN);
	iommu_detach_device_pasid(other, m->dev, pasid);
	own_mm_exits(test, own);
}

/* What the IOMMU driver says comes through, for the domain that it is said of */
static void sva_test_reason_driver(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct sva_mock *n = sva_mock_init(test, "sva-mock-2", NULL);
	struct mm_struct *mm = live_mm(test);
	struct iommu_sva *bond;

	m->obstacle = IOMMU_SVA_NO_ATS;
	expect_obstacles(test, m, IOMMU_SVA_NO_ATS, IOMMU_SVA_NO_ATS);
	m->obstacle = IOMMU_SVA_OK;

	m->alloc_error = -EOPNOTSUPP;
	m->alloc_reason = IOMMU_SVA_NO_ATS;
	expect_refused(test, m, mm, 1, -EOPNOTSUPP, IOMMU_SVA_NO_ATS);
	m->alloc_reason = IOMMU_SVA_OK;
	expect_refused(test, m, mm, 1, -EOPNOTSUPP, IOMMU_SVA_UNKNOWN);
	m->alloc_error = -ENOMEM;
	expect_refused(test, m, mm, 1, -ENOMEM, IOMMU_SVA_NO_MEMORY);
	m->alloc_error = -EINTR;
	expect_refused(test, m, mm, 1, -EINTR, IOMMU_SVA_SIGNAL);
	m->alloc_error = 0;
	m->set_error = -EOPNOTSUPP;
	m->set_reason = IOMMU_SVA_RID_STAGE2;
	expect_refused(test, m, mm, 1, -EOPNOTSUPP, IOMMU_SVA_RID_STAGE2);

	/* The process has a domain, which does not do, and then another one */
	m->set_error = 0;
	bond = iommu_sva_bind_device_pasid(m->dev, mm, 1);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bond);
	m->set_error = -EOPNOTSUPP;
	m->alloc_error = -EIO;
	expect_refused(test, m, mm, 2, -EIO, IOMMU_SVA_UNKNOWN);
	m->set_error = 0;
	m->alloc_error = 0;

	/* Nothing is left of what was said before, and what works says nothing */
	n->alloc_error = -EOPNOTSUPP;
	expect_refused(test, n, mm, 2, -EOPNOTSUPP, IOMMU_SVA_UNKNOWN);
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 2), 0);
	expect_last(test, m, 2, -EIO, IOMMU_SVA_UNKNOWN);
	iommu_sva_unbind_device(bond);
}

#ifdef CONFIG_ADDRESS_MASKING
static void sva_test_reason_lam(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct mm_struct *mm = own_mm(test);

	mm->context.lam_cr3_mask = 1;
	expect_refused(test, m, mm, 1, -EOPNOTSUPP, IOMMU_SVA_LAM);
	expect_shared_refused(test, m, mm, IOMMU_PASID_INVALID, -EBUSY,
			      IOMMU_SVA_LAM);
	/* That is the process, not the device */
	expect_obstacles(test, m, IOMMU_SVA_OK, IOMMU_SVA_OK);

	mm->context.lam_cr3_mask = 0;
	m->lam_in_alloc = true;
	expect_refused(test, m, mm, 1, -EOPNOTSUPP, IOMMU_SVA_LAM);
	mm->context.lam_cr3_mask = 0;
	own_mm_exits(test, mm);
}
#endif

/* Bonds of one mm on one device share the domain and nothing else. */
/* matrix: 14 */
static void sva_test_two_bonds(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct mm_struct *mm = live_mm(test);
	int users = atomic_read(&mm->mm_users);
	struct iommu_sva *a, *b;

	a = iommu_sva_bind_device_pasid(m->dev, mm, 3);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, a);
	b = iommu_sva_bind_device_pasid(m->dev, mm, 5);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, b);
	KUNIT_EXPECT_EQ(test, iommu_sva_get_pasid(a), 3);
	KUNIT_EXPECT_EQ(test, iommu_sva_get_pasid(b), 5);
	KUNIT_EXPECT_EQ(test, m->nr_domains, 1);
	KUNIT_EXPECT_PTR_EQ(test, m->attached[3], m->attached[5]);
	/* A bond must not keep the process from exiting. */
	KUNIT_EXPECT_EQ(test, atomic_read(&mm->mm_users), users);

	iommu_sva_unbind_device(a);
	KUNIT_EXPECT_NULL(test, m->attached[3]);
	KUNIT_EXPECT_NOT_NULL(test, m->attached[5]);
	KUNIT_EXPECT_EQ(test, m->nr_domains, 1);
	iommu_sva_unbind_device(b);
	KUNIT_EXPECT_NULL(test, m->attached[5]);
	KUNIT_EXPECT_EQ(test, m->nr_domains, 0);
}

/*
 * A device with one PASID can be used although others hold all numbers of the
 * global space. The old call fails, and leaves nothing behind.
 */
/* matrix: 16 */
static void sva_test_small_device(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct mm_struct *mm = live_mm(test);
	struct iommu_sva *bond;
	ioasid_t taken;
	int i;

	m->param->max_pasids = 2;
	taken = iommu_alloc_global_pasid(m->dev);
	KUNIT_ASSERT_EQ(test, taken, 1);
	for (i = 0; i < NR_LEAKS; i++)
		KUNIT_EXPECT_PTR_EQ(test, iommu_sva_bind_device(m->dev, mm),
				    ERR_PTR(-ENOSPC));
	KUNIT_EXPECT_FALSE(test, mm_has_sva(mm));

	bond = iommu_sva_bind_device_pasid(m->dev, mm, 1);
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, bond);
	KUNIT_EXPECT_PTR_EQ(test, iommu_sva_bind_device(m->dev, mm),
			    ERR_PTR(-ENOSPC));
	KUNIT_EXPECT_EQ(test, mm_get_enqcmd_pasid(mm), IOMMU_PASID_INVALID);
	if (!IS_ERR(bond))
		iommu_sva_unbind_device(bond);
	iommu_free_global_pasid(taken);
}

/* The old call shares its own bonds, but never a private one. */
/* matrix: 10 */
static void sva_test_never_shared(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct mm_struct *mm = live_mm(test);
	struct iommu_sva *bond, *second;
	ioasid_t pasid;

	bond = iommu_sva_bind_device(m->dev, mm);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bond);
	second = iommu_sva_bind_device(m->dev, mm);
	KUNIT_EXPECT_PTR_EQ(test, bond, second);
	pasid = iommu_sva_get_pasid(bond);
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, pasid), -EBUSY);
	iommu_sva_unbind_device(bond);
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, pasid), -EBUSY);
	iommu_sva_unbind_device(bond);

	bond = iommu_sva_bind_device_pasid(m->dev, mm, pasid);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bond);
	KUNIT_EXPECT_PTR_EQ(test, iommu_sva_bind_device(m->dev, mm),
			    ERR_PTR(-EBUSY));
	KUNIT_EXPECT_NOT_NULL(test, m->attached[pasid]);
	iommu_sva_unbind_device(bond);
	KUNIT_EXPECT_NULL(test, m->attached[pasid]);
}

/* The list of mms that are notified when kernel page tables change */

static void sva_mock_invalidate(struct mmu_notifier *mn, struct mm_struct *mm,
				unsigned long start, unsigned long end)
{
	struct sva_mock *m = container_of(mn, struct sva_mock, notifier);

	/* The whole range must be invalidated. */
	if (start <= KVA_START && end >= KVA_END)
		m->nr_kva_invalidations++;
}

static const struct mmu_notifier_ops sva_mock_notifier_ops = {
	.arch_invalidate_secondary_tlbs = sva_mock_invalidate,
};

/* It must be listed before its device can have cached anything. */
/* matrix: 23 */
static void sva_test_kva_first(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct mm_struct *mm = live_mm(test);

	m->notifier.ops = &sva_mock_notifier_ops;
	KUNIT_ASSERT_EQ(test, 0, mmu_notifier_register(&m->notifier, mm));
	m->kva_in_set = true;
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 1), 0);
	KUNIT_EXPECT_TRUE(test, m->told_in_set);

	/* A bind that fails must not leave it on the list. */
	m->set_error = -ENOMEM;
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 1), -ENOMEM);
	KUNIT_EXPECT_EQ(test, kva_invalidations(m), 0);
	mmu_notifier_unregister(&m->notifier, mm);
}

/* matrix: 23 */
static void sva_test_kva_list(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct mm_struct *mm = live_mm(test);
	struct iommu_sva *private, *global;

	m->notifier.ops = &sva_mock_notifier_ops;
	KUNIT_ASSERT_EQ(test, 0, mmu_notifier_register(&m->notifier, mm));
	KUNIT_EXPECT_EQ(test, kva_invalidations(m), 0);

	private = iommu_sva_bind_device_pasid(m->dev, mm, 5);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, private);
	KUNIT_EXPECT_EQ(test, kva_invalidations(m), 1);
	global = iommu_sva_bind_device(m->dev, mm);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, global);
	KUNIT_EXPECT_EQ(test, kva_invalidations(m), 1);
	iommu_sva_unbind_device(private);
	KUNIT_EXPECT_EQ(test, kva_invalidations(m), 1);
	iommu_sva_unbind_device(global);
	KUNIT_EXPECT_EQ(test, kva_invalidations(m), 0);
	mmu_notifier_unregister(&m->notifier, mm);
}

/* Every mm on the list must be notified, not only the first one. */
/* matrix: 23 */
static void sva_test_kva_all(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct sva_mock *n = sva_mock_init(test, "sva-mock-2", NULL);
	struct mm_struct *other = mm_alloc();
	struct mm_struct *mm = live_mm(test);
	struct iommu_sva *a, *b;

	KUNIT_ASSERT_NOT_NULL(test, other);
	m->notifier.ops = &sva_mock_notifier_ops;
	n->notifier.ops = &sva_mock_notifier_ops;
	KUNIT_ASSERT_EQ(test, 0, mmu_notifier_register(&m->notifier, mm));
	KUNIT_ASSERT_EQ(test, 0, mmu_notifier_register(&n->notifier, other));

	a = iommu_sva_bind_device_pasid(m->dev, mm, 5);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, a);
	b = iommu_sva_bind_device_pasid(n->dev, other, 5);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, b);
	n->nr_kva_invalidations = 0;
	KUNIT_EXPECT_EQ(test, kva_invalidations(m), 1);
	KUNIT_EXPECT_EQ(test, n->nr_kva_invalidations, 1);
	m->nr_kva_invalidations = 0;
	iommu_sva_unbind_device(a);
	KUNIT_EXPECT_EQ(test, kva_invalidations(n), 1);
	KUNIT_EXPECT_EQ(test, m->nr_kva_invalidations, 0);
	iommu_sva_unbind_device(b);
	KUNIT_EXPECT_EQ(test, kva_invalidations(n), 0);

	mmu_notifier_unregister(&m->notifier, mm);
	mmu_notifier_unregister(&n->notifier, other);
	mmput(other);
}

/* The exact calls of the driver */
static void sva_test_driver_calls(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct mm_struct *mm = live_mm(test);
	struct iommu_sva *a, *b, *global;

	a = iommu_sva_bind_device_pasid(m->dev, mm, 6);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, a);
	expect_calls(test, m, "AS");
	b = iommu_sva_bind_device_pasid(m->dev, mm, 7);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, b);
	expect_calls(test, m, "S");
	global = iommu_sva_bind_device(m->dev, mm);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, global);
	expect_calls(test, m, "S");
	KUNIT_EXPECT_PTR_EQ(test, iommu_sva_bind_device(m->dev, mm), global);
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 6), -EBUSY);
	expect_calls(test, m, "");
	iommu_sva_unbind_device(a);
	expect_calls(test, m, "B");
	iommu_sva_unbind_device(global);
	expect_calls(test, m, "");
	iommu_sva_unbind_device(global);
	expect_calls(test, m, "B");
	iommu_sva_unbind_device(b);
	expect_calls(test, m, "BF");

	m->set_error = -ENOMEM;
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 6), -ENOMEM);
	expect_calls(test, m, "ASF");
	m->alloc_error = -ENOMEM;
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, mm, 6), -ENOMEM);
	expect_calls(test, m, "A");
}

/* Count the numbers that a device can use. */
static unsigned int free_global_pasids(struct sva_mock *m)
{
	ioasid_t taken[MAX_PASIDS];
	unsigned int nr, i;

	for (nr = 0; nr < MAX_PASIDS; nr++) {
		taken[nr] = iommu_alloc_global_pasid(m->dev);
		if (taken[nr] == IOMMU_PASID_INVALID)
			break;
	}
	for (i = 0; i < nr; i++)
		iommu_free_global_pasid(taken[i]);
	return nr;
}

/*
 * The first bond of the old call allocates the global PASID, which then stays.
 */
static void sva_test_upgrade(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct mm_struct *mm = own_mm(test);
	unsigned int nr = free_global_pasids(m);
	struct iommu_sva *private, *global;
	struct iommu_mm_data *iommu_mm;
	ioasid_t pasid;

	private = iommu_sva_bind_device_pasid(m->dev, mm, 7);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, private);
	KUNIT_EXPECT_EQ(test, mm_get_enqcmd_pasid(mm), IOMMU_PASID_INVALID);
	KUNIT_EXPECT_EQ(test, free_global_pasids(m), nr);
	iommu_mm = mm->iommu_mm;

	global = iommu_sva_bind_device(m->dev, mm);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, global);
	pasid = iommu_sva_get_pasid(global);
	KUNIT_EXPECT_EQ(test, mm_get_enqcmd_pasid(mm), pasid);
	KUNIT_EXPECT_EQ(test, free_global_pasids(m), nr - 1);
	KUNIT_EXPECT_PTR_EQ(test, mm->iommu_mm, iommu_mm);
	KUNIT_EXPECT_EQ(test, iommu_sva_get_pasid(private), 7);
	iommu_sva_unbind_device(private);
	iommu_sva_unbind_device(global);

	/* ENQCMD can still use it, and other mms cannot have it. */
	KUNIT_EXPECT_TRUE(test, mm_has_sva(mm));
	KUNIT_EXPECT_EQ(test, mm_get_enqcmd_pasid(mm), pasid);
	global = iommu_sva_bind_device(m->dev, mm);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, global);
	KUNIT_EXPECT_EQ(test, iommu_sva_get_pasid(global), pasid);
	KUNIT_EXPECT_EQ(test, free_global_pasids(m), nr - 1);
	iommu_sva_unbind_device(global);
	own_mm_exits(test, mm);
	KUNIT_EXPECT_EQ(test, free_global_pasids(m), nr);
}

/*
 * A process is killed, as the crash reports have it: its mm goes first, then its
 * files are closed, and with them its bonds. They are the last that keep the mm,
 * and with it what the unbind works on. The device passes through, iommu=pt.
 */
static void sva_test_last_of_mm(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	unsigned int nr_free = free_global_pasids(m);
	struct mm_struct *mm = mm_alloc();
	struct iommu_sva *global, *private;

	KUNIT_ASSERT_NOT_NULL(test, mm);
	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_group(&sva_mock_identity, m->group));
	expect_calls(test, m, "P");
	global = iommu_sva_bind_device(m->dev, mm);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, global);
	private = iommu_sva_bind_device_pasid(m->dev, mm, MAX_PASIDS - 1);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, private);
	expect_calls(test, m, "ASS");

	/* The number is the mm's, and is free when that is gone, not before */
	mmput(mm);
	KUNIT_ASSERT_EQ(test, free_global_pasids(m), nr_free - 1);
	iommu_sva_unbind_device(private);
	KUNIT_ASSERT_EQ(test, free_global_pasids(m), nr_free - 1);
	expect_calls(test, m, "B");
	iommu_sva_unbind_device(global);
	KUNIT_EXPECT_EQ(test, free_global_pasids(m), nr_free);
	expect_calls(test, m, "BF");
	KUNIT_EXPECT_EQ(test, m->nr_domains, 0);

	/* Nothing is left of it on the list of mms */
	KUNIT_EXPECT_EQ(test, kva_invalidations(m), 0);
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, live_mm(test), MAX_PASIDS - 1),
			0);
	KUNIT_EXPECT_PTR_EQ(test, iommu_get_domain_for_dev(m->dev),
			    &sva_mock_identity);
	iommu_group_forget_domain(m->group);
}

/* The mm has a global PASID that is too large for this device. */
static void sva_test_overflow(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct sva_mock *n = sva_mock_init(test, "sva-mock-2", NULL);
	struct mm_struct *mm = own_mm(test);
	struct iommu_sva *bond;
	ioasid_t taken, pasid;

	taken = iommu_alloc_global_pasid(m->dev);
	bond = iommu_sva_bind_device(m->dev, mm);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bond);
	pasid = iommu_sva_get_pasid(bond);
	KUNIT_EXPECT_GT(test, pasid, taken);

	n->param->max_pasids = pasid;
	KUNIT_EXPECT_PTR_EQ(test, iommu_sva_bind_device(n->dev, mm),
			    ERR_PTR(-EOVERFLOW));
	expect_calls(test, n, "");
	KUNIT_EXPECT_EQ(test, mm_get_enqcmd_pasid(mm), pasid);
	/* The private bind does not depend on it. */
	KUNIT_EXPECT_EQ(test, sva_bind_error(n, mm, pasid - 1), 0);
	n->param->max_pasids = pasid + 1;
	iommu_sva_unbind_device(bond);
	bond = iommu_sva_bind_device(n->dev, mm);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bond);
	KUNIT_EXPECT_EQ(test, iommu_sva_get_pasid(bond), pasid);
	iommu_sva_unbind_device(bond);

	iommu_free_global_pasid(taken);
	own_mm_exits(test, mm);
}

/*
 * The old call attaches to every device of a group that has PASIDs, or to none.
 */
/* matrix: 24 */
static void sva_test_group_fails(struct kunit *test)
{
	struct sva_mock *none = sva_mock_init(test, "sva-mock", NULL);
	struct sva_mock *m = sva_mock_init(test, "sva-mock-2", none->group);
	struct sva_mock *n = sva_mock_init(test, "sva-mock-3", none->group);
	struct mm_struct *mm = own_mm(test);
	struct iommu_sva *bond;

	none->param->max_pasids = 0;
	n->set_error = -ENOMEM;
	KUNIT_EXPECT_PTR_EQ(test, iommu_sva_bind_device(m->dev, mm),
			    ERR_PTR(-ENOMEM));
	expect_calls(test, m, "ASBF");
	expect_calls(test, n, "S");
	KUNIT_ASSERT_NE(test, mm_get_enqcmd_pasid(mm), IOMMU_PASID_INVALID);
	KUNIT_EXPECT_NULL(test, m->attached[mm_get_enqcmd_pasid(mm)]);
	KUNIT_EXPECT_EQ(test, m->nr_domains, 0);

	n->set_error = 0;
	bond = iommu_sva_bind_device(m->dev, mm);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bond);
	expect_calls(test, m, "AS");
	expect_calls(test, n, "S");
	/* The bond belongs to the group. */
	KUNIT_EXPECT_PTR_EQ(test, iommu_sva_bind_device(n->dev, mm), bond);
	iommu_sva_unbind_device(bond);
	expect_calls(test, m, "");
	iommu_sva_unbind_device(bond);
	expect_calls(test, m, "BF");
	expect_calls(test, n, "B");
	expect_calls(test, none, "");
	own_mm_exits(test, mm);
}

/* A device leaves the group. Nothing may be attached when it is released. */
/* matrix: 22 */
static void sva_test_group_leaves(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct sva_mock *n = sva_mock_init(test, "sva-mock-2", m->group);
	struct sva_mock *o = sva_mock_init(test, "sva-mock-3", m->group);
	struct mm_struct *mm = own_mm(test);
	struct iommu_sva *bond;

	bond = iommu_sva_bind_device(m->dev, mm);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bond);
	expect_calls(test, m, "AS");
	kunit_release_action(test, sva_mock_exit, n);
	expect_calls(test, n, "SBR");
	KUNIT_EXPECT_EQ(test, n->nr_left, 0);

	/* This is the first device, for which the domain was allocated. */
	expect_calls(test, m, "");
	kunit_release_action(test, sva_mock_exit, m);
	expect_calls(test, m, "BR");
	KUNIT_EXPECT_EQ(test, m->nr_left, 0);

	/* The remaining device goes on as if it had always been alone. */
	KUNIT_EXPECT_NOT_NULL(test, o->attached[iommu_sva_get_pasid(bond)]);
	expect_calls(test, o, "S");
	KUNIT_EXPECT_PTR_EQ(test, iommu_sva_bind_device(o->dev, mm), bond);
	iommu_sva_unbind_device(bond);
	iommu_sva_unbind_device(bond);
	expect_calls(test, o, "B");
	expect_calls(test, m, "F");
	expect_calls(test, n, "");
	own_mm_exits(test, mm);
}

#if IS_ENABLED(CONFIG_IOMMUFD_TEST)
/*
 * A bus with an IOMMU and a group of two devices, one of which has PASIDs. The
 * group has a default domain, which drivers need, because the devices were
 * probed.
 */
struct sva_bus {
	struct iommu_device	iommu;
	struct notifier_block	nb;
	struct device		dev[2];
	unsigned int		nr_added;
};

static struct sva_bus *sva_bus;

static const struct bus_type sva_bus_type = {
	.name = "iommu-sva-kunit",
};

static int sva_bus_attach(struct iommu_domain *domain, struct device *dev,
			  struct iommu_domain *old)
{
	return 0;
}

static int sva_bus_set(struct iommu_domain *domain, struct device *dev,
		       ioasid_t pasid, struct iommu_domain *old)
{
	return 0;
}

static const struct iommu_domain_ops sva_bus_domain_ops = {
	.attach_dev = sva_bus_attach,
	.set_dev_pasid = sva_bus_set,
};

static struct iommu_domain sva_bus_blocked = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &sva_bus_domain_ops,
};

static struct iommu_domain sva_bus_default = {
	.type = IOMMU_DOMAIN_PLATFORM,
	.ops = &sva_bus_domain_ops,
};

static struct iommu_device *sva_bus_probe(struct device *dev)
{
	return &sva_bus->iommu;
}

static struct iommu_group *sva_bus_group(struct device *dev)
{
	if (dev == &sva_bus->dev[0])
		return iommu_group_alloc();
	return iommu_group_ref_get(sva_bus->dev[0].iommu_group);
}

static const struct iommu_ops sva_bus_ops = {
	.default_domain = &sva_bus_default,
	.blocked_domain = &sva_bus_blocked,
	.probe_device = sva_bus_probe,
	.device_group = sva_bus_group,
};

/* The kunit_device of the IOMMU is removed after all of this. */
static void sva_bus_dev_release(struct device *dev)
{
}

static void sva_bus_exit(void *data)
{
	while (sva_bus->nr_added)
		device_unregister(&sva_bus->dev[--sva_bus->nr_added]);
	iommu_device_unregister_bus(&sva_bus->iommu, &sva_bus_type,
				    &sva_bus->nb);
	iommu_device_sysfs_remove(&sva_bus->iommu);
	bus_unregister(&sva_bus_type);
	sva_bus = NULL;
}

static int sva_bus_register(struct kunit *test)
{
	struct device *parent = kunit_device_register(test, "sva-bus-iommu");
	int ret;

	if (IS_ERR(parent))
		return PTR_ERR(parent);
	ret = bus_register(&sva_bus_type);
	if (ret)
		return ret;
	sva_bus->iommu.max_pasids = MAX_PASIDS;
	ret = iommu_device_sysfs_add(&sva_bus->iommu, parent, NULL, "sva-bus");
	if (ret)
		goto err_bus;
	ret = iommu_device_register_bus(&sva_bus->iommu, &sva_bus_ops,
					&sva_bus_type, &sva_bus->nb);
	if (ret)
		goto err_sysfs;
	return kunit_add_action_or_reset(test, sva_bus_exit, NULL);

err_sysfs:
	iommu_device_sysfs_remove(&sva_bus->iommu);
err_bus:
	bus_unregister(&sva_bus_type);
	return ret;
}

static int sva_bus_add(unsigned int nr, const struct property_entry *prop)
{
	struct device *dev = &sva_bus->dev[nr];
	int ret;

	device_initialize(dev);
	dev->bus = &sva_bus_type;
	dev->release = sva_bus_dev_release;
	ret = dev_set_name(dev, "sva-bus-%u", nr);
	if (!ret && prop)
		ret = device_create_managed_software_node(dev, prop, NULL);
	if (!ret)
		ret = iommu_mock_device_add(dev, &sva_bus->iommu);
	if (ret)
		put_device(dev);
	else
		sva_bus->nr_added++;
	return ret;
}

/*
 * Two devices of a group have drivers that use the DMA API. The second driver
 * is bound and unbound while the first one has something attached to a PASID.
 */
static void sva_test_group_drivers(struct kunit *test)
{
	static const struct property_entry pasids[] = {
		PROPERTY_ENTRY_U32("pasid-num-bits", 3),
		{}
	};
	struct iommu_domain attached = {
		.type = IOMMU_DOMAIN_UNMANAGED,
		.ops = &sva_bus_domain_ops,
		.owner = &sva_bus_ops,
	};
	struct device *dev, *sibling;
	int i;

	sva_bus = kunit_kzalloc(test, sizeof(*sva_bus), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, sva_bus);
	KUNIT_ASSERT_EQ(test, 0, sva_bus_register(test));
	KUNIT_ASSERT_EQ(test, 0, sva_bus_add(0, pasids));
	KUNIT_ASSERT_EQ(test, 0, sva_bus_add(1, NULL));
	dev = &sva_bus->dev[0];
	sibling = &sva_bus->dev[1];
	KUNIT_ASSERT_EQ(test, dev->iommu->max_pasids, MAX_PASIDS);
	KUNIT_ASSERT_EQ(test, sibling->iommu->max_pasids, 0);

	KUNIT_ASSERT_EQ(test, 0, iommu_device_use_default_domain(dev));
	KUNIT_ASSERT_EQ(test, 0, iommu_device_use_default_domain(sibling));
	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(&attached, dev, 1, NULL));
	for (i = 0; i < 2; i++) {
		iommu_device_unuse_default_domain(sibling);
		KUNIT_EXPECT_EQ(test, 0,
				iommu_device_use_default_domain(sibling));
	}
	iommu_device_unuse_default_domain(sibling);
	iommu_detach_device_pasid(&attached, dev, 1);
	iommu_device_unuse_default_domain(dev);

	/* No driver is left, so the group can be owned. */
	KUNIT_EXPECT_EQ(test, 0, iommu_device_claim_dma_owner(dev, test));
	KUNIT_EXPECT_EQ(test, -EBUSY, iommu_device_use_default_domain(sibling));
	iommu_device_release_dma_owner(dev);
}
#endif

static void expect_attached(struct kunit *test, struct sva_mock *m,
			    struct sva_mock *n, struct iommu_domain *domain,
			    struct iommu_attach_handle *handle)
{
	KUNIT_EXPECT_PTR_EQ(test, m->attached[3], domain);
	KUNIT_EXPECT_PTR_EQ(test, n->attached[3], domain);
	KUNIT_EXPECT_PTR_EQ(test, iommu_attach_handle_get(m->group, 3, 0),
			    handle);
}

/* The old domain and handle must stay until every device has the new domain. */
static void sva_test_replace(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct sva_mock *n = sva_mock_init(test, "sva-mock-2", m->group);
	struct iommu_domain *old = sva_mock_other_domain(test, m);
	struct iommu_domain *new = sva_mock_other_domain(test, m);
	struct iommu_attach_handle first = {}, second = {};

	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_replace_device_pasid(new, m->dev, 3, &second));
	KUNIT_EXPECT_EQ(test, 0,
			iommu_attach_device_pasid(old, m->dev, 3, &first));
	expect_attached(test, m, n, old, &first);
	expect_calls(test, m, "S");
	expect_calls(test, n, "S");
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_attach_device_pasid(new, m->dev, 3, &second));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			iommu_replace_device_pasid(new, m->dev, 3, NULL));
	expect_calls(test, m, "");

	n->set_error = -ENOMEM;
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			iommu_replace_device_pasid(new, m->dev, 3, &second));
	expect_calls(test, m, "SS");
	expect_calls(test, n, "S");
	expect_attached(test, m, n, old, &first);

	n->set_error = 0;
	KUNIT_EXPECT_EQ(test, 0,
			iommu_replace_device_pasid(new, m->dev, 3, &second));
	expect_calls(test, m, "S");
	expect_calls(test, n, "S");
	expect_attached(test, m, n, new, &second);
	/* With the same domain only the handle is replaced. */
	KUNIT_EXPECT_EQ(test, 0,
			iommu_replace_device_pasid(new, m->dev, 3, &first));
	expect_calls(test, m, "");
	expect_attached(test, m, n, new, &first);

	iommu_detach_device_pasid(new, m->dev, 3);
	expect_calls(test, m, "B");
	expect_calls(test, n, "B");
	expect_attached(test, m, n, NULL, ERR_PTR(-ENOENT));
}

/* Runs something in a work, because it may have to wait for the test */
struct sva_bg {
	struct work_struct	work;
	struct completion	done;
	struct iommu_sva	*bond;
	struct sva_mock		*m;
	struct mm_struct	*mm;
	ioasid_t		pasid;
	int			error;
};

static void sva_bg_unbind(struct work_struct *work)
{
	struct sva_bg *bg = container_of(work, struct sva_bg, work);

	iommu_sva_unbind_device(bg->bond);
	complete(&bg->done);
}

static void sva_bg_bind(struct work_struct *work)
{
	struct sva_bg *bg = container_of(work, struct sva_bg, work);

	bg->error = sva_bind_error(bg->m, bg->mm, 3);
	complete(&bg->done);
}

static void sva_bg_bind_keep(struct work_struct *work)
{
	struct sva_bg *bg = container_of(work, struct sva_bg, work);

	if (bg->pasid)
		bg->bond = iommu_sva_bind_device_pasid(bg->m->dev, bg->mm,
						       bg->pasid);
	else
		bg->bond = iommu_sva_bind_device(bg->m->dev, bg->mm);
	complete(&bg->done);
}

static void sva_bg_kva(struct work_struct *work)
{
	struct sva_bg *bg = container_of(work, struct sva_bg, work);

	kva_invalidations(bg->m);
	complete(&bg->done);
}

static struct sva_bg *sva_bg_new(struct kunit *test, work_func_t func,
				 struct sva_mock *m, struct mm_struct *mm,
				 struct iommu_sva *bond)
{
	struct sva_bg *bg = kunit_kzalloc(test, sizeof(*bg), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, bg);
	bg->m = m;
	bg->mm = mm;
	bg->bond = bond;
	init_completion(&bg->done);
	INIT_WORK(&bg->work, func);
	return bg;
}

static struct sva_bg *sva_bg_start(struct kunit *test, work_func_t func,
				   struct sva_mock *m, struct mm_struct *mm,
				   struct iommu_sva *bond)
{
	struct sva_bg *bg = sva_bg_new(test, func, m, mm, bond);

	queue_work(system_dfl_wq, &bg->work);
	return bg;
}

static bool sva_bg_done(struct sva_bg *bg)
{
	return wait_for_completion_timeout(&bg->done, LONG_TIME / 2);
}

/* Two first bonds at once must leave the mm as if one had been first. */
static void sva_test_two_first(struct kunit *test, ioasid_t pasid)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct sva_mock *n = sva_mock_init(test, "sva-mock-2", NULL);
	unsigned int nr = free_global_pasids(m);
	struct mm_struct *mm = own_mm(test);
	struct sva_bg *bg[2];

	bg[0] = sva_bg_new(test, sva_bg_bind_keep, m, mm, NULL);
	bg[1] = sva_bg_new(test, sva_bg_bind_keep, n, mm, NULL);
	bg[1]->pasid = pasid;
	queue_work(system_dfl_wq, &bg[0]->work);
	queue_work(system_dfl_wq, &bg[1]->work);
	flush_work(&bg[0]->work);
	flush_work(&bg[1]->work);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bg[0]->bond);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bg[1]->bond);
	KUNIT_EXPECT_EQ(test, mm_get_enqcmd_pasid(mm),
			iommu_sva_get_pasid(bg[0]->bond));
	KUNIT_EXPECT_EQ(test, iommu_sva_get_pasid(bg[1]->bond),
			pasid ?: iommu_sva_get_pasid(bg[0]->bond));
	KUNIT_EXPECT_EQ(test, free_global_pasids(m), nr - 1);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&mm->iommu_mm->sva_domains), 2);

	iommu_sva_unbind_device(bg[0]->bond);
	iommu_sva_unbind_device(bg[1]->bond);
	KUNIT_EXPECT_EQ(test, m->nr_domains + n->nr_domains, 0);
	own_mm_exits(test, mm);
	KUNIT_EXPECT_EQ(test, free_global_pasids(m), nr);
	kunit_release_action(test, sva_mock_exit, m);
	kunit_release_action(test, sva_mock_exit, n);
	kunit_device_unregister(test, m->dev);
	kunit_device_unregister(test, n->dev);
}

/* Which bind is faster is a matter of luck, so try several times. */
/* matrix: 20 */
static void sva_test_first_at_once(struct kunit *test)
{
	int i;

	for (i = 0; i < 10; i++) {
		sva_test_two_first(test, IOMMU_NO_PASID);
		sva_test_two_first(test, 7);
	}
}

/*
 * While the end of one process's bond waits for the hardware, another process
 * binds to and unbinds from another device, and kernel page tables are freed.
 */
static void sva_test_slow_unbind(struct kunit *test)
{
	struct sva_mock *m = sva_mock_init(test, "sva-mock", NULL);
	struct sva_mock *n = sva_mock_init(test, "sva-mock-2", NULL);
	struct mm_struct *other = own_mm(test);
	struct mm_struct *mm = live_mm(test);
	struct sva_bg *unbind, *bind, *kva;
	struct iommu_sva *bond;

	bond = iommu_sva_bind_device_pasid(m->dev, mm, 3);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bond);
	m->slow = true;
	unbind = sva_bg_start(test, sva_bg_unbind, m, mm, bond);
	KUNIT_EXPECT_TRUE(test, wait_for_completion_timeout(&m->draining,
							    LONG_TIME));
	bind = sva_bg_start(test, sva_bg_bind, n, other, NULL);
	KUNIT_EXPECT_TRUE(test, sva_bg_done(bind));
	KUNIT_EXPECT_EQ(test, bind->error, 0);
	kva = sva_bg_start(test, sva_bg_kva, m, mm, NULL);
	KUNIT_EXPECT_TRUE(test, sva_bg_done(kva));
	KUNIT_EXPECT_FALSE(test, completion_done(&unbind->done));

	complete(&m->drained);
	flush_work(&unbind->work);
	flush_work(&bind->work);
	flush_work(&kva->work);
	own_mm_exits(test, other);
}

#ifdef CONFIG_PCI_ATS
/* Another device, with PASIDs, that can be reset */
static struct sva_mock *sva_mock_pci(struct kunit *test,
				     struct iommu_group *group)
{
	struct sva_mock *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	struct pci_dev *pdev = kunit_kzalloc(test, sizeof(*pdev), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, m);
	KUNIT_ASSERT_NOT_NULL(test, pdev);
	pdev->ats_cap = 1;
	pdev->dev.init_name = "sva-mock-pci";
	pdev->dev.release = sva_mock_pci_release;
	KUNIT_ASSERT_EQ(test, 0, device_register(&pdev->dev));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, sva_mock_pci_unregister,
						  &pdev->dev));
	m->dev = &pdev->dev;
	sva_mock_add(test, m, group, MAX_PASIDS);
	return m;
}

static void sva_mock_reset(struct kunit *test, struct sva_mock *m)
{
	KUNIT_ASSERT_EQ(test, 0, pci_dev_reset_iommu_prepare(to_pci_dev(m->dev)));
	pci_dev_reset_iommu_done(to_pci_dev(m->dev));
}

#ifdef CONFIG_PCI_QUIRKS
static bool sva_mock_has_ats(struct device *dev, enum iommu_cap cap)
{
	return cap == IOMMU_CAP_PCI_ATS_SUPPORTED;
}

/*
 * The device may get a driver or not. If so, the next thing that is found is
 * that the group has no default domain.
 */
static void expect_ats(struct kunit *test, struct sva_mock *m, bool ok)
{
	KUNIT_EXPECT_EQ(test, ok ? -EPROBE_DEFER : -EPERM,
			iommu_device_use_default_domain(m->dev));
	if (!ok)
		KUNIT_EXPECT_EQ(test, -EPERM,
				iommu_device_claim_dma_owner(m->dev, test));
}

/* A device that does not work without ATS, and may not have it */
static void sva_test_needs_ats(struct kunit *test)
{
	struct sva_mock *m = sva_mock_pci(test, NULL);
	struct pci_dev *pdev = to_pci_dev(m->dev);

	if (pci_ats_disabled())
		kunit_skip(test, "pci=noats");

	/* There is nothing in sysfs that would belong to the bus. */
	m->dev->bus = &pci_bus_type;
	expect_ats(test, m, true);
	pdev->untrusted = true;
	expect_ats(test, m, true);
	pdev->untrusted = false;

	/* See pci_dev_specific_ats_required() */
	pdev->vendor = PCI_VENDOR_ID_MELLANOX;
	pdev->device = 0x2101;
	expect_ats(test, m, false);
	m->ops.capable = sva_mock_has_ats;
	expect_ats(test, m, true);
	pdev->untrusted = true;
	expect_ats(test, m, false);
	/* Without the capability it does something else. */
	pdev->untrusted = false;
	pdev->ats_cap = 0;
	m->ops.capable = NULL;
	expect_ats(test, m, true);
	m->dev->bus = NULL;
}
#endif

/* Only the page table of an mm that is alive may be attached again. */
/* matrix: 19 22 */
static void sva_test_reset_exited(struct kunit *test)
{
	struct sva_mock *m = sva_mock_pci(test, NULL);
	struct mm_struct *mm = own_mm(test);
	struct iommu_sva *bond;

	bond = iommu_sva_bind_device_pasid(m->dev, mm, 3);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bond);
	expect_calls(test, m, "AS");
	sva_mock_reset(test, m);
	expect_calls(test, m, "BS");
	KUNIT_EXPECT_PTR_EQ(test, m->attached[3], bond->handle.domain);
	KUNIT_EXPECT_EQ(test, atomic_read(&mm->mm_users), 1);

	/*
	 * The process exits while a child of it keeps the file of the device
	 * open.
	 */
	atomic_set(&mm->mm_users, 0);
	sva_mock_reset(test, m);
	expect_calls(test, m, "B");
	KUNIT_EXPECT_NULL(test, m->attached[3]);
	/* It stays blocked, and the PASID remains in use. */
	sva_mock_reset(test, m);
	expect_calls(test, m, "");
	KUNIT_EXPECT_EQ(test, sva_bind_error(m, live_mm(test), 3), -EBUSY);
	expect_calls(test, m, "AF");
	iommu_sva_unbind_device(bond);
	expect_calls(test, m, "F");

	KUNIT_EXPECT_EQ(test, sva_bind_error(m, live_mm(test), 3), 0);
	atomic_set(&mm->mm_users, 1);
	own_mm_exits(test, mm);
}

static void sva_test_reason_reset(struct kunit *test)
{
	struct sva_mock *m = sva_mock_pci(test, NULL);
	struct mm_struct *mm = own_mm(test);
	ioasid_t pasid;

	expect_obstacles(test, m, IOMMU_SVA_OK, IOMMU_SVA_OK);
	KUNIT_ASSERT_EQ(test, 0, pci_dev_reset_iommu_prepare(to_pci_dev(m->dev)));
	/* Which is what there is to say, whatever comes with it */
	m->obstacle = IOMMU_SVA_RID_NO_TABLE;
	expect_obstacles(test, m, IOMMU_SVA_RESET, IOMMU_SVA_RESET);
	expect_refused(test, m, mm, 1, -EAGAIN, IOMMU_SVA_RESET);
	KUNIT_EXPECT_PTR_EQ(test, iommu_sva_bind_device(m->dev, mm),
			    ERR_PTR(-EBUSY));
	pasid = mm_get_enqcmd_pasid(mm);
	expect_last(test, m, pasid, -EBUSY, IOMMU_SVA_RESET);
	m->obstacle = IOMMU_SVA_OK;
	pci_dev_reset_iommu_done(to_pci_dev(m->dev));
	expect_obstacles(test, m, IOMMU_SVA_OK, IOMMU_SVA_OK);
	own_mm_exits(test, mm);
}

#if defined(CONFIG_PCI_PASID) && defined(CONFIG_PCI_IOV)
/* What keeps a PCI function from having any, besides ACS */
static void sva_test_reason_pci(struct kunit *test)
{
	struct sva_mock *m = sva_mock_pci(test, NULL);
	struct pci_dev *pf = kunit_kzalloc(test, sizeof(*pf), GFP_KERNEL);
	struct pci_dev *pdev = to_pci_dev(m->dev);
	struct mm_struct *mm = own_mm(test);

	KUNIT_ASSERT_NOT_NULL(test, pf);
	/* It is registered without a bus, so that no driver is looked for. */
	m->dev->bus = &pci_bus_type;
	m->param->max_pasids = 0;
	expect_no_pasids(test, m, mm, IOMMU_SVA_NO_PASID_CAP);
	pdev->pasid_cap = 1;
	expect_no_pasids(test, m, mm, IOMMU_SVA_NO_PREFIX);
	pdev->pasid_cap = 0;
	pdev->is_virtfn = 1;
	pdev->physfn = pf;
	expect_no_pasids(test, m, mm, IOMMU_SVA_NO_PASID_CAP);
	pf->pasid_cap = 1;
	expect_no_pasids(test, m, mm, IOMMU_SVA_PF_PASID_OFF);
	pdev->is_virtfn = 0;
	pdev->physfn = NULL;
	m->dev->bus = NULL;
	own_mm_exits(test, mm);
}
#endif

/* Each device of a group is blocked once, however often each is reset. */
/* matrix: 22 */
static void sva_test_reset_exited_group(struct kunit *test)
{
	struct sva_mock *m = sva_mock_pci(test, NULL);
	struct sva_mock *n = sva_mock_init(test, "sva-mock", m->group);
	struct mm_struct *mm = own_mm(test);
	struct iommu_sva *bond;
	ioasid_t pasid;

	bond = iommu_sva_bind_device(m->dev, mm);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bond);
	pasid = iommu_sva_get_pasid(bond);
	expect_calls(test, m, "AS");
	expect_calls(test, n, "S");
	sva_mock_reset(test, m);
	expect_calls(test, m, "BS");
	expect_calls(test, n, "");

	atomic_set(&mm->mm_users, 0);
	sva_mock_reset(test, m);
	sva_mock_reset(test, m);
	expect_calls(test, m, "B");
	expect_calls(test, n, "B");
	KUNIT_EXPECT_NULL(test, m->attached[pasid]);
	KUNIT_EXPECT_NULL(test, n->attached[pasid]);
	iommu_sva_unbind_device(bond);
	expect_calls(test, m, "F");
	expect_calls(test, n, "");
	atomic_set(&mm->mm_users, 1);
	own_mm_exits(test, mm);
}
#endif

static struct kunit_case sva_test_cases[] = {
	KUNIT_CASE(sva_test_enqcmd_pasid),
	KUNIT_CASE(sva_test_has_sva),
#ifdef CONFIG_X86
	KUNIT_CASE(sva_test_x86_enqcmd),
	KUNIT_CASE(sva_test_x86_lam),
#endif
	/*
	 * Run these before tests whose mms may be dropped some time after the
	 * test.
	 */
	KUNIT_CASE(sva_test_upgrade),
	KUNIT_CASE(sva_test_last_of_mm),
	KUNIT_CASE(sva_test_overflow),
	KUNIT_CASE(sva_test_reason_pasids),
	KUNIT_CASE(sva_test_reason_global),
	KUNIT_CASE(sva_test_reason_taken),
#ifdef CONFIG_ADDRESS_MASKING
	KUNIT_CASE(sva_test_reason_lam),
#endif
	KUNIT_CASE(sva_test_small_device),
	KUNIT_CASE(sva_test_first_at_once),
	KUNIT_CASE(sva_test_failed_bind),
	KUNIT_CASE(sva_test_group_fails),
	KUNIT_CASE(sva_test_group_leaves),
#if IS_ENABLED(CONFIG_IOMMUFD_TEST)
	KUNIT_CASE(sva_test_group_drivers),
#endif
	KUNIT_CASE(sva_test_replace),
#ifdef CONFIG_PCI_ATS
	KUNIT_CASE(sva_test_reset_exited),
	KUNIT_CASE(sva_test_reason_reset),
#if defined(CONFIG_PCI_PASID) && defined(CONFIG_PCI_IOV)
	KUNIT_CASE(sva_test_reason_pci),
#endif
	KUNIT_CASE(sva_test_reset_exited_group),
#endif
	KUNIT_CASE(sva_test_max_pasids),
	KUNIT_CASE(sva_test_error_no_iommu),
	KUNIT_CASE(sva_test_error_no_mm),
	KUNIT_CASE(sva_test_error_no_pasids),
	KUNIT_CASE(sva_test_error_group),
	KUNIT_CASE(sva_test_error_pasid),
#ifdef CONFIG_ADDRESS_MASKING
	KUNIT_CASE(sva_test_error_lam),
	KUNIT_CASE(sva_test_error_lam_meanwhile),
#endif
	KUNIT_CASE(sva_test_error_exiting),
#ifdef CONFIG_PCI_ATS
	KUNIT_CASE(sva_test_error_reset),
#ifdef CONFIG_PCI_QUIRKS
	KUNIT_CASE(sva_test_needs_ats),
#endif
#endif
	KUNIT_CASE(sva_test_error_driver),
	KUNIT_CASE(sva_test_reason_device),
	KUNIT_CASE(sva_test_reason_driver),
	KUNIT_CASE(sva_test_two_bonds),
	KUNIT_CASE(sva_test_never_shared),
	KUNIT_CASE(sva_test_kva_list),
	KUNIT_CASE(sva_test_kva_all),
	KUNIT_CASE(sva_test_kva_first),
	KUNIT_CASE(sva_test_driver_calls),
	KUNIT_CASE(sva_test_slow_unbind),
	{}
};

static struct kunit_suite sva_test_suite = {
	.name = "iommu-sva",
	.init = sva_test_init,
	.test_cases = sva_test_cases,
};

kunit_test_suite(sva_test_suite);

MODULE_DESCRIPTION("KUnit tests of IOMMU SVA");
MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_IMPORT_NS("IOMMUFD_INTERNAL");
MODULE_LICENSE("GPL");
