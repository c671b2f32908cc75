# SPDX-License-Identifier: GPL-2.0
"""Where things are, what is built beside the usual, and the machines"""

import configparser
import os
import re
import struct
import uuid


class Error(Exception):
    """Something the user can put right; its text is the one line to show"""


TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))
DATA = os.path.join(TOP, "tools/vm/data")
BASE = bool(os.environ.get("BASE"))
DEBUG = bool(os.environ.get("DEBUG"))
SAN = bool(os.environ.get("SAN"))


def variant(of):
    """The ending of the folders' names of the kernel, or QEMU, that is asked for"""
    with open(f"{DATA}/variants") as f:
        lines = [line.split() for line in f if line.strip() and not line.startswith("#")]
    return "".join(ending for name, what, ending in lines if what == of and os.environ.get(name))


OUT = os.environ.get("VM_OUT", os.path.join(TOP, "build/out" + variant("kernel")))
RESULTS = os.environ.get("VM_RESULTS", os.path.join(TOP, "build/results" + variant("kernel")))
QEMU = os.path.join(OUT, "qemu" + variant("qemu"))


# The firmware's part of waking up from S3. SeaBIOS 1.16.2 makes its writes to the
# configuration space through the window that the reset has turned off. Linux runs
# _WAK before it restores what only that window can reach: ATS, PRI, PASID.
#   OperationRegion (CFG, SystemIO, 0xcf8, 8)
#   Field (CFG, DWordAcc, NoLock, Preserve) { ADDR, 32, DATA, 32 }
#   Method (_WAK, 1) { ADDR = ..., DATA = ..., ..., Return (Package () { 0, 0 }) }
def wake_ssdt():
    writes = {
        0x80000060: 0xb0000001,         # PCIEXBAR of q35's host bridge
        0x8000f840: 0x00000601,         # PMBASE of its LPC bridge
        0x8000f844: 0x00000080,         # ACPI_CNTL: what is at PMBASE is on
    }
    wak = b"_WAK\x01"
    for addr, data in writes.items():
        wak += struct.pack("<HI4sHI4s", 0x0c70, addr, b"ADDR", 0x0c70, data, b"DATA")
    wak += b"\xa4\x12\x04\x02\x00\x00"
    length = len(wak) + 2
    return (b"\x5b\x80CFG_\x01\x0b\xf8\x0c\x0a\x08"
            b"\x5b\x81\x10CFG_\x03ADDR\x20DATA\x20"
            b"\x14" + bytes([0x40 | length & 15, length >> 4]) + wak)


# What firmware says of a port that leads out of the case: devices below it are not
# trusted, and get no ATS. The port is in slot 8.
#   Scope (\_SB.PCI0.S40) {
#       Name (_DSD, Package () { ToUUID (...), Package () {
#           Package () { "ExternalFacingPort", 1 } } }) }
def external_ssdt():
    def sized(op, data):            # less than 64 bytes, else PkgLength is longer
        if len(data) < 0x3f:
            return op + bytes([len(data) + 1]) + data
        length = len(data) + 2
        return op + bytes([0x40 | length & 15, length >> 4]) + data

    guid = uuid.UUID("efcc06cc-73ac-4bc3-bff0-76143807c389").bytes_le
    prop = sized(b"\x12", b"\x02\x0dExternalFacingPort\0\x01")
    dsd = b"\x08_DSD" + sized(b"\x12", b"\x02" + sized(b"\x11", b"\x0a\x10" + guid) +
                              sized(b"\x12", b"\x01" + prop))
    return sized(b"\x10", b"\\\x2f\x03_SB_PCI0S40_" + dsd)


SSDTS = {"wake": wake_ssdt, "external": external_ssdt}

# Everything runs under TCG: the IOMMUs under test are models, and a result must
# not depend on the host. KASAN and kmemleak want memory of their own, and time
SLOWER = 4 if DEBUG else 1
MEMORY = "2G" if DEBUG else "1G"
COMMON = f"-accel tcg -smp 2 -m {MEMORY} -nodefaults -no-user-config -no-reboot -display none"


def read_machines():
    """(arch, iommu) -> what the file `machines` says"""
    ini = configparser.ConfigParser(interpolation=None)
    with open(f"{DATA}/machines") as f:
        ini.read_file(f)
    found = {}
    for section in ini.sections():
        arch, _, iommu = section.partition(" ")
        facts = {k: " ".join(v.split()) for k, v in ini[section].items()}
        found[arch, iommu] = found[arch, ""] | facts if iommu else facts
    return found


MACHINES = read_machines()
ARCHS = sorted(arch for arch, iommu in MACHINES if not iommu)


def machine(arch, iommu=""):
    if arch not in ARCHS:
        raise Error(f"unknown architecture '{arch}' (known: {' '.join(ARCHS)})")
    if (arch, iommu) not in MACHINES:
        raise Error(f"no IOMMU '{iommu}' on {arch}")
    return MACHINES[arch, iommu] | {"acpi": os.path.join(OUT, arch, "acpi")}


def expand(text, facts):
    """@text with each {key} replaced by that fact, whose value may have more of them"""
    def value(m):
        return expand(facts[m[1]], facts) if m[1] in facts else m[0]

    return re.sub(r"\{(\w+)\}", value, text)


def qemu_binary(arch):
    return os.path.join(QEMU, "bin", f"qemu-system-{machine(arch)['target']}")
