"""Findings that are known: by rule and payload, so that they stay known when lines move."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import orjson

from mock_june.checker.outputs import Output
from mock_june.checker.report import Finding, Record
from mock_june.errors import UsageError
from mock_june.model import Verdict
from mock_june.text import counted

FORMAT = 1

MOST = 100_000
"""Different findings that a baseline can list: some 12 MB of memory. Who has more has a rule to ignore, or a source to mend."""

NAMED = 3
"""Stale entries that are named in a report's notes."""

KEY = re.compile(r"(\S+) ([0-9a-f]{16})")
"""How a file names a finding: the rule, and the first 16 hex digits of the payload's SHA-256."""


class Stale(NamedTuple):
    """A known finding that did not come again, or not as often: how many times less."""

    rule: str
    payload: str
    times: int


class Baseline:
    """The findings that a file lists. As an observer it knows which payload's findings come next; `admits` is whether one of them is new.

    `seen` counts findings for a baseline to be written, `passed_over` those that were known. Rules across events are not held against it: what they
    say of one payload follows from all others.
    """

    def __init__(self, known: Counter[str] | None = None) -> None:
        self._left = Counter(known)
        self._payload = ""
        self._is_full = False
        self.seen: Counter[str] = Counter()
        self.passed_over = 0

    @classmethod
    def read(cls, path: str) -> Baseline:
        """Reads what `write` wrote. Raises UsageError for what it did not."""
        try:
            data = orjson.loads(Path(path).read_bytes())
        except OSError as error:
            raise UsageError(f"the baseline {path} cannot be read: {error.strerror or error}") from None
        except ValueError:  # no JSON; or a path that is none
            data = None
        findings = data.get("findings") if isinstance(data, dict) else None
        if not isinstance(data, dict) or not isinstance(findings, dict) or not all(map(_is_entry, findings, findings.values())):
            raise UsageError(f"{path} is no baseline: --write-baseline makes one")
        if data.get("mock_june_baseline") != FORMAT:
            raise UsageError(f"{path} is a baseline of another version of mock-june: make it again with --write-baseline")
        return cls(Counter(findings))

    def write(self, path: str) -> None:
        """Lists what was seen, in order, so that two files can be compared. Raises UsageError where that is too much."""
        if self._is_full:
            raise UsageError(f"more than {MOST:,} findings are too many for a baseline: --ignore the rules that are broken most, or mend the source first")
        text = orjson.dumps({"mock_june_baseline": FORMAT, "findings": dict(sorted(self.seen.items()))}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        output = Output(path)
        try:
            output.write(text)
            output.keep()
        finally:
            output.drop()

    def saw(self, record: Record, verdict: Verdict) -> tuple[Record, Verdict]:
        """The payload whose findings come next."""
        if verdict.violations or verdict.warnings:
            place = b"" if record.body else f"{record.source}:{record.trouble}".encode("utf-8", "surrogateescape")
            self._payload = hashlib.sha256(record.body.strip() or place).hexdigest()[:16]
        return record, verdict

    def admits(self, finding: Finding) -> bool:
        """Whether a finding is none that is known. Of one that is known twice, a third is new."""
        key = f"{finding.violation.rule} {self._payload}"
        if len(self.seen) < MOST or key in self.seen:
            self.seen[key] += 1
        else:
            self._is_full = True
        if self._left[key] <= 0:
            return True
        self._left[key] -= 1
        self.passed_over += 1
        return False

    @property
    def stale_entries(self) -> list[Stale]:
        """The known findings that did not come, in the file's order."""
        found = []
        for key, times in sorted(self._left.items()):
            if times:
                rule, payload = key.split(" ")
                found.append(Stale(rule, payload, times))
        return found

    def notes(self, path: str, *, is_whole: bool) -> list[str]:
        """What became of the findings that `path` lists, for people. `is_whole`: the run went to its end, so that what did not come is gone."""
        notes = [f"{counted(self.passed_over, 'finding')} known to {path} and left out"]
        if is_whole and (stale := self.stale_entries):
            named = ", ".join(f"{each.rule} of {each.payload}" for each in stale[:NAMED])
            more = f" and {len(stale) - NAMED:,} more" if len(stale) > NAMED else ""
            notes.append(f"{counted(self._left.total(), 'finding')} listed in {path} did not come again (--write-baseline renews it): {named}{more}")
        return notes


def _is_entry(key: object, count: object) -> bool:
    return isinstance(key, str) and bool(KEY.fullmatch(key)) and isinstance(count, int) and not isinstance(count, bool) and count > 0
