# SPDX-License-Identifier: GPL-2.0
"""RESUME=1: suites that passed, and all that this depends on

Beside the results of a suite in which nothing was red stands a file with a key:
of the kernel, QEMU and what the guest has, of the suite and the tests that it
should have, of the machine, and of the scripts that run and judge it. As long as
the key is the same the suite would say the same once more."""

import functools
import glob
import hashlib
import os

from machines import DATA, OUT, RESULTS, TOP

ENDING = ".passed"


def identity(path):
    """What was built lies in the cache, in a folder that is named by what it was
    built from; what did not come from there is told by when it was written."""
    real = os.path.realpath(path)
    stat = os.stat(real)
    return real, stat.st_size, stat.st_mtime_ns


@functools.cache
def scripts():
    """Everything in tools/vm that has a part in what a suite says"""
    digest = hashlib.sha256()
    for path in [*sorted(glob.glob(f"{TOP}/tools/vm/lib/*.py")), f"{TOP}/tools/vm/commands/run",
                 f"{DATA}/machines"]:
        with open(path, "rb") as f:
            digest.update(f.read())
    return digest.hexdigest()


def key(plan):
    """None: what runs on the host depends on the whole repository"""
    s = plan.suite
    if s.on != "guest" or plan.skipped:
        return None
    built = sorted(glob.glob(f"{OUT}/{s.arch}/*") + glob.glob(f"{OUT}/qemu*/bin"))
    told = (s, plan.glob, plan.wanted, sorted(plan.absent.items()), plan.listed,
            [plan.reasons(name) for name in plan.wanted],
            [identity(path) for path in built], scripts())
    return hashlib.sha256(repr(told).encode()).hexdigest()


def path(plan):
    return os.path.join(RESULTS, plan.suite.arch, plan.suite.name + ENDING)


def forget(plan):
    if os.path.exists(path(plan)):
        os.remove(path(plan))


def remember(plan, passed_with):
    with open(path(plan), "w") as f:
        f.write(passed_with)


def passed(plan, now):
    """Has the suite passed, with all that it would be run with now?"""
    try:
        with open(path(plan)) as f:
            return f.read() == now
    except FileNotFoundError:
        return False
