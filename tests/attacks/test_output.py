"""Hostile content (THREATS.md, C): what a payload says must not become markup, a terminal's command, a log's line or a header."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator

import orjson
import pytest

from mock_june.text import UNSAFE
from tests.attacks.harness import HOST, IDENTIFY, TRACK, Target, assert_refusal, assert_tame, call_head, head, replies, until
from tests.attacks.servers import Served, served

MARKUP = ('<img src=x onerror="alert(1)">', "</script><script>alert(1)</script>", "{{7*7}}", "javascript:alert(1)", "'\"><svg/onload=alert(1)>", "]]><!--")
TERMINAL = (
    "\x1b[2J",
    "\x1b]0;owned\x07",
    "\x9b1m",
    "\x1bP+q\x1b\\",
    "a\rb",
    "a\nb",
    "\x08\x08",
    "\x7f",
    "\u202eevil",
    "\u2028",
    "\x00",
    "[bold red]x[/]",
    "\ufeff",
    "\x85",
)
CONTROL = (
    "/",
    "/openapi.json",
    "/favicon.ico",
    "/_mock/health",
    "/_mock/calls",
    "/_mock/events",
    "/_mock/faults",
    "/_mock/export?format=jsonl",
    "/_mock/export?format=har",
    "/_mock/calls/1",
    "/_mock/nowhere",
)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
"""What sets a colour, the one sequence that is ours to write."""


def test_C1_markup_in_a_payload_is_never_markup(face: Target, key: str):
    """Markup in an event, a path, a query and a User-Agent is on record, and no answer hands it to a browser as a document."""
    for text in MARKUP:
        face.post("/api/track", TRACK | {"event": text, "properties": {text: text}}, f"User-Agent: {text}", f"Referer: {text}", key=key)
        face.post("/api/identify", {"type": text, "userId": text}, key=key)
        face.ask("POST", "/api/<img%20onerror=1>?<script>", b"{}", key=key)
    for path in CONTROL:
        for lines in ((), ("Accept: text/html",)):
            reply = face.ask("GET", path, b"", *lines, key=key)
            assert reply.status < 500
            assert reply.header("x-content-type-options") == "nosniff"
            if reply.status == 204:
                continue
            kind = (reply.header("content-type") or "").partition(";")[0]
            assert kind == "text/html" if path == "/" else kind in {"application/json", "application/x-ndjson"}
            if path == "/":
                assert not any(text.encode() in reply.body for text in MARKUP)


def test_C1_the_policy_lets_nothing_in(face: Target):
    """Every control answer forbids inline scripts, foreign ones, and being framed."""
    for path in CONTROL:
        for method in ("GET", "POST", "OPTIONS"):
            reply = face.ask(method, path)
            policy = dict([*part.split(None, 1), ""][:2] for part in (reply.header("content-security-policy") or "").split("; "))
            assert policy["frame-ancestors"] == "'none'", path
            assert policy["base-uri"] == "'none'"
            assert policy["default-src"] in {"'none'", "'self'"}
            assert not any("unsafe" in value or "*" in value or "data:" in value for value in policy.values())


def test_C1_a_refusal_is_json_for_a_browser_too(face: Target, key: str):
    """A browser that is led to a path of markup gets JSON, not a page that says it back."""
    for path in ("/%3Cimg%20src=x%20onerror=alert(1)%3E", "/api/<img>", "/api/track/<script>alert(1)</script>"):
        reply = face.ask("GET", path, b"", "Accept: text/html", key=key)
        assert_refusal(reply, 404, "not_found")


def hostile(target: Target, key: str) -> int:
    """Calls that say what a terminal would act on, in every place that a line could show. Gives how many were sent."""
    count = 0
    for text in TERMINAL:
        for payload in (TRACK | {"event": text}, TRACK | {"userId": text, "event": 7}, {"type": text, "userId": text}, {"type": "track", text: text}):
            target.post("/api/track", payload, key=key)
            count += 1
        target.post("/sdk/batch", {"batch": [{"type": text}, {"type": "group", "groupId": text, "userId": text}]}, key=key)
        target.ask("POST", "/api/track?" + "".join(f"%{byte:02x}" for byte in text.encode()), b"{}", key=key)
        target.ask("POST", "/api/" + "".join(f"%{byte:02X}" for byte in text.encode()), b"{}", key=key)
        count += 3
    return count


class Terminal:
    """A terminal of 200 columns that reads on its own: `theirs` is the side to give to a program, `shown` what came on it."""

    def __init__(self) -> None:
        self._ours, self.theirs = os.openpty()
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        self._data = bytearray()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # Linux says EIO once the other side is closed everywhere
            while part := os.read(self._ours, 1 << 16):
                self._data += part

    def end(self) -> str:
        """All that was shown, once no program has the other side any more."""
        os.close(self.theirs)
        self._reader.join(10)
        os.close(self._ours)
        return self._data.decode("utf-8", "surrogateescape")


def assert_plain(shown: str, lines: int | None = None) -> None:
    """Nothing in it that a terminal acts on but line ends and colours; and so many lines."""
    rest = COLOUR.sub("", shown).replace("\r\n", "\n")
    assert UNSAFE.search(rest.replace("\n", "")) is None, rest
    if lines is not None:
        assert rest.count("\n") == lines, rest


def test_C2_serve_on_a_terminal(key: str):
    """`serve` shows a line a call, and no byte of a payload, a path or a method acts on the terminal or begins a line."""
    terminal = Terminal()
    server = Served(env={"TERM": "xterm-256color", "COLUMNS": "200"}, stderr=terminal.theirs)
    try:
        sent = hostile(server.target, key)
    finally:
        code = server.end()
        shown = terminal.end()
    assert code == 0
    assert_plain(shown, sent)
    assert "\\x1b[2J" in shown


def test_C2_serve_in_json(key: str):
    """`serve --log-format json` writes one JSON value a line, and nothing in it that a terminal would act on."""
    server = Served("--log-format", "json")
    try:
        server.target.control("/_mock/faults", method="POST", body='{"delay": 0, "path": "*[!\u009b\u202e]", "times": null}'.encode())
        sent = hostile(server.target, key)
        within = time.monotonic() + 5  # the log is written by a thread of its own
        while len(lines := server.log().splitlines()) < sent and time.monotonic() < within:
            time.sleep(0.01)
    finally:
        assert server.end() == 0
    assert len(lines) == sent
    for line in lines:
        assert UNSAFE.search(line) is None, line
        orjson.loads(line)


def test_C2_serve_when_piped(key: str):
    """`serve` that is piped writes its listening line and no more, whatever comes."""
    server = Served()
    try:
        hostile(server.target, key)
        server.target.raw(b"\x1b[2J\x9b\r\n\r\n", shut=True)
        assert server.log() == ""
    finally:
        assert server.end() == 0


@pytest.fixture(scope="module")
def told() -> Iterator[Target]:
    """A fake that has heard it all, for those who show it."""
    with served() as target:
        hostile(target, "a-hostile-caller")
        yield target


COLOURFUL = {"TERM": "xterm-256color", "COLUMNS": "200"}


def test_C2_calls(told: Target):
    """`calls` shows the record on a terminal and in a pipe without a byte that acts on either."""
    command = [sys.executable, "-m", "mock_june", "calls", "--url", told.url]
    terminal = Terminal()
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=terminal.theirs, stderr=terminal.theirs, env={**os.environ, **COLOURFUL}, check=True, timeout=20)
    shown = terminal.end()
    assert_plain(shown)
    assert "\\x1b[2J" in shown
    piped = subprocess.run(command, capture_output=True, check=True, timeout=20).stdout.decode("utf-8", "surrogateescape")
    assert "\x1b" not in piped
    assert_plain(piped)


def test_C2_calls_follow(told: Target):
    """`calls --follow` does so too, of calls that come while it looks."""
    terminal = Terminal()
    follower = subprocess.Popen(
        [sys.executable, "-m", "mock_june", "calls", "--follow", "--url", told.url],
        stdin=subprocess.DEVNULL,
        stdout=terminal.theirs,
        stderr=terminal.theirs,
        env={**os.environ, **COLOURFUL},
    )
    try:
        until(lambda: sent_is_shown(told, terminal), 15)
    finally:
        follower.terminate()
        follower.wait(10)
        shown = terminal.end()
    assert_plain(shown)


def sent_is_shown(target: Target, terminal: Terminal) -> bool:
    """Sends what is hostile until it is shown: a follower takes a while to come."""
    hostile(target, "a-hostile-caller")
    return b"\\x1b[2J" in terminal._data


def test_C2_messages_are_on_one_line(face: Target, key: str):
    """A refusal's message has such characters escaped, since clients print it as it is."""
    for text in TERMINAL:
        for payload in ({"type": text}, TRACK | {"timestamp": text}, TRACK | {"userId": [text]}, {"type": "track", "user" + text: 1}):
            body = assert_refusal(face.post("/api/track", payload, key=key), 400)
            for message in (body["message"], *(error["message"] for error in body["errors"]), *(error["hint"] for error in body["errors"])):
                assert UNSAFE.search(message) is None, message
    reply = face.ask("POST", "/api/%1b%5B2J%0A", b"{}", key=key)
    assert UNSAFE.search(assert_refusal(reply, 404)["message"]) is None


