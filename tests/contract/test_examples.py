"""The examples beside the schemas: each says what is so, there is one for each rule, and the judge is `jsonschema`."""

from __future__ import annotations

import json

import pytest

from tests.contract.schema_files import (
    BODY_RULES,
    ENVELOPE_RULES,
    ENVELOPE_WARNINGS,
    FILES,
    KINDS,
    SCHEMAS,
    broken,
    error_rules,
    examples,
    smells,
    strict_loads,
    unnamed,
    warning_rules,
)

each_valid = pytest.mark.parametrize("example", examples("valid"), ids=lambda example: example.name)
each_invalid = pytest.mark.parametrize("example", examples("invalid"), ids=lambda example: example.name)


@each_valid
def test_valid(example):
    """A valid example breaks no rule, and its values smell of what it says and of nothing else."""
    assert set(example.data) == {"description", "payload", "warns"}
    payload = example.data["payload"]
    assert broken(example.contract, example.kind, payload) == set()
    slips = {rule for rule in example.data["warns"] if rule.endswith(".unknown")}
    assert set(example.data["warns"]) - slips == smells(example.contract, example.kind, payload)
    assert len(slips) == len(unnamed(example.contract, example.kind, payload))


@each_invalid
def test_invalid(example):
    """An invalid example breaks the rules that it names and no other."""
    assert len(example.data) == 3
    assert {"description", "breaks"} < set(example.data)
    assert example.data["breaks"]
    assert len(set(example.data["breaks"])) == len(example.data["breaks"])
    try:
        payload = strict_loads(example.body.decode("utf-8"))
    except UnicodeDecodeError:
        assert example.data["breaks"] == ["body.encoding"]
    except ValueError:
        assert example.data["breaks"] == ["body.json"]
    else:
        found = broken(example.contract, example.kind, payload) if example.kind != "any" else {"body.kind"}
        assert set(example.data["breaks"]) == found


@pytest.mark.parametrize("example", [each for each in examples("invalid") if each.kind == "any"], ids=lambda example: example.name)
def test_no_kind(example):
    """An example of a payload whose kind cannot be told has no `type` that its contract knows."""
    assert (example.contract, example.data["payload"].get("type")) not in KINDS


def test_each_rule_is_shown_broken():
    """For each rule that refuses a payload there is an example that breaks it."""
    wanted = BODY_RULES | (ENVELOPE_RULES - {"sdk.batch.batch.maxItems"})  # 50,001 messages are no file to read: test_most_messages makes them
    for kind in KINDS:
        wanted |= error_rules(*kind)
    assert wanted - {rule for example in examples("invalid") for rule in example.data["breaks"]} == set()


def test_most_messages():
    """A batch holds 50,000 messages, and not one more."""
    message = {"type": "track", "event": "Signed In", "userId": "1"}
    assert broken("sdk", "batch", {"batch": [message] * 50_001}) == {"sdk.batch.batch.maxItems"}
    assert smells("sdk", "batch", {"batch": [message] * 50_000}) == set()


def test_each_warning_is_shown():
    """For each rule that warns there is a valid example that it warns of."""
    wanted = set(ENVELOPE_WARNINGS)
    for kind in KINDS:
        wanted |= warning_rules(*kind)
    assert wanted - {rule for example in examples("valid") for rule in example.data["warns"]} == set()


def test_places():
    """Each example lies under its contract and kind, or under `any` where no endpoint says the kind."""
    places = {(example.contract, example.kind) for side in ("valid", "invalid") for example in examples(side)}
    assert places == {*FILES, ("backfill", "any"), ("sdk", "any")}


@pytest.mark.parametrize("side", ["valid", "invalid"])
def test_descriptions(side):
    """Each example says in a sentence what it shows, and is laid out to be read, in ASCII, so that odd characters are seen."""
    for example in examples(side):
        assert example.data["description"].endswith("."), example.name
        text = (SCHEMAS / "examples" / side / f"{example.name}.json").read_text("ascii")
        assert text == json.dumps(example.data, indent=2) + "\n", example.name
