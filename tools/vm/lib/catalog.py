# SPDX-License-Identifier: GPL-2.0
"""What there is to run: suites, the tests that they have, which may be skipped

The files are in tools/vm/data: `suites` is written by hand, `tests` by
`make test UPDATE=1`, `skips` has rules for names of tests."""

import configparser
import fnmatch
import functools
import glob
import os
import re
import shlex
import subprocess
from dataclasses import dataclass, replace

import vm
from machines import ARCHS, BASE, DATA, DEBUG, SLOWER, TOP, Error, machine

GUEST = os.path.join(TOP, "tools/vm/guest")
SELFTESTS = "tools/testing/selftests"
NOT_IN_BASE = "not in the topics that BASE=1 has"
NOT_IN_DEBUG = "takes minutes with the debug kernel"
ANY = "any"


@dataclass(frozen=True)
class Suite:
    name: str
    arch: str
    run: str
    on: str = "guest"
    timeout: int = 120
    grace: int = vm.GRACE_SECONDS
    append: str = ""
    qemu: str = ""
    iommu: str = ""
    provoke: str = ""           # a canary's verdict
    expect: tuple = ()          # regexes of the kernel reports that belong to it
    changes: str = ""           # a setting that its command changes for good
    not_debug: str = ""         # globs of its tests that DEBUG=1 leaves out
    like: str = ""              # the suite that has the same tests
    last: str = ""              # it judges what the others said
    base: str = ""              # "no": it says nothing about BASE=1


@dataclass(frozen=True)
class Rule:
    """A reason for which some tests may be skipped"""
    where: str                  # architecture, or any
    globs: tuple
    reason: str

    def covers(self, arch, *names):
        return self.where in (ANY, arch) and any(fnmatch.fnmatchcase(n, g)
                                                 for n in names for g in self.globs)


# Sources: which tests there should be

@functools.cache
def trees():
    """The kernel's tree, and the one that is built, which BASE=1 has of its own"""
    got = subprocess.run([os.path.join(TOP, "tools/vm/commands/tree"), "kernel", "--where"],
                         capture_output=True, text=True)
    if got.returncode:
        raise Error(got.stderr.strip().partition(": ")[2])
    return got.stdout.split()


def programs():
    """The selftests that selftests/sva has. Without a tree, the copies tell."""
    for top in trees()[0], TOP:
        path = os.path.join(top, SELFTESTS, "sva/Makefile")
        if os.path.exists(path):
            with open(path) as f:
                return re.findall(r"^TEST_GEN_PROGS\s*[:+]?=\s*(\S+)$", f.read(), re.M)
    return []


def sources(suite, tree):
    """The files in which the suite's tests have their names; none: nobody knows"""
    if suite.name == "kunit":
        return [f for f in glob.glob(f"{tree}/drivers/iommu/**/*.c", recursive=True)
                if b"kunit_test_suite" in open(f, "rb").read()]
    found = []
    for collection, program in re.findall(r"/tests/(\w+)/([\w.]+)", suite.run):
        folder = os.path.join(tree, SELFTESTS, collection)
        found += [os.path.join(folder, program if "." in program else program + ".c")]
        found += glob.glob(f"{folder}/*.h")
    return found


@functools.cache
def words(suite, tree):
    files = sources(suite, tree)
    if not files:
        return None
    if not os.path.exists(files[0]):
        return set()
    text = "".join(open(f, errors="replace").read() for f in files if os.path.exists(f))
    return set(re.findall(r"\w[\w-]*", text)) | set(re.findall(r"\w+", text))


def named(suite, test, tree):
    """Do the sources in @tree have a test of that name? None: they don't tell"""
    known = words(suite, tree) if os.path.isdir(tree) else None
    if known is None:
        return None
    return all(part in known for part in test[len(suite.name) + 1:].split("."))


def beyond_base(suite, test):
    """Does the test come with a topic that BASE=1 does not have?"""
    if not BASE:
        return False
    if suite.base == "no":
        return True
    whole, built = trees()
    return named(suite, test, whole) is True and named(suite, test, built) is False


def left_out(suite, test):
    """Why this variant does not run the test, or None"""
    if beyond_base(suite, test):
        return NOT_IN_BASE
    if DEBUG and matches(test, suite.not_debug):
        return NOT_IN_DEBUG
    return None


# The files

