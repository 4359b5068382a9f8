"""`mock-june serve` over HTTPS: with a certificate of its own making, or the user's."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import httpx
import pytest
import requests
from cryptography.hazmat.primitives import serialization

import mock_june
from mock_june.client import AsyncMockJune, JuneClient, MockJune
from mock_june.errors import UnreachableError, UsageError
from mock_june.intercept.authority import Authority
from mock_june.verify import verify

KEY = "a-key-for-tls"
TRUST = re.compile(r"mock-june: clients must trust the certificate in (\S+) ")


class Served:
    """A fake in a process of its own, after its first line."""

    def __init__(self, folder: Path, *options: str, uvloop: bool = True) -> None:
        self.folder = folder
        program = "import sys\n" + ("" if uvloop else "sys.modules['uvloop'] = None\n") + "from mock_june.cli.main import main\nmain()"
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(mock_june.__file__).parent.parent), "TMPDIR": str(folder)}
        command = [sys.executable, "-c", program, "serve", "--port", "0", *options]
        with (folder / "stderr").open("wb") as err:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=err, text=True, cwd=folder, env=environment)
        self.first = self.process.stdout.readline()
        self.url = self.first.removeprefix("mock-june listening on ").strip()
        found = TRUST.search(self.errors)
        self.ca = found[1] if found else ""

    @property
    def errors(self) -> str:
        return (self.folder / "stderr").read_text()

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        self.process.communicate(timeout=10)
        return self.process.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


@pytest.fixture
def refused(run):
    """What a start that fails says: one line, exit code 2, nothing on stdout."""

    def start(*options: str) -> str:
        done = run("serve", "--port", "0", *options)
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), done
        return done.err

    return start


def pair(folder: Path, authority: Authority) -> Path:
    """A certificate with its key, as a user has one: in one file."""
    file = folder / "own.pem"
    file.write_bytes(authority._leaf)
    return file


@pytest.fixture(scope="module")
def fake(tmp_path_factory):
    """One over HTTPS for all that only ask."""
    with Served(tmp_path_factory.mktemp("tls"), "--tls", "--allow-host", "mock-june:5863") as served:
        yield served


class TestMade:
    def test_the_listening_line_says_https(self, fake):
        """One line on stdout; where the certificate lies stands on stderr."""
        assert re.fullmatch(r"mock-june listening on https://127\.0\.0\.1:\d+\n", fake.first)
        assert fake.errors.count("\n") == 1

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    def test_a_client_that_trusts_its_authority_believes_it(self, fake, host):
        """By the loopback's address and by its name, calls and the control API alike."""
        url = f"https://{host}:{urlsplit(fake.url).port}"
        context = ssl.create_default_context(cafile=fake.ca)
        answer = httpx.post(f"{url}/api/identify", json={"type": "identify", "userId": "1", "traits": {}}, headers={"Authorization": KEY}, verify=context)
        assert answer.status_code == 401
        answer = httpx.post(f"{url}/api/identify", json={"type": "identify", "userId": "1"}, headers={"Authorization": f"Basic {KEY}"}, verify=context)
        assert answer.json() == {"status": 200, "success": True}
        assert requests.get(f"{url}/_mock/health", verify=fake.ca, timeout=10).json()["status"] == "ok"

    def test_it_is_good_for_allowed_names_too(self, fake):
        """Compose's name of the service, with or without a port."""
        with socket.create_connection(("127.0.0.1", urlsplit(fake.url).port), timeout=10) as sock:
            context = ssl.create_default_context(cafile=fake.ca)
            with context.wrap_socket(sock, server_hostname="mock-june") as inner:
                inner.sendall(b"GET /_mock/health HTTP/1.1\r\nHost: mock-june:5863\r\n\r\n")
                assert inner.recv(99).startswith(b"HTTP/1.1 200")

    def test_no_other_client_believes_it(self, fake):
        """Nothing is sent by one that does not know its authority."""
        with pytest.raises(httpx.ConnectError, match=r"(?i)certificate"):
            httpx.get(f"{fake.url}/_mock/health")
        with pytest.raises(UnreachableError, match=r"(?i)certificate"), MockJune(fake.url) as june:
            june.health()

    def test_plain_http_gets_no_answer(self, fake):
        """A client that forgot the s is told so by a broken connection, and the next is served."""
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(fake.url.replace("https", "http"))
        with MockJune(fake.url, verify=fake.ca) as june:
            assert june.health().status == "ok"

    def test_our_clients_reach_it(self, fake):
        """MockJune, its client, and both on an event loop: with the file or a context."""
        with MockJune(fake.url, KEY, verify=fake.ca) as june:
            june.client.identify(userId="by-client")
            with JuneClient(fake.url, KEY, verify=ssl.create_default_context(cafile=fake.ca)) as client:
                client.track(userId="1", event="Registered", email="a@example.com", timestamp="2021-02-24T01:19:38.931Z")
            june.assert_received("identify", userId="by-client", count=1)

            async def ask() -> int:
                async with june.aio() as other, AsyncMockJune(fake.url, KEY, verify=Path(fake.ca)) as again:
                    await other.client.identify(userId="aio")
                    return len(await again.events("identify", userId="aio"))

            assert asyncio.run(ask()) == 1

    def test_the_environments_list_is_heeded(self, fake, monkeypatch):
        """SSL_CERT_FILE names what all clients of a shell trust: ours too."""
        monkeypatch.setenv("SSL_CERT_FILE", fake.ca)
        with MockJune(fake.url) as june:
            assert june.health().status == "ok"

    def test_a_file_without_certificates_is_a_usage_error(self, fake, tmp_path):
        """Before anything is sent, and it says which file."""
        (tmp_path / "empty").touch()
        for name in ("empty", "none"):
            with pytest.raises(UsageError, match=name):
                MockJune(fake.url, verify=tmp_path / name)

    def test_the_calls_of_an_https_fake_can_be_listed(self, fake):
        """`mock-june calls --ca-file`."""
        assert requests.post(f"{fake.url}/api/track", b"{}", auth=("k", ""), verify=fake.ca, timeout=10).status_code == 400
        command = [sys.executable, "-m", "mock_june", "calls", "--url", fake.url, "--ca-file", fake.ca, "--output-format", "json", "--limit", "1"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        assert (done.returncode, done.stderr) == (0, ""), done
        assert json.loads(done.stdout)

    def test_exports_name_its_urls_by_https(self, fake):
        """A HAR file's URLs are those that were called."""
        har = requests.get(f"{fake.url}/_mock/export?format=har", verify=fake.ca, timeout=10).json()
        assert all(entry["request"]["url"].startswith("https://") for entry in har["log"]["entries"])

    def test_the_authoritys_certificate_is_the_users_own_and_goes_at_the_end(self, tmp_path):
        """0600 in a folder of 0700, no key in it, nothing left after SIGTERM."""
        with Served(tmp_path, "--tls") as served:
            file = Path(served.ca)
            assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
            assert file.read_bytes().count(b"-----BEGIN CERTIFICATE-----") == 1
            keys = [each for each in tmp_path.rglob("*") if each.is_file() and b"PRIVATE KEY" in each.read_bytes()]
            assert keys == []
            assert served.end() == 0
            assert not file.parent.exists()

    def test_it_can_be_written_where_others_look(self, tmp_path):
        """`--ca-file`: a path for a volume or an environment that is made before. It stays; the next start writes its own over it."""
        with Served(tmp_path, "--tls", "--ca-file", "ca.pem") as served:
            first = (tmp_path / "ca.pem").read_bytes()
            assert (tmp_path / "ca.pem").stat().st_mode & 0o777 == 0o644
            with MockJune(served.url, verify=tmp_path / "ca.pem") as june:
                assert june.health().status == "ok"
            assert served.end() == 0
        with Served(tmp_path, "--tls", "--ca-file", "ca.pem"):
            assert (tmp_path / "ca.pem").read_bytes() != first
        assert sorted(each.name for each in tmp_path.iterdir() if each.is_file()) == ["ca.pem", "stderr"]

    @pytest.mark.parametrize("content", [b"", b"a list of mine", Authority.create().certificate * 2], ids=["empty", "text", "bundle"])
    def test_it_is_written_over_nothing_that_is_not_ours(self, tmp_path, refused, content):
        """A slip must not cost a system its list of authorities."""
        file = tmp_path / "ca.pem"
        file.write_bytes(content)
        assert "not of mock-june's making" in refused("--tls", "--ca-file", "ca.pem")
        assert file.read_bytes() == content

    def test_where_it_cannot_be_written_that_is_told(self, refused):
        """One line, exit code 2."""
        assert "cannot be written" in refused("--tls", "--ca-file", "none/ca.pem")

    @pytest.mark.parametrize("name", ["ex ample", "b\u00fccher.example", "-x", ""])
    def test_a_name_that_is_none_is_refused(self, refused, name):
        """No certificate can be made for it."""
        assert "a certificate cannot be made" in refused("--tls", "--allow-host", name)


@pytest.mark.parametrize("uvloop", [True, False])
class TestCarried:
    def test_faults_work_in_tls(self, tmp_path, uvloop):
        """Reset, close and cut break a client's connection, and the next call is served; its end does not wait for idle connections, nor tells of any."""
        with Served(tmp_path, "--tls", uvloop=uvloop) as served, MockJune(served.url, KEY, verify=served.ca) as june, requests.Session() as session:
            session.trust_env = False
            session.verify = served.ca
            for how in ("reset", "close", "truncate"):
                june.drop(how)
                with pytest.raises((requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)):
                    session.post(f"{served.url}/api/identify", json={"type": "identify", "userId": "1"}, headers={"Authorization": f"Basic {KEY}"}, timeout=10)
            june.delay(0.1)
            answer = session.post(f"{served.url}/api/identify", json={"type": "identify", "userId": "1"}, headers={"Authorization": f"Basic {KEY}"}, timeout=10)
            assert answer.status_code == 200
            with socket.create_connection(("127.0.0.1", urlsplit(served.url).port), timeout=10) as silent:
                idle = ssl.create_default_context(cafile=served.ca).wrap_socket(silent, server_hostname="localhost")
                begin = time.monotonic()
                assert served.end() == 0
                assert time.monotonic() - begin < 3
                idle.close()
            assert served.errors.count("\n") == 1

    @pytest.mark.slow
    def test_every_promise_of_the_contract_is_kept_in_tls(self, tmp_path, monkeypatch, uvloop):
        """The black-box suite: whatever it tries looks as it does without TLS."""
        with Served(tmp_path, "--tls", "--key", KEY, uvloop=uvloop) as served:
            monkeypatch.setenv("SSL_CERT_FILE", served.ca)
            report = verify(served.url, KEY, sdk=True, max_examples=5)
            assert report.kept, [outcome for outcome in report.outcomes if outcome.state != "kept"]

    def test_a_client_that_ends_its_direction_does_no_harm(self, tmp_path, uvloop):
        """In TLS that ends the connection; nothing is logged, the next call is served."""
        with Served(tmp_path, "--tls", uvloop=uvloop) as served, MockJune(served.url, KEY, verify=served.ca) as june:
            port = urlsplit(served.url).port
            with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
                inner = ssl.create_default_context(cafile=served.ca).wrap_socket(sock, server_hostname="localhost")
                inner.sendall(b"POST /api/identify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{")
                inner.shutdown(socket.SHUT_WR)
                inner.close()
            assert june.health().status == "ok"
            connection = http.client.HTTPSConnection("localhost", port, context=ssl.create_default_context(cafile=served.ca), timeout=10)
            connection.request("GET", "/_mock/health")
            assert connection.getresponse().status == 200
            connection.close()
            assert served.end() == 0
            assert served.errors.count("\n") == 1


class TestOwn:
    def test_a_certificate_of_the_users_own(self, tmp_path):
        """Certificate and key in one file, or in two; no authority is told, for it is the user's."""
        authority = Authority.create(("localhost",), ("localhost",))
        file = pair(tmp_path, authority)
        (tmp_path / "ca.pem").write_bytes(authority.certificate)
        certificate, _, key = file.read_bytes().partition(b"-----BEGIN PRIVATE KEY-----")
        (tmp_path / "cert").write_bytes(certificate)
        (tmp_path / "key").write_bytes(b"-----BEGIN PRIVATE KEY-----" + key)
        for options in (("--certfile", "own.pem"), ("--tls", "--certfile", "cert", "--keyfile", "key")):
            with Served(tmp_path, *options) as served:
                assert served.errors == ""
                url = served.url.replace("127.0.0.1", "localhost")
                assert requests.get(f"{url}/_mock/health", verify=str(tmp_path / "ca.pem"), timeout=10).json()["status"] == "ok"

    def test_a_bad_pair_is_told_in_one_line(self, tmp_path, refused):
        """A file that is not there, that is no PEM, a key of another certificate, an encrypted key: each by its own name."""
        first, second = Authority.create(), Authority.create()
        own = pair(tmp_path, first).read_bytes()
        (tmp_path / "other.pem").write_bytes(second._leaf)
        (tmp_path / "junk.pem").write_bytes(b"junk")
        (tmp_path / "cert.pem").write_bytes(own.partition(b"-----BEGIN PRIVATE KEY-----")[0])
        key = serialization.load_pem_private_key(own, None)
        locked = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x"))
        (tmp_path / "locked.pem").write_bytes(locked)
        assert "none.pem cannot be read" in refused("--certfile", "none.pem")
        assert "--keyfile none.pem cannot be read" in refused("--certfile", "own.pem", "--keyfile", "none.pem")
        assert "no certificate and key in PEM" in refused("--certfile", "junk.pem")
        assert "no certificate and key in PEM" in refused("--certfile", "cert.pem")
        assert "is not the key of the certificate" in refused("--certfile", "own.pem", "--keyfile", "other.pem")
        assert "encrypted" in refused("--certfile", "cert.pem", "--keyfile", "locked.pem")

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (("--keyfile", "own.pem"), "--certfile"),
            (("--ca-file", "ca.pem"), "goes with --tls"),
            (("--certfile", "own.pem", "--ca-file", "ca.pem"), "with --certfile there is none"),
        ],
    )
    def test_options_that_do_not_go_together(self, tmp_path, refused, options, said):
        """Are refused with what to do."""
        pair(tmp_path, Authority.create())
        assert said in refused(*options)
