"""The pytest plugin: the fixtures `june`, `june_server` and `june_intercept`, the marker `june`, its options.

It is loaded in every session of whoever has mock-june installed, so it imports nothing but pytest until a fixture is asked for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from mock_june.client import MockJune
    from mock_june.model import Call
    from mock_june.testing import RemoteMock, RunningMock

MARKER = "june(key=None, allow_rejected=False, ignore=(), intercept=False): how the fixture `june` is set up for this test"
SHOWN_CALLS = 50
LONGEST_NAME = 150


@dataclass(slots=True)
class Used:
    """What one test's fixture leaves for the test's report. `calls` is set once the fixture has ended."""

    june: MockJune
    calls: list[Call] | None = None
    failed: bool = False

    def recorded(self) -> list[Call]:
        """The calls of the test's workspace."""
        return self.june.calls() if self.calls is None else self.calls


@dataclass(frozen=True, slots=True)
class Marked:
    """The arguments of the marker."""

    key: str | None = None
    allow_rejected: bool = False
    ignore: tuple[str, ...] = ()
    intercept: bool | str = False


USED = pytest.StashKey[Used]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--june-url`, `--june-journal`, and the ini settings."""
    group = parser.getgroup("june", "a fake June (mock-june)")
    group.addoption("--june-url", metavar="URL", help="use the mock-june that runs at URL, one that takes any key, instead of starting one")
    group.addoption("--june-journal", metavar="DIR", type=Path, help="keep the calls of each failed test as JSON Lines in DIR")
    parser.addini("june_allow_rejected", "let rejected calls pass that no test expects", type="bool", default=False)
    parser.addini("june_ignore", "rules that the fake leaves out: ids or globs, one a line", type="linelist", default=[])


def pytest_configure(config: pytest.Config) -> None:
    """Makes the marker known."""
    config.addinivalue_line("markers", MARKER)


@pytest.fixture(scope="session")
def june_server(request: pytest.FixtureRequest) -> Iterator[RunningMock | RemoteMock]:
    """The session's fake June (under xdist one a worker): its `url`, and `workspace(key=None)` for a client with a workspace of its own."""
    # Late: whoever has mock-june installed and asks for no fixture pays for none of this.
    from mock_june.errors import MockJuneError
    from mock_june.testing import RemoteMock, RunningMock

    _let_loopback_pass(request.config)
    url = request.config.getoption("--june-url")
    ignore = request.config.getini("june_ignore")
    try:
        if url and ignore:
            _refuse("june_ignore cannot reach the fake at --june-url; start that one with --ignore")
        running: RunningMock | RemoteMock = RemoteMock(url) if url else RunningMock(ignore=ignore)
    except MockJuneError as error:
        _refuse(str(error))
    with running:
        yield running


@pytest.fixture
def june(request: pytest.FixtureRequest, june_server: RunningMock | RemoteMock) -> Iterator[MockJune]:
    """A fake June with a workspace of this test's own: `june.url` and `june.key` for the code under test, `june.assert_received(...)` for what came.

    A rejected call that the test did not expect fails it at its end, with what was wrong.
    """
    yield from _june(request, june_server)


@pytest.fixture
def june_intercept() -> MockJune:
    """`june`, with this process's calls to https://api.june.so caught. Not there yet."""
    pytest.fail("june_intercept is not there yet: until it is, hand june.url to the code under test", pytrace=False)


def _june(request: pytest.FixtureRequest, server: RunningMock | RemoteMock) -> Iterator[MockJune]:
    from mock_june.errors import MockJuneError

    marked = _marked(request.node)
    if marked.intercept:
        pytest.fail("the marker's `intercept` is not there yet: until it is, hand june.url to the code under test", pytrace=False)
    _let_loopback_pass(request.config)
    try:
        workspace = server.workspace(marked.key, ignore=marked.ignore)
    except MockJuneError as error:
        _refuse(str(error))
    workspace.paint = _painter(request.config)
    used = request.node.stash[USED] = Used(workspace)
    with workspace:
        yield workspace
        used.calls = workspace.calls(accepted=False)
        unexpected = _unexpected(used, allowed=marked.allow_rejected or request.config.getini("june_allow_rejected"))
        if unexpected or used.failed:
            used.calls = workspace.calls()
    if unexpected and not used.failed:
        pytest.fail(_rejected(unexpected, workspace.paint), pytrace=False)


def _unexpected(used: Used, *, allowed: bool) -> list[Call]:
    """The rejected calls of a test that no assertion spoke of."""
    from mock_june.client.expecting import spared

    if allowed:
        return []
    return [call for call in used.recorded() if not call.accepted and not spared(call) and call.id not in used.june.expected]


def _rejected(calls: list[Call], paint: Callable[[str], str]) -> str:
    from mock_june.client.expecting import rejections

    several = f"{len(calls)} calls were" if len(calls) > 1 else "a call was"
    head = f"{several} rejected, and the test did not expect it (june.assert_rejected() does, or @pytest.mark.june(allow_rejected=True))"
    return "\n".join(map(paint, [head, *rejections(calls)]))


def _marked(item: pytest.Item) -> Marked:
    """The marker's arguments, those of the nearest marker first. Anything else in it is refused by name."""
    said: dict[str, object] = {}
    for marker in item.iter_markers("june"):
        unknown = sorted(marker.kwargs.keys() - set(Marked.__slots__))
        if marker.args or unknown:
            wrong = f"no argument `{unknown[0]}`" if unknown else "no argument without a name"
            _refuse(f"@pytest.mark.june takes {wrong}; it takes {', '.join(Marked.__slots__)}")
        said = {**marker.kwargs, **said}
    if isinstance(said.get("ignore"), str):
        said["ignore"] = (said["ignore"],)
    return Marked(**{name: tuple(value) if name == "ignore" else value for name, value in said.items()})  # type: ignore[arg-type]


def _refuse(message: str) -> None:
    raise pytest.UsageError(message)


def _painter(config: pytest.Config) -> Callable[[str], str]:
    """Colours the lines of a failure as pytest colours a diff, where it has colours."""
    if not config.get_terminal_writer().hasmarkup:
        return str

    def painted(line: str) -> str:
        mark = line.strip()[:2]
        colour = {"- ": "31", "+ ": "32", "> ": "31;1"}.get(mark)
        return f"\x1b[{colour}m{line}\x1b[0m" if colour else line

    return painted


def _let_loopback_pass(config: pytest.Config) -> None:
    """Under pytest-socket with sockets disabled, opens loopback for this test: the fake is there, and nowhere else."""
    socket_plugin = config.pluginmanager.get_plugin("socket")
    if socket_plugin is None or not hasattr(socket_plugin, "socket_allow_hosts") or not config.getoption("--disable-socket", default=False):
        return
    socket_plugin.enable_socket()
    socket_plugin.socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attaches a failed test's calls to its report, and keeps them where `--june-journal` says."""
    report = yield
    used = item.stash.get(USED, None)
    if used is not None and call.excinfo is not None and report.failed:
        used.failed = True
        _attach(item, report, used)
    return report


def _attach(item: pytest.Item, report: pytest.TestReport, used: Used) -> None:
    from mock_june.errors import MockJuneError

    try:
        calls = used.recorded()
    except (MockJuneError, RuntimeError) as error:  # the fake has gone, or its client is closed: the test's own failure matters more
        report.sections.append(("june calls", f"they cannot be read: {error}"))
        return
    report.sections.append(("june calls", _listing(calls)))
    folder = item.config.getoption("--june-journal")
    if folder is not None:
        _keep(folder, item.nodeid, calls)


def _listing(calls: list[Call]) -> str:
    from mock_june.text import cut, printable

    lines = []
    for call in calls[:SHOWN_CALLS]:
        rules = sorted({violation.rule for violation in call.violations})
        kinds = ", ".join(event.kind for event in call.events[:5])
        fault = f"  fault {call.fault.id}" if call.fault is not None else ""
        lines.append(printable(f"{call.id}  {call.at[11:23]}  {call.method} {cut(call.path, 80)}  {call.status}  {kinds}{fault}  {' '.join(rules)}").rstrip())
    if len(calls) > SHOWN_CALLS:
        lines.append(f"… and {len(calls) - SHOWN_CALLS} more")
    return "\n".join(lines) or "none"


def _keep(folder: Path, nodeid: str, calls: list[Call]) -> None:
    """Writes calls as JSON Lines, in a file that is named after the test."""
    from mock_june import wire

    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", nodeid).strip("-")[-LONGEST_NAME:]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.jsonl"
    partial = path.with_suffix(f".{os.getpid()}.partial")
    partial.write_bytes(b"".join(wire.dumps(wire.call(call)) + b"\n" for call in calls))
    partial.replace(path)
