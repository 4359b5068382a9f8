"""The fixture's fake, asked by both clients."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from mock_june.client import AsyncJuneClient, JuneClient, MockJune
from tests.client.awaited import Awaited


def later(seconds: float, do: Callable[..., object], *args: Any, **named: Any) -> threading.Timer:
    """Does something in another thread after a while."""
    timer = threading.Timer(seconds, do, args, named)
    timer.daemon = True
    timer.start()
    return timer


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """An event loop that runs when it is asked to."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(params=["blocking", "async"])
def asked(request, june, runner) -> Iterator[Any]:
    """The test's mock: the fixture's own client, and the one for the event loop behind the same interface."""
    if request.param == "blocking":
        yield june
        return
    client = Awaited(june.aio(), runner)
    yield client
    client.close()


@pytest.fixture
def post(june: MockJune) -> Callable[..., int]:
    """Sends a payload to the test's workspace; gives the status that it is answered with."""

    def post(payload: Any, path: str | None = None, key: str | None = None) -> int:
        where = path or f"/api/{payload['type']}"
        return httpx.post(june.url + where, json=payload, headers={"Authorization": f"Basic {key or june.key}"}, trust_env=False).status_code

    return post


@pytest.fixture(params=["blocking", "async"])
def connect(request, runner) -> Iterator[Callable[..., Any]]:
    """Makes clients that send, of one sort, that never sleep but say how long they would; and closes them."""
    made: list[Any] = []

    def connect(url: str, key: str, slept: list[float] | None = None, **options: Any) -> Any:
        pauses = [] if slept is None else slept

        async def sleep(seconds: float) -> None:
            pauses.append(seconds)

        if request.param == "blocking":
            made.append(JuneClient(url, key, sleep=pauses.append, **options))
        else:
            made.append(Awaited(AsyncJuneClient(url, key, sleep=sleep, **options), runner))
        return made[-1]

    yield connect
    for client in made:
        client.close()
