"""The OpenAPI 3.1 document, over the same schema files that decide. Routes, bounds and codes come from where they are kept; only the words are here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

import orjson

from mock_june import __version__
from mock_june.contract import Engine, schemas
from mock_june.model import KINDS, Endpoint
from mock_june.server import page, routes
from mock_june.server.control import query, shapes
from mock_june.server.control.query import Parameter

Json = dict[str, Any]

REFUSED = {
    400: "The request is not as it must be; `errors` says what, where and how to put it right.",
    401: "There is no API key, or none that is taken here.",
    403: "The control API does not believe this Host, this Origin or this site.",
    404: "There is no such thing.",
    405: "The path takes other methods; `Allow` lists them.",
    413: "The body is too large.",
    415: "The body's Content-Type or Content-Encoding is not taken.",
    429: "A planned rate limit; `Retry-After` says when to come back.",
    503: "The journal cannot be written: nothing of this call was recorded.",
}
HEADERS_OF: dict[int, Json] = {
    401: {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}},
    405: {"Allow": {"required": True, "schema": {"type": "string"}}},
    429: {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 0}}},
}
TAKEN = (400, 401, 405, 413, 415, 429, 503)
GUARDED = (400, 401, 403, 405)
CONTROL_SECURITY: list[Json] = [{}, {"basic": []}, {"token": []}, {"basic": [], "token": []}]


def document(engine: Engine) -> Json:
    """The document of a fake whose rules in force are `engine`'s. A new value at each call."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mock-june",
            "version": __version__,
            "summary": "A fake of June's API, and the control API that asks what came.",
            "description": "Two published contracts, `backfill` and `sdk`, and below `/_mock` what a test asks of the fake.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "x-rules-hash": engine.rules_hash,
        },
        "servers": [{"url": "/", "description": "The fake itself."}],
        "tags": [
            {"name": "backfill", "description": "The contract of June's article *Backfill your events*."},
            {"name": "sdk", "description": "The contract of June's HTTP API pages, which its SDKs speak."},
            {"name": "control", "description": "What came, and what shall go wrong. Basic auth narrows a request to that key's workspace."},
        ],
        "paths": {**_ingestion(), **_control()},
        "components": {
            "schemas": {**_contract_schemas(), **shapes.SHAPES},
            "responses": {_response_name(status): _refused(status) for status in REFUSED} | {"Fault": _fault()},
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic", "description": "The API key: as it stands after `Basic`, or as the user name of RFC 7617."},
                "token": {"type": "apiKey", "in": "header", "name": "X-Mock-June-Token", "description": "Wanted when the fake is bound beyond loopback."},
            },
        },
    }


def schema_name(contract: str, kind: str) -> str:
    """The name of a schema file among the components."""
    return contract.capitalize() + kind.capitalize()


def _contract_schemas() -> Json:
    named: Json = {}
    for contract in KINDS:
        for kind in schemas.names(contract):
            # `$id` and `$schema` make a file a document of its own; inside another document they would move the base of its references.
            named[schema_name(contract, kind)] = {name: value for name, value in schemas.load(contract, kind).items() if name not in {"$id", "$schema"}}
    named["SdkBatchOfEvents"] = {
        "title": "A batch whose messages keep the schemas of their kinds",
        "allOf": [_ref(schema_name("sdk", schemas.ENVELOPE))],
        "properties": {"batch": {"items": {"allOf": [_if_kind(kind) for kind in KINDS["sdk"]]}}},
    }
    return named


def _if_kind(kind: str) -> Json:
    return {"if": {"properties": {"type": {"const": kind}}, "required": ["type"]}, "then": _ref(schema_name("sdk", kind))}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _ingestion() -> Json:
    paths: Json = {}
    for path, endpoint in routes.ROUTES.items():
        operation: Json = {
            "operationId": "send" + "".join(part.capitalize() for part in path.split("/")),
            "tags": [endpoint.contract],
            "summary": _summary(endpoint),
            "security": [{"basic": []}] if endpoint.contract == "backfill" else [{"basic": []}, {}],
            "requestBody": _body(endpoint),
            "responses": {"200": _taken(), **_refusals(TAKEN), "default": _response("Fault")},
        }
        if endpoint.contract == "sdk":
            operation["description"] = "Without an Authorization header, the browser's `writeKey` in the body is the API key."
        paths[path] = {"post": operation}
    return paths


