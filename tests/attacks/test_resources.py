"""Resources (THREATS.md, R): what many calls, slow readers, large batches and odd questions may cost."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import orjson
import pytest

from tests.attacks.harness import HOST, TRACK, Target, assert_refusal, assert_tame_reply, connected, head, memory, replies, send, until, whole_call
from tests.attacks.servers import SLOW, served

MIB = 1 << 20


def pour(target: Target, calls: bytes, count: int, times: int) -> None:
    """Sends so many calls at once, so many times, on one connection, and reads their answers."""
    with connected(target.port, 60) as sock:
        for _ in range(times):
            send(sock, calls)
            seen = b""
            got = 0
            while got < count:
                seen = seen[-32:] + sock.recv(1 << 20)
                got += seen.count(b'"success":true}') + seen.count(b'"errors_total"')
                seen = seen[seen.rfind(b"}") + 1 :]


def test_R1_many_calls_leave_memory_flat(key: str):
    """However many calls come, memory stays flat, the oldest go first, and health says how many went."""
    most, times = (10_000, 10_000) if SLOW else (500, 30)
    with served("--max-calls", str(most)) as target:
        assert target.pid is not None
        block = b"".join(whole_call(key, TRACK | {"userId": str(number), "properties": {"x": "y" * 300}}) for number in range(100))
        pour(target, block, 100, 10 if not SLOW else 200)
        target.control("/_mock/events?limit=1")
        before = memory(target.pid)
        pour(target, block, 100, times)
        health = target.control("/_mock/health")
        assert health["calls"] <= most + 100
        assert health["discarded"] >= 100 * times - most
        assert memory(target.pid) - before < 32 * MIB
        first = target.control("/_mock/calls?limit=1")["calls"][0]
        assert first["id"] > 1
        assert target.ask("GET", "/_mock/calls/1").status == 404


@contextlib.contextmanager
def readers(target: Target, path: str, count: int) -> Iterator[list[socket.socket]]:
    """So many clients that ask and do not read."""
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(connected(target.port, buffer=4096)) for _ in range(count)]
        for sock in socks:
            send(sock, head(f"GET {path} HTTP/1.1", f"Host: {HOST}:{target.port}"))
        yield socks


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/_mock/stream", 32),
        ("/_mock/stream?after=0", 32),
        ("/_mock/export?format=jsonl", 32),
        ("/_mock/export?format=har", 32),
        ("/_mock/calls?limit=1000", 192),  # a page is made whole, of 8 MiB at most
        ("/_mock/events?limit=1000", 192),
    ],
)
def test_R2_readers_that_do_not_read(process: Target, key: str, path: str, most: int):
    """Eight readers that never read cost at most so many MiB, however much there is to tell them, and hold up nobody."""
    assert process.pid is not None
    large = b"".join(whole_call(key, TRACK | {"properties": {"x": "y" * 20_000}}) for _ in range(20))
    pour(process, large, 20, 5)
    process.control("/_mock/events?limit=1")
    before = memory(process.pid)
    with readers(process, path, 8):
        pour(process, large, 20, 10)
        time.sleep(0.2)
        assert process.control("/_mock/health")["status"] == "ok"
        assert memory(process.pid) - before < most * MIB
    process.control("/_mock/reset", method="POST", key=key)


def test_R2_a_reader_that_comes_late_is_told_of_the_gap(key: str):
    """A reader of the stream who did not read while old calls went is told how many it missed, and goes on with those that are there."""
    with served("--max-calls", "50") as target:
        large = whole_call(key, TRACK | {"properties": {"x": "y" * 20_000}})
        with readers(target, "/_mock/stream?after=0", 1) as (sock,):
            pour(target, large * 10, 10, 15)
            last = target.control("/_mock/calls?limit=1000")["calls"][-1]["id"]
            data = b""
            deadline = time.monotonic() + 15
            while f"id: {last}\n".encode() not in data and time.monotonic() < deadline:
                data += sock.recv(1 << 20)
    told = [int(line[4:]) for line in data.split(b"\n") if line.startswith(b"id: ")]
    missed = [orjson.loads(line[6:])["missed"] for line in data.split(b"\n") if line.startswith(b'data: {"missed"')]
    assert told == sorted(told)
    assert told[-1] == last == 150
    assert missed
    assert sum(missed) + data.count(b"event: call\n") == 150


WRONG = {
    "all-wrong": {"type": "track", "user_id": 1, "event": [], "timestamp": 5, "properties": "x", "context": 7},
    "no-type": {},
    **({"no-ids": {"type": "track"}, "identify": {"type": "identify"}} if SLOW else {}),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_R3_a_batch_of_wrong_events(process: Target, key: str, wrong: dict[str, object]):
    """20,000 wrong events in one batch are refused in less than five seconds, in less than 4 MiB, with 100 violations and the number of all."""
    count = 20_000
    body = orjson.dumps({"batch": [wrong] * count})
    assert len(body) < 4 * MIB
    with process.at_most(5):
        reply = process.post("/sdk/batch", body, key=key)
    refused = assert_refusal(reply, 400, "invalid_payload")
    assert refused["errors_total"] >= count
    assert len(refused["errors"]) == 100
    assert len(reply.body) < 4 * MIB
    if not wrong or SLOW:  # the record has each event with all that is wrong about it: long to read
        call = process.control("/_mock/calls?accepted=false", key=key)["calls"][0]
        assert len(call["violations"]) == 100
        assert call["violations_total"] == refused["errors_total"]
    process.control("/_mock/reset", method="POST", key=key)


@pytest.mark.parametrize("body", [b'{"batch":[' + b"0," * 2_000_000 + b"0]}", b'{"batch":[' + b"{}," * 1_300_000 + b"{}]}"], ids=["zeros", "objects"])
def test_R3_a_batch_of_small_things(process: Target, key: str, body: bytes):
    """The same of a body that is all commas and zeros, as many as fit."""
    assert len(body) < 4 * MIB
    with process.at_most(5):
        refused = assert_refusal(process.post("/sdk/batch", body, key=key), 400, "invalid_payload")
    assert len(refused["errors"]) <= 100
    process.control("/_mock/reset", method="POST", key=key)


STARS = "*a" * 100 + "b"
BAD = [
    *(f"limit={value}" for value in ("0", "-1", "1001", str(10**20), "1e3", "1.0", "٣", "", "nan", "0x10", "+5", " 5", "1_0", "9" * 5000)),
    *(f"count=1&wait={value}" for value in ("nan", "inf", "-inf", "-1", "61", "1e2", "1e400", "0x1", "", "٣", "1" * 400, "true")),
    *(f"count={value}" for value in ("0", "-1", str(10**20), "nan", "", "1.5")),
    *(f"after={value}" for value in (str(2**63), str(2**64), "-1", "nan", "", "abc", "9" * 5000, "1e5")),
    *(f"{name}={quote(STARS)}" for name in ("rule", "path")),
    *(f"{name}={'x' * 5000}" for name in ("rule", "path", "userId", "event")),
    *(f"accepted={value}" for value in ("1", "TRUE", "yes", "", "null")),
    *(f"kind={value}" for value in ("batch", "IDENTIFY", "", "x" * 100)),
    "limit=1&limit=2",
    "nosuch=1",
    "userid=1",
    "limit",
    "=1",
    "&&",
    "%ff=1",
    "userId=%ff",
    "userId=%ed%a0%80",
    "limit=1;DROP TABLE calls",
    "&".join(f"a{number}=1" for number in range(5000)),
]


@pytest.mark.parametrize("route", ["calls", "events"])
def test_R4_questions_that_make_no_sense(face: Target, route: str):
    """A number out of its range, a glob of many stars, an unknown name: 400 with a word on what is taken, at once."""
    with face.at_most(5):
        for query in BAD:
            reply = face.ask("GET", f"/_mock/{route}?{query}".replace(" ", "%20") if query.isascii() else f"/_mock/{route}?{quote(query, safe='=&')}")
            assert_refusal(reply, 400)
            assert len(reply.body) < 2048


def test_R4_questions_that_make_little_sense(face: Target, key: str):
    """Globs with sets and stars, quotes, wildcards of SQL and deep cursors are answered, with what matches to the letter, at once."""
    face.post("/api/track", TRACK | {"userId": "100%_' OR 1=1 --", "event": "a" * 3000}, key=key)
    found = face.control(f"/_mock/events?userId={quote(chr(49) + '00%_' + chr(39) + ' OR 1=1 --')}", key=key)
    assert len(found["events"]) == 1
    with face.at_most(3):
        for query in (
            "userId=%25",
            "userId=_______",
            "userId='%20OR%20'1'='1",
            "event=%00",
            f"after={2**63 - 1}",
            "rule=*",
            f"rule={quote('*a' * 10)}",
            f"path={quote('/*a*a*a*a*a*a*a*a*b')}",
            "rule=[",
            "rule=[!",
            "rule=[]-a]*",
            "path=%5B%5D%5B%5D",
            f"rule={quote('?' * 200)}",
            "path=" + quote("[a-z]*" * 9),
        ):
            reply = face.ask("GET", f"/_mock/events?{query}", key=key)
            assert reply.status == 200, (query, reply)
    assert face.control("/_mock/events?userId=%25", key=key)["events"] == []


@pytest.mark.parametrize("number", ["0", "-1", str(2**63), str(2**64), "9" * 400, "1e3", "nan", "abc", "1.0", "%00", "..", "1/2", "٣", " 1", "1%20", "0x1"])
def test_R4_ids_that_are_none(face: Target, number: str):
    """An id that no call has, or that is none, is 400 or 404."""
    reply = face.ask("GET", f"/_mock/calls/{quote(number, safe='%')}")
    assert reply.status in {400, 404}
    assert_tame_reply(reply)


FAULTS = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b"7",
    b'"x"',
    b"no json",
    b"[{}]",
    b'{"status":200}',
    b'{"status":99}',
    b'{"status":600}',
    b'{"status":1e400}',
    b'{"status":503.5}',
    b'{"status":"503"}',
    b'{"status":true}',
    b'{"delay":-1}',
    b'{"delay":61}',
    b'{"delay":1e308}',
    b'{"delay":NaN}',
    b'{"delay":null}',
    b'{"drop":"explode"}',
    b'{"times":0,"status":503}',
    b'{"times":1e30,"status":503}',
    b'{"times":-1,"status":503}',
    b'{"probability":1.1,"status":503}',
    b'{"probability":-0.1,"status":503}',
    b'{"seed":1e100,"status":503}',
    b'{"after":99999999999999999999,"status":503}',
    b'{"retry_after":-1,"status":503}',
    b'{"rate":0}',
    b'{"rate":1000000001}',
    b'{"rate":1,"per":0}',
    b'{"rate":1,"per":1e9}',
    b'{"rate":1,"status":503}',
    b'{"per":1}',
    b'{"kind":"batch","status":503}',
    b'{"path":7,"status":503}',
    b'{"path":"' + b"*a" * 200 + b'","status":503}',
    b'{"when":"never","status":503}',
    b'{"nosuch":1,"status":503}',
    b'{"status":503,"__proto__":{}}',
    b'[{"status":503},{"status":1}]',
    b"[" * 2000,
    b'{"status":' + b"9" * 5000 + b"}",
    b'{"path":"\\ud800","status":503}',
]


def test_R4_faults_that_make_no_sense(face: Target, key: str):
    """A fault with a member unknown, a type wrong or a number out of its range is 400, and nothing is planned, not even of a list's good ones."""
    with face.at_most(5):
        for body in FAULTS:
            assert_refusal(face.ask("POST", "/_mock/faults", body, "Content-Type: application/json", key=key), 400)
    assert face.control("/_mock/faults", key=key) == {"faults": []}


