"""The table of threats, its CLI files (F1 to F8) and hostile content (C2, C4): what must hold of `check` when files are odd or the machine is against it."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "mock_june", "check"]
GOOD = b'{"type":"identify","userId":"1"}\n'
BAD = b'{"type":"identify","userId":2}\n'
MEMORY = 60 << 10
"""KiB that a process may take, whatever it reads."""

WAITING = 20 << 10
"""KiB more for whom several processes report to: on a busy machine some of their parts wait there. All that the test has to tell would be over 80 MiB more."""


def run(*arguments, stdin=b"", **more):
    return subprocess.run([*COMMAND, *arguments], input=stdin, capture_output=True, timeout=120, check=False, **more)


def peak(*arguments, feed):
    """Runs `check` with what `feed` writes to its stdin; its exit code, its output and the KiB that it took."""
    script = (
        "import resource, sys\nfrom mock_june.cli.main import run\ncode = run(sys.argv[1:])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)\nsys.exit(code)"
    )
    # Started by way of a small process: a child's peak begins with its parent's memory, and this one's is large.
    launcher = [sys.executable, "-c", "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"]
    with subprocess.Popen(
        [*launcher, sys.executable, "-c", script, "check", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        feed(process.stdin)
        out, err = process.communicate(timeout=120)
    return process.returncode, out.decode(), int(err.split()[-1])


def test_F1_endless_line():
    """A line of 500 MB without a newline is one finding, in bounded memory."""

    def feed(stdin):
        for _ in range(500):
            stdin.write(b"\0" * (1 << 20))

    code, out, memory = peak("-", "--output-format", "concise", feed=feed)
    assert code == 1
    assert out.startswith("<stdin>:1: body.json the line is longer than 4 MiB")
    assert "1 checked" in out
    assert memory < MEMORY


@pytest.mark.parametrize("shape", ["array", "dense", "long", "array of one", "bad"])
@pytest.mark.uncovered
def test_F1_memory(shape):
    """Arrays of any size, lines as long and as dense as may be, and nothing but findings take bounded memory."""

    def feed(stdin):
        if shape == "array":
            stdin.write(b"[" + GOOD.strip())
            for _ in range(300):
                stdin.write((b",\n" + GOOD.strip()) * 1000)
            stdin.write(b"]")
        elif shape == "dense":
            for _ in range(3):
                stdin.write(b'{"type":"identify","userId":"1","traits":{"a":[' + b'{"a":1},' * 32_000 + b"1]}}\n")
        elif shape == "long":
            for _ in range(5):
                stdin.write(b'{"type":"identify","userId":1,"traits":{"a":"' + "é".encode() * 2_000_000 + b'"}}\n')
        elif shape == "bad":
            for _ in range(30):
                stdin.write(BAD * 1000)
        else:
            stdin.write(b'[{"a":"' + b"x" * 20_000_000)

    code, _, memory = peak("-", "--output-format", "jsonl", "--output-file", os.devnull, feed=feed)
    assert code == (1 if shape in {"long", "bad", "array of one"} else 0)
    assert memory < MEMORY


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the memory of other processes is read from /proc")
@pytest.mark.parametrize(("line", "options"), [(BAD, ["--output-format", "jsonl"]), (b"{}\n", ["--output-format", "jsonl"]), (GOOD, ["--history"])])
@pytest.mark.uncovered
def test_F1_memory_of_each_process(tmp_path, line, options):
    """Over many processes each takes as little, however much there is to tell of a part."""
    path = tmp_path / "f.jsonl"
    path.write_bytes(line * (900_000 // len(line)))
    peaks = {}
    with subprocess.Popen([*COMMAND, str(path), "-j", "2", *options], stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            with suppress(OSError):
                children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
                for number in (process.pid, *children):
                    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{number}/status").read_text())
                    peaks[number] = int(found[1]) if found else 0
            time.sleep(0.01)
    assert process.returncode in {0, 1}
    assert len(peaks) > 1
    assert max(peaks.values()) < MEMORY + WAITING


def test_F1_gzip_bomb(tmp_path):
    """What unpacks to a thousand times its size is looked at piece by piece."""
    import gzip

    path = tmp_path / "bomb.jsonl.gz"
    with gzip.open(path, "wb", 9) as packed:
        for _ in range(200):
            packed.write(b"\0" * (1 << 20))
    code, out, memory = peak(str(path), "--output-format", "concise", feed=lambda stdin: None)
    assert (code, "1 checked" in out) == (1, True)
    assert memory < MEMORY


def test_F1_pipe(tmp_path):
    """A named pipe is read as it comes."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen([*COMMAND, str(pipe), "--output-format", "concise"], stdout=subprocess.PIPE) as process:
        pipe.write_bytes(GOOD + BAD)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert b":2: identify.userId.type" in out


def test_F1_ring_of_links(tmp_path):
    """Links that lead in a ring are neither followed nor waited for."""
    (tmp_path / "a.jsonl").symlink_to("b.jsonl")
    (tmp_path / "b.jsonl").symlink_to("a.jsonl")
    (tmp_path / "down").symlink_to(tmp_path)
    (tmp_path / "c.jsonl").write_bytes(GOOD)
    assert run(str(tmp_path)).returncode == 0
    ended = run(str(tmp_path / "a.jsonl"))
    assert (ended.returncode, ended.stderr.count(b"\n")) == (2, 1)


