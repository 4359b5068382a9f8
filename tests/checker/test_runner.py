"""mock_june.checker: what a run counts and tells, in one process and in many."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import corpora
from mock_june.checker import parallel, preflight, tasks
from mock_june.checker.history.cases import MOST as MOST_CASES
from mock_june.checker.history.rules import History
from mock_june.checker.inputs import Table
from mock_june.checker.inputs.lines import WHITE
from mock_june.checker.job import Job
from mock_june.checker.report import EXAMPLES, Report
from mock_june.checker.scan import ExactScan, exact
from mock_june.contract import Engine
from mock_june.contract.look import UNREAD, parsed
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


def run(paths, workers=1, *, most=None, tells=True, statistics=False, told=None, history=None):
    """A run's report and what it told."""
    told = [] if told is None else told
    report = Report("0", ENGINE.rules_hash)
    job = Job("backfill", None, (), (), Table(), most, tells, statistics, history is not None)
    preflight.check_all(job, ENGINE, [str(path) for path in paths], report, told.append, workers, lambda count: None, history)
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


DECEIVING = [
    *(b'{"type":"identify","userId":"1","x":[1', b"2]}", b"1,2", b"[", b"]", b"],[", b'"', b"\\", b'"\\', b",", b"{", b"}", b"\xc3", b"\xa9", b"\x00"),
    *(GOOD + b"," + GOOD, GOOD[:-1], GOOD[1:], b'{"x":"', b'","y":"', b'"}', GOOD + b"\t", b" " + GOOD, b"[" * 1023 + b"]" * 1023, b"[" * 1024),
]
"""Lines that are none by themselves, and might be taken for some together."""


def doubtful(lines):
    """Those of the lines in which there is anything to find, or nothing at all: number, start, whether it is no JSON."""
    at = 0
    for number, body in enumerate(lines):
        verdict = ENGINE.check(body, Endpoint("backfill"))
        if not body.strip(WHITE) or verdict.violations or verdict.warnings:
            yield number, at, parsed(body) is UNREAD
        at += len(body) + 1


def places(scanned):
    """What a scan calls doubtful, in the same form."""
    return [(number, at, payload is UNREAD) for number, at, payload in scanned.doubtful]


@given(st.lists(st.sampled_from(LINES), max_size=40), st.lists(st.sampled_from([*LINES, *DECEIVING]), min_size=1, max_size=6), st.integers(0, 40))
@settings(max_examples=400, deadline=None)
def test_the_fast_look(lines, deceiving, at):
    """The fast look at many lines never passes over one that has a violation, a warning or nothing in it, and knows where each stands."""
    for some in ([*lines, *deceiving], [*[GOOD] * 10, *deceiving, *[GOOD] * 10], [*lines[:at], *deceiving, *lines[at:]]):
        scanned = ExactScan(QUICK).scan(b"\n".join(some) + b"\n")
        assert scanned.lines == len(some)
        assert places(scanned) == list(doubtful(some))


@pytest.mark.parametrize(
    "deceiving",
    [
        [b'{"type":"identify","userId":"1","x":[1', b"2]}", GOOD + b",0," + GOOD],  # as many values as lines
        [GOOD + b',"x",' + GOOD, b'{"type":"identify","userId":"1","x":[1', b"2]}"],
        [GOOD + b",0," + GOOD + b",0," + GOOD, b'{"type":"identify","userId":"1","x":[1', b"2", b"3]}"],
        [GOOD + b"]", b"[" + GOOD],
        [b'{"type":"identify","userId":"1","x":"', b'"}'],
    ],
)
def test_lines_that_deceive(deceiving):
    """Lines that are no values by themselves are never taken for good because others are several, or because together they are as many as there are lines."""
    lines = [*[GOOD] * 9, *deceiving, *[GOOD] * 9]
    assert places(ExactScan(QUICK).scan(b"\n".join(lines) + b"\n")) == list(doubtful(lines))


@pytest.mark.parametrize("bad", [0.0, 0.01, 0.3])
def test_runs_of_lines(monkeypatch, bad):
    """It makes no difference how many lines are parsed together, nor how often that fails; in good files it does not fail."""
    lines = [line[:-1] for line in corpora.lines(2000, bad=bad, seed=3)]
    lines[1000] = b'{"type":"identify","userId":"' + b"x" * 40_000 + b'"}'
    data, expected = b"\n".join(lines) + b"\n", list(doubtful(lines))
    together = []
    monkeypatch.setattr(ExactScan, "_together", lambda self, *run, asked=ExactScan._together: together.append(asked(self, *run)) or together[-1])
    for size in (1, 500, exact.RUN, 1 << 20):
        monkeypatch.setattr(exact, "RUN", size)
        scanner = ExactScan(QUICK)
        for _ in range(2):
            scanned = scanner.scan(data)
            assert (scanned.lines, places(scanned)) == (2000, expected)
    assert together.count([]) < len(together)
    together.clear()
    monkeypatch.setattr(exact, "RUN", 1 << 14)
    ExactScan(QUICK).scan(data)
    if not bad:
        assert together.count([]) <= 2  # the long line, and the last ones


