"""How fast `mock-june check` reads files, and what it takes."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import corpora, peers
from benchmarks.servers import BenchError
from benchmarks.table import OURS, Goal, Row, Setting

HERE = Path(__file__).parent.parent
EVENTS = 1_000_000
"""Of the good file: 274 MB."""

FEWER = 300_000
"""Of those that take longer."""

ORJSON, NODE, ONE, EXACT = "orjson.loads alone", "Node: JSON.parse and ajv", "one process", "without the gate"
COPIES = 4
"""Of the good file in the long one: what a second process is for."""

SHARE = round(2 / 1.75, 2)
"""How much more processor time two processes may take than one, so that two free cores are 1.75 times as fast. It is told of machines that are shared, too."""

LIMIT = 300
"""Seconds."""


def preflight(setting: Setting) -> list[Row]:
    """Nanoseconds of processor an event that `mock-june check` takes, beside orjson.loads alone and Node with ajv over the same files."""
    row_of = partial(Row, about="Files", more_is_better=False)
    plain = row_of("check, plain install, steady good lines", "ns an event", goals=(Goal(1.5, ORJSON), Goal(1, NODE)))
    fast = row_of("check, mock-june[fast], steady good lines", "ns an event", goals=(Goal(0.7, ORJSON), Goal(1, NODE)))
    unsteady = row_of("check, mock-june[fast], keys in ever new orders", "ns an event", goals=(Goal(1.15, EXACT),))
    spoilt = row_of("check, plain install, 20 % bad lines", "ns an event", goals=(Goal(2, "none bad"),))
    memory = row_of("check, plain install: memory at most", "MiB", goals=(Goal(60),))
    cores = Row("check -j 2, plain install, a long file", "MB/s", about="Files", goals=(Goal(1.75, ONE),))
    fast_cores = Row("check -j 2, mock-june[fast], a long file", "MB/s", about="Files", goals=(Goal(1.75, ONE),))
    both = row_of("check -j 2, plain install: processor time", "ns an event", goals=(Goal(SHARE, ONE),))
    fast_both = row_of("check -j 2, mock-june[fast]: processor time", "ns an event", goals=(Goal(SHARE, ONE),))
    first = row_of("first finding of a small file", "ms", goals=(Goal(150),))
    with TemporaryDirectory(prefix="mock-june-bench-") as folder:
        good, bad, odd, small, long = _files(Path(folder), setting)
        for turn in range(setting.rounds):
            alone, exact, gated = (_look(how, good) for how in ("loads", "plain", "fast"))
            for row, found in ((plain, exact), (fast, gated)):
                row.add(OURS, _ns(found))
                row.add(ORJSON, _ns(alone))
            if (node := _node(good)) is not None:
                for row in (plain, fast):
                    row.add(NODE, _ns(node))
            unsteady.add(OURS, _ns(_look("fast", odd)))
            unsteady.add(EXACT, _ns(_look("plain", odd)))
            spoilt.add(OURS, _ns(_look("plain", bad)))
            spoilt.add("none bad", _ns(exact))
            memory.add(OURS, exact["peak_kib"] / 1024)
            for rates, times, is_fast in ((cores, both, False), (fast_cores, fast_both, True)):
                for name, workers in ((ONE, 1), (OURS, 2)):
                    rate, seconds = _rate(long, workers, is_fast=is_fast)
                    rates.add(name, rate)
                    times.add(name, seconds / (COPIES * EVENTS) * 1e9)
            first.add(OURS, _first(small))
            setting.say(
                f"preflight, round {turn + 1}: {_ns(exact):,.0f} ns, with the gate {_ns(gated):,.0f}, orjson alone {_ns(alone):,.0f}; "
                f"-j 2 {_times(cores)} x -j 1, with the gate {_times(fast_cores)}"
            )
    return [plain, fast, unsteady, spoilt, memory, cores, fast_cores, both, fast_both, first]


def _files(folder: Path, setting: Setting) -> tuple[Path, Path, Path, Path, Path]:
    setting.say(f"preflight: writing files of up to {EVENTS:,} events")
    good = corpora.write(folder / "good.jsonl", corpora.lines(EVENTS))
    long = folder / "long.jsonl"
    for _ in range(COPIES):
        with good.open("rb") as read, long.open("ab") as written:
            shutil.copyfileobj(read, written, 1 << 20)
    return (
        good,
        corpora.write(folder / "bad.jsonl", corpora.lines(FEWER, bad=0.2)),
        corpora.write(folder / "odd.jsonl", corpora.unsteady(FEWER)),
        corpora.write(folder / "small.jsonl", corpora.lines(50, bad=1)),
        long,
    )


def _times(row: Row) -> str:
    """How many times as fast the latest round was as that of one process."""
    return f"{row.values[OURS][-1] / row.values[ONE][-1]:.2f}"


def _ns(found: dict[str, Any]) -> float:
    return float(found["seconds"]) / int(found["events"]) * 1e9


def _look(how: str, path: Path) -> dict[str, Any]:
    """What `benchmarks.looking` says of a file."""
    return _json([sys.executable, "-m", "benchmarks.looking", how, str(path)])


def _node(path: Path) -> dict[str, Any] | None:
    """What Node with ajv says of a file; None where it is not here."""
    modules = peers.HOME / "node_modules"
    if shutil.which("node") is None or not (modules / "ajv" / "package.json").exists():
        return None
    return _json(["node", str(HERE / "preflight.mjs"), str(peers.SCHEMAS), str(path), str(peers.HOME)])


def _json(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, timeout=LIMIT, check=False)  # noqa: S603  # our own command
    if done.returncode:
        raise BenchError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-500:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _rate(path: Path, workers: int, *, is_fast: bool) -> tuple[float, float]:
    """MB/s of the command with so many processes, by the wall's clock; and the seconds of processor that all of them took."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    _check(path, "-j", str(workers), "--quiet", is_fast=is_fast)
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return path.stat().st_size / 1e6 / took, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _first(path: Path) -> float:
    """Milliseconds from the start of the command to its end: the first finding came before."""
    began = time.perf_counter()
    _check(path, "--output-format", "concise")
    return (time.perf_counter() - began) * 1e3


def _check(path: Path, *options: str, is_fast: bool = True) -> None:
    with TemporaryDirectory(prefix="mock-june-bench-") as folder:
        # What every process of the command imports first, so that it is as if google-re2 were not installed.
        Path(folder, "sitecustomize.py").write_text("" if is_fast else "import sys\nsys.modules['re2'] = None\n", encoding="utf-8")
        command = [sys.executable, "-m", "mock_june", "check", str(path), *options]
        environment = {**os.environ, "PYTHONPATH": folder}
        done = subprocess.run(command, env=environment, capture_output=True, timeout=LIMIT, check=False)  # noqa: S603  # our own command
    if done.returncode not in {0, 1}:
        raise BenchError(f"mock-june check ended with {done.returncode}: {done.stderr[-500:]!r}")
