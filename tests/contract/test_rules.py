from __future__ import annotations

import subprocess
import sys

import pytest

from mock_june.contract import Engine, check, rules, schemas
from mock_june.contract.judge import Judge
from mock_june.errors import SchemaError, UsageError
from mock_june.model import Endpoint
from tests.contract.schema_files import FILES, HISTORY_RULES, all_rules, schema

BROKEN = b'{"type": "track", "event": 7, "userId": "null", "timestamp": "2021-02-24", "email": ""}'
TRACK = Endpoint("backfill", "track")


def found(select=(), ignore=()):
    verdict = Engine(select, ignore).check(BROKEN, TRACK)
    return [each.rule for each in verdict.violations], [each.rule for each in verdict.warnings]


def test_all():
    """Without patterns every rule is in force."""
    assert Engine().in_force == all_rules()
    assert found() == (["track.event.type", "track.timestamp.pattern", "track.email.minLength"], ["track.userId.placeholder"])


@pytest.mark.parametrize(
    ("select", "ignore", "errors", "warnings"),
    [
        (["track.event.type"], [], ["track.event.type"], []),
        (["*.timestamp.*", "*.placeholder"], [], ["track.timestamp.pattern"], ["track.userId.placeholder"]),
        ([], ["*.email.*", "track.event.*"], ["track.timestamp.pattern"], ["track.userId.placeholder"]),
        (["track.*"], ["*.type", "*.placeholder"], ["track.timestamp.pattern", "track.email.minLength"], []),
        (["group.*"], [], [], []),
        ([], ["*.event.type", "*.timestamp.pattern", "*.email.minLength"], [], ["track.userId.placeholder"]),
    ],
)
def test_select_and_ignore(select, ignore, errors, warnings):
    """What is selected and not ignored is reported; without any of its errors a payload is accepted."""
    assert found(select, ignore) == (errors, warnings)
    assert Engine(select, ignore).check(BROKEN, TRACK).accepted == (not errors)


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("track.timestamp.patern", "did you mean 'track.timestamp.pattern'?"),
        ("track.userid.type", "did you mean 'track.userId.type'?"),
        ("TRACK.*", "`mock-june rule` lists them all"),
        ("", "`mock-june rule` lists them all"),
    ],
)
def test_no_such_rule(pattern, meant):
    """A pattern that matches no rule is a usage error that says what was meant; case counts."""
    for select, ignore in ((["track.*", pattern], []), (["track.*"], [pattern])):
        with pytest.raises(UsageError, match="no rule matches") as caught:
            Engine(select, ignore)
        assert meant in str(caught.value)


def test_a_hostile_glob():
    """A glob of many stars is answered at once."""
    with pytest.raises(UsageError):
        Engine(["*a" * 40 + "*b.c.d.e"])


def test_what_cannot_be_read_needs_no_selecting():
    """What cannot be read is reported under any selection, unless it is ignored by name."""
    engine = Engine(["track.timestamp.*"])
    assert [each.rule for each in engine.check(b"{", TRACK).violations] == ["body.json"]
    assert [each.rule for each in engine.check(b"{}", Endpoint("sdk", None, "batch")).violations] == ["sdk.batch.batch.required"]
    assert [each.rule for each in engine.check(b'{"batch": [{"type": "x"}]}', Endpoint("sdk", None, "batch")).violations] == ["sdk.batch.type.unknown"]
    ignoring = Engine((), ["body.*", "sdk.batch.*"])
    for body, endpoint in ((b"{", TRACK), (b"[]", TRACK), (b"{}", Endpoint("backfill")), (b'{"batch": [{}, 1]}', Endpoint("sdk", None, "batch"))):
        verdict = ignoring.check(body, endpoint)
        assert verdict.accepted
        assert verdict.events == ()


