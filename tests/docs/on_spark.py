import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

FILES = Path(__file__).parent / "files"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("spark")
    (where / "export").symlink_to(FILES / "export")
    return where


@pytest.fixture(scope="module")
def spark(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # before it starts: Spark finds files from where it was started
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        session = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.log.level", "ERROR").getOrCreate()
        yield session
        session.stop()


pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pyspark", "ignore::FutureWarning:pyspark", "ignore::DeprecationWarning:pyspark")


def test_split(spark, folder):
    from mock_june.spark import check_and_split

    lines = spark.read.option("lineSep", "\n").text("export/*.jsonl")
    valid, quarantine = check_and_split(lines)

    valid.select("value").write.text("export-good")
    quarantine.write.json("export-quarantine")
    good = spark.read.text(str(folder / "export-good"))
    assert (good.count(), quarantine.count()) == (4, 1)


def test_summary(spark):
    lines = spark.read.option("lineSep", "\n").text("export/*.jsonl")
    from mock_june.spark import check_events, summary

    checked = check_events(lines).persist()
    summary(checked).show(truncate=False)
    valid = checked.where("size(_errors) = 0")
    assert valid.count() == 4
