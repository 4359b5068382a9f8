"""Where payloads are read from: what the arguments name, opened, unpacked by their first bytes, in pieces. Nothing is mapped into memory."""

from __future__ import annotations

import glob
import os
import stat
import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Self

from mock_june.errors import MissingExtraError, MockJuneError, UsageError

STDIN, STDIN_NAME = "-", "<stdin>"
PIECE = 1 << 18
"""Bytes that are read at a time."""

ENDINGS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")
PACKED = (".gz", ".zst")
GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"


class ReadError(MockJuneError):
    """A file that cannot be read to its end. `path` names it."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path} cannot be read: {reason}")
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[type[ReadError], tuple[str, str]]:
        return type(self), (self.path, self.reason)  # errors of other processes are pickled on their way


class Source:
    """An opened input. `name` is what findings call it; `read` gives its bytes after unpacking, `rewind` puts back the first of them.

    `size` is its length on disk in bytes, None of a pipe; `packed` says that it is being unpacked. Raises ReadError for what cannot be opened or read.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.name = STDIN_NAME if path == STDIN else path
        self._ahead = b""
        self._inner: Any = None
        try:
            self._raw: IO[bytes] = sys.stdin.buffer if path == STDIN else Path(path).open("rb", buffering=0)  # noqa: SIM115 - closed by close()
            self._is_ours = path != STDIN
            status = os.fstat(self._raw.fileno())
        except (OSError, ValueError) as error:
            raise ReadError(self.name, _reason(error)) from None
        self.is_regular = stat.S_ISREG(status.st_mode)
        self.size = status.st_size if self.is_regular else None
        self.gone_through = 0
        """Bytes read so far, before unpacking."""
        head = self._some(PIECE)
        self.packed = head.startswith((GZIP, ZSTD))
        self._ahead = head
        if self.packed:
            try:
                self._inner = _gunzipped(_Packed(self)) if head.startswith(GZIP) else _Unzstd(_Packed(self), self.name)
            except MissingExtraError:
                self.close()
                raise

    @property
    def stem(self) -> str:
        """The name in lower case without the endings of packing."""
        name = self.name.lower()
        while name.endswith(PACKED):
            name = name[: name.rfind(".")]
        return name

    def read(self, most: int = PIECE) -> bytes:
        """Up to `most` bytes; none at the end."""
        if self._inner is None:
            return self._taken(most)
        if self._ahead_unpacked:
            head, self._ahead_unpacked = self._ahead_unpacked[:most], self._ahead_unpacked[most:]
            return head
        try:
            piece: bytes = self._inner.read(most)
        except (OSError, EOFError, zlib.error) as error:
            raise ReadError(self.name, f"it is damaged or was cut short ({_reason(error)})") from None
        return piece

    _ahead_unpacked = b""

    def rewind(self, head: bytes) -> None:
        """Puts back bytes that were read: `read` gives them first."""
        if self._inner is None:
            self._ahead = head + self._ahead
        else:
            self._ahead_unpacked = head + self._ahead_unpacked

    def seek(self, at: int) -> None:
        """Go on at a place of a regular file that is not packed."""
        self._raw.seek(at)
        self._ahead = b""

    def close(self) -> None:
        """Closes the file; stdin is left open."""
        if self._is_ours:
            self._raw.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _taken(self, most: int) -> bytes:
        if self._ahead:
            head, self._ahead = self._ahead[:most], self._ahead[most:]
            return head
        return self._some(most)

    def _some(self, most: int) -> bytes:
        try:
            piece = self._raw.read1(most) if hasattr(self._raw, "read1") else self._raw.read(most)
        except OSError as error:
            raise ReadError(self.name, _reason(error)) from None
        self.gone_through += len(piece)
        return piece


class _Packed:
    """The packed bytes of a source as a file object, for whoever unpacks them."""

    def __init__(self, source: Source) -> None:
        self._take = source._taken  # noqa: SLF001 - one half of the same thing

    def read(self, most: int = -1) -> bytes:
        return self._take(most if most >= 0 else PIECE)


