"""What is wrong with a timestamp, in words. The schema's pattern decides; this only says why, and never comes to "it does not match"."""

from __future__ import annotations

import re
from calendar import isleap
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mock_june.contract.values import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
TIME = re.compile(r"([0-9]{2}):([0-9]{2}):([0-9]{2})")
FRACTION = re.compile(r"\A\.[0-9]+")
OFFSET = re.compile(r"[+-][0-9]{2}:[0-9]{2}")
NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
FOREIGN_DIGIT = re.compile(r"(?![0-9])\d")

Cases = tuple[tuple[re.Pattern[str], str], ...]
"""Patterns, each with what it says of a text that begins so; {0} is what matched, {1} its first group, {rest} what follows."""

NO_DATE: Cases = (
    (re.compile(r"[0-9]{8}(?:T|$)"), "has no dashes in its date"),
    (re.compile(r"[0-9]{1,4}([/.])[0-9]{1,2}\1[0-9]{1,4}"), "has {1} in its date in place of dashes"),
    (re.compile(r"[0-9]{1,4}-[0-9]{1,2}-[0-9]{1,2}(?![0-9])"), "has a date that is not written YYYY-MM-DD"),
    (re.compile(r"[A-Za-z]{3,9},? "), "is a date in words"),
    (re.compile(r""), "does not begin with a date as YYYY-MM-DD"),
)
NO_TIME: Cases = (
    (re.compile(r"[0-9]{2}:[0-9]{2}(?![0-9:])"), "has no seconds"),
    (re.compile(r""), "has no time after its T that is written HH:MM:SS"),
)
NO_ZONE: Cases = (
    (re.compile(r"$"), "has no timezone"),
    (re.compile(r"\.(?![0-9])"), "has a point after its seconds and no fraction"),
    (re.compile(r","), "has a comma before the fraction of its second, not a point"),
    (re.compile(r"[0-9]"), "has more than two digits in its seconds"),
    (re.compile(r"(?:Z|[+-][0-9:]+) *(?:[Zz]$|[+-][0-9]).*", re.DOTALL), "has its timezone twice: {0}"),
    (re.compile(r"Z"), "has {rest} after it"),
    (re.compile(r"z$"), "has a z in lower case at its end"),
    (re.compile(r" +[+-][0-9]{2}:[0-9]{2}$"), "has a blank before its timezone"),
    (re.compile(r"[+-](?:[0-9]{1,4}|[0-9]{1,2}:[0-9]{1,2})$"), "has the offset {0}, which is not written +HH:MM"),
    (re.compile(r"[+-][0-9]{2}:[0-9]{2}"), "has {rest} after it"),
    (re.compile(r" ?(?:[A-Za-z]{2,5}|\[[^\]]*\]|[A-Za-z]+/[A-Za-z_/]+)$"), "names its timezone in words: {0}"),
    (re.compile(r".*", re.DOTALL), "has {0} where its timezone should be"),
)

WHITE = {"\n": "a newline", "\r": "a carriage return", "\t": "a tab", " ": "a blank"}
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
FEBRUARY = 2
LAST_HOUR, LAST_MINUTE, LEAP_SECOND = 23, 59, 60
LEAP_MINUTES = ("14", "29", "44", "59")
"""RFC 3339 section 5.7: a leap second ends a UTC day, and offsets are of whole, half or quarter hours (+05:45 in Nepal)."""

UNITS = ((1e8, 1e11, "seconds", 1), (1e11, 1e14, "milliseconds", 10**3), (1e14, 1e17, "microseconds", 10**6), (1e17, 1e20, "nanoseconds", 10**9))
"""Sizes of a number of the years 1973 to 5138, by the unit that it must then be in."""

