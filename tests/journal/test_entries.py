"""The record as a list, and what it amounts to: held against a plain reading of the same calls."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

from hypothesis import given, settings
from hypothesis import strategies as st

from mock_june.journal import Journal
from mock_june.journal.entries import Entries
from mock_june.model import Call, Entry, Event, Fault, Filter
from tests.journal.made import AT, call, call_holds, event, event_holds, rules_of, shown, track, violation, warning
from tests.journal.test_search import FILTERS, calls

OF_BODIES = ("body.", "sdk.batch.")


def entry_holds(found: Call, part: Event | None, where: Filter) -> bool:
    """Whether an entry holds a filter: as events do; but a rule of a body, which no event broke, means all that came in it."""
    if any(value is not None for value in (where.kind, where.user_id, where.anonymous_id, where.group_id, where.event)):
        return part is not None and event_holds(part, found, where)
    if not call_holds(found, replace(where, rule=None)):
        return False
    if where.rule is None:
        return True
    of_call = rules_of(found.violations).union(*(rules_of(each.violations + each.warnings) for each in found.events))
    of_body = {rule for rule in of_call if rule.startswith(OF_BODIES)}
    own = {rule for rule in rules_of(part.violations + part.warnings) if not rule.startswith(OF_BODIES)} if part else set()
    return any(fnmatchcase(rule, where.rule) for rule in of_body | own)


@given(made=st.lists(calls(), max_size=10), filters=st.lists(FILTERS, min_size=1, max_size=6), data=st.data())
@settings(max_examples=80)
def test_the_list_has_what_holds_the_filter(made, filters, data):
    """Newest first, from any call down, past any number; each event once, and each call without events; and they are counted as they are listed."""
    with closing(Journal.open(None)) as journal:
        recorded = list(map(shown, journal.record_many(made)))
        upto, after = data.draw(st.integers(0, len(made) + 2)), data.draw(st.integers(0, len(made)))
        skip, limit = data.draw(st.integers(0, 6)), data.draw(st.integers(0, 8))
        for where in filters:
            all_of = [(found, part) for found in reversed(recorded) for part in (reversed(found.events) if found.events else [None])]
            wanted = [(found.id, part and part.id) for found, part in all_of if entry_holds(found, part, where)]
            listed = [(entry.call, entry.event) for entry in journal.entries(where, upto, skip, limit)]
            assert listed == [pair for pair in wanted if pair[0] <= upto][skip:][:limit]
            assert journal.count_entries(where) == len(wanted)
            assert journal.count_entries(where, after, upto) == sum(after < number <= upto for number, _ in wanted)


@given(made=st.lists(calls(), max_size=10), where=FILTERS)
@settings(max_examples=80)
def test_the_overview_counts_what_is_listed(made, where):
    """Calls, events, kinds and rules: each by the filter without what it asks of that very thing."""
    with closing(Journal.open(None)) as journal:
        recorded = list(map(shown, journal.record_many(made)))
        found = journal.overview(where)
        any_way, any_kind, any_rule = replace(where, accepted=None), replace(where, kind=None), replace(where, rule=None)
        good = Counter(each.accepted for each in recorded if call_holds(each, any_way))
        assert found.calls == (good[True], good[False])
        parts = Counter(each.accepted for each in recorded for part in each.events if event_holds(part, each, any_way))
        assert found.events == (parts[True], parts[False])
        kinds = Counter((part.kind, each.accepted) for each in recorded for part in each.events if event_holds(part, each, any_kind))
        assert found.kinds == {kind: (kinds[kind, True], kinds[kind, False]) for kind, _ in kinds}
        assert (found.last, found.entries) == (len(made), journal.count_entries(where))
        broken = Counter(
            rule for each in recorded for part in each.events if event_holds(part, each, any_rule) for rule in rules_of(part.violations + part.warnings)
        )
        assert {rule: count for rule, count in found.rules.items() if not rule.startswith(OF_BODIES)} == {
            rule: count for rule, count in broken.items() if not rule.startswith(OF_BODIES)
        }
        if made:
            assert sum(found.times.accepted) + sum(found.times.rejected) == found.entries
        else:
            assert found.times is None


def test_rules_of_bodies_are_counted_by_calls(journal):
    """One that no event broke counts each call that did."""
    journal.record_many(
        [
            call(violations=(violation("body.json"),), accepted=False),
            call(event({}), event({}), violations=(violation("sdk.batch.type.unknown"),), accepted=False),
        ]
    )
    assert journal.overview(Filter()).rules == {"body.json": 1, "sdk.batch.type.unknown": 1}
    assert [(entry.call, entry.event) for entry in journal.entries(Filter(rule="sdk.batch.*"))] == [(2, 2), (2, 1)]


def test_an_entry_says_what_a_list_shows(journal):
    """The call's outcome, the event's place in it, a glance at its payload and the first finding, of an event its own, else the call's."""
    payload = {"type": "track", "userId": 42, "anonymousId": None, "event": "x" * 300, "groupId": {"a": 1}, "timestamp": "2021", "properties": {}}
    fault = Fault(1, status=503)
    made = call(
        event({"userId": "1"}),
        event(payload, violations=[violation("a"), violation("b")], warnings=[warning("c")]),
        accepted=False,
        fault=fault,
        path="/sdk/batch?x=1",
    )
    journal.record_many([made, call(violations=(violation("body.json"),), violations_total=7, accepted=False), track()])
    good, bare, second, first = journal.entries(Filter())
    assert (good.accepted, good.finding, good.violations, good.place, good.of) == (True, None, 0, 1, 1)
    assert (bare.event, bare.kind, bare.contract, bare.place, bare.of, bare.glance) == (None, None, None, 0, 0, {})
    assert (bare.finding.rule, bare.violations) == ("body.json", 7)
    assert (second.place, second.of, second.path, second.fault) == (2, 2, "/sdk/batch?x=1", fault)
    assert second.glance == {"userId": 42, "anonymousId": None, "event": "x" * 119 + "…", "timestamp": "2021"}
    assert (second.finding.rule, second.violations, second.warnings) == ("a", 2, 1)
    assert (first.finding, first.glance) == (None, {"userId": "1"})


