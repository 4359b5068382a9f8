"""Who may use the relay, and who is refused."""

from __future__ import annotations

import os
import socket
import ssl
from collections import Counter
from pathlib import Path

import pytest

from mock_june.intercept import admission, peers
from mock_june.intercept.traffic import Traffic
from tests.intercept.relayed import HOST, ask, connect, proof, refused, secured


@pytest.mark.parametrize("line", ["CONNECT api.june.so:443", "CONNECT example.com:443", "GET http://api.june.so/", "GET http://example.com/"])
def test_without_the_secret_407(running, fake, line):
    """A proxy's request wants the secret, whoever asks: none, a wrong one, another user's, another scheme's, twice."""
    wrong = ("", "Proxy-Authorization: Basic anVuZTp4\r\n", proof(running, "other"), proof(running).replace("Basic", "Bearer"), proof(running) * 2)
    for fields in (*wrong, "Proxy-Authorization: Basic \xe9\r\n", "Proxy-Authorization: Basic\r\n", f"Authorization: {proof(running)[21:]}"):
        answer = ask(running, line, fields, secret=False)
        assert "secret" in refused(answer, 407, "unauthorized")
        assert b'Proxy-Authenticate: Basic realm="mock-june"' in answer
    assert fake.connections == 0
    assert running.traffic == Traffic()


@pytest.mark.parametrize("line", ["CONNECT api.june.so:443", "GET http://api.june.so/", "GET /"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:3000"])
def test_a_page_of_a_browser_is_refused(running, fake, line, origin):
    """It cannot know the secret, and says itself where it comes from."""
    assert refused(ask(running, line, f"Host: api.june.so\r\nOrigin: {origin}\r\n", secret=False), 403, "forbidden")
    assert fake.connections == 0


def test_another_users_process_is_refused(running, fake, monkeypatch):
    """Where a client can send no secret, the system says whose it is."""
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert refused(ask(running, "GET /", "Host: api.june.so\r\n", secret=False), 403, "forbidden")
    with pytest.raises((ssl.SSLError, OSError)):
        secured(connect(running.port))
    assert refused(ask(running, "CONNECT api.june.so:443", "User-Agent: Java/17.0.1\r\n", secret=False), 407, "unauthorized")
    assert running.traffic.blocked == Counter({("api.june.so:80", admission.STRANGER): 1, ("api.june.so:443", admission.STRANGER): 1})
    assert fake.connections == 0


def test_a_process_of_our_user_is_told_by_the_system():
    """By its end of the connection, over IPv4 and as an IPv6 socket that speaks it, as Java's are."""
    if not Path("/proc/net/tcp").exists():
        pytest.skip("no /proc here")
    with socket.create_server((HOST, 0)) as server:
        here = server.getsockname()
        with socket.create_connection(here) as sock:
            assert peers.is_ours(sock.getsockname(), here) is True
            assert peers.is_ours((HOST, 1), here) is False
        with socket.socket(socket.AF_INET6) as sock:
            sock.connect((f"::ffff:{HOST}", here[1]))
            assert peers.is_ours((HOST, sock.getsockname()[1]), here) is True


def test_where_the_system_does_not_tell_whose_loopback_is_enough(running, recorder, monkeypatch):
    """There is no /proc on macOS."""
    monkeypatch.setattr(peers, "TABLES", (("/nowhere", ""),))
    assert ask(running, "GET /", "Host: api.june.so\r\n", secret=False).endswith(b"ok")


@pytest.mark.parametrize("agent", ["Java/17.0.1", "Java-http-client/21"])
def test_java_which_can_be_given_no_password_is_asked_for_its_user(running, agent):
    """Its proxy settings hold none; one that sends a wrong secret is no such client."""
    assert ask(running, "GET http://api.june.so/", f"User-Agent: {agent}\r\n", secret=False).endswith(b"ok")
    assert refused(ask(running, "GET http://api.june.so/", f"User-Agent: {agent}\r\nProxy-Authorization: Basic eDp5\r\n", secret=False), 407, "unauthorized")
