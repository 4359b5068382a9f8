from __future__ import annotations

import ast
import json
import math
import threading
import time
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

import mock_june.contract
from mock_june.contract import Engine, check
from mock_june.errors import UsageError
from mock_june.model import Endpoint, Verdict, Violation
from tests.contract.schema_files import SCHEMAS

ENGINE = Engine()
TRACK = {"type": "track", "event": "Registered", "userId": "1", "timestamp": "2021-02-24T01:19:38.931Z", "email": "ada@example.com"}
BATCH = Endpoint("sdk", None, "batch")


def of_batch(items, **more):
    return ENGINE.check(json.dumps({"batch": items, **more}).encode(), BATCH)


def rules(found):
    return [(each.rule, each.pointer) for each in found]


def test_a_good_event():
    """A good event is accepted, without warnings, and its bytes are those of the body."""
    body = b" \n" + json.dumps(TRACK).encode() + b"\r\n"
    verdict = ENGINE.check(body, Endpoint("backfill", "track"))
    assert verdict.accepted
    (event,) = verdict.events
    assert (event.kind, event.payload, event.violations, event.warnings) == ("track", TRACK, (), ())
    assert body[event.start : event.stop] == body.strip()


def test_a_violation_in_full():
    """A violation names the rule, the place in the payload, the keyword in the schema, what is wrong and what to do."""
    (violation,) = check({**TRACK, "userId": 42}).violations
    assert violation.rule == "track.userId.type"
    assert (violation.pointer, violation.instance_location, violation.keyword_location) == ("/userId", "/userId", "/properties/userId/type")
    assert violation.severity == "error"
    assert violation.hint.startswith("Make it a String")
    with pytest.raises(FrozenInstanceError):
        violation.rule = "other"  # type: ignore[misc]


def test_a_missing_member():
    """The pointer names the member that is missing; the instance location, as JSON Schema has it, its parent."""
    (violation,) = check({"type": "identify"}).violations
    assert (violation.pointer, violation.instance_location, violation.keyword_location) == ("/userId", "", "/else/required")


def test_a_warning_in_full():
    """A warning has the same shape, and refuses nothing."""
    verdict = check({"type": "identify", "userId": "null", "user_id": "1"})
    assert verdict.accepted
    assert [(each.rule, each.pointer, each.severity, each.keyword_location) for each in verdict.warnings] == [
        ("identify.userId.placeholder", "/userId", "warning", "/properties/userId/x-warnings/placeholder"),
        ("identify.userId.unknown", "/user_id", "warning", "/x-known"),
    ]
    assert verdict.events[0].warnings == verdict.warnings


def test_order():
    """Violations come in the order of the schema's fields, whatever the payload's."""
    payload = {"context": 1, "email": 2, "timestamp": "x", "userId": [], "anonymousId": 3, "type": 4, "properties": 5}
    assert [each.pointer for each in check(payload, "track").violations] == [
        *("/type", "/event", "/userId", "/anonymousId", "/timestamp", "/email", "/properties", "/context"),
    ]


@pytest.mark.parametrize("stamp", ["2021-02-24T01:19:38Z\n", "x", "", "2021-02-24T01:19:38Z\x00Z"])
def test_one_rule_at_one_place_once(stamp):
    """A timestamp that breaks both the pattern and its guard breaks one rule, once."""
    (violation,) = check({**TRACK, "timestamp": stamp}).violations
    assert (violation.rule, violation.pointer) == ("track.timestamp.pattern", "/timestamp")
    assert violation.keyword_location == "/properties/timestamp/pattern"


def test_of_a_wrong_type_nothing_more_is_said():
    """A value of the wrong type breaks the type and nothing else."""
    assert rules(check({**TRACK, "type": 5}, "track").violations) == [("track.type.type", "/type")]
    assert rules(of_batch([{"type": 5}]).violations) == [("sdk.batch.type.type", "/batch/0/type")]


