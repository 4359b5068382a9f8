"""mock_june.spark: the verdicts of `check`, row by row, over Arrow and on a real local Spark."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import defaultdict
from itertools import islice

import pytest

from benchmarks import corpora
from mock_june.checker import preflight
from mock_june.checker.inputs import Table
from mock_june.checker.job import Job
from mock_june.checker.report import Report
from mock_june.contract import Engine, check
from mock_june.errors import MissingExtraError, UsageError
from mock_june.model import Endpoint
from mock_june.spark import check_and_split, check_batches, check_events, summary

pa = pytest.importorskip("pyarrow", reason="pyarrow is an extra: pip install 'mock-june[spark]'")

ENGINE = Engine()
MANY = 1_000_000 if os.environ.get("MOCK_JUNE_SLOW") else 100_000
SMELLS = b'{"type":"identify","userId":"null"}'
ODD = [
    b"",
    b" \t",
    SMELLS,
    b"\xff",
    b'{"type":"nobody"}',
    b"[]",
    b'{"type":"identify","userId":"1"}\r',
    b'{"type":"identify","user_id":"1","userId":"1"}',
    b"\xef\xbb\xbf{}",
    b"\x00",
]


def batch(bodies, kind=None):
    """A record batch of bodies beside their numbers."""
    return pa.RecordBatch.from_arrays([pa.array(range(len(bodies))), pa.array(bodies, kind or pa.binary())], names=["n", "value"])


def expected(body):
    """What `check` says of a body, as the columns have it."""
    verdict = ENGINE.check(body, Endpoint("backfill"))
    return tuple([{"rule": each.rule, "pointer": each.pointer, "message": each.message} for each in some] for some in (verdict.violations, verdict.warnings))


def test_same_verdicts():
    """Each row that is not blank has the errors and warnings that `check` finds in it, and the hash of the rules."""
    bodies = [*ODD, *(line[:-1] for line in corpora.lines(500, bad=0.3)), None]
    rows = [row for checked in check_batches([batch(bodies[:7]), batch(bodies[7:]), batch([])]) for row in checked.to_pylist()]
    assert [row["value"] for row in rows] == [body for body in bodies if body is None or body.strip()]
    for row in rows:
        assert (row["_errors"], row["_warnings"]) == expected(row["value"] or b"")
        assert row["_rules_hash"] == ENGINE.rules_hash
    assert any(row["_errors"] for row in rows)
    assert any(row["_warnings"] for row in rows)


def test_text_columns():
    """A column of text is read as its bytes: what is no UTF-8 is an error of its row, whatever Spark let through."""
    broken = pa.Array.from_buffers(pa.string(), 1, [None, *pa.array([b"\xff"], pa.binary()).buffers()[1:]])
    rows = next(check_batches([pa.RecordBatch.from_arrays([broken], names=["value"])]))
    assert rows.column("_errors").to_pylist()[0][0]["rule"] == "body.encoding"
    good = batch([SMELLS.decode()], pa.large_string())
    assert next(check_batches([good])).column("_warnings").to_pylist()[0][0]["rule"] == "identify.userId.placeholder"


def test_made_ready_once(monkeypatch):
    """The contract is made ready once for all batches of a partition."""
    made = []
    monkeypatch.setattr("mock_june.spark.Engine", lambda *rules: made.append(rules) or ENGINE)
    assert len(list(check_batches(batch([SMELLS]) for _ in range(5)))) == 5
    assert len(made) == 1


def test_streams():
    """Batches are checked as they come: none is held back for another."""
    taken = []

    def some():
        for number in range(3):
            taken.append(number)
            yield batch([SMELLS])

    checked = check_batches(some())
    next(checked)
    assert taken == [0]


def test_rules_chosen():
    """Contract, kind and rules are chosen as everywhere; other columns stay as they are."""
    body = b'{"userId":42,"name":7}'
    rows = next(check_batches([batch([body])], contract="sdk", kind="screen", ignore=["*.userId.*"])).to_pylist()
    assert rows[0]["n"] == 0
    assert (
        [each["rule"] for each in rows[0]["_errors"]]
        == [each.rule for each in check(body, "screen", "sdk", ignore=["*.userId.*"]).violations]
        == ["sdk.screen.name.type"]
    )
    with pytest.raises(UsageError, match="no rule matches"):
        next(check_batches([], select=["nothing.*"]))
    with pytest.raises(UsageError, match="is no kind"):
        next(check_batches([], kind="trak"))


def test_imports_nothing():
    """Importing the module imports neither pyspark nor pyarrow."""
    code = "import sys, mock_june.spark; sys.exit(any(name in sys.modules for name in ('pyspark', 'pyarrow')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_pyarrow(monkeypatch):
    """Without pyarrow the error says what to install."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"mock-june\[spark\]"):
        next(check_batches([]))


