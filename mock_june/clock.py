"""The real clock. Tests freeze time (freezegun); what waits on a frozen clock waits for ever, so mock-june keeps the functions as they were.

They are held in default arguments: freezegun replaces them in every module where they stand as a name.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from functools import lru_cache


def monotonic(_real: Callable[[], float] = time.monotonic) -> float:
    """Seconds on a clock that does not go back."""
    return _real()


def now(_real: Callable[[], int] = time.time_ns) -> str:
    """The time, UTC, RFC 3339 with milliseconds."""
    seconds, thousandths = divmod(_real() // 1_000_000, 1000)
    return f"{_second(seconds)}.{thousandths:03}Z"


@lru_cache(maxsize=1)
def _second(seconds: int, _real: Callable[[float, tzinfo], datetime] = datetime.fromtimestamp) -> str:
    """A second since 1970, written once for all calls that come in it."""
    return _real(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def sleep(seconds: float, _real: Callable[[float], None] = time.sleep) -> None:
    """Waits so many seconds."""
    _real(seconds)
