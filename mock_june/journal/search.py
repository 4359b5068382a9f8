"""Which calls or events hold a filter, and how many.

Of what a filter asks, one thing finds and the others check: the rarest finds, by its index. How rare each is, is counted, in its index and only so far as
it takes to know. Where all are common, the narrow table is passed over, which stops as soon as enough is found. Each index is named in the SQL: SQLite, which
keeps no counts for us, would only guess.

Of calls, kind, ids and event name must be those of one and the same event; `rule` asks whether the call or any of its events broke it or was warned by it.
"""

from __future__ import annotations

import fnmatch
import re
import sqlite3
from dataclasses import dataclass
from operator import itemgetter
from typing import Literal

import orjson

from mock_june.errors import UsageError
from mock_june.journal import words
from mock_june.journal.writer import indexed
from mock_june.model import Filter

Result = Literal["call", "event"]
Values = tuple[str | bytes | int, ...]

OF_EVENTS = ("kind", "user_id", "anonymous_id", "group_id", "event")
"""What only events have; all else stands with the call too."""

STEPS = (256, 4096, 32_768)
"""How far each is counted before one is called the rarest. Beyond the last, a scan (80 ns a row) is not much worse than finding (400 ns a row)."""

SORTABLE = 4096
"""Where several values find (a glob's), their rows come by value and must be sorted: so many may be."""

LONGEST_GLOB = 1000
MOST_PATHS = 100_000
"""Paths that a glob is held against. There are a few dozen, unless a client invents them."""

BIGGEST = 2**63 - 1
GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that a filter asks: a column, or "rule", and the values that will do. Where they are several they are words' ids."""

    column: str
    values: Values

    def holds(self, column: str) -> str:
        """The SQL condition, of one parameter, that `column` has one of the values."""
        return f"{column} = ?" if len(self.values) == 1 else f"{column} IN (SELECT value FROM json_each(?))"  # noqa: S608

    @property
    def parameter(self) -> str | bytes | int:
        """That parameter."""
        return self.values[0] if len(self.values) == 1 else orjson.dumps(self.values).decode()


@dataclass(frozen=True, slots=True)
class Way:
    """A way through the rows: the SQL source, the column that it is ordered by and must be beyond `after` in, and the term that it finds by (None: a scan)."""

    source: str
    key: str
    after: int
    term: Term | None = None

    @property
    def condition(self) -> str:
        """What the source's rows must hold."""
        if self.term is None:
            return f"{self.key} > ?"
        column = f"{self.key.partition('.')[0]}.{self.term.column}"
        if self.source.endswith("NOT INDEXED"):  # which SQLite does not hold against an index that has all columns; a sign before the column it does
            column = f"+{column}"
        return f"{self.key} > ? AND {self.term.holds(column)}"

    @property
    def several(self) -> bool:
        """Whether its rows come value by value, of several values."""
        return self.term is not None and len(self.term.values) > 1

    @property
    def values(self) -> Values:
        """The condition's parameters."""
        return (self.after,) if self.term is None else (self.after, self.term.parameter)


def ids(connection: sqlite3.Connection, result: Result, where: Filter, after: int, limit: int) -> list[int]:
    """The ids of the first `limit` calls or events after the cursor that hold the filter, in order."""
    search = _Search.of(connection, result, where, after)
    if search is None:
        return []
    way = search.way()
    rows = connection.execute(f"{search.select(way)} ORDER BY {way.key} LIMIT ?", (*search.values(way), _bounded(limit)))
    return [number for (number,) in rows]


def count(connection: sqlite3.Connection, result: Result, where: Filter, after: int, most: int) -> int:
    """How many after the cursor hold the filter; does not count beyond `most`."""
    search = _Search.of(connection, result, where, after)
    if search is None:
        return 0
    way = search.way()
    return _one(connection, f"SELECT count(*) FROM ({search.select(way)} LIMIT ?)", (*search.values(way), _bounded(most)))  # noqa: S608


@dataclass(frozen=True, slots=True)
class Selection:
    """The SQL of the ids (its column `id`) that hold a filter; `key` is what they are ordered by, `after` where they begin. `values` are its parameters."""

    sql: str
    key: str
    after: int
    rest: Values

    @property
    def values(self) -> Values:
        """From where the search begins."""
        return (self.after, *self.rest)

    def beyond(self, after: int) -> Values:
        """From beyond another id of the same sort."""
        return (max(self.after, after), *self.rest)


def selection(connection: sqlite3.Connection, result: Result, where: Filter, after: int = 0) -> Selection | None:
    """All results after the cursor that hold the filter, to be asked further; None when there can be none."""
    search = _Search.of(connection, result, where, after)
    if search is None:
        return None
    way = search.way()
    return Selection(search.select(way), way.key, way.after, search.values(way)[1:])


