"""Planned misbehaviour: what a fault may say, and which of the planned ones meets a call."""

from __future__ import annotations

import fnmatch
import itertools
import math
import random
import re
import threading
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jsonschema_rs

from mock_june import wire
from mock_june.errors import UsageError
from mock_june.model import KINDS, Fault

BILLION = 10**9
COUNT = {"type": "integer", "minimum": 1, "maximum": BILLION}
AFTER = {**COUNT, "description": "How many calls that it is about pass first; one that an earlier fault strikes does not pass, and is not counted."}
GLOB = {"type": "string", "minLength": 1, "maxLength": 200}
COMMON: dict[str, Any] = {"retry_after": {"type": "integer", "minimum": 0, "maximum": BILLION}, "kind": {"enum": list(KINDS["sdk"])}, "path": GLOB}

MISHAP: dict[str, Any] = {
    "type": "object",
    "title": "A status, a delay, a dropped connection, in any combination",
    "additionalProperties": False,
    "minProperties": 1,
    "properties": {
        **COMMON,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "delay": {"type": "number", "minimum": 0, "maximum": 60},
        "drop": {"enum": ["reset", "close", "truncate"]},
        "times": {"type": ["integer", "null"], "minimum": 1, "maximum": BILLION},
        "probability": {"type": "number", "minimum": 0, "maximum": 1},
        "seed": {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
        "after": AFTER,
        "when": {"enum": ["before", "after"]},
    },
}
LIMIT: dict[str, Any] = {
    "type": "object",
    "title": "A rate limit: 429 for what goes beyond `rate` calls in `per` seconds, until reset",
    "additionalProperties": False,
    "required": ["rate"],
    "properties": {**COMMON, "rate": COUNT, "per": {"type": "number", "minimum": 0.001, "maximum": 3600}, "after": AFTER},
}
DOES = ("status", "delay", "drop", "rate")
_MISHAP = jsonschema_rs.validator_for(MISHAP)
_LIMIT = jsonschema_rs.validator_for(LIMIT)


def parse(data: object, workspace: str | None) -> list[Fault]:
    """Faults out of a request's JSON: one, or a list. Raises UsageError, and gives none of them, if one is not as it must be."""
    several = data if isinstance(data, list) else [data]
    if not several:
        raise UsageError('the list of faults is empty; give at least one, such as {"status": 503}')
    return [_parse_one(one, f"fault {number}: " if len(several) > 1 else "", workspace) for number, one in enumerate(several, 1)]


def _parse_one(data: object, which: str, workspace: str | None) -> Fault:
    if not isinstance(data, dict):
        raise UsageError(f'{which}a fault is a JSON object such as {{"status": 503}}')
    if not any(name in data for name in DOES):
        raise UsageError(f"{which}a fault needs one of {', '.join(DOES)}")
    for error in (_LIMIT if "rate" in data else _MISHAP).iter_errors(data):
        where = f"`{error.instance_path[0]}`: " if error.instance_path else ""
        raise UsageError(f"{which}{where}{error.message[:200]}")
    said: dict[str, Any] = {
        name: int(value) if isinstance(value, float) and name in {"status", "times", "after", "rate", "retry_after", "seed"} else value
        for name, value in data.items()
    }
    if "drop" in said and "status" not in said:
        said.setdefault("when", "after")
    if "rate" in said:
        said["times"] = None
    return Fault(workspace=workspace, **said)


@dataclass(slots=True)
class _Planned:
    """A fault with what it remembers between calls."""

    fault: Fault
    order: random.Random
    path: re.Pattern[str] | None
    let_through: int
    passed: deque[float] = field(default_factory=deque)

    def matches(self, workspace: str, kinds: Collection[str], path: str) -> bool:
        f = self.fault
        return f.workspace in (None, workspace) and (f.kind is None or f.kind in kinds) and (self.path is None or self.path.match(path) is not None)

    def strikes(self, now: float) -> Fault | None:
        """The fault as it meets this call, or None: the call goes on to the next."""
        if self.let_through:
            self.let_through -= 1
            return None
        if self.fault.rate is not None:
            return self._limits(now, self.fault.rate)
        if self.order.random() >= self.fault.probability:
            return None
        return self._struck()

    def _limits(self, now: float, rate: int) -> Fault | None:
        """A sliding window: of the calls of the last `per` seconds, `rate` were let through."""
        while self.passed and self.passed[0] <= now - self.fault.per:
            self.passed.popleft()
        if len(self.passed) < rate:
            self.passed.append(now)
            return None
        struck = self._struck()
        wait = max(1, math.ceil(self.passed[0] + self.fault.per - now))
        return replace(struck, status=429, retry_after=wait if struck.retry_after is None else struck.retry_after)

    def _struck(self) -> Fault:
        self.fault = replace(self.fault, struck=self.fault.struck + 1)
        return self.fault

    @property
    def spent(self) -> bool:
        return self.fault.times is not None and self.fault.struck >= self.fault.times


class Faults:
    """The faults that are planned. The first planned that strikes wins; one that has struck as often as it may is gone. Safe to use from any thread."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []
        self._ids = itertools.count(1)
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        """Whether any is planned: mostly none is, and a call need not look further."""
        return bool(self._planned)

    def plan(self, faults: Sequence[Fault]) -> list[Fault]:
        """Plans faults, in their order, after those that are there. Gives them back with their ids."""
        with self._lock:
            new = [replace(fault, id=next(self._ids)) for fault in faults]
            self._planned += [_Planned(f, random.Random(f.seed), _glob(f.path), f.after) for f in new]  # noqa: S311 -- a test's dice, seeded on purpose
        return new

    def planned(self, workspace: str | None) -> list[Fault]:
        """What is planned and not spent: for one workspace (its own faults and those of all), or everything (None)."""
        with self._lock:
            return [p.fault for p in self._planned if workspace is None or p.fault.workspace in (None, workspace)]

    def drop(self, number: int, workspace: str | None) -> bool:
        """Forgets one fault, of one workspace or of any (None). Gives whether it was there."""
        with self._lock:
            kept = [p for p in self._planned if p.fault.id != number or workspace not in (None, p.fault.workspace)]
            gone = len(kept) < len(self._planned)
            self._planned = kept
        return gone

    def clear(self, workspace: str | None) -> int:
        """Forgets one workspace's own faults, or all (None). Gives how many went."""
        with self._lock:
            kept = [p for p in self._planned if workspace is not None and p.fault.workspace != workspace]
            gone = len(self._planned) - len(kept)
            self._planned = kept
        return gone

    def take(self, workspace: str, kinds: Collection[str], path: str, now: float) -> Fault | None:
        """The fault that meets a call, None mostly. `now` in seconds on any clock that does not go back."""
        with self._lock:
            for planned in self._planned:
                if planned.matches(workspace, kinds, path) and (struck := planned.strikes(now)) is not None:
                    if planned.spent:
                        self._planned.remove(planned)
                    return struck
        return None


def _glob(pattern: str | None) -> re.Pattern[str] | None:
    return None if pattern is None else re.compile(fnmatch.translate(pattern))


def shown(fault: Fault) -> dict[str, Any]:
    """A fault as the control API shows it."""
    return wire.fault(fault)
