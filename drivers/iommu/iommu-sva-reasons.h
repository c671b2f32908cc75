/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The reasons, for who defines IOMMU_SVA_REASON(): a name, which does not change,
 * and how a sentence goes on that begins with "The device refuses processes,
 * because". IOMMU_SVA_OK, the first of them, stands for none.
 */
IOMMU_SVA_REASON(OK, "nothing stands in the way")

/* The device */
IOMMU_SVA_REASON(NO_IOMMU, "no IOMMU translates its DMA")
IOMMU_SVA_REASON(KERNEL_NO_PASID, "the kernel is built without CONFIG_PCI_PASID")
IOMMU_SVA_REASON(NO_PASID_CAP, "it has no PASID capability")
IOMMU_SVA_REASON(NO_PASID_PROPERTY, "firmware gives it no PASIDs (pasid-num-bits)")
IOMMU_SVA_REASON(PF_PASID_OFF, "PASIDs are off in its physical function")
IOMMU_SVA_REASON(NO_PREFIX, "a bridge above it does not carry TLP prefixes")
IOMMU_SVA_REASON(NO_ACS, "PASIDs cannot be enabled: no ACS on the way to the IOMMU")
IOMMU_SVA_REASON(PASIDS_OFF, "its PASIDs have not been enabled")
IOMMU_SVA_REASON(ONE_PASID, "it has PASID 0 only, which is for other requests")
IOMMU_SVA_REASON(MIXED_GROUP, "another device of its group has PASIDs, too")
IOMMU_SVA_REASON(RESET, "it, or another device of its group, is being reset")
IOMMU_SVA_REASON(NO_ATS, "it has no ATS")
IOMMU_SVA_REASON(ATS_OFF_OPTION, "ATS is off: the kernel was booted with pci=noats")
IOMMU_SVA_REASON(ATS_OFF_UNTRUSTED, "ATS is off: the device is not trusted")
IOMMU_SVA_REASON(ATS_OFF_FIRMWARE, "ATS is off: ACPI does not allow it on its port")
IOMMU_SVA_REASON(ATS_OFF, "ATS could not be enabled")
IOMMU_SVA_REASON(PRI_NO_PASID, "PRI is off: it wants page responses without PASID")
IOMMU_SVA_REASON(PRI_OFF, "PRI could not be enabled")

/* The IOMMU */
IOMMU_SVA_REASON(IOMMU_NO_PASIDS, "its IOMMU has no PASIDs, or not in this mode")
IOMMU_SVA_REASON(IOMMU_NO_SVA, "the driver of its IOMMU has no SVA")
IOMMU_SVA_REASON(IOMMU_NO_ATS, "its IOMMU has no ATS")
IOMMU_SVA_REASON(NO_FIRST_STAGE, "its IOMMU has no first stage of translation")
IOMMU_SVA_REASON(NO_COHERENCY, "its IOMMU does not snoop page tables")
IOMMU_SVA_REASON(VA_RANGE, "its IOMMU has a smaller virtual address space than CPUs")
IOMMU_SVA_REASON(NO_BBML2, "its IOMMU lacks BBML2, which CPUs have")
IOMMU_SVA_REASON(NO_HAFT, "its IOMMU lacks HAFT, which CPUs have")
IOMMU_SVA_REASON(PAGE_SIZE, "its IOMMU does not have all page sizes of CPUs")
IOMMU_SVA_REASON(OAS, "its IOMMU reaches less physical memory than CPUs")
IOMMU_SVA_REASON(ASID_BITS, "its IOMMU has fewer ASIDs than CPUs")
IOMMU_SVA_REASON(SNP, "its IOMMU cannot do it while SNP is on")
IOMMU_SVA_REASON(NO_ASID, "all ASIDs of its IOMMU are in use")
IOMMU_SVA_REASON(NO_DOMAIN_ID, "all domain ids of its IOMMU are in use")
IOMMU_SVA_REASON(RID_STAGE2, "its requests without PASID use a second stage")
IOMMU_SVA_REASON(RID_NO_TABLE, "its domain has no room for PASIDs (v1 page tables?)")

/* The PASID */
IOMMU_SVA_REASON(PASID_ZERO, "PASID 0 is for requests without PASID")
IOMMU_SVA_REASON(PASID_LIMIT, "the device, or one of its group, has fewer PASIDs")
IOMMU_SVA_REASON(PROCESS_LIMIT, "the PASID that the process has is too large for it")
IOMMU_SVA_REASON(GLOBAL_TAKEN, "each PASID that it has belongs to a process")
IOMMU_SVA_REASON(TAKEN_PRIVATE, "its driver has bound a process to the PASID")
IOMMU_SVA_REASON(TAKEN_SHARED, "the PASID is that of a process (shared bond)")
IOMMU_SVA_REASON(TAKEN_DOMAIN, "the PASID has another kind of domain attached")
IOMMU_SVA_REASON(TAKEN_ENDING, "the PASID is still being detached")

/* The process */
IOMMU_SVA_REASON(NO_MM, "there is no address space")
IOMMU_SVA_REASON(LAM, "the process has tagged addresses (LAM)")
IOMMU_SVA_REASON(EXITING, "the process is exiting")
IOMMU_SVA_REASON(SIGNAL, "a signal is pending for the task that binds")
IOMMU_SVA_REASON(NO_MEMORY, "out of memory")
IOMMU_SVA_REASON(UNKNOWN, "the driver of its IOMMU does not say")

#undef IOMMU_SVA_REASON
