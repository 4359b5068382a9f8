"""JSON Schemas of what the server writes, for the OpenAPI document: the forms that `wire` and `answers` give."""

from __future__ import annotations

from typing import Any

from mock_june.model import KINDS
from mock_june.server import faults
from mock_june.server.answers import CODES, LISTED

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
MAYBE_TEXT: Json = {"type": ["string", "null"]}
ID: Json = {"type": "integer", "minimum": 1}
COUNT: Json = {"type": "integer", "minimum": 0}
WHEN: Json = {"type": "string", "description": "UTC, RFC 3339 with milliseconds.", "examples": ["2026-01-31T12:00:00.000Z"]}
CURSOR: Json = {"type": ["integer", "null"], "description": "What to give as `after` for more; null: there is no more."}


def _object(required: Json, optional: Json | None = None, **more: Any) -> Json:
    return {"type": "object", **more, "required": list(required), "properties": {**required, **(optional or {})}}


def _list(name: str, **more: Any) -> Json:
    return {"type": "array", **more, "items": {"$ref": f"#/components/schemas/{name}"}}


def _nullable(name: str) -> Json:
    return {"anyOf": [{"$ref": f"#/components/schemas/{name}"}, {"type": "null"}]}


_KIND: Json = {"enum": list(KINDS["sdk"])}
_COMPLETE: Json = {"complete": {"type": "boolean", "description": "Whether `count` match; there where `count` was asked for."}}

_EVENT: Json = {
    "id": ID,
    "call": ID,
    "at": WHEN,
    "workspace": MAYBE_TEXT,
    "contract": {"enum": list(KINDS)},
    "kind": _KIND,
    "accepted": {"type": "boolean"},
    "violations": _list("Violation"),
    "warnings": _list("Violation"),
}
_CALL: Json = {
    "id": ID,
    "at": WHEN,
    "workspace": MAYBE_TEXT,
    "method": TEXT,
    "path": TEXT,
    "headers": {"type": "object", "additionalProperties": TEXT},
    "status": {"type": "integer"},
    "code": MAYBE_TEXT,
    "accepted": {"type": "boolean"},
    "fault": _nullable("Fault"),
    "violations": _list("Violation", maxItems=LISTED),
    "violations_total": COUNT,
    "answer": {"description": "The JSON that was answered."},
    "duration_ms": {"type": "number", "minimum": 0},
}

