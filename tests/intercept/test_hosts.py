"""Which host is June's, which must never be reached, and which passes."""

from __future__ import annotations

import pytest

from mock_june.intercept import hosts
from mock_june.intercept.hosts import Way


@pytest.mark.parametrize("host", ["api.june.so", "API.JUNE.SO", "api.june.so.", "Api.June.So.."])
def test_june_in_any_spelling_goes_to_the_fake(host):
    """Case and the dot of a full name make no other host (RFC 4343, RFC 1034 section 3.1)."""
    assert hosts.way(host) is hosts.way(host, block_others=True) is Way.FAKE
    assert hosts.is_june(host)


@pytest.mark.parametrize("host", ["june.so", "x.june.so", "a.b.june.so", "API2.JUNE.SO.", "x.api.june.so"])
def test_other_hosts_of_june_are_forbidden(host):
    """What the fake does not play is never dialled."""
    assert hosts.way(host) is Way.FORBIDDEN
    assert "api.june.so" in hosts.why(host)


@pytest.mark.parametrize("host", ["notjune.so", "api.june.so.evil.example", "june.so.example", "apixjune.so", "example.com", "203.0.113.7", "[2001:db8::1]"])
def test_others_pass_unless_all_are_blocked(host):
    """A name that only looks like June's is another's."""
    assert hosts.way(host) is Way.PASS
    assert hosts.way(host, block_others=True) is Way.BLOCKED
    assert "--block-others" in hosts.why(host)


@pytest.mark.parametrize("host", ["segment.io", "api.segment.io", "CDN.Segment.IO."])
def test_segment_is_blocked(host):
    """A mis-aimed SDK does not reach the real Segment."""
    assert hosts.way(host) is Way.BLOCKED
    assert "Segment" in hosts.why(host)


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "[::ffff:169.254.169.254]",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "169.16689662",
        "169.254.1.1",
        "fe80::1%eth0",
        "[FD00:EC2::254]",
        "fd00:0ec2:0:0:0:0:0:254",
        "100.100.100.200",
        "metadata.google.internal.",
        "METADATA",
    ],
)
def test_where_clouds_hand_out_credentials_nobody_goes(host):
    """By name or by address, however that is written."""
    assert hosts.way(host) is Way.BLOCKED
    assert "credentials" in hosts.why(host)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "db.localhost", "127.0.0.1", "127.8.9.10", "127.1", "2130706433", "[::1]", "::ffff:127.0.0.1"])
def test_this_machine_is_reached_even_when_others_are_blocked(host):
    """A program may have a database of its own here."""
    assert hosts.is_loopback(host)
    assert hosts.way(host, block_others=True) is Way.PASS
