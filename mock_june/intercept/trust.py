"""Which authorities a program under `mock-june run` believes: those it would believe anyway, and ours. As PEM, and as a trust store of Java's."""

from __future__ import annotations

import hashlib
import re
import ssl
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path

BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----\s[^-]*-----END CERTIFICATE-----")

VARIABLES = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "AWS_CA_BUNDLE",
    "PIP_CERT",
    "GIT_SSL_CAINFO",
    "HTTPLIB2_CA_CERTS",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "DENO_CERT",
    "CARGO_HTTP_CAINFO",
    "PERL_LWP_SSL_CA_FILE",
)
"""Each names a file of authorities to some client, and mostly in place of the client's own."""

SYSTEM = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine, Arch
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",  # macOS, BSD
)


def bundle(authority: bytes, env: Mapping[str, str]) -> bytes:
    """PEM of ours, then of the files that `env` names, then of the system's authorities (without those, certifi's); each once."""
    files = [Path(env[name]) for name in VARIABLES if env.get(name)]
    blocks = dict.fromkeys(BLOCK.findall(authority))
    for path in (*files, *_system()):
        blocks.update(dict.fromkeys(_blocks(path)))
    return b"\n".join(blocks) + b"\n"


def _system() -> Iterable[Path]:
    """The first file that holds the system's authorities; where none does, certifi's."""
    known = ssl.get_default_verify_paths().cafile
    for name in (known, *SYSTEM):
        if name and _blocks(Path(name)):
            return [Path(name)]
    import certifi  # noqa: PLC0415 - httpx brings it along; most systems have authorities of their own

    return [Path(certifi.where())]


def _blocks(path: Path) -> list[bytes]:
    try:
        return BLOCK.findall(path.read_bytes())
    except OSError:  # such a variable may name a folder, or nothing that is there
        return []


def java_store(pem: bytes) -> bytes:
    """The certificates as a trust store in Java's own format, JKS: what `keytool -importcert` would make, without a Java being there.

    The digest at its end is of the password "changeit", as of Java's own stores; Java reads trusted certificates without it too.
    """
    entries = BLOCK.findall(pem)
    store = struct.pack(">III", 0xFEEDFEED, 2, len(entries))
    for number, block in enumerate(entries):
        certificate = ssl.PEM_cert_to_DER_cert(block.decode("ascii"))
        alias = b"ca-%d" % number
        store += struct.pack(">IH", 2, len(alias)) + alias  # 2: a trusted certificate
        store += struct.pack(">QH", 0, 5) + b"X.509" + struct.pack(">I", len(certificate)) + certificate
    password = "changeit".encode("utf-16-be")
    return store + hashlib.sha1(password + b"Mighty Aphrodite" + store, usedforsecurity=False).digest()
