// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of how page requests end: who answers them, how often, and what
 * detaching a PASID waits for. They use an IOMMU that records what it is asked
 * to do.
 */
#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/pci-ats.h>
#include <linux/workqueue.h>

#define MAX_PASIDS	8
#define LONG_TIME	(10 * HZ)	/* for what should end at once */
#define SHORT_TIME	(HZ / 10)	/* for what must not end yet */

/*
 * One letter per call, in order: set, block, and the codes of page responses:
 * success, invalid, failure.
 */
struct iopf_log {
	spinlock_t	lock;		/* protects the others */
	unsigned int	nr;
	char		calls[32];
};

struct iopf_mock {
	struct device		*dev;
	struct iommu_group	*group;
	struct iommu_device	iommu;
	struct dev_iommu	*param;
	struct iopf_queue	*queue;
	struct iopf_log		*log;
	unsigned int		nr_pasids;
	int			set_error;
	bool			no_queue;
	/* A request in the hardware's queue when a PASID is blocked */
	struct iopf_fault	request;
	bool			requested;
};

struct iopf_mock_domain {
	struct iommu_domain	domain;
	struct completion	started;
	struct completion	release;
	bool			held;
	bool			direct;		/* 0 if nothing is queued */
	unsigned int		nr_groups;
	size_t			nr_faults;	/* of the last group */
};

static void iopf_log(struct iopf_mock *m, char call)
{
	guard(spinlock)(&m->log->lock);
	if (m->log->nr < sizeof(m->log->calls) - 1)
		m->log->calls[m->log->nr++] = call;
}

static int iopf_mock_set(struct iommu_domain *domain, struct device *dev,
			 ioasid_t pasid, struct iommu_domain *old)
{
	struct iopf_mock *m = dev_iommu_priv_get(dev);

	iopf_log(m, 'S');
	if (m->set_error)
		return m->set_error;
	if (m->no_queue || m->nr_pasids++)
		return 0;
	return iopf_queue_add_device(m->queue, dev);
}

static int iopf_mock_block(struct iommu_domain *domain, struct device *dev,
			   ioasid_t pasid, struct iommu_domain *old)
{
	struct iopf_mock *m = dev_iommu_priv_get(dev);

	iopf_log(m, 'B');
	if (m->no_queue)
		return 0;
	if (m->requested)
		iommu_report_device_fault(dev, &m->request);
	m->requested = false;
	if (!--m->nr_pasids)
		iopf_queue_remove_device(m->queue, dev);
	return 0;
}

static int iopf_mock_block_rid(struct iommu_domain *domain, struct device *dev,
			       struct iommu_domain *old)
{
	return 0;
}

static void iopf_mock_respond(struct device *dev, struct iopf_fault *evt,
			      struct iommu_page_response *resp)
{
	static const char codes[] = {
		[IOMMU_PAGE_RESP_SUCCESS] = 's',
		[IOMMU_PAGE_RESP_INVALID] = 'i',
		[IOMMU_PAGE_RESP_FAILURE] = 'f',
	};

	iopf_log(dev_iommu_priv_get(dev), codes[resp->code]);
}

static void iopf_mock_work(struct work_struct *work)
{
	struct iopf_group *group = container_of(work, struct iopf_group, work);
	struct iopf_mock_domain *d = container_of(group->attach_handle->domain,
						  struct iopf_mock_domain,
						  domain);

	d->nr_groups++;
	d->nr_faults = group->fault_count;
	complete(&d->started);
	if (d->held)
		wait_for_completion_timeout(&d->release, LONG_TIME);
	iopf_group_response(group, IOMMU_PAGE_RESP_SUCCESS);
	iopf_free_group(group);
}

static int iopf_mock_handler(struct iopf_group *group)
{
	struct iopf_mock_domain *d = container_of(group->attach_handle->domain,
						  struct iopf_mock_domain,
						  domain);

	if (d->direct) {
		iopf_mock_work(&group->work);
		return 0;
	}
	guard(mutex)(&group->fault_param->lock);
	INIT_WORK(&group->work, iopf_mock_work);
	return queue_work(group->fault_param->queue->wq, &group->work) ?
	       0 : -EBUSY;
}

static const struct iommu_domain_ops iopf_mock_domain_ops = {
	.set_dev_pasid = iopf_mock_set,
};

