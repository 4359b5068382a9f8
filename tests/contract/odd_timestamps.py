"""Odd timestamps: each with whether the backfill contract takes it, and whether the SDK contract does."""

from __future__ import annotations

from typing import Any

DAY = "2021-02-24"
BOTH, SDK_ALONE, NEITHER = (True, True), (False, True), (False, False)


def table(verdict: tuple[bool, bool], *values: Any) -> list[tuple[Any, bool, bool]]:
    """One row for each value."""
    return [(value, *verdict) for value in values]


TIMESTAMPS: list[tuple[Any, bool, bool]] = [
    # forms of UTC, fractions, the ends of each range
    *table(
        BOTH,
        f"{DAY}T01:19:38.931Z",
        f"{DAY}T01:19:38Z",
        f"{DAY}T01:19:38+00:00",
        f"{DAY}T01:19:38.931000+00:00",
        f"{DAY}T01:19:38.1Z",
        f"{DAY}T01:19:38.123456789Z",
    ),
    *table(
        BOTH,
        f"{DAY}T00:00:00Z",
        f"{DAY}T23:59:59.999Z",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
        f"{DAY}T01:19:38.{'9' * 5000}Z",
    ),
    *table(
        NEITHER,
        f"{DAY}T01:19:38.Z",
        f"{DAY}T01:19:38,931Z",
        f"{DAY}T01:19:38.931.1Z",
        f"{DAY}T01:19:38. 9Z",
        f"{DAY}T01:19:38.-9Z",
        f"{DAY}T01:19.5Z",
        f"{DAY}T01.5Z",
    ),
    # days that exist, and days that do not
    *table(
        BOTH,
        "2000-02-29T00:00:00Z",
        "2024-02-29T00:00:00Z",
        "2400-02-29T00:00:00Z",
        "0004-02-29T00:00:00Z",
        "0400-02-29T00:00:00Z",
        "1996-02-29T00:00:00Z",
        "2020-02-29T00:00:00Z",
    ),
    *table(
        NEITHER,
        "1900-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2021-02-29T00:00:00Z",
        "0100-02-29T00:00:00Z",
        "2022-02-29T00:00:00Z",
        "0001-02-29T00:00:00Z",
    ),
    *table(
        NEITHER,
        "2021-02-30T00:00:00Z",
        "2024-02-30T00:00:00Z",
        "2021-02-31T00:00:00Z",
        "2021-04-31T00:00:00Z",
        "2021-06-31T00:00:00Z",
        "2021-09-31T00:00:00Z",
        "2021-11-31T00:00:00Z",
    ),
    *table(
        BOTH,
        *(f"2021-{month:02}-31T00:00:00Z" for month in (1, 3, 5, 7, 8, 10, 12)),
        *(f"2021-{month:02}-30T00:00:00Z" for month in (4, 6, 9, 11)),
        "2021-02-28T00:00:00Z",
    ),
    *table(
        NEITHER,
        *(f"2021-{month:02}-32T00:00:00Z" for month in (1, 3, 5, 7, 8, 10, 12)),
        "2021-13-01T00:00:00Z",
        "2021-00-10T00:00:00Z",
        "2021-01-00T00:00:00Z",
        "2021-24-02T00:00:00Z",
    ),
    # the year 0000 is RFC 3339's and a leap year; no year has other than four digits
    *table(SDK_ALONE, "0000-01-01T00:00:00Z", "0000-02-29T00:00:00Z"),
    *table(
        NEITHER,
        "10000-01-01T00:00:00Z",
        "+2021-02-24T00:00:00Z",
        "-2021-02-24T00:00:00Z",
        "021-02-24T00:00:00Z",
        "21-02-24T00:00:00Z",
        "2021-2-24T00:00:00Z",
        "2021-02-4T00:00:00Z",
    ),
    # hours, minutes, seconds
    *table(
        NEITHER,
        f"{DAY}T24:00:00Z",
        f"{DAY}T25:00:00Z",
        f"{DAY}T30:00:00Z",
        f"{DAY}T01:60:00Z",
        f"{DAY}T01:19:60Z",
        f"{DAY}T01:19:61Z",
        f"{DAY}T01:19Z",
        f"{DAY}T01Z",
        f"{DAY}T1:19:38Z",
    ),
    *table(
        SDK_ALONE, "2016-12-31T23:59:60Z", "1990-12-31T15:59:60-08:00", "2016-12-31T18:29:60.5+18:30", "2017-01-01T05:44:60+05:45", "2016-12-31T20:14:60-03:45"
    ),
    *table(NEITHER, "2016-12-31T23:59:61Z", "2016-12-31T23:58:60Z", "2016-12-31T23:59:60"),
    # zones
    *table(
        SDK_ALONE,
        f"{DAY}T03:19:38+02:00",
        f"{DAY}T01:19:38-00:00",
        f"{DAY}T01:19:38-08:00",
        f"{DAY}T01:19:38+05:45",
        f"{DAY}T01:19:38+23:59",
        f"{DAY}T01:19:38+00:01",
    ),
    *table(
        NEITHER,
        f"{DAY}T01:19:38",
        f"{DAY}T01:19:38.931",
        f"{DAY}T01:19:38+0000",
        f"{DAY}T01:19:38+00",
        f"{DAY}T01:19:38+24:00",
        f"{DAY}T01:19:38+02:60",
        f"{DAY}T01:19:38+2:00",
    ),
    *table(
        NEITHER,
        f"{DAY}T01:19:38UTC",
        f"{DAY}T01:19:38 UTC",
        f"{DAY}T01:19:38 Z",
        f"{DAY}T01:19:38GMT",
        f"{DAY}T01:19:38Z+00:00",
        f"{DAY}T01:19:38+00:00Z",
        f"{DAY}T01:19:38ZZ",
    ),
    *table(NEITHER, f"{DAY}T01:19:38+00:00[Europe/London]", f"{DAY}T01:19:38\u221200:00", f"{DAY}T01:19:38+00:00:00"),
    # T and Z
    *table(SDK_ALONE, f"{DAY}t01:19:38Z", f"{DAY}T01:19:38z", f"{DAY}t01:19:38.931z"),
    *table(
        NEITHER,
        f"{DAY} 01:19:38Z",
        f"{DAY}_01:19:38Z",
        f"{DAY}01:19:38Z",
        f"{DAY}TT01:19:38Z",
        DAY,
        "01:19:38Z",
        "T",
        "Z",
        f"{DAY}T",
        "2021-02",
        "2021",
        "2021-W08-3T01:19:38Z",
        "2021-055T01:19:38Z",
    ),
    *table(
        NEITHER,
        "20210224T011938Z",
        "2021/02/24T01:19:38Z",
        "2021-02-24T01-19-38Z",
        "2021-02-24T01:19:38:931Z",
        "24-02-2021T01:19:38Z",
        "02/24/2021",
        "Wed, 24 Feb 2021 01:19:38 GMT",
        "now",
    ),
    # before and after it, and what some dialects let through
    *table(
        NEITHER,
        f"{DAY}T01:19:38Z\n",
        f"{DAY}T01:19:38.931+00:00\n",
        f"{DAY}T01:19:38Z\r\n",
        f"\n{DAY}T01:19:38Z",
        f"{DAY}T01:19:38Z ",
        f" {DAY}T01:19:38Z",
        f"{DAY}T01:19:38Z\u2028",
        f"{DAY}T01:19:38Z\x00",
    ),
    *table(
        NEITHER,
        f"{DAY}T01:19:38Z\n{DAY}T01:19:38Z",
        f"{DAY}T01:19:38Z{DAY}T01:19:38Z",
        f"\ufeff{DAY}T01:19:38Z",
        f"{DAY}T01:19:38Z\u200b",
        f"{DAY}\nT01:19:38Z",
        f"'{DAY}T01:19:38Z'",
    ),
    *table(
        NEITHER,
        "\uff12\uff10\uff12\uff11-02-24T01:19:38Z",
        f"{DAY}T01:19:3\uff18Z",
        "\u0662\u0660\u0662\u0661-\u0660\u0662-\u0662\u0664T\u0660\u0661:\u0661\u0669:\u0663\u0668Z",
        "\u0968\u0966\u0968\u0967-02-24T01:19:38Z",
        "202\u00b9-02-24T01:19:38Z",
        "2021\u201002\u201024T01:19:38Z",
        f"{DAY}T01:19:3\U0001d7d6Z",
    ),
    *table(
        NEITHER,
        f"{DAY}T01:19:3;Z",
        f"{DAY}T01:19:0;Z",
        f"{DAY}T0;:19:38Z",
        "202:-02-24T01:19:38Z",
        f"{DAY}T01:19:3<Z",
        f"{DAY}T01:19:38.9;Z",
        f"{DAY}T01;19;38Z",
        "0;",
        ";",
    ),
    # no time at all
    *table(NEITHER, "", " ", "0", "-1", "1614129578", "1614129578931", "1614129578.5", "NaN", "null", "undefined", "Invalid Date", "yesterday"),
    *table(NEITHER, 1614129578, 1614129578931, 1614129578.5, 0, -1, [], [f"{DAY}T01:19:38Z"], {}, {"$date": f"{DAY}T01:19:38Z"}),
    (True, *NEITHER),
    (False, *NEITHER),
    (None, *SDK_ALONE),
]
