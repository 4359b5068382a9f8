"""The name that a client asks for in its first TLS message. OpenSSL reads it; nothing is answered."""

from __future__ import annotations

import re
import ssl

NAME = re.compile(r"[0-9A-Za-z._-]{1,255}", re.ASCII)
NO_NAME = "no-name.invalid"
"""What stands for a name that no host has: it is written into requests and shown, so no line end or the like may be in it."""


class Named(ssl.SSLObject):
    """A TLS connection that knows the name its client asked for (SNI)."""

    asked: str | None = None


def hear(connection: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
    """Keeps the name: what `sni_callback` of a context is set to, whose connections are `Named`."""
    if isinstance(connection, Named):
        connection.asked = name if name is None or NAME.fullmatch(name) else NO_NAME


def _refuse(connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> int:
    hear(connection, name, context)
    return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME


def _listening() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslobject_class = Named
    context.sni_callback = _refuse
    return context


_LISTENING = _listening()


def asked(hello: bytes) -> str | None:
    """The name that a client asks for in `hello`, empty where it asks for none or speaks no TLS that can be read; None while the message is not whole."""
    incoming = ssl.MemoryBIO()
    incoming.write(hello)
    connection = _LISTENING.wrap_bio(incoming, ssl.MemoryBIO(), server_side=True)
    try:
        connection.do_handshake()
    except ssl.SSLWantReadError:
        return None
    except ssl.SSLError:
        pass
    return (isinstance(connection, Named) and connection.asked) or ""
