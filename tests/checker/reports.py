"""A run of a few payloads told to a reporter, without files."""

from __future__ import annotations

import io
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from mock_june.checker.report import Record, Report
from mock_june.checker.reporters import reporter
from mock_june.checker.reporters.base import Style
from mock_june.checker.runner import Checker
from mock_june.checker.statistics import Statistics
from mock_june.contract import Engine
from mock_june.model import Endpoint

GOOD = b'{"type":"identify","userId":"1"}'
NUMBER = b'{"type":"identify","userId":42}'
NO_EMAIL = b'{"type":"track","event":"Registered","userId":"1","timestamp":"2021-02-24T01:19:38Z"}'
SMELLS = b'{"type":"identify","userId":"1","traits":{}}'
NO_JSON = b'{"type":'

HOSTILE_TEXT = (
    "a\n::error::x\n::stop-commands::t\r\n##[error]y",
    "<img src=x onerror=alert(1)><script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "]]></failure><evil/>",
    "\x01\x1b[2J\x9b1m\x7f\ufffe\uffff\u202e",
    "[click](https://evil.example)",
    "%0A::error::z",
    "{{ 7 * 7 }}{% raw %}",
)
"""Text that would be something else to a terminal, a browser, an XML reader, a runner of workflows, or a template."""


class Ran(NamedTuple):
    """What a reporter wrote, and the report that it was told."""

    text: str
    report: Report


@cache
def engine() -> Engine:
    """Every rule."""
    return Engine()


def ran(name: str, files: dict[str, Iterable[bytes]], *, quiet: bool = False) -> Ran:
    """A format's output for lines by file."""
    out = io.StringIO()
    told = reporter(name)(out, Style(quiet=quiet, catalogue=lambda: engine().catalogue))
    report = Report("1.2.3", engine().rules_hash, statistics=Statistics() if told.needs_statistics else None)
    told.begin(report)
    observers = [report.statistics] if report.statistics else []
    checker = Checker(engine(), Endpoint("backfill"), report, told.finding, observers=observers)
    for file, lines in files.items():
        report.files.append(file)
        offset = 0
        for number, line in enumerate(lines, 1):
            checker.take([Record(file, number, offset, line)])
            offset += len(line) + 1
    told.end(report)
    return Ran(out.getvalue(), report)
