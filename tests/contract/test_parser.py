from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mock_june.contract.parser import DEPTH, HINTS, no_object, parse, span, unreadable
from mock_june.contract.spans import SHALLOW, STRING, VALUE, _next, messages, nested
from mock_june.model import Violation

SUITE = sorted((Path(__file__).parent.parent / "jsontestsuite" / "test_parsing").glob("*.json"))


def refused(body):
    value, violation = parse(body)
    assert value is None
    assert violation is not None
    return violation


@pytest.mark.parametrize("path", [path for path in SUITE if path.name[0] == "y"], ids=lambda path: path.stem)
def test_accepted_by_the_suite(path):
    """All that JSONTestSuite has every parser accept is parsed."""
    assert parse(path.read_bytes())[1] is None


@pytest.mark.parametrize("path", [path for path in SUITE if path.name[0] == "n"], ids=lambda path: path.stem)
def test_refused_by_the_suite(path):
    """All that JSONTestSuite has every parser refuse is refused, on one line and with something to do."""
    violation = refused(path.read_bytes())
    assert violation.rule in {"body.json", "body.encoding"}
    assert violation.message.isprintable()
    assert violation.hint


@pytest.mark.parametrize("path", [path for path in SUITE if path.name[0] == "i"], ids=lambda path: path.stem)
def test_left_open_by_the_suite(path):
    """What JSONTestSuite leaves open is parsed or refused, and never a crash."""
    _, violation = parse(path.read_bytes())
    assert violation is None or violation.rule in {"body.json", "body.encoding"}


def test_the_suite_is_whole():
    """All 318 files of JSONTestSuite are asked."""
    assert len(SUITE) == 318


@pytest.mark.parametrize(
    ("body", "rule", "message"),
    [
        (b"", "body.json", "the body is empty"),
        (b" \r\n\t", "body.json", "the body is empty: it holds white space alone"),
        (b"type=identify&userId=1", "body.json", "the body is no JSON: it looks like a form"),
        (b"type=identify", "body.json", "the body is no JSON: it looks like a form"),
        (b"traits%5Bname%5D=Ada+Lovelace&userId=1", "body.json", "the body is no JSON: it looks like a form"),
        (b'\xef\xbb\xbf{"type": "identify"}', "body.json", "the body begins with a byte order mark (bytes EF BB BF), and JSON has none"),
        (b'{"a": NaN}', "body.json", "the body is no JSON at line 1, column 7 (byte 6): NaN, which is no JSON number"),
        (b"[Infinity]", "body.json", "the body is no JSON at line 1, column 2 (byte 1): Infinity, which is no JSON number"),
        (b"[-Infinity]", "body.json", "the body is no JSON at line 1, column 3 (byte 2): -Infinity, which is no JSON number"),
        (b"{'type': 'identify'}", "body.json", "the body is no JSON at line 1, column 2 (byte 1): 'type', as Python writes it"),
        (b'{"a": None}', "body.json", "the body is no JSON at line 1, column 7 (byte 6): None, as Python writes it"),
        (b'{"a": undefined}', "body.json", "the body is no JSON at line 1, column 7 (byte 6): undefined, which JSON does not have"),
        (b'{"a": 1', "body.json", "the body is no JSON at line 1, column 8 (byte 7): the text ends too early"),
        (b'\n{"a": NaN}', "body.json", "the body is no JSON at line 2, column 7 (byte 7): NaN, which is no JSON number"),
        (b'\n \n{"a": NaN}', "body.json", "the body is no JSON at line 3, column 7 (byte 9): NaN, which is no JSON number"),
        (b"{}\x00", "body.json", "the body is no JSON at line 1, column 3 (byte 2): more text after the end of the JSON value"),
        (b"{}\n{}\n", "body.json", "the body is no JSON at line 2, column 1 (byte 3): more text after the end of the JSON value"),
        ('{"é":\n "ö" "'.encode(), "body.json", "the body is no JSON at line 2, column 6 (byte 13): unexpected character, expected ',' or '}'"),
        (b"[1e400]", "body.json", "the body is no JSON at line 1, column 2 (byte 1): a number that is too large"),
        (b"1" * 5000, "body.json", "the body is no JSON at line 1, column 1 (byte 0): a number that is too large"),
        (b'{"name": "Zo\xeb"}', "body.encoding", "the body is not UTF-8: the byte 0xEB at byte 12 begins no character"),
        (b'"\xed\xa0\x80"', "body.encoding", "the body is not UTF-8: the byte 0xED at byte 1 begins no character"),
        ("{}".encode("utf-16"), "body.encoding", "the body begins with the byte order mark of UTF-16, and JSON is UTF-8"),
        ("{}".encode("utf-32"), "body.encoding", "the body begins with the byte order mark of UTF-32, and JSON is UTF-8"),
        ('{"a":1}'.encode("utf-16-le"), "body.encoding", "the body has a NUL byte among its first two: it looks like UTF-16 or UTF-32, not UTF-8"),
        ('{"a":1}'.encode("utf-16-be"), "body.encoding", "the body has a NUL byte among its first two: it looks like UTF-16 or UTF-32, not UTF-8"),
    ],
)
def test_why_it_is_no_json(body, rule, message):
    """A body that is no JSON is refused in words about what stands there, and where."""
    violation = refused(body)
    assert (violation.rule, violation.pointer) == (rule, "")
    assert unreadable(body) == rule
    # orjson words its own texts anew from release to release: of these only the place is promised.
    assert violation.message == message or (": unexpected character" in message and violation.message.startswith(message.split(": ")[0]))


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        (b"\xff", HINTS["body.encoding"]),
        (b"\xef\xbb\xbf{}", HINTS["body.encoding"]),
        (b"\x00{", HINTS["body.encoding"]),
        (b"", HINTS["body.json"]),
        (b"[,]", HINTS["body.json"]),
        (b"a=1", "Send JSON: in requests use `json=payload`, not `data=payload`; in curl give `--data` the JSON text."),
        (b"[NaN]", "Leave the member out, or send null or a number; `json.dumps(payload, allow_nan=False)` finds it."),
        (b"[1", "It was cut short: send all of it, and the Content-Length of all of it."),
    ],
)
def test_what_to_do_about_it(body, hint):
    """A body that holds no JSON is refused with what to do about the very thing that is wrong with it."""
    violation = refused(body)
    assert violation == Violation(unreadable(body), "", violation.message, hint)


