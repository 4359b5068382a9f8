"""Expectations of what came, without I/O: each is a generator as in `asks`, which returns what it found or raises NotReceivedError with what did come.

A failure shows the nearest recorded events and what differs, in the manner of a diff: `-` is what was expected, `+` what came.
"""

from __future__ import annotations

import fnmatch
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import orjson

from mock_june import clock, wire
from mock_june.client.asks import CALLS, EVENTS, LONGEST_WAIT, MOST, Ask, Steps, calls, events, matching, read, split
from mock_june.errors import NotReceivedError, UsageError
from mock_june.matching import MISSING, Difference, difference, nearest, shown
from mock_june.model import Call, Event
from mock_june.text import cut, printable

Wanted: TypeAlias = "str | tuple[str, Mapping[str, Any]]"
"""One step of an order: a kind, or a kind with members of its payload."""

Paint: TypeAlias = Callable[[str], str]
"""Colours one line of a failure by its first character; the plugin's, where the terminal has colours."""

__tracebackhide__ = True  # pytest shows a failed assertion where the test makes it

NEAR = 3
DIFFERENCES = 8
LISTED = 10


def plain(line: str) -> str:
    """No colour."""
    return line


def wait_for(count: int, seconds: float, filters: Mapping[str, Any], fields: Mapping[str, Any], *, since: int, paint: Paint) -> Steps[list[Event]]:
    """The events that match, once there are `count`. Raises NotReceivedError after so many `seconds`."""
    if count < 1:
        raise UsageError(f"wait_for waits for at least 1 event, not {count}")
    came = yield from _until(filters, fields, seconds, lambda found: len(found) >= count)
    if len(came) >= count:
        return came
    kind = filters.get("kind")
    head = f"{len(came)} of {count} came in {seconds:g} s: {kind or 'event'}{_described(fields)}"
    text = yield from _explained(head, kind, fields, came, since, paint)
    raise NotReceivedError(text, tuple(came))


def received(
    kind: str | None, fields: Mapping[str, Any], *, count: int | None, at_least: int | None, within: float, attempts: int | None, since: int, paint: Paint
) -> Steps[list[Event]]:
    """The accepted events that match, if they are as many as wanted: `count` exactly, else `at_least`, else one.

    `attempts`: how often it came in all, refused or not. With `within`, waits so many seconds for them.
    """
    if count is not None and at_least is not None:
        raise UsageError("count and at_least exclude each other")
    if count == 0:
        raise UsageError("for count=0 use assert_not_received")
    least = count if count is not None else at_least or 1

    def settled(found: list[Event]) -> bool:
        good = sum(event.accepted for event in found)
        return good >= least and (attempts is None or len(found) >= attempts)

    came = yield from _until({"kind": kind}, fields, within, settled)
    good = [event for event in came if event.accepted]
    enough = len(good) == count if count is not None else len(good) >= least
    if enough and attempts in {None, len(came)}:
        return good
    if enough:
        head = f"{kind or 'an event'}{_described(fields)} came {_times(len(came))}, refused or not; wanted attempts={attempts}"
    else:
        wanted = f"{'exactly' if count is not None else 'at least'} {least}"
        head = f"{_counted(len(good), 'accepted ' + (kind or 'event'))} came{_described(fields)}; wanted {wanted}"
    text = yield from _explained(f"{head} within {within:g} s" if within else head, kind, fields, good, since, paint)
    raise NotReceivedError(text, tuple(good))


def not_received(kind: str | None, fields: Mapping[str, Any], *, within: float, paint: Paint) -> Steps[None]:
    """Nothing that matches came, accepted or not; with `within`, nor does it come in so many seconds."""
    came = yield from _until({"kind": kind}, fields, within, bool)
    if not came:
        return
    lines = [f"{_counted(len(came), kind or 'event')} came{_described(fields)}; wanted none"]
    lines += [f"  {_told(event)}: {cut(printable(repr(event.payload)), 200)}" for event in came[:LISTED]]
    raise NotReceivedError("\n".join(map(paint, lines)), tuple(came))


