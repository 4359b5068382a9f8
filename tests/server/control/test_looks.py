"""The light answers that the page lives on, asked of each face."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import orjson
import pytest

from mock_june.model import ApiKey
from mock_june.server.control.feeds import Counts
from mock_june.server.control.query import stream
from tests.server.faces import GROUP, IDENTIFY, TRACK, Face, Reply, assert_refusal

BAD = {**TRACK, "timestamp": "2021-02-24"}


def ask(face: Face, path: str, key: str | None = None, method: str = "GET", body: Any = None) -> Reply:
    headers = [("Host", "127.0.0.1:5863"), *([("Authorization", f"Basic {key}")] if key else [])]
    return face.send(method, path, b"" if body is None else orjson.dumps(body), headers)


def good(reply: Reply) -> Any:
    assert reply.status == 200, reply
    return reply.json


@pytest.fixture
def filled(face: Face, key: str) -> str:
    """A key whose workspace has a good track, a broken one, a batch of two, and a body that is no JSON."""
    face.post("/api/track", TRACK, key=key)
    face.post("/api/track", BAD, key=key)
    face.post("/sdk/batch", {"batch": [IDENTIFY, {"type": "nonsense"}, GROUP]}, key=key)
    face.post("/api/track", b"{", key=key)
    return key


def name_of(face: Face, key: str) -> str:
    """A key's workspace, as it stands in a URL."""
    return quote(face.mock.workspace(ApiKey(key)))


class TestEntries:
    def test_they_come_newest_first_batches_unfolded(self, face, filled):
        """Each event has an entry, and so has a call without any."""
        entries = good(ask(face, "/_mock/entries", filled))["entries"]
        assert [(entry["kind"], entry["status"], entry["place"], entry["of"]) for entry in entries] == [
            (None, 400, 0, 0),
            ("group", 400, 2, 2),
            ("identify", 400, 1, 2),
            ("track", 400, 1, 1),
            ("track", 200, 1, 1),
        ]
        assert [entry["finding"] and entry["finding"]["rule"] for entry in entries] == ["body.json", None, None, "track.timestamp.pattern", None]
        assert entries[-1]["glance"] == {"userId": "1", "event": "Registered", "timestamp": "2021-02-24T01:19:38.931Z"}

    def test_any_place_can_be_asked_for(self, face, filled):
        """`upto` holds the list still while more comes, `skip` and `limit` cut it."""
        upto = good(ask(face, "/_mock/entries?limit=1", filled))["entries"][0]["call"]
        before = good(ask(face, f"/_mock/entries?upto={upto}", filled))["entries"]
        face.post("/api/track", TRACK, key=filled)
        assert good(ask(face, f"/_mock/entries?upto={upto}", filled))["entries"] == before
        assert good(ask(face, f"/_mock/entries?upto={upto}&skip=1&limit=2", filled))["entries"] == before[1:3]
        assert good(ask(face, "/_mock/entries?skip=1000000000", filled))["entries"] == []

    def test_filters_hold(self, face, filled):
        """They are those of calls and events; a rule of a body means all that came in it."""
        for asked, count in (
            ("kind=track", 2),
            ("rule=*.timestamp.*", 1),
            ("rule=sdk.batch.*", 2),
            ("rule=*", 4),
            ("userId=1&accepted=true", 1),
            ("groupId=A", 1),
        ):
            assert len(good(ask(face, f"/_mock/entries?{asked}", filled))["entries"]) == count, asked

    @pytest.mark.parametrize("query", ["limit=0", "limit=1001", "skip=-1", "skip=x", "upto=-1", "after=1", "form=brief", "wait=1"])
    def test_what_cannot_be_is_refused(self, face, query):
        """By name."""
        assert_refusal(ask(face, f"/_mock/entries?{query}"), 400, "invalid_request")


