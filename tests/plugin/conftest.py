"""A pytest of its own for each test of the plugin: a small test file is written and run, and what pytest says of it is looked at."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import httpcore  # noqa: F401 -- pytester forgets what a run imports; imported anew, its errors would be strangers to httpx
import pytest

import mock_june.server.app
import mock_june.testing  # noqa: F401 -- the same

OTHERS = "anyio asyncio benchmark cacheprovider hypothesispytest pytest_cov randomly schemathesis socket timeout xdist xdist.looponfail".split()
"""The plugins that are installed here, under the names of their entry points. A test runs beside those alone that it asks for."""

SENDS = '''
"""What the code under test is in these tests: something that sends."""
import json
import urllib.error
import urllib.request

TRACK = {"type": "track", "event": "Registered", "userId": "1", "timestamp": "2021-02-24T01:19:38.931Z", "email": "a@example.com"}
WRONG = {"type": "track", "event": "Registered", "userId": 1, "timestamp": "2021-02-24T01:19:38.931Z", "email": "a@example.com"}


def post(june, payload, path=None, key=None):
    """The status that a payload is answered with."""
    headers = {"Authorization": f"Basic {key or june.key}", "Content-Type": "application/json"}
    request = urllib.request.Request(june.url + (path or "/api/" + payload["type"]), json.dumps(payload).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code
'''

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester, monkeypatch) -> Run:
    """Runs pytest over a test file's text: `run(text, *options)`. In this process, or with `process=True` in one of its own.

    `beside` names other plugins that are there too; all other keywords are files.
    """
    for name in ("NO_COLOR", "FORCE_COLOR", "PY_COLORS", "CI"):
        monkeypatch.delenv(name, raising=False)
    pytester.makepyfile(sends=SENDS)

    def run(text: str, *options: str, beside: str = "", process: bool = False, ini: str = "", **files: Any) -> pytest.RunResult:
        monkeypatch.setenv("PYTEST_ADDOPTS", " ".join(f"-p no:{name}" for name in OTHERS if name not in beside.split()))
        pytester.makepyfile(test_it="import pytest\nfrom sends import TRACK, WRONG, post\n" + text, **files)
        pytester.makeini(f"[pytest]\n{ini}")
        if process:
            return pytester.runpytest_subprocess(*options, timeout=120)
        return pytester.runpytest_inprocess(*options)

    return run


@pytest.fixture
def interrupted(pytester) -> Callable[[], tuple[str, float]]:
    """Runs pytest over the files that are there, in a process of its own, and sends it Ctrl-C once a test has printed READY.

    Gives what it printed from then on, and how many seconds it took to end. It ends as interrupted, without an error of pytest's own, and leaves no file.
    """

    def interrupted() -> tuple[str, float]:
        folder = pytester.path / "tmp"
        folder.mkdir(exist_ok=True)
        command, env = [sys.executable, "-m", "pytest", "-s"], {**os.environ, "TMPDIR": str(folder)}
        with subprocess.Popen(command, cwd=pytester.path, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as session:
            line = ""
            while "READY" not in line:
                line = session.stdout.readline()
                assert line, "it ended before it was ready"
            time.sleep(0.2)
            session.send_signal(signal.SIGINT)
            began = time.monotonic()
            rest = session.communicate(timeout=20)[0]
            lasted = time.monotonic() - began
        assert session.returncode == pytest.ExitCode.INTERRUPTED
        assert "KeyboardInterrupt" in rest
        assert "INTERNALERROR" not in rest
        assert not [path.name for path in folder.iterdir() if "june" in path.name]
        return rest, lasted

    return interrupted
