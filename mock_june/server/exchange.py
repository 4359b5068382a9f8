"""The short way of a plain call: from the parser to the front and back to the socket, without ASGI's task, messages and two writes, half of what a call costs.

What is not plain (another method, a query, a body that is chunked, long or awaited, a request behind one that is not answered yet) goes the long way and
gets the same answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from mock_june.server.answers import Answer, Headers
from mock_june.server.auth import HEADS
from mock_june.server.ingest import Request
from mock_june.server.routes import ROUTES

if TYPE_CHECKING:
    from mock_june.server.protocol import Protocol

PLAIN = {path.encode(): path for path in ROUTES}
"""The targets of plain calls, as they stand in a request line."""

MOST_BODY = 64 * 1024
"""Bytes of a plain call's body: below, uvicorn never stops reading."""

Take = Callable[["Exchange"], None]


class Exchange:
    """One plain call and its answer. It stands where uvicorn has its `RequestResponseCycle`, and has the attributes that uvicorn looks at or sets there."""

    def __init__(self, protocol: Protocol, path: str, take: Take) -> None:
        self._protocol = protocol
        self._path = path
        self._take = take
        self._headers = protocol.headers
        self.scope = protocol.scope
        self.keep_alive: bool = protocol.parser.should_keep_alive()
        self.body = b""
        self.more_body = True
        self.response_started = False
        self.response_complete = False
        self.disconnected = False
        self._taken = False

    @property
    def message_event(self) -> Exchange:
        """Uvicorn sets this event at each piece of news."""
        return self

    def set(self) -> None:
        """There is news: once the body is whole, or the client gone, the call is taken."""
        if not self._taken and (self.disconnected or not self.more_body):
            self._taken = True
            self._take(self)

    @property
    def transport(self) -> asyncio.Transport:
        """The connection."""
        return self._protocol.transport

    def request(self) -> Request:
        """The call as it came."""
        return Request("POST", self._path, "", _decoded(tuple(self._headers)), self.body, self.more_body, self._path, port_of(self.scope))

    def answer(self, answer: Answer) -> None:
        """Gives the answer, in one write, and goes on to the connection's next request."""
        if self.disconnected:
            return
        protocol, closing = self._protocol, not self.keep_alive or ("connection", "close") in answer.headers
        self.response_started = self.response_complete = True
        lines = [b"%b: %b\r\n" % field for field in protocol.server_state.default_headers]
        protocol.transport.write(b"".join((head(answer.status, answer.headers, len(answer.body), closing), *lines, b"\r\n", answer.body)))
        if closing:
            protocol.transport.close()
        protocol.on_response_complete()


def port_of(scope: Any) -> int:
    """The port that a request came from; 0 where it came by no port."""
    client = scope.get("client")
    return client[1] if client else 0


def plain(target: bytes, fields: Iterable[tuple[bytes, bytes]], limit: int) -> str | None:
    """The path of a POST that can go the short way, by its target and headers; None for all others."""
    path = PLAIN.get(target)
    if path is None:
        return None
    for name, value in fields:
        if name == b"content-length":
            if int(value) > min(limit, MOST_BODY):
                return None
        elif name in {b"transfer-encoding", b"expect", b"upgrade"}:
            return None
    return path


@lru_cache(HEADS)
def _decoded(fields: tuple[tuple[bytes, bytes], ...]) -> tuple[tuple[str, str], ...]:
    """Headers as text. A client sends the same ones again and again, but for the length."""
    return tuple([(name.decode("latin-1"), value.decode("latin-1")) for name, value in fields])


@lru_cache(256)
def head(status: int, headers: Headers, length: int, closing: bool) -> bytes:
    """An answer's head but for what uvicorn adds to each. The same few are given again and again."""
    fields = [*headers, *([("content-length", str(length))] if status != HTTPStatus.NO_CONTENT else [])]
    if closing and ("connection", "close") not in headers:
        fields.append(("connection", "close"))
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return STATUS_LINE[status] + lines.encode("latin-1")
