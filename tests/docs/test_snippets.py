"""The README and the pages of docs/ show what runs: each block of code in them stands in a file that is run here, and each output is what is printed."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

REPO = Path(__file__).parent.parent.parent
HERE = REPO / "tests" / "docs"
BLOCK = re.compile(r"(?:^ *<!-- (?P<comment>[^\n]+) -->\n)?^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
FAILS = "fails.py"
"""The tests in it fail, to show how."""
SPARK = "on_spark.py"
"""Takes a Spark, and the seconds that it needs to start."""
PORT = "5863"
RUNNER = "trap 'code=$?; [ $code -le 1 ] || { echo \"line $LINENO: $BASH_COMMAND: exit code $code\" >&2; exit $code; }' ERR\nset -u\n"
"""Before a shell snippet. A command may find violations, and then exits with 1: what has a higher code could not do its work."""


class Block(NamedTuple):
    """A block of code in a page. `file` is where it stands, or whose output it is; `excuse` is why it is not run."""

    page: str
    language: str
    text: str
    file: str
    is_output: bool
    excuse: str

    @property
    def name(self) -> str:
        return f"{self.page}, the block that begins with {self.text.strip().splitlines()[0]!r}"


def pages() -> list[str]:
    """The README, and each page of docs/ that nobody generates."""
    found = [path.relative_to(REPO).as_posix() for path in sorted((REPO / "docs").rglob("*.md")) if "Made by `make generate`" not in path.read_text("utf-8")]
    return ["README.md", *found]


@cache
def blocks(page: str) -> list[Block]:
    """The blocks of code in a page."""
    found = []
    for match in BLOCK.finditer((REPO / page).read_text("utf-8")):
        comment = match["comment"] or ""
        said, _, rest = comment.partition(": ")
        file = rest if said == "output" else "" if said == "not run" else comment
        excuse = rest if said == "not run" else ""
        found.append(Block(page, match["language"], textwrap.dedent(match["text"]), file, said == "output", excuse))
    return found


PAGES = pages()
BLOCKS = [block for page in PAGES for block in blocks(page)]


def stands_in(block: Block, text: str) -> bool:
    """Whether a file has the block, perhaps further to the right. What a page runs in a terminal of its own, a script runs in the background."""
    texts = (text, text.replace(" &\n", "\n"))
    return any(textwrap.indent(block.text, " " * depth) in each for each in texts for depth in (0, 2, 4, 6, 8))


def as_pattern(output: str) -> re.Pattern[str]:
    """What a page shows of an output: parts of lines that follow one another. `…` stands for what is left out, alone on a line for any lines."""
    lines = ["…" if line.strip() == "…" else r"[^\n]*".join(re.escape(part) for part in line.split("…")) for line in squeezed(output).splitlines()]
    return re.compile("".join(r"(?:[^\n]*\n)*?" if line == "…" else rf"[^\n]*?{line}[^\n]*\n" for line in lines))


def squeezed(text: str) -> str:
    """The text with single blanks, since what is printed is laid out by a terminal's width."""
    return "\n".join(" ".join(line.split()) for line in text.splitlines()) + "\n"


def environment() -> dict[str, str]:
    """Ours, without what steers this pytest, and with this Python's scripts first."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "JUNE", "MOCK_JUNE", "FORCE_COLOR"))}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}",
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "CLONE": str(REPO),
    }


def pytest_over(*files: str) -> subprocess.CompletedProcess[str]:
    """A pytest of its own over snippets."""
    options = ["-q", "-W", "error", "-c", os.devnull, "--rootdir", str(HERE), "--color=no", *"-p no:randomly -p no:asyncio".split()]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, *(f"tests/docs/{name}" for name in files)]
    return subprocess.run(command, cwd=REPO, env=environment(), capture_output=True, text=True, timeout=240, check=False)


def shell_over(file: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A shell of its own over a snippet, in a folder with the files of which the pages speak. What it left running is ended."""
    shutil.copytree(HERE / "files", folder, dirs_exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    script = RUNNER + (REPO / file).read_text("utf-8").replace(PORT, port)
    shell = subprocess.Popen(
        ["bash", "-c", script],
        cwd=folder,
        env=environment() | {"MOCK_JUNE_SERVE_PORT": port, "MOCK_JUNE_CALLS_URL": f"http://127.0.0.1:{port}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with shell:
        try:
            shell.wait(60)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGTERM)
        out = shell.communicate(timeout=20)[0].replace(port, PORT)
    return subprocess.CompletedProcess(script, shell.returncode, out)


@pytest.mark.parametrize("page", PAGES)
def test_each_block_stands_in_a_file(page):
    """A block of code in a page stands, to the letter, in the file that it names, or says why it cannot be run."""
    for block in blocks(page):
        if block.is_output or block.excuse:
            continue
        assert block.file, f"{block.name} names no file"
        assert stands_in(block, (REPO / block.file).read_text("utf-8")), f"{block.name} is not in {block.file}:\n{block.text}"


def test_each_file_passes():
    """The snippets in Python are tests, and pass."""
    files = sorted(path.name for path in HERE.glob("*.py") if not path.name.startswith("test_") and path.name not in {FAILS, SPARK})
    ended = pytest_over(*files)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert len(files) > 5


@pytest.mark.slow
def test_the_snippets_on_spark_pass():
    """The snippets for Spark pass on a Spark."""
    pytest.importorskip("pyspark.sql", reason="pyspark is an extra: pip install 'mock-june[spark]'")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Spark needs Java, which is not here")
    ended = pytest_over(SPARK)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("script", sorted(path.name for path in HERE.glob("*.sh")))
def test_each_script_runs(tmp_path, script):
    """The snippets for a shell run, and print what the pages show of it."""
    if shutil.which("bash") is None or shutil.which("curl") is None:
        pytest.skip("the snippets for a shell need bash and curl, which are not both here")
    ended = shell_over(f"tests/docs/{script}", tmp_path)
    assert ended.returncode <= 1, ended.stdout
    for block in BLOCKS:
        if block.is_output and block.file == f"tests/docs/{script}":
            assert as_pattern(block.text).search(squeezed(ended.stdout)), f"{block.name} is not what is printed:\n{ended.stdout}"


def test_each_file_is_shown():
    """No snippet lies here that no page shows."""
    shown = {block.file for block in BLOCKS}
    lying = {f"tests/docs/{path.name}" for path in HERE.iterdir() if path.suffix in {".py", ".sh"} and not path.name.startswith("test_")}
    assert lying <= shown


def test_what_a_failure_looks_like():
    """The output that a page shows of a failing test is what is printed."""
    ended = pytest_over(FAILS)
    assert ended.returncode == 1
    outputs = [block.text for block in BLOCKS if block.is_output and block.file == f"tests/docs/{FAILS}"]
    assert outputs
    for output in outputs:
        assert output in ended.stdout
