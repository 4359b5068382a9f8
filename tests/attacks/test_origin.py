"""Auth and origin (THREATS.md, A): who is believed. Calls want a key; the control API answers only under the server's own name and to its own page."""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.attacks.harness import HOST, IDENTIFY, TRACK, Reply, Target, assert_refusal, assert_tame_reply, connected, head, send
from tests.attacks.servers import FACES, SLOW, Served, flask_alone, in_thread, served

BODY = orjson.dumps(TRACK)
GET = (
    "/",
    "/openapi.json",
    "/favicon.ico",
    "/_mock",
    "/_mock/",
    "/_mock/health",
    "/_mock/calls",
    "/_mock/calls/1",
    "/_mock/events",
    "/_mock/faults",
    "/_mock/stream",
    "/_mock/export",
)
ALL = (
    *(("GET", path) for path in GET),
    ("GET", "/_mock/events?count=1&wait=1"),
    ("GET", "/_mock/export?format=har"),
    ("GET", "/_mock/schemas/backfill/track.json"),
    ("GET", "/_mock/nowhere"),
    ("HEAD", "/_mock/health"),
    ("OPTIONS", "/_mock/reset"),
    ("POST", "/_mock/reset"),
    ("POST", "/_mock/faults"),
    ("DELETE", "/_mock/faults"),
    ("DELETE", "/_mock/calls"),
    ("PUT", "/_mock/reset"),
)

NO_KEY = {
    "none": (),
    "basic": ("Authorization: Basic",),
    "basic-blank": ("Authorization: Basic    ",),
    "colon": ("Authorization: Basic Og==",),
    "colon-and-password": ("Authorization: Basic OnNlY3JldA==",),
    "scheme-alone": ("Authorization: some-key",),
    "bearer": ("Authorization: Bearer some-key",),
    "digest": ('Authorization: Digest username="some-key"',),
    "basically": ("Authorization: Basically some-key",),
    "empty": ("Authorization:",),
    "twice": ("Authorization: Basic some-key", "Authorization: Basic other-key"),
    "in-one": ("Authorization: Basic some-key, Basic other-key",),
    "bearer-and-basic": ("Authorization: Bearer a", "Authorization: Basic some-key"),
    "cookie": ("Cookie: key=some-key; Authorization=Basic some-key; writeKey=some-key",),
    "x-api-key": ("X-Api-Key: some-key", "X-Authorization: Basic some-key", "Api-Key: some-key"),
    "proxy": ("Proxy-Authorization: Basic some-key",),
    "underscore": ("HTTP_AUTHORIZATION: Basic some-key",),
    "forwarded": ("X-Forwarded-Authorization: Basic some-key", "X-Original-Authorization: Basic some-key"),
    "name-behind": ("X-Authorization: Basic some-key",),
}


@pytest.mark.parametrize("lines", NO_KEY.values(), ids=NO_KEY)
def test_A1_no_key(face: Target, lines: tuple[str, ...]):
    """A call without a key, or with one anywhere but where June's clients send it, is 401 with a challenge, whatever else is wrong with it."""
    for path, body in (("/api/track", BODY), ("/sdk/track", b"{}"), ("/v1/batch", b""), ("/api/identify", b"no json"), ("/v1/m", BODY)):
        for query in ("", "?key=some-key&writeKey=some-key&api_key=some-key"):
            reply = face.ask("POST", path + query, body, *lines)
            assert_refusal(reply, 401, "unauthorized")
            assert reply.header("www-authenticate") == 'Basic realm="june"'
            assert "some-key" not in reply.body.decode()


@pytest.mark.parametrize("write_key", ["", None, 7, True, ["some-key"], {"some": "key"}], ids=repr)
def test_A1_a_write_key_that_is_none(face: Target, write_key: Any):
    """A `writeKey` that is no non-empty String is no key; and in the backfill contract none is."""
    for path in ("/sdk/identify", "/sdk/batch", "/v1/i"):
        assert_refusal(face.post(path, IDENTIFY | {"writeKey": write_key, "batch": []}), 401, "unauthorized")
    for path in ("/api/identify", "/api/track"):
        assert_refusal(face.post(path, TRACK | {"writeKey": "some-key"}), 401, "unauthorized")
        assert_refusal(face.post(path, {"key": "some-key", "apiKey": "some-key", "batch": [{"writeKey": "some-key"}]}), 401, "unauthorized")
    assert_refusal(face.post("/sdk/identify", IDENTIFY | {"traits": {"writeKey": "some-key"}, "context": {"writeKey": "some-key"}}), 401, "unauthorized")