def test_white_space_is_that_of_json():
    """A vertical tab is no white space to JSON: a body of it is not called empty."""
    assert refused(b"\x0b").message.startswith("the body is no JSON at line 1, column 1 (byte 0): ")


@pytest.mark.parametrize(
    ("value", "is_what"),
    [
        ('{"a": 1}', 'the string "{\\"a\\": 1}", not an Object: it was turned into JSON twice'),
        ("text", 'the string "text", not an Object'),
        ([{}], "an array of 1 item, not an Object"),
    ],
)
def test_no_object(value, is_what):
    """JSON that is no Object is refused by the root's `type`, and text that is JSON once more is told so."""
    hint = "Send one JSON Object a request; many events go as `batch` to POST /sdk/batch."
    assert no_object(value) == Violation("body.object", "", f"the body is {is_what}", hint, keyword_location="/type")


def test_half_a_surrogate_pair():
    """Half of a surrogate pair is named as what it is."""
    assert "half of a surrogate pair" in refused(b'{"a": "\\ud800"}').message


def test_depth():
    """Bodies nest as deeply as the bound, and one level more is refused in words."""
    assert parse(b"[" * DEPTH + b"]" * DEPTH)[1] is None
    for depth in (DEPTH + 2, 100_000):
        assert "deeper nesting than 1,023 levels" in refused(b"[" * depth + b"]" * depth).message


def test_numbers():
    """Numbers beyond 64 bits are read as floats, and a doubled member's last value counts."""
    assert parse(b'{"a": 1, "a": 18446744073709551616}')[0] == {"a": 18446744073709551616.0}


def _whole(text: str) -> float:
    """A number without a point, as the parser has it."""
    number = int(text)
    return number if -(2**63) <= number < 2**64 else float(text)


@given(st.binary(max_size=60) | st.text(max_size=30).map(str.encode))
@example(b"20000000000000000001")
@example(b"-9223372036854775809")
def test_any_bytes(body):
    """Whatever bytes come, the answer is a value or a violation on one printable line."""
    value, violation = parse(body)
    if violation is None:
        assert value == json.loads(body, parse_int=_whole)
    else:
        assert violation.rule in {"body.json", "body.encoding"}
        assert "\n" not in violation.message
        assert "\x1b" not in violation.message


