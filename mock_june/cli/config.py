"""Where an option's value comes from when the command line does not give it: the environment, then `[tool.mock-june]` in pyproject.toml."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from mock_june.errors import UsageError

TABLE = "tool.mock-june"


def name_variables(command: click.Command) -> None:
    """Give each option its variable, MOCK_JUNE_<COMMAND>_<OPTION>, after the option as it is typed (click's own would follow the Python name)."""
    for spelling, option in _options(command).items():
        option.envvar = f"MOCK_JUNE_{command.name}_{spelling}".replace("-", "_").upper()


def defaults(command: click.Command, commands: Collection[str], folder: Path) -> dict[str, Any]:
    """What the nearest `[tool.mock-june]` at or above `folder` sets for the command, by click's parameter names.

    A value at the top of the table serves every command that has such an option; one in `[tool.mock-june.<command>]` serves that command and goes first.
    Raises UsageError on a file that is no TOML, a table of no command, a name in the command's own table that is no option of it.
    """
    path, table = _nearest(folder)
    options = _options(command)
    common = {_spelled(name): value for name, value in table.items() if not isinstance(value, dict)}
    own: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            _known(name, commands, f"{path}: [{TABLE}.{name}] is of no command")
            if name == command.name:
                own = {_spelled(key): entry for key, entry in value.items()}
    for name in own:
        _known(name, options, f"{path}: [{TABLE}.{command.name}] sets {name!r}, which is no option of it")
    set_here = {**common, **own}
    return {str(option.name): _value(option, set_here[name], path) for name, option in options.items() if name in set_here}


def _options(command: click.Command) -> dict[str, click.Option]:
    """The command's options by their long spelling without the dashes."""
    return {max(option.opts, key=len).lstrip("-"): option for option in command.params if isinstance(option, click.Option)}


def _spelled(name: str) -> str:
    return name.replace("_", "-")


def _nearest(folder: Path) -> tuple[Path | None, dict[str, Any]]:
    """The nearest pyproject.toml that has the table, and the table; (None, {}) where there is none."""
    for path in (place / "pyproject.toml" for place in (folder, *folder.parents)):
        try:
            text = path.read_bytes()
        except OSError:
            continue
        if b"mock-june" not in text:  # spares the other projects' files the parsing, and a faulty one the complaint
            continue
        import tomllib

        try:
            table = tomllib.loads(text.decode()).get("tool", {}).get("mock-june")
        except ValueError as error:
            raise UsageError(f"{path} cannot be read: {error}") from None
        if isinstance(table, dict):
            return path, table
    return None, {}


def _known(name: str, names: Iterable[str], complaint: str) -> None:
    if name not in names:
        near = get_close_matches(name, names, 1)
        raise UsageError(f"{complaint}: " + (f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}"))


def _value(option: click.Option, value: Any, path: Path | None) -> Any:
    """The value as click takes it: of a repeatable option a list, of a file a path from the folder of pyproject.toml."""
    if isinstance(value, list) != option.multiple:
        if not option.multiple:
            raise UsageError(f"{path}: {option.opts[0]} takes one value, not a list")
        value = [value]
    if isinstance(option.type, click.Path) and path is not None:
        return str(path.parent / str(value))
    return value
