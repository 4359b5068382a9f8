"""Whatever bytes come: the engine, the body reader, the readers of files and the fixer answer, in bounds, and with the truth."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import zlib
from collections.abc import Callable
from random import Random

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract_tests import generator
from contract_tests.breaking import shapes
from mock_june.checker.fixes import Fixer
from mock_june.checker.inputs import Source, Table, form, parts, records
from mock_june.contract import Engine
from mock_june.contract.parser import DEPTH
from mock_june.model import Endpoint
from mock_june.server.body import BadCodingError, TooLargeError, UnknownCodingError, decoded
from mock_june.text import UNSAFE
from tests.fuzz.mangling import mangled

ENGINE = Engine()
KINDS = [(contract, kind) for contract, kinds in generator.KINDS.items() for kind in kinds]
SEEDS = st.integers(0, 2**32)
SLIPS = 25
"""Bodies that are made of each seed that Hypothesis draws."""

LONGEST = 600
"""Characters of a message, whatever is wrong."""

patient = settings(suppress_health_check=[*settings.default.suppress_health_check, HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


def written(payload, random):
    """A payload as some program writes it."""
    indent, ascii_only = random.choice((None, None, 0, 1, "\t")), random.random() < 0.5
    return json.dumps(payload, ensure_ascii=ascii_only, indent=indent, separators=random.choice((None, (",", ":"), (" , ", " : ")))).encode()


def bodies(seed):
    """Contract, kind (None: a batch) and body: good ones, and good ones mangled."""
    random = Random(seed)
    for _ in range(SLIPS):
        contract, sort = random.choice(KINDS)
        kind: str | None = sort
        payload = dict(random.choice(shapes(contract, sort)))
        if random.random() < 0.5:
            payload = generator.with_slips(payload, generator.schema(contract, sort), random)
        if contract == "sdk" and random.random() < 0.3:
            payload, kind = {"batch": [{**payload, "type": sort}, payload], "sentAt": None}, None
        body = written(payload, random)
        yield contract, kind, body if random.random() < 0.1 else mangled(body, random)


def loaded(body):
    """What Python's own parser makes of a body, held to RFC 8259, to UTF-8 and to what a 64-bit float holds; raises ValueError."""

    def refuse(name):
        raise ValueError(name)

    def finite(text):
        return number if math.isfinite(number := float(text)) else refuse(text)

    value = json.loads(body.decode(), parse_constant=refuse, parse_float=finite)
    json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate is no character
    return value


@given(SEEDS)
def test_any_body_has_a_verdict(seed):
    """A verdict on any bytes: JSON is what Python's own parser takes, messages are short and on one printable line, events are pieces of the body."""
    for contract, kind, body in bodies(seed):
        verdict = ENGINE.check(body, Endpoint(contract, kind, "event" if kind else "batch"))
        try:
            value = loaded(body)
        except (ValueError, RecursionError):
            value = ...
        unread = [each for each in verdict.violations if each.rule in {"body.json", "body.encoding"}]
        if value is ...:
            assert unread, body
        elif body.count(b"[") + body.count(b"{") < DEPTH:
            assert not unread, body
        for each in (*verdict.violations, *verdict.warnings):
            assert UNSAFE.search(each.message + each.hint) is None
            assert 0 < len(each.message) < LONGEST
        for event in verdict.events:
            assert orjson.loads(body[event.start : event.stop])["type"] == event.kind if kind is None else True


@given(SEEDS)
def test_any_fix_says_what_it_does(seed):
    """A fix of any bytes is what its patch says and nothing else, breaks no other rule, and finds nothing more to do."""
    for contract, kind, body in bodies(seed):
        for unsafe in (False, True):
            fixer = Fixer(contract, kind, unsafe=unsafe)
            fixed = fixer.fix(body)
            if fixed is None:
                continue
            assert fixer.fix(fixed.body) is None
            before, after = orjson.loads(body), orjson.loads(fixed.body)
            changed = {part for change in fixed.changes for name in ("path", "from") if name in change for part in [change[name].split("/")[1]]}
            for name in (before.keys() | after.keys()) - {part.replace("~1", "/").replace("~0", "~") for part in changed}:
                assert before.get(name, ...) == after.get(name, ...), (body, fixed)
            sent_as = kind or after["type"]
            left = {(each.rule, each.pointer) for each in ENGINE.check(fixed.body, Endpoint(contract, sent_as)).violations}
            assert left <= {(each.rule, each.pointer) for each in ENGINE.check(body, Endpoint(contract, sent_as)).violations}


