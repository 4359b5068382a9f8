"""The servers that are attacked: `mock-june serve` in a process, the same server in a thread, Flask alone under werkzeug."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from tests.attacks.harness import HOST, Target

SLOW = bool(os.environ.get("MOCK_JUNE_SLOW"))
"""Whether the long forms run."""

LISTENING = "mock-june listening on http://"


class Served:
    """`python -m mock_june serve --port 0 OPTIONS` in a process of its own."""

    def __init__(self, *options: str, env: dict[str, str] | None = None, program: tuple[str, ...] = ("-m", "mock_june"), **popen: Any) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `end`
        self.process = subprocess.Popen(
            [sys.executable, *program, "serve", "--port", "0", *options],
            env={**os.environ, **(env or {})},
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": self._log, **popen},
        )
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline().decode()
        if not self.line.startswith(LISTENING):
            said = self.log()
            self.end(signal.SIGKILL)
            raise AssertionError(said)
        self.target = Target("serve", int(self.line.rsplit(":", 1)[1]), self.process.pid, self.log)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._log.closed:
            self.end(signal.SIGKILL)

    def log(self) -> str:
        """What it has written to stderr."""
        return os.pread(self._log.fileno(), 1 << 20, 0).decode("utf-8", "replace")

    def end(self, number: int = signal.SIGTERM, seconds: float = 10) -> int:
        """Sends a signal and gives the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            if self.process.stdout is not None:
                self.process.stdout.close()
            self._log.close()


@contextlib.contextmanager
def served(*options: str, **more: Any) -> Iterator[Target]:
    """A served fake that must end in order."""
    server = Served(*options, **more)
    try:
        yield server.target
        assert server.process.poll() is None
    finally:
        code = server.end()
    assert code == 0


def assert_quiet(log: str) -> None:
    """Nothing was logged of an error that was not caught."""
    assert "Traceback" not in log, log
    assert "Exception" not in log, log


@contextlib.contextmanager
def in_thread(**settings: Any) -> Iterator[Target]:
    """The same server in a thread of this process."""
    from mock_june.server.serving import Server, listen

    mock = new_mock(**settings)
    server = Server(mock, listen(HOST, 0)).start()
    try:
        yield Target("thread", server.port, mock=mock)
    finally:
        server.stop()
        mock.journal.close()


@contextlib.contextmanager
def flask_alone(**settings: Any) -> Iterator[Target]:
    """Flask's application under werkzeug's server, a thread a connection."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    from mock_june.server import create_app

    class Quiet(WSGIRequestHandler):
        def log(self, *_: Any) -> None:
            pass

    mock = new_mock(**settings)
    server = make_server(HOST, 0, create_app(mock), threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Target("flask", server.server_port, mock=mock)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        mock.journal.close()


def new_mock(keys: tuple[str, ...] = (), max_calls: int = 1_000_000, journal: Path | None = None, **settings: Any) -> Any:
    """The inside of a fake."""
    from mock_june.contract import Engine
    from mock_june.journal import Journal
    from mock_june.server.auth import Keys
    from mock_june.server.faults import Faults
    from mock_june.server.state import Mock, Settings

    engine = Engine()
    return Mock(engine, Journal.open(journal, max_calls=max_calls, rules_hash=engine.rules_hash), Keys(keys), Faults(), Settings(**settings))


FACES: dict[str, Callable[..., contextlib.AbstractContextManager[Target]]] = {"serve": served, "thread": in_thread, "flask": flask_alone}
