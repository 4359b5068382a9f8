import pytest

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def test_arrow(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "export").mkdir()
    parquet.write_table(pa.table({"payload": ['{"type":"identify","userId":"1"}', '{"type":"identify"}']}), tmp_path / "export" / "users.parquet")
    import pyarrow.dataset as ds

    from mock_june.spark import check_batches

    events = ds.dataset("export/", format="parquet").to_batches(columns=["payload"])
    for batch in check_batches(events, column="payload"):
        errors = batch.column("_errors").to_pylist()  # of each row, why June would refuse it
    assert [[each["rule"] for each in row] for row in errors] == [[], ["identify.userId.required"]]
