"""What each attack gets: a time limit, a key of its own, and a server that must still serve afterwards."""

from __future__ import annotations

import contextlib
import signal
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.attacks.harness import Target
from tests.attacks.servers import FACES, SLOW, assert_quiet

LIMIT = 60
"""Seconds that one attack may take; a server that hangs fails its test, not the whole run."""


@pytest.fixture(autouse=True)
def time_limit() -> Iterator[None]:
    """Ends a test that hangs."""
    seconds = LIMIT * (30 if SLOW else 1)

    def over(_signal: int, _frame: Any) -> None:
        pytest.fail(f"not done in {seconds} s")

    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(seconds)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def running() -> Iterator[Callable[[str], Target]]:
    """Starts each face when it is first asked for; one of each a module."""
    with contextlib.ExitStack() as stack:
        started: dict[str, Target] = {}

        def start(name: str) -> Target:
            if name not in started:
                started[name] = stack.enter_context(FACES[name]())
            return started[name]

        yield start


ON_THE_LOOP = ("serve", "thread") if SLOW else ("serve",)
EVERY_FACE = (*ON_THE_LOOP, "flask")
"""The thread runs the very code of the process: the short run asks it where there may be a difference (`either`), the long one everywhere."""


@pytest.fixture(params=ON_THE_LOOP)
def target(request: pytest.FixtureRequest, running: Callable[[str], Target]) -> Iterator[Target]:
    """The server on the loop: for what is about the loop or the socket. A good call is answered afterwards."""
    yield from _attacked(running(request.param))


@pytest.fixture(params=("serve", "thread"))
def either(request: pytest.FixtureRequest, running: Callable[[str], Target]) -> Iterator[Target]:
    """The same, in a process and in a thread: for what hangs together with signals, other threads and how much they do."""
    yield from _attacked(running(request.param))


@pytest.fixture(params=EVERY_FACE)
def face(request: pytest.FixtureRequest, running: Callable[[str], Target]) -> Iterator[Target]:
    """Every face: for what is about a request, however it came."""
    yield from _attacked(running(request.param))


@pytest.fixture
def process(running: Callable[[str], Target]) -> Iterator[Target]:
    """The served process alone: for what is seen from outside of it, such as its memory."""
    yield from _attacked(running("serve"))


def _attacked(target: Target) -> Iterator[Target]:
    said = len(target.log())
    yield target
    target.good_call()
    assert_quiet(target.log()[said:])


@pytest.fixture
def key() -> str:
    """A key, and so a workspace, that no other test has."""
    return f"attacker-{uuid.uuid4().hex}"
