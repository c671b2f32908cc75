# SPDX-License-Identifier: GPL-2.0
"""SHARD=k/n: which suites the k-th of n machines runs, and one result of them all

Every machine divides alike: it goes by the file `times`, not by what was measured
there. Where there are enough machines each has suites of one architecture, so that
it builds one kernel."""

import glob
import os
import re
import shutil
import statistics
import xml.etree.ElementTree as ET

from machines import ARCHS, DATA, Error

HEAD = "# SPDX-License-Identifier: GPL-2.0\n"


def parse(text):
    """k and n of SHARD=k/n"""
    m = re.fullmatch(r"([1-9]\d?)/([1-9]\d?)", text)
    if not m or int(m[1]) > int(m[2]):
        raise Error(f"SHARD={text}: not like 2/4, the second of four, of 99 at most")
    return int(m[1]), int(m[2])


# How long suites take

def read_times():
    """(arch, suite) -> seconds, and the comments before them"""
    times, head = {}, []
    if not os.path.exists(f"{DATA}/times"):
        return times, [HEAD]
    with open(f"{DATA}/times") as f:
        for number, line in enumerate(f, 1):
            words = line.split()
            if line.startswith("#"):
                head.append(line)
            elif len(words) == 3 and words[0] in (*ARCHS, "host") and words[2].isdigit():
                times[words[0], words[1]] = int(words[2])
            elif words:
                raise Error(f"times:{number}: not 'architecture suite seconds'")
    return times, head


def add_times(measured, there):
    """Takes what was measured of suites that the file does not have; those that are
    not in @there are gone"""
    times, head = read_times()
    new = {key: max(1, round(seconds)) for key, seconds in measured.items()} | times
    new = {key: seconds for key, seconds in new.items() if key in there}
    if new == times:
        return
    with open(f"{DATA}/times.new", "w") as f:
        f.writelines(head)
        for (arch, suite), seconds in sorted(new.items()):
            print(arch, suite, seconds, file=f)
    os.replace(f"{DATA}/times.new", f"{DATA}/times")


# Who runs what

def divide(plans, n):
    """The plans of each of @n machines. Suites that judge the others are in none of
    them, unless there is only one: they are for who puts the results together."""
    if n == 1:
        return [plans]
    plans = [p for p in plans if not p.suite.last]
    times, _ = read_times()
    usual = statistics.median(times.values()) if times else 1

    def cost(plan):
        return times.get((plan.suite.arch, plan.suite.name), usual)

    groups = {}
    for plan in plans:
        if plan.suite.arch != "host":
            groups.setdefault(plan.suite.arch, []).append(plan)
    shards, load = [[] for _ in range(n)], [0] * n

    def spread(plans, where):
        for plan in sorted(plans, key=lambda p: (-cost(p), p.suite.arch, p.suite.name)):
            i = min(where, key=lambda i: (load[i], i))
            shards[i].append(plan)
            load[i] += cost(plan)

    total = {arch: sum(map(cost, group)) for arch, group in sorted(groups.items())}
    if n < len(total):
        spread([p for group in groups.values() for p in group], range(n))
    elif total:
        machines = dict.fromkeys(total, 1)
        for _ in range(n - len(total)):
            machines[max(total, key=lambda a: total[a] / machines[a])] += 1
        first = 0
        for arch, count in machines.items():
            spread(groups[arch], range(first, first + count))
            first += count
    spread([p for p in plans if p.suite.arch == "host"], range(n))
    order = {plan: i for i, plan in enumerate(plans)}
    return [sorted(shard, key=order.get) for shard in shards]


# All in one

def collect(folder, to):
    """Copies what is below @folder, <any path>/<arch>/<suite>.*, to @to. Returns
    (arch, suite) -> the folders that have its results"""
    found, to = {}, os.path.realpath(to)
    if os.path.realpath(folder).startswith(to):
        raise Error(f"SHARDS={folder}: that is where the result goes")
    for path in sorted(glob.glob(f"{glob.escape(folder)}/**/*.xml", recursive=True)):
        where, name = os.path.split(path)
        arch, suite = os.path.basename(where), name[:-len(".xml")]
        if arch in (*ARCHS, "host") and not os.path.realpath(where).startswith(to):
            found.setdefault((arch, suite), []).append(where)
    if not found:
        raise Error(f"SHARDS={folder}: no results below it, like arm64/sva.dma.xml")
    shutil.rmtree(to, ignore_errors=True)
    for (arch, suite), where in found.items():
        os.makedirs(f"{to}/{arch}", exist_ok=True)
        for kind in "xml", "ktap", "log", "first.log", "first.ktap":
            if os.path.exists(path := f"{where[0]}/{suite}.{kind}"):
                shutil.copy(path, f"{to}/{arch}/{suite}.{kind}")
    return found


def write_whole(folder, verdicts):
    """junit.xml and results.ktap of the suites in @verdicts, (arch, suite) -> good"""
    root = ET.Element("testsuites", name="iommu-sva")
    with open(f"{folder}/results.ktap", "w") as ktap:
        print(f"KTAP version 1\n1..{len(verdicts)}", file=ktap)
        for number, ((arch, suite), good) in enumerate(verdicts.items(), 1):
            base = f"{folder}/{arch}/{suite}"
            if os.path.exists(f"{base}.xml"):
                one = ET.parse(f"{base}.xml").getroot()
                one.set("name", f"{arch}.{suite}")      # both architectures have it
                root.append(one)
            if os.path.exists(f"{base}.ktap"):
                with open(f"{base}.ktap", errors="replace") as f:
                    ktap.writelines(f"  {line.rstrip()}\n" for line in f)
            print(f"{'' if good else 'not '}ok {number} {arch}.{suite}", file=ktap)
    ET.ElementTree(root).write(f"{folder}/junit.xml", encoding="utf-8", xml_declaration=True)
