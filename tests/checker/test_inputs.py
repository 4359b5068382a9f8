"""mock_june.checker.inputs: files of every form as payloads, with the places where they stand."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from mock_june.checker.inputs import Lines, ReadError, Source, Table, expand, form, parts
from mock_june.checker.inputs.lines import LONGEST
from mock_june.errors import UsageError

GOOD = b'{"type":"identify","userId":"1"}'


def places(found):
    return [(record.line, record.offset, record.body) for record in found]


def test_lines(read):
    """Each line is a payload, with its line and byte; blank lines are none, and the last line needs no newline."""
    assert places(read(b'{"a":1}\n\n  \n{"b":2}\n{"c":3}')) == [(1, 0, b'{"a":1}'), (4, 12, b'{"b":2}'), (5, 20, b'{"c":3}')]


def test_line_ends(read):
    """A carriage return before the newline is white space; U+2028 and a lone carriage return end no line."""
    text = '{"a":"\u2028"}\r\n{"b":\r1}\n'.encode()
    assert [(record.line, record.body) for record in read(text)] == [(1, '{"a":"\u2028"}\r'.encode()), (2, b'{"b":\r1}')]


@pytest.mark.parametrize("size", [(1 << 18) - 20, (1 << 18) - 1, 1 << 18, (1 << 18) + 1, 3 << 18])
def test_borders(read, size):
    """Lines are the same wherever the pieces end in which a file is read."""
    lines = [b'"' + b"x" * (size - 3) + b'"', GOOD, b'"y"', GOOD]
    found = read(b"\n".join(lines))
    assert [record.body for record in found] == lines
    assert [record.offset for record in found] == [0, size, size + 33, size + 37]


def test_long_line(read):
    """A line that is too long is one record with its trouble; the lines behind it have their places."""
    data = GOOD + b"\n" + b"x" * (LONGEST + 1) + b"\n" + GOOD
    first, long, last = read(data)
    assert long.trouble == "the line is longer than 4 MiB: it was passed over unread"
    assert (long.line, long.offset, long.body) == (2, 33, b"")
    assert (first.trouble, last.trouble, last.line, last.offset) == (None, None, 3, 33 + LONGEST + 2)


@pytest.mark.parametrize("over", range(-1, 2))
def test_longest_line(read, over):
    """A line of exactly the limit is looked at, wherever the pieces end."""
    for shift in (0, 1, 1000):
        found = read(b" " * shift + b"\n" + b'"' + b"x" * (LONGEST - 2 + over) + b'"\n' + GOOD)
        assert [record.trouble is not None for record in found] == [over > 0, False]


def test_dense_line(read):
    """A line of so many values that they would fill the memory is passed over."""
    (record,) = read(b'{"a":[' + b"[]," * 200_000 + b"1]}")
    assert record.trouble == "the line holds more than 65,536 values: it was passed over"


@pytest.mark.parametrize("text", ['[{"a": 1},\n {"b": "]\\""},\n\n[2]]', '{"a": 1}{"b": "]\\""} [[2]]', '{\n"a":1\n}\n{\n"b": "]\\""\n}\n[[2]]'])
def test_values(read, text):
    """Items of an array at the top, and values that stand side by side or over several lines, are payloads."""
    assert [json.loads(record.body) for record in read(text.encode(), "f.json")] == [{"a": 1}, {"b": ']"'}, [2]]


def test_places_of_values(read):
    """An item has the line and the byte at which it begins."""
    assert places(read(b'\n[\n{"a":\n1},\n\n{"b":2}]')) == [(3, 3, b'{"a":\n1}'), (6, 14, b'{"b":2}')]


@pytest.mark.parametrize(
    ("text", "troubles"),
    [
        (b'[{"a":1},]', ["there is a comma before the end of the array (line 1, byte 9)"]),
        (b'[{"a":1} {"b":2}]', ["there is no comma between two items of the array (line 1, byte 9)"]),
        (b'[{"a":1},,{"b":2}]', ["there is ',' where a value should begin (line 1, byte 9)"]),
        (b'[{"a":1}}]', ["there is '}' where a value should begin (line 1, byte 8)"]),
        (b'[{"a":1},{"b":2}', ["the file ends within the array: it was cut short (line 1, byte 16)"]),
        (b'[{"a":1},{"b":', []),
        (b'[{"a":1}\x0b]', ["there is '\\x0b' where a value should begin (line 1, byte 8)"]),
    ],
)
def test_broken_array(read, text, troubles):
    """What is wrong between an array's items is told where it is, and the items behind are read all the same."""
    found = read(text)
    assert [record.trouble for record in found if record.trouble] == troubles
    assert found[0].body == b'{"a":1}'
    if text.endswith(b":"):
        assert found[-1].body == b'{"b":'


def test_deep_and_long_values(read):
    """A value may nest deeper than one pattern looks, and be larger than a piece."""
    deep, long = b'{"a":' * 300 + b"1" + b"}" * 300, b'{"a":"' + b"x" * 700_000 + b'"}'
    assert [record.body for record in read(b"[" + deep + b"," + long + b"," + deep + b"]")] == [deep, long, deep]


