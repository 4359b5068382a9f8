"""Annotations on a pull request: the workflow commands of GitHub Actions."""

from __future__ import annotations

from itertools import zip_longest
from typing import TextIO

from mock_june.checker.inputs.source import STDIN_NAME
from mock_june.checker.report import Finding, Report
from mock_june.checker.reporters.base import Reporter, Style
from mock_june.checker.reporters.places import relative
from mock_june.text import printable

SHOWN = 10
"""Errors, and as many warnings, that GitHub shows of a step: it drops the others in silence (actions/toolkit, docs/problem-matchers.md, "Limitations")."""


class GithubReporter(Reporter):
    """At the end, one `::error` or `::warning` line for each finding that GitHub would show, and one `::notice` when there are more.

    Every broken rule is shown before any is shown twice. No line starts with text from a payload, and no command is any but ours.
    """

    def __init__(self, out: TextIO, style: Style | None = None) -> None:
        super().__init__(out, style)
        self._first: dict[str, list[Finding]] = {}

    def finding(self, finding: Finding) -> None:
        """Keeps what may be shown: the first findings of each rule."""
        if self.style.quiet and finding.violation.severity == "warning":
            return
        kept = self._first.setdefault(finding.violation.rule, [])
        if len(kept) < SHOWN:
            kept.append(finding)

    def end(self, report: Report) -> None:
        """Writes the annotations."""
        shown = [*self._chosen("error"), *self._chosen("warning")]
        for finding in shown:
            self.out.write(_annotation(finding))
        found = sum(report.by_rule[rule] for rule in self._first)
        if found > len(shown):
            self.out.write(_notice(report, len(shown), found))

    def _chosen(self, severity: str) -> list[Finding]:
        """The first finding of each rule, then the second of each, and so on, as many as are shown."""
        kept = [findings for findings in self._first.values() if findings[0].violation.severity == severity]
        return [finding for turn in zip_longest(*kept) for finding in turn if finding is not None][:SHOWN]


def _annotation(finding: Finding) -> str:
    found = finding.violation
    message = f"{printable(found.message)}\n{printable(found.hint)}".strip()
    if finding.file == STDIN_NAME:
        return _command(found.severity, f"line {finding.line} of standard input: {message}", title=found.rule)
    return _command(found.severity, message, file=printable(relative(finding.file)), line=str(finding.line), title=found.rule)


def _notice(report: Report, shown: int, found: int) -> str:
    so_far = "so far, " if report.stopped else ""
    text = (
        f"{so_far}{report.invalid:,} of {report.checked:,} payloads would be refused. {shown} of {found:,} findings are shown here: GitHub shows "
        f"{SHOWN} errors and {SHOWN} warnings of a step. `mock-june check --output-format concise` lists all."
    )
    return _command("notice", text, title="mock-june")


def _command(name: str, message: str, **properties: str) -> str:
    """A workflow command, escaped as actions/toolkit does it (packages/core/src/command.ts)."""
    said = ",".join(f"{key}={_escape(value).replace(':', '%3A').replace(',', '%2C')}" for key, value in properties.items())
    return f"::{name} {said}::{_escape(message)}\n"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