@pytest.mark.parametrize(
    ("payload", "contract", "message"),
    [
        ({"userId": "1"}, "backfill", "type is missing, so nobody can tell which kind of the backfill contract it is (identify, group, track)"),
        ({"type": "page"}, "backfill", 'type is the string "page", no kind of the backfill contract (identify, group, track)'),
        ({"type": None}, "sdk", "type is null, no kind of the sdk contract (identify, group, track, page, screen, alias)"),
        ({"type": ["track"]}, "sdk", "type is an array of 1 item, no kind of the sdk contract (identify, group, track, page, screen, alias)"),
    ],
)
def test_no_kind(payload, contract, message):
    """Where neither the place nor the payload says a kind, there is no event, and one violation."""
    hint = 'Say with `type` what the payload is, such as `"type": "track"`.'
    violation = Violation("body.kind", "/type", message, hint, "error", "/type" if "type" in payload else "")
    assert check(payload, contract=contract) == Verdict(contract, (), (violation,))


def test_the_place_says_the_kind():
    """A kind that the place says is what the payload is held to; without one its own type says it."""
    assert rules(check(TRACK, "identify").violations) == [("identify.type.const", "/type")]
    assert check({**TRACK, "type": "group"}).events[0].kind == "group"
    assert check({"userId": "1", "event": "x"}, "track", "sdk").accepted


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"{}"', b"true"])
def test_no_object(body):
    """JSON that is no Object is refused as such, for events and batches."""
    for endpoint in (Endpoint("backfill", "track"), Endpoint("backfill"), BATCH):
        verdict = ENGINE.check(body, endpoint)
        assert rules(verdict.violations) == [("body.object", "")]
        assert verdict.events == ()


def test_unread():
    """A body that is no JSON has no events."""
    verdict = ENGINE.check(b"{", BATCH)
    assert verdict == Verdict("sdk", (), verdict.violations)
    assert rules(verdict.violations) == [("body.json", "")]


def test_a_batch():
    """A batch's events have pointers of their own; the verdict's are from the root, in the order of the batch."""
    verdict = of_batch([{"type": "track", "userId": "null"}, {"type": "identify", "userId": "1"}, {"type": "group", "groupId": 7}])
    assert [event.kind for event in verdict.events] == ["track", "identify", "group"]
    assert rules(verdict.violations) == [
        ("sdk.track.event.required", "/batch/0/event"),
        ("sdk.group.groupId.type", "/batch/2/groupId"),
        ("sdk.group.userId.required", "/batch/2/userId"),
    ]
    assert rules(verdict.warnings) == [("sdk.track.userId.placeholder", "/batch/0/userId")]
    assert [rules(event.violations) for event in verdict.events] == [
        [("sdk.track.event.required", "/event")],
        [],
        [("sdk.group.groupId.type", "/groupId"), ("sdk.group.userId.required", "/userId")],
    ]
    assert verdict.violations[0].instance_location == "/batch/0"
    assert [event.warnings for event in verdict.events] == [(replace(verdict.warnings[0], pointer="/userId", instance_location="/userId"),), (), ()]
    assert verdict.warnings[0].instance_location == "/batch/0/userId"


@pytest.mark.parametrize(
    ("envelope", "found"),
    [
        ({}, [("sdk.batch.batch.required", "/batch")]),
        ({"batch": None}, [("sdk.batch.batch.type", "/batch")]),
        ({"batch": {"0": TRACK}}, [("sdk.batch.batch.type", "/batch")]),
        ({"batch": [{"type": "track"}] * 50_001}, [("sdk.batch.batch.maxItems", "/batch")]),
        ({"batch": [1] * 50_001}, [("sdk.batch.batch.maxItems", "/batch")]),
    ],
)
def test_a_broken_envelope(envelope, found):
    """Of an envelope that is broken nothing is an event, and no item is looked at."""
    verdict = ENGINE.check(json.dumps(envelope).encode(), BATCH)
    assert rules(verdict.violations) == found
    assert verdict.events == ()


