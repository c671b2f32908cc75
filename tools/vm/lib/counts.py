# SPDX-License-Identifier: GPL-2.0
"""Counts of instructions and commands: read, compared, shown; what make bench has

They come from tools/vm/guest/count.c and from QEMU's trace."""

import csv
import os
import re
import subprocess
from collections import Counter
from dataclasses import dataclass

from machines import DATA, DEBUG, Error, machine
from screen import BOLD, GREEN, RED

VERSION = 1                     # of the CSV file
# Smaller differences are none. What is not counted across one call varies: it has
# threads, interrupts and the page allocator in it.
IGNORED = 0.001
VARIES = {"munmap_2M": 0.02, "pairs_16": 0.05, "fault": 0.3, "exit": 0.3}
# The kernels and calls that are compared, the first one with the others
COLUMNS = ("7.3.4", "old"), ("now", "old"), ("now", "new")


@dataclass(frozen=True)
class Row:
    """What was counted once"""
    iommu: str
    device: str
    kernel: str
    operation: str
    call: str
    bonds: int
    instructions: int
    commands: tuple             # (kind, how many)

    def key(self):
        return self.iommu, self.device, self.operation, self.bonds

    def in_words(self):
        return ", ".join(f"{n} {kind}" for kind, n in self.commands) or "none"


# What guest and QEMU say

MARKER = re.compile(r"sva_test_start channel \d+ command 0xf pasid 0x0 addr 0x([0-9a-f]+) ")
COMMAND = re.compile(r"smmuv3_cmdq_opcode <--- (?:SMMU_CMD_)?(\S+)"
                     r"|vtd_inv_desc invalidate desc type (.+) high ")


def read_trace(path):
    """(number, commands) between markers, in their order"""
    found, number, counts = [], None, Counter()
    with open(path, errors="replace") as f:
        for line in f:
            if m := MARKER.search(line):
                if number is None:
                    number, counts = int(m[1], 16), Counter()
                else:
                    if number != int(m[1], 16):
                        raise Error(f"marker {number} ends with {int(m[1], 16)}")
                    found.append((number, tuple(sorted(counts.items()))))
                    number = None
            elif m := COMMAND.search(line):
                counts[m[1] or m[2].replace(" ", "_")] += 1
    return found


def read_output(text):
    """(device, number, operation, call, bonds, instructions) of each line"""
    device = None
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["device"]:
            device = words[1]
        elif len(words) == 5 and words[0].isdigit():
            yield device, int(words[0]), words[1], words[2], int(words[3]), int(words[4])
        else:
            raise Error(f"the guest said: {line}")


def merged(arch, kernel, lines, traced):
    """What the guest has counted, and the model"""
    if len(lines) != len(traced) or any(a[1] != b[0] for a, b in zip(lines, traced)):
        raise Error(f"{len(lines)} lines of the guest, {len(traced)} pairs of markers, in order?")
    for (device, _, operation, call, bonds, n), (_, commands) in zip(lines, traced):
        yield Row(machine(arch)["name"], device, kernel, operation, call, bonds, n, commands)


# How it is told

def change(row, base):
    """better, worse, or nothing of note"""
    if not row or not base:
        return ""
    ratio = row.instructions / base.instructions if base.instructions else 1
    small = abs(ratio - 1) < VARIES.get(row.operation, IGNORED)
    return "" if small else "better" if ratio < 1 else "worse"


def cell(screen, row, base):
    if not row:
        return f"{'-':>19}"
    said = change(row, base)
    text = f"{row.instructions:>10,}"
    if said:
        text += f" {100 * (row.instructions / base.instructions - 1):>+7.1f}%"
    elif base and base is not row:
        text += f" {'same':>8}"
    text = f"{text:<19}"
    return screen.paint(text, GREEN if said == "better" else RED) if said else text


def more_commands(row, base):
    """How many more commands than the base, negative if fewer"""
    return sum(n for _, n in row.commands) - sum(n for _, n in base.commands) if row and base else 0


