"""June's API, with the retries that it needs."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import httpx

TRIES = 6
TIMEOUT = 10.0


class JuneError(Exception):
    """June did not take a payload: it refused it, or could not be reached however often it was tried."""


class June:
    """Sends one payload after the other. `pause` is how long, in seconds, it waits before the second try; the waits double from there."""

    def __init__(self, url: str, key: str, pause: float = 0.5, sleep: Callable[[float], None] = time.sleep) -> None:
        self._http = httpx.Client(base_url=url, headers={"Authorization": f"Basic {key}"}, timeout=TIMEOUT)
        self._pause = pause
        self._sleep = sleep

    def send(self, payload: dict[str, Any]) -> None:
        """Sends a payload until June has taken it. Raises JuneError.

        A 429 and every 5xx pass, and so does a connection that breaks. June may have taken the payload before the connection broke: sent again it is there
        twice, with the same `messageId`. Better twice than never.
        """
        reason, wait = "", 0.0
        for tried in range(TRIES):
            if tried:
                self._sleep(wait)
            wait = self._pause * 2**tried
            try:
                answer = self._http.post(f"/api/{payload['type']}", json=payload)
            except httpx.TransportError as error:
                reason = f"the connection broke ({error})"
                continue
            if answer.status_code == 200:
                return
            if answer.status_code != 429 and answer.status_code < 500:
                raise JuneError(f"June refused {payload['type']} {payload['messageId']} with {answer.status_code}: {said_by(answer)}")
            reason = f"June answered {answer.status_code}"
            wait = asked_to_wait(answer, wait)
        raise JuneError(f"{payload['type']} {payload['messageId']} was given up after {TRIES} tries: {reason}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._http.close()


def asked_to_wait(answer: httpx.Response, otherwise: float) -> float:
    """The seconds that an answer asks to wait for, as a number or until a date."""
    asked = answer.headers.get("Retry-After", "")
    if asked.isdecimal():
        return float(asked)
    try:
        return max(0.0, (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return otherwise


def said_by(answer: httpx.Response) -> str:
    """The message in an answer, or the answer itself."""
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:200]
