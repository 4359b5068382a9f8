"""A fake June for tests: a server in a thread of this process, and the client that asks and steers it. For the plugin, unittest, notebooks."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self
from urllib.parse import urlsplit

from mock_june.checker.suggesting import suggestions
from mock_june.client import MockJune
from mock_june.contract import Engine
from mock_june.errors import MockJuneError, RefusedError, UsageError
from mock_june.journal import Journal
from mock_june.model import ApiKey, Call
from mock_june.server.auth import Keys
from mock_june.server.owned import Owned, Owner
from mock_june.server.serving import Server, listen
from mock_june.server.state import Mock, Settings

if TYPE_CHECKING:  # it makes certificates, which costs 50 ms to import: whoever intercepts nothing pays for none of it
    from mock_june.intercept.inprocess import Interception, Window

HOST = "127.0.0.1"

Intercept = bool | Literal["only"]
"""Whether calls of this process to https://api.june.so are caught; "only": all other hosts are refused too."""


def new_key() -> str:
    """An API key that no other test has."""
    return f"june_{secrets.token_hex(16)}"


class Workspace(MockJune):
    """A client of one workspace of a fake of ours, which is told when the client is closed."""

    def __init__(self, url: str, key: str, ended: Callable[[], None]) -> None:
        super().__init__(url, key)
        self._ended = ended

    def close(self) -> None:
        """Closes the connections."""
        super().close()
        self._ended()


class RunningMock:
    """One fake in a thread, with a private journal. It takes the keys that `workspace` gave out, and no other. Ended by `stop`, or as a context manager."""

    def __init__(self, *, select: Sequence[str] = (), ignore: Sequence[str] = (), port: int = 0) -> None:
        engine = Engine(select, ignore)
        sock = listen(HOST, port)
        journal = Journal.open(None, rules_hash=engine.rules_hash)
        self._engine = cache(lambda more: Engine(select, (*ignore, *more)) if more else engine)
        self._mock = Mock(engine, journal, Keys(strict=True), settings=Settings(port=sock.getsockname()[1]), suggest=suggestions)
        self._ingest = Owned(self._mock)
        self._server = Server(self._mock, sock, self._ingest).start()
        self._interception: Interception | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return self._server.url

    def workspace(self, key: str | None = None, *, ignore: Sequence[str] = ()) -> MockJune:
        """A client of an empty workspace of its own, for `key` or for a new one, in which the rules `ignore` are left out too.

        Close it when done. A `key` that was given is then good no longer; a new one is, until the fake ends, so that what a thread sends late lands in its
        own workspace and nowhere else.
        """
        made = key is None
        key = new_key() if key is None else key
        engine = self._engine(tuple(ignore))
        june = Workspace(self.url, key, ended=partial(self._mock.keys.retire if made else self._mock.keys.discard, key))
        if ignore:
            self._mock.engines[key] = engine
        else:
            self._mock.engines.pop(key, None)
        self._mock.reset(self._mock.workspace(ApiKey(key)))
        june.since = self._mock.journal.last_id
        self._mock.keys.add(key)
        return june

    def intercept(self, june: MockJune, name: str, key: str | None = None, *, only: bool = False) -> Interception:
        """From now on this process's calls to https://api.june.so land in the workspace of `june`, until `end` is called on what this gives.

        `key` is the one API key that is good; None: whichever the code under test has. `name` is the test's, by which its late calls are named. `only`
        refuses all other hosts. The first call installs the interception; it stays until the fake ends.
        """
        from mock_june.intercept.inprocess import Interception, Window  # noqa: PLC0415 - see above

        if self._interception is None:
            interception = Interception((HOST, urlsplit(self.url).port or 0))
            interception.outside.owner = self._owner(interception, interception.outside, ApiKey(new_key()), Keys())
            self._ingest.owner_of = interception.owner_of
            self._interception = interception.start()
        window = Window(name, self._interception)
        window.owner = self._owner(self._interception, window, ApiKey(june.key), Keys() if key is None else Keys([key]))
        if key is not None:  # it may be a later test's too, so what comes late under it is refused
            window.late_owner = replace(window.owner, keys=Keys(strict=True))
        self._interception.begin(window, only=only)
        return self._interception

    def _owner(self, interception: Interception, window: Window, workspace: ApiKey, keys: Keys) -> Owner:
        def tell(call: Call) -> None:
            interception.came(window, f"{call.method} {call.path} {call.status} {' '.join(event.kind for event in call.events[:5])}".rstrip())

        return Owner(self._mock.workspace(workspace), keys, self._mock.engine_of(workspace), tell)

    def stop(self) -> None:
        """Ends the fake: no thread, no socket and no file is left."""
        if self._interception is not None:
            self._interception.stop()
        self._server.stop()
        self._mock.journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


