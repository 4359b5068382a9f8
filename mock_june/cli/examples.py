"""The examples at the end of each command's help. A test runs them all."""

from __future__ import annotations

import click

EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "serve": (
        ("the fake, on http://127.0.0.1:5863", "mock-june serve"),
        ("one API key alone, and a record that outlasts it", "mock-june serve --key my-key --journal june.journal"),
        ("the first two calls meet a 503, as a busy June would answer", 'mock-june serve --fault \'{"status": 503, "times": 2}\''),
        ("for other containers, which call it mock-june", "mock-june serve --host 0.0.0.0 --open --allow-host mock-june"),
    ),
    "check": (
        ("what June would refuse of an export, and why", "mock-june check export/"),
        ("a table of users, whose ids stand in the column user_id", "mock-june check users.csv --kind identify --map userId=user_id"),
        ("a copy with what can be put right put right", "mock-june check export.jsonl --fix --fixed-to fixed.jsonl"),
        ("doubles, future dates, users never identified", "mock-june check export/ --history"),
        ("a page to hand on", "mock-june check export/ --output-format html --output-file report.html"),
        ("what another program writes", "cat export.jsonl | mock-june check -"),
    ),
    "run": (
        ("a script with api.june.so in it, unchanged; nothing reaches June", "mock-june run -- python backfill.py"),
        ("what it sent, in a file", "mock-june run --export sent.jsonl -- python backfill.py"),
        ("not started where the way past the fake cannot be closed", "mock-june run --require-guard -- node backfill.js"),
    ),
    "verify": (
        ("a running fake, or whatever stands in June's place", "mock-june verify http://127.0.0.1:5863 --key my-key"),
        ("the contract of June's SDKs too", "mock-june verify http://127.0.0.1:5863 --key my-key --sdk"),
        ("for a CI server", "mock-june verify http://127.0.0.1:5863 --key my-key --output-format junit > verify.xml"),
    ),
    "calls": (
        ("what came, and went wrong", "mock-june calls --rejected"),
        ("one user's calls, as they come", "mock-june calls --follow --user-id 42"),
        ("all of each call, for another program", "mock-june calls --output-format jsonl > calls.jsonl"),
    ),
    "rule": (
        ("all rules", "mock-june rule"),
        ("what one says, why June needs it, how to keep it", "mock-june rule track.timestamp.pattern"),
        ("those about ids", "mock-june rule '*.userId.*'"),
    ),
    "schema": (("for another validator", "mock-june schema backfill/track > track.json"),),
    "openapi": (("for a generator of clients", "mock-june openapi > openapi.json"),),
}
"""By command: what a line is for, and the line."""


def add(command: click.Command) -> None:
    """Ends a command's help with its examples."""
    lines = [f"  # {why}\n  {line}" for why, line in EXAMPLES.get(command.name or "", ())]
    if lines:
        # \b keeps click from filling the lines up.
        command.epilog = "\b\nExamples:\n" + "\n".join(lines)
