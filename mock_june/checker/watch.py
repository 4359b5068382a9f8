"""An observer for those who want events alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mock_june.checker.report import Record
from mock_june.model import Checked, Verdict

if TYPE_CHECKING:
    from mock_june.checker.history.rules import History


class Watch:
    """Shows every event to whoever wants to see them all."""

    def __init__(self, look: Callable[[Record, Checked], None]) -> None:
        self._look = look

    def saw(self, record: Record, verdict: Verdict) -> tuple[Record, Verdict]:
        """Shows the payload's event."""
        for event in verdict.events:
            self._look(record, event)
        return record, verdict


def watching(history: History | None) -> list[Watch]:
    """Who shows a history every event, if there is one."""
    return [] if history is None else [Watch(history.look)]
