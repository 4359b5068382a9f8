"""The questions of the control API: query strings read strictly. What is not understood is refused by name, never passed over."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from mock_june.errors import ForbiddenError, UsageError
from mock_june.model import KINDS, Filter
from mock_june.text import cut, printable

LAST_ID = 2**63 - 1
"""The largest id that SQLite has."""

BILLION = 10**9
LONGEST_WAIT = 60
LONGEST_GLOB = 200
MOST_STARS = 10
"""A glob of many stars takes time that grows with the power of their number (threat R4)."""

LONGEST_TEXT = 4000
FORMATS = ("jsonl", "har")
NUMBER = re.compile(r"[0-9]{1,19}(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,3})?\Z", re.ASCII)
"""A number as JSON has it, of no more digits than anybody means."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of calls, events or entries. `after` None: from now on (a stream only). `wait` in seconds; `count` None: whatever is there.

    `upto` and `skip` say where a list that is read from its newest end begins.
    """

    where: Filter
    after: int | None = 0
    limit: int = 100
    count: int | None = None
    wait: float = 0.0
    format: str = "jsonl"
    form: str = "calls"
    upto: int = LAST_ID
    skip: int = 0


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: how it is read, and what `/openapi.json` says of it. `field` is the name in Question or Filter."""

    name: str
    field: str
    read: Callable[[str, str], Any]
    schema: dict[str, Any]
    meaning: str


def _bad(name: str, good: str, value: str) -> UsageError:
    return UsageError(f"`{name}` must be {good}, not `{printable(cut(value, 60))}`")


def whole(name: str, value: str, least: int, most: int) -> int:
    """A whole number in ASCII digits, within bounds."""
    if not (value.isascii() and value.isdecimal() and len(value) <= 19 and least <= int(value) <= most):
        raise _bad(name, f"a whole number from {least} to {most}", value)
    return int(value)


def _whole(least: int, most: int) -> Callable[[str, str], int]:
    return lambda name, value: whole(name, value, least, most)


def _seconds(name: str, value: str) -> float:
    if not NUMBER.match(value) or float(value) > LONGEST_WAIT:
        raise _bad(name, f"seconds from 0 to {LONGEST_WAIT}", value)
    return float(value)


def _one_of(*good: str) -> Callable[[str, str], str]:
    def read(name: str, value: str) -> str:
        if value not in good:
            raise _bad(name, " or ".join(good) if len(good) < 3 else f"one of {', '.join(good)}", value)
        return value

    return read


def _truth(name: str, value: str) -> bool:
    return _one_of("true", "false")(name, value) == "true"


def _glob(name: str, value: str) -> str:
    if not value or len(value) > LONGEST_GLOB or value.count("*") > MOST_STARS:
        raise _bad(name, f"a glob of 1 to {LONGEST_GLOB} characters with at most {MOST_STARS} `*`", value)
    return value


def _text(name: str, value: str) -> str:
    if len(value) > LONGEST_TEXT:
        raise _bad(name, f"at most {LONGEST_TEXT} characters", value)
    return value


TEXT = {"type": "string", "maxLength": LONGEST_TEXT}
GLOB = {"type": "string", "minLength": 1, "maxLength": LONGEST_GLOB, "pattern": rf"^[^*]*(?:\*[^*]*){{0,{MOST_STARS}}}$"}

WORKSPACE = Parameter("workspace", "workspace", _text, TEXT, "A workspace by its name, as calls have it; under a key it can only be the key's own.")
FILTERS = (
    Parameter("kind", "kind", _one_of(*KINDS["sdk"]), {"enum": list(KINDS["sdk"])}, "The kind of an event."),
    Parameter("accepted", "accepted", _truth, {"type": "boolean"}, "Whether the call was accepted."),
    Parameter("rule", "rule", _glob, GLOB, "A glob over the ids of the rules that were broken or warned of, such as `*.email.required`."),
    Parameter("userId", "user_id", _text, TEXT, "The payload's `userId`."),
    Parameter("anonymousId", "anonymous_id", _text, TEXT, "The payload's `anonymousId`."),
    Parameter("groupId", "group_id", _text, TEXT, "The payload's `groupId`."),
    Parameter("event", "event", _text, TEXT, "The event name of a track."),
    Parameter("path", "path", _glob, GLOB, "A glob over the call's path, without its query."),
    WORKSPACE,
)
AFTER = Parameter("after", "after", _whole(0, LAST_ID), {"type": "integer", "minimum": 0, "maximum": LAST_ID}, "A cursor: only what has a greater id.")
LIMIT = Parameter("limit", "limit", _whole(1, 1000), {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}, "How many at most.")
COUNT = Parameter(
    "count",
    "count",
    _whole(1, BILLION),
    {"type": "integer", "minimum": 1, "maximum": BILLION},
    "Adds `complete`: whether that many match. With `wait`, the answer is held until they do.",
)
WAIT = Parameter(
    "wait",
    "wait",
    _seconds,
    {"type": "number", "minimum": 0, "maximum": LONGEST_WAIT},
    "Seconds that the answer may be held until `count` match (1 where it is not given).",
)
FORMAT = Parameter(
    "format",
    "format",
    _one_of(*FORMATS),
    {"enum": list(FORMATS), "default": "jsonl"},
    "`jsonl`: each event's payload on a line, as it came; `har`: the calls as HAR 1.2.",
)

