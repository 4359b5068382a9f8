"""What the control API reads out of the journal: pages, polls and the stream. No thread, no loop, no socket: `live` drives them, and waits between two looks.

All go by cursor, in steps of few bytes, so that nothing queues up and a slow reader costs no memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import orjson

from mock_june import wire
from mock_june.journal import Journal
from mock_june.model import Call, Event, Filter
from mock_june.server.answers import Answer, Headers, json_answer
from mock_june.server.control.query import Question

What = Literal["calls", "events"]
Row = TypeVar("Row", Call, Event)

FIRST_STEP, LAST_STEP = 8, 128
"""Rows read at once: few at first, more where they are small."""

STEP_BYTES = 256 * 1024
PAGE_BYTES = 8 * 1024 * 1024
"""A page ends early, with `next`, when it is this long: 1,000 calls of 4 MiB each are no answer."""

SHORTEST_REST, LONGEST_REST = 0.005, 0.5
HEARTBEAT = 15.0
"""Seconds without a call after which the stream shows that it lives."""

RETRY = b"retry: 1000\n"
EVENT_STREAM: Headers = (("content-type", "text/event-stream; charset=utf-8"),)


class Reader(Generic[Row]):
    """Rows after a cursor, oldest first, in steps. `after` is the cursor: the id of the last row that was given."""

    def __init__(self, read: Callable[[Filter, int, int], list[Row]], where: Filter, after: int) -> None:
        self._read: Callable[[Filter, int, int], list[Row]] = read
        self._where = where
        self._step = FIRST_STEP
        self.after = after
        self.at_end = False

    def step(self, most: int = LAST_STEP) -> list[Row]:
        """The next rows. `at_end` then says whether these were the last for now."""
        asked = min(self._step, most)
        rows = self._read(self._where, self.after, asked)
        self.at_end = len(rows) < asked
        if rows:
            self.after = rows[-1].id
        size = sum(map(weight, rows))
        self._step = min(self._step * 2, LAST_STEP) if size * 2 < STEP_BYTES else max(1, min(self._step, len(rows) * STEP_BYTES // size))
        return rows


def weight(row: Call | Event) -> int:
    """About how many bytes a row holds."""
    if isinstance(row, Event):
        return len(row.payload)
    return len(row.body) + len(row.answer) + sum(map(weight, row.events))


def one_line(text: bytes) -> bytes:
    """JSON text on one line: a line end in it can only be white space, since strings hold none (RFC 8259 section 7)."""
    return text.replace(b"\r", b" ").replace(b"\n", b" ")


def _call_text(call: Call) -> bytes:
    return wire.dumps(wire.call(call))


def _event_text(event: Event) -> bytes:
    return wire.dumps(wire.event(event))


def _page(reader: Reader[Row], text: Callable[[Row], bytes], limit: int) -> tuple[list[orjson.Fragment], int | None]:
    """Up to `limit` rows as JSON, and the cursor if there are more."""
    shown: list[orjson.Fragment] = []
    size = last = 0
    while True:
        for row in reader.step(limit + 1 - len(shown)):
            if len(shown) == limit or size > PAGE_BYTES:
                return shown, last
            part = text(row)
            shown.append(orjson.Fragment(part))
            size += len(part)
            last = row.id
        if reader.at_end:
            return shown, None


@dataclass(slots=True)
class Poll:
    """A page of calls or events, which may wait until `count` match.

    While it waits it counts only what is new. What was counted may have been deleted meanwhile, and a call recorded during a look may be counted twice;
    so the count is taken anew before it is believed.
    """

    journal: Journal
    what: What
    question: Question
    complete: bool = False
    _found: int = 0
    _seen: int | None = None

    @property
    def seconds(self) -> float:
        """How long it may wait."""
        return self.question.wait

    def look(self) -> bool:
        """Whether the answer is ready now. Raises UsageError for a filter that costs too much, as `answer` does."""
        wanted = self.question.count
        if wanted is None:
            return True
        if self._seen is None:
            self._recount(wanted)
        else:
            seen = self._last()
            self._found += self._count(self._seen, wanted - self._found)
            self._seen = seen
            if self._found >= wanted:
                self._recount(wanted)
        self.complete = self._found >= wanted
        return self.complete

    def _recount(self, wanted: int) -> None:
        seen = self._last()
        self._found = self._count(self.question.after or 0, wanted)
        self._seen = max(seen, self.question.after or 0)

    def _last(self) -> int:
        return self.journal.last_id if self.what == "calls" else self.journal.last_event_id

    def _count(self, after: int, most: int) -> int:
        count = self.journal.count_calls if self.what == "calls" else self.journal.count_events
        return count(self.question.where, after, most)

    def answer(self) -> Answer:
        """What is there, complete or not."""
        where, after, limit = self.question.where, self.question.after or 0, self.question.limit
        if self.what == "calls":
            shown, cursor = _page(Reader(self.journal.calls, where, after), _call_text, limit)
        else:
            shown, cursor = _page(Reader(self.journal.events, where, after), _event_text, limit)
        body: dict[str, object] = {self.what: shown, "next": cursor}
        if self.question.count is not None:
            body["complete"] = self.complete
        return json_answer(body)


class Feed:
    """Server-sent events (WHATWG HTML section 9.2) from a cursor on, or from now on.

    An `id` alone moves the reader's cursor, so that one who comes back does not search anew what did not match. The cursor 0, and one beyond the last call,
    which is of another journal, mean the oldest call on record.
    """

    def __init__(self, journal: Journal, question: Question) -> None:
        self.journal = journal
        self.where = question.where
        last = journal.last_id
        after = last if question.after is None else question.after
        self.after = after if 0 < after <= last else journal.first_id - 1
        self.at_end = False
        """Whether the last read left nothing for now."""

    @property
    def hello(self) -> bytes:
        """The first bytes: when to come back, and from where. The journal's id is a comment, for those who know of it: with it they come back to no other."""
        return RETRY + b"id: %d\n: journal %b\n\n" % (self.after, self.journal.id.encode())

    @property
    def heartbeat(self) -> bytes:
        """A comment, which readers pass over, and the cursor."""
        return b": still here\n" + self._cursor()

    def _cursor(self) -> bytes:
        return b"id: %d\n\n" % self.after

    def read(self) -> bytes:
        """The next events; b"" if there are none for now."""
        raise NotImplementedError


