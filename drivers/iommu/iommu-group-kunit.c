// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of attaching domains to groups
 *
 * A group of three devices, whose driver refuses a domain, or fails to attach it,
 * where the test wants. There is a path for each way in which a group can get
 * another domain. On each of them one device after the other
 *  - refuses the domain beforehand, so that nothing may be moved,
 *  - fails after all have agreed, so that all devices get the old domain back,
 *  - fails, and one of them cannot go back, so that all of them are blocked.
 *
 * With iommu.block_unbound=all the group is blocked while no driver uses it, for
 * each way in which drivers and devices come and go.
 */
#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/property.h>
#include <linux/sched/mm.h>

#include "dma-iommu.h"
#include "iommu-priv.h"

#define NR_DEVS		3
#define PASID_BITS	3
#define PASID		3	/* with a handle */
#define BARE_PASID	4	/* without one */

/* What the driver says beforehand, which is no error that the core has */
#define REFUSED		(-ENXIO)
#define FAILED		(-ENOMEM)

struct grp_dev {
	/* Not on the PCI bus, but it can be reset like a function */
	struct pci_dev		pdev;
	/* The device can access this, and the driver has attached that */
	struct iommu_domain	*rid, *held;
	struct iommu_domain	*pasids[BIT(PASID_BITS)];
	/* Calls of test_dev, and of those that change something */
	unsigned int		nr_tests;
	unsigned int		nr_moves;
	int			refuses;
	/* Bit n: the nth change from now on fails */
	unsigned long		fails;
	/* The driver was told to detach what is not attached */
	bool			misled;
	bool			direct;
	bool			relaxable;
	bool			defer;
	/* It seems to have a driver when it is found. */
	bool			early;
};

struct grp_test {
	struct iommu_device		iommu;
	struct notifier_block		nb;
	const struct bus_type		*bus;
	struct grp_dev			dev[NR_DEVS + 1];
	unsigned int			nr_added;
	struct iommu_domain		old, new;
	struct iommu_attach_handle	handle[2];
	struct iommu_sva		*bond;
	unsigned int			default_type;
	unsigned int			nr_domains;
	u32				pasid_bits;
	enum iommu_block_unbound	block;	/* the machine's */
	/* What probe returns, how often it was called, what the RID had then */
	int				probe_ret;
	unsigned int			nr_probes;
	struct iommu_domain		*probe_rid;
	bool				map_fails;
};

static struct grp_test *grp;

static struct grp_dev *to_grp_dev(struct device *dev)
{
	return container_of(dev, struct grp_dev, pdev.dev);
}

static bool grp_fails(struct grp_dev *d)
{
	bool fails = d->fails & 1;

	d->nr_moves++;
	d->fails >>= 1;
	return fails;
}

static int grp_test_dev(struct iommu_domain *domain, struct device *dev,
			ioasid_t pasid, struct iommu_domain *old)
{
	struct grp_dev *d = to_grp_dev(dev);

	iommu_group_mutex_assert(dev);
	d->nr_tests++;
	if (old != (pasid == IOMMU_NO_PASID ? d->held : d->pasids[pasid]))
		d->misled = true;
	return d->refuses;
}

/* Like the drivers that detach the old domain before they look at the new one */
static int grp_attach(struct iommu_domain *domain, struct device *dev,
		      struct iommu_domain *old)
{
	struct grp_dev *d = to_grp_dev(dev);

	if (old != d->held)
		d->misled = true;
	d->rid = NULL;
	if (grp_fails(d))
		return FAILED;
	d->rid = domain;
	d->held = domain;
	return 0;
}

/* A failure leaves what was there. */
static int grp_set_pasid(struct iommu_domain *domain, struct device *dev,
			 ioasid_t pasid, struct iommu_domain *old)
{
	struct grp_dev *d = to_grp_dev(dev);

	/* This is how a reset ends. */
	if (old && old->type == IOMMU_DOMAIN_BLOCKED)
		old = NULL;
	if (old != d->pasids[pasid])
		d->misled = true;
	if (grp_fails(d))
		return FAILED;
	d->pasids[pasid] = domain;
	return 0;
}

static int grp_block_pasid(struct iommu_domain *domain, struct device *dev,
			   ioasid_t pasid, struct iommu_domain *old)
{
	struct grp_dev *d = to_grp_dev(dev);

	if (old != d->pasids[pasid])
		d->misled = true;
	d->nr_moves++;
	d->pasids[pasid] = NULL;
	return 0;
}

static void grp_free(struct iommu_domain *domain)
{
	grp->nr_domains--;
	kfree(domain);
}

static phys_addr_t grp_iova_to_phys(struct iommu_domain *domain,
				    dma_addr_t iova)
{
	return 0;
}

static int grp_map(struct iommu_domain *domain, unsigned long iova,
		   phys_addr_t paddr, size_t size, size_t nr, int prot,
		   gfp_t gfp, size_t *mapped)
{
	if (grp->map_fails)
		return FAILED;
	*mapped = size * nr;
	return 0;
}

static size_t grp_unmap(struct iommu_domain *domain, unsigned long iova,
			size_t size, size_t nr,
			struct iommu_iotlb_gather *gather)
{
	return size * nr;
}

static const struct iommu_domain_ops grp_domain_ops = {
	.test_dev = grp_test_dev,
	.attach_dev = grp_attach,
	.set_dev_pasid = grp_set_pasid,
	.map_pages = grp_map,
	.unmap_pages = grp_unmap,
	.iova_to_phys = grp_iova_to_phys,
	.free = grp_free,
};

static struct iommu_domain grp_blocked = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &(const struct iommu_domain_ops) {
		.test_dev = grp_test_dev,
		.attach_dev = grp_attach,
		.set_dev_pasid = grp_block_pasid,
	},
};

static struct iommu_domain grp_identity = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &(const struct iommu_domain_ops) {
		.test_dev = grp_test_dev,
		.attach_dev = grp_attach,
	},
};

static struct iommu_domain *grp_alloc_domain(struct device *dev)
{
	struct iommu_domain *domain = kzalloc_obj(*domain);

	if (!domain)
		return NULL;
	domain->ops = &grp_domain_ops;
	domain->pgsize_bitmap = PAGE_SIZE;
	domain->geometry.aperture_end = DMA_BIT_MASK(32);
	domain->geometry.force_aperture = true;
	grp->nr_domains++;
	return domain;
}

static struct iommu_domain *grp_alloc_sva(struct device *dev,
					  struct mm_struct *mm)
{
	return grp_alloc_domain(dev) ?: ERR_PTR(-ENOMEM);
}

static int grp_default_type(struct device *dev)
{
	return grp->default_type;
}

static bool grp_is_deferred(struct device *dev)
{
	return to_grp_dev(dev)->defer;
}

static void grp_get_resv_regions(struct device *dev, struct list_head *head)
{
	struct grp_dev *d = to_grp_dev(dev);
	struct iommu_resv_region *region;

	if (!d->direct && !d->relaxable)
		return;
	region = iommu_alloc_resv_region(SZ_1M, PAGE_SIZE, IOMMU_READ,
					 d->direct ? IOMMU_RESV_DIRECT :
						     IOMMU_RESV_DIRECT_RELAXABLE,
					 GFP_KERNEL);
	if (region)
		list_add_tail(&region->list, head);
}

