"""Rows back into the model. Bodies are read for what a page shows, and only then."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import orjson

from mock_june import wire
from mock_june.model import Call, Event, Raw, Violation

CALLS = """
SELECT call.id, content.at, workspace.text, content.method, path.text, content.query, content.headers, content.body, content.status, content.code,
       call.accepted, content.fault, content.violations, content.total, content.answer, content.duration
FROM json_each(?) AS wanted
CROSS JOIN call ON call.id = wanted.value
JOIN content ON content.id = call.id
JOIN word AS path ON path.id = call.path
LEFT JOIN word AS workspace ON workspace.id = call.workspace
ORDER BY call.id
"""

BRIEF = CALLS.replace("content.body", "length(content.body)")

EVENT = """
SELECT event.id, event.call, content.at, workspace.text, contract.text, kind.text, event.accepted, event.start, event.stop, finding.violations, finding.warnings
"""

EVENT_TEXTS = """
JOIN content ON content.id = event.call
JOIN word AS kind ON kind.id = event.kind
JOIN word AS contract ON contract.id = event.contract
LEFT JOIN word AS workspace ON workspace.id = event.workspace
LEFT JOIN finding ON finding.event = event.id
ORDER BY event.id
"""

EVENTS = f"{EVENT} FROM json_each(?) AS wanted CROSS JOIN event ON event.id = wanted.value {EVENT_TEXTS}"

EVENTS_OF_CALLS = f"""{EVENT}
FROM json_each(?) AS wanted
CROSS JOIN call ON call.id = wanted.value
CROSS JOIN event ON event.id BETWEEN call.first AND call.first + call.count - 1 {EVENT_TEXTS}
"""


def calls(connection: sqlite3.Connection, ids: Sequence[int]) -> list[Call]:
    """The calls of these ids with all their events, in order."""
    wanted = orjson.dumps(ids).decode()
    rows = connection.execute(CALLS, (wanted,)).fetchall()
    bodies = {row[0]: row[7] for row in rows}
    events: dict[int, list[Event]] = {}
    for row in connection.execute(EVENTS_OF_CALLS, (wanted,)):
        events.setdefault(row[1], []).append(_event(row, bodies[row[1]]))
    return [_call(row, tuple(events.get(row[0], ()))) for row in rows]


def brief(connection: sqlite3.Connection, number: int) -> tuple[Call, int, int] | None:
    """A call without its body and events, and how many bytes the one and how many events the other has. Neither is read."""
    row = connection.execute(BRIEF, (f"[{number}]",)).fetchone()
    if row is None:
        return None
    events: int = connection.execute("SELECT count FROM call WHERE id = ?", (number,)).fetchone()[0]
    return _call((*row[:7], b"", *row[8:]), ()), row[7], events


def body(connection: sqlite3.Connection, number: int) -> bytes:
    """A call's body."""
    found: bytes = connection.execute("SELECT body FROM content WHERE id = ?", (number,)).fetchone()[0]
    return found


def events(connection: sqlite3.Connection, ids: Sequence[int]) -> list[Event]:
    """The events of these ids, in order. Holds one body at a time."""
    found: list[Event] = []
    call, body = 0, b""
    for row in connection.execute(EVENTS, (orjson.dumps(ids).decode(),)).fetchall():
        if row[1] != call:
            call = row[1]
            body = connection.execute("SELECT body FROM content WHERE id = ?", (call,)).fetchone()[0]
        found.append(_event(row, body))
    return found


def _call(row: tuple[Any, ...], events: tuple[Event, ...]) -> Call:
    number, at, workspace, method, path, query, headers, body, status, code, accepted, fault, violations, total, answer, duration = row
    return Call(
        number,
        at,
        workspace,
        method,
        path if query is None else f"{path}?{query}",
        tuple((name, value) for name, value in orjson.loads(headers)),
        body,
        status,
        code,
        bool(accepted),
        None if fault is None else wire.fault_from(orjson.loads(fault)),
        _findings(violations),
        total,
        answer or b"",
        duration,
        events,
    )


def _event(row: tuple[Any, ...], body: bytes) -> Event:
    number, call, at, workspace, contract, kind, accepted, start, stop, violations, warnings = row
    return Event(number, call, at, workspace, contract, kind, bool(accepted), Raw(body[start:stop]), _findings(violations), _findings(warnings), (start, stop))


def _findings(text: bytes | None) -> tuple[Violation, ...]:
    return () if text is None else wire.violations_from(orjson.loads(text))
