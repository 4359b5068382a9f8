"""Load on a server: wrk where it is installed, else a small one of our own. Both send the same bytes over kept connections, one request at a time on each."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.payloads import KEY, Post
from benchmarks.servers import BenchError, Running

WRK = shutil.which("wrk")


@dataclass(frozen=True, slots=True)
class Load:
    """What a load did: answers, those that were no 200, seconds, and latencies in milliseconds."""

    answers: int
    wrong: int
    seconds: float
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return (self.answers - self.wrong) / self.seconds


def generator() -> str:
    """What makes the load on this machine."""
    if WRK is None:
        return "a load generator of our own (wrk is not installed)"
    return subprocess.run([WRK, "--version"], capture_output=True, text=True, check=False).stdout.splitlines()[0].split(" [")[0]  # noqa: S603  # wrk itself


def press(server: Running, posts: Sequence[Post], connections: int, seconds: float) -> Load:
    """Sends `posts` round and round over so many connections for so long. Raises BenchError when any answer is no 200."""
    load = _wrk(server, posts, connections, seconds) if WRK is not None else own(server, posts, connections, seconds=seconds)
    if load.wrong or not load.answers:
        raise BenchError(f"{server.name}: {load.wrong} of {load.answers} answers were no 200")
    return load


SCRIPT = """
local requests, turn = {{}}, 0
init = function()
  for i, one in ipairs({{ {posts} }}) do requests[i] = wrk.format("POST", one[1], wrk.headers, one[2]) end
end
request = function() turn = turn % #requests + 1; return requests[turn] end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, e.status + e.connect + e.read + e.write + e.timeout, summary.duration,
    latency:percentile(50), latency:percentile(99)))
end
wrk.headers["Authorization"] = "Basic {key}"
wrk.headers["Content-Type"] = "application/json"
"""


def _wrk(server: Running, posts: Sequence[Post], connections: int, seconds: float) -> Load:
    with tempfile.TemporaryDirectory(prefix="mock-june-bench-") as folder:
        script = Path(folder, "posts.lua")
        script.write_text(SCRIPT.format(posts=", ".join(f'{{ "{one.path}", [==[{one.body.decode()}]==] }}' for one in posts), key=KEY))
        command = [str(WRK), "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s", str(script), f"http://127.0.0.1:{server.port}"]
        out = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + 30).stdout  # noqa: S603  # wrk itself
    found = re.search(r"^RESULT (\d+) (\d+) (\d+) (\d+) (\d+)$", out, re.MULTILINE)
    if found is None:
        raise BenchError(f"wrk said no result of {server.name}: {out[-300:]}")
    answers, wrong, micros, p50, p99 = map(int, found.groups())
    return Load(answers, wrong, micros / 1e6, p50 / 1e3, p99 / 1e3)


@dataclass(slots=True)
class Turn:
    """What all connections of one load share: what to send next, what was answered. `next` gives None when it is over."""

    next: Callable[[], bytes | None]
    answered: Callable[[bytes, int], None] = lambda _sent, _status: None
    latencies: list[float] = field(default_factory=list)
    wrong: int = 0


class _Connection(asyncio.Protocol):
    """One kept connection: sends, waits for the whole answer, sends the next."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None
        self._sent = b""
        self._began = 0.0
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # for the type checker
        self.transport = transport
        self._send()

    def _send(self) -> None:
        sent = self.turn.next()
        assert self.transport is not None  # noqa: S101  # for the type checker
        if sent is None:
            self.transport.close()
            return
        self._sent = sent
        self._began = time.perf_counter()
        self.transport.write(sent)

    def data_received(self, data: bytes) -> None:
        self._data = data = self._data + data if self._data else data
        if not _whole(data):
            return
        self._data = b""
        self.turn.latencies.append(time.perf_counter() - self._began)
        status = int(data[9:12])
        if status != 200:  # OK
            self.turn.wrong += 1
        self.turn.answered(self._sent, status)
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        if not self.done.done():
            self.done.set_result(None)


LENGTH = re.compile(rb"(?i)\r\ncontent-length: *([0-9]+)\r\n")


def _whole(data: bytes) -> bool:
    """Whether an answer is all there: by its length, or by its last chunk."""
    head = data.find(b"\r\n\r\n")
    if head < 0:
        return False
    length = LENGTH.search(data, 0, head + 2)
    return data.endswith(b"\r\n0\r\n\r\n") if length is None else len(data) >= head + 4 + int(length[1])


def own(server: Running, posts: Sequence[Post], connections: int, *, seconds: float = 3600.0, count: int | None = None) -> Load:
    """The same load by our own means, for so long or so many requests, whichever ends first."""
    ready = [one.bytes() for one in posts]
    stop = time.perf_counter() + seconds
    sent = 0

    def following() -> bytes | None:
        nonlocal sent
        if sent == count or time.perf_counter() >= stop:
            return None
        sent += 1
        return ready[sent % len(ready)]

    turn = Turn(following)
    began = time.perf_counter()
    asyncio.run(drive(server, turn, connections))
    latencies = sorted(turn.latencies)
    if not latencies:
        raise BenchError(f"{server.name} answered nothing")
    return Load(len(latencies), turn.wrong, time.perf_counter() - began, latencies[len(latencies) // 2] * 1e3, latencies[len(latencies) * 99 // 100] * 1e3)


async def drive(server: Running, turn: Turn, connections: int) -> None:
    """Opens the connections and waits until all have ended."""
    loop = asyncio.get_running_loop()
    opened = [await loop.create_connection(lambda: _Connection(turn), "127.0.0.1", server.port) for _ in range(connections)]
    await asyncio.gather(*(protocol.done for _, protocol in opened))
