"""The control API seen from a client, without I/O. What takes several requests is a generator: it yields an Ask, is sent the Reply, returns a value.

`blocking` and `aio` send the Asks, each in its own way, so that they cannot drift.
"""

from __future__ import annotations

import base64
import os
import ssl
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, NoReturn, TypeAlias, TypeVar
from urllib.parse import urlsplit

import httpx
import orjson

from mock_june import wire
from mock_june.errors import UnreachableError, UsageError
from mock_june.matching import difference
from mock_june.model import Call, Event, Fault
from mock_june.text import cut

T = TypeVar("T")
Verify: TypeAlias = str | os.PathLike[str] | ssl.SSLContext | None
"""The authorities that an HTTPS mock's certificate may be of: a file of them (PEM), a context; None: the system's."""

MOST = 1000
"""What the control API gives at once, at most."""

LONGEST_WAIT = 60.0
"""Seconds that the control API holds an answer, at most."""

FILTERED = frozenset({"userId", "anonymousId", "groupId", "event"})
"""Members of a payload that the fake itself can search for, by equality of texts. All others are compared here."""

LONGEST_FILTER = 4000

TRIES = 8
"""How often a stream that broke is asked for anew before that counts as the end."""


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


@dataclass(frozen=True, slots=True)
class Health:
    """What `GET /_mock/health` says. `uptime_s` in seconds; `discarded` counts old calls that went to keep to the journal's limit.

    `last_call` is the id of the newest call of any workspace; `journal` tells one record from another, in which ids begin anew.
    """

    status: str
    version: str
    rules_hash: str
    uptime_s: float
    calls: int
    events: int
    rejected: int
    discarded: int = 0
    last_call: int = 0
    journal: str = ""


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


def own_key(key: str | None) -> str:
    """The key of a client that has one. Raises UsageError where it has none."""
    if key is None:
        raise UsageError("this client speaks of all workspaces; for one of its own, and to send, it needs a key: MockJune(url, key)")
    return key


def unreachable(url: str, reason: object) -> UnreachableError:
    """No answer came."""
    why = str(reason) or type(reason).__name__
    return UnreachableError(f"no mock-june answers at {url} ({why}); start one with `mock-june serve`, or correct the URL", url)


def refused(reply: Reply) -> NoReturn:
    """Raises what an answer that is no 200 means: UsageError for what the fake refuses, UnreachableError for what no fake would say."""
    try:
        refusal = orjson.loads(reply.body)
        message = refusal["message"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise _no_mock(reply) from None
    if 400 <= reply.status < 500:
        raise UsageError(str(message))
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


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """What a listing gives at once; `next` is the cursor if there is more."""

    rows: list[T]
    next: int | None


def _page_of(name: str, make: Callable[[dict[str, Any]], T]) -> Callable[[dict[str, Any]], Page[T]]:
    return lambda value: Page([make(row) for row in value[name]], value["next"])


CALLS = _page_of("calls", wire.call_from)
"""Reads a page of calls."""

EVENTS = _page_of("events", wire.event_from)
"""Reads a page of events."""


def health() -> Steps[Health]:
    """Whether the mock lives."""
    return read((yield Ask("GET", "/_mock/health")), lambda value: Health(**{name: value[name] for name in Health.__slots__ if name in value}))


def calls(limit: int | None, filters: Mapping[str, Any]) -> Steps[list[Call]]:
    """All calls that pass the filters, or the first `limit`."""
    found: list[Call] = []
    after = filters.get("after", 0)
    while True:
        page = read((yield Ask("GET", "/_mock/calls", {**filters, "after": after, "limit": _most(limit, len(found))})), CALLS)
        found += page.rows
        if page.next is None or len(found) == limit:
            return found
        after = page.next


def call(number: int) -> Steps[Call | None]:
    """One call, None where there is none."""
    reply = yield Ask("GET", f"/_mock/calls/{number}")
    if reply.status == 404 and b'"not_found"' in reply.body:
        return None
    return read(reply, wire.call_from)


def events(limit: int | None, filters: Mapping[str, Any], fields: Mapping[str, Any]) -> Steps[list[Event]]:
    """All events that match, or the first `limit`."""
    found: list[Event] = []
    searched, compared = split(fields)
    after = filters.get("after", 0)
    while True:
        params = {**filters, **searched, "after": after, "limit": MOST if compared else _most(limit, len(found))}
        page = read((yield Ask("GET", "/_mock/events", params)), EVENTS)
        found += matching(page, compared)
        if page.next is None or (limit is not None and len(found) >= limit):
            return found[:limit]
        after = page.next


def matching(page: Page[Event], compared: Mapping[str, Any]) -> list[Event]:
    """The events of a page that match what is compared here."""
    return [event for event in page.rows if not difference(compared, event.payload)]


def _most(limit: int | None, found: int) -> int:
    return MOST if limit is None else max(1, min(MOST, limit - found))


def split(fields: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """Members of a payload, as what the fake searches for and what is compared here."""
    searched = {name: value for name, value in fields.items() if name in FILTERED and isinstance(value, str) and len(value) <= LONGEST_FILTER}
    return searched, {name: value for name, value in fields.items() if name not in searched}


def delete_calls() -> Steps[int]:
    """Forgets calls."""
    return read((yield Ask("DELETE", "/_mock/calls")), _deleted)


def reset() -> Steps[None]:
    """Forgets calls and faults."""
    read((yield Ask("POST", "/_mock/reset")), lambda value: value["status"])


def faults() -> Steps[list[Fault]]:
    """What is planned."""
    return read((yield Ask("GET", "/_mock/faults")), _faults)


def clear_faults() -> Steps[int]:
    """Forgets faults."""
    return read((yield Ask("DELETE", "/_mock/faults")), _deleted)


def plan(several: tuple[Mapping[str, Any] | Fault, ...]) -> Steps[list[Fault]]:
    """Plans faults, all or none."""
    sent = [_fault(fault) for fault in several]
    return read((yield Ask("POST", "/_mock/faults", json=sent)), _faults)


def plan_one(fault: Mapping[str, Any]) -> Steps[Fault]:
    """Members that are None were not given, but for `times`: there None means until reset."""
    planned = yield from plan(({name: value for name, value in fault.items() if value is not None or name == "times"},))
    return planned[0]


def _faults(value: dict[str, Any]) -> list[Fault]:
    return [wire.fault_from(fault) for fault in value["faults"]]


def _deleted(value: dict[str, Any]) -> int:
    return int(value["deleted"])


def _fault(fault: Mapping[str, Any] | Fault) -> dict[str, Any]:
    said = wire.fault(fault) if isinstance(fault, Fault) else fault
    return {name: value for name, value in said.items() if not isinstance(fault, Fault) or name in wire.FAULT_MEMBERS}


def export(format: str, filters: Mapping[str, Any]) -> Ask:  # noqa: A002 -- the parameter's own name
    """The record as a file."""
    return Ask("GET", "/_mock/export", {**filters, "format": format})
