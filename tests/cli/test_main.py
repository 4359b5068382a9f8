"""The command group: what every command has in common."""

from __future__ import annotations

import os
import subprocess
import sys
from types import ModuleType
from typing import Any

import click
import pytest

from mock_june import __version__
from mock_june.cli import main
from mock_june.errors import JournalError, UsageError


class Toy(ModuleType):
    """A module with a command `toy` that notes what it was given, and does what its `act` says."""

    given: dict[str, Any]
    act: Any = staticmethod(lambda: None)
    toy: click.Command


@pytest.fixture
def toy(monkeypatch) -> Toy:
    """The module, in its place among the commands."""
    module = Toy("mock_june.cli.toy")

    @click.command("toy")
    @click.option("--key", "keys", multiple=True)
    @click.option("--max-calls", type=click.IntRange(1))
    @click.option("--file", type=click.Path())
    @click.option("--open", "is_open", is_flag=True)
    def command(**options):
        module.given = options
        return module.act()

    module.toy = command
    monkeypatch.setitem(sys.modules, "mock_june.cli.toy", module)
    monkeypatch.setattr(main, "COMMANDS", (*main.COMMANDS, "toy"))
    return module


def as_users_have_it() -> dict[str, str]:
    """The environment without what would hide that Python buffers its stdout."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def one_line(err: str) -> str:
    """What stderr holds, when that is one line of ours."""
    assert err.startswith("mock-june: ")
    assert err.count("\n") == 1
    return err


def load(name: str) -> click.Command:
    command = main.commands.get_command(click.Context(main.commands), name)
    assert command is not None
    return command


class TestUsage:
    def test_version(self, run):
        """`--version` prints the name and the version."""
        assert run("--version") == (0, f"mock-june {__version__}\n", "")

    def test_as_a_module(self):
        """`python -m mock_june` is the same command under the same name."""
        ended = subprocess.run([sys.executable, "-m", "mock_june", "nothing"], capture_output=True, text=True, check=False)
        assert ended.returncode == 2
        assert ended.stderr.startswith("mock-june: No such command")

    def test_without_a_command(self, run):
        """Without a command the help goes to stderr and the exit code says that nothing was done."""
        code, out, err = run()
        assert (code, out) == (2, "")
        for name in main.COMMANDS:
            assert f"\n  {name} " in err

    @pytest.mark.parametrize("flag", ["-h", "--help"])
    @pytest.mark.parametrize("command", [(), *((name,) for name in main.COMMANDS)])
    def test_help(self, run, command, flag):
        """`-h` and `--help` are known everywhere."""
        code, out, err = run(*command, flag)
        assert (code, err) == (0, "")
        assert out.startswith("Usage: mock-june")

    def test_each_command_in_a_line(self, run, monkeypatch):
        """On a terminal of 80 columns each command is told in a line, none of them cut."""
        monkeypatch.setenv("COLUMNS", "80")
        told = run("--help").out.partition("Commands:\n")[2].splitlines()
        assert len(told) == len(main.COMMANDS)
        assert not [line for line in told if line.endswith("...")]

    def test_unknown_command(self, run):
        """A misspelt command is told from the nearest."""
        code, out, err = run("rul")
        assert (code, out) == (2, "")
        assert "Did you mean 'rule'?" in one_line(err)

    def test_strange_command(self, run):
        """A command near to none is told from all."""
        assert f"There are {', '.join(main.COMMANDS)}." in one_line(run("xyzzy").err)

    def test_unknown_option(self, run):
        """A misspelt option is told from the nearest, with where the others are listed."""
        code, out, err = run("rule", "--output-formt", "json")
        assert (code, out) == (2, "")
        assert one_line(err) == "mock-june: No such option '--output-formt'. Did you mean '--output-format'? See: mock-june rule --help\n"

    def test_strange_option(self, run):
        """An option near to none is told from none."""
        assert one_line(run("rule", "--xyzzy").err) == "mock-june: No such option '--xyzzy'. See: mock-june rule --help\n"

    def test_bad_value(self, run):
        """A value that is no choice is told from the choices and the nearest of them, on one line."""
        code, _, err = run("schema", "sdk/trakc")
        assert code == 2
        assert "'sdk/batch'. Did you mean 'sdk/track'? See: mock-june schema --help" in one_line(err)
        assert "'markdown', 'html'. Did you mean 'json'?" in one_line(run("check", "--output-format", "jsno").err)


class TestEndings:
    def test_exit_code_of_a_command(self, run, toy):
        """What a command returns is the exit code."""
        toy.act = lambda: 1
        assert run("toy") == (1, "", "")

    @pytest.mark.parametrize("error", [UsageError("no"), JournalError("no", "f")])
    def test_errors_on_purpose(self, run, toy, error):
        """An error on purpose is one line on stderr and its own exit code."""

        def act():
            raise error

        toy.act = act
        assert run("toy") == (error.exit_code, "", "mock-june: no\n")

    def test_control_characters(self, run, toy):
        """What came from outside reaches the terminal without what a terminal acts on."""

        def act():
            raise UsageError("file \x1b[2J\x9b1m\nx")

        toy.act = act
        assert run("toy").err == "mock-june: file \\x1b[2J\\x9b1m\\x0ax\n"

    def test_control_characters_in_arguments(self, run):
        """So it is with what was typed."""
        assert "\x1b" not in one_line(run("\x1b[31m").err)

    def test_interrupted(self, run, toy):
        """Ctrl-C ends with 130, without a traceback."""

        def act():
            raise KeyboardInterrupt

        toy.act = act
        code, _, err = run("toy")
        assert (code, err.strip()) == (130, "")

    def test_system_errors(self, run, toy):
        """What the system refuses is one line with the file's name, and exit code 2."""
        toy.act = lambda: open("missing")  # noqa: PTH123, SIM115 - it fails
        assert run("toy") == (2, "", "mock-june: No such file or directory: missing\n")

    def test_closed_pipe(self):
        """A reader that goes early ends the command quietly, as SIGPIPE would."""
        command = [sys.executable, "-c", "import time; from mock_june.cli.main import main; time.sleep(0.3); main(['rule'])"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=as_users_have_it()) as process:
            process.stdout.close()
            assert process.stderr.read() == b""
            assert process.wait() == 141

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has it")  # noqa: PTH110 - no path is needed
    def test_full_disk(self):
        """A stdout that takes nothing is exit code 2 and one line, never a success."""
        command = [sys.executable, "-m", "mock_june", "rule"]
        with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123 - nor here
            ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=as_users_have_it())
        assert ended.returncode == 2
        assert "No space left" in one_line(ended.stderr)


