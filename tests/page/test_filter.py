"""The filter is the control API's: in the search field, in the address, behind each bar."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.page.made import BAD_TRACK, GOOD_TRACK, Screen, calls, record
from tests.server.faces import GROUP, IDENTIFY, FrontFace


@pytest.fixture
def fake(fake: FrontFace) -> FrontFace:
    """The fake with 9 calls on record: 5 good tracks, 2 broken ones, an identify, a group; and one of another workspace."""
    record(fake, calls([{**GOOD_TRACK, "userId": str(number), "event": "Signed up"} for number in range(5)]))
    record(fake, calls([BAD_TRACK, {**GOOD_TRACK, "userId": 42}]))
    record(fake, calls([IDENTIFY], path="/api/identify"))
    record(fake, calls([GROUP], path="/api/group"))
    record(fake, calls([{**IDENTIFY, "userId": "other"}], path="/api/identify", workspace="anot…1111111111"))
    return fake


def asked(screen: Screen) -> dict[str, str]:
    """The filter in the address."""
    return dict(parse_qsl(urlsplit(screen.page.url).query))


def search(screen: Screen, text: str) -> None:
    screen.page.fill("#search", text)
    screen.page.press("#search", "Enter")


ASKED = [
    ("kind:track", {"kind": "track"}, 7),
    ("track rejected", {"kind": "track", "accepted": "false"}, 2),
    ("kind:track rule:*.timestamp.* userId:1 accepted:false", {"kind": "track", "rule": "*.timestamp.*", "userId": "1", "accepted": "false"}, 1),
    ('event:"Signed up" userId:3', {"event": "Signed up", "userId": "3"}, 1),
    ("path:/api/g*", {"path": "/api/g*"}, 1),
    ("groupId:A", {"groupId": "A"}, 1),
    ("userId:nobody", {"userId": "nobody"}, 0),
    ('event:"a \\"quoted\\" name"', {"event": 'a "quoted" name'}, 0),
]
MISTAKEN = [
    ("knid:track", "did you mean `kind`?"),
    ("kind:trakc", "`kind` must be one of"),
    ("Registered", "write event:Registered"),
    ("kind:track kind:page", "kind is given twice"),
    ("rule:" + "*" * 11, "at most 10 `*`"),
]


class TestTheSearchField:
    def test_what_is_written_is_asked(self, screen: Screen):
        """The terms stand in the address under the control API's names, and the list has what holds them all."""
        for text, terms, count in ASKED:
            search(screen, text)
            screen.until(lambda terms=terms, count=count: asked(screen) == terms and screen.count() == count)
            assert screen.page.input_value("#search") == text.replace("track rejected", "kind:track accepted:false")
            assert screen.page.is_visible("text=Nothing matches") == (count == 0)

    def test_what_cannot_be_asked_is_said(self, screen: Screen):
        """A mistake is told below the field, in the server's words where the server is asked; the next good filter takes it away."""
        screen.expected = ["400"]
        for text, said in MISTAKEN:
            search(screen, text)
            screen.until(lambda said=said: said in screen.page.inner_text("#search-error"))
            assert screen.page.get_attribute("#search", "aria-invalid") == "true"
            screen.page.wait_for_selector("#state[data-state=refused]")
        search(screen, "")
        screen.page.wait_for_selector("#state[data-state=live]")
        screen.until(lambda: screen.count() == 10)
        assert screen.page.inner_text("#search-error") == ""


class TestTheAddress:
    def test_it_opens_what_it_names(self, fake: FrontFace, make_screen):
        """An address with a filter and an event shows both, and the field has the filter's text."""
        screen = make_screen(fake, "?kind=track&accepted=false#event=6")
        screen.until(lambda: screen.count() == 2)
        assert screen.page.input_value("#search") == "kind:track accepted:false"
        screen.page.wait_for_selector("#detail .note")

    def test_back_and_forward_lead_through_filters(self, screen: Screen):
        """The browser's own buttons do."""
        search(screen, "kind:track")
        screen.until(lambda: screen.count() == 7)
        search(screen, "kind:group")
        screen.until(lambda: screen.count() == 1)
        screen.page.go_back()
        screen.until(lambda: screen.count() == 7 and screen.page.input_value("#search") == "kind:track")
        screen.page.go_forward()
        screen.until(lambda: screen.count() == 1)


class TestBars:
    def test_a_click_filters_and_one_more_does_not(self, screen: Screen):
        """Kinds, rules and the counters of accepted and rejected; those of the same sort go on to show what another choice would find."""
        page = screen.page
        page.click("#kinds >> text=group")
        screen.until(lambda: asked(screen) == {"kind": "group"} and screen.count() == 1)
        assert page.locator("#kinds button[aria-pressed=true]").inner_text().split() == ["group", "1"]
        assert page.locator("#kinds li").count() == 3
        page.click("#kinds >> text=group")
        screen.until(lambda: asked(screen) == {} and screen.count() == 10)
        page.click("#rules >> text=pattern")
        screen.until(lambda: asked(screen) == {"rule": "track.timestamp.pattern"} and screen.count() == 1)
        page.click(".cell.rejected")
        screen.until(lambda: asked(screen) == {"rule": "track.timestamp.pattern", "accepted": "false"})
        page.click(".cell.accepted")
        screen.until(lambda: asked(screen)["accepted"] == "true" and screen.count() == 0)

    def test_the_chart_says_what_it_shows(self, screen: Screen):
        """To those who do not see it."""
        assert "10 entries since 2026-01-31T12:00:00.000Z, 2 of them rejected; at most 10 in 1 s" in screen.page.get_attribute(".chart", "aria-label")


class TestWorkspaces:
    def test_one_is_chosen_by_its_masked_key(self, fake: FrontFace, screen: Screen):
        """The list then has its calls alone, whatever else comes."""
        page = screen.page
        page.focus("#workspace")
        screen.until(lambda: page.locator("#workspace option").count() == 3)
        name = page.locator("#workspace option").nth(1).get_attribute("value")
        assert name.startswith("anot…")
        page.select_option("#workspace", name)
        screen.until(lambda: asked(screen) == {"workspace": name} and screen.count() == 1)
        fake.post("/api/identify", IDENTIFY, key="a-third-long-key")
        record(fake, calls([IDENTIFY], path="/api/identify", workspace=name))
        screen.until(lambda: screen.count() == 2)
        search(screen, "userId:other")
        screen.until(lambda: asked(screen) == {"workspace": name, "userId": "other"} and screen.count() == 1)
