"""Crash and disk (THREATS.md, K), as far as the server shows them: kills, a full disk, files that are no journal, clocks that go back, ends amid calls."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import io
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.attacks.harness import HOST, TRACK, Target, assert_refusal, connected, head, receive, replies, send, until, whole_call
from tests.attacks.servers import SLOW, Served, assert_quiet, in_thread, served

KEY = "a-key-that-crashes"


def refused(*options: str, **popen: object) -> str:
    """What `serve` says when it cannot start: exit 2, one line on stderr, none on stdout. In a process of its own where one is described, else in this one."""
    arguments = ["serve", *(("--port", "0") if "--port" not in options else ()), *options]
    if popen:
        command = [sys.executable, "-m", "mock_june", *arguments]
        done = subprocess.run(command, capture_output=True, timeout=30, check=False, stdin=subprocess.DEVNULL, **popen)  # type: ignore[call-overload]
        code, out, said = done.returncode, done.stdout.decode(), done.stderr.decode()
    else:
        from mock_june.cli.main import run

        with contextlib.redirect_stdout(io.StringIO()) as stdout, contextlib.redirect_stderr(io.StringIO()) as stderr:
            code = run(arguments)
        out, said = stdout.getvalue(), stderr.getvalue()
    assert code == 2, (code, said)
    assert out == ""
    assert len(said.strip().splitlines()) == 1, said
    assert "Traceback" not in said
    return str(said)


def digest(path: Path) -> str:
    """What a file holds, in short."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def on_record(target: Target) -> set[str]:
    """The ids of the users of all accepted events."""
    found: set[str] = set()
    cursor = 0
    while cursor is not None:
        page = target.control(f"/_mock/events?accepted=true&limit=1000&after={cursor}")
        found |= {event["payload"]["userId"] for event in page["events"]}
        cursor = page["next"]
    return found


class Load:
    """Clients that call without end and know what was acknowledged."""

    def __init__(self, port: int, clients: int, mark: str) -> None:
        self.acknowledged: list[str] = []
        self._over = False
        self._threads = [threading.Thread(target=self._call, args=(port, f"{mark}-{number}")) for number in range(clients)]
        for thread in self._threads:
            thread.start()

    def _call(self, port: int, mark: str) -> None:
        count = 0
        with contextlib.suppress(OSError, AssertionError, ValueError), connected(port, 5) as sock:
            while not self._over:
                count += 1
                user = f"{mark}-{count}"
                send(sock, whole_call(KEY, TRACK | {"userId": user}))
                data = b""
                while b'"success":true}' not in data:
                    part = sock.recv(65536)
                    if not part:
                        return
                    data += part
                self.acknowledged.append(user)

    def end(self) -> list[str]:
        """Those that were answered 200."""
        self._over = True
        for thread in self._threads:
            thread.join()
        return self.acknowledged


