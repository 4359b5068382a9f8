"""The authority of a run: what it signs, for whom, and where its keys are."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import ipaddress
import os
import shutil
import ssl
import subprocess
import tempfile
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mock_june.intercept import authority
from mock_june.intercept.authority import Authority
from tests.intercept.relayed import AUTHORITY


def shaken(client: ssl.SSLContext, server: ssl.SSLContext, name: str | None) -> ssl.SSLObject:
    """A client's end after its handshake with a server. Raises ssl.SSLError as the client would."""
    one, other = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = client.wrap_bio(one, other, server_hostname=name)
    there = server.wrap_bio(other, one, server_side=True)
    for end in (here, there, here, there):
        with contextlib.suppress(ssl.SSLWantReadError):
            end.do_handshake()
    return here


def leaf_of(made: Authority, name: str, context: ssl.SSLContext | None = None) -> bytes:
    """The leaf (DER) that a client gets that trusts nothing but the authority."""
    client = ssl.create_default_context(cadata=made.certificate.decode())
    found = shaken(client, context or made.server_context(), name).getpeercert(binary_form=True)
    assert found is not None
    return found


@pytest.mark.parametrize("name", ["api.june.so", "june.so", "cdn.june.so", "API.JUNE.SO"])
def test_a_client_that_trusts_it_believes_its_leaf_for_june(name):
    """Chain and name are verified by OpenSSL."""
    assert leaf_of(AUTHORITY, name)


@pytest.mark.parametrize("name", ["evil.example", "localhost", "127.0.0.1", "a.b.june.so"])
def test_its_leaf_is_good_for_no_other_name(name):
    """The name is refused though the chain is whole."""
    with pytest.raises(ssl.SSLCertVerificationError):
        leaf_of(AUTHORITY, name)


def test_strict_verifiers_find_nothing_amiss():
    """Python 3.13 asks for more by default (VERIFY_X509_STRICT): key identifiers, critical basic constraints."""
    client = ssl.create_default_context(cadata=AUTHORITY.certificate.decode())
    client.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    assert shaken(client, AUTHORITY.server_context(), "api.june.so").version() == "TLSv1.3"


def test_its_pin_is_that_of_the_leaf():
    """The base64 of the SHA-256 of the leaf's public key, as Chromium takes it."""
    key = x509.load_der_x509_certificate(leaf_of(AUTHORITY, "api.june.so")).public_key()
    spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert AUTHORITY.pin == base64.b64encode(hashlib.sha256(spki).digest()).decode()


def test_it_speaks_http_1_alone():
    """A client that offers HTTP/2 first is told HTTP/1.1 (ALPN)."""
    client = ssl.create_default_context(cadata=AUTHORITY.certificate.decode())
    client.set_alpn_protocols(["h2", "http/1.1"])
    assert shaken(client, AUTHORITY.server_context(), "api.june.so").selected_alpn_protocol() == "http/1.1"


def test_each_is_another():
    """Nothing of one run is good in the next: other keys, other names."""
    other = Authority.create()
    assert (other.certificate, other.pin) != (AUTHORITY.certificate, AUTHORITY.pin)
    with pytest.raises(ssl.SSLCertVerificationError):
        leaf_of(AUTHORITY, "api.june.so", other.server_context())
    assert x509.load_pem_x509_certificate(other.certificate).subject != x509.load_pem_x509_certificate(AUTHORITY.certificate).subject


def test_its_constraints_are_critical_and_name_june_alone():
    """June's names are permitted, every address is excluded; a verifier that does not know constraints refuses all."""
    found = x509.load_pem_x509_certificate(AUTHORITY.certificate).extensions.get_extension_for_class(x509.NameConstraints)
    assert found.critical
    assert found.value.permitted_subtrees == [x509.DNSName("june.so")]
    assert [str(name.value) for name in found.value.excluded_subtrees or ()] == ["0.0.0.0/0", "::/0"]


def test_addresses_can_be_permitted():
    """As `serve --tls` wants it: its leaf is good for localhost by name and by address."""
    own = Authority.create(names=("localhost", "127.0.0.1", "::1"), permitted=("localhost", "127.0.0.1", "::1"))
    for name in ("localhost", "127.0.0.1", "::1"):
        assert leaf_of(own, name)
    with pytest.raises(ssl.SSLCertVerificationError):
        leaf_of(own, "127.0.0.2")