SHAPES: Json = {
    "Success": _object({"status": {"const": 200}, "success": {"const": True}}),
    "Refusal": _object(
        {
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "success": {"const": False},
            "code": {"type": "string", "enum": sorted({*CODES.values(), "invalid_json", "invalid_request", "fault"})},
            "message": {"type": "string", "minLength": 1, "description": "One line that says what to do."},
            "errors": _list("Violation", maxItems=LISTED),
            "errors_total": COUNT,
        },
        description="The one shape of every answer that is no success.",
    ),
    "Violation": _object(
        {
            "rule": {"type": "string", "examples": ["track.timestamp.pattern"]},
            "pointer": {"type": "string", "description": "A JSON Pointer, to a missing member too."},
            "message": TEXT,
            "hint": TEXT,
            "severity": {"enum": ["error", "warning"]},
            "instanceLocation": TEXT,
            "keywordLocation": TEXT,
        },
        description="A broken rule in one event; a warning has the same shape.",
    ),
    "Event": _object({**_EVENT, "payload": {"description": "As it came."}}),
    "BriefEvent": _object({**_EVENT, "payload_bytes": COUNT}, description="An event without its payload."),
    "Call": _object(
        {**_CALL, "body": {"type": "string", "description": "Bytes that are no UTF-8 stand in it as `\\xNN`."}, "events": _list("Event")},
        description="One request and its answer, API keys masked.",
    ),
    "BriefCall": _object({**_CALL, "body_bytes": COUNT, "events_total": COUNT}, description="A call without its body and events."),
    "Entry": _object(
        {
            "call": ID,
            "event": {"type": ["integer", "null"], "description": "null: the call has no events."},
            "at": WHEN,
            "workspace": MAYBE_TEXT,
            "method": TEXT,
            "path": TEXT,
            "status": {"type": "integer"},
            "code": MAYBE_TEXT,
            "accepted": {"type": "boolean"},
            "fault": _nullable("Fault"),
            "duration_ms": {"type": "number", "minimum": 0},
            "contract": {"enum": [*KINDS, None]},
            "kind": {"enum": [*KINDS["sdk"], None]},
            "place": {**COUNT, "description": "Where the event stands among the `of` events of its call, from 1."},
            "of": COUNT,
            "glance": {"type": "object", "description": "The payload's ids, event name and timestamp, where they are no Object or array, cut where long."},
            "finding": _nullable("Violation"),
            "violations": COUNT,
            "warnings": COUNT,
        },
        description="An event, or a call without events. `finding` is the first of its violations, else of its warnings.",
    ),
    "Entries": _object({"entries": _list("Entry")}),
    "Split": _object({"accepted": COUNT, "rejected": COUNT}),
    "Stats": _object(
        {
            "last": {**COUNT, "description": "The newest call on record, whatever the filter."},
            "entries": {**COUNT, "description": "How long the list is."},
            "calls": {"$ref": "#/components/schemas/Split"},
            "events": {"$ref": "#/components/schemas/Split"},
            "kinds": {"type": "array", "items": _object({"kind": _KIND, "accepted": COUNT, "rejected": COUNT})},
            "rules": {"type": "array", "items": _object({"rule": TEXT, "severity": {"enum": ["error", "warning", None]}, "count": COUNT})},
            "times": _nullable("Times"),
        }
    ),
    "Times": _object(
        {
            "start": WHEN,
            "step_s": {"type": "integer", "minimum": 1, "description": "Seconds of each stretch."},
            "accepted": {"type": "array", "items": COUNT},
            "rejected": {"type": "array", "items": COUNT},
        },
        description="Entries over time: of the last hour at most, up to the newest call.",
    ),
    "Workspaces": _object(
        {
            "workspaces": {
                "type": "array",
                "items": _object({"workspace": TEXT, "calls": COUNT, "events": COUNT, "rejected": COUNT, "last_at": WHEN}),
            },
            "any_key": {"type": "boolean", "description": "Whether any key is good."},
        }
    ),
    "Rule": _object(
        dict.fromkeys(("id", "severity", "meaning", "hint", "why", "wrong", "right", "python", "node"), TEXT),
        description="`wrong` and `right` are JSON texts of a payload, `python` and `node` are code.",
    ),
    "Fix": _object(
        {
            "changes": {
                "type": "array",
                "items": _object(
                    {"op": {"enum": ["add", "move", "remove", "replace"]}, "path": TEXT, "reason": TEXT},
                    {"from": TEXT, "value": {"description": "The better value."}},
                ),
            }
        },
        description="A JSON Patch (RFC 6902), with what each operation is for.",
    ),
    "Calls": _object({"calls": _list("Call"), "next": CURSOR}, _COMPLETE),
    "Events": _object({"events": _list("Event"), "next": CURSOR}, _COMPLETE),
    "Health": _object(
        {
            "status": {"const": "ok"},
            "version": TEXT,
            "rules_hash": {"type": "string", "description": "Of the rules in force: verdicts of one hash can be compared."},
            "uptime_s": {"type": "number", "minimum": 0},
            "calls": COUNT,
            "events": COUNT,
            "rejected": COUNT,
            "discarded": {**COUNT, "description": "Old calls that went to keep to `--max-calls`."},
            "journal": {"type": "string", "description": "Tells this record from others: after a restart with a fresh one, ids begin anew."},
            "last_call": {**COUNT, "description": "The id of the newest call of any workspace, on record still or not; 0 before the first."},
        }
    ),
    "Done": _object({"status": {"const": "ok"}}),
    "Deleted": _object({"deleted": COUNT}),
    "Faults": _object({"faults": _list("Fault")}),
    "Fault": _object(
        {"id": ID, "workspace": MAYBE_TEXT, "struck": COUNT},
        {**faults.MISHAP["properties"], **faults.LIMIT["properties"]},
        description="A fault as it was planned, and how often it has struck.",
    ),
    "FaultPlan": {
        "anyOf": [
            {"$ref": "#/components/schemas/FaultToPlan"},
            _list("FaultToPlan", minItems=1),
        ]
    },
    "FaultToPlan": {"anyOf": [{"$ref": "#/components/schemas/Mishap"}, {"$ref": "#/components/schemas/RateLimit"}]},
    "Mishap": {**faults.MISHAP, "anyOf": [{"required": [name]} for name in faults.DOES if name in faults.MISHAP["properties"]]},
    "RateLimit": faults.LIMIT,
    "Har": _object({"log": {"type": "object"}}),
}