def test_K1_kill_9_under_load_loses_nothing(tmp_path: Path):
    """Every call that was answered 200 is on record after a kill -9 amid load, and the file is whole."""
    journal = tmp_path / "june.journal"
    acknowledged: set[str] = set()
    for trial in range(50 if SLOW else 4):
        with Served("--journal", str(journal)) as server:
            load = Load(server.target.port, 4, str(trial))
            until(lambda load=load: len(load.acknowledged) > 20, 15)  # type: ignore[misc]
            time.sleep(0.05 + 0.01 * (trial % 7))
            server.end(signal.SIGKILL)
            acknowledged.update(load.end())
    with served("--journal", str(journal)) as target:
        assert acknowledged - on_record(target) == set()
    with contextlib.closing(sqlite3.connect(journal)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_K2_the_port_is_free_after_kill_9(tmp_path: Path):
    """After a kill -9 nothing answers on the port, a new `serve` takes it at once, and the journal can be read."""
    journal = tmp_path / "june.journal"
    with Served("--journal", str(journal)) as server:
        port = server.target.port
        server.target.post("/api/track", TRACK, key=KEY)
        with connected(port) as idle:
            server.end(signal.SIGKILL)
            with pytest.raises(OSError, match="refused"):
                socket.create_connection((HOST, port), timeout=5)
            idle.settimeout(5)
        options = ("--journal", str(journal), "--port", str(port))
        again = Served(*options)
        try:
            assert again.target.port == port
            assert on_record(again.target) == {"1"}
        finally:
            assert again.end() == 0


def test_K2_a_private_journal_goes_with_its_server(tmp_path: Path):
    """A private journal lies where nobody else can look, and is removed at the end; what a kill left behind is cleared away by a later start."""
    env = {"TMPDIR": str(tmp_path)}
    with Served(env=env) as server:
        server.target.good_call()
        (folder,) = tmp_path.iterdir()
        assert folder.stat().st_mode & 0o077 == 0
        assert server.end() == 0
    assert list(tmp_path.iterdir()) == []
    with Served(env=env) as killed:
        killed.end(signal.SIGKILL)
    (left,) = tmp_path.iterdir()
    os.utime(left, (0, 0))  # a young one may be of a server that just starts
    with served(env=env):
        assert not left.exists()


@pytest.mark.parametrize("who", ["serve", "another"])
def test_K12_a_port_in_use(who: str):
    """A second `serve` on a taken port is exit 2 and one line that says what to do; it shares the port with nobody."""
    if who == "serve":
        with served() as target:
            said = refused("--port", str(target.port), close_fds=True)
            port = target.port
    else:
        with contextlib.closing(socket.create_server((HOST, 0))) as sock:
            port = sock.getsockname()[1]
            said = refused("--port", str(port))
    assert str(port) in said
    assert "--port" in said


def test_K12_a_port_or_host_that_is_none():
    """A port beyond the last, a host that is not this machine's: exit 2 and one line."""
    for options in (("--port", "65536"), ("--port", "-1"), ("--port", "x"), ("--host", "192.0.2.1"), ("--host", "no.such.host.invalid"), ("--host", "a b")):
        refused(*options)


def test_K3_a_full_disk_is_never_a_200(tmp_path: Path):
    """When the journal cannot be written, calls are 503 in our shape; what was recorded stays, and the server takes calls again when there is room."""
    with Served(
        "--journal", str(tmp_path / "june.journal"), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
    ) as server:
        target = server.target
        try:
            statuses = []
            for number in range(400):
                reply = target.post("/api/track", TRACK | {"userId": str(number), "properties": {"x": "y" * 2000}}, key=KEY)
                statuses.append(reply.status)
                if reply.status == 503:
                    body = assert_refusal(reply, 503, "journal_unwritable")
                    assert "free" in body["message"]
                    if statuses.count(503) > 5:
                        break
            taken = [str(number) for number, status in enumerate(statuses) if status == 200]
            assert set(statuses) == {200, 503}
            assert len(taken) > 5
            assert on_record(target) == set(taken)
            assert target.control("/_mock/health")["calls"] == len(taken)
            for path, body in (("/api/track", b"no json"), ("/nowhere", b""), ("/api/track", b"{}")):
                assert target.ask("POST", path, body, key=KEY).status in {503, 400, 404}
            if hasattr(resource, "prlimit"):
                resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
                assert target.post("/api/track", TRACK | {"userId": "afterwards"}, key=KEY).status == 200
                assert on_record(target) == {*taken, "afterwards"}
            assert_quiet(server.log())
        finally:
            assert server.end() == 0


def test_K3_reset_makes_room(tmp_path: Path):
    """On a full disk a reset of the record is answered, with a word if it cannot be done, and never with a 500."""
    with Served("--journal", str(tmp_path / "june.journal"), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))) as server:
        target = server.target
        try:
            while target.post("/api/track", TRACK | {"properties": {"x": "y" * 5000}}, key=KEY).status == 200:
                pass
            for method, path in (("POST", "/_mock/reset"), ("DELETE", "/_mock/calls")):
                reply = target.ask(method, path)
                assert reply.status in {200, 503}
                if reply.status == 503:
                    assert_refusal(reply, 503, "journal_unwritable")
            assert target.control("/_mock/health")["status"] == "ok"
            assert target.ask("GET", "/_mock/events").status == 200
            assert_quiet(server.log())
        finally:
            assert server.end() == 0


