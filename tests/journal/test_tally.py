"""The counts that are kept beside the journal, by themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mock_june.journal import tally
from mock_june.journal.removal import Gone
from mock_june.journal.tally import Tally
from mock_june.model import Totals
from tests.journal.made import call, event, track


def test_calls_are_counted_for_all_and_for_each():
    """Calls, events and calls that were rejected; what belongs to no workspace is counted in the whole alone, and what went before stays told."""
    counts = Tally(Totals(0, 0, 0, 7))
    assert counts.of("a") == Totals()
    counts.add([call(event({}), event({}), workspace="a"), track(workspace="b", accepted=False)])
    counts.add([call(workspace="a", accepted=False), call(event({}), workspace=None)])
    assert counts.whole == Totals(4, 4, 2, 7)
    assert [counts.of(each) for each in "abc"] == [Totals(2, 2, 1), Totals(1, 1, 1), Totals()]


@pytest.mark.parametrize("discarded", [False, True])
def test_what_went_is_not_counted_any_more(discarded):
    """Of the whole and of its workspace; how many went to keep to the limit is counted by itself."""
    counts = Tally(Totals())
    counts.add([call(event({}), event({}), workspace="a"), track(workspace="a", accepted=False), track(workspace="b"), track(workspace=None)])
    counts.remove([Gone("a", 1, 2, 0), Gone(None, 1, 1, 0)], discarded=discarded)
    assert (counts.whole, counts.of("a"), counts.of("b")) == (Totals(2, 2, 1, 2 * discarded), Totals(1, 1, 1), Totals(1, 1))
    counts.remove([Gone("a", 1, 1, 1)], discarded=discarded)
    assert (counts.whole, counts.of("a"), counts.of("b")) == (Totals(1, 1, 0, 3 * discarded), Totals(), Totals(1, 1))
    assert list(counts._workspaces) == ["b"]  # one that has nothing takes no memory, as long as all that are not known have nothing


def test_a_journal_that_was_there_before():
    """Its workspaces are not known until somebody counted them; then they are, also when nothing of them is left."""
    counts = Tally(Totals(3, 3, 0))
    counts.add([track(workspace="a")])
    assert (counts.whole, counts.of("a")) == (Totals(4, 4), None)
    counts.learn("a", Totals(2, 2, 0))
    counts.add([track(workspace="a")])
    assert counts.of("a") == Totals(3, 3)
    counts.remove([Gone("a", 3, 3, 0), Gone("b", 1, 1, 0)], discarded=False)
    assert (counts.whole, counts.of("a"), counts.of("b")) == (Totals(1, 1), Totals(), None)
    assert list(counts._workspaces) == ["a"]


def test_no_more_workspaces_than_may_be_kept(monkeypatch):
    """The one that came first goes for a new one, and is not known from then on; one that is known makes no room."""
    monkeypatch.setattr(tally, "MOST_WORKSPACES", 2)
    counts = Tally(Totals())
    counts.add([track(workspace=each) for each in "abaab"])
    assert [counts.of(each) for each in "abc"] == [Totals(3, 3), Totals(2, 2), Totals()]
    counts.add([replace(track(workspace="c"), accepted=False)])
    assert [counts.of(each) for each in "abcd"] == [None, Totals(2, 2), Totals(1, 1, 1), None]
    assert counts.whole == Totals(6, 6, 1)