def test_R4_a_fault_with_a_slow_glob(face: Target, key: str):
    """A fault's glob of many stars is refused, or costs calls nothing."""
    reply = face.ask("POST", "/_mock/faults", orjson.dumps({"status": 503, "path": "*a" * 90 + "b", "times": None}), key=key)
    assert reply.status in {200, 400}
    with face.at_most(1):
        for _ in range(5):
            face.ask("POST", "/api/" + "a" * 150, b"{}", key=key)
            face.post("/api/track", TRACK, key=key)
    face.control("/_mock/faults", method="DELETE", key=key)


def test_R4_the_stream_and_the_export_are_as_strict(face: Target):
    """A cursor out of range, a format unknown: 400 there too."""
    for path in (
        "stream?after=-1",
        f"stream?after={2**64}",
        "stream?limit=5",
        "stream?after=nan",
        "export?format=xml",
        "export?format=",
        "export?limit=1",
        "export?after=x",
        f"export?rule={quote(STARS)}",
    ):
        assert_refusal(face.ask("GET", f"/_mock/{path}"), 400)
    for last in ("-1", "abc", str(2**64), "1e3", "nan"):
        assert_refusal(face.ask("GET", "/_mock/stream", b"", f"Last-Event-ID: {last}"), 400)


def test_R5_a_hundred_calls_at_once(face: Target, key: str):
    """A hundred clients at once are all served."""
    with ThreadPoolExecutor(100) as pool:
        found = list(pool.map(lambda number: face.post("/api/track", TRACK | {"userId": str(number)}, key=key).status, range(100)))
    assert found == [200] * 100
    assert len({payload["userId"] for payload in face.accepted(key)}) == 100


