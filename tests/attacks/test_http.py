"""Malformed HTTP (THREATS.md, H): bytes that no client in good order sends. Whatever comes, nothing is taken twice, by half or for another's."""

from __future__ import annotations

import contextlib
import random
import socket
import sys
import threading
import time

import orjson
import pytest

from tests.attacks.harness import (
    HOST,
    TRACK,
    Target,
    any_whole,
    assert_refusal,
    assert_refused_or_closed,
    assert_tame,
    call_head,
    chunked,
    connected,
    head,
    memory,
    one,
    receive,
    replies,
    send,
    whole_call,
)
from tests.attacks.servers import SLOW, Served, assert_quiet

BODY = orjson.dumps(TRACK)
N = len(BODY)
CHUNKED = chunked(BODY)
CONTROL = ("/", "/openapi.json", "/_mock/health", "/_mock/calls", "/_mock/events", "/_mock/faults", "/_mock/stream", "/_mock/export", "/_mock/calls/1")


def assert_nothing_taken(target: Target, key: str) -> None:
    """A later call of the same key is taken, and is the only one that was."""
    reply = target.post("/api/track", TRACK | {"userId": "later"}, key=key)
    assert reply.status == 200
    assert [payload["userId"] for payload in target.accepted(key)] == ["later"]


LENGTHS = {
    "two": (f"Content-Length: {N}", f"Content-Length: {N + 1}"),
    "two-alike": (f"Content-Length: {N}", f"Content-Length: {N}"),
    "list": (f"Content-Length: {N}, {N + 5}",),
    "semicolon": (f"Content-Length: {N};{N}",),
    "blank-in-it": (f"Content-Length: {N // 100} {N % 100}",),
    "plus": (f"Content-Length: +{N}",),
    "minus": ("Content-Length: -1",),
    "hex": (f"Content-Length: {N:#x}",),
    "exponent": ("Content-Length: 1e2",),
    "fraction": (f"Content-Length: {N}.0",),
    "underscore": ("Content-Length: 1_2",),
    "fullwidth": (b"Content-Length: \xef\xbc\x93\xef\xbc\x92",),
    "superscript": (b"Content-Length: \xb2\xb2",),
    "empty": ("Content-Length:",),
    "wraps-64-bits": (f"Content-Length: {2**64 + N}",),
    "5000-digits": (f"Content-Length: {'9' * 5000}",),
    "name-then-blank": (f"Content-Length : {N}",),
    "folded": ("X-A: b", f" Content-Length: {N}", "Content-Length: 1", f"Content-Length: {N}"),
    "nul": (f"Content-Length: {N}\0",),
}


@pytest.mark.parametrize("lines", LENGTHS.values(), ids=LENGTHS)
def test_H1_content_lengths_that_are_none(target: Target, key: str, lines: tuple[str | bytes, ...]):
    """A Content-Length that is doubled, or no plain number, is refused with 400 or a close; the call is not taken."""
    assert_refused_or_closed(target.raw(call_head(key, *lines) + BODY, shut=True), key)
    assert_nothing_taken(target, key)


ENCODINGS = {
    "with-length": (f"Content-Length: {len(CHUNKED)}", "Transfer-Encoding: chunked"),
    "before-length": ("Transfer-Encoding: chunked", f"Content-Length: {len(CHUNKED)}"),
    "with-length-0": ("Content-Length: 0", "Transfer-Encoding: chunked"),
    "capital-with-length": (f"Content-Length: {N}", "Transfer-Encoding: CHUNKED"),
    "name-then-blank": ("Transfer-Encoding : chunked",),
    "name-then-tab": ("Transfer-Encoding\t: chunked",),
    "blank-then-name": ("X-A: b", " Transfer-Encoding: chunked"),
    "xchunked": ("Transfer-Encoding: xchunked",),
    "chunked-x": ("Transfer-Encoding: chunkedx",),
    "not-last": ("Transfer-Encoding: chunked, identity",),
    "gzip-first": ("Transfer-Encoding: gzip, chunked",),
    "twice": ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    "twice-in-one": ("Transfer-Encoding: chunked, chunked",),
    "identity-then-chunked": ("Transfer-Encoding: identity", "Transfer-Encoding: chunked"),
    "identity": ("Transfer-Encoding: identity", f"Content-Length: {N}"),
    "empty": ("Transfer-Encoding:",),
    "quoted": ('Transfer-Encoding: "chunked"',),
    "parameter": ("Transfer-Encoding: chunked;q=1",),
    "vertical-tab": ("Transfer-Encoding: \x0bchunked",),
    "nul": ("Transfer-Encoding: chunked\0",),
    "folded": ("Transfer-Encoding:", " chunked"),
    "bare-cr": ("X-A: b\rTransfer-Encoding: chunked",),
    "bare-cr-before": ("Transfer-Encoding: x\rchunked",),
}


