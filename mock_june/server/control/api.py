"""The control API without a framework: a request in, an answer out, or what becomes one bit by bit. Flask's blueprint and the event loop both call `handle`."""

from __future__ import annotations

import logging
import re
from dataclasses import replace

from mock_june import __version__, clock, wire
from mock_june.contract import schemas
from mock_june.errors import MockJuneError
from mock_june.model import KINDS
from mock_june.server import faults, page
from mock_june.server.answers import CODES, Answer, Headers, json_answer, refusal
from mock_june.server.control import access, export, looks, openapi, query
from mock_june.server.control.asked import Asked, Handler, Live, Outcome, Streamed
from mock_june.server.control.feeds import EVENT_STREAM, Counts, Poll, Stream
from mock_june.server.ingest import Request
from mock_june.server.state import Mock
from mock_june.text import printable

LOG = logging.getLogger("mock_june.server")

MOST_BODY = 1 << 20
"""Bytes of a control request's body."""

ALWAYS: Headers = (
    ("cache-control", "no-store"),
    ("content-security-policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
)
"""Stand on every control answer, refused or not. No CORS header ever does: no page of another origin reads these."""


def is_control(path: str) -> bool:
    """Whether a path is ours and not the API's: the control API, the page and what a browser asks for beside it."""
    return path.startswith("/_mock/") or path in {"/", "/_mock", "/openapi.json", "/favicon.ico"}


def handle(mock: Mock, request: Request) -> Outcome:
    """One control request. Never raises for what a client can send."""
    outcome = _answered(mock, request)
    if isinstance(outcome, Answer):
        return dressed(outcome)
    if request.method == "HEAD" and isinstance(outcome, (Live, Streamed)):
        return Answer(200, b"", outcome.headers)
    return outcome


def refused_by(error: MockJuneError) -> Answer:
    """The refusal that an error means."""
    return refusal(error.status, error.code, str(error))


def dressed(answer: Answer) -> Answer:
    """The answer with what every control answer carries, unless it says otherwise itself."""
    own = {name for name, _ in answer.headers}
    return replace(answer, headers=answer.headers + tuple(header for header in ALWAYS if header[0] not in own))


def _answered(mock: Mock, request: Request) -> Outcome:
    path = request.path.removesuffix("/") or "/"
    unbelieved = access.guard(mock, request.headers, public=path in PUBLIC or path.startswith(page.FOLDER))
    if unbelieved is not None:
        return unbelieved
    if request.body is None or len(request.body) > MOST_BODY:
        return refusal(413, CODES[413], f"the body of a control request has at most {MOST_BODY} bytes")
    methods, parts = _find(path)
    if methods is None:
        return refusal(404, CODES[404], "there is nothing here; GET / lists what the control API has")
    handler = methods.get("GET" if request.method == "HEAD" else request.method)
    if handler is None:
        good = ", ".join(allowed(methods))
        return refusal(405, CODES[405], f"this path takes {good}", headers=(("allow", good),))
    try:
        return handler(Asked(mock, request, access.workspace(mock, request.headers), parts))
    except MockJuneError as error:
        return refused_by(error)
    except Exception:
        LOG.exception("mock-june failed on %s %s", request.method, printable(request.path))
        return refusal(500, CODES[500], "mock-june failed on this request; the server's log says why; please report it")


def allowed(methods: dict[str, Handler]) -> list[str]:
    """The methods of a path, HEAD too where GET is."""
    return sorted({*methods, "HEAD"} if "GET" in methods else methods)


def _find(path: str) -> tuple[dict[str, Handler] | None, tuple[str, ...]]:
    for pattern, methods in _PATTERNS:
        match = pattern.fullmatch(path)
        if match is not None:
            return methods, match.groups()
    return None, ()


def _health(asked: Asked) -> Outcome:
    query.nothing(asked.request.query)
    totals = asked.mock.journal.totals(asked.workspace)
    return json_answer(
        {
            "status": "ok",
            "version": __version__,
            "rules_hash": asked.mock.engine.rules_hash,
            "uptime_s": round(clock.monotonic() - asked.mock.started, 3),
            **wire.totals(totals),
            "last_call": asked.mock.journal.last_id,
            "journal": asked.mock.journal.id,
        }
    )


def _calls(asked: Asked) -> Outcome:
    return Poll(asked.mock.journal, "calls", _listing(asked))


def _events(asked: Asked) -> Outcome:
    return Poll(asked.mock.journal, "events", _listing(asked))


def _listing(asked: Asked) -> query.Question:
    question = query.listing(asked.request.query, asked.workspace)
    return replace(question, wait=0.0) if asked.request.method == "HEAD" else question


def _delete_calls(asked: Asked) -> Outcome:
    return json_answer({"deleted": asked.mock.journal.delete(asked.scope)})


def _reset(asked: Asked) -> Outcome:
    asked.mock.reset(asked.scope)
    return json_answer({"status": "ok"})


def _faults(asked: Asked) -> Outcome:
    return json_answer({"faults": [wire.fault(fault) for fault in asked.mock.faults.planned(asked.scope)]})


def _plan(asked: Asked) -> Outcome:
    planned = asked.mock.faults.plan(faults.parse(asked.json, asked.scope))
    return json_answer({"faults": [wire.fault(fault) for fault in planned]})


def _clear_faults(asked: Asked) -> Outcome:
    return json_answer({"deleted": asked.mock.faults.clear(asked.scope)})


def _drop_fault(asked: Asked) -> Outcome:
    number, scope = asked.number(), asked.scope
    if not asked.mock.faults.drop(number, scope):
        return refusal(404, CODES[404], f"there is no fault {number} planned" + (" for this workspace" if scope else ""))
    return json_answer({"deleted": 1})


def _stream(asked: Asked) -> Outcome:
    question = query.stream(asked.request.query, asked.request.header("last-event-id"), asked.workspace)
    if asked.request.header("x-mock-june-journal") not in {"", asked.mock.journal.id}:
        question = replace(question, after=0)  # the cursor is of a journal that is no more: all of this one is new
    _probe(asked.mock, question)
    feed = Counts if question.form == "counts" else Stream
    return Live(EVENT_STREAM + ALWAYS, feed(asked.mock.journal, question))


def _export(asked: Asked) -> Outcome:
    question = query.export(asked.request.query, asked.workspace)
    _probe(asked.mock, question)
    settings = asked.mock.settings
    authority = asked.request.header("host") or f"{settings.host}:{settings.port}"
    name = (("content-disposition", f'attachment; filename="mock-june.{question.format}"'),)
    headers = (("content-type", export.TYPES[question.format]), *name, *ALWAYS)
    return Streamed(headers, export.chunks(asked.mock.journal, question, authority, settings.scheme))


def _probe(mock: Mock, question: query.Question) -> None:
    """Asks once, so that a filter which the journal refuses is refused while the answer's status is still open."""
    mock.journal.count_calls(question.where, mock.journal.last_id, 1)


def _schema(asked: Asked) -> Outcome:
    query.nothing(asked.request.query)
    contract, kind = asked.parts
    if contract not in KINDS or kind not in schemas.names(contract):
        names = ", ".join(f"{contract}/{kind}" for contract in KINDS for kind in schemas.names(contract))
        return refusal(404, CODES[404], f"there is no such schema; there are {names}")
    return Answer(200, (schemas.folder() / contract / f"{kind}.json").read_bytes())


def _openapi(asked: Asked) -> Outcome:
    query.nothing(asked.request.query)
    return json_answer(openapi.document(asked.mock.engine))


def _page(_: Asked) -> Outcome:
    return page.asset("index.html") or refusal(404, CODES[404], "the page is not installed; install mock-june anew")


def _asset(asked: Asked) -> Outcome:
    return page.asset(asked.parts[0]) or refusal(404, CODES[404], "the page has no such file")


def _icon(_: Asked) -> Outcome:
    return Answer(204, b"", ())


PUBLIC = frozenset({"/", "/favicon.ico"})
"""What shows no data, so that a browser, which sends no token of its own accord, can open the page."""

ROUTES: dict[str, dict[str, Handler]] = {
    "/": {"GET": _page},
    "/favicon.ico": {"GET": _icon},
    f"{page.FOLDER}<file>": {"GET": _asset},
    "/openapi.json": {"GET": _openapi},
    "/_mock/health": {"GET": _health},
    "/_mock/calls": {"GET": _calls, "DELETE": _delete_calls},
    "/_mock/calls/<id>": {"GET": looks.call},
    "/_mock/calls/<id>/body": {"GET": looks.body},
    "/_mock/events": {"GET": _events},
    "/_mock/events/<id>": {"GET": looks.event},
    "/_mock/events/<id>/payload": {"GET": looks.payload},
    "/_mock/events/<id>/fix": {"GET": looks.fix},
    "/_mock/entries": {"GET": looks.entries},
    "/_mock/stats": {"GET": looks.stats},
    "/_mock/workspaces": {"GET": looks.workspaces},
    "/_mock/reset": {"POST": _reset},
    "/_mock/faults": {"GET": _faults, "POST": _plan, "DELETE": _clear_faults},
    "/_mock/faults/<id>": {"DELETE": _drop_fault},
    "/_mock/stream": {"GET": _stream},
    "/_mock/export": {"GET": _export},
    "/_mock/rules/<rule>": {"GET": looks.rule},
    "/_mock/schemas/<contract>/<kind>.json": {"GET": _schema},
}
"""Every path of the control API, as Flask writes paths, and what answers each method."""

_PATTERNS = [(re.compile(re.sub(r"<\w+>", "([^/]+)", re.escape(path).replace(r"\<", "<").replace(r"\>", ">"))), methods) for path, methods in ROUTES.items()]