static struct iommu_domain iopf_mock_blocked = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &(const struct iommu_domain_ops) {
		.attach_dev = iopf_mock_block_rid,
		.set_dev_pasid = iopf_mock_block,
	},
};

static const struct iommu_ops iopf_mock_ops = {
	.blocked_domain = &iopf_mock_blocked,
	.page_response = iopf_mock_respond,
};

static void iopf_mock_exit(void *data)
{
	struct iopf_mock *m = data;

	if (m->nr_pasids)
		iopf_queue_remove_device(m->queue, m->dev);
	/* This frees @param */
	iommu_group_remove_device(m->dev);
}

static void iopf_mock_free_queue(void *queue)
{
	iopf_queue_free(queue);
}

/* Put @dev behind the IOMMU of @other and, if @grouped, into its group. */
static struct iopf_mock *iopf_mock_add(struct kunit *test, struct device *dev,
				       struct iopf_mock *other, bool grouped)
{
	struct iopf_mock *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, m);
	if (other) {
		m->queue = other->queue;
		m->log = other->log;
	} else {
		m->queue = iopf_queue_alloc("kunit");
		KUNIT_ASSERT_NOT_NULL(test, m->queue);
		KUNIT_ASSERT_EQ(test, 0,
				kunit_add_action_or_reset(test,
							  iopf_mock_free_queue,
							  m->queue));
		m->log = kunit_kzalloc(test, sizeof(*m->log), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, m->log);
		spin_lock_init(&m->log->lock);
	}

	m->dev = dev;
	m->param = kzalloc_obj(*m->param);
	KUNIT_ASSERT_NOT_NULL(test, m->param);
	mutex_init(&m->param->lock);
	m->iommu.ops = &iopf_mock_ops;
	m->iommu.dev = m->dev;
	m->param->iommu_dev = &m->iommu;
	m->param->max_pasids = MAX_PASIDS;
	m->param->priv = m;
	m->dev->iommu = m->param;

	m->group = grouped ? other->group : iommu_group_alloc();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, m->group);
	KUNIT_ASSERT_EQ(test, 0, iommu_group_add_device(m->group, m->dev));
	/* Now the device holds the reference. */
	if (!grouped)
		iommu_group_put(m->group);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, iopf_mock_exit, m));
	return m;
}

static struct iopf_mock *iopf_mock_init(struct kunit *test, const char *name,
					struct iopf_mock *other, bool grouped)
{
	struct device *dev = kunit_device_register(test, name);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	return iopf_mock_add(test, dev, other, grouped);
}

static struct iopf_mock_domain *iopf_mock_domain(struct kunit *test, bool held)
{
	struct iopf_mock_domain *d;

	d = kunit_kzalloc(test, sizeof(*d), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, d);
	d->domain.type = IOMMU_DOMAIN_UNMANAGED;
	d->domain.ops = &iopf_mock_domain_ops;
	d->domain.owner = &iopf_mock_ops;
	d->domain.iopf_handler = iopf_mock_handler;
	d->held = held;
	init_completion(&d->started);
	init_completion(&d->release);
	return d;
}

static struct iommu_attach_handle *
iopf_attach(struct kunit *test, struct iopf_mock *m, struct iopf_mock_domain *d,
	    ioasid_t pasid)
{
	struct iommu_attach_handle *handle;

	handle = kunit_kzalloc(test, sizeof(*handle), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, handle);
	KUNIT_ASSERT_EQ(test, 0, iommu_attach_device_pasid(&d->domain, m->dev,
							   pasid, handle));
	return handle;
}

static struct iopf_fault iopf_request(ioasid_t pasid, u32 grpid, bool last)
{
	return (struct iopf_fault) {
		.fault = {
			.type = IOMMU_FAULT_PAGE_REQ,
			.prm = {
				.flags = IOMMU_FAULT_PAGE_REQUEST_PASID_VALID |
					 (last ? IOMMU_FAULT_PAGE_REQUEST_LAST_PAGE : 0),
				.pasid = pasid,
				.grpid = grpid,
			},
		},
	};
}

static void iopf_send(struct iopf_mock *m, ioasid_t pasid, u32 grpid, bool last)
{
	struct iopf_fault request = iopf_request(pasid, grpid, last);

	iommu_report_device_fault(m->dev, &request);
}

