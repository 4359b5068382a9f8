"""The table of threats and the tests."""

from __future__ import annotations

from tests.attacks.rows import covered, left_out, rows


def test_every_row_is_looked_after():
    """Each row of THREATS.md has a test here, or says where it is looked after; each test here is of a row that there is."""
    table = rows()
    assert len(table) == len({row.id for row in table}) == 74
    assert left_out(table) == []
    assert covered() <= {row.id for row in table}
