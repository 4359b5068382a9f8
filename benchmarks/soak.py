"""`python -m benchmarks.soak`: hours of use in minutes. A million calls of ten thousand keys, then thousands of connections that only hold on.

Held to: memory that grows by 32 MiB at most, no descriptor left, a p99 at the end of at most 1.5 times that at the start, good calls answered within a second
while others stall. Writes what it saw to benchmarks/soak.json when asked to; exit code 1: a goal is not reached.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import click

from benchmarks.load import Turn, drive
from benchmarks.payloads import SAMPLES
from benchmarks.servers import BenchError, MockJune, Running, running

MOST_GROWTH = 32.0
"""MiB that the server may grow by, from the end of the first windows to the end of the last."""

MOST_P99 = 1.5
"""Times the first windows' p99 that the last windows' may be."""

SLOWEST = 1.0
"""Seconds in which a good call is answered, whatever others do."""

CONNECTIONS = 16
WINDOWS = 50
"""Equal parts of the load, each with a p99 of its own."""

ENDS = 5
"""Windows that the start and the end are: the median of their p99s counts, since a shared machine has its moments."""

GOOD_CALLS = 200
HELD = 512
"""Connections that are opened at once."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a soak saw. Memory in MiB, latencies in milliseconds."""

    calls: int
    workspaces: int
    calls_per_second: float
    memory_at_first: float
    memory_at_end: float
    p99_at_first: float
    p99_at_end: float
    idle: int
    stalled: int
    streams: int
    slowest_good_call: float
    descriptors_at_first: int
    descriptors_at_end: int

    @property
    def faults(self) -> list[str]:
        """What is not as it must be; empty where all is."""
        growth = self.memory_at_end - self.memory_at_first
        first, end = self.p99_at_first, self.p99_at_end
        found = [
            (growth > MOST_GROWTH, f"memory grew by {growth:.1f} MiB, more than {MOST_GROWTH:g}"),
            (end > MOST_P99 * first, f"p99 went from {first:.2f} to {end:.2f} ms, more than {MOST_P99:g} times"),
            (self.slowest_good_call > SLOWEST * 1000, f"a good call took {self.slowest_good_call:.0f} ms beside connections that stall"),
            (self.descriptors_at_end > self.descriptors_at_first, f"{self.descriptors_at_end - self.descriptors_at_first} descriptors were left"),
        ]
        return [text for wrong, text in found if wrong]


