"""The functions that a call, a file and a question spend their time in, each alone. Run by `python -m benchmarks.hot`."""

from __future__ import annotations

import json
from collections.abc import Iterator

import orjson
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks import payloads
from benchmarks.payloads import BATCHED, BROKEN, GOOD, KEY, SAMPLES, Post
from mock_june import wire
from mock_june.contract import Engine
from mock_june.journal import Journal
from mock_june.matching import difference
from mock_june.model import Endpoint, Filter
from mock_june.server.ingest import Ingest, Request
from mock_june.server.state import Mock

TRACK = GOOD[2]
ENDPOINT = Endpoint("backfill", "track")


@pytest.fixture(scope="module")
def engine() -> Engine:
    """One whose judges are made."""
    engine = Engine()
    for post in (*GOOD, BROKEN):
        engine.check(post.body, Endpoint("backfill", None))
    return engine


@pytest.fixture
def journal() -> Iterator[Journal]:
    """A private one with 10,000 calls."""
    journal = Journal.open(None)
    ingest = Ingest(Mock(Engine(), journal))
    calls = [ingest.judge(request(post)).call for post in (*GOOD, BROKEN)] * 25
    for _ in range(100):
        journal.write_many([call for call in calls if call is not None])
    yield journal
    journal.close()


@pytest.fixture
def ingest(engine: Engine, journal: Journal) -> Ingest:
    """What takes calls."""
    return Ingest(Mock(engine, journal))


def request(post: Post) -> Request:
    """A POST as a server reads it."""
    headers = (("host", "127.0.0.1"), ("authorization", f"Basic {KEY}"), ("content-type", "application/json"), ("content-length", str(len(post.body))))
    return Request("POST", post.path, "", headers, post.body, raw_path=post.path)


def test_yardstick(benchmark: BenchmarkFixture) -> None:
    """Work of Python's own that no change of ours touches: the others are told as multiples of it."""
    benchmark(lambda: json.loads(json.dumps(SAMPLES)))


def test_parse(benchmark: BenchmarkFixture) -> None:
    """Of the same bytes by orjson alone, for comparison."""
    assert benchmark(orjson.loads, TRACK.body)["type"] == "track"


def test_quick_look(benchmark: BenchmarkFixture, engine: Engine) -> None:
    """A good event of a file."""
    assert benchmark(engine.quick(ENDPOINT), TRACK.body) == "track"


def test_check_good(benchmark: BenchmarkFixture, engine: Engine) -> None:
    """A good event, whole."""
    assert benchmark(engine.check, TRACK.body, ENDPOINT).accepted


def test_check_broken(benchmark: BenchmarkFixture, engine: Engine) -> None:
    """An event that breaks a rule, and the words for it."""
    assert not benchmark(engine.check, BROKEN.body, ENDPOINT).accepted


def test_check_batch(benchmark: BenchmarkFixture, engine: Engine) -> None:
    """A batch of a hundred."""
    verdict = benchmark(engine.check, payloads.batch(0).body, Endpoint("sdk", None, "batch"))
    assert len(verdict.events) == BATCHED


def test_judge_call(benchmark: BenchmarkFixture, ingest: Ingest) -> None:
    """A call from its bytes to its answer, but for the record."""
    assert benchmark(ingest.judge, request(TRACK)).answer.status == 200


def test_handle_call(benchmark: BenchmarkFixture, ingest: Ingest) -> None:
    """The same with its commit."""
    assert benchmark(ingest.handle, request(TRACK)).answer.status == 200


def test_record_sixteen(benchmark: BenchmarkFixture, ingest: Ingest) -> None:
    """Sixteen calls that share a commit."""
    call = ingest.judge(request(TRACK)).call
    assert call is not None
    assert len(benchmark(ingest.mock.journal.write_many, [call] * 16)) == 16


def test_find_events(benchmark: BenchmarkFixture, journal: Journal) -> None:
    """A page of a hundred events of one kind and user, with their payloads."""
    assert len(benchmark(journal.events, Filter(kind="track", user_id="1"))) == 100


def test_call_as_json(benchmark: BenchmarkFixture, journal: Journal) -> None:
    """A call as the control API shows it."""
    call = journal.call(1)
    assert call is not None
    assert benchmark(lambda: wire.dumps(wire.call(call)))


def test_difference(benchmark: BenchmarkFixture) -> None:
    """An expectation of three members against a payload that lacks one of them."""
    expected = {"event": "Registered", "userId": "1", "properties": {"plan": "free"}}
    assert len(benchmark(difference, expected, SAMPLES["track"])) == 1
