"""The redirect of a Python process, by itself: what is patched, what is refused, and that nothing is left of it."""

from __future__ import annotations

import ast
import asyncio
import errno
import queue
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import mock

import aiohttp.resolver
import pytest
import truststore
import uvloop

from mock_june.intercept import hosts
from mock_june.intercept.authority import Authority
from mock_june.intercept.shims.python import mock_june_redirect
from mock_june.intercept.shims.python.mock_june_redirect import NOWHERE, NOWHERE_6, Patches, Redirect, install, is_june, is_nowhere, plain

SHIMS = Path(mock_june_redirect.__file__).parent
NAMES = [
    "api.june.so",
    "API.June.So.",
    "[api.june.so]",
    "june.so",
    "x.june.so",
    "api.june.so.evil.example",
    "notjune.so",
    "xapi.june.so",
    "segment.io",
    "api.segment.io",
]


class Server:
    """Takes connections on a loopback port, with TLS or without, and says "here" on each."""

    def __init__(self, authority: Authority | None) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._context = None if authority is None else authority.server_context()
        self.port: int = self._listening.getsockname()[1]
        self.names: list[str | None] = []
        self.failures: list[OSError] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)  # a failing test must not wait for it
        self._thread.start()

    def _serve(self) -> None:
        while True:
            sock, _ = self._listening.accept()
            if self._context is not None:
                self._context.sni_callback = lambda _sock, name, _context: self.names.append(name)
                try:
                    sock = self._context.wrap_socket(sock, server_side=True)
                except OSError as error:
                    self.failures.append(error)
                    sock.close()
                    continue
            with sock, suppress(OSError):  # a client may be gone again
                sock.sendall(b"here")
                if sock.recv(3) == b"end":
                    return

    def close(self) -> None:
        """Ends it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        sock = socket.create_connection(("127.0.0.1", self.port))
        with context.wrap_socket(sock) if self._context is not None else sock as ended:
            ended.sendall(b"end")
        self._thread.join()
        self._listening.close()


@pytest.fixture(scope="module")
def authority() -> Authority:
    """The relay's."""
    return Authority.create()


@pytest.fixture
def relay(authority: Authority) -> Iterator[Server]:
    """Where June's connections are led."""
    server = Server(authority)
    yield server
    server.close()


@pytest.fixture
def redirect(relay: Server, authority: Authority) -> Iterator[Redirect]:
    """A redirect that is in place."""
    redirect = Redirect(("127.0.0.1", relay.port), authority.certificate.decode())
    redirect.install()
    yield redirect
    redirect.uninstall()


def patched() -> list[Any]:
    """All that a redirect may patch, as it is now, with what says whether an attribute is a class's own."""
    low: Any = sys.modules["_socket"]
    classes = (socket.socket, ssl.SSLContext, uvloop.Loop, aiohttp.resolver.AsyncResolver, queue.Queue)
    return [
        *(getattr(low, name) for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex")),
        *(getattr(socket, name) for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "socket")),
        *({**vars(one)} for one in classes),
        *(getattr(socket.socket, name) for name in ("connect", "connect_ex")),
        [*sys.meta_path],
    ]


