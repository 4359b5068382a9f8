"""A command run in this process: its exit code and what it printed."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from mock_june.cli import main


class Ended(NamedTuple):
    """What is left of a command that has run."""

    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], tmp_path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `mock-june` with the arguments given, in an empty folder, without colour variables."""
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def run(*argv: str) -> Ended:
        code = main.run(argv)
        return Ended(code, *capfd.readouterr())

    return run
