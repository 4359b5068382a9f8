"""The event loop before Flask: who waits for whom, commits that are shared, the wire's own refusals."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson
import pytest

from mock_june.errors import JournalUnwritableError
from mock_june.server.control.api import is_control
from mock_june.server.front import Front
from mock_june.server.ingest import Ingest
from tests.server.faces import TRACK, FrontFace, assert_refusal, assert_success, connected, everything, head, new_mock, one_answer

BODY = orjson.dumps(TRACK)
ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("path", "ours"),
    [
        ("/", True),
        ("/_mock/calls", True),
        ("/_mock", True),
        ("/openapi.json", True),
        ("/favicon.ico", True),
        ("/api/track", False),
        ("/x/_mock", False),
        ("//", False),
        ("/openapi.jsonx", False),
    ],
)
def test_is_control(path: str, ours: bool):
    """What is the fake's own and what would be June's."""
    assert is_control(path) is ours


def test_serving_imports_no_flask():
    """A server on the event loop answers calls and control requests without Flask, which takes a tenth of a second to import."""
    code = """
import sys
from mock_june.testing import running_mock
with running_mock() as june:
    june.client.identify(userId="1")
    june.assert_received("identify")
    assert june.health().calls == 1
print([name for name in ("flask", "werkzeug") if name in sys.modules])
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert ran.stdout == "[]\n"


def test_a_bug_of_ours_in_the_control_api_is_500_in_our_shape(front: FrontFace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    """No traceback leaves the server, the log has it, and the next request is answered."""
    monkeypatch.setattr(type(front.mock.journal), "totals", lambda *_: 1 / 0)
    reply = front.send("GET", "/_mock/health")
    assert_refusal(reply, 500, "internal_error")
    assert b"ZeroDivisionError" not in reply.body
    assert "ZeroDivisionError" in caplog.text
    monkeypatch.undo()
    assert front.send("GET", "/_mock/health").status == 200


def test_many_clients_at_once(front: FrontFace, key: str):
    """Of calls that come at once each is answered and each on record."""
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda n: front.post("/api/track", TRACK | {"userId": str(n)}, key=key), range(200)))
    assert {reply.status for reply in replies} == {200}
    assert len(front.calls(key)) == 200


@pytest.mark.parametrize("durable", [False, True])
def test_calls_that_wait_share_a_commit(make_front, monkeypatch: pytest.MonkeyPatch, durable: bool):
    """What came in one turn of the loop, or while a commit waited for the disk, is recorded in one transaction, in its order."""
    front = make_front(durable=durable)
    kept = type(front.mock.journal).write_many
    sent = head("/api/track", "any", f"Content-Length: {len(BODY)}") + BODY
    sizes: list[int] = []

    def slow(journal: Any, calls: Any) -> Any:
        sizes.append(len(calls))
        time.sleep(0.05)
        return kept(journal, calls)

    with ExitStack() as stack:
        socks = [stack.enter_context(connected(front.port)) for _ in range(16)]
        for sock in socks:
            sock.sendall(sent)
            assert_success(one_answer(sock))
        monkeypatch.setattr(type(front.mock.journal), "write_many", slow)
        for sock in socks:
            sock.sendall(sent)
        for sock in socks:
            assert_success(one_answer(sock))
    assert sum(sizes) == 16
    assert len(sizes) < 8
    assert len(front.calls("any")) == 32


@pytest.mark.parametrize("durable", [False, True])
def test_each_call_of_a_commit_that_failed_is_told(make_front, monkeypatch: pytest.MonkeyPatch, durable: bool):
    """When a shared commit fails, all of its calls are answered 503, and none hangs; afterwards calls are taken."""
    front = make_front(durable=durable)

    def fail(*_: Any) -> Any:
        raise JournalUnwritableError("disk I/O error")

    with monkeypatch.context() as patched:
        patched.setattr(type(front.mock.journal), "write_many", fail)
        with ThreadPoolExecutor(8) as pool:
            for reply in pool.map(lambda _: front.post("/api/track", TRACK, key="any"), range(16)):
                assert_refusal(reply, 503, "journal_unwritable")
    assert_success(front.post("/api/track", TRACK, key="any"))
    assert len(front.calls("any")) == 1


def test_an_observer_that_fails_changes_no_answer(make_front, caplog: pytest.LogCaptureFixture):
    """A log that cannot be written to is our trouble, not the client's: the call is on record, so it is answered."""
    front = make_front()

    def fail(_: Any) -> None:
        raise BrokenPipeError

    front.server.ingest.observers.append(fail)
    assert_success(front.post("/api/track", TRACK, key="any"))
    assert "the log of call 1 failed" in caplog.text


