"""The client of the control API, blocking and async: both keep the same promises."""

from __future__ import annotations

import asyncio
import inspect
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, Self

import httpx
import orjson
import pytest

from mock_june import __version__
from mock_june.client import AsyncMockJune, Health, MockJune
from mock_june.client.following import Following
from mock_june.errors import MockJuneError, NotReceivedError, UnreachableError, UsageError
from mock_june.journal import Journal
from mock_june.model import Event, Fault
from mock_june.server.serving import Server, listen
from tests.client.awaited import Awaited
from tests.client.conftest import later
from tests.server.faces import GROUP, IDENTIFY, TRACK, FrontFace, new_mock, until


@pytest.fixture(scope="module")
def fake() -> Iterator[FrontFace]:
    """One running fake."""
    face = FrontFace(new_mock())
    yield face
    face.close()


@pytest.fixture(params=["blocking", "async"])
def connect(request) -> Iterator[Any]:
    """Makes clients of one sort, and closes them."""
    made: list[Any] = []
    with asyncio.Runner() as runner:

        def make(url: str, *args: Any, **named: Any) -> Any:
            made.append(MockJune(url, *args, **named) if request.param == "blocking" else Awaited(AsyncMockJune(url, *args, **named), runner))
            return made[-1]

        yield make
        for client in made:
            client.close()


@pytest.fixture
def key(request) -> str:
    """A workspace of the test's own."""
    return f"client-{abs(hash(request.node.nodeid))}"


@pytest.fixture
def june(connect, fake, key) -> Any:
    """A client narrowed to the test's workspace."""
    return connect(fake.server.url, key)


class TestAsking:
    def test_health_is_a_value(self, june, fake, key):
        """It says which rules are in force and how much is on record."""
        fake.post("/api/identify", IDENTIFY, key=key)
        fake.post("/api/identify", {}, key=key)
        health = june.health()
        assert isinstance(health, Health)
        assert (health.status, health.version, health.rules_hash) == ("ok", __version__, fake.mock.engine.rules_hash)
        assert (health.calls, health.rejected) == (2, 1)

    def test_calls_are_the_journals(self, june, fake, key):
        """Calls come as frozen values, oldest first, equal to what the journal holds in what JSON can tell."""
        fake.post("/api/identify", IDENTIFY, key=key)
        fake.post("/api/track", {**TRACK, "userId": 7}, key=key)
        calls = june.calls()
        assert [(call.status, call.accepted) for call in calls] == [(200, True), (400, False)]
        assert calls[1].violations == fake.calls(key)[1].violations
        assert calls[1].events[0].payload == {**TRACK, "userId": 7}
        assert june.calls(accepted=False) == calls[1:]
        assert june.calls(rule="*.type", kind="track", path="/api/*") == calls[1:]
        assert june.call(calls[0].id) == calls[0]
        with pytest.raises(AttributeError):
            calls[0].status = 500

    def test_a_call_that_is_not_there_is_none(self, june):
        """An id of nothing, or of another workspace, gives None."""
        assert june.call(2**62) is None

    def test_events_are_found_by_any_member_of_the_payload(self, june, fake, key):
        """What the fake can search for it searches; everything else is compared here, nested objects by subset."""
        fake.post("/api/identify", {**IDENTIFY, "traits": {"plan": "pro", "n": 1}}, key=key)
        fake.post("/api/track", TRACK, key=key)
        fake.post("/api/track", {**TRACK, "userId": "2", "properties": {"plan": "free", "deep": {"a": 1, "b": 2}}}, key=key)
        fake.post("/api/track", {**TRACK, "userId": 2}, key=key)
        assert [event.kind for event in june.events()] == ["identify", "track", "track", "track"]
        assert [event.payload["userId"] for event in june.events("track")] == ["1", "2", 2]
        assert [event.payload for event in june.events("track", userId="1")] == [TRACK]
        assert [event.payload["userId"] for event in june.events(userId=2)] == [2]
        assert len(june.events("track", properties={"deep": {"a": 1}})) == 1
        assert len(june.events(event=re.compile("^Regis"))) == 3
        assert len(june.events(traits={"n": int})) == 1
        assert june.events(userId="3") == []
        assert len(june.events("track", accepted=False, rule="track.userId.*", path="/api/track")) == 1
        assert len(june.events(limit=2)) == 2
        assert [event.payload["userId"] for event in june.events("track", limit=1, email=str)] == ["1"]

    def test_all_pages_are_fetched(self, june, fake, key, monkeypatch):
        """However many there are, and however few a page holds, the list is whole; `limit` ends it."""
        fake.post("/sdk/batch", {"batch": [{**TRACK, "userId": str(n)} for n in range(25)]}, key=key)
        for _ in range(12):
            fake.post("/api/identify", IDENTIFY, key=key)
        monkeypatch.setattr("mock_june.client.asks.MOST", 10)
        assert [event.payload["userId"] for event in june.events("track")] == [str(n) for n in range(25)]
        assert len(june.calls()) == 13
        assert len(june.calls(limit=11)) == 11
        assert june.calls(limit=0) == june.events(limit=0) == []
        for ask in (june.calls, june.events):
            with pytest.raises(UsageError, match="limit"):
                ask(limit=-1)
        assert [event.payload["userId"] for event in june.events("track", limit=12, email=str)] == [str(n) for n in range(12)]

    def test_without_a_key_it_speaks_of_all(self, connect, fake, key):
        """A client without a key sees every workspace."""
        fake.post("/api/identify", IDENTIFY, key=key)
        whole = connect(fake.server.url)
        assert fake.mock.journal.totals(None).calls == whole.health().calls

    def test_a_key_with_a_colon_is_the_same_workspace(self, connect, fake):
        """A colon, which Basic cannot carry in a user name, does not cut the key."""
        june = connect(fake.server.url, "a:colon:key")
        june.reset()
        fake.post("/api/identify", IDENTIFY, key="a:colon:key")
        assert len(june.calls()) == 1
        assert connect(fake.server.url, "a").calls() == []


