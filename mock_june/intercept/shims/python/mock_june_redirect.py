"""Sends what this process means for api.june.so to a relay on this machine, whatever HTTP client it uses.

Python 3.8 and later, the standard library alone: it works in any child's interpreter, where `sitecustomize` beside it calls `install`, and is the very file
that the fixture `june_intercept` loads. Nothing is patched before it is imported by somebody: a process without a network pays for none of this.

- A lookup of api.june.so gives an address that no packet can go to. The port stays as it is: clients throw away one that a lookup changes.
- A connection to that address goes to the relay.
- TLS with api.june.so uses a context of our own, which trusts the relay's authority and nobody else: whoever else answers, no handshake comes about. The
  client's own context is not touched, so that pinned roots, `verify=False` and contexts made earlier work as they are.
- Other hosts of june.so, and Segment's, are refused.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # `typing` takes longer to import than all else here
if TYPE_CHECKING:
    import asyncio
    import socket
    import ssl
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

JUNE = "api.june.so"
FORBIDDEN = ("june.so", "segment.io")
"""Hosts that are never reached, nor any below them. api.june.so is not, either: the relay answers in its place."""

CARRIED = (80, 443)
"""The ports that the guard of `mock-june run` closes, of every host."""

NOWHERE = "255.255.255.255"
"""What api.june.so resolves to: TCP to it fails at once, whatever the network is like, where a client slips past `connect`."""

NOWHERE_6 = "100::6a75:6e65"
"""The same for who asks for IPv6 alone: RFC 6666 discards what goes there."""

OF_WRAP_SOCKET = ("server_side", "do_handshake_on_connect", "suppress_ragged_eofs", "server_hostname", "session")
OF_WRAP_BIO = ("server_side", "server_hostname", "session")
"""The arguments of `ssl.SSLContext.wrap_socket` and `wrap_bio` beyond the first, as they may come without their names."""

FUNCTIONS = ("function", "builtin_function_or_method", "method_descriptor", "cython_function_or_method", "wrapper_descriptor")
"""The types of what is patched, and of what other tools put in its place; a mock has another."""


def plain(host: object) -> str:
    """A host's name as it is compared: lower case, no brackets, no dot at its end. '' for what is no name."""
    if isinstance(host, (bytes, bytearray)):
        host = host.decode("ascii", "replace")
    return host.strip("[]").rstrip(".").lower() if isinstance(host, str) else ""


def is_june(host: object) -> bool:
    """Whether a host is June's API."""
    return plain(host) == JUNE


def is_nowhere(host: object) -> bool:
    """Whether an address is one that we gave out for api.june.so."""
    return plain(host) in (NOWHERE, NOWHERE_6)


def _is_own(name: str) -> bool:
    """Whether a host is this machine's loopback. An unspecified address is, to who connects to it."""
    if name in ("", "localhost") or name.endswith(".localhost"):
        return True
    address = _address(name)
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped is not None and (mapped.is_loopback or mapped.is_unspecified)


def _address(name: str) -> Any:
    import ipaddress

    try:
        return ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return None