static bool iopf_started(struct iopf_mock_domain *d)
{
	return wait_for_completion_timeout(&d->started, LONG_TIME);
}

/* Runs in a work, because the test does not want to wait for it itself */
struct iopf_bg {
	struct work_struct	work;
	struct completion	done;
	struct iopf_mock	*m;
	struct iommu_domain	*domain;
	ioasid_t		pasid;
	int			error;
};

static void iopf_bg_detach(struct work_struct *work)
{
	struct iopf_bg *bg = container_of(work, struct iopf_bg, work);

	iommu_detach_device_pasid(bg->domain, bg->m->dev, bg->pasid);
	complete(&bg->done);
}

static void iopf_bg_attach(struct work_struct *work)
{
	struct iopf_bg *bg = container_of(work, struct iopf_bg, work);
	struct iommu_attach_handle handle = {};

	bg->error = iommu_attach_device_pasid(bg->domain, bg->m->dev, bg->pasid,
					      &handle);
	if (!bg->error)
		iommu_detach_device_pasid(bg->domain, bg->m->dev, bg->pasid);
	complete(&bg->done);
}

static void iopf_bg_remove(struct work_struct *work)
{
	struct iopf_bg *bg = container_of(work, struct iopf_bg, work);

	iopf_queue_remove_device(bg->m->queue, bg->m->dev);
	complete(&bg->done);
}

static struct iopf_bg *iopf_bg_start(struct kunit *test, work_func_t func,
				     struct iopf_mock *m,
				     struct iopf_mock_domain *d, ioasid_t pasid)
{
	struct iopf_bg *bg = kunit_kzalloc(test, sizeof(*bg), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, bg);
	bg->m = m;
	bg->domain = &d->domain;
	bg->pasid = pasid;
	init_completion(&bg->done);
	INIT_WORK(&bg->work, func);
	queue_work(system_dfl_wq, &bg->work);
	return bg;
}

static bool iopf_bg_done(struct iopf_bg *bg, unsigned long time)
{
	return wait_for_completion_timeout(&bg->done, time);
}

/* The handle must not be found any more when the hardware's queue is read. */
/* matrix: 21 */
static void iopf_test_detach_order(struct kunit *test)
{
	struct iopf_mock *m = iopf_mock_init(test, "iopf-mock", NULL, false);
	struct iopf_mock_domain *d = iopf_mock_domain(test, false);

	d->direct = true;
	iopf_attach(test, m, d, 3);
	m->request = iopf_request(3, 1, true);
	m->requested = true;
	iommu_detach_device_pasid(&d->domain, m->dev, 3);
	KUNIT_EXPECT_STREQ(test, m->log->calls, "SBi");
	KUNIT_EXPECT_EQ(test, d->nr_groups, 0);
}

/* All devices of a group must be blocked before any of them is waited for. */
static void iopf_test_group_order(struct kunit *test)
{
	struct iopf_mock *m = iopf_mock_init(test, "iopf-mock", NULL, false);
	struct iopf_mock *n = iopf_mock_init(test, "iopf-mock-2", m, true);
	struct iopf_mock_domain *d = iopf_mock_domain(test, false);

	iopf_attach(test, m, d, 3);
	iommu_detach_device_pasid(&d->domain, n->dev, 3);
	KUNIT_EXPECT_STREQ(test, m->log->calls, "SSBB");
	KUNIT_EXPECT_EQ(test, m->nr_pasids, 0);
	KUNIT_EXPECT_EQ(test, n->nr_pasids, 0);
}

/*
 * What was done for the first device must be undone if the second one refuses.
 */
static void iopf_test_attach_error(struct kunit *test)
{
	struct iopf_mock *m = iopf_mock_init(test, "iopf-mock", NULL, false);
	struct iopf_mock *n = iopf_mock_init(test, "iopf-mock-2", m, true);
	struct iopf_mock_domain *d = iopf_mock_domain(test, false);
	struct iommu_attach_handle handle = {};

	n->set_error = -ENOMEM;
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			iommu_attach_device_pasid(&d->domain, m->dev, 3,
						  &handle));
	KUNIT_EXPECT_STREQ(test, m->log->calls, "SSB");
	KUNIT_EXPECT_EQ(test, m->nr_pasids, 0);

	n->set_error = 0;
	iopf_attach(test, m, d, 3);
	iommu_detach_device_pasid(&d->domain, m->dev, 3);
}

