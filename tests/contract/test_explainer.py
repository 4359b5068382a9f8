from __future__ import annotations

import json
import re
import time
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract_tests import generator
from contract_tests.values import ODD_CHARACTERS
from mock_june.contract import check
from mock_june.contract.explainer import ABSENT, MESSAGES, Broken, message
from mock_june.contract.rules import ASSERTIONS
from mock_june.contract.timestamps import _faults, fault, instant
from mock_june.contract.values import MOST, described, quoted, short
from tests.contract.schema_files import FILES, schema

GOOD = {
    "identify": {"type": "identify", "userId": "1"},
    "group": {"type": "group", "userId": "1", "groupId": "A"},
    "track": {"type": "track", "event": "Registered", "userId": "1", "timestamp": "2021-02-24T01:19:38.931Z", "email": "ada@example.com"},
}
LEFT_OUT = object()


def said(kind, field, value, contract="backfill"):
    payload = {**GOOD[kind], field: value}
    if value is LEFT_OUT:
        del payload[field]
    verdict = check(payload, kind, contract)
    (message,) = [each.message for each in (*verdict.violations, *verdict.warnings) if each.pointer == f"/{field}"]
    return message


@pytest.mark.parametrize(
    ("kind", "field", "value", "message"),
    [
        ("track", "userId", 42, "userId is the number 42, not a String"),
        ("track", "userId", 1614129578, "userId is the number 1614129578, not a String"),
        ("track", "userId", 1.5, "userId is the number 1.5, not a String"),
        ("track", "userId", True, "userId is the boolean true, not a String"),
        ("track", "userId", None, "userId is null, not a String"),
        ("track", "userId", [], "userId is an empty array, not a String"),
        ("track", "userId", ["1"], "userId is an array of 1 item, not a String"),
        ("track", "userId", {"a": 1, "b": 2}, "userId is an object of 2 members, not a String"),
        ("track", "userId", "", "userId is an empty string"),
        ("track", "userId", LEFT_OUT, "userId is missing, and there is no anonymousId in its place"),
        ("group", "userId", LEFT_OUT, "userId is missing"),
        ("track", "type", "Track", 'type is "Track", not "track"'),
        ("track", "type", LEFT_OUT, "type is missing"),
        ("track", "properties", "plan", 'properties is the string "plan", not an Object'),
        ("track", "properties", '{"plan": 1}', 'properties is the string "{\\"plan\\": 1}", not an Object; it looks like JSON that was turned into text'),
        ("track", "timestamp", 1614129578, "timestamp is the number 1614129578, not a String; it would be epoch seconds of 2021-02-24T01:19:38Z"),
        ("track", "timestamp", 1614129578931, "timestamp is the number 1614129578931, not a String; it would be epoch milliseconds of 2021-02-24T01:19:38Z"),
        ("track", "timestamp", 7, "timestamp is the number 7, not a String"),
        ("track", "timestamp", "2021-02-24T01:19:38.931", 'timestamp "2021-02-24T01:19:38.931" has no timezone'),
        ("track", "userId", "null", 'userId is the text "null": what a missing value becomes when it is turned into text'),
        ("track", "userId", " \t", 'userId is " \\t": nothing but white space'),
        ("track", "timestamp", "1970-01-01T00:00:00Z", 'timestamp "1970-01-01T00:00:00Z" is before 2005'),
        ("track", "email", "ada", 'email is the string "ada", which is no email address'),
        ("identify", "traits", {}, "traits is an empty object"),
        ("track", "user_id", "1", '"user_id" is no member that June reads: did you mean userId?'),
    ],
)
def test_messages(kind, field, value, message):
    """A message speaks of the very value, in the article's words for types."""
    assert said(kind, field, value) == message


def test_what_does_not_stand_in():
    """Where an anonymousId is there and excuses nothing, the missing userId says so."""
    verdict = check({"type": "identify", "anonymousId": ""})
    assert verdict.violations[0].message == "userId is missing, and anonymousId does not replace it, being an empty string"


