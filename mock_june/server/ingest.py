"""One call in, straight down: route, read, authenticate, check, take the fault, record, answer. Knows no framework: both faces of the server are this code.

A refused, an unrouted and a failed request leave by the same recorder and the same answer as a good one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mock_june import clock
from mock_june.contract import Engine
from mock_june.errors import JournalUnwritableError
from mock_june.journal import Ids, numbered
from mock_june.model import ApiKey, Call, Checked, ContractName, Endpoint, Event, Fault, Raw, Verdict, Violation
from mock_june.server import answers
from mock_june.server.answers import Answer
from mock_june.server.auth import Keys, Pairs, write_key
from mock_june.server.body import BadCodingError, TooLargeError, UnknownCodingError, decoded, takes
from mock_june.server.deciding import Problem, decide
from mock_june.server.routes import endpoint_of
from mock_june.server.state import Mock
from mock_june.text import printable

LOG = logging.getLogger("mock_june")

FULL_PATH = 2000
"""How much of a path without a route is kept."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came. Header names in lower case. `body` None: it was over the limit and was not read to its end; `cut`: it ended early.

    `path` is decoded; `raw_path` is as it came, and is what is recorded. `peer` is the port that it came from, 0 where nobody says.
    """

    method: str
    path: str
    query: str
    headers: Pairs
    body: bytes | None = b""
    cut: bool = False
    raw_path: str = ""
    peer: int = 0

    def header(self, name: str) -> str:
        """The first value under a lower-case name, else ''."""
        for key, value in self.headers:
            if key == name:
                return value
        return ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a request: the call to record (None: a preflight is not), the answer to give, and the fault that spoils the giving."""

    call: Call | None
    answer: Answer
    delay: float = 0.0
    drop: str | None = None


class Ingest:
    """Takes requests. `observers` are told of each call once it is recorded."""

    def __init__(self, mock: Mock) -> None:
        self.mock = mock
        self.observers: list[Callable[[Call], None]] = []

    def handle(self, request: Request) -> Outcome:
        """One request from its bytes to its answer, recorded before it is answered. Never raises."""
        try:
            outcome = self.judge(request)
            if outcome.call is not None:
                (ids,) = self.mock.journal.write_many((outcome.call,))
                self.recorded(outcome.call, ids)
        except JournalUnwritableError as error:
            return unrecorded(error)
        except Exception:  # noqa: BLE001 -- logged in `broken`
            return broken(request)
        return outcome

    def recorded(self, call: Call, ids: Ids) -> None:
        """Tells the observers of a call that is on record. One that fails, such as a terminal that went away, changes no answer."""
        if not self.observers:
            return
        call = numbered(call, ids)
        for observer in self.observers:
            try:
                observer(call)
            except Exception:
                LOG.exception("the log of call %s failed", call.id)

    def judge(self, request: Request) -> Outcome:
        """All but the recording: pure but for the faults' counting and the clock."""
        began = clock.monotonic()
        endpoint = endpoint_of(request.path)
        if request.method == "OPTIONS" and endpoint is not None:
            return Outcome(None, Answer(204, b"", (*answers.PREFLIGHT, ("allow", "POST, OPTIONS"))))
        body, problem = self._read(request, endpoint)
        key = self._authenticate(request, endpoint, body)
        if key is None and endpoint is not None and request.method == "POST" and (problem is None or problem[0] != 413):
            problem = (401, "unauthorized", _no_key(request))
        verdict = None
        if endpoint is not None and problem is None:
            try:
                verdict = self._check(body, endpoint, key)
            except Exception:  # noqa: BLE001 -- logged in `_failure`
                problem = _failure(request)
        workspace = None if key is None else self._workspace(key)
        fault = self._fault(workspace, endpoint, verdict, request.path) if workspace is not None else None
        answer, accepted = decide(problem, verdict, fault)
        call = self._call(request, body, key, workspace, verdict, answer, accepted, fault, began)
        return Outcome(call, answer if call.answer == b"" else replace(answer, body=call.answer), _delay(fault), None if fault is None else fault.drop)

    def _read(self, request: Request, endpoint: Endpoint | None) -> tuple[bytes, Problem | None]:
        """The body after its coding, and why it cannot be taken, if it cannot."""
        limit = self.mock.settings.max_body
        raw = request.body
        if endpoint is None:
            known = "/api/identify, /api/group, /api/track, /sdk/batch"
            return raw or b"", (404, "not_found", f"there is no {request.path[:200]} here; calls go to {known} and their like (see /openapi.json)")
        if request.method != "POST":
            return raw or b"", (405, "method_not_allowed", f"{request.path[:200]} takes POST, not {request.method[:20]}")
        if raw is None:
            return b"", (413, "payload_too_large", f"the body is over {limit} bytes; send fewer events in one call, or start the fake with a larger --max-body")
        if not takes(request.header("content-type")):
            given = request.header("content-type")[:100]
            return raw, (415, "unsupported_media_type", f"the body came as {given}; send it with Content-Type: application/json")
        codings = [value for name, value in request.headers if name == "content-encoding"]
        if request.cut:
            return raw, (400, "invalid_json", f"the body ended early, after {len(raw)} bytes of what was announced; nothing of it was taken")
        try:
            return decoded(raw, ", ".join(codings), limit), None
        except TooLargeError:
            return b"", (
                413,
                "payload_too_large",
                f"the body is over {limit} bytes after inflating; send fewer events in one call, or start the fake with a larger --max-body",
            )
        except UnknownCodingError:
            return raw, (415, "unsupported_media_type", f"Content-Encoding {', '.join(codings)[:100]} is not taken; send identity, gzip or deflate")
        except BadCodingError as error:
            return raw, (400, "invalid_json", f"the body is not what Content-Encoding: {codings[0][:100]} says: {error}")

    def _check(self, body: bytes, endpoint: Endpoint, key: ApiKey | None) -> Verdict:
        if endpoint.shape == "counters":
            return Verdict(endpoint.contract)
        return self._engine(key).check(body, endpoint)

    def _keys(self) -> Keys:
        """The keys that are good."""
        return self.mock.keys

    def _engine(self, key: ApiKey | None) -> Engine:
        """The rules that a key's calls are held to."""
        return self.mock.engine_of(key)

    def _workspace(self, key: ApiKey) -> str:
        """Whose a key's calls are."""
        return self.mock.workspace(key)

    def _authenticate(self, request: Request, endpoint: Endpoint | None, body: bytes) -> ApiKey | None:
        """The header's key, else, in the SDK contract, the browser's `writeKey`."""
        keys = self._keys()
        if endpoint is None or endpoint.contract != "sdk" or any(name == "authorization" for name, _ in request.headers):
            return keys.key_of(request.headers)
        return keys.key_of((), write_key(body))

    def _fault(self, workspace: str, endpoint: Endpoint | None, verdict: Verdict | None, path: str) -> Fault | None:
        if endpoint is None or not self.mock.faults:
            return None
        kinds = {endpoint.kind} if endpoint.kind is not None else {event.kind for event in verdict.events} if verdict is not None else set()
        return self.mock.faults.take(workspace, {kind for kind in kinds if kind is not None}, path, clock.monotonic())

    def _call(
        self,
        request: Request,
        body: bytes,
        key: ApiKey | None,
        workspace: str | None,
        verdict: Verdict | None,
        answer: Answer,
        accepted: bool,
        fault: Fault | None,
        began: float,
    ) -> Call:
        """The call as it is recorded: no key stands whole in any of its parts."""
        hider = self.mock.keys.hider
        kept = hider.body(body, key)
        hidden = kept != body
        contract: ContractName = "backfill" if verdict is None else verdict.contract
        events: tuple[Event, ...] = ()
        violations: tuple[Violation, ...] = ()
        text = answer.body
        if verdict is not None:
            events = tuple(_event(event, contract, workspace, accepted, kept if hidden else None) for event in verdict.events)
            violations = verdict.violations
        if answer.code is not None:
            text = hider.answer(text, key)
        if hidden:  # a message quotes what stands in the body, in some spelling
            violations = _hide(violations, hider.text, key)
            events = tuple(replace(e, violations=_hide(e.violations, hider.text, key), warnings=_hide(e.warnings, hider.text, key)) for e in events)
        path = request.raw_path or request.path
        full = f"{path}?{request.query}" if request.query else path
        return Call(
            0,
            clock.now(),
            workspace,
            request.method[:40],
            hider.path(full, key)[:FULL_PATH],
            hider.headers(tuple(request.headers), key),
            kept,
            answer.status,
            answer.code,
            accepted,
            fault,
            violations[: answers.LISTED],
            len(violations),
            b"" if answer.code is None else text,
            round((clock.monotonic() - began) * 1000, 3),
            events,
        )