class TestStats:
    def test_they_count_by_each_thing(self, face, filled):
        """By acceptance, kind, rule and time; severity as in the catalogue."""
        face.post("/api/track", {**TRACK, "user_id": "1"}, key=filled)
        stats = good(ask(face, "/_mock/stats", filled))
        assert stats["calls"] == {"accepted": 2, "rejected": 3}
        assert stats["events"] == {"accepted": 2, "rejected": 3}
        assert stats["entries"] == 6
        assert stats["last"] == face.mock.journal.last_id
        assert {"kind": "track", "accepted": 2, "rejected": 1} in stats["kinds"]
        assert {"rule": "track.timestamp.pattern", "severity": "error", "count": 1} in stats["rules"]
        assert {"rule": "track.userId.unknown", "severity": "warning", "count": 1} in stats["rules"]
        assert sum(stats["times"]["accepted"]) + sum(stats["times"]["rejected"]) == 6

    def test_a_filter_narrows_all_but_its_own_thing(self, face, filled):
        """So that one sees what another choice would find."""
        stats = good(ask(face, "/_mock/stats?kind=group", filled))
        assert {kind["kind"] for kind in stats["kinds"]} == {"track", "group", "identify"}
        assert (stats["entries"], stats["rules"]) == (1, [])
        assert good(ask(face, "/_mock/stats?accepted=true", filled))["calls"] == {"accepted": 1, "rejected": 3}

    def test_of_nothing(self, face, key):
        """All is 0, and there is no time."""
        stats = good(ask(face, "/_mock/stats", key))
        assert (stats["entries"], stats["kinds"], stats["rules"], sum(stats["events"].values())) == (0, [], [], 0)


class TestOneThing:
    def test_an_event_and_its_payload(self, face, filled):
        """Whole, brief, and its payload byte for byte."""
        (event, *_) = good(ask(face, "/_mock/events?rule=*.timestamp.*", filled))["events"]
        whole = good(ask(face, f"/_mock/events/{event['id']}", filled))
        assert whole == event
        brief = good(ask(face, f"/_mock/events/{event['id']}?form=brief", filled))
        payload = ask(face, f"/_mock/events/{event['id']}/payload", filled)
        assert payload.body == orjson.dumps(BAD)
        assert payload.headers["content-type"] == "application/json"
        assert brief == {name: value for name, value in whole.items() if name != "payload"} | {"payload_bytes": len(payload.body)}

    def test_a_call_in_brief_and_its_body(self, face, filled):
        """Without body and events, but with how much they are; the body byte for byte, in a type that no browser shows."""
        call = good(ask(face, "/_mock/calls?path=/sdk/batch", filled))["calls"][0]
        brief = good(ask(face, f"/_mock/calls/{call['id']}?form=brief", filled))
        body = ask(face, f"/_mock/calls/{call['id']}/body", filled)
        assert body.body == call["body"].encode()
        assert (body.headers["content-type"], body.headers["x-content-type-options"]) == ("application/octet-stream", "nosniff")
        assert brief == {name: value for name, value in call.items() if name not in {"body", "events"}} | {"body_bytes": len(body.body), "events_total": 2}

    def test_what_is_not_there_or_another_key_s_is_404(self, face, filled):
        """In the one shape."""
        event = good(ask(face, "/_mock/events", filled))["events"][0]
        for path in (
            f"/_mock/events/{event['id']}",
            f"/_mock/events/{event['id']}/payload",
            f"/_mock/calls/{event['call']}/body",
            f"/_mock/calls/{event['call']}?form=brief",
        ):
            assert ask(face, path, filled).status == 200
            assert_refusal(ask(face, path, "another-key"), 404, "not_found")
        for path in ("/_mock/events/0", "/_mock/events/999999999/payload", "/_mock/calls/999999999/body", "/_mock/rules/no.such.rule"):
            assert_refusal(ask(face, path), 404, "not_found")
        assert_refusal(ask(face, "/_mock/events/x"), 400, "invalid_request")
        assert_refusal(ask(face, "/_mock/events/1?form=short"), 400, "invalid_request")

    def test_a_correction_is_told_where_somebody_finds_one(self, face, filled, monkeypatch):
        """As a JSON Patch with reasons; a fake that nobody gave a finder has none, and of a good event there is none to find."""
        good_one, bad, *_ = good(ask(face, "/_mock/events", filled))["events"]
        assert good(ask(face, f"/_mock/events/{bad['id']}/fix", filled)) == {"changes": []}
        change = {"op": "replace", "path": "/timestamp", "value": "2021-02-24T00:00:00Z"}
        monkeypatch.setattr(face.mock, "suggest", lambda *asked: [(change, "timestamp: why")] if asked == ("backfill", "track", orjson.dumps(BAD)) else [])
        assert good(ask(face, f"/_mock/events/{bad['id']}/fix", filled)) == {"changes": [change | {"reason": "timestamp: why"}]}
        assert good(ask(face, f"/_mock/events/{good_one['id']}/fix", filled)) == {"changes": []}
        assert_refusal(ask(face, f"/_mock/events/{bad['id']}/fix", "another-key"), 404, "not_found")

    def test_a_rule_is_explained(self, face):
        """As the catalogue has it."""
        rule = next(rule for rule in face.mock.engine.catalogue if rule.id == "track.timestamp.pattern")
        said = good(ask(face, "/_mock/rules/track.timestamp.pattern"))
        assert said == {name: getattr(rule, name) for name in ("id", "severity", "meaning", "hint", "why", "wrong", "right", "python", "node")}


