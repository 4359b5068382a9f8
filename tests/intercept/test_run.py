"""`mock-june run` as a user meets it: exit codes, terminal, signals, what it prints and what it leaves."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shlex
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from junitparser import JUnitXml

from mock_june.intercept import guard
from mock_june.intercept.escapes import escape
from tests.intercept.running import COMMAND, PROGRAMS, environment, post, run

GOOD = {"type": "identify", "userId": "1"}
BAD = {"type": "identify", "userId": 1}
WITHOUT_LANDLOCK = (sys.executable, PROGRAMS / "no_landlock.py")
PAST_ALL = shlex.join([sys.executable, "-c", "import socket; print(socket.socket().connect_ex(('127.0.0.1', 443)))"])
"""A line of shell that tries a closed port past proxy and shims, and prints the error's number."""
PATIENCE = 20.0


def until(true: Callable[[], Any], what: str) -> Any:
    """Waits for something to be true, and gives it."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if value := true():
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {PATIENCE} s")


def is_alive(pid: int) -> bool:
    """Whether a process is there, and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """A folder for temporary files of a run's own."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@contextmanager
def started(*command: str, options: tuple[str, ...] = ("--allow-empty",), **more: Any) -> Iterator[subprocess.Popen[str]]:
    """A run under way; whatever is left of it at the end of the block is killed."""
    process = subprocess.Popen([*COMMAND, *options, "--", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **{"env": environment()} | more)
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


TELL = """
import os, signal, sys, time
def told(number, _frame):
    print(signal.Signals(number).name, flush=True)
    if number != signal.SIGUSR1:
        time.sleep(0.3)
        sys.exit(5)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1):
    signal.signal(number, told)
print(os.getpid(), flush=True)
time.sleep(30)
"""


class TestExitCode:
    @pytest.mark.parametrize(("script", "code"), [("exit 7", 7), ("kill -9 $$", 137)])
    def test_it_is_the_commands(self, script: str, code: int):
        """The command's own exit code is the run's, 128 + the signal where one ended it."""
        assert run("sh", "-c", script, options=("--allow-empty",)).code == code

    def test_the_commands_goes_first(self):
        """A command that fails keeps its code when its calls were rejected too."""
        assert run("sh", "-c", f"{post_line(BAD)}; exit 3").code == 3

    def test_I9_nothing_captured(self):
        """A run that captured nothing fails, and says so; --allow-empty lets it pass."""
        ended = run("true")
        assert ended.code == 1
        assert "0 calls captured" in ended.err
        assert "no call came" in ended.err
        assert run("true", options=("--allow-empty",)).code == 0

    def test_rejected(self):
        """A run with a rejected call fails, and says which rule was broken, where first, and what to do; --allow-rejected lets it pass."""
        script = f"{post_line(GOOD)}; {post_line(BAD)}; {post_line(BAD)}"
        ended = run("sh", "-c", script)
        assert (ended.code, ended.out.split()) == (1, ["200", "400", "400"])
        assert "3 calls captured, 1 accepted, 2 rejected; events: 3 identify" in ended.err
        assert "identify.userId.type in 2 calls, first in call 2 at /userId" in ended.err
        assert "Make it a String" in ended.err
        assert run(*post(BAD), options=("--allow-rejected",)).code == 0

    def test_a_planned_fault_is_no_rejection(self):
        """A call that a planned fault refused is counted as such, and fails nothing."""
        ended = run(*post(GOOD), options=("--fault", '{"status": 503}'))
        assert (ended.code, ended.out) == (0, "503\n")
        assert "1 call captured, 0 accepted, 0 rejected" in ended.err
        assert "fault 1 (status 503) struck 1 call" in ended.err

    def test_a_command_that_is_not_there(self):
        """A command that does not exist is 127, as in a shell."""
        ended = run("no-such-command")
        assert (ended.code, ended.err) == (127, "mock-june: no-such-command cannot be run: there is no such program; install it, or name a file by its path\n")

    def test_a_command_that_cannot_be_executed(self, tmp_path: Path):
        """A file that is no program is 126, as in a shell, with what to do."""
        (tmp_path / "file").write_text("x")
        ended = run(tmp_path / "file")
        assert (ended.code, "make it executable, or name what runs it first" in ended.err) == (126, True)
        assert run(tmp_path).code == 126

    def test_a_script_without_its_first_line(self, tmp_path: Path):
        """A script that names no interpreter is the shell's, as where a shell, `env` or `make` starts it."""
        script = tmp_path / "script"
        script.write_text("echo here $1\n")
        script.chmod(0o755)
        ended = run(script, "too", options=("--allow-empty",))
        assert (ended.code, ended.out) == (0, "here too\n")