/* A fault that is being handled uses the handle, so it has to end first. */
/* matrix: 21 */
static void iopf_test_detach_waits(struct kunit *test)
{
	struct iopf_mock *m = iopf_mock_init(test, "iopf-mock", NULL, false);
	struct iopf_mock_domain *d = iopf_mock_domain(test, true);
	struct iopf_bg *bg;

	iopf_attach(test, m, d, 3);
	iopf_send(m, 3, 1, true);
	KUNIT_EXPECT_TRUE(test, iopf_started(d));
	bg = iopf_bg_start(test, iopf_bg_detach, m, d, 3);
	KUNIT_EXPECT_FALSE(test, iopf_bg_done(bg, SHORT_TIME));
	KUNIT_EXPECT_STREQ(test, m->log->calls, "SB");
	complete(&d->release);
	KUNIT_EXPECT_TRUE(test, iopf_bg_done(bg, LONG_TIME));
	KUNIT_EXPECT_STREQ(test, m->log->calls, "SBi");
}

/* The fault keeps its PASID in use, but no other PASID of the device. */
static void iopf_test_detach_unlocked(struct kunit *test)
{
	struct iopf_mock *m = iopf_mock_init(test, "iopf-mock", NULL, false);
	struct iopf_mock_domain *slow = iopf_mock_domain(test, true);
	struct iopf_mock_domain *d = iopf_mock_domain(test, false);
	struct iopf_bg *detach, *bg;

	iopf_attach(test, m, slow, 3);
	iopf_send(m, 3, 1, true);
	KUNIT_EXPECT_TRUE(test, iopf_started(slow));
	detach = iopf_bg_start(test, iopf_bg_detach, m, slow, 3);
	KUNIT_EXPECT_FALSE(test, iopf_bg_done(detach, SHORT_TIME));

	bg = iopf_bg_start(test, iopf_bg_attach, m, d, 4);
	KUNIT_EXPECT_TRUE(test, iopf_bg_done(bg, LONG_TIME / 2));
	KUNIT_EXPECT_EQ(test, bg->error, 0);
	KUNIT_EXPECT_STREQ(test, m->log->calls, "SBSB");
	bg = iopf_bg_start(test, iopf_bg_attach, m, d, 3);
	KUNIT_EXPECT_TRUE(test, iopf_bg_done(bg, LONG_TIME / 2));
	KUNIT_EXPECT_EQ(test, bg->error, -EBUSY);
	KUNIT_EXPECT_STREQ(test, m->log->calls, "SBSB");

	complete(&slow->release);
	flush_work(&bg->work);
	flush_work(&detach->work);
	KUNIT_EXPECT_STREQ(test, m->log->calls, "SBSBi");
	iopf_attach(test, m, d, 3);
	iommu_detach_device_pasid(&d->domain, m->dev, 3);
}

/* Other PASIDs and other devices of the IOMMU must not wait for it. */
static void iopf_test_own_faults(struct kunit *test)
{
	struct iopf_mock *m = iopf_mock_init(test, "iopf-mock", NULL, false);
	struct iopf_mock *n = iopf_mock_init(test, "iopf-mock-2", m, false);
	struct iopf_mock_domain *slow = iopf_mock_domain(test, true);
	struct iopf_mock_domain *d = iopf_mock_domain(test, false);
	struct iopf_bg *bg;

	iopf_attach(test, m, slow, 3);
	iopf_attach(test, m, d, 4);
	iopf_attach(test, n, d, 3);
	iopf_send(m, 3, 1, true);
	KUNIT_EXPECT_TRUE(test, iopf_started(slow));

	bg = iopf_bg_start(test, iopf_bg_detach, n, d, 3);
	KUNIT_EXPECT_TRUE(test, iopf_bg_done(bg, LONG_TIME / 2));
	bg = iopf_bg_start(test, iopf_bg_detach, m, d, 4);
	KUNIT_EXPECT_TRUE(test, iopf_bg_done(bg, LONG_TIME / 2));
	KUNIT_EXPECT_STREQ(test, m->log->calls, "SSSBB");

	complete(&slow->release);
	flush_work(&bg->work);
	iommu_detach_device_pasid(&slow->domain, m->dev, 3);
}

