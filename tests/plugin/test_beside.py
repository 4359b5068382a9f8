"""Beside what users have (threat P4): unittest, subprocesses, event loops, and the plugins that take sockets, time, order or patience away."""

from __future__ import annotations

import pytest

NO_UVLOOP = "import sys\nsys.modules['uvloop'] = None\n"
LOOPS = pytest.mark.parametrize("conftest", ["", NO_UVLOOP], ids=["uvloop", "asyncio"])
"""The server on uvloop's event loop, and on asyncio's own, where mock-june came without its extra `fast`."""


def test_unittest(run):
    """A unittest.TestCase uses `running_mock`, with or without pytest, or the fixture by an autouse fixture of its own."""
    run("""
import unittest
from mock_june.testing import running_mock

class TestRunning(unittest.TestCase):
    def setUp(self):
        self.june = self.enterContext(running_mock())

    def test_it(self):
        post(self.june, TRACK)
        self.june.assert_received("track", userId="1")

class TestFixture(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _june(self, june):
        self.june = june

    def test_it(self):
        post(self.june, TRACK)
        self.june.assert_received("track", userId="1")

    def test_rejected(self):
        post(self.june, WRONG)

def test_without_pytest():
    import subprocess, sys
    assert subprocess.run([sys.executable, "-m", "unittest", "-k", "TestRunning", "test_it"], timeout=60).returncode == 0
""").assert_outcomes(passed=4, errors=1)


def test_subprocess(run):
    """`june.env` is what a subprocess needs to send to the test's workspace."""
    run("""
import os, subprocess, sys

CODE = '''
import os
from mock_june.client import JuneClient
with JuneClient(os.environ["JUNE_URL"], os.environ["JUNE_API_KEY"]) as june:
    june.identify(userId="from a subprocess")
'''

def test_it(june):
    subprocess.run([sys.executable, "-c", CODE], env=os.environ | june.env, check=True)
    june.assert_received("identify", userId="from a subprocess", count=1)
""").assert_outcomes(passed=1)


class TestEventLoops:
    ASYNC = """
import asyncio, httpx

async def backfill(june, number):
    async with httpx.AsyncClient() as http:
        for _ in range(3):
            headers = {"Authorization": f"Basic {june.key}"}
            answer = await http.post(june.url + "/api/track", json={**TRACK, "messageId": str(number)}, headers=headers)
            if answer.status_code == 200:
                return
            await asyncio.sleep(0.01)

MARK
async def test_it(june):
    june.fail(503, times=2)
    await asyncio.gather(*(backfill(june, number) for number in range(3)))
    june.assert_received("track", count=3)

MARK
async def test_waiting(june):
    async with june.aio() as june:
        await june.fail(503)
        later = asyncio.create_task(backfill(june, 1))
        [event] = await june.wait_for(1, "track", accepted=True, messageId="1")
        await june.assert_received("track", messageId="1", attempts=2)
        await june.client.identify(userId="7")
        await june.assert_order("track", ("identify", {"userId": "7"}))
        await later
"""

    def test_P4_pytest_asyncio(self, run):
        """In a coroutine the fixture is the same, and `june.aio()` waits on the test's own loop while the code under test runs there."""
        pytest.importorskip("pytest_asyncio")
        run(
            self.ASYNC.replace("MARK", "@pytest.mark.asyncio"),
            *["-W", "error::ResourceWarning", "-W", "error::pytest.PytestUnraisableExceptionWarning"],
            beside="asyncio",
            process=True,
        ).assert_outcomes(passed=2)

    def test_anyio(self, run):
        """The same with anyio's own plugin."""
        asyncio_alone = "import pytest\n\n@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n"  # the code under test uses asyncio itself
        run(self.ASYNC.replace("MARK", "@pytest.mark.anyio"), "-W", "error", beside="anyio", conftest=asyncio_alone).assert_outcomes(passed=2)


def test_P4_randomly(run):
    """In any order, with every seed set anew, keys stay unique and tests apart."""
    pytest.importorskip("pytest_randomly")
    result = run(
        """
keys = []

@pytest.mark.parametrize("number", range(20))
def test_it(june, number):
    assert june.key not in keys
    keys.append(june.key)
    assert june.calls() == []
    assert post(june, TRACK) == 200
""",
        beside="randomly",
        process=True,
    )
    result.assert_outcomes(passed=20)
    result.stdout.fnmatch_lines(["Using --randomly-seed=*"])


class TestTimeout:
    @pytest.mark.parametrize("method", ["signal", "thread"])
    def test_P4_a_test_that_hangs(self, run, method):
        """A call that a planned delay holds is broken off, and the session ends in time."""
        result = run(
            """
def test_hangs(june):
    june.delay(60)
    post(june, TRACK)

def test_next(june):
    assert june.calls() == []
    assert post(june, TRACK) == 200
""",
            *["--timeout", "3", "--timeout-method", method],
            beside="timeout",
            process=True,
        )
        assert result.duration < 20
        if method == "signal":
            result.assert_outcomes(failed=1, passed=1)
            result.stdout.fnmatch_lines(["*Timeout*"])


