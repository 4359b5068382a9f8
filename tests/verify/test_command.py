"""`mock-june verify`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt

from mock_june.cli import verify as command
from mock_june.errors import UnreachableError, UsageError
from mock_june.testing import RunningMock
from mock_june.verify import EXAMPLES, Verification, verify
from tests.verify.conftest import listening, served
from tests.verify.wrong_servers import KEY, WRONG

HOSTILE = "\x1b[2J\x9b1m\u202e]]>\ufffe\x01\x00<b>"
OFFSET = next(wrong for wrong in WRONG if wrong.name == "takes +02:00")
PROMISE = "backfill.track.timestamp.pattern.refused"


@pytest.fixture(scope="module")
def june():
    """A fake that takes one key."""
    with RunningMock() as running, running.workspace() as june:
        yield june


@pytest.fixture(scope="module")
def wrong_url():
    """A server that is wrong in one thing."""
    with listening(OFFSET.change) as url:
        yield url


def test_kept(run, june, tmp_path):
    """Of a server that keeps all promises each is told on a line, and the exit code is 0; nothing is left behind."""
    code, out, err = run(june.url, "--key", june.key)
    assert code == 0
    *lines, _, last = out.splitlines()
    assert len(lines) > 100
    assert all(re.fullmatch(r"kept\t[a-zA-Z0-9.-]+\t.+", line) for line in lines)
    counts = re.fullmatch(r"(\d+) promises: \1 kept; (\d+) of at most (\d+) requests sent in \d+\.\d s", last)
    assert counts is not None
    assert int(counts[1]) == len(lines)
    assert err == f"mock-june: {counts[1]} promises; at most {counts[3]} requests will be sent to {june.url}\n"
    assert len(june.calls()) <= int(counts[2])
    assert list(tmp_path.iterdir()) == []


def test_broken(run, wrong_url):
    """A broken promise is told with its source, what came, and a line for curl; the exit code is 1."""
    code, out, _ = run(wrong_url, "--key", KEY, "--max-examples", "0")
    assert code == 1
    assert [line.partition("\t")[0] for line in out.splitlines() if f"\t{PROMISE}\t" in line] == ["broken"]
    told = out[out.index(f"✗ {PROMISE}") :].splitlines()
    assert told[1:4] == [
        "  a track whose `timestamp` is no date-time in UTC as the contract has it is refused",
        "  as written: timestamp | required, ISO format with timezone set to UTC | String | The time at which the user performed the event",
        '  timestamp "2021-02-24T01:19:38+02:00": POST /api/track: wanted a refusal (400), came 200 {"status":200,"success":true}',
    ]
    assert told[4].startswith(f"  curl -sS -i {wrong_url}/api/track -H 'Authorization: Basic {KEY}' ")
    assert re.search(r"^102 promises: 101 kept, 1 broken; ", out, re.MULTILINE)


def test_table(run, wrong_url, monkeypatch):
    """For a person the promises stand in a table, under what they are about."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    code, out, _ = run(wrong_url, "--key", KEY, "--max-examples", "0")
    assert code == 1
    plain = re.sub(r"\x1b\[[0-9;]*m", "", out)
    assert plain != out
    assert "\t" not in plain
    for heading in ("auth", "http", "backfill / identify", "backfill / group", "backfill / track", "answer"):
        assert re.search(rf"^{heading} *$", plain, re.MULTILINE), heading
    assert re.search(rf"^  ✗ {PROMISE} ", plain, re.MULTILINE)


def test_json(run, wrong_url):
    """As JSON there is all of it."""
    code, out, _ = run(wrong_url, "--key", KEY, "--max-examples", "0", "--output-format", "json")
    report = json.loads(out)
    assert code == 1
    assert report["kept"] is False
    assert report["url"] == wrong_url
    assert report["counts"] == {"kept": 101, "broken": 1, "implied": 0, "skipped": 0, "untried": 0}
    assert report["requests"]["sent"] <= report["requests"]["most"]
    broken = [promise for promise in report["promises"] if promise["state"] == "broken"]
    assert [promise["id"] for promise in broken] == [PROMISE]
    assert broken[0]["breach"]["status"] == 200
    assert broken[0]["breach"]["curl"].startswith("curl ")
    assert sum(promise["sent"] for promise in report["promises"]) <= report["requests"]["sent"]


def test_junit(run, wrong_url):
    """As JUnit XML each promise is a test case, a broken one a failure, one that was not tried is skipped."""
    code, out, _ = run(wrong_url, "--key", KEY, "--max-examples", "0", "--any-key", "--output-format", "junit")
    root = ET.fromstring(out)
    assert code == 1
    assert root.tag == "testsuites"
    assert (root.attrib["tests"], root.attrib["failures"], root.attrib["errors"], root.attrib["skipped"]) == ("102", "1", "0", "2")
    cases = root.findall("testsuite/testcase")
    assert len(cases) == 102
    failed = [case for case in cases if case.find("failure") is not None]
    assert [(case.attrib["classname"], case.attrib["name"]) for case in failed] == [(PROMISE.rpartition(".")[0], PROMISE)]
    assert "curl " in (failed[0].findtext("failure") or "")


def test_markdown(run, wrong_url):
    """As Markdown what is not kept is a row of a table, and the request that shows it a block of code."""
    code, out, _ = run(wrong_url, "--key", KEY, "--max-examples", "0", "--output-format", "markdown")
    assert code == 1
    assert out.startswith("### mock-june verify: 1 of 102 promises not kept\n\n| promise |")
    html = MarkdownIt("commonmark").enable("table").render(out)
    [row] = re.findall(r"<tr>\s*<td>(.*?)</tr>", html, re.DOTALL)
    assert row.startswith(f"<code>{PROMISE}</code></td>\n<td>broken</td>\n<td>a track whose <code>timestamp</code> is no date-time in UTC")
    assert "came 200" in row
    assert html.count("<pre><code>curl -sS -i ") == 1


