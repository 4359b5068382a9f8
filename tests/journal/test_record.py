from __future__ import annotations

import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import orjson
import pytest

from mock_june.errors import JournalError, JournalUnwritableError, UsageError
from mock_june.journal import Journal
from mock_june.model import ApiKey, Fault, Filter, Raw, Totals
from tests.journal.made import AT, call, event, shown, track, violation, warning


def test_ids(journal):
    """A recorded call comes back with its id set, and so do its events, which name the call."""
    first, second = journal.record(track()), journal.record(call(event({"a": 1}), event({"a": 2})))
    assert (first.id, second.id) == (1, 2)
    assert [(each.id, each.call) for each in (*first.events, *second.events)] == [(1, 1), (2, 2), (3, 2)]
    assert (journal.first_id, journal.last_id, journal.last_event_id) == (1, 2, 3)


def test_a_call_reads_back_as_it_was(journal):
    """All of a call is kept: headers in order and twice, odd bytes, the query, the fault, the answer, the violations of call and events."""
    fault = Fault(id=7, workspace="w", status=503, times=2, retry_after=1, struck=1)
    broken = violation("track.userId.required")
    given = call(
        event({"type": "track"}, "track", [broken], [warning("track.event.blank")]),
        event({"type": "group", "groupId": "é"}, "group"),
        path="/api/track?x=1&y=é?",
        accepted=False,
        fault=fault,
        violations=(broken.below("/batch/0"), violation("sdk.batch.batch.maxItems", "/batch")),
        violations_total=250,
        answer=b'{"status":400}',
        duration_ms=1.25,
    )
    recorded = journal.record(given)
    assert recorded == replace(given, id=1, events=recorded.events)
    assert journal.call(1) == shown(recorded)
    assert journal.calls(Filter()) == [shown(recorded)]
    assert journal.events(Filter()) == list(shown(recorded).events)


@pytest.mark.parametrize("target", ["", "/", "/api/track?", "/a?b?c", "/p\x00q", "/\U0001f600"])
def test_paths(journal, target):
    """A path reads back as it came, with a query, an empty one or none, and is found by what stands before that."""
    journal.record(track(path=target))
    assert journal.call(1).path == target
    assert journal.count_calls(Filter(path=target.partition("?")[0])) == 1


@pytest.mark.parametrize("body", [b"", b"\xff\x00\xfe", b"{" * 1000, bytes(100_000)])
def test_bodies_are_bytes(journal, body):
    """A body is kept to the byte, be it JSON or not; a call without events, a header, an answer or a workspace is a call."""
    journal.record(call(workspace=None, body=body, headers=(), status=401, code="unauthorized"))
    found = journal.call(1)
    assert (found.body, found.workspace, found.events, found.headers, found.answer) == (body, None, (), (), b"")


def test_payloads_are_the_bytes_that_came(journal):
    """An event's payload is the piece of the body where it stands, white space, order and doubled names and all."""
    body = b'{"batch": [{"b":1 , "a":1e2,"b":2}]}'
    given = call(replace(event({"b": 2, "a": 100.0}), span=(11, 34)))
    journal.record(replace(given, body=body, events=(replace(given.events[0], span=(11, 34)),)))
    [found] = journal.events(Filter())
    assert found.payload == Raw(b'{"b":1 , "a":1e2,"b":2}')
    assert isinstance(found.payload, Raw)


def test_without_a_span_the_payload_is_the_body(journal):
    """An event that does not say where it stands is the whole body."""
    body = b'{"userId":"1"}'
    recorded = journal.record(replace(track(), body=body, events=(replace(event({"userId": "1"}), span=None),)))
    assert recorded.events[0].span == (0, len(body))
    found = journal.events(Filter(user_id="1"))[0]
    assert (found.payload, found.span) == (body, (0, len(body)))


def test_raw_payloads_are_searched(journal):
    """An event whose payload was never parsed is found by its ids all the same; one that is no JSON is recorded too."""
    text, odd = Raw(b'{"userId":"u","event":"E"}'), Raw(b"{nope")
    journal.record(replace(track(), body=text, events=(replace(event(text), span=None),)))
    journal.record(replace(track(), body=odd, events=(replace(event(odd), span=None),)))
    assert [found.payload for found in journal.events(Filter(user_id="u", event="E"))] == [text]
    assert journal.count_events(Filter()) == 2


def test_an_event_is_of_its_call(journal):
    """Time, workspace and acceptance of an event are its call's."""
    given = track(accepted=False, workspace="other")
    for found in (journal.record(given).events[0], journal.events(Filter())[0]):
        assert (found.at, found.workspace, found.accepted) == (AT, "other", False)


