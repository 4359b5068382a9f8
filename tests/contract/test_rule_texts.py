"""rules.toml: each rule is explained, and what is said of it is so: the wrong breaks it, the right keeps it, the code runs and keeps it too."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from tests.contract.schema_files import BODY_RULES, HISTORY_RULES, KINDS, all_rules, broken, examples, schema, smells, strict_loads, text_of, texts, unnamed

MEMBERS = {"match", "meaning", "why", "wrong", "right", "python", "node"}
RULES = sorted(all_rules())
PAYLOAD_RULES = [rule for rule in RULES if rule not in BODY_RULES | HISTORY_RULES]


def place(rule: str) -> tuple[str, str]:
    """The contract and kind of a rule."""
    return ("sdk", rule.split(".")[1]) if rule.startswith("sdk.") else ("backfill", rule.split(".", 1)[0])


def payload_of(rule: str, text: str) -> dict[str, Any]:
    """A text's payload; members alone are put into the first valid example of the kind that smells of nothing."""
    if text.startswith("{"):
        return strict_loads(text)
    contract, kind = place(rule)
    base = next(each.data["payload"] for each in examples("valid") if (each.contract, each.kind) == (contract, kind) and not each.data["warns"])
    return {**base, **strict_loads(f"{{{text}}}")}


def breaks(rule: str, payload: dict[str, Any]) -> bool:
    """Whether a payload breaks a rule, or smells of it."""
    contract, kind = place(rule)
    if rule.endswith(".unknown") and rule != "sdk.batch.type.unknown":
        return bool(unnamed(contract, kind, payload))
    return rule in broken(contract, kind, payload) | smells(contract, kind, payload)


def python_result(code: str) -> dict[str, Any]:
    """What a Python snippet leaves behind."""
    names: dict[str, Any] = {}
    exec(compile(code, "<rules.toml>", "exec"), names)
    return names


def test_each_rule_has_its_text():
    """Each rule is explained by an entry of its own or of its likes, whole and with no placeholder left over."""
    for rule in RULES:
        text = text_of(rule)
        assert set(text) == MEMBERS, rule
        assert all(value.strip() for value in text.values()), rule
        assert not re.search(r"\{(kind|field)\}", " ".join(text.values())), rule


def test_each_text_is_used():
    """Each entry is the first that matches some rule: none is hidden by one above it."""
    used = {next(entry["match"] for entry in texts() if fnmatchcase(rule, entry["match"])) for rule in RULES}
    assert [entry["match"] for entry in texts() if entry["match"] not in used] == []


@pytest.mark.parametrize("entry", texts(), ids=lambda entry: entry["match"])
def test_texts_read_well(entry):
    """The meaning is one sentence on one line, the reason a few sentences, and no snippet is long."""
    assert re.fullmatch(r"[A-Z`].{10,98}\.", entry["meaning"])
    assert re.fullmatch(r"[A-Z`].{40,400}\.", entry["why"])
    assert 1 <= len(re.findall(r"[.?](?= |$)", entry["why"])) <= 4
    assert max(entry[name].strip().count("\n") for name in ("wrong", "right", "python", "node")) <= 8
    assert max(len(line) for text in entry.values() for line in text.splitlines()) <= 400


@pytest.mark.parametrize("rule", [rule for rule in PAYLOAD_RULES if rule != "sdk.batch.batch.maxItems"])
def test_wrong_and_right(rule):
    """What is shown as wrong breaks the rule, and what is shown as right keeps it."""
    text = text_of(rule)
    assert breaks(rule, payload_of(rule, text["wrong"]))
    assert not breaks(rule, payload_of(rule, text["right"]))


def test_wrong_and_right_of_a_body():
    """What is shown as wrong before there is a payload is what the rule says, and what is shown as right is a payload."""
    with pytest.raises(ValueError, match="NaN"):
        strict_loads(text_of("body.json")["wrong"])
    assert isinstance(strict_loads(text_of("body.object")["wrong"]), list)
    assert "type" not in strict_loads(text_of("body.kind")["wrong"])
    for rule in BODY_RULES:
        assert strict_loads(text_of(rule)["right"])["type"] in {"identify", "track"}


def all_good(payloads: list[dict[str, Any]]) -> bool:
    """Whether payloads keep the backfill contract, each by itself, and smell of nothing but empty traits."""
    found = [broken("backfill", payload["type"], payload) | smells("backfill", payload["type"], payload) for payload in payloads]
    return bool(found) and set().union(*found) <= {"identify.traits.empty"}


@pytest.mark.parametrize("rule", sorted(HISTORY_RULES))
def test_wrong_and_right_across_events(rule):
    """What is shown of a rule across events is a payload a line, each of which is good by itself: only together are they wrong."""
    text = text_of(rule)
    for side in ("wrong", "right"):
        assert all_good([strict_loads(line) for line in text[side].splitlines()])


@pytest.mark.parametrize("rule", RULES)
def test_python(rule):
    """The Python of each rule runs as it stands and makes a payload that keeps it."""
    result = python_result(text_of(rule)["python"])
    if rule in BODY_RULES - {"body.kind"}:
        assert strict_loads(result["body"])["type"] in {"identify", "track"}
    elif rule == "body.kind":
        assert ("backfill", result["payload"]["type"]) in KINDS
    elif rule in HISTORY_RULES:
        assert all_good(result["payload"])
    else:
        assert keeps(rule, result["payload"])


@pytest.mark.skipif(not shutil.which("node"), reason="Node is not here")
def test_node():
    """The Node of each rule runs as it stands and makes a payload that keeps it."""
    script = Path(__file__).parent / "node" / "snippets.mjs"
    run = subprocess.run(
        ["node", str(script)], input=json.dumps({rule: text_of(rule)["node"] for rule in RULES}), capture_output=True, text=True, check=True, timeout=60
    )
    results = json.loads(run.stdout)
    assert {rule: result["error"] for rule, result in results.items() if "error" in result} == {}
    for rule, result in results.items():
        if rule in BODY_RULES:
            payload = strict_loads(result["body"]) if "body" in result else result["payload"]
            assert payload["type"] in {"identify", "track"}, rule
        elif rule in HISTORY_RULES:
            assert all_good(result["payload"]), rule
        else:
            assert keeps(rule, result["payload"]), rule


def keeps(rule: str, payload: dict[str, Any]) -> bool:
    """Whether a snippet's payload shows the way: it keeps the rule, and it has the field that the rule is about, or a reason to lack it."""
    contract, kind = place(rule)
    known = set(schema(contract, kind)["properties"])
    return not breaks(rule, payload) and not unnamed(contract, kind, payload) and bool(known & set(payload))
