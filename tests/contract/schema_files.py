"""The schema files, their examples and texts as they lie on disk, and what `jsonschema` makes of them: nothing here asks mock-june."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

REPO = Path(__file__).parent.parent.parent
SCHEMAS = REPO / "schemas"
KINDS = [("backfill", kind) for kind in ("identify", "group", "track")] + [("sdk", kind) for kind in ("identify", "group", "track", "page", "screen", "alias")]
FILES = [*KINDS, ("sdk", "batch")]
BODY_RULES = {"body.json", "body.encoding", "body.object", "body.kind"}
ENVELOPE_RULES = {
    f"sdk.batch.{rest}" for rest in ("batch.required", "batch.type", "batch.maxItems", "batch.items", "type.required", "type.type", "type.unknown")
}
HISTORY_RULES = {
    f"history.{what}"
    for what in (
        *("duplicate-message", "duplicate-event", "future", "never-identified", "group-without-traits", "anonymous-on-many-users", "email-on-many-users"),
        *("time-backwards", "one-day", "midnight", "local-time", "outsized"),
    )
}
ENVELOPE_WARNINGS = {"sdk.batch.batch.empty", "sdk.batch.batch.unknown"}


@cache
def schema(contract: str, kind: str) -> dict[str, Any]:
    """One schema file, parsed by Python's own json."""
    loaded: dict[str, Any] = json.loads((SCHEMAS / contract / f"{kind}.json").read_text("utf-8"))
    return loaded


def required(contract: str, kind: str) -> set[str]:
    """The members that can be missed: the required ones, and those that only an alternative excuses."""
    root = schema(contract, kind)
    return {*root.get("required", ()), *root.get("else", {}).get("required", ())}


def failing(node: Mapping[str, Any]) -> set[str]:
    """The keywords of a property's schema that can fail; a `not` beside a pattern reports as the pattern."""
    inner = {**node, **node.get("else", {})}
    return {keyword for keyword in ("type", "const", "minLength", "pattern", "enum", "maxItems") if keyword in inner}


def prefix(contract: str, kind: str) -> str:
    """What the rule ids of a kind begin with."""
    return f"{'sdk.' if contract == 'sdk' else ''}{kind}."


def error_rules(contract: str, kind: str) -> set[str]:
    """The ids of every rule of a kind that refuses a payload."""
    ids = {f"{name}.required" for name in required(contract, kind)}
    ids |= {f"{name}.{keyword}" for name, node in schema(contract, kind)["properties"].items() for keyword in failing(node)}
    return {prefix(contract, kind) + rest for rest in ids}


def value_warnings(contract: str, kind: str) -> Iterator[tuple[str, tuple[str, ...], dict[str, Any]]]:
    """Each warning about a value: its rule id, the path to the value, and the schema that the value must keep."""

    def below(node: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...], dict[str, Any]]]:
        for name, child in node.get("properties", {}).items():
            for smell, wanted in child.get("x-warnings", {}).items():
                yield prefix(contract, kind) + ".".join((*path, name, smell)), (*path, name), wanted
            yield from below(child, (*path, name))

    return below(schema(contract, kind), ())


def warning_rules(contract: str, kind: str) -> set[str]:
    """The ids of every rule of a kind that only warns."""
    return {rule for rule, _, _ in value_warnings(contract, kind)} | {
        f"{prefix(contract, kind)}{name}.unknown" for name in schema(contract, kind)["properties"]
    }


def broken(contract: str, kind: str, payload: Any) -> set[str]:
    """The rules that a payload, or a batch with its messages, breaks: `jsonschema`'s errors by their rule ids."""
    if not isinstance(payload, dict):
        return {"body.object"}
    if kind == "batch":
        return _broken_batch(payload)
    return {f"{prefix(contract, kind)}{field}.{keyword}" for field, keyword in _errors(contract, kind, payload)}