def test_rules_of_others():
    """Rules across events are chosen like the rest and stand in the catalogue; so do those that somebody else applies and names."""
    assert Engine(ignore=["history.*"]).in_force == all_rules() - HISTORY_RULES
    with pytest.raises(UsageError, match=r"other\.twice"):
        Engine(ignore=["other.twice"])
    engine = Engine(ignore=["other.t*"], extra=["other.twice", "other.order", "history.midnight"])
    assert engine.in_force == all_rules() | {"other.order"}
    assert [rule.id for rule in engine.catalogue][-2:] == ["other.twice", "other.order"]
    assert engine.rules_hash != Engine().rules_hash


def test_the_hash():
    """Engines with the same rules in force have the same hash, others another."""
    assert Engine().rules_hash == Engine(["*"]).rules_hash == Engine(ignore=[], select=["*.*"]).rules_hash
    hashes = {Engine(ignore=[pattern]).rules_hash for pattern in ("*.blank", "*.old", "*.email.*")} | {Engine().rules_hash}
    assert len(hashes) == 4
    assert all(len(each) == 16 and int(each, 16) >= 0 for each in hashes)


def test_the_hash_follows_the_schemas():
    """A changed schema changes the hash; the order of its members does not."""
    files = {name: schema(*name) for name in FILES}
    turned = {name: dict(reversed(root.items())) for name, root in reversed(files.items())}
    changed = {**files, ("sdk", "track"): {**schema("sdk", "track"), "minProperties": 1}}
    assert rules.digest(["a", "b"], files) == rules.digest(["b", "a"], turned) != rules.digest(["a", "b"], changed)


def test_the_catalogue_entry():
    """A rule of the catalogue says where it stands, how bad it is, and what to do."""
    by_id = {rule.id: rule for rule in Engine().catalogue}
    pattern = by_id["sdk.identify.timestamp.pattern"]
    assert (pattern.contract, pattern.kind, pattern.field, pattern.keyword, pattern.severity) == ("sdk", "identify", "timestamp", "pattern", "error")
    nested = by_id["identify.traits.email.not-an-email"]
    assert (nested.field, nested.keyword, nested.severity) == ("traits.email", "not-an-email", "warning")
    assert (by_id["sdk.batch.type.unknown"].severity, by_id["sdk.batch.batch.unknown"].severity) == ("error", "warning")
    assert (by_id["body.json"].contract, by_id["body.json"].kind, by_id["body.json"].keyword) == (None, None, "json")
    assert not any("{kind}" in rule.why or "{field}" in rule.meaning for rule in by_id.values())


def test_order():
    """The catalogue goes field by field as the schema does; of a field what is missing comes first, what smells last."""
    ids = [rule.id.removeprefix("track.") for rule in Engine().catalogue if rule.id.startswith("track.")]
    assert ids[:8] == [
        *("type.required", "type.type", "type.const", "type.unknown"),
        *("event.required", "event.type", "event.minLength", "event.placeholder"),
    ]


def test_a_keyword_without_a_rule():
    """A schema keyword that nobody gave a rule id is refused when the schema is loaded, nested ones too."""
    odds: list[dict] = [{"oneOf": []}, {"properties": {"a": {"minProperties": 1}}}, {"properties": {"a": {"else": {"contains": {}}}}}]
    for odd in odds:
        with pytest.raises(SchemaError, match="makes no rule of"):
            rules.constraints("backfill", "track", {"$id": "urn:odd", "properties": {}, **odd})


