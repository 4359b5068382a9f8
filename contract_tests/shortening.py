"""Making a payload shorter, a step at a time: whoever asks decides which steps still show what is to be shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from .breaking import plain
from .files import ENVELOPE, Payload

Shows = Callable[[Payload], bool]


LONG = 40
"""Texts up to this length are left as they are: what is short already says more than what is shorter."""


def size(payload: Payload) -> int:
    """What is to become less."""
    return len(json.dumps(payload))


def shortened(contract: str, kind: str, payload: Payload, shows: Shows) -> Payload:
    """The shortest payload that was found to show the same; `shows` is asked of each shorter one. It may raise to end the search."""
    members = {} if kind == ENVELOPE else plain(contract, kind)
    best = payload
    progress = True
    while progress:
        progress = False
        tried = {json.dumps(best)}
        for shorter in _steps(best, members):
            if json.dumps(shorter) not in tried and size(shorter) < size(best):
                tried.add(json.dumps(shorter))
                if shows(shorter):
                    best, progress = shorter, True
                    break
    return best


def _steps(value: Any, members: Payload) -> Iterator[Any]:
    """The value with one thing less, the largest steps first."""
    if isinstance(value, dict):
        yield from _less_of_object(value, members)
    elif isinstance(value, list):
        yield from _less_of_array(value)
    elif isinstance(value, str) and len(value) > LONG:
        yield _halves(value)[1]
        less = len(value)
        while less := less // 2:  # a half less, a quarter, and so on to one letter
            yield value[:-less]


def _less_of_object(value: Payload, members: Payload) -> Iterator[Payload]:
    for name in sorted(value, key=lambda name: -len(json.dumps(value[name]))):
        yield {each: below for each, below in value.items() if each != name}
    for name, below in value.items():
        if name in members:
            yield {**value, name: members[name]}
        for shorter in _steps(below, {}):
            yield {**value, name: shorter}


def _less_of_array(value: list[Any]) -> Iterator[list[Any]]:
    if len(value) > 3:
        yield from _halves(value)
    for place in range(len(value)):
        yield value[:place] + value[place + 1 :]
    for place, below in enumerate(value):
        for shorter in _steps(below, {}):
            yield [*value[:place], shorter, *value[place + 1 :]]


def _halves(value: Any) -> tuple[Any, Any]:
    return value[: len(value) // 2], value[len(value) // 2 :]
