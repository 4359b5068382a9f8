import httpx
import pytest


def send_wrong(june):
    httpx.post(f"{june.url}/api/identify", json={"type": "identify", "userId": 42}, headers={"Authorization": f"Basic {june.key}"})


def test_a_row_that_june_refuses(june):
    send_wrong(june)
    [call] = june.assert_rejected("identify.userId.type")
    assert call.violations[0].message == "userId is the number 42, not a String"


@pytest.mark.june(allow_rejected=True)
def test_whatever_comes(june):
    send_wrong(june)


@pytest.mark.june(ignore=["identify.userId.*"])
def test_without_a_rule(june):
    send_wrong(june)
    june.assert_received("identify", userId=42)
