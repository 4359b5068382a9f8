"""Sending payloads as June's API takes them: what a small backfill needs, with the retries that such a program owes its events."""

from __future__ import annotations

import email.utils
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import httpx
import orjson
import tenacity

from mock_june import clock, wire
from mock_june.client import asks
from mock_june.errors import LostAnswerError, RefusedError, UnreachableError, UsageError
from mock_june.model import ContractName, Endpoint

TRIES = 5
LONGEST_PAUSE = 60.0
RETRIED = frozenset({429, 500, 502, 503, 504})
"""Statuses after which the same call may be sent again: what June's own SDKs retry."""

Check = Callable[[Endpoint, bytes], None]


class JuneClient:
    """Sends to June's API, or to a fake of it, at `url` with `key`.

    Statuses 429 and 5xx are tried again, at most `tries` times in all, after what `Retry-After` says or else after a pause that grows from `backoff`
    seconds on; so is a connection that was refused. A call whose answer was lost may have been taken, and sent again it is doubled: it raises
    LostAnswerError, unless `retry_lost`. What is refused for good raises RefusedError, with the violations. `timeout` in seconds.

    With `validate`, a payload is held to the contract before it is sent, and what breaks it raises the same RefusedError, unsent.
    """

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
        sleep: Callable[[float], None] = clock.sleep,
    ) -> None:
        self.url = asks.base_url(url)
        if tries < 1:
            raise UsageError(f"a call is sent at least once: tries must be 1 or more, not {tries}")
        self._http = httpx.Client(
            headers={**asks.identity(key, None), "Content-Type": "application/json"}, timeout=timeout, verify=self.url.startswith("https:")
        )
        self._check = _checker() if validate else None
        self._retry_lost = retry_lost
        self._retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(tries),
            wait=_Pause(backoff),
            retry=tenacity.retry_if_exception(self._is_passing),
            sleep=sleep,
            reraise=True,
        )

    def identify(self, payload: Mapping[str, Any] | None = None, /, **fields: Any) -> None:
        """Identifies a user: `POST /api/identify`. The payload is given whole, by its members, or both; its `type` is filled in."""
        self._post("backfill", "identify", _payload("identify", payload, fields))

    def group(self, payload: Mapping[str, Any] | None = None, /, **fields: Any) -> None:
        """Puts a user into a company: `POST /api/group`."""
        self._post("backfill", "group", _payload("group", payload, fields))

    def track(self, payload: Mapping[str, Any] | None = None, /, **fields: Any) -> None:
        """Tracks an event of a user: `POST /api/track`. A `timestamp` may be an aware datetime."""
        self._post("backfill", "track", _payload("track", payload, fields))

    def page(self, payload: Mapping[str, Any] | None = None, /, **fields: Any) -> None:
        """Tracks a page view: `POST /sdk/page`."""
        self._post("sdk", "page", _payload("page", payload, fields))

    def batch(self, payloads: Sequence[Mapping[str, Any]]) -> None:
        """Sends payloads in one call, as June's SDKs do: `POST /sdk/batch`. Each has its `type`. One that breaks a rule refuses them all."""
        self._post("sdk", "batch", {"batch": [_payload(None, payload, {}) for payload in payloads], "sentAt": _text(datetime.now(UTC))})

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _post(self, contract: ContractName, kind: str, payload: dict[str, Any]) -> None:
        try:
            body = orjson.dumps(payload)
        except TypeError as error:
            raise UsageError(f"the payload is no JSON: {error}") from None
        if self._check is not None:
            self._check(Endpoint(contract, None, "batch") if kind == "batch" else Endpoint(contract, kind), body)
        self._retrying(self._send, f"{self.url}/{'api' if contract == 'backfill' else 'sdk'}/{kind}", body)

    def _send(self, url: str, body: bytes) -> None:
        try:
            answer = self._http.post(url, content=body)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise UnreachableError(f"nothing answers at {self.url} ({error}); nothing of this call was sent", self.url) from error
        except httpx.TransportError as error:
            raise LostAnswerError(f"the answer of {url} was lost ({str(error) or type(error).__name__}); the call may have been taken", url) from error
        if answer.status_code != 200:
            raise _refused(answer)

    def _is_passing(self, error: BaseException) -> bool:
        """Whether the same call may be taken the next time."""
        if isinstance(error, RefusedError):
            return error.status in RETRIED
        return isinstance(error, UnreachableError) and (self._retry_lost or not isinstance(error, LostAnswerError))


class _Pause(tenacity.wait.wait_base):
    """Seconds until the next try: what `Retry-After` says, else longer each time, with some chance in it so that many clients do not come back at once."""

    def __init__(self, backoff: float) -> None:
        self._grown = tenacity.wait_exponential(multiplier=backoff, max=LONGEST_PAUSE) + tenacity.wait_random(0, backoff)

    def __call__(self, retry_state: tenacity.RetryCallState) -> float:
        error = retry_state.outcome.exception() if retry_state.outcome is not None else None
        said = error.retry_after if isinstance(error, RefusedError) else None
        return self._grown(retry_state) if said is None else min(said, LONGEST_PAUSE)


def _checker() -> Check:
    """The engine, as a check before sending."""
    from mock_june.contract import Engine  # noqa: PLC0415 -- a client that does not validate loads no schemas

    engine = Engine()

    def held(endpoint: Endpoint, body: bytes) -> None:
        verdict = engine.check(body, endpoint)
        if not verdict.accepted:
            first = verdict.violations[0]
            raise RefusedError(f"not sent: {first.pointer}: {first.message}. {first.hint}", 400, "invalid_payload", verdict.violations)

    return held


def _payload(kind: str | None, payload: Mapping[str, Any] | None, fields: Mapping[str, Any]) -> dict[str, Any]:
    whole = {**({"type": kind} if kind is not None else {}), **(payload or {}), **fields}
    return {name: _text(value) if isinstance(value, datetime) else value for name, value in whole.items()}


def _text(moment: datetime) -> str:
    """An instant as June takes it: RFC 3339 in UTC."""
    if moment.tzinfo is None:
        raise UsageError(f"{moment} has no timezone, so nobody can say when it was; give it one: moment.replace(tzinfo=timezone.utc)")
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _refused(answer: httpx.Response) -> RefusedError:
    try:
        said = orjson.loads(answer.content)
        violations = wire.violations_from(said.get("errors"))
        code, message = str(said.get("code", "")), str(said.get("message", ""))
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
        violations, code, message = (), "", ""
    return RefusedError(message or f"{answer.url} answered {answer.status_code}", answer.status_code, code, violations, _retry_after(answer))


def _retry_after(answer: httpx.Response) -> float | None:
    """Seconds, out of a number or a date (RFC 9110 section 10.2.3)."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, (email.utils.parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
