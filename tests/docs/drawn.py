from hypothesis import HealthCheck, given, settings

from mock_june.strategies import track


@given(payload=track())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_event_arrives_as_it_is(june, payload):
    june.reset()  # the workspace is the test's, and so that of all its examples
    june.client.track(payload)
    [event] = june.assert_received("track", count=1)
    assert event.payload == payload
