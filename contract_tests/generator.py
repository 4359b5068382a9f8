"""Payloads out of the schema files: good ones, ones with slips, and batches of them, as Hypothesis strategies.

Built from whatever the schemas ask, so that a new rule is reached without a line here. What is right is never decided here: ask `jsonschema`.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from jsonschema import Draft202012Validator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from jsonschema import ValidationError

Schema = dict[str, Any]
Payload = dict[str, Any]

FOLDER = Path(__file__).parent.parent / "schemas"
"""The schema files stand beside this package, in a checkout and in a wheel."""

KINDS = {"backfill": ("identify", "group", "track"), "sdk": ("identify", "group", "track", "page", "screen", "alias")}

REPAIRS = 3
"""Rounds in which what a drawn payload lacks is put in: one for what is missing, one for what then misses something else, one to spare."""

ODD_CHARACTERS = "0123456789-+:.,;/ TtZz_\n\t\r\x00\x1b\x7f\x85\xa0\u0661\uff12\u200b\u2028\u202e\ufeff\ud7ff\U0001d7d8"
"""What breaks a pattern at its edges: neighbours of what it takes, other alphabets' digits, white space, what a terminal acts on."""

ODD_TEXTS = ("", " ", "\u3000", "0", "null", "undefined", "None", "NaN", "[object Object]", "true", "{}", "[]", "\xe9", "\ufffd", "a" * 300)
"""Texts that clients send by mistake."""

ODD_NUMBERS = (0, -0.0, 42, 1.5, 1614129578, 1614129578931, 2**53 + 1, 2**63, -(2**63) - 1, 2**64, 1e308)
ODD_VALUES: tuple[Any, ...] = (None, True, False, *ODD_NUMBERS, *ODD_TEXTS, [], {}, ["1"], [[]], {"id": "1"}, {"": None}, [None] * 30)

ODD_MEMBERS = ("plan", "id", "user", "name", "messageId", "writeKey", "", "__proto__", "\x00", "a/b", "m~n", "constructor")
"""Names of members that no contract asks about."""

NUMBERS = st.one_of(
    st.integers(-(2**64), 2**64),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(ODD_NUMBERS),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, st.sampled_from(ODD_TEXTS), st.text(max_size=20))
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=5)
"""Any JSON value, small."""


@cache
def schema(contract: str, kind: str, folder: Path = FOLDER) -> Schema:
    """One schema file, parsed. Do not change what it gives."""
    loaded: Schema = json.loads((folder / contract / f"{kind}.json").read_text("utf-8"))
    return loaded


@cache
def judge(contract: str, kind: str, folder: Path = FOLDER) -> Draft202012Validator:
    """What says whether a payload keeps a schema: the reference implementation, given the file and nothing else."""
    return Draft202012Validator(schema(contract, kind, folder))


@cache
def good(contract: str, kind: str, folder: Path = FOLDER) -> st.SearchStrategy[Payload]:
    """Payloads that keep the contract."""
    return _drawn(contract, kind, folder).filter(judge(contract, kind, folder).is_valid)


@cache
def slipped(contract: str, kind: str, folder: Path = FOLDER) -> st.SearchStrategy[Payload]:
    """Payloads with one to three slips: many broken, some merely odd."""
    asked = schema(contract, kind, folder)
    return st.tuples(good(contract, kind, folder), st.randoms()).map(lambda drawn: with_slips(drawn[0], asked, drawn[1]))


def payloads(contract: str, kind: str, folder: Path = FOLDER) -> st.SearchStrategy[Payload]:
    """Payloads of all sorts: two of three have a slip."""
    return st.one_of(good(contract, kind, folder), slipped(contract, kind, folder), slipped(contract, kind, folder))


def batches(folder: Path = FOLDER, most: int = 5) -> st.SearchStrategy[Payload]:
    """Envelopes of the sdk contract, some of whose items are no payloads."""
    typed = [payloads("sdk", kind, folder).map(lambda payload, kind=kind: {**payload, "type": kind}) for kind in KINDS["sdk"]]  # type: ignore[misc]
    items = st.one_of(*typed, *(payloads("sdk", kind, folder) for kind in KINDS["sdk"]), VALUES)
    return st.fixed_dictionaries({"batch": st.lists(items, max_size=most)}, optional={"sentAt": SCALARS, "writeKey": SCALARS, "context": VALUES})


@cache
def values(property_schema: str) -> st.SearchStrategy[Any]:
    """Values that one property's schema (given as JSON text) takes."""
    return _values(json.loads(property_schema))


def _values(asked: Schema) -> st.SearchStrategy[Any]:
    inner = {**asked, **asked.get("else", {})}
    if "const" in inner:
        return st.just(inner["const"])
    if "enum" in inner:
        return st.sampled_from(inner["enum"])
    types = inner.get("type", ["string"])
    types = [types] if isinstance(types, str) else types
    check = Draft202012Validator(asked)
    return st.one_of(*(_of_type(each, inner) for each in types)).filter(check.is_valid)


