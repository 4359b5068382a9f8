"""Prints which files look after each row of THREATS.md, or why none can; first the rows that nobody looks after, and ends with 1 if there are any."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
ROW = re.compile(r"\| ([A-Z][0-9]+) \| (.+?) \| (.*?)\|$", re.MULTILINE)
TEST = re.compile(r"^ *(?:async )?def test_([A-Z][0-9]+)_\w+", re.MULTILINE)


@dataclass(frozen=True)
class Row:
    """One threat. `why` says why no test can look after it here; empty where one does."""

    id: str
    promise: str
    why: str


def rows() -> list[Row]:
    """The table."""
    return [Row(name, promise, why.strip()) for name, promise, why in ROW.findall((HERE / "THREATS.md").read_text("utf-8"))]


def covered() -> dict[str, list[str]]:
    """The ids that tests begin with, each with the files of those tests."""
    found: dict[str, set[str]] = {}
    for file in ROOT.glob("tests/**/test_*.py"):
        for name in TEST.findall(file.read_text("utf-8")):
            found.setdefault(name, set()).add(file.relative_to(ROOT).as_posix())
    return {name: sorted(files) for name, files in found.items()}


def left_out(table: list[Row]) -> list[Row]:
    """Those that no test begins with the id of, and that do not say why."""
    seen = covered()
    return [row for row in table if row.id not in seen and not row.why]


def main() -> int:
    """Prints what is left out, then what is looked after elsewhere."""
    table = rows()
    without = left_out(table)
    for row in without:
        sys.stdout.write(f"{row.id}: no test: {row.promise}\n")
    seen = covered()
    for row in table:
        if row not in without:
            sys.stdout.write(f"{row.id}: {', '.join(seen.get(row.id, [])) or row.why}\n")
    return 1 if without else 0


if __name__ == "__main__":
    sys.exit(main())
