"""What each path is for: the contract and the kind that a call to it is held to."""

from __future__ import annotations

from mock_june.model import Endpoint

LETTERS = {"i": "identify", "g": "group", "t": "track", "p": "page", "s": "screen", "a": "alias"}
"""Segment's one-letter forms of the kinds."""


def _routes() -> dict[str, Endpoint]:
    routes = {f"/api/{kind}": Endpoint("backfill", kind) for kind in ("identify", "group", "track")}
    routes["/api/page"] = Endpoint("sdk", "page")  # RudderStack posts there
    for kind in LETTERS.values():
        routes[f"/sdk/{kind}"] = routes[f"/v1/{kind}"] = Endpoint("sdk", kind)
    routes |= {f"/v1/{letter}": Endpoint("sdk", kind) for letter, kind in LETTERS.items()}
    for prefix in ("/sdk", "/v1"):
        routes[f"{prefix}/batch"] = routes[f"{prefix}/b"] = Endpoint("sdk", None, "batch")
        routes[f"{prefix}/m"] = Endpoint("sdk", None, "counters")
    return routes


ROUTES = _routes()
"""Every path that takes calls, without its trailing slash."""


def endpoint_of(path: str) -> Endpoint | None:
    """What a path is for; a trailing slash is the same path."""
    return ROUTES.get(path) or ROUTES.get(path.removesuffix("/"))
