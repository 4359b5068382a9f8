"""Payloads out of the schema files: good ones, ones with slips, and batches of them, as Hypothesis strategies.

Built from whatever the schemas ask, so that a new rule is reached without a line here. What is right is never decided here: ask `jsonschema`.
"""

from __future__ import annotations

import json
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from .files import FOLDER, KINDS, Payload, Schema, judge, schema
from .values import BOUNDARIES, ODD_CHARACTERS, ODD_MEMBERS, ODD_NUMBERS, ODD_TEXTS, ODD_VALUES, TIMESTAMPS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from jsonschema import ValidationError

__all__ = ["FOLDER", "KINDS", "batches", "good", "good_batches", "judge", "payloads", "schema", "slipped", "values", "with_slips"]

REPAIRS = 3
"""Rounds in which what a drawn payload lacks is put in: one for what is missing, one for what then misses something else, one to spare."""

WHOLE_NUMBERS = st.integers(-(2**63), 2**64 - 1)
"""Those that 64 bits hold, with a sign or without: more, some JSON libraries do not write."""

NUMBERS = st.one_of(
    WHOLE_NUMBERS,
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([number for number in ODD_NUMBERS if isinstance(number, float) or -(2**63) <= number < 2**64]),
)


@cache
def any_values(alphabet: str | None = None) -> st.SearchStrategy[Any]:
    """Any JSON value, small. Texts are of the letters of `alphabet`; None: of any."""
    texts = st.text(max_size=20) if alphabet is None else st.text(alphabet, max_size=20)
    names = st.text(max_size=8) if alphabet is None else st.text(alphabet, max_size=8)
    odd = [text for text in ODD_TEXTS if alphabet is None or set(text) <= set(alphabet)]
    scalars = st.one_of(st.none(), st.booleans(), NUMBERS, st.sampled_from(odd), texts)
    return st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=5)


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


@cache
def typed(contract: str, kind: str, folder: Path = FOLDER) -> st.SearchStrategy[Payload]:
    """Good payloads that say themselves of which kind they are, as those in a batch must."""
    return good(contract, kind, folder).map(lambda payload: {**payload, "type": kind})


def good_batches(folder: Path = FOLDER, most: int = 5) -> st.SearchStrategy[Payload]:
    """Envelopes of the sdk contract with good messages."""
    messages = st.one_of(*(typed("sdk", kind, folder) for kind in KINDS["sdk"]))
    sent = st.sampled_from(("2021-02-24T01:19:38.931Z", "2021-02-24T01:19:38+00:00"))
    return st.fixed_dictionaries({"batch": st.lists(messages, min_size=1, max_size=most)}, optional={"sentAt": sent})


def batches(folder: Path = FOLDER, most: int = 5) -> st.SearchStrategy[Payload]:
    """Envelopes of the sdk contract, some of whose items are no payloads."""
    said = [payloads("sdk", kind, folder).map(lambda payload, kind=kind: {**payload, "type": kind}) for kind in KINDS["sdk"]]  # type: ignore[misc]
    items = st.one_of(*said, *(payloads("sdk", kind, folder) for kind in KINDS["sdk"]), any_values())
    scalars = any_values().filter(lambda value: not isinstance(value, list | dict))
    return st.fixed_dictionaries({"batch": st.lists(items, max_size=most)}, optional={"sentAt": scalars, "writeKey": scalars, "context": any_values()})


@cache
def values(property_schema: str, alphabet: str | None = None) -> st.SearchStrategy[Any]:
    """Values that one property's schema (given as JSON text) takes, in the letters of `alphabet`; None: in any."""
    return _values(json.loads(property_schema), alphabet)


def _values(asked: Schema, alphabet: str | None) -> st.SearchStrategy[Any]:
    inner = {**asked, **asked.get("else", {})}
    check = Draft202012Validator(asked)
    if "const" in inner or "enum" in inner:
        named = [inner["const"]] if "const" in inner else inner["enum"]
        return st.sampled_from([value for value in (*named, None) if check.is_valid(value)])
    return st.one_of(*(_of_type(each, inner, alphabet) for each in types_of(inner))).filter(check.is_valid)


def types_of(asked: Schema) -> list[str]:
    """The types that a schema takes, as a list. Without a word on it: a text."""
    types: str | list[str] = asked.get("type", ["string"])
    return [types] if isinstance(types, str) else types


