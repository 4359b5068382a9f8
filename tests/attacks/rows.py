"""Prints the rows of THREATS.md that nobody looks after, and why others have no test here; ends with 1 if there are any of the first."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
ROW = re.compile(r"\| ([A-Z][0-9]+) \| (.+?) \| (.*?)\|$", re.MULTILINE)
TEST = re.compile(r"^def test_([A-Z][0-9]+)_\w+", re.MULTILINE)


@dataclass(frozen=True)
class Row:
    """One threat. `elsewhere` is a path in the checkout, or `later: ` and what it belongs to; empty where a test here looks after it."""

    id: str
    promise: str
    elsewhere: str


def rows() -> list[Row]:
    """The table."""
    return [Row(name, promise, elsewhere.strip()) for name, promise, elsewhere in ROW.findall((HERE / "THREATS.md").read_text("utf-8"))]


def covered() -> set[str]:
    """The ids that a test in this folder begins with."""
    return {name for file in HERE.glob("test_*.py") for name in TEST.findall(file.read_text("utf-8"))}


def left_out(table: list[Row]) -> list[Row]:
    """Those without a test here whose last column names no file that there is, and no part that comes later."""
    seen = covered()
    return [row for row in table if row.id not in seen and not row.elsewhere.startswith("later: ") and not (row.elsewhere and (ROOT / row.elsewhere).is_file())]


def main() -> int:
    """Prints what is left out, then what is looked after elsewhere."""
    table = rows()
    without = left_out(table)
    for row in without:
        sys.stdout.write(f"{row.id}: no test: {row.promise}\n")
    for row in table:
        if row.elsewhere and row not in without:
            sys.stdout.write(f"{row.id}: {row.elsewhere}\n")
    return 1 if without else 0


if __name__ == "__main__":
    sys.exit(main())
