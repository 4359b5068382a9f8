"""`mock-june run`: a program with api.june.so in it, run unchanged against a fake."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from mock_june.cli import fakes, summary
from mock_june.errors import UsageError
from mock_june.text import counted, printable

if TYPE_CHECKING:
    from mock_june.intercept.child import Ended
    from mock_june.intercept.relay import Relay
    from mock_june.intercept.traffic import Traffic
    from mock_june.intercept.workplace import Workplace
    from mock_june.journal import Journal
    from mock_june.server.serving import Server

FAILED = 1


class Fake(NamedTuple):
    """The fake of one run: what it counts, and the last event that its record had before."""

    server: Server
    record: Journal
    tally: summary.Tally
    since: int


@click.command(context_settings={"allow_interspersed_args": False})
@click.option("--export", type=click.Path(dir_okay=False), metavar="FILE", help="Write the payloads of all events to this file, a line of JSON each.")
@click.option("--key", "keys", multiple=True, metavar="KEY", help="An API key to take (repeatable). None given: any non-empty key is good.")
@click.option("--allow-rejected", is_flag=True, help="Rejected calls are no failure.")
@click.option("--allow-empty", is_flag=True, help="It is no failure when no call was captured.")
@click.option("--block-others", is_flag=True, help="Let the program reach no other host than June's, that is the fake, and this machine's own.")
@click.option("--require-guard", is_flag=True, help="Do not start the program where the direct way to June cannot be closed.")
@click.option("--no-guard", is_flag=True, help="Leave the direct way open: for programs that must reach ports 80 and 443 of other hosts past every proxy.")
@click.option("--journal", type=click.Path(path_type=Path), metavar="FILE", help="Keep the record in this file. Not given: a private temporary one.")
@click.option(
    "--fault", "faults", type=fakes.Whole(), multiple=True, metavar="JSON", help='Plan a fault at the start: \'{"status": 503, "times": 2}\' (repeatable).'
)
@click.option("--output-format", type=click.Choice(["json", "junit", "markdown"]), help="Write what was found in this format too, to --output-file.")
@click.option("--output-file", type=click.Path(dir_okay=False), metavar="FILE", help="Where that goes; written whole or not at all.")
@click.option("--summary-to", type=click.Path(dir_okay=False), metavar="FILE", help="A summary in Markdown besides, such as the one that a CI job shows.")
@click.option("--page", is_flag=True, help="Print the fake's address, where a browser shows what comes while the program runs.")
@click.option("--select", multiple=True, metavar="RULE", help="Hold calls to these rules alone (ids or globs, repeatable).")
@click.option("--ignore", multiple=True, metavar="RULE", help="Leave these rules out (ids or globs, repeatable).")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(
    export: str | None,
    keys: tuple[str, ...],
    allow_rejected: bool,
    allow_empty: bool,
    block_others: bool,
    require_guard: bool,
    no_guard: bool,
    journal: Path | None,
    faults: tuple[str, ...],
    output_format: str | None,
    output_file: str | None,
    summary_to: str | None,
    page: bool,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    command: tuple[str, ...],
) -> int:
    """Run a program, unchanged, against a fake.

    Its calls to https://api.june.so are answered by the fake: nothing reaches June. The program keeps its terminal, its signals and its output; at the end
    stands, on stderr, what it sent and what June would have refused. It works by the program's environment (proxy, trust, shims for Node and Python); on
    Linux a guard closes the direct way for whatever heeds none of that. docs/explanation/interception.md says how, and what cannot be caught.

    The exit code is the program's own, 128 + the signal if one ended it. When that is 0: 1 for rejected calls, or when no call was captured.
    """
    if os.name != "posix":
        raise UsageError("mock-june run needs Linux or macOS; elsewhere point the program at `mock-june serve`")
    _refuse_escapes(command)
    fakes.refuse_bad_keys(keys)
    guarded = _is_guarded(require=require_guard, leave_out=no_guard)
    if (output_format is None) != (output_file is None):
        raise UsageError("--output-format and --output-file belong together: stdout and stderr are the program's own")
    _refuse_outputs(export, output_file, summary_to)
    from mock_june.intercept.child import Child
    from mock_june.intercept.workplace import Workplace

    # The keeper is forked before there is any thread, and puts up the guard while the fake starts.
    with Workplace.make() as place, Child(place.folder, guarded=guarded) as child, ExitStack() as stack:
        fakes.allow_connections()  # now, and so not to the command: its limits are its own
        fake = stack.enter_context(_fake(keys, journal or place.journal, faults, select, ignore))
        relay, env = stack.enter_context(_intercepted(fake, place, block_others=block_others, carry=guarded or block_others))
        why_not = child.wait_for_guard()
        _tell_of_guard(why_not, require=require_guard)
        if page:
            _say(f"the fake is at {fake.server.url}")
        child.start(command, env)
        ended = child.wait()
        relay.stop()
        fake.server.stop()
        _tell(fake.tally, relay.traffic, ended)
        _hint(ended, is_empty=not fake.tally.calls and not allow_empty, guarded=guarded and why_not is None)
        if export is not None:
            _say(f"  {counted(_export(fake, export), 'payload')} in {printable(export)}")
    failed = (fake.tally.rejected and not allow_rejected) or (not fake.tally.calls and not allow_empty)
    code = ended.code or (FAILED if failed else 0)
    reports = {path: name for name, path in ((output_format, output_file), ("markdown", summary_to)) if name is not None and path is not None}
    if reports:
        from mock_june.cli.run_reports import FORMATS, Outcome

        outcome = Outcome(shlex.join(command), code, fake.tally, relay.traffic, fake.record.rules_hash, allow_empty, ended.stopped)
        for path, name in reports.items():
            _write(path, FORMATS[name](outcome))
    return code


def _is_guarded(*, require: bool, leave_out: bool) -> bool:
    """Whether the guard is to be put up. Raises UsageError where it is insisted on and cannot be."""
    from mock_june.intercept import guard

    if require and leave_out:
        raise UsageError("--require-guard and --no-guard exclude each other: the one insists on the guard, the other goes without")
    if leave_out:
        return False
    if not guard.available():
        _tell_of_guard(guard.WHY_NOT, require=require)
        return False
    return True


def _tell_of_guard(why_not: str | None, *, require: bool) -> None:
    """Says loudly that there is no guard. Raises UsageError where it is insisted on."""
    if why_not is not None and require:
        raise UsageError(f"--require-guard: {why_not}; the program was not started")
    if why_not is not None:
        _say(f"NO GUARD: {why_not}. What heeds neither proxy nor shim reaches the real June", fg="red", bold=True)


def _refuse_outputs(*paths: str | None) -> None:
    """Raises what is wrong with files that are to be written, now and not when the program has run."""
    from mock_june.checker.outputs import Output, refuse_clashes

    refuse_clashes(paths, ())
    for path in paths:
        if path is not None and (not Path(path).exists() or Path(path).is_file()):
            Output(path).drop()


def _refuse_escapes(command: Sequence[str]) -> None:
    from mock_june.intercept.escapes import escape

    found = escape(command)
    if found is not None:
        name, why = found
        raise UsageError(f"{name} cannot be run like this: {why}. Run mock-june where the program runs, or point the program at `mock-june serve`")


@contextmanager
def _fake(keys: tuple[str, ...], journal: Path, faults: tuple[str, ...], select: tuple[str, ...], ignore: tuple[str, ...]) -> Iterator[Fake]:
    """The fake, in a thread of its own; its record is there until the end of the block, be it stopped before or not."""
    from mock_june.checker.suggesting import suggestions
    from mock_june.contract import Engine
    from mock_june.journal import Journal
    from mock_june.server.auth import Keys
    from mock_june.server.faults import Faults
    from mock_june.server.serving import Server, listen
    from mock_june.server.state import Mock, Settings

    engine = Engine(select, ignore)
    planned = fakes.planned(faults)
    with ExitStack() as stack:
        record = Journal.open(journal, rules_hash=engine.rules_hash)
        stack.callback(record.close)
        sock = listen("127.0.0.1", 0)
        stack.callback(sock.close)
        mock = Mock(engine, record, Keys(keys), Faults(), Settings(port=sock.getsockname()[1]), suggest=suggestions)
        mock.faults.plan(planned)
        server = Server(mock, sock)
        tally = summary.Tally()
        server.ingest.observers.append(tally.saw)
        stack.callback(server.start().stop)
        yield Fake(server, record, tally, record.last_event_id)


@contextmanager
def _intercepted(fake: Fake, place: Workplace, *, block_others: bool, carry: bool) -> Iterator[tuple[Relay, dict[str, str]]]:
    """The relay to the fake, and the environment that leads a command there."""
    from mock_june.intercept import environment
    from mock_june.intercept.authority import Authority
    from mock_june.intercept.relay import Relay

    authority = Authority.create()
    parent, direct = environment.outside(os.environ)
    address = ("127.0.0.1", fake.server.port)
    relay = Relay(authority, address, block_others=block_others, parent=parent, direct=direct, carries=carry)
    place.fill(authority.certificate, os.environ)
    with relay:
        yield relay, environment.build(os.environ, relay.proxy_url, place, carry=carry)


def _write(path: str, text: str) -> None:
    from mock_june.checker.outputs import Output

    output = Output(path)
    output.write(text.encode("utf-8", "backslashreplace"))
    output.keep()


def _export(fake: Fake, path: str) -> int:
    """Writes the payloads of this run's events, as they came. Gives their number."""
    from mock_june.checker.outputs import Output
    from mock_june.model import Filter
    from mock_june.server.control.export import chunks
    from mock_june.server.control.query import Question

    output = Output(path)
    count = 0
    try:
        for chunk in chunks(fake.record, Question(Filter(), after=fake.since), ""):
            output.write(chunk)
            count += chunk.count(b"\n")
        output.keep()
    finally:
        output.drop()
    return count


