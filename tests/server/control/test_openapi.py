"""The OpenAPI document: valid, complete, and true of what the server answers."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from mock_june.contract import Engine, schemas
from mock_june.errors import UsageError
from mock_june.model import KINDS
from mock_june.server import faults, routes
from mock_june.server.control import api, openapi, query
from tests.server.faces import GOOD, IDENTIFY, TRACK

DOCUMENT = openapi.document(Engine())
REGISTRY: Registry = Registry().with_resource("urn:openapi", DRAFT202012.create_resource(DOCUMENT))


def validator(pointer: str) -> Draft202012Validator:
    """A validator of what a place in the document describes."""
    return Draft202012Validator({"$ref": f"urn:openapi#{pointer}"}, registry=REGISTRY)


def component(name: str) -> Draft202012Validator:
    """A validator of a component."""
    return validator(f"/components/schemas/{name}")


def resolved(node: Any) -> Any:
    """A node of the document, or what its reference leads to."""
    if "$ref" in node:
        found: Any = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return found
    return node


def documented(path: str) -> str:
    """A control path as OpenAPI writes it."""
    return re.sub(r"<(\w+)>", r"{\1}", path)


def assert_documented(reply: Any, path: str, method: str) -> None:
    """The status, the content type and the body of an answer are what the document says of them."""
    responses = DOCUMENT["paths"][path][method.lower()]["responses"]
    response = resolved(responses.get(str(reply.status)) or responses["default"])
    media = reply.headers["content-type"].partition(";")[0]
    assert media in response["content"], (reply.status, media)
    for name in response.get("headers", {}):
        if resolved(response["headers"][name]).get("required"):
            assert name.lower() in reply.headers
    if media == "application/json":
        schema = response["content"][media]["schema"]
        target = {"$ref": f"urn:openapi{schema['$ref']}"} if "$ref" in schema else schema
        errors = [error.message for error in Draft202012Validator(target, registry=REGISTRY).iter_errors(reply.json)]
        assert not errors


def test_it_is_valid():
    """openapi-spec-validator finds no fault with it."""
    assert not [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()]


def test_every_reference_leads_somewhere():
    """No `$ref` points into nothing, and every component is used."""
    references = set(re.findall(r'"\$ref":"(#/[^"]+)"', orjson.dumps(DOCUMENT).decode()))
    for reference in references:
        resolved({"$ref": reference})
    for group in ("schemas", "responses"):
        for name in DOCUMENT["components"][group]:
            assert f"#/components/{group}/{name}" in references, name


def test_every_route_is_there_and_no_other():
    """The ingestion routes and the control routes, each with its methods."""
    expected = {path: {"post"} for path in routes.ROUTES}
    expected |= {documented(path): {method.lower() for method in methods} for path, methods in api.ROUTES.items() if path != "/favicon.ico"}
    assert {path: set(operations) for path, operations in DOCUMENT["paths"].items()} == expected


def test_operations_have_names_of_their_own():
    """Code that is generated from it gets one function for each."""
    names = [operation["operationId"] for operations in DOCUMENT["paths"].values() for operation in operations.values()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("contract", list(KINDS))
def test_the_schema_files_are_in_it(contract):
    """Each file stands among the components, word for word but for what makes it a document of its own."""
    for kind in schemas.names(contract):
        embedded = DOCUMENT["components"]["schemas"][openapi.schema_name(contract, kind)]
        assert embedded == {name: value for name, value in schemas.load(contract, kind).items() if name not in {"$id", "$schema"}}


def test_its_examples_are_good():
    """Each example of a request keeps the schema beside it, and the engine takes it without a warning."""
    engine, seen = Engine(), 0
    for path, operations in DOCUMENT["paths"].items():
        for media in operations.get("post", {}).get("requestBody", {}).get("content", {}).values():
            for name, example in media.get("examples", {}).items():
                seen += 1
                target = media["schema"]["$ref"].removeprefix("#")
                assert not list(validator(target).iter_errors(example["value"])), (path, name)
                verdict = engine.check(orjson.dumps(example["value"]), routes.ROUTES[path])
                assert (verdict.accepted, verdict.warnings) == (True, ()), (path, name)
    assert seen >= 20


def test_the_batch_of_events_holds_each_to_its_kind():
    """The schema of a batch sees into its messages, as the server does."""
    batch = component("SdkBatchOfEvents")
    assert not list(batch.iter_errors({"batch": list(GOOD.values())}))
    assert list(batch.iter_errors({"batch": [{**TRACK, "event": 1}]}))
    assert list(batch.iter_errors({"batch": [{"type": "nothing"}]}))


@pytest.mark.parametrize(
    "parameter", [p for p in query.LISTING if "maximum" in p.schema or "enum" in p.schema or "maxLength" in p.schema], ids=lambda p: p.name
)
def test_the_bounds_of_parameters_are_the_true_ones(parameter):
    """What the document allows at the edge is taken, what lies beyond is refused."""
    schema = parameter.schema
    if "enum" in schema:
        inside, outside = [str(value) for value in schema["enum"]], ["nothing"]
    elif "maximum" in schema:
        inside, outside = [str(schema["minimum"]), str(schema["maximum"])], [str(schema["minimum"] - 1), str(schema["maximum"] + 1)]
    else:
        inside, outside = ["x" * schema["maxLength"]], ["x" * (schema["maxLength"] + 1)]
        if "pattern" in schema:
            inside, outside = [*inside, "*" * query.MOST_STARS], [*outside, "*" * (query.MOST_STARS + 1), ""]
            assert all(re.search(schema["pattern"], value) for value in inside)
            assert not re.search(schema["pattern"], "*" * (query.MOST_STARS + 1))
    for value in inside:
        parameter.read(parameter.name, value)
    for value in outside:
        with pytest.raises(UsageError):
            parameter.read(parameter.name, value)


@pytest.mark.parametrize(
    "plan",
    [
        {"status": 503},
        {"delay": 60},
        {"drop": "reset", "times": None},
        {"rate": 10, "per": 0.001},
        [{"status": 400}],
        {},
        {"times": 1},
        {"status": 399},
        {"rate": 1, "drop": "close"},
        [],
    ],
    ids=str,
)
def test_a_plan_is_good_where_the_document_says_so(plan):
    """The schema of a fault and the parser agree."""
    try:
        taken = bool(faults.parse(plan, None))
    except UsageError:
        taken = False
    assert component("FaultPlan").is_valid(plan) == taken


def test_answers_are_as_documented(face, key):
    """The good and the refused answers of every route keep what the document says of them."""
    headers = [("Authorization", f"Basic {key}")]
    for path in routes.ROUTES:
        kind = routes.ROUTES[path].kind
        payload = GOOD[kind] if kind else {"batch": [IDENTIFY]}
        assert_documented(face.post(path, payload, key=key), path, "post")
        assert_documented(face.post(path, b"{", key=key), path, "post")
        assert_documented(face.post(path, payload), path, "post")
        assert_documented(face.post(path, payload, key=key, headers=[("Content-Type", "text/html")]), path, "post")
        assert_documented(face.send("GET", path, headers=headers), path, "post")
    for fault in ({"status": 418}, {"rate": 1, "per": 60}):
        face.plan(key, fault)
        for _ in range(2):
            assert_documented(face.post("/api/identify", IDENTIFY, key=key), "/api/identify", "post")
    face.post("/api/identify", {**IDENTIFY, "user_id": "1", "traits": {}}, key=key)
    number = face.calls(key)[0].id
    for path, methods in api.ROUTES.items():
        if path in {"/favicon.ico", "/_mock/stream"}:
            continue
        for method in methods:
            body = orjson.dumps({"status": 503, "kind": "alias"}) if method == "POST" else b""
            asked = path.replace("<id>", str(number)).replace("<contract>", "sdk").replace("<kind>", "batch")
            assert_documented(face.send(method, f"{asked}?nonsense=1" if path != "/" else "/", body, headers), documented(path), method)
            assert_documented(face.send("PUT", asked, headers=headers), documented(path), method)
            assert_documented(face.send(method, asked, body, [("Authorization", "nothing")]), documented(path), method)
            assert_documented(face.send(method, asked, body, [*headers, ("Origin", "null")]), documented(path), method)
            assert_documented(face.send(method, asked, body, headers), documented(path), method)
    assert_documented(face.send("GET", "/_mock/calls/0"), "/_mock/calls/{id}", "get")
    assert_documented(face.send("GET", "/_mock/export?format=har", headers=headers), "/_mock/export", "get")
    assert_documented(face.send("GET", "/_mock/events?count=1&wait=0.1", headers=headers), "/_mock/events", "get")


def test_rich_answers_are_as_documented(face, key):
    """Calls and events with violations, warnings and faults keep the documented shapes."""
    face.plan(key, {"status": 503, "retry_after": 1})
    face.post("/api/identify", IDENTIFY, key=key)
    face.post("/api/track", {**TRACK, "userId": 7, "user_id": "x"}, key=key)
    face.post("/sdk/batch", {"batch": [IDENTIFY, {"type": "track"}]}, key=key)
    face.post("/api/identify", b"\xff", key=key)
    headers = [("Authorization", f"Basic {key}")]
    for path in ("/_mock/calls", "/_mock/events", "/_mock/faults", "/_mock/health"):
        assert_documented(face.send("GET", path, headers=headers), path, "get")


def test_it_is_served(face):
    """`/openapi.json` is this document."""
    served = face.send("GET", "/openapi.json")
    assert served.headers["content-type"] == "application/json"
    assert served.json == orjson.loads(orjson.dumps(DOCUMENT))
    assert served.json["info"]["x-rules-hash"] == face.mock.engine.rules_hash
