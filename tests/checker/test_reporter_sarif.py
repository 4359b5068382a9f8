from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest

from mock_june.checker.reporters import sarif
from tests.checker.reports import GOOD, HOSTILE_TEXT, NO_EMAIL, NO_JSON, NUMBER, SMELLS, engine, ran


@cache
def schema() -> jsonschema.Draft7Validator:
    """The schema of SARIF 2.1.0 as OASIS publishes it (oasis-tcs/sarif-spec, Schemata/)."""
    return jsonschema.Draft7Validator(json.loads(Path(__file__).with_name("sarif-schema-2.1.0.json").read_text("utf-8")))


def run_of(text: str) -> dict[str, Any]:
    """The one run of a document that keeps the schema."""
    document = json.loads(text)
    schema().validate(document)
    (run,) = document["runs"]
    return run


def test_result():
    """A result names rule, level, file, line, bytes and member."""
    (result,) = run_of(ran("sarif", {"a.jsonl": [GOOD, NUMBER]}).text)["results"]
    assert (result["ruleId"], result["level"], result["message"]["text"]) == ("identify.userId.type", "error", "userId is the number 42, not a String")
    (location,) = result["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "a.jsonl", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 2, "byteOffset": len(GOOD) + 1},
    }
    assert location["logicalLocations"] == [{"fullyQualifiedName": "/userId", "name": "userId", "kind": "property"}]


def test_rules():
    """Each rule that was broken is described with its help, and results point to it."""
    run = run_of(ran("sarif", {"a.jsonl": [NUMBER, NO_EMAIL, SMELLS]}).text)
    rules = run["tool"]["driver"]["rules"]
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == [result["ruleId"] for result in run["results"]]
    texts = {rule.id: rule for rule in engine().catalogue}
    for rule in rules:
        assert rule["help"]["text"].startswith(texts[rule["id"]].hint)
        assert "```python" in rule["help"]["markdown"]
        assert rule["defaultConfiguration"]["level"] == texts[rule["id"]].severity


def test_every_rule():
    """The whole catalogue can be described."""
    document = {"$schema": sarif.SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x", "rules": list(map(sarif._rule, engine().catalogue))}}}]}
    schema().validate(document)


def test_clean():
    """A run that finds nothing is a document without results."""
    assert run_of(ran("sarif", {"a.jsonl": [GOOD]}).text)["results"] == []


def test_no_payload():
    """What is no JSON is a result of its line, of no member."""
    (result,) = run_of(ran("sarif", {"a.jsonl": [NO_JSON]}).text)["results"]
    assert result["ruleId"] == "body.json"
    assert "logicalLocations" not in result["locations"][0]


def test_packed():
    """In a packed file, or a table, a payload has no place in bytes: the line is all that is said."""
    for file in ("a.jsonl.gz", "a.csv", "a.parquet"):
        (result,) = run_of(ran("sarif", {file: [NUMBER]}).text)["results"]
        assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}


def test_cap(monkeypatch):
    """No more results are written than GitHub takes; errors come first; a note says how many there are."""
    monkeypatch.setattr(sarif, "RESULTS", 5)
    run = run_of(ran("sarif", {"a.jsonl": [SMELLS] * 10 + [NUMBER] * 3}).text)
    assert [result["level"] for result in run["results"]] == ["error"] * 3 + ["warning"] * 2
    assert "5 of 13 findings" in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]
    run = run_of(ran("sarif", {"a.jsonl": [NUMBER] * 9}).text)
    assert len(run["results"]) == 5
    assert "5 of 9 findings" in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]


def test_quiet():
    """A quiet run has no warnings."""
    assert run_of(ran("sarif", {"a.jsonl": [SMELLS]}, quiet=True).text)["results"] == []


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("a b%#?.jsonl", "a%20b%25%23%3F.jsonl"),
        ("http:x.jsonl", "http%3Ax.jsonl"),
        ("süß.jsonl", "s%C3%BC%C3%9F.jsonl"),
        ("\udcff.jsonl", "%FF.jsonl"),
        ("/elsewhere/a.jsonl", "file:///elsewhere/a.jsonl"),
        ("<stdin>", "%3Cstdin%3E"),
    ],
)
def test_uri(name, uri):
    """A file's URI is percent-encoded, relative where the file lies in the working directory, and never takes a name for a scheme."""
    (result,) = run_of(ran("sarif", {name: [NUMBER]}).text)["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


@pytest.mark.parametrize("text", HOSTILE_TEXT)
def test_C5_hostile(text):
    """Whatever stands in a payload or a file's name, the document keeps the schema, and no message holds a control character or a link."""
    track = {"type": "track", "event": "x", "userId": "1", "timestamp": text}
    payloads = [orjson.dumps(each) for each in ({"type": text}, {"type": "identify", "userId": "1", text: 1}, track)]
    run = run_of(ran("sarif", {f"{text}.jsonl": payloads}).text)
    assert run["results"]
    for result in run["results"]:
        assert result["message"]["text"].isprintable()
        assert "](" not in result["message"]["text"]