def _taken() -> Json:
    return {"description": "Taken.", "headers": {"Access-Control-Allow-Origin": {"schema": {"const": "*"}}}, "content": _json(_ref("Success"))}


def _summary(endpoint: Endpoint) -> str:
    if endpoint.shape == "counters":
        return "The browser SDK's counters: recorded as a call without events."
    if endpoint.shape == "batch":
        return "A batch of events: any violation refuses the whole."
    return f"One {endpoint.kind} of the {endpoint.contract} contract."


def _body(endpoint: Endpoint) -> Json:
    if endpoint.shape == "counters":
        return {"required": False, "content": {"application/json": {}, "text/plain": {}}}
    kind = endpoint.kind or schemas.ENVELOPE
    media: Json = {"schema": _ref("SdkBatchOfEvents" if endpoint.kind is None else schema_name(endpoint.contract, kind))}
    examples = _examples(endpoint.contract, kind)
    if examples:
        media["examples"] = examples
    return {
        "required": True,
        "description": "One JSON object in UTF-8; identity, gzip or deflate.",
        "content": {"application/json": media, "text/plain": {"schema": media["schema"]}},
    }


def _examples(contract: str, kind: str) -> Json:
    """The valid examples that stand beside the schema files and are warned about by no rule."""
    found: Json = {}
    for path in sorted((schemas.folder() / "examples" / "valid" / contract / kind).glob("*.json")):
        example = orjson.loads(path.read_bytes())
        if "payload" in example and not example.get("warns"):
            found[path.stem] = {"summary": example["description"], "value": example["payload"]}
    return found


def _control() -> Json:
    number: Json = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 0, "maximum": query.LAST_ID}}
    scope, extent = _asked((query.WORKSPACE,)), [number, *_asked((query.EXTENT,))]
    rule: Json = {"name": "rule", "in": "path", "required": True, "schema": {"type": "string"}}
    file: Json = {"name": "file", "in": "path", "required": True, "schema": {"type": "string"}}
    named: list[Json] = [
        {"name": "contract", "in": "path", "required": True, "schema": {"enum": list(KINDS)}},
        {"name": "kind", "in": "path", "required": True, "schema": {"enum": list(schemas.names("sdk"))}},
    ]
    resume: Json = {"name": "Last-Event-ID", "in": "header", "description": "Where the stream goes on; outranks `after`.", "schema": query.AFTER.schema}
    faults = _ok("The faults.", _ref("Faults"))
    deleted = _ok("How many went.", _ref("Deleted"))
    plan = {"requestBody": {"required": True, "content": _json(_ref("FaultPlan"))}}
    return {
        "/": {"get": _ask("page", "The page: what came, live.", _ok("HTML.", {"type": "string"}, "text/html"))},
        "/_mock/page/{file}": {"get": _ask("pageFile", "A style, a module or an image of the page.", _files(), [file], also=(404,))},
        "/openapi.json": {"get": _ask("openapi", "This document.", _ok("OpenAPI 3.1.", {"type": "object"}))},
        "/_mock/health": {"get": _ask("health", "Whether the fake lives, and how much is on record.", _ok("It lives.", _ref("Health")))},
        "/_mock/calls": {
            "get": _ask("calls", "Calls, oldest first.", _ok("A page of calls.", _ref("Calls")), _asked(query.LISTING)),
            "delete": _ask("deleteCalls", "Forgets calls and their events.", deleted, scope, also=(503,)),
        },
        "/_mock/calls/{id}": {"get": _ask("call", "One call.", _ok("The call.", _either("Call")), extent, also=(404,))},
        "/_mock/calls/{id}/body": {
            "get": _ask("body", "A call's body, as it came.", _ok("The bytes.", {"type": "string"}, "application/octet-stream"), [number], also=(404,))
        },
        "/_mock/events": {"get": _ask("events", "Events, oldest first.", _ok("A page of events.", _ref("Events")), _asked(query.LISTING))},
        "/_mock/events/{id}": {"get": _ask("event", "One event.", _ok("The event.", _either("Event")), extent, also=(404,))},
        "/_mock/events/{id}/payload": {"get": _ask("payload", "An event's payload, as it came.", _ok("JSON.", {"type": "object"}), [number], also=(404,))},
        "/_mock/events/{id}/fix": {
            "get": _ask("fix", "What might be done about a wrong event; nothing where only its sender knows.", _ok("It.", _ref("Fix")), [number], also=(404,))
        },
        "/_mock/entries": {
            "get": _ask(
                "entries",
                "The record as a list, newest first: a light entry for each event, and one for each call without events.",
                _ok("Entries.", _ref("Entries")),
                _asked(query.ENTRIES),
            )
        },
        "/_mock/stats": {
            "get": _ask(
                "stats",
                "What the record amounts to: by acceptance, kind, rule and time. What a filter asks of one of these is left out of the counts by that one.",
                _ok("Counts.", _ref("Stats")),
                _asked(query.FILTERS),
            )
        },
        "/_mock/workspaces": {"get": _ask("workspaces", "The workspaces on record, the one with the newest call first.", _ok("They.", _ref("Workspaces")))},
        "/_mock/reset": {"post": _ask("reset", "Forgets calls and faults.", _ok("Done.", _ref("Done")), scope, also=(413, 503))},
        "/_mock/faults": {
            "get": _ask("faults", "The faults that are planned and not spent.", faults, scope),
            "post": _ask("plan", "Plans a fault, or a list: all of them, or none.", faults, scope, also=(413,)) | plan,
            "delete": _ask("clearFaults", "Forgets the faults.", deleted, scope),
        },
        "/_mock/faults/{id}": {"delete": _ask("dropFault", "Forgets one fault.", deleted, [number, *scope], also=(404,))},
        "/_mock/stream": {"get": _ask("stream", "Calls as server-sent events.", _stream(), [*_asked(query.STREAM), resume])},
        "/_mock/export": {"get": _ask("export", "The record as a file.", _exported(), _asked(query.EXPORT))},
        "/_mock/rules/{rule}": {"get": _ask("rule", "A rule, and how to keep it.", _ok("The rule.", _ref("Rule")), [rule], also=(404,))},
        "/_mock/schemas/{contract}/{kind}.json": {
            "get": _ask("schema", "A schema file, byte for byte.", _ok("JSON Schema 2020-12.", {"type": "object"}), named, also=(404,))
        },
    }


