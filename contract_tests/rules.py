"""The rules of a schema file by their ids, and which of them a payload breaks: `jsonschema`'s errors, named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .files import ENVELOPE, FOLDER, KINDS, Schema, judge, schema

if TYPE_CHECKING:
    from jsonschema import ValidationError

Place = tuple[str | int, ...]
"""Where a value stands in a payload: names of members, and indexes of items."""

ANY = "*"
"""Any index."""

KEYWORDS = frozenset(
    "type const enum minLength maxLength pattern not maxItems minimum maximum exclusiveMinimum exclusiveMaximum multipleOf".split(),
)
"""Keywords that a value can break."""


class Broken(NamedTuple):
    """A broken rule, and where: a JSON Pointer, to the missing member too."""

    rule: str
    pointer: str


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One thing that a schema file in `folder` asks of the value at `path`; `asked` is the schema of that value, in which `keyword` stands."""

    id: str
    contract: str
    kind: str
    path: tuple[str, ...]
    keyword: str
    asked: Schema
    folder: Path

    @property
    def field(self) -> str:
        """The member that it is about, as its id names it."""
        return ".".join(part for part in self.path if part != ANY)


@cache
def rules(contract: str, kind: str, folder: Path = FOLDER) -> tuple[Rule, ...]:
    """All rules of a schema file that refuse a payload, in the order of its members."""
    root = schema(contract, kind, folder)
    found: dict[str, Rule] = {}
    for path, keyword, asked in _walk(root, ()):
        rule = rule_id(contract, kind, path, keyword)
        found.setdefault(rule, Rule(rule, contract, kind, path, "pattern" if keyword == "not" else keyword, asked, folder))
    order = {name: place for place, name in enumerate(root["properties"])}
    return tuple(sorted(found.values(), key=lambda rule: (order.get(rule.path[0], len(order)), len(rule.path), rule.keyword != "required")))


def rule_id(contract: str, kind: str, path: Sequence[str | int], keyword: str) -> str:
    """What a rule is called: `<kind>.<field>.<keyword>`, with `sdk.` before it in that contract. The guard beside a pattern has the pattern's id."""
    keyword = "pattern" if keyword == "not" else keyword
    if kind == ENVELOPE:
        keyword = "unknown" if keyword == "enum" else keyword
        if len(path) > 1:  # an item is a matter of its array, what is in it one of its own
            path, keyword = (path[:1], "items") if len(path) == 2 else (path[2:], keyword)
    name = ".".join((kind, *map(str, path), keyword))
    return name if contract == "backfill" else f"{contract}.{name}"


def pointer(path: Sequence[str | int]) -> str:
    """A path as a JSON Pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def broken(contract: str, kind: str, payload: Any, folder: Path = FOLDER) -> frozenset[Broken]:
    """The rules that a payload, or a batch with its messages, breaks."""
    if not isinstance(payload, dict):
        return frozenset({Broken("body.object", "")})
    found = _broken(contract, kind, payload, folder)
    if kind != ENVELOPE:
        return found
    # Of an envelope that is none, there is no message to look at.
    envelope = frozenset(each for each in found if each.pointer in {"", "/batch"})
    return envelope or found | _broken_messages(payload, folder)


def _broken_messages(envelope: dict[str, Any], folder: Path) -> frozenset[Broken]:
    found: set[Broken] = set()
    for index, message in enumerate(envelope["batch"]):
        kind = message.get("type") if isinstance(message, dict) else None
        if isinstance(kind, str) and kind in KINDS["sdk"]:
            found |= {Broken(rule, f"/batch/{index}{where}") for rule, where in _broken("sdk", kind, message, folder)}
    return frozenset(found)


def _broken(contract: str, kind: str, payload: Any, folder: Path) -> frozenset[Broken]:
    """What `jsonschema` finds; of a value of the wrong type, the type alone."""
    errors = {place_and_keyword for error in judge(contract, kind, folder).iter_errors(payload) for place_and_keyword in _named(error)}
    ill_typed = {place for place, keyword in errors if keyword == "type"}
    kept = ((place, keyword) for place, keyword in errors if keyword == "type" or place not in ill_typed)
    return frozenset(Broken(rule_id(contract, kind, place, keyword), pointer(place)) for place, keyword in kept)


def _named(error: ValidationError) -> Iterator[tuple[Place, str]]:
    place, keyword = tuple(error.absolute_path), str(error.validator)
    if keyword == "required":
        asked: Any = error.validator_value
        found: Any = error.instance
        yield from (((*place, name), keyword) for name in asked if name not in found)
    else:
        yield place, keyword


def _walk(node: Schema, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str, Schema]]:
    """Each keyword that a value can break: path to the value, keyword, the schema that it stands in. The root's own type is no rule of a member's."""
    for keyword, value in node.items():
        if keyword in KEYWORDS and path:
            yield path, keyword, node
        elif keyword == "required":
            yield from (((*path, member), keyword, node.get("properties", {}).get(member, {})) for member in value)
        elif keyword == "properties":
            for member, inner in value.items():
                yield from _walk(inner, (*path, member))
        elif keyword == "items":
            yield from _walk(value, (*path, ANY))
        elif keyword in {"then", "else"}:
            yield from _walk(value, path)
        elif keyword == "allOf":
            for inner in value:
                yield from _walk(inner, path)
