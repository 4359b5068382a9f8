"""What a failed test shows: the nearest events and what differs, in pytest's own style, its calls beside it, and kept where `--june-journal` says."""

from __future__ import annotations

import json
import re

import pytest

FAILS = """
def test_it(june):
    june.client.identify(userId="1", traits={"plan": "pro", "seats": 3})
    june.assert_received("identify", userId="1", traits={"plan": "free"})
"""


def journals(pytester) -> dict[str, list]:
    """What `--june-journal june` kept: by the test's name, the calls."""
    found = {}
    for path in sorted((pytester.path / "june").iterdir()):
        name = re.fullmatch(r"(.*)-[0-9a-f]{8}\.jsonl", path.name)
        assert name is not None
        found[name[1]] = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return found


class TestFailure:
    def test_what_differs(self, run):
        """The nearest event is shown with what differs, where the test asked for it, without a frame of ours."""
        result = run(FAILS)
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(
            [
                '>       june.assert_received("identify", userId="1", traits={"plan": "free"})',
                "E       mock_june.errors.NotReceivedError: no accepted identify events with userId='1', traits={'plan': 'free'} came; wanted at least 1",
                "E       nearest:",
                "E         event 1 (call 1), identify, accepted",
                "E           /traits/plan",
                "E           - 'free'",
                "E           + 'pro'",
                "",
                "test_it.py:*: NotReceivedError",
            ],
            consecutive=True,
        )

    def test_the_diff_is_coloured(self, run):
        """Where pytest has colours, `-` is red and `+` green, as in its own diffs."""
        out = run(FAILS, "--color=yes").stdout.str()
        assert "\x1b[31m    - 'free'\x1b[0m" in out
        assert "\x1b[32m    + 'pro'\x1b[0m" in out

    @pytest.mark.skipif(pytest.version_tuple[:2] < (8, 4), reason="older ones colour such a text as if it were Python")
    def test_failing_members_are_coloured(self, run):
        """A rejected payload's failing members are red."""
        out = run("def test_it(june): post(june, WRONG)", "--color=yes").stdout.str()
        assert "\x1b[31;1m    > userId: 1\x1b[0m" in out

    def test_without_colours_there_are_none(self, run):
        """Elsewhere, and without a terminal plugin, the text is plain."""
        assert "\x1b" not in run(FAILS, "--color=no").stdout.str()
        run(FAILS, "-p", "no:terminal", process=True)


class TestSection:
    def test_a_failed_tests_calls(self, run):
        """The section `june calls` has a line a call: when, what, the answer, the fault, the rules."""
        result = run("""
def test_it(june):
    june.fail(503)
    post(june, TRACK), post(june, WRONG), post(june, {"batch": [{"type": "identify", "userId": "1"}, TRACK]}, path="/sdk/batch")
    raise ValueError
""")
        result.stdout.fnmatch_lines(
            [
                "*- june calls -*",
                "1  [0-2]?:??:??.???  POST /api/track  503  track  fault *",
                "2  * POST /api/track  400  track  track.userId.type",
                "3  * POST /sdk/batch  200  identify, track",
            ]
        )

    def test_no_calls(self, run):
        """That nothing came is said."""
        run("def test_it(june): raise ValueError").stdout.fnmatch_lines(["*- june calls -*", "none"])

    def test_a_passed_test_has_none(self, run):
        """A test that passed, or asked for no fixture, has no such section."""
        result = run("def test_it(june): post(june, TRACK)\ndef test_other(): raise ValueError", "-rA")
        result.assert_outcomes(passed=1, failed=1)
        result.stdout.no_fnmatch_line("*june calls*")

    def test_it_is_in_the_junit_report(self, run, pytester):
        """The section goes where the report goes."""
        run(FAILS, "--junitxml=report.xml", "-o", "junit_logging=all").assert_outcomes(failed=1)
        assert "NotReceivedError" in (pytester.path / "report.xml").read_text("utf-8")

    def test_a_fake_that_has_gone(self, run):
        """When the calls cannot be read any more, the test's own failure is shown all the same."""
        result = run("""
def test_it(june, june_server):
    june_server.stop()
    raise ValueError("the test's own")
""")
        result.stdout.fnmatch_lines(["*ValueError: the test's own", "*- june calls -*", "they cannot be read: *"])


class TestJournal:
    TESTS = """
import os

@pytest.mark.parametrize("name", ["a/b", "a-b", "ü", pytest.param("x", id="x" * 300)])
def test_fails(june, name):
    post(june, {**TRACK, "event": name})
    assert os.path.exists("fixed")

def test_rejected(june):
    post(june, WRONG if not os.path.exists("fixed") else TRACK)

def test_passes(june):
    post(june, TRACK)
"""

    def test_each_failed_tests_calls_are_kept(self, run, pytester):
        """`--june-journal DIR` has one file of JSON Lines for each failed test, the calls in the control API's form, even where names look alike."""
        run(self.TESTS, "--june-journal=june").assert_outcomes(failed=4, passed=2, errors=1)
        files = list((pytester.path / "june").iterdir())
        assert len(files) == 5
        kept = journals(pytester)
        assert set(kept) == {"test_it.py-test_fails-a-b", "test_it.py-test_fails-xfc", "x" * 120, "test_it.py-test_rejected"}
        [call] = kept["test_it.py-test_rejected"]
        assert (call["status"], call["violations"][0]["rule"], call["events"][0]["payload"]["userId"]) == (400, "track.userId.type", 1)
        assert {json.loads(path.read_text("utf-8"))["events"][0]["payload"]["event"] for path in files if "test_fails" in path.name} >= {"a/b", "a-b"}

    def test_it_tells_of_the_last_run(self, run, pytester):
        """Run again, a test that passes now has no file any more, and nothing is there twice."""
        run(self.TESTS, "--june-journal=june")
        run(self.TESTS, "--june-journal=june", "-k", "rejected").assert_outcomes(passed=1, errors=1, deselected=5)
        assert [len(calls) for calls in journals(pytester).values()] == [1, 1, 1, 1]
        pytester.path.joinpath("fixed").touch()
        run(self.TESTS, "--june-journal=june").assert_outcomes(passed=6)
        assert journals(pytester) == {}

    def test_no_key_is_kept(self, run, pytester):
        """The test's key does not stand in what is kept."""
        run(
            """
@pytest.mark.june(key="a-secret-key-of-ours")
def test_it(june):
    post(june, {**TRACK, "properties": {"key": june.key}})
    raise ValueError
""",
            "--june-journal=june",
        )
        [path] = (pytester.path / "june").iterdir()
        assert "a-secret-key-of-ours" not in path.read_text("utf-8")