UPTO = Parameter(
    "upto", "upto", _whole(0, LAST_ID), AFTER.schema, "Only what has come by the call of this id: the list below it stays as it is while calls come."
)
SKIP = Parameter(
    "skip", "skip", _whole(0, BILLION), {"type": "integer", "minimum": 0, "maximum": BILLION, "default": 0}, "How many of the newest to pass over."
)
FORMS = ("calls", "counts")
FORM = Parameter(
    "form",
    "form",
    _one_of(*FORMS),
    {"enum": list(FORMS), "default": "calls"},
    "`calls`: each call whole; `counts`: now and then, how many entries have come.",
)
EXTENTS = ("whole", "brief")
EXTENT = Parameter(
    "form", "form", _one_of(*EXTENTS), {"enum": list(EXTENTS), "default": "whole"}, "`brief`: without body, events and payload, but with their sizes."
)

LISTING = (*FILTERS, AFTER, LIMIT, COUNT, WAIT)
ENTRIES = (*FILTERS, UPTO, SKIP, LIMIT)
STREAM = (*FILTERS, AFTER, FORM)
EXPORT = (*FILTERS, AFTER, FORMAT)

_FILTER_FIELDS = frozenset(parameter.field for parameter in FILTERS)


def listing(query: str, workspace: str | None) -> Question:
    """The question of `GET /_mock/calls` and `/_mock/events`. Raises UsageError, as do all here."""
    said = _read(query, LISTING)
    if "wait" in said:
        said.setdefault("count", 1)
    return _question(said, workspace)


def stream(query: str, last_event_id: str, workspace: str | None) -> Question:
    """The question of `GET /_mock/stream`. `Last-Event-ID`, which a browser sends when it comes back, outranks `after`."""
    said = _read(query, STREAM)
    said.setdefault("after", None)
    if last_event_id:
        said["after"] = whole("Last-Event-ID", last_event_id, 0, LAST_ID)
    return _question(said, workspace)


def export(query: str, workspace: str | None) -> Question:
    """The question of `GET /_mock/export`."""
    return _question(_read(query, EXPORT), workspace)


def entries(query: str, workspace: str | None) -> Question:
    """The question of `GET /_mock/entries`."""
    return _question(_read(query, ENTRIES), workspace)


def stats(query: str, workspace: str | None) -> Question:
    """The question of `GET /_mock/stats`."""
    return _question(_read(query, FILTERS), workspace)


def scope(query: str, workspace: str | None) -> str | None:
    """The workspace that a request is about, where it may name one: by its key, or by the parameter."""
    return _question(_read(query, (WORKSPACE,)), workspace).where.workspace


def form(query: str) -> str:
    """How much of a call is asked for."""
    return str(_read(query, (EXTENT,)).get("form", "whole"))


def nothing(query: str) -> None:
    """Where no parameter is taken, none may be given."""
    _read(query, ())


def _question(said: dict[str, Any], workspace: str | None) -> Question:
    where = {name: said.pop(name) for name in _FILTER_FIELDS & said.keys()}
    if workspace is not None and where.setdefault("workspace", workspace) != workspace:
        raise ForbiddenError("the Authorization header's key has another workspace than `workspace` names; give one of the two")
    return Question(Filter(**where), **said)


def _read(query: str, taken: Collection[Parameter]) -> dict[str, Any]:
    by_name = {parameter.name: parameter for parameter in taken}
    said: dict[str, Any] = {}
    for name, value in _pairs(query):
        if name not in by_name:
            raise UsageError(_unknown(name, by_name))
        parameter = by_name[name]
        if parameter.field in said:
            raise UsageError(f"`{name}` is given twice; give it once")
        said[parameter.field] = parameter.read(name, value)
    return said


def _pairs(query: str) -> list[tuple[str, str]]:
    if not query:
        return []
    try:
        return parse_qsl(query, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=50)
    except ValueError:
        raise UsageError("the query is not made of at most 50 `name=value`, joined by `&`, with UTF-8 percent-encoded") from None


def _unknown(name: str, good: Collection[str]) -> str:
    shown = printable(cut(name, 60))
    close = difflib.get_close_matches(name[:60], good, 1)
    if close:
        return f"there is no parameter `{shown}`; did you mean `{close[0]}`?"
    return f"there is no parameter `{shown}`; " + (f"taken are {', '.join(good)}" if good else "none is taken here")
