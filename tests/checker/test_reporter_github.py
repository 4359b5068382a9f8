from __future__ import annotations

import re

import orjson
import pytest

from tests.checker.reports import GOOD, HOSTILE_TEXT, NO_EMAIL, NUMBER, SMELLS, ran


def test_annotation():
    """A finding is an annotation at its file and line, titled with its rule; the hint comes with it."""
    line = ran("github", {"events.jsonl": [GOOD, NUMBER]}).text
    assert line.startswith("::error file=events.jsonl,line=2,title=identify.userId.type::userId is the number 42, not a String%0A")
    assert line.count("\n") == 1


def test_warning():
    """What is accepted but smells is a warning, unless the run is quiet."""
    assert ran("github", {"f": [SMELLS]}).text.startswith("::warning file=f,line=1,title=identify.traits.empty::")
    assert not ran("github", {"f": [SMELLS]}, quiet=True).text


def test_clean():
    """A run that finds nothing writes nothing."""
    assert not ran("github", {"f": [GOOD]}).text


def test_cap():
    """As many are written as GitHub shows, and a notice says how many there are; a rule that is broken once is not crowded out by one that is broken often."""
    text, report = ran("github", {"f": [NUMBER] * 30 + [NO_EMAIL] + [SMELLS] * 12})
    lines = text.splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["::error"] * 10 + ["::warning"] * 10 + ["::notice"]
    assert sum("track.email.required" in line for line in lines) == 1
    assert f"20 of {report.by_rule.total()} findings" in lines[-1]
    assert "31 of 43 payloads would be refused" in lines[-1]


def test_no_notice():
    """Where all is shown, nothing is said of a limit."""
    assert "::notice" not in ran("github", {"f": [NUMBER] * 10}).text


@pytest.mark.parametrize("text", HOSTILE_TEXT)
def test_C3_injection(text):
    """Whatever stands in a payload or in a file's name, each line is one command of ours, and no control character is left."""
    track = {"type": "track", "event": "x", "userId": "1", "timestamp": text}
    payloads = [orjson.dumps(each) for each in ({"type": text}, {"type": "identify", "userId": "1", text: 1}, track)]
    written = ran("github", {f"{text}.jsonl": payloads}).text
    assert written
    for line in written.removesuffix("\n").split("\n"):
        assert re.match(
            r"::(error|warning|notice) (?:\w+=[^:,\x00-\x1f\x7f-\x9f\u202e]*,)*\w+=[^:,\x00-\x1f\x7f-\x9f\u202e]*::[^\x00-\x1f\x7f-\x9f\u2028\u202e]*\Z", line
        )


def test_escapes():
    """A percent sign, a colon and a comma of a file's name stand in the annotation as GitHub wants them escaped."""
    assert "::error file=100%25%3A a%2Cb.jsonl,line=1," in ran("github", {"100%: a,b.jsonl": [NUMBER]}).text


def test_standard_input():
    """What came from standard input is annotated on no file."""
    assert ran("github", {"<stdin>": [NUMBER]}).text.startswith("::error title=identify.userId.type::line 1 of standard input: ")


def test_below_the_working_directory(tmp_path, monkeypatch):
    """A file under the working directory is named from there, as a pull request names it."""
    monkeypatch.chdir(tmp_path)
    assert "file=a/b.jsonl," in ran("github", {str(tmp_path / "a" / "b.jsonl"): [NUMBER]}).text
