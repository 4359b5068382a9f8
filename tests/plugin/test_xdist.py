"""Under pytest-xdist: a server a worker, and no test sees another's calls."""

from __future__ import annotations

import json


def test_P4_forty_tests_under_four_workers(run, pytester):
    """40 tests under `-n 4`: each sees its own calls alone, and each worker has one server."""
    result = run(
        """
import os, pathlib, threading

@pytest.mark.parametrize("number", range(40))
def test_it(june, june_server, worker_id, number):
    senders = [threading.Thread(target=post, args=(june, {**TRACK, "userId": str(number), "messageId": str(place)})) for place in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert {event.payload["userId"] for event in june.events()} == {str(number)}
    june.assert_received("track", userId=str(number), count=4)
    june.assert_no_duplicates()
    with open(f"{worker_id}.urls", "a") as file:
        print(june_server.url, file=file)
""",
        *["-n", "4"],
        beside="xdist",
        process=True,
    )
    result.assert_outcomes(passed=40)
    by_worker = {path.stem: path.read_text("utf-8").split() for path in pytester.path.glob("*.urls")}
    assert sum(map(len, by_worker.values())) == 40
    assert len(by_worker) > 1
    assert all(len(set(urls)) == 1 for urls in by_worker.values())
    assert len({urls[0] for urls in by_worker.values()}) == len(by_worker)


def test_reports_and_journals_come_through(run, pytester):
    """Sections, colours and `--june-journal` work from the workers: each failed test has one whole file."""
    result = run(
        """
@pytest.mark.parametrize("number", range(8))
def test_it(june, number):
    for _ in range(number + 1):
        june.client.identify(userId=str(number))
    june.assert_received("identify", userId="none")
""",
        *["-n", "2", "--june-journal", "june", "--color=yes"],
        beside="xdist",
        process=True,
    )
    result.assert_outcomes(failed=8)
    assert "\x1b[31m    - 'none'\x1b[0m" in result.stdout.str()
    assert result.stdout.str().count("- june calls -") == 8
    files = sorted((pytester.path / "june").iterdir())
    assert [path.suffix for path in files] == [".jsonl"] * 8
    assert sorted(len(list(map(json.loads, path.read_text("utf-8").splitlines()))) for path in files) == [1, 2, 3, 4, 5, 6, 7, 8]