static struct device_driver grp_driver;

static struct iommu_device *grp_probe(struct device *dev)
{
	if (to_grp_dev(dev)->early)
		dev->driver = &grp_driver;
	return &grp->iommu;
}

static void grp_probe_finalize(struct device *dev)
{
	if (to_grp_dev(dev)->early)
		dev->driver = NULL;
}

static struct iommu_group *grp_group(struct device *dev)
{
	struct device *first = &grp->dev[0].pdev.dev;

	if (dev == first)
		return iommu_group_alloc();
	return iommu_group_ref_get(first->iommu_group);
}

static const struct iommu_ops grp_ops = {
	.default_domain_ops = &grp_domain_ops,
	.identity_domain = &grp_identity,
	.blocked_domain = &grp_blocked,
	.domain_alloc_paging = grp_alloc_domain,
	.domain_alloc_sva = grp_alloc_sva,
	.def_domain_type = grp_default_type,
	.is_attach_deferred = grp_is_deferred,
	.get_resv_regions = grp_get_resv_regions,
	.probe_device = grp_probe,
	.probe_finalize = grp_probe_finalize,
	.device_group = grp_group,
};

/* For this driver nothing but an empty page table is blocked. */
static const struct iommu_ops grp_empty_ops = {
	.default_domain_ops = &grp_domain_ops,
	.identity_domain = &grp_identity,
	.domain_alloc_paging = grp_alloc_domain,
	.def_domain_type = grp_default_type,
	.probe_device = grp_probe,
	.device_group = grp_group,
};

/* A driver is only bound by device_driver_attach(). */
static int grp_match(struct device *dev, const struct device_driver *drv)
{
	return 0;
}

static int grp_dma_configure(struct device *dev)
{
	return dev->driver ? iommu_device_use_default_domain(dev) : 0;
}

static void grp_dma_cleanup(struct device *dev)
{
	iommu_device_unuse_default_domain(dev);
}

static const struct bus_type grp_bus_type = {
	.name = "iommu-group-kunit",
	.match = grp_match,
	.dma_configure = grp_dma_configure,
	.dma_cleanup = grp_dma_cleanup,
};

/* Its drivers do not take DMA ownership. */
static const struct bus_type grp_plain_bus_type = {
	.name = "iommu-group-plain",
	.match = grp_match,
};

static int grp_driver_probe(struct device *dev)
{
	grp->nr_probes++;
	grp->probe_rid = to_grp_dev(dev)->rid;
	return grp->probe_ret;
}

static struct device_driver grp_driver = {
	.name = "iommu-group-kunit",
	.bus = &grp_bus_type,
	.probe = grp_driver_probe,
};

/* The memory belongs to the test. */
static void grp_dev_release(struct device *dev)
{
}

static void grp_exit_bus(void *data)
{
	while (grp->nr_added)
		device_unregister(&grp->dev[--grp->nr_added].pdev.dev);
	iommu_device_unregister_bus(&grp->iommu, grp->bus, &grp->nb);
	iommu_device_sysfs_remove(&grp->iommu);
	bus_unregister(grp->bus);
	iommu_set_block_unbound(grp->block);
	grp = NULL;
}

static int grp_init_bus(struct kunit *test, const struct bus_type *bus)
{
	struct device *parent = kunit_device_register(test, bus->name);
	int ret;

	if (IS_ERR(parent))
		return PTR_ERR(parent);
	grp = kunit_kzalloc(test, sizeof(*grp), GFP_KERNEL);
	if (!grp)
		return -ENOMEM;
	grp->default_type = IOMMU_DOMAIN_IDENTITY;
	grp->pasid_bits = PASID_BITS;
	grp->iommu.max_pasids = BIT(PASID_BITS);
	grp->old.type = IOMMU_DOMAIN_UNMANAGED;
	grp->old.ops = &grp_domain_ops;
	grp->old.owner = &grp_ops;
	grp->new = grp->old;
	grp->bus = bus;
	grp->block = iommu_set_block_unbound(IOMMU_BLOCK_OFF);

	ret = bus_register(bus);
	if (ret)
		goto err_block;
	ret = iommu_device_sysfs_add(&grp->iommu, parent, NULL, "iommu-group");
	if (ret)
		goto err_bus;
	ret = iommu_device_register_bus(&grp->iommu, &grp_ops, bus, &grp->nb);
	if (ret)
		goto err_sysfs;
	return kunit_add_action_or_reset(test, grp_exit_bus, NULL);

err_sysfs:
	iommu_device_sysfs_remove(&grp->iommu);
err_bus:
	bus_unregister(bus);
err_block:
	iommu_set_block_unbound(grp->block);
	return ret;
}

static int grp_init(struct kunit *test)
{
	return grp_init_bus(test, &grp_bus_type);
}

static struct grp_dev *grp_add(struct kunit *test)
{
	struct grp_dev *d = &grp->dev[grp->nr_added];
	struct device *dev = &d->pdev.dev;
	const struct property_entry prop[] = {
		PROPERTY_ENTRY_U32("pasid-num-bits", grp->pasid_bits),
		{}
	};

	device_initialize(dev);
	dev->bus = grp->bus;
	dev->release = grp_dev_release;
#ifdef CONFIG_PCI_ATS
	d->pdev.ats_cap = 1;
#endif
	KUNIT_ASSERT_EQ(test, 0, dev_set_name(dev, "grp-%u", grp->nr_added));
	KUNIT_ASSERT_EQ(test, 0,
			device_create_managed_software_node(dev, prop, NULL));
	KUNIT_ASSERT_EQ(test, 0, iommu_mock_device_add(dev, &grp->iommu));
	grp->nr_added++;
	return d;
}

static struct device *first_dev(void)
{
	return &grp->dev[0].pdev.dev;
}

static struct iommu_group *the_group(void)
{
	return first_dev()->iommu_group;
}

/* Forget what was counted, and let nothing fail. */
static void grp_calm(void)
{
	int i;

	for (i = 0; i <= NR_DEVS; i++) {
		grp->dev[i].nr_tests = 0;
		grp->dev[i].nr_moves = 0;
		grp->dev[i].refuses = 0;
		grp->dev[i].fails = 0;
	}
}

static void grp_add_all(struct kunit *test)
{
	while (grp->nr_added < NR_DEVS)
		grp_add(test);
	grp_calm();
}

/* All devices must be able to access @domain, and the driver must know. */
static void expect_rid(struct kunit *test, struct iommu_domain *domain)
{
	int i;

	for (i = 0; i < grp->nr_added; i++) {
		KUNIT_EXPECT_PTR_EQ_MSG(test, grp->dev[i].rid, domain,
					"device %d", i);
		KUNIT_EXPECT_PTR_EQ_MSG(test, grp->dev[i].held, domain,
					"device %d", i);
		KUNIT_EXPECT_FALSE_MSG(test, grp->dev[i].misled,
				       "device %d", i);
	}
}

static void expect_pasid(struct kunit *test, ioasid_t pasid,
			 struct iommu_domain *domain)
{
	int i;

	for (i = 0; i < grp->nr_added; i++) {
		KUNIT_EXPECT_PTR_EQ_MSG(test, grp->dev[i].pasids[pasid], domain,
					"device %d", i);
		KUNIT_EXPECT_FALSE_MSG(test, grp->dev[i].misled,
				       "device %d", i);
	}
}

