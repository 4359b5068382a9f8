"""What breaks a rule across events: counted whole, kept as far as it is told."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import NamedTuple

from mock_june.contract.values import quoted

MOST = 200
"""Findings of a rule that are told one by one."""

SHARE, TIMES_THE_MEAN, ENOUGH_EVENTS = 5, 20, 1000
"""An id's share is outsized when it has more than a fifth of all events with an id of its sort, 1,000 or more, and over 20 times what an id has on average."""


class Case(NamedTuple):
    """One case of a rule: minus the number of the event where it is told, so that the last comes first; and an event that it is to be compared with, or 0."""

    minus_n: int
    pointer: str
    message: str
    other: int = 0


@dataclass(slots=True)
class Cases:
    """What breaks one rule: how often, and the first so many in the order of the events."""

    count: int = 0
    _first: list[Case] = field(default_factory=list)

    def add(self, n: int, pointer: str, message: str, other: int = 0) -> None:
        """One more case, told at the event of number `n`; `other` is one that it is compared with."""
        self.count += 1
        case = Case(-n, pointer, message, other)
        if len(self._first) < MOST:
            heapq.heappush(self._first, case)
        elif case > self._first[0]:
            heapq.heapreplace(self._first, case)

    def told(self) -> list[Case]:
        """The cases that are told, in the order of their events."""
        return sorted(self._first, key=lambda case: (-case.minus_n, case.pointer, case.message))


class Share:
    """Finds the one id that has too much of all events."""

    def __init__(self, what: str, pointer: str) -> None:
        self._what = what
        self._pointer = pointer
        self._ids = self._total = self._most = self._first = 0
        self._id = ""

    def see(self, key: str, first: int, events: int) -> None:
        """One more id: the number of its first event, and how many it has."""
        self._ids += 1
        self._total += events
        if (events, -first) > (self._most, -self._first):
            self._id, self._first, self._most = key, first, events

    def tell(self, cases: Cases) -> None:
        """Adds the case, if there is one."""
        if self._total >= ENOUGH_EVENTS and SHARE * self._most > self._total and self._ids * self._most > TIMES_THE_MEAN * self._total:
            message = f"{part(self._most, self._total)} of all events with a {self._what} are of {quoted(self._id)} alone, one of {self._ids:,}"
            cases.add(self._first, self._pointer, message)


def part(count: int, total: int) -> str:
    """A share as a reader says it."""
    return f"{100 * count // total} % ({count:,} of {total:,})"
