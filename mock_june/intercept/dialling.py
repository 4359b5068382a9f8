"""Connections to the hosts that pass: by a checked address, or through the user's own proxy."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
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
            raise UsageError("the proxy that the environment names is no http://host:port: other hosts cannot be reached through it; unset it for this run")
        user = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        return cls(parts.hostname, port, "Basic " + base64.b64encode(user.encode()).decode() if user != ":" else "")

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """The headers that it wants."""
        return (("Proxy-Authorization", self.credentials),) if self.credentials else ()


async def connect(address: tuple[str, int], living: Living, tls: str | None = None) -> End:
    """A connection to one address. `tls` is the host whose certificate is to be shown; None: no TLS. Raises DialError."""
    loop = asyncio.get_running_loop()
    kind: Callable[[], End] = lambda: End(living)  # noqa: E731
    context = None if tls is None else ssl.create_default_context()
    try:
        async with asyncio.timeout(PATIENCE):
            _, end = await loop.create_connection(kind, *address, ssl=context, server_hostname=tls)
    except TimeoutError:
        raise DialError("it does not answer") from None
    except (OSError, UnicodeError) as error:
        raise DialError(str(error)) from None
    return end


async def dial(place: Place, living: Living) -> End:
    """A connection to a host that passes, by an address of its that was looked at. Raises DialError, ForbiddenAddressError."""
    failure = DialError("it has no address")
    for address in await addresses(place):
        try:
            return await connect((address, place.port), living, place.host if place.scheme == "https" else None)
        except DialError as error:
            failure = error
    raise failure


async def addresses(place: Place) -> list[str]:
    """The addresses of a host. Raises DialError where it has none, and ForbiddenAddressError where its name leads where nobody may go."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM, flags=socket.AI_CANONNAME)
    except (OSError, UnicodeError) as error:
        raise DialError(f"its name is not known here ({error})") from None
    names = [str(entry[4][0]) for entry in found]
    for name in (*names, *(entry[3] for entry in found if entry[3])):
        if hosts.way(name) is not Way.PASS:
            raise ForbiddenAddressError(hosts.why(name))
    return list(dict.fromkeys(names))


async def through(parent: Parent, place: Place, living: Living) -> End:
    """A tunnel to a host through the user's own proxy. Raises DialError."""
    end = await connect((parent.host, parent.port), living)
    lines = (f"CONNECT {place.authority} HTTP/1.1", f"Host: {place.authority}", *(f"{name}: {value}" for name, value in parent.fields), "", "")
    end.send("\r\n".join(lines).encode())
    answer = None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE * 2):
            answer = await end.head()
    words = (answer or b"").split(b"\r\n")[0].split(maxsplit=2)
    if len(words) < 2 or not words[1].startswith(b"2"):
        end.abort()
        raise DialError(f"the environment's own proxy refuses it ({b' '.join(words[1:]).decode('latin-1') or 'no answer'})")
    return end
