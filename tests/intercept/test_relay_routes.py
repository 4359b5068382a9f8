"""What becomes of a connection to the relay, byte by byte: to the fake, on to its host, or refused."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections import Counter

import pytest

from mock_june.errors import ServerError
from mock_june.intercept import dialling, routing
from mock_june.intercept.heads import Place
from mock_june.intercept.relay import Relay
from mock_june.intercept.traffic import MOST_NAMES, OTHERS, Traffic
from tests.intercept.relayed import (
    AUTHORITY,
    HOST,
    Recorder,
    Upstream,
    ask,
    connect,
    eventually,
    proof,
    refused,
    relay,
    rest,
    secured,
    trusting,
    tunnel,
    upstream,
)

GET = b"GET / HTTP/1.1\r\nHost: api.june.so\r\n\r\n"


# ---- to the fake


@pytest.mark.parametrize("place", ["api.june.so:443", "API.JUNE.SO.:443", "api.june.so:8443"])
def test_a_connect_to_june_ends_in_the_fake(running, recorder, place):
    """TLS is ended with the authority's leaf; what is in it goes to the fake as it is."""
    with secured(tunnel(running, place)) as sock:
        sock.sendall(GET)
        assert sock.recv(99).endswith(b"ok")
    assert recorder.got == GET
    assert running.traffic == Traffic(captured=1)


def test_a_connect_may_lead_to_plain_http(running, recorder):
    """Undici speaks so to a proxy for http:// addresses."""
    with tunnel(running, "api.june.so:80") as sock:
        sock.sendall(GET)
        assert sock.recv(99).endswith(b"ok")
    assert recorder.got == GET


@pytest.mark.parametrize("name", ["api.june.so", "API.june.so", None])
def test_tls_at_once_is_junes(running, recorder, name):
    """A shim has led it here: by June's name, or without one, as old clients begin."""
    with secured(connect(running.port), name) as sock:
        sock.sendall(GET)
        assert sock.recv(99).endswith(b"ok")
    assert recorder.got == GET
    assert running.traffic.captured == 1


def test_many_calls_go_over_one_connection(running, recorder):
    """Keep-alive holds from the client to the fake, through one connection of each."""
    with secured(connect(running.port)) as sock:
        for _ in range(50):
            sock.sendall(GET)
            assert sock.recv(99).endswith(b"ok")
    assert recorder.got == GET * 50
    assert running.traffic.captured == 1


def test_tls_at_once_for_another_host_is_refused(running, fake):
    """The handshake ends with an alert, nothing is dialled, and it is listed."""
    with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
        secured(connect(running.port), "evil.example")
    with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
        secured(tunnel(running, "api.june.so:443"), "x.june.so")
    eventually(lambda: running.traffic.blocked.total() == 2)
    assert running.traffic.blocked == Counter({("evil.example:443", routing.ASTRAY): 1, ("x.june.so:443", routing.ASTRAY): 1})
    assert fake.connections == 0


@pytest.mark.parametrize("name", [b"a\r\n.june.so", b"api june.so", b"api.june.s/"])
def test_a_name_that_is_none_is_not_taken_on(running, fake, name):
    """What a handshake may have as its name is written into no request and shown to nobody."""
    beginning, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        trusting().wrap_bio(beginning, out, server_hostname="api.june.so").do_handshake()
    with connect(running.port) as sock:
        sock.sendall(out.read().replace(b"api.june.so", name))
        assert sock.recv(1) == b"\x15"  # an alert
    eventually(lambda: running.traffic.blocked == Counter({("no-name.invalid:443", routing.ASTRAY): 1}))
    assert fake.connections == 0


def test_a_client_that_does_not_believe_is_counted(running, fake):
    """A client with a list of authorities of its own ends the handshake: that is told apart, for nothing of it was captured."""
    with pytest.raises(ssl.SSLCertVerificationError):
        ssl.create_default_context().wrap_socket(connect(running.port), server_hostname="api.june.so")
    eventually(lambda: running.traffic.untrusted == 1)
    assert running.traffic == Traffic(untrusted=1)
    assert fake.connections == 0


