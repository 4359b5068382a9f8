"""Long polls and the stream: on the loop over a socket, under Flask alone in the caller's thread, and their looks without either."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import orjson
import pytest

from mock_june.journal import Journal
from mock_june.model import ApiKey, Filter
from mock_june.server.control import live
from mock_june.server.control.feeds import Poll, Reader, Stream, rest
from mock_june.server.control.query import Question
from tests.server.faces import IDENTIFY, TRACK, FlaskFace, FrontFace, assert_refusal, connected, everything, new_mock, until


@pytest.fixture
def flask() -> Iterator[FlaskFace]:
    """Flask alone, with a journal of its own."""
    face = FlaskFace(new_mock())
    yield face
    face.close()


def basic(key):
    """The header that narrows to a key's workspace."""
    return [("Authorization", f"Basic {key}")]


def later(seconds, do, *args, **named) -> threading.Thread:
    """Does something in another thread after a while."""
    thread = threading.Timer(seconds, do, args, named)
    thread.daemon = True
    thread.start()
    return thread


class Frames:
    """A stream read frame by frame off a socket: comments and frames without data are kept apart."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.answer = answer
        self.quiet: list[dict[str, str]] = []

    def next(self) -> dict[str, str]:
        """The next frame that has an event."""
        while True:
            fields: dict[str, str] = {}
            while (line := self.answer.readline()) not in (b"\n", b""):
                name, _, value = line.decode().rstrip("\n").partition(": ")
                fields[name] = value
            if "event" in fields:
                return fields
            if not fields:
                raise EOFError
            self.quiet.append(fields)

    def calls(self, count: int) -> list[Any]:
        """The next calls."""
        frames = [self.next() for _ in range(count)]
        assert {frame["event"] for frame in frames} == {"call"}
        shown = [orjson.loads(frame["data"]) for frame in frames]
        assert [call["id"] for call in shown] == [int(frame["id"]) for frame in frames]
        return shown


@contextmanager
def streaming(face: FrontFace, path: str = "/_mock/stream", headers: Any = ()) -> Iterator[Frames]:
    """An open stream; its first bytes have come."""
    with closing(http.client.HTTPConnection("127.0.0.1", face.port, timeout=10)) as connection:
        connection.request("GET", path, headers=dict(headers))
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
        frames = Frames(answer)
        assert answer.readline() == b"retry: 1000\n"
        assert answer.readline().startswith(b"id: ")
        assert answer.readline() == b": journal " + face.mock.journal.id.encode() + b"\n"
        answer.readline()
        yield frames


class TestPolls:
    @pytest.mark.parametrize("what", ["calls", "events"])
    def test_it_answers_as_soon_as_enough_match(self, face, key, what):
        """A poll for two is held while there is one, and answered when the second comes."""
        face.post("/api/identify", IDENTIFY, key=key)
        later(0.3, face.post, "/api/identify", IDENTIFY, key=key)
        began = time.monotonic()
        reply = face.send("GET", f"/_mock/{what}?count=2&wait=10&kind=identify", headers=basic(key))
        assert 0.2 < time.monotonic() - began < 3
        assert reply.headers["cache-control"] == "no-store"
        assert reply.json["complete"] is True
        assert len(reply.json[what]) == 2

    def test_what_is_there_is_answered_at_once(self, face, key):
        """A poll that is complete from the start waits for nothing."""
        face.post("/api/identify", IDENTIFY, key=key)
        began = time.monotonic()
        assert face.send("GET", "/_mock/events?count=1&wait=30", headers=basic(key)).json["complete"] is True
        assert time.monotonic() - began < 3

    def test_when_its_time_is_over_it_shows_what_came(self, face, key):
        """Incomplete, with what there is, after `wait` seconds; other workspaces' calls count for nothing."""
        face.post("/api/identify", IDENTIFY, key=key)
        later(0.1, face.post, "/api/identify", IDENTIFY, key=f"other-{key}")
        began = time.monotonic()
        reply = face.send("GET", "/_mock/events?count=2&wait=0.5", headers=basic(key))
        assert 0.4 < time.monotonic() - began < 3
        assert reply.json["complete"] is False
        assert len(reply.json["events"]) == 1

    def test_count_without_wait_only_says(self, face, key):
        """`count` alone adds `complete`; without `count` there is no such member."""
        assert face.send("GET", "/_mock/calls?count=1", headers=basic(key)).json == {"calls": [], "next": None, "complete": False}
        assert face.send("GET", "/_mock/calls", headers=basic(key)).json == {"calls": [], "next": None}

    def test_more_than_a_page_can_be_waited_for(self, face, key):
        """The count goes beyond the page: `limit` shows the first, `next` goes on."""
        for _ in range(5):
            face.post("/api/identify", IDENTIFY, key=key)
        reply = face.send("GET", "/_mock/events?count=5&wait=5&limit=2", headers=basic(key)).json
        assert (reply["complete"], len(reply["events"]), reply["next"]) == (True, 2, reply["events"][1]["id"])

    def test_a_poll_counts_from_its_cursor(self, face, key):
        """What came up to `after` does not count."""
        face.post("/api/identify", IDENTIFY, key=key)
        last = face.send("GET", "/_mock/events", headers=basic(key)).json["events"][-1]["id"]
        assert face.send("GET", f"/_mock/events?count=1&wait=0.2&after={last}", headers=basic(key)).json["complete"] is False

    def test_many_polls_hold_up_nobody(self, front, key):
        """While 40 polls are held, a call and a question are answered at once (threat H5)."""
        answers: list[Any] = []

        def ask() -> None:
            answers.append(front.send("GET", "/_mock/events?count=1&wait=20", headers=basic(key)).json["complete"])

        threads = [threading.Thread(target=ask) for _ in range(40)]
        for thread in threads:
            thread.start()
        until(lambda: len(front.mock.journal.listeners) >= 40)
        began = time.monotonic()
        assert front.send("GET", "/_mock/health", headers=basic(key)).status == 200
        assert front.post("/api/identify", IDENTIFY, key=key).status == 200
        assert time.monotonic() - began < 5
        for thread in threads:
            thread.join(10)
        assert answers == [True] * 40
        until(lambda: not front.mock.journal.listeners)

    def test_a_client_that_goes_is_forgotten(self, front, key):
        """A poll whose client hangs up leaves nothing behind."""
        before = len(front.mock.journal.listeners)
        with connected(front.port) as sock:
            sock.sendall(f"GET /_mock/events?count=1&wait=60 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {key}\r\n\r\n".encode())
            until(lambda: len(front.mock.journal.listeners) == before + 1)
        until(lambda: len(front.mock.journal.listeners) == before)

    def test_a_filter_that_costs_too_much_is_refused(self, face, monkeypatch):
        """What the journal refuses only when it is asked is a 400 too, held or not, streamed or not."""
        monkeypatch.setattr("mock_june.journal.search.MOST_PATHS", 0)
        face.post("/api/identify", IDENTIFY, key="any-key")
        for path in ("calls?path=*a*", "events?path=*a*&count=5&wait=5", "stream?path=*a*", "export?path=*a*"):
            assert_refusal(face.send("GET", f"/_mock/{path}"), 400, "invalid_request")


