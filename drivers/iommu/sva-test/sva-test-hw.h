/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Register interface of the SVA test device
 *
 * A DMA engine whose only purpose is to exercise an IOMMU: it issues
 * untranslated, ATS and translated requests, with and without a PASID, and
 * counts what became of them. The PCI function and the platform device share
 * this interface. The emulator and the driver carry the same copy of this file.
 *
 * All registers are 64 bits wide, little endian, and are accessed as one
 * naturally aligned 64-bit word. Undefined registers read as zero and ignore
 * writes. Lengths and offsets are in bytes.
 */
#ifndef SVA_TEST_HW_H
#define SVA_TEST_HW_H

#define SVA_TEST_PCI_VENDOR_ID          0x1234
#define SVA_TEST_PCI_DEVICE_ID          0x11f0
#define SVA_TEST_DT_COMPATIBLE          "qemu,sva-test"

/*
 * Region 0 (PCI BAR 0, first "reg" entry): registers. Region 1 (PCI BAR 2,
 * second "reg" entry): local memory of the device, one slice a channel.
 */
#define SVA_TEST_REGS_SIZE              0x10000
#define SVA_TEST_NR_CHANNELS            16
#define SVA_TEST_LOCAL_SIZE             0x10000 /* of one channel's slice */

/* Global registers */
#define SVA_TEST_ID                     0x000
#define   SVA_TEST_ID_MAGIC             0x54415653 /* "SVAT", bits 31:0 */
#define   SVA_TEST_ID_VERSION_SHIFT     32
#define   SVA_TEST_VERSION              1
#define SVA_TEST_CAPS                   0x008
#define   SVA_TEST_CAPS_PASID_BITS      0x1f /* width of a PASID, 0: none */
#define   SVA_TEST_CAPS_ATS             0x100
#define   SVA_TEST_CAPS_PRI             0x200
#define   SVA_TEST_CAPS_STALL           0x400
/* Any write stops every channel and puts the device in its reset state */
#define SVA_TEST_RESET                  0x010
/* One bit a channel: its command has ended. Write 1 to clear. */
#define SVA_TEST_IRQ_STATUS             0x018
#define SVA_TEST_IRQ_ENABLE             0x020
/*
 * How the device misbehaves, on purpose; 0 after a reset. Properties can make
 * it born like that: the values after a reset are then others, and KNOBS that
 * are set by property cannot be cleared.
 *
 * HOLD: an operation does not go on, nor end, after a page response or after a
 * resumed or aborted stall. Clearing the bit lets go of all that wait.
 * FREE_RUN: commands with REPEAT go on through FLR, also this register and the
 * two below keep their values then. They do not heed Bus Master Enable and
 * PASID Enable any more; ATS and page requests do. RESET, OP_ABORT end them.
 */
#define SVA_TEST_KNOBS                  0x028
#define   SVA_TEST_KNOB_STALE_ATC       0x1 /* ignore ATC invalidations */
#define   SVA_TEST_KNOB_STALE_IOTLB     0x2 /* ditto, IOMMU's TLB's part */
#define   SVA_TEST_KNOB_HOLD            0x4 /* wait after a page response */
#define   SVA_TEST_KNOB_FREE_RUN        0x8 /* repeat through FLR and BME=0 */
#define   SVA_TEST_KNOB_HOLD_ATC        0x10 /* see ATC_DELAY: for ever */
/* Microseconds between a page response, or resumed stall, and going on */
#define SVA_TEST_DELAY                  0x030
/*
 * Added to the PASID of each command as it starts, modulo the width. All that
 * happens then, and is counted, is with the sum.
 */
#define SVA_TEST_PASID_OFFSET           0x038
/*
 * Microseconds between an ATC invalidation and its completion; the ATC keeps
 * its entries until then. With HOLD_ATC invalidations are not completed, and
 * clearing that bit completes those that are held. If the function is reset
 * meanwhile (this does not mean RESET) there is no completion at all.
 */
#define SVA_TEST_ATC_DELAY              0x040

