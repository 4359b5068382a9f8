"""One opening of a journal's file: its lock, its connections, and what is known of the record without asking for it."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator

from mock_june.errors import JournalError, JournalUnwritableError
from mock_june.journal import forks
from mock_june.journal.place import Place
from mock_june.journal.readers import Readers
from mock_june.journal.tally import Tally
from mock_june.journal.writer import Writer
from mock_june.model import Totals


class Session:
    """Lends the writer, one transaction at a time, and readers. The attributes are changed within a transaction alone, once it is committed.

    `first_call` is the id of the oldest call, or, without any, that of the next one; `last_call` and `last_event` are the last ids that were given.
    """

    def __init__(self, place: Place, synchronous: str) -> None:
        """Raises sqlite3.Error."""
        self.place = place
        self.first_call = self.last_call = self.last_event = 0
        self.tally = Tally(Totals())
        self._synchronous = synchronous
        self._unusable = ""
        self._lock = threading.Lock()
        self._readers = Readers(place.path)
        self.writer: Writer | None = self._load(create=True)
        forks.watch(self)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Writer]:
        """The writer in a transaction of its own; the body commits. After an error nothing of it is on record, and the journal lives on.

        Raises JournalUnwritableError in place of sqlite3.Error.
        """
        with self._lock:
            self._check()
            writer = None
            try:
                if self.writer is None:
                    self.writer = self._load()
                writer = self.writer
                writer.begin()
                yield writer
            except BaseException as error:
                if writer is not None:
                    self._undo(writer, error)
                if isinstance(error, sqlite3.Error):
                    raise JournalUnwritableError(str(error)) from error
                raise

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one moment of the record. Raises JournalError in place of sqlite3.Error."""
        self._check()
        with self._readers.snapshot() as connection:
            yield connection

    def totals(self, workspace: str) -> Totals:
        """A workspace's counts, which are known from then on."""
        with self._lock:
            self._check()
            known = self.tally.of(workspace)
            if known is None:
                known = self._count(workspace)
                self.tally.learn(workspace, known)
            return known

    def close(self) -> None:
        """Breaks off the readers, closes all, and lets go of the file. Twice is once; in a forked child it does nothing."""
        with contextlib.suppress(JournalError), self._lock:
            self._check()
            self._unusable = "it is closed"
            forks.unwatch(self)
            self._readers.close()
            if self.writer is not None:
                with contextlib.suppress(sqlite3.Error):  # the disk may be full: then the log stays, and is read at the next opening
                    self.writer.close()
            self.place.release()

    def forked(self) -> None:
        """In a forked child the file, its lock and SQLite's connections are the parent's."""
        self._unusable = "it was opened before this process was forked; open another journal here"
        self.place.lock.abandon()
        forks.keep_forever(self._readers.connections() + ([] if self.writer is None else [self.writer.connection]))

    def _load(self, *, create: bool = False) -> Writer:
        """Connects the writer and learns what is on record: at the opening, and after an error that cost us the connection."""
        writer = Writer(self.place.path, self._synchronous, create=create)
        try:
            self.last_call = max(self.last_call, writer.meta("last_call", 0), writer.value("SELECT max(id) FROM call") or 0)
            self.last_event = max(self.last_event, writer.meta("last_event", 0), writer.value("SELECT max(id) FROM event") or 0)
            self.first_call = writer.first() or self.last_call + 1
            self.tally = Tally(writer.totals())
        except BaseException:
            writer.connection.close()
            raise
        return writer

    def _undo(self, writer: Writer, error: BaseException) -> None:
        """Rolls back. What is known of the record holds only after a full disk, which SQLite handles by itself; else it is read anew with the next call."""
        try:
            writer.rollback()
            sound = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        except sqlite3.Error:
            sound = False
        if not sound:
            self.writer = None
            with contextlib.suppress(sqlite3.Error):
                writer.connection.close()

    def _count(self, workspace: str) -> Totals:
        try:
            writer = self.writer = self.writer or self._load()
            word = writer.words.find("workspace", workspace)
            return Totals() if word is None else writer.totals(word)
        except sqlite3.Error as error:
            raise JournalError(f"the journal {self.place.path} cannot be read: {error}", str(self.place.path)) from error

    def _check(self) -> None:
        if self._unusable:
            raise JournalError(f"the journal {self.place.path} cannot be used: {self._unusable}", str(self.place.path))