/* A fault that nobody has begun to handle must be cancelled. */
/* matrix: 21 */
static void iopf_test_not_begun(struct kunit *test)
{
	struct iopf_mock *m = iopf_mock_init(test, "iopf-mock", NULL, false);
	struct iopf_mock *n = iopf_mock_init(test, "iopf-mock-2", m, false);
	struct iopf_mock_domain *slow = iopf_mock_domain(test, true);
	struct iopf_mock_domain *d = iopf_mock_domain(test, false);
	struct iopf_bg *bg;

	workqueue_set_max_active(m->queue->wq, 1);
	iopf_attach(test, m, slow, 3);
	iopf_attach(test, n, d, 3);
	iopf_send(m, 3, 1, true);
	KUNIT_EXPECT_TRUE(test, iopf_started(slow));
	iopf_send(n, 3, 1, true);
	iopf_send(n, 3, 2, true);

	bg = iopf_bg_start(test, iopf_bg_detach, n, d, 3);
	KUNIT_EXPECT_TRUE(test, iopf_bg_done(bg, LONG_TIME / 2));
	KUNIT_EXPECT_STREQ(test, m->log->calls, "SSBii");
	KUNIT_EXPECT_EQ(test, d->nr_groups, 0);

	complete(&slow->release);
	flush_work(&bg->work);
	iommu_detach_device_pasid(&slow->domain, m->dev, 3);
}

/* Faults of another PASID of the device must not be cancelled. */
static void iopf_test_others_queued(struct kunit *test)
{
	struct iopf_mock *m = iopf_mock_init(test, "iopf-mock", NULL, false);
	struct iopf_mock_domain *slow = iopf_mock_domain(test, true);
	struct iopf_mock_domain *d = iopf_mock_domain(test, false);
	struct iopf_mock_domain *other = iopf_mock_domain(test, false);
	struct iopf_bg *bg;

	workqueue_set_max_active(m->queue->wq, 1);
	iopf_attach(test, m, slow, 3);
	iopf_attach(test, m, d, 4);
	iopf_attach(test, m, other, 5);
	iopf_send(m, 3, 1, true);
	KUNIT_EXPECT_TRUE(test, iopf_started(slow));
	iopf_send(m, 4, 2, true);
	iopf_send(m, 5, 3, true);

	bg = iopf_bg_start(test, iopf_bg_detach, m, d, 4);
	KUNIT_EXPECT_TRUE(test, iopf_bg_done(bg, LONG_TIME / 2));
	KUNIT_EXPECT_STREQ(test, m->log->calls, "SSSBi");
	complete(&slow->release);
	flush_work(&bg->work);
	KUNIT_EXPECT_TRUE(test, iopf_started(other));
	flush_workqueue(m->queue->wq);
	/* The fault that was being handled is of another PASID as well. */
	KUNIT_EXPECT_STREQ(test, m->log->calls, "SSSBiss");
	KUNIT_EXPECT_EQ(test, d->nr_groups, 0);

	iommu_detach_device_pasid(&other->domain, m->dev, 5);
	iommu_detach_device_pasid(&slow->domain, m->dev, 3);
}

/*
 * A device that leaves the queue gets one answer, from the handler of the
 * fault. Detaching the PASID waits for it. The device can be added again before
 * that.
 */
static void iopf_test_remove(struct kunit *test)
{
	struct iopf_mock *m = iopf_mock_init(test, "iopf-mock", NULL, false);
	struct iopf_mock_domain *d = iopf_mock_domain(test, true);
	struct iopf_bg *bg;

	iopf_attach(test, m, d, 3);
	iopf_send(m, 3, 1, true);
	KUNIT_EXPECT_TRUE(test, iopf_started(d));
	bg = iopf_bg_start(test, iopf_bg_remove, m, d, 3);
	KUNIT_EXPECT_TRUE(test, iopf_bg_done(bg, LONG_TIME / 2));
	KUNIT_EXPECT_STREQ(test, m->log->calls, "S");
	iopf_send(m, 3, 2, true);
	KUNIT_EXPECT_STREQ(test, m->log->calls, "Si");

	KUNIT_EXPECT_EQ(test, iopf_queue_add_device(m->queue, m->dev), 0);
	KUNIT_EXPECT_EQ(test, iopf_queue_add_device(m->queue, m->dev), -EBUSY);
	bg = iopf_bg_start(test, iopf_bg_detach, m, d, 3);
	KUNIT_EXPECT_FALSE(test, iopf_bg_done(bg, SHORT_TIME));
	KUNIT_EXPECT_STREQ(test, m->log->calls, "SiB");
	complete(&d->release);
	KUNIT_EXPECT_TRUE(test, iopf_bg_done(bg, LONG_TIME));
	KUNIT_EXPECT_STREQ(test, m->log->calls, "SiBi");
}

