"""The front's two ways and Flask alone are one server: whatever is sent, all answer and record the same."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mock_june.server.routes import ROUTES
from tests.server.faces import FACES, GOOD, TRACK, Face, new_face, new_mock

OURS = (
    "content-type",
    "access-control-allow-origin",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "www-authenticate",
    "allow",
    "retry-after",
)
BY_HOST = frozenset({"host", "content-length", "user-agent", "content-type"})
"""Request headers that the asking client adds of its own accord."""

Faces = tuple[Face, ...]


@pytest.fixture(scope="module")
def faces() -> Iterator[Faces]:
    """Every face, each with a journal of its own."""
    made = tuple(new_face(name, new_mock(("a-given-key", "k"), max_body=3000)) for name in FACES)
    yield made
    for face in made:
        face.close()


def seen(face: Face, method: str, path: str, body: bytes, headers: list[tuple[str, str]]) -> tuple[Any, Any]:
    """What is answered, and what stands on record of it; None where nothing does."""
    before = face.mock.journal.last_id
    reply = face.send(method, path, body, headers)
    answer = (reply.status, reply.body, {name: value for name, value in reply.headers.items() if name in OURS})
    if face.mock.journal.last_id == before:
        return answer, None
    call = face.last()
    workspace = call.workspace and "w"  # its name is salted by the journal
    events = tuple(replace(event, id=0, call=0, at="", workspace=workspace) for event in call.events)
    kept = tuple(sorted((name, value) for name, value in call.headers if name not in BY_HOST))
    return answer, replace(call, id=0, at="", workspace=workspace, duration_ms=0.0, events=events, headers=kept)


def assert_agreed(faces: Faces, method: str, path: str, body: bytes = b"", headers: list[tuple[str, str]] | None = None) -> None:
    """All faces see it alike."""
    front, *others = (seen(face, method, path, body, headers or []) for face in faces)
    for other in others:
        assert front == other


B64 = base64.b64encode(b"a-given-key").decode()
AUTHS = [None, "Basic a-given-key", "Basic k", f"basic {B64}", "Basic wrong", "Bearer a-given-key", "Basic", "", "Basic Og=="]
TYPES = [None, "application/json", "text/plain;charset=x", "text/html", ""]
PATHS = [*sorted(ROUTES), "/nowhere", "/api/track/", "/api", "//api/track", "/API/track", "/v1/batch/", "/sdk/track//"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", PATHS)
def test_they_agree_on_every_path_and_method(faces: Faces, path: str, method: str):
    """Each path under each method."""
    assert_agreed(faces, method, path, orjson.dumps(TRACK), [("Authorization", "Basic k")])


@pytest.mark.parametrize("auth", AUTHS)
@pytest.mark.parametrize("path", ["/api/track", "/sdk/batch", "/sdk/page", "/nowhere", "/v1/m"])
def test_they_agree_on_every_key(faces: Faces, path: str, auth: str | None):
    """Each spelling of a key, right and wrong, with a `writeKey` beside it and without."""
    headers = [] if auth is None else [("Authorization", auth)]
    for payload in (
        GOOD["page"],
        GOOD["page"] | {"writeKey": "a-given-key"},
        {"batch": [GOOD["page"]], "writeKey": "k"},
        GOOD["track"] | {"writeKey": "wrong"},
    ):
        assert_agreed(faces, "POST", path, orjson.dumps(payload), headers)


BODIES = [
    b"",
    b"{",
    b"{}",
    b"[]",
    b"\xff",
    b"5",
    b'{"type":"track","userId":5}',
    b'{"writeKey":"k"}',
    orjson.dumps({"batch": [{"type": "track"}] * 150}),
    b"[" * 1500,
    bytes(3000),
    bytes(3001),
    bytes(100_000),
    gzip.compress(orjson.dumps(TRACK)),
    gzip.compress(bytes(100_000)),
    gzip.compress(b"{}")[:-2],
]


@pytest.mark.parametrize("number", range(len(BODIES)))
@pytest.mark.parametrize("coding", [None, "gzip", "deflate", "br", "identity"])
def test_they_agree_on_every_body(faces: Faces, number: int, coding: str | None):
    """Bodies that are broken, long, packed or not."""
    headers = [("Authorization", "Basic k"), *([] if coding is None else [("Content-Encoding", coding)])]
    for path in ("/api/track", "/sdk/batch", "/sdk/m"):
        assert_agreed(faces, "POST", path, BODIES[number], headers)


@pytest.mark.parametrize("name", TYPES)
def test_they_agree_on_every_content_type(faces: Faces, name: str | None):
    """Content types that are taken, that are not, and none."""
    assert_agreed(faces, "POST", "/api/track", orjson.dumps(TRACK), [("Authorization", "Basic k"), *([] if name is None else [("Content-Type", name)])])


@pytest.mark.parametrize(
    "path",
    [
        "/api/track?a=1&a=2",
        "/api/track?",
        "/api/track?%zz",
        "/api/%74rack",
        "/api/track%2f",
        "/caf%C3%A9",
        "/%ff",
        "/a%0ab",
        "/a%00",
        "/a;b",
        "/" + "x" * 3000,
        "/a%3Fb?c",
        "/a?key=abc&b=a-given-key",
    ],
)
def test_they_agree_on_odd_paths(faces: Faces, path: str):
    """Percent signs, queries, long paths."""
    assert_agreed(faces, "POST", path, orjson.dumps(TRACK), [("Authorization", "Basic k")])


@pytest.mark.parametrize("name", ["Authorization", "Content-Encoding", "X-Other"])
def test_they_agree_on_headers_that_come_twice(faces: Faces, name: str):
    """A header that comes twice is answered alike, though a WSGI host joins the two."""
    headers = [("Authorization", "Basic k")] * (name != "Authorization")
    sent = [*headers, (name, "Basic k"), (name, "Basic x")]
    answers = {(reply.status, reply.body) for reply in (face.send("POST", "/api/track", orjson.dumps(TRACK), sent) for face in faces)}
    assert len(answers) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
MEMBERS = st.dictionaries(
    st.sampled_from(["type", "userId", "anonymousId", "event", "timestamp", "email", "groupId", "traits", "properties", "batch", "writeKey"]), JSON, max_size=5
)


def _json(value: Any) -> bytes:
    import json

    return json.dumps(value).encode()


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    path=st.sampled_from(PATHS),
    body=st.binary(max_size=50) | JSON.map(_json) | st.tuples(st.sampled_from(list(GOOD.values())), MEMBERS).map(lambda both: _json({**both[0], **both[1]})),
    auth=st.sampled_from(AUTHS),
    name=st.sampled_from(TYPES),
    coding=st.sampled_from([None, None, None, "gzip", "deflate"]),
)
def test_they_agree_on_whatever_comes(faces: Faces, path: str, body: bytes, auth: str | None, name: str | None, coding: str | None):
    """Drawn requests: any path, body, key, type and coding."""
    pairs = [("Authorization", auth), ("Content-Type", name), ("Content-Encoding", coding)]
    assert_agreed(faces, "POST", path, body, [(name, value) for name, value in pairs if value is not None])
