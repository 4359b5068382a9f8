"""What the relay carries, once a connection is on its way: nothing is held back, nothing is lost, nobody waits for another."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import select
import socket
import ssl
import struct
import threading
import time

import pytest

from mock_june.intercept import routing, tunnel
from mock_june.intercept.dialling import Outside
from mock_june.intercept.relay import GRACE
from tests.intercept.relayed import HOST, PATIENCE, Recorder, TlsPeer, Upstream, ask, connect, eventually, proof, relay, rest, trusting, upstream
from tests.intercept.relayed import tunnel as through

GET = b"GET / HTTP/1.1\r\nHost: api.june.so\r\n\r\n"


def secured(port: int) -> ssl.SSLSocket:
    """A connection to June, as a shim leads it."""
    return trusting().wrap_socket(connect(port), server_hostname="api.june.so")


def opened(running, how: str, host: Upstream) -> socket.socket:
    """A connection to a host that is the fake: in TLS; or in plain text, as to another host."""
    return secured(running.port) if how == "tls" else through(running, f"{HOST}:{host.port}")


WAITS = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)

both = pytest.mark.parametrize("how", ["tls", "plain"])


@both
def test_much_is_carried_both_ways_at_once(how):
    """Ten megabytes each way, byte by byte the same, and no deadlock."""
    sent = os.urandom(1 << 20) * 10
    got = hashlib.sha256()

    def echo(sock):
        size = 0
        while size < len(sent):
            data = sock.recv(65536)
            size += len(data)
            sock.sendall(data)

    with upstream(echo) as fake, relay(fake.address) as running, opened(running, how, fake) as sock:
        sock.setblocking(False)  # and one thread: OpenSSL bears no two at one connection
        left, size = memoryview(sent), 0
        while size < len(sent):
            select.select([sock], [sock] if left else [], [], PATIENCE)
            with contextlib.suppress(*WAITS):
                left = left[sock.send(left[:65536]) if left else 0 :]
            with contextlib.suppress(*WAITS):
                while data := sock.recv(65536):
                    got.update(data)
                    size += len(data)
                assert size == len(sent)
    assert got.digest() == hashlib.sha256(sent).digest()


@both
def test_a_client_that_ends_its_direction_still_gets_its_answer(how):
    """Half-close is honoured, in TLS too: the fake sees the end, the client the answer to what came before."""

    def late(sock):
        got = rest(sock)
        time.sleep(0.05)
        sock.sendall(b"all of " + got)

    with upstream(late) as fake, relay(fake.address) as running, TlsPeer(running.port) if how == "tls" else opened(running, how, fake) as sock:
        sock.sendall(b"it")
        sock.end() if isinstance(sock, TlsPeer) else sock.shutdown(socket.SHUT_WR)
        assert _rest_of(sock) == b"all of it"


def _rest_of(sock: socket.socket | TlsPeer) -> bytes:
    got = b""
    while data := sock.recv(65536):
        got += data
    return got


@both
def test_a_host_that_ends_its_direction_still_gets_what_comes(how):
    """The other way around: the client is told the end, and sends on."""
    got = b""

    def first(sock):
        nonlocal got
        sock.sendall(b"bye")
        sock.shutdown(socket.SHUT_WR)
        got = rest(sock)

    with upstream(first) as fake, relay(fake.address) as running:
        with opened(running, how, fake) as sock:
            assert _rest_of(sock) == b"bye"
            sock.sendall(b"one")
            time.sleep(0.02)
            sock.sendall(b" more")
        eventually(lambda: got == b"one more")


def test_the_end_is_told_in_tls():
    """A client sees that nothing was cut off: close_notify comes before the end."""
    with upstream(lambda sock: sock.sendall(b"whole")) as fake, relay(fake.address) as running, TlsPeer(running.port) as sock:
        assert _rest_of(sock) == b"whole"  # else it is an ssl.SSLEOFError


@both
def test_a_reset_of_the_fake_is_a_reset(how):
    """A planned fault looks as it does without the relay."""

    def reset(sock):
        sock.recv(99)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with upstream(reset) as fake, relay(fake.address) as running, TlsPeer(running.port) if how == "tls" else opened(running, how, fake) as sock:
        sock.sendall(GET)
        with pytest.raises(ConnectionResetError):
            _rest_of(sock)


def test_a_client_that_goes_away_ends_the_connection_to_the_fake():
    """A reset by the client closes the other side; nothing is left open."""
    ended = threading.Event()

    def wait(sock):
        rest(sock)
        ended.set()

    with upstream(wait) as fake, relay(fake.address) as running:
        with secured(running.port) as sock:
            sock.sendall(GET)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert ended.wait(PATIENCE)
        eventually(lambda: not running._living.ends)


def test_a_client_that_goes_away_while_its_host_is_being_reached_leaves_nothing(monkeypatch):
    """The connection that was made for it in vain is closed, though the host would keep it."""
    reaching, gone, over = threading.Event(), threading.Event(), threading.Event()
    reach = Outside.fake

    async def slow(self, host, port):
        end = await reach(self, host, port)
        reaching.set()
        while not gone.is_set():  # noqa: ASYNC110 - set in another thread
            await asyncio.sleep(0.001)
        return end

    def keep(sock):
        rest(sock)
        over.wait(PATIENCE)

    monkeypatch.setattr(Outside, "fake", slow)
    with upstream(keep) as fake, relay(fake.address) as running:
        with through(running, "api.june.so:80") as sock:
            sock.sendall(GET)
            assert reaching.wait(PATIENCE)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        eventually(lambda: len(running._living.ends) == 1)
        gone.set()
        eventually(lambda: not running._living.ends)
        over.set()


def test_pieces_are_carried_as_they_come():
    """No answer waits for its rest: an interim `100 Continue`, then the head, then the body, each in its time."""

    def by_and_by(sock):
        sock.recv(999)
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        sock.recv(999)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        sock.recv(999)
        sock.sendall(b"ok")

    with upstream(by_and_by) as fake, relay(fake.address) as running, secured(running.port) as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nHost: api.june.so\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert sock.recv(99) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"a")
        assert sock.recv(99).startswith(b"HTTP/1.1 200 OK\r\n")
        sock.sendall(b"b")
        assert sock.recv(99) == b"ok"


def test_an_answer_in_two_writes_costs_no_wait():
    """Nagle's delay is off on both sides: it is 40 ms an answer where a head and its body are written one after the other."""

    def in_two(sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while sock.recv(999):
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
            time.sleep(0.002)  # else the relay may get both at once
            sock.sendall(b"ok")

    with upstream(in_two) as fake, relay(fake.address) as running, secured(running.port) as sock:
        waits = []
        for _ in range(50):
            begin = time.perf_counter()
            sock.sendall(GET)
            got = b""
            while not got.endswith(b"ok"):
                got += sock.recv(99)
            waits.append(time.perf_counter() - begin)
        assert sorted(waits)[25] < 0.04


def test_a_slow_client_holds_up_nobody():
    """Who does not read makes its host wait, and that one alone; memory holds little of what it leaves."""
    chunk = b"x" * (1 << 20)
    sent = 0

    def endless(sock):
        nonlocal sent
        if sock.recv(99) != GET:
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            return
        sock.settimeout(0.5)
        for _ in range(200):
            sock.sendall(chunk)
            sent += len(chunk)

    with upstream(endless) as fake, relay(fake.address) as running, secured(running.port) as slow:
        slow.sendall(GET)
        for _ in range(10):
            assert ask(running, "GET http://api.june.so/").endswith(b"ok")
        time.sleep(0.6)
        assert sent < 50 << 20
        assert ask(running, "GET http://api.june.so/").endswith(b"ok")


def test_a_hundred_stalled_clients_hold_up_nobody():
    """Each stopped amid another thing: before its first byte, in a head, in a handshake, after it."""
    beginnings = (b"", b"CONN", b"GET http://api.june.so/ HTTP/1.1\r\nX: ", b"\x16\x03\x01")
    with upstream(Recorder()) as fake, relay(fake.address) as running:
        stalled = [connect(running.port) for _ in range(100)]
        for number, sock in enumerate(stalled):
            sock.sendall(beginnings[number % 4])
        begin = time.perf_counter()
        assert ask(running, "GET http://api.june.so/").endswith(b"ok")
        assert time.perf_counter() - begin < 2
        for sock in stalled:
            sock.close()


@pytest.mark.parametrize("beginning", [b"", b"CONN", b"\x16\x03\x01"])
def test_a_client_that_sends_nothing_is_parted_from(monkeypatch, beginning):
    """After a while, in whatever it stopped."""
    monkeypatch.setattr(routing, "PATIENCE", 0.05)
    with upstream(Recorder()) as fake, relay(fake.address) as running, connect(running.port) as sock:
        sock.sendall(beginning)
        with pytest.raises(ConnectionResetError) if beginning else _nothing():
            assert sock.recv(1) == b""
            raise ConnectionResetError  # an end without a reset is as good
        eventually(lambda: not running._living.ends)


class _nothing:  # noqa: N801 - stands beside pytest.raises
    def __enter__(self):
        return self

    def __exit__(self, kind, *_rest):
        return kind is ConnectionResetError


def test_a_client_that_keeps_a_connection_after_its_end_is_parted_from(monkeypatch):
    """A pool may hold it for ever; the relay does not."""
    monkeypatch.setattr(tunnel, "LINGER", 0.1)
    with upstream(lambda sock: sock.sendall(b"bye")) as fake, relay(fake.address) as running, opened(running, "plain", fake) as sock:
        assert _rest_of(sock) == b"bye"
        eventually(lambda: not running._living.ends)


def test_a_refusal_reaches_a_client_that_is_still_sending():
    """What the client still sends is read, so that no reset undoes the answer; not for ever."""
    with upstream(Recorder()) as fake, relay(fake.address) as running, connect(running.port) as sock:
        sock.sendall(f"POST http://x.june.so/ HTTP/1.1\r\n{proof(running)}Content-Length: 9000000\r\n\r\n".encode() + b"x" * 3_000_000)
        time.sleep(0.02)
        sock.sendall(b"x" * 3_000_000)
        assert rest(sock).startswith(b"HTTP/1.1 403 ")


def test_what_came_in_before_the_end_reaches_the_fake():
    """A program that sends and ends loses nothing: the relay's end waits for what moves."""
    recorder = Recorder()
    body = b"x" * 500_000
    for how in ("plain", "tls"):
        recorder.got.clear()
        with upstream(recorder) as fake:
            with relay(fake.address) as running, opened(running, how, fake) as sock:
                sock.sendall(b"POST / HTTP/1.1\r\nHost: api.june.so\r\nContent-Length: 500000\r\n\r\n" + body)
            eventually(lambda: recorder.got.endswith(body))


def test_its_end_does_not_wait_for_idle_connections():
    """Keep-alive connections of pools end with it, in well under a second, and no thread is left."""
    with upstream(Recorder()) as fake:
        with relay(fake.address) as running:
            idle = [secured(running.port) for _ in range(5)]
            begin = time.perf_counter()
        assert time.perf_counter() - begin < GRACE
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("mock-june-relay")]
        for sock in idle:
            sock.close()


