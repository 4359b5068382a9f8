"""The pytest plugin: the fixtures `june`, `june_server` and `june_intercept`, the marker `june`, its options.

It is loaded in every session of whoever has mock-june installed, so it imports nothing but pytest until a fixture is asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from _pytest.outcomes import Failed  # `pytest.fail.Exception`, under a name that types can be made of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from mock_june.client import MockJune
    from mock_june.intercept.inprocess import Interception
    from mock_june.model import Call
    from mock_june.testing import RemoteMock, RunningMock

MARKER = "june(key=None, allow_rejected=False, ignore=(), intercept=False): how the fixture `june` is set up for this test"
GOOD: dict[str, tuple[Callable[[Any], bool], str]] = {
    "key": (lambda value: value is None or (isinstance(value, str) and value != ""), "a str that is not empty"),
    "allow_rejected": (lambda value: isinstance(value, bool), "True or False"),
    "ignore": (lambda value: isinstance(value, str | list | tuple) and all(isinstance(one, str) for one in value), "rule ids or globs, in a list"),
    "intercept": (lambda value: isinstance(value, bool) or value == "only", 'True, False or "only"'),
}
"""The marker's arguments: which values are good, and how that is said."""

PAINTS_TEXTS = pytest.version_tuple[:2] >= (8, 4)
"""Older ones colour the text of a failure without a trace as if it were Python, our colours with it."""


class Used:  # no dataclass: making one takes longer than all else here
    """What one test's fixture leaves for the test's report. `calls`: those on record when the fixture ended, where it looked. `intercept` begins to."""

    def __init__(self, june: MockJune, token: str | None, intercept: Callable[[], Interception]) -> None:
        self.june = june
        self.token = token
        self.intercept = intercept
        self.interception: Interception | None = None
        self.calls: list[Call] | None = None
        self.failed = False

    def on_record(self, **filters: Any) -> list[Call]:
        """The calls of the test's workspace, also when the test has closed its client."""
        from mock_june.client import MockJune

        if not self.june.closed:
            return self.june.calls(**filters)
        with MockJune(self.june.url, self.june.key, self.token) as again:
            return again.calls(**filters)

    def unexpected(self) -> list[Call]:
        """The rejected calls that no assertion spoke of."""
        return [call for call in self.on_record(accepted=False) if not call.refused_as_planned and call.id not in self.june.expected]


USED = pytest.StashKey[Used]()
INTERCEPTION = pytest.StashKey["Interception"]()
"""The session's, once there is one."""

LATE = "june_late"
"""The member of a report that says what came late, a line each."""


