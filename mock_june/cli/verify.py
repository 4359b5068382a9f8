"""`mock-june verify`: June's contract, held against any server."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import click

from mock_june import __version__
from mock_june.cli import render
from mock_june.text import markdown

if TYPE_CHECKING:
    from mock_june.verify import Outcome, Report, Verification

EXAMPLES = 10
MARKS = {"kept": ("✓", "green"), "broken": ("✗", "red"), "implied": ("-", "yellow"), "skipped": ("-", "bright_black"), "untried": ("?", "yellow")}
NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 has no way to write (section 2.2)."""


@click.command()
@click.argument("url")
@click.option("--key", required=True, metavar="KEY", help="An API key that the server takes.")
@click.option("--any-key", is_flag=True, help="The server takes any key: do not ask that a wrong one be refused.")
@click.option("--sdk", is_flag=True, help="Hold it to the SDK contract too, with batches.")
@click.option(
    "--max-examples",
    type=click.IntRange(0, 10_000),
    default=EXAMPLES,
    show_default=True,
    metavar="N",
    help="Cases drawn for each promise, beside the fixed ones.",
)
@click.option("--output-format", type=click.Choice(["text", "json", "junit", "markdown"]), default="text", show_default=True)
def verify(url: str, key: str, any_key: bool, sdk: bool, max_examples: int, output_format: str) -> int:
    """Hold the server at URL to June's contract.

    Sends it good and bad payloads, judges its answers by the schema files alone, and says which promises it keeps. Of one that it does not keep, the
    shortest request that shows it stands there as a line for curl. What is sent is events like any others: point it at a server whose records do not matter.

    Exit code 0: all promises are kept. 1: one is not. 2: nothing answers at URL.
    """
    with _no_traces():
        from mock_june.verify import Verification

        verification = Verification(url, key, any_key=any_key, sdk=sdk, max_examples=max_examples)
        click.echo(f"mock-june: {verification.promises} promises; at most {verification.most} requests will be sent to {url}", err=True)
        report = _run(verification)
    SHOW[output_format](report)
    return 0 if report.kept else 1


@contextmanager
def _no_traces() -> Iterator[None]:
    """Hypothesis keeps what it has worked out in a folder `.hypothesis`, which nobody asked for here."""
    if "HYPOTHESIS_STORAGE_DIRECTORY" in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="mock-june-") as folder:
        os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = folder
        try:
            yield
        finally:
            del os.environ["HYPOTHESIS_STORAGE_DIRECTORY"]


def _run(verification: Verification) -> Report:
    """The report; on a terminal with a bar that grows."""
    if not sys.stderr.isatty():
        return verification.run()
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("promises", total=verification.promises)
        return verification.run(lambda _: progress.advance(task))


def _show_text(report: Report) -> None:
    """For a person all promises in a table; piped, a line each. Then what shows the broken ones."""
    if render.for_people():
        _print_table(report)
    else:
        for outcome in report.outcomes:
            click.echo(f"{outcome.state}\t{outcome.id}\t{outcome.text}{_because(outcome)}")
    for outcome in report.outcomes:
        if outcome.breach is not None:
            click.echo("\n" + _described(outcome))
    click.echo("\n" + summary(report))


def _because(outcome: Outcome) -> str:
    return f" ({outcome.why})" if outcome.why else ""


def _print_table(report: Report) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, outcomes in groupby(report.outcomes, group_name):
        table.add_row(Text(name, "bold"))
        for outcome in outcomes:
            mark, colour = MARKS[outcome.state]
            table.add_row(Text.assemble((f"  {mark} ", colour), outcome.id), Text(outcome.text + _because(outcome)))
    Console(highlight=False).print(table)


def group_name(outcome: Outcome) -> str:
    """The heading that a promise is listed under: whom or what it is about."""
    first, second, *rest = outcome.id.split(".")
    return f"{first} / {second}" if len(rest) > 1 else first


