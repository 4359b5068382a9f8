"""What ingestion says, word for word: a message is all that the one who reads it has. And what is kept of a call whose key stands elsewhere in it too."""

from __future__ import annotations

import gzip
import logging

import orjson
import pytest

from mock_june.contract import Engine
from mock_june.errors import JournalUnwritableError
from mock_june.journal import Journal
from mock_june.model import ApiKey, Call, Endpoint, Filter, Raw, Verdict
from mock_june.server.answers import Answer
from mock_june.server.auth import Keys
from mock_june.server.faults import parse
from mock_june.server.ingest import Ingest, Outcome, Request
from mock_june.server.routes import endpoint_of
from mock_june.server.state import Mock, Settings

TRACK = b'{"type":"track","event":"Registered","userId":"1","timestamp":"2021-02-24T01:19:38.931Z","email":"a@example.com"}'
KEY = "a-key-of-the-test"
AUTHORIZED = ("authorization", f"Basic {KEY}")
CORS = ("access-control-allow-origin", "*")


@pytest.fixture
def ingest():
    """The inside of a fake that takes KEY alone, and bodies of 200 bytes."""
    journal = Journal.open(None)
    yield Ingest(Mock(Engine(), journal, Keys((KEY,)), settings=Settings(max_body=200)))
    journal.close()


CODES = {401: "unauthorized", 404: "not_found", 405: "method_not_allowed", 413: "payload_too_large", 415: "unsupported_media_type"}


def request(body=TRACK, path="/api/track", *headers, method="POST", **more):
    """A request with the key, unless it has another Authorization."""
    known = headers if any(name == "authorization" for name, _ in headers) else (AUTHORIZED, *headers)
    return Request(method, path, "", tuple(pair for pair in known if pair[1]), body, **more)


ELSEWHERE = "calls go to /api/identify, /api/group, /api/track, /sdk/batch and their like (see /openapi.json)"
REFUSALS = [
    (request(path="/api/nothing"), 404, f"there is no /api/nothing here; {ELSEWHERE}"),
    (request(path="/" + "x" * 300), 404, f"there is no /{'x' * 199} here; {ELSEWHERE}"),
    (request(b"", path="/api/nothing"), 404, f"there is no /api/nothing here; {ELSEWHERE}"),
    (request(method="GET"), 405, "/api/track takes POST, not GET"),
    (request(b"", method="DELETE"), 405, "/api/track takes POST, not DELETE"),
    (request(method="Y" * 30), 405, f"/api/track takes POST, not {'Y' * 20}"),
    (request(None), 413, "the body is over 200 bytes; send fewer events in one call, or start the fake with a larger --max-body"),
    (request(b" " * 201), 413, "the body is over 200 bytes after inflating; send fewer events in one call, or start the fake with a larger --max-body"),
    (
        request(TRACK, "/api/track", ("content-type", "text/html; charset=utf-8")),
        415,
        "the body came as text/html; charset=utf-8; send it with Content-Type: application/json",
    ),
    (
        request(TRACK, "/api/track", ("content-type", "x/" + "y" * 200)),
        415,
        f"the body came as x/{'y' * 98}; send it with Content-Type: application/json",
    ),
    (
        request(TRACK, "/api/track", ("content-encoding", "gzip"), ("content-encoding", "gzip")),
        415,
        "Content-Encoding gzip, gzip is not taken; send identity, gzip or deflate",
    ),
    (request(TRACK, "/api/track", ("content-encoding", "br")), 415, "Content-Encoding br is not taken; send identity, gzip or deflate"),
    (
        request(TRACK, "/api/track", ("content-encoding", "gzip")),
        400,
        "the body is not what Content-Encoding: gzip says: Error -3 while decompressing data: incorrect header check",
    ),
    (request(b'{"ty', cut=True), 400, "the body ended early, after 4 bytes of what was announced; nothing of it was taken"),
    (request(TRACK, "/api/track", ("authorization", "")), 401, "there is no API key; send it as Authorization: Basic <API key> (or base64 of 'key:')"),
    (
        request(TRACK, "/api/track", ("authorization", "Basic another")),
        401,
        "the API key in Authorization is not one that is taken here; send Authorization: Basic <API key> with a key that this fake was started with",
    ),
    (request(b"{}", "/api/group"), 400, '/type: type is missing (and 2 more). Add `"type": "group"`.'),
    (request(b"[]"), 400, "the body is an empty array, not an Object. Send one JSON Object a request; many events go as `batch` to POST /sdk/batch."),
]


