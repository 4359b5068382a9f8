"""The fast look at many lines: which of them are not certainly clean, so that the contract must say what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

Quick = Callable[[bytes], str | None]
"""The kind of a body that is certainly good and bears no warning, else None."""


class Scanned(NamedTuple):
    """Whole lines looked at: how many, and each doubtful one by its number from 0 and where it begins."""

    lines: int
    doubtful: list[tuple[int, int]]


class Scan(Protocol):
    r"""Looks at whole lines, each with its `\n`."""

    def scan(self, data: bytes) -> Scanned:
        """Which lines are doubtful, blank ones among them."""


class ExactScan:
    """Parses each line and holds it to the contract."""

    def __init__(self, quick: Quick) -> None:
        self._quick = quick

    def scan(self, data: bytes) -> Scanned:
        """Which lines are doubtful, blank ones among them."""
        bodies = data[:-1].split(b"\n")
        kinds = list(map(self._quick, bodies))
        doubtful = []
        at = number = 0
        for _ in range(kinds.count(None)):
            following = kinds.index(None, number)
            at += sum(map(len, bodies[number:following])) + following - number
            doubtful.append((following, at))
            at += len(bodies[following]) + 1
            number = following + 1
        return Scanned(len(bodies), doubtful)
