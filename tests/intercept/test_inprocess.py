"""The interception in this process: whose a call is, what is late, what is refused, and how it ends."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import queue
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import anyio.to_thread
import pytest
import requests

from mock_june.client import MockJune
from mock_june.errors import UsageError
from mock_june.intercept import inprocess
from mock_june.testing import RemoteMock, RunningMock, running_mock
from tests.intercept.callers import BODY, HEADERS, URL
from tests.intercept.test_redirect import patched


def send(session: Any = requests, **headers: str) -> int:
    """One call; gives its status."""
    return session.post(URL, data=BODY, headers=HEADERS | headers, timeout=10).status_code


@contextmanager
def window(running: RunningMock, name: str, **options: Any) -> Iterator[MockJune]:
    """A window with a workspace of its own, as a test has."""
    with running.workspace(options.get("key")) as june:
        interception = running.intercept(june, name, **options)
        try:
            yield june
        finally:
            interception.end()


def recorded(june: MockJune) -> int:
    """How many calls a workspace has, also when its window has closed it."""
    with MockJune(june.url, june.key) as again:
        return len(again.calls())


@pytest.fixture
def running() -> Iterator[RunningMock]:
    """A fake of its own."""
    with RunningMock() as running:
        yield running


@pytest.fixture
def later() -> Iterator[Callable[[Callable[[], Any]], Callable[[], Any]]]:
    """`later(work)` starts a thread that waits; calling what it gives lets it work, and gives what came of it."""
    threads: list[threading.Thread] = []

    def later(work: Callable[[], Any]) -> Callable[[], Any]:
        go, results = threading.Event(), []

        def run() -> None:
            go.wait(20)
            try:
                results.append(work())
            except OSError as error:
                results.append(error)

        thread = threading.Thread(target=run, name=f"later-{len(threads)}")
        thread.start()
        threads.append(thread)

        def let() -> Any:
            go.set()
            thread.join()
            return results[0]

        let.go = go  # type: ignore[attr-defined]
        return let

    yield later
    for thread in threads:
        thread.join()


class TestWhose:
    def test_whichever_key(self, running: RunningMock):
        """A call belongs to the window, whichever key it carries; the key is hidden on its record. Without any it is 401."""
        with window(running, "one") as june:
            assert [send(), send(Authorization="Basic another_key_of_theirs"), send(Authorization="")] == [200, 200, 401]
            calls = june.calls()
        assert [dict(call.headers)["authorization"] for call in calls] == ["Basic the_…", "Basic anot…"]

    def test_one_key(self, running: RunningMock):
        """A window with a key takes that one alone."""
        with window(running, "one", key="the_key_in_the_code") as june:
            assert [send(), send(Authorization="Basic another")] == [200, 401]
            assert len(june.calls()) == 1

    def test_the_fakes_own_door_is_as_ever(self, running: RunningMock):
        """What is sent to the fake's own address is told apart by its key, also while a window is open."""
        with window(running, "one") as june:
            direct = f"{running.url}/sdk/identify"
            assert requests.post(direct, data=BODY, headers=HEADERS, timeout=10).status_code == 401
            assert requests.post(direct, data=BODY, headers={**HEADERS, "Authorization": f"Basic {june.key}"}, timeout=10).status_code == 200
            assert len(june.calls()) == 1

    def test_rules_and_faults_are_the_windows(self, running: RunningMock):
        """Rules that a workspace leaves out, and faults planned for it, meet intercepted calls too."""
        with running.workspace(ignore=["sdk.identify.userId.*"]) as june:
            interception = running.intercept(june, "one")
            june.fail(503)
            assert send() == 503
            assert requests.post(URL, json={"userId": 7, "traits": {"a": 1}}, headers=HEADERS, timeout=10).status_code == 200
            interception.end()

    def test_a_pooled_connection(self, running: RunningMock):
        """A session that outlives a window keeps its connection, and what goes by it belongs to the window of the moment."""
        with requests.Session() as session:
            for name in ("one", "two", "three"):
                with window(running, name) as june:
                    assert send(session) == 200
                    assert len(june.calls()) == 1
            assert running._interception._relay.traffic.captured == 1
        assert running._interception.late == []

    def test_a_port_that_is_free_again(self, running: RunningMock):
        """Once a connection has ended, its port says nothing any more: another, straight to the fake, may have it."""
        with window(running, "one"), requests.Session() as session:
            send(session)
            relay = running._interception._relay
            (port,) = relay._living.clients
            assert running._interception.owner_of(port) is not None
        until = time.monotonic() + 5
        while relay._living.clients and time.monotonic() < until:
            time.sleep(0.01)
        assert running._interception.owner_of(port) is None

    def test_pools_of_threads(self, running: RunningMock):
        """A pool's threads work for whoever comes: what they send belongs to the window of the moment."""
        with ThreadPoolExecutor(1) as pool:
            for name in ("one", "two"):
                with window(running, name) as june:
                    assert pool.submit(send).result() == 200
                    assert asyncio.run(_in_thread()) == 200
                    assert anyio.run(_in_anyios_thread) == 200
                    assert len(june.calls()) == 3
        assert running._interception.late == []

    @pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a forked process is on its own")
    @pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
    def test_a_forked_process(self, running: RunningMock):
        """A process that is forked takes the interception along: what it sends belongs to the window of the moment."""
        with window(running, "one") as june:
            process = multiprocessing.get_context("fork").Process(target=send)
            process.start()
            process.join(20)
            assert process.exitcode == 0
            assert len(june.calls()) == 1

    def test_a_worker_with_a_queue(self, running: RunningMock):
        """A thread that takes its work from a queue, as an SDK's does, works for the window in which it took it."""
        work: queue.Queue[Any] = queue.Queue()

        def consume() -> None:
            while (item := work.get()) is not None:
                item()
                work.task_done()

        with window(running, "one") as june:
            worker = threading.Thread(target=consume, name="worker")
            worker.start()
            work.put(send)
            work.join()
            assert len(june.calls()) == 1
            waits = threading.Event()
            work.put(lambda: (waits.wait(20), send()))
            time.sleep(0.05)  # it takes it
        with window(running, "two") as second:
            waits.set()
            work.join()
            assert second.calls() == []
            work.put(send)
            work.join()
            assert len(second.calls()) == 1
            assert recorded(june) == 2
            work.put(None)
            worker.join()
        assert running._interception.late == [
            "one: its thread 'worker' sent POST /sdk/identify 200 identify late, during two: it is on the first one's record alone"
        ]


