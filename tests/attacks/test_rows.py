"""The table of threats and the tests."""

from __future__ import annotations

from tests.attacks.rows import covered, left_out, rows


def test_every_row_is_looked_after():
    """Each row of THREATS.md has tests, or says why there can be none; each test that is named after a row is of one that there is."""
    table = rows()
    assert len(table) == len({row.id for row in table}) == 74
    assert left_out(table) == []
    assert covered().keys() <= {row.id for row in table}
