"""The client that waits on the event loop: `MockJune`, method for method, with `await`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from mock_june.client import asks, exchange, expecting
from mock_june.client.asks import Health
from mock_june.client.base import Client
from mock_june.client.exchange import Ask, Reply, Steps, Verify
from mock_june.client.expecting import Wanted
from mock_june.client.following import Following
from mock_june.client.sending import AsyncJuneClient
from mock_june.errors import UnreachableError
from mock_june.model import Call, Event, Fault

T = TypeVar("T")

__tracebackhide__ = True  # pytest shows a failed assertion where the test makes it


class AsyncMockJune(Client):
    """As `MockJune`: the same arguments, values and errors."""

    def __init__(self, url: str, key: str | None = None, token: str | None = None, timeout: float = 5.0, verify: Verify = None) -> None:
        super().__init__(url, key, token, timeout, verify)
        self._http = httpx.AsyncHTTPTransport(verify=exchange.trust(self.url, verify), trust_env=False)
        self._client: AsyncJuneClient | None = None

    @property
    def client(self) -> AsyncJuneClient:
        """As `MockJune.client`."""
        if self._client is None:
            self._client = AsyncJuneClient(self.url, self.key, verify=self._verify)
        return self._client

    def aio(self) -> AsyncMockJune:
        """A client of the same workspace, for another event loop."""
        return self._alike(AsyncMockJune)

    async def health(self) -> Health:
        """As `MockJune.health`."""
        return await self._run(asks.health())

    async def calls(self, limit: int | None = None, **filters: Any) -> list[Call]:
        """As `MockJune.calls`."""
        return await self._run(asks.calls(limit, filters))

    async def call(self, number: int) -> Call | None:
        """As `MockJune.call`."""
        return await self._run(asks.call(number))

    async def events(
        self,
        kind: str | None = None,
        *,
        accepted: bool | None = None,
        rule: str | None = None,
        path: str | None = None,
        after: int = 0,
        limit: int | None = None,
        **fields: Any,
    ) -> list[Event]:
        """As `MockJune.events`."""
        return await self._run(asks.events(limit, {"kind": kind, "accepted": accepted, "rule": rule, "path": path, "after": after}, fields))

    async def wait_for(self, count: int, kind: str | None = None, timeout: float = 5.0, *, accepted: bool | None = None, **fields: Any) -> list[Event]:  # noqa: ASYNC109
        """As `MockJune.wait_for`."""
        return await self._run(expecting.wait_for(count, timeout, {"kind": kind, "accepted": accepted}, fields, since=self.since, paint=self.paint))

    async def assert_received(
        self,
        kind: str | None = None,
        *,
        count: int | None = None,
        at_least: int | None = None,
        within: float = 0.0,
        attempts: int | None = None,
        **fields: Any,
    ) -> list[Event]:
        """As `MockJune.assert_received`."""
        return await self._run(
            expecting.received(kind, fields, count=count, at_least=at_least, within=within, attempts=attempts, since=self.since, paint=self.paint)
        )

    async def assert_not_received(self, kind: str | None = None, *, within: float = 0.0, **fields: Any) -> None:
        """As `MockJune.assert_not_received`."""
        await self._run(expecting.not_received(kind, fields, within=within, paint=self.paint))

    async def assert_accepted(self) -> None:
        """As `MockJune.assert_accepted`."""
        await self._run(expecting.accepted(since=self.since, paint=self.paint))

    async def assert_rejected(self, rule: str = "*", count: int | None = None) -> list[Call]:
        """As `MockJune.assert_rejected`."""
        found = await self._run(expecting.rejected(rule, count, since=self.since, paint=self.paint))
        self.expected.update(call.id for call in found)
        return found

    async def assert_order(self, *steps: Wanted) -> list[Event]:
        """As `MockJune.assert_order`."""
        return await self._run(expecting.order(steps, since=self.since, paint=self.paint))

    async def assert_no_duplicates(self, by: str | None = "messageId") -> None:
        """As `MockJune.assert_no_duplicates`."""
        await self._run(expecting.no_duplicates(by, paint=self.paint))

    async def assert_rate(self, max: int, per: float = 1.0) -> None:  # noqa: A002 -- it reads best: max=10, per=1
        """As `MockJune.assert_rate`."""
        await self._run(expecting.rate(max, per, paint=self.paint))

    async def delete_calls(self) -> int:
        """As `MockJune.delete_calls`."""
        return await self._run(asks.delete_calls())

    async def reset(self) -> None:
        """As `MockJune.reset`."""
        await self._run(asks.reset())

    async def faults(self) -> list[Fault]:
        """As `MockJune.faults`."""
        return await self._run(asks.faults())

    async def clear_faults(self) -> int:
        """As `MockJune.clear_faults`."""
        return await self._run(asks.clear_faults())

    async def plan(self, *faults: Mapping[str, Any] | Fault) -> list[Fault]:
        """As `MockJune.plan`."""
        return await self._run(asks.plan(faults))

    async def fail(self, status: int = 503, times: int | None = 1, retry_after: int | None = None, **more: Any) -> Fault:
        """As `MockJune.fail`."""
        return await self._run(asks.plan_one({"status": status, "times": times, "retry_after": retry_after, **more}))

    async def delay(self, seconds: float, times: int | None = 1, **more: Any) -> Fault:
        """As `MockJune.delay`."""
        return await self._run(asks.plan_one({"delay": seconds, "times": times, **more}))

    async def drop(self, how: str = "reset", times: int | None = 1, **more: Any) -> Fault:
        """As `MockJune.drop`."""
        return await self._run(asks.plan_one({"drop": how, "times": times, **more}))

    async def limit(self, rate: int, per: float = 1.0, **more: Any) -> Fault:
        """As `MockJune.limit`."""
        return await self._run(asks.plan_one({"rate": rate, "per": per, **more}))

    async def export(self, format: str = "jsonl", **filters: Any) -> AsyncGenerator[bytes, None]:  # noqa: A002 -- the parameter's own name
        """As `MockJune.export`."""
        async with aclosing(self._chunks(asks.export(format, filters))) as chunks:
            async for chunk in chunks:
                yield chunk

    async def follow(
        self, after: int | None = None, missed: Callable[[int], object] | None = None, lost: Callable[[UnreachableError], object] | None = None, **filters: Any
    ) -> AsyncGenerator[Call, None]:
        """As `MockJune.follow`."""
        following = Following(filters, after, missed, lost)
        while True:
            try:
                async with aclosing(self._chunks(following.ask())) as chunks:
                    async for chunk in chunks:
                        for call in following.calls(chunk):
                            yield call
            except UnreachableError as error:
                broken = error
            else:
                broken = self._unreachable("it ended the stream")
            await asyncio.sleep(following.pause(broken))

    async def close(self) -> None:
        """As `MockJune.close`."""
        self.closed = True
        await self._http.aclose()
        if self._client is not None:
            await self._client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def _run(self, steps: Steps[T]) -> T:
        try:
            ask = next(steps)
            while True:
                ask = steps.send(await self._send(ask))
        except StopIteration as done:
            value: T = done.value
            return value

    async def _send(self, ask: Ask) -> Reply:
        try:
            answer = await self._http.handle_async_request(self._request(ask))
            return Reply(self.url, answer.status_code, await answer.aread())
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    async def _chunks(self, ask: Ask) -> AsyncGenerator[bytes, None]:
        request = self._request(ask)
        try:
            answer = await self._http.handle_async_request(request)
            try:
                if answer.status_code != 200:
                    exchange.refused(Reply(self.url, answer.status_code, await answer.aread()))
                async for chunk in answer.aiter_raw():
                    yield chunk
            finally:
                await answer.aclose()
        except httpx.TransportError as error:
            raise self._unreachable(error) from error
