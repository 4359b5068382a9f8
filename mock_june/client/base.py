"""What both clients of the control API are, whichever way they wait."""

from __future__ import annotations

from typing import TypeVar

import httpx

from mock_june.client import exchange
from mock_june.client.exchange import Ask, Verify
from mock_june.client.failures import Paint, plain
from mock_june.errors import UnreachableError, UsageError
from mock_june.model import ApiKey

C = TypeVar("C", bound="Client")


class Client:
    """Where the mock is, whose workspace is meant, and what a failed assertion of one test is to know."""

    def __init__(self, url: str, key: str | None, token: str | None, timeout: float, verify: Verify) -> None:
        self.url = exchange.base_url(url)
        self.since = 0
        """The id of the last call before this client's test began: a failure tells how many calls with no good key came after it."""
        self.paint: Paint = plain
        """Colours a line of a failure."""
        self.expected: set[int] = set()
        """The ids of rejected calls that an assertion has spoken of."""
        self.closed = False
        """Whether `close` was called."""
        self._key = key
        self._token = token
        self._timeout = timeout
        self._verify = verify
        self._headers = exchange.identity(key, token)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}, {'all workspaces' if self._key is None else f'key {ApiKey(self._key).masked}'}>"

    @property
    def key(self) -> str:
        """The API key whose workspace this is. Raises UsageError on a client of all workspaces, which has none."""
        if self._key is None:
            raise UsageError("this client speaks of all workspaces; for one of its own, and to send, it needs a key: MockJune(url, key)")
        return self._key

    @property
    def env(self) -> dict[str, str]:
        """What a subprocess needs to send to this workspace: `JUNE_URL` and `JUNE_API_KEY`. Add it to the environment that it gets."""
        return {"JUNE_URL": self.url, "JUNE_API_KEY": self.key}

    def _alike(self, kind: type[C]) -> C:
        """A client of that kind, of the same workspace and for the same test."""
        other = kind(self.url, self._key, self._token, self._timeout, self._verify)
        other.since, other.paint, other.expected = self.since, self.paint, self.expected
        return other

    def _request(self, ask: Ask) -> httpx.Request:
        if self.closed:
            raise RuntimeError("this client has been closed")
        return exchange.request(self.url, self._headers, self._timeout, ask)

    def _unreachable(self, reason: object) -> UnreachableError:
        return exchange.unreachable(self.url, reason)
