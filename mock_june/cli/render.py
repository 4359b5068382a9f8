"""What the commands' output may use: colour, and the width of a terminal."""

from __future__ import annotations

import os
import sys


def colour() -> bool | None:
    """False where NO_COLOR is set (no-color.org: to anything but nothing), else True where FORCE_COLOR is; None: as the stream is."""
    if os.environ.get("NO_COLOR"):
        return False
    return True if os.environ.get("FORCE_COLOR") else None


def for_people() -> bool:
    """Whether stdout is read by a person, who wants a table, and not by a program, which wants tabs. FORCE_COLOR asks for what a person gets."""
    return sys.stdout.isatty() or bool(os.environ.get("FORCE_COLOR"))
