r"""Patterns of JSON over raw bytes, for RE2 in Latin-1: characters, strings, values, and strings that are none of some words.

They match a subset of RFC 8259 that orjson takes whatever it stands in: UTF-8 without surrogates, escapes in pairs, at most 18 digits before the point,
bounded depth.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache

Range = tuple[int, int]
"""Code points, first and last."""

DEPTH = 2
"""Containers within a member's own. Each level doubles the pattern, and events are shallow."""

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
