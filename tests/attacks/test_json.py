"""Malformed JSON (THREATS.md, J): bodies that are none, nearly none, or far too much of one. Each is refused or kept as it came; none costs much."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest

from mock_june import check
from mock_june.contract import schemas
from tests.attacks.harness import GROUP, IDENTIFY, TRACK, Reply, Target, assert_refusal, assert_tame_reply, call_head, chunked, memory, one, peak_memory

SUITE = Path(__file__).parent.parent / "jsontestsuite" / "test_parsing"
NO_JSON = {"body.json", "body.encoding"}
GOOD = {"identify": IDENTIFY, "group": GROUP, "track": TRACK}


def rules(reply: Reply) -> list[str]:
    """The rules that a refusal names."""
    return [error["rule"] for error in reply.json.get("errors", ())]


def files(prefix: str) -> list[Path]:
    """The suite's files: y_ are JSON, n_ are not, i_ are for the parser to choose."""
    return sorted(SUITE.glob(f"{prefix}_*.json"))


def test_J1_the_suite_is_whole():
    """The suite is there, with all its files."""
    assert [len(files(prefix)) for prefix in "yni"] == [95, 188, 35]


def test_J1_what_is_no_json(face: Target, key: str):
    """Each text of JSONTestSuite that is no JSON is refused as `body.json` or `body.encoding`, on every kind of path."""
    wrong = []
    for number, file in enumerate(files("n")):
        reply = face.post(("/api/identify", "/sdk/track", "/v1/batch")[number % 3], file.read_bytes(), key=key)
        assert_tame_reply(reply, key)
        if reply.status != 400 or reply.json["code"] != "invalid_json" or len(rules(reply)) != 1 or not set(rules(reply)) <= NO_JSON:
            wrong.append((file.name, reply))
    assert wrong == []


def test_J1_what_is_json(face: Target, key: str):
    """Each text that is JSON parses: as a body it is refused for what it is, not as no JSON; as a trait's value it is taken."""
    wrong = []
    for file in files("y"):
        text = file.read_bytes()
        reply = face.post("/api/identify", text, key=key)
        assert_tame_reply(reply, key)
        if reply.status != 400 or NO_JSON & set(rules(reply)):
            wrong.append((file.name, reply))
        within = face.post("/api/identify", b'{"type": "identify", "userId": "1", "traits": {"v": %b}}' % text, key=key)
        if within.status != 200:
            wrong.append((file.name, within))
    assert wrong == []


def test_J1_what_is_for_us_to_choose(face: Target, key: str):
    """Each text whose reading is free is taken or refused in the one shape; none is a crash, as a body or within one."""
    for file in files("i"):
        text = file.read_bytes()
        for body in (text, b'{"type": "identify", "userId": "1", "traits": {"v": %b}}' % text, b'{"type": "identify", "userId": %b}' % text):
            reply = face.post("/api/identify", body, key=key)
            assert reply.status in {200, 400}, file.name
            assert_tame_reply(reply, key)
    assert face.ask("GET", "/_mock/events?limit=1000", key=key).status == 200
    assert face.ask("GET", "/_mock/calls?limit=1000", key=key).status == 200


def nested(depth: int, shape: str) -> bytes:
    """JSON text of so many arrays, objects or both in turn."""
    opening = {"array": b"[", "object": b'{"a":', "both": b'[{"a":'}[shape]
    closing = {"array": b"]", "object": b"}", "both": b"}]"}[shape]
    times = depth // 2 if shape == "both" else depth
    return opening * times + b"1" + closing * times


@pytest.mark.parametrize("shape", ["array", "object", "both"])
@pytest.mark.parametrize("depth", [253, 254, 1000, 1022])
def test_J2_deep_traits_are_taken_and_read_back(face: Target, key: str, depth: int, shape: str):
    """A trait nested as deeply as the parser takes is a 200, and every way to read the record shows it as it came."""
    value = nested(depth - 1 if shape != "both" else depth - 2, shape)
    body = b'{"type":"identify","userId":"1","traits":{"deep":%b}}' % value
    assert face.post("/api/identify", body, key=key).status == 200
    call = face.ask("GET", "/_mock/calls?limit=1", key=key)
    events = face.ask("GET", "/_mock/events?userId=1", key=key)
    lines = face.ask("GET", "/_mock/export?format=jsonl", key=key)
    har = face.ask("GET", "/_mock/export?format=har", key=key)
    for reply in (call, events, lines, har):
        assert reply.status == 200
        assert value in reply.body or json.dumps(body.decode()).encode()[1:-1] in reply.body or value.replace(b'"', b'\\"') in reply.body
    assert lines.body.strip() == body