class TestWaiting:
    def test_it_gives_the_events_as_soon_as_they_are_there(self, june, fake, key):
        """Two are waited for; the second comes later."""
        fake.post("/api/track", TRACK, key=key)
        later(0.3, fake.post, "/api/track", TRACK, key=key)
        began = time.monotonic()
        events = june.wait_for(2, "track", event="Registered")
        assert 0.2 < time.monotonic() - began < 3
        assert [event.payload for event in events] == [TRACK, TRACK]

    def test_what_is_compared_here_is_waited_for_too(self, june, fake, key):
        """Events that come and do not match do not end the wait."""
        later(0.1, fake.post, "/api/track", {**TRACK, "properties": {"n": 1}}, key=key)
        later(0.3, fake.post, "/api/track", {**TRACK, "properties": {"n": 2}}, key=key)
        [event] = june.wait_for(1, "track", properties={"n": 2})
        assert event.payload["properties"] == {"n": 2}

    def test_a_failure_shows_what_came_near(self, june, fake, key):
        """After the timeout the error says how many came, and what the nearest differ in."""
        fake.post("/api/track", {**TRACK, "userId": "2"}, key=key)
        fake.post("/api/track", {**TRACK, "userId": 3}, key=key)
        began = time.monotonic()
        with pytest.raises(NotReceivedError) as caught:
            june.wait_for(1, "track", timeout=0.4, userId="1")
        assert 0.3 < time.monotonic() - began < 3
        text = str(caught.value)
        assert "0 of 1 came in 0.4 s: track with userId='1'" in text
        assert "/userId\n    - '1'\n    + '2'" in text
        assert "track.userId.type: userId is the number 3, not a String" in text
        assert isinstance(caught.value, AssertionError)
        assert isinstance(caught.value, MockJuneError)
        assert caught.value.events == ()

    def test_a_failure_keeps_what_matched(self, june, fake, key):
        """Some came, but too few: they are in the error."""
        fake.post("/api/group", GROUP, key=key)
        with pytest.raises(NotReceivedError, match="1 of 3 came") as caught:
            june.wait_for(3, "group", timeout=0.2)
        [event] = caught.value.events
        assert isinstance(event, Event)
        assert event.payload == GROUP

    def test_nothing_at_all_is_said(self, june):
        """An empty workspace is named as such."""
        with pytest.raises(NotReceivedError, match="no event came at all"):
            june.wait_for(1, timeout=0.1)

    def test_it_waits_for_one_at_least(self, june):
        """To wait for nothing is a mistake."""
        with pytest.raises(UsageError, match="at least 1"):
            june.wait_for(0)

    def test_it_may_outlast_a_request(self, connect, fake, key):
        """The answer is held longer than a request may take, and that is no timeout."""
        june = connect(fake.server.url, key, timeout=0.3)
        later(0.8, fake.post, "/api/identify", IDENTIFY, key=key)
        assert len(june.wait_for(1, timeout=5)) == 1