def alike(name, keys, suites):
    """One suite for each of those that `like` matches, in another machine"""
    found = [s for s in suites if fnmatch.fnmatchcase(s.name, keys["like"]) and not s.like]
    if not found or set(keys) - {"like", "append"}:
        raise Error(f"suites: [{name}] is like none, or has a key that such a one cannot have")
    for s in found:
        yield replace(s, name=f"{name}.{s.name.partition('.')[2]}", like=s.name,
                      append=f"{s.append} {keys.get('append', '')}".strip())


def one_suite(name, keys):
    """The section @name of the file `suites`, on each of its architectures"""
    known = set(Suite.__dataclass_fields__) - {"name", "arch", "like"} | {"archs"}
    archs = keys.pop("archs").split()
    own = {arch: keys.pop(f"qemu.{arch}", "") for arch in archs}
    if set(keys) - known:
        raise Error(f"suites: [{name}] has an unknown key: {' '.join(set(keys) - known)}")
    keys["expect"] = tuple(filter(None, keys.get("expect", "").splitlines()))
    for key in "timeout", "grace":
        if key in keys:
            keys[key] = int(keys[key])
    keys["run"] = keys["run"].replace("{program}", name.split(".")[-1])
    if keys["run"].startswith("@"):
        with open(os.path.join(GUEST, keys["run"][1:])) as f:
            keys["run"] = f.read()
    qemu = keys.pop("qemu", "")
    for arch in archs:
        yield Suite(name=name, arch=arch, qemu=f"{qemu} {own[arch]}".strip(), **keys)


def read_suites():
    ini = configparser.ConfigParser(interpolation=None, default_section="defaults")
    with open(f"{DATA}/suites") as f:
        ini.read_file(f)
    suites, later = [], []
    for name in ini.sections():
        if "like" in ini[name]:
            later.append(name)
        else:
            suites += one_suite(name, dict(ini[name]))
    # A program that needs nothing special needs no section
    started = {p for s in suites for p in re.findall(r"/tests/sva/(\w+)", s.run)}
    if "run" in ini.defaults():
        for program in programs():
            if program not in started:
                suites += one_suite(f"sva.{program}", dict(ini.defaults()))
    for name in later:
        suites += alike(name, {k: v for k, v in ini[name].items() if k not in ini.defaults()},
                        suites)
    return suites


def read_tests():
    """The tests that there are: {(name, arch)}. `base` is where BASE=1 has them"""
    tests = set()
    with open(f"{DATA}/tests") as f:
        for number, line in enumerate(f, 1):
            name, *where = line.partition("#")[0].split() or [""]
            if len(where) > 1 or set(where) - {*ARCHS, "host", "base"}:
                raise Error(f"tests:{number}: not 'name [architecture]'")
            if where == ["base"]:
                where = ARCHS if BASE else []
            elif name and not where:
                where = [*ARCHS, "host"]
            tests |= {(name, arch) for arch in where}
    return tests


def read_rules():
    rules = []
    with open(f"{DATA}/skips") as f:
        for number, line in enumerate(f, 1):
            if not line.strip() or line.startswith("#"):
                continue
            words, _, reason = line.strip().partition(" # ")
            where, *globs = words.split()
            if not globs or not reason or where not in {*ARCHS, ANY}:
                raise Error(f"skips:{number}: not 'where globs # reason'")
            rules.append(Rule(where, tuple(globs), reason))
    return rules


def matches(name, globs):
    return any(fnmatch.fnmatchcase(name, g) for g in globs.split())


def belongs(name, suite):
    return name == suite or name.startswith(suite + ".")


