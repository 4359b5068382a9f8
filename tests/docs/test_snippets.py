"""The README and the pages of docs/ show what runs: each block of Python in them stands in a file here or in examples/, and these files pass."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PAGES = ("docs/testing.md", "README.md")
BLOCK = re.compile(r"(?:<!-- (?P<file>\S+) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
FAILS = ("fails.py",)
"""Files whose tests fail, to show how."""


def blocks(repo: Path, page: str) -> list[re.Match[str]]:
    """The blocks of code in a page."""
    return list(BLOCK.finditer((repo / page).read_text("utf-8")))


def pytest_over(repo: Path, *files: str) -> subprocess.CompletedProcess[str]:
    """A pytest of its own over snippets."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "JUNE"))}
    options = ["-q", "-W", "error", "-c", os.devnull, "--rootdir", str(repo / "tests" / "docs"), "--color=no", *"-p no:randomly -p no:asyncio".split()]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, *(f"tests/docs/{name}" for name in files)]
    return subprocess.run(command, cwd=repo, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("page", PAGES)
def test_each_block_stands_in_a_file(repo, page):
    """A block of Python in a page names the file that it is from, and stands in it to the letter."""
    for block in blocks(repo, page):
        if block["language"] != "python":
            continue
        assert block["file"], f"{page}: this block names no file:\n{block['text']}"
        text = (repo / block["file"]).read_text("utf-8")
        assert block["text"] in text or textwrap.indent(block["text"], "    ") in text, f"{page}: this is not in {block['file']}:\n{block['text']}"


def test_each_file_passes(repo):
    """The snippets are tests, and pass."""
    files = sorted(path.name for path in (repo / "tests" / "docs").glob("*.py") if not path.name.startswith("test_") and path.name not in FAILS)
    ended = pytest_over(repo, *files)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert len(files) > 5


def test_each_file_is_shown(repo):
    """No snippet lies here that no page shows."""
    shown = {block["file"] for page in PAGES for block in blocks(repo, page)}
    assert {f"tests/docs/{path.name}" for path in (repo / "tests" / "docs").glob("*.py") if not path.name.startswith("test_")} <= shown


def test_what_a_failure_looks_like(repo):
    """The output that a page shows is what is printed."""
    ended = pytest_over(repo, *FAILS)
    assert ended.returncode == 1
    outputs = [block["text"] for page in PAGES if page.startswith("docs/") for block in blocks(repo, page) if block["language"] == "text"]
    assert outputs
    for output in outputs:
        assert output in ended.stdout