def test_endless_value(read):
    """A value that never ends is one record with its trouble, and reading goes on with the next line."""
    found = read(b'[{"a":"' + b"x" * (LONGEST + (1 << 20)) + b"\n" + GOOD + b"]")
    assert [record.trouble is None for record in found] == [False, False, True]
    assert found[-1].body == GOOD
    assert found[-1].line == 2


@pytest.mark.parametrize("head", [b'{"type":"ide', b'{"type":"identify"', b"nonsense", b'{"a":NaN}', b'{"a":1,}', b'"abc'])
def test_spoilt_first_line(read, head):
    """A file of JSON Lines whose first line is spoilt is one of JSON Lines all the same."""
    assert [record.body for record in read(head + b"\n" + GOOD + b"\n")] == [head, GOOD]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_utf16(read, encoding):
    """A file in UTF-16 or UTF-32 is one record that says so."""
    (record,) = read((GOOD.decode() + "\n").encode(encoding) * 3)
    assert (record.line, record.rule) == (1, "body.encoding")
    assert "UTF-16" in record.trouble


@pytest.mark.parametrize("name", ["f.jsonl.gz", "f", "f.jsonl"])
def test_gzip(read, name):
    """Packed files are told by their first bytes, whatever their names; several packed one after another are one."""
    data = gzip.compress(GOOD + b"\n") + gzip.compress(GOOD)
    assert [record.body for record in read(data, name)] == [GOOD, GOOD]


def test_packed_table(read):
    """A packed CSV file is CSV."""
    assert [record.body for record in read(gzip.compress(b"type,userId\nidentify,1\n"), "f.csv.gz")] == [GOOD]


def test_zstandard(read):
    """Files packed with Zstandard are read, frame after frame."""
    zstandard = pytest.importorskip("zstandard")
    packed = zstandard.ZstdCompressor().compress
    assert [record.body for record in read(packed(GOOD + b"\n") + packed(GOOD))] == [GOOD, GOOD]


@pytest.mark.parametrize("spoil", [lambda data: data[:-5], lambda data: data[:5] + b"\xff" * 20 + data[25:], lambda data: data + data[:20]])
def test_damaged_zstandard(read, spoil):
    """A Zstandard file that is cut or damaged cannot be read: never are its first lines taken for the whole."""
    zstandard = pytest.importorskip("zstandard")
    with pytest.raises(ReadError, match="damaged or was cut short"):
        read(spoil(zstandard.ZstdCompressor(write_checksum=True).compress(GOOD + b"\n" + os.urandom(1000))))


@pytest.mark.parametrize("spoil", [lambda data: data[:30], lambda data: data[:-8] + b"\0" * 8, lambda data: data[:12] + b"\xff\xff" + data[14:]])
def test_damaged_gzip(read, spoil):
    """A gzip file that is cut or damaged cannot be read: never are its first lines taken for the whole."""
    with pytest.raises(ReadError, match=r"f\.jsonl cannot be read: it is damaged or was cut short"):
        read(spoil(gzip.compress(os.urandom(100) + GOOD * 100)))


def test_folder(tmp_path, monkeypatch):
    """Of a folder come the files whose endings are known, in the order of their names; no hidden ones, and nothing behind a link to a folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("d/b.jsonl", "d/a.csv.gz", "d/e/c.JSON", "d/.hidden.jsonl", "d/.git/x.jsonl", "d/readme.txt"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(GOOD)
    Path("d/e/loop").symlink_to(tmp_path / "d")
    os.mkfifo("d/pipe.jsonl")
    assert expand(["d"]) == ["d/a.csv.gz", "d/b.jsonl", "d/e/c.JSON"]
    assert expand(["d/*.jsonl", "-", "d/**/*.JSON"]) == ["d/b.jsonl", "-", "d/e/c.JSON"]


def test_name_like_a_pattern(tmp_path, monkeypatch):
    """A file whose name looks like a pattern is that file."""
    monkeypatch.chdir(tmp_path)
    Path("[1].json").write_bytes(GOOD)
    assert expand(["[1].json"]) == ["[1].json"]


@pytest.mark.parametrize("paths", [["nothing.jsonl"], ["empty"], ["*.nothing"], ["-", "-"]])
def test_nothing_there(tmp_path, monkeypatch, paths):
    """A name without a file, a folder without files, a pattern that matches none and stdin twice are said."""
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    with pytest.raises(UsageError):
        expand(paths)


def test_pieces_are_whole_lines(tmp_path):
    """JSON Lines come in pieces of whole lines, each with its newline, so that many are looked at in one go."""
    path = tmp_path / "f.jsonl"
    path.write_bytes((GOOD + b"\n") * 20_000)
    with Source(str(path)) as source:
        found = list(parts(source, form(source), Table()))
    assert len(found) == 3
    assert all(isinstance(part, Lines) and part.data.endswith(b"\n") for part in found)
