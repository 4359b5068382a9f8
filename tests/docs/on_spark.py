from pathlib import Path

import pytest
from pyspark.sql import SparkSession

FILES = Path(__file__).parent / "files"


@pytest.fixture(scope="module")
def spark():
    session = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").config("spark.log.level", "ERROR").getOrCreate()
    yield session
    session.stop()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "export").symlink_to(FILES / "export")
    monkeypatch.chdir(tmp_path)


pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pyspark", "ignore::FutureWarning:pyspark", "ignore::DeprecationWarning:pyspark")


def test_split(spark, tmp_path):
    from mock_june.spark import check_and_split

    lines = spark.read.option("lineSep", "\n").text("export/*.jsonl")
    valid, quarantine = check_and_split(lines)

    valid.select("value").write.text("export-good")
    quarantine.write.json("export-quarantine")
    good = spark.read.text(str(tmp_path / "export-good"))
    assert (good.count(), quarantine.count()) == (4, 1)


def test_summary(spark):
    lines = spark.read.option("lineSep", "\n").text("export/*.jsonl")
    from mock_june.spark import check_events, summary

    checked = check_events(lines).persist()
    summary(checked).show(truncate=False)
    valid = checked.where("size(_errors) = 0")
    assert valid.count() == 4
