"""What every test may ask for, and how hard Hypothesis tries."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Generator
from importlib.metadata import packages_distributions, requires
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
    """Tests marked `slow` run when MOCK_JUNE_SLOW is set, as `make slow` does; those marked `uncovered` do not run under `make coverage`."""
    if config.getoption("cov_source", None):
        for item in items:
            if item.get_closest_marker("uncovered"):
                item.add_marker(pytest.mark.skip(reason="looks at what a process imports, writes or takes, to which coverage adds its own"))
    if not os.environ.get("MOCK_JUNE_SLOW"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="takes long: make slow runs it"))


PLAIN = bool(os.environ.get("MOCK_JUNE_PLAIN"))
"""Under `make plain` a test that wants a package which users do not have is skipped; elsewhere it fails."""


def _foreign(error: str) -> str | None:
    """Why a test is skipped: the module that is not there, where no dependency of ours brings it."""
    if not PLAIN:
        return None
    if "cannot import name" in error and "from 'tests." in error:
        return "tests that it shares helpers with are skipped"
    missing = re.search(r"No module named '?(\w+)", error)
    if missing is None or missing[1] in {"mock_june", "tests", "tools", "benchmarks", "contract_tests"}:
        return None
    ours = {re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower() for requirement in requires("mock-june") or () if "extra ==" not in requirement}
    return None if ours & {name.lower() for name in packages_distributions().get(missing[1], ())} else f"{missing[1]} is not installed"


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A module whose import fails."""
    report = yield
    why = _foreign(str(report.longrepr)) if report.failed else None
    if why is not None:
        report.outcome, report.longrepr = "skipped", (str(collector.path), 0, f"Skipped: {why}")
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test, its fixture, or a program that it runs, whose import fails."""
    report = yield
    why = _foreign(f"{report.longreprtext}\n{report.capstdout}\n{report.capstderr}") if report.failed else None
    if why is not None:
        report.outcome, report.longrepr = "skipped", (str(item.path), item.location[1] or 0, f"Skipped: {why}")
    return report


@pytest.fixture(scope="session")
def repo() -> Path:
    """The checkout's root."""
    return Path(__file__).parent.parent
