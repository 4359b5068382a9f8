from __future__ import annotations

import time

import pytest

from mock_june.contract.unknown import MOST_KEPT, Speller
from tests.contract.schema_files import KINDS, schema

TRACK = Speller(schema("backfill", "track")["properties"], schema("backfill", "track")["x-known"])
IDENTIFY = Speller(schema("sdk", "identify")["properties"], schema("sdk", "identify")["x-known"])


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("user_id", "userId"),
        ("userID", "userId"),
        ("UserId", "userId"),
        ("user-id", "userId"),
        ("user id", "userId"),
        ("userid", "userId"),
        ("usreId", "userId"),
        ("useId", "userId"),
        ("Type", "type"),
        ("tpye", "type"),
        ("time_stamp", "timestamp"),
        ("timeStamp", "timestamp"),
        ("timestmp", "timestamp"),
        ("timestanp", "timestamp"),
        ("propertys", "properties"),
        ("property", "properties"),
        ("Properties", "properties"),
        ("propertties", "properties"),
        ("anonymous_id", "anonymousId"),
        ("anonymusId", "anonymousId"),
        ("annonymousId", "anonymousId"),
        ("anonimousId", "anonymousId"),
        ("e-mail", "email"),
        ("e_mail", "email"),
        ("emial", "email"),
        ("events", "event"),
        ("Event", "event"),
        ("contexts", "context"),
        ("USER_ID", "userId"),
        ("proprety", "properties"),
        ("propesty", "properties"),
        ("anonymuosIds", "anonymousId"),
        ("evnets", "event"),
        ("timestam", "timestamp"),
        ("user" + "-" * 34 + "Id", "userId"),
    ],
)
def test_slips(name, meant):
    """A slip of a member's name is known for what it stands for."""
    assert TRACK.meant(name) == meant


def test_traits():
    """A missing plural is a slip."""
    assert IDENTIFY.meant("trait") == "traits"
    assert IDENTIFY.meant("Traits") == "traits"


@pytest.mark.parametrize("contract_and_kind", KINDS, ids="/".join)
def test_other_words(contract_and_kind):
    """Names that are merely other words are no slips, nor are those that are known or long."""
    root = schema(*contract_and_kind)
    speller = Speller(root["properties"], root["x-known"])
    words = """plan foo id user users uid name version channel content contest group groups account company tag tags label data url path title referrer
        search ip locale library revenue price currency value count mail vent page screen alias typed date time ts created_at updatedAt identity device session
        campaign source medium term action category metadata custom extra payload body message options language amount quantity status state age"""
    assert [(word, speller.meant(word)) for word in words.split() if speller.meant(word)] == []
    for name in (*root["properties"], *root["x-known"], "", "_", "__proto__", "\x00", "x" * 10_000, "userId" * 1000, "ſ", "İ"):
        assert speller.meant(name) is None


@pytest.mark.parametrize("name", ["tags", "tga", "ta", "planet", "pln", "user" + "-" * 35 + "Id"])
def test_what_is_too_short_or_too_long_for_a_slip(name):
    """A short name is another word, not a slip, plural or turned; a long one is no name of ours."""
    assert Speller(["tag", "plan", "userId"]).meant(name) is None


def test_a_flood_of_names():
    """A hundred thousand new names are looked at in a second or two, and only so many are kept."""
    speller = Speller(schema("sdk", "track")["properties"])
    start = time.process_time()
    for number in range(100_000):
        speller.meant(f"member {number}")
    assert time.process_time() - start < 5
    assert speller.meant.cache_info().currsize == MOST_KEPT