def commands_of(screen, rows):
    """The commands of each column, once if they are the same"""
    words = [row.in_words() for row in rows if row]
    if len(set(words)) <= 1:
        return [words[0]] if words else []
    lines = []
    for (kernel, call), row in zip(COLUMNS, rows):
        if row:
            more = more_commands(row, rows[0])
            said = f" ({abs(more)} {'more' if more > 0 else 'fewer'})" if more else ""
            said = screen.paint(said, RED if more > 0 else GREEN) if said else ""
            lines.append(f"{kernel} {call}: {row.in_words()}{said}")
    return lines


def table(screen, rows):
    by_key, tally = {}, Counter()
    for row in rows:
        by_key.setdefault(row.key(), {})[row.kernel, row.call] = row
    devices = list(dict.fromkeys(key[:2] for key in by_key))
    where = None
    for key, found in sorted(by_key.items(), key=lambda item: devices.index(item[0][:2])):
        if key[:2] != where:
            where = key[:2]
            screen.line()
            screen.line(screen.paint(f"{where[0]}, {where[1]} device", BOLD))
            screen.line(f"{'':18}{'bonds':>6}{'7.3.4':>11}{'':9}{'old call':>11}{'':9}"
                        f"{'new call':>11}")
        none = found.get(("now", "none"))
        base = found.get(COLUMNS[0]) or found.get(("7.3.4", "none"))
        here = [base, found.get(COLUMNS[1]) or none, found.get(COLUMNS[2])]
        cells = [cell(screen, row, base) for row in here]
        tally.update(filter(None, (change(row, base) for row in here[1:])))
        tally.update(["compared"] * sum(bool(row and base) for row in here[1:]))
        screen.line(f"{key[2]:18}{key[3]:>6} {' '.join(cells)}".rstrip())
        more = [more_commands(row, base) for row in here[1:]]
        tally["fewer"] += sum(n < 0 for n in more)
        tally["more"] += sum(n > 0 for n in more)
        for line in commands_of(screen, here):
            screen.line(f"{'':25}{line}")
    screen.line()
    screen.line(f"against 7.3.4: {tally['better']} better, {tally['worse']} worse, of "
                f"{tally['compared']} counts of instructions, which are no time; "
                f"commands: {tally['fewer']} fewer, {tally['more']} more")


def write_csv(path, rows):
    with open(path, "w", newline="") as f:
        f.write(f"# make bench, format {VERSION}\n")
        out = csv.writer(f, lineterminator="\n")
        out.writerow(["iommu", "device", "kernel", "operation", "call", "bonds", "instructions",
                      "commands"])
        for row in rows:
            out.writerow([row.iommu, row.device, row.kernel, row.operation, row.call, row.bonds,
                          row.instructions, " ".join(f"{k}={n}" for k, n in row.commands)])


# Plots

BARS = "bind", "unbind", "first_bind", "exit", "fault"
SCALED = "pasids", "processes"
LOOK = """set terminal svg size 800,480 dynamic font 'sans-serif,13' background 'white'
set output '{path}'
set title '{title}' noenhanced
set ylabel 'guest instructions'
set yrange [0:*]
set format y '%.0f'
set border 3
set tics nomirror
set grid y linecolor '#dddddd'
set key outside below
set rmargin 4
"""
COLORS = dict(zip(COLUMNS, ("#999999", "#4477aa", "#cc6633")))


def plot_bars(path, title, rows):
    """Operations beside each other, with a bar for each kernel and call"""
    count = {(r.operation, r.kernel, r.call): r.instructions for r in rows}
    operations = [o for o in BARS if any(key[0] == o for key in count)]
    lines = [f'"{o}" ' + " ".join(str(count.get((o, *column), "NaN")) for column in COLUMNS)
             for o in operations]
    bars = ", ".join(f"$data using {i + 2}{':xtic(1)' * (i == 0)} title '{kernel}, {call} call' "
                     f"linecolor '{COLORS[kernel, call]}'" for i, (kernel, call) in enumerate(COLUMNS))
    return (LOOK.format(path=path, title=title) + "$data << END\n" + "\n".join(lines) + "\nEND\n"
            "set style data histogram\nset style histogram clustered gap 1\n"
            "set style fill solid 0.9 noborder\nset xtics noenhanced scale 0\n"
            f"set xrange [-0.6:{len(operations) - 0.4}]\nplot {bars}\n")


