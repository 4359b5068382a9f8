"""What is told and kept of a failed test's calls. Imported when the first test fails, or by who uses `--june-journal`."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mock_june import wire
from mock_june.model import Call
from mock_june.text import cut, printable

if TYPE_CHECKING:
    from mock_june.pytest_plugin import Used

SHOWN_CALLS = 50
LONGEST_NAME = 120
"""Characters of a test's id that stand in the name of its file."""


def attach(item: pytest.Item, report: pytest.TestReport, used: Used) -> None:
    """Shows the calls of a failed test in its report, and keeps them where `--june-journal` says."""
    folder = item.config.getoption("--june-journal")
    calls = used.calls
    if calls is None:
        try:
            calls = used.on_record(limit=None if folder else SHOWN_CALLS + 1)
        except Exception as error:  # noqa: BLE001 -- the fake has gone, or no socket may be made: the test's own failure matters more
            report.sections.append(("june calls", f"they cannot be read: {error}"))
            return
    report.sections.append(("june calls", _listing(calls)))
    if folder is not None:
        _keep(_journal(folder, item.nodeid), calls)


def forget(folder: Path, nodeid: str) -> None:
    """Removes what an earlier run kept of a test, so that the folder tells of the last run."""
    _journal(folder, nodeid).unlink(missing_ok=True)


def _listing(calls: list[Call]) -> str:
    lines = []
    for call in calls[:SHOWN_CALLS]:
        rules = sorted({violation.rule for violation in call.violations})
        kinds = ", ".join(event.kind for event in call.events[:5])
        fault = f"  fault {call.fault.id}" if call.fault is not None else ""
        lines.append(printable(f"{call.id}  {call.at[11:23]}  {call.method} {cut(call.path, 80)}  {call.status}  {kinds}{fault}  {' '.join(rules)}").rstrip())
    if len(calls) > SHOWN_CALLS:
        lines.append("… and more")
    return "\n".join(lines) or "none"


def _journal(folder: Path, nodeid: str) -> Path:
    """The file of one test's calls, named after the test."""
    name = re.sub(r"[^A-Za-z0-9_.]+", "-", nodeid).strip("-")[-LONGEST_NAME:]
    return folder / f"{name}-{hashlib.sha256(nodeid.encode()).hexdigest()[:8]}.jsonl"  # two ids may differ in what a file's name leaves out


def _keep(path: Path, calls: list[Call]) -> None:
    """Writes calls as JSON Lines, all or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    partial.write_bytes(b"".join(wire.dumps(wire.call(call)) + b"\n" for call in calls))
    partial.replace(path)
