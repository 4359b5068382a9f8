"""The assertions over what came, and what they say when they fail. Both clients keep the same promises."""

from __future__ import annotations

import re
import sys
import time
from typing import Any
from unittest import mock

import dirty_equals
import httpx
import pytest

from mock_june.errors import MockJuneError, NotReceivedError, UsageError
from tests.client.conftest import later
from tests.server.faces import GROUP, IDENTIFY, TRACK

WRONG = {**TRACK, "userId": 1}
allow_rejected = pytest.mark.june(allow_rejected=True)


def failure(do: Any, *args: Any, **named: Any) -> str:
    """The text of a failed assertion."""
    with pytest.raises(NotReceivedError) as caught:
        do(*args, **named)
    assert isinstance(caught.value, AssertionError)
    return str(caught.value)


class TestReceived:
    def test_it_gives_the_events(self, asked, post):
        """One or more accepted events that match pass, and are given back."""
        post(TRACK)
        post({**TRACK, "userId": "2"})
        assert [event.payload["userId"] for event in asked.assert_received("track")] == ["1", "2"]
        assert [event.payload["userId"] for event in asked.assert_received(userId="2")] == ["2"]
        assert len(asked.assert_received()) == 2

    @pytest.mark.parametrize(
        "fields",
        [
            {"userId": "1", "properties": {"plan": "pro"}},
            {"timestamp": re.compile("Z$")},
            {"properties": {"seats": int, "plan": lambda plan: plan != "free"}},
            {"properties": mock.ANY},
            {"properties": {"seats": dirty_equals.IsInt(ge=3)}},
        ],
    )
    def test_values(self, asked, post, fields):
        """Values match by equality, subset, pattern, type, callable, and by what has an `==` of its own."""
        post({**TRACK, "properties": {"plan": "pro", "seats": 3}})
        asked.assert_received("track", **fields)

    def test_count_and_at_least(self, asked, post):
        """`count` is exact, `at_least` a bound; `count=0` is none."""
        for _ in range(3):
            post(TRACK)
        asked.assert_received("track", count=3)
        asked.assert_received("track", at_least=2)
        asked.assert_received("track", at_least=0)
        asked.assert_received("group", at_least=0)
        asked.assert_received("group", count=0)
        assert failure(asked.assert_received, "track", count=2).startswith("3 accepted track events came; wanted exactly 2\n  event ")
        assert failure(asked.assert_received, "track", count=0).startswith("3 accepted track events came; wanted exactly 0")
        assert failure(asked.assert_received, "track", at_least=4).startswith("3 accepted track events came; wanted at least 4")
        with pytest.raises(UsageError, match="exclude each other"):
            asked.assert_received("track", count=1, at_least=1)
        with pytest.raises(UsageError, match="0 or more"):
            asked.assert_received("track", count=-1)

    def test_within_waits(self, asked, post):
        """`within` waits until as many have come as are wanted, and no longer."""
        began = time.monotonic()
        timer = later(0.2, post, TRACK)
        asked.assert_received("track", within=5)
        assert 0.15 < time.monotonic() - began < 3
        timer.join()
        assert failure(asked.assert_received, "track", count=2, within=0.2).startswith("1 accepted track event came; wanted exactly 2, within 0.2 s")

    def test_count_zero_within(self, asked, post):
        """For `count=0` it is watched for the whole time that none comes."""
        asked.assert_received("track", count=0, within=0.1)
        timer = later(0.1, post, TRACK)
        assert "wanted exactly 0, within 5 s" in failure(asked.assert_received, "track", count=0, within=5)
        timer.join()

    def test_attempts(self, asked, post):
        """`attempts` counts the refused ones too: a retry is one line."""
        asked.fail(503, times=2)
        assert [post(TRACK) for _ in range(3)] == [503, 503, 200]
        asked.assert_received("track", event="Registered", count=1, attempts=3)
        text = failure(asked.assert_received, "track", attempts=2)
        assert text.startswith("3 track events came, refused ones counted; wanted attempts=2\n  event ")
        asked.fail(503, times=None)
        assert [post(GROUP) for _ in range(2)] == [503, 503]
        asked.assert_received("group", count=0, attempts=2)

    def test_attempts_within(self, asked, post):
        """`within` waits for the attempts as well."""
        asked.fail(503)
        assert post(TRACK) == 503
        assert post(TRACK) == 200
        timer = later(0.2, post, TRACK)
        asked.assert_received("track", attempts=3, within=5)
        timer.join()

    def test_a_kind_that_is_none(self, asked):
        """A misspelt kind is no failed assertion but a mistake."""
        with pytest.raises(UsageError, match=r"`kind` must be one of .*, not `tracks`"):
            asked.assert_received("tracks")


