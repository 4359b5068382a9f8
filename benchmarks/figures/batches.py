"""How many events a second arrive in batches."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.load import press
from benchmarks.payloads import BATCHED, batch
from benchmarks.servers import running
from benchmarks.table import Goal, Row, Setting

CONNECTIONS = 4
DIFFERENT = 20
"""Batches that take turns: what is sent differs enough for the journal's indexes to be worked."""


def batches(setting: Setting) -> list[Row]:
    """Events/s in batches of 100, each event validated and committed with every filter indexed."""
    row = Row(f"events/s in batches of {BATCHED}, {CONNECTIONS} connections", "events/s", goals=(Goal(25_000),))
    posts = [batch(number) for number in range(DIFFERENT)]
    with ExitStack() as stack:
        servers = [stack.enter_context(running(kind)) for kind in setting.ours]
        for turn in range(setting.rounds):
            for server in servers:
                row.add(server.name, press(server, posts, CONNECTIONS, setting.seconds).rate * BATCHED)
                setting.say(f"batches, round {turn + 1}: {server.name} {row.values[server.name][-1]:,.0f} events/s")
    return [row]
