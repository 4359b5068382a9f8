"""A fake in a thread of this process: `running_mock`, `RunningMock`, `RemoteMock`."""

from __future__ import annotations

import doctest
import gc
import threading
import time
import unittest
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

import mock_june.testing
from mock_june.client import MockJune
from mock_june.errors import ServerError, UnreachableError, UsageError
from mock_june.testing import RemoteMock, RunningMock, running_mock
from tests.server.faces import IDENTIFY, TRACK, FrontFace, new_mock

WRONG = {**TRACK, "userId": 1}


def post(url: str, key: str, payload: dict) -> httpx.Response:
    """Sends a payload as the article does."""
    return httpx.post(f"{url}/api/{payload['type']}", json=payload, headers={"Authorization": f"Basic {key}"}, trust_env=False)


class TestRunningMock:
    def test_the_docstring(self):
        """The example in its docstring is true."""
        assert doctest.testmod(mock_june.testing).failed == 0
        assert doctest.testmod(mock_june.testing).attempted

    def test_it_gives_what_the_fixture_gives(self, june):
        """The block has the same object as a test with the fixture."""
        with running_mock() as other:
            assert type(other) is type(june)
            assert post(other.url, other.key, TRACK).status_code == 200
            other.assert_received("track", count=1)
            june.assert_not_received()

    def test_the_key_may_be_given(self):
        """It is the one that is good; an empty one is a mistake, and none is made up twice."""
        with running_mock("a-key-of-ours") as june:
            assert june.key == "a-key-of-ours"
            assert post(june.url, "a-key-of-ours", IDENTIFY).status_code == 200
            assert post(june.url, "another", IDENTIFY).status_code == 401
        with pytest.raises(UsageError, match="not empty"), running_mock(""):
            pass
        with running_mock() as one, running_mock() as other:
            assert one.key != other.key
            assert one.url != other.url

    def test_rules_may_be_chosen(self):
        """`select` and `ignore` are rule ids or globs; one that matches nothing is refused before anything starts."""
        with running_mock(ignore=["track.userId.type"]) as june:
            assert post(june.url, june.key, WRONG).status_code == 200
        with running_mock(select=["identify.*"]) as june:
            assert post(june.url, june.key, WRONG).status_code == 200
            assert post(june.url, june.key, {"type": "identify"}).status_code == 400
        threads = threading.active_count()
        with pytest.raises(UsageError, match="no rule matches"), running_mock(ignore=["trak.*"]):
            pass
        assert threading.active_count() == threads

    def test_the_port_may_be_given(self):
        """One that is taken is a ServerError with what to do."""
        with running_mock() as june:
            port = int(june.url.rpartition(":")[2])
            with pytest.raises(ServerError, match=f"port {port} on 127.0.0.1 is in use"), running_mock(port=port):
                pass
        with running_mock(port=port) as june:
            assert june.url == f"http://127.0.0.1:{port}"

    def test_it_ends_with_the_block(self):
        """Nothing answers after the block, however it is left; no thread and no file is there any more."""
        before = {thread.name for thread in threading.enumerate()}
        with pytest.raises(UsageError), running_mock() as june:
            june.fail(200)
        assert "mock-june" not in {thread.name for thread in threading.enumerate()} - before
        with pytest.raises(UnreachableError), MockJune(june.url) as other:
            other.health()

    def test_it_ends_under_a_held_call(self):
        """A call that is held by a planned delay does not keep it from ending."""
        running = RunningMock()
        june = running.workspace()
        june.delay(60)

        def send() -> None:
            with suppress(httpx.TransportError):
                post(june.url, june.key, IDENTIFY)

        sender = threading.Thread(target=send)
        sender.start()
        deadline = time.monotonic() + 5
        while not june.calls() and time.monotonic() < deadline:
            time.sleep(0.01)
        began = time.monotonic()
        running.stop()
        assert time.monotonic() - began < 2
        sender.join()
        june.close()


@pytest.fixture(scope="module")
def running():
    """One fake of many workspaces."""
    with RunningMock() as running:
        yield running


