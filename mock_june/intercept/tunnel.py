"""Two connections joined: what comes at one goes out at the other. Nothing waits in between but what the slower side makes wait."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable

from mock_june.intercept import peers
from mock_june.intercept.heads import MOST

LINGER = 10.0
"""Seconds of silence after which a client that has been told the end, and says nothing itself, is parted from."""


class Living:
    """The ends that are open, and when a byte last moved."""

    def __init__(self) -> None:
        self.ends: set[End] = set()
        self.moved = 0.0
        self.clients: dict[int, int] = {}
        """Of each connection to the fake: the client's port, by our own."""


class End(asyncio.Protocol):
    """One connection. Until it is joined with another, what comes is held, and reading stops where that grows too large."""

    def __init__(self, living: Living) -> None:
        self.held = bytearray()
        self.ended = False
        """Whether the peer sends no more."""
        self._living = living
        self._moved = 0.0
        self._finished = False
        self._other: End | None = None
        self._sieve: Callable[[bytes], bytes] | None = None
        self._news: asyncio.Future[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport

    # ---- what the loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for mypy
        self._transport = transport
        self._living.ends.add(self)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        self.receive(data)

    def eof_received(self) -> bool:
        """The peer sends no more; it may still read, but where asyncio's TLS is between."""
        self.end()
        return self._transport.can_write_eof()

    def pause_writing(self) -> None:
        """The peer reads slowly: whoever sends to it waits."""
        if self._other is not None:
            self._other.pause()

    def resume_writing(self) -> None:
        """The peer has caught up."""
        if self._other is not None:
            self._other.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone; the other goes with it, once it has sent what it has."""
        self._living.ends.discard(self)
        self._living.clients.pop(self._transport.get_extra_info("sockname")[1], None)
        broken = exc is not None and not self.ended
        self.ended = True
        self._wake()
        if self._other is not None:
            self._other.part(broken=broken)

    # ---- what the relay does

    async def first(self) -> bytes:
        """The first byte that is held; empty where the peer ends without one."""
        while not self.held and not self.ended:
            await self.changed()
        return bytes(self.held[:1])

    async def head(self) -> bytes | None:
        """Takes a head, up to its empty line. None where it grows too large, or the peer ends within it."""
        begin = 0
        while True:
            end = self.held.find(b"\r\n\r\n", begin)
            if end >= 0:
                taken = bytes(self.held[: end + 4])
                del self.held[: end + 4]
                return taken
            begin = max(0, len(self.held) - 3)
            if self.is_full() or self.ended:
                return None
            await self.changed()

    async def changed(self) -> None:
        """Waits for more bytes, or the end."""
        self.resume()
        self._news = self._loop.create_future()
        await self._news

    def is_full(self) -> bool:
        """Whether as much is held as may be."""
        return len(self.held) >= MOST

    def speaks_for(self, client: End) -> None:
        """Says that what this end sends on is that client's."""
        self._living.clients[self._transport.get_extra_info("sockname")[1]] = client._transport.get_extra_info("peername")[1]

    def send(self, data: bytes) -> None:
        """Sends bytes to the peer."""
        if not self._finished and not self._transport.is_closing():
            self._transport.write(data)

    def finish(self) -> None:
        """Tells the peer that no more comes. It may still send, unless it has ended too."""
        if self._finished or self._transport.is_closing():
            return
        self._finished = True
        if self.ended:
            self._transport.close()
            return
        try:
            if self._transport.can_write_eof():  # asyncio's TLS cannot: its peer has been told `Connection: close`
                self._transport.write_eof()
        except OSError:  # the peer is gone already
            self._transport.abort()

    def part(self, *, broken: bool = False) -> None:
        """Closes, after what there is to send was sent. `broken` says that the other side broke off."""
        del broken
        self._transport.close()

    def abort(self) -> None:
        """Closes at once."""
        self._transport.abort()

    def pause(self) -> None:
        """Reads no more for now."""
        self._transport.pause_reading()

    def resume(self) -> None:
        """Reads on; asyncio would tell an end twice."""
        if not self.ended:
            self._transport.resume_reading()

    def join(self, other: End, sieve: Callable[[bytes], bytes] | None = None) -> None:
        """Joins two ends; what is held goes first. `sieve` gives of what this end receives the part that goes on."""
        self._sieve = sieve
        self._other, other._other = other, self
        for end in (self, other):
            held = bytes(end.held)
            end.held.clear()
            if held:
                end.receive(held)
            if end.ended:
                end.end()
            end.resume()
        if self._transport.is_closing():  # it went away while the other was being reached
            other.part()

    def receive(self, data: bytes) -> None:
        """Takes plain bytes of the peer's to the other end."""
        self._moved = self._living.moved = self._loop.time()
        if self._other is None:
            self.held += data
            if self.is_full():
                self.pause()
            self._wake()
            return
        taken = data if self._sieve is None else self._sieve(data)
        if taken:
            self._other.send(taken)
        if len(taken) < len(data):  # the request's end is behind: whoever waits for another is told that none comes
            self._other.finish()

    def end(self) -> None:
        """The peer sends no more: the other end is told."""
        self.ended = True
        self._wake()
        if self._other is not None:
            self._other.finish()
        if self._finished:
            self._transport.close()

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)


class Client(End):
    """The end that a client of the relay has. `begin` is called with it once the connection stands."""

    def __init__(self, living: Living, begin: Callable[[Client], None] = lambda _client: None) -> None:
        super().__init__(living)
        self._begin = begin

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        super().connection_made(transport)
        self._begin(self)

    def is_ours(self) -> bool:
        """Whether the client is a process of our own user, as far as the system tells."""
        peer, here = self._transport.get_extra_info("peername"), self._transport.get_extra_info("sockname")
        return peers.is_ours(peer, here) is not False

    def part(self, *, broken: bool = False) -> None:
        """Closes; where the other side broke off, as if it had broken off here: a client must see a fault of the fake as it is."""
        if broken:
            self._reset()
        else:
            super().part()

    def finish(self) -> None:
        """Tells the end, and closes when the client keeps silent after it: a pool may hold a connection for ever that it does not look at."""
        super().finish()
        if not self._transport.is_closing():
            self._loop.call_later(LINGER, self._let_go)

    def refuse(self, answer: bytes) -> None:
        """Sends an answer and the end. What the client still sends is read and dropped: unread, it would undo the answer (RFC 9112 section 9.6)."""
        self._sieve = lambda _data: b""
        self._other = self
        self.held.clear()
        self.send(answer)
        self.finish()
        self.resume()

    def give_way(self, successor: Client) -> None:
        """Hands the connection, with what is held of it, to another end."""
        self._living.ends.discard(self)
        successor.connection_made(self._transport)
        successor.ended = self.ended
        self._transport.set_protocol(successor)
        successor.data_received(bytes(self.held))
        successor.resume()

    def _let_go(self) -> None:
        quiet = self._loop.time() - self._moved
        if quiet < LINGER and not self._transport.is_closing():
            self._loop.call_later(LINGER - quiet, self._let_go)
        else:
            self._transport.close()

    def _reset(self) -> None:
        """SO_LINGER of zero seconds makes the close a RST."""
        with contextlib.suppress(OSError):
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()