def test_A1_a_wrong_header_outranks_the_body(face: Target):
    """A `writeKey` does not mend an Authorization that is wrong."""
    for lines in (("Authorization: Bearer x",), ("Authorization: Basic",), ("Authorization: Basic Og==",)):
        assert_refusal(face.post("/sdk/identify", IDENTIFY | {"writeKey": "some-key"}, *lines), 401, "unauthorized")


LONG = "june-secret-0123456789-abcdefghij"
ODD = 'odd/key+with=signs&"quotes"\\and%'
KEYS = (LONG, ODD)
OTHER = "another-good-key-that-is-not-used"


@pytest.fixture(scope="module", params=tuple(FACES))
def keyed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Target, Path]]:
    """A fake of three keys, and where its journal lies."""
    journal = tmp_path_factory.mktemp("journal") / "june.journal"
    if request.param == "serve":
        options = [part for key in (*KEYS, OTHER) for part in ("--key", key)]
        with served("--journal", str(journal), "--log-format", "json", *options) as target:
            yield target, journal
        return
    with (in_thread if request.param == "thread" else flask_alone)(keys=(*KEYS, OTHER), journal=journal) as target:
        yield target, journal


def spellings(key: str) -> set[bytes]:
    """A key as it could be read back: as it is, as JSON, URLs and Basic write it."""
    texts = {key, json.dumps(key)[1:-1], urllib.parse.quote(key), urllib.parse.quote(key, safe=""), urllib.parse.quote_plus(key)}
    coded = {base64.b64encode((key + end).encode()) for end in ("", ":", ":password")}
    return {text.encode() for text in texts} | {json.dumps(json.dumps(key)[1:-1])[1:-1].encode()} | coded | {code.rstrip(b"=") for code in coded}


def tell(target: Target, key: str, authorization: str) -> list[Reply]:
    """Calls that say the key again in every place that is kept, shown or answered: taken ones and refused ones of every kind."""
    auth = f"Authorization: Basic {authorization}"
    quoted = urllib.parse.quote(key, safe="")
    coded = base64.b64encode(f"{key}:".encode()).decode()
    headers = (
        auth,
        f"X-Api-Key: {key}",
        f"Cookie: session={key}; k={coded}",
        f"User-Agent: june/{key}",
        f"X-Forwarded-Authorization: Basic {coded}",
        f"Referer: http://x/?k={quoted}",
    )
    places: list[Any] = [
        TRACK,
        TRACK | {"event": key, "properties": {"key": key, key: [key]}, "context": {"url": f"http://x/?k={quoted}", "basic": coded}},
        TRACK | {"timestamp": key},
        TRACK | {"userId": [key], "email": {key: key}},
        TRACK | {"type": key},
        TRACK | {"userId" + key: 1, "user_id": key},
        {key: key},
        IDENTIFY | {"writeKey": key},
        [key],
        key,
    ]
    replies = []
    for path in ("/api/track", "/sdk/track", "/v1/i"):
        for payload in places:
            replies += [target.post(f"{path}?key={quoted}&{quoted}=1&x={quoted}", payload, *headers)]
        plain = orjson.dumps(TRACK | {"event": key})
        replies += [
            target.post(path, json.dumps(TRACK | {"event": key}).encode().replace(b"/", b"\\/"), *headers),
            target.post(path, "".join(f"\\u{ord(letter):04x}" if letter in key else letter for letter in json.dumps(key)).encode(), *headers),
            target.post(path, gzip.compress(plain), "Content-Encoding: gzip", *headers),
            target.post(path, plain + key.encode(), *headers),
            target.post(path, b"\xff" + plain, *headers),
            target.post(path, plain, f"Content-Encoding: {key}", *headers),
            target.ask("POST", path, plain, f"Content-Type: text/{key}", *headers),
            target.ask("PUT", path, plain, *headers),
            target.ask("GET", path, b"", *headers),
            target.ask("POST", f"{path}/{quoted}", plain, *headers),
            target.ask("POST", f"/{quoted}{path}", plain, *headers),
            target.ask("POST", path, plain, f"X-A: {key}"),
            target.ask("POST", path, plain, "Authorization: Basic a-wrong-one", f"X-A: {key}", f"Cookie: {coded}"),
            target.ask("POST", path, plain, f"Authorization: Bearer {key}"),
            target.ask("POST", path, plain, f"Authorization: {key}"),
        ]
    batch = {"batch": [TRACK | {"event": key}, {"type": key}, {"type": "track", "userId": [key]}], "writeKey": key, "sentAt": key}
    replies += [target.post(path, batch, *headers[1:]) for path in ("/sdk/batch", "/sdk/b", "/v1/b")]
    replies += [target.post("/v1/m", batch, *headers), target.post("/sdk/batch", batch, *headers)]
    return replies


