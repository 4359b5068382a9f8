"""tools.agree: millions of payloads through both validators, a part of them here."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from contract_tests.rules import Broken
from tests.attacks.servers import SLOW
from tools import agree


def ran(path, until, seed=20261124):
    ended = CliRunner().invoke(agree.main, ["--until", str(until), "--seed", str(seed), "--record", str(path)])
    return ended.exit_code, ended.output, json.loads(path.read_text("utf-8")) if path.exists() else None


def test_no_disagreement(tmp_path):
    """Over payloads of every kind, most of them wrong, both validators and the engine say the same; the next run goes on where the record ends."""
    code, said, record = ran(tmp_path / "record.json", 20_000)
    assert (code, record["payloads"], record["chunks"]) == (0, 20_000, 2), said
    assert 5_000 < record["wrong"] < 19_000
    assert ran(tmp_path / "record.json", 20_000)[2] == record
    if SLOW:
        assert ran(tmp_path / "record.json", 1_000_000)[0] == 0


def test_a_record_of_other_versions_is_begun_anew(tmp_path, monkeypatch):
    """What was tried with another validator, or under other rules or another seed, counts for nothing."""
    monkeypatch.setattr(agree, "CHUNK", 100)
    path = tmp_path / "record.json"
    assert ran(path, 200)[2]["payloads"] == 200
    path.write_text(json.dumps(ran(path, 200)[2] | {"jsonschema_rs": "0.0.1"}))
    assert ran(path, 100)[2]["payloads"] == 100
    assert ran(path, 300, seed=2)[2]["payloads"] == 300


@pytest.mark.parametrize(("kind", "says"), [("rust", "jsonschema_rs says False, jsonschema True"), ("engine", "the engine alone")])
def test_a_disagreement_is_shown(tmp_path, monkeypatch, kind, says):
    """Where the two differ the run ends with 1, and shows the payload and the seed that it came from."""
    if kind == "rust":
        monkeypatch.setattr(agree, "_rust", lambda *_: type("No", (), {"is_valid": lambda *_: False}))
    else:
        monkeypatch.setattr(agree, "broken", lambda *_: frozenset({Broken("a.rule", "/nowhere")}))
        monkeypatch.setattr(agree, "_rust", lambda *_: type("No", (), {"is_valid": lambda *_: False}))
        monkeypatch.setattr(agree, "judge", lambda *_: type("No", (), {"is_valid": lambda *_: False}))
    code, said, record = ran(tmp_path / "record.json", 100)
    assert (code, record) == (1, None)
    assert says in said
    assert "seed 20261124, chunk 0" in said
    assert isinstance(json.loads(said.splitlines()[-1]), dict)


def test_payloads_are_the_same_each_time():
    """A seed and a chunk are the same payloads, always; another chunk is others."""
    first, again, other = (list(agree.payloads(1, chunk, 50)) for chunk in (3, 3, 4))
    assert first == again != other
    assert {contract for contract, _, _ in first} == {"backfill", "sdk"}