/*
 * Counters. Write a PASID, or one of the two values below, to CNT_SELECT and
 * read the set that belongs to it. Writing CNT_CLEAR zeroes all of them.
 */
#define SVA_TEST_CNT_SELECT             0x100
#define   SVA_TEST_CNT_NO_PASID         0x100000
#define   SVA_TEST_CNT_TOTAL            0x200000
#define SVA_TEST_CNT_CLEAR              0x108
#define SVA_TEST_CNT_ATTEMPTS           0x110 /* memory requests of any kind */
#define SVA_TEST_CNT_ANSWERED           0x118 /* of these: done as asked */
#define SVA_TEST_CNT_REFUSED            0x120 /* of these: UR, CA or abort */
#define SVA_TEST_CNT_BYTES_READ         0x128
#define SVA_TEST_CNT_BYTES_WRITTEN      0x130
#define SVA_TEST_CNT_ATS_REQUESTS       0x138 /* translation requests */
#define SVA_TEST_CNT_ATS_DENIED         0x140 /* of these: UR or CA */
#define SVA_TEST_CNT_ATC_HITS           0x148
#define SVA_TEST_CNT_INVALIDATIONS      0x150 /* ATC invalidations received */
#define SVA_TEST_CNT_PAGE_REQUESTS      0x158
#define SVA_TEST_CNT_PAGE_RESPONSES     0x160
#define SVA_TEST_CNT_PAGE_FAILURES      0x168 /* of these: not successful */
#define SVA_TEST_CNT_STALLS             0x170 /* SMMU stalled a transaction */

/* Registers of channel @n */
#define SVA_TEST_CHANNEL(n)             (0x1000 + (n) * 0x100)
/*
 * A write of COMMAND while STATUS is not BUSY starts the operation that the
 * other registers describe. OP_ABORT ends a running one; a late answer to it
 * is then ignored.
 */
#define SVA_TEST_COMMAND                0x00
#define   SVA_TEST_OP                   0x0f
#define   SVA_TEST_OP_ABORT             0
#define   SVA_TEST_OP_READ              1 /* ADDR -> LOCAL */
#define   SVA_TEST_OP_WRITE             2 /* LOCAL -> ADDR */
#define   SVA_TEST_OP_COPY              3 /* ADDR -> ADDR2 */
#define   SVA_TEST_OP_FILL              4 /* DATA, byte by byte, -> ADDR */
#define   SVA_TEST_OP_CAS               5 /* *ADDR == COMPARE: *ADDR = DATA */
/*
 * One page request, read and write, for each page of ADDR ... ADDR + LEN - 1,
 * with PASID, GROUP of them in a group, however many page requests have been
 * allocated. Group indices are used again before they are answered. It ends
 * when all are sent; responses, one a group, count when they come. DATA has
 * bits for what a device must not ask for unless it may.
 */
#define   SVA_TEST_OP_FLOOD             6 /* page requests, not waited for */
#define     SVA_TEST_FLOOD_PRIVILEGED   0x1
#define     SVA_TEST_FLOOD_EXECUTE      0x2
#define   SVA_TEST_MODE                 0x30
#define   SVA_TEST_MODE_UNTRANSLATED    0x00
#define   SVA_TEST_MODE_ATS             0x10 /* translate by ATS, use the ATC */
#define   SVA_TEST_MODE_TRANSLATED      0x20 /* ADDR is a physical address */
#define   SVA_TEST_WITH_PASID           0x40
#define   SVA_TEST_PAGE_REQUEST         0x80 /* on an ATS miss */
/*
 * REPEAT: STATUS stays BUSY, whether a round fails or not, and there are no
 * interrupts; CAUSE tells how the last round ended and ROUNDS counts them. The
 * next round starts INTERVAL later. With a trigger, each round waits for it.
 */
#define   SVA_TEST_REPEAT               0x100 /* start again at each end */
/*
 * TRIGGER: STATUS is BUSY with ARMED until the event has come SKIP + 1 times.
 * The first page of the operation (of FLOOD: the first 4096) is then done
 * before software can know that what the event is part of has completed; ARMED
 * is cleared, and the rest follows. An event that has no PASID is one for every
 * PASID; PASID 0 stands for requests without PASID as well.
 */