@pytest.mark.parametrize("lines", ENCODINGS.values(), ids=ENCODINGS)
def test_H1_transfer_encodings_that_are_none(target: Target, key: str, lines: tuple[str, ...]):
    """A Transfer-Encoding that is not the one word `chunked`, or comes with a Content-Length, is refused with 400 or a close; the call is not taken."""
    assert_refused_or_closed(target.raw(call_head(key, *lines) + CHUNKED, shut=True), key)
    assert_nothing_taken(target, key)


@pytest.mark.parametrize(
    "lines", [(f"Content-Length: {len(CHUNKED)}", "Transfer-Encoding: chunked"), ("Content-Length: 5", "Content-Length: 6"), ("Transfer-Encoding: xchunked",)]
)
def test_H1_a_smuggled_call_is_not_taken(target: Target, key: str, lines: tuple[str, ...]):
    """What stands behind a request whose length is in doubt is no second request."""
    data = target.raw(call_head(key, *lines) + CHUNKED + whole_call(key, TRACK | {"userId": "smuggled"}), shut=True)
    assert_refused_or_closed(data, key)
    assert_nothing_taken(target, key)


def test_H1_chunked_under_http_1_0(target: Target, key: str):
    """HTTP/1.0 knows no chunks: such a request is refused, or closed (RFC 9112 section 6.1)."""
    first, rest = call_head(key, "Transfer-Encoding: chunked").split(b"\r\n", 1)
    assert_refused_or_closed(target.raw(first.replace(b"1.1", b"1.0") + b"\r\n" + rest + CHUNKED, shut=True), key)
    assert_nothing_taken(target, key)


HEADS = {
    "no-version": b"POST /api/track\r\n\r\n",
    "version-9": b"POST /api/track HTTP/9.9\r\nHost: x\r\n\r\n",
    "lower-version": b"POST /api/track http/1.1\r\nHost: x\r\n\r\n",
    "no-method": b" /api/track HTTP/1.1\r\nHost: x\r\n\r\n",
    "made-up-method": b"GPOST /api/track HTTP/1.1\r\nHost: x\r\n\r\n",
    "lower-method": b"post /api/track HTTP/1.1\r\nHost: x\r\n\r\n",
    "blank-in-path": b"POST /api/tr ack HTTP/1.1\r\nHost: x\r\n\r\n",
    "nul-in-path": b"POST /api/tr\0ack HTTP/1.1\r\nHost: x\r\n\r\n",
    "utf8-path": b"POST /api/tr\xc3\xa4ck HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    "latin1-query": b"POST /api/track?a=\xe4 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    "no-path": b"POST  HTTP/1.1\r\nHost: x\r\n\r\n",
    "backslash": b"POST \\api\\track HTTP/1.1\r\nHost: x\r\n\r\n",
    "star": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "no-colon": b"POST /api/track HTTP/1.1\r\nHost\r\n\r\n",
    "empty-name": b"POST /api/track HTTP/1.1\r\n: x\r\n\r\n",
    "control-in-name": b"POST /api/track HTTP/1.1\r\nHo\x01st: x\r\n\r\n",
    "nul-in-value": b"POST /api/track HTTP/1.1\r\nHost: x\0y\r\n\r\n",
    "tls-hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)),
    "noise": bytes(range(256)) * 4,
    "json-alone": BODY + b"\r\n\r\n",
    "answer": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "nothing": b"",
    "line-ends": b"\r\n" * 100,
}


@pytest.mark.parametrize("data", HEADS.values(), ids=HEADS)
def test_H1_heads_that_are_none(target: Target, data: bytes):
    """What is no head of a request gets a 4xx in the one shape, or a close."""
    assert_refused_or_closed(target.raw(data, shut=True), "", 400, 401, 404, 405)


@pytest.mark.parametrize(
    "after", [b"garbage\r\n\r\n", b"\x00\xff", b"GET", b"POST /api/track HTTP/1.1\r\nContent-Length: x\r\n\r\n"], ids=["text", "bytes", "cut", "head"]
)
def test_H1_what_is_answered_is_what_was_asked(target: Target, key: str, after: bytes):
    """Rubbish behind whole calls takes none of their answers: what is on record as accepted was answered 200, and no answer says otherwise."""
    data = target.raw(whole_call(key) + whole_call(key, TRACK | {"userId": "2"}) + after, shut=True)
    statuses = [reply.status for reply in assert_tame(data, key, most=3)]
    assert len(target.accepted(key)) == statuses.count(200) == 2
    assert statuses in ([200, 200], [200, 200, 400])