def test_a_broken_envelope_in_full():
    """A broken envelope is warned about beside what is wrong with it."""
    verdict = of_batch(None, Batch=[])
    batch = json.loads((SCHEMAS / "sdk" / "batch.json").read_text())["properties"]["batch"]["x-hints"]
    wrong = Violation("sdk.batch.batch.type", "/batch", "batch is null, not an Array", batch["type"], "error", "/batch", "/properties/batch/type")
    slip = '"Batch" is no member that June reads: did you mean batch?'
    assert verdict == Verdict("sdk", (), (wrong,), (Violation("sdk.batch.batch.unknown", "/Batch", slip, batch["unknown"], "warning", "/Batch", "/x-known"),))


def test_items_that_are_no_events():
    """An item that is no Object or of no known type is a violation at its place, and the others are events."""
    good = {"type": "identify", "userId": "1"}
    verdict = of_batch([1, good, {"type": "sing"}, {}, None, {"type": 5}, [good], good])
    assert rules(verdict.violations) == [
        ("sdk.batch.batch.items", "/batch/0"),
        ("sdk.batch.type.unknown", "/batch/2/type"),
        ("sdk.batch.type.required", "/batch/3/type"),
        ("sdk.batch.batch.items", "/batch/4"),
        ("sdk.batch.type.type", "/batch/5/type"),
        ("sdk.batch.batch.items", "/batch/6"),
    ]
    assert [event.payload for event in verdict.events] == [good, good]
    assert verdict.violations[1].message == 'batch[2].type is "sing", none of "identify", "group", "track", "page", "screen", "alias"'
    missing = verdict.violations[2]
    hint = "Add `type` to the message: one of `identify`, `group`, `track`, `page`, `screen`, `alias`."
    where = ("/batch/3", "/properties/batch/items/required")
    assert missing == Violation("sdk.batch.type.required", "/batch/3/type", "batch[3].type is missing", hint, "error", *where)


def test_warnings_of_an_envelope():
    """An empty batch and a misspelt one are warned about."""
    assert rules(of_batch([]).warnings) == [("sdk.batch.batch.empty", "/batch")]
    assert of_batch([]).accepted
    assert rules(of_batch([], Batch=[]).warnings) == [("sdk.batch.batch.empty", "/batch"), ("sdk.batch.batch.unknown", "/Batch")]


def test_the_last_batch_counts():
    """Of a doubled `batch` the last is taken, bytes and all."""
    body = b'{"batch": [{"type": "track"}], "b\\u0061tch" : [ {"type":"identify","userId":"1"} ]}'
    verdict = ENGINE.check(body, BATCH)
    assert verdict.accepted
    assert [body[event.start : event.stop] for event in verdict.events] == [b'{"type":"identify","userId":"1"}']


@pytest.mark.parametrize(
    ("endpoint", "what"),
    [
        (Endpoint("sdk", None, "counters"), "counters"),
        (Endpoint("backfill", None, "batch"), "batch"),
        (Endpoint("backfill", "page"), "'page' is no kind"),
        (Endpoint("backfill", "trak"), "did you mean 'track'"),
        (Endpoint("sdk", "batch"), "'batch' is no kind"),
        (Endpoint("sdc", "track"), "did you mean 'sdk'"),  # type: ignore[arg-type]
        (Endpoint("sdc"), "did you mean 'sdk'"),  # type: ignore[arg-type]
    ],
)
def test_endpoints_that_are_none(endpoint, what):
    """An endpoint that takes no events, or whose names are none, is a usage error."""
    with pytest.raises(UsageError, match=what):
        ENGINE.check(b'{"type": "track"}', endpoint)


