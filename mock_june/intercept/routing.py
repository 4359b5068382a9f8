"""What becomes of one connection to the relay: its first bytes say what it is, its host says where it goes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable
from dataclasses import replace
from typing import TypeVar

from mock_june.intercept import hello, hosts
from mock_june.intercept.admission import Admission
from mock_june.intercept.dialling import DialError, ForbiddenAddressError, Outside
from mock_june.intercept.framing import Body
from mock_june.intercept.heads import BadHeadError, Head, Place, Refusal, parse
from mock_june.intercept.hosts import JUNE, Way
from mock_june.intercept.tls import TlsClient
from mock_june.intercept.traffic import Counting
from mock_june.intercept.tunnel import Client, End, Living

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds that a client has for each thing that tells where it wants to go: browsers open connections before they need them."""

TLS = b"\x16"
"""How a TLS handshake begins (RFC 8446 section 5.1); no HTTP method does."""

HTTP, HTTPS = 80, 443

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
ASTRAY = "it came to the relay as June does, without a proxy's CONNECT"

NO_SERVER = "this is the relay of a mock-june run, and no web server: it serves the program under `mock-june run` alone"


class Router:
    """Serves connections. `context` ends TLS as June; `fake` is where June's calls go; `secret` is what a proxy's user must know.

    `carries`: a connection that comes without a proxy's request may be for another host too.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        fake: tuple[str, int],
        secret: str,
        counting: Counting,
        living: Living,
        outside: Outside,
        *,
        block_others: bool,
        carries: bool,
    ) -> None:
        context.sslobject_class = hello.Named
        context.sni_callback = _take_june
        self._context = context
        self._fake = fake
        self._admission = Admission(secret, counting)
        self._counting = counting
        self._living = living
        self._outside = outside
        self._block_others = block_others
        self._carries = carries

    async def serve(self, client: Client) -> None:
        """Takes a connection to where it belongs; what it then carries needs no task."""
        try:
            if await _soon(client.first()) == TLS:
                await self._direct(client)
            elif client.held:
                await self._request(client, await _head(client))
            else:
                client.abort()
        except Refusal as refused:
            client.refuse(refused.answer)
        except BadHeadError as error:
            client.refuse(Refusal(400, "invalid_request", f"{error}; nothing of it was sent on").answer)
        except TimeoutError:
            client.abort()
        except asyncio.CancelledError:
            client.abort()
            raise

    async def _direct(self, client: Client) -> None:
        """TLS at once: a shim has led a connection to a port 443 here, June's or, where the guard has closed the direct way, another host's.

        There is no refusing it in words before its handshake.
        """
        try:
            self._admission.want_our_user(client, Place(JUNE, HTTPS))
            name = await _soon(_asked(client))
            if not name or hosts.is_june(name) or not self._carries:
                await self._capture(client)
                return
            place = Place(hosts.plain(name), HTTPS)
            self._way(place)
            end = await self._reach(place)
        except Refusal:
            client.abort()
        else:
            client.join(end)

    async def _request(self, client: Client, head: Head) -> None:
        """A request in plain text: a proxy's, or a server's."""
        place = head.place()
        if place is None:
            await self._origin(client, head)
            return
        self._admission.want_secret(client, head)
        if head.method == "CONNECT" and place.port == HTTPS and hosts.is_address(place.host) and hosts.way(place.host) is Way.PASS:
            await self._by_name(client, place)
            return
        way = self._way(place)
        if head.method != "CONNECT":
            await self._forward(client, head, place, way)
        elif way is Way.FAKE:
            client.send(ESTABLISHED)
            await self._capture(client)
        else:
            end = await self._reach(place)
            client.send(ESTABLISHED)
            client.join(end)

    async def _origin(self, client: Client, head: Head) -> None:
        """A request as a server gets it: a shim has led a connection to a port 80 here. A page could send one too."""
        place = head.host()
        # The Host of a page whose name was bound to this address anew has this port in it.
        if hosts.way(place.host) not in {Way.FAKE, Way.FORBIDDEN} and (not self._carries or place.port != HTTP or hosts.is_loopback(place.host)):
            raise Refusal(403, "forbidden", NO_SERVER)
        self._admission.want_our_user(client, place, head)
        way = self._way(place)
        place = Place(place.host, place.port, "http", head.target)
        await self._forward(client, replace(head, target=f"http://{place.authority}{head.target}"), place, way)

    async def _forward(self, client: Client, head: Head, place: Place, way: Way) -> None:
        """One request in absolute form. For June it came in the clear, as old axios sends it to a proxy."""
        parent = self._outside.parent(place)
        if way is Way.FAKE:
            await self._once(client, head, await self._fake_end(client), place.path, JUNE)
        elif parent is None:
            await self._once(client, head, await self._reach(place), place.path, place.authority)
        else:
            end = await _tried(place, self._outside.to(parent))
            self._counting.passed(place)
            await self._once(client, head, end, head.target, place.authority, *parent.fields)

    async def _once(self, client: Client, head: Head, end: End, target: str, host: str, *more: tuple[str, str]) -> None:
        """Sends one request on. It is the only one of its connection: the next might be for another host."""
        try:
            body = Body(head)
        except BadHeadError:
            end.abort()
            raise
        end.send(head.onward(target, host, *more))
        client.join(end, body.take)

    async def _by_name(self, client: Client, place: Place) -> None:
        """A client that has looked up a host itself, and wants its address. TLS names the host: it may be June's, and then the address is not dialled."""
        client.send(ESTABLISHED)
        name = None
        if await _soon(client.first()) == TLS:
            name = await _soon(_asked(client))
        if name and hosts.is_june(name):
            await self._capture(client)
            return
        try:
            if name:
                self._way(Place(hosts.plain(name), place.port))
            self._way(place)
            end = await self._reach(place)
        except Refusal:  # the client has been told that all is well
            client.abort()
        else:
            client.join(end)

    async def _capture(self, client: Client) -> None:
        """What follows on the connection is for June: TLS, which is ended here, or plain HTTP."""
        if await _soon(client.first()) == TLS:
            secured = TlsClient(self._living, self._context)
            client.give_way(secured)
            if not await _soon(secured.handshake()):
                self._note(secured.failure, secured.asked)
                client.abort()
                return
            client = secured
        try:
            end = await self._fake_end(client)
        except Refusal as refused:  # inside the TLS
            client.refuse(refused.answer)
        else:
            client.join(end)

    def _note(self, failure: ssl.SSLError | None, asked: str | None) -> None:
        """A handshake came to nothing: it was for another host, or the client does not believe the certificate, and says so by an alert."""
        if asked is not None and not hosts.is_june(asked):
            self._counting.blocked(Place(hosts.plain(asked), HTTPS), ASTRAY)
        elif failure is not None and "ALERT" in (failure.reason or ""):
            self._counting.untrusted()

    def _way(self, place: Place) -> Way:
        """Where a place lies. Raises Refusal where it must not be reached."""
        way = hosts.way(place.host, block_others=self._block_others)
        if way in {Way.FORBIDDEN, Way.BLOCKED}:
            raise self._blocked(place, hosts.why(place.host))
        return way

    def _blocked(self, place: Place, why: str) -> Refusal:
        self._counting.blocked(place, why)
        return Refusal(403, "blocked", f"mock-june did not connect to {place}: {why}")

    async def _fake_end(self, client: Client) -> End:
        self._counting.captured()
        try:
            end = await self._outside.fake(*self._fake)
        except DialError as error:
            raise Refusal(502, "bad_gateway", f"the fake does not answer: {error}") from None
        end.speaks_for(client)
        return end

    async def _reach(self, place: Place) -> End:
        """A connection to a host that passes. Raises Refusal."""
        parent = self._outside.parent(place)
        try:
            end = await _tried(place, self._outside.dial(place) if parent is None else self._outside.through(parent, place))
        except ForbiddenAddressError as error:
            raise self._blocked(place, error.why) from None
        self._counting.passed(place)
        return end


def _take_june(connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> int | None:
    """Takes June's name, or none: whoever leads connections here without one has led June's. Another's is refused amid the handshake."""
    hello.hear(connection, name, context)
    return None if name is None or hosts.is_june(name) else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME


async def _soon(work: Awaitable[T]) -> T:
    return await asyncio.wait_for(work, PATIENCE)


async def _head(client: Client) -> Head:
    raw = await _soon(client.head())
    if raw is None:
        raise Refusal(431, "headers_too_large", "the request's headers are too large, or end early")
    return parse(raw)


async def _asked(client: Client) -> str:
    """The name that a client asks for in TLS, once its first message is whole; empty where it asks for none."""
    while True:
        name = hello.asked(bytes(client.held))
        if name is not None or client.ended or client.is_full():
            return name or ""
        await client.changed()


async def _tried(place: Place, work: Awaitable[End]) -> End:
    try:
        return await work
    except DialError as error:
        raise Refusal(502, "bad_gateway", f"mock-june could not reach {place} for the program: {error}") from None
