"""Whom the control API believes (threats A3, A4, A5, A7, H7)."""

from __future__ import annotations

import orjson
import pytest

from mock_june.server.control import access
from mock_june.server.state import Settings
from tests.server.faces import connected, everything, new_mock


def guarded(headers, **settings):
    """The status that the guard answers with, None where it lets the request in."""
    mock = new_mock(**settings)
    try:
        answer = access.guard(mock, headers)
    finally:
        mock.journal.close()
    return None if answer is None else answer.status


HOSTS = [
    ("localhost", {}, None),
    ("localhost:5863", {}, None),
    ("LOCALHOST:1", {}, None),
    ("localhost.", {}, None),
    ("localhost.:5863", {}, None),
    ("127.0.0.1:5863", {}, None),
    ("[::1]:5863", {}, None),
    ("[0:0:0:0:0:0:0:1]", {}, None),
    ("192.168.1.5:5863", {"host": "192.168.1.5"}, None),
    ("[fd00::1]:5863", {"host": "fd00::1"}, None),
    ("mock-june:5863", {"allow_hosts": ("mock-june",)}, None),
    ("Mock-June", {"allow_hosts": ("mock-june",)}, None),
    ("mock-june:5863", {"allow_hosts": ("mock-june:5863",)}, None),
    ("mock-june:80", {"allow_hosts": ("mock-june:5863",)}, 403),
    ("mock-june:5863", {}, 403),
    ("192.168.1.5:5863", {"host": "0.0.0.0"}, 403),
    ("evil.example:5863", {}, 403),
    ("127.0.0.1.evil.example", {}, 403),
    ("localhost.evil.example", {}, 403),
    ("evil.example#localhost", {}, 403),
    ("localhost@evil.example", {}, 403),
    ("evil.example@localhost", {}, 403),
    ("localhost:5863,evil.example", {}, 403),
    ("localhost:", {}, 403),
    ("localhost:x", {}, 403),
    ("localhost..", {}, 403),
    ("[::1", {}, 403),
    ("[::ffff:::1]", {"host": ""}, 403),
    ("", {}, 403),
    ("", {"host": ""}, 403),
    ("127.0.0.2", {}, 403),
    ("\uff4cocalhost", {}, 403),
]


@pytest.mark.parametrize(("host", "settings", "status"), HOSTS, ids=[host or "empty" for host, _, _ in HOSTS])
def test_only_a_host_of_the_servers_own_is_believed(host, settings, status):
    """Loopback names, the bound address and `--allow-host` pass, with any port; every other name is refused, whatever it looks like."""
    assert guarded([("host", host)], **settings) == status


def test_there_is_exactly_one_host():
    """No Host, and two of them, even the same twice, are refused."""
    assert guarded([]) == 403
    assert guarded([("host", "localhost"), ("host", "localhost")]) == 403


ORIGINS = [
    ("http://localhost:5863", None),
    ("https://localhost:5863", None),
    ("HTTP://LOCALHOST:5863", None),
    ("http://localhost", 403),
    ("http://localhost:5864", 403),
    ("http://127.0.0.1:5863", 403),
    ("http://localhost:5863/", 403),
    ("http://localhost:5863.evil.example", 403),
    ("http://localhost:5863@evil.example", 403),
    ("http://evil.example@localhost:5863", 403),
    ("http://127.0.0.1.evil.example", 403),
    ("https://evil.example", 403),
    ("ftp://localhost:5863", 403),
    ("localhost:5863", 403),
    ("file://", 403),
    ("null", 403),
    ("", 403),
    ("http://localhost:5863, http://evil.example", 403),
]


@pytest.mark.parametrize(("origin", "status"), ORIGINS, ids=[origin or "empty" for origin, _ in ORIGINS])
def test_an_origin_is_the_servers_own_page_or_refused(origin, status):
    """Where there is an Origin, it is the request's own Host, to the letter."""
    assert guarded([("host", "localhost:5863"), ("origin", origin)]) == status


