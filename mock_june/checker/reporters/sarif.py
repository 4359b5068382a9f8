"""SARIF 2.1.0, for code scanning on GitHub and the viewers of editors."""

from __future__ import annotations

from typing import Any, TextIO, cast

import orjson

from mock_june.checker.inputs.source import STDIN_NAME
from mock_june.checker.report import Finding, Report
from mock_june.checker.reporters.base import Reporter, Style
from mock_june.checker.reporters.places import uri
from mock_june.model import Rule, Severity
from mock_june.text import printable

SCHEMA = "https://raw.githubusercontent.com/oasis-tcs/sarif-spec/master/Schemata/sarif-schema-2.1.0.json"

RESULTS = 25_000
"""Results of a run that GitHub takes: it refuses more, and shows the 5,000 most severe (docs.github.com, "SARIF results exceed one or more limits")."""

AS_THEY_STAND = (".jsonl", ".ndjson", ".json", STDIN_NAME)
"""Files whose payloads are bytes of the file itself: no row of a table, not packed."""


class SarifReporter(Reporter):
    """One document, its results written as they come. Warnings wait, at most RESULTS of them, lest they take the room of errors."""

    def __init__(self, out: TextIO, style: Style | None = None) -> None:
        super().__init__(out, style)
        self._rules: dict[str, int] = {}
        self._warnings: list[bytes] = []
        self._written = 0
        self._found = 0

    def begin(self, report: Report) -> None:
        """Opens the document."""
        self.out.write(f'{{"$schema":"{SCHEMA}","version":"2.1.0","runs":[{{"properties":{{"rules_hash":"{report.rules_hash}"}},"results":[')

    def finding(self, finding: Finding) -> None:
        """Writes an error, keeps a warning."""
        is_warning = finding.violation.severity == "warning"
        if is_warning and self.style.quiet:
            return
        self._found += 1
        if self._written + (len(self._warnings) if is_warning else 0) >= RESULTS:
            return
        index = self._rules.setdefault(finding.violation.rule, len(self._rules))
        result = orjson.dumps(_result(finding, index))
        if is_warning:
            self._warnings.append(result)
        else:
            self._write(result)

    def end(self, report: Report) -> None:
        """Writes the warnings that there is room for, the rules, and what else is to be said."""
        for result in self._warnings[: RESULTS - self._written]:
            self._write(result)
        texts = {rule.id: rule for rule in self.style.catalogue()}
        driver = {
            "name": "mock-june",
            "semanticVersion": report.version,
            "rules": [_rule(texts.get(rule) or Rule(rule, cast("Severity", report.severities[rule]), rule)) for rule in self._rules],
        }
        rest = {
            "tool": {"driver": driver},
            "columnKind": "unicodeCodePoints",
            "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": self._notes(report)}],
        }
        self.out.write("]," + orjson.dumps(rest).decode()[1:] + "]}\n")

    def _write(self, result: bytes) -> None:
        self.out.write((",\n" if self._written else "\n") + result.decode())
        self._written += 1

    def _notes(self, report: Report) -> list[dict[str, Any]]:
        notes = list(report.notes)
        if report.stopped:
            notes.append("The run was stopped at --max-failures: what comes after was not looked at.")
        if self._found > self._written:
            notes.append(f"{self._written:,} of {self._found:,} findings are listed, errors first: GitHub takes no more than {RESULTS:,}.")
        return [{"level": "note", "message": {"text": _text(note)}} for note in notes]


def _result(finding: Finding, index: int) -> dict[str, Any]:
    found = finding.violation
    region: dict[str, Any] = {"startLine": max(finding.line, 1)}
    if finding.file.lower().endswith(AS_THEY_STAND):
        region["byteOffset"] = finding.offset
    pointer = printable(found.pointer)
    member = {"fullyQualifiedName": pointer, "name": pointer.rpartition("/")[2], "kind": "property"}
    place = {"uri": uri(finding.file)}
    if not place["uri"].startswith("file:"):
        place["uriBaseId"] = "%SRCROOT%"
    location: dict[str, Any] = {"physicalLocation": {"artifactLocation": place, "region": region}}
    if pointer:
        location["logicalLocations"] = [member]
    return {
        "ruleId": found.rule,
        "ruleIndex": index,
        "level": found.severity,
        "message": {"text": _text(found.message)},
        "locations": [location],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    said = [("Why", rule.why), ("Wrong", rule.wrong), ("Right", rule.right), ("In Python", rule.python), ("In Node", rule.node)]
    text = "\n\n".join((rule.hint or rule.meaning, *(f"{title}:\n{words}" for title, words in said if words)))
    marked = "\n\n".join((rule.hint or rule.meaning, *(f"**{title}**\n\n{_markdown(title, words)}" for title, words in said if words)))
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.meaning},
        "fullDescription": {"text": rule.why or rule.meaning},
        "help": {"text": text, "markdown": marked},
        "defaultConfiguration": {"level": rule.severity},
        "properties": {"tags": ["june", *([rule.kind] if rule.kind else [])], "precision": "very-high", "problem.severity": rule.severity},
    }


def _markdown(title: str, words: str) -> str:
    language = {"Wrong": "json", "Right": "json", "In Python": "python", "In Node": "js"}.get(title)
    return f"```{language}\n{words.rstrip()}\n```" if language else words


def _text(text: str) -> str:
    """A message's text in which a payload can place no link: `[text](target)` is one in SARIF (section 3.11.6)."""
    return printable(text).replace("](", "] (")
