"""Say what became of the mutants of the last `mutmut run`: a score for each file, and those that live for no reason that is known. `make mutants` runs both.

mutmut forks, so what a module does as it is imported was done before any mutant: those that survive are tried once more, each in a process of its own.
tools/survivors.toml names those that no test can tell from the original, and why. Exit code 1: one lives that it does not name.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "mutants"
KILLED = {1, 3}
TIMED_OUT = {36, 24, -24, 152, 255}

TESTS = {
    "mock_june.contract": "tests/contract",
    "mock_june.journal": "tests/journal",
    "mock_june.matching": "tests/test_matching.py",
    "mock_june.server": " ".join(f"tests/server/test_{name}.py" for name in ("ingest", "ingest_words", "routes", "auth", "faults", "body")),
}
"""What is run against a survivor."""

PATIENCE = 300.0
"""Seconds for that; a mutant that takes longer is dead."""


class Change(NamedTuple):
    """The lines that were taken out, and those that were put in, as text."""

    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """One changed line: mutmut's name, the file, the exit code of its tests (None: not run)."""

    name: str
    file: str
    code: int | None

    @cached_property
    def change(self) -> Change:
        """What was changed."""
        shown = subprocess.run([sys.executable, "-m", "mutmut", "show", self.name], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603  # ours
        lines = [line for line in shown.splitlines() if not line.startswith(("+++", "---"))]
        return Change(*("\n".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+"))


def mutants() -> list[Mutant]:
    """All of the last run."""
    found = []
    for meta in sorted(FOLDER.rglob("*.meta")):
        file = meta.relative_to(FOLDER).as_posix().removesuffix(".meta")
        found += [Mutant(name, file, code) for name, code in json.loads(meta.read_text("utf-8"))["exit_code_by_key"].items()]
    return found


def lives(mutant: Mutant) -> bool:
    """Whether a mutant lives through its module's tests in a process of its own."""
    tests = next(tests for module, tests in TESTS.items() if mutant.name.startswith(module))
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests.split()]
    environment = {**os.environ, "MUTANT_UNDER_TEST": mutant.name}
    try:
        return subprocess.run(command, cwd=FOLDER, env=environment, capture_output=True, timeout=PATIENCE, check=False).returncode == 0  # noqa: S603  # ours
    except subprocess.TimeoutExpired:
        return False


def reason(name: str, change: Change, named: list[dict[str, str]]) -> str | None:
    """Why a mutant of this name may live, None if nobody has said."""
    for each in named:
        if not fnmatchcase(name.rpartition("__mutmut_")[0], each["function"]):
            continue
        if ("change" not in each or each["change"] in change.new) and ("case" not in each or _differs_in_case(change, each["case"])):
            return each["reason"]
    return None


def _differs_in_case(change: Change, where: str) -> bool:
    """Whether nothing but the case of letters was changed, in lines in which the pattern `where` is found."""
    return change.old.casefold() == change.new.casefold() and re.search(where, change.old) is not None


def main() -> int:
    """Prints each survivor with its change, then the scores."""
    named = tomllib.loads((ROOT / "tools" / "survivors.toml").read_text("utf-8")).get("survivor", [])
    killed: Counter[str] = Counter()
    equal: Counter[str] = Counter()
    all_of: Counter[str] = Counter()
    unnamed = 0
    for mutant in mutants():
        if mutant.code is None:
            continue
        all_of[mutant.file] += 1
        if mutant.code in KILLED | TIMED_OUT:
            killed[mutant.file] += 1
            continue
        change = mutant.change
        if (why := reason(mutant.name, change, named)) is not None:
            equal[mutant.file] += 1
            print(f"{mutant.name}: {why}")
        elif lives(mutant):
            unnamed += 1
            print(f"{mutant.name} lives: {change.new}")
        else:
            killed[mutant.file] += 1
    for file, count in all_of.items():
        told = count - equal[file]
        score = 100 * killed[file] / told if told else 100.0
        print(f"{file}: {score:.1f} % ({killed[file]} of {told} killed; {equal[file]} named as no different)")
    return int(unnamed > 0)


if __name__ == "__main__":
    sys.exit(main())