def shown(target: Target) -> Iterator[tuple[str, bytes]]:
    """All that the control API shows."""
    for path in ("/", "/_mock/health", "/_mock/faults", "/_mock/export?format=jsonl", "/_mock/export?format=har", "/openapi.json"):
        yield path, target.ask("GET", path).body
    for what in ("calls", "events"):
        cursor: Any = 0
        while cursor is not None:
            reply = target.ask("GET", f"/_mock/{what}?limit=1000&after={cursor}")
            yield what, reply.body
            cursor = reply.json["next"]
    last = target.control("/_mock/health")["calls"]
    for number in range(1, last + 1, 7):
        yield f"call {number}", target.ask("GET", f"/_mock/calls/{number}").body
    yield "stream", b"".join(stream(target, last))


def stream(target: Target, calls: int) -> Iterator[bytes]:
    """What the stream says, from the first call on, until it has said them all."""
    with connected(target.port) as sock:
        send(sock, head("GET /_mock/stream?after=0 HTTP/1.1", f"Host: {HOST}:{target.port}"))
        seen = 0
        while seen < calls:
            part = sock.recv(1 << 16)
            assert part
            seen += part.count(b"event: call")
            yield part


@pytest.mark.parametrize("key", KEYS, ids=["long", "odd"])
def test_A2_a_key_is_never_shown(keyed: tuple[Target, Path], key: str):
    """A configured key, wherever a call says it again, is in no answer, no page, no export, no log and not in the journal's file."""
    target, journal = keyed
    replies = [reply for spelled in (key, base64.b64encode(f"{key}:".encode()).decode()) for reply in tell(target, key, spelled)]
    assert {reply.status for reply in replies} == {200, 400, 401, 404, 405, 415}
    places = [(f"answer {reply.status}", reply.body + repr(reply.headers).encode()) for reply in replies]
    places += shown(target)
    places += [(file.name, file.read_bytes()) for file in journal.parent.iterdir() if file.is_file()]
    places.append(("log", target.log().encode()))
    found = {(place, spelling) for place, data in places for spelling in spellings(key) if spelling in data}
    assert found == set()


def test_A2_any_good_key_is_hidden(face: Target):
    """Where any key is good, the one that a call carries is hidden from all that is kept of that call."""
    for key in ("a-key-of-this-very-test-0001", 'an-odd/key+of="this"\\test%'):
        for reply in tell(face, key, base64.b64encode(f"{key}:".encode()).decode()):
            assert_tame_reply(reply)
        own = face.control("/_mock/calls?limit=1000", key=key)["calls"]
        assert own
        data = orjson.dumps(own)
        assert {spelling for spelling in spellings(key) if spelling in data} == set()