def test_committed_when_it_returns(journal, path):
    """Another process sees a call as soon as record has returned."""
    journal.record(track())
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as other:
        assert other.execute("SELECT count(*) FROM call").fetchone() == (1,)


def test_all_or_none(journal):
    """Of calls recorded together none is on record when one cannot be, and the journal goes on."""
    bad = track(method="\ud800")
    with pytest.raises(UnicodeEncodeError):
        journal.record_many([track(), bad])
    assert (journal.count_calls(Filter()), journal.totals(None)) == (0, Totals())
    assert journal.record(track()).id == 1


def test_many(journal):
    """Calls recorded together have ids in their order; of no calls, nothing is recorded."""
    assert [recorded.id for recorded in journal.record_many([track(str(n)) for n in range(5)])] == [1, 2, 3, 4, 5]
    assert journal.record_many([]) == []


def test_listeners(journal):
    """Each listener is called after a commit, when the call can be read already; also after a deletion."""
    seen: list[int] = []
    listener = lambda: seen.append(journal.count_calls(Filter()))  # noqa: E731
    journal.listeners.add(listener)
    journal.record(track())
    journal.record_many([track(), track()])
    journal.delete(None)
    journal.listeners.discard(listener)
    journal.record(track())
    assert seen == [1, 3, 0]


def test_one_call(journal):
    """A call is asked for by its id, within a workspace or not; what is not there is None, whatever the number."""
    journal.record(track(workspace="a"))
    assert journal.call(1).id == journal.call(1, "a").id == 1
    assert [journal.call(1, "b"), journal.call(2), journal.call(0), journal.call(-1), journal.call(2**63), journal.call(10**30)] == [None] * 6


def test_totals(path):
    """Calls, events and rejected calls are counted, over all and by workspace; they are the same after opening again."""
    with closing(Journal.open(path)) as journal:
        journal.record_many(
            [track(workspace="a"), call(workspace="a", accepted=False), call(event({}), event({}), workspace="b"), call(workspace=None, accepted=False)]
        )
        expected = {None: Totals(4, 3, 2), "a": Totals(2, 1, 1), "b": Totals(1, 2, 0), "nobody": Totals()}
        assert {workspace: journal.totals(workspace) for workspace in expected} == expected
    with closing(Journal.open(path)) as journal:
        assert {workspace: journal.totals(workspace) for workspace in expected} == expected
        journal.record(track(workspace="a"))
        assert (journal.totals("a"), journal.totals("b")) == (Totals(3, 2, 1), Totals(1, 2, 0))


def test_totals_of_many_workspaces(path, monkeypatch):
    """The counts of more workspaces than are kept at hand are right all the same, and no more are kept."""
    monkeypatch.setattr("mock_june.journal.tally.MOST_WORKSPACES", 3)
    with closing(Journal.open(path)) as journal:
        for n in range(10):
            journal.record_many([track(workspace=f"w{n}")] * (n + 1))
        assert [journal.totals(f"w{n}").calls for n in range(10)] == list(range(1, 11))
        journal.record(track(workspace="w0"))
        assert journal.totals("w0") == Totals(2, 2, 0)
        assert len(journal._session.tally._workspaces) <= 3


def test_delete_a_workspace(journal, monkeypatch):
    """Deleting takes one workspace's calls and nothing else, says how many, and leaves no row behind that was theirs."""
    monkeypatch.setattr("mock_june.journal.store.CHUNK", 2)
    bad = [violation("track.userId.required")]
    for workspace in ("a", "b", None) * 5:
        journal.record(call(event({"userId": "1"}, violations=bad), workspace=workspace, path=f"/{workspace}", accepted=False, violations=bad))
    assert (journal.delete("a"), journal.delete("a"), journal.delete("nobody")) == (5, 0, 0)
    assert {found.workspace for found in journal.calls(Filter())} == {"b", None}
    assert journal.totals(None) == Totals(10, 10, 10)
    assert journal.delete("b") == 5
    counts = [journal._session.writer.value(f"SELECT count(*) FROM {table}") for table in ("call", "content", "event", "finding", "event_rule", "call_rule")]
    assert counts == [5] * 6
    assert journal._session.writer.value("SELECT group_concat(text) FROM word WHERE sort IN ('path', 'workspace')") == "/None"


