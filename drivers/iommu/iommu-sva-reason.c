// SPDX-License-Identifier: GPL-2.0
/*
 * Tells why a process was not bound to a device, or would not be
 */
#include <linux/bitfield.h>
#include <linux/debugfs.h>
#include <linux/pci.h>
#include <linux/seq_file.h>
#include <kunit/visibility.h>

#include "iommu-ats.h"
#include "iommu-priv.h"
#include "iommu-sva-reason.h"

#define CREATE_TRACE_POINTS
#include <trace/events/iommu_sva_refused.h>

static const struct {
	const char *name, *text;
} reasons[] = {
#define IOMMU_SVA_REASON(name, text)	{ #name, text },
#include "iommu-sva-reasons.h"
};

const char *iommu_sva_reason_name(enum iommu_sva_reason reason)
{
	return reasons[reason].name;
}

const char *iommu_sva_reason_text(enum iommu_sva_reason reason)
{
	return reasons[reason].text;
}

/* dev_iommu.sva_refused: all in one word, so that no lock is needed */
#define REFUSED_PASID	GENMASK_ULL(31, 0)
#define REFUSED_REASON	GENMASK_ULL(39, 32)
#define REFUSED_CODE	GENMASK_ULL(55, 40)

/* Codes that stand for one thing, wherever they come from */
static enum iommu_sva_reason reason_of_code(int code)
{
	switch (code) {
	case -ENOMEM:
		return IOMMU_SVA_NO_MEMORY;
	case -EINTR:
		return IOMMU_SVA_SIGNAL;
	default:
		return IOMMU_SVA_UNKNOWN;
	}
}

/*
 * A bind ends here, if not in success, with what its caller gets. IOMMU_SVA_OK:
 * whoever refused has left no reason. Returns @code.
 */
int iommu_sva_refused(struct device *dev, ioasid_t pasid, int code,
		      enum iommu_sva_reason reason)
{
	if (reason == IOMMU_SVA_OK)
		reason = reason_of_code(code);
	trace_iommu_sva_refused(dev, pasid, code, iommu_sva_reason_name(reason),
				iommu_sva_reason_text(reason));
	if (dev->iommu)
		atomic64_set(&dev->iommu->sva_refused,
			     FIELD_PREP(REFUSED_PASID, pasid) |
			     FIELD_PREP(REFUSED_REASON, reason) |
			     FIELD_PREP(REFUSED_CODE, -code));
	return code;
}

/* Why the last bind failed that did, IOMMU_SVA_OK if none has */
enum iommu_sva_reason iommu_sva_last_refusal(struct device *dev,
					     ioasid_t *pasid, int *code)
{
	u64 refused = atomic64_read(&dev->iommu->sva_refused);

	*pasid = FIELD_GET(REFUSED_PASID, refused);
	*code = -(int)FIELD_GET(REFUSED_CODE, refused);
	return FIELD_GET(REFUSED_REASON, refused);
}
EXPORT_SYMBOL_IF_KUNIT(iommu_sva_last_refusal);

#ifdef CONFIG_DEBUG_FS
/* Under the lock that devices are probed with */
static struct dentry *iommu_sva_dir;

static void show_reason(struct seq_file *s, const char *what,
			enum iommu_sva_reason reason, struct device *where)
{
	seq_printf(s, "%s %s: %s", what, iommu_sva_reason_name(reason),
		   iommu_sva_reason_text(reason));
	if (where)
		seq_printf(s, " (%s)", dev_name(where));
	seq_putc(s, '\n');
}

/* What a process that has no PASID yet would be told by one of the calls */
static void show_call(struct seq_file *s, struct device *dev, const char *call,
		      bool private)
{
	enum iommu_sva_reason reason = iommu_sva_obstacle(dev, private);
	struct pci_dev *gap = NULL;

	if (reason == IOMMU_SVA_NO_ACS)
		iommu_no_pasids_reason(dev, &gap);
	show_reason(s, call, reason, gap ? &gap->dev : NULL);
}

static int iommu_sva_show(struct seq_file *s, void *unused)
{
	struct device *dev = s->private;
	ioasid_t pasid = IOMMU_NO_PASID;
	enum iommu_sva_reason reason;
	char what[64];
	int code;

	show_call(s, dev, "iommu_sva_bind_device_pasid", true);
	show_call(s, dev, "iommu_sva_bind_device", false);

	reason = iommu_sva_last_refusal(dev, &pasid, &code);
	if (reason) {
		snprintf(what, sizeof(what), "last refused: pasid %d code %d",
			 (int)pasid, code);
		show_reason(s, what, reason, NULL);
	}

	pasid = IOMMU_NO_PASID;
	while (iommu_group_next_pasid(dev->iommu_group, &pasid)) {
		snprintf(what, sizeof(what), "pasid %u", pasid);
		show_reason(s, what,
			    iommu_group_pasid_owner(dev->iommu_group, pasid),
			    NULL);
	}
	iommu_ats_show(s, dev);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(iommu_sva);

/* Devices of several buses can have the same name */
void iommu_sva_debugfs_add(struct device *dev)
{
	char *name = kasprintf(GFP_KERNEL, "%s:%s", dev_bus_name(dev),
			       dev_name(dev));

	if (!name)
		return;
	if (!iommu_sva_dir)
		iommu_sva_dir = debugfs_create_dir("iommu-sva", NULL);
	dev->iommu->sva_file = debugfs_create_file(name, 0444, iommu_sva_dir,
						   dev, &iommu_sva_fops);
	kfree(name);
}

/* Waits for readers, who take the mutex of the group */
void iommu_sva_debugfs_remove(struct device *dev)
{
	if (dev->iommu)
		debugfs_remove(dev->iommu->sva_file);
}
#endif