class Counts(Feed):
    """How many entries have come, and nothing of what they are: light, however much comes.

    Each is `id: <the last call's id>`, `event: news`, `data: {"entries": n}`, and stands for all that came since the one before.
    """

    def read(self) -> bytes:
        """One event for all that came."""
        self.at_end = True
        before, self.after = self.after, self.journal.last_id
        entries = self.journal.count_entries(self.where, before, self.after) if self.after > before else 0
        return b'id: %d\nevent: news\ndata: {"entries":%d}\n\n' % (self.after, entries) if entries else b""


class Stream(Feed):
    """Calls as server-sent events, each whole.

    Each is `id: <call id>`, `event: call`, `data: <the call's JSON>`. Where old calls went before this reader came to them (`--max-calls`, a reset) it gets
    `event: gap` with how many they were; under a filter, how many they were at most.
    """

    def __init__(self, journal: Journal, question: Question) -> None:
        super().__init__(journal, question)
        self._reader = Reader(journal.calls, question.where, self.after)

    def read(self) -> bytes:
        """The next events; b"" if there are none for now."""
        before, last = self._reader.after, self.journal.last_id
        calls = self._reader.step()
        first = self.journal.first_id  # asked after the step: what goes between the two is told as a gap, not passed over
        self.at_end = self._reader.at_end
        if self.at_end:
            self._reader.after = max(self._reader.after, last)
        self.after = self._reader.after
        gone = min(first - 1, self._reader.after)  # what went beyond the cursor is for the next look to tell
        missed = gone - before - sum(call.id <= gone for call in calls)
        gap = b'event: gap\ndata: {"missed":%d}\n\n' % missed if missed > 0 else b""
        return gap + b"".join(map(_sent, calls))


def _sent(call: Call) -> bytes:
    return b"id: %d\nevent: call\ndata: %b\n\n" % (call.id, one_line(_call_text(call)))


def rest(took: float, waiting: int) -> float:
    """Seconds from the end of a look, which took so long, to the next one of the same waiter, of which there are so many.

    All together they look 200 times a second at most, and spend a tenth of their time on it, however often something is recorded.
    """
    return min(max(SHORTEST_REST * waiting, 9 * took), LONGEST_REST)