def post_line(payload: Any) -> str:
    """A line of shell that sends a payload."""
    return shlex.join(post(payload))


class TestOptions:
    def test_keys(self):
        """Under --key other keys are refused, and the summary says so."""
        ended = run(*post(GOOD), options=("--key", "other_api_key"))
        assert (ended.code, ended.out) == (1, "401\n")
        assert "401 unauthorized for 1 call to /api/identify" in ended.err

    def test_rules(self):
        """--ignore leaves a rule out, --select takes it alone."""
        assert run(*post(BAD), options=("--ignore", "identify.userId.type")).code == 0
        assert run(*post(BAD), options=("--select", "track.*")).code == 0

    def test_export(self, tmp_path: Path):
        """--export writes every event's payload as it came, accepted or not; nothing of it is there when the command cannot be run."""
        ended = run("sh", "-c", f"{post_line(GOOD)}; {post_line(BAD)}", export=tmp_path / "events.jsonl")
        assert ended.payloads == [GOOD, BAD]
        assert run("no-such-command", export=tmp_path / "none.jsonl").code == 127
        assert [path.name for path in tmp_path.iterdir()] == ["events.jsonl"]

    def test_export_to_nowhere(self, tmp_path: Path):
        """An export that cannot be written is told before the program starts."""
        ended = run("touch", tmp_path / "started", export=tmp_path / "missing" / "events.jsonl")
        assert (ended.code, (tmp_path / "started").exists()) == (2, False)

    def test_reports(self, tmp_path: Path):
        """--output-format and --output-file write what was found as JSON or JUnit, --summary-to as Markdown, besides the summary for people."""
        told = {}
        for name in ("json", "junit"):
            told[name] = tmp_path / name
            options = ("--output-format", name, "--output-file", str(told[name]), "--summary-to", str(tmp_path / "summary.md"))
            ended = run("sh", "-c", f"{post_line(GOOD)}; {post_line(BAD)}", options=options)
            assert (ended.code, "identify.userId.type in 1 call" in ended.err) == (1, True)
        document = json.loads(told["json"].read_text("utf-8"))
        assert (document["exit_code"], document["calls"], document["rejected"], document["events"]) == (1, 2, 1, {"identify": 2})
        assert document["by_rule"]["identify.userId.type"]["first"]["pointer"] == "/userId"
        (suite,) = JUnitXml.fromfile(str(told["junit"]))
        assert (suite.tests, suite.failures, [case.name for case in suite]) == (2, 1, ["calls were captured", "identify.userId.type"])
        summary = (tmp_path / "summary.md").read_text("utf-8")
        assert summary.startswith("### mock-june run: 1 of 2 calls would be refused\n")
        assert "| `identify.userId.type` |" in summary

    def test_reports_of_nothing(self, tmp_path: Path):
        """A run that captured nothing is a failed test case, and the summary's heading."""
        options = ("--output-format", "junit", "--output-file", str(tmp_path / "junit"), "--summary-to", str(tmp_path / "summary.md"))
        assert run("true", options=options).code == 1
        (suite,) = JUnitXml.fromfile(str(tmp_path / "junit"))
        assert suite.failures == 1
        assert "no call was captured" in (tmp_path / "summary.md").read_text("utf-8")
        assert run("true", options=("--output-format", "junit")).code == 2

    def test_journal(self, tmp_path: Path):
        """--journal keeps the record; a second run adds to it, and counts and exports its own calls alone."""
        for number in (1, 2):
            options = ("--journal", str(tmp_path / "journal.db"))
            ended = run(*post(GOOD | {"userId": str(number)}), options=options, export=tmp_path / "events.jsonl")
            assert [payload["userId"] for payload in ended.payloads] == [str(number)]
            assert "1 call captured" in ended.err

    def test_page(self):
        """--page says where the fake is; it answers there while the program runs."""
        ask = "import os, re, sys, urllib.request; print(urllib.request.urlopen(sys.stdin.readline().strip() + '/_mock/health').status)"
        with started(sys.executable, "-c", ask, options=("--allow-empty", "--page"), stdin=subprocess.PIPE) as process:
            line = process.stderr.readline()
            process.stdin.write(line.rpartition(" ")[2])
            process.stdin.flush()
            assert process.stdout.read() == "200\n"

    def test_options_of_the_command(self):
        """What stands behind the command is the command's, with and without `--`."""
        process = subprocess.run([*COMMAND, "--allow-empty", "echo", "--key", "-h"], capture_output=True, text=True, env=environment(), check=False)
        assert (process.returncode, process.stdout) == (0, "--key -h\n")

    def test_both_and_none(self):
        """To insist on the guard and to go without it is a usage error; so is a run of nothing."""
        assert run("true", options=("--require-guard", "--no-guard")).code == 2
        assert subprocess.run(COMMAND, capture_output=True, env=environment(), check=False).returncode == 2

    @pytest.mark.parametrize("options", [("--ignore", "no.such.rule"), ("--fault", "{"), ("--journal", "/"), ("--key", "")])
    def test_what_makes_no_sense(self, tmp_path: Path, options: tuple[str, ...]):
        """Options that make no sense are told in one line, and the program is not started."""
        ended = run("touch", tmp_path / "started", options=options)
        assert (ended.code, ended.err.count("\n"), (tmp_path / "started").exists()) == (2, 1, False)
        assert ended.err.startswith("mock-june: ")

    def test_from_the_environment(self):
        """Options may come from the environment."""
        assert run("true", env=environment(MOCK_JUNE_RUN_ALLOW_EMPTY="1")).code == 0


