"""A payload's text as an excerpt with a mark under the very value that a finding is about, as compilers do it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

import orjson

from mock_june.contract.spans import STRING
from mock_june.text import printable

TOKEN = re.compile(STRING + rb"|[\[\]{}:,]|[^\s\[\]{}:,\"]++", re.DOTALL)
BREAK = re.compile(r"\s*\n\s*")
WIDTH = 100
"""Columns of an excerpt."""


class Excerpt(NamedTuple):
    """A line of a payload's text, safe to be shown, and the columns of it to be marked: from `start`, `width` of them."""

    text: str
    start: int
    width: int


def excerpt(body: bytes, pointer: str) -> Excerpt | None:
    """The part of a payload around what a JSON Pointer leads to; of a missing member, where its Object ends. None for a payload without text.

    Of text that is no JSON, the place where it ceases to be.
    """
    place = place_of(body, pointer)
    if place is None or not body.strip():
        return None
    start, stop = place
    before, value, after = (_shown(part) for part in (body[:start], body[start:stop], body[stop:]))
    value = _cut(value, WIDTH // 2)
    room = WIDTH - _columns(value)
    before = _cut_head(before, room * 2 // 3 if after else room)
    after = _cut(after, WIDTH - _columns(value) - _columns(before))
    return Excerpt(before + value + after, _columns(before), max(1, _columns(value)))


def place_of(body: bytes, pointer: str) -> tuple[int, int] | None:
    """Where the value stands that a pointer leads to, in bytes; of a missing member, the end of what should hold it. None where the text is cut before."""
    path = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    if not path:
        return _spoilt(body)
    at, end = 0, len(body)
    for depth, part in enumerate(path):
        found, close = _member(body, at, part)
        if found is None:
            return None if close is None or depth < len(path) - 1 else (close, close + 1)
        at, end = found
    return at, end


def _spoilt(body: bytes) -> tuple[int, int]:
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError as error:
        text = body.decode("utf-8", "replace")
        at = min(len(text[: error.pos].encode()), max(len(body) - 1, 0))
        return at, at + 1
    return 0, len(body)


def _member(body: bytes, at: int, name: str) -> tuple[tuple[int, int] | None, int | None]:
    """Where a member's or item's value stands in the container that begins at `at` (the last of that name), and where the container closes."""
    found: tuple[int, int] | None = None
    for key, start, stop in _members(body, at):
        if key is None:
            return found, start
        if key == name:
            found = start, stop
    return found, None


def _members(body: bytes, at: int) -> Iterator[tuple[str | None, int, int]]:
    """Name (of an item: its number), start and stop of each value in a container; last, with no name, where the container closes."""
    is_object = body[at : at + 1] == b"{"
    depth = number = 0
    key: str | None = None
    start: int | None = None
    for token in TOKEN.finditer(body, at):
        text = token[0]
        closes = text in {b"}", b"]"}
        if depth == 1 and (text == b"," or closes) and start is not None:
            yield str(number) if key is None else key, start, start + len(body[start : token.start()].rstrip())
            number, key, start = number + 1, None, None
        elif depth == 1 and is_object and key is None:
            key = _name(text)
        elif depth == 1 and start is None and text != b":":
            start = token.start()
        depth += (text in {b"{", b"["}) - closes
        if closes and not depth:
            yield None, token.start(), token.end()
            return


def _name(key: bytes) -> str:
    try:
        return str(orjson.loads(key))
    except orjson.JSONDecodeError:
        return ""


def _shown(part: bytes) -> str:
    return printable(BREAK.sub(" ", part.decode("utf-8", "replace")))


def _cut(text: str, most: int) -> str:
    if _columns(text) <= most:
        return text
    while text and _columns(text) >= most:
        text = text[: most - 1] if len(text) >= most else text[:-1]
    return text + "…"


def _cut_head(text: str, most: int) -> str:
    if _columns(text) <= most:
        return text
    text = text[-most:]
    while text and _columns(text) >= most:
        text = text[1:]
    return "…" + text


def _columns(text: str) -> int:
    """How many columns of a terminal a text takes: letters of East Asia take two, marks that combine none."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