def test_a_new_rule_needs_no_code():
    """A keyword put into a schema file is a rule at once: named, explained, with its hint, in a list too."""
    prop = {"type": "string", "maxLength": 3, "allOf": [{"pattern": "^a"}], "x-hints": {"maxLength": "Shorter."}}
    root = {"type": "object", "properties": {"code": prop, "n": {"type": "integer", "minimum": 2}}}
    asked = rules.constraints("backfill", "track", root)
    assert [each.rule for each in asked] == [
        *("track.code.type", "track.code.maxLength", "track.code.pattern", "track.code.unknown"),
        *("track.n.type", "track.n.minimum", "track.n.unknown"),
    ]
    judge = Judge("backfill", "track", root, asked, frozenset(each.rule for each in asked))
    violations, _ = judge.judge({"code": "bcde", "n": 1})
    assert [(each.rule, each.keyword_location, each.message, each.hint) for each in violations] == [
        ("track.code.maxLength", "/properties/code/maxLength", "code is a string of 4 characters, more than 3", "Shorter."),
        ("track.code.pattern", "/properties/code/allOf/0/pattern", 'code is "bcde", which is not of the form that it must have', ""),
        ("track.n.minimum", "/properties/n/minimum", "n is the number 1, against minimum 2", ""),
    ]


@pytest.mark.parametrize(
    ("path", "pointer"),
    [((), ""), (("a",), "/a"), (("batch", 3, "type"), "/batch/3/type"), (("a/b", "m~n", "", "é"), "/a~1b/m~0n//é")],
)
def test_pointer(path, pointer):
    """A path is written as RFC 6901 has it."""
    assert rules.pointer(path) == pointer


@pytest.mark.parametrize(
    ("contract", "kind", "meant"),
    [("backfil", "track", "'backfill'"), ("backfill", "trak", "'track'"), ("backfill", "batch", "identify, group, track"), ("sdk", "Track", "'track'")],
)
def test_no_such_schema(contract, kind, meant):
    """A contract or kind that is none is a usage error that says what was meant."""
    with pytest.raises(UsageError) as caught:
        schemas.load(contract, kind)
    assert meant in str(caught.value)
    with pytest.raises(UsageError):
        check({}, kind, contract)


def test_schemas_as_they_lie_on_disk():
    """A schema is given as the file has it."""
    for contract, kind in FILES:
        assert schemas.load(contract, kind) == schema(contract, kind)
    assert schemas.folder().name == "schemas"


@pytest.mark.parametrize(("content", "what"), [(None, "cannot be read"), (b"{", "is no JSON"), (b"[]", "holds no JSON Object")])
def test_a_broken_schema_file(tmp_path, monkeypatch, content, what):
    """A schema file that is missing or broken is named."""
    path = tmp_path / "backfill" / "track.json"
    path.parent.mkdir()
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr(schemas, "folder", lambda: tmp_path)
    with pytest.raises(SchemaError, match=what) as caught:
        schemas.load("backfill", "track")
    assert caught.value.path == str(path)


@pytest.mark.parametrize(("content", "what"), [(None, "cannot be read"), ("rule = [", "are no TOML"), ("a = 1", "are no TOML")])
def test_broken_texts(tmp_path, monkeypatch, content, what):
    """Texts that are missing or broken are named, and hinder no check."""
    if content is not None:
        (tmp_path / "rules.toml").write_text(content)
    engine = Engine()
    monkeypatch.setattr(schemas, "folder", lambda: tmp_path)
    with pytest.raises(SchemaError, match=what):
        _ = engine.catalogue
    assert not engine.check(BROKEN, TRACK).accepted


def test_no_json_schema():
    """A schema that is no JSON Schema is refused by name."""
    root = {"$id": "urn:odd", "properties": {"a": {"type": "text"}}}
    with pytest.raises(SchemaError, match="urn:odd"):
        Judge("backfill", "track", root, rules.constraints("backfill", "track", root), frozenset())


def test_a_check_starts_quickly():
    """A check imports neither the reference validator nor what only the catalogue needs."""
    code = "import sys; from mock_june import check; check({'type': 'identify', 'userId': 1}); print(*sorted(sys.modules))"
    modules = set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())
    assert {"orjson", "jsonschema_rs"} <= modules
    assert not modules & {"jsonschema", "tomllib", "hypothesis", "pytest", "click", "rich", "flask", "httpx", "asyncio"}
