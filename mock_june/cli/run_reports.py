"""What a run found, as the documents that CI servers read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

from mock_june import __version__, wire
from mock_june.cli.summary import Tally
from mock_june.intercept.traffic import Traffic
from mock_june.text import counted, cut, markdown, plain_json, printable

LONGEST = 300
"""Characters of a message or a hint that a table shows."""

EMPTY = "no call was captured"


class Outcome(NamedTuple):
    """A run that is over. `code` is its exit code; `allows_empty`: it is no failure that no call came.

    `stopped`: the connections that the guard stopped, by the process's name and the `host:port`; None where nobody looked.
    """

    command: str
    code: int
    tally: Tally
    traffic: Traffic
    rules_hash: str
    allows_empty: bool
    stopped: Mapping[tuple[str, str], int] | None


def as_json(outcome: Outcome) -> str:
    """One JSON document; what a terminal would act on stands in it as JSON's escapes."""
    tally, traffic = outcome.tally, outcome.traffic
    stopped = None
    if outcome.stopped is not None:
        stopped = [{"process": name, "host": place, "connections": count} for (name, place), count in outcome.stopped.items()]
    document: dict[str, Any] = {
        "version": __version__,
        "rules_hash": outcome.rules_hash,
        "command": outcome.command,
        "exit_code": outcome.code,
        "calls": tally.calls,
        "accepted": tally.accepted,
        "rejected": tally.rejected,
        "events": dict(tally.events),
        "by_rule": {rule: {"calls": broken.count, "first_call": broken.call, "first": wire.violation(broken.first)} for rule, broken in tally.by_rule.items()},
        "refused_otherwise": [{"status": status, "code": code, "path": path, "calls": count} for (status, code, path), count in tally.by_code.items()],
        "warnings": dict(tally.warnings),
        "faults": [wire.fault(fault) for fault in tally.faults.values()],
        "hosts_reached": dict(traffic.passed),
        "hosts_blocked": [{"host": host, "why": why, "connections": count} for (host, why), count in traffic.blocked.items()],
        "hosts_stopped": stopped,
    }
    return plain_json(wire.dumps(document).decode()) + "\n"


def as_junit(outcome: Outcome) -> str:
    """JUnit XML: one suite, a failed test case for each rule that was broken, and one for whether any call came."""
    suite = ET.Element("testsuite", name=printable(outcome.command), time="0", errors="0", skipped="0")
    captured = ET.SubElement(suite, "testcase", classname="mock-june", name="calls were captured", time="0")
    if not outcome.tally.calls and not outcome.allows_empty:
        ET.SubElement(captured, "failure", type="empty", message=EMPTY)
    for rule, message, text in _failures(outcome.tally):
        case = ET.SubElement(suite, "testcase", classname=f"mock-june.{rule.partition('.')[0]}", name=rule, time="0")
        ET.SubElement(case, "failure", type=rule, message=printable(message)).text = text
    counts = {"tests": str(len(suite)), "failures": str(len(suite.findall("testcase/failure")))}
    suite.attrib.update(counts)
    root = ET.Element("testsuites", counts | {"name": "mock-june run"})
    root.append(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def as_markdown(outcome: Outcome) -> str:
    """A heading with the outcome, and a row for each rule that was broken."""
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in outcome.tally.events.most_common())
    events = f"Events: {kinds}. " if kinds else ""
    end = f"{events}`{markdown(outcome.command)}` ended with {outcome.code}. mock-june {__version__}, rules in force `{outcome.rules_hash}`.\n"
    return markdown_of_calls("mock-june run", outcome.tally) + end


def markdown_of_calls(who: str, tally: Tally) -> str:
    """What was counted of calls: a heading, and a row for each rule that was broken."""
    said = f"{tally.rejected:,} of {counted(tally.calls, 'call')} would be refused" if tally.rejected else f"{counted(tally.calls, 'call')}, none refused"
    lines = [f"### {who}: {said if tally.calls else EMPTY}", ""]
    rows = [
        f"| `{rule}` | {markdown(cut(message, LONGEST))} | {'<br>'.join(markdown(cut(line, LONGEST)) for line in text.splitlines())} |"
        for rule, message, text in _failures(tally)
    ]
    if rows:
        lines += ["| rule | what is wrong | where, and what to do |", "|---|---|---|", *rows, ""]
    return "\n".join(lines) + "\n"


def _failures(tally: Tally) -> Iterator[tuple[str, str, str]]:
    """Each way in which calls were rejected, the most frequent first: a name, the first one's message, and where and what to do, a line each."""
    for rule, broken in sorted(tally.by_rule.items(), key=lambda item: (-item[1].count, item[0])):
        where = f"in {counted(broken.count, 'call')}, first in call {broken.call} at {broken.first.pointer or '/'}"
        yield rule, broken.first.message, "\n".join(printable(line) for line in (where, broken.first.hint) if line)
    for (status, code, path), count in tally.by_code.most_common():
        yield code, f"answered {status}", f"for {counted(count, 'call')} to {printable(path)}"


FORMATS: dict[str, Callable[[Outcome], str]] = {"json": as_json, "junit": as_junit, "markdown": as_markdown}
"""The documents by the names of their formats."""
