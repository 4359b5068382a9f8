"""`mock-june openapi`: the server's OpenAPI document."""

from __future__ import annotations

import json

import click


@click.command()
def openapi() -> None:
    """Print the server's OpenAPI 3.1 document, as JSON.

    It is what GET /openapi.json of a running fake answers.
    """
    from mock_june.contract import Engine
    from mock_june.server.control.openapi import document

    click.echo(json.dumps(document(Engine()), indent=2, ensure_ascii=False))
