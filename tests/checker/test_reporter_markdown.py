from __future__ import annotations

import re

import orjson
import pytest
from markdown_it import MarkdownIt

from tests.checker.reports import GOOD, HOSTILE_TEXT, NO_JSON, NUMBER, SMELLS, ran


def rows(text: str) -> list[list[str]]:
    """The cells of the table's rows as a reader of Markdown sees them."""
    html = MarkdownIt("commonmark").enable("table").render(text)
    return [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL) for row in re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)][1:]


def test_table():
    """Each rule is a row: how often it was broken, where first, and what to do; the most frequent comes first, warnings last."""
    text, report = ran("markdown", {"a.jsonl": [GOOD, NUMBER, NO_JSON, NUMBER, SMELLS]})
    assert text.startswith("### mock-june check: 3 of 5 payloads would be refused\n\n")
    found = rows(text)
    assert [row[:4] for row in found] == [
        ["<code>identify.userId.type</code>", "error", "2", "a.jsonl:2"],
        ["<code>body.json</code>", "error", "1", "a.jsonl:3"],
        ["<code>identify.traits.empty</code>", "warning", "1", "a.jsonl:5"],
    ]
    assert found[0][4].startswith("userId is the number 42, not a String<br>Make it a String: in Python <code>str(user.id)</code>, in Node <code>String(")
    assert f"rules in force `{report.rules_hash}`" in text


def test_clean():
    """Where nothing was found, a heading says so, and there is no table."""
    text = ran("markdown", {"a.jsonl": [GOOD]}).text
    assert text.startswith("### mock-june check: 1 payload, none refused\n\n1 file, 1 valid.")
    assert "|" not in text


def test_quiet():
    """A quiet run leaves warnings out."""
    assert "|" not in ran("markdown", {"a.jsonl": [SMELLS]}, quiet=True).text


@pytest.mark.parametrize(
    "text",
    [
        *HOSTILE_TEXT,
        "`",
        "``x``",
        "a|b",
        "<img src=x>",
        "[x](http://evil.example)",
        "https://evil.example www.evil.example",
        "@octocat #1",
        "\\|",
        "a`|`b",
        "**x** _y_ ~~z~~",
    ],
)
def test_C5_hostile(text):
    """What payloads and file names say is text in their own cells: no link, no HTML, no further cell, no mention."""
    name = text.replace("\0", "").replace("/", "") or "x"
    wrong = orjson.dumps({"type": "identify", "userId": {"a": 1}, text: 1, "user_id": text}) if "\ud800" not in text else NUMBER
    out = ran("markdown", {name: [wrong, orjson.dumps({"type": text}), orjson.dumps({"type": "track", "timestamp": text})]}).text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]", out)
    html = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(out)
    assert set(re.findall(r"<(\w+)", html)) <= {"h3", "table", "thead", "tbody", "tr", "th", "td", "code", "br", "p"}
    assert {len(row) for row in rows(out)} == {5}
    assert not re.search(r"(?<!\\)(@|#\d|(?<!\\):// |\]\()", out.replace("### ", ""))
