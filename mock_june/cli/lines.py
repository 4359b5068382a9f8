"""One line a call, as `serve` and `calls` show it on a terminal."""

from __future__ import annotations

from collections import Counter

from rich.text import Text

from mock_june.model import Call
from mock_june.text import cut, printable

WIDEST = 60
RULES_SHOWN = 4


def call_line(call: Call) -> Text:
    """When, the answer, what it was, whose, and what broke or smells. Colour says accepted, refused or spoilt by a fault."""
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"{call.at[11:19]} ", "dim")
    line.append(f"{call.status} ", _colour(call))
    line.append(f"{_what(call):<{WIDEST}}")
    if call.workspace:
        line.append(f" {printable(call.workspace)}", "dim")
    if call.fault is not None:
        line.append(f"  fault {call.fault.id}", "magenta")
    broken = _rules([v.rule for v in call.violations])
    if broken:
        line.append(f"  {broken}", "red")
    elif call.code is not None and call.fault is None:
        line.append(f"  {call.code}", "red")
    smells = _rules([w.rule for event in call.events for w in event.warnings])
    if smells:
        line.append(f"  {smells}", "yellow")
    return line


def _colour(call: Call) -> str:
    if call.fault is not None:
        return "bold magenta"
    return "bold green" if call.accepted else "bold red"


def _what(call: Call) -> str:
    path = printable(call.path)
    if len(call.events) == 1:
        payload = call.events[0].payload if isinstance(call.events[0].payload, dict) else {}
        said = [str(payload[name]) for name in ("event", "groupId", "userId", "anonymousId") if isinstance(payload.get(name), str)]
        return cut(f"{call.method} {path}  {printable(' · '.join(said))}", WIDEST)
    if call.events:
        kinds = Counter(event.kind for event in call.events)
        return cut(f"{call.method} {path}  {', '.join(f'{n} {kind}' for kind, n in kinds.most_common())}", WIDEST)
    return cut(f"{printable(call.method)} {path}", WIDEST)


def _rules(rules: list[str]) -> str:
    counted = Counter(rules).most_common()
    shown = [rule if n == 1 else f"{rule} x{n}" for rule, n in counted[:RULES_SHOWN]]
    return " ".join([*shown, "…"] if len(counted) > RULES_SHOWN else shown)
