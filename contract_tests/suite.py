"""The list of promises: all that a server which claims to be June must keep."""

from __future__ import annotations

from functools import cache

from . import answers, calls, payloads, sdk
from .cases import Promise
from .files import KINDS

DRAWN = 10
"""How many cases are drawn for each promise, beside the fixed ones."""


@cache
def promises(*, with_sdk: bool = False, any_key: bool = False, drawn: int = DRAWN) -> tuple[Promise, ...]:
    """The promises in the order in which they are tried; those that watch come last.

    `with_sdk`: those of the SDK contract too. `any_key`: the server takes any key, so that none is wrong.
    """
    contracts = ("backfill", "sdk") if with_sdk else ("backfill",)
    kinds = [(contract, kind) for contract in contracts for kind in KINDS[contract]]
    found: list[Promise] = [*calls.auth(kinds, any_key=any_key), *calls.http(kinds)]
    for contract in contracts:
        found += calls.json_texts(contract, KINDS[contract])
        for kind in KINDS[contract]:
            found += payloads.of_kind(contract, kind, drawn)
        found += payloads.of_contract(contract, KINDS[contract], drawn)
    if with_sdk:
        found += sdk.promises(drawn, any_key=any_key)
    found += answers.promises(kinds)
    return tuple(sorted(found, key=lambda promise: promise.watches))