HEADERS = {
    *("date", "server", "connection", "content-type", "content-length", "transfer-encoding", "allow", "www-authenticate", "retry-after", "cache-control"),
    *("access-control-allow-origin", "access-control-allow-methods", "access-control-allow-headers", "access-control-max-age"),
    *("content-security-policy", "cross-origin-resource-policy", "referrer-policy", "x-content-type-options", "content-disposition"),
}
SPLIT = "%0d%0aX-Injected:%20yes%0d%0a%0d%0a<b>"


def test_C6_line_ends_reach_no_header(face: Target, key: str):
    """CR LF in a path, a query, a body, a header's value or an id never ends a header of the answer."""
    text = "a\r\nX-Injected: yes\r\n\r\n<b>"
    body = orjson.dumps(IDENTIFY | {"userId": text, "writeKey": text, "type": text})
    own = f"Host: {HOST}:{face.port}"
    for data in (
        head(f"GET /{SPLIT} HTTP/1.1", own, "Connection: close"),
        head(f"GET /api/track?{SPLIT} HTTP/1.1", own, "Connection: close"),
        head(f"GET /_mock/calls/{SPLIT} HTTP/1.1", own, "Connection: close"),
        head(f"GET /_mock/{SPLIT} HTTP/1.1", own, "Connection: close"),
        head(f"GET /_mock/events?userId={SPLIT} HTTP/1.1", own, "Connection: close"),
        head(f"GET /_mock/export?format={SPLIT} HTTP/1.1", own, "Connection: close"),
        head(f"GET /_mock/schemas/{SPLIT}/x.json HTTP/1.1", own, "Connection: close"),
        head(f"GET /_mock/schemas/..%2f..%2f{SPLIT}/x.json HTTP/1.1", own, "Connection: close"),
        head("GET /_mock/stream HTTP/1.1", own, f"Last-Event-ID: 1{SPLIT}", "Connection: close"),
        head(
            "OPTIONS /api/track HTTP/1.1",
            own,
            "Origin: http://a%0d%0aX-Injected: yes",
            "Access-Control-Request-Headers: a%0d%0aX-Injected",
            "Connection: close",
        ),
        head("GET /_mock/health HTTP/1.1", own, f"Authorization: Basic {SPLIT}", "Connection: close"),
        call_head(key, f"Content-Length: {len(body)}", "Connection: close", path="/sdk/identify") + body,
        call_head(key, f"Content-Length: {len(body)}", f"Content-Encoding: {SPLIT}", "Connection: close") + body,
        call_head(key, f"Content-Length: {len(body)}", f"Content-Type: {SPLIT}", "Connection: close") + body,
        b"GET /a\x0dX-Injected:yes HTTP/1.1\r\n" + own.encode() + b"\r\nConnection: close\r\n\r\n",
        b"GET /_mock/health HTTP/1.1\r\n" + own.encode() + b"\r\nX-A: b\rX-Injected: yes\r\nConnection: close\r\n\r\n",
        b"GET /_mock/health HTTP/1.1\r\n" + own.encode() + b"\r\nOrigin: b\nX-Injected: yes\r\nConnection: close\r\n\r\n",
    ):
        answered = face.raw(data)
        for reply in replies(answered):
            assert reply.status < 500, (data, reply)
            assert {name for name, _ in reply.headers} <= HEADERS, data
        assert b"\r\nX-Injected" not in answered.partition(b"\r\n\r\n")[0]


def test_C6_line_ends_in_a_fault(face: Target, key: str):
    """Nor does what a fault says: its Retry-After is a number or is refused."""
    for text in ("1\\r\\nX-Injected: yes", "1", "x"):
        reply = face.ask("POST", "/_mock/faults", b'{"status": 503, "retry_after": "%b"}' % text.encode(), key=key)
        assert_refusal(reply, 400)
    face.control("/_mock/faults", method="POST", body=b'{"status": 503, "retry_after": 7, "path": "/api/track\\r\\nX: y"}', key=key)
    assert assert_tame(face.raw(call_head(key, "Content-Length: 2", "Connection: close") + b"{}"), key)[0].status == 400
    face.control("/_mock/faults", method="DELETE", key=key)