@pytest.mark.parametrize("depth", [10, 254, 255, 900, 1020])
def test_deep_payloads(depth):
    """A payload may nest as deeply as JSON does where no rule looks, and where a String should be it is explained."""
    deep = b'{"a":' * depth + b"1" + b"}" * depth
    accepted = ENGINE.check(b'{"type": "identify", "userId": "1", "traits": ' + deep + b"}", Endpoint("backfill", "identify"))
    assert accepted.accepted
    refused = ENGINE.check(b'{"type": "identify", "userId": ' + deep + b', "traits": ' + deep + b"}", Endpoint("backfill", "identify"))
    assert rules(refused.violations) == [("identify.userId.type", "/userId")]
    misspelt = ENGINE.check(b'{"type": "identify", "userId": "null", "trait": ' + deep + b"}", Endpoint("backfill", "identify"))
    assert [rule for rule, _ in rules(misspelt.warnings)] == ["identify.userId.placeholder", "identify.traits.unknown"]


@pytest.mark.parametrize("number", ["18446744073709551616", "-9223372036854775809", "1e308", "0.1", "9" * 300])
def test_big_numbers(number):
    """A number is no String, however big, and in traits it may be any."""
    body = f'{{"type": "identify", "userId": {number}, "traits": {{"n": {number}}}}}'
    assert rules(check(body).violations) == [("identify.userId.type", "/userId")]
    assert len(check(body).violations[0].message) < 120
    assert check(f'{{"type": "identify", "userId": "1", "traits": {{"n": {number}}}}}').accepted


def test_odd_members():
    """Doubled and odd members are taken as JSON has them: the last wins, and names may be anything."""
    assert check(b'{"type": "identify", "userId": 1, "userId": "1"}').accepted
    verdict = check({"type": "identify", "userId": "1", "": 1, "\x00": 2, "__proto__": {"userId": 3}, "a/b~c": 4})
    assert verdict.accepted
    assert verdict.warnings == ()


def test_pointers_are_escaped():
    """The pointer of an odd name is RFC 6901's."""
    body = b'{"type": "identify", "userId": "1", "user~id": 1, "tr/aits": 2, "User Id": 3}'
    assert [warning.pointer for warning in ENGINE.check(body, Endpoint("backfill")).warnings] == ["/user~0id", "/User Id", "/tr~1aits"]


@pytest.mark.parametrize("number", [20_000, pytest.param(50_000, marks=pytest.mark.slow)])
def test_a_batch_of_wrong_events(number):
    """Tens of thousands of wrong events are all explained, 20,000 within five seconds."""
    event = {"type": "track", "event": None, "userId": 5, "timestamp": "2021-02-24T01:19:38", "properties": {"plan": "pro"}}
    body = json.dumps({"batch": [event] * number}).encode()
    start = time.process_time()
    verdict = ENGINE.check(body, BATCH)
    assert time.process_time() - start < 5 * max(1, number / 20_000)
    assert len(verdict.violations) == 3 * number
    assert verdict.violations[-1].pointer == f"/batch/{number - 1}/timestamp"


def test_a_batch_beyond_all_bounds():
    """Two million items are refused at once, with one violation."""
    start = time.process_time()
    verdict = ENGINE.check(b'{"batch":[' + b"1," * 2_000_000 + b"1]}", BATCH)
    assert time.process_time() - start < 3
    assert rules(verdict.violations) == [("sdk.batch.batch.maxItems", "/batch")]
    assert verdict.violations[0].message == "batch is an array of 2000001 items, more than 50000"


