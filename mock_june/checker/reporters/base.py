"""What every output format is: told of a run as it goes, it writes to the stream that it was given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TextIO

from mock_june.checker.report import Finding, Report
from mock_june.model import Rule


def _no_rules() -> Sequence[Rule]:
    return ()


@dataclass(frozen=True, slots=True)
class Style:
    """How to write: in `colour` (a terminal's), with `statistics`, or `quiet` (what is of no violation is left out).

    `catalogue` gives every rule with its texts; it reads a file, so only who needs the texts calls it.
    """

    colour: bool = False
    statistics: bool = False
    quiet: bool = False
    catalogue: Callable[[], Sequence[Rule]] = _no_rules


class Reporter:
    """One output format. `begin` comes first, `finding` in the order of the files and their lines, `end` last, with all counted.

    `out` takes text (UTF-8; what is no text is written as backslash escapes). A reporter neither closes nor flushes it. Findings are in no memory
    but the reporter's: a format that needs them all is to keep what it needs, bounded. `report` is the same object throughout; at `begin` only its
    `version`, `rules_hash` and `history` are known.
    """

    needs_statistics = False
    """Whether the report is to have `statistics`, of all payloads: that costs a look at each."""

    needs_all = True
    """Whether `finding` is to be called for every finding. To one that does without, the report's counts and examples are enough: many processes then
    spare themselves the telling."""

    def __init__(self, out: TextIO, style: Style | None = None) -> None:
        self.out = out
        self.style = style or Style()

    def begin(self, report: Report) -> None:
        """The run starts."""

    def finding(self, finding: Finding) -> None:
        """A violation or warning was found. It is counted in the report already. Its `body` is empty: only the report's `examples` have the payload's text."""

    def end(self, report: Report) -> None:
        """The run is over, to its end or stopped at `--max-failures` (`report.stopped`)."""
