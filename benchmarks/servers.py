"""The servers that are measured: how each is started, seen to answer rightly, weighed and ended. Always on 127.0.0.1, always ended by its own pid."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import mock_june
from benchmarks.payloads import BROKEN, GOOD, KEY, Post

START_LIMIT = 60.0
"""Seconds that a server may take until its first answer."""

STOP_LIMIT = 10.0


class BenchError(Exception):
    """A measurement that cannot be made. Its text says why."""


class Kind(Protocol):
    """A server that can be started: what it is called, what starts it."""

    @property
    def name(self) -> str:
        """The name in the tables."""

    @property
    def usual(self) -> bool:
        """Whether it is set up as whoever installs it has it. These are what goals are measured against."""

    @property
    def best(self) -> bool:
        """Whether it is set up to be as fast as it can be."""

    def version(self) -> str:
        """Which version of it is measured."""

    def command(self, port: int, folder: Path) -> list[str]:
        """What to run. `folder` is empty and private to this run."""


@dataclass(frozen=True, slots=True)
class MockJune:
    """Ours. `uvloop` False hides that extra from it, as if it were not installed."""

    uvloop: bool = True

    @property
    def usual(self) -> bool:
        """Both: a plain install has no uvloop."""
        return True

    @property
    def best(self) -> bool:
        """With it."""
        return self.uvloop

    @property
    def name(self) -> str:
        """Ours, by its event loop."""
        return "mock-june" if self.uvloop else "mock-june without uvloop"

    def version(self) -> str:
        """Ours."""
        return mock_june.__version__

    def command(self, port: int, folder: Path) -> list[str]:  # noqa: ARG002  # a peer needs it
        """What `mock-june serve` is, in this interpreter."""
        hide = "" if self.uvloop else "import sys; sys.modules['uvloop'] = None; "
        return [sys.executable, "-c", f"{hide}from mock_june.cli.main import main; main()", "serve", "--port", str(port)]


@dataclass(slots=True)
class Running:
    """A server that answers. `first_answer` is seconds from the start of its process to its first 200."""

    name: str
    port: int
    pid: int
    first_answer: float = 0.0

    def send(self, one: Post) -> int:
        """The status that a call is answered. Raises OSError, HTTPException."""
        return self.ask("POST", one.path, one.body)[0]

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Status and body of any request. Raises OSError, HTTPException."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, {"Authorization": f"Basic {KEY}", "Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def resident(self) -> float:
        """Resident memory in MiB."""
        shown = subprocess.run(["ps", "-o", "rss=", "-p", str(self.pid)], capture_output=True, text=True, check=True)  # noqa: S603, S607  # ps
        return int(shown.stdout) / 1024


@contextmanager
def running(kind: Kind, options: Sequence[str] = ()) -> Iterator[Running]:
    """A server of this kind, started for the block and ended after it. `options` go to its command's end."""
    with TemporaryDirectory(prefix="mock-june-bench-") as folder:
        port = free_port()
        log = Path(folder, "log")
        began = time.perf_counter()
        with log.open("wb") as out:
            command = [*kind.command(port, Path(folder)), *options]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=folder, env=_environment())  # noqa: S603  # ours
        try:
            server = Running(kind.name, port, process.pid)
            _await_answer(server, process, log)
            server.first_answer = time.perf_counter() - began
            yield server
        finally:
            end(process)


def _environment() -> dict[str, str]:
    """Ours, without what would set other options than the benchmark does."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MOCK_JUNE_")}


def _await_answer(server: Running, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until a good call is answered 200, asked every millisecond that the port is still closed."""
    give_up = time.perf_counter() + START_LIMIT
    while time.perf_counter() < give_up and process.poll() is None:
        try:
            if server.send(GOOD[0]) == http.HTTPStatus.OK:
                return
        except (OSError, http.client.HTTPException):
            time.sleep(0.001)
    raise BenchError(f"{server.name} did not answer 200 within {START_LIMIT:g} s: {log.read_text(errors='replace')[-500:]}")


def check(server: Running) -> None:
    """Sees that what will be measured is a validating server: good calls 200, a broken one refused. Raises BenchError."""
    for one in GOOD:
        if (status := server.send(one)) != http.HTTPStatus.OK:
            raise BenchError(f"{server.name} answers {status} to a good call of {one.path}")
    if not http.HTTPStatus.BAD_REQUEST <= (status := server.send(BROKEN)) < http.HTTPStatus.INTERNAL_SERVER_ERROR:
        raise BenchError(f"{server.name} answers {status} to a broken call: it does not validate")


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process that we started, by its pid."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    """A port on the loopback that is free now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
