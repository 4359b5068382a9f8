import pytest
import requests


def backfill():  # June's host and the API key are written into it
    answer = requests.post(
        "https://api.june.so/api/identify",
        json={"type": "identify", "userId": "1", "traits": {"email": "ada@example.com"}},
        headers={"Authorization": "Basic secret_api_key"},
        timeout=30,
    )
    answer.raise_for_status()


def test_backfill(june_intercept):
    backfill()
    june_intercept.assert_received("identify", userId="1", count=1)


@pytest.mark.june(intercept="only")
def test_it_talks_to_june_alone(june):
    backfill()
    june.assert_received("identify", userId="1")
    with pytest.raises(requests.ConnectionError, match=r"mock-june: example\.com is not reached"):
        requests.get("https://example.com", timeout=5)