def test_R5_fifty_resets_amid_calls(face: Target, key: str):
    """Resets while calls come lose no answer, and end in an empty record."""
    statuses: list[int] = []

    def call() -> None:
        statuses.extend(face.post("/api/track", TRACK, key=key).status for _ in range(20))

    callers = [threading.Thread(target=call) for _ in range(5)]
    for caller in callers:
        caller.start()
    for number in range(50):
        assert face.ask(*(("POST", "/_mock/reset") if number % 2 else ("DELETE", "/_mock/calls")), key=key).status == 200
    for caller in callers:
        caller.join()
    assert statuses == [200] * 100
    face.control("/_mock/reset", method="POST", key=key)
    assert face.accepted(key) == []


def test_R5_fifty_clients_that_never_read(either: Target, key: str):
    """Clients that send and never read their answers hold up nobody else."""
    big = whole_call(key, {"type": "track", "properties": "x" * 1000})
    with contextlib.ExitStack() as stack:
        for number in range(50):
            sock = stack.enter_context(connected(either.port, buffer=4096))
            send(sock, big * 50 if number % 2 else head("GET /_mock/calls?limit=100 HTTP/1.1", f"Host: {HOST}:{either.port}") * 5)
        until(lambda: len(either.control("/_mock/calls?limit=1000&accepted=false", key=key)["calls"]) >= 250, 10)
        for _ in range(5):
            either.good_call()
            assert either.control("/_mock/health")["status"] == "ok"
            assert either.control("/_mock/faults", key=key) == {"faults": []}
    either.control("/_mock/reset", method="POST", key=key)


