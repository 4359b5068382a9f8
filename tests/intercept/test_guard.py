"""The guard, in processes of its own: what it takes away, nothing gives back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from mock_june.intercept import guard
from tests.intercept.running import PROGRAMS

pytestmark = pytest.mark.skipif(not guard.available(), reason="this kernel has no Landlock with rules for the network")

BEGIN = """
import errno, json, os, socket, subprocess, sys, threading
from mock_june.intercept import guard

def reach(port, family=socket.AF_INET, host="127.0.0.1"):
    "None for a connection, else the name of its error."
    with socket.socket(family) as sock:
        sock.settimeout(5)
        try:
            sock.connect((host, port))
        except OSError as error:
            return errno.errorcode[error.errno]

listener = socket.create_server(("127.0.0.1", 0))
port = listener.getsockname()[1]
"""
REACH = "import errno, socket, sys; s = socket.socket(); e = s.connect_ex(('127.0.0.1', int(sys.argv[1]))); print(errno.errorcode.get(e))"


def said(program: str, *before: str) -> Any:
    """What a program prints as JSON, which begins with BEGIN."""
    ended = subprocess.run([*before, sys.executable, "-c", BEGIN + program], capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_two_ports_are_closed():
    """A guarded process reaches neither port 80 nor 443 of any host, by IPv4 or IPv6; all other ports are as they were."""
    program = """
guard.restrict()
six = socket.AF_INET6
closed = [reach(80), reach(443), reach(443, six, "::1"), reach(443, six, "::ffff:127.0.0.1")]
print(json.dumps([*closed, reach(port), reach(79), reach(81), reach(442), reach(444)]))
"""
    assert said(program) == ["EACCES"] * 4 + [None] + ["ECONNREFUSED"] * 4


def test_children_inherit_it():
    """What a guarded process starts is guarded too, however it is started, with an empty environment and in a session of its own as well."""
    program = f"""
guard.restrict()
asked = [sys.executable, "-c", {REACH!r}, "443"]
ways = [asked, ["env", "-i", *asked], ["setsid", *asked], ["sh", "-c", f"env -i {{sys.executable}} -c \\"$0\\" 443 & wait", {REACH!r}]]
print(json.dumps([subprocess.run(way, capture_output=True, text=True).stdout.strip() for way in ways]))
"""
    assert said(program) == ["EACCES"] * 4


def test_other_threads_are_free():
    """Only the thread that asks is guarded: those that were there before go on as they were."""
    program = """
seen = []
thread = threading.Thread(target=lambda: (guard.restrict(), seen.append(reach(443))))
thread.start()
thread.join()
print(json.dumps([*seen, reach(443)]))
"""
    assert said(program) == ["EACCES", "ECONNREFUSED"]


def test_files_are_as_they_were(tmp_path):
    """The guard takes nothing away from files: a guarded process makes, links and moves them between folders as before."""
    program = f"""
from pathlib import Path
guard.restrict()
one, two = Path({str(tmp_path)!r}, "one"), Path({str(tmp_path)!r}, "two")
one.mkdir(); two.mkdir()
(one / "file").write_text("x")
os.link(one / "file", two / "link")
os.rename(one / "file", two / "file")
print(json.dumps(sorted(path.name for path in two.iterdir())))
"""
    assert said(program) == ["file", "link"]


def test_listening_and_udp_are_as_they_were():
    """A guarded process listens where it likes, and sends by UDP, which Landlock does not know."""
    program = """
guard.restrict()
socket.create_server(("127.0.0.1", 0)).close()
print(json.dumps(socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 443))))
"""
    assert said(program) == 1


def test_guards_stack():
    """A guarded process can be guarded again, sixteen times in all; then it says that there are too many."""
    program = """
count = 0
try:
    while count < 20:
        guard.restrict()
        count += 1
except guard.GuardError as error:
    print(json.dumps([count, str(error), reach(443)]))
"""
    count, text, reached = said(program)
    assert (count, reached) == (16, "EACCES")
    assert "too many" in text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_without_any_rights():
    """The guard needs no rights: a user without any puts it up, and can then gain none by a program's set-user-ID bit."""
    program = """
os.setgid(65534); os.setuid(65534)
guard.restrict()
status = dict(line.split(":\\t") for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
print(json.dumps([reach(443), status["NoNewPrivs"].strip()]))
"""
    assert said(program) == ["EACCES", "1"]


def test_a_system_without_it():
    """Where the kernel has no Landlock, the version is 0, and to be guarded is an error that says why."""
    program = """
try:
    guard.restrict()
except guard.GuardError as error:
    print(json.dumps([guard.abi(), guard.available(), str(error), reach(443)]))
"""
    assert said(program, sys.executable, str(PROGRAMS / "no_landlock.py")) == [0, False, guard.WHY_NOT, "ECONNREFUSED"]
