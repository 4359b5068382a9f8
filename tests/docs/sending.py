from datetime import UTC, datetime

import pytest

from mock_june.client import JuneClient
from mock_june.errors import RefusedError


def test_sending(june):
    with JuneClient(june.url, june.key, validate=True) as client:
        client.identify(userId="1", traits={"plan": "pro"})
        client.track(event="Registered", userId="1", email="ada@example.com", timestamp=datetime(2021, 2, 24, 1, 19, 38, tzinfo=UTC))
        client.batch([{"type": "identify", "userId": "2"}, {"type": "group", "userId": "2", "groupId": "A"}])
        with pytest.raises(RefusedError) as caught:  # not sent at all
            client.identify(userId=42)
    assert [violation.rule for violation in caught.value.violations] == ["identify.userId.type"]
    june.assert_received("track", timestamp="2021-02-24T01:19:38Z")
