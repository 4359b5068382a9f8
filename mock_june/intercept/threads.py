"""Which threads of this process may have something for June: it is told of what they send and of the queues that they take from."""

from __future__ import annotations

import os
import queue
import sys
import sysconfig
import threading
import weakref
from typing import Any

POOLS = ("anyio.", "concurrent.futures.", "gevent.", "multiprocessing.", "trio.", "twisted.")
"""Where threads are at home that are started once and then work for whoever comes."""

LIBRARIES = tuple({sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")})
"""Where code lies that is not under test."""

QUEUES: weakref.WeakKeyDictionary[threading.Thread, queue.Queue[Any]] = weakref.WeakKeyDictionary()
"""The queue that each thread last took from."""

SENT: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
"""The threads that have sent something to June's host."""


def is_pooled(thread: threading.Thread) -> bool:
    """Whether a thread works for whoever comes."""
    return f"{_home(thread)}.".startswith(POOLS)


def may_send(thread: threading.Thread) -> bool:
    """Whether a thread may have something for June: it had before, or takes work from a queue, or runs code that is no library's."""
    if is_pooled(thread):
        return False
    if thread in SENT or thread in QUEUES:
        return True
    file = getattr(sys.modules.get(_home(thread)), "__file__", None) or ""
    return not file.startswith(LIBRARIES)


def is_idle(thread: threading.Thread) -> bool:
    """Whether a thread has done all that its queue gave it."""
    of = QUEUES.get(thread)
    return of is not None and not of.unfinished_tasks


def _home(thread: threading.Thread) -> str:
    """The module where what a thread does is at home."""
    work = getattr(thread, "_target", None) or getattr(thread, "function", None) or type(thread)  # a Timer's is its `function`
    return getattr(work, "__module__", None) or ""
