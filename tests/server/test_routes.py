"""Where calls go: every row of the route table, the methods, the paths that are none, CORS."""

from __future__ import annotations

import pytest

from mock_june.server.routes import ROUTES
from tests.server.faces import GOOD, TRACK, Face, assert_refusal, assert_success

KINDS = ("identify", "group", "track", "page", "screen", "alias")
ONE_EVENT = [
    *((f"/api/{kind}", "backfill", kind) for kind in ("identify", "group", "track")),
    ("/api/page", "sdk", "page"),
    *((f"/sdk/{kind}", "sdk", kind) for kind in KINDS),
    *((f"/v1/{kind}", "sdk", kind) for kind in KINDS),
    *((f"/v1/{kind[0]}", "sdk", kind) for kind in KINDS),
]
BATCHES = ("/sdk/batch", "/v1/batch", "/sdk/b", "/v1/b")
COUNTERS = ("/sdk/m", "/v1/m")
ALL = [*(path for path, _, _ in ONE_EVENT), *BATCHES, *COUNTERS]
CORS = {"access-control-allow-origin": "*"}


def test_the_table_is_whole():
    """The tests below speak of every path that takes calls, and of no other."""
    assert sorted(ROUTES) == sorted(ALL)


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(("path", "contract", "kind"), ONE_EVENT)
def test_each_path_takes_its_kind_under_its_contract(face: Face, key: str, path: str, contract: str, kind: str, slash: str):
    """A good payload is answered 200 on its path, with a slash at the end or not, and is on record as an event of the path's kind and contract."""
    assert_success(face.post(path + slash, GOOD[kind], key=key))
    (call,) = face.calls(key)
    (event,) = call.events
    assert (call.method, call.path, call.status, call.accepted) == ("POST", path + slash, 200, True)
    assert (event.contract, event.kind, event.accepted, event.call) == (contract, kind, True, call.id)


@pytest.mark.parametrize(("path", "contract", "kind"), ONE_EVENT)
def test_each_path_holds_a_payload_to_its_kind(face: Face, key: str, path: str, contract: str, kind: str):
    """A payload that says to be of another kind is refused, and is on record as refused."""
    other = "group" if kind != "group" else "track"
    body = assert_refusal(face.post(path, GOOD[kind] | {"type": other}, key=key), 400, "invalid_payload")
    rule = f"{'sdk.' if contract == 'sdk' else ''}{kind}.type.const"
    assert [(error["rule"], error["pointer"]) for error in body["errors"]] == [(rule, "/type")]
    assert rule in face.calls(key)[0].violations[0].rule


@pytest.mark.parametrize("path", BATCHES)
def test_each_batch_path_takes_every_kind(face: Face, key: str, path: str):
    """A batch is one call with an event for each of its messages."""
    assert_success(face.post(path, {"batch": list(GOOD.values()), "sentAt": "2021-02-24T01:19:38.931Z"}, key=key))
    (call,) = face.calls(key)
    assert tuple(event.kind for event in call.events) == KINDS
    assert {event.contract for event in call.events} == {"sdk"}


@pytest.mark.parametrize("body", [b'{"series": []}', b"", b"no json at all"])
@pytest.mark.parametrize("path", COUNTERS)
def test_the_browsers_counters_are_calls_without_events(face: Face, key: str, path: str, body: bytes):
    """The browser SDK's counters are answered 200 whatever they hold, and stand on record without an event."""
    assert_success(face.post(path, body, key=key))
    (call,) = face.calls(key)
    assert (call.accepted, call.events, call.body) == (True, (), body)


@pytest.mark.parametrize("path", ["/", "/openapi.json", "/_mock/health"])
def test_the_control_routes_are_no_calls(face: Face, path: str):
    """What asks the fake about itself is not on record."""
    before = face.mock.journal.last_id
    assert face.send("GET", path).status == 200
    assert face.mock.journal.last_id == before


UNKNOWN = (
    "/api/identity",
    "/api/screen",
    "/api",
    "/sdk/i",
    "/v2/track",
    "/api/track/x",
    "//api/track",
    "/API/track",
    "/api/track//",
    "/v1",
    "/batch",
    "/api%2ftrack/x",
)


@pytest.mark.parametrize("path", UNKNOWN)
@pytest.mark.parametrize("method", ["POST", "GET", "PUT"])
def test_a_path_that_is_none_is_a_refused_call(face: Face, key: str, path: str, method: str):
    """A path that June has not is answered 404 in the refusal shape, names where calls go, and stands on record as a call."""
    reply = face.send(method, path, b"{}", {"Authorization": f"Basic {key}"})
    body = assert_refusal(reply, 404, "not_found")
    assert "/api/identify" in body["message"]
    (call,) = face.calls(key)
    assert (call.method, call.path, call.status, call.code, call.accepted, call.events) == (method, path, 404, "not_found", False, ())
    assert call.body == b"{}"


