"""mock_june.checker.inputs: CSV and Parquet, whose columns are members."""

from __future__ import annotations

import datetime as dt
import json
import sys

import pytest

from mock_june.checker.inputs import ReadError, Table
from mock_june.errors import MissingExtraError, UsageError


@pytest.fixture
def read(read):
    """Gives the records of a table of these bytes."""
    return lambda data, name="f.csv", table=None: read(data, name, table)


def payloads(found):
    return [json.loads(record.body) for record in found]


def test_columns_are_members(read):
    """A column is a member, dotted names nest, empty cells are absent, all text stays text; blank rows are none."""
    found = read(b"type,userId,traits.plan,traits.address.city,email\nidentify,007,pro,Bonn,\n\ntrack,,,,a@example.com\n")
    assert payloads(found) == [
        {"type": "identify", "userId": "007", "traits": {"plan": "pro", "address": {"city": "Bonn"}}},
        {"type": "track", "email": "a@example.com"},
    ]
    assert [(record.line, record.offset) for record in found] == [(2, 50), (4, 74)]


def test_json_cells(read):
    """JSON text in traits, properties and context is parsed, and dotted columns add to it; what is no JSON stays text."""
    found = read(b'traits,traits.plan,properties,userId\n"{""a"": [1]}",pro,"{broken",{}\n')
    assert payloads(found) == [{"traits": {"a": [1], "plan": "pro"}, "properties": "{broken", "userId": "{}"}]


@pytest.mark.parametrize("depth", [200, 300, 1000])
def test_deep_json_cells(read, depth):
    """JSON text that nests deeper than can be written anew stays as it stands; dotted columns add to it all the same, and to an Object alone."""
    deep, flat = '{""a"":' * depth + "1" + "}" * depth, "[" * depth + "]" * depth
    first, second = read(f'properties.a,traits,traits.plan,properties\n1," {deep}\t",pro,"{flat}"\n2,,pro,"{{}}"\n'.encode())
    assert first.body == f'{{"properties":{flat},"traits":{deep[:-1]},"plan":"pro"}}}}'.replace('""', '"').encode()
    assert json.loads(second.body) == {"properties": {"a": "2"}, "traits": {"plan": "pro"}}


def test_types(read):
    """With types, numbers and booleans are told below traits and properties, and nowhere else; leading zeros and long numbers stay text."""
    data = b"userId,traits.a,traits.b,traits.c,traits.d,properties.e\n1,5,true,007,12345678901234567890,-1.5\n"
    assert payloads(read(data)) == [{"userId": "1", "traits": {"a": "5", "b": "true", "c": "007", "d": "12345678901234567890"}, "properties": {"e": "-1.5"}}]
    assert payloads(read(data, table=Table(types=True))) == [
        {"userId": "1", "traits": {"a": 5, "b": True, "c": "007", "d": "12345678901234567890"}, "properties": {"e": -1.5}}
    ]


def test_map(read):
    """A mapping says which column holds a member; a column that is not there is an error that names those that are."""
    assert payloads(read(b"user_id,city\n1,Bonn\n", table=Table({"userId": "user_id", "traits.city": "city"}))) == [{"userId": "1", "traits": {"city": "Bonn"}}]
    with pytest.raises(UsageError, match="--map userId=uid: there is no such column; there are user_id, city"):
        read(b"user_id,city\n1,Bonn\n", table=Table({"userId": "uid"}))


def test_kind(read):
    """Rows of a table without a column `type` are of the kind that was given; a column goes first."""
    assert payloads(read(b"userId\n1\n", table=Table(kind="identify"))) == [{"type": "identify", "userId": "1"}]
    assert payloads(read(b"type,userId\ntrack,1\n", table=Table(kind="identify"))) == [{"type": "track", "userId": "1"}]


@pytest.mark.parametrize(("name", "delimiter"), [("f.csv", ";"), ("f.csv", "\t"), ("f.tsv", "\t"), ("f.csv", "|")])
def test_delimiters(read, name, delimiter):
    """The delimiter is the one that the header has most of."""
    assert payloads(read(f"\ufefftype{delimiter}userId\r\nidentify{delimiter}1,2\r\n".encode(), name)) == [{"type": "identify", "userId": "1,2"}]


def test_quotes(read):
    """A cell in quotes may hold delimiters, quotes and newlines; the row's place is where it begins."""
    found = read(b'type,event\ntrack,"a\nb,""c"""\ntrack,d\n')
    assert payloads(found) == [{"type": "track", "event": 'a\nb,"c"'}, {"type": "track", "event": "d"}]
    assert [(record.line, record.offset) for record in found] == [(2, 11), (4, 29)]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (b'identify,"' + b"x" * 5_000_000 + b'"', "longer than 4 MiB"),
        (b'identify,"1"2', "goes on behind its closing quote"),
        (b"identify,\xff\xfe", "not UTF-8: byte 0xFF at byte 9"),
        (b"identify,1,2,3", "the row has 4 cells, and the header 2"),
        (b"identify,a\rb", "carriage return"),
        (b"identify,a\x00b", "holds a NUL byte, at byte 10 of it"),
    ],
)
def test_F2_odd_rows(read, row, said):
    """What is no CSV is a record with its trouble and its line, and the rows behind it are read."""
    found = read(b"type,userId\nidentify,1\n" + row + b"\nidentify,2\n")
    assert (found[1].line, found[1].offset) == (3, 23)
    assert said in found[1].trouble
    assert json.loads(found[-1].body)["userId"] == "2"


