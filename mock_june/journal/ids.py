"""A call as it is on record: with its id, and its events with theirs."""

from __future__ import annotations

from typing import NamedTuple

from mock_june.model import Call, Event


class Ids(NamedTuple):
    """Of a call on record: its id, and that of its first event (of a call without events, that of the next event to come)."""

    call: int
    event: int


def numbered(call: Call, ids: Ids) -> Call:
    """The call that was given to be recorded, as it is on record. An event's `at`, `workspace` and `accepted` are its call's."""
    whole = (0, len(call.body))
    events = [
        Event(
            event_id,
            ids.call,
            call.at,
            call.workspace,
            event.contract,
            event.kind,
            call.accepted,
            event.payload,
            event.violations,
            event.warnings,
            event.span or whole,
        )
        for event_id, event in enumerate(call.events, ids.event)
    ]
    return Call(
        ids.call,
        call.at,
        call.workspace,
        call.method,
        call.path,
        call.headers,
        call.body,
        call.status,
        call.code,
        call.accepted,
        call.fault,
        call.violations,
        call.violations_total,
        call.answer,
        call.duration_ms,
        tuple(events),
    )
