"""mock_june.checker.scan.gate and .language: what RE2 calls clean is clean, and asking it costs little where it does not pay."""

from __future__ import annotations

import itertools
import json
import random
import re

import orjson
import pytest

from benchmarks import corpora
from mock_june.checker import scan
from mock_june.checker.scan import ExactScan, fast_scan, gate, patterns
from mock_june.checker.scan.gate import FIRST_LESSONS, INVEST, OFTEN, RISK, SHAPES, Gate, GatedScan, Kind
from mock_june.contract import Engine, schemas
from mock_june.model import KINDS, Endpoint

pytest.importorskip("re2", reason="google-re2 is an extra: pip install 'mock-june[fast]'")

ENGINE = Engine()
BACKFILL = Endpoint("backfill")
EVERY_KIND = [(contract, kind) for contract in KINDS for kind in KINDS[contract]]
MUCH = 1 << 40
"""Bytes expected of a file that is worth any investment."""

TRACK = {"type": "track", "userId": "1", "event": "Registered", "timestamp": "2021-02-24T01:19:38.931Z", "email": "a@example.com", "properties": {"a": 1}}
IDENTIFY = {"type": "identify", "userId": "1", "traits": {"name": "Ada", "email": "a@example.com"}}


def dumped(payload):
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def is_clean(line, endpoint=BACKFILL):
    """What the contract says, who has the last word."""
    verdict = ENGINE.check(line, endpoint)
    return verdict.accepted and not verdict.warnings


def taught(*payloads, endpoint=BACKFILL):
    """A gate that has seen payloads often enough; only clean ones are ever shown to it."""
    made = Gate(endpoint)
    for payload in payloads:
        assert is_clean(dumped(payload), endpoint), payload
        for _ in range(OFTEN):
            made.learn(endpoint.kind or payload["type"], payload)
    made.renew()
    return made


def proves(made, line):
    """Whether a gate calls a line clean."""
    end = made.end(line + b"\n", 0)
    assert end in {0, len(line) + 1}
    return end > 0


@pytest.mark.parametrize(("contract", "kind"), EVERY_KIND)
def test_on(contract, kind):
    """The gate understands every schema file as it is: a keyword new to it would switch it off unseen."""
    assert set(Gate(Endpoint(contract)).kinds) == set(KINDS[contract])
    assert set(Gate(Endpoint(contract, kind)).kinds) == {kind}


@pytest.mark.parametrize("contract", KINDS)
def test_proves_examples(repo, contract):
    """Of the valid examples that bear no warning the gate proves most, once it knows their shapes."""
    proved = []
    for path in sorted((repo / "schemas" / "examples" / "valid" / contract).rglob("*.json")):
        example = json.loads(path.read_text("utf-8"))
        endpoint = Endpoint(contract, path.parent.name)
        if not example["warns"] and endpoint.kind in KINDS[contract]:
            proved.append(proves(taught(example["payload"], endpoint=endpoint), dumped(example["payload"])))
    assert len(proved) > 10
    assert sum(proved) / len(proved) > 0.6


def test_proves_corpus():
    """Of the good events of a steady program the gate proves nearly all."""
    lines = [line[:-1] for line in corpora.lines(3000)]
    made = Gate(BACKFILL)
    for line in lines:
        payload = orjson.loads(line)
        made.learn(payload["type"], payload)
    made.renew()
    assert sum(proves(made, line) for line in lines) > 0.99 * len(lines)