def test_threads():
    """Many threads may ask one new engine at once, and all are told the same."""
    engine = Engine()
    endpoints = [Endpoint("sdk", kind) for kind in ("identify", "group", "track", "page", "screen", "alias")]
    body = b'{"userId": 5, "traits": [], "properties": [], "user_id": "1"}'
    verdicts = []
    threads = [threading.Thread(target=lambda: verdicts.append([engine.check(body, endpoint) for endpoint in endpoints])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(verdicts) == 8
    assert all(each == verdicts[0] for each in verdicts)


@pytest.mark.parametrize("payload", [TRACK, json.dumps(TRACK), json.dumps(TRACK).encode(), bytearray(json.dumps(TRACK).encode()), memoryview(b'{"type": 1}')])
def test_what_check_takes(payload):
    """A payload is a dict, or JSON text as str or bytes."""
    assert check(payload).accepted == (not isinstance(payload, memoryview))


@pytest.mark.parametrize(
    ("payload", "rule"),
    [
        ([TRACK], "body.object"),
        (None, "body.object"),
        ({**TRACK, "properties": {"revenue": math.nan}}, "body.json"),
        ({**TRACK, "properties": {"revenue": math.inf}}, "body.json"),
        ({**TRACK, "properties": {"revenue": 10**400}}, "body.json"),
        ({**TRACK, "event": "\ud800"}, "body.json"),
        ('{"event": "\ud800"}', "body.encoding"),
        ({**TRACK, "userId": 2**64}, "track.userId.type"),
        ("", "body.json"),
        ("\ufeff{}", "body.json"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isascii() else type(value).__name__,
)
def test_values_that_no_client_could_send(payload, rule):
    """What a client would send for a value is what is judged: NaN is no JSON, a big integer no String."""
    assert [violation.rule for violation in check(payload).violations] == [rule]


@pytest.mark.parametrize(
    "value", [datetime(2021, 2, 24, tzinfo=UTC), {1, 2}, b"x", object(), 10**5000], ids=["datetime", "set", "bytes", "object", "5,000 digits"]
)
def test_values_that_are_no_json(value):
    """A value that JSON cannot hold is a usage error, not a verdict."""
    with pytest.raises(UsageError, match="cannot be written as JSON"):
        check({"type": "identify", "userId": "1", "traits": {"value": value}})
    ring: list = []
    ring.append(ring)
    with pytest.raises(UsageError, match="cannot be written as JSON"):
        check(ring)


def test_patterns_of_check():
    """The public check takes the same patterns as an engine."""
    broken = {**TRACK, "userId": 5, "email": ""}
    assert rules(check(broken, ignore=["*.email.*"]).violations) == [("track.userId.type", "/userId")]
    assert rules(check(broken, select=["*.email.*"]).violations) == [("track.email.minLength", "/email")]
    with pytest.raises(UsageError, match="no rule matches"):
        check(broken, select=["x"])


def test_no_clock_no_files():
    """Under contract/ nothing asks the time, and only the loader of the schemas touches a file."""
    folder = Path(mock_june.contract.__file__).parent
    for path in folder.glob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        called = {
            node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "") for node in ast.walk(tree) if isinstance(node, ast.Call)
        }
        assert not called & {"now", "utcnow", "today", "time", "monotonic", "perf_counter", "print", "getenv"}, path
        if path.name != "schemas.py":
            assert not called & {"open", "read_text", "read_bytes", "write_text", "write_bytes"}, path


class TooDeep:
    """A validator of jsonschema-rs before 0.46, which gave up on deep nesting."""

    def __init__(self, validator):
        self.validator = validator
        self.asked = 0

    def is_valid(self, payload):
        self.asked += 1
        if self.asked == 1:
            raise ValueError("recursion limit exceeded")
        return self.validator.is_valid(payload)


def test_a_validator_that_gives_up_on_a_deep_payload(monkeypatch):
    """Where the validator gives up, what no rule looks at is left out, and the verdict is the same."""
    engine = Engine()
    judge = engine._judge("backfill", "identify")
    monkeypatch.setattr(judge, "_clean", TooDeep(judge._clean))
    deep = b'{"type":"identify","userId":"1","traits":' + b'{"a":' * 200 + b"1" + b"}" * 201
    assert engine.check(deep, Endpoint("backfill", "identify")) == Engine().check(deep, Endpoint("backfill", "identify"))
