"""`mock-june openapi`."""

from __future__ import annotations

import json

from mock_june.contract import Engine
from mock_june.server.control.openapi import document


def test_document(run):
    """What is printed is the server's own document, as JSON."""
    code, out, err = run("openapi")
    assert (code, err) == (0, "")
    assert json.loads(out) == json.loads(json.dumps(document(Engine())))


def test_version(run):
    """It says that it is OpenAPI 3.1."""
    assert json.loads(run("openapi").out)["openapi"].startswith("3.1.")