@pytest.mark.parametrize(
    "key",
    [
        '"userId":"1"',
        '{"type":"identify"',
        "n\\nn\\nn\\nn",
        "u0041u0041",
        "[1,2,3,4]",
        "12345678",
        "\\\\\\\\\\\\\\\\",
        '":"":"":"',
        "identify",
        "********",
        "true,true",
    ],
    ids=repr,
)
def test_A2_a_key_made_to_break_the_record(face: Target, key: str):
    """A key that looks like JSON's own signs spoils no payload: what is on record is still JSON, and of the same shape."""
    body = rb'{"type":"identify","userId":"1","traits":{"a":"x\n\n\\n\u0041u0041","b":[1,2,3,4],"c":12345678,"d":[true,true],"e":"\\\\\\\\\\\\","f":"n\nn\nn"}}'
    auth = f"Authorization: Basic {base64.b64encode(f'{key}:'.encode()).decode()}"
    for path in ("/api/identify", "/sdk/identify"):
        assert face.post(path, body, auth).status == 200
    events = face.ask("GET", "/_mock/events", b"", auth).json["events"]
    calls = face.ask("GET", "/_mock/calls", b"", auth).json["calls"]
    lines = face.ask("GET", "/_mock/export", b"", auth).body.splitlines()
    face.ask("POST", "/_mock/reset", b"", auth)
    assert len(events) == len(calls) == len(lines) == 2
    for payload in (*(event["payload"] for event in events), *map(orjson.loads, lines), *(json.loads(call["body"]) for call in calls)):
        assert len(payload) == 3
        assert payload["traits"].keys() == {*"abcdef"}


def test_A2_repr():
    """No repr of what holds a key shows it."""
    from mock_june.model import ApiKey
    from mock_june.server.auth import Keys
    from mock_june.server.state import Mock

    held = [ApiKey(LONG), [ApiKey(LONG)], Keys([LONG]), Keys([LONG]).hider]
    assert not any(LONG in text for value in held for text in (repr(value), str(value), f"{value}"))
    assert LONG not in repr(Mock(None, None, Keys([LONG])))  # type: ignore[arg-type]


