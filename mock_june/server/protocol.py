"""uvicorn's HTTP/1.1 protocol, with what a fake needs beside it: its socket to drop, refusals in our one shape, no header out of a trailer, bounded headers.

It leans on few of uvicorn's internals: the hooks named here, `cycle`, `scope` and `transport`. A job runs the lowest and the newest uvicorn.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mock_june.server import answers
from mock_june.server.answers import Answer

MAX_HEADERS = 64 * 1024
"""Bytes of a request line and its headers; RFC 9112 section 3 leaves the limit to the server."""

EXTENSION = "mock_june.transport"


class Protocol(HttpToolsProtocol):
    """One connection. The ASGI scope of each of its requests carries the transport as an extension."""

    _head = 0
    _in_head = True
    _told = False

    def data_received(self, data: bytes) -> None:
        """Reads on, unless the head of a request grows without end."""
        if self._told:
            return
        if self._in_head:
            self._head += len(data)
        super().data_received(data)
        if self._in_head and self._head > MAX_HEADERS:
            self._refuse(answers.refusal(431, answers.CODES[431], f"the request's headers are over {MAX_HEADERS} bytes"))

    def on_message_begin(self) -> None:
        """A new request: its head begins."""
        super().on_message_begin()
        self._in_head = True
        self.scope["extensions"] = {EXTENSION: self.transport}  # type: ignore[typeddict-unknown-key]

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; what stands in a chunked body's trailer is none (RFC 9110 section 6.5.1)."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head = False
        self._head = 0
        super().on_headers_complete()

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """The client sends no more. One that has sent a whole call still gets its answer; then the connection ends."""
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete and not cycle.more_body and not self.scope["path"].startswith("/_mock"):
            cycle.keep_alive = False
            return True
        return None

    def _unsupported_upgrade_warning(self) -> None:
        """An upgrade is not offered: the request is answered as if it had not asked (RFC 9110 section 7.8). No need for a word in the log."""

    def send_400_response(self, msg: str) -> None:
        """What the parser cannot read, in our shape."""
        self._refuse(answers.refusal(400, "invalid_request", "this is not a valid HTTP/1.1 request; nothing of it was taken"))

    def _refuse(self, answer: Answer) -> None:
        """Answers below ASGI, once, and closes. Where an answer is on its way already, it only closes."""
        self._told = True
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            head = f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n"
            fields = "".join(f"{name}: {value}\r\n" for name, value in answer.headers)
            self.transport.write(f"{head}{fields}content-length: {len(answer.body)}\r\nconnection: close\r\n\r\n".encode() + answer.body)
        self.transport.close()


def reset(transport: asyncio.Transport) -> None:
    """Drops a connection so that the client sees it reset: SO_LINGER of zero seconds makes the close a RST."""
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def transport_of(scope: Any) -> asyncio.Transport | None:
    """The connection's transport; None under a server that is not ours."""
    transport: asyncio.Transport | None = scope.get("extensions", {}).get(EXTENSION)
    return transport
