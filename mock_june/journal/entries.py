"""The record as a list: an entry for each event, and one for each call without events, newest first.

Any place in it can be asked for, so that a page can scroll through a million of them. `rule` means an event's own rules, and, for those of a body or an
envelope, which no single event broke, all entries of that call.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

import orjson

from mock_june.journal import search
from mock_june.journal.search import BIGGEST, OF_EVENTS, Term, Values
from mock_june.model import Filter

OF_BODIES = ("body.", "sdk.batch.")
"""How the rules begin that a body breaks, not an event."""

Pair = tuple[int, int | None]
"""A call's id and its event's; None: the call has no events."""

Split = tuple[int, int]
"""How many were accepted, and how many rejected."""

JOINED = "call LEFT JOIN event ON event.id BETWEEN call.first AND call.first + call.count - 1"
LAST_EVENT = "SELECT ifnull((SELECT first + count - 1 FROM call WHERE id <= ? ORDER BY id DESC LIMIT 1), 0)"
CALL_OF = "SELECT event.call, event.id FROM json_each(?) AS wanted CROSS JOIN event ON event.id = wanted.value ORDER BY event.id DESC"
NEVER: Split = (0, 0)


class Entries:
    """The entries that hold a filter, as one connection sees them."""

    def __init__(self, connection: sqlite3.Connection, where: Filter) -> None:
        """Raises UsageError for a glob that costs too much."""
        self._execute = connection.execute
        self._connection = connection
        self._where = where
        terms = search.terms(connection, where)
        self._possible = all(term.values for term in terms)
        rules = [term for term in terms if term.column == "rule"]
        self._others = [term for term in terms if term.column != "rule"]
        self._rules = _told_apart(connection, rules[0]) if rules else None
        self._of_events = any(term.column in OF_EVENTS for term in terms) or (self._rules is not None and not self._rules[1].values)

    def pairs(self, upto: int, skip: int, limit: int) -> list[Pair]:
        """Those of the calls up to the id `upto`, newest first, without the first `skip`."""
        upto = min(upto, BIGGEST)
        if not self._of_events:
            if not self._possible:
                return []
            conditions, values = self._conditions()
            sql = f"SELECT call.id, event.id FROM {JOINED} WHERE call.id <= ?{conditions} ORDER BY call.id DESC, event.id DESC LIMIT ? OFFSET ?"  # noqa: S608
            return self._execute(sql, (upto, *values, limit, skip)).fetchall()
        chosen = search.selection(self._connection, "event", self._where)
        if chosen is None:
            return []
        rows = self._execute(
            f"{chosen.sql} AND {chosen.key} <= ? ORDER BY {chosen.key} DESC LIMIT ? OFFSET ?", (*chosen.values, self._event(upto), limit, skip)
        )
        return self._execute(CALL_OF, (orjson.dumps([number for (number,) in rows]).decode(),)).fetchall()

    def count(self, after: int = 0, upto: int = BIGGEST) -> Split:
        """How many there are of the calls beyond the id `after` and up to the id `upto`."""
        return self.counts([(after, upto)])[0]

    def counts(self, spans: Sequence[tuple[int, int]]) -> list[Split]:
        """The same for several spans of calls."""
        if not spans:
            return []
        if not self._of_events:
            if not self._possible:
                return [NEVER for _ in spans]
            conditions, values = self._conditions()
            size, source = ("sum(max(1, call.count))", "call") if self._rules is None else ("count(*)", JOINED)
            sql = f"SELECT call.accepted, {size} FROM {source} WHERE call.id > ? AND call.id <= ?{conditions} GROUP BY 1"  # noqa: S608
            return [_split(self._execute(sql, (*span, *values))) for span in spans]
        chosen = search.selection(self._connection, "event", self._where, self._event(min(after for after, _ in spans)))
        if chosen is None:
            return [NEVER for _ in spans]
        sql = f"SELECT event.accepted, count(*) FROM ({chosen.sql} AND {chosen.key} <= ?) AS found JOIN event ON event.id = found.id GROUP BY 1"  # noqa: S608
        return [_split(self._execute(sql, (*chosen.beyond(self._event(after)), self._event(upto)))) for after, upto in spans]

    def _event(self, call: int) -> int:
        """The last event of the calls up to this id."""
        number: int = self._execute(LAST_EVENT, (call,)).fetchone()[0]
        return number

    def _conditions(self) -> tuple[str, Values]:
        """What a call and, under a rule, its event must hold, and its parameters."""
        parts = [term.holds(f"call.{term.column}") for term in self._others]
        values = [term.parameter for term in self._others]
        if self._rules is not None:
            events, bodies = self._rules
            broken = "EXISTS (SELECT 1 FROM {0}_rule AS broken WHERE broken.{0} = {0}.id AND {1})"
            kinds = [("call", bodies), *([("event", events)] if events.values else [])]
            parts.append("(" + " OR ".join(broken.format(name, term.holds("broken.rule")) for name, term in kinds) + ")")
            values += [term.parameter for _, term in kinds]
        return "".join(f" AND {part}" for part in parts), tuple(values)


def _told_apart(connection: sqlite3.Connection, rule: Term) -> tuple[Term, Term]:
    """The rules that a filter asks for: those of events, and those of bodies."""
    rows = connection.execute("SELECT id, text FROM word WHERE id IN (SELECT value FROM json_each(?))", (orjson.dumps(rule.values).decode(),)).fetchall()
    of_bodies = tuple(number for number, text in rows if text.startswith(OF_BODIES))
    return Term("rule", tuple(number for number, _ in rows if number not in of_bodies)), Term("rule", of_bodies)


def _split(rows: Iterable[tuple[int, int]]) -> Split:
    counted = dict(rows)
    return counted.get(1, 0), counted.get(0, 0)