@pytest.mark.parametrize(
    "change",
    [
        lambda schema: schema.update(additionalProperties=False),
        lambda schema: schema.update(dependentRequired={"userId": ["email"]}),
        lambda schema: schema.update(allOf=[{"required": ["email"]}]),
        lambda schema: schema.update(type=["object", "array"]),
        lambda schema: schema["properties"]["userId"].update(maxLength=10),
        lambda schema: schema["properties"]["userId"].update(minLength=2),
        lambda schema: schema["properties"]["userId"].update(type=["string", "number"]),
        lambda schema: schema["properties"]["userId"].update(pattern="^[a-z]+$"),
        lambda schema: schema["properties"]["userId"]["x-warnings"].update(long={"maxLength": 10}),
        lambda schema: schema["properties"]["userId"]["x-warnings"]["placeholder"].update(maxLength=10),
        lambda schema: schema["properties"]["userId"]["x-warnings"]["placeholder"]["not"].update(type="string"),
        lambda schema: schema["properties"]["userId"]["x-warnings"].update(blank={"pattern": "[^ ]{2}"}),
        lambda schema: schema["properties"]["userId"]["x-warnings"]["blank"].update(pattern=r"[^\s]"),
        lambda schema: schema["properties"]["timestamp"].update(pattern=schema["properties"]["timestamp"]["pattern"].replace("T(", "T(?=.)(", 1)),
        lambda schema: schema["properties"]["timestamp"].update(pattern=schema["properties"]["timestamp"]["pattern"] + "|^$"),
        lambda schema: schema["properties"]["timestamp"].update({"not": {"pattern": "[^0-9]"}}),
        lambda schema: schema["properties"]["timestamp"]["not"].update(pattern="[^0-9T:.+-]"),
        lambda schema: schema["properties"]["timestamp"]["x-warnings"]["old"].update(pattern="^(?:20.*)-"),
        lambda schema: schema["properties"]["timestamp"]["x-warnings"]["old"].update(pattern="^(?:20[0-9]{2})-06"),
        lambda schema: schema["properties"]["email"]["x-warnings"]["not-an-email"].update(pattern="^[^@]+@[^@]+$|^x$"),
        lambda schema: schema["properties"]["email"]["x-warnings"]["not-an-email"].update(pattern=r"^\w+@[^@]+$"),
        lambda schema: schema["properties"]["email"]["x-warnings"]["not-an-email"].update(maxLength=10),
        lambda schema: schema["properties"]["email"]["x-warnings"]["not-an-email"]["not"].update(type="number"),
        lambda schema: schema["properties"]["properties"].update(minProperties=1),
        lambda schema: schema["properties"]["properties"].update({"x-warnings": {"empty": {"minProperties": 2}}}),
        lambda schema: schema["properties"]["properties"].update(properties={"plan": {"enum": ["a"]}}),
        lambda schema: schema["properties"]["type"].update(const=1),
        lambda schema: schema["properties"]["type"].update(enum=["track"]),
        lambda schema: schema["if"]["properties"]["anonymousId"].update(minLength=2),
        lambda schema: schema["if"]["properties"]["anonymousId"].update(pattern="^a"),
        lambda schema: schema["if"]["properties"].update(plan={"type": "string"}),
        lambda schema: schema["else"].update(properties={"userId": {"if": {"pattern": "^a"}, "then": False}}),
        lambda schema: schema["else"].update(minProperties=4),
    ],
)
def test_off(change):
    """A keyword that the gate does not know, or a use of one, switches it off for that kind: then every line goes the exact way."""
    schema = schemas.load("backfill", "track")
    assert Kind(schema).is_on
    change(schema)
    assert not Kind(schema).is_on


WHITE = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u200b\u2028\u2029\u202f\u205f\u3000\ufeff"
SMELLING = [
    *("null", "undefined", "None", "NaN", "[object Object]", "", " ", *WHITE, WHITE, " \u3000 "),
]


@pytest.mark.parametrize("text", SMELLING)
@pytest.mark.parametrize("member", ["userId", "event"])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_smelling_words(text, member, ascii_only):
    """No placeholder and no blank is proved, however it is written."""
    line = json.dumps({**TRACK, member: text}, ensure_ascii=ascii_only, separators=(",", ":")).encode()
    assert not is_clean(line)
    assert not proves(taught(TRACK), line)


@pytest.mark.parametrize("text", [r"\u006eull", r"nul\u006c", r"\u004eone", r"undefi\u006eed", r"[object\u0020Object]", r"\u00a0", r"\u0020", r"\u3000", r"\t"])
def test_smelling_escapes(text):
    """Nor is one that is spelt with escapes."""
    line = dumped({**TRACK, "userId": "@"}).replace(b'"@"', b'"' + text.encode() + b'"')
    assert not is_clean(line)
    assert not proves(taught(TRACK), line)


@pytest.mark.parametrize(
    "text", ["usr_1", "user", "9", "Nova 2", "new", "none", "nuller", "unsubscribed", "[x]", "Zoë", "é", "注文完了", "🙂", "a null", "~", "Wächter"]
)
def test_plain_words(text):
    """Ids and event names of all languages are proved, those too that begin as a placeholder does."""
    for ascii_only in (True, False):
        line = json.dumps({**TRACK, "userId": text}, ensure_ascii=ascii_only, separators=(",", ":")).encode()
        assert is_clean(line)
        assert proves(taught(TRACK), line)


