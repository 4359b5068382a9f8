"""What interception costs: a call by the relay, and the start of a program under `mock-june run`."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.payloads import GOOD
from benchmarks.servers import BenchError
from benchmarks.table import OURS, Goal, Row, Setting

ABOUT = "Interception"
STRAIGHT = "straight to the fake"
BARE = "the bare command"
HOST = "127.0.0.1"
TURN = 300
REQUESTS = [one.bytes() for one in GOOD]

STARTS = 5
"""How often a program is started in a round. The quickest counts: what it does is always the same, and other work on the machine only adds to it."""


def intercept(setting: Setting) -> list[Row]:
    """One client's calls in TLS by the relay beside those straight to the fake; the start of a program under `run`."""
    rate = Row("calls of one client over one connection, in TLS by the relay (at the median)", "1/s", goals=(Goal(1000),), about=ABOUT)
    added = Row("added to a call by the relay (of the medians)", "ms", more_is_better=False, goals=(Goal(1),), digits=2, about=ABOUT)
    begun = Row("start of a Python program under run", "s", more_is_better=False, digits=2, about=ABOUT)
    over = Row("start of a Python program under run, over the bare command", "s", more_is_better=False, goals=(Goal(0.6),), digits=2, about=ABOUT)
    for turn in range(setting.rounds):
        straight, relayed = _calls(setting.seconds)
        rate.add(OURS, 1 / median(relayed))
        rate.add(STRAIGHT, 1 / median(straight))
        added.add(OURS, 1000 * (median(relayed) - median(straight)))
        bare, run = _starts()
        begun.add(OURS, run)
        begun.add(BARE, bare)
        over.add(OURS, run - bare)
        setting.say(f"intercept, round {turn + 1}: {rate.values[OURS][-1]:,.0f}/s, {added.values[OURS][-1]:.2f} ms added; start {run:.2f} s, bare {bare:.2f} s")
    return [rate, added, begun, over]


def _calls(seconds: float) -> tuple[list[float], list[float]]:
    """Seconds of each call, straight and by the relay. They take turns of TURN calls, so that other work on the machine meets both."""
    with TemporaryDirectory(prefix="mock-june-bench-") as folder:
        ca = Path(folder, "ca.pem")
        with _relayed(ca) as (fake, relay):
            context = ssl.create_default_context(cafile=ca)
            with (
                closing(socket.create_connection((HOST, fake))) as plain,
                closing(context.wrap_socket(socket.create_connection((HOST, relay)), server_hostname="api.june.so")) as secured,
            ):
                for sock in (plain, secured):
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    _turn(sock)  # the first calls of a connection are slower, on either way
                straight: list[float] = []
                relayed: list[float] = []
                end = time.perf_counter() + 2 * seconds
                while time.perf_counter() < end:
                    straight += _turn(plain)
                    relayed += _turn(secured)
    return straight, relayed


@contextmanager
def _relayed(ca: Path) -> Iterator[tuple[int, int]]:
    """A fake and a relay in a process of their own: their ports."""
    command = [sys.executable, "-m", "benchmarks.relayed", str(ca)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  # ours
        try:
            ports = process.stdout.readline().split() if process.stdout is not None else []
            if len(ports) != 2:
                raise BenchError("the relay did not start")
            yield int(ports[0]), int(ports[1])
        finally:
            if process.stdin is not None:
                process.stdin.close()


def _turn(sock: socket.socket) -> list[float]:
    """Seconds of each of TURN calls over one connection, one after the other."""
    times = []
    for number in range(TURN):
        begin = time.perf_counter()
        _ask(sock, REQUESTS[number % len(REQUESTS)])
        times.append(time.perf_counter() - begin)
    return times


def _ask(sock: socket.socket, request: bytes) -> None:
    sock.sendall(request)
    answer = sock.recv(65536)
    if not (answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"}")):
        raise BenchError(f"a good call was answered {answer[:80]!r}")


def _starts() -> tuple[float, float]:
    """Seconds that a Python program which does nothing takes: bare, and under `run`. They take turns."""
    program = [sys.executable, "-c", "pass"]
    run = [sys.executable, "-m", "mock_june", "run", "--allow-empty", "--", *program]
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(STARTS):
        for command, times in zip((program, run), taken, strict=True):
            begin = time.perf_counter()
            ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603  # ours
            times.append(time.perf_counter() - begin)
            if ended.returncode:
                raise BenchError(f"{' '.join(command)} ended with {ended.returncode}: {ended.stderr[-300:]}")
    return min(taken[0]), min(taken[1])
