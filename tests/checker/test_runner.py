"""mock_june.checker: what a run counts and tells, in one process and in many."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_june.checker import parallel, preflight
from mock_june.checker.inputs import Table
from mock_june.checker.inputs.lines import WHITE
from mock_june.checker.job import Job
from mock_june.checker.report import EXAMPLES, Report
from mock_june.checker.scan import ExactScan
from mock_june.contract import Engine
from mock_june.errors import MockJuneError
from mock_june.model import Endpoint

ENGINE = Engine()
QUICK = ENGINE.quick(Endpoint("backfill"))
GOOD = b'{"type":"identify","userId":"1"}'
BAD = b'{"type":"identify","userId":1}'
SMELLS = b'{"type":"identify","userId":" "}'
BLANK = b" \t\r"
NO_JSON = b'{"type":'
LINES = [GOOD, BAD, SMELLS, BLANK, b"", NO_JSON, b"[]", b"null", b'"x"', b'{"type":"nobody"}', b'{"type":["identify"]}', GOOD + b"\r", b"\xff"]


def run(paths, workers=1, *, most=None, tells=True, statistics=False):
    """A run's report and what it told."""
    told: list = []
    report = Report("0", ENGINE.rules_hash)
    job = Job("backfill", None, (), (), Table(), most, tells, statistics)
    preflight.check_all(job, ENGINE, [str(path) for path in paths], report, told.append, workers, lambda count: None)
    return report, told


@pytest.fixture
def mixed(tmp_path):
    """Two files of good and bad lines, with a long line and a blank one, and an array."""
    dice = random.Random(5)
    first = tmp_path / "a.jsonl"
    lines = [dice.choice(LINES) for _ in range(3000)]
    lines[1500] = b'"' + b"x" * 30_000 + b'"'
    first.write_bytes(b"\n".join(lines))
    second = tmp_path / "b.json"
    second.write_bytes(b"[" + b",\n".join([GOOD, BAD] * 50) + b"]")
    third = tmp_path / "c.jsonl"
    third.write_bytes(b"".join(dice.choice(LINES) + b"\n" for _ in range(500)))
    return [first, second, third]


def test_counts(tmp_path):
    """A report counts the payloads, those that June would refuse, those with warnings, and each rule; blank lines are none."""
    path = tmp_path / "f.jsonl"
    path.write_bytes(b"\n".join([GOOD, BAD, BLANK, SMELLS, NO_JSON, GOOD]))
    report, told = run([path])
    assert (report.checked, report.valid, report.invalid, report.warned) == (5, 3, 2, 1)
    assert report.by_rule == {"identify.userId.type": 1, "identify.userId.blank": 1, "body.json": 1}
    assert [(finding.line, finding.offset, finding.kind, finding.violation.rule) for finding in told] == [
        (2, 33, "identify", "identify.userId.type"),
        (4, 68, "identify", "identify.userId.blank"),
        (5, 101, None, "body.json"),
    ]
    assert report.files == [str(path)]


def test_examples(tmp_path):
    """Of each rule the first few findings are kept, with the payload's text; what is told has none."""
    path = tmp_path / "f.jsonl"
    path.write_bytes((BAD + b"\n") * 10)
    report, told = run([path])
    assert [finding.line for finding in report.examples["identify.userId.type"]] == list(range(1, EXAMPLES + 1))
    assert {finding.body for finding in report.examples["identify.userId.type"]} == {BAD}
    assert [finding.body for finding in told] == [b""] * 10
    assert run([path], tells=False)[0] == report


@given(st.lists(st.sampled_from(LINES), min_size=1, max_size=40))
@settings(max_examples=200, deadline=None)
def test_the_fast_look(lines):
    """The fast look at many lines never passes over one that has a violation, a warning or nothing in it, and knows where each stands."""
    data = b"\n".join(lines) + b"\n"
    scanned = ExactScan(QUICK).scan(data)
    assert scanned.lines == len(lines)
    at, expected = 0, []
    for number, body in enumerate(lines):
        verdict = ENGINE.check(body, Endpoint("backfill"))
        if not body.strip(WHITE) or verdict.violations or verdict.warnings:
            expected.append((number, at))
        at += len(body) + 1
    assert scanned.doubtful == expected