def _of_type(name: str, asked: Schema) -> st.SearchStrategy[Any]:
    if name == "string":
        return _texts(asked)
    if name == "object":
        optional = {member: _values(inner) | VALUES for member, inner in asked.get("properties", {}).items()}
        bags = st.dictionaries(st.text(max_size=8), VALUES, max_size=3)
        return st.tuples(bags, st.fixed_dictionaries({}, optional=optional)).map(lambda pair: {**pair[0], **pair[1]})
    if name == "array":
        return st.lists(VALUES, max_size=3)
    return {"null": st.none(), "boolean": st.booleans()}.get(name, NUMBERS)


def _texts(asked: Schema) -> st.SearchStrategy[str]:
    named = st.sampled_from([each for each in asked.get("examples", ()) if isinstance(each, str)] or ["x"])
    if "pattern" in asked:
        pattern: str = asked["pattern"]
        return named | st.from_regex(pattern)
    return named | st.sampled_from(ODD_TEXTS) | st.text(min_size=asked.get("minLength", 0), max_size=30)


def with_slips(payload: Payload, asked: Schema, random: Random) -> Payload:
    """A copy of a payload with one to three slips, such as programs make. A thousand times quicker than drawing one from a strategy."""
    changed = dict(payload)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        random.choice(SLIPS)(changed, asked["properties"], random)
    return changed


def _drop(payload: Payload, members: Schema, random: Random) -> None:
    payload.pop(random.choice(sorted(members)), None)


def _replace(payload: Payload, members: Schema, random: Random) -> None:
    payload[random.choice(sorted(members))] = random.choice(ODD_VALUES)


def _edit(payload: Payload, members: Schema, random: Random) -> None:
    """One or two characters put in, left out or replaced in a text; the case turned, the end cut."""
    texts = sorted(name for name, inner in members.items() if _takes_text(inner))
    name = random.choice(texts)
    text = payload.get(name)
    if not isinstance(text, str) or random.random() < 1 / 3:
        text = str(random.choice(members[name].get("examples", [name])))
    for _ in range(random.choice((1, 1, 2))):
        at = random.randrange(len(text) + 1)
        character = random.choice(ODD_CHARACTERS + 20 * "0123456789")
        text = random.choice(
            (text[:at] + character + text[at:], text[:at] + character + text[at + 1 :], text[:at] + text[at + 1 :], text[:at], text.swapcase())
        )
    payload[name] = text


def _misspell(payload: Payload, members: Schema, random: Random) -> None:
    name = random.choice(sorted(members))
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    forms = (snake, snake.replace("_", "-"), name.upper(), name.capitalize(), f"{name}s", name[:-1], name[0] + name, name[1] + name[0] + name[2:])
    payload[random.choice(forms)] = payload.pop(name, "1") if random.random() < 2 / 3 else "1"


def _add(payload: Payload, members: Schema, random: Random) -> None:
    del members
    payload[random.choice(ODD_MEMBERS)] = random.choice(ODD_VALUES)


def _deepen(payload: Payload, members: Schema, random: Random) -> None:
    """The same slips one level down, in an Object that the schema looks into."""
    inside = sorted(name for name, inner in members.items() if "properties" in inner)
    if inside:
        name = random.choice(inside)
        bag = dict(payload[name]) if isinstance(payload.get(name), dict) else {}
        random.choice((_drop, _replace, _edit))(bag, members[name]["properties"], random)
        payload[name] = bag


SLIPS = (_drop, _replace, _replace, _edit, _edit, _edit, _misspell, _add, _deepen)
"""Each changes a payload; what stands more than once happens more often."""


def _takes_text(asked: Schema) -> bool:
    inner = {**asked, **asked.get("else", {})}
    return "string" in inner.get("type", ["string"])


@st.composite
def _drawn(draw: st.DrawFn, contract: str, kind: str, folder: Path) -> Payload:
    """A payload with good values, repaired until the schema finds nothing missing."""
    asked = schema(contract, kind, folder)
    members = {name: values(json.dumps(inner)) for name, inner in asked["properties"].items()}
    required = asked.get("required", ())
    payload: Payload = draw(
        st.fixed_dictionaries(
            {name: members[name] for name in required},
            optional={name: each for name, each in members.items() if name not in required},
        )
    )
    for _ in range(REPAIRS):
        lacking = sorted({name for error in judge(contract, kind, folder).iter_errors(payload) for name in _lacking(error)})
        if not lacking:
            break
        for name in lacking:
            payload[name] = draw(members[name].filter(lambda value: value is not None))
    return payload


def _lacking(error: ValidationError) -> Iterator[str]:
    """The members that an error says are missing, or are null where that counts as missing."""
    if error.validator == "required":
        asked: Any = error.validator_value
        found: Any = error.instance
        yield from (name for name in asked if name not in found)
    elif error.absolute_path:
        yield str(error.absolute_path[0])
