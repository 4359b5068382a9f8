from __future__ import annotations

import re
from html.parser import HTMLParser

import orjson
import pytest

from mock_june.checker.report import Finding
from mock_june.checker.reporters.html import Excerpt, _distinct, _share, excerpt, in_bytes
from mock_june.checker.statistics import Distinct
from mock_june.cli.main import run
from mock_june.model import Violation
from tests.checker.reports import GOOD, HOSTILE_TEXT, NO_EMAIL, NO_JSON, NUMBER, SMELLS, ran

VOID = {"meta", "rect"}


class Page(HTMLParser):
    """What a browser would make of a page: its elements with their attributes, its text, what is marked, and which elements were left open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.marked: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "mark":
            self.marked.append("")

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.texts.append(data)
        if self.open and self.open[-1] == "mark":
            self.marked[-1] += data

    @property
    def text(self) -> str:
        """All text, with one blank for any white space."""
        return " ".join("".join(self.texts).split())

    @property
    def words(self) -> str:
        """The same with a blank between elements."""
        return " ".join(" ".join(self.texts).split())


def page_of(*lines: bytes, quiet: bool = False) -> Page:
    """The page about lines of one file."""
    page = Page(ran("html", {"events.jsonl": lines}, quiet=quiet).text)
    assert page.open == []
    return page


def test_what_it_is():
    """The page says how many events there are of which kind, whose, when, and under which names."""
    track = {"type": "track", "event": "Registered", "userId": "1", "email": "a@example.com", "timestamp": "2021-02-24T01:19:38Z"}
    text = page_of(orjson.dumps(track), GOOD, orjson.dumps({"type": "group", "userId": "2", "groupId": "A"})).words
    for said in ("Events 3", "Users 2", "Companies 1", "Anonymous visitors 0", "First day 2021-02-24", "Registered 1", "identify 1 0"):
        assert said in text
    assert "February 2021: 1 event, 0 refused" in text
    assert "June would take all 3 payloads." in text
    assert "Nothing that June would refuse." in text


def test_what_is_wrong():
    """Each broken rule is there with its count, meaning, hint, why, and the first findings with the value marked in its payload."""
    page = page_of(*[NUMBER] * 5)
    assert "June would refuse 5 of 5 payloads." in page.text
    for said in ("identify.userId.type", "5 times", "events.jsonl:1 userId is the number 42, not a String", "What to do.", "Why.", "and 2 more"):
        assert said in page.text
    assert page.marked == ["42"] * 3
    assert '{"type":"identify","userId":42}' in page.text


def test_missing():
    """Where a member is missing it is marked as such, at the place where it should stand."""
    page = page_of(NO_EMAIL)
    assert '"timestamp":"2021-02-24T01:19:38Z"missing here: email}' in page.text
    assert page.marked == ["email"]


def test_warnings():
    """What looks like a slip stands apart from what is refused; a quiet run leaves it out."""
    assert "What looks like a slip" in page_of(SMELLS).text
    assert "identify.traits.empty" in page_of(SMELLS).text
    assert "What looks like a slip" not in page_of(SMELLS, quiet=True).text


def test_nothing():
    """A run over nothing, and one that could read nothing, are told as such."""
    assert "There was nothing to check." in page_of().text
    text = page_of(NO_JSON).text
    assert "June would refuse 1 of 1 payload." in text
    assert "What it is" not in text


def test_self_contained():
    """The page fetches nothing, runs nothing and forbids both: no script, no link, no address of elsewhere."""
    page = page_of(NUMBER, NO_EMAIL, SMELLS, NO_JSON)
    policy = next(attributes["content"] for tag, attributes in page.elements if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert {tag for tag, _ in page.elements}.isdisjoint({"script", "link", "img", "iframe", "object", "embed", "form", "a", "base", "foreignobject"})
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name in {"src", "href", "xlink:href", "srcset"}]
    assert "url(" not in ran("html", {"f": [NUMBER]}).text
    assert "@import" not in ran("html", {"f": [NUMBER]}).text


@pytest.mark.parametrize("text", HOSTILE_TEXT)
def test_C5_hostile(text):
    """Whatever stands in a payload or a file's name is text: the page's elements are the same as for harmless ones, and no control character is left."""

    def told(text: str) -> str:
        track = {"type": "track", "event": text, "userId": text, "timestamp": text, "properties": 1, text: 1}
        lines = [orjson.dumps(each) for each in (track, {"type": text}, {"type": "identify", "userId": "1", "traits": text})]
        return ran("html", {f"{text}.jsonl": [*lines, text.encode()]}).text

    page, harmless = Page(told(text)), Page(told("harmless"))
    assert page.open == []
    assert {tag for tag, _ in page.elements} == {tag for tag, _ in harmless.elements}
    assert sum(tag == "details" for tag, _ in page.elements) == sum(tag == "details" for tag, _ in harmless.elements)
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ufffe\uffff]", told(text))


def test_surrogates():
    """Bytes that are no UTF-8, in a file's name and in a payload, stand in no one's way."""
    written = ran("html", {"\udcff.jsonl": [b'{"type":"\xff"}']}).text
    written.encode()
    assert "\\udcff.jsonl" in written


def found(body: bytes, pointer: str, rule: str = "track.x.type") -> Finding:
    """A finding about a payload."""
    return Finding(Violation(rule, pointer, "", ""), "f", 1, 0, "track", body)


def test_excerpt():
    """An excerpt is the payload's own text around the value; what is far from it, and too much of it, is cut."""
    assert excerpt(found(b'{"a": [1, {"b": "x"}]}', "/a/1/b")) == Excerpt('{"a": [1, {"b": ', '"x"', "}]}")
    long = excerpt(found(b'{"a":"' + b"y" * 1000 + b'","b":"' + b"z" * 1000 + b'","c":"' + b"w" * 1000 + b'"}', "/b"))
    assert long is not None
    assert [len(part) for part in long[:3]] == [241, 300, 240]
    assert excerpt(found(b"", "/a")) is None


