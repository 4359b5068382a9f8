"""The process between `mock-june run` and the command: it stands behind the guard, starts the command, hears of its end, and ends what it left behind.

It is forked before there is any thread, and shares the terminal, the process group and every descriptor with the command; what the terminal sends to all of
them is for the command alone. When `run` dies, however that comes, its end of the line closes, and the keeper ends the command and sweeps up.

The line is a pair of sockets with a JSON value a line. From `run`: {"argv", "env"} once, then {"signal": n} for each that it received. To `run`: {"guard":
null or why there is none}, {"errno": null or why the command did not start}, {"ended": its wait status, "left": [[pid, name]...], "stopped": null where nobody
looked, or [[process, host:port, how often]...]}.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import selectors
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Any

from mock_june.intercept import guard, kin
from mock_june.intercept.witness import Witness

GRACE = 5.0
"""Seconds that what a command left behind may still run by itself: long enough to send its last events."""

PATIENCE = 2.0
"""Seconds between SIGTERM and SIGKILL."""

SET_PDEATHSIG, SET_CHILD_SUBREAPER = 1, 36  # prctl's
ECHO = 1.0
"""Seconds in which a signal that `run` tells of is taken for the one that came to the keeper too: to the whole process group, and so to the command."""

FOR_THE_COMMAND = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
"""Signals that end a process or interrupt it: the command has its own copy, or gets it from `run`."""


def fork(folder: Path, *, guarded: bool) -> tuple[int, socket.socket]:
    """Forks the keeper, which removes `folder` at its end. Gives its process id, and the line to it."""
    _open_standard_streams()
    ours, its = socket.socketpair()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, AttributeError):  # closed, or None
            stream.flush()
    pid = os.fork()
    if pid:
        its.close()
        return pid, ours
    code = 1
    try:
        ours.close()
        Keeper(its, folder).run(guarded=guarded)
        code = 0
    finally:  # never back into the caller's frames, which are `run`'s
        os._exit(code)


class Keeper:
    """The keeper, in its own process."""

    def __init__(self, line: socket.socket, folder: Path) -> None:
        self._line = line
        self._child = 0
        self._status: int | None = None
        self._witness: Witness | None = None
        self._folder = folder
        self._came: dict[int, float] = {}
        """When each signal last came to this process itself."""
        self._woken = wake_on((*FOR_THE_COMMAND, signal.SIGCHLD), self._noticed)

    def run(self, *, guarded: bool) -> None:
        """Everything, to the end, after which the folder is no more."""
        try:
            self._run(guarded=guarded)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, *, guarded: bool) -> None:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        why_not = _put_up() if guarded else None
        if guarded and why_not is None:
            self._witness = Witness.stand()
        self._say(guard=why_not)
        told = b""
        while not told.endswith(b"\n"):
            some = self._hear()
            if not some:  # `run` gave up, or died, before there was anything to start
                return
            told += some
        order = json.loads(told)
        try:
            self._child = self._start(order["argv"], order["env"])
        except OSError as error:
            self._say(errno=error.errno)
        else:
            self._say(errno=None)
            self._keep()
        while self._hear():  # nothing more when `run` is through, or dead
            pass

    def _keep(self) -> None:
        if self._witness is not None:
            self._witness.begin()
        if self._attend():
            self._wait_for_the_rest()
        left = kin.end(os.getpid(), PATIENCE, self._reap)
        stopped = None if self._witness is None else [(*who, count) for who, count in self._witness.stopped.items()]
        self._say(ended=self._status, left=left, stopped=stopped)

    def _start(self, argv: list[str], env: dict[str, str]) -> int:
        """The command's process id. Raises the OSError of its exec."""
        failed, fails = os.pipe()  # closes itself in a command that starts
        keeper = os.getpid()
        pid = os.fork()
        if pid == 0:
            try:
                _die_with(keeper)
                _become(argv, env)
            except OSError as error:
                os.write(fails, b"%d" % (error.errno or errno.ENOEXEC))
            finally:
                os._exit(127)
        os.close(fails)
        number = os.read(failed, 16)
        os.close(failed)
        if number:
            os.waitpid(pid, 0)
            raise OSError(int(number), os.strerror(int(number)))
        return pid

    def _attend(self) -> bool:
        """Waits for the command's end, passing signals on. False: `run` is gone."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._woken, selectors.EVENT_READ)
            selector.register(self._line, selectors.EVENT_READ)
            while True:
                self._reap()
                if self._status is not None:
                    return True
                ready = {key.fileobj for key, _ in selector.select()}
                if self._woken in ready:
                    os.read(self._woken, 4096)
                if self._line in ready and not self._pass_on():
                    return False

    def _pass_on(self) -> bool:
        """Passes a signal on that came to `run` alone. False: `run` is gone.

        One that the terminal or `kill` sent to the whole group has come to this process before `run` could tell of it.
        """
        said = self._hear()
        for line in said.splitlines():
            number = json.loads(line)["signal"]
            if time.monotonic() - self._came.pop(number, -ECHO) >= ECHO:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(self._child, number)
        return bool(said)

    def _wait_for_the_rest(self) -> None:
        """Gives what the command left behind a moment; a signal cuts it short."""
        self._came.clear()
        until = time.monotonic() + GRACE
        while time.monotonic() < until and not self._came:
            self._reap()
            if not kin.descendants(os.getpid()):
                return
            time.sleep(kin.PAUSE)

    def _reap(self) -> None:
        """Takes away every process that has ended, the command's or one that it left behind."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if pid == self._child:
                    self._status = status

    def _noticed(self, number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            self._came[number] = time.monotonic()

    def _hear(self) -> bytes:
        """What `run` said; nothing once it is gone, also when it died with something of ours unread."""
        try:
            return self._line.recv(1 << 16)
        except ConnectionResetError:
            return b""

    def _say(self, **values: Any) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # `run` died: seen at the next reading
            self._line.sendall(json.dumps(values).encode() + b"\n")


def _open_standard_streams() -> None:
    """Sees to it that 0, 1 and 2 are taken: a socket of ours under one of these numbers would be a stream to the command."""
    while (opened := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(opened, True)  # noqa: FBT003 - its only argument
    os.close(opened)


def wake_on(numbers: Iterable[int], handler: Callable[[int, FrameType | None], None]) -> int:
    """Gives a descriptor that can be read when one of the signals has come. What is ignored, under `nohup` say, stays so, for the command too.

    There is a handler, since a signal that was ignored here would be ignored by the command as well.
    """
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    for number in numbers:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)
    return woken


def _put_up() -> str | None:
    try:
        guard.restrict()
    except guard.GuardError as error:
        return str(error)
    return None


def _die_with(keeper: int) -> None:
    """Sees to it that this process is killed when the keeper is."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != keeper:  # it was killed before that
            os._exit(1)


def _become(argv: list[str], env: dict[str, str]) -> None:
    """Becomes the command. Raises OSError."""
    for number in (signal.SIGPIPE, getattr(signal, "SIGXFSZ", signal.SIGPIPE)):  # which Python ignores
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(argv[0], argv, env)  # noqa: S606 - no shell is wanted
    except OSError as error:
        # A script without a #! line: what exec by a shell, env or the C library's execvp makes of it (POSIX, exec).
        script = shutil.which(argv[0], path=env.get("PATH")) if error.errno == errno.ENOEXEC else None
        if script is None:
            raise
        os.execve("/bin/sh", ["sh", script, *argv[1:]], env)  # noqa: S606
