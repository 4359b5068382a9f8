"""Every HTTP client of Python, unmodified and with June's host written into the code that uses it, against the interception in this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import urllib3

from mock_june.testing import RunningMock
from tests.intercept import callers

pytestmark = [
    pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning"),
    pytest.mark.filterwarnings("ignore:datetime.datetime.utc.*:DeprecationWarning"),  # June's SDK calls utcnow()
]


@pytest.fixture(scope="module")
def running() -> Iterator[RunningMock]:
    """A fake for all of them; what is made at import of `callers` is older than it."""
    with RunningMock() as running:
        yield running
        callers.SESSION.close()
        callers.HTTPX.close()
        callers.POOL.clear()
        callers.CONNECTION.close()


@pytest.mark.parametrize("name", callers.CALLERS)
def test_a_call_lands_in_the_record(running: RunningMock, name: str):
    """One call, whoever makes it, is answered 200 and stands in the workspace of the moment, under whichever key; the client is none the wiser."""
    with running.workspace() as june:
        interception = running.intercept(june, name)
        try:
            assert callers.CALLERS[name]() == 200
        finally:
            interception.end()
        (call,) = june.calls()
        assert dict(call.headers)["host"].rstrip(".") == "api.june.so"
        assert [(event.kind, event.payload["userId"]) for event in call.events] == [("identify", "1")]
        assert callers.KEY not in str(call)
    assert interception.late == []


def test_pinned_fingerprints_are_no_match(running: RunningMock):
    """A client that pins the certificate itself refuses ours: nothing is sent."""
    with running.workspace() as june:
        interception = running.intercept(june, "pinned")
        pool = urllib3.PoolManager(assert_fingerprint="00" * 32, retries=False)
        try:
            with pytest.raises(urllib3.exceptions.SSLError, match="Fingerprints did not match"):
                pool.request("POST", callers.URL, body=callers.BODY)
        finally:
            interception.end()
            pool.clear()
        assert june.calls() == []
