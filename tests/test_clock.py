"""The real clock, whatever a test does to time."""

from __future__ import annotations

import subprocess
import sys
import time

from freezegun import freeze_time

from mock_june import clock


def test_frozen_time_does_not_reach_it():
    """Under frozen time it goes on, in seconds and as text, and sleeping takes its time."""
    with freeze_time("2001-02-03"):
        before = clock.monotonic()
        clock.sleep(0.02)
        assert clock.monotonic() - before >= 0.02
        assert time.time() == 981158400.0
        assert not clock.now().startswith("2001")


def test_nor_where_it_is_imported_under_it():
    """Imported while time is frozen, as a fixture that comes late does, it is the real clock all the same."""
    code = """
from freezegun import freeze_time
with freeze_time("2001-02-03"):
    from mock_june import clock
    before = clock.monotonic()
    clock.sleep(0.02)
    print(clock.monotonic() - before >= 0.02, clock.now().startswith("2001"))
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "True False\n"


def test_its_text():
    """UTC, RFC 3339, milliseconds."""
    import re

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", clock.now())
