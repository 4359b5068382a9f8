"""Prism and WireMock, set up as fakes of the same three routes over the very same schema files.

They come from npm, into `.bench/`, and are left out where that fails.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.servers import BenchError, Kind

HOME = Path(__file__).parent.parent / ".bench"
SCHEMAS = Path(__file__).parent.parent / "schemas" / "backfill"
PACKAGES = ("@stoplight/prism-cli@5", "wiremock@3.13", "ajv@8")
"""The second has WireMock's standalone jar inside; the third is the peer of `mock-june check`."""

KINDS = ("identify", "group", "track")
SUCCESS = {"status": 200, "success": True}
REFUSED = {"status": 400, "success": False}
INSTALL_LIMIT = 300
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Prism:
    """Prism mocking an OpenAPI document. `quiet` is without its line or six of log a call, which it prints unless told not to."""

    quiet: bool = False

    @property
    def usual(self) -> bool:
        """It logs, unless told not to."""
        return not self.quiet

    @property
    def best(self) -> bool:
        """Silent."""
        return self.quiet

    @property
    def name(self) -> str:
        """Prism, by whether it logs."""
        return "Prism, silent" if self.quiet else "Prism"

    def version(self) -> str:
        """As npm installed it."""
        return _installed("@stoplight/prism-cli")

    def command(self, port: int, folder: Path) -> list[str]:
        """`prism mock` with its defaults, or silent."""
        document = folder / "openapi.json"
        document.write_text(json.dumps(_openapi()))
        level = ["--verboseLevel", "silent"] if self.quiet else []
        return ["node", str(HOME / "node_modules/.bin/prism"), "mock", "--host", "127.0.0.1", "--port", str(port), *level, str(document)]


@dataclass(frozen=True, slots=True)
class WireMock:
    """WireMock with a stub a route whose body must match the schema, and one that refuses the rest.

    `journal` False is without the record of requests that it keeps in memory.
    """

    journal: bool = True

    @property
    def usual(self) -> bool:
        """It records, as we do."""
        return self.journal

    @property
    def best(self) -> bool:
        """Both: with a record it does what we do, without one it is faster."""
        return True

    @property
    def name(self) -> str:
        """WireMock, by whether it records."""
        return "WireMock" if self.journal else "WireMock, no journal"

    def version(self) -> str:
        """As npm installed it."""
        return _installed("wiremock")

    def command(self, port: int, folder: Path) -> list[str]:
        """The standalone jar with its defaults, on the loopback."""
        _write_stubs(folder / "mappings")
        jar = next((HOME / "node_modules/wiremock/build").glob("*.jar"))
        options = ["--port", str(port), "--bind-address", "127.0.0.1", "--root-dir", str(folder), "--disable-banner"]
        return ["java", "-jar", str(jar), *options, *([] if self.journal else ["--no-request-journal"])]


def ready(say: Callable[[str], None]) -> list[Kind]:
    """The peers that this machine can run, installed. Says which it cannot, and why."""
    kinds: list[Kind] = []
    try:
        _install()
    except BenchError as error:
        say(f"without peers: {error}")
        return kinds
    kinds += [Prism(), Prism(quiet=True)]
    if shutil.which("java") is None:
        say("without WireMock: java is not here")
    else:
        kinds += [WireMock(), WireMock(journal=False)]
    return kinds


def _install() -> None:
    """Puts npm's packages into `.bench/`, once."""
    if (HOME / ".ready").exists():
        return
    if shutil.which("npm") is None:
        raise BenchError("npm is not here")
    HOME.mkdir(exist_ok=True)
    (HOME / "package.json").write_text('{"private": true}\n')
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", *PACKAGES]
    try:
        subprocess.run(command, cwd=HOME, check=True, capture_output=True, timeout=INSTALL_LIMIT)  # noqa: S603  # our own command
    except (subprocess.SubprocessError, OSError) as error:
        raise BenchError(f"npm could not install {' '.join(PACKAGES)}: {error}") from error
    (HOME / ".ready").touch()


def _installed(package: str) -> str:
    version: str = json.loads((HOME / "node_modules" / package / "package.json").read_text())["version"]
    return version


@cache
def _schema(kind: str) -> Any:
    return json.loads((SCHEMAS / f"{kind}.json").read_text(encoding="utf-8"))


def _openapi() -> dict[str, Any]:
    """The three routes for Prism: the schema, a key in `Authorization`, an example for each answer."""

    def answer(example: dict[str, Any]) -> dict[str, Any]:
        return {"description": "an answer", "content": {"application/json": {"schema": {"type": "object"}, "example": example}}}

    def route(kind: str) -> dict[str, Any]:
        body = {"required": True, "content": {"application/json": {"schema": _schema(kind)}}}
        return {"post": {"security": [{"key": []}], "requestBody": body, "responses": {"200": answer(SUCCESS), "400": answer(REFUSED)}}}

    return {
        "openapi": "3.1.0",
        "info": {"title": "June", "version": "1"},
        "paths": {f"/api/{kind}": route(kind) for kind in KINDS},
        "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "Authorization"}}},
    }


def _write_stubs(folder: Path) -> None:
    """WireMock's stubs: a good body of each kind, else 400."""
    folder.mkdir()
    json_type = {"Content-Type": "application/json"}
    for kind in KINDS:
        request = {
            "method": "POST",
            "urlPath": f"/api/{kind}",
            "headers": {"Authorization": {"matches": "(?i)basic .+"}},
            "bodyPatterns": [{"matchesJsonSchema": _schema(kind), "schemaVersion": "V202012"}],
        }
        stub = {"priority": 1, "request": request, "response": {"status": 200, "jsonBody": SUCCESS, "headers": json_type}}
        (folder / f"{kind}.json").write_text(json.dumps(stub))
    refusal = {"status": 400, "jsonBody": REFUSED, "headers": json_type}
    (folder / "refused.json").write_text(json.dumps({"priority": 9, "request": {"method": "POST", "urlPathPattern": "/api/.*"}, "response": refusal}))
