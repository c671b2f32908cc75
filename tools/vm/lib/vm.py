# SPDX-License-Identifier: GPL-2.0
"""Starts a test VM and listens to it; shared by boot, run and demo"""

import glob
import os
import re
import selectors
import shlex
import shutil
import signal
import subprocess
import time

from cpio import collect, write_cpio
from machines import (ARCHS, COMMON, OUT, QEMU, SAN, SLOWER, TOP, Error, expand, machine,
                      qemu_binary)

# SAN=1: QEMU with address and undefined behaviour sanitizer. What they find
# ends it, so that the test that caused it is red.
SAN_ENV = {"ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
           "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"} if SAN else {}

# Seconds that the host grants to what the guest does not time itself
BOOT_SECONDS = 90 * SLOWER      # power-on to the first word
GRACE_SECONDS = 15 * SLOWER     # end of the command's time to the guest's saying so
HEALTH_SECONDS = 90     # two kmemleak scans
OFF_SECONDS = 30


class Job:
    """What a command, in a VM or on the host, did"""

    def __init__(self):
        self.status = None      # exit status
        self.late = None        # why it counts as timed out
        self.gone = None        # why it counts as lost
        self.health = {}        # the guest's counts of mishaps
        self.changed = []       # settings that the command has left behind
        self.console = b""      # what the console showed
        self.born = time.monotonic()
        self.started = None     # when the command began
        self.proc = None

    live = set()                # those with a process

    def spawn(self, argv, **kwargs):
        # A process that we leave behind dies with us, however we die
        self.proc = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--"] + argv, **kwargs)
        Job.live.add(self)

    def kill(self):
        try:
            if os.getpgid(self.proc.pid) == self.proc.pid:
                os.killpg(self.proc.pid, signal.SIGKILL)
            else:
                self.proc.kill()
        except ProcessLookupError:
            pass

    def reap(self):
        self.kill()
        self.proc.wait()
        Job.live.discard(self)

    @staticmethod
    def kill_all():
        for job in list(Job.live):
            job.kill()


def host_env(arch):
    """What a test program on the host needs to find the QEMU under test"""
    if arch not in ARCHS:
        return {}
    return {"ARCH": arch, "QTEST_QEMU_BINARY": qemu_binary(arch),
            "QEMU_TESTS": os.path.join(QEMU, "tests"), **SAN_ENV}


class HostJob(Job):
    """A command on the host, its output is what the reporter reads"""

    def __init__(self, command, timeout, env):
        super().__init__()
        self.command, self.timeout, self.env = command, timeout, env

    def dry_run(self):
        return " ".join([f"{k}={shlex.quote(v)}" for k, v in self.env.items()] + [self.command])

    def run(self, output, console):
        self.started = time.monotonic()
        self.spawn(["/bin/sh", "-c", self.command], cwd=TOP, env={**os.environ, **self.env},
                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                   start_new_session=True)
        end = self.started + self.timeout
        with selectors.DefaultSelector() as sel:
            sel.register(self.proc.stdout, selectors.EVENT_READ)
            while True:
                if not sel.select(max(0, end - time.monotonic())):
                    self.late = f"it ran for {self.timeout} s"
                    break
                data = os.read(self.proc.stdout.fileno(), 65536)
                if not data:
                    break
                self.console += data
                console(data)
                output(data)
        if self.late is None:
            status = self.proc.wait()
            self.status = status if status >= 0 else 128 - status
        self.reap()


