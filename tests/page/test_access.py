"""The page with a keyboard, a screen reader, a phone, in either scheme."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.page.made import BAD_TRACK, GOOD_TRACK, Screen, calls, record
from tests.server.faces import FrontFace

AXE = Path(__file__).parent / "node" / "node_modules" / "axe-core" / "axe.min.js"
RUN = "async rules => (await axe.run(document, rules)).violations.map(found => `${found.id}: ${found.nodes.map(node => node.html.slice(0, 200)).join(' ; ')}`)"


@pytest.fixture
def fake(fake: FrontFace) -> FrontFace:
    """The fake with 40 calls, among them broken ones and one that is warned of."""
    record(fake, calls([{**(BAD_TRACK if number % 5 == 0 else GOOD_TRACK), "event": f"Event {number}"} for number in range(39)]))
    record(fake, calls([{**GOOD_TRACK, "event": "Warned", "user_id": "1"}]))
    return fake


def assert_open_to_all(screen: Screen, *rules: str) -> None:
    """Axe finds nothing, by all of its rules or by these alone."""
    if not screen.page.evaluate("() => 'axe' in window"):
        screen.page.evaluate(AXE.read_text("utf-8"))
    assert screen.page.evaluate(RUN, {"runOnly": list(rules)} if rules else {}) == []


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: `make test` does so where npm is")
class TestAxe:
    @pytest.mark.parametrize(("scheme", "rules"), [("light", []), ("dark", ["color-contrast"])])  # the schemes differ in their colours alone
    def test_it_finds_nothing(self, fake: FrontFace, make_screen: Any, scheme: str, rules: list[str]):
        """In the list, the detail, each dialog, and under a filter that is mistaken or that nothing holds."""
        # Its own rules are about what is there; that it is there needs a script, which the page's policy would not let in.
        screen = make_screen(fake, color_scheme=scheme, bypass_csp=True, expected=["400"])
        screen.until(lambda: screen.count() == 40)
        assert_open_to_all(screen, *rules)
        for name in ("Warned", "Event 0"):
            screen.page.evaluate("name => { document.querySelector('#list').scrollTop = name === 'Warned' ? 0 : 1e6 }", name)
            screen.open(name)
            assert_open_to_all(screen, *rules)
        screen.page.locator("#detail .how summary").first.click()
        screen.page.wait_for_selector("#detail .how pre")
        assert_open_to_all(screen, *rules)
        screen.page.click("#detail .close")
        for name in ("faults", "export", "reset", "help"):
            screen.page.click(f"#{name}-open")
            screen.page.wait_for_selector("#dialog[open] h2")
            assert_open_to_all(screen, *rules)
            screen.page.keyboard.press("Escape")
        for text in ("knid:track", "userId:nobody"):
            screen.page.fill("#search", text)
            screen.page.press("#search", "Enter")
            screen.page.wait_for_selector("#search-error:not(:empty), #empty:not([hidden])")
            assert_open_to_all(screen, *rules)

    def test_it_finds_nothing_on_a_phone_or_at_the_start(self, fake: FrontFace, make_fake: Any, make_screen: Any):
        """The narrow page, and the page with nothing on it, and then with one call."""
        phone = make_screen(fake, width=390, height=844, bypass_csp=True)
        phone.until(lambda: phone.count() == 40)
        assert_open_to_all(phone)
        new = make_screen(make_fake(), bypass_csp=True)
        assert_open_to_all(new)
        record(new.fake, calls([GOOD_TRACK]))
        new.until(lambda: new.count() == 1)
        assert_open_to_all(new)


class TestKeys:
    def test_the_list_is_read_by_keys(self, screen: Screen):
        """`j` and `k` choose, Enter opens, Escape closes; the detail follows the choice, and the focus comes back to the list."""
        page = screen.page
        screen.until(lambda: screen.count() == 40)
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("k")
        screen.until(lambda: page.locator(".row[aria-selected=true]").count() == 1)
        assert "Warned" in page.locator(".row[aria-selected=true]").inner_text()
        page.keyboard.press("Enter")
        screen.until(lambda: page.inner_text("#detail h2") == "Warned")
        assert page.evaluate("() => document.activeElement.id") == "detail"
        for _ in range(30):
            page.keyboard.press("j")
        screen.until(lambda: page.inner_text("#detail h2") == "Event 9")
        assert page.get_attribute("#list", "aria-activedescendant") == page.locator(".row[aria-selected=true]").get_attribute("id")
        assert page.locator(".row[aria-selected=true]").is_visible()
        page.keyboard.press("Escape")
        assert not page.is_visible("#detail")
        assert page.evaluate("() => document.activeElement.id") == "list"

    def test_the_rest_is_at_hand(self, screen: Screen):
        """`/` leads to the filter and Escape out of it, `?` opens the help, `p` pauses; in the field all of them are letters."""
        page = screen.page
        page.keyboard.press("/")
        page.keyboard.type("jkp?/")
        assert page.input_value("#search") == "jkp?/"
        page.keyboard.press("Escape")
        page.keyboard.press("p")
        assert page.get_attribute("#pause", "aria-pressed") == "true"
        page.keyboard.press("?")
        page.wait_for_selector("#dialog[open]")
        page.keyboard.press("Escape")
        page.wait_for_selector("#dialog", state="hidden")

    def test_everything_is_reached_by_tab(self, screen: Screen):
        """From the first link on, round through field, buttons, bars and the list."""
        page = screen.page
        screen.until(lambda: screen.count() == 40)
        seen = []
        for _ in range(40):
            page.keyboard.press("Tab")
            seen.append(page.evaluate("() => document.activeElement.id || document.activeElement.className || document.activeElement.innerText"))
        assert {"skip", "search", "workspace", "pause", "faults-open", "export-open", "reset-open", "help-open", "list"} <= set(seen)


def test_on_a_phone_nothing_is_cut_off(fake: FrontFace, make_screen: Any):
    """No part is wider than the screen; a detail takes all of it, and its cross leads back."""
    screen = make_screen(fake, width=390, height=844)
    screen.until(lambda: screen.count() == 40)
    assert screen.page.evaluate("() => document.documentElement.scrollWidth") == 390
    screen.open("Warned")
    box = screen.page.locator("#detail").bounding_box()
    assert (box["x"], box["width"]) == (0, 390)
    assert screen.page.evaluate("() => document.querySelector('#detail').scrollWidth") <= 390
    screen.page.click("#detail .close")
    assert not screen.page.is_visible("#detail")


INSIDE = """() => [...document.querySelectorAll('.row:not([hidden])')].every(row => {
    const own = row.getBoundingClientRect()
    return [...row.children].every(part => {
        const box = part.getBoundingClientRect()
        return box.height === 0 || (box.top >= own.top - 1 && box.bottom <= own.bottom + 1 && box.right <= own.right + 1)
    })
})"""


def test_rows_hold_their_parts(fake: FrontFace, make_screen: Any):
    """At any width, with and without an event open, every part of a row stands within it."""
    screen = make_screen(fake)
    screen.until(lambda: screen.count() == 40)
    for width in (390, 800, 1000, 1280, 1700):
        screen.page.set_viewport_size({"width": width, "height": 800})
        screen.page.wait_for_timeout(150)
        assert screen.page.evaluate(INSIDE), width
        screen.open("Warned")
        assert screen.page.evaluate(INSIDE), width
        screen.page.click("#detail .close")
