"""The record as a file."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from haralyzer import HarEntry, HarParser
from jsonschema import Draft202012Validator

from mock_june import __version__
from mock_june.model import ApiKey, Call, Fault, Filter
from mock_june.server.control import export
from mock_june.server.control.query import Question
from tests.server.faces import GROUP, IDENTIFY, TRACK, assert_refusal, connected, until

TEXT = {"type": "string"}
PAIR = {"type": "object", "required": ["name", "value"], "additionalProperties": False, "properties": {"name": TEXT, "value": TEXT}}
PAIRS = {"type": "array", "items": PAIR}
MILLISECONDS = {"type": "number", "minimum": 0}
SIZE = {"type": "integer", "minimum": -1}


def members(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    """An object with these members, and of others only those that begin with an underscore, as HAR 1.2 has it."""
    properties = {**required, **(optional or {})}
    return {"type": "object", "required": list(required), "properties": properties, "patternProperties": {"^_": {}}, "additionalProperties": False}


HAR = members(
    {
        "log": members(
            {
                "version": {"const": "1.2"},
                "creator": members({"name": TEXT, "version": TEXT}),
                "entries": {
                    "type": "array",
                    "items": members(
                        {
                            "startedDateTime": {"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]+Z$"},
                            "time": MILLISECONDS,
                            "request": members(
                                {
                                    "method": TEXT,
                                    "url": {"type": "string", "pattern": "^http://[A-Za-z0-9.:_-]+/[!-~]*$"},
                                    "httpVersion": TEXT,
                                    "cookies": {"const": []},
                                    "headers": PAIRS,
                                    "queryString": PAIRS,
                                    "headersSize": SIZE,
                                    "bodySize": SIZE,
                                },
                                {"postData": members({"mimeType": TEXT, "text": TEXT})},
                            ),
                            "response": members(
                                {
                                    "status": {"type": "integer"},
                                    "statusText": TEXT,
                                    "httpVersion": TEXT,
                                    "cookies": {"const": []},
                                    "headers": PAIRS,
                                    "content": members({"size": SIZE, "mimeType": TEXT, "text": TEXT}),
                                    "redirectURL": TEXT,
                                    "headersSize": SIZE,
                                    "bodySize": SIZE,
                                }
                            ),
                            "cache": {"const": {}},
                            "timings": members({"send": MILLISECONDS, "wait": MILLISECONDS, "receive": MILLISECONDS}),
                        }
                    ),
                },
            }
        )
    }
)
"""HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/), as far as it is used here."""


def exported(face, key, query="") -> bytes:
    """An export of a key's workspace."""
    reply = face.send("GET", f"/_mock/export{query}", headers=[("Authorization", f"Basic {key}")])
    assert reply.status == 200, reply
    return reply.body


def lines(body: bytes) -> list[Any]:
    """JSON Lines, parsed: each line ends in LF, and no other byte ends one."""
    assert body == b"" or body.endswith(b"\n")
    return [orjson.loads(line) for line in body.split(b"\n")[:-1]]