class TestNames:
    @pytest.mark.parametrize("host", NAMES)
    def test_the_same_hosts_as_the_relays(self, host: str):
        """Which host is June's, and which is never reached, is as `hosts` has it: the file must stand alone, so it says it again."""
        redirect = Redirect(("127.0.0.1", 1), "")
        assert is_june(host) == hosts.is_june(host)
        refused = not is_june(host) and redirect._refusal(host) != ""
        assert refused == (hosts.way(host) in {hosts.Way.FORBIDDEN, hosts.Way.BLOCKED})

    def test_whatever_is_no_name(self):
        """None, numbers and bytes beyond ASCII are no host of June's."""
        assert [plain(None), plain(7), plain(b"API.june.so."), plain(b"\xff")] == ["", "", "api.june.so", "\ufffd"]
        assert not is_june(None)
        assert not is_nowhere(None)

    @pytest.mark.usefixtures("redirect")
    def test_lookups(self):
        """June's host has one address, where nobody is; the port stays, also by the name of its service."""
        found = socket.getaddrinfo("api.june.so", "https", type=socket.SOCK_STREAM)
        assert found == [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (NOWHERE, 443))]
        assert socket.getaddrinfo(b"API.JUNE.SO.", 8080, type=socket.SOCK_STREAM)[0][4] == (NOWHERE, 8080)
        assert socket.getaddrinfo("api.june.so", 443, socket.AF_INET6, socket.SOCK_STREAM)[0][4] == (NOWHERE_6, 443, 0, 0)
        assert socket.gethostbyname("api.june.so") == NOWHERE
        assert socket.gethostbyname_ex("api.june.so") == (NOWHERE, [], [NOWHERE])

    @pytest.mark.usefixtures("redirect")
    def test_who_holds_the_function_already(self):
        """`from socket import getaddrinfo`, made before, is redirected too."""
        from socket import getaddrinfo

        assert getaddrinfo("api.june.so", 443)[0][4] == (NOWHERE, 443)

    @pytest.mark.usefixtures("redirect")
    @pytest.mark.parametrize("host", ["app.june.so", "june.so", "cdn.segment.io"])
    def test_hosts_that_are_not_reached(self, host: str):
        """A lookup of them fails with the reason, and so does a connection by their name."""
        for look_up in (lambda: socket.getaddrinfo(host, 443), lambda: socket.gethostbyname(host)):
            with pytest.raises(socket.gaierror, match=f"mock-june: {host} is not reached"):
                look_up()
        with socket.socket() as sock, pytest.raises(ConnectionRefusedError, match=f"mock-june: {host} is not reached"):
            sock.connect((host, 443))

    @pytest.mark.usefixtures("redirect")
    def test_others_are_as_ever(self):
        """Lookups of other hosts, of none, and for servers give what they gave."""
        assert socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)[0][4] == ("127.0.0.1", 80)
        assert socket.getaddrinfo(None, 80, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        assert socket.gethostbyname("localhost") == "127.0.0.1"


class TestConnections:
    def test_they_go_to_the_relay(self, redirect: Redirect, relay: Server):
        """By the address that a lookup gave, by name, blocking or not; over IPv6 where a client asks for that."""
        for address in ((NOWHERE, 443), ("api.june.so", 80)):
            with socket.create_connection(address) as sock:
                assert sock.getpeername() == ("127.0.0.1", relay.port)
        with socket.socket() as sock:
            sock.setblocking(False)
            assert sock.connect_ex((NOWHERE, 443)) in {0, errno.EINPROGRESS}
        if socket.has_ipv6:
            with socket.socket(socket.AF_INET6) as sock:
                sock.connect(("api.june.so", 443))
                assert sock.getpeername()[:2] == ("::ffff:127.0.0.1", relay.port)

    @pytest.mark.usefixtures("redirect")
    def test_no_datagrams(self):
        """QUIC, which the fake does not speak, goes nowhere: a client falls back to TCP."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, pytest.raises(ConnectionRefusedError, match="over TCP alone"):
            sock.connect((NOWHERE, 443))

    @pytest.mark.usefixtures("redirect")
    def test_connect_ex_gives_numbers(self):
        """A refusal is a number to who asks for numbers."""
        with socket.socket() as sock:
            assert sock.connect_ex(("app.june.so", 443)) == errno.ECONNREFUSED

    def test_what_slips_past_fails(self):
        """The address that June's host has goes nowhere by itself: nothing is sent, and nothing waits."""
        with socket.socket() as sock:
            sock.settimeout(5)
            with pytest.raises(OSError, match=r"unreachable|denied|assign|[Ii]nvalid"):
                sock.connect((NOWHERE, 443))

    @pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="sockets of files are POSIX'")
    @pytest.mark.usefixtures("redirect")
    def test_sockets_of_files(self, tmp_path: Path):
        """They are as ever."""
        with socket.socket(socket.AF_UNIX) as sock, pytest.raises(FileNotFoundError):
            sock.connect(str(tmp_path / "absent"))


