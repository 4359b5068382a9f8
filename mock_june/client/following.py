"""The stream of calls seen from a client, without I/O: its frames, the cursor to come back with, and how long to wait before that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from mock_june import wire
from mock_june.client.exchange import Ask
from mock_june.errors import UnreachableError
from mock_june.model import Call

TRIES = 8
"""How often a stream that broke is asked for anew before that counts as the end."""

JOURNAL = b": journal "
"""What the comment begins with that names the journal: a mock that was started anew has another one, where the cursor means nothing."""

SILENCE = 45.0
"""Seconds without a byte after which a stream is held for broken: three of its heartbeats."""


class Following:
    """Where a reader of the stream stands. `missed` is told how many calls were discarded before the reader came to them.

    `lost` is told of each time that the stream broke; with it the stream is asked for anew for as long as it takes.
    """

    def __init__(
        self, filters: Mapping[str, Any], after: int | None, missed: Callable[[int], object] | None, lost: Callable[[UnreachableError], object] | None = None
    ) -> None:
        self._filters = filters
        self._cursor = after
        self._journal = ""
        self._missed = missed
        self._tell = lost
        self._buffer = b""
        self._lost = 0
        self._once = False

    def ask(self) -> Ask:
        """The next request: from where the last one broke off."""
        self._buffer = b""
        resumed = {} if self._cursor is None else {"Last-Event-ID": str(self._cursor)}
        if self._journal:
            resumed["X-Mock-June-Journal"] = self._journal
        return Ask("GET", "/_mock/stream", self._filters, headers={"Accept": "text/event-stream", **resumed}, held=SILENCE)

    def calls(self, chunk: bytes) -> Iterator[Call]:
        """The calls that a chunk completes. What is half there when the stream breaks comes again."""
        self._lost = 0
        self._once = True
        *frames, self._buffer = (self._buffer + chunk).split(b"\n\n")
        for frame in frames:
            yield from self._frame(frame)

    def _frame(self, frame: bytes) -> Iterator[Call]:
        # Lines end in LF alone: what else counts as a line's end in Python, such as U+2028, may stand in a payload.
        for line in frame.split(b"\n"):
            if line.startswith(JOURNAL):
                self._journal = line.removeprefix(JOURNAL).decode()
        fields = dict(line.split(b": ", 1) for line in frame.split(b"\n") if b": " in line and not line.startswith(b":"))
        kind, data = fields.get(b"event"), fields.get(b"data", b"")
        if kind == b"call":
            yield wire.call_from(orjson.loads(data))
        elif kind == b"gap" and self._missed is not None:
            self._missed(orjson.loads(data)["missed"])
        if b"id" in fields:
            self._cursor = int(fields[b"id"])

    def pause(self, error: UnreachableError) -> float:
        """Seconds to wait before the next request. Raises the error if there was never a stream, or it broke too often without a byte in between."""
        self._lost += 1
        if not self._once or (self._tell is None and self._lost > TRIES):
            raise error
        if self._tell is not None and self._lost == 1:
            self._tell(error)
        return float(min(0.05 * 2 ** min(self._lost, TRIES), 2.0))