class TestSocket:
    @pytest.fixture(autouse=True)
    def installed(self):
        pytest.importorskip("pytest_socket")

    BLOCKED = """
import socket
import urllib.error
import pytest_socket

def test_it(june):
    assert post(june, TRACK) == 200
    june.client.identify(userId="1")
    june.wait_for(2, timeout=1)
    with pytest.raises(pytest_socket.SocketConnectBlockedError), pytest.warns(UserWarning):
        socket.create_connection(("192.0.2.1", 9), timeout=1)

@pytest.mark.filterwarnings("ignore")
def test_without():
    with pytest.raises((pytest_socket.SocketBlockedError, pytest_socket.SocketConnectBlockedError)):
        socket.create_connection(("127.0.0.1", 9), timeout=1)

def test_again(june):
    assert post(june, TRACK) == 200
    june.assert_received("track", count=1)
"""

    @LOOPS
    @pytest.mark.parametrize("option", ["--disable-socket", "--allow-hosts=192.0.2.7", "--disable-socket --allow-hosts=192.0.2.7"])
    def test_P4_the_fake_is_let_through(self, run, conftest, option):
        """With sockets disabled, or allowed to some hosts, a test reaches the fake, and nothing else that it could not reach before."""
        run(self.BLOCKED, *option.split(), beside="socket", conftest=conftest, process=True).assert_outcomes(passed=3)

    def test_the_marker_too(self, run):
        """The same for a test that says so itself; one that is allowed all may go anywhere."""
        run(
            """
import socket
import pytest_socket

@pytest.mark.disable_socket
def test_disabled(june):
    assert post(june, TRACK) == 200

@pytest.mark.allow_hosts(["192.0.2.7"])
def test_hosts(june):
    assert post(june, TRACK) == 200

@pytest.mark.enable_socket
def test_enabled(june):
    assert post(june, TRACK) == 200
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", 9), timeout=1)
""",
            beside="socket",
        ).assert_outcomes(passed=3)

    def test_who_asks_for_the_server_alone(self, run):
        """`june_server` starts, and is reached, with sockets disabled."""
        run(
            """
import pytest_socket, socket

def test_it(june_server):
    with june_server.workspace() as june:
        assert post(june, TRACK) == 200
    with pytest.raises(pytest_socket.SocketConnectBlockedError), pytest.warns(UserWarning):
        socket.create_connection(("192.0.2.1", 9), timeout=1)
""",
            *["--disable-socket"],
            beside="socket",
        ).assert_outcomes(passed=1)


class TestFrozenTime:
    @LOOPS
    def test_P4_the_server_lives_on(self, run, conftest):
        """Under frozen time the fake starts, answers, waits, delays, limits, and ends; the calls on record have their real time."""
        result = run(
            """
import datetime, time
from freezegun import freeze_time

@pytest.fixture(scope="session", autouse=True)
def frozen():
    with freeze_time("2001-02-03 04:05:06"):
        yield

def test_it(june):
    assert datetime.datetime.now().year == 2001
    assert post(june, TRACK) == 200
    assert not june.calls()[0].at.startswith("2001")
    june.wait_for(1, "track", timeout=5)
    with pytest.raises(AssertionError):
        june.wait_for(2, "track", timeout=0.2)
    june.delay(0.2)
    assert post(june, TRACK) == 200
    june.limit(1, per=0.3)
    assert [post(june, TRACK), post(june, TRACK)] == [200, 429]

def test_retries(june):
    june.fail(503, times=1, retry_after=1)
    june.client.track({**TRACK, "timestamp": datetime.datetime.now(datetime.timezone.utc)})
    june.assert_received("track", timestamp="2001-02-03T04:05:06Z", attempts=2)

def test_rejected(june):
    post(june, WRONG)
""",
            *["-W", "error"],
            conftest=conftest,
            process=True,
        )
        result.assert_outcomes(passed=3, errors=1)
        assert result.duration < 15

    @LOOPS
    def test_a_test_that_freezes(self, run, conftest):
        """A test that freezes its own time, forward and back, does not disturb the next."""
        run(
            """
from freezegun import freeze_time

@pytest.mark.parametrize("moment", ["1999-12-31", "2101-01-01", "2020-02-29"])
def test_it(june, moment):
    with freeze_time(moment) as frozen:
        assert post(june, TRACK) == 200
        frozen.tick(3600)
        assert post(june, TRACK) == 200
        june.assert_received("track", count=2)
    assert post(june, TRACK) == 200
    june.assert_rate(max=100, per=1)
""",
            conftest=conftest,
            process=True,
        ).assert_outcomes(passed=3)
