"""The answer that a call gets: for what kept it from being read, for its verdict, or for the fault that was planned."""

from __future__ import annotations

from dataclasses import replace

from mock_june.model import Fault, Verdict
from mock_june.server import answers
from mock_june.server.answers import Answer

Problem = tuple[int, str, str]
"""Why a request cannot be read: status, code, message."""


def decide(problem: Problem | None, verdict: Verdict | None, fault: Fault | None) -> tuple[Answer, bool]:
    """The answer, and whether June would have taken the call. A fault "before" is the server failing first; one "after" spoils the answer alone."""
    answer = _honest(problem, verdict)
    accepted = answer.code is None
    if fault is None or (fault.status is None and fault.drop is None):
        return answer, accepted
    planned = _planned(fault)
    if fault.when == "before":
        return planned or _planned(replace(fault, status=500)) or answer, False
    return planned or answer, accepted


def _honest(problem: Problem | None, verdict: Verdict | None) -> Answer:
    """The answer without any fault."""
    if problem is not None:
        status, code, message = problem
        return answers.refusal(status, code, message, headers=answers.CORS + _HEADERS.get(status, ()))
    if verdict is None or verdict.accepted:
        return answers.SUCCESS
    first, total = verdict.violations[0], len(verdict.violations)
    broken = first.rule.startswith("body.") and first.rule not in {"body.object", "body.kind"}
    where = f"{first.pointer}: " if first.pointer else ""
    more = f" (and {total - 1} more)" if total > 1 else ""
    return answers.refusal(
        400, "invalid_json" if broken else "invalid_payload", f"{where}{first.message}{more}. {first.hint}", verdict.violations, total, answers.CORS
    )


_HEADERS: dict[int, answers.Headers] = {
    401: answers.CHALLENGE,
    405: (("allow", "POST, OPTIONS"),),
    413: (("connection", "close"),),
}


def _planned(fault: Fault) -> Answer | None:
    """The answer that a fault gives in place of the honest one."""
    if fault.status is None:
        return None
    headers = answers.CORS + ((("retry-after", str(fault.retry_after)),) if fault.retry_after is not None else ())
    if fault.rate is not None:
        message = f"over the planned limit of {fault.rate} calls in {fault.per:g} s; wait {fault.retry_after} s, then send it again"
        return answers.refusal(429, "rate_limited", message, headers=headers)
    done = "taken all the same: sent again, it is doubled" if fault.when == "after" else "not taken: send it again"
    return answers.refusal(fault.status, "fault", f"fault {fault.id} was planned to answer {fault.status}; the call was {done}", headers=headers)
