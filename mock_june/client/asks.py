"""What a client asks of the control API, question by question: each is a generator of Asks, as `exchange` has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from mock_june import wire
from mock_june.client.exchange import Ask, Steps, read
from mock_june.errors import UsageError
from mock_june.matching import difference
from mock_june.model import Call, Event, Fault

T = TypeVar("T")
MOST = 1000
"""What the control API gives at once, at most."""

LONGEST_WAIT = 60.0
"""Seconds that the control API holds an answer, at most."""

FILTERED = frozenset({"userId", "anonymousId", "groupId", "event"})
"""Members of a payload that the fake itself can search for, by equality of texts. All others are compared here."""

LONGEST_FILTER = 4000
"""Characters of a text that the fake searches for, at most."""


@dataclass(frozen=True, slots=True)
class Health:
    """What `GET /_mock/health` says. `uptime_s` in seconds; `discarded` counts old calls that went to keep to the journal's limit.

    `last_call` is the id of the newest call of any workspace; `journal` tells one record from another, in which ids begin anew.
    """

    status: str
    version: str
    rules_hash: str
    uptime_s: float
    calls: int
    events: int
    rejected: int
    discarded: int = 0
    last_call: int = 0
    journal: str = ""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """What a listing gives at once; `next` is the cursor if there is more."""

    rows: list[T]
    next: int | None


def _page_of(name: str, make: Callable[[dict[str, Any]], T]) -> Callable[[dict[str, Any]], Page[T]]:
    return lambda value: Page([make(row) for row in value[name]], value["next"])


CALLS = _page_of("calls", wire.call_from)
"""Reads a page of calls."""

EVENTS = _page_of("events", wire.event_from)
"""Reads a page of events."""


def health() -> Steps[Health]:
    """Whether the mock lives."""
    return read((yield Ask("GET", "/_mock/health")), lambda value: Health(**{name: value[name] for name in Health.__slots__ if name in value}))


def calls(limit: int | None, filters: Mapping[str, Any]) -> Steps[list[Call]]:
    """All calls that pass the filters, or the first `limit`."""
    return (yield from _listed("/_mock/calls", CALLS, filters, limit))


def call(number: int) -> Steps[Call | None]:
    """One call, None where there is none."""
    reply = yield Ask("GET", f"/_mock/calls/{number}")
    if reply.status == 404 and b'"not_found"' in reply.body:
        return None
    return read(reply, wire.call_from)


def events(limit: int | None, filters: Mapping[str, Any], fields: Mapping[str, Any]) -> Steps[list[Event]]:
    """All events that match, or the first `limit`."""
    searched, compared = split(fields)
    wanted = {**filters, **searched}
    if not compared:
        return (yield from _listed("/_mock/events", EVENTS, wanted, limit))
    return (yield from _listed("/_mock/events", EVENTS, wanted, limit, lambda page: matching(page, compared)))


def _listed(
    path: str,
    reads: Callable[[dict[str, Any]], Page[T]],
    filters: Mapping[str, Any],
    limit: int | None,
    chosen: Callable[[Page[T]], list[T]] | None = None,
) -> Steps[list[T]]:
    """The rows of a listing, page by page: all of them, or the first `limit`. `chosen` is what of a page is wanted, where the fake cannot tell."""
    if limit is not None and limit < 0:
        raise UsageError(f"limit is 0 or more, not {limit}; leave it away for all")
    found: list[T] = []
    after = filters.get("after", 0)
    while limit is None or len(found) < limit:
        most = MOST if limit is None or chosen else min(MOST, limit - len(found))
        page = read((yield Ask("GET", path, {**filters, "after": after, "limit": most})), reads)
        found += chosen(page) if chosen else page.rows
        if page.next is None:
            break
        after = page.next
    return found[:limit]


def matching(page: Page[Event], compared: Mapping[str, Any]) -> list[Event]:
    """The events of a page that match what is compared here."""
    return [event for event in page.rows if not difference(compared, event.payload)]


def split(fields: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """Members of a payload, as what the fake searches for and what is compared here."""
    searched = {name: value for name, value in fields.items() if name in FILTERED and isinstance(value, str) and len(value) <= LONGEST_FILTER}
    return searched, {name: value for name, value in fields.items() if name not in searched}


def delete_calls() -> Steps[int]:
    """Forgets calls."""
    return read((yield Ask("DELETE", "/_mock/calls")), _deleted)


def reset() -> Steps[None]:
    """Forgets calls and faults."""
    read((yield Ask("POST", "/_mock/reset")), lambda value: value["status"])


def faults() -> Steps[list[Fault]]:
    """What is planned."""
    return read((yield Ask("GET", "/_mock/faults")), _faults)


def clear_faults() -> Steps[int]:
    """Forgets faults."""
    return read((yield Ask("DELETE", "/_mock/faults")), _deleted)


def plan(several: tuple[Mapping[str, Any] | Fault, ...]) -> Steps[list[Fault]]:
    """Plans faults, all or none."""
    sent = [_fault(fault) for fault in several]
    return read((yield Ask("POST", "/_mock/faults", json=sent)), _faults)


def plan_one(fault: Mapping[str, Any]) -> Steps[Fault]:
    """Members that are None were not given, but for `times`: there None means until reset."""
    planned = yield from plan(({name: value for name, value in fault.items() if value is not None or name == "times"},))
    return planned[0]


def _faults(value: dict[str, Any]) -> list[Fault]:
    return [wire.fault_from(fault) for fault in value["faults"]]


def _deleted(value: dict[str, Any]) -> int:
    return int(value["deleted"])


def _fault(fault: Mapping[str, Any] | Fault) -> dict[str, Any]:
    said = wire.fault(fault) if isinstance(fault, Fault) else fault
    return {name: value for name, value in said.items() if not isinstance(fault, Fault) or name in wire.FAULT_MEMBERS}


def export(format: str, filters: Mapping[str, Any]) -> Ask:  # noqa: A002 -- the parameter's own name
    """The record as a file."""
    return Ask("GET", "/_mock/export", {**filters, "format": format})
