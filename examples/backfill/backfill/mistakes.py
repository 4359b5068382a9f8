"""Three mistakes that backfills make, to see the tests find them: BACKFILL_MISTAKE=local-time, lost-retry or doubled-page."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any

from backfill import rows
from backfill.june import June, JuneError
from backfill.progress import Progress


def local_time(moment: str) -> str:
    """The clock on the wall, called UTC."""
    return datetime.fromisoformat(moment).replace(tzinfo=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def lost_retry(june: June, payload: dict[str, Any]) -> None:
    """What fails is passed over, and the next row is sent."""
    with contextlib.suppress(JuneError):
        june._sleep = give_up  # noqa: SLF001 -- a mistake
        send(june, payload)


def give_up(seconds: float) -> None:
    """No second try."""
    raise JuneError(f"{seconds} s are too long to wait")


def doubled_page(progress: Progress, *error: object) -> None:
    """What was sent of the page under way is forgotten, and so it is sent again by the next run."""


send = June.send


def plant(name: str) -> None:
    """Makes a mistake. Without a name it makes none."""
    match name:
        case "":
            return
        case "local-time":
            rows.utc = local_time
        case "lost-retry":
            June.send = lost_retry  # type: ignore[method-assign, assignment]
        case "doubled-page":
            Progress.__exit__ = doubled_page  # type: ignore[method-assign]
        case _:
            raise ValueError(f"BACKFILL_MISTAKE={name}: there are local-time, lost-retry and doubled-page")
