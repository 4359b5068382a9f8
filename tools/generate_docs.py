"""Write the generated pages of docs/reference/; with --check, say which are not current and write nothing."""

from __future__ import annotations

import json
import sys
from itertools import groupby
from pathlib import Path

import click

from mock_june.cli import main
from mock_june.cli.rule import group_name
from mock_june.contract import Engine
from mock_june.model import Rule
from mock_june.server.control.openapi import document
from tools import control_api, python_api

REFERENCE = Path(__file__).parent.parent / "docs" / "reference"
MADE_BY = "<!-- Made by `make generate`; do not edit. -->"
WIDTH = 100


def rules_page() -> str:
    """The whole catalogue of rules."""
    parts = [
        f"# Rules\n\n{MADE_BY}\n\nEvery rule that mock-june holds a payload to, and every smell that it warns about. A warning never changes an answer.",
        "Ids are what `--select` and `--ignore` take, also as globs such as `*.email.required`. `mock-june rule ID` prints the same in a terminal.",
    ]
    groups = [(f"{name[0].upper()}{name[1:]}", list(rules)) for name, rules in groupby(Engine().catalogue, group_name)]
    for name, rules in groups:
        rows = [f"| [`{rule.id}`](#{rule.id.replace('.', '').lower()}) | {rule.severity} | {rule.meaning} |" for rule in rules]
        parts.append("\n".join([f"**{name}**\n", "| rule | severity | meaning |", "|---|---|---|", *rows]))
    for name, rules in groups:
        parts.append(f"## {name}")
        parts += map(rule_section, rules)
    return "\n\n".join(parts) + "\n"


def rule_section(rule: Rule) -> str:
    """All that is known of one rule."""
    parts = [f"### `{rule.id}`", f"{'Warning: ' if rule.severity == 'warning' else ''}{rule.meaning}", rule.why]
    parts += [
        f"{title}:\n\n```{language}\n{code.strip()}\n```"
        for title, language, code in (
            ("Wrong", "json", rule.wrong),
            ("Right", "json", rule.right),
            ("In Python", "python", rule.python),
            ("In Node", "js", rule.node),
        )
        if code
    ]
    if rule.hint:
        parts.append(f"Hint: {rule.hint}")
    return "\n\n".join(part.strip() for part in parts if part)


def cli_page() -> str:
    """The help of each command, as it prints it."""
    group = click.Context(main.commands, info_name=main.PROGRAM, terminal_width=WIDTH, help_option_names=["-h", "--help"])
    parts = [f"# Command line\n\n{MADE_BY}", f"```\n{main.commands.get_help(group)}\n```"]
    for name in main.COMMANDS:
        command = main.commands.get_command(group, name)
        if command is not None:
            context = click.Context(command, parent=group, info_name=name)
            parts.append(f"## {main.PROGRAM} {name}\n\n```\n{command.get_help(context)}\n```")
    return "\n\n".join(parts) + "\n"


def openapi_document() -> str:
    """What GET /openapi.json answers."""
    return json.dumps(document(Engine()), indent=2, ensure_ascii=False) + "\n"


def control_page() -> str:
    """The routes, out of the OpenAPI document."""
    return f"# Control API\n\n{MADE_BY}\n\n{control_api.page(document(Engine()))}"


def plugin_page() -> str:
    """What tests import and ask for."""
    return f"# Plugin and Python API\n\n{MADE_BY}\n\n{python_api.page()}"


PAGES = {"rules.md": rules_page, "cli.md": cli_page, "openapi.json": openapi_document, "control-api.md": control_page, "plugin.md": plugin_page}


def run(*, check: bool) -> int:
    """The exit code: 1 when a page was not current and only a check was asked for."""
    stale = []
    for name, make in PAGES.items():
        path, text = REFERENCE / name, make()
        if not path.exists() or path.read_text("utf-8") != text:
            stale.append(name)
            if not check:
                path.write_text(text, "utf-8")
    for name in stale:
        print(f"docs/reference/{name} is not current: run `make generate`" if check else f"wrote docs/reference/{name}")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(run(check="--check" in sys.argv[1:]))
