"""The faces of the server, the front on the loop with its short and its long way, and Flask alone, behind one way to ask them.

And raw sockets, for what no HTTP client sends.
"""

from __future__ import annotations

import http.client
import os
import socket
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson

from mock_june.contract import Engine
from mock_june.journal import Journal
from mock_june.model import ApiKey, Call, Fault, Filter
from mock_june.server.auth import Keys
from mock_june.server.faults import Faults, parse
from mock_june.server.serving import Server, listen
from mock_june.server.state import Mock, Settings

Headers = Mapping[str, str] | Sequence[tuple[str, str]]

TIMEOUT = 10.0
FACES = ("front", "long way", "flask") if "MUTANT_UNDER_TEST" not in os.environ else ("flask",)  # what mutation testing changes is the same code behind each

IDENTIFY: dict[str, Any] = {"type": "identify", "userId": "1"}
GROUP: dict[str, Any] = {"type": "group", "groupId": "A", "userId": "1"}
TRACK: dict[str, Any] = {"type": "track", "event": "Registered", "userId": "1", "timestamp": "2021-02-24T01:19:38.931Z", "email": "a@example.com"}
PAGE: dict[str, Any] = {"type": "page", "userId": "1", "properties": {}}
SCREEN: dict[str, Any] = {"type": "screen", "userId": "1"}
ALIAS: dict[str, Any] = {"type": "alias", "userId": "1", "previousId": "0"}
GOOD: dict[str, dict[str, Any]] = {"identify": IDENTIFY, "group": GROUP, "track": TRACK, "page": PAGE, "screen": SCREEN, "alias": ALIAS}
"""One good payload of each kind, in either contract."""

MEMBERS = {"status", "success", "code", "message", "errors", "errors_total"}
VIOLATION = {"rule", "pointer", "message", "hint", "severity", "instanceLocation", "keywordLocation"}


@dataclass(frozen=True)
class Reply:
    """An answer. Header names in lower case; of a name that comes twice, the values joined by ", "."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return orjson.loads(self.body)


class Face:
    """One fake with its journal. `send` is the face's own; the rest is the same for both."""

    name = ""

    def __init__(self, mock: Mock) -> None:
        self.mock = mock

    def send(self, method: str, path: str, body: bytes = b"", headers: Headers = ()) -> Reply:
        """One request, as it is told; no header is added to it but Host and Content-Length."""
        raise NotImplementedError

    def post(self, path: str, payload: Any = None, *, key: str | None = None, headers: Headers = ()) -> Reply:
        """A POST of JSON (bytes go as they are), with `Authorization: Basic key`."""
        pairs = [*(headers.items() if isinstance(headers, Mapping) else headers)]
        if key is not None:
            pairs.append(("Authorization", f"Basic {key}"))
        return self.send("POST", path, payload if isinstance(payload, bytes) else orjson.dumps(payload), pairs)

    def calls(self, key: str) -> list[Call]:
        """What is on record in a key's workspace."""
        return self.mock.journal.calls(Filter(workspace=self.mock.workspace(ApiKey(key))), limit=1000)

    def last(self) -> Call:
        """The call that was recorded last, in any workspace or none."""
        call = self.mock.journal.call(self.mock.journal.last_id)
        assert call is not None
        return call

    def plan(self, key: str | None, *faults: dict[str, Any]) -> list[Fault]:
        """Plans faults for a key's workspace, or for all (None)."""
        workspace = None if key is None else self.mock.workspace(ApiKey(key))
        return self.mock.faults.plan(parse(list(faults), workspace))

    def close(self) -> None:
        """Ends it."""
        self.mock.journal.close()


