"""The backfill itself."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from backfill.june import June
from backfill.progress import Progress, fingerprint
from backfill.rows import payloads

PAGE = 100


def run(folder: Path, url: str, key: str, state: Path, *, page: int = PAGE, pause: float = 0.5) -> int:
    """Sends what June has not taken yet; gives how much that was. Raises JuneError where it has to be run again."""
    with June(url, key, pause) as june, Progress(state, fingerprint(folder), page) as progress:
        began = progress.done
        for payload in islice(payloads(folder), began, None):
            june.send(payload)
            progress.took()
        return progress.done - began
