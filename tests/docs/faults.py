import pytest

from mock_june.client import JuneClient
from mock_june.errors import LostAnswerError, RefusedError


def test_it_gives_up_in_the_end(june):
    june.fail(503, times=None)  # until reset
    with JuneClient(june.url, june.key, tries=3, backoff=0.01) as client, pytest.raises(RefusedError):
        client.identify(userId="1")
    june.assert_received("identify", count=0, attempts=3)


def test_it_waits_as_it_is_told(june):
    june.limit(2, per=1)  # 429 with Retry-After for what goes beyond
    for number in range(3):
        june.client.identify(userId=str(number))
    june.assert_received("identify", count=3)
    june.assert_rate(max=3, per=1)  # refused calls count too


def test_a_lost_answer(june):
    june.drop("reset")  # June takes the call, and the connection breaks before the answer
    with pytest.raises(LostAnswerError):
        june.client.identify(userId="1", messageId="user-1")
    june.assert_received("identify", messageId="user-1", count=1)


def test_a_slow_june(june):
    june.delay(0.2, kind="identify")  # any fault may be for one kind or path alone, after some calls, with some probability
    june.client.identify(userId="1")
    june.assert_received("identify", userId="1")
