"""`mock-june calls`: the record of a running fake, in the terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mock_june.errors import MockJuneError, UsageError
from mock_june.model import PORT, Raw
from mock_june.text import plain_json

if TYPE_CHECKING:
    from mock_june.client import MockJune
    from mock_june.errors import UnreachableError
    from mock_june.model import Call

FORMATS = "jsonl: all of each call, a line each; markdown: a table of the rules that were broken, for the summary of a CI job."
PAGE = 200
"""Calls asked for at once: few enough to hold, though each has its body."""


@click.command()
@click.option("--url", default=f"http://127.0.0.1:{PORT}", show_default=True, help="Where the fake answers.")
@click.option("--key", metavar="KEY", help="Only this API key's workspace. Not given: all of them.")
@click.option("--token", metavar="T", help="The X-Mock-June-Token of a fake that listens beyond loopback.")
@click.option("--ca-file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="What `serve --tls` printed: trust this certificate.")
@click.option("--follow", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("--kind", metavar="KIND", help="Calls with an event of this kind: identify, group, track, page, screen, alias.")
@click.option("--accepted/--rejected", default=None, help="Only calls that were accepted, or only those that were not.")
@click.option("--rule", metavar="RULE", help="Calls that broke this rule, or were warned of it (an id or a glob).")
@click.option("--user-id", metavar="ID", help="Calls with an event of this `userId`.")
@click.option("--anonymous-id", metavar="ID", help="Calls with an event of this `anonymousId`.")
@click.option("--group-id", metavar="ID", help="Calls with an event of this `groupId`.")
@click.option("--event", metavar="NAME", help="Calls with a track of this event name.")
@click.option("--path", metavar="GLOB", help="Calls to a path that matches, such as '/sdk/*'.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="End after so many calls.")
@click.option("--output-format", type=click.Choice(["text", "json", "jsonl", "markdown"]), default="text", show_default=True, help=FORMATS)
def calls(
    url: str,
    key: str | None,
    token: str | None,
    ca_file: Path | None,
    follow: bool,
    kind: str | None,
    accepted: bool | None,
    rule: str | None,
    user_id: str | None,
    anonymous_id: str | None,
    group_id: str | None,
    event: str | None,
    path: str | None,
    limit: int | None,
    output_format: str,
) -> None:
    """Show the calls that a running fake has on record, oldest first.

    A line has the time, the status, the request with what its event is about, the workspace, and the rules that were broken or warned of. All that
    is given of --kind to --path must hold.
    """
    from mock_june.client import MockJune

    if follow and output_format in {"json", "markdown"}:
        raise UsageError(f"--output-format {output_format} is one document, which --follow never ends; take jsonl")
    filters = {
        "kind": kind,
        "accepted": accepted,
        "rule": rule,
        "userId": user_id,
        "anonymousId": anonymous_id,
        "groupId": group_id,
        "event": event,
        "path": path,
    }
    with MockJune(url, key, token, verify=ca_file) as june:
        found = islice(_followed(june, filters) if follow else _recorded(june, filters), limit)
        try:
            shown = SHOW[output_format](found)
        except KeyboardInterrupt:
            if not follow:
                raise
            return
    if not shown:
        click.echo("mock-june: no call on record matches", err=True)


def _recorded(june: MockJune, filters: dict[str, Any]) -> Iterator[Call]:
    """What is on record, page by page."""
    after = 0
    while page := june.calls(PAGE, after=after, **filters):
        yield from page
        after = page[-1].id


def _followed(june: MockJune, filters: dict[str, Any]) -> Iterator[Call]:
    """What is on record and then what comes, over restarts of the fake."""

    def missed(count: int) -> None:
        click.echo(f"mock-june: {count} calls were discarded before they could be shown (--max-calls of the fake, or a reset)", err=True)

    def lost(_: UnreachableError) -> None:
        click.echo(f"mock-june: the fake at {june.url} went away; this goes on once it is back (Ctrl-C ends it)", err=True)

    return june.follow(0, missed, lost, **filters)


def _show_text(found: Iterator[Call]) -> int:
    """A line a call, cut to the terminal's width. Gives how many they were, as all of these do."""
    from rich.console import Console

    from mock_june.cli.lines import call_line

    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    shown = 0
    for shown, call in enumerate(found, 1):  # noqa: B007 - its last value is the count
        with console.capture() as line:
            console.print(call_line(call))
        click.echo(line.get(), nl=False)
    return shown


def _show_lines(found: Iterator[Call]) -> int:
    shown = 0
    for shown, call in enumerate(found, 1):  # noqa: B007
        click.echo(as_json(call))
    return shown


def _show_document(found: Iterator[Call]) -> int:
    """One array, written as its calls come."""
    shown = 0
    for shown, call in enumerate(found, 1):
        click.echo(("," if shown > 1 else "[") + "\n" + as_json(call), nl=False)
    click.echo("\n]" if shown else "[]")
    return shown


def _show_markdown(found: Iterator[Call]) -> int:
    from mock_june.cli.run_reports import markdown_of_calls
    from mock_june.cli.summary import Tally

    tally = Tally()
    for call in found:
        tally.saw(call)
    click.echo(markdown_of_calls("mock-june calls", tally), nl=False)
    return tally.calls


SHOW: dict[str, Callable[[Iterator[Call]], int]] = {"text": _show_text, "json": _show_document, "jsonl": _show_lines, "markdown": _show_markdown}
"""The formats by their names."""


def as_json(call: Call) -> str:
    """A call as the control API shows it, on one line. What a terminal would act on stands in it as JSON's escapes: the same text to whoever parses it."""
    from mock_june import wire

    # json, not orjson: that one writes no payload deeper than 253, and reads them down to 1,023.
    try:
        events = tuple(replace(event, payload=Raw(json.dumps(event.payload).encode())) for event in call.events)
    except RecursionError:
        raise MockJuneError(f"call {call.id} is nested too deeply to be shown here; GET /_mock/calls/{call.id} gives it") from None
    return plain_json(wire.dumps(wire.call(replace(call, events=events))).decode())
