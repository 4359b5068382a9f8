from __future__ import annotations

import pickle

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_june.checker import statistics
from mock_june.checker.report import Record
from mock_june.checker.statistics import Distinct, Statistics, day_of
from mock_june.contract import Engine
from mock_june.model import Endpoint

ENGINE = Engine()


def seen(*payloads: object) -> Statistics:
    """Statistics of payloads, a line each."""
    found = Statistics()
    for line, payload in enumerate(payloads, 1):
        body = orjson.dumps(payload)
        found.saw(Record("f", line, 0, body), ENGINE.check(body, Endpoint("backfill")))
    return found


def track(**members: object) -> dict[str, object]:
    """A good track, but for what is given."""
    return {"type": "track", "event": "Registered", "userId": "1", "email": "a@example.com", "timestamp": "2021-02-24T01:19:38Z", **members}


def test_kinds():
    """Events are counted by kind, accepted and refused apart, with their bytes."""
    found = seen(track(), track(userId=1), {"type": "identify", "userId": "1"})
    assert (found.by_kind["track"].accepted, found.by_kind["track"].refused) == (1, 1)
    assert found.by_kind["identify"].size == len(b'{"type":"identify","userId":"1"}')
    assert found.total.events == 3


def test_time():
    """Dated events are counted by month, with the first day and the last; others are counted as undated."""
    found = seen(
        track(),
        track(timestamp="2021-03-01T00:00:00Z"),
        track(timestamp="2020-12-31T23:59:59Z"),
        track(timestamp="yesterday"),
        {"type": "identify", "userId": "1"},
    )
    assert {month: tally.events for month, tally in found.by_month.items()} == {"2021-02": 1, "2021-03": 1, "2020-12": 1}
    assert (found.first, found.last, found.undated) == ("2020-12-31", "2021-03-01", 2)


@pytest.mark.parametrize(
    ("timestamp", "day"),
    [
        ("2021-02-24T01:19:38.931Z", "2021-02-24"),
        ("2021-02-24T01:19:38+00:00", "2021-02-24"),
        ("2021-02-24T01:19:38+02:00", "2021-02-23"),
        ("2021-02-24T01:19:38", None),
        ("2021-02-30T01:19:38Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("2021-02-24", None),
        ("1614129578", None),
        ("", None),
    ],
)
def test_day(timestamp, day):
    """A day is that of UTC, and of no timestamp that says no moment."""
    assert day_of(timestamp) == day


def test_people():
    """Users, visitors and companies are those with different ids; a number is the same id as its text; empty ones, null and booleans are none."""
    found = seen(
        track(userId="1"),
        track(userId=1),
        track(userId="2", context={"groupId": "A"}),
        {"type": "group", "userId": "2", "groupId": "B"},
        {"type": "identify", "anonymousId": "1"},
        track(userId=""),
        track(userId=None),
        track(userId=True),
        track(userId=["3"]),
    )
    assert (found.users.count, found.visitors.count, found.companies.count) == (2, 1, 2)


def test_names(monkeypatch):
    """Event names are counted each up to a bound, and those that are met later together."""
    monkeypatch.setattr(statistics, "NAMES", 2)
    found = seen(*(track(event=name) for name in "abacbc"))
    assert dict(found.names) == {"a": 2, "b": 2}
    assert found.other_names == 2
    assert list(seen(track(event="x" * 1000)).names) == ["x" * statistics.LONGEST]


def test_largest():
    """The largest payload is known by its file and line."""
    found = seen(track(), track(properties={"x": "y" * 100}), track())
    assert (found.largest.file, found.largest.line) == ("f", 2)


def test_broken():
    """What is of no kind is in no count."""
    assert seen({"type": "trak"}, [], "x").total.events == 0


def test_exact(monkeypatch):
    """Up to the bound a count is exact, to the last one."""
    monkeypatch.setattr(statistics, "EXACT", 100)
    distinct = Distinct()
    for number in range(100):
        distinct.add(str(number))
        distinct.add(str(number))
    assert (distinct.count, distinct.is_exact) == (100, True)
    distinct.add("one more")
    assert not distinct.is_exact


def test_estimate():
    """Beyond it a count is within two percent, and takes no more memory however many there are."""
    distinct = Distinct()
    for number in range(300_000):
        distinct.add(f"usr_{number}")
    assert not distinct.is_exact
    assert abs(distinct.count - 300_000) < 6_000
    assert len(distinct.hashes) <= statistics.EXACT + statistics.SLACK


@given(st.lists(st.integers(0, 100), max_size=120), st.integers(1, 5))
def test_parts(numbers, parts):
    """However events are parted, the parts merged say what the whole says."""
    payloads = [track(userId=str(number), event=f"e{number % 7}", timestamp=f"20{number % 30 + 10}-02-03T00:00:00Z") for number in numbers]
    events = [(Record("f", line, 0, b""), ENGINE.check(orjson.dumps(payload), Endpoint("backfill"))) for line, payload in enumerate(payloads, 1)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statistics, "EXACT", 20)
        whole, merged = Statistics(), Statistics()
        for record, verdict in events:
            whole.saw(record, verdict)
        step = len(events) // parts + 1
        for start in range(0, len(events), step):
            part = Statistics()
            for record, verdict in events[start : start + step]:
                part.saw(record, verdict)
            merged.merge(pickle.loads(pickle.dumps(part)))
        assert (merged.by_kind, merged.by_month, merged.names, merged.first, merged.last) == (
            whole.by_kind,
            whole.by_month,
            whole.names,
            whole.first,
            whole.last,
        )
        assert merged.largest == whole.largest
        assert (merged.users.count, merged.users.is_exact) == (whole.users.count, whole.users.is_exact)
