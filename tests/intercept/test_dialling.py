"""Other hosts through the user's own proxy."""

from __future__ import annotations

import socket
from collections import Counter

import pytest

from mock_june.errors import UsageError
from mock_june.intercept.relay import Relay
from tests.intercept.relayed import AUTHORITY, HOST, Recorder, ask, refused, relay, rest, tunnel, upstream


class Proxy:
    """The user's own proxy: keeps the heads it gets, and answers in the host's place."""

    def __init__(self, answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n") -> None:
        self.answer = answer
        self.heads: list[bytes] = []

    def __call__(self, sock: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += sock.recv(1)
        self.heads.append(head)
        sock.sendall(self.answer)
        if head.startswith(b"CONNECT") and b" 200 " in self.answer:
            sock.sendall(b"from the host: " + sock.recv(9))


@pytest.mark.parametrize(("user", "header"), [("", b""), ("me:p%40ss@", b"Proxy-Authorization: Basic bWU6cEBzcw==\r\n")])
def test_others_are_reached_through_the_users_own_proxy(fake, user, header):
    """By CONNECT, and in absolute form; with its credentials, never with the relay's secret. June is not."""
    proxy = Proxy()
    with upstream(proxy) as host, relay(fake.address, parent=f"http://{user}{HOST}:{host.port}") as running:
        with tunnel(running, "www.example:443") as sock:
            sock.sendall(b"hi")
            assert rest(sock) == b"from the host: hi"
        assert ask(running, "GET http://www.example/x").startswith(b"HTTP/1.1 200")
        assert ask(running, "GET http://api.june.so/x").endswith(b"ok")
        assert proxy.heads == [
            b"CONNECT www.example:443 HTTP/1.1\r\nHost: www.example:443\r\n" + header + b"\r\n",
            b"GET http://www.example/x HTTP/1.1\r\nHost: www.example\r\n" + header + b"Connection: close\r\n\r\n",
        ]
        assert running.traffic.passed == Counter({"www.example:443": 1, "www.example:80": 1})


def test_some_are_reached_without_the_users_own_proxy(fake):
    """Those of NO_PROXY, and this machine."""
    other, proxy = Recorder(), Proxy()
    with upstream(other) as host, upstream(proxy) as above, relay(fake.address, parent=f"{HOST}:{above.port}", direct="intern.invalid, .x") as running:
        assert ask(running, f"GET http://{HOST}:{host.port}/").endswith(b"ok")
        assert "name is not known" in refused(ask(running, "CONNECT a.intern.invalid:1"), 502, "bad_gateway")
        assert proxy.heads == []


@pytest.mark.parametrize("answer", [b"HTTP/1.1 403 Not here\r\n\r\n", b"", b"junk\r\n\r\n"])
def test_a_refusal_of_the_users_own_proxy_is_told(fake, answer):
    """As 502, with its words."""
    with upstream(Proxy(answer)) as host, relay(fake.address, parent=f"http://{HOST}:{host.port}") as running:
        assert "own proxy refuses" in refused(ask(running, "CONNECT www.example:443"), 502, "bad_gateway")


@pytest.mark.parametrize("url", ["socks5://h:1", "https://h:1", "http://", "http://h:x"])
def test_a_proxy_of_another_kind_is_a_usage_error(url):
    """Before anything starts."""
    with pytest.raises(UsageError, match="no http://host:port"):
        Relay(AUTHORITY, (HOST, 1), parent=url)