def _described(outcome: Outcome) -> str:
    """A broken promise with what shows it."""
    breach = outcome.breach
    if breach is None:
        return ""
    again = "\n  (sent a second time, it was answered as it should be: the server is not always of one mind)" if breach.once else ""
    return "\n".join(
        (
            f"{click.style(f'✗ {outcome.id}', fg='red', bold=True)}",
            f"  {outcome.text}",
            f"  as written: {outcome.quote}",
            f"  {breach.request}: {breach.problem}{again}",
            f"  {breach.curl}",
        )
    )


def summary(report: Report) -> str:
    """One line of counts."""
    counts = ", ".join(f"{report.count(state)} {state}" for state in MARKS if report.count(state))
    return f"{len(report.outcomes)} promises: {counts}; {report.sent} of at most {report.most} requests sent in {report.seconds:.1f} s"


def _show_json(report: Report) -> None:
    document = {
        "version": __version__,
        "url": report.url,
        "kept": report.kept,
        "counts": {state: report.count(state) for state in MARKS},
        "requests": {"most": report.most, "sent": report.sent},
        "seconds": round(report.seconds, 3),
        "promises": [dataclasses.asdict(outcome) for outcome in report.outcomes],
    }
    click.echo(json.dumps(document, indent=2))


def _show_junit(report: Report) -> None:
    """One test case a promise, as CI servers read it."""
    broken, unkept = report.count("broken"), report.count("untried")
    skipped = report.count("skipped") + report.count("implied")
    counts = {"tests": len(report.outcomes), "failures": broken, "errors": unkept, "skipped": skipped}
    attributes = {name: str(number) for name, number in counts.items()} | {"time": f"{report.seconds:.3f}"}
    root = ET.Element("testsuites", attributes | {"name": "mock-june verify"})
    suite = ET.SubElement(root, "testsuite", attributes | {"name": _xml(report.url)})
    for outcome in report.outcomes:
        case = ET.SubElement(suite, "testcase", classname=outcome.id.rpartition(".")[0], name=outcome.id)
        if outcome.breach is not None:
            failure = ET.SubElement(case, "failure", message=_xml(outcome.breach.problem))
            failure.text = _xml(f"{outcome.text}\n{outcome.quote}\n{outcome.breach.request}: {outcome.breach.problem}\n{outcome.breach.curl}")
        elif outcome.state != "kept":
            ET.SubElement(case, "error" if outcome.state == "untried" else "skipped", message=_xml(outcome.why))
    ET.indent(root)
    click.echo(ET.tostring(root, encoding="unicode", xml_declaration=False))


def _show_markdown(report: Report) -> None:
    """For the summary of a CI job: what is not kept in a table, and below it the requests that show it."""
    heading = "all promises kept" if report.kept else f"{report.count('broken') + report.count('untried')} of {len(report.outcomes)} promises not kept"
    click.echo(f"### mock-june verify: {heading}\n")
    unkept = [outcome for outcome in report.outcomes if outcome.state in {"broken", "untried"}]
    if unkept:
        click.echo("| promise | | what it says | what came |\n|---|---|---|---|")
    for outcome in unkept:
        came = f"{outcome.breach.request}: {outcome.breach.problem}" if outcome.breach is not None else outcome.why
        click.echo(f"| `{outcome.id}` | {outcome.state} | {markdown(outcome.text)} | {markdown(came)} |")
    for breach in (outcome.breach for outcome in unkept if outcome.breach is not None):
        # Indented, so that nothing in it can end it.
        click.echo(f"\n    {breach.curl}")
    click.echo(f"\n{markdown(summary(report))}, against {markdown(report.url)}.")


def _xml(text: str) -> str:
    return NO_XML.sub("\ufffd", text)


SHOW: dict[str, Callable[[Report], None]] = {"text": _show_text, "json": _show_json, "junit": _show_junit, "markdown": _show_markdown}
"""The formats by their names."""
