"""The schema files: where they are, and how one is read. They are the only place where a rule is written."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from mock_june.errors import SchemaError, UsageError
from mock_june.model import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable

ENVELOPE = "batch"
"""What `sdk/batch.json` is of: the envelope of many events, which is no kind."""


def folder() -> Path:
    """The folder of the schema files: inside the package when it is installed from a wheel, at the root in a checkout."""
    package = Path(__file__).parent.parent
    installed = package / "schemas"
    return installed if installed.is_dir() else package.parent / "schemas"


def ask(contract: str, kind: str | None = None) -> None:
    """Raises UsageError, with what was meant, unless there is such a contract and, where one is given, it has such a kind."""
    if contract not in KINDS:
        raise UsageError(f"{contract!r} is no contract: {meant(contract, KINDS)}")
    if kind is not None and kind not in KINDS[contract]:
        raise UsageError(f"{kind!r} is no kind of the {contract} contract: {meant(kind, KINDS[contract])}")


def names(contract: str) -> tuple[str, ...]:
    """The schemas of a contract: its kinds, and the envelope where it has one. Raises UsageError for a contract that is none."""
    ask(contract)
    return (*KINDS[contract], ENVELOPE) if contract == "sdk" else KINDS[contract]


def load(contract: str, kind: str) -> dict[str, Any]:
    """One schema file, parsed. `kind` is a kind of the contract or, of sdk, `batch`.

    Raises UsageError for a contract or kind that is none, SchemaError for a file that is missing or is no JSON Object.
    """
    if kind not in names(contract):
        ask(contract, kind)
    path = folder() / contract / f"{kind}.json"
    try:
        schema = orjson.loads(path.read_bytes())
    except OSError as error:
        raise SchemaError(f"the schema file {path} cannot be read: {error.strerror}; install mock-june again", str(path)) from None
    except orjson.JSONDecodeError as error:
        raise SchemaError(f"the schema file {path} is no JSON: {error}", str(path)) from None
    if not isinstance(schema, dict):
        raise SchemaError(f"the schema file {path} holds no JSON Object", str(path))
    return schema


def texts() -> list[dict[str, str]]:
    """The entries of `rules.toml`, in the file's order: `match`, a glob over rule ids, and the texts for the rules that it matches.

    Raises SchemaError for a file that is missing or is no TOML.
    """
    import tomllib  # noqa: PLC0415 - a check needs no texts, and starts without them

    path = folder() / "rules.toml"
    try:
        entries = tomllib.loads(path.read_text("utf-8"))["rule"]
    except OSError as error:
        raise SchemaError(f"the rules' texts {path} cannot be read: {error.strerror}; install mock-june again", str(path)) from None
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise SchemaError(f"the rules' texts {path} are no TOML with [[rule]] entries: {error}", str(path)) from None
    return list(entries)


def meant(name: str, good: Iterable[str], otherwise: str = "") -> str:
    """What an error says after a name that is none: "did you mean 'track'?", or else which names there are, or `otherwise`."""
    names = list(good)
    close = get_close_matches(name, names, 1)
    return f"did you mean {close[0]!r}?" if close else otherwise or f"there are {', '.join(names)}"
