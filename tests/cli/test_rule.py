"""`mock-june rule`."""

from __future__ import annotations

import json

import pytest

from mock_june.contract import Engine

CATALOGUE = Engine().catalogue


def test_list(run):
    """Piped, each rule is a line of its id, its severity and its meaning, with tabs between."""
    code, out, err = run("rule")
    assert (code, err) == (0, "")
    assert out.splitlines() == [f"{rule.id}\t{rule.severity}\t{rule.meaning}" for rule in CATALOGUE]


def test_table(run, monkeypatch):
    """For a person each rule stands in a table, under its contract and kind."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    out = run("rule").out
    assert "\t" not in out
    assert "\x1b[" in out
    for shown in ("backfill / track", "sdk / alias", "sdk / batch", "before there is a payload", *(rule.id for rule in CATALOGUE)):
        assert shown in out


def test_explain_in_colour(run, monkeypatch):
    """FORCE_COLOR colours an explanation, also when it is piped; without it a pipe gets none."""
    assert "\x1b" not in run("rule", "body.json").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in run("rule", "body.json").out


def test_table_without_colour(run, monkeypatch):
    """NO_COLOR takes the colour away."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in run("rule").out
    assert "\x1b" not in run("rule", "track.timestamp.pattern").out


@pytest.mark.parametrize("rule", CATALOGUE, ids=lambda rule: rule.id)
def test_explain(run, rule):
    """A rule's explanation says what it means, why June needs it, a wrong and a right payload, and how to keep it in Python and in Node."""
    code, out, err = run("rule", rule.id)
    assert (code, err) == (0, "")
    for text in (rule.id, rule.severity, rule.meaning, rule.why, rule.wrong, rule.right, rule.python, rule.node):
        assert text, f"{rule.id} lacks a text"
        for line in text.strip().splitlines():
            assert line.strip() in out


def test_glob(run):
    """A glob lists what it matches."""
    ids = [line.split("\t")[0] for line in run("rule", "track.userId.*").out.splitlines()]
    assert ids == [rule.id for rule in CATALOGUE if rule.id.startswith("track.userId.")]
    assert ids


def test_json(run):
    """As JSON a rule has all its members."""
    rules = json.loads(run("rule", "--output-format", "json").out)
    assert [rule["id"] for rule in rules] == [rule.id for rule in CATALOGUE]
    assert {"id", "severity", "meaning", "contract", "kind", "field", "keyword", "hint", "why", "wrong", "right", "python", "node"} <= rules[0].keys()


def test_unknown(run):
    """An unknown id is told from the nearest."""
    code, out, err = run("rule", "track.timestmp.pattern")
    assert (code, out) == (2, "")
    assert "did you mean 'track.timestamp.pattern'?" in err
