"""The soak in short: a server under many keys, and beside connections that only hold on."""

from __future__ import annotations

import dataclasses
import sys

import pytest

from benchmarks.servers import MockJune, running
from benchmarks.soak import Seen, allow, soak

GOOD = Seen(5000, 500, 4000, 50.0, 81.9, 2.0, 2.9, 300, 16, 20, 30.0, 12, 12)


@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")
def test_a_server_bears_many_keys_and_many_that_only_hold_on():
    """Calls of hundreds of keys leave memory flat; beside idle connections, stalled bodies and streams good calls are answered soon; all are closed."""
    allow(400)
    with running(MockJune()) as server:
        seen = soak(server, calls=5_000, workspaces=500, idle=300, stalled=16, streams=20)
    # The p99s of a few thousand calls are those of the machine and its other users.
    assert dataclasses.replace(seen, p99_at_end=seen.p99_at_first).faults == []


@pytest.mark.parametrize(
    ("worse", "said"),
    [({"memory_at_end": 82.1}, "memory"), ({"p99_at_end": 3.1}, "p99"), ({"slowest_good_call": 1001.0}, "stall"), ({"descriptors_at_end": 13}, "descriptors")],
)
def test_each_goal_can_be_missed(worse, said):
    """What is over a bound is a fault, in words; what is within is none."""
    assert GOOD.faults == []
    (fault,) = dataclasses.replace(GOOD, **worse).faults
    assert said in fault
