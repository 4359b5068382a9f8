"""The fake is what its OpenAPI document says, whatever Schemathesis thinks of to send."""

from __future__ import annotations

import secrets

import pytest

from tests.attacks.servers import flask_alone, in_thread

pytest.importorskip("schemathesis", reason="Schemathesis is not installed")

from tests.fuzz.openapi import KEY, PHASES, failures

FACES = {"front": in_thread, "flask": flask_alone}


@pytest.mark.parametrize(("face", "phases"), [("front", ("examples", "fuzzing", "stateful")), ("flask", ("examples", "fuzzing"))])
def test_what_is_documented_is_what_is_answered(face, phases):
    """Each operation answers as documented: statuses, headers, shapes, authentication, what is refused and what is not, one call after another."""
    with FACES[face](keys=(KEY,)) as target:
        found = failures(target.url, examples=3, seed=1, phases=phases)
    assert found == []


@pytest.mark.slow
@pytest.mark.parametrize("face", FACES)
def test_at_length(face):
    """The same with hundreds of examples, and at the bounds of each parameter in turn, from another seed each time."""
    seed = secrets.randbits(32)
    with FACES[face](keys=(KEY,)) as target:
        found = failures(target.url, examples=300, seed=seed, phases=PHASES)
    assert found == [], f"seed {seed}"
