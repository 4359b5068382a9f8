"""The fast look at many lines: which of them are not certainly clean, so that the contract must say what is wrong with them."""

from __future__ import annotations

from importlib.util import find_spec

from mock_june.checker.scan.exact import ExactScan, Scan, Scanned
from mock_june.contract import Engine
from mock_june.model import Endpoint

__all__ = ["ExactScan", "Scan", "Scanned", "fast_scan"]


def fast_scan(engine: Engine, endpoint: Endpoint, expected: int = 0) -> Scan:
    """The fastest look at many lines that this installation has. `expected` bytes are known to come."""
    exact = engine.quick(endpoint)
    if find_spec("re2") is None:
        return ExactScan(exact)
    from mock_june.checker.scan.gate import GatedScan  # noqa: PLC0415 - its patterns are made where they can be asked for

    return GatedScan(exact, endpoint, expected)
