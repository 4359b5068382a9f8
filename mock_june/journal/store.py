"""The journal as the rest of mock-june knows it: record, ask, delete."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from mock_june.errors import JournalError, JournalUnwritableError, UsageError
from mock_june.journal import forks, place, removal, rows, search
from mock_june.journal.ids import Ids, numbered
from mock_june.journal.readers import Readers
from mock_june.journal.removal import Gone
from mock_june.journal.tally import Tally
from mock_june.journal.writer import Writer
from mock_june.model import ApiKey, Call, Event, Filter, Totals

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
        self._place = where
        self._lock = threading.Lock()
        self._unusable = ""
        self._readers = Readers(where.path)
        # A private file ends with the process, so it need not outlive the machine.
        self._synchronous = "FULL" if durable else "OFF" if where.folder is not None else "NORMAL"
        self._first_call = self._last_call = self._last_event = 0
        self._tally = Tally(Totals())
        writer = self._load(create=True)
        self._writer: Writer | None = writer
        try:
            self._begin_anew(writer)
        except BaseException:
            writer.connection.close()
            raise
        forks.watch(self)

    @property
    def path(self) -> Path:
        """The file, for telling where it is. While the journal is open, nothing else in this process may open it but SQLite."""
        return self._place.path

    @property
    def last_id(self) -> int:
        """The id of the last call recorded, be it still there or not; 0 before the first."""
        return self._last_call

    @property
    def last_event_id(self) -> int:
        """The same of events."""
        return self._last_event

    @property
    def first_id(self) -> int:
        """The id of the oldest call on record; without any, that of the next one."""
        return self._first_call

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
        gone: list[Gone] = []
        with self._transaction() as writer:
            number, event, first = self._last_call + len(calls), self._last_event + sum([len(call.events) for call in calls]), self._first_call
            ids = writer.insert(calls, self._last_call + 1, self._last_event + 1)
            over = self._tally.whole.calls + len(calls) - self.max_calls
            if over > 0:
                gone = self._discard(writer, over, number, event)
                first = writer.first()
            writer.commit()
            self._last_call, self._last_event, self._first_call = number, event, first
            self._tally.add(calls)
            self._tally.remove(gone, discarded=True)
        self._tell()
        return ids

    def calls(self, where: Filter, after: int = 0, limit: int = 100) -> list[Call]:
        """Up to `limit` calls that hold the filter, with all their events, oldest first, from beyond the call id `after`. UsageError for a glob too costly."""
        with self._snapshot() as connection:
            return rows.calls(connection, search.ids(connection, "call", where, after, limit))

    def events(self, where: Filter, after: int = 0, limit: int = 100) -> list[Event]:
        """Up to `limit` events that hold the filter, oldest first, from beyond the event id `after`. Their payloads are `Raw`."""
        with self._snapshot() as connection:
            return rows.events(connection, search.ids(connection, "event", where, after, limit))

    def count_calls(self, where: Filter, after: int = 0, most: int = search.BIGGEST) -> int:
        """How many calls hold the filter, beyond the call id `after`; stops counting at `most`."""
        with self._snapshot() as connection:
            return search.count(connection, "call", where, after, most)

    def count_events(self, where: Filter, after: int = 0, most: int = search.BIGGEST) -> int:
        """How many events hold the filter, beyond the event id `after`; stops counting at `most`."""
        with self._snapshot() as connection:
            return search.count(connection, "event", where, after, most)

    def call(self, id: int, workspace: str | None = None) -> Call | None:  # noqa: A002 - the model's own name for it
        """One call with its events; None when there is none of this id, or none in this workspace."""
        if not 0 < id <= search.BIGGEST:
            return None
        with self._snapshot() as connection:
            found = rows.calls(connection, (id,))
        return found[0] if found and workspace in {None, found[0].workspace} else None

    def totals(self, workspace: str | None) -> Totals:
        """Counts over one workspace, or over all (None); from memory but for a workspace asked for the first time in a journal that was there before."""
        if workspace is None:
            return self._tally.whole
        with self._lock:
            self._check()
            known = self._tally.of(workspace)
            if known is None:
                known = self._count(workspace)
                self._tally.learn(workspace, known)
            return known

    def delete(self, workspace: str | None) -> int:
        """Deletes the calls of one workspace, or all (None), that are there now, and gives how many they were. Ids go on growing."""
        deleted = self._delete_all() if workspace is None else self._delete_of(workspace)
        self._tell()
        return deleted

    def close(self) -> None:
        """Ends it, with one file and no log beside it; a private journal goes altogether. Whoever reads is broken off with a JournalError. Twice is once."""
        with contextlib.suppress(JournalError), self._lock:
            self._check()
            self._unusable = "it is closed"
            forks.unwatch(self)
            self._readers.close()
            if self._writer is not None:
                with contextlib.suppress(sqlite3.Error):  # the disk may be full: then the log stays, and is read at the next opening
                    self._writer.close()
            self._place.release()

    def _delete_all(self) -> int:
        with self._transaction() as writer:
            deleted = removal.clear(writer.cursor, writer.words)
            writer.remember(self._last_call, self._last_event)
            writer.commit()
            self._first_call = self._last_call + 1
            self._tally = Tally(Totals(discarded=self._tally.whole.discarded))
        return deleted

    def _delete_of(self, workspace: str) -> int:
        upto, deleted = self._last_call, 0
        while some := self._delete_some_of(workspace, upto):
            deleted += some
        return deleted

    def _delete_some_of(self, workspace: str, upto: int) -> int:
        with self._transaction() as writer:
            word = writer.words.find("workspace", workspace)
            last = None if word is None else removal.nth(writer.cursor, CHUNK, upto, word)
            if last is None:
                writer.commit()
                return 0
            gone = removal.remove(writer.cursor, writer.words, last, word)
            writer.remember(self._last_call, self._last_event)
            first = writer.first()
            writer.commit()
            self._first_call = first or self._last_call + 1
            self._tally.remove(gone, discarded=False)
        return sum(each.calls for each in gone)

    def _count(self, workspace: str) -> Totals:
        try:
            writer = self._writer = self._writer or self._load()
            word = writer.words.find("workspace", workspace)
            return Totals() if word is None else writer.totals(word)
        except sqlite3.Error as error:
            raise JournalError(f"the journal {self.path} cannot be read: {error}", str(self.path)) from error

    def _discard(self, writer: Writer, over: int, last_call: int, last_event: int) -> list[Gone]:
        """Within a transaction: takes away what is over the limit, and some more."""
        upto = removal.nth(writer.cursor, over + min(SLACK, self.max_calls // 100), last_call)
        gone = [] if upto is None else removal.remove(writer.cursor, writer.words, upto)
        writer.remember(last_call, last_event)
        writer.set_meta("discarded", self._tally.whole.discarded + sum(each.calls for each in gone))
        return gone

    def _begin_anew(self, writer: Writer) -> None:
        """What an opening changes: the stamp, and, under a lower limit than the last time, what is over it."""
        with self._transaction():
            salt = writer.meta("salt") or os.urandom(16)
            writer.set_meta("salt", salt)
            self.rules_hash = self.rules_hash or writer.meta("rules_hash", "")
            writer.set_meta("rules_hash", self.rules_hash)
            writer.commit()
        self._workspace = functools.lru_cache(maxsize=4096)(functools.partial(_workspace, salt))
        while (over := self._tally.whole.calls - self.max_calls) > 0:
            with self._transaction():
                gone = self._discard(writer, min(over, CHUNK), self._last_call, self._last_event)
                first = writer.first()
                writer.commit()
                self._first_call = first
                self._tally.remove(gone, discarded=True)

    def _load(self, *, create: bool = False) -> Writer:
        """Connects the writer and learns what is on record: at the opening, and after an error that cost us the connection."""
        writer = Writer(self.path, self._synchronous, create=create)
        try:
            self._last_call = max(self._last_call, writer.meta("last_call", 0), writer.value("SELECT max(id) FROM call") or 0)
            self._last_event = max(self._last_event, writer.meta("last_event", 0), writer.value("SELECT max(id) FROM event") or 0)
            self._first_call = writer.first() or self._last_call + 1
            self._tally = Tally(writer.totals())
        except BaseException:
            writer.connection.close()
            raise
        return writer

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Writer]:
        """The writer in a transaction of its own; the body commits. After an error nothing of it is on record, and the journal lives on."""
        with self._lock:
            self._check()
            writer = None
            try:
                if self._writer is None:
                    self._writer = self._load()
                writer = self._writer
                writer.begin()
                yield writer
            except BaseException as error:
                self._undo(writer, error)
                if isinstance(error, sqlite3.Error):
                    raise JournalUnwritableError(str(error)) from error
                raise

    def _undo(self, writer: Writer | None, error: BaseException) -> None:
        """Rolls back. What is known of the record holds only after a full disk, which SQLite handles by itself; else it is read anew with the next call."""
        if writer is None:
            return
        try:
            writer.rollback()
            sound = isinstance(error, sqlite3.Error) and error.sqlite_errorcode == sqlite3.SQLITE_FULL
        except sqlite3.Error:
            sound = False
        if not sound:
            self._writer = None
            with contextlib.suppress(sqlite3.Error):
                writer.connection.close()

    @contextlib.contextmanager
    def _snapshot(self) -> Iterator[sqlite3.Connection]:
        self._check()
        with self._readers.snapshot() as connection:
            yield connection

    def _check(self) -> None:
        if self._unusable:
            raise JournalError(f"the journal {self.path} cannot be used: {self._unusable}", str(self.path))

    def _tell(self) -> None:
        for listener in tuple(self.listeners):
            listener()

    def forked(self) -> None:
        """In a forked child the file, its lock and SQLite's connections are the parent's."""
        self._unusable = "it was opened before this process was forked; open another journal here"
        self._place.lock.abandon()
        forks.keep_forever(self._readers.connections() + ([] if self._writer is None else [self._writer.connection]))


def _workspace(salt: bytes, key: ApiKey) -> str:
    return key.masked + hashlib.blake2b(key.value.encode("utf-8", "surrogatepass"), key=salt, digest_size=5).hexdigest()
