"""Did you mean it? Finds the member that a misspelt name stands for, and keeps silent on names that are merely other words."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_NAME = 40
"""No longer name is a slip of one that June knows."""

SHORTEST_TURNED, SHORTEST_NEAR, SHORTEST_SWAPPED = 4, 5, 8
"""The shortest names in which two letters in the wrong order, a letter too many or too few, and a wrong letter are a slip.

In shorter ones they make other words: `typed` is not `type`, `content` is not `context`.
"""

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
        return next((member for good, member in self._folded.items() if _one_slip(folded, good)), None)


def _folded(name: str) -> str:
    """Without case, separators and plural: `User_ID` and `userId` are one, `property` and `properties`, `trait` and `traits`."""
    folded = SEPARATORS.sub("", name).casefold()
    if folded.endswith("ies"):
        return f"{folded[:-3]}y"
    return folded.removesuffix("s") if len(folded) > SHORTEST_TURNED else folded


def _one_slip(name: str, good: str) -> bool:
    """Whether one letter too many or too few, two in the wrong order or one wrong letter is all that is between them."""
    shorter = min(len(name), len(good))
    if shorter < SHORTEST_TURNED or abs(len(name) - len(good)) > 1:
        return False
    start = next((at for at in range(shorter) if name[at] != good[at]), shorter)
    mine, its = name[start:], good[start:]
    if len(mine) != len(its):
        return shorter >= SHORTEST_NEAR and (mine[1:] == its or mine == its[1:])
    if mine[2:] == its[2:] and mine[:2] == its[:2][::-1]:
        return True
    return shorter >= SHORTEST_SWAPPED and mine[1:] == its[1:]
