"""A run in parts that several processes can take: byte ranges of large JSON Lines files, and whole other files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import fields
from operator import attrgetter
from typing import Any, NamedTuple

from mock_june.checker.history.glance import Glance, extract
from mock_june.checker.inputs import Lines, Part, Source, form, parts
from mock_june.checker.inputs.lines import pieces
from mock_june.checker.inputs.source import STDIN, STDIN_NAME
from mock_june.checker.job import Job
from mock_june.checker.report import Finding, Report
from mock_june.checker.runner import Checker
from mock_june.checker.scan import Scan
from mock_june.checker.watch import Watch
from mock_june.contract import Engine
from mock_june.errors import MockJuneError
from mock_june.model import Violation

RANGE = 8 << 20
"""Bytes of a range whose findings are counted only."""

SEEN_RANGE = 1 << 20
"""Bytes of a range of which there are statistics: ids of users and the like."""

TOLD_RANGE = 1 << 18
"""Bytes of a range of which findings, or events, are sent on one by one: they wait in memory for their turn."""

MOST = 10_000
"""So many findings and events of a task are sent on at most. Of one that has more, all is given up, and it is gone through anew when its turn comes."""

SOME = 256
"""Of parts that are single payloads, each so many there is a tick."""

Tick = Callable[[], None]
"""Called every now and then, so that whoever works can see to others."""


class Task(NamedTuple):
    """A part of the run: a whole file, or of a file the lines from byte `start` to byte `stop`. `is_shared`: any process can do it, as often as need be."""

    path: str
    size: int
    start: int = 0
    stop: int | None = None
    is_shared: bool = True

    @property
    def name(self) -> str:
        """What findings call the file."""
        return STDIN_NAME if self.path == STDIN else self.path


class Done(NamedTuple):
    """What came of a task. Lines in it count from the start of the task; `lines` is how many there were.

    `told` are the findings as plain tuples, in a tenth of the time that pickling them takes: the members of a violation, then line, offset and kind.
    """

    report: Report
    told: list[tuple[Any, ...]]
    glances: list[Glance]
    lines: int

    def findings(self, path: str, below: int) -> Iterator[Finding]:
        """What is to be told, with lines that count from the start of the file, of which so many came before."""
        for *members, line, offset, kind in self.told:
            yield Finding(Violation(*members), path, line + below, offset, kind)


class TooManyError(Exception):
    """A task has more to send on than fits into memory."""


def tasks(job: Job, paths: list[str]) -> Iterator[Task]:
    """The run in order. What can be read but once is not touched yet; what cannot be read is a task too: that is said when its turn comes."""
    for path in paths:
        if path == STDIN or not os.path.isfile(path):  # noqa: PTH113 - what was typed
            yield Task(path, 0, is_shared=False)
            continue
        try:
            with Source(path) as source:
                size = source.size or 0
                if not source.packed and size and form(source) == "lines":
                    step = TOLD_RANGE if job.tells or job.history else SEEN_RANGE if job.statistics else RANGE
                    yield from (Task(path, stop - start, start, stop) for start, stop in _ranges(source, size, step))
                else:
                    yield Task(path, size)
        except MockJuneError:
            yield Task(path, 0, is_shared=False)


def work(job: Job, engine: Engine, task: Task, scan: Scan | None = None, tick: Tick = lambda: None) -> Done:
    """A task's payloads checked. `scan` has looked at those of other tasks before. Raises TooManyError where too much is to be sent on."""
    report = Report("", engine.rules_hash)
    told: list[tuple[Any, ...]] = []
    glances: list[Glance] = []
    members = attrgetter(*(field.name for field in fields(Violation)))

    def keep(kept: list[Any], one: Any) -> None:
        if len(told) + len(glances) >= MOST:
            raise TooManyError
        kept.append(one)

    def tell(finding: Finding) -> None:
        keep(told, (*members(finding.violation), finding.line, finding.offset, finding.kind))

    observers = job.observers(report, [Watch(lambda record, event: keep(glances, extract(record, event)))] if job.history else [])
    checker = Checker(engine, job.endpoint, report, tell if job.tells else None, most=job.most, observers=observers, scan=scan)
    return Done(report, told, glances, go_through(job, checker, task, tick))


def go_through(job: Job, checker: Checker, task: Task, tick: Tick, before: int = 0) -> int:
    """Lets a checker have the payloads of a task; the number of its lines. `before`: how many lines of the file came before it."""
    with Source(task.path) as source:
        counted = _Counted(_parts(job, source, task, before), tick, before)
        checker.take(counted)
    return counted.lines - before


class _Counted:
    """The parts of a task, and how many lines have gone by."""

    def __init__(self, some: Iterator[Part], tick: Tick, before: int) -> None:
        self._some = some
        self._tick = tick
        self._before = before
        self._last: Part | None = None

    @property
    def lines(self) -> int:
        """The number of the last line."""
        if self._last is None:
            return self._before
        return self._last.line + self._last.total - 1 if isinstance(self._last, Lines) else self._last.line

    def __iter__(self) -> Iterator[Part]:
        for number, part in enumerate(self._some):
            self._last = part
            yield part
            if isinstance(part, Lines) or not number % SOME:
                self._tick()


def _parts(job: Job, source: Source, task: Task, before: int) -> Iterator[Part]:
    if task.stop is None:
        return parts(source, form(source), job.table)
    source.seek(task.start)
    left = task.stop - task.start

    def read() -> bytes:
        nonlocal left
        piece = source.read(min(left, 1 << 18))
        left -= len(piece)
        return piece

    return pieces(source.name, read, before + 1, task.start)


def _ranges(source: Source, size: int, step: int) -> Iterator[tuple[int, int]]:
    """Ranges of whole lines, each of about `step` bytes."""
    start = 0
    while start < size:
        stop = _next_line(source, start + step) if start + step < size else size
        yield start, stop
        start = stop


def _next_line(source: Source, at: int) -> int:
    """Where the first line begins that begins at `at` or behind it."""
    at -= 1
    source.seek(at)
    while piece := source.read():
        end = piece.find(b"\n") + 1
        if end:
            return at + end
        at += len(piece)
    return at
