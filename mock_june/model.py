"""The values that every part of mock-june speaks in. Frozen; built by mock-june alone; no behaviour beyond what follows from their own fields.

The words are those of docs/: a *contract* is a named set of schemas, a *kind* what a payload is, an *event* one payload of a kind, a *call* one HTTP
request with its answer, a *violation* a broken rule, a *verdict* what one body's violations and warnings are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

ContractName = Literal["backfill", "sdk"]
Severity = Literal["error", "warning"]
Shape = Literal["event", "batch", "counters"]
Drop = Literal["reset", "close", "truncate"]
When = Literal["before", "after"]

PORT = 5863
"""Where a fake listens unless it is told otherwise. It spells JUNE on a telephone's keys."""

KINDS: dict[str, tuple[str, ...]] = {
    "backfill": ("identify", "group", "track"),
    "sdk": ("identify", "group", "track", "page", "screen", "alias"),
}
"""The kinds of each contract. A batch is an envelope, not a kind."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken rule in one event; a *warning* is the same value with `severity` `"warning"`.

    `pointer` is a JSON Pointer (RFC 6901) and names a missing member too; `instance_location` and `keyword_location` are JSON Schema's own
    (2020-12 core, section 12.3), so `instance_location` of a missing member is its parent.
    """

    rule: str
    pointer: str
    message: str
    hint: str
    severity: Severity = "error"
    instance_location: str = ""
    keyword_location: str = ""

    def below(self, prefix: str) -> Violation:
        """The same violation seen from an envelope in which the event stands at `prefix` (a JSON Pointer)."""
        # Not `replace`, which is four times as slow: a batch may hold 50,000 wrong events.
        return Violation(self.rule, prefix + self.pointer, self.message, self.hint, self.severity, prefix + self.instance_location, self.keyword_location)


@dataclass(frozen=True, slots=True)
class Checked:
    """One event of a checked body: pointers are relative to its own payload; `start` and `stop` are where it stands in the body, in bytes."""

    kind: str
    payload: dict[str, Any]
    start: int
    stop: int
    violations: tuple[Violation, ...] = ()
    warnings: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one body's check found. Pointers of `violations` and `warnings` are from the body's root (`/batch/3/userId`)."""

    contract: ContractName
    events: tuple[Checked, ...] = ()
    violations: tuple[Violation, ...] = ()
    warnings: tuple[Violation, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether June would take the body: there are no violations. Warnings never count."""
        return not self.violations


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What a body is held to: a contract, and the kind, where the place it came to says it (`None`: the payload's own `type` does)."""

    contract: ContractName
    kind: str | None = None
    shape: Shape = "event"


class ApiKey:
    """An API key. Its `repr` and `str` are masked; `value` is the key itself and is for comparing only."""

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        self.value = value

    @property
    def masked(self) -> str:
        """The first four characters and an ellipsis; of a key shorter than twelve, the ellipsis alone."""
        return (self.value[:4] if len(self.value) >= 12 else "") + "…"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ApiKey) and other.value == self.value

    def __hash__(self) -> int:
        return hash(("ApiKey", self.value))

    def __repr__(self) -> str:
        return f"ApiKey({self.masked})"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class Fault:
    """A planned misbehaviour. Either `status`, `delay` and `drop` in any combination, or `rate` in `per` seconds.

    `delay` and `per` are seconds, `retry_after` whole seconds. `times` is how often it strikes (None: until reset), `after` how many matching calls pass first
    (one that an earlier fault strikes does not).
    `when` "before": as if the server had failed first, the call is not accepted; "after": the call is accepted and only its answer is spoilt.
    `workspace` None: it strikes in every workspace. `struck` counts how often it has struck.
    """

    id: int = 0
    workspace: str | None = None
    status: int | None = None
    delay: float | None = None
    drop: Drop | None = None
    retry_after: int | None = None
    rate: int | None = None
    per: float = 1.0
    times: int | None = 1
    probability: float = 1.0
    seed: int | None = None
    kind: str | None = None
    path: str | None = None
    after: int = 0
    when: When = "before"
    struck: int = 0