def test_a_path_that_is_none_is_on_record_without_a_key_too(face: Face):
    """A 404 wants no key: such a call belongs to no workspace."""
    assert_refusal(face.post("/nowhere", TRACK), 404, "not_found")
    assert (face.last().workspace, face.last().path, face.last().status) == (None, "/nowhere", 404)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "TRACE"])
@pytest.mark.parametrize("path", ALL)
def test_a_path_takes_posts_alone(face: Face, key: str, path: str, method: str):
    """Another method is answered 405 in the refusal shape with what is allowed, and stands on record."""
    reply = face.send(method, path, headers={"Authorization": f"Basic {key}"})
    body = assert_refusal(reply, 405, "method_not_allowed")
    assert reply.headers["allow"] == "POST, OPTIONS"
    assert method in body["message"]
    assert (face.calls(key)[0].method, face.calls(key)[0].status) == (method, 405)


@pytest.mark.parametrize("method", ["BREW", "PROPFIND", "SEARCH"])
def test_a_method_of_another_protocol_is_refused_alike(face: Face, key: str, method: str):
    """A method that is not HTTP's own gets the 405 of all others: never another shape."""
    if face.name != "flask" and method == "BREW":
        assert_refusal(face.send(method, "/api/track"), 400, "invalid_request")  # the parser knows the registered methods alone
        return
    reply = face.send(method, "/api/track", headers={"Authorization": f"Basic {key}"})
    assert_refusal(reply, 405, "method_not_allowed")
    assert face.calls(key)[0].method == method


@pytest.mark.parametrize("path", ["/api/track", "/v1/batch", "/nowhere"])
def test_head_has_the_head_of_the_refusal_alone(face: Face, key: str, path: str):
    """HEAD is refused as any other method is, and has no body (RFC 9110 section 9.3.2)."""
    reply = face.send("HEAD", path, headers={"Authorization": f"Basic {key}"})
    assert (reply.status, reply.body) == (404 if path == "/nowhere" else 405, b"")
    assert reply.headers["content-type"] == "application/json"
    assert face.calls(key)[0].method == "HEAD"


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("path", ALL)
def test_a_preflight_is_answered_for_any_origin(face: Face, path: str, slash: str):
    """A browser may send what June's SDK sends, from any page; the asking is no call."""
    before = face.mock.journal.last_id
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,authorization"}
    reply = face.send("OPTIONS", path + slash, headers=asked)
    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers["access-control-allow-origin"] == "*"
    assert reply.headers["access-control-allow-methods"] == "POST, OPTIONS"
    assert {"authorization", "content-type"} <= set(reply.headers["access-control-allow-headers"].split(", "))
    assert face.mock.journal.last_id == before


def test_options_of_a_path_that_is_none_is_a_404(face: Face):
    """OPTIONS where no calls go is refused like any other request there."""
    assert_refusal(face.send("OPTIONS", "/nowhere"), 404, "not_found")


@pytest.mark.parametrize("status", [200, 400, 401, 404, 405, 413, 415])
def test_a_page_of_any_origin_may_read_the_answer(make_face, key: str, status: int):
    """Every answer to a call can be read by the page that sent it, refusals too."""
    face = make_face(max_body=200)
    asked = {
        200: lambda: face.post("/api/track", TRACK, key=key),
        400: lambda: face.post("/api/track", {}, key=key),
        401: lambda: face.post("/api/track", TRACK),
        404: lambda: face.post("/nowhere", TRACK, key=key),
        405: lambda: face.send("PUT", "/api/track"),
        413: lambda: face.post("/api/track", b" " * 201, key=key),
        415: lambda: face.post("/api/track", TRACK, key=key, headers={"Content-Type": "text/html"}),
    }[status]()
    assert asked.status == status
    assert CORS.items() <= asked.headers.items()


@pytest.mark.parametrize("method", ["OPTIONS", "GET", "POST"])
@pytest.mark.parametrize("path", ["/_mock/health", "/_mock/calls", "/_mock/reset", "/openapi.json", "/"])
def test_the_control_routes_are_for_no_other_origin(face: Face, path: str, method: str):
    """No answer of the control API says that another origin may read it."""
    reply = face.send(method, path, headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"})
    assert not [name for name in reply.headers if name.startswith("access-control")]


@pytest.mark.parametrize("query", ["?a=1", "?", "?x=%00&y=%zz"])
def test_a_query_is_passed_over(face: Face, key: str, query: str):
    """A query does not change where a call goes; it stands on record as it came."""
    assert_success(face.post(f"/api/track{query}", TRACK, key=key))
    assert face.calls(key)[0].path == f"/api/track{query}".removesuffix("?")
