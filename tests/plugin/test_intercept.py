"""`june_intercept` and the marker's `intercept`: what a test gets, what is late, what is left."""

from __future__ import annotations

import os
import sys

import pytest

from tests.intercept.test_redirect import patched
from tests.plugin.conftest import SENDS

CALLS = '''
import json, urllib.error, urllib.request

def backfill(payload={"type": "track", "event": "Registered", "userId": "1", "timestamp": "2021-02-24T01:19:38.931Z", "email": "a@example.com"}, **headers):
    """The code under test: June's host and an API key are written into it."""
    headers = {"Authorization": "Basic the_key_in_the_code", "Content-Type": "application/json"} | headers
    request = urllib.request.Request("https://api.june.so/api/" + payload["type"], json.dumps(payload).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code
'''


@pytest.fixture
def runs(run):
    """As `run`, over test files whose code under test is `backfill`."""
    return lambda text, *options, **keywords: run("from code_under_test import backfill\n" + text, *options, code_under_test=CALLS, **keywords)


def _proxies() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if "proxy" in name.lower()}


class TestFixture:
    def test_the_fixture_and_the_marker(self, runs):
        """Both catch the process's calls, whichever key they carry; the fixture is the object that `june` is."""
        runs("""
def test_fixture(june_intercept):
    assert backfill() == 200
    june_intercept.assert_received("track", event="Registered", count=1)

def test_both(june, june_intercept):
    assert june is june_intercept
    assert backfill() == 200
    assert post(june, TRACK) == 200
    june.assert_received("track", count=2)

@pytest.mark.june(intercept=True)
def test_marker(june):
    june.fail(503)
    assert [backfill(), backfill()] == [503, 200]
    june.assert_received("track", count=1, attempts=2)

@pytest.mark.june(intercept=False)
def test_not(june, request):
    with pytest.raises(OSError, match="no test intercepts it now"):
        backfill()
    request.getfixturevalue("june_intercept")
    assert backfill() == 200
    june.assert_received("track", count=1)
""").assert_outcomes(passed=4)

    def test_only(self, runs):
        """Under "only" all other hosts are refused, and in the next test they are not."""
        runs("""
import socket

@pytest.mark.june(intercept="only")
def test_only(june):
    assert backfill() == 200
    with pytest.raises(OSError, match='mock-june: example.com is not reached: this test runs under intercept="only"'):
        socket.create_connection(("example.com", 443))

def test_next(june_intercept):
    with pytest.raises(OSError) as caught:
        socket.create_connection(("192.0.2.1", 9), timeout=0.05)
    assert "mock-june" not in str(caught.value)
""").assert_outcomes(passed=2)

    def test_strict_at_the_end(self, runs):
        """A rejected call that nobody expected fails the test, as under `june`; the marker opts out; a key narrows what is taken."""
        result = runs("""
def test_rejected(june_intercept):
    assert backfill({"type": "track"}) == 400

@pytest.mark.june(allow_rejected=True, ignore=["*.email.*"])
def test_allowed(june_intercept):
    assert backfill({"type": "track"}) == 400
    [call] = june_intercept.calls()
    assert "track.email.required" not in {violation.rule for violation in call.violations}

@pytest.mark.june(intercept=True, key="the_key_in_the_code")
def test_key(june):
    assert [backfill(), backfill(Authorization="Basic another")] == [200, 401]
    june.assert_received("track", count=1)
""")
        result.assert_outcomes(passed=3, errors=1)
        result.stdout.fnmatch_lines(["*ERROR at teardown of test_rejected*", "a call was rejected, *"])

    def test_a_failures_report(self, runs):
        """A failing test's report has the calls, without the key."""
        result = runs("""
def test_it(june_intercept):
    backfill()
    june_intercept.assert_received("identify")
""")
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["*- june calls -*", "* POST /api/track  200 *"])
        assert "the_key_in_the_code" not in result.stdout.str()


class TestLate:
    def test_P3_late_calls_are_in_their_own_tests_record_and_named(self, runs):
        """What a thread sends once its test is over is in no other test's record; the summary, and a report of a failure, name it."""
        result = runs(
            """
import threading

go, sent = threading.Event(), threading.Event()

def late():
    go.wait(20)
    backfill()
    sent.set()

def test_first(june_intercept):
    backfill()
    threading.Thread(target=late, name="pump").start()

def test_second(june_intercept):
    go.set()
    assert sent.wait(20)
    june_intercept.assert_not_received("track")
    assert 0
"""
        )
        result.assert_outcomes(passed=1, failed=1)
        line = "test_it.py::test_first: its thread 'pump' sent POST /api/track 200 track late, during test_it.py::test_second: it is *"
        result.stdout.fnmatch_lines(["*- june late calls -*", line, "*= june late calls =*", line])

    def test_an_sdk_that_several_tests_share(self, runs):
        """June's own SDK keeps one thread for all tests: each test's events are in its own record, and what it did not wait for is named."""
        result = runs(
            """
import time
import june.analytics as analytics
import june.analytics.request as request

@pytest.fixture(scope="module", autouse=True)
def sdk():
    analytics.write_key = "the_key_in_the_code"
    yield
    analytics.default_client.join()
    request._session.close()

@pytest.mark.parametrize("number", range(3))
def test_it(june_intercept, number):
    analytics.track("1", f"event {number}")
    analytics.flush()
    june_intercept.assert_received("track", event=f"event {number}", count=1)
    assert len(june_intercept.events()) == 1

def test_hasty(june_intercept):
    analytics.track("1", "hasty")

def test_next(june_intercept):
    time.sleep(0.8)
    assert june_intercept.events() == []
""",
            "-W",
            "ignore",
        )
        result.assert_outcomes(passed=5)
        result.stdout.fnmatch_lines(["*= june late calls =*", "*::test_hasty: its thread * sent POST /sdk/batch 200 track late, during *::test_next: *"])

    def test_P4_under_xdist(self, runs):
        """Each worker has an interception of its own, and what is late there is told at the end too."""
        result = runs(
            """
import threading

ended = threading.Event()

@pytest.mark.parametrize("number", range(20))
def test_it(june_intercept, number):
    assert backfill({"type": "identify", "userId": str(number)}) == 200
    [event] = june_intercept.events()
    assert event.payload["userId"] == str(number)

def test_late(june_intercept):
    global thread
    thread = threading.Thread(target=lambda: (ended.wait(0.3), backfill()), name="pump")
    thread.start()

@pytest.fixture(scope="session", autouse=True)
def joined(june_server):
    yield
    if "thread" in globals():
        thread.join()
""",
            *["-n", "2"],
            beside="xdist",
            process=True,
        )
        result.assert_outcomes(passed=21)
        result.stdout.fnmatch_lines(["*= june late calls =*", "test_it.py::test_late: its thread 'pump' sent POST /api/track 200 track late, during *"])