class TestWorkspaces:
    def test_they_are_told_by_their_names(self, face, filled):
        """With their counts; under a key its own alone; and whether any key is good."""
        told = good(ask(face, "/_mock/workspaces", filled))
        assert told["any_key"] is True
        ((own),) = told["workspaces"]
        assert (own["workspace"], own["calls"], own["events"], own["rejected"]) == (face.mock.workspace(ApiKey(filled)), 4, 4, 3)
        assert own in good(ask(face, "/_mock/workspaces"))["workspaces"]

    def test_given_keys_are_told_of_and_not_shown(self, make_face):
        """`any_key` is false."""
        told = ask(make_face(["the-only-good-key"]), "/_mock/workspaces")
        assert told.json == {"workspaces": [], "any_key": False}

    def test_one_is_named_where_one_is_meant(self, face, filled):
        """In filters, for faults and resets; a key's request can name no other."""
        name = name_of(face, filled)
        assert len(good(ask(face, f"/_mock/calls?workspace={name}"))["calls"]) == 4
        good(ask(face, f"/_mock/faults?workspace={name}", method="POST", body={"status": 503}))
        (fault,) = good(ask(face, f"/_mock/faults?workspace={name}"))["faults"]
        assert fault["workspace"] == face.mock.workspace(ApiKey(filled))
        assert_refusal(ask(face, f"/_mock/faults/{fault['id']}?workspace=another", method="DELETE"), 404, "not_found")
        assert good(ask(face, f"/_mock/faults/{fault['id']}?workspace={name}", method="DELETE")) == {"deleted": 1}
        assert_refusal(ask(face, f"/_mock/faults/{fault['id']}", method="DELETE"), 404, "not_found")
        for path, method in (("/_mock/calls", "GET"), ("/_mock/reset", "POST"), ("/_mock/calls", "DELETE"), ("/_mock/faults", "GET")):
            assert_refusal(ask(face, f"{path}?workspace=another", filled, method), 403, "forbidden")
        assert good(ask(face, f"/_mock/calls?workspace={name}", method="DELETE")) == {"deleted": 4}
        face.post("/api/track", TRACK, key=filled)
        good(ask(face, f"/_mock/reset?workspace={name}", method="POST"))
        assert face.calls(filled) == []


def test_counts_stand_for_all_that_came(face, key):
    """The stream as counts says once how many entries came since the last time, and moves its cursor past them; of what holds no filter it says nothing."""
    feed = Counts(face.mock.journal, stream("form=counts&kind=track", "", face.mock.workspace(ApiKey(key))))
    start = face.mock.journal.last_id
    assert feed.read() == b""
    for payload in (TRACK, BAD, IDENTIFY):
        face.post(f"/api/{payload['type']}", payload, key=key)
    face.post("/sdk/batch", {"batch": [TRACK, TRACK]}, key=key)
    assert feed.read() == b'id: %d\nevent: news\ndata: {"entries":4}\n\n' % (start + 4)
    assert feed.read() == b""
    assert feed.at_end
    face.post("/api/identify", IDENTIFY, key=key)
    assert feed.read() == b""
    assert feed.heartbeat == b": still here\nid: %d\n\n" % (start + 5)
