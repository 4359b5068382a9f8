"""A body's bytes made into JSON values, once, and the reason in words where they are none."""

from __future__ import annotations

import re
from typing import Any

import orjson

from mock_june.contract.values import described
from mock_june.model import Violation
from mock_june.text import printable

WHITE = b" \t\r\n"
"""JSON's white space (RFC 8259, section 2)."""

BOMS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
"""Byte order marks of the encodings that are not UTF-8; a longer one before the shorter that it begins with."""

UTF8_BOM = b"\xef\xbb\xbf"
DEPTH = 1023
"""How deeply a body may nest: orjson's own bound, below which everything downstream works."""

FORM = re.compile(r"[\w.~%+\[\]-]+=[^\"{}]*\Z")

HINTS = {
    "body.json": "Send one JSON Object in UTF-8: in Python `requests.post(url, json=payload)`, in Node `JSON.stringify(payload)`.",
    "body.encoding": "Send UTF-8 without a byte order mark: in Python `json.dumps(payload).encode()`, in Node `JSON.stringify(payload)`.",
    "body.object": "Send one JSON Object a request; many events go as `batch` to POST /sdk/batch.",
    "body.kind": 'Say with `type` what the payload is, such as `"type": "track"`.',
}
"""The rules before there is a payload, each with what to do about it where nothing better is known."""


AHEAD = (
    (
        re.compile(r"NaN|-?Infinity|inf\b|nan\b"),
        "{0}, which is no JSON number",
        "Leave the member out, or send null or a number; `json.dumps(payload, allow_nan=False)` finds it.",
    ),
    (
        re.compile(r"None\b|True\b|False\b|'[^'\"]{0,40}'?"),
        "{0}, as Python writes it",
        "Send `json.dumps(payload)`, not `str(payload)`: strings in double quotes, null, true, false.",
    ),
    (re.compile(r"undefined\b"), "{0}, which JSON does not have", "Leave the member out, or send null."),
)
"""What may stand where orjson stopped: how it is called, and what to do about it."""

SAID = (
    ("depth", f"deeper nesting than {DEPTH:,} levels", "Flatten it: no report of June's looks that deep."),
    ("infinity", "a number that is too large", "Send a number that a 64-bit float holds (up to 1.8e308), or a String."),
    ("surrogate", "half of a surrogate pair, which is no character", "Text was cut within a character: cut it by characters, or drop what is left of it."),
    ("content after", "more text after the end of the JSON value", "Send one JSON Object a request; many events go as `batch` to POST /sdk/batch."),
    ("end of data", "the text ends too early", "It was cut short: send all of it, and the Content-Length of all of it."),
)
"""Words in orjson's own text that are stable from release to release: how the cause is called here, and what to do about it."""


def parse(body: bytes) -> tuple[Any, Violation | None]:
    """The JSON value that a body holds and None; or None and the violation, `body.json` or `body.encoding`, that says why it holds none.

    Of a doubled member the last counts; an integer beyond 64 bits becomes a float.
    """
    try:
        return orjson.loads(body), None
    except orjson.JSONDecodeError as error:
        return None, _refused(body, error)


def unreadable(body: bytes) -> str:
    """The rule that a body breaks which holds no JSON value: `body.json`, or `body.encoding`."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return "body.encoding"
    return "body.encoding" if b"\x00" in body[:2] else "body.json"


def span(body: bytes) -> tuple[int, int]:
    """Where the one value of a body starts and stops, in bytes: the body without the white space around it."""
    return len(body) - len(body.lstrip(WHITE)), len(body.rstrip(WHITE))


def _refused(body: bytes, error: orjson.JSONDecodeError) -> Violation:
    try:
        text = body.decode()
    except UnicodeDecodeError as undecodable:
        return _not_utf8(body, undecodable)
    if body.startswith(UTF8_BOM):
        return _no_json("the body begins with a byte order mark (bytes EF BB BF), and JSON has none", HINTS["body.encoding"])
    if not body.strip(WHITE):
        return _no_json("the body is empty" if not body else "the body is empty: it holds white space alone")
    if b"\x00" in body[:2]:
        return _encoding("the body has a NUL byte among its first two: it looks like UTF-16 or UTF-32, not UTF-8")
    if FORM.match(text):
        return _no_json(
            "the body is no JSON: it looks like a form", "Send JSON: in requests use `json=payload`, not `data=payload`; in curl give `--data` the JSON text."
        )
    what, hint = _cause(text, error)
    return _no_json(f"the body is no JSON at {_place(text, error.pos)}: {what}", hint)


def _not_utf8(body: bytes, undecodable: UnicodeDecodeError) -> Violation:
    for mark, name in BOMS:
        if body.startswith(mark):
            return _encoding(f"the body begins with the byte order mark of {name}, and JSON is UTF-8")
    return _encoding(f"the body is not UTF-8: the byte 0x{body[undecodable.start]:02X} at byte {undecodable.start} begins no character")


def _cause(text: str, error: orjson.JSONDecodeError) -> tuple[str, str]:
    """What stands at the place that orjson stopped at, and what to do about it. The words of orjson itself are the last resort: its releases change them."""
    # Of "-Infinity" orjson names the letter after the sign.
    at = error.pos - 1 if text[error.pos - 1 : error.pos] == "-" else error.pos
    for pattern, what, hint in AHEAD:
        found = pattern.match(text, at)
        if found:
            return what.format(printable(found[0])), hint
    for word, what, hint in SAID:
        if word in error.msg:
            return what, hint
    return error.msg, HINTS["body.json"]


def _place(text: str, at: int) -> str:
    """Line and column from 1, in characters; the byte from 0."""
    line = text.count("\n", 0, at) + 1
    column = at - text.rfind("\n", 0, at)
    return f"line {line}, column {column} (byte {len(text[:at].encode())})"


def no_object(value: Any) -> Violation:
    """The violation of a body that is JSON, and no Object."""
    twice = ": it was turned into JSON twice" if isinstance(value, str) and value[:1] == "{" else ""
    return Violation("body.object", "", f"the body is {described(value)}, not an Object{twice}", HINTS["body.object"], keyword_location="/type")


def _no_json(message: str, hint: str = HINTS["body.json"]) -> Violation:
    return Violation("body.json", "", message, hint)


def _encoding(message: str) -> Violation:
    return Violation("body.encoding", "", message, HINTS["body.encoding"])
