"""Payloads as they are sent, and what a server's answer to one means. No I/O."""

from __future__ import annotations

import base64
import binascii
import email.utils
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import httpx
import orjson

from mock_june import clock, wire
from mock_june.errors import RefusedError, UsageError
from mock_june.model import ContractName, Endpoint
from mock_june.text import cut

Check = Callable[[Endpoint, bytes], None]
SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", re.ASCII)
BARE = re.compile(r"[!-9;-~]+", re.ASCII)
"""A key that can stand in a header as it is: visible ASCII (RFC 9110 section 5.5) without a colon."""


def credentials(key: str, contract: ContractName) -> str:
    """The `Authorization` of a call. The article sends the key as it stands, June's SDKs send `key:` in base64 (RFC 7617)."""
    if not key:
        raise UsageError("an API key is not empty")
    bare = BARE.fullmatch(key) is not None and not _is_pair(key)
    if ":" in key or (contract == "backfill" and bare):
        return f"Basic {key}"
    return f"Basic {base64.b64encode(f'{key}:'.encode()).decode()}"


def _is_pair(key: str) -> bool:
    """Whether a key, sent as it stands, could be read as the base64 of another one."""
    try:
        return b":" in base64.b64decode(key, validate=True)
    except binascii.Error:
        return False


def whole(kind: str | None, payload: Mapping[str, Any] | None, fields: Mapping[str, Any]) -> dict[str, Any]:
    """A payload out of what was given, its `type` filled in."""
    return {**({"type": kind} if kind is not None else {}), **(payload or {}), **fields}


def batch(payloads: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The envelope in which June's SDKs send several payloads."""
    return {"batch": list(payloads), "sentAt": datetime.now(UTC)}


def encoded(payload: Mapping[str, Any]) -> bytes:
    """A payload as JSON, datetimes as June takes them. Raises UsageError, with the place, for what JSON has not."""
    try:
        # Not orjson's, which writes no integer beyond 64 bits and nothing that nests deeper than 254 levels: June's API takes both.
        return json.dumps(_plain(payload, ""), ensure_ascii=False, separators=(",", ":")).encode()
    except ValueError as error:  # half of a surrogate pair, an integer of thousands of digits
        raise UsageError(f"the payload is no JSON: {error}") from None
    except RecursionError:
        raise UsageError("the payload nests deeper than Python can follow; send it flatter, and look whether it holds itself") from None


def _plain(value: Any, pointer: str) -> Any:
    if isinstance(value, Mapping):
        return {_name(name, pointer): _plain(member, f"{pointer}/{name}") for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{pointer}/{place}") for place, item in enumerate(value)]
    if isinstance(value, datetime):
        return _text(value, pointer)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"{pointer} is {value}, which JSON has not; leave the member out, or send null")
    if value is None or isinstance(value, str | int | float):
        return value
    raise UsageError(f"{pointer or 'the payload'} is a {type(value).__name__}, {cut(repr(value), 60)}, which JSON has not; make it a str, an int or a float")


def _name(name: Any, pointer: str) -> str:
    """A member's name. JSON's own encoder would make a text of a number, and two members of one name of 1 and "1"."""
    if isinstance(name, str):
        return name
    raise UsageError(f"{pointer or 'the payload'} has a member named {cut(repr(name), 60)}: names are strings in JSON; make it a str")


def _text(moment: datetime, pointer: str) -> str:
    """An instant as June takes it: RFC 3339 in UTC."""
    if moment.tzinfo is None:
        raise UsageError(f"{pointer} is {moment}, which has no timezone, so nobody can say when it was; give it one: moment.replace(tzinfo=timezone.utc)")
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def checker() -> Check:
    """The engine, as a check before sending: what breaks the contract raises RefusedError."""
    from mock_june.contract import Engine  # noqa: PLC0415 -- a client that does not validate loads no schemas

    engine = Engine()

    def held(endpoint: Endpoint, body: bytes) -> None:
        verdict = engine.check(body, endpoint)
        if not verdict.accepted:
            first = verdict.violations[0]
            raise RefusedError(f"not sent: {first.pointer}: {first.message}. {first.hint}", 400, "invalid_payload", verdict.violations)

    return held


def refused(answer: httpx.Response) -> RefusedError:
    """What an answer that is no success means, whether it has our shape or not."""
    try:
        said = orjson.loads(answer.content)
        violations = wire.violations_from(said.get("errors"))
        code, message = str(said.get("code", "")), str(said.get("message", ""))
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
        violations, code, message = (), "", ""
    return RefusedError(message or f"{answer.url} answered {answer.status_code}", answer.status_code, code, violations, retry_after(answer.headers))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, out of a number or a date (RFC 9110 section 10.2.3); None where nothing is said that can be read."""
    value = headers.get("retry-after", "").strip()
    if SECONDS.fullmatch(value):
        return float(value)
    try:
        return max(0.0, (email.utils.parsedate_to_datetime(value) - datetime.fromisoformat(clock.now())).total_seconds())
    except (TypeError, ValueError):
        return None
