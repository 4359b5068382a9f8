"""JuneClient and its async twin: payloads as June's API takes them, and the retries that a sender owes its events."""

from __future__ import annotations

import asyncio
import base64
import inspect
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import pytest

from mock_june.client import AsyncJuneClient, JuneClient
from mock_june.client import payloads as payloads_of
from mock_june.errors import LostAnswerError, RefusedError, UnreachableError, UsageError
from tests.server.faces import TRACK

allow_rejected = pytest.mark.june(allow_rejected=True)
ENDLESS: list[Any] = []
ENDLESS.append(ENDLESS)


@contextmanager
def answering(*answers: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A server that gives each connection the next of these answers (b"" closes it), the last one for ever; and the requests that came."""
    came: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as sock:

        def serve() -> None:
            while True:
                try:
                    connection, _ = sock.accept()
                except OSError:
                    return
                with connection:
                    came.append(request(connection))
                    connection.sendall(answers[min(len(came), len(answers)) - 1])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{sock.getsockname()[1]}", came
        sock.shutdown(socket.SHUT_RDWR)
    thread.join()


def request(connection: socket.socket) -> bytes:
    """One request, its body whole."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    [length] = [int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answer(status: str, *headers: str, body: bytes = b"") -> bytes:
    """An answer that ends its connection."""
    return "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]).encode() + body


OK = answer("200 OK", body=b'{"status":200,"success":true}')


class TestPayloads:
    def test_each_kind(self, june, connect):
        """A payload is given whole, by its members, or both; `type` is filled in, and each goes where June takes it."""
        client = connect(june.url, june.key)
        client.identify({"userId": "1", "traits": {"plan": "free"}}, traits={"plan": "pro"})
        client.group(groupId="A", userId="1")
        client.track(TRACK)
        client.page(userId="1", properties={})
        client.batch([{"type": "identify", "userId": "2"}, {"type": "track", "userId": "2", "event": "Paid"}])
        assert [call.path for call in june.calls()] == ["/api/identify", "/api/group", "/api/track", "/sdk/page", "/sdk/batch"]
        june.assert_received("identify", userId="1", type="identify", traits={"plan": "pro"})
        june.assert_received("group", groupId="A", type="group")
        june.assert_received("track", timestamp=TRACK["timestamp"])
        june.assert_order("page", ("identify", {"userId": "2"}), ("track", {"event": "Paid"}))

    def test_moments(self, june, connect):
        """Aware datetimes, wherever they stand, become UTC as June takes it; dates stand as they are."""
        moment = datetime(2021, 2, 24, 2, 19, 38, 931000, timezone(timedelta(hours=1)))
        with_moments = {**TRACK, "timestamp": moment, "properties": {"paid": moment, "days": [date(2021, 2, 24)], "in": (moment,)}}
        connect(june.url, june.key).track(with_moments)
        written = "2021-02-24T01:19:38.931000Z"
        june.assert_received("track", timestamp=written, properties={"paid": written, "days": ["2021-02-24"], "in": [written]})

    def test_what_orjson_does_not_write(self, june, connect):
        """Integers beyond 64 bits and what nests deeply are sent as they are: the contract takes them."""
        deep: Any = 1
        for _ in range(400):
            deep = [deep]
        connect(june.url, june.key, validate=True).track({**TRACK, "properties": {"big": 2**64, "small": -(2**70), "deep": deep}})
        (call,) = june.calls()
        assert f'"big":{2**64},"small":{-(2**70)},"deep":[[['.encode() in call.body
        assert call.accepted

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"timestamp": datetime(2021, 2, 24)}, "/timestamp is 2021-02-24 00:00:00, which has no timezone.*moment.replace"),  # noqa: DTZ001
            ({"properties": {"revenue": Decimal("1.10")}}, r"/properties/revenue is a Decimal, Decimal\('1.10'\), which JSON has not; make it a str"),
            ({"properties": {"price": [float("nan")]}}, "/properties/price/0 is nan, which JSON has not"),
            ({"properties": {"price": float("inf")}}, "/properties/price is inf"),
            ({"properties": {"ids": {1}}}, "/properties/ids is a set"),
            ({"properties": {"big": 10**5000}}, "the payload is no JSON: "),
            ({"properties": {1: "one"}}, "/properties has a member named 1: names are strings in JSON"),
            ({"event": "\ud800"}, "the payload is no JSON: "),
            ({"properties": {"itself": ENDLESS}}, "the payload nests deeper than Python can follow; send it flatter"),
            ({"properties": b"bytes"}, "/properties is a bytes"),
        ],
    )
    def test_what_json_has_not(self, june, connect, fields, said):
        """It is refused with its place before anything is sent: no NaN becomes null, no local time UTC."""
        with pytest.raises(UsageError, match=said):
            connect(june.url, june.key).track({**TRACK, **fields})
        assert june.calls() == []

    def test_validate(self, june, connect):
        """With `validate`, what breaks the contract is refused unsent, with its violations; a good payload goes."""
        client = connect(june.url, june.key, validate=True)
        client.track(TRACK)
        with pytest.raises(RefusedError, match="not sent: /userId: userId is the number 7, not a String") as caught:
            client.track(TRACK, userId=7)
        assert [(violation.rule, violation.pointer) for violation in caught.value.violations] == [("track.userId.type", "/userId")]
        with pytest.raises(RefusedError) as caught:
            client.batch([{"type": "identify", "userId": "1"}, {"type": "track", "userId": "1"}])
        assert [violation.pointer for violation in caught.value.violations] == ["/batch/1/event"]
        assert len(june.calls()) == 1


