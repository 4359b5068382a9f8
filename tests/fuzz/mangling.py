"""Bytes that were nearly good: what transport, editors and half-written programs make of them."""

from __future__ import annotations

from random import Random

TOKENS = (
    *(b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b" ", b"\n", b"\r", b"\t", b"\x00", b"\x1b[31m", b"\x80", b"\xff", b"\xc2", b"\xed\xa0\x80"),
    *(b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\xf0\x9f\x98\x80", b'\\"', b"\\u0000", b"\\ud800", b"\\u0022", b"\\/", b"null", b"true", b"NaN", b"-0", b"1e400"),
    *(
        b"1" * 40,
        b"0.1e-9",
        b"''",
        b"//",
        b"/*",
        b'"type":',
        b'"type":"track",',
        b'"batch":[',
        b"{}",
        b"[]",
        b'"":0,',
        b"[" * 300,
        b'{"a":' * 300,
        b";",
        b"=",
        b"'",
    ),
)
"""What is put in: the marks of every format in the house, halves of characters, and values that some reader trips over."""


def mangled(data: bytes, random: Random, most: int = 3) -> bytes:
    """The bytes with one to `most` slips: a token put in, a piece left out, doubled, moved or overwritten, the end cut."""
    for _ in range(random.randint(1, most)):
        start = random.randrange(len(data) + 1)
        stop = min(len(data), start + random.choice((0, 1, 1, 2, 5, 20)))
        other = random.randrange(len(data) + 1)
        data = random.choice(
            (
                data[:start] + random.choice(TOKENS) + data[start:],
                data[:start] + random.choice(TOKENS) + data[stop:],
                data[:start] + data[stop:],
                data[:stop] + data[start:],
                data[:start] + bytes((random.randrange(256),)) + data[stop:],
                data[:other] + data[start:stop] + data[other:],
                data[:start],
            )
        )
    return data
