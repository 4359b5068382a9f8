"""Did you mean it? Finds the member that a misspelt name stands for, and keeps silent on names that are merely other words."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_NAME = 40
"""No longer name is a slip of one that June knows."""

SHORTEST_NEAR = 4
"""Shorter names must be equal but for case and separators: one letter more makes any short word of any other."""

SHORTEST_SWAPPED = 8
"""From here on one wrong letter counts as a slip too. In shorter names it makes other words: `content` is not `context`."""

MOST_KEPT = 4096
"""How many answers are kept. A program sends the same few names again and again; an attacker sends new ones."""

SEPARATORS = re.compile(r"[-_. ]")


class Speller:
    """Knows the members of one kind. `meant(name)` is the member that a misspelt name stands for, else None.

    `members` are those that a slip can stand for; `known` are names that are no slip, whatever they look like.
    """

    def __init__(self, members: Iterable[str], known: Iterable[str] = ()) -> None:
        self.members = tuple(members)
        self.known = frozenset((*self.members, *known))
        self._folded = {_folded(member): member for member in self.members}
        self.meant = lru_cache(MOST_KEPT)(self._meant)

    def _meant(self, name: str) -> str | None:
        if name in self.known or len(name) > LONGEST_NAME:
            return None
        folded = _folded(name)
        if folded in self._folded:
            return self._folded[folded]
        if len(folded) < SHORTEST_NEAR:
            return None
        return next((member for good, member in self._folded.items() if _one_slip(folded, good)), None)


def _folded(name: str) -> str:
    """Without case, separators and plural: `User_ID` and `userId` are one, `property` and `properties`, `trait` and `traits`."""
    folded = SEPARATORS.sub("", name).casefold()
    if folded.endswith("ies"):
        return f"{folded[:-3]}y"
    return folded.removesuffix("s") if len(folded) > SHORTEST_NEAR else folded


def _one_slip(name: str, good: str) -> bool:
    """Whether one letter too many, one too few, two in the wrong order or, in a long name, one wrong letter is all that is between them."""
    if abs(len(name) - len(good)) > 1:
        return False
    start = 0
    while start < min(len(name), len(good)) and name[start] == good[start]:
        start += 1
    mine, its = name[start:], good[start:]
    if len(mine) != len(its):
        return mine[1:] == its if len(mine) > len(its) else mine == its[1:]
    if mine[2:] == its[2:] and mine[:2] == its[:2][::-1]:
        return True
    return len(good) >= SHORTEST_SWAPPED and mine[1:] == its[1:]
