// SPDX-License-Identifier: GPL-2.0
/*
 * The firmware's part of waking up from S3. SeaBIOS 1.16.2 makes its writes to the
 * configuration space through the window that the reset has turned off, so that they
 * are lost. Linux runs _WAK before it restores what only that window reaches: ATS,
 * PRI and PASID. The two I/O ports always work.
 */
DefinitionBlock ("", "SSDT", 2, "SVA", "WAKE", 1)
{
	OperationRegion (CFG, SystemIO, 0xcf8, 8)
	Field (CFG, DWordAcc, NoLock, Preserve)
	{
		ADDR, 32,
		DATA, 32,
	}

	Method (_WAK, 1)
	{
		/* PCIEXBAR of the host bridge */
		ADDR = 0x80000060
		DATA = 0xb0000001
		/* PMBASE of the LPC bridge */
		ADDR = 0x8000f840
		DATA = 0x00000601
		/* ACPI_CNTL: what is at PMBASE is on */
		ADDR = 0x8000f844
		DATA = 0x00000080
		Return (Package () { 0, 0 })
	}
}
