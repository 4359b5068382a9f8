"""The fake June over HTTP. `create_app` is the Flask application; `flask --app mock_june.server run` runs it on any WSGI host."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from mock_june.server.state import Mock

__all__ = ["create_app"]


def create_app(mock: Mock | None = None) -> Flask:
    """The whole fake as a Flask application, see `mock_june.server.app.create_app`. Flask is imported only here, so that a fake starts without it."""
    from mock_june.server.app import create_app as create  # noqa: PLC0415

    return create(mock)
