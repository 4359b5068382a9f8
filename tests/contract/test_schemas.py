"""The schema files: complete by themselves, free of any dialect, and written to be read."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.contract.schema_files import FILES, KINDS, SCHEMAS, failing, required, schema

each_file = pytest.mark.parametrize(("contract", "kind"), FILES, ids=["/".join(file) for file in FILES])
each_kind = pytest.mark.parametrize(("contract", "kind"), KINDS, ids=["/".join(kind) for kind in KINDS])

# What the facts of June's wire call known from the second contract.
KNOWN = {
    *("anonymousId", "context", "timestamp", "email", "messageId", "sentAt", "originalTimestamp", "receivedAt", "integrations"),
    *("channel", "version", "category", "name", "previousId", "writeKey", "_metadata"),
}


def nodes(node: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Every Object in a schema with its place, the schemas under `x-warnings` too; the hints and examples are texts and are left out."""
    if isinstance(node, list):
        return [found for n, child in enumerate(node) for found in nodes(child, f"{path}/{n}")]
    if not isinstance(node, dict):
        return []
    return [(path, node), *(found for name, child in node.items() if name not in {"x-hints", "examples"} for found in nodes(child, f"{path}/{name}"))]


def properties(root: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every property that a schema describes, in nested Objects and in an array's items too."""
    found = list(root.get("properties", {}).items())
    return found + [inner for _, child in found for inner in properties(child)] + (properties(root["items"]) if "items" in root else [])


def patterns(root: dict[str, Any]) -> list[str]:
    """Every regular expression in a schema."""
    return [node["pattern"] for _, node in nodes(root) if isinstance(node.get("pattern"), str)]


def test_no_file_is_missing_and_none_is_over():
    """Each kind of each contract has a schema file, the batch too, and there is no other."""
    assert {(path.parent.name, path.stem) for contract in ("backfill", "sdk") for path in (SCHEMAS / contract).iterdir()} == set(FILES)


@each_file
def test_metaschema(contract, kind):
    """Each file is a valid JSON Schema 2020-12, and so is each schema under its `x-warnings`."""
    root = schema(contract, kind)
    assert root["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(root)
    for _, node in nodes(root):
        for wanted in node.get("x-warnings", {}).values():
            Draft202012Validator.check_schema(wanted)


@each_file
def test_complete_by_itself(contract, kind):
    """Each file has the id that its place says, refers to nothing outside itself, and rests on no `format`."""
    root = schema(contract, kind)
    assert root["$id"] == f"urn:mock-june:{contract}:{kind}"
    assert [path for path, node in nodes(root) if {"$ref", "$dynamicRef", "format"} & set(node)] == []


@each_file
def test_no_dialect(contract, kind):
    """Each pattern is what all regex dialects share: no class escapes, no look-around, nothing escaped but a dot and a plus."""
    for pattern in patterns(schema(contract, kind)):
        assert set(re.findall(r"\\.", pattern)) <= {r"\.", r"\+"}, pattern
        assert set(re.findall(r"\(\?.", pattern)) <= {"(?:"}, pattern


@pytest.mark.parametrize(("contract", "kind"), [file for file in KINDS if "timestamp" in schema(*file)["properties"]])
def test_timestamp_bears_embedding(contract, kind):
    """The timestamp's pattern is one group between ^ and $, so that it can stand inside another; and a second keyword guards against a trailing newline."""
    stamp = schema(contract, kind)["properties"]["timestamp"]
    inner = re.fullmatch(r"\^\((\?:.*)\)\$", stamp["pattern"])
    assert inner
    re.compile(f"({inner[1]})")  # raises where the group does not end last
    assert stamp["not"] == {"type": "string", "pattern": "[^0-9TZ:.+-]" if contract == "backfill" else "[^0-9TtZz:.+-]"}


def test_one_field_is_one_field():
    """In the SDK contract, the timestamp of each kind is held to the same."""
    ruled = [
        {name: node["properties"]["timestamp"][name] for name in ("type", "pattern", "not", "x-warnings")}
        for node in (schema(*kind) for kind in KINDS if kind[0] == "sdk")
    ]
    assert all(each == ruled[0] for each in ruled)


@each_file
def test_titles_and_descriptions(contract, kind):
    """Each schema and each property has a title and a description of whole sentences."""
    root = schema(contract, kind)
    for name, node in [(kind, root), *properties(root)]:
        assert node["title"], name
        assert node["description"], name
        assert name == kind or node["description"].endswith("."), name


@each_kind
def test_hints(contract, kind):
    """Each keyword that can fail, each warning and each slip of a kind's members has a hint beside it, and there is no hint for what cannot happen."""
    for name, node in schema(contract, kind)["properties"].items():
        wanted = failing(node) | set(node.get("x-warnings", ())) | {"unknown"} | ({"required"} if name in required(contract, kind) else set())
        assert set(node["x-hints"]) == wanted, name
        for inner in node.get("properties", {}).values():
            assert set(inner["x-hints"]) == set(inner["x-warnings"]), name


def test_hints_of_the_envelope():
    """Each keyword of a batch that can fail has a hint beside it, that of an item too."""
    batch = schema("sdk", "batch")["properties"]["batch"]
    assert set(batch["x-hints"]) == {"required", "type", "maxItems", "empty", "unknown"}
    assert set(batch["items"]["x-hints"]) == {"type"}
    assert set(batch["items"]["properties"]["type"]["x-hints"]) == {"required", "type", "enum"}


@each_file
def test_hints_read_well(contract, kind):
    """Each hint is one line that ends as a sentence does."""
    for name, node in properties(schema(contract, kind)):
        for keyword, hint in node["x-hints"].items():
            assert re.fullmatch(r"[A-Z].*[.]", hint), f"{name} {keyword}: {hint!r}"


@each_kind
def test_known(contract, kind):
    """What the second contract knows is known to each kind, so that it is never called a slip."""
    assert set(schema(contract, kind)["x-known"]) == KNOWN


@each_file
def test_laid_out(contract, kind):
    """Each file is indented by two and ends in a newline, in ASCII, so that white space in a pattern is seen."""
    text = (SCHEMAS / contract / f"{kind}.json").read_text("ascii")
    assert text == json.dumps(schema(contract, kind), indent=2) + "\n"