class TestFaults:
    def test_each_helper_plans_what_it_says(self, june):
        """fail, delay, drop and limit, with what may be said beside them."""
        assert june.fail(503, times=2, retry_after=1, kind="track").status == 503
        assert june.fail(times=None).times is None
        assert june.delay(0.5, path="/api/*").delay == 0.5
        assert (june.drop("close").drop, june.drop().when) == ("close", "after")
        assert (june.limit(10, per=2.0).rate, june.limit(10, per=2.0).per) == (10, 2.0)
        planned = june.faults()
        assert len(planned) == 7
        assert planned[0].retry_after == 1
        assert june.clear_faults() == 7
        assert june.faults() == []

    def test_they_strike(self, june, fake, key):
        """A planned fault meets the next call of this workspace."""
        june.fail(503)
        assert fake.post("/api/identify", IDENTIFY, key=f"other-{key}").status == 200
        assert fake.post("/api/identify", IDENTIFY, key=key).status == 503
        assert fake.post("/api/identify", IDENTIFY, key=key).status == 200
        assert june.calls()[0].fault.status == 503

    def test_several_are_planned_or_none(self, june):
        """`plan` takes mappings and values; one that is wrong spoils all."""
        planned = june.plan({"status": 500}, Fault(delay=0.1, times=3), Fault(rate=5, per=1.0))
        assert [fault.times for fault in planned][:2] == [1, 3]
        with pytest.raises(UsageError, match="colour"):
            june.plan({"status": 500}, {"status": 500, "colour": "red"})
        assert len(june.faults()) == 3
        with pytest.raises(UsageError, match="cannot be sent as JSON"):
            june.plan({"status": object()})

    def test_reset_and_delete(self, june, fake, key):
        """delete_calls leaves the faults, reset leaves nothing."""
        fake.post("/api/identify", IDENTIFY, key=key)
        june.fail(kind="alias")
        assert june.delete_calls() == 1
        assert (june.calls(), len(june.faults())) == ([], 1)
        june.reset()
        assert june.faults() == []


class TestExport:
    def test_it_comes_in_chunks(self, june, fake, key):
        """JSON Lines by default, or HAR, with filters."""
        fake.post("/api/identify", IDENTIFY, key=key)
        fake.post("/api/identify", {}, key=key)
        assert b"".join(june.export(accepted=True)) == orjson.dumps(IDENTIFY) + b"\n"
        assert len(orjson.loads(b"".join(june.export("har")))["log"]["entries"]) == 2
        with pytest.raises(UsageError, match="jsonl or har"):
            list(june.export("csv"))


