"""Reading a body: content types, codings, limits, the ways that HTTP/1.1 has to send one."""

from __future__ import annotations

import gzip
import io
import re
import zlib

import orjson
import pytest

from mock_june.server.body import BadCodingError, TooLargeError, UnknownCodingError, decoded, takes
from tests.server.faces import TRACK, Face, FrontFace, assert_refusal, assert_success, connected, everything, head, one_answer, until

BODY = orjson.dumps(TRACK)
LIMIT = 1000
LATER = gzip.compress(b"a") + gzip.compress(b"b")


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


TAKEN = [
    "",
    "application/json",
    "application/json; charset=utf-8",
    "Application/JSON;charset=rot13",
    "application/json ;charset=zlib_codec",
    "application/vnd.api+json",
    "text/plain",
    "text/plain;charset=UTF-8",
    "model/gltf+json",
]
NOT_TAKEN = [
    "text/html",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonp",
    "json",
    "application/",
    "*/*",
    "application/json, text/html",
]


@pytest.mark.parametrize("name", TAKEN)
def test_content_types_that_are_taken(face: Face, key: str, name: str):
    """None given, JSON of any name, text/plain; a charset is passed over, since JSON is UTF-8."""
    assert takes(name)
    assert_success(face.post("/api/track", BODY, key=key, headers={"Content-Type": name} if name else {}))


@pytest.mark.parametrize("name", NOT_TAKEN)
def test_content_types_that_are_not_taken(face: Face, key: str, name: str):
    """Anything else is 415, names what came and what to send, and stands on record with its body."""
    assert not takes(name)
    body = assert_refusal(face.post("/api/track", BODY, key=key, headers={"Content-Type": name}), 415, "unsupported_media_type")
    assert name in body["message"]
    assert "application/json" in body["message"]
    assert (face.calls(key)[0].status, face.calls(key)[0].body) == (415, BODY)


CODINGS = [
    ("gzip", gzip.compress),
    ("GZIP", gzip.compress),
    ("x-gzip", gzip.compress),
    (" gzip ", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
    ("identity", bytes),
    ("", bytes),
]


@pytest.mark.parametrize(("coding", "pack"), CODINGS)
def test_codings_that_are_taken(face: Face, key: str, coding: str, pack):
    """Gzip and deflate, the latter with zlib's wrapping or without; what is on record is the inflated body."""
    assert_success(face.post("/api/track", pack(BODY), key=key, headers={"Content-Encoding": coding}))
    assert face.calls(key)[0].body == BODY


@pytest.mark.parametrize("level", range(10))
def test_deflate_of_every_level_is_told_apart(level: int):
    """The two kinds of deflate are told by their first two bytes, at every level of packing."""
    packer = zlib.compressobj(level, wbits=-15)
    assert decoded(packer.compress(BODY) + packer.flush(), "deflate", LIMIT) == BODY
    assert decoded(zlib.compress(BODY, level), "deflate", LIMIT) == BODY


def test_a_gzip_of_several_members_is_one_body():
    """Gzip may hold several members (RFC 1952 section 2.2)."""
    assert decoded(LATER, "gzip", LIMIT) == b"ab"


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, gzip", "gzip,deflate", ", ".join(["gzip"] * 100), "none"])
def test_codings_that_are_not_taken(face: Face, key: str, coding: str):
    """Any other coding, and codings on top of each other, are 415 and never inflated."""
    with pytest.raises(UnknownCodingError):
        decoded(BODY, coding, LIMIT)
    body = assert_refusal(face.post("/api/track", gzip.compress(BODY, mtime=0), key=key, headers={"Content-Encoding": coding}), 415, "unsupported_media_type")
    assert "gzip or deflate" in body["message"]


BROKEN = [
    ("gzip", gzip.compress(BODY, mtime=0)[:-1]),
    ("gzip", gzip.compress(BODY, mtime=0)[:12]),
    ("gzip", gzip.compress(BODY, mtime=0)[:-8] + bytes(8)),
    ("gzip", b""),
    ("gzip", BODY),
    ("gzip", gzip.compress(BODY, mtime=0) + b"rest"),
    ("deflate", b""),
    ("deflate", zlib.compress(BODY)[:-1]),
    ("deflate", zlib.compress(BODY) + b"rest"),
    ("deflate", BODY),
]


@pytest.mark.parametrize(("coding", "body"), BROKEN)
def test_a_body_that_is_not_what_its_coding_says(face: Face, key: str, coding: str, body: bytes):
    """Cut short, of a wrong checksum, with something after the end, not packed at all: 400, and nothing is taken."""
    with pytest.raises(BadCodingError):
        decoded(body, coding, LIMIT)
    said = assert_refusal(face.post("/api/track", body, key=key, headers={"Content-Encoding": coding}), 400, "invalid_json")
    assert coding in said["message"]
    assert (face.calls(key)[0].accepted, face.calls(key)[0].events) == (False, ())


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zlib.compress, raw_deflate])
def test_the_limit_is_counted_after_inflating(make_face, key: str, pack):
    """A body of the limit is taken, one byte more is 413, whatever its coding."""
    face = make_face(max_body=LIMIT)
    coding = {} if pack is bytes else {"Content-Encoding": "gzip" if pack is gzip.compress else "deflate"}
    assert_success(face.post("/api/track", pack(BODY.ljust(LIMIT)), key=key, headers=coding))
    body = assert_refusal(face.post("/api/track", pack(BODY.ljust(LIMIT + 1)), key=key, headers=coding), 413, "payload_too_large")
    assert "--max-body" in body["message"]
    assert [call.status for call in face.calls(key)] == [200, 413]