def test_H1_rubbish_behind_a_call_that_waits(target: Target, key: str):
    """The same when the call's answer is still to come: a planned delay is no door to a wrong answer."""
    target.control("/_mock/faults", method="POST", body=b'{"delay": 0.3}', key=key)
    data = target.raw(whole_call(key), b"rubbish\r\n\r\n", pause=0.05, shut=True)
    assert [reply.status for reply in assert_tame(data, key, most=2)][:1] == [200]
    assert len(target.accepted(key)) == 1


def test_H1_a_bad_chunk_behind_a_call_that_waits(target: Target, key: str):
    """A second call that breaks off in its body neither takes the first one's answer nor is taken."""
    target.control("/_mock/faults", method="POST", body=b'{"delay": 0.3}', key=key)
    second = call_head(key, "Transfer-Encoding: chunked") + chunked(BODY, last=b"zz\r\n")
    data = target.raw(whole_call(key), second, pause=0.05, shut=True)
    assert [reply.status for reply in assert_tame(data, key, most=2)][:1] == [200]
    assert len(target.accepted(key)) == 1


def test_H1_calls_in_a_pipeline(either: Target, key: str):
    """Calls that come in one go are each answered, in their order."""
    calls = [whole_call(key, TRACK | {"userId": str(number)}) if number % 3 else whole_call(key, {"type": "track"}) for number in range(30)]
    with connected(either.port) as sock:
        send(sock, b"".join(calls))
        data = b""
        while data.count(b"HTTP/1.1 ") < 30 or not any_whole(data):
            data += sock.recv(1 << 16)
    assert [reply.status for reply in replies(data)] == [200 if number % 3 else 400 for number in range(30)]
    assert [payload["userId"] for payload in either.accepted(key)] == [str(number) for number in range(30) if number % 3]


TOKENS = (
    *(b"\r\n", b"\r", b"\n", b"\0", b" ", b"\t", b":", b",", b"0", b"-", b"\xff", b"\xc3\xa9", b"%00", b"%", b"?", b"#", b"//", b"..", b'"', b"{", b"}", b"\\"),
    *(
        b"Content-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Expect: 100-continue\r\n",
        b"Connection: close\r\n",
        b"Connection: Upgrade\r\nUpgrade: h2c\r\n",
    ),
    *(
        b"HTTP/1.0",
        b"GET ",
        b"POST ",
        b"0\r\n\r\n",
        b"FFFFFFFF\r\n",
        b"Host: x\r\n",
        b"Authorization: Basic a\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Content-Type: x\r\n",
    ),
)


def mutated(data: bytes, dice: random.Random) -> bytes:
    """A request with a few bytes changed, gone, doubled or put in."""
    for _ in range(dice.randint(1, 4)):
        start = dice.randrange(len(data) + 1)
        stop = min(len(data), start + dice.choice((0, 1, 1, 2, 5, 20)))
        put = dice.choice((b"", data[start:stop] * 2, bytes([dice.randrange(256)]), dice.choice(TOKENS), dice.choice(TOKENS)))
        data = data[:start] + put + data[stop:]
    return data


@pytest.mark.parametrize("seed", range(200 if SLOW else 8))
def test_H1_requests_with_slips(target: Target, key: str, seed: int):
    """However a request is mangled, it is answered in our shape or closed, never with a 5xx; and what is on record as taken was answered 200."""
    dice = random.Random(seed)
    small = chunked(*(BODY[place : place + 20] for place in range(0, N, 20)))
    bases = (
        whole_call(key),
        whole_call(key) * 3,
        call_head(key, "Transfer-Encoding: chunked") + small,
        whole_call(key, {"batch": [TRACK, {}]}, "/sdk/batch"),
        head("GET /_mock/calls?limit=1 HTTP/1.1", f"Host: {HOST}:{target.port}", "Connection: close"),
        head("POST /_mock/faults HTTP/1.1", f"Host: {HOST}:{target.port}", f"Authorization: Basic {key}x", "Content-Length: 2", "Connection: close") + b"{}",
    )
    good = 0
    for number in range(60):
        data = mutated(bases[number % len(bases)], dice)
        try:
            found = assert_tame(target.raw(data, shut=True), most=8)
        except AssertionError as error:
            raise AssertionError(data) from error
        good += sum(
            reply.json == {"status": 200, "success": True} for reply in found if reply.status == 200 and reply.header("content-type") == "application/json"
        )
    assert len(target.control("/_mock/calls?accepted=true&limit=1000", key=key)["calls"]) <= good