class TestFailureText:
    def test_the_nearest_events(self, asked, post):
        """The three nearest events are shown with what differs in each, a diff a place."""
        for number in range(5):
            post({**TRACK, "userId": str(number), "properties": {"plan": "pro" if number == 3 else "free", "seats": number}})
        text = failure(asked.assert_received, "track", userId="9", properties={"plan": "pro", "seats": int})
        assert text.startswith("no accepted track events with userId='9', properties={'plan': 'pro', 'seats': any int} came; wanted at least 1\nnearest:\n")
        assert text.count("'Registered', accepted") == 3
        first = text.split("\n  event ")[1]
        assert "/userId\n    - '9'\n    + '3'" in first
        assert "/properties/plan" not in first

    def test_what_is_missing(self, asked, post):
        """A member that the event has not stands there as missing."""
        post(TRACK)
        assert "    /properties\n    - {'plan': 'pro'}\n    + (missing)" in failure(asked.assert_received, "track", properties={"plan": "pro"})

    def test_another_kind(self, asked, post):
        """When none of the kind came, those of other kinds are looked at."""
        post(IDENTIFY)
        text = failure(asked.assert_received, "group", userId="1")
        assert "no other group came; nearest:" in text
        assert "    - group\n    + identify" in text

    @allow_rejected
    def test_it_came_but_was_rejected(self, asked, post):
        """An event that matches and broke a rule is shown with the rule and what to do."""
        assert post(WRONG) == 400
        text = failure(asked.assert_received, "track", event="Registered")
        assert "track 'Registered', not accepted\n    matches, but was not accepted\n" in text
        assert "    track.userId.type: userId is the number 1, not a String. Make it a String" in text

    @allow_rejected
    def test_it_came_in_a_batch_with_a_wrong_one(self, asked, post):
        """An event that is good and was refused with its batch says what its call was answered."""
        assert post({"batch": [IDENTIFY, {"type": "track", "userId": "1"}]}, "/sdk/batch") == 400
        text = failure(asked.assert_received, "identify")
        assert "matches, but was not accepted\n    its call was answered 400 invalid_payload: /batch/1/event: event is missing" in text

    def test_it_was_refused_by_a_planned_fault(self, asked, post):
        """An event that a fault refused says which."""
        fault = asked.fail(503)
        assert post(TRACK) == 503
        assert f"matches, but was not accepted\n    its call was answered 503, as fault {fault.id} was planned to" in failure(asked.assert_received, "track")

    @allow_rejected
    def test_calls_without_an_event(self, asked, post):
        """Calls that were refused before there was an event, such as to a path of no route, are told too."""
        assert post(TRACK, "/api/tracks") == 404
        text = failure(asked.assert_received, "track")
        assert "no event came at all\nrejected before there was an event:\n  call " in text
        assert "POST /api/tracks was answered 404 not_found\n    there is no /api/tracks here" in text

    def test_calls_without_a_good_key(self, asked, post):
        """How many calls were answered 401 since the test began is told, with a guess why."""
        assert post(TRACK, key="hard-coded") == 401
        text = failure(asked.assert_received, "track")
        assert text.endswith("meanwhile 1 call with no good key came, answered 401: does the code under test send this test's key?")
        post(TRACK, key="hard-coded")
        assert "meanwhile 2 calls" in failure(asked.wait_for, 1, timeout=0.05)

    def test_what_matched_is_kept(self, asked, post):
        """The error holds the events that did match, and is of our own root."""
        post(TRACK)
        with pytest.raises(NotReceivedError) as caught:
            asked.assert_received("track", count=2)
        assert isinstance(caught.value, MockJuneError)
        assert [event.payload for event in caught.value.events] == [TRACK]


