"""mock_june.contract.look: what a quick look says of bodies is what `check` says of them, without the texts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import corpora
from contract_tests import generator
from mock_june.contract import Engine
from mock_june.contract.look import UNREAD, parsed
from mock_june.errors import UsageError
from mock_june.model import Endpoint
from tests.contract.schema_files import KINDS

ENGINE = Engine()
ENDPOINTS = [Endpoint("backfill"), Endpoint("backfill", "track"), Endpoint("sdk"), Endpoint("sdk", "page"), Endpoint("sdk", "alias")]
ODD = [
    *(
        b"",
        b" \t\r",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b"\x00{",
        b"{\x00",
        b"[]",
        b"null",
        b'"x"',
        b"1e400",
        b'{"type":',
        b"{}",
        b'{"type":null}',
        b'{"type":["track"]}',
    ),
    *(b'{"type":"nobody"}', b'{"type":"identify","user_id":"1","userId":" "}', b'{"type":"track","userId":1,"userId":"1"}', b"[" * 1023 + b"]" * 1023),
    b'{"type":"identify","userId":' + b"[" * 900 + b"]" * 900 + b"}",
]


def rules(verdict):
    """The ids of a verdict's rules."""
    return tuple(tuple(each.rule for each in some) for some in (verdict.violations, verdict.warnings))


def examples():
    """The payloads that the schema files show as good and as bad."""
    for path in sorted((Path(__file__).parents[2] / "schemas" / "examples").rglob("*.json")):
        example = json.loads(path.read_bytes())
        if "payload" in example:
            yield json.dumps(example["payload"], ensure_ascii=False).encode()
        else:
            yield example["raw"].encode("utf-8", "surrogatepass") if "raw" in example else bytes.fromhex(example["hex"])


def agree(engine, endpoint, bodies):
    """Asserts that a look at bodies says what `check` says of each."""
    look = engine.quick(endpoint)
    verdicts = [engine.check(body, endpoint) for body in bodies]
    doubtful = [number for number, verdict in enumerate(verdicts) if verdict.violations or verdict.warnings]
    for body, verdict in zip(bodies, verdicts, strict=True):
        assert look.rules(parsed(body), body) == rules(verdict), body
        is_clean = not verdict.violations and not verdict.warnings
        assert is_clean or look(body) is None, body
        if is_clean and engine is ENGINE:
            assert look(body) == verdict.events[0].kind, body
    if engine is ENGINE:
        assert [number for number, _ in look.doubtful(bodies)] == doubtful
        assert [number for number, _ in look.doubtful(map(parsed, bodies), None)] == doubtful


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
def test_same_rules(endpoint):
    """The rules that are counted are those that `check` names, in its order: of bodies that are no JSON, no Object, of no kind, broken and good."""
    agree(ENGINE, endpoint, [*ODD, *examples(), *(line[:-1] for line in corpora.lines(3000, bad=0.6, seed=11))])


@pytest.mark.parametrize("rules", [{"select": ["*.userId.*"]}, {"ignore": ["*.type", "*.blank", "body.kind"]}, {"ignore": ["body.*"]}])
def test_rules_in_force(rules):
    """What is not in force is not counted."""
    agree(Engine(**rules), Endpoint("backfill"), [*ODD, *(line[:-1] for line in corpora.lines(500, bad=0.6, seed=12))])


@pytest.mark.parametrize(("contract", "kind"), KINDS)
def test_same_rules_of_slips(contract, kind):
    """So it is of payloads drawn by the contract suite, and of what becomes of them when a member is spoilt."""
    values = st.sampled_from([None, "", " ", "null", 0, 42, True, [], [1], {}, {"a": 1}, "2021-02-30T00:00:00Z", "1999-01-01T00:00:00Z\n", "x@y"])
    names = st.sampled_from(["type", "userId", "anonymousId", "groupId", "event", "timestamp", "email", "traits", "properties", "user_id", "Event"])

    @given(generator.payloads(contract, kind), st.dictionaries(names, values, max_size=3))
    @settings(max_examples=60, deadline=None)
    def look(payload, spoilt):
        agree(ENGINE, Endpoint(contract, kind), [json.dumps({**payload, **spoilt}).encode()])

    look()


def test_unread():
    """What is no JSON is told from all that is."""
    assert parsed(b"null") is None
    assert parsed(b"nul") is UNREAD


def test_what_is_doubtful():
    """What is doubtful is told with its place and its value, where it has one."""
    look = ENGINE.quick(Endpoint("backfill"))
    assert look.doubtful([b'{"type":"identify","userId":"1"}', b"{", b"null", b"{}"]) == [(1, UNREAD), (2, None), (3, {})]


def test_of_no_kind():
    """Of a kind or contract that is none there is no quick look either."""
    with pytest.raises(UsageError, match="did you mean 'track'"):
        ENGINE.quick(Endpoint("backfill", "trak"))
    with pytest.raises(UsageError, match="'page' is no kind"):
        ENGINE.quick(Endpoint("backfill", "page"))


def test_of_a_batch():
    """Of a batch there is no quick look."""
    with pytest.raises(UsageError, match="no quick look"):
        ENGINE.quick(Endpoint("sdk", None, "batch"))
