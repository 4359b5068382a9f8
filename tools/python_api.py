"""The page of what tests import and ask for, made of signatures and docstrings."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

import mock_june
from mock_june import client, errors, pytest_plugin, spark, strategies, testing, verify

INTRODUCTION = """\
What `pip install` brings to pytest, and what else there is to import. How it is used: [test my backfill](../guides/testing.md)."""
FIXTURES = ("june", "june_server", "june_intercept")
PARTS: tuple[tuple[str, ModuleType, tuple[str, ...]], ...] = (
    ("The object `june`", client, ("MockJune",)),
    ("Sending", client, ("JuneClient",)),
    ("On an event loop", client, ("AsyncMockJune", "AsyncJuneClient")),
    ("Without pytest", testing, ("running_mock", "RunningMock")),
    ("Verdicts", mock_june, ("check", "Verdict", "Violation")),
    ("Drawn payloads", strategies, tuple(name for name in strategies.__all__ if name != "Payload")),
    ("The contract suite", verify, ("verify", "Report", "Outcome", "Breach")),
    ("On Spark", spark, tuple(spark.__all__)),
)
SHOWN_WHOLE = ("MockJune", "JuneClient", "RunningMock")
"""Classes whose methods are shown; the asynchronous ones have the same methods."""
LONGEST = 100
"""Characters of a signature on one line."""


def page() -> str:
    """The page's Markdown, without its title."""
    parts = [INTRODUCTION, "## Fixtures"]
    parts += [f"### `{name}`\n\n{_text(getattr(pytest_plugin, name))}" for name in FIXTURES]
    parts += ["## Marker and options", _marker(), _options()]
    for title, module, names in PARTS:
        parts += [f"## {title}", f"`from {module.__name__} import {', '.join(names)}`"]
        parts += [text for name in names for text in _described(name, getattr(module, name))]
    parts += ["## Errors", "Each is a `MockJuneError`; `exit_code` is what a command ends with. `from mock_june.errors import …`"]
    parts.append("\n".join(f"- `{name}`: {_text(error)}".replace("\n\n", "\n\n  ") for name, error in _errors()))
    return "\n\n".join(parts) + "\n"


def _described(name: str, thing: Any) -> Iterable[str]:
    yield f"### `{name}`"
    if callable(thing) and (not inspect.isclass(thing) or name in SHOWN_WHOLE):
        yield f"```text\n{name}{_signature(thing)}\n```"
    yield _text(thing)
    if inspect.isclass(thing) and name in SHOWN_WHOLE:
        for member, value in inspect.getmembers(thing):
            if not member.startswith("_"):
                yield from _member(name, member, value)
    elif inspect.isclass(thing):
        fields = ", ".join(f"`{field}`" for field in getattr(thing, "__annotations__", {}) if not field.startswith("_"))
        if fields:
            yield f"Has {fields}."


def _member(owner: str, name: str, value: Any) -> Iterable[str]:
    if isinstance(value, property):
        yield f"`{owner}.{name}`: {_text(value)}"
    elif callable(value):
        yield f"#### `{owner}.{name}`"
        yield f"```text\n{name}{_signature(value)}\n```"
        yield _text(value)


class _Written(str):
    """An annotation as it is written."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _signature(thing: Callable[..., Any]) -> str:
    """The signature as it is written, without `self`; a parameter a line where it is long."""
    signature = inspect.signature(thing)
    parameters = [
        each.replace(annotation=_written(each.annotation), default=_named(each.default)) for each in signature.parameters.values() if each.name != "self"
    ]
    signature = signature.replace(parameters=parameters, return_annotation=_written(signature.return_annotation))
    text = str(signature)
    if len(text) <= LONGEST or not parameters:
        return text
    # Each parameter alone would show the star that comes before it, but not the one before the next.
    shown = [str(inspect.Signature([each]))[1:-1] for each in parameters]
    named = [index for index, each in enumerate(parameters) if each.kind is each.KEYWORD_ONLY]
    if named and not any(each.kind is each.VAR_POSITIONAL for each in parameters):
        shown.insert(named[0], "*")
    lines = "".join(f"    {each.removeprefix('*, ')},\n" for each in shown)
    return f"(\n{lines}){text[text.rindex(')') + 1 :]}"


def _written(annotation: Any) -> Any:
    return _Written(annotation) if isinstance(annotation, str) else annotation


def _named(default: Any) -> Any:
    """A default; a function by its name, since Python shows where in memory it lies."""
    return _Written(f"{default.__module__}.{default.__qualname__}") if inspect.isroutine(default) else default


def _marker() -> str:
    rows = [f"| `{name}` | {said} |" for name, (_, said) in pytest_plugin.GOOD.items()]
    return "`@pytest.mark." + pytest_plugin.MARKER.replace(": ", "`: ", 1) + ".\n\n" + "\n".join(["| argument | takes |", "|---|---|", *rows])


def _options() -> str:
    """The options and ini settings, as the plugin declares them to pytest."""
    said: list[str] = []

    class Parser:
        """As much of pytest's as is asked of it."""

        def getgroup(self, *_: str) -> Parser:
            """Options are the same in every group."""
            return self

        def addoption(self, name: str, *, help: str, metavar: str = "", **_: Any) -> None:  # noqa: A002 - pytest's name
            """A row for an option."""
            said.append(f"| `{f'{name} {metavar}'.strip()}` | {help} |")

        def addini(self, name: str, help: str, **_: Any) -> None:  # noqa: A002
            """A row for a setting."""
            said.append(f"| `{name}` (ini file) | {help} |")

    pytest_plugin.pytest_addoption(typing.cast("Any", Parser()))
    return "\n".join(["| option | |", "|---|---|", *said])


def _errors() -> list[tuple[str, type]]:
    return [(name, value) for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, errors.MockJuneError)]


def _text(thing: Any) -> str:
    """The docstring, its examples as code: Markdown takes their `>>>` for quotes in quotes in quotes."""
    paragraphs = (inspect.getdoc(thing) or "").split("\n\n")
    return "\n\n".join(f"```pycon\n{each}\n```" if each.startswith(">>>") else each for each in paragraphs)
