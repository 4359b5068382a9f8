"""Given nothing but a schema file, four validators of three languages give one verdict: on the corpus, the examples, and every odd timestamp."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from jsonschema import Draft202012Validator

from tests.contract.odd_timestamps import TIMESTAMPS
from tests.contract.schema_files import KINDS, REPO, broken, examples, schema, strict_loads, value_warnings

Set = tuple[dict[str, Any], list[Any]]
Validator = Callable[[list[Set], Path], list[list[bool]]]
"""Takes schemas, each with its payloads, and a folder to write in; gives whether each payload is valid."""

HERE = Path(__file__).parent / "node"
MODULES = Path(os.environ.get("MOCK_JUNE_NODE_MODULES") or HERE / "node_modules")


def by_jsonschema(sets: list[Set], _: Path) -> list[list[bool]]:
    return [[Draft202012Validator(root).is_valid(payload) for payload in payloads] for root, payloads in sets]


def by_jsonschema_rs(sets: list[Set], _: Path) -> list[list[bool]]:
    return [
        [jsonschema_rs.validator_for(root, pattern_options=jsonschema_rs.RegexOptions()).is_valid(payload) for payload in payloads] for root, payloads in sets
    ]


def by_ajv(sets: list[Set], _: Path) -> list[list[bool]]:
    asked = json.dumps([{"schema": root, "payloads": payloads} for root, payloads in sets])
    run = subprocess.run(["node", str(HERE / "ajv.mjs"), str(MODULES)], input=asked, capture_output=True, text=True, check=True, timeout=120)
    return json.loads(run.stdout)


def by_sourcemeta(sets: list[Set], folder: Path) -> list[list[bool]]:
    command = ["node", str(MODULES / "@sourcemeta/jsonschema/npm/cli.js"), "validate", "--continue", "schema.json"]
    verdicts = []
    for number, (root, payloads) in enumerate(sets):
        place = folder / str(number)
        place.mkdir()
        (place / "schema.json").write_text(json.dumps(root))
        names = [f"{n}.json" for n in range(len(payloads))]
        for name, payload in zip(names, payloads, strict=True):
            (place / name).write_text(json.dumps(payload))
        run = subprocess.run([*command, "--verbose", *names], cwd=place, capture_output=True, text=True, check=False, timeout=120)
        said = {
            line.split(": ", 1)[1].split()[0]: line.startswith("ok: ") for line in (run.stdout + run.stderr).splitlines() if line.startswith(("ok: ", "fail: "))
        }
        assert set(said) == set(names), run.stderr
        verdicts.append([said[name] for name in names])
    return verdicts


def in_node(package: str) -> list[pytest.MarkDecorator]:
    return [
        pytest.mark.skipif(not shutil.which("node"), reason="Node is not here"),
        pytest.mark.skipif(not (MODULES / package).is_dir(), reason=f"{package} is not installed in {MODULES.name}"),
    ]


each_validator = pytest.mark.parametrize(
    "validator",
    [
        pytest.param(by_jsonschema, id="jsonschema"),
        pytest.param(by_jsonschema_rs, id="jsonschema-rs"),
        pytest.param(by_ajv, id="ajv", marks=in_node("ajv")),
        pytest.param(by_sourcemeta, id="sourcemeta", marks=in_node("@sourcemeta/jsonschema")),
    ],
)

Case = tuple[str, dict[str, Any], Any, bool]
"""What it is called, the schema, the payload, and whether it is valid."""


def disagreements(validator: Validator, cases: list[Case], folder: Path) -> list[str]:
    """The names of the cases on which a validator says other than it should."""
    by_schema: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        by_schema[json.dumps(case[1])].append(case)
    grouped = list(by_schema.values())
    verdicts = validator([(group[0][1], [payload for _, _, payload, _ in group]) for group in grouped], folder)
    return [
        f"{name}: {'valid' if said else 'invalid'}, should be {'valid' if valid else 'invalid'}"
        for group, answers in zip(grouped, verdicts, strict=True)
        for (name, _, _, valid), said in zip(group, answers, strict=True)
        if said is not valid
    ]


def corpus() -> Iterator[Case]:
    for line in (REPO / "tests/corpus/payloads.jsonl").read_text("utf-8").splitlines():
        entry = json.loads(line)
        try:
            payload = entry["payload"] if "payload" in entry else strict_loads(entry["raw"])
        except ValueError:
            continue  # no JSON: nothing for a schema to judge
        yield entry["id"], schema(entry["contract"], entry["type"]), payload, entry["valid"]


def of_examples() -> Iterator[Case]:
    for example in (*examples("valid"), *examples("invalid")):
        if example.kind == "any":
            continue
        try:
            payload = strict_loads(example.body.decode("utf-8"))
        except ValueError:
            continue  # no JSON: nothing for a schema to judge
        rules = example.data.get("breaks", [])
        if example.kind == "batch":  # the envelope's schema judges the envelope alone
            rules = [rule for rule in rules if rule.startswith(("sdk.batch.", "body."))]
        yield example.name, schema(example.contract, example.kind), payload, not rules


def messages() -> Iterator[Case]:
    for example in (*examples("valid"), *examples("invalid")):
        batch = example.data.get("payload", {}).get("batch") if example.kind == "batch" else None
        for n, message in enumerate(batch if isinstance(batch, list) else ()):
            if isinstance(message, dict) and ("sdk", message.get("type")) in KINDS:
                yield f"{example.name} {n}", schema("sdk", message["type"]), message, not broken("sdk", message["type"], message)


def stamped() -> Iterator[Case]:
    track = {"type": "track", "event": "Registered", "userId": "1", "email": "ada@example.com"}
    for value, in_backfill, in_sdk in TIMESTAMPS:
        yield f"backfill {value!r:.60}", schema("backfill", "track"), {**track, "timestamp": value}, in_backfill
        yield f"sdk {value!r:.60}", schema("sdk", "track"), {**track, "timestamp": value}, in_sdk


@each_validator
def test_corpus(validator, tmp_path):
    """Each validator gives the corpus' own verdict on every payload of the golden corpus."""
    assert disagreements(validator, list(corpus()), tmp_path) == []