def without_privilege() -> None:
    """Run in a child: takes from root what lets it write where it may not (Linux: CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH out of the bounding set)."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None)
        for capability in (1, 2):
            libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


def test_K4_a_folder_that_cannot_be_written(tmp_path: Path):
    """A journal in a read-only folder is exit 2 with the reason, also where its write-ahead log lies there already."""
    folder = tmp_path / "folder"
    folder.mkdir()
    journal = folder / "june.journal"
    with Served("--journal", str(journal)) as server:
        server.target.good_call()
        server.end(signal.SIGKILL)
    assert journal.with_name("june.journal-wal").exists()
    for file in folder.iterdir():
        file.chmod(0o444)
    folder.chmod(0o555)
    before = {file.name: digest(file) for file in folder.iterdir()}
    try:
        probe = subprocess.run([sys.executable, "-c", f"open({str(folder / 'probe')!r}, 'w')"], check=False, capture_output=True, preexec_fn=without_privilege)
        if probe.returncode == 0:
            pytest.skip("nothing is read-only to this user")
        for name in ("june.journal", "new.journal"):
            said = refused("--journal", str(folder / name), preexec_fn=without_privilege)
            assert name in said
        assert {file.name: digest(file) for file in folder.iterdir()} == before
    finally:
        folder.chmod(0o755)


def test_K5_one_journal_has_one_server(tmp_path: Path):
    """A second `serve` on a journal that is held is exit 2 and names the holder; by another name of the same file too. The first goes on."""
    journal = tmp_path / "june.journal"
    with served("--journal", str(journal)) as target:
        target.post("/api/track", TRACK, key=KEY)
        (tmp_path / "folder").symlink_to(tmp_path)
        for path in (journal, tmp_path / "folder" / "june.journal", tmp_path / ".." / tmp_path.name / "june.journal"):
            assert str(target.pid) in refused("--journal", str(path))
        target.good_call()
        assert on_record(target) == {"1"}


@pytest.mark.skipif(not Path("/proc/self/fdinfo").exists(), reason="needs Linux's /proc")
def test_K6_one_connection_writes(tmp_path: Path):
    """Of all connections that the server has to its journal, one can write: the others were opened read-only."""
    journal = tmp_path / "june.journal"
    with served("--journal", str(journal)) as target:
        for path in ("calls", "events", "health", "export", "export?format=har", "calls/1", "events?userId=1&count=5&wait=0"):
            target.ask("GET", f"/_mock/{path}")
            target.good_call()
        modes = []
        for fd in Path(f"/proc/{target.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                if fd.readlink() == journal:
                    info = Path(f"/proc/{target.pid}/fdinfo/{fd.name}").read_text(encoding="ascii")
                    modes.append(int(next(line.split()[1] for line in info.splitlines() if line.startswith("flags:")), 8) & os.O_ACCMODE)
        assert modes.count(os.O_RDWR) == 1, modes
        assert set(modes) <= {os.O_RDWR, os.O_RDONLY}


def test_K7_the_lock_outlives_every_request(tmp_path: Path):
    """The server never opens and closes the journal's file beside SQLite, which would drop its locks: after every kind of request they are held."""
    journal = tmp_path / "june.journal"
    with served("--journal", str(journal)) as target:
        assert target.pid is not None
        before = locks(target.pid, journal)
        for path in ("calls", "events", "health", "export", "export?format=har", "calls/1", "faults", "schemas/sdk/track.json"):
            target.ask("GET", f"/_mock/{path}")
            target.good_call()
        with connected(target.port) as sock:
            send(sock, head("GET /_mock/stream?after=0 HTTP/1.1", f"Host: {HOST}:{target.port}"))
            assert sock.recv(65536)
        target.ask("POST", "/_mock/reset")
        target.good_call()
        assert str(target.pid) in refused("--journal", str(journal))
        assert locks(target.pid, journal) == before


def locks(pid: int, journal: Path) -> set[str]:
    """The files beside a journal that a process holds locked (Linux; elsewhere the empty set)."""
    table = Path("/proc/locks")
    if not table.exists():
        return set()
    held = {line.split()[5].rpartition(":")[2] for line in table.read_text(encoding="ascii").splitlines() if line.split()[4] == str(pid)}
    return {file.name for file in journal.parent.iterdir() if str(file.stat().st_ino) in held}


def test_K7_a_fork_of_the_server_leaves_the_journal_alone(tmp_path: Path):
    """A child that was forked while a fake runs in a thread, and ends, takes neither the lock nor the journal with it."""
    from tests.attacks.servers import new_mock  # noqa: F401 - imported before the fork, so that the child imports nothing

    with in_thread(journal=tmp_path / "june.journal") as target:
        target.good_call()
        child = subprocess.run([sys.executable, "-c", "pass"], check=False, close_fds=False)
        assert child.returncode == 0
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        target.good_call()
        assert str(os.getpid()) in refused("--journal", str(tmp_path / "june.journal"), close_fds=True)