def test_an_entry_is_whole(journal):
    """Each of its members is the call's or the event's own; a path without a query has none."""
    journal.record_many([track(workspace="a", duration_ms=1.5), call(workspace=None, method="PUT", path="/x?", accepted=False, duration_ms=2.5)])
    assert journal.entries(Filter()) == [
        Entry(2, None, AT, None, "PUT", "/x?", 400, "invalid_payload", False, None, 2.5, None, None, 0, 0, {}, None, 0, 0),
        Entry(1, 1, AT, "a", "POST", "/api/track", 200, None, True, None, 1.5, "backfill", "track", 1, 1, {"event": "Registered", "userId": "1"}, None, 0, 0),
    ]


def test_a_rule_of_bodies_and_of_events_at_once(journal):
    """A glob over both finds each event that broke one of its own, and all of a call whose body broke one; so do the counts, call by call."""
    journal.record_many(
        [
            call(event({}, violations=[violation("track.a")]), event({}), accepted=False),
            call(event({}), event({}), violations=(violation("sdk.batch.type"),), accepted=False),
            call(violations=(violation("body.json"),), accepted=False),
            track(),
        ]
    )
    assert [(entry.call, entry.event) for entry in journal.entries(Filter(rule="*"))] == [(3, None), (2, 4), (2, 3), (1, 1)]
    assert [journal.count_entries(Filter(rule=glob)) for glob in ("*", "track.*", "body.*", "[bs]*", "none.*")] == [4, 1, 1, 3, 0]
    with journal._session.snapshot() as connection:
        assert Entries(connection, Filter(rule="*")).counts([(0, 1), (1, 2), (2, 4)]) == [(0, 1), (0, 2), (0, 1)]
        assert Entries(connection, Filter(rule="track.*")).counts([(0, 1), (1, 4), (0, 4)]) == [(0, 1), (0, 0), (0, 1)]
        assert Entries(connection, Filter(kind="track")).counts([(1, 2), (0, 1), (3, 4)]) == [(0, 2), (0, 2), (1, 0)]


