"""Interception (THREATS.md, I): what curl, OpenSSL and other processes see of the relay and its authority. Of `mock-june run`: tests/intercept."""

from __future__ import annotations

import gc
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mock_june.intercept import authority as made_by
from mock_june.intercept.authority import Authority
from mock_june.intercept.relay import Relay
from tests.attacks.harness import HOST, Target, one
from tests.attacks.servers import served

pytestmark = pytest.mark.skipif(shutil.which("curl") is None or shutil.which("openssl") is None, reason="no curl or no openssl here")

CALL = ("-d", '{"type": "identify", "userId": "1"}', "-H", "Content-Type: application/json", "-H", "Authorization: Basic k")


class Field(NamedTuple):
    """A relay before a fake in a process of its own, and the file with its authority."""

    relay: Relay
    fake: Target
    ca: Path


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """One for all."""
    authority = Authority.create()
    ca = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.write_bytes(authority.certificate)
    with served() as fake, Relay(authority, (HOST, fake.port)) as relay:
        yield Field(relay, fake, ca)


@pytest.fixture(autouse=True)
def still_serves(field: Field) -> Iterator[None]:
    """After each attack a good call through the relay is answered."""
    yield
    answer, code = curl(field, "https://api.june.so/api/identify", *CALL)
    assert (answer, code) == ('{"status":200,"success":true}', "200")


def curl(field: Field, url: str, *options: str, proxy: str | None = None) -> tuple[str, str]:
    """What curl gets by the relay, and the status: the answer's, else that of its CONNECT."""
    environment = {"PATH": os.environ["PATH"]}
    proxied = () if proxy == "" else ("-x", proxy or field.relay.proxy_url)
    command = ["curl", "-s", "-m", "20", "--cacert", str(field.ca), *proxied, "-w", "\n%{http_code} %{http_connect}", *options, url]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    body, _, codes = done.stdout.rpartition("\n")
    answer, connect = codes.split()
    return body.strip(), answer if answer != "000" else connect


def raw(field: Field, text: str) -> bytes:
    """The answer to a request in plain text."""
    with socket.create_connection((HOST, field.relay.port), timeout=20) as sock:
        sock.sendall(text.replace("\n", "\r\n").encode("latin-1"))
        got = b""
        while data := sock.recv(65536):
            got += data
    return got


@pytest.mark.parametrize("host", ["API.JUNE.SO.", "api.june.so", "API.june.so"])
def test_I3_june_in_any_spelling_is_the_fake(field, host):
    """By TLS and in the clear."""
    for scheme in ("https", "http"):
        assert curl(field, f"{scheme}://{host}/api/identify", *CALL) == ('{"status":200,"success":true}', "200")


@pytest.mark.parametrize(
    "host",
    ["x.june.so", "june.so", "api.segment.io", "cdn.segment.io", "169.254.169.254", "[::ffff:169.254.169.254]", "2852039166", "metadata.google.internal"],
)
def test_I3_other_hosts_of_june_segment_and_metadata_are_403(field, host):
    """With the reason, and nothing is dialled: it is listed as blocked, not as passed."""
    before = field.relay.traffic
    body, code = curl(field, f"http://{host}/", "-g")
    assert code == "403"
    assert '"code": "blocked"' in body
    assert curl(field, f"https://{host}/", "-g")[1] == "403"
    after = field.relay.traffic
    assert after.blocked.total() == before.blocked.total() + 2
    assert after.passed == before.passed


def test_I3_a_name_of_ones_own_for_junes_host_is_403():
    """What /etc/hosts or a CNAME makes of a name is looked at: an address of the metadata service is reached under none."""
    program = """
import socket, sys
real = socket.getaddrinfo
def find(host, port, *args, **options):
    if host == "mine.example":
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, sys.argv[1], (sys.argv[2], port))]
    return real(host, port, *args, **options)
socket.getaddrinfo = find
from mock_june.intercept.authority import Authority
from mock_june.intercept.relay import Relay
import base64
with Relay(Authority.create(), ("127.0.0.1", 1)) as relay, real and socket.create_connection(("127.0.0.1", relay.port)) as sock:
    proof = base64.b64encode(f"june:{relay.secret}".encode()).decode()
    sock.sendall(f"CONNECT mine.example:443 HTTP/1.1\\r\\nProxy-Authorization: Basic {proof}\\r\\n\\r\\n".encode())
    print(sock.recv(65536).decode().splitlines()[0])
    assert not relay.traffic.passed
"""
    for name, address in (("api.june.so", "203.0.113.1"), ("", "169.254.169.254"), ("x.june.so.", "203.0.113.1")):
        done = subprocess.run([sys.executable, "-c", program, name, address], capture_output=True, text=True, timeout=30, check=False)
        assert done.stdout == "HTTP/1.1 403 Forbidden\n", done


