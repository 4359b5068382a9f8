"""Expectations of what came, without I/O: each is a generator of Asks, which returns what it found or raises NotReceivedError with what did come."""

from __future__ import annotations

import fnmatch
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeAlias

import orjson

from mock_june import clock
from mock_june.client.asks import EVENTS, LONGEST_WAIT, MOST, calls, events, matching, split
from mock_june.client.exchange import Ask, Steps, read
from mock_june.client.failures import LISTED, Paint, counted, described, explained, failure, meanwhile, rejections, told
from mock_june.errors import UsageError
from mock_june.matching import MISSING, difference, shown
from mock_june.model import Call, Event
from mock_june.text import printable

Wanted: TypeAlias = "str | tuple[str, Mapping[str, Any]]"
"""One step of an order: a kind, or a kind with members of its payload."""

__tracebackhide__ = True  # pytest shows a failed assertion where the test makes it


def wait_for(count: int, seconds: float, filters: Mapping[str, Any], fields: Mapping[str, Any], *, since: int, paint: Paint) -> Steps[list[Event]]:
    """The events that match, once there are `count`. Raises NotReceivedError after so many `seconds`."""
    if count < 1:
        raise UsageError(f"wait_for waits for at least 1 event, not {count}")
    came = yield from _until(filters, fields, seconds, lambda found: len(found) >= count)
    if len(came) >= count:
        return came
    kind = filters.get("kind")
    head = f"{len(came)} of {count} came in {seconds:g} s: {kind or 'event'}{described(fields)}"
    raise failure([head, *(yield from explained(kind, fields, came, since))], paint, came)


def received(
    kind: str | None, fields: Mapping[str, Any], *, count: int | None, at_least: int | None, within: float, attempts: int | None, since: int, paint: Paint
) -> Steps[list[Event]]:
    """The accepted events that match, if they are as many as wanted: `count` exactly, else `at_least`, else one.

    `attempts`: how often it came in all, refused or not. With `within`, waits so many seconds for them; for `count=0`, that none comes.
    """
    if count is not None and at_least is not None:
        raise UsageError("count and at_least exclude each other")
    if min(count or 0, at_least or 0, attempts or 0) < 0:
        raise UsageError("count, at_least and attempts are 0 or more")
    least = 1 if count is None and at_least is None else (count or at_least or 0)

    def settled(found: list[Event]) -> bool:
        good = sum(event.accepted for event in found)
        return good > 0 if count == 0 else good >= least and (attempts is None or len(found) >= attempts)

    came = yield from _until({"kind": kind}, fields, within, settled)
    good = [event for event in came if event.accepted]
    enough = len(good) == count if count is not None else len(good) >= least
    if enough and attempts in {None, len(came)}:
        return good
    what = f"{kind} event" if kind is not None else "event"
    if enough:
        head = f"{counted(len(came), what)}{described(fields)} came, refused ones counted; wanted attempts={attempts}"
        shown_too = [f"  {told(event)}" for event in came[:LISTED]]
    else:
        wanted = f"{'exactly' if count is not None else 'at least'} {least}"
        head = f"{counted(len(good), f'accepted {what}')}{described(fields)} came; wanted {wanted}"
        shown_too = [f"  {told(event)}" for event in good[:LISTED]]
    lines = [f"{head}, within {within:g} s" if within else head, *shown_too]
    raise failure(lines + (yield from explained(kind, fields, came if enough else good, since)), paint, good)


def not_received(kind: str | None, fields: Mapping[str, Any], *, within: float, paint: Paint) -> Steps[None]:
    """Nothing that matches came, accepted or not; with `within`, nor does it come in so many seconds."""
    came = yield from _until({"kind": kind}, fields, within, bool)
    if came:
        what = f"{kind} event" if kind is not None else "event"
        lines = [f"{counted(len(came), what)}{described(fields)} came; wanted none"]
        raise failure(lines + [f"  {told(event)}: {shown(event.payload)}" for event in came[:LISTED]], paint, came)


def rejected(rule: str, count: int | None, *, since: int, paint: Paint) -> Steps[list[Call]]:
    """The rejected calls that break a rule, if they are `count`, else one or more. `*` is any rejected call, one that no rule speaks of too."""
    every = [call for call in (yield from calls(None, {"accepted": False})) if not call.refused_as_planned]
    found = [call for call in every if rule == "*" or any(fnmatch.fnmatchcase(violation.rule, rule) for violation in call.violations)]
    if len(found) == count or (count is None and found):
        return found
    broke = "came" if rule == "*" else f"broke {printable(rule)}"
    lines = [f"{counted(len(found), 'rejected call')} {broke}; wanted {'at least 1' if count is None else f'exactly {count}'}"]
    lines += rejections(found or every)
    raise failure(lines + (yield from meanwhile(since)), paint)


def accepted(*, since: int, paint: Paint) -> Steps[None]:
    """No call was refused by a rule. What a planned fault refused is not rejected."""
    refused = [call for call in (yield from calls(None, {"accepted": False})) if not call.refused_as_planned]
    if refused:
        lines = [f"{counted(len(refused), 'call')} {'was' if len(refused) == 1 else 'were'} rejected", *rejections(refused)]
        raise failure(lines + (yield from meanwhile(since)), paint)


