"""Nothing reaches June: in a network of its own, with a stand-in for the real host that counts connections."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from mock_june.intercept import guard
from tests.intercept.running import COMMAND, no_network, seen

URL = "https://api.june.so/api/identify"
NODE_POST = f"""fetch("{URL}", {{ method: "POST", body: "{{}}" }}).catch(error => console.log(error.cause?.code))"""
PYTHON_POST = f"import urllib.request; urllib.request.urlopen('{URL}', b'{{}}', 10)"


@pytest.fixture(autouse=True)
def network() -> None:
    """Skips where there can be none, or no guard."""
    if no_network() or not guard.available() or not shutil.which("curl"):
        pytest.skip(no_network() or "there is no guard, or no curl here")


def under_run(*command: str | Path, options: tuple[str, ...] = ()) -> dict[str, Any]:
    """The same under `mock-june run`."""
    return seen(*COMMAND, *options, "--", *command)


PAST_PROXY_AND_SHIMS = {
    "curl --noproxy": ("curl", "-sS", "--noproxy", "*", URL),
    "curl in the clear": ("curl", "-sS", "--noproxy", "*", "http://api.june.so/"),
    "env -i curl": ("env", "-i", shutil.which("curl") or "curl", "-sS", URL),
    "env -i python": ("env", "-i", sys.executable, "-c", PYTHON_POST),
    "python -I": (sys.executable, "-I", "-c", f"import os; os.environ.clear(); {PYTHON_POST}"),
    "env -i node": ("env", "-i", shutil.which("node") or "node", "-e", NODE_POST),
    "a grandchild": ("sh", "-c", f"sh -c 'env -i {shutil.which('curl')} -sS {URL}'; true"),
    "a session of its own": ("setsid", "--wait", "env", "-i", shutil.which("curl") or "curl", "-sS", URL),
    "in the background": ("sh", "-c", f"(env -i {shutil.which('curl')} -sS {URL}) & wait"),
}


@pytest.mark.parametrize("name", [name for name in PAST_PROXY_AND_SHIMS if name not in {"a grandchild", "in the background"}])
def test_the_stand_in_counts(name: str):
    """Without `mock-june run` each of these reaches the stand-in: the tests below can fail."""
    if shutil.which(str(PAST_PROXY_AND_SHIMS[name][0])) is None or ("node" in name and shutil.which("node") is None):
        pytest.skip("it is not installed")
    assert sum(seen(*PAST_PROXY_AND_SHIMS[name])["count"].values()) >= 1


def test_I1_what_passes_proxy_and_shims_by():
    """Children and grandchildren without our environment, or that heed none of it, make no connection at all; the run fails and names them."""
    there = [command for name, command in PAST_PROXY_AND_SHIMS.items() if "node" not in name or shutil.which("node")]
    told = under_run("sh", "-c", "\n".join(shlex.join(map(str, command)) for command in there) + "\ntrue")
    assert told["count"] == {}
    assert told["code"] == 1
    assert "0 calls captured" in told["err"]
    assert "stopped by the guard: curl to 203.0.113.7:443 (5); " in told["err"]
    assert "curl to 203.0.113.7:80 (1)" in told["err"]
    assert f"{Path(sys.executable).name} to 203.0.113.7:443 (2)" in told["err"]


POSTS = {
    "curl": ("curl", "-sS", "--max-time", "5", "-d", "{{}}", "https://{host}/api/identify"),
    "python": (
        sys.executable,
        "-c",
        "import http.client as c; c = c.HTTPSConnection('{host}', timeout=5); c.request('POST', '/api/identify', '{{}}'); c.getresponse()",
    ),
    "node": ("node", "-e", "fetch('https://{host}/api/identify', {{ method: 'POST', body: '{{}}' }}).catch(error => console.log(error.cause))"),
}


@pytest.mark.parametrize("name", POSTS)
def test_junes_other_hosts(name: str):
    """No other host of june.so is reached either; another spelling of api.june.so is the fake."""
    if shutil.which(POSTS[name][0]) is None:
        pytest.skip("it is not installed")
    hosts = ("june.so", "www.june.so", "cdn.june.so", "API.JUNE.SO.")
    lines = [shlex.join(word.format(host=host) for word in POSTS[name]) for host in hosts]
    told = under_run("sh", "-c", "\n".join(lines))
    assert told["count"] == {}
    assert "1 call captured" in told["err"], told["err"]


OTHER = {
    "curl": ("curl", "-sS", "http://other.example/"),
    "python": (
        sys.executable,
        "-c",
        "import http.client as c; c = c.HTTPConnection('other.example'); c.request('GET', '/'); print(c.getresponse().read().decode())",
    ),
    "node": ("node", "-e", "fetch('http://other.example/').then(answer => answer.text()).then(console.log)"),
}
OTHER_SECURED = {
    "curl": ("curl", "-sS", "https://other.example/"),
    "python": (sys.executable, "-c", "import http.client as c; c = c.HTTPSConnection('other.example'); c.request('GET', '/')"),
    "node": ("node", "-e", "fetch('https://other.example/').catch(error => console.log(error))"),
}


@pytest.mark.parametrize("name", OTHER)
class TestOtherHosts:
    def test_they_pass(self, name: str):
        """Other hosts are reached under the guard, by clients that heed proxies and by those that do not, in the clear and by TLS, and are listed."""
        if shutil.which(OTHER[name][0]) is None:
            pytest.skip("it is not installed")
        told = under_run(*OTHER[name], options=("--allow-empty",))
        assert (told["code"], told["out"].strip(), told["count"]) == (0, "ok", {"other:80": 1}), told["err"]
        assert "other hosts reached: other.example:80 (1)" in told["err"]
        assert under_run(*OTHER_SECURED[name])["count"] == {"other:443": 1}

    def test_they_are_blocked(self, name: str):
        """Under --block-others no other host is reached, without the guard neither, and each that was tried is listed."""
        if shutil.which(OTHER[name][0]) is None:
            pytest.skip("it is not installed")
        for command, place, guarded in ((OTHER[name], "other.example:80", "--require-guard"), (OTHER_SECURED[name], "other.example:443", "--no-guard")):
            told = under_run(*command, options=("--block-others", guarded))
            assert told["count"] == {}
            assert f"blocked: {place}, --block-others blocks it (1)" in told["err"]
