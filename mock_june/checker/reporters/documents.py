"""For programs: one JSON document, or JSON Lines. What a terminal would act on stands in them as JSON's escapes."""

from __future__ import annotations

from typing import Any

import orjson

from mock_june import wire
from mock_june.checker.report import Finding, Report
from mock_june.checker.reporters.base import Reporter
from mock_june.text import plain_json, printable


def finding_json(finding: Finding) -> str:
    """A finding on one line: the members of a violation, and where it stands."""
    members = wire.violation(finding.violation)
    place = {"file": printable(finding.file), "line": finding.line, "offset": finding.offset, "kind": finding.kind}
    return _line({**members, **place})


class LinesReporter(Reporter):
    """One violation or warning a line."""

    def finding(self, finding: Finding) -> None:
        """Writes the line."""
        if not (self.style.quiet and finding.violation.severity != "error"):
            self.out.write(finding_json(finding) + "\n")


class JsonReporter(Reporter):
    """One document: the findings, written as they come, then the counts."""

    def begin(self, report: Report) -> None:
        """Opens the document."""
        self.out.write(f'{{"version":{_line(report.version)},"rules_hash":{_line(report.rules_hash)},"findings":[')
        self._between = "\n"

    def finding(self, finding: Finding) -> None:
        """Writes one item."""
        if not (self.style.quiet and finding.violation.severity != "error"):
            self.out.write(self._between + finding_json(finding))
            self._between = ",\n"

    def end(self, report: Report) -> None:
        """Writes the counts, and closes the document."""
        counts = {
            "files": [printable(name) for name in report.files],
            "checked": report.checked,
            "valid": report.valid,
            "invalid": report.invalid,
            "warned": report.warned,
            "by_rule": dict(sorted(report.by_rule.items())),
            "stopped": report.stopped,
            "history": report.history,
            "notes": report.notes,
        }
        self.out.write("\n]," + _line(counts)[1:-1] + "}\n")


def _line(value: Any) -> str:
    return plain_json(orjson.dumps(value).decode())