def test_its_end_does_not_wait_for_names_that_are_looked_up(monkeypatch):
    """A name server that keeps silent holds up its client, nobody else."""
    silent = threading.Event()
    real = socket.getaddrinfo

    def find(host, *args, **options):
        if host == HOST:
            return real(host, *args, **options)
        silent.wait(PATIENCE)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", find)
    with upstream(Recorder()) as fake:
        with relay(fake.address) as running, connect(running.port) as sock:
            sock.sendall(f"CONNECT slow.example:443 HTTP/1.1\r\n{proof(running)}\r\n".encode())
            time.sleep(0.05)
            assert ask(running, "GET http://api.june.so/").endswith(b"ok")
            begin = time.perf_counter()
        assert time.perf_counter() - begin < GRACE
        silent.set()
        eventually(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("mock-june-relay")])


def test_a_frozen_clock_stops_nothing(monkeypatch):
    """Tests freeze time; the relay goes by the real one."""
    freezegun = pytest.importorskip("freezegun")
    monkeypatch.setattr(routing, "PATIENCE", 0.05)
    with freezegun.freeze_time("2021-01-01"), upstream(Recorder()) as fake, relay(fake.address) as running:
        with connect(running.port) as sock:
            assert sock.recv(1) == b""
        assert ask(running, "GET http://api.june.so/").endswith(b"ok")
