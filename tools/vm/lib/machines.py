# SPDX-License-Identifier: GPL-2.0
"""Where things are, what is built beside the usual, and the machines"""

import configparser
import os
import re


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
