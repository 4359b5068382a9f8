"""How far a backfill came, in a file."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import TracebackType
from typing import Self


class SourceChangedError(Exception):
    """The data are not those that the file tells of."""


class Progress:
    """Counts the payloads that June has taken. Written at the end of each page, and when the block ends, however it ends.

    So nothing is sent twice after an error or Ctrl-C. After a power cut it is one page at most; its rows have the ids that they had.
    """

    def __init__(self, path: Path, source: str, page: int) -> None:
        self._path = path
        self._source = source
        self._page = page
        self.done = 0
        if path.exists():
            kept = json.loads(path.read_text("utf-8"))
            if kept["source"] != source:
                raise SourceChangedError(f"{path} tells of other data than these; remove it to begin anew")
            self.done = kept["done"]

    def took(self) -> None:
        """June has taken one more."""
        self.done += 1
        if self.done % self._page == 0:
            self.save()

    def save(self) -> None:
        """Writes the count, all or nothing."""
        partial = self._path.with_suffix(".partial")
        partial.write_text(json.dumps({"source": self._source, "done": self.done}), "utf-8")
        partial.replace(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.save()


def fingerprint(folder: Path) -> str:
    """What tells these data from others."""
    digest = hashlib.sha256()
    for name in ("users.csv", "companies.csv", "events.csv"):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()