def soak(server: Running, calls: int, workspaces: int, idle: int, stalled: int, streams: int) -> Seen:
    """Puts a server through all of it. Raises BenchError where a call is not answered 200."""
    requests = _requests(workspaces)
    first = _descriptors(server)
    memory: list[float] = []
    p99s: list[float] = []
    began = time.monotonic()
    for window in range(WINDOWS):
        p99s.append(_window(server, requests, calls // WINDOWS))
        memory.append(server.resident())
        if window % 10 == ENDS - 1:
            click.echo(f"soak: {(window + 1) * (calls // WINDOWS):,} calls, p99 {p99s[-1]:.2f} ms, {memory[-1]:.0f} MiB", err=True)
    rate = calls / (time.monotonic() - began)
    slowest = asyncio.run(_beside_others(server, next(requests), idle, stalled, streams))
    return Seen(
        calls,
        workspaces,
        round(rate),
        round(memory[ENDS - 1], 1),
        round(memory[-1], 1),
        round(median(p99s[:ENDS]), 3),
        round(median(p99s[-ENDS:]), 3),
        idle,
        stalled,
        streams,
        round(slowest, 1),
        first,
        _settled(server, first),
    )


def _requests(workspaces: int) -> Iterator[bytes]:
    """Good calls without end, each of the next key, no two alike."""
    number = 0
    kinds = list(SAMPLES)
    while True:
        kind = kinds[number % len(kinds)]
        body = json.dumps({**SAMPLES[kind], "userId": f"user-{number}"}).encode()
        head = (
            f"POST /api/{kind} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic soak-key-{number % workspaces:06}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        yield head.encode() + body
        number += 1


def _window(server: Running, requests: Iterator[bytes], count: int) -> float:
    """The p99, in milliseconds, of so many calls over kept connections."""
    left = count

    def following() -> bytes | None:
        nonlocal left
        left -= 1
        return next(requests) if left >= 0 else None

    turn = Turn(following)
    asyncio.run(drive(server, turn, CONNECTIONS))
    if turn.wrong or len(turn.latencies) != count:
        raise BenchError(f"of {count} calls {len(turn.latencies)} were answered, {turn.wrong} of them not 200")
    return sorted(turn.latencies)[count * 99 // 100] * 1e3


async def _beside_others(server: Running, good: bytes, idle: int, stalled: int, streams: int) -> float:
    """The slowest of some good calls, in milliseconds, while connections idle, bodies stall and streams are open, each of which is then closed."""
    half = good.replace(b"Content-Length: ", b"Content-Length: 9")
    stream = b"GET /_mock/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    held = [*[b""] * idle, *[half] * stalled, *[stream] * streams]
    writers: list[asyncio.StreamWriter] = []
    try:
        for place in range(0, len(held), HELD):
            opened = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", server.port) for _ in held[place : place + HELD]))
            for (_, writer), said in zip(opened, held[place : place + HELD], strict=True):
                writer.write(said)
                writers.append(writer)
        await asyncio.sleep(0.2)
        slowest = 0.0
        for _ in range(GOOD_CALLS):
            began = time.monotonic()
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(good)
            answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
            slowest = max(slowest, time.monotonic() - began)
            writer.close()
            if not answer.startswith(b"HTTP/1.1 200 "):
                raise BenchError(f"beside connections that stall a good call was answered {answer[:60]!r}")
        return slowest * 1e3
    finally:
        for writer in writers:
            writer.close()
        for writer in writers:
            with suppress(OSError):
                await writer.wait_closed()


def _descriptors(server: Running) -> int:
    """How many descriptors the server has open (Linux), without those of its journal, of which it keeps up to four readers for the next question."""
    found = 0
    for entry in Path(f"/proc/{server.pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            found += "journal.db" not in entry.readlink().name
    return found


def _settled(server: Running, wanted: int, patience: float = 10.0) -> int:
    """The same once it has closed what its clients closed."""
    give_up = time.monotonic() + patience
    while (found := _descriptors(server)) > wanted and time.monotonic() < give_up:
        time.sleep(0.05)
    return found


def allow(connections: int) -> None:
    """Lets this process, and the server that it starts, have so many connections. Raises BenchError where the system does not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + 200
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise BenchError(f"{connections} connections need {needed} descriptors, and `ulimit -Hn` allows {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))


@click.command(help=(__doc__ or "").partition("\n")[0])
@click.option("--calls", default=1_000_000, show_default=True, type=click.IntRange(WINDOWS * 100))
@click.option("--workspaces", default=10_000, show_default=True, type=click.IntRange(1))
@click.option("--idle", default=5_000, show_default=True, type=click.IntRange(0), help="Connections that say nothing.")
@click.option("--stalled", default=64, show_default=True, type=click.IntRange(0), help="Bodies that never end.")
@click.option("--streams", default=200, show_default=True, type=click.IntRange(0), help="Readers of the stream.")
@click.option("--record", type=click.Path(path_type=Path, dir_okay=False), help="Where to write what was seen, as JSON.")
def main(calls: int, workspaces: int, idle: int, stalled: int, streams: int, record: Path | None) -> None:
    """One soak of `mock-june serve`."""
    try:
        allow(idle + stalled + streams)
        with running(MockJune()) as server:
            seen = soak(server, calls, workspaces, idle, stalled, streams)
    except BenchError as error:
        raise click.ClickException(str(error)) from error
    told = {**asdict(seen), "faults": seen.faults}
    click.echo(json.dumps(told, indent=2))
    if record is not None:
        record.write_text(json.dumps(told, indent=2) + "\n", "utf-8")
    sys.exit(bool(seen.faults))


if __name__ == "__main__":
    main()