class VM(Job):
    """One QEMU, one job in it

    @command is a script for the guest's shell. The guest reports through a
    serial port of its own into a FIFO (see init.c for what it says), the console
    comes out of QEMU's standard output.
    """

    def __init__(self, arch, command, *, timeout=0, grace=GRACE_SECONDS, append="", qemu="",
                 iommu="", extra=None, shell=None, folder=None):
        super().__init__()
        self.arch, self.timeout, self.grace = arch, timeout, grace
        self.shell = shell
        self.folder = folder or os.path.join(TOP, "build/vm", f"{arch}-{os.getpid()}-{id(self):x}")
        self.entries = {"job": None, "job/cmd": command.encode() + b"\n",
                        "job/timeout": b"%d\n" % timeout}
        if shell:
            self.entries["job/shell"] = shell.encode()
        if extra:
            if not os.path.isdir(extra):
                raise Error(f"EXTRA: no folder '{extra}'")
            self.entries.update(collect(extra, "extra"))
        self.argv = self.command_line(machine(arch, iommu), append, qemu)
        self.phase, self.deadline = "boot", None
        self.frames, self.said_bye = b"", False

    def command_line(self, mach, append, qemu):
        binary = qemu_binary(self.arch)
        kernel = os.path.join(OUT, self.arch, os.path.basename(mach["image"]))
        self.base = os.path.join(OUT, self.arch, "base.cpio")
        for path in binary, kernel, self.base:
            if not os.path.exists(path):
                raise Error(f"{path} is not there: make test and make boot build it")
        firmware = [w for d in ("/usr/share/seabios", "/usr/share/qemu") for w in ("-L", d)]
        line = " ".join(f"{mach['append']} {mach['iommu_append']} panic=-1 {append}".split())
        model = f"{COMMON} {mach['machine']} {mach['iommu']} {mach['devices']}"
        try:
            return ([binary] + firmware + shlex.split(expand(model, mach))
                    + ["-chardev", f"file,id=side,path={self.folder}/side",
                       "-serial", "mon:stdio" if self.shell else "stdio", "-serial", "chardev:side",
                       "-kernel", kernel, "-initrd", f"{self.folder}/initrd", "-append", line]
                    + shlex.split(expand(qemu, mach)))
        except ValueError as e:
            raise Error(f"QEMU_ARGS: {e}") from None

    def prepare(self):
        # What a run left that could not tidy up
        for left in glob.glob(os.path.join(TOP, "build/vm/*-*-*")):
            pid = left.split("-")[-2]
            if pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
                shutil.rmtree(left, ignore_errors=True)
        os.makedirs(self.folder, exist_ok=True)
        with open(f"{self.folder}/initrd", "wb") as out:
            with open(self.base, "rb") as base:
                shutil.copyfileobj(base, out, 1 << 20)
            write_cpio(out, self.entries)

    def dry_run(self):
        """The line that run() would start; the files that it names are made"""
        self.prepare()
        return shlex.join(self.argv)

    def run(self, output, console):
        """Returns when QEMU is gone. @output gets the command's output as it
        comes, @console what the console shows."""
        self.prepare()
        os.mkfifo(f"{self.folder}/side")
        # Open for writing, too: so it never ends, QEMU's end is seen elsewhere
        side = os.open(f"{self.folder}/side", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        pidfd = -1
        try:
            if self.shell:
                self.spawn(self.argv)
            else:
                self.spawn(self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, start_new_session=True)
            pidfd = os.pidfd_open(self.proc.pid)
            self.listen(side, pidfd, output, console)
        finally:
            if self.proc:
                self.reap()
            for fd in side, pidfd:
                if fd >= 0:
                    os.close(fd)
            shutil.rmtree(self.folder, ignore_errors=True)

    def listen(self, side, pidfd, output, console):
        def on_console(data):
            self.console += data
            console(data)

        stdout = self.proc.stdout
        self.expect("boot", BOOT_SECONDS)
        with selectors.DefaultSelector() as sel:
            sel.register(side, selectors.EVENT_READ, lambda d: self.receive(d, output))
            if stdout:
                os.set_blocking(stdout.fileno(), False)
                sel.register(stdout, selectors.EVENT_READ, on_console)
            sel.register(pidfd, selectors.EVENT_READ)
            while True:
                left = self.deadline and max(0, self.deadline - time.monotonic())
                events = sel.select(left)
                if not events:
                    self.overdue()
                    return
                for key, _ in events:
                    if key.data and not self.pump(key.fd, key.data):
                        sel.unregister(key.fileobj)
                if any(key.fd == pidfd for key, _ in events):
                    break
        # QEMU has ended: take what it left
        self.pump(side, lambda d: self.receive(d, output))
        if stdout:
            self.pump(stdout.fileno(), on_console)
        status = self.proc.wait()
        if not self.gone and (not self.said_bye or status):
            why = LAST_WORDS.findall(self.console.decode(errors="replace"))
            self.gone = "".join(why[-1]).strip() if why else (
                f"QEMU ended with status {status}" if self.said_bye else
                f"QEMU ended (status {status}) before the guest had said goodbye")

    @staticmethod
    def pump(fd, sink):
        """Passes on what can be read now; false at the end of the file"""
        try:
            while data := os.read(fd, 65536):
                sink(data)
        except BlockingIOError:
            return True
        return False

    def expect(self, phase, seconds):
        self.phase = phase
        self.deadline = time.monotonic() + seconds if seconds else None

    def overdue(self):
        self.late = {
            "boot": f"no word from the guest within {BOOT_SECONDS} s",
            "command": f"its {self.timeout} s are over, and the guest does not answer",
            "health": "the guest fell silent after the command",
            "off": "the guest did not switch itself off",
        }[self.phase]

    def receive(self, data, output):
        self.frames += data
        while b"\n" in self.frames:
            head, rest = self.frames.split(b"\n", 1)
            m = re.fullmatch(rb"([a-z]+) (\d+)", head)
            if not m or m[1] != b"out" and not hasattr(self, "on_" + m[1].decode()):
                self.garbled(head)
                return
            size = int(m[2])
            if len(rest) < size:
                return
            body, self.frames = rest[:size], rest[size:]
            if m[1] == b"out":
                output(body)
                continue
            try:
                getattr(self, "on_" + m[1].decode())(body.decode(errors="replace"))
            except ValueError:      # no number where one belongs
                self.garbled(head + b" " + body)
                return

    def garbled(self, what):
        self.gone = f"the side channel is garbled: {what[:80]}"
        self.kill()

    def on_hello(self, _):
        self.expect("boot", BOOT_SECONDS)

    def on_start(self, _):
        self.started = time.monotonic()
        self.expect("command", self.timeout + self.grace if self.timeout else None)

    def on_timeout(self, seconds):
        self.late = f"its {seconds} s are over"
        self.expect("health", HEALTH_SECONDS)

    def on_exit(self, status):
        self.status = int(status)
        self.expect("health", HEALTH_SECONDS)

    def on_stuck(self, text):
        self.late = "not even SIGKILL ends " + " / ".join(text.split("\n")[:3])

    def on_leak(self, text):
        self.health.setdefault("leaks", []).append(text.rstrip())

    def on_changed(self, text):
        self.changed.append(text)

    def on_health(self, text):
        self.health.update((k, int(v)) for k, v in (line.split() for line in text.splitlines()))

    def on_bye(self, _):
        self.said_bye = True
        self.expect("off", OFF_SECONDS)


# Why QEMU is gone: its own complaint, or a panic
LAST_WORDS = re.compile(r"^qemu-system-\w+: (.*)$|(Kernel panic - .*)$", re.M)

# The second net: what a kernel says on its console when something is wrong
REPORT = re.compile(
    r"\b(BUG: |WARNING: |Oops\b|Internal error: |kernel BUG at |Kernel panic|UBSAN: "
    r"|general protection fault|Unable to handle kernel|INFO: task .* blocked for more than"
    r"|INFO: rcu\w* .*(stall|detected)|rcu: INFO: |INFO: trying to register non-static key"
    r"|INFO: possible|DEBUG_LOCKS_WARN_ON|refcount_t: |list_(add|del) corruption"
    r"|soft lockup|hard LOCKUP|unreferenced object|bad page state|Bad page)")
END_OF_REPORT = re.compile(r"---\[ end ")
REPORT_LINES = 100
STAMP = re.compile(r"^(<\d+>)?\[[ \d.]+\](\[[ \w]+\])? ?")


def reports(text):
    """First lines of the kernel's reports in the console's @text. An oops is
    one report, though several of its lines look like the start of one."""
    lines, found, until = text.splitlines(), [], -1
    for number, line in enumerate(lines):
        if number > until and REPORT.search(line):
            found.append(STAMP.sub("", line.strip()))
            until = next((i for i in range(number, min(number + REPORT_LINES, len(lines)))
                          if END_OF_REPORT.search(lines[i])), number)
    return found


def tail(text, count):
    return text.splitlines()[-count:]