async def _in_anyios_thread() -> int:
    return await anyio.to_thread.run_sync(send)


async def _in_thread() -> int:
    return await asyncio.to_thread(send)


class TestLate:
    @pytest.mark.parametrize("pooled", [False, True])
    def test_a_thread_that_its_window_started(self, running: RunningMock, later, pooled: bool):
        """What it sends later lands on its own window's record and is named, by a connection of its own or by one that the next window uses too."""
        session = requests.Session()
        with window(running, "one") as first:
            send(session)
            let = later(lambda: send(session if pooled else requests))
        with window(running, "two") as second:
            send(session)
            assert let() == 200
            assert len(second.calls()) == 1
        session.close()
        assert recorded(first) == 2
        (line,) = running._interception.late
        assert line == "one: its thread 'later-0' sent POST /sdk/identify 200 identify late, during two: it is on the first one's record alone"

    def test_between_windows(self, running: RunningMock, later):
        """The same while no window is open."""
        with window(running, "one") as first:
            let = later(send)
        assert let() == 200
        assert recorded(first) == 1
        assert "late, during no test" in running._interception.late[0]

    def test_under_a_key(self, running: RunningMock, later):
        """A key may be a later window's too: what comes late under it is 401, and named."""
        with window(running, "one", key="the_key_in_the_code"):
            let = later(send)
        with window(running, "two", key="the_key_in_the_code") as second:
            assert let() == 401
            assert second.calls() == []
        assert "POST /sdk/identify 401 late" in running._interception.late[0]

    def test_the_same_line_once(self, running: RunningMock, later):
        """A thread that goes on and on is named once."""
        with window(running, "one"):
            let = later(lambda: [send() for _ in range(5)])
        assert let() == [200] * 5
        assert len(running._interception.late) == 1


