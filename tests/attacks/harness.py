"""What the attacks share: bytes to a socket and what came back, read strictly; one way to say that an answer is tame."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from mock_june.text import UNSAFE

HOST = "127.0.0.1"
PATIENCE = 20.0
"""Seconds after which a server that neither answers nor closes counts as hung."""

QUIET = 0.1
"""Seconds without a byte after a whole answer until no second answer is believed to come."""

TRACK: dict[str, Any] = {"type": "track", "event": "Registered", "userId": "1", "timestamp": "2021-02-24T01:19:38.931Z", "email": "a@example.com"}
IDENTIFY: dict[str, Any] = {"type": "identify", "userId": "1"}
GROUP: dict[str, Any] = {"type": "group", "groupId": "A", "userId": "1"}

MEMBERS = {"status", "success", "code", "message", "errors", "errors_total"}
VIOLATION = {"rule", "pointer", "message", "hint", "severity", "instanceLocation", "keywordLocation"}

Lines = Sequence[str]


@dataclass(frozen=True)
class Reply:
    """One answer as it came. Header names in lower case; `whole` is whether its body came to the announced end."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    whole: bool = True

    def header(self, name: str) -> str | None:
        """The values under a lower-case name joined by ", ", None if there are none."""
        values = [value for key, value in self.headers if key == name]
        return ", ".join(values) if values else None

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return orjson.loads(self.body)


@dataclass
class Target:
    """A running fake. `name` says which of its faces; `pid` is its process, None in a thread of ours; `log` is what it has written to stderr."""

    name: str
    port: int
    pid: int | None = None
    log: Callable[[], str] = lambda: ""
    mock: Any = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self.port}"

    def cpu(self) -> float:
        """Seconds of processor time that the server has used (in a thread of ours: this process with it). What an attack costs, however busy the machine is."""
        if self.pid is None:
            return time.process_time()
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="latin-1").rpartition(")")[2].split()
        except FileNotFoundError:  # no Linux
            return time.monotonic()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def raw(self, *pieces: bytes, shut: bool = False, pause: float = 0.0, patience: float = PATIENCE, quiet: float = QUIET) -> bytes:
        """Sends pieces as they are, `pause` seconds apart, says with `shut` that no more comes, and gives all that came back."""
        with connected(self.port, patience) as sock:
            for number, piece in enumerate(pieces):
                if number and pause:
                    time.sleep(pause)
                if not send(sock, piece):
                    break
            if shut:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_WR)
            return receive(sock, patience, quiet)

    def ask(self, method: str, path: str, body: bytes = b"", *lines: str, key: str | None = None, host: str | None = None) -> Reply:
        """One plain request on a connection of its own; gives its one answer."""
        fields = [f"Host: {host or f'{HOST}:{self.port}'}", *lines, "Connection: close"]
        if key is not None:
            fields.append(f"Authorization: Basic {key}")
        if body or method in {"POST", "PUT", "PATCH"}:
            fields.append(f"Content-Length: {len(body)}")
        data = self.raw(head(f"{method} {path} HTTP/1.1", *fields) + body, quiet=0)
        (reply,) = replies(data, is_head=method == "HEAD")
        assert reply.whole, data[-200:]
        return reply

    def post(self, path: str, payload: Any, *lines: str, key: str | None = None) -> Reply:
        """A POST of JSON; bytes go as they are."""
        body = payload if isinstance(payload, bytes) else orjson.dumps(payload)
        return self.ask("POST", path, body, "Content-Type: application/json", *lines, key=key)

    def control(self, path: str, *lines: str, method: str = "GET", body: bytes = b"", key: str | None = None) -> Any:
        """A control request's JSON; it must be answered 200."""
        reply = self.ask(method, path, body, *lines, key=key)
        assert reply.status == 200, (path, reply)
        return reply.json

    def accepted(self, key: str) -> list[Any]:
        """The payloads of a key that count as accepted."""
        return [event["payload"] for event in self.control("/_mock/events?accepted=true&limit=1000", key=key)["events"]]

    def good_call(self) -> None:
        """Asserts that a good call is answered, soon."""
        begun = time.monotonic()
        reply = self.post("/api/track", TRACK, key="a-good-caller")
        assert (reply.status, reply.json) == (200, {"status": 200, "success": True})
        assert time.monotonic() - begun < 5

    @contextlib.contextmanager
    def at_most(self, seconds: float) -> Iterator[None]:
        """Asserts that what is done here costs the server at most so many seconds of processor time."""
        begun = self.cpu()
        yield
        cost = self.cpu() - begun
        assert cost <= seconds, f"it cost {cost:.2f} s, not {seconds} s"


