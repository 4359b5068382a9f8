"""An expectation held against events: what differs, and which recorded events come nearest to it.

An event matches when nothing differs: `matches` is "the list is empty", so a failed assertion can always say why.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mock_june.model import Event
from mock_june.text import cut, printable

MISSING: Any = type("Missing", (), {"__repr__": lambda _: "nothing"})()
"""Stands for a member that is not there; expected, it must not be."""

PLAIN_CALLABLES = (types.MethodType, types.BuiltinMethodType, types.MethodWrapperType)
"""Callables that have an `==` of their own and mean to be called all the same: `"pro".startswith`."""

SHOWN = 200
"""How much of a value is shown."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where an event is not as expected. `actual` is MISSING where the event has no such member."""

    pointer: str
    expected: Any
    actual: Any


def difference(expected: Mapping[str, Any], payload: Any) -> list[Difference]:
    """Where a payload is not as expected; empty when it matches.

    `expected` names the payload's own members. Objects match by subset, lists item by item; a compiled pattern by `search` in a String, a type by
    `isinstance` (a boolean is no number), any other callable by its truth, everything else by `==`, so that objects with an `__eq__` of their own
    (`mock.ANY`, dirty-equals) work; MISSING matches a member that is not there. What a callable raises is raised, with a note that says at which value.
    """
    return list(_differ(dict(expected), payload, ""))


def nearest(expected: Mapping[str, Any], events: Iterable[Event], most: int = 3) -> list[tuple[Event, list[Difference]]]:
    """The recorded events that come nearest to an expectation, fewest differences first, of equals the latest first."""
    judged = [(event, difference(expected, event.payload)) for event in events]
    judged.sort(key=lambda pair: (_weight(pair[1]), -pair[0].id))
    return judged[:most]


def shown(value: Any) -> str:
    """A value, expected or found, on one line and not too long."""
    try:
        return cut(printable(_text(value)), SHOWN)
    except RecursionError:
        return f"{type(value).__name__} of many more levels than can be shown"


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name!r}: {_text(member)}" for name, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_text, value)) + "]"
    if isinstance(value, re.Pattern):
        return f"text in which {value.pattern!r} is found"
    if isinstance(value, type):
        return f"any {value.__name__}"
    if callable(value) and _is_asked(value):
        return f"what {getattr(value, '__name__', repr(value))} takes"
    return repr(value)


def _differ(expected: Any, actual: Any, pointer: str) -> Iterable[Difference]:
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for name, value in expected.items():
            yield from _differ(value, actual.get(name, MISSING), f"{pointer}/{_escaped(name)}")
    elif isinstance(expected, list | tuple) and isinstance(actual, list) and len(expected) == len(actual):
        for place, (value, found) in enumerate(zip(expected, actual, strict=True)):
            yield from _differ(value, found, f"{pointer}/{place}")
    elif not (expected is MISSING if actual is MISSING else _equal(expected, actual, pointer)):
        yield Difference(pointer, expected, actual)


def _equal(expected: Any, actual: Any, pointer: str) -> bool:
    if isinstance(expected, re.Pattern):
        return isinstance(actual, str) and expected.search(actual) is not None
    if isinstance(expected, type) and not _has_own_equality(expected):
        return isinstance(actual, expected) and not (isinstance(actual, bool) and expected not in {bool, object})
    if callable(expected) and _is_asked(expected):
        try:
            return bool(expected(actual))
        except Exception as error:
            # Counted as "does not match" it would let a mistyped callable pass in `assert_not_received`.
            error.add_note(f"mock-june asked {shown(expected)} of {pointer}, which is {shown(actual)}")
            raise
    if isinstance(expected, bool) is not isinstance(actual, bool) and isinstance(expected, bool | int | float):
        return False
    return bool(expected == actual)


def _is_asked(value: object) -> bool:
    """Whether a callable is called; one with an `==` of its own is compared."""
    return isinstance(value, PLAIN_CALLABLES) or not _has_own_equality(value)


def _has_own_equality(value: object) -> bool:
    """Whether `==` with it is a question of its own making, as with `mock.ANY` and dirty-equals (whose classes ask too)."""
    return type(value).__eq__ is not object.__eq__


def _weight(differences: list[Difference]) -> float:
    """How far off an event is: a wrong value is nearer than a missing member."""
    return sum(1.5 if d.actual is MISSING else 1.0 for d in differences)


def _escaped(name: object) -> str:
    """A member's name in a JSON Pointer (RFC 6901 section 3)."""
    return str(name).replace("~", "~0").replace("/", "~1")
