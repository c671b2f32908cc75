/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints for processes that are bound to devices, and for what devices ask
 * of the kernel: page requests of PCI functions, stalls of platform devices.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM iommu_sva

#if !defined(_TRACE_IOMMU_SVA_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_IOMMU_SVA_H

#include <linux/iommu.h>
#include <linux/ktime.h>
#include <linux/tracepoint.h>

TRACE_DEFINE_ENUM(IOMMU_PAGE_RESP_SUCCESS);
TRACE_DEFINE_ENUM(IOMMU_PAGE_RESP_INVALID);
TRACE_DEFINE_ENUM(IOMMU_PAGE_RESP_FAILURE);

/* A process was bound. users: how many calls share the bond by now */
TRACE_EVENT(iommu_sva_bind,

	TP_PROTO(struct device *dev, struct iommu_sva *bond),

	TP_ARGS(dev, bond),

	TP_STRUCT__entry(
		__string(device, dev_name(dev))
		__field(int, group)
		__field(u32, pasid)
		__field(bool, private)
		__field(u32, users)
	),

	TP_fast_assign(
		__assign_str(device);
		__entry->group = iommu_group_id(bond->group);
		__entry->pasid = bond->pasid;
		__entry->private = bond->private;
		__entry->users = refcount_read(&bond->users);
	),

	TP_printk("device=%s group=%d pasid=%d %s users=%u",
		  __get_str(device), __entry->group, __entry->pasid,
		  __entry->private ? "private" : "global", __entry->users)
);

/*
 * With users=0 the bond has ended, and a private PASID is free. Devices of a
 * group can share a bond, and the one that made it may be gone: there is no name
 * of a device.
 */
TRACE_EVENT(iommu_sva_unbind,

	TP_PROTO(struct iommu_sva *bond),

	TP_ARGS(bond),

	TP_STRUCT__entry(
		__field(int, group)
		__field(u32, pasid)
		__field(bool, private)
		__field(u32, users)
	),

	TP_fast_assign(
		__entry->group = iommu_group_id(bond->group);
		__entry->pasid = bond->pasid;
		__entry->private = bond->private;
		__entry->users = refcount_read(&bond->users);
	),

	TP_printk("group=%d pasid=%d %s users=%u",
		  __entry->group, __entry->pasid,
		  __entry->private ? "private" : "global", __entry->users)
);

/* A device asks for a page. Requests with one grpid have one response. */
TRACE_EVENT(iommu_page_request,

	TP_PROTO(struct device *dev, struct iommu_fault *fault, u32 pasid),

	TP_ARGS(dev, fault, pasid),

	TP_STRUCT__entry(
		__string(device, dev_name(dev))
		__field(u32, pasid)
		__field(u64, addr)
		__field(u32, perm)
		__field(u32, grpid)
		__field(bool, last)
	),

	TP_fast_assign(
		__assign_str(device);
		__entry->pasid = pasid;
		__entry->addr = fault->prm.addr;
		__entry->perm = fault->prm.perm;
		__entry->grpid = fault->prm.grpid;
		__entry->last = fault->prm.flags &
				IOMMU_FAULT_PAGE_REQUEST_LAST_PAGE;
	),

	TP_printk("device=%s pasid=%d addr=0x%llx perm=%s grpid=%u last=%d",
		  __get_str(device), __entry->pasid, __entry->addr,
		  __print_flags(__entry->perm, "|",
				{ IOMMU_FAULT_PERM_READ,	"r" },
				{ IOMMU_FAULT_PERM_WRITE,	"w" },
				{ IOMMU_FAULT_PERM_EXEC,	"x" },
				{ IOMMU_FAULT_PERM_PRIV,	"priv" }),
		  __entry->grpid, __entry->last)
);

/*
 * What the device is told. It waited until a worker began with it, and then it
 * was handled: the sum is the time since the last request of the group. Those
 * that came before this was enabled have no times. Those that nobody handles
 * are not counted either.
 */
TRACE_EVENT(iommu_page_response,

	TP_PROTO(struct device *dev, struct iommu_fault *fault, u32 pasid,
		 u32 code, struct iopf_group *group),

	TP_ARGS(dev, fault, pasid, code, group),

	TP_STRUCT__entry(
		__string(device, dev_name(dev))
		__field(u32, pasid)
		__field(u32, grpid)
		__field(u32, requests)
		__field(u32, code)
		__field(u64, waited)
		__field(u64, handled)
	),

	TP_fast_assign(
		u64 reported = group ? group->reported : 0;
		u64 begun = group ? group->begun : 0;

		__assign_str(device);
		__entry->pasid = pasid;
		__entry->grpid = fault->prm.grpid;
		__entry->requests = group ? group->fault_count : 0;
		__entry->code = code;
		__entry->waited = reported && begun ? begun - reported : 0;
		if (!begun)
			begun = reported;
		__entry->handled = begun ? ktime_get_ns() - begun : 0;
	),

	TP_printk("device=%s pasid=%d grpid=%u requests=%u code=%s waited=%llu ns handled=%llu ns",
		  __get_str(device), __entry->pasid, __entry->grpid,
		  __entry->requests,
		  __print_symbolic(__entry->code,
				   { IOMMU_PAGE_RESP_SUCCESS,	"success" },
				   { IOMMU_PAGE_RESP_INVALID,	"invalid" },
				   { IOMMU_PAGE_RESP_FAILURE,	"failure" }),
		  __entry->waited, __entry->handled)
);

#endif /* _TRACE_IOMMU_SVA_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
