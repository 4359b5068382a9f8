from __future__ import annotations

import copy
import json
import re
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract_tests import generator
from mock_june.checker.fixes import Fixed, Fixer, moments
from mock_june.contract import Engine
from mock_june.errors import UsageError
from mock_june.model import KINDS, Endpoint

ENGINE = Engine()
PLACES = [(contract, kind) for contract, kinds in KINDS.items() for kind in kinds]
REST = b'"event": "Registered", "userId": "1", "email": "ada@example.com", "properties": {"a": 1.0, "b": 18446744073709551616, "b": 2, "\\u0041": 1e2} '


def fix(body: bytes, kind: str | None, contract: str, **options: Any) -> Fixed | None:
    """One payload corrected."""
    return Fixer(contract, kind, **options).fix(body)


def track(timestamp: str) -> bytes:
    return b'{"type": "track", "timestamp": ' + timestamp.encode() + b", " + REST + b"}"


def patched(document, changes):
    """What a JSON Patch (RFC 6902) makes of an Object, as far as the members at its top go."""
    document = copy.deepcopy(document)
    for change in changes:
        name = change["path"][1:].replace("~1", "/").replace("~0", "~")
        match change["op"]:
            case "add":
                document[name] = change["value"]
            case "replace":
                assert name in document
                document[name] = change["value"]
            case "remove":
                del document[name]
            case "move":
                document[name] = document.pop(change["from"][1:].replace("~1", "/").replace("~0", "~"))
    return document


def instant(written) -> Fraction:
    """Seconds since 1970, of a time with a zone or of epoch seconds or milliseconds, with all digits of the fraction."""
    text = str(written)
    if re.fullmatch(r"[0-9.]+", text):
        return Fraction(text) / (1000 if len(text.partition(".")[0]) == 13 else 1)
    whole, fraction, zone = re.fullmatch(r"(.{19})(\.[0-9]+)? ?(.*)", text).groups()
    zone = "+00:00" if zone in {"Z", "z", "UTC"} else zone
    return Fraction(int(datetime.fromisoformat(whole.replace(" ", "T").upper() + zone).timestamp())) + Fraction(fraction or "0")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ('"2021-02-24T03:19:38.931000001+02:00"', "2021-02-24T01:19:38.931000001Z"),
        ('"2021-02-23T20:49:38-04:30"', "2021-02-24T01:19:38Z"),
        ('"2021-02-24T01:19:38-00:00"', "2021-02-24T01:19:38Z"),
        ('"2021-02-24 01:19:38+00:00"', "2021-02-24T01:19:38+00:00"),
        ('"2021-02-24 01:19:38.931Z"', "2021-02-24T01:19:38.931Z"),
        ('"2021-02-24t01:19:38z"', "2021-02-24T01:19:38Z"),
        ('"2021-02-24 02:19:38.50+01"', "2021-02-24T01:19:38.50Z"),
        ('"2021-02-24 02:19:38 +0100"', "2021-02-24T01:19:38Z"),
        ('"2021-02-24 01:19:38.931 UTC"', "2021-02-24T01:19:38.931Z"),
        ('"0800-01-01T01:00:00+01:00"', "0800-01-01T00:00:00Z"),
        ("1614129578", "2021-02-24T01:19:38Z"),
        ("1614129578.931", "2021-02-24T01:19:38.931Z"),
        ("1614129578931", "2021-02-24T01:19:38.931Z"),
        ("1614129578931.25", "2021-02-24T01:19:38.93125Z"),
        ('"1614129578"', "2021-02-24T01:19:38Z"),
        ('"1614129578001"', "2021-02-24T01:19:38.001Z"),
        ("1000000000", "2001-09-09T01:46:40Z"),
        ("4102444799999", "2099-12-31T23:59:59.999Z"),
    ],
)
def test_timestamps(wrong, right):
    """A time that can be read in one way alone is written as June takes it: the same instant, the fraction's digits kept, and no other byte changed."""
    fixed = fix(track(wrong), None, "backfill")
    assert fixed.body == track(json.dumps(right))
    assert fixed.changes == [{"op": "replace", "path": "/timestamp", "value": right}]
    assert instant(json.loads(wrong, parse_float=str)) == instant(right)


