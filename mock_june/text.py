"""Text that came from outside, made fit to be shown: no control character reaches a terminal, a log or a report's line."""

from __future__ import annotations

import re

UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]")
"""C0, DEL and C1 controls, line and paragraph separators, bidirectional controls, what is no character, and lone surrogates (of a file name of odd bytes).

Whatever XML forbids is among them (XML 1.0, section 2.2).
"""


def printable(text: str) -> str:
    r"""The text on one line, with what a terminal would act on written as `\xNN` or `\uNNNN`."""
    return UNSAFE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def plain_json(text: str) -> str:
    r"""JSON text, itself on one line, with what a terminal would act on as `\uNNNN`: the same value, since such characters stand in its strings alone."""
    return UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def cut(text: str, most: int) -> str:
    """The text, at most `most` characters long; an ellipsis stands for what went."""
    return text if len(text) <= most else text[: most - 1] + "…"