@pytest.mark.parametrize("tells", [True, False])
@pytest.mark.parametrize("workers", [2, 4])
def test_many_processes(mixed, monkeypatch, workers, tells):
    """Many processes find the very same as one, in the same order: lines, bytes, counts and examples."""
    monkeypatch.setattr(parallel, "RANGE", 5000)
    monkeypatch.setattr(parallel, "TOLD_RANGE", 3000)
    one, many = run(mixed, tells=tells, statistics=True), run(mixed, workers, tells=tells, statistics=True)
    assert many == one
    assert one[0].checked > 2000


@pytest.mark.parametrize("most", [1, 2, 777, 1250, 100_000])
def test_max_failures(mixed, monkeypatch, most):
    """A run ends with the payload that is one refused too many, also over many processes."""
    monkeypatch.setattr(parallel, "TOLD_RANGE", 3000)
    one, many = run(mixed, most=most), run(mixed, 2, most=most)
    assert many == one
    assert one[0].stopped == (most < 100_000)
    assert one[0].invalid == most or not one[0].stopped


def test_lines_at_borders(tmp_path, monkeypatch):
    """Ranges end with lines: no line is cut, checked twice or left out, whatever their size."""
    path = tmp_path / "f.jsonl"
    lines = [b'{"type":"identify","userId":"%s"}' % (b"x" * size) for size in range(1, 60)]
    path.write_bytes(b"\n".join(lines))
    for step in (1, 7, 33, 34, 100, 5000):
        monkeypatch.setattr(parallel, "RANGE", step)
        job = Job("backfill", None, (), (), Table(), None, tells=False)
        done = [parallel.work(job, ENGINE, task) for task in parallel._tasks(job, [str(path)])]
        assert sum(each.report.checked for each in done) == 59
        assert sum(each.report.valid for each in done) == 59
        assert sum(each.lines for each in done) == 59


def test_killed_worker(tmp_path):
    """When a process of a run is killed, the run is incomplete, and says so: never is it clean."""
    path = tmp_path / "f.jsonl"
    path.write_bytes((GOOD + b"\n") * 2_000_000)
    ended = threading.Event()

    def kill():
        while not ended.is_set():
            for child in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split():
                if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                    os.kill(int(child), signal.SIGKILL)
                    return
            time.sleep(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        with pytest.raises(MockJuneError, match="incomplete") as error:
            run([path], 2)
    finally:
        ended.set()
        killer.join()
    assert error.value.exit_code == 2


def test_unreadable_in_a_worker(tmp_path, mixed):
    """What another process cannot read is said as it is of one."""
    path = tmp_path / "cut.jsonl"
    path.write_bytes(b"\x1f\x8b\x08\x00")
    for workers in (1, 2):
        with pytest.raises(MockJuneError, match=r"cut\.jsonl cannot be read"):
            run([*mixed, path], workers)


def test_quick_never_disagrees(corpus_payloads):
    """A quick look never calls clean what a check finds something in, and never doubts what it finds nothing in."""
    backfill = [Endpoint("backfill", kind) for kind in (None, "identify", "track")]
    sdk = [Endpoint("sdk", kind) for kind in (None, "page", "alias")]
    for endpoint in backfill + sdk:
        quick = ENGINE.quick(endpoint)
        for body in corpus_payloads:
            verdict = ENGINE.check(body, endpoint)
            is_clean = not verdict.violations and not verdict.warnings
            assert quick(body) == (verdict.events[0].kind if is_clean else None), body


@pytest.fixture(scope="module")
def corpus_payloads():
    """The payloads that the schema files show as good and as bad."""
    folder = Path(__file__).parents[2] / "schemas" / "examples"
    found = list(LINES)
    for path in sorted(folder.rglob("*.json")):
        example = json.loads(path.read_bytes())
        if "payload" in example:
            found.append(json.dumps(example["payload"], ensure_ascii=False).encode())
        elif "raw" in example:
            found.append(example["raw"].encode("utf-8", "surrogatepass"))
        else:
            found.append(bytes.fromhex(example["hex"]))
    assert len(found) > 100
    return found
