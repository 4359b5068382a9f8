"""One call in: the order of its steps, what stands on record of it, and what happens when a part of the fake fails."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest

from mock_june.errors import JournalUnwritableError
from mock_june.model import Call, Filter, Raw
from mock_june.server.ingest import Ingest, Request
from mock_june.server.routes import endpoint_of
from tests.server.faces import GOOD, TRACK, Face, assert_refusal, assert_success, new_mock

AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")


# The order of the steps


@pytest.mark.parametrize("body", [b"{", b"{}", b"\xff", b"[]", b"", orjson.dumps({"batch": [{}]})])
@pytest.mark.parametrize("path", ["/api/track", "/sdk/batch", "/v1/t"])
def test_a_401_outranks_a_400(face: Face, path: str, body: bytes):
    """Whoever has no key is told so, not what is wrong with the body."""
    assert_refusal(face.post(path, body), 401, "unauthorized")
    assert face.last().violations == ()


def test_a_401_outranks_a_415_and_a_405_does_not_need_a_key(face: Face, key: str):
    """The key comes before the content type; a method or path that is none comes before the key."""
    assert_refusal(face.post("/api/track", TRACK, headers={"Content-Type": "text/html"}), 401, "unauthorized")
    assert_refusal(face.post("/api/track", TRACK, headers={"Content-Encoding": "br"}), 401, "unauthorized")
    assert_refusal(face.send("PUT", "/api/track"), 405, "method_not_allowed")
    assert_refusal(face.post("/nowhere", TRACK), 404, "not_found")


def test_what_is_too_long_is_told_before_the_key(make_face):
    """A body that is not read has no key to look for: 413 with a key and without."""
    face = make_face(max_body=100)
    assert_refusal(face.post("/sdk/page", bytes(101)), 413, "payload_too_large")
    assert_refusal(face.post("/sdk/page", bytes(101), key="any"), 413, "payload_too_large")


def test_a_call_is_recorded_before_it_is_answered(make_front):
    """When the client has its answer, the call is on record."""
    front = make_front()
    for number in range(1, 201):
        assert_success(front.post("/api/track", TRACK, key="any"))
        assert front.mock.journal.last_id == number


# What stands on record


def test_the_record_of_a_good_call(face: Face, key: str):
    """Method, path, headers, body as it came, answer, time, workspace, and the event with its payload."""
    sent = b'{ "type":"track","event":"Caf\xc3\xa9", "userId":"1",\n"timestamp":"2021-02-24T01:19:38.931Z","email":"a@example.com","userId":"1" }'
    assert_success(face.post("/api/track?x=1", sent, key=key, headers={"User-Agent": "tests", "X-Two": "b"}))
    (call,) = face.calls(key)
    assert (call.method, call.path, call.status, call.code, call.accepted, call.fault) == ("POST", "/api/track?x=1", 200, None, True, None)
    assert (call.body, call.answer, call.violations, call.violations_total) == (sent, b"", (), 0)
    assert AT.match(call.at)
    assert 0 <= call.duration_ms < 5000
    assert dict(call.headers)["user-agent"] == "tests"
    assert dict(call.headers)["x-two"] == "b"
    (event,) = call.events
    assert (event.call, event.at, event.workspace, event.kind, event.contract, event.accepted) == (call.id, call.at, call.workspace, "track", "backfill", True)
    assert parsed(event.payload) == orjson.loads(sent)


def parsed(payload: Any) -> Any:
    return orjson.loads(bytes(payload)) if isinstance(payload, Raw) else payload


def test_the_record_of_a_refused_call(face: Face, key: str):
    """The answer as it was given, each violation with its pointer, on the call and on its event."""
    reply = face.post("/api/track", {"type": "track", "userId": 5}, key=key)
    body = assert_refusal(reply, 400, "invalid_payload")
    (call,) = face.calls(key)
    assert call.answer == reply.body
    pointers = ["/email", "/event", "/timestamp", "/userId"]
    assert sorted(error["pointer"] for error in body["errors"]) == pointers
    assert sorted(violation.pointer for violation in call.violations) == pointers
    assert sorted(violation.pointer for violation in call.events[0].violations) == pointers
    assert (call.violations_total, call.accepted, call.events[0].accepted) == (4, False, False)
    assert "(and 3 more)" in body["message"]


def test_every_violation_says_what_to_do(face: Face, key: str):
    """Each violation has a rule, a pointer, a message and a hint, and JSON Schema's two locations."""
    for error in assert_refusal(face.post("/api/track", {}, key=key), 400, "invalid_payload")["errors"]:
        assert all(error[name] for name in ("rule", "pointer", "message", "hint", "keywordLocation"))
        assert error["rule"].startswith("track.")


