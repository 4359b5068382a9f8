"""A server under test without a socket, and what became of the promises that it was held to."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import httpx
import pytest

from contract_tests.cases import Promise
from contract_tests.runner import Result, Runner
from contract_tests.server import Server
from contract_tests.suite import promises
from mock_june.cli import main
from tests.verify import wrong_servers
from tests.verify.wrong_servers import KEY, URL, Change

FEW = 2


@dataclass(frozen=True)
class Held:
    """A server that was held to promises."""

    results: dict[str, Result]
    most: int
    sent: int
    seen: int

    def ids(self, state: str) -> set[str]:
        """The ids of the promises in a state."""
        return {name for name, result in self.results.items() if result.state == state}


@cache
def thinned(*, sdk: bool, drawn: int, few: int, whole: frozenset[str] = frozenset()) -> tuple[Promise, ...]:
    """The promises with a few of their cases each; those of `whole` with all of them."""
    found = promises(with_sdk=sdk, drawn=drawn)
    return tuple(each if each.id in whole else replace(each, cases=each.cases[:: max(1, len(each.cases) // few)]) for each in found)


def hold(change: Change, chosen: Sequence[Promise], *, url: str = URL, seconds: float = 60.0) -> Held:
    """Holds a server that is the fake but for one change to promises."""
    transport = wrong_servers.Server(change)
    with Server(url, KEY, transport=transport) as server:
        runner = Runner(server, chosen, seconds=seconds)
        results = {result.promise.id: result for result in runner.results()}
    return Held(results, runner.most, server.sent, transport.count)


@pytest.fixture(scope="session", autouse=True)
def closed() -> Iterator[None]:
    """Closes the journal of the fake that the servers are made of."""
    yield
    if wrong_servers.fake.cache_info().currsize:
        wrong_servers.fake().mock.journal.close()


@contextmanager
def listening(change: Change, *, close: bool = False) -> Iterator[str]:
    """The URL of such a server on a socket. `close`: it closes the connection after each answer, and does not say so."""
    wrong = wrong_servers.Server(change)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = wrong.handle_request(httpx.Request(self.command, f"{URL}{self.path}", headers=list(self.headers.items()), content=body))
            said = answer.read()
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)
            self.close_connection = close

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def served(answer: Callable[[bytes], bytes | None], *, drip: float = 0.0, close: bool = False) -> Iterator[str]:
    """The URL of a server that knows nothing of HTTP: `answer` makes of a request's bytes what is sent back; None: nothing is, ever.

    `drip`: seconds a byte. `close`: the connection is closed after what is sent.
    """
    stopping = threading.Event()

    def talk(sock: socket.socket) -> None:
        with sock:
            sock.settimeout(10)
            while not stopping.is_set() and (request := _request(sock)):
                said = answer(request)
                if said is None:
                    stopping.wait(10)
                    return
                for part in [said[n : n + 1] for n in range(len(said))] if drip else [said]:
                    with suppress(OSError):
                        sock.sendall(part)
                    if stopping.wait(drip):
                        return
                if close:
                    return

    def listen() -> None:
        while not stopping.is_set():
            with suppress(TimeoutError):
                threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stopping.set()
            thread.join()


def _request(sock: socket.socket) -> bytes:
    """One request: what comes up to the blank line, and as much as Content-Length says."""
    got = b""
    with suppress(OSError):
        while b"\r\n\r\n" not in got:
            part = sock.recv(65536)
            if not part:
                return b""
            got += part
        head, _, body = got.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        while length is not None and len(body) < int(length[1]):
            body += sock.recv(65536)
        return head + b"\r\n\r\n" + body
    return b""


class Ended(NamedTuple):
    """What is left of a command that has run."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], tmp_path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """Runs `mock-june verify` with the arguments given, in an empty folder."""
    for name in ("NO_COLOR", "FORCE_COLOR", "MOCK_JUNE_VERIFY_KEY", "HYPOTHESIS_STORAGE_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def run(*argv: str) -> Ended:
        code = main.run(("verify", *argv))
        return Ended(code, *capfd.readouterr())

    return run
