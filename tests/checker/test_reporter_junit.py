from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import junitparser
import orjson
import pytest

from mock_june.checker.reporters import junit
from tests.checker.reports import GOOD, HOSTILE_TEXT, NO_JSON, NUMBER, SMELLS, ran


def suites(text: str) -> list[junitparser.TestSuite]:
    """The suites as a reader of JUnit files sees them."""
    return list(junitparser.JUnitXml.fromstring(text.encode()))


def test_suites():
    """A file is a suite and a rule that it breaks is a failed case, with the count and the places of the first findings."""
    text, report = ran("junit", {"a.jsonl": [GOOD, NUMBER, NUMBER], "b.jsonl": [GOOD]})
    broken, clean = suites(text)
    (case,) = broken
    assert (broken.name, broken.tests, broken.failures) == ("a.jsonl", 1, 1)
    assert (case.name, case.classname) == ("identify.userId.type", "mock-june.identify")
    (failure,) = case.result
    assert failure.message == "2 x userId is the number 42, not a String"
    assert failure.text.splitlines()[:2] == [f"a.jsonl:{line}: userId is the number 42, not a String" for line in (2, 3)]
    assert (clean.name, clean.tests, clean.failures) == ("b.jsonl", 1, 0)
    assert report.invalid == 2


def test_totals():
    """The document's totals are the sums of its suites'."""
    root = ET.fromstring(ran("junit", {"a": [NUMBER, NO_JSON], "b": [NUMBER]}).text.encode())
    assert (root.get("tests"), root.get("failures")) == ("3", "3")


def test_warning():
    """A warning fails nothing: it is a passed case that says what was found; a quiet run leaves it out."""
    (suite,) = suites(ran("junit", {"a": [SMELLS]}).text)
    assert [case.name for case in suite] == ["no violation", "identify.traits.empty"]
    assert all(case.is_passed for case in suite)
    assert "a:1: " in list(suite)[1].system_out
    (suite,) = suites(ran("junit", {"a": [SMELLS]}, quiet=True).text)
    assert [case.name for case in suite] == ["no violation"]


def test_bounds(monkeypatch):
    """Of a rule broken often the first findings are listed and the others counted; of very many files, one each."""
    text = ran("junit", {"a": [NUMBER] * 500}).text
    assert text.count("a:") == junit.LISTED
    assert "and 490 more" in text
    monkeypatch.setattr(junit, "KEPT", 3)
    text = ran("junit", {str(number): [NUMBER] * 2 for number in range(5)}).text
    assert text.count(": userId is the number") == 6
    assert len(suites(text)) == 5


@pytest.mark.parametrize("text", HOSTILE_TEXT)
def test_C5_hostile(text):
    """Whatever stands in a payload or a file's name, the document parses, and no element is any but ours."""
    payloads = [orjson.dumps(each) for each in ({"type": text}, {"type": "track", "event": "x", "anonymousId": "1", "timestamp": text})]
    written = ran("junit", {f"{text}.jsonl": payloads}).text
    root = ET.fromstring(written.encode())
    assert {element.tag for element in root.iter()} <= {"testsuites", "testsuite", "testcase", "failure", "system-out"}
    assert suites(written)[0].failures == 2


def test_lone_surrogate():
    """A file whose name is no UTF-8 is named with an escape."""
    assert suites(ran("junit", {"\udcff.jsonl": [NUMBER]}).text)[0].name == "\\udcff.jsonl"


def test_ci_readers(tmp_path: Path):
    """The members that CI systems read are there: classname, name, file, line, time."""
    path = tmp_path / "j.xml"
    path.write_text(ran("junit", {"a.jsonl": [NUMBER]}).text, "utf-8")
    case = ET.parse(path).find(".//testcase")
    assert set(case.attrib) == {"name", "classname", "file", "line", "time"}
