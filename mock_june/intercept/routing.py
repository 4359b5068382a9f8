"""What becomes of one connection to the relay: its first bytes say what it is, its host says where it goes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable
from typing import TypeVar

from mock_june.intercept import dialling, hosts
from mock_june.intercept.dialling import DialError, ForbiddenAddressError, Parent
from mock_june.intercept.framing import Body
from mock_june.intercept.heads import BadHeadError, Head, Place, parse, refusal
from mock_june.intercept.hosts import JUNE, Way
from mock_june.intercept.traffic import Counting
from mock_june.intercept.tunnel import Client, End, Living, Named

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds that a client has for what tells where it wants to go: browsers open connections before they need them."""

TLS = b"\x16"
"""How a TLS handshake begins (RFC 8446 section 5.1); no HTTP method does."""

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
CHALLENGE = ("Proxy-Authenticate", 'Basic realm="mock-june"')
SECRETLESS = ("Java/", "Java-http-client/")
"""Clients that cannot be given a proxy's password from outside: of them the user is asked, as of those that come without a proxy."""

STRANGER = "a process of another user asked"


class Refusal(Exception):  # noqa: N818 - an answer, not an error
    """What a client is told in the place of what it wanted."""

    def __init__(self, status: int, code: str, message: str, *more: tuple[str, str]) -> None:
        super().__init__(message)
        self.answer = refusal(status, code, message, *more)


