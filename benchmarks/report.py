"""The page of figures, in Markdown: goals, rows as tables, the machine, how to read it."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.load import generator
from benchmarks.servers import Kind
from benchmarks.table import OURS, Goal, Row, Setting


def markdown(rows: Sequence[Row], setting: Setting, command: str) -> str:
    """The whole page: what was reached, each server's medians with their spread, and what it was measured on."""
    rounds = "1 round" if setting.rounds == 1 else f"{setting.rounds} rounds"
    parts = [
        "# Figures",
        MADE.format(command=command, day=datetime.now(UTC).date(), rounds=rounds, seconds=setting.seconds),
        "![the figures as bars](results.svg)",
        "## Goals\n\n" + "\n".join(goals(rows)),
        "## Measured\n\n" + "\n".join(_measured(rows)),
        "## On what\n\n" + "\n".join(f"- {line}" for line in _machine(setting.kinds)),
        "## How to read it\n\n" + HOW,
    ]
    return "\n\n".join(parts) + "\n"


MADE = """Made by `{command}` on {day}; do not edit. Medians of {rounds} in which the servers took turns, loads of {seconds:g} s; in brackets
the lowest and the highest round. Ratios of one run count; the absolute numbers are this machine's."""

HOW = """All servers answer the same three routes and hold bodies to the same schema files; a good call is seen to be answered 200 and a broken one
refused before anything is measured. The load, the servers and the disk share one machine and the loopback. mock-june records each call in SQLite (WAL)
and has committed it before it answers. *Prism* and *WireMock* run with their defaults: Prism records nothing and logs each call to a file, WireMock keeps
its record in memory without a bound.

In each round each server is started anew and has one load that does not count, then it is measured: so fakes are used, by one run of tests. The JVM goes
on getting faster for a minute of full load. The rows that say *warm* show each server at its best instead, in one round: after half a minute of full load,
without its log, and WireMock without its record too, which mock-june never goes without. There a JVM can be the faster one: long load tests are its strength,
and no goal of ours.

*Files* are written by `benchmarks/corpora.py`: up to 1,000,000 events of three kinds, each program's keys in its own order, 275 bytes each in the mean.
Nanoseconds are the processor's, of one process. Node gives a verdict alone, mock-june warnings and counts by rule besides; V8 parses quickest where keys
come in a stable order, as here.

*Interception*: the fake and the relay share a process, as under `mock-june run`; the client has one of its own, sends one call after the other over one
connection, in turns by the relay and straight, and verifies the certificate. What is started is `python -c pass`, with the guard where the kernel has it."""


def number(value: float, row: Row) -> str:
    """A value in its row's digits."""
    return f"{value:,.{row.digits}f}"


def goal_text(goal: Goal, row: Row) -> str:
    """A goal in words."""
    sign = "≥" if row.more_is_better else "≤"
    return f"{sign} {goal.factor:,g} {row.unit}" if goal.of is None else f"{sign} {goal.factor:g} x {goal.of}"


def reached(goal: Goal, row: Row) -> str:
    """What was reached of a goal, in the goal's own terms."""
    if row.kept(goal) is None:
        return "not measured"
    ours = row.middle(OURS)
    return f"{number(ours, row)} {row.unit}" if goal.of is None else f"{ours / row.middle(goal.of):.2f} x {goal.of}"


def goals(rows: Sequence[Row]) -> Iterator[str]:
    """The goals as a table, a line at a time."""
    yield "| what | goal | reached | kept |\n|---|---|---|---|"
    for row in rows:
        for goal in row.goals:
            kept = {True: "yes", False: "**no**", None: ""}[row.kept(goal)]
            yield f"| {row.what} | {goal_text(goal, row)} | {reached(goal, row)} | {kept} |"


def _measured(rows: Sequence[Row]) -> Iterator[str]:
    for about in dict.fromkeys(row.about for row in rows):
        yield f"### {about}\n"
        yield from _compared([row for row in rows if row.about == about])
        yield ""


def _compared(rows: Sequence[Row]) -> Iterator[str]:
    servers = list(dict.fromkeys(server for row in rows for server in row.values))
    yield f"| what | {' | '.join(servers)} |\n|---|{'---:|' * len(servers)}"
    for row in rows:
        yield f"| {row.what} ({row.unit}) | {' | '.join(_cell(row, server) for server in servers)} |"


def _cell(row: Row, server: str) -> str:
    values = row.values.get(server)
    if not values:
        return ""
    spread = f" [{number(min(values), row)} to {number(max(values), row)}]" if len(values) > 1 else ""
    return number(row.middle(server), row) + spread


def _machine(kinds: Sequence[Kind]) -> Iterator[str]:
    yield f"{os.cpu_count()} CPUs, {_cpu()}, {platform.system()} {platform.release()}"
    packages = ("uvicorn", "uvloop", "httptools", "orjson", "jsonschema-rs")
    yield f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {', '.join(map(_package, packages))}"
    versions = dict.fromkeys(f"{kind.name.partition(',')[0]} {kind.version()}" for kind in kinds if not kind.name.startswith(OURS))
    if versions:
        yield f"{', '.join(versions)}; node {_first_line('node', '--version')}; {_first_line('java', '-version')}"
    yield f"load by {generator()}"
    yield f"load average at the end {os.getloadavg()[2]:.1f} (15 minutes): the benchmark's own is 1 to 2, what is more was other work's"


def _cpu() -> str:
    """The processor's name, as the system gives it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _package(name: str) -> str:
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return f"no {name}"


def _first_line(command: str, option: str) -> str:
    """What a program says of its version (Java does so on stderr)."""
    if shutil.which(command) is None:
        return f"no {command}"
    said = subprocess.run([command, option], capture_output=True, text=True, check=False)  # noqa: S603  # node and java alone
    return (said.stdout or said.stderr).partition("\n")[0]
