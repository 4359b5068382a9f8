"""Starting and stopping: the port, the thread, what is left behind."""

from __future__ import annotations

import gc
import http.client
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from mock_june.errors import ServerError
from mock_june.server.serving import Server, listen
from tests.server.faces import TRACK, FrontFace, assert_success, connected, everything, head, new_mock, one_answer

BODY = orjson.dumps(TRACK)
FDS = Path("/proc/self/fd")


def test_port_0_picks_a_free_one():
    """Port 0 listens on a port of the system's choice, which the server names."""
    with listen("127.0.0.1", 0) as sock:
        mock = new_mock()
        server = Server(mock, sock)
        assert server.port == sock.getsockname()[1] > 0
        assert server.url == f"http://127.0.0.1:{server.port}"
        mock.journal.close()


@pytest.mark.parametrize(
    ("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("::1", "[::1]"), ("localhost", "localhost")]
)
def test_the_url_can_be_opened(host: str, shown: str):
    """What is listened on everywhere is shown as the loopback address."""
    mock = new_mock(host=host)
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        assert Server(mock, sock).url == f"http://{shown}:{sock.getsockname()[1]}"
    mock.journal.close()


def test_a_taken_port():
    """A port that another has is a ServerError that names it and says what to do."""
    with listen("127.0.0.1", 0) as sock:
        port = sock.getsockname()[1]
        with pytest.raises(ServerError, match=f"port {port} on 127.0.0.1 is in use; .*--port") as raised:
            listen("127.0.0.1", port)
    assert (raised.value.host, raised.value.port, raised.value.exit_code) == ("127.0.0.1", port, 2)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1", "a" * 64 + ".b", "1.2.3", "\x00"])
def test_a_host_that_is_not_this_machine(host: str):
    """A host that is unknown, or another's address, is a ServerError with the way out."""
    with pytest.raises(ServerError, match=r"--host 127\.0\.0\.1"):
        listen(host, 0)


def test_a_port_is_free_as_soon_as_the_server_ended():
    """The next server may have the port at once."""
    first = FrontFace(new_mock())
    port = first.port
    assert_success(first.post("/api/track", TRACK, key="any"))
    first.close()
    listen("127.0.0.1", port).close()


def test_no_second_server_shares_the_port():
    """Two servers never listen on one port, where the system would hand calls to either."""
    face = FrontFace(new_mock())
    with pytest.raises(ServerError):
        listen("127.0.0.1", face.port)
    face.close()


@pytest.mark.skipif(not FDS.exists(), reason="counts descriptors in /proc")
@pytest.mark.parametrize("used", ["not at all", "for calls", "for control", "for all"])
def test_start_and_stop_leave_nothing(repo: Path, used: str):
    """A server that is stopped leaves no thread, no descriptor and no warning, and takes less than half a second to go, used or not."""
    script = f"from tests.server.test_serving import start_and_stop; start_and_stop({used!r})"
    command = [sys.executable, "-W", "error", "-c", script]
    ended = subprocess.run(command, cwd=repo, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    threads, descriptors, seconds = ended.stdout.split()
    assert (threads, descriptors) == ("0", "0")
    assert float(seconds) < 0.5  # the quickest of three: the machine is shared


def start_and_stop(used: str) -> None:
    """What is left of a server: threads, descriptors, seconds that its end took. In a process of its own, where nothing else comes and goes."""
    FrontFace(new_mock()).close()  # what is opened once and for all
    gc.collect()
    threads, descriptors = threading.active_count(), len([*FDS.iterdir()])
    took = min(_used_and_stopped(used) for _ in range(3))
    gc.collect()
    deadline = time.monotonic() + 2
    while threading.active_count() > threads and time.monotonic() < deadline:  # Flask's threads are told to end, and not waited for
        time.sleep(0.01)
    print(threading.active_count() - threads, len([*FDS.iterdir()]) - descriptors, took)  # noqa: T201


def _used_and_stopped(used: str) -> float:
    face = FrontFace(new_mock())
    held = []
    if used in {"for calls", "for all"}:
        assert_success(face.post("/api/track", TRACK, key="any"))
    if used in {"for control", "for all"}:
        assert face.send("GET", "/_mock/health").status == 200
        assert face.send("GET", "/_mock/calls").status == 200
    if used == "for all":
        stream = b"GET /_mock/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"
        poll = b"GET /_mock/calls?count=99&wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for request in (stream, poll, b""):
            held.append(socket.create_connection(("127.0.0.1", face.port)))
            held[-1].sendall(request)
        time.sleep(0.1)
    began = time.monotonic()
    face.close()
    took = time.monotonic() - began
    for sock in held:
        sock.close()
    return took


def test_ten_times_in_a_row():
    """Starting and stopping again and again takes no longer, and leaves no thread."""
    threads = threading.active_count()
    began = time.monotonic()
    for _ in range(10):
        face = FrontFace(new_mock())
        assert_success(face.post("/api/track", TRACK, key="any"))
        face.close()
    assert time.monotonic() - began < 5
    assert threading.active_count() == threads


def test_stop_may_be_called_twice_and_before_any_call():
    """A second `stop` does nothing."""
    mock = new_mock()
    server = Server(mock, listen("127.0.0.1", 0)).start()
    server.stop()
    server.stop()
    mock.journal.close()


def test_a_server_that_cannot_run_says_so():
    """What keeps the thread from serving is raised by `start`, not lost in it."""
    mock = new_mock()
    sock = listen("127.0.0.1", 0)
    sock.close()
    with pytest.raises(ServerError, match="did not start"):
        Server(mock, sock).start()
    mock.journal.close()


def test_what_came_in_is_answered_at_the_end(make_front, key: str):
    """A call that is under way when the server is stopped is answered, a delay cut short."""
    front = make_front()
    front.plan(key, {"delay": 30})
    with connected(front.port) as sock:
        sock.sendall(head("/api/track", key, f"Content-Length: {len(BODY)}") + BODY)
        time.sleep(0.1)
        began = time.monotonic()
        front.server.stop()
        assert time.monotonic() - began < 1
        assert_success(one_answer(sock))
    assert [call.accepted for call in front.calls(key)] == [True]


def test_a_client_that_sends_no_more_does_not_hold_the_end(make_front, key: str):
    """Half a request keeps the server from ending for a second at most."""
    front = make_front()
    with connected(front.port) as sock:
        sock.sendall(head("/api/track", key, "Content-Length: 500") + b"{")
        time.sleep(0.1)
        began = time.monotonic()
        front.server.stop()
        assert time.monotonic() - began < 1.6
        assert b"200 OK" not in everything(sock)
    assert not [call for call in front.calls(key) if call.accepted]


def test_answers_are_not_held_back(make_front, monkeypatch: pytest.MonkeyPatch):
    """Without uvloop too an answer leaves at once: it never waits 40 ms for the client's acknowledgement of its first half (Nagle)."""
    monkeypatch.setitem(sys.modules, "uvloop", None)
    front = make_front()
    with closing(http.client.HTTPConnection("127.0.0.1", front.port)) as connection:
        began = time.monotonic()
        for _ in range(100):
            connection.request("GET", "/_mock/health")
            assert connection.getresponse().read()
        assert time.monotonic() - began < 3  # Nagle would make it 4
