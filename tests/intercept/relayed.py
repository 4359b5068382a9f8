"""What the relay's tests share: a host that does as it is told, a relay before it, and bytes to and fro."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Self

from mock_june.intercept.authority import Authority
from mock_june.intercept.relay import Relay

HOST = "127.0.0.1"
PATIENCE = 20.0
"""Seconds after which whoever keeps silent counts as hung."""

AUTHORITY = Authority.create()


class Upstream:
    """A host on a free port; each connection is given to `handle` in a thread of its own. `connections` counts them."""

    def __init__(self, handle: Callable[[socket.socket], None]) -> None:
        self._handle = handle
        self._sock = socket.create_server((HOST, 0))
        self.port: int = self._sock.getsockname()[1]
        self.connections = 0
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._run, daemon=True)
        self._accepting.start()

    @property
    def address(self) -> tuple[str, int]:
        return HOST, self.port

    def _run(self) -> None:
        while True:
            try:
                sock, _ = self._sock.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._one, args=(sock,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _one(self, sock: socket.socket) -> None:
        sock.settimeout(PATIENCE)
        with sock, contextlib.suppress(OSError):
            self._handle(sock)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()
        self._accepting.join(PATIENCE)  # it may be about to start another
        for thread in self._threads:
            thread.join(PATIENCE)


@contextlib.contextmanager
def upstream(handle: Callable[[socket.socket], None]) -> Iterator[Upstream]:
    """A host for the block."""
    host = Upstream(handle)
    try:
        yield host
    finally:
        host.close()


class Recorder:
    """A host that keeps what it gets, and answers each whole request (by its Content-Length; without one it has no body) with `answer`."""

    def __init__(self, answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") -> None:
        self.answer = answer
        self.got = bytearray()

    def __call__(self, sock: socket.socket) -> None:
        one = b""
        while data := sock.recv(65536):
            self.got += data
            one += data
            head, end, body = one.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
            if end and len(body) >= (int(length[1]) if length else 0):
                sock.sendall(self.answer)
                if b"\r\nconnection: close" in head.lower():
                    return
                one = b""


@contextlib.contextmanager
def relay(fake: tuple[str, int], **options: Any) -> Iterator[Relay]:
    """A relay for the block, with the one authority of all tests."""
    with Relay(AUTHORITY, fake, **options) as running:
        yield running


def connect(port: int) -> socket.socket:
    """A connection that does not wait for ever."""
    return socket.create_connection((HOST, port), timeout=PATIENCE)


def trusting() -> ssl.SSLContext:
    """What a client has that trusts the authority."""
    return ssl.create_default_context(cadata=AUTHORITY.certificate.decode())


class TlsPeer:
    """A TLS client on memory buffers: it can end its own direction alone, and sees a reset as one, which `ssl.SSLSocket` does not."""

    def __init__(self, port: int, name: str = "api.june.so") -> None:
        self.sock = connect(port)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = trusting().wrap_bio(self._in, self._out, server_hostname=name)
        self._step(self._tls.do_handshake)

    def sendall(self, data: bytes) -> None:
        self._step(lambda: self._tls.write(data))

    def recv(self, size: int) -> bytes:
        try:
            return self._step(lambda: self._tls.read(size))
        except ssl.SSLZeroReturnError:
            return b""

    def end(self) -> None:
        """Sends close_notify, and waits for none."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.unwrap()
        self.sock.sendall(self._out.read())

    def _step(self, call: Callable[[], Any]) -> Any:
        while True:
            try:
                return call()
            except ssl.SSLWantReadError:
                self.sock.sendall(self._out.read())
                data = self.sock.recv(65536)
                self._in.write(data) if data else self._in.write_eof()
            finally:
                if self._out.pending:
                    self.sock.sendall(self._out.read())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.sock.close()


def proof(running: Relay, user: str = "june") -> str:
    """The header line that knows the secret."""
    return f"Proxy-Authorization: Basic {base64.b64encode(f'{user}:{running.secret}'.encode()).decode()}\r\n"


def ask(running: Relay, line: str, fields: str = "", body: bytes = b"", *, secret: bool = True) -> bytes:
    """All that comes back to one request in plain text, until the end."""
    with connect(running.port) as sock:
        sock.sendall(f"{line} HTTP/1.1\r\n{proof(running) if secret else ''}{fields}\r\n".encode() + body)
        return rest(sock)


def rest(sock: socket.socket) -> bytes:
    """What still comes, until the end."""
    got = bytearray()
    while data := sock.recv(65536):
        got += data
    return bytes(got)


def refused(answer: bytes, status: int, code: str) -> str:
    """The message of a refusal, whose shape is looked at: one line of JSON, and the end of the connection."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), answer
    assert b"\r\nConnection: close" in head
    assert f"Content-Length: {len(body)}".encode() in head
    assert body.count(b"\n") == 1
    said = json.loads(body)
    assert (said["status"], said["success"], said["code"]) == (status, False, code)
    return said["message"]


def secured(sock: socket.socket, name: str | None = "api.june.so") -> ssl.SSLSocket:
    """TLS as a client begins it that trusts the authority."""
    context = trusting()
    context.check_hostname = name is not None
    return context.wrap_socket(sock, server_hostname=name)


def tunnel(running: Relay, place: str) -> socket.socket:
    """A connection through the relay by CONNECT, after its 200."""
    sock = connect(running.port)
    sock.sendall(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{proof(running)}\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = sock.recv(1)
        assert byte, head
        head += byte
    assert head.startswith(b"HTTP/1.1 200 "), head
    return sock


def eventually(holds: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Waits until something holds."""
    last = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < last
        time.sleep(0.005)
