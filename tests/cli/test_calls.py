"""`mock-june calls`: the record of a running fake, in the terminal."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from mock_june.server.ingest import Request
from mock_june.server.serving import Server, listen
from tests.server.faces import GROUP, TRACK, FrontFace, new_mock

ENVIRONMENT = {name: os.environ[name] for name in ("PATH",)} | {"PYTHONUNBUFFERED": "1"}
OTHER = TRACK | {"userId": "2", "event": "Paid"}


@pytest.fixture(scope="module")
def shared() -> Iterator[FrontFace]:
    face = FrontFace(new_mock())
    yield face
    face.close()


@pytest.fixture
def fake(shared: FrontFace) -> FrontFace:
    """A fake with three calls of two keys on record: a track that was taken, a group that was, a track that was not."""
    shared.mock.reset(None)
    shared.post("/api/track", TRACK, key="first-key-of-all")
    shared.post("/api/group", GROUP, key="second-key-of-all")
    shared.post("/api/track", OTHER | {"email": 5}, key="first-key-of-all")
    return shared


def numbers(out: str) -> list[int]:
    return [int(call["id"]) for call in map(json.loads, out.splitlines())]


class TestRecord:
    def test_a_line_a_call(self, run, fake):
        """Oldest first: time, status, request and what it is about, and what broke."""
        code, out, err = run("calls", "--url", fake.server.url)
        lines = out.splitlines()
        assert (code, err, len(lines)) == (0, "", 3)
        assert re.match(r"\d\d:\d\d:\d\d 200 POST /api/track  Registered · 1 ", lines[0])
        assert re.match(r"\d\d:\d\d:\d\d 200 POST /api/group  A · 1 ", lines[1])
        assert re.match(r"\d\d:\d\d:\d\d 400 POST /api/track  Paid · 2 .*  track\.email\.type$", lines[2])
        assert "first-key-of-all" not in out

    def test_markdown(self, run, fake):
        """As Markdown it is a heading and a row for each rule that was broken, such as a CI job shows."""
        code, out, _ = run("calls", "--url", fake.server.url, "--output-format", "markdown")
        assert code == 0
        assert out.startswith("### mock-june calls: 1 of 3 calls would be refused\n\n| rule |")
        [row] = [line for line in out.splitlines() if line.startswith("| `")]
        assert row.startswith("| `track.email.type` | email is the number 5, not a String | in 1 call, first in call ")

    def test_lines_are_whole_when_piped(self, run, fake):
        """What is not read on a terminal is not cut to a width."""
        fake.post("/sdk/batch", {"batch": [{"type": kind} for kind in ("identify", "group", "track", "page", "screen", "alias")]}, key="first-key-of-all")
        _, out, _ = run("calls", "--url", fake.server.url, "--limit", "99")
        assert len(out.splitlines()) == 4
        assert "sdk.group.groupId.required" in out.splitlines()[3]

    @pytest.mark.parametrize(
        ("filters", "found"),
        [
            ((), [0, 1, 2]),
            (("--key", "second-key-of-all"), [1]),
            (("--key", "first-key-of-all"), [0, 2]),
            (("--kind", "track"), [0, 2]),
            (("--accepted",), [0, 1]),
            (("--rejected",), [2]),
            (("--rule", "*.email.*"), [2]),
            (("--user-id", "1"), [0, 1]),
            (("--user-id", "1", "--kind", "group"), [1]),
            (("--group-id", "A"), [1]),
            (("--anonymous-id", "x"), []),
            (("--event", "Paid"), [2]),
            (("--path", "/api/t*"), [0, 2]),
            (("--limit", "2"), [0, 1]),
            (("--limit", "1", "--rejected"), [2]),
        ],
    )
    def test_filters(self, run, fake, filters, found):
        """Each filter narrows what is shown; all that are given must hold."""
        first = fake.mock.journal.first_id
        code, out, err = run("calls", "--url", fake.server.url, "--output-format", "jsonl", *filters)
        assert (code, numbers(out)) == (0, [first + number for number in found])
        assert err == ("" if found else "mock-june: no call on record matches\n")

    def test_more_than_a_page(self, run, fake):
        """Everything is shown, however much there is."""
        for _ in range(450):
            fake.post("/api/track", TRACK, key="first-key-of-all")
        first = fake.mock.journal.first_id
        code, out, _ = run("calls", "--url", fake.server.url, "--output-format", "jsonl")
        assert (code, numbers(out)) == (0, list(range(first, first + 453)))

    def test_json_is_one_document(self, run, fake):
        """`json` is an array of the calls as the control API shows them, `jsonl` each on a line; of nothing, an empty one."""
        _, out, _ = run("calls", "--url", fake.server.url, "--output-format", "json")
        document = json.loads(out)
        _, lines, _ = run("calls", "--url", fake.server.url, "--output-format", "jsonl")
        assert document == [json.loads(line) for line in lines.splitlines()]
        assert [(call["status"], call["accepted"], len(call["events"])) for call in document] == [(200, True, 1), (200, True, 1), (400, False, 1)]
        assert document[0]["events"][0]["payload"] == TRACK
        assert document == fake.send("GET", "/_mock/calls").json["calls"]
        assert json.loads(run("calls", "--url", fake.server.url, "--output-format", "json", "--user-id", "x").out) == []

    def test_deep_payloads(self, run, fake):
        """What is nested deeper than most writers go is shown as well."""
        deep: dict[str, Any] = {}
        for _ in range(500):
            deep = {"a": deep}
        fake.post("/api/track", json.dumps(TRACK | {"properties": deep}).encode(), key="first-key-of-all")
        code, out, _ = run("calls", "--url", fake.server.url, "--output-format", "jsonl")
        assert (code, json.loads(out.splitlines()[3])["events"][0]["payload"]["properties"]) == (0, deep)

    def test_colour(self, run, fake, monkeypatch):
        """Colour is for terminals, and for whoever forces it; NO_COLOR outranks."""
        assert "\x1b[" not in run("calls", "--url", fake.server.url).out
        monkeypatch.setenv("FORCE_COLOR", "1")
        assert "\x1b[1;32m200" in run("calls", "--url", fake.server.url).out
        monkeypatch.setenv("NO_COLOR", "1")
        assert "\x1b[" not in run("calls", "--url", fake.server.url).out.replace("\x1b[1m", "").replace("\x1b[2m", "").replace("\x1b[0m", "")


HOSTILE = "\x1b[2J\x9b1m\x1b]0;title\x07\r\n\u202e\u2028::error::x\ufeff\x7f"


class TestHostileText:
    @pytest.mark.parametrize("output", ["text", "json", "jsonl"])
    def test_nothing_that_a_terminal_acts_on(self, run, fake, output):
        """Whatever a client sent in ids, names, paths or headers, no control character reaches the terminal, and no line begins with it."""
        fake.post("/api/track", TRACK | {"userId": HOSTILE, "event": HOSTILE, "email": 5}, key="first-key-of-all", headers={"X-Odd": "\x9b1m"})
        fake.post("/sdk/batch?a=%1b%0d%0a", {"batch": [TRACK | {"type": HOSTILE}]}, key="first-key-of-all")
        _, out, _ = run("calls", "--url", fake.server.url, "--output-format", output)
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e\ufeff]", out)
        assert not [line for line in out.splitlines() if line.startswith("::")]
        if output == "text":
            assert len(out.splitlines()) == 5

    def test_json_says_the_same(self, run, fake):
        """What is escaped in JSON is the same text to whoever parses it."""
        fake.post("/api/track", TRACK | {"userId": HOSTILE}, key="first-key-of-all")
        _, out, _ = run("calls", "--url", fake.server.url, "--output-format", "jsonl", "--limit", "9")
        assert json.loads(out.splitlines()[3])["events"][0]["payload"]["userId"] == HOSTILE


class TestTrouble:
    def one_line(self, ended: Any) -> str:
        assert (ended.code, ended.out) == (2, "")
        assert ended.err.startswith("mock-june: ")
        assert ended.err.count("\n") == 1
        return str(ended.err)

    @pytest.mark.parametrize("follow", [(), ("--follow",)])
    def test_nobody_there(self, run, follow):
        """Where no fake answers: exit 2 and one line that says what to do."""
        with listen("127.0.0.1", 0) as sock:
            port = sock.getsockname()[1]
        assert "`mock-june serve`" in self.one_line(run("calls", "--url", f"http://127.0.0.1:{port}", *follow))

    @pytest.mark.parametrize("url", ["127.0.0.1:5863", "ftp://x", "nonsense", "http://", ""])
    def test_a_url_that_is_none(self, run, url):
        """A URL that is none is told from one that is."""
        assert "http://127.0.0.1:5863" in self.one_line(run("calls", "--url", url))

    def test_a_filter_that_is_none(self, run, fake):
        """What the fake does not understand, it says."""
        assert "`kind` must be one of" in self.one_line(run("calls", "--url", fake.server.url, "--kind", "trakc"))
        assert "`rule` must be a glob" in self.one_line(run("calls", "--url", fake.server.url, "--rule", "*" * 50))

    def test_a_token(self, run):
        """A fake that wants a token says so; with it, the record is shown."""
        face = FrontFace(new_mock(token="a-token"))
        try:
            assert "X-Mock-June-Token" in self.one_line(run("calls", "--url", face.server.url))
            assert run("calls", "--url", face.server.url, "--token", "a-token").code == 0
        finally:
            face.close()

    @pytest.mark.parametrize("output", ["json", "markdown"])
    def test_a_document_without_an_end(self, run, fake, output):
        """A document cannot be followed."""
        assert "jsonl" in self.one_line(run("calls", "--url", fake.server.url, "--follow", "--output-format", output))

    def test_the_environment_names_the_url(self, run, fake, monkeypatch):
        """MOCK_JUNE_CALLS_URL is the URL where none is given."""
        monkeypatch.setenv("MOCK_JUNE_CALLS_URL", fake.server.url)
        assert run("calls", "--accepted").out.count("\n") == 2


class Following:
    """`mock-june calls --follow` in a process of its own."""

    def __init__(self, url: str, *options: str) -> None:
        command = [sys.executable, "-m", "mock_june", "calls", "--follow", "--url", url, *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, env=ENVIRONMENT)
        self._read: dict[Any, bytes] = {}

    def line(self, stream: Any = None) -> str:
        """The next line of a stream (None: stdout), at most ten seconds from now."""
        stream = stream or self.process.stdout
        read = self._read.pop(stream, b"")
        while b"\n" not in read:
            ready, _, _ = select.select([stream], [], [], 10)
            assert ready, "no line came"
            part = os.read(stream.fileno(), 65536)
            assert part, "it ended"
            read += part
        line, _, self._read[stream] = read.partition(b"\n")
        return line.decode()

    def end(self, number: int = signal.SIGINT) -> tuple[int, str, str]:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=10)
        return self.process.returncode, out.decode(), err.decode()


@pytest.fixture
def follow() -> Iterator[Any]:
    """Follows a fake; whoever still runs at the end is ended."""
    begun: list[Following] = []

    def begin(url: str, *options: str) -> Following:
        begun.append(Following(url, *options))
        return begun[-1]

    yield begin
    for one in begun:
        if one.process.poll() is None:
            one.process.kill()
        one.process.communicate()


class TestFollow:
    def test_what_comes_is_shown(self, fake, follow):
        """What is on record, then each call as it comes, until Ctrl-C: exit 0, nothing on stderr."""
        followed = follow(fake.server.url)
        assert [followed.line()[9:12] for _ in range(3)] == ["200", "200", "400"]
        fake.post("/api/track", {}, key="first-key-of-all")
        assert followed.line()[9:12] == "400"
        assert followed.end() == (0, "", "")

    def test_filters_apply(self, fake, follow):
        """Only what matches is shown, and --limit ends it."""
        followed = follow(fake.server.url, "--rejected", "--output-format", "jsonl", "--limit", "2")
        assert json.loads(followed.line())["events"][0]["payload"]["event"] == "Paid"
        fake.post("/api/track", TRACK, key="first-key-of-all")
        fake.post("/api/track", b"{", key="first-key-of-all")
        assert json.loads(followed.line())["code"] == "invalid_json"
        assert followed.process.wait(10) == 0

    def test_a_restart_of_the_fake(self, follow):
        """The fake goes, and a new one with a new record comes: a note, and on it goes."""
        first = FrontFace(new_mock())
        first.post("/api/track", TRACK, key="first-key-of-all")
        first.post("/api/track", TRACK, key="first-key-of-all")
        followed = follow(first.server.url, "--output-format", "jsonl")
        assert [json.loads(followed.line())["id"] for _ in range(2)] == [1, 2]
        first.close()
        assert "went away" in followed.line(followed.process.stderr)
        time.sleep(0.3)
        mock = new_mock()
        server = Server(mock, listen("127.0.0.1", first.port)).start()
        try:
            server.ingest.handle(Request("POST", "/api/group", "", [("authorization", "Basic first-key-of-all")], json.dumps(GROUP).encode()))
            again = json.loads(followed.line())
            assert (again["id"], again["path"]) == (1, "/api/group")
            assert followed.end() == (0, "", "")
        finally:
            server.stop()
            mock.journal.close()

    def test_a_reader_that_goes(self, fake, follow):
        """`mock-june calls --follow | head -1` ends quietly, as a shell says of SIGPIPE."""
        followed = follow(fake.server.url)
        followed.line()
        followed.process.stdout.close()
        followed.process.stdout = None
        deadline = time.monotonic() + 10
        while followed.process.poll() is None and time.monotonic() < deadline:
            fake.post("/api/track", TRACK, key="first-key-of-all")
            time.sleep(0.05)
        assert (followed.process.returncode, followed.process.stderr.read()) == (141, b"")