def _tell(tally: summary.Tally, traffic: Traffic, ended: Ended) -> None:
    """The summary, on stderr: stdout is the program's own."""
    for line in summary.lines(tally):
        _say(line)
    for title, counts in (
        ("other hosts reached", traffic.passed),
        ("blocked", {f"{host}, {why}": count for (host, why), count in traffic.blocked.items()}),
        ("stopped by the guard", {f"{name} to {place}": count for (name, place), count in (ended.stopped or {}).items()}),
        ("ended after the program", Counter(process.name for process in ended.left)),
    ):
        for line in summary.listed(title, counts):
            _say(line)
    if traffic.untrusted:
        _say(f"  {counted(traffic.untrusted, 'connection')} ended by a client that does not trust the fake's certificate: it has a list of its own")


def _hint(ended: Ended, *, is_empty: bool, guarded: bool) -> None:
    """What may be behind a run that failed, and what to do about clients that the guard stopped, or may have stopped."""
    if is_empty:
        _say("  no call came: did the program swallow an error, or send to another host? docs/explanation/interception.md says what cannot be caught")
    if ended.stopped or (guarded and ended.stopped is None and (ended.code or is_empty)):
        _say('  what heeds neither proxy nor shim cannot reach ports 80 and 443 under the guard: "permission denied"; --no-guard gives way, to June itself')


def _say(text: str, **style: Any) -> None:
    """On stderr. That nobody takes it there changes no exit code."""
    with suppress(OSError):
        click.echo(click.style(f"mock-june: {text}", **style) if style else f"mock-june: {text}", err=True)