class CountedJournal:
    """A journal that remembers from where it was asked to count."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.counted: list[tuple[int, int]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def count_events(self, where: Filter, after: int, most: int) -> int:
        """Counts, and remembers."""
        self.counted.append((after, most))
        return self._journal.count_events(where, after, most)


class TestLooks:
    def test_a_waiting_poll_counts_only_what_is_new(self, flask, key):
        """Each look begins where the last ended and counts no further than is missing; the whole is counted once at first and once to be sure."""
        journal = CountedJournal(flask.mock.journal)
        poll = Poll(journal, "events", Question(Filter(kind="identify"), count=3, wait=1.0))  # type: ignore[arg-type]
        assert not poll.look()
        for _ in range(2):
            flask.post("/api/identify", IDENTIFY, key=key)
            flask.post("/api/track", TRACK, key=key)
            assert not poll.look()
        assert not poll.look()
        flask.post("/api/identify", IDENTIFY, key=key)
        assert poll.look()
        assert journal.counted == [(0, 3), (0, 3), (2, 2), (4, 1), (4, 1), (0, 3)]

    def test_what_was_deleted_meanwhile_does_not_count(self, flask, key):
        """A reset while a poll waits begins its count anew."""
        poll = Poll(flask.mock.journal, "calls", Question(Filter(), count=2, wait=1.0))
        flask.post("/api/identify", IDENTIFY, key=key)
        assert not poll.look()
        flask.mock.reset(None)
        flask.post("/api/identify", IDENTIFY, key=key)
        assert not poll.look()
        flask.post("/api/identify", IDENTIFY, key=key)
        assert poll.look()

    def test_looks_are_few(self):
        """At least 5 ms for each waiter lie between two, nine times what a look took, and never more than half a second."""
        assert rest(0.0, 1) == 0.005
        assert rest(0.0, 16) == pytest.approx(0.08)
        assert rest(0.01, 1) == pytest.approx(0.09)
        assert rest(10.0, 1) == rest(0.0, 1000) == 0.5

    def test_a_busy_journal_is_not_looked_at_all_the_time(self, make_front, monkeypatch):
        """While 10 polls wait and a call comes every 2 ms, they look a few times, not after each."""
        looks: list[int] = []
        look = Poll.look
        monkeypatch.setattr(Poll, "look", lambda poll: looks.append(1) or look(poll))
        front = make_front()
        threads = [threading.Thread(target=front.send, args=("GET", "/_mock/events?count=1000&wait=1.5")) for _ in range(10)]
        for thread in threads:
            thread.start()
        until(lambda: len(front.mock.journal.listeners) == 10)
        end = time.monotonic() + 1
        posted = 0
        while time.monotonic() < end:
            posted += front.post("/api/identify", IDENTIFY, key="a-key").status == 200
            time.sleep(0.002)
        for thread in threads:
            thread.join()
        assert posted > 50
        assert len(looks) <= 1.5 * 200 + 20

    def test_a_wake_is_prompt(self, front, key):
        """A poll that has waited a while answers at once when it can: the rest is counted from its last look."""
        took = []
        for number in range(10):
            thread = threading.Thread(target=front.send, args=("GET", f"/_mock/events?count={number + 1}&wait=5", b"", basic(key)))
            thread.start()
            time.sleep(0.05)
            began = time.monotonic()
            front.post("/api/identify", IDENTIFY, key=key)
            thread.join()
            took.append(time.monotonic() - began)
        assert sorted(took)[5] < 0.1

    def test_steps_hold_few_bytes(self, flask, key):
        """Small rows are read by the hundred, large ones a few at a time, so a reader that never reads costs a step (threat R2)."""
        for _ in range(150):
            flask.post("/api/identify", IDENTIFY, key=key)
        for _ in range(20):
            flask.post("/api/identify", {**IDENTIFY, "traits": {"x": "y" * 200_000}}, key=key)
        reader = Reader(flask.mock.journal.calls, Filter(), 0)
        steps = [len(reader.step()) for _ in range(10)]
        assert steps[:4] == [8, 16, 32, 64]
        assert steps[4] <= 128
        assert max(steps[5:]) <= 2


class TestStream:
    def test_it_begins_at_now_and_shows_each_call(self, front, key):
        """What is recorded after the stream began comes, whole and in order, accepted or not; what was before does not."""
        front.post("/api/identify", IDENTIFY, key=key)
        with streaming(front, headers=basic(key)) as frames:
            front.post("/api/track", TRACK, key=key)
            front.post("/api/track", b"{", key=key)
            calls = frames.calls(2)
        assert [call["status"] for call in calls] == [200, 400]
        assert calls[0] == front.send("GET", f"/_mock/calls/{calls[0]['id']}").json

    def test_it_is_prompt(self, front, key):
        """A call is on the stream within a moment."""
        with streaming(front, headers=basic(key)) as frames:
            time.sleep(0.2)
            began = time.monotonic()
            front.post("/api/identify", IDENTIFY, key=key)
            frames.calls(1)
        assert time.monotonic() - began < 1

    def test_it_resumes_without_a_gap(self, front, key):
        """With `Last-Event-ID`, or `after`, it goes on behind that call: nothing is missed, nothing comes twice."""
        for _ in range(20):
            front.post("/api/identify", IDENTIFY, key=key)
        ids = [call.id for call in front.calls(key)]
        with streaming(front, headers=[*basic(key), ("Last-Event-ID", str(ids[4]))]) as frames:
            assert [call["id"] for call in frames.calls(15)] == ids[5:]
        with streaming(front, f"/_mock/stream?after={ids[4]}", [*basic(key), ("Last-Event-ID", str(ids[17]))]) as frames:
            assert [call["id"] for call in frames.calls(2)] == ids[18:]
        with streaming(front, "/_mock/stream?after=0", basic(key)) as frames:
            assert [call["id"] for call in frames.calls(20)] == ids

    def test_a_cursor_of_another_journal_is_none(self, front, key):
        """Who comes back with the cursor of a journal that is no more, as after a restart, gets all that is on record here."""
        for _ in range(3):
            front.post("/api/identify", IDENTIFY, key=key)
        last = front.mock.journal.last_id
        for journal, first in ((front.mock.journal.id, last), ("of another", last - 2)):
            with streaming(front, headers=[*basic(key), ("Last-Event-ID", str(last - 1)), ("X-Mock-June-Journal", journal)]) as frames:
                assert frames.next()["id"] == str(first)

    def test_the_first_frame_says_where_it_stands(self, front, key):
        """Who is cut off before the first call can still come back without a gap: the cursor comes first."""
        with closing(http.client.HTTPConnection("127.0.0.1", front.port, timeout=10)) as connection:
            connection.request("GET", "/_mock/stream", headers=dict(basic(key)))
            answer = connection.getresponse()
            cursor = [answer.readline() for _ in range(2)][1].decode().removeprefix("id: ").strip()
        front.post("/api/identify", IDENTIFY, key=key)
        with streaming(front, headers=[*basic(key), ("Last-Event-ID", cursor)]) as frames:
            assert len(frames.calls(1)) == 1

    def test_it_is_filtered_and_narrowed(self, front, key):
        """Filters are those of the calls; a narrowed stream shows its own workspace alone."""
        with streaming(front, "/_mock/stream?kind=track&accepted=true", basic(key)) as frames:
            front.post("/api/track", TRACK, key=f"other-{key}")
            front.post("/api/identify", IDENTIFY, key=key)
            front.post("/api/track", {**TRACK, "event": ""}, key=key)
            front.post("/api/track", TRACK, key=key)
            [call] = frames.calls(1)
        assert call["workspace"] == front.mock.workspace(ApiKey(key))
        assert call["events"][0]["payload"] == TRACK

    def test_a_call_is_one_line(self, front, key):
        """A body with line ends of its own, and U+2028 in a text, does not break the frame."""
        pretty = b'{\r\n"type": "identify",\n"userId": "1",\r"traits": {"a": "b\xe2\x80\xa8c"}\n}'
        with streaming(front, headers=basic(key)) as frames:
            front.post("/api/identify", pretty, key=key)
            [call] = frames.calls(1)
        assert call["body"].encode() == pretty
        assert call["events"][0]["payload"]["traits"] == {"a": "b\u2028c"}

    def test_a_quiet_stream_shows_that_it_lives(self, front, key, monkeypatch):
        """A comment and the cursor come when nothing else does, and the cursor has moved over what did not match."""
        monkeypatch.setattr(live, "HEARTBEAT", 0.2)
        with streaming(front, headers=basic(key)) as frames:
            front.post("/api/identify", IDENTIFY, key=f"other-{key}")
            other = front.mock.journal.last_id
            time.sleep(0.7)
            front.post("/api/identify", IDENTIFY, key=key)
            frames.calls(1)
        assert len(frames.quiet) >= 2
        assert frames.quiet[-1] == {"": "still here", "id": str(other)}

    def test_discarded_calls_are_told_as_a_gap(self, make_front):
        """A reader that comes too late for calls that went to keep to the limit is told how many they were."""
        front = make_front(journal=Journal.open(None, max_calls=5))
        for _ in range(3):
            front.post("/api/identify", IDENTIFY, key="a-key-of-ours")
        for _ in range(20):
            front.post("/api/identify", IDENTIFY, key="a-key-of-ours")
        first, last = front.mock.journal.first_id, front.mock.journal.last_id
        with streaming(front, headers=[("Last-Event-ID", "2")]) as frames:
            gap = frames.next()
            ids = [call["id"] for call in frames.calls(last - first + 1)]
        assert (gap["event"], orjson.loads(gap["data"])) == ("gap", {"missed": first - 3})
        assert ids == list(range(first, last + 1))

    def test_no_gap_is_told_where_there_is_none(self, flask, key):
        """From the oldest on, from now on, and from a cursor of another journal, nothing was missed."""
        for _ in range(3):
            flask.post("/api/identify", IDENTIFY, key=key)
        flask.mock.reset(None)
        flask.post("/api/identify", IDENTIFY, key=key)
        for after in (0, 10**12):
            chunk = Stream(flask.mock.journal, Question(Filter(), after=after)).read()
            assert chunk.startswith(b"id: 4\nevent: call\n")
        assert Stream(flask.mock.journal, Question(Filter(), after=None)).read() == b""

    def test_what_is_lost_between_two_reads_is_a_gap(self, flask, key):
        """Calls that came and went while a reader was slow are counted, those that it got are not."""
        stream = Stream(flask.mock.journal, Question(Filter(), after=None))
        for _ in range(3):
            flask.post("/api/identify", IDENTIFY, key=key)
        flask.mock.reset(None)
        flask.post("/api/identify", IDENTIFY, key=key)
        assert stream.read().startswith(b'event: gap\ndata: {"missed":3}\n\nid: 4\nevent: call\n')
        assert stream.read() == b""

    def test_a_reader_that_never_reads_holds_up_nobody(self, front, key, monkeypatch):
        """Nothing queues up for it: the journal is read no further than the socket takes (threat R2)."""
        made: list[int] = []
        read = Stream.read

        def counted(stream: Stream) -> bytes:
            chunk = read(stream)
            made.append(len(chunk))
            return chunk

        monkeypatch.setattr(Stream, "read", counted)
        before = len(front.mock.journal.listeners)
        big = {**IDENTIFY, "traits": {"x": "y" * 500_000}}
        with closing(socket.socket()) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.settimeout(10)
            sock.connect(("127.0.0.1", front.port))
            sock.sendall(f"GET /_mock/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {key}\r\n\r\n".encode())
            until(lambda: len(front.mock.journal.listeners) == before + 1)
            for _ in range(40):
                assert front.post("/api/identify", big, key=key).status == 200
            began = time.monotonic()
            assert front.send("GET", "/_mock/health", headers=basic(key)).json["calls"] == 40
            assert time.monotonic() - began < 5
            time.sleep(0.5)
        assert sum(made) < 20_000_000 < 40 * 2 * 500_000, "of 40 MB no more was made than a socket holds"
        until(lambda: len(front.mock.journal.listeners) == before)

    def test_every_open_stream_gets_every_call(self, front, key):
        """Sixteen tabs hold up nobody and see the same (threat H5)."""
        with ExitStack() as stack:
            streams = [stack.enter_context(streaming(front, headers=basic(key))) for _ in range(16)]
            for _ in range(3):
                front.post("/api/identify", IDENTIFY, key=key)
            seen = [[call["id"] for call in frames.calls(3)] for frames in streams]
        assert all(ids == seen[0] for ids in seen)

    def test_a_stopping_server_ends_what_it_holds(self, make_front):
        """Polls answer with what there is, streams end, and the server is gone within a moment."""
        front = make_front()
        with connected(front.port) as poll, connected(front.port) as stream:
            poll.sendall(b"GET /_mock/events?count=1&wait=60 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            stream.sendall(b"GET /_mock/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            until(lambda: len(front.mock.journal.listeners) == 2)
            began = time.monotonic()
            front.server.stop()
            assert time.monotonic() - began < 2
            assert b'"complete":false' in everything(poll)
            assert everything(stream).endswith(b"0\r\n\r\n")


class TestFlaskAlone:
    def test_the_stream_runs_in_the_callers_thread(self, flask, key):
        """Without the front the same frames come from a generator; closing it leaves nothing behind."""
        with flask.app.test_client() as client:
            answer = client.get("/_mock/stream", headers=basic(key), buffered=False)
            chunks = iter(answer.response)
            assert next(chunks) == b"retry: 1000\nid: 0\n: journal " + flask.mock.journal.id.encode() + b"\n\n"
            flask.post("/api/identify", IDENTIFY, key=key)
            assert bytes(next(chunks)).startswith(b"id: 1\nevent: call\ndata: {")
            later(0.2, flask.post, "/api/identify", IDENTIFY, key=key)
            assert bytes(next(chunks)).startswith(b"id: 2\nevent: call\ndata: {")
            answer.close()
        assert not flask.mock.journal.listeners

    def test_its_heartbeat_comes_too(self, flask, key, monkeypatch):
        """A quiet stream shows that it lives."""
        monkeypatch.setattr(live, "HEARTBEAT", 0.05)
        chunks = live.chunks(flask.mock.journal, Stream(flask.mock.journal, Question(Filter(), after=None)))
        next(chunks)
        assert next(chunks) == b": still here\nid: 0\n\n"
        chunks.close()  # type: ignore[attr-defined]
