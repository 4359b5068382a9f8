"""The message of a violation: what is wrong with the very value, on one line. How to fix it is the schema's to say, in its hints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mock_june.contract import timestamps
from mock_june.contract.values import described, quoted, short

if TYPE_CHECKING:
    from collections.abc import Callable

TYPES = {
    "string": "a String",
    "object": "an Object",
    "array": "an Array",
    "number": "a Number",
    "integer": "a whole Number",
    "boolean": "a Boolean",
    "null": "null",
}
"""The article's words for JSON Schema's types."""


class Broken(NamedTuple):
    """What a validator found: `keyword` of `field` (dotted, as a reader says it) asks for `expected`, and `value` is not that.

    `instead` is which member could have stood in for a missing one, and what that is: its name and value. `any_offset` is the timestamp's freedom in sdk.
    """

    keyword: str
    field: str
    value: Any = None
    expected: Any = None
    instead: tuple[str, Any] | None = None
    any_offset: bool = False


ABSENT: Any = object()
"""The value of a member that is not there."""


def message(broken: Broken) -> str:
    """One line on a broken rule or a warning, of at most a few hundred characters, whatever the value."""
    say = MESSAGES.get(broken.keyword)
    if say is None:
        return f"{broken.field} is {described(broken.value)}, against {broken.keyword} {short(broken.expected)}"
    return say(broken)


def misspelt(name: str, meant: str) -> str:
    """One line on a member whose name is nearly that of one that June reads."""
    return f"{quoted(name)} is no member that June reads: did you mean {meant}?"


def _required(broken: Broken) -> str:
    return f"{broken.field} is missing{_instead(broken)}"


def _instead(broken: Broken) -> str:
    if broken.instead is None:
        return ""
    name, value = broken.instead
    if value is ABSENT:
        return f", and there is no {name} in its place"
    return f", and {name} does not replace it, being {described(value)}"


def _type(broken: Broken) -> str:
    if broken.instead:  # null is a good value where another member stands in for this one
        return f"{broken.field} is {described(broken.value)}{_instead(broken)}"
    types = broken.expected  # a list of them, of one too
    wanted = " or ".join(TYPES[each] for each in types if each != "null" or len(types) == 1)
    text = f"{broken.field} is {described(broken.value)}, not {wanted}"
    if isinstance(broken.value, str) and broken.value[:1] in {"{", "["} and not {"object", "array"}.isdisjoint(types):
        return f"{text}; it looks like JSON that was turned into text"
    if broken.field == "timestamp" and isinstance(broken.value, int | float):
        moment = timestamps.instant(broken.value)
        return f"{text}; it would be {moment}" if moment else text
    return text


def _const(broken: Broken) -> str:
    if broken.value is None or isinstance(broken.value, str):
        return f"{broken.field} is {short(broken.value)}, not {short(broken.expected)}"
    return f"{broken.field} is {described(broken.value)}, not the string {short(broken.expected)}"


def _min_length(broken: Broken) -> str:
    if not broken.value:
        return f"{broken.field} is an empty string"
    return f"{broken.field} is {short(broken.value)}, shorter than {broken.expected} characters"


def _pattern(broken: Broken) -> str:
    if broken.field.endswith("timestamp"):
        return f"{broken.field} {quoted(broken.value)} {timestamps.fault(broken.value, any_offset=broken.any_offset)}"
    return f"{broken.field} is {short(broken.value)}, which is not of the form that it must have"


MESSAGES: dict[str, Callable[[Broken], str]] = {
    "required": _required,
    "type": _type,
    "const": _const,
    "enum": lambda broken: f"{broken.field} is {short(broken.value)}, none of {', '.join(map(short, broken.expected))}",
    "minLength": _min_length,
    "maxLength": lambda broken: f"{broken.field} is a string of {len(broken.value)} characters, more than {broken.expected}",
    "maxItems": lambda broken: f"{broken.field} is an array of {len(broken.value)} items, more than {broken.expected}",
    "pattern": _pattern,
    "not": _pattern,
    "placeholder": lambda broken: f"{broken.field} is the text {short(broken.value)}: what a missing value becomes when it is turned into text",
    "blank": lambda broken: f"{broken.field} is {short(broken.value)}: nothing but white space",
    "old": lambda broken: f"{broken.field} {short(broken.value)} is before 2005",
    "empty": lambda broken: f"{broken.field} is {described(broken.value)}",
    "not-an-email": lambda broken: f"{broken.field} is {described(broken.value)}, which is no email address",
}
"""What is said of each keyword that a schema may hold, and of each name under `x-warnings`."""
