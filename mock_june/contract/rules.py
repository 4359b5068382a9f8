"""The rules: derived from the schema files, named, chosen by globs, put into a catalogue with their texts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson

from mock_june.contract import schemas
from mock_june.contract.parser import HINTS
from mock_june.errors import SchemaError, UsageError
from mock_june.model import Rule, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

ANY = "*"
"""Any index, in a path into a payload."""

ASSERTIONS = frozenset(
    (
        "type",
        "const",
        "enum",
        "minLength",
        "maxLength",
        "pattern",
        "not",
        "maxItems",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
    )
)
"""Keywords that a value can break. Each is a rule, wherever it stands. Those that look at all members of an Object are not among them: see `judge.pruned`."""

SILENT = frozenset(("$schema", "$id", "$comment", "title", "description", "examples", "default", "if", "x-hints", "x-known"))
"""Keywords that no value can break."""

INSIDE = frozenset(("properties", "items", "then", "else", "allOf"))
"""Keywords that hold schemas whose keywords a value can break."""

HISTORY_RULES = {
    "history.duplicate-message": "Send each event once: drop the doubles, or give each event a `messageId` of its own.",
    "history.duplicate-event": "Drop the doubles before you send: nothing tells them from events that did happen twice.",
    "history.future": "Check the clock of the source, the unit (milliseconds taken for seconds lie thousands of years ahead) and the order of day and month.",
    "history.never-identified": "Send an identify for the user too, with what you know of them, such as `email` and `name`.",
    "history.group-without-traits": "Send a group for the company with its traits, such as `name`, once at least.",
    "history.anonymous-on-many-users": "Give each visitor an `anonymousId` of their own: one that many users have is a constant, or a shared computer's.",
    "history.email-on-many-users": "Give each user their own email, or leave it out: one that many users have is a placeholder.",
    "history.time-backwards": "Sort the events by their time before you send, or check where a timestamp was taken from.",
    "history.one-day": "Take the time at which the user did it, not the one at which the row was imported, migrated or last changed.",
    "history.midnight": "Take the column that has the time of day too, not the date alone.",
    "history.local-time": "Check whether the source writes local time: then convert it to UTC. For users within three hours of Greenwich, ignore this rule.",
    "history.outsized": "Check whether the id is a default, a test account, or a robot's: leave its events out, or find whose they are.",
}
"""The rules across events, warnings all, each with what to do about it. The contract knows them by name; who looks at many events applies them."""

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Constraint:
    """One thing that a schema file asks of a payload, with the id of the rule that it is.

    `path` leads to the value in a payload, `location` (a JSON Pointer) to the keyword in the schema. `check` is the schema that a value must keep lest it be
    warned about; None for errors, which the whole schema decides.
    """

    rule: str
    path: Path
    keyword: str
    hint: str
    severity: Severity = "error"
    location: str = ""
    check: dict[str, Any] | None = None


def rule_id(contract: str, kind: str, path: Sequence[str | int], keyword: str) -> str:
    """The id of the rule that a keyword is for the value at `path`; an index in it, or `*`, is any item of its array.

    The guard beside a pattern (`not`) has the pattern's id. An item is a matter of its array (`batch.items`), what is in it one of its own (`type.required`).
    """
    fields = list(path)
    while any(isinstance(field, int) or field == ANY for field in fields):
        if isinstance(fields[-1], int) or fields[-1] == ANY:
            fields, keyword = fields[:-1], "items"
        else:
            fields = fields[1:]
    if keyword == "not":
        keyword = "pattern"
    if kind == schemas.ENVELOPE and keyword == "enum":
        keyword = "unknown"
    name = ".".join((kind, *map(str, fields), keyword))
    return name if contract == "backfill" else f"{contract}.{name}"


def pointer(path: Iterable[str | int]) -> str:
    """A path as a JSON Pointer (RFC 6901)."""
    return "".join([f"/{part}" if isinstance(part, int) or part.isalnum() else f"/{part.replace('~', '~0').replace('/', '~1')}" for part in path])


def constraints(contract: str, kind: str, schema: Mapping[str, Any]) -> list[Constraint]:
    """All that a schema file asks, one entry a rule: in the order of its fields; of one field what is missing, then what is wrong, then what smells.

    Raises SchemaError for a keyword that this does not know: no rule may go without an id.
    """
    found: dict[str, Constraint] = {}
    for path, keyword, location, check in _walk(schema, (), (), schema.get("$id", kind)):
        rule = rule_id(contract, kind, path, keyword)
        hint = _hint(schema, path, keyword)
        found.setdefault(rule, Constraint(rule, path, keyword, hint, "error" if check is None else "warning", pointer(location), check))
    for name in schema["properties"]:
        rule = rule_id(contract, kind, (name,), "unknown")
        found.setdefault(rule, Constraint(rule, (name,), "unknown", _hint(schema, (name,), "unknown"), "warning", "/x-known"))
    order = list(schema["properties"])

    def place(constraint: Constraint) -> tuple[int, int, bool, bool]:
        field = constraint.path
        return order.index(field[0]), len(field), constraint.severity == "warning", constraint.keyword != "required"

    return sorted(found.values(), key=place)


def _walk(node: Mapping[str, Any], path: Path, location: Path, name: str) -> Iterator[tuple[Path, str, Path, dict[str, Any] | None]]:
    """Each keyword that a value can break: path to the value, keyword, path of the keyword in the schema; for a warning, the schema that is not kept."""
    for keyword, value in node.items():
        here = (*location, keyword)
        if keyword in ASSERTIONS and path:
            yield path, keyword, here, None
        elif keyword == "required":
            for member in value:
                yield (*path, member), keyword, here, None
        elif keyword == "x-warnings":
            for smell, check in value.items():
                yield path, smell, (*here, smell), check
        elif keyword in INSIDE:
            for inner, below, step in _inside(keyword, value):
                yield from _walk(inner, path + below, here + step, name)
        elif keyword not in SILENT and here != ("type",):  # the root's own `type` is `body.object`
            raise SchemaError(f"the schema {name} uses {keyword!r}, which mock-june makes no rule of", name)


def _inside(keyword: str, value: Any) -> Iterator[tuple[Mapping[str, Any], Path, Path]]:
    """The schemas that a keyword holds: schema, the step into the payload, the step into the keyword's value."""
    if keyword == "properties":
        for member, inner in value.items():
            yield inner, (member,), (member,)
    elif keyword == "allOf":
        for index, inner in enumerate(value):
            yield inner, (), (str(index),)
    else:
        yield value, (ANY,) if keyword == "items" else (), ()


