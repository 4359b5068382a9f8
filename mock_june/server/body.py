"""Reading a body: what a client may send oddly. Content types, codings, limits. The bytes that come out are what is checked and kept."""

from __future__ import annotations

import re
import zlib

JSON_TYPES = re.compile(r"(?:application/json|text/plain|[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]*\+json)\Z")
GZIP, ZLIB, RAW = 31, 15, -15


class TooLargeError(ValueError):
    """A body over the limit, before or after inflating."""


class BadCodingError(ValueError):
    """A body that is not what its Content-Encoding says: cut, a wrong checksum, no such stream at all."""


class UnknownCodingError(ValueError):
    """A Content-Encoding that is not taken."""


def takes(content_type: str) -> bool:
    """Whether a body of this Content-Type is read: none given, JSON of any name, text/plain (what sendBeacon sends). A charset means nothing: JSON is UTF-8."""
    if content_type == "application/json":  # nearly always
        return True
    name = content_type.partition(";")[0].strip().lower()
    return not name or JSON_TYPES.match(name) is not None


def decoded(body: bytes, coding: str, limit: int) -> bytes:
    """The body as it was before its Content-Encoding, at most `limit` bytes."""
    coding = coding.strip().lower()
    if coding in {"", "identity"}:
        if len(body) > limit:
            raise TooLargeError
        return body
    if coding in {"gzip", "x-gzip"}:
        return _inflated(body, GZIP, limit)
    if coding == "deflate":
        # RFC 9110 section 8.4.1.2 means the zlib format; some clients send the bare stream (the note there).
        return _inflated(body, ZLIB if body[:1] and body[0] & 0x0F == zlib.DEFLATED and not int.from_bytes(body[:2], "big") % 31 else RAW, limit)
    raise UnknownCodingError(coding)


def _inflated(body: bytes, wbits: int, limit: int) -> bytes:
    """One stream after the other (gzip may hold several members, RFC 1952 section 2.2), never more than `limit` bytes in memory."""
    parts: list[bytes] = []
    size = 0
    while True:
        stream = zlib.decompressobj(wbits)
        try:
            part = stream.decompress(body, limit - size + 1)
        except zlib.error as error:
            raise BadCodingError(str(error)) from None
        size += len(part)
        if size > limit:
            raise TooLargeError
        parts.append(part)
        if not stream.eof:
            raise BadCodingError("the stream ends early")
        body = stream.unused_data
        if not body:
            return b"".join(parts)
        if wbits != GZIP:
            raise BadCodingError("there is more after the stream's end")
