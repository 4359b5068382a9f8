"""Waiting: what holds an answer until something is recorded. On the event loop for the front (no thread is held), in the caller's thread for Flask alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import suppress
from typing import Any, Self, TypeVar

from mock_june import clock
from mock_june.errors import MockJuneError
from mock_june.journal import Journal
from mock_june.server.answers import Answer, Headers
from mock_june.server.control import api
from mock_june.server.control.asked import Live, Streamed
from mock_june.server.control.feeds import HEARTBEAT, Feed, Poll, rest
from mock_june.server.state import Mock

T = TypeVar("T")
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


def wait(poll: Poll) -> Answer:
    """A poll's answer, in this thread."""
    try:
        return api.dressed(_waited(poll))
    except MockJuneError as error:
        return api.dressed(api.refused_by(error))


def _waited(poll: Poll) -> Answer:
    deadline = clock.monotonic() + poll.seconds
    with _Recorded(poll.journal) as recorded:
        while True:
            recorded.clear()
            ready, due = _timed(poll.look, poll.journal)
            if ready or clock.monotonic() >= deadline:
                return poll.answer()
            recorded.wait(deadline - clock.monotonic())
            clock.sleep(max(0.0, min(due, deadline) - clock.monotonic()))


def chunks(journal: Journal, stream: Feed) -> Iterator[bytes]:
    """The stream in this thread, without an end: whoever reads it closes it."""
    yield stream.hello
    with _Recorded(journal) as recorded:
        while True:
            recorded.clear()
            chunk, due = _timed(stream.read, journal)
            if chunk:
                yield chunk
            if stream.at_end:
                if not recorded.wait(HEARTBEAT):
                    yield stream.heartbeat
                clock.sleep(max(0.0, due - clock.monotonic()))


def _timed(look: Callable[[], T], journal: Journal) -> tuple[T, float]:
    """What a look found, and when the next one is due, on the monotonic clock."""
    begun = clock.monotonic()
    found = look()
    ended = clock.monotonic()
    return found, ended + rest(ended - begun, len(journal.listeners))


class _Recorded(threading.Event):
    """Set after each commit."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal

    def __enter__(self) -> Self:
        self._journal.listeners.add(self.set)
        return self

    def __exit__(self, *_: object) -> None:
        self._journal.listeners.discard(self.set)


async def serve(mock: Mock, closing: asyncio.Event, outcome: Poll | Live | Streamed, receive: Receive, send: Send) -> None:
    """Gives an answer that takes long. Once `closing` is set, polls answer with what there is, and streams end."""
    async with _Bell(mock.journal, closing, receive) as bell:
        if isinstance(outcome, Poll):
            await _poll(send, outcome, bell)
        elif isinstance(outcome, Live):
            await _stream(send, mock.journal, outcome, bell)
        else:
            await _export(send, outcome, bell)


async def _poll(send: Send, poll: Poll, bell: _Bell) -> None:
    try:
        answer = await _awaited(poll, bell)
    except MockJuneError as error:
        answer = api.refused_by(error)
    if answer is not None:
        await _answer(send, api.dressed(answer))


async def _awaited(poll: Poll, bell: _Bell) -> Answer | None:
    """The poll's answer; None when there is nobody left to read it."""
    deadline = clock.monotonic() + poll.seconds
    while True:
        bell.clear()
        ready, due = await asyncio.to_thread(_timed, poll.look, poll.journal)
        if bell.gone:
            return None
        if ready or bell.ended or clock.monotonic() >= deadline:
            return await asyncio.to_thread(poll.answer)
        await bell.wait(deadline - clock.monotonic())
        await asyncio.sleep(max(0.0, min(due, deadline) - clock.monotonic()))


async def _stream(send: Send, journal: Journal, live: Live, bell: _Bell) -> None:
    """Sends as fast as the reader takes it: `send` waits while the socket is full, and until then nothing more is read from the journal."""
    stream = live.stream
    await _start(send, 200, live.headers)
    await _more(send, stream.hello)
    while not bell.ended:
        bell.clear()
        chunk, due = await asyncio.to_thread(_timed, stream.read, journal)
        if chunk:
            await _more(send, chunk)
        if stream.at_end:
            if not await bell.wait(HEARTBEAT):
                await _more(send, stream.heartbeat)
            if not bell.ended:
                await asyncio.sleep(max(0.0, due - clock.monotonic()))
    await send({"type": "http.response.body", "body": b""})


async def _export(send: Send, streamed: Streamed, bell: _Bell) -> None:
    await _start(send, 200, streamed.headers)
    while not bell.gone and (chunk := await asyncio.to_thread(next, streamed.chunks, b"")):
        await _more(send, chunk)
    await send({"type": "http.response.body", "body": b""})


async def _answer(send: Send, answer: Answer) -> None:
    await _start(send, answer.status, (*answer.headers, ("content-length", str(len(answer.body)))))
    await send({"type": "http.response.body", "body": answer.body})


async def _start(send: Send, status: int, headers: Headers) -> None:
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": pairs})


async def _more(send: Send, chunk: bytes) -> None:
    await send({"type": "http.response.body", "body": chunk, "more_body": True})


class _Bell:
    """Rings on the loop after a commit, which may happen on any thread; and for the last time when the client goes or the server closes.

    However many commits there are, the loop is woken once until `clear`.
    """

    def __init__(self, journal: Journal, closing: asyncio.Event, receive: Receive) -> None:
        self._journal = journal
        self._closing = closing
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._rung = asyncio.Event()
        self._ringing = False
        self.ended = self.gone = False

    async def __aenter__(self) -> Self:
        self._journal.listeners.add(self._ring)
        self._watchers = [self._loop.create_task(self._watch_server()), self._loop.create_task(self._watch_client())]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._journal.listeners.discard(self._ring)
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)

    def clear(self) -> None:
        """From now on it can ring anew."""
        self._ringing = False
        self._rung.clear()
        if self.ended:
            self._rung.set()

    async def wait(self, seconds: float) -> bool:
        """Whether it rang within so many seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._rung.wait(), seconds)
        return self._rung.is_set()

    def _ring(self) -> None:
        if not self._ringing:
            self._ringing = True
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._rung.set)

    async def _watch_server(self) -> None:
        await self._closing.wait()
        self.ended = True
        self._rung.set()

    async def _watch_client(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = self.ended = True
        self._rung.set()
