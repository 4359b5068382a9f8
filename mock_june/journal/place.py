"""Where a journal lies. A file is looked at before SQLite is let near it, so that one that is not ours stays as it was, to the byte."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from mock_june.errors import JournalError
from mock_june.journal.lock import Lock
from mock_june.text import printable

APPLICATION_ID = 0x4A554E45
"""PRAGMA application_id, "JUNE": how a journal is told from other programs' databases."""

VERSION = 1
"""PRAGMA user_version: of schema.sql."""

PREFIX = "mock-june-journal-"
PRIVATE = "journal.db"
YOUNG = 60.0
"""Seconds in which a private folder without a lock may be one that is just being made."""


@dataclass(frozen=True, slots=True)
class Place:
    """A journal's file, held by a lock. `folder` is the private one that goes with it, None for a file that the user named. `new`: there was no such file."""

    path: Path
    lock: Lock
    folder: Path | None = None
    new: bool = True

    def release(self) -> None:
        """Lets go of the file; a private one is removed."""
        self.lock.release()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def named(path: Path) -> Place:
    """The user's file, absent, empty or a journal of ours. Raises JournalError for all else, the file untouched.

    Looks before it locks, so that no lock file appears beside what can be no journal, and opens the file only under the lock: as long as SQLite has a file
    open, no one else in the process may open and close it (sqlite.org, howtocorrupt 2.2).
    """
    try:
        info = path.lstat()
    except FileNotFoundError:
        info = None
    except OSError as error:
        raise _refusal(path, f"cannot be a journal ({error.strerror}): name a file in a folder of yours") from None
    except ValueError:
        raise _refusal(path, "cannot be a journal, as no file can have that name (NUL, or what is no Unicode): name another") from None
    if info is not None:
        _plain(path, info)
    try:
        path = path.parent.resolve(strict=True) / path.name
    except OSError as error:
        raise _refusal(path, f"cannot be made, as its folder cannot be reached ({error.strerror}): make {printable(str(path.parent))} first") from None
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise _refusal(path, "lies in a folder that cannot be written, and a journal keeps files beside it: name a file in a folder of yours")
    lock = Lock(path.with_name(path.name + ".lock"), path)
    try:
        return Place(path, lock, new=_is_new(path))
    except BaseException:
        lock.release()
        raise


def private() -> Place:
    """A file in a new private folder (0700), which nobody else can look into; clears away what killed processes left."""
    try:
        parent = Path(tempfile.gettempdir())
        _sweep(parent)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    except OSError as error:
        raise JournalError(f"no temporary folder for the journal ({error.strerror}): free the disk, set TMPDIR, or name a journal file") from None
    return Place(folder / PRIVATE, Lock(folder / f"{PRIVATE}.lock", folder / PRIVATE), folder)


def _plain(path: Path, info: os.stat_result) -> None:
    """Refuses what is no plain file with one name: two names would mean two locks and two write-ahead logs for one file."""
    if stat.S_ISLNK(info.st_mode):
        raise _refusal(path, "is a symbolic link: name the file that it points to")
    if stat.S_ISDIR(info.st_mode):
        raise _refusal(path, "is a folder: name a file in it")
    if not stat.S_ISREG(info.st_mode):
        raise _refusal(path, "is no plain file: name another")
    if info.st_nlink > 1:
        raise _refusal(path, "has a second name (a hard link): name a file that has one")
    if not os.access(path, os.R_OK | os.W_OK):
        raise _refusal(path, "cannot be read and written: change its mode, or name another file")


def _is_new(path: Path) -> bool:
    """Whether there is no such file. Refuses one whose header is not a journal's (sqlite.org, fileformat2 section 1.3).

    The journal's marks are set before it first uses a write-ahead log, so they stand in the file itself.
    """
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        try:
            header, size = os.read(fd, 100), os.fstat(fd).st_size
        finally:
            os.close(fd)
    except FileNotFoundError:
        return True
    except OSError as error:
        raise _refusal(path, f"cannot be read ({error.strerror}): name another file") from None
    if not header:
        return False
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        raise _refusal(path, "is no journal, and was left as it is: name another file")
    if int.from_bytes(header[68:72]) != APPLICATION_ID:
        raise _refusal(path, "is a database of another program, and was left as it is: name another file")
    version = int.from_bytes(header[60:64])
    if version > VERSION:
        raise _refusal(
            path, f"is of a newer mock-june (schema {version}; this one knows up to {VERSION}), and was left as it is: update mock-june, or name another file"
        )
    pages, page = int.from_bytes(header[28:32]), int.from_bytes(header[16:18])
    logs = (path.with_name(path.name + ending) for ending in ("-wal", "-journal"))  # what is missing may stand in the log of a killed process
    if size < pages * page and not any(log.exists() for log in logs):
        raise _refusal(path, "is a journal that is cut short, and was left as it is: restore it, or name another file")
    return False


def _sweep(parent: Path) -> None:
    """Removes private folders that nobody holds any more, only real folders of this user's. What cannot be looked at is left."""
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            info = folder.lstat()
            mine = stat.S_ISDIR(info.st_mode) and (not hasattr(os, "getuid") or info.st_uid == os.getuid())
            if not mine or time.time() - info.st_mtime < YOUNG:
                continue
            lock = Lock(folder / f"{PRIVATE}.lock", folder / PRIVATE)
        except (OSError, JournalError):
            continue
        Place(folder / PRIVATE, lock, folder).release()


def _refusal(path: Path, text: str) -> JournalError:
    return JournalError(f"{printable(str(path))} {text}", str(path))
