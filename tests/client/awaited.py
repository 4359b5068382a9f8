"""An async client behind the blocking one's interface, so that one test holds both to their promises."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any

from mock_june.client import AsyncJuneClient, AsyncMockJune


class Awaited:
    """An async client asked as a blocking one: each method runs on a loop of its own."""

    def __init__(self, client: AsyncMockJune | AsyncJuneClient, runner: asyncio.Runner) -> None:
        self.client = client
        self.runner = runner

    def __getattr__(self, name: str) -> Any:
        member = getattr(self.client, name)

        def call(*args: Any, **named: Any) -> Any:
            result = member(*args, **named)
            return self._iterated(result) if inspect.isasyncgen(result) else self.runner.run(result)

        return call if callable(member) else member

    def _iterated(self, made: Any) -> Iterator[Any]:
        try:
            while True:
                try:
                    yield self.runner.run(anext(made))
                except StopAsyncIteration:
                    return
        finally:
            self.runner.run(made.aclose())
