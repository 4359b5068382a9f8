"""What a preflight found, as values: findings one by one, and the report that counts them. Every output is a function of these."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from mock_june.model import Verdict, Violation

if TYPE_CHECKING:
    from mock_june.checker.statistics import Statistics

EXAMPLES = 3
"""How many findings of a rule a report keeps as examples."""

SHOWN = 4096
"""How many bytes of a payload's text go with an example."""


class Record(NamedTuple):
    """One payload of a file. `line` is 1-based (of Parquet: the record's number), `offset` the place of `body` in the file in bytes, after unpacking.

    `body` is JSON text: what stands there, or, of CSV and Parquet, what the row says. `trouble` is why there is none (a line too long, bytes that cannot be
    read): then `rule`, which is `body.json` or `body.encoding`, is broken with that message.
    """

    source: str
    line: int
    offset: int
    body: bytes
    trouble: str | None = None
    rule: str = "body.json"


class Finding(NamedTuple):
    """One violation or warning, and where it stands. `body` is the payload's JSON text, cut for showing."""

    violation: Violation
    file: str
    line: int
    offset: int
    kind: str | None
    body: bytes = b""

    @property
    def bare(self) -> Finding:
        """The finding without the payload's text."""
        return Finding(self.violation, self.file, self.line, self.offset, self.kind)

    def below(self, lines: int) -> Finding:
        """The finding, so many lines further down."""
        return Finding(self.violation, self.file, self.line + lines, self.offset, self.kind, self.body)


@dataclass(slots=True)
class Report:
    """The count of a run. `by_rule` counts violations and warnings; `examples` keeps the first few findings of each rule.

    `stopped`: the run ended early, at `--max-failures`. `history`: whether rules across events were looked at. `notes` are for people.
    `statistics` is what the payloads are, where somebody asked.
    """

    version: str
    rules_hash: str
    files: list[str] = field(default_factory=list)
    checked: int = 0
    valid: int = 0
    warned: int = 0
    by_rule: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[Finding]] = field(default_factory=dict)
    severities: dict[str, str] = field(default_factory=dict)
    stopped: bool = False
    history: bool = False
    notes: list[str] = field(default_factory=list)
    statistics: Statistics | None = None
    _enough: set[str] = field(default_factory=set, compare=False, repr=False)

    @property
    def invalid(self) -> int:
        """How many payloads June would refuse."""
        return self.checked - self.valid

    def count(self, verdict: Verdict) -> None:
        """Counts one payload."""
        self.checked += 1
        self.valid += verdict.accepted
        self.warned += bool(verdict.warnings)

    def count_rules(self, violated: Sequence[str], warned: Sequence[str]) -> bool:
        """Counts one payload by the rules of its findings alone, if there are examples enough of each of them; False if not, and then nothing is counted."""
        if not self._enough.issuperset(violated) or not self._enough.issuperset(warned):
            return False
        by_rule = self.by_rule
        for rule in violated:
            by_rule[rule] += 1
        for rule in warned:
            by_rule[rule] += 1
        self.checked += 1
        if not violated:
            self.valid += 1
        if warned:
            self.warned += 1
        return True

    def add(self, finding: Finding) -> None:
        """Counts one finding, and keeps it if it is one of the first of its rule."""
        rule = finding.violation.rule
        self.by_rule[rule] += 1
        self.severities[rule] = finding.violation.severity
        kept = self.examples.setdefault(rule, [])
        if len(kept) < EXAMPLES:
            kept.append(finding)
        else:
            self._enough.add(rule)

    def merge(self, other: Report) -> None:
        """Takes in the count of a later part of the same run."""
        self.checked += other.checked
        self.valid += other.valid
        self.warned += other.warned
        self.by_rule.update(other.by_rule)
        self.severities.update(other.severities)
        self.notes += other.notes
        if self.statistics is not None and other.statistics is not None:
            self.statistics.merge(other.statistics)
        for rule, found in other.examples.items():
            kept = self.examples.setdefault(rule, [])
            kept += found[: EXAMPLES - len(kept)]


def finding(record: Record, verdict: Verdict, violation: Violation) -> Finding:
    """What a verdict found in a record."""
    kind = verdict.events[0].kind if verdict.events else None
    return Finding(violation, record.source, record.line, record.offset, kind, record.body[:SHOWN])