class TestEnvironment:
    def test_every_option(self):
        """Each option of each command has the variable MOCK_JUNE_<COMMAND>_<OPTION>, after the option as it is typed."""
        for name in main.COMMANDS:
            for option in (param for param in load(name).params if isinstance(param, click.Option)):
                longest = max(option.opts, key=len).lstrip("-")
                assert option.envvar == f"MOCK_JUNE_{name}_{longest}".upper().replace("-", "_")

    def test_value(self, run, toy, monkeypatch):
        """A variable sets its option, whatever the parameter behind it is called."""
        monkeypatch.setenv("MOCK_JUNE_TOY_KEY", "a b")
        monkeypatch.setenv("MOCK_JUNE_TOY_MAX_CALLS", "7")
        monkeypatch.setenv("MOCK_JUNE_TOY_OPEN", "1")
        assert run("toy").code == 0
        assert toy.given == {"keys": ("a", "b"), "max_calls": 7, "file": None, "is_open": True}

    def test_bad_value(self, run, toy, monkeypatch):
        """A variable's value is held to what the option's would be."""
        monkeypatch.setenv("MOCK_JUNE_TOY_MAX_CALLS", "0")
        code, _, err = run("toy")
        assert code == 2
        assert "--max-calls" in one_line(err)

    def test_variables_of_others(self, run, monkeypatch):
        """A variable that only looks like ours, such as one that names the version to install, sets nothing."""
        monkeypatch.setenv("MOCK_JUNE_VERSION", "1.2.3")
        assert run("schema", "sdk/batch").code == 0


class TestPyproject:
    def write(self, folder, text):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "pyproject.toml").write_text(text, "utf-8")

    def test_order(self, run, toy, tmp_path, monkeypatch):
        """The command line goes before the environment, that before the command's table, and that before the common one."""
        self.write(tmp_path, '[tool.mock-june]\nmax-calls = 1\nkey = ["common"]\nfile = "f"\n[tool.mock-june.toy]\nmax_calls = 2\nkey = "own"\nopen = true\n')
        run("toy")
        assert toy.given == {"keys": ("own",), "max_calls": 2, "file": str(tmp_path / "f"), "is_open": True}
        monkeypatch.setenv("MOCK_JUNE_TOY_MAX_CALLS", "3")
        run("toy")
        assert toy.given["max_calls"] == 3
        run("toy", "--max-calls", "4")
        assert toy.given["max_calls"] == 4

    def test_nearest(self, run, toy, tmp_path, monkeypatch):
        """The nearest file upward that has the table counts, and its paths are from its own folder."""
        self.write(tmp_path, '[tool.mock-june]\nfile = "x"\n')
        self.write(tmp_path / "a" / "b", "[project]\nname = 'other'\n")
        monkeypatch.chdir(tmp_path / "a" / "b")
        run("toy")
        assert toy.given["file"] == str(tmp_path / "x")

    def test_common_option_of_another_command(self, run, toy, tmp_path):
        """A common value that this command has no option for is for the others."""
        self.write(tmp_path, '[tool.mock-june]\nselect = ["track.*"]\n[tool.mock-june.serve]\nport = 1\n')
        assert run("toy") == (0, "", "")

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("[tool.mock-june.toy]\nmax-cals = 1\n", "did you mean 'max-calls'?"),
            ("[tool.mock-june.srve]\nport = 1\n", "did you mean 'serve'?"),
            ("[tool.mock-june]\nmax-calls = [1]\n", "--max-calls takes one value"),
            ("[tool.mock-june]\nmax-calls = 0\n", "--max-calls"),
            ("[tool.mock-june\n", "cannot be read"),
        ],
    )
    def test_mistakes(self, run, toy, tmp_path, text, said):
        """A mistake in the table is exit code 2 and one line that says what to change."""
        self.write(tmp_path, text)
        code, _, err = run("toy")
        assert code == 2
        assert said in one_line(err)

    def test_files_of_others(self, run, toy, tmp_path):
        """A faulty pyproject.toml that does not speak of mock-june is none of our business."""
        self.write(tmp_path, "[broken\n")
        assert run("toy").code == 0


class TestImports:
    def test_a_command_alone(self):
        """A command brings along neither the other commands nor the server, the test runner or the table printer."""
        script = "import sys; from mock_june.cli.main import run; run(['rule']); print(*sys.modules)"
        ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        modules = set(ended.stdout.splitlines()[-1].split())
        assert "mock_june.cli.rule" in modules
        assert not modules & {"flask", "uvicorn", "pytest", "hypothesis", "rich", "httpx", "jsonschema", "mock_june.cli.serve", "mock_june.server"}
