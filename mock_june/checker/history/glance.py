"""What the rules across events need of one event: little, so that many processes can send it to the one that has them all."""

from __future__ import annotations

from contextlib import suppress
from hashlib import blake2b
from typing import Any, Final

import orjson

from mock_june.checker.history.days import micros
from mock_june.checker.report import Record
from mock_june.model import Checked

LONGEST_ID = 100
"""Characters beyond which an id is held by its beginning and a digest."""

Glance = tuple[str, int, int, str, str | None, str | None, str | None, str | None, str | None, int, int | None, bool]
"""What history needs of an event: file, line, offset, kind; user, anonymous id, group, email, message id; a digest of it whole; its time; whether it is an
identify, or a group with traits. Small, and fit to be sent from one process to another."""

AT: Final = 10
"""Where in a glance the time is."""


def extract(record: Record, event: Checked) -> Glance:
    """What history needs of an event. Pure: a run over many processes calls it in each, and sends what it gives to the one that has the history."""
    payload = event.payload
    traits = payload.get("traits")
    email = payload.get("email")
    if email is None and isinstance(traits, dict):
        email = traits.get("email")
    email = _id(email)
    group = payload.get("groupId")
    if group is None and isinstance(context := payload.get("context"), dict):
        group = context.get("groupId")
    return (
        record.source,
        record.line,
        record.offset + event.start,
        event.kind,
        _id(payload.get("userId")),
        _id(payload.get("anonymousId")),
        _id(group),
        email.lower() if email else None,
        _id(payload.get("messageId")),
        _digest(payload, record.body[event.start : event.stop]),
        micros(payload.get("timestamp")),
        event.kind == "identify" or (event.kind == "group" and isinstance(traits, dict) and bool(traits)),
    )


def _id(value: Any) -> str | None:
    if not value or not isinstance(value, str):
        return None
    return value if len(value) <= LONGEST_ID else f"{value[:40]}…{blake2b(value.encode(), digest_size=16).hexdigest()}"


def _digest(payload: dict[str, Any], text: bytes) -> int:
    """64 bits that are equal for equal events, in whatever order their members stand. Of 20 million that differ, two have the same in 1 of 90,000 runs."""
    with suppress(orjson.JSONEncodeError):  # it nests too deeply to be written: then its own text must do
        text = orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big", signed=True)