@pytest.mark.parametrize(
    ("member", "bad"),
    [
        *[
            ("timestamp", text)
            for text in ("1970-01-01T00:00:00Z", "2004-12-31T23:59:59Z", "2021-02-29T00:00:00Z", "2021-13-01T00:00:00Z", "2021-01-01T24:00:00Z")
        ],
        *[
            ("timestamp", text)
            for text in ("2021-01-01T00:00:00+02:00", "2021-01-01T00:00:00z", "2021-01-01 00:00:00Z", "2021-01-01T00:00:00Z\n", "12021-01-01T00:00:00Z")
        ],
        *[("email", text) for text in ("ada", "ada@", "@b.co", "a@b", "a@b.", "a@.b", "a@@b.co", "a b@c.de", "a@b.co\u00a0", "Ada <a@b.co>", "")],
        *[("properties", json.loads(text)) for text in ("null", "[]", '"{}"', "1")],
        *[("userId", json.loads(text)) for text in ("null", "1", "true", "{}", "[]")],
    ],
)
def test_bad_values(member, bad):
    """No value is proved that June would refuse or that bears a warning."""
    line = dumped({**TRACK, member: bad})
    assert not is_clean(line)
    assert not proves(taught(TRACK), line)


@pytest.mark.parametrize("year", [2005, 2009, 2010, 2021, 2026, 2099])
def test_years(year):
    """Timestamps of all years that are not old are proved, up to 2099."""
    for day in ("01-01", "06-30", "12-31"):
        for clock in ("00:00:00Z", "23:59:59+00:00", "12:30:00.5Z", "12:30:00.123456789Z"):
            assert proves(taught(TRACK), dumped({**TRACK, "timestamp": f"{year}-{day}T{clock}"}))


def test_traits_email():
    """Of two emails in `traits` the last counts: neither may smell, however its name is spelt; a trait whose name only begins so may be anything."""
    made = taught(IDENTIFY)
    for traits in ('{"email":"x"}', '{"email":"a@b.co","email":"x"}', r'{"em\u0061il":"x"}', '{"email":null}', "{}", '{"email":5}'):
        line = dumped({**IDENTIFY, "traits": "@"}).replace(b'"@"', traits.encode())
        assert not proves(made, line)
    for traits in ('{"email_verified":1,"emails":["x"],"Email":"x"}', '{"email":"a@b.co"}', r'{"na\u006de":1}', r'{"\u00e9tat":1}'):
        line = dumped({**IDENTIFY, "traits": "@"}).replace(b'"@"', traits.encode())
        assert is_clean(line)
        assert proves(made, line)


def test_doubled_names():
    """A member that stands twice is never proved: which of them counts would have to be known."""
    line = dumped(TRACK)
    assert proves(taught(TRACK), line)
    assert not proves(taught(TRACK), line[:-1] + b',"userId":"2"}')
    assert not proves(taught(TRACK), b'{"type":"track",' + line[1:])


def test_order_and_names():
    """A shape is an order of names: another order, one more, one less or a name spelt otherwise is not proved."""
    made = taught(TRACK)
    assert not proves(made, dumped(dict(reversed(TRACK.items()))))
    assert not proves(made, dumped({**TRACK, "user_id": "1"}))
    assert not proves(made, dumped({**TRACK, "context": {}}))
    for name in TRACK:
        assert not proves(made, dumped({key: content for key, content in TRACK.items() if key != name}))
    assert not proves(made, dumped(TRACK).replace(b'"userId"', b'"user\\u0049d"'))


def test_hostile_names():
    """A name stands for itself, whatever a pattern would make of its characters."""
    name = '.*|)("\\[é ]^$'
    made = taught({**TRACK, name: 1})
    assert proves(made, json.dumps({**TRACK, name: 2}, separators=(",", ":")).encode())
    assert not proves(made, dumped({**TRACK, "x": 1}))
    assert not proves(made, dumped(TRACK))


def test_large_shapes():
    """Payloads of very many members, or of long names, make no pattern."""
    many = Gate(BACKFILL)
    for payload in ({**TRACK, **{f"member{index}": 1 for index in range(100)}}, {**TRACK, "x" * 1000: 1}):
        for _ in range(OFTEN):
            many.learn("track", payload)
    assert not many.is_stale


def test_bounded():
    """The gate learns so many shapes and no more, and ever new ones are forgotten."""
    made = Gate(BACKFILL)
    for index in range(2 * SHAPES):
        for _ in range(OFTEN):
            made.learn("track", {**TRACK, f"member{index}": 1})
    for index in range(3 * gate.SEEN):
        made.learn("track", {**TRACK, f"other{index}": 1})
    assert len(made._shapes) == SHAPES
    assert len(made._seen) <= gate.SEEN


def test_null_is_absent():
    """In sdk a member that is null makes a shape of its own: what may be null depends on what else is."""
    endpoint = Endpoint("sdk")
    known = {"type": "track", "anonymousId": "a", "userId": None, "event": "e", "timestamp": None}
    made = taught(known, endpoint=endpoint)
    assert proves(made, dumped({**known, "event": "f", "anonymousId": "b"}))
    for other in ({"anonymousId": None}, {"userId": "1"}, {"event": None}, {"timestamp": "2021-02-24T01:19:38.931Z"}):
        assert not proves(made, dumped({**known, **other}))