class TestRefused:
    @allow_rejected
    def test_it_carries_the_violations(self, june, connect):
        """What the server refuses for good is tried once, and raises its violations, status and code."""
        slept: list[float] = []
        with pytest.raises(RefusedError, match="/userId: userId is the number 7") as caught:
            connect(june.url, june.key, slept).track(TRACK, userId=7)
        assert (caught.value.status, caught.value.code, [violation.rule for violation in caught.value.violations]) == (
            400,
            "invalid_payload",
            ["track.userId.type"],
        )
        assert (slept, len(june.calls())) == ([], 1)

    @allow_rejected
    def test_a_batch_is_refused_whole(self, june, connect):
        """One wrong event refuses its batch; the pointers say which."""
        with pytest.raises(RefusedError) as caught:
            connect(june.url, june.key).batch([{"type": "identify", "userId": "1"}, {"type": "track", "userId": "1"}])
        assert [violation.pointer for violation in caught.value.violations] == ["/batch/1/event"]
        june.assert_received(count=0)

    def test_a_wrong_key(self, june, connect):
        """401 is final."""
        with pytest.raises(RefusedError) as caught:
            connect(june.url, "another-key").identify(userId="1")
        assert (caught.value.status, caught.value.code) == (401, "unauthorized")

    @pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"errors": [{}]}', b'{"errors": 3}'])
    def test_an_answer_in_no_shape_of_ours(self, connect, body):
        """A refusal from something between, such as a proxy's page, is told by its status."""
        with answering(answer("403 Forbidden", body=body)) as (url, _), pytest.raises(RefusedError, match="answered 403") as caught:
            connect(url, "k").identify(userId="1")
        assert (caught.value.status, caught.value.violations) == (403, ())