class TestFollowing:
    def test_calls_come_as_they_are_recorded(self, june, fake, key):
        """From a cursor on, then live; other workspaces' calls do not."""
        fake.post("/api/identify", IDENTIFY, key=key)
        followed = june.follow(after=0)
        assert next(followed).status == 200
        fake.post("/api/identify", IDENTIFY, key=f"other-{key}")
        fake.post("/api/track", b"{", key=key)
        assert next(followed).status == 400
        followed.close()
        until(lambda: not fake.mock.journal.listeners)

    def test_filters_apply(self, june, fake, key):
        """They are the control API's."""
        fake.post("/api/identify", IDENTIFY, key=key)
        fake.post("/api/track", TRACK, key=key)
        followed = june.follow(after=0, kind="track")
        assert next(followed).events[0].kind == "track"
        followed.close()
        with pytest.raises(UsageError, match="did you mean `kind`"):
            next(june.follow(kin="track"))

    def test_odd_texts_come_through(self, june, fake, key):
        """Line ends and U+2028 in a body do not break the stream."""
        body = '{\n"type":"identify",\r\n"userId":"1","traits":{"a":"\u2028\\n\\n\u0085"}\n\n}'.encode()
        fake.post("/api/identify", body, key=key)
        followed = june.follow(after=0)
        call = next(followed)
        followed.close()
        assert call.body == body
        assert call.events[0].payload["traits"] == {"a": "\u2028\n\n\u0085"}

    def test_a_broken_stream_is_taken_up_where_it_broke(self, connect):
        """The server goes and comes back with its journal: every call comes, each once."""
        mock = new_mock()
        server = Server(mock, listen("127.0.0.1", 0)).start()
        port, june = server.port, connect(server.url)
        posted = [httpx.post(f"{server.url}/api/identify", json=IDENTIFY, headers={"Authorization": "Basic a-key"}).status_code for _ in range(3)]
        followed = june.follow(after=0)
        seen = [next(followed).id for _ in range(3)]
        server.stop()
        server = Server(mock, listen("127.0.0.1", port)).start()
        posted += [httpx.post(f"{server.url}/api/identify", json=IDENTIFY, headers={"Authorization": "Basic a-key"}).status_code for _ in range(2)]
        seen += [next(followed).id for _ in range(2)]
        followed.close()
        server.stop()
        mock.journal.close()
        assert posted == [200] * 5
        assert seen == [1, 2, 3, 4, 5]

    def test_a_server_that_comes_back_with_a_fresh_record_is_read_from_its_beginning(self, connect):
        """Where ids begin anew, as after a restart without --journal, the first calls of the new record come too, though their ids have been seen."""
        mock = new_mock()
        server = Server(mock, listen("127.0.0.1", 0)).start()
        port, june = server.port, connect(server.url)

        def post(user: str) -> None:
            httpx.post(f"{server.url}/api/identify", json=IDENTIFY | {"userId": user}, headers={"Authorization": "Basic a-key"})

        post("before")
        followed = june.follow(after=0)
        seen = [next(followed).events[0].payload["userId"]]
        server.stop()
        mock.journal.close()
        mock = new_mock()
        server = Server(mock, listen("127.0.0.1", port)).start()
        for user in ("first", "second"):
            post(user)
        seen += [next(followed).events[0].payload["userId"] for _ in range(2)]
        followed.close()
        server.stop()
        mock.journal.close()
        assert seen == ["before", "first", "second"]

    def test_a_server_that_stays_away_ends_it(self, connect, monkeypatch):
        """After some tries the stream ends with UnreachableError."""
        monkeypatch.setattr("mock_june.client.following.TRIES", 2)
        face = FrontFace(new_mock())
        face.post("/api/identify", IDENTIFY, key="a-key")
        followed = connect(face.server.url).follow(after=0)
        next(followed)
        face.close()
        with pytest.raises(UnreachableError):
            next(followed)

    def test_discarded_calls_are_told(self, connect):
        """`missed` learns how many calls went before this reader came to them."""
        face = FrontFace(new_mock(journal=Journal.open(None, max_calls=5)))
        for _ in range(20):
            face.post("/api/identify", IDENTIFY, key="a-key")
        missed: list[int] = []
        followed = connect(face.server.url).follow(after=1, missed=missed.append)
        first = next(followed)
        followed.close()
        face.close()
        assert missed == [first.id - 2]

    def test_frames_may_be_cut_anywhere(self):
        """Byte by byte the same calls come out as at once."""
        call = b'{"id":7,"at":"","workspace":null,"method":"POST","path":"/","headers":{},"body":"","status":200,"code":null,"accepted":true,'
        call += b'"fault":null,"violations":[],"answer":null,"duration_ms":0.1,"events":[]}'
        text = b"retry: 1000\nid: 6\n: journal 4e1f\n\n: still here\nid: 6\n\nid: 7\nevent: call\ndata: " + call + b'\n\nevent: gap\ndata: {"missed":2}\n\n'
        missed: list[int] = []
        following = Following({}, None, missed.append)
        found = [call for place in range(len(text)) for call in following.calls(text[place : place + 1])]
        assert [call.id for call in found] == [7]
        assert missed == [2]
        headers = following.ask().headers
        assert (headers["Last-Event-ID"], headers["X-Mock-June-Journal"]) == ("7", "4e1f")


class Garbage(threading.Thread):
    """A server that answers every connection with the same bytes."""

    def __init__(self, answer: bytes) -> None:
        super().__init__(daemon=True)
        self.answer = answer
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.sock.getsockname()[1]}"
        self.start()

    def run(self) -> None:
        try:
            while True:
                connection, _ = self.sock.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(self.answer)
        except OSError:
            return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        self.join()