class Router:
    """Serves connections. `context` ends TLS as June; `fake` is where June's calls go; `secret` is what a proxy's user must know."""

    def __init__(
        self,
        context: ssl.SSLContext,
        fake: tuple[str, int],
        secret: str,
        counting: Counting,
        living: Living,
        *,
        block_others: bool,
        parent: Parent | None,
    ) -> None:
        context.sslobject_class = Named
        context.sni_callback = _note_name
        self._context = context
        self._fake = fake
        self._secret = secret
        self._counting = counting
        self._living = living
        self._block_others = block_others
        self._parent = parent

    async def serve(self, client: Client) -> None:
        """Takes a connection to where it belongs; what it then carries needs no task."""
        try:
            if await _soon(client.first()) == TLS:
                await self._direct(client)
            else:
                await self._request(client, await _head(client))
        except Refusal as refused:
            client.refuse(refused.answer)
        except BadHeadError as error:
            client.refuse(refusal(400, "invalid_request", f"{error}; nothing of it was sent on"))
        except (TimeoutError, DialError):
            client.abort()
        except asyncio.CancelledError:
            client.abort()
            raise

    async def _direct(self, client: Client) -> None:
        """TLS at once: a shim has led a connection to June's port 443 here. There is no refusing it in words before its handshake."""
        if client.is_ours():
            await self._capture(client)
        else:
            self._counting.blocked(JUNE, 443, STRANGER)
            client.abort()

    # ---- a request in plain text

    async def _request(self, client: Client, head: Head) -> None:
        place = head.place()
        if place is None:
            await self._origin(client, head)
            return
        self._want_secret(client, head)
        way = self._way(place)
        if head.method == "CONNECT" and way is Way.FAKE:
            client.send(ESTABLISHED)
            await self._capture(client)
        elif head.method == "CONNECT":
            end = await self._reach(place)
            client.send(ESTABLISHED)
            client.join(end)
        elif way is Way.FAKE:
            body = Body(head)
            end = await self._fake_end()
            end.send(head.onward(place.path, JUNE))
            client.join(end, body.take)
        else:
            await self._forward(client, head, place)

    async def _origin(self, client: Client, head: Head) -> None:
        """A request as a server gets it: a shim has led a connection to June's port 80 here. A page could send one too; it says so by its Origin."""
        place = head.host()
        if hosts.way(place.host) not in {Way.FAKE, Way.FORBIDDEN}:
            raise Refusal(403, "forbidden", "this is the relay of a mock-june run, and no web server; it serves the program under `mock-june run` alone")
        if head.all("origin"):
            raise Refusal(403, "forbidden", "the relay of a mock-june run serves no page of a browser")
        if not client.is_ours():
            self._counting.blocked(place.host, place.port, STRANGER)
            raise Refusal(403, "forbidden", "the relay of a mock-june run serves the processes of its own user alone")
        self._way(place)
        end = await self._fake_end()
        end.send(head.onward(head.target, JUNE))
        client.join(end, Body(head).take)

    async def _forward(self, client: Client, head: Head, place: Place) -> None:
        """One plain request to another host. It is the only one on its connection: the next might be for another."""
        body = Body(head)
        if self._parent is not None and not hosts.is_loopback(place.host):
            end = await _tried(place, dialling.connect((self._parent.host, self._parent.port), self._living))
            self._counting.passed(hosts.plain(place.host), place.port)
            end.send(head.onward(head.target, place.authority, *self._parent.fields))
        else:
            end = await self._reach(place)
            end.send(head.onward(place.path, place.authority))
        client.join(end, body.take)

    # ---- who may

    def _want_secret(self, client: Client, head: Head) -> None:
        if head.knows(self._secret):
            return
        if head.all("origin"):
            raise Refusal(403, "forbidden", "the relay of a mock-june run serves no page of a browser")
        agents = head.all("user-agent")
        if not head.all("proxy-authorization") and agents and agents[0].startswith(SECRETLESS) and client.is_ours():
            return
        raise Refusal(407, "unauthorized", "the relay of a mock-june run wants its secret: use the proxy's URL as it stands in HTTPS_PROXY", CHALLENGE)

    def _way(self, place: Place) -> Way:
        """Where a place lies. Raises Refusal where it must not be reached."""
        way = hosts.way(place.host, block_others=self._block_others)
        if way in {Way.FORBIDDEN, Way.BLOCKED}:
            raise self._blocked(place, hosts.why(place.host))
        return way

    def _blocked(self, place: Place, why: str) -> Refusal:
        self._counting.blocked(hosts.plain(place.host), place.port, why)
        return Refusal(403, "blocked", f"mock-june did not connect to {place.host}:{place.port}: {why}")

    # ---- where to

    async def _capture(self, client: Client) -> None:
        """What follows on the connection is for June: TLS, which is ended here, or plain HTTP."""
        if await _soon(client.first()) == TLS:
            client = await self._end_tls(client)
        try:
            end = await self._fake_end()
        except Refusal as refused:  # inside the TLS
            client.refuse(refused.answer)
        else:
            client.join(end)

    async def _end_tls(self, client: Client) -> Client:
        secured = client.secured(self._context)
        if not await _soon(secured.handshake()):
            if secured.asked is not None and not hosts.is_june(secured.asked):
                self._counting.blocked(hosts.plain(secured.asked), 443, hosts.why(secured.asked))
            elif secured.failure is not None:
                self._counting.untrusted()
            raise DialError("no TLS")
        return secured

    async def _fake_end(self) -> End:
        self._counting.captured()
        try:
            return await dialling.connect(self._fake, self._living)
        except DialError as error:
            raise Refusal(502, "bad_gateway", f"the fake does not answer: {error}") from None

    async def _reach(self, place: Place) -> End:
        """A connection to a host that passes. Raises Refusal."""
        try:
            if self._parent is not None and not hosts.is_loopback(place.host):
                end = await _tried(place, dialling.through(self._parent, place, self._living))
            else:
                end = await _tried(place, dialling.dial(place, self._living))
        except ForbiddenAddressError as error:
            raise self._blocked(place, error.why) from None
        self._counting.passed(hosts.plain(place.host), place.port)
        return end


def _note_name(connection: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> int | None:
    """Takes June's name, or none: whoever leads connections here without one has led June's. Another's is refused amid the handshake."""
    if isinstance(connection, Named):
        connection.asked = name
    return None if name is None or hosts.is_june(name) else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME


async def _soon(work: Awaitable[T]) -> T:
    return await asyncio.wait_for(work, PATIENCE)


async def _head(client: Client) -> Head:
    raw = await _soon(client.head())
    if raw is None:
        raise Refusal(431, "headers_too_large", "the request's headers are too large, or end early")
    return parse(raw)


async def _tried(place: Place, work: Awaitable[End]) -> End:
    try:
        return await work
    except DialError as error:
        raise Refusal(502, "bad_gateway", f"mock-june could not reach {place.host}:{place.port} for the program: {error}") from None