@pytest.mark.parametrize("length", [N + 1, 200 + N, 1 << 20])
@pytest.mark.parametrize("sent", [0, 1, N // 2, N], ids=["nothing", "a-byte", "half", "all-of-the-event"])
def test_H2_a_body_that_ends_early(target: Target, key: str, length: int, sent: int):
    """A body shorter than its Content-Length is never taken, not even where the bytes that came are a whole event."""
    assert_refused_or_closed(target.raw(call_head(key, f"Content-Length: {length}") + BODY[:sent], shut=True), key)
    assert_nothing_taken(target, key)
    broken = [call for call in target.control("/_mock/calls", key=key)["calls"] if call["status"] != 200]
    assert all(not call["accepted"] for call in broken)


def test_H2_a_body_that_ends_early_by_a_reset(either: Target, key: str):
    """The same when the client resets the connection."""
    with connected(either.port) as sock:
        send(sock, call_head(key, f"Content-Length: {N + 100}") + BODY)
        time.sleep(0.05)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    assert_nothing_taken(either, key)


def test_H2_a_gzip_body_that_ends_early(target: Target, key: str):
    """The same of a coded body, with or without its trailer."""
    import gzip

    packed = gzip.compress(BODY)
    for cut in (len(packed) - 1, len(packed) - 8, len(packed) - 9, 10):
        assert_refused_or_closed(target.raw(call_head(key, f"Content-Length: {len(packed)}", "Content-Encoding: gzip") + packed[:cut], shut=True), key)
    assert_nothing_taken(target, key)


def test_H2_a_cut_control_request_changes_nothing(target: Target, key: str):
    """A reset whose body does not come whole resets nothing."""
    target.post("/api/track", TRACK, key=key)
    lines = (f"Host: {HOST}:{target.port}", f"Authorization: Basic {key}", "Content-Length: 100")
    for path in ("/_mock/reset", "/_mock/faults"):
        data = target.raw(head(f"POST {path} HTTP/1.1", *lines) + b'{"status": 503}', shut=True)
        assert_refused_or_closed(data, key)
    assert len(target.accepted(key)) == 1
    assert target.control("/_mock/faults", key=key) == {"faults": []}


TAILS = {
    "no-last-chunk": chunked(BODY, last=b""),
    "cut-last-chunk": chunked(BODY, last=b"0\r\n"),
    "cut-chunk": b"%x\r\n%b" % (N + 10, BODY),
    "cut-size": chunked(BODY, last=b"1"),
    "bad-size": chunked(BODY, last=b"zz\r\n\r\n"),
    "minus-size": chunked(BODY, last=b"-1\r\n\r\n"),
    "0x-size": chunked(BODY, last=b"0x0\r\n\r\n"),
    "huge-size": chunked(BODY, last=b"F" * 17 + b"\r\n"),
    "endless-size": chunked(BODY, last=b"F" * 4096 + b"\r\n"),
    "wrapping-size": b"1%016x\r\n%b\r\n0\r\n\r\n" % (N, BODY),
    "longer-than-said": b"%x\r\n%b\r\n0\r\n\r\n" % (N - 1, BODY),
    "no-line-end-after": b"%x\r\n%b0\r\n\r\n" % (N, BODY),
    "blank-size": chunked(BODY, last=b" \r\n\r\n"),
    "control-in-extension": chunked(BODY, last=b"0;\x01\r\n\r\n"),
    "bad-trailer": chunked(BODY, last=b"0\r\nno colon\r\n\r\n"),
}


@pytest.mark.parametrize("body", TAILS.values(), ids=TAILS)
def test_H3_chunks_that_end_badly(target: Target, key: str, body: bytes):
    """A chunked body without its last chunk, or with a bad one, is refused with 400 or a close, and never taken."""
    assert_refused_or_closed(target.raw(call_head(key, "Transfer-Encoding: chunked") + body, shut=True), key)
    assert_nothing_taken(target, key)


def test_H3_a_bad_chunk_that_comes_later(target: Target, key: str):
    """The same when the event's own chunk came long before the bad one."""
    data = target.raw(call_head(key, "Transfer-Encoding: chunked") + chunked(BODY, last=b""), b"zz\r\n", pause=0.1, shut=True)
    assert_refused_or_closed(data, key)
    assert_nothing_taken(target, key)


@pytest.mark.parametrize("length", [10_000_000_000, (4 << 20) + 1, 2**32, 2**63, 2**64 - 1])
@pytest.mark.parametrize("path", ["/api/track", "/sdk/batch", "/v1/m"])
def test_H4_an_announced_length_over_the_limit(face: Target, key: str, length: int, path: str):
    """A call that announces more than is taken is answered 413 at once, before a byte of its body came."""
    data = face.raw(call_head(key, f"Content-Length: {length}", path=path), patience=5)
    reply = one(data, key)
    assert_refusal(reply, 413, "payload_too_large")


def test_H4_an_announced_length_with_expect(target: Target, key: str):
    """A client that asks first is told 413, not to go on."""
    data = target.raw(call_head(key, "Content-Length: 10000000000", "Expect: 100-continue"))
    assert b"100 Continue" not in data
    assert_refusal(one(data, key), 413, "payload_too_large")


def test_H4_a_client_that_sends_on_gets_its_413(either: Target, key: str):
    """A client that sends its long body without looking still gets to read the answer."""
    with connected(either.port) as sock:
        send(sock, call_head(key, f"Content-Length: {8 << 20}"))
        for _ in range(8):
            if not send(sock, b" " * (1 << 20)):
                break
        data = receive(sock)
    assert_refusal(one(data, key), 413, "payload_too_large")


def test_H4_a_control_request_over_the_limit(face: Target, key: str):
    """The control API too says 413 before it reads."""
    lines = (f"Host: {HOST}:{face.port}", "Content-Type: application/json")
    for length in (10_000_000_000, 2**64 - 1):
        data = face.raw(head("POST /_mock/faults HTTP/1.1", *lines, f"Content-Length: {length}"), patience=5)
        assert_refusal(one(data, key), 413, "payload_too_large")


@pytest.mark.parametrize("path", ["/api/track", "/_mock/faults", "/nowhere"])
def test_H4_chunks_without_end(process: Target, key: str, path: str):
    """A chunked body that does not end is answered or closed once it is over the limit, and is not gathered in memory."""
    assert process.pid is not None
    before = memory(process.pid)
    piece = chunked(b" " * (1 << 20), last=b"")
    with connected(process.port) as sock:
        send(sock, call_head(key, "Transfer-Encoding: chunked", path=path, host=f"{HOST}:{process.port}"))
        sent = 0
        while sent < 64 and send(sock, piece):
            sent += 1
            sock.settimeout(0.001)
            with contextlib.suppress(TimeoutError, ConnectionError):
                if sock.recv(1, socket.MSG_PEEK):
                    break
            sock.settimeout(10)
        data = receive(sock)
    assert_refused_or_closed(data, key, 404, 413)
    assert memory(process.pid) - before < 32 << 20


@pytest.mark.skipif(sys.platform == "win32", reason="knows no such limit")
def test_H5_more_connections_than_the_shell_allows():
    """The limit of descriptors that a shell sets out with is raised as far as the system lets it: idle connections beyond it cut off nobody."""
    import resource

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))

    if hard != resource.RLIM_INFINITY and hard < 1024:
        pytest.skip("the system itself allows no more")
    with Served(preexec_fn=limited) as server, contextlib.ExitStack() as stack:
        for _ in range(400):
            stack.enter_context(connected(server.target.port))
        server.target.good_call()
        assert_quiet(server.target.log())