@dataclass(frozen=True, slots=True)
class _Search:
    """One search by some terms over the rows of `table`, each of which stands for a result. `after` is the cursor among results, `row_after` among rows."""

    connection: sqlite3.Connection
    result: Result
    table: Result
    terms: tuple[Term, ...]
    after: int
    row_after: int

    @classmethod
    def of(cls, connection: sqlite3.Connection, result: Result, where: Filter, after: int) -> _Search | None:
        """The search for what a filter asks; None when nothing in this journal can hold it."""
        asked = terms(connection, where)
        if not all(term.values for term in asked):
            return None
        after = row_after = _bounded(after)
        table: Result = "event" if result == "event" or any(term.column in OF_EVENTS for term in asked) else "call"
        if table != result:
            row_after = _one(connection, "SELECT max(0, ifnull((SELECT first + count - 1 FROM call WHERE id <= ? ORDER BY id DESC LIMIT 1), 0))", (after,))
        return cls(connection, result, table, asked, after, row_after)

    @property
    def rules(self) -> str:
        """The table of the results' rules."""
        return f"{self.result}_rule"

    @property
    def owner(self) -> str:
        """The column of a row that is the result's id."""
        return f"{self.table}.id" if self.table == self.result else f"{self.table}.{self.result}"

    def select(self, way: Way) -> str:
        """The SQL of the search by a way, but for its order and its end."""
        others = [term for term in self.terms if term is not way.term]
        owner, source, by_rules = self.owner, way.source, way.source.startswith(self.rules)
        if by_rules and not others:
            owner = way.key
        elif by_rules and self.table == self.result:
            source += f" CROSS JOIN {self.table} ON {self.table}.id = {way.key}"
        elif by_rules:
            source += f" CROSS JOIN call ON call.id = {way.key} CROSS JOIN event ON event.id BETWEEN call.first AND call.first + call.count - 1"
        often = self.table != self.result or (by_rules and way.several)
        conditions = " AND ".join([way.condition, *map(self._check, others)])
        return f"SELECT {'DISTINCT ' if often else ''}{owner} AS id FROM {source} WHERE {conditions}"  # noqa: S608

    def values(self, way: Way) -> Values:
        """The parameters of `select`."""
        return (*way.values, *(term.parameter for term in self.terms if term is not way.term))

    def way(self) -> Way:
        """The best way: by the rarest term, as long as one is rare, else past all rows."""
        ways = finders = [self._by(term) for term in self.terms]
        if len(ways) == 1 and len(self.terms[0].values) == 1:
            return ways[0]
        for most in STEPS:
            size, rarest = min(((self._size(way, most), way) for way in finders), key=itemgetter(0), default=(most, None))
            if rarest is not None and size < most:
                return rarest
            finders = [way for way in finders if most < SORTABLE or not way.several]
        if len(ways) == 1 and self.terms[0].column == "rule":
            return Way(f"{self.rules} NOT INDEXED", ways[0].key, self.after, self.terms[0])
        return Way(f"{self.table} NOT INDEXED", f"{self.table}.id", max([self.row_after, *map(self._before_first, ways)]))

    def _by(self, term: Term) -> Way:
        if term.column == "rule":
            return Way(f"{self.rules} INDEXED BY {self.rules}_rule", f"{self.rules}.{self.result}", self.after, term)
        return Way(f"{self.table} INDEXED BY {self.table}_{term.column}", f"{self.table}.id", self.row_after, term)

    def _check(self, term: Term) -> str:
        if term.column == "rule":
            return f"EXISTS (SELECT 1 FROM {self.rules} AS broken WHERE broken.{self.result} = {self.owner} AND {term.holds('broken.rule')})"  # noqa: S608
        return term.holds(f"{self.table}.{term.column}")

    def _size(self, way: Way, most: int) -> int:
        return _one(self.connection, f"SELECT count(*) FROM (SELECT 1 FROM {way.source} WHERE {way.condition} LIMIT ?)", (*way.values, most))  # noqa: S608

    def _before_first(self, way: Way) -> int:
        """The id before the first row that a term finds: a scan need not begin earlier."""
        if way.several or way.source.startswith(self.rules):
            return 0
        return _one(self.connection, f"SELECT ifnull(min({way.key}), 1) - 1 FROM {way.source} WHERE {way.condition}", way.values)  # noqa: S608


def terms(connection: sqlite3.Connection, where: Filter) -> tuple[Term, ...]:
    """What a filter asks, in the tables' own values. A term without values: nothing can hold it."""
    asked = {
        "workspace": _word(connection, "workspace", where.workspace),
        "kind": _word(connection, "kind", where.kind),
        "accepted": None if where.accepted is None else (int(where.accepted),),
        "user_id": _text(where.user_id),
        "anonymous_id": _text(where.anonymous_id),
        "group_id": _text(where.group_id),
        "event": _text(where.event),
        "path": _words(connection, "path", where.path),
        "rule": _words(connection, "rule", where.rule),
    }
    return tuple(Term(column, values) for column, values in asked.items() if values is not None)


def _text(text: str | None) -> Values | None:
    if text is None:
        return None
    value = indexed(text) if _is_unicode(text) else None
    return () if value is None else (value,)


def _word(connection: sqlite3.Connection, sort: str, text: str | None) -> Values | None:
    if text is None:
        return None
    return tuple(number for (number,) in connection.execute(words.FIND, (sort, text))) if _is_unicode(text) else ()


def _words(connection: sqlite3.Connection, sort: str, glob: str | None) -> Values | None:
    """The words of a sort that a glob matches. Raises UsageError where that would take too long."""
    if glob is None or not GLOB.search(glob):
        return _word(connection, sort, glob)
    if len(glob) > LONGEST_GLOB:
        raise UsageError(f"the glob for {sort} has {len(glob)} characters: at most {LONGEST_GLOB} are taken")
    rows = connection.execute("SELECT id, text FROM word WHERE sort = ? LIMIT ?", (sort, MOST_PATHS + 1)).fetchall()
    if len(rows) > MOST_PATHS:
        raise UsageError(f"there are more than {MOST_PATHS} different paths on record: name one without a glob")
    match = re.compile(fnmatch.translate(glob)).match
    return tuple(number for number, text in rows if match(text))


def _is_unicode(text: str) -> bool:
    """Whether a text can be on record at all: lone surrogates are no JSON."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _bounded(number: int) -> int:
    """A cursor or a limit that SQLite can hold."""
    return min(max(number, 0), BIGGEST)


def _one(connection: sqlite3.Connection, sql: str, values: Values) -> int:
    number: int = connection.execute(sql, values).fetchone()[0]
    return number
