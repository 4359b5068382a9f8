r"""The language of values that are certainly clean: patterns over raw bytes, for RE2 in Latin-1, made of the schema files.

It is a subset of what the contract takes without a warning, and of RFC 8259 that orjson takes whatever it stands in: UTF-8 without surrogates, escapes in
pairs, at most 18 digits before the point, bounded depth. What a pattern here does not match may be as good. A keyword that is not known has no language.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

Range = tuple[int, int]
"""Code points, first and last."""

SILENT = frozenset(("title", "description", "examples", "$comment", "x-hints"))
DEPTH = 2
"""Containers within a member's own. Each level doubles the pattern, and events are shallow."""

YEARS = range(1900, 2100)
"""Among these the schema finds the years that are good and not old: few words make a small pattern."""

COMMA, COLON = " ?, ?", " ?: ?"
CHARACTERS: tuple[Range, ...] = ((0x20, 0x21), (0x23, 0x5B), (0x5D, 0xD7FF), (0xE000, 0x10FFFF))
"""What stands in a string as it is (RFC 8259, section 7), without the surrogates, which are no UTF-8."""

PLAIN: tuple[Range, ...] = ((0x20, 0x21), (0x23, 0x5B), (0x5D, 0x7E))
"""Those of ASCII."""

ALL: tuple[Range, ...] = ((0, 0x10FFFF),)
NUMBER = r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?"
HEX = "[0-9a-fA-F]"
PAIR = rf"[dD][89abAB]{HEX}{{2}}\\u[dD][c-fC-F]{HEX}{{2}}"
ESCAPE = rf"\\(?:[\"\\/bfnrt]|u(?:(?:[0-9a-cA-CeEfF]{HEX}|[dD][0-7]){HEX}{{2}}|{PAIR}))"
ESCAPED: tuple[Range, ...] = ((0xC0, 0xFFF), (0x3040, 0x30FF), (0x4000, 0xD7FF), (0x10000, 0x10FFFF))
OTHER_LETTER = rf"\\u(?:00[c-fC-F]{HEX}|0[1-9a-fA-F]{HEX}{{2}}|30[4-9a-fA-F]{HEX}|[4-9a-cA-C]{HEX}{{3}}|[dD][0-7]{HEX}{{2}}|{PAIR})"
"""Escapes of ESCAPED: letters of most languages, as `json.dumps` writes them."""

TOKEN = re.compile(r"\[\^?[^\[\]\\]+\]|\\[.+]|\(\?:|[)|?+*]|\{[0-9]+(?:,[0-9]+)?\}|[0-9A-Za-z:@-]")
"""What a schema's pattern may be made of."""

DIGITS = r"(?:[0-9|)]|\(\?:|\[[0-9]+(?:-[0-9])?\]|\{[0-9]\})+"
"""A pattern of digits and nothing else."""


def without(ranges: Iterable[Range], cut: Iterable[Range]) -> tuple[Range, ...]:
    """Code points that are in none of `cut`."""
    left: list[Range] = []
    sorted_cut = sorted(cut)
    for first, last in ranges:
        start = first
        for low, high in sorted_cut:
            if high < start or low > last:
                continue
            if low > start:
                left.append((start, low - 1))
            start = high + 1
        if start <= last:
            left.append((start, last))
    return tuple(left)


def members_of(text: str) -> tuple[Range, ...]:
    """The code points between the brackets of a class, in which nothing is escaped."""
    return tuple((ord(low or one), ord(high or one)) for low, high, one in re.findall(r"(?s)(.)-(.)|(.)", text))


def utf8(ranges: Iterable[Range]) -> str:
    """One character of the ranges, as UTF-8 bytes."""
    spans = [span for first, last in ranges for span in _spans(first, last)]
    single = "".join(_bytes(*span[0]) for span in spans if len(span) == 1)
    several = _ending_alike([[f"[{_bytes(*each)}]" for each in span] for span in spans if len(span) > 1])
    return f"(?:{'|'.join(([f'[{single}]'] if single else []) + several)})"


def _ending_alike(sequences: Iterable[list[str]]) -> list[str]:
    """Sequences as patterns; what ends alike is written once, which makes the pattern much shorter: most characters end in any byte from 80 to BF."""
    ends: dict[str, list[list[str]]] = {}
    for sequence in sequences:
        ends.setdefault(sequence[-1], []).append(sequence[:-1])
    return [(f"(?:{'|'.join(_ending_alike(heads))})" if all(heads) else "") + end for end, heads in ends.items()]


