"""One schema file at work: compiled, it says of a payload what is wrong and what smells. A good payload costs one look."""

from __future__ import annotations

from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import jsonschema_rs

from mock_june.contract import explainer
from mock_june.contract.explainer import ABSENT, Broken
from mock_june.contract.rules import ANY, Constraint, pointer, rule_id
from mock_june.contract.unknown import Speller
from mock_june.errors import SchemaError
from mock_june.model import Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

Found = tuple[tuple[Violation, ...], tuple[Violation, ...]]
"""Violations and warnings."""

NOTHING: Found = ((), ())

Rules = tuple[tuple[str, ...], tuple[str, ...]]
"""The ids of the rules of violations and of warnings, in their order."""

MOST_NAMED = 1024
"""How many places' names are kept: the same few break again and again."""


class _Name(NamedTuple):
    """What is called how at a place: the rule, the pointer, and the field as a reader says it."""

    rule: str
    where: str
    label: str


_Breaches = dict[_Name, tuple[tuple[str | int, ...], str, jsonschema_rs.ValidationError]]
"""Rules that are broken, nothing yet said of them: the path, the keyword, and what the validator said."""


class _Smell(NamedTuple):
    """What is warned about, nothing yet said of it: `say` makes the message; `location` is the keyword's place in the schema."""

    rule: str
    where: str
    location: str
    say: Callable[[], str]


_F = TypeVar("_F", _Name, _Smell)


class Judge:
    """Holds payloads to one schema, in which `asked` are the constraints; only rules `in_force` are reported.

    Raises SchemaError for a schema that is no JSON Schema 2020-12.
    """

    def __init__(self, contract: str, kind: str, schema: Mapping[str, Any], asked: Sequence[Constraint], in_force: frozenset[str]) -> None:
        self._contract = contract
        self._kind = kind
        self._in_force = in_force
        self._rank = {constraint.rule: rank for rank, constraint in enumerate(asked)}
        self._hints = {constraint.rule: constraint.hint for constraint in asked}
        self._looked_at = _tree(asked)
        self._substitutes: Sequence[str] = schema.get("if", {}).get("required", ())
        self._speller = Speller(schema["properties"], schema.get("x-known", ()))
        self._named = lru_cache(MOST_NAMED)(self._names)
        self._errors = _compiled(schema)
        self._folded = _folded(schema)
        self._clean = _compiled(self._folded)
        self._unsmelling = _compiled(_smells_alone(schema))
        self._smells = [(each, pointer(each.path), _compiled(each.check)) for each in asked if each.check is not None]

    def judge(self, payload: dict[str, Any]) -> Found:
        """Violations and warnings of a payload, in the order of the schema's fields."""
        misspelt = self._misspelt(payload)
        if self._is_clean(payload):
            return ((), tuple([self._warning(each) for each in self._kept(misspelt)])) if misspelt else NOTHING
        breaches, smells = self._found(payload)
        violations = [self._violation(payload, name, *breaches[name]) for name in self._kept(breaches)]
        return tuple(violations), tuple([self._warning(each) for each in self._kept([*smells, *misspelt])])

    def rules(self, payload: dict[str, Any]) -> Rules:
        """The ids of the rules that `judge` names, in less than half its time, of a payload that is hardly clean: for those who count."""
        breaches, smells = self._found(payload)
        smells += self._misspelt(payload)
        return self._ids(breaches), self._ids(smells)

    def _ids(self, found: Collection[_F]) -> tuple[str, ...]:
        return tuple([each.rule for each in self._kept(found)]) if found else ()

    def _found(self, payload: dict[str, Any]) -> tuple[_Breaches, list[_Smell]]:
        """What is wrong with a payload, and which of its values smell."""
        seen = pruned(payload, self._looked_at)
        breaches = self._breaches(seen)
        return breaches, [] if self._unsmelling.is_valid(seen) else list(self._smelling(payload, seen, breaches))  # one look in place of many

    @cached_property
    def quick(self) -> Callable[[Any], bool]:
        """Says in one look that a payload is good, smells of nothing, and has no member but those never warned about. Raises ValueError for a deep one."""
        names = {**dict.fromkeys(self._speller.known, True), **self._folded["properties"]}
        return _compiled({**self._folded, "properties": names, "additionalProperties": False}).is_valid

    def is_strange_but_clean(self, payload: Any) -> bool:
        """Says the same of a payload with members of other names, none of which is a slip. Raises ValueError for a deep one."""
        if not isinstance(payload, dict) or payload.keys() <= self._speller.known:
            return False
        return all(self._speller.meant(name) is None for name in payload) and self._clean.is_valid(payload)

    def _is_clean(self, payload: dict[str, Any]) -> bool:
        try:
            return self._clean.is_valid(payload)
        except ValueError:  # deeper than older releases of jsonschema-rs look; what is pruned is as clean, and never deep
            return self._clean.is_valid(pruned(payload, self._looked_at))

    def _kept(self, found: Collection[_F]) -> list[_F]:
        """What is in force of what was found, in the order of the schema's fields."""
        kept = [each for each in found if each.rule in self._in_force]
        return sorted(kept, key=lambda each: self._rank[each.rule]) if len(kept) > 1 else kept

    def _breaches(self, seen: Any) -> _Breaches:
        """What the schema refuses, each rule once at a place: a value may break two keywords of one rule."""
        errors = [(*_place(error), error) for error in self._errors.iter_errors(seen)]
        if len(errors) > 1:
            # What breaks a pattern and its guard breaks the pattern: releases of jsonschema-rs order the two differently.
            errors.sort(key=lambda each: each[1] == "not")
            ill_typed = {path for path, keyword, _ in errors if keyword == "type"}
            # Of a number that should be a String there is no more to say.
            errors = [each for each in errors if each[1] == "type" or each[0] not in ill_typed]
        found: _Breaches = {}
        for each in errors:
            found.setdefault(self._named(each[0], each[1]), each)
        return found

    def _violation(self, payload: dict[str, Any], name: _Name, path: tuple[str | int, ...], keyword: str, error: jsonschema_rs.ValidationError) -> Violation:
        rule, where, label = name
        what = Broken(keyword, label, value_at(payload, path), error.kind.value, self._substitute(payload, error), any_offset=self._contract == "sdk")
        inside = where if keyword != "required" else pointer(path[:-1])
        return Violation(rule, where, explainer.message(what), self._hints[rule], "error", inside, _location(tuple(error.schema_path)))

    def _warning(self, smell: _Smell) -> Violation:
        return Violation(smell.rule, smell.where, smell.say(), self._hints[smell.rule], "warning", smell.where, smell.location)

    def _names(self, path: tuple[str | int, ...], keyword: str) -> _Name:
        return _Name(rule_id(self._contract, self._kind, path, keyword), pointer(path), _label(path))

    def _substitute(self, payload: dict[str, Any], error: jsonschema_rs.ValidationError) -> tuple[str, Any] | None:
        """The member that would have made the broken one optional, with its value."""
        if error.schema_path[0] != "else" or not self._substitutes:
            return None
        name = self._substitutes[0]
        value = payload.get(name, ABSENT)
        return name, ABSENT if value is None and self._contract == "sdk" else value

    def _smelling(self, payload: dict[str, Any], seen: Any, breaches: _Breaches) -> Iterator[_Smell]:
        """What smells in values that are otherwise good."""
        wrong = {name.where for name in breaches}
        for constraint, where, check in self._smells:
            value = value_at(seen, constraint.path)
            if value is ABSENT or where in wrong or check.is_valid(value):
                continue
            what = Broken(constraint.keyword, _label(constraint.path), value_at(payload, constraint.path))
            yield _Smell(constraint.rule, where, constraint.location, partial(explainer.message, what))

    def _misspelt(self, payload: dict[str, Any]) -> list[_Smell]:
        """The members whose names are slips."""
        if payload.keys() <= self._speller.known:
            return []
        slips = ((name, meant) for name in payload if (meant := self._speller.meant(name)) is not None)
        return [
            _Smell(rule_id(self._contract, self._kind, (meant,), "unknown"), pointer((name,)), "/x-known", partial(explainer.misspelt, name, meant))
            for name, meant in slips
        ]


