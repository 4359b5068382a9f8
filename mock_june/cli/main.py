"""The command group: finds the command, its defaults in the environment and in pyproject.toml, and turns what goes wrong into a line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import click

from mock_june import __version__
from mock_june.cli import completing, config, examples, render
from mock_june.errors import MockJuneError
from mock_june.text import printable

PROGRAM = "mock-june"
COMMANDS = ("serve", "check", "run", "verify", "calls", "rule", "schema", "openapi")
"""Each is `mock_june.cli.<name>`, which holds a click command of that name; what it returns is the exit code (None: 0)."""

UNUSABLE = 2
INTERRUPTED = 128 + 2  # as a shell says of SIGINT
PIPE_CLOSED = 128 + 13  # as a shell says of SIGPIPE


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run a command and end the process with its exit code. `argv` is without the program's name (None: the process's own)."""
    sys.exit(run(argv))


def run(argv: Sequence[str] | None = None) -> int:
    """The exit code of a command that has run. Every error on purpose is one line on stderr."""
    try:
        code = commands.main(argv, PROGRAM, standalone_mode=False)
        with suppress(AttributeError):  # there may be no stdout, as under a shell's `>&-`
            sys.stdout.flush()
    except MockJuneError as error:
        _say(str(error))
        return error.exit_code
    except click.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        _say(_usage(error))
        return UNUSABLE
    except BrokenPipeError:
        _give_up_stdout()
        return PIPE_CLOSED
    except OSError as error:
        _say(f"{error.strerror or error}" + (f": {error.filename}" if error.filename else ""))
        _give_up_stdout()
        return UNUSABLE
    return int(code or 0)


class Commands(click.Group):
    """The commands, each imported when it is asked for: one of them brings along neither the others nor Flask."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """In the order of their use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The command, with the environment's names for its options; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"mock_june.cli.{cmd_name}"), cmd_name)
        config.name_variables(command)
        completing.attach(command)
        examples.add(command)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments name, its defaults laid out for click; an unknown one is told from the nearest."""
        name = args[0]
        if ctx.resilient_parsing:  # a shell asks what could come next: half a word is no mistake
            return super().resolve_command(ctx, args)
        if name not in COMMANDS and not name.startswith("-"):
            near = get_close_matches(name, COMMANDS, 1)
            raise click.UsageError(f"No such command {name!r}." + (f" Did you mean {near[0]!r}?" if near else f" There are {', '.join(COMMANDS)}."), ctx)
        command = self.get_command(ctx, name)
        if command is not None:
            ctx.default_map = {name: config.defaults(command, COMMANDS, Path.cwd())}
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """What the command returns: its exit code."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # before click sees it, which would make it exit code 1
            return PIPE_CLOSED


@click.group(cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
@click.pass_context
def commands(ctx: click.Context) -> None:
    """A fake June (june.so) to run locally and in CI, and the tools around it.

    Each option can also be set in the environment, as MOCK_JUNE_<COMMAND>_<OPTION>, or in pyproject.toml: in [tool.mock-june] for every
    command that has it, in [tool.mock-june.<command>] for one.
    """
    ctx.color = render.colour()
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        ctx.exit(UNUSABLE)


def _usage(error: click.ClickException) -> str:
    """A usage error of click's on one line, with where to read on."""
    text = " ".join(error.format_message().split())
    if isinstance(error, click.NoSuchOption):
        text = f"No such option {error.option_name!r}.{_meant(error.option_name, error.possibilities or ())}"
    elif isinstance(error, click.BadParameter) and error.param is not None and isinstance(error.param.type, click.Choice):
        # click lists the choices, and keeps what was given in its text alone.
        text += _meant(text.partition(" is not one of ")[0].rpartition(": ")[2].strip("'"), error.param.type.choices)
    ctx = getattr(error, "ctx", None)
    return f"{text} See: {ctx.command_path} --help" if ctx is not None else text


def _meant(given: str, names: Sequence[str]) -> str:
    near = get_close_matches(given, names, 1)
    return f" Did you mean {near[0]!r}?" if near else ""


def _say(text: str) -> None:
    click.echo(f"{PROGRAM}: {printable(text)}", err=True)


def _give_up_stdout() -> None:
    """Let nothing more go to a stdout that takes nothing more, so that the interpreter's last flush does not fail in its turn."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
