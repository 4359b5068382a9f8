"""Connections to the hosts that pass: by a checked address, or through the user's own proxy."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import ssl
import threading
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from mock_june.errors import UsageError
from mock_june.intercept import hosts
from mock_june.intercept.heads import Place
from mock_june.intercept.hosts import Way
from mock_june.intercept.tunnel import End, Living

PATIENCE = 15.0
"""Seconds to connect to one address: more than a lost SYN or two, less than most clients wait."""


class DialError(Exception):
    """A host that could not be reached. The text says why."""


class ForbiddenAddressError(Exception):
    """A name that leads where nobody may go. `why` says whose address it is."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Parent:
    """The user's own proxy."""

    host: str
    port: int
    credentials: str = ""
    """What its Proxy-Authorization is; empty where it wants none."""

    @classmethod
    def parse(cls, url: str) -> Parent:
        """A proxy of an environment variable: `http://user:password@host:port`, the scheme may be missing. Raises UsageError where it is of another kind."""
        parts = urlsplit(url if "://" in url else f"http://{url}")
        try:
            port = parts.port or 80
        except ValueError:
            port = 0
        if parts.scheme != "http" or not parts.hostname or not port:
            raise UsageError("the proxy that the environment names is no http://host:port, so other hosts cannot be reached through it; unset it for this run")
        user = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        return cls(parts.hostname, port, "" if user == ":" else "Basic " + base64.b64encode(user.encode()).decode())

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """The headers that it wants."""
        return (("Proxy-Authorization", self.credentials),) if self.credentials else ()


class Outside:
    """The way to other hosts. `parent` is the user's own proxy, `direct` what is reached without it, written as NO_PROXY is."""

    def __init__(self, living: Living, parent: Parent | None, direct: str) -> None:
        self._living = living
        self._parent = parent
        self._direct = direct

    def parent(self, place: Place) -> Parent | None:
        """The proxy that a place is reached through, None: without one."""
        if self._parent is None or hosts.is_loopback(place.host) or urllib.request.proxy_bypass_environment(str(place), {"no": self._direct}):  # type: ignore[attr-defined]
            return None
        return self._parent

    async def fake(self, host: str, port: int) -> End:
        """A connection to the fake. Raises DialError."""
        return await self._connect(await look_up(host, port))

    async def dial(self, place: Place) -> End:
        """A connection to a host, by an address of its that was looked at. Raises DialError, ForbiddenAddressError."""
        found = await look_up(place.host, place.port)
        for name in (*(entry[4][0] for entry in found), *(entry[3] for entry in found if entry[3])):
            if hosts.way(str(name)) is not Way.PASS:
                raise ForbiddenAddressError(hosts.why(str(name)))
        return await self._connect(found, place.host if place.scheme == "https" else None)

    async def to(self, parent: Parent) -> End:
        """A connection to the user's own proxy. Raises DialError."""
        return await self._connect(await look_up(parent.host, parent.port))

    async def through(self, parent: Parent, place: Place) -> End:
        """A tunnel to a host through the user's own proxy. Raises DialError."""
        end = await self.to(parent)
        lines = (f"CONNECT {place} HTTP/1.1", f"Host: {place}", *(f"{name}: {value}" for name, value in parent.fields), "", "")
        end.send("\r\n".join(lines).encode())
        answer = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2 * PATIENCE):
                answer = await end.head()
        words = (answer or b"").split(b"\r\n")[0].split(maxsplit=2)
        if len(words) < 2 or not words[1].startswith(b"2"):
            end.abort()
            raise DialError(f"the environment's own proxy refuses it ({b' '.join(words[1:]).decode('latin-1') or 'no answer'})")
        return end

    async def _connect(self, found: list[Any], tls: str | None = None) -> End:
        """A connection to the first address that takes one. `tls` is the host whose certificate is to be shown; None: no TLS. Raises DialError."""
        loop = asyncio.get_running_loop()
        context = None if tls is None else await asyncio.to_thread(ssl.create_default_context)
        failure = "it has no address"
        for entry in found:
            try:
                async with asyncio.timeout(PATIENCE):
                    address, port = entry[4][:2]
                    return (await loop.create_connection(lambda: End(self._living), str(address), int(port), ssl=context, server_hostname=tls))[1]
            except TimeoutError:
                failure = "it does not answer"
            except (OSError, UnicodeError) as error:
                failure = str(error)
        raise DialError(failure)


async def look_up(host: str, port: int) -> list[Any]:
    """The addresses of a host, as `getaddrinfo` gives them. Raises DialError where it has none.

    Each is asked for in a thread that nobody waits for at the end: asyncio's own pool would hold up a stop for as long as a name server keeps silent.
    """
    loop = asyncio.get_running_loop()
    if hosts.is_address(host):
        return [(0, 0, 0, "", (host, port))]
    answer: asyncio.Future[list[Any]] = loop.create_future()

    def tell(found: list[Any], error: Exception | None) -> None:
        if answer.done():
            return
        if error is None:
            answer.set_result(found)
        else:
            answer.set_exception(DialError(f"its name is not known here ({error})"))

    def ask() -> None:
        found: list[Any] = []
        failure: Exception | None = None
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_CANONNAME)
        except (OSError, UnicodeError) as error:
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(tell, found, failure)

    threading.Thread(target=ask, name="mock-june-relay-names", daemon=True).start()
    return await answer