class TestStreams:
    def test_input_and_output_are_the_commands(self):
        """The command reads the run's stdin and owns its stdout; what mock-june says is on stderr."""
        ended = run("cat", options=("--allow-empty",), stdin="a\x00b\n")
        assert ended.out == "a\x00b\n"
        assert all(line.startswith("mock-june:") for line in ended.err.splitlines())

    def test_descriptors_are_handed_down(self):
        """Descriptors that the run was given, as a shell's <(...) does, are the command's; of our own it gets none."""
        reads, writes = os.pipe()
        os.write(writes, b"handed down")
        os.close(writes)
        script = f"cat /dev/fd/{reads}; echo; ls /proc/self/fd | wc -l"
        process = subprocess.run(
            [*COMMAND, "--allow-empty", "--", "sh", "-c", script], capture_output=True, text=True, pass_fds=[reads], env=environment(), check=False
        )
        os.close(reads)
        said, count = process.stdout.split("\n")[:2]
        assert said == "handed down"
        assert int(count) == 5  # the three, the pipe, and the folder that `ls` reads

    def test_many_connections_under_a_low_limit(self):
        """A command may have as many connections as its own limit of descriptors allows, which stays as it was: ours is raised, which takes three for each."""
        program = """
import http.client, resource
calls = [http.client.HTTPSConnection("api.june.so", timeout=20) for _ in range(60)]
for call in calls:
    call.request("POST", "/api/identify", '{"type": "identify", "userId": "1"}', {"Authorization": "Basic secret_api_key"})
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0], {call.getresponse().status for call in calls})
"""
        ended = run(sys.executable, "-c", program, before=("sh", "-c", 'ulimit -S -n 100; exec "$0" "$@"'))
        assert (ended.code, ended.out) == (0, "100 {200}\n"), ended.err
        assert "60 calls captured" in ended.err

    def test_a_closed_pipe_ends_the_command(self):
        """A command whose reader is gone gets SIGPIPE, as it would without us."""
        with started("sh", "-c", "yes; echo $? >&2") as process:
            process.stdout.read(10)
            process.stdout.close()
            assert "141" in process.stderr.read()

    @pytest.mark.parametrize("stderr", ["2>&-", "2>/dev/full", "<&- 2>&-"])
    def test_nobody_takes_the_summary(self, stderr: str):
        """Where stderr is closed or full the run's exit code is what it would be."""
        line = f"{shlex.join(COMMAND)} --allow-empty -- sh -c 'exit 7' {stderr}; echo $?"
        assert subprocess.run(["sh", "-c", line], capture_output=True, text=True, env=environment(), check=False).stdout == "7\n"

    def test_rejected_text_is_printable(self):
        """What a payload says reaches the terminal without a control character."""
        ended = run(*post({"type": "\x1b[2J\u009b1m"}))
        assert ended.code == 1
        assert not re.search("[\x1b\x9b]", ended.err)


