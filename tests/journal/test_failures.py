"""What a journal does where the system fails it: each failure is a JournalError in one line, and leaves what was as it was."""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import closing

import pytest

from mock_june.errors import JournalError, JournalUnwritableError
from mock_june.journal import Journal, lock, words, writer
from mock_june.journal.place import APPLICATION_ID
from mock_june.journal.readers import Readers
from mock_june.model import Filter, Totals
from tests.journal.made import track

if sys.platform != "win32":
    import fcntl


def test_a_lock_that_is_no_plain_file(path):
    """Where a pipe has the name that the lock needs, the journal is refused, and the pipe stays."""
    os.mkfifo(path.with_name("journal.db.lock"))
    with pytest.raises(JournalError) as caught:
        Journal.open(path)
    said = f"{path}.lock is no plain file, and the journal needs one of that name: name another journal"
    assert (str(caught.value), caught.value.path) == (said, str(path))
    assert [entry.name for entry in path.parent.iterdir()] == ["journal.db.lock"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks by other means")
def test_a_lock_whose_holder_is_not_told(path):
    """Who holds it is told as far as the file tells it."""
    with path.with_name("journal.db.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(JournalError) as caught:
            Journal.open(path)
    assert (str(caught.value), caught.value.path) == (f"the journal {path} is held by another process: stop it, or name another file", str(path))
    assert not path.exists()


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (False, "lies in a folder that cannot be written, and a journal keeps files beside it: name a file in a folder of yours"),
        (True, "cannot be read and written: change its mode, or name another file"),
    ],
)
def test_what_the_system_does_not_let_us_write(path, monkeypatch, there, said):
    """A folder, or a file, that may not be written is told before anything is tried."""
    if there:
        Journal.open(path).close()
    asked: dict[str, int] = {}
    monkeypatch.setattr("mock_june.journal.place.os.access", lambda of, mode: asked.setdefault(str(of), mode) == 0)
    with pytest.raises(JournalError) as caught:
        Journal.open(path)
    assert (str(caught.value), caught.value.path) == (f"{path} {said}", str(path))
    assert asked == ({str(path): os.R_OK | os.W_OK} if there else {str(path.parent): os.W_OK | os.X_OK})
    assert [entry.name for entry in path.parent.iterdir()] == ["journal.db"] * there


def test_a_file_that_cannot_be_opened(path, monkeypatch):
    """A file that the system says may be read, and does not let us open, is told with the system's reason; its lock goes."""
    Journal.open(path).close()
    real = os.open

    def refuses(name, *more):
        if name == path:
            raise OSError(5, "Input/output error")
        return real(name, *more)

    monkeypatch.setattr("mock_june.journal.place.os.open", refuses)
    with pytest.raises(JournalError) as caught:
        Journal.open(path)
    assert (str(caught.value), caught.value.path) == (f"{path} cannot be read (Input/output error): name another file", str(path))
    assert [entry.name for entry in path.parent.iterdir()] == ["journal.db"]


def test_a_lock_that_is_gone(path):
    """A lock file whose name has gone is none any more."""
    with path.open("w") as file:
        path.unlink()
        assert lock._is_still(path, file.fileno()) is False


def test_readers_that_are_closed_and_files_that_are_gone(path):
    """Who reads after the end, or where there is no file, gets a JournalError that says so."""
    readers = Readers(path)
    with pytest.raises(JournalError) as caught, readers.snapshot():
        pass
    assert (str(caught.value), caught.value.path) == (f"the journal {path} cannot be read: unable to open database file", str(path))
    readers.close()
    with pytest.raises(JournalError, match=r": it is closed$"), readers.snapshot():
        pass


def test_closing_does_not_wait_for_ever(journal, monkeypatch):
    """A reader that does not come back is left behind, and its connection closed when it does."""
    monkeypatch.setattr("mock_june.journal.readers.PATIENCE", 0.05)
    journal.record(track())
    with journal._session.snapshot() as connection:
        journal.close()
        assert connection.execute("SELECT count(*) FROM call").fetchone() == (1,)
    with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
        connection.execute("SELECT 1")


def test_a_disk_without_a_log(path, monkeypatch):
    """Where SQLite keeps no write-ahead log, such as on some network disks, there is no journal, and no half of one."""
    real = writer.Writer.value
    monkeypatch.setattr(writer.Writer, "value", lambda self, sql, *more: "delete" if "journal_mode" in sql else real(self, sql, *more))
    with pytest.raises(JournalError, match=r"\(no write-ahead log can be kept there\): "):
        Journal.open(path)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("code", [None, sqlite3.SQLITE_FULL])
