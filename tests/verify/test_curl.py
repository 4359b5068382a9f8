"""The line for curl that stands beside each broken promise."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest

from contract_tests import curl
from contract_tests.cases import BARE, COLON, NONE, PLAIN, SPELLINGS, Case
from contract_tests.server import Request, Server
from tests.verify.conftest import hold, listening, thinned
from tests.verify.wrong_servers import KEY, WRONG

BY_NAME = {wrong.name: wrong for wrong in WRONG}
PASTED = (
    *("takes +02:00", "takes a line break at the end", "takes digits of other alphabets", "refuses +00:00", "takes NaN", "takes what stands behind the JSON"),
    *("takes Latin-1", "takes an empty body", "takes an array of payloads", "fails on letters beyond ASCII", "refuses white space around the JSON"),
    *("refuses a charset", "takes GET", "takes PUT", "takes any path", "asks for no key", "takes the key of any scheme", "takes no base64 of key:"),
    *("takes no base64 of key", "answers 201", "points with dots", "takes no null", "takes any number of messages", "reads no gzip", "knows no writeKey"),
    *("answers no preflight", "refuses members that it does not know", "takes a key that only begins like the right one"),
)

needs_curl = pytest.mark.skipif(shutil.which("curl") is None or shutil.which("bash") is None, reason="there is no curl or no bash here")


def pasted(line: str, **variables: str) -> tuple[int, str]:
    """The status and the body that a line for a shell shows."""
    ended = subprocess.run(["bash", "-c", line], env={**os.environ, **variables}, capture_output=True, check=True, timeout=30)
    head, _, body = ended.stdout.decode("utf-8", "replace").partition("\r\n\r\n")
    while head.startswith("HTTP/1.1 100"):
        head, _, body = body.partition("\r\n\r\n")
    return int(head.split()[1]), body


@needs_curl
@pytest.mark.parametrize("name", PASTED)
def test_pasted(name):
    """Pasted into a shell, the line is answered as the suite was."""
    wrong = BY_NAME[name]
    with listening(wrong.change) as url:
        held = hold(wrong.change, thinned(sdk=wrong.sdk, drawn=2, few=3, whole=wrong.breaks), url=url)
        for promise in wrong.breaks:
            breach = held.results[promise].breach
            assert "\n" not in breach.curl
            assert breach.curl.isascii()
            status, body = pasted(breach.curl)
            assert status == breach.status
            assert f"{status} {body}"[:100] == breach.answer[:100]


AUTHS = {"as it is": PLAIN, "base64 with a colon": COLON, "base64": BARE}


@needs_curl
@pytest.mark.parametrize("auth", AUTHS.values(), ids=AUTHS)
def test_elsewhere(auth):
    """A line for a server that is not on this machine does not hold the key, in no spelling; with the key in its variable it sends the same."""
    secret = "s3cr3t-$key'x"
    case = Case(contract="sdk", kind="track", about="")
    body = f'{{"writeKey":"{secret}"}}'.encode()
    request = Request("POST", "/sdk/track", (("Authorization", auth.value(secret)),), body)
    with Server("http://api.example.com", secret) as server:
        line = curl.line(server, case, request, auth)
    assert not [each for each in SPELLINGS if each.value(secret).removeprefix("Basic ") in line]
    assert "s3cr3t" not in line
    shown = subprocess.run(
        ["bash", "-c", line.replace("curl", "printf '%s\\n'", 1)], env={**os.environ, curl.KEY: secret}, capture_output=True, text=True, check=True
    ).stdout
    assert f"Authorization: {auth.value(secret)}\n" in shown
    assert body.decode() in shown


def test_wrong_keys_elsewhere():
    """The same holds of the wrong keys that are made of the right one."""
    secret = "s3cr3t-key-of-a-real-server"
    wrong = next(promise for promise in thinned(sdk=False, drawn=0, few=1000) if promise.id == "auth.wrong-key.refused")
    with Server("http://api.example.com", secret) as server:
        for case in wrong.cases:
            assert case.auth is not None
            value = case.auth.value(secret) or ""
            line = curl.line(server, case, Request("POST", case.path, (("Authorization", value),), b"{}"), case.auth)
            assert not re.search(r"s3cr3t|real-server", line)
            shown = subprocess.run(
                ["bash", "-c", line.replace("curl", "printf '%s\\n'", 1)], env={**os.environ, curl.KEY: secret}, capture_output=True, text=True, check=True
            ).stdout
            assert f"Authorization: {value}\n" in shown


def test_without_body():
    """A call without body and key is said as such."""
    with Server("http://127.0.0.1:1", KEY) as server:
        line = curl.line(server, Case(contract="sdk", kind="track", about=""), Request("POST", "/sdk/track", (), b""), NONE)
    assert line == "curl -sS -i -X POST http://127.0.0.1:1/sdk/track"
