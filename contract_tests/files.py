"""The schema files as they lie beside this package, in a checkout and in a wheel: the only word on what is right."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from jsonschema import Draft202012Validator

T = TypeVar("T")

Schema = dict[str, Any]
Payload = dict[str, Any]
Kind = tuple[str, str]
"""A contract and a kind of it."""

FOLDER = Path(__file__).parent.parent / "schemas"

KINDS = {"backfill": ("identify", "group", "track"), "sdk": ("identify", "group", "track", "page", "screen", "alias")}
"""The kinds of each contract."""

ENVELOPE = "batch"
"""What `sdk/batch.json` is of: many messages in one call, which is no kind."""

PREFIXES = {"backfill": "/api", "sdk": "/sdk"}
"""What the paths of a contract begin with."""

ALWAYS = 3
"""Of a list of things to try, so many from its beginning are each kind's (see `share`): the plainest."""


@cache
def schema(contract: str, kind: str, folder: Path = FOLDER) -> Schema:
    """One schema file, parsed. Do not change what it gives."""
    loaded: Schema = json.loads((folder / contract / f"{kind}.json").read_text("utf-8"))
    return loaded


@cache
def judge(contract: str, kind: str, folder: Path = FOLDER) -> Draft202012Validator:
    """What says whether a payload keeps a schema: the reference implementation, given the file and nothing else."""
    return Draft202012Validator(schema(contract, kind, folder))


def share(contract: str, kind: str, found: Iterable[T]) -> list[T]:
    """What of a list of things to try is this kind's.

    In backfill all. The six kinds of sdk have much in common: each tries a third, so that each thing is tried twice.
    """
    if contract == "backfill":
        return list(found)
    turn = KINDS[contract].index(kind)
    return [each for place, each in enumerate(found) if place < ALWAYS or (place + turn) % 3 == 0]
