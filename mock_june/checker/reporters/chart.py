"""Events by month as the bars of a chart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mock_june.checker.statistics import Tally

MOST = 120
"""Bars of a chart. Of a longer time each bar is a year, and of more years than that the last ones are drawn."""

LABELS = 10
"""Labels below a chart, so that they fit on a telephone."""

LEAST = 0.8
"""Percent of a chart's height that can just be seen."""

MONTHS = "January February March April May June July August September October November December".split()


@dataclass(frozen=True, slots=True)
class Bar:
    """A month or year. Heights are percent of the chart's."""

    name: str
    tally: Tally
    accepted: float
    refused: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A label, `at` percent of the way along its axis."""

    label: str
    at: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars from the first month or year (`unit`) to the last, empty ones too. `left_out` counts events before the first bar."""

    unit: str
    bars: list[Bar]
    across: list[Tick]
    up: list[Tick]
    left_out: int = 0


def chart(by_month: Mapping[str, Tally]) -> Chart | None:
    """The chart of tallies by month (`2021-02`), None without any."""
    if not by_month:
        return None
    unit, tallies = "month", dict(by_month)
    keys = _months(min(tallies), max(tallies))
    if len(keys) > MOST:
        unit, tallies = "year", _by_year(by_month)
        keys = [f"{year:04}" for year in range(int(min(tallies)), int(max(tallies)) + 1)][-MOST:]
    top, up = _scale(max(tally.events for tally in tallies.values()))
    bars = []
    for key in keys:
        tally = tallies.get(key, Tally())
        bars.append(Bar(_name(key), tally, *_heights(tally, top)))
    return Chart(unit, bars, _across(keys, unit), up, sum(tally.events for key, tally in tallies.items() if key < keys[0]))


def _heights(tally: Tally, top: int) -> tuple[float, float]:
    """What is accepted and what is refused, in percent of the top; a few are drawn as more than they are, or nobody would see them."""
    accepted, refused = (max(100 * count / top, LEAST) if count else 0.0 for count in (tally.accepted, tally.refused))
    over = max(0.0, accepted + refused - 100)
    return (accepted - over, refused) if accepted > refused else (accepted, refused - over)


def _months(first: str, last: str) -> list[str]:
    start, stop = (int(month[:4]) * 12 + int(month[5:]) - 1 for month in (first, last))
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in range(start, stop + 1)]


def _by_year(by_month: Mapping[str, Tally]) -> dict[str, Tally]:
    years: dict[str, Tally] = {}
    for month, tally in by_month.items():
        years.setdefault(month[:4], Tally()).merge(tally)
    return years


def _name(key: str) -> str:
    year, _, month = key.partition("-")
    return f"{MONTHS[int(month) - 1]} {year}" if month else year


def _scale(most: int) -> tuple[int, list[Tick]]:
    """The height of the chart in events, and the labels of its lines: at most five, at round numbers."""
    step = next(factor * 10**power for power in range(20) for factor in (1, 2, 5) if most <= 5 * factor * 10**power)
    lines = -(-most // step)
    return step * lines, [Tick(_short(step * line), 100 * line / lines) for line in range(lines + 1)]


def _short(count: int) -> str:
    """A round number in few characters."""
    if count >= 1_000_000:
        return f"{count / 1_000_000:,g}M"
    return f"{count / 1000:g}k" if count >= 10_000 else f"{count:,}"


def _across(keys: list[str], unit: str) -> list[Tick]:
    """Labels below the middle of their bars, no more than LABELS of them."""
    strides = (1, 2, 3, 6, 12, 24, 60, 120) if unit == "month" else (1, 2, 5, 10, 20, 50)
    numbers = [int(key[:4]) * 12 + int(key[5:]) - 1 if unit == "month" else int(key) for key in keys]
    stride = next(stride for stride in strides if len(keys) <= stride * LABELS)
    marked = [place for place, number in enumerate(numbers) if number % stride == 0]
    names_year = any(_is_year(keys[place]) for place in marked)
    return [Tick(_label(keys[place], in_full=not names_year and place == marked[0]), 100 * (place + 0.5) / len(keys)) for place in marked]


def _is_year(key: str) -> bool:
    return key.partition("-")[2] in {"", "01"}


def _label(key: str, *, in_full: bool) -> str:
    """A January is told as its year, another month by its name; `in_full` with its year."""
    year, _, month = key.partition("-")
    if _is_year(key):
        return year
    name = MONTHS[int(month) - 1][:3]
    return f"{name} {year}" if in_full else name
