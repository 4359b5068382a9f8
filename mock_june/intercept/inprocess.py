"""This process's own calls to api.june.so, led to a fake: for the fixture `june_intercept`, and whoever wants the same without pytest.

It is installed once and has a window for each test. Threads and pooled connections outlive a test, so each call is told apart by the thread that sends it:

- what a thread sends that was there before the first window, as the main one was, or that a pool keeps for whoever comes, belongs to the window of the moment,
  be its connection new or an earlier window's;
- what a thread sends that was started in a window belongs to that window, also when that is over;
- what a thread sends after it took something from a `queue.Queue`, as an SDK's does, belongs to the window in which that was put there.

What belongs to a window that is over is late: it goes into that window's record, and is named. Outside all windows nothing is sent.
"""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import socket
import threading
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, Self

from mock_june import clock
from mock_june.intercept import threads
from mock_june.intercept.authority import Authority
from mock_june.intercept.relay import ADDRESS, Relay
from mock_june.intercept.shims.python.mock_june_redirect import JUNE, Patches, Redirect, Watch

NO_PROXY = ("NO_PROXY", "no_proxy")
UNPROXIED = "june.so"

PATIENCE = 2.0
"""Seconds that the end waits for what SDKs have queued: they send every half second."""

MOST_LATE = 100
"""How many late calls are named."""


class Window:
    """The time of one test. `owner` is what the fake knows it by; None: the fake cannot tell windows apart, and is sent nothing late."""

    def __init__(self, name: str, home: Interception, owner: Any = None) -> None:
        self.name = name
        self.home = home
        self.owner = owner
        self.late_owner: Any = None
        """What the fake knows it by once it is over; None: the same."""
        self.over = False
        self.there = weakref.WeakSet(threading.enumerate())
        """The threads that were there before it."""


_STARTED: weakref.WeakKeyDictionary[threading.Thread, Window] = weakref.WeakKeyDictionary()
"""The window that a thread belongs to: it outlived the one that it was started in, or has taken its work from a queue."""

_CLOSED: list[Interception] = []
"""Those that are over but for threads of theirs that still run."""


