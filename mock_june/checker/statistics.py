"""What a backfill is: how much of what, of whom, and when. In bounded memory, and over many processes the same as over one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mock_june.checker.report import Record
    from mock_june.model import Checked, Verdict

EXACT = 50_000
"""Distinct values that are counted exactly. Beyond, a count is an estimate with a standard error of 1/sqrt(EXACT), 0.45 %."""

SLACK = EXACT // 4
"""Hashes that may come on top before the largest are let go."""

NAMES = 10_000
"""Distinct event names that are counted each; those met later are counted together."""

LONGEST = 200
"""Characters of an event name that tell it from another."""

HASHES = 1 << 64


@dataclass(slots=True)
class Distinct:
    """How many different values there were: the smallest of their 64-bit hashes are kept, all of them up to `EXACT`.

    Where there are more, the largest that is kept says how dense they lie: the k-minimum-values estimate (Bar-Yossef et al., 2002). It does not depend
    on the order of the values, nor on how they were parted and merged.
    """

    hashes: set[int] = field(default_factory=set)
    below: int = HASHES

    def add(self, value: str) -> None:
        """Counts a value."""
        hashed = int.from_bytes(blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
        if hashed < self.below:
            self.hashes.add(hashed)
            self._trim()

    def merge(self, other: Distinct) -> None:
        """Takes in what another one counted."""
        self.hashes |= other.hashes
        self.below = min(self.below, other.below)
        self._trim()

    def _trim(self) -> None:
        if len(self.hashes) > EXACT + SLACK:
            kept = sorted(self.hashes)[:EXACT]
            self.below = kept[-1] + 1
            self.hashes = set(kept)

    @property
    def is_exact(self) -> bool:
        """Whether `count` is no estimate."""
        return len(self.hashes) <= EXACT and self.below == HASHES

    @property
    def count(self) -> int:
        """How many different values there were."""
        if self.is_exact:
            return len(self.hashes)
        largest = sorted(self.hashes)[EXACT - 1]
        return round((EXACT - 1) * HASHES / largest)


@dataclass(slots=True)
class Tally:
    """Of some events, how many June would take and how many it would refuse, and the bytes of both."""

    accepted: int = 0
    refused: int = 0
    size: int = 0

    @property
    def events(self) -> int:
        """All of them."""
        return self.accepted + self.refused

    def add(self, accepted: bool, size: int) -> None:
        """Counts an event of `size` bytes."""
        self.accepted += accepted
        self.refused += not accepted
        self.size += size

    def merge(self, other: Tally) -> None:
        """Takes in what another one counted."""
        self.accepted += other.accepted
        self.refused += other.refused
        self.size += other.size


@dataclass(slots=True)
class Largest:
    """The largest payload, in bytes, and where it stands."""

    size: int = 0
    file: str = ""
    line: int = 0


@dataclass(slots=True)
class Statistics:
    """What was seen of events whose kind is known, refused ones too. An observer of a run.

    `by_month` is of events with a timestamp that says when they were, by its month in UTC (`2021-02`); `first` and `last` are days (`2021-02-24`).
    Users, visitors and companies are counted by `userId`, `anonymousId` and `groupId`, that of the `context` too. Of more than `NAMES` event names it
    depends on the parts of the run which ones are told apart.
    """

    by_kind: dict[str, Tally] = field(default_factory=dict)
    by_month: dict[str, Tally] = field(default_factory=dict)
    names: Counter[str] = field(default_factory=Counter)
    other_names: int = 0
    users: Distinct = field(default_factory=Distinct)
    visitors: Distinct = field(default_factory=Distinct)
    companies: Distinct = field(default_factory=Distinct)
    first: str | None = None
    last: str | None = None
    undated: int = 0
    largest: Largest = field(default_factory=Largest)

    @property
    def total(self) -> Tally:
        """All events."""
        total = Tally()
        for tally in self.by_kind.values():
            total.merge(tally)
        return total

    def saw(self, record: Record, verdict: Verdict) -> tuple[Record, Verdict]:
        """Looks at what a payload was found to be."""
        for event in verdict.events:
            self._look(record, event)
        return record, verdict

    def _look(self, record: Record, event: Checked) -> None:
        payload, accepted, size = event.payload, not event.violations, event.stop - event.start
        self.by_kind.setdefault(event.kind, Tally()).add(accepted, size)
        if size > self.largest.size:
            self.largest = Largest(size, record.source, record.line)
        self._when(payload.get("timestamp"), accepted, size)
        if event.kind == "track" and isinstance(name := payload.get("event"), str):
            self._name(name[:LONGEST])
        if "userId" in payload:
            _add(self.users, payload["userId"])
        if "anonymousId" in payload:
            _add(self.visitors, payload["anonymousId"])
        for holder in (payload, payload.get("context")):
            if isinstance(holder, dict) and "groupId" in holder:
                _add(self.companies, holder["groupId"])

    def _when(self, timestamp: object, accepted: bool, size: int) -> None:
        day = day_of(timestamp) if isinstance(timestamp, str) else None
        if day is None:
            self.undated += 1
            return
        self.by_month.setdefault(day[:7], Tally()).add(accepted, size)
        self.first = day if self.first is None else min(self.first, day)
        self.last = day if self.last is None else max(self.last, day)

    def _name(self, name: str, count: int = 1) -> None:
        if name in self.names or len(self.names) < NAMES:
            self.names[name] += count
        else:
            self.other_names += count

    def merge(self, other: Statistics) -> None:
        """Takes in what was seen in a later part of the same run."""
        for mine, theirs in ((self.by_kind, other.by_kind), (self.by_month, other.by_month)):
            for key, tally in theirs.items():
                mine.setdefault(key, Tally()).merge(tally)
        for name, count in other.names.items():
            self._name(name, count)
        self.other_names += other.other_names
        self.users.merge(other.users)
        self.visitors.merge(other.visitors)
        self.companies.merge(other.companies)
        self.first = min(filter(None, (self.first, other.first)), default=None)
        self.last = max(filter(None, (self.last, other.last)), default=None)
        self.undated += other.undated
        if other.largest.size > self.largest.size:
            self.largest = other.largest


def day_of(timestamp: str) -> str | None:
    """The day in UTC of an RFC 3339 date-time, None of what says no moment: no date, no zone, a day that does not exist."""
    if timestamp.endswith(("Z", "+00:00")) and timestamp[10:11] == "T":
        return _day(timestamp[:10])
    try:
        moment = datetime.fromisoformat(timestamp)
        return None if moment.tzinfo is None else moment.astimezone(UTC).date().isoformat()
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=4096)
def _day(text: str) -> str | None:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return None


def _add(distinct: Distinct, value: object) -> None:
    """Counts an id. One that is a number, and so refused, is the same id as its text."""
    if isinstance(value, str | int) and value != "" and not isinstance(value, bool):
        distinct.add(str(value))