#define   SVA_TEST_TRIGGER              0x1e00 /* start not now, but at ... */
#define   SVA_TEST_TRIGGER_SHIFT        9
#define   SVA_TEST_TRIGGER_ATC          1 /* ATC invalidation for PASID */
#define   SVA_TEST_TRIGGER_IOTLB        2 /* the IOMMU's TLB, for PASID */
#define   SVA_TEST_TRIGGER_RESPONSE     3 /* page response for PASID */
/* VT-d: context-cache invalidation. SMMUv3: CFGI_STE*, CFGI_ALL */
#define   SVA_TEST_TRIGGER_DEVICE       4
/* VT-d: PASID-cache invalidation. SMMUv3: CFGI_CD, CFGI_CD_ALL */
#define   SVA_TEST_TRIGGER_PASID        5 /* table entry, for PASID */
/* VT-d: any wait descriptor. SMMUv3: CMD_SYNC */
#define   SVA_TEST_TRIGGER_SYNC         6
#define   SVA_TEST_TRIGGER_DRAIN        7 /* VT-d: wait with page-req. drain */
/* As PASID, before it has an effect: what is cached still counts */
#define   SVA_TEST_TRIGGER_PASID_EARLY  8
#define SVA_TEST_PASID                  0x08
#define SVA_TEST_ADDR                   0x10
#define SVA_TEST_ADDR2                  0x18
#define SVA_TEST_LEN                    0x20
#define SVA_TEST_LOCAL                  0x28 /* offset in the channel's slice */
#define SVA_TEST_DATA                   0x30
#define SVA_TEST_COMPARE                0x38
#define SVA_TEST_STATUS                 0x40
#define   SVA_TEST_STATE                0x03
#define   SVA_TEST_IDLE                 0
#define   SVA_TEST_BUSY                 1
#define   SVA_TEST_DONE                 2
#define   SVA_TEST_ERROR                3
#define   SVA_TEST_ARMED                0x04 /* BUSY: waits for its trigger */
#define   SVA_TEST_HELD                 0x08 /* BUSY: see HOLD and DELAY */
#define   SVA_TEST_CAUSE_SHIFT          8
#define   SVA_TEST_CAUSE                0xff00
#define   SVA_TEST_CAUSE_COMMAND        1 /* malformed command */
#define   SVA_TEST_CAUSE_REFUSED        2 /* memory request: UR, CA or abort */
#define   SVA_TEST_CAUSE_ATS_DENIED     3 /* translation request: UR or CA */
#define   SVA_TEST_CAUSE_ATS_NO_ACCESS  4 /* translation: no such permission */
#define   SVA_TEST_CAUSE_PAGE_INVALID   5 /* page response: Invalid Request */
#define   SVA_TEST_CAUSE_PAGE_FAILURE   6 /* page response: Response Failure */
#define   SVA_TEST_CAUSE_PAGE_UNSENT    7 /* page request not possible */
#define   SVA_TEST_CAUSE_STALL_ABORT    8 /* SMMU ended a stalled transaction */
#define   SVA_TEST_CAUSE_ABORTED        9 /* OP_ABORT, reset or FLR */
#define   SVA_TEST_CAUSE_NO_PROGRESS    10 /* page responses do not help */
#define SVA_TEST_BYTES                  0x48 /* transferred so far */
#define SVA_TEST_FAULT_ADDR             0x50 /* where it ended, if ERROR */
#define SVA_TEST_OLD                    0x58 /* of CAS: the value found */
#define SVA_TEST_FAULTS                 0x60 /* its page requests and stalls */
#define SVA_TEST_INTERVAL               0x68 /* of REPEAT, in microseconds */
#define SVA_TEST_SKIP                   0x70 /* trigger events to let pass */
#define SVA_TEST_ROUNDS                 0x78 /* of REPEAT, that have ended */
#define SVA_TEST_GROUP                  0x80 /* of FLOOD; 0 counts as 1 */

#endif /* SVA_TEST_HW_H */
