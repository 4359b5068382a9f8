"""The log of `mock-june serve` on stderr, a call a line, written by a thread of its own: whoever reads it slowly, or not at all, holds up no answer."""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mock_june.model import Call

WAITING = 1000
"""Calls that wait to be written. What comes beyond them is left out, and told as a number."""

PATIENCE = 0.5
"""Seconds that the end of the server waits for the reader."""

Line = Callable[["Call"], str]


class Log:
    """Writes what `line` makes of each call. `gap` makes the line that tells how many were left out."""

    def __init__(self, line: Line, gap: Callable[[int], str]) -> None:
        self._line = line
        self._gap = gap
        self._left_out = 0
        self._waiting: queue.Queue[Call | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._write, name="mock-june-log", daemon=True)
        self._thread.start()

    def show(self, call: Call) -> None:
        """Puts a call in the row. Never waits."""
        try:
            self._waiting.put_nowait(call)
        except queue.Full:
            self._left_out += 1

    def close(self) -> None:
        """Writes what waits, if somebody reads it."""
        try:
            self._waiting.put(None, timeout=PATIENCE)
        except queue.Full:
            return
        self._thread.join(PATIENCE)

    def _write(self) -> None:
        while (call := self._waiting.get()) is not None:
            text = self._line(call)
            if self._left_out and self._waiting.empty():
                gone, self._left_out = self._left_out, 0
                text += self._gap(gone)
            _tell(text)


def open_log(log_format: str) -> Log | None:
    """What shows each call: JSON when asked for, a line on a terminal, else nothing."""
    if log_format == "json":
        return Log(_as_json, lambda gone: f'{{"left_out":{gone}}}\n')
    if not sys.stderr.isatty():
        return None
    from rich.console import Console

    from mock_june.cli.lines import call_line

    console = Console(stderr=True, highlight=False)

    def as_line(call: Call) -> str:
        with console.capture() as captured:
            console.print(call_line(call))
        return captured.get()

    return Log(as_line, lambda gone: f"… {gone} more calls came than the terminal could show\n")


def _as_json(call: Call) -> str:
    from mock_june import wire
    from mock_june.text import plain_json

    shown = wire.call(call)
    shown["rules"] = sorted({v.rule for v in call.violations})
    shown["events"] = len(call.events)
    for name in ("body", "headers", "answer", "violations"):
        del shown[name]
    return plain_json(wire.dumps(shown).decode()) + "\n"


def _tell(text: str) -> None:
    """Writes to stderr, past Python's own buffer: a thread that waits in it would hold up the end of the process. Once nobody reads, nothing is written."""
    rest = text.encode(errors="backslashreplace")
    try:
        while rest:
            rest = rest[os.write(sys.stderr.fileno(), rest) :]
    except OSError:
        with Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), sys.stderr.fileno())
