"""`mock-june serve`: the fake as a process, from its first line to its end."""

from __future__ import annotations

import http.client
import json
import os
import pty
import re
import select
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

import mock_june
from mock_june.errors import ServerError
from mock_june.server.serving import Server, listen
from tests.server.faces import TRACK

KEY = "a-key-for-serve"
ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(mock_june.__file__).parent.parent)}
LISTENING = re.compile(r"mock-june listening on (http://[a-z0-9.:\[\]]+:(\d+))\n")


class Served:
    """A fake in a process of its own. `err` is its stderr's file descriptor: a pipe, or a terminal."""

    def __init__(self, folder: Path, options: tuple[str, ...], environment: dict[str, str], *, terminal: bool) -> None:
        self.err, given = pty.openpty() if terminal else os.pipe()
        command = [sys.executable, "-m", "mock_june", "serve", *(() if "--port" in options else ("--port", "0")), *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=given, text=True, cwd=folder, env=ENVIRONMENT | environment)
        os.close(given)
        assert self.process.stdout is not None
        self.first = self.process.stdout.readline()
        match = LISTENING.fullmatch(self.first)
        assert match, (self.first, self.errors())
        self.url, self.port = match[1], int(match[2])

    def post(self, path: str, payload: Any, key: str = KEY) -> httpx.Response:
        """A call."""
        return httpx.post(self.url + path, content=payload if isinstance(payload, bytes) else json.dumps(payload), headers={"Authorization": f"Basic {key}"})

    def get(self, path: str, **headers: str) -> httpx.Response:
        """A control request."""
        return httpx.get(self.url + path, headers=headers)

    def errors(self, until: str | None = None) -> str:
        """What comes on stderr: up to a text, or to its end."""
        read = b""
        while until is None or until.encode() not in read:
            ready, _, _ = select.select([self.err], [], [], 10)
            assert ready, read
            try:
                part = os.read(self.err, 65536)
            except OSError:  # EIO: a terminal whose other side is closed
                part = b""
            if not part:
                break
            read += part
        return read.decode().replace("\r\n", "\n")

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Ends it by a signal: the exit code, what else it printed."""
        self.process.send_signal(number)
        out, _ = self.process.communicate(timeout=10)
        return self.process.returncode, out, self.errors()

    def close(self) -> None:
        """Whatever became of it."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        os.close(self.err)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts fakes, and ends those that still run."""
    begun: list[Served] = []

    def begin(*options: str, terminal: bool = False, **environment: str) -> Served:
        begun.append(Served(tmp_path, options, environment, terminal=terminal))
        return begun[-1]

    yield begin
    for one in begun:
        one.close()


class TestOutput:
    def test_nothing_but_the_listening_line_when_piped(self, serve):
        """It answers as soon as the line is there; calls, refusals and control requests print nothing."""
        fake = serve()
        assert fake.post("/api/track", TRACK).json() == {"status": 200, "success": True}
        assert fake.post("/api/track", {}).status_code == 400
        assert fake.post("/nowhere", {}).status_code == 404
        assert fake.get("/_mock/health").json()["calls"] == 3
        assert fake.end() == (0, "", "")

    def test_a_line_a_call_on_a_terminal(self, serve):
        """On a terminal each call is a line on stderr, coloured by its verdict, with the rules that broke or smell."""
        fake = serve(terminal=True, TERM="xterm", COLUMNS="160")
        fake.post("/api/track", TRACK)
        fake.post("/api/track", TRACK | {"userId": 5})
        fake.post("/api/identify", {"type": "identify", "userId": "null"})
        code, out, err = fake.end()
        lines = err.splitlines()
        assert (code, out, len(lines)) == (0, "", 3)
        assert "\x1b[1;32m200" in lines[0]
        assert "Registered · 1" in lines[0]
        assert "\x1b[1;31m400" in lines[1]
        assert "\x1b[31m  track.userId.type" in lines[1]
        assert "\x1b[33m  identify.userId.placeholder" in lines[2]
        assert KEY not in err

    def test_no_color(self, serve):
        """NO_COLOR is kept."""
        fake = serve(terminal=True, TERM="xterm", NO_COLOR="1")
        fake.post("/api/track", TRACK)
        assert not re.search(r"\x1b\[[0-9;]*3[0-9]", fake.end()[2])

    def test_a_terminal_is_safe_from_what_comes(self, serve):
        """No control character of a client's reaches the terminal."""
        fake = serve(terminal=True, TERM="xterm", NO_COLOR="1", COLUMNS="200")
        fake.post("/api/track", TRACK | {"event": "\x1b[2J\x9b1m\x07\r\n::error::\u202e", "userId": "\x1b]0;t\x07"})
        _, _, err = fake.end()
        assert "\\x1b[2J\\x9b1m\\x07" in err
        assert not re.search("[\x00-\x09\x0b-\x1a\x1c-\x1f\x7f-\x9f\u202e]|\x1b[^\\[]|\x1b\\[2J", err)
        assert err.count("\n") == 1

    def test_json_for_machines(self, serve):
        """`--log-format json` is one JSON object a call on stderr, without keys, headers or bodies."""
        fake = serve("--log-format", "json")
        fake.post("/api/track?key=abc", TRACK | {"userId": 5, "event": "\x9b\x7f"})
        fake.post("/api/track", TRACK)
        code, out, err = fake.end()
        refused, taken = (json.loads(line) for line in err.splitlines())
        assert (code, out) == (0, "")
        assert (refused["id"], refused["status"], refused["code"], refused["rules"], refused["events"]) == (1, 400, "invalid_payload", ["track.userId.type"], 1)
        assert (taken["id"], taken["status"], taken["accepted"], taken["path"], taken["method"]) == (2, 200, True, "/api/track", "POST")
        assert refused["path"] == "/api/track?key=…"
        assert KEY not in err
        assert not {"headers", "body"} & refused.keys()

    def test_a_log_that_nobody_reads(self, serve):
        """When whoever read the log is gone, calls are answered all the same."""
        fake = serve("--log-format", "json")
        os.close(fake.err)
        fake.err = os.open(os.devnull, os.O_RDONLY)
        for _ in range(3):
            assert fake.post("/api/track", TRACK).status_code == 200
        assert fake.end()[0] == 0

    def test_a_log_that_is_read_by_nobody_who_is_there(self, serve):
        """A reader that has the pipe and does not read it holds up no answer, nor the end."""
        fake = serve("--log-format", "json")
        with httpx.Client(headers={"Authorization": f"Basic {KEY}"}, timeout=5) as client:
            for _ in range(1600):
                assert client.post(f"{fake.url}/api/track", json=TRACK).status_code == 200
        assert fake.get("/_mock/health").json()["calls"] == 1600
        fake.process.send_signal(signal.SIGTERM)
        assert fake.process.wait(timeout=5) == 0


