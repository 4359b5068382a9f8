"""The site of the docs: it builds, every link leads somewhere, every page is in the navigation, and nothing is loaded from elsewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.xdist_group("site")  # built once, by one process

LOADED = re.compile(r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?([^"' >]+)|<link\b[^>]*\bhref=["']?([^"' >]+)[^>]*>""")


@pytest.fixture(scope="module")
def site(repo, tmp_path_factory) -> Path:
    """The site, built as `make docs` builds it, of a copy: nothing is left in the checkout."""
    pytest.importorskip("zensical", reason="zensical is not installed here: it is in the group docs")
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(repo / "docs", folder / "docs")
    shutil.copy(repo / "mkdocs.yml", folder)
    ended = subprocess.run([sys.executable, "-m", "zensical", "build", "--strict"], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder / "site"


def paths(entry: object) -> list[str]:
    """The pages that an entry of the navigation leads to."""
    if isinstance(entry, str):
        return [entry]
    entries = entry.values() if isinstance(entry, dict) else entry
    return [path for each in entries for path in paths(each)]  # type: ignore[attr-defined]  # a list, as YAML gives it


def test_links(site):
    """Every page builds, and every link within the docs leads to a page and a place in it that are there."""
    assert (site / "index.html").exists()
    assert (site / "start" / "five-minutes" / "index.html").exists()


def test_navigation(repo):
    """Every page is in the navigation, once."""
    named = paths(yaml.safe_load((repo / "mkdocs.yml").read_text("utf-8"))["nav"])
    assert sorted(named) == sorted(path.relative_to(repo / "docs").as_posix() for path in (repo / "docs").rglob("*.md"))


def test_nothing_from_elsewhere(site):
    """No page loads a script, a style, a font or an image from another host."""
    for page in site.rglob("*.html"):
        for found in LOADED.finditer(page.read_text("utf-8")):
            assert not re.match(r"(?:https?:)?//", found[1] or found[2]), f"{page.relative_to(site)}: {found[0]}"
    for style in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(?:https?:)?//", style.read_text("utf-8")), style.name


def test_the_files_of_the_docs(repo):
    """A link of the README, or of another page at the root, leads to a file that is there."""
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (repo / name).read_text("utf-8")):
            assert (repo / target).exists(), f"{name} links to {target}"
