"""The sdist and the wheel: what is in them, and that the wheel works in an environment that has nothing else."""

from __future__ import annotations

import email
import email.message
import os
import re
import shutil
import subprocess
import sys
import tarfile
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest

from mock_june import __version__

PYTHONS = ("3.11", "3.12", "3.13")

# One worker builds and installs once.
pytestmark = pytest.mark.xdist_group("package")


@pytest.fixture(scope="module")
def dist(repo, tmp_path_factory) -> Path:
    """A folder with the sdist and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    pytest.importorskip("build")
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


@pytest.fixture(scope="module")
def metadata(wheel) -> email.message.Message:
    """What the wheel says of itself."""
    return email.message_from_string(zipfile.ZipFile(wheel).read(f"mock_june-{__version__}.dist-info/METADATA").decode())


def interpreter(version: str) -> Path:
    """A Python of that version; a test skips itself where there is none."""
    found = shutil.which(f"python{version}")
    # What is found first may be pyenv's, which runs the version that a folder has chosen, or none.
    for path in ([Path(found)] if found else []) + sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python")):
        if subprocess.run([path, "-c", "import venv, ensurepip"], capture_output=True, check=False).returncode == 0:
            return path
    pytest.skip(f"Python {version} is not here")


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


class TestMetadata:
    def test_twine(self, dist):
        """Twine finds nothing wrong, and the README renders."""
        pytest.importorskip("twine", reason="twine is not installed here: it is in the group release")
        ended = subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *dist.iterdir()], capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 0, ended.stdout
        assert ended.stdout.count("PASSED") == 2

    def test_complete(self, metadata):
        """Name, version, summary, licence, author, Python and README are said; the summary fits one line."""
        for name in ("Name", "Version", "Summary", "License-Expression", "License-File", "Author", "Requires-Python", "Keywords"):
            assert metadata[name], name
        assert metadata["Description-Content-Type"] == "text/markdown"
        assert str(metadata.get_payload()).startswith("# mock-june\n")
        assert len(metadata["Summary"]) <= 200

    def test_classifiers(self, metadata):
        """Every classifier is one that indexes know, and each Python that is tested has its own."""
        known = pytest.importorskip("trove_classifiers", reason="trove-classifiers comes with hatchling").classifiers
        said = metadata.get_all("Classifier")
        assert set(said) <= set(known)
        assert {f"Programming Language :: Python :: {version}" for version in PYTHONS} <= set(said)


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


@pytest.mark.slow
@pytest.mark.parametrize("version", PYTHONS)
def test_every_python(repo, wheel, tmp_path, version):
    """In an environment with nothing but the wheel each Python that is promised runs its commands, its plugin, and the contract suite against its server."""
    scripts = tmp_path / "bare" / "bin"
    subprocess.run([interpreter(version), "-m", "venv", scripts.parent], check=True)
    subprocess.run([scripts / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel], check=True, capture_output=True)
    project = tmp_path / "project"
    shutil.copytree(repo / "tests" / "docs" / "files", project)
    shutil.copy(repo / "tests" / "docs" / "first.py", project / "test_first.py")

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([scripts / command[0], *command[1:]], cwd=project, capture_output=True, text=True, timeout=120, check=False)

    assert run("mock-june", "--version").stdout == f"mock-june {__version__}\n"
    checked = run("mock-june", "check", "export.jsonl", "--output-format", "concise")
    assert (checked.returncode, checked.stderr) == (1, "")
    tested = run("python", "-m", "pytest", "-q", "-W", "error", "test_first.py")
    assert tested.returncode == 0, tested.stdout
    with subprocess.Popen([scripts / "mock-june", "serve", "--port", "0", "--key", "k"], cwd=project, stdout=subprocess.PIPE, text=True) as server:
        try:
            url = server.stdout.readline().split()[-1]
            verified = run("mock-june", "verify", url, "--key", "k", "--max-examples", "0")
            assert verified.returncode == 0, verified.stdout
        finally:
            server.terminate()
