"""A WSGI application asked from the event loop, in a thread: the whole body in, the whole answer out, so that no client, however slow, holds the thread."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from mock_june.server.answers import Answer

Environ = dict[str, Any]
Fields = list[tuple[str, str]]


class Application(Protocol):
    """A WSGI application (PEP 3333)."""

    def __call__(self, environ: Environ, start_response: Callable[..., Any], /) -> Iterable[bytes]:
        """Gives the parts of a body."""


def answered(app: Application, scope: Mapping[str, Any], body: bytes, length: int) -> Answer:
    """What the application answers to an ASGI request. `length` is what its body is announced with: more than there is, where the rest was not read."""
    started: list[tuple[str, Fields]] = []

    def start_response(status: str, fields: Fields, _error: object = None) -> Callable[[bytes], object]:
        started.append((status, fields))
        return written.append

    written: list[bytes] = []
    parts = app(_environ(scope, body, length), start_response)
    try:
        written += parts
    finally:
        getattr(parts, "close", lambda: None)()
    status, fields = started[-1]
    return Answer(int(status.partition(" ")[0]), b"".join(written), tuple((name.lower(), value) for name, value in fields))


def _environ(scope: Mapping[str, Any], body: bytes, length: int) -> Environ:
    """A request as PEP 3333 has it: bytes as Latin-1 text. Nothing of the process's own environment is in it, where an HTTP_PROXY would be a header."""
    path, query = scope["path"].encode().decode("latin-1"), scope["query_string"].decode("latin-1")
    raw_path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REQUEST_URI": f"{raw_path}?{query}" if query else raw_path,
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": str((scope.get("server") or ("localhost",))[0]),
        "SERVER_PORT": str((scope.get("server") or ("", 80))[1]),
        "REMOTE_ADDR": str((scope.get("client") or ("",))[0]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        if b"_" in name or name in {b"content-length", b"transfer-encoding"}:
            continue  # `X_A` and `X-A` would be one variable: who is believed by the latter must not be by the former
        variable, text = name.decode("latin-1").upper().replace("-", "_"), value.decode("latin-1")
        variable = variable if variable == "CONTENT_TYPE" else f"HTTP_{variable}"
        environ[variable] = f"{environ[variable]},{text}" if variable in environ else text
    return {**environ, "CONTENT_LENGTH": str(length)}
