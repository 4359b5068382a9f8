"""One event or call, whole: what is wrong is marked where it is, and what is there can be taken along."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import Any

import orjson
import pytest

from mock_june import check
from mock_june.checker.suggesting import suggestions
from tests.page.made import BAD_TRACK, GOOD_TRACK, KEY, Screen
from tests.server.faces import FrontFace


@pytest.fixture
def shown(fake: FrontFace, make_screen: Any) -> Any:
    """Sends a call and opens its row: `shown(path, payload)`."""

    def show(path: str, payload: Any, text: str = "", **headers: str) -> Screen:
        fake.post(path, payload, key=KEY, headers=headers)
        screen = make_screen(fake)
        screen.until(lambda: screen.count() > 0)
        screen.open(text)
        return screen

    return show


class TestMarks:
    def test_a_wrong_member_is_marked_with_what_to_do(self, shown):
        """Its line is marked; message, hint and rule, in the server's words, follow it; on demand the example and the code that put it right."""
        screen = shown("/api/track", BAD_TRACK)
        found = check(BAD_TRACK, "track").violations[0]
        marked = screen.page.locator(".code .line[data-severity=error]")
        assert marked.all_inner_texts() == ['"timestamp": "2021-02-24"']
        note = screen.page.locator(".line[data-severity=error] + .note")
        assert found.message in note.inner_text()
        assert note.locator(".hint").inner_text() == found.hint.replace("`", "")
        assert note.locator(".rule").inner_text() == found.rule
        note.locator("summary").click()
        screen.until(lambda: "In Node" in note.inner_text())
        assert "Right" in note.inner_text()

    def test_a_correction_is_suggested_where_one_can_be_meant(self, fake: FrontFace, shown):
        """Beside what it puts right, as `mock-june check --fix` would do it, and why."""
        fake.mock.suggest = suggestions
        screen = shown("/api/track", {**GOOD_TRACK, "userId": 42, "timestamp": 1614129578, "Email": "x"})
        screen.until(lambda: screen.page.locator(".suggested").count() == 2)
        assert screen.page.locator(".suggested").all_inner_texts() == [
            'Suggested: Make it "userId": "42" (a number made a String)',
            'Suggested: Make it "timestamp": "2021-02-24T01:19:38Z" (epoch seconds written as a time)',
        ]

    def test_a_missing_member_is_marked_where_it_would_stand(self, shown):
        """In the object that lacks it, and said to be missing."""
        screen = shown("/api/group", {"type": "group", "traits": {"a": [1, {"b": None}]}})
        lines = screen.page.locator(".code").first.locator(".line").all_inner_texts()
        absent = [line for line in lines if "missing" in line]
        assert absent == ['"groupId": missing', '"userId": missing']
        assert lines[-3:] == [*absent, "}"]

    def test_a_warning_is_marked_too(self, shown):
        """Of an accepted event, in its own colour."""
        screen = shown("/api/track", {**GOOD_TRACK, "user_id": "1"})
        assert screen.page.locator(".line[data-severity=warning]").inner_text() == '"user_id": "1"'
        assert screen.page.locator(".verdict").inner_text() == "200 · accepted, with a warning"

    def test_a_body_that_is_no_json_says_so(self, shown):
        """As it came, with what is wrong above it."""
        screen = shown("/api/track", b'{"type": "track", ')
        assert "body.json" in screen.page.inner_text("#detail .note")
        assert screen.page.inner_text("pre.code") == '{"type": "track", '

    def test_the_payload_is_shown_as_it_came(self, shown):
        """Duplicate members, long numbers, odd names and escapes stand as they were sent; the last of duplicates is the one that counts."""
        traits = rb'{"n":123456789012345678901234567890,"__proto__":{"x":1},"":"e","t":"\u0041\n\u202e"}'
        body = rb'{"type":"identify","userId":1,"userId":2,"o":{},"l":[],"traits":' + traits + b"}"
        screen = shown("/api/identify", body)
        lines = screen.page.locator(".code").first.locator(".line").all_inner_texts()
        assert [line for line in lines if "userId" in line] == ['"userId": 1,', '"userId": 2,']
        assert '"n": 123456789012345678901234567890,' in lines
        assert '"__proto__": {' in lines
        assert '"": "e",' in lines
        assert r'"t": "\u0041\n\u202e"' in lines
        assert {'"o": {},', '"l": [],'} <= set(lines)
        assert screen.page.locator(".line[data-severity=error]").inner_text() == '"userId": 2,'


class TestTheCall:
    def test_the_request_and_the_answer_are_there(self, shown):
        """Headers with the key masked, method and path, status, code and how long it took."""
        screen = shown("/api/track", BAD_TRACK, **{"X-Trace": "abc"})
        text = screen.page.inner_text("#detail")
        assert "POST /api/track" in text
        assert "Basic a-ke…" in text
        assert "x-trace" in text
        assert "400 invalid_payload after" in text
        assert '"errors_total": 1' in text
        assert KEY not in screen.page.content()

    def test_an_event_of_a_batch_names_its_place(self, shown):
        """And that it was refused for another's sake."""
        screen = shown("/sdk/batch", {"batch": [{"type": "track", "event": "Fine", "userId": "1"}, {"type": "track", "userId": "1"}]}, "Fine")
        assert "event 1 of 2" in screen.page.inner_text(".under")
        assert "Refused with its call" in screen.page.inner_text(".notice")

    def test_a_call_that_met_a_fault_says_which(self, fake: FrontFace, shown):
        """In its row and in its detail."""
        fake.plan(None, {"status": 503, "retry_after": 1})
        screen = shown("/api/track", GOOD_TRACK, "answered 503")
        assert screen.page.inner_text(".notice.fault") == "A planned fault met this call: answered 503"


