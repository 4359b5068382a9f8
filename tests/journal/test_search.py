from __future__ import annotations

import hashlib
import re
import time
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_june.errors import UsageError
from mock_june.journal import Journal, search
from mock_june.model import Call, Filter
from tests.journal.made import call, call_holds, event, event_holds, shown, track, violation, warning

LONG = "x" * 300
IDS = st.sampled_from(["1", "2", "", "é", "\x00", "1\x00", LONG + "a", LONG + "b"])
NO_STRINGS: st.SearchStrategy[object] = st.sampled_from([None, 1, True, [], {"a": "1"}])
WORKSPACES = st.sampled_from(["a", "b", None])
KINDS = st.sampled_from(["track", "group", "identify"])
PATHS = st.sampled_from(["/api/track", "/api/track?a=1", "/api/group", "/sdk/batch", "/odd[1]", ""])
RULES = ["track.userId.required", "track.userId.blank", "group.traits.type", "body.json"]
GLOBS = st.sampled_from([*RULES, "*", "track.*", "*.type", "*.userId.?????", "[!t]*", "none.*", ""])
PATH_GLOBS = st.sampled_from(["/api/track", "/api/*", "*", "/odd[1]", "/odd[[]1]", "/???/*", "", "/api/track?a=1", "/none", "*[", "[z-a]"])


@st.composite
def payloads(draw) -> object:
    """A payload, now and then none that has members."""
    members = {name: draw(IDS | NO_STRINGS) for name in ("userId", "anonymousId", "groupId", "event") if draw(st.booleans())}
    return draw(st.just(members) | st.just(members) | NO_STRINGS)


@st.composite
def calls(draw) -> Call:
    """A call of up to three events, with rules broken and warned by, of events and of the call alone."""
    some = st.lists(st.sampled_from(RULES), max_size=2)
    events = draw(
        st.lists(
            st.builds(event, payloads(), KINDS, st.builds(lambda names: list(map(violation, names)), some), some.map(lambda names: list(map(warning, names)))),
            max_size=3,
        )
    )
    return call(*events, workspace=draw(WORKSPACES), path=draw(PATHS), accepted=draw(st.booleans()), violations=tuple(map(violation, draw(some))))


FILTERS = st.builds(
    Filter,
    workspace=st.none() | WORKSPACES | st.just("nobody"),
    kind=st.none() | KINDS | st.just("no kind"),
    accepted=st.none() | st.booleans(),
    rule=st.none() | GLOBS,
    user_id=st.none() | IDS | st.just("\ud800"),
    anonymous_id=st.none() | IDS,
    group_id=st.none() | IDS,
    event=st.none() | IDS,
    path=st.none() | PATH_GLOBS,
)


@pytest.mark.parametrize("steps", [(256, 4096, 32_768), (2, 5), ()], ids=["as it is", "few are common", "all are common"])
@given(made=st.lists(calls(), max_size=12), filters=st.lists(FILTERS, min_size=1, max_size=8), data=st.data())
@settings(max_examples=60)
def test_every_filter_means_what_it_says(steps, made, filters, data):
    """Any filter, from any cursor, gives the calls and events that a plain reading of its words gives, in order, and counts them; whichever way is taken."""
    before = search.STEPS, search.SORTABLE
    search.STEPS, search.SORTABLE = steps, 3 if len(steps) == 2 else 4096
    try:
        with closing(Journal.open(None)) as journal:
            recorded = list(map(shown, journal.record_many(made)))
            after, most = data.draw(st.integers(0, len(made) * 2)), data.draw(st.integers(0, 8))
            for where in filters:
                wanted = [found for found in recorded if found.id > after and call_holds(found, where)]
                assert journal.calls(where, after, most) == wanted[:most]
                assert (journal.count_calls(where, after), journal.count_calls(where, after, most)) == (len(wanted), min(len(wanted), most))
                parts = [each for found in recorded for each in found.events if each.id > after and event_holds(each, found, where)]
                assert journal.events(where, after, most) == parts[:most]
                assert (journal.count_events(where, after), journal.count_events(where, after, most)) == (len(parts), min(len(parts), most))
    finally:
        search.STEPS, search.SORTABLE = before


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_pages(journal, limit):
    """Page after page, each from the last one's last id, gives every match once, in order."""
    journal.record_many([call(*[event({"userId": str(n % 2)})] * (n % 4), workspace=str(n % 3)) for n in range(30)])
    for read, where in (
        (journal.calls, Filter(workspace="1")),
        (journal.calls, Filter(user_id="1")),
        (journal.events, Filter(user_id="1", workspace="2")),
        (journal.events, Filter()),
    ):
        pages, after = [], 0
        while page := read(where, after, limit):
            pages += page
            after = page[-1].id
        assert pages == read(where, 0, 1000)
        assert len({found.id for found in pages}) == len(pages) > 0


