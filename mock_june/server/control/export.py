"""The record as a file: payloads as JSON Lines, calls as HAR 1.2. Made in steps, as fast as the reader takes them; what is recorded meanwhile is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, quote

from mock_june import __version__, wire
from mock_june.journal import Journal
from mock_june.model import Call, Event
from mock_june.server.control.feeds import Reader, one_line
from mock_june.server.control.query import Question

TYPES = {"jsonl": "application/x-ndjson", "har": "application/json"}
AUTHORITY = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?\Z")


def chunks(journal: Journal, question: Question, authority: str, scheme: str = "http") -> Iterator[bytes]:
    """The export in its format. `authority` is the server's own host and port, for calls that name none that could stand in a URL."""
    last = journal.last_id
    return _har(journal, question, authority, scheme, last) if question.format == "har" else _lines(journal, question, last)


def _lines(journal: Journal, question: Question, last: int) -> Iterator[bytes]:
    """One payload a line, as it came (keys hidden), so that the file can be checked, and sent, again. Whether it was accepted is for the filter to say."""
    reader = Reader(journal.events, question.where, question.after or 0)
    while not reader.at_end:
        events = [event for event in reader.step() if event.call <= last]
        if not events:
            return
        yield b"".join(one_line(_payload(event)) + b"\n" for event in events)


def _payload(event: Event) -> bytes:
    return event.payload if isinstance(event.payload, bytes) else wire.dumps(event.payload)


def _har(journal: Journal, question: Question, authority: str, scheme: str, last: int) -> Iterator[bytes]:
    creator = wire.dumps({"name": "mock-june", "version": __version__})
    yield b'{"log":{"version":"1.2","creator":%b,"entries":[' % creator
    reader = Reader(journal.calls, question.where, question.after or 0)
    comma = b""
    while not reader.at_end:
        calls = [call for call in reader.step() if call.id <= last]
        if not calls:
            break
        yield comma + b",\n".join(wire.dumps(entry(call, authority, scheme)) for call in calls)
        comma = b",\n"
    yield b"]}}\n"


def entry(call: Call, authority: str, scheme: str = "http") -> dict[str, Any]:
    """One call as an entry of HAR 1.2. Members of our own begin with an underscore, as the format asks."""
    headers = wire.headers(call.headers)
    host = headers.get("host", "")
    query = call.path.partition("?")[2]
    answer = call.answer or wire.SUCCESS  # which is kept for no call
    request: dict[str, Any] = {
        "method": call.method,
        "url": f"{scheme}://{host if AUTHORITY.match(host) else authority}{quote(call.path, safe=_IN_URL)}",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(call.headers),
        "queryString": _pairs(parse_qsl(query, keep_blank_values=True)),
        "headersSize": -1,
        "bodySize": len(call.body),
    }
    if call.body:
        request["postData"] = {"mimeType": headers.get("content-type", ""), "text": call.body.decode("utf-8", "backslashreplace")}
    return {
        "startedDateTime": call.at,
        "time": call.duration_ms,
        "request": request,
        "response": {
            "status": call.status,
            "statusText": _REASONS.get(call.status, ""),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _pairs((("content-type", "application/json"),)),
            "content": {"size": len(answer), "mimeType": "application/json", "text": answer.decode("utf-8", "replace")},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": len(answer),
        },
        "cache": {},
        "timings": {"send": 0, "wait": call.duration_ms, "receive": 0},
        "_mock_june": {
            "id": call.id,
            "workspace": call.workspace,
            "accepted": call.accepted,
            "code": call.code,
            "fault": None if call.fault is None else wire.fault(call.fault),
            "violations": [wire.violation(v) for v in call.violations],
        },
    }


_IN_URL = "/?&=%:@!$'()*+,;~-._"
"""What stands in a path and a query as it is (RFC 3986 section 3.3)."""

_REASONS = {status.value: status.phrase for status in HTTPStatus}


def _pairs(pairs: Any) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]