class UsageError(Failed, pytest.UsageError):  # type: ignore[misc]  # final to the typing alone, so that no plugin's own error is mistaken for pytest's
    """A marker or an option that is not as it must be. As a failure without a trace, its text alone is shown: no frame of ours or of other plugins' hooks."""

    __module__ = "pytest"  # its name in pytest's summary


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--june-url`, `--june-token`, `--june-journal`, and the ini settings."""
    group = parser.getgroup("june", "a fake June (mock-june)")
    group.addoption("--june-url", metavar="URL", help="use the mock-june that runs at URL, one that takes any key, instead of starting one")
    group.addoption("--june-token", metavar="T", help="with --june-url: the X-Mock-June-Token of a mock-june that listens beyond loopback")
    group.addoption("--june-journal", metavar="DIR", type=Path, help="keep the calls of each failed test as JSON Lines in DIR")
    parser.addini("june_allow_rejected", "let rejected calls pass that no test expects", type="bool", default=False)
    parser.addini("june_ignore", "rules that the fake leaves out: ids or globs, one a line", type="linelist", default=[])


def pytest_configure(config: pytest.Config) -> None:
    """Makes the marker known."""
    config.addinivalue_line("markers", MARKER)


@pytest.fixture(scope="session")
def june_server(pytestconfig: pytest.Config) -> Iterator[RunningMock | RemoteMock]:
    """The session's fake June (under xdist one a worker): its `url`, and `workspace(key=None)` for a client with a workspace of its own."""
    # Late: whoever has mock-june installed and asks for no fixture pays for none of this.
    from mock_june.errors import MockJuneError
    from mock_june.testing import HOST, RemoteMock, RunningMock

    url, token = pytestconfig.getoption("--june-url"), pytestconfig.getoption("--june-token")
    ignore = pytestconfig.getini("june_ignore")
    if url and ignore:
        _refuse("june_ignore cannot reach the fake at --june-url; start that one with --ignore")
    if token and not url:
        _refuse("--june-token is that of a fake which runs elsewhere: it goes with --june-url")
    _let_pass(url or f"http://{HOST}")
    try:
        running: RunningMock | RemoteMock = RemoteMock(url, token) if url else RunningMock(ignore=ignore)
    except MockJuneError as error:
        what = f"the mock at {url} wants the token that it printed as it started: --june-token T" if error.code == "unauthorized" else error
        _refuse(f"--june-url: {what}" if url else str(error))
    with running:
        yield running


@pytest.fixture
def june(request: pytest.FixtureRequest, june_server: RunningMock | RemoteMock) -> Iterator[MockJune]:
    """A fake June with a workspace of this test's own: `june.url` and `june.key` for the code under test, `june.assert_received(...)` for what came.

    A rejected call that the test did not expect fails it at its end, with what was wrong.
    """
    from mock_june.errors import MockJuneError

    item, config = request.node, request.config
    said = _said_by_markers(item)
    _let_pass(june_server.url)
    ignore = said.get("ignore", ())
    try:
        workspace = june_server.workspace(said.get("key"), ignore=[ignore] if isinstance(ignore, str) else ignore)
    except MockJuneError as error:
        _refuse(str(error))
    workspace.paint = _painter(config)
    only = said.get("intercept") == "only"
    used = item.stash[USED] = Used(
        workspace, config.getoption("--june-token"), lambda: june_server.intercept(workspace, item.nodeid, said.get("key"), only=only)
    )
    allowed = said.get("allow_rejected", config.getini("june_allow_rejected"))
    with workspace:
        if (folder := config.getoption("--june-journal")) is not None:
            from mock_june.pytest_plugin.records import forget

            forget(folder, item.nodeid)
        if said.get("intercept"):
            _intercept(item)
        else:
            _restore(config)
        try:
            yield workspace
        finally:
            if used.interception is not None:
                used.interception.end()
        failure = ""
        try:
            unexpected = [] if allowed or used.failed else used.unexpected()
            if unexpected:
                used.calls = used.on_record()
                failure = _rejected(unexpected, workspace.paint if PAINTS_TEXTS else str)
        except MockJuneError as error:
            failure = f"whether a call was rejected cannot be told: {error}"
    if failure:
        pytest.fail(failure, pytrace=False)


@pytest.fixture
def june_intercept(request: pytest.FixtureRequest, june: MockJune) -> MockJune:
    """`june`, with this process's calls to https://api.june.so caught, whichever HTTP client makes them, and whichever API key they carry."""
    _intercept(request.node)
    return june


def _intercept(item: pytest.Item) -> None:
    """Begins the interception of a test, unless it has begun."""
    from mock_june.errors import MockJuneError

    used = item.stash[USED]
    if used.interception is not None:
        return
    try:
        used.interception = item.config.stash[INTERCEPTION] = used.intercept()
    except MockJuneError as error:
        _refuse(str(error))


def _restore(config: pytest.Config) -> None:
    """Puts the interception back in place where pytest-socket has taken it away, or stands before it."""
    if INTERCEPTION in config.stash and "pytest_socket" in sys.modules:
        config.stash[INTERCEPTION].restore()


def _rejected(calls: list[Call], paint: Callable[[str], str]) -> str:
    from mock_june.client.failures import rejections

    several = f"{len(calls)} calls were" if len(calls) > 1 else "a call was"
    head = f"{several} rejected, and the test did not expect it (june.assert_rejected() does, or @pytest.mark.june(allow_rejected=True))"
    return "\n".join(map(paint, [head, *rejections(calls)]))


def _said_by_markers(item: pytest.Item) -> dict[str, Any]:
    """The arguments of the test's markers, the nearest marker first. One that is not good is refused by name."""
    said: dict[str, Any] = {}
    for marker in item.iter_markers("june"):
        if marker.args:
            _refuse(f"@pytest.mark.june takes no argument without a name; it takes {', '.join(GOOD)}")
        for name, value in marker.kwargs.items():
            if name not in GOOD:
                _refuse(f"@pytest.mark.june has no argument `{name}`; it takes {', '.join(GOOD)}")
            good, called = GOOD[name]
            if not good(value):
                _refuse(f"@pytest.mark.june takes as `{name}` {called}, not {value!r}")
        said = {**marker.kwargs, **said}
    return said


def _refuse(message: str) -> NoReturn:
    raise UsageError(message, pytrace=False) from None


def _painter(config: pytest.Config) -> Callable[[str], str]:
    """Colours the lines of a failure as pytest colours a diff, where it has colours."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not config.get_terminal_writer().hasmarkup:
        return str

    def painted(line: str) -> str:
        colour = {"- ": "31", "+ ": "32", "> ": "31;1"}.get(line.strip()[:2])
        return f"\x1b[{colour}m{line}\x1b[0m" if colour else line

    return painted


def _let_pass(url: str) -> None:
    """Where pytest-socket keeps a test from the network, lets it reach the fake's host, and no other."""
    guard = sys.modules.get("pytest_socket")
    if guard is not None:
        from mock_june.pytest_plugin.sockets import let_pass

        let_pass(guard, url)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attaches a failed test's calls to its report, and keeps them where `--june-journal` says."""
    report = yield
    used = item.stash.get(USED, None)
    if used is not None and call.excinfo is not None and not call.excinfo.errisinstance(pytest.skip.Exception):
        used.failed = True  # an expected failure too
    if used is not None and report.failed:
        from mock_june.pytest_plugin.records import attach

        attach(item, report, used)
    interception = item.config.stash.get(INTERCEPTION, None)
    if interception is not None:
        _restore(item.config)
        if report.failed and interception.late:
            report.sections.append(("june late calls", "\n".join(interception.late)))
        if report.when == "teardown":
            setattr(report, LATE, interception.late)  # also under xdist, which sends a report's members along
            interception.late = []
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names the calls that came once their tests were over."""
    late = [line for reports in terminalreporter.stats.values() for report in reports for line in getattr(report, LATE, ())]
    if late:
        terminalreporter.section("june late calls")
        for line in late:
            terminalreporter.line(line)
