from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mock_june.journal import Journal
from mock_june.model import Call, Filter, Totals
from tests.journal.made import call, event, shown, violation

WORKSPACES = st.sampled_from(["a", "b", "c", None])


@st.composite
def calls(draw) -> Call:
    """A call of up to three events."""
    broken = [violation(name) for name in draw(st.sets(st.sampled_from(["r.1", "r.2"])))]
    events = [event({"userId": draw(st.sampled_from("12"))}, violations=broken) for _ in range(draw(st.integers(0, 3)))]
    return call(*events, workspace=draw(WORKSPACES), path=draw(st.sampled_from(["/x", "/y?z"])), accepted=not broken, violations=tuple(broken))


class Histories(RuleBasedStateMachine):
    """Any order of recording, deleting, closing and opening again, beside a list that does the same."""

    @initialize(limit=st.sampled_from([5, 20, 1000]))
    def begin(self, limit: int) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.limit = limit
        self.kept: list[Call] = []
        self.last = self.last_event = self.discarded = 0
        self.journal = Journal.open(self.folder / "j.db", max_calls=limit)

    @rule(made=st.lists(calls(), max_size=6))
    def record(self, made: list[Call]) -> None:
        recorded = self.journal.record_many(made)
        assert [each.id for each in recorded] == list(range(self.last + 1, self.last + 1 + len(made)))
        events = [each.id for found in recorded for each in found.events]
        assert events == list(range(self.last_event + 1, self.last_event + 1 + len(events)))
        self.last, self.last_event = self.last + len(made), self.last_event + len(events)
        self.kept += map(shown, recorded)
        over = max(0, len(self.kept) - self.limit)
        over += min(self.limit // 100, len(self.kept) - over) if over else 0
        self.kept, self.discarded = self.kept[over:], self.discarded + over

    @rule(workspace=st.sampled_from(["a", "b", "c", "nobody"]))
    def delete(self, workspace: str) -> None:
        left = [each for each in self.kept if each.workspace != workspace]
        assert self.journal.delete(workspace) == len(self.kept) - len(left)
        self.kept = left

    @rule()
    def delete_all(self) -> None:
        assert self.journal.delete(None) == len(self.kept)
        self.kept = []

    @rule()
    def open_again(self) -> None:
        self.journal.close()
        self.journal = Journal.open(self.folder / "j.db", max_calls=self.limit)

    @rule(workspace=st.sampled_from(["a", "b", None]), rejected=st.booleans())
    def ask(self, workspace: str | None, rejected: bool) -> None:
        wanted = [each for each in self.kept if workspace in {None, each.workspace} and each.accepted is not rejected]
        assert self.journal.calls(Filter(workspace=workspace, accepted=not rejected), limit=1000) == wanted
        named = [each for each in self.kept if "r.1" in {found.rule for found in each.violations}]
        assert self.journal.count_calls(Filter(rule="r.1")) == len(named)

    @invariant()
    def same(self) -> None:
        journal = self.journal
        assert journal.calls(Filter(), limit=2000) == self.kept
        assert (journal.last_id, journal.last_event_id) == (self.last, self.last_event)
        assert journal.first_id == (self.kept[0].id if self.kept else self.last + 1)
        rejected = Counter(each.workspace for each in self.kept if not each.accepted)
        assert journal.totals(None) == Totals(len(self.kept), sum(len(each.events) for each in self.kept), rejected.total(), self.discarded)
        for workspace in ("a", "b", "c"):
            own = [each for each in self.kept if each.workspace == workspace]
            assert journal.totals(workspace) == Totals(len(own), sum(len(each.events) for each in own), rejected[workspace])

    def teardown(self) -> None:
        if hasattr(self, "journal"):
            self.journal.close()
            assert [entry.name for entry in self.folder.iterdir()] == ["j.db"]
            shutil.rmtree(self.folder)


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=40, stateful_step_count=25)