class TestRetries:
    @pytest.mark.parametrize("status", [429, 500, 501, 502, 503, 504, 599])
    def test_what_passes_is_tried_again(self, june, connect, status):
        """429 and every 5xx are tried again, with a pause that grows."""
        slept: list[float] = []
        june.fail(status, times=3)
        connect(june.url, june.key, slept, backoff=0.5).identify(userId="1")
        june.assert_received("identify", count=1, attempts=4)
        assert len(slept) == 3
        assert all(low <= pause <= low + 0.5 for low, pause in zip([0.5, 1, 2], slept, strict=True))

    def test_it_gives_up(self, june, connect):
        """After `tries` in all the last refusal is raised."""
        june.fail(503, times=None)
        slept: list[float] = []
        with pytest.raises(RefusedError) as caught:
            connect(june.url, june.key, slept, tries=3).identify(userId="1")
        assert (caught.value.status, len(slept)) == (503, 2)
        june.assert_received("identify", count=0, attempts=3)

    def test_a_rate_limit_is_kept(self, june):
        """A real limit, with its real `Retry-After`, is waited for."""
        june.limit(2, per=1)
        with JuneClient(june.url, june.key) as client:
            for number in range(3):
                client.identify(userId=str(number))
        june.assert_received("identify", count=3, attempts=4)

    def test_retry_after_in_seconds(self, june, connect):
        """The pause is what the answer says."""
        june.fail(503, times=2, retry_after=7)
        slept: list[float] = []
        connect(june.url, june.key, slept).identify(userId="1")
        assert slept == [7.0, 7.0]

    def test_retry_after_as_a_date(self, connect):
        """A date is as good as seconds; one that has passed is no pause."""
        soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
        slept: list[float] = []
        passed = "Wed, 21 Oct 2015 07:28:00 GMT"
        answers = [answer("503 Busy", f"Retry-After: {soon}"), answer("429 Slow", f"Retry-After: {passed}"), answer("503 Busy", "Retry-After: 0.5"), OK]
        with answering(*answers) as (url, came):
            connect(url, "k", slept).identify(userId="1")
        assert len(came) == 4
        assert 25 < slept[0] <= 30
        assert slept[1:] == [0.0, 0.5]

    @pytest.mark.parametrize("value", ["soon", "-5", "", "nan", "Wed, 99 Oct 2015 07:28:00 GMT", "1" * 12])
    def test_retry_after_that_says_nothing(self, connect, value):
        """What cannot be read is passed over, and the pause grows as ever."""
        slept: list[float] = []
        with answering(answer("503 Busy", f"Retry-After: {value}"), OK) as (url, _):
            connect(url, "k", slept, backoff=0.5).identify(userId="1")
        assert 0.5 <= slept[0] <= 1

    def test_a_wait_that_is_too_long(self, connect):
        """Told to come back in an hour, it gives up at once, and the error says when to come back."""
        slept: list[float] = []
        with answering(answer("429 Slow", "Retry-After: 3600")) as (url, came), pytest.raises(RefusedError) as caught:
            connect(url, "k", slept).identify(userId="1")
        assert (caught.value.retry_after, slept, len(came)) == (3600.0, [], 1)

    def test_the_same_bytes_are_sent_again(self, connect):
        """A retry is the same call."""
        with answering(answer("503 Busy"), answer("503 Busy"), OK) as (url, came):
            connect(url, "k").track(TRACK)
        assert len(came) == 3
        assert len({call.partition(b"\r\n\r\n")[2] for call in came}) == 1

    def test_a_connection_that_is_refused(self, connect):
        """Nothing was sent, so it is tried again; in the end it is UnreachableError, and not a lost answer."""
        with socket.create_server(("127.0.0.1", 0)) as sock:
            port = sock.getsockname()[1]
        slept: list[float] = []
        with pytest.raises(UnreachableError, match="nothing of this call was sent") as caught:
            connect(f"http://127.0.0.1:{port}", "k", slept, tries=4).identify(userId="1")
        assert not isinstance(caught.value, LostAnswerError)
        assert len(slept) == 3

    def test_tries(self, connect):
        """Fewer than one is a mistake."""
        with pytest.raises(UsageError, match="tries must be 1 or more, not 0"):
            connect("http://127.0.0.1:1", "k", tries=0)


class TestLostAnswers:
    @pytest.mark.parametrize("how", ["reset", "close", "truncate"])
    def test_a_lost_answer_is_not_sent_again(self, june, connect, how):
        """The call may have been taken, and here it was: it raises, and nothing is doubled."""
        june.drop(how)
        slept: list[float] = []
        with pytest.raises(LostAnswerError, match="the call may have been taken"):
            connect(june.url, june.key, slept).track(TRACK, messageId="a")
        june.assert_received("track", count=1, attempts=1)
        assert slept == []

    def test_unless_it_is_to_be(self, june, connect):
        """With `retry_lost` it is sent again; what that doubles can be seen by its `messageId`."""
        june.drop("reset", times=2)
        connect(june.url, june.key, retry_lost=True).track(TRACK, messageId="a")
        june.assert_received("track", messageId="a", count=3)
        with pytest.raises(AssertionError, match="`messageId` came more than once"):
            june.assert_no_duplicates()

    def test_an_answer_that_takes_too_long(self, june, connect):
        """A call that is not answered within `timeout` is a lost one."""
        june.delay(5)
        with pytest.raises(LostAnswerError):
            connect(june.url, june.key, timeout=0.2).identify(userId="1")


