"""Times as backfills write them, made into times as June takes them: the same instant, with the same digits of its fraction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from difflib import get_close_matches
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from mock_june.errors import UsageError

WRITTEN = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})(?P<between>[Tt ])(?P<time>(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])(?P<fraction>\.[0-9]+)?"
    r"(?: ?(?P<zone>[Zz]|UTC|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?))?"
)
"""A date and a time, with or without a zone. Databases and languages write the zone as `+00`, `+0000` and ` UTC` too: PostgreSQL, Ruby, BigQuery."""

SECONDS = re.compile(r"([1-9][0-9]{9})(\.[0-9]+)?")
MILLISECONDS = re.compile(r"([1-9][0-9]{9})([0-9]{3})(?:\.([0-9]+))?")
LAST_SECOND = 4_102_444_800
"""2100-01-01T00:00:00Z. Up to here ten digits are seconds, and thirteen are milliseconds, of 2001-09-09 to the end of 2099: no number is both."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FORM = "%Y-%m-%dT%H:%M:%S"


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as it is to be written, and what was done to it. `text` is None where it cannot be written: then `what` says why."""

    text: str | None
    what: str
    safe: bool = True


def zone(name: str) -> ZoneInfo:
    """A time zone by its IANA name, such as Europe/Berlin. Raises UsageError for one that is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = available_timezones()
        close = get_close_matches(name, sorted(known), 1)
        otherwise = "names are IANA's, such as Europe/Berlin" if known else "this machine has no time zone data: pip install tzdata"
        raise UsageError(f"no time zone {name!r}: " + (f"did you mean {close[0]!r}?" if close else otherwise)) from None


def of_text(text: str, *, any_offset: bool, naive: tzinfo = UTC) -> Moment | None:
    """A time in a string that June refuses, as June takes it; None where nobody can tell what is meant.

    `any_offset`: offsets stay as they are, as the sdk contract has them. A time without a zone is taken to be of `naive`, which is not safe.
    """
    if text.isascii() and text.isdigit():
        return of_number(text)
    found = WRITTEN.fullmatch(text)
    if not found:
        return None
    try:
        moment = datetime.fromisoformat(f"{found['date']}T{found['time']}")
        return _zoned(found, moment, any_offset=any_offset) if found["zone"] else _naive(moment, found["fraction"] or "", naive)
    except (ValueError, OverflowError):  # a day that does not exist; a moment before the year 1 or after 9999
        return None


def of_number(digits: str) -> Moment | None:
    """Epoch seconds or milliseconds, as their digits stand in JSON; None for a number that is neither, or of a year before 2001 or after 2099."""
    if found := SECONDS.fullmatch(digits):
        seconds, fraction, unit = int(found[1]), found[2] or "", "seconds"
    elif found := MILLISECONDS.fullmatch(digits):
        seconds, fraction, unit = int(found[1]), f".{found[2]}{found[3] or ''}", "milliseconds"
    else:
        return None
    if seconds >= LAST_SECOND:
        return None
    return Moment(f"{(EPOCH + timedelta(seconds=seconds)).strftime(FORM)}{fraction}Z", f"epoch {unit} written as a time")


def _zoned(found: re.Match[str], moment: datetime, *, any_offset: bool) -> Moment:
    """A time with a zone: in UTC, or as it is where any offset is taken."""
    fraction, zone = found["fraction"] or "", found["zone"]
    if zone in {"Z", "z", "UTC", "+00:00"} or any_offset:
        minutes = zone[-2:] if len(zone) > len("+00") else "00"
        written = "Z" if zone[0] in "ZzU" else f"{zone[:3]}:{minutes}"
        return Moment(f"{found['date']}T{found['time']}{fraction}{written}", "the same time written as RFC 3339 has it")
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:].removeprefix(":") or "0"))
    utc = moment.replace(tzinfo=timezone(-offset if zone[0] == "-" else offset)).astimezone(UTC)
    return Moment(f"{_iso(utc)}{fraction}Z", "an offset turned into UTC")


def _naive(moment: datetime, fraction: str, place: tzinfo) -> Moment:
    """A time without a zone, taken to be of a place. One that its clocks skip or show twice is of no instant that one could name."""
    early, late = moment.replace(tzinfo=place, fold=0), moment.replace(tzinfo=place, fold=1)
    if early.utcoffset() != late.utcoffset():
        there = early.astimezone(UTC).astimezone(place).replace(tzinfo=None) == moment
        return Moment(None, f"a time that the clocks of {place} {'show twice' if there else 'skip'}", safe=False)
    return Moment(f"{_iso(early.astimezone(UTC))}{fraction}Z", f"a time without a timezone taken to be of {place}", safe=False)


def _iso(moment: datetime) -> str:
    # Not strftime, which writes the year 800 with three digits on some systems.
    return moment.replace(tzinfo=None, microsecond=0).isoformat()
