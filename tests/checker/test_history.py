"""mock_june.checker.history: what no single payload shows."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_june.checker.history.cases import MOST
from mock_june.checker.history.glance import extract
from mock_june.checker.history.rules import History
from mock_june.checker.report import Record
from mock_june.contract import Engine
from mock_june.contract.rules import HISTORY_RULES
from mock_june.errors import UsageError
from mock_june.model import Endpoint
from tests.contract.schema_files import text_of

ENGINE = Engine()
NOW = "2026-01-01T00:00:00Z"
START = datetime(2025, 3, 3, 7, 11, 13, tzinfo=UTC)


def glances(payloads, *, file="a.jsonl", contract="backfill"):
    for line, payload in enumerate(payloads, 1):
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        for event in ENGINE.check(body, Endpoint(contract)).events:
            yield extract(Record(file, line, 100 * line, body), event)


def history(payloads, *, contract="backfill", **options):
    """The findings about some payloads of one file, or of files by their names."""
    looking = History(**{"now": NOW, **options})
    try:
        for file, some in payloads.items() if isinstance(payloads, dict) else [("a.jsonl", payloads)]:
            for glance in glances(some, file=file, contract=contract):
                looking.take(glance)
        return list(looking.findings())
    finally:
        looking.close()


def told(findings, rule):
    return [(each.line, each.violation.pointer, each.violation.message) for each in findings if each.violation.rule == f"history.{rule}"]


def rules(findings):
    return {each.violation.rule.removeprefix("history.") for each in findings}


def track(user="1", at=START, **more):
    stamp = at if isinstance(at, str) else at.isoformat()
    return {"type": "track", "event": "Signed In", "userId": user, "email": f"u{user}@example.com", "timestamp": stamp, **more}


def identify(user="1", **more):
    return {"type": "identify", "userId": user, "traits": {"email": f"u{user}@example.com"}, **more}


def test_a_good_run():
    """Of identified users whose events come once, in order, by day and by night, there is nothing to say."""
    users = [str(user) for user in range(50)]
    events = [track(users[hour % 50], START + timedelta(hours=hour), messageId=f"m-{hour}") for hour in range(1000)]
    groups = [{"type": "group", "groupId": "A", "userId": "1", "traits": {"name": "Example"}}]
    assert history([*map(identify, users), *groups, *events]) == []


def test_duplicate_message():
    """A `messageId` that comes again is told where it comes last, with how often, and where it came first."""
    events = [track(at=START + timedelta(hours=hour), messageId=name) for hour, name in enumerate(["a", "b", "a", "c", "b", "a"])]
    assert told(history([identify(), *events]), "duplicate-message") == [
        (6, "/messageId", "messageId came before: this is the second, and the first is at a.jsonl:3"),
        (7, "/messageId", "messageId came before: this is the last of 3, and the first is at a.jsonl:2"),
    ]
    assert "duplicate-event" not in rules(history([identify(), *events]))


def test_duplicate_event():
    """An event that comes again whole is told, in whatever order and spacing its members stand; another value or type of one makes another event."""
    event = track(properties={"a": 1, "b": 2})
    turned = json.dumps(dict(reversed(event.items())), indent=2).encode()
    others = [{**event, "properties": properties} for properties in ({"a": 1, "b": 3}, {"a": "1", "b": 2}, {"a": 1.5, "b": 2}, {"a": True, "b": 2})]
    assert told(history([identify(), event, *others, turned]), "duplicate-event") == [
        (7, "", "the very same event came before: this is the second, and the first is at a.jsonl:2")
    ]


def test_deep_events():
    """Events that nest too deeply to be written again are the same when their text is."""
    deep = json.dumps(track()).encode()[:-1] + b', "properties": {"a": ' + b"[" * 900 + b"]" * 900 + b"}}"
    assert [line for line, *_ in told(history([identify(), deep, deep.replace(b'"a"', b'"b"'), deep]), "duplicate-event")] == [4]


def test_files_and_offsets():
    """A finding says in which file, on which line, at which byte and of which kind its event is; a file's name is shown without what a terminal acts on."""
    findings = history({"a\x1b.jsonl": [identify(), track()], "b.jsonl": [identify("2"), {}, track()]})
    (finding,) = findings
    assert (finding.file, finding.line, finding.offset, finding.kind, finding.body) == ("b.jsonl", 3, 300, "track", b"")
    assert finding.violation.message.endswith(r"the first is at a\x1b.jsonl:2")
    assert finding.violation.severity == "warning"
    assert finding.violation.hint == HISTORY_RULES["history.duplicate-event"]


