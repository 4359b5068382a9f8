"""The image and the examples for CI and containers: linted, and as far as they can be without Docker, tried."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time

import click
import pytest
import yaml

from mock_june.cli import main
from mock_june.testing import running_mock
from tests.packaging.conftest import SCRIPTS, tool


def parsed(line: str) -> str:
    """The command of a line of shell, once its options and values were taken."""
    words = shlex.split(re.split(r" [>&|]| \d>", line)[0])
    assert words[0] == "mock-june", line
    group = click.Context(main.commands, help_option_names=["-h", "--help"])
    command = main.commands.get_command(group, words[1])
    assert command is not None, line
    command.make_context(words[1], words[2:], parent=group)
    return words[1]


@pytest.fixture(scope="module")
def instructions(repo) -> dict[str, list[str]]:
    """The Dockerfile's instructions by name, each line of them whole."""
    text = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", (repo / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE))
    found: dict[str, list[str]] = {}
    for line in filter(None, text.splitlines()):
        name, _, rest = line.partition(" ")
        found.setdefault(name, []).append(rest)
    return found


class TestImage:
    def test_hadolint(self, repo):
        """Hadolint has nothing to say of it."""
        ended = subprocess.run([tool("hadolint"), repo / "Dockerfile"], capture_output=True, text=True, timeout=60, check=False)
        assert (ended.returncode, ended.stdout) == (0, "")

    def test_not_root(self, instructions):
        """It runs as a user that is not root, named by a number."""
        assert int(instructions["USER"][-1]) > 0

    def test_variables(self, instructions):
        """Each setting that it makes is one of `mock-june serve`."""
        names = re.findall(r"MOCK_JUNE_\w+", " ".join(instructions["ENV"]))
        command = main.commands.get_command(click.Context(main.commands), "serve")
        assert command is not None
        assert names
        assert set(names) <= {option.envvar for option in command.params if isinstance(option, click.Option)}

    def test_what_it_runs(self, instructions):
        """What it runs is a command of ours."""
        assert parsed(shlex.join([*json.loads(instructions["ENTRYPOINT"][0]), *json.loads(instructions["CMD"][0])])) == "serve"

    def test_healthcheck(self, instructions, monkeypatch):
        """The health check passes where a fake answers, be it that it wants its token, and fails where nothing does."""
        command = [sys.executable, *json.loads(instructions["HEALTHCHECK"][0].partition("CMD ")[2])[1:]]

        def healthy(port: str) -> bool:
            monkeypatch.setenv("MOCK_JUNE_SERVE_PORT", port)
            return subprocess.run(command, timeout=10, capture_output=True, check=False).returncode == 0

        with running_mock() as june:
            port = june.url.rpartition(":")[2]
            assert healthy(port)
        assert not healthy(port)
        guarded = [sys.executable, "-m", "mock_june", "serve", "--port", "0", "--token", "secret"]
        with subprocess.Popen(guarded, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert healthy(server.stdout.readline().strip().rpartition(":")[2])
            finally:
                server.terminate()

    def test_what_is_copied(self, repo, tmp_path):
        """The files that .dockerignore lets in are enough to build the wheel, and are no others."""
        ignored = (repo / ".dockerignore").read_text("utf-8").splitlines()
        kept = [line[1:] for line in ignored if line.startswith("!")]
        assert ignored[1] == "*"
        for name in kept:
            copy = shutil.copytree if (repo / name).is_dir() else shutil.copy
            copy(repo / name, tmp_path / name)
        ended = subprocess.run([sys.executable, "-m", "build", "--wheel", "--no-isolation", tmp_path], capture_output=True, text=True, timeout=120, check=False)
        assert ended.returncode == 0, ended.stderr
        assert list((tmp_path / "dist").glob("mock_june-*.whl"))


class TestCompose:
    def test_names(self, repo):
        """The app calls the fake by its service's name, which the fake believes; its options are real ones, and the app waits until it is healthy."""
        services = yaml.safe_load((repo / "examples" / "ci" / "compose.yaml").read_text("utf-8"))["services"]
        assert parsed(shlex.join(["mock-june", *services["mock-june"]["command"]])) == "serve"
        words = services["mock-june"]["command"]
        assert words[words.index("--allow-host") + 1] == "mock-june"
        assert services["app"]["environment"]["JUNE_URL"] == "http://mock-june:5863"
        assert services["app"]["depends_on"] == {"mock-june": {"condition": "service_healthy"}}

    def test_only_this_machine(self, repo):
        """The port is published to this machine alone."""
        services = yaml.safe_load((repo / "examples" / "ci" / "compose.yaml").read_text("utf-8"))["services"]
        assert all(port.startswith("127.0.0.1:") for service in services.values() for port in service.get("ports", ()))


def test_gitlab(repo):
    """The GitLab example's commands of ours take their options; what it reports is what a command writes."""
    jobs = yaml.safe_load((repo / "examples" / "ci" / "gitlab.yml").read_text("utf-8"))
    lines = [line for job in jobs.values() for line in job.get("script", ())]
    assert [parsed(line) for line in lines if line.startswith("mock-june ")] == ["check", "serve", "calls", "run"]
    report = jobs["check"]["artifacts"]["reports"]["junit"]
    assert f"--output-file {report}" in jobs["check"]["script"][0]


@pytest.mark.parametrize("code", [0, 3])
def test_gitlab_serves(repo, tmp_path, code):
    """The job with a fake shows what June would have refused whether its tests pass or not, ends as they do, and leaves no fake behind."""
    if shutil.which("bash") is None or shutil.which("curl") is None:
        pytest.skip("the job needs bash and curl, which are not both here")
    script = "\n".join(yaml.safe_load((repo / "examples" / "ci" / "gitlab.yml").read_text("utf-8"))["test"]["script"])
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    url = f"http://127.0.0.1:{port}"
    tests = tmp_path / "run-the-tests.sh"
    tests.write_text(
        f"""#!/bin/sh\ncurl -s -H 'Authorization: Basic k' -H 'Content-Type: application/json' -d '{{"type": "group"}}' $JUNE_URL/api/group; exit {code}\n"""
    )
    tests.chmod(0o755)
    env = os.environ | {"PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}", "MOCK_JUNE_SERVE_PORT": port, "MOCK_JUNE_CALLS_URL": url}
    # As the runner does: all lines in one shell, which ends with the first that fails.
    ended = subprocess.run(
        ["bash", "-e", "-c", script.replace("http://127.0.0.1:5863", url)], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == code, ended.stderr
    assert re.search(r" 400 POST /api/group .* group\.groupId\.required", ended.stdout)
    assert f"mock-june listening on {url}" in (tmp_path / "june.log").read_text()
    deadline = time.monotonic() + 10
    while socket_answers(int(port)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def socket_answers(port: int) -> bool:
    """Whether anybody listens there."""
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


class TestPreCommit:
    def test_the_hook(self, repo):
        """The hook is a check of JSON Lines: no other JSON is taken for payloads."""
        [hook] = yaml.safe_load((repo / ".pre-commit-hooks.yaml").read_text("utf-8"))
        assert hook["id"] == "mock-june-check"
        assert parsed(f"{hook['entry']} x.jsonl") == "check"
        assert re.search(hook["files"], "export/2021.jsonl")
        assert not re.search(hook["files"], "package.json")

    def test_the_example(self, repo):
        """The example names the hook, and the files of an export."""
        [example] = yaml.safe_load((repo / "examples" / "ci" / "pre-commit.yml").read_text("utf-8"))["repos"]
        [hook] = example["hooks"]
        assert hook["id"] == "mock-june-check"
        assert re.search(hook["files"], "export/2021.jsonl")

    @pytest.mark.slow
    def test_pre_commit_runs_it(self, repo, tmp_path):
        """Pre-commit installs the hook from a clone, passes good files and stops wrong ones."""
        pre_commit = tool("pre-commit")
        project = tmp_path / "project"
        shutil.copytree(repo / "tests" / "docs" / "files", project)

        def run(*command: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=300, check=False)

        run("git", "init", "--quiet")
        run("git", "add", ".")
        # A clone: what is not committed is no part of the hook.
        subprocess.run(["git", "clone", "--quiet", repo, tmp_path / "clone"], check=True)
        ended = run(pre_commit, "try-repo", str(tmp_path / "clone"), "mock-june-check", "--files", "export/2022.jsonl")
        assert ended.returncode == 0, ended.stdout + ended.stderr
        ended = run(pre_commit, "try-repo", str(tmp_path / "clone"), "mock-june-check", "--files", "export.jsonl")
        assert ended.returncode == 1
        assert "error[identify.userId.type] once" in ended.stdout