class TestEnd:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_what_came_in_is_answered(self, serve, tmp_path, number):
        """A signal ends it within a second: exit 0, what came in is answered and on record, held requests end, nothing is left beside the journal."""
        fake = serve("--journal", "j.db")
        body = json.dumps(TRACK).encode()
        assert httpx.post(f"{fake.url}/_mock/faults", json={"delay": 30}).status_code == 200
        with (
            closing(http.client.HTTPConnection("127.0.0.1", fake.port, timeout=5)) as delayed,
            closing(socket.create_connection(("127.0.0.1", fake.port))) as stream,
        ):
            delayed.request("POST", "/api/track", body, {"Authorization": f"Basic {KEY}"})
            stream.sendall(b"GET /_mock/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            with closing(socket.create_connection(("127.0.0.1", fake.port))) as poll:
                poll.sendall(b"GET /_mock/calls?count=99&wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n")
                stream.settimeout(5)
                assert stream.recv(100)
                time.sleep(0.2)
                began = time.monotonic()
                fake.process.send_signal(number)
                assert delayed.getresponse().status == 200
                code = fake.process.wait(5)
        assert (code, time.monotonic() - began < 1.5) == (0, True)  # a second, and what a busy machine adds
        assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("j.db")) in (["j.db"], ["j.db", "j.db.lock"])
        with closing(sqlite3.connect(tmp_path / "j.db")) as record:
            assert record.execute("PRAGMA integrity_check").fetchone() == ("ok",)

    def test_a_private_journal_is_gone(self, serve, tmp_path):
        """Without --journal nothing is left in the folder for temporary files."""
        (tmp_path / "tmp").mkdir()
        fake = serve(TMPDIR=str(tmp_path / "tmp"))
        fake.post("/api/track", TRACK)
        assert fake.end(signal.SIGINT)[0] == 0
        assert [*(tmp_path / "tmp").iterdir()] == []

    def test_two_signals(self, serve):
        """A second Ctrl-C changes nothing."""
        fake = serve()
        fake.process.send_signal(signal.SIGINT)
        assert fake.end(signal.SIGINT) == (0, "", "")

    def test_after_kill_9(self, serve):
        """After kill -9 the port is free at once, and the journal has every call that was answered."""
        fake = serve("--journal", "j.db")
        for _ in range(5):
            assert fake.post("/api/track", TRACK).status_code == 200
        fake.process.kill()
        fake.process.wait(5)
        again = serve("--journal", "j.db", "--port", str(fake.port))
        assert again.get("/_mock/health").json()["calls"] == 5
        assert again.end()[0] == 0


