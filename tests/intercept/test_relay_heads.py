"""Heads and bodies on their way through the relay, without a socket: whatever comes, however it is cut."""

from __future__ import annotations

import contextlib
import time
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mock_june.intercept.framing import Body
from mock_june.intercept.heads import MOST, BadHeadError, Head, Place, Refusal, parse
from mock_june.intercept.hello import asked

TOKEN = st.text("abcXYZ-_1", min_size=1, max_size=8)
FIELDS = st.lists(
    st.tuples(TOKEN | st.sampled_from(["Host", "Connection", "Proxy-Authorization", "Upgrade", "proxy-connection"]), st.text("a, B:=/", max_size=9))
)


def chunked(parts: list[bytes]) -> bytes:
    """A body in chunks."""
    return b"".join(b"%x;e=1\r\n%b\r\n" % (len(part), part) for part in parts if part) + b"0\r\nTrailer: 1\r\n\r\n"


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The same bytes in pieces."""
    at = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[begin:end] for begin, end in pairwise(at)]


@given(st.lists(st.binary(max_size=40), max_size=5), st.lists(st.integers(0, 500)), st.binary(max_size=40))
def test_a_chunked_body_is_taken_whole_and_nothing_behind_it(parts, places, behind):
    """However it is cut into pieces."""
    body = Body(Head("POST", "/", "HTTP/1.1", (("Transfer-Encoding", "Chunked"),)))
    whole = chunked(parts)
    assert b"".join(body.take(piece) for piece in cut(whole + behind, places)) == whole


@given(st.binary(max_size=80), st.lists(st.integers(0, 500)), st.binary(max_size=40))
def test_a_body_of_a_length_is_taken_whole_and_nothing_behind_it(content, places, behind):
    """However it is cut into pieces; without a length there is no body."""
    body = Body(Head("POST", "/", "HTTP/1.1", (("content-length", str(len(content))),)))
    assert b"".join(body.take(piece) for piece in cut(content + behind, places)) == content
    assert Body(Head("GET", "/", "HTTP/1.1", ())).take(behind) == b""


@given(st.binary(max_size=200), st.lists(st.integers(0, 500)))
def test_what_is_taken_of_no_body_does_not_depend_on_how_it_is_cut(junk, places):
    """Junk in the place of chunks: the same bytes go on, in whatever pieces they came, and they are a beginning of it."""
    head = Head("POST", "/", "HTTP/1.1", (("Transfer-Encoding", "chunked"),))
    one, other = Body(head), Body(head)
    taken = one.take(junk)
    assert junk.startswith(taken)
    assert b"".join(other.take(piece) for piece in cut(junk, places)) == taken


@given(st.binary(max_size=300))
@example(b"GET http://api.june.so/ HTTP/1.1\r\nHost: api.june.so")
@example(b"CONNECT [::1]:443 HTTP/1.1")
def test_any_bytes_are_a_head_or_are_none(junk):
    """Nothing but BadHeadError comes of them, whatever is asked of the head."""
    with contextlib.suppress(BadHeadError):
        head = parse(junk + b"\r\n\r\n")
        head.place()
        head.host()
        Body(head)


@given(FIELDS, st.lists(TOKEN, max_size=3))
def test_what_goes_on_is_a_request_again_without_what_was_between_neighbours(fields, named):
    """It has one Host, and ends its connection; nothing that Connection named, no secret, goes on; all else does, in its order."""
    raw = "".join(f"{name}: {value}\r\n" for name, value in (*fields, ("connection", ", ".join(named))))
    head = parse(f"POST http://api.june.so/x HTTP/1.1\r\n{raw}\r\n".encode())
    again = parse(head.onward("/x", "api.june.so"))
    assert (again.method, again.target, again.all("host"), again.all("connection")) == ("POST", "/x", ["api.june.so"], ["close"])
    gone = {"host", "connection", "proxy-authorization", "upgrade", "proxy-connection"}
    gone |= {word.strip().lower() for value in head.all("connection") for word in value.split(",")}
    assert [field for field in again.fields if field[0].lower() not in {"host", "connection"}] == [
        (name, value.strip()) for name, value in fields if name.lower() not in gone
    ]


@pytest.mark.parametrize(
    ("target", "place"),
    [
        ("http://API.June.so", Place("api.june.so", 80, "http", "/")),
        ("https://api.june.so?x=//y", Place("api.june.so", 443, "https", "/?x=//y")),
        ("http://api.june.so@evil.example/", Place("evil.example", 80, "http", "/")),
        ("http://evil.example:1@api.june.so:8080/a@b", Place("api.june.so", 8080, "http", "/a@b")),
        ("http://[2001:db8::1]:8/", Place("2001:db8::1", 8, "http", "/")),
        ("http://evil.example/http://api.june.so/", Place("evil.example", 80, "http", "/http://api.june.so/")),
    ],
)
def test_where_an_absolute_form_goes(target, place):
    """By the host that stands where a host stands, and no other text in it."""
    head = parse(f"GET {target} HTTP/1.1\r\n\r\n".encode())
    assert head.place() == place


def test_where_a_place_is_written():
    """As a Host header has it: the port where it is not the scheme's own, brackets about an IPv6 address."""
    assert [Place("::1", 443, "https").authority, Place("h", 443, "http").authority, str(Place("::1", 443))] == ["[::1]", "h:443", "[::1]:443"]


@pytest.mark.parametrize("junk", [b"A: " + b" " * MOST + b"\0", b"A:" + b"\t " * (MOST // 2) + b"b\x7f", b"Connection: " + b"," * MOST])
def test_a_long_head_costs_little(junk):
    """No pattern tries its every split."""
    begin = time.process_time()
    with contextlib.suppress(BadHeadError):
        parse(b"GET http://" + b"a@" * 9000 + b" HTTP/1.1\r\n" + junk + b"\r\n\r\n").place()
    with contextlib.suppress(BadHeadError):
        parse(b"GET http://api.june.so/ HTTP/1.1\r\n" + junk + b"\r\n\r\n").onward("/", "h")
    assert time.process_time() - begin < 0.5


@given(st.binary(max_size=300))
def test_any_bytes_are_a_handshake_or_are_none(junk):
    """Of a name that is asked for nothing but a name comes."""
    assert asked(b"\x16\x03\x01" + junk) in {None, ""}


def test_a_refusal_is_one_line_of_json_whatever_is_in_it():
    """Its length is right, its head cannot be broken by its text."""
    head, _, body = Refusal(403, "blocked", 'x\r\n"\u2028\xe9').answer.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert body.isascii()
    assert body.count(b"\n") == 1