@pytest.mark.parametrize("target", ["http://api.june.so/api/track?a=1", "https://api.june.so/api/track?a=1", "HTTPS://u:p@API.June.So.:443/api/track?a=1"])
def test_an_absolute_form_becomes_an_origin_form(running, recorder, target):
    """Axios before 1.2 sends https:// addresses so to a proxy, in the clear. The fake sees a request as any; what was the proxy's is gone."""
    fields = "Host: x\r\nX-Own: 1\r\nProxy-Connection: keep-alive\r\nConnection: X-Mine, Keep-Alive\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nContent-Length: 3\r\n"
    answer = ask(running, f"POST {target}", fields, b"ab!")
    assert answer.endswith(b"ok")
    assert recorder.got == b"POST /api/track?a=1 HTTP/1.1\r\nHost: api.june.so\r\nX-Own: 1\r\nContent-Length: 3\r\nConnection: close\r\n\r\nab!"
    assert running.traffic == Traffic(captured=1)


def test_an_origin_form_for_june_needs_no_secret(running, recorder):
    """A shim has led a connection to June's port 80 here. Nothing that is for a proxy goes on."""
    answer = ask(running, "POST /api/track", "host: api.june.so\r\nProxy-Authorization: Basic eDp5\r\nContent-Length: 3\r\n", b"ab!", secret=False)
    assert answer.endswith(b"ok")
    assert recorder.got == b"POST /api/track HTTP/1.1\r\nHost: api.june.so\r\nContent-Length: 3\r\nConnection: close\r\n\r\nab!"


def test_a_fake_that_is_gone_is_told(fake):
    """502, through the tunnel's TLS too."""
    fake.close()
    with relay(fake.address) as running:
        assert "fake" in refused(ask(running, "GET http://api.june.so/"), 502, "bad_gateway")
        with secured(connect(running.port)) as sock:
            sock.sendall(GET)
            assert "fake" in refused(rest(sock), 502, "bad_gateway")


# ---- refused


@pytest.mark.parametrize("host", ["x.june.so", "june.so", "api.segment.io", "169.254.169.254", "metadata.google.internal", "2852039166"])
def test_where_nobody_goes(running, fake, host):
    """403 by CONNECT and in absolute form, with the reason; listed; nothing is dialled."""
    assert host in refused(ask(running, f"CONNECT {host}:443"), 403, "blocked")
    assert host in refused(ask(running, f"GET http://{host}/latest"), 403, "blocked")
    blocked = running.traffic.blocked
    assert [place for place, _ in blocked] == [f"{host}:443", f"{host}:80"]
    assert fake.connections == 0


