"""What comes is seen as it comes, and nothing is missed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import Any

import pytest

from mock_june.server.serving import Server, listen
from tests.page.made import BAD_TRACK, GOOD_TRACK, KEY, Screen
from tests.server.faces import IDENTIFY, FrontFace


def send(fake: FrontFace, count: int = 1, **members: Any) -> None:
    for _ in range(count):
        fake.post("/api/track", {**GOOD_TRACK, **members}, key=KEY)


class TestTheFirstCall:
    def test_a_snippet_works_as_it_stands(self, screen: Screen):
        """The lines for the shell and for Python, run as they are, are accepted; each call appears below them at once, until there are more."""
        page = screen.page
        assert page.is_visible("text=Nothing has come yet")
        shell, python = page.locator(".snippet pre").all_inner_texts()
        ran = subprocess.run([sys.executable, "-c", python], capture_output=True, text=True, timeout=20, check=True)
        assert json.loads(ran.stdout) == {"status": 200, "success": True}
        page.wait_for_selector(".row[data-state=accepted]", timeout=1500)
        assert page.is_visible("text=It has come: see below")
        row, lines = page.locator(".row").first.bounding_box(), page.locator("#empty").bounding_box()
        assert row["y"] >= lines["y"] + lines["height"]
        if shutil.which("curl"):
            ran = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, timeout=20, check=True)
            assert json.loads(ran.stdout) == {"status": 200, "success": True}
            screen.until(lambda: screen.count() == 2)
        send(screen.fake, 3)
        screen.until(lambda: screen.count() >= 4 and not page.is_visible("#empty"))
        screen.fake.mock.reset(None)
        screen.until(lambda: page.is_visible("text=Nothing has come yet"))

    def test_a_snippet_can_be_copied(self, screen: Screen):
        """The button beside a snippet puts its very text on the clipboard."""
        screen.page.locator(".snippet button").first.click()
        assert screen.clipboard() == screen.page.locator(".snippet pre").first.inner_text()

    def test_where_keys_are_given_the_snippets_name_none(self, make_fake, make_screen):
        """A fake that takes given keys alone does not show them: the snippets take the key from the environment."""
        fake = make_fake(["the-secret-key-of-ours"])
        screen = make_screen(fake)
        assert "the-secret-key" not in screen.page.content()
        _, python = screen.page.locator(".snippet pre").all_inner_texts()
        environment = {"JUNE_API_KEY": "the-secret-key-of-ours"}
        ran = subprocess.run([sys.executable, "-c", python], capture_output=True, text=True, timeout=20, check=True, env=environment)
        assert json.loads(ran.stdout)["success"]
        screen.until(lambda: screen.count() == 1)


class TestTheList:
    def test_what_comes_appears_at_the_top(self, fake: FrontFace, screen: Screen):
        """The newest event is the first row; the counters follow."""
        send(fake, event="Older")
        screen.until(lambda: screen.count() == 1)
        fake.post("/api/track", {**BAD_TRACK, "event": "Newer"}, key=KEY)
        screen.until(lambda: screen.count() == 2 and "Newer" in screen.rows()[0])
        assert "is a date without a time" in screen.rows()[0]
        screen.until(lambda: [screen.figure(name) for name in ("calls", "events", "accepted", "rejected")] == ["2", "2", "1", "1"])
        assert float(screen.figure("rate")) > 0

    def test_a_batch_is_unfolded(self, fake: FrontFace, screen: Screen):
        """Each event of a batch has a row of its own; those that kept their rules say that another one did not."""
        batch = [{"type": "track", "event": "One", "userId": "1"}, {"type": "track", "userId": "1"}, {"type": "identify", "userId": "1"}]
        fake.post("/sdk/batch", {"batch": batch}, key=KEY)
        screen.until(lambda: screen.count() == 3)
        three, two, one = screen.rows()
        assert "3 of 3" in three
        assert "refused with its call" in three
        assert "event is missing" in two
        assert "One" in one
        assert "1 of 3" in one

    def test_what_is_no_event_is_there_too(self, fake: FrontFace, screen: Screen):
        """A body that is no JSON, a wrong path and a call without a key each have a row."""
        fake.post("/api/track", b'{"type": ', key=KEY)
        fake.post("/api/nothing", {}, key=KEY)
        fake.post("/api/track", GOOD_TRACK)
        screen.until(lambda: screen.count() == 3)
        assert [row.rsplit(" | ", 1)[-1] for row in screen.rows()] == ["401", "404", "400"]

    def test_times_are_in_utc_with_the_local_one_on_hover(self, fake: FrontFace, screen: Screen):
        """A row shows the hour in UTC; its title has that of the browser's zone."""
        send(fake)
        screen.until(lambda: screen.count() == 1)
        time = screen.page.locator(".row time").first
        at = time.get_attribute("datetime")
        assert at.endswith("Z")
        assert time.inner_text() == at[11:23]
        local = (int(at[11:13]) + 9) % 24
        time.hover()
        assert f"{(local - 1) % 12 + 1}:{at[14:16]}:{at[17:19]}" in time.get_attribute("title")


