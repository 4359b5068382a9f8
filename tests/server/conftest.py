"""Faces of the server for the tests: a shared one, with a key of its own for each test, and made ones where a test needs other settings."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.server.faces import FACES, Face, FrontFace, new_face, new_mock


@pytest.fixture(scope="session", params=FACES)
def face(request: pytest.FixtureRequest) -> Iterator[Face]:
    """One fake that takes any key; the same test runs against both faces."""
    face = new_face(request.param, new_mock())
    yield face
    face.close()


@pytest.fixture(scope="session")
def front() -> Iterator[FrontFace]:
    """The front alone: what needs the loop or the socket."""
    face = FrontFace(new_mock())
    yield face
    face.close()


@pytest.fixture
def key() -> str:
    """A key, and so a workspace, that no other test has."""
    return f"key-{uuid.uuid4().hex}"


@pytest.fixture(params=FACES)
def make_face(request: pytest.FixtureRequest) -> Iterator[Callable[..., Face]]:
    """Makes a face of its own: `make_face(keys, max_body=…)`."""
    made: list[Face] = []

    def make(*args: Any, **options: Any) -> Face:
        made.append(new_face(request.param, new_mock(*args, **options)))
        return made[-1]

    yield make
    for face in made:
        face.close()


@pytest.fixture
def make_front() -> Iterator[Callable[..., FrontFace]]:
    """Makes a front of its own."""
    made: list[FrontFace] = []

    def make(*args: Any, **options: Any) -> FrontFace:
        made.append(FrontFace(new_mock(*args, **options)))
        return made[-1]

    yield make
    for face in made:
        face.close()
