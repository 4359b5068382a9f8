"""Hold jsonschema-rs, which decides in mock-june, to jsonschema, the reference, over millions of mutated payloads: `python -m tools.agree --until 10000000`.

Both are given the schema files alone; the engine's rules and pointers must be those that the reference's errors name. A record says from which seed, how many
payloads and with which versions, and the next run goes on where it ends; other versions or other rules begin anew. Exit code 1: a disagreement, which is shown.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any, cast

import click
import jsonschema_rs
import orjson

from contract_tests.breaking import plain, shapes
from contract_tests.files import ENVELOPE, FOLDER, KINDS, Payload, judge, schema
from contract_tests.generator import with_slips
from contract_tests.rules import Broken, broken
from contract_tests.values import ODD_VALUES, TIMESTAMPS
from mock_june.contract import Engine
from mock_june.model import ContractName, Endpoint

RECORD = Path(__file__).parent.parent / "benchmarks" / "agreement.json"

CHUNK = 10_000
"""Payloads that are made from one seed: the record is written after each."""

STEPS = 3
"""How many times a payload is changed before another good one is taken: after the last, most are wrong in several places."""

TARGETS = [*((contract, kind) for contract, kinds in KINDS.items() for kind in kinds), ("sdk", ENVELOPE)]

ENGINE = Engine()


@dataclass(frozen=True, slots=True)
class Record:
    """What was tried without a disagreement: chunks 0 to `chunks` - 1 of `seed`, with these versions of what was compared."""

    seed: int
    chunks: int
    payloads: int
    wrong: int
    """How many of them break a rule."""
    seconds: float
    rules_hash: str
    jsonschema: str
    jsonschema_rs: str
    python: str

    @classmethod
    def new(cls, seed: int) -> Record:
        """One of nothing yet, for what is installed here."""
        python = ".".join(map(str, sys.version_info[:3]))
        return cls(seed, 0, 0, 0, 0.0, ENGINE.rules_hash, version("jsonschema"), version("jsonschema_rs"), python)

    def goes_on(self, other: Record) -> bool:
        """Whether another record, read from a file, is of the same seed, rules and validators."""
        names = ("seed", "rules_hash", "jsonschema", "jsonschema_rs")
        return all(getattr(self, name) == getattr(other, name) for name in names)


class DisagreementError(Exception):
    """The two differ on a payload."""


def payloads(seed: int, chunk: int, count: int) -> Iterator[tuple[str, str, Payload]]:
    """Contract, kind and payload: walks of slips from the good shapes of each kind. The same for the same numbers, always."""
    random = Random(f"{seed}.{chunk}")  # noqa: S311 -- dice, seeded on purpose
    made = 0
    while made < count:
        contract, kind = TARGETS[random.randrange(len(TARGETS))]
        for payload in _batches(random) if kind == ENVELOPE else _walk(contract, kind, random):
            if made == count:
                return
            made += 1
            yield contract, kind, payload


def _walk(contract: str, kind: str, random: Random) -> Iterator[Payload]:
    payload: Payload = random.choice(shapes(contract, kind))
    for _ in range(STEPS):
        payload = with_slips(payload, schema(contract, kind), random)
        if random.random() < 0.2:
            payload["timestamp"] = _moment(random)
        yield payload


def _batches(random: Random) -> Iterator[Payload]:
    for _ in range(STEPS):
        kinds = random.choices(KINDS["sdk"], k=random.randrange(4))
        some: list[Any] = [{**next(_walk("sdk", kind, random)), "type": kind} for kind in kinds]
        odd = random.random()
        if odd < 0.1:
            some.insert(random.randrange(len(some) + 1), random.choice(ODD_VALUES))
        yield {**plain("sdk", ENVELOPE), "batch": random.choice(ODD_VALUES) if odd > 0.95 else some}


def _moment(random: Random) -> str:
    """A moment or nearly one: any day from 0 to 32 of any month from 0 to 13, any clock time, any zone; or one of the odd ones that are known."""
    if random.random() < 0.2:
        return random.choice(TIMESTAMPS)
    date = f"{random.choice((random.randrange(10_000), 2000, 1900, 2024)):04}-{random.randrange(14):02}-{random.choice((random.randrange(33), 28, 29, 30)):02}"
    clock = f"{random.randrange(26):02}:{random.choice((random.randrange(62), 59)):02}:{random.choice((random.randrange(62), 60)):02}"
    fraction = random.choice(("", "", f".{random.randrange(10_000)}", "."))
    zone = random.choice(("Z", "Z", "+00:00", "", "z", f"{random.choice('+-')}{random.randrange(26):02}:{random.choice((0, 30, 45, 59, 60)):02}"))
    return f"{date}{random.choice('TTTTTTt ')}{clock}{fraction}{zone}"


@cache
def _rust(contract: str, kind: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(json.loads((FOLDER / contract / f"{kind}.json").read_text("utf-8")))


def compare(contract: str, kind: str, payload: Payload) -> bool:
    """Whether a payload keeps its schema, as both say. Raises DisagreementError where they do not say the same."""
    wanted = broken(contract, kind, payload)
    alone = judge(contract, kind).is_valid(payload) if kind == ENVELOPE else not wanted
    if _rust(contract, kind).is_valid(payload) is not alone:
        raise DisagreementError(f"jsonschema_rs says {not alone}, jsonschema {alone}")
    endpoint = Endpoint(cast("ContractName", contract), None, "batch") if kind == ENVELOPE else Endpoint(cast("ContractName", contract), kind)
    found = frozenset(Broken(each.rule, each.pointer) for each in ENGINE.check(_bytes(payload), endpoint).violations)
    if found != wanted:
        raise DisagreementError(f"the engine alone: {sorted(found - wanted)}; jsonschema alone: {sorted(wanted - found)}")
    return not wanted


def _bytes(payload: Any) -> bytes:
    try:
        return orjson.dumps(payload)
    except TypeError:  # a number beyond 64 bits
        return json.dumps(payload).encode()


def chunk_tried(record: Record) -> Record:
    """The record with the next chunk in it. Raises DisagreementError with all that is needed to see it again."""
    began = time.monotonic()
    wrong = 0
    for contract, kind, payload in payloads(record.seed, record.chunks, CHUNK):
        try:
            wrong += not compare(contract, kind, payload)
        except DisagreementError as error:
            raise DisagreementError(f"{contract}/{kind}: {error}; seed {record.seed}, chunk {record.chunks}:\n{json.dumps(payload)}") from None
    seconds = round(record.seconds + time.monotonic() - began, 1)
    return replace(record, chunks=record.chunks + 1, payloads=record.payloads + CHUNK, wrong=record.wrong + wrong, seconds=seconds)


@click.command(help=(__doc__ or "").partition("\n")[0])
@click.option("--until", default=1_000_000, show_default=True, type=click.IntRange(1), help="Payloads in all, those of earlier runs too.")
@click.option("--seed", default=1, show_default=True, help="Where the payloads come from.")
@click.option("--record", "path", default=RECORD, type=click.Path(path_type=Path, dir_okay=False), help="The file that says how far it went.")
def main(until: int, seed: int, path: Path) -> None:
    """Goes on until so many payloads are on record."""
    record = Record.new(seed)
    if path.exists():
        found = Record(**json.loads(path.read_text("utf-8")))
        record = found if record.goes_on(found) else record
    try:
        while record.payloads < until:
            record = chunk_tried(record)
            path.write_text(json.dumps(asdict(record), indent=2) + "\n", "utf-8")
    except DisagreementError as error:
        click.echo(error)
        sys.exit(1)
    click.echo(f"{record.payloads:,} payloads, {record.wrong:,} of them wrong, and no disagreement (seed {record.seed}, {record.seconds:.0f} s)")


if __name__ == "__main__":
    main()