/* It may go on sending requests, and each must be answered. */
/* matrix: 21 */
static void iopf_test_not_queued(struct kunit *test)
{
	struct iopf_mock *m = iopf_mock_init(test, "iopf-mock", NULL, false);
	struct iopf_mock_domain *d = iopf_mock_domain(test, false);

	m->no_queue = true;
	iopf_attach(test, m, d, 3);
	kunit_warning_suppress(test) {
		iopf_send(m, 3, 1, true);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 0);
	}
	KUNIT_EXPECT_STREQ(test, m->log->calls, "Si");
	KUNIT_EXPECT_EQ(test, d->nr_groups, 0);
	iommu_detach_device_pasid(&d->domain, m->dev, 3);
}

/* A group must get one answer, whether there is a handler or not. */
/* matrix: 5 */
static void iopf_test_one_answer(struct kunit *test)
{
	struct iopf_mock *m = iopf_mock_init(test, "iopf-mock", NULL, false);
	struct iopf_mock_domain *d = iopf_mock_domain(test, false);

	iopf_send(m, 3, 1, false);
	iopf_send(m, 3, 1, false);
	KUNIT_EXPECT_STREQ(test, m->log->calls, "");
	iopf_send(m, 3, 1, true);
	KUNIT_EXPECT_STREQ(test, m->log->calls, "i");

	iopf_attach(test, m, d, 3);
	iopf_send(m, 3, 1, false);
	iopf_send(m, 3, 1, true);
	KUNIT_EXPECT_TRUE(test, iopf_started(d));
	flush_workqueue(m->queue->wq);
	KUNIT_EXPECT_STREQ(test, m->log->calls, "iSs");
	KUNIT_EXPECT_EQ(test, d->nr_faults, 2);
	iommu_detach_device_pasid(&d->domain, m->dev, 3);
}

/* Unfinished requests of the last owner must not be handled for the next one */
/* matrix: 5 21 */
static void iopf_test_unfinished(struct kunit *test)
{
	struct iopf_mock *m = iopf_mock_init(test, "iopf-mock", NULL, false);
	struct iopf_mock_domain *d = iopf_mock_domain(test, false);
	struct iopf_mock_domain *other = iopf_mock_domain(test, false);

	/* Keeps the device on the queue */
	iopf_attach(test, m, other, 4);
	iopf_attach(test, m, d, 3);
	iopf_send(m, 3, 7, false);
	iopf_send(m, 4, 8, false);
	iommu_detach_device_pasid(&d->domain, m->dev, 3);

	iopf_attach(test, m, d, 3);
	iopf_send(m, 3, 7, true);
	KUNIT_EXPECT_TRUE(test, iopf_started(d));
	KUNIT_EXPECT_EQ(test, d->nr_faults, 1);
	iopf_send(m, 4, 8, true);
	KUNIT_EXPECT_TRUE(test, iopf_started(other));
	KUNIT_EXPECT_EQ(test, other->nr_faults, 2);
	iommu_detach_device_pasid(&d->domain, m->dev, 3);
	iommu_detach_device_pasid(&other->domain, m->dev, 4);
}

