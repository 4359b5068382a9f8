r"""A faster look at many lines, where `mock-june[fast]` is installed: a run of certainly clean ones is proved clean by one pass of RE2 over raw bytes.

The gate is one pattern, `(?:SHAPE\n)*`, asked for the end of the run that begins at a place. A SHAPE is an order of top-level members that the exact look
has found clean; the gate learns shapes as it goes. What it says is "clean" or "don't know": then the exact look has the line. It is asked for as long as it
saves time, so that no file takes much longer with it than without.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from mock_june.checker.scan.exact import Doubtful, ExactScan, Scanned
from mock_june.checker.scan.language import SILENT, language
from mock_june.checker.scan.patterns import COLON, COMMA, tree, value
from mock_june.contract import schemas
from mock_june.contract.look import Look, parsed
from mock_june.model import KINDS, Endpoint

ROOT = frozenset((*SILENT, "$schema", "$id", "type", "required", "properties", "if", "then", "else", "x-known"))
"""Keywords of a kind's schema that are known here."""

OFTEN = 8
"""A shape is learned when so many lines of it were seen."""

SHAPES = 48
"""At most so many shapes: with each the pattern grows."""

MEMBERS, NAMES = 24, 400
"""At most so many members of a shape, with names of so many characters together."""

SEEN = 4096
"""How many shapes are counted before all are forgotten: keys that come in ever new orders are none to wait for."""

MEMORY = 64 << 20
"""Bytes that RE2 may take for its automaton. Mostly it is a few."""

Shape = tuple[str, ...]


class Kind:
    """What the gate knows of a kind. It is off, `is_on` False, for a schema of which anything is not known here."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        own = schema["properties"]
        self._members = {name: language(inner) for name, inner in own.items()}
        parts = [schema.get(keyword, {}) for keyword in ("if", "then", "else")]
        self.is_on = schema.keys() <= ROOT and schema.get("type") == "object" and all(self._members.values()) and all(_is_decided(part, own) for part in parts)

    def shape(self, payload: Mapping[str, Any]) -> Shape | None:
        """The patterns of a clean payload's members, in their order; None where that would be long.

        Which of them are null is a part of it: null counts as absent where it is taken. One clean payload then speaks for all of its shape.
        """
        if len(payload) > MEMBERS or len("".join(payload)) > NAMES:
            return None
        return tuple(f"{re.escape(json.dumps(name))}{COLON}{self._pattern(name, content)}" for name, content in payload.items())

    def _pattern(self, name: str, content: Any) -> str:
        own = self._members.get(name)
        if own is None:  # a name that the contract says nothing of, and that is no slip: the exact look has seen to that
            return value()
        return "null" if content is None else own


def _is_decided(part: Mapping[str, Any], own: Mapping[str, Any]) -> bool:
    """Whether the names of the members, and which of them are null, decide what a part of a schema asks of members that each are as their `own` schema says."""
    asked = part.get("properties", {})
    return part.keys() <= {"required", "properties", *SILENT} and all(name in own and _is_settled(inner, own[name]) for name, inner in asked.items())


def _is_settled(asked: Mapping[str, Any], own: Mapping[str, Any]) -> bool:
    """Whether all values of a member's own schema keep another one, or none, null aside. Its own one has a single type beside null."""
    for keyword, content in asked.items():
        if keyword in {"if", "then", "else"}:
            if not _is_settled(content, own):
                return False
        elif keyword not in SILENT and not (keyword == "type" and "type" in own) and not (keyword == "minLength" and own.get("minLength") == content):
            return False
    return True


class Gate:
    """Knows shapes of clean lines. `end(chunk, at)` is where the run of certainly clean lines ends that begins at `at`; each ends with its newline."""

    def __init__(self, endpoint: Endpoint) -> None:
        kinds = [endpoint.kind] if endpoint.kind else KINDS[endpoint.contract]
        self.kinds = {kind: known for kind in kinds if (known := Kind(schemas.load(endpoint.contract, kind))).is_on}
        self.is_stale = False
        """Whether shapes were learned that are not asked for yet."""

        self._seen: Counter[tuple[str, Shape]] = Counter()
        self._shapes: set[Shape] = set()
        self._match: Callable[[bytes, int], Any] | None = None
        self._is_full = False

    @property
    def knows(self) -> bool:
        """Whether there is anything that it could say."""
        return self._match is not None

    def learn(self, kind: str, payload: Mapping[str, Any]) -> None:
        """Takes in a payload that the exact look has found clean."""
        if kind not in self.kinds or self._is_full:
            return
        names = tuple(name if content is not None else f"{name}=" for name, content in payload.items())
        if len(self._seen) >= SEEN:
            self._seen.clear()
        self._seen[kind, names] += 1
        if self._seen[kind, names] == OFTEN and (shape := self.kinds[kind].shape(payload)) and shape not in self._shapes:
            self._shapes.add(shape)
            self.is_stale = True
            self._is_full = len(self._shapes) >= SHAPES

    def renew(self) -> None:
        """From now on all that was learned is asked for."""
        import re2  # noqa: PLC0415 - an extra, which small files never need

        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1
        options.max_mem = MEMORY
        options.never_capture = True
        options.log_errors = False
        self.is_stale = False
        pattern = rf"(?:\{{{tree(self._shapes, COMMA)}\}}\r?\n)*"
        try:
            self._match = re2.compile(pattern.encode("latin-1"), options).match
        except re2.error:  # too large: what was known before still serves
            self._is_full = True

    def end(self, chunk: bytes, at: int) -> int:
        """Where the run ends: at `at` itself, if it cannot say that the first line is clean."""
        return at if self._match is None else self._match(chunk, at).end()