@pytest.mark.parametrize(
    ("stamp", "found"), [("2026-01-01T00:00:00Z", 0), ("2026-01-01T00:00:00.000001Z", 1), ("2999-01-01T00:00:00Z", 1), ("soon", 0), ("2027-01-01T00:00:00", 0)]
)
def test_future(stamp, found):
    """A timestamp after now is of the future, to the microsecond; what is no timestamp is another rule's."""
    assert len(told(history([identify(), track(at=stamp)]), "future")) == found


def test_now_is_the_clocks():
    """Without a `now`, it is the clock's; a `now` that is no time with a zone is a usage error."""
    today = datetime.now(UTC)
    findings = history([identify(), track(at=today - timedelta(minutes=1)), track(at=today + timedelta(days=1))], now=None)
    assert [line for line, *_ in told(findings, "future")] == [3]
    for bad in ("tomorrow", "2021-02-24", "2021-02-24T01:19:38", ""):
        with pytest.raises(UsageError, match="is no time"):
            History(now=bad)


def test_never_identified():
    """A user with events and no identify, before or after them, is told at their first event, with how many there are."""
    group = {"type": "group", "groupId": "A", "userId": "3", "traits": {"name": "x"}}
    found = told(history([track("1"), track("2"), track("2", START + timedelta(hours=1)), group, identify("1")]), "never-identified")
    assert found == [
        (2, "/userId", 'the user "2" is never identified, and has 2 events'),
        (4, "/userId", 'the user "3" is never identified, and has 1 event'),
    ]


def test_group_without_traits():
    """A group that never comes with traits is told, be it named by a group or in the context of a track; once with traits is enough."""
    group = {"type": "group", "userId": "1"}
    events = [
        {**group, "groupId": "A"},
        {**group, "groupId": "B", "traits": {}},
        {**group, "groupId": "A", "traits": {"name": "x"}},
        track(context={"groupId": "C"}),
    ]
    assert told(history([identify(), *events]), "group-without-traits") == [
        (3, "/groupId", 'the group "B" is never sent with a company\'s traits, and has 1 event'),
        (5, "/context/groupId", 'the group "C" is never sent with a company\'s traits, and has 1 event'),
    ]


def test_many_users():
    """One anonymousId on five users, or one email on three, is told where the last of them comes; case makes no other email."""
    visitors = [identify(str(user % 5), anonymousId="a") for user in range(7)] + [identify(str(user), anonymousId="b") for user in range(4)]
    assert told(history(visitors), "anonymous-on-many-users") == [(5, "/anonymousId", 'the anonymousId "a" is on 5 users')]
    emails = [identify(str(user), traits={"email": email}) for user, email in enumerate(["X@example.com", "x@example.com", "x@EXAMPLE.com", "y@a.b", "y@a.b"])]
    assert told(history(emails), "email-on-many-users") == [(3, "/traits/email", 'the email "x@example.com" is on 3 users')]


def test_time_backwards():
    """Time that runs backwards for a user within a file is told where it first does; equal times, other users and other files are no matter."""
    events = [track(user, START + timedelta(hours=hour)) for user, hour in [("1", 5), ("2", 1), ("1", 5), ("1", 4), ("2", 2), ("1", 6), ("1", 3)]]
    found = told(history([identify("1"), identify("2"), *events]), "time-backwards")
    assert found == [(6, "/timestamp", 'time runs backwards for the user "1": 2025-03-03T11:11:13Z comes after 2025-03-03T12:11:13Z, the first of 2 times')]
    assert "time-backwards" not in rules(history({"a": [identify(), track(at=START)], "b": [track(at=START - timedelta(days=9))]}))


