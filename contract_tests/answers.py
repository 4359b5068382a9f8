"""What is promised of every answer, whatever was sent. These promises watch the answers to the cases of all others, and have a few of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .article import ANSWER, SUCCESS
from .breaking import full, minimal, plain, put, without
from .cases import NONE, Case, Promise, Sent, Wants, as_wanted, refusal_of
from .files import ENVELOPE, Kind
from .payloads import refused
from .rules import rules

Applies = Callable[[Sent], bool]
Check = Callable[[Sent], str | None]

CODES = {Wants.UNAUTHORIZED: "unauthorized", Wants.NOT_FOUND: "not_found", Wants.NOT_ALLOWED: "method_not_allowed", Wants.REFUSED: "invalid_payload"}

MOST_LISTED = 100
"""How many errors a refusal lists at most; `errors_total` counts them all."""

REFUSAL = 'the one shape of a refusal: {"status": 400, "success": false, "code": "...", "message": "...", "errors": [...], "errors_total": n}'


def promises(kinds: Sequence[Kind]) -> Iterator[Promise]:
    """All of them, for endpoints of these kinds. The first of a sort has cases of each kind, which those after it see too."""
    good = tuple(Case(contract=contract, kind=kind, about="a good payload") for contract, kind in kinds)
    bad = tuple(case for kind in kinds for case in _bad(*kind))
    few, others = tuple(_bad(*kinds[0])), _others(*kinds[0])
    by_wants = {wants: tuple(case for case in others if case.wants is wants) for wants in Wants}

    def watching(name: str, text: str, quote: str, applies: Applies, check: Check, cases: tuple[Case, ...]) -> Promise:
        return Promise(id=f"answer.{name}", text=text, quote=quote, cases=cases, check=check, watches=True, applies=applies)

    yield watching("success.status", "what is accepted is answered with status 200, no other", SUCCESS, accepted, status_200, good)
    yield watching("success.body", 'what is accepted is answered {"status": 200, "success": true}', ANSWER, accepted, success_body, good[:1])
    yield watching("success.type", "that answer says that it is JSON", ANSWER, accepted, json_type, good[:1])
    yield watching("refusal.rules", "a refusal names the rules that are broken: all of them, and no other", REFUSAL, lists_errors, named, bad)
    yield watching("refusal.pointers", "a refusal points at the member that breaks a rule, at a missing one too", REFUSAL, lists_own_errors, pointers, few)
    yield watching("refusal.status", "what breaks the contract is answered with status 400, no other", REFUSAL, refused_body, status_400, few)
    yield watching("refusal.shape", "each refusal is JSON of the one shape, its message one line", REFUSAL, turned_down, shape, few + others)
    yield watching("refusal.code", "each refusal has the code of its kind", REFUSAL, has_code, code, few + others)
    yield watching(
        "challenge", "a 401 says in WWW-Authenticate how to say who calls", "RFC 9110, section 15.5.2", is_401, challenge, by_wants[Wants.UNAUTHORIZED]
    )
    yield watching("allow", "a 405 says in Allow that POST is the method", "RFC 9110, section 15.5.6", is_405, allow, by_wants[Wants.NOT_ALLOWED])


def _bad(contract: str, kind: str) -> Iterator[Case]:
    """Nothing that is required; everything that is wrong; two things at once."""
    yield refused(contract, kind, {}, "no member")
    whole = full(contract, kind)
    wrong = dict.fromkeys(plain(contract, kind), 1)
    yield refused(contract, kind, wrong, "each member a number")
    broken = [rule for rule in rules(contract, kind) if rule.keyword == "type"][-2:]
    payload = whole
    for rule in broken:
        payload = put(payload, rule.path, 1)
    yield refused(contract, kind, payload, "two members of the wrong type")
    least = minimal(contract, kind)[0]
    name = next(name for name in reversed(least) if name != "type")
    yield refused(contract, kind, without(least, (name,)), f"no {name}")


def _others(contract: str, kind: str) -> tuple[Case, ...]:
    """What else a client may be answered than 200 and 400."""
    least = minimal(contract, kind)[0]
    return (
        Case(contract=contract, kind=kind, about="no Authorization", wants=Wants.UNAUTHORIZED, payload=least, auth=NONE),
        Case(contract=contract, kind=kind, about="no such path", wants=Wants.NOT_FOUND, payload=least, elsewhere="/api/nothing"),
        Case(contract=contract, kind=kind, about="PUT", wants=Wants.NOT_ALLOWED, payload=least, method="PUT"),
    )


# To which answers a promise applies: to those that are otherwise as they must be. What else is wrong with one is another promise's.


def accepted(sent: Sent) -> bool:
    """What was to be accepted, and was."""
    return sent.case.wants is Wants.ACCEPTED and as_wanted(sent) is None


def turned_down(sent: Sent) -> bool:
    """What was to be refused, for whatever reason, and was for that one."""
    return sent.case.wants not in {Wants.ACCEPTED, Wants.PREFLIGHT} and as_wanted(sent) is None


def refused_body(sent: Sent) -> bool:
    """What was to be refused for what is in it, and was."""
    return sent.case.wants is Wants.REFUSED and turned_down(sent)


def is_401(sent: Sent) -> bool:
    """What was to be answered 401, and was."""
    return sent.case.wants is Wants.UNAUTHORIZED and turned_down(sent)


def is_405(sent: Sent) -> bool:
    """What was to be answered 405, and was."""
    return sent.case.wants is Wants.NOT_ALLOWED and turned_down(sent)


def has_code(sent: Sent) -> bool:
    """A refusal of the right shape, with a status that has a code of its own."""
    return turned_down(sent) and sent.answer.status in {400, 401, 404, 405} and shape(sent) is None


def lists_errors(sent: Sent) -> bool:
    """A refused payload, answered with all of its errors in the right shape."""
    if not (refused_body(sent) and sent.case.breaks and not sent.case.shell and sent.answer.status == 400 and shape(sent) is None):
        return False
    body = sent.answer.json
    return bool(body["errors_total"] == len(body["errors"]))


def lists_own_errors(sent: Sent) -> bool:
    """The same of a payload that came by itself."""
    return sent.case.kind != ENVELOPE and lists_errors(sent)


def lists_errors_of_messages(sent: Sent) -> bool:
    """The same of a batch."""
    return sent.case.kind == ENVELOPE and lists_errors(sent)


# What is wrong with an answer; None, if nothing is.


def status_200(sent: Sent) -> str | None:
    """Not 201, 202, 204."""
    return f"wanted status 200, came {sent.answer.status}" if sent.answer.status != 200 else None


def success_body(sent: Sent) -> str | None:
    """The very members with the very values; `true` and 1 are two, so are 200 and "200"."""
    body = sent.answer.json
    good = isinstance(body, dict) and body.keys() == {"status", "success"} and type(body["status"]) is int and body["status"] == 200 and body["success"] is True
    return None if good else f'wanted {{"status": 200, "success": true}}, came {sent.answer.shown}'


def json_type(sent: Sent) -> str | None:
    """With a charset or without."""
    name = sent.answer.headers.get("content-type", "")
    good = name.partition(";")[0].strip().lower() == "application/json"
    return None if good else f"wanted Content-Type: application/json, came {name or 'none'}"


def status_400(sent: Sent) -> str | None:
    """Not 422, 415, 413."""
    return f"wanted status 400, came {sent.answer.shown}" if sent.answer.status != 400 else None


def shape(sent: Sent) -> str | None:
    """The members that every refusal has; those of a payload name rules and places."""
    body = sent.answer.json
    if not isinstance(body, dict):
        return f"wanted a JSON Object, came {sent.answer.shown}"
    wrong = [name for name, good in _members(sent, body) if not good]
    if not wrong and sent.answer.status == 400:
        wrong = [f"errors[{place}]" for place, each in enumerate(body["errors"]) if not _is_violation(each)]
    if wrong:
        return f"{', '.join(wrong)} of the refusal is not as it must be: {sent.answer.shown}"
    return json_type(sent)


def _members(sent: Sent, body: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    status, errors, total, message = body.get("status"), body.get("errors"), body.get("errors_total"), body.get("message")
    yield "status", type(status) is int and status == sent.answer.status
    yield "success", body.get("success") is False
    yield "code", isinstance(body.get("code"), str) and bool(body["code"])
    yield "message", isinstance(message, str) and bool(message.strip()) and len(message.splitlines()) == 1
    if sent.answer.status == 400:
        yield "errors", isinstance(errors, list) and bool(errors)
        listed = len(errors) if isinstance(errors, list) else 0
        yield "errors_total", type(total) is int and (total == listed if listed < MOST_LISTED else total >= listed)


def _is_violation(each: Any) -> bool:
    return isinstance(each, dict) and all(isinstance(each.get(name), str) for name in ("rule", "pointer", "message")) and bool(each["rule"])


def code(sent: Sent) -> str | None:
    """By what is wrong; a body that is no payload may be called either way."""
    came = sent.answer.json["code"]
    wanted = {CODES[sent.case.wants]} | ({"invalid_json"} if sent.case.wants is Wants.REFUSED and not sent.case.breaks else set())
    return None if came in wanted else f"wanted code {' or '.join(sorted(wanted))}, came {came}"


def named(sent: Sent) -> str | None:
    """The set of rule ids. That a rule is not known at all is another promise's."""
    came = {each["rule"] for each in sent.answer.json["errors"]}
    wanted = {each.rule for each in sent.broken if each.rule in came or refusal_of(sent.case.contract, each.rule) not in sent.known}
    return None if wanted == came else f"wanted the rules {', '.join(sorted(wanted))}; came {', '.join(sorted(came))}"


def pointers(sent: Sent) -> str | None:
    """The places of the rules that were named rightly: that one too few or too many is named is another promise's."""
    wanted: dict[str, set[str]] = {}
    for rule, where in sent.broken:
        wanted.setdefault(rule, set()).add(where)
    came: dict[str, set[str]] = {}
    for each in sent.answer.json["errors"]:
        came.setdefault(each["rule"], set()).add(each["pointer"])
    for rule in sorted(wanted.keys() & came.keys()):
        if wanted[rule] != came[rule]:
            return f"{rule} is broken at {_places(wanted[rule])}; the refusal points at {_places(came[rule])}"
    return None


def _places(found: set[str]) -> str:
    return " and ".join(where or "the whole" for where in sorted(found))


def challenge(sent: Sent) -> str | None:
    """RFC 9110 wants one."""
    return None if "basic" in sent.answer.headers.get("www-authenticate", "").lower() else "the 401 has no WWW-Authenticate that names Basic"


def allow(sent: Sent) -> str | None:
    """RFC 9110 wants it."""
    methods = {name.strip().upper() for name in sent.answer.headers.get("allow", "").split(",")}
    return None if "POST" in methods else "the 405 has no Allow that names POST"