class TestOptions:
    def test_the_record_is_kept(self, serve):
        """With --journal the record outlives the process, and ids go on."""
        fake = serve("--journal", "j.db")
        fake.post("/api/track", TRACK)
        fake.end()
        again = serve("--journal", "j.db", "--durable")
        again.post("/api/track", {})
        assert [(call["id"], call["status"]) for call in again.get("/_mock/calls").json()["calls"]] == [(1, 200), (2, 400)]

    def test_keys(self, serve):
        """Only the keys that are given are good."""
        fake = serve("--key", KEY, "--key", "another-key")
        assert [fake.post("/api/track", TRACK, key).status_code for key in (KEY, "another-key", "wrong")] == [200, 200, 401]

    def test_faults_from_the_start(self, serve):
        """A planned fault meets the first calls of any key."""
        fake = serve("--fault", '{"status": 503, "times": 2}', "--fault", '[{"status": 502}]')
        assert [fake.post("/api/track", TRACK, key).status_code for key in ("a", "b", "c", "d")] == [503, 503, 502, 200]

    def test_limits(self, serve):
        """--max-body and --max-calls."""
        fake = serve("--max-body", "200", "--max-calls", "3")
        assert fake.post("/api/track", bytes(201)).status_code == 413
        for _ in range(5):
            assert fake.post("/api/track", TRACK).status_code == 200
        health = fake.get("/_mock/health").json()
        assert health["calls"] <= 3
        assert health["calls"] + health["discarded"] == 6

    def test_rules(self, serve):
        """--select and --ignore say which rules calls are held to."""
        ignoring = serve("--ignore", "*.email.required")
        without = {name: value for name, value in TRACK.items() if name != "email"}
        assert ignoring.post("/api/track", without).status_code == 200
        assert ignoring.post("/api/track", without | {"userId": 5}).status_code == 400
        selecting = serve("--select", "track.userId.*")
        assert selecting.post("/api/track", {"userId": "1"}).status_code == 200
        assert selecting.post("/api/track", {}).status_code == 400

    def test_a_host_that_is_allowed(self, serve):
        """The control API answers under the server's own names, and those of --allow-host; calls are taken under any."""
        fake = serve("--allow-host", "mock-june")
        assert fake.get("/_mock/health", Host="mock-june:5863").status_code == 200
        refused = fake.get("/_mock/health", Host="evil.example")
        assert (refused.status_code, "--allow-host evil.example" in refused.json()["message"]) == (403, True)
        assert httpx.post(f"{fake.url}/api/track", json=TRACK, headers={"Host": "evil.example", "Authorization": "Basic k"}).status_code == 200

    def test_a_token_on_loopback(self, serve):
        """--token asks for one anywhere; calls need none."""
        fake = serve("--token", "a-token")
        assert fake.get("/_mock/calls").status_code == 401
        assert fake.get("/_mock/calls", **{"X-Mock-June-Token": "a-token"}).status_code == 200
        assert fake.post("/api/track", TRACK).status_code == 200

    def test_the_environment_is_in_no_record(self, serve):
        """A proxy's password in the server's environment stands in no record."""
        fake = serve(HTTP_PROXY="http://u:s3cret@127.0.0.1:9", HTTP_AUTHORIZATION="Basic s3cret")
        with httpx.Client(trust_env=False) as client:
            assert client.post(f"{fake.url}/api/track", json=TRACK).status_code == 401
            assert "s3cret" not in client.get(f"{fake.url}/_mock/calls").text

    @pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
    def test_ipv6(self, serve):
        """`--host ::1` listens there, and says so in brackets."""
        try:
            listen("::1", 0).close()
        except ServerError as error:
            pytest.skip(str(error))
        fake = serve("--host", "::1")
        assert fake.url.startswith("http://[::1]:")
        assert fake.post("/api/track", TRACK).status_code == 200
        assert fake.get("/_mock/health").status_code == 200


@pytest.fixture
def stillborn(monkeypatch: pytest.MonkeyPatch) -> list[Server]:
    """Servers that would serve now; they do not, and listen on loopback whatever the host is."""
    from mock_june.server import serving

    would: list[Server] = []
    kept = serving.listen
    monkeypatch.setattr(serving, "listen", lambda _host, _port: kept("127.0.0.1", 0))
    monkeypatch.setattr(Server, "run", lambda self, ready: would.append(self) or ready())
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    return would