def test_a_stamp_that_cannot_be_written(path, monkeypatch, code):
    """An opening that fails as it stamps the rules leaves the journal to the next, also where the connection outlives the failure."""
    with closing(Journal.open(path)) as journal:
        journal.record(track())
    error = sqlite3.OperationalError("disk I/O error")
    if code is not None:
        error.sqlite_errorcode = code

    def fails(*_):
        raise error

    monkeypatch.setattr(writer.Writer, "set_meta", fails)
    with pytest.raises(JournalError) as caught:
        Journal.open(path)
    assert str(caught.value) == f"{path} cannot be used as a journal (disk I/O error): free the disk, or name another file"
    monkeypatch.undo()
    with closing(Journal.open(path)) as journal:
        assert journal.count_calls(Filter()) == 1


def test_a_file_that_cannot_be_made(path, monkeypatch):
    """Where SQLite cannot even make the file, that is told, and nothing is left of the attempt."""

    def refuses(*_, **__):
        raise sqlite3.OperationalError("unable to open database file")

    monkeypatch.setattr("mock_june.journal.writer.sqlite3.connect", refuses)
    with pytest.raises(JournalError, match=r"cannot be used as a journal \(unable to open database file\)"):
        Journal.open(path)
    assert list(path.parent.iterdir()) == []


