"""`mock-june run` in a process of its own, and what is left of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"
TIMEOUT = 120
NAMESPACE = ("unshare", "--map-root-user", "--mount", "--net")
COMMAND = (sys.executable, "-m", "mock_june", "run")

POST = """
import json, sys, urllib.request
payload = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {"type": "identify", "userId": "1"}
headers = {"Authorization": "Basic secret_api_key", "Content-Type": "application/json"}
request = urllib.request.Request("https://api.june.so/api/" + payload.get("type", "track").lower(), json.dumps(payload).encode(), headers)
try:
    print(urllib.request.urlopen(request, timeout=10).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""


@dataclass(frozen=True)
class Ended:
    """A run that is over: its exit code, what was printed, the payloads that it exported."""

    code: int
    out: str
    err: str
    payloads: list[dict[str, Any]]


def environment(**more: str) -> dict[str, str]:
    """This process's environment without what would set options, and without other proxies."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MOCK_JUNE_") and not name.lower().endswith("_proxy")}
    return kept | more


def run(
    *command: str | Path,
    options: tuple[str, ...] = (),
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    before: tuple[str | Path, ...] = (),
    export: Path | None = None,
    stdin: str | None = None,
) -> Ended:
    """Runs a command to its end. `before` is a command that `mock-june run` itself is run by."""
    asked = [*before, *COMMAND, *options, *(() if export is None else ("--export", export)), "--", *command]
    given = environment() if env is None else env
    ended = subprocess.run([str(each) for each in asked], capture_output=True, text=True, timeout=TIMEOUT, check=False, cwd=cwd, env=given, input=stdin)
    payloads = [] if export is None or not export.exists() else [json.loads(line) for line in export.read_text("utf-8").splitlines()]
    return Ended(ended.returncode, ended.stdout, ended.stderr, payloads)


@cache
def no_network() -> str:
    """Why no network of its own, with a stand-in for June in it, can be had here; empty where it can."""
    if sys.platform != "linux" or not all(map(shutil.which, ("unshare", "ip", "mount"))):
        return "there is no unshare, ip or mount here"
    tried = subprocess.run([*NAMESPACE, "ip", "link", "set", "lo", "up"], capture_output=True, text=True, check=False)
    return f"no network of its own can be had here: {tried.stderr.strip()}" if tried.returncode else ""


def seen(*command: str | Path, cwd: Path = HERE) -> dict[str, Any]:
    """Runs a command where June is the stand-in. Gives its `code`, `out` and `err`, and the connections, `count`, by `june:443` and the like."""
    asked = [*NAMESPACE, sys.executable, PROGRAMS / "stand_in.py", *command]
    ended = subprocess.run([str(each) for each in asked], capture_output=True, text=True, check=False, env=environment(), timeout=TIMEOUT, cwd=cwd)
    assert ended.returncode == 0, ended.stderr
    told: dict[str, Any] = json.loads(ended.stdout)
    return told


def run_watched(*command: str | Path, export: Path, cwd: Path) -> tuple[Ended, dict[str, int] | None]:
    """Runs a command to its end where June is the stand-in, if there can be one. Gives the connections that came to it; None where there is none."""
    if no_network():
        return run(*command, export=export, cwd=cwd), None
    told = seen(*COMMAND, "--export", export, "--", *command, cwd=cwd)
    return Ended(told["code"], told["out"], told["err"], [json.loads(line) for line in export.read_text("utf-8").splitlines()]), told["count"]


def post(payload: Any = None) -> tuple[str, ...]:
    """A command that sends one payload by urllib, and prints the status."""
    return (sys.executable, "-c", POST, *(() if payload is None else (json.dumps(payload),)))
