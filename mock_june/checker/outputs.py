"""Files that are written whole or not at all: under a name of their own until they are done, then renamed."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from contextlib import suppress
from io import BufferedWriter, TextIOWrapper
from pathlib import Path

from mock_june.errors import MockJuneError, UsageError

STDOUT = "-"

ADVICE = {
    errno.ENOENT: "make its folder first, or name a file in another",
    errno.ENOTDIR: "name a file in a folder",
    errno.EISDIR: "name a file in it",
    errno.ENOSPC: "free the disk, or name a file on another",
    errno.EDQUOT: "free the disk, or name a file on another",
    errno.EFBIG: "raise the limit (`ulimit -f`), or ask for less",
}


class WriteError(MockJuneError):
    """A file that cannot be written. `path` names it; what stood under that name stands there still."""

    def __init__(self, path: str, error: OSError) -> None:
        reason, advice = error.strerror or error, ADVICE.get(error.errno or 0, "name a file in a folder of yours")
        super().__init__(f"{path} cannot be written ({reason}): {advice}")
        self.path = path


class Output:
    """A file to be. `write` takes bytes, `text` is the same as a text stream; `keep` gives the file its name, `drop` leaves no trace of it.

    What is no regular file (a pipe, /dev/stdout) is written to as it is. Raises WriteError.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._final = Path(os.path.realpath(path))  # a link stays a link
        self._is_special = self._final.exists() and not self._final.is_file()
        self._written = self._final if self._is_special else self._final.with_name(f".{self._final.name}.{os.urandom(6).hex()}.part")
        try:
            if self._final.is_dir():
                raise IsADirectoryError(errno.EISDIR, "it is a folder")
            self._file: BufferedWriter = self._written.open("wb" if self._is_special else "xb")
            if self._final.is_file():
                os.fchmod(self._file.fileno(), self._final.stat().st_mode & 0o7777)
        except OSError as error:
            raise WriteError(path, error) from None
        self.text = TextIOWrapper(self._file, "utf-8", "backslashreplace", newline="")

    def write(self, data: bytes) -> None:
        """Adds to it."""
        try:
            self._file.write(data)
        except OSError as error:
            raise WriteError(self.path, error) from None

    def keep(self) -> None:
        """Ends the file, and gives it its name."""
        try:
            self.text.flush()
            self._file.flush()
            if not self._is_special:
                os.fsync(self._file.fileno())
            self.text.close()
            if not self._is_special:
                self._written.replace(self._final)
        except OSError as error:
            self.drop()
            raise WriteError(self.path, error) from None

    def drop(self) -> None:
        """Lets it go. Does nothing to what was kept."""
        with suppress(OSError):  # a full disk takes nothing more
            self.text.close()
        if not self._is_special:
            self._written.unlink(missing_ok=True)


def refuse_clashes(outputs: Iterable[str | None], inputs: Iterable[str]) -> None:
    """Raises UsageError for an output that is an input, or is another output too."""
    taken: dict[object, str] = {}
    for path in inputs:
        taken.update(dict.fromkeys(_same(path), f"{path}, which is read"))
    for path in filter(None, outputs):
        for identity in _same(path):
            if identity in taken:
                raise UsageError(f"{path} would be written over {taken[identity]}: give it another name")
        if not os.path.exists(path) or os.path.isfile(path):  # noqa: PTH110, PTH113 - /dev/null may be named twice
            taken.update(dict.fromkeys(_same(path), f"{path}, which is written"))


def _same(path: str) -> list[object]:
    """What tells that two names are of one file: the path behind all links, and the file itself where it is there."""
    try:
        status = os.stat(path)  # noqa: PTH116 - what was typed
    except (OSError, ValueError):
        return [os.path.realpath(path)]
    return [os.path.realpath(path), (status.st_dev, status.st_ino)]
