"""What a shell offers at TAB for the values of options and arguments: rules, kinds, files. Which it is follows from the metavar that the help shows."""

from __future__ import annotations

from collections.abc import Callable

import click
from click.shell_completion import CompletionItem

from mock_june.model import KINDS

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def attach(command: click.Command) -> None:
    """Lets each parameter of a command offer what its metavar stands for."""
    for parameter in command.params:
        complete = OFFERED.get((parameter.metavar or "").strip("[]."))
        if complete is not None:
            # click keeps what the constructor was given under this name, and asks it first.
            parameter._custom_shell_complete = complete  # noqa: SLF001 - there is no other way to it after the parameter was made


def _rules(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from mock_june.contract import Engine

    return [CompletionItem(rule.id, help=rule.meaning) for rule in Engine().catalogue if rule.id.startswith(incomplete)]


def _kinds(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(kind) for kind in KINDS["sdk"] if kind.startswith(incomplete)]


def _files(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(incomplete, type="file")]


OFFERED: dict[str, Complete] = {"RULE": _rules, "KIND": _kinds, "FILE": _files, "FILE|DIR|-": _files}
"""By metavar, without brackets and dots."""
