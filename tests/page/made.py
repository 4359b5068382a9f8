"""A browser's page as a test speaks of it, and a record made straight in the journal."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from typing import Any

import orjson

from mock_june.contract import Engine
from mock_june.model import Call, ContractName, Endpoint, Event, Raw
from tests.server.faces import FrontFace

KEY = "a-key-of-the-page-tests"
GOOD_TRACK: dict[str, Any] = {"type": "track", "event": "Registered", "userId": "1", "email": "ada@example.com", "timestamp": "2021-02-24T01:19:38.931Z"}
BAD_TRACK: dict[str, Any] = {**GOOD_TRACK, "timestamp": "2021-02-24"}


class Screen:
    """The page of a fake in a browser's context. `troubles`: what its console had to complain of, but for what has a text of `expected` in it."""

    def __init__(self, context: Any, fake: FrontFace, address: str, expected: Iterable[str] = ()) -> None:
        self.context = context
        self.fake = fake
        self.troubles: list[str] = []
        self.expected = list(expected)
        self.page = context.new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.goto(f"{fake.server.url}/{address}")
        self.page.wait_for_selector("#state[data-state=live], #dialog[open], #search-error:not(:empty)")

    def _said(self, message: Any) -> None:
        if message.type in {"error", "warning"} and not any(part in message.text for part in self.expected):
            self.troubles.append(message.text)

    def rows(self) -> list[str]:
        """The texts of the rows in sight, from the top."""
        script = """() => [...document.querySelectorAll('.row:not([hidden])')].sort((a, b) => a.ariaPosInSet - b.ariaPosInSet)
                          .map(row => [...row.children].map(part => part.textContent).filter(Boolean).join(' | '))"""
        found: list[str] = self.page.evaluate(script)
        return found

    def count(self) -> int:
        """How long the list says that it is; -1 while rows in sight are still to come."""
        size = self.page.evaluate(
            "() => document.querySelector('.row.waits:not([hidden])') ? -1 : document.querySelector('.row:not([hidden])')?.ariaSetSize ?? 0"
        )
        return int(size)

    def figure(self, name: str) -> str:
        """A counter at the top."""
        text: str = self.page.inner_text(f".cell.{name} strong")
        return text

    def until(self, condition: Any, seconds: float = 8.0) -> None:
        """Waits until a condition holds; shows what was there instead."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"it did not come to be in time; the list has {self.count()}: {self.rows()[:5]}"
            self.page.wait_for_timeout(30)

    def open(self, text: str) -> None:
        """Opens the first row with this text."""
        self.page.locator(".row", has_text=text).first.click()
        self.page.wait_for_selector("#detail:not([aria-busy]) .detail-head")

    def clipboard(self) -> str:
        """What was copied."""
        text: str = self.page.evaluate("() => navigator.clipboard.readText()")
        return text


@cache
def engine() -> Engine:
    """The judge of what is made up here."""
    return Engine()


def calls(
    payloads: Iterable[dict[str, Any]],
    *,
    path: str = "/api/track",
    start: str = "2026-01-31T12:00:00+00:00",
    every: float = 0.02,
    workspace: str = "a-ke…0000000000",
) -> Iterator[Call]:
    """Calls with one event each, judged by the engine, one each `every` seconds."""
    first = datetime.fromisoformat(start)
    _, _, kind = path.rpartition("/")
    contract: ContractName = "backfill" if path.startswith("/api/") else "sdk"
    for number, payload in enumerate(payloads):
        body = orjson.dumps(payload)
        verdict = engine().check(body, Endpoint(contract, kind))
        at = (first + timedelta(seconds=number * every)).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event = Event(0, 0, at, "a-ke…", contract, kind, verdict.accepted, Raw(body), verdict.violations, verdict.warnings)
        status, code = (200, None) if verdict.accepted else (400, "invalid_payload")
        headers = (("content-type", "application/json"), ("authorization", "Basic a-ke…"))
        yield Call(
            id=0,
            at=at,
            workspace=workspace,
            method="POST",
            path=path,
            headers=headers,
            body=body,
            status=status,
            code=code,
            accepted=verdict.accepted,
            violations=verdict.violations,
            violations_total=len(verdict.violations),
            answer=b"" if verdict.accepted else b"{}",
            duration_ms=0.2,
            events=(event,),
        )


def many(count: int) -> Iterator[Call]:
    """So many calls, every tenth of them rejected, quickly made: they differ in their times alone."""
    good, bad = calls([GOOD_TRACK, BAD_TRACK])
    first = datetime.fromisoformat("2026-01-31T12:00:00+00:00")
    for number in range(count):
        moment = first + timedelta(milliseconds=20 * number)
        yield replace(bad if number % 10 == 0 else good, at=moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"))


def record(fake: FrontFace, made: Iterable[Call]) -> None:
    """Puts calls on record, a thousand a transaction."""
    made = iter(made)
    while some := list(islice(made, 1000)):
        fake.mock.journal.write_many(some)
