"""The page of the server's routes, made of its OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]

INTRODUCTION = """\
What the fake answers. The same as an OpenAPI 3.1 document: [openapi.json](openapi.json), `mock-june openapi`, and `GET /openapi.json` of a running fake.

Under `/_mock/` stands what a test asks of the fake. `Authorization: Basic <api key>` narrows such a request to that key's workspace; without one it speaks of
all.
A fake that listens beyond this machine wants the header `X-Mock-June-Token` there, unless it runs with `--open`."""


def page(document: Json) -> str:
    """The page's Markdown, without its title."""
    schemas = document["components"]["schemas"]
    parts = [INTRODUCTION, "## Taking calls in", _ingestion(document)]
    parts += ["An answer is `Success` or `Refusal`; the statuses of a refusal:", _statuses(document), _shape("Success", schemas), _shape("Refusal", schemas)]
    parts.append("## Control API")
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if "control" in operation["tags"]:
                parts += list(_operation(method, path, operation, schemas))
    parts.append("## Shapes")
    shown = [name for name in schemas if not name.startswith(("Backfill", "Sdk")) and name not in {"Success", "Refusal"}]
    parts += [_shape(name, schemas) for name in shown]
    return "\n\n".join(parts) + "\n"


def _ingestion(document: Json) -> str:
    rows = []
    for path, operations in document["paths"].items():
        operation = operations.get("post", {})
        tags = set(operation.get("tags", ())) - {"control"}
        if tags:
            rows.append(f"| `POST {path}` | `{min(tags)}` | {operation['summary']} |")
    return "\n".join(["| route | contract | takes |", "|---|---|---|", *rows])


def _statuses(document: Json) -> str:
    # The answers refer to responses of the components by name.
    responses = document["components"]["responses"]
    told: dict[str, str] = {}
    for operations in document["paths"].values():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                if "$ref" in answer and status.isdigit():
                    told[status] = responses[_name(answer)]["description"]
    return "\n".join(["| status | when |", "|---|---|", *(f"| {status} | {told[status]} |" for status in sorted(told))])


def _operation(method: str, path: str, operation: Json, schemas: Json) -> Iterable[str]:
    yield f"### `{method.upper()} {path}`"
    yield operation["summary"]
    if operation.get("description"):
        yield operation["description"]
    parameters = operation.get("parameters", [])
    if parameters:
        rows = [f"| `{each['name']}` | {each['in']} | {_type(each['schema'], schemas)} | {_cell(each.get('description', ''))} |" for each in parameters]
        yield "\n".join(["| parameter | in | type | |", "|---|---|---|---|", *rows])
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if body:
        yield f"Takes: {_type(body, schemas)}."
    good = operation["responses"]["200"]
    forms = [
        f"`{media}`" + (f", {_type(content['schema'], schemas)}" if "$ref" in content.get("schema", {}) else "") for media, content in good["content"].items()
    ]
    yield f"Answers: {good['description']} {'; '.join(forms)}."


def _shape(name: str, schemas: Json) -> str:
    schema = schemas[name]
    parts = [f"### {name}", _cell(schema.get("description", ""))]
    members = schema.get("properties", {})
    if members:
        required = schema.get("required", ())
        rows = [
            f"| `{member}` | {_type(rule, schemas)}{'' if member in required else ', optional'} | {_cell(rule.get('description', ''))} |"
            for member, rule in members.items()
        ]
        parts.append("\n".join(["| member | type | |", "|---|---|---|", *rows]))
    elif "anyOf" in schema or "oneOf" in schema:
        parts.append(f"{_type(schema, schemas)}.")
    return "\n\n".join(part for part in parts if part)


def _type(schema: Json, schemas: Json) -> str:
    """A schema in some words."""
    if "$ref" in schema:
        name = _name(schema)
        return f"[{name}](#{name.lower()})" if name in schemas and not name.startswith(("Backfill", "Sdk")) else name
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(_type(each, schemas) for each in schema[several])
    if "const" in schema:
        return f"`{_literal(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{_literal(value)}`" for value in schema["enum"])
    said = schema.get("type", "any value")
    kind = " or ".join(said) if isinstance(said, list) else str(said)
    if kind == "array" and "items" in schema:
        kind = f"array of {_type(schema['items'], schemas)}"
    return kind + _bounds(schema)


def _bounds(schema: Json) -> str:
    """The bounds of a number that say something; the greatest 64-bit ones do not."""
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None and high < 2**62 and low > -(2**62):
        return f", {low:,} to {high:,}"
    if low is not None and low > -(2**62):
        return f", {low:,} or more"
    return ""


def _literal(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _name(schema: Json) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
