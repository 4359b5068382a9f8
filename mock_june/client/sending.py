"""Sending payloads as June's API takes them: what a small backfill needs, with the retries that such a program owes its events."""

from __future__ import annotations

import asyncio
import ipaddress
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
import tenacity

from mock_june import clock
from mock_june.client import payloads
from mock_june.client.exchange import Verify, base_url, trust
from mock_june.errors import LostAnswerError, RefusedError, UnreachableError, UsageError
from mock_june.model import ContractName, Endpoint

TRIES = 5
LONGEST_PAUSE = 60.0
LONGEST_WAIT = 300.0
"""Seconds that `Retry-After` may ask for. Beyond that the call is given up: its error says how long to stay away."""


class _Sender(ABC):
    """What both clients share: how they are made, how a call is, and what its answer means. `sleep` waits so many seconds between two tries."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        validate: bool = False,
        tries: int = TRIES,
        backoff: float = 0.1,
        retry_lost: bool = False,
        timeout: float = 10.0,
        verify: Verify = None,
        sleep: Callable[[float], Any] | None = None,
    ) -> None:
        if tries < 1:
            raise UsageError(f"a call is sent at least once: tries must be 1 or more, not {tries}")
        self.url = base_url(url)
        self._credentials: dict[ContractName, str] = {"backfill": payloads.credentials(key, "backfill"), "sdk": payloads.credentials(key, "sdk")}
        self._check = payloads.checker() if validate else None
        self._retry_lost = retry_lost
        retries: dict[str, Any] = {
            "stop": tenacity.stop_after_attempt(tries),
            "wait": _Pause(backoff),
            "retry": tenacity.retry_if_exception(self._is_passing),
            "reraise": True,
            **({} if sleep is None else {"sleep": sleep}),
        }
        # This machine's own servers are never behind a proxy.
        self._begin({"timeout": timeout, "verify": trust(self.url, verify), "trust_env": not _is_here(self.url)}, retries)

    @abstractmethod
    def _begin(self, http: dict[str, Any], retries: dict[str, Any]) -> None:
        """Makes what sends and what tries again, with these options of httpx's and tenacity's."""

    def _call(self, contract: ContractName, kind: str, payload: Mapping[str, Any]) -> tuple[str, bytes, dict[str, str]]:
        """The URL, the body and the headers. Raises UsageError for what is no JSON and, where payloads are checked, RefusedError."""
        body = payloads.encoded(payload)
        if self._check is not None:
            self._check(Endpoint(contract, None, "batch") if kind == "batch" else Endpoint(contract, kind), body)
        headers = {"Authorization": self._credentials[contract], "Content-Type": "application/json", "Accept": "application/json"}
        return f"{self.url}/{'api' if contract == 'backfill' else 'sdk'}/{kind}", body, headers

    def _failed(self, error: httpx.TransportError) -> UnreachableError:
        """What a call without an answer means."""
        why = str(error) or type(error).__name__
        if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)):
            return UnreachableError(f"nothing answers at {self.url} ({why}); nothing of this call was sent", self.url)
        return LostAnswerError(f"the answer of {self.url} was lost ({why}); the call may have been taken", self.url)

    def _is_passing(self, error: BaseException) -> bool:
        """Whether the same call may be taken the next time: what June's own SDKs retry."""
        if isinstance(error, RefusedError):
            return (error.status == 429 or error.status >= 500) and (error.retry_after or 0.0) <= LONGEST_WAIT
        return isinstance(error, UnreachableError) and (self._retry_lost or not isinstance(error, LostAnswerError))


