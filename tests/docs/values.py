import re
from unittest import mock

import pytest

from mock_june.matching import MISSING


def test_values(june):
    june.client.identify(userId="1", traits={"plan": "pro", "seats": 3, "tags": ["a", "b"], "seen": "2021-02-24T01:19:38Z"})
    june.assert_received("identify", traits={"plan": "pro"})  # objects by subset: what is not named may be anything
    june.assert_received("identify", traits={"seen": re.compile("Z$")})  # a pattern, found in the text
    june.assert_received("identify", traits={"seats": int})  # a type; True is no int
    june.assert_received("identify", traits={"seats": lambda seats: seats < 5})  # what a callable says
    june.assert_received("identify", traits={"tags": ["a", str]})  # lists item by item
    june.assert_received("identify", traits=mock.ANY, anonymousId=MISSING)  # whatever has an == of its own; what must not be there


def test_how_many(june):
    for number in ("1", "2", "2"):
        june.client.identify(userId=number, messageId=f"user-{number}")
    june.assert_received("identify", count=3)  # exactly
    june.assert_received("identify", at_least=2)
    june.assert_received("identify", userId="1")  # one or more
    [event] = june.assert_received("identify", userId="1")
    assert event.payload["messageId"] == "user-1"
    june.assert_order(("identify", {"userId": "1"}), ("identify", {"userId": "2"}))
    with pytest.raises(AssertionError, match="'user-2': events"):
        june.assert_no_duplicates(by="messageId")