class TestJsonLines:
    def test_each_line_is_a_payload_as_it_came(self, face, key):
        """Accepted and rejected events, in order, each on a line; of a batch each event."""
        wrong = {**TRACK, "userId": 7}
        face.post("/api/identify", IDENTIFY, key=key)
        face.post("/api/track", wrong, key=key)
        face.post("/api/track", b"{", key=key)
        face.post("/sdk/batch", {"batch": [GROUP, TRACK]}, key=key)
        assert lines(exported(face, key)) == [IDENTIFY, wrong, GROUP, TRACK]

    def test_the_bytes_are_kept(self, face, key):
        """Numbers, escapes and the order of members stay what they were; only line ends become blanks."""
        odd = b'{"userId":"1",\r\n "type":"identify",\n\t"traits":{"n":1.0e2,"u":"\\u00e9\\n","s":"\xe2\x80\xa8","n":18446744073709551616}}'
        assert face.post("/api/identify", odd, key=key).status == 200
        assert exported(face, key) == odd.replace(b"\r\n", b"  ").replace(b"\n", b" ") + b"\n"

    def test_an_export_is_a_file_of_its_type(self, face, key):
        """It comes as a download under a name of its own."""
        reply = face.send("GET", "/_mock/export", headers=[("Authorization", f"Basic {key}")])
        assert reply.headers["content-type"] == "application/x-ndjson"
        assert reply.headers["content-disposition"] == 'attachment; filename="mock-june.jsonl"'
        assert reply.body == b""

    @pytest.mark.parametrize(
        ("query", "expected"),
        [("?accepted=true", [IDENTIFY, TRACK]), ("?accepted=false", [{**TRACK, "email": 1}]), ("?kind=track&accepted=true", [TRACK]), ("?userId=2", [])],
    )
    def test_filters_apply(self, face, key, query, expected):
        """What is exported is what the same filters list."""
        face.post("/api/identify", IDENTIFY, key=key)
        face.post("/api/track", {**TRACK, "email": 1}, key=key)
        face.post("/api/track", TRACK, key=key)
        assert lines(exported(face, key, query)) == expected

    def test_what_is_exported_is_taken_again(self, face, key):
        """An export of what was accepted, sent once more, is accepted once more."""
        for path, payload in [("/api/identify", IDENTIFY), ("/api/group", GROUP), ("/api/track", TRACK)]:
            face.post(path, payload, key=key)
        for payload in lines(exported(face, key, "?accepted=true")):
            assert face.post(f"/api/{payload['type']}", payload, key=f"again-{key}").status == 200
        assert exported(face, f"again-{key}") == exported(face, key)

    def test_another_format_is_refused(self, face, key):
        """The formats are named."""
        reply = face.send("GET", "/_mock/export?format=csv", headers=[("Authorization", f"Basic {key}")])
        assert "jsonl or har" in assert_refusal(reply, 400, "invalid_request")["message"]


class TestHar:
    @pytest.fixture
    def har(self, face, key) -> Any:
        """An export of calls of every sort."""
        face.post("/api/identify", IDENTIFY, key=key)
        face.post("/api/track?a=1&b=%C3%A9&a=", {**TRACK, "userId": 7}, key=key)
        face.post("/api/track", b"\xff\xfe", key=key)
        face.send("GET", "/api/nowhere%20%7Bx%7D", headers=[("Authorization", f"Basic {key}")])
        face.plan(key, {"status": 503, "retry_after": 3})
        face.post("/api/identify", IDENTIFY, key=key)
        return orjson.loads(exported(face, key, "?format=har"))

    def test_it_keeps_har_1_2(self, har):
        """Every member that the format requires is there, and none that it does not know but those with an underscore."""
        assert not [error.json_path for error in Draft202012Validator(HAR).iter_errors(har)]
        assert har["log"]["creator"] == {"name": "mock-june", "version": __version__}

    def test_a_har_reader_reads_it_back(self, har):
        """Haralyzer finds the calls, their times, headers, queries and answers."""
        entries = HarParser(har).har_data["entries"]
        assert len(entries) == 5
        read = [HarEntry(entry) for entry in entries]
        assert [entry.status for entry in read] == [200, 400, 400, 404, 503]
        assert [entry.request.method for entry in read] == ["POST", "POST", "POST", "GET", "POST"]
        assert orjson.loads(read[0].request.text) == IDENTIFY
        assert orjson.loads(read[0].response.text) == {"status": 200, "success": True}
        assert read[1].request.queryString == [{"name": "a", "value": "1"}, {"name": "b", "value": "é"}, {"name": "a", "value": ""}]
        assert read[1].url.endswith("/api/track?a=1&b=%C3%A9&a=")
        assert read[1].startTime.year >= 2024
        assert read[0].request.mimeType == ""
        assert orjson.loads(read[4].response.text)["code"] == "fault"

    def test_what_har_has_no_place_for_stands_beside_it(self, har):
        """Verdict, code and fault are in a member of our own."""
        ours = [entry["_mock_june"] for entry in har["log"]["entries"]]
        assert [one["accepted"] for one in ours] == [True, False, False, False, False]
        assert [violation["rule"] for violation in ours[1]["violations"]] == ["track.userId.type"]
        assert ours[4]["fault"]["status"] == 503
        assert [one["id"] for one in ours] == sorted(one["id"] for one in ours)

    def test_an_empty_record_is_a_har_too(self, face, key):
        """No call, no entry."""
        assert orjson.loads(exported(face, key, "?format=har"))["log"]["entries"] == []

    def test_the_url_is_one_whatever_came(self):
        """A Host that is none, and a path of odd bytes, give a URL all the same; the authority is then the server's own."""
        call = Call(1, "2026-01-01T00:00:00.000Z", None, "GET", '/a b"<>…?q=…&r= x', (("host", 'evil" host'),), b"", 404, "not_found", accepted=False)
        request = export.entry(call, "localhost:5863")["request"]
        assert request["url"] == "http://localhost:5863/a%20b%22%3C%3E%E2%80%A6?q=%E2%80%A6&r=%20x"
        assert "postData" not in request

    def test_a_status_without_a_name_has_an_empty_one(self):
        """A planned 599 is shown as it was answered."""
        call = Call(1, "2026-01-01T00:00:00.000Z", None, "POST", "/", (), b"", 599, "fault", accepted=False, fault=Fault(1, status=599), answer=b"{}")
        response = export.entry(call, "localhost")["response"]
        assert (response["status"], response["statusText"]) == (599, "")


