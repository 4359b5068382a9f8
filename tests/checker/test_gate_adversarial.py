"""The gate under lines that were made to deceive it: what it calls clean, the contract takes without a warning. Ten times as many under MOCK_JUNE_SLOW=1."""

from __future__ import annotations

import json
import os
import random
import re

import orjson
import pytest

from benchmarks import corpora
from mock_june.checker.scan import ExactScan
from mock_june.checker.scan.gate import Gate, GatedScan
from mock_june.contract import Engine
from mock_june.model import Endpoint

pytest.importorskip("re2", reason="google-re2 is an extra: pip install 'mock-june[fast]'")

ENGINE = Engine()
MANY = 200_000 if os.environ.get("MOCK_JUNE_SLOW") else 20_000

NUMBERS = [
    *"1e999 -1e999 1e308 1.8e308 1e309 18446744073709551615 18446744073709551616 -9223372036854775808 -9223372036854775809 -0 -0.0 0.1e5 1E+5 1e-400".split(),
    *"01 -01 +1 1. 1.e5 .5 1e 1e+ --1 0x1 NaN Infinity -Infinity 1e99 1e100 123456789012345678901e99 -".split(),
    *("9" * 400, "9" * 18, "9" * 19, "0." + "0" * 400 + "1", "9" * 17 + "." + "9" * 400 + "e99"),
]

TEXTS = [
    *r"\ud800 \udc00 \ud83d\ude42 \ud83d\ud83d \ude42\ud83d \ud83dx \uD7FF \uE000 \udfff \u0000 \u00e9 \u00a0 \u3000".split(),
    *r"\x41 \' \/ \b\f\n\r\t \u12 \u12G4 \U0041 \u006eull nul\u006c undefine\u0064".split(),
    *("\\", "\t", "\r", "\x00", "\x1f", "\x7f", '\\"', "\u2028", "\ufeff", "\U0010ffff", "é", "", " ", "\u00a0", "\u2003\u3000", "x@y.zz", "x@y", "x @y.zz"),
    *("null", "undefined", "None", "NaN", "[object Object]", "nul", "nulls", "u", "N", "[object Object"),
]

RAW = [
    bytes.fromhex(text)
    for text in "ff c0af c1bf eda080 edbfbf f4908080 f5808080 e08080 f0808080 c3 e282 f09f99 80 ed9fbf ee8080 f48fbfbf c280 efbbbf c2a0".split()
]

MOMENTS = [
    *("2021-02-30T00:00:00Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2004-12-31T23:59:59Z", "2005-01-01T00:00:00Z"),
    *(
        "2000-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2024-02-29T23:59:59.000000000000+00:00",
        "2023-02-29T00:00:00Z",
        "2021-01-01T24:00:00Z",
        "2021-01-01T00:60:00Z",
    ),
    *(
        "2021-01-01T00:00:60Z",
        "2021-01-01t00:00:00Z",
        "2021-01-01T00:00:00z",
        "2021-01-01T00:00:00-00:00",
        "2021-01-01T00:00:00.Z",
        "2021-01-01T00:00:00+00:00Z",
    ),
    *(
        "2021-01-01T00:00:00Z\\n",
        "\\n2021-01-01T00:00:00Z",
        "2021-01-01T00:00:00\\u005a",
        "2021-01-01T00:00:00Z ",
        "2099-12-31T23:59:59Z",
        "9999-12-31T23:59:59Z",
    ),
    *("10000-01-01T00:00:00Z", "２021-01-01T00:00:00Z", "2016-12-31T23:59:60Z", "2021-06-01T12:00:00+02:00", "2021-06-01T12:00:00+24:00"),
]

