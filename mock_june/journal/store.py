"""The journal as the rest of mock-june knows it: record, ask, delete."""

from __future__ import annotations

import functools
import hashlib
import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from mock_june.errors import JournalError, JournalUnwritableError, UsageError
from mock_june.journal import glances, overview, place, removal, rows, search
from mock_june.journal.entries import Entries
from mock_june.journal.ids import Ids, numbered
from mock_june.journal.removal import Gone
from mock_june.journal.session import Session
from mock_june.journal.tally import Tally
from mock_june.journal.writer import Writer
from mock_june.model import ApiKey, Call, Entry, Event, Filter, Overview, Totals, WorkspaceTotals

SLACK = 128
"""At the limit, so many of the oldest calls go at once (of small journals a hundredth), lest each call pays for one."""

CHUNK = 2000
"""Calls that one transaction deletes: recording goes on between two of them, and the log stays short."""


class Journal:
    """Calls and their events in a file of one owner. All methods may be called from any thread.

    Ids only grow and are never used twice, also after deleting and over restarts. What `record` gave back is on record, whatever becomes of this process; a
    power cut may take the last moments unless `durable`. Methods raise JournalError when the journal is closed, forked away from or unreadable.
    """

    @classmethod
    def open(cls, path: Path | None, *, max_calls: int = 1_000_000, durable: bool = False, rules_hash: str = "") -> Journal:
        """Opens a journal file, a new one when it is absent or empty; without a path, a private temporary one that goes with `close`.

        At most `max_calls` are kept, the oldest go first. `rules_hash` is stamped on it: the rules in force from now on.
        Raises JournalError, the file untouched, when it is held elsewhere or is no journal; UsageError when `max_calls` is below 1.
        """
        if max_calls < 1:
            raise UsageError(f"max_calls is {max_calls}: a journal keeps at least 1 call")
        where = place.private() if path is None else place.named(path)
        try:
            return cls(where, max_calls, durable, rules_hash)
        except BaseException as error:
            if where.new:
                where.path.unlink(missing_ok=True)
            where.release()
            if isinstance(error, sqlite3.Error | JournalUnwritableError):
                raise JournalError(
                    f"{where.path} cannot be used as a journal ({getattr(error, 'reason', error)}): free the disk, or name another file", str(where.path)
                ) from error
            raise

    def __init__(self, where: place.Place, max_calls: int, durable: bool, rules_hash: str) -> None:
        self.max_calls = max_calls
        self.durable = durable
        self.rules_hash = rules_hash
        self.listeners: set[Callable[[], None]] = set()
        """Each is called after every commit, on the thread that recorded or deleted. It must be quick and must not raise."""
        # A private file ends with the process, so it need not outlive the machine.
        self._session = Session(where, "FULL" if durable else "OFF" if where.folder is not None else "NORMAL")
        try:
            self._begin_anew()
        except BaseException:
            if self._session.writer is not None:
                self._session.writer.connection.close()
            raise

    @property
    def path(self) -> Path:
        """The file, for telling where it is. While the journal is open, nothing else in this process may open it but SQLite."""
        return self._session.place.path

    @property
    def last_id(self) -> int:
        """The id of the last call recorded, be it still there or not; 0 before the first."""
        return self._session.last_call

    @property
    def last_event_id(self) -> int:
        """The same of events."""
        return self._session.last_event

    @property
    def first_id(self) -> int:
        """The id of the oldest call on record; without any, that of the next one."""
        return self._session.first_call

    def workspace(self, key: ApiKey) -> str:
        """The workspace that a key owns: always the same in this journal, and no way back to the key, which never reaches the disk."""
        return self._workspace(key)

    def record(self, call: Call) -> Call:
        """Records a call; it is on record when this returns. Gives it with its ids set. Raises JournalUnwritableError: nothing of it was recorded."""
        return self.record_many((call,))[0]

    def record_many(self, calls: Sequence[Call]) -> list[Call]:
        """Records calls in one transaction, as `record` does: all or none. An event's `at`, `workspace` and `accepted` become its call's."""
        return [numbered(call, ids) for call, ids in zip(calls, self.write_many(calls), strict=True)]

    def write_many(self, calls: Sequence[Call]) -> list[Ids]:
        """As `record_many`, for whom each call's ids are enough."""
        session = self._session
        gone: list[Gone] = []
        with session.transaction() as writer:
            number, event, first = session.last_call + len(calls), session.last_event + sum([len(call.events) for call in calls]), session.first_call
            ids = writer.insert(calls, session.last_call + 1, session.last_event + 1)
            over = session.tally.whole.calls + len(calls) - self.max_calls
            if over > 0:
                gone = self._discard(writer, over, number, event)
                first = writer.first()
            writer.commit()
            session.last_call, session.last_event, session.first_call = number, event, first
            session.tally.add(calls)
            session.tally.remove(gone, discarded=True)
        self._tell()
        return ids

    def calls(self, where: Filter, after: int = 0, limit: int = 100) -> list[Call]:
        """Up to `limit` calls that hold the filter, with all their events, oldest first, from beyond the call id `after`. UsageError for a glob too costly."""
        with self._session.snapshot() as connection:
            return rows.calls(connection, search.ids(connection, "call", where, after, limit))

    def events(self, where: Filter, after: int = 0, limit: int = 100) -> list[Event]:
        """Up to `limit` events that hold the filter, oldest first, from beyond the event id `after`. Their payloads are `Raw`."""
        with self._session.snapshot() as connection:
            return rows.events(connection, search.ids(connection, "event", where, after, limit))

    def count_calls(self, where: Filter, after: int = 0, most: int = search.BIGGEST) -> int:
        """How many calls hold the filter, beyond the call id `after`; stops counting at `most`."""
        with self._session.snapshot() as connection:
            return search.count(connection, "call", where, after, most)

    def count_events(self, where: Filter, after: int = 0, most: int = search.BIGGEST) -> int:
        """How many events hold the filter, beyond the event id `after`; stops counting at `most`."""
        with self._session.snapshot() as connection:
            return search.count(connection, "event", where, after, most)

    def call(self, id: int, workspace: str | None = None) -> Call | None:  # noqa: A002 - the model's own name for it
        """One call with its events; None when there is none of this id, or none in this workspace."""
        if not 0 < id <= search.BIGGEST:
            return None
        with self._session.snapshot() as connection:
            found = rows.calls(connection, (id,))
        return found[0] if found and workspace in {None, found[0].workspace} else None

    def brief(self, id: int, workspace: str | None = None) -> tuple[Call, int, int] | None:  # noqa: A002 - the model's own name for it
        """One call without its body and events, the body's bytes, and how many events it has; None as in `call`."""
        if not 0 < id <= search.BIGGEST:
            return None
        with self._session.snapshot() as connection:
            found = rows.brief(connection, id)
        return found if found and workspace in {None, found[0].workspace} else None

    def body(self, id: int, workspace: str | None = None) -> bytes | None:  # noqa: A002 - the model's own name for it
        """One call's body; None as in `call`."""
        if not 0 < id <= search.BIGGEST:
            return None
        with self._session.snapshot() as connection:
            known = rows.brief(connection, id)
            return rows.body(connection, id) if known and workspace in {None, known[0].workspace} else None

    def event(self, id: int, workspace: str | None = None) -> Event | None:  # noqa: A002 - the model's own name for it
        """One event; None when there is none of this id, or none in this workspace."""
        if not 0 < id <= search.BIGGEST:
            return None
        with self._session.snapshot() as connection:
            found = rows.events(connection, (id,))
        return found[0] if found and workspace in {None, found[0].workspace} else None

    def entries(self, where: Filter, upto: int = search.BIGGEST, skip: int = 0, limit: int = 100) -> list[Entry]:
        """Up to `limit` entries that hold the filter, newest first, of the calls up to the id `upto`, without the first `skip`."""
        with self._session.snapshot() as connection:
            return glances.entries(connection, Entries(connection, where).pairs(upto, skip, limit))

    def count_entries(self, where: Filter, after: int = 0, upto: int = search.BIGGEST) -> int:
        """How many entries hold the filter, of the calls beyond the id `after` and up to the id `upto`."""
        with self._session.snapshot() as connection:
            return sum(Entries(connection, where).count(after, upto))

    def overview(self, where: Filter) -> Overview:
        """What the calls and events that hold the filter amount to. Takes about a second for a million."""
        with self._session.snapshot() as connection:
            return overview.overview(connection, where)

    def workspaces(self, most: int = 1000) -> list[WorkspaceTotals]:
        """The counts of up to so many workspaces, the one with the newest call first."""
        with self._session.snapshot() as connection:
            return overview.workspaces(connection, most)

    def totals(self, workspace: str | None) -> Totals:
        """Counts over one workspace, or over all (None); from memory but for a workspace asked for the first time in a journal that was there before."""
        return self._session.tally.whole if workspace is None else self._session.totals(workspace)

    def delete(self, workspace: str | None) -> int:
        """Deletes the calls of one workspace, or all (None), that are there now, and gives how many they were. Ids go on growing."""
        deleted = self._delete_all() if workspace is None else self._delete_of(workspace)
        self._tell()
        return deleted

    def close(self) -> None:
        """Ends it, with one file and no log beside it; a private journal goes altogether. Whoever reads is broken off with a JournalError. Twice is once."""
        self._session.close()

    def _delete_all(self) -> int:
        with self._session.transaction() as writer:
            return self._clear(writer)

    def _delete_of(self, workspace: str) -> int:
        upto, deleted = self.last_id, 0
        self.totals(workspace)  # known, it tells whether the workspace is all there is
        while some := self._delete_some_of(workspace, upto):
            deleted += some
        return deleted

    def _delete_some_of(self, workspace: str, upto: int) -> int:
        session = self._session
        with session.transaction() as writer:
            own = session.tally.of(workspace)
            if own is not None and 0 < own.calls == session.tally.whole.calls:
                return self._clear(writer)
            word = writer.words.find("workspace", workspace)
            last = None if word is None else removal.nth(writer.cursor, CHUNK, upto, word)
            if last is None:
                writer.commit()
                return 0
            gone = removal.remove(writer.cursor, writer.words, last, word)
            writer.remember(session.last_call, session.last_event)
            first = writer.first()
            writer.commit()
            session.first_call = first or session.last_call + 1
            session.tally.remove(gone, discarded=False)
        return sum(each.calls for each in gone)

    def _clear(self, writer: Writer) -> int:
        """A transaction that deletes every call: forty times quicker than call by call."""
        session = self._session
        deleted = removal.clear(writer.cursor, writer.words)
        writer.remember(session.last_call, session.last_event)
        writer.commit()
        session.first_call = session.last_call + 1
        session.tally = Tally(Totals(discarded=session.tally.whole.discarded))
        return deleted

    def _discard(self, writer: Writer, over: int, last_call: int, last_event: int) -> list[Gone]:
        """Within a transaction: takes away what is over the limit, and some more."""
        upto = removal.nth(writer.cursor, over + min(SLACK, self.max_calls // 100), last_call)
        gone = [] if upto is None else removal.remove(writer.cursor, writer.words, upto)
        writer.remember(last_call, last_event)
        writer.set_meta("discarded", self._session.tally.whole.discarded + sum(each.calls for each in gone))
        return gone

    def _begin_anew(self) -> None:
        """What an opening changes: the stamp, and, under a lower limit than the last time, what is over it."""
        session = self._session
        with session.transaction() as writer:
            salt = writer.meta("salt") or os.urandom(16)
            writer.set_meta("salt", salt)
            self.rules_hash = self.rules_hash or writer.meta("rules_hash", "")
            writer.set_meta("rules_hash", self.rules_hash)
            writer.commit()
        self._workspace = functools.lru_cache(maxsize=4096)(functools.partial(_workspace, salt))
        self.id = hashlib.blake2b(salt, digest_size=8, person=b"journal").hexdigest()
        """What tells this journal from every other, over restarts: the same id of a call in another journal is another call."""
        while (over := session.tally.whole.calls - self.max_calls) > 0:
            with session.transaction() as writer:
                gone = self._discard(writer, min(over, CHUNK), session.last_call, session.last_event)
                first = writer.first()
                writer.commit()
                session.first_call = first
                session.tally.remove(gone, discarded=True)

    def _tell(self) -> None:
        for listener in tuple(self.listeners):
            listener()


def _workspace(salt: bytes, key: ApiKey) -> str:
    return key.masked + hashlib.blake2b(key.value.encode("utf-8", "surrogatepass"), key=salt, digest_size=5).hexdigest()
