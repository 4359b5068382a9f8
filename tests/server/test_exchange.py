"""The short way of a plain call: the same answers and the same record as the long way, in the order of the connection."""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from mock_june.server import front as front_module
from mock_june.server.exchange import MOST_BODY, plain
from tests.server.faces import GROUP, TRACK, FrontFace, Reply, assert_refusal, assert_success, connected, everything, head, one_answer, until

BODY = orjson.dumps(TRACK)
LENGTH = (b"content-length", b"2")


@pytest.mark.parametrize(
    ("target", "fields", "path"),
    [
        (b"/api/track", [LENGTH], "/api/track"),
        (b"/v1/b", [(b"host", b"h"), LENGTH], "/v1/b"),
        (b"/api/track?a=1", [LENGTH], None),
        (b"/api/track/", [LENGTH], None),
        (b"/api/%74rack", [LENGTH], None),
        (b"/api/alias", [LENGTH], None),
        (b"/_mock/reset", [LENGTH], None),
        (b"/api/track", [(b"transfer-encoding", b"chunked")], None),
        (b"/api/track", [LENGTH, (b"expect", b"100-continue")], None),
        (b"/api/track", [LENGTH, (b"upgrade", b"websocket")], None),
        (b"/api/track", [(b"content-length", b"100")], "/api/track"),
        (b"/api/track", [(b"content-length", b"101")], None),
    ],
)
def test_what_is_plain(target: bytes, fields: list[tuple[bytes, bytes]], path: str | None):
    """A plain call is a POST to a route as it is spelt, of a length that is announced and within the limit."""
    assert plain(target, fields, 100) == path


def test_no_body_beyond_a_buffer_is_plain():
    """Bodies that uvicorn would stop reading at go the long way, whatever the limit."""
    assert plain(b"/sdk/batch", [(b"content-length", b"%d" % MOST_BODY)], 1 << 30) == "/sdk/batch"
    assert plain(b"/sdk/batch", [(b"content-length", b"%d" % (MOST_BODY + 1))], 1 << 30) is None


@pytest.fixture
def long_way(make_front: Callable[..., FrontFace], monkeypatch: pytest.MonkeyPatch) -> FrontFace:
    """A front to which no call is plain."""
    monkeypatch.setattr("mock_june.server.protocol.plain", lambda *_: None)
    return make_front()


CALLS: dict[str, tuple[str, bytes, list[tuple[str, str]]]] = {
    "good": ("/api/track", BODY, []),
    "broken": ("/api/track", orjson.dumps(TRACK | {"userId": 1}), []),
    "no JSON": ("/api/track", b"{", []),
    "no body": ("/api/group", b"", []),
    "a smell": ("/api/group", orjson.dumps(GROUP | {"user_id": "1"}), []),
    "a batch": ("/sdk/batch", orjson.dumps({"batch": [TRACK, GROUP]}), []),
    "counters": ("/v1/m", b"{}", []),
    "gzip": ("/api/track", gzip.compress(BODY), [("Content-Encoding", "gzip")]),
    "no gzip": ("/api/track", BODY, [("Content-Encoding", "gzip")]),
    "a form": ("/api/track", BODY, [("Content-Type", "application/x-www-form-urlencoded")]),
    "two keys": ("/api/track", BODY, [("Authorization", "Basic other")]),
    "the key in the body": ("/api/track", orjson.dumps(TRACK | {"event": "my secret_api_key"}), []),
    "over the limit once inflated": ("/api/track", gzip.compress(b" " * (5 << 20)), [("Content-Encoding", "gzip")]),
}


@pytest.mark.parametrize("name", CALLS)
def test_both_ways_agree(front: FrontFace, long_way: FrontFace, monkeypatch: pytest.MonkeyPatch, name: str):
    """A call that goes the short way is answered, and stands on record, as it would the long way."""
    path, body, headers = CALLS[name]
    taken: list[Any] = []
    monkeypatch.setattr(type(long_way.server._front), "take", lambda *_: taken.append(1))
    slow = long_way.post(path, body, key="secret_api_key", headers=headers)
    assert not taken
    monkeypatch.undo()
    fast = front.post(path, body, key="secret_api_key", headers=headers)
    assert _compared(fast) == _compared(slow)
    assert _recorded(front) == _recorded(long_way)