def test_an_opening_that_is_broken_off(path, monkeypatch):
    """Ctrl-C as a journal is opened stays Ctrl-C, and the file is let go."""

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(writer.Writer, "totals", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Journal.open(path)
    monkeypatch.undo()
    Journal.open(path).close()


def test_a_connection_that_cannot_be_made_again(path, monkeypatch):
    """While no new connection can be had, recording says so and so do a workspace's counts; with the next one all is as it was."""
    with closing(Journal.open(path)) as journal:
        journal.record(track())
    with closing(Journal.open(path)) as journal:
        journal._session.writer.connection.close()
        with pytest.raises(JournalUnwritableError):
            journal.record(track())

        def refuses(*_, **__):
            raise sqlite3.OperationalError("unable to open database file")

        monkeypatch.setattr("mock_june.journal.writer.sqlite3.connect", refuses)
        with pytest.raises(JournalUnwritableError, match="unable to open"):
            journal.record(track())
        with pytest.raises(JournalError) as caught:
            journal.totals("w")
        assert (str(caught.value), caught.value.path) == (f"the journal {path} cannot be read: unable to open database file", str(path))
        monkeypatch.undo()
        assert journal.totals("w") == Totals(1, 1)
        assert journal.record(track()).id == 2


def test_a_last_writing_that_fails(path, monkeypatch):
    """Where the log cannot be taken in at the end, closing says nothing, lets the file go, and the next opening has all."""
    journal = Journal.open(path)
    journal.record(track())

    def fails(self):
        self.connection.close()
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as failing:
        failing.setattr(writer.Writer, "close", fails)
        journal.close()
    with pytest.raises(JournalError, match=r": it is closed$"):
        journal.record(track())
    with closing(Journal.open(path)) as again:
        assert again.count_calls(Filter()) == 1


def test_words_are_kept_in_mind(journal, monkeypatch):
    """A text that came before is not looked up again: a call like others costs no question."""
    journal.record(track())
    monkeypatch.setattr(words.Words, "find", None)
    assert journal.record(track()).id == 2


def test_a_file_that_is_gone(path):
    """A journal whose file somebody took away says so with each call, and makes no other in its place."""
    with closing(Journal.open(path)) as journal:
        journal.record(track())
        journal._session.writer.connection.close()
        path.unlink()
        with pytest.raises(JournalUnwritableError):
            journal.record(track())
        with pytest.raises(JournalUnwritableError, match="unable to open database file"):
            journal.record(track())
        assert not path.exists()


@pytest.mark.parametrize("trouble", [sqlite3.OperationalError("database is locked"), FileNotFoundError()], ids=["SQLite's", "the system's"])
def test_a_log_that_cannot_be_looked_after(journal, monkeypatch, trouble):
    """What keeps the log from being taken in is no trouble of the call's, which is on record."""
    real = writer.Writer.value
    asked = []

    def fails(self, sql, *more):
        if "wal_checkpoint" in sql:
            asked.append(sql)
            raise trouble
        return real(self, sql, *more)

    with monkeypatch.context() as failing:
        failing.setattr(writer, "LOG_LIMIT", 0)
        failing.setattr(writer, "LOOK_AT_LOG", 1)
        failing.setattr(writer.Writer, "value", fails)
        assert [journal.record(track()).id for _ in range(3)] == [1, 2, 3]
    assert asked == ["PRAGMA wal_checkpoint(TRUNCATE)"] * 3
    assert journal.count_calls(Filter()) == 3


def test_more_words_than_are_kept_in_mind(journal, monkeypatch):
    """However many paths come, each is found: those not in mind are looked up."""
    monkeypatch.setattr(words, "MOST", 2)
    for number in (*range(5), *range(5)):
        journal.record(track(path=f"/{number}"))
    assert [journal.count_calls(Filter(path=f"/{number}")) for number in range(6)] == [2, 2, 2, 2, 2, 0]


def test_a_first_page_alone_beside_its_rollback_journal(path):
    """A file that was cut off as it was made, with what SQLite undoes it by beside it, is not a journal that was cut short."""
    with closing(sqlite3.connect(path, isolation_level=None)) as made:
        made.executescript(f"PRAGMA application_id = {APPLICATION_ID}; CREATE TABLE filler (text); DROP TABLE filler")
        made.execute("PRAGMA page_size = 512")
        made.execute("VACUUM")
    header = bytearray(path.read_bytes()[:512])
    header[28:32] = (1 << 24).to_bytes(4)
    path.write_bytes(header)
    with pytest.raises(JournalError, match="that is cut short"):
        Journal.open(path)
    # An empty rollback journal is one that was committed: what matters here is that SQLite is asked.
    path.with_name("journal.db-journal").touch()
    with pytest.raises(JournalError, match="cannot be used as a journal"):
        Journal.open(path)


@pytest.mark.parametrize(("code", "kept"), [(sqlite3.SQLITE_FULL, True), (sqlite3.SQLITE_IOERR, False), (None, False)])
def test_a_connection_after_a_failure(journal, monkeypatch, code, kept):
    """After a full disk, which SQLite undoes by itself, the connection goes on; after all else it is closed, and made anew for the next call."""
    journal.record(track())
    before = journal._session.writer
    error = sqlite3.OperationalError("it failed")
    if code is not None:
        error.sqlite_errorcode = code

    def fails(*_):
        raise error

    with monkeypatch.context() as failing:
        failing.setattr(writer.Writer, "insert", fails)
        with pytest.raises(JournalUnwritableError, match="it failed"):
            journal.record(track())
    assert (journal._session.writer is before) is kept
    if not kept:
        with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
            before.connection.execute("SELECT 1")
    assert journal.record(track()).id == 2


def test_a_connection_that_cannot_even_be_closed(journal, monkeypatch):
    """Where neither undoing nor closing works, recording still fails with the first reason, and the next call is recorded."""
    real = journal._session.writer.connection

    class Broken:
        def rollback(self):
            raise sqlite3.OperationalError("no way back")

        def close(self):
            real.close()
            raise sqlite3.OperationalError("no way out")

    journal._session.writer.connection = Broken()
    monkeypatch.setattr(writer.Writer, "insert", lambda *_: real.execute("nonsense"))
    with pytest.raises(JournalUnwritableError, match="nonsense"):
        journal.record(track())
    monkeypatch.undo()
    assert journal.record(track()).id == 1


def test_counts_are_asked_for_once(path, monkeypatch):
    """A workspace of a journal that was there before is counted when somebody asks, and then known."""
    with closing(Journal.open(path)) as journal:
        journal.record_many([track(workspace="a"), track(workspace="b")])
    with closing(Journal.open(path)) as journal:
        assert journal.totals("a") == Totals(1, 1)
        monkeypatch.setattr(writer.Writer, "totals", None)
        assert journal.totals("a") == Totals(1, 1)
        journal.record(track(workspace="a"))
        assert journal.totals("a") == Totals(2, 2)


def test_the_last_workspace_of_a_journal_that_was_there_before(path, monkeypatch):
    """Deleting all that there is, be it one call, takes the tables at once, and the next ids go on."""
    for number in (1, 2):
        with closing(Journal.open(path)) as journal:
            journal.record_many([track(workspace="a")] * number)
        with closing(Journal.open(path)) as journal:
            before = journal.last_id
            with monkeypatch.context() as alone:
                alone.setattr("mock_june.journal.store.removal.remove", None)
                assert journal.delete("a") == number
            assert journal.delete("a") == 0
            assert (journal.first_id, journal.last_id) == (before + 1, before)


def test_deleting_what_is_not_all(journal):
    """Of several workspaces one goes; the oldest id is then another's, or, where no call is left, that of the next one."""
    journal.record_many([track(workspace="a"), track(workspace="b"), track(workspace="a")])
    assert journal.delete("none") == 0
    assert (journal.delete("a"), journal.first_id, journal.last_id) == (2, 2, 3)
    assert (journal.delete("b"), journal.first_id, journal.record(track()).id) == (1, 4, 4)


def test_deleting_what_is_all_and_not_known_to_be(journal, monkeypatch):
    """Where the counts do not tell that a workspace is all there is, its calls go one by one, and the oldest id is that of the next call."""
    journal.record_many([track(workspace="a"), track(workspace="a")])
    monkeypatch.setattr("mock_june.journal.tally.Tally.of", lambda *_: None)
    assert (journal.delete("a"), journal.first_id, journal.last_id) == (2, 3, 2)
