"""The GitHub action: its steps, run as a runner would, and what linters say of it. The steps that are others' actions are not run."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import urllib.request

import pytest

from tests.packaging.conftest import tool, workflow_of

INSTALL = "Install mock-june"
"""Takes the network and half a minute: `make slow` runs it. Elsewhere the steps find the command of this environment."""

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="the steps are bash's, which is not here")


@pytest.fixture
def files(repo, tmp_path):
    """The job's folder with an export in it."""
    shutil.copytree(repo / "tests" / "docs" / "files", tmp_path, dirs_exist_ok=True)
    return tmp_path


class TestCheck:
    def test_annotations_and_summary(self, job, files):
        """Wrong files fail the step, with annotations on their lines and a table in the summary."""
        ran = job(mode="check", files="export.jsonl\nexport/\n")
        assert ran.run(INSTALL) == 1
        assert "::error file=export.jsonl,line=2,title=identify.userId.type::userId is the number 42" in ran.output
        summary = ran.told("GITHUB_STEP_SUMMARY")
        assert summary.startswith("### mock-june check: 3 of 8 payloads would be refused\n")
        assert "| `identify.userId.type` | error | 1 | export.jsonl:2 |" in summary

    def test_clean(self, job, files):
        """Good files pass, and the summary says so."""
        ran = job(mode="check", files="export/2022.jsonl")
        assert ran.run(INSTALL) == 0
        assert "2 payloads, none refused" in ran.told("GITHUB_STEP_SUMMARY")

    def test_options(self, job, files):
        """Options are passed on, quotes and blanks as a shell has them."""
        ran = job(mode="check", files="export.jsonl", args="--ignore '*.userId.type' --ignore 'track.*'")
        assert ran.run(INSTALL) == 0

    def test_hostile_file_names(self, job, files):
        """A file's name is a name, whatever stands in it."""
        name = "a b;touch pwned $(touch pwned) `touch pwned` '.jsonl"
        (files / name).write_text('{"type":"identify","userId":"1"}\n')
        assert job(mode="check", files=name).run(INSTALL) == 0
        assert not (files / "pwned").exists()

    def test_a_file_that_is_not_there(self, job, files):
        """What cannot be done is exit code 2, and no summary claims anything."""
        ran = job(mode="check", files="nothing.jsonl")
        assert ran.run(INSTALL) == 2
        assert "nothing.jsonl does not exist" in ran.output
        assert ran.told("GITHUB_STEP_SUMMARY") == ""


class TestServe:
    def test_serves(self, job, files):
        """The fake outlives its step; its address is an output, JUNE_URL, and where `mock-june calls` of later steps asks."""
        ran = job(mode="serve", args="--port 0 --key my-key")
        try:
            assert ran.run(INSTALL) == 0
            url = re.fullmatch(r"url=(http://127\.0\.0\.1:\d+)\n", ran.told("GITHUB_OUTPUT"))
            assert url is not None
            assert ran.told("GITHUB_ENV") == f"JUNE_URL={url[1]}\nMOCK_JUNE_CALLS_URL={url[1]}\n"
            with urllib.request.urlopen(f"{url[1]}/_mock/health", timeout=10) as answer:
                assert answer.status == 200
        finally:
            end_servers(str(files / "mock-june" / "serve.log"))

    def test_does_not_start(self, job, files):
        """A fake that does not start fails the step, with what it said."""
        ran = job(mode="serve", args="--port 99999999")
        assert ran.run(INSTALL) == 2
        assert "::error title=mock-june::the fake did not start" in ran.output
        assert "99999999 is not in the range" in ran.output


