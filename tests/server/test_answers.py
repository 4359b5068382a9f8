"""What the fake answers: one shape for every refusal, one for success."""

from __future__ import annotations

import orjson
import pytest

from mock_june.model import Violation
from mock_june.server import answers
from tests.server.faces import MEMBERS, VIOLATION, Face, assert_refusal

VIOLATED = Violation("track.userId.required", "/userId", "userId is missing", "add it", instance_location="", keyword_location="/required")


def test_success_is_junes_own():
    """Success is what June's pages show, to the byte."""
    assert answers.SUCCESS.body == b'{"status":200,"success":true}'
    assert answers.SUCCESS.code is None


def test_a_refusal_has_all_members_and_no_other():
    """Status, success, code, message, errors, errors_total; each error has the violation's members."""
    body = orjson.loads(answers.refusal(400, "invalid_payload", "text", [VIOLATED]).body)
    assert set(body) == MEMBERS
    assert set(body["errors"][0]) == VIOLATION
    assert body["errors_total"] == 1


def test_a_refusal_lists_a_hundred_and_counts_all():
    """At most 100 violations are listed; the total says how many there are."""
    body = orjson.loads(answers.refusal(400, "invalid_payload", "text", [VIOLATED] * 250).body)
    assert (len(body["errors"]), body["errors_total"]) == (100, 250)
    body = orjson.loads(answers.refusal(400, "invalid_payload", "text", [VIOLATED] * 100, 20000).body)
    assert (len(body["errors"]), body["errors_total"]) == (100, 20000)


@pytest.mark.parametrize("message", ["a\nb", "a\r\nb", "a\u2028b", "a\x0bb"])
def test_a_message_is_one_line(message: str):
    """Whatever stands in it, a message is one line."""
    assert orjson.loads(answers.refusal(400, "x", message).body)["message"] == "a b"


def test_json_answers_are_json():
    """A control answer is any value as JSON, with no header that opens it to other origins."""
    answer = answers.json_answer({"a": 1}, 201)
    assert (answer.status, answer.body, answer.headers) == (201, b'{"a":1}', (("content-type", "application/json"),))


STATUSES = {
    "invalid JSON": (400, "invalid_json"),
    "a wrong payload": (400, "invalid_payload"),
    "a wrong batch": (400, "invalid_payload"),
    "a cut gzip": (400, "invalid_json"),
    "no key": (401, "unauthorized"),
    "no route": (404, "not_found"),
    "no control route": (404, "not_found"),
    "a wrong method": (405, "method_not_allowed"),
    "a wrong control method": (405, "method_not_allowed"),
    "too long": (413, "payload_too_large"),
    "a wrong type": (415, "unsupported_media_type"),
    "a wrong coding": (415, "unsupported_media_type"),
    "over the limit": (429, "rate_limited"),
    "a fault": (502, "fault"),
    "another host": (403, "forbidden"),
    "another origin": (403, "forbidden"),
    "a wrong question": (400, "invalid_request"),
    "a wrong fault": (400, "invalid_request"),
    "no such call": (404, "not_found"),
}


@pytest.mark.parametrize("how", STATUSES)
def test_every_refusal_has_the_one_shape(make_face, how: str):
    """Every way to be refused, by the API and the control API, gives JSON of the one shape with the status's own code."""
    face: Face = make_face(max_body=2000)
    key = "a-key-of-its-own"
    if how in {"over the limit", "a fault"}:
        face.plan(key, {"rate": 1, "per": 60} if how == "over the limit" else {"status": 502})
    if how == "over the limit":
        face.post("/api/track", b"{}", key=key)
    reply = {
        "invalid JSON": lambda: face.post("/api/track", b"{", key=key),
        "a wrong batch": lambda: face.post("/v1/batch", {"batch": [{"type": "x"}]}, key=key),
        "a cut gzip": lambda: face.post("/api/track", b"\x1f\x8b", key=key, headers={"Content-Encoding": "gzip"}),
        "no key": lambda: face.post("/api/track", b"{}"),
        "no route": lambda: face.post("/nowhere", b"{}", key=key),
        "no control route": lambda: face.send("GET", "/_mock/nowhere"),
        "a wrong method": lambda: face.send("DELETE", "/api/track"),
        "a wrong control method": lambda: face.send("PUT", "/_mock/calls"),
        "too long": lambda: face.post("/api/track", bytes(2001), key=key),
        "a wrong type": lambda: face.post("/api/track", b"{}", key=key, headers={"Content-Type": "image/png"}),
        "a wrong coding": lambda: face.post("/api/track", b"{}", key=key, headers={"Content-Encoding": "br"}),
        "another host": lambda: face.send("GET", "/_mock/calls", headers={"Host": "evil.example"}),
        "another origin": lambda: face.send("POST", "/_mock/reset", headers={"Origin": "https://evil.example"}),
        "a wrong question": lambda: face.send("GET", "/_mock/calls?limit=0"),
        "a wrong fault": lambda: face.send("POST", "/_mock/faults", b'{"status": 1}', {"Content-Type": "application/json"}),
        "no such call": lambda: face.send("GET", "/_mock/calls/999"),
    }.get(how, lambda: face.post("/api/track", b"{}", key=key))()
    assert_refusal(reply, *STATUSES[how])
