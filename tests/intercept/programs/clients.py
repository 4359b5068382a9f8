"""Sends one event with each of Python's clients to https://api.june.so, as a program would that knows nothing of mock-june.

Prints a line of JSON a client: its name, and what went wrong if anything did.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import ssl
import subprocess
import sys
import urllib.request
import warnings
from collections.abc import Callable
from multiprocessing import get_context
from typing import Any

URL = "https://api.june.so/api/identify"
HEADERS = {"Authorization": "Basic secret_api_key", "Content-Type": "application/json"}


def payload(name: str) -> dict[str, Any]:
    return {"type": "identify", "userId": name}


def good(status: int) -> None:
    if status != 200:
        raise RuntimeError(f"answered {status}")


def by_requests(name: str) -> None:
    import requests

    good(requests.post(URL, json=payload(name), headers=HEADERS, timeout=10).status_code)


def by_requests_without_environment(name: str) -> None:
    import requests

    with requests.Session() as session:
        session.trust_env = False
        good(session.post(URL, json=payload(name), headers=HEADERS, timeout=10).status_code)


def by_httpx(name: str) -> None:
    import httpx

    good(httpx.post(URL, json=payload(name), headers=HEADERS).status_code)


def by_httpx_async(name: str) -> None:
    import httpx

    async def post() -> int:
        async with httpx.AsyncClient() as client:
            return (await client.post(URL, json=payload(name), headers=HEADERS)).status_code

    good(asyncio.run(post()))


def by_aiohttp(name: str) -> None:
    import aiohttp

    async def post() -> int:
        async with aiohttp.ClientSession() as session, session.post(URL, json=payload(name), headers=HEADERS) as answer:
            return answer.status

    good(asyncio.run(post()))


def by_aiohttp_with_environment(name: str) -> None:
    import aiohttp

    async def post() -> int:
        async with aiohttp.ClientSession(trust_env=True) as session, session.post(URL, json=payload(name), headers=HEADERS) as answer:
            return answer.status

    good(asyncio.run(post()))


def by_urllib(name: str) -> None:
    with urllib.request.urlopen(urllib.request.Request(URL, json.dumps(payload(name)).encode(), HEADERS), timeout=10) as answer:
        good(answer.status)


def by_http_client(name: str, context: ssl.SSLContext | None = None) -> None:
    connection = http.client.HTTPSConnection("api.june.so", timeout=10, context=context)
    connection.request("POST", "/api/identify", json.dumps(payload(name)), HEADERS)
    good(connection.getresponse().status)
    connection.close()


def by_http_client_with_pinned_roots(name: str) -> None:
    import certifi

    by_http_client(name, ssl.create_default_context(cafile=certifi.where()))


def by_urllib3(name: str) -> None:
    import urllib3

    with urllib3.PoolManager() as pool:
        good(pool.request("POST", URL, json=payload(name), headers=HEADERS).status)


def by_streams(name: str) -> None:
    async def post() -> bytes:
        reader, writer = await asyncio.open_connection("api.june.so", 443, ssl=True)
        body = json.dumps(payload(name)).encode()
        head = ["POST /api/identify HTTP/1.1", "Host: api.june.so", *(f"{key}: {value}" for key, value in HEADERS.items()), f"Content-Length: {len(body)}"]
        writer.write("\r\n".join([*head, "Connection: close", "", ""]).encode() + body)
        answer = await reader.read()
        writer.close()
        return answer

    good(int(asyncio.run(post()).split()[1]))


def by_sdk(name: str) -> None:
    warnings.simplefilter("ignore")  # it calls datetime.utcnow
    import june.analytics

    client = june.analytics.Client("secret_api_key", max_retries=0, on_error=lambda error, _items: sys.stderr.write(f"{error}\n"))
    client.identify(name, {"plan": "pro"})
    client.shutdown()


def by_gevent(name: str) -> None:
    program = "import runpy, sys; from gevent import monkey; monkey.patch_all(); runpy.run_path(sys.argv[3], run_name='__main__')"
    subprocess.run([sys.executable, "-W", "ignore", "-c", program, "--send", name, __file__], check=True)


def by_child(name: str) -> None:
    subprocess.run([sys.executable, __file__, "--send", name], check=True)


def by_multiprocessing(name: str) -> None:
    process = get_context("spawn").Process(target=by_http_client, args=(name,))
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"ended with {process.exitcode}")


CLIENTS: dict[str, Callable[[str], None]] = {
    "requests": by_requests,
    "requests, trust_env=False": by_requests_without_environment,
    "httpx": by_httpx,
    "httpx.AsyncClient": by_httpx_async,
    "aiohttp": by_aiohttp,
    "aiohttp, trust_env=True": by_aiohttp_with_environment,
    "urllib": by_urllib,
    "http.client": by_http_client,
    "http.client, certifi": by_http_client_with_pinned_roots,
    "urllib3": by_urllib3,
    "asyncio": by_streams,
    "june-analytics-python": by_sdk,
    "gevent": by_gevent,
    "a child": by_child,
    "multiprocessing": by_multiprocessing,
}


def main() -> None:
    for name, send in CLIENTS.items():
        error = None
        try:
            send(name)
        except Exception as caught:  # noqa: BLE001 - told
            error = repr(caught)
        sys.stdout.write(json.dumps({"client": name, "error": error}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    os.environ.pop("PYTHONWARNINGS", None)
    if sys.argv[1:2] == ["--send"]:
        by_http_client(sys.argv[2])
    else:
        main()
