"""Payloads that break rules on purpose, each with the rules that it breaks: out of the schema files, so that a new rule is broken without a line here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, combinations
from pathlib import Path
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from .files import FOLDER, Payload, Schema, judge, schema
from .generator import any_values, good, types_of
from .rules import Rule, broken, rules
from .values import ILL_TYPED, ODD_CHARACTERS, ODD_VALUES, TIMESTAMPS

OPTIONAL = 8
"""Of so many optional members each combination is tried; of more, those with all, none, all but one and one."""

SHAPES = 40
"""How many of them are kept, at most."""

PLACES = 6
"""In how many shapes each rule is broken in turn: a server may look at a member only where another one is."""


@dataclass(frozen=True, slots=True)
class Invalid:
    """A payload that breaks rules, and which: their ids, all of them."""

    contract: str
    kind: str
    rules: frozenset[str]
    payload: Payload


@cache
def plain(contract: str, kind: str, folder: Path = FOLDER) -> Payload:
    """The plainest good value of each member of a kind. Do not change what it gives."""
    return {name: plain_value(inner) for name, inner in schema(contract, kind, folder)["properties"].items()}


def plain_value(asked: Schema) -> Any:
    """The plainest value that a schema takes: its constant, its first example, or what its type suggests."""
    inner = {**asked, **asked.get("else", {})}
    if "const" in inner:
        return inner["const"]
    within = {name: plain_value(below) for name, below in inner.get("properties", {}).items() if name in inner.get("required", ())}
    lowest = inner.get("minimum", inner.get("exclusiveMinimum", 0) + 1 if "exclusiveMinimum" in inner else 1)
    by_type = {"string": "x" * inner.get("minLength", 1), "object": within, "array": [], "boolean": True, "null": None}
    guesses = [*inner.get("examples", ()), *inner.get("enum", ()), *(by_type.get(name, lowest) for name in types_of(inner)), *ILL_TYPED]
    check = Draft202012Validator(asked)
    return next(guess for guess in guesses if check.is_valid(guess))


@cache
def shapes(contract: str, kind: str, folder: Path = FOLDER) -> tuple[Payload, ...]:
    """Good payloads of plain values that differ in which members they have, those with the fewest first. Do not change what it gives."""
    members = plain(contract, kind, folder)
    required = schema(contract, kind, folder).get("required", ())
    optional = [name for name in members if name not in required]
    sizes = range(len(optional) + 1) if len(optional) <= OPTIONAL else (0, 1, len(optional) - 1, len(optional))
    chosen = chain.from_iterable(combinations(optional, size) for size in sizes)
    found = [{name: value for name, value in members.items() if name in required or name in some} for some in chosen]
    kept = [payload for payload in found if judge(contract, kind, folder).is_valid(payload)]
    return tuple(_spread(kept, SHAPES))


def minimal(contract: str, kind: str, folder: Path = FOLDER) -> list[Payload]:
    """The shapes of which no member can be left out."""
    found = shapes(contract, kind, folder)
    return [shape for shape in found if not any(other.keys() < shape.keys() for other in found)]


def full(contract: str, kind: str, folder: Path = FOLDER) -> Payload:
    """The shape with all members that go together."""
    return shapes(contract, kind, folder)[-1]


def put(payload: Payload, path: Sequence[str], value: Any) -> Payload:
    """A copy with a value at a path; what stands in the way becomes an Object."""
    head, *rest = path
    if rest:
        below = payload.get(head)
        value = put(below if isinstance(below, dict) else {}, rest, value)
    return {**payload, head: value}


def without(payload: Payload, path: Sequence[str]) -> Payload:
    """A copy without the member at a path."""
    head, *rest = path
    if rest:
        below = payload.get(head)
        return {**payload, head: without(below if isinstance(below, dict) else {}, rest)}
    return {name: value for name, value in payload.items() if name != head}


def breaks(contract: str, kind: str, payload: Payload, folder: Path = FOLDER) -> frozenset[str]:
    """The ids of the rules that a payload breaks."""
    return frozenset(each.rule for each in broken(contract, kind, payload, folder))


def failing(asked: Schema) -> Callable[[Any], frozenset[str]]:
    """What says which keywords of a schema a value fails: of one of the wrong type, that alone. The guard beside a pattern fails as the pattern."""
    check = Draft202012Validator(asked)

    def failed(value: Any) -> frozenset[str]:
        found = frozenset("pattern" if error.validator == "not" else str(error.validator) for error in check.iter_errors(value))
        return frozenset({"type"}) if "type" in found else found

    return failed


@cache
def wrong_values(rule: Rule) -> tuple[Any, ...]:
    """Values that break a rule where it stands, the plainest first. Of a rule that a member be there: none, no value breaks it."""
    failed = failing(rule.asked)
    near = _NEAR[rule.keyword](rule.asked[rule.keyword]) if rule.keyword in _NEAR else ()
    moments = TIMESTAMPS if rule.keyword == "pattern" and any(not failed(text) for text in TIMESTAMPS) else ()
    found = _distinct(value for value in (*near, *moments, *ILL_TYPED) if rule.keyword in failed(value))
    return tuple(found or _distinct(value for value in (*ODD_VALUES, *chain.from_iterable(map(_slips_of, _named(rule)))) if rule.keyword in failed(value)))


def _named(rule: Rule) -> list[str]:
    """The good texts that a schema gives as examples."""
    return [each for each in rule.asked.get("examples", ()) if isinstance(each, str)]


def _near_texts(texts: Iterable[Any]) -> Iterator[Any]:
    """What a careless hand makes of a constant."""
    for text in texts:
        if isinstance(text, str):
            yield from (text.capitalize(), text.upper(), f"{text} ", f" {text}", f"{text}\n", f"{text}s", text[:-1], f'"{text}"', f"{text}\x00", [text], "x")
        else:
            yield from (str(text), [text], not text)
    yield from ("identify", "group", "track", "page", "screen", "alias", "event", "")


def _slips_of(text: str) -> Iterator[str]:
    """A text with each of its characters left out, doubled, or turned into its neighbour."""
    for at, letter in enumerate(text):
        yield from (text[:at] + text[at + 1 :], text[:at] + letter + text[at:], text[:at] + chr(ord(letter) + 1) + text[at + 1 :])


_NEAR: dict[str, Callable[[Any], Iterable[Any]]] = {
    "const": lambda constant: _near_texts([constant]),
    "enum": _near_texts,
    "minLength": lambda least: ("a" * length for length in (0, least - 1)),
    "maxLength": lambda most: ("a" * length for length in (most + 1, 2 * most + 1)),
    "maxItems": lambda most: ([None] * (most + 1),) if most < 1000 else (),
    "minimum": lambda least: (least - 1, least - 0.5),
    "maximum": lambda most: (most + 1, most + 0.5),
    "exclusiveMinimum": lambda least: (least, least - 1),
    "exclusiveMaximum": lambda most: (most, most + 1),
    "multipleOf": lambda step: (step / 2, step * 1.5, step + 1),
}
"""Values just beyond what a keyword allows."""


@cache
def places(rule: Rule) -> tuple[Payload, ...]:
    """Payloads of plain values in which this rule is broken, and if it can be no other, those with the fewest members first.

    What they have besides is what differs.
    """
    found = shapes(rule.contract, rule.kind, rule.folder)
    if rule.keyword == "required":
        spoilt = _distinct(without(shape, rule.path) for shape in found)
    else:
        values: Sequence[Any] = wrong_values(rule)[:1]
        spoilt = _distinct(put(shape, rule.path, value) for shape in found for value in values)
    broken_here = [(payload, breaks(rule.contract, rule.kind, payload, rule.folder)) for payload in spoilt]
    alone = [payload for payload, found_rules in broken_here if found_rules == {rule.id}]
    return tuple(alone or [payload for payload, found_rules in broken_here if rule.id in found_rules])


def _shown(rule: Rule) -> Callable[[Payload], bool]:
    """What says whether a payload breaks a rule and, if it can be broken alone, no other."""
    contract, kind, folder = rule.contract, rule.kind, rule.folder
    if any(breaks(contract, kind, payload, folder) == {rule.id} for payload in places(rule)[:1]):
        return lambda payload: breaks(contract, kind, payload, folder) == {rule.id}
    return lambda payload: rule.id in breaks(contract, kind, payload, folder)


def examples(rule: Rule) -> list[Payload]:
    """Payloads that break this rule: each wrong value in the fullest place, and in each place a plain one."""
    around = [*places(rule)[-1:], *minimal(rule.contract, rule.kind, rule.folder)]
    shown = _shown(rule)
    found: list[Payload] = []
    for value in (*wrong_values(rule), *([None] if rule.keyword == "type" else [])):
        spoilt = (put(payload, rule.path, value) for payload in around)
        found += [payload for payload in spoilt if shown(payload)][:1]
    if rule.keyword == "required":
        misspelt = (put(payload, path, value) for payload in around[:1] for path, value in _misspelt(rule))
        found += [payload for payload in misspelt if shown(payload)]
    return _distinct([*found, *_spread(places(rule), PLACES)])


def _misspelt(rule: Rule) -> Iterator[tuple[Sequence[str], Any]]:
    """The missing member under a name that is nearly its own, with a good value."""
    *above, name = rule.path
    value = plain(rule.contract, rule.kind, rule.folder).get(rule.path[0], "1") if not above else "1"
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    for form in dict.fromkeys((snake, name.lower(), name.capitalize(), name.upper(), f"{name} ", f"{name}s")):
        yield (*above, form), value


@cache
def breaking(rule: Rule, alphabet: str | None = None) -> st.SearchStrategy[Payload]:
    """Payloads that break this rule and, if it can be broken alone, no other; of the letters of `alphabet`, None: of any."""
    if not places(rule):
        return st.nothing()
    spots = st.sampled_from(places(rule))
    if rule.keyword == "required":
        return spots
    return st.tuples(spots, _wrong(rule, alphabet)).map(lambda drawn: put(drawn[0], rule.path, drawn[1])).filter(_shown(rule))


@cache
def _wrong(rule: Rule, alphabet: str | None) -> st.SearchStrategy[Any]:
    """Values that break a rule where it stands."""
    known = st.sampled_from(wrong_values(rule))
    drawn = {"type": any_values(alphabet), "const": _texts(alphabet), "enum": _texts(alphabet)}.get(rule.keyword)
    if rule.keyword == "pattern" and _named(rule):
        drawn = _edited(_named(rule), alphabet)
    if drawn is None:
        return known
    failed = failing(rule.asked)
    return known | drawn.filter(lambda value: rule.keyword in failed(value))


def _texts(alphabet: str | None) -> st.SearchStrategy[str]:
    return st.text(max_size=10) if alphabet is None else st.text(alphabet, max_size=10)


def _edited(texts: Sequence[str], alphabet: str | None) -> st.SearchStrategy[str]:
    """Texts with a character put in, left out or replaced, or cut."""
    letters = st.sampled_from([letter for letter in ODD_CHARACTERS if alphabet is None or letter in alphabet])

    def edited(drawn: tuple[str, int, str, str]) -> str:
        text, at, letter, how = drawn
        at %= len(text) + 1
        return {
            "cut": text[:at],
            "left out": text[:at] + text[at + 1 :],
            "put in": text[:at] + letter + text[at:],
            "replaced": text[:at] + letter + text[at + 1 :],
        }[how]

    return st.tuples(st.sampled_from(texts), st.integers(0, 40), letters, st.sampled_from(("cut", "left out", "put in", "replaced"))).map(edited)


@st.composite
def invalid(draw: st.DrawFn, contract: str, kinds: Sequence[str], folder: Path = FOLDER) -> Invalid:
    """Payloads that break one rule of these kinds, or now and then two; with good values of all sorts around them."""
    # One choice among all rules, so that each is as likely as any other.
    rule = draw(st.sampled_from([rule for kind in kinds for rule in rules(contract, kind, folder) if places(rule)]))
    kind = rule.kind
    payload = draw(breaking(rule))
    good_one = draw(good(contract, kind, folder))
    kept = {name: good_one.get(name, value) if name not in rule.path[:1] else value for name, value in payload.items()}
    payload = kept if rule.id in breaks(contract, kind, kept, folder) else payload
    if draw(st.sampled_from((False, False, True))):
        second = draw(st.sampled_from([each for each in rules(contract, kind, folder) if places(each)]))
        payload = without(payload, second.path) if second.keyword == "required" else put(payload, second.path, draw(_wrong(second, None)))
    found = breaks(contract, kind, payload, folder)
    assume(found)
    return Invalid(contract, kind, found, payload)


def _spread(found: Sequence[Payload], most: int) -> list[Payload]:
    """The first, the last, and what lies evenly between them; `most` in all."""
    if len(found) <= most:
        return list(found)
    return [found[place * (len(found) - 1) // (most - 1)] for place in range(most)]


def _distinct(found: Iterable[Any]) -> list[Any]:
    """Each JSON value once; 1 and true are two."""
    return list({json.dumps(value): value for value in found}.values())
