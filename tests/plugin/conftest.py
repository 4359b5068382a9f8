"""A pytest of its own for each test of the plugin: a small test file is written and run, and what pytest says of it is looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpcore  # noqa: F401 -- pytester forgets what a run imports; imported anew, its errors would be strangers to httpx
import pytest

import mock_june.server.app  # noqa: F401 -- pytester forgets what a run imports; so each run would import Flask anew
import mock_june.testing  # noqa: F401 -- the same

QUIET = "-p no:cacheprovider -p no:randomly -p no:asyncio -p no:socket -p no:pytest_cov -p no:anyio -p no:xdist -p no:hypothesispytest"
"""Nothing but the plugin under test, unless a test asks for more."""

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
    """Runs pytest over a test file's text: `run(text, *options)`. In this process, or with `process=True` in one of its own."""
    monkeypatch.setenv("PYTEST_ADDOPTS", QUIET)
    for name in ("NO_COLOR", "FORCE_COLOR", "PY_COLORS", "CI"):
        monkeypatch.delenv(name, raising=False)
    pytester.makepyfile(sends=SENDS)

    def run(text: str, *options: str, process: bool = False, ini: str = "", **files: Any) -> pytest.RunResult:
        pytester.makepyfile(test_it="import pytest\nfrom sends import TRACK, WRONG, post\n" + text, **files)
        pytester.makeini(f"[pytest]\n{ini}")
        if process:
            return pytester.runpytest_subprocess(*options, timeout=120)
        return pytester.runpytest_inprocess(*options)

    return run