VALUES = [
    *(
        "true",
        "false",
        "null",
        "True",
        "nul",
        "{}",
        "[]",
        "{ }",
        "[ ]",
        "[1,]",
        "[,]",
        '{"a":1,}',
        '{"a"}',
        "{a:1}",
        '{"a":1 "b":2}',
        "[1 2]",
        '{"a"::1}',
        '""',
        "''",
    ),
    *('{"":0}', '{"a":1,"a":2}', "[[[[]]]]", "[[[]]]", '{"a":{"b":{"c":1}}}', '{"a":{"b":{"c":{"d":1}}}}', '{"email":"x"}', '{"email":"a@b.co","email":1}'),
    *('{"email":null}', r'{"em\u0061il":"x"}', '{"emails":"x"}', '{"email":"a@b.co"}', '"ok"', '"track"', '"identify"', '"group"', '"page"'),
]

NAMES = [
    *"user_id userID trait Type type messageId name version x traits properties context event timestamp email userId anonymousId groupId previousId".split(),
    *("\\u0074ype", "user\\u0049d", "type ", "usérId", ""),
]


class Deceiver:
    """Makes lines out of good ones: bytes changed, dropped, put in; members moved, doubled, renamed, given other values."""

    def __init__(self, good, seed):
        self.good = good
        self.dice = random.Random(seed)

    def line(self):
        """One line, or now and then two."""
        dice, line = self.dice, self.dice.choice(self.good)
        way = dice.randrange(16)
        if way < 3:
            changed = bytearray(line)
            for _ in range(dice.choice([1, 1, 1, 2, 4])):
                changed[dice.randrange(len(changed))] = dice.choice([dice.randrange(256), dice.choice(b'"{}[],:\\0919 -+.eEtfnu\n\r\t')])
            return bytes(changed)
        if way < 9:
            return self._spliced(line, way)
        return self._rejoined([[json.dumps(name), self._dump(content)] for name, content in json.loads(line).items()], way)

    def _spliced(self, line, way):
        dice = self.dice
        at = dice.randrange(len(line))
        match way:
            case 3:
                return line[:at] + line[at + dice.randint(1, 3) :]
            case 4:
                some = [*RAW, *(text.encode() for text in TEXTS), b" ", b",", b"}", b"{", b'"', b"]", b"[", b"0", b"\r", b"\n", b"\x0b"]
                return line[:at] + dice.choice(some) + line[at:]
            case 5:
                at = dice.choice([quote.end() for quote in re.finditer(b'"', line)])
                return line[:at] + dice.choice([*RAW, *(text.encode() for text in TEXTS)]) + line[at:]
            case 6:
                upto = dice.randrange(at, min(len(line), at + 40))
                return line[:upto] + line[at:upto] + line[upto:]
            case 7:
                return line + dice.choice([b" ", b"\r", b"\r\r", b"}", b"{}", b"\x00", b",", b" {}", b"\t", b"\n", b"\n\n"])
            case _:
                other = dice.choice(self.good)
                return line[:at] + other[dice.randrange(len(other)) :]

    def _rejoined(self, members, way):
        dice = self.dice
        anywhere = dice.randrange(len(members) + 1)
        match way:
            case 9:
                dice.shuffle(members)
            case 10:
                members.insert(anywhere, [f'"{dice.choice(NAMES)}"', self._value()])
            case 11:
                members.insert(anywhere, list(dice.choice(members)))
            case 12 | 13:
                dice.choice(members)[1] = self._value()
            case 14:
                for member in members:
                    if member[0] == '"timestamp"':
                        member[1] = f'"{dice.choice(MOMENTS)}"'
            case _:
                members.pop(dice.randrange(len(members)))
        if dice.random() < 0.1:
            members.insert(dice.randrange(len(members) + 1), [f'"{dice.choice(NAMES)}"', dice.choice(["1", '"x"', "{}", "null"])])
        comma, colon = dice.choice([",", ",", ",", ", ", " , ", ",,", "\t,"]), dice.choice([":", ":", ":", ": ", " : ", ":  "])
        start, end = dice.choice(["{"] * 8 + ["{ ", " {"]), dice.choice(["}"] * 8 + [" }", "} ", "}\r"])
        return (start + comma.join(name + colon + content for name, content in members) + end).encode("utf-8", "surrogatepass")

    def _dump(self, content):
        return json.dumps(content, ensure_ascii=self.dice.random() < 0.5, separators=self.dice.choice([(",", ":"), (", ", ": ")]))

    def _value(self):
        dice = self.dice
        match dice.randrange(9):
            case 0:
                return dice.choice(NUMBERS)
            case 1 | 2:
                return f'"{dice.choice(TEXTS)}"'
            case 3:
                deep = dice.choice([1, 2, 3, 4, 5, 10, 100])
                return dice.choice(["[" * deep + "]" * deep, '{"a":' * deep + "1" + "}" * deep, '[{"a":' * (deep // 2) + "[]" + "}]" * (deep // 2)])
            case 4:
                return f'"{dice.choice(MOMENTS)}"'
            case 5:
                return f'{{"k":{dice.choice(NUMBERS)}}}'
            case 6:
                return f'{{"{dice.choice(TEXTS)}":1}}'
            case 7:
                return f'["{dice.choice(TEXTS)}",{dice.choice(NUMBERS)}]'
            case _:
                return dice.choice(VALUES)


def sdk_lines(count):
    """Events as SDKs send them: with nulls, and of three more kinds."""
    dice = random.Random(2)
    for line in corpora.lines(count):
        payload = json.loads(line)
        payload["type"] = dice.choice([payload["type"], payload["type"], "page", "screen", "alias"])
        payload.setdefault("properties", {})
        payload.setdefault("userId" if dice.random() < 0.5 else "anonymousId", None if payload["type"] != "alias" else "1")
        if payload["type"] == "alias":
            payload["previousId"] = "p-1"
        if dice.random() < 0.3:
            payload[dice.choice(["context", "timestamp", "traits"])] = None
        yield json.dumps(payload).encode() + b"\n"


@pytest.mark.parametrize(
    ("contract", "kind", "lines"),
    [("backfill", None, corpora.lines), ("backfill", "track", corpora.lines), ("sdk", None, sdk_lines), ("sdk", "identify", sdk_lines)],
)
def test_deceived(contract, kind, lines):
    """Of lines made to deceive it the gate proves none that June would refuse or that bears a warning; nor does the quick look behind it."""
    endpoint = Endpoint(contract, kind)
    quick = ENGINE.quick(endpoint)
    gate = Gate(endpoint)
    good = [line[:-1] for line in lines(3000) if quick(line[:-1])]
    deceiver = Deceiver(good, f"{contract}/{kind}")
    proved = refused = 0
    for number in range(-len(good), MANY if kind is None else MANY // 4):
        for line in (good[number] if number < 0 else deceiver.line()).split(b"\n"):
            found = quick(line)
            if found:
                gate.learn(found, orjson.loads(line))
            end = gate.end(line + b"\n", 0)
            assert end in {0, len(line) + 1}, line
            verdict = ENGINE.check(line, endpoint) if found or end else None
            is_clean = verdict is not None and verdict.accepted and not verdict.warnings
            assert is_clean or not end, line
            assert is_clean or not found, line
            proved += bool(end)
            refused += not is_clean
        if number % 2000 == 0 and gate.is_stale:
            gate.renew()
    assert proved > 500
    assert refused > 500


@pytest.mark.parametrize("size", [50, 1000, 20_000])
def test_same_lines(size):
    """A scan with the gate finds the very lines doubtful that one without it does, in pieces of any size, as it learns on the way."""
    endpoint = Endpoint("backfill")
    quick = ENGINE.quick(endpoint)
    good = [line[:-1] for line in corpora.lines(3000)]
    deceiver = Deceiver(good, size)
    flat = b"\n".join([*good[:600], *(deceiver.line() if number % 3 else good[number % 3000] for number in range(MANY // 2))]).split(b"\n")
    exact, gated = ExactScan(quick), GatedScan(quick, endpoint, 1 << 40)
    for at in range(0, len(flat), size):
        piece = b"\n".join(flat[at : at + size]) + b"\n"
        assert gated.scan(piece) == exact.scan(piece)
