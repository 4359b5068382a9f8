"""What the commands that start a fake have in common: its keys, its faults, its limit of connections."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from mock_june.errors import UsageError

if TYPE_CHECKING:
    from mock_june.model import Fault


class Whole(click.types.StringParamType):
    """A repeatable text that an environment variable holds as one: JSON has blanks in it."""

    def split_envvar_value(self, rv: str) -> list[str]:
        """The one text; several faults are a JSON array."""
        return [rv]


MOST_CONNECTIONS = 65_536


def allow_connections() -> None:
    """Lets this process have as many connections as the system allows it: shells set out with 1,024 or fewer, and a client beyond them is cut off."""
    try:
        import resource
    except ImportError:  # Windows knows no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS if hard == resource.RLIM_INFINITY else min(hard, MOST_CONNECTIONS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # macOS has another limit besides, and does not name it
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def refuse_bad_keys(keys: Iterable[str]) -> None:
    """Raises UsageError for a `--key` that no client could send."""
    if not all(key and key.isprintable() for key in keys):
        raise UsageError("--key must be printable text, and not empty")


def planned(texts: Sequence[str]) -> list[Fault]:
    """The faults of `--fault`, each one of JSON or a list of them. Raises UsageError."""
    from mock_june import wire
    from mock_june.server.faults import parse

    return [fault for text in texts for fault in parse(wire.loads(text.encode("utf-8", "surrogateescape"), "--fault"), None)]
