"""One thing to send, and what it must be answered: a Case. A Promise is a sentence of the contract with the cases that would show it broken."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING

from .files import PREFIXES, Payload
from .rules import Broken, broken

if TYPE_CHECKING:
    from .server import Answer, Request


class Wants(Enum):
    """What must be answered, as a person says it."""

    ACCEPTED = "200"
    REFUSED = "a refusal (400)"
    UNAUTHORIZED = "401"
    NOT_FOUND = "404"
    NOT_ALLOWED = "405"
    PREFLIGHT = "a preflight's answer (2xx)"


REFUSALS = frozenset({400, 413, 415, 422})
"""Statuses that refuse what was sent, and neither the key nor the path. That it be 400 is a promise of its own."""


@dataclass(frozen=True, slots=True)
class Auth:
    """A way to say who calls: what `Authorization` holds for a key (None: there is none), and the same for a shell in which `$KEY` is the key."""

    value: Callable[[str], str | None]
    shell: str | None


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


PLAIN = Auth(lambda key: f"Basic {key}", "Basic $KEY")
COLON = Auth(lambda key: f"Basic {_base64(f'{key}:')}", "Basic $(printf %s: \"$KEY\" | base64 | tr -d '\\n')")
BARE = Auth(lambda key: f"Basic {_base64(key)}", "Basic $(printf %s \"$KEY\" | base64 | tr -d '\\n')")
NONE = Auth(lambda _: None, None)

SPELLINGS = (PLAIN, COLON, BARE)
"""The three ways to write the same key that June's clients have."""


def compact(payload: Payload) -> bytes:
    """JSON as a program writes it: no blanks, UTF-8 as it is."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One request.

    `payload` is what is sent; without it, a payload of that kind which the server is known to take, with `change` laid over it and `without` left out.
    `render` makes the body's bytes of it. `breaks` are the rules that the payload breaks; none: it is a good one. `auth` None: whichever way the server takes;
    `write_key` makes of the key what the payload's `writeKey` holds. `unless`: a promise which, once broken, leaves this case nothing to say. `shell` is a
    command that writes the body, for one too long to be shown.
    """

    contract: str
    kind: str
    about: str
    wants: Wants = Wants.ACCEPTED
    payload: Payload | None = None
    change: Payload = field(default_factory=dict)
    without: str = ""
    render: Callable[[Payload], bytes] = compact
    breaks: frozenset[str] = frozenset()
    auth: Auth | None = None
    write_key: Callable[[str], str] | None = None
    method: str = "POST"
    elsewhere: str = ""
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
    unless: str = ""
    shell: str = ""

    @property
    def path(self) -> str:
        """Where it goes."""
        return self.elsewhere or f"{PREFIXES[self.contract]}/{self.kind}"


@dataclass(frozen=True)
class Sent:
    """A case that was sent: with which payload, as which request, and what came. `known` are the promises that are known to be broken by now."""

    case: Case
    payload: Payload
    request: Request
    answer: Answer
    known: AbstractSet[str]

    @cached_property
    def broken(self) -> frozenset[Broken]:
        """The rules that the payload breaks, and where."""
        return broken(self.case.contract, self.case.kind, self.payload)


def as_wanted(sent: Sent) -> str | None:
    """What is wrong with the status; None if it is as it must be."""
    status, wants = sent.answer.status, sent.case.wants
    good = {
        Wants.ACCEPTED: 200 <= status < 300,
        Wants.REFUSED: status in REFUSALS,
        Wants.PREFLIGHT: 200 <= status < 300,
    }.get(wants, str(status) == wants.value)
    return None if good else f"wanted {wants.value}, came {sent.answer.shown}"


def refusal_of(contract: str, rule: str) -> str:
    """The id of the promise that what breaks a rule is refused."""
    return f"{contract}.{rule.removeprefix('sdk.')}.refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A sentence of the contract. `quote` is where it is written.

    `check` says what is wrong with the answer to a case, None if nothing is. One that `watches` looks at the answers to all other promises' cases too, as far
    as it `applies` to them. `unless` names promises which, once broken, leave this one nothing new to say; `skip` says why it cannot be tried.
    """

    id: str
    text: str
    quote: str
    cases: tuple[Case, ...]
    check: Callable[[Sent], str | None] = as_wanted
    watches: bool = False
    applies: Callable[[Sent], bool] = lambda _: True
    unless: tuple[str, ...] = ()
    skip: str = ""
