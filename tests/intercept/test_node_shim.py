"""The shim of Node by itself: which connections it leads to the relay, however they are asked for."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mock_june.intercept.environment import SHIMS

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")

PROGRAM = """
const net = require('node:net')
const { once } = require('node:events')
const asked = eval(process.argv[1])
;(async () => {
  const told = []
  for (const open of asked) {
    try {
      const socket = open()
      socket.setTimeout(1000, () => socket.destroy(new Error('silent')))
      await once(socket, 'connect')
      told.push(socket.remotePort)
      socket.destroy()
    } catch (error) {
      told.push(error.code ?? error.message)
    }
  }
  console.log(JSON.stringify(told))
  process.exit()
})()
"""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A port where somebody takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, args=(server,), daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def accept(server: socket.socket) -> None:
    """Takes connections until the end."""
    while True:
        try:
            server.accept()[0].close()
        except OSError:
            return


def ports(port: int, *opened: str, carry: bool = False, relay: bool = True) -> list[Any]:
    """The port that each of these connections came to, or its error."""
    env = {"PATH": os.environ["PATH"], "NODE_OPTIONS": f"--require {SHIMS / 'node' / 'june.cjs'}", "MOCK_JUNE_CARRY": "1" if carry else ""}
    if relay:
        env["MOCK_JUNE_RELAY"] = f"127.0.0.1:{port}"
    asked = ["node", "-e", PROGRAM, f"[{', '.join(f'() => {each}' for each in opened)}]"]
    ended = subprocess.run(asked, capture_output=True, text=True, env=env, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    told: list[Any] = json.loads(ended.stdout)
    return told


def test_every_way_to_ask(port: int):
    """A connection to June goes to the relay by options, by port and host, with a listener or without, from a socket made before, in any spelling."""
    opened = (
        "net.connect({ host: 'api.june.so', port: 443 })",
        "net.connect({ host: 'api.june.so', port: '443', lookup: () => { throw new Error('asked for a name') } })",
        "net.connect(443, 'api.june.so')",
        "net.connect(443, 'api.june.so', () => {})",
        "net.createConnection('443', 'API.June.So.')",
        "new net.Socket().connect(443, 'api.june.so')",
        "new net.Socket().connect({ host: 'api.june.so', port: 80, localAddress: '203.0.113.1' }, () => {})",
    )
    assert ports(port, *opened) == [port] * len(opened)


def test_june_and_segment_alone(port: int, tmp_path: Path):
    """Other hosts of june.so and Segment's go there too, to be refused; others, names that only look alike, pipes and this machine do not."""
    listener = tmp_path / "pipe"
    opened = (
        "net.connect(443, 'cdn.june.so')",
        "net.connect(443, 'api.segment.io')",
        f"net.connect({port}, '127.0.0.1')",
        f"net.connect({port})",
        "net.connect(1, 'notjune.so.invalid')",
        f"net.connect('{listener}')",
    )
    assert ports(port, *opened) == [port, port, port, port, "ENOTFOUND", "ENOENT"]


def test_carrying(port: int):
    """Under the guard ports 80 and 443 of every other host go to the relay, those of this machine and all other ports do not."""
    opened = ("net.connect(443, 'other.invalid')", "net.connect(80, '203.0.113.1')", "net.connect(442, 'other.invalid')", "net.connect(443, '127.0.0.2')")
    assert ports(port, *opened, carry=True) == [port, port, "ENOTFOUND", "ECONNREFUSED"]
    assert ports(port, opened[0]) == ["ENOTFOUND"]


def test_without_a_relay(port: int):
    """A Node that is told of no relay is as it was."""
    assert ports(port, "net.connect(443, 'api.june.so.invalid')", f"net.connect({port})", relay=False) == ["ENOTFOUND", port]
