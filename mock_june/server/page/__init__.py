"""The page at `/`: one document, its styles and its modules, as they lie here. No build makes them, and they ask nobody but the control API."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from mock_june.server.answers import Answer

FOLDER = "/_mock/page/"
"""Where the files are served. They hold no data, so they need no token."""

TYPES = {"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
"""No inline script or style, no other origin, no form, no frame; and a string never becomes markup, whatever a payload says."""


@cache
def _files() -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in files(__name__).iterdir() if each.name.rpartition(".")[2] in TYPES}


def asset(name: str) -> Answer | None:
    """A file of the page by its name; None if there is none."""
    found = _files().get(name)
    if found is None:
        return None
    return Answer(200, found, (("content-type", TYPES[name.rpartition(".")[2]]), ("content-security-policy", POLICY)))
