"""A bar on a terminal's stderr: how far a run has come, how fast, how long it will take."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

PATIENCE = 0.5
"""Seconds that pass before there is a bar: a run that is over by then needs none, nor the import of what draws it."""


class Progress:
    """A context manager that gives what to call with the bytes gone through. Draws nothing unless `shown`."""

    def __init__(self, files: list[str], *, shown: bool) -> None:
        self._files = files
        self._shown = shown
        self._begun = time.monotonic()
        self._done = 0
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Callable[[int], None]:
        return self.advance if self._shown else self._ignore

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, count: int) -> None:
        """So many bytes more were gone through."""
        self._done += count
        if self._bar is None:
            if time.monotonic() - self._begun < PATIENCE:
                return
            self._start()
        self._bar.update(self._task, completed=self._done)

    def _ignore(self, count: int) -> None:
        """Nobody watches."""

    def _start(self) -> None:
        from rich import progress
        from rich.console import Console

        columns = (progress.BarColumn(), progress.DownloadColumn(), progress.TransferSpeedColumn(), progress.TimeRemainingColumn())
        self._bar = progress.Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task("check", total=self._total())
        self._bar.start()

    def _total(self) -> int | None:
        """Bytes of all files; None where a pipe is among them."""
        total = 0
        for path in self._files:
            if not os.path.isfile(path):  # noqa: PTH113
                return None
            total += os.path.getsize(path)  # noqa: PTH202
        return total
