"""The query strings of the control API are read strictly (threat R4)."""

from __future__ import annotations

import pytest

from mock_june.errors import UsageError
from mock_june.model import Filter
from mock_june.server.control import query

BAD = [
    ("limit=0", "limit"),
    ("limit=1001", "limit"),
    ("limit=-1", "limit"),
    ("limit=1.0", "limit"),
    ("limit=", "limit"),
    ("limit=100000000000000000000", "limit"),
    ("limit=%EF%BC%93", "limit"),
    ("limit=5&limit=6", "limit"),
    ("after=9223372036854775808", "after"),
    ("after=-1", "after"),
    ("after=x", "after"),
    ("count=0", "count"),
    ("count=1&wait=61", "wait"),
    ("count=1&wait=nan", "wait"),
    ("count=1&wait=inf", "wait"),
    ("count=1&wait=1e2", "wait"),
    ("count=1&wait=1e400", "wait"),
    ("count=1&wait=1e", "wait"),
    ("count=1&wait=-1", "wait"),
    ("accepted=1", "accepted"),
    ("accepted=TRUE", "accepted"),
    ("kind=batch", "kind"),
    ("rule=" + "*a" * 11, "rule"),
    ("rule=" + "a" * 201, "rule"),
    ("rule=", "rule"),
    ("path=" + "*" * 11, "path"),
    ("userId=" + "a" * 4001, "userId"),
    ("format=har", "format"),
    ("userid=1", "userId"),
    ("nonsense=1", "taken are kind"),
    ("kind", "name=value"),
    ("userId=%FF", "UTF-8"),
    ("&".join(f"a{n}=1" for n in range(51)), "at most 50"),
]


@pytest.mark.parametrize(("text", "named"), BAD, ids=[text[:40] for text, _ in BAD])
def test_what_is_not_understood_is_refused_by_name(text, named):
    """A parameter that is unknown, given twice, or out of its bounds is a UsageError that names it."""
    with pytest.raises(UsageError) as caught:
        query.listing(text, None)
    assert named in str(caught.value)
    assert len(str(caught.value)) < 400


def test_all_parameters_can_be_combined():
    """Every filter lands in its place, percent-encoding and `+` undone, and the workspace with them."""
    text = "kind=track&accepted=false&rule=*.required&userId=a%26b&anonymousId=c+d&groupId=&event=%E2%82%AC&path=/api/*&after=7&limit=1000&count=2&wait=0.5"
    asked = query.listing(text, "w")
    assert asked.where == Filter("w", "track", accepted=False, rule="*.required", user_id="a&b", anonymous_id="c d", group_id="", event="€", path="/api/*")
    assert (asked.after, asked.limit, asked.count, asked.wait) == (7, 1000, 2, 0.5)


def test_seconds_are_written_as_numbers_are_in_json():
    """A fraction and an exponent are read, as clients write small and exact numbers."""
    written = ("0.12345678901234567", "2e-7", "1E1", "6e%2B1", "0")
    assert [query.listing(f"wait={text}", None).wait for text in written] == [0.12345678901234567, 2e-7, 10, 60, 0]


def test_to_wait_without_a_count_is_to_wait_for_one():
    """`wait` alone holds the answer until anything matches."""
    assert query.listing("wait=2.5", None) == query.listing("count=1&wait=2.5", None)


def test_without_parameters_it_is_the_first_hundred():
    """No query asks for whatever there is, 100 at most, at once."""
    assert query.listing("", None) == query.Question(Filter(), 0, 100, None, 0.0)


def test_a_stream_begins_at_now_unless_a_cursor_is_given():
    """`Last-Event-ID` outranks `after`; without both there is no cursor; a bad one is refused."""
    assert query.stream("", "", None).after is None
    assert query.stream("after=3", "", None).after == 3
    assert query.stream("after=3", "9", None).after == 9
    with pytest.raises(UsageError, match="Last-Event-ID"):
        query.stream("", "9; drop", None)
    with pytest.raises(UsageError, match="limit"):
        query.stream("limit=3", "", None)


def test_an_export_takes_filters_and_a_format():
    """The format is jsonl or har and nothing else."""
    assert query.export("format=har&kind=track", "w") == query.Question(Filter("w", "track"), format="har")
    assert query.export("", None).format == "jsonl"
    with pytest.raises(UsageError, match="jsonl or har"):
        query.export("format=csv", None)


def test_hostile_values_come_back_harmless():
    """A value that is shown in a refusal has no control characters and is cut."""
    with pytest.raises(UsageError) as caught:
        query.listing("limit=%1B[2J" + "x" * 500, None)
    assert "\x1b" not in str(caught.value)
    assert r"\x1b[2J" in str(caught.value)