def order(steps: Sequence[Wanted], *, since: int, paint: Paint) -> Steps[list[Event]]:
    """The accepted events that match the steps, one after the other; others may stand between them."""
    if not steps:
        raise UsageError('assert_order wants at least one step, such as "identify" or ("track", {"event": "Registered"})')
    wanted = [(step, {}) if isinstance(step, str) else (step[0], dict(step[1])) for step in steps]
    came = yield from events(None, {"accepted": True}, {})
    found: list[Event] = []
    rest = iter(came)
    for place, (kind, fields) in enumerate(wanted):
        match = next((event for event in rest if event.kind == kind and not difference(fields, event.payload)), None)
        if match is not None:
            found.append(match)
            continue
        earlier = next((event for event in came if event.kind == kind and not difference(fields, event.payload)), None)
        after = f" after event {found[-1].id} ({_step(*wanted[place - 1])})" if found else ""
        head = f"step {place + 1} of {len(wanted)}, {_step(kind, fields)}, did not come{after}"
        if earlier is not None and earlier not in found:
            head += f"; it came before, as event {earlier.id}"
        lines = [head, "in the order in which they came:" if came else "nothing was accepted", *(f"  {told(event)}" for event in came[:LISTED])]
        if len(came) > LISTED:
            lines.append(f"  … and {len(came) - LISTED} more")
        raise failure(lines + (yield from meanwhile(since)), paint, found)
    return found


def no_duplicates(by: str | None, *, paint: Paint) -> Steps[None]:
    """No two accepted events share a member (`by`, dots for what is nested), or, with None, the whole payload."""
    came = yield from events(None, {"accepted": True}, {})
    groups: dict[bytes, list[Event]] = defaultdict(list)
    for event in came:
        value = event.payload if by is None else _member(event.payload, by)
        if value is not MISSING:
            groups[_canonical([event.kind, value] if by is None else value)].append(event)
    if came and not groups:
        missing = f"none of {counted(len(came), 'accepted event')} has `{by}`"
        raise failure([f"{missing}, so nothing can be said of duplicates; name another member, or by=None for the whole payload"], paint)
    doubled = [same for same in groups.values() if len(same) > 1]
    if doubled:
        what = f"`{by}`" if by is not None else "payload"
        lines = [f"{counted(len(doubled), what)} came more than once"]
        for same in doubled[:LISTED]:
            value = shown(_member(same[0].payload, by) if by is not None else same[0].payload)
            lines.append(f"  {value}: events {', '.join(f'{event.id} (call {event.call})' for event in same[:LISTED])}")
        raise failure(lines, paint, [event for same in doubled for event in same])


def rate(most: int, per: float, *, paint: Paint) -> Steps[None]:
    """In no span of `per` seconds did more than `most` calls come, refused ones too."""
    if most < 1 or per <= 0:
        raise UsageError("assert_rate wants max of 1 or more, and per in seconds above 0")
    came = yield from calls(None, {})
    # Whole milliseconds, as the record has them: the difference of two floats this large is off by more than nothing.
    times = [round(datetime.fromisoformat(call.at).timestamp() * 1000) for call in came]
    span = round(per * 1000, 3)
    first = 0
    for last, moment in enumerate(times):
        while moment - times[first] >= span:
            first += 1
        if last - first + 1 > most:
            within = [call for call, at in zip(came, times, strict=True) if 0 <= at - times[first] < span]
            head = f"{len(within)} calls came in {per:g} s from {came[first].at} on; wanted at most {most}"
            raise failure([head, *(f"  call {call.id} at {call.at[11:23]}: {call.status}" for call in within[:LISTED])], paint)


def _until(filters: Mapping[str, Any], fields: Mapping[str, Any], seconds: float, settled: Callable[[list[Event]], bool]) -> Steps[list[Event]]:
    """The events that match, as soon as they are what is waited for, else when the time is up. Each is fetched once."""
    searched, compared = split(fields)
    deadline = clock.monotonic() + seconds
    found: list[Event] = []
    after, wait = 0, 0.0
    while True:
        asked = {"after": after, "limit": MOST, "count": 1, "wait": f"{wait:.3f}"}
        page = read((yield Ask("GET", "/_mock/events", {**filters, **searched, **asked}, held=wait)), EVENTS)
        found += matching(page, compared)
        after = page.rows[-1].id if page.rows else after
        if page.next is not None:
            continue
        wait = max(0.0, min(deadline - clock.monotonic(), LONGEST_WAIT))
        if settled(found) or not wait:
            return found


def _step(kind: str, fields: Mapping[str, Any]) -> str:
    return kind + described(fields)


def _member(payload: Any, path: str) -> Any:
    for name in path.split("."):
        payload = payload.get(name, MISSING) if isinstance(payload, dict) else MISSING
    return payload


def _canonical(value: Any) -> bytes:
    """One spelling of equal values, whatever the order of members. Raises UsageError for what Python cannot follow."""
    with suppress(orjson.JSONEncodeError):
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    try:  # orjson writes 254 levels, and reads 1,023
        return json.dumps(value, sort_keys=True).encode()
    except RecursionError:
        raise UsageError('a payload nests too deeply to be compared whole; name a member, such as by="messageId"') from None