static void expect_moves(struct kunit *test, unsigned int nr)
{
	int i;

	for (i = 0; i < grp->nr_added; i++)
		KUNIT_EXPECT_EQ_MSG(test, grp->dev[i].nr_moves, nr,
				    "device %d", i);
}

static void expect_tests(struct kunit *test, unsigned int nr)
{
	int i;

	for (i = 0; i < grp->nr_added; i++)
		KUNIT_EXPECT_EQ_MSG(test, grp->dev[i].nr_tests, nr,
				    "device %d", i);
}

/* A driver that uses the DMA API comes, and goes. */
static int bind_driver(void)
{
	int ret = iommu_device_use_default_domain(first_dev());

	if (!ret)
		iommu_device_unuse_default_domain(first_dev());
	return ret;
}

/* The ways in which a group gets another domain */

struct grp_path {
	/* Attach what is to be there before */
	int	(*before)(struct kunit *test);
	int	(*move)(void);
	/* What the caller does after @move has returned @ret, and @before */
	void	(*after)(int ret);
	/* What is moved. 0: the RID, INVALID: the PASID of the process. */
	ioasid_t pasid;
};

static int move_group(void)
{
	return iommu_attach_group(&grp->new, the_group());
}

static void after_group(int ret)
{
	if (!ret)
		iommu_detach_group(&grp->new, the_group());
}

static const struct grp_path path_group = {
	.move = move_group,
	.after = after_group,
};

static int move_handle(void)
{
	return iommu_attach_group_handle(&grp->new, the_group(),
					 &grp->handle[1]);
}

static void after_handle(int ret)
{
	if (!ret)
		iommu_detach_group_handle(&grp->new, the_group());
}

static const struct grp_path path_handle = {
	.move = move_handle,
	.after = after_handle,
};

static int before_replace(struct kunit *test)
{
	return iommu_attach_group_handle(&grp->old, the_group(),
					 &grp->handle[0]);
}

static int move_replace(void)
{
	return iommu_replace_group_handle(the_group(), &grp->new,
					  &grp->handle[1]);
}

static void after_replace(int ret)
{
	iommu_detach_group_handle(ret ? &grp->old : &grp->new, the_group());
}

static const struct grp_path path_replace = {
	.before = before_replace,
	.move = move_replace,
	.after = after_replace,
};

static int move_owner(void)
{
	return iommu_group_claim_dma_owner(the_group(), grp);
}

static void after_owner(int ret)
{
	if (!ret)
		iommu_group_release_dma_owner(the_group());
}

static const struct grp_path path_owner = {
	.move = move_owner,
	.after = after_owner,
};

static int move_device_owner(void)
{
	return iommu_device_claim_dma_owner(first_dev(), grp);
}

static void after_device_owner(int ret)
{
	if (!ret)
		iommu_device_release_dma_owner(first_dev());
}

static const struct grp_path path_device_owner = {
	.move = move_device_owner,
	.after = after_device_owner,
};

static int move_type(void)
{
	/* The driver does not mind. */
	grp->default_type = 0;
	return iommu_group_set_type(the_group(), "DMA");
}

static void after_type(int ret)
{
	if (!ret)
		iommu_group_set_type(the_group(), "identity");
}

static const struct grp_path path_type = {
	.move = move_type,
	.after = after_type,
};

static int move_pasid(void)
{
	return iommu_attach_device_pasid(&grp->new, first_dev(), PASID,
					 &grp->handle[1]);
}

static void after_pasid(int ret)
{
	if (!ret)
		iommu_detach_device_pasid(&grp->new, first_dev(), PASID);
}

static const struct grp_path path_one_pasid = {
	.move = move_pasid,
	.after = after_pasid,
	.pasid = PASID,
};

static int before_replace_pasid(struct kunit *test)
{
	return iommu_attach_device_pasid(&grp->old, first_dev(), PASID,
					 &grp->handle[0]);
}

static int move_replace_pasid(void)
{
	return iommu_replace_device_pasid(&grp->new, first_dev(), PASID,
					  &grp->handle[1]);
}

static void after_replace_pasid(int ret)
{
	iommu_detach_device_pasid(ret ? &grp->old : &grp->new, first_dev(),
				  PASID);
}

static const struct grp_path path_replace_pasid = {
	.before = before_replace_pasid,
	.move = move_replace_pasid,
	.after = after_replace_pasid,
	.pasid = PASID,
};

static int move_sva(void)
{
	grp->bond = iommu_sva_bind_device(first_dev(), current->mm);
	return PTR_ERR_OR_ZERO(grp->bond);
}

static void after_sva(int ret)
{
	if (!ret)
		iommu_sva_unbind_device(grp->bond);
}

/* From the first bind on it is known which PASID that is. */
static int before_sva(struct kunit *test)
{
	int ret = current->mm ? 0 : kunit_attach_mm();

	if (ret || mm_get_enqcmd_pasid(current->mm) != IOMMU_PASID_INVALID)
		return ret;
	ret = move_sva();
	after_sva(ret);
	return ret;
}

static const struct grp_path path_sva = {
	.before = before_sva,
	.move = move_sva,
	.after = after_sva,
	.pasid = IOMMU_PASID_INVALID,
};

static ioasid_t path_pasid(const struct grp_path *path)
{
	return path->pasid == IOMMU_PASID_INVALID ?
	       mm_get_enqcmd_pasid(current->mm) : path->pasid;
}

/* What the first device is attached to, where the path moves it */
static struct iommu_domain *grp_domain(const struct grp_path *path)
{
	struct grp_dev *d = &grp->dev[0];

	return path->pasid ? d->pasids[path_pasid(path)] : d->rid;
}

static void expect_domain(struct kunit *test, const struct grp_path *path,
			  struct iommu_domain *domain)
{
	if (path->pasid)
		expect_pasid(test, path_pasid(path), domain);
	else
		expect_rid(test, domain);
}

static struct iommu_domain *grp_begin(struct kunit *test,
				      const struct grp_path *path)
{
	grp_calm();
	if (path->before)
		KUNIT_ASSERT_EQ(test, 0, path->before(test));
	grp_calm();
	return grp_domain(path);
}

/* After all of it the same thing must succeed. */
static void expect_success(struct kunit *test, const struct grp_path *path)
{
	struct iommu_domain *old = grp_begin(test, path);

	KUNIT_EXPECT_EQ(test, 0, path->move());
	KUNIT_EXPECT_PTR_NE(test, old, grp_domain(path));
	expect_domain(test, path, grp_domain(path));
	expect_tests(test, 1);
	expect_moves(test, 1);
	path->after(0);
	/* Nobody is asked when something is detached. sysfs attaches it anew. */
	expect_tests(test, path == &path_type ? 2 : 1);
	expect_moves(test, 2);
}

