"""Each line parsed and held to the contract, many at a time; and what every look at many lines is."""

from __future__ import annotations

import os
from itertools import accumulate
from typing import Any, NamedTuple, Protocol

import orjson

from mock_june.contract.look import Look

RUN = 1 << 14
"""Bytes of lines that are parsed together: what their values take still fits into the processor's cache."""

LEAST = 4
"""Lines from which parsing them together pays."""

PATIENCE = 64
"""At most so many runs are parsed line by line after one that could not be parsed together."""


Doubtful = tuple[int, int, Any]
"""A line that is not certainly clean: its number from 0, where it begins, and its value, or UNREAD."""


class Scanned(NamedTuple):
    """Whole lines looked at: how many, and the doubtful ones."""

    lines: int
    doubtful: list[Doubtful]


class Scan(Protocol):
    r"""Looks at whole lines, each with its `\n`."""

    def scan(self, data: bytes, total: int | None = None) -> Scanned:
        """Which lines are doubtful, blank ones among them. `total` is how many lines there are, where somebody has counted them: that takes its time."""


class ExactScan:
    r"""Parses each line and holds it to the contract.

    Some dozen lines are parsed together, as one array: that saves a tenth of the time. For each `\n` stands a string in it that no file can know of. If all of
    these strings are items, and every other item is one of them, then each line is one value by itself. Else, and where the array is no JSON, each line is
    parsed alone.
    """

    def __init__(self, look: Look) -> None:
        self._look = look
        self._secret = os.urandom(8).hex()
        self._between = f',"{self._secret}",'.encode()
        self._wait = self._pause = 0

    def scan(self, data: bytes, total: int | None = None) -> Scanned:  # noqa: ARG002 - it counts the lines of each run
        """Which lines are doubtful, blank ones among them."""
        doubtful: list[Doubtful] = []
        at = number = 0
        while at < len(data):
            stop = data.rfind(b"\n", at, at + RUN) + 1 or data.index(b"\n", at) + 1
            run = data[at : stop - 1]
            count = run.count(b"\n") + 1
            payloads = self._together(run, count)
            lines = [] if payloads else run.split(b"\n")
            found = self._look.doubtful(payloads, None) if payloads else self._look.doubtful(lines)
            if found:
                doubtful += _placed(found, lines or run.split(b"\n"), number, at)
            number += count
            at = stop
        return Scanned(number, doubtful)

    def _together(self, run: bytes, count: int) -> list[Any]:
        """The values of so many lines; none if not all are one, or it is not worth another try."""
        if self._wait or count < LEAST:
            self._wait = max(0, self._wait - 1)
            return []
        try:
            items: list[Any] = orjson.loads(b"[%b]" % run.replace(b"\n", self._between))
        except orjson.JSONDecodeError:
            items = []
        if len(items) == 2 * count - 1 and items[1::2] == [self._secret] * (count - 1):
            self._pause = 0
            return items[::2]
        self._wait = self._pause = min(2 * self._pause + 1, PATIENCE)
        return []


def _placed(found: list[tuple[int, Any]], lines: list[bytes], number: int, at: int) -> list[Doubtful]:
    """What was found among lines, with their places; `number` and `at` are those of the first of them."""
    begins = list(accumulate(map(len, lines), initial=at))
    return [(number + place, begins[place] + place, payload) for place, payload in found]