@pytest.mark.parametrize("depth", [1024, 1025, 1100, 5000, 100_000])
@pytest.mark.parametrize("shape", ["array", "object", "both"])
def test_J2_beyond_the_depth_is_refused(face: Target, key: str, depth: int, shape: str):
    """What nests deeper than the parser takes is `body.json`, never a crash."""
    reply = face.post("/api/identify", b'{"type":"identify","userId":"1","traits":{"deep":%b}}' % nested(depth, shape), key=key)
    assert_tame_reply(reply, key)
    assert reply.status == 400
    assert set(rules(reply)) <= NO_JSON


@pytest.mark.parametrize("shape", ["array", "object", "both"])
@pytest.mark.parametrize("depth", [260, 900, 1020])
def test_J3_depth_where_a_string_should_be(face: Target, key: str, depth: int, shape: str):
    """A nest in place of a String, an Object or a whole event is a 400 that names the member."""
    value = nested(depth, shape)
    for kind, members in (
        ("identify", ("userId", "type", "anonymousId")),
        ("group", ("groupId", "userId")),
        ("track", ("event", "timestamp", "email", "userId")),
    ):
        for member in members:
            payload = GOOD[kind] | {member: None}
            body = orjson.dumps(payload).replace(b"null", value)
            for path in (f"/api/{kind}", f"/sdk/{kind}"):
                reply = face.post(path, body, key=key)
                if path.startswith("/sdk") and member == "email":
                    continue
                assert_refusal(reply, 400, "invalid_payload")
                assert f"/{member}" in [error["pointer"] for error in reply.json["errors"]], (path, member)
    for body in (b'{"batch": [%b]}' % value, b'{"batch": %b}' % value, value):
        assert_refusal(face.post("/sdk/batch", body, key=key), 400, "invalid_payload")
    face.control("/_mock/events?limit=10", key=key)


HUGE = {
    "string": "x" * 500_000,
    "array": list(range(20_000)),
    "nulls": [None] * 100_000,
    "object": {f"member {n}": n for n in range(20_000)},
    "digits": "9" * 5_000,
    "escapes": "\x1b\x00\u009b\u202e" * 20_000,
    "quotes": '"\\' * 100_000,
    "astral": "\U0001f600" * 100_000,
    "lines": "\r\n::error::x\u2028" * 20_000,
}


@pytest.mark.parametrize("value", HUGE.values(), ids=HUGE)
def test_J4_a_huge_value_is_cut_in_the_answer(face: Target, key: str, value: Any):
    """However large a wrong value is, the answer to it is at most 64 KiB, and soon there."""
    for kind, member in (
        ("identify", "userId"),
        ("identify", "type"),
        ("identify", "traits"),
        ("track", "timestamp"),
        ("track", "event"),
        ("group", "groupId"),
        ("track", "properties"),
    ):
        wrong = [value] if isinstance(value, str) and member in {"userId", "event", "groupId"} else value
        wrong = [wrong] if member in {"traits", "properties"} else wrong
        body = orjson.dumps(GOOD[kind] | {member: wrong})
        with face.at_most(0.5):
            reply = face.post(f"/api/{kind}", body, key=key)
        assert_refusal(reply, 400, "invalid_payload")
        assert len(reply.body) <= 64 << 10


def test_J4_huge_member_names_and_types(face: Target, key: str):
    """The same of member names that are nearly right, and of the types of a batch's messages."""
    name = "userId" + "s" * 500_000
    for body in ({"type": "identify", name: "1"}, {"type": "identify", "user_id" * 70_000: "1"}, {"type": "identify", "é" * 200_000: "1", "userid": 1}):
        reply = face.post("/api/identify", body, key=key)
        assert_refusal(reply, 400, "invalid_payload")
        assert len(reply.body) <= 64 << 10
    for kind in ("x" * 500_000, ["x"] * 50_000, {"x": "y" * 500_000}, "identif" + "y" * 100_000):
        reply = face.post("/sdk/batch", {"batch": [{"type": kind, "userId": "1"}]}, key=key)
        assert_refusal(reply, 400, "invalid_payload")
        assert len(reply.body) <= 64 << 10