@pytest.mark.parametrize(("sent", "status", "message"), REFUSALS, ids=range(len(REFUSALS)))
def test_refusals(ingest, sent, status, message):
    """Each refusal says in one line what is wrong and what to do, is recorded as it is answered, and may be read by a page of any origin."""
    outcome = ingest.handle(sent)
    said = orjson.loads(outcome.answer.body)
    assert (outcome.answer.status, said["status"], said["message"]) == (status, status, message)
    assert CORS in outcome.answer.headers
    (call,) = ingest.mock.journal.calls(Filter())
    assert (call.status, call.code, call.accepted, call.answer) == (status, said["code"], False, outcome.answer.body)
    assert said["code"] == CODES[status] if status != 400 else said["code"] in {"invalid_json", "invalid_payload"}
    assert call.body == (b"" if status == 413 else sent.body)


FAULTS = [
    ({"status": 503}, 503, "fault 1 was planned to answer 503; the call was not taken: send it again", None, False),
    ({"status": 418, "when": "after"}, 418, "fault 1 was planned to answer 418; the call was taken all the same: sent again, it is doubled", None, True),
    ({"status": 503, "retry_after": 0}, 503, "fault 1 was planned to answer 503; the call was not taken: send it again", "0", False),
]


@pytest.mark.parametrize(("fault", "status", "message", "retry", "accepted"), FAULTS)
def test_planned_answers(ingest, fault, status, message, retry, accepted):
    """A planned answer says that it was planned, and whether the call counts; Retry-After stands there where it was asked for."""
    ingest.mock.faults.plan(parse(fault, None))
    outcome = ingest.handle(request())
    assert (outcome.answer.status, orjson.loads(outcome.answer.body)["message"]) == (status, message)
    assert dict(outcome.answer.headers).get("retry-after") == retry
    assert outcome.call.accepted is accepted


@pytest.mark.parametrize(("about", "struck"), [({"kind": "track"}, True), ({"kind": "group"}, False), ({"path": "/api/t*"}, True), ({"path": "/sdk/*"}, False)])
@pytest.mark.parametrize("body", [TRACK, b"["])
def test_what_a_fault_is_about(ingest, about, struck, body):
    """A fault strikes calls of its kind and its path, whether or not their body can be read: the path says the kind."""
    ingest.mock.faults.plan(parse({"status": 503, **about}, None))
    assert (ingest.handle(request(body)).answer.status == 503) is struck


def test_a_body_that_ended_early_is_no_json(ingest):
    """Its code is the one of a body that cannot be read."""
    assert ingest.handle(request(b'{"ty', cut=True)).answer.code == "invalid_json"


def test_a_planned_limit(ingest):
    """A limit says how much is let through, and when to come again."""
    ingest.mock.faults.plan(parse({"rate": 1, "per": 2.5}, None))
    assert ingest.handle(request()).answer.status == 200
    answer = ingest.handle(request()).answer
    assert orjson.loads(answer.body)["message"] == "over the planned limit of 1 calls in 2.5 s; wait 3 s, then send it again"
    assert dict(answer.headers)["retry-after"] == "3"


def test_a_journal_that_cannot_be_written(ingest, monkeypatch):
    """Where nothing can be recorded the answer is a 503 that any page may read, and there is no call."""

    def full(_calls):
        raise JournalUnwritableError("database or disk is full")

    monkeypatch.setattr(ingest.mock.journal, "write_many", full)
    outcome = ingest.handle(request())
    assert (outcome.call, outcome.answer.status, outcome.answer.code) == (None, 503, "journal_unwritable")
    assert CORS in outcome.answer.headers
    assert orjson.loads(outcome.answer.body)["message"] == (
        "the journal cannot be written (database or disk is full): nothing of this call was recorded; free the disk, then send it again"
    )


