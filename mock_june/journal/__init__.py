"""Where calls and events are recorded: one SQLite file, one writer, many readers."""

from __future__ import annotations

from mock_june.journal.ids import Ids, numbered
from mock_june.journal.store import Journal

__all__ = ["Ids", "Journal", "numbered"]