def test_H5_many_slow_clients(either: Target, key: str):
    """Slow bodies, slow heads, idle connections, tabs with the stream and long polls, all at once, hold up neither a call nor the control API."""
    host = f"Host: {HOST}:{either.port}"
    slow = [
        *[call_head(key, "Content-Length: 100000") + b"{" for _ in range(16)],
        *[head("POST /_mock/faults HTTP/1.1", host, "Content-Length: 1000") + b"{" for _ in range(16)],
        *[head("POST /_mock/reset HTTP/1.1", host, "Transfer-Encoding: chunked") + b"5\r\n{" for _ in range(16)],
        *[b"POST /api/track HTTP/1.1\r\nX-A: b" for _ in range(64)],
        *[whole_call(key) for _ in range(100)],
        *[head("GET /_mock/stream HTTP/1.1", host) for _ in range(16)],
        *[head("GET /_mock/events?count=1000000&wait=60 HTTP/1.1", host) for _ in range(16)],
        *[head("GET /_mock/calls?count=1000000&wait=60 HTTP/1.1", host) for _ in range(16)],
    ]
    with contextlib.ExitStack() as stack:
        for data in slow:
            send(stack.enter_context(connected(either.port)), data)
        time.sleep(0.2)
        for _ in range(3):
            begun = time.monotonic()
            either.good_call()
            assert either.control("/_mock/health")["status"] == "ok"
            assert either.control("/_mock/faults", key=key) == {"faults": []}
            assert time.monotonic() - begun < 5
    assert either.control("/_mock/health")["status"] == "ok"


def test_H6_a_body_in_one_byte_chunks(either: Target, key: str):
    """5,000 chunks of a byte are a body like any other, and cost less than a second."""
    body = orjson.dumps(TRACK | {"properties": {"filler": "x" * (5000 - N - 26)}})
    assert 4_990 <= len(body) <= 5_010
    chunks = chunked(*(body[place : place + 1] for place in range(len(body))))
    with either.at_most(1):
        data = either.raw(call_head(key, "Transfer-Encoding: chunked") + chunks)
    assert [reply.status for reply in assert_tame(data, key)] == [200]
    assert len(either.accepted(key)) == 1


