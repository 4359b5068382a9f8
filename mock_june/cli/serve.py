"""`mock-june serve`: the fake June, until it is told to end."""

from __future__ import annotations

import ipaddress
import secrets
import signal
from contextlib import ExitStack, closing
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from mock_june.cli import fakes
from mock_june.cli.log import open_log
from mock_june.errors import UsageError
from mock_june.model import PORT
from mock_june.text import printable

if TYPE_CHECKING:
    import ssl

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=PORT, show_default=True, type=click.IntRange(0, 65535), help="The port; it spells JUNE. 0 picks a free one.")
@click.option("--key", "keys", multiple=True, metavar="KEY", help="An API key to take (repeatable). None given: any non-empty key is good.")
@click.option("--journal", type=click.Path(path_type=Path), metavar="FILE", help="Keep the record in this file. Not given: a private temporary one.")
@click.option(
    "--fault", "faults", type=fakes.Whole(), multiple=True, metavar="JSON", help='Plan a fault at the start: \'{"status": 503, "times": 2}\' (repeatable).'
)
@click.option("--max-body", default=4 << 20, show_default=True, type=click.IntRange(1, 1 << 30), metavar="BYTES", help="The largest body, after inflating.")
@click.option(
    "--max-calls", default=1_000_000, show_default=True, type=click.IntRange(1, 10**9), metavar="N", help="Keep at most so many calls; the oldest go first."
)
@click.option("--durable", is_flag=True, help="Wait for the disk before each answer, so that a power cut loses nothing that was acknowledged.")
@click.option("--allow-host", "allow_hosts", multiple=True, metavar="NAME", help="One more Host name that the control API believes (repeatable).")
@click.option("--tls", "is_tls", is_flag=True, help="Serve HTTPS, with a certificate of its own making for this machine's names and those of --allow-host.")
@click.option("--ca-file", type=FILE, metavar="FILE", help="With --tls: write its authority's certificate here. Not given: a private temporary file.")
@click.option("--certfile", type=FILE, metavar="FILE", help="Serve HTTPS with this certificate (PEM, its chain behind it).")
@click.option("--keyfile", type=FILE, metavar="FILE", help="The key of --certfile, where it does not stand in the same file.")
@click.option("--token", metavar="T", help="The X-Mock-June-Token that the control API wants beyond loopback. Not given: one is made and printed.")
@click.option("--open", "is_open", is_flag=True, help="Beyond loopback, want no token: whoever reaches the port may read and reset the record.")
@click.option(
    "--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True, help="text: a line a call on a terminal; json: always, on stderr."
)
@click.option("--select", multiple=True, metavar="RULE", help="Hold calls to these rules alone (ids or globs, repeatable).")
@click.option("--ignore", multiple=True, metavar="RULE", help="Leave these rules out (ids or globs, repeatable).")
def serve(
    host: str,
    port: int,
    keys: tuple[str, ...],
    journal: Path | None,
    faults: tuple[str, ...],
    max_body: int,
    max_calls: int,
    durable: bool,
    allow_hosts: tuple[str, ...],
    is_tls: bool,
    ca_file: Path | None,
    certfile: Path | None,
    keyfile: Path | None,
    token: str | None,
    is_open: bool,
    log_format: str,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
) -> None:
    """Run the fake June.

    Prints one line, `mock-june listening on URL`, to stdout once it answers. Point your code at URL instead of https://api.june.so and look at
    what came: `mock-june calls`, or URL in a browser. Ctrl-C ends it.
    """
    from mock_june.checker.suggesting import suggestions
    from mock_june.contract import Engine
    from mock_june.journal import Journal
    from mock_june.server.auth import Keys
    from mock_june.server.faults import Faults
    from mock_june.server.serving import Server, listen
    from mock_june.server.state import Mock, Settings

    if token is not None and is_open:
        raise UsageError("--token and --open exclude each other: the one asks for a token, the other waives it")
    fakes.refuse_bad_keys(keys)
    if token is not None and not (token.isascii() and token.isprintable() and token.strip()):
        raise UsageError("--token must be printable ASCII, as a header's value is, and not empty")
    fakes.allow_connections()
    engine = Engine(select, ignore)
    planned = fakes.planned(faults)
    wanted = _token(host, token, is_open)
    with ExitStack() as stack:
        tls, authority = _tls(stack, is_tls, certfile, keyfile, ca_file, (host, *allow_hosts))
        sock = stack.enter_context(closing(listen(host, port)))
        record = stack.enter_context(closing(Journal.open(journal, max_calls=max_calls, durable=durable, rules_hash=engine.rules_hash)))
        settings = Settings(max_body, host, sock.getsockname()[1], allow_hosts, wanted, tls)
        mock = Mock(engine, record, Keys(keys), Faults(), settings, suggest=suggestions)
        mock.faults.plan(planned)
        server = Server(mock, sock)
        log = open_log(log_format)
        if log is not None:
            server.ingest.observers.append(stack.enter_context(closing(log)).show)

        def end(_signal: int, _frame: FrameType | None) -> None:
            server.stop()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)

        def ready() -> None:
            _notes(host, wanted, is_open)
            if authority is not None:
                where = printable(str(authority))
                click.echo(f"mock-june: clients must trust the certificate in {where} (SSL_CERT_FILE, REQUESTS_CA_BUNDLE, NODE_EXTRA_CA_CERTS)", err=True)
            print(f"mock-june listening on {server.url}", flush=True)

        server.run(ready)


def _tls(
    stack: ExitStack, is_tls: bool, certfile: Path | None, keyfile: Path | None, ca_file: Path | None, names: tuple[str, ...]
) -> tuple[ssl.SSLContext | None, Path | None]:
    """What HTTPS is served with, None: plain HTTP. And where the certificate lies that clients must trust, if it is of our making."""
    from mock_june.cli import certificate

    if certfile is not None or keyfile is not None:
        return certificate.own_pair(certfile, keyfile, ca_file), None
    if is_tls:
        return stack.enter_context(certificate.made(names, ca_file))
    if ca_file is not None:
        raise UsageError("--ca-file goes with --tls: without it there is no certificate")
    return None, None


def _beyond_loopback(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() != "localhost"


def _token(host: str, token: str | None, is_open: bool) -> str | None:
    """The token that the control API wants: one that was given always, else one of our making beyond loopback."""
    if token is not None or is_open or not _beyond_loopback(host):
        return token
    return secrets.token_urlsafe(24)


def _notes(host: str, token: str | None, is_open: bool) -> None:
    if not _beyond_loopback(host):
        return
    click.echo(f"mock-june: listening beyond this machine ({host}): whoever reaches the port can send calls", err=True)
    if is_open:
        click.echo("mock-june: --open: whoever reaches the port can read, reset and plan faults too", err=True)
    elif token is not None:
        click.echo(f"mock-june: the control API wants X-Mock-June-Token: {token}", err=True)
