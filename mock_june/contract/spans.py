"""Where each message of a batch stands in the body's bytes: what is recorded is what came, never dumped again."""

from __future__ import annotations

import re

import orjson

# All of this reads bytes that orjson has parsed already, so it need not tell JSON from what is none: only strings and brackets matter.
# Possessive quantifiers keep each step linear: nothing is ever tried twice.
STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
SCALAR = rb'[^\s,:\[\]{}"]++'


def nested(levels: int) -> bytes:
    """A pattern of an Object or array that nests no deeper than `levels`: `re` knows no recursion."""
    between = rb'[^\[\]{}"]*+'
    pattern = rb"[\[{]" + between + rb"(?:" + STRING + between + rb")*+[\]}]"
    for _ in range(levels - 1):
        pattern = rb"[\[{]" + between + rb"(?:(?:" + STRING + rb"|" + pattern + rb")" + between + rb")*+[\]}]"
    return pattern


SHALLOW = 8
"""Levels that one match takes in a stride: more than real events have. What is deeper is walked bracket by bracket."""

VALUE = re.compile(rb"[\s,:]*+(" + STRING + rb"|" + nested(SHALLOW) + rb"|" + SCALAR + rb")", re.DOTALL)
TOKEN = re.compile(STRING + rb"|[\[\]{}]", re.DOTALL)
BETWEEN = re.compile(rb"[\s,:]*+")


def messages(body: bytes) -> list[tuple[int, int]]:
    """Start and stop of each item of the array under the last top-level `batch` of a body, in bytes.

    `body` is a JSON Object whose last `batch` is an array: whoever calls has parsed it.
    """
    spans: list[tuple[int, int]] = []
    at = body.index(b"{") + 1
    while (part := _next(body, at)) is not None:  # a member's name or its value: only before a name's value there is a bracket
        at = _past(body, part[1])
        # A member's name may be written with escapes: "\u0062atch" is `batch`.
        if body[at : at + 1] == b"[" and orjson.loads(body[slice(*part)]) == "batch":
            spans = []
            at += 1
            while (item := _next(body, at)) is not None:
                spans.append(item)
                at = item[1]
            at = _past(body, at) + 1
    return spans


def _past(body: bytes, at: int) -> int:
    """Where what stands between two values, if anything, ends."""
    return next(BETWEEN.finditer(body, at)).end()


def _next(body: bytes, at: int) -> tuple[int, int] | None:
    """Start and stop of the next value after `at`; None where the container ends."""
    found = VALUE.match(body, at)
    if found:
        return found.span(1)
    start = _past(body, at)
    if body[start : start + 1] in {b"]", b"}", b""}:
        return None
    return start, _end(body, start)


def _end(body: bytes, start: int) -> int:
    """The end of the Object or array that starts at `start`, however deep."""
    depth = 0
    for token in TOKEN.finditer(body, start):
        bracket = token[0]
        if bracket in {b"[", b"{"}:
            depth += 1
        elif bracket in {b"]", b"}"}:
            depth -= 1
            if not depth:
                return token.end()
    return len(body)