class TestCopies:
    def test_as_curl_it_comes_again(self, fake: FrontFace, shown):
        """The line, run in a shell, sends the very same body, quotes and all."""
        body = json.dumps({**GOOD_TRACK, "properties": {"note": 'it\'s $HOME `x` \\ "y" é'}}, ensure_ascii=False).encode()
        screen = shown("/api/track", body)
        screen.page.click("text=curl")
        if not shutil.which("curl"):
            pytest.skip("curl is not installed")
        subprocess.run(["sh", "-c", screen.clipboard() + " -s"], check=True, timeout=20, capture_output=True)
        assert fake.last().id == 2
        assert fake.last().body == body

    @pytest.mark.parametrize("body", [b"@secret.txt", "\x1b[201~\x03\r50 % of 'it' \\n \x00 \u202e \x9b é".encode(), b"\xef\xbb\xbf{}"])
    def test_C2_as_curl_nothing_acts(self, fake: FrontFace, shown, tmp_path, body):
        """What a stranger sent is sent again as it came: no file is read that it names, and no character reaches the terminal that the line is put into."""
        (tmp_path / "secret.txt").write_text("a secret of this machine")
        screen = shown("/api/track", body)
        screen.page.click("text=curl")
        line = screen.clipboard()
        assert not set(line) & set("\x1b\x03\r\x00\u202e\x9b")
        if not shutil.which("curl"):
            pytest.skip("curl is not installed")
        subprocess.run(["sh", "-c", line + " -s"], check=True, timeout=20, capture_output=True, cwd=tmp_path)
        assert fake.last().id == 2
        assert fake.last().body == body

    def test_as_python_it_comes_again(self, fake: FrontFace, shown):
        """The script, run, sends the same payload: None, True, nested and odd strings too."""
        payload = {**GOOD_TRACK, "properties": {"none": None, "yes": [True, False, 1.5, -3], "text": 'a "b" \\ \n 😀 \u2028', "": {}}}
        screen = shown("/api/track", payload)
        screen.page.click("#detail >> text=Python")
        subprocess.run([sys.executable, "-c", screen.clipboard()], check=True, timeout=20, capture_output=True)
        assert fake.last().id == 2
        assert orjson.loads(fake.last().body) == payload

    def test_as_a_test_it_passes(self, fake: FrontFace, shown):
        """The assertion, run against a record with that event, holds; it compares every member, under whatever name."""
        from mock_june.client import MockJune

        payload = {**GOOD_TRACK, "class": 1, "odd name": [None, {"x": True}], "properties": {"plan": "pro"}}
        screen = shown("/api/track", payload)
        screen.page.click("#detail >> text=pytest")
        code = screen.clipboard()
        names: dict[str, Any] = {}
        exec(compile(code, "<copied>", "exec"), names)
        with MockJune(fake.server.url, KEY) as june:
            names["test_it_arrives"](june)
            fake.mock.reset(None)
            fake.post("/api/track", {**payload, "class": 2}, key=KEY)
            with pytest.raises(AssertionError):
                names["test_it_arrives"](june)

    def test_a_refused_one_is_a_test_of_its_refusal(self, fake: FrontFace, shown):
        """By its rule."""
        from mock_june.client import MockJune

        screen = shown("/api/track", BAD_TRACK)
        screen.page.click("#detail >> text=pytest")
        names: dict[str, Any] = {}
        exec(compile(screen.clipboard(), "<copied>", "exec"), names)
        with MockJune(fake.server.url, KEY) as june:
            names["test_it_is_refused"](june)


class TestTimelines:
    def test_one_click_leads_to_all_of_a_user(self, fake: FrontFace, shown):
        """Or of a company: whatever was said of them, of any kind, and nothing else; as it happened, whenever it came."""
        fake.post("/api/identify", {"type": "identify", "userId": "7", "timestamp": "2022-01-01T00:00:00.000Z"}, key=KEY)
        fake.post("/api/group", {"type": "group", "userId": "7", "groupId": "acme"}, key=KEY)
        fake.post("/api/group", {"type": "group", "userId": "8", "groupId": "acme"}, key=KEY)
        screen = shown("/api/track", {**GOOD_TRACK, "userId": "7"})
        screen.page.click("text=Timeline of user 7")
        screen.until(lambda: screen.count() == 3 and "userId=7" in screen.page.url)
        assert screen.page.locator(".timeline .kind").all_inner_texts() == ["track", "identify", "group"]
        assert screen.page.locator(".timeline h3").all_inner_texts()[:2] == ["2021-02-24", "2022-01-01"]
        screen.page.locator(".timeline button").first.click()
        screen.until(lambda: screen.page.inner_text("#detail h2") == "Registered")
        screen.open("company acme")
        screen.page.click("text=Timeline of company acme")
        screen.until(lambda: screen.count() == 2 and "groupId=acme" in screen.page.url)
