"""The server under test, over HTTP: one request after the other, never more than was said, none longer than it may take."""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

SECONDS = 5.0
"""How long one request may take, from the first byte sent to the last one read."""

MOST_READ = 1 << 16
"""How much of an answer is read, in bytes."""

SPARE = 20
"""How many requests are sent anew, in all."""

PATIENCE = 5.0
"""How long, in seconds, a server that says 429 is waited for at a time."""

CLOSED = "the connection broke"
"""What the error of a connection begins with that was there and is no more."""

SHOWN = 200
"""How many characters of an answer are shown."""

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

NO_JSON = object()
"""What a body that is no JSON is parsed to."""


class OverBudgetError(Exception):
    """More requests than were announced. Nothing was sent."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it is sent. `path` is below the server's URL."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    content: bytes


@dataclass(frozen=True)
class Answer:
    """What came: status, headers by lower-case name, the body's beginning. Status 0: nothing did, and `error` says why."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: str = ""

    @cached_property
    def json(self) -> Any:
        """The body as JSON (RFC 8259: NaN is none), or NO_JSON."""
        try:
            return json.loads(self.body, parse_constant=_refused)
        except (ValueError, RecursionError):
            return NO_JSON

    @property
    def shown(self) -> str:
        """It in short, for a person; control characters may stand in it."""
        if not self.status:
            return self.error
        text = self.body.decode("utf-8", "backslashreplace")
        return f"{self.status} {text if len(text) <= SHOWN else text[:SHOWN] + '…'}".strip()


def _refused(name: str) -> Any:
    raise ValueError(name)


class Server:
    """A server at `url`, asked with `key`. It is sent `most` requests and no more. `transport` stands in for the network in tests.

    Of these, `spare` may be sent anew: on another connection, where the one that was there is found closed; later, where the server says 429 for now.

    Raises ValueError for a URL that is none of HTTP's, and for a key that no header can hold.
    """

    def __init__(self, url: str, key: str, *, most: int = 0, seconds: float = SECONDS, transport: httpx.BaseTransport | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"the URL of a server looks like http://127.0.0.1:5863, not {url[:100]!r}")
        if not key or not key.isascii() or not key.isprintable() or key != key.strip():
            raise ValueError("an API key is printable ASCII, without a blank at either end")
        self.url = url.rstrip("/")
        self.key = key
        self.most = most
        self.spare = SPARE
        self.sent = 0
        self.local = parts.hostname in LOOPBACK
        self._seconds = seconds
        self._transport = transport
        self._worker: _Worker | None = None
        self._keeps = True

    def send(self, request: Request) -> Answer:
        """The answer to one request. Raises OverBudgetError."""
        answer = self._send(request)
        if answer.error.startswith(CLOSED) and self._keeps and self.spare:
            # Was it this request, or was the connection closed before it? From now on each has a new one, so that it can be told.
            self.spare -= 1
            self._keeps = False
            self._retire()
            answer = self._send(request)
        while answer.status == 429 and self.spare:
            self.spare -= 1
            time.sleep(_pause(answer))
            answer = self._send(request)
        return answer

    def _send(self, request: Request) -> Answer:
        if self.sent >= self.most:
            raise OverBudgetError(f"{self.most} requests were announced, and have been sent")
        self.sent += 1
        worker = self._worker = self._worker or _Worker(self._client())
        worker.requests.put((self.url, request))
        try:
            answer = worker.answers.get(timeout=self._seconds)
        except queue.Empty:
            # It may drip for as long as it likes: it is waited for no more, and the next request has a connection of its own.
            self._retire()
            return Answer(0, error=f"no answer within {self._seconds:g} s")
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _client(self) -> httpx.Client:
        # A proxy of the environment's has no business between this machine and itself.
        limits = httpx.Limits(max_keepalive_connections=None if self._keeps else 0)
        # Its own limit starts anew with each byte; it is there to end the thread, after nobody waits for it any more.
        # The system's authorities, or those of SSL_CERT_FILE: a server on this machine has a certificate of its own making. A context takes 20 ms to make.
        verify = ssl.create_default_context() if self.url.startswith("https:") else False
        return httpx.Client(
            timeout=self._seconds + 1, transport=self._transport, trust_env=not self.local, follow_redirects=False, limits=limits, verify=verify
        )

    def _retire(self) -> None:
        """Lets the worker end with its connections, once it has done what it is at."""
        if self._worker is not None:
            self._worker.requests.put(None)
            self._worker = None

    def close(self) -> None:
        """Closes the connections."""
        worker = self._worker
        if worker is not None:
            self._retire()
            worker.join(self._seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class _Worker(threading.Thread):
    """Sends what it is given, in a thread of its own: only so can a request have one limit of time, for each of httpx's starts anew with each byte."""

    def __init__(self, client: httpx.Client) -> None:
        super().__init__(name="mock-june-verify", daemon=True)
        self.requests: queue.SimpleQueue[tuple[str, Request] | None] = queue.SimpleQueue()
        self.answers: queue.SimpleQueue[Answer | Exception] = queue.SimpleQueue()
        self._client = client
        self.start()

    def run(self) -> None:
        """Until it is told to end, by a None."""
        with self._client:
            while (asked := self.requests.get()) is not None:
                try:
                    self.answers.put(self._answer(*asked))
                except Exception as error:  # noqa: BLE001 -- raised where the answer is waited for
                    self.answers.put(error)

    def _answer(self, url: str, request: Request) -> Answer:
        headers = [("Accept", "application/json"), ("Accept-Encoding", "identity"), ("User-Agent", "mock-june-verify"), *request.headers]
        try:
            return self._read(self._client.build_request(request.method, url + request.path, headers=headers, content=request.content))
        except httpx.TimeoutException as error:
            return Answer(0, error=f"no answer in time ({type(error).__name__})")
        except httpx.ConnectError as error:
            return Answer(0, error=f"no connection: {error}")
        except (httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError, httpx.CloseError) as error:
            return Answer(0, error=f"{CLOSED}: {str(error) or type(error).__name__}")
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            return Answer(0, error=f"{type(error).__name__}: {error}")

    def _read(self, request: httpx.Request) -> Answer:
        answer = self._client.send(request, stream=True)
        _acknowledge(answer)
        try:
            parts: list[bytes] = []
            size = 0
            for part in answer.iter_raw():
                parts.append(part)
                size += len(part)
                if size >= MOST_READ:
                    break
        finally:
            answer.close()
        return Answer(answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, b"".join(parts)[:MOST_READ])


def _pause(answer: Answer) -> float:
    """For how long, in seconds, a server wants to be left alone."""
    said = answer.headers.get("retry-after", "")
    return min(float(said), PATIENCE) if said.isdecimal() else 1.0


def _acknowledge(answer: httpx.Response) -> None:
    """Acknowledges an answer's head at once, where Linux lets us.

    Many a small server sends head and body apart, and the body not before the head is acknowledged (Nagle's algorithm), for which a kernel takes its time:
    40 ms an answer, a minute for all.
    """
    stream = answer.extensions.get("network_stream")
    sock = stream.get_extra_info("socket") if stream is not None else None
    if sock is not None and hasattr(socket, "TCP_QUICKACK"):
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
