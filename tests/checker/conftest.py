"""Files of a few bytes, read as `check` reads them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mock_june.checker.inputs import Source, Table, form, parts, records
from mock_june.checker.report import Record


@pytest.fixture
def read(tmp_path) -> Callable[..., list[Record]]:
    """Gives what a file of these bytes holds, record by record."""

    def read(data: bytes, name: str = "f.jsonl", table: Table | None = None) -> list[Record]:
        path = tmp_path / name
        path.write_bytes(data)
        with Source(str(path)) as source:
            return list(records(parts(source, form(source), table or Table())))

    return read