def _hint(schema: Mapping[str, Any], path: Path, keyword: str) -> str:
    """The text under a field's `x-hints`, by keyword."""
    node: Mapping[str, Any] = schema
    for part in path:
        node = node.get("items", {}) if part == ANY else node.get("properties", {}).get(part, {})
    hints: Mapping[str, str] = node.get("x-hints", {})
    return hints.get("pattern" if keyword == "not" else keyword, "")


def in_force(known: Sequence[str], always: frozenset[str], select: Sequence[str], ignore: Sequence[str]) -> frozenset[str]:
    """The rules that count: those that a pattern of `select` matches (all, without one) and no pattern of `ignore`.

    `always` are the rules that need no selecting. Patterns are ids or globs, in which case counts. Raises UsageError for one that matches no known rule.
    """
    for pattern in (*select, *ignore):
        if not any(fnmatchcase(rule, pattern) for rule in known):
            otherwise = "`mock-june rule` lists them all, such as 'track.timestamp.pattern'"
            raise UsageError(f"no rule matches {pattern!r}: {schemas.meant(pattern, known, otherwise)}")
    chosen = {rule for rule in known if not select or rule in always or any(fnmatchcase(rule, pattern) for pattern in select)}
    return frozenset(rule for rule in chosen if not any(fnmatchcase(rule, pattern) for pattern in ignore))


def digest(ids: Iterable[str], files: Mapping[tuple[str, str], Mapping[str, Any]]) -> str:
    """16 hex digits that are equal for equal rules in force out of equal schemas, so that two verdicts can be compared."""
    named = {f"{contract}/{kind}": schema for (contract, kind), schema in files.items()}
    return sha256(orjson.dumps([sorted(ids), named], option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def catalogue(derived: Mapping[tuple[str, str], Sequence[Constraint]], extra: Sequence[str] = ()) -> tuple[Rule, ...]:
    """Every rule with its texts: those before a payload, then contract by contract, kind by kind. `extra` are ids of warnings across events."""
    texts = schemas.texts()
    rules = [_with_texts(Rule(rule, "error", "", keyword=rule.split(".")[-1], hint=hint), texts) for rule, hint in HINTS.items()]
    for (contract, kind), asked in derived.items():
        for each in asked:
            prefix = kind if contract == "backfill" else f"{contract}.{kind}"
            field, _, keyword = each.rule.removeprefix(f"{prefix}.").rpartition(".")
            rules.append(_with_texts(Rule(each.rule, each.severity, "", contract, kind, field, keyword, each.hint), texts))
    rules += [_with_texts(Rule(rule, "warning", "", keyword=rule.split(".")[-1], hint=HISTORY_RULES.get(rule, "")), texts) for rule in extra]
    return tuple(rules)


def _with_texts(rule: Rule, texts: Sequence[Mapping[str, str]]) -> Rule:
    entry = next((entry for entry in texts if fnmatchcase(rule.id, entry["match"])), {})
    # `str.format` would stumble over the braces of JSON.
    filled: dict[str, Any] = {
        name: text.replace("{kind}", rule.kind or "").replace("{field}", rule.field or "")
        for name, text in entry.items()
        if name in {"meaning", "why", "wrong", "right", "python", "node"}
    }
    return replace(rule, **filled)