def test_cut_payload():
    """Of a payload that was cut before the value, the beginning is shown and nothing is marked."""
    cut = excerpt(found(b'{"a":"' + b"y" * 4000, "/b"))
    assert cut is not None
    assert cut.before.startswith('{"a":"yyy')
    assert not cut.marked


@pytest.mark.parametrize(
    ("size", "said"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (99_940, "99.9 kB"), (99_960, "100 kB"), (5_300_000, "5.3 MB"), (10**15, "1,000.0 TB")]
)
def test_sizes(size, said):
    """Sizes are in units of a thousand."""
    assert in_bytes(size) == said


@pytest.mark.parametrize(
    ("part", "whole", "said"), [(0, 5, "0.0 %"), (1, 3, "33.3 %"), (1, 10**6, "less than 0.1 %"), (10**6 - 1, 10**6, "more than 99.9 %"), (0, 0, "0.0 %")]
)
def test_shares(part, whole, said):
    """A few are never told as none, nor nearly all as all."""
    assert _share(part, whole) == said


def test_estimates():
    """An estimate is called one, and shows no digits that it is not good for."""
    assert _distinct(Distinct({1, 2, 3})) == "3"
    assert _distinct(Distinct(set(range(10**13, 10**13 + 60_000)), 1 << 63)).startswith("about ")


def test_processes(tmp_path, monkeypatch):
    """The page is the same, byte for byte, of one process and of two."""
    monkeypatch.chdir(tmp_path)
    for name in "ab":
        (tmp_path / f"{name}.jsonl").write_bytes(b"\n".join([GOOD, NUMBER, NO_EMAIL, SMELLS] * 50))
    for jobs in ("1", "2"):
        assert run(["check", "a.jsonl", "b.jsonl", "-j", jobs, "--output-format", "html", "--output-file", f"{jobs}.html"]) == 1
    assert (tmp_path / "1.html").read_bytes() == (tmp_path / "2.html").read_bytes()
    assert "June would refuse 200 of 400 payloads" in (tmp_path / "1.html").read_text("utf-8")
