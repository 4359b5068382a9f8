from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from mock_june.checker import baseline as module
from mock_june.checker.baseline import Baseline
from mock_june.checker.report import Finding, Record
from mock_june.contract import Engine
from mock_june.errors import MockJuneError, UsageError
from mock_june.model import Endpoint, Verdict, Violation

ENGINE = Engine()
BROKEN = b'{"type": "identify", "userId": 1, "trait": {}}'
OTHER = b'{"type": "identify", "userId": 2}'


def findings(record, verdict):
    return [Finding(each, record.source, record.line, record.offset, None) for each in (*verdict.violations, *verdict.warnings)]


def told(baseline, *bodies):
    """The rules of the findings that a baseline lets through, of payloads on consecutive lines."""
    through = []
    for line, body in enumerate(bodies, 1):
        record, verdict = baseline.saw(Record("a.jsonl", line, 0, body), ENGINE.check(body, Endpoint("backfill")))
        through += [finding.violation.rule for finding in findings(record, verdict) if baseline.admits(finding)]
    return through


@pytest.fixture
def path(tmp_path):
    """A baseline of BROKEN once and OTHER twice."""
    baseline = Baseline()
    assert told(baseline, BROKEN, OTHER, OTHER) == ["identify.userId.type", "identify.traits.unknown", "identify.userId.type", "identify.userId.type"]
    where = str(tmp_path / "baseline.json")
    baseline.write(where)
    return where


def test_known_findings(path):
    """Known findings do not come through, wherever their payloads stand now; a payload that is changed by a byte is new."""
    baseline = Baseline.read(path)
    assert told(baseline, OTHER, BROKEN, OTHER) == []
    assert (baseline.passed_over, baseline.stale_entries) == (4, [])
    assert told(Baseline.read(path), BROKEN.replace(b"1", b"3")) == ["identify.userId.type", "identify.traits.unknown"]


def test_white_space_around():
    """What stands around a payload is not of it."""
    baseline = Baseline()
    told(baseline, OTHER, b" " + OTHER + b"\r")
    assert list(baseline.seen.values()) == [2]


def test_counts(path):
    """Of a finding that is known twice, the third is new."""
    assert told(Baseline.read(path), OTHER, OTHER, OTHER) == ["identify.userId.type"]


def test_stale_entries(path):
    """Known findings that did not come again are named, with how many times they are missing."""
    baseline = Baseline.read(path)
    told(baseline, OTHER)
    digest = [hashlib.sha256(body).hexdigest()[:16] for body in (BROKEN, OTHER)]
    expected = [("identify.traits.unknown", digest[0], 1), ("identify.userId.type", digest[0], 1), ("identify.userId.type", digest[1], 1)]
    assert sorted(baseline.stale_entries) == sorted(expected)
    assert baseline.stale_entries == sorted(baseline.stale_entries)
    known, stale = baseline.notes("b.json", is_whole=True)
    assert known == "1 finding known to b.json and left out"
    assert stale.startswith("3 findings listed in b.json did not come again (--write-baseline renews it): identify.traits.unknown of ")
    assert all(each in stale for each in digest)
    assert baseline.notes("b.json", is_whole=False) == [known]


def test_the_file(path):
    """The file has a line a finding, in order, so that two can be compared, and is the same for the same findings in any order."""
    text = Path(path).read_text("utf-8")
    lines = [line for line in text.splitlines() if "identify." in line]
    assert lines == sorted(lines)
    assert len(lines) == 3
    assert text.endswith("}\n")
    again = Baseline()
    told(again, OTHER, BROKEN, OTHER)
    again.write(path)
    assert Path(path).read_text("utf-8") == text


def test_records_without_text():
    """What could not be read is known by its file and the reason."""
    baseline = Baseline()
    refused = Violation("body.json", "", "too long", "hint")
    for source in ("a", "a", "b"):
        record, verdict = baseline.saw(Record(source, 1, 0, b"", "too long"), Verdict("backfill", (), (refused,)))
        for finding in findings(record, verdict):
            baseline.admits(finding)
    assert sorted(baseline.seen.values()) == [1, 2]


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"{", b"[]", b"null", b"\xff", b"{}", b'{"mock_june_baseline": 1}', b'{"mock_june_baseline": 1, "findings": []}'),
        *(
            b'{"mock_june_baseline": 1, "findings": {"%s": %s}}' % each
            for each in [(b"a.b.c", b"1"), (b"a 0123456789ABCDEF", b"1"), (b" 0123456789abcdef", b"1")]
        ),
        *(b'{"mock_june_baseline": 1, "findings": {"a.b.c 0123456789abcdef": %s}}' % count for count in (b"0", b"-1", b"true", b"1.5", b'"1"', b"null")),
    ],
)
def test_files_that_are_none(tmp_path, text):
    """A file that is no baseline is a usage error that says how one is made."""
    path = tmp_path / "bad.json"
    path.write_bytes(text)
    with pytest.raises(UsageError, match="is no baseline: --write-baseline makes one"):
        Baseline.read(str(path))


def test_another_version(tmp_path):
    """A baseline of another version is told from what is none."""
    path = tmp_path / "new.json"
    path.write_text(json.dumps({"mock_june_baseline": 2, "findings": {}}))
    with pytest.raises(UsageError, match="another version"):
        Baseline.read(str(path))


def test_files_that_cannot_be_used(tmp_path):
    """A file that is not there, or a folder, is a usage error; one that cannot be written leaves nothing behind."""
    for name in ("none.json", "."):
        with pytest.raises(UsageError, match="cannot be read"):
            Baseline.read(str(tmp_path / name))
    target = tmp_path / "none" / "b.json"
    for path, said in (
        (target, f"{target} cannot be written (No such file or directory): make its folder first, or name a file in another"),
        (tmp_path, f"{tmp_path} cannot be written (it is a folder): name a file in it"),
    ):
        with pytest.raises(MockJuneError) as caught:
            Baseline().write(str(path))
        assert str(caught.value) == said
    assert not list(tmp_path.iterdir())


def test_too_many(monkeypatch, tmp_path):
    """More findings than a baseline can list are not listed in part: the error says what to do. Reading needs no room for what is seen."""
    monkeypatch.setattr(module, "MOST", 2)
    baseline = Baseline()
    assert len(told(baseline, BROKEN, OTHER, OTHER, BROKEN)) == 6
    assert len(baseline.seen) == 2
    with pytest.raises(UsageError, match="--ignore"):
        baseline.write(str(tmp_path / "b.json"))
    assert not list(tmp_path.iterdir())
