"""A certificate authority that lives as long as one run: its key signs one leaf and is forgotten."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import os
import ssl
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mock_june import clock

NAMES = ("api.june.so", "june.so", "*.june.so")
"""What the leaf of an interception is good for."""

PERMITTED = ("june.so",)
"""What the authority of an interception may sign for: a client that trusts it believes it in nothing else."""

EARLIER = timedelta(days=1)
"""How long before its making a certificate is good: a container's clock, or a child's faked one, may be behind."""

LIFE = timedelta(days=365)
"""A year: Apple's platforms refuse a leaf of more than 398 days."""


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority's certificate, and a leaf that it signed. Made by `create`; the authority's own key is gone by then.

    `certificate` is the authority's, PEM, for trust stores. `pin` is the base64 of the SHA-256 of the leaf's public key (its SPKI, RFC 7469 section 2.4):
    what Chromium's `--ignore-certificate-errors-spki-list` takes.
    """

    certificate: bytes
    pin: str
    _leaf: bytes = field(repr=False)
    """The leaf with its key, PEM. It lies in memory alone."""

    @classmethod
    def create(cls, names: Iterable[str] = NAMES, permitted: Iterable[str] = PERMITTED) -> Authority:
        """Makes an authority that may sign for `permitted` alone (a critical name constraint), and its leaf for `names`. Both are DNS names or IP addresses.

        A DNS name that is permitted permits all below it (RFC 5280 section 4.2.1.10).
        """
        root, leaf = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        issuer = _name(f"mock-june, made for one run {os.urandom(4).hex()}")  # a name of its own: stores look an issuer up by it
        authority = (
            _builder(issuer, issuer, root.public_key(), root.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(_constraints(permitted), critical=True)
            .sign(root, hashes.SHA256())
        )
        listed = tuple(names)
        certificate = (
            _builder(issuer, _name(listed[0]), root.public_key(), leaf.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName([_general(name) for name in listed]), critical=False)
            .sign(root, hashes.SHA256())
        )
        public = leaf.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        private = leaf.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        pem = serialization.Encoding.PEM
        return cls(authority.public_bytes(pem), base64.b64encode(hashlib.sha256(public).digest()).decode(), certificate.public_bytes(pem) + private)

    def server_context(self) -> ssl.SSLContext:
        """What ends TLS with the leaf; a new context each time. It speaks HTTP/1.1 alone (ALPN)."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        # Tickets come after the handshake. A client that sends and closes without reading would leave them unread, and its system then sends a reset,
        # which takes what was sent with it.
        context.num_tickets = 0
        with _readable(self._leaf) as path:
            context.load_cert_chain(path)
        return context


def _builder(issuer: x509.Name, subject: x509.Name, signer: ec.EllipticCurvePublicKey, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    """What both certificates have. The two key identifiers are wanted by strict verifiers (Python's since 3.13)."""
    made = datetime.fromisoformat(clock.now())
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(made - EARLIER)
        .not_valid_after(made + LIFE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])  # X.520's upper bound


def _general(name: str) -> x509.GeneralName:
    """A name of the leaf: a DNS name or an address."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _constraints(permitted: Iterable[str]) -> x509.NameConstraints:
    """What may be signed for. A kind of name that is not constrained is free, so where no address is permitted all addresses are excluded."""
    inside: list[x509.GeneralName] = []
    for name in permitted:
        try:
            inside.append(x509.IPAddress(ipaddress.ip_network(name)))
        except ValueError:
            inside.append(x509.DNSName(name))
    if any(isinstance(name, x509.IPAddress) for name in inside):
        return x509.NameConstraints(inside, None)
    return x509.NameConstraints(inside, [x509.IPAddress(ipaddress.ip_network(every)) for every in ("0.0.0.0/0", "::/0")])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


@contextmanager
def _readable(secret: bytes) -> Iterator[str]:
    """A path under which OpenSSL, which takes a key from a file alone, reads `secret` while the block runs.

    Linux has files that lie in memory. Elsewhere, and where /proc is not there, it is a file of this user's alone in a folder of this user's alone.
    """
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("mock-june")
        try:
            os.write(descriptor, secret)
            path = f"/proc/self/fd/{descriptor}"
            if os.path.exists(path):  # noqa: PTH110 - a Path would be no shorter
                yield path
                return
        finally:
            os.close(descriptor)
    with tempfile.TemporaryDirectory(prefix="mock-june-") as folder:
        file = Path(folder, "leaf.pem")
        file.touch(mode=0o600)
        file.write_bytes(secret)
        yield str(file)