def test_two_origins_are_refused():
    """A good one beside another does not help."""
    assert guarded([("host", "localhost"), ("origin", "http://localhost"), ("origin", "http://evil.example")]) == 403


def test_a_rebound_name_is_refused_even_when_host_and_origin_agree():
    """DNS rebinding: a page of evil.example that reaches loopback under its own name gets nothing."""
    assert guarded([("host", "evil.example:5863"), ("origin", "http://evil.example:5863")]) == 403


def test_a_browser_that_says_cross_site_is_believed():
    """What another site embeds or fetches is refused; a link that somebody follows is not, and what the page itself fetches is not."""
    host = ("host", "localhost")
    assert guarded([host, ("sec-fetch-site", "cross-site")]) == 403
    assert guarded([host, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")]) == 403
    assert guarded([host, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")]) == 403
    assert guarded([host, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")]) is None
    assert guarded([host, ("sec-fetch-site", "same-origin")]) is None


def test_the_token_is_wanted_where_one_is_set():
    """With a token, the header must be there once and right; the page alone needs none."""
    host = ("host", "localhost")
    assert guarded([host], token="s3cret") == 401
    assert guarded([host, ("x-mock-june-token", "wrong")], token="s3cret") == 401
    assert guarded([host, ("x-mock-june-token", "s3cre\u00ff")], token="s3cret") == 401
    assert guarded([host, ("x-mock-june-token", "s3cret"), ("x-mock-june-token", "s3cret")], token="s3cret") == 401
    assert guarded([host, ("x-mock-june-token", "s3cret")], token="s3cret") is None
    mock = new_mock(token="s3cret")
    assert access.guard(mock, [host], public=True) is None
    mock.journal.close()


@pytest.mark.parametrize("value", ["", "Basic", "Basic ", "Basic Og==", "Bearer x", "x"])
def test_an_authorization_that_names_no_key_is_refused(value):
    """A control request without Authorization speaks of all; with one that cannot be read it is refused, never widened to all."""
    assert guarded([("host", "localhost"), ("authorization", value)]) == 401


def test_two_authorizations_are_refused():
    """Which of two keys was meant cannot be told."""
    assert guarded([("host", "localhost"), ("authorization", "Basic a"), ("authorization", "Basic b")]) == 401


def test_no_refusal_shows_the_token():
    """Whoever lacks the token does not learn it."""
    mock = new_mock(token="s3cret-token")
    answer = access.guard(mock, [("host", "localhost"), ("x-mock-june-token", "wrong")])
    assert answer is not None
    assert b"s3cret" not in answer.body
    mock.journal.close()


def test_a_refusal_of_a_host_says_what_to_do():
    """The message names `--allow-host` and the name; a Host that is none is not repeated."""
    mock = new_mock()
    named = access.guard(mock, [("host", "mock-june:5863")])
    hostile = access.guard(mock, [("host", "<script>")])
    mock.journal.close()
    assert named is not None
    assert hostile is not None
    assert "--allow-host mock-june`" in orjson.loads(named.body)["message"]
    assert b"script" not in hostile.body


def test_the_default_settings_want_no_token():
    """On loopback the control API is open to this machine."""
    assert Settings().token is None


@pytest.mark.parametrize(
    "hosts",
    [["localhost", "evil.example"], ["localhost", "localhost"], ["evil.example"], []],
    ids=["two", "the same twice", "foreign", "none"],
)
@pytest.mark.parametrize("path", ["/_mock/calls", "/_mock/health", "/_mock/stream", "/openapi.json", "/"])
def test_the_guard_stands_before_every_path_on_the_wire(front, hosts, path):
    """Over a raw socket: a wrong Host, two or none get a 4xx, whether the loop or Flask would answer."""
    with connected(front.port) as sock:
        sock.sendall("\r\n".join([f"GET {path} HTTP/1.1", *(f"Host: {host}" for host in hosts), "Connection: close", "", ""]).encode())
        answer = everything(sock)
    assert answer.startswith((b"HTTP/1.1 403", b"HTTP/1.1 400"))
    assert b"calls" not in answer.partition(b"\r\n\r\n")[2]
