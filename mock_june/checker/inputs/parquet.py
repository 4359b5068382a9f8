"""Parquet, as pyarrow reads it, some thousand rows at a time. It is an extra."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mock_june.checker.inputs.rows import Columns
from mock_june.checker.inputs.source import ReadError
from mock_june.checker.report import Record
from mock_june.errors import MissingExtraError

if TYPE_CHECKING:
    from mock_june.checker.inputs import Table
    from mock_june.checker.inputs.source import Source

ROWS = 2048
"""Rows that are made into Python's values at a time."""


def rows(source: Source, table: Table) -> Iterator[Record]:
    """Each row as a payload; its line is its number from 1, and it has no offset. Raises ReadError for a file that is cut or lies about itself."""
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra, and slow to import
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError(f'{source.name} is Parquet, and reading that needs: pip install "mock-june[files]"', "files") from None
    if not source.is_regular or source.packed:
        raise ReadError(source.name, "Parquet is read from its end: it must be a file, and not packed")
    number = 0
    try:
        with pq.ParquetFile(source.path, memory_map=False) as file:
            columns = Columns(file.schema_arrow.names, table.mapping, table.kind)
            for batch in file.iter_batches(ROWS):
                cells = [_values(pa, column) for column in batch.columns]
                for row in zip(*cells, strict=True):
                    number += 1
                    yield Record(source.name, number, 0, columns.payload(map(_absent, row)))
    except (pa.ArrowException, OSError, ValueError, TypeError, OverflowError) as error:
        raise ReadError(source.name, f"it is no good Parquet: {str(error).splitlines()[0] if str(error) else type(error).__name__}") from None


def _values(pa: Any, column: Any) -> list[Any]:
    """A column's values as Python's. Nanoseconds, which Python's times lack, are cut."""
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    values = column.to_pylist()
    if pa.types.is_map(column.type):
        return [None if value is None else {str(key): item for key, item in value} for value in values]
    return values  # type: ignore[no-any-return]


def _absent(value: Any) -> Any:
    """NaN is how data frames write that nothing is there, and JSON has none."""
    return None if isinstance(value, float) and math.isnan(value) else value
