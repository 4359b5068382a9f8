"""A lock file that names its holder. SQLite's own locks would let two processes write in turn; a journal has one owner as long as it is open."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from pathlib import Path

from mock_june.errors import JournalError
from mock_june.text import printable

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

FAR = 1 << 30
"""Windows locks a range of bytes against reading too; this one lies behind the process id."""


class Lock:
    """Held from its making to `release`, also against this same process; gone with the process, however that ends.

    Raises JournalError, with what to do, when another holds it or when the file is no lock of ours.
    """

    def __init__(self, path: Path, owner: Path) -> None:
        """`path` is the lock file, `owner` what it is about, for the texts."""
        self.path = path
        while True:
            self._fd = _opened(path, owner)
            try:
                self._take(owner)
                if _is_still(path, self._fd):
                    return
            except BaseException:
                os.close(self._fd)
                raise
            os.close(self._fd)  # its holder removed it between our open and our lock: that file is nobody's, so take the next one

    def _take(self, owner: Path) -> None:
        os.lseek(self._fd, 0, os.SEEK_SET)
        text = os.read(self._fd, 32).strip()
        if text and not text.isdigit():
            raise JournalError(
                f"{printable(str(self.path))} is not a lock of mock-june's, which {printable(owner.name)} would need: name another journal", str(owner)
            )
        try:
            _lock(self._fd)
        except OSError:
            holder = int(text or 0)
            who = "this process already" if holder == os.getpid() else f"process {holder}" if holder else "another process"
            raise JournalError(f"the journal {printable(str(owner))} is held by {who}: stop it, or name another file", str(owner)) from None
        os.ftruncate(self._fd, 0)
        os.lseek(self._fd, 0, os.SEEK_SET)
        os.write(self._fd, b"%d\n" % os.getpid())

    def release(self) -> None:
        """Removes the file while it is still ours, then lets go. On Windows an open file stays; unlocked, it is in nobody's way."""
        with contextlib.suppress(OSError):
            self.path.unlink()
        os.close(self._fd)

    def abandon(self) -> None:
        """For a forked child: closes its copy of the descriptor; the lock stays its parent's."""
        os.close(self._fd)


def _opened(path: Path, owner: Path) -> int:
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0), 0o600)
    except OSError as error:
        raise JournalError(
            f"cannot write {printable(str(path))} ({error.strerror}), which the journal needs beside it: name a file in a folder of yours", str(owner)
        ) from None
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    raise JournalError(f"{printable(str(path))} is no plain file, and the journal needs one of that name: name another journal", str(owner))


def _is_still(path: Path, fd: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(fd))
    except FileNotFoundError:
        return False


def _lock(fd: int) -> None:
    """Raises OSError when another has it. flock, not lockf: POSIX locks do not count within one process, and vanish when any copy of the file is closed."""
    if sys.platform == "win32":
        os.lseek(fd, FAR, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
