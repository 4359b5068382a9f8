"""Starting and stopping the server: in the main thread for `mock-june serve`, in a thread for tests. One code path for both."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial

import uvicorn

from mock_june import clock
from mock_june.errors import ServerError
from mock_june.server.front import Front
from mock_june.server.ingest import Ingest
from mock_june.server.protocol import Protocol
from mock_june.server.state import Mock

BACKLOG = 2048
KEEP_ALIVE = 75
"""Seconds that an idle connection is kept: longer than SDKs' pools keep theirs (urllib3 and undici close first), so that none meets a closing server."""

THREAD = "mock-june"
"""The name of a server's thread."""

GRACE = 1
"""Seconds that calls under way have to be answered at the end."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket that is ours alone. Port 0 picks one. Raises ServerError when the port is taken or the host is not this machine's."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
    except (OSError, UnicodeError) as error:
        raise ServerError(f"the host {host!r} is not known here ({error}); try --host 127.0.0.1", host, port) from None
    # The protocol is named for asyncio's sake: it turns Nagle's delay off, 40 ms an answer, on sockets that say they are TCP.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform != "win32":  # there it would mean that others may share the port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise ServerError(_why(error, host, port), host, port) from None
    sock.setblocking(False)  # noqa: FBT003 -- the method has no name for it
    return sock


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use; end what listens there, or take another with --port (0 picks one)"
    if error.errno == errno.EACCES:
        return f"port {port} needs rights that this user has not; take one above 1023 with --port"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine; try --host 127.0.0.1 or 0.0.0.0"
    return f"cannot listen on {host} port {port}: {error.strerror or error}"


class _NoNews(logging.Filter):
    """Keeps what uvicorn tells of a start and an end out of the logs of a process that has a server in a thread: a test looks at its own."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.threadName != THREAD or record.levelno > logging.INFO


logging.getLogger("uvicorn.error").addFilter(_NoNews())


class _Uvicorn(uvicorn.Server):
    """uvicorn's server, without its signal handling: the command has its own, and a thread has none."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Server:
    """One fake on one socket. `run` serves in this thread until `stop`; `start` does so in a thread of its own.

    `stop` may be called from any thread, or a signal's handler. `ingest` takes its calls; None: one that goes by their keys alone.
    """

    def __init__(self, mock: Mock, sock: socket.socket, ingest: Ingest | None = None) -> None:
        self.mock = mock
        self.ingest = Ingest(mock) if ingest is None else ingest
        self._sock = sock
        self._thread: threading.Thread | None = None
        self._uvicorn: _Uvicorn | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._front: Front | None = None
        self._failed: BaseException | None = None
        self._stopped = False
        self._ready = threading.Event()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        port: int = self._sock.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """Where the fake answers, without a slash at the end. A wildcard address is shown as the loopback one."""
        host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.mock.settings.host, self.mock.settings.host)  # noqa: S104 - shown, not bound
        return f"{self.mock.settings.scheme}://[{host}]:{self.port}" if ":" in host else f"{self.mock.settings.scheme}://{host}:{self.port}"

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serves until `stop`. `ready` is called once the server answers."""
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            runner.run(self._main(ready))

    async def _main(self, ready: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._front = Front(self.mock, self.ingest)
        config = uvicorn.Config(
            self._front,
            http=partial(Protocol, take=self._front.take, most_body=self.mock.settings.max_body),  # type: ignore[arg-type]
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            server_header=False,
            proxy_headers=False,  # nobody asks who the client is
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=GRACE,
        )
        config.load()
        config.ssl = self.mock.settings.tls  # uvicorn's own options take files, and a key of our making is in none
        self._uvicorn = _Uvicorn(config)
        serving = asyncio.ensure_future(self._uvicorn.serve(sockets=[self._sock]))
        while not self._uvicorn.started and not serving.done():  # noqa: ASYNC110 -- uvicorn tells it by an attribute alone
            await asyncio.sleep(0)
        if self._uvicorn.started:  # else what kept it from that is raised below, and `start` waits to hear it
            self._ready.set()
            ready()
        if self._stopped:
            self._end()
        await serving

    def start(self) -> Server:
        """Serves in a thread; gives the server back once it answers. Raises what kept it from starting."""
        self._thread = threading.Thread(target=self._run_in_thread, name=THREAD, daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failed is not None:
            raise ServerError(f"the server did not start: {self._failed}") from self._failed
        return self

    def _run_in_thread(self) -> None:
        try:
            self.run()
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits in `start`
            self._failed = error
        finally:
            self._ready.set()

    def stop(self) -> None:
        """Ends the server: no new call, those under way are answered. From another thread it waits for the end."""
        self._stopped = True
        if self._loop is not None and not self._loop.is_closed():
            with contextlib.suppress(RuntimeError):  # the loop closed between the two
                self._loop.call_soon_threadsafe(self._end)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
            self._sock.close()

    def _end(self) -> None:
        if self._front is not None:
            self._front.closing.set()
        if self._uvicorn is not None:
            self._uvicorn.should_exit = True


def _new_loop() -> asyncio.AbstractEventLoop:
    """Uvloop's where it is installed (`mock-june[fast]`), else asyncio's own."""
    try:
        import uvloop  # noqa: PLC0415 - an extra
    except ImportError:
        own = asyncio.new_event_loop()
        own.time = clock.monotonic  # type: ignore[method-assign]  # under a clock that a test froze no timer of asyncio's would ever be due
        return own
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
