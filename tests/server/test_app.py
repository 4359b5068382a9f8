"""Flask alone, as any WSGI host runs it: the whole fake, but for what needs the socket."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import orjson
import pytest
from werkzeug.serving import make_server

from mock_june.server import create_app
from tests.server.faces import TRACK, FlaskFace, Reply, assert_refusal, assert_success, connected, everything, head, new_mock, until

BODY = orjson.dumps(TRACK)


@pytest.fixture
def alone() -> Iterator[FlaskFace]:
    """Flask under the test client."""
    face = FlaskFace(new_mock())
    yield face
    face.close()


@pytest.fixture
def hosted() -> Iterator[tuple[FlaskFace, int]]:
    """Flask under werkzeug's threaded server, and its port."""
    face = FlaskFace(new_mock())
    server = make_server("127.0.0.1", 0, face.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield face, server.server_port
    server.shutdown()
    thread.join()
    server.server_close()
    face.close()


def test_create_app_needs_nothing():
    """`create_app()` alone is a fake with the full contract, any key and a private journal."""
    app = create_app()
    try:
        with app.test_client() as client:
            assert client.post("/api/track", json=TRACK, headers={"Authorization": "Basic any"}).get_json() == {"status": 200, "success": True}
            assert client.post("/api/track", json={}, headers={"Authorization": "Basic any"}).status_code == 400
            assert client.get("/_mock/health").get_json()["calls"] == 2
    finally:
        app.extensions["mock_june"].journal.close()


@pytest.mark.parametrize("drop", ["reset", "close", "truncate"])
@pytest.mark.parametrize(("when", "accepted"), [("after", True), ("before", False)])
def test_a_host_that_cannot_drop_answers_500(alone: FlaskFace, drop: str, when: str, accepted: bool):
    """Under a bare WSGI host a planned drop is 500 with code `fault`; whether the call was accepted stands on record as for a real drop."""
    alone.plan("any", {"drop": drop, "when": when})
    body = assert_refusal(alone.post("/api/track", TRACK, key="any"), 500, "fault")
    assert "cannot drop" in body["message"]
    (call,) = alone.calls("any")
    assert (call.accepted, call.fault is not None and call.fault.drop) == (accepted, drop)


def test_a_control_route_that_fails_is_a_500_in_our_shape(alone: FlaskFace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    """A bug of ours behind the control API leaves no traceback in the answer; the log has it."""

    def fail(*_: Any) -> Any:
        raise RuntimeError("a bug")

    monkeypatch.setattr(type(alone.mock.journal), "totals", fail)
    reply = alone.send("GET", "/_mock/health")
    assert_refusal(reply, 500, "internal_error")
    assert b"a bug" not in reply.body
    assert "a bug" in caplog.text


def test_the_real_wire(hosted: tuple[FlaskFace, int]):
    """Under a real host the fake takes calls, and records the path as it came."""
    face, port = hosted
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        connection.request("POST", "/api/track/?a=1", BODY, {"Authorization": "Basic any"})
        answer = connection.getresponse()
        assert_success(Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()))
    assert face.calls("any")[0].path == "/api/track/?a=1"


def test_chunks_on_the_real_wire(hosted: tuple[FlaskFace, int]):
    """A chunked body is read where the host ends it."""
    face, port = hosted
    with connected(port) as sock:
        sock.sendall(head("/api/track", "any", "Transfer-Encoding: chunked", "Connection: close") + b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY))
        assert b" 200 OK" in everything(sock)
    assert face.calls("any")[0].body == BODY


def test_a_body_that_ends_early_on_the_real_wire(hosted: tuple[FlaskFace, int]):
    """A whole event in a body that was announced longer is not accepted."""
    face, port = hosted
    with connected(port) as sock:
        sock.sendall(head("/api/track", "any", "Content-Length: 500") + BODY)
        sock.shutdown(1)
        assert b" 200 OK" not in everything(sock)
    until(lambda: face.mock.journal.last_id)
    assert [(call.accepted, call.status) for call in face.calls("any")] == [(False, 400)]


def test_what_is_announced_too_long_on_the_real_wire(hosted: tuple[FlaskFace, int]):
    """A Content-Length over the limit is refused before the body came."""
    _, port = hosted
    with connected(port) as sock:
        sock.sendall(head("/api/track", "any", "Content-Length: 10000000000"))
        assert b"payload_too_large" in everything(sock)


def test_an_environment_leaks_into_no_record(hosted: tuple[FlaskFace, int], monkeypatch: pytest.MonkeyPatch):
    """HTTP_PROXY in the server's environment is no header of a request."""
    monkeypatch.setenv("HTTP_PROXY", "http://u:s3cret@corp")
    face, port = hosted
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        connection.request("POST", "/api/track", BODY, {"Authorization": "Basic any"})
        assert connection.getresponse().status == 200
    assert "s3cret" not in repr(face.calls("any"))


def test_flask_run_finds_it():
    """`flask --app mock_june.server run` finds the application by its factory's name."""
    from flask.cli import ScriptInfo

    app = ScriptInfo(app_import_path="mock_june.server").load_app()
    try:
        assert app.name == "mock_june"
    finally:
        app.extensions["mock_june"].journal.close()
