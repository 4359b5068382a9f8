"""The strategies: good payloads are good, broken ones break what they say, all rules are reached, and what they shrink to can be read."""

from __future__ import annotations

import json
import re
import shutil
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, find, given, seed, settings
from hypothesis import strategies as st

from contract_tests import breaking, generator
from contract_tests.files import KINDS, schema
from contract_tests.rules import broken, rules
from mock_june.contract import Engine
from mock_june.errors import UsageError
from mock_june.model import Endpoint
from mock_june.strategies import Invalid, alias, batches, group, identify, invalid_payloads, page, payloads, screen, track

ENGINE = Engine()
OF_KIND = {"identify": identify, "group": group, "track": track, "page": page, "screen": screen, "alias": alias}
ALL = [(contract, kind) for contract, kinds in KINDS.items() for kind in kinds]

patient = settings(suppress_health_check=[HealthCheck.too_slow], max_examples=30)


def verdict(contract, kind, payload):
    return ENGINE.check(json.dumps(payload).encode(), Endpoint(contract, kind))


def drawn(strategy, count):
    """So many values of a strategy, the same ones each time."""
    found = []

    @seed(1)
    @settings(max_examples=count, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(strategy)
    def collect(value):
        found.append(value)

    collect()
    return found


def plainest(strategy, condition=lambda _: True):
    """What a strategy shrinks to."""
    return find(strategy, condition, settings=settings(max_examples=300, database=None, suppress_health_check=list(HealthCheck)), random=Random(1))


class TestGood:
    @pytest.mark.parametrize(("contract", "kind"), ALL)
    def test_accepted(self, contract, kind):
        """The engine accepts every payload that is called good."""

        @patient
        @given(OF_KIND[kind](contract))
        def tried(payload):
            assert verdict(contract, kind, payload).accepted

        tried()

    @pytest.mark.parametrize("contract", KINDS)
    def test_any_kind(self, contract):
        """`payloads` gives good ones of every kind, which say themselves of which they are."""
        found = drawn(payloads(contract), 100)
        assert {payload["type"] for payload in found} == set(KINDS[contract])
        assert all(verdict(contract, None, payload).accepted for payload in found)

    def test_batches(self):
        """`batches` gives good batches with messages of every kind, of no more than was said."""
        found = drawn(batches(3), 100)
        assert all(ENGINE.check(json.dumps(batch).encode(), Endpoint("sdk", None, "batch")).accepted for batch in found)
        assert {len(batch["batch"]) for batch in found} == {1, 2, 3}
        assert {message["type"] for batch in found for message in batch["batch"]} == set(KINDS["sdk"])

    def test_timestamps(self):
        """Timestamps come in all their forms: leap days, the first year and the last, both zones, no fraction and long ones."""
        found = [payload["timestamp"] for payload in drawn(track(), 2000)]
        for form in (r".*-02-29T.*", r"0001-.*", r"9999-.*", r".*\+00:00", r"[^.]*Z", r".*\.[0-9]{7,}.*"):
            assert any(re.fullmatch(form, text) for text in found), form
        assert len(set(found)) > 50  # how many exactly moves with Hypothesis, which also draws the constants that it finds in code

    def test_texts_and_traits(self):
        """Texts are of any script, traits hold Objects in Objects, and null where the contract has no word on it."""
        found = drawn(identify(), 300)
        assert any(not payload.get("userId", "").isascii() for payload in found)
        bags = [value for payload in found for value in payload.get("traits", {}).values()]
        assert any(isinstance(value, dict) and value for value in bags)
        assert None in bags

    def test_null(self):
        """In the SDK contract null stands for what is absent."""
        found = drawn(track("sdk"), 200)
        assert {name for payload in found for name, value in payload.items() if value is None} >= {"userId", "anonymousId", "timestamp", "context", "type"}


class TestBroken:
    @pytest.mark.parametrize("contract", KINDS)
    def test_rules(self, contract):
        """A broken payload breaks the rules that it names and no other, as the engine has it."""

        @settings(patient, max_examples=200)
        @given(invalid_payloads(contract))
        def tried(broken_one):
            found = verdict(broken_one.contract, broken_one.kind, broken_one.payload)
            assert {violation.rule for violation in found.violations} == broken_one.rules
            assert broken_one.rules

        tried()

    def test_every_rule(self):
        """Every rule of the backfill contract that refuses a payload is reached in some two thousand draws; some payloads break two."""
        found = drawn(invalid_payloads(), 2000)  # Hypothesis draws from the constants of what is imported too, so that a seed alone does not make it the same
        wanted = {rule.id for rule in ENGINE.catalogue if rule.contract == "backfill" and rule.severity == "error"}
        assert {rule for each in found for rule in each.rules} == wanted
        assert {len(each.rules) for each in found} >= {1, 2}

    @pytest.mark.slow
    def test_every_rule_of_sdk(self):
        """So is every rule of the SDK contract, in some thousands."""
        found = drawn(invalid_payloads("sdk"), 4000)
        wanted = {rule.id for rule in ENGINE.catalogue if rule.contract == "sdk" and rule.severity == "error" and rule.kind != "batch"}
        assert {rule for each in found for rule in each.rules} == wanted

    @pytest.mark.parametrize(("contract", "kind"), ALL)
    def test_one_rule_alone(self, contract, kind):
        """Each rule can be broken with no other one."""
        for rule in rules(contract, kind):
            for payload in drawn(breaking.breaking(rule), 3):
                assert {violation.rule for violation in verdict(contract, kind, payload).violations} == {rule.id}

    def test_one_kind(self):
        """They can be of one kind alone."""
        assert {each.kind for each in drawn(invalid_payloads("sdk", "alias"), 20)} == {"alias"}

    @pytest.mark.parametrize("kind", ["identify", "group", "track"])
    def test_the_judge_agrees(self, kind):
        """What the suite says of a payload's rules and places is what the engine says, of slips of all sorts."""

        @patient
        @given(generator.slipped("backfill", kind))
        def tried(payload):
            found = verdict("backfill", kind, payload).violations
            assert {(violation.rule, violation.pointer) for violation in found} == broken("backfill", kind, payload)

        tried()

    def test_the_judge_agrees_on_batches(self):
        """The same holds of batches."""

        @patient
        @given(generator.batches())
        def tried(batch):
            found = ENGINE.check(json.dumps(batch).encode(), Endpoint("sdk", None, "batch")).violations
            assert {(violation.rule, violation.pointer) for violation in found} == broken("sdk", "batch", batch)

        tried()


class TestShrinking:
    def test_good(self):
        """They shrink to what the article's samples look like."""
        stamp = "2021-02-24T01:19:38.931Z"
        assert plainest(identify()) == {"type": "identify", "userId": "1"}
        assert plainest(group()) == {"type": "group", "groupId": "A", "userId": "1"}
        assert plainest(track()) == {"type": "track", "event": "Registered", "userId": "1", "timestamp": stamp, "email": "ada@example.com"}
        assert plainest(page()) == {"userId": "1", "properties": {}}
        assert plainest(payloads()) == {"type": "identify", "userId": "1"}
        assert plainest(batches()) == {"batch": [{"type": "identify", "userId": "1"}]}

    def test_with_traits(self):
        """One member more is there when it is asked for, with little in it."""
        found = plainest(identify(), lambda payload: payload.get("traits"))
        assert found.keys() == {"type", "userId", "traits"}
        assert len(json.dumps(found["traits"])) < 40

    @pytest.mark.parametrize(
        ("rule", "wanted"),
        [
            ("group.traits.type", {"type": "group", "groupId": "A", "userId": "1", "traits": 1}),
            ("identify.userId.required", {"type": "identify"}),
            (
                "track.timestamp.pattern",
                {"type": "track", "event": "Registered", "anonymousId": "a-1", "timestamp": "2021-02-24T01:19:38+02:00"},
            ),
        ],
    )
    def test_broken(self, rule, wanted):
        """A broken one shrinks to one that breaks the rule with little else in it."""
        found = plainest(invalid_payloads(kind=rule.partition(".")[0]), lambda each: each.rules == {rule})
        assert found == Invalid("backfill", rule.partition(".")[0], frozenset({rule}), wanted)


NEW = {
    "maxLength": ("userId", {"maxLength": 12}),
    "enum": ("plan", {"type": "string", "enum": ["free", "pro"], "examples": ["pro"]}),
    "pattern": ("groupId", {"type": "string", "pattern": "^g_[0-9]+$", "examples": ["g_1"]}),
    "minimum": ("logins", {"type": "integer", "minimum": 3}),
    "multipleOf": ("seats", {"type": "number", "multipleOf": 5, "maximum": 100}),
}
"""Rules that are written into the schema file of a group, by their keyword."""


class TestNewRules:
    @pytest.fixture
    def folder(self, repo, tmp_path):
        """A copy of the schema files."""
        return shutil.copytree(repo / "schemas", tmp_path / "schemas", ignore=shutil.ignore_patterns("examples"))

    @pytest.mark.parametrize("keyword", NEW)
    def test_reached(self, folder, keyword):
        """A rule that is written into a schema file is broken by the broken payloads, and kept by the good ones, without a line elsewhere."""
        member, asked = NEW[keyword]
        path = folder / "backfill" / "group.json"
        changed = json.loads(path.read_text("utf-8"))
        changed["properties"][member] = changed["properties"].get(member, {}) | asked
        path.write_text(json.dumps(changed), "utf-8")
        rule = f"group.{member}.{keyword}"
        assert rule in {each.id for each in rules("backfill", "group", folder)}
        reached = [each for each in drawn(breaking.invalid("backfill", ("group",), folder), 300) if rule in each.rules]
        assert reached
        judge = generator.judge("backfill", "group", folder)
        assert all(not judge.is_valid(each.payload) for each in reached)
        good = drawn(generator.good("backfill", "group", folder), 60)
        assert all(judge.is_valid(payload) for payload in good)
        assert any(member in payload for payload in good)

    def test_required_within(self, folder):
        """So is one of a member that is nested, and one that something be there."""
        path = folder / "backfill" / "group.json"
        changed = json.loads(path.read_text("utf-8"))
        changed["required"].append("traits")
        changed["properties"]["traits"] |= {"required": ["plan"], "properties": {"plan": {"type": "string"}}}
        path.write_text(json.dumps(changed), "utf-8")
        reached = {rule for each in drawn(breaking.invalid("backfill", ("group",), folder), 300) for rule in each.rules}
        assert {"group.traits.required", "group.traits.plan.required", "group.traits.plan.type"} <= reached
        assert all("plan" in payload["traits"] for payload in drawn(generator.good("backfill", "group", folder), 30))

    def test_the_files_as_they_are(self):
        """The schema files of the checkout were not changed by any of this."""
        assert "maxLength" not in schema("backfill", "group")["properties"]["userId"]


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda: track("bakfill"), "did you mean 'backfill'"),
        (lambda: payloads("x"), "there are backfill, sdk"),
        (lambda: page("backfill"), "'page' is no kind of the backfill contract: there are identify, group, track"),
        (lambda: invalid_payloads("sdk", "batch"), "no kind"),
        (lambda: batches(0), "1 or more"),
    ],
)
def test_no_such_thing(ask, told):
    """A contract, a kind or a size that makes no sense is refused as it is asked for."""
    with pytest.raises(UsageError, match=told):
        ask()