def rejected(rule: str, count: int | None, *, since: int, paint: Paint) -> Steps[list[Call]]:
    """The rejected calls that break a rule, if they are `count`, else one or more."""
    every = [call for call in (yield from calls(None, {"accepted": False})) if not spared(call)]
    found = [call for call in every if any(fnmatch.fnmatchcase(violation.rule, rule) for violation in call.violations)]
    if len(found) == count or (count is None and found):
        return found
    lines = [f"{_counted(len(found), 'call')} that breaks {printable(rule)} came; wanted {'at least one' if count is None else f'exactly {count}'}"]
    lines += rejections(call for call in every if call not in found)
    lines += yield from _meanwhile(since)
    raise NotReceivedError("\n".join(map(paint, lines)))


def accepted(*, since: int, paint: Paint) -> Steps[None]:
    """No call was refused by a rule. What a planned fault refused is not rejected."""
    refused = [call for call in (yield from calls(None, {"accepted": False})) if not spared(call)]
    if refused:
        lines = [f"{_counted(len(refused), 'call')} {'was' if len(refused) == 1 else 'were'} rejected", *rejections(refused)]
        lines += yield from _meanwhile(since)
        raise NotReceivedError("\n".join(map(paint, lines)))


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
        lines = [head, "in the order in which they came:", *(f"  {_told(event)}" for event in came[:LISTED])]
        if len(came) > LISTED:
            lines.append(f"  … and {len(came) - LISTED} more")
        lines += yield from _meanwhile(since)
        raise NotReceivedError("\n".join(map(paint, lines)), tuple(found))
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
        missing = f"none of {_counted(len(came), 'accepted event')} has `{by}`"
        raise NotReceivedError(f"{missing}, so nothing can be said of duplicates; name another member, or by=None for the whole payload")
    doubled = [same for same in groups.values() if len(same) > 1]
    if doubled:
        what = f"`{by}`" if by is not None else "payload"
        lines = [f"{_counted(len(doubled), what)} came more than once"]
        for same in doubled[:LISTED]:
            value = shown(_member(same[0].payload, by)) if by is not None else cut(printable(repr(same[0].payload)), 200)
            where = ", ".join(f"{event.id} (call {event.call})" for event in same[:LISTED])
            lines.append(f"  {value}: events {where}")
        raise NotReceivedError("\n".join(map(paint, lines)), tuple(event for same in doubled for event in same))


def rate(most: int, per: float, *, paint: Paint) -> Steps[None]:
    """In no span of `per` seconds did more than `most` calls come, refused ones too."""
    if most < 1 or per <= 0:
        raise UsageError("assert_rate wants max of 1 or more, and per in seconds above 0")
    came = yield from calls(None, {})
    times = [datetime.fromisoformat(call.at).timestamp() for call in came]
    first = 0
    for last, moment in enumerate(times):
        while moment - times[first] >= per:
            first += 1
        if last - first + 1 > most:
            within = [call for call, at in zip(came, times, strict=True) if 0 <= at - times[first] < per]
            head = f"{len(within)} calls came in {per:g} s from {came[first].at} on; wanted at most {most}"
            lines = [head, *(f"  call {call.id} at {call.at[11:23]}: {call.status}" for call in within[: most + 1])]
            raise NotReceivedError("\n".join(map(paint, lines)))


def spared(call: Call) -> bool:
    """Whether a call that was not accepted is no fault of the sender's: a planned fault refused it."""
    return call.code in {"fault", "rate_limited"} and call.fault is not None


def rejections(refused: Iterable[Call]) -> list[str]:
    """Rejected calls with their violations, the payload with the failing member marked, and what to do."""
    lines = []
    for number, call in enumerate(refused):
        if number == LISTED:
            lines.append("  … and more")
            break
        lines.append(f"  call {call.id}: {printable(call.method)} {printable(call.path)} was answered {call.status} {call.code}")
        if not call.violations:
            lines.append(f"    {printable(cut(str(wire.loads(call.answer).get('message', '')), 300))}" if call.answer else "")
        for violation in call.violations[:DIFFERENCES]:
            lines += [f"  - {violation.pointer or '(the body)'}: {printable(violation.message)}   [{violation.rule}]", f"    {printable(violation.hint)}"]
        lines += marked(call)
    return [line for line in lines if line]


