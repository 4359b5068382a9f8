"""Corrections for the fake's page."""

from __future__ import annotations

from typing import Any


def suggestions(contract: str, kind: str, body: bytes) -> list[tuple[dict[str, Any], str]]:
    """What might be done about a payload: operations of a JSON Patch (RFC 6902) with their reasons; guesses too, since somebody looks at them."""
    from mock_june.checker.fixes import Fixer  # noqa: PLC0415 - a fake whose page shows nothing that is wrong pays for none of it

    fixed = Fixer(contract, kind, unsafe=True).fix(body)
    return list(zip(fixed.changes, fixed.reasons, strict=True)) if fixed else []
