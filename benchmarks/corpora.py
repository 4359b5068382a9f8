"""Files of events, as a program that backfills writes them: a few shapes, each with its keys in its own order. The same seed gives the same bytes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Payload = dict[str, Any]

NAMES = ["Ada Lovelace", "Grace Hopper", "Zoë Müller", "李小龍", "Łukasz Żak", "Renée 🙂", "O'Neil", "João"]
EVENTS = ["Signed Up", "Dashboard Loaded", "Invoice Paid", "Project Created", "Élément ajouté", "Report Exported", "注文完了"]
KEYS = ["plan", "company", "role", "seats", "source", "city", "utm_campaign", "is_paying", "ltv", "locale", "referrer", "created_at"]
TEXTS = ["pro", "free", "admin", "web", "Zürich", "spring sale", "https://example.com/a?b=1", "東京", "line\nbreak", 'q"uote']
SHAPES = [random.Random(number).sample(KEYS, 3 + number % 8) for number in range(24)]  # noqa: S311 - no secret
"""Which keys a program sends in a bag, and in which order."""


def event(dice: random.Random) -> Payload:
    """An event that is good and bears no warning."""
    kind = dice.choices(["track", "identify", "group"], [0.75, 0.18, 0.07])[0]
    by_visitor = dice.random() < 0.2 and kind != "group"
    payload: Payload = {"type": kind}
    payload["anonymousId" if by_visitor else "userId"] = f"{dice.getrandbits(64):016x}" if by_visitor else f"usr_{dice.randrange(10**6)}"
    if kind != "track":
        if kind == "group":
            payload["groupId"] = f"acme-{dice.randrange(10**4)}"
        return {**payload, "traits": {"name": dice.choice(NAMES), **_bag(dice)}}
    payload |= {"event": dice.choice(EVENTS), "timestamp": _moment(dice), "properties": _bag(dice)}
    if not by_visitor:
        payload["email"] = f"user{dice.randrange(10**6)}@example.com"
    if dice.random() < 0.3:
        payload["context"] = {"ip": "203.0.113.7", "library": {"name": "backfill", "version": "1.2"}, "userAgent": "Mozilla/5.0 (X11; Linux x86_64)"}
    return payload


def _moment(dice: random.Random) -> str:
    day = f"{dice.randint(2019, 2025)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"
    return f"{day}T{dice.randrange(24):02}:{dice.randrange(60):02}:{dice.randrange(60):02}{dice.choice(['.931Z', 'Z', '.931123+00:00', '.5Z'])}"


def _bag(dice: random.Random) -> Payload:
    shape = SHAPES[min(int(dice.expovariate(0.2)), 23)]
    bag = {key: _value(dice) for key in shape}
    if dice.random() < 0.1:
        bag.pop(dice.choice(shape))
    return bag


def _value(dice: random.Random, depth: int = 0) -> Any:
    share = dice.random()
    if share < 0.45:
        return dice.choice(TEXTS)
    if share < 0.65:
        return dice.randrange(100_000)
    if share < 0.72:
        return round(dice.random() * 1000, 2)
    if share < 0.86:
        return dice.choice([True, False, None])
    if depth > 1:
        return "deep"
    if share < 0.94:
        return {dice.choice(KEYS): _value(dice, depth + 1) for _ in range(dice.randint(1, 3))}
    return [_value(dice, depth + 1) for _ in range(dice.randint(0, 3))]


SPOILERS: list[Callable[[Payload], Payload]] = [
    lambda good: {name: content for name, content in good.items() if name != "type"},
    lambda good: {**good, "type": good["type"].title()},
    lambda good: {**good, "userId": 42},
    lambda good: {**good, "userId": None},
    lambda good: {**good, "timestamp": "2021-02-30T00:00:00Z", "type": "track"},
    lambda good: {**good, "timestamp": "2021-02-24T01:19:38+02:00", "type": "track"},
    lambda good: {**good, "timestamp": 1614129578, "type": "track"},
    lambda good: {**good, "traits": [1], "type": "identify"},
    lambda good: {**good, "properties": None, "event": "", "type": "track"},
]
"""What goes wrong with payloads."""

CUTTERS: list[Callable[[str], str]] = [
    lambda text: f'{text[:-1]},"x":NaN}}',
    lambda text: text[: len(text) // 2],
    lambda text: f"{text[:-1]},}}",
    lambda text: f"[{text}]",
    lambda text: f'{text[:-1]},"x":"\\ud800"}}',
]
"""What goes wrong with their text."""


def lines(count: int, *, bad: float = 0.0, seed: int = 1) -> Iterator[bytes]:
    r"""Events as JSON Lines, each with its `\n`. `bad` is the share of those that June would refuse."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    for _ in range(count):
        payload = event(dice)
        spoil = dice.random() < bad
        if spoil and dice.random() < 0.65:
            yield _dump(dice, dice.choice(SPOILERS)(payload)).encode() + b"\n"
        elif spoil:
            yield dice.choice(CUTTERS)(_dump(dice, payload)).encode() + b"\n"
        else:
            yield _dump(dice, payload).encode() + b"\n"


def _dump(dice: random.Random, payload: Payload) -> str:
    return json.dumps(payload, ensure_ascii=dice.random() < 0.3, separators=(",", ":"))


def unsteady(count: int, *, seed: int = 1) -> Iterator[bytes]:
    """Good events whose members come in ever new orders, in bags that nest deeply: what a look at shapes cannot learn from."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    for _ in range(count):
        payload = event(dice)
        members = [*payload.items(), *((f"extra{dice.randrange(200)}", 1) for _ in range(3)), ("integrations", {"a": {"b": {"c": {"d": [1, 2]}}}})]
        dice.shuffle(members)
        yield _dump(dice, dict(members)).encode() + b"\n"


def write(path: Path, some: Iterator[bytes]) -> Path:
    """Lines put into a file."""
    with path.open("wb") as file:
        file.writelines(some)
    return path
