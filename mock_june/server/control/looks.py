"""Light answers over a heavy record: what the page shows, in the sizes that it shows it in."""

from __future__ import annotations

from mock_june import wire
from mock_june.model import Rule
from mock_june.server.answers import CODES, JSON, Answer, Headers, json_answer, refusal
from mock_june.server.control import query
from mock_june.server.control.asked import Asked

LONGEST_FIXED = 64 * 1024
"""Bytes of a payload that corrections are sought for: each costs some checks of it."""

BYTES: Headers = (("content-type", "application/octet-stream"),)


def entries(asked: Asked) -> Answer:
    """The record as a list, newest first."""
    question = query.entries(asked.request.query, asked.workspace)
    found = asked.mock.journal.entries(question.where, question.upto, question.skip, question.limit)
    return json_answer({"entries": [wire.entry(entry) for entry in found]})


def stats(asked: Asked) -> Answer:
    """What the record amounts to."""
    question = query.stats(asked.request.query, asked.workspace)
    severity = {rule.id: rule.severity for rule in asked.mock.engine.catalogue}
    return json_answer(wire.overview(asked.mock.journal.overview(question.where), severity))


def workspaces(asked: Asked) -> Answer:
    """The workspaces on record; under a key its own alone."""
    query.nothing(asked.request.query)
    found = asked.mock.journal.workspaces()
    shown = [each._asdict() for each in found if asked.workspace in {None, each.workspace}]
    return json_answer({"workspaces": shown, "any_key": not asked.mock.keys.strict})


def event(asked: Asked) -> Answer:
    """One event, or what there is to say of it without its payload."""
    form = query.form(asked.request.query)
    found = asked.mock.journal.event(asked.number(), asked.workspace)
    if found is None:
        return _absent("event", asked)
    return json_answer(wire.brief_event(found, len(found.payload)) if form == "brief" else wire.event(found))


def payload(asked: Asked) -> Answer:
    """One event's payload, as it came."""
    query.nothing(asked.request.query)
    found = asked.mock.journal.event(asked.number(), asked.workspace)
    return Answer(200, bytes(found.payload), JSON) if found else _absent("event", asked)


def fix(asked: Asked) -> Answer:
    """What might be done about one event, as operations of a JSON Patch."""
    query.nothing(asked.request.query)
    found = asked.mock.journal.event(asked.number(), asked.workspace)
    if found is None:
        return _absent("event", asked)
    suggest = asked.mock.suggest
    wrong = found.violations or found.warnings
    pairs = suggest(found.contract, found.kind, bytes(found.payload)) if suggest and wrong and len(found.payload) <= LONGEST_FIXED else ()
    return json_answer({"changes": [change | {"reason": reason} for change, reason in pairs]})


def call(asked: Asked) -> Answer:
    """One call, or what there is to say of it without its body and events."""
    number = asked.number()
    if query.form(asked.request.query) == "brief":
        brief = asked.mock.journal.brief(number, asked.workspace)
        return json_answer(wire.brief(*brief)) if brief else _absent("call", asked)
    found = asked.mock.journal.call(number, asked.workspace)
    return json_answer(wire.call(found)) if found else _absent("call", asked)


def body(asked: Asked) -> Answer:
    """One call's body, as it came; never as a type that a browser would show."""
    query.nothing(asked.request.query)
    found = asked.mock.journal.body(asked.number(), asked.workspace)
    return _absent("call", asked) if found is None else Answer(200, found, BYTES)


def rule(asked: Asked) -> Answer:
    """One rule of the catalogue."""
    query.nothing(asked.request.query)
    found = next((rule for rule in asked.mock.engine.catalogue if rule.id == asked.parts[0]), None)
    return refusal(404, CODES[404], "there is no such rule in force; `mock-june rule` lists them") if found is None else json_answer(_rule(found))


def _rule(found: Rule) -> dict[str, str | None]:
    names = ("id", "severity", "meaning", "hint", "why", "wrong", "right", "python", "node")
    return {name: getattr(found, name) for name in names}


def _absent(what: str, asked: Asked) -> Answer:
    return refusal(404, CODES[404], f"there is no {what} {asked.number()} on record" + (" in this key's workspace" if asked.workspace else ""))
