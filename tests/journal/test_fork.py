"""An open journal in a process that forks."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing

import pytest

from mock_june.errors import JournalError
from mock_june.journal import Journal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no fork")

FORK = """
import gc, os, sys
from pathlib import Path
from mock_june.errors import JournalError
from mock_june.journal import Journal
from mock_june.model import Filter
from tests.journal.made import track
path = Path(sys.argv[1])
journal, private = Journal.open(path), Journal.open(None)
lost = Journal.open(path.with_name("lost.db"))
journal.record(track()), journal.calls(Filter()), private.record(track())
lost._session.writer.connection.close()
lost._session.writer = None  # as after an error that cost it its connection
kept = [*journal._session._readers.connections(), journal._session.writer.connection]
before = [sys.getrefcount(each) for each in kept]
pid = os.fork()
if pid == 0:
    assert len(kept) == 2
    assert [sys.getrefcount(each) for each in kept] == [number + 1 for number in before]  # nothing here can collect them, which would close them
    del kept
    for use in (lambda: journal.record(track()), lambda: journal.calls(Filter()), lambda: journal.totals("w"), lambda: journal.delete(None)):
        try:
            use()
        except JournalError as error:
            assert str(error) == f"the journal {path} cannot be used: it was opened before this process was forked; open another journal here"
        else:
            os._exit(3)
    journal.close()
    private.close()
    try:
        Journal.open(path)
    except JournalError as error:
        assert "held by" in str(error)
    else:
        os._exit(4)
    own = Journal.open(path.with_name("own.db"))
    own.record(track())
    own.close()
    del journal, private
    gc.collect()
    sys.exit(0)
_, status = os.waitpid(pid, 0)
assert status == 0, status
assert private.path.exists()
assert (journal.record(track()).id, private.record(track()).id) == (2, 2)
assert journal.count_calls(Filter()) == 2
journal.delete(None)
print("ready", flush=True)
sys.stdin.readline()
journal.close(), private.close(), lost.close()
assert not private.path.parent.exists()
print("done")
"""


def test_fork(child, path):
    """In a forked child an open journal is unusable and says so, its file and lock stay the parent's, and the child may open journals of its own (K7)."""
    process = child(FORK, path)
    assert process.stdout.readline() == "ready\n", process.communicate()[0]
    with pytest.raises(JournalError, match=f"held by process {process.pid}"):
        Journal.open(path)
    output, _ = process.communicate("\n", timeout=20)
    assert output == "done\n"
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
