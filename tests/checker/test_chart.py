from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_june.checker.reporters import chart as charts
from mock_june.checker.reporters.chart import Chart, chart
from mock_june.checker.statistics import Tally


def charted(*months: str, most: int = 1) -> Chart:
    """The chart of so many events in each of some months."""
    found = chart({month: Tally(accepted=most) for month in months})
    assert found is not None
    return found


def test_nothing():
    """Without dated events there is no chart."""
    assert chart({}) is None


def test_months():
    """Each month from the first to the last has a bar, an empty one too."""
    found = charted("2020-11", "2021-02")
    assert [bar.name for bar in found.bars] == ["November 2020", "December 2020", "January 2021", "February 2021"]
    assert [bar.tally.events for bar in found.bars] == [1, 0, 0, 1]


def test_years():
    """Of a long time each bar is a year; of a longer one the last years are drawn, and the others told."""
    found = charted("2000-01", "2021-02", "2021-03")
    assert (found.unit, len(found.bars), found.bars[-1].tally.events) == ("year", 22, 2)
    found = charted("0001-01", "0099-01", "2021-02")
    assert (len(found.bars), found.left_out) == (charts.MOST, 2)


@pytest.mark.parametrize(
    ("most", "labels"),
    [
        (1, ["0", "1"]),
        (7, ["0", "2", "4", "6", "8"]),
        (1234, ["0", "500", "1,000", "1,500"]),
        (60_000, ["0", "20k", "40k", "60k"]),
        (1_500_000, ["0", "500k", "1M", "1.5M"]),
    ],
)
def test_scale(most, labels):
    """The lines are at round numbers."""
    assert [tick.label for tick in charted("2021-01", most=most).up] == labels


@pytest.mark.parametrize(
    ("months", "labels"),
    [
        (("2021-02", "2021-04"), ["Feb 2021", "Mar", "Apr"]),
        (("2020-11", "2021-02"), ["Nov", "Dec", "2021", "Feb"]),
        (("2019-03", "2022-03"), ["Jul", "2020", "Jul", "2021", "Jul", "2022"]),
        (("1990-01", "2021-02"), ["1990", "1995", "2000", "2005", "2010", "2015", "2020"]),
    ],
)
def test_labels(months, labels):
    """Labels say which year it is, and keep to round numbers of months or years."""
    assert [tick.label for tick in charted(*months).across] == labels


def test_few():
    """A few events beside very many can be seen, and their bar is no higher than the chart."""
    found = chart({"2021-01": Tally(10**6), "2021-02": Tally(1), "2021-03": Tally(10**6 - 1, 1)})
    assert found is not None
    assert found.bars[1].accepted == charts.LEAST
    assert found.bars[2].refused == charts.LEAST
    assert found.bars[2].accepted + found.bars[2].refused <= 100


@given(
    st.dictionaries(
        st.dates().map(lambda day: f"{day:%Y-%m}".zfill(7)), st.builds(Tally, st.integers(1, 10**9), st.integers(0, 10**9)), min_size=1, max_size=40
    )
)
def test_fits(by_month):
    """Whatever the months, all bars and labels are within the chart, labels are few, and no event is lost."""
    found = chart(by_month)
    assert found is not None
    assert all(0 <= bar.accepted + bar.refused <= 100.0001 for bar in found.bars)
    assert len(found.across) <= charts.LABELS + 1
    assert 2 <= len(found.up) <= 6
    assert all(0 <= tick.at <= 100 for tick in (*found.across, *found.up))
    assert sum(bar.tally.events for bar in found.bars) + found.left_out == sum(tally.events for tally in by_month.values())
