"""What a control request that was let in is, and what may come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mock_june import wire
from mock_june.server.answers import Answer, Headers
from mock_june.server.control import query
from mock_june.server.control.feeds import Feed, Poll
from mock_june.server.ingest import Request
from mock_june.server.state import Mock


@dataclass(frozen=True, slots=True)
class Streamed:
    """An answer of 200 whose body is made as fast as it is read. Making a chunk reads the journal: on an event loop, ask for it in a thread."""

    headers: Headers
    chunks: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class Live:
    """An answer of 200 that goes on until the reader or the server ends it."""

    headers: Headers
    stream: Feed


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was let in: `workspace` is what its key narrows it to, `parts` what stands in its path."""

    mock: Mock
    request: Request
    workspace: str | None
    parts: tuple[str, ...] = ()

    @property
    def json(self) -> object:
        """The body, parsed. Raises UsageError."""
        return wire.loads(self.request.body or b"")

    @property
    def scope(self) -> str | None:
        """The workspace that it is about, by its key or by its one parameter; None: all. Raises UsageError."""
        return query.scope(self.request.query, self.workspace)

    def number(self, part: int = 0) -> int:
        """An id that stands in the path. Raises UsageError."""
        return query.whole("id", self.parts[part], 0, query.LAST_ID)


Outcome = Answer | Poll | Live | Streamed
Handler = Callable[[Asked], Outcome]