def spread(count, at):
    """Events of identified users, `at(index)` each."""
    return [identify(str(user)) for user in range(20)] + [track(str(index % 20), at(index), properties={"index": index}) for index in range(count)]


def test_one_day():
    """More than half of all events on one day, of 100 or more, are told with their share."""
    mostly = spread(100, lambda index: START + timedelta(days=0 if index < 51 else index))
    assert told(history(mostly), "one-day") == [(21, "/timestamp", "51 % (51 of 100) of all events with a timestamp are of one day, 2025-03-03")]
    assert "one-day" not in rules(history(spread(100, lambda index: START + timedelta(days=0 if index < 50 else index))))
    assert "one-day" not in rules(history(spread(99, lambda _: START)))


def test_midnight():
    """More than half of all events at midnight exactly, of 100 or more, are told; a second later is another time."""
    midnight = START.replace(hour=0, minute=0, second=0)
    assert told(history(spread(100, lambda index: midnight + timedelta(days=index, seconds=index < 49))), "midnight") == [
        (70, "/timestamp", "51 % (51 of 100) of all events with a timestamp are of 00:00:00 exactly")
    ]
    assert "midnight" not in rules(history(spread(100, lambda index: midnight + timedelta(days=index, seconds=index < 50))))


@pytest.mark.parametrize(
    ("first", "last", "days", "found"),
    [
        (8, 18, 30, "18:00 and 08:00"),
        (5, 21, 30, "21:00 and 05:00"),
        (4, 18, 30, None),
        (5, 22, 30, None),
        (9, 22, 30, "22:00 and 09:00"),
        (14, 23, 30, None),
        (14, 24, 30, None),
        (0, 10, 30, None),
        (8, 18, 9, None),
    ],
)
def test_local_time(first, last, days, found):
    """Events on many days and never in the eight hours or more of a night look like local time; a hole elsewhere (New York's, Tokyo's), or few days, do not."""
    hours = [START.replace(hour=0) + timedelta(days=day, hours=hour) for day in range(days) for hour in range(first, last)]
    Random(1).shuffle(hours)
    events = [identify(), *(track(at=at) for at in hours)]
    message = f"no event is ever between {found}, though events are in {len(hours)} hours of {days} days"
    assert told(history(events), "local-time") == ([(2, "/timestamp", message)] if found else [])


def test_bursts_are_no_evidence():
    """Thousands of events in a few hours say no more of the night than a few do."""
    assert "local-time" not in rules(history(spread(5000, lambda index: START.replace(hour=10) + timedelta(days=index % 20, seconds=index))))


def test_few_hours_are_no_evidence():
    """Fewer than a hundred hours of days say nothing of a night, and a job that runs at one hour of each day has none."""

    def events(count, hours):
        return spread(count, lambda index: START.replace(hour=8 + index % hours) + timedelta(days=index))

    assert "local-time" not in rules(history(events(99, 10)))
    assert "local-time" in rules(history(events(100, 10)))
    assert "local-time" not in rules(history(spread(200, lambda index: START.replace(hour=13) + timedelta(days=index))))


def test_outsized():
    """One id with more than a fifth of all events and over 20 times the mean is told with its share; few ids, or few events, mean nothing."""

    def events(ids, count):
        return [track("0" if index % 4 == 0 else str(1 + index % ids), START + timedelta(minutes=index)) for index in range(count)]

    assert told(history(events(200, 2000)), "outsized") == [
        (1, "/userId", '25 % (500 of 2,000) of all events with a userId are of "0" alone, one of 151'),
    ]
    assert "outsized" not in rules(history(events(40, 2000)))
    sixth = [track("0" if index % 6 == 0 else str(index), START + timedelta(minutes=index)) for index in range(2000)]
    assert "outsized" not in rules(history(sixth))
    assert "outsized" not in rules(history(events(200, 900)))


