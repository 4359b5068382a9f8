"""The contract: whether a payload is what June's API takes, and what is wrong with it where it is not."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from mock_june.contract.engine import Engine
from mock_june.errors import UsageError
from mock_june.model import Endpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mock_june.model import ContractName, Verdict

__all__ = ["Engine", "check"]


def check(payload: Any, kind: str | None = None, contract: str = "backfill", *, select: Sequence[str] = (), ignore: Sequence[str] = ()) -> Verdict:
    """The verdict on one payload: what June's API would have said, and why.

    `payload` is a dict, or JSON text as bytes or str. `kind` is what it is sent as (`identify`, `group`, `track`; in sdk also `page`, `screen`, `alias`);
    without one its own `type` says it. `contract` is `backfill` (the help-centre article *Backfill your events*) or `sdk` (June's HTTP API pages).
    `select` and `ignore` are rule ids or globs over them.

    Raises UsageError for a kind, contract or pattern that is none, and for a value that JSON cannot hold.

    >>> verdict = check({"type": "identify", "userId": 42})
    >>> verdict.accepted
    False
    >>> verdict.violations[0].rule, verdict.violations[0].message
    ('identify.userId.type', 'userId is the number 42, not a String')
    """
    return _engine(tuple(select), tuple(ignore)).check(_json(payload), Endpoint(cast("ContractName", contract), kind))


@lru_cache(maxsize=8)
def _engine(select: tuple[str, ...], ignore: tuple[str, ...]) -> Engine:
    """An engine is a pure function of its patterns, so that a loop over `check` compiles the schemas once."""
    return Engine(select, ignore)


def _json(payload: Any) -> bytes:
    """The bytes that a client would have sent for a payload; NaN and lone surrogates stay in them, for the verdict to name."""
    if isinstance(payload, bytes | bytearray | memoryview):
        return bytes(payload)
    if isinstance(payload, str):
        return payload.encode("utf-8", "surrogatepass")
    try:
        # The standard library's, as HTTP clients use it: orjson would write null for NaN, and takes dates and dataclasses that they refuse.
        return json.dumps(payload).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"the payload cannot be written as JSON: {error}") from None