def test_a_warning_never_changes_a_status(face: Face, key: str):
    """What smells is taken, and the smell is on record."""
    assert_success(face.post("/api/identify", {"type": "identify", "userId": "null", "user_id": "1"}, key=key))
    assert {warning.rule for warning in face.calls(key)[0].events[0].warnings} == {"identify.userId.placeholder", "identify.userId.unknown"}


def test_ids_and_workspaces(face: Face, key: str):
    """Ids grow over all workspaces; each key sees its own calls."""
    for _ in range(3):
        face.post("/api/track", TRACK, key=key)
        face.post("/api/track", TRACK, key=f"{key}-other")
    ids = [call.id for call in face.calls(key)]
    assert ids == sorted(set(ids))
    assert not {call.id for call in face.calls(f"{key}-other")} & set(ids)


def test_a_long_path_without_a_route_is_kept_in_part(face: Face, key: str):
    """A path as long as HTTP allows is not kept whole."""
    assert_refusal(face.post("/" + "x" * 9000, b"{}", key=key), 404, "not_found")
    assert len(face.calls(key)[0].path) <= 2000


@pytest.mark.parametrize("path", ["/api/%74rack", "/api/track%2f", "/caf%C3%A9", "/%ff", "/a%0ab"])
def test_a_path_stands_on_record_as_it_came(make_front, path: str):
    """A path is decoded to find its route, and recorded with its percent signs, so that nothing in it breaks a line."""
    front = make_front()
    assert front.post(path, TRACK, key="any").status == (200 if path.startswith("/api/") else 404)
    assert front.last().path == path


# Batches


def batch(*events: Any, **more: Any) -> dict[str, Any]:
    return {"batch": list(events), "sentAt": "2021-02-24T01:19:38.931Z"} | more


def test_one_bad_event_refuses_the_whole_batch(face: Face, key: str):
    """A batch is one call: any violation refuses it whole, and the pointers say which event is wrong."""
    reply = face.post("/sdk/batch", batch(GOOD["track"], {"type": "track", "userId": "1"}, GOOD["page"], {"type": "group", "userId": 5}), key=key)
    body = assert_refusal(reply, 400, "invalid_payload")
    assert sorted(error["pointer"] for error in body["errors"]) == ["/batch/1/event", "/batch/3/groupId", "/batch/3/userId"]
    assert {error["instanceLocation"] for error in body["errors"]} == {"/batch/1", "/batch/3", "/batch/3/userId"}
    (call,) = face.calls(key)
    assert [event.accepted for event in call.events] == [False] * 4
    assert [[violation.pointer for violation in event.violations] for event in call.events][1] == ["/event"]
    assert call.events[0].violations == ()


def test_the_events_of_a_batch_keep_their_bytes(face: Face, key: str):
    """Each event of a batch is read back as it was sent, in its order."""
    sent = [GOOD["track"] | {"properties": {"n": number, "deep": [{"a": [1.5, None, "\u2028"]}]}} for number in range(50)]
    assert_success(face.post("/v1/batch", batch(*sent), key=key))
    events = face.mock.journal.events(Filter(workspace=face.calls(key)[0].workspace), limit=1000)
    assert [parsed(event.payload) for event in events] == sent
    assert [event.id for event in events] == sorted(event.id for event in events)


@pytest.mark.parametrize(
    ("payload", "rule", "pointer"),
    [
        ({}, "sdk.batch.batch.required", "/batch"),
        ({"batch": {}}, "sdk.batch.batch.type", "/batch"),
        ({"batch": [5]}, "sdk.batch.batch.items", "/batch/0"),
        ({"batch": [{"userId": "1"}]}, "sdk.batch.type.required", "/batch/0/type"),
        ({"batch": [{"type": 5}]}, "sdk.batch.type.type", "/batch/0/type"),
        ({"batch": [{"type": "hello"}]}, "sdk.batch.type.unknown", "/batch/0/type"),
    ],
)
def test_a_wrong_envelope(face: Face, key: str, payload: dict[str, Any], rule: str, pointer: str):
    """What is wrong with the envelope itself is named as such."""
    body = assert_refusal(face.post("/sdk/batch", payload, key=key), 400, "invalid_payload")
    assert [(error["rule"], error["pointer"]) for error in body["errors"]] == [(rule, pointer)]


