"""The page in a real browser: Debian's chromium, driven by Playwright. Without one of them these tests are skipped."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from tests.page.made import Screen
from tests.server.faces import FrontFace, new_mock

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker runs all of these, one after the other: a browser takes a whole processor."""
    for item in items:
        if "tests/page/" in item.nodeid:
            item.add_marker(pytest.mark.xdist_group("page"))


# Of the module, not of the session: while Playwright runs, its loop does, and no other test of this process could run one of its own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The browser."""
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("chromium is not installed")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield browser
        browser.close()


@pytest.fixture
def make_fake() -> Iterator[Callable[..., FrontFace]]:
    """Makes a fake with a journal of its own: `make_fake(keys, token=…)`."""
    made: list[FrontFace] = []

    def make(*args: Any, **options: Any) -> FrontFace:
        made.append(FrontFace(new_mock(*args, **options)))
        return made[-1]

    yield make
    for fake in made:
        fake.close()


@pytest.fixture
def fake(make_fake: Callable[..., FrontFace]) -> FrontFace:
    """A fake with nothing on record, which takes any key."""
    return make_fake()


@pytest.fixture
def make_screen(browser: Any, make_fake: Callable[..., FrontFace]) -> Iterator[Callable[..., Screen]]:  # which close after their pages
    """Opens the page of a fake: `make_screen(fake, "?kind=track", width=390)`; `clock` stands still. At the end, its console has no complaint."""
    opened: list[Screen] = []

    def make(
        fake: FrontFace, address: str = "", *, width: int = 1280, height: int = 800, expected: Sequence[str] = (), clock: str = "", **options: Any
    ) -> Screen:
        context = browser.new_context(viewport={"width": width, "height": height}, timezone_id="Asia/Tokyo", locale="en-US", **options)
        context.set_default_timeout(8000)
        if clock:
            context.clock.set_fixed_time(clock)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        opened.append(Screen(context, fake, address, expected))
        return opened[-1]

    yield make
    for screen in opened:
        screen.context.close()
    assert [trouble for screen in opened for trouble in screen.troubles] == []


@pytest.fixture
def screen(make_screen: Callable[..., Screen], fake: FrontFace) -> Screen:
    """The page of the fake."""
    return make_screen(fake)
