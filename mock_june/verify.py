"""Holds any server that claims to be June to the contract: runs the suite of contract_tests/ against a URL."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mock_june.errors import UnreachableError, UsageError
from mock_june.text import cut, printable

if TYPE_CHECKING:
    from contract_tests import runner, server, suite
else:
    # Inside the package in a wheel, beside it in a checkout.
    try:
        from mock_june.contract_tests import runner, server, suite
    except ModuleNotFoundError:
        from contract_tests import runner, server, suite

__all__ = ["EXAMPLES", "Breach", "Outcome", "Report", "Verification", "verify"]

EXAMPLES = suite.DRAWN
"""How many cases are drawn for each promise, when nobody says."""

LONGEST = 1000
"""Characters of a server's answer that are shown, at most."""


@dataclass(frozen=True, slots=True)
class Breach:
    """What shows a promise broken. `request` says what was sent, `problem` what is wrong with the answer, `curl` is the request as a line for a shell.

    All texts are fit to be shown. `once`: sent a second time, the same request was answered as it should be.
    """

    request: str
    problem: str
    status: int
    answer: str
    curl: str
    once: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one promise.

    `state` is `kept`, `broken`, `implied` (another one is broken that leaves this one nothing to say), `skipped` (it cannot be tried with these options) or
    `untried` (the server was gone, or the time was over); `why` says more of the last three. `sent` counts its requests.
    """

    id: str
    text: str
    quote: str
    state: str
    why: str
    sent: int
    breach: Breach | None


@dataclass(frozen=True, slots=True)
class Report:
    """What a server was found to be. `most` is how many requests were announced, `sent` how many were sent; `seconds` how long that took."""

    url: str
    outcomes: tuple[Outcome, ...]
    most: int
    sent: int
    seconds: float

    def count(self, state: str) -> int:
        """How many promises are in a state."""
        return sum(outcome.state == state for outcome in self.outcomes)

    @property
    def kept(self) -> bool:
        """Whether every promise that could be tried was tried, and kept."""
        return not any(outcome.state in {"broken", "untried"} for outcome in self.outcomes)


class Verification:
    """One run against `url` with `key`. `most` is how many requests it may send; `run` sends them.

    `any_key`: the server takes any key, so that none is wrong. `sdk`: the SDK contract too. `max_examples` cases are drawn for each promise, beside the fixed
    ones. Raises UsageError for a URL or a key that is none.
    """

    def __init__(self, url: str, key: str, *, any_key: bool = False, sdk: bool = False, max_examples: int = EXAMPLES) -> None:
        try:
            self._server = server.Server(url, key)
        except ValueError as error:
            raise UsageError(str(error)) from None
        self._runner = runner.Runner(self._server, suite.promises(with_sdk=sdk, any_key=any_key, drawn=max_examples))

    @property
    def most(self) -> int:
        """How many requests are sent, at most."""
        return self._runner.most

    @property
    def promises(self) -> int:
        """How many promises there are."""
        return len(self._runner.promises)

    def run(self, told: Callable[[Outcome], None] = lambda _: None) -> Report:
        """The report. `told` hears of each promise as it is through. Raises UnreachableError where no answer comes."""
        began = time.monotonic()
        outcomes: list[Outcome] = []
        with self._server:
            try:
                for result in self._runner.results():
                    outcomes.append(_outcome(result))
                    told(outcomes[-1])
            except runner.UnreachableError as error:
                raise UnreachableError(
                    f"nothing answers at {self._server.url} ({printable(str(error))}); start the server, or correct the URL", self._server.url
                ) from None
        return Report(self._server.url, tuple(outcomes), self.most, self._server.sent, time.monotonic() - began)


def verify(url: str, key: str, *, any_key: bool = False, sdk: bool = False, max_examples: int = EXAMPLES) -> Report:
    """Whether the server at `url`, which takes `key`, keeps June's contract, promise by promise.

    `any_key`: it takes any key, so that none is wrong. `sdk`: the SDK contract too. `max_examples` cases are drawn for each promise, beside the fixed ones.
    Raises UsageError for a URL or a key that is none, UnreachableError where nothing answers.
    """
    return Verification(url, key, any_key=any_key, sdk=sdk, max_examples=max_examples).run()


def _outcome(result: runner.Result) -> Outcome:
    promise, breach = result.promise, result.breach
    shown = None
    if breach is not None:
        shown = Breach(
            printable(breach.about), printable(cut(breach.problem, LONGEST)), breach.status, printable(cut(breach.answer, LONGEST)), breach.curl, breach.once
        )
    return Outcome(promise.id, promise.text, promise.quote, result.state, result.why, result.sent, shown)