def test_null_counts_as_absent():
    """In sdk, a null id that is needed is told what could stand in for it."""
    assert check({"userId": None}, "identify", "sdk").violations[0].message == "userId is null, and there is no anonymousId in its place"
    for payload in ({"anonymousId": None}, {"anonymousId": None, "userId": None}):
        assert check(payload, "identify", "sdk").violations[0].message.endswith(", and there is no anonymousId in its place")
    assert said("identify", "userId", 7, "sdk") == "userId is the number 7, not a String"
    verdict = check({"anonymousId": 7}, "identify", "sdk")
    assert verdict.violations[0].message == "userId is missing, and anonymousId does not replace it, being the number 7"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2021-02-24T01:19:38.931", "has no timezone"),
        ("2021-02-24T01:19:38+02:00", "has the offset +02:00, which is not UTC"),
        ("2021-02-24T01:19:38-00:00", "has the offset -00:00, which says that the timezone is not known; UTC is Z or +00:00"),
        ("2021-02-24T01:19:38+0000", 'has the offset "+0000", which is not written +HH:MM'),
        ("2021-02-24T01:19:38+00:00Z", 'has its timezone twice: "+00:00Z"'),
        ("2021-02-24T01:19:38 UTC", 'names its timezone in words: " UTC"'),
        ("2021-02-24T01:19:38[Europe/Paris]", 'names its timezone in words: "[Europe/Paris]"'),
        ("2021-02-24T01:19:38Z[UTC]", 'has "[UTC]" after it'),
        ("2021-02-24 01:19:38Z", "has a blank in place of the T between date and time"),
        ("2021-02-24_01:19:38Z", 'has "_" in place of the T between date and time'),
        ("2021-02-24t01:19:38Z", "has a t in lower case between date and time"),
        ("2021-02-24T01:19:38z", "has a z in lower case at its end"),
        ("2021-02-24", "is a date without a time"),
        ("2021-02-24T01:19Z", "has no seconds"),
        ("2021-02-30T00:00:00Z", "is of a day that does not exist: 2021 has no February 30"),
        ("1900-02-29T00:00:00Z", "is of a day that does not exist: 1900 has no February 29"),
        ("2021-13-01T00:00:00Z", "has the month 13, which does not exist"),
        ("0000-01-01T00:00:00Z", "is of the year 0000, which does not exist"),
        ("2021-02-24T24:00:00Z", "has the hour 24, and a day's hours are 00 to 23"),
        ("2021-02-24T01:60:00Z", "has the minute 60, and an hour's minutes are 00 to 59"),
        ("2021-02-24T01:19:60Z", "has the second 60, and a minute's seconds are 00 to 59"),
        ("2021-02-24T01:19:38,931Z", "has a comma before the fraction of its second, not a point"),
        ("2021-02-24T01:19:38.Z", "has a point after its seconds and no fraction"),
        ("2021-02-24T01:19:38Z\n", "has a newline after it"),
        (" 2021-02-24T01:19:38Z", "has a blank before it"),
        ("２021-02-24T01:19:38Z", 'has the digit "２", which is none of 0 to 9'),
        ("1614129578", "is a number in a string (epoch seconds of 2021-02-24T01:19:38Z)"),
        ("20210224T011938Z", "has no dashes in its date"),
        ("24/02/2021", 'has "/" in its date in place of dashes'),
        ("2021-2-4T01:19:38Z", "has a date that is not written YYYY-MM-DD"),
        ("Wed, 24 Feb 2021 01:19:38 GMT", "is a date in words"),
        ("yesterday", "does not begin with a date as YYYY-MM-DD"),
        ("", "holds no date and time"),
        ("2021-02-24T01:19:38Z\u2028", 'has the character "\\u2028" after it'),
        ("2021-01-01T23:59:59", "has no timezone"),
        ("2021-12-31T00:00:00", "has no timezone"),
        ("2021-02-24X01:19:38Z", 'has "X" in place of the T between date and time'),
        ("2021-02-24T01:19:38 +00:00", "has a blank before its timezone"),
        ("2021-02-24T01:19:38.5.5Z", 'has ".5Z" where its timezone should be'),
        ("7", "is a number in a string, no date and time"),
        ("0" * 20 + "1614129578", "is a number in a string (epoch seconds of 2021-02-24T01:19:38Z)"),
        ("0" * 21 + "1614129578", "is a number in a string, no date and time"),
    ],
)
def test_timestamps(text, why):
    """Of a timestamp the first thing is said that is off."""
    assert fault(text) == why
    assert said("track", "timestamp", text) == f"timestamp {quoted(text)} {why}"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2021-02-24T01:20:60Z", "has the second 60 after minute 20, and a leap second comes after minute 14, 29, 44 or 59 alone"),
        ("2021-02-24T01:20:61Z", "has the second 61, and a minute's seconds are 00 to 59"),
        ("2021-02-24T01:20:50+24:00", "has the offset +24:00, which no place has: hours are 00 to 23, minutes 00 to 59"),
        ("2021-02-24t01:20:50", "has no timezone"),
        ("0000-02-29T01:20:50", "has no timezone"),
    ],
)
def test_timestamps_of_any_offset(text, why):
    """In sdk what is said keeps to RFC 3339, not to UTC."""
    assert fault(text, any_offset=True) == why
    assert said("identify", "timestamp", text, "sdk") == f'timestamp "{text}" {why}'


