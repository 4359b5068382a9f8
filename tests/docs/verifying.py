from mock_june.verify import verify


def test_it_keeps_the_contract(june):
    report = verify(june.url, june.key, max_examples=1)
    assert report.kept, [outcome.id for outcome in report.outcomes if outcome.state == "broken"]
    june.reset()  # what it sent was refused where it was wrong, and would fail the test