@pytest.mark.parametrize("form", ["jsonl", "har"])
class TestBothFormats:
    def test_what_is_recorded_meanwhile_is_left_out(self, face, key, form):
        """An export ends, however fast calls come: it holds what was there when it began."""
        for _ in range(30):
            face.post("/api/identify", IDENTIFY, key=key)
        where = Filter(workspace=face.mock.workspace(ApiKey(key)))
        chunks = export.chunks(face.mock.journal, Question(where, format=form), "localhost")
        taken = [next(chunks), next(chunks)]
        for _ in range(30):
            face.post("/api/group", GROUP, key=key)
        body = b"".join(itertools.chain(taken, chunks))
        assert body.count(b"identify") >= 30
        assert b"groupId" not in body

    def test_it_is_made_as_it_is_read(self, face, key, form, monkeypatch):
        """Nothing is read from the journal before it is asked for, and each chunk is a few rows (threat R2)."""
        for _ in range(40):
            face.post("/api/identify", IDENTIFY, key=key)
        asked: list[int] = []
        journal = face.mock.journal
        for name in ("calls", "events"):
            real = getattr(journal, name)
            monkeypatch.setattr(journal, name, lambda where, after, limit, real=real: asked.append(limit) or real(where, after, limit))
        chunks = export.chunks(journal, Question(Filter(), format=form), "localhost")
        assert asked == []
        next(chunks)
        assert len(asked) <= 1
        chunks.close()  # type: ignore[attr-defined]

    def test_a_large_export_is_whole(self, face, key, form):
        """Several thousand events, through many chunks: all are there, each once, in order."""
        batch = {"batch": [{**TRACK, "properties": {"n": n, "pad": "x" * 200}} for n in range(1000)]}
        for _ in range(3):
            assert face.post("/sdk/batch", batch, key=key).status == 200
        body = exported(face, key, f"?format={form}")
        if form == "jsonl":
            numbers = [payload["properties"]["n"] for payload in lines(body)]
        else:
            entries = orjson.loads(body)["log"]["entries"]
            numbers = [event["properties"]["n"] for entry in entries for event in orjson.loads(entry["request"]["postData"]["text"])["batch"]]
        assert numbers == [*range(1000)] * 3


def test_nothing_is_made_for_a_reader_that_is_gone_or_does_not_read(front, monkeypatch):
    """The front makes as much as the socket takes, and stops when the reader hangs up (threat R2)."""
    made: list[int] = []

    def endless(*_: Any) -> Iterator[bytes]:
        while True:
            made.append(65536)
            yield b"x" * 65536

    monkeypatch.setattr(export, "chunks", endless)
    with connected(front.port) as sock:
        sock.sendall(b"GET /_mock/export HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert sock.recv(1000).startswith(b"HTTP/1.1 200")
        until(lambda: is_still(made))
        assert sum(made) < 50_000_000
    until(lambda: not front.mock.journal.listeners)
    assert is_still(made)


def is_still(made: list[int]) -> bool:
    """Whether nothing is made for a moment."""
    before = len(made)
    time.sleep(0.3)
    return len(made) == before
