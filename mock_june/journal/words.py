"""Texts that come again and again (workspaces, paths, kinds, contracts, rule ids): each stands once in the table `word`, elsewhere by its number."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

MOST = 10_000
"""Texts of one sort kept at hand: a client that invents paths costs memory no further."""

FIND = "SELECT id FROM word WHERE sort = ? AND text = ?"
INSERT = "INSERT INTO word (sort, text) VALUES (?, ?)"
# Plain marks: some releases of Python 3.12 take `?1` for a name, and warn.
DELETE = "DELETE FROM word WHERE id = ? AND NOT EXISTS (SELECT 1 FROM call WHERE path = ?) AND NOT EXISTS (SELECT 1 FROM call WHERE workspace = ?)"


class Words:
    """The writer's view of the table."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._execute = cursor.execute
        self._known: dict[str, dict[str, int]] = {}

    def number(self, sort: str, text: str) -> int:
        """The number of a text; a new one is taken in, within the transaction."""
        known = self._known.get(sort)
        if known is None:
            known = self._known[sort] = {}
        number = known.get(text)
        if number is None:
            number = self.find(sort, text)
            if number is None:
                self._execute(INSERT, (sort, text))
                number = self._execute("SELECT last_insert_rowid()").fetchone()[0]
            if len(known) >= MOST:
                known.clear()
            known[text] = number
        return number

    def find(self, sort: str, text: str) -> int | None:
        """The number of a text, None if it never came."""
        row = self._execute(FIND, (sort, text)).fetchone()
        return None if row is None else row[0]

    def drop(self, numbers: Iterable[int]) -> None:
        """Deletes those paths and workspaces that no call has any more: a client that invents them does not fill the disk."""
        if sum([self._execute(DELETE, (number, number, number)).rowcount for number in numbers]):
            self.forget()

    def forget(self) -> None:
        """After a rollback or a deletion: what is at hand may be gone."""
        self._known.clear()
