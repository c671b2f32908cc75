// SPDX-License-Identifier: GPL-2.0
/*
 * What firmware says of a port that leads out of the case: Linux does not trust the
 * devices below it, and gives them no ATS. The port is q35's in slot 8.
 */
DefinitionBlock ("", "SSDT", 2, "SVA", "EXTPORT", 1)
{
	External (\_SB.PCI0.S40, DeviceObj)

	Scope (\_SB.PCI0.S40)
	{
		Name (_DSD, Package ()
		{
			ToUUID ("efcc06cc-73ac-4bc3-bff0-76143807c389"),
			Package ()
			{
				Package () { "ExternalFacingPort", 1 },
				Package () { "UID", 0 },
			}
		})
	}
}
