"""What shells offer at TAB, asked of the shells themselves."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

PATTERN = "track.timestamp.pattern"


@pytest.fixture
def environment(monkeypatch, tmp_path) -> dict[str, str]:
    """The environment of a shell that finds this command, in a folder with a file."""
    (tmp_path / "export.jsonl").write_text("")
    monkeypatch.chdir(tmp_path)
    return os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path), "TERM": "dumb"}


@pytest.fixture
def offered(environment):
    """What click offers for words, the last of which is not finished."""

    def ask(*words: str) -> list[str]:
        asked = {"_MOCK_JUNE_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(("mock-june", *words)), "COMP_CWORD": str(len(words))}
        ended = subprocess.run(["mock-june"], env=environment | asked, capture_output=True, text=True, timeout=30, check=False)
        assert ended.stderr == ""
        return ended.stdout.split()

    return ask


def needs(shell: str) -> None:
    """Skips where the shell is not here."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not here")


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("ch",), {"plain,check"}),
        (("check", "--ig"), {"plain,--ignore"}),
        (("check", "--ignore", "track.timestamp.p"), {f"plain,{PATTERN}"}),
        (("rule", "track.timestamp.p"), {f"plain,{PATTERN}"}),
        (("check", "--output-format", "j"), {"plain,json", "plain,jsonl", "plain,junit"}),
        (("calls", "--kind", "i"), {"plain,identify"}),
        (("check", "exp"), {"file,exp"}),
        (("serve", "--journal", "exp"), {"file,exp"}),
        (("nothing", "x"), set()),
    ],
)
def test_offered(offered, words, wanted):
    """Commands, options, choices, rules and kinds are offered; where a file is meant, the shell is told so. Half a word is no error."""
    assert set(offered(*words)) == wanted


def test_a_faulty_pyproject(offered, tmp_path):
    """A pyproject.toml that no command would take keeps the shell from nothing."""
    (tmp_path / "pyproject.toml").write_text("[tool.mock-june\n")
    assert "plain,--ignore" in offered("check", "--ig")


def test_bash(environment):
    """Bash completes after the line that the docs have for it."""
    needs("bash")
    script = (
        'eval "$(_MOCK_JUNE_COMPLETE=bash_source mock-june)"; COMP_WORDS=(mock-june che); COMP_CWORD=1; _mock_june_completion mock-june; echo "${COMPREPLY[@]}"'
    )
    ended = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=30, check=False)
    if "supported" in ended.stderr:
        pytest.skip("bash is older than 4.4, which click's completion takes")
    assert ended.stdout == "check\n"


def test_fish(environment):
    """Fish completes after the line that the docs have for it, and shows what a rule says."""
    needs("fish")
    script = f'_MOCK_JUNE_COMPLETE=fish_source mock-june | source; complete -C "mock-june rule {PATTERN[:-3]}"'
    ended = subprocess.run(["fish", "-c", script], env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert ended.stdout.startswith(f"{PATTERN}\t`timestamp` must be in ISO format")


def test_zsh(environment):
    """Zsh completes after the line that the docs have for it."""
    needs("zsh")
    shell, terminal = pty.fork()
    if shell == 0:
        os.execvpe("zsh", ["zsh", "-f", "-i"], environment)
    try:
        set_up = 'autoload -Uz compinit; compinit -D; eval "$(_MOCK_JUNE_COMPLETE=zsh_source mock-june)"; echo rea""dy\n'
        assert "\nready" in typed(terminal, set_up, "\nready")
        assert PATTERN in typed(terminal, f"mock-june rule {PATTERN[:-3]}\t", PATTERN)
    finally:
        os.close(terminal)  # which hangs up: zsh ends
        os.waitpid(shell, 0)


def typed(terminal: int, keys: str, wanted: str) -> str:
    """What a terminal shows after these keys, up to what is wanted; at most 20 seconds of it."""
    os.write(terminal, keys.encode())
    shown, end = "", time.monotonic() + 20
    while wanted not in shown and time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            with suppress(OSError):
                shown += os.read(terminal, 65536).decode(errors="replace")
    return shown