def _of_type(name: str, asked: Schema, alphabet: str | None) -> st.SearchStrategy[Any]:
    if name == "string":
        return _texts(asked, alphabet)
    if name == "object":
        return _objects(asked, alphabet)
    if name == "array":
        inner = _values(asked["items"], alphabet) if "items" in asked else any_values(alphabet)
        return st.lists(inner, max_size=min(3, asked.get("maxItems", 3)))
    if name in {"number", "integer"}:
        return _numbers(name, asked)
    return {"null": st.none(), "boolean": st.booleans()}.get(name, NUMBERS)


def _objects(asked: Schema, alphabet: str | None) -> st.SearchStrategy[Payload]:
    members: Schema = asked.get("properties", {})
    required = asked.get("required", ())
    optional = {name: _values(inner, alphabet) | any_values(alphabet) for name, inner in members.items() if name not in required}
    needed = {name: _values(members.get(name, {}), alphabet) for name in required}
    names = st.text(max_size=8) if alphabet is None else st.text(alphabet, max_size=8)
    bags = st.dictionaries(names, any_values(alphabet), max_size=3)
    return st.tuples(bags, st.fixed_dictionaries(needed, optional=optional)).map(lambda pair: {**pair[0], **pair[1]})


def _numbers(name: str, asked: Schema) -> st.SearchStrategy[Any]:
    """Multiples of what the schema asks, or whole numbers, within its bounds; exclusive ones are left to the check."""
    step = asked.get("multipleOf", 1)
    bounds = (asked.get("minimum", asked.get("exclusiveMinimum")), asked.get("maximum", asked.get("exclusiveMaximum")))
    lowest, highest = (None if bound is None else int(bound // step) for bound in bounds)
    drawn = st.integers(lowest, highest).map(lambda number: number * step)
    return drawn if name == "integer" else drawn | NUMBERS


def _texts(asked: Schema, alphabet: str | None) -> st.SearchStrategy[str]:
    named = st.sampled_from([each for each in asked.get("examples", ()) if isinstance(each, str)] or ["x" * asked.get("minLength", 1)])
    if "pattern" in asked:
        pattern: str = asked["pattern"]
        check = Draft202012Validator(asked)
        moments = [st.sampled_from(good) for good in ([each for each in some if check.is_valid(each)] for some in (BOUNDARIES, TIMESTAMPS)) if good]
        drawn = st.from_regex(pattern) if alphabet is None else st.from_regex(pattern, alphabet=st.characters(codec="ascii"))
        return st.one_of(named, *moments, drawn)
    least, most = asked.get("minLength", 0), asked.get("maxLength", 30)
    if alphabet is None:
        return named | st.sampled_from(ODD_TEXTS) | st.text(min_size=least, max_size=max(least, most))
    return named | st.text(alphabet, min_size=least, max_size=max(least, most))


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
    texts = sorted(name for name, inner in members.items() if "string" in types_of({**inner, **inner.get("else", {})}))
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


def _drawn(contract: str, kind: str, folder: Path) -> st.SearchStrategy[Payload]:
    """Payloads with good values, repaired until the schema finds nothing missing."""
    asked = schema(contract, kind, folder)
    members = {name: values(json.dumps(inner)) for name, inner in asked["properties"].items()}
    required = asked.get("required", ())
    optional = {name: each for name, each in members.items() if name not in required}
    # Made once: a strategy that is made anew in each draw costs more than the draw.
    repairs = {name: each.filter(_is_there) for name, each in members.items()}
    return _repaired(st.fixed_dictionaries({name: members[name] for name in required}, optional=optional), repairs, judge(contract, kind, folder))


def _is_there(value: Any) -> bool:
    return value is not None


@st.composite
def _repaired(draw: st.DrawFn, drawn: st.SearchStrategy[Payload], repairs: dict[str, st.SearchStrategy[Any]], check: Draft202012Validator) -> Payload:
    payload: Payload = draw(drawn)
    for _ in range(REPAIRS):
        lacking = sorted({name for error in check.iter_errors(payload) for name in _lacking(error)})
        if not lacking:
            break
        for name in lacking:
            payload[name] = draw(repairs[name])
    return payload


def _lacking(error: ValidationError) -> Iterator[str]:
    """The members that an error says are missing, or are null where that counts as missing."""
    if error.validator == "required" and not error.absolute_path:
        asked: Any = error.validator_value
        found: Any = error.instance
        yield from (name for name in asked if name not in found)
    else:
        yield from map(str, islice(error.absolute_path, 1))
