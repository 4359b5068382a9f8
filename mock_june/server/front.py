"""The event loop's face of the fake: it answers calls by the same `Ingest` as Flask does, and control requests by the same `control`.

It holds what needs the loop or the socket: delays, dropped connections, long polls, the stream.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

from mock_june.errors import JournalUnwritableError
from mock_june.journal import Ids
from mock_june.server.answers import UNDROPPED, Answer
from mock_june.server.control import api, live
from mock_june.server.exchange import Exchange, port_of
from mock_june.server.ingest import Ingest, Outcome, Request, broken, unrecorded
from mock_june.server.protocol import drop, transport_of
from mock_june.server.recorder import Recorder
from mock_june.server.state import Mock

LOG = logging.getLogger("mock_june.server")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

LINGER = 2.0
"""Seconds that a client which is refused unread may go on sending: closed at once, TCP would take the answer from it (RFC 9112 section 9.6)."""


class Front:
    """The ASGI application. What it answers is what Flask answers: `Ingest` and `control` do it for both."""

    def __init__(self, mock: Mock, ingest: Ingest) -> None:
        self.mock = mock
        self.ingest = ingest
        self.closing = asyncio.Event()
        self._recorder = Recorder(mock.journal)
        self._late: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        if api.is_control(scope["path"]):
            await self._steer(scope, receive, send)
        else:
            await self._take(scope, receive, send)

    async def _steer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One control request, once its body is there: a client that is slow to send holds no thread, and one that breaks off changes nothing."""
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        body, cut = await _read(headers, receive, api.MOST_BODY)
        if cut:
            return
        request = Request(scope["method"], scope["path"], scope["query_string"].decode("latin-1"), headers, body)
        outcome = await asyncio.to_thread(api.handle, self.mock, request)
        if isinstance(outcome, Answer):
            await respond(send, outcome, receive if body is None else None)
        else:
            await live.serve(self.mock, self.closing, outcome, receive, send)

    async def _take(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One call."""
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        body, cut = await _read(headers, receive, self.mock.settings.max_body)
        raw_path = scope.get("raw_path") or scope["path"].encode()
        query = scope["query_string"].decode("latin-1")
        request = Request(scope["method"], scope["path"], query, headers, body, cut, raw_path.decode("latin-1"), port_of(scope))
        try:
            outcome = self.ingest.judge(request)
            if outcome.call is not None:
                self.ingest.recorded(outcome.call, await self._recorder.record(outcome.call))
        except Exception as error:  # noqa: BLE001 - logged
            outcome = _failed(request, error)
        if cut:
            return
        if outcome.delay:
            await self._pause(outcome.delay)
        if outcome.drop is not None:
            await _drop(scope, receive, send, outcome)
        else:
            await respond(send, outcome.answer, receive if body is None else None)

    def take(self, exchange: Exchange) -> None:
        """One plain call, whole or cut: the same steps as in `_take`, without a task of its own."""
        if exchange.more_body and self.closing.is_set():  # it was our end that cut it, and the loop may be closing by now
            return
        request = exchange.request()
        try:
            outcome = self.ingest.judge(request)
        except Exception:  # noqa: BLE001 - logged in `broken`
            outcome = broken(request)
        call = outcome.call
        if call is None:
            exchange.answer(outcome.answer)
            return

        def recorded(result: Ids | Exception) -> None:
            try:
                if isinstance(result, Ids):
                    self.ingest.recorded(call, result)
                    self._give(exchange, outcome)
                else:
                    exchange.answer(_failed(request, result).answer)
            except Exception:
                LOG.exception("an answer failed; its connection is closed")
                exchange.transport.abort()

        self._recorder.add(call, recorded)

    def _give(self, exchange: Exchange, outcome: Outcome) -> None:
        """The answer as it was planned: at once, mostly."""
        if not outcome.delay and outcome.drop is None:
            exchange.answer(outcome.answer)
            return
        late = asyncio.get_running_loop().create_task(self._give_late(exchange, outcome))
        self._late.add(late)
        late.add_done_callback(self._late.discard)

    async def _give_late(self, exchange: Exchange, outcome: Outcome) -> None:
        if outcome.delay:
            await self._pause(outcome.delay)
        if outcome.drop is None:
            exchange.answer(outcome.answer)
        else:
            drop(exchange.transport, outcome.drop, outcome.answer)

    async def _pause(self, seconds: float) -> None:
        """A planned delay; it ends early when the server does."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.closing.wait(), seconds)


def _failed(request: Request, error: Exception) -> Outcome:
    """What is answered where a call is not on record."""
    if isinstance(error, JournalUnwritableError):
        return unrecorded(error)
    try:
        raise error  # noqa: TRY301 - to be at hand
    except Exception:  # noqa: BLE001 - logged in `broken`
        return broken(request)


async def _read(headers: list[tuple[str, str]], receive: Receive, limit: int) -> tuple[bytes | None, bool]:
    """The body, None if it is over the limit (what was announced too long is not read at all); and whether it ended early."""
    for name, value in headers:
        if name == "content-length" and value.isdecimal() and int(value) > limit:
            return None, False
    message = await receive()
    if message["type"] == "http.disconnect":
        return b"", True
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return (body, False) if len(body) <= limit else (None, False)
    parts, size = [body], len(body)
    while size <= limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(parts), True
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if not message.get("more_body"):
            return (b"".join(parts), False) if size <= limit else (None, False)
    return None, False


async def respond(send: Send, answer: Answer, unread: Receive | None = None) -> None:
    """An answer in ASGI's messages. `unread`: the rest of a body that nobody wants, read on for a while so that the client sees the answer."""
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    said = {name for name, _ in answer.headers}
    if answer.status != 204 and "content-length" not in said:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    if unread is not None and "connection" not in said:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if unread is not None:
        await send({"type": "http.response.body", "body": answer.body, "more_body": True})
        with suppress(TimeoutError):
            await asyncio.wait_for(_discard(unread), LINGER)
        await send({"type": "http.response.body", "body": b""})
        return
    await send({"type": "http.response.body", "body": answer.body})


async def _discard(receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return


async def _drop(scope: Scope, receive: Receive, send: Send, outcome: Outcome) -> None:
    """Ends the connection in the way that the fault says, and waits until it has ended: nothing more is answered on it."""
    transport = transport_of(scope)
    if transport is None:  # a server that is not ours cannot drop: say so
        await respond(send, UNDROPPED)
        return
    drop(transport, outcome.drop, outcome.answer)
    while (await receive())["type"] != "http.disconnect":
        pass
