"""HTTP clients of Python's, and curl: each is answered, stands on record, and is told what the fake said."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
import requests

from tests.server.faces import TRACK, FrontFace

KEY = "secret_api_key"
Sent = tuple[int, Any]
Sender = Callable[[str, Any, str], Sent]
"""URL, payload, key: the status and the answer's JSON."""


def headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Basic {key}"}


def by_requests(url: str, payload: Any, key: str) -> Sent:
    answer = requests.post(url, json=payload, headers=headers(key), timeout=10)
    return answer.status_code, answer.json()


def by_requests_auth(url: str, payload: Any, key: str) -> Sent:
    answer = requests.post(url, json=payload, auth=(key, ""), timeout=10)
    return answer.status_code, answer.json()


def by_requests_in_chunks(url: str, payload: Any, key: str) -> Sent:
    def chunks() -> Iterator[bytes]:
        yield from (bytes([byte]) for byte in json.dumps(payload).encode())

    answer = requests.post(url, data=chunks(), headers=headers(key), timeout=10)
    return answer.status_code, answer.json()


def by_requests_gzipped(url: str, payload: Any, key: str) -> Sent:
    answer = requests.post(url, data=gzip.compress(json.dumps(payload).encode()), headers=headers(key) | {"Content-Encoding": "gzip"}, timeout=10)
    return answer.status_code, answer.json()


def by_httpx(url: str, payload: Any, key: str) -> Sent:
    answer = httpx.post(url, json=payload, headers=headers(key))
    return answer.status_code, answer.json()


def by_httpx_auth(url: str, payload: Any, key: str) -> Sent:
    answer = httpx.post(url, json=payload, auth=(key, ""))
    return answer.status_code, answer.json()


def by_httpx_async(url: str, payload: Any, key: str) -> Sent:
    async def post() -> Sent:
        async with httpx.AsyncClient() as client:
            answer = await client.post(url, json=payload, headers=headers(key))
            return answer.status_code, answer.json()

    return asyncio.run(post())


def _by_aiohttp(url: str, **options: Any) -> Sent:
    async def post() -> Sent:
        async with aiohttp.ClientSession() as session, session.post(url, **options) as answer:
            return answer.status, await answer.json()

    return asyncio.run(post())


def by_aiohttp(url: str, payload: Any, key: str) -> Sent:
    return _by_aiohttp(url, json=payload, headers=headers(key))


def by_aiohttp_deflated(url: str, payload: Any, key: str) -> Sent:
    return _by_aiohttp(url, data=json.dumps(payload).encode(), headers=headers(key) | {"Content-Type": "application/json"}, compress="deflate")


