"""The language of values that are certainly clean: patterns made of the schema files.

It is a subset of what the contract takes without a warning. What a pattern here does not match may be as good. A keyword that is not known has no language.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from mock_june.checker.scan.patterns import ALL, CHARACTERS, DEPTH, ESCAPED, FULL_TEXT, OTHER_LETTER, PLAIN, Range, bag, other_than, tree, utf8, value, without

SILENT = frozenset(("title", "description", "examples", "$comment", "x-hints"))
YEARS = range(1900, 2100)
"""Among these the schema finds the years that are good and not old: few words make a small pattern."""

TOKEN = re.compile(r"\[\^?[^\[\]\\]+\]|\\[.+]|\(\?:|[)|?+*]|\{[0-9]+(?:,[0-9]+)?\}|[0-9A-Za-z:@-]")
"""What a schema's pattern may be made of."""

DIGITS = r"(?:[0-9|)]|\(\?:|\[[0-9]+(?:-[0-9])?\]|\{[0-9]\})+"
"""A pattern of digits and nothing else."""


def members_of(text: str) -> tuple[Range, ...]:
    """The code points between the brackets of a class, in which nothing is escaped."""
    return tuple((ord(low or one), ord(high or one)) for low, high, one in re.findall(r"(?s)(.)-(.)|(.)", text))


def language(schema: Mapping[str, Any]) -> str | None:
    """The pattern of a schema's certainly clean values, null never among them; None where there is a keyword, or a use of one, that is not known here."""
    said = {keyword: asked for keyword, asked in schema.items() if keyword not in SILENT}
    if said.get("if") == {"type": "null"} and said.keys() == {"if", "else"}:
        return language(said["else"])
    if isinstance(const := said.get("const"), str):
        return re.escape(json.dumps(const)) if said in ({"const": const}, {"type": "string", "const": const}) else None
    smells = said.pop("x-warnings", {})
    types = said.pop("type", None)
    match [types] if isinstance(types, str) else [each for each in types or () if each != "null"]:
        case [] if not said and not smells:
            return value()
        case ["object"]:
            return _object(said, smells)
        case ["string"]:
            return _text(said, smells)
        case [] if not said and types is None and smells.keys() == {"not-an-email"}:
            return _embedded(smells["not-an-email"])
        case _:
            return None


def _text(said: dict[str, Any], smells: Mapping[str, Any]) -> str | None:
    if said.pop("minLength", 1) != 1:
        return None
    match sorted(said), sorted(smells):
        case [], []:
            return FULL_TEXT
        case [], ["blank", "placeholder"]:
            return _word(smells["placeholder"], smells["blank"])
        case [], ["not-an-email"]:
            return _embedded(smells["not-an-email"])
        case ["not", "pattern"], ["old"]:
            return _moment(said, smells["old"])
        case _:
            return None


def _object(said: Mapping[str, Any], smells: Mapping[str, Any]) -> str | None:
    if not said.keys() <= {"properties"} or smells not in ({}, {"empty": {"minProperties": 1}}):
        return None
    known = {name: language(inner) for name, inner in said.get("properties", {}).items()}
    if not all(known.values()):
        return None
    return bag(DEPTH + 1, {name: inner for name, inner in known.items() if inner}, least=len(smells))


def _word(placeholder: Mapping[str, Any], blank: Mapping[str, Any]) -> str | None:
    """A string that begins with no white space, and as no placeholder does."""
    visible = re.fullmatch(r"(?s)\[\^([^\[\]\\^]+)\]", blank.get("pattern", ""))
    words = placeholder.get("not", {}).get("enum")
    if not visible or blank.keys() != {"pattern"} or placeholder.keys() != {"not"} or placeholder["not"].keys() != {"enum"}:
        return None
    if not all(isinstance(word, str) and word.isascii() and word.isprintable() for word in words):
        return None
    white = members_of(visible[1])
    return other_than(tuple(words), without(CHARACTERS, white), OTHER_LETTER if without(ESCAPED, white) == ESCAPED else "")