def test_K8_what_a_power_cut_may_take_is_said(tmp_path: Path):
    """`serve --help` says what `--durable` is for, and with it calls that come at once are all recorded and answered."""
    told = subprocess.run([sys.executable, "-m", "mock_june", "serve", "--help"], capture_output=True, check=True, timeout=20).stdout.decode()
    assert "power cut" in " ".join(told.split())
    with served("--durable", "--journal", str(tmp_path / "june.journal")) as target:
        load = Load(target.port, 8, "durable")
        until(lambda: len(load.acknowledged) > 100, 15)
        acknowledged = set(load.end())
        assert acknowledged <= on_record(target)


def database(path: Path, *statements: str) -> None:
    """A SQLite file of another's."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()


def a_journal(path: Path) -> None:
    """A journal of ours, closed in order."""
    with in_thread(journal=path) as target:
        target.good_call()


def newer(path: Path) -> None:
    """A journal of a later version."""
    a_journal(path)
    database(path, "PRAGMA user_version = 999")


def cut(path: Path) -> None:
    """Half of a journal."""
    a_journal(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


MADE: dict[str, Callable[[Path], object]] = {
    "garbage": lambda path: path.write_bytes(os.urandom(10_000)),
    "text": lambda path: path.write_text("this is my diary\n" * 100),
    "short": lambda path: path.write_bytes(b"x"),
    "header-alone": lambda path: path.write_bytes(b"SQLite format 3\0"),
    "header-and-garbage": lambda path: path.write_bytes(b"SQLite format 3\0" + os.urandom(8_176)),
    "another-program": lambda path: database(path, "CREATE TABLE t (x)", "INSERT INTO t VALUES (1)"),
    "another-id": lambda path: database(path, "PRAGMA application_id = 7", "CREATE TABLE t (x)"),
    "newer": newer,
    "cut": cut,
    "folder": lambda path: path.mkdir(),
    "fifo": os.mkfifo,
    "dangling-link": lambda path: path.symlink_to("nowhere"),
    "link-to-a-file": lambda path: (path.with_name("aim").write_text("aim"), path.symlink_to(path.with_name("aim"))),
    "link-to-dev-full": lambda path: path.symlink_to("/dev/full"),
    "socket": lambda path: socket.socket(socket.AF_UNIX).bind(str(path)),
}


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_K9_what_is_no_journal(tmp_path: Path, make: Callable[[Path], object]):
    """A file that is no journal of ours, or no plain file, is exit 2 in one line, at once; it stays as it was, and nothing new lies beside it."""
    make(tmp_path / "j")
    before = {file.name: digest(file) if file.is_file() and not file.is_symlink() else "" for file in tmp_path.iterdir()}
    refused("--journal", str(tmp_path / "j"))
    after = {file.name: digest(file) if file.is_file() and not file.is_symlink() else "" for file in tmp_path.iterdir()}
    assert after == before


@pytest.mark.parametrize(
    "path",
    ["/dev/full", "/dev/null", "/dev/zero", "/", "/proc/self/mem", "", "a\x1b[2Jb/c", "no/such/folder/j", "x" * 300, "file:j?mode=memory", ":memory:"],
    ids=repr,
)
def test_K9_names_that_are_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str):
    """Devices, folders, names too long: exit 2 in one line without a byte that acts on a terminal. What SQLite would take for a command is a file's name."""
    if path in {"file:j?mode=memory", ":memory:"}:
        with Served("--journal", path, cwd=tmp_path, env={"PYTHONPATH": str(Path(__file__).parents[2])}) as server:
            server.target.good_call()
            assert server.end() == 0
            assert (tmp_path / path).stat().st_size > 0
            return
    monkeypatch.chdir(tmp_path)
    said = refused("--journal", path)
    assert "\x1b" not in said


