/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM iommu_sva
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE iommu_sva_refused

#if !defined(_TRACE_IOMMU_SVA_REFUSED_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_IOMMU_SVA_REFUSED_H

#include <linux/device.h>
#include <linux/tracepoint.h>

/* A process was not bound to a device. PASID -1: there is none yet. */
TRACE_EVENT(iommu_sva_refused,
	    TP_PROTO(struct device *dev, u32 pasid, int code,
		     const char *reason, const char *text),

	    TP_ARGS(dev, pasid, code, reason, text),

	    TP_STRUCT__entry(__string(device, dev_name(dev))
			     __field(u32, pasid)
			     __field(int, code)
			     __string(reason, reason)
			     __string(text, text)
	    ),

	    TP_fast_assign(__assign_str(device);
			   __entry->pasid = pasid;
			   __entry->code = code;
			   __assign_str(reason);
			   __assign_str(text);
	    ),

	    TP_printk("device=%s pasid=%d code=%d reason=%s (%s)",
		      __get_str(device), (int)__entry->pasid, __entry->code,
		      __get_str(reason), __get_str(text))
);

#endif /* _TRACE_IOMMU_SVA_REFUSED_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
