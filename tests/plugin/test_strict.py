"""Strict by default: a rejected call that nobody expected fails the test at its end."""

from __future__ import annotations


class TestRejected:
    def test_it_fails_the_test(self, run):
        """At teardown each violation is told, with the payload, its failing members marked, and the rule's fix."""
        result = run("""
def test_it(june):
    assert post(june, {"type": "track", "event": "Registered", "userId": 1, "timestamp": "2021-02-24T01:19:38"}) == 400
    assert post(june, TRACK) == 200
""")
        result.assert_outcomes(passed=1, errors=1)
        assert result.ret == 1
        result.stdout.fnmatch_lines(
            [
                "*ERROR at teardown of test_it*",
                "a call was rejected, and the test did not expect it (june.assert_rejected() does, or @pytest.mark.june(allow_rejected=True))",
                "  call 1: POST /api/track was answered 400 invalid_payload",
                "  - /userId: userId is the number 1, not a String   [[]track.userId.type[]]",
                "    Make it a String: *",
                '  - /timestamp: timestamp "2021-02-24T01:19:38" has no timezone   [[]track.timestamp.pattern[]]',
                "    Write it in UTC, as 2021-02-24T01:19:38.931Z: *",
                "  - /email: email is missing, *[[]track.email.required[]]",
                "    Add `email`, *",
                "      type: 'track'",
                "      event: 'Registered'",
                "    > userId: 1",
                "    > timestamp: '2021-02-24T01:19:38'",
                "    > email: (missing)",
                "*- june calls -*",
                "1 * POST /api/track  400  track  track.email.required track.timestamp.pattern track.userId.type",
                "2 * POST /api/track  200  track",
                "ERROR test_it.py::test_it - Failed: a call was rejected*",
            ]
        )

    def test_calls_without_an_event_too(self, run):
        """What is no JSON, or goes to no route of June's, is as unexpected; the fake's own words say what to do."""
        result = run("""
def test_it(june):
    assert post(june, TRACK, path="/api/tracks") == 404
    assert post(june, [1], path="/api/track") == 400
""")
        result.assert_outcomes(passed=1, errors=1)
        result.stdout.fnmatch_lines(
            [
                "2 calls were rejected, and the test did not expect it*",
                "  call 1: POST /api/tracks was answered 404 not_found",
                "    there is no /api/tracks here; calls go to /api/identify, *",
                "  call 2: POST /api/track was answered 400 invalid_payload",
                "  - (the body): *   [[]body.object[]]",
            ]
        )

    def test_a_batch_says_which(self, run):
        """Of a refused batch the wrong events are told, by their place, and not the good ones."""
        result = run("""
def test_it(june):
    good, wrong = {"type": "identify", "userId": "1"}, {"type": "track", "event": "", "userId": "2"}
    assert post(june, {"batch": [good, wrong]}, path="/sdk/batch") == 400
""")
        result.assert_outcomes(passed=1, errors=1)
        result.stdout.fnmatch_lines(["  - /batch/1/event: *[[]sdk.track.event.minLength[]]", "    > event: ''", "      userId: '2'"])
        result.stdout.no_fnmatch_line("*type: 'identify'*")

    def test_many_are_counted(self, run):
        """Of calls that are wrong in the same way the first is shown, and how many are like it."""
        result = run("""
def test_it(june):
    for number in range(60):
        post(june, WRONG)
        post(june, TRACK, path=f"/{number}")
""")
        result.assert_outcomes(passed=1, errors=1)
        result.stdout.fnmatch_lines(
            [
                "120 calls were rejected, *",
                "  call 1: *",
                "  and 59 calls like it: 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, …",
                "  … and 51 other mistakes",
                "*june calls*",
                "… and more",
            ]
        )
        assert len(result.outlines) < 110

    def test_text_from_outside_is_made_printable(self, run):
        """What came is shown without a byte that a terminal acts on."""
        result = run("""
def test_it(june):
    post(june, {**WRONG, "event": "\\x1b[31m\\x9b", "\\x1b[0m": 1, "properties": "\\u202e"})
""")
        result.assert_outcomes(passed=1, errors=1)
        assert not any(mark in result.stdout.str() for mark in ("\x1b", "\x9b", "\u202e"))


