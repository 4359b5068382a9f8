"""What the schema files promise of payloads: of each member what is accepted, of each rule that what breaks it is refused. Derived, whatever the files ask."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from .article import SAMPLES, SUCCESS, quote
from .breaking import breaking, breaks, examples, full, minimal, places, put, without, wrong_values
from .cases import Case, Promise, Wants, refusal_of
from .drawing import draws
from .files import Payload, Schema, judge, schema, share
from .generator import types_of, values
from .rules import Rule, rules
from .values import ASCII, ASCII_TEXTS, OBJECTS, TIMESTAMPS, UNICODE

ARTICLES = {"identify": "an", "alias": "an"}


def of_kind(contract: str, kind: str, examples_each: int) -> Iterator[Promise]:
    """All that is promised of the payloads of one kind, with so many drawn cases each."""
    optional = [name for name in schema(contract, kind)["properties"] if _can_go(contract, kind, name)]
    ids = tuple(f"{contract}.{kind}.{name}.optional.accepted" for name in optional)
    for name in optional:
        yield _optional(contract, kind, name)
    yield from _whole(contract, kind, ids)
    for name in schema(contract, kind)["properties"]:
        yield _member(contract, kind, name, examples_each)
    for rule in rules(contract, kind):
        yield _refused(rule, examples_each)
    yield from _excuses(contract, kind)


def _can_go(contract: str, kind: str, name: str) -> bool:
    whole = full(contract, kind)
    return name in whole and judge(contract, kind).is_valid(without(whole, (name,)))


def _optional(contract: str, kind: str, name: str) -> Promise:
    """Sent with all members but this one, so that what is refused is its absence."""
    return Promise(
        id=f"{contract}.{kind}.{name}.optional.accepted",
        text=f"{a(kind)} without `{name}` is accepted" + (", where the other id is there" if name in {"userId", "anonymousId"} else ""),
        quote=quote(contract, kind, name),
        cases=(Case(contract=contract, kind=kind, about=f"no {name}", without=name),),
    )


def _whole(contract: str, kind: str, optional: tuple[str, ...]) -> Iterator[Promise]:
    """Whole payloads: of those that a server refuses for one reason, the first promise alone is broken."""
    prefix = f"{contract}.{kind}"
    before: tuple[str, ...] = ()
    if contract == "backfill":
        before = (f"{prefix}.sample.accepted",)
        samples = tuple(Case(contract=contract, kind=kind, about="the article's sample", payload=sample) for sample in SAMPLES[kind])
        yield Promise(id=before[0], text=f"the article's own {kind} is accepted", quote=SUCCESS, cases=samples, unless=optional)
    described = schema(contract, kind)["description"]
    yield Promise(
        id=f"{prefix}.minimal.accepted",
        text=f"{a(kind)} with what is required, and nothing else, is accepted",
        quote=described,
        cases=tuple(Case(contract=contract, kind=kind, about=" and ".join(shape), payload=shape) for shape in minimal(contract, kind)),
        unless=(*optional, *before),
    )
    yield Promise(
        id=f"{prefix}.all-members.accepted",
        text=f"{a(kind)} with all of its members is accepted",
        quote=described,
        cases=(Case(contract=contract, kind=kind, about="all members", payload=full(contract, kind)),),
        unless=(*before, f"{prefix}.minimal.accepted"),
    )


def _member(contract: str, kind: str, name: str, drawn: int) -> Promise:
    """Only this member differs from a payload that the server is known to take."""
    asked = schema(contract, kind)["properties"][name]
    strategy = values(json.dumps(asked), ASCII).filter(lambda value: value is not None)
    found = {
        json.dumps(value): value for value in (*share(contract, kind, _right_values(asked)), *draws(strategy, drawn if "const" not in json.dumps(asked) else 1))
    }
    return Promise(
        id=f"{contract}.{kind}.{name}.accepted",
        text=f"{a(kind)} with a good `{name}` is accepted, whatever good value it has",
        quote=quote(contract, kind, name),
        cases=tuple(Case(contract=contract, kind=kind, about=about(name, value), change={name: value}) for value in found.values()),
    )


def _right_values(asked: Schema) -> Iterator[Any]:
    """Values that a member's schema takes, but for null: moments, odd texts in ASCII, dictionaries."""
    check = Draft202012Validator(asked)
    pool = [*asked.get("examples", ()), *TIMESTAMPS, *ASCII_TEXTS, *OBJECTS] if "pattern" in asked else [*asked.get("examples", ()), *ASCII_TEXTS, *OBJECTS]
    if "type" not in asked:  # nothing but what the contract says of it: its constant
        pool = [*asked.get("examples", ()), {**asked, **asked.get("else", {})}.get("const")]
    yield from (value for value in pool if value is not None and check.is_valid(value))


def _refused(rule: Rule, drawn: int) -> Promise:
    """Each payload breaks this rule and no other."""
    fixed = share(rule.contract, rule.kind, examples(rule))
    if rule.keyword == "required" and rule.path == ("userId",) and "anonymousId" not in schema(rule.contract, rule.kind, rule.folder)["properties"]:
        fixed += [{**payload, "anonymousId": "a-1"} for payload in fixed]
    found = {json.dumps(payload): payload for payload in (*fixed, *(draws(breaking(rule, ASCII), drawn) if places(rule) else ()))}
    return Promise(
        id=refusal_of(rule.contract, rule.id),
        text=f"{a(rule.kind)} {_said(rule)} is refused",
        quote=quote(rule.contract, rule.kind, rule.path[0]),
        cases=tuple(refused(rule.contract, rule.kind, payload, _about_broken(rule, payload)) for payload in found.values()),
    )


