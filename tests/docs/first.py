import httpx


def backfill(url, key):
    """The code under test."""
    event = {
        "type": "track",
        "event": "Registered",
        "userId": "1",
        "timestamp": "2021-02-24T01:19:38.931Z",
        "email": "ada@example.com",
        "properties": {"plan": "pro"},
    }
    for _ in range(3):
        answer = httpx.post(f"{url}/api/track", json=event, headers={"Authorization": f"Basic {key}"})
        if answer.status_code == 200:
            return


def test_backfill(june):
    backfill(url=june.url, key=june.key)
    june.assert_received("track", event="Registered", userId="1", properties={"plan": "pro"}, count=1)
    june.assert_not_received("group")


def test_retries(june):
    june.fail(503, times=2)
    backfill(url=june.url, key=june.key)
    june.assert_received("track", event="Registered", count=1, attempts=3)
