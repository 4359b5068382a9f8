"""Counts, kept beside the journal so that health need not count."""

from __future__ import annotations

from collections.abc import Iterable

from mock_june.journal.removal import Gone
from mock_june.model import Call, Totals

MOST_WORKSPACES = 10_000
"""Workspaces whose counts are kept, some 3 MB; those of others are counted when asked for."""


class Tally:
    """Counts over the whole journal and, as far as known, of each workspace."""

    def __init__(self, whole: Totals) -> None:
        self.whole = whole
        self._workspaces: dict[str, Totals] = {}
        self._complete = whole.calls == 0

    def of(self, workspace: str) -> Totals | None:
        """The counts of a workspace; None: not known, to be counted and then told to `learn`."""
        return self._workspaces.get(workspace, Totals() if self._complete else None)

    def learn(self, workspace: str, totals: Totals) -> None:
        """Keeps a workspace's counts from now on; where they are too many, the one that came first is dropped."""
        if workspace not in self._workspaces and len(self._workspaces) >= MOST_WORKSPACES:
            del self._workspaces[next(iter(self._workspaces))]
            self._complete = False
        self._workspaces[workspace] = totals

    def add(self, recorded: Iterable[Call]) -> None:
        """Counts calls that are on record."""
        calls, events, rejected, discarded = self.whole
        for call in recorded:
            own_events, own_rejected = len(call.events), not call.accepted
            calls, events, rejected = calls + 1, events + own_events, rejected + own_rejected
            known = None if call.workspace is None else self.of(call.workspace)
            if call.workspace is not None and known is not None:
                self.learn(call.workspace, Totals(known.calls + 1, known.events + own_events, known.rejected + own_rejected))
        self.whole = Totals(calls, events, rejected, discarded)

    def remove(self, gone: list[Gone], *, discarded: bool) -> None:
        """Uncounts calls that went; `discarded`: to keep to the limit."""
        for workspace, calls, events, rejected in gone:
            whole = self.whole
            self.whole = Totals(whole.calls - calls, whole.events - events, whole.rejected - rejected, whole.discarded + calls * discarded)
            known = None if workspace is None else self._workspaces.get(workspace)
            if workspace is not None and known is not None:
                left = Totals(known.calls - calls, known.events - events, known.rejected - rejected)
                if left.calls or not self._complete:
                    self._workspaces[workspace] = left
                else:
                    del self._workspaces[workspace]