def test_numbers_of_any_size(journal):
    """Cursors and limits below 0 count as 0, and beyond 64 bits as the end; none is an error."""
    journal.record_many([track()] * 3)
    everything = Filter()
    assert [len(journal.calls(everything, after, limit)) for after, limit in ((-5, 2), (0, -1), (0, 0), (1, 10**30), (10**30, 5))] == [2, 0, 0, 2, 0]
    assert [journal.count_events(everything, after, most) for after, most in ((-5, 2), (0, -1), (2, 10**30), (10**30, 5))] == [2, 0, 1, 0]
    assert journal.count_calls(Filter(user_id="1"), 10**30) == 0


@pytest.mark.parametrize(
    "where", [Filter(path="*a" * 40 + "b"), Filter(rule="*a" * 40 + "b"), Filter(rule="[" * 500), Filter(path="*" * 1000), Filter(rule="?" * 1000)]
)
def test_globs_of_many_stars(journal, where):
    """A glob made to be slow is not (threats R4)."""
    journal.record_many([call(event({}, violations=[violation("a" * 2000 + str(n))]), path="/" + "a" * 2000 + str(n)) for n in range(20)])
    begun = time.process_time()
    journal.count_calls(where)
    journal.events(where)
    assert time.process_time() - begun < 1


def test_globs_too_costly(journal, monkeypatch):
    """A glob of more than 1,000 characters, or over too many different paths, is refused with the way out; a path in full is always found."""
    with pytest.raises(UsageError, match="at most 1000"):
        journal.calls(Filter(rule="*" * 1001))
    monkeypatch.setattr(search, "MOST_PATHS", 5)
    journal.record_many([track(path=f"/{n}") for n in range(5)])
    assert journal.count_events(Filter(path="/*")) == 5
    journal.record(track(path="/5"))
    with pytest.raises(UsageError, match="without a glob"):
        journal.events(Filter(path="/*"))
    assert journal.count_calls(Filter(path="/3")) == 1
    assert journal.count_calls(Filter(rule="*")) == 0


def test_long_ids(journal):
    """Ids of any length are told apart, and none of them makes the tables that are searched long."""
    ids = ["x" * 100_000 + str(n) for n in range(300)]
    journal.record_many([track(name) for name in ids])
    assert [journal.count_events(Filter(user_id=name)) for name in ids] == [1] * 300
    assert journal._session.writer.value("SELECT max(length(user_id)) FROM event") <= 200


SINGLE = [
    Filter(workspace="a"),
    Filter(kind="track"),
    Filter(accepted=False),
    Filter(rule="track.userId.required"),
    Filter(rule="track.userId.*"),
    Filter(user_id="1"),
    Filter(anonymous_id="1"),
    Filter(group_id="1"),
    Filter(event="1"),
    Filter(path="/api/track"),
    Filter(path="/api/*"),
]


@pytest.mark.parametrize("where", SINGLE, ids=repr)
@pytest.mark.parametrize("result", ["call", "event"])
def test_each_filter_has_its_index(journal, where, result):
    """No filter alone passes over a table, nor touches the bodies."""
    rules = [violation("track.userId.required"), violation("track.userId.type")]
    journal.record_many(
        [
            call(event(dict.fromkeys(("userId", "anonymousId", "groupId", "event"), "1"), violations=rules), workspace="a", path=path, accepted=False)
            for path in ("/api/track", "/api/group")
        ]
    )
    plan = _steps(journal, result, where)
    assert re.match("SEARCH .* INDEX ", plan[0])
    assert "content" not in "".join(plan)
    assert not [step for step in plan if step.startswith("SCAN") and "json_each" not in step]


