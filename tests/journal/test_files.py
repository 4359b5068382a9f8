from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import sqlite3
import stat
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import pytest

from mock_june.errors import JournalError
from mock_june.journal import Journal, lock, place, writer
from mock_june.model import Filter
from tests.journal.made import call, event, track

OPEN = """
import os, sys
from pathlib import Path
from mock_june.errors import JournalError
from mock_june.journal import Journal
if "nobody" in sys.argv:
    os.setuid(65534)
try:
    journal = Journal.open(Path(sys.argv[1]) if sys.argv[1] else None)
except JournalError as error:
    print(error)
else:
    print("open", journal.path, flush=True)
    sys.stdin.readline()
    journal.close()
"""


def everything(folder: Path) -> dict[str, tuple[int, int, str]]:
    """All that can be seen of a folder's files: name to mode, mtime and contents."""
    seen = {}
    for entry in folder.iterdir():
        info = entry.lstat()
        contents = hashlib.sha256(entry.read_bytes()).hexdigest() if stat.S_ISREG(info.st_mode) else ""
        seen[entry.name] = (info.st_mode, info.st_mtime_ns, contents)
    return seen


def journal_bytes(folder: Path) -> bytes:
    """A journal's file with a call in it."""
    with closing(Journal.open(folder / "made")) as journal:
        journal.record(track())
    contents = (folder / "made").read_bytes()
    (folder / "made").unlink()
    return contents


def garbage(path: Path) -> None:
    path.write_bytes(b"id,event\n1,Registered\n" * 100)


