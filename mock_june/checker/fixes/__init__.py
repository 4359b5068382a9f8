"""Corrections of a payload that June would refuse or misread: only where one thing alone can be meant, and with every other byte as it was.

A fix is found by what the contract's own check says, made on the text, and kept only if the check then says less: whatever would break something else is
not done. Nothing in `traits`, `properties` and `context` is ever touched.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import cache, lru_cache
from typing import Any, cast

import orjson

from mock_june.checker.fixes import moments
from mock_june.checker.fixes.splice import Member, added, members, removed, renamed, replaced
from mock_june.contract import Engine, schemas
from mock_june.contract.parser import parse
from mock_june.contract.rules import pointer
from mock_june.contract.unknown import Speller
from mock_june.errors import UsageError
from mock_june.model import KINDS, ContractName, Endpoint, Verdict, Violation

IDS = ("userId", "anonymousId", "groupId", "previousId")
"""Members that name somebody or something: numbers in them are ids written as numbers."""

SUBSTITUTES = {"userId": "anonymousId", "anonymousId": "userId"}
"""Of two ids that stand for each other, the other one."""

INTEGER = re.compile(rb"0|-?[1-9][0-9]*")
"""An id's digits. Not `-0`, `1.0` or `1e3`: nobody knows what their database calls them."""

TYPE = Speller(("type",))

Change = dict[str, Any]
"""One operation of a JSON Patch (RFC 6902)."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """A payload's corrected text; the JSON Patch (RFC 6902) that leads to it, and for each of its operations what it was for."""

    body: bytes
    changes: list[Change]
    reasons: list[str]


@dataclass(frozen=True, slots=True)
class _Step:
    """A change not yet made for good: the text after it, the operations, the reasons."""

    body: bytes
    changes: tuple[Change, ...] = ()
    reasons: tuple[str, ...] = ()

    def then(self, step: _Step) -> _Step:
        """This step and the next one as one."""
        return _Step(step.body, self.changes + step.changes, self.reasons + step.reasons)


