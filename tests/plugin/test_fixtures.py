"""The fixtures, the marker, the options."""

from __future__ import annotations

import pytest


class TestJune:
    def test_it_has_a_url_and_a_key(self, run):
        """The code under test gets a URL and a key, and what it sends is on record in the test."""
        run("""
def test_it(june):
    assert post(june, TRACK) == 200
    [event] = june.assert_received("track", event="Registered", userId="1", count=1)
    assert event.payload == TRACK
    assert (event.kind, event.accepted, event.violations) == ("track", True, ())
    [call] = june.calls()
    assert (call.status, call.path) == (200, "/api/track")
    assert june.env == {"JUNE_URL": june.url, "JUNE_API_KEY": june.key}
    june.client.identify(userId="1")
    assert [event.kind for event in june.events()] == ["track", "identify"]
""").assert_outcomes(passed=1)

    def test_the_one_server_has_a_workspace_a_test(self, run):
        """One server serves the session, and no test sees the calls or the faults of another."""
        run("""
seen = []

@pytest.mark.parametrize("number", range(6))
def test_it(june, june_server, number):
    assert june.calls() == []
    assert june.faults() == []
    assert post(june, TRACK) == 200
    june.fail(503, times=None)
    seen.append((june_server.url, june.url, june.key))

def test_last():
    assert len({url for url, _, _ in seen} | {url for _, url, _ in seen}) == 1
    assert len({key for _, _, key in seen}) == 6
""").assert_outcomes(passed=7)

    def test_a_key_of_no_running_test_is_401(self, run):
        """Any key but the test's own is refused, and a failed assertion says so."""
        result = run("""
def test_it(june):
    assert post(june, TRACK, key="hard-coded") == 401
    assert post(june, TRACK, key="hard-coded") == 401
    june.assert_received("track")
""")
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["*no event came at all", "*meanwhile 2 calls with no good key came, answered 401*"])

    def test_a_second_server_may_be_had(self, run):
        """`june_server.workspace()` gives another workspace of the same server, for a test that needs two."""
        run("""
def test_it(june, june_server):
    with june_server.workspace() as other:
        assert post(other, TRACK) == 200
        other.assert_received("track")
        june.assert_not_received("track")
""").assert_outcomes(passed=1)


class TestMarker:
    def test_key(self, run):
        """`key` is the test's key; its workspace starts empty, and the key is good in such tests alone."""
        run("""
@pytest.mark.june(key="a-key-of-ours")
@pytest.mark.parametrize("number", range(2))
def test_with(june, number):
    assert june.key == "a-key-of-ours"
    assert june.calls() == []
    assert post(june, TRACK) == 200
    june.fail(503, times=None)

def test_without(june):
    assert post(june, TRACK, key="a-key-of-ours") == 401
""").assert_outcomes(passed=3)

    def test_ignore(self, run):
        """`ignore` leaves rules out for this test alone; one glob needs no list."""
        run("""
@pytest.mark.june(ignore="track.userId.type")
def test_one(june):
    assert post(june, WRONG) == 200

@pytest.mark.june(ignore=["track.userId.type", "*.email.*"])
def test_several(june):
    assert post(june, {**WRONG, "email": 3}) == 200

@pytest.mark.june(allow_rejected=True)
def test_none(june):
    assert post(june, WRONG) == 400
""").assert_outcomes(passed=3)

    def test_the_nearest_marker_wins(self, run):
        """A test's marker outranks its class's, argument by argument."""
        run("""
@pytest.mark.june(key="of-the-class", ignore="track.userId.type")
class TestIt:
    def test_both(self, june):
        assert june.key == "of-the-class"
        assert post(june, WRONG) == 200

    @pytest.mark.june(key="of-the-test")
    def test_nearest(self, june):
        assert june.key == "of-the-test"
        assert post(june, WRONG) == 200
""").assert_outcomes(passed=2)

    @pytest.mark.parametrize(
        ("marker", "said"),
        [
            ("allow_reject=True", "@pytest.mark.june has no argument `allow_reject`; it takes key, allow_rejected, ignore, intercept"),
            ("'k'", "@pytest.mark.june takes no argument without a name; it takes key, allow_rejected, ignore, intercept"),
            ("key=5", "@pytest.mark.june takes as `key` a str that is not empty, not 5"),
            ("key=''", "@pytest.mark.june takes as `key` a str that is not empty, not ''"),
            ("allow_rejected='yes'", "@pytest.mark.june takes as `allow_rejected` True or False, not 'yes'"),
            ("ignore=[1]", "@pytest.mark.june takes as `ignore` rule ids or globs, in a list, not [[]1]"),
            ("intercept='all'", "@pytest.mark.june takes as `intercept` True, False or \"only\", not 'all'"),
            ("ignore='trak.*'", "no rule matches 'trak.*': *"),
        ],
    )
    def test_a_wrong_argument_is_refused(self, run, marker, said):
        """A mistake in the marker is a UsageError of one line that lists what is good; other tests run."""
        result = run(f"""
@pytest.mark.june({marker})
def test_wrong(june):
    pass

def test_right(june):
    pass
""")
        result.assert_outcomes(errors=1, passed=1)
        result.stdout.fnmatch_lines(["*ERROR at setup of test_wrong*", said, "*short test summary*", "*UsageError*"], consecutive=False)
        result.stdout.no_fnmatch_line("*Traceback*")
        result.stdout.no_fnmatch_line("*pytest_plugin*.py*")

    def test_it_is_known(self, run):
        """`--strict-markers` knows the marker, and `--markers` explains it."""
        run(
            """
@pytest.mark.june
def test_it(june):
    pass
""",
            "--strict-markers",
        ).assert_outcomes(passed=1)
        run("", "--markers").stdout.fnmatch_lines(["@pytest.mark.june(key=None, allow_rejected=False, ignore=(), intercept=False):*"])


class TestSettings:
    def test_june_ignore(self, run):
        """The ini setting leaves rules out for the session, beside those of a marker."""
        run(
            """
def test_ini(june):
    assert post(june, WRONG) == 200

@pytest.mark.june(ignore="*.email.*")
def test_both(june):
    assert post(june, {**WRONG, "email": 3}) == 200
""",
            ini="june_ignore =\n  track.userId.*\n  group.*",
        ).assert_outcomes(passed=2)

    def test_a_rule_that_is_none(self, run):
        """A pattern that matches no rule is refused, with what is near."""
        result = run("def test_it(june): pass", ini="june_ignore = track.timestmp.pattern")
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(["no rule matches*track.timestmp.pattern*track.timestamp.pattern*"])

    def test_help(self, run):
        """The options and settings stand in pytest's help."""
        help_text = run("", "--help").stdout.str()
        for name in ("--june-url", "--june-token", "--june-journal", "june_allow_rejected", "june_ignore"):
            assert name in help_text
