"""The real clock. Tests freeze time (freezegun); what waits on a frozen clock waits for ever, so mock-june keeps the functions as they were.

They are held in default arguments: freezegun replaces them in every module where they stand as a name.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo


def monotonic(_real: Callable[[], float] = time.monotonic) -> float:
    """Seconds on a clock that does not go back."""
    return _real()


def now(_real: Callable[[tzinfo], datetime] = datetime.now) -> str:
    """The time, UTC, RFC 3339 with milliseconds."""
    return _real(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def sleep(seconds: float, _real: Callable[[float], None] = time.sleep) -> None:
    """Waits so many seconds."""
    _real(seconds)
