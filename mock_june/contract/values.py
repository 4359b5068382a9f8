"""How a payload's values look in a message: on one line, cut short, nothing in it that a terminal would act on."""

from __future__ import annotations

import re
from json.encoder import encode_basestring
from typing import Any

from mock_june.text import UNSAFE

MOST = 60
"""How many characters of a value are shown."""

CONSTANTS = {None: "null", True: "the boolean true", False: "the boolean false"}

NONCHARACTER = re.compile("[\u200b-\u200d\u2060\ufff9-\uffff]")
"""What is not seen, or is no character: zero-width ones, annotation marks, U+FFFE and U+FFFF. (U+FFFD, the replacement character, goes with them.)"""


def quoted(text: str) -> str:
    """A String as JSON writes it, cut; control, bidirectional and invisible characters as backslash, u and four digits."""
    shown = encode_basestring(text[:MOST])
    shown = NONCHARACTER.sub(_escape, UNSAFE.sub(_escape, shown))
    return f'{shown[:-1]}…"' if len(text) > MOST else shown


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def short(value: Any) -> str:
    """A value as it stands in JSON; of a container only what it is."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(value)
    return described(value)


def described(value: Any) -> str:
    """A value with its type, as a message says it: "the number 42", "an array of 3 items", "null"."""
    match value:
        case None | bool():
            return CONSTANTS[value]
        case int() | float():
            return f"the number {_number(value)}"
        case str():
            return f"the string {quoted(value)}" if value else "an empty string"
        case list():
            return _of("array", "item", len(value))
        case _:
            return _of("object", "member", len(value))


def _number(value: float) -> str:
    # A parsed number has at most 64 bits, so its digits are few.
    return repr(value)


def _of(what: str, part: str, count: int) -> str:
    if not count:
        return f"an empty {what}"
    return f"an {what} of {count} {part}{'s' if count > 1 else ''}"
