"""How many calls a second, and how long the slowest of them take."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.load import press
from benchmarks.payloads import GOOD
from benchmarks.servers import check, running
from benchmarks.table import Goal, Row, Setting

CONNECTIONS = 16


def calls(setting: Setting) -> list[Row]:
    """Calls/s at 16 connections and at one, and the p99 at 16; mock-june has validated and committed each before it answers.

    All servers run from beginning to end, each warmed by one load that does not count. They take turns, so that what else the machine does
    meets all alike.
    """
    many = Row(f"calls/s, {CONNECTIONS} connections", "calls/s", goals=(Goal(4, "Prism"), Goal(2, "WireMock")))
    slow = Row(f"p99 at {CONNECTIONS} connections", "ms", more_is_better=False, goals=(Goal(0.25, "WireMock"),), digits=2)
    one = Row("calls/s, one connection", "calls/s", goals=(Goal(0.8, "WireMock"),))
    with ExitStack() as stack:
        servers = [stack.enter_context(running(kind)) for kind in setting.kinds]
        for server in servers:
            check(server)
            press(server, GOOD, CONNECTIONS, setting.seconds)
        for turn in range(setting.rounds):
            for server in servers:
                load = press(server, GOOD, CONNECTIONS, setting.seconds)
                many.add(server.name, load.rate)
                slow.add(server.name, load.p99)
                one.add(server.name, press(server, GOOD, 1, setting.seconds).rate)
                setting.say(f"calls, round {turn + 1}: {server.name} {many.values[server.name][-1]:,.0f}/s, alone {one.values[server.name][-1]:,.0f}/s")
    return [many, slow, one]
