"""What a failed expectation says: the nearest recorded events and what differs, what was rejected and why, and how many calls came with no good key.

In the manner of a diff: `-` is what was expected, `+` what came; `>` marks a member that fails.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from mock_june import wire
from mock_june.client.asks import CALLS, MOST, calls, events
from mock_june.client.exchange import Ask, Steps, read
from mock_june.errors import NotReceivedError
from mock_june.matching import MISSING, Difference, nearest, shown
from mock_june.model import Call, Event
from mock_june.text import cut, printable

Paint: TypeAlias = Callable[[str], str]
"""Colours one line of a failure by its first character; the plugin's, where the terminal has colours."""

NEAR = 3
DIFFERENCES = 8
LISTED = 10


def plain(line: str) -> str:
    """No colour."""
    return line


def failure(lines: Iterable[str], paint: Paint, matched: Iterable[Event] = ()) -> NotReceivedError:
    """The error that a failed expectation is. `matched` are the events that it found all the same."""
    return NotReceivedError("\n".join(map(paint, lines)), tuple(matched))


def rejections(refused: Iterable[Call]) -> list[str]:
    """Rejected calls with their violations, the payload with the failing member marked, and what to do. Of several that are alike the first is shown."""
    alike: dict[tuple[Any, ...], list[Call]] = defaultdict(list)
    for call in refused:
        alike[call.path, call.status, call.code, *sorted({violation.rule for violation in call.violations})].append(call)
    lines: list[str] = []
    for first, *others in list(alike.values())[:LISTED]:
        lines += _rejection(first)
        if others:
            numbers = ", ".join(str(call.id) for call in others[:LISTED])
            lines.append(f"  and {counted(len(others), 'call')} like it: {numbers}{', …' if len(others) > LISTED else ''}")
    if len(alike) > LISTED:
        lines.append(f"  … and {counted(len(alike) - LISTED, 'other mistake')}")
    return lines


def _rejection(call: Call) -> list[str]:
    lines = [f"  call {call.id}: {printable(call.method)} {printable(cut(call.path, 200))} was answered {call.status} {call.code}"]
    if not call.violations:
        lines.append(f"    {_message(call)}")
    for violation in call.violations[:DIFFERENCES]:
        where = printable(cut(violation.pointer, 200)) or "(the body)"
        lines += [f"  - {where}: {printable(violation.message)}   [{violation.rule}]", f"    {printable(violation.hint)}"]
    if call.violations_total > DIFFERENCES:
        lines.append(f"    … and {call.violations_total - DIFFERENCES} more violations")
    return lines + _marked(call)


def _message(call: Call) -> str:
    """What the fake answered to a call that it refused before there was an event to judge."""
    said = wire.loads(call.answer) if call.answer else {}
    return printable(cut(str(said.get("message", "")), 300))


def _marked(call: Call) -> list[str]:
    """The payloads of a rejected call, a member a line, `>` before each that fails; a member that is missing stands there as such."""
    lines: list[str] = []
    for event in [event for event in call.events if event.violations][:NEAR]:
        failing = {_first(violation.pointer) for violation in event.violations}
        payload = event.payload if isinstance(event.payload, dict) else {}
        lines += [f"    {'>' if name in failing else ' '} {printable(cut(name, 60))}: {cut(shown(value), 100)}" for name, value in payload.items()]
        lines += [f"    > {printable(cut(name, 60))}: (missing)" for name in sorted(failing - {"", *payload})]
    return lines


def _first(pointer: str) -> str:
    """The first member's name in a JSON Pointer (RFC 6901 section 4)."""
    return pointer.split("/")[1].replace("~1", "/").replace("~0", "~") if pointer else ""


def explained(kind: str | None, fields: Mapping[str, Any], matched: list[Event], since: int) -> Steps[list[str]]:
    """What came in the place of what was wanted: the events that come near and what differs, the reason of each that was not accepted."""
    refused = {call.id: call for call in (yield from calls(MOST, {"accepted": False}))}
    known = {event.id for event in matched}
    others = [event for event in (yield from events(MOST, {"kind": kind}, {})) if event.id not in known]
    same = bool(others or matched)
    if not same and kind is not None:
        others = yield from events(MOST, {}, {})
    near = nearest(fields, others, NEAR)
    lines = []
    if near:
        lines.append("nearest:" if same else f"no other {kind} came; nearest:")
    for event, differences in near:
        lines += [*_compared(kind, event, differences), *_reasons(event, refused.get(event.call))]
    if not near:
        lines.append("nothing else came" if matched else "no event came at all")
    unread = [call for call in refused.values() if not call.events and not call.refused_as_planned]
    if unread:
        lines += ["rejected before there was an event:", *rejections(unread)]
    return lines + (yield from meanwhile(since))


def _compared(kind: str | None, event: Event, differences: list[Difference]) -> list[str]:
    lines = [f"  {told(event)}"]
    if kind is not None and event.kind != kind:
        lines += [f"    - {kind}", f"    + {event.kind}"]
    elif not differences:
        lines.append("    matches" if event.accepted else "    matches, but was not accepted")
    return lines + [line for one in differences[:DIFFERENCES] for line in _diff(one)]


def _diff(one: Difference) -> list[str]:
    return [f"    {printable(one.pointer)}", f"    - {shown(one.expected)}", f"    + {'(missing)' if one.actual is MISSING else shown(one.actual)}"]


def _reasons(event: Event, call: Call | None) -> list[str]:
    """Why an event was not accepted: its own violations, else what refused its call."""
    if event.violations:
        return [f"    {violation.rule}: {printable(violation.message)}. {printable(violation.hint)}" for violation in event.violations[:DIFFERENCES]]
    if call is None:
        return []
    if call.refused_as_planned and call.fault is not None:
        return [f"    its call was answered {call.status}, as fault {call.fault.id} was planned to"]
    return [f"    its call was answered {call.status} {call.code}: {_message(call)}"]


def meanwhile(since: int) -> Steps[list[str]]:
    """How many calls were answered 401: they belong to no workspace, so nothing else speaks of them."""
    page = read((yield Ask("GET", "/_mock/calls", {"accepted": False, "after": since, "limit": MOST}, narrowed=False)), CALLS)
    refused = [call for call in page.rows if call.status == 401]
    if not refused:
        return []
    return [f"meanwhile {counted(len(refused), 'call')} with no good key came, answered 401: does the code under test send this test's key?"]


def told(event: Event) -> str:
    """An event on one line."""
    name = event.payload.get("event") if isinstance(event.payload, dict) else None
    what = f"{event.kind} {shown(cut(name, 60))}" if isinstance(name, str) else event.kind
    return f"event {event.id} (call {event.call}), {what}, {'accepted' if event.accepted else 'not accepted'}"


def described(fields: Mapping[str, Any]) -> str:
    """Members that were asked for, as they were written."""
    return " with " + ", ".join(f"{name}={shown(value)}" for name, value in fields.items()) if fields else ""


def counted(number: int, what: str) -> str:
    """A number of things, in words that agree with it."""
    return f"{'no' if number == 0 else number} {what}{'' if number == 1 else 's'}"