@pytest.mark.parametrize("url", ["https://api.june.so/api/identify", "http://api.june.so/api/identify", "http://127.0.0.1/", "https://example.com/"])
def test_I4_without_the_secret_407(field, url):
    """Who only knows the port gets nothing by it: no user, a guess, an empty one."""
    for user in ("", "june:guess@", "june@", "x:y@"):
        assert curl(field, url, proxy=f"http://{user}{HOST}:{field.relay.port}")[1] == "407"
    passed = field.relay.traffic.passed
    assert not passed


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0 or not Path("/proc/net/tcp").exists(), reason="only root may be another user")
def test_I4_another_local_user_is_refused(field):
    """A client that can send no secret is told by its user: another's process reaches nothing, in TLS or in the clear."""
    captured = field.relay.traffic.captured
    for url, status in (("http://api.june.so/api/x", "403"), ("https://api.june.so/api/x", "000")):
        command = ["curl", "-sk", "-m", "20", "-o", "/dev/null", "-w", "%{http_code}", "--connect-to", f"::{HOST}:{field.relay.port}", url]
        done = subprocess.run(command, capture_output=True, text=True, check=False, user=65534, group=65534, cwd="/", env={"PATH": os.environ["PATH"]})
        assert done.stdout == status
        assert curl(field, url, "--connect-to", f"::{HOST}:{field.relay.port}", proxy="")[1] == "404"  # the fake's own, to this user
    assert field.relay.traffic.captured == captured + 2


@pytest.mark.parametrize("origin", ["http://evil.example", "https://api.june.so", "null", "http://127.0.0.1:3000", "file://"])
def test_I4_a_page_is_refused(field, origin):
    """Whatever a page of this user's own browser can send: it says its Origin, or its Host is not June's."""
    captured = field.relay.traffic.captured
    for line, host in (("GET /", "api.june.so"), ("POST /api/track", f"{HOST}:{field.relay.port}"), ("GET http://api.june.so/", "api.june.so")):
        assert one(raw(field, f"{line} HTTP/1.1\nHost: {host}\nOrigin: {origin}\n\n")).status == 403
    assert field.relay.traffic.captured == captured


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1:{port}", "localhost:{port}", "[::1]", "api.june.so.evil.example"])
def test_I4_a_name_that_was_bound_to_loopback_gets_nothing(field, host):
    """DNS rebinding: a same-origin GET has no Origin, but the Host of its page."""
    captured = field.relay.traffic.captured
    answer = one(raw(field, f"GET / HTTP/1.1\nHost: {host.format(port=field.relay.port)}\n\n"))
    assert answer.status == 403
    assert field.relay.traffic.captured == captured


def test_I5_the_key_is_gone_once_it_has_signed(monkeypatch, tmp_path):
    """Nothing in the process refers to the authority's key, and no file is made for any."""
    keys = []
    make = ec.generate_private_key
    monkeypatch.setattr(ec, "generate_private_key", lambda curve: keys.append(make(curve)) or keys[-1])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    authority = Authority.create()
    context = authority.server_context()
    gc.collect()
    assert [sys.getrefcount(keys[0]), sys.getrefcount(keys[1])] == [2, 2]  # the list's, and the one of the asking itself
    assert (context, list(tmp_path.iterdir())) == (context, [])


def test_I7_a_leaf_for_another_host_is_refused(monkeypatch, tmp_path):
    """Openssl verifies June's leaf by the authority, and refuses one for evil.example that the very same key signed."""
    keys = []
    make = ec.generate_private_key
    monkeypatch.setattr(ec, "generate_private_key", lambda curve: keys.append(make(curve)) or keys[-1])
    authority = Authority.create()
    root = x509.load_pem_x509_certificate(authority.certificate)
    for name, subject in (("good", "api.june.so"), ("evil", "evil.example"), ("near", "notjune.so")):
        leaf = made_by._builder(root.subject, x509.Name([]), keys[0].public_key(), keys[1].public_key())
        names = x509.SubjectAlternativeName([x509.DNSName(subject)])
        signed = leaf.add_extension(names, critical=True).sign(keys[0], hashes.SHA256())
        (tmp_path / f"{name}.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "ca.pem").write_bytes(authority.certificate)

    def verify(name: str) -> tuple[bool, str]:
        done = subprocess.run(["openssl", "verify", "-CAfile", "ca.pem", f"{name}.pem"], cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.returncode == 0, done.stderr

    assert verify("good")[0]
    for name in ("evil", "near"):
        good, said = verify(name)
        assert not good
        assert "permitted subtree violation" in said


def test_I7_it_is_good_for_no_other_host_in_tls(field):
    """Who aims another host's TLS at the relay gets an alert; a client that trusts the authority believes it for June alone."""
    assert curl(field, "https://evil.example/", "--connect-to", f"::{HOST}:{field.relay.port}", "-k", proxy="")[1] == "000"
    context = ssl.create_default_context(cafile=str(field.ca))
    context.check_hostname = True
    with socket.create_connection((HOST, field.relay.port), timeout=20) as sock, pytest.raises(ssl.SSLError):
        context.wrap_socket(sock, server_hostname="june.evil.example")
