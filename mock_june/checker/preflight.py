"""A whole run: which files, in how many processes, past which observers, into which report."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from mock_june.checker.inputs import Part, Source, form, parts, records
from mock_june.checker.report import Finding, Report
from mock_june.checker.runner import Checker, Observer, Tell
from mock_june.checker.scan import fast_scan
from mock_june.checker.watch import watching

if TYPE_CHECKING:
    from mock_june.checker.history.rules import History
    from mock_june.checker.job import Job
    from mock_june.contract import Engine

Advance = Callable[[int], None]
"""Told of bytes that were gone through."""

WORTH_IT = 64 << 20
"""Bytes of input from which other processes are worth their start, where nobody said how many there are to be."""


def check_all(
    job: Job, engine: Engine, paths: list[str], report: Report, tell: Tell | None, workers: int | None, advance: Advance, history: History | None = None
) -> None:
    """Checks files, in as many processes as were asked for; of large files (None) as there are processors. Whatever their number, the report is the same.

    `history` is to see each event, in order.
    """
    size = sum(map(_size, paths))
    if workers is None:
        workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        workers = workers if size >= WORTH_IT else 1
    if workers > 1:
        from mock_june.checker.parallel import spread  # noqa: PLC0415 - small files never need it

        spread(job, engine, paths, report, tell, workers, advance, size, history)
    else:
        observers = job.observers(report, watching(history))
        scan = fast_scan(engine, job.endpoint, size)
        checker = Checker(engine, job.endpoint, report, tell if job.tells else None, most=job.most, observers=observers, scan=scan)
        checker.take(chain.from_iterable(opened(job, paths, report, advance)))


def check_each(
    job: Job,
    engine: Engine,
    paths: list[str],
    report: Report,
    tell: Tell | None,
    advance: Advance,
    observers: Sequence[Observer],
    admits: Callable[[Finding], bool] | None = None,
    draw: tuple[int, int] | None = None,
) -> None:
    """Checks files in this process, since somebody wants to see each payload, or only some are to be drawn (`draw`: how many, and the seed)."""
    observers = job.observers(report, observers)
    checker = Checker(engine, job.endpoint, report, tell, most=job.most, observers=observers, admits=admits)
    every = chain.from_iterable(opened(job, paths, report, advance))
    if draw is None:
        checker.take(every)
    else:
        from mock_june.checker.sampling import drawn  # noqa: PLC0415 - few want a sample

        checker.take(drawn(records(every), *draw))


def add_history(history: History, report: Report, tell: Tell | None) -> None:
    """Adds what was found across events."""
    for finding in history.findings():
        report.add(finding)
        if tell is not None:
            tell(finding.bare)
    report.by_rule += history.untold
    report.notes.append(history.note)


def opened(job: Job, paths: list[str], report: Report, advance: Advance) -> Iterator[Iterator[Part]]:
    """The parts of each file in turn, which are to be used up before the next is asked for."""
    for path in paths:
        with Source(path) as source:
            report.files.append(source.name)
            yield _advancing(source, parts(source, form(source), job.table), advance)


def _advancing(source: Source, some: Iterator[Part], advance: Advance) -> Iterator[Part]:
    told = 0
    for part in some:
        yield part
        if source.gone_through != told:
            advance(source.gone_through - told)
            told = source.gone_through


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)  # noqa: PTH202
    except OSError:
        return 0
