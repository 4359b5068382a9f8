"""Changes to the members of a JSON Object within its text: every byte that need not change stays as it is."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from mock_june.contract.spans import BETWEEN, TOKEN, VALUE


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an Object: where its name (with its quotes) and its value start and stop in the text, in bytes; `name` is the name without escapes."""

    name: str
    start: int
    name_stop: int
    value_start: int
    stop: int

    def value(self, text: bytes) -> bytes:
        """The JSON text of its value, as it stands."""
        return text[self.value_start : self.stop]


def members(text: bytes) -> list[Member]:
    """The members of an Object, in the order of its text, doubled ones too. `text` is JSON of an Object: whoever calls has parsed it."""
    found: list[Member] = []
    at = text.index(b"{") + 1
    while (name := VALUE.match(text, at)) is not None:
        value = _value(text, name.end())
        found.append(Member(orjson.loads(name[1]), *name.span(1), *value))
        at = value[1]
    return found


def _value(text: bytes, at: int) -> tuple[int, int]:
    """Start and stop of the value that comes after `at`, however deep it nests."""
    if found := VALUE.match(text, at):
        return found.span(1)
    between = BETWEEN.match(text, at)
    start = between.end() if between else at
    depth = 0
    for token in TOKEN.finditer(text, start):
        if token[0] in {b"[", b"{"}:
            depth += 1
        elif token[0] in {b"]", b"}"}:
            depth -= 1
            if not depth:
                return start, token.end()
    raise ValueError("the text is no JSON of an Object")


def replaced(text: bytes, member: Member, value: object) -> bytes:
    """The text with another value of a member."""
    return text[: member.value_start] + orjson.dumps(value) + text[member.stop :]


def renamed(text: bytes, member: Member, name: str) -> bytes:
    """The text with another name of a member."""
    return text[: member.start] + orjson.dumps(name) + text[member.name_stop :]


def removed(text: bytes, among: list[Member], member: Member) -> bytes:
    """The text without a member of `among`, its members, and without one comma where there are others."""
    at = among.index(member)
    if at + 1 < len(among):
        return text[: member.start] + text[among[at + 1].start :]
    return text[: among[at - 1].stop if at else member.start] + text[member.stop :]


def added(text: bytes, among: list[Member], name: str, value: object) -> bytes:
    """The text with one more member, before all others."""
    at = among[0].start if among else text.index(b"{") + 1
    comma = b", " if among else b""
    return text[:at] + orjson.dumps(name) + b": " + orjson.dumps(value) + comma + text[at:]