def test_K10_a_clock_that_goes_back(monkeypatch: pytest.MonkeyPatch):
    """When the clock goes back an hour between calls, their order is still that of their coming, durations are never negative, faults still end."""
    from mock_june import clock

    moment = datetime.now(UTC)

    def now() -> str:
        nonlocal moment
        moment -= timedelta(hours=1)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    monkeypatch.setattr(clock, "now", now)
    with in_thread() as target:
        target.control("/_mock/faults", method="POST", body=b'{"rate": 5, "per": 0.2}', key=KEY)
        for number in range(5):
            assert target.post("/api/track", TRACK | {"userId": str(number)}, key=KEY).status == 200
        assert target.post("/api/track", TRACK, key=KEY).status == 429
        time.sleep(0.3)
        assert target.post("/api/track", TRACK | {"userId": "5"}, key=KEY).status == 200
        calls = target.control("/_mock/calls?accepted=true", key=KEY)["calls"]
        assert [call["events"][0]["payload"]["userId"] for call in calls] == [str(number) for number in range(6)]
        assert [call["at"] for call in calls] == sorted((call["at"] for call in calls), reverse=True)
        assert all(call["duration_ms"] >= 0 for call in calls)
        cursor = calls[2]["id"]
        assert len(target.control(f"/_mock/calls?accepted=true&after={cursor}", key=KEY)["calls"]) == 3
        assert target.control("/_mock/health")["uptime_s"] >= 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
def test_K11_a_signal_amid_calls(tmp_path: Path, number: int):
    """On SIGTERM or SIGINT the calls that came in are answered, the server ends within a second or two with 0, and leaves no write-ahead log and no lock."""
    journal = tmp_path / "june.journal"
    with Served("--journal", str(journal)) as server:
        target = server.target
        target.control("/_mock/faults", method="POST", body=b'{"delay": 30, "times": null}', key=KEY)
        with contextlib.ExitStack() as stack:
            socks = [stack.enter_context(connected(target.port)) for _ in range(5)]
            for user, sock in enumerate(socks):
                send(sock, whole_call(KEY, TRACK | {"userId": str(user)}))
            until(lambda: target.control("/_mock/health")["calls"] == 5)
            begun = time.monotonic()
            server.process.send_signal(number)
            answers = [replies(receive(sock))[0] for sock in socks]
            assert server.end(0) == 0
            assert time.monotonic() - begun < 5
        assert [reply.status for reply in answers] == [200] * 5
        assert [file.name for file in tmp_path.iterdir()] == ["june.journal"]
        with contextlib.closing(sqlite3.connect(journal)) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        with served("--journal", str(journal)) as again:
            assert on_record(again) == {"0", "1", "2", "3", "4"}


@pytest.mark.parametrize("name", ["slow-bodies", "polls", "streams", "no-readers", "documents"])
def test_K11_nothing_keeps_the_server_from_ending(tmp_path: Path, name: str):
    """Whatever clients are in the middle of, SIGTERM ends the server within seconds, with 0 and its journal in order."""
    journal = tmp_path / "june.journal"
    with Served("--journal", str(journal)) as server:
        host = f"Host: {HOST}:{server.target.port}"
        data = {
            "slow-bodies": whole_call(KEY)[:-10],
            "polls": head("GET /_mock/events?count=99999&wait=60 HTTP/1.1", host),
            "streams": head("GET /_mock/stream?after=0 HTTP/1.1", host),
            "no-readers": head("GET /_mock/export HTTP/1.1", host) * 20 + head("GET /_mock/calls?limit=1000 HTTP/1.1", host) * 20,
            "documents": head("GET /openapi.json HTTP/1.1", host) * 50,
        }[name]
        for _ in range(20):
            server.target.post("/api/track", TRACK | {"properties": {"x": "y" * 100_000}}, key=KEY)
        with contextlib.ExitStack() as stack:
            for _ in range(20):
                send(stack.enter_context(connected(server.target.port, buffer=4096)), data)
            time.sleep(0.3)
            begun = time.monotonic()
            assert server.end(signal.SIGTERM, 15) == 0
            assert time.monotonic() - begun < 8
        assert [file.name for file in tmp_path.iterdir()] == ["june.journal"]


def test_K11_two_signals_and_one_before_the_first_call(tmp_path: Path):
    """A second signal does no harm, nor does one that comes as soon as the server listens."""
    for count in (1, 2, 5):
        with Served("--journal", str(tmp_path / "june.journal")) as server:
            for _ in range(count):
                with contextlib.suppress(ProcessLookupError):
                    server.process.send_signal(signal.SIGTERM)
            assert server.end(0) == 0
            assert [file.name for file in tmp_path.iterdir()] == ["june.journal"]
