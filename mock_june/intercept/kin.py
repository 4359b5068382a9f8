"""The processes that a command leaves behind: found, waited for, ended."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
PAUSE = 0.02
"""Seconds between two looks at what still lives."""


class Process(NamedTuple):
    """A process that was found alive. `name` is what the kernel calls it, at most 15 characters."""

    pid: int
    name: str


def descendants(ancestor: int) -> list[Process]:
    """The living processes that `ancestor` started, and those that they started; nothing where there is no /proc.

    Under an ancestor that adopts orphans (PR_SET_CHILD_SUBREAPER) none gets away, however it was started.
    """
    children = defaultdict(list)
    for folder in PROC.glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text("utf-8", "replace")
        except OSError:  # it ended meanwhile
            continue
        # pid (name) state ppid ...; a name may hold blanks and brackets (proc(5)).
        name, _, rest = stat.partition("(")[2].rpartition(")")
        state, parent = rest.split()[:2]
        if state not in "ZX":
            children[int(parent)].append(Process(int(folder.name), name))
    found: list[Process] = []
    parents = [ancestor]
    while parents:
        born = children[parents.pop()]
        found += born
        parents += [process.pid for process in born]
    return found


def end(ancestor: int, patience: float, reap: Callable[[], None]) -> list[Process]:
    """Ends all descendants: SIGTERM, then after `patience` seconds SIGKILL. Gives those that had to be told. `reap` takes the ended ones away."""
    told: dict[int, Process] = {}
    for number in (signal.SIGTERM, signal.SIGKILL):
        until = time.monotonic() + patience
        sent: set[int] = set()
        while time.monotonic() < until:
            reap()
            alive = descendants(ancestor)
            if not alive:
                break
            for process in alive:
                if process.pid not in sent:
                    sent.add(process.pid)
                    told.setdefault(process.pid, process)
                    with contextlib.suppress(OSError):  # it ended meanwhile, or is another user's
                        os.kill(process.pid, number)
                        os.kill(process.pid, signal.SIGCONT)  # one that was stopped hears nothing else
            time.sleep(PAUSE)
    return list(told.values())