@pytest.mark.parametrize("where", ["before", "while checking"])
def test_a_fault_of_ours(ingest, monkeypatch, caplog, where):
    """A bug of ours is a 500 that says where to look; the log names the request, on one line, and has the trace."""

    def broken(*_):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(ingest if where == "before" else ingest.mock.engine, "judge" if where == "before" else "check", broken)
    with caplog.at_level(logging.ERROR, "mock_june"):
        outcome = ingest.handle(request(TRACK, "/api/track/" if where != "before" else "/\x1b[2J" + "y" * 300, method="POST"))
    assert (outcome.answer.status, outcome.answer.code) == (500, "internal_error")
    assert orjson.loads(outcome.answer.body)["message"] == "mock-june failed on this request; the server's log says why; please report it"
    assert CORS in outcome.answer.headers
    (record,) = caplog.records
    assert record.getMessage() == "mock-june failed on POST " + ("/api/track/" if where != "before" else "/\\x1b[2J" + "y" * 195)
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError
    assert (outcome.call is None) is (where == "before")


def test_a_key_that_stands_in_what_is_told_of_the_payload():
    """Where the caller's key is the name of a misspelt member, no message, pointer or place has it, and the event that is told is the one that is kept."""
    key = "timestamps"
    journal = Journal.open(None)
    taken = Ingest(Mock(Engine(), journal))
    told: list[Call] = []
    taken.observers.append(told.append)
    body = TRACK[:-1] + b',"timestamps":"timestamps"}'
    assert taken.handle(request(body, "/api/track", ("authorization", f"Basic {key}"))).answer.status == 200
    (call,) = told
    (event,) = call.events
    assert event.payload == Raw(TRACK[:-1] + b',"**********":"**********"}') == call.body
    (warning,) = event.warnings
    for text in (warning.message, warning.pointer, warning.instance_location):
        assert key not in text
    assert warning.rule == "track.timestamp.unknown"
    assert (call.id, event.id, event.call) == (1, 1, 1)
    journal.close()


def test_an_observer_that_fails_changes_nothing(ingest, caplog):
    """One who is told of calls and fails is logged, with the call; the others are told, and the answer is the same."""
    told: list[Call] = []

    def fails(_call):
        raise BrokenPipeError

    ingest.observers += [fails, told.append]
    with caplog.at_level(logging.ERROR, "mock_june"):
        assert ingest.handle(request(gzip.compress(TRACK), "/api/track", ("content-encoding", "gzip"))).answer.status == 200
    assert [call.body for call in told] == [TRACK]
    assert [record.getMessage() for record in caplog.records] == ["the log of call 1 failed"]


def test_what_is_not_yet_recorded_has_no_ids(ingest):
    """A call that was judged alone bears 0 where the journal puts its ids."""
    call = ingest.judge(request()).call
    (event,) = call.events
    assert (call.id, event.id, event.call, event.at) == (0, 0, 0, "")
    assert (event.workspace, event.accepted, event.contract) == (call.workspace, True, "backfill")
    assert call.workspace == ingest.mock.workspace(ApiKey(KEY))


def test_each_key_is_held_to_its_own_rules(ingest):
    """A key that has rules of its own is held to them, another one to those of all; the browser's counters are of the contract that they came by."""
    ingest.mock.keys.add("a-lenient-key")
    ingest.mock.engines["a-lenient-key"] = Engine(ignore=("track.event.required",))
    body = TRACK.replace(b'"event":"Registered",', b"")
    assert ingest.handle(request(body)).answer.status == 400
    assert ingest.handle(request(body, "/api/track", ("authorization", "Basic a-lenient-key"))).answer.status == 200
    assert ingest._check(b"", endpoint_of("/sdk/m"), None) == Verdict("sdk")