def _gunzipped(packed: _Packed) -> Any:
    import gzip  # noqa: PLC0415 - few files are packed

    return gzip.GzipFile(fileobj=packed)  # type: ignore[call-overload]


class _Unzstd:
    """What is packed with Zstandard, frame after frame, unpacked. zstandard's own reader takes a frame that is cut short for a whole one."""

    SLICE = 512
    """Packed bytes that are unpacked at a time: they may become 16 MiB, and in a bomb they do."""

    def __init__(self, packed: _Packed, name: str) -> None:
        try:
            import zstandard  # noqa: PLC0415 - an extra
        except ImportError:
            raise MissingExtraError(f'{name} is packed with Zstandard, and reading that needs: pip install "mock-june[files]"', "files") from None
        self._packed = packed
        self._error = zstandard.ZstdError
        self._frames = zstandard.ZstdDecompressor()
        self._frame: Any = None
        self._ahead = memoryview(b"")
        self._unpacked = memoryview(b"")

    def read(self, most: int) -> bytes:
        """Up to `most` bytes; none at the end. Raises EOFError for a frame that is cut, OSError for one that is damaged."""
        while not self._unpacked:
            self._ahead = self._ahead or memoryview(self._packed.read())
            if not self._ahead:
                if self._frame is not None:
                    raise EOFError("the last frame has no end")
                return b""
            piece, self._ahead = self._ahead[: self.SLICE], self._ahead[self.SLICE :]
            self._frame = self._frame or self._frames.decompressobj()
            try:
                self._unpacked = memoryview(self._frame.decompress(piece))
            except self._error as error:
                raise OSError(str(error)) from None
            if self._frame.eof:
                unused = len(self._frame.unused_data)
                self._ahead = memoryview(bytes(piece[len(piece) - unused :]) + bytes(self._ahead))
                self._frame = None
        given, self._unpacked = bytes(self._unpacked[:most]), self._unpacked[most:]
        return given


def expand(paths: Sequence[str]) -> list[str]:
    """The files that the arguments name: `-`, files, folders (what in them has an ending that is known), globs where no file has that very name.

    Raises UsageError for what does not exist and for folders and globs without a file.
    """
    found: list[str] = []
    for path in paths:
        if path == STDIN or (os.path.exists(path) and not os.path.isdir(path)):  # noqa: PTH110, PTH112 - what was typed is what is shown
            found.append(path)
        elif os.path.isdir(path):  # noqa: PTH112
            inside = list(_inside(path))
            if not inside:
                raise UsageError(f"{path} has no file to check: none ends in {', '.join(ENDINGS)} (or those with {' or '.join(PACKED)})")
            found += inside
        else:
            found += _matching(path)
    if found.count(STDIN) > 1:
        raise UsageError("stdin (-) can be read once only")
    return found


def _matching(pattern: str) -> list[str]:
    if not glob.has_magic(pattern):
        raise UsageError(f"{pattern} does not exist")
    matching = sorted(path for path in glob.glob(pattern, recursive=True) if os.path.isfile(path))  # noqa: PTH113, PTH207
    if not matching:
        raise UsageError(f"{pattern} matches no file")
    once: dict[str, str] = {}
    for path in matching:  # links to folders lead to files a second time
        once.setdefault(os.path.realpath(path), path)
    return list(once.values())


def _inside(folder: str) -> Iterator[str]:
    """Regular files below a folder, in the order of their names; neither hidden ones nor folders behind links, which may lead in a ring."""
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = os.path.join(where, name)  # noqa: PTH118
            if not name.startswith(".") and _is_known(name) and os.path.isfile(path):  # noqa: PTH113
                yield path


def _is_known(name: str) -> bool:
    lower = name.lower()
    for ending in PACKED:
        lower = lower.removesuffix(ending)
    return lower.endswith(ENDINGS)


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
