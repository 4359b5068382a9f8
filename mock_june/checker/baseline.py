"""Findings that are known: by rule and payload, so that they stay known when lines move."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import orjson

from mock_june.checker.outputs import Output
from mock_june.checker.report import Finding, Record
from mock_june.errors import UsageError
from mock_june.model import Verdict

FORMAT = 1


class Baseline:
    """The findings that a file lists. As an observer it knows which payload's findings come next; `admits` is whether one of them is new.

    `seen` counts findings for a baseline to be written; `stale` is how many of the listed did not come again.
    """

    def __init__(self, known: Counter[str] | None = None) -> None:
        self._known = known or Counter()
        self._left = Counter(self._known)
        self._payload = ""
        self.seen: Counter[str] = Counter()
        self.passed_over = 0

    @classmethod
    def read(cls, path: str) -> Baseline:
        """Reads what `write` wrote. Raises UsageError for what it did not."""
        try:
            data = orjson.loads(Path(path).read_bytes())
            known = Counter({str(key): int(count) for key, count in data["findings"].items()}) if data["mock_june_baseline"] == FORMAT else None
        except OSError as error:
            raise UsageError(f"the baseline {path} cannot be read: {error.strerror or error}") from None
        except (ValueError, LookupError, TypeError, AttributeError):
            known = None
        if known is None:
            raise UsageError(f"{path} is no baseline: --write-baseline makes one")
        return cls(known)

    def write(self, path: str) -> None:
        """Lists what was seen, in order, so that two files can be compared."""
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
            self._payload = hashlib.sha256(record.body.strip() or place).hexdigest()[:32]
        return record, verdict

    def admits(self, finding: Finding) -> bool:
        """Whether a finding is none that is known. Of one that is known twice, a third is new."""
        key = f"{finding.violation.rule} {self._payload}"
        self.seen[key] += 1
        if self._left[key] <= 0:
            return True
        self._left[key] -= 1
        self.passed_over += 1
        return False

    @property
    def stale(self) -> int:
        """How many of the known findings did not come."""
        return sum(self._left.values())
