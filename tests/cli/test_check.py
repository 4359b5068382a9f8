"""`mock-june check`."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from mock_june.checker.reporters import REPORTERS

GOOD = '{"type":"identify","userId":"1"}\n'
BAD = '{"type":"identify","userId":2}\n'
SMELLS = '{"type":"identify","userId":" "}\n'


@pytest.fixture
def files(tmp_path, run):
    """A good file, a bad one and one that smells, in the folder that the command runs in."""
    for name, text in {"good": GOOD, "bad": GOOD + BAD, "smells": SMELLS}.items():
        (tmp_path / f"{name}.jsonl").write_text(text)
    return tmp_path


@pytest.mark.parametrize("name", list(REPORTERS))
@pytest.mark.parametrize(("file", "code"), [("good", 0), ("bad", 1), ("smells", 0)])
def test_exit_codes(run, files, name, file, code):
    """Clean files and warnings alone exit with 0, violations with 1, in every format; nothing goes to stderr."""
    ended = run("check", f"{file}.jsonl", "--output-format", name)
    assert (ended.code, ended.err) == (code, "")


def test_exit_zero(run, files):
    """--exit-zero tells the same and exits with 0."""
    assert run("check", "bad.jsonl", "--exit-zero") == (0, run("check", "bad.jsonl").out, "")


def test_text(run, files):
    """By default the rules broken are told, with file and line and the value marked."""
    out = run("check", ".").out
    assert "error[identify.userId.type] once\n  ./bad.jsonl:2: userId is the number 2, not a String\n" in out
    assert '    | {"type":"identify","userId":2}\n    |                             ^\n' in out
    assert "4 payloads checked in 3 files: 3 valid, 1 that June would refuse, 1 with warnings\n" in out


def test_json(run, files):
    """Json has the documented members."""
    document = json.loads(run("check", "bad.jsonl", "good.jsonl", "--output-format", "json").out)
    assert {"version", "rules_hash", "files", "checked", "valid", "invalid", "by_rule", "findings"} <= document.keys()
    assert document["files"] == ["bad.jsonl", "good.jsonl"]
    assert (document["checked"], document["valid"], document["invalid"], document["by_rule"]) == (3, 2, 1, {"identify.userId.type": 1})


def test_summary(run, files):
    """--summary-to writes the summary in Markdown besides, whatever the format; it is no other output's file."""
    ended = run("check", "bad.jsonl", "--output-format", "github", "--summary-to", "summary.md")
    assert ended.code == 1
    assert ended.out.startswith("::error ")
    assert (files / "summary.md").read_text() == run("check", "bad.jsonl", "--output-format", "markdown").out
    assert run("check", "bad.jsonl", "--output-file", "x", "--summary-to", "x").code == 2


def test_select_and_ignore(run, files):
    """--select and --ignore mean here what they mean to a server; a pattern that matches no rule is an error."""
    assert run("check", "bad.jsonl", "--ignore", "*.userId.type").code == 0
    assert run("check", "bad.jsonl", "--select", "track.*").code == 0
    ended = run("check", "bad.jsonl", "--select", "identify.userid.type")
    assert ended.code == 2
    assert "identify.userId.type" in ended.err


def test_contract_and_kind(run, files):
    """--contract and --kind say what payloads are held to."""
    (files / "f.jsonl").write_text('{"userId":"1","anonymousId":null}\n')
    assert run("check", "f.jsonl").code == 1
    assert run("check", "f.jsonl", "--contract", "sdk", "--kind", "identify").code == 0
    ended = run("check", "f.jsonl", "--kind", "identity")
    assert ended.code == 2
    assert "identify" in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name the files"),
        (["nothing.jsonl"], "nothing.jsonl does not exist"),
        (["empty"], "empty has no file to check"),
        (["*.xyz"], "matches no file"),
        (["good.jsonl", "--fix"], "--fix goes with --fixed-to"),
        (["good.jsonl", "--fixed-to", "x"], "--fixed-to goes with --fix"),
        (["good.jsonl", "--unsafe-fixes"], "--unsafe-fixes goes with --fix"),
        (["good.jsonl", "--now", "2021-01-01T00:00:00Z"], "--now goes with --history"),
        (["good.jsonl", "--map", "userId"], "--map takes MEMBER=COLUMN"),
        (["good.jsonl", "--baseline", "nothing"], "cannot be read"),
        (["good.jsonl", "--baseline", "good.jsonl"], "is no baseline"),
        (["good.jsonl", "--output-file", "no/such/folder"], "cannot be written"),
        (["good.jsonl", "--output-file", "empty"], "it is a folder"),
        (["good.jsonl", "--sample", "5", "--history"], "--history is about all events"),
    ],
)
def test_cannot_work(run, files, arguments, said):
    """What cannot be done exits with 2 and is said in one line; nothing is told, nothing left behind."""
    (files / "empty").mkdir()
    before = sorted(files.rglob("*"))
    ended = run("check", *arguments)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert said in ended.err
    assert sorted(files.rglob("*")) == before