def test_a_client_that_goes_while_it_is_delayed(front: FrontFace, key: str):
    """A client that hangs up does not keep its call from the record, nor the server from the next."""
    front.plan(key, {"delay": 0.3})
    with connected(front.port) as sock:
        sock.sendall(head("/api/track", key, f"Content-Length: {len(BODY)}") + BODY)
        time.sleep(0.1)
    assert_success(front.post("/api/track", TRACK, key=key))
    assert [call.accepted for call in front.calls(key)] == [True, True]


def test_a_client_that_closes_its_half_is_answered(front: FrontFace, key: str):
    """A whole call before a FIN is answered (`nc -N`)."""
    with connected(front.port) as sock:
        sock.sendall(head("/api/track", key, f"Content-Length: {len(BODY)}") + BODY)
        sock.shutdown(socket.SHUT_WR)
        assert b" 200 OK" in everything(sock)
    assert [call.accepted for call in front.calls(key)] == [True]


def test_a_slow_client(front: FrontFace, key: str):
    """A call that comes byte by byte is one call."""
    sent = head("/api/track", key, f"Content-Length: {len(BODY)}", "Connection: close") + BODY
    with connected(front.port) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for place in range(len(sent)):
            sock.sendall(sent[place : place + 1])
        assert b" 200 OK" in everything(sock)
    assert [call.body for call in front.calls(key)] == [BODY]


@pytest.mark.parametrize(
    "sent", [b"no http at all\r\n\r\n", b"GET\r\n\r\n", b"POST /api/track HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"]
)
def test_what_is_no_http_is_refused_in_our_shape(front: FrontFace, sent: bytes):
    """What the parser cannot read, TLS too, gets a 400 in the refusal shape and an end."""
    with connected(front.port) as sock:
        sock.sendall(sent)
        assert_refusal(one_answer(sock), 400, "invalid_request")
        assert sock.recv(1) == b""


def test_headers_without_end(front: FrontFace):
    """A head that grows beyond 64 KiB is refused with 431 in the refusal shape."""
    with connected(front.port) as sock:
        sock.sendall(b"POST /api/track HTTP/1.1\r\nHost: localhost\r\nX-Long: ")
        for _ in range(10):
            time.sleep(0.01)
            sock.sendall(b"x" * 8000)
        assert_refusal(one_answer(sock), 431, "headers_too_large")
        assert sock.recv(1) == b""


def test_an_upgrade_is_not_offered(front: FrontFace, key: str):
    """A request that asks for a websocket is answered as if it had not asked."""
    asked = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    with connected(front.port) as sock:
        sock.sendall(head("/api/track", key, *asked, method="GET"))
        assert_refusal(one_answer(sock), 405, "method_not_allowed")


def test_a_key_in_a_trailer_is_none(front: FrontFace):
    """Headers that follow a chunked body do not count (RFC 9110 section 6.5.1)."""
    sent = b"POST /api/track HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTrailer: Authorization\r\n\r\n"
    with connected(front.port) as sock:
        sock.sendall(sent + b"%x\r\n%b\r\n0\r\nAuthorization: Basic late\r\n\r\n" % (len(BODY), BODY))
        assert_refusal(one_answer(sock), 401, "unauthorized")


def test_http_1_0(front: FrontFace, key: str):
    """An HTTP/1.0 client is answered, and its connection closed."""
    sent = head("/api/track", key, f"Content-Length: {len(BODY)}").replace(b"HTTP/1.1", b"HTTP/1.0") + BODY
    with connected(front.port) as sock:
        sock.sendall(sent)
        assert b" 200 OK" in everything(sock)


def test_no_answer_names_a_server_twice_or_at_all(front: FrontFace, key: str):
    """The server's make is nobody's business; each answer has one length."""
    reply = front.post("/api/track", TRACK, key=key)
    assert "server" not in reply.headers
    assert reply.headers["content-length"] == str(len(reply.body))


def test_under_another_asgi_server_a_drop_is_an_answer():
    """Where there is no transport to drop, as under another ASGI server, the answer is given after all, with code `fault`."""
    mock = new_mock()

    async def ask() -> list[Any]:
        front = Front(mock, Ingest(mock))
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": BODY}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/api/track", "query_string": b"", "headers": [(b"authorization", b"Basic any")]}
        await front(scope, receive, send)
        return sent

    from mock_june.server.faults import parse

    mock.faults.plan(parse({"drop": "reset"}, None))
    start, body = asyncio.run(ask())
    mock.journal.close()
    assert start["status"] == 500
    assert orjson.loads(body["body"])["code"] == "fault"


def test_the_loop_is_free_while_flask_works(front: FrontFace, key: str):
    """Control requests, and calls, are answered while others come."""
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            front.send("GET", "/_mock/health")

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    for _ in range(20):
        assert_success(front.post("/api/track", TRACK, key=key))
    took = time.monotonic() - began
    done.set()
    for thread in threads:
        thread.join()
    assert took < 3
