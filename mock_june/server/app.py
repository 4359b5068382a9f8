"""The Flask application: every route, ingestion too, for any WSGI host. What needs the loop or the socket (a dropped connection) it answers as it can."""

from __future__ import annotations

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from mock_june import clock
from mock_june.contract import Engine
from mock_june.journal import Journal
from mock_june.server import admin, answers
from mock_june.server.answers import Answer
from mock_june.server.control.api import is_control
from mock_june.server.ingest import Ingest, Request
from mock_june.server.state import Mock

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


def create_app(mock: Mock | None = None, ingest: Ingest | None = None) -> Flask:
    """The whole fake as a WSGI application.

    Without `mock` it gets the full contract, any key, and a private journal that ends with the process: `flask --app mock_june.server run`.
    """
    if mock is None:
        mock = Mock(Engine(), Journal.open(None))
    taken = ingest or Ingest(mock)
    app = Flask("mock_june", static_folder=None)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.extensions["mock_june"] = mock

    def take(**_: str) -> Response:
        """One call, as the front takes it."""
        outcome = taken.handle(_request(mock))
        if outcome.delay:
            clock.sleep(outcome.delay)
        if outcome.drop is not None:
            return _response(answers.UNDROPPED)
        return _response(outcome.answer)

    app.add_url_rule("/<path:path>", "take", take, methods=METHODS, provide_automatic_options=False)
    app.register_blueprint(admin.blueprint(mock))

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        """Flask's own refusals, in the one shape; a method or a path (one with a newline in it) that no route takes is a call like any other."""
        if error.code in {404, 405} and not is_control(request.path):
            return take()
        status = error.code or 500
        allow = tuple(("allow", ", ".join(sorted(methods))) for methods in [getattr(error, "valid_methods", None)] if methods)
        return _response(answers.refusal(status, answers.CODES.get(status, "invalid_request"), error.description or error.name, headers=allow))

    @app.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        """A fault of ours: no traceback leaves the server."""
        app.logger.error("mock-june failed on %s %s", request.method, request.path, exc_info=error)
        return _response(answers.refusal(500, answers.CODES[500], "mock-june failed on this request; the server's log says why; please report it"))

    return app


def _request(mock: Mock) -> Request:
    """The request as Flask has it. A body over the limit is not read to its end."""
    limit = mock.settings.max_body
    length = request.content_length
    headers = [(name.lower(), value) for name, value in request.headers.items()]
    body, cut = (None, False) if length is not None and length > limit else _read(limit)
    path = str(request.environ["PATH_INFO"]).encode("latin-1").decode("utf-8", "replace")  # `request.path` makes one slash of several
    raw = str(request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or path).partition("?")[0]
    return Request(request.method, path, request.query_string.decode("latin-1"), headers, body, cut, raw if raw.startswith("/") else path)


def _read(limit: int) -> tuple[bytes | None, bool]:
    """The body, None if it is over the limit; and whether it ended early. One `read` may give a part of what is there."""
    request.max_content_length = None
    parts: list[bytes] = []
    size = 0
    try:
        while size <= limit and (part := request.stream.read(limit + 1 - size)):
            parts.append(part)
            size += len(part)
    except HTTPException:  # werkzeug's ClientDisconnected
        return b"".join(parts), True
    return (b"".join(parts), False) if size <= limit else (None, False)


def _response(answer: Answer) -> Response:
    response = Response(answer.body, answer.status)
    response.headers.clear()  # Flask says text/html of what has no type
    response.headers.extend(answer.headers)
    return response