def test_a_name_that_leads_there_is_seen_through(running, monkeypatch):
    """What a harmless name resolves to is looked at before it is dialled: an address of the metadata service, or June's host under another name."""
    real = socket.getaddrinfo

    def find(host, port, *args, **options):
        if host == HOST:
            return real(host, port, *args, **options)
        if host == "harmless.example":
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("203.0.113.1", port)), (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", port))]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "API.june.so", ("203.0.113.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", find)
    assert "credentials" in refused(ask(running, "CONNECT harmless.example:443"), 403, "blocked")
    assert "June" in refused(ask(running, "GET http://alias.example/"), 403, "blocked")
    assert [place for place, _ in running.traffic.blocked] == ["harmless.example:443", "alias.example:80"]
    assert running.traffic.passed == Counter()


def test_all_others_can_be_blocked(fake):
    """With block_others, but for what is on this machine."""
    with upstream(Recorder()) as other, relay(fake.address, block_others=True) as running:
        assert "--block-others" in refused(ask(running, "CONNECT example.com:443"), 403, "blocked")
        assert ask(running, f"GET http://{HOST}:{other.port}/").endswith(b"ok")
        assert running.traffic.passed == Counter({f"{HOST}:{other.port}": 1})


@pytest.mark.parametrize("host", ["127.0.0.1:1234", "localhost", "evil.example", "api.june.so.evil.example"])
def test_it_is_no_web_server(running, fake, host):
    """An origin form for another host than June's, a page's or a rebound name's, gets nowhere."""
    assert refused(ask(running, "GET /", f"Host: {host}\r\n", secret=False), 403, "forbidden")
    assert "fake" in refused(ask(running, "GET /", "Host: x.june.so\r\n", secret=False), 403, "blocked")
    assert fake.connections == 0


@pytest.mark.parametrize(
    "line",
    [
        "CONNECT api.june.so",
        "CONNECT api.june.so:0",
        "CONNECT api.june.so:65536",
        "CONNECT http://api.june.so/",
        "CONNECT :443",
        "CONNECT \uff41pi.june.so:443",
        "GET ftp://api.june.so/",
        "GET api.june.so/",
        "GET http://api.june.so/#x",
        "GET http:///x",
        "G(T /",
        "GET  /",
    ],
)
def test_what_is_no_request_is_400(running, fake, line):
    """Nothing of it goes anywhere."""
    assert refused(ask(running, line), 400, "invalid_request")
    assert fake.connections == 0


@pytest.mark.parametrize(
    "fields",
    [
        "X : 1\r\n",
        "X: 1\r\n folded\r\n",
        "X: a\0b\r\n",
        "X\r\n",
        "X: a\nb: c\r\n",
        "Content-Length: 1\r\nContent-Length: 1\r\n",
        "Content-Length: +1\r\n",
        "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: identity\r\n",
    ],
)
def test_a_head_in_doubt_is_400(running, recorder, fields):
    """No neighbour may read another end of a request than we do (RFC 9112 section 11.2)."""
    assert refused(ask(running, "POST http://api.june.so/api/track", fields), 400, "invalid_request")
    assert recorder.got == b""


def test_two_hosts_are_none(running, recorder):
    """An origin form with two Host headers, or none, is refused."""
    for fields in ("Host: api.june.so\r\nHost: api.june.so\r\n", ""):
        assert refused(ask(running, "GET /", fields, secret=False), 400, "invalid_request")
    assert recorder.got == b""


def test_a_head_without_end_is_refused(running):
    """At 64 KiB; memory does not grow with it."""
    with connect(running.port) as sock:
        sock.sendall(b"GET http://api.june.so/ HTTP/1.1\r\nX: " + b"a" * 65536)
        assert refused(rest(sock), 431, "headers_too_large")


@pytest.mark.parametrize(
    "junk", [b"\x00" * 100, b"\x16\x03\x01\xff\xff" + b"\x00" * 70000, b"SSH-2.0-x\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16GET"]
)
def test_junk_ends_its_own_connection_alone(running, junk):
    """Whatever it is, the next connection is served."""
    with connect(running.port) as sock:
        sock.sendall(junk)
        sock.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            rest(sock)
    assert ask(running, "GET http://api.june.so/").endswith(b"ok")


# ---- on to others


def test_another_host_is_tunnelled_untouched(running, fake):
    """Byte by byte both ways; what a proxy's head had stays here."""
    with upstream(lambda sock: sock.sendall(b"hello ") or sock.sendall(sock.recv(9))) as other:
        with tunnel(running, f"{HOST}:{other.port}") as sock:
            assert sock.recv(6) == b"hello "
            sock.sendall(b"\x00\xff raw")
            assert rest(sock) == b"\x00\xff raw"
        assert running.traffic.passed == Counter({f"{HOST}:{other.port}": 1})
    assert fake.connections == 0


def test_another_host_gets_a_plain_request_without_what_was_the_proxys(running):
    """In origin form, with its own Host, and the secret left out."""
    other = Recorder()
    with upstream(other) as host:
        answer = ask(running, f"POST http://u:p@{HOST}:{host.port}?a=1", "Host: wrong\r\nOrigin: http://page\r\nX: 1\r\nContent-Length: 1\r\n", b"!")
        assert answer.endswith(b"ok")
        head = f"POST /?a=1 HTTP/1.1\r\nHost: {HOST}:{host.port}\r\nOrigin: http://page\r\nX: 1\r\nContent-Length: 1\r\nConnection: close\r\n\r\n!"
        assert other.got == head.encode()


def test_the_next_request_of_a_connection_reaches_no_other_host(running):
    """One request a connection: what follows, with the secret in it, is not sent on; the host is told the end, and the client with it."""
    other = Recorder(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    other_get = b""

    def keeps_alive(sock):
        nonlocal other_get
        while data := sock.recv(65536):
            other_get += data
            sock.sendall(other.answer)

    with upstream(keeps_alive) as host, connect(running.port) as sock:
        request = f"GET http://{HOST}:{host.port}/ HTTP/1.1\r\n{proof(running)}\r\n".encode()
        sock.sendall(request)
        assert sock.recv(99).endswith(b"ok")
        sock.sendall(request)
        assert rest(sock) == b""
        assert other_get.count(b"GET") == 1
        assert b"Basic" not in other_get


@pytest.mark.parametrize(
    "body",
    [b"3\r\nabc\r\n0\r\n\r\n", b"A;x=1\r\n0123456789\r\n1\r\n!\r\n0\r\nTrailer: 1\r\n\r\n"],
)
def test_a_chunked_body_ends_where_it_ends(running, body):
    """However it is cut, the host gets the whole body, trailer and all, and nothing behind it."""
    got = b""

    def keep(sock):
        nonlocal got
        while data := sock.recv(65536):
            got += data
        sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with upstream(keep) as host, connect(running.port) as sock:
        sock.sendall(f"POST http://{HOST}:{host.port}/ HTTP/1.1\r\n{proof(running)}Transfer-Encoding: chunked\r\n\r\n".encode())
        for at in range(len(body)):
            sock.sendall(body[at : at + 1])
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert rest(sock).startswith(b"HTTP/1.1 204")
    assert got.endswith(b"\r\n\r\n" + body)


@pytest.mark.parametrize("body", [b"x\r\nabc", b"3\r\nabcX\r\n", b"1" * 20000 + b"\r\n"])
def test_a_broken_chunk_ends_the_body(running, body):
    """What comes after it is nobody's: the host is told the end."""
    got = b""

    def keep(sock):
        nonlocal got
        while data := sock.recv(65536):
            got += data

    with upstream(keep) as host, connect(running.port) as sock:
        sock.sendall(f"POST http://{HOST}:{host.port}/ HTTP/1.1\r\n{proof(running)}Transfer-Encoding: chunked\r\n\r\n".encode() + body)
        sock.sendall(b"GET /second HTTP/1.1\r\n\r\n")
        assert rest(sock) == b""
    assert b"second" not in got


def test_a_host_that_cannot_be_reached_is_told(running):
    """502, with what failed."""
    with upstream(Recorder()) as gone:
        gone.close()
        assert "Connect call failed" in refused(ask(running, f"CONNECT {HOST}:{gone.port}"), 502, "bad_gateway")
        assert f"{HOST}:{gone.port}" in refused(ask(running, f"GET http://{HOST}:{gone.port}/"), 502, "bad_gateway")
    assert "nowhere.invalid" in refused(ask(running, "CONNECT nowhere.invalid:443"), 502, "bad_gateway")
    assert running.traffic.passed == Counter()


def test_an_https_address_of_another_host_in_absolute_form_is_fetched_over_tls(running, monkeypatch):
    """What old axios sends for every host: the relay verifies that host, as axios would have."""
    other = Recorder()
    own = AUTHORITY.server_context()

    def over_tls(sock):
        with own.wrap_socket(sock, server_side=True) as inner:
            other(inner)

    monkeypatch.setattr(dialling, "look_up", _look_up_here)
    with upstream(over_tls) as host:
        assert "certificate" in refused(ask(running, f"GET https://www.june.example:{host.port}/x"), 502, "bad_gateway")
        trusted = trusting()
        trusted.check_hostname = False
        monkeypatch.setattr(ssl, "create_default_context", lambda: trusted)
        assert ask(running, f"GET https://www.june.example:{host.port}/x").endswith(b"ok")
        assert other.got.startswith(b"GET /x HTTP/1.1\r\nHost: www.june.example:")


async def _look_up_here(_host, port):
    return [(0, 0, 0, "", (HOST, port))]


# ---- by address


def test_a_client_that_looked_up_june_itself_is_heard_by_its_tls(running, recorder, monkeypatch):
    """CONNECT to an address: the name is in the handshake. It is June's, so the address is not dialled and the fake answers."""
    with secured(tunnel(running, "203.0.113.9:443")) as sock:
        sock.sendall(GET)
        assert sock.recv(99).endswith(b"ok")
    assert recorder.got == GET
    assert running.traffic == Traffic(captured=1)


def test_an_address_is_not_dialled_for_a_forbidden_name(running):
    """The name in the handshake is held to the same rules."""
    with pytest.raises((ssl.SSLError, OSError)):
        secured(tunnel(running, "203.0.113.9:443"), "x.june.so")
    assert [place for place, _ in running.traffic.blocked] == ["x.june.so:443"]


@pytest.mark.parametrize("name", ["www.example", "localhost"])
def test_an_address_is_blocked_with_all_others_but_for_june(fake, name):
    """With block_others: whatever name the handshake gives, the address is another host's; June's name goes to the fake."""
    with relay(fake.address, block_others=True) as running:
        with pytest.raises((ssl.SSLError, OSError)):
            secured(tunnel(running, "203.0.113.9:443"), name)
        with secured(tunnel(running, "203.0.113.9:443")) as sock:
            sock.sendall(GET)
            assert sock.recv(99).endswith(b"ok")
        assert running.traffic.blocked.total() == running.traffic.captured == 1


def test_an_address_with_another_name_passes(running, monkeypatch):
    """The held handshake goes on whole."""
    own = AUTHORITY.server_context()
    sent = []

    def over_tls(sock):
        with own.wrap_socket(sock, server_side=True) as inner:
            sent.append(inner.recv(9))
            inner.sendall(b"there")

    with upstream(over_tls) as host:
        look_up = dialling.look_up

        async def find(name, port):
            return [(0, 0, 0, "", host.address)] if name == "203.0.113.9" else await look_up(name, port)

        monkeypatch.setattr(dialling, "look_up", find)
        context = trusting()
        context.check_hostname = False
        with context.wrap_socket(tunnel(running, "203.0.113.9:443"), server_hostname="www.example") as sock:
            sock.sendall(b"here")
            assert sock.recv(9) == b"there"
        assert sent == [b"here"]
    assert running.traffic.passed == Counter({"203.0.113.9:443": 1})


# ---- the relay itself


def test_counts_stay_bounded(running):
    """A program that asks for ever more hosts finds the rest under one name."""
    for number in range(MOST_NAMES + 5):
        running._counting.blocked(Place(f"x{number}.june.so", 443), "why")
        running._counting.passed(Place(f"x{number}.example", 443))
    assert running.traffic.blocked[OTHERS, "why"] == running.traffic.passed[OTHERS] == 5
    assert len(running.traffic.blocked) == MOST_NAMES + 1


def test_a_snapshot_does_not_change(running):
    """What was asked for stays as it was."""
    before = running.traffic
    ask(running, "CONNECT x.june.so:443")
    assert before == Traffic()
    assert running.traffic != before


def test_its_port_is_known_once_it_has_started(fake):
    """And still after its end, as its counts are."""
    idle = Relay(AUTHORITY, fake.address)
    with pytest.raises(ServerError, match="started"):
        assert idle.port
    with idle:
        port = idle.port
        assert idle.proxy_url == f"http://june:{idle.secret}@{HOST}:{port}"
    assert idle.port == port
    idle.stop()
    with pytest.raises(ConnectionRefusedError):
        connect(port)


def test_secrets_differ(fake: Upstream):
    """From run to run, and they are long."""
    first, second = Relay(AUTHORITY, fake.address), Relay(AUTHORITY, fake.address)
    assert first.secret != second.secret
    assert len(first.secret) >= 32