class TestBeyondLoopback:
    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "mock-june", ""])
    def test_a_token_is_made_and_printed(self, run, stillborn, host):
        """Beyond loopback the control API wants a token: one that is made anew each time, and printed on stderr with a loud note."""
        ended = [run("serve", "--host", host) for _ in range(2)]
        tokens = [server.mock.settings.token for server in stillborn]
        assert [code for code, _, _ in ended] == [0, 0]
        assert None not in tokens
        assert tokens[0] != tokens[1]
        assert len(tokens[0]) >= 32
        for token, (_, out, err) in zip(tokens, ended, strict=True):
            assert "beyond this machine" in err
            assert f"X-Mock-June-Token: {token}\n" in err
            assert token not in out

    def test_a_token_of_ones_own(self, run, stillborn):
        """--token is taken instead."""
        assert "X-Mock-June-Token: mine\n" in run("serve", "--host", "0.0.0.0", "--token", "mine").err
        assert stillborn[0].mock.settings.token == "mine"

    def test_open(self, run, stillborn):
        """--open waives it, and says what that means."""
        assert "whoever reaches the port can read, reset and plan faults" in run("serve", "--host", "0.0.0.0", "--open").err
        assert stillborn[0].mock.settings.token is None

    @pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.0.0.2"])
    def test_loopback_is_quiet(self, run, stillborn, host):
        """On loopback there is no token and no note."""
        assert run("serve", "--host", host).err == ""
        assert stillborn[0].mock.settings.token is None


BAD = [
    (("--port", "99999"), "65535"),
    (("--port", "x"), "--port"),
    (("--max-body", "0"), "--max-body"),
    (("--max-calls", "0"), "--max-calls"),
    (("--max-calls", "99999999999999999999"), "--max-calls"),
    (("--log-format", "xml"), "text"),
    (("--fault", "{"), "--fault"),
    (("--fault", '{"status": 200}'), "status"),
    (("--fault", '{"staus": 503}'), "one of status, delay, drop, rate"),
    (("--fault", "[]"), "empty"),
    (("--fault", "\udcff"), "--fault"),
    (("--key", ""), "--key"),
    (("--key", "\udcff"), "--key"),
    (("--key", "a\nb"), "--key"),
    (("--token", ""), "--token"),
    (("--token", "a\nb"), "--token"),
    (("--token", "t", "--open"), "exclude each other"),
    (("--select", "track.userId.requird"), "track.userId.required"),
    (("--ignore", "nonsense.*"), "nonsense.*"),
    (("--host", "no-such-host.invalid"), "--host 127.0.0.1"),
    (("--journal", "."), "."),
    (("--journal", "no/such/folder/j.db"), "no/such/folder"),
    (("--jurnal", "x"), "--journal"),
    (("extra",), "extra"),
]


class TestTrouble:
    @pytest.fixture(autouse=True)
    def never_serves(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What should be refused must not serve forever."""

        def run(*_: Any) -> None:
            raise AssertionError("it serves")

        monkeypatch.setattr(Server, "run", run)
        monkeypatch.setattr(signal, "signal", lambda *_: None)

    @pytest.mark.parametrize(("options", "said"), BAD)
    def test_bad_options(self, run, options, said):
        """Exit 2, and one line on stderr that names what is wrong."""
        code, out, err = run("serve", *(() if "--port" in options else ("--port", "0")), *options)
        assert (code, out) == (2, "")
        assert err.startswith("mock-june: ")
        assert err.count("\n") == 1
        assert said in err

    def test_a_taken_port(self, run):
        """A port that is in use: exit 2, and one line with the way out."""
        with listen("127.0.0.1", 0) as sock:
            port = sock.getsockname()[1]
            code, out, err = run("serve", "--port", str(port))
        assert (code, out) == (2, "")
        assert re.fullmatch(rf"mock-june: port {port} on 127\.0\.0\.1 is in use; .*--port \(0 picks one\)\n", err)

    def test_a_journal_that_is_none(self, run, tmp_path):
        """A file that is no journal of ours: exit 2, and it is untouched; the port is free again."""
        (tmp_path / "j.db").write_bytes(b"something else entirely" * 100)
        with listen("127.0.0.1", 0) as sock:
            port = sock.getsockname()[1]
        code, out, err = run("serve", "--port", str(port), "--journal", "j.db")
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "j.db" in err
        assert (tmp_path / "j.db").read_bytes() == b"something else entirely" * 100
        listen("127.0.0.1", port).close()

    def test_a_journal_that_another_holds(self, run, serve, tmp_path):
        """A journal that another process has open: exit 2, and it is named."""
        fake = serve("--journal", str(tmp_path / "j.db"))
        code, out, err = run("serve", "--port", "0", "--journal", str(tmp_path / "j.db"))
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert str(fake.process.pid) in err
        assert fake.post("/api/track", TRACK).status_code == 200


def test_a_fault_in_the_environment_is_one_json_text(serve):
    """`MOCK_JUNE_SERVE_FAULT` holds JSON with blanks in it, one fault or a list."""
    fake = serve(MOCK_JUNE_SERVE_FAULT='[{"status": 503}, {"delay": 0.5, "kind": "group"}]')
    planned = fake.get("/_mock/faults").json()["faults"]
    assert [(fault.get("status"), fault.get("delay")) for fault in planned] == [(503, None), (None, 0.5)]