class TestStandingStill:
    def test_paused_it_counts_what_comes(self, fake: FrontFace, screen: Screen):
        """While paused nothing moves, and a button says how many have come; resumed, they are there."""
        send(fake)
        screen.until(lambda: screen.count() == 1)
        screen.page.click("#pause")
        send(fake, 12)
        screen.until(lambda: screen.page.inner_text("#news") == "12 new")
        assert screen.count() == 1
        screen.page.click("#pause")
        screen.until(lambda: screen.count() == 13)
        assert not screen.page.is_visible("#news")

    def test_scrolled_down_it_stays_where_it_is(self, fake: FrontFace, screen: Screen):
        """What comes while one reads further down moves nothing; a click on how many are new leads to them."""
        send(fake, 60)
        screen.until(lambda: screen.count() == 60)
        screen.page.evaluate("() => { document.querySelector('#list').scrollTop = 900 }")
        screen.page.wait_for_timeout(100)
        before = screen.rows()
        send(fake, 3, event="Late")
        screen.until(lambda: screen.page.inner_text("#news") == "3 new")
        assert screen.rows() == before
        screen.page.click("#news")
        screen.until(lambda: screen.count() == 63 and "Late" in screen.rows()[0])

    def test_what_is_chosen_stays_chosen(self, fake: FrontFace, screen: Screen):
        """The row that is open stays marked while others come above it."""
        send(fake, event="Chosen")
        screen.until(lambda: screen.count() == 1)
        screen.open("Chosen")
        send(fake, 5)
        screen.until(lambda: screen.count() == 6)
        screen.until(lambda: screen.page.locator(".row[aria-selected=true]").count() == 1)
        assert "Chosen" in screen.page.locator(".row[aria-selected=true]").inner_text()


class TestReconnecting:
    def test_nothing_is_missed_while_the_server_was_away(self, fake: FrontFace, screen: Screen):
        """A server that ends and comes back over the same journal: what was recorded in between is there, once each; the page says meanwhile that it waits."""
        screen.expected = ["ERR_"]
        send(fake)
        screen.until(lambda: screen.count() == 1)
        port = fake.port
        fake.server.stop()
        screen.page.wait_for_selector("#state[data-state=lost]")
        assert screen.page.inner_text("#state") == "reconnecting"
        sock = listen("127.0.0.1", port)
        fake.server = Server(fake.mock, sock).start()
        send(fake, 4, event="Meanwhile")
        screen.page.wait_for_selector("#state[data-state=live]", timeout=15000)
        screen.until(lambda: screen.count() == 5)
        send(fake)
        screen.until(lambda: screen.count() == 6)
        assert sum("Meanwhile" in row for row in screen.rows()) == 4

    def test_it_goes_on_by_its_last_event_id(self, fake: FrontFace, screen: Screen):
        """When it connects again, it names the last call that it heard of."""
        screen.expected = ["ERR_"]
        asked: list[Any] = []
        screen.page.on("request", lambda request: asked.append(request.headers.get("last-event-id")) if "/_mock/stream" in request.url else None)
        send(fake, 3)
        screen.until(lambda: screen.count() == 3)
        port = fake.port
        fake.server.stop()
        fake.server = Server(fake.mock, listen("127.0.0.1", port)).start()
        screen.until(lambda: bool(asked), 15)
        assert asked[-1] == "3"

    @pytest.mark.parametrize("how", ["reset", "another journal"])
    def test_what_somebody_else_forgets_is_gone(self, fake: FrontFace, screen: Screen, make_fake, how):
        """A reset by another program, and a server that starts over with a new journal, empty the list."""
        send(fake, 3)
        screen.until(lambda: screen.count() == 3)
        if how == "reset":
            fake.mock.reset(None)
        else:
            screen.expected = ["ERR_"]
            port = fake.port
            fake.server.stop()
            other = make_fake()
            other.server.stop()
            fake.server = other.server = Server(other.mock, listen("127.0.0.1", port)).start()
        screen.until(lambda: screen.count() == 0 and screen.page.is_visible("text=Nothing has come yet"), 15)
        fake.post("/api/identify", IDENTIFY, key=KEY)
        screen.until(lambda: screen.count() == 1)
