"""What a server holds in memory after many calls."""

from __future__ import annotations

from benchmarks.load import own
from benchmarks.payloads import GOOD
from benchmarks.servers import MockJune, running
from benchmarks.table import OURS, Goal, Row, Setting

CONNECTIONS = 16
AFTER = 100_000
KEPT = 20_000
GROWTH = 16.0
"""MiB of growth that count as none: an allocator's breathing."""


def memory(setting: Setting) -> list[Row]:
    """MiB resident after 100,000 calls, and how many more after `--calls` under `--max-calls`."""
    after = Row(f"resident after {AFTER:,} calls", "MiB", more_is_better=False, goals=(Goal(110),))
    for kind in setting.usual:
        with running(kind) as server:
            own(server, GOOD, CONNECTIONS, count=AFTER)
            after.add(server.name, server.resident())
            setting.say(f"memory: {server.name} {after.values[server.name][-1]:.0f} MiB after {AFTER:,} calls")
    more = Row(f"growth from {AFTER:,} to {setting.calls:,} calls, --max-calls {KEPT:,}", "MiB", more_is_better=False, goals=(Goal(GROWTH),), digits=1)
    with running(MockJune(), ["--max-calls", str(KEPT)]) as server:
        own(server, GOOD, CONNECTIONS, count=AFTER)
        before = server.resident()
        own(server, GOOD, CONNECTIONS, count=setting.calls - AFTER)
        more.add(OURS, server.resident() - before)
        setting.say(f"memory: {more.values[OURS][-1]:+.1f} MiB from {AFTER:,} to {setting.calls:,} calls")
    return [after, more]