class TestErrors:
    def test_nobody_there(self, connect):
        """A closed port is an UnreachableError that says what to do, for every way of asking."""
        with socket.create_server(("127.0.0.1", 0)) as sock:
            port = sock.getsockname()[1]
        june = connect(f"http://127.0.0.1:{port}/")
        for ask in (june.health, june.calls, june.reset, lambda: next(june.follow()), lambda: list(june.export())):
            with pytest.raises(UnreachableError, match="mock-june serve") as caught:
                ask()
            assert caught.value.url == f"http://127.0.0.1:{port}"

    @pytest.mark.parametrize(
        "answer",
        [
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>",
            b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            b"HTTP/1.1 500 Oops\r\nContent-Length: 15\r\nConnection: close\r\n\r\n" + b'{"message":"x"}',
            b"SSH-2.0-OpenSSH_9.2\r\n",
            b"",
        ],
    )
    def test_somebody_else_there(self, connect, answer):
        """What is no mock-june is named so, whatever it says."""
        with Garbage(answer) as other:
            june = connect(other.url)
            for ask in (june.health, june.events, lambda: june.call(1)):
                with pytest.raises(UnreachableError):
                    ask()
            june.close()

    def test_what_the_mock_refuses_is_a_usage_error(self, june):
        """The mock's own words come through."""
        with pytest.raises(UsageError, match="did you mean `userId`"):
            june.calls(userid="1")
        with pytest.raises(UsageError, match="accepted"):
            june.calls(accepted="maybe")
        with pytest.raises(UsageError, match="status"):
            june.fail(200)

    def test_the_token_opens(self, connect):
        """Without the token the mock's refusal says what is missing; with it all is open."""
        face = FrontFace(new_mock(token="t0ken-t0ken"))
        with pytest.raises(UsageError, match="X-Mock-June-Token"):
            connect(face.server.url).health()
        with pytest.raises(UsageError, match="X-Mock-June-Token"):
            next(connect(face.server.url).follow())
        assert connect(face.server.url, token="t0ken-t0ken").health().status == "ok"
        face.close()

    def test_a_client_for_an_event_loop_is_let_in_where_this_one_is(self):
        """`aio` of either client passes on all that it takes to reach the mock: the key, the token, the trust, and what its test knows."""
        trust = ssl.create_default_context()
        june = MockJune("https://127.0.0.1:1", "a-key-of-mine", "t0ken", 3.0, trust)
        june.since, june.expected = 7, {1}
        loop = june.aio()
        for other in (loop, loop.aio()):
            assert isinstance(other, AsyncMockJune)
            assert {**vars(other), "_http": None, "_client": None} == {**vars(june), "_http": None, "_client": None}
        june.close()

    @pytest.mark.parametrize("url", ["127.0.0.1:5863", "ftp://x", "", "http://"])
    def test_a_url_that_is_none(self, connect, url):
        """It is refused before anything is sent."""
        with pytest.raises(UsageError, match="looks like http://"):
            connect(url)

    def test_an_empty_key_is_refused(self, connect):
        """Left away it means all workspaces; empty it means a mistake."""
        with pytest.raises(UsageError, match="not empty"):
            connect("http://127.0.0.1:1", "")

    def test_proxies_of_the_environment_are_never_used(self, connect, fake, monkeypatch):
        """A proxy that is set, and not there, does not matter."""
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        assert connect(fake.server.url).health().status == "ok"


def test_both_clients_have_the_same_methods():
    """Name for name and argument for argument, the async client is the blocking one."""

    def methods(kind: type) -> dict[str, list[str]]:
        return {name: list(inspect.signature(member).parameters) for name, member in vars(kind).items() if inspect.isfunction(member) and name[0] != "_"}

    assert methods(MockJune) == methods(AsyncMockJune)


def test_they_are_context_managers(fake):
    """Leaving the block closes the connections."""
    with MockJune(fake.server.url) as june:
        june.health()
    with pytest.raises(RuntimeError):
        june.health()

    async def use() -> None:
        async with AsyncMockJune(fake.server.url) as june:
            await june.health()
        with pytest.raises(RuntimeError):
            await june.health()

    asyncio.run(use())


def test_one_client_serves_many_threads(fake):
    """It may be shared."""
    june = MockJune(fake.server.url)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(june.health().status)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    june.close()
    assert found == ["ok"] * 8


def test_the_client_brings_no_server_along():
    """Importing it imports neither Flask nor uvicorn nor the engine."""
    code = "import sys, mock_june.client; print(sys.modules.keys() & {'flask', 'werkzeug', 'uvicorn', 'jsonschema_rs', 'pytest', 'mock_june.server'})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
