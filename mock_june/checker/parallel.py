"""One run over many processes, this one among them: told in the order of one process, and the same to the byte."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mock_june.checker.job import Job
from mock_june.checker.report import Report
from mock_june.checker.runner import Checker, Observer, Tell
from mock_june.checker.scan import Scan, fast_scan
from mock_june.checker.tasks import Done, Task, TooManyError, go_through, tasks, work
from mock_june.checker.watch import watching
from mock_june.contract import Engine
from mock_june.errors import MockJuneError

if TYPE_CHECKING:
    from mock_june.checker.history.rules import History

GIVEN = 2
"""Tasks that another process has before it, so that it need not wait for this one."""

AHEAD, AHEAD_COUNTED = 4, 64
"""Tasks beyond one for each process that may be done before their turn, if findings, events or statistics are kept of them, and if counts alone are."""


def spread(
    job: Job,
    engine: Engine,
    paths: list[str],
    report: Report,
    tell: Tell | None,
    workers: int,
    advance: Callable[[int], None],
    size: int,
    history: History | None = None,
) -> None:
    """Checks files, of `size` bytes together, over `workers` processes: `report` and what is told are the same as of one.

    `advance` is called with the bytes that were gone through. Raises MockJuneError if a process was killed.
    """
    run = _Run(job, engine, report, tell, history, _Others(job, workers - 1, size // workers), fast_scan(engine, job.endpoint, size // workers))
    try:
        run.through(tasks(job, paths), advance)
    except BrokenProcessPool:
        raise MockJuneError(
            "the run is incomplete: a process of it was killed, perhaps for want of memory; nothing can be said of the rest (fewer processes: -j 1)"
        ) from None
    finally:
        run.others.close()


@dataclass(slots=True)
class _Turn:
    """A task that waits for its turn. `future` is what comes of it in another process, `done` what came of it in this one.

    `is_free`: nobody does it yet, and anybody may.
    """

    task: Task
    is_free: bool
    future: Future[Done] | None = None
    done: Done | None = None


class _Others:
    """The other processes, each in a pool of its own: a pool that starts a second process while the first is killed may wait without end.

    They are spawned, since a fork would take threads and locks along.
    """

    def __init__(self, job: Job, count: int, expected: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pools = [ProcessPoolExecutor(1, context, _start, (job, expected)) for _ in range(count)]
        self._given: list[deque[Future[Done]]] = [deque() for _ in self._pools]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._pools)

    @property
    def has_room(self) -> bool:
        """Whether one of them has too little to do."""
        for given in self._given:
            while given and given[0].done():
                given.popleft()
        return any(len(given) < GIVEN for given in self._given)

    def give(self, turn: _Turn) -> None:
        """Gives a task to the process that has the fewest before it."""
        at = min(range(len(self._pools)), key=lambda each: len(self._given[each]))
        turn.future, turn.is_free = self._pools[at].submit(_work, turn.task), False
        self._given[at].append(turn.future)

    def close(self) -> None:
        """Ends them."""
        for pool in self._pools:
            pool.shutdown(wait=False, cancel_futures=True)
        for pool in self._pools:
            pool.shutdown(wait=True)


class _Run:
    """Gives tasks to the others, does what is left, and puts all together in order."""

    def __init__(self, job: Job, engine: Engine, report: Report, tell: Tell | None, history: History | None, others: _Others, scan: Scan) -> None:
        self.others = others
        self._job = job
        self._engine = engine
        self._report = report
        self._tell = tell
        self._history = history
        self._observers: list[Observer] = job.observers(report, watching(history))
        self._scan = scan
        self._turns: deque[_Turn] = deque()
        self._next: Iterator[Task] = iter(())
        self._lines = 0
        """Lines of the file whose turn it is that have gone by."""

    def through(self, some: Iterator[Task], advance: Callable[[int], None]) -> None:
        """Does all tasks."""
        self._next = some
        while not self._report.stopped:
            self._see_to_others()
            if not self._turns and not self._another():
                return
            head = self._turns[0]
            if head.future is None or head.future.done():
                self._turns.popleft()
                self._merge(head)
                advance(head.task.size)
            elif (turn := self._free()) is not None:
                self._do(turn)
            else:
                head.future.exception()  # waits

    def _see_to_others(self) -> None:
        """Gives them tasks, as many as they take."""
        while self.others.has_room and (turn := self._free()) is not None:
            self.others.give(turn)

    def _another(self) -> bool:
        """Takes one more task into the line, if there is one, and room."""
        job = self._job
        ahead = AHEAD if job.tells or job.history or job.statistics else AHEAD_COUNTED
        task = next(self._next, None) if len(self._turns) < self.others.count + 1 + ahead else None
        if task is not None:
            self._turns.append(_Turn(task, task.is_shared))
        return task is not None

    def _free(self) -> _Turn | None:
        """The next task that nobody does."""
        free = next((turn for turn in self._turns if turn.is_free), None)
        return free or (self._turns[-1] if self._another() and self._turns[-1].is_free else None)

    def _do(self, turn: _Turn) -> None:
        """Does a task before its turn. One that fails, or finds too much to keep, is done again when its turn comes."""
        turn.is_free = False
        with suppress(MockJuneError, TooManyError):
            turn.done = work(self._job, self._engine, turn.task, self._scan, self._see_to_others)

    def _merge(self, turn: _Turn) -> None:
        """A task whose turn has come: what came of it is put to the rest; or it is done here and now, without anything being kept."""
        task, job, report = turn.task, self._job, self._report
        if not task.start:
            report.files.append(turn.task.name)
            self._lines = 0
        done = turn.done
        with suppress(TooManyError):
            done = done if turn.future is None else turn.future.result()
        # Where a run stops within a task is not known from its counts.
        if done is None or (job.most is not None and report.invalid + done.report.invalid >= job.most):
            tell = self._tell if job.tells else None
            checker = Checker(self._engine, job.endpoint, report, tell, most=job.most, observers=self._observers, scan=self._scan)
            self._lines += go_through(job, checker, task, self._see_to_others, self._lines)
            return
        if self._tell is not None:
            for finding in done.findings(task.name, self._lines):
                self._tell(finding)
        if self._history is not None:
            for glance in done.glances:
                self._history.take((glance[0], glance[1] + self._lines, *glance[2:]))
        for rule, found in done.report.examples.items():
            done.report.examples[rule] = [finding.below(self._lines) for finding in found]
        if (statistics := done.report.statistics) is not None:
            statistics.largest = replace(statistics.largest, line=statistics.largest.line + self._lines)
        report.merge(done.report)
        self._lines += done.lines


_job: Job
_engine: Engine
_scan: Scan


def _start(job: Job, expected: int) -> None:
    """Another process begins: what it knows, it knows for all its tasks, of about `expected` bytes together."""
    global _job, _engine, _scan  # noqa: PLW0603 - the process is the pool's own
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _job, _engine = job, Engine(job.select, job.ignore)
    _scan = fast_scan(_engine, job.endpoint, expected)


def _end_with_parent() -> None:
    """Ends this process when the one that started it is gone: killed, it could not say so, and this one would wait for tasks without end."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


def _work(task: Task) -> Done:
    return work(_job, _engine, task, _scan)