class TestNotReceived:
    def test_nothing_came(self, asked, post):
        """It passes where nothing matches, and shows what did come."""
        post(TRACK)
        asked.assert_not_received("group")
        asked.assert_not_received("track", userId="2")
        text = failure(asked.assert_not_received, "track", userId="1")
        assert text.startswith("1 track event with userId='1' came; wanted none\n  event ")
        assert "{'type': 'track', 'event': 'Registered'" in text

    @allow_rejected
    def test_what_was_refused_came_too(self, asked, post):
        """A rejected event is one that came."""
        post(WRONG)
        assert "not accepted" in failure(asked.assert_not_received, "track")

    def test_within(self, asked, post):
        """With `within` nothing may come for so long."""
        asked.assert_not_received("track", within=0.1)
        timer = later(0.1, post, TRACK)
        failure(asked.assert_not_received, "track", within=5)
        timer.join()


class TestRejected:
    def test_it_gives_the_calls(self, asked, post):
        """Calls that broke a rule, by id or glob, are given back, and are expected from then on."""
        post(WRONG)
        post({**TRACK, "event": ""})
        [call] = asked.assert_rejected("track.userId.*", count=1)
        assert [violation.rule for violation in call.violations] == ["track.userId.type"]
        assert len(asked.assert_rejected(count=2)) == 2
        asked.assert_rejected("group.*", count=0)

    @allow_rejected
    def test_what_was_rejected_instead(self, asked, post):
        """A failure shows what was rejected, with its violations."""
        assert failure(asked.assert_rejected) == "no rejected calls came; wanted at least 1"
        post(WRONG)
        text = failure(asked.assert_rejected, "track.event.*")
        assert text.startswith("no rejected calls broke track.event.*; wanted at least 1\n  call ")
        assert "  - /userId: userId is the number 1, not a String   [track.userId.type]" in text
        assert failure(asked.assert_rejected, count=2).startswith("1 rejected call came; wanted exactly 2\n  call ")

    def test_planned_faults_reject_nothing(self, asked, post):
        """What a planned fault refused is not rejected."""
        asked.fail(500)
        asked.drop("close", when="before")
        post(TRACK)
        asked.limit(1, per=60)
        asked.assert_accepted()
        failure(asked.assert_rejected)

    @allow_rejected
    def test_assert_accepted(self, asked, post):
        """It fails with each rejected call."""
        post(TRACK)
        asked.assert_accepted()
        post(WRONG)
        assert failure(asked.assert_accepted).startswith("1 call was rejected\n  call ")


class TestOrder:
    def test_in_this_order(self, asked, post):
        """Steps are kinds, or kinds with fields; others may come between."""
        for payload in (IDENTIFY, GROUP, TRACK, {**TRACK, "event": "Paid"}, IDENTIFY):
            post(payload)
        found = asked.assert_order("identify", "group", ("track", {"event": "Paid"}))
        assert [event.kind for event in found] == ["identify", "group", "track"]
        asked.assert_order("identify", "identify")
        asked.assert_order(("track", {"event": re.compile("^P")}))

    def test_a_step_that_came_too_early(self, asked, post):
        """A failure names the step, what it should have followed, where it came instead, and the order in which all came."""
        post(TRACK)
        post(IDENTIFY)
        text = failure(asked.assert_order, "identify", ("track", {"event": "Registered"}))
        events = asked.events()
        assert text.startswith(
            f"step 2 of 2, track with event='Registered', did not come after event {events[1].id} (identify); it came before, as event {events[0].id}\n"
            "in the order in which they came:\n"
        )
        assert failure(asked.assert_order, "group").startswith("step 1 of 1, group, did not come\n")

    def test_nothing_was_accepted(self, asked):
        """Where nothing came at all that is said; no step at all is a mistake."""
        assert failure(asked.assert_order, "group") == "step 1 of 1, group, did not come\nnothing was accepted"
        with pytest.raises(UsageError, match="at least one step"):
            asked.assert_order()


