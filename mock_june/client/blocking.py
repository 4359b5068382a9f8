"""The client that waits in its own thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from mock_june import clock
from mock_june.client import asks, exchange, expecting
from mock_june.client.aio import AsyncMockJune
from mock_june.client.asks import Health
from mock_june.client.base import Client
from mock_june.client.exchange import Ask, Reply, Steps, Verify
from mock_june.client.expecting import Wanted
from mock_june.client.following import Following
from mock_june.client.sending import JuneClient
from mock_june.errors import UnreachableError
from mock_june.model import Call, Event, Fault

T = TypeVar("T")

__tracebackhide__ = True  # pytest shows a failed assertion where the test makes it


class MockJune(Client):
    """Asks and steers a running mock at `url`. With `key` it speaks of that key's workspace alone. `timeout` in seconds, for one request.

    `verify` is what an HTTPS mock's certificate is held to: the file that `serve --tls` prints, or an ssl.SSLContext; not given, the system's authorities.

    Every method raises UnreachableError where no mock answers and UsageError for what the mock refuses. The environment's proxies are never used.
    May be used from several threads.
    """

    def __init__(self, url: str, key: str | None = None, token: str | None = None, timeout: float = 5.0, verify: Verify = None) -> None:
        super().__init__(url, key, token, timeout, verify)
        # No client of httpx: it logs each request, and a test looks at the logs of its own code.
        self._http = httpx.HTTPTransport(verify=exchange.trust(self.url, verify), trust_env=False)
        self._client: JuneClient | None = None

    @property
    def client(self) -> JuneClient:
        """A client that sends to this workspace as June's API takes payloads."""
        if self._client is None:
            self._client = JuneClient(self.url, self.key, verify=self._verify)
        return self._client

    def aio(self) -> AsyncMockJune:
        """A client of the same workspace for a test on an event loop: `async with june.aio() as june: await june.wait_for(1)`."""
        return self._alike(AsyncMockJune)

    def health(self) -> Health:
        """Whether the mock lives, which rules are in force, how much is on record."""
        return self._run(asks.health())

    def calls(self, limit: int | None = None, **filters: Any) -> list[Call]:
        """The calls on record, oldest first. Filters are the control API's: `kind accepted rule userId anonymousId groupId event path after`."""
        return self._run(asks.calls(limit, filters))

    def call(self, number: int) -> Call | None:
        """One call by its id, None where there is none."""
        return self._run(asks.call(number))

    def events(
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
        """The events on record, oldest first. `fields` are members of the payload, matched as `mock_june.matching.difference` says."""
        return self._run(asks.events(limit, {"kind": kind, "accepted": accepted, "rule": rule, "path": path, "after": after}, fields))

    def wait_for(self, count: int, kind: str | None = None, timeout: float = 5.0, *, accepted: bool | None = None, **fields: Any) -> list[Event]:
        """The events that match, once there are `count`. Raises NotReceivedError, with what did come, after `timeout` seconds."""
        return self._run(expecting.wait_for(count, timeout, {"kind": kind, "accepted": accepted}, fields, since=self.since, paint=self.paint))

    def assert_received(
        self,
        kind: str | None = None,
        *,
        count: int | None = None,
        at_least: int | None = None,
        within: float = 0.0,
        attempts: int | None = None,
        **fields: Any,
    ) -> list[Event]:
        """Accepted events that match came: exactly `count`, else `at_least`, else one; gives them. `fields` match as `mock_june.matching.difference` says.

        `within` waits so many seconds for them. `attempts` is how often the event came in all, those included that a planned fault refused; so
        `count=0, attempts=3` is a sender that tried three times and gave up.
        Raises NotReceivedError, an AssertionError, with the nearest recorded events and what differs.
        """
        return self._run(expecting.received(kind, fields, count=count, at_least=at_least, within=within, attempts=attempts, since=self.since, paint=self.paint))

    def assert_not_received(self, kind: str | None = None, *, within: float = 0.0, **fields: Any) -> None:
        """Nothing that matches came, accepted or not; with `within`, nor does it in so many seconds."""
        self._run(expecting.not_received(kind, fields, within=within, paint=self.paint))

    def assert_accepted(self) -> None:
        """No call was rejected; what a planned fault refused is not rejected."""
        self._run(expecting.accepted(since=self.since, paint=self.paint))

    def assert_rejected(self, rule: str = "*", count: int | None = None) -> list[Call]:
        """Calls that break a rule (an id or a glob) were rejected: `count` of them, else one or more; gives them. They are expected from now on."""
        found = self._run(expecting.rejected(rule, count, since=self.since, paint=self.paint))
        self.expected.update(call.id for call in found)
        return found

    def assert_order(self, *steps: Wanted) -> list[Event]:
        """Accepted events came in this order, others between them or not. A step is a kind, or a kind with fields: `("track", {"event": "Registered"})`."""
        return self._run(expecting.order(steps, since=self.since, paint=self.paint))

    def assert_no_duplicates(self, by: str | None = "messageId") -> None:
        """No two accepted events have the same `by`, a member of the payload (dots for nested ones); None: no two are the same in kind and payload."""
        self._run(expecting.no_duplicates(by, paint=self.paint))

    def assert_rate(self, max: int, per: float = 1.0) -> None:  # noqa: A002 -- it reads best: max=10, per=1
        """In no span of `per` seconds did more than `max` calls come, those included that were refused."""
        self._run(expecting.rate(max, per, paint=self.paint))

    def delete_calls(self) -> int:
        """Forgets the calls; gives how many they were."""
        return self._run(asks.delete_calls())

    def reset(self) -> None:
        """Forgets calls and faults."""
        self._run(asks.reset())

    def faults(self) -> list[Fault]:
        """The faults that are planned and not spent."""
        return self._run(asks.faults())

    def clear_faults(self) -> int:
        """Forgets the faults; gives how many they were."""
        return self._run(asks.clear_faults())

    def plan(self, *faults: Mapping[str, Any] | Fault) -> list[Fault]:
        """Plans faults, all or none of them; gives them with their ids."""
        return self._run(asks.plan(faults))

    def fail(self, status: int = 503, times: int | None = 1, retry_after: int | None = None, **more: Any) -> Fault:
        """The next `times` calls (None: all until reset) are answered `status` and not accepted."""
        return self._run(asks.plan_one({"status": status, "times": times, "retry_after": retry_after, **more}))

    def delay(self, seconds: float, times: int | None = 1, **more: Any) -> Fault:
        """The next `times` calls are answered `seconds` late."""
        return self._run(asks.plan_one({"delay": seconds, "times": times, **more}))

    def drop(self, how: str = "reset", times: int | None = 1, **more: Any) -> Fault:
        """The next `times` calls are accepted, and their answers lost: `reset`, `close` or `truncate`."""
        return self._run(asks.plan_one({"drop": how, "times": times, **more}))

    def limit(self, rate: int, per: float = 1.0, **more: Any) -> Fault:
        """Until reset, what goes beyond `rate` calls in `per` seconds is answered 429."""
        return self._run(asks.plan_one({"rate": rate, "per": per, **more}))

    def export(self, format: str = "jsonl", **filters: Any) -> Iterator[bytes]:  # noqa: A002 -- the parameter's own name
        """The record as a file, in chunks: `jsonl`, the payloads a line each, or `har`."""
        yield from self._chunks(asks.export(format, filters))

    def follow(
        self, after: int | None = None, missed: Callable[[int], object] | None = None, lost: Callable[[UnreachableError], object] | None = None, **filters: Any
    ) -> Iterator[Call]:
        """Calls as they are recorded, without an end: from the first `next` on, or after a call's id (0: from the oldest on).

        A broken connection is made anew, and no call is left out. `missed` is told of calls that the mock discarded before this reader came to them.
        `lost` is told each time the connection broke; with it the reader waits for as long as it takes, else it ends with UnreachableError after some tries.
        """
        following = Following(filters, after, missed, lost)
        while True:
            try:
                for chunk in self._chunks(following.ask()):
                    yield from following.calls(chunk)
            except UnreachableError as error:
                broken = error
            else:
                broken = self._unreachable("it ended the stream")
            clock.sleep(following.pause(broken))

    def close(self) -> None:
        """Closes the connections."""
        self.closed = True
        self._http.close()
        if self._client is not None:
            self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _run(self, steps: Steps[T]) -> T:
        try:
            ask = next(steps)
            while True:
                ask = steps.send(self._send(ask))
        except StopIteration as done:
            value: T = done.value
            return value

    def _send(self, ask: Ask) -> Reply:
        try:
            answer = self._http.handle_request(self._request(ask))
            return Reply(self.url, answer.status_code, answer.read())
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    def _chunks(self, ask: Ask) -> Iterator[bytes]:
        request = self._request(ask)
        try:
            answer = self._http.handle_request(request)
            try:
                if answer.status_code != 200:
                    exchange.refused(Reply(self.url, answer.status_code, answer.read()))
                yield from answer.iter_raw()
            finally:
                answer.close()
        except httpx.TransportError as error:
            raise self._unreachable(error) from error