PACKED: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress, "identity": bytes}


@given(st.binary(max_size=300), st.sampled_from(["gzip", "x-gzip", "deflate", "identity", "", "br", "gzip, gzip"]), st.integers(0, 200))
def test_any_bytes_of_any_coding(body, coding, limit):
    """Of any bytes the body reader gives at most as many as it may, or says in one of three ways why not."""
    try:
        assert len(decoded(body, coding, limit)) <= limit
    except (TooLargeError, BadCodingError, UnknownCodingError):
        return


@given(st.binary(max_size=2000), st.sampled_from(list(PACKED)), SEEDS)
def test_a_packed_body_comes_whole_or_not_at_all(body, coding, seed):
    """A packed body is unpacked to the byte; cut anywhere it is refused; with a slip in it gzip, which has a checksum, gives nothing else than it was."""
    random = Random(seed)
    packed = PACKED[coding](body)
    assert decoded(packed, coding, 2000) == body
    if coding == "identity":
        return
    for _ in range(10):
        with pytest.raises(BadCodingError):
            decoded(packed[: random.randrange(len(packed))], coding, 2000)
        try:
            found = decoded(mangled(packed, random), coding, 4000)
        except (BadCodingError, TooLargeError):
            continue
        assert found == body or coding == "deflate" or found in {body * times for times in range(2, 9)}


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\x00"), max_size=12) | st.sampled_from(
    ["", '"', "a,b", "{", "[1]", "-0", "null", " "]
)
ROWS = st.lists(st.lists(CELLS | st.builds("{}\n{}".format, CELLS, CELLS), min_size=4, max_size=4), max_size=6)
HEADER = ["type", "userId", "event", "note"]


@patient
@given(ROWS, st.sampled_from(",;\t|"), st.booleans(), st.sampled_from(["\n", "\r\n"]))
def test_a_table_is_read_as_it_was_written(tmp_path, rows, delimiter, quoted, end):
    """What Python's csv module writes, in any dialect, comes back cell for cell; an empty cell is an absent member, an empty row none."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL, lineterminator=end)
    writer.writerows([HEADER, *rows])
    found = read(tmp_path / "f.csv", text.getvalue().encode())
    assert [record.trouble for record in found] == [None] * len(found)
    assert [json.loads(record.body) for record in found] == [{name: cell for name, cell in zip(HEADER, row, strict=True) if cell} for row in rows]


FILES = (
    ("f.csv", b'type,userId,traits,traits.plan,timestamp\nidentify,1,"{""a"": [1]}",pro,\n\n"track",2,,"x\ny",2021-02-24T01:19:38Z\r\ntrack;3\n'),
    ("f.tsv", b"type\tuserId\ttraits.logins\ntrack\t1\t2\n"),
    ("f.jsonl", b'{"type":"track","userId":"1"}\n\n{"type":"identify","userId":2}\n[1]\nnull\n{"a":"\xe2\x80\xa8"}'),
    ("f.json", b'[{"type":"track","userId":"1"},\n {"type":"identify"} , 1, "a\\"]", [{}]]'),
    ("f.json", b'{\n "type": "track"\n}\n{\n "type": "identify", "traits": {"a": [{}]}\n}\n{"b":1}{"c":2}'),
)


def read(path, data):
    """What a file of these bytes holds, record by record."""
    path.write_bytes(data)
    with Source(str(path)) as source:
        return list(records(parts(source, form(source), Table(types=True))))


@patient
@given(st.sampled_from(FILES), SEEDS)
def test_any_file_is_read_to_its_end(tmp_path, file, seed):
    """Of any bytes the readers of files give records in the order of the file, each at a line and a byte that it has, with text or a word of trouble."""
    name, data = file
    random = Random(seed)
    for _ in range(8):
        text = mangled(data, random, 5)
        at = 0
        for record in read(tmp_path / name, text):
            assert at <= record.offset <= len(text)
            assert 1 <= record.line <= text.count(b"\n") + 1
            assert record.body or record.trouble
            assert record.trouble is None or UNSAFE.search(record.trouble) is None
            if name.endswith(("csv", "tsv")) and record.trouble is None:
                assert isinstance(orjson.loads(record.body), dict)
            at = record.offset
