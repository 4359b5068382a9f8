"""CSV, as Python's own `csv` reads it, row by row, each with the line and the byte that it begins at."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from mock_june.checker.inputs.lines import LONGEST, pieces
from mock_june.checker.inputs.rows import Columns
from mock_june.checker.report import Record

if TYPE_CHECKING:
    from mock_june.checker.inputs import Table
    from mock_june.checker.inputs.source import Source

DELIMITERS = ",;\t|"


class _Fed:
    """The lines of a file as text, for the csv module, with their places."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._next = self._texts()
        self.begun: tuple[int, int] | None = None
        """Line and offset of the first line given since this was None."""
        self._trouble: Record | None = None

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return next(self._next)

    def taken(self) -> Record | None:
        """What was wrong with the lines given, told once."""
        trouble, self._trouble = self._trouble, None
        return trouble

    def _texts(self) -> Iterator[str]:
        for part in pieces(self._source.name, self._source.read):
            if isinstance(part, Record):
                self._trouble = part
                self.begun = self.begun or (part.line, part.offset)
                yield "\n"
                continue
            for record in part.records(blank=True):
                try:
                    text = record.body.decode("utf-8-sig" if record.line == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    what = f"the line is not UTF-8: byte 0x{record.body[error.start]:02X} at byte {error.start} of the line begins no character"
                    self._trouble = Record(record.source, record.line, record.offset, record.body, what, "body.encoding")
                    text = record.body.decode("utf-8", "replace")
                if "\0" in text and self._trouble is None:
                    what = f"the line holds a NUL byte, at byte {record.body.index(0)} of it: it is no text"
                    self._trouble = Record(record.source, record.line, record.offset, record.body, what, "body.encoding")
                self.begun = self.begun or (record.line, record.offset)
                yield text + "\n"


def rows(source: Source, table: Table) -> Iterator[Record]:
    """Each row below the header as a payload. What is no CSV is a record with its trouble, and reading goes on behind it."""
    csv.field_size_limit(LONGEST)
    fed = _Fed(source)
    first = next(fed, "")
    if (trouble := fed.taken()) is not None:
        yield trouble
        return
    delimiter = max(DELIMITERS, key=first.count) if not source.stem.endswith(".tsv") else "\t"
    try:
        header = _header(first, fed, delimiter)
    except csv.Error as error:
        yield Record(source.name, 1, 0, b"", f"the header is no CSV: {_said(error)}")
        return
    if not header:
        return
    columns = Columns(header, table.mapping, table.kind, types=table.types)
    reader = csv.reader(fed, delimiter=delimiter, strict=True)
    while True:
        fed.begun = None
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield fed.taken() or Record(source.name, *(fed.begun or (1, 0)), b"", f"the row is no CSV: {_said(error)}")
            reader = csv.reader(fed, delimiter=delimiter, strict=True)
            continue
        line, offset = fed.begun or (1, 0)
        if (trouble := fed.taken()) is not None:
            yield trouble
        elif cells is not None and len(cells) > len(header):
            yield Record(source.name, line, offset, b"", f"the row has {len(cells)} cells, and the header {len(header)}")
        elif cells:
            yield Record(source.name, line, offset, columns.payload(cells))
        if cells is None:
            return


def _header(first: str, fed: _Fed, delimiter: str) -> list[str]:
    """The names of the columns: the first row, which may be of several lines."""
    return [name.strip() for name in next(csv.reader(chain([first], fed), delimiter=delimiter, strict=True), [])]


def _said(error: csv.Error) -> str:
    text = str(error)
    if "field larger" in text:
        return f"a cell is longer than {LONGEST >> 20} MiB; a quote was opened and never closed"
    if "unexpected end" in text:
        return "a quote was opened and never closed: all that follows is in it"
    if "expected after" in text:
        return "a cell in quotes goes on behind its closing quote (a quote within a cell is written twice)"
    if "new-line character" in text:
        return "there is a carriage return within a cell that is not in quotes (lines end in \\n or \\r\\n)"
    return text