class TestCredentials:
    @pytest.mark.parametrize("key", ["plain-key", "with:colon", "ключ", "with blank", base64.b64encode(b"a:b").decode(), base64.b64encode(b"ab").decode()])
    def test_every_key_arrives(self, june_server, connect, key):
        """Whatever the key, both contracts' calls land in its workspace."""
        with june_server.workspace(key) as june:
            client = connect(june.url, key)
            client.identify(userId="1")
            client.page(userId="1", properties={})
            assert [event.kind for event in june.events()] == ["identify", "page"]

    def test_as_june_takes_it(self):
        """The article's routes get the key as it stands, the SDKs' ones base64 of `key:`."""
        assert payloads_of.credentials("secret", "backfill") == "Basic secret"
        assert payloads_of.credentials("secret", "sdk") == f"Basic {base64.b64encode(b'secret:').decode()}"

    def test_an_empty_key(self, connect):
        """It is a mistake."""
        with pytest.raises(UsageError, match="not empty"):
            connect("http://127.0.0.1:1", "")


class TestClients:
    def test_proxies_are_not_asked_for_loopback(self, june, connect, monkeypatch):
        """A proxy in the environment is for other machines."""
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        connect(june.url, june.key).identify(userId="1")
        june.assert_received("identify")

    def test_proxies_are_asked_for_others(self, connect, monkeypatch):
        """A call to another machine goes by the environment's proxy."""
        with answering(OK) as (url, came):
            monkeypatch.setenv("http_proxy", url)
            monkeypatch.delenv("no_proxy", raising=False)
            monkeypatch.delenv("NO_PROXY", raising=False)
            connect("http://june.example", "k").identify(userId="1")
        assert came[0].startswith(b"POST http://june.example/api/identify ")

    def test_both_have_the_same_methods(self):
        """Name for name and argument for argument, but for the sort of `sleep`."""

        def methods(kind: type) -> dict[str, list[str]]:
            return {name: list(inspect.signature(member).parameters) for name, member in vars(kind).items() if inspect.isfunction(member) and name[0] != "_"}

        assert methods(JuneClient) == methods(AsyncJuneClient)
        assert list(inspect.signature(JuneClient).parameters) == list(inspect.signature(AsyncJuneClient).parameters)

    def test_they_are_context_managers(self, june):
        """Leaving the block closes the connections."""
        with JuneClient(june.url, june.key) as client:
            client.identify(userId="1")
        with pytest.raises(RuntimeError):
            client.identify(userId="1")

        async def use() -> None:
            async with AsyncJuneClient(june.url, june.key) as client:
                await client.identify(userId="1")
            with pytest.raises(RuntimeError):
                await client.identify(userId="1")

        asyncio.run(use())

    def test_many_at_once(self, june):
        """Calls that are under way together keep their own tries: in threads, and on one loop."""
        june.fail(503, times=10)
        with JuneClient(june.url, june.key, backoff=0.001, tries=20) as client:
            senders = [threading.Thread(target=client.identify, kwargs={"userId": str(number)}) for number in range(10)]
            for sender in senders:
                sender.start()
            for sender in senders:
                sender.join()
        june.assert_received("identify", count=10, attempts=20)
        june.fail(503, times=10)

        async def send() -> None:
            async with AsyncJuneClient(june.url, june.key, backoff=0.001, tries=20) as client:
                await asyncio.gather(*(client.group(groupId="A", userId=str(number)) for number in range(10)))

        asyncio.run(send())
        june.assert_received("group", count=10, attempts=20)

    def test_the_mock_has_one(self, june):
        """`june.client` sends to the test's own workspace, and that of `june.aio()` does."""

        async def send() -> None:
            async with june.aio() as other:
                assert other.env == june.env
                await other.client.identify(userId="2")

        june.client.identify(userId="1")
        asyncio.run(send())
        june.assert_order(("identify", {"userId": "1"}), ("identify", {"userId": "2"}))


def test_a_mock_of_all_workspaces_cannot_send(june):
    """Without a key there is nobody to send as: `client` and `env` say so."""
    from mock_june.client import AsyncMockJune, MockJune

    with MockJune(june.url) as everything:
        for ask in (lambda: everything.client, lambda: everything.env):
            with pytest.raises(UsageError, match="it needs a key"):
                ask()
    other: Any = AsyncMockJune(june.url)
    with pytest.raises(UsageError, match="it needs a key"):
        _ = other.client
    asyncio.run(other.close())