class Interception(Watch):
    """Leads this process's calls to the fake at `fake`, a host and a port of plain HTTP. Started once; `begin` and `end` a window, one at a time."""

    def __init__(self, fake: tuple[str, int]) -> None:
        self._fake = fake
        self._authority = Authority.create()
        self._relay = Relay(self._authority, fake)
        self._redirect: Redirect | None = None
        self._patches = Patches()
        self._set: list[tuple[str, str | None, str]] = []
        self._current: Window | None = None
        self._marks: weakref.WeakKeyDictionary[queue.Queue[Any], deque[Window]] = weakref.WeakKeyDictionary()
        """The windows in which the things in a queue were put there."""
        self._senders: dict[int, weakref.ref[threading.Thread]] = {}
        self._sender = ""
        self._closed = False
        self.outside = Window("no test", self)
        """What belongs to no window. Set its `owner`, and the fake takes what comes all the same."""
        self.outside.over = True
        self.late: list[str] = []
        """What came late, a line each."""

    def start(self) -> Self:
        """Puts everything in place. Raises ServerError."""
        _sweep()
        self._relay.start()
        self._redirect = Redirect((ADDRESS, self._relay.port), self._authority.certificate.decode(), self)
        self._redirect.install()
        self._patches.put(queue.Queue, "_put", self._put)  # the two that are there to be replaced, and that are called under the queue's lock
        self._patches.put(queue.Queue, "_get", self._get)
        for name in NO_PROXY:
            there = os.environ.get(name)
            if there is None or "*" not in there.split(","):
                value = f"{there},{UNPROXIED}" if there else UNPROXIED
                self._set.append((name, there, value))
                os.environ[name] = value
        return self

    def restore(self) -> None:
        """Puts back what others have taken away since: pytest-socket does after each test."""
        if self._redirect is not None and not self._closed:
            self._redirect.install()

    def begin(self, window: Window, *, only: bool = False) -> None:
        """A window begins. `only`: all other hosts are refused, but this machine's own and the fake's."""
        self.restore()
        if only and self._redirect is not None:
            self._redirect.spared = {*_named(self._fake[0]), *_named(socket.gethostname())}
            self._redirect.only = True
        self._current = window

    def end(self) -> None:
        """The window is over: threads that it leaves behind stay its own."""
        window = self._current
        if window is None or self._redirect is None:
            return
        self._redirect.only = False
        for thread in threading.enumerate():
            if thread not in window.there and thread not in _STARTED:
                _STARTED[thread] = window
        window.owner = window.late_owner or window.owner
        window.over = True
        self._current = None

    def stop(self) -> None:
        """Takes everything away, once SDKs have sent what they have queued.

        Where threads of a window still run, which might send what they have to the real June, that host stays refused in this process: `late` names them.
        """
        if self._redirect is None or self._closed:
            return
        self.end()
        try:
            self._await_queues()
        finally:  # also where Ctrl-C ends the wait
            self._closed = True
            self._take_away()

    def _take_away(self) -> None:
        assert self._redirect is not None  # noqa: S101 - for mypy
        self._patches.undo()
        for name, there, value in reversed(self._set):
            if os.environ.get(name) == value:
                os.environ.pop(name)
                if there is not None:
                    os.environ[name] = there
        running = [thread for thread in self._left() if not threads.is_idle(thread)]
        for thread in running:
            self._note(f"{_STARTED[thread].name}: its thread {thread.name!r} still runs, so {JUNE} stays refused in this process")
        if running:
            _CLOSED.append(self)
        else:
            self._redirect.uninstall()
        self._relay.stop()

    # ---- what the fake asks

    def owner_of(self, port: int) -> Any:
        """The owner of a call that comes to the fake from `port`; None where that is no connection of ours."""
        client = self._relay.client(port)
        if client is None:
            return None
        sender = self._senders.get(client)
        thread = None if sender is None else sender()
        self._sender = "" if thread is None else thread.name
        return (self._window(thread) or self.outside).owner

    def came(self, window: Window, what: str) -> None:
        """A call of a window came: one that is over is named. Called right after `owner_of`."""
        if window is self.outside:
            self._note(f"outside all tests thread {self._sender!r} sent {what}: it is on no test's record")
        elif window.over:
            self._note(f"{window.name}: its thread {self._sender!r} sent {what} late, during {self._now}: it is on the first one's record alone")

    # ---- what the redirect asks

    def admit(self) -> None:
        """Raises ConnectionRefusedError where what this thread sends has no window that could take it."""
        thread = threading.current_thread()
        window = self._window(thread)
        if window is None:
            why = "no test intercepts it now; ask for june_intercept, or set @pytest.mark.june(intercept=True)"
        elif self._closed or window.home is not self or (window.over and window.owner is None):
            why = f"{window.name}, whose thread {thread.name!r} this is, is over"
            self._note(f"{window.name}: its thread {thread.name!r} was refused {JUNE} during {self._now}")
        else:
            return
        raise ConnectionRefusedError(errno.ECONNREFUSED, f"mock-june: {JUNE} is not reached: {why}")

    def sends(self, port: int) -> None:
        """This thread sends by the connection with this port."""
        thread = threading.current_thread()
        self._senders[port] = weakref.ref(thread)
        threads.SENT.add(thread)

    # ---- within

    @property
    def _now(self) -> str:
        return "no test" if self._current is None else self._current.name

    def _window(self, thread: threading.Thread | None) -> Window | None:
        """The window that a thread belongs to; None where it belongs to that of the moment, and there is none."""
        own = None if thread is None or threads.is_pooled(thread) else _STARTED.get(thread)
        return self._current if own is None else own

    def _put(self, there: Callable[..., Any]) -> Callable[..., Any]:
        def put(of: queue.Queue[Any], item: Any) -> None:
            window = self._window(threading.current_thread()) or self.outside
            marks = self._marks.setdefault(of, deque())
            while len(marks) < len(of.queue):  # what was there before us
                marks.append(window)
            there(of, item)
            marks.append(window)

        return put

    def _get(self, there: Callable[..., Any]) -> Callable[..., Any]:
        def get(of: queue.Queue[Any]) -> Any:
            item = there(of)
            marks, thread = self._marks.get(of), threading.current_thread()
            window = marks.popleft() if marks else self._window(thread) or self.outside
            while marks and len(marks) > len(of.queue):  # somebody has emptied it by other means
                marks.popleft()
            if thread is not threading.main_thread():
                threads.QUEUES[thread], _STARTED[thread] = of, window
            return item

        return get

    def _note(self, line: str) -> None:
        if len(self.late) < MOST_LATE and line not in self.late:
            self.late.append(line)

    def _left(self) -> list[threading.Thread]:
        """The threads that windows of ours left behind, and that may have something for June."""
        alive = [thread for reference in _STARTED.keyrefs() if (thread := reference()) is not None and thread.is_alive()]
        return [thread for thread in alive if _STARTED[thread].home is self and threads.may_send(thread)]

    def _await_queues(self) -> None:
        until = clock.monotonic() + PATIENCE
        while clock.monotonic() < until and (self._are_queued() or any(thread in threads.QUEUES and not threads.is_idle(thread) for thread in self._left())):
            clock.sleep(0.01)

    def _are_queued(self) -> bool:
        """Whether something waits in a queue for a thread that takes it."""
        return any(of is not None and of.qsize() for of in (reference() for reference in self._marks.keyrefs()))


def _named(host: str) -> set[str]:
    """A host's name and its addresses."""
    with contextlib.suppress(OSError):
        return {host, *(str(entry[4][0]) for entry in socket.getaddrinfo(host, 80, type=socket.SOCK_STREAM))}
    return {host}


def _sweep() -> None:
    """Takes away those whose last thread has ended."""
    for closed in list(_CLOSED):
        if not closed._left() and closed._redirect is not None:  # noqa: SLF001 - one of ours
            closed._redirect.uninstall()  # noqa: SLF001
            _CLOSED.remove(closed)