@pytest.mark.parametrize("workspace", [None, "w"])
def test_delete_all(journal, workspace):
    """Deleting all, or the one workspace that is all there is, empties every table; what is recorded afterwards is found again."""
    journal.record_many([call(event({"userId": "1"}, violations=[violation("r.u.le")]), accepted=False)] * 7)
    assert (journal.delete(workspace), journal.delete(workspace)) == (7, 0)
    tables = ("call", "content", "event", "finding", "event_rule", "call_rule", "word")
    assert [journal._session.writer.value(f"SELECT count(*) FROM {table}") for table in tables] == [0] * 7
    assert (journal.totals(None), journal.totals("w")) == (Totals(), Totals())
    journal.record(call(event({"userId": "1"}, violations=[violation("r.u.le")])))
    assert (journal.count_events(Filter(rule="r.*", workspace="w")), journal.totals("w")) == (1, Totals(1, 1, 0))


def test_ids_are_never_used_again(path):
    """Ids go on growing after deletions of the last call and of all, also over a new opening."""
    with closing(Journal.open(path)) as journal:
        journal.record_many([track(workspace="a"), track(workspace="b")])
        journal.delete("b")
        assert journal.record(track()).id == 3
        journal.delete(None)
        assert (journal.first_id, journal.last_id, journal.last_event_id) == (4, 3, 3)
    with closing(Journal.open(path)) as journal:
        recorded = journal.record(track())
        assert (recorded.id, recorded.events[0].id) == (4, 4)


def test_workspaces(path):
    """A key's workspace is stable in its journal, another for another key, differs between journals, and shows no more of the key than its head."""
    keys = [ApiKey("s3cret-key-of-mine"), ApiKey("s3cret-key-of-yours"), ApiKey("short"), ApiKey("\udce9")]
    with closing(Journal.open(path)) as journal:
        names = [journal.workspace(key) for key in keys]
        journal.record(track(workspace=names[0]))
    with closing(Journal.open(path)) as journal, closing(Journal.open(None)) as other:
        assert [journal.workspace(key) for key in keys] == names
        assert len({*names, *map(other.workspace, keys)}) == 8
    assert names[0].startswith("s3cr…")
    assert (names[2][0], len(names[2])) == ("…", 11)
    assert b"s3cret" not in path.read_bytes()


def test_rules_hash(path):
    """The hash of the rules in force is stamped on the journal; one that is opened without keeps its stamp."""
    Journal.open(path, rules_hash="0123456789abcdef").close()
    with closing(Journal.open(path)) as journal:
        assert journal.rules_hash == "0123456789abcdef"
    with closing(Journal.open(path, rules_hash="fedcba9876543210")) as journal:
        assert journal.rules_hash == "fedcba9876543210"


def test_without_a_stamp(journal):
    """A journal that nobody stamped has no hash of rules."""
    assert journal.rules_hash == ""


def test_each_journal_has_an_id(path):
    """It stays the same over openings, and is no other journal's: an id of a call is one of a journal."""
    with closing(Journal.open(path)) as journal, closing(Journal.open(None)) as other:
        known = journal.id
        assert re.fullmatch("[0-9a-f]{16}", known)
        assert other.id != known
    with closing(Journal.open(path)) as journal:
        assert journal.id == known


def test_limits_that_make_no_sense(path):
    """A journal that may keep no call is refused before there is a file."""
    with pytest.raises(UsageError, match="at least 1"):
        Journal.open(path, max_calls=0)
    assert not path.exists()


def test_closed(path):
    """A closed journal says so, to reader and writer; closing twice is closing once."""
    journal = Journal.open(path)
    journal.close()
    journal.close()
    for use in (lambda: journal.record(track()), lambda: journal.calls(Filter()), lambda: journal.totals("w"), lambda: journal.delete(None)):
        with pytest.raises(JournalError, match="closed") as caught:
            use()
        assert caught.value.path == str(path)
        assert not isinstance(caught.value, JournalUnwritableError)


def test_nothing_is_dumped_again(journal):
    """A payload deeper than orjson can write is kept and given back."""
    deep = b'{"userId":"1","traits":' + b"[" * 1000 + b"]" * 1000 + b"}"
    journal.record(replace(track(), body=deep, events=(replace(event(orjson.loads(deep)), span=(0, len(deep))),)))
    assert journal.events(Filter(user_id="1"))[0].payload == deep


def test_readers_go_from_thread_to_thread(journal):
    """A connection that one thread read by serves another, and is closed by a third."""
    journal.record(track())
    with ThreadPoolExecutor(1) as other:
        assert other.submit(journal.count_calls, Filter()).result() == 1
    [idle] = journal._session._readers.connections()
    assert journal.count_calls(Filter()) == 1
    assert journal._session._readers.connections() == [idle]
