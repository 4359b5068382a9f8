"""The sdist and the wheel: what is in them, and that the wheel works in an environment that has nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest

from mock_june import __version__

# One worker builds and installs once.
pytestmark = pytest.mark.xdist_group("package")


@pytest.fixture(scope="module")
def dist(repo, tmp_path_factory) -> Path:
    """A folder with the sdist and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, repo], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def wheel(dist) -> Path:
    """The wheel that was built from the sdist."""
    return dist / f"mock_june-{__version__}-py3-none-any.whl"


@pytest.fixture(scope="module")
def bare(wheel, tmp_path_factory) -> Path:
    """The scripts of an environment into which nothing but the wheel was installed."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder)
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    subprocess.run([sys.executable, "-m", "pip", "--python", scripts / "python", "install", "--quiet", "--no-compile", wheel], check=True, capture_output=True)
    return scripts


def files_of(repo: Path, *folders: str) -> set[str]:
    """What git keeps in these folders."""
    if not (repo / ".git").exists():
        pytest.skip("no checkout: nothing says what belongs to it")
    listed = subprocess.run(["git", "ls-files", *folders], cwd=repo, capture_output=True, text=True, check=True).stdout.split()
    return {name for name in listed if (repo / name).exists()}


class TestContents:
    def test_wheel(self, repo, wheel):
        """The wheel holds the package, and in it the schemas and the contract suite, whole."""
        names = set(zipfile.ZipFile(wheel).namelist())
        expected = files_of(repo, "mock_june") | {f"mock_june/{name}" for name in files_of(repo, "schemas", "contract_tests")}
        assert expected <= names
        assert "mock_june/schemas/backfill/track.json" in names
        assert "mock_june/py.typed" in names

    def test_top_level_names(self, wheel):
        """The wheel takes no other top-level name, and has the licence beside it."""
        names = zipfile.ZipFile(wheel).namelist()
        assert {name.split("/")[0] for name in names} == {"mock_june", f"mock_june-{__version__}.dist-info"}
        assert f"mock_june-{__version__}.dist-info/licenses/LICENSE" in names

    def test_sdist(self, repo, dist):
        """The sdist holds what the wheel is built from, the tests and the docs."""
        with tarfile.open(dist / f"mock_june-{__version__}.tar.gz") as archive:
            names = {name.partition("/")[2] for name in archive.getnames()}
        assert files_of(repo, "mock_june", "schemas", "contract_tests", "tests", "docs", "examples") <= names
        assert {"README.md", "LICENSE", "CHANGELOG.md", "Makefile", "pyproject.toml"} <= names


class TestPlaces:
    SCRIPT = "import mock_june; print(mock_june.check({'type': 'identify'}).violations[0].rule, mock_june.__file__)"

    def run(self, python: str | Path, folder: Path, *options: str) -> tuple[str, str]:
        ended = subprocess.run([python, *options, "-c", self.SCRIPT], cwd=folder, capture_output=True, text=True, check=True)
        rule, where = ended.stdout.split()
        return rule, where

    def test_bare_checkout(self, repo):
        """A checkout works as it is."""
        assert self.run(sys.executable, repo) == ("identify.userId.required", str(repo / "mock_june" / "__init__.py"))

    def test_sdist(self, dist, tmp_path):
        """An unpacked sdist works as it is."""
        with tarfile.open(dist / f"mock_june-{__version__}.tar.gz") as archive:
            archive.extractall(tmp_path, filter="data")
        folder = tmp_path / f"mock_june-{__version__}"
        assert self.run(sys.executable, folder) == ("identify.userId.required", str(folder / "mock_june" / "__init__.py"))

    def test_installed(self, bare, tmp_path):
        """An installed wheel works from any folder."""
        rule, where = self.run(bare / "python", tmp_path, "-I")
        assert rule == "identify.userId.required"
        assert "site-packages" in where


class TestInstalled:
    def test_rule(self, bare, tmp_path):
        """The installed command knows the rules."""
        listed = subprocess.run([bare / "mock-june", "rule"], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert "track.timestamp.pattern\terror\t" in listed.stdout
        assert listed.stderr == ""

    def test_serve(self, bare, tmp_path):
        """The installed command serves, and what it takes stands in its record."""
        with subprocess.Popen([bare / "mock-june", "serve", "--port", "0"], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as server:
            try:
                found = re.fullmatch(r"mock-june listening on (http://127\.0\.0\.1:\d+)\n", server.stdout.readline())
                assert found is not None
                post = urllib.request.Request(
                    f"{found[1]}/api/identify", b'{"type": "identify", "userId": "1"}', {"Authorization": "Basic k", "Content-Type": "application/json"}
                )
                with urllib.request.urlopen(post, timeout=10) as answer:
                    assert answer.status == 200
                with urllib.request.urlopen(f"{found[1]}/_mock/health", timeout=10) as answer:
                    assert b'"events":1' in answer.read().replace(b" ", b"")
            finally:
                server.terminate()
        assert server.returncode in (0, -15, 143)
