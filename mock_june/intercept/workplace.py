"""The private folder of one run: what the command's runtimes read from files, and no key. It goes at the end; what killed runs left, the next one sweeps."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from mock_june.errors import MockJuneError
from mock_june.intercept import trust

if os.name == "posix":
    import fcntl

PREFIX = "mock-june-run-"
YOUNG = 60.0
"""Seconds in which an empty folder that nobody holds may be one that is just being made."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """A folder (0700) with its files; held by a lock on itself as long as this process lives."""

    folder: Path
    held: int

    @classmethod
    def make(cls) -> Workplace:
        """Makes it, after sweeping those that nobody holds."""
        try:
            parent = Path(tempfile.gettempdir())
            sweep(parent)
            folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        except OSError as error:
            raise MockJuneError(f"no temporary folder for the run ({error.strerror}): free the disk, or set TMPDIR") from None
        return cls(folder, _hold(folder))

    @property
    def journal(self) -> Path:
        """Where the record lies that nobody wants to keep."""
        return self.folder / "journal.db"

    @property
    def authority(self) -> Path:
        """Our CA's certificate alone, PEM."""
        return self.folder / "ca.pem"

    @property
    def bundle(self) -> Path:
        """All authorities that the command is to believe, PEM."""
        return self.folder / "bundle.pem"

    @property
    def java(self) -> Path:
        """The same as a trust store of Java's."""
        return self.folder / "trust.jks"

    @property
    def php(self) -> Path:
        """A folder of settings for PHP."""
        return self.folder / "php"

    @property
    def wget(self) -> Path:
        """The system's settings of wget, and ours."""
        return self.folder / "wgetrc"

    def fill(self, authority: bytes, env: Mapping[str, str]) -> None:
        """Writes the files. `authority` is the PEM of our CA, `env` what the command would see without us."""
        try:
            self._fill(authority, env)
        except OSError as error:
            raise MockJuneError(f"{self.folder} cannot be written ({error.strerror}): free the disk, or set TMPDIR") from None

    def _fill(self, authority: bytes, env: Mapping[str, str]) -> None:
        everyone = trust.bundle(authority, env)
        self.authority.write_bytes(authority)
        self.bundle.write_bytes(everyone)
        self.java.write_bytes(trust.java_store(everyone))
        self.php.mkdir()
        (self.php / "june.ini").write_text(f'curl.cainfo="{self.bundle}"\nopenssl.cafile="{self.bundle}"\n', "utf-8")
        theirs = Path(env.get("SYSTEM_WGETRC") or "/etc/wgetrc")
        settings = theirs.read_bytes() if theirs.is_file() else b""
        self.wget.write_bytes(settings + f"\nca_certificate={self.bundle}\n".encode())

    def remove(self) -> None:
        """Removes the folder and what is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self.held)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.remove()


def sweep(parent: Path) -> None:
    """Removes the folders in `parent` of runs that are no more: real folders of this user's that nobody holds. What cannot be looked at is left."""
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            info = folder.lstat()
            if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.getuid() or stat.S_IMODE(info.st_mode) != 0o700:
                continue
            if not any(folder.iterdir()) and time.time() - info.st_mtime < YOUNG:
                continue
            held = _hold(folder)
        except OSError:
            continue
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def _hold(folder: Path) -> int:
    """A descriptor that holds the folder's lock, which goes with the process. Raises OSError where another holds it."""
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        raise
    return held