def pruned(value: Any, looked_at: Mapping[str, Any]) -> Any:
    """A value without what no rule looks at, yet as valid and as clean: containers below keep their type and their emptiness, arrays their length.

    jsonschema-rs writes a whole value into each error, and gives up on one that nests deeply.
    """
    if isinstance(value, dict):
        if not looked_at:
            return {"": None} if value else value
        kept = {
            name: inner if type(inner := value[name]) is str else pruned(inner, below)  # most are texts: that spares them the call
            for name, below in looked_at.items()
            if name in value
        }
        return kept or ({"": None} if value else {})
    if isinstance(value, list):
        return [pruned(item, looked_at[ANY]) for item in value] if ANY in looked_at else [None] * len(value)
    return value


def value_at(payload: Any, path: Sequence[str | int]) -> Any:
    """The value that a path leads to, or ABSENT."""
    for part in path:
        if isinstance(payload, dict):
            payload = payload.get(part, ABSENT)
        elif isinstance(payload, list) and isinstance(part, int):
            payload = payload[part]
        else:
            return ABSENT
    return payload


@lru_cache(MOST_NAMED)
def _location(path: tuple[str | int, ...]) -> str:
    return pointer(path)


def _place(error: jsonschema_rs.ValidationError) -> tuple[tuple[str | int, ...], str]:
    """The path of what is wrong, which of a missing member is its own, and the keyword."""
    if error.kind.name == "required":
        return (*error.instance_path, error.kind.value), "required"
    return tuple(error.instance_path), error.kind.name


def _label(path: Sequence[str | int]) -> str:
    """A path as a reader says it: `traits.email`, `batch[3].type`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def _tree(asked: Sequence[Constraint]) -> dict[str, Any]:
    """The paths that rules look at, as nested dicts."""
    tree: dict[str, Any] = {}
    for constraint in asked:
        node = tree
        for part in constraint.path:
            node = node.setdefault(part, {})
    return tree


def _folded(node: Mapping[str, Any]) -> dict[str, Any]:
    """The schema that only a payload without smells keeps: what warns is made to forbid."""
    folded = dict(node)
    if "x-warnings" in node:
        folded["allOf"] = [*node.get("allOf", ()), *node["x-warnings"].values()]
    if "properties" in node:
        folded["properties"] = {name: _folded(inner) for name, inner in node["properties"].items()}
    return folded


def _smells_alone(node: Mapping[str, Any]) -> dict[str, Any]:
    """The schema that a payload keeps which smells of nothing, good or not."""
    checks = {"allOf": list(node["x-warnings"].values())} if "x-warnings" in node else {}
    inner = {name: below for name, each in node.get("properties", {}).items() if (below := _smells_alone(each))}
    return {**checks, **({"properties": inner} if inner else {})}


def _compiled(schema: Mapping[str, Any]) -> jsonschema_rs.Validator:
    # RegexOptions chooses the engine without backtracking: no text takes long.
    try:
        return jsonschema_rs.validator_for(dict(schema), pattern_options=jsonschema_rs.RegexOptions())
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        name = schema.get("$id", "")
        raise SchemaError(f"{f'the schema {name}' if name else 'a schema without `$id`'} is no JSON Schema 2020-12: {error}", name) from None