/* Each device in turn refuses. Those behind it are not asked, none is moved. */
static void expect_refused(struct kunit *test, const struct grp_path *path)
{
	struct iommu_domain *old;
	int i, j;

	grp_add_all(test);
	for (i = 0; i < NR_DEVS; i++) {
		old = grp_begin(test, path);
		grp->dev[i].refuses = REFUSED;
		KUNIT_EXPECT_EQ(test, REFUSED, path->move());
		for (j = 0; j < NR_DEVS; j++)
			KUNIT_EXPECT_EQ_MSG(test, grp->dev[j].nr_tests, j <= i,
					    "device %d, %d refuses", j, i);
		expect_moves(test, 0);
		expect_domain(test, path, old);
		path->after(REFUSED);
	}
	expect_success(test, path);
	KUNIT_EXPECT_EQ(test, 0, grp->nr_domains);
}

/* Each device in turn fails. All must have again what they had. */
static void expect_failed(struct kunit *test, const struct grp_path *path)
{
	struct iommu_domain *old;
	int i;

	grp_add_all(test);
	for (i = 0; i < NR_DEVS; i++) {
		old = grp_begin(test, path);
		grp->dev[i].fails = BIT(0);
		KUNIT_EXPECT_EQ(test, FAILED, path->move());
		expect_tests(test, 1);
		expect_domain(test, path, old);
		path->after(FAILED);
	}
	expect_success(test, path);
	KUNIT_EXPECT_EQ(test, 0, grp->nr_domains);
}

/*
 * Device @i fails, and device @j cannot go back: the one that failed itself, or
 * one before it. All must be blocked, and not for good.
 */
static void expect_blocked(struct kunit *test, const struct grp_path *path)
{
	int i, j;

	grp_add_all(test);
	for (i = 0; i < NR_DEVS; i++) {
		/* The PASID of the device that failed is not touched again. */
		for (j = 0; j < i + !path->pasid; j++) {
			grp_begin(test, path);
			grp->dev[i].fails = BIT(0);
			grp->dev[j].fails |= BIT(1);
			KUNIT_EXPECT_EQ(test, FAILED, path->move());
			expect_domain(test, path,
				      path->pasid ? NULL : &grp_blocked);
			grp_calm();
			path->after(FAILED);
			/* There was nothing left to be detached from it. */
			if (path->pasid)
				expect_moves(test, 0);
			if (path->pasid || path == &path_replace)
				continue;
			/* Nobody has attached anything but the core. */
			KUNIT_EXPECT_EQ(test, 0, bind_driver());
			expect_rid(test, &grp_identity);
			expect_moves(test, 1);
		}
	}
	expect_success(test, path);
	KUNIT_EXPECT_EQ(test, 0, grp->nr_domains);
}