def test_J4_huge_numbers_are_cut(face: Target, key: str):
    """The same of numbers with thousands of digits, in any place."""
    for number in (b"9" * 5_000, b"-" + b"9" * 5_000, b"0." + b"9" * 5_000, b"1e" + b"0" * 5_000 + b"1", b"1" * 300, b"9" * 500_000):
        reply = face.post("/api/identify", b'{"type":"identify","userId":%b}' % number, key=key)
        assert_tame_reply(reply, key)
        assert reply.status == 400
        assert len(reply.body) <= 64 << 10


def test_J4_huge_paths_headers_and_queries(face: Target, key: str):
    """The same of what is wrong about a request's head."""
    body = orjson.dumps(IDENTIFY)
    for reply in (
        face.ask("POST", "/api/" + "x" * 30_000, body, key=key),
        face.ask("POST", "/api/identify?" + "x" * 30_000, b"{}", key=key),
        face.ask("POST", "/api/identify", body, "Content-Type: " + "x" * 30_000 + "/y", key=key),
        face.ask("POST", "/api/identify", body, "Content-Encoding: " + "x" * 30_000, key=key),
        face.ask("POST", "/api/identify", body, key="k" * 30_000),
        face.ask("GET", "/_mock/events?" + "x" * 30_000 + "=1"),
        face.ask("GET", "/_mock/events?rule=" + "x" * 30_000),
    ):
        assert_tame_reply(reply, key)
        assert reply.status == 200 or len(reply.body) < 4096


NUMBERS = [
    "18446744073709551616",
    "18446744073709551615",
    "-9223372036854775808",
    "-9223372036854775809",
    "1e400",
    "-1e400",
    "1e308",
    "1e-400",
    "-0",
    "-0.0",
    "9" * 5000,
    "0." + "1" * 5000,
    "1" * 4301,
]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:24])
@pytest.mark.parametrize("where", ["traits", "userId", "body"])
def test_J5_large_numbers(face: Target, key: str, number: str, where: str):
    """A number at or beyond the bounds of 64 bits has one verdict, whoever gives it: the server or the library; and the record has it as it came."""
    text = {"traits": '{"type":"identify","userId":"1","traits":{"n":%s}}', "userId": '{"type":"identify","userId":%s}', "body": "%s"}[where] % number
    verdict = check(text.encode(), "identify")
    reply = face.post("/api/identify", text.encode(), key=key)
    assert_tame_reply(reply, key)
    assert (reply.status == 200) == verdict.accepted
    if reply.status != 200:
        assert rules(reply) == [violation.rule for violation in verdict.violations]
        assert [error["message"] for error in reply.json["errors"]] == [violation.message for violation in verdict.violations]
    (call,) = face.control("/_mock/calls", key=key)["calls"]
    assert call["body"] == text


DOUBTFUL = {
    "last-wins-good": ('{"type":"identify","userId":7,"userId":"1"}', True),
    "last-wins-bad": ('{"type":"identify","userId":"1","userId":7}', False),
    "doubled-type": ('{"type":"group","type":"identify","userId":"1"}', True),
    "doubled-escaped": ('{"type":"identify","userId":"1","user\\u0049d":7}', False),
    "proto": ('{"type":"identify","userId":"1","__proto__":{"userId":7},"constructor":1,"traits":{"__proto__":{"x":1},"toString":null}}', True),
    "proto-instead": ('{"type":"identify","__proto__":{"userId":"1"}}', False),
    "empty-name": ('{"type":"identify","userId":"1","":1,"traits":{"":{"":""}}}', True),
    "nul-name": ('{"type":"identify","userId":"1","\\u0000":1,"traits":{"\\u0000a":1,"a\\u0000":2}}', True),
    "nul-in-name": ('{"type":"identify","userId\\u0000":"1"}', False),
    "nul-value": ('{"type":"identify","userId":"\\u0000"}', True),
    "lone-surrogate": ('{"type":"identify","userId":"\\ud800"}', False),
    "noncharacter": ('{"type":"identify","userId":"\\uffff\\ufffe"}', True),
}