def short(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0")


def of_another_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("CREATE TABLE call (id INTEGER)")


def of_another_program_in_wal_mode(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("CREATE TABLE call (id INTEGER)")


def forged(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other, other:
        other.executescript(f"PRAGMA application_id = {place.APPLICATION_ID}; PRAGMA user_version = {place.VERSION}; CREATE TABLE meta (name, value);")


def half_forged(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other, other:
        other.executescript(f"PRAGMA application_id = {place.APPLICATION_ID}; CREATE TABLE diary (text);")


def newer(path: Path) -> None:
    contents = bytearray(journal_bytes(path.parent))
    contents[60:64] = (place.VERSION + 1).to_bytes(4)
    path.write_bytes(contents)


def cut(path: Path) -> None:
    path.write_bytes(journal_bytes(path.parent)[: 3 * 2048])


def damaged(path: Path) -> None:
    contents = bytearray(journal_bytes(path.parent))
    contents[100:] = b"\x55" * (len(contents) - 100)
    path.write_bytes(contents)


def folder(path: Path) -> None:
    path.mkdir()


def fifo(path: Path) -> None:
    os.mkfifo(path)


def a_socket(path: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as made:
        made.bind(str(path))


def symlink(path: Path) -> None:
    (path.parent / "real").write_bytes(journal_bytes(path.parent))
    path.symlink_to("real")


def dangling_symlink(path: Path) -> None:
    path.symlink_to("nowhere")


def hard_link(path: Path) -> None:
    path.write_bytes(journal_bytes(path.parent))
    (path.parent / "second").hardlink_to(path)


def lock_of_another_program(path: Path) -> None:
    path.write_bytes(journal_bytes(path.parent))
    path.with_name(path.name + ".lock").write_text("version = 1\n[[package]]\n")


def lock_that_is_a_symlink(path: Path) -> None:
    (path.parent / "precious").write_text("1")
    path.with_name(path.name + ".lock").symlink_to("precious")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (garbage, "{} is no journal, and was left as it is: name another file"),
        (short, "{} is no journal, and was left as it is: name another file"),
        (of_another_program, "{} is a database of another program, and was left as it is: name another file"),
        (of_another_program_in_wal_mode, "{} is a database of another program, and was left as it is: name another file"),
        (forged, "{} cannot be used as a journal (it bears a journal's marks, and not its tables): free the disk, or name another file"),
        (half_forged, "{} cannot be used as a journal (it bears a journal's marks, and not its tables): free the disk, or name another file"),
        (newer, "{} is of a newer mock-june (schema 2; this one knows up to 1), and was left as it is: update mock-june, or name another file"),
        (cut, "{} is a journal that is cut short, and was left as it is: restore it, or name another file"),
        (damaged, "{} cannot be used as a journal (database disk image is malformed): free the disk, or name another file"),
        (folder, "{} is a folder: name a file in it"),
        (fifo, "{} is no plain file: name another"),
        (a_socket, "{} is no plain file: name another"),
        (symlink, "{} is a symbolic link: name the file that it points to"),
        (dangling_symlink, "{} is a symbolic link: name the file that it points to"),
        (hard_link, "{} has a second name (a hard link): name a file that has one"),
        (lock_of_another_program, "{}.lock is not a lock of mock-june's, which journal.db would need: name another journal"),
        (
            lock_that_is_a_symlink,
            "cannot write {}.lock (Too many levels of symbolic links), which the journal needs beside it: name a file in a folder of yours",
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_no_journal_is_left_as_it_was(path, make, says):
    """A file that can be no journal is refused with a line that says why and what to do; no byte, mode or time of it changes and nothing appears beside it."""
    make(path)
    before = everything(path.parent)
    with pytest.raises(JournalError) as caught:
        Journal.open(path)
    assert everything(path.parent) == before
    assert (str(caught.value), caught.value.exit_code, caught.value.path) == (says.format(path), 2, str(path))


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("/dev/full", "/dev/full is no plain file: name another"),
        ("/dev/null", "/dev/null is no plain file: name another"),
        ("/", "/ is a folder: name a file in it"),
        ("no/such/j.db", "no/such/j.db cannot be made, as its folder cannot be reached (No such file or directory): make no/such first"),
        ("x" * 300, f"{'x' * 300} cannot be a journal (File name too long): name a file in a folder of yours"),
        ("nul\0", "nul\\x00 cannot be a journal, as no file can have that name (NUL, or what is no Unicode): name another"),
        ("", ". is a folder: name a file in it"),
    ],
)
def test_places_where_no_file_can_be(tmp_path, monkeypatch, target, says):
    """A device, a folder, a place in no folder, a name too long: one line each, and nothing appears."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(JournalError) as caught:
        Journal.open(Path(target))
    assert (str(caught.value), caught.value.path) == (says, str(Path(target)))
    assert everything(tmp_path) == {}


def test_a_journal_without_its_tail_and_with_its_log(path):
    """What is missing at a file's end may stand in the log of a killed process: it is SQLite's to say, not ours."""
    path.write_bytes(journal_bytes(path.parent)[: 3 * 2048])
    path.with_name("journal.db-wal").write_bytes(b"")
    with pytest.raises(JournalError, match="cannot be used as a journal"):
        Journal.open(path)


def test_a_journal_of_a_later_day(path):
    """The number of its schema is read whole."""
    contents = bytearray(journal_bytes(path.parent))
    contents[60:64] = (0x01000000).to_bytes(4)
    path.write_bytes(contents)
    with pytest.raises(JournalError, match=r"schema 16777216; this one"):
        Journal.open(path)


@pytest.fixture
def open_folder():
    """A folder that every user can look into."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o755)
    yield made
    made.chmod(0o755)
    shutil.rmtree(made)


@pytest.mark.skipif(sys.platform == "win32", reason="no such modes there")
@pytest.mark.parametrize(
    ("modes", "says"),
    [((0o555, 0o666), "folder that cannot be written"), ((0o777, 0o444), "cannot be read and written"), ((0o777, 0o222), "cannot be read and written")],
)
def test_what_may_not_be_written(child, open_folder, modes, says):
    """A read-only folder and a file that may not be read and written are refused, and left as they were, also where a log lies beside the file."""
    path = open_folder / "journal.db"
    path.write_bytes(journal_bytes(open_folder))
    path.with_name("journal.db-wal").write_bytes(b"")
    before = everything(open_folder)
    path.chmod(modes[1])
    open_folder.chmod(modes[0])
    output, _ = child(OPEN, path, *(["nobody"] if os.getuid() == 0 else [])).communicate(timeout=20)
    path.chmod(before["journal.db"][0] & 0o777)
    open_folder.chmod(0o755)
    assert says in output
    assert everything(open_folder) == before


@pytest.mark.parametrize("name", ["journal.db", "a b?c#d%20e.db", "é 🙂", ":memory:", "file:x?mode=memory", os.fsdecode(b"odd\xff")])
def test_any_name(tmp_path, monkeypatch, name):
    """A journal may have any name that a file can have; an absent file is made, an empty one filled, what was there is read again."""
    monkeypatch.chdir(tmp_path)
    Path(name).touch()
    for round_ in (1, 2):
        with closing(Journal.open(Path(name))) as journal:
            journal.record(track())
            assert journal.count_calls(Filter()) == round_
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_one_file_in_the_end(path):
    """While it is open a journal keeps a log and a lock beside it; closed, it is one file, and itself marked as ours."""
    journal = Journal.open(path)
    journal.record(track())
    assert {entry.name for entry in path.parent.iterdir()} == {"journal.db", "journal.db-wal", "journal.db-shm", "journal.db.lock"}
    journal.calls(Filter())
    journal.close()
    assert [entry.name for entry in path.parent.iterdir()] == ["journal.db"]
    header = path.read_bytes()[:100]
    assert (int.from_bytes(header[68:72]), int.from_bytes(header[60:64])) == (place.APPLICATION_ID, place.VERSION)


def test_closed_while_another_program_looks(path):
    """The file is complete by itself when the journal is closed, though another program has it open and SQLite leaves the log's file there."""
    journal = Journal.open(path)
    journal.record(track())
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as other:
        assert other.execute("SELECT count(*) FROM call").fetchone() == (1,)
        journal.close()
        assert path.with_name("journal.db-wal").stat().st_size == 0


@pytest.mark.parametrize("there", [False, True])
def test_a_failed_opening_leaves_what_was(path, monkeypatch, there):
    """When a new journal cannot be set up there is no half of one, an empty file that was there still is, and the next try finds the way free."""
    if there:
        path.touch()
    monkeypatch.setattr("mock_june.journal.writer.VERSION", "nonsense (")
    with pytest.raises(JournalError, match="cannot be used as a journal"):
        Journal.open(path)
    assert [entry.name for entry in path.parent.iterdir()] == ["journal.db"] * there
    monkeypatch.undo()
    Journal.open(path).close()


@pytest.mark.parametrize(("durable", "named", "level"), [(False, True, 1), (True, True, 2), (False, False, 0), (True, False, 2)])
def test_how_safe_a_commit_is(path, durable, named, level):
    """A named journal is written with synchronous=NORMAL, a durable one with FULL; a private one ends with the process and asks nothing of the disk."""
    with closing(Journal.open(path if named else None, durable=durable)) as journal:
        assert journal._session.writer.value("PRAGMA synchronous") == level
        assert journal._session.writer.value("PRAGMA journal_mode") == "wal"
        assert journal.durable is durable


def test_how_the_file_is_written(journal):
    """Pages of 2 KiB, 8 MiB of them in memory, a log of 16 MiB that a commit moves, of 64 at most; what is deleted stays; two seconds for readers."""
    asked = ("page_size", "cache_size", "wal_autocheckpoint", "journal_size_limit", "secure_delete", "busy_timeout", "application_id", "user_version")
    found = [journal._session.writer.value(f"PRAGMA {name}") for name in asked]
    assert found == [2048, -8192, 8192, 64 << 20, 0, 2000, place.APPLICATION_ID, place.VERSION]


def test_a_log_beyond_its_limit(journal, monkeypatch):
    """The log is looked at with every so many commits, not with each, and taken in where it is beyond its limit."""
    monkeypatch.setattr(writer, "LOG_LIMIT", 10_000)
    monkeypatch.setattr(writer, "LOOK_AT_LOG", 8)
    log, large = journal.path.with_name("journal.db-wal"), call(event({"text": "x" * 20_000}))
    before = journal._session.writer._commits
    sizes = []
    for _ in range(20):
        journal.record(large)
        sizes.append(log.stat().st_size)
    assert [number for number, size in enumerate(sizes, before + 1) if size == 0] == [8, 16]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_lock_is_its_owners_alone(journal):
    """Whatever the process lets others do by default."""
    before = os.umask(0)
    try:
        with closing(Journal.open(journal.path.with_name("other.db"))):
            assert stat.S_IMODE(journal.path.with_name("other.db.lock").stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_readers_cannot_write(journal):
    """Of a journal's connections one writes; the others are opened for reading alone (threats K6)."""
    with pytest.raises(JournalError, match="readonly"), journal._session.snapshot() as connection:
        connection.execute("DELETE FROM call")


def test_two_in_one_process(journal, path):
    """A journal that this process has open is not opened again, under no spelling of its name, and the first goes on."""
    path.parent.joinpath("link").symlink_to(path.parent)
    for spelling in (path, path.parent / "link" / path.name, path.parent / "x" / ".." / path.name):
        (path.parent / "x").mkdir(exist_ok=True)
        with pytest.raises(JournalError, match="held by this process already"):
            Journal.open(spelling)
    assert journal.record(track()).id == 1


def test_two_processes(child, path):
    """A journal that another process holds is refused with that process's id; when it ends, the journal is free."""
    holder = child(OPEN, path)
    assert holder.stdout.readline().startswith("open")
    with pytest.raises(JournalError, match=f"held by process {holder.pid}"):
        Journal.open(path)
    holder.communicate("\n", timeout=20)
    Journal.open(path).close()


def test_a_killed_holder(child, path):
    """The lock of a killed process is no lock, though its file is still there."""
    holder = child(OPEN, path)
    holder.stdout.readline()
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert path.with_name("journal.db.lock").read_text() == f"{holder.pid}\n"
    Journal.open(path).close()
    assert not path.with_name("journal.db.lock").exists()


def test_a_lock_that_goes_as_it_is_taken(path, monkeypatch):
    """Whoever takes the lock of a journal that is just being closed ends up with a lock that others see, not with the removed file of the last holder."""
    real = lock._lock
    taken: list[int] = []

    def late(fd: int) -> None:
        real(fd)
        if not taken:
            path.with_name("journal.db.lock").unlink()
        taken.append(fd)

    monkeypatch.setattr(lock, "_lock", late)
    with closing(Journal.open(path)):
        assert len(taken) == 2
        with pytest.raises(JournalError, match="held by this process already"):
            Journal.open(path)


def test_private_journals(tmp_path, monkeypatch):
    """A journal without a name lies in a folder of its own that only this user can enter, and goes when it is closed."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with closing(Journal.open(None)) as one, closing(Journal.open(None)) as two:
        assert one.path.parent != two.path.parent
        assert stat.S_IMODE(one.path.parent.stat().st_mode) == 0o700
        one.record(track())
        assert (one.count_calls(Filter()), two.count_calls(Filter())) == (1, 0)
    assert everything(tmp_path) == {}


def test_a_private_folder_that_somebody_took_away(tmp_path, monkeypatch):
    """There is nothing left to remove, so closing has no trouble."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    journal = Journal.open(None)
    shutil.rmtree(journal.path.parent)
    journal.close()
    assert everything(tmp_path) == {}


def test_what_killed_processes_left(child, tmp_path, monkeypatch):
    """A private folder left by a killed process goes at a next start; that of a living one stays, and so does all that is not ours."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dead, alive = child(OPEN, "", TMPDIR=str(tmp_path)), child(OPEN, "", TMPDIR=str(tmp_path))
    left, kept = (Path(process.stdout.readline().split(maxsplit=1)[1].strip()).parent for process in (dead, alive))
    dead.send_signal(signal.SIGKILL)
    dead.wait()
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "journal.db").touch()
    (tmp_path / f"{place.PREFIX}link").symlink_to(precious)
    (tmp_path / f"{place.PREFIX}file").touch()
    odd = tmp_path / f"{place.PREFIX}odd"
    odd.mkdir()
    (odd / f"{place.PRIVATE}.lock").write_text("not ours")
    others = {"precious", f"{place.PREFIX}link", f"{place.PREFIX}file", odd.name}
    if os.getuid() == 0:  # who alone can make a folder another's
        others.add(f"{place.PREFIX}other")
        (tmp_path / f"{place.PREFIX}other").mkdir()
        os.chown(tmp_path / f"{place.PREFIX}other", 65534, 65534)
    Journal.open(None).close()
    assert left.exists()  # it may be one that is just being made
    for entry in tmp_path.iterdir():
        os.utime(entry, (time.time() - 3600,) * 2, follow_symlinks=False)
    Journal.open(None).close()
    assert not left.exists()
    assert {entry.name for entry in tmp_path.iterdir()} == {kept.name, *others}
    assert (precious / "journal.db").exists()
    alive.communicate("\n", timeout=20)
    assert not kept.exists()


def test_no_temporary_folder(tmp_path, monkeypatch):
    """Without a place for a private journal there is one line that says so."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(JournalError, match="TMPDIR"):
        Journal.open(None)
