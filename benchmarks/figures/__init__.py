"""The figures by the names that the command line takes. A new one: a file with a function from a setting to rows, and a line here."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.figures.batches import batches
from benchmarks.figures.calls import calls, warm
from benchmarks.figures.intercept import intercept
from benchmarks.figures.kills import kills
from benchmarks.figures.memory import memory
from benchmarks.figures.preflight import preflight
from benchmarks.figures.start import start
from benchmarks.table import Row, Setting

FIGURES: dict[str, Callable[[Setting], list[Row]]] = {
    "calls": calls,
    "warm": warm,
    "batches": batches,
    "start": start,
    "memory": memory,
    "kills": kills,
    "preflight": preflight,
    "intercept": intercept,
}
