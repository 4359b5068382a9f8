"""How a key may stand in what a client sends: as it is, as JSON or a URL escapes it, or in base64, as Basic has it."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from functools import cached_property

import orjson

LETTER = re.compile(r"[A-Za-z0-9_.-]")
"""What JSON and URLs need not escape."""

RUN = re.compile(rf"{LETTER.pattern}+")
LONGEST = 256
"""Letters of a key that are sought: enough to know it by, and few enough for a pattern."""

MOST_BACKSLASHES = 8
"""The same of backslashes, which can be read in several ways each: of thirty, a pattern would try a billion (threat R4)."""

BEGINNING = re.compile(rf"(?:[^\\]*\\){{{MOST_BACKSLASHES}}}")

STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
ESCAPE = rb"|\\(?:u[0-9a-fA-F]{4}|.)"
NEEDLESS = r"\\u00[2-7]|%(?:3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa])"
"""A letter that JSON or a URL need not escape, and does: where one is, any may be."""

NEEDLESS_IN_TEXT, NEEDLESS_IN_BODY = re.compile(NEEDLESS), re.compile(NEEDLESS.encode())

Put = Callable[[int], bytes]
"""What stands in a key's place, for so many bytes of it."""


class Spellings:
    """One key and its spellings."""

    def __init__(self, key: str) -> None:
        sought = key[:LONGEST]
        beginning = BEGINNING.match(sought)
        whole = (beginning[0] if beginning else sought).encode("utf-8", "replace")  # a command line may have bytes that are no text: no request has them
        self._key = whole.decode()
        # Base64 of a text that begins with the key begins with that of the key's whole groups of three bytes.
        self._coded = base64.b64encode(whole[: len(whole) // 3 * 3])
        self._run = max(RUN.findall(self._key), key=len, default="").encode()
        self._coded_text, self._run_text = self._coded.decode(), self._run.decode()

    @cached_property
    def _in_text(self) -> re.Pattern[bytes]:
        return re.compile(self._pattern(bare=True))

    @cached_property
    def _in_string(self) -> re.Pattern[bytes]:
        return re.compile(b"(" + self._pattern(bare=False) + b")" + ESCAPE, re.DOTALL)

    def _pattern(self, *, bare: bool) -> bytes:
        return b"".join(_letter(letter, bare=bare) for letter in self._key) + b"|" + re.escape(self._coded) + rb"[A-Za-z0-9+/]*={0,2}"

    def may_be_in(self, text: str) -> bool:
        """Whether it is worth a search. Quick, since it is asked of each part of each call."""
        return self._run_text in text or self._coded_text in text or (("%" in text or "\\u00" in text) and NEEDLESS_IN_TEXT.search(text) is not None)

    def in_text(self, text: str, instead: str) -> str:
        """A text, with `instead` where the key stood."""
        if not self.may_be_in(text):
            return text
        put = instead.encode()
        return self._in_text.sub(lambda _: put, text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    def in_body(self, body: bytes, put: Put) -> bytes:
        """A body without the key. JSON stays JSON: then only strings are searched, and no escape in them is cut."""
        if self._run not in body and self._coded not in body and not ((b"%" in body or b"\\u00" in body) and NEEDLESS_IN_BODY.search(body)):
            return body
        try:
            orjson.loads(body)
        except orjson.JSONDecodeError:
            return self._in_text.sub(lambda found: put(len(found[0])), body)

        def unit(found: re.Match[bytes]) -> bytes:
            return put(len(found[0])) if found[1] is not None else found[0]

        return STRING.sub(lambda string: self._in_string.sub(unit, string[0]), body)


def _letter(letter: str, *, bare: bool) -> bytes:
    """A pattern for one letter of a key. `bare`: outside JSON's strings, where a quote and a backslash may stand for themselves."""
    whole = letter.encode()
    units = letter.encode("utf-16-be")
    spelled = [
        b"".join(rb"\\u(?i:%b)" % units[place : place + 2].hex().encode() for place in range(0, len(units), 2)),  # JSON (RFC 8259 section 7)
        b"(?i:%b)" % b"".join(b"%%%02x" % byte for byte in whole),  # URLs (RFC 3986 section 2.1)
    ]
    if not LETTER.match(letter):
        once = orjson.dumps(letter)[1:-1]
        spelled += [re.escape(orjson.dumps(once.decode())[1:-1]), re.escape(once)]  # a message quotes values as JSON, and is a string in JSON itself
        spelled += {" ": [rb"\+"], "/": [rb"\\/", b"~1"], "~": [b"~0"]}.get(letter, [])  # forms; PHP's JSON; JSON Pointers (RFC 6901)
    if bare or letter not in '"\\':
        spelled.append(re.escape(whole))
    return b"(?:" + b"|".join(dict.fromkeys(spelled)) + b")"  # each once: what can be read in two ways is tried in both
