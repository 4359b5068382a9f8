"""Hypothesis strategies of June's payloads: good ones and broken ones, drawn out of the schema files, so that they reach each rule there is.

    >>> from hypothesis import HealthCheck, given, settings
    >>> @given(track())
    ... @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # one workspace for all examples of a test is what is wanted
    ... def test_sent_as_it_is(june, payload):
    ...     send(june.url, june.key, payload)
    ...     june.assert_received("track", **payload)

A payload is a dict of JSON values. They shrink towards what the article's samples look like.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeAlias

from hypothesis import strategies as st

from mock_june.errors import UsageError

if TYPE_CHECKING:
    from contract_tests import breaking, files, generator
    from contract_tests.breaking import Invalid
else:
    # Inside the package in a wheel, beside it in a checkout.
    try:
        from mock_june.contract_tests import breaking, files, generator
        from mock_june.contract_tests.breaking import Invalid
    except ModuleNotFoundError:
        from contract_tests import breaking, files, generator
        from contract_tests.breaking import Invalid

__all__ = ["Invalid", "Payload", "alias", "batches", "group", "identify", "invalid_payloads", "page", "payloads", "screen", "track"]

Payload: TypeAlias = dict[str, Any]


def identify(contract: str = "backfill") -> st.SearchStrategy[Payload]:
    """Good identify payloads. `contract` is `backfill` or `sdk`, here as in all of these. Raises UsageError for one that is none."""
    return _good(contract, "identify")


def group(contract: str = "backfill") -> st.SearchStrategy[Payload]:
    """Good group payloads."""
    return _good(contract, "group")


def track(contract: str = "backfill") -> st.SearchStrategy[Payload]:
    """Good track payloads."""
    return _good(contract, "track")


def page(contract: str = "sdk") -> st.SearchStrategy[Payload]:
    """Good page payloads, which the SDK contract alone has."""
    return _good(contract, "page")


def screen(contract: str = "sdk") -> st.SearchStrategy[Payload]:
    """Good screen payloads, which the SDK contract alone has."""
    return _good(contract, "screen")


def alias(contract: str = "sdk") -> st.SearchStrategy[Payload]:
    """Good alias payloads, which the SDK contract alone has."""
    return _good(contract, "alias")


def payloads(contract: str = "backfill") -> st.SearchStrategy[Payload]:
    """Good payloads of any kind of a contract. Each says by its `type` of which, in the SDK contract too."""
    return st.one_of(*(generator.typed(contract, kind) for kind in _kinds(contract)))


def invalid_payloads(contract: str = "backfill", kind: str | None = None) -> st.SearchStrategy[Invalid]:
    """Broken payloads of any kind of a contract, or of one: `.payload`, `.contract`, `.kind`, and `.rules`, the ids of all rules that it breaks.

    Most break one rule. Each rule that refuses a payload is reached.
    """
    return breaking.invalid(contract, _kinds(contract) if kind is None else (_known(contract, kind),))


def batches(most: int = 5) -> st.SearchStrategy[Payload]:
    """Good batches of the SDK contract, such as June's SDKs send: `{"batch": [...]}` with 1 to `most` messages, now and then with `sentAt`."""
    if most < 1:
        raise UsageError(f"a batch has one message or more: most must be 1 or more, not {most}")
    return generator.good_batches(most=most)


def _good(contract: str, kind: str) -> st.SearchStrategy[Payload]:
    return generator.good(contract, _known(contract, kind))


def _known(contract: str, kind: str) -> str:
    kinds = _kinds(contract)
    if kind not in kinds:
        raise UsageError(f"{kind!r} is no kind of the {contract} contract: there are {', '.join(kinds)}")
    return kind


def _kinds(contract: str) -> tuple[str, ...]:
    if contract not in files.KINDS:
        near = get_close_matches(contract, files.KINDS, 1)
        raise UsageError(f"{contract!r} is no contract: " + (f"did you mean {near[0]!r}?" if near else f"there are {', '.join(files.KINDS)}"))
    return files.KINDS[contract]
