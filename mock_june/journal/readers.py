"""Reading connections, `mode=ro`, lent one to a question and shared by all threads: none of them ever writes, checkpoints or holds the log for long."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from mock_june.errors import JournalError

MOST_IDLE = 4
"""Connections kept when nobody asks; each may hold 2 MiB of pages."""

PATIENCE = 5.0
"""Seconds that closing waits for readers. A broken-off one is back in milliseconds; a thread that the interpreter has stopped never is."""


class Readers:
    """A pool of reading connections."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: list[sqlite3.Connection] = []
        self._lent: set[sqlite3.Connection] = set()
        self._change = threading.Condition()
        self._closed = False

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one moment of the journal for as long as it is held. Raises JournalError when the file cannot be read."""
        connection = self._take()
        sound = False
        try:
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")
            sound = True
        except sqlite3.Error as error:
            raise self._error(str(error)) from error
        finally:
            self._give(connection, sound=sound)

    def close(self) -> None:
        """Breaks off what is being read, and waits for each connection to come back; one that does not is closed when it does."""
        with self._change:
            self._closed = True
            for connection in self._lent:
                connection.interrupt()
            self._change.wait_for(lambda: not self._lent, PATIENCE)
            while self._idle:
                self._idle.pop().close()

    def connections(self) -> list[sqlite3.Connection]:
        """All there are; takes no lock, as after a fork its holder may not exist."""
        return [*self._idle, *self._lent]

    def _take(self) -> sqlite3.Connection:
        with self._change:
            if self._closed:
                raise self._error("it is closed")
            try:
                connection = self._idle.pop() if self._idle else self._connect()
            except sqlite3.Error as error:
                raise self._error(str(error)) from error
            self._lent.add(connection)
            return connection

    def _give(self, connection: sqlite3.Connection, *, sound: bool) -> None:
        with self._change:
            self._lent.discard(connection)
            if sound and not self._closed and len(self._idle) < MOST_IDLE:
                self._idle.append(connection)
            else:
                connection.close()
            self._change.notify_all()

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(f"{self._path.as_uri()}?mode=ro", isolation_level=None, check_same_thread=False, uri=True)

    def _error(self, reason: str) -> JournalError:
        return JournalError(f"the journal {self._path} cannot be read: {reason}", str(self._path))
