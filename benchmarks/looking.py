"""`python -m benchmarks.looking HOW FILE`: one way to look at a file of JSON Lines, in a process of its own; prints what it took.

HOW is `loads` (orjson alone), `plain` (mock-june without its extras) or `fast` (with the gate). Seconds are the processor's: machines are shared.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import orjson

from mock_june.checker import preflight
from mock_june.checker.inputs import Lines, Source, Table, parts
from mock_june.checker.job import Job
from mock_june.checker.report import Report
from mock_june.contract import Engine


def loads(path: str) -> tuple[int, int]:
    """Every line parsed by orjson, read as mock-june reads it: how many, and how many are no JSON."""
    events = bad = 0
    with Source(path) as source:
        for part in parts(source, "lines", Table()):
            if isinstance(part, Lines):
                for body in part.data[:-1].split(b"\n"):
                    events += 1
                    try:
                        orjson.loads(body)
                    except orjson.JSONDecodeError:
                        bad += 1
    return events, bad


def check(path: str) -> tuple[int, int]:
    """What `mock-june check -j 1` does, warnings and counts by rule with it: how many events, how many June would refuse."""
    report = Report("", "")
    job = Job("backfill", None, (), (), Table(), tells=False)
    preflight.check_all(job, Engine(), [path], report, None, 1, lambda _: None)
    return report.checked, report.invalid


def main() -> None:
    """Looks, and prints one JSON object."""
    how, path = sys.argv[1:]
    if how == "plain":
        sys.modules["re2"] = None  # type: ignore[assignment] # as if google-re2 were not installed
    began = time.process_time()
    events, bad = (loads if how == "loads" else check)(path)
    seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sys.stdout.buffer.write(orjson.dumps({"events": events, "bad": bad, "seconds": seconds, "peak_kib": peak, "bytes": Path(path).stat().st_size}))


if __name__ == "__main__":
    main()
