"""Unmodified programs with https://api.june.so in them, in many languages and by many clients, under `mock-june run`."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.intercept.running import HERE, PROGRAMS, Ended, no_network, run_watched

NODE = HERE / "node"
Watched = tuple[Ended, dict[str, int] | None]
"""A run that is over, and the connections that a stand-in for June has seen; None where there can be none."""

HEADERS = ("Authorization: Basic secret_api_key", "Content-Type: application/json")
URL = "https://api.june.so/api/identify"

OTHERS = {
    "curl": "curl -fsS {headers} -d {body} {url}",
    "wget": "wget -qO- {headers} --post-data {body} {url}",
    "ruby": "ruby client.rb {name}",
    "php": "php client.php {name}",
    "go": "{built}/client {name}",
    "java.HttpClient": "java -cp {built} Client {name}",
    "java.HttpURLConnection": "java -cp {built} Client {name}",
}
"""A client that is no module of Python's or Node's, and the shell's line that sends one event with it. The first word, or `go` and `java`, is what it needs."""

BUILDS = {"go": ("go", "build", "-o", "{built}/client", "client.go"), "java": ("javac", "-d", "{built}", "Client.java")}


def names(program: Path, pattern: str) -> list[str]:
    """The clients that a program lists, in its order."""
    table = program.read_text("utf-8").partition("CLIENTS")[2]
    return re.findall(pattern, table, re.MULTILINE)


PYTHON_CLIENTS = names(PROGRAMS / "clients.py", r'^    "([^"]+)": by_')
NODE_CLIENTS = names(NODE / "clients.mjs", r"^  '([^']+)': ")


def assert_sent(watched: Watched, name: str) -> None:
    """The client met no error, and the one event that carries its name came."""
    ended, _ = watched
    told = {each["client"]: each["error"] for each in map(json.loads, ended.out.splitlines())}
    assert told[name] is None, f"{told[name]}\n{ended.err}"
    assert [payload["userId"] for payload in ended.payloads].count(name) == 1, ended.err


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> Watched:
    """All of Python's clients, one after the other in one process."""
    folder = tmp_path_factory.mktemp("python")
    return run_watched(sys.executable, "-W", "ignore", PROGRAMS / "clients.py", export=folder / "events.jsonl", cwd=folder)


@pytest.fixture(scope="module")
def node(tmp_path_factory) -> Watched:
    """All of Node's."""
    if shutil.which("node") is None:
        pytest.skip("Node is not installed")
    if not (NODE / "node_modules").exists():
        pytest.skip("the Node packages are not installed: `make test` does so where npm is")
    return run_watched("node", "clients.mjs", cwd=NODE, export=tmp_path_factory.mktemp("node") / "events.jsonl")


def needs(name: str) -> str:
    """The program that a client of OTHERS is, or is run by."""
    return name.partition(".")[0]


@pytest.fixture(scope="module")
def others(tmp_path_factory) -> Watched:
    """What is there of the others, each in a process of its own."""
    folder = tmp_path_factory.mktemp("others")
    there = [name for name in OTHERS if shutil.which(needs(name))]
    for language, build in BUILDS.items():
        if shutil.which(build[0]) is None:
            there = [name for name in there if needs(name) != language]
        elif language in map(needs, there):
            environment = os.environ | {"GO111MODULE": "off", "GOCACHE": str(folder / "cache")}
            subprocess.run([word.format(built=folder) for word in build], check=True, cwd=PROGRAMS, env=environment, timeout=120)
    lines = []
    for name in there:
        body = shlex.quote(json.dumps({"type": "identify", "userId": name}))
        option = "-H" if name == "curl" else "--header"
        line = OTHERS[name].format(name=name, built=folder, url=URL, body=body, headers=" ".join(f"{option} {shlex.quote(each)}" for each in HEADERS))
        told = json.dumps({"client": name, "error": None})
        lines.append(f"""if {line} >&2; then echo {shlex.quote(told)}; else echo {shlex.quote(told.replace("null", '"failed"'))}; fi""")
    return run_watched("sh", "-c", "\n".join(lines), cwd=PROGRAMS, export=folder / "events.jsonl")


@pytest.mark.parametrize("client", PYTHON_CLIENTS)
def test_python(python: Watched, client: str):
    """An event that a client of Python's sends to June lands in the fake, and the client sees June's success."""
    assert_sent(python, client)


@pytest.mark.parametrize("client", NODE_CLIENTS)
def test_node(node: Watched, client: str):
    """An event that a client of Node's sends to June lands in the fake, and the client sees June's success."""
    assert_sent(node, client)


@pytest.mark.parametrize("client", OTHERS)
def test_other(request: pytest.FixtureRequest, client: str):
    """An event that a program in another language sends to June lands in the fake, and the program sees June's success."""
    if shutil.which(needs(client)) is None:
        pytest.skip(f"{needs(client)} is not installed")
    assert_sent(request.getfixturevalue("others"), client)


def test_all_clients_are_asked():
    """Each client that the programs list is a test of its own here."""
    listed = ast.parse((PROGRAMS / "clients.py").read_text("utf-8"))
    table = next(node.value for node in listed.body if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "CLIENTS")
    assert [key.value for key in table.keys] == PYTHON_CLIENTS
    assert len(NODE_CLIENTS) == 11


@pytest.mark.parametrize("runtime", ["python", "node", "others"])
def test_nothing_leaks(request: pytest.FixtureRequest, runtime: str):
    """Of all these clients none makes a connection to the real host, and a run in which they sent nothing but good events ends with 0."""
    ended, count = request.getfixturevalue(runtime)
    assert ended.code == 0, ended.err
    if count is None:
        pytest.skip(no_network())
    assert count == {}
