"""The JSON forms of the model, both ways: what the server writes, the client reads, the journal keeps and the reports print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import orjson

from mock_june.errors import UsageError
from mock_june.model import Call, Entry, Event, Fault, Overview, Raw, Totals, Violation

SUCCESS = b'{"status":200,"success":true}'
"""The one answer of success, as June's own pages show it (HTTP API, "Response")."""


def dumps(value: Any) -> bytes:
    """JSON bytes of a value made by this module; text that came (`Raw`) stands in it as it came."""
    return orjson.dumps(value)


def violation(v: Violation) -> dict[str, Any]:
    """The one way a violation looks, wherever it is shown."""
    return {
        "rule": v.rule,
        "pointer": v.pointer,
        "message": v.message,
        "hint": v.hint,
        "severity": v.severity,
        "instanceLocation": v.instance_location,
        "keywordLocation": v.keyword_location,
    }


def violation_from(data: Mapping[str, Any]) -> Violation:
    """A violation out of its JSON form; members that are not known are passed over."""
    return Violation(
        data["rule"], data["pointer"], data["message"], data["hint"], data["severity"], data.get("instanceLocation", ""), data.get("keywordLocation", "")
    )


def violations_from(data: Any) -> tuple[Violation, ...]:
    """Violations out of their JSON forms."""
    return tuple(map(violation_from, data or ()))


FAULT_DEFAULTS = Fault()
FAULT_MEMBERS = ("status", "delay", "drop", "retry_after", "rate", "per", "times", "probability", "seed", "kind", "path", "after", "when")


def fault(f: Fault) -> dict[str, Any]:
    """A fault as it was planned: what it does, and whatever was said beside it; plus `id`, `workspace`, `struck`."""
    said = {name: getattr(f, name) for name in FAULT_MEMBERS if getattr(f, name) != getattr(FAULT_DEFAULTS, name)}
    if f.rate is not None:
        said["per"] = f.per
        said.pop("times", None)
    else:
        said["times"] = f.times
        said["when"] = f.when
    return {"id": f.id, "workspace": f.workspace, **said, "struck": f.struck}


def fault_from(data: Mapping[str, Any]) -> Fault:
    """A fault out of its JSON form, as `fault` writes it."""
    said = {name: data[name] for name in ("id", "workspace", "struck", *FAULT_MEMBERS) if name in data}
    if "rate" in said:
        said["times"] = None
    return Fault(**said)


def event(e: Event) -> dict[str, Any]:
    """An event as `GET /_mock/events` shows it."""
    return {
        "id": e.id,
        "call": e.call,
        "at": e.at,
        "workspace": e.workspace,
        "contract": e.contract,
        "kind": e.kind,
        "accepted": e.accepted,
        "payload": orjson.Fragment(bytes(e.payload)) if isinstance(e.payload, Raw) else e.payload,
        "violations": [violation(v) for v in e.violations],
        "warnings": [violation(v) for v in e.warnings],
    }


def event_from(data: Mapping[str, Any]) -> Event:
    """An event out of its JSON form."""
    return Event(
        data["id"],
        data["call"],
        data["at"],
        data["workspace"],
        data["contract"],
        data["kind"],
        data["accepted"],
        data["payload"],
        violations_from(data["violations"]),
        violations_from(data["warnings"]),
    )


def headers(pairs: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Headers by lower-case name; values of one name joined by ", " (RFC 9110 section 5.3)."""
    joined: dict[str, str] = {}
    for name, value in pairs:
        lower = name.lower()
        joined[lower] = f"{joined[lower]}, {value}" if lower in joined else value
    return joined


def call(c: Call) -> dict[str, Any]:
    r"""A call as `GET /_mock/calls/<id>` shows it. `body` is text: bytes that are no UTF-8 stand in it as `\xNN`."""
    return {
        "id": c.id,
        "at": c.at,
        "workspace": c.workspace,
        "method": c.method,
        "path": c.path,
        "headers": headers(c.headers),
        "body": c.body.decode("utf-8", "backslashreplace"),
        "status": c.status,
        "code": c.code,
        "accepted": c.accepted,
        "fault": None if c.fault is None else fault(c.fault),
        "violations": [violation(v) for v in c.violations],
        "violations_total": c.violations_total,
        "answer": orjson.Fragment(c.answer or SUCCESS),
        "duration_ms": c.duration_ms,
        "events": [event(e) for e in c.events],
    }


def brief_event(e: Event, payload_bytes: int) -> dict[str, Any]:
    """An event as `GET /_mock/events/<id>?form=brief` shows it: without its payload, but with its size."""
    whole = event(e)
    del whole["payload"]
    return whole | {"payload_bytes": payload_bytes}


def brief(c: Call, body_bytes: int, events: int) -> dict[str, Any]:
    """A call as `GET /_mock/calls/<id>?form=brief` shows it: without body and events, but with their sizes."""
    whole = call(c)
    del whole["body"], whole["events"]
    return whole | {"body_bytes": body_bytes, "events_total": events}


def entry(e: Entry) -> dict[str, Any]:
    """An entry as `GET /_mock/entries` shows it."""
    return {
        "call": e.call,
        "event": e.event,
        "at": e.at,
        "workspace": e.workspace,
        "method": e.method,
        "path": e.path,
        "status": e.status,
        "code": e.code,
        "accepted": e.accepted,
        "fault": None if e.fault is None else fault(e.fault),
        "duration_ms": e.duration_ms,
        "contract": e.contract,
        "kind": e.kind,
        "place": e.place,
        "of": e.of,
        "glance": e.glance,
        "finding": None if e.finding is None else violation(e.finding),
        "violations": e.violations,
        "warnings": e.warnings,
    }


def overview(o: Overview, severity: Mapping[str, str]) -> dict[str, Any]:
    """Counts as `GET /_mock/stats` shows them. `severity` of a rule by its id; of one that is no longer in force it is not known."""
    return {
        "last": o.last,
        "entries": o.entries,
        "calls": _split(o.calls),
        "events": _split(o.events),
        "kinds": [{"kind": kind, **_split(split)} for kind, split in o.kinds.items()],
        "rules": [{"rule": rule, "severity": severity.get(rule), "count": count} for rule, count in o.rules.items()],
        "times": None if o.times is None else {"start": o.times.start, "step_s": o.times.step, "accepted": o.times.accepted, "rejected": o.times.rejected},
    }


def _split(split: tuple[int, int]) -> dict[str, int]:
    return {"accepted": split[0], "rejected": split[1]}


def call_from(data: Mapping[str, Any]) -> Call:
    """A call out of its JSON form. Its `answer` is JSON bytes again."""
    return Call(
        data["id"],
        data["at"],
        data["workspace"],
        data["method"],
        data["path"],
        tuple(data["headers"].items()),
        cast("str", data["body"]).encode(),
        data["status"],
        data["code"],
        data["accepted"],
        None if data["fault"] is None else fault_from(data["fault"]),
        violations_from(data["violations"]),
        data.get("violations_total", len(data["violations"])),
        b"" if data["code"] is None else orjson.dumps(data["answer"]),
        data["duration_ms"],
        tuple(map(event_from, data["events"])),
    )


def totals(t: Totals) -> dict[str, int]:
    """Counts as `/_mock/health` shows them."""
    return t._asdict()


def loads(body: bytes, what: str = "the body") -> Any:
    """Parsed JSON of a control request or answer. Raises UsageError, with the position, on what is no JSON."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UsageError(f"{what} is no JSON: {error}") from None