class Raw(bytes):
    """JSON text as it came, valid and never parsed and dumped again. `wire` writes it as it stands."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Event:
    """One payload of a kind, as the journal has it. `accepted` is its call's. `payload` is the parsed JSON; straight out of the journal a `Raw`.

    `at` is UTC, RFC 3339 with milliseconds. Pointers of the violations are relative to the payload. `span` is where the payload stands in its call's body,
    `(start, stop)` in bytes; None where nobody said so, which to the journal is the whole body.
    """

    id: int
    call: int
    at: str
    workspace: str | None
    contract: str
    kind: str
    accepted: bool
    payload: Any
    violations: tuple[Violation, ...] = ()
    warnings: tuple[Violation, ...] = ()
    span: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request as it came (keys masked), with its answer. `id` grows and is never used twice; 0 is a call not yet recorded.

    `body` is what came, after inflating; `answer` the JSON of the refusal that was answered, empty for a success; `duration_ms` from the whole body
    read to the answer made.
    `violations` are from the body's root and at most 100; `violations_total` counts all. A call answered 401 has no workspace (None).
    """

    id: int
    at: str
    workspace: str | None
    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    status: int
    code: str | None
    accepted: bool
    fault: Fault | None = None
    violations: tuple[Violation, ...] = ()
    violations_total: int = 0
    answer: bytes = b""
    duration_ms: float = 0.0
    events: tuple[Event, ...] = ()

    @property
    def refused_as_planned(self) -> bool:
        """Whether a planned fault refused it: then nothing is wrong with what was sent, and a test or a run does not count it as rejected."""
        return self.code in {"fault", "rate_limited"} and self.fault is not None


@dataclass(frozen=True, slots=True)
class Filter:
    """What calls or events are asked for; None is "any". All that is given must hold.

    `rule` is a glob over the rule ids of violations and warnings; `path` is a glob over the path without its query. Of calls, `kind`, `rule` and the ids
    ask whether one of its events (for `rule`: or the call itself) is such.
    """

    workspace: str | None = None
    kind: str | None = None
    accepted: bool | None = None
    rule: str | None = None
    user_id: str | None = None
    anonymous_id: str | None = None
    group_id: str | None = None
    event: str | None = None
    path: str | None = None


class Totals(NamedTuple):
    """Counts over a whole journal or one workspace. `discarded` is how many old calls went to keep to the limit (whole journal only)."""

    calls: int = 0
    events: int = 0
    rejected: int = 0
    discarded: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of the catalogue of rules.

    `meaning` is one line. `why`, `python` and `node` are texts; `wrong` and `right` JSON texts of a payload. `contract` is None for the rules before
    there is a payload.
    """

    id: str
    severity: Severity
    meaning: str
    contract: str | None = None
    kind: str | None = None
    field: str | None = None
    keyword: str = ""
    hint: str = ""
    why: str = ""
    wrong: str = ""
    right: str = ""
    python: str = ""
    node: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the record as a list: an event, or a call without events (then `event`, `contract` and `kind` are None); without body, headers or answer.

    `place` is where the event stands among the `of` events of its call, from 1. `glance` holds those of the payload's own `userId`, `anonymousId`, `groupId`,
    `event`, `name` and `timestamp` that are there and are no Object or array, cut where long. `violations` and `warnings` count
    the event's own, of a call without events the call's; `finding` is the first of them.
    """

    call: int
    event: int | None
    at: str
    workspace: str | None
    method: str
    path: str
    status: int
    code: str | None
    accepted: bool
    fault: Fault | None
    duration_ms: float
    contract: str | None
    kind: str | None
    place: int
    of: int
    glance: dict[str, Any]
    finding: Violation | None
    violations: int
    warnings: int


class Times(NamedTuple):
    """Entries over time, of the last hour at most: stretches of `step` seconds, and how many were accepted and rejected in each.

    `start` is when the first stretch begins, UTC, RFC 3339.
    """

    start: str
    step: int
    accepted: tuple[int, ...]
    rejected: tuple[int, ...]


class Overview(NamedTuple):
    """Counts of what holds a filter. Pairs are how many were accepted and how many rejected.

    `last` is the newest call, whatever the filter, on record still or not.
    """

    last: int
    entries: int
    calls: tuple[int, int]
    events: tuple[int, int]
    kinds: dict[str, tuple[int, int]]
    rules: dict[str, int]
    times: Times | None


class WorkspaceTotals(NamedTuple):
    """Counts of one workspace, and when its newest call came."""

    workspace: str
    calls: int
    events: int
    rejected: int
    last_at: str
