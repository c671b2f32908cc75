/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interface between the SVA test driver and its tests. This is not uapi: both
 * are built from the same tree, and nothing else uses /dev/sva-test<N>.
 */
#ifndef SVA_TEST_H
#define SVA_TEST_H

#include <linux/ioctl.h>
#include <linux/types.h>

#include "sva-test-hw.h"

#define SVA_TEST_IOC_MAGIC	0xe7

/* What is enabled in the device at present */
#define SVA_TEST_PASID_ON	0x1
#define SVA_TEST_ATS_ON		0x2
#define SVA_TEST_PRI_ON		0x4
#define SVA_TEST_STALL_ON	0x8	/* if the IOMMU can do it */

struct sva_test_info {
	char	name[32];	/* of the hardware device */
	__u64	caps;		/* SVA_TEST_CAPS_* */
	__u64	interrupts;	/* received so far */
	__u32	on;		/* SVA_TEST_*_ON */
	__u32	max_pasids;	/* PASIDs below this can be attached */
	__u32	enqcmd_pasid;	/* mm_get_enqcmd_pasid() of the caller */
	__u32	domain;		/* IOMMU_DOMAIN_* of the DMA API, 0: none */
	__u32	has_sva;	/* mm_has_sva() of the caller */
	__u32	reserved;
};

/*
 * A bond connects a PASID to an address space. Bonds belong to the open file,
 * and those made by BIND also to the mm. Nobody else can use or end them.
 */
#define SVA_TEST_BIND_PRIVATE	0x1 /* @pasid, or 0: the driver's choice */
/*
 * With PRIVATE: pass @pasid to the IOMMU core as it is, and the mm of the
 * caller, the mm of bond @mm_of, or none. Needs CAP_SYS_RAWIO.
 */
#define SVA_TEST_BIND_UNCHECKED	0x2
#define SVA_TEST_BIND_NO_MM	0x4

struct sva_test_bind {
	__u32	flags;
	__u32	pasid;		/* in and out */
	__u32	bond;		/* out */
	__u32	mm_of;		/* UNCHECKED: a bond of any mm, or 0 */
};

struct sva_test_unbind {
	__u32	bond;
	__u32	reserved;
};

/* With which PASID an operation accesses memory */
enum {
	SVA_TEST_AS_BOND,	/* @bond's PASID */
	SVA_TEST_AS_PASID,	/* any @pasid, CAP_SYS_RAWIO */
	SVA_TEST_AS_RID,	/* no PASID, CAP_SYS_RAWIO */
};

#define SVA_TEST_MAX_TIMEOUT_MS	60000

/*
 * @buf is an image of the local memory. It is loaded into the device before the
 * operation and stored back after it, so that no data of other users are
 * visible, and bytes that must not change can be checked. READ and WRITE work
 * at offset @local of the image, and their range must lie within @buf_len.
 *
 * The ioctl fails if the operation did not come to its end. @state and @cause
 * tell whether it was successful.
 */
#define SVA_TEST_OP_MODES \
	(SVA_TEST_MODE | SVA_TEST_PAGE_REQUEST | SVA_TEST_REPEAT | \
	 SVA_TEST_TRIGGER)

struct sva_test_op {
	__u32	op;		/* SVA_TEST_OP_* */
	__u32	mode;		/* SVA_TEST_OP_MODES */
	__u32	as;		/* SVA_TEST_AS_* */
	__u32	bond;
	__u32	pasid;
	__u32	timeout_ms;
	__u64	addr;
	__u64	addr2;
	__u64	len;
	__u64	data;
	__u64	compare;
	__u64	buf;
	__u32	buf_len;
	__u32	local;
	__u32	interval_us;	/* of REPEAT */
	__u32	skip;		/* of a trigger */
	__u32	group;		/* of FLOOD */
	/* out */
	__u32	id;		/* of SUBMIT, for WAIT and ABORT */
	__u32	state;		/* SVA_TEST_DONE or SVA_TEST_ERROR; PEEK: any */
	__u32	cause;		/* SVA_TEST_CAUSE_* */
	__u64	bytes;
	__u64	fault_addr;
	__u64	old;
	__u64	faults;
	__u64	rounds;		/* of REPEAT */
};

/* Memory that the DMA API mapped for the device. FREE takes @buffer only. */
struct sva_test_dma {
	__u32	buffer;		/* out of ALLOC, in of the others */
	__u32	len;		/* ALLOC: rounded up to whole pages */
	__u64	iova;		/* out of ALLOC */
	__u64	offset;		/* GET, PUT */
	__u64	buf;		/* GET, PUT */
};

struct sva_test_counters {
	__u32	select;		/* a PASID, SVA_TEST_CNT_{NO_PASID,TOTAL} */
	__u32	reserved;
	__u64	attempts;
	__u64	answered;
	__u64	refused;
	__u64	bytes_read;
	__u64	bytes_written;
	__u64	ats_requests;
	__u64	ats_denied;
	__u64	atc_hits;
	__u64	invalidations;
	__u64	page_requests;
	__u64	page_responses;
	__u64	page_failures;
	__u64	stalls;
};

struct sva_test_knobs {
	__u64	knobs;		/* SVA_TEST_KNOB_*, in and out */
	__u32	set;		/* 0: only read them. Else CAP_SYS_RAWIO */
	__u32	delay_us;	/* in and out, and so is */
	__u32	pasid_offset;
	__u32	reserved;
};

