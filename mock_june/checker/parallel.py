"""One run over many processes: byte ranges of large JSON Lines files and whole other files, told in the order of one process."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import fields, replace
from operator import attrgetter
from typing import Any, NamedTuple

from mock_june.checker.gate import fast_scan
from mock_june.checker.inputs import Lines, Part, Source, form, parts
from mock_june.checker.inputs.lines import pieces
from mock_june.checker.job import Job
from mock_june.checker.report import Finding, Report
from mock_june.checker.runner import Checker, Tell
from mock_june.checker.scan import Scan
from mock_june.contract import Engine
from mock_june.errors import MockJuneError
from mock_june.model import Violation

RANGE = 16 << 20
"""Bytes of a range whose findings are counted only."""

TOLD_RANGE = 2 << 20
"""Bytes of a range whose findings are all told: they wait in memory for their turn."""


class Task(NamedTuple):
    """A part of the run: a whole file, or of a file the lines from byte `start` to byte `stop`."""

    path: str
    size: int
    start: int = 0
    stop: int | None = None


class Done(NamedTuple):
    """What came of a task. Lines in it count from the start of the task; `lines` is how many there were.

    `told` are the findings as plain tuples, in a tenth of the time that pickling them takes: the members of a violation, then line, offset and kind.
    """

    report: Report
    told: list[tuple[Any, ...]]
    lines: int


def spread(job: Job, engine: Engine, paths: list[str], report: Report, tell: Tell | None, workers: int, advance: Callable[[int], None], size: int) -> None:
    """Checks files, of `size` bytes together, over `workers` processes: `report` and what is told are the same as of one.

    `advance` is called with the bytes that were gone through. Raises MockJuneError if a process was killed.
    """
    pools = _Pools(job, workers, size // workers)
    waiting: deque[tuple[Task, Future[Done]]] = deque()
    tasks = _tasks(job, paths)
    job.observers(report)
    merge = _Merge(job, engine, report, tell)
    try:
        while not report.stopped:
            while len(waiting) < workers + 2 and (task := next(tasks, None)):
                waiting.append((task, pools.submit(task)))
            if not waiting:
                break
            task, future = waiting.popleft()
            merge.take(task, future.result())
            advance(task.size)
    except BrokenProcessPool:
        raise MockJuneError(
            "the run is incomplete: a process of it was killed, perhaps for want of memory; nothing can be said of the rest (fewer processes: -j 1)"
        ) from None
    finally:
        pools.close()


class _Pools:
    """Processes, each in a pool of its own: a pool that starts a second process while the first is killed may wait without end.

    They are spawned, since a fork would take threads and locks along.
    """

    def __init__(self, job: Job, workers: int, expected: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pools = [ProcessPoolExecutor(1, context, _start, (job, expected)) for _ in range(workers)]
        self._given: list[deque[Future[Done]]] = [deque() for _ in self._pools]

    def submit(self, task: Task) -> Future[Done]:
        """A task for the process that has the fewest before it."""
        for given in self._given:
            while given and given[0].done():
                given.popleft()
        at = min(range(len(self._pools)), key=lambda each: len(self._given[each]))
        future = self._pools[at].submit(_work, task)
        self._given[at].append(future)
        return future

    def close(self) -> None:
        for pool in self._pools:
            pool.shutdown(wait=False, cancel_futures=True)
        for pool in self._pools:
            pool.shutdown(wait=True)


class _Merge:
    """Puts the parts of a run together, in order."""

    def __init__(self, job: Job, engine: Engine, report: Report, tell: Tell | None) -> None:
        self._job = job
        self._engine = engine
        self._report = report
        self._tell = tell
        self._lines = 0

    def take(self, task: Task, done: Done) -> None:
        report, job = self._report, self._job
        if not task.start:
            report.files.append(task.path)
            self._lines = 0
        if job.most is not None and report.invalid + done.report.invalid >= job.most:
            # Where it stops within this part, one process alone can say.
            done = work(replace(job, most=job.most - report.invalid), self._engine, task)
        if self._tell is not None:
            for *members, line, offset, kind in done.told:
                self._tell(Finding(Violation(*members), task.path, line + self._lines, offset, kind))
        for rule, found in done.report.examples.items():
            done.report.examples[rule] = [finding.below(self._lines) for finding in found]
        if (statistics := done.report.statistics) is not None:
            statistics.largest = replace(statistics.largest, line=statistics.largest.line + self._lines)
        report.merge(done.report)
        report.stopped = done.report.stopped and job.most is not None and report.invalid >= job.most
        self._lines += done.lines


def work(job: Job, engine: Engine, task: Task, scan: Scan | None = None) -> Done:
    """A task's payloads checked. `scan` has looked at those of other tasks before."""
    report = Report("", engine.rules_hash)
    told: list[tuple[Any, ...]] = []
    members = attrgetter(*(field.name for field in fields(Violation)))

    def tell(finding: Finding) -> None:
        told.append((*members(finding.violation), finding.line, finding.offset, finding.kind))

    with Source(task.path) as source:
        counted = _Counted(_parts(job, source, task))
        observers = job.observers(report)
        Checker(engine, job.endpoint, report, tell if job.tells else None, most=job.most, observers=observers, scan=scan).take(counted)
    return Done(report, told, counted.lines)


class _Counted:
    """The parts of a task, and how many lines have gone by."""

    def __init__(self, some: Iterator[Part]) -> None:
        self._some = some
        self.lines = 0

    def __iter__(self) -> Iterator[Part]:
        for part in self._some:
            self.lines = part.line + part.data.count(b"\n") - 1 if isinstance(part, Lines) else part.line
            yield part


def _parts(job: Job, source: Source, task: Task) -> Iterator[Part]:
    if task.stop is None:
        return parts(source, form(source), job.table)
    source.seek(task.start)
    left = task.stop - task.start

    def read() -> bytes:
        nonlocal left
        piece = source.read(min(left, 1 << 18))
        left -= len(piece)
        return piece

    return pieces(source.name, read, offset=task.start)


def _tasks(job: Job, paths: list[str]) -> Iterator[Task]:
    for path in paths:
        with Source(path) as source:
            size = source.size or 0
            if source.is_regular and not source.packed and size and form(source) == "lines":
                yield from (Task(path, stop - start, start, stop) for start, stop in _ranges(source, size, TOLD_RANGE if job.tells else RANGE))
            else:
                yield Task(path, size)


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


_job: Job
_engine: Engine
_scan: Scan


def _start(job: Job, expected: int) -> None:
    """A process of the pool begins: what it knows, it knows for all its tasks, of about `expected` bytes together."""
    global _job, _engine, _scan  # noqa: PLW0603 - the process is the pool's own
    _job, _engine = job, Engine(job.select, job.ignore)
    _scan = fast_scan(_engine, job.endpoint, expected)


def _work(task: Task) -> Done:
    return work(_job, _engine, task, _scan)