def test_rules_come_with_the_commonest_first(journal):
    """Of equally common ones in the order of their ids; those of bodies among them. Where a filter asks one thing of events, only theirs count."""
    journal.record_many(
        [
            call(event({}, violations=[violation("b"), violation("c")]), event({}, violations=[violation("a")], warnings=[warning("b")]), accepted=False),
            *[call(violations=(violation("body.json"),), accepted=False)] * 3,
        ]
    )
    assert list(journal.overview(Filter()).rules.items()) == [("body.json", 3), ("b", 2), ("a", 1), ("c", 1)]
    assert list(journal.overview(Filter(rule="a")).rules.items()) == [("body.json", 3), ("b", 2), ("a", 1), ("c", 1)]
    assert list(journal.overview(Filter(kind="track")).rules.items()) == [("b", 2), ("a", 1), ("c", 1)]
    assert list(journal.overview(Filter(path="/api/*")).rules.items()) == [("body.json", 3), ("b", 2), ("a", 1), ("c", 1)]
    assert journal.overview(Filter(workspace="none")).rules == {}


def test_pages_have_a_hundred(journal):
    """Where nobody says how much, a page of calls, events or entries has a hundred, and a list of workspaces a thousand."""
    journal.record_many([track(workspace=str(number)) for number in range(1001)])
    assert [len(page) for page in (journal.calls(Filter()), journal.events(Filter()), journal.entries(Filter()), journal.workspaces())] == [100, 100, 100, 1000]


def test_what_a_glance_reads(journal):
    """A payload of 32 KiB is read whole, wherever it stands in its body; one byte more, and only what is indexed is shown."""
    at_most = {"userId": "1", "name": "n", "text": "x" * (32 * 1024 - len(b'{"userId":"1","name":"n","text":""}'))}
    one_more = {**at_most, "text": at_most["text"] + "x"}
    journal.record_many(
        [call(event(one_more)), call(event({}), event({"name": "far"})), call(event(one_more), event({"name": "farther"})), call(event(at_most))]
    )
    assert [entry.glance for entry in journal.entries(Filter())] == [
        {"userId": "1", "name": "n"},
        {"name": "farther"},
        {"userId": "1"},
        {"name": "far"},
        {},
        {"userId": "1"},
    ]


def test_a_glance_at_what_only_looks_like_an_object(journal):
    """A payload that is an array of names, or one of them, has no members to show."""
    journal.record_many([call(event(["userId"])), call(event("userId"))])
    assert [entry.glance for entry in journal.entries(Filter())] == [{}, {}]


def test_a_glance_reads_little_of_a_long_payload(journal):
    """Of one beyond 32 KiB, what is indexed is shown; one that is no object, or no JSON at all, has none."""
    journal.record_many([call(event({"userId": "1", "name": "n", "text": "x" * 40_000})), call(event([1]))])
    broken = track()
    journal.record_many([replace(broken, body=b"\xff" * len(broken.body))])
    assert [entry.glance for entry in journal.entries(Filter())] == [{}, {}, {"userId": "1"}]