@pytest.mark.parametrize("tells", [True, False])
@pytest.mark.parametrize("workers", [2, 4])
def test_many_processes(mixed, monkeypatch, workers, tells):
    """Many processes find the very same as one, in the same order: lines, bytes, counts and examples."""
    monkeypatch.setattr(tasks, "RANGE", 5000)
    monkeypatch.setattr(tasks, "TOLD_RANGE", 3000)
    one, many = run(mixed, tells=tells, statistics=True), run(mixed, workers, tells=tells, statistics=True)
    assert many == one
    assert one[0].checked > 2000


@pytest.mark.parametrize("most", [1, 2, 777, 1250, 100_000])
def test_max_failures(mixed, monkeypatch, most):
    """A run ends with the payload that is one refused too many, also over many processes."""
    monkeypatch.setattr(tasks, "TOLD_RANGE", 3000)
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
        monkeypatch.setattr(tasks, "RANGE", step)
        job = Job("backfill", None, (), (), Table(), None, tells=False)
        done = [tasks.work(job, ENGINE, task) for task in tasks.tasks(job, [str(path)])]
        assert sum(each.report.checked for each in done) == 59
        assert sum(each.report.valid for each in done) == 59
        assert sum(each.lines for each in done) == 59


def test_F7_killed_worker(tmp_path):
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


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are found in /proc")
def test_killed_run(tmp_path):
    """When a run is killed, its other processes end too."""
    path = tmp_path / "f.jsonl"
    path.write_bytes((GOOD + b"\n") * 1_000_000)
    with subprocess.Popen([sys.executable, "-m", "mock_june", "check", str(path), "-j", "2", "--history"], stdout=subprocess.DEVNULL) as process:
        others: list = []
        until = time.monotonic() + 60
        while not any(b"spawn_main" in command(other) for other in others) and time.monotonic() < until:
            others = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        time.sleep(0.3)
        process.kill()
    while any(map(command, others)) and time.monotonic() < until:
        time.sleep(0.05)
    assert others
    assert not any(map(command, others))


def command(number):
    """The command line of a process; empty of one that is gone."""
    try:
        return Path(f"/proc/{number}/cmdline").read_bytes()
    except OSError:
        return b""


def test_unreadable_in_a_worker(tmp_path, mixed):
    """What cannot be read is said when its turn comes, as it is of one process: all that came before has been told."""
    path = tmp_path / "cut.jsonl"
    path.write_bytes(b"\x1f\x8b\x08\x00")
    for paths in ([*mixed, path, mixed[0]], [mixed[0], tmp_path / "nothing.jsonl", mixed[1]]):
        told: list = []
        for workers in (1, 2, 4):
            told.append([])
            with pytest.raises(MockJuneError, match=r"(cut|nothing)\.jsonl cannot be read"):
                run(paths, workers, told=told[-1])
        assert told[0] == told[1] == told[2]
        assert len(told[0]) > 1000


def test_history_over_many_processes(tmp_path, monkeypatch):
    """History finds the same in the same order, however many processes look at the payloads for it."""
    monkeypatch.setattr(tasks, "TOLD_RANGE", 20_000)
    first = corpora.write(tmp_path / "a.jsonl", corpora.lines(3000, bad=0.1, seed=1))
    second = tmp_path / "b.json"
    second.write_bytes(b"[" + b",\n".join(first.read_bytes().splitlines()[:40:2][:5]) + b"]")
    found = []
    for workers in (1, 2, 4):
        history = History("2022-01-01T00:00:00Z")
        result = run([first, second, first], workers, history=history)
        preflight.add_history(history, result[0], result[1].append)
        history.close()
        found.append(result)
    assert found[0] == found[1] == found[2]
    report, told = found[0]
    assert len([finding for finding in told if finding.violation.rule == "history.future"]) == MOST_CASES
    assert report.by_rule["history.future"] > 2 * MOST_CASES  # all are counted


def test_too_much_to_keep(tmp_path, monkeypatch):
    """Of a part with more findings than a process may keep, they are told as they are found when its turn comes, and are the same."""
    path = tmp_path / "f.jsonl"
    path.write_bytes(b"{}\n" * (tasks.MOST + 5000) + BAD + b"\n")
    monkeypatch.setattr(tasks, "TOLD_RANGE", 3 * tasks.MOST + 6000)
    taken = []
    monkeypatch.setattr(parallel, "go_through", lambda job, checker, task, *more: taken.append(task.start) or tasks.go_through(job, checker, task, *more))
    (one, first), (many, second) = run([path]), run([path, path], 2)
    assert len(first) == tasks.MOST + 5001
    assert second == first * 2
    assert many.by_rule == {rule: 2 * count for rule, count in one.by_rule.items()}
    assert taken.count(0) == 2


def test_counted_alone(mixed, tmp_path):
    """Where findings are only counted, the counts and the examples are those of a run that tells each."""
    path = corpora.write(tmp_path / "bad.jsonl", corpora.lines(3000, bad=0.4, seed=9))
    for most in (None, 1, 700):
        report, told = run([path, *mixed], tells=False, most=most)
        assert told == []
        assert report == run([path, *mixed], most=most)[0]