@pytest.mark.parametrize(
    "text",
    [
        *('"2021-02-24T01:19:38"', '"2021-02-24"', '"24/02/2021 01:19:38Z"', '"2021-02-30T01:19:38+01:00"', '"2021-02-24T24:00:00+01:00"'),
        *('"2021-02-24T23:59:60Z"', '"0001-01-01T00:30:00+01:00"', '"9999-12-31T23:30:00-01:00"', '"0000-01-01T00:00:00+01:00"'),
        *('"2021-02-24T01:19:38+25:00"', '"2021-02-24T01:19:38+02:75"', '"2021-02-24T01:19:38 CET"', '"2021-02-24T01:19:38.931Z\\n"'),
        *("999999999", "4102444800", "16141295789", "999999999999", "1614129578931000", "1.614129578e9", "-1614129578", "0", "true", "null", '""'),
        *('"161412957800000"', '"\u0661614129578"', '"1614129578.5"', "[]", "{}", '"2021-02-24T01:19:38+00:00:00"'),
    ],
)
def test_timestamps_that_nobody_can_tell(text):
    """A time that could be two, or none, stays as it is."""
    assert fix(track(text), None, "backfill") is None


def test_offsets_in_sdk():
    """Where any offset is taken, the offset stays, and only the blank goes."""
    fixed = fix(track('"2021-02-24 01:19:38+0200"'), "track", "sdk")
    assert fixed.changes == [{"op": "replace", "path": "/timestamp", "value": "2021-02-24T01:19:38+02:00"}]
    assert fix(track('"2021-02-24t01:19:38+02:00"'), "track", "sdk") is None


@pytest.mark.parametrize(
    ("zone", "right"),
    [(None, "2021-07-31T02:30:00.12Z"), ("Europe/Berlin", "2021-07-31T00:30:00.12Z"), ("America/New_York", "2021-07-31T06:30:00.12Z")],
)
def test_naive_times(zone, right):
    """A time without a zone is left alone, unless unsafe fixes are asked for: then it is UTC, or of the zone that is assumed."""
    body = track('"2021-07-31 02:30:00.12"')
    assert fix(body, None, "backfill") is None
    fixed = fix(body, None, "backfill", unsafe=True, assume_tz=zone)
    assert fixed.body == track(f'"{right}"')
    assert fixed.reasons == [f"timestamp: a time without a timezone taken to be of {zone or 'UTC'}"]


@pytest.mark.parametrize(("text", "why"), [("2021-03-28T02:30:00", "skip"), ("2021-10-31T02:30:00", "show twice")])
def test_clocks_that_change(text, why):
    """A time that the clocks of the assumed zone skip or show twice is not fixed, and it is told how many there were."""
    fixer = Fixer("backfill", unsafe=True, assume_tz="Europe/Berlin")
    slipped = track(f'"{text}"').replace(b'"userId": "1"', b'"userId": 1')
    assert fixer.fix(track(f'"{text}"')) is None
    assert [change["path"] for change in fixer.fix(slipped).changes] == ["/userId"]
    assert fixer.left == {f"timestamp: a time that the clocks of Europe/Berlin {why}": 2}


@given(st.datetimes(), st.sampled_from(["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"]))
def test_naive_times_keep_the_clock(moment, name):
    """What is written for a time of a zone is the one instant at which that zone's clocks show it."""
    text = moment.replace(microsecond=0).isoformat()
    fixed = fix(track(f'"{text}"'), None, "backfill", unsafe=True, assume_tz=name)
    if fixed is not None:
        written = datetime.fromisoformat(json.loads(fixed.body)["timestamp"])
        assert written.astimezone(ZoneInfo(name)).replace(tzinfo=None).isoformat() == text
    else:
        offsets = {datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(name), fold=fold).utcoffset() for fold in (0, 1)}
        assert len(offsets) == 2


@pytest.mark.parametrize(
    ("zone", "said"), [("Europe/Berln", "did you mean 'Europe/Berlin'"), ("../etc/passwd", "no time zone"), ("", "no time zone"), ("\x00", "no time")]
)
def test_zones_that_are_none(zone, said):
    """A time zone that is none is a usage error that says what was meant; so is one without unsafe fixes, and a kind that is none."""
    with pytest.raises(UsageError, match=said):
        Fixer("backfill", unsafe=True, assume_tz=zone)
    with pytest.raises(UsageError, match="--unsafe-fixes"):
        Fixer("backfill", assume_tz="Europe/Berlin")
    with pytest.raises(UsageError, match="did you mean 'track'"):
        Fixer("backfill", "tracks")