def test_H6_a_body_in_one_byte_packets(target: Target, key: str):
    """The same of packets."""
    with target.at_most(1):
        data = target.raw(call_head(key, f"Content-Length: {N}"), *(BODY[place : place + 1] for place in range(N)))
    assert [reply.status for reply in assert_tame(data, key)] == [200]


@pytest.mark.parametrize("size", [1, 100, 16_000])
def test_H6_chunk_extensions(target: Target, key: str, size: int):
    """What stands beside a chunk's size costs little, however long it is."""
    body = b"".join(b"%x;%b\r\n%b\r\n" % (1, b"e" * size, BODY[place : place + 1]) for place in range(N)) + b"0\r\n\r\n"
    with target.at_most(1):
        data = target.raw(call_head(key, "Transfer-Encoding: chunked") + body)
    assert [reply.status for reply in assert_tame(data, key)] == [200]


ENDLESS = {
    "path": (b"POST /", b"a"),
    "name": (b"POST /api/track HTTP/1.1\r\n", b"a"),
    "value": (b"POST /api/track HTTP/1.1\r\nX-A: ", b"a"),
    "fields": (b"POST /api/track HTTP/1.1\r\n", b"a: b\r\n"),
    "extension": (call_head("k", "Transfer-Encoding: chunked") + b"1;", b"a"),
    "trailer-value": (call_head("k", "Transfer-Encoding: chunked") + b"0\r\nX-A: ", b"a"),
    "trailer-name": (call_head("k", "Transfer-Encoding: chunked") + b"0\r\n", b"a"),
    "trailer-fields": (call_head("k", "Transfer-Encoding: chunked") + b"0\r\n", b"a: b\r\n"),
    "fields-of-a-second": (whole_call("k") + b"POST /api/track HTTP/1.1\r\nX-A: ", b"a"),
}


@pytest.mark.parametrize(("begin", "more"), ENDLESS.values(), ids=ENDLESS)
def test_H6_heads_and_trailers_without_end(process: Target, begin: bytes, more: bytes):
    """A head, an extension or a trailer that does not end is refused or closed before it is megabytes."""
    assert process.pid is not None
    before = memory(process.pid)
    piece = more * (65536 // len(more))
    with process.at_most(2), connected(process.port) as sock:
        send(sock, begin)
        pieces = 0
        while pieces < 256 and send(sock, piece):
            pieces += 1
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_WR)
        data = receive(sock)
    assert pieces < 256
    assert_tame(data, most=2)
    assert all(reply.status in {200, 400, 431} for reply in replies(data))
    assert memory(process.pid) - before < 16 << 20


HOSTS = {
    "evil-second": lambda own: (f"Host: {own}", "Host: evil.example"),
    "evil-first": lambda own: ("Host: evil.example", f"Host: {own}"),
    "alike": lambda own: (f"Host: {own}", f"Host: {own}"),
    "list": lambda own: (f"Host: {own}, evil.example",),
    "none": lambda _: (),
    "empty": lambda _: ("Host:",),
    "blank-in-name": lambda own: (f"Host : {own}",),
    "user": lambda own: (f"Host: {own}@evil.example",),
    "user-before": lambda own: (f"Host: evil.example@{own}",),
    "path": lambda own: (f"Host: {own}/evil.example",),
    "suffix": lambda own: (f"Host: {own.split(':')[0]}.evil.example",),
    "port-of-letters": lambda own: (f"Host: {own.split(':')[0]}:evil",),
    "underscore": lambda own: ("Host: evil.example", f"Host_: {own}", f"X-Forwarded-Host: {own}", f"Forwarded: host={own}"),
}


@pytest.mark.parametrize("lines", HOSTS.values(), ids=HOSTS)
def test_H7_hosts_in_doubt(target: Target, key: str, lines):
    """A request whose Host is doubled, absent or no name of the server's own is a 4xx on the whole control API."""
    target.post("/api/track", TRACK, key=key)
    for path in CONTROL:
        data = target.raw(head(f"GET {path} HTTP/1.1", *lines(f"{HOST}:{target.port}"), "Connection: close"))
        for reply in assert_tame(data, key):
            assert 400 <= reply.status < 500, (path, reply)
    for path, method in (("/_mock/reset", "POST"), ("/_mock/calls", "DELETE")):
        data = target.raw(head(f"{method} {path} HTTP/1.1", *lines(f"{HOST}:{target.port}"), "Connection: close", "Content-Length: 0"))
        assert_refused_or_closed(data, key, 400, 403, 421)
    assert len(target.accepted(key)) == 1