def test_an_empty_batch_is_taken(face: Face, key: str):
    """An empty batch breaks nothing; it smells."""
    assert_success(face.post("/sdk/batch", batch(), key=key))
    assert face.calls(key)[0].events == ()


def test_a_batch_of_many_wrong_events_is_answered_in_brief(face: Face, key: str):
    """Of 5,000 violations a hundred are listed and all counted; the answer stays small."""
    reply = face.post("/sdk/batch", batch(*[{"type": "track", "userId": "1"}] * 5000), key=key)
    body = assert_refusal(reply, 400, "invalid_payload")
    assert (len(body["errors"]), body["errors_total"]) == (100, 5000)
    assert len(reply.body) < 65536
    (call,) = face.calls(key)
    assert (len(call.violations), call.violations_total, len(call.events)) == (100, 5000, 5000)


# When a part of the fake fails


def test_what_cannot_be_recorded_is_never_a_200(make_face, monkeypatch: pytest.MonkeyPatch):
    """A journal that cannot be written answers 503 and what to do; when it can be again, calls are taken as before."""
    face = make_face()
    journal = face.mock.journal

    def full(*_: Any) -> Any:
        raise JournalUnwritableError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(type(journal), "record", full)
        patched.setattr(type(journal), "write_many", full)
        for _ in range(3):
            body = assert_refusal(face.post("/api/track", TRACK, key="any"), 503, "journal_unwritable")
            assert "database or disk is full" in body["message"]
    assert_success(face.post("/api/track", TRACK, key="any"))
    assert [call.status for call in face.calls("any")] == [200]


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("where", ["engine", "journal"])
def test_a_failing_part_is_a_500_in_our_shape(make_face, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, where: str):
    """A bug of ours is 500 in the refusal shape, without a traceback or a word of the payload; the log has it; the next call is answered."""
    face = make_face()

    def fail(*_: Any) -> Any:
        raise RuntimeError("a bug with secret-of-the-payload")

    with monkeypatch.context() as patched:
        if where == "engine":
            patched.setattr(type(face.mock.engine), "check", fail)
        else:
            patched.setattr(type(face.mock.journal), "record", fail)
            patched.setattr(type(face.mock.journal), "write_many", fail)
        reply = face.post("/api/track", TRACK, key="any")
        assert_refusal(reply, 500, "internal_error")
        assert b"secret" not in reply.body
        assert b"Traceback" not in reply.body
    assert "a bug with secret-of-the-payload" in caplog.text
    assert_success(face.post("/api/track", TRACK, key="any"))
    statuses = [call.status for call in face.calls("any")]
    assert statuses == ([500, 200] if where == "engine" else [200])


# Without any I/O


def test_ingest_needs_no_server():
    """A method, a path, headers and bytes in; a call and an answer out."""
    mock = new_mock()
    told: list[Call] = []
    try:
        ingest = Ingest(mock)
        ingest.observers.append(told.append)
        outcome = ingest.handle(Request("POST", "/api/track", "", [("authorization", "Basic k")], orjson.dumps(TRACK)))
    finally:
        mock.journal.close()
    assert (outcome.answer.status, outcome.delay, outcome.drop) == (200, 0.0, None)
    assert [(call.id, call.status) for call in told] == [(1, 200)]


def test_judging_records_nothing():
    """What `judge` gives is not on record yet."""
    mock = new_mock()
    try:
        outcome = Ingest(mock).judge(Request("POST", "/api/track", "", [("authorization", "Basic k")], orjson.dumps(TRACK)))
        assert outcome.call is not None
        assert (outcome.call.id, mock.journal.last_id) == (0, 0)
    finally:
        mock.journal.close()


@pytest.mark.parametrize(("path", "kind"), [("/v1/a", "alias"), ("/v1/a/", "alias"), ("/v1/a//", None), ("/", None), ("", None)])
def test_endpoint_of(path: str, kind: str | None):
    """A trailing slash is the same path, two are not."""
    endpoint = endpoint_of(path)
    assert (endpoint.kind if endpoint else None) == kind