class TestOnly:
    @pytest.fixture(autouse=True)
    def _only(self, redirect: Redirect) -> None:
        redirect.only = True

    @pytest.mark.parametrize("host", ["example.com", "192.0.2.1", "2001:db8::1"])
    def test_others_are_refused(self, host: str):
        """No lookup and no connection leaves the machine, and the error says why."""
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
            with pytest.raises(ConnectionRefusedError, match=f'mock-june: {host} is not reached: .*intercept="only"'):
                sock.connect((host, 443))
            assert sock.connect_ex((host, 443)) == errno.ECONNREFUSED
        if host == "example.com":
            with pytest.raises(socket.gaierror, match="only"):
                socket.getaddrinfo(host, 443)

    def test_on_uvloop_too(self):
        """One that connects by itself is refused as well."""
        for host in ("192.0.2.1", "example.com"):
            with pytest.raises(ConnectionRefusedError, match=f"mock-june: {host} is not reached"):
                uvloop.run(asyncio.open_connection(host, 443))

    def test_servers_are_not(self):
        """Where to listen is looked up as ever."""
        with pytest.raises(socket.gaierror) as caught:
            socket.getaddrinfo("here.invalid", 0, flags=socket.AI_PASSIVE)
        assert "mock-june" not in str(caught.value)

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "0.0.0.0", "api.june.so", "spared.example"])
    def test_this_machine_and_june_are_not(self, redirect: Redirect, host: str):
        """The machine's own addresses, June's host and what is spared are judged as ever."""
        redirect.spared = {"spared.example"}
        assert redirect._refusal(host) == "" or is_june(host)
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
            pass


class TestTls:
    def test_the_clients_context_is_not_touched(self, redirect: Redirect, relay: Server):
        """A context that trusts nobody, or would verify nothing, is the same before and after; the handshake goes by ours."""
        for context in (ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl._create_unverified_context()):
            before = (context.get_ca_certs(), context.verify_mode, context.check_hostname, context.verify_flags, context.options)
            with context.wrap_socket(socket.create_connection((NOWHERE, 443)), server_hostname="API.June.so.") as sock:
                assert sock.recv(4) == b"here"
                assert sock.context is not context
                assert sock.getpeercert() is not None
            assert before == (context.get_ca_certs(), context.verify_mode, context.check_hostname, context.verify_flags, context.options)
        assert relay.names == ["api.june.so"] * 2

    def test_nobody_else_is_believed(self, redirect: Redirect):
        """Were June's host reached all the same, by some address: no handshake comes about, also for a client that verifies nothing."""
        server = Server(Authority.create())
        context = ssl._create_unverified_context()
        with socket.create_connection(("127.0.0.1", server.port)) as sock, pytest.raises(ssl.SSLCertVerificationError):
            context.wrap_socket(sock, server_hostname="api.june.so")
        server.close()

    def test_other_hosts_are_as_ever(self, redirect: Redirect, relay: Server, authority: Authority):
        """TLS with others goes by the client's own context, positional arguments and all, and a server's by its own."""
        context = ssl.create_default_context(cadata=authority.certificate.decode())
        assert context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), False, "example.com").context is context
        sock = context.wrap_socket(socket.socket(), False, True, True, "example.com")
        assert sock.context is context
        sock.close()
        serving = authority.server_context()
        assert serving.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True).context is serving

    def test_a_session_of_another_context(self, redirect: Redirect, relay: Server, authority: Authority):
        """A client that resumes its sessions is not stopped by one that it had before."""
        context = ssl.create_default_context(cadata=authority.certificate.decode())
        with context.wrap_socket(socket.create_connection((NOWHERE, 443)), server_hostname="api.june.so") as sock:
            sock.recv(4)
            session = sock.session
        redirect.uninstall()
        with context.wrap_socket(socket.create_connection(("127.0.0.1", relay.port)), server_hostname="api.june.so") as sock:
            sock.recv(4)
            session = sock.session
        redirect.install()
        with context.wrap_socket(socket.create_connection((NOWHERE, 443)), server_hostname="api.june.so", session=session) as sock:
            assert sock.recv(4) == b"here"

    def test_under_truststore(self, redirect: Redirect, relay: Server):
        """The class that truststore puts in the place of `ssl.SSLContext` is redirected as well."""
        with truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_socket(socket.create_connection((NOWHERE, 443)), server_hostname="api.june.so") as sock:
            assert sock.recv(4) == b"here"