class TestOutside:
    def test_calls_are_refused(self, running: RunningMock):
        """Installed, and without a window, June's host is not reached, by a new connection or a pooled one; the error says what to do."""
        with requests.Session() as session:
            with window(running, "one"):
                send(session)
            for client in (session, requests):
                with pytest.raises(requests.ConnectionError, match=r"api\.june\.so is not reached: no test intercepts it now; ask for june_intercept"):
                    send(client)

    def test_what_a_worker_takes_between_windows(self, running: RunningMock):
        """What an SDK's thread was handed outside all windows is taken and named, so that it does not try again and again, and is on no record."""
        work: queue.Queue[Any] = queue.Queue()
        sent: list[int] = []

        def consume() -> None:
            while work.get() is not None:
                sent.append(send())
                work.task_done()

        with window(running, "one") as first:
            worker = threading.Thread(target=consume, name="worker")
            worker.start()
            work.put(1)
            work.join()
        work.put(1)
        work.join()
        with window(running, "two") as second:
            work.put(None)
            worker.join()
            assert sent == [200, 200]
            assert second.calls() == []
        assert recorded(first) == 1
        assert running._interception.late == ["outside all tests thread 'worker' sent POST /sdk/identify 200 identify: it is on no test's record"]


class TestOnly:
    def test_it_ends_with_its_window(self, running: RunningMock):
        """`only` holds for its window alone; the fake itself is reached meanwhile."""
        with window(running, "one", only=True) as june:
            assert send() == 200
            assert len(june.calls()) == 1
            with pytest.raises(socket.gaierror, match='intercept="only"'):
                socket.getaddrinfo("example.com", 443)
            with suppress(socket.gaierror):  # where the machine's own name has no address
                address = socket.gethostbyname(socket.gethostname())
                with socket.create_server((address, 0)) as server:
                    socket.create_connection(server.getsockname()).close()
        with window(running, "two"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect(("192.0.2.1", 9))


class TestEnd:
    def test_nothing_is_left(self):
        """Patches, environment, threads: all is as it was."""
        before = patched(), dict(os.environ), threading.active_count()
        with running_mock(intercept=True) as june:
            send()
            assert len(june.calls()) == 1
            assert patched() != before[0]
        assert (patched(), dict(os.environ), threading.active_count()) == before

    def test_an_error_in_the_block(self):
        """The same when the block fails."""
        before = patched(), dict(os.environ)
        with pytest.raises(KeyboardInterrupt), running_mock(intercept=True):
            raise KeyboardInterrupt
        assert (patched(), dict(os.environ)) == before

    def test_blocks_one_after_the_other_and_one_in_another(self):
        """Each has its own calls; the innermost has those that are made within it."""
        with running_mock(intercept=True) as outer:
            send()
            for _ in range(2):
                with running_mock(intercept="only") as inner:
                    send()
                    assert len(inner.calls()) == 1
            send()
            assert len(outer.calls()) == 2

    def test_what_sdks_have_queued_is_awaited(self, running: RunningMock):
        """The end waits until an SDK's thread has sent what it has, which may be half a second: sent later, it would go to the real June."""
        work: queue.Queue[Any] = queue.Queue()
        sent: list[int] = []

        def consume() -> None:
            while work.get() is not None:
                time.sleep(0.3)
                sent.append(send())
                work.task_done()

        before = patched()
        with running_mock(intercept=True):
            worker = threading.Thread(target=consume)
            worker.start()
            work.put(1)
        assert sent == [200]
        assert patched() == before
        work.put(None)
        worker.join()

    def test_threads_that_still_run(self, later):
        """While one of a window's threads still runs, June's host stays refused, lest it reach the real one; once it has ended, that goes too."""
        before = patched()
        with RunningMock() as running, window(running, "one"):
            let = later(send)
        assert patched() != before
        assert running._interception.late == ["one: its thread 'later-0' still runs, so api.june.so stays refused in this process"]
        refused = let()
        assert "one, whose thread 'later-0' this is, is over" in str(refused)
        with pytest.raises(requests.ConnectionError, match="no test intercepts it now"):
            send()
        with running_mock(intercept=True) as june:
            send()
            assert len(june.calls()) == 1
        assert patched() == before

    def test_libraries_threads_are_let_be(self):
        """A thread of a library's own, which never sent anything to June, is no reason to stay."""
        before = patched()
        with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as server:
            with running_mock(intercept=True):
                thread = threading.Thread(target=server.serve_forever)
                thread.start()
            assert patched() == before
            server.shutdown()
            thread.join()

    def test_a_timer(self):
        """What a timer will run is the code under test."""
        before = patched()
        with running_mock(intercept=True):
            timer = threading.Timer(60, send)
            timer.start()
        assert patched() != before
        timer.cancel()
        timer.join()
        with running_mock(intercept=True):
            pass
        assert patched() == before

    def test_at_the_processs_end(self):
        """An SDK that sends what it has when the interpreter ends reaches nobody, and does not hold it up."""
        code = """
import atexit, threading, time
import requests
from mock_june.testing import running_mock

def late():
    stop.wait()
    try:
        requests.post("https://api.june.so/sdk/identify", data="{}")
    except requests.ConnectionError as error:
        print("refused" if "mock-june: api.june.so is not reached" in str(error) else error)

stop = threading.Event()
with running_mock(intercept=True):
    thread = threading.Thread(target=late, daemon=True)
    thread.start()
atexit.register(lambda: (stop.set(), thread.join()))
"""
        ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
        assert (ended.stdout, ended.stderr) == ("refused\n", "")

    @pytest.mark.parametrize(("there", "during"), [(None, "june.so"), ("localhost", "localhost,june.so"), ("*", "*"), ("", "june.so")])
    def test_the_environments_proxies_are_passed_by(self, monkeypatch: pytest.MonkeyPatch, there: str | None, during: str):
        """A proxy of the environment is not used for June's host while it is intercepted; NO_PROXY is as it was afterwards."""
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        for name in inprocess.NO_PROXY:
            monkeypatch.delenv(name, raising=False)
            if there is not None:
                monkeypatch.setenv(name, there)
        with running_mock(intercept=True):
            assert {os.environ[name] for name in inprocess.NO_PROXY} == {during}
            assert send() == 200
        assert [os.environ.get(name) for name in inprocess.NO_PROXY] == [there, there]

    def test_a_variable_that_a_test_has_set_is_left(self, monkeypatch: pytest.MonkeyPatch):
        """What somebody else has set meanwhile stays."""
        monkeypatch.setenv("NO_PROXY", "before")
        with running_mock(intercept=True):
            os.environ["NO_PROXY"] = "theirs"
        assert os.environ["NO_PROXY"] == "theirs"


class TestElsewhere:
    @pytest.fixture
    def remote(self) -> Iterator[RemoteMock]:
        """A fake that takes any key, as if it ran elsewhere."""
        from mock_june.contract import Engine
        from mock_june.journal import Journal
        from mock_june.server.serving import Server, listen
        from mock_june.server.state import Mock, Settings

        sock = listen("127.0.0.1", 0)
        journal = Journal.open(None)
        server = Server(Mock(Engine(), journal, settings=Settings(port=sock.getsockname()[1])), sock).start()
        with RemoteMock(server.url) as remote:
            yield remote
        server.stop()
        journal.close()

    def test_with_the_programs_key(self, remote: RemoteMock, later):
        """A fake elsewhere is told the key that the program has: its calls land in that workspace. It cannot tell late ones apart, so they are refused."""
        with remote.workspace("the_key_in_the_code") as june:
            interception = remote.intercept(june, "one", "the_key_in_the_code")
            assert send() == 200
            assert len(june.calls()) == 1
            let = later(send)
            interception.end()
            assert "one, whose thread 'later-0' this is, is over" in str(let())
            assert interception.late == ["one: its thread 'later-0' was refused api.june.so during no test"]

    def test_without_it(self, remote: RemoteMock):
        """Without the key there is no telling whose a call is; that is said."""
        with remote.workspace() as june, pytest.raises(UsageError, match="name the key that the code under test has"):
            remote.intercept(june, "one")

    def test_urls_that_calls_cannot_be_led_to(self, remote: RemoteMock):
        """A fake behind TLS or a path is refused with the reason."""
        for url in ("https://127.0.0.1:1", f"{remote.url}/path"):
            remote.url = url
            with pytest.raises(UsageError, match="http://host:port alone"):
                remote.intercept(MockJune("http://127.0.0.1:1", "k"), "one", "k")
