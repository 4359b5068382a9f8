"""JUnit XML, as Jenkins, GitLab and their like read it: a suite a file, a test case a rule."""

from __future__ import annotations

from collections import Counter
from typing import TextIO
from xml.etree import ElementTree as ET

from mock_june.checker.report import Finding, Report
from mock_june.checker.reporters.base import Reporter, Style
from mock_june.text import printable

LISTED = 10
"""How many findings of a rule are listed in a file's suite."""

KEPT = 10_000
"""How many findings are listed in all: a bound for whoever checks very many files."""


class JunitReporter(Reporter):
    """At the end one document. A rule that a file breaks is a failed test case, which lists the first findings; a warning is a passed one, which says so.

    A file without a violation has one passed test case, so that no suite is empty. Control characters, and so all that XML forbids, are written as escapes.
    """

    def __init__(self, out: TextIO, style: Style | None = None) -> None:
        super().__init__(out, style)
        self._counts: dict[str, Counter[str]] = {}
        self._listed: dict[tuple[str, str], list[Finding]] = {}
        self._kept = 0

    def finding(self, finding: Finding) -> None:
        """Counts it, and keeps the first of its rule in its file."""
        rule = finding.violation.rule
        if self.style.quiet and finding.violation.severity == "warning":
            return
        self._counts.setdefault(finding.file, Counter())[rule] += 1
        listed = self._listed.setdefault((finding.file, rule), [])
        # One of each is kept whatever the bound: it says what the rule is about.
        if not listed or (len(listed) < LISTED and self._kept < KEPT):
            listed.append(finding)
            self._kept += 1

    def end(self, report: Report) -> None:
        """Writes the document."""
        root = ET.Element("testsuites", name="mock-june check")
        for file in dict.fromkeys((*report.files, *self._counts)):
            self._suite(root, file, report)
        for name in ("tests", "failures"):
            root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
        ET.indent(root)
        self.out.write('<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n")

    def _suite(self, root: ET.Element, file: str, report: Report) -> None:
        counts = self._counts.get(file, Counter())
        broken = [rule for rule in counts if report.severities.get(rule) == "error"]
        suite = ET.SubElement(root, "testsuite", name=printable(file), time="0", errors="0", skipped="0", failures=str(len(broken)))
        if not broken:
            ET.SubElement(suite, "testcase", name="no violation", classname="mock-june", file=printable(file), time="0")
        for rule, count in counts.items():
            self._case(suite, self._listed[file, rule], count)
        suite.set("tests", str(len(suite)))

    def _case(self, suite: ET.Element, listed: list[Finding], count: int) -> None:
        first = listed[0]
        found = first.violation
        classname = f"mock-june.{found.rule.partition('.')[0]}"
        case = ET.SubElement(suite, "testcase", name=found.rule, classname=classname, file=printable(first.file), line=str(first.line), time="0")
        lines = [f"{each.file}:{each.line}: {each.violation.message}" for each in listed]
        if count > len(listed):
            lines.append(f"and {count - len(listed):,} more")
        text = "\n".join(printable(line) for line in (*lines, found.hint) if line)
        if found.severity == "error":
            failure = ET.SubElement(case, "failure", type=found.rule, message=printable(f"{count:,} x {found.message}" if count > 1 else found.message))
            failure.text = text
        else:
            ET.SubElement(case, "system-out").text = f"{count:,} warned of\n{text}"
