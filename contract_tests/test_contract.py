"""June's contract, promise by promise: `pytest contract_tests --url URL --key KEY`. `suite.promises` is the list."""

from __future__ import annotations

import json

import pytest

from .cases import Promise
from .runner import Runner


def test_promise(promise: Promise, runner: Runner) -> None:
    """The server keeps the promise, whose text and whose source (of a field: its row in the article's table) stand in it."""
    result = runner.keep(promise)
    if result.breach is not None:
        breach = result.breach
        again = " (but not a second time)" if breach.once else ""
        # In ASCII: what a server answers may hold what a terminal acts on.
        shown = f"{breach.about}: {json.dumps(breach.problem)}{again}"
        pytest.fail(f"{promise.text}\nas written: {promise.quote}\n{shown}\n{breach.curl}", pytrace=False)
    if result.state == "untried":
        pytest.fail(f"not tried: {result.why}", pytrace=False)
    if result.state != "kept":
        pytest.skip(result.why)
