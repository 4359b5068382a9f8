"""What becomes of an open journal in a forked child: there it is unusable, and nothing of it is closed."""

from __future__ import annotations

import os
import sqlite3
import weakref
from collections.abc import Iterable
from typing import Protocol


class Forkable(Protocol):
    """What wants to know that this process is a forked child."""

    def forked(self) -> None:
        """Called in the child, before anything else there runs."""


_watched: weakref.WeakSet[Forkable] = weakref.WeakSet()


def watch(what: Forkable) -> None:
    """Has `what.forked` called in forked children from now on."""
    _watched.add(what)


def unwatch(what: Forkable) -> None:
    """No more."""
    _watched.discard(what)


def keep_forever(connections: Iterable[sqlite3.Connection]) -> None:
    """Keeps the parent's connections from being collected here, which would close them: not even that is allowed (sqlite.org, howtocorrupt 2.7)."""
    import ctypes  # noqa: PLC0415 - few programs fork, and some Pythons lack it

    for connection in connections:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


def _after_fork() -> None:
    for what in list(_watched):
        what.forked()


if hasattr(os, "register_at_fork"):  # pragma: no branch -- not on Windows, which knows no fork
    os.register_at_fork(after_in_child=_after_fork)
