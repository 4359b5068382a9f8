"""Payloads held to the contract, one process's work: counted in a report, told finding by finding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from mock_june.checker.inputs import Lines, Part
from mock_june.checker.inputs.lines import WHITE
from mock_june.checker.report import Finding, Record, Report, finding
from mock_june.checker.scan import Scan, fast_scan
from mock_june.contract import Engine
from mock_june.contract.look import UNREAD
from mock_june.contract.parser import HINTS
from mock_june.model import Endpoint, Verdict, Violation

HINT = "Put each payload on a line of its own (JSON Lines), or all of them into one JSON array."
"""What to do about what could not be read as a payload at all."""

Tell = Callable[[Finding], None]


class Observer(Protocol):
    """Who is to see every payload with its verdict, the good ones too: then there is no fast look."""

    def saw(self, record: Record, verdict: Verdict) -> tuple[Record, Verdict]:
        """Called for each payload in order. What is given back is seen by the next one, and reported: mostly the very same."""


class Checker:
    """Counts what it checks in `report` and tells each finding, without the payload's text: only the report's examples have it.

    After `most` refused payloads it stops, and the report says so.
    Findings that `admits` refuses are neither counted nor told.

    Raises UsageError for a contract or kind that is none.
    """

    def __init__(
        self,
        engine: Engine,
        endpoint: Endpoint,
        report: Report,
        tell: Tell | None = None,
        *,
        most: int | None = None,
        observers: Sequence[Observer] = (),
        admits: Callable[[Finding], bool] | None = None,
        scan: Scan | None = None,
    ) -> None:
        self.report = report
        self._engine = engine
        self._endpoint = endpoint
        self._tell = tell
        self._most = most
        self._observers = observers
        self._admits = admits
        self._scan = None if observers else scan or fast_scan(engine, endpoint)
        self._rules = engine.quick(endpoint).rules if tell is None and admits is None and not observers else None
        """The rules that a payload breaks, where these need only be counted."""

    def take(self, parts: Iterable[Part]) -> None:
        """Checks payloads in order, until they end or the report is stopped."""
        for part in parts:
            if isinstance(part, Record):
                self._record(part)
            elif self._scan is None:
                for record in part.records():
                    self._record(record)
                    if self.report.stopped:
                        return
            else:
                self._lines(part, self._scan)
            if self.report.stopped:
                return

    def _lines(self, part: Lines, scan: Scan) -> None:
        scanned = scan.scan(part.data, part.total)
        done = skipped = 0
        for number, at, payload in scanned.doubtful:
            body = part.data[at : part.data.index(b"\n", at)]
            if payload is UNREAD and not body.strip(WHITE):
                skipped += 1
            elif self._rules is not None and self.report.count_rules(*self._rules(payload, body)):
                done += 1
            else:
                self._record(Record(part.source, part.line + number, part.offset + at, body))
                done += 1
            if self._is_enough:
                self._count_clean(number + 1 - done - skipped)
                self.report.stopped = True
                return
        self._count_clean(scanned.lines - done - skipped)

    def _count_clean(self, count: int) -> None:
        self.report.checked += count
        self.report.valid += count

    @property
    def _is_enough(self) -> bool:
        return self._most is not None and self.report.invalid >= self._most

    def _record(self, record: Record) -> None:
        verdict = self._verdict(record)
        for observer in self._observers:
            record, verdict = observer.saw(record, verdict)  # each sees what the one before it made of it
        self.report.count(verdict)
        if verdict.violations or verdict.warnings:
            self._found(record, verdict)
        if self._is_enough:
            self.report.stopped = True

    def _found(self, record: Record, verdict: Verdict) -> None:
        for violation in (*verdict.violations, *verdict.warnings):
            found = finding(record, verdict, violation)
            if self._admits is not None and not self._admits(found):
                continue
            self.report.add(found)
            if self._tell is not None:
                self._tell(found.bare)

    def _verdict(self, record: Record) -> Verdict:
        if record.trouble is None:
            return self._engine.check(record.body, self._endpoint)
        refused = Violation(record.rule, "", record.trouble, HINTS["body.encoding"] if record.rule == "body.encoding" else HINT)
        return Verdict(self._endpoint.contract, (), (refused,) if refused.rule in self._engine.in_force else ())
