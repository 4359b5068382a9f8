"""The examples in the help of each command."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from mock_june.cli import main
from mock_june.cli.examples import EXAMPLES

LINES = [(name, line) for name, examples in EXAMPLES.items() for _, line in examples]


def test_every_command():
    """Every command has examples."""
    assert set(EXAMPLES) == set(main.COMMANDS)


@pytest.mark.parametrize(("name", "line"), LINES, ids=[line for _, line in LINES])
def test_usage(name, line):
    """An example's command takes its options and values."""
    words = shlex.split(re.split(r" > | \| (?!mock)", line.rpartition("| ")[2])[0])
    assert words[:2] == ["mock-june", name]
    group = click.Context(main.commands, help_option_names=["-h", "--help"])
    command = main.commands.get_command(group, name)
    assert command is not None
    assert command.make_context(name, words[2:], parent=group).info_name == name


@pytest.mark.parametrize("line", [line for name, line in LINES if name in {"check", "rule", "schema", "openapi"}])
def test_it_runs(repo, tmp_path, line):
    """An example that needs no server runs as it stands, over files such as the docs have."""
    shutil.copytree(repo / "tests" / "docs" / "files", tmp_path, dirs_exist_ok=True)
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    ended = subprocess.run(line, shell=True, cwd=tmp_path, env={"PATH": path, "NO_COLOR": "1"}, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode <= 1, ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("name", list(EXAMPLES))
def test_shown(run, name):
    """The help ends with them, each on a line of its own, whatever the terminal's width."""
    out = run(name, "--help").out
    for why, line in EXAMPLES[name]:
        assert f"# {why}\n" in out
        assert f" {line}\n" in out
