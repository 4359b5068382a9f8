"""The judge is not the judged: `jsonschema`, given the schema files alone, says what each verdict must be, over payloads generated and mutated.

MOCK_JUNE_EXAMPLES is how many payloads are tried in all (2,000 without it; 50,000 in CI).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract_tests import generator
from mock_june.contract import Engine
from mock_june.contract.judge import pruned
from mock_june.model import Endpoint
from tests.contract.odd_timestamps import TIMESTAMPS
from tests.contract.schema_files import HISTORY_RULES, KINDS, all_rules, broken, examples, prefix, smells

PAYLOADS = int(os.environ.get("MOCK_JUNE_EXAMPLES", "2000"))
SLIPPED = 9
"""Payloads with slips that are made of each good one that Hypothesis draws: it takes milliseconds for one, a slip microseconds."""

ENGINE = Engine()

# A loaded machine draws slowly; that is nothing about the code.
patient = settings(suppress_health_check=[*settings.default.suppress_health_check, HealthCheck.too_slow])
thorough = settings(patient, max_examples=max(5, PAYLOADS // len(KINDS) // (SLIPPED + 1)))


def agree(contract, kind, payload):
    """Asserts that the engine breaks, warns and points as `jsonschema` and the schema file have it."""
    body = json.dumps(payload).encode()
    verdict = ENGINE.check(body, Endpoint(contract, kind))
    wanted = broken(contract, kind, payload)
    assert {violation.rule for violation in verdict.violations} == wanted
    assert verdict.accepted == generator.judge(contract, kind).is_valid(payload)
    ill = {rule.rpartition(".")[0] for rule in wanted}
    smelly = {rule for rule in smells(contract, kind, payload) if rule.rpartition(".")[0] not in ill}
    assert {warning.rule for warning in verdict.warnings if not warning.rule.endswith(".unknown")} == smelly
    for each in (*verdict.violations, *verdict.warnings):
        field = each.rule.removeprefix(prefix(contract, kind)).rpartition(".")[0]
        if each.rule.endswith(".unknown"):
            assert each.pointer[1:].replace("~1", "/").replace("~0", "~") in payload
        else:
            assert each.pointer == "/" + field.replace(".", "/")
        assert each.hint
        assert "\n" not in each.message
        assert len(each.message) < 400
    assert [(checked.kind, body[checked.start : checked.stop]) for checked in verdict.events] == [(kind, body)]


@pytest.mark.parametrize(("contract", "kind"), KINDS)
def test_J8_one_verdict(contract, kind):
    """The engine and `jsonschema` name the same rules for the same values of every payload."""
    asked = generator.schema(contract, kind)

    @thorough
    @given(generator.good(contract, kind), st.integers(0, 2**32))
    def tried(payload, seed):
        agree(contract, kind, payload)
        random = Random(seed)
        for _ in range(SLIPPED):
            agree(contract, kind, generator.with_slips(payload, asked, random))

    tried()


@settings(patient, max_examples=max(20, PAYLOADS // 50))
@given(generator.batches(), st.booleans(), st.sampled_from([None, 1]))
def test_batches(envelope, ascii_only, indent):
    """Of a batch too, and each event knows the bytes that it is made of."""
    body = json.dumps(envelope, ensure_ascii=ascii_only, indent=indent).encode()
    verdict = ENGINE.check(body, Endpoint("sdk", None, "batch"))
    assert {violation.rule for violation in verdict.violations} == broken("sdk", "batch", envelope)
    kinds = [kind for contract, kind in KINDS if contract == "sdk"]
    good = [item for item in envelope["batch"] if isinstance(item, dict) and item.get("type") in kinds]
    assert [checked.kind for checked in verdict.events] == [item["type"] for item in good]
    assert [json.loads(body[checked.start : checked.stop]) for checked in verdict.events] == good


@pytest.mark.parametrize(("contract", "kind"), [("backfill", "track"), ("sdk", "track")])
def test_odd_timestamps(contract, kind):
    """Each odd timestamp is judged as the schema judges it, and a refused one is explained in words of its own."""
    for value, *_ in TIMESTAMPS:
        payload = {"type": kind, "event": "Registered", "userId": "1", "email": "ada@example.com", "timestamp": value}
        agree(contract, kind, payload)
        for violation in ENGINE.check(json.dumps(payload).encode(), Endpoint(contract, kind)).violations:
            assert "match" not in violation.message
            assert "pattern" not in violation.message


@pytest.mark.parametrize(("contract", "kind"), KINDS)
def test_pruning(contract, kind):
    """A payload without the parts that no rule looks at is as valid as the whole."""
    judge = ENGINE._judge(contract, kind)

    @settings(patient, max_examples=20)
    @given(generator.slipped(contract, kind))
    def tried(payload):
        assert judge._errors.is_valid(pruned(payload, judge._looked_at)) == judge._errors.is_valid(payload)
        assert judge._clean.is_valid(payload) == (judge._errors.is_valid(payload) and not smells(contract, kind, payload))

    tried()


def corpus():
    lines = (Path(__file__).parent.parent / "corpus" / "payloads.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("case", corpus(), ids=lambda case: case["id"])
def test_corpus(case):
    """The golden payloads are met, verdict and pointer: what is wrong stands at a pointer that the corpus names, and at no other."""
    body = case["raw"].encode() if "raw" in case else json.dumps(case["payload"]).encode()
    verdict = ENGINE.check(body, Endpoint(case["contract"], case["type"]))
    assert verdict.accepted == case["valid"], case["note"]
    pointers = {violation.pointer for violation in verdict.violations}
    assert pointers <= set(case.get("pointers", ()))
    assert bool(pointers) != case["valid"]


def endpoint(example):
    if example.kind == "batch":
        return Endpoint("sdk", None, "batch")
    return Endpoint(example.contract, None if example.kind == "any" else example.kind)


@pytest.mark.parametrize("example", examples("valid"), ids=lambda example: example.name)
def test_valid_examples(example):
    """A valid example is accepted and warned about as it says."""
    verdict = ENGINE.check(example.body, endpoint(example))
    assert verdict.accepted
    assert {warning.rule for warning in verdict.warnings} == set(example.data["warns"])


@pytest.mark.parametrize("example", examples("invalid"), ids=lambda example: example.name)
def test_invalid_examples(example):
    """An invalid example breaks the rules that it names and no other, each with something to do about it."""
    verdict = ENGINE.check(example.body, endpoint(example))
    assert {violation.rule for violation in verdict.violations} == set(example.data["breaks"])
    assert all(violation.hint and violation.message for violation in verdict.violations)


def test_catalogue():
    """The catalogue is what the schema files ask, rule for rule, each with all of its texts."""
    assert [rule.id for rule in ENGINE.catalogue if not all((rule.meaning, rule.why, rule.hint, rule.wrong, rule.right, rule.python, rule.node))] == []
    assert {rule.id for rule in ENGINE.catalogue} == all_rules()
    assert len(ENGINE.catalogue) == len(all_rules())


def test_examples_of_all():
    """Each rule of the catalogue is shown by an example, but for the batch too long to be a file and for those across events."""
    shown = {rule for side in ("valid", "invalid") for example in examples(side) for rule in (*example.data.get("breaks", ()), *example.data.get("warns", ()))}
    assert {rule.id for rule in ENGINE.catalogue} - shown == {"sdk.batch.batch.maxItems", *HISTORY_RULES}
