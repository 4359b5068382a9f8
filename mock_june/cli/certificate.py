"""The TLS of `serve`: a certificate of the user's own, or one of our making, whose authority is told."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mock_june.errors import UsageError
from mock_june.text import printable

if TYPE_CHECKING:
    import ssl

OURS = "mock-june"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
DNS_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*", re.ASCII)


def own_pair(certfile: Path | None, keyfile: Path | None, ca_file: Path | None) -> ssl.SSLContext:
    """TLS with the user's own certificate. Raises UsageError."""
    from mock_june.server import tls

    if certfile is None:
        raise UsageError("--keyfile goes with --certfile: name the certificate of that key too")
    if ca_file is not None:
        raise UsageError("--ca-file is for a certificate of mock-june's making; with --certfile there is none")
    return tls.own_pair(certfile, keyfile)


@contextlib.contextmanager
def made(hosts: Sequence[str], ca_file: Path | None) -> Iterator[tuple[ssl.SSLContext, Path]]:
    """TLS with a certificate of our making, and the file with the certificate of its authority. No key touches the disk.

    It is good for this machine's own names and for `hosts`: names or addresses, with a port or without. Without `ca_file` the file is this user's alone (0600),
    and goes at the end. Raises UsageError where it cannot be written.
    """
    from mock_june.intercept.authority import Authority

    names = _names(hosts)
    authority = Authority.create(names, names)
    if ca_file is not None:
        _write(ca_file, authority.certificate)
        yield authority.server_context(), ca_file
        return
    with tempfile.TemporaryDirectory(prefix="mock-june-tls-") as folder:
        file = Path(folder, "ca.pem")
        file.touch(mode=0o600)
        file.write_bytes(authority.certificate)
        yield authority.server_context(), file


def _names(hosts: Sequence[str]) -> tuple[str, ...]:
    """What the certificate is good for. Raises UsageError for a name that none can be made for."""
    found = dict.fromkeys(LOOPBACK)
    for name in hosts:
        found.update(dict.fromkeys(_named(name)))
    return tuple(found)


def _named(name: str) -> list[str]:
    """A host's name or address without its port; nothing for an address that stands for all (0.0.0.0, ::)."""
    bare = name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0] if name.count(":") == 1 else name
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        if not DNS_NAME.fullmatch(bare):
            raise UsageError(f"a certificate cannot be made for {printable(name)!r}: it is no host name in ASCII and no address") from None
        return [bare.lower()]
    return [] if address.is_unspecified else [str(address)]


def _write(file: Path, certificate: bytes) -> None:
    """Writes the certificate, whole or not at all, and over nothing but one of ours: a slip must not cost a system its list of authorities."""
    try:
        if file.exists() and not _is_ours(file):
            raise UsageError(f"--ca-file {printable(str(file))} is there, and not of mock-june's making; it was left as it is: name another")
        with tempfile.NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}.", delete=False) as beside:
            beside.write(certificate)
        Path(beside.name).chmod(0o644)  # it is public, and its readers may be other users
        os.replace(beside.name, file)  # noqa: PTH105 - as Path.replace, by a name that is a text
    except OSError as error:
        raise UsageError(f"--ca-file {printable(str(file))} cannot be written ({error.strerror or error}): name a file in a folder of yours") from None


def _is_ours(file: Path) -> bool:
    from cryptography import x509

    try:
        found = x509.load_pem_x509_certificates(file.read_bytes())
    except ValueError:
        return False
    return len(found) == 1 and OURS in found[0].subject.rfc4514_string()