class TestBesideTheFixture:
    def test_june(self, pytester):
        """`@given(track())` works together with the fixture `june`: one workspace holds what all examples of a test sent."""
        pytester.makepyfile(
            """
            import httpx
            import pytest
            from hypothesis import HealthCheck, given, settings
            from mock_june.strategies import invalid_payloads, track

            together = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=20, database=None)

            @together
            @given(payload=track())
            def test_good(june, payload):
                june.client.track(payload)
                june.assert_received("track", event=payload["event"])

            @pytest.mark.june(allow_rejected=True)
            @together
            @given(broken=invalid_payloads())
            def test_broken(june, broken):
                june.reset()
                answer = httpx.post(f"{june.url}/api/{broken.kind}", json=broken.payload, headers={"Authorization": f"Basic {june.key}"}, verify=False)
                assert answer.status_code == 400
                assert {violation.rule for violation in june.calls()[0].violations} == broken.rules
            """
        )
        pytester.makeini("[pytest]\nfilterwarnings = error\n")
        pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:asyncio", "-p", "no:schemathesis").assert_outcomes(passed=2)

    def test_one_server(self, pytester):
        """With a workspace of each example's own, the session's server is asked for instead, and no health check needs to be silenced."""
        pytester.makepyfile(
            """
            from hypothesis import given, settings
            from mock_june.strategies import group

            @settings(deadline=None, max_examples=10, database=None)
            @given(payload=group())
            def test_alone(june_server, payload):
                with june_server.workspace() as june:
                    june.client.group(payload)
                    june.assert_received("group", count=1)
            """
        )
        pytester.makeini("[pytest]\nfilterwarnings = error\n")
        pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:asyncio", "-p", "no:schemathesis").assert_outcomes(passed=1)


def test_randoms():
    """Values that come out of a strategy can be JSON: nothing in them is NaN, nor half a letter."""

    @patient
    @given(st.one_of(*(OF_KIND[kind](contract) for contract, kind in ALL)))
    def tried(payload):
        assert json.loads(json.dumps(payload, allow_nan=False).encode()) == payload

    tried()
