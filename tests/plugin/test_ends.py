"""Late calls, interrupts and failing ends (threats P3, P5)."""

from __future__ import annotations

import sys

import pytest


class TestLateCalls:
    def test_P3_late_calls_land_in_their_own_tests_record(self, run):
        """What a background thread sends after its test has ended is taken, and stands in that test's workspace, not in the next one's."""
        run("""
import threading

from mock_june.client import MockJune

ended = threading.Event()
late = []

def send_late(june):
    ended.wait(10)
    late.append(post(june, {**TRACK, "userId": "late"}))
    late.append(post(june, {**WRONG, "event": "late"}))

@pytest.fixture(scope="module")
def workspace():
    return {}

def test_first(june, workspace):
    workspace["key"] = june.key
    workspace["thread"] = threading.Thread(target=send_late, args=(june,))
    workspace["thread"].start()
    post(june, TRACK)

def test_second(june, workspace):
    ended.set()
    workspace["thread"].join()
    assert late == [200, 400]
    assert june.calls() == []
    june.assert_not_received(userId="late")
    with MockJune(june.url, workspace["key"]) as first:
        assert [event.payload["userId"] for event in first.events()] == ["1", "late", 1]
""").assert_outcomes(passed=2)

    def test_under_a_markers_key_they_are_401(self, run):
        """A key that a marker gave may be a later test's too, so what comes late under it is refused."""
        run("""
import threading

ended = threading.Event()
late = []

@pytest.mark.june(key="ours")
def test_first(june):
    def send_late():
        ended.wait(10)
        late.append(post(june, TRACK))
    global thread
    thread = threading.Thread(target=send_late)
    thread.start()

def test_second(june):
    ended.set()
    thread.join()
    assert late == [401]
    assert june.calls() == []
""").assert_outcomes(passed=2)


class TestInterrupt:
    IN_A_CALL = """
def test_it(june):
    june.delay(60)
    print("READY", flush=True)
    post(june, TRACK)

def test_never(june):
    print("NEVER", flush=True)
"""
    WAITING = """
def test_it(june):
    print("READY", flush=True)
    june.wait_for(1, timeout=60)

def test_never(june):
    print("NEVER", flush=True)
"""

    @pytest.mark.skipif(sys.platform == "win32", reason="signals are sent as POSIX sends them")
    @pytest.mark.parametrize("text", [IN_A_CALL, WAITING], ids=["in a call", "waiting"])
    def test_P5_ctrl_c_ends_it_at_once(self, run, pytester, interrupted, text):
        """Ctrl-C in a test, even in a call that is held, ends the session in less than two seconds, and no file is left."""
        run("", "--co")
        pytester.makepyfile(test_it="from sends import TRACK, post\n" + text)

        def is_quick() -> bool:
            rest, lasted = interrupted()
            assert "NEVER" not in rest
            return lasted < 2

        assert any(is_quick() for _ in range(3))  # what else runs on the machine may take seconds of its own


class TestFailingEnds:
    def test_a_fake_that_has_gone_at_the_end(self, run):
        """When the fake is gone at the test's end, that is what is told, on one line."""
        result = run("""
def test_it(june, june_server):
    june_server.stop()
""")
        result.assert_outcomes(passed=1, errors=1)
        result.stdout.fnmatch_lines(
            ["*ERROR at teardown of test_it*", "whether a call was rejected cannot be told: no mock-june answers at *"], consecutive=True
        )

    def test_a_test_that_closes_the_client(self, run):
        """A test that closed the client itself is still held to the rules."""
        result = run("""
def test_it(june):
    post(june, WRONG)
    june.close()
""")
        result.assert_outcomes(passed=1, errors=1)
        result.stdout.fnmatch_lines(["a call was rejected, *"])

    def test_exit_in_a_test(self, run):
        """`pytest.exit` ends the session in good order."""
        result = run("""
def test_it(june):
    post(june, TRACK)
    pytest.exit("enough", returncode=7)
""")
        assert result.ret == 7
        result.stdout.fnmatch_lines(["*enough*"])
