"""A fake, and a relay before it."""

from __future__ import annotations

import pytest

from tests.intercept.relayed import Recorder, relay, upstream


@pytest.fixture
def recorder():
    """What the fake got, and answers."""
    return Recorder()


@pytest.fixture
def fake(recorder):
    """Where the fake stands."""
    with upstream(recorder) as host:
        yield host


@pytest.fixture
def running(fake):
    """A relay before the fake."""
    with relay(fake.address) as started:
        yield started