class JuneClient(_Sender):
    """Sends to June's API, or to a fake of it, at `url` with `key`.

    Statuses 429 and 5xx are tried again, at most `tries` times in all, after what `Retry-After` says or else after a pause that grows from `backoff`
    seconds on; so is a connection that was refused. A call whose answer was lost may have been taken, and sent again it is doubled: it raises
    LostAnswerError, unless `retry_lost`. What is refused for good raises RefusedError, with the violations. `timeout` in seconds;
    `verify` as `MockJune` has it.

    With `validate`, a payload is held to the contract before it is sent, and what breaks it raises the same RefusedError, unsent. Aware datetimes may
    stand anywhere in a payload; what JSON has not raises UsageError.
    """

    def _begin(self, http: dict[str, Any], retries: dict[str, Any]) -> None:
        self._http = httpx.Client(**http)
        self._retrying = tenacity.Retrying(**{"sleep": clock.sleep, **retries})

    def identify(self, payload: Mapping[str, Any] | None = None, /, **fields: Any) -> None:
        """Identifies a user: `POST /api/identify`. The payload is given whole, by its members, or both; its `type` is filled in."""
        self._post("backfill", "identify", payloads.whole("identify", payload, fields))

    def group(self, payload: Mapping[str, Any] | None = None, /, **fields: Any) -> None:
        """Puts a user into a company: `POST /api/group`."""
        self._post("backfill", "group", payloads.whole("group", payload, fields))

    def track(self, payload: Mapping[str, Any] | None = None, /, **fields: Any) -> None:
        """Tracks an event of a user: `POST /api/track`. A `timestamp` may be an aware datetime."""
        self._post("backfill", "track", payloads.whole("track", payload, fields))

    def page(self, payload: Mapping[str, Any] | None = None, /, **fields: Any) -> None:
        """Tracks a page view: `POST /sdk/page`."""
        self._post("sdk", "page", payloads.whole("page", payload, fields))

    def batch(self, several: Sequence[Mapping[str, Any]]) -> None:
        """Sends payloads in one call, as June's SDKs do: `POST /sdk/batch`. Each has its `type`. One that breaks a rule refuses them all."""
        self._post("sdk", "batch", payloads.batch(several))

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _post(self, contract: ContractName, kind: str, payload: dict[str, Any]) -> None:
        self._retrying(self._send, *self._call(contract, kind, payload))

    def _send(self, url: str, body: bytes, headers: dict[str, str]) -> None:
        try:
            answer = self._http.post(url, content=body, headers=headers)
        except httpx.TransportError as error:
            raise self._failed(error) from error
        if answer.status_code != 200:
            raise payloads.refused(answer)


class AsyncJuneClient(_Sender):
    """As `JuneClient`, with `await`."""

    def _begin(self, http: dict[str, Any], retries: dict[str, Any]) -> None:
        self._http = httpx.AsyncClient(**http)
        self._retrying = tenacity.AsyncRetrying(**{"sleep": asyncio.sleep, **retries})

    async def identify(self, payload: Mapping[str, Any] | None = None, /, **fields: Any) -> None:
        """As `JuneClient.identify`."""
        await self._post("backfill", "identify", payloads.whole("identify", payload, fields))

    async def group(self, payload: Mapping[str, Any] | None = None, /, **fields: Any) -> None:
        """As `JuneClient.group`."""
        await self._post("backfill", "group", payloads.whole("group", payload, fields))

    async def track(self, payload: Mapping[str, Any] | None = None, /, **fields: Any) -> None:
        """As `JuneClient.track`."""
        await self._post("backfill", "track", payloads.whole("track", payload, fields))

    async def page(self, payload: Mapping[str, Any] | None = None, /, **fields: Any) -> None:
        """As `JuneClient.page`."""
        await self._post("sdk", "page", payloads.whole("page", payload, fields))

    async def batch(self, several: Sequence[Mapping[str, Any]]) -> None:
        """As `JuneClient.batch`."""
        await self._post("sdk", "batch", payloads.batch(several))

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def _post(self, contract: ContractName, kind: str, payload: dict[str, Any]) -> None:
        await self._retrying.copy()(self._send, *self._call(contract, kind, payload))  # a copy: several calls may be under way in one thread

    async def _send(self, url: str, body: bytes, headers: dict[str, str]) -> None:
        try:
            answer = await self._http.post(url, content=body, headers=headers)
        except httpx.TransportError as error:
            raise self._failed(error) from error
        if answer.status_code != 200:
            raise payloads.refused(answer)


class _Pause(tenacity.wait.wait_base):
    """Seconds until the next try: what `Retry-After` says, else longer each time, with some chance in it so that many clients do not come back at once."""

    def __init__(self, backoff: float) -> None:
        self._grown = tenacity.wait_exponential(multiplier=backoff, max=LONGEST_PAUSE) + tenacity.wait_random(0, backoff)

    def __call__(self, retry_state: tenacity.RetryCallState) -> float:
        error = retry_state.outcome.exception() if retry_state.outcome is not None else None
        said = error.retry_after if isinstance(error, RefusedError) else None
        return self._grown(retry_state) if said is None else said


def _is_here(url: str) -> bool:
    """Whether a URL's host is this machine's loopback."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
