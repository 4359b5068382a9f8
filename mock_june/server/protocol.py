"""uvicorn's HTTP/1.1 protocol, with what a fake needs beside it: its socket to drop, refusals in our one shape, no header out of a trailer, bounded headers.

It leans on few of uvicorn's internals: the hooks named here, `cycle`, `scope` and `transport`. A job runs the lowest and the newest uvicorn.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mock_june.server import answers
from mock_june.server.answers import Answer
from mock_june.server.exchange import Exchange, Take, head, plain

MAX_HEADERS = 64 * 1024
"""Bytes of a request line and its headers, or of a trailer; RFC 9112 section 3 leaves the limit to the server."""

HALF_CALL = 0.5
"""Seconds that the rest of a call has to come when the server ends."""

PARTINGS = (0.2, 0.6, 0.9)
"""Seconds after a server's end at which TLS connections that have been closed, and wait for their clients to agree, are let go."""

EXTENSION = "mock_june.transport"

LOGGER = logging.getLogger("mock_june.server")
LOGGER.setLevel(logging.ERROR)  # uvicorn warns of every request that is none; we answer it


class Protocol(HttpToolsProtocol):
    """One connection. The ASGI scope of each of its requests carries the transport as an extension."""

    _pending = 0
    """Bytes since the parser last got on: of a head, a chunk's size line or a trailer, which it gathers in memory."""

    _in_head = True
    _replaying = False
    _running: Any = None
    """The request that is being answered; `cycle` is the newest, which may wait behind it."""

    _parting: bytes | None = None
    """The refusal of what the parser could not read, to be sent once the whole requests before it are answered. Nothing more is read then."""

    def __init__(self, *args: Any, take: Take | None = None, most_body: int = 0, **kwargs: Any) -> None:
        """`take` is what plain calls go to, with bodies of up to `most_body` bytes; without it all requests go to the ASGI application."""
        super().__init__(*args, **kwargs)
        self.logger = LOGGER
        self.access_log = False  # the configuration's own switch would silence every uvicorn in the process
        self._take = take
        self._most_body = most_body

    def data_received(self, data: bytes) -> None:
        """Reads on, unless what comes is no HTTP, or a head or a trailer grows without end."""
        if self._parting is not None:
            return
        self._unset_keepalive_if_required()
        self._pending += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserError:
            self._refuse(answers.refusal(400, "invalid_request", "this is not a valid HTTP/1.1 request; nothing of it was taken"))
        else:
            if self._pending > MAX_HEADERS:
                self._refuse(answers.refusal(431, answers.CODES[431], f"the request's headers are over {MAX_HEADERS} bytes"))

    def _feed(self, data: bytes) -> None:
        """Gives the parser all there is. An upgrade is not offered: its request is answered as if it had not asked (RFC 9110 section 7.8)."""
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]
                self._forget_upgrade()
            else:
                return

    def _forget_upgrade(self) -> None:
        """Takes a new parser that stands behind the same head without its upgrade: llhttp stops there, and would leave the body unread."""
        self.parser = httptools.HttpRequestParser(self)
        with contextlib.suppress(AttributeError):  # httptools before 0.6.3 has no leniencies
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own
        framing = [b"%b: %b" % field for field in self.headers if field[0] in {b"content-length", b"transfer-encoding"}]
        self._replaying = True
        self.parser.feed_data(b"\r\n".join((b"POST / HTTP/1.1", *framing, b"", b"")))
        self._replaying = False

    def on_message_begin(self) -> None:
        """A new request: its head begins."""
        if self._replaying:
            return
        super().on_message_begin()
        self._in_head = True
        self._pending = 0
        self.scope["extensions"] = {EXTENSION: {"transport": self.transport}}

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; what stands in a chunked body's trailer is none (RFC 9110 section 6.5.1)."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole. Raises, which refuses the request, where its body's end would be in doubt."""
        if self._replaying:
            return
        self._in_head = False
        self._pending = 0
        if not self._take_plain():
            self._check_codings()
            super().on_headers_complete()
        if not self.pipeline:
            self._running = self.cycle

    def _check_codings(self) -> None:
        codings = [value.strip().lower() for name, value in self.headers if name == b"transfer-encoding"]
        if codings and (codings != [b"chunked"] or self.parser.get_http_version() == "1.0"):
            raise ValueError("no transfer coding but chunked is undone here (RFC 9112 section 6.1)")

    def _take_plain(self) -> bool:
        """Opens an exchange with the front where a call is plain, and nothing before it on the connection waits for its answer."""
        free = (self.cycle is None or self.cycle.response_complete) and not self.flow.write_paused
        if self._take is None or not free or self.parser.get_method() != b"POST" or self.parser.get_http_version() != "1.1":
            return False
        path = plain(self.url, self.headers, self._most_body)
        if path is None:
            return False
        self.scope["path"] = path
        self.cycle = Exchange(self, path, self._take)  # type: ignore[assignment]
        return True

    def on_chunk_header(self) -> None:
        """A chunk's size line is whole."""
        self._pending = 0

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._pending = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._pending = 0
        if self.parser.should_upgrade():  # it is not: its body is still to come
            return
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """A request is answered; where the next one could not be read, that is said now."""
        following = self.pipeline[-1][0] if self.pipeline else None
        super().on_response_complete()
        if following is not None:
            self._running = following
        elif self._parting is not None:
            self._part()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone. Uvicorn tells the newest request of it; the one that is being answered, where others wait behind it, wants to know too."""
        super().connection_lost(exc)
        running = self._running
        if running is not None and running is not self.cycle and not running.response_complete:
            running.disconnected = True
            running.message_event.set()

    def shutdown(self) -> None:
        """The server ends. What came in is answered; half a call has a moment to become a whole one."""
        super().shutdown()
        if self.cycle is not None and not self.cycle.response_complete and self.cycle.more_body:
            self.loop.call_later(HALF_CALL, self.transport.close)
        if not self.transport.can_write_eof():
            for moment in PARTINGS:
                self.loop.call_later(moment, self._let_go)

    def _let_go(self) -> None:
        """In TLS a close waits for the client's own, 30 s where it keeps silent."""
        if self.transport.is_closing():
            self.transport.abort()

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """The client sends no more. One that has sent a whole call still gets its answer; then the connection ends."""
        if not self.transport.can_write_eof():  # in TLS asyncio ends both directions at once
            return None
        if self._parting is not None:
            return True
        cycle = self.cycle
        if cycle is None or cycle.response_complete or cycle.scope["path"].startswith("/_mock"):
            return None
        if cycle.more_body and not self.pipeline:
            return None
        if cycle.more_body:
            self._refuse(answers.refusal(400, "invalid_request", "the request's body ended early; nothing of it was taken"))
        else:
            cycle.keep_alive = False
        return True

    def _refuse(self, answer: Answer) -> None:
        """Answers below ASGI, once, and closes. The whole requests before it get their own answers first: a refusal must not be taken for one of them."""
        head = f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n"
        fields = "".join(f"{name}: {value}\r\n" for name, value in answer.headers)
        self._parting = f"{head}{fields}content-length: {len(answer.body)}\r\nconnection: close\r\n\r\n".encode() + answer.body
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:
                return
            if self.pipeline:  # the broken one waits for its turn behind whole ones: it will have none
                self.pipeline.popleft()
                return
            if cycle.response_started:
                self._parting = b""
        self._part()

    def _part(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(self._parting or b"")
            self.transport.close()


def reset(transport: asyncio.Transport) -> None:
    """Drops a connection so that the client sees it reset: SO_LINGER of zero seconds makes the close a RST."""
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def drop(transport: asyncio.Transport, how: str | None, answer: Answer) -> None:
    """Ends a connection in the place of an answer: reset; closed without a byte; closed amid an answer whose announced length is not kept."""
    if how == "reset":
        reset(transport)
        return
    if how == "truncate":
        transport.write(head(answer.status, answers.JSON, len(answer.body) + 1, closing=False) + b"\r\n" + answer.body[: len(answer.body) // 2])
    transport.close()


def transport_of(scope: Any) -> asyncio.Transport | None:
    """The connection's transport; None under a server that is not ours."""
    transport: asyncio.Transport | None = scope.get("extensions", {}).get(EXTENSION, {}).get("transport")
    return transport