def by_urllib(url: str, payload: Any, key: str) -> Sent:
    request = urllib.request.Request(url, json.dumps(payload).encode(), headers(key) | {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def _by_curl(url: str, *options: str, stdin: bytes = b"") -> Sent:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    asked = ["curl", "--silent", "--show-error", "--max-time", "10", "--noproxy", "*", "--write-out", "\n%{http_code}", *options, url]
    said, _, status = subprocess.run(asked, input=stdin, capture_output=True, check=True).stdout.rpartition(b"\n")
    return int(status), json.loads(said)


def by_curl(url: str, payload: Any, key: str) -> Sent:
    return _by_curl(url, "-H", f"Authorization: Basic {key}", "-H", "Content-Type: application/json", "-d", json.dumps(payload))


def by_curl_user(url: str, payload: Any, key: str) -> Sent:
    return _by_curl(url, "-u", f"{key}:", "--json", json.dumps(payload))


def by_curl_in_chunks(url: str, payload: Any, key: str) -> Sent:
    options = ("-X", "POST", "-T", "-", "-H", f"Authorization: Basic {key}", "-H", "Content-Type: application/json", "-H", "Expect: 100-continue")
    return _by_curl(url, *options, stdin=json.dumps(payload).encode())


SENDERS = [
    by_requests,
    by_requests_auth,
    by_requests_in_chunks,
    by_requests_gzipped,
    by_httpx,
    by_httpx_auth,
    by_httpx_async,
    by_aiohttp,
    by_aiohttp_deflated,
    by_urllib,
    by_curl,
    by_curl_user,
    by_curl_in_chunks,
]


@pytest.mark.parametrize("send", SENDERS)
def test_a_good_call_is_taken(fake: FrontFace, url: str, send: Sender):
    """The client is answered June's success, and its payload stands on record as it was."""
    assert send(f"{url}/api/track", TRACK, KEY) == (200, {"status": 200, "success": True})
    (call,) = fake.calls(KEY)
    assert (call.accepted, json.loads(call.body)) == (True, TRACK)


@pytest.mark.parametrize("send", SENDERS)
def test_a_wrong_call_is_told_what_is_wrong(fake: FrontFace, url: str, send: Sender):
    """The client reads each violation with its rule, pointer, message and hint."""
    status, said = send(f"{url}/api/track", TRACK | {"timestamp": "2021-02-24"}, KEY)
    assert (status, said["code"], said["errors"][0]["rule"], said["errors"][0]["pointer"]) == (400, "invalid_payload", "track.timestamp.pattern", "/timestamp")
    assert said["errors"][0]["hint"]
    assert [call.accepted for call in fake.calls(KEY)] == [False]


@pytest.mark.parametrize("send", SENDERS)
def test_a_wrong_key_is_told(fake: FrontFace, url: str, send: Sender):
    """The client reads that its key is not taken."""
    status, said = send(f"{url}/api/track", TRACK, "wrong")
    assert (status, said["code"]) == (401, "unauthorized")
    assert fake.last().workspace is None


def test_one_session_sends_many(fake: FrontFace, url: str):
    """A client that keeps its connection sends call after call over it, refused ones too."""
    with requests.Session() as session:
        for number in range(50):
            payload = TRACK if number % 2 else {}
            assert session.post(f"{url}/api/track", json=payload, headers=headers(KEY), timeout=10).status_code == (200 if number % 2 else 400)
    assert len(fake.calls(KEY)) == 50


def test_many_at_once_over_one_client(fake: FrontFace, url: str):
    """100 calls that are sent at once by an async client are all answered."""

    async def post() -> set[int]:
        async with httpx.AsyncClient(limits=httpx.Limits(max_connections=20)) as client:
            answers = await asyncio.gather(*(client.post(f"{url}/api/track", json=TRACK, headers=headers(KEY)) for _ in range(100)))
            return {answer.status_code for answer in answers}

    assert asyncio.run(post()) == {200}
    assert len(fake.calls(KEY)) == 100


def test_a_body_over_the_limit(fake: FrontFace, url: str):
    """A client that sends more than is taken reads the 413, it does not meet a broken pipe."""
    answer = requests.post(f"{url}/api/track", data=b" " * (5 << 20), headers=headers(KEY), timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


def test_the_articles_python_samples(fake: FrontFace, url: str, repo: Path, tmp_path: Path):
    """The three Python samples of the article run with only the host changed, and stand on record."""
    sample = tmp_path / "sample.py"
    sample.write_text((repo / "examples" / "article_sample.py").read_text("utf-8").replace("https://api.june.so", url), "utf-8")
    subprocess.run([sys.executable, "-W", "error", sample], check=True, timeout=60, env={"PATH": os.environ["PATH"]})
    assert_samples(fake, "Registered")


def assert_samples(fake: FrontFace, event_name: str) -> None:
    """The article's three payloads are on record, accepted and without a violation."""
    calls = {call.path: call for call in fake.calls("secret_api_key")}
    assert {path: call.status for path, call in calls.items()} == {"/api/identify": 200, "/api/group": 200, "/api/track": 200}
    assert json.loads(calls["/api/identify"].body)["traits"] == {"name": "Elon Musk", "email": "[email protected]", "plan": "pro", "logins": 1}
    assert json.loads(calls["/api/group"].body)["traits"] == {"name": "SpaceX"}
    assert json.loads(calls["/api/track"].body)["event"] == event_name
