# SPDX-License-Identifier: GPL-2.0
"""Results as JUnit has them, written and read

`junit.py <folder> <test>` prints the verdict that the test has in a folder of
results, `nothing` if none."""

import glob
import os
import re
import sys
import xml.etree.ElementTree as ET

GOOD = "pass", "skip"
CLEAN = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd]")      # what XML 1.0 cannot say


def write(path, suite, tests, seconds):
    bad = [t for t in tests if t.verdict not in GOOD]
    root = ET.Element("testsuite", name=suite.name, hostname=suite.arch, tests=str(len(tests)),
                      failures=str(len(bad)), time=f"{seconds:.3f}",
                      skipped=str(sum(t.verdict == "skip" for t in tests)))
    for t in tests:
        case = ET.SubElement(root, "testcase", name=t.name, time=f"{t.seconds:.3f}",
                             classname=f"{suite.arch}.{suite.name}")
        if t.verdict == "skip":
            ET.SubElement(case, "skipped", message=CLEAN.sub("?", t.reason))
        elif t.verdict != "pass":
            failure = ET.SubElement(case, "failure", type=t.verdict,
                                    message=CLEAN.sub("?", t.reason))
            failure.text = CLEAN.sub("?", "\n".join(t.notes))
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def verdict_of(case):
    for child in case:
        if child.tag == "failure":
            return child.get("type")
        if child.tag == "skipped":
            return "skip"
    return "pass"


def tests(path):
    """(name, verdict, reason, seconds, notes) of each test in the file"""
    for case in ET.parse(path).getroot().iter("testcase"):
        found = case.find("failure")
        found = case.find("skipped") if found is None else found
        yield (case.get("name"), verdict_of(case), "" if found is None else found.get("message", ""),
               float(case.get("time", 0)), (found.text or "").splitlines() if found is not None else [])


def read(folder, arch="*"):
    """(suite, test, verdict) of all results below @folder"""
    for path in sorted(glob.glob(os.path.join(folder, arch, "*.xml"))):
        root = ET.parse(path).getroot()
        for case in root.iter("testcase"):
            yield root.get("name"), case.get("name"), verdict_of(case)


def verdict(folder, test):
    """What the kernel reports after the test has passed is its suite's verdict"""
    found = list(read(folder))
    own = [v for _, name, v in found if name == test]
    suites = {s for s, name, _ in found if name == test}
    whole = [v for s, name, v in found if s in suites and name == s != test and v not in GOOD]
    if not own:
        return "nothing"
    return whole[0] if own == ["pass"] and whole else own[0]


if __name__ == "__main__":
    print(verdict(*sys.argv[1:]))