class RemoteMock:
    """A fake that runs elsewhere, at `url`, as if it were one of ours. It must take any key. `token` is that of its control API, where it wants one.

    Raises UnreachableError, UsageError.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url.rstrip("/")
        self._token = token
        self._interception: Interception | None = None
        with self.workspace() as probe:
            self._takes_any_key(probe)

    def _takes_any_key(self, probe: MockJune) -> None:
        try:
            probe.client.identify(userId="probe")
        except RefusedError as error:
            if error.status == 401:
                raise UsageError(f"the mock at {self.url} takes its own keys alone; for tests start it without --key") from None
            raise UsageError(f"the mock at {self.url} refuses a good call: {error}") from None
        finally:
            probe.reset()

    def workspace(self, key: str | None = None, *, ignore: Sequence[str] = ()) -> MockJune:
        """A client of an empty workspace. Raises UsageError for `ignore`: which rules are in force is said where the fake is started."""
        if ignore:
            raise UsageError(f"the mock at {self.url} runs elsewhere: leave rules out there (mock-june serve --ignore RULE), not by the marker's `ignore`")
        june = MockJune(self.url, new_key() if key is None else key, self._token)
        try:
            june.reset()
            june.since = june.health().last_call
        except MockJuneError:
            june.close()
            raise
        return june

    def intercept(self, june: MockJune, name: str, key: str | None = None, *, only: bool = False) -> Interception:
        """As RunningMock's. Raises UsageError without a `key`, which alone says there whose a call is, and for a fake behind TLS or a path."""
        from mock_june.intercept.inprocess import Interception, Window  # noqa: PLC0415 - see above

        parts = urlsplit(self.url)
        if parts.scheme != "http" or parts.path or parts.hostname is None:
            raise UsageError(f"calls to https://api.june.so can be led to a fake at http://host:port alone, not to {self.url}")
        if key != june.key:
            raise UsageError(
                f"the mock at {self.url} runs elsewhere and tells tests apart by their keys alone: "
                "name the key that the code under test has, @pytest.mark.june(key=...)"
            )
        if self._interception is None:
            self._interception = Interception((parts.hostname, parts.port or 80)).start()
        self._interception.begin(Window(name, self._interception), only=only)
        return self._interception

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """The fake was there before, and stays."""
        if self._interception is not None:
            self._interception.stop()


@contextmanager
def running_mock(
    key: str | None = None, *, select: Sequence[str] = (), ignore: Sequence[str] = (), port: int = 0, intercept: Intercept = False
) -> Iterator[MockJune]:
    """A fake for as long as the block lasts; gives the object that the fixture `june` gives, with one workspace.

    >>> with running_mock() as june:
    ...     june.client.identify(userId="1")
    ...     [event.payload["userId"] for event in june.assert_received("identify")]
    ['1']

    `key` is the one API key that it takes (none given: a new one, at `.key`). `select` and `ignore` are rule ids or globs. `intercept` catches the calls of
    this process to https://api.june.so, under whichever key unless one is given. Raises ServerError when a `port` that was asked for is taken.
    """
    with RunningMock(select=select, ignore=ignore, port=port) as running, running.workspace(key) as june:
        if not intercept:
            yield june
            return
        interception = running.intercept(june, "the block of running_mock", key, only=intercept == "only")
        try:
            yield june
        finally:
            interception.end()