class TestDuplicates:
    def test_by_message_id(self, asked, post):
        """Two accepted events with one `messageId` are told, with their calls; refused ones are none."""
        asked.assert_no_duplicates()
        asked.fail(503)
        for number in ("a", "a", "b"):
            post({**TRACK, "messageId": number})
        asked.assert_no_duplicates()
        post({**TRACK, "messageId": "b"})
        text = failure(asked.assert_no_duplicates)
        assert text.startswith("1 `messageId` came more than once\n  'b': events ")
        assert text.count("(call ") == 2

    def test_by_others(self, asked, post):
        """By any member, a nested one by dots, or by the whole payload whatever the order of its members."""
        post({**TRACK, "properties": {"id": 1}})
        post({**TRACK, "properties": {"id": 2}})
        asked.assert_no_duplicates("properties.id")
        asked.assert_no_duplicates(None)
        failure(asked.assert_no_duplicates, "userId")
        post(dict(reversed({**TRACK, "properties": {"id": 2}}.items())))
        failure(asked.assert_no_duplicates, "properties.id")
        assert failure(asked.assert_no_duplicates, None).startswith("1 payload came more than once\n  {'type': 'track'")

    def test_a_member_that_none_has(self, asked, post):
        """Where no event has the member, nothing can be said, and that is told."""
        post(TRACK)
        assert "none of 1 accepted event has `messageId`" in failure(asked.assert_no_duplicates)

    def test_deep_payloads(self, asked, june):
        """Payloads that nest deeply are compared like others; of one that nests too deeply for that, it is said what to do."""

        def send(depth: int) -> int:
            body = b'{"type":"identify","userId":"1","traits":{"a":' + b"[" * depth + b"]" * depth + b"}}"
            return httpx.post(f"{june.url}/api/identify", content=body, headers={"Authorization": f"Basic {june.key}"}, trust_env=False).status_code

        assert [send(300), send(301)] == [200, 200]
        asked.assert_no_duplicates(None)
        assert send(300) == 200
        assert failure(asked.assert_no_duplicates, None).startswith("1 payload came more than once")
        assert [send(1000), send(1000)] == [200, 200]
        if sys.version_info >= (3, 12):  # which has room for them
            assert failure(asked.assert_no_duplicates, None).startswith("2 payloads came more than once")
        else:
            with pytest.raises(UsageError, match="nests too deeply to be compared whole; name a member, such as by="):
                asked.assert_no_duplicates(None)

    def test_a_true_is_no_one(self, asked, post):
        """Values are the same when their JSON is."""
        for value in (True, 1, "1"):
            post({**TRACK, "properties": {"id": value}})
        asked.assert_no_duplicates("properties.id")


class TestRate:
    def test_calls_in_a_span(self, asked, post):
        """No span of `per` seconds may hold more than `max` calls, refused ones counted."""
        asked.limit(2, per=30)
        for _ in range(3):
            post(TRACK)
        asked.assert_rate(max=3, per=1)
        text = failure(asked.assert_rate, max=2, per=30)
        assert text.startswith("3 calls came in 30 s from ")
        assert text.endswith(": 429")

    def test_a_span_is_open_at_its_end(self, asked, post, monkeypatch):
        """Calls just `per` seconds apart are not in one span, whatever a float makes of the moments."""
        moments = (f"2026-01-31T12:00:0{second}.{ms:03}Z" for second, ms in [(0, 123), (0, 500), (1, 123), (1, 499), (1, 500)])
        monkeypatch.setattr("mock_june.clock.now", lambda: next(moments))
        for _ in range(5):
            post(TRACK)
        assert failure(asked.assert_rate, max=2).startswith("3 calls came in 1 s from 2026-01-31T12:00:00.500Z on; wanted at most 2")
        asked.assert_rate(max=3)
        asked.reset()
        moments = (moment for moment in ["2026-01-31T12:00:00.007Z", "2026-01-31T12:00:00.307Z", "2026-01-31T12:00:16.407Z"])
        for _ in range(3):
            post(TRACK)
        asked.assert_rate(max=1, per=0.3)
        asked.assert_rate(max=2, per=16.1)
        failure(asked.assert_rate, max=2, per=16.401)

    def test_nothing_came(self, asked):
        """No call is no rate; numbers that make no sense are a mistake."""
        asked.assert_rate(max=1)
        with pytest.raises(UsageError, match="max of 1 or more"):
            asked.assert_rate(max=0)
        with pytest.raises(UsageError, match="above 0"):
            asked.assert_rate(max=1, per=0)


class TestWaiting:
    def test_wait_for(self, asked, post):
        """It gives the events as soon as there are as many, accepted or not, and else fails with what came."""
        timer = later(0.1, post, TRACK)
        [event] = asked.wait_for(1, "track", userId="1")
        assert event.payload == TRACK
        timer.join()
        assert failure(asked.wait_for, 2, "track", timeout=0.1).startswith("1 of 2 came in 0.1 s: track\n")
        assert failure(asked.wait_for, 1, "track", timeout=0.1, properties={"a": 1}).startswith("0 of 1 came in 0.1 s: track with properties={'a': 1}\n")
