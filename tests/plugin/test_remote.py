"""`--june-url`: a fake that runs elsewhere, as if it were the session's own."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator

import httpx
import pytest

TESTS = """
@pytest.mark.parametrize("number", range(6))
def test_it(june, june_server, number):
    assert june.url == june_server.url
    assert june.calls() == [] and june.faults() == []
    assert post(june, TRACK) == 200
    june.fail(503, times=None)
    assert post(june, TRACK) == 503
    june.assert_received("track", count=1, attempts=2)

def test_rejected(june):
    post(june, WRONG)
"""


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Starts `python -m mock_june serve` with options, in a process of its own; gives its URL."""
    started: list[subprocess.Popen[str]] = []

    def serve(*options: str) -> str:
        process = subprocess.Popen([sys.executable, "-m", "mock_june", "serve", "--port", "0", *options], stdout=subprocess.PIPE, text=True)
        started.append(process)
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found is not None
        return found[0]

    yield serve
    for process in started:
        process.terminate()
        process.wait(timeout=10)
        process.stdout.close()


class TestElsewhere:
    def test_the_same_isolation(self, run, serve):
        """Each test has a workspace of its own there too, and is held to the rules; the session leaves other workspaces alone."""
        url = serve()
        headers = {"Authorization": "Basic somebody-else", "Content-Type": "application/json"}
        assert httpx.post(f"{url}/api/identify", json={"type": "identify", "userId": "1"}, headers=headers).status_code == 200
        result = run(TESTS, "--june-url", url)
        result.assert_outcomes(passed=7, errors=1)
        result.stdout.fnmatch_lines(["a call was rejected, *", "*[[]track.userId.type[]]", "*- june calls -*", "* POST /api/track  400 *"])
        calls = httpx.get(f"{url}/_mock/calls", headers={"Authorization": "Basic somebody-else"}).json()["calls"]
        assert len(calls) == 1
        assert not any("probe" in call["body"] for call in httpx.get(f"{url}/_mock/calls").json()["calls"])

    def test_several_workers_share_it(self, run, serve):
        """Under xdist all workers use the one fake, and still none sees another's calls."""
        result = run(TESTS.replace("range(6)", "range(20)"), "--june-url", serve(), "-n", "2", beside="xdist", process=True)
        result.assert_outcomes(passed=21, errors=1)

    def test_markers_key(self, run, serve):
        """A marker's key has an empty workspace in each test."""
        run(
            """
@pytest.mark.june(key="ours")
@pytest.mark.parametrize("number", range(2))
def test_it(june, number):
    assert (june.key, june.calls()) == ("ours", [])
    assert post(june, TRACK) == 200
""",
            "--june-url",
            serve(),
        ).assert_outcomes(passed=2)

    def test_calls_without_a_key_are_told(self, run, serve):
        """A fake that takes any key still answers 401 to none; a failed assertion counts those of this test alone."""
        url = serve()
        assert httpx.post(f"{url}/api/identify", json={"type": "identify", "userId": "1"}).status_code == 401
        result = run(
            """
def test_it(june):
    import httpx
    assert httpx.post(june.url + "/api/track", json=TRACK).status_code == 401
    june.assert_received("track")
""",
            "--june-url",
            url,
        )
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["*meanwhile 1 call with no good key came, answered 401*"])


class TestToken:
    """A fake that listens beyond loopback: its control API wants a token."""

    def test_it_opens(self, run, serve, pytester):
        """With `--june-token` all is as where none is wanted, also for a client on an event loop, and when the test has closed its own."""
        url = serve("--host", "0.0.0.0", "--token", "t0ken-t0ken").replace("0.0.0.0", "127.0.0.1")
        closed = """
def test_closed(june):
    post(june, WRONG)
    june.close()

def test_on_a_loop(june):
    import asyncio
    post(june, TRACK)

    async def received():
        async with june.aio() as other:
            await other.assert_received("track")

    asyncio.run(received())
"""
        result = run(TESTS + closed, "--june-url", url, "--june-token", "t0ken-t0ken", "--june-journal", "kept")
        result.assert_outcomes(passed=9, errors=2)
        assert sorted(path.name.rpartition("-")[0] for path in (pytester.path / "kept").iterdir()) == ["test_it.py-test_closed", "test_it.py-test_rejected"]

    def test_without_it(self, run, serve):
        """Where it is missing or wrong, one line names the option; no connection is left open."""
        url = serve("--host", "0.0.0.0", "--token", "t0ken-t0ken").replace("0.0.0.0", "127.0.0.1")
        for options in ((), ("--june-token", "another")):
            result = run("def test_it(june): pass", "--june-url", url, *options, "-W", "error")
            result.assert_outcomes(errors=1)
            result.stdout.fnmatch_lines([f"--june-url: the mock at {url} wants the token that it printed as it started: --june-token T"])

    def test_of_a_fake_of_the_sessions_own(self, run):
        """Without `--june-url` it means nothing, and is refused."""
        result = run("def test_it(june): pass", "--june-token", "t0ken-t0ken")
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(["--june-token is that of a fake which runs elsewhere: it goes with --june-url"])


class TestRefused:
    IT = "def test_it(june): pass"

    def refusal(self, result: pytest.RunResult, said: str) -> None:
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(["*ERROR at setup of test_it*", said, "*UsageError*"])
        result.stdout.no_fnmatch_line("*Traceback*")

    def test_a_fake_with_keys_of_its_own(self, run, serve):
        """One that was started with --key is refused in one line that says how to start it."""
        url = serve("--key", "a-key-of-its-own")
        self.refusal(run(self.IT, "--june-url", url), f"--june-url: the mock at {url} takes its own keys alone; for tests start it without --key")

    def test_none_at_all(self, run):
        """Where nothing answers, one line says so, and what to do."""
        self.refusal(
            run(self.IT, "--june-url", "http://127.0.0.1:9"), "--june-url: no mock-june answers at http://127.0.0.1:9 *; start one with `mock-june serve`, *"
        )

    def test_something_else(self, run, httpserver_answer):
        """What answers and is no mock-june is named so."""
        self.refusal(run(self.IT, "--june-url", httpserver_answer), "--june-url: what answers at * is no mock-june; correct the URL")

    def test_no_url(self, run):
        """What is no URL is refused."""
        self.refusal(run(self.IT, "--june-url", "127.0.0.1:5863"), "--june-url: the URL of a mock looks like http://127.0.0.1:5863, *")

    def test_what_cannot_reach_it(self, run, serve):
        """Rules can be left out only where the fake is started: the marker's `ignore` and the setting say so."""
        url = serve()
        self.refusal(run(f"@pytest.mark.june(ignore='track.*')\n{self.IT}", "--june-url", url), f"the mock at {url} runs elsewhere: leave rules out there *")
        self.refusal(
            run(self.IT, "--june-url", url, ini="june_ignore = track.*"), "june_ignore cannot reach the fake at --june-url; start that one with --ignore"
        )

    def test_who_asks_for_no_fixture_is_not_bothered(self, run):
        """A session that uses no fixture does not look whether the fake is there."""
        run("def test_it(): pass", "--june-url", "http://127.0.0.1:9").assert_outcomes(passed=1)


@pytest.fixture
def httpserver_answer() -> Iterator[str]:
    """The URL of a server that is no mock-june."""
    import http.server
    import threading

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"hi")

        def log_message(self, *args: object) -> None:
            """Nobody reads it."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
