"""What `pytest contract_tests` needs to know: `--url` and `--key` of the server, and how far to go."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from . import suite
from .runner import Runner, UnreachableError
from .server import Server


def pytest_addoption(parser: pytest.Parser) -> None:
    """The same options as those of `mock-june verify`."""
    group = parser.getgroup("contract", "June's contract, held against a server")
    group.addoption("--url", help="where the server is")
    group.addoption("--key", default="key", help="an API key that it takes")
    group.addoption("--any-key", action="store_true", help="it takes any key: do not ask that a wrong one be refused")
    group.addoption("--sdk", action="store_true", help="hold it to the SDK contract too, with batches")
    group.addoption("--max-examples", type=int, default=suite.DRAWN, help="cases drawn for each promise, beside the fixed ones")


@pytest.fixture(scope="session")
def runner(pytestconfig: pytest.Config) -> Iterator[Runner]:
    """Holds the server to one promise after the other."""
    with Server(pytestconfig.getoption("--url"), pytestconfig.getoption("--key")) as server:
        runner = Runner(server, suite.promises(**_options(pytestconfig)))
        try:
            runner.settle()
        except UnreachableError as error:
            pytest.exit(f"nothing answers at {server.url}: {error}", returncode=2)
        yield runner


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a promise."""
    if "promise" in metafunc.fixturenames:
        if not metafunc.config.getoption("--url"):
            raise pytest.UsageError("say which server is held to the contract: pytest contract_tests --url URL --key KEY")
        promises = suite.promises(**_options(metafunc.config))
        metafunc.parametrize("promise", promises, ids=[promise.id for promise in promises])


def _options(config: pytest.Config) -> dict[str, object]:
    return {"with_sdk": config.getoption("--sdk"), "any_key": config.getoption("--any-key"), "drawn": config.getoption("--max-examples")}
