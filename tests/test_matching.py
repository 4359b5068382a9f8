"""An expectation held against a payload: what matches, what differs, and how both are shown."""

from __future__ import annotations

import functools
import re
from typing import Any
from unittest import mock

import dirty_equals
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_june.matching import MISSING, Difference, difference, nearest, shown
from mock_june.model import Event

PAYLOAD: dict[str, Any] = {
    "userId": "1",
    "traits": {"plan": "pro", "seats": 3, "beta": True, "score": 1.5, "none": None, "tags": ["a", {"b": 1, "c": 2}], "a/b": {"~": 1}},
}


class Even:
    """A callable object."""

    def __call__(self, value: object) -> bool:
        return isinstance(value, int) and value % 2 == 0

    def __repr__(self) -> str:
        return "Even()"


class AnyPlan:
    """An object with an `==` of its own, callable besides."""

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return other in {"pro", "free"}

    def __call__(self, value: object) -> bool:
        raise AssertionError("it is compared, not called")


class TestMatches:
    @pytest.mark.parametrize(
        "expected",
        [
            {},
            {"userId": "1"},
            {"traits": {}},
            {"traits": {"plan": "pro"}},
            {"traits": {"tags": ["a", {"b": 1}]}},
            {"traits": {"tags": ("a", {"c": 2})}},
            {"traits": {"tags": list}},
            {"traits": {"none": None}},
            {"traits": {"seats": 3.0}},
            {"userId": re.compile("1")},
            {"traits": {"plan": re.compile("r")}},
            {"userId": str},
            {"traits": {"seats": int, "beta": bool, "score": float, "none": object}},
            {"traits": {"plan": lambda plan: plan in {"pro", "free"}}},
            {"traits": {"plan": "pro-annual".startswith}},
            {"traits": {"seats": functools.partial(max, 1)}},
            {"traits": {"plan": mock.ANY, "seats": mock.ANY}},
            {"traits": {"plan": AnyPlan()}},
            {"traits": {"seats": dirty_equals.IsInt(gt=2), "plan": dirty_equals.IsStr(regex="p.o")}},
            {"traits": dirty_equals.IsPartialDict(plan="pro")},
            {"traits": {"seats": dirty_equals.IsPositiveInt}},
            {"traits": {"score": pytest.approx(1.50001, rel=1e-3)}},
            {"email": MISSING, "traits": {"nothing": MISSING}},
            {"traits": {"a/b": {"~": 1}}},
        ],
    )
    def test_what_matches(self, expected):
        """Equality, subset, item by item, pattern, type, callable, own `==`, and what is not to be there."""
        assert difference(expected, PAYLOAD) == []

    @pytest.mark.parametrize(
        ("expected", "pointers"),
        [
            ({"userId": 1}, ["/userId"]),
            ({"userId": "1", "event": "x"}, ["/event"]),
            ({"traits": {"plan": "free", "seats": 4}}, ["/traits/plan", "/traits/seats"]),
            ({"traits": {"tags": ["a", {"b": 2}]}}, ["/traits/tags/1/b"]),
            ({"traits": {"tags": ["a"]}}, ["/traits/tags"]),
            ({"traits": []}, ["/traits"]),
            ({"traits": {"beta": 1}}, ["/traits/beta"]),
            ({"traits": {"seats": True}}, ["/traits/seats"]),
            ({"traits": {"beta": int}}, ["/traits/beta"]),
            ({"traits": {"seats": str, "none": str}}, ["/traits/seats", "/traits/none"]),
            ({"traits": {"seats": re.compile("3")}}, ["/traits/seats"]),
            ({"traits": {"plan": re.compile("^o")}}, ["/traits/plan"]),
            ({"traits": {"seats": Even()}}, ["/traits/seats"]),
            ({"email": mock.ANY}, ["/email"]),
            ({"traits": {"plan": dirty_equals.IsInt()}}, ["/traits/plan"]),
            ({"traits": {"none": MISSING}}, ["/traits/none"]),
            ({"traits": {"a/b": {"~": 2}}}, ["/traits/a~1b/~0"]),
        ],
    )
    def test_what_differs(self, expected, pointers):
        """Each place that differs is named by its JSON Pointer, and no other."""
        assert [one.pointer for one in difference(expected, PAYLOAD)] == pointers

    def test_a_payload_that_is_no_object(self):
        """It differs as a whole."""
        assert [one.pointer for one in difference({"userId": "1"}, ["1"])] == [""]

    def test_a_callable_that_fails(self):
        """What a callable raises comes through, with a note of the value; counted as a difference it would let a slip pass in `assert_not_received`."""
        with pytest.raises(TypeError) as caught:
            difference({"userId": lambda value: value > 3}, PAYLOAD)
        assert caught.value.__notes__ == ["mock-june asked what <lambda> takes of /userId, which is '1'"]

    @given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(), lambda inner: st.dictionaries(st.text(), inner)))
    def test_a_value_matches_itself(self, value):
        """Whatever JSON came, an expectation of just that matches it."""
        assert difference({"properties": value}, {"properties": value, "more": 1}) == []


