"""Whatever a payload says stays text (docs/explanation: the security model); rows C1 and J6 of the threat model."""

from __future__ import annotations

from tests.page.made import GOOD_TRACK, KEY, Screen
from tests.server.faces import FrontFace

MARKUP = '<img src=x onerror="window.hit=1"><svg onload="window.hit=2"></svg><script>window.hit=3</script>'
WORDS = [
    MARKUP,
    '"><b>x</b>',
    "javascript:window.hit=4",
    "{{7*7}}",
    "${window.hit=5}",
    "'-window.hit-'",
    "\u202eevil",
    "</title><style>*{display:none}</style>",
]


def test_C1_markup_stays_text(fake: FrontFace, screen: Screen):
    """In event names, ids, properties, paths, headers and keys, in the list, the detail, the bars and the copies: nothing runs, nothing is loaded."""
    requests: list[str] = []
    screen.page.on("request", lambda request: requests.append(request.url))
    for word in WORDS:
        fake.post(
            "/api/track",
            {**GOOD_TRACK, "event": word, "userId": word, "properties": {word: word}},
            key=KEY,
            headers={"User-Agent": word.encode("ascii", "replace").decode()},
        )
        fake.post("/api/track", {**GOOD_TRACK, "timestamp": word, word: 1}, key=KEY)
    fake.post("/api/<img/src=x/onerror=window.hit=6>", {}, key=KEY)
    fake.post("/api/group", {"type": "group", "groupId": MARKUP, "userId": [MARKUP]}, key=f"{MARKUP}-key")
    screen.until(lambda: screen.count() == 2 * len(WORDS) + 2)
    assert any(MARKUP in row for row in screen.rows())
    for row in range(6):
        screen.page.locator(".row").nth(row).click()
        screen.page.wait_for_selector("#detail:not([aria-busy]) .detail-head")
    screen.open(WORDS[0])
    screen.page.click("#detail >> text=curl")
    screen.page.locator("#detail .actions button", has_text="Timeline").first.click()
    screen.until(lambda: screen.count() >= 1)
    screen.page.click("#faults-open")
    screen.page.click("text=Plan it")
    screen.page.keyboard.press("Escape")
    assert screen.page.evaluate("() => window.hit") is None
    assert screen.page.evaluate("() => document.querySelectorAll('#list img, #detail img, #list b, #detail svg, script:not([src]), style').length") == 0
    assert {url.split("?")[0].rsplit("/", 1)[0] for url in requests if not url.startswith(fake.server.url)} == set()


def test_J6_odd_names_are_names(fake: FrontFace, screen: Screen):
    """`__proto__`, `constructor`, the empty name and NUL are members like any other, and change nothing of the page's own."""
    odd = rb'"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"":0,"\u0000":1'
    body = rb'{"type":"track","event":"Odd","userId":"1","email":"a@example.com","timestamp":"2021",' + odd + b"}"
    fake.post("/api/track", body, key=KEY)
    screen.until(lambda: screen.count() == 1)
    screen.open("Odd")
    lines = screen.page.locator("#detail .code").first.locator(".line").all_inner_texts()
    assert {'"__proto__": {', '"": 0,', r'"\u0000": 1'} <= set(lines)
    assert screen.page.evaluate("() => [({}).polluted, Object.prototype.polluted].every(value => value === undefined)")
    screen.page.click("#detail >> text=Python")


def test_C1_controls_and_bidirectional_marks_are_seen(fake: FrontFace, screen: Screen):
    """What would hide or turn text around is written as an escape, in rows too."""
    fake.post("/api/track", '{"type":"track","event":"a\u202eb\u0085c","userId":"1"}'.encode(), key=KEY)
    screen.until(lambda: screen.count() == 1)
    assert r"a\u202eb\u0085c" in screen.rows()[0]


def test_depth_and_length_do_no_harm(fake: FrontFace, screen: Screen):
    """A thousand levels and a value of megabytes are shown in part, on demand."""
    fake.post("/api/track", b'{"type":"track","event":"Deep","userId":"1","properties":' + b'{"a":' * 1000 + b"1" + b"}" * 1000 + b"}", key=KEY)
    fake.post("/api/track", {**GOOD_TRACK, "event": "Long", "properties": {"text": "x" * 3_000_000}}, key=KEY)
    screen.until(lambda: screen.count() == 2)
    screen.open("Long")
    assert "It has 3.0 MB" in screen.page.inner_text("#detail .notice")
    screen.page.click("text=Show its beginning")
    screen.until(lambda: "3,000,002 characters" in screen.page.inner_text("#detail"))
    screen.open("Deep")
    screen.page.click("text=further lines")
    screen.until(lambda: screen.page.locator("#detail .code").first.locator(".line").count() > 2000)
