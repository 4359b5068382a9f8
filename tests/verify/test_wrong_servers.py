"""Servers that are wrong in one thing are found wrong in that thing, and in as little else as can be."""

from __future__ import annotations

import pytest

from contract_tests.cases import refusal_of
from contract_tests.files import ENVELOPE, KINDS
from contract_tests.rules import rules
from contract_tests.suite import promises
from tests.verify.conftest import FEW, hold, thinned
from tests.verify.wrong_servers import WRONG, Asked, Change, Wrong

BACKFILL = [rule.id for kind in KINDS["backfill"] for rule in rules("backfill", kind)]
SDK = [rule.id for kind in (*KINDS["sdk"], ENVELOPE) for rule in rules("sdk", kind)]
OPTIONAL = [each.id for each in promises(drawn=0) if each.id.endswith(".optional.accepted")]


def right(asked):
    return asked.right


@pytest.mark.parametrize("sdk", [False, True], ids=["backfill", "sdk"])
def test_the_right_one(sdk):
    """The fake itself keeps every promise, each was tried, and no more requests were sent than announced."""
    held = hold(right, promises(with_sdk=sdk, drawn=3))
    assert held.ids("kept") == set(held.results)
    assert held.sent == held.seen <= held.most
    assert all(result.sent for result in held.results.values())


def caught(wrong: Wrong, drawn: int, few: int) -> None:
    held = hold(wrong.change, thinned(sdk=wrong.sdk, drawn=drawn, few=few, whole=wrong.breaks))
    assert held.ids("broken") == wrong.breaks
    assert not held.ids("untried")
    assert held.sent <= held.most


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.name)
def test_caught(wrong):
    """A server that is wrong in one thing breaks the promise that speaks of it, and no other."""
    caught(wrong, 2, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.name)
def test_caught_by_all_cases(wrong):
    """However many cases are sent, a server that is wrong in one thing breaks that promise alone."""
    caught(wrong, 30, 10_000)


def test_how_many():
    """There are many of them, and no two are called the same."""
    assert len({wrong.name for wrong in WRONG}) == len(WRONG) > 100


def blind(rule: str) -> Change:
    """A server that does not know a rule."""
    where = "/sdk/" if rule.startswith("sdk.") else "/api/"
    return lambda asked: asked.blind(rule, asked.request.path.startswith(where))


@pytest.mark.parametrize("rule", BACKFILL)
def test_blind_to_a_rule(rule):
    """A server that does not know one rule of the backfill contract breaks the promise of that rule, and no other."""
    promise = refusal_of("backfill", rule)
    assert hold(blind(rule), thinned(sdk=False, drawn=0, few=FEW, whole=frozenset({promise}))).ids("broken") == {promise}


@pytest.mark.slow
@pytest.mark.parametrize("rule", SDK)
def test_blind_to_a_rule_of_sdk(rule):
    """The same holds of the SDK contract's rules, in batches too."""
    promise = refusal_of("sdk", rule)
    assert hold(blind(rule), thinned(sdk=True, drawn=0, few=FEW, whole=frozenset({promise}))).ids("broken") == {promise}


@pytest.mark.parametrize("promise", OPTIONAL)
def test_wants_what_is_optional(promise):
    """A server that wants a member which may be left out breaks the promise that it may, and no other."""
    _, kind, member, *_ = promise.split(".")

    def change(asked: Asked):
        return asked.refused(asked.request.path == f"/api/{kind}" and member not in asked.payload)

    assert hold(change, thinned(sdk=False, drawn=0, few=FEW)).ids("broken") == {promise}


def test_every_seventh_call():
    """A server that takes every seventh call unseen is found, and it is said that the same request was answered rightly when sent again."""

    def change(asked: Asked):
        return asked.right if asked.count % 7 else asked.with_body({"status": 200, "success": True}) if asked.ok else Asked.less(asked, lambda _: True)

    held = hold(change, promises(drawn=0))
    broken = [held.results[name].breach for name in held.ids("broken")]
    assert broken
    assert any(breach.once for breach in broken)
    assert all(".refused" in name for name in held.ids("broken"))