@pytest.mark.skipif(sys.platform != "linux", reason="terminals are asked by /proc")
class TestTerminal:
    @staticmethod
    def talk(program: str, typed: bytes) -> tuple[int, str]:
        """Runs a Python program in a terminal of its own; when it says `ready`, types. Gives the exit code and all that was shown."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.execvpe(COMMAND[0], [*COMMAND, "--allow-empty", "--", sys.executable, "-c", program], environment(NO_COLOR="1"))
        shown = b""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if not select.select([terminal], [], [], 0.1)[0]:
                continue
            try:
                data = os.read(terminal, 4096)
            except OSError:
                break
            if not data:
                break
            if b"ready" not in shown and b"ready" in shown + data:
                os.write(terminal, typed)
            shown += data
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()

    def test_it_is_the_commands(self):
        """The command has the terminal, in its foreground, and reads what is typed."""
        code, shown = self.talk("import os; print(os.isatty(0), os.tcgetpgrp(0) == os.getpgrp(), 'ready', flush=True); print(input()[::-1])", b"abc\n")
        assert code == 0
        assert "True True ready" in shown
        assert "cba" in shown

    def test_I8_ctrl_c(self):
        """Ctrl-C reaches the command once, and the run ends as the command does, with its summary."""
        program = TELL.replace("print(os.getpid()", "print('ready'")
        code, shown = self.talk(program, b"\x03")
        assert (code, shown.count("SIGINT")) == (5, 1)
        assert "0 calls captured" in shown

    def test_ctrl_c_ends_a_plain_command(self):
        """A command that does nothing about Ctrl-C is ended by it: 130."""
        code, _ = self.talk("import signal, time; signal.signal(2, signal.SIG_DFL); print('ready', flush=True); time.sleep(30)", b"\x03")
        assert code == 130


class TestSignals:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_to_the_run_alone(self, number: signal.Signals):
        """A signal that is sent to the run alone is passed on; the run ends as the command does."""
        with started(sys.executable, "-c", TELL) as process:
            process.stdout.readline()
            process.send_signal(number)
            assert process.stdout.read() == f"{number.name}\n"
            assert process.wait(PATIENCE) == 5

    def test_to_the_whole_group(self):
        """A signal that is sent to the whole process group, as `timeout` does, reaches the command once."""
        with started(sys.executable, "-c", TELL, start_new_session=True) as process:
            process.stdout.readline()
            os.killpg(process.pid, signal.SIGTERM)
            assert process.stdout.read() == "SIGTERM\n"
            assert process.wait(PATIENCE) == 5

    def test_one_that_the_command_goes_on_after(self):
        """A signal that does not end the command does not end the run."""
        with started(sys.executable, "-c", TELL) as process:
            process.stdout.readline()
            for _ in range(2):
                process.send_signal(signal.SIGUSR1)
                assert process.stdout.readline() == "SIGUSR1\n"
            process.terminate()
            assert process.wait(PATIENCE) == 5

    def test_ignored_ones_stay_so(self):
        """A signal that the run was told to ignore, as by `nohup`, is ignored by the command too."""
        ended = run(sys.executable, "-c", "import signal; print(signal.getsignal(1))", options=("--allow-empty",), before=("nohup",))
        assert ended.out.endswith("1\n") or "SIG_IGN" in ended.out


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux alone")
class TestWhatIsLeft:
    def test_background_work_is_waited_for(self):
        """What the command leaves in the background may still send for a moment; its calls count."""
        ended = run("sh", "-c", f"(sleep 0.2; {post_line(GOOD)}) >/dev/null 2>&1 &")
        assert ended.code == 0
        assert "1 call captured" in ended.err
        assert "ended after the program" not in ended.err

    def test_I8_what_does_not_end_is_ended(self):
        """What then still runs is ended, be it in a session of its own or deaf to SIGTERM, and named."""
        script = "trap '' TERM; sleep 61 & trap - TERM; setsid sleep 62 & echo $!; exit 4"
        ended = run("sh", "-c", script, options=("--allow-empty",))
        assert ended.code == 4
        assert "ended after the program: sleep (2)" in ended.err
        assert not any(is_alive(int(pid)) for pid in ended.out.split())

    def test_I8_a_killed_run_takes_everything_along(self, temporary: Path):
        """When the run is killed with -9, the command and all that it started end, and no file is left."""
        script = "sleep 71 & setsid sleep 72 & echo $$; wait"
        with started("sh", "-c", script, env=environment(TMPDIR=str(temporary))) as process:
            shell = int(process.stdout.readline())
            pids = until(lambda: len(found := [shell, *children(shell)]) == 3 and found, "two sleeps")
            process.kill()
            until(lambda: not any(map(is_alive, pids)), "the end of all")
            until(lambda: not list(temporary.iterdir()), "an empty folder")

    def test_the_keeper_is_killed(self, temporary: Path):
        """When the process between the run and the command is killed, the command ends with it, and the run says so."""
        with started("sleep", "73", env=environment(TMPDIR=str(temporary))) as process:
            (keeper,) = until(lambda: children(process.pid), "the keeper")
            (command,) = until(lambda: children(keeper), "the command")
            os.kill(keeper, signal.SIGKILL)
            assert process.wait(PATIENCE) == 137
            assert "was killed" in process.stderr.read()
            assert not is_alive(command)
        assert list(temporary.iterdir()) == []

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
    def test_ended_as_it_starts(self, temporary: Path, number: signal.Signals):
        """A run that is ended before, or just as, it starts its program leaves no file either."""
        with started("sleep", "75", env=environment(TMPDIR=str(temporary))) as process:
            until(lambda: list(temporary.glob("*/*")), "a first file")
            process.send_signal(number)
            assert process.wait(PATIENCE) in {128 + number, -number}
            until(lambda: not list(temporary.iterdir()), "an empty folder")

    @pytest.mark.parametrize("command", [("true",), ("no-such-command",), ("sh", "-c", "kill -9 $$")])
    def test_I8_no_file_is_left(self, temporary: Path, command: tuple[str, ...]):
        """After any end nothing is left in the temporary folder, not of a command that cannot be run either."""
        run(*command, env=environment(TMPDIR=str(temporary)))
        assert list(temporary.iterdir()) == []

    def test_I5_no_key_on_disk(self, temporary: Path):
        """While a run lasts no private key lies in a file of its, and what lies there nobody else can read; a run whose every process was killed is swept."""
        with started("sleep", "74", env=environment(TMPDIR=str(temporary)), start_new_session=True) as process:
            (keeper,) = until(lambda: children(process.pid), "the keeper")
            until(lambda: children(keeper), "the command")
            files = [path for path in temporary.rglob("*") if path.is_file()]
            assert {path.name for path in files} >= {"ca.pem", "bundle.pem"}
            assert not [path for path in files if b"PRIVATE KEY" in path.read_bytes()]
            assert {stat.S_IMODE(folder.stat().st_mode) for folder in temporary.iterdir()} == {0o700}
            os.killpg(process.pid, signal.SIGKILL)
        assert any(temporary.glob("mock-june-run-*"))
        run("true", env=environment(TMPDIR=str(temporary)))
        assert not any(temporary.glob("mock-june-run-*"))

    def test_I6_planted_names(self, temporary: Path, tmp_path: Path):
        """Links that somebody has planted in the temporary folder are neither followed nor removed: names cannot be guessed, and files are made anew."""
        target = tmp_path / "target"
        target.mkdir()
        (target / "file").write_text("x")
        links = [temporary / name for name in ("mock-june-run-", "mock-june-run-x", "mock-june", "ca.pem", "bundle.pem")]
        for link in links:
            link.symlink_to(target)
        assert run(*post(GOOD), env=environment(TMPDIR=str(temporary))).code == 0
        assert sorted(temporary.iterdir()) == sorted(links)
        assert [path.name for path in target.iterdir()] == ["file"]


def children(pid: int) -> list[int]:
    """The processes that a process has started and that still run."""
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


@pytest.mark.skipif(not guard.available(), reason="this kernel has no Landlock with rules for the network")
class TestWithoutTheGuard:
    def test_it_is_told(self):
        """Where the kernel has no guard, the program runs all the same, and a loud note says what that means."""
        ended = run(*post(GOOD), before=WITHOUT_LANDLOCK)
        assert (ended.code, ended.out) == (0, "200\n")
        assert "NO GUARD" in ended.err

    def test_I2_it_is_insisted_on(self, tmp_path: Path):
        """Under --require-guard the program is not started there."""
        ended = run("touch", tmp_path / "started", options=("--require-guard",), before=WITHOUT_LANDLOCK)
        assert ended.code == 2
        assert not (tmp_path / "started").exists()
        assert "the program was not started" in ended.err

    def test_it_is_left_out(self):
        """Under --no-guard the direct way is open, and nothing is said about it."""
        ask = "import socket; print(socket.socket().connect_ex(('127.0.0.1', 443)))"
        ended = run(sys.executable, "-c", ask, options=("--no-guard", "--allow-empty"))
        assert ended.out == "111\n"
        assert "GUARD" not in ended.err
        assert run(sys.executable, "-c", ask, options=("--require-guard", "--allow-empty")).out == "13\n"


@pytest.mark.skipif(not guard.available(), reason="this kernel has no Landlock with rules for the network")
class TestStoppedByTheGuard:
    def test_it_is_named(self, tmp_path: Path):
        """What the guard stopped is named with its count at the end, of a run that went well too, with what to do; and in the JSON report."""
        options = ("--output-format", "json", "--output-file", str(tmp_path / "run.json"))
        ended = run("sh", "-c", f"{post_line(GOOD)}; env -i {PAST_ALL}; env -i {PAST_ALL}", options=options)
        assert (ended.code, ended.out.split()) == (0, ["200", "13", "13"]), ended.err
        assert f"stopped by the guard: {Path(sys.executable).name} to 127.0.0.1:443 (2)\n" in ended.err
        assert "heeds neither proxy nor shim" in ended.err
        (stopped,) = json.loads((tmp_path / "run.json").read_text("utf-8"))["hosts_stopped"]
        assert stopped == {"process": Path(sys.executable).name, "host": "127.0.0.1:443", "connections": 2}

    def test_nobody_is_named_for_nothing(self):
        """A run that failed for other reasons says nothing of the guard."""
        ended = run("false", options=("--allow-empty",))
        assert (ended.code, "guard" in ended.err) == (1, False)

    def test_where_nobody_looks(self):
        """Where nobody can look, as in a run within a run, a run that failed says what the guard may have to do with it."""
        ended = run(*COMMAND, "--allow-empty", "--", "sh", "-c", f"env -i {PAST_ALL}; exit 3", options=("--allow-empty",))
        inner, _, outer = ended.err.partition("heeds neither proxy nor shim")
        assert (ended.code, ended.out, "stopped by the guard" in inner) == (3, "13\n", False), ended.err
        assert "127.0.0.1:443 (1)" in outer


@pytest.mark.parametrize(
    "command",
    [
        "docker run x",
        "/usr/bin/docker compose up",
        "ssh host python backfill.py",
        "kubectl exec pod -- python backfill.py",
        "podman run x",
        "sudo -u me docker run x",
        "env A=1 B=2 docker run x",
        "nice -n 5 timeout -k 1 30s sudo ssh host",
    ],
)
def test_what_would_escape(command: str):
    """A command that has its program run elsewhere, out of reach, is known for one, behind paths, `sudo`, `env` and their like too."""
    assert escape(command.split()) is not None


@pytest.mark.parametrize("command", ["echo docker", "env A=1 echo ssh", "python -c docker", "./docker-entry", "env", "sudo -u docker id"])
def test_what_only_names_it(command: str):
    """A command that merely has such a word among its arguments is none of these."""
    assert escape(command.split()) is None


def test_what_would_escape_is_refused():
    """Such a command is refused with the reason."""
    ended = run("docker", "run", "x")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("mock-june: docker cannot be run like this: it asks a daemon to start the program")