def test_long_ids():
    """Ids that differ only after a hundred characters are different ids, shown cut."""
    longs = ["x" * 500 + str(index) for index in range(2)]
    found = told(history([track(user) for user in longs]), "never-identified")
    assert [line for line, *_ in found] == [1, 2]
    assert all(len(message) < 150 for *_, message in found)


def test_sdk():
    """Events of the sdk contract are looked at likewise: null ids name nobody, and any offset is a time."""
    page: dict[str, Any] = {"type": "page", "properties": {}, "userId": None, "anonymousId": "a", "timestamp": "2025-03-03T09:11:13+02:00"}
    late = {**page, "userId": "1", "timestamp": "2025-03-03T07:11:14Z"}
    early = {**page, "userId": "1", "timestamp": "2025-03-03T08:11:13+01:00"}
    assert rules(history([page, late, early], contract="sdk")) == {"never-identified", "time-backwards"}


def test_counts_beyond_what_is_told():
    """Of a rule with many cases the first are told, and the last of those says how many more there are."""
    found = told(history([track(str(user)) for user in range(MOST + 1234)]), "never-identified")
    assert [line for line, *_ in found] == list(range(1, MOST + 1))
    assert found[-1][2].endswith("; 1,234 more cases of history.never-identified are not shown")
    assert "more cases" not in found[-2][2]


def test_in_force():
    """Only rules in force are told."""
    assert rules(history([track(), track()], in_force={"history.duplicate-event"})) == {"duplicate-event"}


KINDS = st.sampled_from(["identify", "track", "track", "group"])


@st.composite
def some_payloads(draw):
    """Payloads of few ids, times and message ids, so that every rule about ids has its cases."""
    few = st.sampled_from("abcdefgh")
    payload = {"type": draw(KINDS)}
    for name, values in (("userId", few), ("anonymousId", st.sampled_from("xy")), ("groupId", few), ("messageId", few)):
        if draw(st.booleans()):
            payload[name] = draw(values)
    if draw(st.booleans()):
        payload["timestamp"] = f"2025-03-{draw(st.integers(1, 9)):02}T10:00:00Z"
    if draw(st.booleans()):
        payload["traits"] = draw(st.sampled_from([{}, {"email": "m@example.com"}, {"email": "n@example.com"}, {"name": "x"}]))
    return payload


def expected(payloads):
    """By rule, the lines on which it is told: the plain way, with all in memory, one rule after the other."""
    lines = list(enumerate(payloads, 1))
    found = {
        "duplicate-event": again(lines, lambda payload: json.dumps(payload, sort_keys=True)),
        "duplicate-message": again(lines, lambda payload: payload.get("messageId")),
        "never-identified": never(lines, "userId", lambda payload: payload["type"] == "identify"),
        "group-without-traits": never(lines, "groupId", lambda payload: payload["type"] == "group" and bool(payload.get("traits"))),
        "anonymous-on-many-users": many(lines, lambda payload: payload.get("anonymousId"), 5),
        "email-on-many-users": many(lines, lambda payload: payload.get("traits", {}).get("email"), 3),
        "time-backwards": backwards(lines),
    }
    return {rule: told_on for rule, told_on in found.items() if told_on}


def again(lines, key):
    where: dict[Any, list[int]] = defaultdict(list)
    for line, payload in lines:
        where[key(payload)].append(line)
    return {each[-1] for name, each in where.items() if name is not None and len(each) > 1}


def never(lines, member, is_good):
    good = {payload.get(member) for _, payload in lines if is_good(payload)}
    first = {payload[member]: line for line, payload in reversed(lines) if member in payload}
    return {line for name, line in first.items() if name not in good}


def many(lines, key, least):
    users: dict[str, dict[str, int]] = defaultdict(dict)
    for line, payload in lines:
        if key(payload) and "userId" in payload:
            users[key(payload)].setdefault(payload["userId"], line)
    return {max(first.values()) for first in users.values() if len(first) >= least}