def _bytes(low: int, high: int) -> str:
    return f"\\x{low:02x}" if low == high else f"\\x{low:02x}-\\x{high:02x}"


def _spans(first: int, last: int) -> Iterator[list[Range]]:
    """Ranges of each byte that together are exactly the code points from `first` to `last`, none a surrogate."""
    for limit in (0x7F, 0x7FF, 0xFFFF):
        if first <= limit < last:
            yield from _spans(first, limit)
            yield from _spans(limit + 1, last)
            return
    for place in range(1, len(chr(last).encode())):
        low_bits = (1 << 6 * place) - 1
        if first & ~low_bits != last & ~low_bits:
            if first & low_bits:
                yield from _spans(first, first | low_bits)
                yield from _spans((first | low_bits) + 1, last)
                return
            if last & low_bits != low_bits:
                yield from _spans(first, (last & ~low_bits) - 1)
                yield from _spans(last & ~low_bits, last)
                return
    yield list(zip(chr(first).encode(), chr(last).encode(), strict=True))


CHARACTER = utf8(CHARACTERS)
TAIL = f"(?:{CHARACTER}|{ESCAPE})*"
"""The rest of a string, whatever it is."""

TEXT = f'"{TAIL}"'
FULL_TEXT = f'"(?:{CHARACTER}|{ESCAPE})+"'


@cache
def value(depth: int = DEPTH) -> str:
    """Any value, with so many containers in it."""
    return f"(?:{TEXT}|{NUMBER}|true|false|null|{bag(depth)}|{array(depth)})"


def bag(depth: int, known: Mapping[str, str] | None = None, *, least: int = 0) -> str:
    """An Object of `least` (0 or 1) members or more. Members of the `known` names have values of their own languages."""
    if not depth:
        return r"\{\}"
    if known:
        named = [f"{json.dumps(name)}{COLON}{language}" for name, language in known.items()]
        member = f"(?:{'|'.join(named)}|{other_than(tuple(known), CHARACTERS, OTHER_LETTER)}{COLON}{value(depth - 1)})"
    else:
        member = f"{TEXT}{COLON}{value(depth - 1)}"
    members = f"{member}(?:{COMMA}{member})*"
    return rf"\{{{members}\}}" if least else rf"\{{(?:{members})?\}}"


def array(depth: int) -> str:
    """Any array, with so many containers in it."""
    if not depth:
        return r"\[\]"
    item = value(depth - 1)
    return rf"\[(?:{item}(?:{COMMA}{item})*)?\]"


@cache
def other_than(words: tuple[str, ...], first: tuple[Range, ...], start: str = "") -> str:
    """A string that is none of the words, nor the beginning of one, and begins with a character of `first`, or with what `start` matches."""
    # Deep within a word ASCII is enough: there few strings leave it, and each way out makes the pattern longer.
    beginnings = _leaving(words, first, CHARACTERS, PLAIN) + (f"|{start}" if start else "")
    return f'"(?:{beginnings}){TAIL}"'


def _leaving(words: Collection[str], characters: tuple[Range, ...], *deeper: tuple[Range, ...]) -> str:
    """The ways to leave all words: by a character, written as it is, with which none of them goes on. The last of `deeper` holds for all that follow."""
    heads = sorted({word[0] for word in words if word})
    others = utf8(without(characters, [(ord(head), ord(head)) for head in heads]))
    inside = [head for head in heads if not without([(ord(head), ord(head))], characters)]
    following = deeper[1:] or deeper
    return "|".join([others, *(f"{re.escape(head)}(?:{_leaving([word[1:] for word in words if word[:1] == head], deeper[0], *following)})" for head in inside)])


def tree(sequences: Iterable[Sequence[str]], between: str = "") -> str:
    """Sequences of patterns as one; what begins alike is written once."""
    heads: dict[str, list[Sequence[str]]] = {}
    for sequence in sequences:
        heads.setdefault(sequence[0], []).append(sequence[1:])
    branches = []
    for head, tails in sorted(heads.items()):
        longer = [tail for tail in tails if tail]
        rest = f"{between}{tree(longer, between)}" if longer else ""
        branches.append(head + (f"(?:{rest})?" if longer and len(longer) < len(tails) else rest))
    return f"(?:{'|'.join(branches)})"


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