@pytest.mark.parametrize("output_format", ["text", "json", "junit", "markdown"])
def test_hostile(run, output_format):
    """What a server answers reaches no terminal as it is, and breaks no format."""
    body = HOSTILE.encode()
    said = b"HTTP/1.1 400 \x1b[2J\r\nContent-Type: \x1b]0;x\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with served(lambda _: said) as url:
        code, out, err = run(url, "--key", KEY, "--max-examples", "0", "--output-format", output_format)
    assert code == 1
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ufffe]", out + err)
    if output_format == "junit":
        assert ET.fromstring(out) is not None
    if output_format == "markdown":
        html = MarkdownIt("commonmark").enable("table").render(out)
        assert set(re.findall(r"<(\w+)", html)) == {"h3", "table", "thead", "tbody", "tr", "th", "td", "code", "pre", "p"}
    if output_format == "json":
        assert json.loads(out)


def test_unreachable(run):
    """Where nothing answers, the exit code is 2, with a line that says what to do."""
    code, out, err = run("http://127.0.0.1:1", "--key", KEY, "--max-examples", "0")
    assert (code, out) == (2, "")
    assert re.search(r"^mock-june: nothing answers at http://127\.0\.0\.1:1 \(.*\); start the server, or correct the URL$", err, re.MULTILINE)


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        ((), "URL"),
        (("http://127.0.0.1:1",), "--key"),
        (("127.0.0.1:5863", "--key", "k"), "looks like http"),
        (("http://127.0.0.1:1", "--key", ""), "an API key is"),
        (("http://127.0.0.1:1", "--key", "a\nb"), "an API key is"),
        (("http://127.0.0.1:1", "--key", "k", "--max-examples", "-1"), "--max-examples"),
        (("http://127.0.0.1:1", "--key", "k", "--output-format", "xml"), "--output-format"),
    ],
)
def test_usage(run, argv, told):
    """What makes no sense is exit code 2 and one line."""
    code, out, err = run(*argv)
    assert (code, out) == (2, "")
    assert told in err
    assert err.startswith("mock-june: ")
    assert err.count("\n") == 1


def test_key_of_the_environment(run, june, monkeypatch):
    """The key may come from the environment, where no other user of the machine reads it."""
    monkeypatch.setenv("MOCK_JUNE_VERIFY_KEY", june.key)
    assert run(june.url, "--max-examples", "0").code == 0


def test_any_key(run):
    """A fake that takes any key breaks a promise, unless --any-key says so."""
    with subprocess.Popen([sys.executable, "-m", "mock_june", "serve", "--port", "0"], stdout=subprocess.PIPE, text=True) as server:
        try:
            url = server.stdout.readline().split()[-1]
            code, out, _ = run(url, "--key", "k", "--max-examples", "0")
            assert code == 1
            assert re.findall(r"^broken\t(\S+)", out, re.MULTILINE) == ["auth.wrong-key.refused"]
            code, out, _ = run(url, "--key", "k", "--max-examples", "0", "--any-key")
            assert code == 0
            assert re.findall(r"^skipped\t(\S+)", out, re.MULTILINE) == ["auth.base64.accepted", "auth.wrong-key.refused"]
        finally:
            server.terminate()


def test_examples():
    """The help says how many examples are the default, and that is so."""
    assert command.EXAMPLES == EXAMPLES


def test_in_python(june, wrong_url):
    """The same can be had in Python: a report, and errors with their reasons."""
    report = verify(june.url, june.key, max_examples=0)
    assert report.kept
    assert report.count("kept") == len(report.outcomes)
    told: list[object] = []
    report = Verification(wrong_url, KEY, max_examples=0).run(told.append)
    assert not report.kept
    assert report.outcomes == tuple(told)
    with pytest.raises(UsageError, match="looks like"):
        verify("x", "k")
    with pytest.raises(UnreachableError, match="nothing answers"):
        verify("http://127.0.0.1:1", "k", max_examples=0)


def pytest_of_the_suite(folder, *argv: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder, *argv],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=folder.parent,
    )


def test_pytest(repo, wrong_url):
    """`pytest contract_tests` is the same suite, a test a promise."""
    ended = pytest_of_the_suite(repo / "contract_tests", "--url", wrong_url, "--key", KEY, "--max-examples", "0")
    assert ended.returncode == 1
    assert f"test_promise[{PROMISE}]" in ended.stdout
    assert "1 failed, 101 passed" in ended.stdout
    assert "as written: timestamp | required, ISO format with timezone set to UTC" in ended.stdout
    assert "curl -sS -i" in ended.stdout


def test_pytest_without_a_server(repo):
    """Without a URL it says what it needs; with one where nothing is, it ends at once."""
    ended = pytest_of_the_suite(repo / "contract_tests")
    assert ended.returncode != 0
    assert "--url URL --key KEY" in ended.stdout + ended.stderr
    ended = pytest_of_the_suite(repo / "contract_tests", "--url", "http://127.0.0.1:1", "--max-examples", "0")
    assert ended.returncode == 2
    assert "nothing answers at http://127.0.0.1:1" in ended.stdout + ended.stderr


def test_one_by_one(repo, wrong_url):
    """Promises can be asked alone, those that watch the others' answers too."""
    ended = pytest_of_the_suite(
        repo / "contract_tests", "--url", wrong_url, "--key", KEY, "--max-examples", "0", "-k", "answer.refusal.shape or group.userId.accepted"
    )
    assert "2 passed, 100 deselected" in ended.stdout
