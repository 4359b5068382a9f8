"""A table's row as the payload that it stands for: a column is a member, dotted names nest, empty cells are absent."""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from mock_june.errors import UsageError

NESTED = ("traits", "properties", "context")
"""The members whose cells may hold JSON text."""

TYPED = ("traits", "properties")
"""Below these a cell of text may be a number or a boolean: elsewhere the contract asks for Strings."""

NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?\Z")
"""What is told to be a number: no leading zeros, which are of codes and telephone numbers, and few enough digits to stay the same."""

WORDS = {"true": True, "false": False, "True": True, "False": False, "TRUE": True, "FALSE": False}


class Columns:
    """Makes payloads of rows with these columns. `mapping` is from member to column; `kind` the `type` where there is no such column.

    Raises UsageError for a mapping to a column that is not there.
    """

    def __init__(self, names: Sequence[str], mapping: Mapping[str, str], kind: str | None = None, *, types: bool = False) -> None:
        for member, column in mapping.items():
            if column not in names:
                raise UsageError(f"--map {member}={column}: there is no such column; there are {', '.join(names)}")
        members = {column: member for member, column in mapping.items()}
        self._paths = [_path(members.get(name, name)) for name in names]
        self._typed = [types and len(path) > 1 and path[0] in TYPED for path in self._paths]
        self._kind = None if ("type",) in self._paths else kind

    def payload(self, cells: Iterable[Any]) -> bytes:
        """The JSON text of a row's payload. A cell that is None or empty text is absent."""
        try:
            return _dumped(self._made(cells))
        except orjson.JSONEncodeError:  # a cell's JSON nests deeper than orjson writes, and no deeper than it reads: its own text is put in
            return self._deep(list(cells))

    def _made(self, cells: Iterable[Any]) -> dict[str, Any]:
        made: dict[str, Any] = {} if self._kind is None else {"type": self._kind}
        for path, typed, cell in zip(self._paths, self._typed, cells, strict=False):
            if cell is None or cell == "":
                continue
            value = _typed(cell) if typed and isinstance(cell, str) else cell
            if len(path) == 1:
                _put(made, path[0], _parsed(cell) if path[0] in NESTED and isinstance(cell, str) else value)
            else:
                _nest(made, path, value)
        return made

    def _deep(self, cells: list[Any]) -> bytes:
        texts: dict[str, str] = {}
        for place, (path, cell) in enumerate(zip(self._paths, cells, strict=False)):
            if len(path) == 1 and path[0] in NESTED and isinstance(cell, str) and isinstance(_parsed(cell), dict | list):
                texts[path[0]] = cell
                cells[place] = None
        made = self._made(cells)
        return _dumped(made | {name: orjson.Fragment(_joined(text, made.get(name))) for name, text in texts.items()})


def _path(name: str) -> tuple[str, ...]:
    """`traits.plan` is within traits; a name with an empty part is a name like any other."""
    parts = tuple(name.split("."))
    return parts if all(parts) else (name,)


def _dumped(made: dict[str, Any]) -> bytes:
    return orjson.dumps(made, default=plain, option=orjson.OPT_NON_STR_KEYS)


def _joined(text: str, more: Any) -> str:
    """The text of a JSON value; if that is an Object, with the members of another one behind its own: of doubled members the last counts."""
    text = text.strip()
    if not isinstance(more, dict) or not text.startswith("{"):
        return text
    head = text[:-1].rstrip()
    return f"{head}{'' if head == '{' else ','}{_dumped(more).decode()[1:]}"


def _put(made: dict[str, Any], name: str, value: Any) -> None:
    there = made.get(name)
    made[name] = {**value, **there} if isinstance(there, dict) and isinstance(value, dict) else value


def _nest(made: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    inner = made
    for name in path[:-1]:
        inner = inner.setdefault(name, {})
        if not isinstance(inner, dict):  # the cell of the whole holds something else, which is what will be said
            return
    inner[path[-1]] = value


def _parsed(text: str) -> Any:
    if text.lstrip()[:1] not in {"{", "["}:
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _typed(text: str) -> Any:
    if text in WORDS:
        return WORDS[text]
    return orjson.loads(text) if NUMBER.match(text) else text


def plain(value: Any) -> Any:
    """What JSON has in place of a value of a richer type. Dates and times orjson writes itself (ISO 8601)."""
    match value:
        case decimal.Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case bytes():
            try:
                return value.decode()
            except UnicodeDecodeError:
                return base64.b64encode(value).decode()
        case dt.timedelta():
            return value.total_seconds()
        case uuid.UUID():
            return str(value)
        case _:
            return str(value)