@pytest.mark.parametrize(
    ("kind", "wrong", "right"),
    [
        (None, '{"type": "identify", "userId": 42}', '{"type": "identify", "userId": "42"}'),
        (None, '{"type": "identify", "userId": 18446744073709551617}', '{"type": "identify", "userId": "18446744073709551617"}'),
        (None, '{"type": "identify", "userId": -0}', None),
        (None, '{"type": "identify", "userId": 1.0}', None),
        (None, '{"type": "identify", "userId": 1e3}', None),
        (None, '{"type": "identify", "userId": true}', None),
        (None, '{"type": "identify", "userId": 1, "userId": 2}', None),
        (None, '{"type": "IDENTIFY", "userId": "1"}', '{"type": "identify", "userId": "1"}'),
        ("track", '{"type": "Identify", "userId": "1"}', None),
        (None, '{"type": " identify", "userId": "1"}', None),
        (None, '{"userId": "1"}', None),
        ("identify", '{"userId": "1"}', '{"type": "identify", "userId": "1"}'),
        ("identify", "{}", '{"type": "identify"}'),
        (None, '{"Type": "Identify", "userId": "1"}', '{"type": "identify", "userId": "1"}'),
        ("identify", '{"Type": "group", "userId": "1"}', None),
        (
            None,
            ' {"type":"identify",\t"user_id" : 7,\n "traits":{"user_id":1.50}}\r\n',
            ' {"type":"identify",\t"userId" : "7",\n "traits":{"user_id":1.50}}\r\n',
        ),
        (None, '{"type": "identify", "user_id": "1", "userID": "2"}', None),
        (None, '{"type": "identify", "user_id": "1", "user_id": "2"}', None),
        (None, '{"type": "identify", "user_id": "1", "userId": 2}', '{"type": "identify", "user_id": "1", "userId": "2"}'),
        (None, '{"type": "identify", "user_id": ""}', None),
        (None, '{"type": "identify", "userId": "1", "trait": 5}', None),
        (None, '{"type": "identify", "userId": "1", "trait": {"a": 1}}', '{"type": "identify", "userId": "1", "traits": {"a": 1}}'),
        (None, '{"type": "identify", "\\u0075ser_id": "1"}', '{"type": "identify", "userId": "1"}'),
        (
            None,
            '{"type": "identify", "userId": 5, "traits": ' + "[" * 900 + "]" * 900 + "}",
            '{"type": "identify", "userId": "5", "traits": ' + "[" * 900 + "]" * 900 + "}",
        ),
        (None, "[]", None),
        (None, '{"type": "identify", "userId": 5', None),
        (None, '{"type": "identify", "userId": "1", "messageId": null}', None),
    ],
)
def test_members(kind, wrong, right):
    """Ids, types and names are put right where one thing alone is meant; white space, numbers and doubled members elsewhere stay byte for byte."""
    fixed = fix(wrong.encode(), kind, "backfill")
    assert (fixed and fixed.body.decode()) == right


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ('{"type": "identify", "anonymousId": "a", "userId": null}', '{"type": "identify", "anonymousId": "a"}'),
        ('{"userId": null, "type": "identify", "anonymousId": "a"}', '{"type": "identify", "anonymousId": "a"}'),
        ('{"type": "identify", "userId": null}', None),
        ('{"type": "identify", "userId": "1", "traits": null, "anonymousId": null}', '{"type": "identify", "userId": "1"}'),
        ('{"type": "identify", "userId": "", "anonymousId": "a"}', '{"type": "identify", "anonymousId": "a"}'),
        ('{"type": "identify", "userId": "1", "anonymousId": ""}', '{"type": "identify", "userId": "1"}'),
        ('{"type": "identify", "anonymousId": ""}', None),
        ('{"type": "identify", "userId": "", "anonymousId": ""}', None),
        ('{"type": "group", "userId": "1", "groupId": ""}', None),
        ('{"type": "identify", "userId": "1", "traits": {"email": null}}', None),
    ],
)
def test_unsafe(wrong, right):
    """Null members and empty ids are dropped when unsafe fixes are asked for, and only if nothing is missing then."""
    assert fix(wrong.encode(), None, "backfill") is None
    fixed = fix(wrong.encode(), None, "backfill", unsafe=True)
    assert (fixed and fixed.body.decode()) == right


def test_a_type_of_null():
    """A `type` of null becomes the kind that the whole file is of, when unsafe fixes are asked for."""
    fixed = fix(b'{"type": null, "userId": "1"}', "identify", "backfill", unsafe=True)
    assert fixed.changes == [{"op": "replace", "path": "/type", "value": "identify"}]


