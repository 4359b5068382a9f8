"""What `import mock_june` gives, and what it does not bring along."""

from __future__ import annotations

import subprocess
import sys

import pytest

import mock_june


def modules_after(script: str) -> set[str]:
    ended = subprocess.run([sys.executable, "-c", f"import sys; {script}; print(*sys.modules)"], capture_output=True, text=True, check=True)
    return set(ended.stdout.split())


def test_names():
    """The public names are these and no others."""
    assert mock_june.__all__ == ["MockJuneError", "Verdict", "Violation", "__version__", "check"]
    assert set(mock_june.__all__) <= set(dir(mock_june))
    for name in mock_june.__all__:
        assert getattr(mock_june, name) is not None


def test_star_import():
    """`from mock_june import *` gives the public names."""
    names: dict[str, object] = {}
    exec("from mock_june import *", names)
    assert set(mock_june.__all__) <= set(names)


def test_unknown_name():
    """A name that is not there is an AttributeError, as of any module."""
    with pytest.raises(AttributeError, match="nothing"):
        mock_june.nothing  # noqa: B018 - it is asked for


def test_import_alone():
    """`import mock_june` brings nothing of ours or of others along, not even the JSON parser."""
    assert not modules_after("import mock_june") & {"orjson", "jsonschema_rs", "flask", "click", "pytest", "mock_june.model", "mock_june.contract"}


@pytest.mark.uncovered
def test_check_alone():
    """The checker brings no web server, no command line, no test runner along."""
    modules = modules_after("import mock_june; mock_june.check")
    assert "mock_june.contract" in modules
    assert not modules & {"flask", "werkzeug", "uvicorn", "click", "rich", "pytest", "hypothesis", "httpx", "jsonschema", "sqlite3"}


def test_check():
    """`check` takes a payload or its bytes and gives the same verdict."""
    payload = {"type": "track", "event": "Registered", "userId": "1", "timestamp": "2021-02-24T01:19:38"}
    verdict = mock_june.check(payload)
    assert isinstance(verdict, mock_june.Verdict)
    assert not verdict.accepted
    assert {violation.rule for violation in verdict.violations} == {"track.timestamp.pattern", "track.email.required"}
    assert all(isinstance(violation, mock_june.Violation) for violation in verdict.violations)
    assert mock_june.check(b'{"type": "track", "event": "Registered", "userId": "1", "timestamp": "2021-02-24T01:19:38"}').violations == verdict.violations


def test_errors():
    """What is wrong in the asking is a MockJuneError."""
    with pytest.raises(mock_june.MockJuneError, match="backfill"):
        mock_june.check({}, contract="bakfill")
