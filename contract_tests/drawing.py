"""Values drawn from Hypothesis' strategies outside of a test: the same ones each time, so that a verdict can be had again."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st

T = TypeVar("T")

SEED = 5863


def draws(strategy: st.SearchStrategy[T], most: int) -> list[T]:
    """Up to `most` values of a strategy, each JSON value once, the plainest first."""
    found: dict[str, T] = {}
    if most < 1:
        return []

    # No database, no deadline, no shrinking: nothing here fails, values are only made.
    @seed(SEED)
    @settings(
        max_examples=most,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    @given(strategy)
    def collect(value: Any) -> None:
        found.setdefault(json.dumps(value), value)

    collect()
    return list(found.values())