@given(st.text(max_size=30) | st.text(ODD_CHARACTERS, max_size=30), st.booleans())
def test_any_timestamp(text, any_offset):
    """Whatever stands there, something is said of it, on one line."""
    assert re.fullmatch(r"(has|is|holds|does|names) .+", fault(text, any_offset=any_offset))


@given(st.integers(0, 2**32), st.sampled_from(["backfill", "sdk"]))
def test_edited_timestamps(seed, contract):
    """What is said of a timestamp that was nearly good is not that it has something good."""
    random = Random(seed)
    asked = {"properties": {"timestamp": schema(contract, "track")["properties"]["timestamp"]}}
    for _ in range(20):
        payload = {"type": "track", "event": "Registered", "userId": "1", "email": "ada@example.com"}
        payload["timestamp"] = generator.with_slips({"timestamp": "2021-02-24T01:19:38.931Z"}, asked, random).get("timestamp", "")
        for violation in check(payload, "track", contract).violations:
            assert violation.rule.split(".")[-2] == "timestamp"
            assert '""' not in violation.message.removeprefix('timestamp ""')
            assert "offset +00:00," not in violation.message


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (1614129578, "epoch seconds of 2021-02-24T01:19:38Z"),
        (1614129578.9, "epoch seconds of 2021-02-24T01:19:38Z"),
        (1614129578931, "epoch milliseconds of 2021-02-24T01:19:38Z"),
        (1614129578931000, "epoch microseconds of 2021-02-24T01:19:38Z"),
        (1614129578931000000, "epoch nanoseconds of 2021-02-24T01:19:38Z"),
        (1614129578999999999, "epoch nanoseconds of 2021-02-24T01:19:38Z"),
        (10**8, "epoch seconds of 1973-03-03T09:46:40Z"),
        (10**11, "epoch milliseconds of 1973-03-03T09:46:40Z"),
        (10**20, ""),
        (20210224, ""),
        (0, ""),
        (-1614129578, ""),
        (1e308, ""),
    ],
)
def test_instant(number, moment):
    """A number is read in the unit that its size tells; where none fits, nothing is guessed."""
    assert instant(number) == moment