@pytest.mark.parametrize(("text", "good"), DOUBTFUL.values(), ids=DOUBTFUL)
def test_J6_doubtful_names(face: Target, key: str, text: str, good: bool):
    """Of a doubled member the last counts; odd names are names like any other; the record has the text as it came."""
    reply = face.post("/api/identify", text.encode(), key=key)
    assert_tame_reply(reply, key)
    assert reply.status == (200 if good else 400), reply
    listed = face.ask("GET", "/_mock/calls", key=key)
    assert listed.json["calls"][0]["body"] == text
    if reply.status == 200:
        assert text.encode() in listed.body
        assert text.encode() in face.ask("GET", "/_mock/events", key=key).body
        assert face.ask("GET", "/_mock/export?format=jsonl", key=key).body == text.encode() + b"\n"


TIMES = [
    "2021-02-24T01:19:38Z\n",
    "\n2021-02-24T01:19:38Z",
    "2021-02-24T01:19:38Z\r",
    "2021-02-24T01:19:38Z\u2028",
    "2021-02-24T01:19:38Z ",
    "2021-02-24T01:19:38Z\0",
    "2021-02-24T01:19:3;Z",
    "2021-02-24T01:19:0;Z",
    "2021-02-2:T01:19:38Z",
    "2021-02-24T01:19:38.9;Z",
    "２０２１-02-24T01:19:38Z",
    "2021-02-24T01:19:３８Z",
    "2021-02-2٤T01:19:38Z",
    "2021-02-30T01:19:38Z",
    "2021-02-29T01:19:38Z",
    "1900-02-29T01:19:38Z",
    "2100-02-29T01:19:38Z",
    "2021-04-31T01:19:38Z",
    "2021-00-10T01:19:38Z",
    "2021-13-01T01:19:38Z",
    "2021-01-00T01:19:38Z",
    "2021-01-32T01:19:38Z",
    "2021-02-24T24:00:00Z",
    "2021-02-24T01:60:00Z",
    "2021-02-24T01:19:60Z",
    "2016-12-31T23:59:60Z",
    "2021-02-24T01:19:61Z",
    "0000-01-01T00:00:00Z",
    "2021-02-24t01:19:38Z",
    "2021-02-24T01:19:38z",
    "2021-02-24 01:19:38Z",
    "2021-02-24T01:19:38",
    "2021-02-24T01:19Z",
    "2021-02-24T01:19:38.Z",
    "2021-02-24T01:19:38,5Z",
    "2021-02-24T01:19:38-00:00",
    "2021-02-24T01:19:38+01:00",
    "2021-02-24T01:19:38+0000",
    "2021-02-24T01:19:38+00",
    "2021-02-24T01:19:38\u221200:00",
    "12021-02-24T01:19:38Z",
    "2021-W08-3T01:19:38Z",
    "2021-055T01:19:38Z",
    "1614129578",
    "",
    "Z",
    "2021-02-24T01:19:38Z" * 2,
    "2021-02-24T01:19:38ZZ",
    "2021-02-24T01:19:38." + "9" * 50_000 + "X",
]


def test_J7_timestamps_that_are_none(face: Target, key: str):
    """A timestamp that the article does not take is refused by the server and, from the same file, by the reference validator; in one rule that names it."""
    judge = jsonschema.Draft202012Validator(schemas.load("backfill", "track"))
    for text in TIMES:
        payload = TRACK | {"timestamp": text}
        reply = face.post("/api/track", payload, key=key)
        assert_refusal(reply, 400, "invalid_payload")
        assert {error["pointer"] for error in reply.json["errors"]} == {"/timestamp"}, text
        assert len(reply.json["errors"]) == 1
        assert not judge.is_valid(payload), text


def test_J7_timestamps_that_are_good(face: Target, key: str):
    """Leap days, the ends of the calendar and long fractions are taken by both."""
    judge = jsonschema.Draft202012Validator(schemas.load("backfill", "track"))
    for text in (
        "2020-02-29T23:59:59Z",
        "2000-02-29T00:00:00+00:00",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999999Z",
        "2021-02-24T01:19:38." + "1" * 1000 + "Z",
    ):
        payload = TRACK | {"timestamp": text}
        assert face.post("/api/track", payload, key=key).status == 200, text
        assert judge.is_valid(payload), text