def test_H8_every_refusal_has_the_one_shape(face: Target, key: str):
    """404, 405, 413, 415 and 401 are JSON of the one shape on every path that is not the page's."""
    body = orjson.dumps(TRACK)
    large = call_head(key, f"Content-Length: {5 << 20}")
    assert_refusal(face.ask("POST", "/api/tracks", body, key=key), 404, "not_found")
    assert_refusal(face.ask("GET", "/nowhere", key=key), 404, "not_found")
    assert_refusal(face.ask("GET", "/sdk", key=key), 404, "not_found")
    assert_refusal(face.ask("GET", "/_mock/nowhere"), 404, "not_found")
    assert_refusal(face.ask("GET", "/_mock"), 404, "not_found")
    assert_refusal(face.ask("GET", "/api/../api/track"), 404, "not_found")
    assert_refusal(face.ask("GET", "/%00"), 404, "not_found")
    assert_refusal(face.ask("GET", "/%ff%fe"), 404, "not_found")
    assert_refusal(face.ask("POST", "/api/track", body), 401, "unauthorized")
    assert_refusal(face.ask("POST", "/api/track", body, "Content-Type: text/html", key=key), 415, "unsupported_media_type")
    assert_refusal(face.ask("POST", "/api/track", body, "Content-Encoding: br", key=key), 415, "unsupported_media_type")
    assert_refusal(one(face.raw(large), key), 413, "payload_too_large")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "QUERY", "LINK", "MKCOL", "PURGE"])
def test_H8_every_other_method_has_the_one_shape(face: Target, key: str, method: str):
    """A method that a path does not take is 405 with Allow, in JSON, on calls and on control alike (or 400, where it is none at all)."""
    for path in ("/api/track", "/api/identify/", "/sdk/batch", "/v1/m", "/_mock/reset", "/_mock/faults", "/_mock/health"):
        if (method, path) in {("GET", "/_mock/faults"), ("GET", "/_mock/health"), ("DELETE", "/_mock/faults")}:
            continue
        reply = face.ask(method, path, key=key)
        assert reply.status in {400, 405, 501}, (path, reply)
        if reply.status == 405:
            assert_refusal(reply, 405, "method_not_allowed")
        if face.name != "flask" or reply.status == 405:  # werkzeug's own refusals are below Flask
            assert_refusal(reply)


def test_H8_head(face: Target, key: str):
    """HEAD on a path of calls is 405, without a body."""
    reply = face.ask("HEAD", "/api/track", key=key)
    assert reply.status == 405
    assert reply.body == b""


