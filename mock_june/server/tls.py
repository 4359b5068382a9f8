"""TLS with a certificate of the user's own."""

from __future__ import annotations

import ssl
from pathlib import Path

from mock_june.errors import UsageError
from mock_june.text import printable

MISMATCH = "KEY_VALUES_MISMATCH"


def own_pair(certfile: Path, keyfile: Path | None) -> ssl.SSLContext:
    """What serves HTTPS with a certificate (PEM, its chain behind it) and its key; the key may stand in the same file. Raises UsageError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    for option, file in (("--certfile", certfile), ("--keyfile", keyfile)):
        if file is not None:
            _look(option, file)
    where = printable(str(keyfile or certfile))
    try:
        context.load_cert_chain(certfile, keyfile, _no_password)
    except ssl.SSLError as error:
        if error.reason == MISMATCH:
            raise UsageError(f"--keyfile {where} is not the key of the certificate in {printable(str(certfile))}; name the one that belongs to it") from None
        raise UsageError(
            f"{printable(str(certfile))} and {where} are no certificate and key in PEM; convert them, with `openssl x509` and `openssl pkey`"
        ) from None
    return context


def _look(option: str, file: Path) -> None:
    """OpenSSL would not say which of two files it cannot read."""
    try:
        file.read_bytes()
    except OSError as error:
        raise UsageError(f"{option} {printable(str(file))} cannot be read: {error.strerror or error}") from None


def _no_password() -> str:
    """Asked for the password of an encrypted key; OpenSSL itself would ask on the terminal."""
    raise UsageError("--keyfile is encrypted; decrypt it first, with `openssl pkey`, into a file that you alone can read")