@pytest.mark.parametrize(
    ("result", "where"), [("event", Filter(rule="*")), ("call", Filter(rule="*")), ("event", Filter(path="*")), ("call", Filter(kind="track", path="*"))]
)
def test_a_scan_goes_in_order(journal, monkeypatch, result, where):
    """Where what is asked for is common, rows are passed in the order of the answer, none is sorted: a page costs what a page holds."""
    monkeypatch.setattr(search, "STEPS", ())
    rules = [violation("track.userId.required"), violation("track.userId.type")]
    journal.record_many([call(event({}, violations=rules), path=path) for path in ("/api/track", "/api/group")])
    steps = _steps(journal, result, where)
    assert "PRIMARY KEY" in steps[0]
    assert not [step for step in steps if "ORDER BY" in step]


def _steps(journal: Journal, result: search.Result, where: Filter) -> list[str]:
    """How SQLite goes about a page."""
    with journal._session.snapshot() as connection:
        looking = search._Search.of(connection, result, where, 0)
        assert looking is not None
        way = looking.way()
        return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {looking.select(way)} ORDER BY {way.key} LIMIT ?", (*looking.values(way), 100))]


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 100], ids=["1 event a call", "100 events a call"])
def test_a_million_events(path, size):
    """Over a million events each filter alone answers in milliseconds, and two common values that never meet in a third of a second."""
    with closing(Journal.open(path, max_calls=10**7)) as journal:
        for begin in range(0, 1_000_000, 5000):
            journal.record_many([_million(range(n, n + size)) for n in range(begin, begin + 5000, size)])
        for where in (
            *SINGLE,
            Filter(),
            Filter(user_id="u77"),
            Filter(event="rare"),
            Filter(path="/rare"),
            Filter(rule="rare.*"),
            Filter(workspace="rare"),
            Filter(rule="*"),
        ):
            for ask in (
                lambda where=where: journal.events(where, 900_000),
                lambda where=where: journal.count_calls(where, 0, 100),
                lambda where=where: journal.count_events(where, 0, 100),
            ):
                assert _quickest(ask) < 0.02, where
        never = Filter(event="odd", group_id="even")
        assert journal.count_events(never) == 0
        assert _quickest(lambda: journal.events(never)) < 0.3


def _million(numbers: range) -> Call:
    first = numbers[0]
    rules = [violation("rare.rule" if first % 250_000 == 0 else f"track.userId.{'required' if first % 3 else 'type'}")] if first % 10 == 0 else []
    events = [
        event(
            {
                "userId": f"u{n % 99_991}" if n % 2 else "1",
                ("groupId" if n % 2 else "anonymousId"): "1",
                ("event" if n % 2 else "groupId"): "odd" if n % 2 else "even",
            },
            "track" if n % 4 else "group",
            rules,
        )
        for n in numbers
    ]
    rare = first % 200_000 == 0
    return call(
        *events,
        *([event({"event": "rare"})] if rare else []),
        workspace="rare" if rare else "a",
        path="/rare" if rare else ("/api/track", "/api/group")[first % 2],
        accepted=not rules,
    )


def _quickest(ask) -> float:
    """Seconds, of three tries."""
    took = []
    for _ in range(3):
        begun = time.process_time()
        ask()
        took.append(time.process_time() - begun)
    return min(took)


def test_a_rare_rule_beside_a_common_id(journal):
    """Calls that are found by a rule of theirs, and then held to what an event of theirs must be: all of it by one event or the call."""
    recorded = journal.record_many([track("1", violations=(violation("r.9"),) if number == 30 else ()) for number in range(60)])
    assert journal.calls(Filter(rule="r.9", user_id="1")) == [shown(recorded[30])]
    assert journal.calls(Filter(rule="r.9", user_id="2")) == []


