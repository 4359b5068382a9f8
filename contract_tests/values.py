"""Values that are sent, without a word on which are right: `jsonschema` says that, payload by payload."""

from __future__ import annotations

from typing import Any

ASCII = "".join(map(chr, range(0x20, 0x7F)))
"""What any server can write down."""

UNICODE = (
    "\xe9\xdf\xf1\u0130\u0131\u0153\u03c9\u0416\u05d0\u0639\u0915\u0e01\u3042\u6f22\uac00\U0001d11e\U0001f600\u200d\u2028\ufeff\ufffd\u0301\x00\x1f\x7f\x85"
)
"""Letters of many scripts, beyond the basic plane too; what has no width; what a terminal or a database might act on."""

ODD_CHARACTERS = "0123456789-+:.,;/ TtZz_\n\t\r\x00\x1b\x7f\x85\xa0\u0661\uff12\u200b\u2028\u202e\ufeff\ud7ff\U0001d7d8"
"""What breaks a pattern at its edges: neighbours of what it takes, other alphabets' digits, white space, what a terminal acts on."""

PLAIN_TEXTS = ("1", "0", "-1", " ", "null", "undefined", "None", "NaN", "[object Object]", "true", "{}", "[]", "[email protected]", "ada@example.com")
QUOTED_TEXTS = (
    " 1 ",
    "001",
    "1e3",
    "12345678901234567890",
    "123e4567-e89b-12d3-a456-426614174000",
    "it's",
    'say "hi"',
    "back\\slash",
    "a/b",
    "100%",
    "<b>&amp;</b>",
    "${x}",
    "a, b",
    "Ada Lovelace",
    "a" * 300,
)
ASCII_TEXTS = (*PLAIN_TEXTS, *QUOTED_TEXTS)
"""Texts that clients send, by mistake or not, and that some server might trip over."""

ODD_TEXTS = ("", " ", "\u3000", "0", "null", "undefined", "None", "NaN", "[object Object]", "true", "{}", "[]", "\xe9", "\ufffd", "a" * 300)
"""Texts that clients send by mistake."""

ODD_NUMBERS = (0, -0.0, 42, 1.5, 1614129578, 1614129578931, 2**53 + 1, 2**63, -(2**63) - 1, 2**64, 1e308)
ODD_VALUES: tuple[Any, ...] = (None, True, False, *ODD_NUMBERS, *ODD_TEXTS, [], {}, ["1"], [[]], {"id": "1"}, {"": None}, [None] * 30)

ILL_TYPED: tuple[Any, ...] = (1, None, True, "1", [], {}, 0, -1, 1.5, False, "", "{}", "null", ["1"], [{}], {"id": "1"}, 1614129578931)
"""One of each type and more, the plainest first: each is of the wrong type somewhere."""

ODD_MEMBERS = ("plan", "id", "user", "name", "messageId", "writeKey", "", "__proto__", "\x00", "a/b", "m~n", "constructor")
"""Names of members that no contract asks about."""


def nested(depth: int) -> Any:
    """An Object in an Object, so deep."""
    value: Any = {}
    for _ in range(depth):
        value = {"in": value}
    return value


OBJECTS: tuple[dict[str, Any], ...] = (
    {},
    {"plan": "pro", "logins": 1},
    {"revenue": 39.95, "paid": True, "coupon": None, "tags": ["a", 1, None, {"b": []}]},
    {"company": {"id": "A", "address": {"city": "Paris"}}},
    {"": "", "a/b": 1, "m~n": 2, "__proto__": 3, "$set": 4, "a.b": 5, "type": "x", "userId": 6, "timestamp": 7},
    {"small": -1e-7, "minus zero": -0.0, "beyond 53 bits": 2**53 + 1, "beyond 64 bits": 2**64, "large": 1e308},
    {f"trait_{n}": n for n in range(100)},
    nested(30),
)
"""Dictionaries of traits or properties: empty, nested, with every type in them, with names that some language trips over."""