/* The last request of a group may have been lost in an overflow. */
/* matrix: 5 */
static void iopf_test_overflow(struct kunit *test)
{
	struct iopf_mock *m = iopf_mock_init(test, "iopf-mock", NULL, false);
	struct iopf_mock *n = iopf_mock_init(test, "iopf-mock-2", m, false);
	struct iopf_mock_domain *d = iopf_mock_domain(test, false);
	struct iopf_mock_domain *e = iopf_mock_domain(test, false);

	iopf_attach(test, m, d, 3);
	iopf_attach(test, n, e, 4);
	iopf_send(m, 3, 7, false);
	iopf_send(n, 4, 7, false);
	KUNIT_EXPECT_EQ(test, iopf_queue_discard_partial(m->queue), 0);

	iopf_send(m, 3, 7, true);
	KUNIT_EXPECT_TRUE(test, iopf_started(d));
	KUNIT_EXPECT_EQ(test, d->nr_faults, 1);
	iopf_send(n, 4, 7, true);
	KUNIT_EXPECT_TRUE(test, iopf_started(e));
	KUNIT_EXPECT_EQ(test, e->nr_faults, 1);
	iommu_detach_device_pasid(&d->domain, m->dev, 3);
	iommu_detach_device_pasid(&e->domain, n->dev, 4);
}

#ifdef CONFIG_PCI_ATS
static void iopf_mock_pci_release(struct device *dev)
{
}

static void iopf_mock_pci_unregister(void *dev)
{
	device_unregister(dev);
}

/* A device that pci_dev_reset_iommu_prepare() and others accept */
static struct iopf_mock *iopf_mock_pci(struct kunit *test)
{
	struct pci_dev *pdev = kunit_kzalloc(test, sizeof(*pdev), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, pdev);
	pdev->ats_cap = 1;
	pdev->dev.init_name = "iopf-mock-pci";
	pdev->dev.release = iopf_mock_pci_release;
	KUNIT_ASSERT_EQ(test, 0, device_register(&pdev->dev));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, iopf_mock_pci_unregister,
						  &pdev->dev));
	return iopf_mock_add(test, &pdev->dev, NULL, false);
}

static void iopf_bg_reset(struct work_struct *work)
{
	struct iopf_bg *bg = container_of(work, struct iopf_bg, work);

	bg->error = pci_dev_reset_iommu_prepare(to_pci_dev(bg->m->dev));
	complete(&bg->done);
}

/*
 * The faults of a device must be answered before it is reset. PASIDs can be
 * detached meanwhile, but must not be blocked a second time.
 */
/* matrix: 22 */
static void iopf_test_detach_in_reset(struct kunit *test)
{
	struct iopf_mock *m = iopf_mock_pci(test);
	struct iopf_mock_domain *slow = iopf_mock_domain(test, true);
	struct iopf_mock_domain *d = iopf_mock_domain(test, false);
	struct iopf_bg *reset, *detach, *bg;

	iopf_attach(test, m, slow, 3);
	iopf_attach(test, m, d, 4);
	iopf_send(m, 3, 1, true);
	KUNIT_EXPECT_TRUE(test, iopf_started(slow));
	reset = iopf_bg_start(test, iopf_bg_reset, m, d, 0);
	KUNIT_EXPECT_FALSE(test, iopf_bg_done(reset, SHORT_TIME));
	KUNIT_EXPECT_STREQ(test, m->log->calls, "SSBB");

	bg = iopf_bg_start(test, iopf_bg_detach, m, d, 4);
	KUNIT_EXPECT_TRUE(test, iopf_bg_done(bg, LONG_TIME / 2));
	detach = iopf_bg_start(test, iopf_bg_detach, m, slow, 3);
	KUNIT_EXPECT_FALSE(test, iopf_bg_done(detach, SHORT_TIME));
	KUNIT_EXPECT_STREQ(test, m->log->calls, "SSBB");
	complete(&slow->release);
	flush_work(&bg->work);
	flush_work(&detach->work);
	flush_work(&reset->work);
	KUNIT_EXPECT_EQ(test, reset->error, 0);
	KUNIT_EXPECT_STREQ(test, m->log->calls, "SSBBi");

	pci_dev_reset_iommu_done(to_pci_dev(m->dev));
	KUNIT_EXPECT_STREQ(test, m->log->calls, "SSBBi");
	iopf_attach(test, m, d, 3);
	iommu_detach_device_pasid(&d->domain, m->dev, 3);
	KUNIT_EXPECT_STREQ(test, m->log->calls, "SSBBiSB");
}

