"""A record of a hundred thousand calls, and a call of twenty thousand wrong events: the page stays light."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.page import made
from tests.page.made import KEY, Screen, record
from tests.server.faces import FrontFace, new_mock

MANY = 100_000
MEBIBYTE = 1 << 20

SCROLL = """
async ([pixels, milliseconds]) => {
    const list = document.querySelector('#list')
    const begun = performance.now()
    let frames = 0, worst = 0, last = begun
    while (performance.now() - begun < milliseconds) {
        list.scrollTop += pixels
        await new Promise(requestAnimationFrame)
        const now = performance.now()
        worst = Math.max(worst, now - last)
        last = now
        frames += 1
    }
    return {rate: frames * 1000 / (performance.now() - begun), worst, rows: document.querySelectorAll('.row').length}
}
"""


def heap(screen: Screen) -> int:
    """Bytes of JavaScript's heap in use, what is garbage cleared away."""
    session = screen.context.new_cdp_session(screen.page)
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    metrics: list[dict[str, Any]] = session.send("Performance.getMetrics")["metrics"]
    session.detach()
    return int(next(metric["value"] for metric in metrics if metric["name"] == "JSHeapUsedSize"))


@pytest.fixture(scope="module")
def many(browser: Any) -> Iterator[FrontFace]:  # the browser first: without one, nothing need be made
    """A fake with that many calls."""
    fake = FrontFace(new_mock())
    record(fake, made.many(MANY))
    yield fake
    fake.close()


class TestAHundredThousandCalls:
    def test_they_scroll_smoothly(self, many: FrontFace, make_screen):
        """Read through and flown through, above 30 frames a second, with as many elements as are in sight and no more memory than at the start."""
        screen = make_screen(many)
        screen.until(lambda: screen.count() == MANY)
        before = heap(screen)
        read = screen.page.evaluate(SCROLL, [60, 1500])
        flown = screen.page.evaluate(SCROLL, [20_000, 2000])
        assert min(read["rate"], flown["rate"]) > 30, (read, flown)
        assert max(read["rows"], flown["rows"]) < 80
        assert heap(screen) - before < 16 * MEBIBYTE

    def test_any_place_is_at_hand(self, many: FrontFace, make_screen):
        """The end and the middle of the list have what they should, newest first, none twice."""
        screen = make_screen(many)
        screen.until(lambda: screen.count() == MANY)
        for share in (1, 0.5):
            screen.page.evaluate(f"() => {{ const list = document.querySelector('#list'); list.scrollTop = list.scrollHeight * {share} }}")
            screen.page.wait_for_timeout(150)
            screen.until(lambda: screen.count() == MANY)
            shown = screen.page.evaluate("() => [...document.querySelectorAll('.row:not([hidden])')].map(row => [Number(row.ariaPosInSet), row.entry.call])")
            assert len(shown) > 20
            assert all(place + call == MANY + 1 for place, call in shown)
        assert screen.figure("calls") == "100,000"
        assert screen.figure("rejected") == "10,000"

    def test_under_a_filter_too(self, many: FrontFace, make_screen):
        """A rule that a tenth broke."""
        screen = make_screen(many, "?rule=*.timestamp.*")
        screen.until(lambda: screen.count() == MANY // 10)
        assert screen.page.evaluate(SCROLL, [5000, 1000])["rate"] > 30


def test_R3_a_heavy_call_is_never_fetched_whole(fake: FrontFace, make_screen):
    """Of a batch of twenty thousand wrong events, 20 MB and more as JSON, the list, a detail and the counts take less than one; an address leads to any."""
    fake.post("/sdk/batch", {"batch": [{"type": "track", "userId": number} for number in range(20_000)]}, key=KEY)
    screen = make_screen(fake)
    taken: list[int] = []
    screen.page.on("response", lambda answer: taken.append(int(answer.headers.get("content-length", 0))))
    screen.page.reload()
    screen.until(lambda: screen.count() == 20_000)
    screen.open("no event name")
    screen.page.wait_for_timeout(200)
    assert sum(taken) < MEBIBYTE
    assert "event 20000 of 20000" in screen.page.inner_text(".under")
    linked = make_screen(fake, "#event=3")
    linked.page.wait_for_selector("#detail .under")
    assert "event 3 of 20000" in linked.page.inner_text(".under")