def test_reasons():
    """Each operation of the patch has its reason, in the same order."""
    fixed = fix(b'{"Type": "Track", "event": "R", "user_id": 1, "email": "a@b.c", "timestamp": 1614129578}', None, "backfill")
    assert [(change["op"], change["path"]) for change in fixed.changes] == [
        *(("move", "/type"), ("replace", "/type")),
        *(("move", "/userId"), ("replace", "/userId"), ("replace", "/timestamp")),
    ]
    assert fixed.reasons == [
        *("type: was misspelt", "type: was not in lower case"),
        *("userId: was misspelt", "userId: a number made a String", "timestamp: epoch seconds written as a time"),
    ]


def test_partly():
    """What can be put right is, though the payload is refused for something else."""
    fixed = fix(b'{"type": "track", "userId": 1, "timestamp": "soon"}', None, "backfill")
    assert fixed.body == b'{"type": "track", "userId": "1", "timestamp": "soon"}'


def test_a_fix_that_mends_nothing(monkeypatch):
    """A change that leaves its finding as it was is not made, not even beside one that helps."""
    monkeypatch.setattr(moments, "of_text", lambda *_, **__: moments.Moment("still wrong", "made no better"))
    fixed = fix(b'{"type": "track", "event": "R", "userId": 1, "email": "a@b.c", "timestamp": "soon"}', None, "backfill")
    assert [change["path"] for change in fixed.changes] == ["/userId"]


@pytest.mark.parametrize(("contract", "kind"), PLACES)
@pytest.mark.parametrize("unsafe", [False, True])
@settings(max_examples=60)
@given(data=st.data())
def test_any_payload(contract, kind, unsafe, data):
    """Of any payload: a fix leaves fewer violations and no new one, or fewer slips; it is its own patch; done again it does nothing."""
    payload = data.draw(generator.payloads(contract, kind) | _written_oddly(contract, kind))
    body = orjson.dumps(payload, option=orjson.OPT_NON_STR_KEYS) if data.draw(st.booleans()) and _fits(payload) else json.dumps(payload, indent=1).encode()
    sent_as = data.draw(st.sampled_from([kind, None]))
    fixed = fix(body, sent_as, contract, unsafe=unsafe)
    if fixed is None:
        return
    assert patched(orjson.loads(body), fixed.changes) == orjson.loads(fixed.body)
    assert len(fixed.changes) == len(fixed.reasons) > 0
    assert fix(fixed.body, sent_as, contract, unsafe=unsafe) is None
    endpoint = Endpoint(contract, kind if sent_as else orjson.loads(fixed.body)["type"])
    before, after = ENGINE.check(body, endpoint), ENGINE.check(fixed.body, endpoint)
    was, now = ({(each.rule, each.pointer) for each in verdict.violations} for verdict in (before, after))
    assert now < was or (now == was and len(after.warnings) <= len(before.warnings))
    for bag in ("traits", "properties", "context"):
        if isinstance(payload.get(bag), dict):
            assert json.loads(fixed.body)[bag] == payload[bag]
    if "timestamp" in payload and not unsafe:
        moved = json.loads(fixed.body)["timestamp"]
        assert moved == payload["timestamp"] or instant(moved) == instant(json.loads(body, parse_float=str)["timestamp"])


def _fits(payload) -> bool:
    """Whether orjson writes it: integers of 64 bits, at most so deep."""
    try:
        orjson.dumps(payload)
    except TypeError:
        return False
    return True


def _written_oddly(contract, kind):
    """Good payloads with a time or ids as other programs write them."""
    zones = st.sampled_from(["Z", "z", "+00:00", "-00:00", "+02:00", "-0930", " +01", " UTC", "+14:00", ""])
    moments = st.datetimes()
    texts = st.builds(lambda moment, blank, zone: moment.isoformat(blank) + zone, moments, st.sampled_from("T t"), zones)
    numbers = st.integers(10**9 - 5, 5 * 10**9) | st.integers(10**12 - 5, 5 * 10**12) | st.floats(1e9, 5e9)
    times = texts | numbers | numbers.map(str)
    return st.builds(
        lambda payload, time, number: {**payload, "timestamp": time, "userId": number},
        generator.good(contract, kind),
        times,
        st.integers(0, 2**70) | st.just("1"),
    )


def test_now_is_utc():
    """The instants of this file's own reference are those of the standard library."""
    assert instant("2021-02-24T01:19:38.5Z") == Fraction(int(datetime(2021, 2, 24, 1, 19, 38, tzinfo=UTC).timestamp())) + Fraction(1, 2)
