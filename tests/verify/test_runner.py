"""How a server is held to promises: within what was announced, within a time, whatever it answers."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest

from contract_tests import runner as running
from contract_tests.cases import COLON
from contract_tests.runner import Runner, UnreachableError
from contract_tests.server import MOST_READ, NO_JSON, Answer, OverBudgetError, Request, Server
from contract_tests.suite import promises
from mock_june.server.answers import Answer as Given
from tests.verify import wrong_servers
from tests.verify.conftest import hold, listening, served, thinned
from tests.verify.wrong_servers import KEY, URL

ASKED = Request("POST", "/api/identify", (("Authorization", f"Basic {KEY}"),), b'{"type":"identify","userId":"1"}')
FEW = thinned(sdk=False, drawn=0, few=3)


def http(status: int, body: bytes = b"", *more: str) -> bytes:
    """An answer's bytes."""
    return "\r\n".join([f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Content-Type: application/json", *more, "", ""]).encode() + body


GOOD = http(200, b'{"status":200,"success":true}')


class TestPromises:
    @pytest.mark.parametrize("sdk", [False, True], ids=["backfill", "sdk"])
    def test_list(self, sdk):
        """Each promise has an id of its own, a text, a source and cases; what it leans on is a promise too, and is tried before it."""
        seen: set[str] = set()
        for promise in promises(with_sdk=sdk, drawn=0):
            assert promise.id not in seen
            assert promise.text
            assert promise.quote
            assert promise.cases
            assert set(promise.unless) <= seen
            assert {case.unless for case in promise.cases} - {""} <= seen
            seen.add(promise.id)

    def test_rows_of_the_article(self):
        """The promises of a member quote its row of the article's field table."""
        quotes = {promise.id: promise.quote for promise in promises(drawn=0)}
        row = "timestamp | required, ISO format with timezone set to UTC | String | The time at which the user performed the event"
        assert {name for name, quote in quotes.items() if quote == row} == {
            "backfill.track.timestamp.accepted",
            *(f"backfill.track.timestamp.{keyword}.refused" for keyword in ("required", "type", "pattern")),
        }

    def test_drawn(self):
        """More examples are more cases, the same ones each time."""
        few, many = promises(drawn=1), promises(drawn=20)
        assert sum(len(each.cases) for each in many) > sum(len(each.cases) for each in few) + 300
        again = promises.__wrapped__(drawn=1)
        assert [[case.payload for case in each.cases] for each in again] == [[case.payload for case in each.cases] for each in few]


class TestBudget:
    def test_never_more_than_announced(self):
        """A server that is wrong in everything is sent no more than was announced, either."""
        held = hold(lambda asked: Given(500, b"no"), promises(drawn=1))
        assert held.sent == held.seen <= held.most
        assert not held.ids("kept")

    def test_enforced(self):
        """What would be one request too many is not sent."""
        transport = wrong_servers.Server()
        with Server(URL, KEY, most=1, transport=transport) as server:
            assert server.send(ASKED).status == 200
            with pytest.raises(OverBudgetError, match="1 requests were announced"):
                server.send(ASKED)
        assert transport.count == 1

    def test_shortening_is_bounded(self, monkeypatch):
        """Once the requests for shortening are used up, what breaks a promise is shown as it was found."""
        monkeypatch.setattr(running, "SHORTENING", 0)
        held = hold(lambda asked: asked.with_body({"status": 200, "success": True}) if not asked.ok else asked.right, FEW)
        assert held.sent == held.seen <= held.most


class TestShortest:
    def test_payload(self):
        """What shows a broken promise has no member that it needs not."""
        held = hold(lambda asked: asked.blind("track.email.type", asked.payload.get("email") == 1), FEW)
        breach = held.results["backfill.track.email.type.refused"].breach
        sent = json.loads(breach.curl.partition("--data-raw ")[2].strip("'"))
        assert sent == {"type": "track", "event": "Registered", "userId": "1", "timestamp": "2021-02-24T01:19:38.931Z", "email": 1}

    def test_text(self):
        """Of a long text, as much is left as shows it."""
        whole = thinned(sdk=False, drawn=0, few=3, whole=frozenset({"backfill.track.event.accepted"}))
        held = hold(lambda asked: asked.refused(len(str(asked.payload.get("event"))) > 100), whole)
        breach = held.results["backfill.track.event.accepted"].breach
        sent = json.loads(breach.curl.partition("--data-raw ")[2].strip("'"))
        assert len(sent["event"]) == 101

    def test_batch(self):
        """Of a batch, the good messages go."""
        whole = thinned(sdk=True, drawn=0, few=3, whole=frozenset({"sdk.batch.accepted"}))
        held = hold(lambda asked: asked.refused("screen" in str(asked.payload.get("batch"))), whole)
        assert json.loads(held.results["sdk.batch.accepted"].breach.curl.partition("--data-raw ")[2].strip("'")) == {
            "batch": [{"type": "screen", "userId": "1"}]
        }


class TestWhoCalls:
    def test_another_spelling(self):
        """A server that takes the key in one spelling alone is asked in that one, and is wrong in the others."""
        change = lambda asked: asked.right if wrong_servers.decoded(asked) == f"{KEY}:" or not asked.ok else wrong_servers.keyed(asked, "Basic x")  # noqa: E731
        assert hold(change, FEW).ids("broken") == {"auth.key.accepted", "auth.base64.accepted", "auth.scheme-case.accepted"}

    def test_wrong_key(self):
        """With a key that the server does not take, nothing but that is said."""
        held = hold(lambda asked: wrong_servers.keyed(asked, "Basic x"), FEW)
        assert held.ids("broken") == {"auth.key.accepted", "auth.base64-colon.accepted", "auth.base64.accepted", "auth.scheme-case.accepted"}
        assert all(each.promise.id.startswith("auth.") or each.state == "implied" for each in held.results.values())

    def test_any_key(self):
        """With `any_key` no wrong key is sent, nor the spelling that only a known key can be told from."""
        skipped = {promise.id for promise in promises(any_key=True, with_sdk=True, drawn=0) if promise.skip}
        assert skipped == {"auth.base64.accepted", "auth.wrong-key.refused", "sdk.write-key.refused"}

    @pytest.mark.parametrize("key", ["", " k", "k\n", "k\x00", "schl\xfcssel"])
    def test_no_key(self, key):
        """A key that no header can hold is refused."""
        with pytest.raises(ValueError, match="printable ASCII"):
            Server(URL, key)

    @pytest.mark.parametrize("url", ["", "127.0.0.1:5863", "ftp://x", "http://", "http:///x"])
    def test_no_url(self, url):
        """So is a URL that is none of HTTP's."""
        with pytest.raises(ValueError, match="looks like http"):
            Server(url, KEY)


def ask(url: str, *, seconds: float = 1.0) -> tuple[Answer, float]:
    """One answer, and how long it took."""
    with Server(url, KEY, most=5, seconds=seconds) as server:
        began = time.monotonic()
        return server.send(ASKED), time.monotonic() - began


class TestOddServers:
    def test_none(self):
        """Where nothing listens, nothing is verified."""
        with Server("http://127.0.0.1:1", KEY) as server, pytest.raises(UnreachableError, match="refused"):
            Runner(server, FEW).keep(FEW[0])

    def test_silent(self):
        """A server that never answers is waited for as long as a request may take."""
        with served(lambda _: None) as url:
            answer, took = ask(url, seconds=0.3)
        assert answer.status == 0
        assert "no answer" in answer.error
        assert took < 1.5

    @pytest.mark.parametrize("where", ["head", "body"])
    def test_dripping(self, where):
        """So is one that answers a byte at a time, in the head or in the body."""
        said = http(200, b"", "X: " + "a" * 500) if where == "head" else b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + b"a" * 500
        with served(lambda _: said, drip=0.05) as url:
            answer, took = ask(url, seconds=0.5)
        assert answer.status == 0
        assert took < 1.5

    def test_endless(self):
        """Of an answer that does not end, the beginning is read."""
        with served(lambda _: b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * (4 * MOST_READ)) as url:
            answer, _ = ask(url)
        assert len(answer.body) == MOST_READ

    def test_closing(self):
        """A server that closes the connection after each answer, without a word of it, is asked on a new one."""
        with listening(lambda asked: asked.right, close=True) as url, Server(url, KEY) as server:
            runner = Runner(server, FEW)
            assert {result.state for result in runner.results()} == {"kept"}
        assert server.sent <= runner.most

    def test_hanging_up(self):
        """One that closes each connection without an answer is asked twice, and no more."""
        asked = []
        with served(lambda request: asked.append(request) or b"", close=True) as url, Server(url, KEY, most=9) as server:
            answer = server.send(ASKED)
        assert answer.error.startswith("the connection broke")
        assert len(asked) == server.sent == 2

    def test_rate_limit(self):
        """A server that says 429 now and then is given the time that it asks for."""
        counted = []

        def answer(_: bytes) -> bytes:
            counted.append(1)
            return http(429, b"", "Retry-After: 0") if len(counted) == 2 else GOOD

        with served(answer) as url, Server(url, KEY, most=9) as server:
            assert [server.send(ASKED).status for _ in range(3)] == [200, 200, 200]
            assert server.sent == 4

    def test_always_too_many(self):
        """One that says nothing but 429 is not waited for for ever."""
        with served(lambda _: http(429, b"", "Retry-After: 0")) as url, Server(url, KEY) as server:
            runner = Runner(server, FEW)
            results = list(runner.results())
        assert any(result.breach is not None and "came 429" in result.breach.problem for result in results)
        assert server.sent <= runner.most

    @pytest.mark.parametrize("said", [b"220 smtp ready\r\n", b"\x00" * 100, b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", b"HTTP/9.9 OK\r\n\r\n"])
    def test_no_http(self, said):
        """What is no HTTP is no answer."""
        with served(lambda _: said) as url:
            answer, _ = ask(url)
        assert answer.status == 0
        assert answer.error

    @pytest.mark.parametrize("body", [b"", b"<html>", b"NaN", b"[" * 5000, b"\xff", b"1" * 5000])
    def test_no_json(self, body):
        """What is no JSON is told from what is."""
        assert Answer(200, {}, body).json is NO_JSON

    def test_redirect(self):
        """A redirect is no acceptance, and is not followed."""
        with served(lambda _: http(302, b"", "Location: /elsewhere")) as url, Server(url, KEY) as server:
            runner = Runner(server, FEW)
            result = next(each for each in runner.results() if each.promise.id == "backfill.identify.sample.accepted")
        assert result.state == "broken"
        assert "came 302" in result.breach.problem

    def test_dies(self):
        """A server that dies on a request has broken that promise; what comes after is told as not tried, without asking long."""

        def answer(request: bytes) -> bytes | None:
            dead.extend([1] if b"/nothing" in request else [])
            return None if dead else GOOD

        dead: list[int] = []
        with served(answer) as url, Server(url, KEY, seconds=0.2) as server:
            began = time.monotonic()
            results = {each.promise.id: each for each in Runner(server, FEW).results()}
        assert results["http.path.refused"].breach.problem == "wanted 404, came no answer within 0.2 s"
        untried = [each for each in results.values() if each.state == "untried"]
        assert len(untried) > 50
        assert {each.why for each in untried} == {"the server answers no more"}
        assert time.monotonic() - began < 5

    def test_hangs_now_and_then(self):
        """One that hangs on some requests alone is asked on."""

        def answer(request: bytes) -> bytes | None:
            return None if b"GET /" in request else GOOD

        with served(answer) as url, Server(url, KEY, seconds=0.2) as server:
            results = {each.promise.id: each for each in Runner(server, FEW).results()}
        assert results["http.method.refused"].state == "broken"
        assert results["backfill.identify.sample.accepted"].state == "kept"

    def test_slow(self):
        """A server that takes long for each answer is given up at the end of the time."""

        def change(asked):
            time.sleep(0.02)
            return asked.right

        began = time.monotonic()
        held = hold(change, [replace(each, cases=each.cases[:1]) for each in FEW], seconds=-20.0 * 0.02 * 30)
        assert held.ids("untried")
        assert time.monotonic() - began < 10

    def test_compressed_and_told_otherwise(self):
        """An answer is taken as it comes: nothing is unpacked."""
        with served(lambda _: http(200, b"\x1f\x8b\x08", "Content-Encoding: gzip")) as url:
            assert ask(url)[0].body == b"\x1f\x8b\x08"


def test_base64_of_the_key():
    """The spellings are those that June's clients have."""
    assert COLON.value("key") == "Basic a2V5Og=="