def stolen(monkeypatch: pytest.MonkeyPatch) -> tuple[Authority, list[ec.EllipticCurvePrivateKey]]:
    """An authority whose keys were kept as they were made: the first is its own."""
    keys = []
    make = ec.generate_private_key

    def keep(curve):
        keys.append(make(curve))
        return keys[-1]

    monkeypatch.setattr(ec, "generate_private_key", keep)
    return Authority.create(), keys


@pytest.mark.parametrize("name", [x509.DNSName("evil.example"), x509.IPAddress(ipaddress.ip_address("203.0.113.7"))])
@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here")
def test_openssl_refuses_what_a_stolen_key_signs_for_others(monkeypatch, tmp_path, name):
    """Even who had the authority's key could not make a client that trusts it believe in another host."""
    made, keys = stolen(monkeypatch)
    root = x509.load_pem_x509_certificate(made.certificate)
    builder = authority._builder(root.subject, x509.Name([]), keys[0].public_key(), keys[1].public_key())
    forged = builder.add_extension(x509.SubjectAlternativeName([name]), critical=True).sign(keys[0], hashes.SHA256())
    (tmp_path / "ca.pem").write_bytes(made.certificate)
    (tmp_path / "forged.pem").write_bytes(forged.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "leaf.pem").write_bytes(ssl.DER_cert_to_PEM_cert(leaf_of(made, "api.june.so")).encode())

    def verify(file: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["openssl", "verify", "-x509_strict", "-CAfile", "ca.pem", file], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert verify("leaf.pem").returncode == 0, verify("leaf.pem").stderr
    refused = verify("forged.pem")
    assert refused.returncode != 0
    assert "subtree violation" in refused.stderr


def test_no_key_is_written_to_disk(monkeypatch, tmp_path):
    """Where Linux has files that lie in memory, nothing is made in the temporary folder, not for a moment."""
    if not hasattr(os, "memfd_create"):
        pytest.skip("no memfd here")
    made = Authority.create()

    def never(*_args, **_options):
        raise AssertionError("a temporary folder was asked for")

    monkeypatch.setattr(tempfile, "TemporaryDirectory", never)
    assert leaf_of(made, "api.june.so", made.server_context())


def test_elsewhere_the_leafs_key_lies_in_a_file_of_the_users_own_and_only_for_a_moment(monkeypatch, tmp_path):
    """0600 in a folder of 0700, and gone with it when the context stands."""
    monkeypatch.delattr(os, "memfd_create", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen = []

    class Watched(ssl.SSLContext):
        def load_cert_chain(self, certfile, *args, **options):
            file = Path(certfile)
            seen.append((file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777, b"PRIVATE KEY" in file.read_bytes()))
            super().load_cert_chain(certfile, *args, **options)

    monkeypatch.setattr(ssl, "SSLContext", Watched)
    made = Authority.create()
    context = made.server_context()
    monkeypatch.undo()
    assert seen == [(0o600, 0o700, True)]
    assert list(tmp_path.iterdir()) == []
    assert leaf_of(made, "api.june.so", context)


def test_the_key_of_the_authority_is_forgotten_and_the_leafs_not_shown(monkeypatch):
    """Nothing that is reachable from the value holds the authority's key; its repr shows no key at all."""
    made, keys = stolen(monkeypatch)
    secret = keys[0].private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    number = keys[0].private_numbers().private_value.to_bytes(32, "big")
    for value in (made.certificate, made._leaf, made.pin.encode()):
        assert secret not in value
        assert number not in value
        assert base64.b64encode(secret)[40:80] not in value.replace(b"\n", b"")
    assert "PRIVATE" not in repr(made)


def test_it_is_good_for_clocks_that_are_behind_and_for_a_year():
    """Neither a container's slow clock nor Apple's limit of 398 days for a leaf refuses it."""
    leaf = x509.load_der_x509_certificate(leaf_of(AUTHORITY, "api.june.so"))
    life = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    assert 300 < life.days < 398