def test_F4_closed_pipe(tmp_path):
    """A reader that goes away ends the run quietly, with the exit code of SIGPIPE."""
    path = tmp_path / "f.jsonl"
    path.write_bytes(BAD * 20_000)
    with subprocess.Popen([*COMMAND, str(path), "--output-format", "jsonl"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
    assert (process.returncode, err) == (141, b"")


@pytest.mark.parametrize("name", ["text", "jsonl", "json"])
def test_F4_full_disk(tmp_path, name):
    """A stdout that takes nothing more is exit code 2, in one line; so is an output file."""
    path = tmp_path / "f.jsonl"
    path.write_bytes(BAD * 3000)
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run([*COMMAND, str(path), "--output-format", name], stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (2, b"mock-june: No space left on device\n")
    ended = run(str(path), "--output-format", name, "--output-file", "/dev/full")
    assert (ended.returncode, ended.stderr) == (
        2,
        b"mock-june: /dev/full cannot be written (No space left on device): free the disk, or name a file on another\n",
    )


@pytest.mark.parametrize("option", ["--output-file", "--valid-to", "--rejects-to", "--fixed-to"])
@pytest.mark.uncovered
def test_F4_full_disk_leaves_what_was(tmp_path, option):
    """A disk that fills while a file is written leaves what stood under its name, and nothing else."""
    path, target = tmp_path / "f.jsonl", tmp_path / "target"
    path.write_bytes(GOOD * 3000 + BAD * 3000)
    target.write_bytes(b"before")
    more = ["--fix"] if option == "--fixed-to" else ["--output-format", "jsonl"]

    def little_room():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    ended = run(str(path), option, str(target), *more, preexec_fn=little_room)
    assert ended.returncode == 2
    assert ended.stderr.count(b"\n") == 1
    assert target.read_bytes() == b"before"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["f.jsonl", "target"]


def test_F5_killed_in_the_middle(tmp_path):
    """A run that is killed leaves the input whole and nothing under the final name."""
    path, target = tmp_path / "f.jsonl", tmp_path / "fixed.jsonl"
    path.write_bytes(BAD * 200_000)
    with subprocess.Popen([*COMMAND, str(path), "--fix", "--fixed-to", str(target)], stdout=subprocess.DEVNULL) as process:
        until = time.monotonic() + 30
        while not list(tmp_path.glob(".*.part")) and time.monotonic() < until:
            time.sleep(0.01)
        process.kill()
    assert path.read_bytes() == BAD * 200_000
    assert not target.exists()


@pytest.mark.parametrize("options", [["--output-format", "text"], ["--output-format", "jsonl"], ["--history", "--now", "2026-01-01T00:00:00Z"]])
def test_F6_processes(tmp_path, options):
    """One process and eight write the same bytes, of stdin too."""
    path = tmp_path / "f.jsonl"
    path.write_bytes((GOOD * 20 + BAD + '{"type":"identify","userId":"\u2028"}\r\n\n'.encode() + b'{"cut\n') * 3000)
    one, many = (run(str(path), "-", "-j", number, *options, stdin=BAD + GOOD) for number in ("1", "8"))
    assert (one.returncode, one.stdout) == (many.returncode, many.stdout)
    assert one.returncode == 1


def test_C2_control_characters(tmp_path):
    """No control character of a payload or a file name reaches the terminal."""
    path = tmp_path / "\x1b[2J\x9b.jsonl"
    path.write_bytes(b'{"type":"\\u001b[2J\\u009b1m"}\n{"type":"identify","userId":"\xc2\x9b"}\n\x1b[2J\n')
    for name in ("text", "concise", "json", "jsonl"):
        ended = run(str(path), "--output-format", name)
        assert ended.returncode == 1
        assert b"\x1b" not in ended.stdout
        assert "\x9b" not in ended.stdout.decode()


def test_C3_lines_are_ours(tmp_path):
    """No line of the output begins with text of a payload."""
    path = tmp_path / "f.jsonl"
    path.write_bytes(b'{"type":"a\\n::error::x\\n::stop-commands::t"}\n::error::x\n')
    for name in ("text", "concise", "github"):
        lines = run(str(path), "--output-format", name).stdout.decode().splitlines()
        assert not [line for line in lines if line.startswith("::") and not line.startswith(("::error ", "::warning ", "::notice "))]


def test_C4_cells_keep_their_bytes(tmp_path):
    """A cell that a spreadsheet would take for a formula is written as it came."""
    path, valid = tmp_path / "f.csv", tmp_path / "valid.jsonl"
    path.write_bytes(b'type,userId,traits.name\nidentify,1,"=HYPERLINK(""http://x"")"\n')
    assert run(str(path), "--valid-to", str(valid)).returncode == 0
    assert json.loads(valid.read_bytes()) == {"type": "identify", "userId": "1", "traits": {"name": '=HYPERLINK("http://x")'}}


def test_F8_no_cache(tmp_path):
    """The schemas are those of the package: nothing is fetched, and nothing is written but what was asked for."""
    for name in ("home", "tmp", "work"):
        (tmp_path / name).mkdir()
    (tmp_path / "work" / "f.jsonl").write_bytes(GOOD + BAD)
    script = (
        "import sys\n"
        "def hook(name, arguments):\n"
        "    if name in {'socket.connect', 'socket.getaddrinfo'} or (name == 'open' and isinstance(arguments[1], str) and set('wax+') & set(arguments[1])):\n"
        "        raise RuntimeError(f'{name} {arguments}')\n"
        "sys.addaudithook(hook)\n"
        "from mock_june.cli.main import run\n"
        "sys.exit(run(sys.argv[1:]))"
    )
    home, tmp = str(tmp_path / "home"), str(tmp_path / "tmp")
    environment = {"PATH": os.environ["PATH"], "HOME": home, "XDG_CACHE_HOME": home, "TMPDIR": tmp, "PYTHONDONTWRITEBYTECODE": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", script, "check", "f.jsonl"], cwd=tmp_path / "work", env=environment, capture_output=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr) == (1, b"")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["f.jsonl", "home", "tmp", "work"]
