"""The real clock. Tests freeze time (freezegun); what waits on a frozen clock waits for ever, so mock-june keeps the functions as they were.

They are held in a tuple: freezegun replaces them in every module where they stand as a name.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple


class _Real(NamedTuple):
    """The functions as they were."""

    monotonic: Callable[[], float]
    time_ns: Callable[[], int]
    datetime: type[datetime]
    sleep: Callable[[float], None]


def _original(name: str, found: Any) -> Any:
    """What freezegun has put aside, where time was frozen before this module was imported; else what is found."""
    return getattr(sys.modules.get("freezegun.api"), f"real_{name}", found)


_REAL = _Real(_original("monotonic", time.monotonic), _original("time_ns", time.time_ns), _original("datetime", datetime), time.sleep)


def monotonic() -> float:
    """Seconds on a clock that does not go back."""
    return _REAL.monotonic()


def now() -> str:
    """The time, UTC, RFC 3339 with milliseconds."""
    seconds, thousandths = divmod(_REAL.time_ns() // 1_000_000, 1000)
    return f"{_second(seconds)}.{thousandths:03}Z"


@lru_cache(maxsize=1)
def _second(seconds: int) -> str:
    """A second since 1970, written once for all calls that come in it."""
    return _REAL.datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def sleep(seconds: float) -> None:
    """Waits so many seconds."""
    _REAL.sleep(seconds)
