"""The pictures of the docs: of a record made up for them, at a time that stands still. `make screenshots` puts them into docs/screenshots/."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mock_june.checker.suggesting import suggestions
from mock_june.model import Call
from tests.page.made import Screen, calls, record
from tests.server.faces import FrontFace

NOW = "2026-01-31T12:10:00Z"
SLIPS = {"userId": 1042, "timestamp": "2021-04-17 08:12:00"}
NAMES = ("Signed up", "Project created", "Invoice paid", "Teammate invited", "Report exported")
SCREENS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "width": 1600, "height": 940},
    "dark": {"color_scheme": "dark", "width": 1600, "height": 940},
    "phone": {"color_scheme": "light", "width": 390, "height": 844, "device_scale_factor": 2},
}


def story() -> Iterator[Call]:
    """Ten minutes of a backfill: it starts slowly, gathers way, and gets some things wrong on the way."""
    dice = random.Random(7)
    second = 0.0
    while second < 596:
        second += dice.expovariate(0.4 + second / 250)
        user = str(1000 + dice.randrange(60))
        who = {"userId": user, "timestamp": f"2021-0{dice.randrange(1, 10)}-1{dice.randrange(10)}T08:{dice.randrange(10, 60)}:00.000Z"}
        kind = dice.choices(["track", "identify", "group"], [8, 2, 1])[0]
        payload: dict[str, Any] = {"type": kind, **who}
        if kind == "track":
            payload |= {"event": dice.choice(NAMES), "email": f"ada{user}@example.com", "properties": {"plan": "pro", "seats": dice.randrange(1, 20)}}
        elif kind == "identify":
            payload["traits"] = {"name": "Ada Lovelace", "email": f"ada{user}@example.com"}
        else:
            payload |= {"groupId": f"acme-{int(user) % 7}", "traits": {"name": "Analytical Engines"}}
        slip = dice.random()
        if slip < 0.05:
            payload["timestamp"] = payload["timestamp"][:10]
        elif slip < 0.08:
            payload["timestamp"] = payload["timestamp"].replace("T", " ")[:-5]
        elif slip < 0.1:
            payload["userId"] = int(user)
        elif slip < 0.12 and kind == "track":
            payload["user_id"] = payload.pop("userId")
        elif slip < 0.14:
            payload["Timestamp"] = payload["timestamp"]
        yield placed(payload, second)
    for number, (event, more) in enumerate((("Project created", {}), ("Invoice paid", SLIPS), ("Signed up", {}), ("Invoice paid", {}))):
        good = {"type": "track", "event": event, "userId": "1042", "email": "ada1042@example.com", "timestamp": "2021-04-17T08:12:00.000Z"}
        yield placed({**good, "properties": {"plan": "pro", "seats": 12}, **more}, 598 + number / 4)


def placed(payload: dict[str, Any], second: float) -> Call:
    """A payload as a call at that second of the story."""
    (made,) = calls([payload], path=f"/api/{payload['type']}")
    return replace(made, at=f"2026-01-31T12:{int(second // 60):02}:{second % 60:06.3f}Z", workspace="june…5f1c09a2e7")


def picture(screen: Screen, name: str, tmp_path: Path) -> bytes:
    """What is on the screen, as PNG; into the docs where it is for them."""
    folder = Path(__file__).parents[2] / "docs" / "screenshots" if os.environ.get("MOCK_JUNE_SCREENSHOTS") else tmp_path
    folder.mkdir(exist_ok=True)
    taken: bytes = screen.page.screenshot(path=folder / f"{name}.png")
    return taken


@pytest.mark.parametrize("name", SCREENS)
def test_pictures(fake: FrontFace, make_screen: Any, tmp_path: Path, name: str):
    """Light and dark with an event open, and a phone with the list: each is a page with something on it."""
    fake.mock.suggest = suggestions
    record(fake, story())
    screen = make_screen(fake, **SCREENS[name], clock=NOW)
    screen.until(lambda: screen.count() > 100)
    if name != "phone":
        screen.open("+1 more")
        screen.page.wait_for_selector(".suggested")
    screen.page.mouse.move(0, 0)
    taken = picture(screen, name, tmp_path)
    width, height = (int.from_bytes(taken[at : at + 4]) for at in (16, 20))
    scale = SCREENS[name].get("device_scale_factor", 1)
    assert (width, height) == (SCREENS[name]["width"] * scale, SCREENS[name]["height"] * scale)
    assert len(taken) > 40_000
