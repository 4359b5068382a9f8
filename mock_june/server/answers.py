"""What the fake answers: the one success and the one shape of a refusal. A status or a header of ours is decided here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mock_june import wire
from mock_june.model import Violation
from mock_june.text import printable

Headers = tuple[tuple[str, str], ...]

LISTED = 100
"""How many violations a refusal lists; `errors_total` counts them all."""

JSON: Headers = (("content-type", "application/json"),)
CORS: Headers = (("access-control-allow-origin", "*"),)
PREFLIGHT: Headers = (
    *CORS,
    ("access-control-allow-methods", "POST, OPTIONS"),
    ("access-control-allow-headers", "authorization, content-type, content-encoding"),
    ("access-control-max-age", "600"),
)
CHALLENGE: Headers = (("www-authenticate", 'Basic realm="june"'),)

CODES = {
    400: "invalid_payload",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "payload_too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
    431: "headers_too_large",
    500: "internal_error",
    503: "journal_unwritable",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, a body and the headers that go with it (names in lower case). `code` is None on success."""

    status: int
    body: bytes
    headers: Headers = JSON
    code: str | None = None


SUCCESS = Answer(200, wire.SUCCESS, JSON + CORS)


def refusal(status: int, code: str, message: str, violations: Sequence[Violation] = (), total: int | None = None, headers: Headers = ()) -> Answer:
    """The one shape of every answer that is no success. `message` is one line that says what to do; at most 100 violations are listed."""
    listed = violations[:LISTED]
    body = {
        "status": status,
        "success": False,
        "code": code,
        "message": printable(" ".join(message.splitlines())),
        "errors": [wire.violation(v) for v in listed],
        "errors_total": len(violations) if total is None else total,
    }
    return Answer(status, wire.dumps(body), JSON + headers, code)


UNDROPPED = refusal(500, "fault", "a dropped connection was planned; this host cannot drop one, so it answers 500", headers=CORS)
"""In place of a planned drop, where there is no connection to drop."""


def json_answer(value: Any, status: int = 200) -> Answer:
    """A control answer: any value of `wire`'s as JSON."""
    return Answer(status, wire.dumps(value))
