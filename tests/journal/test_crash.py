from __future__ import annotations

import os
import random
import signal
import sqlite3
import sys
import time
from contextlib import closing

import orjson
import pytest

from mock_june.errors import JournalUnwritableError
from mock_june.journal import Journal
from mock_june.model import Filter, Totals
from tests.journal.made import call, event, track

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals, limits and forks of POSIX")

TRIALS = 50 if os.environ.get("MOCK_JUNE_SLOW") else 5

RECORD = """
import os, sys, threading
from pathlib import Path
from mock_june.journal import Journal
from tests.journal.made import call, event
journal = Journal.open(Path(sys.argv[1]), max_calls=300)
def load(name):
    for n in range(10**9):
        recorded = journal.record_many([call(event({"userId": f"{name}-{n}"}), body=b"x" * 3000) for _ in range(1 + n % 3)])
        os.write(1, "".join(f"{each.id} {name}-{n}\\n" for each in recorded).encode())
        if n % 50 == 0:
            journal.delete("nobody")
for name in "ab":
    threading.Thread(target=load, args=(name,)).start()
"""


def sound(path) -> bool:
    """Whether SQLite finds no fault in a closed journal."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_kill_9(child, path):
    """Every call acknowledged before a kill -9 is on record when the file is opened again, unless its turn to go had come; ids go on from there (K1)."""
    last = 0
    for trial in range(TRIALS):
        process = child(RECORD, path)
        acknowledged = [process.stdout.readline()]
        time.sleep(random.Random(trial).uniform(0.02, 0.3))
        process.send_signal(signal.SIGKILL)
        acknowledged += [line for line in process.stdout if line.endswith("\n")]
        told = {int(number): name for number, name in map(str.split, acknowledged)}
        assert min(told) > last
        with closing(Journal.open(path, max_calls=300)) as journal:
            kept = {number: name for number, name in told.items() if number >= journal.first_id}
            found = {each.call: bytes(each.payload) for each in journal.events(Filter(), limit=1000)}
            assert kept
            assert kept.keys() <= {each.id for each in journal.calls(Filter(), limit=1000)} == found.keys()
            assert all(journal.count_events(Filter(user_id=name)) for name in kept.values())
            last = journal.last_id
            assert last >= max(told)
            assert journal.totals(None).calls == journal.count_calls(Filter()) <= 300
        assert sound(path)


def test_killed_while_new(child, path):
    """A process killed at any moment of making a journal leaves what can be opened."""
    program = (
        "import sys\nfrom pathlib import Path\nfrom mock_june.journal import Journal\nprint(flush=True)\nJournal.open(Path(sys.argv[1]))\nsys.stdin.read()"
    )
    for trial in range(TRIALS):
        process = child(program, path)
        process.stdout.readline()
        time.sleep(trial * 0.03 / TRIALS)
        process.kill()
        process.wait()
        with closing(Journal.open(path)) as journal:
            assert journal.record(track()).id == 1
        path.unlink()


def test_full_disk(journal, path):
    """On a full disk a call is refused as unwritable (503), with SQLite's reason; nothing of it is on record, and with room again recording goes on (K3)."""
    journal.record(track("before"))
    writer = journal._session.writer
    pages = writer.value("PRAGMA page_count")
    writer.value(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(JournalUnwritableError, match="full") as caught:
        journal.record(track("too much", body=bytes(1_000_000)))
    assert (caught.value.status, caught.value.code, caught.value.reason) == (503, "journal_unwritable", "database or disk is full")
    assert (journal.last_id, journal.totals(None), journal.count_calls(Filter())) == (1, Totals(1, 1, 0), 1)
    assert journal._session.writer is writer
    writer.value("PRAGMA max_page_count = 1000000")
    assert journal.record(track("after", body=bytes(1_000_000))).id == 2
    journal.close()
    assert sound(path)


LIMITED = """
import resource, sys
from pathlib import Path
from mock_june.errors import JournalUnwritableError
from mock_june.journal import Journal
from mock_june.model import Filter
from tests.journal.made import track
journal = Journal.open(Path(sys.argv[1]))
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
for round_ in range(3):
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000 * (round_ + 1), hard))
    try:
        while True:
            journal.record(track(path=f"/{journal.last_id + 1}", body=bytes(5000)))
    except JournalUnwritableError as error:
        print(error.reason)
    told = journal.last_id
    assert journal.count_calls(Filter()) == journal.totals(None).calls == told > 0
    try:
        journal.delete("w" * round_)
    except JournalUnwritableError:
        pass
    assert journal.last_id == told
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
recorded = journal.record(track(path="/at last"))
assert recorded.id == told + 1
assert [call.path for call in journal.calls(Filter(), limit=1000)] == [f"/{n}" for n in range(1, told + 1)] + ["/at last"]
journal.close()
print("done", told)
"""


def test_no_more_room_in_the_file(child, path):
    """Where the system writes no more (as under RLIMIT_FSIZE) calls are unwritable, those acknowledged stay, and with room again recording goes on (K3)."""
    output, _ = child(LIMITED, path).communicate(timeout=60)
    assert output.splitlines()[-1].startswith("done"), output
    assert output.count("disk I/O error") + output.count("full") >= 3
    assert sound(path)


def test_a_connection_that_is_lost(journal, path):
    """After an error that is not a full disk the journal takes a new connection, and reads anew what is on record."""
    journal.record(track())
    journal._session.writer.connection.close()
    with pytest.raises(JournalUnwritableError):
        journal.record(track())
    assert journal.record(track()).id == 2
    assert (journal.totals(None), journal.totals("w"), journal.count_calls(Filter())) == (Totals(2, 2, 0), Totals(2, 2, 0), 2)


def test_a_broken_off_commit(journal):
    """An exception out of the blue in the middle of a call leaves nothing of it, and after its commit all of it; ids stay unique."""
    for moment in ("insert", "commit"):
        journal.record(track("before"))
        real = getattr(journal._session.writer, moment)

        def broken(*arguments, real=real):
            real(*arguments)
            raise KeyboardInterrupt

        setattr(journal._session.writer, moment, broken)
        with pytest.raises(KeyboardInterrupt):
            journal.record(track(moment))
    assert journal.record(track("after")).id == 4
    assert [orjson.loads(bytes(found.payload))["userId"] for found in journal.events(Filter())] == ["before", "before", "commit", "after"]
    assert journal.totals(None) == journal.totals("w") == Totals(4, 4, 0)


def test_sigterm_in_a_call(child, path):
    """A process that closes its journal on SIGTERM, in the middle of recording, leaves one file with all that was acknowledged (K11)."""
    program = RECORD.partition("def load")[0] + (
        "import signal\n"
        "def end(*_): sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "try:\n"
        "    while True: os.write(1, b'%d\\n' % journal.record(call(event({}))).id)\n"
        "finally: journal.close()\n"
    )
    process = child(program, path)
    process.stdout.readline()
    time.sleep(0.1)
    process.terminate()
    told = process.stdout.read().split()
    assert process.wait(20) == 0
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    with closing(Journal.open(path)) as journal:
        assert journal.last_id >= int(told[-1])
        assert journal.record(call(event({}))).id == journal.last_id
