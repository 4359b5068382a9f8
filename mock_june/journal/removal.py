"""How calls go, with all that is theirs. Each function runs within the writer's transaction and raises sqlite3.Error."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from mock_june.journal.words import Words


class Gone(NamedTuple):
    """What a removal took of one workspace."""

    workspace: str | None
    calls: int
    events: int
    rejected: int


def nth(cursor: sqlite3.Cursor, count: int, upto: int, workspace: int | None = None) -> int | None:
    """The id of the call up to which there are `count`, or fewer if there are no more, of those up to `upto`. None without any."""
    calls, values = _upto("call", upto, workspace)
    number: int | None = cursor.execute(f"SELECT max(id) FROM (SELECT id FROM call WHERE {calls} ORDER BY id LIMIT ?)", (*values, count)).fetchone()[0]  # noqa: S608
    return number


def remove(cursor: sqlite3.Cursor, words: Words, upto: int, workspace: int | None = None) -> list[Gone]:
    """Removes the calls up to that id, of one workspace (its word) or of all."""
    execute = cursor.execute
    last = execute("SELECT first + count - 1 FROM call WHERE id <= ? ORDER BY id DESC LIMIT 1", (upto,)).fetchone()[0]
    calls, values = _upto("call", upto, workspace)
    events, event_values = _upto("event", last, workspace)
    counts = "SELECT word.text, count(*), sum(count), sum(NOT accepted) FROM call LEFT JOIN word ON word.id = call.workspace"
    gone = execute(f"{counts} WHERE {calls} GROUP BY call.workspace", values).fetchall()
    used = execute(f"SELECT path FROM call WHERE {calls} UNION SELECT workspace FROM call WHERE {calls}", values * 2).fetchall()  # noqa: S608
    for table in ("event_rule", "finding"):
        execute(f"DELETE FROM {table} WHERE event IN (SELECT id FROM event WHERE {events})", event_values)  # noqa: S608
    execute(f"DELETE FROM event WHERE {events}", event_values)  # noqa: S608
    execute(f"DELETE FROM call_rule WHERE call IN (SELECT id FROM call WHERE {calls})", values)  # noqa: S608
    execute(f"DELETE FROM content WHERE id IN (SELECT id FROM call WHERE {calls})", values)  # noqa: S608
    execute(f"DELETE FROM call WHERE {calls}", values)  # noqa: S608
    words.drop(number for (number,) in used if number is not None)
    return [Gone(*row) for row in gone]


def clear(cursor: sqlite3.Cursor, words: Words) -> int:
    """Removes every call, and gives how many they were. Without a WHERE SQLite drops whole tables at once."""
    for table in ("event_rule", "call_rule", "finding", "content", "event", "word"):
        cursor.execute(f"DELETE FROM {table}")  # noqa: S608
    words.forget()
    return cursor.execute("DELETE FROM call").rowcount


def _upto(table: str, upto: int, workspace: int | None) -> tuple[str, tuple[int, ...]]:
    """Rows of a table up to an id, of one workspace or of all, as SQL and its values."""
    if workspace is None:
        return f"{table}.id <= ?", (upto,)
    return f"{table}.workspace = ? AND {table}.id <= ?", (workspace, upto)
