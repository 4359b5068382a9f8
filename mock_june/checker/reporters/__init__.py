"""The output formats of `check`. A new one is a class in a file here, and its line in REPORTERS."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from mock_june.checker.reporters.base import Reporter, Style

__all__ = ["REPORTERS", "Reporter", "Style", "reporter"]

REPORTERS = {
    "text": "text:TextReporter",
    "concise": "text:ConciseReporter",
    "json": "documents:JsonReporter",
    "jsonl": "documents:LinesReporter",
    "github": "github:GithubReporter",
    "junit": "junit:JunitReporter",
    "sarif": "sarif:SarifReporter",
    "markdown": "markdown:MarkdownReporter",
    "html": "html:HtmlReporter",
}
"""Module and class of each format by its name: the choices of `--output-format`. Imported when asked for: nobody pays for a format but its own user."""


def reporter(name: str) -> type[Reporter]:
    """The class of a format."""
    module, _, attribute = REPORTERS[name].partition(":")
    return cast("type[Reporter]", getattr(import_module(f"{__name__}.{module}"), attribute))
