"""`mock-june schema`: one schema file, as it is."""

from __future__ import annotations

import click

from mock_june.model import KINDS

NAMES = [*(f"{contract}/{kind}" for contract, kinds in KINDS.items() for kind in kinds), "sdk/batch"]


@click.command()
@click.argument("name", metavar="CONTRACT/KIND", type=click.Choice(NAMES))
def schema(name: str) -> None:
    """Print a JSON Schema file, byte for byte.

    CONTRACT/KIND is backfill/{identify,group,track}, sdk/{identify,group,track,page,screen,alias}, or sdk/batch, the envelope.
    """
    from mock_june.contract import schemas

    click.echo((schemas.folder() / f"{name}.json").read_bytes(), nl=False)
