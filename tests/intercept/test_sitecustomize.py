"""What a Python child of `mock-june run` starts with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mock_june.client import MockJune
from mock_june.intercept.authority import Authority
from mock_june.intercept.relay import Relay
from mock_june.intercept.shims.python import mock_june_redirect
from mock_june.testing import running_mock
from tests.intercept import callers

SHIMS = Path(mock_june_redirect.__file__).parent
ROOT = Path(__file__).parents[2]

Child = Callable[..., subprocess.CompletedProcess[str]]

WATCHED = """
import json, sys
reached = []
def hook(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple) and arguments[1][0] not in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
        reached.append(str(arguments[1]))
    if event in ("socket.getaddrinfo", "socket.gethostbyname") and "june" in str(arguments[0]).lower():
        reached.append(str(arguments[0]))
sys.addaudithook(hook)
import warnings
warnings.simplefilter("ignore")
from tests.intercept.callers import CALLERS
answers = {}
for name, caller in CALLERS.items():
    try:
        answers[name] = caller()
    except Exception as error:
        answers[name] = repr(error)
print(json.dumps([answers, reached]))
"""


@pytest.fixture
def june() -> Iterator[MockJune]:
    """A fake with the key that the callers have."""
    with running_mock(callers.KEY) as june:
        yield june


@pytest.fixture
def child(june: MockJune, tmp_path: Path) -> Iterator[Child]:
    """Runs code in a Python child as `mock-june run` would. `path` are more folders on its path, `authority` another file."""
    made = Authority.create()
    (tmp_path / "ca.pem").write_bytes(made.certificate)
    parts = urlsplit(june.url)

    def child(code: str, *path: Path | str, authority: Path = tmp_path / "ca.pem", ended: bool = False) -> subprocess.CompletedProcess[str]:
        env = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        env |= {"MOCK_JUNE_RELAY": f"127.0.0.1:{1 if ended else relay.port}", "MOCK_JUNE_CA": str(authority)}
        env["PYTHONPATH"] = os.pathsep.join(map(str, (SHIMS, *path)))
        return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)

    with Relay(made, ("127.0.0.1", parts.port or 0)) as relay:
        yield child


def test_every_client_of_python(child: Child, june: MockJune):
    """Each lands in the fake, without a proxy in the environment; no connection goes elsewhere, and no name of June's is looked up."""
    ended = child(WATCHED, ROOT)
    answers, reached = json.loads(ended.stdout)
    assert answers == dict.fromkeys(callers.CALLERS, 200)
    assert reached == []
    assert len(june.calls()) == len(callers.CALLERS)
    assert ended.stderr == ""


@pytest.mark.uncovered
def test_a_program_without_a_network(child: Child):
    """It pays for little: neither `socket` nor `ssl` is imported for it, nor is anything of mock-june but the redirect."""
    ended = child("import sys; print(sorted({*sys.modules} & {'socket', 'ssl', 'typing', 'asyncio'}), [n for n in sys.modules if n.startswith('mock_june')])")
    assert ended.stdout == "[] ['mock_june_redirect']\n"


def test_the_sitecustomize_that_is_hidden(child: Child, tmp_path: Path):
    """A `sitecustomize` further down the path runs as if ours were not there, and finds the redirect in place; relative paths are no matter."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text("import socket\nfound = socket.gethostbyname('api.june.so')\nname, file = __name__, __file__\n")
    ended = child("import sitecustomize as s; print(s.found, s.name, s.file)", hidden)
    assert ended.stdout.split() == ["255.255.255.255", "sitecustomize", str(hidden / "sitecustomize.py")]
    assert child("import sitecustomize as s; print(s.name)", "hidden").stdout == "sitecustomize\n"


def test_a_hidden_one_that_fails(child: Child, tmp_path: Path):
    """Its error is told as Python tells it, and the program runs."""
    (tmp_path / "sitecustomize.py").write_text("raise ValueError('theirs')\n")
    ended = child("print('runs')", tmp_path)
    assert ended.stdout == "runs\n"
    assert "ValueError: theirs" in ended.stderr
    assert "mock_june" not in ended.stderr


def test_after_the_run(child: Child, tmp_path: Path):
    """A child that outlives the run still reaches nothing: its calls fail, and it is told why."""
    code = "import urllib.request\ntry: urllib.request.urlopen('https://api.june.so')\nexcept OSError as error: print(error)"
    ended = child(code, authority=tmp_path / "absent.pem", ended=True)
    assert "refused" in ended.stdout
    assert ended.stderr == f"mock-june: {tmp_path / 'absent.pem'} cannot be read (No such file or directory): calls to api.june.so will fail\n"


def test_without_the_variables(tmp_path: Path):
    """Where the environment names no relay, the folder on the path changes nothing."""
    env = {"PYTHONPATH": str(SHIMS)}
    code = "import sys; print('mock_june_redirect' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60, check=True, cwd=tmp_path)
    assert ended.stdout == "False\n"


def test_what_the_hidden_one_does_to_the_path(child: Child, tmp_path: Path):
    """What it adds to the path stays there, and so does the shim's folder, for children of the child."""
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.path.insert(0, '/added')\n")
    ended = child("import sys; print(*sys.path[:4], sep='\\n')", tmp_path)
    assert ended.stdout.splitlines()[1:] == [str(SHIMS), "/added", str(tmp_path)]