def unrecorded(error: JournalUnwritableError) -> Outcome:
    """What is answered where nothing could be recorded: never a 200."""
    return Outcome(None, answers.refusal(error.status, error.code, str(error), headers=answers.CORS))


def broken(request: Request) -> Outcome:
    """What is answered where a part of ours failed before the call was on record. Called while the exception is handled."""
    status, code, message = _failure(request)
    return Outcome(None, answers.refusal(status, code, message, headers=answers.CORS))


def _failure(request: Request) -> Problem:
    """A bug of ours: the log has it, the answer has no word of it."""
    LOG.exception(  # noqa: LOG004 -- its callers handle one
        "mock-june failed on %s %s", printable(request.method), printable(request.path[:200])
    )
    return 500, answers.CODES[500], "mock-june failed on this request; the server's log says why; please report it"


def _delay(fault: Fault | None) -> float:
    return fault.delay or 0.0 if fault is not None else 0.0


def _no_key(request: Request) -> str:
    if request.header("authorization"):
        return "the API key in Authorization is not one that is taken here; send Authorization: Basic <API key> with a key that this fake was started with"
    return "there is no API key; send it as Authorization: Basic <API key> (or base64 of 'key:')"


def _event(event: Checked, contract: str, workspace: str | None, accepted: bool, kept: bytes | None) -> Event:
    """An event of the journal's. Where a key was hidden in the body, the payload is what stands there now."""
    payload = event.payload if kept is None else Raw(kept[event.start : event.stop])
    return Event(0, 0, "", workspace, contract, event.kind, accepted, payload, event.violations, event.warnings, (event.start, event.stop))


def _hide(violations: Sequence[Violation], text: Callable[[str, ApiKey | None], str], key: ApiKey | None) -> tuple[Violation, ...]:
    """Violations without a key in what they quote."""
    hidden: list[Violation] = []
    for v in violations:  # of each wrong event of a batch, so one without a key stays the very value that it was
        said = message, pointer, place = text(v.message, key), text(v.pointer, key), text(v.instance_location, key)
        same = said == (v.message, v.pointer, v.instance_location)
        hidden.append(v if same else replace(v, message=message, pointer=pointer, instance_location=place))
    return tuple(hidden)
