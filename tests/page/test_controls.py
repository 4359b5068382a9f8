"""What steers the fake: faults, reset, export, the token."""

from __future__ import annotations

import json
from pathlib import Path

import orjson

from tests.page.made import GOOD_TRACK, KEY, Screen, calls, record
from tests.server.faces import IDENTIFY, FrontFace


class TestFaults:
    def test_one_is_planned_seen_and_dropped(self, fake: FrontFace, screen: Screen):
        """The form plans what it says; the list says how often it has struck; a button drops it."""
        page = screen.page
        page.click("#faults-open")
        screen.until(lambda: "None is planned" in page.inner_text(".planned"))
        page.fill("#fault-retry_after", "2")
        page.select_option("#fault-kind", "track")
        page.fill("#fault-times", "3")
        page.click("text=Plan it")
        page.wait_for_selector(".planned strong")
        (planned,) = fake.mock.faults.planned(None)
        assert (planned.status, planned.retry_after, planned.kind, planned.times) == (503, 2, "track", 3)
        assert page.inner_text("#faults-count") == "1"
        page.select_option("#fault-does", "rate")
        page.click("text=Plan it")
        screen.until(lambda: page.locator(".planned strong").count() == 2)
        page.select_option("#fault-does", "drop")
        page.click("text=Plan it")
        screen.until(lambda: page.locator(".planned strong").count() == 3)
        page.keyboard.press("Escape")
        assert fake.post("/api/track", GOOD_TRACK, key=KEY).status == 503
        screen.until(lambda: screen.count() == 1)
        page.click("#faults-open")
        screen.until(lambda: "2 times more, on track; has struck 1 time" in page.inner_text(".planned"))
        page.locator(".planned button").first.click()
        screen.until(lambda: [fault.status for fault in fake.mock.faults.planned(None)] == [None, None])
        page.click("text=Drop all")
        screen.until(lambda: not fake.mock.faults.planned(None) and "None is planned" in page.inner_text(".planned"))

    def test_what_cannot_be_planned_is_said(self, fake: FrontFace, screen: Screen):
        """In the server's words."""
        screen.expected = ["400"]
        screen.page.click("#faults-open")
        screen.page.fill("#fault-status", "200")
        screen.page.click("text=Plan it")
        screen.until(lambda: "`status`" in screen.page.inner_text("#dialog .error"))
        assert fake.mock.faults.planned(None) == []

    def test_under_a_workspace_it_is_that_workspace_s(self, fake: FrontFace, make_screen):
        """It strikes there alone."""
        record(fake, calls([GOOD_TRACK], workspace="some…0123456789"))
        screen = make_screen(fake, "?workspace=some%E2%80%A60123456789")
        screen.page.click("#faults-open")
        screen.page.click("text=Plan it")
        screen.page.wait_for_selector(".planned strong")
        assert [fault.workspace for fault in fake.mock.faults.planned(None)] == ["some…0123456789"]


class TestReset:
    def test_it_is_asked_twice(self, fake: FrontFace, screen: Screen):
        """The question says what goes; only its own button does it, and the page is then as at the start."""
        fake.post("/api/identify", IDENTIFY, key=KEY)
        fake.plan(None, {"status": 503})
        screen.until(lambda: screen.count() == 1)
        screen.page.click("#reset-open")
        screen.until(lambda: "1 call with 1 event, and the planned faults" in screen.page.inner_text("#dialog"))
        screen.page.click("text=Keep them")
        assert fake.mock.journal.totals(None).calls == 1
        screen.page.click("#reset-open")
        screen.page.click("#dialog .danger")
        screen.until(lambda: screen.page.is_visible("text=Nothing has come yet"))
        assert fake.mock.journal.totals(None).calls == 0
        assert fake.mock.faults.planned(None) == []

    def test_under_a_workspace_only_that_goes(self, fake: FrontFace, make_screen):
        """What others have stays."""
        record(fake, calls([GOOD_TRACK], workspace="some…0123456789"))
        record(fake, calls([GOOD_TRACK, GOOD_TRACK]))
        screen = make_screen(fake, "?workspace=some%E2%80%A60123456789")
        screen.page.click("#reset-open")
        screen.page.click("#dialog .danger")
        screen.until(lambda: fake.mock.journal.totals(None).calls == 2)


class TestExport:
    def test_it_saves_what_the_filter_holds(self, fake: FrontFace, make_screen, tmp_path: Path):
        """JSON Lines with the payloads, HAR with the calls, of the filter in force."""
        record(fake, calls([GOOD_TRACK, {**GOOD_TRACK, "userId": "2"}]))
        screen = make_screen(fake, "?userId=2")
        screen.page.click("#export-open")
        for label, name in (("JSON Lines", "mock-june.jsonl"), ("HAR", "mock-june.har")):
            with screen.page.expect_download() as saved:
                screen.page.click(f"#dialog >> text={label}")
            assert saved.value.suggested_filename == name
            saved.value.save_as(tmp_path / name)
        assert [orjson.loads(line)["userId"] for line in (tmp_path / "mock-june.jsonl").read_bytes().splitlines()] == ["2"]
        assert len(json.loads((tmp_path / "mock-june.har").read_text("utf-8"))["log"]["entries"]) == 1


class TestTheToken:
    def test_where_one_is_wanted_the_page_asks_for_it(self, make_fake, make_screen, tmp_path: Path):
        """Once a tab; a wrong one is asked for again; what streams and what is saved then carries it, and no address does."""
        fake = make_fake(token="the-token")
        fake.post("/api/identify", IDENTIFY, key=KEY)
        screen = make_screen(fake, expected=["401"])
        page = screen.page
        page.fill("#token", "not it")
        page.keyboard.press("Enter")
        screen.until(lambda: "not the token" in page.inner_text("#token-error"))
        page.keyboard.press("Escape")
        page.fill("#token", "the-token")
        page.keyboard.press("Enter")
        screen.until(lambda: screen.count() == 1)
        fake.post("/api/identify", IDENTIFY, key=KEY)
        screen.until(lambda: screen.count() == 2)
        page.click("#export-open")
        with page.expect_download() as saved:
            page.click("#dialog >> text=JSON Lines")
        saved.value.save_as(tmp_path / "saved")
        assert len((tmp_path / "saved").read_bytes().splitlines()) == 2
        assert "the-token" not in page.url
        page.reload()
        screen.until(lambda: screen.count() == 2)