def test_output_file(run, files):
    """--output-file takes what stdout would have, whole; where the run fails, what stood there still stands there."""
    out = run("check", "bad.jsonl").out
    assert run("check", "bad.jsonl", "--output-file", "report.txt") == (1, "", "")
    assert (files / "report.txt").read_text() == out
    (files / "cut.gz").write_bytes(b"\x1f\x8b\x08\x00")
    ended = run("check", "bad.jsonl", "cut.gz", "--output-file", "report.txt", "--output-format", "jsonl")
    assert (ended.code, ended.out) == (2, "")
    assert (files / "report.txt").read_text() == out
    assert not list(files.glob(".*.part"))


@pytest.mark.parametrize("option", ["--output-file", "--fixed-to", "--patch-to", "--valid-to", "--rejects-to", "--write-baseline"])
@pytest.mark.parametrize("how", ["same", "link", "hard"])
def test_never_the_input(run, files, option, how):
    """No output is ever written over an input, by whatever name."""
    name = {"same": "./bad.jsonl", "link": "link", "hard": "hard"}[how]
    (files / "link").symlink_to("bad.jsonl")
    os.link(files / "bad.jsonl", files / "hard")
    more = ["--fix", *(["--fixed-to", "x"] if option != "--fixed-to" else [])] if option in {"--fixed-to", "--patch-to"} else []
    ended = run("check", "bad.jsonl", option, name, *more)
    assert ended.code == 2
    assert "which is read" in ended.err
    assert (files / "bad.jsonl").read_text() == GOOD + BAD


def test_split(run, files):
    """--valid-to and --rejects-to part payloads byte for byte, and the reasons stand beside the rejects."""
    data = b'{"type":"identify", "userId":"\xc3\xa9"}\r\n\n{"type":"identify","userId":1.0}\n{"cut\n'
    (files / "f.jsonl").write_bytes(data)
    assert run("check", "f.jsonl", "--valid-to", "v", "--rejects-to", "r").code == 1
    assert (files / "v").read_bytes() == b'{"type":"identify", "userId":"\xc3\xa9"}\r\n'
    assert (files / "r").read_bytes() == b'{"type":"identify","userId":1.0}\n{"cut\n'
    reasons = [json.loads(line) for line in (files / "r.why.jsonl").read_text().splitlines()]
    assert [(each["line"], [violation["rule"] for violation in each["violations"]]) for each in reasons] == [(3, ["identify.userId.type"]), (4, ["body.json"])]


def test_fix(run, files):
    """--fix writes a corrected copy that is checked again, and says what was changed; the input stays as it is."""
    (files / "f.jsonl").write_text(GOOD + BAD + '{"type":"track"}\n')
    ended = run("check", "f.jsonl", "--fix", "--fixed-to", "fixed.jsonl", "--patch-to", "patches.jsonl", "--output-format", "json")
    document = json.loads(ended.out)
    assert ended.code == 1
    assert (document["checked"], document["valid"]) == (3, 2)
    assert (files / "fixed.jsonl").read_text() == GOOD + BAD.replace("2", '"2"') + '{"type":"track"}\n'
    (patch,) = [json.loads(line) for line in (files / "patches.jsonl").read_text().splitlines()]
    assert (patch["file"], patch["line"], patch["patch"]) == ("f.jsonl", 2, [{"op": "replace", "path": "/userId", "value": "2"}])
    assert "1 payload corrected in fixed.jsonl" in document["notes"][0]
    assert (files / "f.jsonl").read_text() == GOOD + BAD + '{"type":"track"}\n'


def test_history(run, files):
    """--history adds rules across events, which are warnings; without it the summary says that they were not looked at."""
    (files / "f.jsonl").write_text(GOOD * 2)
    assert "history was not looked at" in run("check", "f.jsonl").out
    ended = run("check", "f.jsonl", "--history")
    assert ended.code == 0
    assert "warning[history.duplicate-event]" in ended.out
    assert "not looked at" not in ended.out
    assert "history.duplicate-event" not in run("check", "f.jsonl", "--history", "--ignore", "history.duplicate*").out


