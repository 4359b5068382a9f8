"""The Makefile, and the scripts that hold the project to its figures: floors of coverage, mutants, vulnerabilities."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from types import SimpleNamespace

import pytest

from tools import audit, floors, mutants


def test_each_target(repo):
    """Each target of the Makefile runs whenever it is asked for, whatever folder has its name, and CONTRIBUTING says what it does."""
    makefile = (repo / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    assert targets == set(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split())
    told = (repo / "CONTRIBUTING.md").read_text("utf-8")
    assert [target for target in sorted(targets - {"all"}) if f"`make {target}`" not in told] == []


def test_what_is_run_against_mutants_is_there(repo):
    """What tools/mutants.py and mutmut are told to run, and to leave out: a test of an old name would let no mutant die, or all."""
    told = tomllib.loads((repo / "pyproject.toml").read_text("utf-8"))["tool"]["mutmut"]
    left_out = [argument.removeprefix("--deselect=") for argument in told["pytest_add_cli_args"] if argument.startswith("--deselect=")]
    named = [*" ".join(mutants.TESTS.values()).split(), *told["pytest_add_cli_args_test_selection"], *left_out]
    assert [test for test in named if not (repo / test.partition("::")[0]).exists()] == []
    functions = [test.split("::") for test in left_out if "::" in test]
    assert [function for file, function in functions if f"def {function}(" not in (repo / file).read_text("utf-8")] == []


def file(lines=(), branches=(), covered=90):
    """A file as `coverage json` has it."""
    summary = {"covered_lines": covered, "num_statements": covered + len(lines), "covered_branches": 10, "num_branches": 10 + len(branches)}
    return {"summary": summary, "missing_lines": list(lines), "missing_branches": [list(pair) for pair in branches]}


def test_a_part_below_its_floor_is_shown(monkeypatch, capsys):
    """Where a part is below its floor, each file that lacks something is named with what it lacks, and the exit code is 1; else it is 0."""
    whole = {"mock_june/contract/a.py": file(), "mock_june/journal/b.py": file(), "mock_june/matching.py": file(), "mock_june/server/c.py": file(lines=(7,))}
    monkeypatch.setattr(floors, "measured", lambda: whole)
    assert floors.main() == 0
    monkeypatch.setattr(floors, "measured", lambda: whole | {"mock_june/journal/b.py": file(lines=(3,), branches=((5, 9),))})
    capsys.readouterr()
    assert floors.main() == 1
    said = capsys.readouterr().out
    assert "mock_june/journal/: 98.04 % (at least 100 %)\n  mock_june/journal/b.py: 3, 5->9\n" in said
    assert "c.py" not in said


def ended(code, stdout=""):
    return lambda *_, **__: SimpleNamespace(returncode=code, stdout=stdout)


FLAWED = [{"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["1.1"]}]}, {"name": "b", "skip_reason": "not known"}]


@pytest.mark.parametrize(
    ("run", "code", "said"),
    [
        (ended(1, json.dumps({"dependencies": FLAWED})), 1, "a 1: CVE-1, mended in 1.1\npip-audit: 1 of 2 packages could be asked about\n"),
        (ended(0, json.dumps({"dependencies": FLAWED[1:]})), 0, "pip-audit: 0 of 1 packages could be asked about\n"),
        (ended(1), 0, "pip-audit: nobody could be asked for vulnerabilities from here\n"),
    ],
)
def test_vulnerabilities(monkeypatch, capsys, run, code, said):
    """A known vulnerability fails; where nobody can be asked that is said, and fails nothing."""
    monkeypatch.setattr(subprocess, "run", run)
    assert (audit.main(), capsys.readouterr().out) == (code, said)


def test_survivors(monkeypatch, capsys, tmp_path):
    """A mutant that lives is shown with its change, unless it is named with a reason; the score leaves those out."""
    folder = tmp_path / "mock_june"
    folder.mkdir()
    codes = {
        "mock_june.matching.x__differ__mutmut_1": 0,
        "mock_june.matching.x_a__mutmut_1": 1,
        "mock_june.matching.x_a__mutmut_2": 0,
        "mock_june.matching.x_a__mutmut_3": None,
    }
    (folder / "matching.py.meta").write_text(json.dumps({"exit_code_by_key": codes}))
    monkeypatch.setattr(mutants, "FOLDER", tmp_path)

    def run(command, **_):
        shown = "--- a\n+++ b\n-old\n+    for place in zip(expected, actual):\n" if "show" in command else ""
        return SimpleNamespace(returncode=0, stdout=shown)

    monkeypatch.setattr(subprocess, "run", run)
    assert mutants.main() == 1
    said = capsys.readouterr().out
    assert "mock_june.matching.x__differ__mutmut_1: the lengths were compared" in said
    assert "mock_june.matching.x_a__mutmut_2 lives: for place in zip(expected, actual):" in said
    assert said.endswith("mock_june/matching.py: 50.0 % (1 of 2 killed; 1 named as no different)\n")


def test_each_named_survivor_has_a_reason(repo):
    """Whoever names a survivor says why."""
    for each in tomllib.loads((repo / "tools" / "survivors.toml").read_text("utf-8"))["survivor"]:
        assert each.keys() in ({"function", "change", "reason"}, {"function", "case", "reason"})


@pytest.mark.parametrize(
    ("old", "new", "equal"),
    [
        ('x("SELECT id FROM call")', 'x("select id from call")', True),
        ('x("SELECT id FROM call")', 'x("SELECT id FROM event")', False),
        ("x(name)", "x(NAME)", False),
    ],
)
def test_letters_in_another_case(old, new, equal):
    """Where only the case of letters differs, and the line is one of those that a pattern names, nothing differs."""
    named = [{"function": "a.*", "case": r"\bSELECT\b", "reason": "SQL has no case"}]
    assert mutants.reason("a.x_b__mutmut_1", mutants.Change(old, new), named) == ("SQL has no case" if equal else None)
    assert mutants.reason("b.x_b__mutmut_1", mutants.Change(old, new), named) is None
