"""Who runs into the guard is seen, in processes of its own; and nothing else changes for them."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from typing import Any

import pytest

from mock_june.intercept import guard
from mock_june.intercept.witness import Witness

pytestmark = pytest.mark.skipif(not guard.available(), reason="this kernel has no Landlock with rules for the network")

BEGIN = """
import errno, json, os, signal, socket, subprocess, sys, time
from mock_june.intercept import guard
from mock_june.intercept.witness import Witness

listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
port = listener.getsockname()[1]
guard.restrict()
witness = Witness.stand()

def child(program):
    "Runs a program in a process that is looked at. Gives what it prints."
    process = subprocess.Popen([sys.executable, "-c", REACH + program, str(port)], stdout=subprocess.PIPE)
    witness.begin()
    return json.loads(process.communicate()[0])
"""
REACH = """
import errno, json, os, signal, socket, sys, threading
port = int(sys.argv[1])
def reach(port, family=socket.AF_INET, host="127.0.0.1", kind=socket.SOCK_STREAM):
    "None for a connection, else the name of its error."
    with socket.socket(family, kind) as sock:
        try:
            sock.connect((host, port) if family != socket.AF_UNIX else host)
        except OSError as error:
            return errno.errorcode[error.errno]
"""


def said(program: str) -> Any:
    """What a program prints as JSON, which begins with BEGIN."""
    ended = subprocess.run([sys.executable, "-c", f"REACH = {REACH!r}{BEGIN}{program}"], capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_what_is_stopped_is_counted():
    """Each TCP connection to a closed port is counted by its process and where to, by IPv4 or IPv6, of a thread too; the process gets what it would."""
    program = """
told = child('''
six, seen = socket.AF_INET6, []
os.environ.clear()
thread = threading.Thread(target=lambda: seen.append(reach(443)), name="named")
thread.start(); thread.join()
print(json.dumps([*seen, reach(443), reach(80, host="203.0.113.7"), reach(443, six, "::1"), reach(80, six, "::ffff:127.0.0.1")]))
''')
print(json.dumps([told, sorted([name.rstrip("0123456789."), place, count] for (name, place), count in witness.stopped.items())]))
"""
    told, stopped = said(program)
    assert told == ["EACCES"] * 5
    assert stopped == [["python", "127.0.0.1:443", 2], ["python", "127.0.0.1:80", 1], ["python", "203.0.113.7:80", 1], ["python", "[::1]:443", 1]]


def test_what_is_not_stopped_is_not():
    """Other ports, UDP, pipes and addresses that are none are as they were, and not counted."""
    program = """
told = child('''
unix, udp = socket.AF_UNIX, socket.SOCK_DGRAM
import ctypes
short = ctypes.CDLL(None).connect(socket.socket().fileno(), bytes([2, 0, 1, 187]), 4)
nowhere = ctypes.CDLL(None).connect(socket.socket().fileno(), ctypes.c_void_p(8), 16)
print(json.dumps([reach(port), reach(442), reach(443, kind=udp), reach(0, unix, "/nowhere"), short, nowhere]))
''')
print(json.dumps([told, len(witness.stopped)]))
"""
    assert said(program) == [[None, "ECONNREFUSED", None, "ENOENT", -1, -1], 0]


def test_signals_break_nothing_off():
    """A process that gets many signals, which restart what they interrupt, connects as ever, and is counted once each time."""
    program = """
told = child('''
signal.signal(signal.SIGALRM, lambda *_: None)
signal.siginterrupt(signal.SIGALRM, False)
signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
seen = [(reach(port), reach(443)) for _ in range(300)]
signal.setitimer(signal.ITIMER_REAL, 0)
print(json.dumps([seen.count((None, "EACCES"))]))
''')
print(json.dumps([told, list(witness.stopped.values())]))
"""
    assert said(program) == [[300], [300]]


def test_killed_processes_stop_nothing():
    """Processes that are killed amid a connection leave the next ones as they were."""
    program = """
witness_of = [sys.executable, "-c", REACH + "[reach(port) for _ in iter(int, 1)]", str(port)]
some = [subprocess.Popen(witness_of) for _ in range(3)]
kept = subprocess.Popen([sys.executable, "-c", REACH + "sys.stdin.readline(); print(reach(443))", str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
witness.begin()
time.sleep(0.5)
for one in some:
    one.kill(); one.wait()
print(json.dumps([kept.communicate(b"go\\\\n")[0].decode().strip(), list(witness.stopped.values())]))
"""
    assert said(program) == ["EACCES", [1]]


def test_there_is_one():
    """Where somebody looks already, nobody looks a second time."""
    assert said("witness.begin(); print(json.dumps(Witness.stand()))") is None


def test_an_unknown_processor(monkeypatch: pytest.MonkeyPatch):
    """On a processor whose numbers are not known, nobody looks."""
    monkeypatch.setattr(platform, "machine", lambda: "m68k")
    assert Witness.stand() is None


def test_memory_stays_flat():
    """A program that tries ever new hosts fills no memory: those beyond a thousand are counted as one."""
    program = """
told = child('''
print(json.dumps(sum(reach(443, host=f"127.0.{i // 250}.{i % 250 + 1}") == "EACCES" for i in range(1100))))
''')
print(json.dumps([told, len(witness.stopped), witness.stopped["others", "other hosts"]]))
"""
    assert said(program) == [1100, 1001, 100]
