"""How many calls a second, and how long the slowest of them take."""

from __future__ import annotations

from benchmarks.load import press
from benchmarks.payloads import GOOD
from benchmarks.servers import check, running
from benchmarks.table import Goal, Row, Setting

CONNECTIONS = 16


def calls(setting: Setting) -> list[Row]:
    """Calls/s at 16 connections and at one, and the p99 at 16; mock-june has validated and committed each before it answers.

    In each round each server is started anew, as a run of tests does, put under one load that does not count, then measured.
    """
    many = Row(f"calls/s, {CONNECTIONS} connections", "calls/s", goals=(Goal(4, "Prism"), Goal(2, "WireMock")))
    slow = Row(f"p99 at {CONNECTIONS} connections", "ms", more_is_better=False, goals=(Goal(0.25, "WireMock"),), digits=2)
    one = Row("calls/s, one connection", "calls/s", goals=(Goal(0.8, "WireMock"),))
    for turn in range(setting.rounds):
        for kind in setting.usual:
            with running(kind) as server:
                check(server)
                press(server, GOOD, CONNECTIONS, setting.seconds)
                load = press(server, GOOD, CONNECTIONS, setting.seconds)
                many.add(kind.name, load.rate)
                slow.add(kind.name, load.p99)
                one.add(kind.name, press(server, GOOD, 1, setting.seconds).rate)
            setting.say(f"calls, round {turn + 1}: {kind.name} {load.rate:,.0f}/s, p99 {load.p99:.1f} ms, alone {one.values[kind.name][-1]:,.0f}/s")
    return [many, slow, one]


def warm(setting: Setting) -> list[Row]:
    """The same of each server at its best: after `--warm` seconds of full load, without a log, without a record where that can be left out."""
    many = Row(f"calls/s, {CONNECTIONS} connections, warm", "calls/s")
    one = Row("calls/s, one connection, warm", "calls/s")
    for kind in setting.best:
        with running(kind) as server:
            press(server, GOOD, CONNECTIONS, setting.warm)
            many.add(kind.name, press(server, GOOD, CONNECTIONS, setting.seconds).rate)
            one.add(kind.name, press(server, GOOD, 1, setting.seconds).rate)
        setting.say(f"warm: {kind.name} {many.middle(kind.name):,.0f}/s, alone {one.middle(kind.name):,.0f}/s")
    return [many, one]