class TestWorkspaces:
    def test_they_are_apart(self, running):
        """Each has its own calls, faults and reset."""
        with running.workspace() as one, running.workspace() as other:
            post(one.url, one.key, IDENTIFY)
            one.fail(503, times=None)
            assert post(other.url, other.key, IDENTIFY).status_code == 200
            other.reset()
            assert (len(one.calls()), len(one.faults()), len(other.calls())) == (1, 1, 0)

    def test_a_made_key_stays_good(self, running):
        """What comes late lands in its own workspace."""
        with running.workspace() as june:
            pass
        assert june.closed
        assert post(june.url, june.key, IDENTIFY).status_code == 200
        with MockJune(june.url, june.key) as again:
            again.assert_received("identify", count=1)

    def test_a_given_key_does_not(self, running):
        """It may be another test's soon; its workspace starts empty each time."""
        for _ in range(2):
            with running.workspace("a-given-key") as june:
                assert (june.calls(), june.faults()) == ([], [])
                assert post(june.url, june.key, IDENTIFY).status_code == 200
                june.fail(503)
            assert post(june.url, june.key, IDENTIFY).status_code == 401

    def test_rules_of_its_own(self, running):
        """`ignore` holds for one workspace, and no longer than it."""
        with running.workspace("a-given-key", ignore=["track.userId.type"]) as june:
            assert post(june.url, june.key, WRONG).status_code == 200
        with running.workspace("a-given-key") as june:
            assert post(june.url, june.key, WRONG).status_code == 400
        with pytest.raises(UsageError, match="no rule matches"):
            running.workspace(ignore=["trak.*"])

    def test_no_key_is_on_record(self, running):
        """A test's key is hidden in its own calls, early and late."""
        with running.workspace() as june:
            post(june.url, june.key, {**TRACK, "properties": {"key": june.key}})
        post(june.url, june.key, {**TRACK, "properties": {"late": june.key}})
        with MockJune(june.url, june.key) as again:
            assert [june.key.encode() in call.body for call in again.calls()] == [False, False]

    def test_the_keys_of_ended_tests_are_not_sought(self, running):
        """Of the thousands of keys of a long session only those of running tests are sought in a call, so that a call takes as long as the first."""
        hider = running._mock.keys.hider
        for _ in range(20):
            running.workspace().close()
        with running.workspace() as june:
            assert running._mock.keys.hider._given == (june.key, *hider._given)


class TestRemoteMock:
    def test_it_is_as_one_of_ours(self):
        """A fake that takes any key will do, and a slash at the end of its URL does not matter: a workspace is empty, and takes what comes."""
        face = FrontFace(new_mock())
        with RemoteMock(f"{face.server.url}/") as remote, remote.workspace("theirs") as june:
            assert (june.url, june.key, june.calls()) == (face.server.url, "theirs", [])
            assert post(june.url, june.key, TRACK).status_code == 200
            june.assert_received("track", count=1)
        face.close()

    def test_with_keys_of_its_own(self):
        """One that takes its own keys alone will not do, and is told how to be started."""
        with running_mock() as strict, pytest.raises(UsageError, match="takes its own keys alone; for tests start it without --key"):
            RemoteMock(strict.url)

    def test_nobody_there(self):
        """Where nothing answers it is an UnreachableError."""
        with pytest.raises(UnreachableError, match="mock-june serve"):
            RemoteMock("http://127.0.0.1:9")


class TestUnittest(unittest.TestCase):
    def setUp(self) -> None:
        self.june = self.enterContext(running_mock())

    def test_in_a_test_case(self) -> None:
        """`running_mock` is a context that unittest can enter."""
        post(self.june.url, self.june.key, TRACK)
        self.june.assert_received("track", userId="1")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are counted where Linux lists them")
def test_many_leave_nothing():
    """Started and ended again and again, a fake leaves no descriptor and no thread behind."""

    def left() -> tuple[int, int]:
        gc.collect()
        return len(list(Path("/proc/self/fd").iterdir())), threading.active_count()

    with running_mock() as june:
        june.client.identify(userId="1")
    before = left()
    for _ in range(3):
        with running_mock() as june:
            june.client.identify(userId="1")
            june.assert_received("identify")
    assert left() == before