def _embedded(schema: Mapping[str, Any]) -> str | None:
    """A string that keeps a pattern, in ASCII alone, without the characters that the guard beside it forbids."""
    if schema.keys() != {"type", "pattern", "not"} or "string" not in schema["type"]:
        return None
    forbidden = _guard(schema["not"])
    text = re.fullmatch(r"\^(.*)\$", schema["pattern"])
    if forbidden is None or not text or _has_choice(text[1]):
        return None
    pattern = _rewritten(text[1], without(PLAIN, forbidden))
    return None if pattern is None else f'"{pattern}"'


def _moment(said: Mapping[str, Any], old: Mapping[str, Any]) -> str | None:
    """A timestamp of the years that are not old, without the leap days: then the pattern of the years can be exchanged for the years themselves.

    The schema's pattern is `^(?:(?:YEARS-(?:DAYS)|LEAP YEARS-02-29)CLOCK)$`; that of the warning looks at the years alone.
    """
    forbidden = _guard(said["not"])
    parts = re.fullmatch(rf"\^\(\?:\(\?:({DIGITS})-(\(\?:.+)\)\$", said["pattern"])
    if forbidden is None or not parts or old.keys() != {"pattern"} or not re.fullmatch(rf"\^{DIGITS}-", old["pattern"]):
        return None
    days = parts[2][: _end_of_group(parts[2])]
    leap_years, _, clock = parts[2].removeprefix(days).partition("-02-29)")
    if not leap_years.startswith("|") or any(map(_has_choice, (parts[1], days, f"({leap_years})", clock))):
        return None
    good, young = re.compile(said["pattern"]), re.compile(old["pattern"])
    years = [str(year) for year in YEARS if good.match(f"{year}-01-01T00:00:00Z") and young.match(f"{year}-01-01T00:00:00Z")]
    allowed = without(PLAIN, forbidden)
    rest = _rewritten(f"-{days}{clock}", allowed)
    if rest is None or not years or without([(ord("0"), ord("9"))], allowed):
        return None
    return f'"{tree(years)}{rest}"'


def _guard(schema: Mapping[str, Any]) -> tuple[Range, ...] | None:
    """The characters that a `not` beside a pattern forbids."""
    found = re.fullmatch(r"(?s)\[(\^?)([^\[\]\\^]+)\]", schema.get("pattern", ""))
    if not found or schema.keys() != {"type", "pattern"} or schema["type"] != "string":
        return None
    named = members_of(found[2])
    return without(ALL, named) if found[1] else named


def _rewritten(pattern: str, allowed: tuple[Range, ...]) -> str | None:
    """A pattern whose classes take allowed characters alone; None if it has anything that is not known here, or a literal that is not allowed."""
    tokens = TOKEN.findall(pattern)
    if "".join(tokens) != pattern:
        return None
    written = []
    for part in tokens:
        if part.startswith("["):
            negated = part.startswith("[^")
            named = members_of(part[2:-1] if negated else part[1:-1])
            written.append(utf8(without(allowed, named) if negated else without(allowed, without(ALL, named))))
        elif part in ")|?+*" or part.startswith(("(", "{")):
            written.append(part)
        else:
            letter = ord(part[-1])
            if without([(letter, letter)], allowed):
                return None
            written.append(part)
    return "".join(written)


def _end_of_group(pattern: str) -> int:
    """Where the group ends that a pattern begins with."""
    depth = 0
    for at, letter in enumerate(pattern, 1):
        depth += (letter == "(") - (letter == ")")
        if not depth:
            return at
    return len(pattern)


def _has_choice(pattern: str) -> bool:
    """Whether a pattern is more than one sequence: a `|` outside of all parentheses, or parentheses without their other."""
    depth = 0
    for letter in pattern:
        depth += (letter == "(") - (letter == ")")
        if depth < 0 or (letter == "|" and not depth):
            return True
    return bool(depth)
