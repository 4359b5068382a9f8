"""A request as a line for a shell: pasted, it shows the same answer."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .cases import Auth, Case
    from .server import Request, Server

KEY = "MOCK_JUNE_VERIFY_KEY"
"""The variable that holds the key where it must not be shown."""


def line(server: Server, case: Case, request: Request, auth: Auth) -> str:
    """The line. To a server on this machine it holds the key; elsewhere the key may be one that matters, and stands in the line as a variable."""
    key = server.key if server.local else None
    parts = ["curl", "-sS", "-i"]
    if request.method != "POST" or not (request.content or case.shell):
        parts += ["-X", request.method]
    parts.append(shlex.quote(server.url + request.path))
    for name, value in request.headers:
        secret = name == "Authorization" and key is None
        parts += ["-H", f'"{name}: {auth.shell}"'.replace("$KEY", f"${KEY}").replace("${KEY", f"${{{KEY}") if secret else shlex.quote(f"{name}: {value}")]
    before, data = _body(case, request, None if key is not None else server.key)
    return before + " ".join(parts + data)


def _body(case: Case, request: Request, secret: str | None) -> tuple[str, list[str]]:
    """What makes the body and pipes it in, and curl's own arguments for it."""
    if case.shell:
        return f"{case.shell} | ", ["--data-binary", "@-"]
    if not request.content:
        return "", []
    text = request.content.decode("latin-1")
    if not (text.isascii() and text.isprintable()):
        return f"printf {_quoted(''.join(map(_octal, request.content)), secret)} | ", ["--data-binary", "@-"]
    return "", ["--data-raw", _quoted(text, secret)]


def _octal(byte: int) -> str:
    """A byte as printf's format has it."""
    return chr(byte) if 0x20 <= byte < 0x7F and byte not in b"\\%'" else f"\\{byte:03o}"


def _quoted(text: str, secret: str | None) -> str:
    """A text quoted for a shell, with a variable where the key stands."""
    if secret is None:
        return shlex.quote(text)
    return f'"${KEY}"'.join(shlex.quote(part) for part in text.split(json.dumps(secret)[1:-1]))
