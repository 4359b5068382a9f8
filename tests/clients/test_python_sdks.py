"""The Python SDKs of June and of Segment, as their registries ship them, with nothing but the host set."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest

from tests.server.faces import FrontFace

# June's SDK calls datetime.utcnow(), which Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utc.*:DeprecationWarning")

KEY = "secret_api_key"


@pytest.fixture(params=["june", "segment"])
def sdk(request: pytest.FixtureRequest) -> Iterator[ModuleType]:
    """The module `june.analytics` or `segment.analytics`; its connections are closed at the end."""
    if request.param == "june":
        import june.analytics as module
        import june.analytics.request as requests
    else:
        import segment.analytics as module
        import segment.analytics.request as requests
    yield module
    requests._session.close()


@pytest.fixture
def client(sdk: ModuleType, url: str) -> Callable[..., Any]:
    """Makes the SDK's client. `sync_mode` sends at once and raises."""
    return lambda key=KEY, **options: sdk.Client(key, host=url, **options)


CALLS: dict[str, Callable[[Any], Any]] = {
    "identify": lambda client: client.identify("1", {"name": "Elon Musk", "plan": "pro"}),
    "track": lambda client: client.track("1", "Registered", {"plan": "pro"}, timestamp=datetime(2021, 2, 24, 1, 19, 38, tzinfo=UTC)),
    "group": lambda client: client.group("1", "A", {"name": "SpaceX"}),
    "page": lambda client: client.page("1", "Docs", "Home", {"url": "https://example.com"}),
    "screen": lambda client: client.screen("1", "Docs", "Home"),
    "alias": lambda client: client.alias("0", "1"),
}


@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize("gzip", [False, True])
def test_each_kind_is_taken(fake: FrontFace, client: Callable[..., Any], kind: str, gzip: bool):
    """What the SDK makes of each kind is answered 200 and stands on record, packed or not, without a warning."""
    CALLS[kind](client(sync_mode=True, gzip=gzip))
    (call,) = fake.calls(KEY)
    (event,) = call.events
    assert (call.status, call.accepted, event.kind, event.contract) == (200, True, kind, "sdk")
    assert ("gzip" in dict(call.headers).values()) is gzip
    assert event.warnings == ()


def test_an_anonymous_user(fake: FrontFace, client: Callable[..., Any]):
    """An anonymous id beside a user id of null is taken."""
    client(sync_mode=True).track(anonymous_id="a", event="Registered")
    assert [call.accepted for call in fake.calls(KEY)] == [True]


def test_the_queue_sends_batches(fake: FrontFace, client: Callable[..., Any]):
    """What is queued goes out in batches of a hundred at most, and each event stands on record."""
    queued = client(upload_interval=0.2)
    for number in range(250):
        queued.track(str(number), "Registered")
    queued.flush()
    queued.join()
    calls = fake.calls(KEY)
    assert [call.status for call in calls] == [200] * len(calls)
    assert len(calls) >= 3
    assert sum(len(call.events) for call in calls) == 250


def test_a_wrong_payload_is_told_as_the_fake_said(fake: FrontFace, client: Callable[..., Any]):
    """The SDK's error carries the fake's code and message: where it is wrong, and what to do."""
    with pytest.raises(Exception, match="event") as raised:
        client(sync_mode=True).track("1", "")
    error: Any = raised.value
    assert type(error).__name__ == "APIError"
    assert (error.status, error.code) == (400, "invalid_payload")
    assert error.message.startswith("/batch/0/event: ")
    assert "(400)" in str(error)
    (call,) = fake.calls(KEY)
    assert [violation.pointer for violation in call.violations] == ["/batch/0/event"]


def test_a_wrong_key_is_told_as_the_fake_said(fake: FrontFace, client: Callable[..., Any]):
    """A key that is not taken is the SDK's error too."""
    with pytest.raises(Exception, match="API key") as raised:
        client("wrong", sync_mode=True).track("1", "Registered")
    error: Any = raised.value
    assert (error.status, error.code) == (401, "unauthorized")
    assert fake.last().status == 401


def test_what_is_refused_is_given_up(fake: FrontFace, client: Callable[..., Any]):
    """A 400 is final: the queue tells its handler once, and does not try again."""
    told: list[tuple[Any, Any]] = []
    queued = client(on_error=lambda error, batch: told.append((error, batch)), upload_interval=0.1)
    queued.track("1", "")
    queued.flush()
    queued.join()
    ((error, batch),) = told
    assert (error.status, error.code, len(batch)) == (400, "invalid_payload", 1)
    assert len(fake.calls(KEY)) == 1


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 429, "retry_after": 0}, {"drop": "reset", "when": "before"}])
def test_a_passing_failure_is_tried_again(fake: FrontFace, client: Callable[..., Any], fault: dict[str, Any]):
    """After a planned failure the SDK tries again, and the event arrives once."""
    fake.plan(KEY, fault)
    queued = client(upload_interval=0.1)
    queued.track("1", "Registered")
    queued.flush()
    queued.join()
    assert [call.accepted for call in fake.calls(KEY)] == [False, True]


def test_a_rate_limit_is_waited_for(fake: FrontFace, client: Callable[..., Any]):
    """What goes beyond a planned limit is 429, and comes again when there is room."""
    fake.plan(KEY, {"rate": 1, "per": 0.5})
    queued = client(upload_interval=0.05)
    for number in range(2):
        queued.track(str(number), "Registered")
        queued.flush()
    queued.join()
    calls = fake.calls(KEY)
    assert sum(call.accepted for call in calls) == 2
    assert {call.code for call in calls if not call.accepted} == {"rate_limited"}


@pytest.mark.parametrize("drop", ["reset", "close", "truncate"])
def test_a_lost_answer_doubles_the_event(fake: FrontFace, client: Callable[..., Any], drop: str):
    """When only the answer is lost, the SDK sends again what was taken: two accepted calls with one message id, which is what a dropped connection shows."""
    fake.plan(KEY, {"drop": drop})
    queued = client(upload_interval=0.1)
    queued.track("1", "Registered", message_id="the-one")
    queued.flush()
    queued.join()
    calls = fake.calls(KEY)
    if drop == "truncate":  # the status came: an SDK may take that for success
        assert {call.accepted for call in calls} == {True}
        assert len(calls) in {1, 2}
    else:
        assert [(call.accepted, b"the-one" in call.body) for call in calls] == [(True, True)] * 2


def test_a_slow_fake_is_not_waited_for_forever(fake: FrontFace, client: Callable[..., Any]):
    """A planned delay beyond the SDK's timeout is an error on its side."""
    fake.plan(KEY, {"delay": 20})
    began = time.monotonic()
    with pytest.raises(Exception, match=r"(?i)timed out"):
        client(sync_mode=True, timeout=0.3).track("1", "Registered")
    assert time.monotonic() - began < 3