@pytest.fixture(scope="module")
def spark():
    """A real Spark of two threads."""
    sql = pytest.importorskip("pyspark.sql", reason="pyspark is an extra: pip install 'mock-june[spark]'")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Spark needs Java, which is not here")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        builder = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "2")
        session = builder.config("spark.log.level", "ERROR").getOrCreate()
        yield session
        session.stop()


of_spark = pytest.mark.filterwarnings("ignore::UserWarning:pyspark", "ignore::FutureWarning:pyspark", "ignore::DeprecationWarning:pyspark")


def found_by_check(path):
    """What `mock-june check` tells of a file: errors and warnings by line, as the columns have them, and how often each rule is broken."""
    by_line: dict = defaultdict(lambda: ([], []))

    def tell(finding):
        told = finding.violation
        by_line[finding.line][told.severity == "warning"].append({"rule": told.rule, "pointer": told.pointer, "message": told.message})

    report = Report("0", ENGINE.rules_hash)
    preflight.check_all(Job("backfill", None, (), (), Table()), ENGINE, [str(path)], report, tell, 1, lambda count: None)
    return by_line, report


@of_spark
@pytest.mark.timeout(600)
def test_on_spark(spark, tmp_path):
    """Spark's verdicts are `check`'s, line by line; valid and quarantine are all rows; the summary counts what `check` counts."""
    parquet = pytest.importorskip("pyarrow.parquet")
    path = corpora.write(tmp_path / "events.jsonl", corpora.lines(MANY, bad=0.05, seed=7))
    lines = spark.read.option("lineSep", "\n").text(str(path))
    check_events(lines).write.parquet(str(tmp_path / "checked"))
    found, report = found_by_check(path)
    assert report.checked == MANY
    assert report.invalid > MANY // 50
    line = 0
    with path.open("rb") as file:
        # Parts are numbered in the order of the lines.
        for part in sorted((tmp_path / "checked").glob("*.parquet")):
            for some in parquet.ParquetFile(part).iter_batches():
                bodies = [body.encode() + b"\n" for body in some.column("value").to_pylist()]
                assert bodies == list(islice(file, len(bodies)))
                assert some.column("_rules_hash").unique().to_pylist() == [ENGINE.rules_hash]
                for errors, warnings in zip(some.column("_errors").to_pylist(), some.column("_warnings").to_pylist(), strict=True):
                    line += 1
                    assert (errors, warnings) == found.get(line, ([], [])), line
        assert not file.read()
    assert line == MANY
    assert {row["rule"]: row["count"] for row in summary(spark.read.parquet(str(tmp_path / "checked"))).collect()} == report.by_rule
    valid, quarantine = check_and_split(lines)
    assert (valid.count(), quarantine.count()) == (report.valid, report.invalid)
    assert valid.columns == ["value", "_warnings", "_rules_hash"]


@of_spark
def test_odd_rows_on_spark(spark, tmp_path):
    """Bytes that are no UTF-8, blank lines, and other columns come through Spark as they are."""
    path = tmp_path / "odd.jsonl"
    path.write_bytes(b"\n".join(ODD))
    rows = check_events(spark.read.option("lineSep", "\n").text(str(path))).collect()
    whole = [body for body in ODD if body.strip(b" \t\r\n")]
    assert [[each.rule for each in row["_errors"]] for row in rows] == [[each["rule"] for each in expected(body)[0]] for body in whole]
    frame = spark.createDataFrame([(1, None, {"a": 1}), (2, SMELLS.decode(), {})], "n int, payload string, m map<string,int>")
    rows = check_events(frame, "payload").collect()
    assert [(row["n"], row["m"], len(row["_errors"]), len(row["_warnings"])) for row in rows] == [(1, {"a": 1}, 1, 0), (2, {}, 0, 1)]


@of_spark
def test_usage_on_spark(spark):
    """A wrong column, kind or rule is said at once, not by an executor later."""
    frame = spark.createDataFrame([(1, "{}")], "n int, value string")
    for wrong, text in (
        (lambda: check_events(frame, "payload"), "no column 'payload': there are n, value"),
        (lambda: check_events(frame, "n"), "is int, not the JSON text"),
        (lambda: check_events(frame, kind="trak"), "did you mean 'track'"),
        (lambda: check_events(frame, select=["nothing.*"]), "no rule matches"),
        (lambda: check_events(check_events(frame)), "was it checked before"),
    ):
        with pytest.raises(UsageError, match=text):
            wrong()