#define GRP_PATH(name)							\
static void grp_refused_##name(struct kunit *test)			\
{									\
	expect_refused(test, &path_##name);				\
}									\
static void grp_failed_##name(struct kunit *test)			\
{									\
	expect_failed(test, &path_##name);				\
}

#define GRP_PATH_BACK(name)						\
GRP_PATH(name)								\
static void grp_blocked_##name(struct kunit *test)			\
{									\
	expect_blocked(test, &path_##name);				\
}

GRP_PATH_BACK(group)
GRP_PATH_BACK(handle)
GRP_PATH_BACK(replace)
GRP_PATH_BACK(owner)
GRP_PATH_BACK(device_owner)
GRP_PATH_BACK(type)
GRP_PATH(one_pasid)
GRP_PATH_BACK(replace_pasid)
GRP_PATH(sva)

/* A device that is alone in its group */
static void grp_refused_device(struct kunit *test)
{
	struct grp_dev *d = grp_add(test);
	struct device *dev = first_dev();

	grp_calm();
	d->refuses = REFUSED;
	KUNIT_EXPECT_EQ(test, REFUSED, iommu_attach_device(&grp->new, dev));
	expect_moves(test, 0);
	expect_rid(test, &grp_identity);

	grp_calm();
	d->fails = BIT(0);
	KUNIT_EXPECT_EQ(test, FAILED, iommu_attach_device(&grp->new, dev));
	expect_rid(test, &grp_identity);

	/* Whoever believes that the domain is attached may detach it. */
	KUNIT_EXPECT_EQ(test, 0, iommu_attach_device(&grp->old, dev));
	d->fails = BIT(0) | BIT(1);
	KUNIT_EXPECT_EQ(test, FAILED,
			iommu_group_move_domain(the_group(), &grp->new));
	expect_rid(test, &grp_blocked);
	iommu_detach_device(&grp->old, dev);
	expect_rid(test, &grp_identity);
}

/* The default domain is refused: the device has no group, nothing is attached. */
static void grp_refused_default(struct kunit *test)
{
	struct grp_dev *d = &grp->dev[0];

	d->refuses = REFUSED;
	grp_add(test);
	KUNIT_EXPECT_NULL(test, first_dev()->iommu_group);
	KUNIT_EXPECT_EQ(test, d->nr_tests, 1);
	KUNIT_EXPECT_EQ(test, d->nr_moves, 0);
}

/* A device that is added to a group, alone, is asked about what that has. */
static void grp_refused_added(struct kunit *test)
{
	struct grp_dev *d = &grp->dev[NR_DEVS];

	grp_add_all(test);
	KUNIT_ASSERT_EQ(test, 0, move_group());
	grp_calm();
	d->refuses = REFUSED;
	grp_add(test);
	KUNIT_EXPECT_NULL(test, d->pdev.dev.iommu_group);
	KUNIT_EXPECT_EQ(test, d->nr_tests, 1);
	KUNIT_EXPECT_EQ(test, grp->dev[0].nr_tests, 0);
	expect_moves(test, 0);
	after_group(0);
	KUNIT_EXPECT_PTR_EQ(test, grp->dev[0].rid, &grp_identity);
}

/* A deferred attach comes with the first use of the DMA API. */
static void grp_refused_deferred(struct kunit *test)
{
	struct iommu_domain *dma = &grp_identity;
	struct grp_dev *d = &grp->dev[0];

	d->defer = true;
	grp_add(test);
	KUNIT_EXPECT_EQ(test, d->nr_tests, 0);
	KUNIT_EXPECT_EQ(test, d->nr_moves, 0);

	d->refuses = REFUSED;
	KUNIT_EXPECT_EQ(test, REFUSED, iommu_deferred_attach(first_dev(), dma));
	KUNIT_EXPECT_EQ(test, d->nr_moves, 0);
	KUNIT_EXPECT_TRUE(test, first_dev()->iommu->attach_deferred);
	grp_calm();
	KUNIT_EXPECT_EQ(test, 0, iommu_deferred_attach(first_dev(), dma));
	KUNIT_EXPECT_EQ(test, d->nr_tests, 1);
	expect_rid(test, dma);
}

/* It stays deferred, unless all devices agree to something else. */
static void grp_stays_deferred(struct kunit *test)
{
	struct dev_iommu *param;

	grp->dev[0].defer = true;
	grp_add_all(test);
	param = first_dev()->iommu;
	/* There is nothing that the driver was told to attach so far. */
	grp->dev[0].held = &grp_identity;
	grp->dev[2].refuses = REFUSED;
	KUNIT_EXPECT_EQ(test, REFUSED, move_group());
	KUNIT_EXPECT_TRUE(test, param->attach_deferred);
	expect_moves(test, 0);

	grp_calm();
	KUNIT_EXPECT_EQ(test, 0, move_group());
	KUNIT_EXPECT_FALSE(test, param->attach_deferred);
	expect_rid(test, &grp->new);
	after_group(0);
	expect_rid(test, &grp_identity);
}

/* What the core refuses comes before a driver is asked, in all devices. */
static void grp_core_first(struct kunit *test)
{
	grp_add(test);
	grp->dev[1].direct = true;
	grp_add(test);
	grp->pasid_bits = 1;
	grp_add(test);

	grp_calm();
	grp->dev[0].refuses = REFUSED;
	KUNIT_EXPECT_EQ(test, -EINVAL, move_owner());
	KUNIT_EXPECT_EQ(test, -EINVAL, move_pasid());
	expect_tests(test, 0);
	expect_moves(test, 0);
	expect_rid(test, &grp_identity);
	KUNIT_EXPECT_EQ(test, REFUSED, move_group());
}

/* A device that was added has fewer PASIDs than what is to be replaced. */
static void grp_core_first_replace(struct kunit *test)
{
	grp_add(test);
	KUNIT_ASSERT_EQ(test, 0, before_replace_pasid(test));
	grp->pasid_bits = 1;
	grp_add(test);
	grp_calm();
	KUNIT_EXPECT_EQ(test, -EINVAL, move_replace_pasid());
	expect_tests(test, 0);
	expect_moves(test, 0);
	/* That one never had it. */
	grp->dev[1].pdev.dev.iommu->max_pasids = 0;
	after_replace_pasid(-EINVAL);
	KUNIT_EXPECT_NULL(test, grp->dev[0].pasids[PASID]);
}

/* The second device fails to get the default domain, and nobody can object. */
static void fail_detach(struct kunit *test)
{
	grp_add_all(test);
	KUNIT_ASSERT_EQ(test, 0, move_group());
	grp_calm();
	grp->dev[1].fails = BIT(0);
	iommu_detach_group(&grp->new, the_group());
	expect_tests(test, 0);
	expect_rid(test, &grp_blocked);
}

static void grp_must_succeed(struct kunit *test)
{
	fail_detach(test);

	/* The next driver is asked again. */
	grp_calm();
	grp->dev[2].refuses = REFUSED;
	KUNIT_EXPECT_EQ(test, REFUSED, bind_driver());
	expect_moves(test, 0);
	expect_rid(test, &grp_blocked);
	grp_calm();
	KUNIT_EXPECT_EQ(test, 0, bind_driver());
	expect_tests(test, 1);
	expect_rid(test, &grp_identity);
}

/* An owner can have a group that is blocked already. */
static void grp_must_succeed_owner(struct kunit *test)
{
	fail_detach(test);
	grp_calm();
	KUNIT_EXPECT_EQ(test, 0, move_owner());
	expect_moves(test, 0);
	after_owner(0);
	expect_rid(test, &grp_identity);
}

/* The devices go, and nobody has attached anything. */
static void grp_must_succeed_leave(struct kunit *test)
{
	fail_detach(test);
}

/* A device with a 1:1 mapping is not spared: what it had may be freed now. */
static void grp_must_succeed_direct(struct kunit *test)
{
	grp->dev[2].direct = true;
	fail_detach(test);
	KUNIT_EXPECT_EQ(test, 0, bind_driver());
	expect_rid(test, &grp_identity);
}

static void attach_pasids(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, before_replace_pasid(test));
	KUNIT_ASSERT_EQ(test, 0,
			iommu_attach_device_pasid(&grp->old, first_dev(),
						  BARE_PASID, NULL));
	grp_calm();
}

/* They are in use, with nothing attached, until they are detached. */
static void expect_blocked_pasids(struct kunit *test)
{
	expect_pasid(test, PASID, NULL);
	expect_pasid(test, BARE_PASID, NULL);
	grp_calm();
	KUNIT_EXPECT_EQ(test, -EBUSY, move_pasid());
	KUNIT_EXPECT_EQ(test, -EINVAL, move_replace_pasid());
	/* The caller has to free it. */
	KUNIT_EXPECT_PTR_EQ(test, &grp->handle[0],
			    iommu_attach_handle_get(the_group(), PASID, 0));
	iommu_detach_device_pasid(&grp->old, first_dev(), PASID);
	iommu_detach_device_pasid(&grp->old, first_dev(), BARE_PASID);
	expect_moves(test, 0);

	KUNIT_EXPECT_EQ(test, 0, move_pasid());
	expect_pasid(test, PASID, &grp->new);
	after_pasid(0);
}

/* A RID that is blocked takes the PASIDs with it. */
static void grp_blocked_pasids(struct kunit *test)
{
	grp_add_all(test);
	KUNIT_ASSERT_EQ(test, 0, before_replace(test));
	attach_pasids(test);
	grp->dev[1].fails = BIT(0) | BIT(1);
	KUNIT_EXPECT_EQ(test, FAILED, move_replace());
	expect_rid(test, &grp_blocked);
	expect_blocked_pasids(test);
	KUNIT_EXPECT_PTR_EQ(test, &grp->handle[0],
			    iommu_attach_handle_get(the_group(), IOMMU_NO_PASID,
						    0));
	after_replace(FAILED);
	expect_rid(test, &grp_identity);
}

#ifdef CONFIG_PCI_ATS
static void reset_begins(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0,
			pci_dev_reset_iommu_prepare(&grp->dev[1].pdev));
	KUNIT_EXPECT_PTR_EQ(test, grp->dev[1].rid, &grp_blocked);
	KUNIT_EXPECT_NULL(test, grp->dev[1].pasids[PASID]);
	/* Nobody is asked meanwhile, or moved. */
	grp_calm();
	KUNIT_EXPECT_EQ(test, -EBUSY, move_replace());
	KUNIT_EXPECT_EQ(test, -EBUSY, move_replace_pasid());
	expect_tests(test, 0);
	expect_moves(test, 0);
}

static void reset_ends(struct kunit *test)
{
	pci_dev_reset_iommu_done(&grp->dev[1].pdev);
	expect_tests(test, 0);
}

/* Nobody is asked at the end of a reset. */
static void grp_reset(struct kunit *test)
{
	grp_add_all(test);
	KUNIT_ASSERT_EQ(test, 0, before_replace(test));
	attach_pasids(test);
	reset_begins(test);
	grp->dev[0].refuses = REFUSED;
	grp->dev[1].refuses = REFUSED;
	reset_ends(test);
	expect_rid(test, &grp->old);
	expect_pasid(test, PASID, &grp->old);
	expect_pasid(test, BARE_PASID, &grp->old);
	iommu_detach_device_pasid(&grp->old, first_dev(), PASID);
	iommu_detach_device_pasid(&grp->old, first_dev(), BARE_PASID);
	after_replace(FAILED);
}

/* Then a RID that fails leaves the group blocked, with the PASIDs. */
static void grp_reset_rid(struct kunit *test)
{
	grp_add_all(test);
	KUNIT_ASSERT_EQ(test, 0, before_replace(test));
	attach_pasids(test);
	reset_begins(test);
	grp->dev[1].fails = BIT(0);
	reset_ends(test);
	KUNIT_EXPECT_EQ(test, grp->dev[1].nr_moves, 1);
	/* It was blocked before, which the driver knows. */
	grp->dev[1].rid = grp->dev[1].held;
	expect_rid(test, &grp_blocked);
	expect_blocked_pasids(test);
	after_replace(FAILED);
	expect_rid(test, &grp_identity);
}

/* A PASID that fails leaves this one blocked, and the others attached. */
static void grp_reset_pasid(struct kunit *test)
{
	grp_add_all(test);
	KUNIT_ASSERT_EQ(test, 0, before_replace(test));
	attach_pasids(test);
	reset_begins(test);
	/* The RID is first, then this, and then the one without a handle. */
	grp->dev[1].fails = BIT(1);
	reset_ends(test);
	expect_rid(test, &grp->old);
	expect_pasid(test, PASID, NULL);
	expect_pasid(test, BARE_PASID, &grp->old);

	grp_calm();
	iommu_detach_device_pasid(&grp->old, first_dev(), PASID);
	expect_moves(test, 0);
	iommu_detach_device_pasid(&grp->old, first_dev(), BARE_PASID);
	after_replace(FAILED);
}
#endif

/* DMA is blocked while no driver uses the group, see iommu.block_unbound= */

static struct device *nth_dev(int nr)
{
	return &grp->dev[nr].pdev.dev;
}

static void block_all(struct kunit *test)
{
	iommu_set_block_unbound(IOMMU_BLOCK_ALL);
	grp_add_all(test);
	expect_rid(test, &grp_blocked);
}

static void use_dev(struct kunit *test, int nr)
{
	KUNIT_ASSERT_EQ(test, 0, iommu_device_use_default_domain(nth_dev(nr)));
}

/* No driver has been there: only what it will get is asked about. */
/* matrix: 25 */
static void grp_block_probe(struct kunit *test)
{
	int i;

	iommu_set_block_unbound(IOMMU_BLOCK_ALL);
	while (grp->nr_added < NR_DEVS)
		grp_add(test);
	expect_rid(test, &grp_blocked);
	expect_moves(test, 1);
	/* Those that are added are asked about the blocking domain as well. */
	for (i = 0; i < NR_DEVS; i++)
		KUNIT_EXPECT_EQ(test, grp->dev[i].nr_tests, 1 + !!i);
}

/* Off, and these are not PCI devices that could be untrusted: as ever */
/* matrix: 27 */
static void grp_block_off(struct kunit *test)
{
	static const enum iommu_block_unbound off[] = {
		IOMMU_BLOCK_OFF, IOMMU_BLOCK_UNTRUSTED,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(off); i++) {
		iommu_set_block_unbound(off[i]);
		grp_add_all(test);
		grp_calm();
		expect_rid(test, &grp_identity);
		KUNIT_EXPECT_EQ(test, 0, bind_driver());
		expect_tests(test, 0);
		expect_moves(test, 0);
	}
}

/* What a driver could never get makes the device fail already when it is found */
static void grp_block_refused_probe(struct kunit *test)
{
	iommu_set_block_unbound(IOMMU_BLOCK_ALL);
	grp->dev[0].refuses = REFUSED;
	grp_add(test);
	KUNIT_EXPECT_NULL(test, first_dev()->iommu_group);
	KUNIT_EXPECT_EQ(test, grp->dev[0].nr_moves, 0);
}

/* The first driver of the group unblocks all of it, the last one blocks it. */
/* matrix: 26 */
static void grp_block_drivers(struct kunit *test)
{
	block_all(test);
	use_dev(test, 0);
	expect_rid(test, &grp_identity);
	expect_tests(test, 1);
	expect_moves(test, 1);
	use_dev(test, 2);
	iommu_device_unuse_default_domain(nth_dev(0));
	expect_rid(test, &grp_identity);
	expect_moves(test, 1);
	iommu_device_unuse_default_domain(nth_dev(2));
	expect_rid(test, &grp_blocked);
	expect_tests(test, 1);
	expect_moves(test, 2);
}

/* Each device in turn refuses or fails when a driver comes. All stay blocked. */
/* matrix: 26 */
static void grp_block_fails(struct kunit *test)
{
	int i;

	block_all(test);
	for (i = 0; i < NR_DEVS; i++) {
		grp_calm();
		grp->dev[i].refuses = REFUSED;
		KUNIT_EXPECT_EQ(test, REFUSED, bind_driver());
		expect_moves(test, 0);
		expect_rid(test, &grp_blocked);

		grp_calm();
		grp->dev[i].fails = BIT(0);
		KUNIT_EXPECT_EQ(test, FAILED, bind_driver());
		expect_rid(test, &grp_blocked);

		/* It cannot even be blocked at once when the driver is gone. */
		use_dev(test, 1);
		grp->dev[i].fails = BIT(0);
		iommu_device_unuse_default_domain(nth_dev(1));
		expect_rid(test, &grp_blocked);
	}
	KUNIT_EXPECT_EQ(test, 0, bind_driver());
}

/* VFIO gets a blocked group, and leaves a blocked one. */
/* matrix: 26 */
static void grp_block_owner(struct kunit *test)
{
	block_all(test);
	KUNIT_ASSERT_EQ(test, 0, move_owner());
	KUNIT_EXPECT_EQ(test, -EBUSY, bind_driver());
	KUNIT_ASSERT_EQ(test, 0, move_group());
	expect_rid(test, &grp->new);
	after_group(0);
	expect_rid(test, &grp_blocked);
	expect_moves(test, 2);
	KUNIT_ASSERT_EQ(test, 0, move_group());
	after_owner(0);
	expect_rid(test, &grp_blocked);

	KUNIT_ASSERT_EQ(test, 0, move_device_owner());
	after_device_owner(0);
	expect_rid(test, &grp_blocked);
	expect_moves(test, 4);
	use_dev(test, 0);
	expect_rid(test, &grp_identity);
	iommu_device_unuse_default_domain(first_dev());
}

/* A driver attaches a domain of its own, and detaches it, or does not. */
static void grp_block_own_domain(struct kunit *test)
{
	block_all(test);
	use_dev(test, 0);
	KUNIT_ASSERT_EQ(test, 0, move_group());
	after_group(0);
	expect_rid(test, &grp_identity);
	KUNIT_ASSERT_EQ(test, 0, move_group());
	iommu_device_unuse_default_domain(first_dev());
	expect_rid(test, &grp_blocked);

	/* Nor does one without a driver leave it unblocked. */
	KUNIT_ASSERT_EQ(test, 0, move_group());
	after_group(0);
	expect_rid(test, &grp_blocked);
}

/* The last driver leaves PASIDs attached: they are blocked, too. */
/* matrix: 26 */
static void grp_block_leaked_pasids(struct kunit *test)
{
	block_all(test);
	use_dev(test, 0);
	attach_pasids(test);
	kunit_warning_suppress(test) {
		iommu_device_unuse_default_domain(first_dev());
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
	expect_rid(test, &grp_blocked);
	expect_pasid(test, PASID, NULL);
	expect_pasid(test, BARE_PASID, NULL);
	/* The numbers stay in use, and nobody else becomes the owner. */
	KUNIT_EXPECT_EQ(test, -EBUSY, move_owner());

	use_dev(test, 0);
	expect_rid(test, &grp_identity);
	expect_pasid(test, PASID, NULL);
	expect_blocked_pasids(test);
	iommu_device_unuse_default_domain(first_dev());
	expect_rid(test, &grp_blocked);
}

/* The default domain is changed while nothing of it is attached. */
/* matrix: 26 */
static void grp_block_type(struct kunit *test)
{
	block_all(test);
	grp->default_type = 0;
	grp->dev[1].refuses = REFUSED;
	KUNIT_EXPECT_EQ(test, REFUSED,
			iommu_group_set_type(the_group(), "DMA"));
	KUNIT_EXPECT_EQ(test, 0, grp->nr_domains);
	grp_calm();
	use_dev(test, 0);
	expect_rid(test, &grp_identity);
	iommu_device_unuse_default_domain(first_dev());

	grp_calm();
	KUNIT_ASSERT_EQ(test, 0, iommu_group_set_type(the_group(), "DMA"));
	expect_tests(test, 1);
	expect_moves(test, 0);
	expect_rid(test, &grp_blocked);
	use_dev(test, 0);
	expect_rid(test, iommu_get_domain_for_dev(first_dev()));
	KUNIT_EXPECT_TRUE(test, grp->dev[0].rid->type & __IOMMU_DOMAIN_PAGING);
	iommu_device_unuse_default_domain(first_dev());
	KUNIT_ASSERT_EQ(test, 0, iommu_group_set_type(the_group(), "identity"));
	KUNIT_EXPECT_EQ(test, 0, grp->nr_domains);
	expect_rid(test, &grp_blocked);
}

/* A device that is found later is blocked with the others, or moves them. */
/* matrix: 27 */
static void grp_block_added(struct kunit *test)
{
	struct grp_dev *d = &grp->dev[NR_DEVS];

	block_all(test);
	/* It could not have what drivers get. */
	d->refuses = REFUSED;
	grp_add(test);
	KUNIT_EXPECT_NULL(test, d->pdev.dev.iommu_group);
	device_unregister(&grp->dev[--grp->nr_added].pdev.dev);
	expect_rid(test, &grp_blocked);

	/* It must not be blocked, so none of them is, as long as it is there. */
	memset(d, 0, sizeof(*d));
	d->direct = true;
	grp_add(test);
	expect_rid(test, &grp_identity);
	KUNIT_EXPECT_EQ(test, d->nr_moves, 1);
	use_dev(test, 0);
	iommu_device_unuse_default_domain(first_dev());
	expect_rid(test, &grp_identity);
	device_unregister(&grp->dev[--grp->nr_added].pdev.dev);
	expect_rid(test, &grp_blocked);

	/* Found while a driver is there */
	memset(d, 0, sizeof(*d));
	use_dev(test, 0);
	grp_add(test);
	expect_rid(test, &grp_identity);
	iommu_device_unuse_default_domain(first_dev());
	expect_rid(test, &grp_blocked);
}

/* It must not be blocked, but it cannot have the default domain either. */
static void grp_block_added_direct_refused(struct kunit *test)
{
	struct grp_dev *d = &grp->dev[NR_DEVS];

	block_all(test);
	d->direct = true;
	d->refuses = REFUSED;
	grp_add(test);
	KUNIT_EXPECT_NULL(test, d->pdev.dev.iommu_group);
	device_unregister(&grp->dev[--grp->nr_added].pdev.dev);
	expect_rid(test, &grp_blocked);
}

static void expect_never_blocked(struct kunit *test)
{
	iommu_set_block_unbound(IOMMU_BLOCK_ALL);
	grp_add_all(test);
	expect_rid(test, &grp_identity);
	KUNIT_EXPECT_EQ(test, 0, bind_driver());
	expect_rid(test, &grp_identity);
	expect_moves(test, 0);
}

/* matrix: 27 */
static void grp_block_direct(struct kunit *test)
{
	grp->dev[0].direct = true;
	expect_never_blocked(test);
}

/* matrix: 27 */
static void grp_block_bus(struct kunit *test)
{
	kunit_release_action(test, grp_exit_bus, NULL);
	KUNIT_ASSERT_EQ(test, 0, grp_init_bus(test, &grp_plain_bus_type));
	expect_never_blocked(test);
}

/* matrix: 27 */
static void grp_block_no_domain(struct kunit *test)
{
	grp->iommu.ops = &grp_empty_ops;
	expect_never_blocked(test);
}

/* What firmware may use until a driver has come is kept until then. */
/* matrix: 27 */
static void grp_block_relaxable(struct kunit *test)
{
	iommu_set_block_unbound(IOMMU_BLOCK_ALL);
	grp->dev[1].relaxable = true;
	grp_add_all(test);
	expect_rid(test, &grp_identity);
	use_dev(test, 0);
	expect_rid(test, &grp_identity);
	iommu_device_unuse_default_domain(first_dev());
	expect_rid(test, &grp_blocked);

	/* Its mapping fails in the domain that the next driver gets. */
	grp->default_type = 0;
	grp->map_fails = true;
	KUNIT_EXPECT_EQ(test, 0, iommu_group_set_type(the_group(), "DMA"));
	KUNIT_EXPECT_EQ(test, FAILED, bind_driver());
	expect_rid(test, &grp_blocked);
	grp->map_fails = false;
	use_dev(test, 0);
	expect_rid(test, iommu_get_domain_for_dev(first_dev()));
	iommu_device_unuse_default_domain(first_dev());
	expect_rid(test, &grp_blocked);
}

/* What the kernel before this one has attached stays until a driver uses it. */
/* matrix: 27 */
static void grp_block_deferred(struct kunit *test)
{
	iommu_set_block_unbound(IOMMU_BLOCK_ALL);
	grp->dev[0].defer = true;
	grp_add(test);
	KUNIT_EXPECT_EQ(test, 0, bind_driver());
	KUNIT_EXPECT_TRUE(test, first_dev()->iommu->attach_deferred);
	KUNIT_EXPECT_EQ(test, grp->dev[0].nr_moves, 0);

	use_dev(test, 0);
	KUNIT_EXPECT_EQ(test, 0,
			iommu_deferred_attach(first_dev(), &grp_identity));
	expect_rid(test, &grp_identity);
	iommu_device_unuse_default_domain(first_dev());
	expect_rid(test, &grp_blocked);
}

/* A driver that was there before the IOMMU goes on with its DMA. */
/* matrix: 27 */
static void grp_block_early(struct kunit *test)
{
	iommu_set_block_unbound(IOMMU_BLOCK_ALL);
	grp->dev[1].early = true;
	grp_add(test);
	expect_rid(test, &grp_blocked);
	kunit_warning_suppress(test) {
		grp_add(test);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
	expect_rid(test, &grp_identity);
	/* The other device's driver does not change that, but its own does. */
	KUNIT_EXPECT_EQ(test, 0, bind_driver());
	expect_rid(test, &grp_identity);
	use_dev(test, 1);
	iommu_device_unuse_default_domain(nth_dev(1));
	expect_rid(test, &grp_blocked);
}

/* What the driver core does: bind, fail, defer, remove */
/* matrix: 26 */
static void grp_block_driver_core(struct kunit *test)
{
	block_all(test);
	KUNIT_ASSERT_EQ(test, 0, driver_register(&grp_driver));
	KUNIT_EXPECT_EQ(test, 0, device_driver_attach(&grp_driver, nth_dev(1)));
	KUNIT_EXPECT_PTR_EQ(test, grp->probe_rid, &grp_identity);
	expect_rid(test, &grp_identity);
	device_release_driver(nth_dev(1));
	expect_rid(test, &grp_blocked);

	grp->probe_ret = -EIO;
	KUNIT_EXPECT_NE(test, 0, device_driver_attach(&grp_driver, nth_dev(1)));
	expect_rid(test, &grp_blocked);
	grp->probe_ret = -EPROBE_DEFER;
	KUNIT_EXPECT_NE(test, 0, device_driver_attach(&grp_driver, nth_dev(1)));
	expect_rid(test, &grp_blocked);
	KUNIT_EXPECT_EQ(test, grp->nr_probes, 3);

	/* A driver is not asked to work with a device that is blocked. */
	grp->probe_ret = 0;
	grp->dev[0].fails = BIT(0);
	KUNIT_EXPECT_NE(test, 0, device_driver_attach(&grp_driver, nth_dev(1)));
	KUNIT_EXPECT_EQ(test, grp->nr_probes, 3);
	KUNIT_EXPECT_EQ(test, 0, device_driver_attach(&grp_driver, nth_dev(1)));
	driver_unregister(&grp_driver);
	expect_rid(test, &grp_blocked);
}

#ifdef CONFIG_PCI_ATS
/* Drivers come and go while a device of the group is being reset. */
/* matrix: 26 */
static void grp_block_reset(struct kunit *test)
{
	struct pci_dev *pdev = &grp->dev[1].pdev;

	block_all(test);
	KUNIT_ASSERT_EQ(test, 0, pci_dev_reset_iommu_prepare(pdev));
	pci_dev_reset_iommu_done(pdev);
	expect_moves(test, 0);

	/* A driver comes. */
	KUNIT_ASSERT_EQ(test, 0, pci_dev_reset_iommu_prepare(pdev));
	use_dev(test, 0);
	KUNIT_EXPECT_PTR_EQ(test, grp->dev[0].rid, &grp_identity);
	KUNIT_EXPECT_PTR_EQ(test, grp->dev[1].rid, &grp_blocked);
	pci_dev_reset_iommu_done(pdev);
	expect_rid(test, &grp_identity);

	/* It goes. */
	KUNIT_ASSERT_EQ(test, 0, pci_dev_reset_iommu_prepare(pdev));
	iommu_device_unuse_default_domain(first_dev());
	expect_rid(test, &grp_blocked);
	pci_dev_reset_iommu_done(pdev);
	expect_rid(test, &grp_blocked);

	/* It comes, and goes, or the attach fails when the reset is over. */
	KUNIT_ASSERT_EQ(test, 0, pci_dev_reset_iommu_prepare(pdev));
	KUNIT_EXPECT_EQ(test, 0, bind_driver());
	pci_dev_reset_iommu_done(pdev);
	expect_rid(test, &grp_blocked);
	KUNIT_ASSERT_EQ(test, 0, pci_dev_reset_iommu_prepare(pdev));
	use_dev(test, 0);
	grp->dev[1].fails = BIT(0);
	pci_dev_reset_iommu_done(pdev);
	KUNIT_EXPECT_PTR_EQ(test, grp->dev[0].rid, &grp_blocked);
	KUNIT_EXPECT_PTR_EQ(test, grp->dev[1].held, &grp_blocked);
	iommu_device_unuse_default_domain(first_dev());
	grp->dev[1].rid = grp->dev[1].held;
	expect_rid(test, &grp_blocked);
	use_dev(test, 0);
	expect_rid(test, &grp_identity);
	iommu_device_unuse_default_domain(first_dev());
}
#endif

static struct kunit_case grp_cases[] = {
	KUNIT_CASE(grp_refused_group),
	KUNIT_CASE(grp_refused_handle),
	KUNIT_CASE(grp_refused_replace),
	KUNIT_CASE(grp_refused_owner),
	KUNIT_CASE(grp_refused_device_owner),
	KUNIT_CASE(grp_refused_type),
	KUNIT_CASE(grp_refused_one_pasid),
	KUNIT_CASE(grp_refused_replace_pasid),
	KUNIT_CASE(grp_refused_sva),
	KUNIT_CASE(grp_failed_group),
	KUNIT_CASE(grp_failed_handle),
	KUNIT_CASE(grp_failed_replace),
	KUNIT_CASE(grp_failed_owner),
	KUNIT_CASE(grp_failed_device_owner),
	KUNIT_CASE(grp_failed_type),
	KUNIT_CASE(grp_failed_one_pasid),
	KUNIT_CASE(grp_failed_replace_pasid),
	KUNIT_CASE(grp_failed_sva),
	KUNIT_CASE(grp_blocked_group),
	KUNIT_CASE(grp_blocked_handle),
	KUNIT_CASE(grp_blocked_replace),
	KUNIT_CASE(grp_blocked_owner),
	KUNIT_CASE(grp_blocked_device_owner),
	KUNIT_CASE(grp_blocked_type),
	KUNIT_CASE(grp_blocked_replace_pasid),
	KUNIT_CASE(grp_blocked_pasids),
	KUNIT_CASE(grp_refused_device),
	KUNIT_CASE(grp_refused_default),
	KUNIT_CASE(grp_refused_added),
	KUNIT_CASE(grp_refused_deferred),
	KUNIT_CASE(grp_stays_deferred),
	KUNIT_CASE(grp_core_first),
	KUNIT_CASE(grp_core_first_replace),
	KUNIT_CASE(grp_must_succeed),
	KUNIT_CASE(grp_must_succeed_owner),
	KUNIT_CASE(grp_must_succeed_leave),
	KUNIT_CASE(grp_must_succeed_direct),
	KUNIT_CASE(grp_block_probe),
	KUNIT_CASE(grp_block_off),
	KUNIT_CASE(grp_block_refused_probe),
	KUNIT_CASE(grp_block_drivers),
	KUNIT_CASE(grp_block_fails),
	KUNIT_CASE(grp_block_owner),
	KUNIT_CASE(grp_block_own_domain),
	KUNIT_CASE(grp_block_leaked_pasids),
	KUNIT_CASE(grp_block_type),
	KUNIT_CASE(grp_block_added),
	KUNIT_CASE(grp_block_added_direct_refused),
	KUNIT_CASE(grp_block_direct),
	KUNIT_CASE(grp_block_bus),
	KUNIT_CASE(grp_block_no_domain),
	KUNIT_CASE(grp_block_relaxable),
	KUNIT_CASE(grp_block_deferred),
	KUNIT_CASE(grp_block_early),
	KUNIT_CASE(grp_block_driver_core),
#ifdef CONFIG_PCI_ATS
	KUNIT_CASE(grp_block_reset),
	KUNIT_CASE(grp_reset),
	KUNIT_CASE(grp_reset_rid),
	KUNIT_CASE(grp_reset_pasid),
#endif
	{}
};

static struct kunit_suite grp_suite = {
	.name = "iommu-group",
	.init = grp_init,
	.test_cases = grp_cases,
};

kunit_test_suite(grp_suite);

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_IMPORT_NS("IOMMUFD_INTERNAL");
MODULE_DESCRIPTION("KUnit tests of attaching domains to IOMMU groups");
MODULE_LICENSE("GPL");
