"""Calls made up for the journal's tests, and the plain-Python reading of a filter that its answers are held against."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import orjson

from mock_june.model import Call, Event, Filter, Raw, Violation

AT = "2024-02-29T12:00:00.000Z"
HEADERS = (("host", "127.0.0.1:5863"), ("x-twice", "1"), ("x-twice", "2"), ("x-latin", "\xe9"))


def violation(rule: str, pointer: str = "/userId") -> Violation:
    return Violation(rule, pointer, f"{rule} says it", "do it so", "error", "", "/required")


def warning(rule: str) -> Violation:
    return Violation(rule, "/userId", "it smells", "look again", "warning")


def event(payload: Any, kind: str = "track", violations: Iterable[Violation] = (), warnings: Iterable[Violation] = ()) -> Event:
    """An event not yet in a call."""
    return Event(0, 0, "", None, "backfill", kind, accepted=True, payload=payload, violations=tuple(violations), warnings=tuple(warnings))


def call(*events: Event, workspace: str | None = "w", path: str = "/api/track", accepted: bool = True, **more: Any) -> Call:
    """A call with these events, each at its place in a body of one array."""
    placed, body = [], b"["
    for each in events:
        text = orjson.dumps(each.payload)
        placed.append(replace(each, span=(len(body), len(body) + len(text))))
        body += text + b","
    given = {
        "method": "POST",
        "headers": HEADERS,
        "body": body + b"]",
        "status": 200 if accepted else 400,
        "code": None if accepted else "invalid_payload",
        **more,
    }
    return Call(0, AT, workspace, path=path, accepted=accepted, events=tuple(placed), **given)


def track(user: str = "1", **more: Any) -> Call:
    """A good call of one event."""
    return call(event({"type": "track", "event": "Registered", "userId": user}), **more)


def shown(recorded: Call) -> Call:
    """A recorded call as the journal reads it back: payloads as the bytes they came as."""
    return replace(recorded, events=tuple(replace(each, payload=Raw(recorded.body[slice(*each.span)])) for each in recorded.events if each.span is not None))


def rules_of(findings: Sequence[Violation]) -> set[str]:
    return {finding.rule for finding in findings}


def call_holds(found: Call, where: Filter) -> bool:
    """Whether a call holds a filter, as the filter's own words say."""
    rules = rules_of(found.violations).union(*(rules_of(each.violations + each.warnings) for each in found.events))
    asks_events = any(value is not None for value in (where.kind, where.user_id, where.anonymous_id, where.group_id, where.event))
    return (
        _common_holds(found, where)
        and (where.rule is None or any(fnmatchcase(rule, where.rule) for rule in rules))
        and (not asks_events or any(_own_holds(each, where) for each in found.events))
    )


def event_holds(found: Event, of: Call, where: Filter) -> bool:
    """Whether an event of a call holds a filter."""
    rules = rules_of(found.violations + found.warnings)
    return _common_holds(of, where) and _own_holds(found, where) and (where.rule is None or any(fnmatchcase(rule, where.rule) for rule in rules))


def _common_holds(found: Call, where: Filter) -> bool:
    return (
        where.workspace in {None, found.workspace}
        and where.accepted in {None, found.accepted}
        and (where.path is None or fnmatchcase(found.path.partition("?")[0], where.path))
    )


def _own_holds(found: Event, where: Filter) -> bool:
    payload = orjson.loads(bytes(found.payload))
    asked = {"userId": where.user_id, "anonymousId": where.anonymous_id, "groupId": where.group_id, "event": where.event}
    return where.kind in {None, found.kind} and all(
        text is None or (isinstance(payload, dict) and isinstance(payload.get(name), str) and payload[name] == text) for name, text in asked.items()
    )
