"""What a measurement gives: rows of values, one a round for each server, and the goals that they are held to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from benchmarks.servers import Kind

OURS = "mock-june"


@dataclass(frozen=True, slots=True)
class Goal:
    """At least (where more is better) or at most (where less is) `factor`: of the median of the server `of`, or, None, as it stands."""

    factor: float
    of: str | None = None


@dataclass(slots=True)
class Row:
    """One figure: `values` by server name, one a round. `digits` are those shown after the point. Rows `about` the same share a table."""

    what: str
    unit: str
    more_is_better: bool = True
    goals: tuple[Goal, ...] = ()
    digits: int = 0
    about: str = "Servers"
    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, server: str, value: float) -> None:
        """One round's value."""
        self.values.setdefault(server, []).append(value)

    def middle(self, server: str) -> float:
        """The median over the rounds."""
        return median(self.values[server])

    def limit(self, goal: Goal) -> float | None:
        """What our median must reach; None where the peer was not measured."""
        if goal.of is None:
            return goal.factor
        return goal.factor * self.middle(goal.of) if goal.of in self.values else None

    def kept(self, goal: Goal) -> bool | None:
        """Whether a goal is reached; None where it cannot be told."""
        limit = self.limit(goal)
        if limit is None or OURS not in self.values:
            return None
        return self.middle(OURS) >= limit if self.more_is_better else self.middle(OURS) <= limit


@dataclass(frozen=True, slots=True)
class Setting:
    """How to measure: rounds, seconds a load, and what a figure may be told: `warm` seconds, `calls` for memory, `kills`. `say` tells of progress."""

    kinds: Sequence[Kind]
    rounds: int = 3
    seconds: float = 5.0
    warm: float = 30.0
    calls: int = 200_000
    kills: int = 5
    say: Callable[[str], None] = lambda _: None

    @property
    def ours(self) -> list[Kind]:
        """Our own servers."""
        return [kind for kind in self.kinds if kind.name.startswith(OURS)]

    @property
    def usual(self) -> list[Kind]:
        """Servers as they are installed."""
        return [kind for kind in self.kinds if kind.usual]

    @property
    def best(self) -> list[Kind]:
        """Servers as fast as they can be."""
        return [kind for kind in self.kinds if kind.best]
