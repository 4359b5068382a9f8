"""The one port that a program's connections are led to: June's end in the fake, others go on untouched, and some go nowhere."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import threading
from functools import partial
from types import TracebackType
from typing import Any, Self

from mock_june import clock
from mock_june.errors import ServerError
from mock_june.intercept.authority import Authority
from mock_june.intercept.dialling import Outside, Parent
from mock_june.intercept.routing import Router
from mock_june.intercept.traffic import Counting, Traffic
from mock_june.intercept.tunnel import Client, Living

ADDRESS = "127.0.0.1"
BACKLOG = 1024
QUIET = 0.05
GRACE = 1.0
"""At the end, what is under way goes on until no byte has moved for QUIET seconds, and no longer than GRACE."""


class Relay:
    """A relay on one port of the loopback address, in a thread and on an event loop of its own. Use it once, as a context manager or by `start` and `stop`.

    `fake` is the host and port that June's connections go to, in plain HTTP. `block_others` refuses all other hosts but loopback ones. `parent` is the URL of
    the user's own proxy, through which other hosts are reached, but those that `direct` lists as NO_PROXY does, and loopback ones. `carries`: shims lead ports
    80 and 443 of other hosts here too, as they are.
    """

    def __init__(
        self,
        authority: Authority,
        fake: tuple[str, int],
        *,
        block_others: bool = False,
        parent: str | None = None,
        direct: str = "",
        carries: bool = False,
    ) -> None:
        self.secret = secrets.token_urlsafe(24)
        self._counting = Counting()
        self._living = Living()
        outside = Outside(self._living, None if parent is None else Parent.parse(parent), direct)
        context = authority.server_context()
        self._router = Router(context, fake, self.secret, self._counting, self._living, outside, block_others=block_others, carries=carries)
        self._port = 0
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending: asyncio.Event | None = None
        self._ready = threading.Event()
        self._failed: BaseException | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port that is listened on. Raises ServerError before `start`."""
        if not self._port:
            raise ServerError("the relay has not been started")
        return self._port

    @property
    def proxy_url(self) -> str:
        """What proxy variables are set to: whoever knows it may use the relay."""
        return f"http://june:{self.secret}@{ADDRESS}:{self.port}"

    @property
    def traffic(self) -> Traffic:
        """The counts so far; after `stop` too."""
        return self._counting.snapshot()

    def client(self, port: int) -> int | None:
        """The port of the client whose calls come to the fake from a port of ours; None: no connection of ours has that one."""
        return self._living.clients.get(port)

    def start(self) -> Self:
        """Listens; gives the relay back once it does. Raises ServerError."""
        # The protocol is named for asyncio's sake: it turns Nagle's delay off on sockets that say they are TCP.
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            sock.bind((ADDRESS, 0))
        except OSError as error:
            sock.close()
            raise ServerError(f"cannot listen on {ADDRESS}: {error.strerror or error}", ADDRESS) from None
        self._port = sock.getsockname()[1]
        self._thread = threading.Thread(target=self._run, args=(sock,), name="mock-june-relay", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failed is not None:
            raise ServerError(f"the relay did not start: {self._failed}", ADDRESS) from self._failed
        return self

    def stop(self) -> None:
        """Ends the relay and all its connections; waits for that. What came in before goes on to the fake."""
        if self._loop is not None and self._ending is not None and not self._loop.is_closed():
            with contextlib.suppress(RuntimeError):  # the loop closed between the two
                self._loop.call_soon_threadsafe(self._ending.set)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _run(self, sock: socket.socket) -> None:
        try:
            with asyncio.Runner(loop_factory=_new_loop) as runner:
                runner.run(self._main(sock))
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits in `start`
            self._failed = error
        finally:
            self._ready.set()

    async def _main(self, sock: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(_tell)
        self._ending = asyncio.Event()
        server = await self._loop.create_server(self._accept, sock=sock, backlog=BACKLOG)
        self._ready.set()
        await self._ending.wait()
        await self._settle()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for end in list(self._living.ends):
            end.abort()
        while self._living.ends:  # noqa: ASYNC110 - an event would be told of at each connection's end, and is wanted once
            await asyncio.sleep(0)

    async def _settle(self) -> None:
        """Waits until nothing moves any more, or not all too long."""
        loop = asyncio.get_running_loop()
        last, self._living.moved = loop.time() + GRACE, loop.time()
        while self._living.ends and loop.time() < last and loop.time() - self._living.moved < QUIET:  # noqa: ASYNC110 - silence is no event
            await asyncio.sleep(QUIET / 10)

    def _accept(self) -> Client:
        return Client(self._living, self._begin)

    def _begin(self, client: Client) -> None:
        """Serves a connection in a task, and holds that: asyncio itself does not, and a task that nobody holds may vanish amid its work."""
        task = asyncio.get_running_loop().create_task(self._router.serve(client))
        self._tasks.add(task)
        task.add_done_callback(partial(self._done, client))

    def _done(self, client: Client, task: asyncio.Task[None]) -> None:
        """A connection is on its way. Where what led it there broke, it ends: a client must not wait for ever."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            client.abort()
            asyncio.get_running_loop().call_exception_handler({"message": "the relay failed to serve a connection", "exception": error})


def _tell(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What asyncio would log. That a peer went away amid something is no news."""
    if not isinstance(context.get("exception"), OSError):
        loop.default_exception_handler(context)


def _new_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.SelectorEventLoop()
    loop.time = clock.monotonic  # type: ignore[method-assign]  # under a clock that a test froze no timer of asyncio's would ever be due
    return loop