def head(first: str | bytes, *lines: str | bytes) -> bytes:
    """A request's head: its first line, its fields, the empty line."""
    return b"".join((line.encode() if isinstance(line, str) else line) + b"\r\n" for line in (first, *lines)) + b"\r\n"


def call_head(key: str, *lines: str | bytes, path: str = "/api/track", host: str = "localhost") -> bytes:
    """The head of a call with a good key; how long the body is, the lines say."""
    return head(f"POST {path} HTTP/1.1", f"Host: {host}", f"Authorization: Basic {key}", "Content-Type: application/json", *lines)


def whole_call(key: str, payload: Any = None, path: str = "/api/track", *lines: str) -> bytes:
    """A call in good order."""
    body = payload if isinstance(payload, bytes) else orjson.dumps(TRACK if payload is None else payload)
    return call_head(key, f"Content-Length: {len(body)}", *lines, path=path) + body


def chunked(*parts: bytes, last: bytes = b"0\r\n\r\n") -> bytes:
    """A body in chunks."""
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + last


@contextlib.contextmanager
def connected(port: int, patience: float = PATIENCE, buffer: int | None = None) -> Iterator[socket.socket]:
    """A raw connection. `buffer`: bytes that its receiving side holds at most, for a client that does not read."""
    sock = socket.socket()
    try:
        if buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        sock.settimeout(patience)
        sock.connect((HOST, port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield sock
    finally:
        sock.close()


def send(sock: socket.socket, data: bytes) -> bool:
    """Sends; False when the other side has closed."""
    try:
        sock.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        return False
    return True


def receive(sock: socket.socket, patience: float = PATIENCE, quiet: float = QUIET) -> bytes:
    """All that comes: until the other side closes, or is quiet for so long after a whole answer. Fails when nothing whole comes in time."""
    data = bytearray()
    deadline = time.monotonic() + patience
    needed = 0
    while True:
        is_whole = len(data) >= needed and any_whole(bytes(data))
        if not is_whole and not needed:
            needed = announced(data)
        if is_whole and not quiet:
            return bytes(data)
        sock.settimeout(quiet if is_whole else max(0.01, deadline - time.monotonic()))
        try:
            part = sock.recv(1 << 20)
        except TimeoutError:
            assert is_whole, f"neither an answer nor a close in {patience} s; so far {bytes(data[:300])!r}"
            return bytes(data)
        except ConnectionResetError:
            return bytes(data)
        if not part:
            return bytes(data)
        data += part


def announced(data: bytearray) -> int:
    """How long the first answer is, by its head; 0 while that is not known."""
    top, end, _ = bytes(data[:4096]).partition(b"\r\n\r\n")
    found = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", top)
    return len(top) + 4 + int(found[1]) if end and found else 0


def any_whole(data: bytes) -> bool:
    """Whether a whole answer stands at the end of what came."""
    try:
        found = replies(data)
    except (AssertionError, ValueError):
        return False
    return bool(found) and found[-1].whole and found[-1].header("content-length") is not None


def replies(data: bytes, *, is_head: bool = False) -> list[Reply]:
    """The answers in what came, without the interim ones. Fails on bytes that are no HTTP/1.x answer."""
    found: list[Reply] = []
    while data:
        top, end, data = data.partition(b"\r\n\r\n")
        first, *fields = top.decode("latin-1").split("\r\n")
        version, status = first.split(" ", 2)[:2]
        assert version in {"HTTP/1.1", "HTTP/1.0"}, top[:200]
        headers = tuple((name.lower(), value.strip()) for name, _, value in (field.partition(":") for field in fields))
        reply = Reply(int(status), headers, b"", bool(end))
        if reply.status < 200:
            continue
        body, whole, data = _body(reply, data, is_head)
        found.append(Reply(reply.status, headers, body, whole and reply.whole))
    return found


def _body(reply: Reply, data: bytes, is_head: bool) -> tuple[bytes, bool, bytes]:
    """A body, whether it is whole, and what comes after it."""
    if is_head or reply.status in {204, 304}:
        return b"", True, data
    if (reply.header("transfer-encoding") or "").lower() == "chunked":
        parts, place = [], 0
        while (end := data.find(b"\r\n", place)) >= 0:
            size = int(data[place:end], 16)
            if len(data) < end + size + 4:
                break
            parts.append(data[end + 2 : end + 2 + size])
            place = end + size + 4
            if size == 0:
                return b"".join(parts), True, data[place:]
        return b"".join(parts), False, b""
    announced = reply.header("content-length")
    if announced is None:
        return data, True, b""
    return data[: int(announced)], len(data) >= int(announced), data[int(announced) :]


def assert_tame(data: bytes, key: str = "", *, most: int = 1) -> list[Reply]:
    """At most so many answers, none of them a 5xx, no traceback, no key in them, and each refusal in the one shape."""
    found = replies(data)
    assert len(found) <= most, data
    for reply in found:
        assert_tame_reply(reply, key)
    return found


def one(data: bytes, key: str = "") -> Reply:
    """The one answer, a tame one."""
    (reply,) = assert_tame(data, key)
    return reply


def assert_tame_reply(reply: Reply, key: str = "") -> None:
    """The same of one answer."""
    assert reply.status < 500, reply
    assert b"Traceback" not in reply.body
    assert b'File "' not in reply.body
    if key:
        assert key.encode() not in reply.body
        assert not any(key in value for _, value in reply.headers)
    if reply.status >= 400:
        assert_refusal(reply)


def assert_refusal(reply: Reply, status: int | None = None, code: str | None = None) -> Any:
    """A refusal in the one shape; gives its JSON."""
    assert reply.whole
    assert reply.header("content-type") == "application/json", reply
    body = reply.json
    assert set(body) == MEMBERS
    assert body["status"] == reply.status == (reply.status if status is None else status), reply
    assert body["success"] is False
    assert body["code"] == (body["code"] if code is None else code)
    assert body["message"]
    assert UNSAFE.search(body["message"]) is None
    assert len(body["errors"]) == min(body["errors_total"], 100)
    assert all(set(error) == VIOLATION for error in body["errors"])
    if reply.status == 401:
        assert reply.header("www-authenticate")
    if reply.status == 405:
        assert reply.header("allow")
    return body


def assert_refused_or_closed(data: bytes, key: str = "", *statuses: int) -> None:
    """400 (or another of the statuses that are given) or a close without a word; one answer at most."""
    for reply in assert_tame(data, key):
        assert reply.status in (statuses or (400,)), reply


def memory(pid: int) -> int:
    """Bytes of a process that are resident (Linux)."""
    return _status(pid, "VmRSS:")


def peak_memory(pid: int) -> int:
    """The most bytes that a process has had resident (Linux)."""
    return _status(pid, "VmHWM:")


def _status(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def until(true: Callable[[], Any], seconds: float = 5.0) -> None:
    """Waits until a condition holds."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to be in time"
        time.sleep(0.01)