def test_times_are_stretches_of_the_last_hour(journal):
    """Up to the newest call, in at most 60 stretches of so many seconds as that takes; ids that went leave no hole."""
    moments = ["10:00:00.000", "12:30:00.000", "12:30:00.500", "12:30:59.999", "12:50:00.000"]
    journal.record_many([track(workspace=str(number), accepted=number != 1) for number in range(2)])
    journal.delete("0")
    journal.delete("1")
    made = [replace(track(accepted=number % 2 == 0), at=f"2026-01-31T{moment}Z") for number, moment in enumerate(moments)]
    journal.record_many(made)
    times = journal.overview(Filter()).times
    assert (times.start, times.step, len(times.accepted)) == ("2026-01-31T11:52:00.000Z", 60, 59)
    assert sum(times.accepted) + sum(times.rejected) == 4
    assert (times.rejected[38], times.accepted[38], times.accepted[58]) == (2, 1, 1)
    journal.delete(None)
    journal.record_many(made[1:4])
    times = journal.overview(Filter()).times
    assert (times.start, times.step) == ("2026-01-31T12:30:00.000Z", 2)
    assert times.accepted[0] + times.rejected[0] == 2
    journal.record_many([replace(made[0], at="2026-01-31T12:00:00.000Z")])  # the clock went back: by ids it is the newest, and its hour is empty
    assert sum(journal.overview(Filter()).times.accepted) <= 4


def test_the_edges_of_stretches(journal):
    """A stretch begins with its first moment; as many seconds as sixty stretches have are too many for them; what came before the first has no place."""

    def times(*seconds: float) -> tuple[str, int, list[int]]:
        journal.delete(None)
        moments = [(datetime(2026, 1, 31, 12, tzinfo=UTC) + timedelta(seconds=each)).isoformat(timespec="milliseconds") for each in seconds]
        journal.record_many([replace(track(), at=moment.replace("+00:00", "Z")) for moment in moments])
        found = journal.overview(Filter()).times
        return found.start, found.step, [place for place, count in enumerate(found.accepted) for _ in range(count)]

    assert times(0, 1, 1.999, 2, 3) == ("2026-01-31T12:00:00.000Z", 1, [0, 1, 1, 2, 3])
    assert times(0.5, 57.4, 58.9) == ("2026-01-31T12:00:00.000Z", 1, [0, 57, 58])
    assert times(0, 58.999) == ("2026-01-31T12:00:00.000Z", 1, [0, 58])
    assert times(0, 59) == ("2026-01-31T12:00:00.000Z", 2, [0, 29])
    assert times(1, 60) == ("2026-01-31T12:00:00.000Z", 2, [0, 30])
    assert times(0, 100, 5000, 5001) == ("2026-01-31T12:25:00.000Z", 60, [58, 58])


def test_workspaces_come_with_their_counts(journal):
    """The one with the newest call first; calls of none are not among them."""
    journal.record_many([track(workspace="a"), track(workspace="b", accepted=False), call(event({}), event({}), workspace="a"), track(workspace=None)])
    assert [tuple(each)[:4] for each in journal.workspaces()] == [("a", 2, 3, 0), ("b", 1, 1, 1)]
    assert [each.workspace for each in journal.workspaces(1)] == ["a"]


def test_one_event_and_one_call_without_its_weight(journal):
    """By their ids, within a workspace or any; None where there is none."""
    (recorded,) = map(shown, journal.record_many([call(event({"userId": "1"}), event({"userId": "2"}), workspace="a")]))
    assert journal.event(1) == recorded.events[0]
    assert journal.event(2) == journal.event(2, "a") == recorded.events[1]
    assert [journal.event(number, workspace) for number, workspace in ((2, "b"), (3, None), (0, None), (2**63, None))] == [None] * 4
    brief, size, events = journal.brief(1)
    assert (brief, size, events) == (replace(recorded, body=b"", events=()), len(recorded.body), 2)
    assert journal.body(1, "a") == recorded.body
    assert [journal.brief(1, "b"), journal.brief(2), journal.brief(2**63), journal.body(1, "b"), journal.body(2), journal.body(-1)] == [None] * 6


def test_no_spans_have_no_counts(journal):
    """Where no span is asked about, there is nothing to count."""
    journal.record(track())
    with journal._session.snapshot() as connection:
        assert Entries(connection, Filter()).counts([]) == []
