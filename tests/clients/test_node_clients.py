"""What programs in Node send: axios, the global fetch, Segment's SDK, the article's samples."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.clients.test_http_clients import assert_samples
from tests.server.faces import GOOD, TRACK, FrontFace

KEY = "secret_api_key"
Node = Callable[..., Any]


@pytest.mark.parametrize("client", ["axios", "fetch"])
def test_a_good_call_is_taken(fake: FrontFace, url: str, node: Node, client: str):
    """The client is answered June's success, and its payload stands on record."""
    assert node("post.mjs", client, f"{url}/api/track", KEY, json.dumps(TRACK)) == {"status": 200, "body": {"status": 200, "success": True}}
    (call,) = fake.calls(KEY)
    assert (call.accepted, json.loads(call.body)) == (True, TRACK)


@pytest.mark.parametrize("client", ["axios", "fetch"])
def test_a_wrong_call_is_told_what_is_wrong(fake: FrontFace, url: str, node: Node, client: str):
    """The client reads each violation."""
    said = node("post.mjs", client, f"{url}/api/track", KEY, json.dumps(TRACK | {"userId": 5}))
    assert (said["status"], said["body"]["code"], said["body"]["errors"][0]["rule"]) == (400, "invalid_payload", "track.userId.type")
    assert [call.accepted for call in fake.calls(KEY)] == [False]


@pytest.mark.parametrize("client", ["axios", "fetch"])
def test_a_wrong_key_is_told(fake: FrontFace, url: str, node: Node, client: str):
    """The client reads that its key is not taken."""
    said = node("post.mjs", client, f"{url}/api/track", "wrong", json.dumps(TRACK))
    assert (said["status"], said["body"]["code"]) == (401, "unauthorized")


@pytest.mark.parametrize("client", ["axios", "fetch"])
@pytest.mark.parametrize("drop", ["reset", "close", "truncate"])
def test_a_dropped_answer_is_an_error(fake: FrontFace, url: str, node: Node, client: str, drop: str):
    """The client never takes a dropped answer for a whole one; the call was accepted."""
    fake.plan(KEY, {"drop": drop})
    said = node("post.mjs", client, f"{url}/api/track", KEY, json.dumps(TRACK))
    assert said["error"]
    assert [call.accepted for call in fake.calls(KEY)] == [True]


def test_segments_sdk(fake: FrontFace, url: str, node: Node):
    """@segment/analytics-node sends every kind with its host alone set; each event is accepted and stands on record."""
    assert node("segment.mjs", url, KEY, "good") == {"errors": []}
    events = [event for call in fake.calls(KEY) for event in call.events]
    assert {call.status for call in fake.calls(KEY)} == {200}
    assert sorted(event.kind for event in events) == sorted(GOOD)
    assert {event.contract for event in events} == {"sdk"}


def test_segments_sdk_when_it_is_refused(fake: FrontFace, url: str, node: Node):
    """When a batch is refused, the SDK reports the status that the fake gave, and does not try a 400 again."""
    (error,) = node("segment.mjs", url, KEY, "bad")["errors"]
    assert "400" in json.dumps(error)
    assert [call.status for call in fake.calls(KEY)] == [400]


def test_segments_sdk_after_a_passing_failure(fake: FrontFace, url: str, node: Node):
    """After a planned 503 the SDK tries again, and the events arrive once."""
    fake.plan(KEY, {"status": 503})
    assert node("segment.mjs", url, KEY, "good") == {"errors": []}
    assert [call.status for call in fake.calls(KEY)].count(503) == 1
    assert sorted(event.kind for call in fake.calls(KEY) if call.accepted for event in call.events) == sorted(GOOD)


def test_the_articles_node_samples(fake: FrontFace, url: str, node: Node, repo: Path, tmp_path: Path):
    """The three Node samples of the article run with only the host changed, and stand on record."""
    sample = tmp_path / "sample.cjs"
    sample.write_text((repo / "examples" / "article_sample.cjs").read_text("utf-8").replace("https://api.june.so", url), "utf-8")
    (tmp_path / "node_modules").symlink_to(Path(__file__).parent / "node" / "node_modules")
    node(sample)
    assert_samples(fake, "Dashboard Loaded")