def foreign(port: int) -> dict[str, tuple[str, ...]]:
    """Requests that another site's page makes a browser send, or that come under another name."""
    own = f"{HOST}:{port}"
    return {
        "rebound": (f"Host: evil.example:{port}", f"Origin: http://evil.example:{port}"),
        "rebound-no-origin": (f"Host: evil.example:{port}",),
        "rebound-no-port": ("Host: evil.example",),
        "rebound-dot": ("Host: evil.example.",),
        "localhost-prefix": (f"Host: localhost.evil.example:{port}",),
        "localhost-suffix": (f"Host: evil.localhost.example:{port}",),
        "loopback-prefix": (f"Host: {HOST}.evil.example:{port}",),
        "nip": (f"Host: {HOST}.nip.io:{port}",),
        "user": (f"Host: {own}@evil.example",),
        "hash": (f"Host: evil.example#{own}",),
        "wildcard": ("Host: *",),
        "any-address": (f"Host: 0.0.0.0:{port}",),
        "number": (f"Host: 2130706433:{port}",),
        "octal": (f"Host: 0177.0.0.1:{port}",),
        "mapped": (f"Host: [::ffff:127.0.0.1]:{port}", "Origin: http://evil.example"),
        "origin": (f"Host: {own}", "Origin: http://evil.example"),
        "origin-same-port": (f"Host: {own}", f"Origin: http://evil.example:{port}"),
        "null": (f"Host: {own}", "Origin: null"),
        "file": (f"Host: {own}", "Origin: file://"),
        "extension": (f"Host: {own}", "Origin: chrome-extension://abcdefghijklmnop"),
        "prefix": (f"Host: {own}", f"Origin: http://{HOST}.evil.example"),
        "at": (f"Host: {own}", f"Origin: http://{HOST}@evil.example"),
        "at-port": (f"Host: {own}", f"Origin: http://{own}@evil.example"),
        "other-port": (f"Host: {own}", f"Origin: http://{HOST}:{port + 1 if port < 65535 else 1}"),
        "no-port": (f"Host: {own}", f"Origin: http://{HOST}"),
        "other-loopback-name": (f"Host: {own}", f"Origin: http://localhost:{port}"),
        "other-scheme": (f"Host: {own}", f"Origin: ftp://{own}"),
        "path": (f"Host: {own}", f"Origin: http://{own}/evil"),
        "list": (f"Host: {own}", f"Origin: http://{own}, http://evil.example"),
        "list-of-blanks": (f"Host: {own}", f"Origin: http://{own} http://evil.example"),
        "twice": (f"Host: {own}", f"Origin: http://{own}", "Origin: http://evil.example"),
        "empty-origin": (f"Host: {own}", "Origin:"),
        "cross-site": (f"Host: {own}", "Sec-Fetch-Site: cross-site"),
        "cross-site-fetch": (f"Host: {own}", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"),
        "cross-site-frame": (f"Host: {own}", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"),
    }


FOREIGN = tuple(foreign(5863))


def refused_everywhere(target: Target, key: str, lines: tuple[str, ...], *more: str) -> None:
    """Each control request with these lines is a 4xx that allows nobody to read it, and nothing has changed afterwards."""
    target.post("/api/track", TRACK, key=key)
    target.control("/_mock/faults", method="POST", body=b'{"delay": 0, "times": null}', key=key)
    for method, path in ALL:
        length = () if method in {"GET", "HEAD"} else ("Content-Length: 2",)
        data = target.raw(head(f"{method} {path} HTTP/1.1", *lines, *more, *length, "Connection: close") + (b"{}" if length else b""))
        status = int(data.split(b" ", 2)[1])
        assert 400 <= status < 500, (method, path, data[:300])
        assert b"access-control" not in data.lower(), (method, path)
        assert b"Registered" not in data
    assert len(target.control("/_mock/faults", key=key)["faults"]) == 1
    assert len(target.accepted(key)) == 1
    target.control("/_mock/reset", method="POST", key=key)


@pytest.mark.parametrize("name", [name for name in FOREIGN if "Origin" not in str(foreign(1)[name]) or name == "rebound"])
def test_A3_under_another_name(face: Target, key: str, name: str):
    """A control request under a name that is not the server's own is a 4xx, reads too: DNS rebinding gets nothing."""
    refused_everywhere(face, key, foreign(face.port)[name])


@pytest.mark.parametrize("name", [name for name in FOREIGN if "Origin" in str(foreign(1)[name]) and name != "rebound"])
def test_A4_from_another_page(face: Target, key: str, name: str):
    """A control request from a page that is not the server's own is a 4xx, in whatever type a form can send, and changes nothing."""
    for kind in ("text/plain", *(("application/x-www-form-urlencoded", "application/json") if SLOW else ())):
        refused_everywhere(face, key, foreign(face.port)[name], f"Content-Type: {kind}")


def test_A4_from_its_own_page(face: Target, key: str):
    """The server's own page may use it, under each of the server's names; so may a program, which sends no Origin."""
    face.post("/api/track", TRACK, key=key)
    for host in (f"{HOST}:{face.port}", f"localhost:{face.port}", f"LOCALHOST:{face.port}", f"[::1]:{face.port}", HOST):
        for lines in (
            (),
            (f"Origin: http://{host}",),
            (f"Origin: http://{host}", "Sec-Fetch-Site: same-origin"),
            ("Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate"),
        ):
            assert face.ask("GET", "/_mock/health", b"", *lines, host=host).status == 200, (host, lines)
            assert face.ask("POST", "/_mock/reset", b"", *lines, host=host, key=key).status == 200
    assert face.accepted(key) == []


def test_A4_a_followed_link_reads_no_more_than_itself(face: Target):
    """A link on another site may be followed to the page: a navigation of the browser's own, which that site cannot read. It changes nothing by any method."""
    lines = ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")
    assert face.ask("GET", "/", b"", *lines).status == 200
    for method in ("POST", "DELETE"):
        assert face.ask(method, "/_mock/reset" if method == "POST" else "/_mock/calls", b"", *lines, "Origin: http://evil.example").status == 403


def test_A5_the_control_api_is_open_to_no_other_origin(face: Target, key: str):
    """No control answer carries a CORS header, a preflight is refused, and an upgrade is never a 101."""
    origins = (f"http://{HOST}:{face.port}", "http://evil.example", "null", "*")
    upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    for origin in origins:
        for path in (*GET, "/_mock/reset"):
            preflight = face.ask(
                "OPTIONS", path, b"", f"Origin: {origin}", "Access-Control-Request-Method: POST", "Access-Control-Request-Private-Network: true", key=key
            )
            assert 400 <= preflight.status < 500, (path, origin)
            if path == "/_mock/stream":
                continue
            for reply in (preflight, face.ask("GET", path, b"", f"Origin: {origin}", key=key)):
                assert not any(name.startswith("access-control") for name, _ in reply.headers), (path, origin)
                assert reply.header("cross-origin-resource-policy") == "same-origin"
    for path in ("/_mock/stream?after=0", "/_mock/health", "/"):
        for origin in origins:
            with connected(face.port) as sock:
                send(sock, head(f"GET {path} HTTP/1.1", f"Host: {HOST}:{face.port}", f"Origin: {origin}", *upgrade))
                data = sock.recv(4096)
            assert b" 101 " not in data.partition(b"\r\n")[0]
            assert b"access-control" not in data.lower()


def test_A5_calls_are_open_to_every_origin(face: Target, key: str):
    """A page of any origin may send calls and read the answers: the browser's SDK does."""
    for origin in ("http://shop.example", "null", "https://localhost:3000"):
        preflight = face.ask(
            "OPTIONS", "/sdk/identify", b"", f"Origin: {origin}", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type"
        )
        assert preflight.status == 204
        assert preflight.header("access-control-allow-origin") in {"*", origin}
        assert "content-type" in (preflight.header("access-control-allow-headers") or "")
        for reply in (
            face.post("/sdk/identify", IDENTIFY | {"writeKey": key}, f"Origin: {origin}"),
            face.post("/sdk/identify", {"writeKey": key}, f"Origin: {origin}"),
            face.post("/sdk/identify", IDENTIFY, f"Origin: {origin}"),
            face.post("/sdk/identify", b"\xff", f"Origin: {origin}", key=key),
            face.ask("GET", "/sdk/identify", b"", f"Origin: {origin}", key=key),
        ):
            assert reply.header("access-control-allow-origin") in {"*", origin}
            assert reply.header("access-control-allow-credentials") is None


SURROUNDINGS = {
    "HTTP_PROXY": "http://user:s3cret-of-env@corp.example:3128",
    "http_proxy": "http://user:s3cret-of-env@corp.example:3128",
    "HTTPS_PROXY": "http://user:s3cret-of-env@corp.example:3128",
    "HTTP_AUTHORIZATION": "Basic s3cret-of-env",
    "HTTP_COOKIE": "s3cret-of-env",
    "HTTP_HOST": "localhost",
    "HTTP_ORIGIN": "http://s3cret-of-env.example",
    "HTTP_X_MOCK_JUNE_TOKEN": "s3cret-of-env",
    "CONTENT_LENGTH": "5",
    "CONTENT_TYPE": "text/s3cret-of-env",
    "HTTP_CONTENT_ENCODING": "gzip",
    "REQUEST_METHOD": "DELETE",
    "SCRIPT_NAME": "/s3cret-of-env",
    "PATH_INFO": "/s3cret-of-env",
    "QUERY_STRING": "s3cret-of-env",
    "SERVER_NAME": "s3cret-of-env",
    "REMOTE_USER": "s3cret-of-env",
}


@pytest.mark.parametrize("name", FACES)
def test_A6_the_surroundings_are_no_request(name: str, key: str, monkeypatch: pytest.MonkeyPatch):
    """What stands in the server's environment under a request's names (HTTP_PROXY with a password) is no part of any request, nor of the record."""
    for variable, value in SURROUNDINGS.items():
        monkeypatch.setenv(variable, value)
    with FACES[name]() as target:
        assert target.post("/api/track", TRACK, key=key).status == 200
        assert_refusal(target.post("/api/track", TRACK), 401, "unauthorized")
        assert target.ask("POST", "/sdk/identify", orjson.dumps(IDENTIFY), key=key).status == 200
        data = target.raw(b"GET /_mock/health HTTP/1.0\r\n\r\n", shut=name == "flask")
        assert data.split(b" ", 2)[1] in {b"400", b"403"}
        everything = b"".join(data for _, data in shown(target))
        assert b"s3cret-of-env" not in everything
        assert len(target.accepted(key)) == 2


def opened(target: Target, *lines: str, host: str | None = None, path: str = "/_mock/health") -> int:
    """The status of a control request."""
    return target.ask("GET", path, b"", *lines, host=host).status


@pytest.mark.parametrize("make", [in_thread, flask_alone], ids=["thread", "flask"])
def test_A7_beyond_loopback_a_token_is_wanted(make: Callable[..., Any], key: str):
    """Bound to all addresses, the control API wants the token, on every route that shows or changes something; calls want none."""
    with make(host="0.0.0.0", token="the-token-0123456789") as target:
        assert target.post("/api/track", TRACK, key=key).status == 200
        for lines in (
            (),
            ("X-Mock-June-Token: wrong",),
            ("X-Mock-June-Token:",),
            ("X-Mock-June-Token: the-token-012345678",),
            ("X-Mock-June-Token: the-token-0123456789 ", "X-Mock-June-Token: x"),
            ("Cookie: X-Mock-June-Token=the-token-0123456789",),
        ):
            for method, path in ALL:
                if path in {"/", "/favicon.ico"}:
                    continue
                reply = target.ask(method, path, b"{}" if method == "POST" else b"", *lines)
                assert reply.status == 401, (method, path, lines)
                assert b"the-token" not in reply.body
        assert opened(target, "X-Mock-June-Token: the-token-0123456789") == 200
        assert opened(target, "X-Mock-June-Token: the-token-0123456789", host="evil.example") == 403
        assert target.ask("GET", "/_mock/calls", b"", "X-Mock-June-Token: the-token-0123456789").json["calls"][0]["path"] == "/api/track"


@pytest.mark.parametrize("make", [in_thread, flask_alone], ids=["thread", "flask"])
def test_A7_a_name_that_is_allowed(make: Callable[..., Any]):
    """A service's name in compose is a stranger's until `--allow-host` says otherwise; then that name alone is the server's too."""
    with make(host="0.0.0.0") as target:
        assert opened(target, host="mock-june:5863") == 403
        assert "--allow-host mock-june" in target.ask("GET", "/_mock/health", host="mock-june:5863").json["message"]
    with make(host="0.0.0.0", allow_hosts=("mock-june", "june.test:8080")) as target:
        for host in ("mock-june:5863", "mock-june", "MOCK-JUNE:1", "mock-june.:5863", "june.test:8080"):
            assert opened(target, host=host) == 200, host
            assert opened(target, f"Origin: http://{host}", host=host) == 200
        for host in ("june.test", "june.test:8081", "x.mock-june", "mock-june.evil.example", "mock-june@evil.example", "evil.example"):
            assert opened(target, host=host) == 403, host
        assert opened(target, "Origin: http://evil.example", host="mock-june") == 403


PROGRAM = """
import sys
from mock_june.server import serving
listen = serving.listen
serving.listen = lambda host, port: listen("127.0.0.1", port)  # nothing of this test is open to the network
from mock_june.cli.main import main
sys.argv[0] = "mock-june"
sys.exit(main())
"""


@pytest.mark.parametrize("options", [(), ("--open",), ("--token", "a-token-of-ours")], ids=["token-made", "open", "token-given"])
def test_A7_beyond_loopback_it_is_said_aloud(options: tuple[str, ...]):
    """`serve --host 0.0.0.0` says on stderr what that means, and prints the token that it made; `--open` waives it, and says so."""
    server = Served("--host", "0.0.0.0", *options, program=("-c", PROGRAM))
    try:
        log = server.log()
        assert "0.0.0.0" in log
        printed = re.search(r"X-Mock-June-Token: (\S+)", log)
        if options == ("--open",):
            assert printed is None
            assert opened(server.target) == 200
            assert "can read" in log
        else:
            token = options[1] if options else printed and printed[1]
            assert opened(server.target) == 401
            assert opened(server.target, f"X-Mock-June-Token: {token}") == 200
    finally:
        assert server.end() == 0


def test_A7_on_loopback_nothing_is_said():
    """On loopback there is no note and no token."""
    server = Served()
    try:
        assert server.log() == ""
        assert opened(server.target) == 200
    finally:
        assert server.end() == 0


def test_A7_token_and_open_exclude_each_other():
    """Both at once are a mistake: exit 2 and one line."""
    command = [sys.executable, "-m", "mock_june", "serve", "--port", "0", "--token", "a", "--open"]
    done = subprocess.run(command, capture_output=True, timeout=20, check=False, env=dict(os.environ))
    assert done.returncode == 2
    assert len(done.stderr.decode().strip().splitlines()) == 1
