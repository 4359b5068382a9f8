"""What every test may ask for, and how hard Hypothesis tries."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Under a shell that runs us in the background, Ctrl-C is ignored, and would be by every process that a test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadline: the machines that run this are shared, and a slow example is no broken promise.
settings.register_profile("default", deadline=None)
settings.register_profile("ci", settings.get_profile("default"), print_blob=True, database=None)
# mutmut runs the tests over and over in one process, which Hypothesis takes for a mistake; what it draws must be the same each time.
settings.register_profile(
    "mutants", settings.get_profile("default"), derandomize=True, database=None, suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow]
)
settings.register_profile("slow", settings.get_profile("default"), max_examples=2_000)
settings.load_profile(
    "slow" if os.environ.get("MOCK_JUNE_SLOW") else "mutants" if "MUTANT_UNDER_TEST" in os.environ else "ci" if os.environ.get("CI") else "default"
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests marked `slow` run when MOCK_JUNE_SLOW is set, as `make slow` does."""
    if not os.environ.get("MOCK_JUNE_SLOW"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="takes long: make slow runs it"))


@pytest.fixture(scope="session")
def repo() -> Path:
    """The checkout's root."""
    return Path(__file__).parent.parent
