"""The control API as a Flask blueprint. Flask finds the path and reads the request; `control` answers it."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from mock_june.server.answers import Answer
from mock_june.server.control import api, live
from mock_june.server.control.asked import Live, Streamed
from mock_june.server.ingest import Request
from mock_june.server.state import Mock

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


def blueprint(mock: Mock) -> Blueprint:
    """Every route of the control API, and a refusal in our shape for whatever else lies below `/_mock`."""
    routes = Blueprint("control", __name__)

    def answer(**_: str) -> Response:
        """One control request."""
        outcome = api.handle(mock, _asked())
        if isinstance(outcome, Live):
            return _streamed(outcome.headers, live.chunks(mock.journal, outcome.stream))
        if isinstance(outcome, Streamed):
            return _streamed(outcome.headers, outcome.chunks)
        if not isinstance(outcome, Answer):
            outcome = live.wait(outcome)
        return Response(outcome.body, outcome.status, list(outcome.headers))

    for path in api.ROUTES:
        # OPTIONS too comes here: Flask's own answer would be a 200, ours is a 405 without a CORS header.
        routes.add_url_rule(path, "answer", answer, methods=METHODS, provide_automatic_options=False)
    routes.add_url_rule("/_mock", "answer", answer, methods=METHODS, provide_automatic_options=False)
    routes.add_url_rule("/_mock/<path:rest>", "answer", answer, methods=METHODS, provide_automatic_options=False)
    return routes


def _asked() -> Request:
    """The request as Flask has it. A body over the limit is not read to its end."""
    headers = [(name.lower(), value) for name, value in request.headers.items()]
    body: bytes | None = None
    if request.content_length is None or request.content_length <= api.MOST_BODY:
        request.max_content_length = None
        try:
            body = request.stream.read(api.MOST_BODY + 1)
        except HTTPException:  # werkzeug's ClientDisconnected: nobody is there to read the answer
            body = None
    return Request(request.method, request.path, request.query_string.decode("latin-1"), headers, body)


def _streamed(headers: tuple[tuple[str, str], ...], chunks: Iterator[bytes]) -> Response:
    return Response(chunks, 200, list(headers))
