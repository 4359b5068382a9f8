"""What is left when the server is killed."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import signal
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.load import Turn, drive
from benchmarks.payloads import SAMPLES, post
from benchmarks.servers import BenchError, MockJune, Running, running
from benchmarks.table import OURS, Goal, Row, Setting

CONNECTIONS = 16
SOONEST, LATEST = 0.2, 0.8
"""Seconds under load before the kill."""


def kills(setting: Setting) -> list[Row]:
    """Calls acknowledged and yet lost when the server is killed (`kill -9`) under load, in `--kills` trials."""
    row = Row(f"acknowledged calls lost, {setting.kills} x kill -9 under load", "calls", more_is_better=False, goals=(Goal(0),))
    acknowledged = lost = 0
    for _ in range(setting.kills):
        answered, kept = _trial()
        acknowledged += len(answered)
        lost += len(answered - kept)
    setting.say(f"kills: {lost} of {acknowledged:,} acknowledged calls lost in {setting.kills} trials")
    row.add(OURS, lost)
    return [row]


def _trial() -> tuple[set[str], set[str]]:
    """The ids that were answered 200 before the kill, and those that a new server finds in the same journal."""
    with TemporaryDirectory(prefix="mock-june-bench-") as folder:
        options = ["--journal", str(Path(folder, "calls.db"))]
        with running(MockJune(), options) as server:
            answered = asyncio.run(_load_and_kill(server, random.uniform(SOONEST, LATEST)))  # noqa: S311  # no secret
        if not answered:
            raise BenchError("the server was killed before it acknowledged a call")
        with running(MockJune(), options) as server:
            return answered, _recorded(server)


async def _load_and_kill(server: Running, seconds: float) -> set[str]:
    numbers = itertools.count()
    answered: set[str] = set()

    def following() -> bytes:
        return post("track", {**SAMPLES["track"], "messageId": f"id-{next(numbers)}"}).bytes()

    def note(sent: bytes, status: int) -> None:
        if status == 200:  # OK
            answered.add(json.loads(sent.partition(b"\r\n\r\n")[2])["messageId"])

    asyncio.get_running_loop().call_later(seconds, os.kill, server.pid, signal.SIGKILL)
    await drive(server, Turn(following, note), CONNECTIONS)
    return answered


def _recorded(server: Running) -> set[str]:
    status, body = server.ask("GET", "/_mock/export?format=jsonl")
    if status != 200:  # OK
        raise BenchError(f"the export after a kill was answered {status}: {body[:200]!r}")
    return {payload["messageId"] for payload in map(json.loads, body.splitlines()) if "messageId" in payload}
