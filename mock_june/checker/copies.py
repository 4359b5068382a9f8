"""What a run writes beside its report: the good payloads, the refused ones with the reasons why, the corrected copy."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import orjson

from mock_june import wire
from mock_june.checker.outputs import Output
from mock_june.checker.report import Record
from mock_june.model import Endpoint, Verdict
from mock_june.text import counted, printable

if TYPE_CHECKING:
    from mock_june.checker.fixes import Fixer
    from mock_june.contract import Engine

SIDECAR = ".why.jsonl"
"""What the reasons' file adds to the name of the rejects'."""


class Split:
    """Writes each payload byte for byte, a line each, to `valid` or to `rejects`; to `why` a line for each reject: where it stood, and its violations."""

    def __init__(self, valid: Output | None, rejects: Output | None, why: Output | None) -> None:
        self._valid = valid
        self._rejects = rejects
        self._why = why

    def saw(self, record: Record, verdict: Verdict) -> tuple[Record, Verdict]:
        """Writes one payload."""
        if verdict.accepted:
            if self._valid is not None:
                self._valid.write(record.body + b"\n")
        else:
            if self._rejects is not None and record.body:
                self._rejects.write(record.body + b"\n")
            if self._why is not None:
                reasons = {**_place(record), "written": bool(record.body), "violations": [wire.violation(each) for each in verdict.violations]}
                self._why.write(orjson.dumps(reasons) + b"\n")
        return record, verdict


class FixedCopy:
    """Writes every payload, corrected where one thing alone can be meant, to `copy`; to `patches` a line for each that was changed.

    The verdict of what was changed is that of the copy. `changed` counts the reasons, `unwritten` the payloads that have no text to write.
    """

    def __init__(self, engine: Engine, endpoint: Endpoint, fixer: Fixer, copy: Output, patches: Output | None) -> None:
        self._engine = engine
        self._endpoint = endpoint
        self._fixer = fixer
        self._copy = copy
        self._patches = patches
        self.payloads = 0
        self.unwritten = 0
        self.changed: Counter[str] = Counter()

    def saw(self, record: Record, verdict: Verdict) -> tuple[Record, Verdict]:
        """Writes one payload."""
        if not record.body:
            self.unwritten += 1
            return record, verdict
        fixed = self._fixer.fix(record.body) if record.trouble is None and (verdict.violations or verdict.warnings) else None
        if fixed is not None:
            self.payloads += 1
            self.changed.update(fixed.reasons)
            if self._patches is not None:
                self._patches.write(orjson.dumps({**_place(record), "patch": fixed.changes, "reasons": fixed.reasons}) + b"\n")
            record = record._replace(body=fixed.body)
            verdict = self._engine.check(fixed.body, self._endpoint)
        self._copy.write(record.body + b"\n")
        return record, verdict

    def notes(self, path: str) -> list[str]:
        """What was done, for people."""
        said = [f"{count:,}x {reason}" for reason, count in self.changed.most_common()]
        notes = [f"{counted(self.payloads, 'payload')} corrected in {path}" + (f": {'; '.join(said)}" if said else "")]
        if self.unwritten:
            notes.append(f"not in {path}: {counted(self.unwritten, 'record')} without text that could be read")
        if self._fixer.left:
            left = "; ".join(f"{count:,}x {reason}" for reason, count in self._fixer.left.most_common())
            notes.append(f"left as it is in {path}, since nobody can tell what is meant: {left}")
        return notes


def _place(record: Record) -> dict[str, object]:
    return {"file": printable(record.source), "line": record.line, "offset": record.offset}