class TestPatches:
    def test_nothing_is_left(self, authority: Authority):
        """Each attribute is the very object that it was, a class's own or not; the path of imports too."""
        before = patched()
        uninstall = install("127.0.0.1", 1, authority.certificate.decode())
        assert patched() != before
        uninstall()
        assert patched() == before
        uninstall()
        assert patched() == before

    def test_two_of_them(self, relay: Server, authority: Authority):
        """The later one leads; putting the earlier one back in place changes nothing of that; when it ends, the earlier one does again."""
        before = patched()
        other = Server(theirs := Authority.create())
        first, second = Redirect(("127.0.0.1", relay.port), authority.certificate.decode()), Redirect(("127.0.0.1", other.port), theirs.certificate.decode())
        context = ssl.create_default_context()
        first.install()
        second.install()
        first.install()
        for port in (other.port, relay.port):
            with context.wrap_socket(socket.create_connection((NOWHERE, 443)), server_hostname="api.june.so") as sock:
                assert sock.getpeername()[1] == port
            second.uninstall()
        first.uninstall()
        other.close()
        assert patched() == before

    def test_whoever_takes_the_place_is_covered_again(self, redirect: Redirect, relay: Server, monkeypatch: pytest.MonkeyPatch):
        """Another's patch is wrapped by `install`, again and again, and is there alone when the redirect goes."""
        seen: list[Any] = []
        true = sys.modules["_socket"].socket.connect

        def theirs(sock: socket.socket, address: Any) -> None:
            seen.append(address)
            true(sock, address)

        for _ in range(3):
            monkeypatch.setattr(socket.socket, "connect", theirs)
            redirect.install()
            socket.create_connection((NOWHERE, 443)).close()
        assert seen == [("127.0.0.1", relay.port)] * 3
        redirect.uninstall()
        assert socket.socket.connect is theirs

    def test_a_mock_is_left_alone(self, redirect: Redirect):
        """What a test has mocked stays mocked: `install` does not cover it, and is not led astray by one that has any attribute."""
        with mock.patch("socket.gethostbyname", return_value="1.2.3.4") as mocked, mock.patch.object(socket.socket, "connect") as connect:
            redirect.install()
            assert socket.gethostbyname is mocked
            assert socket.socket.connect is connect
        assert socket.gethostbyname("api.june.so") == NOWHERE

    def test_where_the_classes_are_mocked(self, authority: Authority):
        """Installed while a test has mocked the classes, it patches the rest, and leaves nothing."""
        before = patched()
        redirect = Redirect(("127.0.0.1", 1), authority.certificate.decode())
        with mock.patch("socket.socket"), mock.patch("ssl.SSLContext"):
            redirect.install()
            assert socket.gethostbyname("api.june.so") == NOWHERE
            redirect.uninstall()
        assert patched() == before

    def test_one_that_is_covered_is_left_to_the_other(self):
        """Undoing takes away what is ours alone."""

        class Owner:
            there = "there"

        class Ours:
            pass

        patches = Patches()
        patches.put(Owner, "there", lambda _: Ours())
        Owner.there = "another's"
        patches.undo()
        assert Owner.there == "another's"

    def test_a_module_that_is_imported_later(self, redirect: Redirect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        """It is patched once it is executed, its loader is as it was, and one that is only looked for is not disturbed."""
        (tmp_path / "later.py").write_text("import importlib.util\nfound = importlib.util.find_spec('later')\nvalue = 1\n")
        monkeypatch.syspath_prepend(tmp_path)
        hooked: list[Any] = []
        monkeypatch.setitem(redirect._hooks, "later", hooked.append)
        import importlib.util

        assert importlib.util.find_spec("later") is not None
        assert hooked == []
        import later  # type: ignore[import-not-found]

        assert [module.value for module in hooked] == [1]
        assert "exec_module" not in vars(later.__loader__)
        monkeypatch.delitem(sys.modules, "later")


def test_any_interpreters_syntax():
    """What is handed to a child's interpreter is of Python 3.8, and imports nothing of ours or of others."""
    for file in sorted(SHIMS.glob("*.py")):
        tree = ast.parse(file.read_text("utf-8"), feature_version=(3, 8))
        imported = {name.name.partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
        imported |= {(node.module or "").partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert imported <= {*sys.stdlib_module_names, "mock_june_redirect", "sitecustomize"}, file