/* If the reset comes second it must neither block nor restore the PASID. */
/* matrix: 22 */
static void iopf_test_reset_in_detach(struct kunit *test)
{
	struct iopf_mock *m = iopf_mock_pci(test);
	struct iopf_mock_domain *slow = iopf_mock_domain(test, true);
	struct iopf_mock_domain *d = iopf_mock_domain(test, false);
	struct iopf_bg *reset, *detach;

	iopf_attach(test, m, slow, 3);
	iopf_attach(test, m, d, 4);
	iopf_send(m, 3, 1, true);
	KUNIT_EXPECT_TRUE(test, iopf_started(slow));
	detach = iopf_bg_start(test, iopf_bg_detach, m, slow, 3);
	KUNIT_EXPECT_FALSE(test, iopf_bg_done(detach, SHORT_TIME));
	KUNIT_EXPECT_STREQ(test, m->log->calls, "SSB");
	reset = iopf_bg_start(test, iopf_bg_reset, m, d, 0);
	KUNIT_EXPECT_FALSE(test, iopf_bg_done(reset, SHORT_TIME));
	KUNIT_EXPECT_STREQ(test, m->log->calls, "SSBB");

	complete(&slow->release);
	flush_work(&reset->work);
	flush_work(&detach->work);
	KUNIT_EXPECT_EQ(test, reset->error, 0);
	KUNIT_EXPECT_STREQ(test, m->log->calls, "SSBBi");
	pci_dev_reset_iommu_done(to_pci_dev(m->dev));
	KUNIT_EXPECT_STREQ(test, m->log->calls, "SSBBiS");
	iommu_detach_device_pasid(&d->domain, m->dev, 4);
}
#endif

static unsigned int iopf_users(struct iopf_mock *m)
{
	return refcount_read(&rcu_access_pointer(m->param->fault_param)->users);
}

/* However a request ends, it must put its reference to the fault parameter. */
static void iopf_test_users(struct kunit *test)
{
	struct iopf_mock *m = iopf_mock_init(test, "iopf-mock", NULL, false);
	struct iopf_mock_domain *d = iopf_mock_domain(test, false);

	/*
	 * A group is freed after its answer, and there is nothing to wait for.
	 */
	d->direct = true;
	iopf_attach(test, m, d, 4);
	KUNIT_EXPECT_EQ(test, iopf_users(m), 1);
	/* Nothing is attached to this PASID. */
	iopf_send(m, 3, 1, true);
	KUNIT_EXPECT_STREQ(test, m->log->calls, "Si");
	KUNIT_EXPECT_EQ(test, iopf_users(m), 1);
	iopf_send(m, 4, 2, false);
	KUNIT_EXPECT_EQ(test, iopf_users(m), 1);
	iopf_send(m, 4, 2, true);
	KUNIT_EXPECT_STREQ(test, m->log->calls, "Sis");
	KUNIT_EXPECT_EQ(test, iopf_users(m), 1);
	iommu_detach_device_pasid(&d->domain, m->dev, 4);
}

static struct kunit_case iopf_test_cases[] = {
	KUNIT_CASE(iopf_test_detach_order),
	KUNIT_CASE(iopf_test_group_order),
	KUNIT_CASE(iopf_test_attach_error),
	KUNIT_CASE(iopf_test_detach_waits),
	KUNIT_CASE(iopf_test_detach_unlocked),
	KUNIT_CASE(iopf_test_own_faults),
	KUNIT_CASE(iopf_test_not_begun),
	KUNIT_CASE(iopf_test_others_queued),
	KUNIT_CASE(iopf_test_remove),
	KUNIT_CASE(iopf_test_not_queued),
	KUNIT_CASE(iopf_test_one_answer),
	KUNIT_CASE(iopf_test_unfinished),
	KUNIT_CASE(iopf_test_overflow),
#ifdef CONFIG_PCI_ATS
	KUNIT_CASE(iopf_test_detach_in_reset),
	KUNIT_CASE(iopf_test_reset_in_detach),
#endif
	KUNIT_CASE(iopf_test_users),
	{}
};

static struct kunit_suite iopf_test_suite = {
	.name = "iommu-iopf",
	.test_cases = iopf_test_cases,
};

kunit_test_suite(iopf_test_suite);

MODULE_DESCRIPTION("KUnit tests of I/O page requests");
MODULE_LICENSE("GPL");
