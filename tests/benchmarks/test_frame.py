"""The benchmarks' frame: goals, tables, bars, the load. The figures themselves are for `make bench`."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from benchmarks import chart, load, report
from benchmarks.__main__ import main
from benchmarks.payloads import BROKEN, GOOD, batch
from benchmarks.peers import Prism, WireMock
from benchmarks.servers import BenchError, MockJune, Running, check
from benchmarks.table import Goal, Row, Setting
from mock_june.model import Filter
from tests.server.faces import FrontFace, new_mock

TWICE = Goal(2, "Prism")


@pytest.fixture(scope="module")
def face() -> Iterator[FrontFace]:
    """A fake of this process."""
    face = FrontFace(new_mock())
    yield face
    face.close()


@pytest.fixture
def server(face: FrontFace) -> Running:
    """The same as the benchmarks see one."""
    return Running("mock-june", face.port, 0)


def row(*, more_is_better: bool = True, goal: Goal = TWICE, **values: list[float]) -> Row:
    """A row of ours (`ours`) and Prism's (`prism`) values."""
    return Row("calls/s", "1/s", more_is_better, (goal,), values={"mock-june": values["ours"], **({"Prism": values["prism"]} if "prism" in values else {})})


@pytest.mark.parametrize(
    ("one", "kept"),
    [
        (row(ours=[1, 20, 3], prism=[1.5]), True),
        (row(ours=[1, 20, 2.9], prism=[1.5]), False),
        (row(ours=[3]), None),
        (row(ours=[3], goal=Goal(3)), True),
        (row(ours=[3], goal=Goal(2.9), more_is_better=False), False),
        (row(ours=[0], goal=Goal(0), more_is_better=False), True),
    ],
)
def test_a_goal_is_held_to_medians(one: Row, kept: bool | None):
    """Our median is held to the goal, of a peer's median where it names one; without that peer nothing is said."""
    assert one.kept(one.goals[0]) is kept


def test_the_page_shows_what_was_reached():
    """The table has the ratio, the medians and the lowest and highest round; a goal that is missed stands out."""
    rows = [row(ours=[10, 30, 20], prism=[5]), row(ours=[9], prism=[5]), row(ours=[9])]
    page = report.markdown(rows, Setting([MockJune()]), "python -m benchmarks")
    assert "| calls/s | ≥ 2 x Prism | 4.00 x Prism | yes |" in page
    assert "| calls/s | ≥ 2 x Prism | 1.80 x Prism | **no** |" in page
    assert "| calls/s | ≥ 2 x Prism | not measured |  |" in page
    assert "| calls/s (1/s) | 20 [10 to 30] | 5 |" in page


def test_the_chart_is_svg():
    """The bars are well-formed SVG: one for each server, the longest for the largest value."""
    tree = ET.fromstring(chart.svg([row(ours=[20], prism=[5])]))
    lengths = [int(bar.attrib["width"]) for bar in tree.iter("{http://www.w3.org/2000/svg}rect")]
    assert len(lengths) == 2
    assert lengths[0] == pytest.approx(4 * lengths[1], abs=4)


def test_servers_as_they_are_installed_and_at_their_best():
    """Goals are measured against peers as they come; at its best none is left out that is faster for leaving something off."""
    setting = Setting([MockJune(), MockJune(uvloop=False), Prism(), Prism(quiet=True), WireMock(), WireMock(journal=False)])
    assert [kind.name for kind in setting.usual] == ["mock-june", "mock-june without uvloop", "Prism", "WireMock"]
    assert [kind.name for kind in setting.best] == ["mock-june", "Prism, silent", "WireMock", "WireMock, no journal"]


def test_what_does_not_validate_is_not_measured(server: Running, monkeypatch: pytest.MonkeyPatch):
    """A server must answer good calls 200 and refuse a broken one before it is measured."""
    check(server)
    monkeypatch.setattr("benchmarks.servers.BROKEN", GOOD[0])
    with pytest.raises(BenchError, match="does not validate"):
        check(server)
    monkeypatch.setattr("benchmarks.servers.GOOD", [BROKEN])
    with pytest.raises(BenchError, match="400 to a good call"):
        check(server)


def test_our_own_load(face: FrontFace, server: Running):
    """The load of our own sends what it counts: each request is answered, measured, and on record."""
    face.mock.journal.delete(None)
    done = load.own(server, [*GOOD, batch(0, 3)], 4, count=40)
    assert (done.answers, done.wrong) == (40, 0)
    assert 0 < done.p50 <= done.p99
    assert face.mock.journal.totals(None)[:2] == (40, 60)


def test_our_own_load_ends_in_time(server: Running):
    """A load lasts as long as it should."""
    assert 0.1 < load.own(server, GOOD, 2, seconds=0.2).seconds < 2


def test_answers_that_are_no_200_end_the_benchmark(server: Running, monkeypatch: pytest.MonkeyPatch):
    """What is refused is never counted as fast."""
    monkeypatch.setattr(load, "WRK", None)
    assert load.own(server, [BROKEN], 2, count=6).wrong == 6
    with pytest.raises(BenchError, match="no 200"):
        load.press(server, [BROKEN], 2, 0.1)


@pytest.mark.skipif(load.WRK is None, reason="wrk is not installed")
def test_wrk(face: FrontFace, server: Running):
    """What wrk sends are the same calls, all good, and its result is read."""
    face.mock.journal.delete(None)
    done = load.press(server, [*GOOD, batch(0, 3)], 2, 1)
    assert done.wrong == 0
    assert done.rate > 0
    for kind in ("identify", "group", "track"):
        assert face.mock.journal.count_events(Filter(kind=kind, accepted=True), most=1)
    assert face.mock.journal.totals(None).rejected == 0


def test_a_figure_that_is_none():
    """A name that is no figure's is refused with those that are."""
    result = CliRunner().invoke(main, ["speed"])
    assert result.exit_code == 2
    assert "calls" in result.output
    assert "memory" in result.output
