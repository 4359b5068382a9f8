"""The front over a socket: a body is the same however it is cut into chunks and packets, and no bytes bring the server down."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from random import Random

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.attacks.harness import GROUP, IDENTIFY, TRACK, assert_tame, call_head, chunked, one
from tests.attacks.servers import assert_quiet, in_thread
from tests.fuzz.mangling import mangled

KEY = "a-key-of-the-fuzzers"
CODINGS: dict[str, Callable[[bytes], bytes]] = {"identity": bytes, "gzip": gzip.compress, "deflate": zlib.compress}
ACCENTED = {**GROUP, "traits": {"text": "\u2028é" * 50}}
PAYLOADS: list[bytes] = [*map(orjson.dumps, (TRACK, {**IDENTIFY, "userId": 1}, ACCENTED, [])), b"{", b""]


@pytest.fixture(scope="module")
def target():
    with in_thread(max_body=600) as target:
        yield target
        target.good_call()
        assert_quiet(target.log())


def pieces(data, random, most):
    """The bytes in up to so many pieces, none of them empty."""
    cuts = sorted({random.randrange(1, len(data)) for _ in range(random.randrange(most))}) if len(data) > 1 else []
    return [data[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(data)], strict=True)]


@settings(max_examples=60)
@given(st.sampled_from(PAYLOADS), st.sampled_from(list(CODINGS)), st.integers(0, 2**32))
def test_a_body_is_the_same_however_it_comes(target, body, coding, seed):
    """By its length or in chunks, packed or not, in one packet or in many: one answer, and on record the very bytes."""
    random = Random(seed)
    packed = CODINGS[coding](body)
    lines = ["Connection: close", *([f"Content-Encoding: {coding}"] if random.random() < 0.8 or coding != "identity" else [])]
    if random.random() < 0.5:
        parts = pieces(packed, random, 8) if packed else []
        sent = call_head(KEY, "Transfer-Encoding: chunked", *lines) + chunked(*parts)
    else:
        sent = call_head(KEY, f"Content-Length: {len(packed)}", *lines) + packed
    reply = one(target.raw(*pieces(sent, random, 4), pause=0.001), KEY)
    expected = target.mock.engine.check(body, target_endpoint())
    assert (reply.status == 200) is expected.accepted
    assert reply.status == 200 or reply.json["errors_total"] == len(expected.violations)
    assert last_body(target) == body.decode()


def target_endpoint():
    from mock_june.server.routes import endpoint_of

    return endpoint_of("/api/track")


def last_body(target):
    (call,) = target.control("/_mock/calls?limit=1&after=" + str(target.control("/_mock/health")["last_call"] - 1))["calls"]
    return call["body"]


REQUESTS = (
    call_head(KEY, f"Content-Length: {len(PAYLOADS[0])}", "Connection: close") + PAYLOADS[0],
    call_head(KEY, "Transfer-Encoding: chunked", "Connection: close") + chunked(PAYLOADS[0][:50], PAYLOADS[0][50:]),
    call_head(KEY, f"Content-Length: {len(gzip.compress(PAYLOADS[0]))}", "Content-Encoding: gzip", "Connection: close") + gzip.compress(PAYLOADS[0]),
    b"GET /_mock/calls?kind=track&count=1&wait=0 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b'POST /_mock/faults HTTP/1.1\r\nHost: localhost\r\nContent-Length: 29\r\nConnection: close\r\n\r\n{"status":418,"kind":"alias"}',
    b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-1\r\nConnection: close\r\n\r\n",
)


@settings(max_examples=150)
@given(st.sampled_from(REQUESTS), st.integers(0, 2**32))
def test_any_bytes_are_answered_or_refused(target, request, seed):
    """Whatever comes where a request should: answers in the one shape or a close, never a 5xx, never a hang, and no key in them."""
    random = Random(seed)
    sent = mangled(request, random, 4) + (request if random.random() < 0.3 else b"")
    assert_tame(target.raw(*pieces(sent, random, 3), shut=True), KEY, most=12)
