"""Code that calls June as programs do, by each HTTP client, with nothing set but what programs set: the host is written into it. Each gives the status.

What stands at the top is made when this is imported: before anything is intercepted.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import ssl
import threading
import urllib.request
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp
import anyio
import certifi
import httpx
import requests
import trio
import urllib3
import uvloop

URL = "https://api.june.so/sdk/identify"
BODY = json.dumps({"userId": "1", "traits": {"plan": "pro"}}).encode()
KEY = "the_key_in_the_code"
HEADERS = {"Authorization": f"Basic {KEY}", "Content-Type": "application/json"}
HEAD = "".join(f"{name}: {value}\r\n" for name, value in (*HEADERS.items(), ("Content-Length", len(BODY)), ("Connection", "close")))
REQUEST = f"POST /sdk/identify HTTP/1.1\r\nHost: api.june.so\r\n{HEAD}\r\n".encode() + BODY

SESSION = requests.Session()
HTTPX = httpx.Client()
POOL = urllib3.PoolManager()
CONTEXT = ssl.create_default_context(cafile=certifi.where())
CONNECTION = http.client.HTTPSConnection("api.june.so")


def status_of(answer: bytes) -> int:
    """The status in the first line of an answer."""
    return int(answer.split()[1])


def requests_plain() -> int:
    return requests.post(URL, data=BODY, headers=HEADERS, timeout=10).status_code


def requests_session_made_before() -> int:
    return SESSION.post(URL, data=BODY, headers=HEADERS, timeout=10).status_code


def requests_without_environment() -> int:
    with requests.Session() as session:
        session.trust_env = False
        return session.post(URL, data=BODY, headers=HEADERS, timeout=10).status_code


def requests_with_pinned_roots() -> int:
    return requests.post(URL, data=BODY, headers=HEADERS, verify=certifi.where(), timeout=10).status_code


def requests_without_verification() -> int:
    return requests.post(URL, data=BODY, headers=HEADERS, verify=False, timeout=10).status_code


def requests_in_other_letters() -> int:
    return requests.post("https://API.June.So./sdk/identify", data=BODY, headers=HEADERS, timeout=10).status_code


def requests_in_plain_text() -> int:
    return requests.post(URL.replace("https", "http"), data=BODY, headers=HEADERS, timeout=10).status_code


def httpx_plain() -> int:
    return httpx.post(URL, content=BODY, headers=HEADERS).status_code


def httpx_client_made_before() -> int:
    return HTTPX.post(URL, content=BODY, headers=HEADERS).status_code


def httpx_without_verification() -> int:
    return httpx.post(URL, content=BODY, headers=HEADERS, verify=False).status_code


async def _httpx_async() -> int:
    async with httpx.AsyncClient() as client:
        return (await client.post(URL, content=BODY, headers=HEADERS)).status_code


async def _aiohttp(resolver: Callable[[], Any] | None = None, **options: Any) -> int:
    connector = aiohttp.TCPConnector(resolver=None if resolver is None else resolver())
    async with aiohttp.ClientSession(connector=connector) as session, session.post(URL, data=BODY, headers=HEADERS, **options) as answer:
        status = answer.status
    await asyncio.sleep(0.1)  # aiohttp's older releases leave it to TLS to end by itself
    return status


async def _streams() -> int:
    reader, writer = await asyncio.open_connection("api.june.so", 443, ssl=True)
    writer.write(REQUEST)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return status_of(answer)


async def _streams_over_own_socket() -> int:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo("api.june.so", 443, type=socket.SOCK_STREAM)
    with socket.socket(found[0][0]) as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, found[0][4])
        reader, writer = await asyncio.open_connection(sock=sock, ssl=CONTEXT, server_hostname="api.june.so")
        writer.write(REQUEST)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    return status_of(answer)


async def _anyio() -> int:
    async with await anyio.connect_tcp("api.june.so", 443, tls=True, tls_standard_compatible=False) as stream:
        await stream.send(REQUEST)
        return status_of(await stream.receive())


async def _trio() -> int:
    async with await trio.open_ssl_over_tcp_stream("api.june.so", 443, https_compatible=True) as stream:
        await stream.send_all(REQUEST)
        return status_of(bytes(await stream.receive_some()))


def _on(run: Callable[[Any], int], work: Callable[..., Awaitable[int]], *arguments: Any, **options: Any) -> Callable[[], int]:
    return lambda: run(work(*arguments, **options))


def _on_trio(work: Callable[..., Awaitable[int]]) -> Callable[[], int]:
    return lambda: trio.run(work)


def urllib_plain() -> int:
    with urllib.request.urlopen(urllib.request.Request(URL, BODY, HEADERS), timeout=10) as answer:
        return answer.status


def urllib_with_own_context() -> int:
    with urllib.request.urlopen(urllib.request.Request(URL, BODY, HEADERS), timeout=10, context=CONTEXT) as answer:
        return answer.status


def http_client_plain() -> int:
    connection = http.client.HTTPSConnection("api.june.so", timeout=10)
    connection.request("POST", "/sdk/identify", BODY, HEADERS)
    status = connection.getresponse().status
    connection.close()
    return status


def http_client_made_before() -> int:
    CONNECTION.request("POST", "/sdk/identify", BODY, HEADERS)
    with CONNECTION.getresponse() as answer:
        answer.read()
    return answer.status


def urllib3_pool_made_before() -> int:
    return POOL.request("POST", URL, body=BODY, headers=HEADERS).status


def _exchange(sock: socket.socket) -> int:
    with sock:
        sock.sendall(REQUEST)
        return status_of(sock.recv(65536))


def socket_with_context() -> int:
    return _exchange(CONTEXT.wrap_socket(socket.create_connection(("api.june.so", 443), 10), server_hostname="api.june.so"))


def socket_wrapped_before_it_connects() -> int:
    sock = CONTEXT.wrap_socket(socket.socket(), server_hostname="api.june.so")
    sock.connect(("api.june.so", 443))
    return _exchange(sock)


def socket_without_a_name() -> int:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    return _exchange(context.wrap_socket(socket.create_connection((socket.gethostbyname("api.june.so"), 443), 10)))


def socket_connect_ex() -> int:
    sock = socket.socket()
    assert sock.connect_ex(("api.june.so", 443)) == 0
    return _exchange(CONTEXT.wrap_socket(sock, server_hostname="api.june.so"))


def from_another_thread() -> int:
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.append(requests_plain()))
    thread.start()
    thread.join()
    return seen[0]


def _sdk(name: str) -> Callable[[], int]:
    def run() -> int:
        if name == "june":
            import june.analytics.client as module
            import june.analytics.request as transport

            client = module.Client(KEY)
        else:
            import segment.analytics.client as module
            import segment.analytics.request as transport

            client = module.Client(KEY, host="https://api.june.so")
        failed: list[Any] = []
        client.on_error = client.consumers[0].on_error = lambda error, _: failed.append(error)
        client.identify("1", {"plan": "pro"}, timestamp=datetime(2021, 2, 24, tzinfo=UTC))
        client.flush()
        client.join()
        transport._session.close()
        assert not failed, failed
        return 200

    return run


CALLERS: dict[str, Callable[[], int]] = {
    **{
        caller.__name__: caller
        for caller in (
            requests_plain,
            requests_session_made_before,
            requests_without_environment,
            requests_with_pinned_roots,
            requests_without_verification,
            requests_in_other_letters,
            requests_in_plain_text,
            httpx_plain,
            httpx_client_made_before,
            httpx_without_verification,
            urllib_plain,
            urllib_with_own_context,
            http_client_plain,
            http_client_made_before,
            urllib3_pool_made_before,
            socket_with_context,
            socket_wrapped_before_it_connects,
            socket_without_a_name,
            socket_connect_ex,
            from_another_thread,
        )
    },
    "httpx_trio": _on_trio(_httpx_async),
    "anyio_trio": _on_trio(_anyio),
    "trio": _on_trio(_trio),
    "june_analytics_python": _sdk("june"),
    "segment_analytics_python": _sdk("segment"),
}
for loop, runner in (("asyncio", asyncio.run), ("uvloop", uvloop.run)):
    CALLERS |= {
        f"httpx_{loop}": _on(runner, _httpx_async),
        f"aiohttp_{loop}": _on(runner, _aiohttp),
        f"aiohttp_threaded_resolver_{loop}": _on(runner, _aiohttp, aiohttp.ThreadedResolver),
        f"aiohttp_async_resolver_{loop}": _on(runner, _aiohttp, aiohttp.AsyncResolver),
        f"aiohttp_without_verification_{loop}": _on(runner, _aiohttp, ssl=False),
        f"streams_{loop}": _on(runner, _streams),
        f"streams_over_own_socket_{loop}": _on(runner, _streams_over_own_socket),
        f"anyio_{loop}": _on(runner, _anyio),
    }
