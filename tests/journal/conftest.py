"""A journal for each test, and a place where a test's own processes find the package."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mock_june.journal import Journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a named journal may lie."""
    return tmp_path / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    """A named journal, new."""
    with closing(Journal.open(path)) as opened:
        yield opened


Child = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def child(repo: Path) -> Iterator[Child]:
    """Starts a Python program that can import the package and the tests; ended with the test. Its output is text, by lines."""
    started: list[subprocess.Popen[str]] = []

    def start(program: str, *arguments: object, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", program, *map(str, arguments)],
            cwd=repo,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
