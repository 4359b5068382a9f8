"""`june_intercept` beside event loops, and beside the plugins that take sockets, time, order or patience away (threat P4)."""

from __future__ import annotations

import pytest

from tests.plugin.test_beside import LOOPS, NO_UVLOOP
from tests.plugin.test_intercept import CALLS


@pytest.fixture
def runs(run):
    """As `run`, in a process of its own, over test files whose code under test is `backfill`."""

    def runs(text: str, *options: str, **keywords: str) -> pytest.RunResult:
        return run("from code_under_test import backfill\n" + text, *options, code_under_test=CALLS, process=True, **keywords)

    return runs


class TestEventLoops:
    ASYNC = """
import asyncio, aiohttp, httpx
URL, HEADERS = "https://api.june.so/api/track", {"Authorization": "Basic the_key_in_the_code"}

async def by_httpx(number):
    async with httpx.AsyncClient() as client:
        return (await client.post(URL, json={**TRACK, "messageId": str(number)}, headers=HEADERS)).status_code

async def by_aiohttp(number):
    async with aiohttp.ClientSession() as client, client.post(URL, json={**TRACK, "messageId": str(number)}, headers=HEADERS) as answer:
        return answer.status

MARK
@pytest.mark.parametrize("number", range(2))
async def test_it(june_intercept, number):
    assert {await backfill for backfill in asyncio.as_completed([by_httpx(1), by_aiohttp(2), by_httpx(3)])} == {200}
    june_intercept.assert_received("track", count=3)
    async with june_intercept.aio() as june:
        later = asyncio.create_task(by_aiohttp(4))
        await june.assert_received("track", messageId="4", within=5)
        await later

def test_not_on_a_loop(june_intercept):
    assert backfill() == 200
    june_intercept.assert_received("track", count=1)
"""

    @pytest.mark.parametrize("scope", ["function", "session"])
    def test_P4_pytest_asyncio(self, runs, scope):
        """Concurrent calls of a coroutine land in its own test's record, on a loop for each test or on one for all."""
        text = self.ASYNC.replace("MARK", f"@pytest.mark.asyncio(loop_scope='{scope}')")
        runs(text, "-W", "error::ResourceWarning", beside="asyncio").assert_outcomes(passed=3)

    @pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
    def test_P4_anyio(self, runs, loop):
        """The same with anyio's plugin, also on uvloop, which looks up names and connects by itself."""
        options = {"use_uvloop": loop == "uvloop"}
        conftest = f"import pytest\n\n@pytest.fixture\ndef anyio_backend():\n    return 'asyncio', {options}\n"
        runs(self.ASYNC.replace("MARK", "@pytest.mark.anyio"), "-W", "error", beside="anyio", conftest=conftest).assert_outcomes(passed=3)


class TestSocket:
    @pytest.mark.parametrize(("option", "conftest"), [("--disable-socket", ""), ("--allow-hosts=192.0.2.7", NO_UVLOOP)])
    def test_P4_pytest_socket(self, runs, option, conftest):
        """With sockets disabled, or allowed to some hosts, June's calls are caught, and nothing else is let through; other tests are kept in as ever."""
        runs(
            """
import socket
import pytest_socket

REFUSED = (pytest_socket.SocketBlockedError, pytest_socket.SocketConnectBlockedError)
pytestmark = pytest.mark.filterwarnings("ignore")

@pytest.mark.parametrize("number", range(2))
def test_it(june_intercept, number):
    assert backfill() == 200
    june_intercept.assert_received("track", count=1)
    with pytest.raises(REFUSED):
        socket.create_connection(("192.0.2.1", 9), timeout=1)

def test_june_alone(june):
    assert post(june, TRACK) == 200
    with pytest.raises(OSError, match="no test intercepts it now"):
        backfill()
    with pytest.raises(REFUSED):
        socket.create_connection(("192.0.2.1", 9), timeout=1)

def test_without():
    for address in (("127.0.0.1", 9), ("192.0.2.1", 9)):
        with pytest.raises(REFUSED):
            socket.create_connection(address, timeout=1)
    with pytest.raises((*REFUSED, OSError)):
        backfill()

@pytest.mark.june(intercept="only")
def test_only(june):
    assert backfill() == 200
    june.assert_received("track", count=1)
""",
            option,
            beside="socket",
            conftest=conftest,
        ).assert_outcomes(passed=5)


@LOOPS
def test_P4_frozen_time(runs, conftest):
    """Under frozen time, of a test or of the whole session, the certificate is good, calls are caught, and the session ends."""
    result = runs(
        """
from freezegun import freeze_time

@pytest.fixture(scope="session", autouse=True)
def frozen():
    with freeze_time("2001-02-03 04:05:06"):
        yield

@pytest.mark.parametrize("moment", ["1999-12-31", "2101-01-01"])
def test_it(june_intercept, moment):
    assert backfill() == 200
    with freeze_time(moment) as time:
        assert backfill() == 200
        time.tick(3600)
        assert backfill() == 200
    june_intercept.assert_received("track", count=3)
""",
        *["-W", "error"],
        conftest=conftest,
    )
    result.assert_outcomes(passed=2)
    assert result.duration < 15


def test_P4_randomly(runs):
    """In any order each test has its own calls."""
    runs(
        """
@pytest.mark.parametrize("number", range(10))
def test_it(june_intercept, number):
    assert backfill({"type": "identify", "userId": str(number)}) == 200
    [event] = june_intercept.events()
    assert event.payload["userId"] == str(number)
""",
        beside="randomly",
    ).assert_outcomes(passed=10)


@pytest.mark.parametrize("method", ["signal", "thread"])
def test_P4_a_test_that_hangs(runs, method):
    """A call that is held is broken off in time, and the next test is not disturbed."""
    result = runs(
        """
def test_hangs(june_intercept):
    june_intercept.delay(60)
    backfill()

def test_next(june_intercept):
    assert backfill() == 200
    june_intercept.assert_received("track", count=1)
""",
        *["--timeout", "2", "--timeout-method", method],
        beside="timeout",
    )
    assert result.duration < 20
    if method == "signal":
        result.assert_outcomes(failed=1, passed=1)


def test_unittest(runs):
    """A unittest.TestCase intercepts by `running_mock`, with or without pytest."""
    runs("""
import unittest
from mock_june.testing import running_mock

class TestIt(unittest.TestCase):
    def setUp(self):
        self.june = self.enterContext(running_mock(intercept=True))

    def test_one(self):
        assert backfill() == 200
        self.june.assert_received("track", count=1)

    test_two = test_one

def test_without_pytest():
    import subprocess, sys
    assert subprocess.run([sys.executable, "-m", "unittest", "-k", "TestIt", "test_it"], timeout=60).returncode == 0
""").assert_outcomes(passed=3)
