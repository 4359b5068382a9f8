"""mock_june.checker.reporters: text, concise, json and jsonl; and the excerpts with a mark."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_june.checker.report import EXAMPLES, Finding, Report
from mock_june.checker.reporters import REPORTERS, Style, reporter
from mock_june.checker.reporters.marking import WIDTH, excerpt, place_of
from mock_june.model import Violation
from mock_june.text import UNSAFE

BODY = b'{"type":"identify","userId":42}'


def finding(
    rule="identify.userId.type",
    pointer="/userId",
    severity="error",
    *,
    file="a.jsonl",
    line=1,
    body=BODY,
    message="userId is the number 42",
    hint="Make it a String.",
):
    return Finding(Violation(rule, pointer, message, hint, severity), file, line, 0, "identify", body)


def told(name, *found, style=None, **counts):
    """What a reporter writes of a run with these findings."""
    out = io.StringIO()
    writer = reporter(name)(out, style)
    report = Report("1.2.3", "0123456789abcdef", files=["a.jsonl"], **{"checked": 10, "valid": 8, **counts})
    writer.begin(report)
    for each in found:
        report.add(each)
        writer.finding(each.bare)
    writer.end(report)
    return out.getvalue()


def test_text():
    """The summary has each rule with its count, its first examples with the value marked in the payload, its hint; then the counts and the rules' hash."""
    text = told("text", *(finding(line=line) for line in range(1, EXAMPLES + 3)), warned=1)
    assert (
        text
        == """\
error[identify.userId.type] 5 times
  a.jsonl:1: userId is the number 42
    | {"type":"identify","userId":42}
    |                             ^^
  a.jsonl:2: userId is the number 42
    | {"type":"identify","userId":42}
    |                             ^^
  a.jsonl:3: userId is the number 42
    | {"type":"identify","userId":42}
    |                             ^^
  … and 2 more
  hint: Make it a String.

10 payloads checked in 1 file: 8 valid, 2 that June would refuse, 1 with warnings
rules in force 0123456789abcdef; history was not looked at (--history does)
"""
    )


def test_order():
    """Violations come before warnings, and what is frequent before what is rare."""
    found = [finding("w", severity="warning")] * 9 + [finding("rare")] + [finding("often")] * 2
    text = told("text", *found)
    assert [line.split(" ")[0] for line in text.splitlines() if "[" in line[:10]] == ["error[often]", "error[rare]", "warning[w]"]


def test_quiet():
    """Quiet tells of violations alone, and nothing at all of clean files."""
    assert told("text", finding(severity="warning"), style=Style(quiet=True), valid=10) == ""
    assert "[w]" not in told("text", finding(), finding("w", severity="warning"), style=Style(quiet=True))
    for name in ("concise", "jsonl"):
        assert told(name, finding(severity="warning"), style=Style(quiet=True), valid=10) == ""


def test_statistics():
    """Statistics count by rule."""
    found = [finding("a")] + [finding("b")] * 1200
    assert "1,200  error    b\n    1  error    a\n" in told("text", *found, style=Style(statistics=True))
    assert "1200\terror\tb\n1\terror\ta\n" in told("concise", *found, style=Style(statistics=True))


def test_notes_and_stop():
    """Notes are told, a run that stopped early says so, and one with history does not say that it lacks it."""
    text = told("text", notes=["a note\x1b"], stopped=True, history=True)
    assert "note: a note\\x1b\n" in text
    assert "stopped early" in text
    assert "--history" not in text


def test_concise():
    """Concise is a line a finding, then the counts."""
    assert told("concise", finding(line=7)) == "a.jsonl:7: identify.userId.type userId is the number 42\n10 checked, 8 valid, 2 refused, 0 with warnings\n"


def test_jsonl():
    """Jsonl is an object a line: the members of a violation, and file, line, offset and kind."""
    (line,) = told("jsonl", finding(line=7)).splitlines()
    assert json.loads(line) == {
        "rule": "identify.userId.type",
        "pointer": "/userId",
        "message": "userId is the number 42",
        "hint": "Make it a String.",
        "severity": "error",
        "instanceLocation": "",
        "keywordLocation": "",
        "file": "a.jsonl",
        "line": 7,
        "offset": 0,
        "kind": "identify",
    }


