"""What went through a relay, counted by its thread and read by others."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

from mock_june.intercept.heads import Place

MOST_NAMES = 1000
"""So many hosts are told apart; a program that asks for more finds the rest under one name, so that memory stays flat."""

OTHERS = "other hosts"


@dataclass(frozen=True, slots=True)
class Traffic:
    """Counts of connections, as they stood when asked for.

    `captured`: those that ended in the fake. `passed`: those let through, by `host:port`. `blocked`: those refused, by (`host:port`, why).
    `untrusted`: those that the client itself ended when it saw our certificate, which its own list of authorities does not know.
    """

    captured: int = 0
    passed: Counter[str] = field(default_factory=Counter)
    blocked: Counter[tuple[str, str]] = field(default_factory=Counter)
    untrusted: int = 0


class Counting:
    """Counts, one connection at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._captured = 0
        self._untrusted = 0
        self._passed: Counter[str] = Counter()
        self._blocked: Counter[tuple[str, str]] = Counter()

    def captured(self) -> None:
        """One connection goes to the fake."""
        with self._lock:
            self._captured += 1

    def untrusted(self) -> None:
        """One client did not believe the certificate."""
        with self._lock:
            self._untrusted += 1

    def passed(self, place: Place) -> None:
        """One connection goes on to its host."""
        with self._lock:
            key = str(place)
            self._passed[key if key in self._passed or len(self._passed) < MOST_NAMES else OTHERS] += 1

    def blocked(self, place: Place, why: str) -> None:
        """One connection was refused."""
        with self._lock:
            key = (str(place), why)
            self._blocked[key if key in self._blocked or len(self._blocked) < MOST_NAMES else (OTHERS, why)] += 1

    def snapshot(self) -> Traffic:
        """The counts now; a copy."""
        with self._lock:
            return Traffic(self._captured, self._passed.copy(), self._blocked.copy(), self._untrusted)