class TestNearest:
    def event(self, number: int, **payload: object) -> Event:
        return Event(number, number, "", None, "backfill", "track", accepted=True, payload=payload)

    def test_fewest_differences_first(self):
        """A wrong value is nearer than a missing member; of equals the latest comes first."""
        events = [self.event(1, a=1), self.event(2, a=2, b=2), self.event(3, a=1, b=1), self.event(4, a=1, b=1), self.event(5)]
        assert [event.id for event, _ in nearest({"a": 1, "b": 2}, events, 9)] == [4, 3, 2, 1, 5]
        assert [event.id for event, _ in nearest({"a": 1, "b": 2}, events)] == [4, 3, 2]
        assert nearest({"a": 1, "b": 2}, events)[0][1] == [Difference("/b", 2, 1)]

    def test_a_wrong_value_is_nearer_than_a_missing_member(self):
        """One missing member is farther off than one wrong value, and nearer than two, whichever came later."""
        missing, wrong, twice_wrong = {"a": 1}, {"a": 1, "b": 1}, {"a": 0, "b": 1}
        expected = {"a": 1, "b": 2}
        assert [found.id for found, _ in nearest(expected, [self.event(1, **wrong), self.event(2, **missing)])] == [1, 2]
        assert [found.id for found, _ in nearest(expected, [self.event(1, **missing), self.event(2, **twice_wrong)])] == [1, 2]


class Reserved(Even):
    """A callable that has an `==` of its own."""

    def __eq__(self, other: object) -> bool:
        return other == "reserved"

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "Reserved()"


class TestShown:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ("pro", "'pro'"),
            (re.compile("^p"), "text in which '^p' is found"),
            (int, "any int"),
            (Even(), "what Even() takes"),
            ("pro".startswith, "what startswith takes"),
            (mock.ANY, "<ANY>"),
            (Reserved(), "Reserved()"),
            (["a", re.compile("b")], "['a', text in which 'b' is found]"),
            ({"plan": re.compile("p"), "seats": [int]}, "{'plan': text in which 'p' is found, 'seats': [any int]}"),
            (MISSING, "nothing"),
            ("\x1b[31m\u202e\n", "'\\x1b[31m\\u202e\\n'"),
            ("x" * 300, "'" + "x" * 198 + "…"),
        ],
    )
    def test_values(self, value, text):
        """An expectation is shown as it was meant, what came without a byte that a terminal acts on, and neither too long."""
        assert shown(value) == text

    def test_many_levels(self):
        """A payload of a thousand levels, which the fake takes, is no error in a failure's text."""
        deep: Any = []
        for _ in range(5000):
            deep = [deep]
        assert shown(deep) == "list of many more levels than can be shown"