@pytest.mark.parametrize(
    "ranges", [patterns.CHARACTERS, patterns.ESCAPED, ((0x85, 0x85), (0x2000, 0x200B)), ((0, 0x7F),), ((0x7FF, 0x800),), ((0xFFFF, 0x10000),)]
)
def test_utf8(ranges):
    """A class of characters takes the UTF-8 of each of them, and of no other."""
    pattern = re.compile(patterns.utf8(ranges).encode("latin-1"))
    edges = [edge + step for pair in (*ranges, (0x80, 0x7FF), (0x800, 0xFFFF), (0xD7FF, 0xE000)) for edge in pair for step in (-1, 0, 1)]
    dice = random.Random(3)
    for point in {*edges, *(dice.randrange(0x110000) for _ in range(20_000))}:
        if 0 <= point < 0x110000 and not 0xD800 <= point <= 0xDFFF:
            assert bool(pattern.fullmatch(chr(point).encode())) == any(low <= point <= high for low, high in ranges), hex(point)


def test_utf8_refuses():
    """No bytes are taken for a character that are not UTF-8: no surrogate, nothing overlong, nothing beyond Unicode."""
    pattern = re.compile(patterns.CHARACTER.encode("latin-1"))
    dice = random.Random(4)
    heads = [*range(0x80, 0x100)]
    tails = [0x00, 0x22, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF]
    some = [bytes((head, *rest)) for head in heads for length in range(3) for rest in itertools.product(tails, repeat=length)]
    for raw in [*some, *(bytes((dice.choice(heads), *dice.choices(tails, k=3))) for _ in range(20_000))]:
        try:
            good = len(raw.decode()) == 1
        except UnicodeDecodeError:
            good = False
        assert bool(pattern.fullmatch(raw)) == good, raw


class Clock:
    """Processor time that goes on as it is told."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def pieces(lines, size=100):
    """Lines in pieces of so many."""
    return [b"".join(lines[at : at + size]) for at in range(0, len(lines), size)]


@pytest.mark.parametrize("bad", [0.0, 0.02, 0.5, 1.0])
@pytest.mark.parametrize("size", [1, 7, 500])
def test_same_lines(bad, size):
    """With the gate the very same lines are doubtful as without it, wherever it is asked."""
    lines = [*corpora.lines(4000, bad=bad, seed=size), *corpora.unsteady(500), b"\n", b" \r\n", b'{"type":"identify","userId":"1"}\r\n']
    exact, gated = ExactScan(ENGINE.quick(BACKFILL)), GatedScan(ENGINE.quick(BACKFILL), BACKFILL, MUCH)
    for piece in [b"".join(lines[:FIRST_LESSONS]), *pieces(lines, size)]:
        assert gated.scan(piece, piece.count(b"\n")) == exact.scan(piece)
    assert bad == 1.0 or gated._gate.knows


@pytest.mark.parametrize(("slowness", "least", "most"), [(50.0, 1.0, 1 + INVEST + RISK + 0.01), (1.3, 1.0, 1 + INVEST + RISK + 0.01), (0.3, 0.3, 0.45)])
def test_pays_back(monkeypatch, slowness, least, most):
    """A gate that is slower than the exact look costs a small share of the time and no more; one that is quicker is asked again and again."""
    clock = Clock()
    scan = GatedScan(ENGINE.quick(BACKFILL), BACKFILL, clock=clock)

    def costing(what, seconds):
        def doing(*given):
            clock.now += seconds
            return what(*given)

        return doing

    monkeypatch.setattr(scan._exact, "scan", costing(scan._exact.scan, 0.001))
    monkeypatch.setattr(scan, "_with_gate", costing(scan._with_gate, 0.001 * slowness))
    monkeypatch.setattr(scan, "_invest", costing(scan._invest, 0.0001))
    piece = b"".join(corpora.lines(50))
    count = 20_000
    for _ in range(count):
        scan.scan(piece)
    assert least <= clock.now / (0.001 * count) <= most


def test_without_re2(monkeypatch):
    """Without google-re2 every line goes the exact way; it is neither asked for nor missed."""
    assert isinstance(fast_scan(ENGINE, BACKFILL), GatedScan)
    monkeypatch.setattr(scan, "find_spec", lambda name: None)
    assert isinstance(fast_scan(ENGINE, BACKFILL), ExactScan)


def test_small_files(monkeypatch):
    """A small file never pays for the gate: RE2 is not even imported."""
    monkeypatch.setattr(Gate, "__init__", lambda self, endpoint: pytest.fail("made"))
    scan = fast_scan(ENGINE, BACKFILL, 100_000)
    for piece in pieces(list(corpora.lines(300))):
        scan.scan(piece)