def plot_lines(path, title, rows):
    """A bind and its unbind, by how many bonds there are"""
    series = {}
    for row in rows:
        which = row.operation.partition("_")[2]
        if which in SCALED:
            points = series.setdefault((row.kernel, row.call, which), Counter())
            points[row.bonds] += row.instructions
    if not series:
        return ""
    data, lines = "", []
    for i, ((kernel, call, which), points) in enumerate(series.items()):
        data += f"$d{i} << END\n" + "".join(f"{n} {v}\n" for n, v in sorted(points.items())) + "END\n"
        where = "one process" if which == "pasids" else "as many processes"
        lines.append(f"$d{i} using 1:2 with linespoints pointtype 7 pointsize 0.6 linewidth 2 "
                     f"linecolor '{COLORS[kernel, call]}' dashtype {1 + (which == 'pasids')} title '{kernel}, {call} call, {where}'")
    return (LOOK.format(path=path, title=title) + data + "set logscale x\nset xrange [0.8:1300]\n"
            "set xlabel 'bonds that there are meanwhile'\nset key maxcols 1\nset bmargin 8.5\n"
            "set xtics (1, 10, 100, 1000)\n"
            f"plot {', '.join(lines)}\n")


def plot(folder, rows):
    """SVG files, by gnuplot"""
    paths = []
    for iommu, device in dict.fromkeys((r.iommu, r.device) for r in rows):
        here = [r for r in rows if (r.iommu, r.device) == (iommu, device)]
        for what, draw, title in (("calls", plot_bars, "What a call costs"),
                                  ("bonds", plot_lines, "A bind and its unbind")):
            path = os.path.join(folder, f"bench-{iommu}-{device}-{what}.svg")
            script = draw(path, f"{title}: {iommu}, {device} device", here)
            if "plot $" not in script or what == "calls" and not any(r.operation in BARS for r in here):
                continue
            got = subprocess.run(["gnuplot", "-"], input=script, text=True, capture_output=True)
            if got.returncode:
                raise Error(f"gnuplot: {(got.stderr.strip().splitlines() or ['failed'])[0]}")
            paths.append(path)
    return paths


# Budgets: what must not grow, as tests

def read_budgets(iommu):
    with open(f"{DATA}/budgets") as f:
        for number, line in enumerate(f, 1):
            words, _, commands = line.partition("#")[0].partition(":")
            words = words.split()
            if not words:
                continue
            if len(words) != 6 or not words[5].isdigit():
                raise Error(f"budgets:{number}: not 'IOMMU device operation call bonds "
                            "instructions: commands'")
            if words[0] == iommu:
                yield words[1:5], int(words[5]), commands.split()


def tap(arch, rows):
    budgets, bad = list(read_budgets(machine(arch)["name"])), 0
    found = {(r.device, r.operation, r.call, str(r.bonds)): r for r in rows}
    print(f"1..{len(budgets)}")
    for number, (key, most, commands) in enumerate(budgets, 1):
        row, wrong = found.get(tuple(key)), []
        if not row:
            wrong.append("was not counted")
        else:
            said = [f"{n}*{kind}" for kind, n in row.commands]
            if row.instructions > most and not DEBUG:
                wrong.append(f"{row.instructions} instructions, the budget is {most}")
            if sorted(said) != sorted(commands):
                wrong.append(f"commands {' '.join(said)}, not {' '.join(commands)}")
        for line in wrong:
            print(f"# {line}")
        device, operation, call, bonds = key
        print(f"{'not ' * bool(wrong)}ok {number} {device}.{operation}.{call}_{bonds}")
        bad += bool(wrong)
    return bad
