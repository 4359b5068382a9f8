"""The backfill, held to June's contract by mock-june's fixture `june`: a fake June with a workspace of each test's own.

None of these tests asks whether a payload is right: one that is not fails its test by itself, with what was wrong.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from backfill import run
from backfill.june import JuneError
from backfill.progress import SourceChangedError
from backfill.rows import message_id
from mock_june.client import MockJune

DATA = Path(__file__).parent.parent / "data"
USERS, MEMBERS, EVENTS = 6, 4, 12
ALL = USERS + MEMBERS + EVENTS


@pytest.fixture
def backfill(june: MockJune, tmp_path: Path):
    """Runs the backfill against the test's June, with a state file of its own and hardly a pause."""

    def backfill(data: Path = DATA) -> int:
        return run(data, june.url, june.key, tmp_path / "state.json", page=5, pause=0.01)

    return backfill


def test_all_of_it_arrives(june, backfill):
    """Each user, company and event is sent once, and a second run sends nothing."""
    assert backfill() == ALL
    june.assert_received("identify", count=USERS)
    june.assert_received("group", count=MEMBERS)
    june.assert_received("track", count=EVENTS)
    june.assert_received("identify", userId="1", traits={"email": "ada@example.com", "plan": "pro"})
    june.assert_received("group", groupId="A", userId="2", traits={"name": "Analytical Engines"})
    june.assert_received("track", event="Plan Upgraded", userId="4", email="edsger@example.com", properties={"revenue": 49.9})
    june.assert_received("track", event="Pricing Viewed", anonymousId="visitor-7", count=1)
    june.assert_order(("identify", {"userId": "1"}), ("group", {"userId": "1"}), ("track", {"userId": "1"}))
    again = backfill()
    june.assert_no_duplicates()
    assert again == 0


@pytest.mark.parametrize(
    ("event", "moment"),
    [
        ("e1", "2021-02-24T01:19:38.931Z"),
        ("e2", "2021-03-01T23:00:00.000Z"),
        ("e3", "2021-03-14T09:26:53.000Z"),
        ("e9", "2022-01-01T04:59:59.000Z"),
    ],
)
def test_moments_are_utc(june, backfill, event, moment):
    """An event is dated in UTC, wherever its row was written."""
    backfill()
    june.assert_received("track", messageId=message_id("event", event), timestamp=moment)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_it_bears_failures(june, backfill, status):
    """What June could not take is sent again until it is taken."""
    june.fail(status, times=2, kind="track")
    backfill()
    june.assert_received("track", messageId=message_id("event", "e1"), count=1, attempts=3)
    june.assert_received("track", count=EVENTS)


def test_it_keeps_to_a_rate_limit(june, backfill):
    """Told to wait, it waits as long as it is told."""
    june.limit(ALL - 1, per=1)
    backfill()
    june.assert_received(count=ALL, attempts=ALL + 1)


def test_it_bears_a_broken_connection(june, backfill):
    """An answer that was lost means another try. June has the event twice then, and both under one id."""
    june.drop("reset", kind="track")
    backfill()
    june.assert_received("track", messageId=message_id("event", "e1"), count=2)
    june.assert_received("track", count=EVENTS + 1)


def test_it_goes_on_where_it_was_stopped(june, backfill):
    """A run that fails in the middle of a page is taken up by the next: nothing is missing, and nothing is there twice."""
    june.fail(500, times=None, after=12)
    with pytest.raises(JuneError, match="given up after 6 tries"):
        backfill()
    june.clear_faults()
    backfill()
    june.assert_no_duplicates()
    june.assert_received(count=ALL)


def test_a_row_that_june_refuses(june, backfill, tmp_path):
    """It ends the run, with what June says of it, and nothing is sent after it."""
    data = shutil.copytree(DATA, tmp_path / "data")
    events = data / "events.csv"
    events.write_text(events.read_text("utf-8").replace("e4,,visitor-7,", "e4,,,"), "utf-8")
    with pytest.raises(JuneError, match="anonymousId"):
        backfill(data)
    june.assert_rejected("track.anonymousId.*", count=1)
    june.assert_received("track", count=3)


def test_other_data(backfill, tmp_path):
    """A state file of other data is not taken for these."""
    backfill()
    data = shutil.copytree(DATA, tmp_path / "data")
    (data / "companies.csv").write_text("id,name,industry\nA,Another,none\nB,Other,none\n", "utf-8")
    with pytest.raises(SourceChangedError, match="remove it to begin anew"):
        backfill(data)


def test_as_a_program(june, tmp_path):
    """`python -m backfill` does it all, and says how much it sent."""
    command = [sys.executable, "-m", "backfill", str(DATA), "--state", str(tmp_path / "state.json")]
    june.fail(503)
    for said in (f"{ALL} sent\n", "0 sent\n"):
        ended = subprocess.run(command, cwd=DATA.parent, env=os.environ | june.env, capture_output=True, text=True, check=True)
        assert ended.stdout == said
    june.assert_received(count=ALL, attempts=ALL + 1)  # one was refused, and sent again
