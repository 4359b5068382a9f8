from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from mock_june.contract import Engine, check, rules, schemas
from mock_june.contract.judge import Judge
from mock_june.errors import SchemaError, UsageError
from mock_june.model import Endpoint, Rule
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
        ("TRACK.*", "`mock-june rule` lists them all, such as 'track.timestamp.pattern'"),
        ("", "`mock-june rule` lists them all, such as 'track.timestamp.pattern'"),
    ],
)
def test_no_such_rule(pattern, meant):
    """A pattern that matches no rule is a usage error that says what was meant; case counts."""
    for select, ignore in ((["track.*", pattern], []), (["track.*"], [pattern])):
        with pytest.raises(UsageError) as caught:
            Engine(select, ignore)
        assert str(caught.value) == f"no rule matches {pattern!r}: {meant}"


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


def test_texts_of_ones_own(tmp_path, monkeypatch):
    """A rule takes the texts of the first entry that matches it, kind and field filled in, and goes without where none does."""
    names = ("meaning", "why", "wrong", "right", "python", "node")
    (tmp_path / "rules.toml").write_text("[[rule]]\nmatch = '*.*.*'\nnote = ''\n" + "".join(f"{name} = '{name} {{kind}} {{field}} {{x}}'\n" for name in names))
    engine = Engine(extra=["twice", "other.order.of-all"])
    monkeypatch.setattr(schemas, "folder", lambda: tmp_path)
    by_id = {rule.id: rule for rule in engine.catalogue}
    body = by_id["body.object"]
    assert body == Rule("body.object", "error", "", keyword="object", hint="Send one JSON Object a request; many events go as `batch` to POST /sdk/batch.")
    assert by_id["twice"] == Rule("twice", "warning", "", keyword="twice", hint="")
    found = by_id["other.order.of-all"]
    assert (found.severity, found.keyword, found.meaning) == ("warning", "of-all", "meaning   {x}")
    history = by_id["history.midnight"]
    assert history == Rule("history.midnight", "warning", "", keyword="midnight", hint="Take the column that has the time of day too, not the date alone.")
    texts: Any = {name: f"{name} identify traits.email {{x}}" for name in names}
    mail = Rule("identify.traits.email.not-an-email", "warning", "", contract="backfill", kind="identify", field="traits.email", keyword="not-an-email")
    found = by_id["identify.traits.email.not-an-email"]
    assert found == replace(mail, hint=found.hint, **texts)
    assert found.hint == schema("backfill", "identify")["properties"]["traits"]["properties"]["email"]["x-hints"]["not-an-email"]


def test_texts_of_rules_before_a_payload(tmp_path, monkeypatch):
    """Of a rule that has no kind and no field, nothing stands in the place of either."""
    (tmp_path / "rules.toml").write_text("[[rule]]\nmatch = 'body.*'\nmeaning = '<{kind}{field}>'\n")
    engine = Engine()
    monkeypatch.setattr(schemas, "folder", lambda: tmp_path)
    assert [rule.meaning for rule in engine.catalogue if rule.meaning] == ["<>"] * 4
    assert {rule.meaning for rule in engine.catalogue} == {"<>", ""}


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
    for odd, keyword in zip(odds, ("oneOf", "minProperties", "contains"), strict=True):
        for name, called in (("urn:odd", {"$id": "urn:odd"}), ("track", {})):
            with pytest.raises(SchemaError) as caught:
                rules.constraints("backfill", "track", {**called, "properties": {}, **odd})
            assert (str(caught.value), caught.value.path) == (f"the schema {name} uses {keyword!r}, which mock-june makes no rule of", name)


def test_constraints_in_full():
    """A constraint says all of a keyword: rule, path, hint, severity, place in the schema; what is missing comes first, what smells last."""
    smell = {"minLength": 2}
    code = {
        "x-warnings": {"brief": smell},
        "not": {"const": "x"},
        "pattern": "^a",
        "x-hints": {"pattern": "Begin with a.", "brief": "Longer.", "unknown": "Rename."},
    }
    tags = {"items": {"type": "string", "x-hints": {"type": "Texts."}}, "allOf": [{"maxItems": 2}]}
    root = {"properties": {"code": code, "tags": tags}, "required": ["code"], "type": "object"}
    assert rules.constraints("sdk", "track", root) == [
        rules.Constraint("sdk.track.code.required", ("code",), "required", "", "error", "/required"),
        rules.Constraint("sdk.track.code.pattern", ("code",), "not", "Begin with a.", "error", "/properties/code/not"),
        rules.Constraint("sdk.track.code.brief", ("code",), "brief", "Longer.", "warning", "/properties/code/x-warnings/brief", smell),
        rules.Constraint("sdk.track.code.unknown", ("code",), "unknown", "Rename.", "warning", "/x-known"),
        rules.Constraint("sdk.track.tags.maxItems", ("tags",), "maxItems", "", "error", "/properties/tags/allOf/0/maxItems"),
        rules.Constraint("sdk.track.tags.unknown", ("tags",), "unknown", "", "warning", "/x-known"),
        rules.Constraint("sdk.track.tags.items", ("tags", "*"), "type", "Texts.", "error", "/properties/tags/items/type"),
    ]


