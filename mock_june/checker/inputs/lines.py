"""JSON Lines: whole lines in pieces, in bounded memory whatever a line's length."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from mock_june.checker.report import Record

LONGEST = 4 << 20
"""Bytes of the longest line, or value, that is looked at: what a fake June takes as a body too."""

LONG = 1 << 18
MOST_VALUES = 1 << 16
"""Of a line or value of more bytes than LONG: how many values it may hold. Parsed, each takes up to 240 bytes of memory, whatever it takes in the file."""

WHITE = b" \t\r\n"

Read = Callable[[], bytes]
"""Gives the next piece of a file, none at its end."""


class Lines(NamedTuple):
    r"""Whole lines, each with its `\n` (the last line of a file is given one). `line` and `offset` are those of the first of them, `total` is how many."""

    source: str
    line: int
    offset: int
    data: bytes
    total: int

    def records(self, *, blank: bool = False) -> Iterator[Record]:
        """Each line that is not blank, or, with `blank`, each line."""
        at = 0
        for number, body in enumerate(self.data[:-1].split(b"\n"), self.line):
            if blank or body.strip(WHITE):
                yield Record(self.source, number, self.offset + at, body)
            at += len(body) + 1


def pieces(source: str, read: Read, line: int = 1, offset: int = 0) -> Iterator[Lines | Record]:
    r"""A file's lines, in order; a line that is too long is a Record with its trouble. Only `\n` ends a line, a `\r` before it is white space."""
    rest = b""
    while piece := read():
        end = piece.rfind(b"\n") + 1
        if end:
            data = rest + piece[:end] if rest else piece[:end]
            rest = piece[end:]
            first = data.find(b"\n") + 1
            if first > LONG and (refused := unfit(source, line, offset, data[: first - 1], "line")):
                yield refused
                line, offset, data = line + 1, offset + first, data[first:]
            if data:
                count = data.count(b"\n")
                yield Lines(source, line, offset, data, count)
                line += count
            offset += len(data)
        elif len(rest) + len(piece) <= LONGEST:
            rest += piece
        else:
            skipped, rest = _rest_of_line(len(rest) + len(piece), read)
            yield too_long(source, line, offset, "line")
            line += 1
            offset += skipped
    if rest:
        yield unfit(source, line, offset, rest, "line") or Lines(source, line, offset, rest + b"\n", 1)


def unfit(source: str, line: int, offset: int, body: bytes, what: str) -> Record | None:
    """The record of a line or value that is too long to be looked at, or would take too much memory; None for all others."""
    if len(body) > LONGEST:
        return too_long(source, line, offset, what)
    if len(body) > LONG and body.count(b",") + body.count(b"[") + body.count(b"{") > MOST_VALUES:
        return Record(source, line, offset, b"", f"the {what} holds more than {MOST_VALUES:,} values: it was passed over")
    return None


def too_long(source: str, line: int, offset: int, what: str) -> Record:
    """The record of what was passed over unread."""
    return Record(source, line, offset, b"", f"the {what} is longer than {LONGEST >> 20} MiB: it was passed over unread")


def _rest_of_line(length: int, read: Read) -> tuple[int, bytes]:
    """Reads to the end of a line of which `length` bytes were read: its length with its newline, and what was read beyond."""
    while piece := read():
        end = piece.find(b"\n") + 1
        if end:
            return length + end, piece[end:]
        length += len(piece)
    return length, b""