INVEST = 0.1
"""The share of all time that may go into learning shapes and making patterns of them."""

RISK = 0.04
"""The share of all time that may be lost by asking where it does not pay."""

COST = 0.03
"""Seconds that the gate is reckoned to take until it can be asked, before it was made once."""

LEAST = 1.5e-9
"""Seconds that a byte takes at least, even of long strings."""

HOARD = 0.05
"""Seconds won that count at most: a file that turns bad is not to lose again all that it won."""

AGAIN = 32
"""Every so many pieces one goes the exact way, to see how long that takes by now."""

CREDIT = 32
"""Questions to the gate in a row that may each prove no line."""

FIRST_LESSONS, LESSONS = 512, 16
"""Lines of a piece that are learned from: before there is a gate, and then."""


class GatedScan:
    """Asks the gate for runs of clean lines, and has all others looked at exactly: the same lines are doubtful as without the gate.

    What it puts into the gate, and what it loses by asking, is a small share of all its time by the clock of the processor, on whatever file.
    """

    def __init__(self, look: Look, endpoint: Endpoint, expected: int = 0, clock: Callable[[], float] = time.process_time) -> None:
        self._look = look
        self._exact = ExactScan(look)
        self._endpoint = endpoint
        self._clock = clock
        self._gate: Gate | None = None
        self._cost = COST
        self._spent = expected * LEAST
        """Seconds; in advance those that the expected bytes will take, whoever looks at them."""

        self._invested = self._lost = 0.0
        self._pace = 0.0
        """Seconds a byte, looked at exactly."""

        self._pieces = 0
        self._lesson = 0
        """The piece from which on there is something to learn: the longer nothing was learned, the later."""

        self._pause = 1

    def scan(self, data: bytes, total: int | None = None) -> Scanned:
        """Which lines are doubtful, blank ones among them."""
        self._pieces += 1
        gate, began = self._gate, self._clock()
        if gate is not None and gate.knows and self._pieces % AGAIN and self._lost <= RISK * self._spent:
            scanned = self._with_gate(gate, data, total)
            took = self._clock() - began
            self._lost = max(self._lost + took - self._pace * len(data), -HOARD)
        else:
            scanned = self._exact.scan(data)
            took = self._clock() - began
            self._pace = took / len(data)
        self._spent += took
        cost = self._cost if gate is None or gate.is_stale else 0.0
        if self._invested + self._lost + cost <= INVEST * self._spent:
            self._invest(data, scanned)
        return scanned

    def _invest(self, data: bytes, scanned: Scanned) -> None:
        """Makes the gate, or a better one; or learns for one."""
        began = self._clock()
        if self._gate is None:
            self._gate = Gate(self._endpoint)
        if self._gate.is_stale:
            self._gate.renew()
            self._cost = self._clock() - began
        elif self._pieces >= self._lesson:
            self._learn(self._gate, data, scanned)
            self._pause = 1 if self._gate.is_stale else min(2 * self._pause, AGAIN)
            self._lesson = self._pieces + self._pause
        took = self._clock() - began
        self._spent += took
        self._invested += took

    def _learn(self, gate: Gate, data: bytes, scanned: Scanned) -> None:
        doubtful = {number for number, *_ in scanned.doubtful}
        most = LESSONS if gate.knows else FIRST_LESSONS
        for number, body in enumerate(data.split(b"\n", most)[:most]):
            if number < scanned.lines and number not in doubtful and (kind := self._look.kind_of(payload := parsed(body))):
                gate.learn(kind, payload)

    def _with_gate(self, gate: Gate, data: bytes, total: int | None) -> Scanned:
        doubtful: list[Doubtful] = []
        size, at, number, credit, lessons = len(data), 0, 0, CREDIT, LESSONS
        end, kind_of = gate.end, self._look.kind_of
        while credit > 0 and at < size:
            stop = end(data, at)
            # What is left of all lines need not be counted.
            proved = total - number if total is not None and stop == size else data.count(b"\n", at, stop)
            credit = min(credit + proved - 1, CREDIT)
            number += proved
            at = stop
            if at < size:
                cut = data.index(b"\n", at)
                payload = parsed(data[at:cut])
                kind = kind_of(payload)
                if kind is None:
                    doubtful.append((number, at, payload))
                elif lessons:
                    lessons -= 1
                    gate.learn(kind, payload)
                at = cut + 1
                number += 1
        if at < size:
            rest = self._exact.scan(data[at:])
            doubtful += [(number + later, at + begins, payload) for later, begins, payload in rest.doubtful]
            number += rest.lines
        return Scanned(number, doubtful)