class TestLeft:
    def test_P5_nothing_is_left_of_a_session(self, runs):
        """After the session each patched attribute is the very object that it was, also when a test or its end fails."""
        before = patched(), _proxies()
        result = runs("""
@pytest.fixture
def fails(june_intercept):
    yield
    raise RuntimeError("the end fails")

def test_it(fails):
    assert backfill() == 200

def test_fails(june_intercept):
    assert backfill() == 404

@pytest.fixture(scope="session", autouse=True)
def fails_at_last(june_server):
    yield
    raise RuntimeError("the last end fails")
""")
        result.assert_outcomes(passed=1, failed=1, errors=2)
        result.stdout.fnmatch_lines(["*RuntimeError: the end fails", "*RuntimeError: the last end fails"])
        assert (patched(), _proxies()) == before

    def test_P5_nothing_is_left_of_an_interrupted_one(self, runs):
        """The same after Ctrl-C in a test, and after `pytest.exit`."""
        before = patched()
        test = "def test_it(june_intercept):\n    assert backfill() == 200\n    "
        with pytest.raises(KeyboardInterrupt):  # pytester hands it on
            runs(f"{test}raise KeyboardInterrupt\n")
        assert patched() == before
        assert runs(f"{test}pytest.exit('enough', 7)\n").ret == 7
        assert patched() == before

    @pytest.mark.skipif(sys.platform == "win32", reason="signals are sent as POSIX sends them")
    def test_P5_ctrl_c_ends_it_at_once(self, run, pytester, interrupted):
        """Ctrl-C in a call that is held ends the session in less than two seconds, shows where it was, and leaves no file."""
        run("", "--co")
        pytester.makepyfile(code_under_test=CALLS, sends=SENDS)
        pytester.makepyfile(
            test_it="""
from code_under_test import backfill

def test_it(june_intercept):
    june_intercept.delay(60)
    print("READY", flush=True)
    backfill()
"""
        )
        pytester.makeconftest("""
import time
import pytest

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish():
    began = time.monotonic()
    yield
    print("ENDED", time.monotonic() - began, flush=True)
""")
        rest, _ = interrupted()
        assert float(rest.partition("ENDED ")[2].split()[0]) < 2

    def test_P2_many_tests_leave_nothing(self, runs):
        """With `-W error` 200 tests leave no socket, no thread and no descriptor behind."""
        result = runs(
            """
import gc, os, threading
from pathlib import Path

FD = Path("/proc/self/fd")

def count():
    gc.collect()
    return len(list(FD.iterdir())) if FD.exists() else 0, threading.active_count()

@pytest.mark.parametrize("number", range(200))
def test_it(june_intercept, number):
    if number % 10 == 0:
        assert backfill() == 200
    if number == 20:
        globals()["then"] = count()

def test_left(june_intercept):
    descriptors, threads = count()
    assert descriptors <= then[0] + 4
    assert threads <= then[1] + 4
""",
            *["-W", "error"],
            process=True,
        )
        result.assert_outcomes(passed=201)
        result.stdout.no_fnmatch_line("*Warning*")
        assert result.stderr.str() == ""


class TestCosts:
    def test_P1_a_session_that_intercepts_nothing(self, runs):
        """It imports nothing of the interception, and no `cryptography`."""
        runs(
            """
import sys

def test_it(june):
    june.client.identify(userId="1")
    assert not [name for name in sys.modules if name.startswith(("mock_june.intercept", "cryptography"))]
""",
            process=True,
        ).assert_outcomes(passed=1)


class TestElsewhere:
    def test_a_fake_elsewhere(self, runs):
        """With `--june-url` the marker's key says whose calls they are; without one, that is asked for."""
        from mock_june.contract import Engine
        from mock_june.journal import Journal
        from mock_june.server.serving import Server, listen
        from mock_june.server.state import Mock, Settings

        sock = listen("127.0.0.1", 0)
        journal = Journal.open(None)
        server = Server(Mock(Engine(), journal, settings=Settings(port=sock.getsockname()[1])), sock).start()
        before = patched()
        result = runs(
            """
@pytest.mark.june(key="the_key_in_the_code", intercept=True)
@pytest.mark.parametrize("number", range(2))
def test_it(june, number):
    assert backfill() == 200
    june.assert_received("track", count=1)

def test_without(june_intercept):
    pass
""",
            "--june-url",
            server.url,
        )
        server.stop()
        journal.close()
        result.assert_outcomes(passed=2, errors=1)
        result.stdout.fnmatch_lines(["the mock at http* runs elsewhere *: name the key that the code under test has, @pytest.mark.june(key=...)"])
        assert patched() == before
