"""A first look: some payloads of all, drawn with equal chance, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterable

from mock_june.checker.report import Record

MOST = 100_000
"""How many payloads may be drawn: they are held in memory."""


def drawn(records: Iterable[Record], count: int, seed: int) -> list[Record]:
    """At most `count` of the records, in their order (reservoir sampling)."""
    dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
    kept: list[tuple[int, Record]] = []
    for number, record in enumerate(records):
        if len(kept) < count:
            kept.append((number, record))
        elif (place := int(dice.random() * (number + 1))) < count:
            kept[place] = (number, record)
    return [record for _, record in sorted(kept, key=lambda item: item[0])]