@given(st.text(alphabet=" \t\r\n"), st.text(alphabet=" \t\r\n"))
def test_span(before, after):
    """The one value of a body stands between the white space around it."""
    start, stop = span(f"{before}{{}}{after}".encode())
    assert (start, stop) == (len(before), len(before) + 2)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text('{}[]",:\\ é\u2028batch', max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('"\\[]{}batch', max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.data())
def test_messages_of_a_batch(data):
    """Each message of a batch is found in the bytes, however they are laid out, also where `batch` is doubled, escaped, or a name further down."""
    style = {"ensure_ascii": data.draw(st.booleans()), "indent": data.draw(st.sampled_from([None, 0, "\t"]))}
    if data.draw(st.booleans()):
        style["separators"] = data.draw(st.sampled_from([(",", ":"), (" ,\r\n", " : ")]))
    members = data.draw(st.lists(st.tuples(st.sampled_from(["batch", "b\\u0061tch", "\\u0062atch", "bat", 'batch\\"', "a"]), VALUES), max_size=4))
    batch = data.draw(st.lists(VALUES, max_size=4))
    last = data.draw(st.sampled_from(["batch", "\\u0062atch"]))
    behind = data.draw(st.dictionaries(st.text("abc{}", max_size=3), VALUES, max_size=2))
    pairs = [f'"{name}":{json.dumps(value, **style)}' for name, value in (*members, (last, batch))]
    pairs += [f"{json.dumps(name)} : {json.dumps(value, **style)}" for name, value in behind.items()]
    body = f" \n{{ {' , '.join(pairs)} }} ".encode()
    assert json.loads(body)["batch"] == batch
    assert [json.loads(body[start:stop]) for start, stop in messages(body)] == batch
    assert all(body[start:stop] == body[start:stop].strip() for start, stop in messages(body))


@pytest.mark.parametrize("depth", [1, 7, 8, 9, 10, 500, 1000])
def test_deep_messages(depth):
    """Messages that nest deeply are found as shallow ones are."""
    deep = '{"a":[1,' * (depth // 2) + '"]}"' + "]}" * (depth // 2)
    body = f'{{"batch": [{deep}, 1, {deep}]}}'.encode()
    assert [body[start:stop].decode() for start, stop in messages(body)] == [deep, "1", deep]


def test_messages_of_what_never_ends():
    """Text that was not parsed before, and has no end, is looked at to where it stops."""
    assert messages(b'{"batch":[' + b"[" * 20) == [(10, 30)]


def test_messages_of_none():
    """Where there is no batch there are no messages, whatever the other members are."""
    assert messages(b'{"a": "batch", "b": [1], "c": {"batch": [2]}}') == []
    assert messages(b"{}") == []


def test_the_last_batch():
    """Of many the last batch counts, before and behind others, and an empty one too."""
    assert messages(b'{"batch":[1,2] ,"a":[3],"batch":[ 4 ], "b":"batch"}') == [(34, 35)]
    assert messages(b'{"batch":[1],"batch":[]}') == []


@pytest.mark.parametrize("levels", [1, 2, 5, SHALLOW])
def test_one_match_takes_a_stride(levels):
    """What nests as deep as it may is one match, text and brackets in text and all; what nests deeper is none."""
    pattern = re.compile(nested(levels), re.DOTALL)
    for depth in range(1, levels + 3):
        deep = b'[1, "]", ' * (depth - 1) + b'{"}": null, "a\\"": 2}' + b', "x" ]' * (depth - 1)
        assert bool(pattern.fullmatch(deep)) == (depth <= levels)
        assert (pattern.match(deep[:-1]) is None) or depth > levels
        assert bool(VALUE.fullmatch(b" ," + deep)) == (depth <= SHALLOW)
    assert re.fullmatch(STRING, b'"a\\"]"')


@pytest.mark.parametrize("closed", [b"]", b" }", b",", b""])
def test_the_end_of_a_container(closed):
    """After the last value of a container there is no next one."""
    assert _next(closed, 0) is None