def _compared(reply: Reply) -> Any:
    return reply.status, {name: value for name, value in reply.headers.items() if name != "date"}, reply.body


def _recorded(face: FrontFace) -> Any:
    call = face.last()
    events = tuple(replace(event, id=0, call=0, at="", workspace=None) for event in call.events)
    headers = tuple((name, value) for name, value in call.headers if name != "host")
    return replace(call, id=0, at="", workspace=None, headers=headers, duration_ms=0, events=events)


def test_a_plain_call_goes_the_short_way(front: FrontFace, monkeypatch: pytest.MonkeyPatch):
    """What SDKs send never reaches the ASGI application."""

    async def fail(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(front_module.Front, "_take", fail)
    assert_success(front.post("/api/track", TRACK, key="any", headers={"Content-Type": "application/json"}))


def test_answers_in_the_order_of_the_calls(front: FrontFace, key: str):
    """Calls that are sent without waiting, plain and not, are answered in their order, and all are on record."""
    call = head("/api/track", key, f"Content-Length: {len(BODY)}") + BODY
    control = head("/_mock/nothing", key, method="GET")
    last = head("/api/track", key, f"Content-Length: {len(BODY)}", "Connection: close") + BODY
    with connected(front.port) as sock:
        sock.sendall(call * 2 + control + call + head("/api/track?a=1", key, "Content-Length: 1") + b"{" + last)
        assert re.findall(rb"HTTP/1.1 ([0-9]+)", everything(sock)) == [b"200", b"200", b"404", b"200", b"400", b"200"]
    assert [call.accepted for call in front.calls(key)] == [True, True, True, False, True]


def test_many_calls_on_one_connection(front: FrontFace, key: str):
    """A connection is kept from call to call."""
    with connected(front.port) as sock:
        for _ in range(50):
            sock.sendall(head("/api/track", key, f"Content-Length: {len(BODY)}") + BODY)
            assert_success(one_answer(sock))
    assert len(front.calls(key)) == 50


def test_a_connection_that_is_not_to_be_kept(front: FrontFace, key: str):
    """`Connection: close` is kept, and said."""
    with connected(front.port) as sock:
        sock.sendall(head("/api/track", key, f"Content-Length: {len(BODY)}", "Connection: close") + BODY)
        answer = everything(sock)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.lower().count(b"connection: close") == 1


def test_a_call_that_is_cut_is_on_record_and_not_accepted(front: FrontFace, key: str):
    """A plain call whose body ends early is recorded with what came of it, and never accepted."""
    with connected(front.port) as sock:
        sock.sendall(head("/api/track", key, f"Content-Length: {len(BODY)}") + BODY[:-1])
        time.sleep(0.05)
    until(lambda: front.calls(key))
    (call,) = front.calls(key)
    assert (call.accepted, call.code, call.body) == (False, "invalid_json", BODY[:-1])


def test_a_bug_of_ours_is_a_500(front: FrontFace, key: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    """What fails in us is answered 500 in our shape, before and after the judging, and the connection lives on."""
    call = head("/api/track", key, f"Content-Length: {len(BODY)}") + BODY

    def fail(*_: Any) -> Any:
        raise RuntimeError("a bug")

    with connected(front.port) as sock:
        for part, name in ((front.server.ingest, "judge"), (front.mock.journal, "write_many")):
            with monkeypatch.context() as patch:
                patch.setattr(part, name, fail)
                sock.sendall(call)
                assert_refusal(one_answer(sock), 500, "internal_error")
        sock.sendall(call)
        assert_success(one_answer(sock))
    assert "a bug" in caplog.text


def test_an_answer_that_fails_holds_up_no_other(front: FrontFace, key: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    """Of calls that share a commit, one whose answer fails takes none of the others' away; its own connection is closed."""
    kept = front_module.Front._give
    failed: list[int] = []

    def give(self: Any, exchange: Any, outcome: Any) -> None:
        if not failed:
            failed.append(1)
            raise RuntimeError("a bug")
        kept(self, exchange, outcome)

    monkeypatch.setattr(front_module.Front, "_give", give)
    with connected(front.port) as one, connected(front.port) as other:
        for sock in (one, other):
            sock.sendall(head("/api/track", key, f"Content-Length: {len(BODY)}") + BODY)
        assert everything(one) == b""
        assert_success(one_answer(other))
    assert "an answer failed" in caplog.text
