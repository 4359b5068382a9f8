"""A relay to which shims lead ports 80 and 443 of every host: by the name in TLS or in the Host header it knows whose they are."""

from __future__ import annotations

import socket
import ssl
from collections import Counter

import pytest

from mock_june.intercept.traffic import Traffic
from tests.intercept.relayed import HOST, ask, connect, eventually, relay, trusting, upstream


class Proxy:
    """A user's own proxy: it keeps what it is asked, says 200 to a CONNECT, and ends the connection with the next bytes; else it answers."""

    def __init__(self) -> None:
        self.got = b""

    def __call__(self, sock: socket.socket) -> None:
        while not self.got.endswith(b"\r\n\r\n"):
            self.got += sock.recv(4096)
        if self.got.startswith(b"CONNECT "):
            sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            self.got += sock.recv(1)
        else:
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


@pytest.fixture
def proxy() -> Proxy:
    """What the user's own proxy keeps."""
    return Proxy()


@pytest.fixture
def parent(proxy):
    """Where the user's own proxy stands."""
    with upstream(proxy) as host:
        yield host


@pytest.fixture
def carrying(fake, parent):
    """A relay that carries, with the user's own proxy before the other hosts."""
    with relay(fake.address, carries=True, parent=f"http://{HOST}:{parent.port}") as started:
        yield started


def begin(port: int, name: str) -> ssl.SSLSocket:
    """TLS with a host of this name, as a client begins it."""
    return trusting().wrap_socket(connect(port), server_hostname=name)


def test_tls_is_for_the_host_that_it_names(carrying, proxy, fake):
    """TLS for another host goes to that host, port 443, untouched: through the user's own proxy by CONNECT, where there is one."""
    with pytest.raises(OSError, match=r".*"):
        begin(carrying.port, "other.example")
    assert proxy.got == b"CONNECT other.example:443 HTTP/1.1\r\nHost: other.example:443\r\n\r\n\x16"
    assert carrying.traffic.passed == Counter({"other.example:443": 1})
    assert fake.connections == 0


def test_tls_for_june_is_the_fakes(carrying, fake, parent):
    """TLS for June still ends in the fake."""
    with begin(carrying.port, "api.june.so") as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: api.june.so\r\n\r\n")
        assert sock.recv(99).endswith(b"ok")
    assert carrying.traffic == Traffic(captured=1)
    assert parent.connections == 0


@pytest.mark.parametrize(("name", "why"), [("www.june.so", "it is a host of june.so"), ("api.segment.io", "it is Segment's")])
def test_what_is_never_reached(carrying, fake, parent, name: str, why: str):
    """Other hosts of june.so, and Segment's, are refused, and listed with the reason."""
    with pytest.raises(OSError, match=r".*"):
        begin(carrying.port, name)
    eventually(lambda: carrying.traffic.blocked.total() == 1)
    ((place, reason),) = carrying.traffic.blocked
    assert (place, reason.startswith(why)) == (f"{name}:443", True)
    assert ask(carrying, "GET /", f"Host: {name}\r\n", secret=False).startswith(b"HTTP/1.1 403 ")
    assert fake.connections == parent.connections == 0


def test_plain_http_is_for_the_host_that_it_names(carrying, proxy, fake):
    """A request in the clear for another host goes on to that host's port 80; a proxy of the user's own is asked in absolute form."""
    answer = ask(carrying, "GET /path?a=1", "Host: other.example\r\nX-Own: 1\r\n", secret=False)
    assert answer.endswith(b"ok")
    assert proxy.got == b"GET http://other.example/path?a=1 HTTP/1.1\r\nHost: other.example\r\nX-Own: 1\r\nConnection: close\r\n\r\n"
    assert carrying.traffic.passed == Counter({"other.example:80": 1})
    assert fake.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1:1234", "127.0.0.1", "localhost", "evil.example:1234"])
def test_it_is_still_no_web_server(carrying, fake, parent, host: str):
    """A request for this machine, or for a port other than 80, as a page's is whose name was bound to this address anew, gets nowhere."""
    assert ask(carrying, "GET /", f"Host: {host}\r\n", secret=False).startswith(b"HTTP/1.1 403 ")
    assert fake.connections == parent.connections == 0


def test_a_page_is_refused(carrying, parent):
    """A request that says that it is a page's gets nowhere."""
    assert ask(carrying, "GET /", "Host: other.example\r\nOrigin: https://evil.example\r\n", secret=False).startswith(b"HTTP/1.1 403 ")
    assert parent.connections == 0