SLOW_TO_REFUSE = {
    "fraction-nul": b'{"type":"identify","userId":"1","traits":{"n":0.' + b"1" * 50_000 + b"\0}}",
    "fraction-text": b'{"type":"track","event":"a","userId":"1","email":"e","timestamp":"2021-02-24T01:19:38.' + b"1" * 50_000 + b'\\u0000"}',
    "digits-nul": b'{"type":"identify","userId":' + b"1" * 50_000 + b"\0}",
    "blanks": b"{" + b" " * 500_000,
    "commas": b"[" + b"," * 500_000,
    "colons": b'{"a"' + b":" * 500_000,
    "quotes": b'"' * 500_000,
    "backslashes": b'{"userId":"' + b"\\" * 500_001,
    "write-keys": b'{"writeKey":"' * 40_000,
    "write-key-open": b'{"writeKey":"' + b"\\" * 400_001,
    "write-key-blanks": b'{"writeKey"' + b" " * 200_000 + b":" + b" " * 200_000 + b"1}",
    "form": b"a=" + b"b&" * 250_000,
    "form-like": b"a" * 500_000,
    "braces": b"{" * 500_000,
    "high-bytes": b'{"type":"' + b"\xff" * 500_000,
    "continuations": b"\x80" * 500_000,
}


@pytest.mark.parametrize("body", SLOW_TO_REFUSE.values(), ids=SLOW_TO_REFUSE)
@pytest.mark.parametrize("path", ["/api/track", "/sdk/identify", "/sdk/batch"])
def test_J9_what_is_made_to_be_slow(face: Target, key: str, path: str, body: bytes):
    """No text costs more than 50 ms to refuse."""
    with face.at_most(4 * 0.05):
        for _ in range(4):
            reply = face.post(path, body, key=key)
            assert_tame_reply(reply, key)
            assert reply.status == 400


def bomb(size: int, format: int = 31) -> bytes:  # noqa: A002 - zlib's wbits: 31 is gzip, 15 zlib's own
    """So many blanks, packed."""
    packer = zlib.compressobj(1, zlib.DEFLATED, format)
    piece = b" " * (1 << 20)
    return b"".join(packer.compress(piece) for _ in range(size >> 20)) + packer.flush()


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_J10_a_bomb(process: Target, key: str, coding: str):
    """128 MB in 128 KB are refused with 413, and never in memory."""
    body = bomb(128 << 20, 31 if coding == "gzip" else 15)
    assert len(body) < 600_000
    assert process.pid is not None
    process.good_call()
    before = max(memory(process.pid), peak_memory(process.pid))
    with process.at_most(1):
        for _ in range(3):
            reply = process.post("/api/track", body, f"Content-Encoding: {coding}", key=key)
            assert_refusal(reply, 413, "payload_too_large")
    assert peak_memory(process.pid) - before < 24 << 20


def test_J10_a_bomb_in_members(face: Target, key: str):
    """Nor do many small members, or empty ones, get past the limit, or cost more than they weigh."""
    member = gzip.compress(b" " * 100_000)
    assert_refusal(face.post("/api/track", member * 50, "Content-Encoding: gzip", key=key), 413, "payload_too_large")
    empty = gzip.compress(b"")
    with face.at_most(1):
        reply = face.post("/api/track", empty * 20_000, "Content-Encoding: gzip", key=key)
    assert_tame_reply(reply, key)
    assert reply.status == 400


def damaged() -> dict[str, tuple[str, bytes]]:
    """Bodies that are not what their coding says."""
    packed = gzip.compress(orjson.dumps(TRACK))
    zipped = zlib.compress(orjson.dumps(TRACK))
    return {
        "cut": ("gzip", packed[:-9]),
        "no-trailer": ("gzip", packed[:-8]),
        "half-trailer": ("gzip", packed[:-4]),
        "header-alone": ("gzip", packed[:10]),
        "bad-crc": ("gzip", packed[:-8] + bytes(byte ^ 255 for byte in packed[-8:-4]) + packed[-4:]),
        "bad-length": ("gzip", packed[:-4] + b"\xff\xff\xff\xff"),
        "bad-magic": ("gzip", b"\x1f\x8c" + packed[2:]),
        "plain-text": ("gzip", orjson.dumps(TRACK)),
        "rubbish-behind": ("gzip", packed + b"rubbish"),
        "cut-member-behind": ("gzip", packed + packed[:-3]),
        "empty": ("gzip", b""),
        "deflate-cut": ("deflate", zipped[:-5]),
        "deflate-bad-adler": ("deflate", zipped[:-4] + b"\0\0\0\0"),
        "deflate-behind": ("deflate", zipped + b"x"),
        "deflate-preset-dictionary": ("deflate", zlib.compressobj(zdict=b"userId").compress(b"x") + b"\x78\xbb\x00\x00\x00\x00"),
        "deflate-text": ("deflate", orjson.dumps(TRACK)),
        "deflate-empty": ("deflate", b""),
    }


