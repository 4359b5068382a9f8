"""Text that is fit to be shown. What came from outside is made so: no control character of it reaches a terminal, a log or a report's line."""

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


def counted(count: int, what: str) -> str:
    """A count with its noun: `1 event`, `2,000 events`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


MARKUP = re.compile(r"[!#$&*<>@\[\\\]^_`{|}~]|:(?=//)|(?<=www)\.")
"""Punctuation that Markdown, or GitHub's dialect of it, gives a meaning within a line. A backslash takes it away (CommonMark, section 2.4)."""

CODE = re.compile("`([^`]+)`|[^`]+|`")


def markdown(text: str) -> str:
    """The text within a line of Markdown, also in a cell of a table, where it is text and nothing else: no link, no HTML, no next cell.

    What stands between two backticks is shown as code: our own messages and hints are written so.
    """
    # HTML's element, since nothing in it can end it, and a bar in a span of backticks would end a cell.
    return CODE.sub(lambda match: f"<code>{_disarmed(match[1])}</code>" if match[1] else _disarmed(match[0]), printable(text))


def _disarmed(text: str) -> str:
    return MARKUP.sub(r"\\\g<0>", text)
