"""Hold each part of mock-june to its floor of coverage, lines and branches together, after a run with `--cov`. Exit code 1: one is below."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

FLOORS = {"mock_june/contract/": 100.0, "mock_june/journal/": 100.0, "mock_june/matching.py": 100.0, "mock_june/": 95.0}
"""Percent of the lines and branches of the files whose names begin so."""


def measured() -> dict[str, Any]:
    """The files of the last run, as `coverage json` has them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "coverage.json")
        subprocess.run([sys.executable, "-m", "coverage", "json", "-q", "-i", "-o", str(path)], check=True)  # noqa: S603  # ours
        files: dict[str, Any] = json.loads(path.read_text("utf-8"))["files"]
        return files


def share(files: dict[str, Any], start: str) -> tuple[float, list[str]]:
    """The percentage of what was reached in the files whose names begin so, and those that are not whole."""
    sums: Counter[str] = Counter()
    lacking = []
    for name, file in files.items():
        if not name.startswith(start):
            continue
        summary = file["summary"]
        sums.update({key: summary[key] for key in ("covered_lines", "num_statements", "covered_branches", "num_branches")})
        lines, branches = file["missing_lines"], [f"{a}->{b}" for a, b in file["missing_branches"]]
        if lines or branches:
            lacking.append(f"  {name}: {', '.join(map(str, [*lines, *branches]))}")
    whole = sums["num_statements"] + sums["num_branches"]
    return (100 * (sums["covered_lines"] + sums["covered_branches"]) / whole if whole else 100.0), lacking


def main() -> int:
    """Prints each floor and what was reached; of what is below, what was not."""
    files = measured()
    below = False
    for start, floor in FLOORS.items():
        reached, lacking = share(files, start)
        print(f"{start}: {reached:.2f} % (at least {floor:g} %)")
        if reached < floor:
            below = True
            print("\n".join(lacking))
    return int(below)


if __name__ == "__main__":
    sys.exit(main())
