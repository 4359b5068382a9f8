"""When events are, by the day and the hour: what of their times looks like no event's own time."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta

DAY = 86_400_000_000
HOUR = 3_600_000_000
"""In microseconds, as all times are here: since 1970, UTC."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST, LATEST = ((moment - EPOCH) // timedelta(microseconds=1) for moment in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)))

FIRST_DAY, LAST_DAY = ((date(year, 1, 1) - EPOCH.date()).days for year in (1900, 2200))
"""Days between these are counted one by one. A time outside them is warned about by itself, as old or of the future."""

ENOUGH = 100
"""Events with a time below which no share of them means anything."""

HOURS = 24
NIGHT = frozenset(range(5))
"""Midnight to five in the morning: when offices sleep, by their own clocks."""

LATEST_MIDDLE = 4
"""Before this hour is the middle of a night by its own clock: of offices 8 to 18 it is at 1, of shops 9 to 22 at 3:30."""

SHORTEST_HOLE, LONGEST_HOLE = 8, 16
"""Hours in a row without an event that make a night. What works for fewer than eight hours of a day is a job that runs by a timetable."""

ENOUGH_HOURS, ENOUGH_DAYS = 100, 14
"""Different hours of different days with an event, and different days, from which a hole is no chance: see `Days.hole`."""


class Days:
    """Counts events by day and hour. `timed` is how many had a time, `midnight` how many of them exactly 00:00:00; numbers `first...` are of events."""

    def __init__(self) -> None:
        self.timed = 0
        self.first = 0
        self.midnight = 0
        self.first_midnight = 0
        days = LAST_DAY - FIRST_DAY
        self._counts, self._firsts, self._hours = array("Q", bytes(8 * days)), array("Q", bytes(8 * days)), array("L", bytes(array("L").itemsize * days))

    def see(self, events: Iterable[tuple[int, int | None]]) -> None:
        """Some events: the number of each, and its time, or None."""
        counts, firsts, hours = self._counts, self._firsts, self._hours
        for n, at in events:
            if at is None:
                continue
            day, time = divmod(at, DAY)
            self.timed += 1
            self.first = self.first or n
            if not time:
                self.midnight += 1
                self.first_midnight = self.first_midnight or n
            if FIRST_DAY <= day < LAST_DAY:
                index = day - FIRST_DAY
                if not counts[index]:
                    firsts[index] = n
                counts[index] += 1
                if time:  # a date that was given a time says nothing of hours
                    hours[index] |= 1 << time // HOUR

    def crowded(self) -> tuple[str, int, int] | None:
        """The day that more than half of all events are of: its date, their count, and the first of them."""
        count = max(self._counts)
        if self.timed < ENOUGH or 2 * count <= self.timed:
            return None
        index = self._counts.index(count)
        return written((FIRST_DAY + index) * DAY)[:10], count, self._firsts[index]

    def is_midnight(self) -> bool:
        """Whether more than half of all events are at midnight to the microsecond."""
        return self.timed >= ENOUGH and 2 * self.midnight > self.timed

    def hole(self) -> tuple[int, int, int, int] | None:
        """The night, as it seems, by clocks that are said to show UTC: its first hour, the hour after it, and in how many hours of how many days events are.

        It is 8 to 16 hours in a row, midnight to five among them, in which no event ever is, and its middle lies before four. An hour of a day counts once,
        however many events it has, since events come in bursts. Were hours with events spread evenly over the day, 100 of them would leave some 8 hours
        in a row empty with a chance below 24 * (16/24)^100, which is 6e-17: a hole is no chance. That it lies where a night does, and not elsewhere,
        is what says local time: in UTC the night of New York has its middle at six, of Tokyo at sixteen. Users within some three hours of Greenwich
        leave it here too, and rightly.
        """
        ever = hours = days = 0
        for mask in self._hours:
            if mask:
                ever |= mask
                hours += mask.bit_count()
                days += 1
        if hours < ENOUGH_HOURS or days < ENOUGH_DAYS:
            return None
        for start, length in _gaps(ever):
            asleep = {(start + step) % HOURS for step in range(length)}
            if SHORTEST_HOLE <= length <= LONGEST_HOLE and asleep >= NIGHT and (start + length / 2) % HOURS < LATEST_MIDDLE:
                return start, (start + length) % HOURS, hours, days
        return None


def _gaps(ever: int) -> Iterator[tuple[int, int]]:
    """Runs of hours that are not in a mask, around midnight too: the first hour of each and how many they are."""
    for hour in range(HOURS):
        if ever >> (hour - 1) % HOURS & 1 and not ever >> hour & 1:
            yield hour, next(length for length in range(HOURS) if ever >> (hour + length) % HOURS & 1)


def micros(text: object) -> int | None:
    """A time in RFC 3339, in microseconds since 1970; None for what is none."""
    if not isinstance(text, str):
        return None
    try:
        since = datetime.fromisoformat(text) - EPOCH
    except (ValueError, TypeError, OverflowError):  # no time, or one without a timezone
        return None
    return since.days * DAY + since.seconds * 1_000_000 + since.microseconds


def written(at: int) -> str:
    """A time as text, in UTC. An offset can lead out of the years 1 to 9999: then their first or last moment."""
    return (EPOCH + timedelta(microseconds=min(max(at, EARLIEST), LATEST))).replace(tzinfo=None).isoformat() + "Z"
