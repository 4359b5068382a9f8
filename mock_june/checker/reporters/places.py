"""Where findings are, as the tools that read reports want to hear it."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote


def relative(file: str) -> str:
    """A file's name from the working directory, with `/` between its parts; of a file elsewhere its whole path."""
    return Path(os.path.relpath(file) if Path(file).is_relative_to(Path.cwd()) else file).as_posix()


def uri(file: str) -> str:
    """A file's name as a URI reference (RFC 3986), relative where the file lies in the working directory. Bytes that are no UTF-8 are encoded as they are."""
    path = Path(relative(file))
    encoded = quote(os.fsencode(path.as_posix()), safe="/")
    return f"file://{encoded}" if path.is_absolute() else encoded
