"""The example project, examples/backfill: its own tests pass, and find each of the mistakes that it can be made to make."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def project(repo) -> Path:
    """The project's folder."""
    return repo / "examples" / "backfill"


def failed(project: Path, mistake: str = "", *options: str) -> tuple[set[str], str]:
    """The tests that fail in a pytest of the project's own, and all that it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "JUNE"))} | {"BACKFILL_MISTAKE": mistake}
    without = [f"-pno:{name}" for name in ("cacheprovider", "randomly", "asyncio", "schemathesis", "socket")]
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", *without, *options]
    ended = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=120, check=False)
    names = set(re.findall(r"^(?:FAILED|ERROR) \S+::(\w+)", ended.stdout, re.MULTILINE))
    assert (ended.returncode == 0) is not bool(names), ended.stdout + ended.stderr
    return names, ended.stdout


def test_its_own_tests_pass(project):
    """Without a mistake all its tests pass."""
    assert failed(project)[0] == set()


@pytest.mark.parametrize(
    ("mistake", "found_by", "said"),
    [
        ("local-time", "test_moments_are_utc", "- '2021-02-24T01:19:38.931Z'"),
        ("lost-retry", "test_it_bears_failures", "wanted exactly 1"),
        ("doubled-page", "test_it_goes_on_where_it_was_stopped", "2 `messageId`s came more than once"),
    ],
    ids=["local-time", "lost-retry", "doubled-page"],
)
def test_they_find_each_mistake(project, mistake, found_by, said):
    """A mistake is found by the test of what it breaks, and the failure says what is wrong."""
    names, out = failed(project, mistake, "-k", "not program and not rate_limit")  # the slow ones are not needed for it
    assert found_by in names
    assert said in out
