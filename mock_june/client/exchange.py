"""One request to a mock and what is answered, without I/O: where the mock is, who asks, which errors an answer means.

What takes several requests is a generator, Steps: it yields an Ask, is sent the Reply, returns a value. `blocking` and `aio` send the Asks, each in its own
way, so that they cannot drift.
"""

from __future__ import annotations

import base64
import os
import ssl
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias, TypeVar
from urllib.parse import urlsplit

import httpx
import orjson

from mock_june.errors import UnreachableError, UsageError
from mock_june.text import cut

T = TypeVar("T")
Verify: TypeAlias = str | os.PathLike[str] | ssl.SSLContext | None
"""The authorities that an HTTPS mock's certificate may be of: a file of them (PEM), a context; None: the system's."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. `params` whose value is None are left away. `held` is how long, in seconds, the answer may be held beyond what a request takes.

    `narrowed` False: it speaks of all workspaces, whatever key the client has.
    """

    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    held: float = 0.0
    narrowed: bool = True

    @property
    def query(self) -> dict[str, str]:
        """The parameters as they are sent."""
        return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in self.params.items() if value is not None}

    @property
    def body(self) -> bytes | None:
        """The body as it is sent. Raises UsageError for what is no JSON."""
        if self.json is None:
            return None
        try:
            return orjson.dumps(self.json)
        except TypeError as error:
            raise UsageError(f"this cannot be sent as JSON: {error}") from None


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered to an Ask, from where."""

    url: str
    status: int
    body: bytes


Steps: TypeAlias = Generator[Ask, Reply, T]


def base_url(url: str) -> str:
    """The URL without a slash at its end. Raises UsageError for what is no HTTP URL."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise UsageError(f"the URL of a mock looks like http://127.0.0.1:5863, not {cut(url, 100)!r}")
    return url.rstrip("/")


def trust(url: str, verify: Verify) -> ssl.SSLContext | bool:
    """What the connections to `url` verify a certificate by. Raises UsageError for a file without certificates.

    Without TLS there is no need of a context, which takes 20 ms to make. Without `verify` it is the system's authorities, or those of SSL_CERT_FILE.
    """
    if not url.startswith("https:"):
        return False
    if isinstance(verify, ssl.SSLContext):
        return verify
    try:
        return ssl.create_default_context(cafile=verify)
    except OSError as error:
        raise UsageError(f"no certificate can be read from {verify} ({error.strerror or error}); name the file that the mock printed as it started") from None


def identity(key: str | None, token: str | None) -> dict[str, str]:
    """The headers that say whose workspace is meant, and that the control API may be used."""
    headers = {}
    if key is not None:
        if not key:
            raise UsageError("an API key is not empty; leave it away to speak of all workspaces")
        # RFC 7617 cannot carry a colon in a user name; such a key goes as it stands, and is taken so, since it is no base64.
        headers["Authorization"] = f"Basic {key if ':' in key else base64.b64encode(f'{key}:'.encode()).decode()}"
    if token is not None:
        headers["X-Mock-June-Token"] = token
    return headers


def request(url: str, headers: Mapping[str, str], timeout: float, ask: Ask) -> httpx.Request:
    """An Ask as an HTTP request to the mock at `url`. Raises UsageError for a URL that is none."""
    own = {name: value for name, value in headers.items() if ask.narrowed or name != "Authorization"}
    patience = httpx.Timeout(timeout, read=timeout + ask.held)
    try:
        return httpx.Request(
            ask.method, url + ask.path, params=ask.query, content=ask.body, headers={**own, **ask.headers}, extensions={"timeout": patience.as_dict()}
        )
    except httpx.InvalidURL as error:
        raise UsageError(f"the mock's URL {url} is none: {error}") from None


def unreachable(url: str, reason: object) -> UnreachableError:
    """No answer came."""
    why = str(reason) or type(reason).__name__
    return UnreachableError(f"no mock-june answers at {url} ({why}); start one with `mock-june serve`, or correct the URL", url)


def refused(reply: Reply) -> NoReturn:
    """Raises what an answer that is no 200 means: UsageError, with its status and code, for what the fake refuses, else UnreachableError."""
    try:
        refusal = orjson.loads(reply.body)
        message = refusal["message"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise _no_mock(reply) from None
    if 400 <= reply.status < 500:
        error = UsageError(str(message))
        error.status, error.code = reply.status, str(refusal.get("code"))
        raise error
    raise UnreachableError(f"the mock at {reply.url} failed with status {reply.status}: {message}", reply.url)


def _no_mock(reply: Reply) -> UnreachableError:
    return UnreachableError(f"what answers at {reply.url} (status {reply.status}) is no mock-june; correct the URL", reply.url)


def read(reply: Reply, make: Callable[[dict[str, Any]], T]) -> T:
    """What `make` makes of the JSON of a good answer. JSON that no mock would give is UnreachableError."""
    if reply.status != 200:
        refused(reply)
    try:
        return make(orjson.loads(reply.body))
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise _no_mock(reply) from None
