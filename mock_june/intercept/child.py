"""The command that is run: from its start to its end, with its terminal and its signals."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import selectors
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, NamedTuple, Self

from mock_june.errors import MockJuneError
from mock_june.intercept import keeper
from mock_june.intercept.kin import Process
from mock_june.text import printable

NOT_FOUND, NOT_EXECUTABLE = 127, 126  # as a shell says


class CommandError(MockJuneError):
    """The command cannot be started, or its keeper was killed. `exit_code` is what a shell would give."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Ended(NamedTuple):
    """How the command ended: its exit code, 128 + the signal if one ended it; `left`: what it left behind and had to be ended.

    `stopped`: the connections that the guard stopped, by the process's name and the `host:port`; None where nobody looked.
    """

    code: int
    left: tuple[Process, ...]
    stopped: Mapping[tuple[str, str], int] | None


class Child:
    """Room for one command. Made while the process has no other thread; then `wait_for_guard`, `start`, `wait`, all in the main thread.

    `folder` is removed at the close, and when this process is killed.

    Until `start`, a signal that ends a process ends this one at once, Ctrl-C too: the keeper tidies up, and an exception amid an import is no better. From
    then on such signals are the command's: the terminal sends them to both, and what comes to this process alone is passed on.
    """

    def __init__(self, folder: Path, *, guarded: bool) -> None:
        self._pid, self._line = keeper.fork(folder, guarded=guarded)
        self._heard = self._line.makefile("rb")
        self._before = {number: signal.getsignal(number) for number in keeper.FOR_THE_COMMAND}
        if self._before[signal.SIGINT] is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        self._came: list[int] = []

    def wait_for_guard(self) -> str | None:
        """To be asked once: None when the guard stands, or none was wanted; else why there is none."""
        reason: str | None = self._hear()["guard"]
        return reason

    def start(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        """Starts the command. Raises CommandError."""
        self._woken = keeper.wake_on(keeper.FOR_THE_COMMAND, self._noticed)
        self._say(argv=list(argv), env=dict(env))
        number = self._hear()["errno"]
        if number is not None:
            missing = number in {errno.ENOENT, errno.ENOTDIR}
            reason = "there is no such program; install it, or name a file by its path" if missing else os.strerror(number)
            todo = "; make it executable, or name what runs it first" if number == errno.EACCES else ""
            raise CommandError(f"{printable(argv[0])} cannot be run: {reason}{todo}", NOT_FOUND if missing else NOT_EXECUTABLE)

    def wait(self) -> Ended:
        """Waits for the command's end, and for what it left behind."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._woken, selectors.EVENT_READ)
            selector.register(self._line, selectors.EVENT_READ)
            while not any(key.fileobj is self._line for key, _ in selector.select()):
                os.read(self._woken, 4096)
                while self._came:
                    self._say(signal=self._came.pop(0))
        said = self._hear()
        code = os.waitstatus_to_exitcode(said["ended"])
        stopped = None if said["stopped"] is None else {(name, place): count for name, place, count in said["stopped"]}
        return Ended(128 - code if code < 0 else code, tuple(Process(*each) for each in said["left"]), stopped)

    def close(self) -> None:
        """Ends the keeper, and with it whatever still runs."""
        self._heard.close()
        self._line.close()
        os.waitpid(self._pid, 0)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(-1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _noticed(self, number: int, _frame: FrameType | None) -> None:
        self._came.append(number)

    def _say(self, **values: Any) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the keeper was killed: that is heard next
            self._line.sendall(json.dumps(values).encode() + b"\n")

    def _hear(self) -> dict[str, Any]:
        try:
            said = self._heard.readline()
        except ConnectionResetError:  # killed, and something of ours unread
            said = b""
        if not said:
            raise CommandError("the process that keeps the command was killed, and the command with it", 128 + signal.SIGKILL)
        values: dict[str, Any] = json.loads(said)
        return values