def test_what_is_left(run, files):
    """What a fix leaves as it is, since it has no one meaning, is counted in the notes with the reason."""
    (files / "f.jsonl").write_text('{"type":"track","userId":"1","email":"a@b.c","event":"E","timestamp":"2021-03-28T02:30:00"}\n')
    ended = run("check", "f.jsonl", "--fix", "--unsafe-fixes", "--assume-tz", "Europe/Berlin", "--fixed-to", "fixed.jsonl")
    assert ended.code == 1
    assert "left as it is in fixed.jsonl" in ended.out
    assert "1x timestamp: a time that the clocks of Europe/Berlin skip" in ended.out


def test_baseline(run, files):
    """Findings that a baseline lists are left out, whatever line they moved to; new ones count, and those that did not come again are told."""
    assert run("check", "bad.jsonl", "--write-baseline", "known.json").code == 0
    (files / "bad.jsonl").write_text(GOOD * 3 + BAD)
    ended = run("check", "bad.jsonl", "--baseline", "known.json")
    assert ended.code == 0
    assert "1 finding known to known.json and left out" in ended.out
    (files / "bad.jsonl").write_text(BAD + BAD)
    assert run("check", "bad.jsonl", "--baseline", "known.json").code == 1
    assert "1 finding listed in known.json did not come again" in run("check", "good.jsonl", "--baseline", "known.json").out


def test_sample(run, files):
    """A sample is drawn from all payloads, the same for the same seed, and the report says that it is one."""
    (files / "f.jsonl").write_text("".join(f'{{"type":"identify","userId":{n}}}\n' for n in range(1000)))
    one, again, other = (run("check", "f.jsonl", "--sample", "20", "--seed", seed, "--output-format", "json").out for seed in ("1", "1", "2"))
    assert one == again
    document = json.loads(one)
    lines = [finding["line"] for finding in document["findings"]]
    assert document["checked"] == len(lines) == 20
    assert lines == sorted(lines)
    assert lines != [finding["line"] for finding in json.loads(other)["findings"]]
    assert max(lines) > 500
    assert "a sample of 20" in document["notes"][0]


def test_max_failures(run, files):
    """--max-failures ends the run with the payload that is one refused too many, and says so."""
    (files / "f.jsonl").write_text(BAD * 10)
    document = json.loads(run("check", "f.jsonl", "--max-failures", "3", "--output-format", "json").out)
    assert (document["checked"], document["invalid"], document["stopped"]) == (3, 3, True)


def test_tables(run, files):
    """CSV is checked too, its columns mapped and typed."""
    (files / "f.csv").write_text("user_id,traits.seats\n1,5\n,6\n")
    ended = run("check", "f.csv", "--map", "userId=user_id", "--types", "--kind", "identify", "--output-format", "concise")
    assert ended.code == 1
    assert "f.csv:3: identify.userId.required" in ended.out


def test_stdin(files):
    """- is stdin, named as such."""
    ended = subprocess.run(
        [sys.executable, "-m", "mock_june", "check", "-", "--output-format", "concise"], input=BAD.encode(), capture_output=True, check=False
    )
    assert ended.returncode == 1
    assert ended.stdout.startswith(b"<stdin>:1: identify.userId.type")


@pytest.mark.uncovered
def test_what_is_imported(files):
    """A small file is checked without rich, Flask, pytest, multiprocessing or pyarrow, which take longer to import than it takes to check."""
    heavy = ["rich", "flask", "pytest", "multiprocessing", "pyarrow", "httpx"]
    code = f"import sys\nfrom mock_june.cli.main import run\nrun(['check', 'bad.jsonl'])\nprint([name for name in {heavy} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=files)
    assert ended.stdout.splitlines()[-1] == "[]"


def test_environment(run, files, monkeypatch):
    """Options come from the environment, as of every command."""
    monkeypatch.setenv("MOCK_JUNE_CHECK_OUTPUT_FORMAT", "jsonl")
    assert json.loads(run("check", "bad.jsonl").out)["rule"] == "identify.userId.type"


def test_help_names_all_formats(run):
    """The formats that there are stand in the help."""
    out = run("check", "--help").out
    assert all(name in out for name in REPORTERS)
