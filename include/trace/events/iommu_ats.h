/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM iommu_sva
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE iommu_ats

#if !defined(_TRACE_IOMMU_ATS_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_IOMMU_ATS_H

#include <linux/device.h>
#include <linux/tracepoint.h>

/* ATS of a device was enabled or disabled */
TRACE_EVENT(iommu_ats,
	    TP_PROTO(struct device *dev, bool on, const char *reason,
		     const char *text),

	    TP_ARGS(dev, on, reason, text),

	    TP_STRUCT__entry(__string(device, dev_name(dev))
			     __field(bool, on)
			     __string(reason, reason)
			     __string(text, text)
	    ),

	    TP_fast_assign(__assign_str(device);
			   __entry->on = on;
			   __assign_str(reason);
			   __assign_str(text);
	    ),

	    TP_printk("device=%s on=%d reason=%s (%s)",
		      __get_str(device), __entry->on, __get_str(reason),
		      __get_str(text))
);

#endif /* _TRACE_IOMMU_ATS_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
