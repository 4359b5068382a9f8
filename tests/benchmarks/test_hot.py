from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.hot import table

ROOT = Path(__file__).parents[2]


def test_a_function_is_compared_by_the_yardstick():
    """On a machine that is twice as slow, what takes twice as long is as quick as the last time; what takes four times as long is slower."""
    lines = table({"yardstick": 20.0, "same": 6.0, "worse": 12.0, "better": 3.0}, {"yardstick": 10.0, "same": 3.0, "worse": 3.0, "better": 3.0})
    assert lines[1:] == [
        "yardstick            20.00       1.000      1.000   1.00",
        "same                  6.00       0.300      0.300   1.00",
        "worse                12.00       0.600      0.300   2.00  slower",
        "better                3.00       0.150      0.300   0.50  quicker",
    ]


def test_a_new_function_is_compared_with_nothing():
    """A function that the last run did not have stands there by itself."""
    assert table({"yardstick": 10.0, "new": 5.0}, {"yardstick": 10.0})[2] == "new                   5.00       0.500"


def test_the_hot_functions_do_their_work():
    """Each of them runs, and gives what it is asked for."""
    pytest.importorskip("pytest_benchmark")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "benchmark", "--benchmark-disable", "-p", "no:cacheprovider", "benchmarks/hot_functions.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "12 passed" in done.stdout