#define SVA_TEST_IOC_INFO \
	_IOR(SVA_TEST_IOC_MAGIC, 0, struct sva_test_info)
#define SVA_TEST_IOC_BIND \
	_IOWR(SVA_TEST_IOC_MAGIC, 1, struct sva_test_bind)
/* Attach the DMA API's domain to @pasid (0: a global one). CAP_SYS_RAWIO */
#define SVA_TEST_IOC_ATTACH_DMA \
	_IOWR(SVA_TEST_IOC_MAGIC, 2, struct sva_test_bind)
/* End a bond of either kind. Operations that use it are stopped first. */
#define SVA_TEST_IOC_UNBIND \
	_IOW(SVA_TEST_IOC_MAGIC, 3, struct sva_test_unbind)
#define SVA_TEST_IOC_RUN	_IOWR(SVA_TEST_IOC_MAGIC, 4, struct sva_test_op)
#define SVA_TEST_IOC_SUBMIT	_IOWR(SVA_TEST_IOC_MAGIC, 5, struct sva_test_op)
/* Takes @id, @timeout_ms, @buf, @buf_len */
#define SVA_TEST_IOC_WAIT	_IOWR(SVA_TEST_IOC_MAGIC, 6, struct sva_test_op)
/* Takes @id. WAIT still returns the result. */
#define SVA_TEST_IOC_ABORT	_IOW(SVA_TEST_IOC_MAGIC, 7, struct sva_test_op)
#define SVA_TEST_IOC_DMA_ALLOC \
	_IOWR(SVA_TEST_IOC_MAGIC, 8, struct sva_test_dma)
/* Remove the mapping, but keep the memory. */
#define SVA_TEST_IOC_DMA_UNMAP	_IOW(SVA_TEST_IOC_MAGIC, 9, struct sva_test_dma)
#define SVA_TEST_IOC_DMA_FREE \
	_IOW(SVA_TEST_IOC_MAGIC, 10, struct sva_test_dma)
/* Access by the CPU: GET copies to @buf, PUT copies from @buf. */
#define SVA_TEST_IOC_DMA_GET \
	_IOW(SVA_TEST_IOC_MAGIC, 11, struct sva_test_dma)
#define SVA_TEST_IOC_DMA_PUT \
	_IOW(SVA_TEST_IOC_MAGIC, 12, struct sva_test_dma)
#define SVA_TEST_IOC_COUNTERS \
	_IOWR(SVA_TEST_IOC_MAGIC, 13, struct sva_test_counters)
#define SVA_TEST_IOC_COUNTERS_CLEAR	_IO(SVA_TEST_IOC_MAGIC, 14)
#define SVA_TEST_IOC_KNOBS \
	_IOWR(SVA_TEST_IOC_MAGIC, 15, struct sva_test_knobs)
/* Write the device's reset register. Bonds survive this. */
#define SVA_TEST_IOC_RESET	_IO(SVA_TEST_IOC_MAGIC, 16)
/* Takes @id. Returns the state, which may be BUSY with ARMED or HELD. */
#define SVA_TEST_IOC_PEEK	_IOWR(SVA_TEST_IOC_MAGIC, 17, struct sva_test_op)
/*
 * Attach requests without a PASID to an empty second stage. This includes
 * interrupts if the IOMMU translates them. Needs CAP_SYS_RAWIO.
 */
#define SVA_TEST_IOC_ATTACH_STAGE2 \
	_IOWR(SVA_TEST_IOC_MAGIC, 18, struct sva_test_bind)
/*
 * The file can be mapped (MAP_SHARED) as pages of zeroes. One file at a time
 * can hold these: page faults on them then wait until RELEASE or any close() of
 * that file. poll() of every file of the device returns POLLIN while faults
 * wait. Faults that nobody releases fail after SVA_TEST_SLOW_MS.
 */
#define SVA_TEST_SLOW_MS	60000

#define SVA_TEST_IOC_SLOW_HOLD		_IO(SVA_TEST_IOC_MAGIC, 19)
#define SVA_TEST_IOC_SLOW_RELEASE	_IO(SVA_TEST_IOC_MAGIC, 20)

/*
 * As SVA_TEST_IOC_ATTACH_STAGE2, to an address space of the usual kind, in which
 * nothing is mapped
 */
#define SVA_TEST_IOC_ATTACH_PAGING \
	_IOWR(SVA_TEST_IOC_MAGIC, 21, struct sva_test_bind)

/*
 * The device is also an accelerator of uacce, /dev/sva_test-<N>. Each queue has
 * its own channel, whose slice of the local memory can be mapped as the region
 * UACCE_QFRT_DUS. Two ioctls work on a queue:
 *
 * SUBMIT, once the queue was started, uses @op, @mode, @addr, @addr2, @len,
 * @data, @compare, @local and @interval_us; all other fields must be 0. There
 * is one operation at a time. It accesses memory with the PASID of the queue,
 * and READ and WRITE use what is mapped.
 *
 * PEEK returns the state of the operation, or the result of the last one, and
 * in @pasid the PASID of the queue. poll() returns POLLIN from the end of an
 * operation until then.
 */
#define SVA_TEST_QUEUE_MODES \
	(SVA_TEST_MODE_ATS | SVA_TEST_PAGE_REQUEST | SVA_TEST_REPEAT)

#endif /* SVA_TEST_H */