def _errors(contract: str, kind: str, payload: Any) -> set[tuple[str, str]]:
    """Field and keyword of each error; of a field of the wrong type, the type alone."""
    found = set()
    for error in Draft202012Validator(schema(contract, kind)).iter_errors(payload):
        path, keyword = [str(part) for part in error.absolute_path], str(error.validator)
        if keyword == "required":
            found |= {(".".join([*path, name]), keyword) for name in error.validator_value if name not in error.instance}
        else:
            found.add((".".join(path), "pattern" if keyword == "not" else keyword))
    ill_typed = {field for field, keyword in found if keyword == "type"}
    return {(field, keyword) for field, keyword in found if keyword == "type" or field not in ill_typed}


def _broken_batch(envelope: dict[str, Any]) -> set[str]:
    rules = set()
    for field, keyword in _errors("sdk", "batch", envelope):
        names = [name for name in field.split(".") if not name.isdigit()]
        rules.add(
            f"sdk.batch.batch.{'items' if field[-1].isdigit() else keyword}"
            if names == ["batch"]
            else f"sdk.batch.type.{'unknown' if keyword == 'enum' else keyword}"
        )
    messages = envelope.get("batch")
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict) and ("sdk", message.get("type")) in KINDS:
            rules |= broken("sdk", message["type"], message)
    return rules


def smells(contract: str, kind: str, payload: Mapping[str, Any]) -> set[str]:
    """The warnings about a valid payload's values."""
    found = set()
    for rule, path, wanted in value_warnings(contract, kind):
        value: Any = payload
        for name in path:
            value = value.get(name, ...) if isinstance(value, dict) else ...
        if value is not ... and not Draft202012Validator(wanted).is_valid(value):
            found.add(rule)
    return found


def unnamed(contract: str, kind: str, payload: Mapping[str, Any]) -> set[str]:
    """The members that neither the contract names nor anybody knows: what a slip would be."""
    root = schema(contract, kind)
    return set(payload) - set(root["properties"]) - set(root["x-known"])


@dataclass(frozen=True)
class Example:
    """One file under schemas/examples. `kind` is `any` where no endpoint says it."""

    name: str
    contract: str
    kind: str
    data: dict[str, Any]

    @property
    def body(self) -> bytes:
        """What would be sent."""
        if "hex" in self.data:
            return bytes.fromhex(self.data["hex"])
        text: str = self.data["raw"] if "raw" in self.data else json.dumps(self.data["payload"])
        return text.encode()


@cache
def examples(side: str) -> tuple[Example, ...]:
    """The examples of a side, `valid` or `invalid`, by name."""
    root = SCHEMAS / "examples" / side
    return tuple(
        Example(path.relative_to(root).as_posix().removesuffix(".json"), path.parent.parent.name, path.parent.name, json.loads(path.read_text("utf-8")))
        for path in sorted(root.rglob("*.json"))
    )


@cache
def texts() -> list[dict[str, str]]:
    """The entries of rules.toml, in the file's order."""
    entries: list[dict[str, str]] = tomllib.loads((SCHEMAS / "rules.toml").read_text("utf-8"))["rule"]
    return entries


def text_of(rule: str) -> dict[str, str]:
    """The entry that speaks of a rule, its placeholders filled. Raises StopIteration where there is none."""
    entry = next(entry for entry in texts() if fnmatchcase(rule, entry["match"]))
    parts = rule.removeprefix("sdk.").split(".")
    return {name: text.replace("{kind}", parts[0]).replace("{field}", ".".join(parts[1:-1])) for name, text in entry.items()}


def all_rules() -> set[str]:
    """Every rule id there is, of errors and warnings, those across events too."""
    ids = BODY_RULES | ENVELOPE_RULES | ENVELOPE_WARNINGS | HISTORY_RULES
    for contract, kind in KINDS:
        ids |= error_rules(contract, kind) | warning_rules(contract, kind)
    return ids


def strict_loads(text: str | bytes) -> Any:
    """JSON as RFC 8259 has it: Python's own takes NaN too. Raises ValueError."""

    def refuse(name: str) -> Any:
        raise ValueError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)