class TestRun:
    def test_a_wrong_call(self, job, files):
        """A program whose call June would have refused fails the step, with its output in the log and a table in the summary."""
        ran = job(mode="run", run="python backfill.py && echo it went on")
        assert ran.run(INSTALL) == 1, ran.output
        assert "it went on" in ran.output
        assert "`identify.userId.type`" in ran.told("GITHUB_STEP_SUMMARY")

    def test_a_good_call(self, job, files):
        """A program whose calls were good passes."""
        script = files / "backfill.py"
        script.write_text(script.read_text().replace("42", '"42"'))
        ran = job(mode="run", run="python backfill.py")
        assert ran.run(INSTALL) == 0, ran.output
        assert ran.told("GITHUB_STEP_SUMMARY").startswith("### mock-june run: ")

    def test_options(self, job, files):
        """Options are passed on."""
        assert job(mode="run", run="python backfill.py", args="--allow-rejected --key secret_api_key").run(INSTALL) == 0

    def test_without_a_program(self, job, files):
        """Without a program the step says what it wants."""
        ran = job(mode="run")
        assert ran.run(INSTALL) == 2
        assert "mode run wants the program" in ran.output


def end_servers(log: str) -> None:
    """Ends the processes that write to this file: the step that started one is gone, and knew its number alone."""
    for process in os.listdir("/proc") if os.path.isdir("/proc") else ():  # noqa: PTH208, PTH112
        if process.isdigit():
            try:
                if os.readlink(f"/proc/{process}/fd/1") == log:  # noqa: PTH115
                    os.kill(int(process), signal.SIGTERM)
            except OSError:
                continue


def test_a_mode_that_is_none(job, files):
    """A misspelt mode fails, with those there are."""
    ran = job(mode="chekc")
    assert ran.run(INSTALL) == 2
    assert "mode must be serve, check or run" in ran.output


@pytest.mark.slow
def test_install(job, files):
    """The installation makes an environment of its own, whose command later steps find; it brings what reads every format."""
    ran = job(mode="check", files="export/2022.jsonl")
    assert ran.run() == 0, ran.output
    [folder] = ran.told("GITHUB_PATH").splitlines()
    listed = os.listdir(folder)  # noqa: PTH208
    assert listed == ["mock-june"]  # and no python or pip that would hide the job's


class TestLint:
    def test_shellcheck(self, repo, tmp_path):
        """ShellCheck has nothing to say of any step."""
        shellcheck = tool("shellcheck")
        for number, step in enumerate(workflow_of(repo / "action.yml")["runs"]["steps"]):
            if "run" in step:
                path = tmp_path / f"{number}.sh"
                path.write_text(step["run"], "utf-8")
                ended = subprocess.run([shellcheck, "--shell=bash", path], capture_output=True, text=True, timeout=60, check=False)
                assert ended.returncode == 0, f"{step['name']}:\n{ended.stdout}"

    def test_no_input_in_a_script(self, repo):
        """No expression stands in a script, where an input would be code; all come by the environment."""
        for step in workflow_of(repo / "action.yml")["runs"]["steps"]:
            assert "${{" not in step.get("run", ""), step["name"]

    def test_actionlint(self, repo, actionlint):
        """As the steps of a workflow, actionlint has nothing to say of the action."""
        action = workflow_of(repo / "action.yml")
        inputs = {name: {"type": "string", "required": value.get("required", False)} for name, value in action["inputs"].items()}
        job = {"runs-on": "ubuntu-latest", "steps": action["runs"]["steps"]}
        assert actionlint({"on": {"workflow_call": {"inputs": inputs}}, "jobs": {"action": job}}) == []

    def test_its_outputs(self, repo):
        """Each output is one that a step writes."""
        action = workflow_of(repo / "action.yml")
        for output in action["outputs"].values():
            step, name = re.fullmatch(r"\$\{\{ steps\.(\w+)\.outputs\.(\w+) \}\}", output["value"]).groups()
            [script] = [each["run"] for each in action["runs"]["steps"] if each.get("id") == step]
            assert f'echo "{name}=' in script

    def test_the_example(self, repo, actionlint):
        """Actionlint has nothing to say of the example, whose inputs are the action's."""
        workflow = workflow_of(repo / "examples" / "ci" / "github.yml")
        assert actionlint(workflow) == []
        known = workflow_of(repo / "action.yml")["inputs"]
        used = [step["with"] for job in workflow["jobs"].values() for step in job["steps"] if "mock-june" in step.get("uses", "")]
        assert [each["mode"] for each in used] == ["check", "serve", "run"]
        assert {name for each in used for name in each} <= set(known)
