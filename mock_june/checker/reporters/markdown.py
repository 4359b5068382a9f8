"""For the summary of a CI job, a comment, an issue: a table of the rules that were broken."""

from __future__ import annotations

from mock_june.checker.report import Finding, Report
from mock_june.checker.reporters.base import Reporter
from mock_june.checker.reporters.places import relative
from mock_june.text import counted, cut, markdown

LONGEST = 300
"""Characters of a message or a hint that are shown."""


class MarkdownReporter(Reporter):
    """At the end a heading with the outcome, and a row for each rule, the most frequent first. Payloads are not shown, but for the values in messages.

    There are a few hundred rules, so that it stays far below the 1 MiB that GitHub takes of a step.
    """

    needs_all = False

    def end(self, report: Report) -> None:
        """Writes it."""
        payloads = counted(report.checked, "payload")
        outcome = f"{report.invalid:,} of {payloads} would be refused" if report.invalid else f"{payloads}, none refused"
        self.out.write(f"### mock-june check: {outcome}\n\n")
        shown = [rule for rule in report.by_rule if not self.style.quiet or report.severities[rule] == "error"]
        if shown:
            self.out.write("| rule | | times | first | what is wrong, and what to do |\n|---|---|--:|---|---|\n")
        for rule in sorted(shown, key=lambda rule: (report.severities[rule] != "error", -report.by_rule[rule], rule)):
            self.out.write(_row(rule, report))
        if shown:
            self.out.write("\n")
        for note in report.notes:
            self.out.write(f"Note: {markdown(note)}\n\n")
        if report.stopped:
            self.out.write("Stopped early, at `--max-failures`: what comes behind was not looked at.\n\n")
        warned = f"; {report.warned:,} payloads with warnings" if report.warned else ""
        history = "" if report.history else "; history was not looked at (`--history` does)"
        files = counted(len(report.files), "file")
        self.out.write(f"{files}, {report.valid:,} valid{warned}. mock-june {report.version}, rules in force `{report.rules_hash}`{history}.\n")


def _row(rule: str, report: Report) -> str:
    first = report.examples[rule][0]
    return f"| `{rule}` | {report.severities[rule]} | {report.by_rule[rule]:,} | {_place(first)} | {_said(first)} |\n"


def _place(finding: Finding) -> str:
    return f"{markdown(cut(relative(finding.file), LONGEST))}:{finding.line}"


def _said(finding: Finding) -> str:
    found = finding.violation
    message = markdown(cut(found.message, LONGEST))
    return f"{message}<br>{markdown(cut(found.hint, LONGEST))}" if found.hint else message