@pytest.mark.parametrize("count", [0, 1, 3])
def test_json(count):
    """Json is one document with the counts and all findings."""
    document = json.loads(told("json", *[finding()] * count))
    assert {name: document[name] for name in ("version", "rules_hash", "files", "checked", "valid", "invalid", "stopped", "history")} == {
        "version": "1.2.3",
        "rules_hash": "0123456789abcdef",
        "files": ["a.jsonl"],
        "checked": 10,
        "valid": 8,
        "invalid": 2,
        "stopped": False,
        "history": False,
    }
    assert document["by_rule"] == ({"identify.userId.type": count} if count else {})
    assert len(document["findings"]) == count


def test_colour():
    """Colour is for terminals: without it there is no escape, with it the text is the same."""
    plain, coloured = told("text", finding()), told("text", finding(), style=Style(colour=True))
    assert "\x1b" not in plain
    assert "\x1b[1;31m" in coloured
    import re

    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


HOSTILE = "\x1b[2J\x9b1m\u202e\r\n::error::x"


@pytest.mark.parametrize("name", list(REPORTERS))
def test_hostile_text(name):
    """No control character of a file name, message or payload reaches the output, and no line starts with text of theirs."""
    body = json.dumps({"userId": HOSTILE}, ensure_ascii=False).encode()
    text = told(name, finding(file=HOSTILE + "\udc9b", message=HOSTILE, hint=HOSTILE, body=body))
    assert not UNSAFE.search(text.replace("\n", ""))
    assert not [line for line in text.splitlines() if line.startswith("::error::x")]


@pytest.mark.parametrize(
    ("body", "pointer", "marked"),
    [
        (b'{"a":1,"b":[10,{"c":"x"}]}', "/a", b"1"),
        (b'{"a":1,"b":[10,{"c":"x"}]}', "/b/0", b"10"),
        (b'{"a":1,"b":[10,{"c":"x"}]}', "/b/1/c", b'"x"'),
        (b'{"a":1,"b":[10,{"c":"x"}]}', "/b/1", b'{"c":"x"}'),
        (b'{"a":1,"b":{"c":2}}', "/b/d", b"}"),
        (b'{"b":{"a":0},"a" : {"b": "}"} }', "/a", b'{"b": "}"}'),
        (b'{"a":1,"a":2}', "/a", b"2"),
        (b'{"\\u0061~/":1}', "/a~0~1", b"1"),
        (b'{"a":1}', "/x", b"}"),
        (b'{"a":1', "/x", None),
        (b'{"a":1,"b":"cut', "/b", None),
        (b'{"a":NaN}', "", b"N"),
        (b"", "/a", None),
    ],
)
def test_place(body, pointer, marked):
    """A pointer leads to its value in the text; of a missing member to where its Object ends; of no JSON to where it ceases to be."""
    place = place_of(body, pointer)
    assert (None if place is None else body[slice(*place)]) == marked


@given(
    st.recursive(
        st.none() | st.integers(0, 99) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=12,
    ),
    st.data(),
)
def test_every_place(value, data):
    """Every value of every payload is found where it stands."""
    where, inner = "", {"root": value}
    while isinstance(inner, dict | list) and inner and (not where or data.draw(st.booleans())):
        if isinstance(inner, dict):
            name = data.draw(st.sampled_from(sorted(inner)))
            where, inner = f"{where}/{name.replace('~', '~0').replace('/', '~1')}", inner[name]
        else:
            index = data.draw(st.integers(0, len(inner) - 1))
            where, inner = f"{where}/{index}", inner[index]
    body = json.dumps({"root": value}, ensure_ascii=data.draw(st.booleans()), indent=data.draw(st.sampled_from([None, 1]))).encode()
    place = place_of(body, where)
    assert place is not None
    assert json.loads(body[slice(*place)]) == inner


@pytest.mark.parametrize("text", ["東" * 200, "x" * 500, "e\u0301" * 100, "\x1b" * 100, "\U0001f642" * 90])
def test_width(text):
    """An excerpt is no wider than it may be, and its mark stands under the value, whatever its letters."""
    body = json.dumps({"before": text, "userId": 42, "after": text}, ensure_ascii=False).encode()
    shown = excerpt(body, "/userId")
    assert shown is not None
    assert len(shown.text) <= WIDTH * 2
    assert shown.text.startswith("…")
    assert shown.text.endswith("…")
    assert shown.width == 2
    assert "42" in shown.text


def test_pretty_printed():
    """A payload over several lines is shown on one."""
    shown = excerpt(b'{\n  "type": "identify",\n  "userId": 42\n}', "/userId")
    assert shown is not None
    assert shown.text == '{ "type": "identify", "userId": 42 }'
    assert shown.text[shown.start : shown.start + shown.width] == "42"
