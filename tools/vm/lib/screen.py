# SPDX-License-Identifier: GPL-2.0
"""What boot, run and demo do alike: signals and errors, the console, colors"""

import contextlib
import os
import shutil
import signal
import sys

from machines import Error
from vm import Job

BAD_INPUT = 2
GREEN, YELLOW, RED, BOLD = "32", "33", "31", "1"


def finish(prog, work):
    """Ends the program with the status that work() returns. What went wrong is
    one line, and no VM outlives the program."""
    def stop(number, _):
        raise KeyboardInterrupt(number)

    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, stop)
    try:
        sys.exit(work())
    except Error as e:
        print(f"{prog}: {e}", file=sys.stderr)
    except OSError as e:
        print(f"{prog}:", ": ".join(filter(None, (e.filename, e.strerror))), file=sys.stderr)
    except KeyboardInterrupt as e:
        Job.kill_all()
        print(f"\n{prog}: interrupted", file=sys.stderr)
        sys.exit(128 + (e.args[0] if e.args else signal.SIGINT))
    sys.exit(BAD_INPUT)


@contextlib.contextmanager
def console_log(path, live=None):
    """Takes what a console shows: to the file @path, and to @live as it comes"""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb", buffering=0) as log:
        def console(data):
            log.write(data)
            if live:
                live(data)
        yield console


def to_stderr(data):
    sys.stderr.buffer.write(data)
    sys.stderr.flush()


class Screen:
    """Standard output: lines that stay, and on a terminal one that does not"""

    def __init__(self):
        self.tty = sys.stdout.isatty()
        self.color = self.tty and "NO_COLOR" not in os.environ

    def paint(self, text, color):
        return f"\033[{color}m{text}\033[m" if self.color else text

    def line(self, text=""):
        print("\r\033[K" * self.tty + text, flush=True)

    def waiting(self, text):
        if self.tty:
            width = shutil.get_terminal_size().columns
            print(f"\r\033[K{text[:width - 1]}", end="", flush=True)