def _either(name: str) -> Json:
    """A thing whole, or brief."""
    return {"anyOf": [_ref(name), _ref(f"Brief{name}")]}


def _stream() -> Json:
    text = (
        '`id: <call id>`, `event: call`, `data: <call>`; `event: gap`, `data: {"missed": n}` where calls went before the reader came to them. '
        'As counts: `event: news`, `data: {"entries": n}`, for all that came since the one before.'
    )
    return _ok(text, {"type": "string"}, "text/event-stream")


def _files() -> Json:
    return {"description": "The file.", "content": {media.partition(";")[0]: {"schema": {"type": "string"}} for media in page.TYPES.values()}}


def _exported() -> Json:
    content = {"application/x-ndjson": {"schema": {"type": "string"}}, "application/json": {"schema": _ref("Har")}}
    return {"description": "`jsonl`: each event's payload on a line; `har`: the calls as HAR 1.2.", "content": content}


def _ask(name: str, summary: str, good: Json, parameters: Sequence[Json] = (), also: Iterable[int] = ()) -> Json:
    operation: Json = {"operationId": name, "tags": ["control"], "summary": summary, "security": CONTROL_SECURITY}
    if parameters:
        operation["parameters"] = list(parameters)
    return operation | {"responses": {"200": good, **_refusals(sorted({*GUARDED, *also}))}}


def _asked(parameters: Iterable[Parameter]) -> list[Json]:
    return [{"name": p.name, "in": "query", "description": p.meaning, "schema": p.schema} for p in parameters]


def _ok(description: str, schema: Json, media: str = "application/json") -> Json:
    return {"description": description, "content": {media: {"schema": schema}}}


def _json(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _refusals(statuses: Iterable[int]) -> Json:
    return {str(status): _response(_response_name(status)) for status in statuses}


def _response(name: str) -> Json:
    return {"$ref": f"#/components/responses/{name}"}


def _response_name(status: int) -> str:
    return HTTPStatus(status).phrase.title().replace(" ", "")


def _refused(status: int) -> Json:
    headers = {"headers": HEADERS_OF[status]} if status in HEADERS_OF else {}
    return {"description": REFUSED[status], **headers, "content": _json(_ref("Refusal"))}


def _fault() -> Json:
    return {"description": "Whatever status a planned fault has.", "content": _json(_ref("Refusal"))}
