"""Entries as a list shows them: light, whatever the calls weigh. Of a body only so much is read as its payload's first members may take."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import orjson

from mock_june import wire
from mock_june.journal.entries import Pair
from mock_june.model import Entry, Violation
from mock_june.text import cut

READ = 32 * 1024
"""Bytes of a payload that are read for a glance; of a longer one, what the tables have of it is shown."""

LONGEST = 120
"""Characters of a member that a glance has."""

SHOWN = ("userId", "anonymousId", "groupId", "event", "name", "timestamp")

ROWS = """
SELECT call.id, event.id, content.at, workspace.text, content.method, path.text, content.query, content.status, content.code, call.accepted, content.fault,
       content.duration, contract.text, kind.text, call.first, call.count, finding.violations, finding.warnings, content.violations, content.total,
       event.start, event.stop, event.user_id, event.anonymous_id, event.group_id, event.event
FROM json_each(?) AS wanted
CROSS JOIN call ON call.id = json_extract(wanted.value, '$[0]')
JOIN content ON content.id = call.id
JOIN word AS path ON path.id = call.path
LEFT JOIN event ON event.id = json_extract(wanted.value, '$[1]')
LEFT JOIN word AS workspace ON workspace.id = call.workspace
LEFT JOIN word AS contract ON contract.id = event.contract
LEFT JOIN word AS kind ON kind.id = event.kind
LEFT JOIN finding ON finding.event = event.id
ORDER BY wanted.key
"""


def entries(connection: sqlite3.Connection, pairs: Sequence[Pair]) -> list[Entry]:
    """The entries of these calls and events, in the order that they are given in."""
    return [_entry(connection, row) for row in connection.execute(ROWS, (orjson.dumps(pairs).decode(),)).fetchall()]


def _entry(connection: sqlite3.Connection, row: tuple[Any, ...]) -> Entry:
    call, event, at, workspace, method, path, query, status, code, accepted, fault, duration, contract, kind, first, count, *more = row
    own, warned, of_call, total, start, stop, *names = more
    violations, warnings = (_findings(of_call), ()) if event is None else (_findings(own), _findings(warned))
    return Entry(
        call=call,
        event=event,
        at=at,
        workspace=workspace,
        method=method,
        path=cut(path if query is None else f"{path}?{query}", LONGEST),
        status=status,
        code=code,
        accepted=bool(accepted),
        fault=None if fault is None else wire.fault_from(orjson.loads(fault)),
        duration_ms=duration,
        contract=contract,
        kind=kind,
        place=0 if event is None else event - first + 1,
        of=count,
        glance={} if event is None else _glance(connection, call, start, stop, names),
        finding=next(iter((*violations, *warnings)), None),
        violations=total if event is None else len(violations),
        warnings=len(warnings),
    )


def _glance(connection: sqlite3.Connection, call: int, start: int, stop: int, names: list[str | bytes | None]) -> dict[str, Any]:
    known = {name: value for name, value in zip(SHOWN, names, strict=False) if isinstance(value, str)}
    if stop - start > READ:
        return {name: cut(value, LONGEST) for name, value in known.items()}
    with connection.blobopen("content", "body", call, readonly=True) as body:
        body.seek(start)
        text = body.read(stop - start)
    try:
        payload = orjson.loads(text)
    except orjson.JSONDecodeError:  # what the engine took for an event is JSON; another program may have written the journal
        return {}
    found = {name: payload[name] for name in SHOWN if name in payload} if isinstance(payload, dict) else {}
    return {name: cut(value, LONGEST) if isinstance(value, str) else value for name, value in found.items() if not isinstance(value, dict | list)}


def _findings(text: bytes | None) -> tuple[Violation, ...]:
    return () if text is None else wire.violations_from(orjson.loads(text))
