"""What users write, under mypy strict: `make lint` checks that it has the types that it should have. It is never run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import assert_type
from unittest import mock

import pytest

from mock_june import MockJuneError, Verdict, Violation, check
from mock_june.client import AsyncJuneClient, AsyncMockJune, Health, JuneClient, MockJune
from mock_june.errors import LostAnswerError, NotReceivedError, RefusedError
from mock_june.matching import MISSING
from mock_june.model import Call, Event, Fault
from mock_june.testing import RemoteMock, RunningMock, running_mock


def backfill(url: str, key: str) -> None:
    """The code under test, which wants texts."""


@pytest.mark.june(key="ours", allow_rejected=True, ignore=["track.*"])
def test_fixture(june: MockJune) -> None:
    """The fixture is a MockJune, whose key is a text."""
    backfill(url=june.url, key=june.key)
    assert_type(june.env, dict[str, str])
    assert_type(june.assert_received("track", event="Registered", userId="1", properties={"plan": "pro"}, count=1), list[Event])
    june.assert_received("track", traits={"plan": re.compile("p"), "n": int, "f": lambda value: value > 1, "any": mock.ANY}, email=MISSING, within=1.5)
    june.assert_not_received("group")
    june.assert_accepted()
    assert_type(june.assert_rejected("track.*"), list[Call])
    assert_type(june.assert_order("identify", ("track", {"event": "Registered"})), list[Event])
    june.assert_no_duplicates(by="messageId")
    june.assert_no_duplicates(by=None)
    june.assert_rate(max=10, per=1)
    assert_type(june.wait_for(2, "track", timeout=5, userId="1"), list[Event])
    assert_type(june.calls(accepted=False), list[Call])
    assert_type(june.events("track", userId="1"), list[Event])
    assert_type(june.fail(503, times=2, retry_after=1), Fault)
    assert_type(june.delay(0.5), Fault)
    assert_type(june.drop("reset"), Fault)
    assert_type(june.limit(10, per=1.0), Fault)
    june.reset()
    assert_type(june.health(), Health)
    assert_type(june.client, JuneClient)
    assert_type(june.aio(), AsyncMockJune)
    assert_type(june.export(), Iterator[bytes])
    event = june.events()[0]
    assert_type(event.violations, tuple[Violation, ...])
    assert_type(event.accepted, bool)


async def test_event_loop(june: MockJune) -> None:
    """The same with `await`."""
    async with june.aio() as other:
        assert_type(await other.assert_received("track", count=1), list[Event])
        assert_type(await other.wait_for(1), list[Event])
        assert_type(await other.fail(503), Fault)
        assert_type(other.client, AsyncJuneClient)
        await other.client.identify(userId="1")


def test_server(june_server: RunningMock | RemoteMock) -> None:
    """The session's server gives workspaces."""
    with june_server.workspace() as june:
        assert_type(june, MockJune)


def test_without_pytest() -> None:
    """`running_mock` gives what the fixture gives."""
    with running_mock(ignore=["track.*"]) as june:
        assert_type(june, MockJune)
    with running_mock(intercept="only") as june:
        assert_type(june, MockJune)


def test_interception(june_intercept: MockJune) -> None:
    """`june_intercept` is what `june` is."""
    june_intercept.assert_received("identify", userId="1")


def test_sending() -> None:
    """Errors carry what they know."""
    with JuneClient("http://127.0.0.1:5863", "key", validate=True, tries=3, retry_lost=True) as client:
        try:
            client.track({"event": "Registered"}, userId="1", timestamp=datetime.now(UTC))
        except RefusedError as error:
            assert_type(error.violations, tuple[Violation, ...])
            assert_type(error.retry_after, float | None)
        except LostAnswerError as error:
            assert_type(error.url, str)
    try:
        client.identify(userId="1")
    except NotReceivedError as error:
        assert_type(error.events, tuple[Event, ...])
        raise AssertionError from error
    except MockJuneError as error:
        assert_type(error.exit_code, int)


def test_check() -> None:
    """A verdict is a value."""
    assert_type(check({"type": "identify"}), Verdict)
    assert_type(check(b"{}", "track", "sdk").violations, tuple[Violation, ...])