@pytest.mark.parametrize(
    "inner", [{"items": {"type": "string"}}, {"properties": {"b": {"type": "string"}}}, {"properties": {"b": {"properties": {"c": {"const": 1}}}}}]
)
def test_hints_stand_beside_the_field(inner):
    """A keyword further inside than a field's own schema has no hint where the field's has none."""
    asked = rules.constraints("backfill", "track", {"properties": {"a": {"allOf": [inner], "properties": {}}, "z": {"else": inner}}})
    assert {each.hint for each in asked} == {""}


@pytest.mark.parametrize(
    ("path", "keyword", "rule"),
    [
        (("type",), "const", "track.type.const"),
        (("tags", 3), "type", "track.tags.items"),
        (("tags", "*"), "type", "track.tags.items"),
        (("a", "tags", 3), "type", "track.a.tags.items"),
        (("tags", 3, 4), "type", "track.tags.items"),
        (("a", "tags", 3, "name"), "not", "track.name.pattern"),
        (("tags", "*", "names", 0), "enum", "track.names.items"),
    ],
)
def test_rule_ids(path, keyword, rule):
    """What is wrong with an item is a matter of its array; what is in it has an id of its own."""
    assert rules.rule_id("backfill", "track", path, keyword) == rule
    assert rules.rule_id("sdk", "track", path, keyword) == f"sdk.{rule}"


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
    with pytest.raises(SchemaError, match=what) as caught:
        _ = engine.catalogue
    assert caught.value.path == str(tmp_path / "rules.toml")
    assert not engine.check(BROKEN, TRACK).accepted


def test_no_json_schema():
    """A schema that is no JSON Schema is refused by name."""
    root = {"$id": "urn:odd", "properties": {"a": {"type": "text"}}}
    with pytest.raises(SchemaError, match=r"^the schema urn:odd is no JSON Schema 2020-12: .*text") as caught:
        Judge("backfill", "track", root, rules.constraints("backfill", "track", root), frozenset())
    assert caught.value.path == "urn:odd"
    del root["$id"]
    with pytest.raises(SchemaError, match=r"^a schema without `\$id` is no JSON Schema 2020-12: ") as caught:
        Judge("backfill", "track", root, rules.constraints("backfill", "track", root), frozenset())
    assert caught.value.path == ""
    with pytest.raises(SchemaError, match="is no JSON Schema 2020-12"):
        Judge("backfill", "track", {"properties": {"a": {"pattern": "(?=a)a"}}}, [], frozenset())  # a look-ahead wants an engine that goes back


def test_where_the_schemas_lie(tmp_path, monkeypatch):
    """The schemas lie inside the package where it was installed so, else beside it."""
    package = tmp_path / "mock_june"
    (package / "contract").mkdir(parents=True)
    monkeypatch.setattr(schemas, "__file__", str(package / "contract" / "schemas.py"))
    assert schemas.folder() == tmp_path / "schemas"
    (package / "schemas").mkdir()
    assert schemas.folder() == package / "schemas"


def test_files_are_utf_8():
    """The files are read as UTF-8, whatever the machine's own encoding is."""
    code = "from mock_june.contract import Engine; print(len(Engine().catalogue))"
    run = [sys.executable, "-X", "warn_default_encoding", "-W", "error::EncodingWarning", "-c", code]
    assert int(subprocess.run(run, capture_output=True, text=True, check=True).stdout) == len(all_rules())


@pytest.mark.uncovered
def test_a_check_starts_quickly():
    """A check imports neither the reference validator nor what only the catalogue needs."""
    code = "import sys; from mock_june import check; check({'type': 'identify', 'userId': 1}); print(*sorted(sys.modules))"
    modules = set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())
    assert {"orjson", "jsonschema_rs"} <= modules
    assert not modules & {"jsonschema", "tomllib", "hypothesis", "pytest", "click", "rich", "flask", "httpx", "asyncio"}