class FrontFace(Face):
    """The front, served in a thread, asked over a socket."""

    name = "front"

    def __init__(self, mock: Mock) -> None:
        super().__init__(mock)
        self.server = Server(mock, listen("127.0.0.1", 0)).start()
        self.port = self.server.port

    def send(self, method: str, path: str, body: bytes = b"", headers: Headers = ()) -> Reply:
        """One request on a connection of its own."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)) as connection:
            pairs = [*(headers.items() if isinstance(headers, Mapping) else headers)]
            given = {name.lower() for name, _ in pairs}
            connection.putrequest(method, path, skip_host="host" in given, skip_accept_encoding=True)
            if "content-length" not in given:
                pairs.append(("Content-Length", str(len(body))))
            for name, value in pairs:
                connection.putheader(name, value)
            connection.endheaders(body or None)
            answer = connection.getresponse()
            return Reply(answer.status, _joined(answer.getheaders()), answer.read())

    def close(self) -> None:
        """Stops the thread, then closes the journal."""
        self.server.stop()
        super().close()


class LongWayFace(FrontFace):
    """The front, asked so that no call goes its short way (`mock_june/server/exchange.py`): each target ends in an empty query."""

    name = "long way"

    def send(self, method: str, path: str, body: bytes = b"", headers: Headers = ()) -> Reply:
        """One request on a connection of its own."""
        return super().send(method, path if "?" in path else f"{path}?", body, headers)


class FlaskFace(Face):
    """Flask alone, asked as a WSGI host asks it."""

    name = "flask"

    def __init__(self, mock: Mock) -> None:
        from mock_june.server import create_app

        super().__init__(mock)
        self.app = create_app(mock)

    def send(self, method: str, path: str, body: bytes = b"", headers: Headers = ()) -> Reply:
        """One request through the test client, its path as a host hands it on (the client's own reading of a path takes `//a` for a host)."""
        pairs = [*(headers.items() if isinstance(headers, Mapping) else headers)]
        raw, _, query = path.partition("?")
        environ = {"PATH_INFO": unquote_to_bytes(raw).decode("latin-1"), "QUERY_STRING": query, "REQUEST_URI": path, "RAW_URI": path}
        with self.app.test_client() as client, client.open("/", method=method, data=body, headers=pairs, environ_overrides=environ) as answer:
            return Reply(answer.status_code, _joined(answer.headers.items()), answer.get_data())


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name.lower()] = f"{joined[name.lower()]}, {value}" if name.lower() in joined else value
    return joined


def new_mock(keys: Iterable[str] = (), *, journal: Journal | None = None, durable: bool = False, **settings: Any) -> Mock:
    """A fake's inside with a private journal."""
    engine = Engine()
    return Mock(engine, journal or Journal.open(None, durable=durable, rules_hash=engine.rules_hash), Keys(keys), Faults(), Settings(**settings))


def new_face(name: str, mock: Mock) -> Face:
    """A face over a fake's inside."""
    return {"front": FrontFace, "long way": LongWayFace, "flask": FlaskFace}[name](mock)


def assert_refusal(reply: Reply, status: int, code: str) -> Any:
    """The answer is a refusal in the one shape; gives its JSON."""
    assert reply.status == status, reply
    assert reply.headers["content-type"] == "application/json"
    body = reply.json
    assert set(body) == MEMBERS
    assert (body["status"], body["success"], body["code"]) == (status, False, code)
    assert body["message"]
    assert "\n" not in body["message"]
    assert "Traceback" not in body["message"]
    assert len(body["errors"]) == min(body["errors_total"], 100)
    for violation in body["errors"]:
        assert set(violation) == VIOLATION
        assert violation["severity"] == "error"
    if status == 401:
        assert reply.headers["www-authenticate"] == 'Basic realm="june"'
    if status == 405:
        assert reply.headers["allow"]
    return body


def assert_success(reply: Reply) -> None:
    """The answer is June's one success."""
    assert reply.status == 200, reply
    assert reply.json == {"status": 200, "success": True}
    assert reply.headers["content-type"] == "application/json"


@contextmanager
def connected(port: int, timeout: float = TIMEOUT) -> Iterator[socket.socket]:
    """A raw connection."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=timeout)) as sock:
        yield sock


def head(path: str, key: str, *more: str, method: str = "POST") -> bytes:
    """A request's head, its lines in order, for a raw connection."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Basic {key}", *more, "", ""]).encode()


def everything(sock: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    parts = []
    while part := sock.recv(65536):
        parts.append(part)
    return b"".join(parts)


def one_answer(sock: socket.socket) -> Reply:
    """One answer read from a raw connection, which stays open."""
    answer = http.client.HTTPResponse(sock)
    answer.begin()
    return Reply(answer.status, _joined(answer.getheaders()), answer.read())


def until(true: Any, seconds: float = 5.0) -> None:
    """Waits until a condition holds."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to be in time"
        time.sleep(0.01)