@pytest.mark.parametrize("path", ["/sdk/m", "/v1/m", "/v1/m/"])
def test_the_counters_are_of_the_sdk_contract(path):
    """What the browser's SDK counts is no event, and comes by its contract."""
    assert endpoint_of(path) == Endpoint("sdk", None, "counters")


def test_a_key_that_is_quoted_in_a_refusal():
    """Where the caller's own key is a wrong value of the payload, neither the answer nor the record, of the call and of its event, quotes it."""
    key = "a-callers-own-key"
    journal = Journal.open(None)
    taken = Ingest(Mock(Engine(), journal))
    outcome = taken.handle(request(TRACK.replace(b'"type":"track"', b'"type":"%b"' % key.encode()), "/api/track", ("authorization", f"Basic {key}")))
    (call,) = journal.calls(Filter())
    (event,) = call.events
    assert outcome.answer.status == 400
    assert key.encode() not in outcome.answer.body + call.body + call.answer
    for violation in (*call.violations, *event.violations):
        assert violation.rule == "track.type.const"
        assert violation.message == 'type is "•••", not "track"'.replace("•••", ApiKey(key).masked)
    journal.close()


def test_what_is_kept_of_a_good_call(ingest):
    """A payload without a key in it is the parsed one; of a method without end so much is kept as is shown."""
    assert ingest.judge(request()).call.events[0].payload == orjson.loads(TRACK)
    assert ingest.judge(request(method="Y" * 50)).call.method == "Y" * 40


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"[", "invalid_json"), (b"\xff", "invalid_json"), (b"[]", "invalid_payload"), (b"{}", "invalid_payload")],
)
def test_codes_of_bodies(ingest, body, code):
    """What is no JSON, or no UTF-8, is `invalid_json`; JSON that is no payload is `invalid_payload`."""
    assert ingest.handle(request(body)).answer.code == code


def test_one_more_is_counted(ingest):
    """The message tells the first violation, and how many more there are, be it one."""
    said = orjson.loads(ingest.handle(request(TRACK.replace(b'"event":"Registered",', b"").replace(b'"userId":"1"', b'"userId":1'))).answer.body)
    assert said["errors_total"] == len(said["errors"]) == 2
    assert " (and 1 more). " in said["message"]


def test_a_connection_that_is_dropped_first(ingest):
    """A drop before the call is taken is a server that failed: on record as a 500 that was planned, and not accepted."""
    ingest.mock.faults.plan(parse({"drop": "close", "when": "before"}, None))
    outcome = ingest.handle(request())
    assert (outcome.drop, outcome.answer.status, outcome.answer.code, outcome.call.accepted) == ("close", 500, "fault", False)


def test_how_long_it_took(ingest, monkeypatch):
    """The duration is in milliseconds, to the microsecond."""
    moments = iter((10.0, 10.0123456))
    monkeypatch.setattr("mock_june.server.ingest.clock.monotonic", lambda: next(moments))
    assert ingest.judge(request()).call.duration_ms == 12.346


def test_a_coding_without_end(ingest):
    """Of the name of a coding so much is told as is read at a glance."""
    said = orjson.loads(ingest.handle(request(TRACK, "/api/track", ("content-encoding", "z" * 150))).answer.body)["message"]
    assert said == f"Content-Encoding {'z' * 100} is not taken; send identity, gzip or deflate"


def test_a_preflight(ingest):
    """A browser that asks first is told what it may send, and nothing is recorded of it."""
    headers = (
        CORS,
        ("access-control-allow-methods", "POST, OPTIONS"),
        ("access-control-allow-headers", "authorization, content-type, content-encoding"),
        ("access-control-max-age", "600"),
        ("allow", "POST, OPTIONS"),
    )
    assert ingest.handle(request(b"", method="OPTIONS")) == Outcome(None, Answer(204, b"", headers))
    assert ingest.handle(request(b"", "/nowhere", method="OPTIONS")).answer.status == 404
    assert ingest.mock.journal.last_id == 1