def test_R5_connections_that_come_and_go(process: Target):
    """Connections that are opened and left, in the middle of whatever, leave no descriptor behind."""
    assert process.pid is not None

    def count() -> int:
        return len(list(Path(f"/proc/{process.pid}/fd").iterdir()))

    process.control("/_mock/health")
    before = count()
    for number in range(120):
        with connected(process.port) as sock:
            send(
                sock,
                (b"", b"POST", whole_call("k")[:100], whole_call("k"), head("GET /_mock/stream HTTP/1.1", f"Host: {HOST}:{process.port}"), b"rubbish\r\n\r\n")[
                    number % 6
                ],
            )
    until(lambda: count() <= before + 8, 10)


def test_R5_many_who_ask_for_documents_and_do_not_read(either: Target):
    """Twenty clients that ask for the OpenAPI document again and again, and read none, keep the control API from answering nobody."""
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            sock = stack.enter_context(connected(either.port, buffer=4096))
            send(sock, head("GET /openapi.json HTTP/1.1", f"Host: {HOST}:{either.port}") * 5)
        time.sleep(0.3)
        for _ in range(3):
            assert either.control("/_mock/health")["status"] == "ok"
            assert (
                replies(either.raw(head("POST /_mock/reset HTTP/1.1", f"Host: {HOST}:{either.port}", "Authorization: Basic nobody", "Content-Length: 0")))[
                    0
                ].status
                == 200
            )
