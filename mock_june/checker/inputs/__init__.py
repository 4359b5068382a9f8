"""Files of any size and form as payloads: JSON Lines in pieces of whole lines, all else record by record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import orjson

from mock_june.checker.inputs.lines import WHITE, Lines, pieces
from mock_june.checker.inputs.source import PIECE, ReadError, Source, expand
from mock_june.checker.report import Record

__all__ = ["Lines", "Part", "ReadError", "Source", "Table", "expand", "form", "parts", "records"]

Form = Literal["lines", "values", "csv", "parquet", "utf-16"]
Part = Lines | Record

UTF8_BOM = b"\xef\xbb\xbf"
UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")  # UTF-32's begins with the former, or with two NULs


@dataclass(frozen=True, slots=True)
class Table:
    """How the columns of CSV and Parquet become members: `mapping` from member to column, `types` whether numbers and booleans are told in CSV's text.

    `kind` is the `type` of each row of a table that has no such column.
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    types: bool = False
    kind: str | None = None


def form(source: Source) -> Form:
    """What form a file is of: by its ending where it is a table, else by its first bytes."""
    if source.stem.endswith((".csv", ".tsv")):
        return "csv"
    head = _head(source)
    if head.startswith(b"PAR1") or source.stem.endswith(".parquet"):
        return "parquet"
    if head.startswith(UTF16_BOMS) or b"\x00" in head[:2]:
        return "utf-16" if head.strip(b"\x00") else "lines"
    text = head.removeprefix(UTF8_BOM).lstrip(WHITE)
    return "values" if text.startswith(b"[") or _is_concatenated(text) else "lines"


def parts(source: Source, what: Form, table: Table) -> Iterator[Part]:
    """What a file holds, in its order. Raises ReadError for a file that cannot be read to its end, MissingExtraError for one that an extra reads."""
    match what:
        case "lines":
            return pieces(source.name, source.read)
        case "values":
            from mock_june.checker.inputs.values import Values  # noqa: PLC0415 - its patterns take 10 ms to compile

            return Values(source.name, source.read).records()
        case "csv":
            from mock_june.checker.inputs.tables import rows  # noqa: PLC0415 - tables are few

            return rows(source, table)
        case "parquet":
            from mock_june.checker.inputs.parquet import rows as parquet_rows  # noqa: PLC0415 - tables are few

            return parquet_rows(source, table)
        case "utf-16":
            return iter([Record(source.name, 1, 0, b"", "the file looks like UTF-16 or UTF-32, and JSON is UTF-8: it was not read", "body.encoding")])


def records(some: Iterable[Part]) -> Iterator[Record]:
    """Each payload by itself."""
    for part in some:
        if isinstance(part, Lines):
            yield from part.records()
        else:
            yield part


def _head(source: Source) -> bytes:
    """The first bytes of a file, which stay to be read; a pipe gives them in small pieces, and is asked until there is a whole line, and one more."""
    head = b""
    while len(head) < PIECE and head.count(b"\n") < 2 and (piece := source.read()):
        head += piece
    source.rewind(head)
    return head


def _is_concatenated(text: bytes) -> bool:
    """Whether values stand over several lines, or several on one: the first line is not one value, and the second does not begin anew.

    A file of JSON Lines whose first line is spoilt has a whole Object on its second.
    """
    lines = text.split(b"\n")
    if not text.startswith(b"{") or _is_json(lines[0]):
        return False
    from mock_june.checker.inputs.values import Values  # noqa: PLC0415 - its patterns take 10 ms to compile

    first = next(Values("", iter((lines[0] + b" ", b"")).__next__).records())
    if first.body != lines[0].strip(WHITE) and _is_json(first.body):
        return lines[0][len(first.body) :].lstrip(WHITE)[:1] in {b"{", b"["}
    following = next((line.strip(WHITE) for line in lines[1:] if line.strip(WHITE)), b"")
    return bool(following) and not (following.startswith(b"{") and _is_json(following)) and not first.body.endswith(b"}")


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