class Patch:
    """One attribute that is ours for a while. `make` makes ours of the one that is there."""

    def __init__(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        self.owner = owner
        self.name = name
        self.make = make
        self.ours: Any = None
        self.there: Any = None
        self.own = False

    def put(self) -> None:
        """Sets ours; nothing where it is there already, be it below another redirect's. What another has put in its place is what is wrapped from now on."""
        there = getattr(self.owner, self.name)
        if self.ours is not None and self.ours in _below(there):
            return
        self.there, self.own = there, self.name in vars(self.owner)
        self.ours = self.make(there)
        self.ours.mock_june_there = there
        setattr(self.owner, self.name, self.ours)

    def undo(self) -> None:
        """Leaves the attribute as it was found. One that another has covered is left to them: ours does nothing any more."""
        if vars(self.owner).get(self.name) is not self.ours:
            return
        if self.own:
            setattr(self.owner, self.name, self.there)
        else:
            delattr(self.owner, self.name)


class Patches:
    """Attributes that are ours for a while."""

    def __init__(self) -> None:
        self._made: list[Patch] = []

    def put(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Sets what `make` makes of the attribute that is there."""
        patch = Patch(owner, name, make)
        self._made.append(patch)
        patch.put()

    def restore(self) -> None:
        """Sets again what others have taken away since; but a mock, which is no function, is left where a test has put one."""
        for patch in self._made:
            if type(getattr(patch.owner, patch.name)).__name__ in FUNCTIONS:
                patch.put()

    def undo(self) -> None:
        """Takes them away, the last first."""
        while self._made:
            self._made.pop().undo()


def _below(there: Any) -> list[Any]:
    """An attribute, and those that it covers, as far as they are ours."""
    found = [there]
    while "mock_june_there" in getattr(found[-1], "__dict__", ()):
        found.append(found[-1].mock_june_there)
    return found


class Watch:
    """Whoever wants to know which thread sends what. Both are called in the thread that does."""

    def admit(self) -> None:
        """Before a connection to the relay, and before each write to it under TLS. May raise an OSError, which the sender gets."""

    def sends(self, port: int) -> None:
        """This thread sends by the connection that has this local port."""


class Redirect:
    """What `install` puts in place. `only` refuses all hosts but this machine's own and those in `spared`, too."""

    def __init__(self, relay: tuple[str, int], ca: str, watch: Watch | None = None) -> None:
        self.relay = relay
        self.only = False
        self.carries = False
        """Whether ports 80 and 443 of other hosts go to the relay too, as they are: under a guard that has closed the direct way."""
        self.spared: set[str] = set()
        self.active = False
        self._ca = ca
        self._watch = watch
        self._patches = Patches()
        self._contexts: dict[type, ssl.SSLContext] = {}
        self._hooks: dict[str, Callable[[ModuleType], None]] = {
            "socket": self._patch_socket,
            "ssl": self._patch_ssl,
            "gevent._socketcommon": self._patch_gevent,
            "gevent.ssl": self._patch_gevent_ssl,
            "uvloop": self._patch_uvloop,
            "aiohttp.resolver": self._patch_aiohttp,
        }

    def install(self) -> None:
        """Patches what is imported, and the rest when it is. Once more: puts back what others have taken away since."""
        if self.active:
            self._patches.restore()
            return
        self.active = True
        sys.meta_path.insert(0, self)
        for name, hook in self._hooks.items():
            module = sys.modules.get(name)
            # One that is being imported right now is patched when that is done.
            if module is not None and not getattr(getattr(module, "__spec__", None), "_initializing", False):
                hook(module)

    def uninstall(self) -> None:
        """Leaves everything as it was found."""
        self.active = False
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        self._patches.undo()

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """As a finder of imports: what is to be patched is found by the others, and patched once it is executed."""
        hook = self._hooks.get(name)
        if hook is None:
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = None if finder is self or find is None else find(name, path, target)
            if spec is not None:
                self._after_execution(name, spec.loader, hook)
                return spec
        return None

    def _after_execution(self, name: str, loader: Any, hook: Callable[[ModuleType], None]) -> None:
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            vars(loader).pop("exec_module", None)
            execute(module)
            if self.active and module.__name__ == name:  # the loader may be one for a whole archive
                hook(module)

        loader.exec_module = exec_module

    # Names

    def _refusal(self, host: object) -> str:
        """Why a host is not reached; '' where it may be."""
        name = plain(host)
        for forbidden in FORBIDDEN:
            if name == forbidden or name.endswith("." + forbidden):
                return f"mock-june: {name} is not reached while {JUNE} is intercepted, and the fake does not play it"
        if self.only and name not in self.spared and not _is_own(name):
            return f'mock-june: {name} is not reached: this test runs under intercept="only", which leaves {JUNE} and this machine alone'
        return ""

    def _patch_socket(self, module: ModuleType) -> None:
        low: Any = sys.modules["_socket"]
        # `socket.getaddrinfo` calls this one, so that whoever holds it by its name has it too.
        self._patches.put(low, "getaddrinfo", self._getaddrinfo)
        for name in ("gethostbyname", "gethostbyname_ex"):
            self._patches.put(low, name, self._gethostbyname)
            self._patches.put(module, name, self._gethostbyname)
        lineage = getattr(module.__dict__["socket"], "__mro__", ())
        if not lineage:  # a mock: there is no network to speak of
            return
        # pytest-socket may have put a class of its own in the place of `socket.socket`, gevent one that is not of the family.
        plain_class = lineage[lineage.index(low.socket) - 1] if low.socket in lineage else lineage[0]
        for name in ("connect", "connect_ex"):
            self._patches.put(plain_class, name, self._connect)

    def _looked_up(self, host: object) -> str | None:
        """What to look up in a host's place: None the host itself. Raises gaierror for one that is not reached."""
        if not self.active:
            return None
        if is_june(host):
            return NOWHERE
        address = self.only and _address(plain(host)) is not None  # an address is judged when somebody connects to it
        refusal = "" if address else self._refusal(host)
        if refusal:
            import socket

            raise socket.gaierror(socket.EAI_NONAME, refusal)
        return None

    def _getaddrinfo(self, there: Callable[..., Any]) -> Callable[..., Any]:
        def getaddrinfo(host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> Any:  # noqa: A002 - its name there
            import socket

            instead = None if flags & socket.AI_PASSIVE else self._looked_up(host)
            if instead is None:
                return there(host, port, family, type, proto, flags)
            address = NOWHERE_6 if family == socket.AF_INET6 else instead
            return there(address, port, family, type, proto, socket.AI_NUMERICHOST | flags & socket.AI_CANONNAME)

        return getaddrinfo

    def _gethostbyname(self, there: Callable[..., Any]) -> Callable[..., Any]:
        def gethostbyname(host: Any) -> Any:
            return there(self._looked_up(host) or host)

        return gethostbyname

    # Connections

    def _connect(self, there: Callable[..., Any]) -> Callable[..., Any]:
        gives_number = there.__name__ == "connect_ex"

        def connect(sock: socket.socket, address: Any) -> Any:
            try:
                target = self._target(sock, address)
            except OSError as error:
                if gives_number:
                    return error.errno
                raise
            if target is None:
                return there(sock, address)
            try:
                return there(sock, target)
            finally:  # one that does not block says so by an error, and stands soon
                if self._watch is not None:
                    self._watch.sends(_port(sock))

        connect.__name__ = connect.__qualname__ = there.__name__
        return connect

    def _target(self, sock: socket.socket, address: Any) -> Any:
        """Where a socket is to go in place of an address; None as it says. Raises ConnectionRefusedError for a host that is not reached."""
        import errno
        import socket

        if not self.active or sock.family not in (socket.AF_INET, socket.AF_INET6) or not isinstance(address, tuple) or not address:
            return None
        host = address[0]
        if is_june(host) or is_nowhere(host):
            if sock.type != socket.SOCK_STREAM:
                raise ConnectionRefusedError(errno.ECONNREFUSED, f"mock-june: {JUNE} is intercepted over TCP alone, not over UDP (QUIC)")
            self._admit()
            return self._relay_for(sock.family == socket.AF_INET6)
        refusal = self._refusal(host)
        if refusal:
            raise ConnectionRefusedError(errno.ECONNREFUSED, refusal)
        return self._relay_for(sock.family == socket.AF_INET6) if sock.type == socket.SOCK_STREAM and self._carried(host, address[1]) else None

    def _relay_for(self, six: bool) -> tuple[str, int]:
        relay, port = self.relay
        return (f"::ffff:{relay}", port) if six else (relay, port)

    def _carried(self, host: object, port: object) -> bool:
        """Whether a connection to another host goes to the relay, which reads its name in TLS or in the Host header."""
        return self.carries and port in CARRIED and not _is_own(plain(host))

    def _admit(self) -> None:
        if self._watch is not None:
            self._watch.admit()

    # TLS

    def _patch_ssl(self, module: ModuleType) -> None:
        # truststore may have put a class of its own in the place of `ssl.SSLContext`; it hands on to this one.
        lineage = [one for one in getattr(module.__dict__["SSLContext"], "__mro__", ()) if "wrap_socket" in vars(one)]
        if not lineage:
            return
        plain_class = lineage[-1]
        self._patches.put(plain_class, "wrap_socket", lambda there: self._wrap_socket(plain_class, there))
        self._patches.put(plain_class, "wrap_bio", lambda there: self._wrap_bio(plain_class, there))

    def _wrap_socket(self, plain_class: type, there: Callable[..., Any]) -> Callable[..., Any]:
        def wrap_socket(context: ssl.SSLContext, sock: socket.socket, *args: Any, **named: Any) -> Any:
            named.update(zip(OF_WRAP_SOCKET, args))
            host = named.get("server_hostname")
            meant = is_june(host) or is_nowhere(host) or (not host and self._at_relay(sock))
            if meant and self.active and not named.get("server_side") and not _is_private(context):
                # A session belongs to the context that it was made with.
                context, named["server_hostname"], named["session"] = self._private(plain_class), JUNE, None
            return there(context, sock, **named)

        return wrap_socket

    def _wrap_bio(self, plain_class: type, there: Callable[..., Any]) -> Callable[..., Any]:
        def wrap_bio(context: ssl.SSLContext, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *args: Any, **named: Any) -> Any:
            named.update(zip(OF_WRAP_BIO, args))
            host = named.get("server_hostname")
            meant = is_june(host) or is_nowhere(host)
            if meant and self.active and not named.get("server_side") and not _is_private(context):
                context, named["server_hostname"], named["session"] = self._private(plain_class), JUNE, None
            return there(context, incoming, outgoing, **named)

        return wrap_bio

    def _at_relay(self, sock: socket.socket) -> bool:
        """Whether a socket is connected to the relay: TLS on it is meant for api.june.so, also where no name is given."""
        try:
            peer = sock.getpeername()
        except OSError:
            return False
        return isinstance(peer, tuple) and (peer[0].replace("::ffff:", ""), peer[1]) == self.relay

    def _private(self, plain_class: type) -> ssl.SSLContext:
        """The context in whose place no other is used: it trusts the relay's authority alone."""
        context = self._contexts.get(plain_class)
        if context is None:
            import ssl

            context = plain_class(ssl.PROTOCOL_TLS_CLIENT)
            if self._ca:
                context.load_verify_locations(cadata=self._ca)
            if self._watch is not None:
                context.sslsocket_class = _watched(context.sslsocket_class, self._watch)
            vars(context)["mock_june"] = True
            self._contexts[plain_class] = context
        return context

    # Event loops and resolvers that do not use the modules above

    def _patch_gevent(self, module: ModuleType) -> None:
        for name in ("connect", "connect_ex"):
            self._patches.put(module.__dict__["SocketMixin"], name, self._connect)

    def _patch_gevent_ssl(self, module: ModuleType) -> None:
        green_class = module.__dict__["SSLContext"]
        self._patches.put(green_class, "wrap_socket", lambda there: self._wrap_socket(green_class, there))

    def _patch_uvloop(self, module: ModuleType) -> None:
        for name, make in (("getaddrinfo", self._loop_getaddrinfo), ("create_connection", self._loop_create_connection)):
            self._patches.put(module.__dict__["Loop"], name, make)

    def _loop_getaddrinfo(self, there: Callable[..., Any]) -> Callable[..., Any]:
        async def getaddrinfo(loop: asyncio.AbstractEventLoop, host: Any, port: Any, **options: Any) -> Any:
            import socket

            instead = self._looked_up(host)
            if instead is not None and options.get("family") == socket.AF_INET6:
                instead = NOWHERE_6
            return await there(loop, instead or host, port, **options)

        return getaddrinfo

    def _loop_create_connection(self, there: Callable[..., Any]) -> Callable[..., Any]:
        async def create_connection(loop: asyncio.AbstractEventLoop, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any) -> Any:
            if not self.active or not host:
                return await there(loop, protocol_factory, host, port, **options)
            if is_june(host) or is_nowhere(host):
                self._admit()
                if options.get("ssl") and not options.get("server_hostname"):
                    options["server_hostname"] = JUNE
                options.update(family=0, flags=0, proto=0)
                pair = await there(loop, protocol_factory, *self.relay, **options)
                if self._watch is not None:
                    self._watch.sends(pair[0].get_extra_info("sockname")[1])
                return pair
            refusal = self._refusal(host)
            if refusal:
                import errno

                raise ConnectionRefusedError(errno.ECONNREFUSED, refusal)
            if self._carried(host, port):
                if options.get("ssl") and not options.get("server_hostname"):
                    options["server_hostname"] = host
                options.update(family=0, flags=0, proto=0)
                host, port = self.relay
            return await there(loop, protocol_factory, host, port, **options)

        return create_connection

    def _patch_aiohttp(self, module: ModuleType) -> None:
        self._patches.put(module.__dict__["AsyncResolver"], "resolve", self._resolve)

    def _resolve(self, there: Callable[..., Any]) -> Callable[..., Any]:
        async def resolve(resolver: Any, host: str, port: int = 0, family: int = 2) -> Any:
            import socket

            if self._looked_up(host) is None:
                return await there(resolver, host, port, family)
            six = family == socket.AF_INET6
            return [
                {
                    "hostname": host,
                    "host": NOWHERE_6 if six else NOWHERE,
                    "port": port,
                    "family": socket.AF_INET6 if six else socket.AF_INET,
                    "proto": 0,
                    "flags": socket.AI_NUMERICHOST,
                }
            ]

        return resolve


def _port(sock: socket.socket) -> int:
    """A socket's own port; 0 where it has none."""
    try:
        port: int = sock.getsockname()[1]
    except OSError:
        return 0
    return port


def _is_private(context: ssl.SSLContext) -> bool:
    """Whether a context is a redirect's own: of two that are installed, the later one's is the one to use."""
    return hasattr(context, "mock_june")


def _watched(base: Any, watch: Watch) -> Any:
    """A class of TLS sockets that tells before it sends. `sendall` sends by `send`."""

    class Watched(base):  # type: ignore[misc]
        def send(self, data: Any, flags: int = 0) -> int:
            self._tell()
            sent: int = super().send(data, flags)
            return sent

        def write(self, data: Any) -> int:
            self._tell()
            sent: int = super().write(data)
            return sent

        def _tell(self) -> None:
            watch.admit()
            watch.sends(_port(self))

    Watched.__name__ = Watched.__qualname__ = base.__name__
    return Watched


def install(relay_host: str, relay_port: int, ca: str, *, carries: bool = False) -> Callable[[], None]:
    """Redirects this process to the relay. `ca` is the authority's certificate, PEM, or the path of a file of it. Gives what takes it all away again.

    `carries`: ports 80 and 443 of other hosts are led to the relay too.
    """
    if "-----BEGIN" not in ca:
        with open(ca, encoding="ascii") as file:  # noqa: PTH123 - pathlib takes long to import
            ca = file.read()
    redirect = Redirect((relay_host, relay_port), ca)
    redirect.carries = carries
    redirect.install()
    return redirect.uninstall
