"""JSON arrays and concatenated JSON, value by value: an array of any size takes the memory of its largest item."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mock_june.checker.inputs.lines import LONGEST, Read, unfit
from mock_june.checker.inputs.source import PIECE
from mock_june.checker.report import Record
from mock_june.contract.spans import SCALAR, SHALLOW, STRING, nested

# Only strings and brackets are told apart here: whether a value is JSON is for the contract to say.
VALUE = re.compile(STRING + rb"|" + nested(SHALLOW) + rb"|" + SCALAR + rb"(?=[\s,:\[\]{}\"])", re.DOTALL)
TOKEN = re.compile(STRING + rb"|[\[\]{}]", re.DOTALL)
BETWEEN = re.compile(rb"[ \t\r\n]*+")


class Values:
    """The values of a file, each as it stands there. The items of an array at the top are values; several arrays and values may follow each other.

    A comma too many or too few, a bracket of nothing and an end within an array are records with their trouble, and reading goes on behind them.
    """

    def __init__(self, source: str, read: Read) -> None:
        self._source = source
        self._read = read
        self._data = b""
        self._at = 0
        self._line = 1
        self._offset = 0  # of self._data
        self._is_over = False
        self._is_cut = False  # the file ends within a value, which is said of the value

    def records(self) -> Iterator[Record]:
        """Every value, in order."""
        is_inside = False
        wants_comma = False
        while self._skip_white():
            char = self._data[self._at : self._at + 1]
            if char == b"[" and not is_inside:
                is_inside, wants_comma = True, False
                self._pass(1)
            elif char == b"]" and is_inside:
                is_inside = False
                self._pass(1)
            elif char == b"," and is_inside and wants_comma:
                wants_comma = False
                self._pass(1)
                if self._skip_white() and self._data[self._at : self._at + 1] == b"]":
                    yield self._trouble("there is a comma before the end of the array")
            elif char in b"],}:\v\f":
                yield self._trouble(f"there is {char.decode()!r} where a value should begin")
                self._pass(1)
            else:
                if is_inside and wants_comma:
                    yield self._trouble("there is no comma between two items of the array")
                yield self._value()
                wants_comma = True
        if is_inside and not self._is_cut:
            yield self._trouble("the file ends within the array: it was cut short")

    def _value(self) -> Record:
        """The value that begins here."""
        line, offset = self._line, self._offset + self._at
        while (end := self._end()) is None and not self._is_over and len(self._data) - self._at <= LONGEST:
            self._more()
        if end is None and not self._is_over:
            self._rest_of_line()
            what = f"a value is longer than {LONGEST >> 20} MiB, or what it opens never closes: it was passed over unread, with the rest of its line"
            return Record(self._source, line, offset, b"", what)
        self._is_cut = end is None
        end = len(self._data) if end is None else end
        body = self._data[self._at : end]
        self._pass(len(body))
        return unfit(self._source, line, offset, body, "value") or Record(self._source, line, offset, body)

    def _end(self) -> int | None:
        """Where the value that begins here ends; None where that is not read yet."""
        found = VALUE.match(self._data, self._at)
        if found:
            return found.end()
        if self._data[self._at : self._at + 1] not in b"[{":
            return None
        depth = 0
        for token in TOKEN.finditer(self._data, self._at):
            depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(token[0], 0)
            if not depth:
                return token.end()
        return None

    def _skip_white(self) -> bool:
        """Goes to the next byte that is not white; False at the end of the file."""
        while True:
            found = BETWEEN.match(self._data, self._at)
            self._pass(found.end() - self._at if found else 0)
            if self._at < len(self._data):
                return True
            if self._is_over:
                return False
            self._more()

    def _rest_of_line(self) -> None:
        """Goes to the next line: behind a value that never ends, reading may find its feet there."""
        while (end := self._data.find(b"\n", self._at)) < 0 and not self._is_over:
            self._pass(len(self._data) - self._at)
            self._more()
        self._pass((end + 1 if end >= 0 else len(self._data)) - self._at)

    def _more(self) -> None:
        """Reads on; the more there is already, the more at once, so that no value is looked through too often."""
        wanted = max(1, min(len(self._data) - self._at, LONGEST + PIECE - len(self._data) + self._at))
        pieces = [self._data[self._at :]]
        self._offset += self._at
        self._at = 0
        while wanted > 0 and not self._is_over:
            piece = self._read()
            self._is_over = not piece
            pieces.append(piece)
            wanted -= len(piece)
        self._data = b"".join(pieces)

    def _pass(self, count: int) -> None:
        self._line += self._data.count(b"\n", self._at, self._at + count)
        self._at += count

    def _trouble(self, what: str) -> Record:
        return Record(self._source, self._line, self._offset + self._at, b"", f"{what} (line {self._line}, byte {self._offset + self._at})")
