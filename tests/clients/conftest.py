"""A fake for the clients, and the code that they run in Node."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.faces import FrontFace, new_mock

NODE = Path(__file__).parent / "node"
KEYS = ("secret_api_key",)
TIMEOUT = 60


@pytest.fixture(scope="session")
def shared_fake() -> Iterator[FrontFace]:
    """A fake that takes one key."""
    face = FrontFace(new_mock(KEYS))
    yield face
    face.close()


@pytest.fixture
def fake(shared_fake: FrontFace) -> FrontFace:
    """The fake, with nothing on record and no fault planned."""
    shared_fake.mock.reset(None)
    return shared_fake


@pytest.fixture
def url(fake: FrontFace) -> str:
    """Where it answers."""
    return fake.server.url


@pytest.fixture(scope="session")
def node() -> Callable[..., Any]:
    """Runs a script in Node with what it needs installed, and gives what it printed, as JSON. Skips where Node or the packages are absent."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("Node is not installed")
    if not (NODE / "node_modules").exists():
        pytest.skip("the Node packages are not installed: `make test` does so where npm is")

    def run(script: Path | str, *arguments: str) -> Any:
        asked = [program, str(NODE / script), *arguments]
        ended = subprocess.run(asked, capture_output=True, text=True, timeout=TIMEOUT, check=False, cwd=NODE, env={"PATH": os.environ["PATH"]})
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout or "null")

    return run
