"""The demo that `make demo` runs: a fake June, the article's own payloads sent to it, six broken ones, and what it has to say of them.

Then the article's own programs, with June's address in them, unchanged. It uses nothing but what a user has: HTTP, the record that the fake keeps, `run`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from mock_june.cli.lines import call_line
from mock_june.client import MockJune

KEY = "secret_api_key"
HERE = Path(__file__).parent
AXIOS = HERE.parent / "tests" / "clients" / "node" / "node_modules"
"""Where `make demo` installs axios, which the article's samples for Node use."""

GOOD: list[tuple[str, dict[str, Any]]] = [
    ("identify", {"type": "identify", "userId": "1", "traits": {"name": "Elon Musk", "email": "elon@example.com", "plan": "pro", "logins": 1}}),
    ("group", {"type": "group", "groupId": "A", "userId": "1", "traits": {"name": "SpaceX"}}),
    (
        "track",
        {
            "type": "track",
            "event": "Registered",
            "userId": "1",
            "timestamp": "2021-02-24T01:19:38.931Z",
            "email": "elon@example.com",
            "properties": {"plan": "pro"},
        },
    ),
]
"""The samples of the article, with an address that is one."""

TRACK = GOOD[2][1]
BROKEN: list[tuple[str, dict[str, Any]]] = [
    ("track", {**TRACK, "timestamp": "2021-02-24T01:19:38.931"}),  # datetime.utcnow().isoformat()
    ("track", {**TRACK, "timestamp": 1614129578}),
    ("track", {**TRACK, "timestamp": "2021-02-30T10:00:00Z"}),
    ("track", {"type": "track", "event": "Registered", "user_id": "1", "timestamp": "2021-02-24T01:19:38Z"}),
    ("identify", {"type": "identify", "userId": 42}),
    ("group", {"type": "Group", "groupId": "A", "userId": "1", "traits": []}),
]


def main() -> int:
    """Runs the demo. Gives 0 when everything was answered as it should be."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 150)
    fake = subprocess.Popen(
        [sys.executable, "-m", "mock_june", "serve", "--port", "0"], stdout=subprocess.PIPE, text=True, env=os.environ | {"MOCK_JUNE_SERVE_KEY": KEY}
    )
    try:
        line = fake.stdout.readline() if fake.stdout else ""
        found = re.search(r"http://\S+", line)
        if found is None:
            console.print(f"the fake did not start: {line!r}")
            return 1
        url = found[0]
        console.print(f"[bold]A fake June[/] listens on {url}. Three payloads of the article, then six broken ones:\n")
        answered = [send(url, kind, payload) for kind, payload in GOOD + BROKEN]
        show(console, url)
    finally:
        fake.terminate()
        fake.wait(timeout=10)
    is_well = answered == [200] * len(GOOD) + [400] * len(BROKEN)
    return 0 if is_well and run_samples(console) else 1


def run_samples(console: Console) -> bool:
    """Runs the article's samples as they are. Gives whether all of their events were accepted."""
    console.print("\n[bold]The article's own programs[/], which send to https://api.june.so, unchanged:")
    samples = [("python", sys.executable, "article_sample.py")]
    if shutil.which("node") is not None and (AXIOS / "axios").is_dir():
        samples.append(("node", "node", "article_sample.cjs"))
    else:
        console.print("(that in Node is left out: Node or axios is not installed)")
    codes = []
    env = os.environ | {"NODE_PATH": str(AXIOS)}
    for name, program, sample in samples:
        console.print(f"\n$ mock-june run -- {name} examples/{sample}")
        asked = [sys.executable, "-m", "mock_june", "run", "--", program, str(HERE / sample)]
        codes.append(subprocess.run(asked, check=False, env=env).returncode)  # noqa: S603 - our own samples
    return not any(codes)


def send(url: str, kind: str, payload: dict[str, Any]) -> int:
    """Sends a payload as the article does. Gives the status that was answered."""
    return httpx.post(f"{url}/api/{kind}", json=payload, headers={"Authorization": f"Basic {KEY}"}, trust_env=False).status_code


def show(console: Console, url: str) -> None:
    """The record: each call, and under it what broke, why, and what to do."""
    with MockJune(url) as mock:
        for call in mock.calls():
            console.print(call_line(call))
            for violation in call.violations:
                console.print(Padding(Text.assemble((violation.message, "red"), "\n", (violation.hint, "dim")), (0, 0, 0, 13)))
        health = mock.health()
    console.print(f"\n[bold]{health.calls} calls[/], {health.calls - health.rejected} accepted, [red]{health.rejected} refused[/].")
    console.print("`mock-june rule track.timestamp.pattern` explains a rule at length.")


if __name__ == "__main__":
    sys.exit(main())
