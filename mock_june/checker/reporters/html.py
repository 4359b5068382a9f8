"""One page to look at and to hand on: what a backfill is, and what is wrong with it. No network, no script; it opens from disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template
from markupsafe import Markup

from mock_june.checker.report import Finding, Report
from mock_june.checker.reporters.base import Reporter
from mock_june.checker.reporters.chart import chart
from mock_june.checker.reporters.marking import place_of
from mock_june.checker.statistics import Distinct, Statistics
from mock_june.model import Rule
from mock_june.text import cut, printable

AROUND = 240
"""Characters of a payload that are shown on either side of what is marked."""

VALUE = 300
"""Characters that are shown of the value that is marked, and of a message."""

TOP = 15
"""Event names that are listed."""

FILES = 20
"""Files that are listed."""


class Excerpt(NamedTuple):
    """A payload's text: `marked` is what a finding is about; `is_missing` says that it is not in the text, but should stand there."""

    before: str
    marked: str
    after: str
    is_missing: bool = False


class Bar(NamedTuple):
    """A name and how many events have it; `part` is percent of the most frequent one's."""

    name: str
    events: int
    part: float


@dataclass(frozen=True, slots=True)
class Section:
    """A rule that was broken: how often, with its texts, and the first few findings."""

    rule: Rule
    count: int
    severity: str
    hints: list[str]
    examples: list[tuple[Finding, Excerpt | None]]


class HtmlReporter(Reporter):
    """At the end, the page. It shows payloads as they are, so it is for those who may see the data."""

    needs_all = False
    needs_statistics = True

    def end(self, report: Report) -> None:
        """Writes the page."""
        statistics = report.statistics or Statistics()
        texts = {rule.id: rule for rule in self.style.catalogue()} if report.by_rule else {}
        sections = [_section(report, rule, texts.get(rule)) for rule in sorted(report.by_rule, key=lambda rule: (-report.by_rule[rule], rule))]
        self.out.writelines(
            _page().stream(
                report=report,
                statistics=statistics,
                total=statistics.total,
                kinds=sorted(statistics.by_kind.items(), key=lambda item: -item[1].events),
                chart=chart(statistics.by_month),
                names=_bars(statistics.names.most_common(TOP)),
                other_names=len(statistics.names) - TOP,
                violations=[section for section in sections if section.severity == "error"],
                warnings=[section for section in sections if section.severity != "error" and not self.style.quiet],
                files=report.files[:FILES],
            )
        )
        self.out.write("\n")


def _section(report: Report, rule: str, texts: Rule | None) -> Section:
    examples = report.examples[rule]
    hints = list(dict.fromkeys(finding.violation.hint for finding in examples if finding.violation.hint))
    shown = [(finding, excerpt(finding)) for finding in examples]
    return Section(texts or Rule(rule, "error", ""), report.by_rule[rule], report.severities[rule], hints, shown)


def excerpt(finding: Finding) -> Excerpt | None:
    """What is shown of a finding's payload. None where there is no text of it."""
    if not finding.body.strip():
        return None
    place = place_of(finding.body, finding.violation.pointer)
    if place is None:
        return Excerpt(cut(_text(finding.body), 2 * AROUND), "", "")
    before, marked, after = (_text(part) for part in (finding.body[: place[0]], finding.body[slice(*place)], finding.body[place[1] :]))
    # Of a missing member the place is the bracket before which it should stand.
    is_missing = bool(finding.violation.pointer) and marked in {"}", "]"}
    if is_missing:
        marked, after = finding.violation.pointer.rpartition("/")[2], marked + after
    return Excerpt(before if len(before) <= AROUND else "…" + before[-AROUND:], cut(marked, VALUE), cut(after, AROUND), is_missing)


def _text(part: bytes) -> str:
    return part.decode("utf-8", "replace")


def _bars(counts: Sequence[tuple[str, int]]) -> list[Bar]:
    most = max((count for _, count in counts), default=1)
    return [Bar(name, count, 100 * count / most) for name, count in counts]


@cache
def _page() -> Template:
    environment = Environment(
        loader=FunctionLoader(_asset),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.filters.update(bytes=in_bytes, number=_number, distinct=_distinct, cut=cut)
    environment.globals.update(style=Markup(_asset("page.css")), share=_share)  # noqa: S704 - a file of ours
    return environment.get_template("page.html.jinja")


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _shown(value: Any) -> Any:
    """What comes from outside has no control characters, wherever in the page it stands; the environment escapes it besides."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _number(count: int) -> str:
    return f"{count:,}"


def _distinct(distinct: Distinct) -> str:
    """A count; of an estimate only the digits that it is good for."""
    if distinct.is_exact:
        return f"{distinct.count:,}"
    unit = 10 ** max(0, len(str(distinct.count)) - 3)
    return f"about {round(distinct.count / unit) * unit:,}"


def _share(part: int, whole: int) -> str:
    """Percent, never a rounded 0 or 100 for what is neither."""
    percent = 100 * part / whole if whole else 0.0
    if 0 < percent < 0.1:
        return "less than 0.1 %"
    if 99.9 < percent < 100:
        return "more than 99.9 %"
    return f"{percent:.1f} %"


def in_bytes(size: float) -> str:
    """A size as people say it, in units of a thousand."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 99.95 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"