def refused(contract: str, kind: str, payload: Payload, told: str) -> Case:
    """A case of a payload that breaks rules, whichever they are."""
    return Case(contract=contract, kind=kind, about=told, wants=Wants.REFUSED, payload=payload, breaks=breaks(contract, kind, payload))


def _about_broken(rule: Rule, payload: Payload) -> str:
    value: Any = payload
    for part in rule.path:
        if not isinstance(value, dict) or part not in value:
            return f"no {rule.field}"
        value = value[part]
    return about(rule.field, value)


def _said(rule: Rule) -> str:
    """What is wrong with a payload that breaks a rule."""
    member = f"`{rule.field}`"
    types = " or ".join(each.title() for each in types_of(rule.asked) if each != "null")
    if rule.keyword == "pattern" and rule.field.endswith("timestamp"):
        return f"whose {member} is no date-time" + (" in UTC" if rule.contract == "backfill" else "") + " as the contract has it"
    return {
        "required": f"without {member}",
        "type": f"whose {member} is no {types}",
        "const": f"whose {member} is another than `{rule.asked.get('const')}`",
        "minLength": f"whose {member} is empty" if rule.asked.get("minLength") == 1 else f"whose {member} is too short",
    }.get(rule.keyword, f"whose {member} breaks the schema's `{rule.keyword}`")


def _excuses(contract: str, kind: str) -> Iterator[Promise]:
    """Where one member makes another optional: a bad one does not."""
    root = schema(contract, kind)
    for name in root.get("if", {}).get("required", ()):
        needed = root.get("else", {}).get("required", ())
        bad = [value for rule in rules(contract, kind) if rule.path == (name,) for value in wrong_values(rule)]
        bare = full(contract, kind)
        for gone in needed:
            bare = without(bare, (gone,))
        spoilt = [put(payload, (name,), value) for value in bad for payload in (bare, *minimal(contract, kind)) if not set(needed) & set(payload)]
        kept = {json.dumps(payload): payload for payload in spoilt if len(breaks(contract, kind, payload)) > 1}
        prefix = f"{contract}.{kind}"
        yield Promise(
            id=f"{prefix}.{name}.no-excuse.refused",
            text=f"{a(kind)} without `{'` and `'.join(needed)}` is refused where `{name}` is empty or no String: such a one excuses nothing",
            quote=quote(contract, kind, needed[0]),
            cases=tuple(refused(contract, kind, payload, about(name, payload[name])) for payload in share(contract, kind, kept.values())),
            unless=tuple(f"{prefix}.{rest}.refused" for rest in (f"{name}.type", f"{name}.minLength", *(f"{gone}.required" for gone in needed))),
        )


def of_contract(contract: str, kinds: Sequence[str], drawn: int) -> Iterator[Promise]:
    """What is promised of all kinds of a contract alike."""
    unknown = {"plan": "pro", "user_id": "1", "": "", "__proto__": {"a": 1}, "a/b": [1], "messageId": "m-1", "sentAt": "2021-02-24T01:19:38.931Z", "x": 1}
    yield Promise(
        id=f"{contract}.other-members.accepted",
        text="members that the contract does not name are accepted",
        quote="the tables say what must be there, and of nothing that it must not",
        cases=tuple(Case(contract=contract, kind=kind, about=about(name, value), change={name: value}) for kind in kinds for name, value in unknown.items()),
    )
    texts = [UNICODE, *UNICODE, "line\nbreak", "\t", "Zo\xeb \u6f22\u5b57 \U0001f600", *draws(st.text(UNICODE, min_size=1, max_size=12), drawn)]
    yield Promise(
        id=f"{contract}.unicode.accepted",
        text="a String holds any text: letters of all scripts, emoji, control characters",
        quote="String",
        cases=tuple(_of_unicode(contract, kinds, texts)),
    )


def _of_unicode(contract: str, kinds: Sequence[str], texts: list[str]) -> Iterator[Case]:
    for kind in kinds:
        members = schema(contract, kind)["properties"]
        free = [name for name, asked in members.items() if "string" in types_of(asked) and "type" in asked and not {"const", "enum", "pattern"} & set(asked)]
        bags = [name for name, asked in members.items() if "object" in types_of(asked)]
        for place, text in enumerate(share(contract, kind, texts)):
            name = (free + bags)[place % len(free + bags)]
            told = "any letters" if text == UNICODE else json.dumps(text)
            for each in free + bags if text == UNICODE else [name]:
                change = {each: {text: [text]} if each in bags else text}
                unless = f"{contract}.{kind}.{each}.accepted"
                yield Case(contract=contract, kind=kind, about=f"{each}: {told}", change=change, unless=unless)
                if text == UNICODE:
                    yield Case(contract=contract, kind=kind, about=f"{each}: {told}, written with \\u", change=change, unless=unless, render=escaped)


def escaped(payload: Payload) -> bytes:
    r"""JSON in ASCII: all else as \uNNNN."""
    return json.dumps(payload).encode()


def a(kind: str) -> str:
    """A kind with its article."""
    return f"{ARTICLES.get(kind, 'a')} {kind}"


def about(name: str, value: Any) -> str:
    """A member with its value, in short and in ASCII."""
    text = json.dumps(value)
    return f"{name} {text if len(text) <= 80 else text[:79] + '...'}"