def test_F2_open_quote(read):
    """A quote that is never closed is told where its row begins: all behind it is in the cell."""
    found = read(b'type,userId\nidentify,1\nidentify,"open\nidentify,2\n')
    assert [(record.line, record.offset) for record in found] == [(2, 12), (3, 23)]
    assert "opened and never closed" in found[1].trouble


@pytest.mark.parametrize(("data", "said"), [(b"type,userId\ridentify,1\r", "carriage return"), (b'type,"userId\nidentify,1\n', "never closed")])
def test_F2_header(read, data, said):
    """A header that is no CSV is told: no file is clean because nothing was read of it."""
    (found,) = read(data)
    assert said in found.trouble


def test_a_row_that_is_wrong_twice_is_one_record(read):
    """A row that is no CSV, with a line in it that is no UTF-8, is told as the latter; the row behind it is read."""
    wrong, good = read(b'type,userId\nidentify,"\xfe"1\nidentify,2\n')
    assert (wrong.line, wrong.rule) == (2, "body.encoding")
    assert json.loads(good.body) == {"type": "identify", "userId": "2"}


def test_long_cell(read):
    """A cell may be longer than the csv module takes by itself."""
    assert payloads(read(b"type,userId\nidentify," + b"x" * 200_000)) == [{"type": "identify", "userId": "x" * 200_000}]


def test_utf16_csv(read):
    """A CSV file in UTF-16 gives records that say what is wrong, and no error."""
    found = read("type,userId\nidentify,1\n".encode("utf-16"))
    assert found
    assert found[0].rule == "body.encoding"


def test_empty_csv(read):
    """A CSV file without rows has no payloads."""
    assert read(b"") == read(b"type,userId\n") == []


@pytest.fixture
def write(tmp_path):
    """Writes a Parquet file of these columns, and gives its bytes."""
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")

    def write(columns, schema=None):
        parquet.write_table(pa.table(columns, schema=schema), tmp_path / "w.parquet", row_group_size=2)
        return (tmp_path / "w.parquet").read_bytes()

    return write


def test_parquet(read, write):
    """Parquet's types stay types: times are ISO 8601 as they stand, nulls and NaN are absent; the line is the record's number."""
    utc = dt.datetime(2021, 2, 24, 1, 19, 38, 931000, dt.UTC)
    data = write(
        {
            "type": ["track", "track", "track"],
            "userId": ["1", None, "3"],
            "timestamp": [utc, utc, None],
            "properties": [{"seats": 5, "none": None}, None, {"seats": 7, "none": None}],
            "properties.plan": [None, "pro", None],
            "n": [1.5, float("nan"), 2.0],
        }
    )
    found = read(data, "f.parquet")
    assert payloads(found) == [
        {"type": "track", "userId": "1", "timestamp": "2021-02-24T01:19:38.931000+00:00", "properties": {"seats": 5, "none": None}, "n": 1.5},
        {"type": "track", "timestamp": "2021-02-24T01:19:38.931000+00:00", "properties": {"plan": "pro"}},
        {"type": "track", "userId": "3", "properties": {"seats": 7, "none": None}, "n": 2.0},
    ]
    assert [record.line for record in found] == [1, 2, 3]


def test_parquet_types(read, write):
    """Types that JSON lacks are written as one would by hand: nanoseconds cut, decimals as numbers, bytes as text, maps as Objects."""
    pa = pytest.importorskip("pyarrow")
    from decimal import Decimal

    columns = {
        "t": pa.array([1614129578931000001], pa.timestamp("ns", "UTC")),
        "d": pa.array([Decimal("1.50")]),
        "b": pa.array([b"abc"]),
        "m": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
        "day": pa.array([dt.date(2021, 2, 24)]),
    }
    assert payloads(read(write(columns), "f")) == [{"t": "2021-02-24T01:19:38.931000+00:00", "d": 1.5, "b": "abc", "m": {"a": 1}, "day": "2021-02-24"}]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:-12] + b"\xff\xff\xff\x7fPAR1",
        lambda data: b"PAR1",
        lambda data: data[:8] + b"\xff" * 60 + data[68:],
    ],
)
def test_F3_broken_parquet(read, write, spoil):
    """A Parquet file that is cut or lies about itself cannot be read, and that is said in one line."""
    with pytest.raises(ReadError, match=r"f\.parquet cannot be read") as error:
        read(spoil(write({"type": ["track"] * 50, "userId": ["abc"] * 50})), "f.parquet")
    assert "\n" not in str(error.value)


def test_without_the_extra(read, write, monkeypatch):
    """Without pyarrow a Parquet file gives one line that says what to install."""
    data = write({"type": ["track"]})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r'pip install "mock-june\[files\]"'):
        read(data, "f.parquet")


def test_zstandard_without_the_extra(read, monkeypatch):
    """Without zstandard a file packed with it gives one line that says what to install."""
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(MissingExtraError, match=r'pip install "mock-june\[files\]"'):
        read(b"\x28\xb5\x2f\xfd rest", "f.jsonl")