LONGEST_NUMBER = 30
"""Digits in a string beyond which it is no moment in any unit, and is not read as a number."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant(number: float) -> str:
    """What moment a number would be, such as "epoch seconds of 2021-02-24T01:19:38Z"; "" where it is none that one could guess."""
    for low, high, unit, per_second in UNITS:
        if low <= number < high:
            moment = EPOCH + timedelta(seconds=number // per_second)
            return f"epoch {unit} of {moment:%Y-%m-%dT%H:%M:%SZ}"
    return ""


def fault(text: str, *, any_offset: bool = False) -> str:
    """The first thing that is off in a timestamp, as what follows "the timestamp …": "has no timezone".

    `any_offset`: RFC 3339 as it is (any offset, T and Z in lower case too, leap seconds); else UTC alone, as the article has it.
    """
    return next(_faults(text, any_offset=any_offset))


def _faults(text: str, *, any_offset: bool) -> Iterator[str]:
    """All that is off, from left to right. Lazy: what comes after the first fault is not looked at, and need not make sense."""
    bare = text.strip()
    if not bare:
        yield "holds no date and time"
    if bare != text:
        odd, where = (text[-1], "after") if text.startswith(bare) else (text[0], "before")
        yield f"has {WHITE.get(odd, f'the character {quoted(odd)}')} {where} it"
    foreign = FOREIGN_DIGIT.search(text)
    if foreign:
        yield f"has the digit {quoted(foreign[0])}, which is none of 0 to 9"
    if NUMBER.fullmatch(text):
        moment = instant(float(text)) if len(text) <= LONGEST_NUMBER else ""
        yield f"is a number in a string ({moment})" if moment else "is a number in a string, no date and time"
    date = DATE.match(text)
    if not date:
        yield _case(text, NO_DATE)
        return
    yield from _date(*map(int, date.groups()), any_offset=any_offset)
    rest = text[date.end() :]
    yield from _separator(rest, any_offset=any_offset)
    time = TIME.match(rest, 1)
    if not time:
        yield _case(rest[1:], NO_TIME)
        return
    yield from _time(*time.groups(), any_offset=any_offset)
    yield _zone(FRACTION.sub("", rest[time.end() :]), any_offset=any_offset)


def _date(year: int, month: int, day: int, *, any_offset: bool) -> Iterator[str]:
    if year == 0 and not any_offset:
        yield "is of the year 0000, which does not exist"
    if not 1 <= month <= len(MONTHS):
        yield f"has the month {month:02d}, which does not exist"
    elif not 1 <= day <= DAYS[month - 1] or (month == FEBRUARY and day == DAYS[1] and not isleap(year)):
        yield f"is of a day that does not exist: {year:04d} has no {MONTHS[month - 1]} {day}"


def _separator(rest: str, *, any_offset: bool) -> Iterator[str]:
    if not rest:
        yield "is a date without a time"
    if rest[0] == " ":
        yield "has a blank in place of the T between date and time"
    if rest[0] == "t" and not any_offset:
        yield "has a t in lower case between date and time"
    if rest[0] not in "Tt":
        yield f"has {quoted(rest[0])} in place of the T between date and time"


def _time(hour: str, minute: str, second: str, *, any_offset: bool) -> Iterator[str]:
    if int(hour) > LAST_HOUR:
        yield f"has the hour {hour}, and a day's hours are 00 to 23"
    if int(minute) > LAST_MINUTE:
        yield f"has the minute {minute}, and an hour's minutes are 00 to 59"
    if int(second) == LEAP_SECOND and any_offset:
        if minute not in LEAP_MINUTES:
            yield f"has the second 60 after minute {minute}, and a leap second comes after minute 14, 29, 44 or 59 alone"
    elif int(second) > LAST_MINUTE:
        yield f"has the second {second}, and a minute's seconds are 00 to 59"


def _zone(text: str, *, any_offset: bool) -> str:
    if not OFFSET.fullmatch(text):
        return _case(text, NO_ZONE)
    if any_offset:
        return f"has the offset {text}, which no place has: hours are 00 to 23, minutes 00 to 59"
    if text == "-00:00":
        return "has the offset -00:00, which says that the timezone is not known; UTC is Z or +00:00"
    return f"has the offset {text}, which is not UTC"


def _case(text: str, cases: Cases) -> str:
    """What is said of the first case that the text is; the last of them is of every text."""
    found, say = next((found, say) for pattern, say in cases if (found := pattern.match(text)))
    groups = [quoted(group) for group in (found[0], *found.groups())]
    return say.format(*groups, rest=quoted(text[found.end() :]))
