"""Schemathesis over a fake's own OpenAPI document: every operation, every check, every phase, on either face."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from typing import Any

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from mock_june.text import cut

LONGEST_WAIT = 0.05
"""Seconds that a long poll is left to wait: what is asked of it is the same, and thousands are asked."""

ENDLESS = "/_mock/stream"
"""The one answer that does not end of itself: it is attacked in tests/attacks and tests/server/control/test_live.py instead."""


KEY = "an-api-key"
PHASES = ("examples", "coverage", "fuzzing", "stateful")


TOO_LONG = frozenset({414, 431})
"""A head of more than 64 KiB is refused by whoever reads it, before there is a path that could be documented."""


def configured(examples: int, seed: int, phases: Collection[str]) -> SchemathesisConfig:
    """All checks, so many examples of each operation, and the key that authenticates them."""
    return SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "generation": {"max-examples": examples, "database": "none", "no-shrink": True},
            "phases": {name: {"enabled": name in phases} for name in PHASES},
            "continue-on-failure": True,
            "request-timeout": 20,
            "auth": {"basic": {"username": KEY, "password": ""}},
            "suppress-health-check": ["all"],
        }
    )


def failures(url: str, *, examples: int, seed: int, phases: Collection[str]) -> list[str]:
    """What a run over the fake at `url`, which takes KEY alone, finds: each failure as a text, with the request that shows it and its answer."""
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json", config=configured(examples, seed, phases))
    found: list[str] = []
    schemathesis.hook(before_call)
    try:
        for event in from_schema(schema.exclude(path=ENDLESS)).execute():
            if isinstance(event, events.NonFatalError):
                found.append(f"{event.label}: {event.info}")
            if isinstance(event, events.FatalError):
                found.append(str(event.exception))
            if isinstance(event, events.ScenarioFinished):
                found += [text for case in event.recorder.checks for text in _told(event.recorder, case)]
    finally:
        schemathesis.hooks.GLOBAL_HOOK_DISPATCHER.unregister(before_call)
    return found


def before_call(context: Any, case: Any, **_: Any) -> None:
    """Cuts a long poll short. Schemathesis knows a hook by its name."""
    wait = (case.query or {}).get("wait")
    with contextlib.suppress(TypeError, ValueError):
        if LONGEST_WAIT < float(wait or 0) <= 60:
            case.query["wait"] = LONGEST_WAIT


def _told(recorder: Any, case: str) -> Iterator[str]:
    """What failed of one request, with the request and its answer."""
    answered = recorder.interactions.get(case)
    response = answered.response if answered else None
    if response is not None and response.status_code in TOO_LONG:
        return
    answer = "no answer" if response is None else f"{response.status_code} {response.content[:300]!r}"
    for check in recorder.checks[case]:
        if check.failure_info is not None:
            yield f"{recorder.label}: {check.name}: {cut(str(check.failure_info.failure), 400)}\n{cut(check.failure_info.code_sample, 600)}\n{answer}"
