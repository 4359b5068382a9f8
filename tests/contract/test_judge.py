"""mock_june.contract.judge: one schema at work, also one that is none of ours."""

from __future__ import annotations

from typing import Any

import pytest

from mock_june.contract import rules
from mock_june.contract.explainer import ABSENT
from mock_june.contract.judge import NOTHING, Judge, pruned, value_at
from mock_june.model import Violation

GOOD = {"code": "abc"}


def judge_of(properties: dict[str, Any], **more: Any) -> Judge:
    """The judge of a schema of one's own."""
    root = {"properties": properties, **more}
    asked = rules.constraints("backfill", "track", root)
    return Judge("backfill", "track", root, asked, frozenset(each.rule for each in asked))


def test_a_good_payload_costs_one_look(monkeypatch):
    """Of a good payload no error is looked for, nor of one on which a validator of old gives up."""
    judge = judge_of({"code": {"type": "string", "minLength": 1}, "traits": {"type": "object"}}, type="object", required=["code"])
    monkeypatch.setattr(judge, "_errors", None)
    assert judge.judge(GOOD) == NOTHING
    clean = judge._clean

    class GivesUp:
        """A validator that looks at shallow payloads alone."""

        def is_valid(self, payload):
            if len(repr(payload)) > 40:
                raise ValueError("recursion limit exceeded")
            return clean.is_valid(payload)

    monkeypatch.setattr(judge, "_clean", GivesUp())
    assert judge.judge({**GOOD, "traits": {"a": {"b": {"c": {"d": "e" * 40}}}}}) == NOTHING


def test_a_slip_in_full():
    """A slip is warned about with the hint of the member that it stands for; names that are known are none."""
    judge = judge_of({"email": {"x-hints": {"unknown": "Rename it."}}}, **{"x-known": ["emails"]})
    assert judge.judge({"emails": 1}) == NOTHING
    text = '"Email" is no member that June reads: did you mean email?'
    assert judge.judge({"Email": 1}) == ((), (Violation("track.email.unknown", "/Email", text, "Rename it.", "warning", "/Email", "/x-known"),))


def test_what_is_strange():
    """Strange is a good payload that has a member of another name; one whose members are all known is none."""
    judge = judge_of({"code": {"type": "string"}})
    assert not judge.is_strange_but_clean(GOOD)
    assert judge.is_strange_but_clean({**GOOD, "plan": 1})
    assert not judge.is_strange_but_clean({**GOOD, "Code": 1})
    assert not judge.is_strange_but_clean({"code": 1, "plan": 1})


def test_what_warns_beside_what_refuses():
    """A field's `allOf` refuses also where the field is warned about."""
    judge = judge_of({"code": {"allOf": [{"type": "string"}], "x-warnings": {"brief": {"minLength": 2}}}})
    assert judge.judge({"code": "ab"}) == NOTHING
    assert [each.rule for each in judge.judge({"code": 1})[0]] == ["track.code.type"]
    assert [each.rule for each in judge.judge({"code": "a"})[1]] == ["track.code.brief"]


def test_whichever_order_the_validator_has(monkeypatch):
    """What breaks a pattern and its guard breaks the pattern, whichever the validator names first."""
    judge = judge_of({"code": {"pattern": "^a", "not": {"pattern": "x"}}})
    validator = judge._errors
    for turned in (list, lambda errors: list(reversed(list(errors)))):

        class Ordered:
            """A validator with an order of its own."""

            def iter_errors(self, payload, turned=turned):
                return turned(validator.iter_errors(payload))

        monkeypatch.setattr(judge, "_errors", Ordered())
        ((violation,), _) = judge.judge({"code": "xyz"})
        assert (violation.rule, violation.keyword_location) == ("track.code.pattern", "/properties/code/pattern")


@pytest.mark.parametrize(
    ("value", "looked_at", "kept"),
    [
        ({"a": {"b": 1}, "c": 2}, {"a": {}}, {"a": {"": None}}),
        ({"a": {}, "c": [1, {"d": 2}, 3]}, {"a": {}, "c": {}}, {"a": {}, "c": [None] * 3}),
        ({"c": 2}, {"a": {}}, {"": None}),
        ({}, {"a": {}}, {}),
        ({"batch": [{"type": "track", "b": 1}, 5]}, {"batch": {"*": {"type": {}}}}, {"batch": [{"type": "track"}, 5]}),
    ],
)
def test_pruned(value, looked_at, kept):
    """What no rule looks at is left out: an Object keeps whether it is empty, an array its length."""
    assert pruned(value, looked_at) == kept


@pytest.mark.parametrize(
    ("payload", "path", "value"),
    [
        ({"a": [{"b": 1}]}, ("a", 0, "b"), 1),
        ({"a": None}, ("a",), None),
        ({}, ("a",), ABSENT),
        ({"a": "text"}, ("a", 0), ABSENT),
        ({"a": ["text"]}, ("a", "b"), ABSENT),
        ({}, ("a", "b"), ABSENT),
    ],
)
def test_value_at(payload, path, value):
    """A path leads to a value, or to nothing where there is no such member."""
    found = value_at(payload, path)
    assert found is value or found == value