UPGRADES = {
    "websocket": ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
    "websocket-and-keep-alive": (
        "Connection: keep-alive, Upgrade",
        "Upgrade: WebSocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ),
    "h2c": ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"),
    "made-up": ("Connection: Upgrade", "Upgrade: teapot/9"),
    "tls": ("Connection: Upgrade", "Upgrade: TLS/1.0"),
}


@pytest.mark.parametrize("lines", UPGRADES.values(), ids=UPGRADES)
def test_H8_upgrades_under_api(target: Target, key: str, lines: tuple[str, ...]):
    """An upgrade is not taken: the request is answered in our shape as if it had not asked, and never with a 101."""
    for path in ("/api/track", "/api/identify", "/sdk/batch", "/nowhere"):
        reply = one(target.raw(head(f"GET {path} HTTP/1.1", "Host: localhost", f"Authorization: Basic {key}", *lines)), key)
        assert reply.status in {404, 405, 426}
        assert reply.status != 101
    reply = one(target.raw(call_head(key, f"Content-Length: {N}", *lines) + BODY), key)
    assert reply.status == 200
    assert len(target.accepted(key)) == 1


def test_H8_a_connection_goes_on_after_an_upgrade(target: Target, key: str):
    """A client that asked for an upgrade in vain may send its next call on the same connection, as Java's does."""
    with connected(target.port) as sock:
        for number in range(3):
            send(sock, whole_call(key, TRACK | {"userId": str(number)}, "/api/track", *UPGRADES["h2c"]))
            assert [reply.status for reply in assert_tame(receive(sock), key)] == [200]
    assert len(target.accepted(key)) == 3


@contextlib.contextmanager
def trap():
    """A port that counts who comes."""
    with contextlib.closing(socket.create_server((HOST, 0))) as sock:
        sock.settimeout(0.05)
        came: list[object] = []
        done = threading.Event()

        def wait() -> None:
            while not done.is_set():
                with contextlib.suppress(TimeoutError):
                    peer, address = sock.accept()
                    peer.close()
                    came.append(address)

        thread = threading.Thread(target=wait)
        thread.start()
        yield sock.getsockname()[1], came
        done.set()
        thread.join()


def test_H9_never_a_proxy(either: Target, key: str):
    """CONNECT and absolute forms make no connection to anywhere, and no tunnel."""
    with trap() as (port, came):
        for first in (
            f"CONNECT {HOST}:{port} HTTP/1.1",
            "CONNECT api.june.so:443 HTTP/1.1",
            "CONNECT / HTTP/1.1",
            f"GET http://{HOST}:{port}/ HTTP/1.1",
            f"GET http://{HOST}:{port} HTTP/1.1",
            f"GET https://{HOST}:{port}/_mock/x HTTP/1.1",
            f"GET //{HOST}:{port}/ HTTP/1.1",
            f"GET ftp://{HOST}:{port}/ HTTP/1.1",
            f"GET /@{HOST}:{port}/ HTTP/1.1",
            f"POST http://{HOST}:{port}/elsewhere HTTP/1.1",
        ):
            data = either.raw(head(first, f"Host: {HOST}:{port}", f"Authorization: Basic {key}", "Content-Length: 0", "Connection: close"), shut=True)
            for reply in replies(data):  # the path / is our own page, whoever is named before it
                assert 400 <= reply.status < 500 or b"<title>mock-june" in reply.body, (first, reply)
            assert b"Connection established" not in data
        time.sleep(0.1)
        assert came == []


def test_H9_an_absolute_form_is_taken_as_ours(target: Target, key: str):
    """A call in absolute form, as a client behind a proxy sends it, is taken here (RFC 9112 section 3.2.2)."""
    with trap() as (port, came):
        first, rest = whole_call(key).split(b"\r\n", 1)
        data = target.raw(first.replace(b"/api/track", f"http://{HOST}:{port}/api/track".encode()) + b"\r\n" + rest)
        assert [reply.status for reply in assert_tame(data, key)] == [200]
        assert came == []
    assert len(target.accepted(key)) == 1


@pytest.mark.parametrize(
    "after",
    [
        b"",
        b"\x00\x00\x00\x04\x00\x00\x00\x00\x00",
        b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\x00\x03\x00\x00\x00\x64\x00\x04\x40\x00\x00\x00\x00\x02\x00\x00\x00\x00",
    ],
)
def test_H10_no_http_2(target: Target, after: bytes):
    """The preface of HTTP/2 is refused or closed in HTTP/1.1: no frame comes back."""
    data = target.raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + after, shut=True)
    assert_refused_or_closed(data)


TRAILERS = {
    "key": lambda key: f"Authorization: Basic {key}\r\n",
    "lower": lambda key: f"authorization: basic {key}\r\n",
    "twice": lambda key: f"Authorization: Basic {key}\r\nAuthorization: Basic {key}\r\n",
    "announced": lambda key: f"X-A: b\r\nAuthorization: Basic {key}\r\n",
}


@pytest.mark.parametrize("trailer", TRAILERS.values(), ids=TRAILERS)
@pytest.mark.parametrize("pause", [0.0, 0.05], ids=["in-one-go", "later"])
def test_H11_a_key_in_the_trailer(target: Target, key: str, trailer, pause: float):
    """A key that comes only in a chunked body's trailer is none: 401."""
    lines = ("Host: localhost", "Trailer: Authorization", "Transfer-Encoding: chunked")
    data = target.raw(head("POST /api/track HTTP/1.1", *lines) + chunked(BODY, last=b""), b"0\r\n" + trailer(key).encode() + b"\r\n", pause=pause)
    assert_refusal(one(data, key), 401, "unauthorized")
    assert target.accepted(key) == []


def test_H11_no_header_comes_by_a_trailer(target: Target, key: str):
    """A trailer changes nothing that a header says: no coding, no type, no host, no second key."""
    trailer = "Content-Encoding: gzip\r\nContent-Type: text/html\r\nHost: evil.example\r\nAuthorization: Basic another\r\n"
    data = target.raw(call_head(key, "Transfer-Encoding: chunked") + chunked(BODY, last=b"0\r\n" + trailer.encode() + b"\r\n"))
    assert [reply.status for reply in assert_tame(data, key)] == [200]
    (call,) = target.control("/_mock/calls", key=key)["calls"]
    assert call["headers"]["host"] == "localhost"
    assert "content-encoding" not in call["headers"]


def test_H11_control_by_a_trailer(target: Target, key: str):
    """Nor does a trailer open the control API."""
    lines = ("Host: evil.example", "Transfer-Encoding: chunked")
    last = f"0\r\nHost: {HOST}:{target.port}\r\nOrigin: http://{HOST}:{target.port}\r\n\r\n".encode()
    assert_refused_or_closed(target.raw(head("POST /_mock/reset HTTP/1.1", *lines) + chunked(b"{}", last=last)), key, 403, 400)
