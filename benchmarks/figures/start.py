"""How soon a server is of use."""

from __future__ import annotations

from benchmarks.servers import running
from benchmarks.table import Goal, Row, Setting


def start(setting: Setting) -> list[Row]:
    """Seconds from the start of the process to its first 200."""
    row = Row("first answer after start", "s", more_is_better=False, goals=(Goal(0.5),), digits=2)
    for turn in range(setting.rounds):
        for kind in setting.usual:
            with running(kind) as server:
                row.add(server.name, server.first_answer)
            setting.say(f"start, round {turn + 1}: {kind.name} {row.values[kind.name][-1]:.2f} s")
    return [row]