@pytest.mark.parametrize(("coding", "body"), damaged().values(), ids=damaged())
def test_J10_damaged_codings(face: Target, key: str, coding: str, body: bytes):
    """A body that is cut, or whose checksum is wrong, is a 400 and not taken."""
    reply = face.post("/api/track", body, f"Content-Encoding: {coding}", key=key)
    assert_refusal(reply, 400, "invalid_json")
    assert face.accepted(key) == []


def test_J10_codings_that_are_not_taken(face: Target, key: str):
    """Any coding but gzip, deflate and identity, and more than one, is 415: a hundred are not undone one by one."""
    body = orjson.dumps(TRACK)
    for coding in (
        ", ".join(["gzip"] * 100),
        ", ".join(["identity"] * 100),
        "gzip, gzip",
        "gzip,deflate",
        "br",
        "zstd",
        "compress",
        "gzip;q=1",
        "*",
        "rot13",
        "zlib_codec",
        "../gzip",
        "x" * 10_000,
    ):
        assert_refusal(face.post("/api/track", body, f"Content-Encoding: {coding}", key=key), 415, "unsupported_media_type")
    reply = face.post("/api/track", body, *["Content-Encoding: gzip"] * 80, key=key)  # werkzeug reads 100 headers at most
    assert_tame_reply(reply, key)
    assert reply.status in {400, 415}
    assert face.accepted(key) == []


CHARSETS = (
    "rot13",
    "rot_13",
    "zlib_codec",
    "hex",
    "base64",
    "bz2",
    "unicode_escape",
    "utf-7",
    "utf-16",
    "latin-1",
    "idna",
    "punycode",
    "mbcs",
    "undefined",
    "utf-8",
    '"utf-8"',
    "x" * 5000,
    "../../x",
)


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/vnd.x+json"])
def test_J11_charsets(face: Target, key: str, kind: str):
    """A charset is passed over: a body is UTF-8, and Python's codecs are never asked by a client's name for them."""
    good, bad = orjson.dumps(IDENTIFY | {"userId": "é"}), b'{"type":"identify","userId":"\xe9"}'
    for charset in CHARSETS:
        reply = face.ask("POST", "/api/identify", good, f"Content-Type: {kind}; charset={charset}", key=key)
        assert reply.status == 200, (charset, reply)
        reply = face.ask("POST", "/api/identify", bad, f"Content-Type: {kind}; charset={charset}", key=key)
        assert_refusal(reply, 400, "invalid_json")
        assert rules(reply) == ["body.encoding"]
    assert {payload["userId"] for payload in face.accepted(key)} == {"é"}


def test_J11_other_encodings(face: Target, key: str):
    """A body in UTF-16, UTF-32 or with a byte order mark is refused, whatever its charset says."""
    text = json.dumps(IDENTIFY)
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "utf-8-sig", "utf-7"):
        reply = face.ask(
            "POST", "/api/identify", text.encode(encoding) if encoding != "utf-7" else b"+AHs-", f"Content-Type: application/json; charset={encoding}", key=key
        )
        assert_refusal(reply, 400, "invalid_json")
        assert set(rules(reply)) <= NO_JSON


def test_J10_a_chunked_bomb(target: Target, key: str):
    """The limit counts the same for a coded body in chunks."""
    body = bomb(16 << 20)
    data = target.raw(
        call_head(key, "Transfer-Encoding: chunked", "Content-Encoding: gzip") + chunked(*(body[place : place + 1000] for place in range(0, len(body), 1000)))
    )
    assert_refusal(one(data, key), 413, "payload_too_large")
