"""What a run sent, counted as it comes, and what stands at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import click

from mock_june.model import Call, Fault, Violation
from mock_june.text import counted, cut, printable

WIDEST = 160
MOST_PATHS = 1000
"""So many paths that were refused are told apart: a program may make up ever new ones."""

MOST_NAMES = 10
"""So many hosts, processes or paths are named; the rest is a number."""


@dataclass(slots=True)
class Broken:
    """One rule that calls broke: how often, and the first of them."""

    count: int
    first: Violation
    call: int


@dataclass(slots=True)
class Tally:
    """Calls as they are recorded; `saw` is an observer of the server's, called one at a time."""

    calls: int = 0
    accepted: int = 0
    rejected: int = 0
    events: Counter[str] = field(default_factory=Counter)
    by_rule: dict[str, Broken] = field(default_factory=dict)
    by_code: Counter[tuple[int, str, str]] = field(default_factory=Counter)
    """Rejected calls that no rule speaks of, by status, code and path."""
    faults: dict[int, Fault] = field(default_factory=dict)
    """Each fault as it struck last: it counts by itself."""
    warnings: Counter[str] = field(default_factory=Counter)

    def saw(self, call: Call) -> None:
        """Counts one call."""
        self.calls += 1
        self.accepted += call.accepted
        self.events.update(event.kind for event in call.events)
        if call.fault is not None:
            self.faults[call.fault.id] = call.fault
        for event in call.events:
            self.warnings.update({warning.rule for warning in event.warnings})
        if call.accepted or call.refused_as_planned:
            return
        self.rejected += 1
        for rule, violation in {violation.rule: violation for violation in reversed(call.violations)}.items():
            broken = self.by_rule.setdefault(rule, Broken(0, violation, call.id))
            broken.count += 1
        if not call.violations and call.code is not None:
            key = (call.status, call.code, call.path.partition("?")[0])
            self.by_code[key if key in self.by_code or len(self.by_code) < MOST_PATHS else (call.status, call.code, "other paths")] += 1


def lines(tally: Tally) -> Iterator[str]:
    """What was sent, and what June would have refused of it, for people."""
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in tally.events.most_common())
    said = f"{counted(tally.calls, 'call')} captured, {tally.accepted:,} accepted, {tally.rejected:,} rejected"
    yield click.style(said, fg="red" if tally.rejected or not tally.calls else "green", bold=True) + (f"; events: {kinds}" if kinds else "")
    for rule, broken in sorted(tally.by_rule.items(), key=lambda item: (-item[1].count, item[0])):
        yield f"  {click.style(rule, fg='red')} in {counted(broken.count, 'call')}, first in call {broken.call} at {_shown(broken.first.pointer or '/')}:"
        yield f"    {_shown(broken.first.message)}"
        if broken.first.hint:
            yield click.style(f"    {_shown(broken.first.hint)}", dim=True)
    for (status, code, path), count in tally.by_code.most_common(MOST_NAMES):
        yield f"  {click.style(f'{status} {code}', fg='red')} for {counted(count, 'call')} to {_shown(path)}"
    if len(tally.by_code) > MOST_NAMES:
        yield f"  and {len(tally.by_code) - MOST_NAMES:,} more paths"
    for rule, count in tally.warnings.most_common():
        yield f"  {click.style(rule, fg='yellow')} (a warning) in {counted(count, 'event')}"
    for fault in tally.faults.values():
        yield f"  {click.style(f'fault {fault.id}', fg='magenta')} ({_what(fault)}) struck {counted(fault.struck, 'call')}"


def listed(title: str, counts: Mapping[str, int]) -> Iterator[str]:
    """Names with their counts, the most frequent first; nothing where there are none."""
    if not counts:
        return
    shown = [f"{_shown(name)} ({count:,})" for name, count in Counter(counts).most_common(MOST_NAMES)]
    rest = len(counts) - len(shown)
    yield f"  {title}: {'; '.join(shown)}" + (f"; {rest:,} more" if rest else "")


def _what(fault: Fault) -> str:
    said: Iterable[tuple[str, object]] = (("status", fault.status), ("delay", fault.delay), ("drop", fault.drop), ("rate", fault.rate))
    return ", ".join(f"{name} {value}" for name, value in said if value is not None)


def _shown(text: str) -> str:
    return cut(printable(text), WIDEST)
