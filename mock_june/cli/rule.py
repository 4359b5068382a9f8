"""`mock-june rule`: what each rule means, and how to keep it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from itertools import groupby
from typing import TYPE_CHECKING

import click

from mock_june.cli import render
from mock_june.errors import UsageError

if TYPE_CHECKING:
    from mock_june.model import Rule


@click.command()
@click.argument("pattern", metavar="[RULE]", required=False)
@click.option("--output-format", type=click.Choice(["text", "json"]), default="text", show_default=True, help="json: all that is known of each rule.")
def rule(pattern: str | None, output_format: str) -> None:
    """List the rules, or explain one.

    RULE is an id, such as track.timestamp.pattern, or a glob over ids, such as '*.userId.*'; without it all rules are listed. Lists are tables on
    a terminal; piped, each line is id, severity and meaning with tabs between.
    """
    from mock_june.contract import Engine

    rules = _chosen(Engine().catalogue, pattern)
    if output_format == "json":
        click.echo(json.dumps([dataclasses.asdict(each) for each in rules], indent=2, ensure_ascii=False))
    elif pattern == rules[0].id:
        click.echo(explain(rules[0]))
    elif render.for_people():
        _print_table(rules)
    else:
        for each in rules:
            click.echo(f"{each.id}\t{each.severity}\t{each.meaning}")


def explain(described: Rule) -> str:
    """All that is known of a rule, for a person."""
    where = f"{described.contract} contract" if described.contract else "both contracts"
    title = f"{click.style(described.id, bold=True)}  {click.style(described.severity, fg='red' if described.severity == 'error' else 'yellow')}, {where}"
    texts = {
        "Why": described.why,
        "Wrong": described.wrong,
        "Right": described.right,
        "In Python": described.python,
        "In Node": described.node,
        "Hint": described.hint,
    }
    parts = [f"{click.style(name, bold=True)}\n{_indented(text)}" for name, text in texts.items() if text]
    return "\n\n".join([f"{title}\n{described.meaning}", *parts])


def group_name(rule: Rule) -> str:
    """The heading that a rule is listed under: its contract and kind."""
    if rule.id.startswith("history."):
        return "across events"
    return f"{rule.contract} / {rule.kind}" if rule.contract else "before there is a payload"


def _chosen(catalogue: Sequence[Rule], pattern: str | None) -> list[Rule]:
    chosen = [each for each in catalogue if pattern is None or fnmatchcase(each.id, pattern)]
    if not chosen:
        near = get_close_matches(str(pattern), [each.id for each in catalogue], 1)
        raise UsageError(f"no rule {pattern!r}: " + (f"did you mean {near[0]!r}?" if near else "`mock-june rule` lists them all"))
    return chosen


def _print_table(rules: Sequence[Rule]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    for name, members in groupby(rules, group_name):
        table.add_row(Text(name, "bold"))
        for each in members:
            table.add_row(Text(f"  {each.id}", "yellow" if each.severity == "warning" else ""), Text(each.meaning))
    Console(highlight=False).print(table)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" if line else "" for line in text.strip("\n").split("\n"))