class Plan:
    """One suite on one architecture, and those of its tests that are wanted"""

    def __init__(self, suite, tests, rules, wanted):
        self.suite, self.rules = suite, rules
        origin = suite.like or suite.name
        self.listed = [suite.name + n[len(origin):] for n, arch in sorted(tests)
                       if arch == suite.arch and belongs(n, origin)]
        whole = matches(suite.name, wanted) or suite.name + ".*" in wanted.split()
        self.glob = "*" if whole else wanted
        self.whole = whole and not suite.provoke
        chosen = [n for n in self.listed if matches(n, self.glob)]
        reasons = {n: left_out(suite, n) for n in chosen}
        self.absent = {n: reason for n, reason in reasons.items() if reason}
        self.wanted = [n for n in chosen if n not in self.absent]
        self.skipped = bool(self.absent and not self.wanted)
        self.chosen = whole or bool(chosen and not suite.provoke)

    def take_new(self, wanted):
        """A test by its name, which is in the sources, but not yet in the list"""
        if (belongs(wanted, self.suite.name) and not self.suite.provoke
                and named(self.suite, wanted, trees()[1])):
            self.wanted, self.chosen = self.wanted + [wanted], True

    def reasons(self, test):
        """All reasons for which the test may be skipped"""
        s = self.suite
        origin = (s.like or s.name) + test[len(s.name):]
        return [r.reason for r in self.rules if r.covers(s.arch, test, origin)]

    def select(self):
        """Arguments that make a kselftest_harness program, or a qtest, run the
        wanted tests only"""
        if self.glob == "*" and NOT_IN_DEBUG not in self.absent.values():
            return ""
        names = []
        if self.suite.on == "host":
            model = self.suite.name.split(".")[-1]
            for name in self.wanted:
                path = name[len(self.suite.name) + 1:].replace(".", "/")
                group = "" if "/" in path else model + "/"
                names.append(f"/{machine(self.suite.arch)['target']}/sva-test/{group}{path}")
            return " ".join("-p " + shlex.quote(n) for n in names)
        for name in self.wanted:
            short = name[len(self.suite.name) + 1:]
            names += [short, "global." + short, self.suite.name.split(".")[-1] + "." + short]
        return " ".join("-r " + shlex.quote(n) for n in names)

    def job(self, folder=None):
        s = self.suite
        command = s.run
        if "{select}" in command:
            command = command.replace("{select}", self.select())
        if s.on == "host":
            return vm.HostJob(command, s.timeout, vm.host_env(s.arch))
        return vm.VM(s.arch, command, timeout=s.timeout * SLOWER, grace=s.grace, append=s.append,
                     qemu=s.qemu, iommu=s.iommu, folder=folder)


def read_plans(wanted):
    """A plan for each suite, chosen or not"""
    tests, suites, rules = read_tests(), read_suites(), read_rules()
    names = {s.name for s in suites}
    for name, _ in tests:
        parts = name.split(".")
        if not any(".".join(parts[:i]) in names for i in range(1, len(parts) + 1)):
            raise Error(f"tests: {name} belongs to no suite")
    plans = [Plan(s, tests, rules, wanted) for s in suites]
    if not any(p.chosen for p in plans):
        for plan in plans:
            for name in wanted.split():
                plan.take_new(name)
    listed = [(p.suite.arch, n) for p in plans for n in p.listed]
    for rule in rules:
        for g in rule.globs:
            if not BASE and not any(Rule(rule.where, (g,), "").covers(*test) for test in listed):
                raise Error(f"skips: no test ({rule.where}) is called {g}, which may be skipped")
    return plans


# Writing the list of tests

def write_tests(reported):
    """Takes into the file `tests` what was reported: {(suite, arch, glob): names}.
    Where nothing was reported the list stays as it is."""
    with open(f"{DATA}/tests") as f:
        lines = f.read().splitlines()
    head = [line for line in lines if line.startswith("#")]
    kept = {line for line in lines if line.split()[1:] == ["base"]}
    tests, archs = read_tests(), {}
    for s in read_suites():
        if not s.like:
            archs.setdefault(s.name, set()).add(s.arch)
    for (suite, arch, wanted), names in reported.items():
        tests -= {(n, a) for n, a in tests if a == arch and belongs(n, suite)
                  and matches(n, wanted)}
        tests |= {(n, arch) for n in names}
    where = {}
    for name, arch in tests:
        suite = max((s for s in archs if belongs(name, s)), key=len)
        if arch in archs[suite]:
            where.setdefault((suite, name), set()).add(arch)
    groups = {}
    for (suite, name), those in where.items():
        groups.setdefault(suite, []).extend(
            [name] if those == archs[suite] else [f"{name} {arch}" for arch in those])
    for line in kept:
        suite = max((s for s in archs if belongs(line.split()[0], s)), key=len)
        groups.setdefault(suite, []).append(line)
    with open(f"{DATA}/tests.new", "w") as f:
        print(*head, sep="\n", file=f)
        for suite in sorted(groups):
            print("", *sorted(groups[suite]), sep="\n", file=f)
    os.replace(f"{DATA}/tests.new", f"{DATA}/tests")
    new = set(open(f"{DATA}/tests").read().splitlines()) - {""}
    return sorted(new - set(lines)), sorted(set(lines) - new - {""})
