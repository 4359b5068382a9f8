"""Real clients with June's address in them, through the relay, against the fake."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import json
import shutil
import socket
import ssl
import subprocess
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import aiohttp
import certifi
import httpx
import pytest
import requests

from mock_june.client import MockJune
from mock_june.intercept.relay import Relay
from mock_june.testing import running_mock
from mock_june.verify import verify
from tests.intercept.relayed import AUTHORITY, HOST, relay, trusting

URL = "https://api.june.so/api/identify"
BODY = {"type": "identify", "userId": "1", "traits": {}}


@pytest.fixture(scope="module")
def server():
    """One fake for all."""
    with running_mock() as june:
        yield june


@pytest.fixture(scope="module")
def running(server):
    """A relay before it."""
    with relay((HOST, urlsplit(server.url).port)) as started:
        yield started


@pytest.fixture
def june(server: MockJune):
    """The fake, and that each test's calls came and nothing else."""
    server.reset()
    return server


@pytest.fixture
def bundle(tmp_path):
    """The authority's certificate as a file, for what reads one."""
    file = tmp_path / "ca.pem"
    file.write_bytes(AUTHORITY.certificate)
    return str(file)


@pytest.fixture(autouse=True)
def proxied(monkeypatch, running: Relay, bundle):
    """The environment that a program under `mock-june run` has."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, bundle)
    for name in ("HTTPS_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, running.proxy_url)
        monkeypatch.setenv(name.lower(), running.proxy_url)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


def header(june: MockJune) -> dict[str, str]:
    return {"Authorization": f"Basic {june.key}"}


@pytest.mark.parametrize("url", [URL, URL.replace("https", "http"), URL.replace("api.june.so", "API.JUNE.SO.")])
def test_requests(june, bundle, url):
    """In TLS and without, in any spelling of the host."""
    answer = requests.post(url, json=BODY, headers=header(june), verify=bundle, timeout=20)
    assert answer.json() == {"status": 200, "success": True}
    june.assert_received("identify", userId="1", count=1)


def test_a_session_of_requests_keeps_one_connection(june, bundle, running):
    """Twenty calls, one connection, whatever is refused between them."""
    before = running.traffic.captured
    with requests.Session() as session:
        session.verify = bundle
        for number in range(20):
            assert session.post(URL, json={**BODY, "userId": str(number)}, headers=header(june), timeout=20).status_code == 200
            assert session.post(URL, json={}, headers=header(june), timeout=20).status_code == 400
    assert running.traffic.captured == before + 1
    assert len(june.events("identify", accepted=True)) == 20


def test_a_body_in_pieces_and_one_that_is_packed(june, bundle):
    """Chunked and gzip pass through as they are."""
    text = json.dumps(BODY).encode()
    assert requests.post(URL, data=iter([text[:9], text[9:]]), headers=header(june), verify=bundle, timeout=20).status_code == 200
    packed = requests.post(URL, data=gzip.compress(text), headers={**header(june), "Content-Encoding": "gzip"}, verify=bundle, timeout=20)
    assert packed.status_code == 200
    june.assert_received("identify", userId="1", count=2)


def test_httpx(june):
    """With a context of its own."""
    with httpx.Client(verify=trusting()) as client:
        assert client.post(URL, json=BODY, headers=header(june)).status_code == 200
    june.assert_received("identify", userId="1", count=1)


def test_httpx_on_an_event_loop_with_many_at_once(june):
    """A pool of connections, fifty calls at once."""

    async def many() -> list[int]:
        async with httpx.AsyncClient(verify=trusting()) as client:
            answers = await asyncio.gather(*(client.post(URL, json={**BODY, "userId": str(number)}, headers=header(june)) for number in range(50)))
            return [answer.status_code for answer in answers]

    assert asyncio.run(many()) == [200] * 50
    assert {event.payload["userId"] for event in june.events("identify")} == {str(number) for number in range(50)}


def test_aiohttp(june):
    """By the environment's proxy."""

    async def post() -> int:
        async with aiohttp.ClientSession(trust_env=True) as session, session.post(URL, json=BODY, headers=header(june), ssl=trusting()) as answer:
            return answer.status

    assert asyncio.run(post()) == 200
    june.assert_received("identify", userId="1", count=1)


