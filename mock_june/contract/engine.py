"""The one entry: bytes in, events with their violations out. No I/O after loading, no clock, no globals."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from mock_june.contract import rules, schemas
from mock_june.contract.judge import Judge
from mock_june.contract.look import Look
from mock_june.contract.parser import HINTS, no_object, parse, span
from mock_june.contract.spans import messages
from mock_june.contract.values import described
from mock_june.errors import UsageError
from mock_june.model import KINDS, Checked, Verdict, Violation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mock_june.model import ContractName, Endpoint, Rule

FRAME = "frame"
"""The envelope without a look at what is in it."""


class Engine:
    """Says whether payloads keep the contracts.

    `select` and `ignore` are rule ids or globs over them: only what is selected (without any: all) and not ignored is reported, and what is not reported
    refuses nothing. A body, envelope or message that cannot be read is reported without being selected, else nothing could be said of it. Patterns may match
    the rules across events (`rules.HISTORY_RULES`) and `extra`, ids of rules that are others' to apply as those are.

    Raises UsageError for a pattern that matches no rule, SchemaError for schema files that are missing or broken. May be used by many threads.
    """

    def __init__(self, select: Sequence[str] = (), ignore: Sequence[str] = (), *, extra: Sequence[str] = ()) -> None:
        self._schemas = {(contract, kind): schemas.load(contract, kind) for contract in KINDS for kind in schemas.names(contract)}
        self._asked = {(contract, kind): rules.constraints(contract, kind, schema) for (contract, kind), schema in self._schemas.items()}
        self._extra = tuple(dict.fromkeys((*rules.HISTORY_RULES, *extra)))
        derived = [constraint.rule for asked in self._asked.values() for constraint in asked]
        frame = [constraint.rule for constraint in self._asked["sdk", schemas.ENVELOPE] if constraint.severity == "error"]
        self.in_force: frozenset[str] = rules.in_force((*HINTS, *derived, *self._extra), frozenset((*HINTS, *frame)), select, ignore)
        """The ids of the rules that are reported."""
        self._judges: dict[tuple[str, str], Judge] = {}

    @cached_property
    def catalogue(self) -> tuple[Rule, ...]:
        """Every rule there is, in force or not, with its texts. Read from the rules' texts when first asked for."""
        return rules.catalogue(self._asked, self._extra)

    @cached_property
    def rules_hash(self) -> str:
        """16 hex digits over the rules in force and the schema files: equal ones mean that two verdicts can be compared."""
        return rules.digest(self.in_force, self._schemas)

    def check(self, body: bytes, endpoint: Endpoint) -> Verdict:
        """The verdict on a body that came to an endpoint. Its events are those payloads whose kind is known, each with where it stands in the body.

        Raises UsageError for an endpoint that takes no events, or whose contract or kind is none.
        """
        contract = endpoint.contract
        schemas.ask(contract, endpoint.kind)
        if endpoint.shape != "event" and (endpoint.shape, contract) != ("batch", "sdk"):
            raise UsageError(f"the {contract} contract checks no {endpoint.shape}: there are events, and in sdk batches")
        value, refused = parse(body)
        if refused is None and not isinstance(value, dict):
            refused = no_object(value)
        if refused is not None:
            return self._unread(contract, refused)
        if endpoint.shape == "event":
            return self._event(body, value, contract, endpoint.kind)
        return self._batch(body, value)

    def quick(self, endpoint: Endpoint) -> Look:
        """A look at bodies that costs little more than parsing, for those who read many of which most are good. Raises as `check` does."""
        contract, kind = endpoint.contract, endpoint.kind
        schemas.ask(contract, kind)
        if endpoint.shape != "event":
            raise UsageError(f"of a {endpoint.shape} there is no quick look")
        return Look({each: self._judge(contract, each) for each in ([kind] if kind else KINDS[contract])}, kind, self.in_force)

    def _event(self, body: bytes, payload: dict[str, Any], contract: ContractName, kind: str | None) -> Verdict:
        if kind is None:
            kind = _kind_of(payload, contract)
            if kind is None:
                return self._unread(contract, _no_kind(payload, contract))
        start, stop = span(body)
        violations, warnings = self._judge(contract, kind).judge(payload)
        return Verdict(contract, (Checked(kind, payload, start, stop, violations, warnings),), violations, warnings)

    def _batch(self, body: bytes, envelope: dict[str, Any]) -> Verdict:
        # First the frame alone: of a batch that is too long, nobody wants to read of each item.
        violations, warnings = self._judge("sdk", FRAME).judge(envelope)
        items = envelope.get("batch")
        if violations or not isinstance(items, list):
            return Verdict("sdk", (), violations, warnings)
        unreadable: dict[int, list[Violation]] = {}
        for violation in self._judge("sdk", schemas.ENVELOPE).judge(envelope)[0]:
            unreadable.setdefault(int(violation.pointer.split("/")[2]), []).append(violation)
        events: list[Checked] = []
        all_violations: list[Violation] = []
        all_warnings = list(warnings)
        for index, (item, (start, stop)) in enumerate(zip(items, messages(body), strict=True)):
            all_violations += unreadable.get(index, ())
            kind = _kind_of(item, "sdk")
            if kind is None:
                continue
            violations, warnings = self._judge("sdk", kind).judge(item)
            events.append(Checked(kind, item, start, stop, violations, warnings))
            if violations or warnings:
                prefix = f"/batch/{index}"
                all_violations += [violation.below(prefix) for violation in violations]
                all_warnings += [warning.below(prefix) for warning in warnings]
        return Verdict("sdk", tuple(events), tuple(all_violations), tuple(all_warnings))

    def _unread(self, contract: ContractName, refused: Violation) -> Verdict:
        return Verdict(contract, (), (refused,) if refused.rule in self.in_force else ())

    def _judge(self, contract: str, kind: str) -> Judge:
        """The judge of a kind, made when first needed: patterns take milliseconds to compile. Two threads may both make one; either will do."""
        judge = self._judges.get((contract, kind))
        if judge is None:
            judge = self._judges[contract, kind] = self._made(contract, kind)
        return judge

    def _made(self, contract: str, kind: str) -> Judge:
        if kind == FRAME:
            schema = _frame(self._schemas[contract, schemas.ENVELOPE])
            return Judge(contract, schemas.ENVELOPE, schema, rules.constraints(contract, schemas.ENVELOPE, schema), self.in_force)
        return Judge(contract, kind, self._schemas[contract, kind], self._asked[contract, kind], self.in_force)


def _kind_of(payload: Any, contract: ContractName) -> str | None:
    """The kind that a payload says of itself, if the contract has it."""
    kind = payload.get("type") if isinstance(payload, dict) else None
    return kind if isinstance(kind, str) and kind in KINDS[contract] else None


def _no_kind(payload: dict[str, Any], contract: ContractName) -> Violation:
    kinds = ", ".join(KINDS[contract])
    if "type" in payload:
        message = f"type is {described(payload['type'])}, no kind of the {contract} contract ({kinds})"
    else:
        message = f"type is missing, so nobody can tell which kind of the {contract} contract it is ({kinds})"
    return Violation("body.kind", "/type", message, HINTS["body.kind"], "error", "/type" if "type" in payload else "")


def _frame(envelope: dict[str, Any]) -> dict[str, Any]:
    """The envelope's schema without its `items`."""
    properties = {name: {keyword: value for keyword, value in inner.items() if keyword != "items"} for name, inner in envelope["properties"].items()}
    return {**envelope, "properties": properties}
