"""`mock-june schema`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mock_june.cli.schema import NAMES


@pytest.mark.parametrize("name", NAMES)
def test_byte_for_byte(repo, name):
    """A schema is printed byte for byte."""
    ended = subprocess.run([sys.executable, "-m", "mock_june", "schema", name], capture_output=True, check=True)
    assert ended.stdout == (repo / "schemas" / f"{name}.json").read_bytes()


def test_every_file(repo):
    """Every schema file has a name that prints it."""
    files = [path for contract in ("backfill", "sdk") for path in (repo / "schemas" / contract).glob("*.json")]
    assert sorted(NAMES) == sorted(f"{path.parent.name}/{path.stem}" for path in files)


@pytest.mark.parametrize("name", ["backfill/page", "sdk", "", "../pyproject", "/etc/passwd", "backfill/track.json"])
def test_other_names(run, name):
    """What is no schema's name is refused with the names there are; no other file is ever printed."""
    code, out, err = run("schema", name)
    assert (code, out) == (2, "")
    assert "'backfill/track'" in err