def test_urllib(june):
    """The standard library's own."""
    request = urllib.request.Request(URL, json.dumps(BODY).encode(), {**header(june), "Content-Type": "application/json"})
    with urllib.request.build_opener(urllib.request.HTTPSHandler(context=trusting()), urllib.request.ProxyHandler()).open(request, timeout=20) as answer:
        assert answer.status == 200
    june.assert_received("identify", userId="1", count=1)


def test_http_client_whose_connection_was_led_here(june, running, monkeypatch):
    """As a shim does it: it thinks that it speaks to June's host."""
    connection = http.client.HTTPSConnection("api.june.so", context=trusting(), timeout=20)
    monkeypatch.setattr(connection, "_create_connection", lambda _address, *rest: socket.create_connection((HOST, running.port), *rest))
    for _ in range(3):
        connection.request("POST", "/api/identify", json.dumps(BODY), header(june))
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())) == (200, {"status": 200, "success": True})
    connection.close()
    june.assert_received("identify", userId="1", count=3)


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
@pytest.mark.parametrize("way", [[], ["--http2"], ["--tls-max", "1.2"], ["-H", "Expect: 100-continue"], ["--http1.0"], ["--proxytunnel"]])
def test_curl(june, bundle, way):
    """By its proxy variable, whatever it would rather speak."""
    command = [
        "curl",
        "-sS",
        "-m",
        "20",
        "--cacert",
        bundle,
        *way,
        "-H",
        f"Authorization: Basic {june.key}",
        "-H",
        "Content-Type: application/json",
        "-d",
        json.dumps(BODY),
        URL,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (json.loads(done.stdout), done.stderr) == ({"status": 200, "success": True}, "")
    june.assert_received("identify", userId="1", count=1)


@pytest.mark.skipif(shutil.which("wget") is None, reason="no wget here")
def test_wget(june, bundle):
    """Its TLS is GnuTLS in Debian: it takes the constraints too."""
    command = [
        "wget",
        "-q",
        "-T",
        "20",
        "-O",
        "-",
        "--ca-certificate",
        bundle,
        f"--header=Authorization: Basic {june.key}",
        "--header=Content-Type: application/json",
        f"--post-data={json.dumps(BODY)}",
        URL,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert json.loads(done.stdout) == {"status": 200, "success": True}, done.stderr
    june.assert_received("identify", userId="1", count=1)


def test_faults_look_as_they_do_without_the_relay(june, bundle):
    """A planned reset, an end without an answer, a cut answer, a wait."""
    with requests.Session() as session:
        session.verify = bundle
        for how in ("reset", "close", "truncate"):
            june.drop(how)
            with pytest.raises((requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)):
                session.post(URL, json=BODY, headers=header(june), timeout=20)
        june.fail(503, retry_after=1)
        answer = session.post(URL, json=BODY, headers=header(june), timeout=20)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        june.delay(0.1)
        assert session.post(URL, json=BODY, headers=header(june), timeout=20).elapsed.total_seconds() > 0.1


def test_a_browsers_page_may_call_june(june):
    """Its Origin inside June's own TLS is the business of the fake, which answers its preflight."""
    with httpx.Client(verify=trusting()) as client:
        answer = client.options(URL, headers={"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST"})
    assert answer.headers["access-control-allow-origin"] == "*"


def test_threads_share_the_relay(june, bundle):
    """A hundred calls of ten threads, each on a connection of its own."""

    def post(number: int) -> int:
        return requests.post(URL, json={**BODY, "userId": str(number)}, headers=header(june), verify=bundle, timeout=20).status_code

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(post, range(100))) == {200}
    assert len(june.events("identify")) == 100


def test_a_client_that_verifies_by_its_own_list_sends_nothing(june):
    """The handshake fails, and no byte of the call leaves it."""
    with pytest.raises(httpx.ConnectError), httpx.Client(verify=ssl.create_default_context(cafile=certifi.where())) as client:
        client.post(URL, json=BODY, headers=header(june))
    assert june.calls() == []


@pytest.mark.slow
def test_every_promise_of_the_contract_is_kept_through_the_relay(june, server):
    """The black-box suite, against June's own address: framing, limits, codings, broken bodies, whatever it tries, look as they do without the relay."""
    report = verify("https://api.june.so", server.key, any_key=True, sdk=True, max_examples=5)
    assert report.kept, [outcome for outcome in report.outcomes if outcome.state != "kept"]
