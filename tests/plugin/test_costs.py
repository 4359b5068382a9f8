"""What the plugin costs whoever has it installed (threats P1, P2): nothing until a fixture is asked for, and nothing is left behind."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"flask", "werkzeug", "uvicorn", "httpx", "jsonschema_rs", "jsonschema", "orjson", "sqlite3", "asyncio", "tenacity", "click", "rich", "hypothesis"}
"""What a session that asks for no fixture has no need of."""


class TestUnused:
    def test_P1_importing_the_plugin_imports_pytest_alone(self):
        """Loading the plugin adds no module to pytest's own but its package and itself."""
        code = "import sys, pytest, _pytest.outcomes; before = {*sys.modules}; import mock_june.pytest_plugin; print(*sorted({*sys.modules} - before))"
        ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert ended.stdout.split() == ["mock_june", "mock_june.pytest_plugin"]

    @pytest.mark.uncovered
    def test_a_session_without_the_fixture_imports_nothing(self, run):
        """A whole session that uses no fixture, failing tests and all, ends without Flask, without a server, without a client."""
        result = run(
            """
import sys

def test_fails():
    assert 1 == 2

def test_it():
    assert not sys.modules.keys() & HEAVY
    assert [name for name in sys.modules if name.startswith("mock_june")] == ["mock_june", "mock_june.pytest_plugin"]
""".replace("HEAVY", repr(HEAVY)),
            process=True,
        )
        result.assert_outcomes(passed=1, failed=1)

    def test_a_passing_test_imports_no_flask(self, run):
        """Sending, asking and asserting need no Flask: it is imported when the rarer routes are first asked for."""
        run(
            """
import sys

def test_it(june):
    june.client.identify(userId="1")
    june.assert_received("identify", userId="1")
    assert "flask" not in sys.modules
""",
            process=True,
        ).assert_outcomes(passed=1)


class TestCoverage:
    def measured(self, pytester, test: str, *options: str) -> dict[str, str]:
        """What `--cov` says of each file of a small project."""
        pytest.importorskip("pytest_cov")
        pytester.makepyfile(
            conftest="import ours\n\ndef pytest_configure(config):\n    ours.used()\n",
            ours="def used():\n    return 1\n\n\ndef unused():\n    return 2\n",
            test_it=test,
        )
        pytester.makeini("[pytest]")
        result = pytester.runpytest_subprocess("--cov=.", "--cov-report=term", *options, timeout=60)
        result.assert_outcomes(passed=1)
        return {line.split()[0]: line.split()[-1] for line in result.outlines if line.partition(" ")[0].endswith(".py")}

    def test_P1_coverage_of_the_users_code_is_whole(self, pytester, monkeypatch):
        """The user's conftest and package are covered as they are without the plugin, for it is loaded early and imports none of them."""
        monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:cacheprovider -p no:randomly -p no:asyncio -p no:xdist")
        covered = self.measured(pytester, "import ours\n\ndef test_it(june):\n    june.client.identify(userId=str(ours.used()))\n")
        without = self.measured(pytester, "import ours\n\ndef test_it():\n    assert ours.used() == 1\n", "-p", "no:june")
        assert covered["test_it.py"] == "100%"
        assert (covered["conftest.py"], covered["ours.py"]) == (without["conftest.py"], without["ours.py"])


class TestLeft:
    def test_P2_a_thousand_tests_leave_nothing(self, run, pytester, monkeypatch):
        """With `-W error` 1,000 tests leave no socket, no thread, no descriptor and no file behind, and nothing is said of unclosed ones."""
        pytester.mkdir("tmp")
        monkeypatch.setenv("TMPDIR", str(pytester.path / "tmp"))
        result = run(
            """
import gc, os, threading
from pathlib import Path

FD = Path("/proc/self/fd")

@pytest.fixture(scope="session", autouse=True)
def counted(june_server):
    before = {}
    def count():
        gc.collect()
        return len(list(FD.iterdir())) if FD.exists() else 0, threading.active_count()
    yield before, count

@pytest.mark.parametrize("number", range(1000))
def test_it(june, counted, number):
    before, count = counted
    if number % 10 == 0:
        june.client.identify(userId="1")
        june.assert_received("identify", count=1)
    if number == 50:
        before["then"] = count()

def test_left(june, counted):
    before, count = counted
    descriptors, threads = count()
    then_descriptors, then_threads = before["then"]
    assert descriptors <= then_descriptors + 4
    assert threads <= then_threads + 4  # the loop's own pool, as far as it is needed
""",
            *["-W", "error"],
            process=True,
            conftest="""
import gc, os, threading, tempfile, pathlib
import pytest

@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    gc.collect()
    print("threads left:", sorted(thread.name for thread in threading.enumerate() if thread is not threading.main_thread()))
    print("folders left:", [path.name for path in pathlib.Path(tempfile.gettempdir()).iterdir() if "june" in path.name])
""",
        )
        result.assert_outcomes(passed=1001)
        result.stdout.fnmatch_lines(["threads left: [[][]]", "folders left: [[][]]"])
        result.stdout.no_fnmatch_line("*Warning*")
        assert result.stderr.str() == ""


class TestLogs:
    def test_a_tests_logs_are_its_own(self, run):
        """Asking and steering the fake logs nothing, nor does the fake: at level INFO a test sees the records of its own code alone."""
        run(
            """
import logging

def test_it(june, caplog):
    post(june, TRACK), post(june, WRONG)
    june.assert_received("track"), june.assert_rejected(), june.fail(503), june.reset()
    logging.getLogger("ours").info("one")
    assert [record.name for record in caplog.records] == ["ours"]
    assert caplog.get_records("setup") == []
""",
            ini="log_level = INFO",
            process=True,
        ).assert_outcomes(passed=1)

    def test_other_servers_logs_are_left_alone(self, run):
        """A uvicorn of the user's own in the same process logs as ever."""
        run(
            """
import logging

def test_it(june, caplog):
    assert logging.getLogger("uvicorn.access").propagate
    logging.getLogger("uvicorn.access").info("theirs")
    logging.getLogger("uvicorn.error").info("theirs")
    assert [record.name for record in caplog.records] == ["uvicorn.access", "uvicorn.error"]
""",
            ini="log_level = INFO",
            process=True,
        ).assert_outcomes(passed=1)
