def test_plan(june):
    june.client.identify(userId="1", traits={"plan": "pro"})
    june.assert_received("identify", userId="1", traits={"plan": "free"})