@each_validator
def test_examples(validator, tmp_path):
    """Each validator takes every valid example and refuses every invalid one, the messages of the batches too."""
    assert disagreements(validator, [*of_examples(), *messages()], tmp_path) == []


@each_validator
def test_timestamps(validator, tmp_path):
    """Each validator tells good timestamps from bad ones, in both contracts, however odd."""
    assert disagreements(validator, list(stamped()), tmp_path) == []


SMELLS: dict[str, list[tuple[Any, bool]]] = {
    "placeholder": [(word, False) for word in ("null", "undefined", "None", "NaN", "[object Object]")]
    + [(word, True) for word in ("NULL", "none", "null ", "nan", "[object Array]", "0", "")],
    "blank": [
        (blank, False)
        for blank in (
            " ",
            "\t\r\n",
            "\v\f",
            "\u00a0",
            "\u0085",
            "\u1680",
            "\u2000\u200a",
            "\u200b",
            "\u2028\u2029",
            "\u202f",
            "\u205f",
            "\u3000",
            "\ufeff",
            "\x1c\x1f",
        )
    ]
    + [(text, True) for text in ("a", " a ", "\u00a0é", "\U0001f600", "0", "-", "\u0300")],
    "old": [("1970-01-01T00:00:00Z", False), ("2004-12-31T23:59:59Z", False), ("1900-01-01T00:00:00Z", False), ("0001-01-01T00:00:00Z", False)]
    + [(f"{year}-01-01T00:00:00Z", True) for year in ("2005", "2009", "2010", "2024", "2100", "3000", "9999")],
    "empty": [({}, False), ({"a": None}, True), ({"": ""}, True)],
    "not-an-email": [
        *(
            (mail, False)
            for mail in (
                "ada",
                "n/a",
                "",
                "[email\u00a0protected]",
                "[email protected]",
                "ada@",
                "@example.com",
                "ada@example",
                "ada@example.",
                "ada@.com",
                "a@b@example.com",
            )
        ),
        *((mail, False) for mail in ("Ada <ada@example.com>", " ada@example.com", "ada@example.com\n", "ada@example..com", 7, ["ada@example.com"])),
        *((mail, True) for mail in ("ada@example.com", "a.b+c@mail.example.co.uk", "ä@exämple.de", '"o\'neil"@example.com', "ada@example.c", None)),
    ],
}


@each_validator
def test_smells(validator, tmp_path):
    """Each validator, given a schema under `x-warnings`, smells the same: what warns rests on no dialect either."""
    wanted = {rule: schema for kind in KINDS for rule, _, schema in value_warnings(*kind)}
    assert {rule.rsplit(".", 1)[1] for rule in wanted} == set(SMELLS)
    cases = [
        (f"{rule} {value!r}", {"$schema": "https://json-schema.org/draft/2020-12/schema", **root}, value, sweet)
        for rule, root in wanted.items()
        for value, sweet in SMELLS[rule.rsplit(".", 1)[1]]
    ]
    assert disagreements(validator, cases, tmp_path) == []


def test_asked():
    """There is something to agree on: the whole corpus but for what is no JSON, and both verdicts in each table."""
    cases = list(corpus())
    assert len(cases) == 54
    for table in (cases, list(of_examples()), list(messages()), list(stamped())):
        assert {valid for _, _, _, valid in table} == {True, False}
