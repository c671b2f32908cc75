/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interface between the SVA test driver and its tests. It is no uapi: the two
 * are built from the same tree and nothing else uses /dev/sva-test<N>.
 */
#ifndef SVA_TEST_H
#define SVA_TEST_H

#include <linux/ioctl.h>
#include <linux/types.h>

#include "sva-test-hw.h"

#define SVA_TEST_IOC_MAGIC	0xe7

/* What is turned on in the device at this moment */
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
 * A bond ties a PASID to an address space. Bonds belong to the open file, and
 * those of BIND to the mm as well: nobody else can use or end them.
 */
#define SVA_TEST_BIND_PRIVATE	0x1 /* @pasid, or 0: the driver's choice */
/*
 * With PRIVATE: the IOMMU core is given @pasid as it is, and the mm of the
 * caller, or that of bond @mm_of, or none. CAP_SYS_RAWIO
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

/* In whose name an operation accesses memory */
enum {
	SVA_TEST_AS_BOND,	/* @bond's PASID */
	SVA_TEST_AS_PASID,	/* any @pasid, CAP_SYS_RAWIO */
	SVA_TEST_AS_RID,	/* no PASID, CAP_SYS_RAWIO */
};

#define SVA_TEST_MAX_TIMEOUT_MS	60000

/*
 * @buf is an image of the local memory: it is loaded into the device before the
 * operation and stored back after it, so that nothing of another user's is
 * left there and bytes that must not change can be checked. READ and WRITE
 * take place at offset @local of it. Their range must lie within @buf_len.
 *
 * The ioctl fails if the operation could not be carried out to its end. Whether
 * that was a good one is told by @state and @cause.
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
/* Gives @pasid (0: a global one) the DMA API's domain. CAP_SYS_RAWIO */
#define SVA_TEST_IOC_ATTACH_DMA \
	_IOWR(SVA_TEST_IOC_MAGIC, 2, struct sva_test_bind)
/* Ends a bond of either kind. Operations that use it are stopped first. */
#define SVA_TEST_IOC_UNBIND \
	_IOW(SVA_TEST_IOC_MAGIC, 3, struct sva_test_unbind)
#define SVA_TEST_IOC_RUN	_IOWR(SVA_TEST_IOC_MAGIC, 4, struct sva_test_op)
#define SVA_TEST_IOC_SUBMIT	_IOWR(SVA_TEST_IOC_MAGIC, 5, struct sva_test_op)
/* Takes @id, @timeout_ms, @buf, @buf_len */
#define SVA_TEST_IOC_WAIT	_IOWR(SVA_TEST_IOC_MAGIC, 6, struct sva_test_op)
/* Takes @id. The result is still to be had from WAIT. */
#define SVA_TEST_IOC_ABORT	_IOW(SVA_TEST_IOC_MAGIC, 7, struct sva_test_op)
#define SVA_TEST_IOC_DMA_ALLOC \
	_IOWR(SVA_TEST_IOC_MAGIC, 8, struct sva_test_dma)
/* Takes the mapping away, leaves the memory */
#define SVA_TEST_IOC_DMA_UNMAP	_IOW(SVA_TEST_IOC_MAGIC, 9, struct sva_test_dma)
#define SVA_TEST_IOC_DMA_FREE \
	_IOW(SVA_TEST_IOC_MAGIC, 10, struct sva_test_dma)
/* The CPU's access to it: GET copies to @buf, PUT from @buf */
#define SVA_TEST_IOC_DMA_GET \
	_IOW(SVA_TEST_IOC_MAGIC, 11, struct sva_test_dma)
#define SVA_TEST_IOC_DMA_PUT \
	_IOW(SVA_TEST_IOC_MAGIC, 12, struct sva_test_dma)
#define SVA_TEST_IOC_COUNTERS \
	_IOWR(SVA_TEST_IOC_MAGIC, 13, struct sva_test_counters)
#define SVA_TEST_IOC_COUNTERS_CLEAR	_IO(SVA_TEST_IOC_MAGIC, 14)
#define SVA_TEST_IOC_KNOBS \
	_IOWR(SVA_TEST_IOC_MAGIC, 15, struct sva_test_knobs)
/* Writes the device's reset register. Bonds survive it. */
#define SVA_TEST_IOC_RESET	_IO(SVA_TEST_IOC_MAGIC, 16)
/* Takes @id. How it stands, which may be BUSY with ARMED or HELD. */
#define SVA_TEST_IOC_PEEK	_IOWR(SVA_TEST_IOC_MAGIC, 17, struct sva_test_op)
/*
 * Puts requests without a PASID on a second stage that is empty, interrupts
 * among them where the IOMMU translates these. CAP_SYS_RAWIO
 */
#define SVA_TEST_IOC_ATTACH_STAGE2 \
	_IOWR(SVA_TEST_IOC_MAGIC, 18, struct sva_test_bind)
/*
 * The file can be mapped, MAP_SHARED, as pages of zeroes. Page faults on these
 * wait from HOLD to RELEASE or any close() of the file that holds them, which
 * is one at a time. poll() of any file of the device says POLLIN while faults
 * wait. Those that nobody lets go fail after SVA_TEST_SLOW_MS.
 */
#define SVA_TEST_SLOW_MS	60000

#define SVA_TEST_IOC_SLOW_HOLD		_IO(SVA_TEST_IOC_MAGIC, 19)
#define SVA_TEST_IOC_SLOW_RELEASE	_IO(SVA_TEST_IOC_MAGIC, 20)

/*
 * The device is an accelerator of uacce, too, /dev/sva_test-<N>. Each queue has
 * a channel for itself, the channel's slice of the local memory can be mapped
 * as the region UACCE_QFRT_DUS, and these two work on a queue:
 *
 * SUBMIT, once it was started: @op, @mode, @addr, @addr2, @len, @data,
 * @compare, @local and @interval_us; all else must be 0. There is one operation
 * at a time. Memory is accessed with the PASID of the queue, and READ and WRITE
 * use what is mapped.
 *
 * PEEK: how the operation stands or how the last one ended, and in @pasid the
 * queue's PASID. poll() says POLLIN from its end until that.
 */
#define SVA_TEST_QUEUE_MODES \
	(SVA_TEST_MODE_ATS | SVA_TEST_PAGE_REQUEST | SVA_TEST_REPEAT)

#endif /* SVA_TEST_H */