@pytest.mark.parametrize(("name", "asked"), [("userId", "user_id"), ("anonymousId", "anonymous_id"), ("groupId", "group_id"), ("event", "event")])
def test_each_id_by_its_own_name(journal, name, asked):
    """An event is found by what its own member of that name says, where that is a String, and by no other's."""
    others = {other: "it" for other in ("userId", "anonymousId", "groupId", "event", "name") if other != name}
    journal.record_many([call(event({name: "it"})), call(event(others)), call(event({name: 1})), call(event({name: None, "traits": {name: "it"}}))])
    where: Any = {asked: "it"}
    assert [found.id for found in journal.events(Filter(**where))] == [1]
    assert [found.id for found in journal.calls(Filter(**where))] == [1]


def test_how_long_ids_stand_in_the_tables(journal):
    """An id of up to 200 characters as it is, a longer one as a digest of 16 bytes."""
    at_most, longer = "é" * 200, "é" * 201
    journal.record_many([track(at_most), track(longer)])
    with journal._session.snapshot() as connection:
        stored = [text for (text,) in connection.execute("SELECT user_id FROM event ORDER BY id")]
    assert stored == [at_most, hashlib.blake2b(longer.encode(), digest_size=16).digest()]


def test_a_rare_rule_beside_a_common_kind(journal):
    """Events that are found by a rule of theirs, and then held to what else is asked of them, each once, though a glob finds it by two rules."""
    wrong = event({"userId": "1"}, violations=[violation("track.a"), violation("track.b")])
    journal.record_many([call(event({}), wrong) if number in {7, 290} else track() for number in range(300)])
    journal.record(call(replace(wrong, kind="identify")))
    found = journal.events(Filter(rule="track.a", kind="track"))
    assert [(each.call, bytes(each.payload)) for each in found] == [(8, b'{"userId":"1"}'), (291, b'{"userId":"1"}')]
    assert journal.events(Filter(rule="track.*", kind="track", user_id="1")) == found
    assert journal.count_events(Filter(rule="track.?", kind="track")) == 2
    assert journal.events(Filter(rule="track.a", kind="track"), after=found[0].id) == found[1:]


@pytest.mark.parametrize("name", ["workspace", "kind", "user_id", "path", "rule"])
def test_what_is_no_text_of_json(journal, name):
    """A lone surrogate can be on no record: it is asked for, and nothing is found."""
    journal.record(call(event({"userId": "1"}, violations=[violation("track.a")])))
    where: Any = {name: "\ud800"}
    assert (journal.calls(Filter(**where)), journal.count_events(Filter(**where))) == ([], 0)


def test_a_scan_of_rules(journal, monkeypatch):
    """Where a glob's rules are common, their table is passed over: each event that broke one is found once, those beyond the cursor, and no other."""
    monkeypatch.setattr(search, "STEPS", ())
    wrong = [violation("track.a"), violation("track.b")]
    journal.record_many([call(event({}, violations=found)) for found in (wrong, [violation("group.a")], wrong[:1], [], wrong[1:])])
    for ask in (journal.events, journal.calls):
        assert [each.id for each in ask(Filter(rule="track.*"))] == [1, 3, 5]
        assert [each.id for each in ask(Filter(rule="track.*"), after=1)] == [3, 5]
    assert (journal.count_events(Filter(rule="track.*")), journal.count_calls(Filter(rule="track.*"), 3)) == (3, 1)


@pytest.mark.parametrize("empty", [0, 5])
def test_a_scan_begins_at_the_first_row(journal, monkeypatch, empty):
    """Where all that is asked for is common, the first event is passed too, be its call the first one or one behind calls without events."""
    monkeypatch.setattr(search, "STEPS", ())
    wrong = call(event({}, violations=[violation("track.a")]))
    recorded = journal.record_many([*[call()] * empty, wrong, wrong])
    where = Filter(rule="track.a", kind="track")
    assert journal.calls(where) == [shown(each) for each in recorded[empty:]]
    assert [each.id for each in journal.events(where)] == [1, 2]