def test_a_gzip_bomb_is_not_inflated(face: Face, key: str):
    """128 MiB in 130 KB: 413, and never more than the limit in memory."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9) as writer:
        for _ in range(128):
            writer.write(bytes(1 << 20))
    with pytest.raises(TooLargeError):
        decoded(packed.getvalue(), "gzip", 4 << 20)
    assert_refusal(face.post("/api/track", packed.getvalue(), key=key, headers={"Content-Encoding": "gzip"}), 413, "payload_too_large")


def test_what_is_announced_too_long_is_refused_unread(front: FrontFace, key: str):
    """A Content-Length over the limit is answered 413 before a byte of the body came, and the connection ends."""
    with connected(front.port) as sock:
        sock.sendall(head("/api/track", key, "Content-Length: 10000000000"))
        answer = everything(sock)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"payload_too_large"' in answer
    assert b"connection: close" in answer.lower()
    assert [call.status for call in front.calls(key)] == [413]


def test_a_client_that_sends_on_sees_the_413(front: FrontFace, key: str):
    """A client that sends a body over the limit to its end gets the answer, no reset."""
    assert_refusal(front.post("/api/track", bytes(5 << 20), key=key), 413, "payload_too_large")


def test_a_chunked_body(front: FrontFace, key: str):
    """A body in chunks, one of them per byte, is one body; the connection lives on."""
    chunks = b"".join(b"1\r\n" + BODY[i : i + 1] + b"\r\n" for i in range(len(BODY))) + b"0\r\n\r\n"
    with connected(front.port) as sock:
        for _ in range(2):
            sock.sendall(head("/api/track", key, "Transfer-Encoding: chunked") + chunks)
            assert_success(one_answer(sock))
    assert [call.body for call in front.calls(key)] == [BODY, BODY]


def test_a_chunked_body_over_the_limit(make_front, key: str):
    """A body in chunks that never says its length is refused at the limit."""
    front = make_front(max_body=LIMIT)
    chunk = b"1f4\r\n" + bytes(500) + b"\r\n"
    with connected(front.port) as sock:
        sock.sendall(head("/api/track", key, "Transfer-Encoding: chunked") + chunk * 3)
        assert_refusal(one_answer(sock), 413, "payload_too_large")
    assert [call.status for call in front.calls(key)] == [413]


def test_a_chunked_and_gzipped_body(front: FrontFace, key: str):
    """Chunks are the transfer's, gzip is the content's: both at once are read."""
    packed = gzip.compress(BODY, mtime=0)
    with connected(front.port) as sock:
        sock.sendall(head("/api/track", key, "Transfer-Encoding: chunked", "Content-Encoding: gzip"))
        sock.sendall(b"%x\r\n%b\r\n0\r\n\r\n" % (len(packed), packed))
        assert_success(one_answer(sock))


def test_expect_100_continue(front: FrontFace, key: str):
    """A client that asks first is told to go on before it sends (RFC 9110 section 10.1.1)."""
    with connected(front.port) as sock:
        sock.sendall(head("/api/track", key, f"Content-Length: {len(BODY)}", "Expect: 100-continue"))
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(BODY)
        assert_success(one_answer(sock))


def test_expect_100_continue_of_what_is_too_long(front: FrontFace, key: str):
    """A client that asks first is spared the sending of what would be refused."""
    with connected(front.port) as sock:
        sock.sendall(head("/api/track", key, "Content-Length: 10000000000", "Expect: 100-continue"))
        assert_refusal(one_answer(sock), 413, "payload_too_large")


@pytest.mark.parametrize(
    ("more", "body"),
    [
        (("Content-Length: 500",), BODY),
        (("Transfer-Encoding: chunked",), b"%x\r\n%b\r\n" % (len(BODY), BODY)),
        (("Transfer-Encoding: chunked",), b"%x\r\n%b" % (len(BODY), BODY)),
    ],
)
def test_a_body_that_ends_early_is_never_taken(front: FrontFace, key: str, more: tuple[str, ...], body: bytes):
    """A whole event in a body that was announced longer is not accepted when the connection ends: nothing of it was sent in full."""
    with connected(front.port) as sock:
        sock.sendall(head("/api/track", key, *more) + body)
        sock.shutdown(1)
        answer = everything(sock)
    assert b"200 OK" not in answer
    until(lambda: front.calls(key))
    assert [(call.accepted, call.status, call.events) for call in front.calls(key)] == [(False, 400, ())]


def test_an_empty_body_is_no_json(face: Face, key: str):
    """Nothing at all is 400 with the rule that says so."""
    body = assert_refusal(face.post("/api/track", b"", key=key), 400, "invalid_json")
    assert [error["rule"] for error in body["errors"]] == ["body.json"]


@pytest.mark.parametrize(
    ("sent", "rule"), [(b"\xff\xfe{}", "body.encoding"), (b"{", "body.json"), (b'{"a": NaN}', "body.json"), (b"[]", "body.object"), (b"5", "body.object")]
)
def test_a_body_that_is_no_object(face: Face, key: str, sent: bytes, rule: str):
    """What is no JSON object in UTF-8 is named by the rule that it breaks."""
    body = assert_refusal(face.post("/api/track", sent, key=key), 400, "invalid_payload" if rule == "body.object" else "invalid_json")
    assert [error["rule"] for error in body["errors"]] == [rule]
    assert face.calls(key)[0].body == sent


def test_keep_alive(front: FrontFace, key: str):
    """One connection carries call after call, refused ones between."""
    with connected(front.port) as sock:
        for sent, status in ((BODY, 200), (b"{}", 400), (b"no json", 400), (BODY, 200)):
            sock.sendall(head("/api/track", key, f"Content-Length: {len(sent)}") + sent)
            assert one_answer(sock).status == status
    assert [call.status for call in front.calls(key)] == [200, 400, 400, 200]


def test_pipelined_calls_are_answered_in_order(front: FrontFace, key: str):
    """Calls that are sent without waiting are each answered, in their order."""
    whole = b"".join(head("/api/track", key, f"Content-Length: {len(sent)}") + sent for sent in (BODY, b"{}", BODY))
    last = head("/api/track", key, f"Content-Length: {len(BODY)}", "Connection: close") + BODY
    with connected(front.port) as sock:
        sock.sendall(whole + last)
        answers = everything(sock)
    assert re.findall(rb"HTTP/1\.1 (\d+)", answers) == [b"200", b"400", b"200", b"200"]
    assert [call.status for call in front.calls(key)] == [200, 400, 200, 200]