def marked(call: Call) -> list[str]:
    """The payloads of a rejected call, a member a line, `>` before each that fails; a member that is missing stands there as such."""
    lines: list[str] = []
    for event in [event for event in call.events if event.violations][:NEAR]:
        failing = {violation.pointer.split("/")[1] if violation.pointer else "" for violation in event.violations}
        payload = event.payload if isinstance(event.payload, dict) else {}
        for name, value in payload.items():
            lines.append(f"    {'>' if name in failing else ' '} {printable(name)}: {cut(printable(repr(value)), 100)}")
        lines += [f"    > {name}: (missing)" for name in sorted(failing - {"", *payload})]
    return lines


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


def _explained(head: str, kind: str | None, fields: Mapping[str, Any], matched: list[Event], since: int, paint: Paint) -> Steps[str]:
    """A failure's text: what was wanted, what came near, what was rejected."""
    lines = [head]
    known = {event.id for event in matched}
    others = [event for event in (yield from events(MOST, {}, {})) if event.id not in known]
    same = [event for event in others if event.kind == kind] if kind is not None else others
    near = nearest(fields, same or others, NEAR)
    if near:
        lines.append("nearest:" if matched or same else f"no other {kind} came; nearest:")
    for event, differences in near:
        lines.append(f"  {_told(event)}")
        if kind is not None and event.kind != kind:
            lines += [f"    - {kind}", f"    + {event.kind}"]
        lines += [line for one in differences[:DIFFERENCES] for line in _diff(one)]
        if not differences and event.kind == kind:
            lines.append("    matches, but was not accepted" if not event.accepted else "    matches")
        lines += [f"    {violation.rule}: {printable(violation.message)}. {printable(violation.hint)}" for violation in event.violations[:DIFFERENCES]]
    if not near:
        lines.append("nothing else came" if matched else "no event came at all")
    lines += yield from _meanwhile(since)
    return "\n".join(map(paint, lines))


def _meanwhile(since: int) -> Steps[list[str]]:
    """How many calls were answered 401: they belong to no workspace, so nothing else speaks of them."""
    page = read((yield Ask("GET", "/_mock/calls", {"accepted": False, "after": since, "limit": MOST}, narrowed=False)), CALLS)
    refused = [call for call in page.rows if call.status == 401]
    if not refused:
        return []
    return [f"meanwhile {_counted(len(refused), 'call')} with no good key came, answered 401: does the code under test send this test's key?"]


def _diff(one: Difference) -> list[str]:
    return [f"    {printable(one.pointer)}", f"    - {shown(one.expected)}", f"    + {'(missing)' if one.actual is MISSING else shown(one.actual)}"]


def _told(event: Event) -> str:
    name = event.payload.get("event") if isinstance(event.payload, dict) else None
    what = f"{event.kind} {printable(cut(name, 60))!r}" if isinstance(name, str) else event.kind
    return f"event {event.id} (call {event.call}), {what}, {'accepted' if event.accepted else 'not accepted'}"


def _step(kind: str, fields: Mapping[str, Any]) -> str:
    return kind + _described(fields)


def _described(fields: Mapping[str, Any]) -> str:
    return " with " + ", ".join(f"{name}={shown(value)}" for name, value in fields.items()) if fields else ""


def _counted(number: int, what: str) -> str:
    return f"{'no' if number == 0 else number} {what}{'' if number == 1 else 's'}"


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def _member(payload: Any, path: str) -> Any:
    for name in path.split("."):
        payload = payload.get(name, MISSING) if isinstance(payload, dict) else MISSING
    return payload


def _canonical(value: Any) -> bytes:
    """One spelling of equal values, whatever the order of members."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
