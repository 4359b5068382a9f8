"""What the record amounts to: how many of each kind, of each rule, in each stretch of time, in each workspace. Each is one pass over narrow tables."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

from mock_june.journal import search
from mock_june.journal.entries import NEVER, OF_BODIES, Entries, Split
from mock_june.journal.search import OF_EVENTS, Result
from mock_june.model import Filter, Overview, Times, WorkspaceTotals

STRETCHES = 60
"""Of how many stretches a chart is made, at most."""

STEPS = (1, 2, 5, 10, 15, 20, 30, 60)
"""Seconds that a stretch may have: a chart is of the last hour at most."""

LAST = "SELECT max(ifnull((SELECT max(id) FROM call), 0), ifnull((SELECT value FROM meta WHERE name = 'last_call'), 0))"
NEXT = "SELECT id, at FROM content WHERE id >= ? ORDER BY id LIMIT 1"
WORKSPACES = """
SELECT word.text, sums.calls, sums.events, sums.rejected, content.at
FROM (
    SELECT workspace, count(*) AS calls, sum(count) AS events, sum(NOT accepted) AS rejected, max(id) AS last
    FROM call WHERE workspace IS NOT NULL GROUP BY 1
) AS sums
JOIN word ON word.id = sums.workspace
JOIN content ON content.id = sums.last
ORDER BY sums.last DESC LIMIT ?
"""


def overview(connection: sqlite3.Connection, where: Filter) -> Overview:
    """Counts of what holds a filter. What a filter asks of one thing is left out of the counts by that thing: they say what another choice would find."""
    any_way, any_kind, any_rule = replace(where, accepted=None), replace(where, kind=None), replace(where, rule=None)
    entries = Entries(connection, where)
    last = connection.execute(LAST).fetchone()[0]
    return Overview(
        last=last,
        entries=sum(entries.count()),
        calls=_split(connection, "call", any_way),
        events=_split(connection, "event", any_way),
        kinds=_kinds(connection, any_kind),
        rules=_rules(connection, any_rule),
        times=_times(connection, entries),
    )


def workspaces(connection: sqlite3.Connection, most: int) -> list[WorkspaceTotals]:
    """The workspaces that have calls, the one with the newest call first."""
    return [WorkspaceTotals(*row) for row in connection.execute(WORKSPACES, (most,))]


def _found(connection: sqlite3.Connection, result: Result, where: Filter) -> tuple[str, search.Values] | None:
    """The SQL of the rows that hold a filter, under the name of their table."""
    if where == Filter():
        return result, ()
    chosen = search.selection(connection, result, where)
    return None if chosen is None else (f"({chosen.sql}) AS found CROSS JOIN {result} ON {result}.id = found.id", chosen.values)


def _split(connection: sqlite3.Connection, result: Result, where: Filter) -> Split:
    found = _found(connection, result, where)
    if found is None:
        return NEVER
    rows = dict(connection.execute(f"SELECT {result}.accepted, count(*) FROM {found[0]} GROUP BY 1", found[1]))  # noqa: S608
    return rows.get(1, 0), rows.get(0, 0)


def _kinds(connection: sqlite3.Connection, where: Filter) -> dict[str, Split]:
    found = _found(connection, "event", where)
    if found is None:
        return {}
    sums = f"SELECT event.kind AS kind, sum(event.accepted) AS good, sum(NOT event.accepted) AS bad FROM {found[0]} GROUP BY 1"  # noqa: S608
    rows = connection.execute(f"SELECT word.text, good, bad FROM ({sums}) JOIN word ON word.id = kind ORDER BY good + bad DESC, 1", found[1])  # noqa: S608
    return {kind: (good, bad) for kind, good, bad in rows}


def _rules(connection: sqlite3.Connection, where: Filter) -> dict[str, int]:
    """How many events broke a rule or were warned by it; of the rules of bodies, how many calls."""
    counted: dict[str, int] = {}
    of_events = any(term.column in OF_EVENTS for term in search.terms(connection, where))
    results: tuple[Result, ...] = ("event",) if of_events else ("event", "call")
    for result in results:
        source = f"{result}_rule"
        values: search.Values = ()
        if where != Filter():
            chosen = search.selection(connection, result, where)
            if chosen is None:
                return {}
            source, values = f"({chosen.sql}) AS found CROSS JOIN {result}_rule ON {result}_rule.{result} = found.id", chosen.values
        sql = f"SELECT word.text, n FROM (SELECT {result}_rule.rule AS rule, count(*) AS n FROM {source} GROUP BY 1) JOIN word ON word.id = rule"  # noqa: S608
        counted |= {rule: number for rule, number in connection.execute(sql, values) if result == "event" or rule.startswith(OF_BODIES)}
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def _times(connection: sqlite3.Connection, entries: Entries) -> Times | None:
    """Entries by the time of their call, up to the last call on record, from the first one or from an hour before. None without calls.

    Ids grow with time, so the calls of a stretch are those between two ids, and each of these is found by halving.
    """
    ends = connection.execute("SELECT min(id), max(id) FROM call").fetchone()
    if ends[0] is None:
        return None
    first, last = (_moment(connection, number)[1] for number in ends)
    span = min(last - first, STEPS[-1] * (STRETCHES - 2))
    step = next(step for step in STEPS if span < step * (STRETCHES - 1))
    start = (last - span) // step * step
    bounds = [_last_before(connection, start, ends[0] - 1, ends[1])]
    for number in range(1, int((last - start) // step) + 1):
        bounds.append(_last_before(connection, start + number * step, bounds[-1], ends[1]))
    bounds.append(ends[1])
    splits = entries.counts(list(pairwise(bounds)))
    at = datetime.fromtimestamp(start, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Times(at, step, tuple(good for good, _ in splits), tuple(bad for _, bad in splits))


def _last_before(connection: sqlite3.Connection, moment: float, low: int, high: int) -> int:
    """The greatest id between two others whose call came before a moment; `low` itself does."""
    while low < high:
        middle = (low + high + 1) // 2
        number, at = _moment(connection, middle)
        if at < moment:
            low = min(number, high)
        else:
            high = middle - 1
    return low


def _moment(connection: sqlite3.Connection, number: int) -> tuple[int, float]:
    """The first call from an id on, and when it came, in seconds since the epoch."""
    found, at = connection.execute(NEXT, (number,)).fetchone()
    return found, datetime.fromisoformat(at).timestamp()