DAY = "2021-02-24"
ZONES = ("+02:00", "-08:00", "+05:45", "+00:01", "-00:00", "+0000", "+00", "+0:00", "+00:00:00", "+24:00", "+02:60", "z", " Z", "UTC", " UTC", "GMT", "ZZ", "")
DATES = (
    *("2000-02-29", "2024-02-29", "2400-02-29", "1996-02-29", "1600-02-29", "0004-02-29", "0400-02-29"),
    *("1900-02-29", "2100-02-29", "2021-02-29", "2023-02-29", "0100-02-29", "2200-02-29"),
    *("2021-02-30", "2024-02-30", "2021-02-31", "2021-04-31", "2021-06-31", "2021-09-31", "2021-11-31", "2021-01-32", "2021-12-32"),
    *("2021-01-31", "2021-03-31", "2021-05-31", "2021-07-31", "2021-08-31", "2021-10-31", "2021-12-31", "2021-04-30", "2021-06-30", "2021-09-30", "2021-11-30"),
    *("2021-13-01", "2021-00-10", "2021-01-00", "2021-02-28", "2021-10-10", "2021-20-20"),
    *("0001-01-01", "9999-12-31", "0000-01-01", "0000-02-29", "0099-12-31", "0999-06-15", "1000-01-01", "1899-12-31", "1969-12-31", "1970-01-01", "2038-01-19"),
    *(
        "10000-01-01",
        "+2021-02-24",
        "-2021-02-24",
        "021-02-24",
        "21-02-24",
        "2021-2-24",
        "2021-02-4",
        "20210224",
        "2021/02/24",
        "24-02-2021",
        "2021-055",
        "2021-W08-3",
    ),
)
TIMES = (
    *("00:00:00", "23:59:59", "23:59:59.999", "12:00:00", "19:09:09", "20:50:50"),
    *("24:00:00", "25:00:00", "30:00:00", "01:60:00", "01:19:60", "01:19:61", "23:59:60", "23:59:61"),
    *("01:19", "01", "1:19:38", "01:9:38", "01:19:8", "011938", "01-19-38", "01.19.38", "01:19:38:931", ""),
    *(f"01:19:38.{'931000000001'[:digits]}" for digits in (1, 2, 4, 5, 6, 7, 8, 9, 12)),
    *("01:19:38.0", "01:19:38.000", f"01:19:38.{'9' * 40}"),
    *("01:19:38.", "01:19:38,931", "01:19:38.931.1", "01:19:38. 9", "01:19:38.-9", "01:19.5", "01:19:38.9e1"),
)
BOUNDARIES = (
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2000-02-29T23:59:59Z", "2024-02-29T12:00:00+00:00", "0004-02-29T00:00:00Z"),
    *("1969-12-31T23:59:59.999Z", "1970-01-01T00:00:00Z", f"{DAY}T00:00:00.000000000001Z", "2038-01-19T03:14:08+00:00"),
)
"""Where calendars, clocks and counters end."""

WHOLE = (
    *(f"{DAY} 01:19:38Z", f"{DAY}t01:19:38Z", f"{DAY}_01:19:38Z", f"{DAY}01:19:38Z", f"{DAY}TT01:19:38Z", f"{DAY}T01:19:38z", DAY, "01:19:38Z"),
    *(f"{DAY}T01:19:38Z\n", f"{DAY}T01:19:38.931+00:00\n", f"{DAY}T01:19:38Z\r\n", f"\n{DAY}T01:19:38Z", f"{DAY}T01:19:38Z ", f" {DAY}T01:19:38Z"),
    *(f"{DAY}T01:19:38Z\n{DAY}T01:19:38Z", f"{DAY}T01:19:38Z{DAY}T01:19:38Z", f"'{DAY}T01:19:38Z'", f"{DAY}T01:19:38Z\x00", f"{DAY}T01:19:38Z[UTC]"),
    *(f"{DAY}T01:19:3;Z", f"{DAY}T01;19;38Z", "202:-02-24T01:19:38Z", f"{DAY}T01:19:38+00:00Z", f"{DAY}T01:19:38Z+00:00", "2016-12-31T18:29:60.5+18:30"),
    *("Wed, 24 Feb 2021 01:19:38 GMT", "02/24/2021", "20210224T011938Z", "1614129578", "1614129578931", "0", "now", "yesterday", "Invalid Date", "null"),
    *("\uff12\uff10\uff12\uff11-02-24T01:19:38Z", f"{DAY}T01:19:3\u0668Z", f"{DAY}T01:19:3\U0001d7d6Z", f"\ufeff{DAY}T01:19:38Z", f"{DAY}T01:19:38\u221200:00"),
)
TIMESTAMPS = tuple(
    dict.fromkeys(
        (
            *(f"{DAY}T01:19:38{zone}" for zone in ("Z", "+00:00", *ZONES)),
            *(f"{DAY}T01:19:38.931{zone}" for zone in ("Z", "+00:00", "+02:00", "")),
            *(f"{date}T00:00:00Z" for date in DATES),
            *(f"{DAY}T{time}Z" for time in TIMES),
            *BOUNDARIES,
            *WHOLE,
        )
    )
)
"""Moments in each way that programs write them: the ends of the calendar, leap days that are and are not, zones, fractions, what parsers let through."""