def backwards(lines):
    found: set[int] = set()
    for user in {payload.get("userId") for _, payload in lines} - {None}:
        times = [(line, payload["timestamp"]) for line, payload in lines if payload.get("userId") == user and "timestamp" in payload]
        wrong = [line for (_, before), (line, at) in pairwise(times) if at < before]
        found |= set(wrong[:1])
    return found


@settings(max_examples=150)
@given(st.lists(some_payloads(), max_size=60), st.sampled_from([0, 1, 3, 1000]))
def test_exact_in_any_memory(payloads, kept):
    """What is found is what a plain count in memory finds, and the same however few ids are followed in memory and however many on disk."""
    findings = history(payloads, kept=kept)
    lines = defaultdict(set)
    for each in findings:
        lines[each.violation.rule.removeprefix("history.")].add(each.line)
    assert lines == expected(payloads)
    assert findings == history(payloads)


def test_beyond_the_limit():
    """Beyond the limit the note says so; times are still exact, ids are those up to it, and nothing is said of what may yet have come for an id."""
    early = [track("1", messageId="a"), track("2", START, messageId="a")]
    late = [track("1", START - timedelta(days=1)), identify("1"), identify("2"), track("9", "2999-01-01T00:00:00Z", messageId="a")]
    looking = History(NOW, limit=2)
    for glance in glances([*early, *late]):
        looking.take(glance)
    assert looking.note.startswith("history: dates, times and the future are exact, over 6 events; ids and doubles are those of the first 2")
    findings = list(looking.findings())
    assert [(each.violation.rule, each.file, each.line) for each in findings] == [("history.duplicate-message", "a.jsonl", 2), ("history.future", "a.jsonl", 0)]
    looking.close()
    whole = History(NOW)
    for glance in glances([*early, *late]):
        whole.take(glance)
    assert whole.note == "history: exact, over 6 events"
    whole.close()


def test_a_full_disk():
    """A temporary file that cannot grow is an error in one line, not a wrong finding."""
    code = """
import resource, signal
from mock_june.checker.history.rules import History
from mock_june.errors import MockJuneError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
history = History("2026-01-01T00:00:00Z", kept=0)
try:
    for n in range(400_000):
        history.take(("a", n, n, "track", f"user-{n}", None, None, None, None, n * 7919, n, False))
    print(len(list(history.findings())))
except MockJuneError as error:
    print(error.exit_code, error)
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert out.startswith("2 the history's temporary file cannot be written (")
    assert out.count("\n") == 1


MEMORY = """
import resource
from itertools import pairwise
from random import Random
from typing import Any
from mock_june.checker.history.rules import History
random = Random(1)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
history = History("2026-01-01T00:00:00Z")
for n in range(200_000):
    user = f"{random.randrange(100_000):08}-7b1c-4b6e-9d2a-0123456789ab"
    history.take(("a", n, n, "track", user, "a" + user, user[:7], user + "@example.com", user + str(n), random.getrandbits(63), n * 10**9, False))
found = len(list(history.findings()))
print(found, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_memory():
    """More ids than are followed in memory take at most 30 MiB, so that a run stays below 60."""
    found, mebibytes = map(int, subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True, timeout=120).stdout.split())
    assert found > MOST
    assert mebibytes <= 30


FEW_DO = sorted(HISTORY_RULES.keys() - {"history.one-day", "history.midnight", "history.local-time", "history.outsized"})


@pytest.mark.parametrize("rule", FEW_DO)
def test_texts(rule):
    """What the catalogue shows as wrong breaks the rule, what it shows as right keeps it, and so do the payloads that its Python makes."""
    text = text_of(rule)
    assert rule.removeprefix("history.") in rules(history([line.encode() for line in text["wrong"].splitlines()]))
    assert rule.removeprefix("history.") not in rules(history([line.encode() for line in text["right"].splitlines()]))
    made: dict[str, Any] = {}
    exec(compile(text["python"], rule, "exec"), made)
    assert rule.removeprefix("history.") not in rules(history(made["payload"]))