class TestExpected:
    def test_assert_rejected_expects(self, run):
        """What `assert_rejected` spoke of is expected; what it did not speak of still fails the test."""
        result = run("""
def test_all(june):
    post(june, WRONG)
    [call] = june.assert_rejected("track.userId.type")
    assert call.status == 400

def test_any(june):
    post(june, WRONG)
    post(june, TRACK, path="/nowhere")
    assert len(june.assert_rejected(count=2)) == 2

def test_some(june):
    post(june, WRONG)
    post(june, {**TRACK, "event": 5})
    june.assert_rejected("track.userId.*", count=1)
""")
        result.assert_outcomes(passed=3, errors=1)
        result.stdout.fnmatch_lines(["*ERROR at teardown of test_some*", "a call was rejected, *", "*[[]track.event.type[]]"])

    def test_the_async_clients_too(self, run):
        """The client for the event loop is the same test's: what it expects is expected, what it does not fails the test."""
        run("""
import asyncio

async def expects(june):
    async with june.aio() as june:
        await june.assert_rejected("track.userId.type")

def test_it(june):
    post(june, WRONG)
    asyncio.run(expects(june))
""").assert_outcomes(passed=1)

    def test_the_marker_allows(self, run):
        """`allow_rejected=True` opts one test out; `False` opts one in where the setting lets all out."""
        text = """
def test_plain(june):
    post(june, WRONG)

@pytest.mark.june(allow_rejected=True)
def test_allowed(june):
    post(june, WRONG)

@pytest.mark.june(allow_rejected=False)
def test_strict(june):
    post(june, WRONG)
"""
        run(text).assert_outcomes(passed=3, errors=2)
        result = run(text, ini="june_allow_rejected = true")
        result.assert_outcomes(passed=3, errors=1)
        result.stdout.fnmatch_lines(["*ERROR at teardown of test_strict*"])

    def test_a_planned_fault_rejects_nothing(self, run):
        """Calls that a planned fault refused, and calls whose answer it lost, are not rejected."""
        run("""
def test_it(june):
    june.fail(503, times=2, retry_after=0)
    june.fail(500, after=2)
    assert [post(june, TRACK) for _ in range(5)] == [503, 503, 200, 200, 500]
    june.reset()
    june.limit(1, per=60)
    assert [post(june, TRACK) for _ in range(3)] == [200, 429, 429]
    june.assert_accepted()
""").assert_outcomes(passed=1)

    def test_a_fault_that_only_delays_excuses_nothing(self, run):
        """A wrong call that came late is as wrong."""
        run("""
def test_it(june):
    june.delay(0.01)
    assert post(june, WRONG) == 400
""").assert_outcomes(passed=1, errors=1)


class TestFirstFailure:
    def test_a_failed_test_is_not_failed_twice(self, run):
        """Where the test has failed by itself, its own failure is what is shown; the calls stand beside it."""
        result = run("""
def test_it(june):
    post(june, WRONG)
    assert 1 == 2, "the test's own"
""")
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["*the test's own*", "*- june calls -*", "1 * POST /api/track  400  track  track.userId.type"])

    def test_a_failing_teardown_shows_the_first_error(self, run):
        """A fixture that fails at its end beside a failing test: both are told, the test's own first."""
        result = run("""
@pytest.fixture
def broken(june):
    yield
    raise RuntimeError("the fixture's own")

def test_it(june, broken):
    post(june, WRONG)
    assert 1 == 2, "the test's own"
""")
        result.assert_outcomes(failed=1, errors=1)
        out = result.stdout.str()
        assert "the test's own" in out
        assert "RuntimeError: the fixture's own" in out
        assert "the test did not expect it" not in out

    def test_a_fixture_that_fails_in_setup(self, run):
        """A fixture that fails after it sent has its calls attached."""
        result = run("""
@pytest.fixture
def broken(june):
    post(june, TRACK)
    raise RuntimeError("the fixture's own")

def test_it(june, broken):
    pass
""")
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(["*the fixture's own", "*- june calls -*", "1 * POST /api/track  200  track"])

    def test_an_expected_failure_stays_one(self, run):
        """A test that failed as `xfail` said is not failed at its end; one that skipped after a wrong call is."""
        run("""
@pytest.mark.xfail
def test_it(june):
    post(june, WRONG)
    assert 1 == 2

def test_skipped(june):
    post(june, WRONG)
    pytest.skip()
""").assert_outcomes(xfailed=1, skipped=1, errors=1)