def test_values_are_cut():
    """Values are cut, and what a terminal would act on is escaped as JSON escapes it."""
    assert quoted("a" * MOST) == f'"{"a" * MOST}"'
    assert quoted("a" * (MOST + 1)) == f'"{"a" * MOST}…"'
    assert quoted('\x1b[2J\x9b\x7f\u202e\u2028\u2066\ufeff\ufffe\u200b"\\\n') == (r'"\u001b[2J\u009b\u007f\u202e\u2028\u2066\ufeff\ufffe\u200b\"\\\n"')
    assert quoted("Zoë 🐍") == '"Zoë 🐍"'
    assert short(2**63) == "9223372036854775808"
    assert described({}) == "an empty object"


@given(st.text())
def test_any_text(text):
    """Any text is shown on one printable line that, unless cut, JSON reads back as it was."""
    shown = quoted(text)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", shown)
    if len(text) <= MOST:
        assert json.loads(shown) == text


@pytest.mark.parametrize("value", ["x" * 500_000, ["x"] * 20_000, {str(n): n for n in range(20_000)}, "2021-02-24T01:19:38." + "1" * 50_000 + "\0"])
@pytest.mark.parametrize("field", ["userId", "timestamp", "type", "properties"])
def test_big_values(field, value):
    """Big wrong values are explained quickly and briefly."""
    body = json.dumps({**GOOD["track"], field: value}).encode()
    start = time.process_time()
    verdict = check(body, "track")
    assert time.process_time() - start < 0.5
    assert all(len(violation.message) < 300 for violation in verdict.violations)


def test_every_keyword_has_words():
    """Each keyword that a schema file uses, and each smell, has a message of its own."""

    def used(node):
        for keyword, value in node.items():
            if keyword in {"properties", "x-warnings"}:
                yield from value if keyword == "x-warnings" else ()
                for inner in value.values() if keyword == "properties" else ():
                    yield from used(inner)
            elif keyword in {"items", "then", "else"}:
                yield from used(value)
            elif keyword in ASSERTIONS or keyword == "required":
                yield keyword

    assert {keyword for contract, kind in FILES for keyword in used(schema(contract, kind))} <= set(MESSAGES)


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        (Broken("type", "a", value=True, expected=["string", "number"]), "a is the boolean true, not a String or a Number"),
        (Broken("type", "a", 1, ["null"]), "a is the number 1, not null"),
        (Broken("type", "a", 1, ["null", "string"]), "a is the number 1, not a String"),
        (Broken("type", "batch", "[1]", ["array"]), 'batch is the string "[1]", not an Array; it looks like JSON that was turned into text'),
        (Broken("type", "a", "[1]", ["integer"]), 'a is the string "[1]", not a whole Number'),
        (Broken("type", "userId", 7, ["string"], ("anonymousId", ABSENT)), "userId is the number 7, and there is no anonymousId in its place"),
        (Broken("const", "type", None, "track"), 'type is null, not "track"'),
        (Broken("const", "type", 5, "track"), 'type is the number 5, not the string "track"'),
    ],
)
def test_types_and_constants(broken, text):
    """A value of the wrong type, or that is not the one there is, is told with all that would do."""
    assert message(broken) == text


def test_a_text_that_is_too_short():
    """A minimum of more than one character, as a schema of one's own may ask for, is told with the text that is there."""
    assert message(Broken("minLength", "groupId", "ab", 3)) == 'groupId is "ab", shorter than 3 characters'
    assert message(Broken("old", "timestamp", 1614129578)) == "timestamp 1614129578 is before 2005"
    assert message(Broken("blank", "userId", ["a"])) == "userId is an array of 1 item: nothing but white space"


@pytest.mark.parametrize("text", ["soon", "2021-02-24Tsoon"])
def test_what_is_no_date_or_no_time_is_told_once(text):
    """Where there is no date, or no time, to look at, nothing more is found wrong with it."""
    assert len(list(_faults(text, any_offset=True))) == 1