class Fixer:
    """Corrects payloads of one contract, sent as `kind` (None: as their own `type` says).

    `unsafe` also does what rests on a guess: a time without a timezone is taken as UTC, or as a time in `assume_tz` (an IANA name); null members and empty
    ids are dropped. `left` counts the reasons why what looked like one of these was not done.

    Raises UsageError for a contract, kind or time zone that is none, and for `assume_tz` without `unsafe`.
    """

    def __init__(self, contract: str, kind: str | None = None, *, unsafe: bool = False, assume_tz: str | None = None) -> None:
        schemas.ask(contract, kind)
        if assume_tz is not None and not unsafe:
            raise UsageError("a time zone to assume is a guess, and guesses are for unsafe fixes: --assume-tz goes with --unsafe-fixes")
        self.contract = cast("ContractName", contract)
        self.kind = kind
        self.unsafe = unsafe
        self.naive = UTC if assume_tz is None else moments.zone(assume_tz)
        self.left: Counter[str] = Counter()
        self._seen: set[str] = set()
        self._engine = _engine()

    def fix(self, body: bytes) -> Fixed | None:
        """The payload corrected, as far as it can be; None where there is nothing to correct, or nothing that may be."""
        payload, refused = parse(body)
        if refused is not None or not isinstance(payload, dict):
            return None
        kind = self.kind or _kind(payload, self.contract)
        if kind is None:
            return None
        self._seen.clear()
        done = _Step(body)
        verdict = self._check(body, kind)
        while better := self._at_once(done.body, kind, verdict) or self._one(done.body, kind, verdict):
            step, verdict = better
            done = done.then(step)
        self.left.update(self._seen)  # once a payload, however often it was looked at
        return Fixed(done.body, list(done.changes), list(done.reasons)) if done.changes else None

    def _check(self, body: bytes, kind: str) -> Verdict:
        return self._engine.check(body, Endpoint(self.contract, kind))

    def _at_once(self, body: bytes, kind: str, verdict: Verdict) -> tuple[_Step, Verdict] | None:
        """The first step for each finding, all taken together, with the verdict on what comes of them: most payloads need no second look."""
        done = _Step(body)
        tried = set()
        for found in _findings(verdict):
            if step := next(self._steps(done.body, kind, members(done.body), found), None):
                done = done.then(step)
                tried.add((found.rule, found.pointer))
        kept = self._kept(done, kind, verdict) if tried else None
        return kept if kept and tried.isdisjoint(_places(_findings(kept[1]))) else None

    def _one(self, body: bytes, kind: str, verdict: Verdict) -> tuple[_Step, Verdict] | None:
        """The first step that makes less wrong than there was, with the verdict on what comes of it."""
        findings = _findings(verdict)
        among = members(body) if findings else []
        steps = (step for found in findings for step in self._steps(body, kind, among, found))
        return next((kept for step in steps if (kept := self._kept(step, kind, verdict))), None)

    def _kept(self, step: _Step, kind: str, before: Verdict) -> tuple[_Step, Verdict] | None:
        after = self._check(step.body, kind)
        return (step, after) if _better(before, after) else None

    def _steps(self, body: bytes, kind: str, among: list[Member], found: Violation) -> Iterator[_Step]:
        """What might be done about a finding: itself, or itself and what it brings to light."""
        field, _, keyword = found.rule.removeprefix("sdk.").removeprefix(f"{kind}.").rpartition(".")
        if keyword == "unknown":
            yield from self._rename(body, kind, among, found.pointer, field)
        elif keyword == "required" and field == "type":
            if any(member.name == "type" or TYPE.meant(member.name) for member in among):
                return  # a misspelt one says something else, or has just been put right
            yield _Step(added(body, among, "type", kind), ({"op": "add", "path": "/type", "value": kind},), (f"type: missing, and this is {_a(kind)}",))
        else:
            member = _only(among, field)
            if member is not None:
                yield from self._revalue(body, kind, among, member)

    def _rename(self, body: bytes, kind: str, among: list[Member], where: str, meant: str) -> Iterator[_Step]:
        """A misspelt member under its right name, where that is free and no other slip lays claim to it; with a value that is right there."""
        slips = [member for member in among if pointer((member.name,)) == where]
        rivals = [member for member in among if self._speller(kind).meant(member.name) == meant]
        if len(slips) != 1 or len(rivals) != 1 or any(member.name == meant for member in among):
            return
        text = renamed(body, slips[0], meant)
        step = _Step(text, ({"op": "move", "from": where, "path": pointer((meant,))},), (f"{meant}: was misspelt",))
        after = members(text)
        member = _only(after, meant)
        if member is not None:
            for more in self._revalue(text, kind, after, member):
                yield step.then(more)
        yield step

    def _revalue(self, body: bytes, kind: str, among: list[Member], member: Member) -> Iterator[_Step]:
        """A member with another value, or without it."""
        raw = member.value(body)
        value = orjson.loads(raw)
        path = pointer((member.name,))
        for better, reason in self._values(member.name, kind, raw, value):
            yield _Step(replaced(body, member, better), ({"op": "replace", "path": path, "value": better},), (f"{member.name}: {reason}",))
        if self.unsafe and (value is None or (value == "" and self._excused(body, among, member.name))):
            reason = "null, dropped" if value is None else "empty, dropped"
            yield _Step(removed(body, among, member), ({"op": "remove", "path": path},), (f"{member.name}: {reason}",))

    def _values(self, name: str, kind: str, raw: bytes, value: Any) -> Iterator[tuple[str, str]]:
        if name == "type":
            if isinstance(value, str) and value != kind and _lower(value) == kind:
                yield kind, "was not in lower case"
            elif value is None and self.unsafe:
                yield kind, f"null, and this is {_a(kind)}"
        elif name == "timestamp":
            yield from self._times(raw, value)
        elif name in IDS and INTEGER.fullmatch(raw):
            yield raw.decode(), "a number made a String"

    def _times(self, raw: bytes, value: Any) -> Iterator[tuple[str, str]]:
        if isinstance(value, str):
            moment = moments.of_text(value, any_offset=self.contract == "sdk", naive=self.naive)
        else:
            moment = moments.of_number(raw.decode()) if isinstance(value, int | float) else None
        if moment is None or not (moment.safe or self.unsafe):
            return
        if moment.text is None:
            self._seen.add(f"timestamp: {moment.what}")
        elif moment.text != value:
            yield moment.text, moment.what

    def _excused(self, body: bytes, among: Sequence[Member], name: str) -> bool:
        """Whether the id that stands for this one is there."""
        other = _only(among, SUBSTITUTES.get(name, ""))
        value = orjson.loads(other.value(body)) if other else None
        return isinstance(value, str) and bool(value)

    def _speller(self, kind: str) -> Speller:
        return _speller(self.contract, kind)


def _better(before: Verdict, after: Verdict) -> bool:
    """Whether less is wrong, and nothing that was not: among violations, or, with the same violations, among misspelt members."""
    was, now = _places(before.violations), _places(after.violations)
    if was != now:
        return now < was
    return _places(_slips(after)) < _places(_slips(before))


def _findings(verdict: Verdict) -> Sequence[Violation]:
    """What might be fixed: names first, since a value is looked at under its right name alone."""
    return (*_slips(verdict), *verdict.violations)


def _slips(verdict: Verdict) -> list[Violation]:
    return [warning for warning in verdict.warnings if warning.rule.endswith(".unknown")]


def _places(found: Sequence[Violation]) -> set[tuple[str, str]]:
    return {(each.rule, each.pointer) for each in found}


def _kind(payload: dict[str, Any], contract: str) -> str | None:
    """The kind that a payload says of itself, be it in capitals or under a misspelt `type`."""
    said = [payload["type"]] if "type" in payload else [value for name, value in payload.items() if TYPE.meant(name)]
    kind = _lower(said[0]) if len(said) == 1 else None
    return kind if kind in KINDS[contract] else None


def _lower(value: object) -> str | None:
    return value.lower() if isinstance(value, str) and value.isascii() else None


def _only(among: Sequence[Member], name: str) -> Member | None:
    """The member of a name; None where there is none, or more than one: of doubled ones readers take the first or the last."""
    named = [member for member in among if member.name == name]
    return named[0] if len(named) == 1 else None


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


@lru_cache(maxsize=1)
def _engine() -> Engine:
    """Every rule counts, whatever the report leaves out: a fix must not break what nobody looks at."""
    return Engine()


@cache
def _speller(contract: str, kind: str) -> Speller:
    schema = schemas.load(contract, kind)
    return Speller(schema["properties"], schema.get("x-known", ()))
