"""Where a request's body ends, for the one request that a connection to a proxy carries (RFC 9112 section 6). No I/O."""

from __future__ import annotations

import re

from mock_june.intercept.heads import BadHeadError, Head

SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")
MOST_LINE = 16 * 1024
"""Bytes of a chunk's size line, or of one line of a trailer."""


class Body:
    """Gives of what comes the bytes that belong to the body, as they are; what follows it is dropped. A body that is no body ends at once."""

    def __init__(self, head: Head) -> None:
        codings = [word.strip().lower() for value in head.all("transfer-encoding") for word in value.split(",")]
        lengths = head.all("content-length")
        if codings and (codings != ["chunked"] or lengths or head.version == "HTTP/1.0"):
            raise BadHeadError("a body is chunked, or has one length")
        if len(lengths) > 1 or not all(length.isascii() and length.isdigit() and len(length) < 19 for length in lengths):
            raise BadHeadError("a body has one length, in digits")
        self._chunked = bool(codings)
        self._left = int(lengths[0]) if lengths else 0
        self._line = bytearray()
        self._done = not self._chunked and not self._left
        self._in_trailer = False
        self._after_chunk = False

    def take(self, data: bytes) -> bytes:
        """The part of `data` that is the body's."""
        at = 0
        while not self._done and at < len(data):
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
                self._done = not self._left and not self._chunked
                self._after_chunk = self._chunked
            else:
                at = self._take_line(data, at)
        return data[:at]

    def _take_line(self, data: bytes, at: int) -> int:
        """Goes on in a chunk's size line, the line end behind a chunk, or a trailer."""
        end = data.find(b"\n", at)
        stop = len(data) if end < 0 else end + 1
        self._line += data[at:stop]
        if end >= 0:
            self._read_line(bytes(self._line))
            self._line.clear()
        elif len(self._line) > MOST_LINE:
            self._done = True
        return stop

    def _read_line(self, line: bytes) -> None:
        if self._in_trailer:
            self._done = line == b"\r\n"
        elif self._after_chunk:
            self._after_chunk = False
            self._done = line != b"\r\n"
        else:
            match = SIZE.fullmatch(line)
            self._left = int(match[1], 16) if match is not None else 0
            self._in_trailer = match is not None and not self._left
            self._done = match is None
